"""Files that one may not read. Done as somebody else, since permissions mean nothing to root."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.folders import lay, picture
from tests.worlds import World

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")

_NOBODY = 65534


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that anybody can reach; pytest's own belong to its user alone."""
    directory = Path(tempfile.mkdtemp(prefix="uniir-permissions-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def as_nobody(do: Callable[[], Any]) -> Any:
    """What a function says when it is run by a user who owns nothing."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
            os.write(writing, json.dumps(do()).encode())
        except BaseException as error:
            os.write(writing, json.dumps(f"{type(error).__name__}: {error}").encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = json.loads(answer.read())
    os.waitpid(child, 0)
    return said


def _ingest(place: Path) -> dict[str, Any]:
    with World(place) as here:
        counts = here.ingest(prune=True)
        return {"added": counts.added, "failed": here.failed(counts), "documents": sorted(here.documents())}


def test_what_may_not_be_read_is_quarantined_and_taken_when_it_may(place: Path) -> None:
    corpus = lay(place / "corpus", {"secret.jpg": picture(), "in": {"deep.txt": "deep"}, "open.txt": "open"})
    World(place).close()
    for path in (place / "data", place / "data" / "catalog.sqlite"):
        os.chown(path, _NOBODY, _NOBODY)
    (corpus / "secret.jpg").chmod(0)
    (corpus / "in").chmod(0)
    first = as_nobody(lambda: _ingest(place))
    assert first == {"added": 1, "failed": {"secret.jpg": "unreadable", "in": "unreadable"}, "documents": ["open.txt"]}
    (corpus / "secret.jpg").chmod(0o644)
    (corpus / "in").chmod(0o755)
    second = as_nobody(lambda: _ingest(place))
    assert second == {"added": 2, "failed": {}, "documents": ["in/deep.txt", "open.txt", "secret.jpg"]}


def test_what_is_out_of_reach_is_not_gone(place: Path) -> None:
    corpus = lay(place / "corpus", {"in": {"deep.txt": "deep"}, "open.txt": "open"})
    World(place).close()
    for path in (place / "data", place / "data" / "catalog.sqlite"):
        os.chown(path, _NOBODY, _NOBODY)
    assert as_nobody(lambda: _ingest(place))["added"] == 2
    (corpus / "in").chmod(0)
    assert as_nobody(lambda: _ingest(place))["documents"] == ["in/deep.txt", "open.txt"]
