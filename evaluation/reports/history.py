"""How a collection's judged queries were answered over time, as a page for somebody who was not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from evaluation.metrics.scoring import EXPLAINED
from evaluation.reports.html import page, table_of
from uniir.wire import JudgedQueryAnswer, ScoredSearch, ScoringAnswer

_SHOWN = ("hit@1", "hit@5", "hit@10", "recall@10", "ndcg@10", "map@5", "mrr@10")
_SEARCHES, _LONGEST = 200, 80
_DRAWN = ("ndcg@10", "hit@5", "recall@10", "mrr@10")
_LEFT, _TOP, _HEIGHT, _STEP, _LEAST, _MOST = 60, 40, 260, 90, 480, 900


def as_html(collection: str, scorings: Sequence[ScoringAnswer], searches: Sequence[ScoredSearch] = ()) -> str:
    """`scorings` are oldest first; there is at least one. `searches` are those of the last."""
    return page(f"Judged searches in {collection}", "\n".join(_body(collection, scorings, searches)))


def _body(collection: str, scorings: Sequence[ScoringAnswer], searches: Sequence[ScoredSearch]) -> Iterator[str]:
    last = scorings[-1]
    first_five = last.measures["hit@5"]
    yield f"<h1>How well searches in {escape(collection)} are answered</h1>"
    yield f'<p class="under">By what people said of results, {last.made_at:%Y-%m-%d}</p>'
    yield (
        f'<p class="lead">Of {last.queries:,} judged searches, {_percent(first_five.value)} % have a right answer among the first five '
        f"results (with 95 % confidence {_percent(first_five.low)} to {_percent(first_five.high)} %).</p>"
    )
    facts = (
        (f"{last.queries:,}", "searches with a right answer"),
        (f"{last.judgments:,}", "judgments"),
        (f"{last.documents:,}", "documents"),
        (f"{_percent(last.judged_share)} %", "of the first ten results judged"),
    )
    yield f'<ul class="facts">{"".join(f"<li><b>{value}</b><span>{name}</span></li>" for value, name in facts)}</ul>'
    yield (
        "<p>Each judged search was made anew, as anybody's would be answered then. A result that nobody has judged counts as wrong, so "
        "the numbers are low where little is judged, and grow when good results are given their thumb. Only numbers from the same "
        "judgments can be compared.</p>"
    )
    yield from _left_out(last)
    yield "<h2>Over time</h2>"
    yield _plot(scorings)
    yield from _searches(searches)
    yield "<h2>All scorings</h2>"
    header = ("made", "encoder", "reranking", "documents", "searches", "judgments", "judged of first 10", *_SHOWN)
    yield table_of(header, [_row(one) for one in reversed(scorings)])
    yield "<p>Shares in percent, newest first.</p>"
    yield "<h2>What the numbers mean</h2><dl>"
    yield from (f"<dt>{escape(name)}</dt><dd>{escape(meaning)}.</dd>" for name, meaning in EXPLAINED.items())
    yield "</dl><h2>Measured with</h2>"
    told = {**last.encoder, **last.settings}
    yield f"<p>{escape(', '.join(f'{name} {value}' for name, value in told.items()))}</p>"


def _searches(searches: Sequence[ScoredSearch]) -> Iterator[str]:
    if not searches:
        return
    worst = sorted(searches, key=lambda one: (one.ndcg, one.query.text or ""))
    rows = [
        (
            _said(one.query),
            one.query.instruction.text,
            f"{one.right:,}",
            "beyond ten" if one.first_right is None else str(one.first_right),
            _percent(one.ndcg),
        )
        for one in worst[:_SEARCHES]
    ]
    yield "<h2>Each search, the worst first</h2>"
    yield table_of(("searched for", "instruction", "right answers known", "the first of them at place", "ndcg@10"), rows)
    if len(worst) > _SEARCHES:
        yield f"<p>{len(worst) - _SEARCHES:,} better ones are left out.</p>"


def _said(query: JudgedQueryAnswer) -> str:
    parts = [query.text] if query.text else []
    parts += ["a picture"] if query.image else []
    parts += ["a result to resemble"] if query.like else []
    parts += [f"not {one}" for one in query.negatives]
    parts += [f"below {query.path}"] if query.path else []
    whole = "; ".join(parts)
    return whole if len(whole) <= _LONGEST else f"{whole[: _LONGEST - 1]}\u2026"


def _left_out(last: ScoringAnswer) -> Iterator[str]:
    if last.left_out:
        yield f"<p>{last.left_out:,} judged searches have no right answer among their judgments and are left out.</p>"
    if last.failed:
        yield f"<p>{last.failed:,} could not be made any more, such as one for the like of a deleted document; they count as missed.</p>"


def _row(one: ScoringAnswer) -> Sequence[str]:
    return (
        f"{one.made_at:%Y-%m-%d %H:%M}",
        str(one.encoder.get("encoder", "")),
        str(one.settings.get("rerank", "")),
        f"{one.documents:,}",
        f"{one.queries:,}",
        f"{one.judgments:,}",
        _percent(one.judged_share),
        *(_percent(one.measures[name].value) if name in one.measures else "" for name in _SHOWN),
    )


def _plot(scorings: Sequence[ScoringAnswer]) -> str:
    """A line for each measure, one place for each scoring; where the encoder changed, a broken line and its name."""
    width = min(_MOST, max(_LEAST, _STEP * len(scorings)))
    step = width / len(scorings)
    bottom = _TOP + _HEIGHT
    xs = [_LEFT + step * (number + 0.5) for number in range(len(scorings))]
    shapes = []
    for tick in range(0, 101, 20):
        y = _y(tick / 100)
        shapes.append(f'<path class="grid" d="M{_LEFT} {y:.0f}H{_LEFT + width:.0f}"/>')
        shapes.append(f'<text class="tick" x="{_LEFT - 22}" y="{y + 4:.0f}">{tick} %</text>')
    every = -(-len(scorings) * _STEP // int(width))
    for number, one in enumerate(scorings):
        if number % every == 0 or number == len(scorings) - 1:
            shapes.append(f'<text class="tick" x="{xs[number]:.0f}" y="{bottom + 18}">{one.made_at:%Y-%m-%d}</text>')
            shapes.append(f'<text class="tick" x="{xs[number]:.0f}" y="{bottom + 34}">{one.made_at:%H:%M}</text>')
        if number and one.encoder != scorings[number - 1].encoder:
            between = (xs[number] + xs[number - 1]) / 2
            shapes.append(f'<path class="change" d="M{between:.0f} {_TOP}V{bottom}"/>')
            shapes.append(f'<text class="now" x="{between + 6:.0f}" y="{bottom - 8}">{_encoder(one)}</text>')
    for place, name in enumerate(_DRAWN):
        points = [(x, one.measures[name]) for x, one in zip(xs, scorings, strict=True) if name in one.measures]
        line = " ".join(f"{x:.1f},{_y(value.value):.1f}" for x, value in points)
        shapes.append(f'<polyline class="line{place}" points="{line}"/>')
        for x, value in points:
            told = f"{name}: {_percent(value.value)} % ({_percent(value.low)} to {_percent(value.high)})"
            shapes.append(f'<circle class="point{place}" cx="{x:.1f}" cy="{_y(value.value):.1f}" r="4.5"><title>{told}</title></circle>')
        left = _LEFT + place * 120
        shapes.append(f'<path class="line{place}" d="M{left} 16h22"/><circle class="point{place}" cx="{left + 11}" cy="16" r="4.5"/>')
        shapes.append(f'<text x="{left + 30}" y="20">{name}</text>')
    told = "; ".join(f"{name} last {_percent(scorings[-1].measures[name].value)} percent" for name in _DRAWN)
    size = f'viewBox="0 0 {_LEFT + width + 20:.0f} {bottom + 44}" width="{_LEFT + width + 20:.0f}" height="{bottom + 44}"'
    return f'<figure class="wide"><svg role="img" aria-label="Measures over time: {told}" {size}>{"".join(shapes)}</svg></figure>'


def _encoder(one: ScoringAnswer) -> str:
    return escape(str(one.encoder.get("encoder", "")))


def _y(share: float) -> float:
    return _TOP + _HEIGHT * (1 - share)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
