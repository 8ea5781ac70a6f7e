"""`uniir ui`: the page with the service behind it in one process and at one port, or alone in front of a service elsewhere."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from app.local.opening import own
from app.page.dispatching import Dispatcher
from app.page.entry import Door
from app.page.forwarding import Forwarder
from app.page.streamlit_app import streamlit_app
from app.page.surroundings import Surroundings
from app.service.application import create_app
from app.service.guarding import Rules, require_safe_host
from app.service.measuring import Measurements
from app.service.readiness import Readiness
from app.service.server import exit_in_time, stop_signals
from app.service.sockets import Listening, listen
from storage.ownership import POLL_SECONDS, Ownership, owner_of
from uniir.errors import ServiceUnavailable
from uniir.settings import Settings
from uniir.tokens import token_of

COMMAND = "uniir ui"
_ANSWER_SECONDS = 3  # for requests under way when it is stopped
_START_SECONDS = 30.0


def run(settings: Settings, tell: Callable[[str], None], service: str | None = None) -> None:
    """Answers until SIGTERM or SIGINT; `tell` hears the page's address once. `service` is the address of one elsewhere.

    Raises UsageError for a host or port that can't be used, DirectoryInUse where an owner can't be asked.
    """
    require_safe_host(settings)
    elsewhere = Surroundings(service, token_of(settings)) if service is not None else _owner_elsewhere(settings)
    if elsewhere is not None:
        _run_alone(settings, elsewhere, tell)
    else:
        _run_with_service(settings, tell)


def _owner_elsewhere(settings: Settings) -> Surroundings | None:
    """The service of who owns the directory, None where it is free or becomes free. A busy owner gets time to say its address."""
    deadline = time.monotonic() + settings.wait_seconds
    ownership = Ownership(settings.data_dir, COMMAND, wait_seconds=0)
    while not ownership.take():
        owner = owner_of(settings.data_dir)
        if owner is not None and owner.address and owner.secret:
            return Surroundings(owner.address, owner.secret)
        if time.monotonic() > deadline:
            raise ownership.refusal()
        time.sleep(POLL_SECONDS)
    ownership.release()
    return None


def _run_alone(settings: Settings, service: Surroundings, tell: Callable[[str], None]) -> None:
    with _listening(settings) as listening, stop_signals() as asked_to_stop:
        rules = Rules.of(settings, service.key)
        page = streamlit_app(service, settings.upload_megabytes)
        server = _Server(Dispatcher(page, Forwarder(service.service), None, rules, Door(settings), service.key), listening)
        server.start()
        tell(listening.address)
        asked_to_stop.wait()
        exit_in_time()
        server.stop()


def _run_with_service(settings: Settings, tell: Callable[[str], None]) -> None:
    with own(settings, COMMAND) as service, _listening(settings) as listening, stop_signals() as asked_to_stop:
        secret = secrets.token_urlsafe(32)
        measurements, readiness = Measurements(), Readiness(service)
        readiness.postpone()
        stopping = threading.Event()
        routes = create_app(service, settings, secret, measurements, readiness, stopping.is_set)
        page = streamlit_app(Surroundings(listening.local_address, secret), settings.upload_megabytes)
        server = _Server(Dispatcher(page, routes, routes, Rules.of(settings, secret), Door(settings), secret), listening)
        server.start()
        service.announce(listening.local_address, secret)
        threading.Thread(target=readiness.warm, name="warming", daemon=True).start()
        service.resume_jobs()
        tell(listening.address)
        asked_to_stop.wait()
        exit_in_time()
        stopping.set()
        threading.Thread(target=service.close, name="ending jobs", daemon=True).start()  # while requests are still answered
        server.stop()


@contextmanager
def _listening(settings: Settings) -> Iterator[Listening]:
    listening = listen(settings.host, settings.port)
    try:
        yield listening
    finally:
        listening.close()


class _Server:
    """Uvicorn in a thread of its own, since its own handling of signals ends the process before anything is put away."""

    def __init__(self, app: ASGIApp, listening: Listening) -> None:
        self._sockets = list(listening.sockets)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            ws_max_size=200 * 2**20,
            timeout_graceful_shutdown=_ANSWER_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=(self._sockets,), name="page", daemon=True)

    def start(self) -> None:
        """Returns when requests are answered. Raises ServiceUnavailable where that does not come about."""
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise ServiceUnavailable("The page did not start.", "`uniir --debug ui` says why.")
            time.sleep(0.005)

    def stop(self) -> None:
        """Takes no more requests and lets the rest be answered for a few seconds."""
        self._server.should_exit = True
        self._thread.join(_ANSWER_SECONDS + 2)
