"""Features shared out to domain, cells and zones in one go: by hand, and against overlays of geometry objects."""

import struct
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids import sharing
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.hexagons import hexagons
from grids.shares import clip_to
from grids.sharing import GAP, Division, SharedOut
from grids.wkb import FeatureParts, WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex
from grids.zones import gap_between
from tests.grids.geometry_shares import grid_shares, zone_shares

CRS = "EPSG:5179"
GRID = Grid(CRS, (0, 0), 100, "korea")
X, Y = 960_000.0, 1_940_000.0


def box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    return shapely.box(X + west, Y + south, X + east, Y + north)


def several(*shapes: BaseGeometry | None) -> NDArray[np.object_]:
    return np.array([*shapes, None], dtype=object)[:-1]


def divided(domain: BaseGeometry, **zones: NDArray[np.object_]) -> Division:
    """The domain and zone sets on it, each seen with the gap it leaves."""
    seen = {
        name: ZoneIndex.of(polygons, GRID, gap=gap_between(polygons, domain).ground) for name, polygons in zones.items()
    }
    return Division(domain, GRID, seen)


def share(division: Division, *shapes: BaseGeometry | None) -> SharedOut:
    return division.share_out(WkbColumn.from_geometries(several(*shapes)))


def in_cells(shared: SharedOut) -> dict[tuple[int, int, int], float]:
    cells = shared.cells
    row, col = cells.row - int(Y // 100), cells.col - int(X // 100)
    return dict(
        zip(zip(cells.feature.tolist(), row.tolist(), col.tolist(), strict=True), cells.share.tolist(), strict=True)
    )


def in_zones(shared: SharedOut, name: str) -> dict[tuple[int, int], float]:
    zones = shared.zones[name]
    return dict(zip(zip(zones.feature.tolist(), zones.target.tolist(), strict=True), zones.share.tolist(), strict=True))


def test_a_building_by_hand() -> None:
    """A square of 40 m, a quarter of it in each of four cells; the domain ends in its middle, as do the zones."""
    halves = several(box(0, 0, 90, 300), box(90, 0, 100, 300))
    division = divided(box(0, 0, 100, 300), halves=halves)
    shared = share(division, box(80, 80, 120, 120))
    assert shared.outside.tolist() == pytest.approx([0.5])
    assert in_cells(shared) == pytest.approx({(0, 0, 0): 0.25, (0, 1, 0): 0.25})
    assert in_zones(shared, "halves") == pytest.approx({(0, 0): 0.25, (0, 1): 0.25})


def test_what_lies_in_no_zone_is_told_and_what_lies_outside_has_no_part_anywhere() -> None:
    division = divided(box(0, 0, 300, 300), west=several(box(0, 0, 150, 300)))
    shared = share(division, box(140, 10, 180, 20), box(400, 400, 410, 410), None, shapely.Polygon())
    assert shared.outside.tolist() == [0, 1, 1, 1]
    assert in_zones(shared, "west") == pytest.approx({(0, 0): 0.25, (0, GAP): 0.75})
    assert {feature for feature, _, _ in in_cells(shared)} == {0}


def test_lines_and_points_on_a_shared_border_belong_to_the_first_zone_and_on_the_rim_to_the_domain() -> None:
    zones = several(box(0, 0, 150, 300), box(150, 0, 300, 300))
    division = divided(box(0, 0, 300, 300), two=zones)
    border = shapely.LineString([(X + 150, Y + 10), (X + 150, Y + 60)])
    rim = shapely.LineString([(X + 300, Y + 10), (X + 300, Y + 60)])
    corner, beyond = shapely.Point(X + 300, Y + 300), shapely.Point(X + 300.001, Y + 300)
    shared = share(division, border, rim, corner, beyond)
    assert shared.outside.tolist() == [0, 0, 0, 1]
    assert in_zones(shared, "two") == {(0, 0): 1, (1, 1): 1, (2, 1): 1}


def test_a_ring_that_crosses_itself_counts_as_it_is_made_valid() -> None:
    division = divided(box(0, 0, 1000, 1000), all=several(box(0, 0, 1000, 1000)))
    bow = shapely.Polygon([(X + 50, Y + 50), (X + 350, Y + 350), (X + 350, Y + 50), (X + 50, Y + 250)])
    shared = share(division, bow)
    assert shared.repaired.tolist() == [0]
    assert sum(in_cells(shared).values()) == pytest.approx(1, abs=1e-12)
    assert in_zones(shared, "all") == pytest.approx({(0, 0): 1})


@pytest.mark.parametrize("width", [1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9])
def test_needles_are_shared_out_whole_by_their_outline(width: float) -> None:
    """Thinner than a tenth of a millimetre, cuts would miss a part of them, at last all; nothing is lost."""
    domain = box(0, 0, 1000, 1000)
    rng = np.random.default_rng(1)
    ends = rng.uniform(-200, 1200, (200, 2, 2)) + np.array([X, Y])
    along = ends[:, 1] - ends[:, 0]
    aside = np.stack((-along[:, 1], along[:, 0]), axis=1) * 0.99 * width / np.hypot(*along.T)[:, None]
    needles = shapely.polygons(np.stack((ends[:, 0], ends[:, 1], ends[:, 1] + aside, ends[:, 0] + aside), axis=1))
    places = shapely.MultiPoint(rng.uniform(0, 1000, (9, 2)) + np.array([X, Y]))
    zones = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(places, extend_to=domain)), domain)
    shared = divided(domain, zones=zones).share_out(WkbColumn.from_geometries(needles))
    lines = shapely.linestrings(ends)
    np.testing.assert_allclose(
        1 - shared.outside, shapely.length(shapely.intersection(lines, domain)) / shapely.length(lines), atol=1e-3
    )
    for entries in (shared.cells, shared.zones["zones"]):
        held = np.bincount(entries.feature, entries.share, minlength=200)
        np.testing.assert_allclose(held + shared.outside, 1, rtol=0, atol=1e-9)
    expected = shapely.length(shapely.intersection(lines[:, None], zones)) / shapely.length(lines)[:, None]
    given = np.zeros_like(expected)
    given[shared.zones["zones"].feature, shared.zones["zones"].target] = shared.zones["zones"].share
    np.testing.assert_allclose(given, expected, rtol=0, atol=1e-3)
    # Near their own origin, cuts of a tenth of a millimetre still add up.
    assert (shared.repaired.size > 0) == (width < 1e-4)


