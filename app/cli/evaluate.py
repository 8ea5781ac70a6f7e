"""uniir evaluate DATA | compare A B | ablation DATA"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer
import typer.core

from app.cli.options import AsJson, DataDir, settings_for, settings_of_data
from app.cli.output import say, say_json, tell

if TYPE_CHECKING:
    from evaluation.evaluate import Plan
    from evaluation.reports.output import Output
    from evaluation.results import Report, SetResult
    from uniir.service import Service


class _RunsByDefault(typer.core.TyperGroup):
    """`uniir evaluate DATA` is `uniir evaluate run DATA`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunsByDefault,
    help="Measure an encoder on data in M-BEIR's layout: `uniir evaluate DATA --encoder NAME`; `compare` tells two evaluations apart, "
    "`ablation` tells what instructions are worth. `uniir evaluate run --help` lists what can be chosen.",
    no_args_is_help=True,
)

Data: TypeAlias = Annotated[Path, typer.Argument(help="The root of M-BEIR, or of data in its layout.")]
Encoder: TypeAlias = Annotated[str, typer.Option(help="A model of `uniir models list`, or the path of weights.")]
Pool: TypeAlias = Annotated[Literal["local", "global"], typer.Option(help="Each set's own candidates, or those of all sets together.")]
Tasks: TypeAlias = Annotated[str, typer.Option(help="M-BEIR's task numbers, as 0,3.", show_default="all")]
Datasets: TypeAlias = Annotated[str, typer.Option(help="Data sets, as mscoco,cirr.", show_default="all")]
Seed: TypeAlias = Annotated[int, typer.Option(help="Of the draw of wordings and of the self-retrieval sample.")]
Split: TypeAlias = Annotated[str, typer.Option(help="test, val or train.")]
Against: TypeAlias = Annotated[str | None, typer.Option(help="A published model to set beside.", show_default="the encoder's own")]
OutputDir: TypeAlias = Annotated[Path | None, typer.Option(help="A directory for report, runs and judgments.", show_default="only printed")]
Work: TypeAlias = Annotated[Path | None, typer.Option(help="Where embeddings are kept between runs.", show_default="the user's cache")]
DeviceName: TypeAlias = Annotated[str, typer.Option(help="cpu, cuda or auto.")]
NumberType: TypeAlias = Annotated[str, typer.Option(help="float32, bfloat16, float16, int8 (UniIR's models on a processor) or auto.")]


