"""Land cover by class: hectares by hand, the forest map first, two routes with one answer."""

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from grids.cell_index import CellIndex
from grids.coverage import covered_cells, covered_fraction
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.land_cover import ClassAreas
from grids.shares import clip_to
from grids.sharing import GAP, Division
from grids.zone_index import ZoneIndex
from grids.zones import gap_between
from tests.grids.geometry_shares import grid_shares, zone_shares

CRS = "EPSG:3035"  # equal-area: hectares are planar ones
BASE = np.array([4_000_000.0, 3_000_000.0])
GRID = Grid(CRS, (0, 0), 100, "inspire")
TREES, GRASS = 10, 30


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(BASE[0] + west, BASE[1] + south, BASE[0] + east, BASE[1] + north)


DOMAIN = box(0, 0, 300, 300)


def counting(mask: NDArray[np.object_] | None = None, district: NDArray[np.object_] | None = None) -> ClassAreas:
    """Land cover of the domain, in its nine cells and, if they are given, in districts."""
    zones = {}
    if district is not None:
        zones["district"] = ZoneIndex.of(district, GRID, gap=gap_between(district, DOMAIN).ground)
    return ClassAreas(Division(DOMAIN, GRID, zones), mask=mask)


def picture(counted: ClassAreas, code: int) -> NDArray[np.float64]:
    """Hectares of a class per cell, north above, over the 3x3 cells of the domain."""
    shared = counted.shared_out().cells
    np.testing.assert_allclose(np.bincount(shared.feature, shared.share), 1, rtol=1e-12)
    column = counted.codes.tolist().index(code)
    mine = shared.feature == column
    cells = np.zeros((3, 3))
    cells[2 - (shared.row[mine] - 30_000), shared.col[mine] - 40_000] = shared.share[mine] * counted.area_ha[column]
    return cells


def in_districts(counted: ClassAreas, n: int) -> NDArray[np.float64]:
    """(districts and gap, classes) shares."""
    zones = counted.shared_out().zones["district"]
    assert ((zones.target >= 0) | (zones.target == GAP)).all()
    shares = np.zeros((n + 1, counted.codes.size))
    shares[zones.target, zones.feature] = zones.share  # the gap, -1, comes last
    return shares


def test_runs_are_counted_per_cell_and_class() -> None:
    counted = counting()
    runs = np.array([box(0, 0, 150, 50), box(150, 0, 300, 50), box(0, 50, 300, 100)])
    counted.add(runs, np.array([TREES, GRASS, GRASS]))
    assert counted.codes.tolist() == [TREES, GRASS]
    np.testing.assert_allclose(counted.area_ha, [0.75, 2.25], rtol=1e-7)
    np.testing.assert_allclose(picture(counted, TREES), [[0, 0, 0], [0, 0, 0], [0.5, 0.25, 0]], atol=1e-7)
    np.testing.assert_allclose(picture(counted, GRASS), [[0, 0, 0], [0, 0, 0], [0.5, 0.75, 1]], atol=1e-7)


def test_the_forest_map_wins_over_the_raster() -> None:
    forest = np.array([box(50, 50, 150, 150), box(100, 100, 250, 250), shapely.LineString([(0, 0), (1, 1)])])
    counted = counting(forest)
    counted.add(np.array([DOMAIN]), np.array([TREES]))
    expected = np.array([[1, 0.5, 0.75], [0.75, 0, 0.5], [0.75, 0.75, 1]])
    np.testing.assert_allclose(picture(counted, TREES), expected, atol=1e-6)
    assert counted.area_ha.sum() == pytest.approx(9 - 1 - 2.25 + 0.25, rel=1e-7)


def test_a_class_wholly_under_the_forest_map_is_gone() -> None:
    counted = counting(np.array([box(-1, -1, 100, 301)]))
    counted.add(np.array([box(0, 0, 100, 300), box(100, 0, 200, 300)]), np.array([TREES, GRASS]))
    assert counted.codes.tolist() == [GRASS]
    all_forest = counting(np.array([DOMAIN]))
    all_forest.add(np.array([DOMAIN]), np.array([TREES]))
    assert all_forest.codes.size == 0
    assert all_forest.shared_out().cells.share.size == 0


def test_what_lies_outside_the_domain_is_not_counted() -> None:
    counted = counting()
    counted.add(np.array([box(-500, -500, 50, 500), box(400, 0, 500, 100)]), np.array([TREES, GRASS]))
    assert counted.codes.tolist() == [TREES]
    np.testing.assert_allclose(picture(counted, TREES), [[0.5, 0, 0]] * 3, atol=1e-7)


def test_zones_and_what_lies_in_none_of_them() -> None:
    zones = np.array([box(0, 0, 100, 300), box(100, 0, 250, 150)])
    counted = counting(district=zones)
    counted.add(np.array([box(0, 0, 300, 150), box(0, 150, 300, 300)]), np.array([GRASS, TREES]))
    expected = [[1 / 3, 1 / 3], [0, 1 / 2], [2 / 3, 1 / 6]]
    np.testing.assert_allclose(in_districts(counted, 2), expected, atol=1e-12)


