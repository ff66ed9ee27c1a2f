"""Room to work in for compiled code that is given addresses: one workspace for one thread at a time."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.cell_kernels import (
    COPIES,
    FOUND,
    LEVELS,
    NEED,
    NODES,
    RINGS,
    ROOM_FOR_COPIES,
    ROOM_FOR_FOUND,
    ROOM_FOR_NODES,
    ROOM_FOR_PIECES,
    ROOM_FOR_RINGS,
    WINDOW,
)
from grids.crossing_kernels import LEVELS_ROOM, RING
from grids.window_kernels import CELLS_AT_ONCE, NO_COLUMN

FloatArray = NDArray[np.float64]
Found = tuple[NDArray[np.int32], FloatArray]
Work = Callable[[int, int, int], tuple[int, int]]

_ROOMS = (ROOM_FOR_PIECES, ROOM_FOR_RINGS, ROOM_FOR_NODES, ROOM_FOR_COPIES, ROOM_FOR_FOUND)
_TABLE = 32  # entries
_FEATURES = 1 << 14  # of a block, more than most have; and parts, which are hardly more


def addresses_of(*arrays: NDArray[np.generic]) -> Any:
    """Where arrays lie in memory, one integer each; whoever asks keeps them alive."""
    return [int(array.ctypes.data) for array in arrays]


class Workspace:
    """Arrays that compiled code writes to, and the table of their addresses; they grow to what was needed.

    Attributes:
        address: of the table, which is what compiled code is given.
    """

    def __init__(self) -> None:
        """Make room for what most features need."""
        self._table = np.zeros(_TABLE, np.int64)
        [self.address] = addresses_of(self._table)
        self._first = np.full(CELLS_AT_ONCE, NO_COLUMN, np.int64)
        self._last = np.full(CELLS_AT_ONCE, -1, np.int64)
        self._levels = np.empty(LEVELS_ROOM, np.int64)
        self._cells, self._amounts = np.empty((0, 3), np.int32), np.empty(0)
        self._notes = np.empty(_FEATURES, np.int64), np.empty(_FEATURES)
        self._note(WINDOW + 24, self._first)
        self._note(WINDOW + 32, self._last)
        self._note(LEVELS, self._levels)
        for room, size in zip(_ROOMS, (CELLS_AT_ONCE, 64, 1024, 1024, _FEATURES), strict=True):
            self._make(room, size)

    def find(self, work: Work, first: int, last: int) -> Found:
        """Let compiled code do features `first` to `last`; return the parts it finds, where they lie until the next.

        Args:
            work: is given the next feature, how many parts are found by then, and the address of the table; returns the
                feature that needs more room than there is (or `last`), and how many parts are found.
            first: the first feature.
            last: the one after the last.

        Returns:
            (n, 3) feature, row and column, and (n,) amount.
        """
        n = 0
        while first < last:
            first, n = work(first, n, self.address)
            if first < last:
                self._grow()
        return self._cells[:n], self._amounts[:n]

    def notes(self, n: int) -> tuple[NDArray[np.int64], FloatArray]:
        """Room for two numbers for each of n features, until it is asked for again; it is not empty."""
        if n > self._notes[0].size:
            self._notes = np.empty(n, np.int64), np.empty(n)
        return self._notes[0][:n], self._notes[1][:n]

    def found_by(self, work: Work, first: int, last: int) -> Found:
        """Return what `find` finds, to be kept."""
        cells, amounts = self.find(work, first, last)
        return cells.copy(), amounts.copy()

    def _grow(self) -> None:
        """Make twice the room that was found to be needed; what has been found is kept."""
        for room in _ROOMS:
            needed = int(self._table[(room + NEED) // 8])
            if needed > int(self._table[room // 8]):
                self._make(room, 2 * needed)

    def _make(self, room: int, size: int) -> None:
        if room == ROOM_FOR_PIECES:  # amounts and rises must be zero
            self._pieces = np.zeros(size), np.zeros(size, np.int64), np.empty(size, np.int64)
            self._orders = np.empty(2 * size, np.int64)
            for k, array in enumerate(self._pieces):
                self._note(WINDOW + 8 * k, array)
            self._note(WINDOW + 40, self._orders)
        elif room == ROOM_FOR_RINGS:
            self._rings = np.empty(size * RING // 8, np.int64)
            self._note(RINGS, self._rings)
        elif room == ROOM_FOR_NODES:
            self._nodes = np.empty((size, 4))
            self._note(NODES, self._nodes)
        elif room == ROOM_FOR_COPIES:
            self._copies = np.empty((size, 2))
            self._note(COPIES, self._copies)
        else:
            cells, amounts = np.empty((size, 3), np.int32), np.empty(size)
            cells[: self._amounts.size], amounts[: self._amounts.size] = self._cells, self._amounts
            self._cells, self._amounts = cells, amounts
            self._note(FOUND, cells)
            self._note(FOUND + 8, amounts)
        self._table[room // 8] = size

    def touch(self) -> None:
        """Write to all of its memory, while nobody works in it: the system makes pages when they are first written."""
        for array in self._arrays:
            array.fill(0)

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return sum(array.nbytes for array in self._arrays)

    @property
    def _arrays(self) -> tuple[NDArray[Any], ...]:
        """All that grow."""
        return (
            *(*self._pieces, self._orders, self._rings, self._nodes, self._copies),
            *(self._cells, self._amounts, *self._notes),
        )

    def _note(self, entry: int, array: NDArray[np.generic]) -> None:
        [self._table[entry // 8]] = addresses_of(array)


_idle: list[Workspace] = []
_KEPT = 64 << 20  # bytes; what has grown beyond is not kept for later work


@contextmanager
def workspace() -> Iterator[Workspace]:
    """A workspace of one's own, one that others have left if there is one."""
    try:
        mine = _idle.pop()
    except IndexError:
        mine = Workspace()
    yield mine  # whoever fails leaves it dirty
    if mine.size < _KEPT:
        _idle.append(mine)


def make_ready(threads: int) -> None:
    """Let so many workspaces be there, their memory too, before they are needed; for servers at their start."""
    with ExitStack() as stack:
        for mine in [stack.enter_context(workspace()) for _ in range(threads)]:
            mine.touch()
