"""Scenarios by API, asked of a real server: catalogue, results of documents sent along, cells, zones and areas."""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.models import Problem
from api.scenario_models import AreaOut, MeasuresOut, PlacesOut, ResultOut
from api.scenario_runs import MOST_MEASURES, MOST_SAMPLES

ROOT = "/api/town/scenarios"
RETROFIT = {"id": "r", "kind": "retrofit", "level": 0.5}
SCENARIO: dict[str, Any] = {"year": 2040, "measures": [RETROFIT]}
GROWTH = {"id": "g", "kind": "growth", "form": "compact", "people": 500}
SPIKES = [[9.5 + (k % 2) / 100, 47.1 + k / 1e6] for k in range(10_001)]
SECTORS = ("buildings", "transport", "forest")


def run(client: httpx.Client, document: Any, what: str = "", **params: Any) -> dict[str, Any]:
    told = client.post(f"{ROOT}/results{what}", json=document, params=params)
    assert told.status_code == 200, told.text
    assert told.headers["cache-control"] == "no-store"
    found: dict[str, Any] = told.json()
    return found


def test_the_catalogue_says_what_every_parameter_is(client: httpx.Client) -> None:
    told = client.get(f"{ROOT}/measures").json()
    MeasuresOut.model_validate(told)
    parameters = {one["id"]: one for one in told["parameters"]}
    assert {"growth", "retrofit", "park"} <= {one["kind"] for one in told["measures"]}
    for measure in told["measures"]:
        assert set(measure["parameters"]) <= set(parameters)
        assert measure["document"]["properties"]["kind"]["const"] == measure["kind"]
    units = {one["kind"]: one["unit"] for one in told["measures"]}
    assert (units["retrofit"], units["street_trees"], units["electricity_factor"]) == ("m2", "tree", "")
    saving = parameters["retrofit.saving"]
    assert saving["unit"]
    assert saving["source"]
    assert saving["minimum"] <= saving["value"] <= saving["maximum"]
    assert "value" not in parameters["electricity.target_factor"]
    assert parameters["electricity.target_factor"]["status"] == "gap"
    assert told["limits"]["samples"] == MOST_SAMPLES


@pytest.mark.parametrize("language", ["en", "ko", "ru", "uz"])
def test_the_catalogue_is_told_in_the_language_that_is_asked_for(client: httpx.Client, language: str) -> None:
    plain = client.get(f"{ROOT}/measures").json()
    answer = client.get(f"{ROOT}/measures", headers={"Accept-Language": f"{language}, en;q=0.1"})
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]
    told = answer.json()
    MeasuresOut.model_validate(told)
    same = language == "en"
    for one, other in zip(told["measures"], plain["measures"], strict=True):
        assert (one["about"] == other["about"], one["name"] == other["name"]) == (same, same)
        assert {key: one[key] for key in ("kind", "unit", "stage")} == {
            key: other[key] for key in ("kind", "unit", "stage")
        }
    for one, other in zip(told["parameters"], plain["parameters"], strict=True):
        assert (one["id"], one["unit"], one.get("value")) == (other["id"], other["unit"], other.get("value"))
        for member in ("meaning", "source", "note", "unit_text"):
            assert (member in one) == (member in other)
            assert member not in one or (one[member] == other[member]) == same
    for names in ("indicators", "stage_names"):
        assert told[names].keys() == plain[names].keys()
        assert all((word == plain[names][key]) == same for key, word in told[names].items())


