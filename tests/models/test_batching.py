"""Batches: like lengths together, rows in order, and going on where memory ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch

from models.batching import Batches
from uniir.errors import ModelUnavailable

LENGTHS = [5, 3, 8, 1, 2, 8, 4]


def rows_of(batch: Sequence[int]) -> torch.Tensor:
    return torch.tensor([[float(length)] for length in batch])


def limited(tokens: int, seen: list[Sequence[int]]) -> Callable[[Sequence[int]], torch.Tensor]:
    """Computes what fits into a memory of so many tokens; the error is in torch's own words."""

    def compute(batch: Sequence[int]) -> torch.Tensor:
        seen.append(batch)
        if len(batch) * max(batch) > tokens:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")
        return rows_of(batch)

    return compute


def test_rows_come_back_in_order_and_no_batch_is_over_the_budget() -> None:
    seen: list[Sequence[int]] = []

    def compute(batch: Sequence[int]) -> torch.Tensor:
        seen.append(batch)
        return rows_of(batch)

    assert Batches(10).run(LENGTHS, int, compute).flatten().tolist() == LENGTHS
    assert seen == [[1, 2, 3], [4, 5], [8], [8]]


def test_what_is_longer_than_the_budget_goes_alone() -> None:
    assert Batches(1).run([7, 9], int, rows_of).flatten().tolist() == [7, 9]


def test_a_batch_that_does_not_fit_is_halved_and_later_ones_are_smaller() -> None:
    seen: list[Sequence[int]] = []
    batches = Batches(100)
    assert batches.run(LENGTHS, int, limited(9, seen)).flatten().tolist() == LENGTHS
    assert len(seen) > 4
    seen.clear()
    batches.run(LENGTHS, int, limited(9, seen))
    assert all(len(batch) * max(batch) <= 9 for batch in seen)


def test_an_item_that_does_not_fit_alone_ends_in_words() -> None:
    with pytest.raises(ModelUnavailable, match="does not fit into memory"):
        Batches(100).run(LENGTHS, int, limited(7, []))


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def compute(batch: Sequence[int]) -> torch.Tensor:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        Batches(100).run(LENGTHS, int, compute)
