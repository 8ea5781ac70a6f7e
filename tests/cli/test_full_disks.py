"""A disk that fills up in the middle of an ingest: told in words, and the same command goes on when there is room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.folders import lay, picture
from tests.servers.disks import small_disk

_FILES = {**{f"{n}.jpg": picture(n, (720, 540)) for n in range(12)}, **{f"{n}.txt": f"note {n} " * 40 for n in range(150)}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("store", "full", "kibibytes"),
    [("exact", ".", 700), ("milvus", ".", 900), ("exact", "vectors", 24), ("milvus", "vectors", 60), ("exact", "thumbnails", 40)],
)
def test_an_ingest_onto_a_disk_that_fills_up_goes_on_when_there_is_room(tmp_path: Path, store: str, full: str, kibibytes: int) -> None:
    corpus = lay(tmp_path / "corpus", _FILES)
    settings = {"UNIIR_DATA_DIR": tmp_path / "data", "UNIIR_VECTOR_STORE": store, "UNIIR_ENCODER": "arithmetic", "UNIIR_WORKERS": 2}
    with small_disk(tmp_path / "data" / full, kibibytes) as disk:
        done = disk.run("ingest", corpus, **settings)
        assert done.code == 4, done.err
        assert "room" in done.err or "not full" in done.err, done.err
        assert "Traceback" not in done.err
        assert "should not have happened" not in done.err
        disk.make_room()
        again = disk.run("ingest", corpus, "--json", **settings)
        assert again.code == 0, again.err
        assert sum(again.json["documents"].values()) == len(_FILES) - 12  # a picture and a text of its name are one
        assert disk.run("doctor", **settings).code == 0