@pytest.mark.parametrize("of", ["grid-1km", "municipality"])
def test_places_of_a_result_are_told_by_each_set_and_their_range(client: httpx.Client, of: str) -> None:
    names = list(client.get(f"{ROOT}/measures").json()["elasticities"])
    document = {"year": 2040, "measures": [GROWTH, RETROFIT]}
    told = run(client, document, "/items", of=of, collection="grid-1km", samples=60)
    part = "sd" if of == "grid-1km" else "low90"
    differ = []
    for one in told["features"]:
        values = one["properties"]
        ends = values["change_low_tco2e"], values["change_high_tco2e"]
        assert ends[0] - 1e-9 <= values["net_change_tco2e"] <= ends[1] + 1e-9  # added up in another order
        assert values[f"change_{part}_tco2e"] == values[f"change_{part}_{names[0]}_tco2e"]
        reach = 1.6448536269514722 * values["change_sd_tco2e"] if part == "sd" else 0.0
        low, high = values.get("change_low90_tco2e"), values.get("change_high90_tco2e")
        change = values["net_change_tco2e"]
        low, high = (change - reach, change + reach) if part == "sd" else (low, high)
        assert values["change_excludes_zero"] is (low > 0 or high < 0)
        differ.append(values[f"change_{part}_{names[1]}_tco2e"] != values[f"change_{part}_{names[0]}_tco2e"])
    assert any(differ)
    schemas = client.get("/api/openapi.json").json()["components"]["schemas"]
    described = re.findall(r"`([a-z0-9_<>]+)`", schemas["PlaceOut"]["properties"]["properties"]["description"])
    forms = [re.sub(r"<[a-z]+>", "[a-z0-9_]+", name) for name in described]
    columns = {name for one in told["features"] for name in one["properties"]}
    assert [name for name in columns if not any(re.fullmatch(form, name) for form in forms)] == []


