"""uniir search"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import AsJson, Collection, DataDir, settings_for
from app.cli.output import printable, say, say_json, shortened, tell

if TYPE_CHECKING:
    from uniir.documents import Json
    from uniir.hits import Hit, SearchResult
    from uniir.queries import Query

_WIDTH = 100


class Target(enum.StrEnum):
    text = "text"
    image = "image"
    pair = "image,text"


def search(
    text: Annotated[str | None, typer.Argument(help="What to look for, in words.", show_default=False)] = None,
    image: Annotated[Path | None, typer.Option(help="A picture to look for, alone or together with the words.")] = None,
    instruction: Annotated[str | None, typer.Option(help="An id of `uniir instructions`.", show_default="chosen to fit")] = None,
    target: Annotated[Target | None, typer.Option(help="Only results of this modality.", show_default="all")] = None,
    k: Annotated[int, typer.Option("-k", help="How many results.")] = 10,
    weight_text: Annotated[float, typer.Option(help="How much the words count.")] = 1.0,
    weight_image: Annotated[float, typer.Option(help="How much the picture counts.")] = 1.0,
    negatives: Annotated[list[str] | None, typer.Option("--not", help="What the results should not be like; may be repeated.")] = None,
    like: Annotated[list[str] | None, typer.Option(help="The id of a document to resemble; may be repeated.")] = None,
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Find documents by words, by a picture, by both, or by likeness to a document."""
    from app.wiring import owned
    from uniir.documents import ImageReference, Modality
    from uniir.ids import parse_id
    from uniir.queries import Query, Weights

    settings = settings_for(data_dir, collection)
    with owned(settings, "uniir search") as everything:
        installation = everything.installation
        query = Query(
            text=text,
            image=ImageReference(image.expanduser().absolute()) if image is not None else None,
            instruction=installation.instructions.named(instruction) if instruction is not None else None,
            target=Modality(target.value) if target is not None else None,
            weights=Weights(text=weight_text, image=weight_image),
            negatives=tuple(negatives or ()),
            like=tuple(map(parse_id, like or ())),
            k=k,
        )
        query.validate()
        result = everything.search_service(installation.collections.get(settings.collection)).search(query)
    if as_json:
        say_json(result_json(result))
    else:
        _show(result)


def result_json(result: SearchResult) -> Json:
    """The object that `--json` promises."""
    return {
        "query": _query_json(result.query),
        "instruction": {"id": result.instruction.id, "text": result.instruction.wording},
        "hits": [_hit_json(hit) for hit in result.hits],
        "timings_ms": dict(result.timings_ms),
        "notes": list(result.notes),
    }


def _query_json(query: Query) -> Json:
    from uniir.ids import format_id

    return {
        "text": query.text,
        "image": str(query.image.path) if query.image is not None else None,
        "target": query.target,
        "k": query.k,
        "weights": {"text": query.weights.text, "image": query.weights.image},
        "not": list(query.negatives),
        "like": [format_id(one) for one in query.like],
    }


def _hit_json(hit: Hit) -> Json:
    from uniir.ids import format_id

    document = hit.document
    return {
        "rank": hit.rank,
        "id": format_id(document.id),
        "modality": document.modality,
        "score": hit.score,
        "text": document.text,
        "path": str(document.source.file),
        "locator": document.source.locator,
        "image": str(document.image.path) if document.image is not None else None,
        "metadata": dict(document.metadata),
        "parts": dict(hit.parts),
    }


def _show(result: SearchResult) -> None:
    from uniir.ids import format_id

    tell(f"{result.instruction.wording} [{result.instruction.id}]")
    for hit in result.hits:
        document = hit.document
        file = document.image.path if document.image is not None else document.source.file
        place = printable(str(file)) + (f"#{printable(document.source.locator)}" if document.source.locator else "")
        say(f"{hit.rank:3d}  {hit.score:6.3f}  {document.modality:<10}  {format_id(document.id)}  {place}")
        if document.text is not None:
            say(f"{'':15}{shortened(document.text, _WIDTH)}")
    if not result.hits:
        say("Nothing found.")
    for note in result.notes:
        tell(note)
