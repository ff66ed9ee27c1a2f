"""What features have in zones by plain overlays of shapely, one after the other; what lies in none, by their union.

An oracle: nothing of it is seen through a grid, nothing is the code under test, and each feature is cut where it lies.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

_POINTS, _LINES, _AREAS = 0, 1, 2
_MEASURES: dict[int, Callable[[Any], Any]] = {
    _POINTS: shapely.get_num_geometries,
    _LINES: shapely.length,
    _AREAS: shapely.area,
}


def parts_by_overlay(
    features: GeometryArray, kinds: IntArray, zones: GeometryArray
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """What each feature has in each zone, and in none.

    Args:
        features: (n,) in two dimensions, valid (`measures.as_features`).
        kinds: (n,) what each is measured by: 0 points, 1 lines, 2 areas; less is nowhere.
        zones: (m,) valid polygons; the first in order takes what lies on two.

    Returns:
        zone, feature and amount (m2, m, number of points) of each part; and (n,) the amount outside all zones, taken
        from the difference with their union.
    """
    tree = shapely.STRtree(zones)
    shapely.prepare(zones)
    union = shapely.union_all(zones)
    shapely.prepare(union)
    found: list[tuple[int, int, float]] = []
    beyond = np.zeros(features.size)
    for k, (feature, kind) in enumerate(zip(features, kinds.tolist(), strict=True)):
        if kind not in _MEASURES:
            continue
        measure = _MEASURES[kind]
        near = np.sort(tree.query(feature)).tolist()
        holder = next((z for z in near if shapely.contains_properly(zones[z], feature)), None)
        if holder is not None:
            found.append((holder, k, float(measure(feature))))
            continue
        for piece in _pieces(feature, kind):
            rest = piece
            for z in near:
                taken = float(measure(_own(shapely.intersection(rest, zones[z]), kind)))
                if taken:
                    found.append((z, k, taken))
                    rest = shapely.difference(rest, zones[z])
            if not shapely.contains_properly(union, piece):
                beyond[k] += measure(_own(shapely.difference(piece, union), kind))
    zone, owner, amount = (np.array(column) for column in zip(*found, strict=True)) if found else np.zeros((3, 0))
    return zone.astype(np.int64), owner.astype(np.int64), amount.astype(np.float64), beyond


def _pieces(feature: BaseGeometry, kind: int) -> list[BaseGeometry]:
    """A polygon whole; points one by one and lines edge by edge, since an overlay counts what lies twice once."""
    if kind == _AREAS:
        return [feature]
    parts = shapely.get_parts(feature)
    if kind == _POINTS:
        return list(parts)
    paths = [shapely.get_coordinates(part) for part in parts]
    return [shapely.LineString(edge) for path in paths for edge in pairwise(path)]


def _own(found: BaseGeometry, kind: int) -> BaseGeometry:
    """Of what an overlay found what has the feature's own dimension."""
    parts = [part for part in shapely.get_parts(found) if shapely.get_dimensions(part) == kind and not part.is_empty]
    return parts[0] if len(parts) == 1 else shapely.GeometryCollection(parts)
