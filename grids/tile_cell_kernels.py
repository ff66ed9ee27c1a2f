"""Compiled: cells of a grid put on a tile's lattice, cut at its edge."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled, inner
from grids.memory_kernels import address_of, float_at, int_at, put_float, put_int

FloatArray = NDArray[np.float64]
Integers = NDArray[np.int64]

_IN_DOUBT = -1
_UNSETTLED = -(1 << 62)  # in place of a corner's x
_TINY = 8  # twice the area of a triangle, in units of the tile
MOST_CORNERS = 12  # of a square while it is cut by a square: eight, and some that rounding may add


@inner
def _x(ring: int, k: int) -> Any:
    return float_at(ring + 16 * k)


@inner
def _y(ring: int, k: int) -> Any:
    return float_at(ring + 16 * k + 8)


@inner
def _put(ring: int, k: int, x: float, y: float) -> None:
    put_float(ring + 16 * k, x)
    put_float(ring + 16 * k + 8, y)


@inner
def _put_corner(ring: int, k: int, row: int, col: int, count: int) -> None:
    """Put one corner of a cell, tile units, in its place in the ring; terms of its row and column lie at addresses."""
    x, y = 0.0, 0.0
    for j in range(count):
        term = float_at(col + 8 * j)
        x += float_at(row + 16 * j) * term
        y += float_at(row + 16 * j + 8) * term
    _put(ring, k, x, y)


@inner
def _cross(ring: int, a: int, b: int, c: int) -> Any:
    """Twice the area of a triangle of corners."""
    across = (_x(ring, b) - _x(ring, a)) * (_y(ring, c) - _y(ring, a))
    return across - (_y(ring, b) - _y(ring, a)) * (_x(ring, c) - _x(ring, a))


@inner
def _keep_side(ring: int, count: int, axis: int, limit: float, sign: float, out: int) -> int:
    """Cut a convex ring at a line (Sutherland and Hodgman); how many corners are left."""
    left = 0
    for k in range(count):
        before = k - 1 if k else count - 1
        x, y, from_x, from_y = _x(ring, k), _y(ring, k), _x(ring, before), _y(ring, before)
        if axis == 0:
            here, there = sign * (x - limit), sign * (from_x - limit)
        else:
            here, there = sign * (y - limit), sign * (from_y - limit)
        if (here > 0) != (there > 0):
            part = there / (there - here)
            if axis == 0:
                _put(out, left, limit, from_y + part * (y - from_y))
            else:
                _put(out, left, from_x + part * (x - from_x), limit)
            left += 1
        if here <= 0:
            _put(out, left, x, y)
            left += 1
    return left


@inner
def _clip(ring: int, low: float, high: float, scratch: int) -> int:
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
def _round(ring: int, count: int, doubt: float) -> int:
    """Move corners to the lattice, in place, and drop those that fall on the one before; how many are left."""
    left = 0
    for k in range(count):
        x, y = math.floor(_x(ring, k) + 0.5), math.floor(_y(ring, k) + 0.5)
        # What lies as near to the middle between two places as the error of interpolation may fall to either.
        if abs(abs(_x(ring, k) - x) - 0.5) < doubt or abs(abs(_y(ring, k) - y) - 0.5) < doubt:
            return _IN_DOUBT
        if left == 0 or x != _x(ring, left - 1) or y != _y(ring, left - 1):
            _put(ring, left, x, y)
            left += 1
    while left > 1 and _x(ring, left - 1) == _x(ring, 0) and _y(ring, left - 1) == _y(ring, 0):
        left -= 1
    return left


@inner
def _turn(ring: int, count: int) -> int:
    """1 or -1 by the sense of a convex ring, 0 if it has no area; 2 if it is not convex, and so may not be simple."""
    positive, negative = False, False
    for k in range(count):
        after = k + 1 if k + 1 < count else 0
        second = after + 1 if after + 1 < count else 0
        bend = _cross(ring, k, after, second)
        # Seen from the first corner, the others must come one after the other too: else it goes round twice.
        fan = _cross(ring, 0, k, after)
        positive |= bend > 0 or fan > 0
        negative |= bend < 0 or fan < 0
        if bend == 0 and count > 3:
            back = (_x(ring, after) - _x(ring, k)) * (_x(ring, second) - _x(ring, after))
            back += (_y(ring, after) - _y(ring, k)) * (_y(ring, second) - _y(ring, after))
            if back < 0:
                return 2
    if positive and negative:
        return 2
    return int(positive) - int(negative)


@compiled
def lay_corners(
    row_terms: FloatArray, col_terms: FloatArray, doubt: float, box: tuple[float, float], corners: Integers
) -> None:
    """Put every corner of a window on the lattice, each once although four cells share it.

    Args:
        row_terms: (rows + 1, terms, 2) see `grids.tile_cells.Lattice`.
        col_terms: (columns + 1, terms).
        doubt: tile units; how far corners may be off.
        box: least and greatest coordinate, tile units, of what is kept.
        corners: (rows + 1, columns + 1, 2) filled; _UNSETTLED in place of x beyond the box, and where rounding could
            come out either way.
    """
    low, high = box
    width, terms = col_terms.shape
    by_term = np.ascontiguousarray(col_terms.T)
    xs, ys = np.empty(width), np.empty(width)
    for row in range(row_terms.shape[0]):
        xs[:], ys[:] = 0.0, 0.0
        for j in range(terms):
            across, down = row_terms[row, j, 0], row_terms[row, j, 1]
            for col in range(width):
                xs[col] += across * by_term[j, col]
                ys[col] += down * by_term[j, col]
        for col in range(width):
            x, y = math.floor(xs[col] + 0.5), math.floor(ys[col] + 0.5)
            inside = (xs[col] >= low) & (xs[col] <= high) & (ys[col] >= low) & (ys[col] <= high)
            sure = (abs(abs(xs[col] - x) - 0.5) >= doubt) & (abs(abs(ys[col] - y) - 0.5) >= doubt)
            corners[row, col, 0] = np.int64(x) if inside & sure else _UNSETTLED
            corners[row, col, 1] = np.int64(y)


@inner
def _settled(south: int, north: int, out: int) -> bool:
    """Write a cell whose corners, at two addresses, are settled and make a square as most are: in the ring's order."""
    x0, y0, x1, y1 = int_at(south), int_at(south + 8), int_at(south + 16), int_at(south + 24)
    x3, y3, x2, y2 = int_at(north), int_at(north + 8), int_at(north + 16), int_at(north + 24)
    if min(min(x0, x1), min(x2, x3)) == _UNSETTLED:
        return False
    # Four turns of one sense: a convex ring, which four corners cannot go round twice.
    a = (x1 - x0) * (y2 - y1) - (y1 - y0) * (x2 - x1)
    b = (x2 - x1) * (y3 - y2) - (y2 - y1) * (x3 - x2)
    c = (x3 - x2) * (y0 - y3) - (y3 - y2) * (x0 - x3)
    d = (x0 - x3) * (y1 - y0) - (y0 - y3) * (x1 - x0)
    if max(max(a, b), max(c, d)) >= 0:
        return False
    put_int(out, x3)
    put_int(out + 8, y3)
    put_int(out + 16, x2)
    put_int(out + 24, y2)
    put_int(out + 32, x1)
    put_int(out + 40, y1)
    put_int(out + 48, x0)
    put_int(out + 56, y0)
    return True


