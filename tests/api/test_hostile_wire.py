"""What is hostile about the wire itself: heads that are no HTTP, lengths that lie, clients that stall, leave or push.

The whole requests that only ask for the wrong thing are in `test_hostile_requests`.
"""

import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import hostile_requests as requests
import httpx
import pytest

from api import watch
from api.wire import GuardedProtocol

PATIENCE_S = 120

get, post, ITEMS = requests.get, requests.post, requests.ITEMS
DOWNLOAD = "/api/town/downloads/grid-1km_2023.csv"

METHODS = (
    b"PUT",
    b"PATCH",
    b"DELETE",
    b"TRACE",
    b"PROPFIND",
    b"MKCOL",
    b"LOCK",
    b"PURGE",
    b"BREW",
    b"get",
    b"G\xc3\x84T",
)
HEAD = b"Host: here\r\nConnection: close\r\n"
WIRE = {
    "rubbish": b"\x00\x01\x02\x03\xff\xfe\r\n\r\n",
    "the hello of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "SSH": b"SSH-2.0-x\r\n\r\n",
    "HTTP/0.9": b"GET /api/health\r\n\r\n",
    "HTTP/9.9": get("/api/health", version=b"9.9"),
    "a version that is none": get("/api/health", version=b"one"),
    "no target": b"GET HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a target with spaces": b"GET /api /health HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a null byte in the target": get(b"/api/\x00health"),
    "a name and a port to connect to": b"CONNECT 169.254.169.254:80 HTTP/1.1\r\n" + HEAD + b"\r\n",
    "somebody else's address": get("http://169.254.169.254/latest/meta-data/"),
    "a file's address": get("file:///etc/passwd"),
    "a header without a colon": get("/api/health", b"nonsense"),
    "a header without a name": get("/api/health", b": x"),
    "a space before the colon": get("/api/health", b"X : y"),
    "a null byte in a header": get("/api/health", b"X: a\x00b"),
    "a control character in a header": get("/api/health", b"X: a\x01b"),
    "a header's name of other letters": get("/api/health", "Ünïcode: x".encode()),
    "a lone carriage return": get("/api/health", b"X: a\rY: b"),
    "two lengths": post(b"{}", b"Content-Length: 5"),
    "a length below 0": b"POST /api/town/statistics HTTP/1.1\r\n" + HEAD + b"Content-Length: -1\r\n\r\n{}",
    "a length with a sign": b"POST /api/town/statistics HTTP/1.1\r\n" + HEAD + b"Content-Length: +2\r\n\r\n{}",
    "a length in hexadecimal": b"POST /api/town/statistics HTTP/1.1\r\n" + HEAD + b"Content-Length: 0x2\r\n\r\n{}",
    "a length beyond any number": b"POST /api/town/statistics HTTP/1.1\r\n"
    + HEAD
    + b"Content-Length: "
    + b"9" * 40
    + b"\r\n\r\n{}",
    "a length of a terabyte": b"POST /api/town/statistics HTTP/1.1\r\n"
    + HEAD
    + b"Content-Length: 1099511627776\r\n\r\n{}",
    "a length and chunks": b"POST /api/town/statistics HTTP/1.1\r\n"
    + HEAD
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    "chunks twice over": b"POST /api/town/statistics HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks under another name": b"POST /api/town/statistics HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a chunk of no number": b"POST /api/town/statistics HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a chunk below 0": b"POST /api/town/statistics HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "a chunk beyond any number": b"POST /api/town/statistics HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "chunks that end in rubbish": b"POST /api/town/statistics HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
    "chunks without end": b"POST /api/town/statistics HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"1000\r\n"
    + (b" " * 4096 + b"\r\n1000\r\n") * 600,
    "a body of three megabytes": post(b" " * 3_000_000),
    "a line of 100,000 bytes": get("/api/" + "a" * 100_000),
    "a query of 30,000 bytes": get("/api/regions?" + "a" * 30_000),
    "a header of 100,000 bytes": get("/api/health", b"X: " + b"a" * 100_000),
    "20,000 headers": get("/api/health", *[b"X: y"] * 20_000),
    "a cookie of 100,000 bytes": get("/api/health", b"Cookie: " + b"a=b;" * 25_000),
    "a method of 1,000 letters": b"A" * 1_000 + b" / HTTP/1.1\r\n" + HEAD + b"\r\n",
    "nothing that is accepted": get(ITEMS, b"Accept: " + b"x/y;q=0.1," * 800 + b"z/z"),
    "a form that no list has": get(ITEMS, b"Accept: application/x-php"),
    "posting where nothing is taken": post(b"{}", target="/api/regions"),
    "posting elsewhere by a header": post(b"{}", b"X-HTTP-Method-Override: DELETE", target="/api/regions"),
}


