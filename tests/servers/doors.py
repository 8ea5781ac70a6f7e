"""A port in front of a server, through which it is reached as it may be anywhere: over TLS, slowly, or over a line that breaks."""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Line:
    """Everything takes `pause` seconds on its way; each connection breaks after a number of bytes within `breaks_after`, if that is set."""

    pause: float = 0.0
    breaks_after: tuple[int, int] | None = None
    chance: random.Random = field(default_factory=lambda: random.Random(5))
    broken: int = 0

    def length(self) -> float:
        """Bytes until the next connection breaks."""
        return float("inf") if self.breaks_after is None else self.chance.uniform(*self.breaks_after)


@contextmanager
def door(inside: Callable[[], Awaitable[Streams]], line: Line | None = None, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Relays connections to what `inside` opens; gives the door's own port."""
    line = line or Line()
    loop = asyncio.new_event_loop()
    opened: list[asyncio.Server] = []
    ready = threading.Event()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: list[float]) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                await asyncio.sleep(line.pause)
                left[0] -= len(data)
                if left[0] < 0:
                    line.broken += 1
                    break
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            inner_reader, inner_writer = await inside()
            ends.append(inner_writer)
            left = [line.length()]
            both = [asyncio.ensure_future(pump(*way, left)) for way in ((reader, inner_writer), (inner_reader, writer))]
            await asyncio.wait(both, return_when=asyncio.ALL_COMPLETED if line.breaks_after is None else asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.transport.abort()

    async def serve() -> None:
        opened.append(await asyncio.start_server(relay, "127.0.0.1", 0, ssl=tls))
        ready.set()

    def run() -> None:
        loop.set_exception_handler(lambda *_: None)  # who does not trust the certificate breaks off
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield opened[0].sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        opened[0].close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.1))
        loop.close()
