"""Properties of shares as a build makes them, for any features; oracles: exactextract, tobler, brute overlays."""

import exactextract
import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from tobler.area_weighted import area_interpolate

from grids.grid import Grid
from grids.sharing import GAP, Division
from grids.wkb import WkbColumn
from grids.zone_index import ZoneIndex

FINE = Grid("EPSG:5179", (700_000, 1_300_000), 100, "korea")
COARSE = Grid("EPSG:5179", (700_000, 1_300_000), 500, "korea")
CORNER = np.array([960_000.0, 1_940_000.0])  # a cell corner at Korean northings
DOMAIN = shapely.box(*(CORNER - 1500), *(CORNER + 1500))

# Whole and half multiples of the cell size put vertices on borders and corners as often as not.
on_lines = st.integers(-20, 20).map(lambda k: k * 50.0)
anywhere = st.floats(-1000, 1000, allow_nan=False, width=32)
places = st.tuples(on_lines | anywhere, on_lines | anywhere)


@st.composite
def polygons(draw: st.DrawFn) -> BaseGeometry:
    shell = shapely.Polygon([CORNER + place for place in draw(st.lists(places, min_size=3, max_size=8))])
    hole = shapely.Polygon([CORNER + place for place in draw(st.lists(places, min_size=3, max_size=5))])
    shape = shapely.make_valid(shell).difference(shapely.make_valid(hole)) if draw(st.booleans()) else shell
    return shape if not shape.is_empty else shell


@st.composite
def lines(draw: st.DrawFn) -> BaseGeometry:
    return shapely.LineString([CORNER + place for place in draw(st.lists(places, min_size=2, max_size=8))])


@st.composite
def points(draw: st.DrawFn) -> BaseGeometry:
    return shapely.MultiPoint([CORNER + place for place in draw(st.lists(places, min_size=1, max_size=5))])


features = st.lists(polygons() | lines() | points(), min_size=1, max_size=6).map(
    lambda given: np.array([*given, None], dtype=object)[:-1]
)
Table = dict[tuple[int, int, int], float]


def slack(geometries: NDArray[np.object_]) -> NDArray[np.float64]:
    """(n,) what rounding may do to each: coordinates carry 0.2 nm, so that a sliver's area is known less well."""
    extent, rim = shapely.area(geometries), shapely.length(geometries)
    flat = extent == 0
    worst = np.where(flat, 1 / np.where(flat & (rim > 0), rim, 1), rim / np.where(flat, 1, extent))
    return 1e-9 * np.maximum(1.0, worst)


def table(geometries: NDArray[np.object_], grid: Grid = FINE, domain: BaseGeometry = DOMAIN) -> Table:
    shared = Division(domain, grid, {}).share_out(WkbColumn.from_geometries(geometries))
    entries = shared.cells
    cells = (entries.row, entries.col, entries.feature, entries.share)
    whole = np.bincount(entries.feature, entries.share, minlength=geometries.size) + shared.outside
    assert np.abs(whole - 1).max() <= 1e-9
    found: Table = {}
    for row, col, feature, share in zip(*(column.tolist() for column in cells), strict=True):
        found[row, col, feature] = found.get((row, col, feature), 0.0) + share  # equal points come one by one
    return found


def same(one: Table, other: Table, within: NDArray[np.float64]) -> None:
    """Every share of each feature, which stands last in a key, within what its rounding may do."""
    differences = {key: one.get(key, 0) - other.get(key, 0) for key in one.keys() | other.keys()}
    assert {key: difference for key, difference in differences.items() if abs(difference) > within[key[2]]} == {}


@given(features)
@settings(max_examples=60, deadline=None)
def test_mass_is_conserved_on_grids_and_zones_and_outside(given: NDArray[np.object_]) -> None:
    small = shapely.box(*(CORNER - 430), *(CORNER + 470))
    table(given, domain=small)
    west, south, east, north = small.bounds
    middle = CORNER[0] + 100
    zones = np.array([shapely.box(west, south, middle, north), shapely.box(middle, south, east - 170, north - 170)])
    index = ZoneIndex.of(zones, FINE, gap=small.difference(shapely.union_all(zones)))
    shared = Division(small, FINE, {"zones": index}).share_out(WkbColumn.from_geometries(given))
    parts = shared.zones["zones"]
    assert set(parts.target.tolist()) <= {0, 1, GAP}
    whole = np.bincount(parts.feature, parts.share, minlength=given.size) + shared.outside
    assert np.abs(whole - 1).max() <= 1e-9


