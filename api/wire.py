"""Requests as they come over the wire: one whose head is too long, or comes too slowly, never becomes a request.

The parser itself has no such bounds: a client that sends a line a minute would keep a connection for ever, and one that
sends a line without end would keep all of it in memory. So would one that asks for much and takes nothing of it, or
that writes fields without end behind a body; and one that says a word now and then after it was answered would stay.
"""

import asyncio
import re
from http import HTTPStatus
from typing import Any, cast
from weakref import WeakKeyDictionary

import orjson
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.slow_clients import MOST_SLOW, MOST_SLOW_BYTES, PATIENCE_S, SlowClients
from api.watch import was_let_go

HEAD_BYTES = 64 * 1024
"""Longest request line with headers; queries with filters are long, cookies are not ours."""

HEAD_SECONDS = 15.0
"""How long a request line with headers may take to arrive, and how long a connection may stay after an answer."""

MOST_CHUNKS = 20_000
"""Of a body; fields that follow it, and what stands beside sizes of chunks, may be as long as a head and one read."""

_CHUNK_LINES = 16  # bytes that the size of a chunk takes, with the ends of both lines

TAKEN_BYTES, TAKEN_SECONDS = 30_000, 30.0
"""How much of an answer a client must take in so many seconds; the slowest telephone line takes more."""

_HOST = re.compile(rb"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")

_SLOW: "WeakKeyDictionary[ServerState, SlowClients]" = WeakKeyDictionary()
"""Of each server of this process, whose clients are waited for."""


class _Refused(Exception):
    """A head that is understood, and not taken."""


