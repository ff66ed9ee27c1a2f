"""What is told of every request: its id, a line in the log, and what is counted."""

import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, TextIO

import orjson
from pydantic.warnings import UnsupportedFieldAttributeWarning
from pythonjsonlogger.json import JsonFormatter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.counts import count, count_let_go
from api.keys import without_keys
from api.settings import LogFormat

access = logging.getLogger("carbonmap.access")
_wire = logging.getLogger("carbonmap.wire")

REQUEST_ID = b"x-request-id"

_GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NAMED = "carbonmap.request_id"
_TIME = "%Y-%m-%dT%H:%M:%S%z"
_OTHER_METHODS = "other"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

_request_id: ContextVar[str] = ContextVar("request_id", default="")


class Watched:
    """Gives every request an id, and tells of it when it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = name_of(scope)
        token = _request_id.set(name)
        started = time.perf_counter()
        status, sent = 0, 0

        async def watched(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID, name.encode("ascii"))]
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            answered(scope, name, route_of(scope), status, sent, time.perf_counter() - started)
            _request_id.reset(token)


def name_of(scope: Scope) -> str:
    """Return the id of a request: the one it brings, or a new one; asked again, the same."""
    if _NAMED not in scope:
        given = next((value for name, value in scope["headers"] if name == REQUEST_ID), b"")
        scope[_NAMED] = str(given, "ascii") if _GIVEN_ID.fullmatch(given) else os.urandom(16).hex()
    name: str = scope[_NAMED]
    return name


def answered(scope: Scope, name: str, route: str, status: int, sent: int, took: float) -> None:
    """Count a request that was answered, and write its line.

    Args:
        scope: of the request.
        name: its id.
        route: template of the address that answered.
        status: of the answer; 0 if there was none.
        sent: bytes of its body.
        took: seconds.
    """
    method = scope["method"] if scope["method"] in _METHODS else _OTHER_METHODS
    count(method, route, status or HTTPStatus.INTERNAL_SERVER_ERROR.value, sent, took)
    if access.isEnabledFor(logging.INFO):
        _tell(scope, name, status, sent, took)


def was_let_go(scope: Scope | None, why: str, untaken: int) -> None:
    """Count a client that took its answer too slowly, and write a line.

    Args:
        scope: of the last request of its connection, if one came.
        why: it was let go; one of few words.
        untaken: bytes that waited for it.
    """
    count_let_go(why)
    path = _printable(scope["path"]) if scope else "-"
    client = scope["client"][0] if scope and scope.get("client") else "-"
    told = {"why": why, "untaken": untaken, "path": path, "client": client}
    token = _request_id.set(name_of(scope) if scope else "")
    _wire.warning("slow client let go (%s): %d bytes of %s were not taken", why, untaken, path, extra=told)
    _request_id.reset(token)


def route_of(scope: Scope) -> str:
    """The template of the address that answered: there are as many as routes, while paths are without end."""
    if not scope["path"].startswith("/api"):
        return "web"
    path = getattr(scope.get("route"), "path", None)
    return f"/api{path.removeprefix('/api')}" if isinstance(path, str) else "unknown"


def _tell(scope: Scope, name: str, status: int, sent: int, took: float) -> None:
    path, query = _printable(scope["path"]), _printable(scope["query_string"].decode("latin-1"))
    ms = 1000 * took
    told = {
        "method": scope["method"],
        "path": path,
        "query": query,
        "status": status,
        "bytes": sent,
        "ms": round(ms, 1),
        "client": scope["client"][0] if scope.get("client") else "-",
    }
    asked = f"{path}?{query}" if query else path
    if _lines_of_access is not None:
        _lines_of_access.write(f"{scope['method']} {asked} {status} {sent} B {ms:.1f} ms", told, name)
        return
    token = _request_id.set(name)
    access.info("%s %s %d %d B %.1f ms", scope["method"], asked, status, sent, ms, extra=told)
    _request_id.reset(token)


class _AccessLines:
    """Writes a request's line as the handler of the log would, in a tenth of the time that a log record takes."""

    def __init__(self, handler: logging.StreamHandler[TextIO]) -> None:
        self._handler = handler
        self._second, self._time = 0, ""

    def write(self, message: str, told: Mapping[str, Any], name: str) -> None:
        """Write one line: a JSON document with the members of any other, and those of `told`."""
        now = int(time.time())
        if now != self._second:
            self._second, self._time = now, time.strftime(_TIME, time.localtime(now))
        line = orjson.dumps(
            {
                "time": self._time,
                "level": "INFO",
                "logger": access.name,
                "message": message,
                **told,
                "request_id": name,
            }
        ).decode()
        if "ck" in line.lower():  # as keys begin; to look for one takes as long as all else here
            line = without_keys(line)
        stream = self._handler.stream
        self._handler.acquire()
        try:
            stream.write(f"{line}\n")
            stream.flush()
        except (OSError, ValueError):  # nobody reads the log any more
            pass
        finally:
            self._handler.release()


_lines_of_access: _AccessLines | None = None


def configure_logs(form: LogFormat) -> None:
    """Send the log to standard error: lines for people where that is a terminal, JSON for programs elsewhere."""
    global _lines_of_access
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
    warnings.showwarning = _warned
    # FastAPI silences it for itself, which does not hold while another thread puts an application together too.
    warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)
    _lines_of_access = None if form == "text" else _AccessLines(handler)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Take a warning of Python into the log: as it comes it would be plain lines among the documents."""
    logging.getLogger("carbonmap.warnings").warning("%s: %s", category.__name__, _printable(str(message)))


def _lines() -> logging.Formatter:
    return logging.Formatter("%(asctime)s %(levelname)s %(request_id)s %(message)s", datefmt="%H:%M:%S")


def _documents() -> logging.Formatter:
    return JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        datefmt=_TIME,
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
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
