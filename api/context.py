"""The quiet background of a region: water, green, roads, boundaries and places as vector tiles."""

from fastapi import APIRouter, Depends, Request, Response

from api.answers import MVT, TILE_MATRIX_SET, Links, dumped, of_edition
from api.models import TileJson
from api.params import Column, OpenedParam, Row, SettingsParam, Zoom, only
from api.tilejson import tilejson
from api.tiles import TEMPLATE, TILES, VECTOR
from grids.tiles import CONTEXT_KINDS, CONTEXT_MAX_ZOOM, CONTEXT_MIN_ZOOM, Tile, context_tile

router = APIRouter(tags=["tiles"], prefix="/{region}/context")


@router.get(TILES, response_model=TileJson, dependencies=[Depends(only("edition"))])
def context_tileset(request: Request, opened: OpenedParam, settings: SettingsParam) -> Response:
    """Return the TileJSON of the background: water, green, roads, boundaries, places."""
    edition = opened.edition

    def body() -> bytes:
        template = Links(request, settings).address(
            edition.region.id, "context", "tiles", TILE_MATRIX_SET, raw=TEMPLATE, edition=edition.id
        )
        zoom = {"minzoom": CONTEXT_MIN_ZOOM, "maxzoom": CONTEXT_MAX_ZOOM}
        layers = [
            {"id": kind, "fields": dict.fromkeys(edition.context_columns(kind), "String or Number"), **zoom}
            for kind in CONTEXT_KINDS
            if kind in edition.manifest.context
        ]
        return dumped(
            tilejson(edition, "context", template, CONTEXT_MIN_ZOOM, CONTEXT_MAX_ZOOM, edition.region.bbox, layers)
        )

    return of_edition(request, opened, body)


@router.get(
    TILES + TEMPLATE,
    response_class=Response,
    responses=VECTOR,
    dependencies=[Depends(only("edition"))],
)
def context(request: Request, opened: OpenedParam, z: Zoom, y: Row, x: Column) -> Response:
    """Return one tile of the background."""
    place = Tile(z, y, x)
    return of_edition(request, opened, lambda: context_tile(opened.edition, place), MVT)
