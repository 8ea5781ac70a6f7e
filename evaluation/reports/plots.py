"""Plots as SVG that takes its colours from the page's style (data/report.css): bars with intervals, dots along a line, stacked shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from evaluation.metrics.resampling import Interval

_LEFT, _WIDTH, _RIGHT, _LINE = 250, 560, 110, 26
_HEAD, _FOOT = 30, 44
_LETTER = 8  # the width of one in a name, on the safe side
_TICKS = (0, 20, 40, 60, 80, 100)


@dataclass(frozen=True, slots=True)
class Bar:
    """A share of 0..1 with its interval; `beside`, in percent, is what it is laid beside. `strong` sets it off from the others."""

    name: str
    value: Interval
    beside: float | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Dots:
    """Several shares of 0..1 of one thing, in the order of the legend."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Parts:
    """Counts that add up to a whole, in the order of the legend; `whole` is what is said at the end of the line."""

    name: str
    counts: Sequence[float]
    whole: str


def bars(title: str, axis: str, rows: Sequence[Bar], beside: str | None) -> str:
    """`beside` says in the legend what stands beside the bars."""
    shapes = []
    for number, row in enumerate(rows):
        middle, value = _middle(number), row.value
        shapes.append(_name(row.name, middle, strong=row.strong))
        told = f"{row.name}: {_percent(value.value)} % ({_percent(value.low)} to {_percent(value.high)})"
        kind = "bar strong" if row.strong else "bar"
        shapes.append(
            f'<rect class="{kind}" x="{_LEFT}" y="{middle - 8}" width="{_WIDTH * value.value:.1f}" height="16">{_tip(told)}</rect>'
        )
        low, high = _at(value.low), _at(value.high)
        shapes.append(f'<path class="interval" d="M{low:.1f} {middle - 4}v8M{low:.1f} {middle}H{high:.1f}M{high:.1f} {middle - 4}v8"/>')
        if row.beside is not None:
            shapes.append(_diamond(_at(row.beside / 100), middle, f"{beside}: {row.beside:.1f} %"))
        shapes.append(f'<text class="value" x="{_LEFT + _WIDTH + 12}" y="{middle + 4}">{_percent(value.value)}</text>')
    legend = [
        ('<rect class="bar" width="14" height="12"/>', "measured here"),
        ('<path class="interval" d="M0 6h14M0 2v8M14 2v8"/>', "95 % confidence"),
    ]
    if any(row.beside is not None for row in rows):
        legend.append(('<path class="beside" d="M7 0l6 6-6 6-6-6z"/>', str(beside)))
    return _figure(title, axis, shapes, [row.name for row in rows], legend)


def dots(title: str, axis: str, rows: Sequence[Dots], legend: Sequence[str]) -> str:
    """A line for each thing, with a dot for each of its values."""
    shapes = []
    for number, row in enumerate(rows):
        middle = _middle(number)
        shapes.append(_name(row.name, middle))
        shapes.append(f'<path class="thread" d="M{_at(min(row.values)):.1f} {middle}H{_at(max(row.values)):.1f}"/>')
        for place, value in enumerate(row.values):
            tip = _tip(f"{row.name}, {legend[place]}: {_percent(value)} %")
            shapes.append(f'<circle class="dot{place}" cx="{_at(value):.1f}" cy="{middle}" r="6">{tip}</circle>')
        ends = f"{_percent(row.values[0])} to {_percent(row.values[-1])}"
        shapes.append(f'<text class="value" x="{_LEFT + _WIDTH + 12}" y="{middle + 4}">{ends}</text>')
    marks = [(f'<circle class="dot{place}" cx="6" cy="6" r="6"/>', name) for place, name in enumerate(legend)]
    return _figure(title, axis, shapes, [row.name for row in rows], marks)


def stacked(title: str, axis: str, rows: Sequence[Parts], legend: Sequence[str]) -> str:
    """Each line is a whole, cut into its parts."""
    shapes = []
    for number, row in enumerate(rows):
        middle, left, whole = _middle(number), float(_LEFT), sum(row.counts)
        shapes.append(_name(row.name, middle))
        for place, count in enumerate(row.counts if whole else ()):
            width = _WIDTH * count / whole
            tip = _tip(f"{row.name}, {legend[place]}: {100 * count / whole:.1f} %")
            shapes.append(f'<rect class="part{place}" x="{left:.1f}" y="{middle - 8}" width="{width:.1f}" height="16">{tip}</rect>')
            left += width
        shapes.append(f'<text class="value" x="{_LEFT + _WIDTH + 12}" y="{middle + 4}">{escape(row.whole)}</text>')
    marks = [(f'<rect class="part{place}" width="14" height="12"/>', name) for place, name in enumerate(legend)]
    return _figure(title, axis, shapes, [row.name for row in rows], marks)


def _figure(title: str, axis: str, shapes: Sequence[str], names: Sequence[str], legend: Sequence[tuple[str, str]]) -> str:
    lines = len(names)
    spare = max(0, _LETTER * max(map(len, names), default=0) + 10 - _LEFT)  # to the left, for names that are long
    width, bottom = _LEFT + _WIDTH + _RIGHT + spare, _HEAD + lines * _LINE
    body = "".join([*_legend(legend), *_axis(axis, bottom), *shapes])
    box = f'viewBox="{-spare} 0 {width} {bottom + _FOOT}" width="{width}" height="{bottom + _FOOT}"'
    return f'<figure class="wide"><svg role="img" aria-label="{escape(title)}" {box}>{body}</svg></figure>'


def _legend(marks: Sequence[tuple[str, str]]) -> Iterator[str]:
    left = _LEFT
    for shape, name in marks:
        yield f'<g transform="translate({left} 4)">{shape}<text x="20" y="11">{escape(name)}</text></g>'
        left += 40 + 7 * len(name)


def _axis(name: str, bottom: int) -> Iterator[str]:
    for tick in _TICKS:
        x = _at(tick / 100)
        yield f'<path class="grid" d="M{x:.0f} {_HEAD}V{bottom}"/><text class="tick" x="{x:.0f}" y="{bottom + 16}">{tick}</text>'
    yield f'<text class="tick" x="{_LEFT + _WIDTH / 2:.0f}" y="{bottom + 36}">{escape(name)}</text>'


def _name(name: str, middle: float, *, strong: bool = False) -> str:
    kind = "name strong" if strong else "name"
    return f'<text class="{kind}" x="{_LEFT - 10}" y="{middle + 4}">{escape(name)}</text>'


def _diamond(x: float, y: float, told: str) -> str:
    return f'<path class="beside" d="M{x:.1f} {y - 7}l7 7-7 7-7-7z">{_tip(told)}</path>'


def _tip(told: str) -> str:
    return f"<title>{escape(told)}</title>"


def _middle(number: int) -> float:
    return _HEAD + number * _LINE + _LINE / 2


def _at(share: float) -> float:
    return _LEFT + _WIDTH * share


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
