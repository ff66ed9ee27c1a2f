"""Cells that hold something, in Z-order, and where each of them stands: no sorting of cells, no searching."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grids.blocks import in_blocks
from grids.cell_index_kernels import count_cells, find_cells, list_cells, mark_cells, zorder_keys
from grids.errors import GridError

IntArray = NDArray[np.int64]
Keys = NDArray[np.uint64]

MISSING = -1
"""Place of a cell that is not in an index."""

_MOST = 1 << 31
_CELLS_AT_ONCE = 1 << 20


class CellIndex:
    """Distinct cells of one grid along the Z-order curve.

    They are kept as bits in squares of 8 x 8 cells, so that what lies near each other is found at once: a nation's ten
    million cells take a few megabytes.

    Attributes:
        size: how many cells.
    """

    def __init__(self, pieces: Iterable[tuple[ArrayLike, ArrayLike]]) -> None:
        """Take cells.

        Args:
            pieces: rows and columns of cells (n,), in any order, any of them more than once.

        Raises:
            GridError: a row or column beyond 2^31 cells, or not as many of both.
        """
        keys, words, n_squares = np.full(1024, MISSING, dtype=np.int64), np.zeros(1024, dtype=np.uint64), 0
        for rows, cols in pieces:
            keys, words, n_squares = mark_cells(*_checked(rows, cols), keys, words, n_squares)
        some = np.flatnonzero(keys != MISSING)
        self._order = some[np.argsort(keys[some])]
        self._keys, self._words, self._starts = keys, words, np.zeros(keys.size, dtype=np.int64)
        self.size = int(count_cells(words, self._order, self._starts))

    def cells(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Rows and columns (size,) of all cells, in Z-order."""
        rows, cols = np.empty(self.size, dtype=np.int32), np.empty(self.size, dtype=np.int32)
        list_cells(self._keys, self._words, self._order, rows, cols)
        return rows, cols

    def places(self, rows: ArrayLike, cols: ArrayLike) -> IntArray:
        """Positions (n,) of cells in `cells()`; `MISSING` where one is not there.

        Raises:
            GridError: a row or column beyond 2^31 cells, or not as many of both.
        """
        row, col = _checked(rows, cols)
        found = np.empty(row.size, dtype=np.int64)

        def work(first: int, last: int) -> None:
            here = slice(first, last)
            find_cells(row[here], col[here], self._keys, self._words, self._starts, found[here])

        for _ in in_blocks(work, np.append(np.arange(0, row.size, _CELLS_AT_ONCE), row.size)):
            pass
        return found


def keys_of(rows: ArrayLike, cols: ArrayLike) -> Keys:
    """Keys (n,) of cells along the Z-order curve.

    Raises:
        GridError: a row or column beyond 2^31 cells, or not as many of both.
    """
    row, col = _checked(rows, cols)
    keys = np.empty(row.size, dtype=np.uint64)
    zorder_keys(row, col, keys)
    return keys


def _checked(rows: ArrayLike, cols: ArrayLike) -> tuple[IntArray, IntArray]:
    """Rows and columns as compiled code takes them: arrays of their own, of one type."""
    row, col = np.array(rows, dtype=np.int64, ndmin=1), np.array(cols, dtype=np.int64, ndmin=1)
    if row.shape != col.shape:
        raise GridError(f"{row.size} rows and {col.size} columns were given; each cell needs one of both.")
    for values in (row, col):
        if values.size and not -_MOST < int(values.min()) <= int(values.max()) < _MOST:
            raise GridError(
                "A row or column beyond 2^31 cells has no place on the Z-order curve; check the coordinates' unit."
            )
    return row, col
