"""uniir models list, show, pull, convert, check, remove; and a checkpoint as the encoder of a collection."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from encoders.uniir_family import PUBLISHED
from tests.cli.running import Cli
from tests.fake_hub import COMMIT, FakeHub, FakeRepository, serving, serving_repository
from uniir.settings import models_directory

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "uniir"
PICTURES = GOLDEN / "mbeir_mini" / "mbeir_images"


@pytest.fixture
def with_torch() -> None:
    for library in ("torch", "ftfy"):
        pytest.importorskip(library, reason=f"{library} is not installed (extra `models`)")


def test_the_list_says_what_is_here(uniir: Cli) -> None:
    rows = {row["name"]: row for row in uniir("models", "list", "--json").json["models"]}
    assert rows["starter"]["here"]
    assert not rows["clip-sf-large"]["here"]
    assert rows["clip-sf-large"]["licence"] == "MIT"
    assert uniir("models").out == uniir("models", "list").out


def test_one_model_can_be_shown(uniir: Cli) -> None:
    shown = uniir("models", "show", "blip-ff-large")
    assert "TIGER-Lab/UniIR" in shown.out
    assert "here: no" in shown.out
    assert uniir("models", "show", "blip-ff-large", "--json").json["model"]["dimension"] == 768


def test_rerankers_are_listed_and_shown_too(uniir: Cli) -> None:
    rows = {row["name"]: row for row in uniir("models", "list", "--json").json["rerankers"]}
    assert rows["text"]["here"]
    assert not rows["lamra-rank"]["here"]
    assert "uniir models pull lamra-rank" in uniir("models", "show", "lamra-rank").out


def test_a_licence_is_told_before_anything_is_fetched(uniir: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    told = uniir("models", "pull", "mm-embed")
    assert told.code == 4
    assert told.err.index("CC-BY-NC-4.0; commercial use: not allowed") < told.err.index("can't be reached")
    assert "Apache-2.0" in uniir("models", "pull", "qwen3-vl-reranker-2b").err


def test_a_model_that_nobody_knows_is_a_mistake(uniir: Cli) -> None:
    for words in (("show", "startre"), ("remove", "startre", "--yes"), ("remove", "..", "--yes"), ("show", "starter/..")):
        assert uniir("models", *words).code == 2


def test_only_what_the_hub_has_can_be_pulled(uniir: Cli) -> None:
    refused = uniir("models", "pull", "clip-ff-large")
    assert refused.code == 2
    assert "There is no clip-ff-large to be pulled. Its weights: none were found in TIGER-Lab/UniIR" in refused.err


@pytest.mark.parametrize("typed", ["clip-sf-larg", "CLIP_SF_large", "clip sf large"])
@pytest.mark.parametrize("command", ["pull", "show", "check"])
def test_a_misspelt_name_is_answered_with_the_nearest(uniir: Cli, command: str, typed: str) -> None:
    refused = uniir("models", command, typed)
    assert (refused.code, "Near it: clip-sf-large, " in refused.err) == (2, True), refused.err


@pytest.mark.usefixtures("with_torch")
class TestPulling:
    def test_a_model_is_pulled_converted_and_used_by_its_name(self, uniir: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = PUBLISHED["clip-sf-large"]
        content = (GOLDEN / "clip_sf.pth").read_bytes()
        with serving(FakeHub(content, file.path, file.repository)) as hub:
            monkeypatch.setenv("HF_ENDPOINT", hub.address)
            hub.cuts = [100_000]
            done = uniir("models", "pull", "clip-sf-large")
        assert done.code == 0
        assert f"TIGER-Lab/UniIR@{COMMIT}/{file.path}" in done.out
        assert "3 of 3 MB" in done.err
        assert len(hub.ranges) == 2
        assert sorted(path.name for path in models_directory().iterdir()) == ["clip-sf-large"]
        (tmp_path / "note.txt").write_text("a note about a rocket")
        assert uniir("ingest", tmp_path / "note.txt", "--encoder", "clip-sf-large").code == 0
        assert uniir("search", "rocket", "--json").json["hits"]
        assert "is in" in uniir("models", "pull", "clip-sf-large").err

    def test_without_a_hub_and_offline_there_is_a_way_out(self, uniir: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        for words, offline in (("can't be reached", ""), ("HF_HUB_OFFLINE", "1")):
            monkeypatch.setenv("HF_HUB_OFFLINE", offline)
            refused = uniir("models", "pull", "clip-sf-large")
            assert refused.code == 4
            assert words in refused.err
            assert "uniir models convert" in refused.err


def test_a_repository_is_pulled_shown_checked_and_removed(uniir: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"config.json": b'{"model_type": "clip"}', "model.safetensors": bytes(20_000), "tokenizer.json": b"{}"}
    with serving_repository(FakeRepository(files)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        done = uniir("models", "pull", "somebody/model")
    assert done.code == 0, done.err
    assert f"somebody/model@{COMMIT}" in done.out
    assert "--encoder somebody--model" in done.out
    (own,) = uniir("models", "list", "--json").json["own"]
    assert (own["name"], own["library"], own["model_type"], own["commit"]) == ("somebody--model", "transformers", "clip", COMMIT)
    assert "a model of the type 'clip' for the library transformers" in uniir("models").out
    assert f"commit: {COMMIT}" in uniir("models", "show", "somebody--model").out
    assert "as written, SHA-256" in uniir("models", "check", "somebody--model").out
    assert uniir("models", "remove", "somebody--model", "--yes").code == 0
    assert uniir("models", "show", "somebody--model").code == 2


def test_every_listed_model_is_told_with_what_one_must_know(uniir: Cli) -> None:
    rows = {row["name"]: row for row in uniir("models", "list", "--json").json["models"]}
    for name in ("clip-large", "siglip2-large", "blip2", "st-minilm"):
        assert all(rows[name][field] for field in ("dimension", "megabytes", "licence", "commercial_use", "revision", "weights_from"))
        assert rows[name]["here"] is False
        assert uniir("models", "show", name).code == 0


@pytest.mark.usefixtures("with_torch")
class TestConverting:
    def test_a_converted_checkpoint_is_shown_checked_and_removed(self, uniir: Cli) -> None:
        place = models_directory() / "mine"
        done = uniir("models", "convert", GOLDEN / "blip_sf.pth", place, "--vision-heads", 3, "--text-heads", 4, "--json").json
        assert (done["architecture"], done["vision_heads"], done["converted_from"]) == ("BLIP_SF", 3, "blip_sf.pth")
        assert uniir("models", "list", "--json").json["own"][0]["name"] == "mine"
        assert "mine (your own)" in uniir("models").out
        assert "architecture: BLIP_SF" in uniir("models", "show", "mine").out
        assert done["weights_sha256"] in uniir("models", "check", "mine").out
        assert uniir("models", "remove", "mine", "--yes").code == 0
        assert not place.exists()

    def test_heads_that_are_not_known_are_asked_for(self, uniir: Cli, tmp_path: Path) -> None:
        refused = uniir("models", "convert", GOLDEN / "blip_ff.pth", tmp_path / "out")
        assert refused.code == 2
        assert "--vision-heads" in refused.err

    def test_weights_that_changed_are_found_out(self, uniir: Cli, tmp_path: Path) -> None:
        assert "CLIP_SF, dimension 48" in uniir("models", "convert", GOLDEN / "clip_sf.pth", tmp_path / "out").out
        file = tmp_path / "out" / "model.safetensors"
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        changed = uniir("models", "check", tmp_path / "out")
        assert changed.code == 4
        assert "not those that were written" in changed.err


@pytest.mark.usefixtures("with_torch")
def test_a_checkpoint_can_be_a_collections_encoder_by_its_path(uniir: Cli, tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    for picture in PICTURES.iterdir():
        shutil.copy(picture, tmp_path / "corpus")
    (tmp_path / "corpus" / "note.txt").write_text("a note about a rocket")
    checkpoint = tmp_path / "mine.pth"
    shutil.copy(GOLDEN / "clip_ff.pth", checkpoint)
    assert uniir("ingest", tmp_path / "corpus", "--encoder", checkpoint).code == 0
    found = uniir("search", "--image", PICTURES / "cat_rgb_451x300.jpg", "--target", "image", "--json").json["hits"]
    assert len(found) == 6
    checkpoint.unlink()
    gone = uniir("search", "rocket")
    assert gone.code != 0
    assert "mine.pth" in gone.err
