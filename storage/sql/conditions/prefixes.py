"""Beginnings of paths as ranges: an index answers them, and LIKE would take Photos and photos for the same."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_SURROGATES = range(0xD800, 0xE000)  # no text that is stored holds one


def prefixes_below(root: str, path: str) -> Sequence[str]:
    """What a path below `root` must start with so that it, or the whole path, starts with `path`; an empty one fits everything."""
    folder = root if root.endswith("/") else f"{root}/"
    if folder.startswith(path):
        return ("",)
    return (path, path.removeprefix(folder)) if path.startswith(folder) else (path,)


def after_all_with(prefix: str) -> str:
    """The least text after every text with this prefix; empty where there is none."""
    kept = prefix.rstrip(chr(sys.maxunicode))
    if not kept:
        return ""
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES.stop if following in _SURROGATES else following)
