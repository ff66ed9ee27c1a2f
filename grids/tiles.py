"""Map tiles of an edition: rows near a tile are projected, clipped, quantised and written as a vector tile.

Tiles are those of WebMercatorQuad (OGC 17-083r4): row 0 is the northernmost, 4096 units to a side.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import shapely
from isal import isal_zlib
from numpy.typing import NDArray

from grids.chunks import Columns
from grids.edition import Edition, Page
from grids.manifest import Collection, CollectionInfo
from grids.mvt import EXTENT, LINE, NOTHING, POINT, POLYGON, Constant, encode_layer
from grids.projections import LONLAT, MERCATOR, reproject
from grids.quantising import quantise
from grids.store_errors import TileError
from grids.tables import GEOMETRY
from grids.tile_cells import cells
from grids.tile_squares import BUFFER, HALF_WORLD, MAX_ZOOM, Tile

__all__ = [
    "BUFFER", "CELLS_PER_TILE", "CONTEXT_KINDS", "CONTEXT_MAX_ZOOM", "CONTEXT_MIN_ZOOM", "MAX_ZOOM", "Tile",
    "collection_tile", "compressed_tile", "context_tile", "packed", "tile_columns", "warm_up", "zooms",
]  # fmt: skip

CELLS_PER_TILE = 30_000  # a collection of fewer rows is drawn from zoom 0 on
CONTEXT_KINDS = ("water", "green", "roads", "boundaries", "places")
CONTEXT_MIN_ZOOM, CONTEXT_MAX_ZOOM = 0, 15

Numbers = Mapping[str, NDArray[np.float64]]
NO_NUMBERS: Numbers = MappingProxyType({})

_GZIP = 31  # bits of the window, and 16: with the head and the foot of a gzip member
_SIMPLIFY_UNITS = 3.0  # under half a pixel of a 512 pixel tile: background shapes only, never a table's polygons
_ROAD_FROM_ZOOM = {
    "motorway": 0, "trunk": 0, "primary": 8, "motorway_link": 10, "trunk_link": 10, "secondary": 10, "primary_link": 11,
    "tertiary": 11, "secondary_link": 12, "tertiary_link": 12, "unclassified": 12, "residential": 13,
    "living_street": 13,
}  # fmt: skip
_OTHER_ROADS_FROM_ZOOM = 14
_UNDRAWN = (GEOMETRY, "kind", "id")  # the layer names the kind; ids of background shapes are nobody's business


def compressed_tile(
    edition: Edition,
    collection: str,
    year: int | None,
    tile: Tile,
    columns: list[str] | None = None,
    *,
    layer: str | None = None,
    constants: Mapping[str, Constant] = NOTHING,
    numbers: Numbers = NO_NUMBERS,
) -> bytes:
    """Return `collection_tile` as a gzip member without a date; no bytes at all where nothing is drawn.

    Level 1 of ISA-L: a tile is mostly digits of doubles, which level 6 of zlib packs 7 % tighter in 25 times the time.
    """
    body = collection_tile(edition, collection, year, tile, columns, layer=layer, constants=constants, numbers=numbers)
    return packed(body)


def packed(body: bytes) -> bytes:
    """Return a tile's bytes as a gzip member without a date; none of none."""
    return isal_zlib.compress(body, 1, wbits=_GZIP) if body else b""


def warm_up() -> None:
    """Compile, or load from the cache, all that tiles are made with; for servers, before the first request.

    Whoever does not call it waits for some seconds at the first tile, or for half of one where the code is cached.
    """
    info = CollectionInfo(id="cells", title={"en": ""}, kind="grid", cell_size_m=100, origin_m=(0, 0))
    place = pa.array([51_900], pa.int32()), pa.array([5_010], pa.int32())
    columns = Columns.of({"row": place[0], "col": place[1], "id": pa.array(["a"])}, 1)
    shape = cells(Tile(12, 1442, 2150), "EPSG:32632", info, columns, (501_000.0, 5_190_000.0, 501_100.0, 5_190_100.0))
    encode_layer("cells", [shape], columns, lambda rows: rows)


def collection_tile(
    edition: Edition,
    collection: str,
    year: int | None,
    tile: Tile,
    columns: list[str] | None = None,
    *,
    layer: str | None = None,
    constants: Mapping[str, Constant] = NOTHING,
    numbers: Numbers = NO_NUMBERS,
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
        numbers: properties that stand in no table, (rows of the collection,) in its order; NaN is left out.

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
    if info.kind == "grid":
        groups = edition.groups_near(collection, year, tile.lonlat, [*names, "row", "col"])
        if groups is None:
            return b""
        near, box = groups
        geometry = cells(tile, edition.crs, info, near, box)
        carried = near.only(names).beside(numbers)
        return encode_layer(layer or collection, [geometry], carried, lambda rows: near.positions(rows) + 1, constants)
    page = edition.near(collection, year, tile.lonlat, names)
    if not len(page.positions):
        return b""
    geometry = quantise(tile, reproject(edition.polygons(collection, page.rows), edition.crs, MERCATOR), POLYGON)
    of_rows = {name: pa.array(column[page.positions], from_pandas=True) for name, column in numbers.items()}
    shown = Columns.of({**{name: page.rows[name] for name in names}, **of_rows}, page.rows.num_rows)
    return encode_layer(layer or collection, [geometry], shown, (page.positions + 1).take, constants)


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
    return encode_layer(kind, parts, Columns.of(properties, rows.num_rows), (page.positions + 1).take)


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
    greatest = min(14, max(0, math.ceil(math.log2(2 * HALF_WORLD / (size * 32))) + 1))
    if info.count <= CELLS_PER_TILE:
        return 0, greatest
    # Mercator stretches the north: a tile there is smaller on the ground. The latitude nearest the equator decides.
    lat = 0.0 if info.bbox is None or info.bbox[1] <= 0 <= info.bbox[3] else min(abs(info.bbox[1]), abs(info.bbox[3]))
    ground = 2 * HALF_WORLD * math.cos(math.radians(lat))
    return min(greatest, max(0, math.ceil(math.log2(ground / (size * math.sqrt(CELLS_PER_TILE)))))), greatest


def _roads_of_zoom(page: Page, zoom: int) -> Page:
    classes = page.rows["road_class"].to_pylist()
    shown = np.array(
        [zoom >= _ROAD_FROM_ZOOM.get(name or "", _OTHER_ROADS_FROM_ZOOM) for name in classes], dtype=np.bool_
    )
    return Page(page.rows.filter(pa.array(shown)), page.positions[shown], int(shown.sum()))
