"""How UniIR writes texts before they are cut into tokens."""

from __future__ import annotations

_ENDS = frozenset(".?!")


def formatted(text: str | None) -> str:
    """Trimmed, without outer double quotes, first letter in upper case, ending in a full stop unless in `.`, `?` or `!`.

    The order matters: what stands inside the quotes is not trimmed again.
    """
    if text is None:
        return ""
    bare = text.replace("\r", "").strip().strip('"')
    if not bare:
        return ""
    raised = bare[0].upper() + bare[1:]  # str.capitalize would lower the rest
    return raised if raised[-1] in _ENDS else raised + "."


def instructed(wording: str | None, text: str | None) -> str:
    """A query's text: the instruction, one blank, the words as they came. Without words the instruction is the text."""
    if wording is None:
        return formatted(text)
    return formatted(f"{formatted(wording)} {text or ''}")
