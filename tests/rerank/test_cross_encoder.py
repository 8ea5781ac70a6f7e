from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from models.devices import Device
from rerank.catalogue import load_model_reranker
from tests.contracts.reranker_contract import SOURCE, RerankerContract, text
from uniir.documents import Document, ImageReference, Modality
from uniir.errors import ModelUnavailable
from uniir.images import FileImages
from uniir.protocols import Reranker, Versioned
from uniir.queries import Query

CPU = Device("cpu", "float32", 1)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cross")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(
        ["a dog runs in the snow", "boil pasta"], trainers.WordPieceTrainer(vocab_size=80, special_tokens=special)
    )
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64}
    model = BertForSequenceClassification(BertConfig(vocab_size=80, num_labels=1, **sizes))
    for parameter in model.parameters():
        parameter.data += torch.randn_like(parameter) * 0.2
    model.save_pretrained(made / "plain")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names).save_pretrained(made / "plain")
    CrossEncoder(str(made / "plain"), device="cpu").save_pretrained(str(made / "saved"))
    return made / "saved"


@pytest.fixture(scope="module")
def loaded(directory: Path) -> Reranker:
    return load_model_reranker(f"cross-encoder:{directory}", CPU, directory, FileImages())


class TestCrossEncoder(RerankerContract):
    """A random model promises all but to know what fits."""

    test_the_answer_comes_before_what_has_nothing_to_do_with_it = None

    @pytest.fixture
    def reranker(self, loaded: Reranker) -> Reranker:
        return loaded


def test_a_model_of_texts_reads_no_pictures(loaded: Reranker) -> None:
    picture = Document(id=1, modality=Modality.IMAGE, image=ImageReference(Path("/gone.png")), source=SOURCE)
    assert not loaded.reads(Query(text="a dog"), picture)
    assert loaded.reading == "texts"


def test_scores_are_the_models_own_through_a_sigmoid(loaded: Reranker, directory: Path) -> None:
    raw = CrossEncoder(str(directory), device="cpu").predict([("a dog", "a dog runs")], activation_fn=torch.nn.Identity())
    assert float(loaded.score(Query(text="a dog"), [text("a dog runs")])[0]) == pytest.approx(
        float(torch.sigmoid(torch.tensor(raw[0]))), abs=1e-5
    )


def test_beside_an_encoder_in_eight_bits_it_computes_as_by_itself(directory: Path) -> None:
    name, documents = f"cross-encoder:{directory}", [text("a dog runs"), text("boil pasta")]
    made, auto = (load_model_reranker(name, Device("cpu", dtype, 1), directory, FileImages()) for dtype in ("int8", "auto"))
    np.testing.assert_array_equal(made.score(Query(text="a dog"), documents), auto.score(Query(text="a dog"), documents))


def test_a_directory_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="can't be read"):
        load_model_reranker(f"cross-encoder:{tmp_path}", CPU, tmp_path, FileImages())


def test_scores_belong_to_the_weights_and_nothing_is_computed_twice(
    loaded: Reranker, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = shutil.copytree(directory, tmp_path / "other")
    tensors = load_file(other / "model.safetensors")
    save_file({name: tensor * 1.1 for name, tensor in tensors.items()}, other / "model.safetensors", {"format": "pt"})
    changed = load_model_reranker(f"cross-encoder:{other}", CPU, directory, FileImages())
    assert isinstance(loaded, Versioned)
    assert isinstance(changed, Versioned)
    assert changed.version != loaded.version
    first = loaded.score(Query(text="a dog"), [text("a dog runs"), text("boil pasta")])
    monkeypatch.setattr(CrossEncoder, "predict", lambda *_, **__: pytest.fail("computed again"))
    np.testing.assert_array_equal(loaded.score(Query(text="a dog"), [text("boil pasta", 8), text("a dog runs", 9)]), first[::-1])
