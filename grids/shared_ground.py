"""Ground that polygons share, pair by pair, exactly and without an overlay.

A forest map's neighbours share their borders, so nearly all pairs that touch share no ground; to find the few that do
is what costs (`grids.ground_kernels`).
"""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from grids.blocks import block_bounds, in_blocks
from grids.cell_kernels import MAX_COORDINATE_M
from grids.errors import GeometryError
from grids.ground_kernels import ground_of_pairs

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

_VERTICES_AT_ONCE = 1 << 17  # of a block of polygons, beside those of their neighbours
_PAIRS_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class SharedGround:
    """Pairs of polygons that share ground, ordered by the first and then the second.

    Attributes:
        first: (pairs,) position of one polygon.
        second: (pairs,) position of the other.
        area_m2: (pairs,) planar area that both have.
    """

    first: IntArray
    second: IntArray
    area_m2: FloatArray


def shared_ground(polygons: GeometryArray, *, threads: int | None = None) -> SharedGround:
    """Find the pairs of polygons that share ground, one inside the other and equal ones among them.

    Shared ground of no more than a nanometre mean width along the borders near it is the rounding of a border, and
    counts as none.

    Args:
        polygons: (n,) valid polygons or multipolygons in a metric CRS; an empty or missing one shares nothing.
        threads: how many; changes no bit.

    Returns:
        The pairs, `first` < `second`.

    Raises:
        GeometryError: what is no polygon, or has coordinates that are no metres.
    """
    given = _checked(polygons)
    first, second = shapely.STRtree(given).query(given)
    once = first < second
    return _measured(given, first[once], second[once], threads)


def ground_shared_with(polygons: GeometryArray, others: GeometryArray, *, threads: int | None = None) -> SharedGround:
    """Find which polygons share ground with which of others; see `shared_ground`.

    Args:
        polygons: (n,) valid polygons or multipolygons in a metric CRS.
        others: (m,) such too, in the same CRS.
        threads: how many; changes no bit.

    Returns:
        The pairs, `first` of the polygons, `second` of the others.

    Raises:
        GeometryError: what is no polygon, or has coordinates that are no metres.
    """
    given, beside = _checked(polygons), _checked(others)
    first, second = shapely.STRtree(beside).query(given)
    found = _measured(np.concatenate((given, beside)), first, second + given.size, threads)
    return SharedGround(found.first, found.second - given.size, found.area_m2)


def _checked(polygons: GeometryArray) -> GeometryArray:
    given = np.asarray(polygons, dtype=np.object_)
    areal = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    wrong = np.flatnonzero(~np.isin(shapely.get_type_id(given), areal) & ~shapely.is_missing(given))
    if wrong.size:
        kind = given[wrong[0]].geom_type
        raise GeometryError(f"Polygon {wrong[0]} is a {kind}; polygons and multipolygons were expected.")
    bounds = shapely.bounds(given[~(shapely.is_empty(given) | shapely.is_missing(given))])
    if not (np.abs(bounds) <= MAX_COORDINATE_M).all():
        raise GeometryError(
            f"A polygon has a coordinate that is no finite number of metres below {MAX_COORDINATE_M:g}. Check the CRS."
        )
    return given


def _measured(polygons: GeometryArray, first: IntArray, second: IntArray, threads: int | None) -> SharedGround:
    """Which of the pairs, whose bounds meet, share ground."""
    if not first.size:
        return SharedGround(first, second, np.zeros(0))
    # Each pair is looked at in the block of the polygon with more vertices, so that a large one is read once.
    sizes = shapely.get_num_coordinates(polygons)
    turned = sizes[second] > sizes[first]
    owner, other = np.where(turned, second, first), np.where(turned, first, second)
    owners = np.unique(owner)
    along = gpd.GeoSeries(polygons[owners]).hilbert_distance(level=16).to_numpy()
    rank = np.empty(polygons.size, dtype=np.int64)
    owners = owners[np.argsort(along, kind="stable")]
    rank[owners] = np.arange(owners.size)
    order = np.lexsort((other, rank[owner]))
    owner, other = owner[order], other[order]
    weight = np.maximum(sizes[owners], np.bincount(rank[owner]) * (_VERTICES_AT_ONCE // _PAIRS_AT_ONCE))
    ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(weight)))
    pair_ends = np.searchsorted(rank[owner], np.arange(owners.size + 1))

    def work(begin: int, end: int) -> Any:
        of = slice(pair_ends[begin], pair_ends[end])
        return _block(polygons, owner[of], other[of])

    area = np.concatenate(list(in_blocks(work, block_bounds(ends, _VERTICES_AT_ONCE), threads)))
    found = order[area > 0]
    area = area[area > 0]
    order = np.lexsort((second[found], first[found]))
    return SharedGround(first[found][order], second[found][order], area[order])


def _block(polygons: GeometryArray, owner: IntArray, other: IntArray) -> FloatArray:
    """(pairs,) m2 that pairs share; only their own vertices are in memory."""
    which, place = np.unique(np.concatenate((owner, other)), return_inverse=True)
    shapes = polygons[which]
    kind, vertices, offsets = shapely.to_ragged_array(shapes, include_z=False)
    starts, parts = (np.asarray(each, dtype=np.int64) for each in offsets[:2])
    # A polygon's first ring is its shell; of a polygon that is one part, rings begin where parts do.
    groups = np.asarray(offsets[2], dtype=np.int64) if kind == shapely.GeometryType.MULTIPOLYGON else None
    shells = np.zeros(starts.size - 1, dtype=np.int64)
    shells[parts[:-1][parts[:-1] < parts[1:]]] = 1
    polygons_at = parts if groups is None else parts[groups]
    return np.asarray(
        ground_of_pairs(
            np.ascontiguousarray(vertices, dtype=np.float64),
            starts,
            shells,
            polygons_at,
            shapely.bounds(shapes),
            place[: owner.size],
            place[owner.size :],
        )
    )
