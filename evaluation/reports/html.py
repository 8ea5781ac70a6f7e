"""Reports as one HTML page with its plots inside, for somebody who was not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from evaluation.analysis import FirstHits
from evaluation.metrics.scoring import EXPLAINED
from evaluation.reports import plots
from evaluation.reports.plots import Bar, Dots, Parts
from evaluation.reports.words import ERRORS, TASKS, headline_sentence, in_arrows, measured_with, notes, read_again
from evaluation.results import Report, SetRow

_SHOWN = ("hit@1", "hit@5", "hit@10", "recall@10", "ndcg@10", "map@5", "mrr@10")
_RARE = frozenset({"map@5 of 5"})  # explained where it is a headline
_DEPTHS = ("hit@1", "hit@5", "hit@10")


def page(title: str, body: str) -> str:
    """A whole page in the reports' style; it loads nothing from anywhere."""
    style = (files("evaluation") / "data" / "report.css").read_text("utf-8")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{style}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def table_of(header: Sequence[str], rows: Sequence[Sequence[str]], last: Sequence[str] = ()) -> str:
    """A table that scrolls sideways where it is too wide; `last` is a line below a rule."""
    head = "".join(f"<th>{escape(one)}</th>" for one in header)
    lines = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    end = f'<tr class="sum">{_cells(last)}</tr>' if last else ""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{lines}{end}</tbody></table></div>'


def as_html(report: Report) -> str:
    """The report as a page."""
    return page(f"{report.encoder['encoder']}, {report.settings['pool']} pool", "\n".join(_body(report)))


def _body(report: Report) -> Iterator[str]:
    settings = report.settings
    yield f"<h1>How well the encoder “{escape(Path(str(report.encoder['encoder'])).name)}” finds what is asked for</h1>"
    yield f'<p class="under">Measured on {escape(str(settings["root"]))} ({escape(str(settings["split"]))} split), {report.made[:10]}</p>'
    yield f'<p class="lead">{escape(headline_sentence(report))} {escape(_extremes(report))}</p>'
    yield _facts(report)
    yield "<h2>What was measured</h2>"
    yield from (f"<p>{escape(one)}</p>" for one in _protocol(report))
    yield from _by_task(report)
    yield from _scores(report)
    yield from _reranked(report.rows)
    yield from _completed(report.rows)
    yield from _errors(report)
    yield "<h2>What the numbers mean</h2><dl>"
    yield from (f"<dt>{escape(name)}</dt><dd>{escape(meaning)}.</dd>" for name, meaning in _explained(report))
    yield "</dl>"
    if told := list(notes(report)):
        yield f"<h2>Left out or failed</h2><ul>{''.join(f'<li>{escape(one)}</li>' for one in told)}</ul>"
    if report.command:
        yield f"<h2>To repeat it</h2><pre>{escape(report.command)}</pre>"
    yield "<h2>Measured with</h2>"
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in measured_with(report))
    yield f'<table class="plain">{rows}</table>'


def _explained(report: Report) -> Iterator[tuple[str, str]]:
    """What the names that stand in the tables mean."""
    yield "headline", "the measure that the papers print for a data set; its mean over data sets and tasks is the average"
    yield from (
        (name, meaning) for name, meaning in EXPLAINED.items() if name not in _RARE or name in {row.headline for row in report.rows}
    )
    yield "modality accuracy@1", "share of queries whose first hit is of the same kind (text, picture or both) as a right answer"


def _extremes(report: Report) -> str:
    """Which task comes out best and which worst; empty for one task."""
    tasks = sorted((one for one in report.averages if one.name.startswith("task ")), key=lambda one: one.value.value)
    if len(tasks) < 2:
        return ""
    worst, best = tasks[0], tasks[-1]
    return (
        f"It does best at {in_arrows(best.name.partition(', ')[2])} ({_percent(best.value.value)} %) "
        f"and worst at {in_arrows(worst.name.partition(', ')[2])} ({_percent(worst.value.value)} %)."
    )


