"""Vector tiles of collections, with their TileJSON beside them."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from api.answers import MVT, TILE_MATRIX_SET, Links, dumped, of_edition
from api.models import TileJson
from api.params import CollectionParam, Column, ColumnsParam, OpenedParam, Row, SettingsParam, YearParam, Zoom, only
from api.tilejson import tilejson
from grids.tiles import Tile, collection_tile, tile_columns, zooms

router = APIRouter(tags=["tiles"], prefix="/{region}")

VECTOR: dict[int | str, dict[str, Any]] = {200: {"content": {MVT: {}}, "description": "a Mapbox Vector Tile 2.1"}}
TILES = f"/tiles/{TILE_MATRIX_SET}"
TEMPLATE = "/{z}/{y}/{x}"


@router.get(
    "/collections/{collection}" + TILES,
    response_model=TileJson,
    dependencies=[Depends(only("edition", "year", "properties"))],
)
def tileset(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    year: YearParam,
    columns: ColumnsParam,
    settings: SettingsParam,
) -> Response:
    """Return the TileJSON of a collection; its tiles name edition and year, so that they may be kept for good."""
    edition = opened.edition
    least, greatest = zooms(collection)

    def body() -> bytes:
        names = list(dict.fromkeys(["id", *(tile_columns(collection) if columns is None else columns)]))
        template = Links(request, settings).address(
            edition.region.id,
            "collections",
            collection.id,
            "tiles",
            TILE_MATRIX_SET,
            raw=TEMPLATE,
            year=year,
            properties=request.query_params.get("properties"),
            edition=edition.id,
        )
        layers = [
            {
                "id": collection.id,
                "fields": {name: _kind(name) for name in names},
                "minzoom": least,
                "maxzoom": greatest,
            }
        ]
        bounds = collection.bbox or edition.region.bbox
        return dumped({**tilejson(edition, collection.id, template, least, greatest, bounds, layers), "year": year})

    return of_edition(request, opened, body)


@router.get(
    "/collections/{collection}" + TILES + TEMPLATE,
    response_class=Response,
    responses=VECTOR,
    dependencies=[Depends(only("edition", "year", "properties"))],
)
def tile(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    year: YearParam,
    columns: ColumnsParam,
    z: Zoom,
    y: Row,
    x: Column,
) -> Response:
    """Return one tile: a layer named as the collection, values in full precision, unknown ones left out."""
    place = Tile(z, y, x)
    return of_edition(
        request, opened, lambda: collection_tile(opened.edition, collection.id, year, place, columns), MVT
    )


def _kind(name: str) -> str:
    if name == "held" or name.endswith("_illustrative"):
        return "Boolean"
    return "String" if name in ("id", "parent_id") or name.startswith("name_") else "Number"
