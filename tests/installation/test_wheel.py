"""A wheel of this tree, in an empty environment elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.folders import lay, picture

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str | Path, cwd: Path, code: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([*map(str, words)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", place, ROOT, cwd=place)
    (made,) = place.glob("*.whl")
    return made


@pytest.mark.slow
def test_the_wheel_carries_every_file_that_is_read_at_run_time(wheel: Path) -> None:
    rooms = ("uniir", "models", "encoders", "rerank", "storage", "ingest", "search", "evaluation", "training", "app")
    tracked = subprocess.run(["git", "ls-files", *rooms], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    with zipfile.ZipFile(wheel) as opened:
        assert set(tracked) <= set(opened.namelist())


@pytest.mark.slow
def test_the_wheel_installs_and_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    run(sys.executable, "-m", "venv", place / "env", cwd=place)
    python, uniir = place / "env" / "bin" / "python", place / "env" / "bin" / "uniir"
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", f"{wheel}[all]", cwd=place)
    lay(place, {"corpus": {"red.png": picture("red", (64, 64), "PNG"), "dog.txt": "A dog sleeps in the sun.", "tax.md": "Keep receipts."}})
    assert "ingest" in run(uniir, "--help", cwd=place)
    report = json.loads(run(uniir, "ingest", "corpus", "--data-dir", "data", "--json", cwd=place))
    assert report["documents"] == {"text": 2, "image": 1, "image,text": 0}
    found = json.loads(run(uniir, "search", "a sleeping animal", "--target", "text", "--data-dir", "data", "--json", cwd=place))
    assert found["hits"][0]["path"].endswith("dog.txt")


@pytest.mark.slow
def test_a_base_installation_says_what_it_lacks(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "env", cwd=tmp_path)
    python, uniir = tmp_path / "env" / "bin" / "python", tmp_path / "env" / "bin" / "uniir"
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    lay(tmp_path, {"corpus": {"dog.txt": "A dog sleeps in the sun."}})
    assert "no collection" in run(uniir, "status", "--data-dir", "data", cwd=tmp_path)
    run(uniir, "ingest", "corpus", "--data-dir", "data", cwd=tmp_path, code=4)
