"""`carbonmap scenario`, `mix` and `where`: documents in, labelled tables out, refusals in a paragraph."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyproj
import pytest

from carbonmap.build import build_region
from carbonmap.progress import Silent
from carbonmap.scenario import example_names, read_document
from scenarios.scenario import read_scenario

Command = Callable[..., tuple[int, str, str]]
DOCUMENT: dict[str, Any] = {
    "name": "Half the houses: a test",
    "year": 2035,
    "target": {"reduction": 0.1},
    "measures": [
        {"id": "grow", "kind": "growth", "form": "trend", "people_growth": 0.1},
        {"id": "fix", "kind": "retrofit", "level": 0.5, "area": {"collection": "district", "ids": ["west"]},
         "costs": {"capital_per_unit": 100, "currency": "EUR"}},
    ],
}  # fmt: skip
EUR = {"capital_per_unit": 100, "currency": "EUR"}
MIX: dict[str, Any] = {
    "year": 2035, "zones": "district", "target_share": 0.004, "frontier": 3, "robust": {"samples": 50, "share": 0.5},
    "candidates": [
        {"measure": {"id": "insulate", "kind": "retrofit", "costs": EUR}, "levels": [0.2, 0.4, 0.8]},
        {"measure": {"id": "cars", "kind": "electric_vehicles", "costs": EUR | {"capital_per_unit": 0.02}},
         "levels": [0.1, 0.3]},
    ],
}  # fmt: skip
SECTORS = ("buildings", "transport", "forest")
TO_LONLAT = pyproj.Transformer.from_crs("EPSG:32632", "OGC:CRS84", always_xy=True)
EXAMPLES = [
    "compact", "monocentric", "move-compact", "move-polycentric", "move-sprawl", "polycentric", "programme", "sprawl",
    "trend",
]  # fmt: skip


def built_store(folder: Path, *, forest: bool) -> Path:
    """The tiny region, built with open houses, so that floor area is known."""
    spec = importlib.util.spec_from_file_location("tiny_region", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    region: Any = module.Tiny(folder)
    region.source("buildings")["open"] = True
    if not forest:
        region.region["sources"].remove(region.source("forest"))
    build_region(region.write(), None, region.store, progress=Silent())
    return region.store  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_store(tmp_path_factory.mktemp("planning"), forest=True)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    return path


def test_a_scenario_is_written_as_tables_that_agree(
    store: Path, document: Path, tmp_path: Path, command: Command
) -> None:
    out = tmp_path / "result"
    code, said, steps = command("scenario", "tiny", document, "--store", store, "-o", out, "--samples", 50)
    assert code == 0, steps
    names = {path.name for path in out.iterdir()}
    tables = {f"{name}.{ending}" for name in ("cells", "district") for ending in ("parquet", "geojson", "csv")}
    assert names == tables | {"summary.json", "scenario.json", "path.csv"}
    told = json.loads((out / "summary.json").read_text("utf-8"))
    result = told["result"]
    cells, zones = gpd.read_parquet(out / "cells.parquet"), gpd.read_parquet(out / "district.parquet")
    assert cells.crs.to_epsg() == zones.crs.to_epsg() == 32632
    for frame in (cells, zones):
        for sector in (*SECTORS, "net"):
            assert frame[f"{sector}_change_tco2e"].sum() == pytest.approx(result["change_tco2e"][sector], abs=1e-9)
        assert frame["measure_fix_tco2e"].sum() == pytest.approx(result["measures"][1]["tco2e"])
        low, high = frame["net_change_low_tco2e"].sum(), frame["net_change_high_tco2e"].sum()
        assert low <= frame["net_change_tco2e"].sum() <= high
    assert (zones["net_change_low90_tco2e"] < zones["net_change_high90_tco2e"]).all()
    sure = (zones["net_change_low90_tco2e"] > 0) | (zones["net_change_high90_tco2e"] < 0)
    assert zones["net_change_excludes_zero"].tolist() == sure.tolist()
    sure = cells["net_change_tco2e"].abs() > 1.6448536269514722 * cells["net_change_sd_tco2e"]
    assert cells["net_change_excludes_zero"].tolist() == sure.tolist()
    assert zones.set_index("id").loc["east", "measure_fix_tco2e"] == 0
    assert zones["name_en"].tolist() == ["West", "East"] or sorted(zones["name_en"]) == ["East", "West"]
    for name in ("cells", "district"):
        read = gpd.read_file(out / f"{name}.geojson")
        assert read.crs.to_epsg() == 4326
        flat = pd.read_csv(out / f"{name}.csv")
        binary = pd.read_parquet(out / f"{name}.parquet")
        np.testing.assert_allclose(flat["net_change_tco2e"], binary["net_change_tco2e"], rtol=1e-12)
        np.testing.assert_allclose(read["net_change_tco2e"], binary["net_change_tco2e"], rtol=1e-12)
        assert flat["id"].tolist() == read["id"].tolist() == binary["id"].tolist()
    assert json.loads((out / "scenario.json").read_text("utf-8")) == told["scenario"]
    assert read_scenario(told["scenario"]) == read_scenario(DOCUMENT)
    path = pd.read_csv(out / "path.csv")
    assert path["year"].tolist() == list(range(2023, 2036))
    assert path["net_tco2e_ewing_cervero_2010"].iloc[-1] == pytest.approx(
        result["baseline_tco2e"]["net"] + result["change_tco2e"]["net"]
    )
    last = path.iloc[-1]
    assert last["low90_tco2e"] < last["net_tco2e_ewing_cervero_2010"] < last["high90_tco2e"]
    assert f"{result['change_tco2e']['net']:+,.0f}" in said
    assert "target" in said
    assert "[1/" in steps


def test_net_is_unknown_where_a_sector_is(tmp_path: Path, document: Path, command: Command) -> None:
    """An edition without a source of forests publishes no net, and no scenario on it makes one up."""
    store, out = built_store(tmp_path / "dark", forest=False), tmp_path / "result"
    code, said, steps = command("scenario", "tiny", document, "--store", store, "-o", out, "--samples", 20)
    assert code == 0, steps
    told = json.loads((out / "summary.json").read_text("utf-8"))["result"]
    assert told["baseline_tco2e"]["net"] is told["baseline_tco2e"]["forest"] is told["target"] is None
    assert told["baseline_tco2e"]["buildings"] > 0 > told["measures"][1]["tco2e"]
    assert told["known_share"] == {"buildings": 1.0, "transport": 1.0, "forest": 0.0}
    for path in (told["path"], told["path"]["interval"]):
        assert set(path["low_tco2e"]) == set(path["high_tco2e"]) == {None}
    assert all(set(one["path_tco2e"]) == {None} for one in told["sets"].values())
    assert any("target cannot be held" in note["text"] for note in told["notes"])
    assert [line.split()[0] for line in said.splitlines() if line.split()[1:2] == ["unknown"]] == ["forest", "net"]
    assert pd.read_csv(out / "path.csv").drop(columns="year").isna().all(axis=None)
    for name in ("cells", "district"):
        table = pd.read_parquet(out / f"{name}.parquet")
        assert table[["net_before_tco2e", "net_after_tco2e", "forest_before_tco2e"]].isna().all(axis=None)
        assert (table["forest_known_share"] == 0).all()
        assert table["buildings_before_tco2e"].notna().all()
        assert table["net_change_tco2e"].sum() == pytest.approx(told["change_tco2e"]["net"])


def test_edition_attribution_and_labels_stand_in_every_file(
    store: Path, document: Path, tmp_path: Path, command: Command
) -> None:
    out = tmp_path / "result"
    assert command("scenario", "tiny", document, "--store", store, "-o", out, "-q", "--samples", 0)[0] == 0
    edition = json.loads((out / "summary.json").read_text("utf-8"))["edition"]
    metadata = json.loads(pq.read_schema(out / "cells.parquet").metadata[b"carbonmap"])
    geojson = json.loads((out / "district.geojson").read_text("utf-8"))
    csv = pd.read_csv(out / "cells.csv")
    for labels in (metadata, geojson):
        assert labels["edition"] == edition
        assert labels["illustrative_result"] is True
        assert labels["illustrative"]["transport"] is True
        assert "forecast" in labels["notes"]["what"]
        assert labels["columns"]["net_change_tco2e"] == "tCO2e/yr"
    assert "crs" not in geojson
    assert set(csv["edition"]) == {edition}
    assert set(csv["illustrative"]) == {True}
    assert "net_change_sd_tco2e" not in csv, "no samples, no deviation"


def test_equal_questions_give_equal_bytes_and_nothing_is_left_of_drafts(
    store: Path, document: Path, tmp_path: Path, command: Command
) -> None:
    for name in ("one", "two"):
        asked = ["scenario", "tiny", document, "--store", store, "-o", tmp_path / name, "-q", "--samples", 20]
        assert command(*asked)[0] == 0
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert not [name for name in files if name.startswith(".")]
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_formats_zones_grids_and_standard_names_can_be_chosen(
    store: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["scenario", "tiny", "compact", "--store", store, "-f", "csv", "-z", "grid-1km", "-c", "grid-100m", "-q"]
    code, said, _ = command(*asked)
    assert code == 0
    folder = tmp_path / "tiny-compact"
    assert {path.name for path in folder.iterdir()} == {
        "cells.csv", "grid-1km.csv", "summary.json", "scenario.json", "path.csv"
    }  # fmt: skip
    fine, coarse = pd.read_csv(folder / "cells.csv"), pd.read_csv(folder / "grid-1km.csv")
    assert fine["net_change_tco2e"].sum() == pytest.approx(coarse["net_change_tco2e"].sum())
    assert len(fine) > 50 > len(coarse)
    assert "in tiny-compact" in said


def written(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_the_best_mix_is_written_and_its_scenario_runs_by_itself(store: Path, tmp_path: Path, command: Command) -> None:
    out, document = tmp_path / "best", written(tmp_path / "mix.json", {"inputs": MIX})
    code, said, steps = command("mix", "tiny", document, "--store", store, "-o", out)
    assert code == 0, steps
    assert "[8/9]" in steps or "[9/9]" in steps, "as many steps as planned"
    assert {path.name for path in out.iterdir()} == {
        "places.parquet", "places.geojson", "places.csv", "curve.csv", "frontier.csv", "summary.json", "scenario.json"
    }  # fmt: skip
    told = json.loads((out / "summary.json").read_text("utf-8"))
    best, sure = told["portfolio"], told["robust"]
    assert best["saved_tco2e"] >= 0.004 * told["baseline_tco2e"] * (1 - 1e-9)
    assert best["agrees"]
    assert sure["simulated_share"] >= 0.5
    assert told["notes"]["robust"]
    assert json.loads((out / "places.geojson").read_text("utf-8"))["edition"] == told["edition"]
    places, flat = gpd.read_parquet(out / "places.parquet"), pd.read_csv(out / "places.csv")
    assert sorted(places["id"]) == ["east", "west"]
    assert places["saved_tco2e"].sum() == pytest.approx(best["saved_tco2e"])
    assert places["cost"].sum() == pytest.approx(best["cost"])
    assert places["baseline_tco2e"].sum() == pytest.approx(told["baseline_tco2e"])
    assert flat["insulate_level"].tolist() == places["insulate_level"].tolist()
    for one in told["measures"]:
        assert places[f"{one['id']}_quantity"].sum() == pytest.approx(one["quantity"])
        assert (places[f"{one['id']}_level"] > 0).sum() == one["zones"]
        assert f"{one['id']}: {one['saved_tco2e']:,.0f}" in said
    curve = pd.read_csv(out / "curve.csv")
    assert curve["cumulative_tco2e"].iloc[-1] == pytest.approx(told["curve"][-1]["cumulative_tco2e"])
    assert len(pd.read_csv(out / "frontier.csv")) == 3
    code, _, said = command("scenario", "tiny", out / "scenario.json", "--store", store, "-o", tmp_path / "ran", "-q",
                            "--samples", 0)  # fmt: skip
    assert code == 0, said
    ran = json.loads((tmp_path / "ran" / "summary.json").read_text("utf-8"))["result"]
    assert -ran["change_tco2e"]["net"] == pytest.approx(best["saved_tco2e"], rel=1e-9)


def test_what_must_not_change_does_not_and_limits_of_places_hold(store: Path, tmp_path: Path, command: Command) -> None:
    def mixed(name: str, **members: Any) -> tuple[dict[str, Any], pd.DataFrame]:
        asked = {key: value for key, value in MIX.items() if key not in ("target_share", "robust", "frontier")}
        document = written(tmp_path / f"{name}.json", asked | members)
        code, _, said = command("mix", "tiny", document, "--store", store, "-o", tmp_path / name, "-q", "-f", "csv")
        assert code == 0, said
        told = json.loads((tmp_path / name / "summary.json").read_text("utf-8"))
        return told, pd.read_csv(tmp_path / name / "places.csv").set_index("id")

    free, everywhere = mixed("free", budget=1e9)
    assert (everywhere["saved_tco2e"] > 0).all()
    told, kept = mixed("kept", budget=1e9, unchanged=["west"])
    assert (kept.loc["west", ["saved_tco2e", "cost", "insulate_level", "cars_level"]] == 0).all()
    assert kept["unchanged"].tolist() == [name == "west" for name in kept.index]
    assert kept.loc["east", "saved_tco2e"] == pytest.approx(everywhere.loc["east", "saved_tco2e"])
    capped, spent = mixed("capped", budget=1e9, limits={"cost_per_zone": {"west": 100.0}, "measures_per_zone": 1})
    assert spent.loc["west", "cost"] <= 100
    assert ((spent[["insulate_level", "cars_level"]] > 0).sum(axis=1) <= 1).all()
    most = [each["portfolio"]["saved_tco2e"] for each in (free, told, capped)]
    assert most[0] > max(most[1:])


def test_parts_are_spent_on_alike_by_head(store: Path, tmp_path: Path, command: Command) -> None:
    asked = {key: value for key, value in MIX.items() if key not in ("target_share", "robust", "frontier")}
    asked |= {"budget": 1e9, "candidates": MIX["candidates"][1:]}

    def spent(name: str, **members: Any) -> pd.Series:
        document = written(tmp_path / f"{name}.json", asked | members)
        code, _, said = command("mix", "tiny", document, "--store", store, "-o", tmp_path / name, "-q", "-f", "csv")
        assert code == 0, said
        return pd.read_csv(tmp_path / name / "places.csv").set_index("id")["cost"]

    heads = pd.Series({"west": 5000.0, "east": 200.0})  # dwellings of 35 m2 a head
    free, fair = spent("free"), spent("fair", fairness={"high": 1.2})

    def ratios(cost: pd.Series) -> pd.Series:
        return (cost / heads) / (cost.sum() / heads.sum())

    assert ratios(free).max() > 1.2, "the case would not show it"
    assert ratios(fair).max() <= 1.2
    assert 0 < fair.sum() < free.sum()
    # One part for all asks for nothing.
    together = spent("together", fairness={"low": 0.9, "high": 1.1, "parts": {"west": "all", "east": "all"}})
    assert together.to_dict() == free.to_dict()
    document = written(tmp_path / "half.json", asked | {"fairness": {"low": 0.6, "parts": {"west": "a"}}})
    code, _, said = command("mix", "tiny", document, "--store", store, "-q")
    assert code == 2
    assert "'east' is of no part" in said


def test_of_an_unknown_net_no_share_is_saved_and_none_is_told(tmp_path: Path, command: Command) -> None:
    store = built_store(tmp_path / "dark", forest=False)
    code, _, said = command("mix", "tiny", written(tmp_path / "share.json", MIX), "--store", store, "-q")
    assert code == 2
    assert "tells nothing of forest in these places" in said
    assert "give target_tco2e" in said
    tonnes = {key: value for key, value in MIX.items() if key not in ("target_share", "robust")} | {"target_tco2e": 0.5}
    out = tmp_path / "best"
    code, said, _ = command("mix", "tiny", written(tmp_path / "t.json", tonnes), "--store", store, "-o", out, "-q")
    assert code == 0
    assert "of unknown net" in said
    told = json.loads((out / "summary.json").read_text("utf-8"))
    assert told["baseline_tco2e"] is told["baseline_sectors_tco2e"]["forest"] is None
    assert told["baseline_sectors_tco2e"]["buildings"] > 0
    assert told["portfolio"]["saved_tco2e"] >= 0.5 * (1 - 1e-9)
    assert pd.read_parquet(out / "places.parquet")["baseline_tco2e"].isna().all()


def test_scenarios_that_ship_are_scenarios() -> None:
    assert example_names() == EXAMPLES
    for name in EXAMPLES:
        document = read_document(name)
        assert document.measures
        assert document.name


def test_the_help_teaches(command: Command) -> None:
    code, said, _ = command("scenario", "--help")
    assert code == 0
    assert all(name in said for name in EXAMPLES)
    code, said, _ = command("scenario", "--measures")
    assert code == 0
    assert "retrofit (efficiency, costs per m2)" in said
    assert "pv.roof_share: a gap, to be given" in said
    assert command("where", "--help")[0] == 0
    assert "robust" in command("mix", "--help")[1]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["scenario", "tiny", "nowhere"], "is no file here, and no scenario that ships with the program: compact"),
        (["scenario", "tiny", "missing.json"], "missing.json"),
        (["scenario", "tiny", "{broken}"], "no JSON"),
        (["scenario", "tiny", "{unknown}"], "magic"),
        (["scenario", "tiny", "{gap}"], r"pv.roof_share (Share of roofs"),
        (["scenario", "tiny", "compact", "-c", "district"], "is no grid"),
        (["scenario", "tiny", "compact", "-z", "parish"], "parish"),
        (["scenario", "nowhere", "compact"], "nowhere"),
        (["mix", "tiny", "{broken}"], "is no JSON"),
        (["mix", "tiny", "{gap}"], "inputs.zones: Field required"),
        (["mix", "tiny", "{far}"], "within the limits at most"),
        (["mix", "tiny", "{strange}"], "'north' is none of the places that choose"),
        (
            ["where", "tiny", "-z", "grid-1km", "-c", "grid-1km"],
            "others than the cells of 'grid-1km'; the edition's zone",
        ),
        (["where", "tiny", "--sector", "waste"], "emissions, net, or some of buildings, transport, forest"),
        (["where", "tiny", "--savings", "{roads}"], "changes form or roads, which moves emissions"),
        (["where", "tiny", "--savings", "compact"], "changes form or roads"),
        (["where", "tiny", "--band-m", 90000], "a band of 90000 m was given"),
        (["where", "tiny", "--years", 1999], "1999"),
        (["where", "tiny", "-c", "grid-1km"], "at least 9 were expected"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_paragraph(
    store: Path, tmp_path: Path, command: Command, asked: list[str], says: str
) -> None:
    area = {"polygon": [[[9.5, 47.1], [9.6, 47.1], [9.6, 47.2], [9.5, 47.1]]]}
    files = {
        "{broken}": "{",
        "{unknown}": json.dumps({"year": 2030, "measures": [{"id": "x", "kind": "magic"}]}),
        "{gap}": json.dumps({"year": 2030, "measures": [{"id": "x", "kind": "rooftop_pv", "level": 0.5}]}),
        "{far}": json.dumps(
            {key: value for key, value in MIX.items() if key != "target_share"} | {"target_tco2e": 1e9}
        ),
        "{strange}": json.dumps(MIX | {"unchanged": ["north"]}),
        "{roads}": json.dumps({"year": 2030, "measures": [{"id": "x", "kind": "car_free_area", "area": area}]}),
    }
    given = []
    for word in asked:
        if word in files:
            path = tmp_path / f"{word.strip('{}')}.json"
            path.write_text(files[word], encoding="utf-8")
            word = str(path)
        given.append(word)
    code, _, said = command(*given, "--store", store, "-o", tmp_path / "out", "-q")
    assert code == 2, said
    assert says in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_measures_of_roads_run_on_the_graph(store: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "roads.json"
    measure = {"id": "slow", "kind": "road_speed", "roads": ["r1"], "kmh": 30, "costs": {"capital_per_unit": 10}}
    path.write_text(json.dumps({"year": 2030, "measures": [measure]}), encoding="utf-8")
    out = tmp_path / "out"
    code, _, said = command("scenario", "tiny", path, "--store", store, "-o", out, "--samples", 0, "-f", "csv")
    assert code == 0, said
    told = json.loads((out / "summary.json").read_text("utf-8"))["result"]
    assert told["roads"]["minutes"][1] > told["roads"]["minutes"][0]
    assert told["measures"][0]["unit"] == "km"
    assert told["measures"][0]["quantity"] == pytest.approx(2.0)
    assert told["costs"][0]["per_year"] > 0


def test_where_to_act_is_written_with_cells_and_savings(store: Path, tmp_path: Path, command: Command) -> None:
    out = tmp_path / "hot"
    code, said, _ = command("where", "tiny", "--store", store, "-o", out, "-c", "grid-100m", "-q")
    assert code == 0
    assert {path.name for path in out.iterdir()} == {
        *(f"{name}.{ending}" for name in ("candidates", "cells") for ending in ("parquet", "geojson", "csv")),
        "summary.json",
    }
    told = json.loads((out / "summary.json").read_text("utf-8"))
    cells = gpd.read_parquet(out / "cells.parquet")
    assert told["counts"]["hot"] == int((cells["spot"] == "hot").sum())
    assert told["counts"]["known"] == int(cells["intensity_t_ha"].notna().sum())
    assert told["savings"]["measures"][0]["kind"] == "retrofit"
    candidates = pd.read_csv(out / "candidates.csv")
    assert sorted(set(candidates["rank"])) == list(range(1, len(told["candidates"]) + 1))
    for one in told["candidates"]:
        assert set(one["members"]) <= {"west", "east"}
        assert 0 < one["savings_tco2e"] < one["emissions_tco2e"]
    assert "hot cells" in said


def test_scenarios_are_compared_world_by_world(store: Path, document: Path, tmp_path: Path, command: Command) -> None:
    less = tmp_path / "less.json"
    measures = [DOCUMENT["measures"][0], DOCUMENT["measures"][1] | {"level": 0.1}]
    less.write_text(json.dumps(DOCUMENT | {"measures": measures}), encoding="utf-8")
    asked = ["--store", store, "-o", tmp_path / "out", "-f", "csv", "-q", "--samples", 60]
    code, said, _ = command("scenario", "tiny", document, "--against", less, *asked)
    assert code == 0
    found = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))["less_than"]
    assert list(found) == ["less"]
    assert found["less"]["tco2e"] < 0
    assert found["less"]["less"] == 1.0
    assert f"against less: {found['less']['tco2e']:+,.0f}" in said
    loud = [word for word in asked if word != "-q"]
    code, _, said = command("scenario", "tiny", document, "--against", "compact", *loud)
    assert code == 2
    assert "Scenarios of 2035 and 2040 were to be compared" in said
    assert "running" not in said, "told before anything is run"
    _, _, said = command("scenario", "tiny", document, "--against", less, *loud)
    assert "running" in said


def test_areas_are_looked_into_with_finer_cells(store: Path, tmp_path: Path, command: Command) -> None:
    """Buildings b1 and b2 stand in one cell of 500 m, in two and one of 100 m; the area holds the second alone."""
    corners = [(170, 100), (260, 100), (260, 200), (170, 200), (170, 100)]
    ring = [list(TO_LONLAT.transform(540_000 + x, 5_220_000 + y)) for x, y in corners]
    measures = [{"id": "fix", "kind": "retrofit", "level": 0.5, "area": {"polygon": [ring]},
                 "parameters": {"retrofit.electric_heat_share": 0.5}}]  # fmt: skip
    path = tmp_path / "drawn.json"
    path.write_text(json.dumps({"year": 2030, "measures": measures}), encoding="utf-8")
    out = tmp_path / "out"
    asked = ["--store", store, "-o", out, "-q", "--samples", 0, "-f", "csv"]
    code, _, said = command("scenario", "tiny", path, "--detail", "grid-100m", *asked)
    assert code == 0, said
    fine, coarse = pd.read_csv(out / "detail.csv"), pd.read_csv(out / "cells.csv")
    assert fine["net_change_tco2e"].sum() == pytest.approx(coarse["net_change_tco2e"].sum())
    assert coarse["net_change_tco2e"].sum() < 0
    assert len(fine) < 5
    assert set(fine.loc[fine["net_change_tco2e"] < 0, "col"]) == {5401, 5402}
    code, _, said = command("scenario", "tiny", "compact", "--detail", "grid-100m", *asked)
    assert code == 2
    assert "no measure of the scenario has one" in said
    code, _, said = command("scenario", "tiny", path, "--detail", "grid-1km", *asked)
    assert code == 2
    assert "finer ones that nest" in said
