"""Lines and points on zones' borders: the first zone in order takes them, without an overlay.

By hand on three by three squares of 100 m, numbered row by row from the south-west, on cells of 100 m whose lines are
the squares' own, or lie 50 m beside them; and for winding borders against overlays zone after zone.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

import grids.zone_index
from grids.grid import Grid
from grids.wkb import WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex, ZoneParts, domain_index, parts_in_zones
from tests.grids.zone_overlays import parts_by_overlay

FloatArray = NDArray[np.float64]
GeometryArray = NDArray[np.object_]
Place = tuple[float, float]

GRID = Grid("EPSG:5179", (0, 0), 100, "korea")
CORNERS = [(960_000.0, 1_940_000.0), (960_050.0, 1_940_050.0)]
SQUARES = [(100 * col, 100 * row) for row in range(3) for col in range(3)]

every_corner = pytest.mark.parametrize("corner", CORNERS, ids=["on cell lines", "within cells"])


def several(*shapes: BaseGeometry) -> GeometryArray:
    return np.array([*shapes, None], dtype=object)[:-1]


def moved(geometries: GeometryArray, corner: Place) -> GeometryArray:
    return np.asarray(shapely.transform(geometries, lambda xy: xy + np.array(corner)))


def found_in(index: ZoneIndex, features: GeometryArray, rest: int | None = None) -> ZoneParts:
    column = WkbColumn.from_geometries(features)
    return parts_in_zones(column, parts_in_cells(column, GRID), index, rest=rest)


def squares(order: list[int] | None = None) -> GeometryArray:
    return several(*(shapely.box(x, y, x + 100, y + 100) for x, y in (SQUARES[k] for k in order or range(9))))


def lengths(corner: Place, *places: Place, order: list[int] | None = None) -> dict[int, float]:
    """Metres of one line by zone; none may be overlaid."""
    index = ZoneIndex.of(moved(squares(order), corner), GRID)
    found = found_in(index, moved(several(shapely.LineString(places)), corner))
    assert found.overlaid.size == 0
    return dict(zip(found.zone.tolist(), found.amount.tolist(), strict=True))


@every_corner
def test_a_line_on_a_shared_edge_goes_to_the_first_zone(corner: Place) -> None:
    assert lengths(corner, (100, 110), (100, 190)) == {3: pytest.approx(80, rel=1e-12)}
    assert lengths(corner, (110, 100), (190, 100)) == {1: pytest.approx(80, rel=1e-12)}
    assert lengths(corner, (190, 100), (110, 100)) == {1: pytest.approx(80, rel=1e-12)}
    assert lengths(corner, (100, 110), (100, 190), order=[8, 7, 6, 5, 4, 3, 2, 1, 0]) == {
        4: pytest.approx(80, rel=1e-12)
    }


@every_corner
def test_a_line_along_several_edges_goes_to_the_first_zone_of_each(corner: Place) -> None:
    assert lengths(corner, (100, 0), (100, 300)) == pytest.approx({0: 100, 3: 100, 6: 100}, rel=1e-12)
    assert lengths(corner, (-40, 200), (340, 200)) == pytest.approx({3: 100, 4: 100, 5: 100}, rel=1e-12)
    round_the_middle = (100, 100), (200, 100), (200, 200), (100, 200), (100, 100)
    assert lengths(corner, *round_the_middle) == pytest.approx({1: 100, 4: 200, 3: 100}, rel=1e-12)


@every_corner
def test_a_line_on_the_outer_edge_belongs_to_the_zone_within(corner: Place) -> None:
    found = lengths(corner, (0, 0), (300, 0), (300, 300), (0, 300), (0, 0))
    assert found == pytest.approx({0: 200, 1: 100, 2: 200, 3: 100, 5: 100, 6: 200, 7: 100, 8: 200}, rel=1e-12)


@every_corner
def test_a_line_partly_on_an_edge_is_shared_out_stretch_by_stretch(corner: Place) -> None:
    """It comes up to the edge, follows it, and leaves; then one segment that runs on beyond the edges' end."""
    assert lengths(corner, (70, 120), (100, 120), (100, 170), (140, 170)) == pytest.approx(
        {3: 80, 4: 40}, rel=1e-12
    )  # fmt: skip
    assert lengths(corner, (300, 280), (300, 360)) == pytest.approx({8: 20}, rel=1e-12)
    assert lengths(corner, (140, 150), (100, 150), (100, 130), order=[4, 3, 0, 1, 2, 5, 6, 7, 8]) == pytest.approx(
        {0: 60}, rel=1e-12
    )


