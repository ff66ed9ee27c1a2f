"""Inputs of Jizzakh region, generated on its real extent: an OpenStreetMap extract and two tiles of land cover.

Districts are the real ones, and so is the region file; houses, streets and ground are invented from a seed. The full
size is 350,000 buildings (1.4 million people) and WorldCover's own pixels, 12,000 to a degree.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import osmium
import pyproj
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from osmium.osm.mutable import Node, Way
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from carbonmap.resources import region_files

Tell = Callable[[str], None]
FloatArray = NDArray[np.float64]

NAME = "jizzakh"
DISTRICTS = "jizzakh-districts.geojson"
EXTRACT = "uzbekistan-latest.osm.pbf"
TILES = {66: "ESA_WorldCover_10m_2021_v200_N39E066_Map.tif", 69: "ESA_WorldCover_10m_2021_v200_N39E069_Map.tif"}
"""By their western edge in degrees; both reach from 39 to 42 degrees north."""

CRS = "EPSG:32642"
SOUTH, NORTH, TILE_DEGREES = 39, 42, 3
DRAWN = (66.6, 39.5, 69.06, 41.2)
"""West, south, east, north of the ground that is drawn; the rest of a tile is without data, as far from the region."""

CLASSES = np.array([40, 30, 60, 20, 10, 80, 50], dtype=np.uint8)
"""Codes of WorldCover: crops, grass, bare, shrub, trees, water, built."""
_UP_TO = (0.28, 0.50, 0.68, 0.80, 0.94, 0.97)
_SPECKLE = 0.03
_BLOCK = 1024

_USES = (
    ("house", 0.55), ("yes", 0.33), ("apartments", 0.04), ("retail", 0.03), ("school", 0.01), ("industrial", 0.02),
    ("farm_auxiliary", 0.02),
)  # fmt: skip
_PEOPLE_PER_TOWN = 2_000
_BUILDINGS_PER_STREET = 12


@dataclass(frozen=True)
class Jizzakh:
    """How much of it is drawn.

    Attributes:
        buildings: of the extract.
        pixels: of land cover along a degree.
        seed: of all chance.
    """

    buildings: int = 350_000
    pixels: int = 12_000
    seed: int = 20260101


def write_jizzakh(folder: Path, size: Jizzakh, tell: Tell) -> Path:
    """Write the inputs that `data/regions/jizzakh.yaml` names, and a copy of it that says they are synthetic.

    Args:
        folder: made if it is not there.
        size: how much is drawn.
        tell: is told of each step.

    Returns:
        The region file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shipped = region_files()[NAME]
    shutil.copy(shipped.with_name(DISTRICTS), folder / DISTRICTS)
    region = folder / "region.yaml"
    region.write_text(shipped.read_text("utf-8") + "synthetic: true\n", encoding="utf-8")
    rng = np.random.default_rng(size.seed)
    tell(f"drawing {size.buildings:,} buildings")
    _write_extract(folder / EXTRACT, size, rng)
    for west, name in TILES.items():
        tell(f"drawing land cover from {west} degrees east, {size.pixels:,} pixels to a degree")
        _write_tile(folder / name, west, size)
    return region


class _Town(NamedTuple):
    """A town: where, and how many buildings."""

    east: float
    north: float
    buildings: int


def _towns(size: Jizzakh, rng: np.random.Generator) -> list[_Town]:
    """Towns of every district, the city denser than any; their buildings add up to the size."""
    districts = gpd.read_file(region_files()[NAME].with_name(DISTRICTS)).to_crs(CRS)
    # People live in the oases: a district's part goes with the root of its area, the city's is a fifth of all.
    weight = np.sqrt(districts.area.to_numpy())
    city = districts["soato"].to_numpy() == "1708401"
    weight = np.where(city, 0.25 * weight[~city].sum(), weight)
    part = np.floor(size.buildings * weight / weight.sum()).astype(int)
    part[np.argmax(part)] += size.buildings - part.sum()
    towns: list[_Town] = []
    for shape, buildings in zip(shapely.make_valid(districts.geometry.to_numpy()), part.tolist(), strict=True):
        count = max(1, round(buildings / _PEOPLE_PER_TOWN))
        for number, (east, north) in enumerate(itertools.islice(_points_in(shape, rng), count)):
            towns.append(_Town(east, north, buildings // count + (number < buildings % count)))
    return towns


def _points_in(shape: BaseGeometry, rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    west, south, east, north = shape.bounds
    while True:
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        if shapely.contains_xy(shape, x, y):
            yield float(x), float(y)


@dataclass
class _Drawing:
    """Nodes and ways of the extract, in the order of their ids."""

    east: list[FloatArray]
    north: list[FloatArray]
    ways: list[tuple[int, list[int], dict[str, str]]]
    places: list[tuple[int, str]]
    nodes: int = 0

    def add(self, xy: FloatArray) -> int:
        """Append (n, 2) nodes; gives the id of the first."""
        first = self.nodes + 1
        self.east.append(xy[:, 0])
        self.north.append(xy[:, 1])
        self.nodes += len(xy)
        return first

    def way(self, nodes: list[int], tags: dict[str, str]) -> None:
        """Append a way."""
        self.ways.append((len(self.ways) + 1, nodes, tags))


def _write_extract(path: Path, size: Jizzakh, rng: np.random.Generator) -> None:
    drawing = _Drawing([], [], [], [])
    towns = _towns(size, rng)
    for number, town in enumerate(towns):
        _draw_buildings(drawing, town, rng)
        _draw_streets(drawing, town, towns[number - 1] if number else None, rng)
        drawing.places.append((drawing.add(np.array([[town.east, town.north]])), f"Qishloq {number + 1}"))
    lon, lat = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(
        np.concatenate(drawing.east), np.concatenate(drawing.north)
    )
    named = dict(drawing.places)
    path.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(path)) as writer:
        for number, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True), start=1):
            tags = {"place": "village", "name": named[number]} if number in named else {}
            writer.add_node(Node(id=number, location=(x, y), version=1, tags=tags))
        for number, nodes, tags in drawing.ways:
            writer.add_way(Way(id=number, nodes=nodes, version=1, tags=tags))


