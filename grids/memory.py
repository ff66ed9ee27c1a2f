"""Memory that nobody uses any more, given back to the system: what comes next needs it in other sizes."""

import ctypes
import os

import pyarrow as pa


def give_back() -> None:
    """Let Arrow and the C library return what they keep for later; a build keeps hundreds of megabytes so."""
    pa.default_memory_pool().release_unused()
    # Only glibc keeps that much, and only it has this call.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)
