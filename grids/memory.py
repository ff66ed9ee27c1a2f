"""Memory that nobody uses any more, given back to the system: what comes next needs it in other sizes."""

import ctypes
import os
import platform
import threading

import pyarrow as pa

_M_ARENA_MAX = -8
"""Of glibc's malloc.h."""
_ARENAS = 2


def give_back() -> None:
    """Let Arrow and the C library return what they keep for later; a build keeps hundreds of megabytes so."""
    pa.default_memory_pool().release_unused()
    # Only glibc keeps that much, and only it has this call.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def give_back_every(seconds: float, stopped: threading.Event) -> None:
    """Give back what is free again and again, until it is told to stop."""
    while not stopped.wait(seconds):
        give_back()


def share_arenas() -> None:
    """Let the threads of this process take memory from the same two places; MALLOC_ARENA_MAX, if set, stands.

    glibc gives each thread one of its own, up to eight for each processor, and what is free in one serves no other
    thread: a server whose threads each make an answer now and then keeps the largest one of each.
    """
    if platform.libc_ver()[0] == "glibc" and "MALLOC_ARENA_MAX" not in os.environ:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
