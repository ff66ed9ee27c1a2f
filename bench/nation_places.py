"""Where things stand in a generated nation: towns of many sizes, squares between them, and an order of neighbours."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SQUARE_M = 250
_WEST, _SOUTH = 820_000, 1_480_000  # inside the Korean national grid at any size
_TOWNS_PER_KM2 = 0.004
_DENSEST_PER_KM2 = 2_500.0  # in the middle of a town that stands alone
_ANYWHERE = 0.15  # of all buildings
_REACH = 4.0  # standard deviations of a town


@dataclass(frozen=True)
class Country:
    """A rectangle of whole kilometres, before its borders wind."""

    wide_m: int
    high_m: int

    @property
    def origin_m(self) -> tuple[int, int]:
        """The south-western corner."""
        return _WEST, _SOUTH

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """West, south, east, north."""
        return _WEST, _SOUTH, _WEST + self.wide_m, _SOUTH + self.high_m

    @property
    def km2(self) -> float:
        """Area."""
        return self.wide_m * self.high_m / 1e6


@dataclass(frozen=True)
class Spread:
    """Features spread over squares of 250 m, one square after the other along a curve that keeps neighbours together.

    Attributes:
        row, col: (squares,) of the squares that hold something.
        ends: (squares + 1,) features before each square and in all.
    """

    row: IntArray
    col: IntArray
    ends: IntArray

    @classmethod
    def of(cls, count: int, density: FloatArray, rng: np.random.Generator) -> "Spread":
        """Spread features over (rows, cols) squares by chance, as dense as said."""
        counts = rng.multinomial(count, (density / density.sum()).ravel())
        square = np.flatnonzero(counts)
        row, col = np.divmod(square, density.shape[1])
        order = np.argsort(_interleaved(row) * 2 + _interleaved(col), kind="stable")
        ends = np.concatenate([[0], np.cumsum(counts[square[order]])]).astype(np.int64)
        return cls(row[order].astype(np.int64), col[order].astype(np.int64), ends)

    def squares(self, first: int, last: int) -> tuple[IntArray, IntArray]:
        """Of features first to last: (n,) which square each is in, and the how-manieth it is there."""
        feature = np.arange(first, last)
        square = np.searchsorted(self.ends, feature, side="right") - 1
        return square, feature - self.ends[square]


def town_density(country: Country, buildings: int, rng: np.random.Generator) -> FloatArray:
    """(rows, cols) buildings expected in each square: many small towns, few large ones, and houses anywhere."""
    rows, cols = country.high_m // SQUARE_M, country.wide_m // SQUARE_M
    towns = max(3, round(country.km2 * _TOWNS_PER_KM2))
    weight = rng.pareto(1.2, towns) + 0.2
    count = (1.0 - _ANYWHERE) * buildings * weight / weight.sum()
    spread_m = np.minimum(1000 * np.sqrt(count / (2 * math.pi * _DENSEST_PER_KM2)), 0.12 * min(rows, cols) * SQUARE_M)
    centre = rng.uniform(0.08, 0.92, (towns, 2)) * [cols, rows]
    found = np.full((rows, cols), _ANYWHERE * buildings / (rows * cols))
    for k in range(towns):
        sigma = max(float(spread_m[k]) / SQUARE_M, 0.5)
        spans = [_span(float(middle), sigma, end) for middle, end in zip(centre[k], (cols, rows), strict=True)]
        bells = [
            np.exp(-0.5 * ((np.arange(a, b) + 0.5 - m) / sigma) ** 2)
            for (a, b), m in zip(spans, centre[k], strict=True)
        ]
        (west, east), (south, north) = spans
        bell = bells[1][:, None] * bells[0]
        found[south:north, west:east] += bell * (count[k] / bell.sum())
    return found


def _span(middle: float, sigma: float, end: int) -> tuple[int, int]:
    return max(0, math.floor(middle - _REACH * sigma)), min(end, math.ceil(middle + _REACH * sigma))


def _interleaved(number: IntArray) -> IntArray:
    """The bits of numbers below 2^16, each with a zero before it: half of a Z-order."""
    spread = number.astype(np.int64)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        spread = (spread | (spread << shift)) & mask
    return spread
