"""uniir failures list | retry | ignore"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.ingesting import IngestOptions, run_ingest
from app.cli.options import AsJson, Collection, DataDir, path, settings_of_data
from app.cli.output import printable, say, say_json
from uniir.counting import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.sql.library import ListedFailure

app = typer.Typer(help="Inputs that could not be used: list them, try them again, or ignore them.", no_args_is_help=True)
Paths = Annotated[
    list[Path] | None, typer.Argument(parser=path, help="Only these files, or files below these folders.", show_default="all")
]


@app.command("list")
def list_failures(
    everything: Annotated[bool, typer.Option("--all", help="Also the ignored ones.")] = False,
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List inputs in quarantine, with code and reason."""
    from app.local.searches.answers import failure_answer

    found = [failure_answer(failure) for failure in _failures(None, collection, data_dir) if everything or not failure.ignored]
    if as_json:
        say_json({"failures": [failure.model_dump(mode="json") for failure in found]})
        return
    for failure in found:
        say(f"{printable(failure.path)}: {printable(failure.reason)} [{failure.code}]{' (ignored)' if failure.ignored else ''}")
    if not found:
        say("Nothing failed.")


@app.command()
def retry(paths: Paths = None, collection: Collection = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Try inputs in quarantine again, although they have not changed."""
    files = {failure.key.file for failure in _failures(paths, collection, data_dir) if not failure.ignored or paths}
    present = sorted(file for file in files if file.exists())
    if not present:
        say("There is nothing to try again." if not files else "The files that failed are not there any more.")
        return
    run_ingest(IngestOptions(paths=tuple(present), collection=collection, retry=True, as_json=as_json, data_dir=data_dir))


@app.command()
def ignore(paths: Paths = None, collection: Collection = None, data_dir: DataDir = None) -> None:
    """Leave inputs in quarantine and out of every report until they change."""
    from app.wiring.sessions import opened

    found = _failures(paths, collection, data_dir)
    with opened(settings_of_data(data_dir, collection)) as installation:
        library = installation.library(installation.collection(collection))
        library.ignore_failures([failure.key for failure in found])
    say(f"{counted(len(found), 'input')} ignored.")


def _failures(paths: list[Path] | None, collection: str | None, data_dir: Path | None) -> Sequence[ListedFailure]:
    from app.local.collections.catalogued import failures_at
    from app.wiring.sessions import opened

    with opened(settings_of_data(data_dir, collection)) as installation:
        return failures_at(installation, collection, [path.expanduser().resolve() for path in paths] if paths else None)
