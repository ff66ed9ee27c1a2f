"""Turns of runs, on a real server: who left, or was told that it took too long, holds up nobody."""

import contextlib
import json
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
from anyio import CapacityLimiter

from api import (
    catalogue,
    collections,
    editions,
    features,
    measures,
    params,
    ranking,
    scenario_runs,
    statistics,
    styles,
)
from api.errors import InvalidParameter, RunsBusy, said_of
from api.scenario_runs import MOST_WORK, Asked, Runs
from api.turns import CHOICE_THREADS, DRAWN_THREADS, MOST_WAITING, READ_THREADS, THREADS, running
from grids.edition import Store
from scenarios.errors import Stopped
from scenarios.parameters import shipped_parameters
from scenarios.scenario import read_scenario

RESULTS = "/api/town/scenarios/results"
PATIENCE_S = 120
ENDLESS = 2100
"""Scenarios of this year and later run until nobody waits for them."""


class Endless:
    """Stands in for the engine: counts runs that began, and those that were told to stop."""

    def __init__(self, engine: Callable[..., Any]) -> None:
        self._engine = engine
        self.began, self.stopped = threading.Semaphore(0), threading.Semaphore(0)
        self.count = 0

    def __call__(self, baseline: Any, scenario: Any, *args: Any, cancelled: Callable[[], bool], **more: Any) -> Any:
        if scenario.year < ENDLESS:
            return self._engine(baseline, scenario, *args, cancelled=cancelled, **more)
        self.count += 1
        self.began.release()
        end = time.monotonic() + 4 * PATIENCE_S
        while not cancelled() and time.monotonic() < end:
            time.sleep(0.01)
        self.stopped.release()
        raise Stopped("cancelled")


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Endless:
    found = Endless(scenario_runs.run)
    monkeypatch.setattr(scenario_runs, "run", found)
    return found


def sent(client: httpx.Client, year: int) -> socket.socket:
    """A line on which a scenario was sent and no answer was read."""
    return posted(client, RESULTS, {"year": year})


def posted(client: httpx.Client, path: str, document: Any) -> socket.socket:
    """A line on which a document was sent and no answer was read."""
    body = json.dumps(document).encode()
    line = socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=PATIENCE_S)
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n\r\n"
    line.sendall(head.encode() + body)
    return line


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_clients_that_leave_free_turns_and_threads(
    small_store: Path, serving: Callable[..., httpx.Client], endless: Endless
) -> None:
    client = serving(small_store)

    with contextlib.ExitStack() as lines:
        run = [lines.enter_context(sent(client, ENDLESS + k)) for k in range(THREADS)]
        assert all(endless.began.acquire(timeout=PATIENCE_S) for _ in run)
        # Whoever is not refused waits for a turn; as many as may, and no more: of each one more, one is refused.
        wait = [lines.enter_context(sent(client, ENDLESS + 49)) for _ in range(MOST_WAITING)]
        for _ in range(2):
            wait.append(lines.enter_context(sent(client, ENDLESS + 49)))
            [refused], _, _ = select.select(wait, [], [], PATIENCE_S)
            told = refused.recv(65_536)
            wait.remove(refused)
        assert len(wait) == MOST_WAITING
        assert told.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 5" in told.lower()
        assert b"wait for their turn" in told
        for line in wait:
            line.close()

        def taken() -> bool:
            with sent(client, ENDLESS + 49) as line:
                line.settimeout(1)
                with contextlib.suppress(TimeoutError):
                    return not line.recv(65_536)
                return True

        until(taken)
        for line in run:
            line.close()
        assert all(endless.stopped.acquire(timeout=PATIENCE_S) for _ in run)
    assert client.post(RESULTS, json={"year": 2040}, timeout=PATIENCE_S).status_code == 200
    assert endless.count == THREADS, "who left before its turn was never run"


