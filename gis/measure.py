"""Lengths and areas on the ellipsoid, of geometries in a projected CRS."""

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Geod, Proj, Transformer

from gis.errors import CrsError

FloatArray = npt.NDArray[np.float64]

_LARGE_M = 2_000.0
"""Extent above which the scale of the projection may differ too much within one polygon."""


_SQUARE_M = 1000.0
_SQUARES_IN_ROW = 2**21


def geodesic_length_km(features: gpd.GeoDataFrame) -> FloatArray:
    """Length of lines on the ellipsoid of their CRS: every segment as a geodesic between its vertices.

    Args:
        features: (n,) lines or multilines in a projected CRS; other geometries count as 0.

    Returns:
        (n,) kilometres.

    Raises:
        CrsError: the frame has no CRS, or a geographic one.
    """
    crs = _metric(features)
    parts, part_feature = shapely.get_parts(np.asarray(features.geometry.array), return_index=True)
    is_line = np.isin(shapely.get_type_id(parts), (1, 2))
    parts, part_feature = parts[is_line], part_feature[is_line]
    points, point_part = shapely.get_coordinates(parts, return_index=True)
    lon, lat = _to_lonlat(crs).transform(points[:, 0], points[:, 1])
    same = point_part[1:] == point_part[:-1]
    _, _, metres = _geod(crs).inv(lon[:-1][same], lat[:-1][same], lon[1:][same], lat[1:][same])
    feature = part_feature[point_part[1:][same]]
    return np.bincount(feature, weights=np.asarray(metres) / 1000, minlength=len(features)).astype(np.float64)


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
    crs = _metric(features)
    geometries = np.asarray(features.geometry.array)
    planar = shapely.area(geometries)
    bounds = shapely.bounds(geometries)
    has_area = planar > 0
    if not has_area.any():
        return np.zeros(len(geometries))
    x, y = (bounds[has_area, 0] + bounds[has_area, 2]) / 2, (bounds[has_area, 1] + bounds[has_area, 3]) / 2
    area = np.zeros(len(geometries))
    area[has_area] = planar[has_area] / _areal_scale(crs, x, y)
    to_lonlat = _to_lonlat(crs)
    extent = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
    geod = _geod(crs)
    for position in np.flatnonzero(has_area & (extent > _LARGE_M)):
        dense = shapely.segmentize(geometries[position], _LARGE_M / 4)
        lonlat = shapely.transform(dense, lambda xy: np.column_stack(to_lonlat.transform(xy[:, 0], xy[:, 1])))
        area[position] = sum(_ring_area(geod, part) for part in shapely.get_parts(lonlat))
    return area


def _areal_scale(crs: CRS, x: FloatArray, y: FloatArray) -> FloatArray:
    """Planar over geodesic area at places (n,), linear between the corners of kilometre squares.

    The scale is as smooth as the Earth is round: its second derivative is about 2 / R^2, so that this is true to
    1e-8. The squares lie fixed, so that a feature's area does not depend on its neighbours.
    """
    col, row = np.floor(x / _SQUARE_M), np.floor(y / _SQUARE_M)
    # Rows of squares are numbered one after the other; a row is longer than any projection.
    squares, of = np.unique(row.astype(np.int64) * _SQUARES_IN_ROW + col.astype(np.int64), return_inverse=True)
    corners, at = np.unique(squares[:, None] + [0, 1, _SQUARES_IN_ROW, _SQUARES_IN_ROW + 1], return_inverse=True)
    south = (corners + _SQUARES_IN_ROW // 2) // _SQUARES_IN_ROW
    lon, lat = _to_lonlat(crs).transform((corners - south * _SQUARES_IN_ROW) * _SQUARE_M, south * _SQUARE_M)
    scale = np.asarray(Proj(crs).get_factors(lon, lat).areal_scale)[at.reshape(-1, 4)][of]
    east, north = x / _SQUARE_M - col, y / _SQUARE_M - row
    below = scale[:, 0] + east * (scale[:, 1] - scale[:, 0])
    above = scale[:, 2] + east * (scale[:, 3] - scale[:, 2])
    return np.asarray(below + north * (above - below), dtype=np.float64)


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