def test_no_metres_are_refused() -> None:
    division = divided(box(0, 0, 300, 300))
    with pytest.raises(GeometryError, match="Feature 1"):
        share(division, box(0, 0, 10, 10), shapely.Point(np.inf, 0))


def test_zones_seen_through_another_grid_are_refused() -> None:
    coarse = Grid(CRS, (0, 0), 500, "korea")
    zones = several(box(0, 0, 300, 300))
    with pytest.raises(GridError, match="Zone set west was seen through another grid"):
        Division(box(0, 0, 300, 300), GRID, {"west": ZoneIndex.of(zones, coarse)})


def test_divisions_may_hold_the_same_zones() -> None:
    """One index for two domains in which the zones leave no gap: each cuts what it is given by its own border."""
    zones = {"two": ZoneIndex.of(several(box(0, 0, 150, 300), box(150, 0, 300, 300)), GRID)}
    building = box(140, 40, 180, 60)
    all_of_it, west = (Division(box(0, 0, east, 300), GRID, zones) for east in (300, 160))
    assert in_zones(share(all_of_it, building), "two") == pytest.approx({(0, 0): 0.25, (0, 1): 0.75})
    shared = share(west, building)
    assert in_zones(shared, "two") == pytest.approx({(0, 0): 0.25, (0, 1): 0.25})
    assert shared.outside.tolist() == pytest.approx([0.5])


def test_what_was_cut_to_the_domain_before_is_not_held_against_it_again() -> None:
    division = divided(box(0, 0, 100, 300), halves=several(box(0, 0, 90, 300), box(90, 0, 100, 300)))
    building = box(80, 80, 100, 120)  # the part inside of the one by hand
    column = WkbColumn.from_geometries(several(building, None))
    shared = division.share_out(column, inside=True)
    assert shared.outside.tolist() == [0, 1]
    assert in_cells(shared) == pytest.approx({(0, 0, 0): 0.5, (0, 1, 0): 0.5})
    assert in_zones(shared, "halves") == pytest.approx({(0, 0): 0.5, (0, 1): 0.5})
    assert in_zones(division.share_out(column), "halves") == in_zones(shared, "halves")


