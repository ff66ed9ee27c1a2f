"""Ground that a forest map draws twice: it takes up carbon once."""

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.layers import Layer
from grids.shared_ground import ground_shared_with, shared_ground

Geometries = NDArray[np.object_]
Positions = NDArray[np.int64]

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
    shared = shared_ground(geometries)
    result, cut = geometries.copy(), np.zeros(len(geometries), dtype=np.bool_)
    if not shared.first.size:
        return GroundOnce(result, cut, 0.0)
    sizes = shapely.area(geometries)
    first_is_larger = sizes[shared.first] > sizes[shared.second]
    larger = np.where(first_is_larger, shared.first, shared.second)
    smaller = np.where(first_is_larger, shared.second, shared.first)
    for index, others in _each(larger, smaller):
        left = _polygonal(shapely.difference(geometries[index], shapely.union_all(geometries[others])))
        result[index] = left if shapely.area(left) > _NOTHING * sizes[index] else shapely.MultiPolygon()
        cut[index] = True
    return GroundOnce(result, cut, float(np.sum(sizes[cut] - shapely.area(result[cut]))))


def _each(owners: Positions, others: Positions) -> Iterator[tuple[int, Positions]]:
    """Each owner, in order, with its others in order."""
    order = np.lexsort((others, owners))
    found, begins = np.unique(owners[order], return_index=True)
    yield from zip(found.tolist(), np.split(others[order], begins[1:]), strict=False)


def _polygonal(geometry: BaseGeometry) -> BaseGeometry:
    """What of a difference is ground: lines and points are where borders touch."""
    parts = shapely.get_parts(geometry)
    parts = shapely.get_parts(parts[shapely.get_dimensions(parts) == 2])
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts))


def without_ground(layer: Layer, taken: Geometries) -> Layer:
    """A forest map less the ground of the maps listed before it, which say what stands there.

    Args:
        layer: as read.
        taken: polygons of the maps before, in the layer's CRS.

    Returns:
        The layer, with stands that have no ground left refused in its report, and the ground given away in its notes.
    """
    shapes = layer.features.geometry.to_numpy()
    shared = ground_shared_with(shapes, taken)
    if not shared.first.size:
        return layer
    before = shapely.area(shapes)
    rest = shapes.copy()
    for index, others in _each(shared.first, shared.second):
        rest[index] = _polygonal(shapely.difference(shapes[index], shapely.union_all(taken[others])))
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
