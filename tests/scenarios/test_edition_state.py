"""The state of a real edition: sums of the public table, open features, stated coefficients, no private number."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
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


def tiny_region(folder: Path) -> Any:
    path = Path(__file__).parents[1] / "carbonmap" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tiny_region", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Tiny(folder)


def built(region: Any) -> Edition:
    build_region(region.write(), None, region.store, progress=Silent())
    return Store(region.store).open("tiny")


def tiny(folder: Path, opened: bool) -> Edition:
    region = tiny_region(folder)
    region.source("buildings")["open"] = opened
    return built(region)


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


def with_jobs(region: Any, *numbers: float | None, **members: Any) -> None:
    """A source of jobs by district, west and east."""
    zones = region.layers["zones.geojson"]
    features = [
        {**zone, "properties": {**zone["properties"], "workers": count}}
        for zone, count in zip(zones["features"], numbers, strict=True)
    ]
    region.layers["jobs.geojson"] = {**zones, "features": features}
    columns = {"id": "code", "jobs": "workers"}
    region.region["sources"].append(
        {"id": "work", "sector": "jobs", "file": "jobs.geojson", "columns": columns, "open": True, **members}
    )


def test_jobs_of_a_zone_table_are_shared_out_exactly_and_nowhere_published(tmp_path: Path) -> None:
    region = tiny_region(tmp_path / "jobs")
    with_jobs(region, 800, 100)
    edition = built(region)
    state = edition_state(edition, "grid-500m")
    assert state.jobs.sum() == pytest.approx(900, rel=1e-12)
    # Both districts are 1 x 2 km: eight cells of 500 m each, of equal ground.
    np.testing.assert_allclose(state.jobs[:, :2], 100, rtol=1e-9)
    np.testing.assert_allclose(state.jobs[:, 2:], 12.5, rtol=1e-9)
    assert not {"jobs", "jobs_gaps"} & {note.code for note in state.notes}
    assert not any("jobs" in column for column in edition.collection("grid-500m").columns)
    assert edition.table("district", 2023)["population"].null_count == 2, "workers are no residents"
    moved = {"id": "m", "kind": "growth", "form": "compact", "jobs": 90, "moved_jobs": 0.1}
    result = run(baseline_of(state), read_scenario({"year": 2030, "measures": [moved]}))
    assert result.then.jobs == pytest.approx(990)


def test_jobs_without_a_number_are_told_and_closed_ones_stay_inside(tmp_path: Path) -> None:
    region = tiny_region(tmp_path / "gaps")
    with_jobs(region, 800, None)
    state = edition_state(built(region), "grid-500m")
    assert state.jobs.sum() == pytest.approx(800)
    [note] = [note for note in state.notes if note.about == "jobs"]
    assert (note.code, note.values, note.illustrative) == ("jobs_gaps", {"places": 1}, True)
    closed = tiny_region(tmp_path / "closed")
    with_jobs(closed, 800, 100, open=False)
    state = edition_state(built(closed), "grid-500m")
    assert [note.code for note in state.notes if note.about == "jobs"] == ["jobs"]
    assert state.jobs.sum() != pytest.approx(900)


@pytest.mark.parametrize(("numbers", "code"), [((0, 0), None), ((0, None), "jobs_gaps"), ((None, None), "jobs")])
def test_a_declared_zero_of_jobs_is_a_number(
    tmp_path: Path, numbers: tuple[float | None, float | None], code: str | None
) -> None:
    region = tiny_region(tmp_path / "zero")
    with_jobs(region, *numbers)
    state = edition_state(built(region), "grid-500m")
    assert [note.code for note in state.notes if note.about == "jobs"] == ([] if code is None else [code])
    assert state.jobs.any() == (code == "jobs"), "they follow floor area where no number is told, and there alone"


def test_stops_and_currency_of_the_region_file_are_the_states(tmp_path: Path) -> None:
    region = tiny_region(tmp_path / "stops")
    assert edition_state(built(region), "grid-500m").stops is None
    to_lonlat = pyproj.Transformer.from_crs("EPSG:32632", "OGC:CRS84", always_xy=True)
    places = [(EAST + 250.0, NORTH + 250.0), (EAST + 1700.0, NORTH + 1800.0), (EAST + 90_000.0, NORTH + 250.0)]
    rows = [f"s{k},{lat!r},{lon!r}" for k, (lon, lat) in enumerate(to_lonlat.transform(*place) for place in places)]
    (region.folder / "stops.txt").write_text("stop_id,stop_lat,stop_lon\n" + "\n".join(rows) + "\n", encoding="utf-8")
    told = {"kind": "stops", "file": "stops.txt", "x": "stop_lon", "y": "stop_lat", "crs": "EPSG:4326"}
    region.region |= {"context": [told], "currency": "CHF"}
    state = edition_state(built(region), "grid-500m")
    assert state.currency == "CHF"
    assert state.stops is not None
    np.testing.assert_allclose(state.stops, places[:2], atol=0.01)  # the third lies far away
    line = {"id": "t", "kind": "transit_stops", "stops": [to_lonlat.transform(EAST + 250.0, NORTH + 1500.0)]}
    result = run(baseline_of(state), read_scenario({"year": 2030, "measures": [line]}))
    assert result.first.total_tco2e < 0
    given = edition_state(built(region), "grid-500m", stops=[to_lonlat.transform(*places[1])])
    assert given.stops is not None
    np.testing.assert_allclose(given.stops, [places[1]], atol=0.01)
