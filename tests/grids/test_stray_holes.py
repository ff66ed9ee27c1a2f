"""A ring that is said to be a hole and lies outside its shell takes nothing away, and never adds ground."""

from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon, box

from grids.cell_sums import cell_sums
from grids.grid import Grid
from grids.measures import repaired
from grids.shares import clip_to
from grids.wkb import WkbColumn, parts_in_cells

GRID = Grid("EPSG:32632", (0, 0), 10, "inspire")


def ring(west: float, south: float, east: float, north: float) -> Any:
    return box(west, south, east, north).exterior


def one(shape: Any) -> NDArray[np.object_]:
    return np.array([shape, None], dtype=object)[:1]


def in_three_by_three(shape: Any) -> NDArray[np.float64]:
    """m2 in the cells of a 3 x 3 grid of 10 m, the lowest row first; nothing may lie elsewhere."""
    parts = parts_in_cells(WkbColumn.from_geometries(one(shape)), GRID).parts
    found = np.zeros((3, 3))
    np.add.at(found, (parts.row, parts.col), parts.amount)
    return found


SHELL = ring(0, 0, 20, 20)
WHOLE = [[100, 100, 0], [100, 100, 0], [0, 0, 0]]

CASES = {
    "a stray hole": (Polygon(SHELL, [ring(22, 22, 28, 28)]), WHOLE),
    "a stray hole beside a real one": (
        Polygon(SHELL, [ring(2, 2, 8, 8), ring(22, 22, 28, 28)]),
        [[64, 100, 0], [100, 100, 0], [0, 0, 0]],
    ),
    "a hole that touches its shell from outside": (Polygon(SHELL, [ring(20, 5, 25, 15)]), WHOLE),
    "a hole half outside": (
        Polygon(SHELL, [ring(15, 2, 25, 8)]),
        [[100, 70, 0], [100, 100, 0], [0, 0, 0]],
    ),
    "a stray hole on another member's ground": (
        MultiPolygon([Polygon(ring(0, 0, 10, 10), [ring(12, 12, 18, 18)]), box(10, 10, 20, 20)]),
        [[100, 0, 0], [0, 100, 0], [0, 0, 0]],
    ),
    "a stray hole within another member, which touches nothing": (
        MultiPolygon([Polygon(ring(0, 0, 9, 9), [ring(12, 12, 18, 18)]), box(11, 11, 20, 20)]),
        [[81, 0, 0], [0, 81, 0], [0, 0, 0]],
    ),
    "a stray hole of a shell that crosses itself": (
        Polygon([(0, 0), (10, 10), (10, 0), (0, 10)], [ring(22, 22, 28, 28)]),
        [[50, 0, 0], [0, 0, 0], [0, 0, 0]],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_ground_is_what_the_shell_covers_less_its_holes(name: str) -> None:
    shape, expected = CASES[name]
    assert in_three_by_three(shape) == pytest.approx(np.array(expected, dtype=float), abs=1e-9)
    [mended] = repaired(one(shape))
    assert mended.area == pytest.approx(np.sum(expected), rel=1e-12)
    assert mended.is_valid
    clipped = clip_to(one(shape), box(-100, -100, 100, 100))
    assert clipped.measures[0] == pytest.approx(np.sum(expected), rel=1e-12)


def test_it_counts_as_a_repair_and_sums_go_where_the_ground_is() -> None:
    stray, sound = CASES["a stray hole"][0], box(5, 5, 15, 15)
    column = WkbColumn.from_geometries(np.array([sound, stray], dtype=object))
    assert parts_in_cells(column, GRID).repaired.tolist() == [1]
    sums = cell_sums(column, np.array([4.0, 8.0]), GRID, (0, 0, 30, 30))
    assert sums.sums[:, :, 0].tolist() == [[3, 3, 0], [3, 3, 0], [0, 0, 0]]
    assert sums.repaired.tolist() == [1]


def test_geos_itself_would_make_ground_of_it() -> None:
    """Why there is anything to do; if this fails, GEOS has changed its mind and the code may go."""
    grown = shapely.make_valid(CASES["a stray hole"][0], method="structure", keep_collapsed=False)
    assert grown.area == 436


def test_nothing_is_left_of_a_shell_within_its_hole() -> None:
    [mended] = repaired(one(Polygon(ring(12, 12, 18, 18), [ring(10, 10, 20, 20)])))
    assert mended.is_empty
