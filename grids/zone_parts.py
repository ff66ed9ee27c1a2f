"""What features have in zones by exact overlays, zone after zone: for the few that edges do not settle."""

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.errors import GeometryError, UncutGeometry
from grids.measures import LINES, POINTS, measures_of, overlay
from grids.surroundings import Surroundings, middles_of, seen_from

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

UNEVEN = 1e-12
"""A fraction of a feature. Parts that miss its whole by more lie in two zones at once (a road along a border), or cross
a border at so flat an angle that each overlay rounds the crossing elsewhere (a road beside one: up to a millimetre)."""

_HIDDEN_M = 1e-3
"""Metres of a line that the rounding of overlays may hide along a border; more than that is lost, and is told."""


def check_polygons(polygons: GeometryArray, name: str) -> None:
    """Refuse what is not a valid, non-empty polygon or multipolygon.

    Raises:
        GeometryError: naming the first at fault.
    """
    types = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    good = np.isin(shapely.get_type_id(polygons), types) & ~shapely.is_empty(polygons)
    good &= shapely.is_valid(polygons)
    if not good.all():
        first = int(np.flatnonzero(~good)[0])
        given = polygons[first]
        reason = shapely.is_valid_reason(given) if given is not None else "it is missing"
        what = f"{given.geom_type}: {reason}" if given is not None and not given.is_empty else "nothing"
        label = name if polygons.size == 1 else f"{name} {first}"
        raise GeometryError(
            f"{label} is {what}; a valid polygon was expected. Repair it with make_valid, or leave it out."
        )


def parts_nearby(
    features: GeometryArray, kinds: IntArray, zones: GeometryArray, tree: shapely.STRtree
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """What each feature has in each zone, and in none, seen from its own middle and settled zone after zone.

    What it costs for each feature is little even for zones of many vertices.

    Args:
        features: (n,) in two dimensions, valid.
        kinds: (n,) what each is measured by.
        zones: (m,) valid polygons in two dimensions; the first in order takes what lies on two.
        tree: of the zones.

    Returns:
        zone, feature and amount (m2, m, number of points) of each part; and (n,) the amount outside all zones: what is
        left when each has taken its part.

    Raises:
        UncutGeometry: features that GEOS cannot cut.
    """
    beyond = np.zeros(features.size)
    points = points_in(features, kinds, zones, tree, beyond)
    extended = np.flatnonzero(kinds > POINTS)
    near, zone = tree.query(features[extended])
    order = np.lexsort((zone, near))
    near, zone = near[order], zone[order]
    middles, own = middles_of(features[extended]), kinds[extended]
    seen = seen_from(features[extended], middles)
    bounds = shapely.bounds(features[extended])
    try:
        pieces = Surroundings(zones).around(zone, bounds[near], middles[near])
    except UncutGeometry as error:
        raise error.at(extended[near]) from error
    met = ~shapely.is_empty(pieces)
    near, zone, pieces = near[met], zone[met], pieces[met]
    try:
        amount, rest = in_turn(seen, own, pieces, near, np.arange(near.size))
    except UncutGeometry as error:
        raise error.at(extended) from error
    beyond[extended] = measures_of(rest, own)
    return (
        np.concatenate((points[0], zone)),
        np.concatenate((points[1], extended[near])),
        np.concatenate((points[2], amount)),
        beyond,
    )


def points_in(
    features: GeometryArray, kinds: IntArray, zones: GeometryArray, tree: shapely.STRtree, beyond: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Points one by one: the first zone that holds or touches it. What none does is written into `beyond`."""
    which = np.flatnonzero(kinds == POINTS)
    coordinates, owner = shapely.get_coordinates(features[which], return_index=True)
    points = np.asarray(shapely.points(coordinates), dtype=np.object_)
    point, zone = tree.query(points, predicate="intersects")
    order = np.lexsort((zone, point))
    held, first = np.unique(point[order], return_index=True)
    nearest = (
        tree.query_nearest(points, return_distance=True, all_matches=False) if points.size and zones.size else None
    )
    distance = np.full(points.size, np.inf)
    if nearest is not None:
        distance[nearest[0][0]] = nearest[1]
    beyond[which] = np.bincount(owner[distance > 0], minlength=which.size)
    return zone[order][first], which[owner[held]], np.ones(held.size)


def in_turn(
    features: GeometryArray, kinds: IntArray, zones: GeometryArray, feature: IntArray, zone: IntArray
) -> tuple[FloatArray, GeometryArray]:
    """Amounts when each zone, in order, takes what the ones before it left, and what the last one left.

    Returns:
        (pairs,) amounts, ordered by feature and zone, and (features,) geometries.
    """
    amount = np.zeros(feature.size)
    rest = features.copy()
    if not feature.size:
        return amount, rest
    starts = np.flatnonzero(np.r_[True, feature[1:] != feature[:-1]])
    turn = np.arange(feature.size) - np.repeat(starts, np.diff(np.r_[starts, feature.size]))
    for step in range(int(turn.max()) + 1):
        now = np.flatnonzero(turn == step)
        owner, taker = feature[now], zones[zone[now]]
        before = measures_of(rest[owner], kinds[owner])
        amount[now], left = _taken(rest[owner], taker, kinds[owner], owner)
        remaining = measures_of(left, kinds[owner])
        lost = (kinds[owner] == LINES) & (np.abs(amount[now] + remaining - before) > before * UNEVEN)
        if lost.any():  # a line that nearly retraces itself, or meets a needle: GEOS merges strands; edges cannot
            again = np.flatnonzero(lost)
            amount[now[again]], left[again] = _taken(
                rest[owner[again]], taker[again], kinds[owner[again]], owner[again], edges=True
            )
            remaining = measures_of(left, kinds[owner])
            # What rounding still hides from both lies on the border itself, and goes to the one whose turn it is.
            hidden = before - remaining - amount[now]
            amount[now] += np.where(lost & (np.abs(hidden) <= _HIDDEN_M), hidden, 0.0)
        rest[owner] = left
    return amount, rest


def _taken(
    features: GeometryArray, takers: GeometryArray, kinds: IntArray, names: IntArray, *, edges: bool = False
) -> tuple[FloatArray, GeometryArray]:
    """What zones take of features, one to one, and the geometry that is left."""
    taken = overlay(shapely.intersection, features, takers, kinds, names, edges=edges)
    return measures_of(taken, kinds), overlay(shapely.difference, features, takers, kinds, names, edges=edges)
