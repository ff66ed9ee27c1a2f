"""Compiled: what is asked of one ring, vertex after vertex: where it lies, its area, whether it can cross itself.

A ring is given by the address of its vertices, x and y as float64, the first again at the end.
"""

import math
from typing import Any, NamedTuple

from grids.compiled import inner
from grids.memory_kernels import float_at

MAX_COORDINATE_M = 1e8  # beyond it nothing is metres of this planet, and cells would no longer fit 32 bits

_LEVEL_M = 1e-290  # what an edge rises by is nothing, before one by it would be infinite
_ROUNDING = 1e-15  # of the products that a turn is the difference of


class Box(NamedTuple):
    """Where a ring lies: its extent, and the sums of its coordinates, of which the first vertex counts once."""

    west: float
    south: float
    east: float
    north: float
    sum_x: float
    sum_y: float


@inner
def box_of(at: int, vertices: int) -> Box:
    """Return where a ring lies."""
    west, south = float_at(at), float_at(at + 8)
    east, north, sum_x, sum_y = west, south, 0.0, 0.0
    for vertex in range(at + 16, at + 16 * vertices, 16):
        x, y = float_at(vertex), float_at(vertex + 8)
        west, east = (x if x < west else west), (x if x > east else east)
        south, north = (y if y < south else south), (y if y > north else north)
        sum_x, sum_y = sum_x + x, sum_y + y
    return Box(west, south, east, north, sum_x, sum_y)


@inner
def is_metres(box: Box) -> bool:
    """Whether a ring is of finite metres of this planet; what is no number passes all comparisons, but not its sum."""
    low, high = min(box.west, box.south), max(box.east, box.north)
    sums = box.sum_x + box.sum_y
    return bool(low >= -MAX_COORDINATE_M and high <= MAX_COORDINATE_M and sums == sums)


@inner
def slack_of(box: Box) -> float:
    """What rounding may do to the turn of any edge around a place within the box: no product is more than its area."""
    return _ROUNDING * 2 * (box.east - box.west) * (box.north - box.south)


@inner
def survey_ring(at: int, vertices: int) -> Any:
    """Return a ring's extent (west, south, east, north), twice its signed area, and whether it is of finite metres."""
    base_x, base_y = float_at(at), float_at(at + 8)
    x_low, y_low, x_high, y_high = base_x, base_y, base_x, base_y
    doubled, px, py, finite = 0.0, 0.0, 0.0, 0.0
    for _ in range(vertices - 1):
        at += 16
        x, y = float_at(at), float_at(at + 8)
        x_low, x_high = (x if x < x_low else x_low), (x if x > x_high else x_high)
        y_low, y_high = (y if y < y_low else y_low), (y if y > y_high else y_high)
        qx, qy = x - base_x, y - base_y
        doubled += px * qy - qx * py
        finite += qx + qy  # what is no number passes all comparisons, but not this
        px, py = qx, qy
    low, high = min(x_low, y_low), max(x_high, y_high)
    sound = low >= -MAX_COORDINATE_M and high <= MAX_COORDINATE_M and finite == finite
    return x_low, y_low, x_high, y_high, doubled, sound


@inner
def fan(at: int, vertices: int, x0: float, y0: float, slack: float) -> Any:
    """Return twice the signed area of a ring, and whether it goes once around a place, always the same way.

    Then it cannot meet itself. The area is that of the triangles between the place and the edges; `slack` is what
    rounding may do to twice that of a triangle, see `slack_of`.
    """
    ax, ay = float_at(at) - x0, float_at(at + 8) - y0
    doubled, least, most, rounds = 0.0, math.inf, -math.inf, 0
    for vertex in range(at + 16, at + 16 * vertices, 16):
        bx, by = float_at(vertex) - x0, float_at(vertex + 8) - y0
        turn = ax * by - ay * bx
        doubled += turn
        least, most = (turn if turn < least else least), (turn if turn > most else most)
        rounds += (ay < 0) != (by < 0)
        ax, ay = bx, by
    return doubled, (rounds == 2) & ((least > slack) | (most < -slack))


@inner
def fan_in_two(at: int, vertices: int, x0: float, y0: float, slack: float, border: float, upright: int) -> Any:
    """Return what `fan` does, and what the ring has on either side of a border: below it (or left of it) and beyond.

    Green's theorem: the area where u < 0 is the integral of min(u, 0) dv around it. What an edge adds is the part of
    it that lies there, times the mean of u on that part; whichever side it lies on, the same is done.

    Args:
        at: address of the vertices.
        vertices: how many.
        x0: of the place.
        y0: of the place.
        slack: as for `fan`.
        border: a y-coordinate if `upright`, else an x-coordinate.
        upright: 1 if the border lies between what is below and what is above, else 0: counted with, not asked, since
            a processor cannot guess it.
    """
    across, u0 = 8 * upright, x0 + upright * (y0 - x0)
    along, v0 = 8 - across, x0 + y0 - u0
    u, from_v = float_at(at + across), float_at(at + along)
    au, av, a = u - u0, from_v - v0, u - border
    doubled, least, most, rounds, low, high = 0.0, math.inf, -math.inf, 0, 0.0, 0.0
    for vertex in range(at + 16, at + 16 * vertices, 16):
        u, v = float_at(vertex + across), float_at(vertex + along)
        bu, bv, b = u - u0, v - v0, u - border
        turn = au * bv - av * bu
        doubled += turn
        least, most = (turn if turn < least else least), (turn if turn > most else most)
        rounds += (av < 0) != (bv < 0)
        rise, level, per_u = v - from_v, abs(b - a) < _LEVEL_M, 1.0 / (b - a)
        a_low, b_low = (a if a < 0 else 0.0), (b if b < 0 else 0.0)
        a_high, b_high = (a if a > 0 else 0.0), (b if b > 0 else 0.0)
        low += rise * (a_low + b_low) * (1.0 if level else (b_low - a_low) * per_u)
        high += rise * (a_high + b_high) * (1.0 if level else (b_high - a_high) * per_u)
        au, av, a, from_v = bu, bv, b, v
    turned = 0.5 if doubled > 0 else -0.5
    return doubled, (rounds == 2) & ((least > slack) | (most < -slack)), turned * low, turned * high