def exchange(port: int, sent: bytes) -> bytes:
    """What comes back; the server may answer and close before it has read everything, as it should."""
    with connected(port) as line:
        parts = []
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            line.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            while part := line.recv(65_536):
                parts.append(part)
        return b"".join(parts)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:80]
    return int(answer[9:12])


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("name", WIRE)
def test_what_is_no_proper_request_is_refused(served_port: int, name: str) -> None:
    answer = exchange(served_port, WIRE[name])
    assert 400 <= status_of(answer) < 500, answer[:300]
    document = json.loads(body_of(answer))
    assert (document["status"], document["type"]) == (status_of(answer), "about:blank")


@pytest.mark.parametrize("method", METHODS)
def test_other_methods_are_refused(served_port: int, method: bytes) -> None:
    answer = exchange(served_port, get("/api/town/collections").replace(b"GET", method, 1))
    assert status_of(answer) in (400, 405)


# What looks hostile and is allowed: (request, status). None may fail, or mean more than it says.
STRANGE = {
    "ten thousand ranges": (get(DOWNLOAD, b"Range: bytes=" + b"0-0," * 10_000 + b"1-1"), 200),
    "ranges over each other": (get(DOWNLOAD, b"Range: bytes=0-,0-,0-,0-"), 200),
    "a range of 300 digits": (get(DOWNLOAD, b"Range: bytes=" + b"9" * 300 + b"-"), 200),
    "8 kB of Accept": (get(ITEMS, b"Accept: " + b"x/y;q=0.5," * 800 + b"*/*;q=0.1"), 406),
    "weights that are no numbers": (
        get(ITEMS, b"Accept: text/html;q=nan, */*;q=1e999, a/b;q=-inf, application/json"),
        200,
    ),
    "30 kB of Accept-Language": (get(ITEMS, b"Accept-Language: " + b"a-" * 15_000), 200),
    "30 kB of Accept-Encoding": (get(ITEMS, b"Accept-Encoding: " + b"gzip;q=0.1," * 2_700), 200),
    "30 kB of tags": (get(ITEMS, b"If-None-Match: " + b'"a",' * 7_500), 200),
    "30 kB of request id": (get(ITEMS, b"X-Request-ID: " + b"a" * 30_000), 200),
    "a key that is none": (get(ITEMS, b"Authorization: Basic \xff\xfe" + b"x" * 10_000), 200),
    "a body with a GET": (get(ITEMS, b"Content-Length: 2") + b"{}", 200),
    "HTTP/1.0 without a host": (b"GET /api/health HTTP/1.0\r\n\r\n", 200),
    "an upgrade to a socket": (get("/api/health", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"), 200),
    "a fragment": (get("/api/health#/../../etc/passwd"), 200),
    "an address of another host": (get("http://169.254.169.254/api/health"), 200),
    "a text that is no UTF-8": (get(f"{ITEMS}?filter=id%20%3D%20%27%ed%a0%80%ff%27"), 200),
}


@pytest.fixture(scope="module")
def download_made(client: httpx.Client) -> None:
    """On a busy machine a file takes longer to be made than a request waits for it."""
    for _ in range(60):
        if client.head(DOWNLOAD).status_code == 200:
            return
        time.sleep(1)
    pytest.fail("the file was not made")


@pytest.mark.usefixtures("download_made")
@pytest.mark.parametrize("name", STRANGE)
def test_what_is_strange_and_allowed_is_answered(served_port: int, name: str) -> None:
    sent, status = STRANGE[name]
    assert status_of(exchange(served_port, sent)) == status


@pytest.mark.parametrize(
    "host",
    [b'"><script>alert(1)</script>', b"a b", b"[::1", b"x/../y", b"x?y", b"a@b", b"a,b", b"a\\b", b"\xff", b"x:y"],
)
def test_a_host_that_is_none_is_refused(served_port: int, host: bytes) -> None:
    answer = exchange(served_port, get("/api/town/").replace(b"Host: here", b"Host: " + host))
    assert status_of(answer) == 400
    assert b"names no host" in answer


def test_two_hosts_and_none_are_refused(served_port: int) -> None:
    assert b"2 Host headers" in exchange(served_port, get("/api/town/", b"Host: elsewhere"))
    assert b"0 Host headers" in exchange(served_port, get("/api/town/").replace(b"Host: here\r\n", b""))


def test_a_proxy_that_nobody_set_up_decides_no_link(served_port: int) -> None:
    forged = (b"X-Forwarded-Host: evil.example", b"X-Forwarded-Proto: javascript", b"Forwarded: host=evil.example")
    answer = exchange(served_port, get("/api/town/", *forged, b"X-Forwarded-Prefix: /evil", b"X-Original-URL: /evil"))
    assert status_of(answer) == 200
    assert b"evil" not in answer


def test_a_second_request_hidden_in_a_body_is_no_request(served_port: int) -> None:
    hidden = get("/api/town/collections/smuggled")
    answer = exchange(served_port, post(hidden))
    assert answer.count(b"HTTP/1.1 ") == 1
    chunked = hidden.join([b"%x\r\n" % len(hidden), b"\r\n0\r\n\r\n"])
    head = (
        b"POST /api/town/statistics HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    assert exchange(served_port, head + chunked).count(b"HTTP/1.1 ") == 1


def test_requests_in_a_row_are_answered_in_their_order(served_port: int) -> None:
    ids = ["west", "nothing", "%EB%8F%99%EA%B5%AC"] * 20
    row = [get(f"/api/town/collections/municipality/items/{one}") for one in ids]
    answers = exchange(served_port, b"".join(one.replace(b"Connection: close\r\n", b"") for one in row[:-1]) + row[-1])
    assert [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]] == [200, 404, 200] * 20


def test_rubbish_behind_a_request_does_not_get_into_its_answer(served_port: int) -> None:
    wanted = get(f"{ITEMS}?limit=30").replace(b"Connection: close\r\n", b"")
    with connected(served_port) as line:
        line.sendall(wanted + b"\x00rubbish\r\n\r\n")
        parts = []
        with contextlib.suppress(ConnectionResetError):
            while part := line.recv(65_536):
                parts.append(part)
    # Whatever comes is whole answers: the items, or the refusal, or the one and then the other.
    for part in b"".join(parts).split(b"HTTP/1.1 ")[1:]:
        json.loads(body_of(part))


# --- clients that stall, leave or push --------------------------------------------------------------------------------


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch, small_store: Path, serving: Callable[..., httpx.Client]) -> httpx.Client:
    """A server that answers two requests at a time and waits half a second for anything."""
    monkeypatch.setattr(GuardedProtocol, "head_seconds", 0.5)
    monkeypatch.setattr(GuardedProtocol, "taken_seconds", 0.5)
    return serving(small_store, concurrency=2, request_seconds=0.5)


def port_of(client: httpx.Client) -> int:
    assert client.base_url.port is not None
    return client.base_url.port


def answers_again(client: httpx.Client) -> bool:
    for _ in range(200):
        if client.get("/api/town/collections").status_code == 200:
            return True
        time.sleep(0.1)
    return False


def test_a_client_that_takes_nothing_of_what_it_asked_for_is_let_go(
    monkeypatch: pytest.MonkeyPatch, small_store: Path, serving: Callable[..., httpx.Client]
) -> None:
    """Else two hundred sockets would occupy a server for good: an answer waits until the one before it is taken."""
    monkeypatch.setattr(GuardedProtocol, "taken_seconds", 3.0)
    client = serving(small_store, concurrency=1)
    before = times_let_go(client, "stalled")
    asked = get("/api/town/collections/grid-100m/items?limit=10000&f=geojson").replace(b"Connection: close\r\n", b"")

    def is_full() -> bool:
        """Not for a moment only, as while an answer is made."""
        for _ in range(8):
            if client.get("/api/town/collections").status_code != 503:
                return False
            time.sleep(0.1)
        return True

    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        line.settimeout(PATIENCE_S)
        line.connect(("127.0.0.1", port_of(client)))
        for _ in range(10):  # more than the system keeps for a line
            line.sendall(asked)
            if is_full():
                break
        else:
            pytest.fail("the server took all that was never read")
        assert answers_again(client)
    assert times_let_go(client, "stalled") == before + 1


def test_a_client_that_takes_its_time_gets_all_of_it(
    monkeypatch: pytest.MonkeyPatch, small_store: Path, serving: Callable[..., httpx.Client]
) -> None:
    """It takes something in each second, and longer than a second in all."""
    monkeypatch.setattr(GuardedProtocol, "taken_seconds", 1.0)
    client = serving(small_store)
    wanted = client.get("/api/town/collections/grid-100m/items?limit=10000", headers={"Accept-Encoding": "identity"})
    assert wanted.status_code == 200
    asked = get("/api/town/collections/grid-100m/items?limit=10000").replace(b"here", client.base_url.netloc)
    with connected(port_of(client)) as line:
        line.sendall(asked)
        got = bytearray()
        while part := line.recv(65_536):
            got += part
            time.sleep(0.03)
    assert body_of(bytes(got)) == wanted.content


def test_clients_that_take_a_little_for_ever_leave_places_to_others(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    small_store: Path,
    serving: Callable[..., httpx.Client],
) -> None:
    """Else two hundred of them, at a kilobyte a second, would keep everybody else out for as long as they like."""
    caplog.handler.addFilter(watch._with_request_id)
    gone = threading.Semaphore(0)
    let_go = GuardedProtocol.let_go

    def counted(self: GuardedProtocol, why: str) -> None:
        let_go(self, why)
        gone.release()

    monkeypatch.setattr(GuardedProtocol, "let_go", counted)
    monkeypatch.setattr(GuardedProtocol, "taken_bytes", 0)  # who takes anything is not let go for that
    monkeypatch.setattr(GuardedProtocol, "most_slow", 1)
    monkeypatch.setattr(GuardedProtocol, "patience_seconds", 0.2)
    client = serving(small_store, concurrency=3)
    page = "/api/town/collections/grid-100m/items?limit=10000"
    wanted = client.get(page)
    assert wanted.status_code == 200
    one = get(f"{page}&f=geojson", b"X-Request-ID: slow").replace(b"Connection: close\r\n", b"")
    asked = one * 30  # more than the system keeps for a line
    before = times_let_go(client)
    over = threading.Event()

    def take_a_little(lines: list[socket.socket]) -> None:
        while not over.wait(0.1):
            for line in lines:
                with contextlib.suppress(BlockingIOError, ConnectionResetError):
                    line.recv(256)

    with contextlib.ExitStack() as open_lines:
        lines = [open_lines.enter_context(socket.socket()) for _ in range(3)]  # one for each place there is
        for line in lines:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            line.connect(("127.0.0.1", port_of(client)))
            line.sendall(asked)
            line.setblocking(False)
        slow = threading.Thread(target=take_a_little, args=(lines,))
        slow.start()
        try:
            for _ in range(2):
                assert gone.acquire(timeout=PATIENCE_S), "all places were kept"
            assert answers_again(client)
            for _ in range(10):
                assert client.get("/api/town/collections").status_code == 200
            assert client.get(page).content == wanted.content, "whoever takes it at once gets all of it"
            assert not gone.acquire(blocking=False), "the one that may stay stays"
        finally:
            over.set()
            slow.join()
    assert "Exception" not in caplog.text, "whoever is let go fills no log"
    assert times_let_go(client) == before + 2
    told = [record for record in caplog.records if record.name == "carbonmap.wire"]
    assert [(record.why, record.request_id, record.path) for record in told] == [  # type: ignore[attr-defined]
        ("too many", "slow", "/api/town/collections/grid-100m/items")
    ] * 2
    assert all(record.untaken > 0 for record in told)  # type: ignore[attr-defined]


def times_let_go(client: httpx.Client, why: str = "too many") -> float:
    found = re.search(rf'carbonmap_clients_let_go_total{{why="{why}"}} (\S+)', client.get("/api/metrics").text)
    return float(found[1]) if found else 0.0


def test_bodies_that_never_come_are_not_waited_for(strict: httpx.Client) -> None:
    head = b"POST /api/town/statistics HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n{"
    lines = [connected(port_of(strict)) for _ in range(6)]
    for line in lines:
        line.sendall(head)
    answers = []
    for line in lines:
        answers.append(status_of(line.recv(65_536)))
        line.close()
    assert set(answers) <= {408, 503}
    assert 408 in answers
    assert answers_again(strict)


CHUNKED = b"POST /api/town/statistics HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("around", "words"),
    [
        (b"0\r\n" + b"X: y\r\n" * 200_000, b"20000 bytes stand around"),
        (b"0\r\nX: " + b"y" * 1_200_000, b"20000 bytes stand around"),
        (b"2;" + b"x" * 1_200_000, b"20000 bytes stand around"),
        (b"1\r\n \r\n" * 40_000, b"more than 20000 chunks"),
    ],
    ids=["fields without end", "a field without end", "a size without end", "a chunk for each byte"],
)
def test_what_stands_around_a_body_is_bounded(
    monkeypatch: pytest.MonkeyPatch, served_port: int, client: httpx.Client, around: bytes, words: bytes
) -> None:
    """Fields behind a body in chunks would else be kept, as many as somebody likes to send."""
    monkeypatch.setattr(GuardedProtocol, "head_bytes", 20_000)
    answer = exchange(served_port, CHUNKED + around)
    # It may have closed while more was on its way: then the answer is lost on the way back.
    assert not answer or (status_of(answer) == 400 and words in answer), answer[:400]
    assert client.get("/api/health").status_code == 200