def test_an_area_has_an_interval_of_each_set(client: httpx.Client) -> None:
    asked = {"scenario": {"year": 2040, "measures": [GROWTH, RETROFIT]}}
    asked["area"] = {"collection": "municipality", "ids": ["west"]}
    answer = client.post(
        f"{ROOT}/results/statistics", json=asked, params={"samples": 60, "collection": "grid-1km"},
        headers={"Accept-Language": "ko"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    told = answer.json()
    AreaOut.model_validate(told)
    assert answer.headers["Content-Language"] == "ko"
    assert "예측이 아니라" in told["notes"]["source"]
    first, second = told["sets"].values()
    assert told["interval_tco2e"] == first["interval_tco2e"] != second["interval_tco2e"]
    assert told["range_tco2e"] == sorted(one["change_tco2e"] for one in (first, second))


def test_kinds_that_need_the_process_say_so_and_are_sent_there(client: httpx.Client) -> None:
    kinds = client.get(f"{ROOT}/measures").json()["measures"]
    there = {one["kind"] for one in kinds if one["needs_process"]}
    assert there == {"road_closure", "new_road", "road_speed", "road_lanes", "car_free_area"}
    measure = {"id": "c", "kind": "road_speed", "kmh": 30, "roads": ["way-1"]}
    told = client.post(f"{ROOT}/results", json={"year": 2040, "measures": [measure]})
    assert told.status_code == 400
    assert "processes/scenario/execution" in told.json()["detail"]


@pytest.mark.parametrize("table", ["shares-osm_roads.grid-500m", "features-osm_roads"])
def test_private_tables_of_an_older_program_are_told_as_damage(
    own_store: Any, serving: Callable[..., httpx.Client], table: str
) -> None:
    path = own_store.open("town").private(*table.split("-", 1))
    roads = pa.table({"id": ["a"], "length_km": [1.0], "aadt_2023": [5.0], "aadt_2022": [5.0]})
    pq.write_table(roads, own_store.open("town").private("features", "osm_roads"))
    pq.write_table(pa.table({"cell": ["x"], "share": [1.0]}), path) if table.startswith("s") else path.unlink()
    client = serving(own_store.path)
    for what, body in (("", SCENARIO), ("/items", SCENARIO)):
        told = client.post(f"{ROOT}/results{what}", json=body)
        assert told.status_code == 503, told.text
        assert "damaged" in Problem.model_validate(told.json()).detail


def test_a_result_is_told_with_what_must_stand_beside_it(client: httpx.Client) -> None:
    told = run(client, SCENARIO)
    ResultOut.model_validate(told)
    assert told["edition"] == told["result"]["edition"] == "0123456789abcdef"
    assert told["synthetic"] is True
    assert told["attributions"][0]["licence"] == "CC0"
    assert told["illustrative"]["buildings"] is True
    assert told["result"]["illustrative"] is True
    assert told["collection"] == "grid-500m"
    assert told["baseline_year"] == 2023
    change = told["result"]["change_tco2e"]
    assert change["buildings"] < 0 == change["transport"] == change["forest"]
    assert told["result"]["interval"] is None
    assert any("invented" in note["text"] for note in told["result"]["notes"])


def test_an_empty_scenario_changes_no_bit_of_what_is_published(client: httpx.Client) -> None:
    told = run(client, {"year": 2040}, "/items", limit=10_000)
    items = client.get("/api/town/collections/grid-500m/items", params={"limit": 1000, "year": 2023}).json()
    published = {one["id"]: one["properties"] for one in items["features"]}
    assert {one["id"] for one in told["features"]} == set(published)
    for one in told["features"]:
        for sector in (*SECTORS, "net"):
            before = one["properties"][f"{sector}_before_tco2e"]
            known = published[one["id"]][f"{sector}_tco2e"]
            assert before == (None if known is None else pytest.approx(known, rel=1e-12))
            assert one["properties"][f"{sector}_after_tco2e"] == before
            assert one["properties"][f"{sector}_change_tco2e"] == 0
    assert any(known["net_tco2e"] is None for known in published.values()), "net is unknown in some cells"


def test_net_of_an_area_with_an_unknown_sector_is_unknown(client: httpx.Client) -> None:
    items = client.get("/api/town/collections/grid-500m/items", params={"limit": 1000, "year": 2023}).json()["features"]
    dark = [one["id"] for one in items if one["properties"]["transport_tco2e"] is None][:2]
    lit = next(one["id"] for one in items if one["properties"]["transport_tco2e"] is not None)
    told, half = (
        run(client, {"scenario": SCENARIO, "area": {"collection": "grid-500m", "ids": ids}}, "/statistics")
        for ids in (dark, [dark[0], lit])
    )
    assert (told["net"]["before"], told["net"]["after"], told["transport"]["before"]) == (None, None, None)
    assert told["net"]["change"] == told["buildings"]["change"] < 0 < told["buildings"]["before"]
    assert told["known_share"] == {"buildings": 1.0, "transport": 0.0, "forest": 1.0}
    assert half["known_share"]["transport"] == pytest.approx(0.5)
    assert half["net"]["before"] == pytest.approx(sum(half[sector]["before"] for sector in SECTORS))


def test_cells_are_where_they_are_and_add_up(client: httpx.Client) -> None:
    whole = run(client, SCENARIO)["result"]["change_tco2e"]["net"]
    told = run(client, SCENARIO, "/items", limit=10_000)
    PlacesOut.model_validate(told)
    assert told["change_tco2e"] == pytest.approx(whole, rel=1e-12)
    assert told["outside_tco2e"] == 0
    assert sum(one["properties"]["net_change_tco2e"] for one in told["features"]) == pytest.approx(whole, rel=1e-12)
    one = told["features"][7]
    cell = client.get(f"/api/town/collections/grid-500m/items/{one['id']}").json()
    for mine, theirs in zip(one["geometry"]["coordinates"][0], cell["geometry"]["coordinates"][0], strict=True):
        assert any(mine == pytest.approx(other, abs=1e-9) for other in cell["geometry"]["coordinates"][0]), theirs
    rest = run(client, SCENARIO, "/items", limit=5, offset=told["numberMatched"] - 3)
    assert [each["id"] for each in rest["features"]] == [each["id"] for each in told["features"][-3:]]
    assert rest["features"] == told["features"][-3:]


def test_items_are_walked_page_by_page_as_geojson(
    client: httpx.Client, publish: Callable[..., None], own_store: Any, serving: Callable[..., httpx.Client]
) -> None:
    server = serving(own_store.path)
    page = server.post(f"{ROOT}/results/items", json=SCENARIO, params={"limit": 50})
    whole = run(client, SCENARIO, "/items", limit=10_000)
    publish(own_store.path, "town", "fedcba9876543210", seed=5)  # in the middle of the walk
    walked, pages = [], 0
    while True:
        assert page.status_code == 200, page.text
        assert page.headers["content-type"] == "application/geo+json"
        told = page.json()
        PlacesOut.model_validate(told)
        assert (told["edition"], told["numberMatched"]) == (whole["edition"], whole["numberMatched"])
        assert told["numberReturned"] == len(told["features"]) <= 50
        walked, pages = walked + told["features"], pages + 1
        links = {one["rel"]: one for one in told["links"]}
        assert {one["type"] for one in links.values()} == {"application/geo+json"}
        assert server.get(links["self"]["href"]).json()["features"] == told["features"]
        assert ("prev" in links) == (pages > 1)
        if "next" not in links:
            break
        page = server.get(links["next"]["href"])
    assert pages == -(-whole["numberMatched"] // 50) > 2
    assert walked == whole["features"]
    items = client.get("/api/town/collections/grid-500m/items", params={"limit": 1000, "year": 2023}).json()["features"]
    held = {one["id"]: one["properties"]["held"] for one in items}
    assert {one["id"]: one["properties"]["held"] for one in walked} == held
    assert set(held.values()) == {True, False}
    assert {one["properties"]["transport_known_share"] for one in walked} == {0.0, 1.0}


def test_zones_are_sums_of_their_cells(client: httpx.Client) -> None:
    told = run(client, SCENARIO, "/items", of="municipality", samples=100)
    PlacesOut.model_validate(told)
    assert {one["id"] for one in told["features"]} == {"west", "동구", "north/enclave"}
    sums = sum(one["properties"]["net_change_tco2e"] for one in told["features"])
    assert sums + told["outside_tco2e"] == pytest.approx(told["change_tco2e"], rel=1e-12)
    assert abs(told["outside_tco2e"]) < 0.01 * abs(told["change_tco2e"]), "the zones cover the cells"
    for one in told["features"]:
        values = one["properties"]
        assert values["change_low90_tco2e"] < values["net_change_tco2e"] < values["change_high90_tco2e"]
        assert values["name_en"]
    # A measure in one zone changes that one, and of its neighbours only cells at the border.
    here = {**SCENARIO, "measures": [{**RETROFIT, "area": {"collection": "municipality", "ids": ["west"]}}]}
    west = run(client, here, "/items", of="municipality")
    changes = {one["id"]: one["properties"]["net_change_tco2e"] for one in west["features"]}
    assert changes["west"] < 10 * changes["동구"] <= 0
    assert west["change_tco2e"] == pytest.approx(sum(changes.values()) + west["outside_tco2e"])


def test_coarser_cells_are_sums_and_finer_ones_are_refused(client: httpx.Client) -> None:
    told = run(client, SCENARIO, "/items", of="grid-1km")
    sums = sum(one["properties"]["net_change_tco2e"] for one in told["features"])
    assert sums == pytest.approx(told["change_tco2e"], rel=1e-9)
    refused = client.post(f"{ROOT}/results/items", json=SCENARIO, params={"of": "grid-100m"})
    assert refused.status_code == 400
    assert "finer than" in refused.json()["detail"]


def test_an_area_is_a_part_of_the_whole(client: httpx.Client) -> None:
    zones = {"collection": "municipality", "ids": ["west", "동구"]}
    told = run(client, {"scenario": SCENARIO, "area": zones}, "/statistics", samples=50)
    AreaOut.model_validate(told)
    items = run(client, SCENARIO, "/items", of="municipality")
    changes = {one["id"]: one["properties"] for one in items["features"]}
    for sector in (*SECTORS, "net"):
        for part in ("before", "change", "after"):
            both = sum(changes[name][f"{sector}_{part}_tco2e"] for name in zones["ids"])
            assert told[sector][part] == pytest.approx(both, rel=1e-6)
    low, high = told["interval_tco2e"]
    assert low < told["net"]["change"] < high
    drawn = {"type": "Polygon", "coordinates": [[[9.0, 46.5], [10.0, 46.5], [10.0, 47.8], [9.0, 47.8], [9.0, 46.5]]]}
    everything = run(client, {"scenario": SCENARIO, "area": drawn}, "/statistics")
    assert everything["net"]["change"] == pytest.approx(items["change_tco2e"], rel=1e-9)
    assert everything["interval_tco2e"] is None
    nowhere = {"type": "Polygon", "coordinates": [[[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 1.0]]]}
    assert run(client, {"scenario": SCENARIO, "area": nowhere}, "/statistics")["cells"] == 0


def test_samples_are_the_same_again_and_hold_the_point_estimate(client: httpx.Client) -> None:
    first, again = (run(client, SCENARIO, samples=200)["result"] for _ in range(2))
    assert first == again
    low, high = first["interval"]["tco2e"]
    assert low < first["change_tco2e"]["net"] < high
    assert first["change_tco2e"] == run(client, SCENARIO)["result"]["change_tco2e"]


def test_forms_run_and_both_sets_are_told(client: httpx.Client) -> None:
    told = run(client, {"year": 2040, "measures": [GROWTH]}, collection="grid-1km", year=2022)
    assert told["baseline_year"] == 2022
    assert len(told["result"]["sets"]) == 2
    after, before = (told["result"]["indicators"][name]["population"] for name in ("after", "before"))
    assert after - before == pytest.approx(500)


def test_digests_name_what_a_result_follows_from(client: httpx.Client) -> None:
    digest = run(client, SCENARIO)["digest"]
    assert run(client, {**SCENARIO, "name": "another"})["digest"] == digest
    assert run(client, {**SCENARIO, "year": 2041})["digest"] != digest
    assert run(client, SCENARIO, collection="grid-1km")["digest"] != digest


@pytest.mark.parametrize(
    ("document", "params", "said"),
    [
        (b"{", {}, "no JSON"),
        ([], {}, "does not fit its schema"),
        ({"year": 2040, "measures": [{"id": "x", "kind": "magic"}]}, {}, "magic"),
        ({"year": 2001}, {}, "a year from 2023"),
        ({"year": 2040, "measures": [{"id": "p", "kind": "rooftop_pv", "level": 0.5}]}, {}, "is a gap"),
        ({"year": 2040, "measures": [{**RETROFIT, "id": f"m{k}"} for k in range(MOST_MEASURES + 1)]}, {}, "at most 50"),
        ({"year": 2040, "measures": [{**GROWTH, "id": f"g{k}"} for k in range(7)]}, {}, "at most 6"),
        (SCENARIO, {"samples": MOST_SAMPLES + 1}, "samples"),
        (SCENARIO, {"collection": "municipality"}, "no grid"),
        (SCENARIO, {"colection": "grid-1km"}, "no parameter"),
        ({**SCENARIO, "name": "x" * 600_000}, {}, "at most 500000"),
        ({**SCENARIO, "measures": [{**RETROFIT, "area": {"polygon": [[[1, 1], [2, 1], [2, 2], [1, 1]]]}}]}, {},
         "outside the region"),
        ({**SCENARIO, "measures": [{**RETROFIT, "area": {"polygon": [SPIKES]}}]}, {},
         "r: its area: the polygon has 10002 vertices, at most 10000"),
        ({**SCENARIO, "measures": [{**RETROFIT, "area": {"polygon": [[[9.5, 47.1], [9.6, 47.2], [9.6, 47.1],
          [9.5, 47.2]]]}}]}, {}, "r: its area: the polygon is not valid"),
        ({**SCENARIO, "measures": [{**GROWTH, "origin": {"polygon": [SPIKES]}}]}, {}, "g: its area: the polygon has"),
        ({**SCENARIO, "measures": [{**RETROFIT, "area": {"collection": "municipality", "ids": ["west"] * 9000}}]}, {},
         "given twice"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_with_the_reason(
    client: httpx.Client, document: Any, params: dict[str, Any], said: str
) -> None:
    sent = {"content": document} if isinstance(document, bytes) else {"json": document}
    told = client.post(f"{ROOT}/results", params=params, **sent)  # type: ignore[arg-type]
    assert told.status_code == 400, told.text
    Problem.model_validate(told.json())
    assert said in told.json()["detail"]


@pytest.mark.parametrize(
    ("area", "status"),
    [
        ({"collection": "municipality", "ids": ["nobody"]}, 404),
        ({"collection": "nothing", "ids": ["west"]}, 404),
        ({"collection": "municipality", "ids": []}, 400),
        ({"collection": 3, "ids": ["west"]}, 400),
        ({"type": "Point", "coordinates": [1, 2]}, 400),
        ("west", 400),
        ({"collection": "municipality", "ids": ["west", "west"]}, 400),
        ({"collection": "municipality", "ids": [""]}, 400),
        ({"type": "Polygon", "coordinates": [SPIKES]}, 400),
    ],
)
def test_areas_that_are_none_are_refused(client: httpx.Client, area: Any, status: int) -> None:
    told = client.post(f"{ROOT}/results/statistics", json={"scenario": SCENARIO, "area": area})
    assert told.status_code == status, told.text


def test_names_that_a_mac_takes_apart_are_found(client: httpx.Client) -> None:
    apart = unicodedata.normalize("NFD", "동구")
    assert apart != "동구"
    told = [
        run(client, {"scenario": SCENARIO, "area": {"collection": "municipality", "ids": [name]}}, "/statistics")
        for name in ("동구", apart)
    ]
    assert told[0] == told[1]
    there = [{**SCENARIO, "measures": [{**RETROFIT, "area": {"collection": "municipality", "ids": [name]}}]}
             for name in ("동구", apart)]  # fmt: skip
    first, second = (run(client, document)["result"]["change_tco2e"] for document in there)
    assert first == second
    assert first["net"] < 0


@pytest.mark.parametrize("what", ["", "/items", "/statistics"])
def test_no_address_takes_more_than_a_scenario_may_have(client: httpx.Client, what: str) -> None:
    filler = {"ids": ["x" * 64] * 9_000, "collection": "municipality"}
    body = {"scenario": SCENARIO, "area": filler} if what == "/statistics" else {**SCENARIO, "more": filler}
    told = client.post(f"{ROOT}/results{what}", json=body)
    assert told.status_code == 400
    assert "at most 500000" in told.json()["detail"]


def test_zones_that_are_not_there_are_not_found(client: httpx.Client) -> None:
    there = {**SCENARIO, "measures": [{**RETROFIT, "area": {"collection": "municipality", "ids": ["nobody"]}}]}
    assert client.post(f"{ROOT}/results", json=there).status_code == 404


def test_nothing_private_is_told(client: httpx.Client) -> None:
    """The closed layer of the store has a meter of 10 kWh: no answer has its features, only what is published."""
    texts = [client.post(f"{ROOT}/results", json=SCENARIO).text, client.get(f"{ROOT}/measures").text]
    texts.append(client.post(f"{ROOT}/results/items", json=SCENARIO).text)
    for text in texts:
        for private in ("meters-0", "osm_roads-0", "town.gpkg", "b17"):
            assert private not in text


def test_another_edition_gives_another_result(
    own_store: Any, publish: Callable[..., None], serving: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    publish(own_store.path, "town", "fedcba9876543210", seed=5)
    client = serving(own_store.path)
    now, before = run(client, SCENARIO), run(client, SCENARIO, edition="0123456789abcdef")
    assert (now["edition"], before["edition"]) == ("fedcba9876543210", "0123456789abcdef")
    assert now["digest"] == before["digest"]
    assert now["result"]["change_tco2e"] != before["result"]["change_tco2e"]
