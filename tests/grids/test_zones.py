"""Zones: union, overlaps, parents, and children that add up to them."""

import numpy as np
import pytest
import shapely

from grids.errors import GeometryError
from grids.grid import Grid
from grids.zones import NO_PARENT, dissolve, overlaps, parents_by_overlap

QUARTERS = np.array([shapely.box(x, y, x + 10, y + 10) for y in (0, 10) for x in (0, 10)])
GRID = Grid("EPSG:32632", (0, 0), 7, "inspire")
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


def test_neighbours_do_not_overlap() -> None:
    assert overlaps(QUARTERS) == []


def test_overlaps_are_named_with_their_area() -> None:
    zones = np.array([shapely.box(0, 0, 12, 10), shapely.box(10, 0, 20, 10), shapely.box(11, 0, 13, 5)])
    assert overlaps(zones) == [(0, 1, 20.0), (0, 2, 5.0), (1, 2, 10.0)]
    assert overlaps(zones, at_least_m2=6) == [(0, 1, 20.0), (1, 2, 10.0)]


def test_rounding_along_a_border_is_no_overlap() -> None:
    assert overlaps(np.array([shapely.box(0, 0, 10 + 1e-9, 10), shapely.box(10, 0, 20, 10)])) == []


def test_parent_is_the_zone_that_holds_most() -> None:
    children = np.array([*QUARTERS, shapely.box(0, 4, 5, 13), shapely.box(50, 50, 60, 60), shapely.box(0, 5, 5, 15)])
    parent, held = parents_by_overlap(children, HALVES, GRID)
    assert parent.tolist() == [0, 0, 1, 1, 0, NO_PARENT, 0]
    assert held == pytest.approx([1, 1, 1, 1, 6 / 9, 0, 0.5])


def test_a_child_that_only_touches_has_no_parent() -> None:
    parent, _ = parents_by_overlap(np.array([shapely.box(20, 0, 30, 10)]), HALVES, GRID)
    assert parent.tolist() == [NO_PARENT]
