"""Shares in cells, by hand: a 3x3 grid of 10 m cells and the expected matrix written out, named after the trouble."""

import math

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.shares import by_target, clip_to
from tests.grids.geometry_shares import conservation_residual, grid_shares

GRID = Grid("EPSG:32632", (0, 0), 10, "inspire")
WORLD = shapely.box(-1e6, -1e6, 2e6, 1e7)


def cells(
    geometry: BaseGeometry, grid: Grid = GRID, base: tuple[int, int] = (0, 0), side: int = 3
) -> NDArray[np.float64]:
    """Shares of one feature as a picture, north above: `side` x `side` cells from the base cell."""
    clipped = clip_to(np.array([geometry], dtype=object), WORLD)
    rows, cols, shares = grid_shares(clipped.geometries, GRID, clipped.measures)
    picture = np.zeros((side, side))
    picture[side - 1 - (rows - base[0]), cols - base[1]] = shares.matrix.toarray()[:, 0]
    assert conservation_residual(shares, clipped) < 1e-12
    return picture


def expect(geometry: BaseGeometry, *rows: list[float]) -> None:
    np.testing.assert_allclose(cells(geometry), np.array(rows), rtol=0, atol=1e-15)


def test_square_over_four_cells() -> None:
    expect(shapely.box(5, 5, 15, 15), [0, 0, 0], [0.25, 0.25, 0], [0.25, 0.25, 0])


def test_square_over_all_nine() -> None:
    c, e = 25 / 400, 50 / 400
    expect(shapely.box(5, 5, 25, 25), [c, e, c], [e, 0.25, e], [c, e, c])


def test_square_that_is_one_cell() -> None:
    expect(shapely.box(10, 10, 20, 20), [0, 0, 0], [0, 1, 0], [0, 0, 0])


def test_polygon_that_follows_borders_has_nothing_beyond_them() -> None:
    expect(shapely.box(0, 10, 20, 30), [0.25, 0.25, 0], [0.25, 0.25, 0], [0, 0, 0])


def test_triangle_with_its_corner_on_a_cell_corner() -> None:
    expect(shapely.Polygon([(10, 10), (20, 10), (10, 30)]), [0, 0.25, 0], [0, 0.75, 0], [0, 0, 0])


def test_diamond_through_cell_corners() -> None:
    # the corners of the middle cell lie exactly on the diamond's sides
    expect(shapely.Polygon([(15, 5), (25, 15), (15, 25), (5, 15)]), [0, 1 / 8, 0], [1 / 8, 0.5, 1 / 8], [0, 1 / 8, 0])


@pytest.mark.parametrize("hole_turn", [1, -1])
@pytest.mark.parametrize("shell_turn", [1, -1])
def test_hole_over_a_whole_cell_whatever_the_orientation(shell_turn: int, hole_turn: int) -> None:
    shell = [(0, 0), (30, 0), (30, 30), (0, 30), (0, 0)][::shell_turn]
    hole = [(10, 10), (20, 10), (20, 20), (10, 20), (10, 10)][::hole_turn]
    e = 1 / 8
    expect(shapely.Polygon(shell, [hole]), [e, e, e], [e, 0, e], [e, e, e])


def test_island_in_a_hole() -> None:
    ring = shapely.box(0, 0, 30, 30).difference(shapely.box(5, 5, 25, 25))
    island = shapely.box(12.5, 12.5, 17.5, 17.5)
    whole = shapely.MultiPolygon([ring, island])
    a = whole.area
    expect(whole, [75 / a, 50 / a, 75 / a], [50 / a, 25 / a, 50 / a], [75 / a, 50 / a, 75 / a])


def test_multipolygon_of_two_parts_in_different_cells() -> None:
    expect(
        shapely.MultiPolygon([shapely.box(1, 1, 2, 2), shapely.box(21, 21, 24, 22)]),
        [0, 0, 0.75],
        [0, 0, 0],
        [0.25, 0, 0],
    )


