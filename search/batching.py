"""Queries of several people encoded together: while one batch is encoded the next one queues up, and nobody waits for company."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from PIL import Image

from search.embedding import EncodeAtOnce, Row
from uniir.documents import ImageReference
from uniir.errors import InputFailure, ItemFailure, Unavailable
from uniir.protocols import Encoder, ImageLoader
from uniir.queries import Query

AT_MOST = 32


@dataclass(frozen=True, slots=True)
class _Held:
    """A picture that its caller has decoded already, so that a large one keeps nobody else waiting."""

    reference: ImageReference
    picture: Image.Image


@dataclass(frozen=True, slots=True)
class _HeldImages:
    """The ImageLoader of one batch: held pictures first. Pictures are known by the very reference, since a file may change."""

    held: Sequence[_Held]
    others: ImageLoader

    def upright(self, image: ImageReference) -> Image.Image:
        for one in self.held:
            if one.reference is image:
                return one.picture
        return self.others.upright(image)

    def faithful(self, image: ImageReference) -> Image.Image:
        return self.others.faithful(image)


@dataclass(frozen=True, slots=True)
class _Waiting:
    item: Query
    held: _Held | None
    result: Future[Row | ItemFailure] = field(default_factory=Future)


class BatchedEncoding:
    """Implements Embed with one worker thread for everybody. An item that fails, fails alone."""

    def __init__(self, encoder: Encoder, images: ImageLoader, seen: Callable[[int], None] = lambda size: None) -> None:
        """`seen` hears the size of every batch."""
        self._encoder = encoder
        self._images = images
        self._seen = seen
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._worker = threading.Thread(target=self._work, name="query-encoding", daemon=True)
        self._worker.start()

    def __call__(self, items: Sequence[Query]) -> Sequence[Row | ItemFailure]:
        """Raises Unavailable after `close`, and whatever the encoder raises for one of the items."""
        waiting = [self._received(item) for item in items]
        with self._changed:
            if self._closed:
                raise Unavailable("The service is being stopped.", "Ask again when it is back.")
            self._queue.extend(one for one in waiting if not one.result.done())
            self._changed.notify()
        results = [one.result.result() for one in waiting]
        return [
            replace(result, position=position) if isinstance(result, ItemFailure) else result for position, result in enumerate(results)
        ]

    def close(self) -> None:
        """Ends the worker when all that wait have their answer."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._worker.join()

    def _received(self, item: Query) -> _Waiting:
        """Decodes the picture here, in the caller's own thread."""
        if item.image is None:
            return _Waiting(item, None)
        reference = replace(item.image)  # a reference of its own, by which the picture is found again
        try:
            return _Waiting(replace(item, image=reference), _Held(reference, self._images.upright(reference)))
        except InputFailure as failure:
            refused = _Waiting(item, None)
            refused.result.set_result(ItemFailure(0, failure.code, failure.reason))
            return refused

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if not self._queue:
                    return
                batch = [self._queue.popleft() for _ in range(min(AT_MOST, len(self._queue)))]
            self._seen(len(batch))
            self._encode(batch)

    def _encode(self, batch: Sequence[_Waiting]) -> None:
        images = _HeldImages([one.held for one in batch if one.held is not None], self._images)
        try:
            results = EncodeAtOnce(self._encoder, images)([one.item for one in batch])
        # The edge of the worker: an error belongs to those who asked, and which of them it is only trying alone tells.
        except Exception as error:
            if len(batch) == 1:
                batch[0].result.set_exception(error)
                return
            for one in batch:
                self._encode([one])
            return
        for one, result in zip(batch, results, strict=True):
            one.result.set_result(result)
