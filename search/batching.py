"""Queries of several people encoded together: while one batch is encoded the next one queues up, and nobody waits for company."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from search.embedding import EncodeAtOnce, Row
from uniir.documents import ImageReference
from uniir.errors import InputFailure, ItemFailure
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


@dataclass(slots=True)
class _Waiting:
    """An item until it has its result, or the error that the encoder raised for it."""

    item: Query
    held: _Held | None = None
    result: Row | ItemFailure | None = None
    error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        return self.result is not None or self.error is not None


class BatchedEncoding:
    """Implements Embed for many threads at once. Whoever finds the encoder free encodes all that wait; an item that fails, fails alone."""

    def __init__(self, encoder: Encoder, images: ImageLoader, seen: Callable[[int], None] = lambda size: None) -> None:
        """`seen` hears the size of every batch."""
        self._encoder = encoder
        self._images = images
        self._seen = seen
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._busy = False

    def __call__(self, items: Sequence[Query]) -> Sequence[Row | ItemFailure]:
        """Raises whatever the encoder raises for one of the items."""
        waiting = [self._received(item) for item in items]
        with self._changed:
            self._queue.extend(one for one in waiting if not one.is_over)
        while (batch := self._next_batch(waiting)) is not None:
            self._encode_for_all(batch)
        return [_outcome(one, position) for position, one in enumerate(waiting)]

    def _next_batch(self, mine: Sequence[_Waiting]) -> Sequence[_Waiting] | None:
        """Waits until the encoder is free and takes what has queued up meanwhile; None when others have done all of `mine`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy or all(one.is_over for one in mine))
            if all(one.is_over for one in mine):
                return None
            self._busy = True
            return [self._queue.popleft() for _ in range(min(AT_MOST, len(self._queue)))]

    def _encode_for_all(self, batch: Sequence[_Waiting]) -> None:
        try:
            self._seen(len(batch))
            self._encode(batch)
        except BaseException as error:
            for one in batch:
                if not one.is_over:
                    one.error = error  # nobody may wait for ever, whatever ends this thread
            raise
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _received(self, item: Query) -> _Waiting:
        """Decodes the picture here, in the caller's own thread."""
        if item.image is None:
            return _Waiting(item)
        reference = replace(item.image)  # a reference of its own, by which the picture is found again
        try:
            return _Waiting(replace(item, image=reference), _Held(reference, self._images.upright(reference)))
        except InputFailure as failure:
            return _Waiting(item, result=ItemFailure(0, failure.code, failure.reason))

    def _encode(self, batch: Sequence[_Waiting]) -> None:
        images = _HeldImages([one.held for one in batch if one.held is not None], self._images)
        try:
            results = EncodeAtOnce(self._encoder, images)([one.item for one in batch])
        # An error belongs to those who asked for it, and which of them that is only trying alone tells.
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            for one in batch:
                self._encode([one])
            return
        for one, result in zip(batch, results, strict=True):
            one.result = result


def _outcome(one: _Waiting, position: int) -> Row | ItemFailure:
    if one.error is not None:
        raise one.error
    assert one.result is not None
    return replace(one.result, position=position) if isinstance(one.result, ItemFailure) else one.result
