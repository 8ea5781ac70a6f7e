"""What the Ingest and Collections screens say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.web.collections.verdicts import Remedy, verdict_of
from app.web.figures import about, duration, moment, rate, size
from app.web.ingest.job_words import badge_of, below, how_far, how_it_ended, name_of, notes_of, share_done, without_uploads
from app.web.ingest.source import allowed_path
from app.web.safe_text import as_markdown, sentence_as_markdown
from uniir.errors import UsageError
from uniir.wire import FailedInput, FindingAnswer, IngestReport, IngestRequest, JobAnswer, JobState, Phase, Progress, SpaceRequest

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ROOTS = ["/srv/corpus", "/data/photos"]


def job(state: JobState = JobState.RUNNING, *paths: str, progress: Progress | None = None, failed: int | None = None) -> JobAnswer:
    request = IngestRequest(paths=list(paths) or ["/srv/corpus/autumn"], collection="pantry")
    report = None
    if failed is not None:
        inputs = [FailedInput(path="a", code="truncated", reason="It ends too early.")] * failed
        report = IngestReport(
            collection="pantry",
            added=1280,
            changed=3,
            moved=0,
            unchanged=0,
            deleted=0,
            failed=inputs,
            documents={},
            seconds=41,
            documents_per_second=31,
        )
    return JobAnswer(
        id="j",
        state=state,
        collection="pantry",
        paths=request.paths,
        request=request,
        created_at=NOON,
        finished_at=NOON,
        progress=progress or Progress(phase=Phase.READING),
        report=report,
    )


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (61_400_000, "61 MB"), (999_600, "1.0 MB"), (5 * 10**15, "5000 TB")],
)
def test_a_size_has_two_or_three_digits(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.42, "0.4 s"), (9.97, "10 s"), (41, "41 s"), (60, "1 min"), (125, "2 min 5 s"), (3599.7, "1 h"), (11_400, "3 h 10 min")],
)
def test_a_duration_is_as_fine_as_it_is_short(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "a few seconds"), (34, "about 30 s"), (57, "about 1 min"), (130, "about 2 min"), (3500, "about 1 h")]
)
def test_what_is_left_is_told_no_finer_than_it_is_known(seconds: float, words: str) -> None:
    assert about(seconds) == words


def test_a_moment_is_told_in_the_readers_own_time() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    assert moment(NOON, NOON, UTC) == "today, 12:00"
    assert moment(NOON - timedelta(hours=13), NOON, UTC) == "yesterday, 23:00"
    assert moment(NOON - timedelta(hours=13), NOON, tokyo) == "today, 08:00"
    assert moment(NOON - timedelta(days=3), NOON, UTC) == "27 February, 12:00"
    assert moment(NOON - timedelta(days=365), NOON, UTC) == "2 March 2025"


def test_rates() -> None:
    assert (rate(0.25), rate(46.3)) == ("0.2", "46")


def test_a_job_is_called_by_its_folder_below_the_root() -> None:
    assert name_of(job(JobState.RUNNING, "/srv/corpus/photos/autumn"), ROOTS) == "photos/autumn"
    assert name_of(job(JobState.RUNNING, "/srv/corpus"), ROOTS) == "corpus"
    assert name_of(job(JobState.RUNNING, "/srv/corpus-old/a", "/b", "/c"), ROOTS) == "/srv/corpus-old/a and 2 others"
    assert name_of(job(JobState.RUNNING, "/var/lib/uniir/uploads/pantry"), ROOTS) == "Uploaded files"
    assert below("/data/photos/x.jpg", ROOTS) == "x.jpg"


def test_how_far_a_job_is() -> None:
    reading = job(progress=Progress(phase=Phase.READING, total=8920, done=3412))
    assert how_far(reading) == "3,412 of 8,920 files · 38 %"
    assert share_done(reading) == pytest.approx(0.3825, abs=0.001)
    assert how_far(job(progress=Progress(phase=Phase.LOOKING))) == "Looking for files"
    assert how_far(job(JobState.WAITING)).startswith("Waiting")
    assert how_far(job(JobState.DONE, progress=Progress(phase=Phase.ENDED, total=0))).startswith("Nothing to read")
    assert share_done(job(progress=Progress(phase=Phase.READING, total=10, done=12))) == 1


def test_how_a_job_ended() -> None:
    assert badge_of(job(JobState.DONE, failed=0)).word == "Done"
    assert badge_of(job(JobState.DONE, failed=2)).word == "Done, 2 failed"
    assert how_it_ended(job(JobState.DONE, failed=0), NOON, UTC) == "1,283 files in 41 s · today, 12:00"
    stopped = job(JobState.CANCELLED, progress=Progress(phase=Phase.ENDED, total=535, done=120))
    assert how_it_ended(stopped, NOON, UTC) == "stopped at 120 of 535 · today, 12:00"


def test_a_job_that_was_stopped_while_it_looked_does_not_seem_whole() -> None:
    stopped = job(JobState.CANCELLED, progress=Progress(phase=Phase.ENDED, total=112, done=112))
    assert how_far(stopped) == "Stopped after 112 files"
    assert share_done(stopped) is None
    assert how_it_ended(stopped, NOON, UTC) == "stopped after 112 files · today, 12:00"


def test_a_job_that_encodes_for_another_encoder_counts_documents() -> None:
    filling = JobAnswer(
        id="j",
        state=JobState.RUNNING,
        collection="pantry",
        space=SpaceRequest(encoder="clip-sf-large"),
        created_at=NOON,
        progress=Progress(phase=Phase.READING, total=40, done=10),
    )
    assert name_of(filling, ROOTS) == "Encoding for clip-sf-large"
    assert how_far(filling) == "10 of 40 documents · 25 %"


def test_words_on_encoder_and_index_stand_apart() -> None:
    done = job(JobState.DONE, failed=0)
    assert done.report is not None
    report = done.report.model_copy(update={"notes": ["Encoded with 'starter'. It is small.", "/mnt is empty.", "Index HNSW: large."]})
    plain, technical = notes_of(done.model_copy(update={"report": report}))
    assert plain == ["/mnt is empty."]
    assert len(technical) == 2


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("autumn", "/srv/corpus/autumn"),
        (" photos/autumn/ ", "/data/photos/autumn"),
        ("corpus", "/srv/corpus"),
        ("/data/photos/a b", "/data/photos/a b"),
        ("/srv/corpus", "/srv/corpus"),
    ],
)
def test_a_typed_folder_is_one_below_a_root(typed: str, meant: str) -> None:
    assert allowed_path(typed, ROOTS) == meant


@pytest.mark.parametrize("typed", ["", "  ", "/etc", "/srv/corpus-old", "../secrets", "/srv/corpus/../../etc", "photos/../../x"])
def test_no_other_place_can_be_typed(typed: str) -> None:
    with pytest.raises(UsageError):
        allowed_path(typed, ROOTS)


def finding(check: str, count: int, mended: bool = False) -> FindingAnswer:
    return FindingAnswer(collection="pantry", check=check, count=count, message="things are odd", examples=[], way_out="`x`", mended=mended)


def test_a_verdict_names_what_is_wrong_and_the_way_out() -> None:
    verdict = verdict_of([finding("files-new", 1), finding("vectors-missing", 12)], 810)
    assert verdict.remedy is Remedy.REPAIR
    assert verdict.word == "Needs a repair"
    assert verdict.sentence == (
        "12 documents are in the catalog but not in the index, so they are not found. “Repair” adds them again; nothing is lost. "
        "1 file is not ingested yet. Ingest the folder again."
    )


def test_what_is_mended_is_well() -> None:
    assert verdict_of([finding("vectors-missing", 12, mended=True)], 3651).sentence == "Catalog and index agree on all 3,651 documents."
    assert verdict_of([], 0).sentence == "There is nothing in it yet."


def test_a_finding_of_a_newer_service_is_told_in_its_own_words() -> None:
    verdict = verdict_of([finding("new-check", 3)], 5)
    assert (verdict.remedy, verdict.sentence) == (Remedy.LOOK, "3 things are odd. Way out: `x`.")


def test_markdown_is_shown_and_not_obeyed() -> None:
    assert as_markdown("a*b* [x](y) <b> $1$ :red[z]") == r"a\*b\* \[x\]\(y\) \<b\> \$1\$ \:red\[z\]"


def test_only_code_is_marked_in_what_the_service_says() -> None:
    assert sentence_as_markdown("No *file* `a*b*`. Try `c`.") == r"No \*file\* `a*b*`\. Try `c`\."
    assert sentence_as_markdown("One ` alone") == r"One \` alone"


@pytest.mark.parametrize(
    ("place", "path", "shown"),
    [
        ("/data/uploads/pantry/broken.jpg", "/data/uploads/pantry/broken.jpg", "broken.jpg"),
        ("/srv/photos/broken.jpg", "/srv/photos/broken.jpg", "/srv/photos/broken.jpg"),
        ("uploads/pantry/broken.jpg", "/corpus/uploads/pantry/broken.jpg", "uploads/pantry/broken.jpg"),
    ],
)
def test_an_uploaded_file_is_called_as_its_owner_called_it(place: str, path: str, shown: str) -> None:
    assert without_uploads(place, path) == shown
