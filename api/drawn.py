"""Polygons that somebody drew, as they come in a request's body: checked before anything is computed from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from api.crs import DEFAULT
from api.errors import InvalidParameter
from api.geometries import read_shape
from grids.edition import Edition
from grids.measures import repaired
from grids.projections import LONLAT, reproject

MOST_VERTICES = 10_000  # drawn as spikes through one point, so many take most of a second to be found valid
MOST_AREA_HA = 2e8
"""Two million square kilometres, twenty Koreas."""

_RINGS = {"Polygon": 1, "MultiPolygon": 2}
"""How deep in its coordinates the rings of a geometry stand, which are arrays of positions."""

_WGS84 = pyproj.Geod(ellps="WGS84")
_MARGIN = 0.05  # of the region's extent, around it: what lies beyond is cut off before it is projected


@dataclass(frozen=True)
class Drawn:
    """A polygon.

    Attributes:
        shape: in the region's CRS, edges straight there; empty where it does not meet the region's surroundings.
        area_ha: of the whole as it was drawn, on the ellipsoid of WGS 84.
    """

    shape: shapely.Geometry
    area_ha: float


def read_drawn(document: Mapping[str, Any], edition: Edition) -> Drawn:
    """Return the polygon of a GeoJSON geometry or feature in WGS 84.

    Raises:
        InvalidParameter: no polygon or multipolygon, not valid, across the antimeridian, too large; the message says
            which.
    """
    geometry = document.get("geometry") if document.get("type") == "Feature" else document
    if not isinstance(geometry, Mapping) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        kind = geometry.get("type") if isinstance(geometry, Mapping) else geometry
        raise InvalidParameter(
            f"body: got {str(kind)[:40]!r}, expected a GeoJSON Polygon or MultiPolygon, or a Feature of one"
        )
    if "crs" in document or "crs" in geometry:
        raise InvalidParameter("body: a `crs` is given, expected none: GeoJSON is in WGS 84, longitude before latitude")
    count = _positions(geometry.get("coordinates"), _RINGS[geometry["type"]])
    if count > MOST_VERTICES:  # before GEOS reads them, which takes most of the time
        raise InvalidParameter(f"body: the polygon has {count} vertices, at most {MOST_VERTICES} are taken")
    shape = read_shape(geometry, DEFAULT, "body: the polygon")
    if shapely.is_empty(shape):
        raise InvalidParameter("body: the polygon is empty, expected rings of four positions or more")
    west, _, east, _ = shapely.bounds(shape)
    if east - west > 180:
        raise InvalidParameter(
            "body: the polygon is wider than 180 degrees, so it may cross the antimeridian, which is not supported: "
            "ask for its two parts"
        )
    area_ha = abs(_WGS84.geometry_area_perimeter(shapely.orient_polygons(shape))[0]) / 10_000
    if area_ha > MOST_AREA_HA:
        raise InvalidParameter(f"body: the polygon has {area_ha:.0f} ha, at most {MOST_AREA_HA:.0f} ha are taken")
    return Drawn(_moved(shape, edition), area_ha)


def _positions(coordinates: Any, rings: int) -> int:
    """How many members the arrays have that stand so deep in others; what is no array has none."""
    if not isinstance(coordinates, list):
        return 0
    return sum(_positions(inner, rings - 1) for inner in coordinates) if rings else len(coordinates)


def _moved(shape: shapely.Geometry, edition: Edition) -> shapely.Geometry:
    west, south, east, north = edition.region.bbox
    margin = _MARGIN * max(east - west, north - south) + 0.05
    near = shapely.box(west - margin, south - margin, east + margin, north + margin)
    if not shapely.covers(near, shape):
        # Far from the region its projection gives nonsense; nothing is there to be counted anyway.
        shape = shapely.intersection(shape, near)
        parts = shapely.get_parts(shapely.get_parts(np.array([shape], dtype=object)))
        shape = shapely.multipolygons([part for part in parts if part.geom_type == "Polygon"])
    moved: shapely.Geometry = reproject(np.array([shape], dtype=object), LONLAT, edition.crs)[0]
    if not shapely.is_valid(moved):  # edges so close that moving their corners made them cross
        mended: BaseGeometry = repaired(np.array([moved], dtype=object))[0]
        moved = mended
        if mended.geom_type not in ("Polygon", "MultiPolygon"):
            moved = shapely.multipolygons([])
    return moved
