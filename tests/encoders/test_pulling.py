"""Fetching whole repositories from a hub on loopback, and looking later whether they are still as they were fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from encoders.hub import Hub
from encoders.pulling import Pulled, pull, verify
from models.places import described
from tests.fake_hub import COMMIT, FakeRepository, serving_repository
from uniir.errors import ModelUnavailable, UsageError

WEIGHTS = bytes(range(256)) * 200
FILES = {
    "config.json": b'{"model_type": "clip"}',
    "model.safetensors": WEIGHTS,
    "1_Dense/model.safetensors": WEIGHTS[::-1],
    "tokenizer.json": b"{}",
    "special_tokens_map.json": b"",
    "README.md": b"read me",
    "modeling_own.py": b"raise SystemExit",
    "pytorch_model.bin": b"a pickle",
    "onnx/model.onnx": b"another copy",
    "onnx/config.json": b"{}",
    "open_clip_model.safetensors": b"another copy",
}
TAKEN = {"config.json", "model.safetensors", "1_Dense/model.safetensors", "tokenizer.json", "special_tokens_map.json"}


@pytest.fixture
def repository() -> Iterator[FakeRepository]:
    with serving_repository(FakeRepository(dict(FILES))) as hub:
        yield hub


def pulled(hub: FakeRepository, models: Path, name: str = "somebody/model", revision: str | None = None) -> Pulled:
    return pull(name, models, Hub(hub.address, pause=0), revision, lambda done, whole: None)


def test_what_a_model_is_read_from_is_fetched_and_nothing_else(repository: FakeRepository, tmp_path: Path) -> None:
    done = pulled(repository, tmp_path)
    assert (done.name, done.origin) == ("somebody--model", f"somebody/model@{COMMIT}")
    place = tmp_path / "somebody--model"
    there = {file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file()}
    assert there == TAKEN | {"origin.json"}
    assert all((place / name).read_bytes() == FILES[name] for name in TAKEN)
    assert not list(tmp_path.glob(".*"))
    assert described(place) == {
        "library": "transformers",
        "model_type": "clip",
        "megabytes": 0,
        "repository": "somebody/model",
        "commit": COMMIT,
    }


def test_what_was_cut_off_goes_on_and_whole_files_are_not_fetched_again(repository: FakeRepository, tmp_path: Path) -> None:
    repository.cuts = [len(WEIGHTS), 20_000, 0, 0, 0, 0, 0]
    with pytest.raises(ModelUnavailable, match="goes on from there"):
        pulled(repository, tmp_path)
    before = list(repository.asked)
    repository.asked.clear()
    pulled(repository, tmp_path)
    assert before[0] == "1_Dense/model.safetensors"
    assert "1_Dense/model.safetensors" not in repository.asked
    assert (tmp_path / "somebody--model" / "model.safetensors").read_bytes() == WEIGHTS


def test_a_listed_model_is_pulled_by_its_name(tmp_path: Path) -> None:
    with serving_repository(FakeRepository(dict(FILES), "openai/clip-vit-large-patch14")) as hub:
        assert pulled(hub, tmp_path, "clip-large").name == "clip-large"
        with pytest.raises(UsageError, match=r"is in .* already"):
            pulled(hub, tmp_path, "clip-large")


def test_another_revision_can_be_asked_for(repository: FakeRepository, tmp_path: Path) -> None:
    assert pulled(repository, tmp_path, revision="refs/pr/1").origin.endswith(COMMIT)
    with pytest.raises(ModelUnavailable, match="has no somebody/model at gone"):
        pulled(repository, tmp_path / "other", revision="gone")


def test_a_repository_of_pickles_alone_is_refused_before_anything_is_fetched(repository: FakeRepository, tmp_path: Path) -> None:
    for name in ("model.safetensors", "1_Dense/model.safetensors"):
        del repository.files[name]
    with pytest.raises(ModelUnavailable, match="no weights in safetensors"):
        pulled(repository, tmp_path)
    assert repository.asked == []


def test_a_hub_can_not_write_outside_of_the_folder(repository: FakeRepository, tmp_path: Path) -> None:
    repository.files["../outside.json"] = b"{}"
    pulled(repository, tmp_path / "models")
    assert not list(tmp_path.rglob("outside.json"))


def test_offline_and_what_nobody_knows(repository: FakeRepository, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="HF_HUB_OFFLINE"):
        pull("somebody/model", tmp_path, Hub(repository.address, offline=True), None, lambda done, whole: None)
    with pytest.raises(UsageError, match="There is no 'startre' to be pulled"):
        pulled(repository, tmp_path, "startre")


def test_a_file_that_changed_is_found_out(repository: FakeRepository, tmp_path: Path) -> None:
    pulled(repository, tmp_path)
    place = tmp_path / "somebody--model"
    assert len(verify(place)) == 64
    (place / "tokenizer.json").write_text("{ }")
    with pytest.raises(ModelUnavailable, match=r"tokenizer\.json changed"):
        verify(place)
    (place / "origin.json").write_text(json.dumps({}))
    with pytest.raises(UsageError, match="Nothing was written down"):
        verify(place)
