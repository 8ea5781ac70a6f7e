"""Reports as one HTML page with its plots inside, for somebody who was not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from evaluation.resampling import Interval
from evaluation.results import Report, SetRow
from evaluation.scoring import EXPLAINED
from evaluation.words import TASKS, measured_with, notes

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c; background: #fff }
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums } .wide { overflow-x: auto }
th, td { padding: .25rem .5rem; white-space: nowrap; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
svg text { font: 12px system-ui, sans-serif; fill: currentColor } dt { font-weight: 600 } dd { margin: 0 0 .5rem 0 }
@media (prefers-color-scheme: dark) { body { color: #e8e8e8; background: #161616 } th, td { border-color: #444 } }
"""
_BAR, _PUBLISHED = "#2f6fb0", "#d9822b"
_KINDS = {"wrong modality": "#b2432f", "wrong domain": "#d9a02b", "other": "#7d8a97"}
_LEFT, _WIDTH, _LINE = 240, 560, 26
_SHOWN = ("hit@1", "hit@5", "hit@10", "recall@10", "ndcg@10", "map@5", "mrr@10")


def as_html(report: Report) -> str:
    """The page; it loads nothing from anywhere."""
    title = f"{report.encoder['encoder']}, {report.settings['pool']} pool"
    body = "\n".join(_body(report))
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>\n<body>\n{body}\n</body></html>\n"
    )


def _body(report: Report) -> Iterator[str]:
    settings, average = report.settings, report.average
    yield f"<h1>{escape(str(report.encoder['encoder']))} on {len(report.rows)} retrieval tasks</h1>"
    pool = "the candidates of all tasks together" if settings["pool"] == "global" else "the candidates of its own task"
    yield (
        f"<p>Over {sum(row.queries for row in report.rows):,} queries a right answer is among the first hits in "
        f"<strong>{_percent(average.value)} %</strong> of cases, each task counting alike (95 % confidence: {_percent(average.low)} to "
        f"{_percent(average.high)}). The first hits are the first five, or ten for Fashion200K and FashionIQ; "
        f"each query is put to {pool}. Instructions: {escape(str(settings['instructing']))}. "
        f"Data: {escape(str(settings['root']))}, split {escape(str(settings['split']))}.</p>"
    )
    yield "<h2>By task</h2>"
    yield _plot(report)
    beside = f" Dots: {escape(str(report.published_model))} as published." if _published(report) else ""
    yield f"<p>Bars: share of queries answered, in percent; lines: 95 % confidence.{beside}</p>"
    yield _scores(report)
    yield "<h2>What goes wrong</h2>"
    yield _errors(report.rows)
    yield (
        "<p>Each bar is all queries of a task whose first hit is wrong: a hit of another kind than asked for (a text instead of a "
        "picture, say), of the right kind from another domain, or of the right kind and domain and still wrong.</p>"
    )
    yield "<h2>What the numbers mean</h2><dl>"
    yield from (f"<dt>{escape(name)}</dt><dd>{escape(meaning)}.</dd>" for name, meaning in EXPLAINED.items())
    yield "</dl>"
    if told := list(notes(report.rows)):
        yield f"<h2>Left out or failed</h2><ul>{''.join(f'<li>{escape(one)}</li>' for one in told)}</ul>"
    yield f"<h2>Measured with</h2><ul>{''.join(f'<li>{escape(one)}</li>' for one in measured_with(report))}</ul>"


def _published(report: Report) -> bool:
    return report.published_model is not None and any(row.published is not None for row in report.rows)


def _plot(report: Report) -> str:
    lines: list[tuple[str, Interval, float | None]] = [(_name(row), row.measures[row.headline], row.published) for row in report.rows]
    lines.append(("Average", report.average, report.published_average))
    shapes = []
    for number, (name, one, published) in enumerate(lines):
        middle = number * _LINE + _LINE / 2
        shapes.append(f'<text x="{_LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>')
        shapes.append(f'<rect x="{_LEFT}" y="{middle - 8}" width="{_WIDTH * one.value:.1f}" height="16" fill="{_BAR}"/>')
        low, high = (_LEFT + _WIDTH * bound for bound in (one.low, one.high))
        shapes.append(f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="currentColor" stroke-width="2"/>')
        if published is not None:
            shapes.append(f'<circle cx="{_LEFT + _WIDTH * published / 100:.1f}" cy="{middle}" r="5" fill="{_PUBLISHED}"/>')
        shapes.append(f'<text x="{_LEFT + _WIDTH + 10}" y="{middle + 4}">{_percent(one.value)}</text>')
    return _svg(shapes, len(lines), "Share of queries answered, by task")


def _errors(rows: Sequence[SetRow]) -> str:
    shapes = []
    for number, row in enumerate(rows):
        middle, left = number * _LINE + _LINE / 2, float(_LEFT)
        shapes.append(f'<text x="{_LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(_name(row))}</text>')
        for kind, count in _kinds(row).items():
            width = _WIDTH * count / max(1, row.first_hits.wrong)
            label = f"{kind}: {count:,} of {row.first_hits.wrong:,}"
            shapes.append(
                f'<rect x="{left:.1f}" y="{middle - 8}" width="{width:.1f}" height="16" fill="{_KINDS[kind]}"><title>{label}</title></rect>'
            )
            left += width
        shapes.append(f'<text x="{_LEFT + _WIDTH + 10}" y="{middle + 4}">{row.first_hits.wrong:,} wrong</text>')
    middle, left = len(rows) * _LINE + _LINE / 2, float(_LEFT)
    for kind, colour in _KINDS.items():
        shapes.append(f'<rect x="{left}" y="{middle - 6}" width="12" height="12" fill="{colour}"/>')
        shapes.append(f'<text x="{left + 18}" y="{middle + 4}">{kind}</text>')
        left += 140
    return _svg(shapes, len(rows) + 1, "Wrong first hits by kind of error")


def _kinds(row: SetRow) -> Mapping[str, int]:
    first = row.first_hits
    return dict(zip(_KINDS, (first.wrong_modality, first.wrong_domain, first.other), strict=True))


def _svg(shapes: Sequence[str], lines: int, title: str) -> str:
    width, height = _LEFT + _WIDTH + 90, lines * _LINE
    return f'<div class="wide"><svg role="img" aria-label="{title}" width="{width}" height="{height}">{"".join(shapes)}</svg></div>'


def _scores(report: Report) -> str:
    beside = [report.published_model] if report.published_model is not None and _published(report) else []
    header = ["task", "queries", "candidates", "headline", *_SHOWN, "modality accuracy@1", *beside]
    cells = [
        [
            _name(row),
            f"{row.queries:,}",
            f"{row.candidates:,}",
            f"{row.headline} {_percent(row.measures[row.headline].value)}",
            *(_percent(row.measures[name].value) for name in _SHOWN),
            _percent(row.first_hits.modality_accuracy),
            *(["" if row.published is None else f"{row.published:.1f}"] * len(beside)),
        ]
        for row in report.rows
    ]
    average = "" if report.published_average is None else f"{report.published_average:.1f}"
    gap = [""] * (len(_SHOWN) + 1)
    cells.append(["Average", "", "", _percent(report.average.value), *gap, *([average] * len(beside))])
    head = "".join(f"<th>{escape(one)}</th>" for one in header)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
    return f'<div class="wide"><table><tr>{head}</tr>{lines}</table></div>'


def _name(row: SetRow) -> str:
    return f"{row.dataset}: {TASKS.get(row.task, row.task)}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
