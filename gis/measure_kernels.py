"""Compiled: numbers between the corners of squares, and lengths of segments by them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled, inner

FloatArray = NDArray[np.float64]
PositionArray = NDArray[np.intp]


@inner
def interpolated(x: float, y: float, corners: FloatArray, column: int, square_m: float) -> Any:
    """One number at a place, linear between the corners (south-west, south-east, north-west, north-east)."""
    east, north = x / square_m, y / square_m
    east, north = east - np.floor(east), north - np.floor(north)
    south = corners[0, column] + east * (corners[1, column] - corners[0, column])
    return south + north * (corners[2, column] + east * (corners[3, column] - corners[2, column]) - south)


@compiled
def interpolate(x: FloatArray, y: FloatArray, of: PositionArray, squares: FloatArray, square_m: float) -> FloatArray:
    """The first number of places (n,), `of` in squares (squares, 4, k)."""
    found = np.empty(x.size)
    for place in range(x.size):
        found[place] = interpolated(x[place], y[place], squares[of[place]], 0, square_m)
    return found


@compiled
def segment_lengths(
    points: FloatArray, first: PositionArray, of: PositionArray, squares: FloatArray, square_m: float
) -> FloatArray:
    """Metres of the segments from points `first` to the next ones, by the metric at their middle.

    Args:
        points: (points, 2).
        first: (segments,) positions.
        of: (segments,) square of each segment's middle.
        squares: (squares, 4, 3) E, F, G of `ds^2 = E dx^2 + 2 F dx dy + G dy^2` at the corners.
        square_m: side of a square.
    """
    metres = np.empty(first.size)
    for segment in range(first.size):
        x, y = points[first[segment], 0], points[first[segment], 1]
        dx, dy = points[first[segment] + 1, 0] - x, points[first[segment] + 1, 1] - y
        corners = squares[of[segment]]
        e = interpolated(x + dx / 2, y + dy / 2, corners, 0, square_m)
        f = interpolated(x + dx / 2, y + dy / 2, corners, 1, square_m)
        g = interpolated(x + dx / 2, y + dy / 2, corners, 2, square_m)
        metres[segment] = np.sqrt(e * dx * dx + 2 * f * dx * dy + g * dy * dy)
    return metres
