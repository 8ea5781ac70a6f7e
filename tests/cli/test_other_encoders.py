"""Collections of encoders that other libraries saved: from ingest to an explained hit, and what a model of one kind refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Cli
from tests.folders import lay, picture

pytestmark = pytest.mark.slow
CORPUS = {"cat.jpg": picture(1, (60, 40)), "dog.jpg": picture(2, (40, 60)), "dog.txt": "a dog runs", "note.txt": "a train in the snow"}


@pytest.fixture
def small_clip(tmp_path: Path) -> Path:
    pytest.importorskip("transformers", reason="transformers is not installed (extra `models`)")
    from tests.encoders.zero_shot.saved import clip

    clip(tmp_path / "clip")
    return tmp_path / "clip"


@pytest.fixture
def texts_only(tmp_path: Path) -> Path:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed (extra `sentence-transformers`)")
    from tests.encoders.sentences.saved import texts

    texts(tmp_path / "texts")
    return tmp_path / "texts"


def test_a_clip_is_ingested_searched_and_explained(uniir: Cli, tmp_path: Path, small_clip: Path) -> None:
    corpus = lay(tmp_path / "corpus", CORPUS)
    done = uniir("ingest", corpus, "--encoder", small_clip)
    assert done.code == 0, done.err
    (found,) = uniir("search", "--image", corpus / "cat.jpg", "--target", "image", "-k", 1, "--json").json["hits"]
    assert found["path"].endswith("cat.jpg")
    hits = uniir("search", "a dog runs", "--json").json["hits"]
    assert {hit["modality"] for hit in hits} == {"text", "image", "image,text"}


def test_a_model_of_texts_keeps_pictures_out_in_words(uniir: Cli, tmp_path: Path, texts_only: Path) -> None:
    corpus = lay(tmp_path / "corpus", CORPUS)
    done = uniir("ingest", corpus, "--encoder", f"st:{texts_only}")
    assert done.code == 3
    assert "the encoder takes text, not image" in done.err
    assert "[not-accepted]" in done.err
    (hit,) = uniir("search", "a train", "--json").json["hits"]
    assert hit["path"].endswith("note.txt")
    refused = uniir("search", "--image", corpus / "cat.jpg")
    assert refused.code == 2
    assert "takes text only" in refused.err
