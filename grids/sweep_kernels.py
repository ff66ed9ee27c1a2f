"""Compiled: whether the rings of a polygon cross, in n log n steps however they wind.

Boxes around edges (`grids.ring_pair_kernels`) answer for nearly all rings, and at once. Where long edges run beside
each other aslant, as in a diagonal comb, every box meets every other. Then a line is swept over the vertices from west
to east (equal ones from south to north), with the edges that it cuts in order from below: two that meet stand side by
side before they do (M. I. Shamos and D. Hoey, Geometric intersection problems, 1976). What rounding could turn over is
taken to meet.

The edges cut stand in a list and in a treap over it, one row of eight integers each; row 0 is none, its lower child
the top of the treap, and before the first and after the last of the list.
"""

import numpy as np
from numpy.typing import NDArray

from grids.compiled import inner
from grids.crossing_kernels import RING, SHELL, VERTICES
from grids.memory_kernels import float_at, int_at

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_LOW, _HIGH, _PARENT, _BEFORE, _AFTER, _LEFT, _RIGHT, _ABOVE = range(8)  # columns of a row
_COLUMNS = 8


@inner
def sweep_meets(rings: int, n_rings: int) -> bool:
    """Answer as `grids.ring_pair_kernels.rings_cross` does, by sweeping over all rings at once; no two may touch.

    Of one ring alone, be it shell or hole, the answer is whether it meets itself. It takes 120 bytes a vertex.
    """
    most = 0
    for r in range(n_rings):
        most += int_at(rings + RING * r + VERTICES)
    places, around = np.empty((most, 2)), np.empty((most, 2), np.int64)
    ring_of, shells = np.empty(most, np.int64), np.empty(n_rings, np.int64)
    n = 0
    for r in range(n_rings):
        ring = rings + RING * r
        shells[r] = int_at(ring + SHELL) if n_rings > 1 else 1
        last = _take_ring(int_at(ring), int_at(ring + VERTICES), r, n, places, around, ring_of)
        if 0 < last - n < 3:
            return True  # it has edges and no ground
        n = last
    by_y = np.argsort(places[:n, 1], kind="mergesort")
    order = by_y[np.argsort(places[by_y, 0], kind="mergesort")]
    rank = np.empty(n, np.int64)
    for k in range(n):
        rank[order[k]] = k
        if k and places[order[k], 0] == places[order[k - 1], 0] and places[order[k], 1] == places[order[k - 1], 1]:
            return True
    return _swept(places, around, ring_of, shells, order, rank)


@inner
def _take_ring(at: int, vertices: int, r: int, n: int, places: FloatArray, around: IntArray, ring_of: IntArray) -> int:
    """Copy a ring's vertices, repeated ones once, behind `n` others with who is before and after; return how many."""
    first = n
    for v in range(vertices - 1):
        x, y = float_at(at + 16 * v), float_at(at + 16 * v + 8)
        if n > first and places[n - 1, 0] == x and places[n - 1, 1] == y:
            continue
        places[n, 0], places[n, 1] = x, y
        around[n, 0], around[n, 1] = n - 1, n + 1
        ring_of[n] = r
        n += 1
    while n > first + 1 and places[n - 1, 0] == places[first, 0] and places[n - 1, 1] == places[first, 1]:
        n -= 1
    if n > first:
        around[first, 0], around[n - 1, 1] = n - 1, first
    return n


@inner
def _swept(
    places: FloatArray, around: IntArray, ring_of: IntArray, shells: IntArray, order: IntArray, rank: IntArray
) -> bool:
    """Sweep over distinct vertices in their order; whether any edges meet, or rings are not nested."""
    rows = np.zeros((order.size + 1, _COLUMNS), np.int64)
    row_of = np.zeros(order.size, np.int64)  # of the edge that begins at a vertex and goes around
    seen = np.zeros(shells.size, np.int64)
    made = 0
    for v in order:
        back, ahead = around[v, 0], around[v, 1]
        back_is_east, ahead_is_east = rank[back] > rank[v], rank[ahead] > rank[v]
        if back_is_east and ahead_is_east:
            below = _below(places, rows, v)
            side = _side(places, ahead, v, back)
            if below < 0 or side == 0:
                return True
            ground = rows[below, _ABOVE]  # whether there is any here: it changes at every edge
            if not seen[ring_of[v]]:
                seen[ring_of[v]] = 1
                if ground == shells[ring_of[v]]:
                    return True  # a shell on ground, or a hole where there is none
            lower, upper = made + 1, made + 2
            made += 2
            row_of[back], row_of[v] = (lower, upper) if side > 0 else (upper, lower)
            rows[row_of[back], _LEFT], rows[row_of[back], _RIGHT] = v, back
            rows[row_of[v], _LEFT], rows[row_of[v], _RIGHT] = v, ahead
            rows[lower, _ABOVE], rows[upper, _ABOVE] = 1 - ground, ground
            _insert(rows, lower, below)
            _insert(rows, upper, lower)
            if _rows_meet(places, rows, below, lower) or _rows_meet(places, rows, upper, rows[upper, _AFTER]):
                return True
        elif back_is_east or ahead_is_east:
            row = row_of[v] if back_is_east else row_of[back]
            row_of[back], row_of[v] = row, row
            rows[row, _LEFT], rows[row, _RIGHT] = v, back if back_is_east else ahead
            if _rows_meet(places, rows, rows[row, _BEFORE], row) or _rows_meet(places, rows, row, rows[row, _AFTER]):
                return True
        else:
            lower, upper = row_of[back], row_of[v]
            if rows[upper, _AFTER] == lower:
                lower, upper = upper, lower
            if rows[lower, _AFTER] != upper or _side(places, ahead, back, v) == 0:
                return True
            below, above = rows[lower, _BEFORE], rows[upper, _AFTER]
            _remove(rows, lower)
            _remove(rows, upper)
            if _rows_meet(places, rows, below, above):
                return True
    return False


