"""Compiled: which area or length of one feature lies in each cell of a regular grid.

Areas come from the edges alone, as a glyph is filled: an edge that rises by `dy` inside a cell adds the area between
itself and the cell's right border, and `dy x size` to every cell further right in that row. Each edge is walked once
through the cells it crosses; a running sum along each row then is the exact area of the feature in each cell, at a cost
of vertices + crossings + cells covered. Which cell an edge passes is counted from the borders it crosses, never asked
of a rounded coordinate; heights are summed as integers, so that what a ring adds to a row is taken away again to the
last bit, and no cell beyond it is touched.

A feature comes as rings (or lines) over flat coordinates: ring `r` has the vertices `starts[r]` to `starts[r + 1]`, and
`shells[r]` says whether it is a shell or a hole. Sums are held in a window of fixed size; what does not fit in it is
shared out window by window, in the order of rows and columns.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled
from grids.ring_kernels import rings_are_doubtful

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Window = tuple[FloatArray, IntArray, IntArray, IntArray]
Found = tuple[IntArray, IntArray, IntArray, FloatArray]

MAX_COORDINATE_M = 1e8  # beyond it nothing is metres of this planet, and heights would no longer fit 64 bits
UNITS_PER_M = 2.0**36  # heights as integers of 15 pm: finer than float64 resolves any coordinate above 65 km

NOWHERE, POINTS, LINES, AREAS = -1, 0, 1, 2  # what a feature is measured by, as in grids.measures
DOUBTFUL, NOT_METRES = 3, 4  # a polygon to be looked at by itself; a coordinate that is no finite metre

_CELLS_AT_ONCE = 1 << 16  # of a window; 2 MB per thread, near the processor
_RESIDUE = 1e-13  # of a cell, or of the feature where it is smaller: less than that is the rounding of a touch
_DOUBT = 1e-9  # a cell that holds less than nothing, or more than all, by this part of itself: rings cross or overlap
_THINNEST_M = 1e-9  # mean width below which a polygon may be no polygon at all


@compiled
def new_window() -> Window:
    """Return empty sums: area (or length) and rise per cell of the window, first and last column touched per row."""
    area, rise = np.zeros(_CELLS_AT_ONCE), np.zeros(_CELLS_AT_ONCE, np.int64)
    first, last = np.full(_CELLS_AT_ONCE, _CELLS_AT_ONCE, np.int64), np.full(_CELLS_AT_ONCE, -1, np.int64)
    return area, rise, first, last


@compiled
def new_found(room: int) -> Found:
    """Return empty lists of owner, row, column and amount."""
    none = np.empty(room, np.int64)
    return none, np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)


@compiled
def _with_room(found: Found, n: int, more: int) -> Found:
    owner, row, col, amount = found
    if n + more <= owner.size:
        return found
    larger = new_found(2 * (n + more))
    for k in range(n):
        larger[0][k], larger[1][k], larger[2][k], larger[3][k] = owner[k], row[k], col[k], amount[k]
    return larger


@compiled
def _put(found: Found, n: int, owner: int, row: int, col: int, amount: float) -> Any:
    found = _with_room(found, n, 1)
    found[0][n], found[1][n], found[2][n], found[3][n] = owner, row, col, amount
    return n + 1, found


@compiled
def cell_of(value: float, origin: int, size: int) -> Any:
    """Return the half-open cell along one axis: floor, corrected where the division rounded across a border."""
    index = np.int64(math.floor((value - origin) / size))
    if value < origin + index * size:
        index -= 1
    elif value >= origin + (index + 1) * size:
        index += 1
    return index


@compiled
def _units(metres: float) -> Any:
    return np.int64(np.rint(metres * UNITS_PER_M))


@compiled
def _add(window: Window, place: Any, areal: bool, row: int, col: int, amount: float, rise: int) -> None:
    """Add a piece of an edge to its cell; left of the window it opens area in all of it, right of it none."""
    first_row, first_col, height, width, _, _, size = place
    j, i = row - first_row, col - first_col
    if j < 0 or j >= height or i >= width:
        return
    if i < 0:
        if not areal:
            return
        i = 0
        amount = size * (rise / UNITS_PER_M)
    area, rises, first, last = window
    k = j * width + i
    area[k] += amount
    rises[k] += rise
    if i < first[j]:
        first[j] = i
    if i > last[j]:
        last[j] = i


@compiled
def _walk(
    window: Window,
    place: Any,
    areal: bool,
    turn: int,
    ax: float,
    ay: float,
    acol: int,
    arow: int,
    bx: float,
    by: float,
    bcol: int,
    brow: int,
) -> None:
    """Walk one edge through the cells it crosses, from its left (then lower) end, so that both directions cut alike."""
    first_row, first_col, height, width, east, north, size = place
    if max(arow, brow) < first_row or min(arow, brow) >= first_row + height or min(acol, bcol) >= first_col + width:
        return
    if bx < ax or (bx == ax and by < ay):
        ax, ay, acol, arow, bx, by, bcol, brow = bx, by, bcol, brow, ax, ay, acol, arow
        turn = -turn
    dx, dy = bx - ax, by - ay
    length = 0.0 if areal else math.hypot(dx, dy)
    if acol == bcol and arow == brow:
        if areal:
            rise = turn * (_units(by) - _units(ay))
            from_west = (ax - (east + acol * size)) + dx / 2
            _add(window, place, areal, arow, acol, (rise / UNITS_PER_M) * (size - from_west), rise)
        else:
            _add(window, place, areal, arow, acol, length, 0)
        return
    up = by >= ay
    # An end on a line may add a piece of no length beyond it, which weighs nothing.
    left_x, left_y = bcol - acol, abs(brow - arow)
    col, row = acol, arow
    x, t, height_here = ax - (east + acol * size), 0.0, _units(ay)
    entry = first_row if up else first_row + height - 1
    if (arow < entry) == up and arow != entry:  # go straight to where the edge enters the window's rows
        line = north + (entry if up else entry + 1) * size
        row, left_y = entry, abs(brow - entry)
        t, height_here = (line - ay) / dy, _units(float(line))
        col = min(max(cell_of(ax + t * dx, east, size), acol), bcol)
        while col < bcol and (east + (col + 1) * size - ax) / dx <= t:
            col += 1
        while col > acol and (east + col * size - ax) / dx > t:
            col -= 1
        left_x = bcol - col
        x = min(max((ax - (east + col * size)) + t * dx, 0.0), float(size))
    beyond = first_row + height if up else first_row - 1
    more = True
    while more:
        west, south = east + col * size, north + row * size
        t_x = (west + size - ax) / dx if left_x else np.inf
        line = south + size if up else south
        t_y = (line - ay) / dy if left_y else np.inf
        more = left_x + left_y > 0
        next_col, next_row = col, row
        # The free coordinate of a crossing may round out of its cell by an ulp; the lines counted are what holds.
        if not more:
            t_end, x_end, height_end = 1.0, bx - west, _units(by)
        elif t_x <= t_y:
            t_end, x_end = t_x, float(size)
            height_end = _units(float(south)) + _units(min(max((ay - south) + t_x * dy, 0.0), float(size)))
            left_x -= 1
            next_col = col + 1
        else:
            t_end, x_end, height_end = t_y, (ax - west) + t_y * dx, _units(float(line))
            left_y -= 1
            next_row = row + 1 if up else row - 1
        x_end = min(max(x_end, 0.0), float(size))
        if areal:
            rise = turn * (height_end - height_here)
            _add(window, place, areal, row, col, (rise / UNITS_PER_M) * (size - (x + x_end) / 2), rise)
        else:
            _add(window, place, areal, row, col, (t_end - t) * length, 0)
        x = 0.0 if next_col > col else x_end
        t, height_here, col, row = t_end, height_end, next_col, next_row
        more = more and row != beyond


@compiled
def _empty(window: Window, place: Any, owner: int, least: float, most: float, found: Found, n: int) -> Any:
    """Sum along the rows of the window, note what each cell holds and leave the window empty; and is all plausible."""
    first_row, first_col, height, width, _, _, size = place
    area, rises, first, last = window
    plausible = True
    for j in range(height):
        end = last[j]
        if end < 0:
            continue
        found = _with_room(found, n, width - first[j])
        open_height, i = np.int64(0), first[j]
        while i <= end or (open_height != 0 and i < width):
            k = j * width + i
            amount = area[k] + size * (open_height / UNITS_PER_M)
            open_height += rises[k]
            area[k], rises[k] = 0.0, 0
            if abs(amount) > least:
                plausible = plausible and 0 < amount < most
                found[0][n], found[1][n], found[2][n], found[3][n] = owner, first_row + j, first_col + i, amount
                n += 1
            i += 1
        first[j], last[j] = _CELLS_AT_ONCE, -1
    return n, found, plausible


@compiled
def _windows(
    xs: FloatArray,
    ys: FloatArray,
    starts: IntArray,
    first: int,
    last: int,
    areal: bool,
    turns: IntArray,
    extent: Any,
    place: Any,
    window: Window,
    owner: int,
    least: float,
    most: float,
    found: Found,
    n: int,
) -> Any:
    """Walk the edges of a feature and sum up, in as many windows as its rows and columns (`extent`) need."""
    row, last_row, col, last_col = extent
    east, north, size = place
    width = min(last_col - col + 1, _CELLS_AT_ONCE)
    height = min(last_row - row + 1, _CELLS_AT_ONCE // width)
    plausible = True
    for low_row in range(row, last_row + 1, height):
        rows = min(height, last_row - low_row + 1)
        for low_col in range(col, last_col + 1, width):
            here = (low_row, low_col, rows, min(width, last_col - low_col + 1), east, north, size)
            for r in range(first, last):
                if starts[r + 1] - starts[r] < 2:
                    continue
                ax, ay = xs[starts[r]], ys[starts[r]]
                acol, arow = cell_of(ax, east, size), cell_of(ay, north, size)
                for v in range(starts[r] + 1, starts[r + 1]):
                    bx, by = xs[v], ys[v]
                    bcol, brow = cell_of(bx, east, size), cell_of(by, north, size)
                    if bx != ax or by != ay:
                        _walk(window, here, areal, turns[r - first], ax, ay, acol, arow, bx, by, bcol, brow)
                    ax, ay, acol, arow = bx, by, bcol, brow
            n, found, fits = _empty(window, here, owner, least, most, found, n)
            plausible = plausible and fits
    return n, found, plausible


@compiled
def polygon_in_cells(
    xs: FloatArray,
    ys: FloatArray,
    starts: IntArray,
    shells: IntArray,
    first: int,
    last: int,
    place: Any,
    check: bool,
    scratch: Any,
    owner: int,
    found: Found,
    n: int,
) -> Any:
    """Share out one polygon or multipolygon, rings `first` to `last`.

    `place` is (east, north, size) of the grid in whole metres. Returns the kind, the area in m2, how many parts are
    found by now, and the parts. With `check`, rings that cross themselves or each other make the feature DOUBTFUL and
    leave no parts; without, such rings are taken as they are.
    """
    east, north, size = place
    window, boxes, turns = scratch
    whole, least_x, least_y, most_x, most_y = 0.0, np.inf, np.inf, -np.inf, -np.inf
    for r in range(first, last):
        start, stop = starts[r], starts[r + 1]
        if stop == start:
            boxes[r - first] = np.nan  # overlaps nothing
            continue
        base_x, base_y = xs[start], ys[start]
        doubled, px, py = 0.0, 0.0, 0.0
        x_low, y_low, x_high, y_high = base_x, base_y, base_x, base_y
        for v in range(start, stop):
            x, y = xs[v], ys[v]
            if not (abs(x) <= MAX_COORDINATE_M and abs(y) <= MAX_COORDINATE_M):
                return NOT_METRES, 0.0, n, found
            x_low, y_low, x_high, y_high = min(x_low, x), min(y_low, y), max(x_high, x), max(y_high, y)
            qx, qy = x - base_x, y - base_y
            doubled += px * qy - qx * py
            px, py = qx, qy
        if check and (px != 0.0 or py != 0.0 or stop - start < 4):
            return DOUBTFUL, 0.0, n, found  # not closed, or no ring at all
        # A shell opens area where it goes down if it turns counter-clockwise, a hole the other way round.
        turns[r - first] = -1 if (doubled > 0) == (shells[r] != 0) else 1
        whole += abs(doubled) / 2 if shells[r] else -abs(doubled) / 2
        k = r - first
        boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3] = x_low, y_low, x_high, y_high
        if shells[r] or not check:
            least_x, least_y = min(least_x, x_low), min(least_y, y_low)
            most_x, most_y = max(most_x, x_high), max(most_y, y_high)
    if least_x > most_x:
        return NOWHERE, 0.0, n, found
    if check and not whole > _THINNEST_M * ((most_x - least_x) + (most_y - least_y)):
        return DOUBTFUL, 0.0, n, found
    col, row = cell_of(least_x, east, size), cell_of(least_y, north, size)
    # A polygon that ends on a border has no area beyond.
    last_col, last_row = cell_of(most_x, east, size), cell_of(most_y, north, size)
    last_col -= last_col > col and most_x == east + last_col * size
    last_row -= last_row > row and most_y == north + last_row * size
    one = col == last_col and row == last_row
    if check and (last - first > 1 or not one) and rings_are_doubtful(xs, ys, starts, shells, first, last, boxes):
        return DOUBTFUL, 0.0, n, found
    if one:
        n, found = _put(found, n, owner, row, col, whole)
        return AREAS, whole, n, found
    cell = float(size) * size
    least = _RESIDUE * min(cell, abs(whole))
    before = n
    extent = (row, last_row, col, last_col)
    n, found, plausible = _windows(
        xs, ys, starts, first, last, True, turns, extent, place, window, owner, least, cell * (1 + _DOUBT), found, n
    )
    if check and not plausible:
        return DOUBTFUL, 0.0, before, found
    return AREAS, whole, n, found


@compiled
def line_in_cells(
    xs: FloatArray,
    ys: FloatArray,
    starts: IntArray,
    first: int,
    last: int,
    place: Any,
    scratch: Any,
    owner: int,
    found: Found,
    n: int,
) -> Any:
    """Share out one line or multiline, parts `first` to `last`; returns as `polygon_in_cells` does.

    A line of no length is one point, its westernmost, lowest corner.
    """
    east, north, size = place
    window, _, turns = scratch
    whole = 0.0
    low_x, low_y, least_x, least_y, most_x, most_y = np.inf, np.inf, np.inf, np.inf, -np.inf, -np.inf
    for r in range(first, last):
        for v in range(starts[r], starts[r + 1]):
            x, y = xs[v], ys[v]
            if not (abs(x) <= MAX_COORDINATE_M and abs(y) <= MAX_COORDINATE_M):
                return NOT_METRES, 0.0, n, found
            if x < low_x or (x == low_x and y < low_y):
                low_x, low_y = x, y
            least_x, least_y, most_x, most_y = min(least_x, x), min(least_y, y), max(most_x, x), max(most_y, y)
            if v > starts[r]:
                whole += math.hypot(x - xs[v - 1], y - ys[v - 1])
    if least_x > most_x:
        return NOWHERE, 0.0, n, found
    if whole == 0:
        n, found = _put(found, n, owner, cell_of(low_y, north, size), cell_of(low_x, east, size), 1.0)
        return POINTS, 1.0, n, found
    row, last_row = cell_of(least_y, north, size), cell_of(most_y, north, size)
    col, last_col = cell_of(least_x, east, size), cell_of(most_x, east, size)
    if col == last_col and row == last_row:
        n, found = _put(found, n, owner, row, col, whole)
        return LINES, whole, n, found
    least = _RESIDUE * min(float(size), whole)
    extent = (row, last_row, col, last_col)
    n, found, _ = _windows(
        xs, ys, starts, first, last, False, turns, extent, place, window, owner, least, np.inf, found, n
    )
    return LINES, whole, n, found


@compiled
def points_in_cells(xs: FloatArray, ys: FloatArray, n_points: int, place: Any, owner: int, found: Found, n: int) -> Any:
    """Share out one point or several; every point counts, even equal ones; an empty one (all NaN) is nowhere."""
    east, north, size = place
    whole = 0.0
    before = n
    for v in range(n_points):
        x, y = xs[v], ys[v]
        if math.isnan(x) and math.isnan(y):
            continue
        if not (abs(x) <= MAX_COORDINATE_M and abs(y) <= MAX_COORDINATE_M):
            return NOT_METRES, 0.0, before, found
        n, found = _put(found, n, owner, cell_of(y, north, size), cell_of(x, east, size), 1.0)
        whole += 1.0
    return (POINTS if whole > 0 else NOWHERE), whole, n, found


@compiled
def rings_in_cells(
    xs: FloatArray,
    ys: FloatArray,
    starts: IntArray,
    shells: IntArray,
    features: IntArray,
    first: int,
    last: int,
    areal: bool,
    place: Any,
) -> Any:
    """Share out valid polygons, or lines, `first` to `last`; feature `f` has the rings `features[f]` and following.

    Returns how many parts there are, the parts, and the first feature with a coordinate that is no metre (or -1).
    """
    found = new_found(2 * (last - first) + 64)
    n, most = 0, 1
    for f in range(first, last):
        most = max(most, features[f + 1] - features[f])
    scratch = (new_window(), np.empty((most, 4)), np.ones(most, np.int64))
    for f in range(first, last):
        a, b = features[f], features[f + 1]
        if areal:
            kind, _, n, found = polygon_in_cells(xs, ys, starts, shells, a, b, place, False, scratch, f, found, n)
        else:
            kind, _, n, found = line_in_cells(xs, ys, starts, a, b, place, scratch, f, found, n)
        if kind == NOT_METRES:
            return n, found, f
    return n, found, -1
