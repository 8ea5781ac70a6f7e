"""uniir search"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import AsJson, Collection, DataDir, path, settings_of_data
from app.cli.output import printable, say, say_json, shortened, table, tell
from uniir.counting import counted

if TYPE_CHECKING:
    from uniir.wire import SearchAnswer

_WIDTH = 100


class Target(enum.StrEnum):
    text = "text"
    image = "image"
    pair = "image,text"


def search(
    text: Annotated[str | None, typer.Argument(help="What to look for, in words.", show_default=False)] = None,
    image: Annotated[Path | None, typer.Option(parser=path, help="A picture to look for, alone or together with the words.")] = None,
    instruction: Annotated[str | None, typer.Option(help="An id of `uniir instructions`.", show_default="chosen to fit")] = None,
    target: Annotated[Target | None, typer.Option(help="Only results of this modality.", show_default="all")] = None,
    k: Annotated[int, typer.Option("-k", help="How many results.")] = 10,
    weight_text: Annotated[float, typer.Option(help="How much the words count.")] = 1.0,
    weight_image: Annotated[float, typer.Option(help="How much the picture counts.")] = 1.0,
    negatives: Annotated[list[str] | None, typer.Option("--not", help="What the results should not be like; may be repeated.")] = None,
    like: Annotated[list[str] | None, typer.Option(help="The id of a document to resemble; may be repeated.")] = None,
    path: Annotated[str | None, typer.Option(help="Only documents whose path, below its root or in full, starts so.")] = None,
    where: Annotated[
        str | None, typer.Option(help="A filter, such as `tag=shoes year>=2020 path:'slides/*' -draft`.", show_default=False)
    ] = None,
    rerank: Annotated[
        bool | None,
        typer.Option("--rerank/--no-rerank", help="Whether the best results are read again.", show_default="where that helps"),
    ] = None,
    words: Annotated[
        bool | None,
        typer.Option(
            "--words/--no-words", help="Whether documents with the query's words come forward.", show_default="if nearly all match"
        ),
    ] = None,
    guess: Annotated[bool, typer.Option("--guess", help="Have a model guess what is looked for, and search that (`guess_url`).")] = False,
    complement: Annotated[
        bool, typer.Option("--complement", help="Beside a picture the nearest text, beside a text the nearest picture.")
    ] = False,
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Find documents by words, by a picture, by both, or by likeness to a document."""
    from app.local.reach import asked
    from uniir.asking import search_request
    from uniir.queries import Reranking, Weights, WordSearch

    settings = settings_of_data(data_dir, collection)
    picture = image.expanduser().absolute() if image is not None else None
    request = search_request(
        text,
        picture=picture,
        instruction=instruction,
        target=target.value if target is not None else None,
        k=k,
        weights=Weights(text=weight_text, image=weight_image),
        negatives=tuple(negatives or ()),
        like=tuple(like or ()),
        path=path,
        where=where,
        rerank=Reranking.AUTO if rerank is None else Reranking.ON if rerank else Reranking.OFF,
        words=WordSearch.AUTO if words is None else WordSearch.ON if words else WordSearch.OFF,
        guess=guess,
        complement=complement,
        collection=settings.collection,
    )
    answer = asked(settings, "uniir search", lambda service: service.search(request, picture))
    if as_json:
        written = answer.model_dump(mode="json")
        written["query"]["image"] = str(picture) if picture is not None else None  # as the caller knows it, whoever searched
        say_json(written)
    else:
        _show(answer)


def facets(
    where: Annotated[str | None, typer.Option(help="Only documents that fit this filter.", show_default="all")] = None,
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Count documents by modality, folder and metadata: what `uniir search --where` can narrow by."""
    from app.local.reach import asked

    settings = settings_of_data(data_dir, collection)
    answer = asked(settings, "uniir facets", lambda service: service.facets(settings.collection, where))
    if as_json:
        say_json(answer.model_dump(mode="json"))
        return
    say(counted(answer.documents, "document"))
    lists = [answer.modalities, answer.folders, *(key.values for key in answer.keys)]
    rows = [(f"{one.count:,}", printable(one.where or str(one.value))) for values in lists for one in values]
    if rows:
        say(table(("count", "filter"), rows))


def _show(answer: SearchAnswer) -> None:
    tell(f"{answer.instruction.text} [{answer.instruction.id}]")
    if answer.guess is not None and answer.guess.text is not None:
        tell(f"Guess ({answer.guess.model}, {answer.guess.milliseconds / 1000:.1f} s): {shortened(answer.guess.text, 5 * _WIDTH)}")
    for hit in answer.hits:
        place = printable(hit.image or hit.path) + (f"#{printable(hit.locator)}" if hit.locator else "")
        say(f"{hit.rank:3d}  {hit.score:6.3f}  {hit.modality:<10}  {hit.id}  {place}")
        if hit.text is not None:
            say(f"{'':15}{shortened(hit.text, _WIDTH)}")
        if hit.by_words is not None:
            say(f"{'':15}words: {shortened(' '.join(hit.by_words.words), _WIDTH)}")
        if (half := hit.complement) is not None:
            shown = printable(half.document.image) if half.document.image is not None else shortened(half.document.text or "", _WIDTH)
            say(f"{'':3}+ {half.score:6.3f}  {half.document.modality:<10}  {half.document.id}  {shown}")
    if not answer.hits:
        say("Nothing found.")
    for note in answer.notes:
        tell(note)
