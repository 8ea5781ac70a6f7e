"""The command as a process: what it loads, who may run beside it, and how it dies."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import Done, documents, environment, finish, spawn, spawn_held, wait_until
from tests.folders import Tree, lay, picture, snapshot

HEAVY = {"torch", "transformers", "pymilvus", "milvus_lite", "pandas", "streamlit", "onnxruntime", "faiss", "sqlalchemy", "PIL", "numpy"}
SETTINGS = {"UNIIR_ENCODER": "arithmetic", "UNIIR_WORKERS": 2, "UNIIR_THREADS": 1}


def big(count: int) -> Tree:
    """Enough for a run to be caught in the middle of."""
    pictures = {f"in{number % 7}/{number:04}.jpg": picture(number, (640, 480)) for number in range(count)}
    return {**pictures, **{f"{number:04}.txt": f"note number {number}" for number in range(count)}}


def uniir(*words: object, data: Path, **settings: object) -> Done:
    return finish(spawn(words, UNIIR_DATA_DIR=data, **SETTINGS, **settings))


def thumbnails(data: Path) -> int:
    return sum(1 for _ in (data / "thumbnails").rglob("*.jpg"))


def loaded_by(code: str, **settings: object) -> set[str]:
    """The modules that a process has after it ran this."""
    script = f"try:\n    exec({code!r})\nexcept SystemExit:\n    pass\nimport sys\nprint('loaded:', *sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment(**settings))
    return set(done.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize("code", ["import uniir", "import sys; sys.argv = ['uniir', '--help']\nfrom app.cli.main import main\nmain()"])
def test_help_and_the_package_load_nothing_heavy(code: str) -> None:
    loaded = loaded_by(code)
    assert "uniir" in loaded
    assert loaded & HEAVY == set()


def test_a_status_loads_no_model_and_no_vector_store(tmp_path: Path) -> None:
    loaded = loaded_by(
        "import sys; sys.argv = ['uniir', 'status']\nfrom app.cli.main import main\nmain()", UNIIR_DATA_DIR=tmp_path / "data"
    )
    assert loaded & {"torch", "transformers", "pymilvus", "pandas", "streamlit", "onnxruntime"} == set()


def test_a_reader_that_hangs_up_early_is_no_error_of_ours(tmp_path: Path) -> None:
    with spawn(("instructions", "--json"), UNIIR_DATA_DIR=tmp_path / "data") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert "Traceback" not in said
    assert "Exception" not in said


@pytest.mark.slow
def test_the_plainest_locale_can_show_any_text(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", {"\u65e5\u672c.txt": "\u65e5\u672c\u8a9e \U0001f408 \u00e4"})
    for words in (("ingest", corpus), ("search", "\u65e5\u672c\u8a9e")):
        done = uniir(*words, data=tmp_path / "data", LC_ALL="C", UNIIR_VECTOR_STORE="exact")
        assert done.code == 0, done.err
    assert "\u65e5\u672c\u8a9e \U0001f408 \u00e4" in done.out


@pytest.mark.slow
def test_two_searches_at_once_take_turns(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", {"cat.txt": "a cat", "dog.txt": "a dog"})
    assert uniir("ingest", corpus, data=tmp_path / "data").code == 0
    running = [spawn(("search", "a dog", "--json"), UNIIR_DATA_DIR=tmp_path / "data", UNIIR_WAIT_SECONDS=60, **SETTINGS) for _ in range(2)]
    answers = [finish(process) for process in running]
    assert [done.code for done in answers] == [0, 0], [done.err for done in answers]
    assert {json.loads(done.out)["hits"][0]["text"] for done in answers} == {"a dog"}


@pytest.mark.slow
def test_two_ingests_at_once_end_with_one_collection(tmp_path: Path) -> None:
    corpus, data = lay(tmp_path / "corpus", big(150)), tmp_path / "data"
    runs = [spawn(("ingest", corpus, "--json"), UNIIR_DATA_DIR=data, UNIIR_WAIT_SECONDS=300, **SETTINGS) for _ in range(2)]
    reports = [json.loads(finish(run, 300).out) for run in runs]
    assert sorted((report["added"], report["unchanged"]) for report in reports) == [(0, 300), (300, 0)]
    assert uniir("doctor", data=data).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("store", ["milvus", "exact"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.6, 0.9])
def test_a_killed_ingest_is_finished_by_the_next(tmp_path: Path, store: str, share: float) -> None:
    corpus, data = lay(tmp_path / "corpus", big(400)), tmp_path / "data"
    before = snapshot(corpus)
    run = spawn(("ingest", corpus), UNIIR_DATA_DIR=data, UNIIR_VECTOR_STORE=store, **SETTINGS)
    wait_until(lambda: (data / "owner.json").exists() and thumbnails(data) >= share * 800, run)
    run.kill()
    finish(run)
    again = uniir("ingest", corpus, "--json", data=data, UNIIR_VECTOR_STORE=store)
    assert again.code == 0, again.err
    report = json.loads(again.out)
    assert report["documents"] == {"text": 400, "image": 400, "image,text": 0}
    doctor = uniir("doctor", data=data, UNIIR_VECTOR_STORE=store)
    assert doctor.code == 0, doctor.out
    assert json.loads(uniir("ingest", corpus, "--json", data=data, UNIIR_VECTOR_STORE=store).out)["unchanged"] == 800
    assert snapshot(corpus) == before


@pytest.mark.slow
def test_a_search_after_a_first_ingest_was_killed_says_how_to_go_on(tmp_path: Path) -> None:
    corpus, data = lay(tmp_path / "corpus", big(100)), tmp_path / "data"
    run = spawn_held(tmp_path / "gate", 0, ("ingest", corpus), UNIIR_DATA_DIR=data, **SETTINGS)
    wait_until(lambda: thumbnails(data) > 0, run)
    run.kill()
    finish(run)
    search = uniir("search", "note", data=data)
    assert search.code == 0, search.err
    assert search.out == "Nothing found.\n"
    assert "An ingest into default was not finished: `uniir ingest` the same paths again." in search.err
    assert uniir("ingest", corpus, data=data).code == 0
    assert "not finished" not in uniir("search", "note", "--path", "nowhere/", data=data).err


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_ingest_says_how_to_go_on(tmp_path: Path, how: signal.Signals) -> None:
    corpus, data = lay(tmp_path / "corpus", big(600)), tmp_path / "data"
    run = spawn_held(tmp_path / "gate", 2, ("ingest", corpus), UNIIR_DATA_DIR=data, **SETTINGS)
    wait_until(lambda: documents(data) > 0, run)
    run.send_signal(how)
    done = finish(run)
    assert done.code == 130, done.err
    assert "Go on with" in done.err
    assert "Traceback" not in done.err
    again = uniir("ingest", corpus, "--json", data=data)
    assert sum(json.loads(again.out)["documents"].values()) == 1200
    assert uniir("doctor", data=data).code == 0
