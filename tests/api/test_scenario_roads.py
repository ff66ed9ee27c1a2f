"""Roads that measures can name: the one nearest to a place, and those of some ids."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import CRS, SOUTH, WEST
from pyproj import Transformer

from api import road_addresses
from api.errors import InvalidParameter, RunsBusy
from api.models import Problem
from api.road_lookup import RoadLookup
from api.scenario_models import RoadsOut
from grids.edition import Store

ROADS = "/api/town/scenarios/roads"
TO_DEGREES = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)


def at(east: float, north: float) -> dict[str, float]:
    """A place so many metres from the town's corner; its only road runs from (200, 1000) to (1200, 1000)."""
    lon, lat = TO_DEGREES.transform(WEST + east, SOUTH + north)
    return {"lon": lon, "lat": lat}


def roads(client: httpx.Client, **params: Any) -> dict[str, Any]:
    told = client.get(ROADS, params=params)
    assert told.status_code == 200, told.text
    RoadsOut.model_validate(told.json())
    found: dict[str, Any] = told.json()
    return found


def test_the_road_nearest_to_a_place_is_told_with_what_measures_start_from(client: httpx.Client) -> None:
    [road] = roads(client, **at(700, 1030))["features"]
    assert road["id"] == "osm_roads-0"
    assert road["properties"] == {"km": pytest.approx(1.0), "kmh": 40.0, "lanes": None, "aadt": 900.0, "oneway": False}
    ends = [TO_DEGREES.transform(WEST + east, SOUTH + 1000) for east in (200, 1200)]
    assert road["geometry"]["coordinates"] == [pytest.approx(list(end)) for end in ends]
    # 30 m away, and so within 31 and not within 29; distances are those of the region's CRS.
    assert roads(client, **at(700, 1030), within_m=31)["numberReturned"] == 1
    assert roads(client, **at(700, 1030), within_m=29)["features"] == []
    assert roads(client, lon=-179.0, lat=-89.0)["features"] == []
    assert roads(client, **at(700, 1030), year=2022)["features"][0]["properties"]["aadt"] is None


def test_named_roads_are_found_again_and_unknown_ones_left_out(client: httpx.Client) -> None:
    told = roads(client, ids="osm_roads-0,way-1,osm_roads-0")
    assert [one["id"] for one in told["features"]] == ["osm_roads-0"]
    assert told["synthetic"] is True


def test_roads_that_a_client_has_wait_for_no_run(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get(ROADS, params={"ids": "osm_roads-0"})

    async def late(*_: Any) -> bytes:
        raise RunsBusy("the turns of runs are taken")

    monkeypatch.setattr(road_addresses, "running", late)
    assert client.get(ROADS, params={"ids": "osm_roads-0"}).status_code == 503
    again = client.get(ROADS, params={"ids": "osm_roads-0"}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"lon": 9.5},
        {"lon": 9.5, "lat": 47.1, "ids": "a"},
        {"lon": 9.5, "lat": 47.1, "within_m": 5000},
        {"lon": "nan", "lat": 47.1},
        {"lon": 200, "lat": 47.1},
        {"ids": ",".join(map(str, range(201)))},
    ],
)
def test_what_names_no_road_is_refused(client: httpx.Client, params: dict[str, Any]) -> None:
    told = client.get(ROADS, params=params)
    assert told.status_code == 400
    Problem.model_validate(told.json())


def test_of_a_closed_layer_only_the_background_is_told(own_store: Store, serving: Callable[..., httpx.Client]) -> None:
    """What a closed source says of single roads stays inside."""
    [file] = own_store.path.glob("town/*/manifest.json")
    manifest = json.loads(file.read_text(encoding="utf-8"))
    for layer in manifest["layers"]:
        layer["open"] = False
    file.write_text(json.dumps(manifest), encoding="utf-8")
    served = serving(own_store.path)
    told = served.get(ROADS, params={**at(700, 1010), "within_m": 1000}).json()
    assert [one["id"] for one in told["features"]] == ["r2"]
    assert served.get(ROADS, params={"ids": "osm_roads-0"}).json()["features"] == []


def test_too_many_roads_are_not_looked_up_one_by_one(own_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.road_lookup.MOST_ROADS", 2)
    three = pa.table({"id": ["a", "b", "c"]})
    edition = own_store.open("town")
    pq.write_table(three, edition.private("features", "osm_roads"))
    with pytest.raises(InvalidParameter, match=r"3 roads, at most 2 .* give the measure an area"):
        RoadLookup().roads(own_store.open("town"), 2023)


def test_too_many_roads_of_the_background_are_not_looked_up_either(
    own_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = own_store.open("town").context_count("roads")
    assert count > 0
    monkeypatch.setattr("api.road_lookup.open_layers", lambda *_: None)
    monkeypatch.setattr("api.road_lookup.MOST_ROADS", count)
    assert RoadLookup().roads(own_store.open("town"), 2023) is not None
    monkeypatch.setattr("api.road_lookup.MOST_ROADS", count - 1)
    with pytest.raises(InvalidParameter, match=f"{count} roads, at most {count - 1} "):
        RoadLookup().roads(own_store.open("town"), 2023)


def test_that_there_are_no_roads_is_looked_up_once(own_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("api.road_lookup.edition_roads", lambda _, year: asked.append(year))
    lookup = RoadLookup()
    assert [lookup.roads(own_store.open("town"), year) for year in (2023, 2023, 2022)] == [None] * 3
    assert asked == [2023, 2022]


def test_a_year_of_no_edition_is_not_looked_up(client: httpx.Client) -> None:
    told = client.get(ROADS, params={**at(700, 1030), "year": 1999})
    assert told.status_code == 404
    assert "has no year 1999; it has 2022, 2023" in Problem.model_validate(told.json()).detail