def test_a_body_in_small_chunks_is_taken(served_port: int) -> None:
    body = b'{"collection":"municipality","ids":["west"]}'
    chunks = b"".join(b"1;of=west\r\n" + body[at : at + 1] + b"\r\n" for at in range(len(body)))
    behind = b"0\r\nX-Sum: 1\r\n\r\n"
    answer = exchange(served_port, CHUNKED.replace(b"Host", b"Connection: close\r\nHost") + chunks + behind)
    assert status_of(answer) == 200


def test_fields_behind_a_body_are_none_of_the_request(served_port: int) -> None:
    """Else a key, or what a proxy vouches for, could be written where no proxy looks."""
    address = b"/api/town/scenarios"
    post = CHUNKED.replace(b"/api/town/statistics", address).replace(b"Host", b"Connection: close\r\nHost")
    key = b"Authorization: Bearer ck_0123456789_" + b"0" * 64 + b"\r\n"
    in_head = exchange(served_port, post.replace(b"Host", key + b"Host") + b"2\r\n{}\r\n0\r\n\r\n")
    behind = exchange(served_port, post + b"2\r\n{}\r\n0\r\n" + key + b"\r\n")
    assert (status_of(in_head), status_of(behind)) == (401, 401)
    assert b"is not valid" in in_head
    assert b"needs a key" in behind


