"""Lengths and areas on the ellipsoid, of geometries in a projected CRS."""

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Geod, Transformer

from gis.errors import CrsError
from gis.geometry_column import GeometryColumn
from gis.measure_kernels import interpolate, segment_lengths
from grids.survey import rings_of

FloatArray = npt.NDArray[np.float64]

_LARGE_M = 2_000.0
"""Extent above which the scale of the projection may differ too much within one polygon."""

_LINES = (1, 5)  # shapely's numbers of types of geometry, as well-known binary has them: single and several
_SQUARE_M = 1000.0
_SQUARES_IN_ROW = 2**21


def geodesic_length_km(features: gpd.GeoDataFrame) -> FloatArray:
    """Length of lines on the ellipsoid of their CRS: every segment as a geodesic between its vertices.

    Segments take their planar length over the projection's scale at their middle in their direction, which is the
    geodesic length to better than one in ten million; those longer than 2 km are worked out as geodesics.

    Args:
        features: (n,) lines or multilines in a projected CRS; other geometries count as 0.

    Returns:
        (n,) kilometres.

    Raises:
        CrsError: the frame has no CRS, or a geographic one.
    """
    return lengths_km(GeometryColumn.of_objects(np.asarray(features.geometry.array)), _metric(features))


def lengths_km(lines: GeometryColumn, crs: CRS) -> FloatArray:
    """(n,) kilometres on the ellipsoid of a projected CRS; see `geodesic_length_km`."""
    which = np.flatnonzero(np.isin(lines.types, _LINES))
    rings = rings_of(lines.take(which).wkb)
    points = rings.vertices
    is_last = np.zeros(len(points), dtype=np.bool_)
    is_last[rings.starts[1:] - 1] = True
    first = np.flatnonzero(~is_last)
    step = points[first + 1] - points[first]
    middle = points[first] + step / 2
    of, squares = _squares(crs, middle[:, 0], middle[:, 1], _metric_tensor)
    metres = segment_lengths(points, first, of, squares, _SQUARE_M)
    long = np.flatnonzero((np.abs(step) > _LARGE_M).any(axis=1))
    if len(long):
        to_lonlat = _to_lonlat(crs)
        from_lon, from_lat = to_lonlat.transform(*points[first[long]].T)
        to_lon, to_lat = to_lonlat.transform(*points[first[long] + 1].T)
        metres[long] = _geod(crs).inv(from_lon, from_lat, to_lon, to_lat)[2]
    feature = np.repeat(which, np.diff(rings.starts[rings.features]))[first]
    return np.bincount(feature, weights=metres / 1000, minlength=len(lines)).astype(np.float64)


def geodesic_area_m2(features: gpd.GeoDataFrame) -> FloatArray:
    """Area of polygons on the ellipsoid of their CRS.

    Small polygons (buildings, stands) take their planar area over the projection's areal scale at their centre, which
    is the geodesic area to better than one in a million; those wider than 2 km are integrated along their edges.

    Args:
        features: (n,) polygons or multipolygons in a projected CRS; other geometries count as 0.

    Returns:
        (n,) square metres.

    Raises:
        CrsError: the frame has no CRS, or a geographic one.
    """
    return areas_m2(GeometryColumn.of_objects(np.asarray(features.geometry.array)), _metric(features))


def areas_m2(polygons: GeometryColumn, crs: CRS) -> FloatArray:
    """(n,) square metres on the ellipsoid of a projected CRS; see `geodesic_area_m2`."""
    planar, bounds = polygons.areas, polygons.bounds
    has_area = planar > 0
    if not has_area.any():
        return np.zeros(len(polygons))
    x, y = (bounds[has_area, 0] + bounds[has_area, 2]) / 2, (bounds[has_area, 1] + bounds[has_area, 3]) / 2
    area = np.zeros(len(polygons))
    area[has_area] = planar[has_area] * interpolate(x, y, *_squares(crs, x, y, _area_of_unit), _SQUARE_M)
    to_lonlat = _to_lonlat(crs)
    extent = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
    geod = _geod(crs)
    large = np.flatnonzero(has_area & (extent > _LARGE_M))
    for position, geometry in zip(large, polygons.objects(large), strict=True):
        dense = shapely.segmentize(geometry, _LARGE_M / 4)
        lonlat = shapely.transform(dense, lambda xy: np.column_stack(to_lonlat.transform(xy[:, 0], xy[:, 1])))
        area[position] = sum(_ring_area(geod, part) for part in shapely.get_parts(lonlat))
    return area


def sizes_of(sector: str, geometry: GeometryColumn, crs: CRS) -> FloatArray:
    """(n,) what a sector measures its features by, on the ellipsoid: kilometres of roads, else square metres."""
    return lengths_km(geometry, crs) if sector == "transport" else areas_m2(geometry, crs)


