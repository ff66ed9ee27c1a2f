"""Which polygons share ground, against overlays."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box
from shapely.affinity import rotate, translate

from grids.errors import GeometryError
from grids.shared_ground import SharedGround, ground_shared_with, shared_ground
from grids.wkb import WkbColumn

EAST, NORTH = 953_000.25, 1_952_000.75  # of Korea's grid: what is near 0 rounds too well
CORNER = np.array([EAST, NORTH])


def shapes(*polygons: object) -> np.ndarray:
    array = np.empty(len(polygons), dtype=object)
    array[:] = polygons
    return array


def pairs(found: SharedGround) -> dict[tuple[int, int], float]:
    return dict(
        zip(
            zip(found.first.tolist(), found.second.tolist(), strict=True),
            found.area_m2.tolist(),
            strict=True,
        )
    )


def overlaid(polygons: np.ndarray) -> dict[tuple[int, int], float]:
    """What GEOS finds, but for slivers of a nanometre along the smaller one's border."""
    result = {}
    for i in range(len(polygons)):
        for j in range(i + 1, len(polygons)):
            area = shapely.intersection(polygons[i], polygons[j]).area
            if area > 1e-6:
                result[i, j] = area
    return result


def test_overlapping_contained_and_equal_polygons_are_found() -> None:
    found = shared_ground(shapes(box(0, 0, 10, 10), box(8, 2, 12, 4), box(1, 1, 2, 2), box(0, 0, 10, 10)))
    assert pairs(found) == {(0, 1): 4, (0, 2): 1, (0, 3): 100, (1, 3): 4, (2, 3): 1}


def test_neighbours_and_what_lies_in_a_hole_share_nothing() -> None:
    ring = box(0, 0, 10, 10).difference(box(2, 2, 4, 4))
    corner = box(10, 10, 12, 12)
    assert pairs(shared_ground(shapes(ring, box(2, 2, 4, 4), box(10, 0, 12, 10), corner))) == {}


def test_a_part_in_a_hole_and_parts_on_both_sides_add() -> None:
    ring = box(0, 0, 10, 10).difference(box(2, 2, 8, 8))
    two = MultiPolygon([box(3, 3, 4, 4), box(-1, 0, 1, 3), box(9, 9, 12, 12)])
    assert pairs(shared_ground(shapes(ring, two))) == {(0, 1): pytest.approx(3 + 1)}


def test_the_way_rings_turn_and_repeated_vertices_do_not_matter() -> None:
    given_ring = [(0, 0), (0, 0), (0, 10), (10, 10), (10, 0), (10, 0), (0, 0)]
    for ring in (given_ring, given_ring[::-1]):
        assert pairs(shared_ground(shapes(Polygon(ring), box(5, 5, 20, 20)))) == {(0, 1): 25}


def test_a_border_that_only_one_has_a_vertex_on_is_no_shared_ground() -> None:
    a, b = np.array([EAST, NORTH]), np.array([EAST + 317.3, NORTH + 91.7])
    left = Polygon([a, b, (EAST, NORTH + 400)])
    for t in np.linspace(0.01, 0.99, 60):
        vertex = a + t * (b - a)  # beside the border by the rounding of its coordinates
        right = Polygon([a, vertex, b, (EAST + 300, NORTH - 200)])
        assert pairs(shared_ground(shapes(left, right))) == {}


def test_a_strip_of_a_micrometre_is_shared_ground() -> None:
    wide = box(EAST, NORTH, EAST + 100, NORTH + 100)
    found = shared_ground(shapes(wide, box(EAST + 100 - 1e-6, NORTH, EAST + 200, NORTH + 100)))
    assert pairs(found) == {(0, 1): pytest.approx(1e-4, rel=1e-3)}


def test_large_rings_are_held_against_small_ones_and_each_other() -> None:
    angles = np.linspace(0, 2 * np.pi, 5_000, endpoint=False)
    radius = 1000 + 80 * np.sin(37 * angles)
    star = Polygon(np.column_stack((EAST + radius * np.cos(angles), NORTH + radius * np.sin(angles))))
    near = [Point(EAST + x, NORTH + y).buffer(60) for x in range(-1200, 1201, 150) for y in range(-1200, 1201, 150)]
    polygons = shapes(star, *near, translate(star, 13.7, -8.1), rotate(star, 30))
    found, expected = pairs(shared_ground(polygons)), overlaid(polygons)
    assert found.keys() == expected.keys()
    assert list(found.values()) == pytest.approx([expected[pair] for pair in found], rel=1e-9)