@app.command()
def run(
    data: Data,
    encoder: Encoder = "starter",
    pool: Pool = "local",
    tasks: Tasks = "",
    datasets: Datasets = "",
    instructions: Annotated[
        Literal["on", "off", "first", "random"], typer.Option(help="A wording drawn for each query (on, random), the first one, or none.")
    ] = "on",
    seed: Seed = 2023,
    split: Split = "test",
    against: Against = None,
    output: OutputDir = None,
    work: Work = None,
    device: DeviceName = "auto",
    dtype: NumberType = "float32",
    rerank: Annotated[
        str, typer.Option(help="Read the first 50 hits again: a reranker's name, on, auto (where that was measured to help) or off.")
    ] = "off",
    complement: Annotated[bool, typer.Option("--complement", help="Look for the missing half of each hit and count it too.")] = False,
    held_out: Annotated[
        str, typer.Option(help="Sets of M-BEIR that training did not see, as oven,cirr; or uniir.", show_default="none")
    ] = "",
    collection: Annotated[
        str | None,
        typer.Option("--collection", "-c", help="Measure the search over this collection.", show_default="none"),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Embed, search exactly and score. A run that was cut off goes on where it was; nothing is embedded twice."""
    from app.cli.evaluating import Told, encoder_named, repeating, second_reading
    from evaluation.asking import Instructing
    from evaluation.evaluate import Plan, evaluate
    from evaluation.metrics.averages import HELD_OUT
    from evaluation.reports.markdown import as_markdown
    from evaluation.reports.output import Output
    from models.devices import Device
    from uniir.images import FileImages

    _require_published(against, pool)
    unseen = tuple(one for name in _names(held_out) for one in HELD_OUT.get(name, (name,)))
    way = Instructing(instructions)
    plan = Plan(data, split, pool, _numbers(tasks), _names(datasets), way, seed, against, "exact", rerank, complement, unseen)
    given = {"encoder": encoder, "collection": collection, "dtype": None if collection else dtype}
    command = repeating(plan, {name: value for name, value in given.items() if name == "collection" or collection is None})
    kept = Output(output) if output is not None else None
    place = _work(work)
    if collection is None:
        model = encoder_named(encoder, device, dtype)
        images = FileImages()
        reading = second_reading(rerank, model, Device(device, dtype), settings_for(data_dir), images)
        report = evaluate(plan, model, images, place, _keeping(kept), Told(), reading, command)
    else:
        report = _by_collection(plan, collection, data_dir, place, kept, command)
    if kept is not None:
        kept.finish(report)
        tell(f"Written to {output}.")
    if as_json:
        say_json(report.as_json())
    else:
        say(as_markdown(report).rstrip())


def _by_collection(plan: Plan, name: str, data_dir: Path | None, work: Path, kept: Output | None, command: str) -> Report:
    """Through the directory's own search, here or at its owner's; others are answered meanwhile."""
    from app.cli.evaluating import SearchedCollection, Told, reranker_of, reranking_of
    from app.local.answering import answering
    from app.local.reach import asked
    from app.local.service import LocalService
    from evaluation.evaluate import evaluate_by
    from evaluation.retrieval import ApplicationRetrieval

    reranking = reranking_of(plan.rerank)

    def measured(service: Service) -> Report:
        if kept is not None:
            kept.begin()
        with answering(service) if isinstance(service, LocalService) else nullcontext():
            application = SearchedCollection(service, name, reranker_of(plan.rerank))
            retrieval = ApplicationRetrieval(plan.root.absolute(), application, work, Told(), reranking, plan.complement)
            return evaluate_by(replace(plan, search=f"collection {name}"), retrieval, _keeping(kept), command)

    return asked(settings_of_data(data_dir, name), "uniir evaluate", measured)


def _keeping(kept: Output | None) -> Callable[[SetResult], None]:
    return kept.keep if kept is not None else _forget


def _forget(result: SetResult) -> None:
    """What nobody wants on disk."""


@app.command()
def ablation(
    data: Data,
    encoder: Encoder = "starter",
    without: Annotated[
        str | None, typer.Option(help="A model trained without instructions, for the queries that get none.", show_default="the same")
    ] = None,
    pool: Pool = "global",
    tasks: Tasks = "",
    datasets: Datasets = "",
    draws: Annotated[int, typer.Option(min=1, max=20, help="How many further draws of wordings.")] = 3,
    seed: Seed = 2023,
    split: Split = "test",
    against: Against = None,
    output: OutputDir = None,
    work: Work = None,
    device: DeviceName = "auto",
    dtype: NumberType = "float32",
    as_json: AsJson = False,
) -> None:
    """Tell what instructions are worth: none, a draw of wordings, the first wordings and further draws beside each other."""
    from app.cli.evaluating import Told, encoder_named, repeating
    from evaluation.ablation import ablation as ablated
    from evaluation.evaluate import Plan, evaluate
    from evaluation.reports.ablation import as_markdown
    from evaluation.reports.output import AblationOutput
    from uniir.images import FileImages

    _require_published(against, pool)
    plan = Plan(data, split, pool, _numbers(tasks), _names(datasets), seed=seed, against=against)
    images, place, told = FileImages(), _work(work), Told()
    model = encoder_named(encoder, device, dtype)
    other = model if without is None else encoder_named(without, device, dtype)
    kept = AblationOutput(output) if output is not None else None
    found = ablated(
        plan,
        lambda one, keep: evaluate(one, model, images, place, keep, told),
        lambda one, keep: evaluate(one, other, images, place, keep, told),
        draws,
        kept.keep if kept is not None else lambda name: _forget,
        repeating(plan, {"encoder": encoder, "without": without, "draws": draws, "dtype": dtype}, "ablation"),
    )
    if kept is not None:
        kept.finish(found)
        tell(f"Written to {output}.")
    if as_json:
        say_json(found.as_json())
    else:
        say(as_markdown(found).rstrip())


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
    from evaluation.reports.markdown import comparison_as_markdown

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


def _work(named: Path | None) -> Path:
    import platformdirs

    return named or platformdirs.user_cache_path("uniir", appauthor=False) / "evaluation"


def _require_published(model: str | None, pool: str) -> None:
    from evaluation.metrics.published import published_models
    from uniir.errors import UsageError

    if model is not None and model not in published_models(pool):
        raise UsageError(f"There are no published results of {model!r} on the {pool} pool.", f"Known: {', '.join(published_models(pool))}.")
