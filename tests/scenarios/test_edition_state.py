"""The state of a real edition: sums of the public table, open features, stated coefficients, no private number."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carbonmap.build import build_region
from carbonmap.progress import Silent
from grids.edition import Edition, Store
from scenarios.edition_state import edition_state
from scenarios.errors import InvalidState
from scenarios.open_features import open_layers
from scenarios.run import baseline_of, run
from scenarios.scenario import read_scenario
from scenarios.state import SECTORS, State

EAST, NORTH = 540_000, 5_220_000


def tiny(folder: Path, opened: bool) -> Edition:
    path = Path(__file__).parents[1] / "carbonmap" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tiny_region", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    region: Any = module.Tiny(folder)
    region.source("buildings")["open"] = opened
    build_region(region.write(), None, region.store, progress=Silent())
    return Store(region.store).open("tiny")


@pytest.fixture(scope="module")
def editions(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Edition]:
    return {opened: tiny(tmp_path_factory.mktemp("tiny") / str(opened), opened) for opened in (True, False)}


@pytest.fixture(scope="module")
def state(editions: dict[bool, Edition]) -> State:
    return edition_state(editions[True], "grid-500m")


@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("collection", ["grid-1km", "grid-500m", "grid-100m"])
def test_emissions_are_those_of_the_public_table(editions: dict[bool, Edition], opened: bool, collection: str) -> None:
    edition = editions[opened]
    state = edition_state(edition, collection)
    table = edition.table(collection, 2023).to_pandas()
    rows, cols = state.ids()
    of_cell = {(row, col): place for place, (row, col) in enumerate(zip(rows, cols, strict=True))}
    order = [of_cell[row, col] for row, col in zip(table["row"], table["col"], strict=True)]
    assert len(order) == state.cells
    for sector in SECTORS:
        np.testing.assert_allclose(
            state.sector_tco2e(sector)[order], table[f"{sector}_tco2e"].fillna(0), rtol=1e-9, atol=1e-9
        )


def test_cells_lie_where_the_region_has_them(state: State) -> None:
    assert (state.frame.x_m, state.frame.y_m) == (EAST, NORTH)
    assert state.frame.shape == (4, 4)
    cell = state.frame.cell_at(EAST + 130, NORTH + 130)
    assert cell == (0, 0)
    assert state.floor_area_m2[:, 0, 0].sum() == pytest.approx(7000)
    assert state.floor_area_m2[:, 2, 2].sum() == pytest.approx(200)


def test_open_floor_area_stands_by_use(state: State) -> None:
    by_use = {stock.use: floor.sum() for stock, floor in zip(state.stocks, state.floor_area_m2, strict=True)}
    assert by_use == {"residential": pytest.approx(5200), "nonresidential": pytest.approx(2400)}
    assert state.population.sum() == pytest.approx(5200 / 35)
    assert state.jobs.sum() == pytest.approx(2400 / 40)
    assert {note.about for note in state.notes} >= {"population", "jobs", "traffic", "residents"}


def test_open_roads_tell_vehicle_km_and_green(state: State) -> None:
    assert state.vehicle_km.sum() == pytest.approx((10_000 * 2 + 800 * 2) * 365, rel=1e-3)
    assert [stream.vehicle for stream in state.streams] == ["car", "bus", "car"] or len(state.streams) == 3
    assert state.green_ha.sum() == pytest.approx(0.6 * 0.7 * 100, rel=2e-3)


def test_a_closed_source_tells_nothing_of_its_features(editions: dict[bool, Edition]) -> None:
    assert open_layers(editions[False], "buildings") is None
    state = edition_state(editions[False], "grid-500m")
    assert [stock.vintage for stock in state.stocks] == ["all", "all"]
    [note] = [note for note in state.notes if note.about == "floor area"]
    assert note.illustrative
    assert "state.residential_share" in note.parameters
    # floor area follows the published (here held) emissions, not the register
    ratio = state.floor_area_m2.sum(axis=0) / np.maximum(state.buildings_tco2e.sum(axis=(0, 1)), 1e-9)
    np.testing.assert_allclose(ratio[state.buildings_tco2e.sum(axis=(0, 1)) > 0], 1 / 0.04)


def test_factors_are_those_of_the_edition(editions: dict[bool, Edition], state: State) -> None:
    used = {row["activity"]: row for row in editions[True].manifest.factors}
    electricity = used["electricity"]
    assert electricity["unit"] == "tCO2e/MWh"
    assert state.factors["electricity"].tco2e_mwh == pytest.approx(electricity["value"])
    assert state.factors["gas"].tco2e_mwh == pytest.approx(0.2026, rel=1e-3)


def test_a_scenario_runs_on_it_and_nothing_changes_nothing(state: State) -> None:
    ready = baseline_of(state)
    still = run(ready, read_scenario({"year": 2030}))
    for sector in SECTORS:
        np.testing.assert_array_equal(still.sector_tco2e(sector), state.sector_tco2e(sector))
    moved = {"id": "m", "kind": "growth", "form": "compact", "people": 20, "moved_people": 0.2}
    result = run(ready, read_scenario({"year": 2030, "measures": [moved]}), samples=50)
    assert result.then.population == pytest.approx(result.before.population + 20)
    assert result.illustrative


def test_a_part_of_the_region_is_a_smaller_frame(editions: dict[bool, Edition]) -> None:
    whole = edition_state(editions[True], "grid-100m")
    west, south, east, north = editions[True].manifest.region.bbox
    part = edition_state(editions[True], "grid-100m", bbox=(west, south, (west + east) / 2, (south + north) / 2))
    assert part.cells < whole.cells
    row, col = part.frame.first_row - whole.frame.first_row, part.frame.first_col - whole.frame.first_col
    rows, cols = part.frame.shape
    inside = part.inside
    np.testing.assert_array_equal(
        part.transport_tco2e[:, inside], whole.transport_tco2e[:, row : row + rows, col : col + cols][:, inside]
    )


def test_what_is_no_grid_is_refused(editions: dict[bool, Edition]) -> None:
    with pytest.raises(InvalidState, match="no grid"):
        edition_state(editions[True], "district")
