"""Compiled: what features have in the zones of border cells, from edges against pieces of borders; nothing is clipped.

Within a cell, both a feature and a zone are what lies right of their edges, added up with sign. What they share is

    sum over edges a, pieces b of turn_a x turn_b x integral over their common heights of max(0, X - max(x_a, x_b)) dy

where X is the feature's easternmost place in the cell: beyond it the signs of its edges cancel. The sum holds for
holes, several parts and zones of several parts. Lines are settled by `grids.border_line_kernels`. A point lies in the
zone if, with sign, it lies right of its pieces. On a border itself (to a nanometre) rounding would decide: there it
goes to the first zone in order that holds it or has it on its border; only borders in the point's own cell are asked.

Border cells come as three arrays: `starts[k]` to `starts[k + 1]` are the entries of cell `k`, in the order of zones; an
entry is (zone, first piece, piece beyond the last); a piece is (from x, from y, to x, to y, turn, border), the last 0
for what only says what stands open left of the cell. Few arrays, since each that is handed on costs a
count of its references.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.cell_kernels import cell_of
from grids.compiled import inner
from grids.tolerances import NANOMETRE

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MANY_EDGES = 48  # from here on edges are looked up by the row they pass
_MOST_ROWS_OF_AN_EDGE = 64  # on the mean of a feature's edges, so that the look-up stays in proportion to it


@inner
def _positive(a: float, b: float) -> float:
    """Mean over [0, 1] of max(0, f) for f linear from `a` to `b`."""
    if a >= 0 and b >= 0:
        return (a + b) / 2
    if a <= 0 and b <= 0:
        return 0.0
    return a * a / (2 * (a - b)) if a > 0 else b * b / (2 * (b - a))


@inner
def _least_of(a0: float, a1: float, b0: float, b1: float) -> float:
    """Mean over [0, 1] of max(0, min(a, b)) for `a` and `b` linear."""
    d0, d1 = a0 - b0, a1 - b1
    if d0 <= 0 and d1 <= 0:
        return _positive(a0, a1)
    if d0 >= 0 and d1 >= 0:
        return _positive(b0, b1)
    t = d0 / (d0 - d1)
    middle = a0 + t * (a1 - a0)
    if d0 < 0:
        return t * _positive(a0, middle) + (1 - t) * _positive(middle, b1)
    return t * _positive(b0, middle) + (1 - t) * _positive(middle, a1)


@inner
def area_beyond(
    east: float, x: float, y0: float, y1: float, slope: float, bx: float, by0: float, by1: float, b_slope: float
) -> float:
    """Return the area left of `east` and right of both an edge from (x, y0) and a piece from (bx, by0), unsigned."""
    low, high = max(y0, by0), min(y1, by1)
    if low >= high:
        return 0.0
    return (high - low) * _least_of(
        east - (x + (low - y0) * slope),
        east - (x + (high - y0) * slope),
        east - (bx + (low - by0) * b_slope),
        east - (bx + (high - by0) * b_slope),
    )


@inner
def _is_in(pieces: FloatArray, first: int, last: int, x: float, y: float) -> bool:
    """Whether a place lies in the zone whose pieces these are; heights are half open."""
    inside = 0.0
    for b in range(first, last):
        y0, y1 = pieces[b, 1], pieces[b, 3]
        if pieces[b, 4] != 0 and y0 <= y < y1:
            x0 = pieces[b, 0]
            if x >= x0 + (y - y0) * ((pieces[b, 2] - x0) / (y1 - y0)):
                inside += pieces[b, 4]
    return inside > 0


@inner
def _distance(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Distance of a place from the segment from a to b."""
    dx, dy = bx - ax, by - ay
    squared = dx * dx + dy * dy
    t = min(max(((x - ax) * dx + (y - ay) * dy) / squared, 0.0), 1.0) if squared > 0 else 0.0
    return math.hypot(x - (ax + t * dx), y - (ay + t * dy))


@inner
def border_near(
    starts: IntArray,
    entries: IntArray,
    pieces: FloatArray,
    cell: int,
    west: float,
    south: float,
    east: float,
    north: float,
) -> bool:
    """Whether a border comes near a box within a cell."""
    west, south, east, north = west - NANOMETRE, south - NANOMETRE, east + NANOMETRE, north + NANOMETRE
    for i in range(starts[cell], starts[cell + 1]):
        for b in range(entries[i, 1], entries[i, 2]):
            if pieces[b, 1] > north or pieces[b, 3] < south or pieces[b, 5] == 0:
                continue
            x0, x1 = pieces[b, 0], pieces[b, 2]
            if not ((x0 > east and x1 > east) or (x0 < west and x1 < west)):
                return True
    return False


@inner
def first_zone_at(starts: IntArray, entries: IntArray, pieces: FloatArray, cell: int, x: float, y: float) -> Any:
    """Return the first zone of a border cell that holds a place or has it on its border; -1 if none does."""
    for i in range(starts[cell], starts[cell + 1]):
        for b in range(entries[i, 1], entries[i, 2]):
            x0, y0, x1, y1 = pieces[b, 0], pieces[b, 1], pieces[b, 2], pieces[b, 3]
            if pieces[b, 5] != 0 and _distance(x, y, x0, y0, x1, y1) <= NANOMETRE:
                return entries[i, 0]
        if _is_in(pieces, entries[i, 1], entries[i, 2], x, y):
            return entries[i, 0]
    return np.int64(-1)


