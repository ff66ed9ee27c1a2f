"""Shapes of a generated nation: rectangles of a lattice whose lines wind, so that neighbours share every border vertex.

Everything is drawn on a lattice of whole numbers. A node's place on the map depends on its two numbers alone, so that
whoever draws a border draws the same one. Nodes are moved little enough for no two borders to cross: with the shift's
derivatives adding up to less than 1 along each axis, the plane is bent without folds.
"""

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from carbonmap.synthetic.noise import hashed_unit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

_WAVES = 4  # per axis
_JITTER = 0.1  # of a step, to each side
_STEEPEST = 0.55  # sum of the waves' derivatives; with the jitter's 4 x 0.1 below 1
_CENTIMETRES = 2


@dataclass(frozen=True)
class WindingLattice:
    """A lattice of whole numbers, bent onto the map.

    Attributes:
        origin_m: where its node (0, 0) would be if nothing were bent.
        step_m: between neighbouring nodes, eastward and northward; nearly the same.
        waves: (2, waves, 4) per axis: height in metres, vector east and north in radians per metre, phase.
        salt: of the small jitter from node to node.
    """

    origin_m: tuple[float, float]
    step_m: tuple[float, float]
    waves: FloatArray
    salt: int

    @classmethod
    def of(
        cls, origin_m: tuple[float, float], step_m: tuple[float, float], longest_m: float, seed: int
    ) -> "WindingLattice":
        """A lattice whose waves are `longest_m` long and, each next one, a third of it."""
        rng = np.random.default_rng([seed, 77])
        length = longest_m / 3.0 ** np.arange(_WAVES)
        number = 2 * math.pi / length
        angle = rng.uniform(0.0, 2 * math.pi, (2, _WAVES))
        vector = np.stack([number * np.cos(angle), number * np.sin(angle)], axis=-1)
        height = _STEEPEST / _WAVES / np.abs(vector).sum(axis=-1)
        phase = rng.uniform(0.0, 2 * math.pi, (2, _WAVES))
        return cls(origin_m, step_m, np.concatenate([height[..., None], vector, phase[..., None]], axis=-1), seed)

    def places(self, x: IntArray, y: IntArray) -> FloatArray:
        """(n, 2) metres of nodes, to the centimetre: a node is at the same place whoever asks."""
        flat = np.stack([x, y], axis=1) * self.step_m
        found = flat + self.origin_m
        for axis in (0, 1):
            found[:, axis] += self.step_m[axis] * _JITTER * hashed_unit(x, y, 2 * self.salt + axis)
            for height, east, north, phase in self.waves[axis]:
                found[:, axis] += height * np.sin(east * flat[:, 0] + north * flat[:, 1] + phase)
        return np.round(found, _CENTIMETRES)

    def rings(self, rectangles: IntArray) -> tuple[FloatArray, IntArray]:
        """Outlines of rectangles (n, 4) of nodes: west, south, east, north.

        Returns:
            (vertices, 2) metres, counter-clockwise, closed, a vertex at every node passed; (vertices,) whose each is.
        """
        wide, high = rectangles[:, 2] - rectangles[:, 0], rectangles[:, 3] - rectangles[:, 1]
        count = 2 * (wide + high) + 1
        owner = np.repeat(np.arange(len(rectangles)), count)
        step = np.arange(owner.size) - np.repeat(np.cumsum(count) - count, count)
        wide, high = wide[owner], high[owner]
        x = rectangles[owner, 0] + np.clip(step, 0, wide) - np.clip(step - wide - high, 0, wide)
        y = rectangles[owner, 1] + np.clip(step - wide, 0, high) - np.clip(step - 2 * wide - high, 0, high)
        return self.places(x, y), owner

    def polygons(
        self, rectangles: IntArray, holes: IntArray | None = None, hole_of: IntArray | None = None
    ) -> GeometryArray:
        """Rectangles (n, 4) as polygons on the map; holes (m, 4) lie inside the rectangles (m,) `hole_of`."""
        if holes is None or hole_of is None:
            holes, hole_of = np.zeros((0, 4), np.int64), np.zeros(0, np.int64)
        owner = np.concatenate([np.arange(len(rectangles)), hole_of])
        order = np.argsort(owner, kind="stable")  # a shell before its holes
        xy, ring = self.rings(np.concatenate([rectangles, holes])[order])
        rings = np.asarray(shapely.linearrings(xy, indices=ring), dtype=np.object_)
        return np.asarray(shapely.polygons(rings, indices=owner[order]), dtype=np.object_)


def divided(
    rectangles: IntArray, counts: IntArray, rng: np.random.Generator, *, uneven: float, most: float = math.inf
) -> tuple[IntArray, IntArray]:
    """Divide each rectangle into as many as asked, by cutting in two again and again.

    Args:
        rectangles: (n, 4) whole numbers: west, south, east, north.
        counts: (n,) parts of each, from 1 to the rectangle's area.
        rng: of where to cut.
        uneven: spread of the parts' areas; at 0 they are as equal as whole numbers allow.
        most: area that parts stay below, as far as whole numbers allow.

    Returns:
        (parts, 4) rectangles, parts of one side by side and near each other in order; (parts,) which one they are of.
    """
    parts, left, owner = rectangles.copy(), counts.astype(np.int64), np.arange(len(rectangles))
    while (left > 1).any():
        cut = left > 1
        first, first_left, second, second_left = _halved(parts[cut], left[cut], rng, uneven, most)
        twice = np.where(cut, 2, 1)
        at = (np.cumsum(twice) - twice)[cut]
        parts, left, owner = np.repeat(parts, twice, axis=0), np.repeat(left, twice), np.repeat(owner, twice)
        parts[at], left[at] = first, first_left
        parts[at + 1], left[at + 1] = second, second_left
    return parts, owner


def _halved(
    given: IntArray, count: IntArray, rng: np.random.Generator, uneven: float, most: float
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Both halves of rectangles cut across their longer side, and how many parts each half is to have."""
    wide, high = given[:, 2] - given[:, 0], given[:, 3] - given[:, 1]
    is_wide = wide >= high
    length, across = np.maximum(wide, high), np.minimum(wide, high)
    one = np.clip(np.rint(count * rng.uniform(0.4, 0.6, count.size)).astype(np.int64), 1, count - 1)
    weight = one * np.exp(rng.normal(0.0, uneven, count.size)) if uneven else one.astype(np.float64)
    place = np.rint(length * weight / (weight + count - one))
    place = np.clip(place, np.ceil(length - (count - one) * most / across), np.floor(one * most / across))
    place = np.clip(place, np.ceil(one / across), length - np.ceil((count - one) / across))
    cut = np.clip(place.astype(np.int64), 1, length - 1)
    one = np.clip(one, count - (length - cut) * across, cut * across)
    first, second = given.copy(), given.copy()
    first[:, 2] = np.where(is_wide, given[:, 0] + cut, given[:, 2])
    first[:, 3] = np.where(is_wide, given[:, 3], given[:, 1] + cut)
    second[:, 0] = np.where(is_wide, first[:, 2], given[:, 0])
    second[:, 1] = np.where(is_wide, given[:, 1], first[:, 3])
    return first, one, second, count - one


def allotted(total: int, weights: FloatArray) -> IntArray:
    """Whole numbers (n,) that add up to `total` in proportion to the weights, each rounded up or down."""
    ends = np.floor(np.cumsum(weights) / weights.sum() * total + 0.5).astype(np.int64)
    return np.asarray(np.diff(ends, prepend=0), dtype=np.int64)
