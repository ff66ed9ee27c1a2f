"""Memory that nobody uses is given back."""

import platform
from pathlib import Path

import pytest

from grids.memory import give_back


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
