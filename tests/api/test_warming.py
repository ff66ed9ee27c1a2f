"""A server gets ready before it says that it is."""

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import api.app
import api.warming
from api.app import app_from_environment, create_app
from api.models import Health
from api.settings import Settings
from api.warming import Warming, answer_first
from grids.edition import Store
from grids.statistics import Statistics, statistics
from grids.store_errors import EditionBroken


def test_it_is_not_ready_while_it_starts(small_store: Path) -> None:
    app = create_app(Settings(store=small_store))
    go, begun = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(30)

    transport = httpx.ASGITransport(app)

    async def ask(address: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(address)

    app.state.warming.begin(work)
    assert begun.wait(30)
    waiting = asyncio.run(ask("/api/ready"))
    told = Health.model_validate_json(waiting.content)
    assert (waiting.status_code, told.status, told.regions) == (503, "starting", 1)
    assert asyncio.run(ask("/api/health")).json()["status"] == "ok"
    go.set()
    app.state.warming.wait()
    ready = asyncio.run(ask("/api/ready"))
    assert (ready.status_code, ready.json()["status"]) == (200, "ok")


def test_a_server_from_variables_gets_ready_by_itself(small_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores: list[Store] = []
    done = threading.Event()

    def first_answers(store: Store) -> None:
        stores.append(store)
        done.set()

    monkeypatch.setenv("CARBONMAP_STORE", str(small_store))
    monkeypatch.setattr(api.app, "answer_first", first_answers)
    app_from_environment()
    assert done.wait(30)
    assert [store.path for store in stores] == [small_store]


def test_first_answers_open_tables_of_each_region(
    own_store: Store, publish: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    publish(own_store.path, "village", "fedcba9876543210")
    (own_store.path / "town" / "current").write_text("nonsense", "utf-8")
    store = Store(own_store.path)
    with caplog.at_level(logging.WARNING, logger="carbonmap.api"):
        answer_first(store)
    assert "region town is not got ready" in caplog.text
    with pytest.raises(EditionBroken):
        store.open("town")
    kept = (key.decode().split("/") for key in store.open("village")._indexes._kept)
    tables = {tuple(path) for _, room, *path in kept if room == "tables"}
    # Of a polygon's sum, the zones tell how much of it is ground of the region.
    assert tables == {("grid-1km", "2023.parquet"), ("municipality", "2023.parquet")}


def test_a_polygon_is_added_up_before_the_server_is_ready(own_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sums: list[Statistics] = []

    def noted(*given: Any) -> Statistics:
        sums.append(statistics(*given))
        return sums[-1]

    monkeypatch.setattr(api.warming, "statistics", noted)
    answer_first(own_store)
    [found] = sums
    assert found.ground is not None
    assert found.rows > 0
    assert found.area_ha == pytest.approx(100)


def test_a_failure_is_told_and_ends_the_wait(caplog: pytest.LogCaptureFixture) -> None:
    warming = Warming()
    assert not warming.under_way

    def fail() -> None:
        raise RuntimeError("no compiler")

    with caplog.at_level(logging.ERROR, logger="carbonmap.api"):
        warming.begin(fail)
        warming.wait()
    assert not warming.under_way
    assert "the first answers will take longer" in caplog.text
    assert "no compiler" in caplog.text
