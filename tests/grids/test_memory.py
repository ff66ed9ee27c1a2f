"""Memory that nobody uses is given back."""

import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from grids import memory
from grids.memory import give_back, give_back_every


def held() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries give memory back by themselves")
def test_what_lies_below_a_last_piece_is_given_back() -> None:
    pieces = [bytearray(10_000) for _ in range(10_000)]
    last = pieces.pop()
    del pieces  # the heap cannot shrink below the last piece, and keeps what is free
    before = held()
    give_back()
    assert held() < before - 50_000_000
    assert len(last) == 10_000


def test_giving_back_nothing_is_no_error() -> None:
    give_back()
    give_back()


def test_it_is_given_back_again_and_again_until_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped, given = threading.Event(), []

    def counted() -> None:
        given.append(1)
        if len(given) == 3:
            stopped.set()

    monkeypatch.setattr(memory, "give_back", counted)
    give_back_every(0.001, stopped)
    assert len(given) == 3


_ARENAS_OF_THREADS = """
import ctypes, os, sys, threading
from grids.memory import share_arenas
c = ctypes.CDLL(None)
if sys.argv[1] == "shared":
    share_arenas()
c.malloc.restype, here = ctypes.c_void_p, threading.Barrier(13)
def work():
    c.malloc(5000)
    here.wait()
    here.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
[one.start() for one in threads]
here.wait()
c.malloc_info(0, ctypes.c_void_p.in_dll(c, "stdout"))
c.fflush(None)
here.wait()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no arenas of threads")
@pytest.mark.parametrize(("how", "limit"), [("shared", None), ("shared", "12"), ("apart", None)])
def test_threads_share_arenas_unless_the_environment_says_how_many(how: str, limit: str | None) -> None:
    said = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    said |= {} if limit is None else {"MALLOC_ARENA_MAX": limit}
    command = [sys.executable, "-c", _ARENAS_OF_THREADS, how]
    arenas = subprocess.run(command, env=said, capture_output=True, text=True, check=True).stdout.count("<heap nr=")
    assert (arenas <= 3) == (how == "shared" and limit is None), arenas
