"""Small pieces of HTML that Streamlit has no element for. Whatever comes from files is escaped here, in one place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

import streamlit as st


def page_title(title: str, lead: str) -> None:
    st.html(f'<div class="upkeep"><h1 class="upkeep-page">{escape(title)}</h1><p class="upkeep-lead">{escape(lead)}</p></div>')


def section_title(title: str, count: str = "") -> None:
    muted = f' <span class="upkeep upkeep-muted">{escape(count)}</span>' if count else ""
    st.html(f'<h2 class="upkeep-title">{escape(title)}{muted}</h2>', width="content")


def words(text: str) -> None:
    """A line or two; what stands between backticks is set as code."""
    st.html(f'<p class="upkeep" style="margin:0">{with_code(text)}</p>')


def muted(text: str) -> None:
    """The same, quieter."""
    st.html(f'<p class="upkeep upkeep-muted" style="margin:0">{with_code(text)}</p>')


def with_code(text: str) -> str:
    """The text as HTML; what stands between backticks is set as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def name(text: str) -> None:
    st.html(f'<p class="upkeep upkeep-name" style="margin:0">{escape(text)}</p>')


def path(text: str) -> None:
    """A file's name, in type that tells 1 from l."""
    st.html(f'<p class="upkeep" style="margin:0"><code>{escape(text)}</code></p>')


def sentence(*parts: str, code: Iterable[str] = ()) -> None:
    """A muted line in which the parts named in `code` are set as file names."""
    as_code = set(code)
    line = "".join(f"<code>{escape(part)}</code>" if part in as_code else escape(part) for part in parts)
    st.html(f'<p class="upkeep upkeep-muted" style="margin:0">{line}</p>')


def heading(title: str, after: str = "") -> None:
    """The first line of a card, with a muted word behind it."""
    behind = f' <span class="upkeep upkeep-muted">{escape(after)}</span>' if after else ""
    st.html(f'<h2 class="upkeep-title">{escape(title)}{behind}</h2>', width="content")


def figures(values: Iterable[tuple[str, str, str]]) -> None:
    """Label, value and unit, side by side."""
    cells = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(value)}{f' <small>{escape(unit)}</small>' if unit else ''}</dd></div>"
        for label, value, unit in values
    )
    st.html(f'<dl class="upkeep upkeep-figures">{cells}</dl>')


def facts(rows: Iterable[tuple[str, str]]) -> None:
    cells = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in rows)
    st.html(f'<dl class="upkeep upkeep-facts">{cells}</dl>')
