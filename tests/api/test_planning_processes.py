"""The best mix, where to act and roads as processes: what they say fits together, and rests on what is public."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from typer.testing import CliRunner

from api.answers import dumped
from api.kept_results import KeptResults
from api.models import Problem
from api.process_inputs import Work, read_inputs
from api.process_runs import PROCESSES
from api.result_places import ResultPlaces
from api.scenario_answers import items_answer
from api.scenario_models import AreaOut, PlacesOut, ResultOut
from api.scenario_runs import Asked, Runs
from carbonmap.cli import app
from grids.edition import Store
from scenarios.errors import Stopped
from scenarios.scenario import read_scenario

REGION = "/api/town"
COSTS = {"capital_per_unit": 200.0, "lifetime_years": 30, "discount_rate": 0.03, "currency": "CHF"}
CANDIDATES: list[dict[str, Any]] = [
    {"measure": {"id": "insulate", "kind": "retrofit", "costs": COSTS}, "levels": [0.3, 0.6]},
    {"measure": {"id": "deep", "kind": "retrofit", "costs": COSTS | {"capital_per_unit": 300}}, "levels": [0.5, 0.9]},
    {"measure": {"id": "parks", "kind": "park", "costs": COSTS | {"capital_per_unit": 20_000}}, "levels": [5, 20]},
]  # fmt: skip
MIX: dict[str, Any] = {"year": 2040, "zones": "grid-1km", "candidates": CANDIDATES, "target_tco2e": 20.0}
EVERYWHERE = {"polygon": [[[9.5, 47.1], [9.65, 47.1], [9.65, 47.2], [9.5, 47.2], [9.5, 47.1]]]}
ROADS: dict[str, Any] = {
    "year": 2040,
    "measures": [{"id": "slow", "kind": "road_speed", "kmh": 20, "area": EVERYWHERE}],
}


def run(client: httpx.Client, process: str, inputs: dict[str, Any]) -> httpx.Response:
    """What came of a job."""
    told = client.post(
        f"{REGION}/processes/{process}/execution", json={"inputs": inputs}, headers={"Prefer": "respond-async"}
    )
    assert told.status_code == 201, told.text
    job, told_before = told.headers["location"], -1
    while (status := client.get(job).json())["status"] in ("accepted", "running"):
        assert status["progress"] >= told_before
        told_before = status["progress"]
        time.sleep(0.1)
    return client.get(f"{job}/results")


def found(client: httpx.Client, process: str, inputs: dict[str, Any]) -> dict[str, Any]:
    told = run(client, process, inputs)
    assert told.status_code == 200, told.text
    document: dict[str, Any] = told.json()
    assert document["edition"] == "0123456789abcdef"
    assert document["synthetic"] is True
    assert document["attributions"][0]["licence"] == "CC0"
    assert document["notes"]
    return document


def test_the_best_mix_meets_its_target_and_its_scenario_does_so_by_itself(client: httpx.Client) -> None:
    whole = found(client, "best-mix", MIX | {"frontier": 3})
    best = whole["portfolio"]
    assert best["saved_tco2e"] >= 20 * (1 - 1e-9)
    assert best["cost"] > 0
    assert best["agrees"]
    assert best["difference"] <= 0.05
    assert 0 <= best["gap"] <= 0.006
    assert best["cost_unit"] == "CHF a year"
    sums = {
        name: sum(one["properties"][name] for one in whole["places"]["features"]) for name in ("saved_tco2e", "cost")
    }
    assert sums["saved_tco2e"] == pytest.approx(best["saved_tco2e"])
    assert sums["cost"] == pytest.approx(best["cost"]) == pytest.approx(sum(one["cost"] for one in whole["measures"]))
    assert whole["baseline_tco2e"] == pytest.approx(sum(whole["baseline_sectors_tco2e"].values()))
    # The scenario that it names, sent by somebody else, saves and costs the same.
    told = client.post(f"{REGION}/scenarios/results", json=whole["scenario"])
    assert told.status_code == 200, told.text
    ran = told.json()["result"]
    assert -ran["change_tco2e"]["net"] == pytest.approx(best["saved_tco2e"], rel=1e-9)
    assert sum(one["cost_per_year"] for one in ran["measures"]) == pytest.approx(best["cost"], rel=1e-9)
    # Cheapest first, and the frontier saves the more the more it costs.
    curve = whole["curve"]
    assert len(curve) == whole["curve_steps"] > 10
    each = [one["cost_per_tco2e"] for one in curve]
    assert each == sorted(each)
    assert curve[-1]["cumulative_tco2e"] == pytest.approx(sum(one["saved_tco2e"] for one in curve))
    line = [(one["cost"], one["saved_tco2e"]) for one in whole["frontier"]]
    assert len(line) == 3
    assert line == sorted(line)


def test_a_budget_limits_and_places_that_stay_are_kept(client: httpx.Client) -> None:
    cell = client.get(f"{REGION}/collections/grid-1km/items", params={"limit": 1000}).json()["features"]
    names = [one["id"] for one in cell]
    drawn = shapely.geometry.mapping(shapely.geometry.shape(cell[3]["geometry"]).centroid.buffer(0.001))
    first = found(client, "best-mix", MIX)["portfolio"]
    inputs = {name: value for name, value in MIX.items() if name != "target_tco2e"} | {
        "budget": first["cost"],
        "unchanged": names[:2],
        "unchanged_area": drawn,
        "limits": {"measures_per_zone": 2, "cost_per_zone": {names[5]: 0.0}},
        "fairness": {"high": 3.0},
    }
    told = found(client, "best-mix", inputs)
    assert told["portfolio"]["cost"] <= first["cost"] * (1 + 1e-9)
    assert told["portfolio"]["saved_tco2e"] <= first["saved_tco2e"] * 1.02, "limits do not help"
    places = {one["id"]: one["properties"] for one in told["places"]["features"]}
    assert [name for name in names if places[name]["unchanged"]] == sorted([*names[:2], names[3]], key=names.index)
    for name in (*names[:2], names[3], names[5]):
        assert places[name]["cost"] == 0
    assert not any(places[name]["levels"] for name in (*names[:2], names[3]))
    assert max(one["measures"] for one in places.values()) <= 2


def test_a_target_is_met_in_most_samples_held_out(client: httpx.Client) -> None:
    told = found(client, "best-mix", MIX | {"zones": "municipality", "robust": {"share": 0.9, "samples": 60}})
    sure = told["robust"]
    assert sure["held_out_share"] >= 0.9
    assert sure["simulated_share"] >= 0.9, "the whole choice run in worlds that played no part in choosing"
    assert sure["kept"] is True
    assert sure["safe_tco2e"] >= MIX["target_tco2e"]
    assert sure["cost"] > told["portfolio"]["cost"], "to be sure costs more"
    assert set(sure["levels"]) <= {"west", "동구", "north/enclave"}


def test_a_mix_tells_how_many_runs_are_done_and_stops_between_them(own_store: Store, tmp_path: Path) -> None:
    process = PROCESSES["best-mix"]
    inputs = read_inputs(process.inputs, MIX | {"zones": "municipality", "frontier": 2, "robust": {"samples": 50}})
    places, told = ResultPlaces(Runs(), KeptResults(tmp_path)), list[tuple[float, str]]()

    def work(cancelled: Callable[[], bool]) -> Work:
        told.clear()
        return Work(own_store.open("town"), places, lambda share, said: told.append((share, said)), cancelled)

    process.run(inputs, work(lambda: False))
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    for step in ("works out what each measure does", "draws samples to choose by", "draws samples to check with"):
        runs = [said.split(", ")[1] for _, said in told if said.startswith(step) and ", " in said]
        assert runs == [f"{done} of 6 runs" for done in range(1, 7)]
    for runs in (2, 4):
        with pytest.raises(Stopped):
            process.run(inputs, work(lambda runs=runs: told[-1:] == [] or f"{runs} of 6" in told[-1][1]))  # type: ignore[misc]
        assert told[-1][1].endswith(f"{runs} of 6 runs")


def test_a_target_out_of_reach_says_what_can_be_reached(client: httpx.Client) -> None:
    refused = run(client, "best-mix", MIX | {"zones": "municipality", "target_tco2e": 1e7})
    assert refused.status_code == 400
    Problem.model_validate(refused.json())
    told = refused.json()
    assert 0 < told["most_tco2e"] < 1e6
    assert told["shortfall_tco2e"] == pytest.approx(1e7 - told["most_tco2e"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unchanged": ["nobody"]}, "'nobody' is none of the places"),
        ({"zones": "grid-100m"}, "no coarser than"),
        ({"zone_ids": ["nobody"], "zones": "municipality"}, "has no item"),
        ({"candidates": [{"measure": {"id": "g", "kind": "growth"}, "levels": [1]}]}, "kind 'growth'"),
        ({"candidates": [{**CANDIDATES[0], "levels": [0.6, 0.3]}], "zones": "municipality"}, "rise"),
        ({"candidates": [{"measure": {"id": "r", "kind": "retrofit"}, "levels": [0.5]}]}, "without costs"),
        ({"candidates": [{"measure": {"id": "r", "kind": "retrofit", "level": 1}, "levels": [0.5]}]}, "got level"),
    ],
)
def test_a_mix_that_cannot_be_is_refused_with_the_reason(
    client: httpx.Client, change: dict[str, Any], said: str
) -> None:  # fmt: skip
    refused = run(client, "best-mix", MIX | change)
    assert refused.status_code == 400, refused.text
    assert said in refused.json()["detail"]


def test_where_to_act_tells_cells_and_zones(client: httpx.Client) -> None:
    savings = {"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 0.5}]}
    inputs = {
        "zones": "grid-1km", "collection": "grid-100m", "sector": "buildings", "false_discovery_rate": 0.9,
        "fewest_cells": 1, "years": [2022, 2023], "savings": savings, "samples": 100,
    }  # fmt: skip
    told = found(client, "where-to-act", inputs)
    cells, zones = told["cells"]["features"], told["zones"]["features"]
    assert told["counts"]["hot"] == sum(one["properties"]["spot"] == "hot" for one in cells) > 0
    assert told["counts"]["candidates"] == len(zones) > 0
    published = {
        one["id"]: one["properties"]
        for one in client.get(f"{REGION}/collections/grid-100m/items", params={"limit": 10_000}).json()["features"]
    }
    for one in cells:
        values = one["properties"]
        known = published[one["id"]]
        assert values["intensity_t_ha"] == pytest.approx(known["buildings_tco2e"] / known["area_ha"], rel=1e-9)
        assert (values["gi_z"] > 0) == (values["spot"] == "hot") or values["spot"] != "hot"
        assert values["gi_adjusted_p"] <= 0.9 or values["spot"] == "none"
        assert 0 <= values["top_probability"] <= 1
        assert 0 <= values["stability"] <= 1
    emissions = [one["properties"]["emissions_tco2e"] for one in zones]
    assert emissions == sorted(emissions, reverse=True)
    members = [name for one in zones for name in one["properties"]["members"]]
    assert len(members) == len(set(members)), "no zone stands in two candidates"
    assert all(one["properties"]["savings_tco2e"] > 0 for one in zones)
    assert (told["stability"]["bands_m"], told["stability"]["years"]) == ([150, 200, 300], [2022, 2023])
    assert 0 <= told["stability"]["year_agreement"] <= 1
    # What zones could save rests on what a scenario of the same measures rests on, and says so.
    alone = client.post(f"{REGION}/scenarios/results", params={"collection": "grid-100m"}, json=savings).json()
    assert told["savings_illustrative"] is alone["result"]["illustrative"] is True
    assert told["savings_notes"] == alone["result"]["notes"]
    bare = found(client, "where-to-act", {name: of for name, of in inputs.items() if name != "savings"})
    assert (bare["savings_illustrative"], bare["savings_notes"]) == (False, [])


def test_the_command_and_the_process_are_one_question(client: httpx.Client, small_store: Path, tmp_path: Path) -> None:
    """By the same names both are asked the same, and every number of the answer is the same to the byte."""
    savings = {"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 0.5}]}
    inputs = {"zones": "grid-1km", "collection": "grid-100m", "sector": "net", "false_discovery_rate": 0.9,
              "fewest_cells": 1, "smallest_ha": 60.0, "years": [2022], "band_m": 250, "samples": 200}  # fmt: skip
    told = found(client, "where-to-act", inputs | {"savings": savings})
    (tmp_path / "savings.json").write_text(json.dumps(savings), encoding="utf-8")
    asked = [text for name, value in inputs.items() for text in (f"--{name.replace('_', '-')}", value)]
    asked[asked.index("--years") + 1] = 2022
    command = ["where", "town", "--store", small_store, "-o", tmp_path / "out", "-q", "-f", "geoparquet", *asked]
    said = CliRunner().invoke(app, [*map(str, command), "--savings", str(tmp_path / "savings.json")])
    assert said.exit_code == 0, said.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    for name in ("sectors", "of", "baseline_year", "collection", "counts", "stability", "savings_illustrative"):
        assert summary[name] == told[name], name
    assert told["counts"]["hot"] > 0
    zones = [one["properties"] for one in told["zones"]["features"]]
    assert [{name: one[name] for name in summary["candidates"][0]} for one in zones] == summary["candidates"]
    cells = gpd.read_parquet(tmp_path / "out" / "cells.parquet").set_index("id")
    for one in told["cells"]["features"]:
        values, written = one["properties"], cells.loc[one["id"]]
        assert {name: written[name] for name in values if name in cells.columns} == values


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"zones": "nothing"}, 404, "nothing"),
        ({"band_m": 90_000}, 400, "a band of 90000 m"),
        ({"years": [1999]}, 404, "1999"),
        ({"savings": {"year": 2040, "measures": [{"id": "g", "kind": "green_loss", "level": 1}]}}, 400, "changes form"),
        ({"zones": "grid-500m"}, 400, "others than the cells"),
    ],
)
def test_what_cannot_be_asked_of_places_is_refused(
    client: httpx.Client, change: dict[str, Any], status: int, said: str
) -> None:  # fmt: skip
    refused = run(client, "where-to-act", {"zones": "municipality"} | change)
    assert refused.status_code == status, refused.text
    assert said in refused.json()["detail"]


def lay_roads(store: Store) -> None:
    """Give the open layer of roads a network: streets every 500 m, both ways."""
    edition = store.open("town")
    info = edition.collection("grid-1km")
    west, south, east, north = shapely.total_bounds(edition.polygons(info.id, edition.table(info.id, 2023)))
    x, y = np.arange(west, east + 1, 500), np.arange(south, north + 1, 500)
    along = [shapely.LineString([(each, at) for each in x]) for at in y]
    lines = [*along, *(shapely.LineString([(at, each) for each in y]) for at in x)]
    table = pa.table(
        {
            "id": [f"w{number}" for number in range(len(lines))],
            "road_class": ["residential"] * len(lines),
            "speed_kmh": [50.0] * len(lines),
            "geometry": shapely.to_wkb(lines).tolist(),
        }
    )
    pq.write_table(table, edition.private("features", "osm_roads"))


def test_roads_are_a_job_whose_result_has_tiles_and_items(
    own_store: Store, serving: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    lay_roads(own_store)
    client = serving(own_store.path, jobs=tmp_path / "jobs")
    refused = client.post(f"{REGION}/scenarios/results", json=ROADS)
    assert refused.status_code == 400
    assert "processes/scenario/execution" in refused.json()["detail"]
    told = found(client, "scenario", {"scenario": ROADS})
    ResultOut.model_validate(told)
    roads = told["result"]["roads"]
    assert roads["links"] > 0
    assert roads["minutes"][1] > roads["minutes"][0]
    links = {one["rel"]: one["href"] for one in told["links"]}
    document = client.get(links["tiles"], params={"f": "json"} if "f=" not in links["tiles"] else None).json()
    assert document["digest"] == told["digest"]
    assert document["change_tco2e"] == pytest.approx(told["result"]["change_tco2e"]["net"])
    items = client.get(links["items"], params=httpx.QueryParams(links["items"].split("?")[1]).set("limit", 1000)).json()
    PlacesOut.model_validate(items)
    changed = sum(one["properties"]["transport_change_tco2e"] for one in items["features"])
    assert changed == pytest.approx(told["result"]["change_tco2e"]["transport"], abs=1e-6)
    area = client.get(
        f"{REGION}/scenarios/results/{told['digest']}/statistics", params={"of": "municipality", "ids": "west"}
    ).json()
    AreaOut.model_validate(area)
    for file in (tmp_path / "jobs" / "results" / "town").glob("*.npz"):
        file.unlink()
    fresh = serving(own_store.path, jobs=tmp_path / "jobs")
    gone = fresh.get(f"{REGION}/scenarios/results/{told['digest']}/items")
    assert gone.status_code == 404
    assert "are not kept" in gone.json()["detail"]


def test_nothing_that_is_told_rests_on_private_features(own_store: Store, tmp_path: Path) -> None:
    """Without the closed layer's features, shares and lines, every answer is the same to the last digit."""
    retrofit = {"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 1}]}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("best-mix", MIX | {"zones": "municipality", "frontier": 2}),
        ("where-to-act", {"zones": "municipality", "samples": 100}),
        ("scenario", {"scenario": retrofit, "samples": 20}),
    ]
    bare = Store(shutil.copytree(own_store.path, tmp_path / "bare"))
    removed = [file for file in bare.path.rglob("private/*meters*") if file.is_file()]
    for file in removed:
        file.unlink()
    assert removed
    said = []
    for store in (own_store, bare):
        places = ResultPlaces(Runs(), KeptResults(tmp_path / store.path.name))
        work = Work(store.open("town"), places, lambda share, message: None, lambda: False)
        for name, inputs in asked:
            process = PROCESSES[name]
            said.append(dumped(process.run(read_inputs(process.inputs, inputs), work)))
        whole = Asked(read_scenario(retrofit), "grid-500m", 2023, 0)
        said.append(dumped(items_answer(work.edition, whole, places, "grid-500m", 10_000, 0)))
    assert said[: len(said) // 2] == said[len(said) // 2 :]
