"""A certificate of one's own, and a door that speaks TLS in front of a server that does not."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.doors import door


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
    with door(lambda: asyncio.open_connection("127.0.0.1", port), tls=context) as outer:
        yield outer
