"""Shares in zones, by hand: shared borders, gaps, overlaps, and an outside that is taken from geometry."""

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from grids.errors import GeometryError
from grids.shares import Clipped, Shares, clip_to
from tests.grids.geometry_shares import conservation_residual, zone_shares

WEST, EAST, NORTH = shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(0, 10, 20, 20)
ZONES = np.array([WEST, EAST, NORTH])
WORLD = shapely.box(-100, -100, 100, 100)


def shared(*geometries: object, zones: NDArray[np.object_] = ZONES) -> tuple[Shares, Clipped]:
    clipped = clip_to(np.array(geometries, dtype=object), WORLD)
    shares = zone_shares(clipped.geometries, zones, clipped.measures)
    assert conservation_residual(shares, clipped) < 1e-12
    return shares, clipped


def column(geometry: object, zones: NDArray[np.object_] = ZONES) -> list[float]:
    shares, _ = shared(geometry, zones=zones)
    return [*shares.matrix.toarray()[:, 0].tolist(), float(shares.outside[0])]


def test_polygon_within_across_and_beyond() -> None:
    assert column(shapely.box(1, 1, 2, 2)) == [1, 0, 0, 0]
    assert column(shapely.box(5, 5, 15, 15)) == pytest.approx([0.25, 0.25, 0.5, 0])
    assert column(shapely.box(15, 5, 25, 15)) == pytest.approx([0, 0.25, 0.25, 0.5])
    assert column(shapely.box(50, 50, 60, 60)) == [0, 0, 0, 1]


def test_polygon_that_is_a_zone_does_not_leak_into_its_neighbours() -> None:
    assert column(WEST) == [1, 0, 0, 0]


@pytest.mark.parametrize("turn", [1, -1])
def test_line_along_a_shared_border_counts_once_in_the_first_zone(turn: int) -> None:
    assert column(shapely.LineString([(10, 0), (10, 10)][::turn])) == pytest.approx([1, 0, 0, 0])
    assert column(shapely.LineString([(0, 10), (20, 10)][::turn])) == pytest.approx([0.5, 0.5, 0, 0])
    swapped = ZONES[[2, 1, 0]]
    assert column(shapely.LineString([(0, 10), (20, 10)][::turn]), swapped) == pytest.approx([1, 0, 0, 0])


def test_line_half_along_a_border_and_half_outside_counts_once() -> None:
    assert column(shapely.LineString([(10, -10), (10, 10)])) == pytest.approx([0.5, 0, 0, 0.5])


def test_line_along_the_outer_border_is_in_its_zone() -> None:
    assert column(shapely.LineString([(20, 0), (20, 20)])) == pytest.approx([0, 0.5, 0.5, 0])


def test_line_that_retraces_itself_keeps_its_length() -> None:
    assert column(shapely.LineString([(5, 5), (15, 5), (5, 5)])) == pytest.approx([0.5, 0.5, 0, 0])
    assert column(shapely.LineString([(10, 0), (10, 10), (10, 0)])) == pytest.approx([1, 0, 0, 0])


def test_points_on_borders_go_to_the_first_zone() -> None:
    assert column(shapely.Point(10, 5)) == [1, 0, 0, 0]
    assert column(shapely.Point(10, 10)) == [1, 0, 0, 0]
    assert column(shapely.Point(15, 10)) == [0, 1, 0, 0]
    assert column(shapely.Point(20, 20)) == [0, 0, 1, 0]
    assert column(shapely.Point(20.1, 20)) == [0, 0, 0, 1]
    assert column(shapely.MultiPoint([(10, 5), (10, 5), (15, 15), (30, 30)])) == [0.5, 0, 0.25, 0.25]


def test_collapsed_polygon_lies_whole_in_one_zone() -> None:
    assert column(shapely.Polygon([(10, 5), (15, 5), (10, 5)])) == [1, 0, 0, 0]


def test_gap_between_zones_is_outside() -> None:
    zones = np.array([shapely.box(0, 0, 9, 10), EAST])
    assert column(shapely.box(5, 0, 15, 10), zones) == pytest.approx([0.4, 0.5, 0.1])
    assert column(shapely.Point(9.5, 5), zones) == [0, 0, 1]


def test_zone_with_a_hole() -> None:
    holed = np.array([shapely.box(0, 0, 10, 10).difference(shapely.box(4, 4, 6, 6))])
    assert column(shapely.box(0, 0, 10, 10), holed) == pytest.approx([0.96, 0.04])
    assert column(shapely.Point(5, 5), holed) == [0, 1]


def test_overlapping_zones_never_share_out_more_than_the_whole() -> None:
    zones = np.array([shapely.box(0, 0, 12, 10), shapely.box(8, 0, 20, 10)])
    assert column(shapely.box(0, 0, 20, 10), zones) == pytest.approx([0.6, 0.4, 0])
    assert column(shapely.box(9, 1, 11, 2), zones) == pytest.approx([1, 0, 0])
    assert column(shapely.LineString([(5, 5), (15, 5)]), zones) == pytest.approx([0.7, 0.3, 0])


def test_no_zones_means_all_outside() -> None:
    none = np.zeros(0, dtype=object)
    shares, _ = shared(shapely.box(0, 0, 1, 1), shapely.Point(1, 1), shapely.LineString([(0, 0), (1, 1)]), zones=none)
    assert shares.matrix.shape == (0, 3)
    assert shares.outside.tolist() == [1, 1, 1]


def test_clipped_features_split_into_zones_remainder_and_outside() -> None:
    clipped = clip_to(np.array([shapely.box(15, 0, 35, 10)]), shapely.box(0, 0, 25, 20))
    shares = zone_shares(clipped.geometries, ZONES, clipped.measures)
    assert shares.matrix.toarray().ravel().tolist() == pytest.approx([0, 0.25, 0])
    assert shares.outside[0] == pytest.approx(0.25)
    assert clipped.outside[0] == pytest.approx(0.5)
    assert conservation_residual(shares, clipped) < 1e-15


def test_many_features_in_any_order() -> None:
    rng = np.random.default_rng(5)
    features = np.array(
        [shapely.Point(*rng.uniform(-5, 25, 2)).buffer(rng.uniform(0.1, 4)) for _ in range(60)]
        + [shapely.LineString(rng.uniform(-5, 25, (4, 2))) for _ in range(60)]
        + [shapely.Point(*rng.uniform(-5, 25, 2)) for _ in range(60)]
    )
    shares, _ = shared(*features)
    order = rng.permutation(features.size)
    again, _ = shared(*features[order])
    np.testing.assert_array_equal(again.matrix.toarray(), shares.matrix.toarray()[:, order])
    np.testing.assert_array_equal(again.outside, shares.outside[order])


def test_outside_is_not_what_the_zones_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clipped = clip_to(np.array([shapely.box(15, 5, 25, 15)]), WORLD)
    nothing = shapely.Polygon()
    monkeypatch.setattr(shapely, "intersection", lambda feature, other: nothing)
    shares = zone_shares(clipped.geometries, ZONES, clipped.measures)
    assert shares.outside[0] == pytest.approx(0.5)
    assert conservation_residual(shares, clipped) == pytest.approx(0.5)


def test_zones_that_are_no_valid_polygons_are_named() -> None:
    bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    for bad, what in ((bow_tie, "Self-intersection"), (shapely.Point(0, 0), "Point"), (None, "nothing")):
        with pytest.raises(GeometryError, match=f"Zone 1 is .*{what}"):
            zone_shares(np.array([shapely.Point(0, 0)]), np.array([WEST, bad], dtype=object), np.ones(1))
