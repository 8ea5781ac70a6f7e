"""Running an ingest for a person: report, notes and exit code."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from app.cli.options import settings_for
from app.cli.output import printable, say, say_json, tell
from uniir.counting import counted
from uniir.documents import Modality

if TYPE_CHECKING:
    from uniir.settings import Settings
    from uniir.wire import IngestReport, IngestRequest

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
    processes: int | None = None
    dry_run: bool = False
    as_json: bool = False
    data_dir: Path | None = None


def run_ingest(options: IngestOptions) -> None:
    """Ingests and reports. Raises typer.Exit with 3 where inputs failed, 130 where it was interrupted."""
    settings = settings_for(options.data_dir, options.collection, options.encoder)
    if options.processes is not None:
        settings = settings.model_copy(update={"processes": options.processes})
    request = _request(settings, options)
    if options.dry_run:
        report = _plan(settings, request)
    else:
        from app.cli.following import ingest

        report = ingest(settings, request)
    if options.as_json:
        say_json(report.model_dump(mode="json"))
    else:
        _report(report, would=options.dry_run)
    _tell_failures(report)
    for note in (*map(printable, report.notes), *_standing_notes(report)):
        tell(note)
    if report.interrupted:
        tell(f"Interrupted; what was done is kept. Go on with: {shlex.join(sys.argv)}")
        raise typer.Exit(_INTERRUPTED)
    raise typer.Exit(_SOME_FAILED if report.failed else _OK)


def _request(settings: Settings, options: IngestOptions) -> IngestRequest:
    """As the owner of the data reads it, wherever that works. Raises UsageError for paths that can't be ingested."""
    from pydantic import ValidationError

    from ingest.scopes import require_ingestible
    from uniir.errors import UsageError
    from uniir.wire import IngestRequest

    require_ingestible(options.paths)
    try:
        return IngestRequest(
            paths=[str(path.absolute()) for path in options.paths],
            collection=settings.collection,
            encoder=options.encoder,
            exclude=list(options.exclude),
            prune=options.prune,
            retry=options.retry,
        )
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise UsageError(f"The ingest can't be asked for: {problems}.") from None


def _plan(settings: Settings, request: IngestRequest) -> IngestReport:
    """Plans beside the catalog, so that looking leaves no trace."""
    from app.local.jobs.ingesting import Ingesting, require_outside
    from app.wiring.sessions import rehearsing
    from storage.sql.databases.engines import copy_catalog

    require_outside(settings, [Path(path) for path in request.paths])
    with tempfile.TemporaryDirectory() as scratch:
        copied = settings.model_copy(update={"data_dir": Path(scratch)})
        if settings.catalog_url is None and settings.catalog_file.exists():
            copy_catalog(settings.catalog_file, copied.catalog_file)  # a transaction would keep others from writing
        with rehearsing(copied) as everything:
            ingesting = Ingesting(everything)
            return ingesting.plan(ingesting.accept(request))


def _report(report: IngestReport, *, would: bool) -> None:
    numbers = [f"{report.added:,} new", f"{report.changed:,} changed", f"{report.unchanged:,} unchanged"]
    numbers += [f"{report.moved:,} moved"] if report.moved else []
    numbers += [f"{report.deleted:,} deleted"] if report.deleted else []
    numbers += [f"{len(report.failed):,} failed"] if report.failed else []
    if would:
        say(f"{report.collection}: would be {', '.join(numbers)}. Nothing was done.")
        return
    held = report.documents
    kinds = ", ".join(f"{held[modality]:,} {name}" for modality, name in _NAMES.items() if held.get(modality))
    say(f"{report.collection}: {', '.join(numbers)} in {report.seconds:.1f} s")
    say(f"It holds {counted(sum(held.values()), 'document')}{f': {kinds}' if kinds else ''}.")


_NAMES = {Modality.TEXT: "text", Modality.IMAGE: "image", Modality.IMAGE_TEXT: "image with text"}


def _tell_failures(report: IngestReport) -> None:
    for failure in report.failed[:_SHOWN_FAILURES]:
        tell(f"  {printable(failure.path)}: {printable(failure.reason)} [{failure.code}]")
    if len(report.failed) > _SHOWN_FAILURES:
        tell(f"  ... and {len(report.failed) - _SHOWN_FAILURES:,} more; `uniir failures list` has all.")


def _standing_notes(report: IngestReport) -> Iterator[str]:
    if report.quarantined:
        yield f"{counted(report.quarantined, 'input')} failed before and did not change since; see `uniir failures list`."
    if report.gone:
        yield f"{counted(report.gone, 'source')} can't be found any more and stay searchable; `--prune` takes them out."
