"""A dozen of the kills of `bench.kills`, on either store."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.running import environment


@pytest.mark.slow
@pytest.mark.parametrize(("store", "count"), [("exact", 8), ("milvus", 4)])
def test_whatever_a_process_was_doing_when_it_was_killed_the_next_one_finishes_it(store: str, count: int) -> None:
    words = [sys.executable, "-m", "bench.kills", "--runs", str(count), "--seed", "7", "--store", store, "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment(), timeout=600)
    assert done.stderr == ""
    [number] = json.loads(done.stdout)["numbers"]
    assert (number["value"], number["figures"]["kills"], done.returncode) == (0, count, 0)
