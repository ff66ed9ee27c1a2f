"""Shares from geometry objects, as builds once made them: an oracle for shares from well-known binary.

Features are cut to the domain by GEOS first, and zones are overlays; what lies in one cell is settled by its bounds.
"""

from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from grids.crossings import CellParts, cell_index, line_lengths, polygon_areas
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.measures import AREAS, LINES, POINTS, as_features, measures_of
from grids.shares import Clipped, Shares
from grids.tolerances import NEGLIGIBLE
from grids.zone_parts import check_polygons
from tests.grids.zone_overlays import parts_by_overlay

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

_VERTICES_AT_ONCE = 2_000_000


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
    check_polygons(zones, "Zone")
    features, kinds = as_features(geometries)
    measures = _whole(measures, features, kinds)
    zone, feature, amount, beyond = parts_by_overlay(features, kinds, zones)
    share = fractions(amount, measures, feature)
    keep = share > NEGLIGIBLE
    matrix = _matrix(share[keep], zone[keep], feature[keep], zones.size, features.size)
    return Shares(matrix, np.divide(beyond, measures, out=np.zeros(features.size), where=measures > 0))


def fractions(amount: FloatArray, measures: FloatArray, owner: IntArray) -> FloatArray:
    """(n,) amounts as fractions of their owners' whole; a square millimetre of rounding is let pass."""
    whole = measures[owner]
    slack = 1e-6 * (1 + whole)
    wrong = ~((amount >= -slack) & (amount <= whole + slack) & (whole > 0))
    share = np.divide(amount, whole, out=np.zeros(amount.size), where=whole > 0)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise GeometryError(
            f"Feature {owner[first]} would have a share of {share[first]:g}; 0 to 1 was expected. Its geometry "
            "crosses itself, or its measure is not that of the whole feature: hand over what clip_to returned."
        )
    return np.minimum(share, 1.0)


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
