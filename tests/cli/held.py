"""A command that stands still in the middle of its work, so that a test meets it there however busy the machine is.

`python -m tests.cli.held GATE BATCHES MODULE:ENCODER WORD...` encodes so many batches of documents, and each one after them waits until
the gate, a file, is gone: a test takes it away, and so does whoever cancels the job. Single queries pass. A file `followed` beside the
gate says that somebody who knows the job has asked how it stands.
"""

from __future__ import annotations

import itertools
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.main import main
from app.local.jobs.board import JobBoard
from app.local.service import LocalService

if TYPE_CHECKING:
    from uniir.protocols import Prepared
    from uniir.wire import JobAnswer

_LONGEST = 300.0  # seconds, or a test that failed would leave it behind


def _hold(gate: Path, batches: int, encoder: type[Any]) -> None:
    encode, cancel, ask = encoder.encode, JobBoard.cancel, LocalService.job
    counted = itertools.count(1)

    def held(self: object, batch: Prepared) -> object:
        if len(batch.positions) > 1 and next(counted) > batches:
            until = time.monotonic() + _LONGEST
            while gate.exists() and time.monotonic() < until:
                time.sleep(0.01)
        return encode(self, batch)

    def cancelled(self: JobBoard, job: str) -> JobAnswer:
        answer = cancel(self, job)
        gate.unlink(missing_ok=True)
        return answer

    def asked(self: LocalService, job: str) -> JobAnswer:
        gate.with_name("followed").touch()
        return ask(self, job)

    encoder.encode = held
    JobBoard.cancel, LocalService.job = cancelled, asked  # type: ignore[method-assign]


if __name__ == "__main__":
    gate, batches, name, *words = sys.argv[1:]
    module, _, encoder = name.partition(":")
    _hold(Path(gate), int(batches), getattr(import_module(module), encoder))
    sys.argv = ["uniir", *words]
    main()