@given(features, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_is_irrelevant(given: NDArray[np.object_], random: object) -> None:
    order = np.arange(given.size)
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = {(row, col, int(order[feature])): share for (row, col, feature), share in table(given[order]).items()}
    assert shuffled == table(given)


@given(features)
@settings(max_examples=40, deadline=None)
def test_fine_cells_add_to_coarse_ones(given: NDArray[np.object_]) -> None:
    summed: Table = {}
    for (row, col, feature), share in table(given).items():
        parent_row, parent_col = FINE.parent([row], [col], COARSE)
        key = (int(parent_row[0]), int(parent_col[0]), feature)
        summed[key] = summed.get(key, 0) + share
    same(summed, table(given, COARSE), slack(given))


@given(features, st.integers(-50, 50), st.integers(-50, 50))
@settings(max_examples=30, deadline=None)
def test_shifts_by_whole_cells_commute(given: NDArray[np.object_], east: int, north: int) -> None:
    moved = shapely.transform(given, lambda c: c + np.array([east, north]) * 100.0)
    domain = shapely.transform(DOMAIN, lambda c: c + np.array([east, north]) * 100.0)
    shifted = {(row + north, col + east, feature): share for (row, col, feature), share in table(given).items()}
    same(shifted, table(moved, domain=domain), slack(given))


@given(st.lists(polygons() | lines(), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_direction_is_irrelevant(given: list[BaseGeometry]) -> None:
    forward = np.array([*given, None], dtype=object)[:-1]
    same(table(forward), table(shapely.reverse(forward)), slack(forward))


@given(points())
@settings(max_examples=50, deadline=None)
def test_every_point_lies_in_exactly_one_cell(given: BaseGeometry) -> None:
    expected: Table = {}
    xy = shapely.get_coordinates(given)
    for x, y in xy:
        key = (int((y - 1_300_000) // 100), int((x - 700_000) // 100), 0)
        expected[key] = expected.get(key, 0) + 1 / len(xy)
    same(expected, table(np.array([given])), np.full(1, 1e-9))


def ragged_areas() -> list[BaseGeometry]:
    """Fourteen polygons, some of several parts and with holes, within a kilometre of the corner."""
    rng = np.random.default_rng(7)
    return [
        shapely.concave_hull(shapely.MultiPoint(CORNER + rng.uniform(-950, 950, (12, 2))), 0.3)
        .difference(shapely.Point(CORNER + rng.uniform(-500, 500, 2)).buffer(rng.uniform(20, 250)))
        .union(shapely.box(*(CORNER + 100 * k), *(CORNER + 100 * k + [250, 120])))
        for k in range(-8, 6)
    ]


def test_areas_agree_with_exactextract() -> None:
    shapes = ragged_areas()
    west, south = CORNER - 1000
    raster = NumPyRasterSource(
        np.zeros((20, 20)),
        xmin=west,
        ymin=south,
        xmax=west + 2000,
        ymax=south + 2000,
        srs_wkt=pyproj.CRS("EPSG:5179").to_wkt(),
    )
    frame = gpd.GeoDataFrame(geometry=shapes, crs="EPSG:5179")
    found = exactextract.exact_extract(raster, frame, ["cell_id", "coverage"], output="pandas")
    expected: Table = {}
    for feature, (ids, coverage) in enumerate(zip(found["cell_id"], found["coverage"], strict=True)):
        for cell, fraction in zip(ids, coverage, strict=True):
            row, col = 6400 + 9 - int(cell) // 20, 2600 - 10 + int(cell) % 20
            expected[(row, col, feature)] = float(fraction) * 10_000 / shapes[feature].area
    ours = table(np.array(shapes))
    assert ours.keys() == {key for key, share in expected.items() if share > 0}
    for key, share in ours.items():
        assert share == pytest.approx(expected[key], abs=1e-6)  # exactextract keeps coverage in 32 bits


def test_values_added_up_agree_with_tobler() -> None:
    shapes = ragged_areas()
    values = np.arange(1.0, len(shapes) + 1)
    rows, cols = (index.ravel() for index in np.mgrid[6390:6410, 2590:2610])
    layer = gpd.GeoDataFrame({"value": values}, geometry=shapes, crs="EPSG:5179")
    cells = gpd.GeoDataFrame(geometry=FINE.cell_polygons(rows, cols), crs="EPSG:5179")
    expected = area_interpolate(layer, cells, extensive_variables=["value"], allocate_total=True)["value"].to_numpy()
    found = np.zeros(rows.size)
    for (row, col, feature), share in table(np.array(shapes)).items():
        found[(row - 6390) * 20 + col - 2590] += share * values[feature]
    assert found.sum() == pytest.approx(values.sum(), rel=1e-12)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * expected.mean())  # tobler keeps shares in 32 bits


def test_areas_and_lengths_agree_with_a_brute_overlay() -> None:
    rng = np.random.default_rng(11)
    shapes = np.array(
        [shapely.Point(CORNER + rng.uniform(-500, 500, 2)).buffer(rng.uniform(1, 300)) for _ in range(40)]
        + [shapely.LineString(CORNER + np.cumsum(rng.normal(0, 90, (12, 2)), axis=0)) for _ in range(80)]
    )
    rows, cols = (index.ravel() for index in np.mgrid[6380:6420, 2580:2620])
    boxes = FINE.cell_polygons(rows, cols)
    tree = shapely.STRtree(boxes)
    feature, box = tree.query(shapes)
    overlap = shapely.intersection(shapes[feature], boxes[box])
    areal = feature < 40
    part = np.where(areal, shapely.area(overlap), shapely.length(overlap))
    share = part / np.where(areal, shapely.area(shapes[feature]), shapely.length(shapes[feature]))
    expected = {
        (int(rows[b]), int(cols[b]), int(f)): float(s) for f, b, s in zip(feature, box, share, strict=True) if s > 1e-12
    }
    same(expected, table(shapes), np.full(shapes.size, 1e-9))
