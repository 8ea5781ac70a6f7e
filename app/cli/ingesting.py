"""Running an ingest for a person: progress, interruption, report and exit code."""

from __future__ import annotations

import shlex
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import typer

from app.cli.options import settings_for
from app.cli.output import plural, printable, say, say_json, tell

if TYPE_CHECKING:
    from ingest.events import Counts, Event, Sink
    from storage.sql.collections import CollectionCounts
    from uniir.documents import Json
    from uniir.ledger import Failure
    from uniir.settings import Settings

_SHOWN_FAILURES = 10
_OK, _INTERRUPTED, _SOME_FAILED = 0, 130, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """What a person asked for."""

    paths: tuple[Path, ...]
    collection: str | None = None
    encoder: str | None = None
    exclude: tuple[str, ...] = ()
    prune: bool = False
    retry: bool = False
    dry_run: bool = False
    as_json: bool = False
    data_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    counts: Counts
    held: CollectionCounts
    notes: tuple[str, ...]
    seconds: float


def run_ingest(options: IngestOptions) -> None:
    """Ingests and reports. Raises typer.Exit with 3 where inputs failed, 130 where it was interrupted."""
    settings = settings_for(options.data_dir, options.collection, options.encoder)
    outcome = _plan(settings, options) if options.dry_run else _ingest(settings, options)
    if options.as_json:
        say_json(_as_json(settings.collection, outcome))
    else:
        _report(settings.collection, outcome, would=options.dry_run)
    _tell_failures(outcome.counts)
    for note in (*outcome.notes, *_standing_notes(outcome, options)):
        tell(note)
    if outcome.counts.interrupted:
        tell(f"Interrupted; what was done is kept. Go on with: {shlex.join(sys.argv)}")
        raise typer.Exit(_INTERRUPTED)
    raise typer.Exit(_SOME_FAILED if outcome.counts.failed else _OK)


def _plan(settings: Settings, options: IngestOptions) -> _Outcome:
    """Plans on a copy of the catalog, so that looking leaves no trace."""
    from storage.sql.engines import copy_catalog

    with tempfile.TemporaryDirectory() as scratch:
        copied = settings.model_copy(update={"data_dir": Path(scratch)})
        if settings.catalog_file.exists():
            copy_catalog(settings.catalog_file, copied.catalog_file)
        return _ingest(copied, options)


def _ingest(settings: Settings, options: IngestOptions) -> _Outcome:
    from app.wiring import owned
    from encoders.catalogue import introduction
    from ingest.changes import Request
    from ingest.scopes import resolve_scopes
    from uniir.errors import UsageError

    inside = next((path for path in options.paths if path.resolve().is_relative_to(settings.data_dir.resolve())), None)
    if inside is not None:
        raise UsageError(f"{inside} lies in the data directory, which is no corpus.", "Keep the data elsewhere: `--data-dir`.")
    started = time.perf_counter()
    with owned(settings, "uniir ingest") as everything:
        installation = everything.installation
        known = installation.collections.find(settings.collection)
        is_new = known is None
        if known is not None and options.encoder not in (None, known.space.encoder):
            raise UsageError(
                f"The collection {known.name} was encoded with {known.space.encoder!r}, not with {options.encoder!r}.",
                "Leave `--encoder` out, or ingest into another `--collection`.",
            )
        collection = installation.collection_for_ingest(settings.collection)
        scopes = resolve_scopes(options.paths, installation.ledger(collection))
        request = Request(scopes, options.exclude, prune=options.prune, retry=options.retry)
        with _stopped_by_interrupt() as stop, _progress() as sink:
            job = everything.ingest(collection, request, sink, stop)
            counts = job.plan() if options.dry_run else job.run()
        held = installation.collections.counts(collection)
    notes = (introduction(collection.space.encoder),) if is_new and not options.dry_run else ()
    return _Outcome(counts, held, tuple(filter(None, notes)), time.perf_counter() - started)


def _as_json(collection: str, outcome: _Outcome) -> dict[str, Json]:
    counts = outcome.counts
    return {
        "collection": collection,
        "added": counts.added,
        "changed": counts.changed,
        "moved": counts.moved,
        "unchanged": counts.unchanged,
        "deleted": counts.deleted,
        "failed": [{"path": _place(failure), "code": failure.code, "reason": failure.reason} for failure in counts.failed],
        "documents": {str(modality): count for modality, count in outcome.held.indexed.items()},
        "seconds": round(outcome.seconds, 3),
        "documents_per_second": round(counts.documents / outcome.seconds, 2),
    }


def _place(failure: Failure) -> str:
    file = str(failure.key.file)
    return f"{file}#{failure.key.locator}" if failure.key.locator else file


def _report(collection: str, outcome: _Outcome, *, would: bool) -> None:
    counts, held = outcome.counts, outcome.held.indexed
    numbers = [f"{counts.added:,} new", f"{counts.changed:,} changed", f"{counts.unchanged:,} unchanged"]
    numbers += [f"{counts.moved:,} moved"] if counts.moved else []
    numbers += [f"{counts.deleted:,} deleted"] if counts.deleted else []
    numbers += [f"{len(counts.failed):,} failed"] if counts.failed else []
    if would:
        say(f"{collection}: would be {', '.join(numbers)}. Nothing was done.")
        return
    kinds = ", ".join(f"{count:,} {_NAMES[modality]}" for modality, count in held.items() if count)
    say(f"{collection}: {', '.join(numbers)} in {outcome.seconds:.1f} s")
    say(f"It holds {plural(sum(held.values()), 'document')}{f': {kinds}' if kinds else ''}.")


_NAMES = {"text": "text", "image": "image", "image,text": "image with text"}


def _tell_failures(counts: Counts) -> None:
    for failure in counts.failed[:_SHOWN_FAILURES]:
        tell(f"  {printable(_place(failure))}: {printable(failure.reason)} [{failure.code}]")
    if len(counts.failed) > _SHOWN_FAILURES:
        tell(f"  ... and {len(counts.failed) - _SHOWN_FAILURES:,} more; `uniir failures list` has all.")


def _standing_notes(outcome: _Outcome, options: IngestOptions) -> Iterator[str]:
    counts = outcome.counts
    if counts.quarantined:
        yield f"{plural(counts.quarantined, 'input')} failed before and did not change since; see `uniir failures list`."
    if counts.gone:
        yield f"{plural(counts.gone, 'source')} can't be found any more and stay searchable; `--prune` takes them out."
    if options.prune:
        from ingest.compare import has_entries

        for path in options.paths:
            if path.is_dir() and not has_entries(str(path)):
                yield f"{printable(str(path))} is empty (is a disk not mounted?), so nothing below it was taken out."


@contextmanager
def _stopped_by_interrupt() -> Iterator[threading.Event]:
    """The first Ctrl-C (or SIGTERM) ends the run after the batch at hand; the second one at once."""
    stop = threading.Event()

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        tell("Finishing the batch at hand; Ctrl-C again stops at once.")

    before = [(number, signal.signal(number, on_interrupt)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield stop
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextmanager
def _progress() -> Iterator[Sink]:
    """A bar with rate and remaining time on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda event: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ingest.events import Advanced, Finishing, Planned

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Looking", total=None, rate="")

        def listen(event: Event) -> None:
            match event:
                case Planned():
                    bar.update(task, description="Reading", total=event.to_read)
                case Advanced():
                    bar.advance(task, event.sources)
                    speed = bar.tasks[0].speed
                    bar.update(task, rate=f"{speed:.0f}/s" if speed else "")
                case Finishing():
                    bar.update(task, description="Building the index")

        yield listen
