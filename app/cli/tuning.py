"""What the libraries below read when they are loaded, for a process that lives long and has dozens of threads."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of malloc.h
_MAPPED_FROM = 2**23  # bytes: with a mebibyte each search's own arrays would be mapped too, for a sixth more processor time
_KEPT = 2**23  # bytes at a heap's end: with glibc's 128 KiB each search hands its arrays back and waits for the next 300 pages
_MALLOC = {
    "MALLOC_TRIM_THRESHOLD_": (_M_TRIM_THRESHOLD, _KEPT),
    "MALLOC_MMAP_THRESHOLD_": (_M_MMAP_THRESHOLD, _MAPPED_FROM),
    "MALLOC_ARENA_MAX": (_M_ARENA_MAX, 2),
}


def tune_for_serving() -> None:
    """To be called before NumPy is loaded. What the environment says already stays."""
    # BLAS's threads wait by spinning: a search took twice the processor time and was no faster.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Arrow's own allocator, and a heap for each thread, keep what was freed: a quarter of the memory of 64 clients and an ingest.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    with suppress(AttributeError):  # not every C library has it
        allocator = ctypes.CDLL(None).mallopt
        for name, (option, value) in _MALLOC.items():
            if name not in os.environ:
                allocator(option, value)
