"""uniir models list | show | pull | convert | check | remove"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import AsJson, Yes
from app.cli.output import printable, say, say_json, tell

if TYPE_CHECKING:
    from uniir.documents import Json

app = typer.Typer(help="Encoders and rerankers: what there is, what is here, and weights of your own.", invoke_without_command=True)
_HEADS = "Attention heads of this tower, where a checkpoint of unpublished size does not tell."
Name = Annotated[str, typer.Argument(help="A model of `uniir models list`, or a directory of weights.")]


@app.callback()
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List encoders and rerankers: size, licence, where their weights come from and what they are good for."""
    if context.invoked_subcommand is None:
        list_models(as_json)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List encoders and rerankers: size, licence, where their weights come from, and whether these are here."""
    from encoders.catalogue import SPECS, weights_are_here
    from models.places import described, kind_of
    from rerank.catalogue import SPECS as RERANKERS

    here = {spec.name: weights_are_here(spec.name, _directory()) for spec in SPECS}
    read_again = {spec.name: not spec.repository or (_directory() / spec.name).is_dir() for spec in RERANKERS}
    listed = here.keys() | read_again.keys()
    own = [path for path in sorted(_directory().glob("[!.]*")) if path.name not in listed and kind_of(path).library]
    if as_json:
        rows: list[Json] = [{**spec.as_json(), "here": here[spec.name]} for spec in SPECS]
        rerankers: list[Json] = [{**spec.as_json(), "here": read_again[spec.name]} for spec in RERANKERS]
        say_json({"models": rows, "rerankers": rerankers, "own": [{"name": path.name, **described(path)} for path in own]})
        return
    for spec in SPECS:
        say(f"{spec.describe()}\n  here: {'yes' if here[spec.name] else 'no'}")
    for reranker in RERANKERS:
        say(f"{reranker.describe()}\n  here: {'yes' if read_again[reranker.name] else 'no'}")
    for path in own:
        say(f"{printable(path.name)} (your own)\n  {kind_of(path)}\n  {path}")


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show one encoder or reranker; of weights that are here, what they are and where they came from."""
    from encoders.catalogue import SPECS, weights_are_here
    from models.places import described
    from rerank.catalogue import SPECS as RERANKERS

    reranker = next((spec for spec in RERANKERS if spec.name == name), None)
    if reranker is not None:
        there = described(_directory() / name)
        if as_json:
            say_json({"model": {**reranker.as_json(), "here": bool(there) or not reranker.repository}, "weights": there or None})
        else:
            say("\n".join([reranker.describe(), *(f"  {key}: {printable(str(value))}" for key, value in there.items())]))
        return
    spec = next((spec for spec in SPECS if spec.name == name), None)
    here = spec is not None and weights_are_here(name, _directory())
    weights = described(_weights(name)) if spec is None or (here and (_directory() / name).is_dir()) else None
    if as_json:
        say_json({"model": None if spec is None else {**spec.as_json(), "here": here}, "weights": weights})
        return
    if spec is not None:
        say(f"{spec.describe()}\n  here: {'yes' if here else 'no'}")
    for key, value in (weights or {}).items():
        say(f"  {key.replace('_', ' ')}: {printable(str(value))}")


@app.command()
def convert(
    checkpoint: Annotated[Path, typer.Argument(help="A .pth file of the authors, or of your own training with their code.")],
    directory: Annotated[Path, typer.Argument(help="A new directory for weights and configuration.")],
    vision_heads: Annotated[int | None, typer.Option(min=1, help=_HEADS, show_default="as published")] = None,
    text_heads: Annotated[int | None, typer.Option(min=1, help=_HEADS, show_default="as published")] = None,
    as_json: AsJson = False,
) -> None:
    """Write what a search needs of a UniIR checkpoint into a directory, once; afterwards the checkpoint is not needed."""
    from encoders import uniir_family
    from encoders.uniir_family.heads import HeadCounts
    from models.places import described

    done = uniir_family.convert(checkpoint, directory, HeadCounts(vision_heads, text_heads))
    if as_json:
        say_json({"directory": str(directory.absolute()), **described(directory)})
        return
    say(f"{done.architecture}, dimension {done.dimension}; heads: vision {done.heads.vision}, text {done.heads.text}")
    read, written = (round(count / 1e6) for count in (done.bytes_read, done.bytes_written))
    say(f"{read:,} MB read, {written:,} MB written to {printable(str(directory))}")
    say(f"Use it: uniir ingest FOLDER --encoder {printable(str(directory))}")


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="A model of `uniir models list`, or a repository ORGANISATION/NAME of the hub.")],
    revision: Annotated[str | None, typer.Option(help="Another revision of the repository.", show_default="as listed")] = None,
) -> None:
    """Fetch a model from the hub. HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are heeded; what was cut off goes on."""
    from encoders.catalogue import SPECS
    from encoders.hub import Hub
    from encoders.pulling import pull as fetch
    from encoders.specs import HubRepository
    from rerank.catalogue import SPECS as RERANKERS

    encoder = next((spec for spec in SPECS if spec.name == name), None)
    reranker = next((spec for spec in RERANKERS if spec.name == name and spec.repository), None)
    if encoder is not None:  # before gigabytes are fetched that somebody may not use
        tell(f"Licence: {encoder.licence}; commercial use: {encoder.commercial_use}.")
    elif reranker is not None:
        tell(f"Licence: {reranker.licence}.")
    others = {spec.name: HubRepository(spec.repository, spec.revision) for spec in RERANKERS if spec.repository}
    done = fetch(name, _directory(), Hub.of(os.environ), revision, _Told(), others)
    say(f"{done.name}: {done.kind}, from {printable(done.origin)}")
    if reranker is None:
        say(f"Use it: uniir ingest FOLDER --encoder {done.name}")
    else:
        say(f"Use it: the setting `reranker`, or UNIIR_RERANKER={done.name}")


class _Told:
    """Says every tenth of a download that it has come to."""

    def __init__(self) -> None:
        self._tenth = -1

    def __call__(self, done: int, whole: int) -> None:
        tenth = 10 * done // max(1, whole)
        if tenth > self._tenth:
            self._tenth = tenth
            tell(f"{done / 1e6:,.0f} of {whole / 1e6:,.0f} MB")


@app.command()
def check(name: Name) -> None:
    """Read weights as a whole: whether every number is as it was when they were fetched or converted."""
    from encoders.pulling import verify

    path = _weights(name)
    say(f"{printable(str(path))}: as written, SHA-256 {verify(path)}")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="A model whose weights are here.")], yes: Yes = False) -> None:
    """Delete weights. Collections that were made with them can't be searched until they are back."""
    from models.places import kind_of
    from uniir.errors import UsageError

    path = _directory() / name
    if Path(name).name != name or not kind_of(path).library:
        raise UsageError(f"There are no weights {name!r} in {_directory()}.", "`uniir models list` says which there are.")
    if not yes:
        typer.confirm(f"Delete {path}?", abort=True, err=True)
    shutil.rmtree(path)
    say(f"Deleted {path}.")


def _directory() -> Path:
    from uniir.settings import load_settings

    return load_settings().models_dir


def _weights(name: str) -> Path:
    """The directory of a model that is here, by its name or path. Raises UsageError, ModelUnavailable."""
    from encoders.catalogue import located

    return located(name, _directory()).path