def _facts(report: Report) -> str:
    found, sample = (sum(getattr(one, name) for one in report.gates.values()) for name in ("found", "sample"))
    pools = sorted({row.candidates for row in report.rows})
    facts = [
        (f"{sum(row.queries for row in report.rows):,}", "queries"),
        (f"{len(report.rows)}", "data sets and tasks" if len(report.rows) > 1 else "data set and task"),
        (f"{pools[0]:,}" if len(pools) == 1 else f"{pools[0]:,} to {pools[-1]:,}", "candidates to choose from"),
        (f"{100 * report.first_hits.modality_accuracy:.1f} %", "first hits of the wanted kind"),
        (f"{100 * found / max(1, sample):.1f} %", "of candidates find themselves"),
    ]
    return f'<ul class="facts">{"".join(f"<li><b>{escape(one)}</b><span>{escape(name)}</span></li>" for one, name in facts)}</ul>'


def _protocol(report: Report) -> Iterator[str]:
    settings = report.settings
    pool = "all candidates of all tasks together" if settings["pool"] == "global" else "the candidates of its own task"
    asked = {
        "off": "no instruction",
        "first": "an instruction that says what is wanted, always the first wording of its task",
        "random": f"an instruction that says what is wanted, one of its task's wordings drawn at random (seed {settings['seed']})",
    }.get(str(settings["instructing"]), str(settings["instructing"]))
    yield (
        "A query is a text, a picture or both; its right answers come with the data. "
        f"Each query was put to {pool}, with {asked}. "
        "Nothing was filtered: an answer of the wrong kind, and the query's own picture, can push a right one out."
    )
    yield (
        "A query counts as answered if any right answer is among the first five hits (the UniIR paper calls that Recall@5), "
        "or the first ten for Fashion200K and FashionIQ. The average counts each data set and task alike, however many queries it has. "
        f"Search: {settings['search']}; reading the first hits again: {settings['rerank']}."
    )
    yield (
        "Confidence intervals come from drawing the queries anew 2,000 times: "
        "they tell what another sample of such queries might give, and nothing of other data."
    )


def _by_task(report: Report) -> Iterator[str]:
    yield "<h2>By data set and task</h2>"
    rows = [Bar(_name(row), row.measures[row.headline], row.published) for row in report.rows]
    average = report.average
    rows.append(Bar("Average", average.value, average.published, strong=True))
    beside = f"{report.published_model}, published" if report.published_model else None
    yield plots.bars("Queries answered, by data set and task", "queries answered, in percent (higher is better)", rows, beside)
    yield "<h3>How far down one has to look</h3>"
    lines = [Dots(_name(row), [row.measures[name].value for name in _DEPTHS]) for row in report.rows]
    legend = [f"right answer among the first {name.partition('@')[2]}" for name in _DEPTHS]
    legend[0] = "right answer first"
    yield plots.dots("Queries answered by number of hits looked at", "queries answered, in percent", lines, legend)


def _scores(report: Report) -> Iterator[str]:
    yield "<h2>All scores</h2>"
    beside = [f"{report.published_model}, published"] if report.published_model is not None else []
    sizes = ["candidates"] if len({row.candidates for row in report.rows}) > 1 else []
    header = ["data set and task", "queries", *sizes, "headline", *_SHOWN, "modality accuracy@1", *beside]
    cells = [
        [
            _name(row),
            f"{row.queries:,}",
            *([f"{row.candidates:,}"] * len(sizes)),
            f"{row.headline} {_percent(row.measures[row.headline].value)}",
            *(_percent(row.measures[name].value) for name in _SHOWN),
            _percent(row.first_hits.modality_accuracy),
            *(["" if row.published is None else f"{row.published:.1f}"] * len(beside)),
        ]
        for row in report.rows
    ]
    gap = [""] * len(_SHOWN)
    average = _printed(report.average.published)
    accuracy = _percent(report.first_hits.modality_accuracy)
    last = ["Average", "", *[""] * len(sizes), _percent(report.average.value.value), *gap, accuracy, *([average] * len(beside))]
    yield table_of(header, cells, last)
    yield "<h3>Averages</h3>"
    averages = [
        [
            in_arrows(one.name),
            str(one.sets),
            _percent(one.value.value),
            f"{_percent(one.value.low)} to {_percent(one.value.high)}",
            *([_printed(one.published)] * len(beside)),
        ]
        for one in report.averages
    ]
    yield table_of(["of", "data sets", "average", "95 % confidence", *beside], averages)
    if any(row.held_out for row in report.rows):
        names = sorted({row.dataset for row in report.rows if row.held_out})
        yield f"<p>Held out of training: {escape(', '.join(names))}.</p>"


