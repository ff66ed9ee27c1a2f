"""Items of a collection as GeoJSON: pages of them, and one by its id."""

from typing import Annotated, Any

import numpy as np
import orjson
import pyarrow as pa
import shapely
from fastapi import APIRouter, Depends, Path, Request, Response

from api.answers import GEOJSON, Links, dumped, labels, link, of_edition
from api.models import FeatureCollection, Item
from api.params import (
    DEFAULT_LIMIT,
    BboxParam,
    CollectionParam,
    ColumnsParam,
    LimitParam,
    OffsetParam,
    OpenedParam,
    SettingsParam,
    YearParam,
    only,
)
from grids.edition import Edition, Page
from grids.manifest import Collection
from grids.projections import LONLAT, reproject
from grids.tables import GEOMETRY

router = APIRouter(tags=["items"], prefix="/{region}/collections/{collection}/items")


@router.get(
    "",
    response_model=FeatureCollection,
    dependencies=[Depends(only("edition", "year", "bbox", "limit", "offset", "properties"))],
)
def items(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    year: YearParam,
    bbox: BboxParam,
    columns: ColumnsParam,
    settings: SettingsParam,
    limit: LimitParam = DEFAULT_LIMIT,
    offset: OffsetParam = 0,
) -> Response:
    """Return a page of cells, zones or hexagons; `next` names the edition, so that the pages of one walk always fit."""
    edition = opened.edition

    def body() -> bytes:
        page = edition.page(collection.id, year, _needed(collection, columns), bbox, offset, limit)
        links = Links(request, settings)
        at = (edition.region.id, "collections", collection.id)
        asked = request.query_params

        def there(start: int, pin: str | None = edition.id) -> str:
            bbox_asked, columns_asked = asked.get("bbox"), asked.get("properties")
            return links.address(
                *at,
                "items",
                year=year,
                bbox=bbox_asked,
                properties=columns_asked,
                limit=limit,
                offset=start or None,
                edition=pin,
            )

        listed = [link("self", there(offset, edition.id if opened.pinned else None), GEOJSON)]
        listed.append(link("collection", links.address(*at, edition=edition.id)))
        if offset + len(page.positions) < page.matched and len(page.positions):
            listed.append(link("next", there(offset + limit), GEOJSON))
        if offset:
            listed.append(link("prev", there(max(0, min(offset, page.matched) - limit)), GEOJSON))
        document = {
            "type": "FeatureCollection",
            "numberMatched": page.matched,
            "numberReturned": len(page.positions),
            "year": year,
            **labels(edition.manifest),
            "features": features(edition, collection, page, columns),
            "links": listed,
        }
        return dumped(document)

    return of_edition(request, opened, body, GEOJSON)


@router.get("/{item:path}", response_model=Item, dependencies=[Depends(only("edition", "year"))])
def item(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    year: YearParam,
    settings: SettingsParam,
    item: Annotated[str, Path(description="a cell's code, a zone's id or an H3 index")],
) -> Response:
    """Return one cell, zone or hexagon."""
    edition = opened.edition
    page = edition.item(collection.id, year, item)

    def body() -> bytes:
        links = Links(request, settings)
        at = (edition.region.id, "collections", collection.id)
        pin = edition.id if opened.pinned else None
        listed = [
            link("self", links.address(*at, "items", item, year=year, edition=pin), GEOJSON),
            link("collection", links.address(*at, edition=pin)),
        ]
        feature = features(edition, collection, page, None)[0]
        return dumped({**feature, "year": year, **labels(edition.manifest), "links": listed})

    return of_edition(request, opened, body, GEOJSON)


def features(edition: Edition, collection: Collection, page: Page, columns: list[str] | None) -> list[dict[str, Any]]:
    """Return GeoJSON features of a page, polygons in lon/lat with exterior rings counter-clockwise (RFC 7946)."""
    polygons = edition.polygons(collection.id, page.rows)
    if collection.kind != "grid":  # cells are drawn counter-clockwise already
        polygons = np.asarray(shapely.reverse(shapely.normalize(polygons)), dtype=object)
    geometries = shapely.to_geojson(reproject(polygons, edition.crs, LONLAT))
    names = list(collection.columns) if columns is None else columns
    rows = zip(*(plain_list(page.rows[name]) for name in names), strict=True) if names else ((),) * len(page.positions)
    return [
        {
            "type": "Feature",
            "id": identity,
            "geometry": orjson.Fragment(geometry),
            "properties": dict(zip(names, values, strict=True)),
        }
        for identity, geometry, values in zip(page.rows["id"].to_pylist(), geometries, rows, strict=True)
    ]


def plain_list(column: pa.ChunkedArray) -> list[Any]:
    """Return a column as Python values, null as None; much faster than `to_pylist` for numbers."""
    if pa.types.is_floating(column.type):
        values = column.to_numpy().tolist()
        return values if not column.null_count else [None if value != value else value for value in values]
    return list(column.to_pylist())


def _needed(collection: Collection, columns: list[str] | None) -> list[str] | None:
    """The columns asked for and those without which a feature has neither name nor place."""
    if columns is None:
        return None
    own = ["id", "row", "col"] if collection.kind == "grid" else ["id"]
    return list(dict.fromkeys([*(name for name in columns if name != GEOMETRY), *own]))
