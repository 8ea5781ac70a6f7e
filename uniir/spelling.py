"""Names that somebody may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(name: str, known: Iterable[str], prefix: str = "") -> str:
    """`Near it: a, b. `, to be followed by another sentence; nothing where none is. Capitals and kinds of dashes do not count.

    A `prefix` that all have is written before each and does not make them alike.
    """
    by_key = {_key(one): one for one in known}
    nearest = [by_key[one] for one in difflib.get_close_matches(_key(name), by_key, n=3, cutoff=0.6)]
    return f"Near it: {', '.join(prefix + one for one in nearest)}. " if nearest else ""


def _key(name: str) -> str:
    return name.lower().replace("_", "-").replace(" ", "-")
