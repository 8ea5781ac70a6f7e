"""Text from documents, files and errors, for the elements of Streamlit that read Markdown."""

from __future__ import annotations

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")


def as_markdown(text: str) -> str:
    """The text so that Markdown shows every character of it."""
    return _MARKS.sub(r"\\\1", text)