@every_corner
def test_a_line_back_and_forth_on_an_edge_counts_each_way(corner: Place) -> None:
    assert lengths(corner, (100, 110), (100, 190), (100, 130)) == pytest.approx({3: 140}, rel=1e-12)
    assert lengths(corner, (100, 50), (100, 150), (100, 50)) == pytest.approx({0: 100, 3: 100}, rel=1e-12)


@every_corner
def test_touching_a_corner_or_an_edge_gives_no_part(corner: Place) -> None:
    assert lengths(corner, (120, 120), (200, 200), (180, 120)).keys() == {4}
    assert lengths(corner, (120, 150), (200, 150), (120, 160)).keys() == {4}
    assert lengths(corner, (50, 50), (150, 150)) == pytest.approx({0: 50 * 2**0.5, 4: 50 * 2**0.5}, rel=1e-12)


@every_corner
def test_points_on_edges_and_corners_go_to_the_first_zone(corner: Place) -> None:
    places = [(100, 150), (150, 100), (100, 100), (200, 200), (0, 0), (300, 300), (300, 150), (150, 150)]
    index = ZoneIndex.of(moved(squares(), corner), GRID)
    found = found_in(index, moved(several(*map(shapely.Point, places)), corner))
    assert found.zone.tolist() == [3, 1, 0, 4, 0, 8, 5, 4]
    assert found.amount.tolist() == [1] * 8
    assert found.overlaid.size == 0


@every_corner
def test_one_segment_along_a_border_that_steps_away_and_comes_back(corner: Place) -> None:
    """The western zone has a notch: the segment is on its border, in the eastern zone's ground, and on it again."""
    west = shapely.Polygon([(0, 0), (60, 0), (60, 20), (40, 30), (60, 40), (60, 90), (0, 90)])
    zones = several(west, shapely.difference(shapely.box(0, 0, 120, 90), west))
    for order in ([0, 1], [1, 0]):
        index = ZoneIndex.of(moved(zones[order], corner), GRID)
        found = found_in(index, moved(several(shapely.LineString([(60, 5), (60, 85)])), corner))
        assert found.overlaid.size == 0
        metres = dict(zip((order[zone] for zone in found.zone.tolist()), found.amount.tolist(), strict=True))
        assert metres == pytest.approx({0: 60, 1: 20} if order == [0, 1] else {1: 80}, rel=1e-12)


def test_a_stretch_on_a_later_zones_border_in_the_ground_of_an_earlier_one_is_the_earlier_ones() -> None:
    """An overlap of a width within the tolerance of slivers is cut off the later zone; its border moves with it."""
    corner = CORNERS[0]
    zones = several(shapely.box(0, 0, 50, 90), shapely.box(49.99999, 0, 90, 90))
    index = ZoneIndex.of(moved(zones, corner), GRID)
    found = found_in(index, moved(several(shapely.LineString([(49.99999, 10), (49.99999, 80)])), corner))
    assert (found.zone.tolist(), found.amount.tolist()) == ([0], [pytest.approx(70, rel=1e-12)])


@every_corner
def test_a_gap_takes_what_no_zones_border_has(corner: Place) -> None:
    """The gap comes last: its borders are the zones' own, but for the domain's."""
    zones, gap = several(shapely.box(0, 0, 100, 100)), shapely.box(100, 0, 200, 100)
    index = ZoneIndex.of(moved(zones, corner), GRID, gap=moved(several(gap), corner)[0])
    lines = several(
        shapely.LineString([(100, 10), (100, 80)]),
        shapely.LineString([(50, 100), (150, 100)]),
        shapely.LineString([(200, 20), (200, 60)]),
    )
    found = found_in(index, moved(lines, corner), rest=1)
    assert found.overlaid.size == 0
    assert found.owner.tolist() == [0, 1, 1, 2]
    assert found.zone.tolist() == [0, 0, 1, 1]
    assert found.amount.tolist() == pytest.approx([70, 50, 50, 40], rel=1e-12)


@every_corner
def test_the_border_of_a_domain_is_the_domains(corner: Place) -> None:
    domain = moved(several(shapely.box(0, 0, 300, 200)), corner)[0]
    lines = moved(several(shapely.LineString([(0, -50), (0, 250)]), domain.exterior), (0, 0))
    lines[:1] = moved(lines[:1], corner)
    found = found_in(domain_index(domain, GRID), lines)
    assert found.overlaid.size == 0
    assert found.zone.tolist() == [0, 1, 0]
    assert found.amount.tolist() == pytest.approx([200, 100, 1000], rel=1e-12)


def test_lines_on_borders_ask_for_no_overlay_and_wait_for_no_lock() -> None:
    corner = CORNERS[1]
    index = ZoneIndex.of(moved(squares(), corner), GRID)
    features = moved(several(shapely.LineString([(100, 0), (100, 300)]), shapely.Point(200, 100)), corner)
    with ThreadPoolExecutor(1) as pool, grids.zone_index._one_at_a_time:
        found = pool.submit(found_in, index, features).result(timeout=120)
    assert found.zone.tolist() == [0, 3, 6, 1]


