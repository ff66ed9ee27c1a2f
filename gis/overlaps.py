"""Ground that a forest map draws twice: it takes up carbon once."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

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
