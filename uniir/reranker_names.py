"""What tells one reranker from another, weights included."""

from __future__ import annotations

from uniir.protocols import Reranker, Versioned


def named(reranker: Reranker) -> str:
    """Its name, with its version where it has one: values of other weights mean something else."""
    return f"{reranker.name} {reranker.version}"[:500] if isinstance(reranker, Versioned) else reranker.name