@compiled
def put_cells(
    cells: Integers,
    starts: Integers,
    window: tuple[int, int, int, int],
    row_terms: FloatArray,
    col_terms: FloatArray,
    corners: Integers,
    doubt: float,
    box: tuple[float, float],
    points: Integers,
    sizes: Integers,
    drawn: Integers,
    doubtful: Integers,
    room: FloatArray,
) -> tuple[int, int, int]:
    """Quantise the cells of a window: one ring each, of positive area, at most eight corners.

    Args:
        cells: (2, chunks, 4) places (`grids.chunks.places`) of their rows and columns.
        starts: (chunks + 1,) first row of the table in each chunk, and the end.
        window: first and last row, first and last column of cells looked at.
        row_terms: (rows of the window + 1, terms, 2) see `grids.tile_cells.Lattice`.
        col_terms: (columns of the window + 1, terms).
        corners: what `lay_corners` makes of them; none where that would be more work.
        doubt: tile units; how far corners may be off.
        box: least and greatest coordinate, tile units, of what is kept.
        points: (8 n, 2) filled.
        sizes: (n,) filled with the corners of each ring.
        drawn: (n,) filled with the row of the table of each ring.
        doubtful: (n,) filled with rows that need the exact way.
        room: (2, MOST_CORNERS, 2) to work in.

    Returns:
        Rings, points and doubtful rows written.
    """
    first_row, last_row, first_col, last_col = window
    low, high = box
    rings, at, doubts, terms = 0, 0, 0, col_terms.shape[1]
    rows_at, cols_at, ring = address_of(row_terms), address_of(col_terms), address_of(room)
    scratch = ring + 16 * MOST_CORNERS
    laid, corners_at, points_at, width = corners.size > 0, address_of(corners), address_of(points), corners.shape[1]
    for c in range(starts.size - 1):
        rows, cols = cells[0, c, 0] + 8 * cells[0, c, 3], cells[1, c, 0] + 8 * cells[1, c, 3]
        for i in range(starts[c + 1] - starts[c]):
            row, col = int_at(rows + 8 * i), int_at(cols + 8 * i)
            if row < first_row or row > last_row or col < first_col or col > last_col:
                continue
            south = corners_at + 16 * ((row - first_row) * width + col - first_col)
            if laid and _settled(south, south + 16 * width, points_at + 16 * at):
                sizes[rings], drawn[rings] = 4, starts[c] + i
                rings, at = rings + 1, at + 4
                continue
            south_at, west_at = rows_at + 16 * terms * (row - first_row), cols_at + 8 * terms * (col - first_col)
            north_at, east_at = south_at + 16 * terms, west_at + 8 * terms
            _put_corner(ring, 0, south_at, west_at, terms)
            _put_corner(ring, 1, south_at, east_at, terms)
            _put_corner(ring, 2, north_at, east_at, terms)
            _put_corner(ring, 3, north_at, west_at, terms)
            west = min(min(_x(ring, 0), _x(ring, 1)), min(_x(ring, 2), _x(ring, 3)))
            east = max(max(_x(ring, 0), _x(ring, 1)), max(_x(ring, 2), _x(ring, 3)))
            top = min(min(_y(ring, 0), _y(ring, 1)), min(_y(ring, 2), _y(ring, 3)))
            bottom = max(max(_y(ring, 0), _y(ring, 1)), max(_y(ring, 2), _y(ring, 3)))
            if east < low or west > high or bottom < low or top > high:
                continue
            count = 4
            if west < low or east > high or top < low or bottom > high:
                count = _clip(ring, low, high, scratch)
            if count > 0:
                count = _round(ring, count, doubt)
            turn = _turn(ring, count) if count > 2 else 0
            # Of a cell that shrinks to a tiny triangle little or nothing is left: GEOS says which, as of other shapes.
            tiny = count == 3 and abs(_cross(ring, 0, 1, 2)) < _TINY
            if count == _IN_DOUBT or tiny or turn == 2:
                doubtful[doubts] = starts[c] + i
                doubts += 1
                continue
            if turn == 0:
                continue
            for k in range(count):
                corner = k if turn > 0 else count - 1 - k
                points[at, 0], points[at, 1] = np.int64(_x(ring, corner)), np.int64(_y(ring, corner))
                at += 1
            sizes[rings], drawn[rings] = count, starts[c] + i
            rings += 1
    return rings, at, doubts
