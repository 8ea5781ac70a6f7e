"""A process that encodes for another: `python -m encoders.worker`, started by `encoders.processes` and by nobody else.

It loads its encoder on the one device that it is given, says which vector space it computes in, and then gives vectors for batches until
the other end of its connection is closed, for whatever reason. So no process is left behind.
"""

from __future__ import annotations

import logging
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from encoders.catalogue import load_encoder
from encoders.messages import Refusal, Task
from models.devices import Device
from uniir.errors import UniirError
from uniir.protocols import Encoder, Prepared

_log = logging.getLogger(__name__)


def main() -> None:
    # An interrupt from the keyboard reaches all processes of the group; the one that started this one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Connection(int(sys.argv[1])) as connection, suppress(EOFError, OSError):  # the other end is gone: there is nobody to encode for
        task: Task = connection.recv()
        try:
            encoder = load_encoder(task.encoder, Device(_own_device(task.device), task.dtype, task.threads), task.models)
        except UniirError as error:
            connection.send(Refusal(error.what, error.way_out, type(error)))
            return
        connection.send(encoder.space)
        _serve(connection, encoder)


def _own_device(wanted: str) -> str:
    """The device as accelerate names it for this process, which sees no card but its own."""
    try:
        from accelerate import PartialState
    except ImportError:  # as where there is no torch: the starter encoder needs neither
        return "cpu"
    return str(PartialState(cpu=wanted == "cpu").device)


def _serve(connection: Connection, encoder: Encoder) -> None:
    while True:
        batch: Prepared = connection.recv()
        try:
            vectors = encoder.encode(batch)
        except UniirError as error:
            connection.send(Refusal(error.what, error.way_out, type(error)))
        # Whatever a model raises on a batch is told; whether it was the batch's fault is found out by who sent it.
        except Exception as error:
            _log.exception("a batch of %d could not be encoded", len(batch.positions))
            connection.send(Refusal(f"{type(error).__name__}: {error}"))
        else:
            connection.send(vectors)


if __name__ == "__main__":
    main()