on_lines = st.integers(-8, 8).map(lambda k: k * 50.0)
anywhere = st.floats(-400, 400, allow_nan=False, width=32)
places = st.tuples(on_lines | anywhere, on_lines | anywhere)


@st.composite
def shapes(draw: st.DrawFn) -> BaseGeometry:
    given_places = [(X + x, Y + y) for x, y in draw(st.lists(places, min_size=3, max_size=8))]
    kind = draw(st.sampled_from(["polygon", "polygon", "line", "points"]))
    if kind == "line":
        return shapely.LineString(given_places)
    return shapely.Polygon(given_places) if kind == "polygon" else shapely.MultiPoint(given_places)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(shapes(), min_size=1, max_size=5),
    st.lists(st.tuples(on_lines, on_lines | anywhere), min_size=3, max_size=6, unique=True),
)
def test_any_features_agree_with_overlays(given_shapes: list[BaseGeometry], corners: list[tuple[float, float]]) -> None:
    domain = shapely.MultiPoint([(X + x, Y + y) for x, y in corners]).convex_hull
    if domain.area < 100:
        domain = domain.buffer(50)
    middle = (domain.bounds[0] + domain.bounds[2]) / 2
    west, east = box(-2000, -2000, middle - X, 2000), box(middle - X, -2000, 2000, 0)
    zones = several(*(zone.intersection(domain) for zone in (west, east)))
    zones = zones[shapely.area(zones) > 0]
    features = several(*given_shapes)
    # A needle a few nanometres wide is where coordinates round; how much of it lies where, no two routes agree on.
    needle = (shapely.area(features) > 0) & (shapely.area(features) < 1e-4 * shapely.length(features))
    features = features[~needle]
    shared = divided(domain, zones=zones).share_out(WkbColumn.from_geometries(features))

    clipped = clip_to(features, domain)
    rows, cols, cells = grid_shares(clipped.geometries, GRID, clipped.measures)
    expected = zone_shares(clipped.geometries, zones, clipped.measures)
    tolerance = 1e-9 * np.maximum(1, shapely.length(features) / np.maximum(shapely.area(features), 1e-3))
    tolerance = np.where(shapely.get_dimensions(features) == 2, tolerance, 1e-9)
    assert (np.abs(shared.outside - clipped.outside) <= tolerance).all()
    per_cell = np.zeros((features.size, rows.size + 1))
    place = {(row, col): k for k, (row, col) in enumerate(zip(rows.tolist(), cols.tolist(), strict=True))}
    for feature, row, col, part in zip(*vars(shared.cells).values(), strict=True):
        per_cell[feature, place.get((int(row), int(col)), rows.size)] += part
    assert (np.abs(per_cell[:, :-1].T - cells.matrix.toarray()) <= tolerance).all()
    assert (per_cell[:, -1] <= tolerance).all()
    per_zone = np.zeros((features.size, zones.size + 1))
    for feature, target, part in zip(*vars(shared.zones["zones"]).values(), strict=True):
        per_zone[feature, target] += part
    assert (np.abs(per_zone[:, :-1].T - expected.matrix.toarray()) <= tolerance).all()
    assert (np.abs(per_zone.sum(axis=1) + shared.outside - 1) <= tolerance).all()


def test_hexagons_hold_everything_of_the_domain() -> None:
    domain = box(0, 0, 3000, 3000)
    _, polygons = hexagons(domain, CRS, 8)
    rng = np.random.default_rng(5)
    places = rng.uniform(-500, 3500, (300, 2)) + np.array([X, Y])
    features = shapely.buffer(shapely.points(places), rng.uniform(5, 400, 300))
    shared = divided(domain, h3=polygons).share_out(WkbColumn.from_geometries(features))
    entries = shared.zones["h3"]
    assert (entries.target != GAP).all()
    held = np.bincount(entries.feature, entries.share, minlength=300)
    assert held + shared.outside == pytest.approx(np.ones(300), abs=1e-12)


