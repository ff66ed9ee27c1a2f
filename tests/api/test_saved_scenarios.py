"""Scenarios that are saved, in SQLite and PostgreSQL: versions, owners, links, and other editions."""

from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from api import scenario_store
from api.database import Database
from api.keys import Actor, Keys
from api.models import Problem
from api.scenario_models import AreaOut, PlacesOut, ResultOut, SavedListOut, SavedOut
from api.settings import Settings

ME = Actor("a test", "here")
ROOT = "/api/town/scenarios"
FIRST: dict[str, Any] = {
    "name": "도시 \u0000 plan",
    "year": 2040,
    "measures": [{"id": "r", "kind": "retrofit", "level": 0.5}],
}
SECOND = {**FIRST, "measures": [{"id": "r", "kind": "retrofit", "level": 0.75}]}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def keys(database: Database) -> Keys:
    database.upgrade()
    return Keys(database)


@pytest.fixture
def planner(keys: Keys) -> dict[str, str]:
    return bearer(keys.create("Ann", "planner", ME))


@pytest.fixture
def keyed(keys: Keys, database_settings: Settings, serving: Callable[..., httpx.Client]) -> httpx.Client:
    return serving(database_settings.store, database_url=database_settings.database_url)


def saved(client: httpx.Client, headers: dict[str, str], document: Any = FIRST) -> dict[str, Any]:
    told = client.post(ROOT, json=document, headers=headers)
    assert told.status_code == 201, told.text
    SavedOut.model_validate(told.json())
    assert told.headers["location"].endswith(f"{ROOT}/{told.json()['id']}")
    found: dict[str, Any] = told.json()
    return found


def test_who_has_the_link_sees_and_runs_what_was_saved(keyed: httpx.Client, planner: dict[str, str]) -> None:
    made = saved(keyed, planner)
    assert len(made["id"]) == 22
    told = keyed.get(f"{ROOT}/{made['id']}")
    assert told.status_code == 200
    assert told.headers["cache-control"] == "no-store"
    assert told.json() == made
    assert told.json()["scenario"] == FIRST, "what is exported may be sent again"
    assert "owner" not in told.text
    direct = keyed.post(f"{ROOT}/results", json=told.json()["scenario"]).json()
    result = keyed.get(f"{ROOT}/{made['id']}/result").json()
    ResultOut.model_validate(result)
    assert result == direct
    for link in made["links"]:
        assert keyed.get(link["href"]).status_code == 200, link
    items = keyed.get(f"{ROOT}/{made['id']}/result/items", params={"of": "municipality"}).json()
    PlacesOut.model_validate(items)
    assert items["change_tco2e"] == pytest.approx(result["result"]["change_tco2e"]["net"])
    area = keyed.get(f"{ROOT}/{made['id']}/result/statistics", params={"of": "municipality", "ids": "west,동구"})
    AreaOut.model_validate(area.json())
    both = [one["properties"]["net_change_tco2e"] for one in items["features"] if one["id"] in ("west", "동구")]
    assert area.json()["net"]["change"] == pytest.approx(sum(both), rel=1e-6)


def test_every_version_stays(keyed: httpx.Client, planner: dict[str, str]) -> None:
    address = f"{ROOT}/{saved(keyed, planner)['id']}"
    told = keyed.put(address, params={"follows": 1}, json=SECOND, headers=planner)
    assert told.status_code == 200, told.text
    assert (told.json()["version"], told.json()["latest"]) == (2, 2)
    assert keyed.get(address).json()["scenario"] == SECOND
    old = keyed.get(address, params={"version": 1}).json()
    assert (old["scenario"], old["version"], old["latest"]) == (FIRST, 1, 2)
    changes = [
        keyed.get(f"{address}/result", params={"version": version}).json()["result"]["change_tco2e"]["net"]
        for version in (1, 2)
    ]
    assert changes[1] == pytest.approx(1.5 * changes[0])
    late = keyed.put(address, params={"follows": 1}, json=FIRST, headers=planner)
    assert late.status_code == 409
    assert "latest version is 2" in late.json()["detail"]
    assert keyed.get(address, params={"version": 3}).status_code == 404


def test_only_the_owner_or_an_admin_changes_it(keyed: httpx.Client, keys: Keys, planner: dict[str, str]) -> None:
    other, admin = bearer(keys.create("Bob", "planner", ME)), bearer(keys.create("Cy", "admin", ME))
    address = f"{ROOT}/{saved(keyed, planner)['id']}"
    for headers, status in ((None, 401), (other, 403), (admin, 200)):
        told = keyed.put(address, params={"follows": 1}, json=SECOND, headers=headers)
        assert told.status_code == status
        if status != 200:
            Problem.model_validate(told.json())
    assert keyed.delete(address, headers=other).status_code == 403
    assert keyed.delete(address).status_code == 401
    assert keyed.delete(address, headers=planner).status_code == 204
    for what in ("", "/result", "/result/items"):
        assert keyed.get(f"{address}{what}").status_code == 404
    assert keyed.delete(address, headers=planner).status_code == 404
    done = [entry.action for entry in keys.audited(10)]
    assert done[:3] == ["scenario.delete"] * 3
    assert {"scenario.change", "scenario.create"} <= set(done)
    assert not any(address.rsplit("/", 1)[1] in entry.subject for entry in keys.audited(50)), "the id opens it"


