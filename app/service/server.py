"""Running the service: as a command of its own, or in the background of a command that owns the data."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from socket import socket
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from app.local.opening import own
from app.local.service import LocalService
from app.service.application import create_app
from app.service.guarding import require_safe_host
from app.service.hosted import HostedService
from app.service.measuring import Measurements
from app.service.readiness import Readiness
from app.service.sockets import Listening, listen
from search.batching import BatchedEncoding
from storage.ownership import owner_of
from uniir.errors import DirectoryInUse, ServiceUnavailable
from uniir.settings import Settings

_LOG = logging.getLogger("uniir.service")
_ANSWER_SECONDS = 3  # for requests under way when the service is stopped
_STOP_SECONDS = 9.0  # for everything, the job's last batch included
_START_SECONDS = 30.0


class ServerThread:
    """An application answering at open sockets, in a thread of its own."""

    def __init__(
        self,
        app: Callable[[Callable[[], bool]], ASGIApp],
        sockets: Sequence[socket],
        lifespan: Literal["auto", "off", "on"] = "off",
        ws: Literal["auto", "none"] = "none",
    ) -> None:
        """`app` makes the application; it is given what tells whether the server is being stopped. The rest is uvicorn's."""
        self._sockets = list(sockets)
        self._stopping = threading.Event()
        config = uvicorn.Config(
            app(self._stopping.is_set),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan=lifespan,
            ws=ws,
            timeout_graceful_shutdown=_ANSWER_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=(self._sockets,), name="service", daemon=True)

    def start(self) -> None:
        """Returns when requests are answered. Raises ServiceUnavailable where that does not come about."""
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise ServiceUnavailable("The service did not start.", "Its log says why.")
            time.sleep(0.005)

    def stop(self) -> None:
        """Takes no more requests, ends event streams, lets the rest be answered for a few seconds."""
        self._stopping.set()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_ANSWER_SECONDS + 2)


class BackgroundServer:
    """Answers for a service at a free loopback port while its owner does something else."""

    def __init__(self, service: HostedService, settings: Settings, secret: str) -> None:
        self._service = service
        self._settings = settings.model_copy(update={"host": "127.0.0.1", "port": 0})
        self._secret = secret
        self._listening: Listening | None = None
        self._thread: ServerThread | None = None

    @property
    def address(self) -> str:
        """Where it answers, once it was started."""
        assert self._listening is not None
        return self._listening.local_address

    def start(self) -> None:
        """Raises UsageError, ServiceUnavailable."""
        self._listening = listen(self._settings.host, self._settings.port)
        self._thread = ServerThread(
            lambda stopping: create_app(self._service, self._settings, self._secret, stopping=stopping), self._listening.sockets
        )
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            self._thread.stop()
        if self._listening is not None:
            self._listening.close()


def serve(settings: Settings, tell: Callable[[str], None]) -> None:
    """Owns the data directory and answers until SIGTERM or SIGINT; `tell` hears the address once.

    Raises UsageError for a host or port that can't be used, DirectoryInUse where another process owns the directory.
    """
    require_safe_host(settings)
    measurements = Measurements()
    with _owned(settings, measurements) as service, listening_at(settings) as listening, stop_signals() as asked_to_stop:
        secret = secrets.token_urlsafe(32)
        readiness = Readiness(service)
        readiness.postpone()
        server = ServerThread(lambda stopping: create_app(service, settings, secret, measurements, readiness, stopping), listening.sockets)
        answer_until(asked_to_stop, server, service, readiness, listening, secret, tell)


def answer_until(
    asked_to_stop: threading.Event,
    server: ServerThread,
    service: LocalService,
    readiness: Readiness,
    listening: Listening,
    secret: str,
    tell: Callable[[str], None],
) -> None:
    """What an owner that stays does from its first answer to its last: announce itself, take up its jobs, and end both in time."""
    server.start()
    service.announce(listening.local_address, secret)
    threading.Thread(target=readiness.warm, name="warming", daemon=True).start()
    service.resume_jobs()
    tell(listening.address)
    asked_to_stop.wait()
    exit_in_time()
    threading.Thread(target=service.close, name="ending jobs", daemon=True).start()  # while requests are still answered
    server.stop()


@contextmanager
def _owned(settings: Settings, measurements: Measurements) -> Iterator[LocalService]:
    try:
        with own(settings, "uniir serve", lambda encoder, images: BatchedEncoding(encoder, images, measurements.batch)) as service:
            yield service
    except DirectoryInUse as error:
        owner = owner_of(settings.data_dir)
        if owner is None or owner.address is None:
            raise
        raise DirectoryInUse(
            error.what, f"It answers at {owner.address}, and commands go through it by themselves; or serve another with `--data-dir`."
        ) from None


@contextmanager
def listening_at(settings: Settings) -> Iterator[Listening]:
    """The sockets of the host and port that are set. Raises UsageError, ServiceUnavailable."""
    listening = listen(settings.host, settings.port)
    try:
        yield listening
    finally:
        listening.close()


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Set by SIGTERM and SIGINT, which do nothing else meanwhile."""
    asked = threading.Event()
    before = {one: signal.signal(one, lambda *_: asked.set()) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def exit_in_time() -> None:
    """Ends the process if stopping takes too long. Nothing is lost: whatever is half done is finished after the next start."""

    def give_up() -> None:
        _LOG.warning("stopping took more than %.0f s; unfinished work goes on after the next start", _STOP_SECONDS)
        os._exit(0)

    timer = threading.Timer(_STOP_SECONDS, give_up)
    timer.daemon = True
    timer.start()
