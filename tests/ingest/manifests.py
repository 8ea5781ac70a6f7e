"""Manifests as literals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def manifest(*lines: Mapping[str, Any] | str | bytes) -> bytes:
    """The bytes of a JSONL file; what is not an object is taken as a line as it stands."""
    return b"".join(_line(line) + b"\n" for line in lines)


def _line(line: Mapping[str, Any] | str | bytes) -> bytes:
    match line:
        case bytes():
            return line
        case str():
            return line.encode()
        case _:
            return json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass")
