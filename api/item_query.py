"""What a request asks of a collection's items: read once from its parameters, checked against the collection."""

import math
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import WithJsonSchema
from starlette.concurrency import run_in_threadpool

from api.crs import Reference, reference
from api.errors import InvalidParameter
from api.filters import Filter, Language, is_heavy, read_filter
from api.geometries import read_box
from api.params import (
    CollectionId,
    CollectionParam,
    ColumnsParam,
    OpenedParam,
    WantedYearParam,
    check_names,
)
from api.plain_numbers import loosely_written
from api.times import years_met
from api.turns import reading_filter
from grids.manifest import Bbox, Collection
from grids.projections import LONLAT
from grids.selection import Key, Selection

MOST_ITEMS = 10_000
DEFAULT_ITEMS = 100
MOST_KEYS = 8

ONE = ("edition", "year", "crs", "f")
PARAMETERS = (
    *("edition", "year", "datetime", "bbox", "bbox-crs", "crs", "filter", "filter-lang", "filter-crs"),
    *("properties", "sortby", "skipGeometry", "limit", "offset", "f"),
)


@dataclass(frozen=True)
class ItemQuery:
    """What is asked.

    Attributes:
        year: of the table; none if no year of the collection meets the time asked for.
        earlier_years: those that meet it too, ascending; they have tables of their own.
        crs: of the answer's coordinates.
        rows: which of them, in which order; its box is x before y, in lon/lat or the region's CRS.
        columns: to answer with; none: all.
        geometry: whether to answer with it.
        limit: rows of a page at most.
        offset: rows to leave out first.
    """

    year: int | None
    earlier_years: tuple[int, ...]
    crs: Reference
    rows: Selection
    columns: list[str] | None
    geometry: bool
    limit: int
    offset: int


async def years_of(
    opened: OpenedParam,
    collection: CollectionParam,
    year: Annotated[
        int | None, Query(description="one of the collection's years; the latest if not given", ge=1, le=9999)
    ] = None,
    datetime: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "examples": ["2023-01-01/.."]}),
        Query(
            description="a moment or an interval (RFC 3339); of the years it meets, the latest is answered, and links "
            "(rel `related`) lead to the others",
        ),
    ] = None,
) -> list[int]:
    """Return the years meant, ascending; none if there is none in the time asked for."""
    if datetime is None:
        return [opened.edition.year(collection.id, year)]
    met = years_met(datetime, collection.years)
    if year is None:
        return met
    return [year] if opened.edition.year(collection.id, year) in met else []


YearsParam = Annotated[list[int], Depends(years_of)]


async def latest_year(years: YearsParam) -> int | None:
    """Return the year of the table that is answered from: a page has the rows of one."""
    return years[-1] if years else None


WantedCrs = Annotated[
    str | None, Query(description="URI of the CRS to answer in, one of the collection's `crs`; CRS84 if not given")
]


async def crs_of(opened: OpenedParam, crs: WantedCrs = None) -> Reference:
    """Return the CRS to answer in."""
    return reference(opened.edition, crs, "crs")


CrsParam = Annotated[Reference, Depends(crs_of)]
TimeParam = Annotated[int | None, Depends(latest_year)]


@dataclass(frozen=True)
class AskedItem:
    """Where one item is asked for: collection and year, and the CRS of the answer."""

    collection: Collection
    year: int
    crs: Reference


async def item_asked(
    opened: OpenedParam, collection: CollectionId, year: WantedYearParam = None, crs: WantedCrs = None
) -> AskedItem:
    """Return where an item is asked for; in one step, since the dependencies of each would cost more than the item."""
    edition = opened.edition
    info = edition.collection(collection)
    return AskedItem(info, edition.year(info.id, year), reference(edition, crs, "crs"))


AskedItemParam = Annotated[AskedItem, Depends(item_asked)]

BOX_SCHEMA = {
    "type": "array",
    "items": {"type": "number"},
    "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
}
UNEXPLODED = ("bbox", "datetime", "limit")
"""Parameters of which OGC API Features says that they come as one text, lists with commas."""


