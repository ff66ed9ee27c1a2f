"""Items of a collection: pages of them in several forms, and one by its id."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from api.answers import Links, alternates, dumped, headed, labels, link, of_edition, unchanged
from api.crs import DEFAULT, Reference
from api.encoders import Sheet, arrow_bytes, csv_bytes, flatgeobuf_bytes, geoparquet_bytes
from api.feature_text import cell_texts, features_text
from api.formats import ARROW, CSV, FLATGEOBUF, GEOJSON, GEOPARQUET, HTML, ITEM, ITEMS, Format, GeoJson, chosen
from api.geometries import flipped
from api.item_pages import item_page, items_page
from api.item_query import ONE, AskedItemParam, ItemQuery, ItemQueryParam
from api.models import FeatureCollection, Item
from api.params import CollectionParam, FormatParam, ItemId, Opened, OpenedParam, SettingsParam, only
from api.turns import choosing
from grids.edition import Edition, Page
from grids.exports.labels import tags
from grids.manifest import Collection
from grids.projections import reproject, transformer
from grids.tables import GEOMETRY, Geometries

router = APIRouter(tags=["items"], prefix="/{region}/collections/{collection}/items")

MOST_GEOMETRY_BYTES = 32 << 20  # of one page: zones with long borders come in shorter pages


_FILES: dict[Format, Callable[[Sheet], bytes]] = {
    CSV: csv_bytes,
    FLATGEOBUF: flatgeobuf_bytes,
    GEOPARQUET: geoparquet_bytes,
    ARROW: arrow_bytes,
}
MOST_ON_A_PAGE = 500
"""Features of a page for people: each takes thirty times the work of one in GeoJSON, and nobody reads more."""
MOST_YEARS = 20
"""Earlier years that a page links to: those nearest to its own, of however long an interval was asked for."""

_FORMS: dict[str, dict[str, Any]] = {known.media_type.partition(";")[0]: {} for known in ITEMS if known is not GEOJSON}


@router.get(
    "",
    response_model=FeatureCollection,
    response_class=GeoJson,
    responses={200: {"content": _FORMS, "description": "a page of features"}},
)
async def items(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    asked: ItemQueryParam,
    settings: SettingsParam,
    f: FormatParam = None,
) -> Response:
    """Return a page of cells, zones or hexagons; `next` names the edition, so that the pages of one walk always fit."""
    form, edition = chosen(request, ITEMS), opened.edition
    crs = asked.crs
    if form is HTML:  # its picture is drawn in degrees
        crs, asked = DEFAULT, replace(asked, limit=min(asked.limit, MOST_ON_A_PAGE))

    def body() -> tuple[bytes, dict[str, str]]:
        page = None if asked.year is None else _page(edition, collection, asked)
        listed = _links(request, Links(request, settings), opened, collection, asked, page, form)
        matched, returned = (0, 0) if page is None else (page.matched, len(page.positions))
        counted = {"OGC-NumberMatched": str(matched), "OGC-NumberReturned": str(returned)}
        if form in _FILES:
            return _FILES[form](_sheet(edition, collection, page, asked)), {**counted, "Link": headed(listed)}
        names = list(collection.columns) if asked.columns is None else asked.columns
        shapes = None if page is None or not asked.geometry else _shapes(edition, collection, page, crs)
        document = {
            "type": "FeatureCollection",
            "numberMatched": matched,
            "numberReturned": returned,
            "year": asked.year,
            **labels(edition.manifest),
            "features": [],
            "links": listed,
        }
        if form is HTML:
            document["features"] = [] if page is None else _told(page, names, shapes)
            return items_page(request, settings, opened, collection, asked, document), counted
        if page is not None:
            document["features"] = orjson.Fragment(features_text(page.rows, names, shapes))
        return dumped(document), counted

    headers = {"Content-Crs": f"<{crs.uri}>", "Vary": _vary(form)}

    def made() -> Response:
        return of_edition(request, opened, body, form.media_type, headers)

    if asked.rows.where is None and not asked.rows.order:
        return await run_in_threadpool(made)
    known = unchanged(request, opened, form.media_type, headers)
    return known if known is not None else await choosing(request, made)


@router.get(
    "/{item:path}",
    response_model=Item,
    response_class=GeoJson,
    responses={200: {"content": {HTML.media_type: {}}, "description": "a feature"}},
    dependencies=[Depends(only(*ONE))],
)
def item(
    request: Request,
    opened: OpenedParam,
    asked: AskedItemParam,
    settings: SettingsParam,
    item: ItemId,
    f: FormatParam = None,
) -> Response:
    """Return one cell, zone or hexagon."""
    form, collection, year = chosen(request, ITEM), asked.collection, asked.year
    edition, crs = opened.edition, DEFAULT if form is HTML else asked.crs
    page = edition.item(collection.id, year, item)

    def body() -> bytes:
        links = Links(request, settings)
        at = (edition.region.id, "collections", collection.id)
        listed = alternates(links, request, form, ITEM, *at, "items", item)
        listed.append(link("collection", links.address(*at, edition=edition.id if opened.pinned else None)))
        feature = _told(page, list(collection.columns), _shapes(edition, collection, page, crs))[0]
        document = {**feature, "year": year, **labels(edition.manifest), "links": listed}
        return item_page(request, settings, opened, collection, document) if form is HTML else dumped(document)

    headers = {"Content-Crs": f"<{crs.uri}>", "Vary": _vary(form)}
    return of_edition(request, opened, body, form.media_type, headers)


def _shapes(edition: Edition, collection: Collection, page: Page, crs: Reference) -> pa.BinaryArray:
    """Geometries as text; exterior rings are counter-clockwise (RFC 7946) before axes are changed over."""
    if collection.kind != "grid":
        polygons = placed(edition, collection, page, crs)
        polygons = flipped(polygons) if crs.flipped else polygons
        return pa.array(shapely.to_geojson(polygons), type=pa.string()).cast(pa.binary())
    # Cells of a page are neighbours: each corner they share is moved once, and no geometry object is made.
    corners, where = edition.cell_corners(collection.id, page.rows)
    if crs.code != edition.crs:
        corners = np.column_stack(transformer(edition.crs, crs.code).transform(corners[:, 0], corners[:, 1]))
    return cell_texts(corners[:, ::-1] if crs.flipped else corners, where)


def _told(page: Page, names: list[str], shapes: pa.BinaryArray | None) -> list[dict[str, Any]]:
    """A few features one by one, as a page for people needs them; their geometries stay text."""
    rows = page.rows.select(list(dict.fromkeys(["id", *names]))).to_pylist()
    drawn = [None] * len(rows) if shapes is None else [orjson.Fragment(shape) for shape in shapes.to_pylist()]
    return [
        {
            "type": "Feature",
            "id": row["id"],
            "geometry": shape,
            "properties": {name: _known(row[name]) for name in names},
        }
        for row, shape in zip(rows, drawn, strict=True)
    ]


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def placed(edition: Edition, collection: Collection, page: Page, crs: Reference) -> Geometries:
    """Return the polygons of a page in a CRS, x before y, exterior rings counter-clockwise."""
    polygons = edition.polygons(collection.id, page.rows)
    if collection.kind != "grid":  # cells are drawn counter-clockwise already
        polygons = np.asarray(shapely.reverse(shapely.normalize(polygons)), dtype=object)
    return polygons if crs.code == edition.crs else reproject(polygons, edition.crs, crs.code)


def _page(edition: Edition, collection: Collection, asked: ItemQuery) -> Page:
    """The rows asked for: fewer than `limit` where their polygons would be too many bytes, but at least one."""
    page = edition.page(
        collection.id,
        asked.year,
        _needed(collection, asked.columns),
        asked.rows,
        offset=asked.offset,
        limit=asked.limit,
    )
    if GEOMETRY not in page.rows.column_names or not asked.geometry or not len(page.positions):
        return page
    sizes = np.cumsum(pc.binary_length(page.rows[GEOMETRY]).to_numpy().astype(np.int64))
    kept = max(1, int(np.searchsorted(sizes, MOST_GEOMETRY_BYTES, side="right")))
    return page if kept >= len(sizes) else Page(page.rows[:kept], page.positions[:kept], page.matched)


def _links(
    request: Request,
    links: Links,
    opened: Opened,
    collection: Collection,
    asked: ItemQuery,
    page: Page | None,
    form: Format,
) -> list[dict[str, Any]]:
    edition = opened.edition
    at = (edition.region.id, "collections", collection.id)
    listed = alternates(links, request, form, ITEMS, *at, "items")
    listed.append(link("collection", links.address(*at, edition=edition.id if opened.pinned else None)))
    if page is None:
        return listed
    for year in asked.earlier_years[-MOST_YEARS:]:
        href = links.again(request, *at, "items", year=year, datetime=None, offset=None)
        listed.append(link("related", href, form.media_type, title=f"the same of {year}"))

    def there(start: int) -> str:
        return links.again(
            request,
            *at,
            "items",
            year=asked.year,
            datetime=None,
            limit=asked.limit,
            offset=start or None,
            edition=edition.id,
        )

    after = asked.offset + len(page.positions)
    if after < page.matched and len(page.positions):
        listed.append(link("next", there(after), form.media_type))
    if asked.offset:
        before = max(0, min(asked.offset, page.matched) - asked.limit)
        listed.append(link("prev", there(before), form.media_type))
    return listed


def _sheet(edition: Edition, collection: Collection, page: Page | None, asked: ItemQuery) -> Sheet:
    if page is None:  # no year in the time asked for: the columns without a row
        page = edition.page(collection.id, None, _needed(collection, asked.columns), limit=0)
    names = list(collection.columns) if asked.columns is None else list(dict.fromkeys(["id", *asked.columns]))
    shapes = placed(edition, collection, page, asked.crs) if asked.geometry else None
    return Sheet(
        collection.id,
        page.rows.select(names),
        shapes,
        collection.kind == "zones",
        asked.crs,
        labels(edition.manifest),
        tags(edition),
    )


def _vary(form: Format) -> str:
    return "Accept, Accept-Language" if form is HTML else "Accept"


def _needed(collection: Collection, columns: list[str] | None) -> list[str] | None:
    """The columns asked for and those without which a feature has neither name nor place."""
    if columns is None:
        return None
    own = ["id", "row", "col"] if collection.kind == "grid" else ["id"]
    return list(dict.fromkeys([*(name for name in columns if name != GEOMETRY), *own]))
