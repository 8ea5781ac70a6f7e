"""One encoder in several processes, one on each device: the owner of the data prepares and sends batches, and writes what comes back."""

from __future__ import annotations

import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from encoders.messages import Answer, Refusal, Task
from models.devices import Device
from uniir.documents import Document, Modality
from uniir.errors import ModelUnavailable, UniirError, UsageError
from uniir.protocols import Encoder, ImageLoader, Prepared, Steering
from uniir.queries import Query
from uniir.spaces import VectorSpace

_CARDS = "CUDA_VISIBLE_DEVICES"
_GO_ON = "What was done until then is kept: run the same command again, and it goes on from there."
_PATIENCE = 5.0  # seconds for a process to end by itself
_OWN = ("halves", "read", "reads_parts_together", "reads_instructions")  # what an encoder may be able to do beside encoding


@dataclass(slots=True)
class Worker:
    """One process and the way to it. `batches` counts what it has encoded."""

    process: subprocess.Popen[bytes]
    connection: Connection
    batches: int = 0

    def ask(self, batch: Prepared) -> NDArray[np.float32]:
        """Raises what the encoder raised there, and ModelUnavailable where the process is gone."""
        try:
            self.connection.send(batch)
        except OSError:
            raise ModelUnavailable(f"{self.ended()}.", _GO_ON) from None
        answer = self.answer()
        if not isinstance(answer, np.ndarray):
            raise ModelUnavailable("A process that encodes answered out of turn.", _GO_ON)
        self.batches += 1
        return answer

    def answer(self) -> Answer:
        """What it says next; raises what it was refused with."""
        try:
            answer: Answer = self.connection.recv()
        except (EOFError, OSError):
            raise ModelUnavailable(f"{self.ended()}.", _GO_ON) from None
        if isinstance(answer, Refusal):
            raise RuntimeError(answer.what) if answer.known is None else answer.known(answer.what, answer.way_out)
        return answer

    def ended(self) -> str:
        """How it came to its end, in words."""
        try:
            code = self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return f"The process {self.process.pid} that encodes does not answer"
        how = f"was killed by signal {-code} (is the memory used up?)" if code < 0 else f"ended with code {code}"
        return f"The process {self.process.pid} that encodes {how}"

    def close(self) -> None:
        self.connection.close()
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Crew:
    """The processes. A batch goes to whichever is free."""

    workers: Sequence[Worker]
    _free: queue.SimpleQueue[Worker] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        for worker in self.workers:
            self._free.put(worker)

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        """Waits for a free process. Raises as `Worker.ask`."""
        worker = self._free.get()
        try:
            return worker.ask(batch)
        finally:
            self._free.put(worker)

    def close(self) -> None:
        for worker in self.workers:
            worker.close()


def start_crew(name: str, space: VectorSpace, device: Device, models: Path, processes: int) -> Crew:
    """Starts the processes and waits until all have loaded. Raises UsageError for too few devices, ModelUnavailable."""
    kind = _kind(device.name, processes)
    task = Task(name, models, kind, space.dtype, max(1, device.threads // processes) if kind == "cpu" else device.threads)
    workers: list[Worker] = []
    try:
        workers += [_started(task, _environment(kind, place, task.threads)) for place in range(processes)]
        for worker in workers:
            found = worker.answer()
            if found != space:
                raise ModelUnavailable(f"A process that encodes has loaded another {name}.", "Were its weights changed meanwhile?")
    except BaseException:
        for worker in workers:
            worker.process.kill()
            worker.close()
        raise
    return Crew(workers)


class CrewStarter(Protocol):
    """Starts the processes when the first batch is there, and again after one has died."""

    def __call__(self) -> Crew: ...


class SpreadEncoder:
    """Implements `uniir.protocols.Encoder` and `EncodesAtOnce` by an encoder of this process and others that are its equals.

    What is one item goes to the encoder of this process, so that a search never waits behind an ingest.
    """

    def __init__(self, inner: Encoder, start: CrewStarter, processes: int) -> None:
        self.lanes = processes
        self._inner = inner
        self._start = start
        self._crew: Crew | None = None
        self._starting = threading.Lock()
        for name in _OWN:
            if hasattr(inner, name):
                setattr(self, name, getattr(inner, name))

    @property
    def space(self) -> VectorSpace:
        return self._inner.space

    @property
    def accepts(self) -> frozenset[Modality]:
        return self._inner.accepts

    def prepare(self, items: Sequence[Document | Query], images: ImageLoader) -> Prepared:
        return self._inner.prepare(items, images)

    def steer(self, vectors: NDArray[np.float32], steering: Sequence[Steering]) -> NDArray[np.float32]:
        return self._inner.steer(vectors, steering)

    def encode(self, batch: Prepared) -> NDArray[np.float32]:
        """Raises ModelUnavailable where a process died; the next batch starts all of them anew."""
        if len(batch.positions) < 2:
            return self._inner.encode(batch)
        crew = self._started()
        try:
            return crew.encode(batch)
        except UniirError:
            self._drop(crew)
            raise

    @property
    def crew(self) -> Crew | None:
        """The processes, where they were needed already."""
        return self._crew

    def close(self) -> None:
        with self._starting:
            if self._crew is not None:
                self._crew.close()
                self._crew = None

    def _started(self) -> Crew:
        with self._starting:
            if self._crew is None:
                self._crew = self._start()
            return self._crew

    def _drop(self, crew: Crew) -> None:
        """Ends what is left of the processes, unless another thread did so and new ones are at work."""
        with self._starting:
            if self._crew is crew:
                self._crew = None
                for worker in crew.workers:
                    worker.process.kill()
                    worker.process.wait()


def _kind(device: str, processes: int) -> str:
    """cpu or cuda. Raises UsageError where there are fewer cards than processes."""
    if device == "cpu":
        return device
    if ":" in device:
        raise UsageError(f"{processes} processes do not fit on the one device {device}.", "Set `device` to cuda or auto.")
    try:
        import torch
    except ImportError:
        return "cpu"
    cards = torch.cuda.device_count()
    if cards == 0 and device == "auto":
        return "cpu"
    if cards < processes:
        raise UsageError(f"There are {cards} devices for {processes} processes.", f"Use `--processes {max(1, cards)}`.")
    return "cuda"


def _environment(kind: str, place: int, threads: int) -> Mapping[str, str]:
    """For the process at this place: one card to see, and as many threads as it has cores for."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    if kind == "cuda":
        seen = [card for card in os.environ.get(_CARDS, "").split(",") if card]
        environment[_CARDS] = seen[place] if place < len(seen) else str(place)
    return environment


def _started(task: Task, environment: Mapping[str, str]) -> Worker:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "encoders.worker", str(theirs.fileno())],  # -P: nothing is imported from where a person stands
            pass_fds=[theirs.fileno()],
            env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
        )
    connection = Connection(ours.detach())
    connection.send(task)
    return Worker(process, connection)
