"""Pages of features and single features as HTML: a small map drawn in SVG and a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request

from api.answers import Links, preferred
from api.item_maps import item_map
from api.item_query import ItemQuery
from api.pages import html_page, page_language
from api.params import Opened
from api.settings import Settings
from api.words import WORDS
from grids.columns import UnknownColumn
from grids.manifest import Collection
from grids.shipped import shipped_columns


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
        map=item_map([(one, address(one)) for one in found], columns, language) if asked.geometry else None,
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
        map=item_map([(document, "")], list(document["properties"]), language),
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
