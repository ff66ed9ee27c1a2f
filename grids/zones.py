"""Zones of one set and between sets: their union, overlaps, and who is whose parent."""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.errors import GeometryError
from grids.measures import AREAS, overlay, own_dimension
from grids.pieces import PolygonPieces
from grids.zone_parts import check_polygons

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

NO_PARENT = -1


def dissolve(polygons: GeometryArray) -> BaseGeometry:
    """The union of zones as one valid polygon or multipolygon; gaps between them stay gaps.

    Raises:
        GeometryError: no polygons, or an invalid one.
    """
    zones = np.asarray(polygons, dtype=np.object_)
    if not zones.size:
        raise GeometryError("No zones were given; at least one polygon is needed for a boundary.")
    check_polygons(zones, "Zone")
    union = np.array([shapely.union_all(shapely.force_2d(zones))], dtype=np.object_)
    result: BaseGeometry = own_dimension(union, np.array([AREAS]))[0]
    return result


def overlaps(zones: GeometryArray, at_least_m2: float = 0.01) -> list[tuple[int, int, float]]:
    """Pairs of zones of one set that lie on the same ground.

    Args:
        zones: (n,) valid polygons.
        at_least_m2: smaller overlaps are the rounding of a shared border (1 nm along 10,000 km) and not named.

    Returns:
        (i, j, area in m2), i < j, in order of i and j.
    """
    first, second = shapely.STRtree(zones).query(zones)
    pair = first < second
    first, second = first[pair], second[pair]
    # Neighbours merely touch; the cheap test of whether interiors meet spares them the overlay.
    shapely.prepare(zones)
    meet = shapely.intersects(zones[first], zones[second]) & ~shapely.touches(zones[first], zones[second])
    first, second = first[meet], second[meet]
    shared = overlay(shapely.intersection, zones[first], zones[second], np.full(first.size, AREAS), first)
    area = shapely.area(shared)
    order = np.lexsort((second, first))
    order = order[area[order] >= at_least_m2]
    return [(int(i), int(j), float(a)) for i, j, a in zip(first[order], second[order], area[order], strict=True)]


def parents_by_overlap(children: GeometryArray, parents: GeometryArray) -> tuple[IntArray, FloatArray]:
    """The zone of a coarser set that holds most of each zone.

    Args:
        children: (n,) valid polygons.
        parents: (m,) valid polygons; the first in order wins a tie.

    Returns:
        (n,) position of the parent, `NO_PARENT` where none overlaps, and (n,) the fraction of the child's area it
        holds.
    """
    piece_child, piece_parent, pieces = PolygonPieces(parents).cut(children)
    pairs, pair = np.unique(np.stack((piece_child, piece_parent), axis=1), axis=0, return_inverse=True)
    child, parent = pairs[:, 0], pairs[:, 1]
    fraction = np.bincount(pair.ravel(), shapely.area(pieces), minlength=len(pairs)) / shapely.area(children[child])
    order = np.lexsort((parent, -fraction, child))
    order = order[fraction[order] > 0]
    known, first = np.unique(child[order], return_index=True)
    best, held = np.full(children.size, NO_PARENT, dtype=np.int64), np.zeros(children.size)
    best[known] = parent[order][first]
    held[known] = fraction[order][first]
    return best, held


def unshared_fraction(children: GeometryArray, parents: GeometryArray, parent_of: IntArray) -> FloatArray:
    """Ground that only a parent, or only its children together, have, as a fraction of the parent.

    Args:
        children: (n,) valid polygons.
        parents: (m,) valid polygons.
        parent_of: (n,) position of each child's parent, or `NO_PARENT`.

    Returns:
        (m,) area of (parent without children, and children beyond the parent) / area of the parent: 0 where they are
        the same ground, 1 for a parent without children.

    Raises:
        GeometryError: a parent that is not among those given.
    """
    if children.shape != parent_of.shape:
        raise GeometryError(f"{children.size} zones and {parent_of.size} parents were given; one each was expected.")
    wrong = np.flatnonzero((parent_of >= parents.size) | (parent_of < NO_PARENT))
    if wrong.size:
        raise GeometryError(
            f"Zone {wrong[0]} names parent {parent_of[wrong[0]]}; one of 0 to {parents.size - 1}, or {NO_PARENT} for "
            "none, was expected."
        )
    sums = np.array(
        [shapely.union_all(children[parent_of == position]) for position in range(parents.size)], dtype=np.object_
    )
    difference = shapely.symmetric_difference(parents, sums)
    fraction: FloatArray = shapely.area(difference) / shapely.area(parents)
    return fraction
