"""One owner process for a data directory. The lock dies with its process, so a dead owner never blocks anybody."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from uniir.errors import DirectoryInUse, StoreUnavailable


class Ownership:
    """Held while the vector store is open. A second owner waits a while, then learns who it waits for."""

    def __init__(self, data_directory: Path, command: str, *, wait_seconds: float) -> None:
        self._directory = data_directory
        self._command = command
        self._wait_seconds = wait_seconds
        self._lock = FileLock(data_directory / "owner.lock")
        self._owner = data_directory / "owner.json"

    def __enter__(self) -> Ownership:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=self._wait_seconds, poll_interval=0.05)
        except Timeout:
            raise DirectoryInUse(
                f"The data directory {self._directory} is in use by {self._holder()}.",
                "Wait until it is done, stop it, or work elsewhere with `--data-dir`.",
            ) from None
        except OSError as error:
            raise StoreUnavailable(
                f"The data directory {self._directory} can't be used: {error.strerror or error}.",
                "Choose another with `--data-dir` or UNIIR_DATA_DIR.",
            ) from error
        owner = {"pid": os.getpid(), "command": self._command, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        unfinished = self._owner.with_suffix(".new")
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(owner, file)
        unfinished.replace(self._owner)
        return self

    def __exit__(self, *_: object) -> None:
        self._owner.unlink(missing_ok=True)
        self._lock.release()

    def _holder(self) -> str:
        for _ in range(5):  # the owner writes its name just after it has taken the lock
            try:
                owner = json.loads(self._owner.read_text())
                return f"`{owner['command']}` (process {owner['pid']}, since {owner['since']})"
            except (OSError, ValueError, KeyError):
                time.sleep(0.05)
        return "another process"
