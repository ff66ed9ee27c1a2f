"""Generated inputs: buildings, roads, forests and zones of a city at one density, whatever its size.

The same number of buildings gives the same geometries everywhere. Everything is in metres of a projected CRS at
the coordinates of a real country, since large coordinates are what exactness suffers from.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

CRS = "EPSG:5179"
CELL_M = 100
LAYERS = ("buildings", "roads", "forests")
BORDER_ROADS = "border-roads"
"""Roads that follow zones' borders, as real ones do: for ours alone, since tools differ in whose such roads are."""

_WEST, _SOUTH = 940_000, 1_940_000
_KM2_PER_BUILDING = 0.008  # 200,000 buildings on 40 km x 40 km
_FEATURES_PER_BUILDING = {"buildings": 1.0, "roads": 0.1, "forests": 0.01, BORDER_ROADS: 0.1}
_ZONE_SIDE_M = 3_000


@dataclass(frozen=True)
class Frame:
    """The square on which everything lies: whole kilometres, so that it is a whole number of cells.

    Attributes:
        side_m: of the square.
        west_m, south_m: its corner.
        crs: of all coordinates, metres.
    """

    side_m: int
    west_m: int = _WEST
    south_m: int = _SOUTH
    crs: str = CRS

    @classmethod
    def of(cls, buildings: int) -> "Frame":
        """The frame of a city of so many buildings."""
        return cls(1000 * max(2, round(math.sqrt(buildings * _KM2_PER_BUILDING))))

    @classmethod
    def around(cls, bounds: FloatArray, crs: str) -> "Frame":
        """The smallest frame around west, south, east, north, each 1 km away at least."""
        (west, south), (east, north) = np.floor(bounds[:2] / 1000) - 1, np.ceil(bounds[2:] / 1000) + 1
        side = max(east - west, north - south)
        return cls(1000 * int(side), 1000 * int(west), 1000 * int(south), crs)

    @property
    def cells(self) -> int:
        """Cells along one side."""
        return self.side_m // CELL_M

    @property
    def origin_m(self) -> tuple[int, int]:
        """The south-western corner."""
        return self.west_m, self.south_m

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        return self.west_m, self.south_m, self.west_m + self.side_m, self.south_m + self.side_m

    @property
    def polygon(self) -> BaseGeometry:
        """The square itself."""
        return shapely.box(*self.bounds)

    def cell_polygons(self) -> GeometryArray:
        """The cells' squares, row by row from the south-west."""
        row, col = np.divmod(np.arange(self.cells**2), self.cells)
        x, y = self.west_m + col * CELL_M, self.south_m + row * CELL_M
        return np.asarray(shapely.box(x, y, x + CELL_M, y + CELL_M), dtype=np.object_)


@dataclass(frozen=True)
class Layer:
    """Features of one kind in memory: polygons or lines, and the number that is to be shared out."""

    name: str
    geometries: GeometryArray
    values: FloatArray

    @property
    def is_lines(self) -> bool:
        """Whether the features are measured by length."""
        return bool((shapely.get_dimensions(self.geometries[:1]) == 1).all())

    def frame(self, crs: str) -> gpd.GeoDataFrame:
        """The layer as most programs hand it over."""
        return gpd.GeoDataFrame(
            {"feature": np.arange(self.values.size), "value": self.values}, geometry=self.geometries, crs=crs
        )

    def first(self, count: int) -> "Layer":
        """The first features alone: enough to load what is loaded at a first call."""
        return Layer(self.name, self.geometries[:count], self.values[:count])


def features_of(layer: str, buildings: int) -> int:
    """How many features of a layer a city of so many buildings has."""
    return max(3, round(buildings * _FEATURES_PER_BUILDING[layer]))


def make_layer(name: str, buildings: int) -> Layer:
    """The features of one layer of a city of so many buildings."""
    count, frame = features_of(name, buildings), Frame.of(buildings)
    rng = np.random.default_rng([20260101, (*LAYERS, BORDER_ROADS).index(name), buildings])
    if name == BORDER_ROADS:
        shapes = _border_roads(rng, count, make_zones(buildings))
    else:
        shapes = _MAKERS[name](rng, count, frame)
    return Layer(name, shapes, rng.uniform(1.0, 1000.0, count))


