"""Pages of features and single features as HTML: a small map drawn in SVG and a table."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import shapely
from fastapi import Request

from api.answers import Links, preferred
from api.item_query import ItemQuery
from api.pages import html_page, page_language
from api.params import Opened
from api.settings import Settings
from api.words import WORDS
from grids.columns import UnknownColumn
from grids.manifest import Collection
from grids.shipped import shipped_columns

_WIDTH, _HEIGHT = 800.0, 400.0


def items_page(
    request: Request,
    settings: Settings,
    opened: Opened,
    collection: Collection,
    asked: ItemQuery,
    document: Mapping[str, Any],
) -> bytes:
    """Return a page of features as HTML, from the same document that is sent as GeoJSON."""
    language = page_language(request)
    words, links = WORDS[language], Links(request, settings)
    found = document["features"]
    at = (opened.edition.region.id, "collections", collection.id)
    columns = list(dict.fromkeys(["id", *(collection.columns if asked.columns is None else asked.columns)]))

    def address(one: Mapping[str, Any]) -> str:
        pin = opened.edition.id if opened.pinned else None
        return links.address(*at, "items", one["id"], year=document["year"], edition=pin)

    rows = [
        {
            "href": address(one),
            "cells": [
                _cell(one["id"] if name == "id" else one["properties"][name], words["unknown"]) for name in columns
            ],
        }
        for one in found
    ]
    counted = words["none"]
    if found:
        counted = words["counted"].format(
            first=asked.offset + 1,
            last=asked.offset + len(found),
            matched=document["numberMatched"],
            year=document["year"],
        )
    return html_page(
        "items.html",
        request,
        settings,
        opened,
        preferred(request, collection.title)[1],
        document["links"],
        _trail(request, collection, words),
        counted=counted,
        map=_map([(one, address(one)) for one in found]) if asked.geometry else None,
        columns=[_column(name, language) for name in columns],
        rows=rows,
    )


def item_page(
    request: Request, settings: Settings, opened: Opened, collection: Collection, document: Mapping[str, Any]
) -> bytes:
    """Return one feature as HTML, from the same document that is sent as GeoJSON."""
    language = page_language(request)
    words = WORDS[language]
    entries = [
        {**_column(name, language), **_cell(value, words["unknown"])} for name, value in document["properties"].items()
    ]
    return html_page(
        "item.html",
        request,
        settings,
        opened,
        f"{document['properties'].get(f'name_{language}') or document['id']}, {document['year']}",
        document["links"],
        [
            *_trail(request, collection, words),
            (words["places"], ("collections", collection.id, "items")),
        ],
        map=_map([(document, "")]),
        entries=entries,
    )


def _trail(request: Request, collection: Collection, words: Mapping[str, str]) -> list[tuple[str, Sequence[str]]]:
    title = preferred(request, collection.title)[1]
    return [(words["collections"], ("collections",)), (title, ("collections", collection.id))]


def _column(name: str, language: str) -> dict[str, str]:
    try:
        known = shipped_columns().describe(name)
    except UnknownColumn:
        return {"name": name, "label": name, "unit": "", "meaning": ""}
    unit = "" if known.unit in ("1", "a") else known.unit
    return {"name": name, "label": known.label[language], "unit": unit, "meaning": known.meaning[language]}


def _cell(value: Any, unknown: str) -> dict[str, Any]:
    if isinstance(value, float):
        return {"text": f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}", "number": True}
    return {"text": unknown if value is None else str(value), "number": isinstance(value, int)}


def _map(places: Sequence[tuple[Mapping[str, Any], str]]) -> dict[str, Any] | None:
    """Outlines in the unit of the picture: lon/lat, degrees squeezed by latitude."""
    if not places:
        return None
    shapes = shapely.from_geojson([orjson.dumps(one["geometry"]) for one, _ in places])
    west, south, east, north = shapely.total_bounds(shapes)
    squeeze = math.cos(math.radians((south + north) / 2))
    width, height = max((east - west) * squeeze, 1e-9), max(north - south, 1e-9)
    scale = min(_WIDTH / width, _HEIGHT / height)
    drawn = shapely.transform(
        shapely.simplify(shapes, 0.3 / scale),
        lambda points: np.column_stack([(points[:, 0] - west) * squeeze * scale, (north - points[:, 1]) * scale]),
    )
    margin = 4
    box = f"{-margin} {-margin} {width * scale + 2 * margin:.0f} {height * scale + 2 * margin:.0f}"
    return {
        "box": box,
        "shapes": [
            {"path": _path(shape), "href": href, "name": one["id"]}
            for shape, (one, href) in zip(drawn, places, strict=True)
        ],
    }


def _path(shape: shapely.Geometry) -> str:
    rings = shapely.get_rings(shapely.get_parts(shape))
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in shapely.get_coordinates(ring)[:-1]) + "Z" for ring in rings
    )
