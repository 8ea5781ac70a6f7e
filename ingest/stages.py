"""Load, encode, write: three stages at work at the same time, bounded on every side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

_Task = TypeVar("_Task")
_Loaded = TypeVar("_Loaded")
_Encoded = TypeVar("_Encoded")
_Written = TypeVar("_Written")
_QUEUED_WRITES = 2


@dataclass(frozen=True, slots=True)
class Stages(Generic[_Task, _Loaded, _Encoded, _Written]):
    """What happens to each task, in order. `begin` is called once, by who writes, while the first is encoded."""

    load: Callable[[_Task], _Loaded]
    encode: Callable[[_Loaded], _Encoded]
    write: Callable[[_Encoded], _Written]
    begin: Callable[[], object] = lambda: None

    def run(
        self, tasks: Iterable[_Task], workers: int, lanes: int, announce: Callable[[_Loaded], None], stop: threading.Event
    ) -> Iterator[_Written]:
        """What was written, in order. `workers` load, `lanes` encode, one writes; `announce` hears what is about to be encoded.

        After `stop` nothing more is loaded; what is loaded is encoded and written.
        """
        writes: deque[Future[_Written]] = deque()
        with (
            ThreadPoolExecutor(workers, "load") as loaders,
            ThreadPoolExecutor(lanes, "encode") as encoders,
            ThreadPoolExecutor(1, "write") as writer,
        ):
            loaded = self._announced(ahead(loaders, self.load, tasks, workers + lanes, stop), announce, writer)
            for encoded in ahead(encoders, self.encode, loaded, lanes - 1, threading.Event()):
                writes.append(writer.submit(self.write, encoded))
                while len(writes) > _QUEUED_WRITES:
                    yield writes.popleft().result()
            while writes:
                yield writes.popleft().result()

    def _announced(self, loaded: Iterator[_Loaded], announce: Callable[[_Loaded], None], writer: ThreadPoolExecutor) -> Iterator[_Loaded]:
        for number, one in enumerate(loaded):
            if number == 0:
                writer.submit(self.begin)
            announce(one)
            yield one


def ahead(
    pool: ThreadPoolExecutor, work: Callable[[_Loaded], _Encoded], tasks: Iterable[_Loaded], depth: int, stop: threading.Event
) -> Iterator[_Encoded]:
    """Results in order, `depth` of them in the making at a time; after `stop` only what was begun."""
    begun: deque[Future[_Encoded]] = deque()
    for task in tasks:
        if stop.is_set():
            break
        begun.append(pool.submit(work, task))
        if len(begun) > depth:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()
