"""What a feature is measured by: area for polygons, length for lines, a count for points and for what has neither.

A feature keeps its own dimension: where an overlay leaves a line of a polygon, or a point of a line, that is a touch
and no part.
"""

from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from grids.crossings import check_coordinates
from grids.effort import too_tangled
from grids.errors import GeometryError, UncutGeometry

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

Operation = Callable[..., GeometryArray]

UNCUT = "GEOS cannot cut it at a border that it crosses"
"""Why a feature is refused; what GEOS says follows in brackets."""

NOWHERE, POINTS, LINES, AREAS = -1, 0, 1, 2

_EMPTY_OF = {
    NOWHERE: shapely.GeometryCollection(),
    POINTS: shapely.MultiPoint(),
    LINES: shapely.MultiLineString(),
    AREAS: shapely.MultiPolygon(),
}
_TYPES = {
    POINTS: (shapely.GeometryType.POINT, shapely.GeometryType.MULTIPOINT),
    LINES: (shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING, shapely.GeometryType.MULTILINESTRING),
    AREAS: (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON),
}
_COLLECT: dict[int, Callable[..., GeometryArray]] = {
    POINTS: shapely.multipoints,
    LINES: shapely.multilinestrings,
    AREAS: shapely.multipolygons,
}


def as_features(geometries: GeometryArray) -> tuple[GeometryArray, IntArray]:
    """Geometries ready to be shared out, and what each is measured by.

    Mixed collections are reduced to their highest dimension and polygons that cross themselves are `repaired`. What
    has an extent of 0 (a collapsed polygon, a line of length 0) becomes the one point where it lies: its westernmost,
    lowest corner.

    Args:
        geometries: (n,) any geometries; None and empty ones are nowhere.

    Returns:
        (n,) geometries in two dimensions, and (n,) AREAS, LINES, POINTS or NOWHERE.

    Raises:
        GeometryError: coordinates that are not finite metres.
        UncutGeometry: polygons that GEOS cannot repair, or not in reasonable time.
    """
    given = np.asarray(geometries, dtype=np.object_)
    if given.ndim != 1:
        raise GeometryError(
            f"An array of shape {given.shape} was given; one geometry per feature, shape (n,), was expected."
        )
    check_coordinates(given)
    features = np.array(shapely.force_2d(given), dtype=np.object_)
    nowhere = shapely.is_missing(features) | shapely.is_empty(features)
    features[nowhere] = _EMPTY_OF[NOWHERE]
    _reduce_collections(features)
    kinds = np.where(nowhere, NOWHERE, shapely.get_dimensions(features)).astype(np.int64)
    _refuse_tangled(features)
    broken = (kinds == AREAS) & ~shapely.is_valid(features)
    places = features.copy()
    try:
        features[broken] = _mended(features[broken])
    except UncutGeometry as error:
        raise error.at(np.flatnonzero(broken)) from error
    flat = (kinds == AREAS) & (shapely.area(features) == 0)
    flat |= (kinds == LINES) & (shapely.length(features) == 0)
    for position in np.flatnonzero(flat):
        features[position] = shapely.Point(min(map(tuple, shapely.get_coordinates(places[position]))))
    kinds[flat] = POINTS
    return features, kinds


def repaired(geometries: GeometryArray) -> GeometryArray:
    """(n,) geometries made valid: of polygons the ground that shells cover, once or twice, less what lies in holes.

    This is the one way in which anything here is repaired. The other that GEOS has ("linework") would make a hole of
    ground that two parts cover, so that a block drawn twice would be no block. What has collapsed is empty.

    A hole takes ground away and never adds any: one that lies outside its shell takes nothing. (GEOS would make ground
    of it, and a building would gain what somebody drew beside it.)

    Raises:
        UncutGeometry: geometries that GEOS cannot repair, or not in reasonable time (`grids.effort`).
    """
    given = np.asarray(geometries, dtype=np.object_)
    _refuse_tangled(given)
    return _mended(given)


def _refuse_tangled(geometries: GeometryArray) -> None:
    reasons = too_tangled(geometries)
    if reasons:
        raise UncutGeometry.of(reasons)


def _mended(given: GeometryArray) -> GeometryArray:
    try:
        return _repaired(given)
    except GEOSException:
        fixed, reasons = np.empty(given.size, dtype=np.object_), dict[int, str]()
        for k in range(given.size):
            try:
                fixed[k] = _repaired(given[k : k + 1])[0]
            except GEOSException as error:
                reasons[k] = f"it is not valid, and GEOS cannot repair it [{error}]"
        if reasons:
            raise UncutGeometry.of(reasons) from None
        return fixed


def _repaired(geometries: GeometryArray) -> GeometryArray:
    given = without_stray_holes(geometries)
    return np.asarray(shapely.make_valid(given, method="structure", keep_collapsed=False), dtype=np.object_)


def without_stray_holes(geometries: GeometryArray) -> GeometryArray:
    """(n,) geometries; of polygons, single or multiple, without the rings that are said to be holes and lie elsewhere.

    Raises:
        shapely.errors.GEOSException: rings that GEOS cannot repair.
    """
    areal = np.flatnonzero(np.isin(shapely.get_type_id(geometries), _TYPES[AREAS]))
    parts, owner = shapely.get_parts(geometries[areal], return_index=True)
    kept, changed = parts.copy(), np.zeros(areal.size, dtype=np.bool_)
    for k in np.flatnonzero(shapely.get_num_interior_rings(parts) > 0).tolist():
        rings = shapely.get_rings(parts[k])
        filled = np.asarray(shapely.polygons(rings), dtype=np.object_)
        ground = shapely.make_valid(filled, method="structure", keep_collapsed=False)
        shapely.prepare(ground[0])
        stray = shapely.disjoint(ground[0], ground[1:])
        if stray.any():
            kept[k] = shapely.Polygon(rings[0], list(rings[1:][~stray]))
            changed[owner[k]] = True
    result = geometries.copy()
    for position in np.flatnonzero(changed).tolist():
        mine = kept[owner == position]
        result[areal[position]] = mine[0] if mine.size == 1 else shapely.MultiPolygon(list(mine))
    return result


