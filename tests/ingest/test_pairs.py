"""Pictures with sidecars: one document that has both."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Worlds
from tests.folders import Link, picture, rewrite
from tests.ingest.manifests import manifest
from uniir.documents import Modality


@pytest.mark.parametrize("sidecar", ["cat.txt", "cat.md", "cat.TXT"])
def test_a_text_of_the_same_stem_is_a_picture_s_caption(world: Worlds, sidecar: str) -> None:
    here = world({"cat.jpg": picture(), sidecar: "  a cat on a mat\n"})
    assert here.ingest().added == 1
    (document,) = here.documents().values()
    assert (document.modality, document.text) == (Modality.IMAGE_TEXT, "a cat on a mat")
    assert document.source.path == "cat.jpg"


@pytest.mark.parametrize("field", ["txt", "text", "caption"])
def test_a_json_sidecar_gives_caption_and_metadata(world: Worlds, field: str) -> None:
    here = world({"cat.jpg": picture(), "cat.json": json.dumps({field: "a cat", "year": 1999, "tags": ["x"]})})
    here.ingest()
    (document,) = here.documents().values()
    assert (document.modality, document.text, document.metadata) == (Modality.IMAGE_TEXT, "a cat", {"year": 1999, "tags": ["x"]})


def test_a_json_sidecar_without_a_caption_gives_metadata_alone(world: Worlds) -> None:
    here = world({"cat.jpg": picture(), "cat.json": json.dumps({"year": 1999})})
    here.ingest()
    (document,) = here.documents().values()
    assert (document.modality, document.text, document.metadata) == (Modality.IMAGE, None, {"year": 1999})


def test_several_sidecars_are_joined_in_a_fixed_order(world: Worlds) -> None:
    here = world({"cat.jpg": picture(), "cat.json": '{"txt": "third"}', "cat.md": "second", "cat.txt": "first"})
    here.ingest()
    assert here.documents()["cat.jpg"].text == "first\n\nsecond\n\nthird"


def test_a_sidecar_serves_every_picture_of_its_stem(world: Worlds) -> None:
    here = world({"cat.jpg": picture(1), "cat.png": picture(2, kind="PNG"), "cat.txt": "a cat"})
    here.ingest()
    assert {place: document.text for place, document in here.documents().items()} == {"cat.jpg": "a cat", "cat.png": "a cat"}


def test_only_the_same_folder_and_the_whole_stem_count(world: Worlds) -> None:
    here = world({"cat.jpg": picture(1), "cats.txt": "many", "in": {"cat.txt": "deep"}, "Cat.txt": "capital"})
    here.ingest()
    assert {place: document.modality for place, document in here.documents().items()} == {
        "cat.jpg": Modality.IMAGE,
        "cats.txt": Modality.TEXT,
        "in/cat.txt": Modality.TEXT,
        "Cat.txt": Modality.TEXT,
    }


def test_a_sidecar_that_appears_makes_a_pair_of_the_same_document(world: Worlds) -> None:
    here = world({"cat.jpg": picture()})
    here.ingest()
    before = here.ids()
    here.lay({"cat.txt": "a cat"})
    assert here.ingest().changed == 1
    assert here.ids() == before
    assert here.documents()["cat.jpg"].modality is Modality.IMAGE_TEXT


def test_a_sidecar_that_vanishes_leaves_the_picture(world: Worlds) -> None:
    here = world({"cat.jpg": picture(), "cat.txt": "a cat"})
    here.ingest()
    before = here.ids()
    (here.corpus / "cat.txt").unlink()
    assert here.ingest().changed == 1
    assert here.ids() == before
    assert here.documents()["cat.jpg"].modality is Modality.IMAGE


def test_a_text_becomes_a_caption_when_its_picture_appears_and_a_text_again_when_it_goes(world: Worlds) -> None:
    here = world({"cat.txt": "a cat", "stays.txt": "stays"})
    here.ingest()
    here.lay({"cat.jpg": picture()})
    here.ingest()
    assert here.documents().keys() == {"cat.jpg", "stays.txt"}
    (here.corpus / "cat.jpg").unlink()
    here.ingest(prune=True)
    assert here.documents().keys() == {"cat.txt", "stays.txt"}
    assert here.checks() == []


def test_a_changed_caption_changes_the_pair(world: Worlds) -> None:
    here = world({"cat.jpg": picture(), "cat.txt": "a cat"})
    here.ingest()
    before = here.ids()
    rewrite(here.corpus / "cat.txt", "a tiger")
    assert here.ingest().changed == 1
    assert here.ids() == before
    assert here.documents()["cat.jpg"].text == "a tiger"


def test_a_pair_that_moves_with_its_sidecar_keeps_its_document(world: Worlds) -> None:
    here = world({"cat.jpg": picture(), "cat.txt": "a cat"})
    here.ingest()
    before = here.ids()["cat.jpg"]
    (here.corpus / "in").mkdir()
    for name in ("cat.jpg", "cat.txt"):
        (here.corpus / name).rename(here.corpus / "in" / name)
    assert here.ingest().moved == 1
    assert here.ids() == {"in/cat.jpg": before}


@pytest.mark.parametrize(
    ("sidecar", "content", "code"),
    [
        ("cat.txt", b"", "text-empty"),
        ("cat.txt", b"  \n", "text-empty"),
        ("cat.txt", b"a\0b", "text-nul"),
        ("cat.txt", b"caf\xe9", "text-not-utf8"),
        ("cat.json", b"", "text-empty"),
        ("cat.json", b"{", "sidecar-not-json"),
        ("cat.json", b"[1]", "sidecar-not-json"),
        ("cat.json", b'{"a": "\\u0000"}', "text-nul"),
        ("cat.json", b'{"\\ud800": 1}', "text-surrogate"),
        ("cat.json", b'{"a": NaN}', "sidecar-not-json"),
        ("cat.json", b"[" * 5000, "sidecar-not-json"),
    ],
)
def test_a_sidecar_that_can_not_be_used_fails_its_picture_by_name(world: Worlds, sidecar: str, content: bytes, code: str) -> None:
    here = world({"cat.jpg": picture(), sidecar: content, "dog.jpg": picture(2)})
    counts = here.ingest()
    assert here.failed(counts) == {"cat.jpg": code}
    assert sidecar in counts.failed[0].reason
    assert here.documents().keys() == {"dog.jpg"}


def test_a_caption_that_leads_nowhere_leaves_the_picture_and_is_reported(world: Worlds) -> None:
    here = world({"cat.jpg": picture(), "cat.txt": Link("nowhere")})
    counts = here.ingest()
    assert here.failed(counts) == {"cat.txt": "unreadable"}
    assert here.documents()["cat.jpg"].modality is Modality.IMAGE


def test_naming_the_sidecar_ingests_the_pair(world: Worlds) -> None:
    here = world({"cat.jpg": picture(), "cat.txt": "a cat", "dog.jpg": picture(2)})
    assert here.ingest("cat.txt").added == 1
    assert here.documents().keys() == {"cat.jpg"}


def test_a_text_beside_a_picture_of_a_manifest_is_a_text(world: Worlds) -> None:
    here = world({"list.jsonl": manifest({"did": "1", "img_path": "cat.jpg"}), "cat.jpg": picture(), "cat.txt": "a cat"})
    here.ingest()
    assert here.documents().keys() == {"list.jsonl#did=1", "cat.txt"}
