"""Who is whose neighbour: cells that touch, or whose centres lie within a distance band."""

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.spatial import KDTree

from scenarios.options import FloatArray, IntArray
from scenarios.where_errors import InvalidCells


def touching_cells(row: IntArray, col: IntArray) -> csr_array:
    """Cells of one grid that share a side or a corner (queen).

    Args:
        row: (n,) northward count of each cell.
        col: (n,) eastward count.

    Returns:
        (n, n) symmetric, 1 for neighbours, nothing on the diagonal.

    Raises:
        InvalidCells: a cell that occurs twice, or arrays of two lengths.
    """
    row, col = np.asarray(row, np.int64), np.asarray(col, np.int64)
    if row.shape != col.shape or row.ndim != 1:
        raise InvalidCells(f"Rows have the shape {row.shape}, columns {col.shape}; two of one length were expected.")
    width = int(np.ptp(col)) + 3 if col.size else 3
    key = (row - row.min(initial=0)) * width + (col - col.min(initial=0))
    order = np.argsort(key, kind="stable")
    keys = key[order]
    if (np.diff(keys) == 0).any():
        twice = order[int(np.flatnonzero(np.diff(keys) == 0)[0])]
        raise InvalidCells(f"The cell of row {row[twice]}, column {col[twice]} occurs twice; each once was expected.")
    first, second = [], []
    # Half of the eight directions; the matrix is made symmetric afterwards.
    for step in (1, width - 1, width, width + 1):
        place = np.minimum(np.searchsorted(keys, key + step), max(keys.size - 1, 0))
        found = np.flatnonzero(keys[place] == key + step) if keys.size else np.zeros(0, np.int64)
        first.append(found)
        second.append(order[place[found]])
    return _symmetric(np.concatenate(first), np.concatenate(second), row.size)


def cells_within(x_m: FloatArray, y_m: FloatArray, band_m: float) -> csr_array:
    """Cells whose centres are at most a band apart.

    Args:
        x_m: (n,) easting of each centre, metres.
        y_m: (n,) northing.
        band_m: distance band, above 0.

    Returns:
        (n, n) symmetric, 1 for neighbours, nothing on the diagonal.

    Raises:
        InvalidCells: coordinates that are not finite, or a band that is none.
    """
    centres = np.column_stack([x_m, y_m]).astype(np.float64)
    if not np.isfinite(centres).all() or not (np.isfinite(band_m) and band_m > 0):
        raise InvalidCells(f"Finite centres and a band above 0 m were expected; the band is {band_m:g} m.")
    # Grids put many centres at exactly the band: rounding must not decide about them.
    pairs = KDTree(centres).query_pairs(band_m * (1 + 1e-9), output_type="ndarray")
    return _symmetric(pairs[:, 0], pairs[:, 1], centres.shape[0])


def _symmetric(first: IntArray, second: IntArray, n: int) -> csr_array:
    where = (np.concatenate([first, second]), np.concatenate([second, first]))
    return csr_array(coo_array((np.ones(where[0].size), where), shape=(n, n)))