def test_u_shape_leaves_the_cell_between_its_arms_empty() -> None:
    u = shapely.Polygon([(0, 0), (30, 0), (30, 30), (20, 30), (20, 10), (10, 10), (10, 30), (0, 30)])
    s = 1 / 7
    expect(u, [s, 0, s], [s, 0, s], [s, s, s])


def test_spike_into_other_cells_weighs_nothing() -> None:
    spiked = shapely.Polygon([(0, 0), (10, 0), (10, 5), (27, 23), (10, 5), (10, 10), (0, 10)])
    expect(spiked, [0, 0, 0], [0, 0, 0], [1, 0, 0])


def test_bow_tie_is_made_valid() -> None:
    expect(shapely.Polygon([(0, 0), (20, 10), (20, 0), (0, 10)]), [0, 0, 0], [0, 0, 0], [0.5, 0.5, 0])


def test_collapsed_polygon_lies_whole_at_its_lowest_corner() -> None:
    expect(shapely.Polygon([(25, 25), (10, 10), (25, 25)]), [0, 0, 0], [0, 1, 0], [0, 0, 0])
    expect(shapely.Polygon([(10, 20), (10, 20), (10, 20)]), [0, 1, 0], [0, 0, 0], [0, 0, 0])


def test_line_across_three_cells() -> None:
    expect(shapely.LineString([(5, 5), (25, 5)]), [0, 0, 0], [0, 0, 0], [0.25, 0.5, 0.25])


def test_diagonal_through_corners_touches_no_other_cell() -> None:
    expect(shapely.LineString([(0, 0), (30, 30)]), [0, 0, 1 / 3], [0, 1 / 3, 0], [1 / 3, 0, 0])
    expect(shapely.LineString([(0, 30), (30, 0)]), [1 / 3, 0, 0], [0, 1 / 3, 0], [0, 0, 1 / 3])


@pytest.mark.parametrize("turn", [1, -1])
def test_line_along_a_border_belongs_to_one_cell_only(turn: int) -> None:
    upright = shapely.LineString([(10, 5), (10, 25)][::turn])
    expect(upright, [0, 0.25, 0], [0, 0.5, 0], [0, 0.25, 0])
    level = shapely.LineString([(5, 20), (25, 20)][::turn])
    expect(level, [0.25, 0.5, 0.25], [0, 0, 0], [0, 0, 0])


@pytest.mark.parametrize("turn", [1, -1])
def test_line_that_ends_on_a_border_stays_where_it_came_from(turn: int) -> None:
    expect(shapely.LineString([(15, 15), (15, 20)][::turn]), [0, 0, 0], [0, 1, 0], [0, 0, 0])
    expect(shapely.LineString([(20, 20), (15, 25)][::turn]), [0, 1, 0], [0, 0, 0], [0, 0, 0])
    expect(shapely.LineString([(20, 20), (15, 15)][::turn]), [0, 0, 0], [0, 1, 0], [0, 0, 0])


def test_ring_around_a_cell_keeps_each_side_in_one_cell() -> None:
    ring = shapely.LinearRing([(10, 10), (20, 10), (20, 20), (10, 20)])
    expect(ring, [0, 0.25, 0], [0, 0.5, 0.25], [0, 0, 0])


def test_line_that_retraces_itself_counts_twice() -> None:
    expect(shapely.LineString([(5, 5), (15, 5), (5, 5), (5, 15)]), [0, 0, 0], [1 / 6, 0, 0], [0.5, 1 / 3, 0])


def test_multiline_and_a_line_of_no_length() -> None:
    both = shapely.MultiLineString([[(1, 1), (4, 1)], [(21, 21), (22, 21)]])
    expect(both, [0, 0, 0.25], [0, 0, 0], [0.75, 0, 0])
    expect(shapely.LineString([(20, 10), (20, 10)]), [0, 0, 0], [0, 0, 1], [0, 0, 0])


