"""uniir ingest"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.ingesting import IngestOptions, run_ingest
from app.cli.options import AsJson, Collection, DataDir, path


def ingest(
    paths: Annotated[
        list[Path], typer.Argument(parser=path, help="Folders and files: pictures, texts, JSONL manifests.", show_default=False)
    ],
    collection: Collection = None,
    encoder: Annotated[str | None, typer.Option(help="The encoder of a new collection.", show_default="starter")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="What to leave out, in gitignore syntax; may be repeated.")] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Delete documents whose files are gone.")] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="Encode in so many processes, one on each device.", show_default="1")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make a collection equal to folders and files. Running it again does only what is new."""
    run_ingest(
        IngestOptions(
            paths=tuple(paths),
            collection=collection,
            encoder=encoder,
            exclude=tuple(exclude or ()),
            prune=prune,
            processes=processes,
            dry_run=dry_run,
            as_json=as_json,
            data_dir=data_dir,
        )
    )