def _reduce_collections(features: GeometryArray) -> None:
    """Leave of mixed collections, in place, the parts of the highest dimension; an empty part has none."""
    mixed = shapely.get_type_id(features) == shapely.GeometryType.GEOMETRYCOLLECTION
    for position in np.flatnonzero(mixed & ~shapely.is_empty(features)):
        parts = shapely.get_parts([features[position]])
        while (shapely.get_type_id(parts) == shapely.GeometryType.GEOMETRYCOLLECTION).any():
            parts = shapely.get_parts(parts)
        filled = shapely.GeometryCollection(parts[~shapely.is_empty(parts)].tolist())
        highest = np.array([shapely.get_dimensions(filled)])
        features[position] = own_dimension(np.array([filled], dtype=np.object_), highest)[0]


def measures_of(features: GeometryArray, kinds: IntArray) -> FloatArray:
    """Area (m2), length (m) or number of points, each by its kind; 0 for what is nowhere."""
    counts = np.where(kinds == POINTS, shapely.get_num_coordinates(features), 0).astype(np.float64)
    return np.where(kinds == AREAS, shapely.area(features), np.where(kinds == LINES, shapely.length(features), counts))


def own_dimension(geometries: GeometryArray, kinds: IntArray) -> GeometryArray:
    """Keep, of each geometry, only the parts of the dimension asked for; empty where there are none."""
    kept = np.array(geometries, dtype=np.object_)
    types = shapely.get_type_id(kept)
    for kind, own in _TYPES.items():
        wrong = np.flatnonzero((kinds == kind) & ~np.isin(types, own))
        if not wrong.size:
            continue
        parts, owner = shapely.get_parts(kept[wrong], return_index=True)
        while (shapely.get_type_id(parts) > shapely.GeometryType.POLYGON).any():  # collections within collections
            parts, inner = shapely.get_parts(parts, return_index=True)
            owner = owner[inner]
        right = np.isin(shapely.get_type_id(parts), own) & ~shapely.is_empty(parts)
        kept[wrong] = _EMPTY_OF[kind]
        if right.any():
            owners = np.unique(owner[right])
            dense = np.searchsorted(owners, owner[right])
            kept[wrong[owners]] = _COLLECT[kind](parts[right], indices=dense)
    return kept


def overlay(
    operation: Operation,
    features: GeometryArray,
    others: GeometryArray,
    kinds: IntArray,
    names: IntArray,
    *,
    edges: bool = False,
) -> GeometryArray:
    """Overlay features with others, one to one; each keeps its own dimension, and a line what it retraces.

    Args:
        operation: `shapely.intersection` or `shapely.difference`.
        features: (n,) first operands.
        others: (n,) second operands.
        kinds: (n,) what each feature is measured by.
        names: (n,) position of each feature in its layer, for the message.
        edges: cut every line edge by edge, not only those that cross or retrace themselves.

    Raises:
        UncutGeometry: the overlay fails; names the features.
    """
    result = np.empty(features.size, dtype=np.object_)
    tangled = kinds == LINES
    if not edges:
        tangled[tangled] = ~shapely.is_simple(features[tangled])
    result[~tangled] = _cut(operation, features[~tangled], others[~tangled], names[~tangled])
    if tangled.any():
        result[tangled] = _cut_edges(operation, features[tangled], others[tangled], names[tangled])
    return own_dimension(result, kinds)


def _cut(operation: Operation, features: GeometryArray, others: GeometryArray, names: IntArray) -> GeometryArray:
    try:
        return np.asarray(operation(features, others), dtype=np.object_)
    except GEOSException:
        cut, reasons = np.empty(features.size, dtype=np.object_), dict[int, str]()
        for k, name in enumerate(names.tolist()):
            try:
                cut[k] = operation(features[k], others[k])
            except GEOSException as error:
                reasons[name] = f"{UNCUT} [{error}]"
        if reasons:
            raise UncutGeometry.of(reasons) from None
        return cut


def _cut_edges(operation: Operation, lines: GeometryArray, others: GeometryArray, names: IntArray) -> GeometryArray:
    """Cut lines that cross or retrace themselves edge by edge: a whole overlay counts a retraced part once."""
    parts, owner = shapely.get_parts(lines, return_index=True)
    coordinates, part = shapely.get_coordinates(parts, return_index=True)
    follows = np.flatnonzero((part[1:] == part[:-1]) & (coordinates[1:] != coordinates[:-1]).any(axis=1))
    edges = np.asarray(shapely.linestrings(np.stack((coordinates[follows], coordinates[follows + 1]), axis=1)))
    whose = owner[part[follows]]
    pieces, edge = shapely.get_parts(_cut(operation, edges, others[whose], names[whose]), return_index=True)
    lengthy = shapely.length(pieces) > 0
    result = np.full(lines.size, _EMPTY_OF[LINES], dtype=np.object_)
    if lengthy.any():
        kept, dense = np.unique(whose[edge[lengthy]], return_inverse=True)
        result[kept] = shapely.multilinestrings(pieces[lengthy], indices=dense)
    return result
