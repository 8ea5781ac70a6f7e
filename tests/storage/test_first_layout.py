"""Data directories as the first version left them, kept in an archive: this one opens them and goes on."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.local.places import ingested, local_service
from uniir.wire import BackupRequest, DoctorRequest, JobState, SearchRequest

_KEPT = Path(__file__).with_name("first_layout.zip")


@pytest.mark.parametrize("store", ["exact", "milvus"])
def test_a_data_directory_of_the_first_version_is_opened_and_gone_on_with(tmp_path: Path, store: str) -> None:
    shutil.unpack_archive(_KEPT, tmp_path)
    (tmp_path / store).rename(tmp_path / "data")
    corpus = (tmp_path / "corpus").resolve()
    with closing(sqlite3.connect(tmp_path / "data" / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE sources SET root = ?", (str(corpus),))  # where it lay is no longer there
        catalog.execute("UPDATE failures SET root = ?", (str(corpus),))
        catalog.execute("UPDATE runs SET scopes = replace(scopes, '\"/corpus\"', ?)", (f'"{corpus}"',))
    with local_service(tmp_path, vector_store=store) as service:
        assert service.search(SearchRequest(text="a boat at sunset", k=1)).hits[0].path == str(corpus / "boat.txt")
        assert service.search(SearchRequest(text="a line", where="year=2020", k=1)).hits[0].text == "a line"
        report = ingested(service, corpus).report
        assert report is not None
        assert (report.added, report.changed, report.deleted) == (0, 0, 0)
        (corpus / "more.txt").write_text("something else")
        last = ingested(service, corpus)
        assert last.state is JobState.DONE
        assert service.search(SearchRequest(text="something else", k=1)).hits[0].text == "something else"
        assert service.search(SearchRequest(text="sunset", words="on", k=1)).hits[0].path == str(corpus / "boat.txt")
        assert service.backup(BackupRequest(path=str(tmp_path / "backup"))).documents == 5
        assert service.doctor(DoctorRequest()).findings == []
