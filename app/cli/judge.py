"""uniir judge add | list | remove | import | export | score | calibrate"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import AsJson, Collection, DataDir, settings_of_data
from app.cli.output import printable, say, say_json, shortened, table, tell
from app.cli.search import Target
from uniir.counting import counted
from uniir.queries import Reranking

if TYPE_CHECKING:
    from uniir.wire import CalibrationAnswer, JudgedQueryAnswer, ScoringAnswer, ScoringsAnswer

app = typer.Typer(help="Say how well documents answer a search, and measure searches by it.", no_args_is_help=True)
_SHOWN = ("ndcg@10", "hit@1", "hit@5", "hit@10", "recall@10", "map@5", "mrr@10")
_FAILED = 3


@app.command()
def add(
    document: Annotated[list[str], typer.Option(help="The id of a document; may be repeated.")],
    text: Annotated[str | None, typer.Argument(help="The query's words.", show_default=False)] = None,
    grade: Annotated[int, typer.Option(help="0 is wrong, 1 right, up to 10 for better.")] = 1,
    image: Annotated[Path | None, typer.Option(help="The query's picture.")] = None,
    instruction: Annotated[str | None, typer.Option(help="An id of `uniir instructions`.", show_default="chosen to fit")] = None,
    target: Annotated[Target | None, typer.Option(help="Only results of this modality.", show_default="all")] = None,
    weight_text: Annotated[float, typer.Option(help="How much the words count.")] = 1.0,
    weight_image: Annotated[float, typer.Option(help="How much the picture counts.")] = 1.0,
    negatives: Annotated[list[str] | None, typer.Option("--not", help="What the results should not be like; may be repeated.")] = None,
    like: Annotated[list[str] | None, typer.Option(help="The id of a document to resemble; may be repeated.")] = None,
    path: Annotated[str | None, typer.Option(help="Only documents whose path, below its root or in full, starts so.")] = None,
    where: Annotated[str | None, typer.Option(help="A filter, as of `uniir search`.", show_default=False)] = None,
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Give documents a grade for a search, or another one in place of it. The options are those of `uniir search`."""
    from app.local.reach import asked
    from uniir.asking import search_request
    from uniir.ids import format_id, parse_id
    from uniir.judgments import require_grade
    from uniir.queries import Weights
    from uniir.wire import JudgmentRequest

    settings = settings_of_data(data_dir, collection)
    picture = image.expanduser().absolute() if image is not None else None
    search = search_request(
        text,
        picture=picture,
        instruction=instruction,
        target=target.value if target is not None else None,
        weights=Weights(text=weight_text, image=weight_image),
        negatives=tuple(negatives or ()),
        like=tuple(like or ()),
        path=path,
        where=where,
        collection=settings.collection,
    )
    require_grade(grade)
    wanted = [JudgmentRequest(search=search, document=format_id(parse_id(one)), grade=grade) for one in document]
    given = asked(settings, "uniir judge add", lambda service: [service.judge(one, picture) for one in wanted])
    if as_json:
        say_json({"judgments": [one.model_dump(mode="json") for one in given]})
        return
    for one in given:
        say(f"{one.id}: {one.document} has grade {one.grade} for {_named(one.query)}.")


