"""A server at work: its limits, its log and numbers, several processes, and editions that change under load."""

import asyncio
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api import watch
from api.app import create_app
from api.errors import SettingsError
from api.limits import Limited
from api.settings import Settings
from api.wire import GuardedProtocol

PROBLEM = "application/problem+json"
PATIENCE_S = 120


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """How many bytes came."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


def limited(app: ASGIApp, **settings: Any) -> httpx.AsyncClient:
    wrapped = Limited(app, Settings(store=Path(), **settings))
    return httpx.AsyncClient(transport=httpx.ASGITransport(wrapped), base_url="http://here")


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


def said_by(answer: httpx.Response, status: int, *words: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    for word in words:
        assert word in answer.json()["detail"]


def exchange(port: int, sent: bytes, *, then_wait: bool = True) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line:
        line.sendall(sent)
        return b"".join(iter(lambda: line.recv(65536), b"")) if then_wait else b""


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    async def ask() -> httpx.Response:
        async with limited(echo, body_bytes=1_000) as client:
            return await client.post("/x", content=b"a" * 1_001)

    said_by(run(ask()), 413, "1000 bytes")


def test_a_body_that_does_not_say_how_large_it_is_is_cut_off() -> None:
    async def pieces() -> Any:
        for _ in range(50):
            yield b"a" * 100

    async def ask() -> httpx.Response:
        async with limited(echo, body_bytes=1_000) as client:
            return await client.post("/x", content=pieces())

    said_by(run(ask()), 413, "1000 bytes")


def test_a_body_of_just_the_size_is_taken() -> None:
    async def ask() -> httpx.Response:
        async with limited(echo, body_bytes=1_000) as client:
            return await client.post("/x", content=b"a" * 1_000)

    assert run(ask()).text == "1000"


def test_a_long_address_is_refused(client: httpx.Client) -> None:
    said_by(client.get("/api/regions?x=" + "a" * 17_000), 414, "at most 16384")


def test_an_answer_that_takes_too_long_is_given_up_and_still_counts_as_under_way() -> None:
    async def ask() -> list[httpx.Response]:
        go_on = asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            await go_on.wait()
            await PlainTextResponse("late")(scope, receive, send)

        async with limited(slow, request_seconds=0.2, concurrency=1) as client:
            told = [await client.get("/x"), await client.get("/x")]
            go_on.set()
            return told

    first, second = run(ask())
    said_by(first, 503, "longer than 0.2 seconds", "ask for less")
    said_by(second, 503, "1 requests at a time")
    assert second.headers["retry-after"] == "2"


def test_a_server_with_all_it_can_take_under_way_says_that_it_is_alive(small_store: Path) -> None:
    async def ask() -> tuple[list[httpx.Response], list[httpx.Response]]:
        transport = httpx.ASGITransport(create_app(Settings(store=small_store, concurrency=2)))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            threads, holders = to_thread.current_default_thread_limiter(), [object() for _ in range(1000)]
            holders = holders[: int(threads.available_tokens)]
            for holder in holders:
                threads.acquire_on_behalf_of_nowait(holder)
            waiting = [asyncio.create_task(client.get("/api/regions")) for _ in range(2)]
            while threads.statistics().tasks_waiting < 2:
                await asyncio.sleep(0)
            busy = [await client.get("/api/regions")]
            for address in ("/api/health", "/api/ready"):
                busy.append(await asyncio.wait_for(client.get(address), 20))
            assert not any(task.done() for task in waiting)
            for holder in holders:
                threads.release_on_behalf_of(holder)
            return busy, list(await asyncio.gather(*waiting))

    (refused, *alive), waited = run(ask())
    said_by(refused, 503, "2 requests at a time")
    assert [(one.status_code, one.json()) for one in alive] == [(200, {"status": "ok", "regions": 1})] * 2
    assert [one.status_code for one in waited] == [200, 200]


def test_a_body_that_comes_too_slowly_is_not_waited_for() -> None:
    async def pieces() -> Any:
        yield b"a"
        await asyncio.sleep(5)
        yield b"b"

    async def ask() -> httpx.Response:
        wrapped = Limited(echo, Settings(store=Path(), request_seconds=0.2))
        sent: list[Any] = []

        async def receive() -> Any:
            await asyncio.sleep(0 if not sent else 10)
            sent.append(1)
            return {"type": "http.request", "body": b"a", "more_body": True}

        told: list[Any] = []

        async def send(message: Any) -> None:
            told.append(message)

        scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": "/x",
            "raw_path": b"/x",
            "query_string": b"",
            "headers": [],
        }
        scope |= {"server": ("here", 80), "scheme": "http", "client": None, "http_version": "1.1"}
        await wrapped(scope, receive, send)
        headers = dict(told[0]["headers"])
        return httpx.Response(told[0]["status"], headers=headers, content=told[1]["body"])

    said_by(run(ask()), 408, "0.2 seconds")


def test_an_answer_that_began_in_time_may_take_its_time() -> None:
    async def drops() -> Any:
        for _ in range(4):
            await asyncio.sleep(0.3)
            yield b"x"

    async def dripping(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(drops())(scope, receive, send)

    async def ask() -> httpx.Response:
        async with limited(dripping, request_seconds=1) as client:
            return await client.get("/x")

    assert run(ask()).text == "xxxx"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch, small_store: Path, serving: Callable[..., httpx.Client]) -> int:
    """A server that waits for half a second."""
    monkeypatch.setattr(GuardedProtocol, "head_seconds", 0.5)
    return serving(small_store).base_url.port or 0


@pytest.fixture
def curt(monkeypatch: pytest.MonkeyPatch, small_store: Path, serving: Callable[..., httpx.Client]) -> int:
    """A server that takes 4,000 bytes of headers."""
    monkeypatch.setattr(GuardedProtocol, "head_bytes", 4_000)
    return serving(small_store).base_url.port or 0


def test_a_client_that_sends_its_request_slowly_is_told_so(hurried: int) -> None:
    answer = exchange(hurried, b"GET /api/health HTTP/1.1\r\nHost: here\r\n")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive within 0.5 seconds" in answer


def test_so_is_one_that_was_quick_before(hurried: int) -> None:
    whole = b"GET /api/health HTTP/1.1\r\nHost: here\r\n\r\n"
    answer = exchange(hurried, whole + b"GET /api/health HTTP/1.1\r\nHost:")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answer


def test_a_connection_without_a_request_is_closed(hurried: int) -> None:
    assert exchange(hurried, b"") == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"a" * 9_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2_000,
    ],
    ids=["a long line", "a long header", "many headers"],
)
def test_a_head_without_end_is_cut_off(curt: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", curt), timeout=PATIENCE_S) as line:
        for start in range(0, len(sent), 1_000):
            try:
                line.sendall(sent[start : start + 1_000])
            except OSError:  # it was closed meanwhile, which is the point
                break
            time.sleep(0.005)
        try:
            answer = line.recv(65536)
        except ConnectionResetError:
            return
    assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 414 "))


def test_a_body_may_be_longer_than_a_head(curt: int) -> None:
    head = b"POST /api/regions HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 20000\r\n\r\n"
    assert exchange(curt, head + b"a" * 20_000).startswith(b"HTTP/1.1 405 ")


# --- what is told -----------------------------------------------------------------------------------------------------


def test_every_answer_has_an_id_and_keeps_one_that_was_given(client: httpx.Client) -> None:
    given = client.get("/api/regions", headers={"X-Request-ID": "trace-42"})
    assert given.headers["x-request-id"] == "trace-42"
    made = {client.get("/api/regions").headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    forged = client.get("/api/regions", headers={"X-Request-ID": 'a"b{}'}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", forged)


@contextmanager
def log_lines(form: Any, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[str], list[str]]]:
    loggers = [logging.getLogger(name) for name in ("carbonmap", "uvicorn")]
    kept = [(logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    watch.configure_logs(form)
    told: list[str] = []

    def lines(word: str) -> list[str]:
        """Lines with a word of the request: it is told of after it was answered, and so are those of earlier tests."""

        def written() -> bool:
            told.append(capsys.readouterr().err)
            return word in "".join(told)

        assert wait_for(written)
        return [line for line in "".join(told).split("\n") if word in line]

    try:
        yield lines
    finally:
        for logger, (handlers, propagate, level) in zip(loggers, kept, strict=True):
            logger.handlers[:] = handlers
            logger.propagate = propagate
            logger.setLevel(level)


def test_the_log_is_one_document_a_line(client: httpx.Client, capsys: pytest.CaptureFixture[str]) -> None:
    with log_lines("json", capsys) as lines:
        client.get("/api/regions?x=1", headers={"X-Request-ID": "of-this-test"})
        [line] = [json.loads(line) for line in lines("of-this-test")]
    assert line["request_id"] == "of-this-test"
    assert (line["method"], line["path"], line["query"], line["status"]) == ("GET", "/api/regions", "x=1", 400)
    assert line["logger"] == "carbonmap.access"
    assert line["bytes"] > 0


@pytest.mark.parametrize("form", ["json", "text"])
def test_warnings_of_libraries_are_lines_of_the_log(project: Path, form: str) -> None:
    script = (
        "import warnings, sys; from pydantic.warnings import UnsupportedFieldAttributeWarning\n"
        "from api.watch import configure_logs; configure_logs(sys.argv[1])\n"
        "warnings.warn('it is\\nso', RuntimeWarning)\n"
        "warnings.warn('fields', UnsupportedFieldAttributeWarning)\n"
    )
    command = [sys.executable, "-P", "-c", script, form]
    environment = {**os.environ, "PYTHONPATH": str(project), "PYTHONWARNINGS": "default"}
    told = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stderr
    [line] = told.splitlines()
    message = json.loads(line)["message"] if form == "json" else line
    assert message.endswith("RuntimeWarning: it is\\nso")


def test_an_offer_of_another_protocol_is_answered_and_fills_no_log(
    client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    with log_lines("json", capsys) as lines:
        for k in range(3):
            offer = {"Connection": "Upgrade", "Upgrade": "h2c" if k else "websocket", "X-Request-ID": "of-this-test"}
            assert client.get("/api/regions", headers=offer).status_code == 200
        assert lines("of-this-test")
        assert not [line for line in lines("") if "upgrade" in line.lower()]


@pytest.mark.parametrize(("trusted", "address"), [("127.0.0.1", "203.0.113.9"), ("10.0.0.1", "127.0.0.1")])
def test_the_log_has_the_address_that_a_trusted_proxy_tells(
    small_store: Path,
    serving: Callable[..., httpx.Client],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    trusted: str,
    address: str,
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    client = serving(small_store)
    with log_lines("json", capsys) as lines:
        # Whoever is asked directly can write what they like before the address that the proxy adds.
        asked = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Request-ID": "of-this-test"}
        client.get("/api/regions", headers=asked)
        [line] = [json.loads(line) for line in lines("of-this-test")]
    assert line["client"] == address


def test_nobody_can_forge_a_line_of_the_log(client: httpx.Client, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "json"):
        with log_lines(form, capsys) as lines:
            client.get("/api/x%0d%0aERROR%20forged%1b[31m%e2%80%a8y")
            [told] = lines("forged")
        assert "/api/x" in told, "what is forged stands in the line of its request"
        assert len(told.splitlines()) == 1
        assert "\x1b" not in told


def test_numbers_for_prometheus_name_routes_and_not_addresses(client: httpx.Client) -> None:
    def counts() -> Counter[tuple[str, str]]:
        text = client.get("/api/metrics").text
        found = re.findall(r'carbonmap_requests_total\{method="GET",route="([^"]+)",status="(\d+)"\} (\S+)', text)
        return Counter({(route, status): int(float(count)) for route, status, count in found})

    before = counts()
    client.get("/api/town/collections/grid-1km/items?limit=1")
    client.get("/api/nowhere/collections/grid-1km/items?limit=1")
    client.get("/api/some/secret/path")
    client.get("/../../etc")
    route = "/api/{region}/collections/{collection}/items"
    assert wait_for(lambda: counts()["web", "404"] > before["web", "404"])  # counted after it was answered
    more = counts() - before
    assert more[route, "200"] == 1
    assert more[route, "404"] == 1
    assert not any("secret" in name or "etc" in name for name, _ in more)


def test_numbers_can_be_kept_to_oneself(small_store: Path, serving: Callable[..., httpx.Client]) -> None:
    assert serving(small_store, metrics=False).get("/api/metrics").status_code == 404


def test_a_server_without_a_region_is_alive_and_not_ready(tmp_path: Path, serving: Callable[..., httpx.Client]) -> None:
    empty = serving(tmp_path)
    assert (empty.get("/api/health").status_code, empty.get("/api/ready").status_code) == (200, 503)


def test_a_server_with_one_is_ready(client: httpx.Client) -> None:
    assert client.get("/api/ready").json() == {"status": "ok", "regions": 1}


# --- settings ---------------------------------------------------------------------------------------------------------


def test_what_is_given_goes_before_variables_and_those_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text('store = "of-the-file"\ngzip_level = 1\nconcurrency = 7\ncors_origins = ["https://a.example"]\n')
    variables = {"CARBONMAP_SETTINGS": str(file), "CARBONMAP_GZIP_LEVEL": "2", "CARBONMAP_STORE": "of-a-variable"}
    settings = Settings.load(environment=variables, store=Path("given"), web=None)
    assert (settings.store, settings.gzip_level, settings.concurrency) == (Path("given"), 2, 7)
    assert Settings.load(environment=settings.as_environment()) == settings


def test_a_download_is_waited_for_no_longer_than_its_request() -> None:
    """Else it would be said to take too long, and nobody would know to ask again."""
    nothing: dict[str, str] = {}
    assert Settings.load(environment=nothing).download_wait_s == 10
    assert Settings.load(environment=nothing, request_seconds=10.0).download_wait_s == 7
    short = Settings.load(environment=nothing, request_seconds=10.0, export_wait_s=7.0)
    assert Settings.load(environment=short.as_environment()).download_wait_s == 7
    with pytest.raises(SettingsError, match=r"CARBONMAP_EXPORT_WAIT_S: expected 21 at most, .* got '600'"):
        Settings.load(environment={"CARBONMAP_EXPORT_WAIT_S": "600"})
    assert Settings.load(environment=nothing, request_seconds=1000.0, export_wait_s=600.0).download_wait_s == 600


def wait_for(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within a minute."""
    for _ in range(600):
        if condition():
            return True
        time.sleep(0.1)
    return False
