"""Every feature's parts add up to it, however near a border it ends: the sums of each, not only of all."""

from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids import sharing
from grids.grid import Grid
from grids.sharing import CellEntries, Division, SharedOut, ZoneEntries
from grids.surroundings import Surroundings, middles_of, seen_from, without_far
from grids.wkb import WkbColumn
from grids.zone_index import ZoneIndex, ZoneParts, parts_in_zones
from grids.zones import gap_between

GRID = Grid("EPSG:5179", (0, 0), 100, "korea")
CORNER = np.array([960_000.0, 1_940_000.0])

Geometries = NDArray[np.object_]


def array_of(shapes: list[BaseGeometry]) -> Geometries:
    return np.array([*shapes, None], dtype=object)[:-1]


def ring(rng: np.random.Generator, vertices: int, near: float, far: float) -> NDArray[np.float64]:
    angle, radius = np.sort(rng.uniform(0, 2 * np.pi, vertices)), rng.uniform(near, far, vertices)
    return CORNER + np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def beside(rng: np.random.Generator, border: BaseGeometry) -> BaseGeometry | None:
    """A strip along an edge of a border, its rim a tenth of a nanometre to a millimetre beside it; or a line across."""
    places = shapely.get_coordinates(border)
    k = int(rng.integers(len(places) - 1))
    a, b = places[k], places[k + 1]
    length = np.hypot(*(b - a))
    if length < 1e-6:
        return None
    across = np.array([-(b - a)[1], (b - a)[0]]) / length
    offset, width = 10.0 ** rng.uniform(-10, -3) * rng.choice([-1, 1]), 10.0 ** rng.uniform(-1, 2)
    if rng.random() < 0.2:
        return shapely.LineString([a + offset * across, b - offset * across, b + (b - a) * 0.3])
    return shapely.Polygon(
        [a + offset * across, b + offset * across, b + (offset + width) * across, a + (offset + width) * across]
    )