@st.composite
def winding(draw: st.DrawFn) -> FloatArray:
    """A border from south to north (n, 2), its places binary fractions of a metre, which moving does not round."""
    steps = draw(st.integers(1, 12))
    x = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).integers(100 * 1024, 500 * 1024, steps + 1) / 1024
    return np.column_stack((x, np.rint(np.linspace(0, 600, steps + 1) * 1024) / 1024))


def four_zones(border: FloatArray, at: float) -> GeometryArray:
    """What lies west and east of a border, each cut in two at a height: south-west, north-west, south-east, ..."""
    sides = shapely.Polygon([(0, 0), *border, (0, 600)]), shapely.Polygon([(600, 0), *border, (600, 600)])
    halves = shapely.box(0, 0, 600, at), shapely.box(0, at, 600, 600)
    return several(*(shapely.intersection(side, half) for side in sides for half in halves))


@st.composite
def stretches(draw: st.DrawFn, border: FloatArray) -> FloatArray:
    first = draw(st.integers(0, len(border) - 2))
    return border[first : draw(st.integers(first + 1, len(border) - 1)) + 1]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_lines_that_follow_borders_are_shared_out_as_overlays_would(data: st.DataObject) -> None:
    """With the borders' own vertices, which overlays see too; some come from beside them. All is handed out, once."""
    border, corner = data.draw(winding()), data.draw(st.sampled_from(CORNERS))
    order = data.draw(st.permutations(range(4)))
    inner = border[1:-1, 1]
    zones = four_zones(border, data.draw(st.sampled_from(inner.tolist())) if inner.size else 0.0)
    zones = moved(zones[order], corner)
    zones = zones[~shapely.is_empty(zones) & (shapely.area(zones) > 0)]
    lines = []
    for _ in range(data.draw(st.integers(1, 4))):
        some = data.draw(stretches(border))
        beside = data.draw(st.sampled_from([None, (-30, 10), (40, -20)]))
        lines.append(shapely.LineString(some if beside is None else np.vstack((some[0] + beside, some))))
    features = moved(several(*lines), corner)
    features = data.draw(st.sampled_from([features, shapely.reverse(features)]))
    index = ZoneIndex.of(zones, GRID)
    found = found_in(index, features)
    assert found.overlaid.size == 0
    given_m, expected_m = np.zeros((2, features.size, zones.size))
    np.add.at(given_m, (found.owner, found.zone), found.amount)
    zone, feature, amount, beyond = parts_by_overlay(features, np.ones(features.size, np.int64), index.polygons)
    np.add.at(expected_m, (feature, zone), amount)
    np.testing.assert_allclose(given_m, expected_m, rtol=0, atol=1e-7)
    np.testing.assert_allclose(given_m.sum(axis=1) + beyond, shapely.length(features), rtol=1e-10)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_vertices_that_rounding_moves_off_a_border_are_on_it(data: st.DataObject) -> None:
    """The line has vertices where its border has none, all but on it; heights say whose each stretch is.

    An overlay gives such stretches to either side, as its rounding falls.
    """
    border, corner = data.draw(winding()), data.draw(st.sampled_from(CORNERS))
    order, at = data.draw(st.permutations(range(4))), data.draw(st.integers(1, 599)) + 0.375
    zones = moved(four_zones(border, at)[order], corner)
    some = data.draw(stretches(border))
    # Two vertices at one height have no stretch between them.
    t = data.draw(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5, unique_by=lambda each: round(each, 6)))
    between = np.concatenate([a + np.sort(t)[:, None] * (b - a) for a, b in pairwise(some)])
    every = np.concatenate((some, between))
    every = every[np.argsort(every[:, 1], kind="stable")]
    found = found_in(ZoneIndex.of(zones, GRID), moved(several(shapely.LineString(every)), corner))
    assert found.overlaid.size == 0
    expected = np.zeros(4)
    for (x0, y0), (x1, y1) in pairwise(every):
        below = min(max((at - y0) / (y1 - y0), 0.0), 1.0)
        for half, share in ((0, below), (1, 1 - below)):
            expected[min(order.index(half), order.index(2 + half))] += share * np.hypot(x1 - x0, y1 - y0)
    given_m = np.bincount(found.zone, found.amount, minlength=4)
    np.testing.assert_allclose(given_m, expected, rtol=0, atol=1e-7)
    np.testing.assert_allclose(given_m.sum(), shapely.length(shapely.LineString(some)), rtol=1e-10)