async def box_of(
    opened: OpenedParam,
    bbox: Annotated[
        str | None,
        WithJsonSchema(BOX_SCHEMA),
        Query(
            description="west,south,east,north in degrees unless bbox-crs says otherwise; of six numbers, "
            "the third and the sixth are heights, which are not looked at"
        ),
    ] = None,
    bbox_crs: Annotated[str | None, Query(alias="bbox-crs", description="URI of the CRS of bbox")] = None,
) -> tuple[Bbox | None, str]:
    """Return the box asked for, and lon/lat or the region's CRS."""
    crs = reference(opened.edition, bbox_crs, "bbox-crs")
    return (None, LONLAT) if bbox is None else (read_box(numbers_of(bbox), crs, "bbox"), crs.code)


async def filter_of(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    year: TimeParam,
    filter_: Annotated[
        str | None, Query(alias="filter", description="CQL2 over the queryables", examples=["net_tco2e > 100"])
    ] = None,
    filter_lang: Annotated[Language, Query(alias="filter-lang")] = "cql2-text",
    filter_crs: Annotated[
        str | None, Query(alias="filter-crs", description="URI of the CRS of coordinates in the filter")
    ] = None,
) -> Filter | None:
    """Return the condition: the filter and every column that the request gives a value for."""

    def read() -> Filter | None:
        crs = reference(opened.edition, filter_crs, "filter-crs")
        types = opened.edition.types(collection.id, year)
        given = request.query_params.items()
        equal = {name: value for name, value in given if name in types and name not in PARAMETERS}
        return read_filter(filter_, filter_lang, crs, types, equal)

    if filter_ is not None and is_heavy(filter_, filter_lang):
        return await reading_filter(request, read)
    return await run_in_threadpool(read)


async def order_of(
    collection: CollectionParam,
    sortby: Annotated[
        str | None,
        Query(description="columns separated by commas, - for falling", examples=["-net_tco2e,id"]),
    ] = None,
) -> tuple[Key, ...]:
    """Return the columns to sort by."""
    if sortby is None:
        return ()
    keys = []
    for part in sortby.split(","):
        # A plus that is not percent-encoded arrives as a space.
        name = part[1:] if part[:1] in ("+", "-", " ") else part
        if name not in collection.columns:
            raise InvalidParameter(
                f"sortby: collection {collection.id!r} has no column {name[:80]!r}; "
                f"it has {', '.join(collection.columns)}"
            )
        keys.append((name, part.startswith("-")))
    if len(keys) > MOST_KEYS or len({name for name, _ in keys}) < len(keys):
        raise InvalidParameter(f"sortby: got {sortby[:80]!r}, expected {MOST_KEYS} columns at most, each once")
    return tuple(keys)


async def item_query(
    request: Request,
    collection: CollectionParam,
    years: YearsParam,
    year: TimeParam,
    crs: CrsParam,
    box: Annotated[tuple[Bbox | None, str], Depends(box_of)],
    where: Annotated[Filter | None, Depends(filter_of)],
    order: Annotated[tuple[Key, ...], Depends(order_of)],
    columns: ColumnsParam,
    skip_geometry: Annotated[bool, Query(alias="skipGeometry", description="leave out the polygons")] = False,
    limit: Annotated[
        int,
        Query(
            description="features per page; a greater number is taken as the maximum",
            ge=1,
            json_schema_extra={"maximum": MOST_ITEMS},
        ),
    ] = DEFAULT_ITEMS,
    offset: Annotated[int, Query(description="features to leave out first", ge=0, le=2**40)] = 0,
) -> ItemQuery:
    """Return what is asked of a collection's items; columns of the collection are parameters too."""
    check_names(request, (*PARAMETERS, *(name for name in collection.columns if name not in PARAMETERS)))
    rows = Selection(*box, where, order)
    return ItemQuery(year, tuple(years[:-1]), crs, rows, columns, not skip_geometry, min(limit, MOST_ITEMS), offset)


ItemQueryParam = Annotated[ItemQuery, Depends(item_query)]


def numbers_of(text: str) -> list[float]:
    """Return the numbers of a `bbox`.

    Raises:
        InvalidParameter: something else than finite numbers, separated by commas.
    """
    try:
        if any(loosely_written(part.strip(" ")) for part in text.split(",")):
            raise ValueError("digits")
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InvalidParameter(f"bbox: got {text[:80]!r}, expected numbers such as 9.5,47.1,9.6,47.2") from error
    if not all(map(math.isfinite, numbers)):
        raise InvalidParameter(f"bbox: got {text[:80]!r}, expected finite numbers")
    return numbers
