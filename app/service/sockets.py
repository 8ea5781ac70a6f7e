"""Where the service listens: taken before anything slow, so that a taken port is told at once and early callers wait instead of failing."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from app.service.guarding import is_every_address, is_loopback
from uniir.errors import UsageError

_WAITING_CALLERS = 128


@dataclass(frozen=True, slots=True)
class Listening:
    """Open sockets, the address to tell people, and the one that commands on this machine use."""

    sockets: tuple[socket.socket, ...]
    address: str
    local_address: str

    def close(self) -> None:
        for one in self.sockets:
            one.close()


def listen(host: str, port: int) -> Listening:
    """Binds and listens; port 0 takes a free one. Raises UsageError naming what is wrong with host or port."""
    main = _bound(host, port)
    address = _address(host, main)
    if is_loopback(host):
        return Listening((main,), address, address)
    if is_every_address(host):
        return Listening((main,), address, _address("::1" if main.family == socket.AF_INET6 else "127.0.0.1", main))
    beside = _bound("127.0.0.1", 0)  # commands on this machine need not know which of its addresses was meant
    return Listening((main, beside), address, _address("127.0.0.1", beside))


def _bound(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{host!r} is no address of this machine: {error}.", "Leave out `--host`, or name one that is.") from None
    family, kind, protocol, _, place = found[0]
    one = socket.socket(family, kind, protocol)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(place)
        one.listen(_WAITING_CALLERS)
    except OSError as error:
        one.close()
        raise _refusal(host, port, error) from None
    return one


def _refusal(host: str, port: int, error: OSError) -> UsageError:
    match error.errno:
        case errno.EADDRINUSE:
            return UsageError(f"Port {port} at {host} is in use by another program.", "Take another with `--port`; 0 takes a free one.")
        case errno.EACCES:
            return UsageError(f"Port {port} may not be taken by this user.", "Take one above 1023 with `--port`.")
        case errno.EADDRNOTAVAIL:
            return UsageError(f"{host} is no address of this machine.", "Leave out `--host`, or name one that is.")
        case _:
            return UsageError(f"Port {port} at {host} can't be taken: {error.strerror or error}.", "Take another with `--port`.")


def _address(host: str, one: socket.socket) -> str:
    name = host.strip("[]")
    return f"http://{f'[{name}]' if ':' in name else name}:{one.getsockname()[1]}"
