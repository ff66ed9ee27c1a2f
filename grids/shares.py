"""Exact shares: which fraction of each feature lies in which cell or zone.

A share is a fraction of the *whole* feature: of its area for polygons, of its length for lines, of its number of
points for points. What has no extent (a collapsed polygon, a line of length 0) is taken whole where it lies.
Everything is planar in the region's CRS, in float64, from geometry: nothing is rasterised and no centroid is asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from shapely.geometry.base import BaseGeometry

from grids.crossings import CellParts, cell_index, line_lengths, polygon_areas
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.measures import AREAS, LINES, NOWHERE, POINTS, as_features, measures_of, overlay
from grids.surroundings import Surroundings, middles_of, seen_from
from grids.tolerances import NEGLIGIBLE
from grids.total_kernels import count_entries, put_entries
from grids.zone_parts import check_polygons, parts_in_zones

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

_ROUNDING = 1e-6  # m2, m, and as a fraction: what two exact routes to one amount may differ by at the very most
_VERTICES_AT_ONCE = 2_000_000  # keeps the working memory of a grid's shares below about a gigabyte


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
        inside: (features,) fraction of the whole feature inside, as cut near the feature: `geometries` are rounded to
            coordinates of the CRS, which is a tenth of a nanometre.
        outside: (features,) fraction outside, from the geometry's difference, not as 1 - inside.
        measures: (features,) of the whole feature before the cut: m2, m, or number of points; to be handed to
            `grid_shares` and `zone_shares`.
    """

    geometries: GeometryArray
    inside: FloatArray
    outside: FloatArray
    measures: FloatArray


def clip_to(geometries: GeometryArray, domain: BaseGeometry) -> Clipped:
    """Cut features to the domain, once and before anything else.

    The domain is closed: points and lines on its border are inside. Broken polygons are made valid first; an empty or
    missing geometry is nowhere, so outside as a whole.

    Args:
        geometries: (n,) points, lines, polygons, single or multiple, in the region's CRS.
        domain: polygon or multipolygon in the same CRS, valid.

    Raises:
        GeometryError: coordinates that are not finite metres, or a domain that is no valid polygon.
    """
    check_polygons(np.array([domain], dtype=np.object_), "The domain")
    features, kinds = as_features(geometries)
    measures = measures_of(features, kinds)
    inside, outside = np.zeros(features.size), np.zeros(features.size)
    outside[kinds == NOWHERE] = 1.0
    shapely.prepare(domain)

    extended = kinds > POINTS
    within = extended.copy()
    within[extended] = shapely.contains_properly(domain, features[extended])
    inside[within] = 1.0
    apart = extended & ~within
    apart[apart] = shapely.disjoint(domain, features[apart])
    outside[apart] = 1.0
    features[apart] = shapely.GeometryCollection()

    cut = np.flatnonzero(extended & ~within & ~apart)
    middles = middles_of(features[cut])
    crossing = seen_from(features[cut], middles)
    whole = Surroundings(np.array([domain], dtype=np.object_))
    domains = whole.around(np.zeros(cut.size, np.int64), shapely.bounds(features[cut]), middles)
    beyond = overlay(shapely.difference, crossing, domains, kinds[cut], cut)
    outside[cut] = measures_of(beyond, kinds[cut]) / measures[cut]
    kept = overlay(shapely.intersection, crossing, domains, kinds[cut], cut)
    kept_measures = measures_of(kept, kinds[cut])
    kept[kept_measures == 0] = shapely.GeometryCollection()
    inside[cut] = kept_measures / measures[cut]
    features[cut] = seen_from(kept, -middles)

    _clip_points(features, kinds, domain, inside, outside)
    return Clipped(features, inside, outside, measures)


