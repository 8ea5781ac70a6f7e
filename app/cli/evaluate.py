"""uniir evaluate DATA | compare A B"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
import typer.core

from app.cli.options import AsJson, DataDir, settings_for
from app.cli.output import say, say_json, tell

if TYPE_CHECKING:
    from evaluation.evaluate import Plan
    from evaluation.results import Report, SetResult


class _RunsByDefault(typer.core.TyperGroup):
    """`uniir evaluate DATA` is `uniir evaluate run DATA`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunsByDefault,
    help="Measure an encoder on data in M-BEIR's layout: `uniir evaluate DATA --encoder NAME`; `compare` tells two evaluations apart. "
    "`uniir evaluate run --help` lists what can be chosen.",
    no_args_is_help=True,
)


@app.command()
def run(
    data: Annotated[Path, typer.Argument(help="The root of M-BEIR, or of data in its layout.")],
    encoder: Annotated[str, typer.Option(help="A model of `uniir models list`, or the path of weights.")] = "starter",
    pool: Annotated[Literal["local", "global"], typer.Option(help="Each set's own candidates, or those of all sets together.")] = "local",
    tasks: Annotated[str, typer.Option(help="M-BEIR's task numbers, as 0,3.", show_default="all")] = "",
    datasets: Annotated[str, typer.Option(help="Data sets, as mscoco,cirr.", show_default="all")] = "",
    instructions: Annotated[
        Literal["on", "off", "first", "random"], typer.Option(help="A wording drawn for each query (on, random), the first one, or none.")
    ] = "on",
    seed: Annotated[int, typer.Option(help="Of the draw of wordings and of the self-retrieval sample.")] = 2023,
    split: Annotated[str, typer.Option(help="test, val or train.")] = "test",
    against: Annotated[str | None, typer.Option(help="A published model to set beside.", show_default="the encoder's own")] = None,
    output: Annotated[Path | None, typer.Option(help="A directory for report, runs and judgments.", show_default="only printed")] = None,
    work: Annotated[Path | None, typer.Option(help="Where embeddings are kept between runs.", show_default="the user's cache")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16, float16 or auto.")] = "float32",
    collection: Annotated[
        str | None,
        typer.Option("--collection", "-c", help="Measure the search over this collection.", show_default="none"),
    ] = None,
    rerank: Annotated[Literal["auto", "on", "off"], typer.Option(help="With `--collection`: whether hits are read again.")] = "off",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Embed, search exactly and score. A run that was cut off goes on where it was; nothing is embedded twice."""
    import platformdirs

    from app.cli.evaluating import Told, encoder_named
    from evaluation.asking import Instructing
    from evaluation.evaluate import Plan, evaluate
    from evaluation.markdown import as_markdown
    from evaluation.output import Output
    from evaluation.published import published_models
    from uniir.errors import UsageError
    from uniir.images import FileImages

    if against is not None and against not in published_models(pool):
        raise UsageError(
            f"There are no published results of {against!r} on the {pool} pool.", f"Known: {', '.join(published_models(pool))}."
        )
    plan = Plan(data, split, pool, _numbers(tasks), _names(datasets), Instructing(instructions), seed, against)
    kept = Output(output) if output is not None else None
    keep = kept.keep if kept is not None else _forget
    place = work or platformdirs.user_cache_path("uniir", appauthor=False) / "evaluation"
    if collection is None:
        report = evaluate(plan, encoder_named(encoder, device, dtype), FileImages(), place, keep, Told())
    else:
        report = _by_collection(plan, collection, rerank, data_dir, place, keep)
    if kept is not None:
        kept.finish(report)
        tell(f"Written to {output}.")
    if as_json:
        say_json(report.as_json())
    else:
        say(as_markdown(report).rstrip())


def _by_collection(plan: Plan, name: str, rerank: str, data_dir: Path | None, work: Path, keep: Callable[[SetResult], None]) -> Report:
    from app.cli.evaluating import SearchedCollection, Told
    from app.wiring import owned
    from evaluation.evaluate import evaluate_by
    from evaluation.retrieval import ApplicationRetrieval
    from uniir.queries import Reranking

    with owned(settings_for(data_dir, name), "uniir evaluate") as installation:
        application = SearchedCollection(installation, name, Reranking(rerank))
        retrieval = ApplicationRetrieval(plan.root.absolute(), application, work, Told())
        return evaluate_by(replace(plan, search=f"collection {name}, rerank {rerank}"), retrieval, keep)


def _forget(result: SetResult) -> None:
    """What nobody wants on disk."""


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="The `--output` of an evaluation.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="The one that is laid beside it.")],
    measure: Annotated[str | None, typer.Option(help="As ndcg@10 or hit@1.", show_default="each set's headline")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether two evaluations differ by more than chance: a paired test over the queries that both have."""
    from dataclasses import asdict

    from evaluation.compare import compare as compared
    from evaluation.markdown import comparison_as_markdown

    found = compared(first, second, measure)
    if as_json:
        say_json(asdict(found))
    else:
        say(comparison_as_markdown(found).rstrip())


def _numbers(text: str) -> tuple[int, ...]:
    from uniir.errors import UsageError

    try:
        return tuple(sorted({int(one) for one in _names(text)}))
    except ValueError:
        raise UsageError(f"{text!r} are no task numbers.", "Write them as `--tasks 0,3`.") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(one.strip().lower() for one in text.split(",") if one.strip())
