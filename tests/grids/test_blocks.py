"""Blocks on threads: what is done in turn is done in order, and the first failure is the one that is told."""

import threading

import numpy as np
import pytest

from grids.blocks import Turn, block_bounds, in_turns

BOUNDS = np.arange(0, 210, 10)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_turns_come_in_the_order_of_the_blocks(threads: int) -> None:
    rng = np.random.default_rng(3)
    waits = dict(zip(BOUNDS[:-1].tolist(), rng.uniform(0, 2e-3, 20).tolist(), strict=True))
    done: list[tuple[int, int]] = []
    workers: set[int] = set()

    def work(first: int, last: int, turn: Turn) -> None:
        threading.Event().wait(waits[first])
        with turn:
            workers.add(threading.get_ident())
            done.append((first, last))

    in_turns(work, BOUNDS, threads)
    assert done == [(first, first + 10) for first in range(0, 200, 10)]
    assert len(workers) <= threads


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_first_block_that_fails_is_the_one_that_is_told(threads: int) -> None:
    late = threading.Event()
    done: list[int] = []

    def work(first: int, last: int, turn: Turn) -> None:
        if first == 60:
            late.set()
            raise ValueError("block 60")
        if first == 50:
            late.wait(0.5 if threads > 1 else 0.0)
            raise ValueError("block 50")
        with turn:
            done.append(first)

    with pytest.raises(ValueError, match="block 50"):
        in_turns(work, BOUNDS, threads)
    assert done == [0, 10, 20, 30, 40]


def test_a_failure_within_a_turn_stops_those_behind_it() -> None:
    done: list[int] = []

    def work(first: int, last: int, turn: Turn) -> None:
        with turn:
            if first == 30:
                raise ValueError("block 30")
            done.append(first)

    with pytest.raises(ValueError, match="block 30"):
        in_turns(work, BOUNDS, 3)
    assert done == [0, 10, 20]


def test_no_blocks_are_no_work() -> None:
    def work(first: int, last: int, turn: Turn) -> None:
        raise AssertionError((first, last))

    in_turns(work, block_bounds(np.zeros(1, np.int64), 8), 2)
