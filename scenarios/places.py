"""Places and areas of a scenario, in degrees, on the cells of a state."""

import functools
from collections.abc import Callable, Sequence

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from grids.crossings import polygon_areas
from scenarios.errors import InvalidScenario
from scenarios.frame import FloatArray, Frame
from scenarios.scenario import Area
from scenarios.state import State

_AREAS = ("Polygon", "MultiPolygon")
ZonePolygons = Callable[[str, Sequence[str]], Sequence[BaseGeometry]]
"""Collection and ids -> their polygons in the region's CRS; refuses what is not there."""
Rings = Sequence[Sequence[tuple[float, float]]]
DrawnPolygon = Callable[[Rings], BaseGeometry]
"""Rings of lon/lat, the first is the shell -> their polygon in the region's CRS; refuses what is none."""


def in_metres(crs: str, places: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Places in lon/lat as (x, y), metres of a CRS."""
    if not places:
        return ()
    x, y = _from_lonlat(crs).transform(*np.array(places, dtype=np.float64).T)
    return tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))


def area_coverage(
    state: State, zone_polygons: ZonePolygons | None = None, drawn_polygon: DrawnPolygon | None = None
) -> Callable[..., FloatArray]:
    """What tells a run the share of each cell in any of some areas, exactly, by the cells' planar area.

    Args:
        state: whose cells.
        zone_polygons: looks up zones of a collection; without it only drawn polygons are known.
        drawn_polygon: reads drawn ones, with limits of whoever takes them from anybody; any simple polygon if None.
    """

    def coverage(*areas: Area) -> FloatArray:
        found: list[BaseGeometry] = []
        for area in areas:
            found += _polygons(state.frame.crs, area, zone_polygons, drawn_polygon)
        return polygon_shares(state.frame, found)

    return coverage


def area_outline(
    crs: str, zone_polygons: ZonePolygons | None = None, drawn_polygon: DrawnPolygon | None = None
) -> Callable[[Area], BaseGeometry]:
    """What tells a run the outline of an area in a CRS; measures of roads need it, since roads are finer than cells.

    Args:
        crs: of the region.
        zone_polygons: looks up zones of a collection; without it only drawn polygons are known.
        drawn_polygon: reads drawn ones, with limits of whoever takes them from anybody; any simple polygon if None.
    """

    def outline(area: Area) -> BaseGeometry:
        found = _polygons(crs, area, zone_polygons, drawn_polygon)
        return found[0] if area.polygon is not None else shapely.union_all(np.array(found, dtype=object))

    return outline


def polygon_shares(frame: Frame, polygons: Sequence[BaseGeometry]) -> FloatArray:
    """Share (rows, cols), 0 to 1, of each cell that lies in any of some polygons, in the frame's CRS."""
    west, south = frame.x_m, frame.y_m
    ground = shapely.box(west, south, west + frame.cols * frame.size_m, south + frame.rows * frame.size_m)
    # Cut before anything is counted in cells: an outline may be drawn around half the world.
    united = shapely.intersection(shapely.union_all(np.array(polygons, dtype=object)), ground)
    united = shapely.union_all([part for part in shapely.get_parts(united) if part.geom_type in _AREAS])
    found = np.zeros(frame.shape)
    if united.is_empty or united.area == 0:
        return found
    size = round(frame.size_m)
    parts = polygon_areas(np.array([united], dtype=object), (round(frame.x_m), round(frame.y_m)), size)
    row, col = parts.row, parts.col
    inside = (row >= 0) & (row < frame.rows) & (col >= 0) & (col < frame.cols)
    np.add.at(found, (row[inside], col[inside]), parts.amount[inside] / size**2)
    # A cell wholly inside is 1 to the bit: its neighbours' rounding must not make groups of its own.
    return np.where(found > 1 - 1e-9, 1.0, np.where(found < 1e-9, 0.0, found))


def _polygons(
    crs: str, area: Area, zone_polygons: ZonePolygons | None, drawn_polygon: DrawnPolygon | None
) -> Sequence[BaseGeometry]:
    """What an area consists of."""
    if area.polygon is not None:
        return [_drawn(crs, area.polygon, drawn_polygon)]
    if zone_polygons is None or area.collection is None or area.ids is None:
        raise InvalidScenario("Zones were named where none are known: draw a polygon instead.")
    return zone_polygons(area.collection, area.ids)


def _drawn(crs: str, rings: Rings, drawn_polygon: DrawnPolygon | None) -> BaseGeometry:
    if drawn_polygon is not None:
        return drawn_polygon(rings)
    shell, *holes = [in_metres(crs, ring) for ring in rings]
    polygon = shapely.Polygon(shell, holes)
    if not np.isfinite(polygon.bounds).all():
        raise InvalidScenario(f"The drawn area cannot be expressed in {crs}: it lies too far from the region.")
    if not polygon.is_valid:
        raise InvalidScenario(
            f"The drawn area is no simple polygon ({shapely.is_valid_reason(polygon)}): draw it so that it "
            "does not cross itself."
        )
    return polygon


@functools.lru_cache(maxsize=8)
def _from_lonlat(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