def test_divisions_that_hold_the_same_zones_may_be_asked_at_once() -> None:
    zones = several(box(0, 0, 500, 1000), box(500, 0, 1000, 1000))
    index = ZoneIndex.of(zones, GRID)
    domains = [box(0, 0, 1000, 1000), box(0, 0, 1000, 1000).segmentize(10)]
    divisions = [Division(domain, GRID, {"zones": index}) for domain in domains]
    # Bow ties go to the overlay, which prepares the zones.
    ties = [
        shapely.Polygon([(x, y), (x + 40, y + 40), (x + 40, y), (x, y + 40)])
        for x, y in np.random.default_rng(1).uniform(50, 950, (60, 2)) + np.array([X, Y])
    ]
    column = WkbColumn.from_bytes(shapely.to_wkb(ties, byte_order=1).tolist())
    with ThreadPoolExecutor(4) as pool:
        shared = list(pool.map(lambda k: divisions[k % 2].share_out(column).zones["zones"], range(24)))
    assert shared[0].share.sum() == pytest.approx(60)
    for each in shared:
        np.testing.assert_array_equal(each.share, shared[0].share)
        np.testing.assert_array_equal(each.target, shared[0].target)


class Cuts(NamedTuple):
    """What was cut to cells, call by call: how many features were given, and how many parts came of them."""

    features: list[int]
    parts: list[int]


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> Cuts:
    seen = Cuts([], [])

    def watched(column: Any, *given: Any, **how: Any) -> FeatureParts:
        cells = parts_in_cells(column, *given, **how)
        seen.features.append(column.size)
        seen.parts.append(cells.parts.owner.size)
        return cells

    monkeypatch.setattr(sharing, "parts_in_cells", watched)
    return seen


def test_what_is_far_larger_than_the_domain_is_cut_to_it_before_it_is_cut_to_cells(cuts: Cuts) -> None:
    """A sea of 2,000 km by 2,000 km has 4e8 cells, of which a town of 4 km has 1,600."""
    domain = box(0, 0, 4000, 4000)
    half, house = box(-1e6, -1e6, 2000, 1e6), box(3950, 100, 4050, 150)
    sea = half.difference(box(100, 100, 300, 300))
    bow = shapely.Polygon([(X - 9e5, Y - 9e5), (X + 9e5, Y + 9e5), (X + 9e5, Y - 9e5), (X - 9e5, Y + 9e5)])
    away = box(5e4, 5e4, 5e5, 5e5)
    long = shapely.LineString([(X - 5e4, Y + 50), (X + 5e4, Y + 50)])
    division = divided(domain, halves=several(box(0, 0, 1000, 4000), box(1000, 0, 4000, 4000)))
    shared = share(division, sea, house, bow, away, long)
    assert max(cuts.parts) < 8_000
    of_sea = (2000 * 4000 - 200 * 200) / sea.area
    assert 1 - shared.outside[0] == pytest.approx(of_sea, rel=1e-4)  # what is left of 1 has four digits less
    assert shared.outside[[1, 3, 4]].tolist() == pytest.approx([0.5, 1, 0.96])
    assert shared.repaired.tolist() == [2]
    held = np.bincount(shared.cells.feature, shared.cells.share, minlength=5)
    assert held[0] == pytest.approx(of_sea, rel=1e-9)
    assert held[2] == pytest.approx(
        shapely.area(shapely.make_valid(bow).intersection(domain)) / (2 * 9e5 * 9e5), rel=1e-6
    )
    np.testing.assert_allclose(held + shared.outside, 1, rtol=0, atol=1e-9)
    assert in_zones(shared, "halves")[0, 0] == pytest.approx((1000 * 4000 - 200 * 200) / sea.area, rel=1e-9)


def test_what_fills_the_box_of_a_large_domain_is_cut_to_it_and_not_refused(cuts: Cuts) -> None:
    """A sheet over 36 million cells, more than one feature may have; the domain is a strip and a column of them."""
    domain = box(0, 0, 600_000, 200).union(box(0, 0, 200, 600_000))
    sheet, house = box(0, 0, 600_000, 600_000), box(50, 50, 150, 150)
    shared = share(divided(domain), sheet, house)
    assert cuts.parts == [2 * 6000 * 2 - 4 + 4]
    assert 1 - shared.outside[0] == pytest.approx(domain.area / sheet.area, rel=1e-9)
    assert shared.outside[1] == 0
    assert not shared.refused
    assert shared.cells.share[shared.cells.feature == 0].sum() == pytest.approx(domain.area / sheet.area, rel=1e-9)


