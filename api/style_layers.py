"""Layers of a MapLibre style: a quiet ground, and one layer for each class of values.

Expressions are kept to what other readers of such styles know too: QGIS compares a property with a number, asks whether
it is there, and nothing that is computed, so that a class is a layer with a filter instead of a step of an expression.
"""

from collections.abc import Sequence
from typing import Any

from api.measures import DIVISORS, Unit
from grids.class_breaks import ValueClass
from grids.ramps import GroundColours

Layer = dict[str, Any]

CONTEXT, VALUES = "context", "values"

_MOTORWAYS = ["motorway", "trunk", "motorway_link", "trunk_link", "expressway"]
_MAIN_ROADS = ["primary", "secondary", "primary_link", "secondary_link", "arterial"]
_OPACITY = 0.86
_ZERO_OPACITY = 0.45


def ground_layers(colours: GroundColours, kinds: Sequence[str]) -> list[Layer]:
    """Return what lies below the values; `kinds` are those of the background that the region has."""
    layers: list[Layer] = [{"id": "land", "type": "background", "paint": {"background-color": colours.land}}]
    if "green" in kinds:
        layers.append(_drawn("green", "fill", "green", {"fill-color": colours.green}))
    if "water" in kinds:
        areas, lines = (["==", ["geometry-type"], name] for name in ("Polygon", "LineString"))
        layers.append(_drawn("water", "fill", "water", {"fill-color": colours.water}, filter=areas))
        streams = {"line-color": colours.water, "line-width": _growing(9, 0.5, 16, 4)}
        layers.append(_drawn("streams", "line", "water", streams, filter=lines))
    return layers


def guide_layers(colours: GroundColours, kinds: Sequence[str]) -> list[Layer]:
    """Return what lies above the values: roads and boundaries. Names are left out: they need a server of letters."""
    layers: list[Layer] = []
    if "roads" in kinds:
        for name, classes, least, opacity, width in (
            ("main roads", _MAIN_ROADS, 9.5, 0.38, _growing(9, 0.5, 18, 11)),
            ("motorways", _MOTORWAYS, 0, 0.5, _growing(8, 0.7, 18, 14)),
        ):
            paint = {"line-color": colours.road, "line-opacity": opacity, "line-width": width}
            chosen = ["match", ["get", "road_class"], classes, True, False]
            layers.append(_drawn(name, "line", "roads", paint, filter=chosen, minzoom=least))
    if "boundaries" in kinds:
        paint = {"line-color": colours.boundary, "line-opacity": 0.3, "line-width": _growing(8, 0.6, 16, 1.6)}
        layers.append(_drawn("boundaries", "line", "boundaries", paint))
    return layers


def value_layers(
    name: str,
    source_layer: str,
    column: str,
    unit: Unit,
    classes: Sequence[ValueClass],
    colours: GroundColours,
    zooms: tuple[int, int] | None = None,
) -> list[Layer]:
    """Return the layers of one collection's values: unknown, zero, each class, and an outline of what was held.

    Args:
        name: of the collection; begins the layers' ids.
        source_layer: in the tiles.
        column: whose values are drawn.
        unit: as they are, or divided.
        classes: of the values in that unit.
        colours: of what has no value, of zero, and of outlines.
        zooms: from which to which, both included, where other layers draw the other zooms.
    """
    divisor = DIVISORS.get(unit)
    value: Any = ["get", column] if divisor is None else ["/", ["get", column], ["get", divisor]]
    known: list[Any] = [["has", column]]
    if divisor is not None:
        known += [["has", divisor], [">", ["get", divisor], 0]]
    unknown: list[Any] = ["!", ["has", column]]
    if divisor is not None:
        unknown = ["any", unknown, ["!", ["has", divisor]], ["<=", ["get", divisor], 0]]
    # A level of zoom lasts until the next begins.
    shown = {} if zooms is None else {"minzoom": zooms[0], "maxzoom": min(zooms[1] + 1, 24)}

    def fill(label: str, colour: str, condition: list[Any], opacity: float = _OPACITY) -> Layer:
        paint = {"fill-color": colour, "fill-opacity": opacity, "fill-antialias": False}
        return _layer(f"{name}: {label}", "fill", VALUES, source_layer, paint, filter=condition, **shown)

    layers = [
        fill("unknown", colours.unknown, unknown),
        fill("0", colours.zero, ["all", *known, ["==", value, 0]], _ZERO_OPACITY),
    ]
    for one in classes:
        bounds: list[Any] = []
        if one.low is not None:
            bounds.append([">" if one.low == 0 else ">=", value, one.low])
        if one.high is not None:
            bounds.append(["<", value, one.high])
        layers.append(fill(one.label, one.colour, ["all", *known, *bounds]))
    held = {"line-color": colours.outline, "line-width": 1, "line-opacity": 0.6, "line-dasharray": [2, 2]}
    held_is = ["==", ["get", "held"], True]
    layers.append(_layer(f"{name}: held", "line", VALUES, source_layer, held, filter=held_is, **shown))
    return layers


def _drawn(name: str, kind: str, source_layer: str, paint: dict[str, Any], **more: Any) -> Layer:
    return _layer(name, kind, CONTEXT, source_layer, paint, **more)


def _layer(name: str, kind: str, source: str, source_layer: str, paint: dict[str, Any], **more: Any) -> Layer:
    return {"id": name, "type": kind, "source": source, "source-layer": source_layer, **more, "paint": paint}


def _growing(from_zoom: float, small: float, to_zoom: float, large: float) -> list[Any]:
    """A number that grows with the zoom between two stops, exponentially like the map itself."""
    return ["interpolate", ["exponential", 1.6], ["zoom"], from_zoom, small, to_zoom, large]
