"""Areas of a scenario on the cells, by hand, and intersections of streets."""

from types import ModuleType

import numpy as np
import pyproj
import pytest
import shapely

from scenarios.errors import InvalidScenario
from scenarios.frame import Frame
from scenarios.places import area_coverage, in_metres, polygon_shares
from scenarios.scenario import Area
from scenarios.streets import intersections

FRAME = Frame("EPSG:5179", 500.0, 900_000.0, 1_900_000.0, 3, 3)


def test_shares_of_three_by_three() -> None:
    square = shapely.box(900_250, 1_900_250, 901_000, 1_900_500)
    np.testing.assert_allclose(polygon_shares(FRAME, [square]), [[0.25, 0.5, 0], [0, 0, 0], [0, 0, 0]])
    beyond = shapely.box(0, 0, 901_000, 1_900_500)
    np.testing.assert_array_equal(polygon_shares(FRAME, [beyond]), [[1, 1, 0], [0, 0, 0], [0, 0, 0]])
    world = shapely.box(-3e7, -3e7, 3e7, 3e7)
    np.testing.assert_array_equal(polygon_shares(FRAME, [world]), np.ones((3, 3)))
    beside = shapely.box(901_500, 1_900_000, 902_000, 1_900_500)
    assert not polygon_shares(FRAME, [beside]).any()
    both = polygon_shares(FRAME, [square, shapely.box(900_500, 1_900_250, 901_000, 1_901_000)])
    np.testing.assert_allclose(both, [[0.25, 0.5, 0], [0, 1, 0], [0, 0, 0]])  # shared ground counts once


def test_a_drawn_polygon_is_found_again(cities: ModuleType) -> None:
    state = cities.city(6, 6)
    back = pyproj.Transformer.from_crs("EPSG:5179", "OGC:CRS84", always_xy=True)
    corners = [(900_500, 1_900_500), (901_500, 1_900_500), (901_500, 1_901_500), (900_500, 1_901_500)]
    ring = [back.transform(*corner) for corner in [*corners, corners[0]]]
    share = area_coverage(state)(Area(polygon=[ring]))
    expected = np.zeros((6, 6))
    expected[1:3, 1:3] = 1
    np.testing.assert_allclose(share, expected, atol=1e-6)
    assert in_metres("EPSG:5179", [ring[0]])[0] == pytest.approx(corners[0], abs=1e-3)
    crossed = [ring[0], ring[2], ring[1], ring[3], ring[0]]
    with pytest.raises(InvalidScenario, match="cross itself"):
        area_coverage(state)(Area(polygon=[crossed]))
    with pytest.raises(InvalidScenario, match="draw a polygon"):
        area_coverage(state)(Area(collection="dong", ids=("1",)))


def test_intersections_by_hand() -> None:
    through = shapely.LineString([(0, 0), (10, 0), (20, 0)])
    crossing = shapely.LineString([(10, -5), (10, 0), (10, 5)])
    side = shapely.LineString([(20, 0), (20, 9)])  # a bend, no intersection
    onto = shapely.LineString([(20, 9), (10, 5)])
    x, y = intersections(np.array([through, crossing, side, onto], dtype=object))
    assert sorted(zip(x, y, strict=True)) == [(10, 0)]
    x, y = intersections(np.array([through, shapely.LineString([(10, 0), (10, 7)])], dtype=object))
    assert list(zip(x, y, strict=True)) == [(10, 0)]
