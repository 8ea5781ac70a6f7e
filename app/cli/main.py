"""The command `uniir`. Commands load what they need when they run, so that `--help` is quick."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import Annotated

import typer

import uniir
from app.cli import backups, collections, evaluate, failures, ingest, judge, models, reference, rerank, search, serve, spaces, ui
from app.cli.output import say, tell
from app.cli.variables import misspelt
from uniir.errors import UniirError

app = typer.Typer(
    name="uniir",
    help="Search collections of pictures, texts and captioned pictures by text, by picture, or by both.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"uniir {uniir.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", envvar="UNIIR_DEBUG", help="Show tracebacks and what goes on inside.")] = False,
) -> None:
    if debug:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    else:
        logging.getLogger().addHandler(logging.NullHandler())
    for sentence in misspelt(os.environ):
        tell(f"uniir: {sentence}")


app.command("ingest")(ingest.ingest)
app.command("search")(search.search)
app.command("facets")(search.facets)
app.command("serve")(serve.serve)
app.command("ui")(ui.ui)
app.command("status")(collections.status)
app.command("doctor")(collections.doctor)
app.command("rebuild")(collections.rebuild_vectors)
app.command("delete")(collections.delete)
app.command("backup")(backups.backup)
app.command("restore")(backups.restore)
app.add_typer(failures.app, name="failures")
app.command("instructions")(reference.instructions)
app.add_typer(spaces.app, name="spaces")
app.add_typer(models.app, name="models")
app.add_typer(evaluate.app, name="evaluate")
app.command("rerank")(rerank.rerank)
app.add_typer(judge.app, name="judge")
app.command("config")(reference.config)


def main() -> None:
    """Runs a command line and ends the process: 0 done, 1 our fault, 2 wrong usage, 3 some inputs failed, 4 not reachable."""
    debug = "--debug" in sys.argv or bool(os.environ.get("UNIIR_DEBUG"))
    try:
        app()
    except UniirError as error:
        if debug:
            traceback.print_exc()
        tell(f"uniir: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        tell("uniir: interrupted")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains while it shuts down
        sys.exit(1)
    except Exception as error:
        if debug:
            traceback.print_exc()
        tell(f"uniir: this should not have happened: {type(error).__name__}: {error}. `uniir --debug ...` shows where.")
        sys.exit(1)


if __name__ == "__main__":
    main()