@inner
def _side(places: FloatArray, p: int, a: int, b: int) -> int:
    """On which side of the line from vertex `a` to `b` another lies: 1 left, -1 right, 0 if rounding cannot tell."""
    ax, ay = places[a, 0], places[a, 1]
    left, right = (places[b, 0] - ax) * (places[p, 1] - ay), (places[b, 1] - ay) * (places[p, 0] - ax)
    slack = 1e-15 * (abs(left) + abs(right)) + 1e-300
    return int(left - right > slack) - int(right - left > slack)


@inner
def _below(places: FloatArray, rows: IntArray, v: int) -> int:
    """The row of the edge next below a vertex, 0 if there is none; -1 if rounding cannot tell, as on an edge."""
    row, below = rows[0, _LOW], 0
    while row:
        side = _side(places, v, rows[row, _LEFT], rows[row, _RIGHT])
        if side == 0:
            return -1
        if side > 0:
            below = row
        row = rows[row, _HIGH] if side > 0 else rows[row, _LOW]
    return below


@inner
def _rows_meet(places: FloatArray, rows: IntArray, one: int, other: int) -> bool:
    """Whether the edges of two rows meet, but for the vertex they may have in common; none meets nothing."""
    if one == 0 or other == 0:
        return False
    a, b, c, d = rows[one, _LEFT], rows[one, _RIGHT], rows[other, _LEFT], rows[other, _RIGHT]
    if a in (c, d) or b in (c, d):
        return False  # neighbours: where they part, or come together, they were told apart
    if min(places[a, 1], places[b, 1]) > max(places[c, 1], places[d, 1]):
        return False
    if min(places[c, 1], places[d, 1]) > max(places[a, 1], places[b, 1]):
        return False
    if _side(places, c, a, b) * _side(places, d, a, b) > 0:
        return False
    return _side(places, a, c, d) * _side(places, b, c, d) <= 0


@inner
def _priority(row: int) -> int:
    """A number that looks random, the same each time."""
    mixed = row * -7046029254386353131
    mixed ^= mixed >> 29
    return mixed * -4658895280553007687


@inner
def _lift(rows: IntArray, row: int) -> None:
    """Turn a row and its parent over, which stays beneath it on the other side."""
    parent = rows[row, _PARENT]
    above = rows[parent, _PARENT]
    near, far = (_LOW, _HIGH) if rows[parent, _LOW] == row else (_HIGH, _LOW)
    between = rows[row, far]
    rows[parent, near] = between
    if between:
        rows[between, _PARENT] = parent
    rows[row, far] = parent
    rows[parent, _PARENT] = row
    rows[row, _PARENT] = above
    rows[above, _LOW if rows[above, _LOW] == parent else _HIGH] = row


@inner
def _insert(rows: IntArray, row: int, below: int) -> None:
    """Put a row into list and treap, next above another (0: as the lowest)."""
    above = rows[below, _AFTER]
    rows[row, _BEFORE], rows[row, _AFTER] = below, above
    rows[below, _AFTER], rows[above, _BEFORE] = row, row
    if below and not rows[below, _HIGH]:
        rows[below, _HIGH], rows[row, _PARENT] = row, below
    else:
        rows[above, _LOW], rows[row, _PARENT] = row, above
    while rows[row, _PARENT] and _priority(row) > _priority(rows[row, _PARENT]):
        _lift(rows, row)


@inner
def _remove(rows: IntArray, row: int) -> None:
    """Take a row out of list and treap."""
    below, above = rows[row, _BEFORE], rows[row, _AFTER]
    rows[below, _AFTER], rows[above, _BEFORE] = above, below
    while rows[row, _LOW] or rows[row, _HIGH]:
        low, high = rows[row, _LOW], rows[row, _HIGH]
        _lift(rows, low if not high or (low and _priority(low) > _priority(high)) else high)
    parent = rows[row, _PARENT]
    rows[parent, _LOW if rows[parent, _LOW] == row else _HIGH] = 0
