"""The layers of a generated nation, written piece by piece as zstd GeoParquet: buildings, roads, forest, zones."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from bench.nation_places import SQUARE_M, Country, Spread
from bench.nation_shapes import WindingLattice, allotted, divided
from carbonmap.synthetic.geoparquet import GeoParquetWriter
from carbonmap.synthetic.noise import hashed_unit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]
Tell = Callable[[str], None]

CRS = "EPSG:5179"
BUILDINGS_AT_ONCE = 100_000
"""Rows of a row group."""
_ROADS_AT_ONCE, _STANDS_AT_ONCE = 50_000, 10_000

USES = (
    "단독주택",
    "공동주택",
    "제1종근린생활시설",
    "제2종근린생활시설",
    "업무시설",
    "교육연구시설",
    "의료시설",
    "공장",
    "창고시설",
    "종교시설",
)
_USE_CHANCE = (0.47, 0.10, 0.11, 0.09, 0.02, 0.02, 0.01, 0.08, 0.08, 0.02)
_UNKNOWN = {"levels": 0.02, "year_built": 0.04, "floor_area": 0.06}
_BUILDING_FIELDS = {
    "id": pa.string(),
    "use": pa.string(),
    "levels": pa.int16(),
    "year_built": pa.int16(),
    "floor_area": pa.float64(),
    "footprint": pa.float64(),
}

_SQUARE = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)])
_WING = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.1), (0.05, 0.1), (0.05, 0.5), (-0.5, 0.5), (-0.5, -0.5)])

# class, chance, lanes, km/h, mean vehicles per day, fraction that is counted, metres from and to
ROADS: tuple[tuple[str, float, int, int, float, float, float, float], ...] = (
    ("motorway", 0.02, 4, 100, 48_000, 1.0, 500, 3_000),
    ("trunk", 0.03, 4, 80, 27_000, 1.0, 400, 3_000),
    ("primary", 0.06, 4, 60, 15_000, 1.0, 300, 2_500),
    ("secondary", 0.10, 2, 60, 8_000, 1.0, 200, 2_500),
    ("tertiary", 0.17, 2, 50, 3_500, 0.4, 150, 2_000),
    ("unclassified", 0.17, 2, 50, 900, 0.0, 100, 1_500),
    ("residential", 0.35, 2, 30, 350, 0.0, 100, 600),
    ("service", 0.10, 1, 20, 150, 0.0, 100, 400),
)
_ROAD_FIELDS = {
    "id": pa.string(),
    "road_class": pa.string(),
    "lanes": pa.int16(),
    "speed_kmh": pa.int16(),
    "aadt": pa.int32(),
}

SPECIES = ("소나무", "잣나무", "낙엽송", "리기다소나무", "편백", "참나무류", "굴참나무", "졸참나무")
_SPECIES_CHANCE = (0.28, 0.05, 0.08, 0.08, 0.04, 0.33, 0.10, 0.04)
_STAND_FIELDS = {"id": pa.string(), "species": pa.string(), "age_class": pa.int16()}
_WOODED = 0.6  # of the country
_NODE_M, _NODES = 15.0, 7  # a stand's border has a vertex every 15 m; it is a rectangle of units of 7 nodes
_LARGEST_UNITS = 180  # about 2 km2
_CLEARINGS = 0.15  # of the stands that have room for one

_ZONE_FIELDS = {"code": pa.string(), "name_ko": pa.string(), "name_en": pa.string(), "parent": pa.string()}
_ZONE_NODES = 16  # vertices along a village's side


def ids(letter: str, first: int, last: int) -> pa.Array:
    """B00000001 and so on, from the feature `first` (counted from 0) up to `last`."""
    digits = pc.utf8_lpad(pa.array(np.arange(first + 1, last + 1)).cast(pa.string()), 8, "0")
    return pc.binary_join_element_wise(letter, digits, "")


def pieces(count: int, at_once: int) -> Iterator[tuple[int, int, int]]:
    """(number, first, last) of the pieces that a layer is made in."""
    for number, first in enumerate(range(0, count, at_once)):
        yield number, first, min(first + at_once, count)


def write_buildings(file: Path, spread: Spread, country: Country, seed: int, tell: Tell) -> NDArray[np.float32]:
    """Write buildings on plots of their own, none upon another.

    Returns:
        (n,) m2 of floor, known or not.
    """
    count = int(spread.ends[-1])
    floors_m2 = np.empty(count, np.float32)
    with GeoParquetWriter(file, _BUILDING_FIELDS, CRS) as writer:
        for number, first, last in pieces(count, BUILDINGS_AT_ONCE):
            rng = np.random.default_rng([seed, 1, number])
            polygons, footprint = _buildings(rng, spread, country, first, last)
            n = last - first
            use = rng.choice(len(USES), n, p=_USE_CHANCE)
            levels = np.where(use == 1, rng.integers(3, 26, n), rng.integers(1, 6, n))
            floors_m2[first:last] = footprint * levels
            unknown = {name: rng.random(n) < chance for name, chance in _UNKNOWN.items()}
            columns = {
                "id": ids("B", first, last),
                "use": pa.array(USES).take(pa.array(use)),
                "levels": pa.array(levels.astype(np.int16), mask=unknown["levels"]),
                "year_built": pa.array(rng.integers(1960, 2024, n).astype(np.int16), mask=unknown["year_built"]),
                "floor_area": pa.array(np.round(footprint * levels, 1), mask=unknown["floor_area"]),
                "footprint": np.round(footprint, 2),
            }
            writer.write(columns, polygons)
            tell(f"buildings: {last:,} of {count:,}")
    return floors_m2


def _buildings(
    rng: np.random.Generator, spread: Spread, country: Country, first: int, last: int
) -> tuple[GeometryArray, FloatArray]:
    """Rectangles and L-shapes, turned as their quarter is, no larger than their plot; and their areas in m2."""
    square, rank = spread.squares(first, last)
    mates = np.diff(spread.ends)[square]
    across = np.ceil(np.sqrt(mates)).astype(np.int64)
    plot = SQUARE_M / across
    n = last - first
    area = rng.lognormal(math.log(100.0), 0.9, n)
    width = np.sqrt(area * rng.uniform(1.0, 2.5, n))
    size = np.stack([width, area / width], axis=1)
    reach = np.hypot(size[:, 0], size[:, 1])
    smaller = np.minimum(1.0, 0.9 * plot / reach)
    size, reach = size * smaller[:, None], reach * smaller
    row, col = spread.row[square], spread.col[square]
    slack = (plot - reach)[:, None] / 2
    corner = np.stack([col * SQUARE_M + rank % across * plot, row * SQUARE_M + rank // across * plot], axis=1)
    centre = corner + plot[:, None] / 2 + rng.uniform(-1.0, 1.0, (n, 2)) * slack + country.origin_m
    angle = math.pi / 4 * (1 + hashed_unit(col // 4, row // 4, 5)) + rng.normal(0.0, 0.05, n)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    has_wing = rng.random(n) < 0.4
    found = np.empty(n, dtype=np.object_)
    for shape, which in ((_SQUARE, ~has_wing), (_WING, has_wing)):
        x, y = np.moveaxis(shape * size[which][:, None], -1, 0)
        turned = np.stack([x * cos[which] - y * sin[which], x * sin[which] + y * cos[which]], axis=-1)
        found[which] = shapely.polygons(np.round(turned + centre[which][:, None], 3))
    return found, np.asarray(size.prod(axis=1) * np.where(has_wing, 0.82, 1.0))


def write_roads(file: Path, spread: Spread, country: Country, seed: int, tell: Tell) -> None:
    """Write winding lines of 5 to 50 vertices; some leave the country."""
    count = int(spread.ends[-1])
    names, chance, lanes, speed, traffic, counted, shortest, longest = (
        np.array(part) for part in zip(*ROADS, strict=True)
    )
    with GeoParquetWriter(file, _ROAD_FIELDS, CRS) as writer:
        for number, first, last in pieces(count, _ROADS_AT_ONCE):
            rng = np.random.default_rng([seed, 2, number])
            n = last - first
            kind = rng.choice(len(ROADS), n, p=chance)
            length = np.exp(rng.uniform(np.log(shortest[kind]), np.log(longest[kind])))
            square, _ = spread.squares(first, last)
            start = (np.stack([spread.col[square], spread.row[square]], axis=1) + rng.random((n, 2))) * SQUARE_M
            vehicles = np.rint(traffic[kind] * rng.lognormal(-0.1, 0.45, n)).astype(np.int32)
            columns = {
                "id": ids("R", first, last),
                "road_class": pa.array(names[kind]),
                "lanes": pa.array(lanes[kind].astype(np.int16)),
                "speed_kmh": pa.array(speed[kind].astype(np.int16)),
                "aadt": pa.array(vehicles, mask=rng.random(n) >= counted[kind]),
            }
            writer.write(columns, _lines(rng, start + country.origin_m, length))
            tell(f"roads: {last:,} of {count:,}")


def _lines(rng: np.random.Generator, start: FloatArray, length_m: FloatArray) -> GeometryArray:
    count = rng.integers(5, 51, start.shape[0])
    owner = np.repeat(np.arange(count.size), count)
    first = np.cumsum(count) - count
    heading = rng.uniform(0.0, 2 * math.pi, count.size)[owner] + _running(
        rng.normal(0.0, 0.25, owner.size), first, owner
    )
    step = (length_m / (count - 1))[owner] * rng.uniform(0.5, 1.5, owner.size)
    step[first] = 0.0
    x, y = (_running(step * turn(heading), first, owner) for turn in (np.cos, np.sin))
    xy = np.round(start[owner] + np.stack([x, y], axis=1), 3)
    return np.asarray(shapely.linestrings(xy, indices=owner), dtype=np.object_)


def _running(steps: FloatArray, first: IntArray, owner: IntArray) -> FloatArray:
    """Running sums that begin anew with every feature."""
    total = np.cumsum(steps)
    return np.asarray(total - (total - steps)[first][owner], dtype=np.float64)


def write_forests(file: Path, count: int, country: Country, seed: int, tell: Tell) -> None:
    """Write stands that share winding borders with their neighbours, wooded hills together, some with a clearing."""
    rng = np.random.default_rng([seed, 3])
    lattice = WindingLattice.of(country.origin_m, (_NODE_M, _NODE_M), 7_000.0, seed + 3)
    unit_m = _NODE_M * _NODES
    whole = np.array([[0, 0, country.wide_m // unit_m, country.high_m // unit_m]], dtype=np.int64)
    units = int(whole[0, 2] * whole[0, 3])
    parts = min(units, math.ceil(count / _WOODED))
    stands, _ = divided(whole, np.array([parts]), rng, uneven=0.4, most=0.5 * _LARGEST_UNITS)
    stands = _wooded(stands, count, rng)
    with GeoParquetWriter(file, _STAND_FIELDS, CRS) as writer:
        for number, first, last in pieces(len(stands), _STANDS_AT_ONCE):
            rng = np.random.default_rng([seed, 4, number])
            here = stands[first:last]
            n = last - first
            roomy = (here[:, 2:] - here[:, :2] >= 3).all(axis=1)
            cleared = np.flatnonzero(roomy & (rng.random(n) < _CLEARINGS))
            corner = (here[cleared, :2] + here[cleared, 2:]) // 2
            holes = np.concatenate([corner, corner + 1], axis=1) * _NODES
            species = rng.choice(len(SPECIES), n, p=_SPECIES_CHANCE)
            columns = {
                "id": ids("F", first, last),
                "species": pa.array(SPECIES).take(pa.array(species)),
                "age_class": pa.array(rng.integers(1, 7, n).astype(np.int16)),
            }
            writer.write(columns, lattice.polygons(here * _NODES, holes, cleared))
            tell(f"forest stands: {last:,} of {len(stands):,}")


def _wooded(parts: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """As many of the parts as asked, the highest ones of made-up hills."""
    middle = (parts[:, :2] + parts[:, 2:]) / 2
    height = rng.normal(0.0, 0.6, len(parts))
    for _ in range(6):
        wave = rng.normal(0.0, 2 * math.pi / 150, 2)
        height += np.sin(middle @ wave + rng.uniform(0.0, 2 * math.pi))
    height[(parts[:, 2:] - parts[:, :2]).prod(axis=1) > _LARGEST_UNITS] = -np.inf
    chosen = np.sort(np.argsort(-height, kind="stable")[:count])
    return np.asarray(parts[chosen], dtype=np.int64)


def write_zones(
    folder: Path, levels: tuple[tuple[str, str, str, int], ...], villages: tuple[int, int], country: Country, seed: int
) -> None:
    """Write administrative levels, each within the one above, whose neighbours share every vertex of their border.

    Args:
        folder: gets `<level>.parquet` of each.
        levels: id, Korean and English word, and number of zones of each level, the largest zones first.
        villages: how many units there are from west to east and from south to north; zones are made of whole ones.
        country: the ground.
        seed: of all chance.
    """
    rng = np.random.default_rng([seed, 6])
    across, along = villages
    step_m = country.wide_m / across / _ZONE_NODES, country.high_m / along / _ZONE_NODES
    lattice = WindingLattice.of(country.origin_m, step_m, 9_000.0, seed + 6)
    zones = np.array([[0, 0, across, along]], dtype=np.int64)
    codes = np.array([""])
    for name, korean, english, count in levels:
        counts = allotted(count - len(zones), _room(zones)) + 1 if count > len(zones) else np.ones(len(zones), np.int64)
        parts, owner = divided(zones, counts, rng, uneven=0.25)
        number = np.arange(len(parts)) - np.searchsorted(owner, owner)
        parent = codes[owner]
        codes = np.char.add(parent, np.char.zfill((number + 1).astype(np.str_), 2 if name == levels[0][0] else 3))
        columns: dict[str, Any] = {
            "code": codes,
            "name_ko": [f"{korean} {code}" for code in codes.tolist()],
            "name_en": [f"{english} {code}" for code in codes.tolist()],
            "parent": pa.array(parent.tolist(), mask=parent == ""),
        }
        with GeoParquetWriter(folder / f"{name}.parquet", _ZONE_FIELDS, CRS) as writer:
            writer.write(columns, lattice.polygons(parts * _ZONE_NODES))
        zones = parts


def _room(zones: IntArray) -> FloatArray:
    """For how many more parts there is room in each; a zone of one village has none."""
    return np.asarray((zones[:, 2:] - zones[:, :2]).prod(axis=1) - 1, dtype=np.float64)
