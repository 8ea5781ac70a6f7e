"""Reports for people, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from evaluation.analysis import FirstHits
from evaluation.compare import Comparison
from evaluation.metrics.resampling import Interval
from evaluation.metrics.scoring import EXPLAINED
from evaluation.reports.words import ERRORS, TASKS, headline_sentence, measured_with, notes, read_again
from evaluation.results import Report, SetRow

_SHOWN = ("hit@1", "hit@5", "hit@10", "recall@10", "ndcg@10", "map@5", "mrr@10")
_CERTAIN = 0.05


def as_markdown(report: Report) -> str:
    """The table by task and data set, the first hits, and what everything was measured with."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    settings = report.settings
    yield f"# {report.encoder['encoder']} on {settings['root']}, {settings['pool']} pool"
    yield ""
    yield from (headline_sentence(report), "")
    yield f"Split {settings['split']}, instructions {settings['instructing']}, seed {settings['seed']}, search {settings['search']}."
    yield "Percent; in brackets 95 % confidence."
    yield ""
    yield from _scores(report)
    yield ""
    yield from (f"- {name}: {meaning}." for name, meaning in EXPLAINED.items())
    yield "- Average: of the headlines, each data set and task counting alike."
    if report.published_model:
        yield (
            f"- {report.published_model}: as printed (evaluation/data/published.tsv; of UniIR the large models). The authors' released "
            "weights were trained anew after the paper, and wordings are drawn at random: several points of difference are known."
        )
    yield ""
    yield from ("## By task", "", *_averages(report), "")
    if any(row.rerank is not None for row in report.rows):
        yield from ("## Before and after reading the first hits again", "", read_again(report.rows), "", *_reranked(report.rows), "")
    if any(row.with_complements is not None for row in report.rows):
        yield from ("## With missing halves", "", *_completed(report.rows), "")
    yield "## First hits"
    yield ""
    yield from _first_hits(report)
    yield ""
    told = [f"- {one}" for one in notes(report)]
    if told:
        yield from ("## Left out or failed", "", *told, "")
    if report.command:
        yield from ("## To repeat it", "", f"    {report.command}", "")
    yield from ("## Measured with", "", *(f"- {name}: {value}" for name, value in measured_with(report)))


def _scores(report: Report) -> Iterator[str]:
    published = [report.published_model] if report.published_model else []
    rows = [
        [
            f"{row.task} {TASKS.get(row.task, '')}",
            row.dataset,
            f"{row.queries:,}",
            f"{row.candidates:,}",
            f"{interval_in_words(row.measures[row.headline])} {row.headline}",
            *(percent(row.measures[name].value) for name in _SHOWN),
            *([_printed(row.published)] if published else []),
        ]
        for row in report.rows
    ]
    average = [
        "Average",
        "",
        "",
        "",
        interval_in_words(report.average.value),
        *("" for _ in _SHOWN),
        *([_printed(report.average.published)] * len(published)),
    ]
    yield from table(["task", "data set", "queries", "pool", "headline", *_SHOWN, *published], [*rows, average])


def _averages(report: Report) -> Iterator[str]:
    published = [report.published_model] if report.published_model else []
    rows = [
        [one.name, str(one.sets), interval_in_words(one.value), *([_printed(one.published)] if published else [])]
        for one in (*report.averages, report.average)
    ]
    yield from table(["of", "sets", "average", *published], rows)


def _reranked(rows: Sequence[SetRow]) -> Iterator[str]:
    header = ["task", "data set", "measure", "before", "after", "difference", "p", "ndcg@10", "map@5"]
    read = [(row, row.rerank) for row in rows if row.rerank is not None]
    cells = [
        [
            str(row.task),
            row.dataset,
            row.headline,
            percent(gain.before[row.headline].value),
            percent(row.measures[row.headline].value),
            interval_in_words(gain.difference, signed=True),
            f"{gain.probability:.4f}",
            *(f"{percent(gain.before[name].value)} -> {percent(row.measures[name].value)}" for name in ("ndcg@10", "map@5")),
        ]
        for row, gain in read
        if gain.before != row.measures
    ]
    if cells:
        yield from (*table(header, cells), "")
    if len(cells) < len(read):
        yield f"{len(read) - len(cells)} of {len(read)} sets were left as they were and are not listed."


def _completed(rows: Sequence[SetRow]) -> Iterator[str]:
    shown = ("hit@1", "hit@5", "hit@10")
    cells = [
        [str(row.task), row.dataset, *(f"{percent(row.measures[name].value)} -> {percent(halves[name].value)}" for name in shown)]
        for row in rows
        if (halves := row.with_complements) is not None
    ]
    yield from table(["task", "data set", *shown], cells)
    yield ""
    yield "Share of queries with a positive among the first hits, and with one among these or the other halves that were found for them."


def _first_hits(report: Report) -> Iterator[str]:
    header = ["task", "data set", "modality accuracy@1", "wrong", "wrong modality", "wrong domain", "other error"]
    rows = [_first_hit_cells(str(row.task), row.dataset, row.queries, row.first_hits) for row in report.rows]
    rows.append(_first_hit_cells("All", "", sum(row.queries for row in report.rows), report.first_hits))
    if errors := report.published_errors:
        rows.append([report.published_model or "", "", "", "", *(f"{errors[kind]:.1f}" for kind in ERRORS)])
    yield from table(header, rows)


def _first_hit_cells(task: str, dataset: str, queries: int, first: FirstHits) -> list[str]:
    shares = (percent(count / first.wrong) if first.wrong else "" for count in (first.wrong_modality, first.wrong_domain, first.other))
    return [task, dataset, percent(first.modality_accuracy), percent(first.wrong / queries), *shares]


def comparison_as_markdown(comparison: Comparison) -> str:
    """Differences, B less A, with how likely chance alone makes them."""
    rows = [
        [
            "Average" if one.task is None else f"{one.task} {one.dataset}",
            f"{one.queries:,}",
            one.measure,
            percent(one.first),
            percent(one.second),
            interval_in_words(one.difference, signed=True),
            f"{one.probability:.4f}",
            "yes" if one.probability < _CERTAIN else "no",
        ]
        for one in comparison.differences
    ]
    lines = [
        f"A: {comparison.first}",
        f"B: {comparison.second}",
        "",
        *table(["task", "queries", "measure", "A", "B", "B - A", "p", "beyond chance"], rows),
        "",
        "Percent, over the queries that both have. p: signs of the queries' differences flipped at random, two-sided.",
        *([f"In one of them only: {', '.join(comparison.alone)}."] if comparison.alone else []),
        *([f"Measured differently: {'; '.join(comparison.unlike)}."] if comparison.unlike else []),
    ]
    return "\n".join(lines) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def percent(value: float) -> str:
    """A share in percent, to two places."""
    return f"{100 * value:.2f}"


def interval_in_words(one: Interval, signed: bool = False) -> str:
    """Value and bounds in percent."""
    sign = "+" if signed else ""
    return f"{100 * one.value:{sign}.2f} ({100 * one.low:{sign}.1f} to {100 * one.high:{sign}.1f})"


def _printed(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
