"""The plan of a synthetic region: how many city tiles, how large, and the bent plane they are drawn on.

A region is a mosaic of city tiles. Everything is laid out on a flat plane (u, v) in metres where a tile is a rectangle
and its river a straight line; `Plan.bend` then carries the plane smoothly onto the map, so that rivers meander, streets
curve with the valley and borders wiggle, while neighbours that share a vertex on the plane share it on the map.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from carbonmap.errors import RegionError
from carbonmap.synthetic.noise import FloatArray, value_noise

__all__ = ["MAX_BUILDINGS", "MIN_BUILDINGS", "Plan", "Tile", "make_plan"]

CRS = "EPSG:5179"
CITY_BUILDINGS = 20_000  # one tile holds about this many
AREA_PER_BUILDING_M2 = 9_000.0  # of the whole territory, hills and fields included
ASPECT = 1.25  # width over height of a tile
FULL_WIDTH_M = 15_000.0  # the width at which hills, river and bends have their full size
MIN_BUILDINGS = 200
MAX_BUILDINGS = 15_000_000  # 999 tiles: what five-digit district codes hold

_SOUTHWEST = (960_000.0, 1_920_000.0)
_EAST_LIMIT, _NORTH_LIMIT = 1_380_000.0, 2_080_000.0  # inside the national grid, cells gaga to saha


@dataclass(frozen=True)
class Plan:
    """The mosaic: counts, sizes in metres and the seed.

    Attributes:
        tile_buildings: (rows * cols,) buildings per tile.
        cell_m: side of the raster cells on which land, forest and zones are decided.
        scale: 1 for a full-size tile, smaller for a smaller city.
    """

    buildings: int
    seed: int
    rows: int
    cols: int
    width_m: float
    height_m: float
    cell_m: float
    scale: float
    origin: tuple[float, float]
    tile_buildings: tuple[int, ...]

    def tiles(self) -> "list[Tile]":
        """All tiles, row by row from the south-west."""
        return [Tile(self, k, k // self.cols, k % self.cols) for k in range(self.rows * self.cols)]

    def bend(self, uv: FloatArray) -> FloatArray:
        """Carry places of the flat plane to the map.

        Args:
            uv: (n, 2) metres on the plane.

        Returns:
            (n, 2) metres in the region's CRS, rounded to the centimetre: equal places stay equal.
        """
        return np.round(uv + self._shift(uv[:, 0], uv[:, 1]), 2)

    def bend_all(self, geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
        """Carry every vertex of many geometries to the map; a vertex shared on the plane is shared on the map."""
        return np.asarray(shapely.transform(geometries, self.bend), dtype=object)

    def crinkle(self, uv: FloatArray) -> FloatArray:
        """As `bend`, with small wiggles, for edges of woods. Still continuous and without folds, `(n, 2) -> (n, 2)`."""
        size = max(0.3, self.scale)
        wave = 190.0 * size
        du = 16.0 * size * value_noise(uv[:, 0], uv[:, 1], wave, self.seed + 6)
        dv = 16.0 * size * value_noise(uv[:, 0], uv[:, 1], wave, self.seed + 7)
        return self.bend(uv + np.column_stack([du, dv]))

    def _shift(self, u: FloatArray, v: FloatArray) -> FloatArray:
        s = self.scale
        du = 330.0 * s * value_noise(u, v, 5_200.0 * s, self.seed + 1)
        dv = 330.0 * s * value_noise(u, v, 5_200.0 * s, self.seed + 2)
        du = du + 70.0 * s * value_noise(u, v, 1_500.0 * s, self.seed + 4)
        dv = dv + 70.0 * s * value_noise(u, v, 1_500.0 * s, self.seed + 5)
        row = np.floor((v - self.origin[1]) / self.height_m)
        across = (v - self.origin[1]) / self.height_m - row
        meander = value_noise(u, row * 1e6, 4_600.0 * s, self.seed + 3)
        dv = dv + 620.0 * s * meander * np.sin(np.pi * across) ** 2
        return np.column_stack([du, dv])


@dataclass(frozen=True)
class Tile:
    """One city of the mosaic: a rectangle of the plane with its river along the middle."""

    plan: Plan
    index: int
    row: int
    col: int

    @property
    def u0(self) -> float:
        """West edge on the plane."""
        return self.plan.origin[0] + self.col * self.plan.width_m

    @property
    def v0(self) -> float:
        """South edge on the plane."""
        return self.plan.origin[1] + self.row * self.plan.height_m

    @property
    def river_v(self) -> float:
        """The river's line on the plane."""
        return self.v0 + 0.5 * self.plan.height_m

    @property
    def buildings(self) -> int:
        """How many buildings stand here."""
        return self.plan.tile_buildings[self.index]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the tile's raster; row 0 in the south."""
        return round(self.plan.height_m / self.plan.cell_m), round(self.plan.width_m / self.plan.cell_m)

    def generator(self, *purpose: int) -> np.random.Generator:
        """Random numbers for one purpose, independent of the order in which purposes are served."""
        return np.random.default_rng([self.plan.seed, self.index, *purpose])

    def cell_centres(self) -> tuple[FloatArray, FloatArray]:
        """(rows, columns) plane coordinates of the raster's cell centres."""
        rows, cols = self.shape
        u = self.u0 + (np.arange(cols) + 0.5) * self.plan.cell_m
        v = self.v0 + (np.arange(rows) + 0.5) * self.plan.cell_m
        grid_u, grid_v = np.meshgrid(u, v)
        return grid_u, grid_v

    def cell_of(self, uv: FloatArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Raster row and column of places on the plane, `(n, 2) -> (n,), (n,)`, held inside the tile."""
        rows, cols = self.shape
        col = np.clip(np.floor((uv[:, 0] - self.u0) / self.plan.cell_m), 0, cols - 1).astype(np.int64)
        row = np.clip(np.floor((uv[:, 1] - self.v0) / self.plan.cell_m), 0, rows - 1).astype(np.int64)
        return row, col

    def outline(self) -> shapely.Polygon:
        """The tile on the map, a vertex at every raster cell of its edge."""
        rows, cols = self.shape
        step = self.plan.cell_m
        u = self.u0 + np.arange(cols + 1) * step
        v = self.v0 + np.arange(rows + 1) * step
        ring = np.concatenate(
            [
                np.column_stack([u[:-1], np.full(cols, v[0])]),
                np.column_stack([np.full(rows, u[-1]), v[:-1]]),
                np.column_stack([u[:0:-1], np.full(cols, v[-1])]),
                np.column_stack([np.full(rows, u[0]), v[:0:-1]]),
            ]
        )
        return shapely.Polygon(self.plan.bend(ring))


def make_plan(buildings: int, seed: int) -> Plan:
    """Decide mosaic and sizes for a number of buildings.

    Args:
        buildings: how many the region shall hold, `MIN_BUILDINGS` to `MAX_BUILDINGS`; territory grows with it.
        seed: any non-negative integer.

    Raises:
        RegionError: a size or seed that cannot be served.
    """
    if not MIN_BUILDINGS <= buildings <= MAX_BUILDINGS:
        raise RegionError(
            f"a synthetic city of {buildings:,} buildings was asked for; "
            f"between {MIN_BUILDINGS:,} and {MAX_BUILDINGS:,} can be drawn"
        )
    if seed < 0:
        raise RegionError(f"the seed is {seed}; a non-negative integer is expected")
    count = max(1, round(buildings / CITY_BUILDINGS))
    rows = max(1, round(count**0.5))
    cols = -(-count // rows)
    tiles = rows * cols
    share, rest = divmod(buildings, tiles)
    area = AREA_PER_BUILDING_M2 * buildings / tiles
    width = (area * ASPECT) ** 0.5
    cell = 50.0 if width >= 9_000.0 else 25.0 if width >= 4_000.0 else 10.0
    width = round(width / cell / 4) * cell * 4
    height = round(area / width / cell / 4) * cell * 4
    origin = (
        _SOUTHWEST[0] - max(0.0, _SOUTHWEST[0] + cols * width - _EAST_LIMIT),
        _SOUTHWEST[1] - max(0.0, _SOUTHWEST[1] + rows * height - _NORTH_LIMIT),
    )
    return Plan(
        buildings=buildings,
        seed=seed,
        rows=rows,
        cols=cols,
        width_m=width,
        height_m=height,
        cell_m=cell,
        scale=min(1.0, width / FULL_WIDTH_M),
        origin=origin,
        tile_buildings=tuple(share + (k < rest) for k in range(tiles)),
    )
