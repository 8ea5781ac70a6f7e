"""uniir status, doctor, rebuild, delete"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from app.cli.options import AsJson, Collection, DataDir, Yes, is_bare, path, settings_for, settings_of_data
from app.cli.output import printable, say, say_json, table, tell
from uniir.counting import counted

if TYPE_CHECKING:
    from uniir.wire import IndexAnswer, SpaceAnswer

_OneOrAll: TypeAlias = Annotated[str | None, typer.Option("--collection", "-c", help="Only this collection.", show_default="all")]


def status(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show every collection: its encoder and what it holds. Works while another command has the directory."""
    from app.local.collections.catalogued import catalogued
    from app.wiring.sessions import opened
    from uniir.spaces import SpaceState

    settings = settings_for(data_dir)
    if is_bare(settings):
        known = []
    else:
        with opened(settings) as installation:
            known = catalogued(installation).collections
    if as_json:
        say_json({"collections": [one.model_dump(mode="json", exclude_none=True) for one in known]})
        return
    if not known:
        say(f"There is no collection in {settings.data_dir} yet. `uniir ingest PATH` makes one.")
        return
    header = ("collection", "encoder", "text", "image", "image with text", "pending", "failed")
    rows = [
        (
            one.name,
            one.encoder,
            *(f"{count:,}" for count in one.documents.indexed.values()),
            f"{sum(one.documents.pending.values()):,}",
            f"{one.failed:,}",
        )
        for one in known
    ]
    say(table(header, rows))
    for one in known:
        for space in (space for space in one.spaces if space.state != SpaceState.ACTIVE or space.refused):
            say(_beside(one.name, space))


def _beside(collection: str, space: SpaceAnswer) -> str:
    covered = f"{space.indexed:,} of {counted(space.documents, 'document')}"
    return f"{collection}: space {space.id} of {space.encoder} ({space.state}) has {covered}."


def _index_line(index: IndexAnswer) -> str:
    name = index.collection if index.beside is None else f"{index.collection} ({index.beside})"
    found = "" if index.recall is None else f" finds {index.recall:.1%} of the ten nearest"
    effort = "".join(f", {parameter} {value}" for parameter, value in index.search.items())
    return f"{name}: index {index.kind}{effort}{found} ({index.why})."


def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended without a decision of yours.")] = False,
    collection: _OneOrAll = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Compare catalog, vectors, thumbnails and files both ways. Exits with 1 when something is left to do."""
    from app.local.reach import asked
    from uniir.wire import DoctorRequest

    settings = settings_of_data(data_dir, collection)
    request = DoctorRequest(collection=collection, repair=repair)
    answer = asked(settings, "uniir doctor", lambda service: service.doctor(request))
    if as_json:
        say_json(answer.model_dump(mode="json", include={"findings", "indexes"}))
    else:
        for finding in answer.findings:
            say(f"{finding.collection}: {finding.count:,} {finding.message} [{finding.check}]")
            for example in finding.examples:
                say(f"    {printable(example)}")
            say("    mended" if finding.mended else f"    way out: {finding.way_out}")
        for index in answer.indexes:
            say(_index_line(index))
        if not answer.findings:
            say("All is well: catalog, vectors, thumbnails and files agree.")
    if not all(finding.mended for finding in answer.findings):
        raise typer.Exit(1)


def rebuild_vectors(collection: _OneOrAll = None, data_dir: DataDir = None) -> None:
    """Fill the vector store anew from the catalog, without encoding: after it was lost, damaged or changed."""
    from app.local.reach import asked
    from uniir.wire import RebuildRequest

    settings = settings_of_data(data_dir, collection)
    request = RebuildRequest(collection=collection)
    for rebuilt in asked(settings, "uniir rebuild", lambda service: service.rebuild(request)).collections:
        beside = f" for {rebuilt.beside}" if rebuilt.beside is not None else ""
        say(f"{rebuilt.collection}: {counted(rebuilt.written, 'vector')} written{beside}.")
        if rebuilt.without_vector and rebuilt.beside is not None:
            tell(
                f"{counted(rebuilt.without_vector, 'document')} had no vector in the catalog (`keep_vectors` is off); "
                f"`uniir spaces add --encoder {rebuilt.beside}`."
            )
        elif rebuilt.without_vector:
            tell(
                f"{counted(rebuilt.without_vector, 'document')} had no vector in the catalog (`keep_vectors` is off); "
                "`uniir ingest` the same paths again."
            )


def delete(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of documents.", show_default=False)] = None,
    path: Annotated[list[Path] | None, typer.Option(parser=path, help="A file or folder whose documents go; may be repeated.")] = None,
    whole: Annotated[bool, typer.Option("--all", help="The whole collection, with its failures and history.")] = False,
    collection: Collection = None,
    yes: Yes = False,
    data_dir: DataDir = None,
) -> None:
    """Take documents out of a collection, or the whole collection. Files are never touched."""
    from app.local.reach import reached
    from uniir.errors import UsageError
    from uniir.ids import format_id, parse_id
    from uniir.wire import DeleteRequest

    if not ids and not path and not whole:
        raise UsageError("Nothing was named to be deleted.", "Give ids, `--path PATH`, or `--all` for the whole collection.")
    settings = settings_of_data(data_dir, collection)
    request = DeleteRequest(
        ids=[format_id(parse_id(one)) for one in ids or ()],
        paths=[_named(one) for one in path or ()],
        whole=whole,
        collection=settings.collection,
        dry_run=True,
    )
    with reached(settings, "uniir delete") as service:
        would = service.delete(request)
        name = would.collection
        named = [counted(would.documents, "document")] if ids else []
        named += [f"all of {counted(would.sources, 'source')}"] if would.sources else []
        what = " and ".join(named)
        if whole:
            _confirm(f"Delete the collection {name} with {counted(would.held, 'document')}?", yes)
        else:
            _confirm(f"Delete {what} from {name}?", yes)
        service.delete(request.model_copy(update={"dry_run": False}))
    if whole:
        say(f"Deleted the collection {name}. Files were not touched.")
    else:
        say(f"Deleted {what}. Files were not touched, so a later ingest may bring them back; remove or ignore the files to keep them out.")


def _named(path: Path) -> str:
    """The path in full; a name that is no text is in no catalog."""
    from uniir.errors import UsageError

    resolved = str(path.expanduser().resolve())
    try:
        resolved.encode()
    except UnicodeEncodeError:
        raise UsageError(f"No document comes from {path}.", "Nothing was deleted.") from None
    return resolved


def _confirm(question: str, yes: bool) -> None:
    if not yes and not typer.confirm(question, err=True):
        tell("Nothing was deleted.")
        raise typer.Exit(1)
