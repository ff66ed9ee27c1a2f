"""The quiet background of a region: water, green, roads, boundaries and places as vector tiles."""

from fastapi import APIRouter, Depends, Request, Response

from api.pages import page_language
from api.params import Column, FormatParam, Opened, OpenedParam, Row, SettingsParam, Zoom, only
from api.tile_cache import tile_answer
from api.tile_models import TileSet, TileSets
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
from grids.tiles import CONTEXT_KINDS, CONTEXT_MAX_ZOOM, CONTEXT_MIN_ZOOM, Tile, context_tile, packed

router = APIRouter(tags=["tiles"], prefix="/{region}/context")

PATH = ("context",)


@router.get("/tiles", response_model=TileSets, dependencies=[Depends(only("edition", "f"))])
def context_tilesets(request: Request, opened: OpenedParam, settings: SettingsParam, f: FormatParam = None) -> Response:
    """List the tile sets of the background."""
    return tilesets_answer(request, settings, opened, _source(request, opened))


@router.get(TILES, response_model=TileSet, responses=TILEJSON_TOO, dependencies=[Depends(only("edition", "f"))])
def context_tileset(request: Request, opened: OpenedParam, settings: SettingsParam, f: FormatParam = None) -> Response:
    """Describe the tiles of the background: water, green, roads, boundaries, places."""
    return tileset_answer(request, settings, opened, _source(request, opened))


@router.get(
    TILES + OGC_TEMPLATE,
    response_class=Response,
    responses=VECTOR,
    dependencies=[Depends(only("edition"))],
)
def context(request: Request, opened: OpenedParam, z: Zoom, y: Row, x: Column) -> Response:
    """Return one tile of the background."""
    place, edition = Tile(z, y, x), opened.edition
    address = tile_address(edition, PATH, place, {})
    return tile_answer(request, opened, address, lambda: packed(context_tile(edition, place)))


def _source(request: Request, opened: Opened) -> TileSource:
    edition = opened.edition

    def layers() -> list[TileLayer]:
        return [
            TileLayer(kind, kind, {name: {"title": name} for name in edition.context_columns(kind)})
            for kind in CONTEXT_KINDS
            if kind in edition.manifest.context
        ]

    return TileSource(
        path=PATH,
        name="context",
        title=WORDS[page_language(request)]["context"],
        zooms=(CONTEXT_MIN_ZOOM, CONTEXT_MAX_ZOOM),
        bounds=edition.region.bbox,
        layers=layers,
    )
