"""What is told of every request: its id, a line in the log, and numbers for Prometheus."""

import logging
import re
import sys
import time
import uuid
from contextvars import ContextVar
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from pythonjsonlogger.json import JsonFormatter
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.keys import without_keys
from api.settings import LogFormat, multiprocess_folder

access = logging.getLogger("carbonmap.access")

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_OTHER_METHODS = "other"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_request_id: ContextVar[str] = ContextVar("request_id", default="")

_requests = Counter("carbonmap_requests", "Requests answered.", ["method", "route", "status"])
_seconds = Histogram(
    "carbonmap_request_seconds", "Seconds from request to the end of its answer.", ["route"], buckets=_SECONDS
)
_bytes = Counter("carbonmap_answer_bytes", "Bytes of bodies sent, as compressed.", ["route"])


class Watched:
    """Gives every request an id, and tells of it when it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Request(scope).headers.get("x-request-id", "")
        name = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        token = _request_id.set(name)
        started = time.perf_counter()
        status, sent = 0, 0

        async def watched(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = name
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            took, route = time.perf_counter() - started, route_of(scope)
            method = scope["method"] if scope["method"] in _METHODS else _OTHER_METHODS
            _requests.labels(method, route, status or HTTPStatus.INTERNAL_SERVER_ERROR.value).inc()
            _seconds.labels(route).observe(took)
            _bytes.labels(route).inc(sent)
            if access.isEnabledFor(logging.INFO):
                _tell(scope, status, sent, took)
            _request_id.reset(token)


def route_of(scope: Scope) -> str:
    """The template of the address that answered: there are as many as routes, while paths are without end."""
    if not scope["path"].startswith("/api"):
        return "web"
    path = getattr(scope.get("route"), "path", None)
    return f"/api{path.removeprefix('/api')}" if isinstance(path, str) else "unknown"


def _tell(scope: Scope, status: int, sent: int, took: float) -> None:
    client = scope["client"][0] if scope.get("client") else "-"
    query = scope["query_string"].decode("latin-1")
    told = {
        "method": scope["method"],
        "path": _printable(scope["path"]),
        "query": _printable(query),
        "status": status,
        "bytes": sent,
        "ms": round(1000 * took, 1),
        "client": client,
    }
    asked = scope["path"] + (f"?{query}" if query else "")
    access.info("%s %s %d %d B %.1f ms", scope["method"], _printable(asked), status, sent, 1000 * took, extra=told)


def metrics(_: Request) -> Response:
    """The numbers, as Prometheus reads them; of all worker processes where there are several."""
    registry: CollectorRegistry | None = None
    if multiprocess_folder() is not None:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    body = generate_latest() if registry is None else generate_latest(registry)
    return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})


def configure_logs(form: LogFormat) -> None:
    """Send the log to standard error: lines for people where that is a terminal, JSON for programs elsewhere."""
    if form == "auto":
        form = "text" if sys.stderr.isatty() else "json"
    handler = logging.StreamHandler()
    handler.setFormatter(_lines() if form == "text" else _documents())
    handler.addFilter(_with_request_id)
    handler.addFilter(_without_keys)
    for name in ("carbonmap", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
    logging.getLogger("carbonmap").setLevel(logging.INFO)


def _lines() -> logging.Formatter:
    return logging.Formatter("%(asctime)s %(levelname)s %(request_id)s %(message)s", datefmt="%H:%M:%S")


def _documents() -> logging.Formatter:
    return JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        datefmt="%Y-%m-%dT%H:%M:%S%z",
        json_ensure_ascii=False,
    )


def _with_request_id(record: logging.LogRecord) -> bool:
    record.request_id = _request_id.get() or "-"
    return True


def _without_keys(record: logging.LogRecord) -> bool:
    """A key belongs into a header, but who puts it into an address shall not leave it in the log."""
    message = record.getMessage()
    hidden = without_keys(message)
    if hidden != message:
        record.msg, record.args = hidden, None
    for name in ("path", "query"):
        if isinstance(said := getattr(record, name, None), str):
            setattr(record, name, without_keys(said))
    return True


def _printable(text: str) -> str:
    """Text that stays on its line: what a client sends may not forge another one."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