@app.command("list")
def list_judgments(collection: Collection = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List what was judged, query by query."""
    from app.local.reach import asked

    settings = settings_of_data(data_dir, collection)
    found = asked(settings, "uniir judge list", lambda service: service.judgments(settings.collection))
    if as_json:
        say_json(found.model_dump(mode="json"))
        return
    rows = [(str(one.id), str(one.grade), one.document, f"{one.judged_at:%Y-%m-%d}", _named(one.query)) for one in found.judgments]
    say(table(("id", "grade", "document", "judged", "query"), rows) if rows else "Nothing is judged.")


@app.command()
def remove(
    judgments: Annotated[list[int], typer.Argument(help="Ids of `uniir judge list`.", min=1)],
    data_dir: DataDir = None,
) -> None:
    """Take judgments back."""
    from app.local.reach import reached

    with reached(settings_of_data(data_dir), "uniir judge remove") as service:
        for one in judgments:
            service.forget_judgment(one)
    say(f"{counted(len(judgments), 'judgment')} taken back.")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="judgments.jsonl, the directory of an export, or data in M-BEIR's layout.")],
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Take over judgments; documents are found by id, by external id, or by path."""
    from app.local.judgments.importing import import_judgments
    from app.wiring.sessions import opened

    settings = settings_of_data(data_dir, collection)
    with opened(settings) as installation:
        done = import_judgments(installation, installation.collection(settings.collection), file.expanduser().absolute())
    if as_json:
        say_json({"kept": done.kept, "without_document": list(done.without_document)})
    else:
        say(f"{counted(done.kept, 'judgment')} kept.")
        for place in done.without_document[:10]:
            tell(f"{printable(place)}: the collection has no such document.")
        if len(done.without_document) > 10:
            tell(f"... and {len(done.without_document) - 10:,} more.")
    if done.without_document:
        raise typer.Exit(_FAILED)


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="A new directory, or one of an earlier export.")],
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Write judgments, their queries and the collection's documents in M-BEIR's layout, with qrels for TREC's tools."""
    from dataclasses import asdict

    from app.local.judgments.files import export as export_judgments
    from app.wiring.sessions import opened

    settings = settings_of_data(data_dir, collection)
    with opened(settings) as installation:
        done = export_judgments(installation, installation.collection(settings.collection), directory.expanduser().absolute())
    if as_json:
        say_json(asdict(done))
        return
    judged = f"{counted(done.queries, 'query')} on {counted(done.documents, 'document')}"
    say(f"{counted(done.judgments, 'judgment')} of {judged} in {directory}.")
    if done.beyond_layout:
        tell(f"{counted(done.beyond_layout, 'query')} of neither words nor picture: in judgments.jsonl alone.")
    say(f"`uniir evaluate {directory} --encoder NAME --instructions first` measures an encoder by them.")