def test_point_on_a_corner_is_in_the_cell_above_right_of_it() -> None:
    expect(shapely.Point(10, 10), [0, 0, 0], [0, 1, 0], [0, 0, 0])
    expect(shapely.Point(math.nextafter(10, 0), 10), [0, 0, 0], [1, 0, 0], [0, 0, 0])


def test_multipoint_counts_every_point_even_equal_ones() -> None:
    expect(shapely.MultiPoint([(5, 5), (5, 5), (10, 5), (20, 20)]), [0, 0, 0.25], [0, 0, 0], [0.5, 0.25, 0])


def test_collection_counts_with_its_highest_dimension() -> None:
    mixed = shapely.GeometryCollection([shapely.box(1, 1, 2, 2), shapely.LineString([(0, 25), (30, 25)])])
    expect(mixed, [0, 0, 0], [0, 0, 0], [1, 0, 0])


def test_collection_within_a_collection_with_an_empty_polygon_is_its_line() -> None:
    line = shapely.LineString([(5, 25), (15, 25)])
    nested = shapely.GeometryCollection(
        [shapely.Polygon(), shapely.GeometryCollection([line, shapely.GeometryCollection([shapely.Point(1, 1)])])]
    )
    expect(nested, [0.5, 0.5, 0], [0, 0, 0], [0, 0, 0])


def test_multipolygon_with_an_empty_part() -> None:
    expect(shapely.from_wkt("MULTIPOLYGON (EMPTY, ((1 1, 2 1, 2 2, 1 2, 1 1)))"), [0, 0, 0], [0, 0, 0], [1, 0, 0])


def test_heights_above_sea_are_ignored() -> None:
    expect(shapely.LineString([(5, 5, 0), (15, 5, 900)]), [0, 0, 0], [0, 0, 0], [0.5, 0.5, 0])


@pytest.mark.parametrize("base", [(193_000, 96_400), (0, 0), (-7, -3), (999_997, 5)])
def test_far_away_is_as_exact_as_near(base: tuple[int, int]) -> None:
    shape = shapely.Polygon([(3, 2), (28, 9), (17, 26), (11, 13)])
    moved = shapely.transform(shape, lambda c: c + np.array([base[1], base[0]]) * 10.0)
    np.testing.assert_allclose(cells(moved, base=base), cells(shape), rtol=0, atol=1e-11)


def test_a_stand_over_many_cells_is_full_inside() -> None:
    stand = shapely.box(5, 5, 995, 995)
    clipped = clip_to(np.array([stand]), WORLD)
    rows, cols, shares = grid_shares(clipped.geometries, GRID, clipped.measures)
    assert shares.n_targets == 100 * 100
    picture = np.zeros((100, 100))
    picture[rows, cols] = shares.matrix.toarray()[:, 0] * stand.area
    np.testing.assert_allclose(picture[1:-1, 1:-1], 100, rtol=1e-12)
    np.testing.assert_allclose(picture[0, 1:-1], 50, rtol=1e-12)


def test_nothing_is_nowhere() -> None:
    clipped = clip_to(np.array([None, shapely.Polygon(), shapely.Point(), shapely.Point(1, 1)], dtype=object), WORLD)
    rows, cols, shares = grid_shares(clipped.geometries, GRID, clipped.measures)
    assert (rows.tolist(), cols.tolist()) == ([0], [0])
    assert shares.matrix.toarray().tolist() == [[0, 0, 0, 1]]
    assert clipped.outside.tolist() == [1, 1, 1, 0]
    assert conservation_residual(shares, clipped) == 0


def test_no_features_at_all() -> None:
    clipped = clip_to(np.zeros(0, dtype=object), WORLD)
    rows, _, shares = grid_shares(clipped.geometries, GRID, clipped.measures)
    assert (rows.size, shares.matrix.shape, conservation_residual(shares, clipped)) == (0, (0, 0), 0)


