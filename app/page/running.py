"""`uniir ui`: the page with the service behind it in one process and at one port, or alone in front of a service elsewhere."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

from starlette.types import ASGIApp

from app.local.opening import own
from app.page.compressing import Compressing
from app.page.dispatching import Dispatcher
from app.page.entry import Door
from app.page.forwarding import Forwarder
from app.page.index import Index
from app.page.streamlit_app import streamlit_app
from app.page.surroundings import Surroundings, Whereabouts
from app.service.application import create_app
from app.service.guarding import Rules, require_safe_host
from app.service.measuring import Measurements
from app.service.readiness import Readiness
from app.service.server import ServerThread, answer_until, exit_in_time, listening_at, stop_signals
from app.service.sockets import Listening
from search.batching import BatchedEncoding
from storage.ownership import POLL_SECONDS, claim_on, owner_of
from uniir.settings import Settings
from uniir.tokens import token_of

COMMAND = "uniir ui"
_FOLLOW_SECONDS = 1.0
_PAGE_FIRST_SECONDS = 3.0  # a browser that is opened at once gets its page before the encoder takes the processor


def run(settings: Settings, tell: Callable[[str], None], service: str | None = None) -> None:
    """Answers until SIGTERM or SIGINT; `tell` hears the page's address once. `service` is the address of one elsewhere.

    Raises UsageError for a host or port that can't be used, DirectoryInUse where an owner can't be asked.
    """
    require_safe_host(settings)
    if service is not None:
        _run_alone(settings, Whereabouts(Surroundings(service.rstrip("/"), token_of(settings))), tell)
        return
    owner = _owner_elsewhere(settings)
    if owner is None:
        _run_with_service(settings, tell)
        return
    whereabouts = Whereabouts(owner)
    threading.Thread(target=_follow_owner, args=(settings, whereabouts), name="following the owner", daemon=True).start()
    _run_alone(settings, whereabouts, tell)


def _owner_elsewhere(settings: Settings) -> Surroundings | None:
    """The service of who owns the directory, None where it is free or becomes free. A busy owner gets time to say its address."""
    deadline = time.monotonic() + settings.wait_seconds
    ownership = claim_on(settings, COMMAND, wait_seconds=0)
    while not ownership.take():
        answering = _answering(settings)
        if answering is not None:
            return answering
        if time.monotonic() > deadline:
            raise ownership.refusal()
        time.sleep(POLL_SECONDS)
    ownership.release()
    return None


def _answering(settings: Settings) -> Surroundings | None:
    """Where the owner of the directory says that it answers."""
    owner = owner_of(settings.data_dir)
    return Surroundings(owner.address, owner.secret) if owner is not None and owner.address and owner.secret else None


def _follow_owner(settings: Settings, whereabouts: Whereabouts) -> None:
    """Goes after the owner when it was started again."""
    while True:
        time.sleep(_FOLLOW_SECONDS)
        answering = _answering(settings)
        if answering is not None and answering != whereabouts.now:
            whereabouts.move(answering)


def _run_alone(settings: Settings, whereabouts: Whereabouts, tell: Callable[[str], None]) -> None:
    with listening_at(settings) as listening, stop_signals() as asked_to_stop:
        page, rules = Compressing(streamlit_app(settings.upload_megabytes)), Rules.of(settings, whereabouts.now.key)
        pictures, door = Forwarder(whereabouts), Door(settings)
        server = _server(lambda _: Dispatcher(page, Index(), pictures, None, rules, door, whereabouts, pictures.close), listening)
        server.start()
        tell(listening.address)
        asked_to_stop.wait()
        exit_in_time()
        server.stop()


def _run_with_service(settings: Settings, tell: Callable[[str], None]) -> None:
    measurements = Measurements()
    with (
        own(settings, COMMAND, lambda encoder, images: BatchedEncoding(encoder, images, measurements.batch)) as service,
        listening_at(settings) as listening,
        stop_signals() as asked_to_stop,
    ):
        secret = secrets.token_urlsafe(32)
        readiness = Readiness(service, _PAGE_FIRST_SECONDS)
        readiness.postpone()
        whereabouts = Whereabouts(Surroundings(listening.local_address, secret))
        page, rules = Compressing(streamlit_app(settings.upload_megabytes)), Rules.of(settings, secret)

        def application(stopping: Callable[[], bool]) -> ASGIApp:
            routes = create_app(service, settings, secret, measurements, readiness, stopping)
            return Dispatcher(page, Index(), routes, routes, rules, Door(settings), whereabouts)

        server = _server(application, listening)
        answer_until(asked_to_stop, server, service, readiness, listening, secret, tell)


def _server(application: Callable[[Callable[[], bool]], ASGIApp], listening: Listening) -> ServerThread:
    return ServerThread(application, listening.sockets, lifespan="on", ws="auto")  # Streamlit starts with it, and speaks over web sockets
