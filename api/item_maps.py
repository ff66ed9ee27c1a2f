"""The small map on a page of features: outlines in SVG, coloured by the first total that the page shows."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import shapely

from grids.class_breaks import ValueClass, colour_of, value_classes
from grids.columns import total_column
from grids.ramps import GROUNDS, THEMES
from grids.shipped import shipped_columns

_WIDTH, _HEIGHT = 800.0, 400.0


def item_map(
    places: Sequence[tuple[Mapping[str, Any], str]], columns: Sequence[str], language: str
) -> dict[str, Any] | None:
    """Return outlines in the unit of the picture (lon/lat, degrees squeezed by latitude) with their colours.

    Args:
        places: GeoJSON features, and the address that each leads to.
        columns: those that the page shows; without a total among them outlines have no colour.
        language: of the legend.
    """
    if not places:
        return None
    features = [one for one, _ in places]
    shapes = shapely.from_geojson([orjson.dumps(one["geometry"]) for one in features])
    west, south, east, north = shapely.total_bounds(shapes)
    squeeze = math.cos(math.radians((south + north) / 2))
    width, height = max((east - west) * squeeze, 1e-9), max(north - south, 1e-9)
    scale = min(_WIDTH / width, _HEIGHT / height)
    drawn = shapely.transform(
        shapely.simplify(shapes, 0.3 / scale),
        lambda points: np.column_stack([(points[:, 0] - west) * squeeze * scale, (north - points[:, 1]) * scale]),
    )
    margin = 4
    theme = next((theme for theme in THEMES if total_column(theme) in columns), None)
    values = [None if theme is None else one["properties"][total_column(theme)] for one in features]
    classes = [] if theme is None else _classes(values, theme)
    return {
        "box": f"{-margin} {-margin} {width * scale + 2 * margin:.0f} {height * scale + 2 * margin:.0f}",
        "shapes": [
            {
                "path": _path(shape),
                "href": href,
                "name": one["id"] if value is None else f"{one['id']}: {value:,.6g}",
                "fill": None if theme is None else colour_of(value, classes, GROUNDS["light"]),
            }
            for shape, (one, href), value in zip(drawn, places, values, strict=True)
        ],
        "legend": None if theme is None else _legend(theme, classes, language),
    }


def _classes(values: Sequence[float | None], theme: str) -> list[ValueClass]:
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    return value_classes(known, THEMES[theme]["light"]) if len(known) else []


def _legend(theme: str, classes: Sequence[ValueClass], language: str) -> dict[str, Any]:
    column = shipped_columns().describe(total_column(theme))
    spans = [{"colour": one.colour, "text": _span(one)} for one in classes]
    return {"label": f"{column.label[language]}, {column.unit}", "classes": spans}


def _span(one: ValueClass) -> str:
    if one.low is None:
        return f"< {one.high:,g}"
    if one.high is None:
        return f"≥ {one.low:,g}" if one.low else "> 0"
    return f"{one.low:,g} – {one.high:,g}"


def _path(shape: shapely.Geometry) -> str:
    rings = shapely.get_rings(shapely.get_parts(shape))
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in shapely.get_coordinates(ring)[:-1]) + "Z" for ring in rings
    )
