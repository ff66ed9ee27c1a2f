"""What a drawn polygon, or some cells or zones together, emit: answered from published values only."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import orjson
import shapely
from fastapi import APIRouter, Depends, Query, Request, Response

from api.answers import dumped, labels, of_edition
from api.drawn import MOST_VERTICES, Drawn, read_drawn
from api.errors import InvalidParameter
from api.params import ComposedId, Opened, OpenedParam, composed, only
from api.question_models import StatisticsOut
from api.turns import adding_up
from grids.columns import BASES
from grids.edition import Edition
from grids.manifest import Collection
from grids.statistics import Chosen, Quantity, SectorSum, Statistics, chosen_cells, grid_for, statistics
from grids.store_errors import ItemNotFound

router = APIRouter(tags=["questions"], prefix="/{region}/statistics")

MOST_IDS = 10_000
MOST_ARRAYS = 2 * MOST_VERTICES
"""In a body: positions, rings and whatever else a document may hold."""
NOTES = {
    "source": "sums of published values; protected (held) cells count with the value that is published for them",
    "border": "a cell that lies within the polygon in part counts by the part of its area, as if its values were "
    "spread evenly over it; edges are straight in the region's CRS",
    "interval": "90 %, an upper bound: errors of all cells are added as if they went together; how unevenly values "
    "lie within border cells is not in it",
    "ground": "of a polygon, t_per_ha and coverage are of its ground within the region's zones (ground_ha), of which "
    "cells that hold nothing are a part; null in an edition without zones, which does not tell that ground",
    "unknown": "cells without a value of that column; they are left out of its sum",
}
_ELSEWHERE = "the polygon lies outside the region's ground: nothing is known there, so that every value is null"
_EMPTY = (
    "no cell that the polygon meets has a row: a sector is zero where every zone that the polygon meets is covered as "
    "a whole, and null elsewhere; coverage says of how much of the ground a sector is known"
)

_BODY = {
    "requestBody": {
        "required": True,
        "description": "a GeoJSON Polygon or MultiPolygon in WGS 84, a Feature of one, or a collection and ids of it",
        "content": {
            media_type: {
                "schema": {
                    "type": "object",
                    "example": {
                        "type": "Polygon",
                        "coordinates": [[[9.5, 47.1], [9.6, 47.1], [9.6, 47.2], [9.5, 47.1]]],
                    },
                }
            }
            for media_type in ("application/json", "application/geo+json")
        },
    }
}
YearAsked = Annotated[int | None, Query(description="the latest if not given", ge=1, le=9999)]
ProfileAsked = Annotated[bool, Query(description="with totals of every year")]


async def body_of(request: Request) -> bytes:
    """Return the body, the size of which is limited for every request alike."""
    return await request.body()


@router.get(
    "", response_model=StatisticsOut, dependencies=[Depends(only("edition", "year", "collection", "ids", "profile"))]
)
def statistics_of_items(
    request: Request,
    opened: OpenedParam,
    collection: Annotated[str, Query(description="id of a collection")],
    ids: Annotated[ComposedId, Query(description="ids of its items, separated by commas")],
    year: YearAsked = None,
    profile: ProfileAsked = False,
) -> Response:
    """Add up some items of one collection."""
    info = opened.edition.collection(collection)
    meant = opened.edition.year(info.id, year)
    chosen = chosen_items(opened.edition, info, meant, ids.split(","))
    return of_edition(request, opened, lambda: dumped(_document(opened, info, meant, lambda _: chosen, None, profile)))


@router.post(
    "",
    response_model=StatisticsOut,
    openapi_extra=_BODY,
    dependencies=[Depends(only("edition", "year", "collection", "profile"))],
)
async def statistics_of_body(
    request: Request,
    opened: OpenedParam,
    body: Annotated[bytes, Depends(body_of)],
    collection: Annotated[str | None, Query(description="a grid; the finest that is possible if not given")] = None,
    year: YearAsked = None,
    profile: ProfileAsked = False,
) -> Response:
    """Add up what lies in a polygon, or the items that the body lists."""
    return await adding_up(request, lambda: _added_up(opened, body, collection, year, profile))


def _added_up(opened: Opened, body: bytes, collection: str | None, year: int | None, profile: bool) -> Response:
    edition = opened.edition
    document = read_document(body)
    if "ids" in document:
        info, ids = _listed(edition, document, collection)
        meant = edition.year(info.id, year)
        listed = chosen_items(edition, info, meant, ids)
        return _unkept(_document(opened, info, meant, lambda _: listed, None, profile))
    drawn = read_drawn(document, edition)
    info = grid_for(edition, drawn.shape, _grids(edition, collection))
    meant = edition.year(info.id, year)

    def choose(of: int) -> Chosen:
        return chosen_cells(edition, info, of, drawn.shape)

    return _unkept(_document(opened, info, meant, choose, drawn, profile))


def _unkept(document: Mapping[str, Any]) -> Response:
    # Nobody on the way may keep it: the body it depends on is not part of the address.
    return Response(dumped(document), media_type="application/json", headers={"Cache-Control": "no-store"})


def chosen_items(edition: Edition, info: Collection, year: int, ids: list[str]) -> Chosen:
    """Return items of a collection, whole.

    Raises:
        InvalidParameter: none, too many, or one of them twice.
        ItemNotFound: one that the year's table does not have.
    """
    if not 0 < len(ids) <= MOST_IDS or not all(ids):
        raise InvalidParameter(f"ids: got {len(ids)} ids, expected 1 to {MOST_IDS}, none of them empty")
    if len(set(ids)) < len(ids):
        twice = Counter(ids).most_common(1)[0][0]
        raise InvalidParameter(f"ids: {twice[:80]!r} is given twice, expected each id once")
    missing = np.flatnonzero(edition.positions(info.id, year, ids) < 0)
    if len(missing):
        raise ItemNotFound(
            f"collection {info.id!r} of region {edition.region.id!r} has no item {ids[missing[0]][:80]!r} in {year}"
        )
    return Chosen(tuple(ids), np.ones(len(ids)))


def read_document(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object of a body.

    Raises:
        InvalidParameter: too many arrays, not JSON, or no object.
    """
    arrays = body.count(b"[")
    if arrays > MOST_ARRAYS:  # counted before they are objects of Python, which takes most of the time
        raise InvalidParameter(
            f"body: has {arrays} arrays, such as positions of a polygon, expected {MOST_ARRAYS} at most"
        )
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidParameter(f"body: is not JSON: {str(error)[:120]}") from error
    if not isinstance(document, dict):
        raise InvalidParameter(f"body: got a {type(document).__name__}, expected a GeoJSON object or one with `ids`")
    return document


