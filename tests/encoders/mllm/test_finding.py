from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import Qwen2VLForConditionalGeneration, Qwen2VLModel

from encoders.catalogue import load_encoder, located
from models.devices import Device
from tests.contracts.encoder_contract import IMAGES, AnyEncoderContract
from tests.encoders.mllm.small_mm_embed import Sizes, tensors, write_mm_embed
from tests.encoders.mllm.small_qwen import write_qwen
from uniir.errors import ModelUnavailable, UsageError
from uniir.protocols import Encoder
from uniir.queries import Query

CPU = Device("cpu", "float32", 1)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models")
    torch.manual_seed(1)
    write_mm_embed(directory / "mine", Sizes(), tensors(Sizes()))
    write_qwen(directory / "small", "qwen2_vl")
    write_qwen(directory / "qwen3-vl-embedding-2b", "qwen3_vl")
    return directory


@pytest.fixture(scope="module")
def qwen3(models: Path) -> Encoder:
    return load_encoder("qwen3-vl-embedding-2b", CPU, models)


@pytest.fixture(scope="module")
def mm_embed(models: Path) -> Encoder:
    return load_encoder("mine", CPU, models)


class TestQwen3VlEmbedding(AnyEncoderContract):
    @pytest.fixture
    def encoder(self, qwen3: Encoder) -> Encoder:
        return qwen3


class TestMmEmbed(AnyEncoderContract):
    @pytest.fixture
    def encoder(self, mm_embed: Encoder) -> Encoder:
        return mm_embed


def test_a_directory_that_can_be_asked_in_several_ways_needs_one_named(models: Path) -> None:
    with pytest.raises(UsageError, match="lamra-ret:small, u-marvel:small"):
        located("small", models)
    assert load_encoder("lamra-ret:small", CPU, models).space.encoder == "lamra-ret:small"


def test_a_listed_model_that_is_not_here_says_how_to_get_it(models: Path) -> None:
    with pytest.raises(ModelUnavailable, match="uniir models pull mm-embed"):
        located("mm-embed", models)


def test_the_dimension_is_a_part_of_the_name_and_of_the_space(models: Path, qwen3: Encoder) -> None:
    short = load_encoder("qwen3-vl-embedding-2b,dimension=16", CPU, models)
    assert short.space.dimension == 16
    assert short.space.fingerprint != qwen3.space.fingerprint
    with pytest.raises(UsageError, match="can't be cut"):
        load_encoder("lamra-ret:small,dimension=16", CPU, models)
    with pytest.raises(UsageError, match="dimension=512"):
        located("qwen3-vl-embedding-2b,dimension=many", models)


def lora(base: torch.nn.Module, place: Path) -> torch.nn.Module:
    """Saved there; the model with it merged."""
    torch.manual_seed(2)
    tuned = get_peft_model(base, LoraConfig(r=2, target_modules=r".*language_model.*[qv]_proj", init_lora_weights=False))
    tuned.save_pretrained(place)
    return tuned.merge_and_unload()


RENAMED = {
    "as it is": lambda name: name,
    "made with an older release": lambda name: name.replace("model.language_model.layers", "model.layers"),
}


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of peft, about a name in transformers
@pytest.mark.parametrize("kind", [Qwen2VLModel, Qwen2VLForConditionalGeneration])
@pytest.mark.parametrize("renamed", RENAMED.values(), ids=list(RENAMED))
def test_an_adapter_is_merged_whichever_class_it_was_trained_on(
    models: Path, tmp_path: Path, kind: type[torch.nn.Module], renamed: Callable[[str], str]
) -> None:
    merged = lora(kind.from_pretrained(models / "small", dtype=torch.float32), tmp_path / "adapter")
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    save_file({renamed(name): tensor for name, tensor in load_file(file).items()}, file, {"format": "pt"})
    plain, tuned = (load_encoder(f"lamra-ret:small{more}", CPU, models) for more in ("", f",adapter={tmp_path / 'adapter'}"))
    own = tuned.retriever.model.model.state_dict()
    expected = {name.removeprefix("model."): tensor for name, tensor in merged.state_dict().items() if name != "lm_head.weight"}
    torch.testing.assert_close(own, expected)
    query = [Query(text="a cat on a mat")]
    apart = abs(plain.encode(plain.prepare(query, IMAGES)) - tuned.encode(tuned.prepare(query, IMAGES))).max()
    assert apart > 1e-4
    assert plain.space.fingerprint != tuned.space.fingerprint


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of peft, about a name in transformers
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (lambda tensors: {name.replace("layers.0", "layers.9"): one for name, one in tensors.items()}, r"no place for .*layers\.9"),
        (lambda tensors: {name: one for name, one in tensors.items() if "layers.0.self_attn.q_proj.lora_B" not in name}, "q_proj.lora_B"),
        (lambda tensors: {name: one[..., :3] for name, one in tensors.items()}, "can't be put on"),
        (lambda tensors: tensors | {"base_model.model.embed_tokens.weight": torch.zeros(2, 2)}, "embed_tokens"),
    ],
)
def test_an_adapter_that_does_not_wholly_fit_is_refused(
    models: Path, tmp_path: Path, changed: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], told: str
) -> None:
    lora(Qwen2VLModel.from_pretrained(models / "small", dtype=torch.float32), tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    save_file({name: one.contiguous() for name, one in changed(load_file(file)).items()}, file, {"format": "pt"})
    with pytest.raises(ModelUnavailable, match=told):
        load_encoder(f"lamra-ret:small,adapter={tmp_path}", CPU, models)


def test_something_that_is_no_adapter_is_refused(models: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no adapter"):
        located(f"lamra-ret:small,adapter={tmp_path}", models)


def test_weights_in_several_files_need_all_of_them(models: Path, tmp_path: Path) -> None:
    source = models / "mine"
    (tmp_path / "config.json").write_text((source / "config.json").read_text())
    index = {"weight_map": {"image_newline": "model-00001-of-00002.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelUnavailable, match="model-00001-of-00002"):
        load_encoder(str(tmp_path), CPU, models)
