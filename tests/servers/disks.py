"""A disk with little room for a test: a file system in memory, in a mount namespace of its own, so that nobody else sees it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.running import Done, command, environment


class SmallDisk:
    """One directory with so much room; what is there goes with the block."""

    def __init__(self, directory: Path, holder: subprocess.Popen[str], enter: Sequence[str]) -> None:
        self.directory = directory
        self._holder = holder
        self._enter = [*enter, "--target", str(holder.pid)]

    def run(self, *words: object, **settings: object) -> Done:
        """A command of ours where the directory is that disk."""
        done = subprocess.run(
            [*self._enter, *command(*words)], capture_output=True, text=True, check=False, env=environment(**settings), timeout=300
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def make_room(self) -> None:
        resize = ["mount", "-o", "remount,size=500m", str(self.directory)]
        subprocess.run([*self._enter, *resize], check=True, capture_output=True)


@contextmanager
def small_disk(directory: Path, kibibytes: int) -> Iterator[SmallDisk]:
    """Skips the test where no file system can be mounted: what a container may is not for a test to ask."""
    directory.mkdir(parents=True, exist_ok=True)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    mount = f"mount -t tmpfs -o size={kibibytes}k none '{directory}' && echo mounted && exec sleep infinity"
    holder = subprocess.Popen(
        [shutil.which("unshare") or "unshare", "--mount", *user, "sh", "-c", mount],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with holder:
        try:
            assert holder.stdout is not None
            assert holder.stderr is not None
            if not holder.stdout.readline():
                pytest.skip(f"no file system can be mounted here: {holder.stderr.read().strip()}")
            enter = ["nsenter", "--mount", *(["--user", "--preserve-credentials"] if user else [])]
            yield SmallDisk(directory, holder, enter)
        finally:
            holder.kill()


@contextmanager
def mounted(directory: Path, kibibytes: int) -> Iterator[Path]:
    """A small disk that everybody sees, servers included; only root can make one. Skips the test elsewhere."""
    directory.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k,mode=0755", "none", str(directory)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def make_room(directory: Path) -> None:
    """On a disk that is mounted."""
    subprocess.run(["mount", "-o", "remount,size=500m", str(directory)], check=True, capture_output=True)