@pytest.mark.parametrize("more", [b"\r\n", b"1\r\n \r\n"], ids=["empty lines", "a body that nobody reads"])
def test_a_connection_that_was_answered_is_not_kept_for_a_word_now_and_then(strict: httpx.Client, more: bytes) -> None:
    """Else a thousand of them would take all the connections that a process may have, at the cost of a byte each."""
    asked = b"GET /api/health HTTP/1.1\r\nHost: here\r\n"
    asked += b"\r\n" if more == b"\r\n" else b"Transfer-Encoding: chunked\r\n\r\n"
    with connected(port_of(strict)) as line:
        line.sendall(asked)
        assert line.recv(65_536).startswith(b"HTTP/1.1 200 ")
        line.settimeout(0.1)
        for _ in range(10 * PATIENCE_S):
            try:
                line.sendall(more)
                if line.recv(65_536) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:  # closed as well, with what was on its way unread
                return
    pytest.fail("it was kept")


def test_clients_that_leave_in_the_middle_leave_nothing_behind(strict: httpx.Client) -> None:
    head = b"POST /api/town/statistics HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n{"
    for sent in (head, b"GET /api/town/coll", get(f"{ITEMS}?f=csv"), b""):
        for _ in range(25):
            with connected(port_of(strict)) as line:
                line.sendall(sent)
                # Reset instead of a goodbye.
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert answers_again(strict)


def test_connections_that_ask_nothing_keep_nobody_else_out(strict: httpx.Client) -> None:
    lines = [connected(port_of(strict)) for _ in range(300)]
    try:
        assert answers_again(strict)
        for line in lines:
            assert line.recv(1) == b""
    finally:
        for line in lines:
            line.close()
