"""`uniir serve` in a process of its own, for benchmarks of the service."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

import uniir
from bench.report import PLACE, command
from uniir.client import Client

_TOKEN = "the benchmark's own"


@dataclass(frozen=True, slots=True)
class Running:
    """A service in a process of its own."""

    address: str
    process: psutil.Process

    @property
    def headers(self) -> Mapping[str, str]:
        """What lets a request in."""
        return {"Authorization": f"Bearer {_TOKEN}"}

    def client(self) -> Client:
        return uniir.connect(self.address, _TOKEN)

    @property
    def processor_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def megabytes(self) -> float:
        """What it holds in memory now."""
        return round(float(self.process.memory_info().rss) / 2**20, 1)


@contextmanager
def copied(data: Path) -> Iterator[Path]:
    """A copy of a data directory, which is filled once and used by several benchmarks."""
    copy = PLACE / f"{data.name}-served"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(data, copy)
    try:
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


@contextmanager
def serving(data: Path, settings: Mapping[str, object] | None = None) -> Iterator[Running]:
    """`uniir serve` over this data directory, with these settings."""
    said = {f"UNIIR_{name.upper()}": str(value) for name, value in (settings or {}).items()}
    with (PLACE / "service.log").open("w") as log:
        words = command("serve", "--port", "0", "--data-dir", str(data))
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "UNIIR_TOKEN": _TOKEN, **said})
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        if not address:
            raise SystemExit(f"The service did not start; {PLACE / 'service.log'} says why.")
        running = Running(address, psutil.Process(process.pid))
        while httpx.get(f"{address}/readyz", timeout=60, headers=running.headers).status_code != 200:
            time.sleep(0.1)
        yield running
    finally:
        process.terminate()
        process.wait(60)
