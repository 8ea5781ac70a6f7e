"""uniir spaces list | add | promote | rollback | remove"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import AsJson, Collection, DataDir, Yes, settings_of_data
from app.cli.output import printable, say, say_json, table, tell
from uniir.counting import counted

if TYPE_CHECKING:
    from uniir.wire import SpaceAnswer, SpaceReport, SpacesAnswer

_SHOWN_FAILURES = 10
_INTERRUPTED, _SOME_FAILED = 130, 3
app = typer.Typer(help="Change the encoder of a collection: encode it once more beside, then search there.", no_args_is_help=True)
Space = Annotated[
    str | None, typer.Argument(help="Its number or its encoder, as `uniir spaces list` shows it.", show_default="the only one")
]
Force = Annotated[bool, typer.Option("--force", help="Leave out of search what its encoder could not take.")]


@app.command("list")
def list_spaces(collection: Collection = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the spaces of a collection, and how much each one covers. Works while another command has the directory."""
    from app.local.collections.space_answers import spaces_of
    from app.wiring.sessions import opened
    from uniir.wire import SpacesAnswer

    with opened(settings_of_data(data_dir, collection)) as installation:
        record = installation.collection(collection)
        _show(SpacesAnswer(collection=record.name, spaces=list(spaces_of(installation, record))), as_json=as_json)


@app.command()
def add(
    encoder: Annotated[str, typer.Option(help="The encoder, as `uniir models` lists it, or the path of a checkpoint.")],
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Encode a collection for another encoder. Search stays where it is; the same command again goes on."""
    from app.cli.following import fill_space
    from uniir.wire import SpaceRequest

    settings = settings_of_data(data_dir, collection)
    name = str(Path(encoder).absolute()) if Path(encoder).exists() else encoder
    report = fill_space(settings, SpaceRequest(encoder=name, collection=settings.collection))
    go_on = f"Interrupted; what was done is kept. Go on with: {shlex.join(sys.argv)}"
    if report is None:
        tell(go_on)
        raise typer.Exit(_INTERRUPTED)
    if as_json:
        say_json(report.model_dump(mode="json"))
    else:
        _report(report)
    for failure in report.failed[:_SHOWN_FAILURES]:
        tell(f"  {printable(failure.path)}: {printable(failure.reason)} [{failure.code}]")
    if len(report.failed) > _SHOWN_FAILURES:
        tell(f"  ... and {len(report.failed) - _SHOWN_FAILURES:,} more.")
    for note in report.notes:
        tell(printable(note))
    if report.interrupted:
        tell(go_on)
        raise typer.Exit(_INTERRUPTED)
    raise typer.Exit(_SOME_FAILED if report.failed else 0)


@app.command()
def promote(
    space: Space = None, force: Force = False, collection: Collection = None, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Search in another space from now on; the one before is kept."""
    from app.local.reach import reached
    from uniir.wire import PromoteRequest

    settings = settings_of_data(data_dir, collection)
    request = PromoteRequest(collection=settings.collection, space=space, force=force)
    with reached(settings, "uniir spaces promote") as service:  # asked once: who asks twice may undo what was done
        _show(service.promote_space(request), as_json=as_json)


@app.command()
def rollback(force: Force = False, collection: Collection = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Search again in the space that was searched before."""
    from app.local.reach import reached
    from uniir.wire import RollbackRequest

    settings = settings_of_data(data_dir, collection)
    request = RollbackRequest(collection=settings.collection, force=force)
    with reached(settings, "uniir spaces rollback") as service:  # asked once: who asks twice may undo what was done
        _show(service.rollback_space(request), as_json=as_json)


@app.command()
def remove(space: Space = None, yes: Yes = False, collection: Collection = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Forget a space that is not searched, rows and vectors. Documents and files stay."""
    from app.local.reach import reached
    from uniir.wire import RemoveSpaceRequest

    settings = settings_of_data(data_dir, collection)
    request = RemoveSpaceRequest(collection=settings.collection, space=space, dry_run=True)
    with reached(settings, "uniir spaces remove") as service:  # asked once: who asks twice may undo what was done
        going = service.remove_space(request)
        what = " and ".join(f"the space {one.id} ({one.encoder}, {one.state})" for one in going.spaces)
        if not yes and not typer.confirm(f"Remove {what} of {going.collection}? It would have to be encoded again.", err=True):
            tell("Nothing was removed.")
            raise typer.Exit(1)
        _show(service.remove_space(request.model_copy(update={"dry_run": False})), as_json=as_json)


def _show(answer: SpacesAnswer, *, as_json: bool) -> None:
    if as_json:
        say_json(answer.model_dump(mode="json"))
        return
    header = ("space", "encoder", "dimension", "number type", "state", "documents", "not taken", "missing")
    say(table(header, [_row(space) for space in answer.spaces]))


def _row(space: SpaceAnswer) -> tuple[str, ...]:
    covered = f"{space.indexed:,} of {space.documents:,}"
    return (
        str(space.id),
        space.encoder,
        f"{space.dimension:,}",
        space.dtype,
        space.state,
        covered,
        f"{space.refused:,}",
        f"{space.missing:,}",
    )


def _report(report: SpaceReport) -> None:
    space = report.space
    failed = f", {len(report.failed):,} not taken" if report.failed else ""
    say(f"{report.collection}: {counted(report.added, 'document')} encoded for {space.encoder}{failed} in {report.seconds:.1f} s")
    say(f"The space has {space.indexed:,} of {counted(space.documents, 'document')} and is {space.state}.")
    if space.state != "active" and not space.missing:
        force = " --force" if space.refused else ""
        say(f"`uniir spaces promote {space.id}{force} --collection {report.collection}` makes it the one that is searched.")
