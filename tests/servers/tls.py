"""A certificate of one's own, and a door that speaks TLS in front of a server that does not."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def certificate(place: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for this name, and its key."""
    place.mkdir(parents=True, exist_ok=True)
    signed, key = place / "certificate.pem", place / "key.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(signed)]
    subprocess.run([*request, *subject], check=True, capture_output=True)
    return signed, key


@contextmanager
def tls_door(port: int, signed: Path, key: Path) -> Iterator[int]:
    """Relays TLS connections to a port of the loopback; gives the door's own port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(signed, key)
    context.set_alpn_protocols(["h2"])
    loop = asyncio.new_event_loop()
    opened: list[asyncio.Server] = []
    ready = threading.Event()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    async def serve() -> None:
        opened.append(await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context))
        ready.set()

    def run() -> None:
        loop.set_exception_handler(lambda *_: None)  # who does not trust the certificate breaks off
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield opened[0].sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    opened[0].close()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0.1))
    loop.close()