def test_targets_come_in_zorder_without_stored_zeros() -> None:
    features = np.array([shapely.box(5, 5, 25, 25), shapely.Point(-5, -5), shapely.box(0, 0, 10, 10)])
    clipped = clip_to(features, WORLD)
    rows, cols, shares = grid_shares(clipped.geometries, GRID, clipped.measures)
    keys = GRID.zorder(rows, cols)
    assert (np.diff(keys.astype(object)) > 0).all()
    assert (shares.matrix.data > 0).all()
    assert shares.matrix.has_canonical_format


def test_part_of_a_clipped_feature_stays_a_part() -> None:
    clipped = clip_to(np.array([shapely.box(0, 0, 20, 10)]), shapely.box(0, 0, 15, 30))
    _, _, shares = grid_shares(clipped.geometries, GRID, clipped.measures)
    np.testing.assert_allclose(shares.matrix.toarray().ravel(), [0.5, 0.25])
    assert clipped.outside[0] == pytest.approx(0.25)


def test_a_sliver_thinner_than_its_coordinates_can_tell_is_no_error() -> None:
    x, y = 964_050.0, 1_943_050.0
    far = (x + 900.1, y + 333.3)
    slivers = [shapely.Polygon([(x, y), far, (far[0], far[1] + width)]) for width in (1e-9, 1e-6)]
    clipped = clip_to(np.array(slivers), shapely.box(x - 10, y - 10, x + 333.3, y + 200))
    _, _, shares = grid_shares(clipped.geometries, GRID, clipped.measures)
    assert shares.matrix.data.max() <= 1
    assert conservation_residual(shares, clipped) < 1


def test_measures_of_something_else_are_refused() -> None:
    box = np.array([shapely.box(0, 0, 10, 10)])
    with pytest.raises(GeometryError, match="Feature 0 would have a share of 2"):
        grid_shares(box, GRID, np.array([50.0]))
    with pytest.raises(GridError, match="one each"):
        grid_shares(box, GRID, np.array([50.0, 1.0]))


@pytest.mark.parametrize("bad", [float("inf"), float("nan"), 3e8])
def test_coordinates_that_are_no_metres_are_refused_by_feature(bad: float) -> None:
    with np.errstate(invalid="ignore"):  # shapely warns of it already; a file would bring it unseen
        line = shapely.linestrings([[0, 0], [bad, 1]])
    with pytest.raises(GeometryError, match="Feature 1 has bounds"):
        clip_to(np.array([shapely.Point(0, 0), line]), WORLD)


def test_conservation_can_fail() -> None:
    clipped = clip_to(np.array([shapely.box(5, 5, 15, 15)]), WORLD)
    _, _, shares = grid_shares(clipped.geometries, GRID, clipped.measures * 2)
    assert conservation_residual(shares, clipped) == pytest.approx(0.5)


def test_entries_that_come_feature_by_feature_become_a_matrix() -> None:
    pieces = [
        (np.array([2, 0, -1, 0]), np.array([0, 0, 1, 1]), np.array([0.25, 0.75, 1.0, 0.5])),
        (np.array([2]), np.array([2]), np.array([1.0])),
    ]
    matrix = by_target(pieces, 4, 3)
    assert matrix.toarray().tolist() == [[0.75, 0.5, 0], [0, 0, 0], [0.25, 0, 1], [0, 0, 0]]
    assert (matrix.indptr.tolist(), matrix.indices.tolist()) == ([0, 2, 2, 4, 4], [0, 1, 0, 2])
    assert by_target([], 2, 3).shape == (2, 3)


def test_entries_out_of_order_are_put_in_order() -> None:
    frozen = np.array([1.0, 0.25, 0.5])
    frozen.flags.writeable = False  # as arrays mapped from files are
    matrix = by_target([(np.array([1, 1, 1], dtype=np.int32), np.array([2, 0, 2], dtype=np.int32), frozen)], 2, 3)
    assert matrix.has_canonical_format
    assert matrix.toarray().tolist() == [[0, 0, 0], [0.25, 0, 1.5]]