@app.command()
def score(
    rerank: Annotated[Reranking, typer.Option(help="Whether the best results are read again.")] = Reranking.AUTO,
    html: Annotated[Path | None, typer.Option(help="A file for a page with all scorings, plotted over time.", show_default="none")] = None,
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make the judged searches anew, score what they find, and keep the result."""
    from app.local.reach import asked
    from uniir.service import Service
    from uniir.wire import ScoringRequest

    settings = settings_of_data(data_dir, collection)
    request = ScoringRequest(collection=settings.collection, rerank=rerank)

    def both(service: Service) -> tuple[ScoringAnswer, ScoringsAnswer]:
        return service.score_judgments(request), service.scorings(settings.collection)

    made, history = asked(settings, "uniir judge score", both)
    if html is not None:
        _write(html, history, made)
    if as_json:
        say_json(made.model_dump(mode="json"))
    else:
        _show(made, history.scorings[:-1])


@app.command()
def calibrate(
    reranker: Annotated[str | None, typer.Option(help="Another reranker than the one of the settings.", show_default="none")] = None,
    pairs: Annotated[int, typer.Option(help="How many unrelated pairs are read where there are too few judgments.")] = 1000,
    forget: Annotated[bool, typer.Option("--forget", help="Take back what was found, and print nothing else.")] = False,
    collection: Collection = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Find out what the reranker's values mean in this collection: by its judgments, else by unrelated pairs."""
    from app.local.reach import asked
    from uniir.errors import UsageError
    from uniir.wire import CalibrationRequest

    if not 20 <= pairs <= 100_000:
        raise UsageError(f"{pairs} pairs can't be read.", "Name 20 to 100,000.")
    settings = settings_of_data(data_dir, collection)
    request = CalibrationRequest(collection=settings.collection, reranker=reranker, pairs=pairs, forget=forget)
    found = asked(settings, "uniir judge calibrate", lambda service: service.calibrate(request))
    if as_json:
        say_json(found.model_dump(mode="json"))
    else:
        _show_calibration(found)


def _show_calibration(found: CalibrationAnswer) -> None:
    if found.method is None:
        say(f"The values of {found.reranker} are taken as they are in {found.collection}.")
        return
    if found.method == "random":
        say(f"{found.pairs:,} unrelated pairs were read with {found.reranker}; its values stay, and a hit has to beat chance to be good.")
        if found.pairs < 1000:
            say("From so few pairs the bound of strong is little more than the largest value among them; read more with `--pairs`.")
        say("With 10 right and 10 wrong judgments of hits that it reads, its values become probabilities.")
    else:
        curve = "Platt's sigmoid" if found.method == "platt" else "an isotonic curve"
        read = f"{counted(found.pairs, 'judged pair')} of {counted(found.queries, 'query')}, {found.right:,} right"
        say(f"{read}, were read with {found.reranker}: {curve}.\n")
        say(table(("value", "means"), [(f"{value:.2f}", f"{100 * now:.1f} %") for value, now in found.means]))
    rows = [
        (name, "none" if found.cuts_before is None else f"{getattr(found.cuts_before, name):.4f}", f"{getattr(found.cuts_after, name):.4f}")
        for name in ("strong", "good")
    ]
    say("\n" + table(("from", "before", "now"), rows))
    if found.quality_before is not None and found.quality_after is not None:
        seen = "pairs that the fit did not see" if found.held_out else "the pairs it was fitted to, since there are too few others"
        old, new = found.quality_before, found.quality_after
        say(f"\nMean squared difference from the truth: {old.brier:.3f} before, {new.brier:.3f} now, on {seen}.")
        say(f"Said and true shares were {100 * old.error:.0f} points apart, and are {100 * new.error:.0f} now.")


def _write(file: Path, history: ScoringsAnswer, made: ScoringAnswer) -> None:
    from evaluation.reports.history import as_html
    from uniir.errors import UsageError

    try:
        file.write_text(as_html(history.collection, history.scorings, made.searches), "utf-8")
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror or error}.", "Name another file with `--html`.") from None
    tell(f"Written to {file}.")


def _show(made: ScoringAnswer, earlier: list[ScoringAnswer]) -> None:
    before = earlier[-1] if earlier else None
    header = ["measure", "percent", "95 % confidence", *([f"{before.made_at:%Y-%m-%d}"] if before is not None else [])]
    rows = []
    for name in _SHOWN:
        one = made.measures[name]
        row = [name, f"{100 * one.value:.1f}", f"{100 * one.low:.1f} to {100 * one.high:.1f}"]
        rows.append([*row, *([f"{100 * before.measures[name].value:.1f}"] if before is not None else [])])
    say(table(header, rows))
    say(
        f"\nJudged queries: {made.queries:,}. "
        f"{counted(made.judgments, 'judgment')}, {counted(made.documents, 'document')}; "
        f"{100 * made.judged_share:.0f} % of the first ten hits are judged, the others count as wrong."
    )
    if made.left_out:
        tell(f"{counted(made.left_out, 'judged query')} without a right answer: left out.")
    if made.failed:
        tell(f"{counted(made.failed, 'query')} could not be asked any more: counted as missed.")


def _named(query: JudgedQueryAnswer) -> str:
    """A query on one line."""
    parts = [f"'{shortened(query.text, 60)}'"] if query.text is not None else []
    parts += [f"picture {query.image[:8]}"] if query.image is not None else []
    parts += [f"like {one}" for one in query.like]
    parts += [f"not '{shortened(one, 30)}'" for one in query.negatives]
    parts += [f"below {printable(query.path)}"] if query.path else []
    parts += [f"only {query.target}"] if query.target is not None else []
    return f"{', '.join(parts)} [{query.instruction.id}]"
