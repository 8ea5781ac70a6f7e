"""What tells one reranker from another, weights included."""

from __future__ import annotations

from uniir.protocols import Reranker, Versioned

_LONGEST = 400  # letters of a name, which can be a path; the version behind it must not be cut off


def named(reranker: Reranker) -> str:
    """Its name, with its version where it has one: values of other weights mean something else."""
    return f"{reranker.name[:_LONGEST]} {reranker.version}"[:500] if isinstance(reranker, Versioned) else reranker.name
