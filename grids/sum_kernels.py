"""Compiled: values of features added into cells by their shares."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled

FloatArray = NDArray[np.float64]


@compiled
def add_shares(
    cells: NDArray[np.int32], shares: FloatArray, values: FloatArray, frame: Any, sums: FloatArray, outside: FloatArray
) -> None:
    """Add each feature's values, by its shares, to cells of a frame, or else to `outside`.

    Args:
        cells: (n, 3) feature, row and column.
        shares: (n,) part of the whole feature.
        values: (features, k).
        frame: first row, first column, rows and columns.
        sums: (rows * columns, k), added to.
        outside: (k,), added to.
    """
    first_row, first_col, height, width = frame
    columns = np.uint64(values.shape[1])
    only, only_sums = values[:, 0], sums[:, 0]
    for p in range(shares.size):
        f, j, i = np.uint64(cells[p, 0]), cells[p, 1] - first_row, cells[p, 2] - first_col
        if (j >= 0) & (j < height) & (i >= 0) & (i < width):
            k = np.uint64(j * width + i)  # which numba does not take for a place counted from the end
            if columns == 1:  # of which there is no need to count columns, which takes as long as adding
                only_sums[k] += shares[p] * only[f]
                continue
            for c in range(columns):
                sums[k, c] += shares[p] * values[f, c]
        else:
            for c in range(columns):
                outside[c] += shares[p] * values[f, c]
