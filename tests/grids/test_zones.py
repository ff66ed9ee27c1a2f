"""Zones: union, ground that two claim, gaps and needles, and parents."""

import numpy as np
import pytest
import shapely

from grids.errors import GeometryError
from grids.zones import NO_PARENT, Gap, dissolve, gap_between, parents_by_overlap, without_slivers

QUARTERS = np.array([shapely.box(x, y, x + 10, y + 10) for y in (0, 10) for x in (0, 10)])
HALVES = np.array([shapely.box(0, 0, 20, 10), shapely.box(0, 10, 20, 20)])


def test_union_of_neighbours_is_one_polygon() -> None:
    whole = dissolve(QUARTERS)
    assert whole.geom_type == "Polygon"
    assert whole.equals(shapely.box(0, 0, 20, 20))


def test_union_keeps_gaps_and_parts() -> None:
    apart = dissolve(np.array([shapely.box(0, 0, 1, 1), shapely.box(5, 5, 6, 6)]))
    assert (apart.geom_type, apart.area) == ("MultiPolygon", 2)


def test_union_of_nothing_or_of_broken_zones_is_refused() -> None:
    with pytest.raises(GeometryError, match="No zones"):
        dissolve(np.zeros(0, dtype=object))
    with pytest.raises(GeometryError, match="Zone 1"):
        dissolve(np.array([QUARTERS[0], shapely.Polygon()]))


def test_union_where_neighbours_do_not_share_vertices_is_an_overlay() -> None:
    """Edges cancel only if both sides draw them alike; one's extra vertex, or a longer side, must not split it."""
    west, east = shapely.box(0, 0, 10, 10), shapely.Polygon([(10, 0), (20, 0), (20, 10), (10, 10), (10, 3)])
    assert dissolve(np.array([west, east])).equals(shapely.box(0, 0, 20, 10))
    assert dissolve(np.array([west, shapely.box(10, 2, 20, 8)])).area == 160
    assert dissolve(np.array([west, shapely.box(5, 0, 20, 10)])).equals(shapely.box(0, 0, 20, 10))
    assert dissolve(np.array([west, shapely.box(2, 2, 4, 4)])).equals(west)
    assert dissolve(np.array([west, west])).equals(west)


def test_neighbours_share_no_ground() -> None:
    same, slivers = without_slivers(QUARTERS, list("abcd"))
    assert slivers == ()
    assert shapely.equals(same, QUARTERS).all()


def test_zones_on_the_same_ground_are_refused_the_largest_first() -> None:
    zones = np.array([shapely.box(0, 0, 12, 10), shapely.box(10, 0, 20, 10), shapely.box(11, 0, 13, 5)])
    with pytest.raises(
        GeometryError, match=r"a and b share 20\.00 m2; b and c share 10\.00 m2; a and c share 5\.00 m2"
    ):
        without_slivers(zones, list("abc"))


def test_slivers_are_cut_off_the_later_zone_and_rounding_is_none() -> None:
    first, near, far = shapely.box(0, 0, 10, 10), shapely.box(10 - 1e-4, 0, 20, 10), shapely.box(-10, 0, 1e-10, 10)
    cut, slivers = without_slivers(np.array([first, near, far]), list("abc"))
    assert slivers == ((0, 1, pytest.approx(1e-3, rel=1e-6)),)
    assert cut[1].bounds == (10, 0, 20, 10)
    assert cut[2] is far


def test_gaps_are_told_the_largest_first_with_a_place_in_each() -> None:
    zones = np.array([shapely.box(0, 0, 300, 300) - shapely.box(10, 10, 20, 20) - shapely.box(110, 110, 180, 190)])
    gap = gap_between(zones, shapely.box(0, 0, 300, 300))
    assert [m2 for m2, _, _ in gap.pieces] == pytest.approx([5600, 100])
    assert all(gap.ground.contains(shapely.Point(x, y)) for _, x, y in gap.pieces)  # type: ignore[union-attr]
    assert (gap.needles, gap.needles_m2) == (0, 0)


def test_a_gap_thinner_than_ground_is_counted_as_a_needle() -> None:
    """Half a micrometre between two zones is how their borders round; two are ground."""
    west = shapely.box(0, 0, 10, 10)
    rounding = gap_between(np.array([west, shapely.box(10 + 5e-7, 0, 20, 10)]), shapely.box(0, 0, 20, 10))
    assert rounding.ground is None
    assert rounding.pieces == ()
    assert (rounding.needles, rounding.needles_m2) == (1, pytest.approx(5e-6, rel=1e-6))
    ground = gap_between(np.array([west, shapely.box(10 + 2e-6, 0, 20, 10)]), shapely.box(0, 0, 20, 10))
    assert (len(ground.pieces), ground.needles) == (1, 0)


def test_without_zones_all_of_the_domain_is_a_gap() -> None:
    assert gap_between(np.zeros(0, dtype=object), HALVES[0]).ground == HALVES[0]
    assert gap_between(HALVES, shapely.box(0, 0, 20, 20)) == Gap(None, 0, 0.0)


def test_parent_is_the_zone_that_holds_most() -> None:
    children = np.array([*QUARTERS, shapely.box(0, 4, 5, 13), shapely.box(50, 50, 60, 60), shapely.box(0, 5, 5, 15)])
    parent, held = parents_by_overlap(children, HALVES)
    assert parent.tolist() == [0, 0, 1, 1, 0, NO_PARENT, 0]
    assert held == pytest.approx([1, 1, 1, 1, 6 / 9, 0, 0.5])


def test_a_child_that_only_touches_has_no_parent() -> None:
    parent, _ = parents_by_overlap(np.array([shapely.box(20, 0, 30, 10)]), HALVES)
    assert parent.tolist() == [NO_PARENT]