def test_polygons_that_take_long_hold_up_nothing_else(
    small_store: Path, serving: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    began, gate, at_once = threading.Semaphore(0), threading.Event(), Counter[str]()
    summed, lock = statistics.statistics, threading.Lock()

    def slow(*args: Any) -> Any:
        with lock:
            at_once["now"] += 1
            at_once["most"] = max(at_once["most"], at_once["now"])
        began.release()
        assert gate.wait(4 * PATIENCE_S)
        with lock:
            at_once["now"] -= 1
        return summed(*args)

    monkeypatch.setattr(statistics, "statistics", slow)
    client = serving(small_store, request_seconds=4 * PATIENCE_S)
    corners = [[9.55, 47.15], [9.56, 47.15], [9.56, 47.16], [9.55, 47.15]]
    drawn = {"type": "Polygon", "coordinates": [corners]}
    with contextlib.ExitStack() as lines:
        many = [
            lines.enter_context(posted(client, "/api/town/statistics", drawn))
            for _ in range(DRAWN_THREADS + MOST_WAITING)
        ]
        assert all(began.acquire(timeout=PATIENCE_S) for _ in range(DRAWN_THREADS))
        for _ in range(40):  # as many as all other answers have threads
            many.append(lines.enter_context(posted(client, "/api/town/statistics", drawn)))
            [refused], _, _ = select.select(many, [], [], PATIENCE_S)
            told = refused.recv(65_536)
            many.remove(refused)
            assert told.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 5" in told.lower()
            assert b"drawn polygons are added up" in told
        for path in ("health", "town/collections/grid-1km/items?limit=1", "town/scenarios/measures"):
            assert client.get(f"/api/{path}").status_code == 200, "while the turns of polygons are taken"
        assert client.post(RESULTS, json={"year": 2040}).status_code == 200, "runs have turns of their own"
        gate.set()
        for line in many:
            line.settimeout(PATIENCE_S)
            assert line.recv(65_536).startswith(b"HTTP/1.1 200"), "whoever had a turn or waited for one is answered"
    assert at_once["most"] == DRAWN_THREADS


def test_whole_columns_are_read_a_few_at_a_time(
    small_store: Path, serving: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    began, gate = threading.Semaphore(0), threading.Event()
    measured = measures.measured

    def slow(*args: Any) -> Any:
        began.release()
        assert gate.wait(4 * PATIENCE_S)
        return measured(*args)

    monkeypatch.setattr(ranking, "measured", slow)
    monkeypatch.setattr(collections, "measured", slow)
    client = serving(small_store, request_seconds=4 * PATIENCE_S)
    grid = "/api/town/collections/grid-500m"
    paths = (f"{grid}/ranking?column=net_tco2e", f"{grid}/distribution?column=net_tco2e")
    with ThreadPoolExecutor(50) as asking:  # more than other answers have threads
        asked = [asking.submit(client.get, path) for path in paths for _ in range(25)]
        assert all(began.acquire(timeout=PATIENCE_S) for _ in range(READ_THREADS))
        for path in ("health", "town/collections/grid-1km/items?limit=1", "town/collections"):
            assert client.get(f"/api/{path}").status_code == 200, "while the turns of whole columns are taken"
        assert not began.acquire(blocking=False), "no more began than there are turns"
        gate.set()
        assert {one.result(PATIENCE_S).status_code for one in asked} == {200}


def test_differences_styles_and_stac_items_wait_for_the_turns_of_whole_columns(
    own_store: Store,
    publish: Callable[..., None],
    serving: Callable[..., httpx.Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = own_store.open("town").id
    publish(own_store.path, "town", "fedcba9876543210", seed=7)
    began, gate = threading.Semaphore(0), threading.Event()
    gate.set()

    def slow(made: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*args: Any) -> Any:
            if args[0] is args[1]:  # an edition beside itself, of which nothing is read
                return made(*args)
            began.release()
            assert gate.wait(4 * PATIENCE_S)
            return made(*args)

        return wait

    monkeypatch.setattr(editions, "largest_changes", slow(editions.largest_changes))
    monkeypatch.setattr(styles, "measured", slow(styles.measured))
    monkeypatch.setattr(catalogue, "stac_item", slow(catalogue.stac_item))
    client = serving(own_store.path, request_seconds=4 * PATIENCE_S)
    paths = (
        f"/api/town/editions/{first}/diff/fedcba9876543210?collection=grid-100m&limit=1",
        "/api/town/styles/net",
        "/api/town/stac/items/grid-100m_2023",
    )
    tags = {path: client.get(path).headers["etag"] for path in paths}
    for path in paths:
        while began.acquire(blocking=False):
            pass
        gate.clear()
        with ThreadPoolExecutor(50) as asking:  # more than other answers have threads
            asked = [asking.submit(client.get, path) for _ in range(READ_THREADS + 40)]
            assert all(began.acquire(timeout=PATIENCE_S) for _ in range(READ_THREADS)), path
            itself = f"town/editions/{first}/diff/{first}?collection=grid-100m"
            for other in ("health", "town/collections/grid-1km/items?limit=1", itself):
                assert client.get(f"/api/{other}").status_code == 200, f"{other} while {path} is read"
            for known, tag in tags.items():
                assert client.get(known, headers={"If-None-Match": tag}).status_code == 304, known
            assert not began.acquire(blocking=False), f"no more of {path} began than there are turns"
            gate.set()
            assert {one.result(PATIENCE_S).status_code for one in asked} == {200}


def test_filtered_and_sorted_pages_hold_up_nothing_else_and_what_is_known_waits_for_nothing(
    small_store: Path, serving: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    began, gate = threading.Semaphore(0), threading.Event()
    gate.set()
    page, measured = features._page, measures.measured

    def slow(made: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*args: Any) -> Any:
            if made is measured or args[2].rows.order or args[2].rows.where is not None:
                began.release()
                assert gate.wait(4 * PATIENCE_S)
            return made(*args)

        return wait

    monkeypatch.setattr(features, "_page", slow(page))
    monkeypatch.setattr(ranking, "measured", slow(measured))
    monkeypatch.setattr(collections, "measured", slow(measured))
    client = serving(small_store, request_seconds=4 * PATIENCE_S)
    grid = "/api/town/collections/grid-500m"
    pages = [f"{grid}/items?{asked}" for asked in ("sortby=-net_tco2e", "filter=held", "held=true", "f=csv&sortby=id")]
    whole = [f"{grid}/{asked}?column=net_tco2e" for asked in ("ranking", "distribution")]
    tags = {path: client.get(path).headers["etag"] for path in (*pages, *whole)}
    while began.acquire(blocking=False):
        pass
    gate.clear()
    with ThreadPoolExecutor(60) as asking:  # more than other answers have threads
        asked = [asking.submit(client.get, path) for path in pages for _ in range(12)]
        asked += [asking.submit(client.get, whole[0]) for _ in range(READ_THREADS)]
        assert all(began.acquire(timeout=PATIENCE_S) for _ in range(CHOICE_THREADS + READ_THREADS))
        for path in ("health", "town/collections/grid-1km/items?limit=1&bbox=9,47,10,48", "town/collections"):
            assert client.get(f"/api/{path}").status_code == 200, "while the turns of filters and orders are taken"
        for path, tag in tags.items():
            assert client.get(path, headers={"If-None-Match": tag}).status_code == 304, path
        assert not began.acquire(blocking=False), "no more began than there are turns"
        gate.set()
        assert {one.result(PATIENCE_S).status_code for one in asked} == {200}


def test_another_edition_is_opened_on_a_thread(
    small_store: Path, serving: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    named = params.edition_named

    def noted(*args: Any) -> Any:
        seen.append(threading.current_thread().name)
        return named(*args)

    monkeypatch.setattr(collections, "edition_named", noted)
    edition = Store(small_store).open("town").id
    address = f"/api/town/collections/grid-500m/distribution?column=net_tco2e&less_edition={edition}"
    assert serving(small_store).get(address).json()["max"] == 0
    assert len(seen) == 1
    assert "AnyIO worker thread" in seen[0]


def test_a_run_whose_time_is_over_is_stopped(
    small_store: Path, serving: Callable[..., httpx.Client], endless: Endless
) -> None:
    client = serving(small_store, request_seconds=4)
    until(lambda: client.get("/api/town/scenarios/measures", timeout=PATIENCE_S).status_code == 200)  # all is loaded
    with ThreadPoolExecutor(THREADS) as asking:
        years = [{"year": ENDLESS + k} for k in range(THREADS)]
        answers = list(asking.map(lambda year: client.post(RESULTS, json=year, timeout=PATIENCE_S), years))
    for told in answers:
        assert told.status_code == 503
        assert "longer than 4 seconds" in told.json()["detail"]
    assert all(endless.stopped.acquire(timeout=PATIENCE_S) for _ in range(THREADS))


def test_a_run_that_costs_too_much_is_refused_with_the_limit(client: httpx.Client, small_store: Path) -> None:
    told = client.get("/api/town/scenarios/measures").json()["limits"]
    sets = len(shipped_parameters().elasticities)
    assert sets == 2
    city = 18_589 * 6 * 500 * sets
    assert told["cells_forms_samples_sets"] == MOST_WORK >= city, "a city of 100 m cells is within it"
    edition = Store(small_store).open("town")
    rows = edition.page("grid-1km", 2023, ["id"], limit=0).matched
    asked = Asked(read_scenario({"year": 2040}), "grid-1km", 2023, samples=5)
    runs = Runs(most_work=rows * 5)
    runs.result(edition, asked)
    with pytest.raises(InvalidParameter, match=rf"{rows} cells x 1 forms x 6 samples .* at most {rows * 5} .* a job"):
        runs.result(edition, replace(asked, samples=6))
    Runs(most_work=None).result(edition, replace(asked, samples=6))
    form = {"id": "more", "kind": "growth", "form": "compact", "people": 100}
    formed = replace(asked, scenario=read_scenario({"year": 2040, "measures": [form]}))
    Runs(most_work=rows * 5 * sets).result(edition, formed)
    with pytest.raises(InvalidParameter, match=rf"1 forms x 5 samples x {sets} sets of elasticities are {rows * 10},"):
        Runs(most_work=rows * 5 * sets - 1).result(edition, formed)


def test_runs_that_would_be_late_are_turned_away_at_once() -> None:
    async def pile_up() -> None:
        gate = threading.Event()
        threads = CapacityLimiter(1)
        app = SimpleNamespace(state=SimpleNamespace(run_threads=threads))
        request: Any = SimpleNamespace(app=app, receive=anyio.sleep_forever)
        async with anyio.create_task_group() as group:
            for _ in range(1 + MOST_WAITING):
                group.start_soon(running, request, gate.wait)
            while threads.statistics().tasks_waiting < MOST_WAITING:
                await anyio.sleep(0.01)
            with pytest.raises(RunsBusy, match="as a job"):
                await running(request, gate.wait)
            gate.set()

    anyio.run(pile_up)
    assert said_of(RunsBusy("come again"))[:2] == (503, "come again")


def test_what_is_kept_of_a_result_counts_each_array_once(small_store: Path) -> None:
    grows = {"id": "g", "kind": "growth", "form": "compact", "people": 20, "moved_people": 0.2}
    scenario = read_scenario({"year": 2040, "measures": [grows]})
    runs, edition = Runs(), Store(small_store).open("town")
    found = runs.result(edition, Asked(scenario, "grid-1km", 2023, samples=5))
    assert found.samples is not None
    drawn = found.samples
    sets = [*drawn.sets_tco2e.values(), *drawn.sets_cells_sd_tco2e.values()]
    assert len(drawn.sets_tco2e) > 1, "each set of elasticities has arrays of its own"
    told = scenario_runs._size(found)
    without = replace(found, samples=replace(drawn, sets_tco2e={}, sets_cells_sd_tco2e={}))
    mine = {id(array): array.nbytes for array in sets if array is not drawn.cells_sd_tco2e}
    assert told - scenario_runs._size(without) == sum(mine.values())
    shared = dict.fromkeys(drawn.sets_cells_sd_tco2e, drawn.cells_sd_tco2e)
    again = replace(found, samples=replace(drawn, sets_tco2e={}, sets_cells_sd_tco2e=shared))
    assert scenario_runs._size(again) == scenario_runs._size(without)
