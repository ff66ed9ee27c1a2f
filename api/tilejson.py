"""TileJSON 3.0.0: what a map must know before it asks for tiles."""

import html
from typing import Any

from api.answers import labels
from grids.edition import Edition
from grids.manifest import Bbox

FIRST_ZOOM = 11
"""Zoom at which a map of a town may begin."""


def tilejson(
    edition: Edition, name: str, template: str, least: int, greatest: int, bounds: Bbox, layers: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the document.

    Args:
        edition: whose labels and attributions stand in it.
        name: of the collection, or of the background.
        template: address of a tile, with {z}, {y} and {x}.
        least: zoom from which there are tiles.
        greatest: zoom after which a map enlarges what it has.
        bounds: west, south, east, north in degrees.
        layers: `vector_layers`.
    """
    west, south, east, north = bounds
    return {
        "tilejson": "3.0.0",
        "name": f"{edition.region.id}: {name}",
        "attribution": attribution(edition),
        "scheme": "xyz",
        "tiles": [template],
        "minzoom": least,
        "maxzoom": greatest,
        "bounds": bounds,
        "center": [(west + east) / 2, (south + north) / 2, max(least, min(greatest, FIRST_ZOOM))],
        "vector_layers": layers,
        **labels(edition.manifest),
    }


def attribution(edition: Edition) -> str:
    """Return the attributions as the HTML that maps put on the page: texts escaped, only web addresses linked."""
    parts = []
    for given in edition.region.attributions:
        text = html.escape(given.text)
        if given.url and given.url.startswith(("https://", "http://")):
            text = f'<a href="{html.escape(given.url)}">{text}</a>'
        parts.append(text)
    return " | ".join(parts)