@pytest.mark.parametrize("given", [box(8e4, 1e4, 1.1e5, 4e4), box(8e4, 1e4, 1.5e5, 9e4)])
def test_what_is_cut_before_its_cells_and_meets_a_slit_between_zones_adds_up(given: BaseGeometry) -> None:
    """So large that it is cut first; the overlay that a slit asks for must not take the whole of it for what was cut.

    The slit is as wide as borders round, so no gap, and the parts in zones miss what lies in cells by it.
    """
    domain = box(0, 0, 1e5, 1e5)
    zones = several(box(0, 0, 9e4, 1e5), box(9e4 + 9e-7, 0, 1e5, 1e5))
    shared = share(divided(domain, zones=zones), given)
    assert not shared.refused
    within = given.intersection(domain).area / given.area
    assert shared.outside.tolist() == pytest.approx([1 - within], abs=1e-12)
    halves = [zone.intersection(given).area / given.area for zone in zones]
    found = in_zones(shared, "zones")
    assert found.pop((0, GAP), 0.0) < 1e-10
    assert found == pytest.approx({(0, 0): halves[0], (0, 1): halves[1]}, rel=1e-9)
    assert shared.cells.share.sum() == pytest.approx(within, rel=1e-9)


def test_a_large_ring_that_does_not_close_is_told_as_any_other(cuts: Cuts) -> None:
    """Over so many cells, and reaching so far, that it would be cut to the domain first."""
    corners = np.array([[X, Y], [X + 1e5, Y], [X + 1e5, Y + 1e5], [X, Y + 1e5]])
    ring = struct.pack("<BIII", 1, 3, 1, len(corners)) + corners.astype("<f8").tobytes()
    division = divided(box(0, 0, 4000, 4000))
    with pytest.raises(GeometryError, match="Feature 'b' "):
        division.share_out(WkbColumn.from_bytes([shapely.to_wkb(box(0, 0, 10, 10)), ring]), ["a", "b"])


def test_a_collection_that_is_far_larger_than_the_domain_is_cut_to_it_first_too(cuts: Cuts) -> None:
    sea = box(-1e5, -1e5, 2000, 1e5)
    mixed = shapely.GeometryCollection([sea, shapely.Point(X, Y), shapely.LineString([(X, Y), (X + 5, Y)])])
    in_three = shapely.force_3d(sea, 7.0)
    division = divided(box(0, 0, 4000, 4000), all=several(box(0, 0, 4000, 4000)))
    shared = share(division, mixed, in_three, shapely.GeometryCollection())
    assert max(cuts.parts) < 4_000
    assert 1 - shared.outside[:2] == pytest.approx([2000 * 4000 / sea.area] * 2, rel=1e-6)
    assert shared.outside[2] == 1
    held = np.bincount(shared.cells.feature, shared.cells.share, minlength=3)
    np.testing.assert_allclose(held + shared.outside, 1, rtol=0, atol=1e-9)


def test_only_what_crosses_the_domain_is_cut_to_cells_again(cuts: Cuts) -> None:
    division = divided(box(0, 0, 1000, 1000), halves=several(box(0, 0, 500, 1000), box(500, 0, 1000, 1000)))
    inside = [box(x, y, x + 150, y + 30) for x in range(10, 800, 200) for y in range(10, 900, 90)]
    bow = shapely.Polygon([(X + 50, Y + 50), (X + 350, Y + 350), (X + 350, Y + 50), (X + 50, Y + 250)])
    crossing, beyond = box(-30, 450, 150, 480), box(1200, 0, 1300, 50)
    crossed = shapely.Polygon([(X - 50, Y + 950), (X + 250, Y + 800), (X + 250, Y + 950), (X - 50, Y + 800)])
    given_shapes = [*inside[:7], crossing, bow, beyond, *inside[7:], crossed]
    shared = share(division, *given_shapes)
    assert cuts.features == [len(given_shapes), 3]
    assert shared.repaired.tolist() == [8, len(given_shapes) - 1]
    alone = [share(division, shape) for shape in given_shapes]
    assert shared.outside.tolist() == [each.outside[0] for each in alone]
    of_each = {f: in_cells(each) for f, each in enumerate(alone)}
    together = {f: {(0, row, col): part for (g, row, col), part in in_cells(shared).items() if g == f} for f in of_each}
    assert together == of_each
    zones = in_zones(shared, "halves")
    assert zones == {(f, t): part for f, each in enumerate(alone) for (_, t), part in in_zones(each, "halves").items()}
