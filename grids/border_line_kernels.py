"""Compiled: what lines have in the zones of border cells, segment by segment against pieces of borders.

A segment has in a zone, with sign, what of it lies right of the zone's pieces (`grids.border_kernels` says what those
are). Where it runs along a border itself, to a nanometre, rounding would decide whom it belongs to: such stretches go
to the first zone in order that has them in its ground or on its border, as when overlays hand a line out zone after
zone, each taking what those before left (`grids.zone_parts`). The two differ by what rounding moves an overlay's nodes.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.border_kernels import add_to_zone
from grids.compiled import inner
from grids.tolerances import NANOMETRE

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@inner
def _along(
    px: float, py: float, ux: float, uy: float, length: float, ax: float, ay: float, bx: float, by: float
) -> Any:
    """Between which metres a straight way of a `length` from p, in direction u, lies on the border from a to b.

    All that is beside both must lie within a nanometre, and be longer; else from and to are 0.
    """
    slack = NANOMETRE
    qx, qy = px + length * ux, py + length * uy
    if min(ax, bx) > max(px, qx) + slack or max(ax, bx) < min(px, qx) - slack:
        return 0.0, 0.0
    if min(ay, by) > max(py, qy) + slack or max(ay, by) < min(py, qy) - slack:
        return 0.0, 0.0
    along_a, along_b = (ax - px) * ux + (ay - py) * uy, (bx - px) * ux + (by - py) * uy
    off_a, off_b = (ay - py) * ux - (ax - px) * uy, (by - py) * ux - (bx - px) * uy
    if along_b < along_a:
        along_a, along_b, off_a, off_b = along_b, along_a, off_b, off_a
    low, high = max(along_a, 0.0), min(along_b, length)
    if high - low <= slack:
        return 0.0, 0.0
    per_m = (off_b - off_a) / (along_b - along_a)
    if abs(off_a + (low - along_a) * per_m) > slack or abs(off_a + (high - along_a) * per_m) > slack:
        return 0.0, 0.0
    return low, high


@inner
def _on_border(
    pieces: FloatArray, first: int, last: int, px: float, py: float, ux: float, uy: float, length: float, start: float
) -> Any:
    """How far a way stays on a zone's border from `start` (metres) on, and where it next comes upon it.

    Pieces of a border follow each other either way round, so that both ways are looked through. Gaps of a nanometre
    are none. Where the way is not on the border the first is `start`; where it comes upon it no more, the second is
    the way's length.
    """
    end, following = start, length
    for b in range(first, last):
        if pieces[b, 5] == 0:
            continue
        low, high = _along(px, py, ux, uy, length, pieces[b, 0], pieces[b, 1], pieces[b, 2], pieces[b, 3])
        if high > end + NANOMETRE and low <= end + NANOMETRE:
            end = high
        elif low > start + NANOMETRE:
            following = min(following, low)
    if end > start:
        for b in range(last - 1, first - 1, -1):
            if pieces[b, 5] == 0:
                continue
            low, high = _along(px, py, ux, uy, length, pieces[b, 0], pieces[b, 1], pieces[b, 2], pieces[b, 3])
            if high > end + NANOMETRE and low <= end + NANOMETRE:
                end = high
    return end, following


@inner
def _right_of(
    ax: float,
    ay: float,
    dx: float,
    dy: float,
    ta: float,
    tb: float,
    x0: float,
    y0: float,
    x1: float,
    y1: float,
) -> float:
    """Which part of a segment, between its fractions `ta` and `tb`, lies right of a piece and at its heights."""
    if dy == 0:
        if not y0 <= ay < y1:
            return 0.0
    else:
        t0, t1 = (y0 - ay) / dy, (y1 - ay) / dy
        ta, tb = max(ta, min(t0, t1)), min(tb, max(t0, t1))
        if ta >= tb:
            return 0.0
    slope = (x1 - x0) / (y1 - y0)
    d0 = (ax + ta * dx) - (x0 + (min(max(ay + ta * dy, y0), y1) - y0) * slope)
    d1 = (ax + tb * dx) - (x0 + (min(max(ay + tb * dy, y0), y1) - y0) * slope)
    if d0 >= 0 and d1 >= 0:
        return tb - ta
    if d0 <= 0 and d1 <= 0:
        return 0.0
    return (tb - ta) * (d0 if d0 > 0 else d1) / abs(d0 - d1)


@inner
def _add_way(
    ax: float,
    ay: float,
    dx: float,
    dy: float,
    ta: float,
    tb: float,
    first: int,
    last: int,
    entries: IntArray,
    pieces: FloatArray,
    totals: FloatArray,
    zones: IntArray,
    n: int,
) -> int:
    """Add a segment between its fractions `ta` and `tb` to the zones of a cell's entries, stretch by stretch.

    A stretch on a border goes to the first zone in order that has it: to those before in whose ground it lies, and what
    they leave to the one whose border it is. Any other stretch goes to the zones in whose ground it lies.
    """
    length = math.hypot(dx, dy)
    ux, uy, px, py, way = dx / length, dy / length, ax + ta * dx, ay + ta * dy, (tb - ta) * length
    start = 0.0
    while start < way:
        end, taker = way, last
        for i in range(first, last):
            stays, comes = _on_border(pieces, entries[i, 1], entries[i, 2], px, py, ux, uy, way, start)
            if stays > start:
                end, taker = min(end, stays), i
                break
            end = min(end, comes)
        if end > way - NANOMETRE:
            end = way
        from_t, to_t = ta + start / length, ta + end / length if end < way else tb
        left = to_t - from_t
        for i in range(first, min(taker + 1, last)):
            part = left if i == taker else 0.0
            for b in range(entries[i, 1], entries[i, 2] if i != taker else 0):
                if pieces[b, 4] != 0:
                    part += pieces[b, 4] * _right_of(
                        ax, ay, dx, dy, from_t, to_t, pieces[b, 0], pieces[b, 1], pieces[b, 2], pieces[b, 3]
                    )
            if taker < last:
                part = min(part, left)
            if part > 0:
                n = add_to_zone(totals, zones, n, entries[i, 0], part * length)
                left -= part
        start = end
    return n


@inner
def add_lengths(
    xs: FloatArray,
    ys: FloatArray,
    which: IntArray,
    starts: IntArray,
    entries: IntArray,
    pieces: FloatArray,
    cell: int,
    west: float,
    south: float,
    size: float,
    totals: FloatArray,
    zones: IntArray,
    n: int,
) -> int:
    """Add what of a line's segments in a border cell lies in each of its zones."""
    for k in range(which.size):
        v = which[k]
        ax, ay, bx, by = xs[v] - west, ys[v] - south, xs[v + 1] - west, ys[v + 1] - south
        dx, dy = bx - ax, by - ay
        if (dx == 0 and not 0 <= ax < size) or (dy == 0 and not 0 <= ay < size) or (dx == 0 and dy == 0):
            continue
        ta, tb = 0.0, 1.0
        if dx != 0:
            ta, tb = max(ta, min(-ax / dx, (size - ax) / dx)), min(tb, max(-ax / dx, (size - ax) / dx))
        if dy != 0:
            ta, tb = max(ta, min(-ay / dy, (size - ay) / dy)), min(tb, max(-ay / dy, (size - ay) / dy))
        if ta < tb:
            n = _add_way(ax, ay, dx, dy, ta, tb, starts[cell], starts[cell + 1], entries, pieces, totals, zones, n)
    return n