def star_shaped(corner: tuple[float, float], radii: list[float], hole: bool) -> Polygon:
    angles = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    ring = np.column_stack((np.cos(angles), np.sin(angles))) * np.array(radii)[:, np.newaxis]
    shell = ring + np.array(corner) + CORNER
    return Polygon(shell, [0.4 * ring + np.array(corner) + CORNER] if hole else [])


places = st.tuples(st.floats(0, 60), st.floats(0, 60))
stars = st.builds(star_shaped, places, st.lists(st.floats(5, 40), min_size=3, max_size=40), st.booleans())
snapped = st.builds(
    lambda x, y, w, h: box(EAST + x, NORTH + y, EAST + x + w, NORTH + y + h),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(1, 8),
    st.integers(1, 8),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(stars, min_size=2, max_size=6) | st.lists(snapped, min_size=2, max_size=9))
def test_the_ground_found_is_that_of_overlays(polygons: list[Polygon]) -> None:
    valid = shapes(*(polygon for polygon in polygons if polygon.is_valid))
    found, expected = pairs(shared_ground(valid)), overlaid(valid)
    for pair in found.keys() | expected.keys():
        assert found.get(pair, 0.0) == pytest.approx(expected.get(pair, 0.0), rel=1e-9, abs=2e-6)


def test_neither_threads_nor_order_change_what_is_found() -> None:
    rng = np.random.default_rng(7)
    centres = rng.uniform(0, 20_000, (3_000, 2))
    polygons = shapely.buffer(shapely.points(centres + CORNER), rng.uniform(50, 300, 3_000))
    one, two = shared_ground(polygons, threads=1), shared_ground(polygons, threads=2)
    assert np.array_equal(one.first, two.first)
    assert np.array_equal(one.area_m2, two.area_m2)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(centres + CORNER)))
    assert not shared_ground(cells).first.size
    back = pairs(shared_ground(polygons[::-1]))
    assert {(2_999 - j, 2_999 - i) for i, j in back} == set(pairs(one))


def test_two_sets_are_held_against_each_other_only() -> None:
    polygons = shapes(box(0, 0, 10, 10), box(5, 0, 15, 10), box(40, 0, 50, 10))
    others = shapes(box(9, 9, 11, 11), box(9, 9, 11, 11), box(50, 0, 60, 10))
    assert pairs(ground_shared_with(polygons, others)) == {(0, 0): 1, (0, 1): 1, (1, 0): 2, (1, 1): 2}


def test_empty_and_missing_polygons_share_nothing() -> None:
    polygons = shapes(box(0, 0, 1, 1), Polygon(), None, MultiPolygon(), box(0, 0, 1, 1))
    assert pairs(shared_ground(polygons)) == {(0, 4): 1}
    assert pairs(shared_ground(shapes())) == {}


def test_polygons_as_bytes_are_polygons_as_objects() -> None:
    polygons = shapes(box(0, 0, 10, 10), None, Polygon(), box(8, 2, 12, 4).union(box(20, 20, 21, 21)))
    column = WkbColumn.from_bytes(shapely.to_wkb(polygons, byte_order=1).tolist())
    assert pairs(shared_ground(column)) == pairs(shared_ground(polygons)) == {(0, 3): 4}
    assert pairs(ground_shared_with(column, polygons)) == pairs(ground_shared_with(polygons, column))
    foreign = WkbColumn.from_bytes([shapely.to_wkb(box(0, 0, 1, 1), byte_order=0)])
    with pytest.raises(GeometryError, match="Polygon 0 is written big-endian, or with Z"):
        shared_ground(foreign)


def test_what_is_no_polygon_or_no_metres_is_refused() -> None:
    with pytest.raises(GeometryError, match="Polygon 1 is a Point; polygons and multipolygons"):
        shared_ground(shapes(box(0, 0, 1, 1), Point(0, 0)))
    with pytest.raises(GeometryError, match="Check the CRS"):
        shared_ground(shapes(box(0, 0, 1, 1), box(0, 0, 1e9, 1)))


def test_an_empty_member_or_hole_is_no_ground() -> None:
    odd = ["MULTIPOLYGON (((0 0, 9 0, 9 9, 0 9, 0 0)), EMPTY)", "POLYGON ((4 4, 20 4, 20 9, 4 9, 4 4), EMPTY)"]
    found = shared_ground(np.array(shapely.from_wkt(odd), dtype=object))
    assert (found.first.tolist(), found.second.tolist()) == ([0], [1])
