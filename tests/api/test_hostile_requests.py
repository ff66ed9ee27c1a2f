"""More than two hundred hostile requests: each is refused with a reason (4xx), none hangs, and the server goes on.

They go over a plain socket, see `hostile_requests`; what is wrong with the wire itself is in `test_hostile_wire`.
"""

import contextlib
import gc
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import hostile_requests as requests
import httpx
import psutil
import pytest

from api.warming import answer_first
from grids.edition import Store

PATIENCE_S = 120
"""No answer for so long is a hang; how long each took depends on who else is at work, and is told at the end."""
MOST_WORK_S = 1.0
"""Of a processor, for one hostile request; most work were 0.07 when it was last looked at."""

HOSTILE: dict[str, bytes] = requests.HOSTILE
GOOD = f"{requests.ITEMS}?limit=5&sortby=-net_tco2e&filter=net_tco2e%20%3E%200"


def exchange(port: int, sent: bytes) -> bytes:
    """What comes back; the server may answer and close before it has read everything, as it should."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line:
        parts = []
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            line.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            while part := line.recv(65_536):
                parts.append(part)
        return b"".join(parts)


def refused(answer: bytes) -> bool:
    """Whether it is a problem document of 4xx with a reason."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 4") or b"content-type: application/problem+json" not in head.lower():
        return False
    document = json.loads(body)
    return document["status"] == int(head[9:12]) and len(document["detail"]) > 10


@dataclass(frozen=True)
class Took:
    """Seconds of a request, alone, from the first byte sent to the last one received; and of work that it made."""

    waited: float
    worked: float


@pytest.fixture(scope="module")
def took(request: pytest.FixtureRequest, client: httpx.Client, small_store: Path) -> Iterator[dict[str, Took]]:
    """How long each request took; the slowest are told, and how busy the machine was meanwhile."""
    found: dict[str, Took] = {}
    # What a server loads once is not the work of whoever asks first.
    answer_first(Store(small_store))
    client.get(GOOD)
    yield found
    plugins = request.config.pluginmanager
    reporter, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")
    if reporter is not None and capture is not None and found:

        def told(what: str) -> str:
            most = sorted(found, key=lambda name: -getattr(found[name], what))[:3]
            return ", ".join(f"{getattr(found[name], what):.2f} s ({name})" for name in most)

        late = sum(one.waited > 1 for one in found.values())
        lines = [
            f"{len(found)} hostile requests, {late} took more than a second; slowest: {told('waited')}",
            f"most work: {told('worked')}; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}",
        ]
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            for line in lines:
                reporter.write_line(line)


def test_there_are_more_than_two_hundred() -> None:
    assert len(HOSTILE) > 200


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_request_is_refused(served_port: int, took: dict[str, Took], name: str) -> None:
    began, work = time.perf_counter(), time.process_time()  # of this process, in which the server runs too
    answer = exchange(served_port, HOSTILE[name])
    took[name] = Took(time.perf_counter() - began, time.process_time() - work)
    assert refused(answer), answer[:400]
    assert took[name].worked < MOST_WORK_S, "seconds of the processor"


def test_answers_stay_right_while_all_of_them_come_at_once(served_port: int, client: httpx.Client) -> None:
    expected = client.get(GOOD).content
    seen: list[bytes] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=client.base_url, timeout=PATIENCE_S) as mine:
            while not stop.is_set():
                seen.append(mine.get(GOOD).content)

    asking = threading.Thread(target=ask)
    asking.start()
    with ThreadPoolExecutor(8) as attackers:
        answers = list(attackers.map(lambda sent: exchange(served_port, sent), HOSTILE.values()))
    stop.set()
    asking.join(PATIENCE_S)
    assert not [name for name, answer in zip(HOSTILE, answers, strict=True) if not refused(answer)]
    assert seen
    assert set(seen) == {expected}


def test_nothing_of_them_is_kept(served_port: int) -> None:
    sent = [request for name, request in HOSTILE.items() if name.startswith("body") and len(request) < 2_000_000]

    def memory_after(rounds: int) -> int:
        for _ in range(rounds):
            for request in sent:
                assert refused(exchange(served_port, request))
        gc.collect()
        return int(psutil.Process().memory_info().rss)

    before = memory_after(2)
    assert sum(map(len, sent)) * 24 > 120e6, "what is sent must stand out if it is kept"
    assert memory_after(24) - before < 60e6