def _clip_points(
    features: GeometryArray, kinds: IntArray, domain: BaseGeometry, inside: FloatArray, outside: FloatArray
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
    split = (outside[which] > 0) & (inside[which] > 0)
    for position in np.flatnonzero(split):
        features[which[position]] = shapely.multipoints(points[is_in & (owner == position)])
    features[which[inside[which] == 0]] = shapely.GeometryCollection()


def grid_shares(geometries: GeometryArray, grid: Grid, measures: FloatArray) -> tuple[IntArray, IntArray, Shares]:
    """Shares of features in the cells of a grid.

    Args:
        geometries: (n,) features in the grid's CRS, as `clip_to` leaves them.
        grid: the grid; has no end, so that nothing lies outside it.
        measures: (n,) of the whole features (`Clipped.measures`).

    Returns:
        rows and columns of the cells that hold something, in Z-order, and the shares in them.

    Raises:
        GeometryError: coordinates that are not finite metres, or measures smaller than what they should be the whole
            of.
    """
    features, kinds = as_features(geometries)
    measures = _whole(measures, features, kinds)
    found: list[CellParts] = [_point_parts(features, kinds, grid)]
    for kind in (LINES, AREAS):
        rest, single = _in_one_cell(features, kinds, kind, grid)
        found.append(single)
        for batch in _batches(features, rest):
            several = (polygon_areas if kind == AREAS else line_lengths)(features[batch], grid.origin_m, grid.size_m)
            found.append(CellParts(batch[several.owner], several.row, several.col, several.amount))
    owner = np.concatenate([parts.owner for parts in found])
    row = np.concatenate([parts.row for parts in found])
    col = np.concatenate([parts.col for parts in found])
    share = fractions(np.concatenate([parts.amount for parts in found]), measures, owner)
    keep = share > NEGLIGIBLE
    owner, row, col, share = owner[keep], row[keep], col[keep], share[keep]
    keys, first, target = np.unique(grid.zorder(row, col), return_index=True, return_inverse=True)
    matrix = _matrix(share, target, owner, keys.size, features.size)
    return row[first], col[first], Shares(matrix, np.zeros(features.size))


def zone_shares(geometries: GeometryArray, zones: GeometryArray, measures: FloatArray) -> Shares:
    """Shares of features in zones.

    Zones are closed; of zones that share a border (or, against the rules, ground) the first one in order takes what
    lies on both.

    Args:
        geometries: (n,) features, as `clip_to` leaves them.
        zones: (m,) polygons or multipolygons in the same CRS, in the order of their ids; valid, not overlapping.
        measures: (n,) of the whole features (`Clipped.measures`).

    Raises:
        GeometryError: a zone that is no valid polygon, or coordinates that are not finite metres.
    """
    zones = np.asarray(zones, dtype=np.object_)
    features, kinds = as_features(geometries)
    measures = _whole(measures, features, kinds)
    zone, feature, amount, beyond = parts_in_zones(features, kinds, zones)
    share = fractions(amount, measures, feature)
    keep = share > NEGLIGIBLE
    matrix = _matrix(share[keep], zone[keep], feature[keep], zones.size, features.size)
    return Shares(matrix, np.divide(beyond, measures, out=np.zeros(features.size), where=measures > 0))


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


def conservation_residual(shares: Shares, clipped: Clipped) -> float:
    """The largest |shares + outside the targets + outside the domain - 1| of any feature; 0 when there are none."""
    if shares.n_features != clipped.outside.size:
        raise GridError(
            f"Shares of {shares.n_features} features were compared with {clipped.outside.size} clipped ones."
        )
    total = np.asarray(shares.matrix.sum(axis=0)).ravel() + shares.outside + clipped.outside
    return float(np.abs(total - 1).max(initial=0.0))


def _whole(measures: FloatArray, features: GeometryArray, kinds: IntArray) -> FloatArray:
    """The measures given, checked; what has no extent counts as its points."""
    whole = np.asarray(measures, dtype=np.float64)
    if whole.shape != features.shape:
        raise GridError(
            f"{features.size} geometries and measures of shape {whole.shape} were given; one each was expected."
        )
    return np.where((kinds == POINTS) & (whole <= 0), measures_of(features, kinds), whole)


def fractions(amount: FloatArray, measures: FloatArray, owner: IntArray) -> FloatArray:
    """(n,) amounts as fractions of their owners' whole.

    One below 0 or above 1 means broken geometry, or a measure of something else.

    Rounding may do so too, by a nanometre along the rim, which is much of a sliver; a square millimetre is let pass.
    """
    whole = measures[owner]
    slack = _ROUNDING * (1 + whole)
    wrong = ~((amount >= -slack) & (amount <= whole + slack) & (whole > 0))
    share = np.divide(amount, whole, out=np.zeros(amount.size), where=whole > 0)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise GeometryError(
            f"Feature {owner[first]} would have a share of {share[first]:g}; 0 to 1 was expected. Its geometry "
            "crosses itself, or its measure is not that of the whole feature: hand over what clip_to returned."
        )
    return np.minimum(share, 1.0)


def _matrix(share: FloatArray, target: IntArray, feature: IntArray, n_targets: int, n_features: int) -> csr_array:
    entries = coo_array((share, (target, feature)), shape=(n_targets, n_features), dtype=np.float64)
    matrix = csr_array(entries)
    matrix.sum_duplicates()
    return matrix


def _point_parts(features: GeometryArray, kinds: IntArray, grid: Grid) -> CellParts:
    which = np.flatnonzero(kinds == POINTS)
    coordinates, owner = shapely.get_coordinates(features[which], return_index=True)
    row, col = grid.rows_cols(coordinates[:, 0], coordinates[:, 1])
    return CellParts(which[owner], row, col, np.ones(row.size))


def _in_one_cell(features: GeometryArray, kinds: IntArray, kind: int, grid: Grid) -> tuple[IntArray, CellParts]:
    """Features of a kind that span several cells, and the parts of those whose bounds already lie in one."""
    which = np.flatnonzero(kinds == kind)
    west, south, east, north = shapely.bounds(features[which]).T
    col, last_col = (cell_index(x, grid.origin_m[0], grid.size_m) for x in (west, east))
    row, last_row = (cell_index(y, grid.origin_m[1], grid.size_m) for y in (south, north))
    if kind == AREAS:  # a polygon that ends on a border has no area beyond; a line may run along it, and belongs there
        last_col -= east == grid.origin_m[0] + last_col * grid.size_m
        last_row -= north == grid.origin_m[1] + last_row * grid.size_m
    one = (col == last_col) & (row == last_row)
    amount = (shapely.area if kind == AREAS else shapely.length)(features[which[one]])
    return which[~one], CellParts(which[one], row[one], col[one], amount)


def _batches(features: GeometryArray, which: IntArray) -> Iterator[IntArray]:
    """Parts of `which` with a bounded number of vertices each; always the same ones for the same features."""
    if which.size:
        vertices = np.cumsum(shapely.get_num_coordinates(features[which]))
        yield from np.split(which, np.flatnonzero(np.diff(vertices // _VERTICES_AT_ONCE)) + 1)
