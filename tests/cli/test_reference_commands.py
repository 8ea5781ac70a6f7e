"""uniir instructions, models, config, --version; settings and where they come from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

import uniir as package
from app.cli.main import app
from tests.cli.running import ROOT, Cli
from uniir.instructions import load_instructions

_USUAL = {"--help", "-h", "--json", "--yes", "-y", "--data-dir", "--collection", "-c"}


def test_instructions_are_listed(uniir: Cli) -> None:
    listed = uniir("instructions", "--json").json["instructions"]
    assert [one["id"] for one in listed] == [one.id for one in load_instructions()]
    assert set(listed[0]) == {"id", "query", "target", "dataset", "text"}
    assert "find-pictures" in uniir("instructions").out


def test_the_list_can_be_given_back_as_a_file_of_one_s_own(uniir: Cli, tmp_path: Path) -> None:
    head, *lines = uniir("instructions", "--tsv").out.splitlines()
    (tmp_path / "own.tsv").write_text("\n".join([head, *("my-" + line for line in lines)]))
    assert len(list(load_instructions(tmp_path / "own.tsv"))) == 2 * len(lines)


def test_models_are_listed_with_licence_and_origin(uniir: Cli) -> None:
    models = uniir("models", "--json").json["models"]
    assert "starter" in {one["name"] for one in models}
    for one in models:
        assert {"name", "dimension", "licence"} <= set(one)
    assert "starter" in uniir("models").out


def test_a_variable_that_is_no_setting_is_told_once_with_what_is_near(uniir: Cli) -> None:
    assert uniir("config").err == ""
    uniir.set("milvus_url", "https://user:s3cret@host")
    uniir.set("debug", "")
    uniir.set("live_milvus_uri", "http://host")
    for words in (("config",), ("status",), ("failures", "list")):
        said = [line for line in uniir(*words).err.splitlines() if "no setting" in line]
        assert len(said) == 1
        assert said[0].startswith("uniir: UNIIR_MILVUS_URL is no setting and is passed over. Near it: UNIIR_MILVUS_URI")
        assert "s3cret" not in said[0]


def test_every_setting_says_where_it_comes_from(uniir: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uniir.toml").write_text('collection = "from file"\nworkers = 5\n')
    found = uniir("config", "--data-dir", tmp_path / "given", "--json").json["settings"]
    assert found["data_dir"] == {"value": str(tmp_path / "given"), "origin": "command line"}
    assert found["encoder"] == {"value": "arithmetic", "origin": "environment UNIIR_ENCODER"}
    assert found["collection"] == {"value": "from file", "origin": str(tmp_path / "uniir.toml")}
    assert found["keep_vectors"]["origin"] == "default"
    assert found["workers"]["origin"] == "environment UNIIR_WORKERS"
    assert "UNIIR_ENCODER" in uniir("config").out


@pytest.mark.parametrize(
    "content", ["nonsense", "unknown = 1\n", 'pixel_limit = "many"\n', "pixel_limit = -1\n", b"\xff\xfe", 'vector_store = "x"\n']
)
def test_a_bad_settings_file_is_wrong_usage(uniir: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | bytes) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNIIR_VECTOR_STORE")
    (tmp_path / "uniir.toml").write_bytes(content.encode() if isinstance(content, str) else content)
    done = uniir("status")
    assert done.code == 2
    assert "Traceback" not in done.err


def test_a_bad_environment_variable_is_wrong_usage(uniir: Cli) -> None:
    uniir.set("pixel_limit", "many")
    done = uniir("status")
    assert done.code == 2
    assert "pixel_limit (environment UNIIR_PIXEL_LIMIT)" in done.err


def test_an_environment_variable_that_is_no_json_is_named_itself_and_no_file(uniir: Cli) -> None:
    uniir.set("corpus_roots", "/srv/photos")
    done = uniir("status")
    assert done.code == 2
    assert "UNIIR_CORPUS_ROOTS can't be read" in done.err
    assert "uniir.toml" not in done.err


def test_the_version_is_printed(uniir: Cli) -> None:
    done = uniir("--version")
    assert (done.code, done.out) == (0, f"uniir {package.__version__}\n")


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("ingest", "--help"), ("failures", "--help"), ("failures", "list", "-h")])
def test_help_is_on_stdout(uniir: Cli, words: tuple[str, ...]) -> None:
    done = uniir(*words)
    assert (done.code, done.err) == (0, "")
    assert "Usage" in done.out


def test_an_empty_data_directory_in_the_environment_is_not_the_working_directory(uniir: Cli) -> None:
    uniir.set("data_dir", "")
    done = uniir("status")
    assert done.code == 2
    assert "data_dir" in done.err
    assert "is empty" in done.err


def options() -> Iterator[tuple[str, str]]:
    """Each option, behind the command or the group of commands that has it; without those that nearly all have."""
    left = [("uniir", typer.main.get_command(app))]
    while left:
        name, command = left.pop()
        left += [(f"{name} {one}", below) for one, below in getattr(command, "commands", {}).items()]
        for parameter in command.params if name != "uniir" else ():
            if parameter.param_type_name == "option":
                yield from ((" ".join(name.split()[:2]), option) for option in parameter.opts if option not in _USUAL)


def test_every_option_is_told_on_a_page_that_names_its_command() -> None:
    pages = [page.read_text("utf-8") for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]]
    untold = [
        f"{command} {option}"
        for command, option in options()
        if not any(command in page and re.search(rf"(?<![\w-]){option}(?![\w-])", page) for page in pages)
    ]
    assert untold == []
