"""Batches of like length under one budget; a batch that does not fit into memory is halved, and so is the budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import torch

from uniir.errors import ModelUnavailable

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

Element = TypeVar("Element")

_CPU_TOKENS = 2_112  # eight pictures of ViT-L/14: more at once leave the caches (16 % slower at 32)
_GPU_TOKENS = 65_536


@dataclass(slots=True)
class Batches:
    """`tokens` is what one batch may hold, padding included; a picture counts as many as it has patches."""

    tokens: int

    def run(self, elements: Sequence[Element], length: Callable[[Element], int], compute: Callable[[Sequence[Element]], Tensor]) -> Tensor:
        """The rows of `compute` in the order of the elements, of which there is at least one. Raises ModelUnavailable without memory."""
        order = sorted(range(len(elements)), key=lambda number: length(elements[number]))
        rows: list[Tensor] = []
        done = 0
        while done < len(order):
            count = 1
            while done + count < len(order) and (count + 1) * length(elements[order[done + count]]) <= self.tokens:
                count += 1
            batch = [elements[number] for number in order[done : done + count]]
            rows.append(self._computed(batch, length, compute))
            done += count
        backwards = torch.empty(len(order), dtype=torch.long)
        backwards[torch.tensor(order)] = torch.arange(len(order))
        return torch.cat(rows)[backwards.to(rows[0].device)]

    def _computed(
        self, batch: Sequence[Element], length: Callable[[Element], int], compute: Callable[[Sequence[Element]], Tensor]
    ) -> Tensor:
        try:
            return compute(batch)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
        # Outside of the handler, where the failed batch's tensors are no longer held by the traceback.
        if len(batch) == 1:
            raise ModelUnavailable("A single item does not fit into memory beside the model.", "Use a smaller model or another device.")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        half = len(batch) // 2
        self.tokens = min(self.tokens, max(1, half * length(batch[-1])))
        return torch.cat([self._computed(part, length, compute) for part in (batch[:half], batch[half:])])


def batches_for(device: torch.device) -> Batches:
    """The budget that was found good for a kind of device."""
    return Batches(_CPU_TOKENS if device.type == "cpu" else _GPU_TOKENS)


def _out_of_memory(error: BaseException) -> bool:
    """Torch has a class for a card's memory; for the machine's own it says so in words only."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
