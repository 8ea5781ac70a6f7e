"""Finding and reading what transformers saved, and saying what is wrong with what it did not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from encoders.catalogue import load_encoder, weights_are_here
from encoders.zero_shot import SPECS, located
from models.devices import Device
from uniir.errors import ModelUnavailable, UsageError

DEVICE = Device(threads=1)


@pytest.fixture
def copy(saved: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    def copied(name: str) -> Path:
        return shutil.copytree(saved(name), tmp_path / name)

    return copied


def test_a_directory_is_known_by_its_configuration(copy: Callable[[str], Path], tmp_path: Path) -> None:
    place = copy("siglip")
    encoder = load_encoder("siglip", DEVICE, tmp_path)
    assert (encoder.space.encoder, encoder.space.dimension, encoder.space.dtype) == ("siglip", 32, "float32")
    assert load_encoder(str(place), DEVICE, tmp_path / "elsewhere").space.encoder == str(place)


def test_a_listed_model_goes_by_its_name_once_it_is_here(copy: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="uniir models pull clip-large"):
        located("clip-large", tmp_path)
    assert not weights_are_here("clip-large", tmp_path)
    copy("clip").rename(tmp_path / "clip-large")
    assert weights_are_here("clip-large", tmp_path)
    assert load_encoder("clip-large", DEVICE, tmp_path).space.encoder == "clip-large"


def test_what_another_library_or_architecture_saved_is_named(tmp_path: Path) -> None:
    for name, config, words in (
        ("llama", {"config.json": {"model_type": "llama"}}, "type 'llama' for the library transformers"),
        ("adapter", {"adapter_config.json": {}}, "an adapter without the model"),
        ("open_clip", {"open_clip_config.json": {}}, "open_clip's own format"),
        ("folder", {}, "no model that is known here"),
    ):
        (tmp_path / name).mkdir()
        for file, content in config.items():
            (tmp_path / name / file).write_text(json.dumps(content))
        with pytest.raises(UsageError, match=words):
            load_encoder(str(tmp_path / name), DEVICE, tmp_path / "models")


def test_weights_that_lack_something_are_refused_by_name(copy: Callable[[str], Path]) -> None:
    place = copy("blip")
    tensors = load_file(place / "model.safetensors")
    del tensors["text_proj.weight"]
    save_file(tensors, place / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"no whole BlipForImageTextRetrieval: text_proj\.weight missing"):
        load_encoder(str(place), DEVICE)


def test_a_pickle_is_not_read(copy: Callable[[str], Path]) -> None:
    place = copy("clip")
    (place / "model.safetensors").rename(place / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="can't be read"):
        load_encoder(str(place), DEVICE)


def test_damaged_weights_and_missing_parts_are_told(copy: Callable[[str], Path], tmp_path: Path) -> None:
    place = copy("clip")
    weights = (place / "model.safetensors").read_bytes()
    (place / "model.safetensors").write_bytes(weights[:1000])
    with pytest.raises(ModelUnavailable, match=r"weights in .* can't be read"):
        load_encoder(str(place), DEVICE)
    (place / "model.safetensors").write_bytes(weights)
    (place / "preprocessor_config.json").unlink()
    with pytest.raises(ModelUnavailable, match="wants its pictures"):
        load_encoder(str(place), DEVICE)


def test_code_beside_the_weights_is_never_run(copy: Callable[[str], Path], tmp_path: Path) -> None:
    place = copy("clip")
    ran = tmp_path / "ran"
    (place / "modeling_own.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    config = json.loads((place / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "modeling_own.Model", "AutoTokenizer": ["modeling_own.T", None]}
    (place / "config.json").write_text(json.dumps(config))
    load_encoder(str(place), DEVICE)
    assert not ran.exists()


def test_other_weights_or_another_way_of_preparing_are_another_space(copy: Callable[[str], Path], saved: Callable[[str], Path]) -> None:
    place = copy("clip")
    before = load_encoder(str(place), DEVICE).space
    tensors = load_file(place / "model.safetensors")
    save_file({name: tensor * 1.01 for name, tensor in tensors.items()}, place / "model.safetensors", {"format": "pt"})
    assert load_encoder(str(place), DEVICE).space.weights != before.weights
    settings = json.loads((place / "preprocessor_config.json").read_text())
    (place / "preprocessor_config.json").write_text(json.dumps(settings | {"resample": 2}))
    assert load_encoder(str(place), DEVICE).space.preprocessing != before.preprocessing


def test_every_row_says_where_it_is_from() -> None:
    for spec in SPECS:
        assert spec.repository is not None
        assert spec.repository.name in spec.weights_from
        assert spec.licence


def test_a_library_that_a_tokenizer_needs_is_named(copy: Callable[[str], Path]) -> None:
    if find_spec("sentencepiece") is not None:
        pytest.skip("sentencepiece is installed")
    place = copy("siglip")
    settings = json.loads((place / "tokenizer_config.json").read_text())
    (place / "tokenizer_config.json").write_text(json.dumps(settings | {"tokenizer_class": "SiglipTokenizer"}))
    (place / "tokenizer.json").unlink()
    (place / "spiece.model").write_bytes(b"")
    with pytest.raises(ModelUnavailable, match="needs sentencepiece"):
        load_encoder(str(place), DEVICE)
