"""Charts and maps of the report as inline SVG: no script, no font, no address of anybody else."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.tables import Geometries

FloatArray = NDArray[np.float64]
Number = Callable[[float, str], str]
"""Writes a number by a format, in the language of the report."""

METHOD_COLOURS = {"metered": "#1b6f8a", "modelled": "#e0a030", "default": "#b8b8b8"}
"""Told apart by dichromats too, and by lightness alone."""

_STEPS = ("#f2f0e6", "#d9d0a8", "#d8a657", "#b8642b", "#6e2a1c")
UNKNOWN = "#ffffff"
_MAP_WIDTH, _MAP_HEIGHT = 440, 320


def stacked_bars(rows: Sequence[tuple[str, Mapping[str, float]]], title: str) -> str:
    """Horizontal bars of shares of methods, one per row; rows without shares stay empty.

    Args:
        rows: label, and method -> share 0 to 1.
        title: for readers who hear the page.
    """
    height = 22 * len(rows) + 4
    parts = []
    for position, (label, shares) in enumerate(rows):
        y, x = 22 * position + 2, 180.0
        parts.append(f'<text x="172" y="{y + 13}" text-anchor="end">{escape(_short(label))}</text>')
        for method, colour in METHOD_COLOURS.items():
            width = 400 * shares.get(method, 0.0)
            if width > 0:
                said = f"{label}: {method} {shares[method]:.0%}"
                parts.append(
                    f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="16" fill="{colour}">'
                    f"<title>{escape(said)}</title></rect>"
                )
                x += width
    return _svg(600, height, title, parts)


def bars(rows: Sequence[tuple[str, float, str]], title: str) -> str:
    """Horizontal bars from zero, each below its label: label, value, and what is written beside it."""
    largest = max((abs(value) for _, value, _ in rows), default=0.0) or 1.0
    parts = []
    for position, (label, value, said) in enumerate(rows):
        y, width = 40 * position + 2, 330 * abs(value) / largest
        parts.append(f'<text x="2" y="{y + 12}">{escape(_short(label, 90))}</text>')
        parts.append(f'<rect x="2" y="{y + 17}" width="{width:.1f}" height="14" fill="#1b6f8a"/>')
        parts.append(f'<text x="{8 + width:.1f}" y="{y + 29}">{escape(said)}</text>')
    return _svg(620, 40 * len(rows) + 4, title, parts)


def histogram(
    values: FloatArray, edges: Sequence[float], labels: Sequence[str], title: str, number: Number = format
) -> str:
    """How many values lie between edges; labels name the classes, one fewer than edges."""
    counts, _ = np.histogram(values, bins=np.asarray(edges))
    largest = max(int(counts.max()), 1)
    width = 560 / len(labels)
    parts = []
    for position, (count, label) in enumerate(zip(counts.tolist(), labels, strict=True)):
        x, height = 20 + width * position, 110 * count / largest
        parts.append(
            f'<rect x="{x:.1f}" y="{130 - height:.1f}" width="{width - 3:.1f}" height="{height:.1f}" fill="#1b6f8a"/>'
        )
        middle, said = x + width / 2, number(count, ",")
        parts.append(f'<text x="{middle:.1f}" y="{124 - height:.1f}" text-anchor="middle">{said}</text>')
        parts.append(f'<text x="{middle:.1f}" y="146" text-anchor="middle">{escape(label)}</text>')
    return _svg(600, 152, title, parts)


def zone_map(
    shapes: Geometries, values: FloatArray, labels: Sequence[str], title: str, unit: str, number: Number = format
) -> str:
    """A map of zones in five classes of equal number, with its legend; NaN is left white.

    Args:
        shapes: (zones,) polygons in degrees.
        values: (zones,) one per zone.
        labels: (zones,) names.
        title: what is shown.
        unit: `%` shows fractions as percent, anything else is written behind the number.
        number: how numbers are written.
    """
    west, south, east, north = shapely.total_bounds(shapes)
    squeeze = float(np.cos(np.radians((south + north) / 2)))
    scale = min(_MAP_WIDTH / max((east - west) * squeeze, 1e-9), _MAP_HEIGHT / max(north - south, 1e-9))
    known = values[np.isfinite(values)]
    breaks = np.unique(np.quantile(known, [0, 0.2, 0.4, 0.6, 0.8, 1])) if len(known) else np.zeros(1)
    simple = shapely.simplify(shapes, 0.7 / scale)
    parts = []
    for shape, value, label in zip(simple, values.tolist(), labels, strict=True):
        colour = UNKNOWN
        if np.isfinite(value):
            step = int(np.clip(np.searchsorted(breaks, value, side="right") - 1, 0, max(len(breaks) - 2, 0)))
            colour = _STEPS[step]
        said = f"{label}: {_value(value, unit, number)}"
        path = _path(shape, west, north, squeeze, scale)
        parts.append(f'<path d="{path}" fill="{colour}" stroke="#555" stroke-width="0.5" fill-rule="evenodd">')
        parts.append(f"<title>{escape(said)}</title></path>")
    for step in range(max(len(breaks) - 1, 1 if len(known) else 0)):
        y = 12 + 20 * step
        low, high = breaks[step], breaks[min(step + 1, len(breaks) - 1)]
        said = f"{_value(float(low), unit, number)} - {_value(float(high), unit, number)}"
        parts.append(f'<rect x="460" y="{y}" width="14" height="14" fill="{_STEPS[step]}" stroke="#555"/>')
        parts.append(f'<text x="480" y="{y + 12}">{escape(said)}</text>')
    return _svg(620, _MAP_HEIGHT + 4, title, parts)


def _path(shape: shapely.Geometry, west: float, north: float, squeeze: float, scale: float) -> str:
    rings = []
    for polygon in shapely.get_parts(shape):
        for ring in [shapely.get_exterior_ring(polygon), *shapely.get_rings(polygon)[1:]]:
            points = shapely.get_coordinates(ring)
            x, y = (points[:, 0] - west) * squeeze * scale + 2, (north - points[:, 1]) * scale + 2
            rings.append("M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True)) + "Z")
    return "".join(rings)


def _value(value: float, unit: str, number: Number) -> str:
    if not np.isfinite(value):
        return "?"
    return number(value, ".0%") if unit == "%" else f"{number(value, ',.3g')} {unit}"


def _short(text: str, most: int = 26) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title, quote=True)}">{"".join(parts)}</svg>'
    )
