"""Polygons that GEOS would take minutes or more for are refused by id, in a second, and nothing else is."""

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from gis.geometry_column import GeometryColumn
from gis.layers import ReadReport
from gis.repair import clean
from grids.effort import MOST_CROSSINGS, MOST_MEETINGS, too_tangled
from grids.effort_kernels import count_meetings
from grids.errors import UncutGeometry
from grids.grid import Grid
from grids.measures import repaired
from grids.sharing import Division
from grids.wkb import WkbColumn, parts_in_cells
from tests.grids.test_hard_rings import aslant, coast, comb

GRID = Grid("EPSG:5179", (0, 0), 1000, "korea")
HOUSE = shapely.box(960_010, 1_940_010, 960_020, 1_940_020)


def broken(vertices: NDArray[np.float64], one: int, other: int) -> shapely.Polygon:
    """The same with two vertices that have changed places, so that it crosses itself."""
    vertices[[one, other]] = vertices[[other, one]]
    return shapely.Polygon(vertices)


def long_comb() -> shapely.Polygon:
    return broken(aslant(comb(100_000)), 12_500, 62_500)


def scribble(n: int) -> shapely.Polygon:
    return shapely.Polygon(np.random.default_rng(5).uniform(0, 1000, (n, 2)) + np.array([960_000, 1_940_000]))


def several(*shapes: shapely.Geometry) -> NDArray[np.object_]:
    return np.array([*shapes, None], dtype=object)[:-1]


def counted(
    polygon: shapely.Polygon, meetings: int = MOST_MEETINGS, crossings: int = MOST_CROSSINGS
) -> tuple[int, int]:
    vertices = np.ascontiguousarray(shapely.get_coordinates(polygon))
    found: tuple[int, int] = count_meetings(vertices, np.array([0, len(vertices)]), meetings, crossings)
    return found


def test_crossings_are_counted_as_every_pair_says() -> None:
    polygon = scribble(300)
    places = shapely.get_coordinates(polygon)
    edges = np.asarray(shapely.linestrings(np.stack((places[:-1], places[1:]), 1)))
    one, other = np.triu_indices(len(edges), 2)
    expected = int(shapely.crosses(edges[one], edges[other]).sum())
    run = one // 8 == other // 8  # of one run, which is not asked about itself
    expected -= int(shapely.crosses(edges[one[run]], edges[other[run]]).sum())
    meetings, crossings = counted(polygon)
    assert expected > 5000
    assert 0 <= crossings - expected <= 300 // 8 + 2  # neighbours of different runs may count
    assert expected < meetings < 2 * 300**2
    assert counted(polygon, meetings=1000)[0] < 1000 + 64 + 20
    assert 100 < counted(polygon, crossings=100)[1] <= 100 + 64


def zigzag(n: int) -> shapely.Polygon:
    """To and fro along one line, farther each time."""
    ends = np.where(np.arange(n) % 2 == 0, 1.0, -1.0) * np.arange(n)
    return shapely.Polygon(np.stack((960_000 + ends, np.full(n, 1_940_000.0)), axis=1))


def test_edges_on_one_line_count_as_crossing_but_for_neighbours_of_a_straight_side() -> None:
    assert too_tangled(several(zigzag(12_000)))[0].startswith("its 12,001 vertices")
    side = shapely.segmentize(shapely.box(960_000, 1_940_000, 961_000, 1_941_000), 0.04)
    assert shapely.get_num_coordinates(side) > 100_000
    assert counted(side)[1] <= 4  # its corners


@pytest.mark.parametrize("polygon", [long_comb(), scribble(3000)], ids=["comb", "scribble"])
def test_a_polygon_that_would_take_too_long_is_refused_by_id(polygon: shapely.Polygon) -> None:
    shapes = several(HOUSE, polygon, HOUSE)
    assert list(too_tangled(shapes)) == [1]
    with pytest.raises(UncutGeometry, match="too many for GEOS to judge it in seconds") as refused:
        repaired(shapes)
    assert list(refused.value.reasons) == [1]
    with pytest.raises(UncutGeometry, match=r"'comb' \(position 1\): its .* vertices .* simplify it"):
        parts_in_cells(WkbColumn.from_geometries(shapes), GRID, ids=["a", "comb", "c"])


def test_a_build_refuses_it_and_shares_out_the_others() -> None:
    division = Division(shapely.box(900_000, 1_900_000, 999_000, 1_999_000), GRID, {})
    shared = division.share_out(WkbColumn.from_geometries(several(HOUSE, long_comb())), ["a", "comb"])
    assert list(shared.refused) == [1]
    assert "simplify it, or cut it" in shared.refused[1]
    assert shared.cells.feature.tolist() == [0]


@pytest.mark.parametrize("policy", ["repair", "refuse"])
def test_a_reader_refuses_it_and_keeps_the_others(policy: str) -> None:
    report = ReadReport("buildings", "b.gpkg")
    ids = np.array(["a", "comb"], dtype=object)
    column = GeometryColumn.of_objects(several(HOUSE, long_comb()))
    cleaned = clean(column, ids, ("polygon",), policy, report)  # type: ignore[arg-type]
    assert cleaned.positions.tolist() == [0]
    [(name, reason)] = report.refused
    assert name == "comb"
    assert reason.startswith("invalid: its 100,003 vertices")


def test_a_long_coast_that_crosses_itself_once_and_a_small_comb_are_repaired() -> None:
    shore = coast(20_000)
    ring = shapely.Polygon(np.vstack((shore[:-2], [(1e4, -2e4), (-1e4, -1e4), (1e4, -1e4), (0.0, -2e4)])))
    small = broken(aslant(comb(4000)), 500, 2500)
    shapes = several(ring, small)
    assert not shapely.is_valid(shapes).any()
    assert not too_tangled(shapes)
    assert shapely.is_valid(repaired(shapes)).all()