class GuardedProtocol(HttpToolsProtocol):
    """HTTP/1.0 and 1.1 by httptools, with bounds on the head of a request and on how slowly answers are taken."""

    head_bytes = HEAD_BYTES
    head_seconds = HEAD_SECONDS
    taken_bytes = TAKEN_BYTES
    taken_seconds = TAKEN_SECONDS
    most_slow = MOST_SLOW
    most_slow_bytes = MOST_SLOW_BYTES
    patience_seconds = PATIENCE_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        self._read = 0
        self._around = self._chunks = 0
        self._in_head = True
        self._begun = False
        self._hurry: asyncio.TimerHandle | None = None
        self._until: float | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._cycles: list[RequestResponseCycle] = []
        self._why = (HTTPStatus.BAD_REQUEST, "this is not a request of HTTP/1.1")
        if self.server_state not in _SLOW:
            _SLOW[self.server_state] = SlowClients(
                self.loop, self.most_slow, self.most_slow_bytes, self.patience_seconds
            )
        self._slow = _SLOW[self.server_state]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        if self._hurry is not None:
            self._hurry.cancel()
        self._stop_watching()
        self._slow.taken(self)
        for cycle in self._cycles:  # else the one that is answered would write to nobody, and fill the log
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Watch a client that does not take what it asked for: its answer, or what makes it, would wait for ever."""
        super().pause_writing()
        self._watch()
        self._slow.wait_for(self)

    def resume_writing(self) -> None:
        """Stop watching."""
        self._stop_watching()
        self._slow.taken(self)
        super().resume_writing()

    def untaken(self) -> int:
        """Return how many bytes wait for the client."""
        return self.transport.get_write_buffer_size()

    def is_busy(self) -> bool:
        """Return whether a request of this connection is under way."""
        return self.cycle is not None and not self.cycle.response_complete

    def let_go(self, why: str) -> None:
        """End the connection at once, and tell: to close it would be to wait for the client."""
        scope = cast("Scope", self.cycle.scope) if self.cycle is not None else None
        was_let_go(scope, why, self.untaken())
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the parser, unless the head they belong to is too long."""
        if self._in_head:
            self._read += len(data)
            # A body may come in the same bytes as the end of the head, so twice the bound is let in before the answer.
            if self._read > self.head_bytes + len(data):
                self._end(*self._too_long())
                return
        self._around += len(data)
        super().data_received(data)
        if not self._in_head and self._around > self.head_bytes and not self.transport.is_closing():
            self._end(HTTPStatus.BAD_REQUEST, f"more than {self.head_bytes} bytes stand around the chunks of the body")

    def on_message_begin(self) -> None:
        """Wait for the head of the next request, of a connection that is kept."""
        self._begun = True
        self._around = self._chunks = 0
        if not self._in_head:
            self._in_head = True
            self._read = 0
            self._expect_head()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; those that follow a body are none of the request's, and would come behind it."""
        if self._in_head:
            super().on_header(name, value)

    def on_chunk_header(self) -> None:
        """Count the chunks of a body: one for each byte would be as much work as a body of a hundred times its length.

        Raises:
            _Refused: to stop the parser, which asks for `send_400_response`.
        """
        self._around -= _CHUNK_LINES
        self._chunks += 1
        if self._chunks > MOST_CHUNKS:
            self._why = HTTPStatus.BAD_REQUEST, f"the body comes in more than {MOST_CHUNKS} chunks"
            raise _Refused

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._around -= len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Wait for another request, but not for ever: what comes may be a body without end, or empty lines."""
        super().on_response_complete()
        if self.cycle.response_complete and not self._in_head and not self.transport.is_closing():
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Refuse what is too long after all, and what names no host or several (RFC 9112, 3.2); else it is a request.

        Raises:
            _Refused: to stop the parser, which asks for `send_400_response`.
        """
        self._in_head = self._begun = False
        self._read = self._around = 0
        self._stop_waiting()
        version = self.parser.get_http_version()
        size, hosts = len(self.url), []
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"host":
                hosts.append(value)
        if size > self.head_bytes:
            self._why = self._too_long()
        elif version not in ("1.0", "1.1"):
            self._why = HTTPStatus.BAD_REQUEST, f"HTTP/{version} is not spoken here, expected HTTP/1.1"
        elif len(hosts) > 1 or (version == "1.1" and not hosts):
            self._why = HTTPStatus.BAD_REQUEST, f"{len(hosts)} Host headers were given, expected one"
        elif hosts and not _HOST.fullmatch(hosts[0]):  # links are made of it
            self._why = HTTPStatus.BAD_REQUEST, "the Host header names no host, expected a name or number, and a port"
        else:
            super().on_headers_complete()
            # Several may have been asked for in a row; uvicorn remembers the last alone.
            self._cycles = [one for one in (*self._cycles, self.cycle) if not one.response_complete]
            return
        raise _Refused

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: whoever offers another protocol is answered in this one (RFC 9110, 7.8), and fills no log."""

    def send_400_response(self, msg: str) -> None:
        """Say why a request is refused, as a problem like all others."""
        self._end(*self._why)

    def _too_long(self) -> tuple[HTTPStatus, str]:
        return (
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"the request line and headers are longer than {self.head_bytes} bytes",
        )

    def _watch(self) -> None:
        self._stop_watching()
        self._stalled = self.loop.call_later(self.taken_seconds, self._end_if_stalled, self.untaken())

    def _stop_watching(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _end_if_stalled(self, waiting: int) -> None:
        """End the connection unless enough was taken since so many bytes were waiting."""
        if self.untaken() > waiting - self.taken_bytes:
            self.let_go("stalled")
        else:
            self._watch()

    def _expect_head(self) -> None:
        self._until = self.loop.time() + self.head_seconds
        if self._hurry is None:
            self._hurry = self.loop.call_later(self.head_seconds, self._look)

    def _stop_waiting(self) -> None:
        # The timer stays: to set and cancel one for each request would take longer than to parse its head.
        self._until = None

    def _look(self) -> None:
        """The time of some head is over; whether it is that of the one expected now is another matter."""
        self._hurry = None
        if self._until is None:
            return
        left = self._until - self.loop.time()
        if left > 0:
            self._hurry = self.loop.call_later(left, self._look)
        else:
            self._too_slow()

    def _too_slow(self) -> None:
        if self._begun:
            self._end(
                HTTPStatus.REQUEST_TIMEOUT,
                f"the request line and headers did not arrive within {self.head_seconds:g} seconds",
            )
        else:  # a connection opened for later: nothing was asked
            self.transport.close()

    def _end(self, status: HTTPStatus, detail: str) -> None:
        """Answer with a problem and close; nothing of the request is kept."""
        self._stop_waiting()
        begun = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if begun or self.pipeline:
            self.transport.close()  # a problem amid the answer to an earlier request would pass for a part of it
            return
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": detail,
            "instance": "/",
        }
        body = orjson.dumps(document)
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()
