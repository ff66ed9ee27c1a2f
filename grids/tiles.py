"""Map tiles of an edition: rows near a tile are projected, clipped, quantised and written as a vector tile.

Tiles are those of WebMercatorQuad (OGC 17-083r4): row 0 is the northernmost, 4096 units to a side.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely
from isal import isal_zlib
from numpy.typing import NDArray

from grids.edition import Edition, Page
from grids.manifest import Bbox, Collection
from grids.mvt import EXTENT, LINE, NOTHING, POINT, POLYGON, Constant, TileGeometry, encode_layer
from grids.projections import LONLAT, MERCATOR, reproject, transformer
from grids.store_errors import TileError
from grids.tables import GEOMETRY, Geometries

MAX_ZOOM = 22
BUFFER = 64  # units beyond the tile's edge, so that outlines do not show where tiles meet
CELLS_PER_TILE = 30_000  # a collection of fewer rows is drawn from zoom 0 on
CONTEXT_KINDS = ("water", "green", "roads", "boundaries", "places")
CONTEXT_MIN_ZOOM, CONTEXT_MAX_ZOOM = 0, 15

_GZIP = 31  # bits of the window, and 16: with the head and the foot of a gzip member
_EARTH_RADIUS = 6_378_137.0
_HALF_WORLD = math.pi * _EARTH_RADIUS
_SIMPLIFY_UNITS = 3.0  # under half a pixel of a 512 pixel tile: background shapes only, never a table's polygons
_ROAD_FROM_ZOOM = {
    "motorway": 0, "trunk": 0, "primary": 8, "motorway_link": 10, "trunk_link": 10, "secondary": 10, "primary_link": 11,
    "tertiary": 11, "secondary_link": 12, "tertiary_link": 12, "unclassified": 12, "residential": 13,
    "living_street": 13,
}  # fmt: skip
_OTHER_ROADS_FROM_ZOOM = 14
_UNDRAWN = (GEOMETRY, "kind", "id")  # the layer names the kind; ids of background shapes are nobody's business


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
        return 2 * _HALF_WORLD / (1 << self.z)

    @property
    def lonlat(self) -> Bbox:
        """West, south, east, north of the tile with its buffer, in degrees, not beyond the world's edge."""
        margin = self.side * BUFFER / EXTENT
        west, north = self.x * self.side - _HALF_WORLD, _HALF_WORLD - self.y * self.side
        ends = np.clip(
            [west - margin, north - self.side - margin, west + self.side + margin, north + margin],
            -_HALF_WORLD,
            _HALF_WORLD,
        )
        lon = np.degrees(ends[[0, 2]] / _EARTH_RADIUS)
        lat = np.degrees(2 * np.arctan(np.exp(ends[[1, 3]] / _EARTH_RADIUS)) - math.pi / 2)
        return float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1])

    def units(self, mercator: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (..., 2) mercator metres into tile units, y down."""
        west, north = self.x * self.side - _HALF_WORLD, _HALF_WORLD - self.y * self.side
        scale = EXTENT / self.side
        return np.stack([(mercator[..., 0] - west) * scale, (north - mercator[..., 1]) * scale], axis=-1)


def compressed_tile(
    edition: Edition,
    collection: str,
    year: int | None,
    tile: Tile,
    columns: list[str] | None = None,
    *,
    layer: str | None = None,
    constants: Mapping[str, Constant] = NOTHING,
) -> bytes:
    """Return `collection_tile` as a gzip member without a date; no bytes at all where nothing is drawn.

    Level 1 of ISA-L: a tile is mostly digits of doubles, which level 6 of zlib packs 7 % tighter in 25 times the time.
    """
    body = collection_tile(edition, collection, year, tile, columns, layer=layer, constants=constants)
    return isal_zlib.compress(body, 1, wbits=_GZIP) if body else b""


def warm_up() -> None:
    """Compile, or load from the cache, all that tiles are made with; for servers, before the first request."""


def collection_tile(
    edition: Edition,
    collection: str,
    year: int | None,
    tile: Tile,
    columns: list[str] | None = None,
    *,
    layer: str | None = None,
    constants: Mapping[str, Constant] = NOTHING,
) -> bytes:
    """Return the tile of a collection: one layer, polygons with the row's values, feature id = row + 1.

    Args:
        edition: the edition to draw.
        collection: id of one of its collections.
        year: latest if none.
        tile: which tile.
        columns: properties to carry; `tile_columns` if none. `id` always comes along.
        layer: name of the layer; the collection's id if none.
        constants: properties that all features have alike, such as the collection they are of.

    Raises:
        CollectionNotFound, YearNotFound, ColumnNotFound; TileError below the collection's least zoom.
    """
    info = edition.collection(collection)
    least, _ = zooms(info)
    if tile.z < least:
        raise TileError(
            f"collection {collection!r} has too many cells to draw at zoom {tile.z}: expected {least} or more"
        )
    names = list(dict.fromkeys(["id", *(tile_columns(info) if columns is None else columns)]))
    extra = [name for name in ("row", "col") if info.kind == "grid" and name not in names]
    page = edition.near(collection, year, tile.lonlat, [*names, *extra])
    if not len(page.positions):
        return b""
    if info.kind == "grid":
        geometry = _cells(tile, edition, collection, page.rows)
    else:
        shapes = reproject(edition.polygons(collection, page.rows), edition.crs, MERCATOR)
        geometry = quantise(tile, shapes, POLYGON)
    properties = {name: page.rows[name] for name in names}
    return encode_layer(layer or collection, [geometry], properties, page.positions + 1, constants)


def context_tile(edition: Edition, tile: Tile) -> bytes:
    """Return the tile of the region's background: a layer for each kind that is there, in the order they are drawn."""
    layers = []
    for kind in CONTEXT_KINDS:
        if kind not in edition.manifest.context:
            continue
        page = edition.context(kind, tile.lonlat)
        if kind == "roads" and "road_class" in page.rows.column_names:
            page = _roads_of_zoom(page, tile.z)
        if len(page.positions):
            layers.append(_context_layer(tile, kind, page))
    return b"".join(layers)


def _context_layer(tile: Tile, kind: str, page: Page) -> bytes:
    """One layer; of a kind that mixes areas and lines (rivers) one geometry type is written after the other."""
    rows = page.rows
    shapes = reproject(np.asarray(shapely.from_wkb(rows[GEOMETRY].to_numpy()), dtype=object), LONLAT, MERCATOR)
    tolerance = _SIMPLIFY_UNITS * tile.side / EXTENT
    # Rings that cross after this are repaired when they are put on the lattice.
    shapes = np.asarray(shapely.simplify(shapes, tolerance, preserve_topology=False), dtype=object)
    dimension = shapely.get_dimensions(shapes)
    properties = {name: rows[name] for name in rows.column_names if name not in _UNDRAWN}
    types = [(k, geometry) for k, geometry in ((2, POLYGON), (1, LINE), (0, POINT)) if (dimension == k).any()]
    nothing = np.full(len(shapes), None, dtype=object)
    parts = []
    for dimensions, geometry_type in types:
        parts.append(quantise(tile, np.where(dimension == dimensions, shapes, nothing), geometry_type))
    return encode_layer(kind, parts, properties, page.positions + 1)


def tile_columns(info: Collection) -> list[str]:
    """Return the columns that a tile carries unless asked otherwise: names, totals, sigmas, area, population, held."""
    sectors = {name.removesuffix("_sd_tco2e") for name in info.columns if name.endswith("_sd_tco2e")}
    kept = {"id", "parent_id", "area_ha", "population", "held"}
    kept |= {f"{sector}{end}" for sector in sectors for end in ("_tco2e", "_sd_tco2e")}
    return [name for name in info.columns if name in kept or name.startswith("name_")]


def zooms(info: Collection) -> tuple[int, int]:
    """Return the least and the greatest zoom at which tiles of a collection are made.

    The least is the first at which a tile cannot hold more than CELLS_PER_TILE cells; from the greatest on the map
    enlarges what it has, a unit of the tile being a small part of a cell there.
    """
    if info.kind == "grid" and info.cell_size_m is not None:
        size = float(info.cell_size_m)
    elif info.kind == "hexagons" and info.resolution is not None:
        size = 859.0 * 7 ** ((8 - info.resolution) / 2)  # the root of a hexagon's mean area: 0.7373 km2 at resolution 8
    else:
        return 0, 14
    greatest = min(14, max(0, math.ceil(math.log2(2 * _HALF_WORLD / (size * 32))) + 1))
    if info.count <= CELLS_PER_TILE:
        return 0, greatest
    # Mercator stretches the north: a tile there is smaller on the ground. The latitude nearest the equator decides.
    lat = 0.0 if info.bbox is None or info.bbox[1] <= 0 <= info.bbox[3] else min(abs(info.bbox[1]), abs(info.bbox[3]))
    ground = 2 * _HALF_WORLD * math.cos(math.radians(lat))
    return min(greatest, max(0, math.ceil(math.log2(ground / (size * math.sqrt(CELLS_PER_TILE)))))), greatest


def quantise(tile: Tile, shapes: Geometries, kind: int) -> TileGeometry:
    """Clip (n,) mercator shapes to the tile with its buffer and put them on its integer lattice, valid and oriented.

    Missing shapes, shapes outside and those that shrink to nothing have no part in the result.
    """
    box = (-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    local = np.asarray(shapely.transform(shapes, tile.units), dtype=object)
    rows = np.flatnonzero(~(shapely.is_missing(local) | shapely.is_empty(local)))
    rows = rows[np.isfinite(shapely.bounds(local[rows])).all(axis=1)]
    clipped = np.asarray(shapely.clip_by_rect(local[rows], *box), dtype=object)
    if kind == POLYGON:
        return _polygons(clipped, rows)
    parts, owner = shapely.get_parts(clipped, return_index=True)
    own = shapely.get_type_id(parts) == (1 if kind == LINE else 0)
    points, part = shapely.get_coordinates(parts[own], return_index=True)
    lattice = np.floor(points + 0.5).astype(np.int64)
    features = rows[owner[own]]
    if kind == POINT:
        order = np.lexsort((part, features[part]))
        lattice, feature = lattice[order], features[part][order]
        distinct, sizes = np.unique(feature, return_counts=True)
        return TileGeometry(POINT, lattice, sizes, distinct)
    fresh = (
        np.r_[True, (part[1:] != part[:-1]) | (lattice[1:] != lattice[:-1]).any(axis=1)]
        if len(part)
        else np.zeros(0, bool)
    )
    lattice, part = lattice[fresh], part[fresh]
    sizes = np.bincount(part, minlength=len(features))
    long_enough = sizes >= 2
    return TileGeometry(LINE, lattice[long_enough[part]], sizes[long_enough], features[long_enough])


def _polygons(clipped: Geometries, rows: NDArray[np.int64]) -> TileGeometry:
    areas = np.asarray(shapely.get_dimensions(clipped)) == 2
    clipped, rows = clipped[areas], rows[areas]
    broken = ~np.asarray(shapely.is_valid(clipped), dtype=np.bool_)
    if broken.any():
        clipped = clipped.copy()
        clipped[broken] = shapely.make_valid(clipped[broken])
    # Snapping vertices one by one could make rings cross; this keeps the result valid.
    snapped = shapely.set_precision(clipped, 1.0)
    parts, owner = shapely.get_parts(snapped, return_index=True)
    own = (shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)
    parts, owner = parts[own], owner[own]
    rings, polygon = shapely.get_rings(parts, return_index=True)
    if not len(rings):
        return _nothing()
    points, ring = shapely.get_coordinates(rings, return_index=True)
    exterior = np.r_[True, polygon[1:] != polygon[:-1]]
    last = np.r_[ring[1:] != ring[:-1], True]
    lattice, ring = np.rint(points[~last]).astype(np.int64), ring[~last]
    sizes = np.bincount(ring)
    return TileGeometry(POLYGON, oriented(lattice, sizes, exterior), sizes, rows[owner[polygon]])


def _cells(tile: Tile, edition: Edition, collection: str, rows: pa.Table) -> TileGeometry:
    """Quantise cells by their corners; only those on the tile's edge take the general way."""
    corners, where = edition.cell_corners(collection, rows)
    quads = np.column_stack(transformer(edition.crs, MERCATOR).transform(corners[:, 0], corners[:, 1]))[where]
    units = tile.units(quads)
    inside = (units >= -BUFFER) & (units <= EXTENT + BUFFER)
    whole = np.logical_and.reduce(inside.reshape(len(units), -1), axis=1)
    lattice = np.floor(np.where(whole[:, None, None], units, 0.0) + 0.5).astype(np.int64)
    plain = whole & (lattice != np.roll(lattice, 1, axis=1)).any(axis=2).all(axis=1) & (_twice_area(lattice) != 0)
    others = np.flatnonzero(~plain)
    edge = quantise(tile, np.asarray(shapely.polygons(quads[others]), dtype=object), POLYGON)
    inner = np.flatnonzero(plain)
    sizes = np.full(len(inner), 4, dtype=np.int64)
    points = oriented(lattice[inner].reshape(-1, 2), sizes, np.ones(len(inner), dtype=np.bool_))
    # One polygon after the other in the table's order, wherever it came from.
    part_feature = np.concatenate([inner, others[edge.part_feature]])
    all_sizes = np.concatenate([sizes, edge.part_sizes])
    order = np.argsort(part_feature, kind="stable")
    starts = np.cumsum(all_sizes) - all_sizes
    take = np.repeat(starts[order] - (np.cumsum(all_sizes[order]) - all_sizes[order]), all_sizes[order]) + np.arange(
        all_sizes.sum()
    )
    return TileGeometry(POLYGON, np.concatenate([points, edge.points])[take], all_sizes[order], part_feature[order])


def oriented(points: NDArray[np.int64], sizes: NDArray[np.int64], exterior: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Turn rings (points one after the other, unclosed) so that exteriors have positive area and holes negative."""
    ends = np.cumsum(sizes)
    starts = ends - sizes
    following = np.arange(1, len(points) + 1)
    following[ends - 1] = starts
    cross = points[:, 0] * points[following, 1] - points[following, 0] * points[:, 1]
    area = np.add.reduceat(cross, starts) if len(starts) else np.zeros(0, dtype=np.int64)
    turn = np.repeat((area > 0) != exterior, sizes)
    index = np.arange(len(points))
    return points[np.where(turn, np.repeat(starts + ends - 1, sizes) - index, index)]


def _twice_area(quads: NDArray[np.int64]) -> NDArray[np.int64]:
    following = np.roll(quads, -1, axis=1)
    cross = quads[..., 0] * following[..., 1] - following[..., 0] * quads[..., 1]
    return np.asarray(cross.sum(axis=1), dtype=np.int64)


def _nothing() -> TileGeometry:
    none = np.empty(0, dtype=np.int64)
    return TileGeometry(POLYGON, np.empty((0, 2), dtype=np.int64), none, none)


def _roads_of_zoom(page: Page, zoom: int) -> Page:
    classes = page.rows["road_class"].to_pylist()
    shown = np.array(
        [zoom >= _ROAD_FROM_ZOOM.get(name or "", _OTHER_ROADS_FROM_ZOOM) for name in classes], dtype=np.bool_
    )
    return Page(page.rows.filter(pa.array(shown)), page.positions[shown], int(shown.sum()))
