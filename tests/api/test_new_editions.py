"""New editions published while several processes answer: no request fails, and no answer mixes two of them."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from grids.edition import Store

pytestmark = pytest.mark.skipif(os.name == "nt", reason="workers share a socket by inheriting it")

TOWN = "/api/town"
TILES = f"{TOWN}/collections/grid-500m/tiles/WebMercatorQuad"
AT = "11/719/1078"
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[9.53, 47.13], [9.57, 47.13], [9.57, 47.16], [9.53, 47.16], [9.53, 47.13]]],
}
EDITIONS = [f"{k:016x}" for k in range(1, 5)]

Answer = tuple[str, bytes]
"""The edition that answered, and what it said."""


def asked(client: httpx.Client, address: str, **sent: Any) -> httpx.Response:
    answer = client.request("POST" if sent else "GET", address, **sent)
    assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.text[:200]}"
    return answer


def with_edition(address: str, edition: str | None) -> str:
    return address if edition is None else f"{address}{'&' if '?' in address else '?'}edition={edition}"


def document(client: httpx.Client, address: str, edition: str | None, **sent: Any) -> Answer:
    told = asked(client, with_edition(address, edition), **sent).json()
    told.pop("links", None)  # they name the edition if the request did
    return told["edition"], orjson.dumps(told)


def walk(client: httpx.Client, edition: str | None) -> Answer:
    """All pages of a collection, by their links."""
    at, rows, of = with_edition(f"{TOWN}/collections/grid-500m/items?limit=40&properties=net_tco2e", edition), [], set()
    while at:
        page = asked(client, at).json()
        of.add(page["edition"])
        rows += [(one["id"], one["properties"]["net_tco2e"]) for one in page["features"]]
        at = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    [one] = of
    return one, orjson.dumps(rows)


def tile(client: httpx.Client, edition: str | None) -> Answer:
    """A tile, which does not say of which edition it is."""
    return edition or "", asked(client, with_edition(f"{TILES}/{AT}", edition)).content


def named_tile(client: httpx.Client, edition: str | None) -> Answer:
    """A tile by the address that a map takes from the metadata, which names an edition."""
    told = asked(client, with_edition(TILES, edition)).json()
    z, y, x = AT.split("/")
    address = told["tiles"][0].replace("{z}", z).replace("{y}", y).replace("{x}", x)
    return httpx.URL(address).params["edition"], asked(client, address).content


def sums(client: httpx.Client, edition: str | None) -> Answer:
    return document(client, f"{TOWN}/statistics?profile=true", edition, json=SQUARE)


def series(client: httpx.Client, edition: str | None) -> Answer:
    """Tables of several years in one answer."""
    return document(client, f"{TOWN}/collections/municipality/timeseries?ids=west", edition)


def receipt(client: httpx.Client, edition: str | None) -> Answer:
    """Public and private tables in one answer."""
    return document(client, f"{TOWN}/receipts/municipality/west", edition)


KINDS: dict[str, Callable[[httpx.Client, str | None], Answer]] = {
    one.__name__: one for one in (walk, tile, named_tile, sums, series, receipt)
}


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_new_editions_under_load_cost_no_request_and_mix_no_answer(
    own_store: Store, workers_serving: Callable[[Path], Any], publish: Callable[..., None]
) -> None:
    publish(own_store.path, "town", EDITIONS[0], seed=10)
    server = workers_serving(own_store.path)
    wait_until(lambda: server.ready() and len(server.answering) == 2)
    stop = threading.Event()
    seen: dict[str, list[Answer]] = {kind: [] for kind in KINDS}

    def connected() -> httpx.Client:
        # A connection for each request: whichever worker takes it answers.
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(base_url=server.address, timeout=60, limits=limits)

    def ask(kind: str) -> None:
        with connected() as client:
            while not stop.is_set():
                seen[kind].append(KINDS[kind](client, None))

    work = {process.pid: sum(process.cpu_times()[:2]) for process in server.answering}
    with ThreadPoolExecutor(len(KINDS)) as pool:
        asking = [pool.submit(ask, kind) for kind in KINDS]

        def two_more_of_each() -> None:
            before = {kind: len(answers) for kind, answers in seen.items()}
            wait_until(lambda: any(one.done() for one in asking) or all(len(seen[k]) >= before[k] + 2 for k in KINDS))

        try:
            two_more_of_each()
            for number, edition in enumerate(EDITIONS[1:]):
                publish(own_store.path, "town", edition, seed=20 + number)
                two_more_of_each()
        finally:
            stop.set()
    for one in asking:
        one.result()  # which says what failed
    assert {process.pid for process in server.answering} == set(work), "no worker was lost"
    assert all(sum(process.cpu_times()[:2]) > work[process.pid] for process in server.answering), "both answered"
    with connected() as client:
        for kind, answers in seen.items():
            alone = {edition: KINDS[kind](client, edition) for edition in EDITIONS}
            assert len({said for _, said in alone.values()}) == len(EDITIONS), f"{kind}: editions can be told apart"
            known = {said: edition for edition, (_, said) in alone.items()}
            assert all(said in known for _, said in answers), f"{kind}: an answer is of no edition"
            assert all(told in ("", known[said]) for told, said in answers), f"{kind}: it says another edition"
            order = [EDITIONS.index(known[said]) for _, said in answers]
            assert order == sorted(order), f"{kind}: it went back to an older edition"
            assert set(order) == set(range(len(EDITIONS))), f"{kind}: not every edition was seen"
