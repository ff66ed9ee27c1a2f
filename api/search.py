"""Places by what people type: a zone's name, a cell's code, an H3 index, or coordinates."""

import re
from typing import Annotated, Any, Literal

import h3
from fastapi import APIRouter, Depends, Query, Request, Response

from api.answers import Links, dumped, labels, link, of_edition
from api.coordinates import read_place
from api.errors import InvalidParameter
from api.formats import GEOJSON, GeoJson
from api.params import Opened, OpenedParam, SettingsParam, only
from api.question_models import SearchOut
from grids.codes import cell_codes, parse_cell_code
from grids.edition import Edition
from grids.errors import CellCodeError
from grids.gazetteer import gazetteer_of, item_names, items_at, located
from grids.manifest import Collection

router = APIRouter(tags=["questions"], prefix="/{region}/search")

MOST_FOUND = 50
MOST_LETTERS = 200

_INDEX = re.compile("[0-9a-f]{15,16}")

Understood = Literal["name", "coordinates", "cell", "hexagon"]
Found = list[tuple[Collection, str]]


@router.get("", response_model=SearchOut, response_class=GeoJson, dependencies=[Depends(only("edition", "q", "limit"))])
def search(
    request: Request,
    opened: OpenedParam,
    settings: SettingsParam,
    q: Annotated[
        str, Query(description="a name, a cell's code, an H3 index, or coordinates", examples=["47.14, 9.52"])
    ],
    limit: Annotated[int, Query(description="places to answer with at most", ge=1, le=MOST_FOUND)] = 10,
) -> Response:
    """Find places, best first: names by their beginning, then anywhere within, in every language that there is."""
    text = q.strip()
    if not 0 < len(text) <= MOST_LETTERS:
        raise InvalidParameter(f"q: got {len(text)} letters, expected 1 to {MOST_LETTERS}")

    def body() -> bytes:
        understood, found, more = _found(opened.edition, text, limit)
        links = Links(request, settings)
        return dumped(
            {
                "type": "FeatureCollection",
                "q": text,
                "understood": understood,
                "numberReturned": len(found),
                "more": more,
                **labels(opened.edition.manifest),
                "features": [_feature(opened, links, info, identity) for info, identity in found],
            }
        )

    return of_edition(request, opened, body, GEOJSON.media_type)


def _found(edition: Edition, text: str, limit: int) -> tuple[Understood, Found, bool]:
    places = read_place(text)
    for lon, lat in places:
        at = items_at(edition, lon, lat)
        if at:
            return "coordinates", at[:limit], len(at) > limit
    cell = _cell(edition, text)
    if cell is not None:
        return "cell", [cell], False
    hexagon = _hexagon(edition, text)
    if hexagon is not None:
        return "hexagon", [hexagon], False
    zones, more = gazetteer_of(edition).named(text, limit)
    if places and not zones:
        return "coordinates", [], False
    return "name", [(edition.collection(zone.collection), zone.id) for zone in zones], more


def _cell(edition: Edition, text: str) -> tuple[Collection, str] | None:
    try:
        code = parse_cell_code(text)
    except CellCodeError:
        return None
    if edition.crs.upper() != f"EPSG:{code.epsg}":
        return None
    for info in edition.manifest.collections:
        if info.kind == "grid" and info.years and info.cell_size_m == code.size_m and info.codes == code.scheme:
            # A code may be written in several ways; items are called by one of them.
            name = str(cell_codes(info.codes, edition.crs, [code.east_m], [code.north_m], code.size_m)[0])
            return (info, name) if _is_there(edition, info, name) else None
    return None


def _hexagon(edition: Edition, text: str) -> tuple[Collection, str] | None:
    """The hexagon of that index, or the finest one around it that there is."""
    index = text.lower()
    if not _INDEX.fullmatch(index) or not h3.is_valid_cell(index):  # the library fails on what 64 bits cannot hold
        return None
    resolution = h3.get_resolution(index)
    known = [info for info in edition.manifest.collections if info.kind == "hexagons" and info.years]
    for info in sorted(known, key=lambda info: -(info.resolution or 0)):
        if info.resolution is not None and info.resolution <= resolution:
            around = str(h3.cell_to_parent(index, info.resolution))
            if _is_there(edition, info, around):
                return info, around
    return None


def _is_there(edition: Edition, info: Collection, item: str) -> bool:
    return bool(edition.positions(info.id, edition.year(info.id, None), [item])[0] >= 0)


def _feature(opened: Opened, links: Links, info: Collection, identity: str) -> dict[str, Any]:
    edition = opened.edition
    where = located(edition, info, identity)
    assert where is not None, "only items of the latest table are found"
    pin = edition.id if opened.pinned else None
    return {
        "type": "Feature",
        "id": identity,
        "bbox": where.bbox,
        "geometry": {"type": "Point", "coordinates": where.point},
        "properties": {
            "collection": info.id,
            "title": info.title,
            "kind": info.kind,
            "name": item_names(edition, info, edition.year(info.id, None), [identity])[0],
        },
        "links": [
            link(
                "item",
                links.address(edition.region.id, "collections", info.id, "items", identity, edition=pin),
                GEOJSON.media_type,
            )
        ],
    }