def _draw_buildings(drawing: _Drawing, town: _Town, rng: np.random.Generator) -> None:
    count = town.buildings
    if not count:
        return
    spread = 60.0 * np.sqrt(count)
    middle = np.array([town.east, town.north]) + rng.normal(0, spread, (count, 2))
    half = rng.uniform(4, 11, (count, 2))
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    angle = rng.uniform(0, np.pi / 2, count)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    xy = middle[:, None, :] + np.einsum("nij,nkj->nki", turn, corners[None] * half[:, None, :])
    first = drawing.add(xy.reshape(-1, 2))
    uses = rng.choice([use for use, _ in _USES], count, p=[part for _, part in _USES])
    storeys = rng.integers(1, 6, count)
    says = rng.random(count) < 0.1
    for number, use in enumerate(uses.tolist()):
        begin = first + 4 * number
        tags = {"building": use}
        if says[number]:
            tags["building:levels"] = str(storeys[number] if use == "apartments" else 1)
        drawing.way([begin, begin + 1, begin + 2, begin + 3, begin], tags)


def _draw_streets(drawing: _Drawing, town: _Town, before: _Town | None, rng: np.random.Generator) -> None:
    reach = 100.0 * np.sqrt(max(town.buildings, 1))
    for _ in range(max(1, town.buildings // _BUILDINGS_PER_STREET)):
        begin = np.array([town.east, town.north]) + rng.normal(0, reach / 2, 2)
        end = begin + rng.normal(0, 250, 2)
        first = drawing.add(np.linspace(begin, end, 4))
        drawing.way(list(range(first, first + 4)), {"highway": str(rng.choice(["residential", "unclassified"]))})
    if before is not None:
        first = drawing.add(np.linspace([before.east, before.north], [town.east, town.north], 40))
        drawing.way(list(range(first, first + 40)), {"highway": "primary", "maxspeed": "70"})


def _write_tile(path: Path, west: int, size: Jizzakh) -> None:
    """One tile of 3 x 3 degrees; classes change over kilometres and over some hundred metres, with single pixels."""
    side = TILE_DEGREES * size.pixels
    step = 1 / size.pixels
    coarse, fine = _Field(0.2, size.seed), _Field(0.01, size.seed + 1)
    profile = {
        "driver": "GTiff", "width": side, "height": side, "count": 1, "dtype": "uint8", "crs": "EPSG:4326",
        "transform": Affine(step, 0, west, 0, -step, NORTH), "nodata": 0, "compress": "deflate", "zlevel": 1,
        "tiled": True, "blockxsize": _BLOCK, "blockysize": _BLOCK, "sparse_ok": True,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        for top in range(0, side, _BLOCK):
            for left in range(0, side, _BLOCK):
                width, height = min(_BLOCK, side - left), min(_BLOCK, side - top)
                lon = np.asarray(west + (left + np.arange(width) + 0.5) * step, dtype=np.float64)
                lat = np.asarray(NORTH - (top + np.arange(height) + 0.5) * step, dtype=np.float64)
                if lon[-1] < DRAWN[0] or lon[0] > DRAWN[2] or lat[0] < DRAWN[1] or lat[-1] > DRAWN[3]:
                    continue
                rng = np.random.default_rng([size.seed, west, top, left])
                target.write(_classes(lon, lat, coarse, fine, rng), 1, window=Window(left, top, width, height))


def _classes(
    lon: FloatArray, lat: FloatArray, coarse: "_Field", fine: "_Field", rng: np.random.Generator
) -> NDArray[np.uint8]:
    height = 0.65 * coarse.at(lon, lat) + 0.35 * fine.at(lon, lat)
    place = np.digitize(height, _UP_TO)
    single = rng.random(place.shape, dtype=np.float32) < _SPECKLE
    place[single] = rng.integers(0, len(CLASSES), int(single.sum()))
    return CLASSES[place]


class _Field:
    """Values between 0 and 1 that change smoothly over `degrees`, the same wherever they are asked for."""

    def __init__(self, degrees: float, seed: int) -> None:
        self._degrees = degrees
        self._west, self._south, east, north = DRAWN[0] - 1, DRAWN[1] - 1, DRAWN[2] + 1, DRAWN[3] + 1
        shape = (int((north - self._south) / degrees) + 2, int((east - self._west) / degrees) + 2)
        self._values = np.random.default_rng(seed).random(shape)

    def at(self, lon: FloatArray, lat: FloatArray) -> FloatArray:
        """(rows, columns) values, bilinear."""
        rows, columns = self._weights(lat - self._south, 0), self._weights(lon - self._west, 1)
        return np.asarray(rows @ self._values @ columns.T)

    def _weights(self, offset: FloatArray, axis: int) -> FloatArray:
        place = np.clip(offset / self._degrees, 0, self._values.shape[axis] - 1.001)
        whole = place.astype(int)
        weights = np.zeros((len(offset), self._values.shape[axis]))
        weights[np.arange(len(offset)), whole] = 1 - (place - whole)
        weights[np.arange(len(offset)), whole + 1] = place - whole
        return weights
