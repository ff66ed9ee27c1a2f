"""What features have in zones by one overlay each, and what lies in none by the difference with the zones' union.

An oracle: nothing of it is seen through a grid, and each feature is cut where it lies.
"""

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.measures import POINTS, measures_of, overlay
from grids.unions import union_of
from grids.zone_parts import UNEVEN, check_polygons, in_turn, points_in

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]


def parts_by_overlay(
    features: GeometryArray, kinds: IntArray, zones: GeometryArray
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """What each feature has in each zone, and in none.

    Args:
        features: (n,) in two dimensions, valid (`measures.as_features`).
        kinds: (n,) what each is measured by.
        zones: (m,) valid polygons; the first in order takes what lies on two.

    Returns:
        zone, feature and amount (m2, m, number of points) of each part; and (n,) the amount outside all zones, taken
        from the difference with their union.

    Raises:
        GeometryError: a zone that is no valid polygon.
        UncutGeometry: features that GEOS cannot cut.
    """
    check_polygons(zones, "Zone")
    tree = shapely.STRtree(zones)
    shapely.prepare(zones)
    beyond = np.zeros(features.size)
    point_zone, point_feature, point_amount = points_in(features, kinds, zones, tree, beyond)

    extended = np.flatnonzero(kinds > POINTS)
    near, zone = tree.query(features[extended])
    feature = extended[near]
    order = np.lexsort((zone, feature))
    feature, zone = feature[order], zone[order]
    within = shapely.contains_properly(zones[zone], features[feature])
    whole_feature, first = np.unique(feature[within], return_index=True)
    whole_zone = zone[within][first]

    open_features = np.setdiff1d(extended, whole_feature)
    met = np.isin(feature, open_features)
    met_zone, met_feature = zone[met], feature[met]
    parts = overlay(shapely.intersection, features[met_feature], zones[met_zone], kinds[met_feature], met_feature)
    amount = measures_of(parts, kinds[met_feature])

    beyond[open_features] = _outside(
        features[open_features], kinds[open_features], zones[np.unique(met_zone)], open_features
    )
    total = np.bincount(met_feature, amount, minlength=features.size)
    uneven = np.zeros(features.size, dtype=bool)
    whole = measures_of(features[open_features], kinds[open_features])
    uneven[open_features] = np.abs(total[open_features] + beyond[open_features] - whole) > whole * UNEVEN
    again = uneven[met_feature]
    amount[again], rest = in_turn(features, kinds, zones, met_feature[again], met_zone[again])
    left = np.unique(met_feature[again])
    beyond[left] = measures_of(rest[left], kinds[left])
    return (
        np.concatenate((point_zone, whole_zone, met_zone)),
        np.concatenate((point_feature, whole_feature, met_feature)),
        np.concatenate((point_amount, measures_of(features[whole_feature], kinds[whole_feature]), amount)),
        beyond,
    )


def _outside(features: GeometryArray, kinds: IntArray, zones: GeometryArray, names: IntArray) -> FloatArray:
    """What features have outside all zones, by the difference with the union of the zones they may meet."""
    if not zones.size:
        return measures_of(features, kinds)
    union = union_of(zones)
    shapely.prepare(union)
    outside = np.zeros(features.size)
    cut = np.flatnonzero(~shapely.contains_properly(union, features))
    unions = np.full(cut.size, union, dtype=np.object_)
    rest = overlay(shapely.difference, features[cut], unions, kinds[cut], names[cut])
    outside[cut] = measures_of(rest, kinds[cut])
    return outside