@inner
def add_to_zone(totals: FloatArray, zones: IntArray, n: int, zone: int, amount: float) -> int:
    """Add to a zone's total (NaN until its first time); `zones` lists those met, in order."""
    if math.isnan(totals[zone]):
        totals[zone] = amount
        k = n
        while k > 0 and zones[k - 1] > zone:
            zones[k] = zones[k - 1]
            k -= 1
        zones[k] = zone
        return n + 1
    totals[zone] += amount
    return n


@inner
def add_where(
    starts: IntArray,
    entries: IntArray,
    pieces: FloatArray,
    cell: int,
    x: float,
    y: float,
    amount: float,
    totals: FloatArray,
    zones: IntArray,
    n: int,
) -> int:
    """Add to every zone of the border cell that holds the place."""
    for i in range(starts[cell], starts[cell + 1]):
        if _is_in(pieces, entries[i, 1], entries[i, 2], x, y):
            n = add_to_zone(totals, zones, n, entries[i, 0], amount)
    return n


@inner
def edges_by_row(ys: FloatArray, edges: IntArray, north: int, size: int, low: Any, high: Any) -> Any:
    """Which edges (by their first vertex) pass each row from `low` to `high`, in order.

    Returns where each row's edges begin, the edges, and True; where they would be far too many, all edges and False.
    """
    starts = np.zeros(high - low + 3, np.int64)
    total = np.int64(0)
    for k in range(edges.size):
        a, b = ys[edges[k]], ys[edges[k] + 1]
        first, last = max(cell_of(min(a, b), north, size), low), min(cell_of(max(a, b), north, size), high)
        total += max(last - first + 1, 0)
        if total > _MOST_ROWS_OF_AN_EDGE * edges.size:
            return starts, edges, False
        for row in range(first, last + 1):
            starts[row - low + 2] += 1
    for k in range(2, starts.size):
        starts[k] += starts[k - 1]
    listed = np.empty(total, np.int64)
    for k in range(edges.size):
        a, b = ys[edges[k]], ys[edges[k] + 1]
        first, last = max(cell_of(min(a, b), north, size), low), min(cell_of(max(a, b), north, size), high)
        for row in range(first, last + 1):
            listed[starts[row - low + 1]] = edges[k]
            starts[row - low + 1] += 1  # ends up where the next row begins
    return starts, listed, True


@inner
def put_local(local: FloatArray, n: int, ax: float, ay: float, bx: float, by: float, turn: float, size: float) -> int:
    """Note the part of an edge between a cell's lower and upper border: (x, y, upper y, slope, turn), from below."""
    if by < ay:
        ax, ay, bx, by, turn = bx, by, ax, ay, -turn
    low, high = max(ay, 0.0), min(by, size)
    if low >= high:
        return n
    slope = (bx - ax) / (by - ay)
    local[n, 0] = ax + (low - ay) * slope if low > ay else ax
    local[n, 1], local[n, 2], local[n, 3], local[n, 4] = low, high, slope, turn
    return n + 1


@inner
def local_edges(
    xs: FloatArray,
    ys: FloatArray,
    turns: FloatArray,
    which: IntArray,
    west: float,
    south: float,
    size: float,
    local: FloatArray,
) -> Any:
    """The feature's edges that matter in a cell, from its corner: those left of it joined to upright ones at x = 0."""
    n, run_from, run_to, run_turn, east = 0, 0.0, 0.0, 0.0, 0.0
    for k in range(which.size):
        v = which[k]
        ay, by = ys[v] - south, ys[v + 1] - south
        if (ay <= 0 and by <= 0) or (ay >= size and by >= size):
            continue
        ax, bx = xs[v] - west, xs[v + 1] - west
        if ax >= size and bx >= size:
            east = size  # the feature goes on to the cell's right border
            continue
        if ax > 0 or bx > 0:
            n = put_local(local, n, ax, ay, bx, by, turns[v], size)
            east = max(east, max(ax, bx))
            continue
        a, b = min(max(ay, 0.0), size), min(max(by, 0.0), size)
        if a != run_to or turns[v] != run_turn:
            n = put_local(local, n, 0.0, run_from, 0.0, run_to, run_turn, size)
            run_from, run_turn = a, turns[v]
        run_to = b
    n = put_local(local, n, 0.0, run_from, 0.0, run_to, run_turn, size)
    return n, min(east, size)


@inner
def add_areas(
    starts: IntArray,
    entries: IntArray,
    pieces: FloatArray,
    cell: int,
    local: FloatArray,
    n_local: int,
    east: float,
    totals: FloatArray,
    zones: IntArray,
    n: int,
) -> int:
    """Add what the feature's edges share with each zone of a border cell."""
    bottom, top = np.inf, -np.inf
    for a in range(n_local):
        bottom, top = min(bottom, local[a, 1]), max(top, local[a, 2])
    for i in range(starts[cell], starts[cell + 1]):
        shared = 0.0
        for b in range(entries[i, 1], entries[i, 2]):
            x0, y0, x1, y1, turn = pieces[b, 0], pieces[b, 1], pieces[b, 2], pieces[b, 3], pieces[b, 4]
            if turn == 0 or y1 <= bottom or y0 >= top or (x0 >= east and x1 >= east):
                continue
            slope = (x1 - x0) / (y1 - y0)
            for a in range(n_local):
                if local[a, 1] < y1 and local[a, 2] > y0:
                    shared += (local[a, 4] * turn) * area_beyond(
                        east, local[a, 0], local[a, 1], local[a, 2], local[a, 3], x0, y0, y1, slope
                    )
        if shared > 1e-14 * east * (top - bottom):  # the rest is what is left of sums that cancel
            n = add_to_zone(totals, zones, n, entries[i, 0], shared)
    return n
