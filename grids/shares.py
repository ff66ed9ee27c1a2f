"""Exact shares: which fraction of each feature lies in which cell or zone.

A share is a fraction of the *whole* feature: of its area for polygons, of its length for lines, of its number of
points for points. What has no extent (a collapsed polygon, a line of length 0) is taken whole where it lies.
Everything is planar in the region's CRS, in float64, from geometry: nothing is rasterised and no centroid is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from shapely.geometry.base import BaseGeometry

from grids.errors import GridError, UncutGeometry
from grids.measures import NOWHERE, POINTS, as_features, measures_of, overlay
from grids.surroundings import Surroundings, middles_of, seen_from
from grids.total_kernels import count_entries, put_entries
from grids.zone_parts import check_polygons

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]


@dataclass(frozen=True)
class Shares:
    """Shares of features in targets (cells or zones).

    Attributes:
        matrix: (targets, features) float64; fraction of the whole feature in each target. Canonical: sorted, no
            duplicates, no stored zeros.
        outside: (features,) fraction of the whole feature that was shared out but lies in none of the targets, from
            geometry by itself (0 for a grid, which has no end). What lies outside the domain is `Clipped.outside`;
            the matrix's column sum and both add to 1.
    """

    matrix: csr_array
    outside: FloatArray

    def __post_init__(self) -> None:
        if self.matrix.shape[1] != self.outside.shape[0]:
            raise GridError(
                f"The matrix has {self.matrix.shape[1]} features and `outside` {self.outside.shape[0]}; both must be "
                "the same."
            )

    @property
    def n_targets(self) -> int:
        """How many targets."""
        return int(self.matrix.shape[0])

    @property
    def n_features(self) -> int:
        """How many features."""
        return int(self.matrix.shape[1])


@dataclass(frozen=True)
class Clipped:
    """Features cut to the domain.

    Attributes:
        geometries: (features,) what lies inside the domain, of the feature's own dimension; empty where nothing does.
        beyond: (features,) what lies outside, likewise, each by its own overlay.
        inside: (features,) fraction of the whole feature inside, as cut near the feature: `geometries` are rounded to
            coordinates of the CRS, which is a tenth of a nanometre.
        outside: (features,) fraction outside, from the geometry's difference, not as 1 - inside.
        measures: (features,) of the whole feature before the cut: m2, m, or number of points; shares are fractions of
            these.
    """

    geometries: GeometryArray
    beyond: GeometryArray
    inside: FloatArray
    outside: FloatArray
    measures: FloatArray


def clip_to(geometries: GeometryArray, domain: BaseGeometry, around: Surroundings | None = None) -> Clipped:
    """Cut features to the domain, once and before anything else.

    The domain is closed: points and lines on its border are inside. Broken polygons are made valid first; an empty or
    missing geometry is nowhere, so outside as a whole.

    Args:
        geometries: (n,) points, lines, polygons, single or multiple, in the region's CRS.
        domain: polygon or multipolygon in the same CRS, valid.
        around: the surroundings of this domain alone, which is known to be valid then; for who calls often, from one
            thread at a time.

    Raises:
        GeometryError: coordinates that are not finite metres, or a domain that is no valid polygon.
        UncutGeometry: features that GEOS can neither repair nor cut.
    """
    if around is None:
        one = np.array([domain], dtype=np.object_)
        check_polygons(one, "The domain")
        around = Surroundings(one)
    features, kinds = as_features(geometries)
    measures = measures_of(features, kinds)
    inside, outside = np.zeros(features.size), np.zeros(features.size)
    outside[kinds == NOWHERE] = 1.0
    shapely.prepare(domain)
    beyond = np.full(features.size, shapely.GeometryCollection(), dtype=np.object_)

    extended = kinds > POINTS
    within = extended.copy()
    within[extended] = shapely.contains_properly(domain, features[extended])
    inside[within] = 1.0
    apart = extended & ~within
    apart[apart] = shapely.disjoint(domain, features[apart])
    outside[apart] = 1.0
    beyond[apart] = features[apart]
    features[apart] = shapely.GeometryCollection()

    cut = np.flatnonzero(extended & ~within & ~apart)
    middles = middles_of(features[cut])
    crossing = seen_from(features[cut], middles)
    try:
        domains = around.around(np.zeros(cut.size, np.int64), shapely.bounds(features[cut]), middles)
    except UncutGeometry as error:
        raise error.at(cut) from error
    rest = overlay(shapely.difference, crossing, domains, kinds[cut], cut)
    outside[cut] = measures_of(rest, kinds[cut]) / measures[cut]
    beyond[cut] = seen_from(rest, -middles)
    kept = overlay(shapely.intersection, crossing, domains, kinds[cut], cut)
    kept_measures = measures_of(kept, kinds[cut])
    kept[kept_measures == 0] = shapely.GeometryCollection()
    inside[cut] = kept_measures / measures[cut]
    features[cut] = seen_from(kept, -middles)

    _clip_points(features, beyond, kinds, domain, inside, outside)
    return Clipped(features, beyond, inside, outside, measures)


def _clip_points(
    features: GeometryArray,
    beyond: GeometryArray,
    kinds: IntArray,
    domain: BaseGeometry,
    inside: FloatArray,
    outside: FloatArray,
) -> None:
    """Clip points in place, each by itself: an overlay would count equal points once."""
    which = np.flatnonzero(kinds == POINTS)
    coordinates, owner = shapely.get_coordinates(features[which], return_index=True)
    points = np.asarray(shapely.points(coordinates), dtype=np.object_)
    total = np.bincount(owner, minlength=which.size)
    is_in = shapely.intersects(domain, points)
    is_out = shapely.disjoint(domain, points)
    inside[which] = np.bincount(owner[is_in], minlength=which.size) / total
    outside[which] = np.bincount(owner[is_out], minlength=which.size) / total
    gone = which[inside[which] == 0]
    beyond[gone] = features[gone]
    split = (outside[which] > 0) & (inside[which] > 0)
    for position in np.flatnonzero(split):
        beyond[which[position]] = shapely.multipoints(points[is_out & (owner == position)])
        features[which[position]] = shapely.multipoints(points[is_in & (owner == position)])
    features[gone] = shapely.GeometryCollection()


def by_target(
    entries: Sequence[tuple[NDArray[np.integer], NDArray[np.integer], FloatArray]], n_targets: int, n_features: int
) -> csr_array:
    """Entries that come feature by feature as a canonical matrix (targets, features): no sorting, no second copy.

    Args:
        entries: pieces of targets, features and shares, (n,) each; features best ascend through all pieces. Entries of
            negative targets are left out.
        n_targets: rows.
        n_features: columns.

    Raises:
        GridError: 2^31 entries or more.
    """
    if sum(share.size for _, _, share in entries) >= 1 << 31:
        raise GridError("A layer has 2^31 shares or more in one collection; cut its source into several layers.")
    indptr = np.zeros(n_targets + 1, dtype=np.int32)
    for target, _, _ in entries:
        count_entries(_owned(target, np.int32), indptr[1:])
    np.cumsum(indptr, out=indptr)
    into = indptr, np.empty(indptr[-1], dtype=np.int32), np.empty(indptr[-1])
    ends, is_ordered = indptr[:-1].copy(), True
    for target, feature, share in entries:
        columns = _owned(target, np.int32), _owned(feature, np.int32), _owned(share, np.float64)
        is_ordered = put_entries(*columns, ends, into, is_ordered)
    matrix = csr_array((into[2], into[1], indptr), shape=(n_targets, n_features))
    if not is_ordered:
        matrix.sum_duplicates()
    return matrix


def _owned(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Values as compiled code takes them: arrays that are mapped from files cannot be written, a type of its own."""
    return np.require(values, dtype, ["C", "W"])
