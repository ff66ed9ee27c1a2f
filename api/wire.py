"""Requests as they come over the wire: one whose head is too long, or comes too slowly, never becomes a request.

The parser itself has no such bounds: a client that sends a line a minute would keep a connection for ever, and one that
sends a line without end would keep all of it in memory.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
"""Longest request line with headers; queries with filters are long, cookies are not ours."""

HEAD_SECONDS = 15.0
"""How long a request line with headers may take to arrive."""


class GuardedProtocol(HttpToolsProtocol):
    """HTTP/1.1 by httptools, with bounds on the head of a request."""

    head_bytes = HEAD_BYTES
    head_seconds = HEAD_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        self._read = 0
        self._in_head = True
        self._begun = False
        self._hurry: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the parser, unless the head they belong to is too long."""
        if self._in_head:
            self._read += len(data)
            # A body may come in the same bytes as the end of the head, so twice the bound is let in before the answer.
            if self._read > self.head_bytes + len(data):
                self._end(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    f"the request line and headers are longer than {self.head_bytes} bytes",
                )
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Wait for the head of the next request, of a connection that is kept."""
        self._begun = True
        if not self._in_head:
            self._in_head = True
            self._read = 0
            self._expect_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Refuse what is too long after all; else there is a request."""
        self._in_head = self._begun = False
        self._read = 0
        self._stop_waiting()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._stop_waiting()
        self._hurry = self.loop.call_later(self.head_seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

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
