"""Ids, texts, filters, spaces, settings and errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniir import errors
from uniir.documents import Document, Modality, Source
from uniir.errors import InputFailure, SettingsError, SpaceMismatch, UsageError
from uniir.filters import EVERYTHING, Filter
from uniir.ids import format_id, new_id, parse_id
from uniir.settings import load_settings, origins
from uniir.spaces import VectorSpace
from uniir.texts import decode_text, parse_json, require_clean, require_clean_json, require_text

SPACE = VectorSpace("starter", "1", "upright", "float32", 8)


@given(st.integers(0, 2**63 - 1))
def test_an_id_survives_being_written_for_people(number: int) -> None:
    written = format_id(number)
    assert len(written) == 13
    assert parse_id(written) == number
    assert parse_id(written.lower()) == number


def test_letters_that_people_mix_up_are_taken_for_digits() -> None:
    assert parse_id("OOOOOOOOOOOIL") == parse_id("0000000000011")


@pytest.mark.parametrize("written", ["", "123", "38FWAYVWM830S0", "38FWAYVWM83U!", "ZZZZZZZZZZZZZ", "38FWAYVWM83 S"])
def test_what_is_no_id_is_refused(written: str) -> None:
    with pytest.raises(UsageError):
        parse_id(written)


def test_new_ids_are_positive_63_bit_numbers_that_grow_with_time() -> None:
    first = new_id()
    assert 0 < first < 2**63
    assert len({new_id() for _ in range(1000)}) > 990


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        ("caf\u00e9".encode(), "caf\u00e9"),
        (b"\xef\xbb\xbfmarked", "marked"),
        ("wide \U0001f408".encode("utf-16"), "wide \U0001f408"),
        ("wider".encode("utf-32"), "wider"),
        (b"one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
    ],
)
def test_texts_are_decoded(data: bytes, text: str) -> None:
    assert decode_text(data) == text


@pytest.mark.parametrize(
    ("data", "code"), [("caf\u00e9".encode("latin-1"), "text-not-utf8"), (b"a\0b", "text-nul"), (b"\xed\xa0\x80", "text-not-utf8")]
)
def test_texts_that_nothing_can_keep_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(InputFailure) as caught:
        decode_text(data)
    assert caught.value.code == code


@given(st.text())
def test_a_text_is_clean_exactly_when_a_database_keeps_it(text: str) -> None:
    keeps = "\0" not in text and not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
    try:
        require_clean(text, "it")
    except InputFailure:
        assert not keeps
    else:
        assert keeps


def test_blank_texts_are_refused() -> None:
    with pytest.raises(InputFailure, match="the file is empty"):
        require_text(" \n\t", "the file")


@pytest.mark.parametrize("value", ["a\0", ["x", "\ud800"], {"k": {"deep": ["\0"]}}, {"\0": 1}])
def test_json_is_searched_to_its_depth(value: object) -> None:
    with pytest.raises(InputFailure):
        require_clean_json(value, "it")  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b"{", b"NaN", b'{"a": Infinity}', b"\xff"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # decoding errors are ValueErrors, too
        parse_json(data)


def test_a_filter_admits_what_it_names() -> None:
    assert EVERYTHING.admits_all
    only = Filter(frozenset({Modality.IMAGE}), frozenset({7}))
    assert only.admits(1, Modality.IMAGE)
    assert not only.admits(7, Modality.IMAGE)
    assert not only.admits(1, Modality.TEXT)


@pytest.mark.parametrize(
    "other",
    [
        VectorSpace("clip", "1", "upright", "float32", 8),
        VectorSpace("starter", "2", "upright", "float32", 8),
        VectorSpace("starter", "1", "faithful", "float32", 8),
        VectorSpace("starter", "1", "upright", "bfloat16", 8),
        VectorSpace("starter", "1", "upright", "float32", 9),
        VectorSpace("starter", "1", "upright", "float32", 8, "l2"),
    ],
)
def test_spaces_that_differ_in_anything_never_meet(other: VectorSpace) -> None:
    assert other.fingerprint != SPACE.fingerprint
    with pytest.raises(SpaceMismatch, match=r"against.*uniir spaces add"):
        SPACE.require(other)
    SPACE.require(VectorSpace("starter", "1", "upright", "float32", 8))


def test_documents_with_equal_content_share_a_fingerprint_wherever_they_stand() -> None:
    here = Document(id=1, modality=Modality.TEXT, text="a", source=Source("/r", "a.txt"))
    there = Document(id=2, modality=Modality.TEXT, text="a", source=Source("/r", "b.txt"), metadata={"x": 1})
    other = Document(id=3, modality=Modality.TEXT, text="b", source=Source("/r", "b.txt"))
    assert here.fingerprint == there.fingerprint != other.fingerprint


def test_settings_come_from_file_environment_and_command_line_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uniir.toml").write_text('collection = "file"\nworkers = 3\npixel_limit = 1000\n')
    monkeypatch.setenv("UNIIR_COLLECTION", "environment")
    monkeypatch.setenv("UNIIR_WORKERS", "5")
    settings = load_settings(collection="line", encoder=None)
    assert (settings.collection, settings.workers, settings.pixel_limit, settings.encoder) == ("line", 5, 1000, "starter")
    told = {origin.name: origin.origin for origin in origins(settings, collection="line")}
    assert told["collection"] == "command line"
    assert told["workers"] == "environment UNIIR_WORKERS"
    assert told["pixel_limit"].endswith("uniir.toml")
    assert told["encoder"] == "default"


@pytest.mark.parametrize(
    "content", ["no toml", 'colection = "typo"\n', "workers = 0\n", 'vector_store = "other"\n', 'pixel_limit = "many"\n']
)
def test_a_bad_settings_file_is_refused_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uniir.toml").write_text(content)
    with pytest.raises(SettingsError):
        load_settings()


def test_exit_codes_are_the_ones_promised() -> None:
    codes = {name: getattr(errors, name).exit_code for name in ("UniirError", "UsageError", "QueryError", "Unavailable", "DirectoryInUse")}
    assert codes == {"UniirError": 1, "UsageError": 2, "QueryError": 2, "Unavailable": 4, "DirectoryInUse": 4}


@pytest.mark.parametrize("code", ["import uniir", "import app.cli.main; from typer.main import get_command; get_command(app.cli.main.app)"])
def test_what_everybody_imports_loads_nothing_heavy(code: str) -> None:
    heavy = ("torch", "transformers", "pymilvus", "pandas", "streamlit", "onnxruntime", "faiss", "sqlalchemy", "numpy")
    script = f"import sys; {code}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("fields", [{"": "text"}, {"a..b": "text"}, {".": "number"}, {"x" * 41: "text"}, {"a": "int"}])
def test_a_declared_key_that_is_none_is_refused_by_name(fields: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="metadata_fields"):
        load_settings(metadata_fields=fields)


def test_declared_keys_are_shown_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNIIR_METADATA_FIELDS", '{"camera.model": "text"}')
    shown = {one.name: (one.value, one.origin) for one in origins(load_settings())}
    assert shown["metadata_fields"] == ('{"camera.model": "text"}', "environment UNIIR_METADATA_FIELDS")
