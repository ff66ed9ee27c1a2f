"""A receipt as a page that a person can read and print."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from api.answers import preferred
from api.pages import html_page, page_language
from api.params import Opened
from api.receipt_words import PAGE_WORDS
from api.settings import Settings
from api.words import WORDS
from grids.manifest import Collection


def receipt_page(
    request: Request, settings: Settings, opened: Opened, collection: Collection, document: Mapping[str, Any]
) -> bytes:
    """Return a receipt as HTML, from the same document that is sent as JSON."""
    language = page_language(request)
    words, said = WORDS[language], PAGE_WORDS[language]
    name = document["name"].get(language) or document["id"]
    at = ("collections", collection.id)
    return html_page(
        "receipt.html",
        request,
        settings,
        opened,
        f"{said['receipt']}: {name}, {document['year']}",
        document["links"],
        [
            (words["collections"], ("collections",)),
            (preferred(request, collection.title)[1], at),
            (name, (*at, "items", document["id"])),
        ],
        r=said,
        document=document,
        tonnes=lambda value: words["unknown"] if value is None else f"{_amount(value)} tCO2e",
        amount=_amount,
        percent=_percent,
    )


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


def _percent(part: float, whole: float | None) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""
