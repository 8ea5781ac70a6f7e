"""How a process that serves is set up before anything large is loaded."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_SHOW = """
import ctypes, os
from app.cli.tuning import tune_for_serving
tune_for_serving()
import pyarrow
print(os.environ["OPENBLAS_NUM_THREADS"], pyarrow.default_memory_pool().backend_name)
"""
_HEAP = """
import ctypes
from app.cli.tuning import tune_for_serving
tune_for_serving()
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]
library = ctypes.CDLL(None)
library.mallinfo2.restype = Info
library.malloc.restype, library.malloc.argtypes, library.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
"""
_AGAIN = f"""{_HEAP}
for _ in range(3):
    before = library.mallinfo2().hblkhd
    block = library.malloc(16 * 2**20)
    mapped = library.mallinfo2().hblkhd - before
    library.free(block)
print(mapped // 2**20)
"""
_SMALLER = f"""{_HEAP}
before = library.mallinfo2().arena
library.free(library.malloc(4 * 2**20))
print(round((library.mallinfo2().arena - before) / 2**20))
"""

_with_glibc = pytest.mark.skipif(
    not hasattr(os, "confstr") or "glibc" not in (os.confstr("CS_GNU_LIBC_VERSION") or ""), reason="another malloc"
)


def _python(program: str, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    ).stdout.strip()


def test_arrow_gives_back_what_it_frees_and_blas_does_not_spin() -> None:
    assert _python(_SHOW) == "1 system"


def test_what_the_environment_says_stays() -> None:
    assert _python(_SHOW, OPENBLAS_NUM_THREADS="2", ARROW_DEFAULT_MEMORY_POOL="mimalloc") == "2 mimalloc"


@_with_glibc
def test_a_block_of_megabytes_is_mapped_for_itself_every_time_and_so_goes_back_when_it_is_freed() -> None:
    assert _python(_AGAIN) == "16"
    assert _python(_AGAIN.replace("tune_for_serving()\n", "", 1)) == "0", "without it the second one comes out of the heap"


@_with_glibc
def test_what_a_search_frees_stays_for_the_next_one() -> None:
    assert _python(_SMALLER) == "4"
    assert _python(_SMALLER, MALLOC_TRIM_THRESHOLD_=str(2**17)) == "0", "as glibc does it"
