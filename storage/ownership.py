"""One owner process for a data directory. The lock dies with its process, so a dead owner never blocks anybody."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from uniir.errors import DirectoryInUse, StoreUnavailable
from uniir.settings import Settings

POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a directory, as `owner.json` says. Those that serve have an address, and a secret that only their user can read."""

    pid: int
    command: str
    since: str
    address: str | None = None
    secret: str | None = None

    def describe(self) -> str:
        return f"`{self.command}` (process {self.pid}, since {self.since})"


class Claim(Protocol):
    """The right to open everything below a data directory."""

    def __enter__(self) -> Claim: ...

    def __exit__(self, *_: object) -> None: ...

    def take(self) -> bool:
        """Takes it if nobody living has it, without waiting. Raises StoreUnavailable."""
        ...

    def announce(self, address: str, secret: str) -> None:
        """Tells waiting commands of the same user where the owner can be asked. Raises StoreUnavailable."""
        ...

    def release(self) -> None: ...

    def refusal(self) -> DirectoryInUse:
        """What to tell who can't wait any longer."""
        ...


def claim_on(settings: Settings, command: str, *, wait_seconds: float) -> Claim:
    """Ownership of the directory, unless all that matters lies on servers, which take many."""
    if settings.is_shared:
        return FreeForAll(settings.data_dir)
    return Ownership(settings.data_dir, command, wait_seconds=wait_seconds)


class FreeForAll:
    """A data directory with thumbnails and uploads only: everybody may, and nobody need ask anybody else."""

    def __init__(self, data_directory: Path) -> None:
        self._directory = data_directory

    def __enter__(self) -> FreeForAll:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def take(self) -> bool:
        return True

    def announce(self, address: str, secret: str) -> None:
        """Nobody waits for it."""

    def release(self) -> None:
        """There is nothing to give back."""

    def refusal(self) -> DirectoryInUse:
        return DirectoryInUse(f"The data directory {self._directory} is in use.")


class Ownership:
    """Held while the vector store is open. A second owner waits a while, then learns who it waits for."""

    def __init__(self, data_directory: Path, command: str, *, wait_seconds: float) -> None:
        self._directory = data_directory
        self._wait_seconds = wait_seconds
        self._lock = FileLock(data_directory / "owner.lock")
        self._file = data_directory / _FILE
        self._owner = Owner(os.getpid(), command, "")

    def __enter__(self) -> Ownership:
        """What is taken already is held on to."""
        if self._lock.is_locked:
            return self
        deadline = time.monotonic() + self._wait_seconds
        while not self.take():
            if time.monotonic() >= deadline:
                raise self.refusal()
            time.sleep(POLL_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def take(self) -> bool:
        """Takes the directory if nobody living has it, without waiting. Raises StoreUnavailable."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._say(replace(self._owner, since=datetime.now(UTC).isoformat(timespec="seconds")))
        except StoreUnavailable:
            self._lock.release()
            raise
        return True

    def announce(self, address: str, secret: str) -> None:
        """Tells waiting commands of the same user where the owner can be asked. Raises StoreUnavailable."""
        self._say(replace(self._owner, address=address, secret=secret))

    def release(self) -> None:
        self._file.unlink(missing_ok=True)
        self._lock.release()

    def refusal(self) -> DirectoryInUse:
        """What to tell who can't wait any longer."""
        return DirectoryInUse(
            f"The data directory {self._directory} is in use by {self._holder()}.",
            "Wait until it is done, stop it, or work elsewhere with `--data-dir`.",
        )

    def _say(self, owner: Owner) -> None:
        self._owner = owner
        unfinished = self._file.with_suffix(".new")
        try:
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump({name: value for name, value in asdict(owner).items() if value is not None}, file)
            unfinished.replace(self._file)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            f"The data directory {self._directory} can't be used: {error.strerror or error}.",
            "Choose another with `--data-dir` or UNIIR_DATA_DIR.",
        )

    def _holder(self) -> str:
        for _ in range(5):  # the owner writes its name just after it has taken the lock
            if (owner := owner_of(self._directory)) is not None:
                return owner.describe()
            time.sleep(POLL_SECONDS)
        return "another process"


def owner_of(data_directory: Path) -> Owner | None:
    """Who says to own the directory. It may have died without a word: only the lock tells, so a taken lock is asked first."""
    try:
        said = json.loads((data_directory / _FILE).read_text())
        return Owner(int(said["pid"]), str(said["command"]), str(said["since"]), _text(said, "address"), _text(said, "secret"))
    except (OSError, ValueError, OverflowError, RecursionError, KeyError, TypeError):
        return None


def instance_of(secret: str) -> str:
    """What an owner shows to everybody, so that who knows its secret can tell it from a stranger at the same address."""
    return hashlib.sha256(f"uniir {secret}".encode()).hexdigest()[:16]


_FILE = "owner.json"


def _text(said: Mapping[str, object], name: str) -> str | None:
    value = said.get(name)
    return value if isinstance(value, str) else None
