"""Compiled: whether the rings of a polygon can be trusted, or cross themselves or each other.

Edges only say what a polygon covers if its rings do not cross. What is in doubt here is looked at by GEOS; what is not
is valid as far as areas go.
"""

import math

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_EDGES_OF_A_RUN = 8  # are boxed together when a ring is asked whether it crosses itself
_FEW_PARTS = 64  # multipolygons up to here are asked whether boxes of their parts overlap


@compiled
def _meet(xs: FloatArray, ys: FloatArray, a: int, b: int) -> bool:
    """Whether the edges from vertices `a` and `b` meet, or so nearly that rounding cannot tell."""
    ax, ay, bx, by = xs[a], ys[a], xs[a + 1], ys[a + 1]
    cx, cy, dx, dy = xs[b], ys[b], xs[b + 1], ys[b + 1]
    if max(cx, dx) < min(ax, bx) or min(cx, dx) > max(ax, bx) or max(cy, dy) < min(ay, by) or min(cy, dy) > max(ay, by):
        return False
    if (ax == bx and ay == by) or (cx == dx and cy == dy):
        return False  # no edge: its neighbours have the vertex
    slack = 1e-15 * (abs(bx - ax) + abs(by - ay)) * (abs(dx - cx) + abs(dy - cy))
    of_c = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    of_d = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    of_a = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
    of_b = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
    apart = (of_c > slack and of_d > slack) or (of_c < -slack and of_d < -slack)
    return not (apart or (of_a > slack and of_b > slack) or (of_a < -slack and of_b < -slack))


@compiled
def _crosses(xs: FloatArray, ys: FloatArray, start: int, stop: int) -> bool:
    """Whether two edges of a ring that are not neighbours meet; asked of runs of edges whose boxes overlap."""
    n = stop - start - 1
    step = max(_EDGES_OF_A_RUN, int(math.sqrt(n) / 4))
    runs = (n + step - 1) // step
    boxes = np.empty((runs, 4))
    for r in range(runs):
        x_low, y_low, x_high, y_high = np.inf, np.inf, -np.inf, -np.inf
        for v in range(start + r * step, start + min((r + 1) * step, n) + 1):
            x_low, y_low, x_high, y_high = min(x_low, xs[v]), min(y_low, ys[v]), max(x_high, xs[v]), max(y_high, ys[v])
        boxes[r, 0], boxes[r, 1], boxes[r, 2], boxes[r, 3] = x_low, y_low, x_high, y_high
    for r in range(runs):
        for q in range(r, runs):
            if boxes[r, 0] > boxes[q, 2] or boxes[q, 0] > boxes[r, 2]:
                continue
            if boxes[r, 1] > boxes[q, 3] or boxes[q, 1] > boxes[r, 3]:
                continue
            for a in range(r * step, min((r + 1) * step, n)):
                ax, bx, ay, by = xs[start + a], xs[start + a + 1], ys[start + a], ys[start + a + 1]
                if max(ax, bx) < boxes[q, 0] or min(ax, bx) > boxes[q, 2]:
                    continue
                if max(ay, by) < boxes[q, 1] or min(ay, by) > boxes[q, 3]:
                    continue
                for b in range(max(q * step, a + 2), min((q + 1) * step, n)):
                    if not (a == 0 and b == n - 1) and _meet(xs, ys, start + a, start + b):
                        return True
    return False


@compiled
def rings_are_doubtful(
    xs: FloatArray, ys: FloatArray, starts: IntArray, shells: IntArray, first: int, last: int, boxes: FloatArray
) -> bool:
    """Whether a ring crosses itself, or boxes of rings leave room for two of them to cross or overlap."""
    shell = 0
    for r in range(last - first):
        start, stop = starts[first + r], starts[first + r + 1]
        if start == stop:
            continue
        if shells[first + r]:
            shell = r
            if last - first <= _FEW_PARTS:
                for other in range(r):
                    if shells[first + other] and (
                        boxes[r, 0] < boxes[other, 2]
                        and boxes[other, 0] < boxes[r, 2]
                        and boxes[r, 1] < boxes[other, 3]
                        and boxes[other, 1] < boxes[r, 3]
                    ):
                        return True
        elif (
            boxes[r, 0] < boxes[shell, 0]
            or boxes[r, 1] < boxes[shell, 1]
            or boxes[r, 2] > boxes[shell, 2]
            or boxes[r, 3] > boxes[shell, 3]
        ):
            return True
        if _crosses(xs, ys, start, stop):
            return True
    return False
