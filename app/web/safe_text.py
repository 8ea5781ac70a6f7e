"""Text from documents, files and errors, for the elements of Streamlit that read Markdown."""

from __future__ import annotations

import re

_CODE = re.compile(r"(`[^`]+`)")
_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")


def as_markdown(text: str) -> str:
    """The text so that Markdown shows every character of it."""
    return _MARKS.sub(r"\\\1", text)


def sentence_as_markdown(text: str) -> str:
    """A sentence of the service, in which what stands between backticks is code; nothing else is markup."""
    return "".join(part if at % 2 else as_markdown(part) for at, part in enumerate(_CODE.split(text)))
