"""How many there are of something, as a person reads it."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """`1 file`, `2,183 files`; `1 query`, `2 queries`."""
    if count == 1:
        return f"1 {noun}"
    several = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{count:,} {several}"
