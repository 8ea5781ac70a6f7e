"""The table of an ablation, as Markdown and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from evaluation.ablation import Ablation, AblationRow
from evaluation.reports import plots
from evaluation.reports.html import page, table_of
from evaluation.reports.markdown import table
from evaluation.reports.plots import Dots
from evaluation.reports.words import TASKS, in_arrows, measured_with

_MEANING = (
    "off: queries without instruction",
    "on: one of the set's wordings for each query, drawn at random",
    "first: always the first wording",
    "random: the mean of further draws, with the lowest and the highest",
    "on - off: the difference with its 95 % confidence interval; p: how often chance alone makes one as large (signs flipped)",
)


def as_markdown(found: Ablation) -> str:
    """One line for each data set and task, then the average."""
    lines = [
        f"# What instructions are worth to {_encoders(found)}",
        "",
        f"{_in_words(found)} Percent.",
        "",
        *table(_header(found), [_cells(row, found) for row in found.rows]),
        "",
        *(f"- {one}." for one in _MEANING),
        *([f"- {' and '.join(found.published)}: as published, the first trained without instructions."] if found.published else []),
        *(["", f"    {found.command}"] if found.command else []),
    ]
    return "\n".join(lines) + "\n"


def as_html(found: Ablation) -> str:
    """The same as a page, with a plot."""
    return page(f"Instructions, {_encoders(found)}", "\n".join(_body(found)))


def _body(found: Ablation) -> Iterator[str]:
    on = found.reports["on"]
    yield f"<h1>What instructions are worth to {escape(_encoders(found))}</h1>"
    yield f'<p class="under">Measured on {escape(str(on.settings["root"]))} ({escape(str(on.settings["split"]))} split), {on.made[:10]}</p>'
    yield f'<p class="lead">{escape(_in_words(found))}</p>'
    yield "<h2>Without and with instructions</h2>"
    lines = [Dots(in_arrows(_name(row)), [row.off, row.on]) for row in found.rows]
    legend = ["without instruction", "with one of the set's wordings"]
    yield plots.dots("Queries answered without and with instructions", "queries answered, in percent (higher is better)", lines, legend)
    yield "<h2>All numbers</h2>"
    *rows, last = [[in_arrows(name), *others] for name, *others in (_cells(row, found) for row in found.rows)]
    yield table_of(_header(found), rows, last)
    yield f"<ul>{''.join(f'<li>{escape(one)}.</li>' for one in _MEANING)}</ul>"
    yield (
        "<p>An instruction says what is wanted, such as a picture that fits a caption. In a pool of all kinds of candidates it tells an "
        "encoder that was trained with instructions which kind is asked for. Tables 3 and 4 of the UniIR paper compare two models: "
        "one trained and asked without them, one with.</p>"
    )
    if found.command:
        yield f"<h2>To repeat it</h2><pre>{escape(found.command)}</pre>"
    yield "<h2>Measured with</h2>"
    cells = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in measured_with(on))
    yield f'<table class="plain">{cells}</table>'


def _in_words(found: Ablation) -> str:
    last = found.rows[-1]
    beyond = "more than chance makes" if last.probability < 0.05 else "no more than chance may make"
    return (
        f"Without instructions {100 * last.off:.1f} % of queries are answered, with them {100 * last.on:.1f} %: a difference of "
        f"{100 * last.difference.value:+.1f} points ({100 * last.difference.low:+.1f} to {100 * last.difference.high:+.1f}), {beyond}."
    )


def _encoders(found: Ablation) -> str:
    on, off = (str(found.reports[name].encoder["encoder"]) for name in ("on", "off"))
    on, off = Path(on).name, Path(off).name
    return on if on == off else f"{on} (without: {off})"


def _header(found: Ablation) -> list[str]:
    return ["data set and task", "measure", "off", "on", "first", "random", "on - off", "p", *(found.published or ())]


def _cells(row: AblationRow, found: Ablation) -> list[str]:
    one = row.difference
    return [
        _name(row),
        row.headline,
        _percent(row.off),
        _percent(row.on),
        _percent(row.first),
        f"{_percent(sum(row.random) / len(row.random))} ({_percent(min(row.random))} to {_percent(max(row.random))})",
        f"{100 * one.value:+.2f} ({100 * one.low:+.1f} to {100 * one.high:+.1f})",
        f"{row.probability:.4f}",
        *(_printed(row.published) if found.published else []),
    ]


def _printed(values: Sequence[float | None]) -> list[str]:
    return ["" if value is None else f"{value:.1f}" for value in values]


def _name(row: AblationRow) -> str:
    return "Average" if row.task is None else f"{row.dataset}: {TASKS.get(row.task, row.task)}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
