"""The grid: half-open cells, nesting, areas, codes, the Z-order."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from grids.areas import geodesic_area_ha
from grids.errors import CellCodeError, GridError, NotNestedError
from grids.grid import Grid

KOREA = Grid("EPSG:5179", (700_000, 1_300_000), 100, "korea")
ALPS = Grid("EPSG:32632", (0, 0), 100, "inspire")


def test_a_border_belongs_to_the_cell_beyond_it() -> None:
    rows, cols = ALPS.rows_cols([0, 99.999, 100, 100, -0.001], [0, 100, 99.999, 100, -100])
    assert rows.tolist() == [0, 1, 0, 1, -1]
    assert cols.tolist() == [0, 0, 1, 1, -1]


def test_the_float_below_a_border_stays_below() -> None:
    border = 964_100.0
    below = np.nextafter(border, 0)
    _, cols = KOREA.rows_cols([below, border], [1_900_000, 1_900_000])
    assert cols.tolist() == [2640, 2641]


@given(st.integers(-99_999, 99_999), st.sampled_from([1, 3, 7, 10, 100, 250, 1000]), st.integers(-3, 3))
def test_corners_lie_in_their_own_cell_whatever_the_size(index: int, size: int, ulps: int) -> None:
    grid = Grid("EPSG:32632", (0, 0), size, "inspire")
    x, _ = grid.corners([0], [index])
    value = x[0]
    for _ in range(abs(ulps)):
        value = np.nextafter(value, np.inf if ulps > 0 else -np.inf)
    _, cols = grid.rows_cols(value, 0.0)
    assert cols[0] == index - (value < x[0])


def test_a_hair_below_a_border_far_from_the_origin_stays_below() -> None:
    grid = Grid("EPSG:32632", (-700_000, 0), 100, "inspire")
    _, cols = grid.rows_cols([-1e-20, 0.0, 1e-20], [0, 0, 0])  # -1e-20 + 700,000 rounds to 700,000
    assert cols.tolist() == [6999, 7000, 7000]


def test_corners_polygons_and_codes_agree() -> None:
    rows, cols = KOREA.rows_cols(964_444.4, 1_943_777.7)
    x, y = KOREA.corners(rows, cols)
    assert (x[0], y[0]) == (964_400, 1_943_700)
    assert KOREA.codes(rows, cols).tolist() == ["다사644437"]
    square = KOREA.cell_polygons(rows, cols)[0]
    assert square.bounds == (964_400, 1_943_700, 964_500, 1_943_800)


def test_cells_beyond_the_codes_are_refused_when_named() -> None:
    with pytest.raises(CellCodeError, match="outside the Korean national grid"):
        KOREA.codes([-1], [0])


def test_parents_nest() -> None:
    km = Grid("EPSG:5179", (0, 0), 1000, "korea")
    rows, cols = KOREA.rows_cols([964_000, 964_999.9], [1_943_000, 1_943_999.9])
    parent_rows, parent_cols = KOREA.parent(rows, cols, km)
    assert set(km.codes(parent_rows, parent_cols).tolist()) == {"다사6443"}
    assert ALPS.parent([-1], [-10], Grid("EPSG:32632", (0, 0), 500, "inspire")) == (np.array([-1]), np.array([-2]))


def test_what_does_not_nest_is_refused() -> None:
    with pytest.raises(NotNestedError, match="whole multiple"):
        ALPS.parent([0], [0], Grid("EPSG:32632", (0, 0), 250, "inspire"))
    with pytest.raises(NotNestedError, match="whole multiple"):
        Grid("EPSG:32632", (0, 0), 500, "inspire").parent([0], [0], ALPS)
    with pytest.raises(NotNestedError, match="share its CRS"):
        ALPS.parent([0], [0], Grid("EPSG:32633", (0, 0), 1000, "inspire"))


@pytest.mark.parametrize(
    ("crs", "origin", "size", "message"),
    [
        ("EPSG:4326", (0, 0), 100, "degrees"),
        ("EPSG:4979", (0, 0), 100, "degrees"),
        ("EPSG:2926", (0, 0), 100, "foot"),
        ("nonsense", (0, 0), 100, "unknown"),
        ("EPSG:32632", (0, 0), 0, "above 0"),
        ("EPSG:32632", (0, 0), 0.5, "above 0|whole metres"),
        ("EPSG:32632", (0.5, 0), 100, "two whole metres"),
        ("EPSG:32632", (50, 0), 100, "no multiple"),
    ],
)
def test_grids_that_cannot_be(crs: str, origin: tuple[int, int], size: int, message: str) -> None:
    with pytest.raises(GridError, match=message):
        Grid(crs, origin, size, "inspire")


def test_places_that_are_no_metres_are_refused() -> None:
    for bad in (np.nan, np.inf, 1e300):
        with pytest.raises(GridError, match="no number"):
            ALPS.rows_cols([bad], [0.0])
    with pytest.raises(GridError, match="one of both"):
        ALPS.corners([1, 2], [1])


def test_zorder_keeps_children_of_a_cell_together() -> None:
    rows, cols = np.divmod(np.arange(64), 8)
    order = np.argsort(ALPS.zorder(rows - 4, cols - 4))
    blocks = ((rows - 4) // 2 * 100 + (cols - 4) // 2)[order].reshape(-1, 4)
    assert (blocks == blocks[:, :1]).all()
    assert len(np.unique(ALPS.zorder(rows, cols))) == 64
    with pytest.raises(GridError, match="Z-order"):
        ALPS.zorder([2**31], [0])


@pytest.mark.parametrize(
    ("grid", "x", "y"),
    [
        (ALPS, 540_000, 5_220_000),
        (KOREA, 964_400, 1_943_700),
        (Grid("EPSG:3035", (0, 0), 1000, "inspire"), 4_794_000, 2_808_000),
        (Grid("EPSG:32642", (0, 0), 10_000, "inspire"), 230_000, 4_430_000),
    ],
)
def test_area_is_the_geodesic_area_of_the_cell(grid: Grid, x: float, y: float) -> None:
    rows, cols = grid.rows_cols(x, y)
    dense = shapely.segmentize(grid.cell_polygons(rows, cols)[0], grid.size_m / 100)
    crs = pyproj.CRS(grid.crs)
    lon, lat = pyproj.Proj(crs)(*shapely.get_coordinates(dense).T, inverse=True)
    expected, _ = crs.get_geod().polygon_area_perimeter(lon, lat)
    assert grid.geodesic_area_ha(rows, cols)[0] == pytest.approx(expected / 1e4, rel=2e-8)


def test_area_of_an_equal_area_projection_is_planar() -> None:
    grid = Grid("EPSG:3035", (0, 0), 1000, "inspire")
    assert grid.geodesic_area_ha([2000, 5000], [2500, 6500]) == pytest.approx([100, 100], rel=1e-7)


def test_area_of_nothing_and_of_nowhere() -> None:
    assert geodesic_area_ha(np.array([shapely.Polygon(), None]), "EPSG:32632").tolist() == [0, 0]
    holed = shapely.box(0, 0, 2, 2).difference(shapely.box(0.5, 0.5, 1.5, 1.5))
    placed = shapely.transform(holed, lambda c: c * 1000 + [500_000, 5_200_000])
    assert geodesic_area_ha(np.array([placed]), "EPSG:32632")[0] == pytest.approx(300 / 0.9996**2, rel=1e-6)
