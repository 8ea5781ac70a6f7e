"""How many attention heads a tower has: the one size that the shapes of its tensors don't tell."""

from __future__ import annotations

from dataclasses import dataclass

from uniir.errors import UsageError

_OPENAI_WIDTH = 64
_PUBLISHED_BLIP = {768: 12, 1024: 16}


@dataclass(frozen=True, slots=True)
class HeadCounts:
    """Heads of the vision and of the text tower; None leaves them to the published configurations."""

    vision: int | None = None
    text: int | None = None


def clip_heads(width: int, given: int | None, tower: str) -> int:
    """The given count, else OpenAI's rule: one head for 64 numbers. Raises UsageError where it does not divide the width."""
    return _dividing(width, given or max(1, width // _OPENAI_WIDTH), tower)


def blip_heads(width: int, given: int | None, tower: str) -> int:
    """The given count, else that of the published sizes. Raises UsageError for a width that none of them has."""
    heads = given or _PUBLISHED_BLIP.get(width)
    if heads is None:
        raise UsageError(
            f"How many heads the {tower} tower of width {width} has can't be read from the checkpoint.",
            f"Convert it with `uniir models convert FILE DIRECTORY --{tower}-heads N`.",
        )
    return _dividing(width, heads, tower)


def _dividing(width: int, heads: int, tower: str) -> int:
    if heads < 1 or width % heads:
        raise UsageError(f"{heads} heads do not divide the {tower} tower's width {width}.", f"Give another `--{tower}-heads`.")
    return heads