def make_zones(buildings: int) -> GeometryArray:
    """Zones that tile the frame: a bent lattice whose borders wind, each border the same line for both neighbours."""
    frame = Frame.of(buildings)
    across = max(2, round(frame.side_m / _ZONE_SIDE_M))
    step, segments = frame.side_m / across, 32
    rng = np.random.default_rng([20260101, 9, buildings])
    corner = np.stack(np.meshgrid(np.arange(across + 1.0), np.arange(across + 1.0)), axis=-1) * step
    inner = corner[1:-1, 1:-1]
    inner += rng.uniform(-0.2, 0.2, inner.shape) * step
    corner += [_WEST, _SOUTH]

    def border(start: FloatArray, stop: FloatArray, is_rim: bool) -> FloatArray:
        t = np.linspace(0.0, 1.0, segments + 1)[:, None]
        line: FloatArray = start + (stop - start) * t
        if not is_rim:
            normal = np.array([-(stop - start)[1], (stop - start)[0]])
            line = line + normal * np.sin(np.pi * t) * rng.normal(0.0, 0.02, t.shape)
            line[0], line[-1] = start, stop
        return line

    count = across + 1
    east = {
        (j, i): border(corner[j, i], corner[j, i + 1], j in (0, across)) for j in range(count) for i in range(across)
    }
    north = {
        (j, i): border(corner[j, i], corner[j + 1, i], i in (0, across)) for j in range(across) for i in range(count)
    }
    rings = [
        np.concatenate([east[j, i][:-1], north[j, i + 1][:-1], east[j + 1, i][:0:-1], north[j, i][::-1]])
        for j in range(across)
        for i in range(across)
    ]
    return np.array([shapely.Polygon(ring) for ring in rings], dtype=np.object_)


def with_gaps(zones: GeometryArray) -> GeometryArray:
    """Zones as they come: one in eight is missing, one in three drawn by itself, half a metre inside its borders."""
    place = np.arange(zones.size)
    drawn = np.where(place % 3 == 1, shapely.buffer(zones, -0.5, join_style="mitre"), zones)
    return np.asarray(drawn[place % 8 != 3], dtype=np.object_)


def write_layer(layer: Layer, file: Path) -> None:
    """Write a layer as zstd GeoParquet does: WKB beside its columns."""
    table = pa.table({"value": layer.values, "geometry": pa.array(shapely.to_wkb(layer.geometries), pa.binary())})
    pq.write_table(table, file, compression="zstd")


def read_layer(name: str, file: Path) -> Layer:
    """Read a layer back into memory, geometry objects and all."""
    table = pq.read_table(file)
    geometries = shapely.from_wkb(table["geometry"].to_numpy())
    return Layer(name, np.asarray(geometries, dtype=np.object_), table["value"].to_numpy())


def read_values(file: Path) -> FloatArray:
    """Read the numbers of a layer alone."""
    return np.asarray(pq.read_table(file, columns=["value"])["value"].to_numpy(), dtype=np.float64)


def _places(rng: np.random.Generator, count: int, frame: Frame) -> FloatArray:
    """Places in towns of many sizes, and one in seven anywhere; 100 m away from the frame's rim."""
    towns = 60
    centre = rng.uniform(0.05, 0.95, (towns, 2)) * frame.side_m
    weight = rng.pareto(1.2, towns) + 0.2
    town = rng.choice(towns, count, p=weight / weight.sum())
    place = centre[town] + rng.normal(0.0, 0.04, (count, 2)) * frame.side_m
    low, high = 100.0, frame.side_m - 100.0
    anywhere = (rng.random(count) < 0.15) | (place < low).any(axis=1) | (place > high).any(axis=1)
    place[anywhere] = rng.uniform(low, high, (int(anywhere.sum()), 2))
    return np.asarray(place + frame.origin_m, dtype=np.float64)


