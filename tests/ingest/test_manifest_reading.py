"""What the lines of a manifest mean, and which are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.manifests import ManifestLine, RefusedLine, read_manifest
from tests.folders import Tree, lay, picture
from tests.ingest.manifests import manifest
from uniir.documents import Modality
from uniir.errors import InputFailure

GOOD = {"did": "1:0", "txt": "a first line that can be used"}


def read(place: Path, *lines: Any, tree: Tree | None = None) -> list[ManifestLine | RefusedLine]:
    lay(place / "corpus", {**(tree or {}), "list.jsonl": manifest(*lines)})
    return list(read_manifest(place / "corpus" / "list.jsonl"))


def refusal(place: Path, line: Any, tree: Tree | None = None) -> tuple[str, str]:
    """Code and reason of a line that is refused, behind one that is not."""
    _, refused = read(place, GOOD, line, tree=tree)
    assert isinstance(refused, RefusedLine), refused
    return refused.code, refused.reason


def test_the_schema_of_m_beir_is_read(tmp_path: Path) -> None:
    line = {"did": "9:17", "txt": "a cat", "img_path": "pics/cat.jpg", "modality": "image,text", "src_content": None, "year": 1999}
    (found,) = read(tmp_path, line, tree={"pics/cat.jpg": picture()})
    assert isinstance(found, ManifestLine)
    assert (found.did, found.locator, found.modality, found.text) == ("9:17", "did=9:17", Modality.IMAGE_TEXT, "a cat")
    assert found.picture == tmp_path / "corpus" / "pics" / "cat.jpg"
    assert found.metadata == {"src_content": None, "year": 1999}


@pytest.mark.parametrize("spelling", ["image,text", "text,image", "Image, Text", " TEXT,IMAGE"])
def test_every_spelling_of_a_pair_means_a_pair(tmp_path: Path, spelling: str) -> None:
    (found,) = read(tmp_path, {"txt": "a cat", "img_path": "cat.jpg", "modality": spelling}, tree={"cat.jpg": picture()})
    assert isinstance(found, ManifestLine)
    assert found.modality is Modality.IMAGE_TEXT


@pytest.mark.parametrize(
    ("line", "modality"),
    [
        ({"txt": "words"}, Modality.TEXT),
        ({"txt": None, "img_path": "cat.jpg"}, Modality.IMAGE),
        ({"txt": " ", "img_path": "cat.jpg"}, Modality.IMAGE),
        ({"txt": "words", "img_path": ""}, Modality.TEXT),
        ({"txt": "words", "img_path": "cat.jpg"}, Modality.IMAGE_TEXT),
    ],
)
def test_a_line_without_modality_is_what_it_holds(tmp_path: Path, line: dict[str, Any], modality: Modality) -> None:
    (found,) = read(tmp_path, line, tree={"cat.jpg": picture()})
    assert isinstance(found, ManifestLine)
    assert found.modality is modality


def test_a_modality_leaves_out_the_part_it_does_not_name(tmp_path: Path) -> None:
    (found,) = read(tmp_path, {"txt": "words", "img_path": "cat.jpg", "modality": "image"}, tree={"cat.jpg": picture()})
    assert isinstance(found, ManifestLine)
    assert (found.modality, found.text) == (Modality.IMAGE, None)


def test_a_picture_is_found_up_to_three_directories_above_the_manifest(tmp_path: Path) -> None:
    pool = lay(tmp_path / "M-BEIR", {"mbeir_images/a/cat.jpg": picture(), "cand_pool/local/pool.jsonl": ""}) / "cand_pool/local/pool.jsonl"
    pool.write_bytes(manifest({"img_path": "mbeir_images/a/cat.jpg"}))
    (found,) = read_manifest(pool)
    assert isinstance(found, ManifestLine)
    assert found.picture == tmp_path / "M-BEIR/mbeir_images/a/cat.jpg"


def test_blank_lines_are_no_lines(tmp_path: Path) -> None:
    found = read(tmp_path, "", {"txt": "one"}, "  ", {"txt": "two"}, "")
    assert [line.locator for line in found] == ["line=2", "line=4"]


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    (found,) = read(tmp_path, b"\xef\xbb\xbf" + json.dumps({"txt": "one"}).encode())
    assert isinstance(found, ManifestLine)


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("{not json", "manifest-schema", "JSON"),
        ('{"txt": "cut off', "manifest-schema", "JSON"),
        (b'{"txt": "\xff"}', "manifest-schema", "UTF-8"),
        ("[1, 2]", "manifest-schema", "object"),
        ("null", "manifest-schema", "object"),
        ({"did": "5:5"}, "manifest-schema", "txt"),
        ({"txt": 5}, "manifest-schema", "txt"),
        ({"img_path": ["cat.jpg"]}, "manifest-schema", "img_path"),
        ({"txt": ""}, "text-empty", "empty"),
        ({"txt": "  \n"}, "text-empty", "empty"),
        ({"txt": None, "img_path": None}, "manifest-schema", "neither"),
        ({"txt": "a", "modality": "video"}, "manifest-schema", "video"),
        ({"txt": "a", "modality": "image"}, "manifest-schema", "lacks"),
        ({"txt": "a", "modality": "image,text"}, "manifest-schema", "lacks"),
        ({"txt": "a\0b"}, "text-nul", "NUL"),
        ('{"txt": "lone \\ud800"}', "text-surrogate", "surrogate"),
        ('{"txt": "a", "did": "\\ud800"}', "text-surrogate", "did"),
        ({"txt": "a", "did": "\0"}, "text-nul", "did"),
        ({"txt": "a", "extra": {"deep": ["fine", "nul \0"]}}, "text-nul", "metadata"),
        ('{"txt": "a", "extra": ["\\udfff"]}', "text-surrogate", "metadata"),
        ({"txt": "a", "ke\0y": 1}, "text-nul", "key"),
        ('{"txt": "a", "\\ud800": 1}', "text-surrogate", "key"),
        ({"img_path": "cat\0.jpg"}, "text-nul", "img_path"),
        ({"img_path": "../cat.jpg"}, "path-outside", "out of"),
        ({"img_path": "pics/../../cat.jpg"}, "path-outside", "out of"),
        ({"img_path": "/etc/hostname"}, "path-outside", "out of"),
        ("[" * 100_000 + "]" * 100_000, "manifest-schema", "JSON"),
        ('{"txt": "a", "number": ' + "9" * 5000 + "}", "manifest-schema", "JSON"),
    ],
)
def test_a_line_that_can_not_be_used_is_refused_alone_and_by_name(tmp_path: Path, line: Any, code: str, word: str) -> None:
    found_code, reason = refusal(tmp_path, line)
    assert found_code == code
    assert reason.startswith("line 2: ")
    assert word in reason


@pytest.mark.parametrize("depth", [60, 900, 980, 990, 1000, 3000])
def test_metadata_nested_too_deep_is_refused(tmp_path: Path, depth: int) -> None:
    code, _ = refusal(tmp_path, '{"txt": "a", "extra": ' + "[" * depth + "]" * depth + "}")
    assert code in {"metadata-too-deep", "manifest-schema"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_know_are_refused(tmp_path: Path, number: str) -> None:
    assert refusal(tmp_path, '{"txt": "a", "score": ' + number + "}")[0] == "manifest-schema"


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "x" * 5000, "a/" * 2500 + "b.jpg"])
def test_a_picture_whose_name_no_file_can_have_costs_only_its_line(tmp_path: Path, name: str) -> None:
    first, second, third = read(tmp_path, GOOD, {"img_path": name}, {"did": "1:2", "txt": "a third line"})
    assert isinstance(first, ManifestLine)
    assert isinstance(third, ManifestLine)
    assert second.locator == "line=2"


def test_a_did_that_comes_again_is_refused(tmp_path: Path) -> None:
    code, reason = refusal(tmp_path, {"did": "1:0", "txt": "the same did"})
    assert code == "duplicate-id"
    assert "again" in reason


def test_a_number_is_a_did_like_its_digits(tmp_path: Path) -> None:
    first, second = read(tmp_path, {"did": 7, "txt": "one"}, {"did": "7", "txt": "two"})
    assert isinstance(first, ManifestLine)
    assert first.did == "7"
    assert isinstance(second, RefusedLine)


@pytest.mark.parametrize("content", [b"{}\n", b"not json\n", b"[1]\n", b"\x89PNG\r\n"])
def test_a_file_whose_first_line_is_no_candidate_is_no_manifest(tmp_path: Path, content: bytes) -> None:
    lay(tmp_path, {"list.jsonl": content})
    with pytest.raises(InputFailure) as failure:
        list(read_manifest(tmp_path / "list.jsonl"))
    assert failure.value.code == "not-a-manifest"


def test_a_line_s_signature_changes_with_its_bytes_and_with_its_picture(tmp_path: Path) -> None:
    line = {"img_path": "cat.jpg", "txt": "a cat"}
    signatures = [
        read(tmp_path, line, tree={"cat.jpg": picture("red")})[0].signature,
        read(tmp_path, {**line, "txt": "a dog"}, tree={})[0].signature,
        read(tmp_path, line, tree={"cat.jpg": picture("blue", size=(90, 90))})[0].signature,
    ]
    assert len(set(signatures)) == 3
