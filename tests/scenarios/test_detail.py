"""A result in finer cells: coarse sums stay, an area's border is its own, and what cannot nest is refused."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.detail import Detail, detailed
from scenarios.errors import InvalidScenario, InvalidState
from scenarios.frame import Frame
from scenarios.run import baseline_of, run
from scenarios.scenario import read_scenario
from scenarios.state import SECTORS, State

TIMES = 5
SUMS = (
    "area_ha", "population", "jobs", "floor_area_m2", "buildings_tco2e", "transport_tco2e", "vehicle_km", "green_ha",
    "forest_tco2e", "street_km", "intersections",
)  # fmt: skip
AREA = {"collection": "drawn", "ids": ["west"]}
RETROFIT = {"id": "retrofit", "kind": "retrofit", "level": 0.5}
PUMPS = {"id": "pumps", "kind": "heat_pump", "level": 0.4, "area": AREA}
PV = {"id": "pv", "kind": "rooftop_pv", "level": 0.5, "area": AREA, "parameters": {"pv.roof_share": 0.4}}
GRID = {"id": "grid", "kind": "electricity_factor", "parameters": {"electricity.target_factor": 0.2}}
EV = {"id": "ev", "kind": "electric_vehicles", "level": 0.6, "area": AREA}
PARK = {"id": "park", "kind": "park", "hectares": 20, "start": 2026, "area": AREA}
COMPACT = {"id": "compact", "kind": "growth", "form": "compact", "people": 5000, "moved_people": 0.1}
ALL = (RETROFIT, PUMPS, PV, GRID, EV, PARK, COMPACT)


def blocks(values: np.ndarray) -> np.ndarray:
    """Sums (..., rows, cols) of blocks of fine cells."""
    *rest, rows, cols = values.shape
    return values.reshape(*rest, rows // TIMES, TIMES, cols // TIMES, TIMES).sum(axis=(-3, -1))


def fine_city(cities: ModuleType, seed: int = 1) -> State:
    """A city as dense as others of these tests, in cells of 100 m."""
    made: State = cities.city(20, 25, size_m=100.0, seed=seed)
    fields: dict[str, Any] = {name: getattr(made, name) / TIMES**2 for name in SUMS if name != "area_ha"}
    return replace(made, sd_tco2e={}, **fields)


def coarsened(fine: State) -> State:
    frame = fine.frame
    wide = Frame(frame.crs, frame.size_m * TIMES, frame.x_m, frame.y_m, frame.rows // TIMES, frame.cols // TIMES)
    sums: dict[str, Any] = {name: blocks(getattr(fine, name)) for name in SUMS}
    return replace(fine, frame=wide, inside=blocks(fine.inside.astype(float)) > 0, sd_tco2e={}, known={}, **sums)


def west(rows: int, cols: int) -> np.ndarray:
    """An area whose border runs through the second column of coarse cells, between fine ones."""
    share = np.zeros((rows, cols))
    share[:, : TIMES + 2] = 1.0
    return share


def run_both(fine: State, measures: list[dict[str, Any]], shown: State | None = None) -> tuple[Any, Detail]:
    coarse = coarsened(fine)
    ready = baseline_of(coarse)
    share = west(fine.frame.rows, fine.frame.cols)
    wide = blocks(share) / TIMES**2
    result = run(ready, read_scenario({"year": 2040, "measures": measures}), lambda _: wide)
    shown = fine if shown is None else shown
    return result, detailed(result, ready, shown, lambda _: wide, lambda _: share)


def block_sums(detail: Detail) -> np.ndarray:
    return blocks(detail.state.spread(detail.change_tco2e))


@given(st.lists(st.sampled_from(ALL), max_size=7, unique_by=lambda m: str(m["id"])), st.integers(1, 20))
@settings(max_examples=15, deadline=None)
def test_fine_cells_add_up_to_the_coarse_ones(cities: ModuleType, measures: list[dict[str, Any]], seed: int) -> None:
    result, detail = run_both(fine_city(cities, seed), measures)
    np.testing.assert_allclose(block_sums(detail), result.state.spread(result.first.change_tco2e), rtol=1e-9, atol=1e-9)
    assert detail.outside_tco2e == 0
    if not measures:
        assert not detail.change_tco2e.any()


@pytest.mark.parametrize("measure", [PUMPS, PV, EV, PARK], ids=lambda one: str(one["id"]))
def test_nothing_changes_beyond_the_areas_own_border(cities: ModuleType, measure: dict[str, Any]) -> None:
    result, detail = run_both(fine_city(cities), [measure])
    change = detail.state.spread(detail.change_tco2e).sum(axis=0)
    assert not change[:, TIMES + 2 :].any()
    assert (change[:, : TIMES + 2] < 0).any(axis=0).all()
    assert result.state.spread(result.first.change_tco2e).sum(axis=0)[:, 1].any(), "the coarse cells know no better"


def test_inside_a_cell_it_changes_where_the_emissions_are(cities: ModuleType) -> None:
    fine = fine_city(cities)
    _, detail = run_both(fine, [RETROFIT])
    gas = fine.over(fine.buildings_tco2e[:, 1]).sum(axis=0)
    change = detail.change_tco2e[SECTORS.index("buildings")]
    np.testing.assert_allclose(change, -0.5 * 0.3 * 0.85 * gas, rtol=1e-9, atol=1e-12)


def test_a_part_of_the_region_is_shown_and_the_rest_is_told(cities: ModuleType) -> None:
    fine = fine_city(cities)
    inside = np.zeros((20, 25), bool)
    inside[5:15, 5:10] = True
    kept = {name: np.where(inside, getattr(fine, name), 0.0) for name in SUMS}
    part = replace(fine, inside=inside, sd_tco2e={}, **kept)
    result, detail = run_both(fine, [RETROFIT, COMPACT], part)
    coarse = result.state.spread(result.first.change_tco2e)
    assert detail.change_tco2e.sum() == pytest.approx(coarse[:, 1:3, 1].sum())
    assert detail.outside_tco2e == pytest.approx(result.first.total_tco2e - coarse[:, 1:3, 1].sum())


def test_what_does_not_nest_is_refused(cities: ModuleType) -> None:
    fine = fine_city(cities)
    coarse = coarsened(fine)
    ready = baseline_of(coarse)
    result = run(ready, read_scenario({"year": 2040, "measures": [PUMPS]}), lambda _: np.ones((4, 5)))
    with pytest.raises(InvalidState, match="finer ones that nest"):
        detailed(result, ready, coarse, lambda _: np.ones((4, 5)))
    moved = replace(fine, frame=replace(fine.frame, x_m=fine.frame.x_m + 30))
    with pytest.raises(InvalidState, match="finer ones that nest"):
        detailed(result, ready, moved, lambda _: np.ones((4, 5)))
    with pytest.raises(InvalidState, match="one year was expected"):
        detailed(result, ready, replace(fine, year=2023), lambda _: np.ones((4, 5)))
    with pytest.raises(InvalidScenario, match="pumps: it has an area"):
        detailed(result, ready, fine, lambda _: np.ones((4, 5)))
