"""Ground that a forest map draws twice: it takes up carbon once."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.layers import Layer

Geometries = NDArray[np.object_]

_NOTHING = 1e-9
"""Fraction of a stand below which what is left of it is rounding."""


@dataclass(frozen=True)
class GroundOnce:
    """Polygons that share no ground.

    Attributes:
        geometries: (n,) the same ground as before, each piece in one polygon; empty where nothing is left.
        cut: (n,) whether the polygon gave ground away.
        shared_m2: planar area that polygons gave away.
    """

    geometries: Geometries
    cut: NDArray[np.bool_]
    shared_m2: float


def ground_once(geometries: Geometries) -> GroundOnce:
    """Leave ground that several polygons cover to the smallest of them, which says most about it.

    A clearing planted with larch inside a mapped wood keeps its own leaf type; of equal polygons the first keeps the
    ground. The union of all polygons stays what it was.

    Args:
        geometries: (n,) valid polygons or multipolygons in a metric CRS.
    """
    sizes = shapely.area(geometries)
    rank = np.empty(len(geometries), dtype=np.int64)
    rank[np.lexsort((np.arange(len(geometries)), sizes))] = np.arange(len(geometries))
    larger, smaller = shapely.STRtree(geometries).query(geometries, predicate="intersects")
    chosen = rank[smaller] < rank[larger]
    larger, smaller = larger[chosen], smaller[chosen]
    # Neighbours that only touch share no ground: most pairs of a forest map.
    inside = shapely.relate_pattern(geometries[larger], geometries[smaller], "T********")
    larger, smaller = larger[inside], smaller[inside]
    result = geometries.copy()
    cut = np.zeros(len(geometries), dtype=np.bool_)
    order = np.lexsort((smaller, larger))
    larger, smaller = larger[order], smaller[order]
    for index in np.unique(larger):
        taken = shapely.union_all(geometries[smaller[larger == index]])
        parts = shapely.get_parts(shapely.difference(geometries[index], taken))
        parts = parts[shapely.get_dimensions(parts) == 2]
        left = parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts))
        result[index] = left if shapely.area(left) > _NOTHING * sizes[index] else shapely.MultiPolygon()
        cut[index] = True
    return GroundOnce(result, cut, float(np.sum(sizes - shapely.area(result))))


def without_ground(layer: Layer, taken: Geometries) -> Layer:
    """A forest map less the ground of the maps listed before it, which say what stands there.

    Args:
        layer: as read.
        taken: polygons of the maps before, in the layer's CRS.

    Returns:
        The layer, with stands that have no ground left refused in its report, and the ground given away in its notes.
    """
    shapes = layer.features.geometry.to_numpy()
    before = shapely.area(shapes)
    near = shapely.STRtree(taken).query(shapes, predicate="intersects")[0]
    meeting = np.unique(near)
    if not len(meeting):
        return layer
    rest = shapes.copy()
    union = shapely.union_all(taken)
    for index in meeting:
        parts = shapely.get_parts(shapely.difference(shapes[index], union))
        areas = parts[shapely.get_dimensions(parts) == 2]
        rest[index] = shapely.MultiPolygon([part for each in areas for part in shapely.get_parts(each)])
    gone = shapely.area(rest) <= _NOTHING * before
    given_m2 = float(np.sum(before - shapely.area(rest)))
    if given_m2 <= _NOTHING * float(before.sum()):
        return layer  # neighbours that only touch
    report = layer.report
    names = layer.features["id"].to_numpy(dtype=object)
    report.refused.extend((str(name), "all of its ground lies in a forest map listed before") for name in names[gone])
    report.notes.append(f"{given_m2 / 1e4:,.1f} ha lie in a forest map listed before and count there")
    report.kept = int((~gone).sum())
    features = gpd.GeoDataFrame(layer.features.drop(columns="geometry")[~gone].reset_index(drop=True))
    features = features.set_geometry(gpd.GeoSeries(rest[~gone], crs=layer.features.crs))
    return Layer(layer.id, layer.sector, features, layer.open, report)
