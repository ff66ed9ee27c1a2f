"""Vector tiles of collections and of the background, each with its TileJSON beside it."""

import html
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from api.answers import MVT, TILE_MATRIX_SET, Links, dumped, labels, of_edition
from api.models import TileJson
from api.params import CollectionParam, ColumnsParam, OpenedParam, SettingsParam, YearParam, only
from grids.edition import Edition
from grids.manifest import Bbox
from grids.tiles import (
    CONTEXT_KINDS,
    CONTEXT_MAX_ZOOM,
    CONTEXT_MIN_ZOOM,
    Tile,
    collection_tile,
    context_tile,
    tile_columns,
    zooms,
)

router = APIRouter(tags=["tiles"], prefix="/{region}")

Zoom = Annotated[int, Path(description="tile matrix", alias="z")]
Row = Annotated[int, Path(description="tile row, 0 in the north", alias="y")]
Column = Annotated[int, Path(description="tile column, 0 in the west", alias="x")]

_VECTOR = {200: {"content": {MVT: {}}, "description": "a Mapbox Vector Tile 2.1"}}
_TILES = f"/tiles/{TILE_MATRIX_SET}"
_TEMPLATE = "/{z}/{y}/{x}"


@router.get(
    "/collections/{collection}" + _TILES,
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
            raw=_TEMPLATE,
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
        return dumped({**_tilejson(edition, collection.id, template, least, greatest, bounds, layers), "year": year})

    return of_edition(request, opened, body)


@router.get(
    "/collections/{collection}" + _TILES + _TEMPLATE,
    response_class=Response,
    responses=_VECTOR,  # type: ignore[arg-type]
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


@router.get("/context" + _TILES, response_model=TileJson, dependencies=[Depends(only("edition"))])
def context_tileset(request: Request, opened: OpenedParam, settings: SettingsParam) -> Response:
    """Return the TileJSON of the background: water, green, roads, boundaries, places."""
    edition = opened.edition

    def body() -> bytes:
        template = Links(request, settings).address(
            edition.region.id, "context", "tiles", TILE_MATRIX_SET, raw=_TEMPLATE, edition=edition.id
        )
        zoom = {"minzoom": CONTEXT_MIN_ZOOM, "maxzoom": CONTEXT_MAX_ZOOM}
        layers = [
            {"id": kind, "fields": dict.fromkeys(edition.context_columns(kind), "String or Number"), **zoom}
            for kind in CONTEXT_KINDS
            if kind in edition.manifest.context
        ]
        return dumped(
            _tilejson(edition, "context", template, CONTEXT_MIN_ZOOM, CONTEXT_MAX_ZOOM, edition.region.bbox, layers)
        )

    return of_edition(request, opened, body)


@router.get(
    "/context" + _TILES + _TEMPLATE,
    response_class=Response,
    responses=_VECTOR,  # type: ignore[arg-type]
    dependencies=[Depends(only("edition"))],
)
def context(request: Request, opened: OpenedParam, z: Zoom, y: Row, x: Column) -> Response:
    """Return one tile of the background."""
    place = Tile(z, y, x)
    return of_edition(request, opened, lambda: context_tile(opened.edition, place), MVT)


def _tilejson(
    edition: Edition, name: str, template: str, least: int, greatest: int, bounds: Bbox, layers: list[dict[str, Any]]
) -> dict[str, Any]:
    west, south, east, north = bounds
    return {
        "tilejson": "3.0.0",
        "name": f"{edition.region.id}: {name}",
        "attribution": _attribution(edition),
        "scheme": "xyz",
        "tiles": [template],
        "minzoom": least,
        "maxzoom": greatest,
        "bounds": bounds,
        "center": [(west + east) / 2, (south + north) / 2, max(least, min(greatest, 11))],
        "vector_layers": layers,
        **labels(edition.manifest),
    }


def _attribution(edition: Edition) -> str:
    """The attributions as the HTML that map libraries put on the page: texts escaped, only web addresses linked."""
    parts = []
    for given in edition.region.attributions:
        text = html.escape(given.text)
        if given.url and given.url.startswith(("https://", "http://")):
            text = f'<a href="{html.escape(given.url)}">{text}</a>'
        parts.append(text)
    return " | ".join(parts)


def _kind(name: str) -> str:
    if name == "held" or name.endswith("_illustrative"):
        return "Boolean"
    return "String" if name in ("id", "parent_id") or name.startswith("name_") else "Number"
