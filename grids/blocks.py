"""Long work in blocks, on as many threads as there are processors; the same blocks in the same order, always."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Result = TypeVar("Result")


def block_bounds(ends: IntArray, weight: int) -> IntArray:
    """Where blocks begin and end: (blocks + 1,) positions of features, each block of about this weight.

    Args:
        ends: (n + 1,) running sums of the features' weights (vertices, bytes), from 0.
        weight: of a block; depends on nothing else, so that blocks are the same on every machine.
    """
    n = ends.size - 1
    if n <= 0:
        return np.zeros(1, dtype=np.int64)
    lane = ends[1:] // weight
    inner = np.flatnonzero(lane[1:] != lane[:-1]) + 1
    return np.concatenate(([0], inner, [n])).astype(np.int64)


def threads_here() -> int:
    """How many threads this process may run at once; CARBONMAP_THREADS says otherwise."""
    given = os.environ.get("CARBONMAP_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_blocks(work: Callable[[int, int], Result], bounds: IntArray, threads: int | None = None) -> Iterator[Result]:
    """Run `work(first, last)` for every block and yield what it returns in the order of the blocks.

    Few blocks are under way at a time, so that results do not pile up; `work` must let go of the interpreter's lock.

    Args:
        work: does one block.
        bounds: see `block_bounds`.
        threads: how many; `threads_here()` if not given. Changes the time taken and nothing else.
    """
    spans = list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))
    workers = min(threads or threads_here(), len(spans))
    if workers <= 1:
        for first, last in spans:
            yield work(first, last)
        return
    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[Result]] = deque()
        for first, last in spans:
            under_way.append(pool.submit(work, first, last))
            if len(under_way) > 2 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
