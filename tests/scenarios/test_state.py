"""A state refuses what cannot be, and goes between cells and the dense frame without loss."""

from types import ModuleType

import numpy as np
import pytest

from scenarios.errors import InvalidState
from scenarios.frame import Frame


def test_cells_go_to_the_frame_and_back(cities: ModuleType) -> None:
    inside = np.array([[True, False, True], [True, True, True], [False, True, True]])
    zero = np.zeros((3, 3))
    fields = dict.fromkeys(("population", "jobs", "green_ha", "forest_tco2e", "street_km", "intersections"), zero)
    stacks = {
        "floor_area_m2": np.zeros((3, 3, 3)),
        "buildings_tco2e": np.zeros((3, 2, 3, 3)),
        "transport_tco2e": np.zeros((4, 3, 3)),
        "vehicle_km": np.zeros((4, 3, 3)),
    }
    state = cities.city(3, 3, inside=inside, area_ha=np.where(inside, 25.0, 0), sd_tco2e={}, **fields, **stacks)
    values = np.arange(7.0)
    assert state.cells == 7
    np.testing.assert_array_equal(state.over(state.spread(values)), values)
    assert np.isnan(state.spread(values, outside=np.nan)[0, 1])
    rows, cols = state.ids()
    assert list(zip(rows, cols, strict=True))[:3] == [(0, 0), (0, 2), (1, 0)]


def test_sector_totals_are_the_sum_of_their_parts(cities: ModuleType) -> None:
    state = cities.city(6, 5)
    assert state.sector_tco2e("buildings").sum() == pytest.approx(state.buildings_tco2e.sum())
    assert state.sector_tco2e("forest").sum() == pytest.approx(-5 * state.green_ha.sum())
    with pytest.raises(InvalidState, match="no sector 'waste'"):
        state.sector_tco2e("waste")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"population": np.zeros((2, 3))}, r"population has the shape \(2, 3\); \(3, 3\)"),
        ({"jobs": np.full((3, 3), -1.0)}, "jobs holds values"),
        ({"jobs": np.full((3, 3), np.nan)}, "jobs holds values"),
        ({"resident_share": 1.5}, "resident_share is 1.5"),
        ({"inside": np.zeros((3, 3), bool)}, "with some cell"),
        ({"inside": np.eye(3, dtype=bool)}, "outside the cells that count"),
    ],
)
def test_what_cannot_be_is_refused(cities: ModuleType, changes: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidState, match=says):
        cities.city(3, 3, **changes)


def test_a_frame_finds_the_cell_of_a_place() -> None:
    frame = Frame("EPSG:5179", 500.0, 1000.0, 2000.0, 4, 6, 10, 20)
    assert frame.cell_at(1000.0, 2000.0) == (0, 0)
    assert frame.cell_at(3999.9, 3999.9) == (3, 5)
    assert frame.cell_at(4000.0, 2000.0) is None
    with pytest.raises(InvalidState, match="coarser grid"):
        Frame("EPSG:5179", 100.0, 0.0, 0.0, 10_000, 10_000)
