"""Long work in blocks, on as many threads as there are processors; the same blocks in the same order, always."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from threading import Condition
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Result = TypeVar("Result")
Turn = AbstractContextManager[None]


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


def in_turns(work: Callable[[int, int, Turn], None], bounds: IntArray, threads: int | None = None) -> None:
    """Run `work(first, last, turn)` for every block; what it does within `turn` is done in the order of the blocks.

    A thread that adds up what it has found does so while it still has it at hand; nothing is handed to another.

    Args:
        work: does one block, and ends with `with turn:`, which waits for the blocks before; it must let go of the
            interpreter's lock.
        bounds: see `block_bounds`.
        threads: how many, this one among them; `threads_here()` if not given. Changes the time taken and nothing else.

    Raises:
        Exception: what the first block that failed raised; blocks after it have not had their turn.
    """
    spans = list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))
    turns, numbers = _Turns(), count()

    def go() -> None:
        while (k := next(numbers)) < len(spans):
            try:
                work(*spans[k], turns.of(k))
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised again where all began
                turns.stop(k, error)
                return

    helpers = min(threads or threads_here(), len(spans)) - 1
    if helpers > 0:
        with ThreadPoolExecutor(helpers) as pool:
            for _ in range(helpers):
                pool.submit(go)
            go()
    else:
        go()
    if turns.failure is not None:
        raise turns.failure


class _Turns:
    """Whose turn it is, and the first block that failed."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._next = 0
        self._stopped_at: int | None = None
        self.failure: BaseException | None = None

    @contextmanager
    def of(self, k: int) -> Iterator[None]:
        """Wait until all blocks before `k` have had their turn."""
        with self._changed:
            self._changed.wait_for(lambda: self._next == k or self._is_stopped_before(k))
            if self._is_stopped_before(k):
                raise _NotReachedError
        yield
        with self._changed:
            self._next = k + 1
            self._changed.notify_all()

    def stop(self, k: int, error: BaseException) -> None:
        """Let no block after `k` have its turn; those before are under way and may still fail."""
        with self._changed:
            if not self._is_stopped_before(k):
                self._stopped_at, self.failure = k, error
            self._changed.notify_all()

    def _is_stopped_before(self, k: int) -> bool:
        return self._stopped_at is not None and self._stopped_at < k


class _NotReachedError(Exception):
    """A block before this one failed."""