def town(seed: int, features: int) -> tuple[BaseGeometry, Geometries, Geometries]:
    """A domain, zones in it that may leave a gap, and valid features along the borders of both, and across them."""
    rng = np.random.default_rng(seed)
    domain = shapely.Polygon(ring(rng, int(rng.integers(5, 80)), 300, 700))
    seeds = shapely.MultiPoint(CORNER + rng.uniform(-500, 500, (int(rng.integers(2, 9)), 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=domain.buffer(200)))
    zones = [zone for zone in shapely.intersection(cells, domain) if zone.area > 10]
    zones = [zone for zone in zones if zone.geom_type in ("Polygon", "MultiPolygon")]
    zones = zones[: max(1, len(zones) - int(rng.integers(0, 2)))]
    found: list[BaseGeometry] = []
    while len(found) < features:
        kind = rng.random()
        shape: BaseGeometry | None
        if kind < 0.8:
            shape = beside(rng, domain if kind < 0.4 else zones[int(rng.integers(len(zones)))])
        elif kind < 0.9:
            shape = shapely.Polygon(ring(rng, int(rng.integers(3, 40)), 1, 300) + rng.uniform(-600, 600, 2))
        else:
            shape = shapely.LineString(CORNER + np.cumsum(rng.normal(0, 120, (int(rng.integers(2, 12)), 2)), axis=0))
        if shape is not None and shape.is_valid:
            found.append(shape)
    return domain, array_of(zones), array_of(found)


def divided(domain: BaseGeometry, zones: Geometries) -> Division:
    return Division(domain, GRID, {"zones": ZoneIndex.of(zones, GRID, gap=gap_between(zones, domain).ground)})


def worst_sum(shared: SharedOut) -> float:
    n = shared.outside.size
    entries: list[CellEntries | ZoneEntries] = [shared.cells, *shared.zones.values()]
    sums = [np.bincount(each.feature, each.share, minlength=n) + shared.outside for each in entries]
    return float(np.abs(np.array(sums) - 1).max())


@pytest.mark.parametrize("seed", [5, 8, 9, 17, 19, 20, 21, 23, 32, 37, 43, 45, 52, 53])
def test_every_feature_beside_a_border_adds_up(seed: int) -> None:
    """Overlays at full northings missed up to 3e-6 of such features, in the zones or outside the domain."""
    domain, zones, features = town(seed, 150)
    shared = divided(domain, zones).share_out(WkbColumn.from_geometries(features))
    assert worst_sum(shared) <= 1e-9
    assert shared.repaired.size == 0
    areal = shapely.get_dimensions(features) == 2
    near = seen_from(features, np.tile(CORNER, (features.size, 1)))[areal]
    border = seen_from(array_of([domain]), CORNER[None, :])[0]
    expected = shapely.area(shapely.difference(near, border)) / shapely.area(near)
    # What is cut is cut from the same numbers; half a nanometre of a strip of 0.1 m is 5e-9.
    np.testing.assert_allclose(shared.outside[areal], expected, rtol=0, atol=5e-9)


def missing_some(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """Let the second feature lose a fraction of what it has in zones, as an overlay that rounds does."""

    def fewer(*given: Any, **how: Any) -> ZoneParts:
        parts = parts_in_zones(*given, **how)
        if "rest" in how:
            parts.amount[parts.owner == 1] *= factor
        return parts

    monkeypatch.setattr(sharing, "parts_in_zones", fewer)


def house_and_strip() -> tuple[Division, WkbColumn]:
    west, south = CORNER
    zones = array_of(
        [shapely.box(west, south, west + 150, south + 300), shapely.box(west + 150, south, west + 300, south + 300)]
    )
    house = shapely.box(west + 130, south + 10, west + 170, south + 20)
    strip = shapely.box(west + 100, south + 50, west + 200, south + 50.5)
    return divided(shapely.box(west, south, west + 300, south + 300), zones), WkbColumn.from_geometries(
        array_of([house, strip])
    )


def test_what_borders_round_off_is_scaled_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    division, column = house_and_strip()
    missing_some(monkeypatch, 1 - 3e-9)  # a nanometre along the rim of the strip is 4e-9 of it
    shared = division.share_out(column, ids=["house", "strip"])
    assert worst_sum(shared) <= 1e-12
    assert shared.repaired.tolist() == [1]
    assert shared.zones["zones"].share.tolist() == pytest.approx([0.5, 0.5, 0.5, 0.5], rel=1e-12)


def test_what_misses_more_is_refused_by_id(monkeypatch: pytest.MonkeyPatch) -> None:
    division, column = house_and_strip()
    missing_some(monkeypatch, 1 - 1e-8)
    shared = division.share_out(column, ids=["house", "strip"])
    assert shared.refused == {1: "its parts and what lies outside do not add up to it [0.99999999 of it]"}
    assert np.isnan(shared.outside).tolist() == [False, True]
    assert set(shared.cells.feature.tolist()) == set(shared.zones["zones"].feature.tolist()) == {0}
    assert shared.repaired.size == 0
    alone = shared.without_refused()
    assert worst_sum(alone) <= 1e-12
    assert (alone.outside.tolist(), alone.refused) == ([0], {})


def test_cells_are_held_against_their_feature_too(monkeypatch: pytest.MonkeyPatch) -> None:
    division, column = house_and_strip()

    def more(feature: Any, row: Any, col: Any, share: Any) -> CellEntries:
        return CellEntries(feature, row, col, share * (1 + 1e-6))

    monkeypatch.setattr(sharing, "CellEntries", more)
    assert list(division.share_out(column).refused) == [0, 1]


def test_an_excess_in_one_target_does_not_hide_behind_a_deficit_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of more than the whole once counted as the whole: 1.0000005 of it, and nothing was amiss."""
    division, column = house_and_strip()

    def beyond(*given: Any, **how: Any) -> ZoneParts:
        parts = parts_in_zones(*given, **how)
        if "rest" in how:
            parts.amount[parts.owner == 0] = [400 * (1 + 5e-7), 0.0]
        return parts

    monkeypatch.setattr(sharing, "parts_in_zones", beyond)
    shared = division.share_out(column, ids=["house", "strip"])
    assert shared.refused == {0: "its parts and what lies outside do not add up to it [1.0000005 of it]"}


def test_those_that_are_kept_are_numbered_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    division, column = house_and_strip()
    whole = division.share_out(column)

    def fewer(*given: Any, **how: Any) -> ZoneParts:
        parts = parts_in_zones(*given, **how)
        if "rest" in how:
            parts.amount[parts.owner == 0] *= 0.5
        return parts

    monkeypatch.setattr(sharing, "parts_in_zones", fewer)
    shared = division.share_out(column).without_refused()
    of_strip = whole.cells.feature == 1
    assert shared.cells.feature.tolist() == [0] * int(of_strip.sum())
    np.testing.assert_array_equal(shared.cells.share, whole.cells.share[of_strip])
    np.testing.assert_array_equal(shared.cells.col, whole.cells.col[of_strip])


@pytest.mark.parametrize("seed", range(40))
def test_far_vertices_make_no_difference_nearby(seed: int) -> None:
    """Rings around, beside and through a box: what is left of them covers the same of it, by vertices of theirs."""
    rng = np.random.default_rng(seed)
    shape = shapely.Polygon(ring(rng, 400, 200, 900)).difference(shapely.Polygon(ring(rng, 50, 20, 180)))
    isles = shapely.union_all(shapely.buffer(shapely.points(CORNER + rng.uniform(-1500, 1500, (20, 2))), 40))
    shape = shape.union(isles)
    low = CORNER + rng.uniform(-900, 900, 2)
    window = np.concatenate((low, low + rng.uniform(1, 300, 2)))
    box = shapely.box(*window)
    near = without_far(shape, window)
    if near is not None:
        assert shapely.area(near.intersection(box)) == pytest.approx(shapely.area(shape.intersection(box)), abs=1e-6)
        assert shapely.get_num_coordinates(near) < 0.7 * shapely.get_num_coordinates(shape)
        given = set(map(tuple, shapely.get_coordinates(shape)))
        assert set(map(tuple, shapely.get_coordinates(near))) <= given
    feature = array_of([shapely.box(*shapely.centroid(box).buffer(0.4).bounds)])
    middle = middles_of(feature)
    seen = Surroundings(array_of([shape])).around(np.zeros(1, np.int64), shapely.bounds(feature), middle)
    there = seen_from(feature, middle)
    assert seen[0].is_valid
    assert shapely.area(shapely.intersection(seen, there)) == pytest.approx(
        shapely.area(shapely.intersection(shape, feature)), abs=1e-6
    )


def test_seen_from_its_middle_and_back_is_the_same_feature() -> None:
    rng = np.random.default_rng(3)
    features = array_of([shapely.Polygon(ring(rng, 9, 10, 50)) for _ in range(20)])
    middles = middles_of(features)
    there = seen_from(features, middles)
    assert np.abs(shapely.bounds(there)).max() <= 51
    assert shapely.equals_exact(seen_from(there, -middles), features, 0).all()
