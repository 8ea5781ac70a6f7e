"""uniir rerank"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.options import AsJson, settings_for
from app.cli.output import say, say_json, tell


def rerank(
    run: Annotated[Path, typer.Argument(help="A run file: `qid Q0 did rank score name` a line.")],
    data: Annotated[Path, typer.Option(help="The root of M-BEIR, or of data in its layout, that the run was made on.")],
    reranker: Annotated[str | None, typer.Option(help="What reads the hits.", show_default="the one of the settings")] = None,
    qrels: Annotated[Path | None, typer.Option(help="Judgments to score with.", show_default="those of the data")] = None,
    top: Annotated[int, typer.Option(min=1, max=1000, help="How many of the first hits are read.")] = 50,
    out: Annotated[Path | None, typer.Option(help="Where the new run goes.", show_default="nowhere")] = None,
    split: Annotated[str, typer.Option(help="test, val or train.")] = "test",
    instructions: Annotated[Literal["on", "off", "first", "random"], typer.Option(help="What the queries' instructions were.")] = "first",
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16, float16 or auto.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Read the hits of a run file again, whoever made it, and show each set before and after."""
    from app.cli.evaluating import Told, reading_with
    from evaluation.asking import Instructing
    from evaluation.rereading import as_markdown, read_run, reread, run_lines
    from models.devices import Device
    from uniir.images import FileImages

    ranked = read_run(run)
    settings = settings_for()
    name = reranker or settings.reranker
    reading = reading_with(name, Device(device, dtype), settings, FileImages(), top)
    found = reread(ranked, data, split, qrels, reading, Instructing(instructions), Told())
    if out is not None:
        out.write_text("".join(run_lines(found, f"uniir-{name}".replace(" ", "-"))))
        tell(f"Written to {out}.")
    if as_json:
        say_json(found.as_json())
    else:
        say(as_markdown(found).rstrip())