def test_blocks_and_their_order_make_no_difference() -> None:
    rng = np.random.default_rng(4)
    low = BASE + 7.3 * np.stack(np.mgrid[0:40, 0:40], axis=-1).reshape(-1, 2)
    runs = shapely.box(low[:, 0], low[:, 1], low[:, 0] + 7.3, low[:, 1] + 7.3)
    codes = rng.choice([TREES, GRASS, 50], runs.size)
    forest = np.array([shapely.Point(BASE + rng.uniform(0, 300, 2)).buffer(rng.uniform(5, 60)) for _ in range(12)])
    zones = np.array([box(0, 0, 111, 300), box(111, 0, 300, 222)])
    whole, blocks = (counting(forest, zones) for _ in range(2))
    whole.add(runs, codes)
    for block in np.array_split(rng.permutation(runs.size), 7):
        blocks.add(runs[block], codes[block])
    assert whole.codes.tolist() == blocks.codes.tolist() == [TREES, GRASS, 50]
    np.testing.assert_allclose(whole.area_ha, blocks.area_ha, rtol=1e-9)
    for code in whole.codes.tolist():
        np.testing.assert_allclose(picture(whole, code), picture(blocks, code), atol=1e-6)
    one, other = in_districts(whole, 2), in_districts(blocks, 2)
    np.testing.assert_allclose(one, other, rtol=1e-9)
    np.testing.assert_allclose(one.sum(axis=0), 1, rtol=1e-12)


def test_the_same_answer_as_features_take() -> None:
    rng = np.random.default_rng(9)
    centres = BASE + np.array([(x, y) for x in (10, 90, 160) for y in (40, 120, 280)])
    patches = np.array([shapely.Point(centre).buffer(rng.uniform(20, 36)) for centre in centres])
    forest = np.array([shapely.Point(BASE + rng.uniform(0, 300, 2)).buffer(40) for _ in range(4)])
    zones = np.array([box(0, 0, 111, 300), box(111, 0, 300, 222)])
    counted = counting(forest, zones)
    counted.add(patches, np.full(patches.size, TREES))
    left = np.array([shapely.union_all(patches).difference(shapely.union_all(forest)).intersection(DOMAIN)])
    clipped = clip_to(left, DOMAIN)
    rows, cols, expected = grid_shares(clipped.geometries, GRID, clipped.measures)
    hectares = np.zeros((3, 3))
    hectares[2 - (rows - 30_000), cols - 40_000] = expected.matrix.toarray()[:, 0] * counted.area_ha[0]
    np.testing.assert_allclose(picture(counted, TREES), hectares, atol=1e-9)
    in_zones = zone_shares(clipped.geometries, zones, clipped.measures)
    expected_in_zones = [*in_zones.matrix.toarray()[:, 0], in_zones.outside[0]]
    np.testing.assert_allclose(in_districts(counted, 2)[:, 0], expected_in_zones, atol=1e-9)
    assert counted.area_ha == pytest.approx([left[0].area / 1e4], rel=1e-6)


def test_hectares_are_those_of_the_ellipsoid() -> None:
    utm = shapely.box(500_000, 5_200_000, 501_000, 5_201_000)
    counted = ClassAreas(Division(utm, Grid("EPSG:32632", (0, 0), 100, "inspire"), {}))
    counted.add(np.array([utm]), np.array([GRASS]))
    assert counted.area_ha == pytest.approx([100 / 0.9996**2], rel=1e-6)  # one scale per 5 km


def test_nothing_counted_yet() -> None:
    counted = counting(district=np.array([DOMAIN]))
    assert counted.codes.size == 0
    shared = counted.shared_out()
    assert shared.cells.share.size == shared.zones["district"].share.size == shared.outside.size == 0


def test_what_is_asked_for_wrongly_is_named() -> None:
    counted = counting()
    with pytest.raises(GridError, match="one each"):
        counted.add(np.array([DOMAIN]), np.array([1, 2]))
    with pytest.raises(GeometryError, match="other than polygons"):
        counted.add(np.array([shapely.Point(0, 0)]), np.array([1]))


def test_covered_fraction_of_cells() -> None:
    rows, cols = np.full(5, 30_000), np.arange(39_999, 40_004)
    cells = GRID.cell_polygons(rows, cols)
    boundary, domain = box(50, 0, 300, 300), box(0, 0, 175, 300)
    nowhere = float("nan")  # without ground in the region
    for ground, expected in (
        (domain.intersection(boundary), [nowhere, 1, 0.75, 0, nowhere]),
        (boundary, [nowhere, 1, 1, 1, nowhere]),
        (shapely.Polygon(), [nowhere, 0, 0, 0, nowhere]),
    ):
        assert covered_fraction(cells, ground, boundary).tolist() == pytest.approx(expected, nan_ok=True)
        assert covered_cells(GRID, CellIndex([(rows, cols)]), ground, boundary).tolist() == pytest.approx(
            expected, nan_ok=True
        )


def test_covered_fraction_with_a_long_border() -> None:
    boundary = shapely.Point(BASE + 150).buffer(140, quad_segs=2000)
    half = boundary.intersection(box(0, 0, 150, 300))
    fraction = covered_fraction(np.array([DOMAIN, box(0, 0, 150, 300), box(150, 0, 300, 300)]), half, boundary)
    assert fraction.tolist() == pytest.approx([0.5, 1, 0], abs=1e-9)


def test_covered_fraction_refuses_a_broken_domain() -> None:
    bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.raises(GeometryError, match="The domain"):
        covered_fraction(np.array([DOMAIN]), bow_tie, DOMAIN)


def test_patches_that_cross_themselves_are_counted_one_by_one() -> None:
    counted = counting()
    bows = [
        shapely.Polygon([BASE + np.array(at) for at in ((x, 10), (x + 60, 90), (x + 60, 10), (x, 90))])
        for x in (10, 150, 220)
    ]
    counted.add(np.array([*bows, box(0, 200, 300, 300)], dtype=object), np.array([TREES, TREES, GRASS, GRASS]))
    assert counted.repaired == 3
    assert counted.shared_out().repaired.tolist() == [0, 1]  # classes
    assert counted.area_ha.tolist() == pytest.approx([0.48, 0.24 + 3])
