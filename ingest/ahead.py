"""Work done some steps ahead of who needs it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Task = TypeVar("_Task")
_Done = TypeVar("_Done")


def ahead(
    pool: ThreadPoolExecutor, work: Callable[[_Task], _Done], tasks: Iterable[_Task], depth: int, stop: threading.Event
) -> Iterator[_Done]:
    """Results in order, `depth` of them in the making at a time; after `stop` only what was begun."""
    begun: deque[Future[_Done]] = deque()
    for task in tasks:
        if stop.is_set():
            break
        begun.append(pool.submit(work, task))
        if len(begun) > depth:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()
