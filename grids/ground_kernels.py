"""Compiled: ground that two polygons share, from edges against edges; nothing is clipped.

Two polygons share ground in the window that their bounds have in common, and nowhere else. There, both are what lies
right of their edges, added up with sign, and what they share is the sum over pairs of edges that
`grids.border_kernels` explains. Most pairs of a forest map are neighbours whose bounds overlap a little, so edges are
looked at in runs: a run above, below or right of the window does not matter, and one left of it is as good as the one
upright edge from its first to its last height.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.border_kernels import area_beyond, put_local
from grids.compiled import compiled, inner
from grids.tolerances import NANOMETRE

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_EDGES_AT_ONCE = 16  # of a run; the neighbours of a stand of 100 vertices meet a few of its runs


@inner
def _runs(vertices: FloatArray, starts: IntArray, shells: IntArray, polygons: IntArray) -> Any:
    """Edges in runs: where each polygon's begin; (runs, 2) first and last vertex; (runs, 5) turn and bounds.

    Polygon `p` has the rings `polygons[p]` and following, ring `r` the vertices `starts[r]` and following.
    """
    most = 0
    for r in range(starts.size - 1):
        most += max(starts[r + 1] - starts[r] - 2, 0) // _EDGES_AT_ONCE + 1
    run_starts, spans, boxes = np.zeros(polygons.size, np.int64), np.empty((most, 2), np.int64), np.empty((most, 5))
    n = 0
    for p in range(polygons.size - 1):
        for r in range(polygons[p], polygons[p + 1]):
            start, stop = starts[r], starts[r + 1]
            doubled = 0.0
            for v in range(start, stop - 1):
                ax, ay = vertices[v, 0] - vertices[start, 0], vertices[v, 1] - vertices[start, 1]
                bx, by = vertices[v + 1, 0] - vertices[start, 0], vertices[v + 1, 1] - vertices[start, 1]
                doubled += ax * by - bx * ay
            # A shell opens ground where it goes down if it turns counter-clockwise, a hole the other way round.
            turn = -1.0 if (doubled > 0) == (shells[r] != 0) else 1.0
            v = start
            while v < stop - 1:
                last = min(v + _EDGES_AT_ONCE, stop - 1)
                west, east = vertices[v, 0], vertices[v, 0]
                south, north = vertices[v, 1], vertices[v, 1]
                for k in range(v + 1, last + 1):
                    west, east = min(west, vertices[k, 0]), max(east, vertices[k, 0])
                    south, north = min(south, vertices[k, 1]), max(north, vertices[k, 1])
                spans[n, 0], spans[n, 1], boxes[n, 0] = v, last, turn
                boxes[n, 1], boxes[n, 2], boxes[n, 3], boxes[n, 4] = west, south, east, north
                n += 1
                v = last
        run_starts[p + 1] = n
    return run_starts, spans, boxes


@inner
def _edges_in(
    vertices: FloatArray,
    spans: IntArray,
    boxes: FloatArray,
    first: int,
    last: int,
    window: Any,
    local: FloatArray,
    n: int,
) -> int:
    """Note the edges of runs that matter in a window, told from its corner, behind the `n` there are."""
    west, south, width, height = window
    for run in range(first, last):
        low, high = boxes[run, 2] - south, boxes[run, 4] - south
        if high <= 0 or low >= height or boxes[run, 1] - west >= width:
            continue
        turn, begin, end = boxes[run, 0], spans[run, 0], spans[run, 1]
        if boxes[run, 3] - west <= 0:
            n = put_local(local, n, 0.0, vertices[begin, 1] - south, 0.0, vertices[end, 1] - south, turn, height)
            continue
        ax, ay = vertices[begin, 0] - west, vertices[begin, 1] - south
        for v in range(begin + 1, end + 1):
            bx, by = vertices[v, 0] - west, vertices[v, 1] - south
            if (ay > 0 or by > 0) and (ay < height or by < height) and (ax < width or bx < width):
                if ax <= 0 and bx <= 0:
                    n = put_local(local, n, 0.0, ay, 0.0, by, turn, height)
                else:
                    n = put_local(local, n, ax, ay, bx, by, turn, height)
            ax, ay = bx, by
    return n


@inner
def _swept(local: FloatArray, n_one: int, n: int, width: float, is_open: IntArray) -> Any:
    """Area that two polygons share in a window, whose edges there are the first `n_one` and the rest; and their length.

    From below, each edge meets those of the other polygon that stand beside it. In one function, for handing on the
    arrays would cost more than what is done with them.
    """
    order = np.argsort(local[:n, 1], kind="mergesort")
    shared, length, n_open = 0.0, 0.0, 0
    for k in order:
        x, low, high, slope, turn = local[k, 0], local[k, 1], local[k, 2], local[k, 3], local[k, 4]
        length += (high - low) * math.sqrt(1.0 + slope * slope)
        kept = 0
        for m in range(n_open):
            other = is_open[m]
            if local[other, 2] <= low:
                continue
            is_open[kept] = other
            kept += 1
            if (other < n_one) != (k < n_one):
                shared += (turn * local[other, 4]) * area_beyond(
                    width, x, low, high, slope, local[other, 0], local[other, 1], local[other, 2], local[other, 3]
                )
        is_open[kept] = k
        n_open = kept + 1
    return shared, length


@compiled
def ground_of_pairs(
    vertices: FloatArray,
    starts: IntArray,
    shells: IntArray,
    polygons: IntArray,
    bounds: FloatArray,
    one: IntArray,
    other: IntArray,
) -> FloatArray:
    """Return the m2 that pairs of polygons share; 0 for what is no more than the rounding of a border.

    Args:
        vertices: (v, 2) x and y.
        starts: (rings + 1,) where each ring begins among the vertices; rings are closed.
        shells: (rings,) whether each is a shell, else a hole.
        polygons: (n + 1,) where each polygon begins among the rings.
        bounds: (n, 4) west, south, east, north of each polygon.
        one: (pairs,) positions of polygons.
        other: (pairs,) positions of the polygons they are held against.
    """
    run_starts, spans, boxes = _runs(vertices, starts, shells, polygons)
    most = np.int64(1)
    for p in range(polygons.size - 1):
        most = max(most, starts[polygons[p + 1]] - starts[polygons[p]])
    local, is_open = np.empty((2 * most, 5)), np.empty(2 * most, np.int64)
    area = np.zeros(one.size)
    for k in range(one.size):
        p, q = one[k], other[k]
        west, south = max(bounds[p, 0], bounds[q, 0]), max(bounds[p, 1], bounds[q, 1])
        width, height = min(bounds[p, 2], bounds[q, 2]) - west, min(bounds[p, 3], bounds[q, 3]) - south
        if not (width > 0 and height > 0):
            continue
        window = (west, south, width, height)
        n_one = _edges_in(vertices, spans, boxes, run_starts[p], run_starts[p + 1], window, local, 0)
        if n_one == 0:
            continue
        n = _edges_in(vertices, spans, boxes, run_starts[q], run_starts[q + 1], window, local, n_one)
        shared, length = _swept(local, n_one, n, width, is_open)
        if shared > NANOMETRE * (2 * (width + height) + length):
            area[k] = shared
    return area
