"""The squares of WebMercatorQuad (OGC 17-083r4): row 0 is the northernmost, 4096 units to a side."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grids.manifest import Bbox
from grids.mvt import EXTENT
from grids.store_errors import TileError

MAX_ZOOM = 22
BUFFER = 64  # units beyond the tile's edge, so that outlines do not show where tiles meet
EARTH_RADIUS = 6_378_137.0
HALF_WORLD = math.pi * EARTH_RADIUS


@dataclass(frozen=True)
class Tile:
    """A tile of WebMercatorQuad.

    Raises:
        TileError: a zoom outside 0..22, a row or column that the zoom does not have.
    """

    z: int
    y: int
    x: int

    def __post_init__(self) -> None:
        if not 0 <= self.z <= MAX_ZOOM:
            raise TileError(f"zoom {self.z} does not exist: expected 0 to {MAX_ZOOM}")
        last = (1 << self.z) - 1
        if not (0 <= self.y <= last and 0 <= self.x <= last):
            raise TileError(
                f"tile {self.z}/{self.y}/{self.x} does not exist: at zoom {self.z} row and column go from 0 to {last}"
            )

    @property
    def side(self) -> float:
        """Length of the tile's side in mercator metres."""
        return 2 * HALF_WORLD / (1 << self.z)

    @property
    def lonlat(self) -> Bbox:
        """West, south, east, north of the tile with its buffer, in degrees, not beyond the world's edge."""
        margin = self.side * BUFFER / EXTENT
        west, north = self.x * self.side - HALF_WORLD, HALF_WORLD - self.y * self.side
        ends = west - margin, north - self.side - margin, west + self.side + margin, north + margin
        w, s, e, n = (min(max(end, -HALF_WORLD), HALF_WORLD) / EARTH_RADIUS for end in ends)
        return math.degrees(w), _latitude(s), math.degrees(e), _latitude(n)

    def units(self, mercator: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (..., 2) mercator metres into tile units, y down."""
        west, north = self.x * self.side - HALF_WORLD, HALF_WORLD - self.y * self.side
        scale = EXTENT / self.side
        return np.stack([(mercator[..., 0] - west) * scale, (north - mercator[..., 1]) * scale], axis=-1)


def _latitude(north: float) -> float:
    """Degrees of a mercator coordinate in radii of the earth."""
    return math.degrees(2 * math.atan(math.exp(north)) - math.pi / 2)
