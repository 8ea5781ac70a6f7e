"""Answering others while a command owns the directory."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.local.service import LocalService
from uniir.errors import UniirError

_LOG = logging.getLogger(__name__)
_MOMENT = 0.5  # seconds: what ends sooner needs no service, and does not pay for loading one


@contextmanager
def answering(service: LocalService) -> Iterator[None]:
    """Serves the routes at a free loopback port once this has taken longer than a moment."""
    over = threading.Event()

    def serve() -> None:
        if over.wait(_MOMENT):
            return
        from app.service.server import BackgroundServer

        secret = secrets.token_urlsafe(32)
        server = BackgroundServer(service, service.settings, secret)
        try:
            server.start()
            service.announce(server.address, secret)
            over.wait()
        except UniirError as error:  # others wait then, as they would for any owner that does not serve
            _LOG.warning("nobody else can be answered: %s", error)
        finally:
            server.stop()

    thread = threading.Thread(target=serve, name="answering", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
