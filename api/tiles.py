"""Vector tiles of collections, with what must be known before they are asked for."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.answers import preferred
from api.pages import page_language
from api.params import (
    CollectionParam,
    Column,
    ColumnsParam,
    FormatParam,
    Opened,
    OpenedParam,
    Row,
    SettingsParam,
    YearParam,
    Zoom,
    only,
)
from api.schemas import described
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
from grids.manifest import Collection
from grids.tiles import Tile, compressed_tile, tile_columns, zooms

router = APIRouter(tags=["tiles"], prefix="/{region}/collections/{collection}")


def source_of(
    request: Request, opened: OpenedParam, collection: CollectionParam, year: YearParam, columns: ColumnsParam
) -> TileSource:
    """Return the tiles that a request is about."""
    columns = in_order(collection, columns)
    return TileSource(
        path=("collections", collection.id),
        name=collection.id,
        title=preferred(request, collection.title)[1],
        zooms=zooms(collection),
        bounds=collection.bbox or opened.edition.region.bbox,
        layers=lambda: [tile_layer(request, opened, collection, columns)],
        query={"year": year, "properties": asked(columns)},
        more={"year": year},
    )


SourceParam = Annotated[TileSource, Depends(source_of)]


@router.get(
    "/tiles",
    response_model=TileSets,
    operation_id="carbonmap.collection.vector.getTileSetsList",
    dependencies=[Depends(only("edition", "year", "properties", "f"))],
)
def tilesets(
    request: Request, opened: OpenedParam, source: SourceParam, settings: SettingsParam, f: FormatParam = None
) -> Response:
    """List the tile sets of a collection."""
    return tilesets_answer(request, settings, opened, source)


@router.get(
    TILES,
    response_model=TileSet,
    responses=TILEJSON_TOO,
    operation_id="carbonmap.collection.vector.getTileSet",
    dependencies=[Depends(only("edition", "year", "properties", "f"))],
)
def tileset(
    request: Request, opened: OpenedParam, source: SourceParam, settings: SettingsParam, f: FormatParam = None
) -> Response:
    """Describe the tiles of a collection; their addresses name edition and year, so that they may be kept for good."""
    return tileset_answer(request, settings, opened, source)


@router.get(
    TILES + OGC_TEMPLATE,
    response_class=Response,
    responses=VECTOR,
    operation_id="carbonmap.collection.vector.getTile",
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
    place, edition, columns = Tile(z, y, x), opened.edition, in_order(collection, columns)
    address = tile_address(edition, ("collections", collection.id), place, {"year": year, "properties": asked(columns)})
    return tile_answer(request, opened, address, lambda: compressed_tile(edition, collection.id, year, place, columns))


def tile_layer(request: Request, opened: Opened, collection: Collection, columns: list[str] | None) -> TileLayer:
    """Return the layer that a collection's tiles have: its name, and what each of its properties means."""
    language = page_language(request)
    types = opened.edition.types(collection.id)
    names = list(dict.fromkeys(["id", *(tile_columns(collection) if columns is None else columns)]))
    properties = {
        name: described(collection, name, types[name], language, place) for place, name in enumerate(names, start=1)
    }
    return TileLayer(collection.id, preferred(request, collection.title)[1], properties, dimension=2)


def asked(columns: list[str] | None) -> str | None:
    """Return `properties` as the address has it."""
    return None if columns is None else ",".join(columns)


def in_order(collection: Collection, columns: list[str] | None) -> list[str] | None:
    """Return columns in the order of the collection, so that one tile has one address in whatever order they came."""
    return None if columns is None else [name for name in collection.columns if name in set(columns)]
