"""uniir backup, restore"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import AsJson, Collection, DataDir, is_bare, path, settings_for, settings_of_data
from app.cli.output import say, say_json, tell
from uniir.counting import counted

if TYPE_CHECKING:
    from uniir.wire import BackupAnswer

_MEGABYTE = 2**20


def backup(
    directory: Annotated[Path, typer.Argument(parser=path, help="Where to; an empty directory, or an earlier backup.", show_default=False)],
    collection: Collection = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Write a collection to a directory: rows, vectors, spaces, thumbnails, judgments. Files of the corpus are not in it."""
    from app.local.reach import asked
    from uniir.wire import BackupRequest

    settings = settings_of_data(data_dir, collection)
    request = BackupRequest(path=str(directory.absolute()), collection=settings.collection, dry_run=dry_run)
    answer = asked(settings, "uniir backup", lambda service: service.backup(request))
    _say(answer, "would be written to" if dry_run else "written to", as_json=as_json)


def restore(
    directory: Annotated[Path, typer.Argument(parser=path, help="What `uniir backup` wrote.", show_default=False)],
    collection: Annotated[str | None, typer.Option("--collection", "-c", help="Another name for it.", show_default="as it was")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every file, say what would be restored, and do nothing.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Bring a collection back from a backup, into whatever catalog and vector store are set now."""
    from app.local.collections.backups import restored_into_nothing
    from app.local.reach import asked
    from uniir.wire import RestoreRequest

    settings = settings_for(data_dir)
    request = RestoreRequest(path=str(directory.absolute()), collection=collection, dry_run=dry_run)
    if dry_run and is_bare(settings):
        answer = restored_into_nothing(request)
    else:
        answer = asked(settings, "uniir restore", lambda service: service.restore(request))
    _say(answer, "would be restored from" if dry_run else "restored from", as_json=as_json)
    if answer.without_vector:
        tell(f"The backup has no vectors of {counted(answer.without_vector, 'document')}; `uniir ingest` the same paths again.")


def _say(answer: BackupAnswer, done: str, *, as_json: bool) -> None:
    if as_json:
        say_json(answer.model_dump(mode="json"))
        return
    parts = [counted(answer.documents, "document"), counted(answer.spaces, "space"), counted(answer.vectors, "vector")]
    parts += [counted(answer.thumbnails, "thumbnail"), counted(answer.judgments, "judgment")]
    say(f"{answer.collection}: {', '.join(parts)} {done} {answer.path}")
    if answer.made_at is not None:
        say(f"Made at {answer.made_at:%Y-%m-%d %H:%M} UTC; {answer.bytes / _MEGABYTE:,.1f} MiB without thumbnails.")
