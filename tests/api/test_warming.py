"""A server gets ready before it says that it is."""

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

import api.app
from api.app import app_from_environment, create_app
from api.models import Health
from api.settings import Settings
from api.warming import Warming, make_first_tiles
from grids.edition import Store
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

    def first_tiles(store: Store) -> None:
        stores.append(store)
        done.set()

    monkeypatch.setenv("CARBONMAP_STORE", str(small_store))
    monkeypatch.setattr(api.app, "make_first_tiles", first_tiles)
    app_from_environment()
    assert done.wait(30)
    assert [store.path for store in stores] == [small_store]


def test_first_tiles_open_tables_of_each_region(
    own_store: Store, publish: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    publish(own_store.path, "village", "fedcba9876543210")
    (own_store.path / "town" / "current").write_text("nonsense", "utf-8")
    store = Store(own_store.path)
    with caplog.at_level(logging.WARNING, logger="carbonmap.api"):
        make_first_tiles(store)
    assert "region town is not got ready" in caplog.text
    with pytest.raises(EditionBroken):
        store.open("town")
    opened = store.open("village")._files
    assert [name for name in opened if name[0] == "tables"] == [("tables", "grid-1km", "2023.parquet")]


def test_a_failure_is_told_and_ends_the_wait(caplog: pytest.LogCaptureFixture) -> None:
    warming = Warming()
    assert not warming.under_way

    def fail() -> None:
        raise RuntimeError("no compiler")

    with caplog.at_level(logging.ERROR, logger="carbonmap.api"):
        warming.begin(fail)
        warming.wait()
    assert not warming.under_way
    assert "the first ones will take longer" in caplog.text
    assert "no compiler" in caplog.text
