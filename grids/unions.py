"""The union of polygons, quick where neighbours draw their borders alike."""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from grids.measures import AREAS, own_dimension

GeometryArray = NDArray[np.object_]

_SAME_AREA = 1e-12  # relative: a union that misses the sum of its polygons by more is not of such that share no ground


def union_of(polygons: GeometryArray) -> BaseGeometry:
    """The union of valid polygons (n,) as one polygon or multipolygon; empty where there are none.

    Edges that neighbours draw alike cancel, which is some thirty times as quick as an overlay. Of borders drawn in
    another way, or of ground that two claim, nothing valid of the right area comes, and an overlay does it.
    """
    total = float(shapely.area(polygons).sum())
    try:
        union: BaseGeometry = shapely.coverage_union_all(polygons)
    except GEOSException:
        union = shapely.GeometryCollection()
    if not (union.is_valid and abs(union.area - total) <= _SAME_AREA * total):
        union = shapely.union_all(polygons)
    result: BaseGeometry = own_dimension(np.array([union], dtype=np.object_), np.array([AREAS]))[0]
    return result
