"""Tiles, style, items and sums of a scenario's result by its digest, decoded by others and compared with its items."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import morecantile
import numpy as np
import pyogrio
import pytest
from fastapi import Response

from api import kept_results, result_addresses
from api.errors import RunsBusy
from api.kept_results import CellValues, KeptResults
from api.models import Problem
from api.result_places import COLUMNS
from api.scenario_models import AreaOut, PlacesOut
from api.scenario_runs import Asked
from api.tile_models import ResultTileSet, Style, TileSets
from grids.edition import Store
from scenarios.scenario import read_scenario

ROOT = "/api/town/scenarios/results"
SCENARIO: dict[str, Any] = {
    "year": 2040,
    "measures": [
        {"id": "r", "kind": "retrofit", "level": 0.5, "area": {"collection": "municipality", "ids": ["west"]}},
        {"id": "g", "kind": "green_loss", "level": 0.5},
    ],
}
LON, LAT = 9.567, 47.155


def result(client: httpx.Client, document: Any = SCENARIO, **params: Any) -> dict[str, Any]:
    told = client.post(ROOT, json=document, params=params)
    assert told.status_code == 200, told.text
    found: dict[str, Any] = told.json()
    return found


def linked(client: httpx.Client, told: dict[str, Any], rel: str, **params: Any) -> httpx.Response:
    (href,) = (one["href"] for one in told["links"] if one["rel"] == rel)
    found = client.get(httpx.URL(href).copy_merge_params(params))
    assert found.status_code == 200, found.text
    return found


def decoded(client: httpx.Client, template: str, zoom: int, folder: Path, layer: str) -> Any:
    tile = morecantile.tms.get("WebMercatorQuad").tile(LON, LAT, zoom)
    address = template.replace("{z}", str(zoom)).replace("{y}", str(tile.y)).replace("{x}", str(tile.x))
    response = client.get(address)
    assert response.status_code == 200, response.text
    assert "immutable" in response.headers["cache-control"]
    file = folder / f"{zoom}-{tile.x}-{tile.y}.mvt"
    file.write_bytes(response.content)
    return pyogrio.read_dataframe(f"MVT:{file}", layer=layer)


@pytest.mark.parametrize(("of", "zoom"), [("grid-500m", 10), ("grid-1km", 9), ("municipality", 8), ("h3-8", 10)])
def test_tiles_have_the_values_of_items(client: httpx.Client, tmp_path: Path, of: str, zoom: int) -> None:
    told = result(client)
    document = linked(client, told, "tiles", of=of, f="json").json()
    ResultTileSet.model_validate(document)
    assert (document["digest"], document["of"], document["year"]) == (told["digest"], of, 2040)
    assert document["change_tco2e"] == pytest.approx(told["result"]["change_tco2e"]["net"])
    assert document["synthetic"] is True
    assert set(COLUMNS) <= set(document["vector_layers"][0]["fields"])
    frame = decoded(client, document["tiles"][0], zoom, tmp_path, of).set_index("id")
    items = linked(client, told, "items", of=of, limit=10_000).json()
    PlacesOut.model_validate(items)
    published = {one["id"]: one["properties"] for one in items["features"]}
    assert len(frame) == len(published), "the whole region lies in this tile"
    for name, values in frame.iterrows():
        for column in COLUMNS:
            known = published[str(name)][column]
            if known is None:
                assert column not in frame or values[column] != values[column]
            else:
                assert values[column] == pytest.approx(known, rel=1e-12, abs=1e-12)
    assert sum(frame["net_change_tco2e"]) == pytest.approx(document["change_tco2e"] - items["outside_tco2e"])


def test_classes_and_style_show_less_and_more_apart(client: httpx.Client) -> None:
    told = result(client)
    document = linked(client, told, "tiles", f="json").json()
    fewer = document["classes"]["buildings_change_tco2e"]
    assert fewer
    assert all(one["to"] is not None and one["to"] <= 0 for one in fewer), "retrofit adds nothing anywhere"
    assert document["classes"]["transport_change_tco2e"] == []
    style = linked(client, told, "stylesheet", theme="buildings").json()
    Style.model_validate(style)
    known = style["metadata"]["carbonmap"]
    assert known["classes"]["grid-500m"] == fewer
    assert known["digest"] == told["digest"]
    drawn = [one for one in style["layers"] if one.get("source") == "values" and one["type"] == "fill"]
    assert [one["paint"]["fill-color"] for one in drawn[2:]] == [one["colour"] for one in fewer]
    assert style["sources"]["values"]["tiles"] == document["tiles"]
    assert client.get(f"{ROOT}/{told['digest']}/style", params={"ground": "dark"}).status_code == 200


def test_the_list_leads_to_the_tiles(client: httpx.Client) -> None:
    told = result(client)
    listed = client.get(f"{ROOT}/{told['digest']}/tiles").json()
    TileSets.model_validate(listed)
    (entry,) = listed["tilesets"]
    (own,) = (one["href"] for one in entry["links"] if one["rel"] == "self")
    assert client.get(own).json()["digest"] == told["digest"]


def test_a_style_that_a_client_has_waits_for_no_run(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    told = result(client)
    address = f"{ROOT}/{told['digest']}/style"
    first = client.get(address)

    async def late(*_: Any) -> Response:
        raise RunsBusy("the turns of runs are taken")

    monkeypatch.setattr(result_addresses, "running", late)
    assert client.get(address).status_code == 503
    assert client.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_sums_and_intervals_are_those_of_the_document(client: httpx.Client) -> None:
    told = result(client, samples=50)
    area = {"collection": "municipality", "ids": ["west"]}
    sent = client.post(f"{ROOT}/statistics", json={"scenario": SCENARIO, "area": area}, params={"samples": 50}).json()
    asked = client.get(f"{ROOT}/{told['digest']}/statistics", params={"of": "municipality", "ids": "west"}).json()
    AreaOut.model_validate(asked)
    assert asked == sent
    assert asked["interval_tco2e"] is not None


def test_what_is_not_remembered_says_how_it_comes_back(
    own_store: Store, serving: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    first = serving(own_store.path, jobs=tmp_path / "jobs")
    told = result(first)
    for what in (f"{told['digest'][:-1]}x", "0" * 64, "..%2f..%2fx"):
        refused = first.get(f"{ROOT}/{what}/tiles/WebMercatorQuad")
        assert refused.status_code == 404
        Problem.model_validate(refused.json())
    assert "send its scenario again" in first.get(f"{ROOT}/{'0' * 64}/items").json()["detail"]
    # Another process of the server, which never ran it, tells it from the folder that both share.
    second = serving(own_store.path, jobs=tmp_path / "jobs")
    items = f"{ROOT}/{told['digest']}/items"
    there, here = second.get(items).json(), first.get(items).json()
    assert there.pop("links") != here.pop("links"), "each leads back to its own address"
    assert there == here
    for file in (tmp_path / "jobs" / "results" / "town").iterdir():
        file.unlink()
    third = serving(own_store.path, jobs=tmp_path / "jobs")
    assert third.get(items).status_code == 404
    assert result(third)["digest"] == told["digest"]
    assert third.get(items).status_code == 200


def test_what_was_asked_for_longest_ago_makes_room(tmp_path: Path) -> None:
    kept = KeptResults(tmp_path, most_bytes=20_000)
    digests = []
    for year in range(2030, 2150):
        asked = Asked(read_scenario({"year": year, "name": "x" * 200}), "grid-1km", 2023, 0)
        assert kept.note("town", asked)
        digests.append(asked.digest)
    assert kept.asked("town", digests[-1]).scenario.year == 2149
    size = sum(file.stat().st_size for file in (tmp_path / "town").iterdir())
    assert size < 30_000
    assert len(list((tmp_path / "town").iterdir())) < 120


def test_cells_are_kept_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, numbers = KeptResults(tmp_path), np.random.default_rng(1)
    cells = CellValues(numbers.normal(size=(3, 5)), numbers.normal(size=(3, 5)), numbers.normal(size=(2, 5)), True)
    cells.before_tco2e[1, 2] = np.nan
    kept.keep_cells("town", "0" * 16, "a" * 64, cells)
    found = kept.cells("town", "0" * 16, "a" * 64)
    assert found is not None
    np.testing.assert_array_equal(found.before_tco2e, cells.before_tco2e)
    np.testing.assert_array_equal(found.change_tco2e, cells.change_tco2e)
    assert found.illustrative
    assert kept.cells("town", "1" * 16, "a" * 64) is None
    [file] = (tmp_path / "town").iterdir()
    assert file.name == f"{'a' * 64}-{'0' * 16}-{kept_results.code()[:16]}.npz"
    monkeypatch.setattr(kept_results, "code", lambda: "f" * 64)
    assert kept.cells("town", "0" * 16, "a" * 64) is None, "cells of another program are not this one's"


def test_a_disk_that_takes_no_cells_fails_no_result(tmp_path: Path) -> None:
    (tmp_path / "town").write_text("a file where the folder was to be", encoding="utf-8")
    KeptResults(tmp_path).keep_cells(
        "town", "0" * 16, "a" * 64, CellValues(np.ones((3, 2)), np.ones((3, 2)), np.ones((2, 2)), False)
    )
    assert (tmp_path / "town").is_file()


def test_areas_of_measures_are_looked_into_with_finer_cells(client: httpx.Client) -> None:
    """Only cells in the west are told; what changes in the cells that lie wholly in it stays as it is."""
    west = {"collection": "municipality", "ids": ["west"]}
    document = {"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 0.5, "area": west}]}
    told = result(client, document, collection="grid-500m")
    address, params = f"{ROOT}/{told['digest']}/detail", {"of": "grid-100m", "limit": 500}
    first = client.get(address, params=params)
    assert first.status_code == 200, first.text
    page: dict[str, Any] | None = first.json()
    cells = []
    while page is not None:
        PlacesOut.model_validate(page)
        assert page["numberReturned"] == len(page["features"])
        cells += page["features"]
        after = [one["href"] for one in page["links"] if one["rel"] == "next"]
        page = client.get(after[0]).json() if after else None
    whole = first.json()
    assert len(cells) == whole["numberMatched"] > 500
    assert len({one["id"] for one in cells}) == len(cells)
    assert "laid on its fine ones" in whole["notes"]["detail"]
    assert whole["synthetic"] is True
    change = sum(one["properties"]["net_change_tco2e"] for one in cells)
    assert change == pytest.approx(whole["change_tco2e"])
    assert change + whole["outside_tco2e"] == pytest.approx(told["result"]["change_tco2e"]["net"])
    assert change < 0
    published = {
        one["id"]: one["properties"]
        for one in client.get("/api/town/collections/grid-100m/items", params={"limit": 10_000}).json()["features"]
    }
    for one in cells:
        known = published[one["id"]]
        assert one["properties"]["buildings_before_tco2e"] == pytest.approx(known["buildings_tco2e"])
        assert (one["properties"]["transport_before_tco2e"] is None) == (known["transport_tco2e"] is None)


@pytest.mark.parametrize(
    ("of", "status", "said"),
    [
        ("grid-1km", 400, "finer ones that nest"),
        ("municipality", 400, "is no grid"),
        ("nothing", 404, "nothing"),
    ],
)
def test_what_cannot_be_looked_into_is_refused(client: httpx.Client, of: str, status: int, said: str) -> None:
    digest = result(client)["digest"]
    refused = client.get(f"{ROOT}/{digest}/detail", params={"of": of})
    assert refused.status_code == status, refused.text
    assert said in Problem.model_validate(refused.json()).detail
    everywhere = result(client, {"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 0.5}]})["digest"]
    plain = client.get(f"{ROOT}/{everywhere}/detail", params={"of": "grid-100m"})
    assert plain.status_code == 400
    assert "no measure of the scenario has one" in plain.json()["detail"]
