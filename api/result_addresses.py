"""What is told of a result by its digest: tiles, a style of its changes, items and sums, as of an edition."""

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.answers import Links, dumped, of_edition, preferred, spoken, unchanged
from api.formats import GEOJSON, GeoJson
from api.pages import page_language
from api.params import Column, ComposedId, FormatParam, Opened, OpenedParam, Row, SettingsParam, Zoom, only
from api.result_places import COLUMNS, ResultPlaces, check_places
from api.scenario_answers import NOTES, detail_answer
from api.scenario_models import AreaOut, PlacesOut
from api.scenario_runs import Asked
from api.scenarios import (
    LimitAsked,
    OfAsked,
    OffsetAsked,
    area_result,
    items_page,
    listed_ids,
    places_of,
    unkept,
)
from api.style_layers import value_layers
from api.styles import STYLE, StyleJson, Theme, described_class, style_document
from api.tile_cache import tile_answer
from api.tile_models import ResultTileSet, Style, TileSets
from api.tilesets import (
    OGC_TEMPLATE,
    TEMPLATE,
    TILEJSON_TOO,
    TILES,
    VECTOR,
    TileLayer,
    TileSource,
    tile_address,
    tileset_answer,
    tilesets_answer,
)
from api.told_notes import in_language, note_headers, note_language
from api.turns import running
from api.words import WORDS
from grids.class_breaks import value_classes
from grids.manifest import Bbox
from grids.ramps import GROUNDS, THEMES, Ground
from grids.shipped import shipped_columns
from grids.tiles import Tile, compressed_tile, zooms

router = APIRouter(tags=["scenarios"], prefix="/{region}/scenarios/results/{digest}")

Digest = Annotated[str, Path(description="that a result was told with", max_length=64)]


@router.get("/tiles", response_model=TileSets, dependencies=[Depends(only("edition", "of", "f"))])
async def result_tilesets(
    request: Request,
    opened: OpenedParam,
    settings: SettingsParam,
    digest: Digest,
    of: OfAsked = None,
    f: FormatParam = None,
) -> Response:
    """List the tile sets of a result."""

    def made() -> Response:
        return tilesets_answer(request, settings, opened, _source(request, opened, digest, of))

    return await running(request, made)


@router.get(
    TILES, response_model=ResultTileSet, responses=TILEJSON_TOO, dependencies=[Depends(only("edition", "of", "f"))]
)
async def result_tileset(
    request: Request,
    opened: OpenedParam,
    settings: SettingsParam,
    digest: Digest,
    of: OfAsked = None,
    f: FormatParam = None,
) -> Response:
    """Describe the tiles of a result, with classes of its changes."""

    def made() -> Response:
        return tileset_answer(request, settings, opened, _source(request, opened, digest, of))

    return await running(request, made)


@router.get(
    TILES + OGC_TEMPLATE,
    response_class=Response,
    responses=VECTOR,
    dependencies=[Depends(only("edition", "of"))],
)
async def result_tile(
    request: Request, opened: OpenedParam, digest: Digest, z: Zoom, y: Row, x: Column, of: OfAsked = None
) -> Response:
    """Return one tile of a result: the collection's places with before, change and after by sector."""
    place, edition, places = Tile(z, y, x), opened.edition, places_of(request)

    def made() -> Response:
        asked = places.kept.asked(edition.region.id, digest)
        collection = of or asked.collection
        info, year = edition.collection(collection), edition.year(collection, asked.year)
        address = tile_address(edition, _path(digest), place, {"of": collection})

        def packed() -> bytes:
            values = places.values(edition, asked, collection)
            names = [name for name in info.columns if name.startswith("name_") or name in ("held", "area_ha")]
            return compressed_tile(edition, collection, year, place, names, numbers=values)

        return tile_answer(request, opened, address, packed)

    return await running(request, made)


@router.get(
    "/style",
    response_model=Style,
    response_class=StyleJson,
    dependencies=[Depends(only("edition", "of", "theme", "ground"))],
)
async def result_style(
    request: Request,
    opened: OpenedParam,
    settings: SettingsParam,
    digest: Digest,
    of: OfAsked = None,
    theme: Annotated[Theme, Query(description="whose change is drawn")] = "net",
    ground: Annotated[Ground, Query(description="what the map lies on")] = "light",
) -> Response:
    """Return a MapLibre style of a result's changes, in classes that follow from how they are spread."""
    edition, places, links = opened.edition, places_of(request), Links(request, settings)

    def body() -> bytes:
        asked = places.kept.asked(edition.region.id, digest)
        collection = of or asked.collection
        info, column = edition.collection(collection), f"{theme}_change_tco2e"
        classes = value_classes(places.values(edition, asked, collection)[column], THEMES[theme][ground])
        least, greatest = zooms(info)
        bounds: Bbox = info.bbox or edition.region.bbox
        path = (edition.region.id, *_path(digest))
        source = {
            "type": "vector",
            "tiles": [links.address(*path, raw=TILES + TEMPLATE, of=collection, edition=edition.id)],
            "minzoom": least,
            "maxzoom": greatest,
            "bounds": bounds,
        }
        told = {
            "theme": theme, "collection": collection, "year": asked.scenario.year, "column": column, "unit": "t",
            "ground": ground, "digest": digest, "classes": {collection: [described_class(one) for one in classes]},
        }  # fmt: skip
        layers = value_layers(collection, collection, column, "t", classes, GROUNDS[ground])
        title = f"{preferred(request, edition.region.name)[1]}: {_title(request, column)}, {asked.scenario.year}"
        return dumped(style_document(request, links, edition, title, told, source, layers, ground))

    def made() -> Response:
        return of_edition(request, opened, body, STYLE, spoken(request, opened))

    known = unchanged(request, opened, STYLE, spoken(request, opened))
    return known if known is not None else await running(request, made)


