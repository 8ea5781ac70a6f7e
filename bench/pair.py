"""Postgres and a Milvus server for a benchmark, in a process of their own: who forks must not have spoken to them."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.report import ROOT

_LEASE_SECONDS = 3  # after which what a killed process held is anybody's


class Pair:
    """Both servers, each with its defaults as far as safety goes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._numbers = itertools.count()
        self._milvus: str = self._answer()

    def installation(self) -> Mapping[str, object]:
        """Settings of a new installation: an empty catalog, and a database of its own for vectors."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return {
            "catalog_url": self._answer(),
            "vector_store": "milvus",
            "milvus_uri": self._milvus,
            "milvus_database": f"bench_{next(self._numbers)}",
            "lease_seconds": _LEASE_SECONDS,
            "wait_seconds": 60,
        }

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("The two servers can't be started here; what is above says why.")
        return str(json.loads(line))


@contextmanager
def pair() -> Iterator[Pair]:
    """Both, until the block is left."""
    process = subprocess.Popen([sys.executable, "-m", "bench.pair"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Pair(process)
    finally:
        process.communicate(timeout=120)


def main() -> None:
    """Prints the address of Milvus, then for every line that comes in the address of a new catalog; ends with its input."""
    from tests.servers import postgres
    from tests.servers.milvus import MilvusServer

    catalogs = postgres.started(settings=())
    try:
        with tempfile.TemporaryDirectory(prefix="uniir-milvus-") as place:
            milvus = MilvusServer(Path(place))
            try:
                milvus.start()
                print(json.dumps(milvus.address), flush=True)
                for _ in sys.stdin:
                    print(json.dumps(catalogs.fresh()), flush=True)
            finally:
                milvus.close()
    finally:
        catalogs.remove()


if __name__ == "__main__":
    main()