def _reranked(rows: Sequence[SetRow]) -> Iterator[str]:
    read = [(row, row.rerank) for row in rows if row.rerank is not None]
    if not read:
        return
    yield "<h2>Reading the first hits again</h2>"
    yield f"<p>{read_again(rows)} Query and candidate are read together then, and what was read is put in a new order.</p>"
    changed = [(row, gain) for row, gain in read if gain.before != row.measures]
    if len(changed) < len(read):
        yield f"<p>{len(read) - len(changed)} of {len(read)} sets were left as they were and are not listed.</p>"
    if not changed:
        return
    lines = [Dots(_name(row), [gain.before[row.headline].value, row.measures[row.headline].value]) for row, gain in changed]
    yield plots.dots("Before and after reading again", "queries answered, in percent", lines, ["before", "after"])
    cells = [
        [
            _name(row),
            row.headline,
            _percent(gain.before[row.headline].value),
            _percent(row.measures[row.headline].value),
            f"{100 * gain.difference.value:+.1f} ({100 * gain.difference.low:+.1f} to {100 * gain.difference.high:+.1f})",
            f"{gain.probability:.4f}",
            f"{_percent(gain.before['ndcg@10'].value)} → {_percent(row.measures['ndcg@10'].value)}",
            f"{_percent(gain.before['map@5'].value)} → {_percent(row.measures['map@5'].value)}",
        ]
        for row, gain in changed
    ]
    yield table_of(["data set and task", "measure", "before", "after", "difference", "p", "ndcg@10", "map@5"], cells)
    yield "<p>p: how often chance alone makes a difference as large, by flipping the signs of the queries' differences.</p>"


def _completed(rows: Sequence[SetRow]) -> Iterator[str]:
    if not any(row.with_complements is not None for row in rows):
        return
    yield "<h2>With missing halves</h2>"
    yield (
        "<p>For each hit that is a text or a picture alone, the nearest of the other kind was looked for (UniRAG's complement). "
        "Before: as everywhere here. After: a query counts if a hit or its other half is a right answer.</p>"
    )
    cells = [
        [_name(row), *(f"{_percent(row.measures[name].value)} → {_percent(halves[name].value)}" for name in _DEPTHS)]
        for row in rows
        if (halves := row.with_complements) is not None
    ]
    yield table_of(["data set and task", *_DEPTHS], cells)


def _errors(report: Report) -> Iterator[str]:
    yield "<h2>What goes wrong</h2>"
    lines = [_parts(_name(row), row.first_hits) for row in report.rows]
    lines.append(_parts("All queries", report.first_hits))
    if errors := report.published_errors:
        lines.append(Parts(f"{report.published_model}, published", [errors[kind] for kind in ERRORS], ""))
    legend = ["another kind than asked for", "another domain", "right kind and domain, still wrong"]
    yield plots.stacked("Wrong first hits by kind of error", "share of the wrong first hits, in percent", lines, legend)
    yield (
        "<p>Each line is all queries whose first hit is wrong: it is of another kind than asked for (a text instead of a picture, say), "
        "of the right kind from another domain (news instead of fashion), or of the right kind and domain and still no right answer. "
        "How many queries these are stands at the end of the line. Domains are those of the UniIR paper (news, fashion, wiki, common); "
        "a data set that it does not know is a domain of its own.</p>"
    )


def _parts(name: str, first: FirstHits) -> Parts:
    return Parts(name, [first.wrong_modality, first.wrong_domain, first.other], f"{first.wrong:,} wrong")


def _cells(row: Sequence[str]) -> str:
    return "".join(f"<td>{escape(cell)}</td>" for cell in row)


def _name(row: SetRow) -> str:
    return f"{row.dataset}: {in_arrows(TASKS.get(row.task, f'task {row.task}'))}"


def _printed(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
