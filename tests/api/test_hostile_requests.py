"""More than two hundred hostile requests: each is refused with a reason (4xx), none hangs, and the server goes on.

They go over a plain socket, see `hostile_requests`; what is wrong with the wire itself is in `test_hostile_wire`.
"""

import contextlib
import gc
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import hostile_requests as requests
import httpx
import psutil
import pytest

PATIENCE_S = 20
"""No answer for so long is a hang; nothing here asserts speed, but how long each answer took is told at the end."""

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


@pytest.fixture(scope="module")
def took_s(request: pytest.FixtureRequest) -> Iterator[dict[str, float]]:
    """Seconds of each request, alone, from the first byte sent to the last one received; the slowest are told."""
    took: dict[str, float] = {}
    yield took
    plugins = request.config.pluginmanager
    reporter, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")
    if reporter is not None and capture is not None and took:
        slowest = sorted(took, key=lambda name: -took[name])[:3]
        late = sum(seconds > 1 for seconds in took.values())
        told = ", ".join(f"{took[name]:.2f} s ({name})" for name in slowest)
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"{len(took)} hostile requests, {late} took more than a second; slowest: {told}")


def test_there_are_more_than_two_hundred() -> None:
    assert len(HOSTILE) > 200


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_request_is_refused(served_port: int, took_s: dict[str, float], name: str) -> None:
    began = time.perf_counter()
    answer = exchange(served_port, HOSTILE[name])
    took_s[name] = time.perf_counter() - began
    assert refused(answer), answer[:400]


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