def _buildings(rng: np.random.Generator, count: int, frame: Frame) -> GeometryArray:
    """Rectangles and L-shapes, turned any way, about 150 m2 each."""
    place = _places(rng, count, frame)
    area = rng.lognormal(math.log(100.0), 0.9, count)
    width = np.sqrt(area * rng.uniform(1.0, 2.5, count))
    size = np.stack([width, area / width], axis=1)
    angle = rng.uniform(0.0, math.pi / 2, count)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    square = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)])
    wing = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.1), (0.05, 0.1), (0.05, 0.5), (-0.5, 0.5), (-0.5, -0.5)])
    has_wing = rng.random(count) < 0.4
    found = np.empty(count, dtype=np.object_)
    for shape, which in ((square, ~has_wing), (wing, has_wing)):
        x, y = np.moveaxis(shape * size[which][:, None], -1, 0)
        turned = np.stack([x * cos[which] - y * sin[which], x * sin[which] + y * cos[which]], axis=-1)
        found[which] = shapely.polygons(turned + place[which][:, None])
    return found


def _roads(rng: np.random.Generator, count: int, frame: Frame) -> GeometryArray:
    """Winding lines of 5 to 50 vertices and 100 m to 3 km; some leave the frame."""
    place = _places(rng, count, frame)
    found = np.empty(count, dtype=np.object_)
    for k in range(count):
        vertices = int(rng.integers(5, 51))
        length = math.exp(rng.uniform(math.log(100.0), math.log(3000.0)))
        step = length / (vertices - 1) * rng.uniform(0.5, 1.5, vertices)
        heading = rng.uniform(0.0, 2 * math.pi) + np.cumsum(rng.normal(0.0, 0.25, vertices))
        step[0] = 0.0
        line = np.cumsum(np.stack([step * np.cos(heading), step * np.sin(heading)], axis=1), axis=0)
        found[k] = shapely.LineString(place[k] + line)
    return found


def _border_roads(rng: np.random.Generator, count: int, zones: GeometryArray) -> GeometryArray:
    """Lines of 5 to 50 vertices on borders of zones, vertex for vertex; every third comes from 100 m beside."""
    rings = [shapely.get_coordinates(zone)[:-1] for zone in zones]
    found = np.empty(count, dtype=np.object_)
    for k in range(count):
        ring = rings[int(rng.integers(len(rings)))]
        line = ring[(int(rng.integers(len(ring))) + np.arange(int(rng.integers(5, 51)))) % len(ring)]
        if k % 3 == 0:
            angle = rng.uniform(0.0, 2 * math.pi)
            line = np.vstack([line[0] + [100 * math.cos(angle), 100 * math.sin(angle)], line])
        found[k] = shapely.LineString(line)
    return found


def _forests(rng: np.random.Generator, count: int, frame: Frame) -> GeometryArray:
    """Stands of 0.01 to 20 km2 and 50 to 2,000 vertices, two in five with clearings; some leave the frame."""
    found = np.empty(count, dtype=np.object_)
    for k in range(count):
        radius = math.sqrt(math.exp(rng.uniform(math.log(0.01e6), math.log(20e6))) / math.pi)
        vertices = int(math.exp(rng.uniform(math.log(50), math.log(2000))))
        centre = rng.uniform(0.0, frame.side_m, 2) + frame.origin_m
        holes = []
        if rng.random() < 0.4:
            first = rng.uniform(0.0, 2 * math.pi)
            for quarter in range(int(rng.integers(1, 5))):
                angle = first + quarter * math.pi / 2
                middle = centre + 0.38 * radius * np.array([math.cos(angle), math.sin(angle)])
                holes.append(_blob(rng, middle, 0.1 * radius, max(8, vertices // 10)))
        found[k] = shapely.Polygon(_blob(rng, centre, radius, vertices), holes)
    return found


def _blob(rng: np.random.Generator, centre: FloatArray, radius: float, vertices: int) -> FloatArray:
    """A star-shaped ring (vertices, 2), never nearer to its centre than 0.65 and never farther than 1.45 radii."""
    angle = np.linspace(0.0, 2 * math.pi, vertices, endpoint=False)
    reach = 1.0 + rng.normal(0.0, 0.01, vertices)
    for wave in (2, 3, 5, 9, 17, 33):
        reach += rng.normal(0.0, 0.35 / wave) * np.sin(wave * angle + rng.uniform(0.0, 2 * math.pi))
    reach = np.clip(reach, 0.65, 1.45) * radius
    return np.asarray(centre + np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1), dtype=np.float64)


_MAKERS: dict[str, Callable[[np.random.Generator, int, Frame], GeometryArray]] = {
    "buildings": _buildings,
    "roads": _roads,
    "forests": _forests,
}
