"""uniir instructions, config"""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.options import AsJson, DataDir, settings_for
from app.cli.output import say, say_json, table


def instructions(
    as_tsv: Annotated[bool, typer.Option("--tsv", help="Tab-separated, as a file of your own instructions must be.")] = False,
    as_json: AsJson = False,
) -> None:
    """List instructions: what goes in, what should come out."""
    from uniir.instructions import load_instructions

    known = load_instructions(settings_for().instructions_file)
    if as_json:
        say_json(
            {
                "instructions": [
                    {"id": one.id, "query": one.query, "target": one.target, "dataset": one.dataset, "text": one.wording} for one in known
                ]
            }
        )
        return
    header = ("id", "query", "target", "dataset", "wording")
    rows = [(one.id, one.query, one.target or "any", one.dataset or "", one.wording) for one in known]
    say("\n".join("\t".join(row) for row in (header, *rows)) if as_tsv else table(header, rows))


def config(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Print every setting in force, and where its value came from."""
    from uniir.settings import config_file, origins

    found = origins(settings_for(data_dir), data_dir=data_dir)
    if as_json:
        say_json({"settings": {one.name: {"value": one.value, "origin": one.origin} for one in found}})
        return
    say(table(("setting", "value", "from", "what it is"), [(one.name, one.value, one.origin, one.description) for one in found]))
    say(f"\nSettings file: {config_file()}")
