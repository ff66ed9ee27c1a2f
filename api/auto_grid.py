"""One tile set for all grids of a region: at every zoom the grid that suits it, in a layer of one name.

Cells carry `collection`, the grid they are of, beside their `id`, whose code says it too.
"""

import math
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.pages import page_language
from api.params import (
    Column,
    FormatParam,
    OpenedParam,
    PropertiesParam,
    Row,
    SettingsParam,
    WantedYearParam,
    Zoom,
    column_names,
    only,
)
from api.tile_cache import tile_answer
from api.tile_models import AutoGridTileSet, TileSets
from api.tiles import asked, in_order, tile_layer
from api.tilesets import (
    OGC_TEMPLATE,
    TILEJSON_TOO,
    TILES,
    VECTOR,
    TileLayer,
    TileSource,
    tile_address,
    tileset_answer,
    tilesets_answer,
)
from api.words import WORDS
from grids.edition import Edition
from grids.manifest import Collection
from grids.store_errors import CollectionNotFound
from grids.tiles import MAX_ZOOM, Tile, compressed_tile, zooms

router = APIRouter(tags=["tiles"], prefix="/{region}/grid-auto")

AUTO_GRID = "grid-auto"
PATH = (AUTO_GRID,)

SMALLEST_CELL_PX = 8
"""Smaller cells can be neither told apart nor clicked."""

_EQUATOR_M = 2 * math.pi * 6_378_137.0
_TILE_PX = 512  # of a vector tile on a map, as MapLibre draws it


@dataclass(frozen=True)
class GridBand:
    """A grid, and the zooms from which to which it is drawn, both included."""

    grid: Collection
    least: int
    greatest: int


def grid_bands(edition: Edition) -> list[GridBand]:
    """Return which grid is drawn at which zoom, from the coarsest on; zooms of all bands follow each other.

    A zoom has the finest grid whose cells are SMALLEST_CELL_PX or more in the middle of the region, and which has tiles
    there; the coarsest grid where none is.

    Raises:
        CollectionNotFound: the region has no grid.
    """
    grids = sorted(
        (info for info in edition.manifest.collections if info.kind == "grid" and info.years),
        key=lambda info: -(info.cell_size_m or 0),
    )
    if not grids:
        raise CollectionNotFound(f"region {edition.region.id!r} has no grid; its collections are zones or hexagons")
    _, south, _, north = edition.region.bbox
    equator_px = _EQUATOR_M * math.cos(math.radians((south + north) / 2)) / _TILE_PX
    bands: list[GridBand] = []
    for zoom in range(zooms(grids[0])[0], MAX_ZOOM + 1):
        smallest = SMALLEST_CELL_PX * equator_px / (1 << zoom)
        suiting = [info for info in grids if (info.cell_size_m or 0) >= smallest and zooms(info)[0] <= zoom]
        grid = suiting[-1] if suiting else grids[0]
        if bands and bands[-1].grid is grid:
            bands[-1] = GridBand(grid, bands[-1].least, zoom)
        else:
            bands.append(GridBand(grid, zoom, zoom))
    return bands


def source_of(
    request: Request, opened: OpenedParam, year: WantedYearParam = None, properties: PropertiesParam = None
) -> TileSource:
    """Return the tiles that a request is about."""
    edition = opened.edition
    bands = grid_bands(edition)
    for band in bands:
        columns = in_order(band.grid, column_names(band.grid, properties))
        year = edition.year(band.grid.id, year)
    finest = bands[-1].grid

    def layers() -> list[TileLayer]:
        known = tile_layer(request, opened, finest, columns)
        properties = {**known.properties, "collection": {"title": "collection", "type": "string"}}
        return [TileLayer(AUTO_GRID, WORDS[page_language(request)]["grid-auto"], properties, dimension=2)]

    return TileSource(
        path=PATH,
        name=AUTO_GRID,
        title=WORDS[page_language(request)]["grid-auto"],
        zooms=(bands[0].least, zooms(finest)[1]),
        bounds=finest.bbox or edition.region.bbox,
        layers=layers,
        query={"year": year, "properties": asked(columns)},
        more={
            "year": year,
            "grids": [{"collection": band.grid.id, "minzoom": band.least, "maxzoom": band.greatest} for band in bands],
        },
    )


SourceParam = Annotated[TileSource, Depends(source_of)]


@router.get("/tiles", response_model=TileSets, dependencies=[Depends(only("edition", "year", "properties", "f"))])
def grid_auto_tilesets(
    request: Request, opened: OpenedParam, source: SourceParam, settings: SettingsParam, f: FormatParam = None
) -> Response:
    """List the tile sets of the grid that changes with the zoom."""
    return tilesets_answer(request, settings, opened, source)


@router.get(
    TILES,
    response_model=AutoGridTileSet,
    responses=TILEJSON_TOO,
    dependencies=[Depends(only("edition", "year", "properties", "f"))],
)
def grid_auto_tileset(
    request: Request, opened: OpenedParam, source: SourceParam, settings: SettingsParam, f: FormatParam = None
) -> Response:
    """Describe the tiles of the grid that changes with the zoom; `grids` says which one is drawn from which zoom."""
    return tileset_answer(request, settings, opened, source)


@router.get(
    TILES + OGC_TEMPLATE,
    response_class=Response,
    responses=VECTOR,
    dependencies=[Depends(only("edition", "year", "properties"))],
)
def grid_auto_tile(
    request: Request,
    opened: OpenedParam,
    z: Zoom,
    y: Row,
    x: Column,
    year: WantedYearParam = None,
    properties: PropertiesParam = None,
) -> Response:
    """Return one tile of the grid that suits its zoom: a layer named grid-auto, cells with their `collection`."""
    place, edition = Tile(z, y, x), opened.edition
    bands = grid_bands(edition)
    # The coarsest grid refuses zooms below the first band.
    grid = next((band.grid for band in bands if band.least <= z <= band.greatest), bands[0].grid)
    year = edition.year(grid.id, year)
    columns = in_order(grid, column_names(grid, properties))
    address = tile_address(edition, PATH, place, {"year": year, "properties": asked(columns)})

    def make() -> bytes:
        constants = {"collection": grid.id}
        return compressed_tile(edition, grid.id, year, place, columns, layer=AUTO_GRID, constants=constants)

    return tile_answer(request, opened, address, make)
