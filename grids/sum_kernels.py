"""Compiled: values of features added into cells by their shares."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@compiled
def add_shares(
    owner: IntArray,
    row: IntArray,
    col: IntArray,
    amount: FloatArray,
    measures: FloatArray,
    values: FloatArray,
    frame: Any,
    sums: FloatArray,
    outside: FloatArray,
) -> None:
    """Add each feature's values, by the share of each part in the whole, to cells of a frame, or else to `outside`."""
    first_row, first_col, height, width = frame
    for k in range(owner.size):
        f = owner[k]
        share = amount[k] / measures[f]
        j, i = row[k] - first_row, col[k] - first_col
        if 0 <= j < height and 0 <= i < width:
            for c in range(values.shape[1]):
                sums[j * width + i, c] += share * values[f, c]
        else:
            for c in range(values.shape[1]):
                outside[c] += share * values[f, c]