def _squares(
    crs: CRS, x: FloatArray, y: FloatArray, measure: Callable[[CRS, FloatArray, FloatArray], FloatArray]
) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Kilometre squares that places (n,) lie in, with what `measure` says (k numbers) at their corners.

    Scales are as smooth as the Earth is round: their second derivative is about 2 / R^2, so that what is linear between
    the corners is true to 1e-8. The squares lie fixed, so that what is measured of a feature does not depend on its
    neighbours.

    Returns:
        (n,) square of each place, and (squares, 4, k) numbers at their corners.
    """
    col, row = np.floor(x / _SQUARE_M), np.floor(y / _SQUARE_M)
    # Rows of squares are numbered one after the other; a row is longer than any projection.
    squares, of = _distinct(row.astype(np.int64) * _SQUARES_IN_ROW + col.astype(np.int64))
    corners, at = np.unique(squares[:, None] + [0, 1, _SQUARES_IN_ROW, _SQUARES_IN_ROW + 1], return_inverse=True)
    south = (corners + _SQUARES_IN_ROW // 2) // _SQUARES_IN_ROW
    measured = measure(crs, (corners - south * _SQUARES_IN_ROW) * _SQUARE_M, south * _SQUARE_M)
    return of, np.ascontiguousarray(measured.reshape(len(corners), -1)[at.reshape(-1, 4)])


def _distinct(numbers: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.intp]]:
    """Distinct numbers, sorted, and the place of each among them; neighbours are mostly alike."""
    is_new = np.diff(numbers, prepend=numbers[:1] - 1) != 0
    runs = np.cumsum(is_new) - 1
    found, place = np.unique(numbers[is_new], return_inverse=True)
    return found, place[runs]


def _area_of_unit(crs: CRS, x: FloatArray, y: FloatArray) -> FloatArray:
    """Square metres on the ellipsoid of a unit of planar area at places (n,)."""
    e, f, g = _metric_tensor(crs, x, y).T
    return np.asarray(np.sqrt(e * g - f**2), dtype=np.float64)


def _metric_tensor(crs: CRS, x: FloatArray, y: FloatArray) -> FloatArray:
    """(n, 3) E, F, G of `ds^2 = E dx^2 + 2 F dx dy + G dy^2` at places (n,), ds on the ellipsoid.

    From central differences of longitude and latitude, which are true to `h^2 / R^2`, 1e-9 for h = 200 m.
    """
    to_lonlat, h = _to_lonlat(crs), 200.0
    sides = [np.radians(to_lonlat.transform(x + dx, y + dy)) for dx, dy in ((h, 0), (-h, 0), (0, h), (0, -h))]
    # Where the CRS has no place they are infinite, and the measure is no number.
    sides = [np.where(np.isfinite(side), side, np.nan) for side in sides]
    by_x, by_y = (sides[0] - sides[1]) / (2 * h), (sides[2] - sides[3]) / (2 * h)
    lat = np.radians(to_lonlat.transform(x, y)[1])
    lat = np.where(np.isfinite(lat), lat, np.nan)
    geod = _geod(crs)
    bend = 1 - geod.es * np.sin(lat) ** 2
    # Metres per radian along the parallel and along the meridian.
    along = np.array([geod.a * np.cos(lat) / np.sqrt(bend), geod.a * (1 - geod.es) / bend**1.5])
    by_x, by_y = by_x * along, by_y * along
    return np.column_stack([(by_x**2).sum(axis=0), (by_x * by_y).sum(axis=0), (by_y**2).sum(axis=0)])


def _ring_area(geod: Geod, polygon: Any) -> float:
    if shapely.get_type_id(polygon) != 3:
        return 0.0
    rings = (
        [shapely.get_exterior_ring(polygon), *shapely.get_parts(polygon.interiors)]
        if polygon.interiors
        else [shapely.get_exterior_ring(polygon)]
    )
    areas = [abs(geod.polygon_area_perimeter(*shapely.get_coordinates(ring).T)[0]) for ring in rings]
    return float(areas[0] - sum(areas[1:]))


def _metric(features: gpd.GeoDataFrame) -> CRS:
    if features.crs is None or not features.crs.is_projected:
        raise CrsError(f"Lengths and areas need a layer in a projected CRS in metres; given {features.crs}.")
    return CRS(features.crs)


def _to_lonlat(crs: CRS) -> Transformer:
    geodetic = crs.geodetic_crs
    assert geodetic is not None
    return Transformer.from_crs(crs, geodetic, always_xy=True)


def _geod(crs: CRS) -> Geod:
    geod = crs.get_geod()
    assert geod is not None
    return geod
