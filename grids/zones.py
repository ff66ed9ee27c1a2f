"""Zones of one set and between sets: their union, overlaps, and who is whose parent."""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.errors import GeometryError
from grids.grid import Grid
from grids.measures import AREAS, overlay, own_dimension
from grids.wkb import WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex, parts_in_zones
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


def parents_by_overlap(children: GeometryArray, parents: GeometryArray, grid: Grid) -> tuple[IntArray, FloatArray]:
    """The zone of a coarser set that holds most of each zone.

    Args:
        children: (n,) valid polygons in the grid's CRS.
        parents: (m,) valid polygons that do not overlap; the first in order wins a tie.
        grid: through which the parents are seen, the region's finest; changes no result.

    Returns:
        (n,) position of the parent, `NO_PARENT` where none overlaps, and (n,) the fraction of the child's area it
        holds.

    Raises:
        GeometryError: parents that overlap.
        GridError: parents that would need too much memory on this grid.
    """
    column = WkbColumn.from_geometries(children)
    cells = parts_in_cells(column, grid)
    found = parts_in_zones(column, cells, ZoneIndex.of(parents, grid))
    fraction = found.amount / cells.measures[found.owner]
    order = np.lexsort((found.zone, -np.round(fraction, 12), found.owner))
    known, first = np.unique(found.owner[order], return_index=True)
    best, held = np.full(children.size, NO_PARENT, dtype=np.int64), np.zeros(children.size)
    best[known] = found.zone[order][first]
    held[known] = fraction[order][first]
    return best, held
