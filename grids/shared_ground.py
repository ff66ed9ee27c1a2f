"""Ground that polygons share, pair by pair, exactly and without an overlay.

A forest map's neighbours share their borders, so nearly all pairs that touch share no ground; to find the few that do
is what costs (`grids.ground_kernels`).
"""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from grids.blocks import block_bounds, in_blocks
from grids.errors import GeometryError
from grids.ground_kernels import ground_of_pairs
from grids.ring_kernels import MAX_COORDINATE_M
from grids.survey import Survey, joined, plain_wkb, rings_of, survey, taken
from grids.survey_kernels import MISSING, NOT_PLAIN
from grids.wkb import WkbColumn

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Polygons = WkbColumn | NDArray[np.object_]

_VERTICES_AT_ONCE = 1 << 17  # of a block of polygons, beside those of their neighbours
_PAIRS_AT_ONCE = 1 << 14
_BYTES_OF_A_VERTEX = 16
_POLYGON, _MULTIPOLYGON = 3, 6  # of well-known binary


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


def shared_ground(polygons: Polygons, *, threads: int | None = None) -> SharedGround:
    """Find the pairs of polygons that share ground, one inside the other and equal ones among them.

    Shared ground of no more than a nanometre mean width along the borders near it is the rounding of a border, and
    counts as none.

    Args:
        polygons: (n,) valid polygons or multipolygons in a metric CRS, as objects or plain as `grids.survey` has it;
            an empty or missing one shares nothing.
        threads: how many; changes no bit.

    Returns:
        The pairs, `first` < `second`.

    Raises:
        GeometryError: what is no polygon, or has coordinates that are no metres.
    """
    given = _column(polygons)
    seen = _checked(given)
    boxes = _boxes(seen)
    first, second = shapely.STRtree(boxes).query(boxes)
    once = first < second
    return _measured(given, seen.bounds, first[once], second[once], threads)


def ground_shared_with(polygons: Polygons, others: Polygons, *, threads: int | None = None) -> SharedGround:
    """Find which polygons share ground with which of others; see `shared_ground`.

    Args:
        polygons: (n,) as `shared_ground` takes them.
        others: (m,) such too, in the same CRS.
        threads: how many; changes no bit.

    Returns:
        The pairs, `first` of the polygons, `second` of the others.

    Raises:
        GeometryError: what is no polygon, or has coordinates that are no metres.
    """
    one, other = _column(polygons), _column(others)
    seen, beside = _checked(one), _checked(other)
    first, second = shapely.STRtree(_boxes(beside)).query(_boxes(seen))
    bounds = np.concatenate((seen.bounds, beside.bounds))
    found = _measured(joined([one, other]), bounds, first, second + one.size, threads)
    return SharedGround(found.first, found.second - one.size, found.area_m2)


def _column(polygons: Polygons) -> WkbColumn:
    if isinstance(polygons, WkbColumn):
        return polygons
    plain = plain_wkb(polygons)
    return WkbColumn.from_arrow(pa.array(plain, pa.large_binary(), from_pandas=True))


def _checked(polygons: WkbColumn) -> Survey:
    seen = survey(polygons, check=False)
    areal = (seen.kinds == _POLYGON) | (seen.kinds == _MULTIPOLYGON)
    for place in np.flatnonzero(~areal & (seen.kinds != MISSING)).tolist():
        shape = polygons.geometry(place)
        if shape.geom_type not in ("Polygon", "MultiPolygon"):
            raise GeometryError(f"Polygon {place} is a {shape.geom_type}; polygons and multipolygons were expected.")
        if seen.kinds[place] == NOT_PLAIN and not shape.is_empty:
            raise GeometryError(
                f"Polygon {place} is written big-endian, or with Z, M or an SRID; little-endian x and y were expected."
            )
    if not (np.abs(seen.bounds[areal]) <= MAX_COORDINATE_M).all():
        raise GeometryError(
            f"A polygon has a coordinate that is no finite number of metres below {MAX_COORDINATE_M:g}. Check the CRS."
        )
    seen.bounds[~areal] = np.nan
    return seen


def _boxes(seen: Survey) -> NDArray[np.object_]:
    """Boxes around polygons; an empty one around what is missing, which no other meets."""
    boxes = np.asarray(shapely.box(*np.nan_to_num(seen.bounds).T), dtype=np.object_)
    boxes[np.isnan(seen.bounds[:, 0])] = None
    return boxes


def _measured(
    polygons: WkbColumn, bounds: FloatArray, first: IntArray, second: IntArray, threads: int | None
) -> SharedGround:
    """Which of the pairs, whose bounds meet, share ground."""
    if not first.size:
        return SharedGround(first, second, np.zeros(0))
    # Each pair is looked at in the block of the polygon with more vertices, so that a large one is read once.
    sizes = (polygons.ends - polygons.begins) // _BYTES_OF_A_VERTEX
    turned = sizes[second] > sizes[first]
    owner, other = np.where(turned, second, first), np.where(turned, first, second)
    owners = np.unique(owner)
    along = gpd.GeoSeries(shapely.box(*bounds[owners].T)).hilbert_distance(level=16).to_numpy()
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
        return _block(polygons, bounds, owner[of], other[of])

    area = np.concatenate(list(in_blocks(work, block_bounds(ends, _VERTICES_AT_ONCE), threads)))
    found = order[area > 0]
    area = area[area > 0]
    order = np.lexsort((second[found], first[found]))
    return SharedGround(first[found][order], second[found][order], area[order])


def _block(polygons: WkbColumn, bounds: FloatArray, owner: IntArray, other: IntArray) -> FloatArray:
    """(pairs,) m2 that pairs share; only their own vertices are in memory."""
    which, place = np.unique(np.concatenate((owner, other)), return_inverse=True)
    rings = rings_of(taken(polygons, which))
    shared = ground_of_pairs(
        rings.vertices,
        rings.starts,
        rings.shells,
        rings.features,
        bounds[which],
        place[: owner.size],
        place[owner.size :],
    )
    return np.asarray(shared)