@router.get(
    "/items",
    response_model=PlacesOut,
    response_class=GeoJson,
    dependencies=[Depends(only("edition", "of", "limit", "offset"))],
)
async def result_items(
    request: Request,
    opened: OpenedParam,
    digest: Digest,
    of: OfAsked = None,
    limit: LimitAsked = 1000,
    offset: OffsetAsked = 0,
) -> Response:
    """Give cells, or zones, of a result as GeoJSON."""

    def made(asked: Asked, _: ResultPlaces) -> bytes:
        return items_page(request, opened, asked, of, limit, offset)

    return unkept(await _made(request, opened, digest, made), GEOJSON.media_type, _spoken(request))


@router.get(
    "/detail",
    response_model=PlacesOut,
    response_class=GeoJson,
    dependencies=[Depends(only("edition", "of", "limit", "offset"))],
)
async def result_detail(
    request: Request,
    opened: OpenedParam,
    settings: SettingsParam,
    digest: Digest,
    of: Annotated[str, Query(description="id of a grid whose cells nest in those of the result", max_length=64)],
    limit: LimitAsked = 1000,
    offset: OffsetAsked = 0,
) -> Response:
    """Look into the areas of a scenario's measures: finer cells, on which the change of each cell is laid."""
    edition, links = opened.edition, Links(request, settings)

    def at(start: int) -> str:
        path = (edition.region.id, *_path(digest), "detail")
        return links.address(*path, of=of, limit=limit, offset=start or None, edition=edition.id)

    def made(asked: Asked, places: ResultPlaces) -> bytes:
        told = detail_answer(edition, asked, places, of, limit, offset, at)
        return dumped(in_language(told, "scenario", note_language(request)))

    return unkept(await _made(request, opened, digest, made), GEOJSON.media_type, _spoken(request))


@router.get("/statistics", response_model=AreaOut, dependencies=[Depends(only("edition", "of", "ids"))])
async def result_statistics(
    request: Request,
    opened: OpenedParam,
    digest: Digest,
    of: Annotated[str, Query(description="id of a collection")],
    ids: Annotated[ComposedId, Query(description="ids of its items, separated by commas")],
) -> Response:
    """Add up what a result changes in some items of a collection."""

    def made(asked: Asked, places: ResultPlaces) -> bytes:
        return dumped(area_result(request, opened, asked, {"collection": of, "ids": listed_ids(ids)}))

    return unkept(await _made(request, opened, digest, made), headers=_spoken(request))


def _spoken(request: Request) -> dict[str, str]:
    return note_headers(note_language(request))


async def _made(
    request: Request, opened: Opened, digest: str, made: Callable[[Asked, ResultPlaces], bytes]
) -> bytes:  # fmt: skip
    places = places_of(request)
    return await running(request, lambda: made(places.kept.asked(opened.edition.region.id, digest), places))


def _path(digest: str) -> tuple[str, ...]:
    return "scenarios", "results", digest


def _source(request: Request, opened: Opened, digest: str, of: str | None) -> TileSource:
    """The tiles of a result.

    Raises:
        ResultNotFound: it is not remembered. InvalidParameter, EditionError: places it cannot be told of.
    """
    edition, places = opened.edition, places_of(request)
    asked = places.kept.asked(edition.region.id, digest)
    collection = of or asked.collection
    check_places(edition, asked, collection)
    info = edition.collection(collection)
    values, cells = places.values(edition, asked, collection), places.cells(edition, asked)
    classes = {
        f"{theme}_change_tco2e": [
            described_class(one) for one in value_classes(values[f"{theme}_change_tco2e"], THEMES[theme]["light"])
        ]
        for theme in THEMES
    }
    title = preferred(request, info.title)[1]
    return TileSource(
        path=_path(digest),
        name=f"{collection}, {asked.scenario.year}",
        title=title,
        zooms=zooms(info),
        bounds=info.bbox or edition.region.bbox,
        layers=lambda: [_layer(request, opened, collection, title)],
        query={"of": collection},
        more={
            "digest": digest,
            "collection": asked.collection,
            "of": collection,
            "year": asked.scenario.year,
            "change_tco2e": float(np.sum(cells.change_tco2e)),
            "result_illustrative": cells.illustrative,
            "classes": classes,
            **in_language({"notes": NOTES}, "scenario", note_language(request)),
        },
    )


def _layer(request: Request, opened: Opened, collection: str, title: str) -> TileLayer:
    columns = opened.edition.collection(collection).columns
    properties: dict[str, dict[str, Any]] = {"id": {"type": "string"}}
    properties |= {name: {"type": "string"} for name in columns if name.startswith("name_")}
    if "held" in columns:
        properties["held"] = {"type": "boolean"}
    if "area_ha" in columns:
        properties["area_ha"] = {"type": "number", "x-ogc-unit": "ha"}
    properties |= {
        name: {"type": "number", "title": _title(request, name), "x-ogc-unit": "tCO2e"} for name in COLUMNS
    }  # fmt: skip
    return TileLayer(collection, title, properties, dimension=2)


def _title(request: Request, column: str) -> str:
    """A column's title: its sector's label, and whether it is before, after, or the change."""
    language = page_language(request)
    sector, part, _ = column.split("_")
    return f"{shipped_columns().describe(f'{sector}_tco2e').label[language]}: {WORDS[language][part]}"
