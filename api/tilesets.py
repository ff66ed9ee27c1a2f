"""Tile sets as OGC API Tiles tells of them: lists, and metadata that are TileJSON at the same time.

Maps look for `tiles` and `vector_layers`, clients of OGC API for `links`, `layers` and `tileMatrixSetURI`; both
standards let further members stand beside their own, so that one document serves whoever asks for plain JSON.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request, Response

from api.answers import MVT, TILE_MATRIX_SET, Links, alternates, dumped, link, of_edition, queried, spoken
from api.crs import CRS84
from api.formats import JSON, TILEJSON, TILESET, chosen
from api.params import Opened
from api.settings import Settings
from api.tile_matrix_sets import TILING_SCHEME, TMS_CRS, TMS_URI
from api.tilejson import tilejson
from grids.edition import Edition
from grids.manifest import Bbox
from grids.tiles import MAX_ZOOM, Tile

TILES = f"/tiles/{TILE_MATRIX_SET}"
TEMPLATE = "/{z}/{y}/{x}"
OGC_TEMPLATE = "/{tileMatrix}/{tileRow}/{tileCol}"
VECTOR: dict[int | str, dict[str, Any]] = {200: {"content": {MVT: {}}, "description": "a Mapbox Vector Tile 2.1"}}
TILEJSON_TOO: dict[int | str, dict[str, Any]] = {
    200: {"content": {TILEJSON.media_type: {}}, "description": "metadata of the tile set, which are TileJSON too"}
}


@dataclass(frozen=True)
class TileLayer:
    """A layer of tiles.

    Attributes:
        id: its name in the tiles.
        title: for people.
        properties: JSON Schema of each property.
        dimension: of its shapes, if they are all alike.
    """

    id: str
    title: str
    properties: Mapping[str, Mapping[str, Any]]
    dimension: int | None = None


@dataclass(frozen=True)
class TileSource:
    """What tiles are of: a collection, the background, or the grid that changes with the zoom.

    Attributes:
        path: below the region's address, without `tiles`.
        name: short, for TileJSON.
        title: for people.
        zooms: the least one at which there are tiles, and the one after which a map enlarges what it has.
        bounds: west, south, east, north in degrees.
        layers: made when asked for, since it reads tables.
        query: parameters of the tiles' addresses, in this order; those that are None are left out.
        more: further members of the documents, such as the year.
    """

    path: tuple[str, ...]
    name: str
    title: str
    zooms: tuple[int, int]
    bounds: Bbox
    layers: Callable[[], Sequence[TileLayer]]
    query: Mapping[str, str | int | None] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def tile_address(
    edition: Edition, path: tuple[str, ...], tile: Tile, query: Mapping[str, str | int | None]
) -> tuple[str, bytes]:
    """Return the path and query of a tile's address as metadata give it, naming the edition: they stand for the tile.

    Args:
        edition: whose tile it is.
        path: below the region's address, without `tiles`.
        tile: which one.
        query: as in `TileSource`.
    """
    where = "/".join(("/api", edition.region.id, *path)) + f"{TILES}/{tile.z}/{tile.y}/{tile.x}"
    return where, queried(**query, edition=edition.id).encode("ascii")


def tilesets_answer(request: Request, settings: Settings, opened: Opened, source: TileSource) -> Response:
    """Answer with the list of tile sets, which is one: WebMercatorQuad."""
    chosen(request, (JSON,))
    links = Links(request, settings)
    at = (opened.edition.region.id, *source.path, "tiles")

    def body() -> bytes:
        pin = opened.edition.id if opened.pinned else None
        entry = {
            "title": source.title,
            "dataType": "vector",
            "crs": TMS_CRS,
            "tileMatrixSetURI": TMS_URI,
            "links": [
                link("self", links.again(request, *at, TILE_MATRIX_SET), title="metadata of the tile set"),
                _tiling_scheme(links),
                _item(links, opened, source),
            ],
        }
        listed = [
            link("self", links.again(request, *at)),
            link("collection", links.address(*at[:-1], edition=pin), title=source.title),
        ]
        return dumped({"tilesets": [entry], "links": listed if source.path[0] == "collections" else listed[:1]})

    return of_edition(request, opened, body, headers=spoken(request, opened))


def tileset_answer(request: Request, settings: Settings, opened: Opened, source: TileSource) -> Response:
    """Answer with the metadata of the tile set; with TileJSON alone where that is asked for."""
    form, links = chosen(request, TILESET), Links(request, settings)
    edition = opened.edition
    at = (edition.region.id, *source.path, "tiles", TILE_MATRIX_SET)
    least, greatest = source.zooms

    def body() -> bytes:
        layers = source.layers()
        vector_layers = [
            {
                "id": layer.id,
                "description": layer.title,
                "fields": _fields(layer),
                "minzoom": least,
                "maxzoom": greatest,
            }
            for layer in layers
        ]
        template = links.address(*at, raw=TEMPLATE, **source.query, edition=edition.id)
        document = tilejson(edition, source.name, template, least, greatest, source.bounds, vector_layers)
        document |= source.more
        if form is TILEJSON:
            return dumped(document)
        west, south, east, north = source.bounds
        *centre, zoom = document["center"]
        document |= {
            "title": source.title,
            "dataType": "vector",
            "crs": TMS_CRS,
            "tileMatrixSetURI": TMS_URI,
            "tileMatrixSetLimits": [_whole(zoom) for zoom in range(least, MAX_ZOOM + 1)],
            "layers": [_ogc_layer(layer, least) for layer in layers],
            "boundingBox": {"lowerLeft": [west, south], "upperRight": [east, north], "crs": CRS84},
            "centerPoint": {"coordinates": centre, "crs": CRS84, "tileMatrix": str(zoom)},
            "links": [
                *alternates(links, request, form, TILESET, *at),
                _tiling_scheme(links),
                _item(links, opened, source),
            ],
        }
        return dumped(document)

    return of_edition(request, opened, body, form.media_type, spoken(request, opened))


def _tiling_scheme(links: Links) -> dict[str, Any]:
    return link(TILING_SCHEME, links.address("tileMatrixSets", TILE_MATRIX_SET), title="tile matrix set")


def _item(links: Links, opened: Opened, source: TileSource) -> dict[str, Any]:
    at = (opened.edition.region.id, *source.path, "tiles", TILE_MATRIX_SET)
    href = links.address(*at, raw=OGC_TEMPLATE, **source.query, edition=opened.edition.id)
    return link("item", href, MVT, title="vector tiles", templated=True)


def _whole(zoom: int) -> dict[str, Any]:
    """All of a level: a tile beyond the region's border is empty, and no error."""
    last = (1 << zoom) - 1
    return {"tileMatrix": str(zoom), "minTileRow": 0, "maxTileRow": last, "minTileCol": 0, "maxTileCol": last}


def _ogc_layer(layer: TileLayer, least: int) -> dict[str, Any]:
    dimension = {} if layer.dimension is None else {"geometryDimension": layer.dimension}
    return {
        "id": layer.id,
        "title": layer.title,
        "dataType": "vector",
        **dimension,
        "minTileMatrix": str(least),
        "maxTileMatrix": str(MAX_ZOOM),
        "propertiesSchema": {"type": "object", "properties": layer.properties},
    }


def _fields(layer: TileLayer) -> dict[str, str]:
    """TileJSON's words for types, as tippecanoe writes them."""
    words = {"boolean": "Boolean", "string": "String", "number": "Number", "integer": "Number"}
    return {name: words.get(str(known.get("type")), "String or Number") for name, known in layer.properties.items()}
