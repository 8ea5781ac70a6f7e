"""uniir status, doctor, rebuild, delete"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import AsJson, Collection, DataDir, Yes, settings_for
from app.cli.output import plural, printable, say, say_json, table, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.wiring import OwnedInstallation
    from ingest.doctor import Finding
    from storage.sql.collections import CollectionRecord
    from uniir.documents import Json


def status(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show every collection: its encoder and what it holds. Works while another command has the directory."""
    from app.wiring import opened

    settings = settings_for(data_dir)
    with opened(settings) as installation:
        known = [(record, installation.collections.counts(record)) for record in installation.collections.all()]
    if as_json:
        say_json(
            {
                "collections": [
                    {
                        "name": record.name,
                        "encoder": record.space.encoder,
                        "documents": {
                            "indexed": {str(modality): count for modality, count in counts.indexed.items()},
                            "pending": {str(modality): count for modality, count in counts.pending.items()},
                        },
                        "failed": counts.failed,
                    }
                    for record, counts in known
                ]
            }
        )
        return
    if not known:
        say(f"There is no collection in {settings.data_dir} yet. `uniir ingest PATH` makes one.")
        return
    header = ("collection", "encoder", "text", "image", "image with text", "pending", "failed")
    rows = [
        (
            record.name,
            record.space.encoder,
            *(f"{counts.indexed[modality]:,}" for modality in counts.indexed),
            f"{sum(counts.pending.values()):,}",
            f"{counts.failed:,}",
        )
        for record, counts in known
    ]
    say(table(header, rows))


def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended without a decision of yours.")] = False,
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Compare catalog, vectors, thumbnails and files both ways. Exits with 1 when something is left to do."""
    from app.wiring import owned

    settings = settings_for(data_dir, collection)
    with owned(settings, "uniir doctor") as everything:
        found = list(_examine(everything, collection))
        mended = {id(finding) for _, finding in found if repair and finding.mend is not None}
        for _, finding in found:
            if id(finding) in mended and finding.mend is not None:
                finding.mend()
    if as_json:
        say_json({"findings": [_finding_json(name, finding, id(finding) in mended) for name, finding in found]})
    else:
        for name, finding in found:
            say(f"{name}: {finding.count:,} {finding.message} [{finding.check}]")
            for example in finding.examples:
                say(f"    {printable(example)}")
            say("    mended" if id(finding) in mended else f"    way out: {finding.way_out}")
        if not found:
            say("All is well: catalog, vectors, thumbnails and files agree.")
    if len(mended) < len(found):
        raise typer.Exit(1)


def _examine(everything: OwnedInstallation, collection: str | None) -> Sequence[tuple[str, Finding]]:
    """Findings with the collection's name: of one collection where it is named, else of all and of what none owns."""
    from ingest.doctor import Finding, examine, orphan_thumbnails

    installation = everything.installation
    records = installation.collections.all() if collection is None else [installation.collections.get(collection)]
    found = [(record.name, finding) for record in records for finding in examine(everything.patient(record))]
    if collection is None:
        found += [("thumbnails", one) for one in orphan_thumbnails(installation.thumbnails, installation.pictures_in_use())]
        strays = sorted(set(everything.database.names()) - {record.vectors for record in records})
        if strays:

            def drop() -> None:
                for name in strays:
                    everything.database.drop(name)

            message = "vector collections belong to no collection"
            found.append(("vectors", Finding("collections-stray", len(strays), message, tuple(strays), "`uniir doctor --repair`", drop)))
    return found


def _finding_json(name: str, finding: Finding, mended: bool) -> Json:
    return {
        "collection": name,
        "check": finding.check,
        "count": finding.count,
        "message": finding.message,
        "examples": list(finding.examples),
        "way_out": finding.way_out,
        "mended": mended,
    }


def rebuild_vectors(collection: Collection = None, data_dir: DataDir = None) -> None:
    """Fill the vector store anew from the catalog, without encoding: after it was lost, damaged or changed."""
    from app.wiring import owned
    from ingest.rebuild import rebuild

    settings = settings_for(data_dir, collection)
    with owned(settings, "uniir rebuild") as everything:
        installation = everything.installation
        names = [installation.collections.get(collection)] if collection is not None else installation.collections.all()
        for record in names:
            everything.drop_vectors(record)
            rebuilt = rebuild(installation.library(record), everything.store(record))
            say(f"{record.name}: {plural(rebuilt.written, 'vector')} written.")
            if rebuilt.without_vector:
                installation.ledger(record).mark_pending(rebuilt.without_vector)
                tell(
                    f"{plural(len(rebuilt.without_vector), 'document')} had no vector in the catalog (`keep_vectors` is off); "
                    "`uniir ingest` the same paths again."
                )


def delete(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of documents.", show_default=False)] = None,
    path: Annotated[list[Path] | None, typer.Option(help="A file or folder whose documents go; may be repeated.")] = None,
    whole: Annotated[bool, typer.Option("--all", help="The whole collection, with its failures and history.")] = False,
    collection: Collection = None,
    yes: Yes = False,
    data_dir: DataDir = None,
) -> None:
    """Take documents out of a collection, or the whole collection. Files are never touched."""
    from app.wiring import owned
    from uniir.errors import UsageError
    from uniir.ids import format_id, parse_id

    if not ids and not path and not whole:
        raise UsageError("Nothing was named to be deleted.", "Give ids, `--path PATH`, or `--all` for the whole collection.")
    settings = settings_for(data_dir, collection)
    with owned(settings, "uniir delete") as everything:
        record = everything.installation.collections.get(settings.collection)
        if whole:
            _delete_collection(everything, record, yes)
            return
        library = everything.installation.library(record)
        wanted = [parse_id(one) for one in ids or ()]
        unknown = sorted(set(wanted) - library.existing(wanted))
        if unknown:
            raise UsageError(f"There is no document {format_id(unknown[0])} in {record.name}.", "Nothing was deleted.")
        sources = [source for one in path or () for source in library.sources_at(str(one.expanduser().resolve()))]
        if path and not sources:
            raise UsageError(f"No document of {record.name} comes from {', '.join(map(str, path))}.", "Nothing was deleted.")
        named = [plural(len(wanted), "document")] if wanted else []
        named += [f"all of {plural(len(sources), 'source')}"] if sources else []
        what = " and ".join(named)
        _confirm(f"Delete {what} from {record.name}?", yes)
        writer = everything.writer(record)
        writer.remove_documents(wanted)
        writer.remove_sources([source.id for source in sources])
        writer.finish()
        say(f"Deleted {what}. Files were not touched, so a later ingest may bring them back; remove or ignore the files to keep them out.")


def _delete_collection(everything: OwnedInstallation, record: CollectionRecord, yes: bool) -> None:
    installation = everything.installation
    held = sum(installation.collections.counts(record).indexed.values())
    _confirm(f"Delete the collection {record.name} with {plural(held, 'document')}?", yes)
    everything.drop_vectors(record)
    installation.collections.remove(record)
    in_use = installation.pictures_in_use()
    for sha256 in installation.thumbnails.hashes():
        if not in_use(sha256):
            installation.thumbnails.remove(sha256)
    say(f"Deleted the collection {record.name}. Files were not touched.")


def _confirm(question: str, yes: bool) -> None:
    if not yes and not typer.confirm(question, err=True):
        tell("Nothing was deleted.")
        raise typer.Exit(1)
