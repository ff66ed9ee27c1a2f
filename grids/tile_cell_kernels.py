"""Compiled: cells of a grid put on a tile's lattice, cut at its edge."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled, inner
from grids.memory_kernels import int_at

FloatArray = NDArray[np.float64]
Integers = NDArray[np.int64]

_IN_DOUBT = -1
_MOST_CORNERS = 8  # of a square cut by a square


@inner
def _corner(row_terms: FloatArray, col_terms: FloatArray, row: int, col: int, ring: FloatArray, k: int) -> None:
    """Put one corner of a cell, tile units, in its place in the ring."""
    x, y = 0.0, 0.0
    for j in range(col_terms.shape[1]):
        x += row_terms[row, j, 0] * col_terms[col, j]
        y += row_terms[row, j, 1] * col_terms[col, j]
    ring[k, 0], ring[k, 1] = x, y


@inner
def _cross(ring: FloatArray, a: int, b: int, c: int) -> Any:
    """Twice the area of a triangle of corners."""
    across = (ring[b, 0] - ring[a, 0]) * (ring[c, 1] - ring[a, 1])
    return across - (ring[b, 1] - ring[a, 1]) * (ring[c, 0] - ring[a, 0])


@inner
def _keep_side(ring: FloatArray, count: int, axis: int, limit: float, sign: float, out: FloatArray) -> int:
    """Cut a convex ring at a line (Sutherland and Hodgman); how many corners are left."""
    left = 0
    for k in range(count):
        before = k - 1 if k else count - 1
        here, there = sign * (ring[k, axis] - limit), sign * (ring[before, axis] - limit)
        if (here > 0) != (there > 0):
            part = there / (there - here)
            other = 1 - axis
            out[left, axis] = limit
            out[left, other] = ring[before, other] + part * (ring[k, other] - ring[before, other])
            left += 1
        if here <= 0:
            out[left, 0], out[left, 1] = ring[k, 0], ring[k, 1]
            left += 1
    return left


@inner
def _clip(ring: FloatArray, low: float, high: float, scratch: FloatArray) -> int:
    """Cut a square to the tile with its buffer, in place; how many corners are left; or in doubt, if not convex."""
    turn = _cross(ring, 0, 1, 2)
    for k in range(1, 4):
        if not turn * _cross(ring, k, (k + 1) % 4, (k + 2) % 4) > 0:
            return _IN_DOUBT
    count = _keep_side(ring, 4, 0, low, -1.0, scratch)
    count = _keep_side(scratch, count, 0, high, 1.0, ring)
    count = _keep_side(ring, count, 1, low, -1.0, scratch)
    return _keep_side(scratch, count, 1, high, 1.0, ring)


@inner
def _round(ring: FloatArray, count: int, doubt: float) -> int:
    """Move corners to the lattice, in place, and drop those that fall on the one before; how many are left."""
    left = 0
    for k in range(count):
        x, y = math.floor(ring[k, 0] + 0.5), math.floor(ring[k, 1] + 0.5)
        # What lies as near to the middle between two places as the error of interpolation may fall to either.
        if abs(abs(ring[k, 0] - x) - 0.5) < doubt or abs(abs(ring[k, 1] - y) - 0.5) < doubt:
            return _IN_DOUBT
        if left == 0 or x != ring[left - 1, 0] or y != ring[left - 1, 1]:
            ring[left, 0], ring[left, 1] = x, y
            left += 1
    while left > 1 and ring[left - 1, 0] == ring[0, 0] and ring[left - 1, 1] == ring[0, 1]:
        left -= 1
    return left


@inner
def _turn(ring: FloatArray, count: int) -> int:
    """1 or -1 by the sense of a convex ring, 0 if it has no area; 2 if it is not convex, and so may not be simple."""
    positive, negative = False, False
    for k in range(count):
        after, second = (k + 1) % count, (k + 2) % count
        bend = _cross(ring, k, after, second)
        # Seen from the first corner, the others must come one after the other too: else it goes round twice.
        fan = _cross(ring, 0, k, after)
        positive |= bend > 0 or fan > 0
        negative |= bend < 0 or fan < 0
        if bend == 0:
            back = (ring[after, 0] - ring[k, 0]) * (ring[second, 0] - ring[after, 0])
            back += (ring[after, 1] - ring[k, 1]) * (ring[second, 1] - ring[after, 1])
            if back < 0 and count > 3:
                return 2
    if positive and negative:
        return 2
    return int(positive) - int(negative)


@compiled
def put_cells(
    cells: Integers,
    starts: Integers,
    window: tuple[int, int, int, int],
    row_terms: FloatArray,
    col_terms: FloatArray,
    doubt: float,
    box: tuple[float, float],
    points: Integers,
    sizes: Integers,
    drawn: Integers,
    doubtful: Integers,
) -> tuple[int, int, int]:
    """Quantise the cells of a window: one ring each, of positive area, at most eight corners.

    Args:
        cells: (2, chunks, 4) places (`grids.chunks.places`) of their rows and columns.
        starts: (chunks + 1,) first row of the table in each chunk, and the end.
        window: first and last row, first and last column of cells looked at.
        row_terms: (rows of the window + 1, terms, 2) see `grids.tile_cells.Lattice`.
        col_terms: (columns of the window + 1, terms).
        doubt: tile units; how far corners may be off.
        box: least and greatest coordinate, tile units, of what is kept.
        points: (8 n, 2) filled.
        sizes: (n,) filled with the corners of each ring.
        drawn: (n,) filled with the row of the table of each ring.
        doubtful: (n,) filled with rows that need the exact way.

    Returns:
        Rings, points and doubtful rows written.
    """
    first_row, last_row, first_col, last_col = window
    low, high = box
    rings, at, doubts = 0, 0, 0
    ring, scratch = np.empty((2 * _MOST_CORNERS, 2)), np.empty((2 * _MOST_CORNERS, 2))
    for c in range(starts.size - 1):
        rows, cols = cells[0, c, 0] + 8 * cells[0, c, 3], cells[1, c, 0] + 8 * cells[1, c, 3]
        for i in range(starts[c + 1] - starts[c]):
            row, col = int_at(rows + 8 * i), int_at(cols + 8 * i)
            if row < first_row or row > last_row or col < first_col or col > last_col:
                continue
            row, col = row - first_row, col - first_col
            _corner(row_terms, col_terms, row, col, ring, 0)
            _corner(row_terms, col_terms, row, col + 1, ring, 1)
            _corner(row_terms, col_terms, row + 1, col + 1, ring, 2)
            _corner(row_terms, col_terms, row + 1, col, ring, 3)
            west = min(min(ring[0, 0], ring[1, 0]), min(ring[2, 0], ring[3, 0]))
            east = max(max(ring[0, 0], ring[1, 0]), max(ring[2, 0], ring[3, 0]))
            north = min(min(ring[0, 1], ring[1, 1]), min(ring[2, 1], ring[3, 1]))
            south = max(max(ring[0, 1], ring[1, 1]), max(ring[2, 1], ring[3, 1]))
            if east < low or west > high or south < low or north > high:
                continue
            count = 4
            if west < low or east > high or north < low or south > high:
                count = _clip(ring, low, high, scratch)
            if count > 0:
                count = _round(ring, count, doubt)
            turn = _turn(ring, count) if count > 2 else 0
            # Of a cell that shrinks to a triangle little or nothing is left: GEOS says which, as of other small shapes.
            if count == _IN_DOUBT or count == 3 or turn == 2:
                doubtful[doubts] = starts[c] + i
                doubts += 1
                continue
            if turn == 0:
                continue
            for k in range(count):
                corner = k if turn > 0 else count - 1 - k
                points[at, 0], points[at, 1] = np.int64(ring[corner, 0]), np.int64(ring[corner, 1])
                at += 1
            sizes[rings], drawn[rings] = count, starts[c] + i
            rings += 1
    return rings, at, doubts
