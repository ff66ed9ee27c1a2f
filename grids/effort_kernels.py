"""Compiled: how much work it would be to make a polygon valid, counted before anybody begins.

GEOS looks at every two edges whose boxes meet, and makes a node wherever they cross. Edges are boxed in runs of eight,
the runs in pairs and so on, as in `grids.crossing_kernels`; here arrays will do, for hardly any polygon comes here.
"""

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled, inner

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_RUN = 8  # edges
_WEST, _SOUTH, _EAST, _NORTH = range(4)


@compiled
def count_meetings(vertices: FloatArray, starts: IntArray, most_meetings: int, most_crossings: int) -> tuple[int, int]:
    """Count the pairs of edges of different runs whose boxes meet, and those that cross, until there are too many.

    Args:
        vertices: (v, 2) x and y of all rings.
        starts: (rings + 1,) where each ring begins among them.
        most_meetings: after so many more is not asked; boxes of runs that are looked at count with them.
        most_crossings: the same of edges that cross.
    """
    runs = 0
    for r in range(starts.size - 1):
        runs += (max(starts[r + 1] - starts[r] - 1, 0) + _RUN - 1) // _RUN
    spans, levels, nodes, count = np.empty((runs, 2), np.int64), np.zeros(64, np.int64), runs, runs
    top = 0
    while count > 1:
        top += 1
        levels[top] = nodes
        count = (count + 1) // 2
        nodes += count
    boxes = np.empty((nodes, 4))
    _plant(vertices, starts, spans, levels, top, boxes)
    meetings, crossings = 0, 0
    for run in range(runs):
        level, i = 0, run + 1
        while i & 1 == 0 and level < top:
            i >>= 1
            level += 1
        while level < top:
            node = levels[level] + i
            meetings += 1
            if i <= (runs - 1) >> level and _boxes_meet(boxes, run, node):
                if level > 0:
                    level, i = level - 1, 2 * i
                    continue
                more, crossed = _count_pairs(vertices, spans[run, 0], spans[run, 1], spans[i, 0], spans[i, 1])
                meetings, crossings = meetings + more, crossings + crossed
                if meetings > most_meetings or crossings > most_crossings:
                    return meetings, crossings
            i += 1
            while i & 1 == 0 and level < top:
                i >>= 1
                level += 1
    return meetings, crossings


@inner
def _plant(
    vertices: FloatArray, starts: IntArray, spans: IntArray, levels: IntArray, top: int, boxes: FloatArray
) -> None:
    """Write the first and last vertex of each run, its box, and the boxes of the levels above."""
    run = 0
    for r in range(starts.size - 1):
        for first in range(starts[r], starts[r + 1] - 1, _RUN):
            last = min(first + _RUN, starts[r + 1] - 1)
            spans[run, 0], spans[run, 1] = first, last
            for axis in range(2):
                boxes[run, axis], boxes[run, axis + 2] = vertices[first, axis], vertices[first, axis]
                for v in range(first + 1, last + 1):
                    boxes[run, axis] = min(boxes[run, axis], vertices[v, axis])
                    boxes[run, axis + 2] = max(boxes[run, axis + 2], vertices[v, axis])
            run += 1
    count = run
    for level in range(1, top + 1):
        for i in range((count + 1) // 2):
            a = levels[level - 1] + 2 * i
            b = a + int(2 * i + 1 < count)
            for axis in range(2):
                boxes[levels[level] + i, axis] = min(boxes[a, axis], boxes[b, axis])
                boxes[levels[level] + i, axis + 2] = max(boxes[a, axis + 2], boxes[b, axis + 2])
        count = (count + 1) // 2


@inner
def _boxes_meet(boxes: FloatArray, a: int, b: int) -> bool:
    return bool(
        boxes[a, _WEST] <= boxes[b, _EAST]
        and boxes[b, _WEST] <= boxes[a, _EAST]
        and boxes[a, _SOUTH] <= boxes[b, _NORTH]
        and boxes[b, _SOUTH] <= boxes[a, _NORTH]
    )


@inner
def _count_pairs(vertices: FloatArray, a: int, a_end: int, b: int, b_end: int) -> tuple[int, int]:
    """How many pairs of the edges between two vertices and those between two others have boxes that meet, and cross."""
    meetings, crossings = 0, 0
    for p in range(a, a_end):
        px, py, qx, qy = vertices[p, 0], vertices[p, 1], vertices[p + 1, 0], vertices[p + 1, 1]
        west, east, south, north = min(px, qx), max(px, qx), min(py, qy), max(py, qy)
        for r in range(b, b_end):
            rx, ry, sx, sy = vertices[r, 0], vertices[r, 1], vertices[r + 1, 0], vertices[r + 1, 1]
            if min(rx, sx) > east or max(rx, sx) < west or min(ry, sy) > north or max(ry, sy) < south:
                continue
            meetings += 1
            of_r, of_s = _turn(px, py, qx, qy, rx, ry), _turn(px, py, qx, qy, sx, sy)
            of_p, of_q = _turn(rx, ry, sx, sy, px, py), _turn(rx, ry, sx, sy, qx, qy)
            if of_r == 0 and of_s == 0 and of_p == 0 and of_q == 0:
                # On one line. Neighbours of a straight side share an end there, as they may.
                crossings += not ((qx == rx and qy == ry) or (sx == px and sy == py))
                continue
            crossings += ((of_r > 0) != (of_s > 0)) & ((of_p > 0) != (of_q > 0))
    return meetings, crossings


@inner
def _turn(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> float:
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
