"""A real Milvus server for the tests: 2.3.5, the newest that comes as a package of PyPI.

It lies in a folder of its own below `.cache`, never in the environment of the program, and listens only inside a network
namespace; tests reach it through one relayed port on the loopback.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock
from pymilvus import MilvusClient, MilvusException

VERSION = "2.3.5"
_CACHE = Path(__file__).parents[2] / ".cache" / f"milvus-{VERSION}"
_PORT = 19530
_START_SECONDS = 180.0
# Polls and leases of a big cluster, brought down to what one small process needs: an index is there in a second instead of ten.
_BRISK = {
    "common.session.ttl": 5,
    "dataCoord.segment.assignmentExpiration": 500,
    "queryCoord.checkInterval": 200,
    "queryCoord.distPullInterval": 100,
    "queryCoord.checkHandoffInterval": 500,
    "log.level": "warn",
}


def _installed() -> Path:
    """The folder with the package and its unpacked program; made at the first use and kept."""
    _CACHE.parent.mkdir(exist_ok=True)
    with FileLock(_CACHE.with_suffix(".lock")):
        if not (_CACHE / "whole").exists():
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--disable-pip-version-check"]
            subprocess.run([*pip, "--target", str(_CACHE), f"milvus=={VERSION}"], check=True, capture_output=True, text=True)
            subprocess.run([sys.executable, "-c", _UNPACK, str(_CACHE)], check=True, capture_output=True, text=True)
            (_CACHE / "whole").touch()
    return _CACHE


_UNPACK = """
import sys; sys.path.insert(0, sys.argv[1])
import milvus; milvus._initialize_data_files(sys.argv[1])
"""
_CONFIGURE = """
import json, pathlib, sys; sys.path.insert(0, sys.argv[1])
import milvus
config = milvus.MilvusServerConfig(data_dir=sys.argv[2])
for name, value in json.loads(sys.argv[3]).items():
    config.set(name, value)
config.resolve_storage()
config.write_config()
file = pathlib.Path(sys.argv[2]) / "configs" / "milvus.yaml"
file.write_text(file.read_text().replace("\\nqueryCoord:\\n", "\\nqueryCoord:\\n  UpdateNextTargetInterval: 1\\n"))
"""


class MilvusServer:
    """One server over one directory: started, killed, stalled and started again at the same address."""

    def __init__(self, directory: Path, token: str = "", **extra: object) -> None:
        self._token = token
        program = _installed()
        directory.mkdir(parents=True, exist_ok=True)
        configure = [sys.executable, "-c", _CONFIGURE, str(program), str(directory), json.dumps(_BRISK | extra)]
        subprocess.run(configure, check=True, capture_output=True, text=True)
        helper = [sys.executable, str(Path(__file__).with_name("enclosed.py")), str(_PORT)]
        self._helper = subprocess.Popen(
            [*helper, str(program / "bin" / "milvus"), "run", "standalone"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=directory,
            env={
                "PATH": os.environ.get("PATH", ""),
                "HOME": str(directory),
                "DEPLOY_MODE": "STANDALONE",
                "METRICS_PORT": "9091",
                "MILVUS_RUN_DIR": str(directory / "run"),
                "LD_LIBRARY_PATH": str(program / "bin"),
                "GOMAXPROCS": "2",
            },
        )
        first = self._answer()
        self.address = f"http://127.0.0.1:{json.loads(first)['port']}"

    def start(self) -> None:
        """Starts it and waits until it answers a question. Raises TimeoutError.

        After a kill it may end by itself while the lease of the one before still stands: then it is started once more.
        """
        deadline = time.monotonic() + _START_SECONDS
        while True:
            self.order("start")
            if self._answers():
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"The Milvus server did not answer within {_START_SECONDS:.0f} s.")
            time.sleep(0.5)

    def order(self, what: str) -> None:
        """`start`, `kill`, `stall` or `resume`."""
        assert self._helper.stdin is not None
        self._helper.stdin.write(what + "\n")
        self._helper.stdin.flush()
        self._answer()

    def close(self) -> None:
        """Ends it with all it started."""
        with suppress(OSError, subprocess.TimeoutExpired):
            self._helper.communicate(timeout=60)
        self._helper.kill()
        self._helper.wait()

    def _answers(self) -> bool:
        try:
            client = MilvusClient(self.address, token=self._token, timeout=5, dedicated=True)
        except MilvusException:
            return False
        try:
            client.list_collections(timeout=5)
        except MilvusException:
            return False
        finally:
            client.close()
        return True

    def _answer(self) -> str:
        assert self._helper.stdout is not None
        assert self._helper.stderr is not None
        line = self._helper.stdout.readline()
        if not line:
            raise OSError(self._helper.stderr.read().strip().splitlines()[-1])
        return line
