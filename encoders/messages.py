"""What passes between the process that ingests and those that encode for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from uniir.errors import UniirError
from uniir.spaces import VectorSpace


@dataclass(frozen=True, slots=True)
class Task:
    """What a process is to be: which encoder, where its weights are looked for, and what it computes on."""

    encoder: str
    models: Path
    device: str
    dtype: str
    threads: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there are no vectors; `known` for an error with words for a person, which is then raised in its class."""

    what: str
    way_out: str = ""
    known: type[UniirError] | None = None


Answer: TypeAlias = NDArray[np.float32] | VectorSpace | Refusal
"""The space once it has loaded, then vectors for each batch."""
