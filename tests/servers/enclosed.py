"""Runs a program in a network of its own and passes one port through to this machine's loopback.

    python enclosed.py PORT PROGRAM ARGUMENTS...

For servers that listen on every interface: inside there is nothing but a loopback. Prints one JSON object with the relayed
port, then obeys lines on stdin and answers each with a line: `start`, `kill` (SIGKILL), `stall` and `resume` (SIGSTOP and
SIGCONT). The end of stdin ends the program as well, so it never outlives who asked for it. Root is not needed where users may make
namespaces.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_PARENT_DEATH_SIGNAL = 1
_libc = ctypes.CDLL(None, use_errno=True)


def enclose() -> None:
    """Moves this process into a network namespace with a loopback and nothing else. Raises OSError where that is not allowed."""
    user = os.geteuid()
    if _libc.unshare(_CLONE_NEWNET) != 0:
        if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"no network namespace can be made: {os.strerror(number)}")
        with open("/proc/self/uid_map", "w") as mapping:
            mapping.write(f"0 {user} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, _GET_FLAGS, request))[1]
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


class Program:
    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Nothing where it runs already."""
        if self._process is not None and self._process.poll() is None:
            return
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  # there is one thread here
        )

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _die_with_parent() -> None:
    _libc.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()


async def _relay(port: int, outer_reader: asyncio.StreamReader, outer_writer: asyncio.StreamWriter) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        outer_writer.close()
        return
    await asyncio.gather(_pump(outer_reader, writer), _pump(reader, outer_writer))


async def _obey(program: Program, listener: socket.socket, port: int) -> None:
    await asyncio.start_server(lambda reader, writer: _relay(port, reader, writer), sock=listener)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    acts = {
        "start": program.start,
        "kill": program.kill,
        "stall": lambda: program.signal(signal.SIGSTOP),
        "resume": lambda: program.signal(signal.SIGCONT),
    }
    while order := (await orders.readline()).decode().strip():
        acts[order]()
        print("done", flush=True)


def main() -> None:
    port, command = int(sys.argv[1]), sys.argv[2:]
    listener = socket.create_server(("127.0.0.1", 0))  # made outside, so it stays there
    enclose()
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    program = Program(command)
    try:
        asyncio.run(_obey(program, listener, port))
    finally:
        program.kill()


if __name__ == "__main__":
    main()