def test_only_ones_own_are_listed(keyed: httpx.Client, keys: Keys, planner: dict[str, str]) -> None:
    other = bearer(keys.create("Bob", "planner", ME))
    first, second = saved(keyed, planner), saved(keyed, planner, SECOND)
    saved(keyed, other)
    keyed.put(f"{ROOT}/{first['id']}", params={"follows": 1}, json=SECOND, headers=planner)
    told = keyed.get(ROOT, headers=planner)
    SavedListOut.model_validate(told.json())
    assert [(one["id"], one["version"]) for one in told.json()["scenarios"]] == [(first["id"], 2), (second["id"], 1)]
    assert told.headers["cache-control"] == "private, no-store"
    assert keyed.get(ROOT).status_code == 401


def test_nobody_keeps_more_than_they_may(
    keyed: httpx.Client, planner: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenario_store, "MOST_SCENARIOS", 1)
    monkeypatch.setattr(scenario_store, "MOST_VERSIONS", 1)
    made = saved(keyed, planner)
    assert keyed.post(ROOT, json=FIRST, headers=planner).status_code == 409
    told = keyed.put(f"{ROOT}/{made['id']}", params={"follows": 1}, json=FIRST, headers=planner)
    assert told.status_code == 409
    assert "most it may" in told.json()["detail"]


def test_a_key_keeps_so_many_bytes_and_no_more(
    keyed: httpx.Client, keys: Keys, planner: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(orjson.dumps(FIRST))
    monkeypatch.setattr(scenario_store, "MOST_BYTES", 2 * size + 10)
    address = f"{ROOT}/{saved(keyed, planner)['id']}"
    assert keyed.put(address, params={"follows": 1}, json=FIRST, headers=planner).status_code == 200
    for told in (
        keyed.post(ROOT, json=FIRST, headers=planner),
        keyed.put(address, params={"follows": 2}, json=FIRST, headers=planner),
    ):
        assert told.status_code == 409
        Problem.model_validate(told.json())
        assert f"{size:,} bytes" in told.json()["detail"], "letters of three bytes count as three"
        assert f"keeps {2 * size:,}, of {2 * size + 10:,} at most" in told.json()["detail"]
    saved(keyed, bearer(keys.create("Bob", "planner", ME)))
    assert keyed.delete(address, headers=planner).status_code == 204
    saved(keyed, planner)


def test_a_version_may_be_named_by_its_entity_tag(keyed: httpx.Client, planner: dict[str, str]) -> None:
    made = keyed.post(ROOT, json=FIRST, headers=planner)
    address, tag = f"{ROOT}/{made.json()['id']}", made.headers["etag"]
    assert keyed.get(address).headers["etag"] == tag

    def put(header: str | None, **params: int) -> httpx.Response:
        more = {} if header is None else {"If-Match": header}
        return keyed.put(address, params=params, json=SECOND, headers=planner | more)

    second = put(tag)
    assert (second.status_code, second.json()["version"]) == (200, 2)
    assert second.headers["etag"] == keyed.get(address).headers["etag"] != tag
    assert "etag" not in keyed.get(address, params={"version": 1}).headers
    for stale in (put(tag), put(f"W/{second.headers['etag']}"), put("x"), put(second.headers["etag"], follows=1)):
        assert stale.status_code == 412, stale.text
        Problem.model_validate(stale.json())
        assert "latest version is 2" in stale.json()["detail"]
    assert put(None).status_code == 400
    assert put(f"{tag}, {second.headers['etag']}").json()["version"] == 3
    assert put("*").json()["version"] == 4
    assert put('"4"', follows=4).json()["version"] == 5


def test_what_cannot_be_read_is_not_saved(keyed: httpx.Client, planner: dict[str, str]) -> None:
    for document in ({}, {"year": 2040, "measures": [{"id": "x", "kind": "magic"}]}, []):
        assert keyed.post(ROOT, json=document, headers=planner).status_code == 400
    assert keyed.post(ROOT, json=FIRST).status_code == 401
    assert keyed.get(ROOT, headers=planner).json() == {"scenarios": []}


def test_it_runs_on_a_new_edition_and_on_the_one_it_was_saved_with(
    own_store: Any, publish: Callable[..., None], serving: Callable[..., httpx.Client], tmp_path: Any
) -> None:
    url = f"sqlite:///{tmp_path / 'keys.sqlite'}"
    database = Database.of(Settings(store=own_store.path, database_url=url))
    database.upgrade()
    client = serving(own_store.path, database_url=url)
    made = saved(client, bearer(Keys(database).create("Ann", "planner", ME)))
    address = f"{ROOT}/{made['id']}/result"
    before = client.get(address).json()
    publish(own_store.path, "town", "fedcba9876543210", seed=5)
    publish(own_store.path, "elsewhere", "fedcba9876543210", seed=6)
    now = client.get(address).json()
    assert (before["edition"], now["edition"]) == (made["edition"], "fedcba9876543210")
    assert now["result"]["change_tco2e"] != before["result"]["change_tco2e"]
    assert client.get(address, params={"edition": made["edition"]}).json() == before
    assert client.get(f"/api/elsewhere/scenarios/{made['id']}").status_code == 404


def test_without_a_database_nothing_saved_is_found_and_what_is_sent_runs(client: httpx.Client) -> None:
    assert client.get(f"{ROOT}/{'a' * 22}").status_code == 404
    assert client.get(f"{ROOT}/%00").status_code == 404
    assert client.post(f"{ROOT}/results", json=FIRST).status_code == 200
