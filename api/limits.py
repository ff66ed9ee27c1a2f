"""What one request may cost: bytes of its address and body, seconds until its answer begins, and how many at a time.

Each limit is told in the answer that refuses, so that a client knows what would have been allowed.
"""

import asyncio
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import log, problem
from api.settings import Settings

UNCOUNTED = frozenset(("/api/health", "/api/ready"))
"""Addresses that answer however much is under way: whoever starts servers anew must not take a busy one for dead."""
_BUSY_S = 2
"""After how many seconds a client that was turned away is told to come again."""


class Limited:
    """Refuses requests that are too long, too many or too slow, and answers for those that take too long.

    What computes an answer runs in a thread and cannot be stopped; it goes on counting as under way until it ends, so
    that a server under attack turns requests away instead of piling them up.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._address_bytes = settings.address_bytes
        self._body_bytes = settings.body_bytes
        self._seconds = settings.request_seconds
        self._most = settings.concurrency
        self._under_way = 0
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        length = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if length > self._address_bytes:
            detail = f"the address has {length} bytes, at most {self._address_bytes} are taken"
            await problem(request, HTTPStatus.REQUEST_URI_TOO_LONG, detail)(scope, receive, send)
            return
        declared = request.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._body_bytes:
            await self._too_large(request)(scope, receive, send)
            return
        if scope["path"] in UNCOUNTED and request.method in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        if self._under_way >= self._most:
            detail = f"the server answers {self._most} requests at a time, and they are under way: ask again soon"
            headers = {"Retry-After": str(_BUSY_S)}
            await problem(request, HTTPStatus.SERVICE_UNAVAILABLE, detail, headers)(scope, receive, send)
            return
        await _Exchange(self, request, receive, send).run()

    def _too_large(self, request: Request) -> ASGIApp:
        detail = f"the body is larger than {self._body_bytes} bytes, the most that is taken"
        return problem(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, {"Connection": "close"})


class _Exchange:
    """One request and its answer, of whoever answers first: the application, or the limit."""

    def __init__(self, limited: Limited, request: Request, receive: Receive, send: Send) -> None:
        self._limited, self._request, self._receive, self._send = limited, request, receive, send
        self._began = asyncio.Event()
        self._closed = False  # answered by us: whatever the application says now is not sent
        self._received = 0
        self._body_whole = False

    async def run(self) -> None:
        limited, scope = self._limited, self._request.scope
        limited._under_way += 1
        task = asyncio.ensure_future(limited._app(scope, self._read, self._write))
        task.add_done_callback(self._ended)
        began = asyncio.ensure_future(self._began.wait())
        try:
            await asyncio.wait({task, began}, timeout=limited._seconds, return_when=asyncio.FIRST_COMPLETED)
            if not self._closed and (task.done() or self._began.is_set()):
                await task
                return
            limited._late.add(task)
            task.add_done_callback(limited._late.discard)
            if not self._closed:
                self._closed = True
                await self._too_slow()(scope, self._receive, self._send)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            began.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._limited._under_way -= 1
        if self._closed and not task.cancelled():
            problem = task.exception()
            if problem is not None and not isinstance(problem, ClientDisconnect):  # that is what it was told
                log.error("%s failed after its time was over: %s", self._request.url.path, problem)

    async def _read(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._body_whole = not message.get("more_body", False)
            if self._received > self._limited._body_bytes and not self._closed and not self._began.is_set():
                self._closed = True
                self._began.set()
                scope = self._request.scope
                await self._limited._too_large(self._request)(scope, self._receive, self._send)
            if self._closed:
                return {"type": "http.disconnect"}
        return message

    async def _write(self, message: Message) -> None:
        if self._closed:
            return
        self._began.set()
        await self._send(message)

    def _too_slow(self) -> ASGIApp:
        seconds = self._limited._seconds
        if self._request.method in ("POST", "PUT", "PATCH") and not self._body_whole:
            detail = f"the body did not arrive within {seconds:g} seconds"
            return problem(self._request, HTTPStatus.REQUEST_TIMEOUT, detail, {"Connection": "close"})
        detail = f"the answer took longer than {seconds:g} seconds, the most that is spent on one: ask for less"
        return problem(self._request, HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": str(_BUSY_S)})