def _listed(edition: Edition, document: Mapping[str, Any], collection: str | None) -> tuple[Collection, list[str]]:
    unknown = sorted(set(document) - {"collection", "ids"})
    if unknown:
        raise InvalidParameter(f"body: {unknown[0][:80]!r} is no member of it, expected `collection` and `ids`")
    name, ids = document.get("collection", collection), document["ids"]
    if not isinstance(name, str) or (collection is not None and name != collection):
        raise InvalidParameter(f"body: `collection` is {str(name)[:80]!r}, expected the id of one collection")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise InvalidParameter("body: `ids` is expected to be a list of texts")
    return edition.collection(name), [composed(one) for one in ids]


def _grids(edition: Edition, collection: str | None) -> list[Collection]:
    """The grid asked for, or all that have tables, the coarsest first."""
    if collection is not None:
        info = edition.collection(collection)
        if info.kind != "grid":
            raise InvalidParameter(f"collection: {collection!r} is no grid; a polygon is answered from cells")
        return [info]
    grids = [info for info in edition.manifest.collections if info.kind == "grid" and info.years]
    if not grids:
        raise InvalidParameter(f"region {edition.region.id!r} has no grid: ask with a collection and ids of it")
    return sorted(grids, key=lambda info: -(info.cell_size_m or 0))


def _document(
    opened: Opened, info: Collection, year: int, choose: Callable[[int], Chosen], drawn: Drawn | None, profile: bool
) -> dict[str, Any]:
    edition, chosen = opened.edition, choose(year)
    found = statistics(edition, info, year, chosen)
    document = {
        "collection": info.id,
        "year": year,
        "rows": found.rows,
        "partly": chosen.partly,
        "held": found.held,
        "area_ha": found.area_ha,
        "drawn_ha": None if drawn is None else drawn.area_ha,
        "ground_ha": None if found.ground is None else found.ground.area_ha,
        "population": found.population.value,
        "population_unknown": found.population.unknown,
        "sectors": [_sector(one, edition.manifest.illustrative) for one in found.sectors],
        "notes": NOTES | _nothing(found, drawn),
        **labels(edition.manifest),
    }
    if profile:
        document["profile"] = [_totals(edition, info, one, choose(one)) for one in info.years]
    return document


def _nothing(found: Statistics, drawn: Drawn | None) -> dict[str, str]:
    """Why a polygon has no values, if it has none."""
    if drawn is None or found.rows:
        return {}
    outside = shapely.is_empty(drawn.shape) or (found.ground is not None and found.ground.area_ha == 0)
    return {"nothing": _ELSEWHERE if outside else _EMPTY}


def _totals(edition: Edition, info: Collection, year: int, chosen: Chosen) -> dict[str, Any]:
    # Its ground says whether nothing is zero or unknown, and is asked only where no row says anything.
    found = statistics(edition, info, year, replace(chosen, polygon=None) if chosen.ids else chosen)
    return {
        "year": year,
        "rows": found.rows,
        "held": found.held,
        "tco2e": {one.sector: one.total.value for one in found.sectors},
        "interval_90": {one.sector: one.interval for one in found.sectors},
        "unknown": {one.sector: one.total.unknown for one in found.sectors},
    }


def _sector(one: SectorSum, illustrative: Mapping[str, bool]) -> dict[str, Any]:
    return {
        "sector": one.sector,
        "tco2e": one.total.value,
        "unknown": one.total.unknown,
        "sd_at_most_tco2e": one.sd_tco2e,
        "interval_90": one.interval,
        "by_carrier": [
            {"carrier": carrier, "basis": basis, "tco2e": part.value, "unknown": part.unknown}
            for (carrier, basis), part in one.parts.items()
        ],
        "by_basis": _bases(one.parts),
        "methods": one.methods,
        "coverage": one.coverage,
        "t_per_ha": one.per_ha,
        "t_per_person": one.per_person,
        "illustrative": any(illustrative.values()) if one.sector == "net" else illustrative[one.sector],
    }


def _bases(parts: Mapping[tuple[str, str], Quantity]) -> dict[str, float | None]:
    """Sums of the carriers by basis; unknown where one of them is withheld, so that no part passes for the whole."""
    sums: dict[str, float | None] = {}
    for basis in BASES:
        values = [part.value for (_, of), part in parts.items() if of == basis]
        if values:
            sums[basis] = None if any(value is None for value in values) else sum(value or 0.0 for value in values)
    return sums
