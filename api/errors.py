"""Domain errors become RFC 9457 problems here, by one table; nothing else in this room knows status codes of errors."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from grids.store_errors import (
    ColumnNotFound,
    EditionBroken,
    EditionError,
    InvalidName,
    NotFound,
    QueryTooLarge,
    TileError,
)

PROBLEM = "application/problem+json"

log = logging.getLogger("carbonmap.api")


class ApiError(ValueError):
    """Base of what this room refuses."""


class SettingsError(ApiError):
    """Settings that a server cannot start with."""


class ServerError(ApiError):
    """A server that cannot start: its port is taken, its store is not there."""


class InvalidParameter(ApiError):
    """A query parameter that cannot be used; the message names it, what was given and what was expected."""


class NotAcceptable(ApiError):
    """An Accept header that allows none of the forms an answer comes in."""


# The first class that fits decides. A name that no region, collection or item can have is simply not found.
_STATUS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (InvalidParameter, HTTPStatus.BAD_REQUEST),
    (NotAcceptable, HTTPStatus.NOT_ACCEPTABLE),
    (QueryTooLarge, HTTPStatus.BAD_REQUEST),
    (ColumnNotFound, HTTPStatus.BAD_REQUEST),
    (InvalidName, HTTPStatus.NOT_FOUND),
    (NotFound, HTTPStatus.NOT_FOUND),
    (TileError, HTTPStatus.NOT_FOUND),
    (EditionBroken, HTTPStatus.SERVICE_UNAVAILABLE),
    (EditionError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
_HIDDEN = {
    HTTPStatus.SERVICE_UNAVAILABLE: "What this region serves is damaged or not complete; the server's log says more.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The server failed to answer; its log says more.",
}
_ALLOWED = "GET, HEAD, OPTIONS"


def problem(
    request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Return a problem document; `more` are extension members."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        **more,
    }
    return Response(
        orjson.dumps(document),
        status_code=status,
        media_type=PROBLEM,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def failed(request: Request) -> Response:
    """Return the answer to what nobody expected; the cause is for the log only."""
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, _HIDDEN[HTTPStatus.INTERNAL_SERVER_ERROR])


def install(app: FastAPI) -> None:
    """Make the application answer every error as a problem."""
    app.add_exception_handler(ApiError, _domain)
    app.add_exception_handler(EditionError, _domain)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _domain(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Damage is told in one line, since every request to that region meets it; a trace is for what nobody foresaw.
        trace = None if isinstance(error, EditionBroken) else error
        log.error("%s %s: %s", request.method, request.url.path, error, exc_info=trace)
        return problem(request, status, _HIDDEN[status])
    return problem(request, status, str(error))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [_fault(fault) for fault in error.errors()]
    in_path = any(fault["loc"][0] == "path" for fault in error.errors())
    status = HTTPStatus.NOT_FOUND if in_path else HTTPStatus.BAD_REQUEST
    return problem(
        request, status, "; ".join(f"{fault['parameter']}: {fault['message']}" for fault in faults), errors=faults
    )


def _fault(fault: Mapping[str, Any]) -> dict[str, str]:
    place: Sequence[Any] = fault["loc"]
    given = fault.get("input")
    message = str(fault["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    said = f"got {str(given)[:80]!r}, expected {message}" if given is not None else message
    return {"parameter": str(place[-1]), "message": said}


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # What takes a body says so by itself; what is read answers HEAD and OPTIONS too.
        own = {name.strip() for name in headers.get("Allow", "").split(",")} - {"", "GET", "HEAD"}
        allowed = ", ".join([_ALLOWED, *sorted(own)])
        headers["Allow"] = allowed
        return problem(
            request, error.status_code, f"{request.method} is not possible here: expected {allowed}", headers
        )
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem(request, error.status_code, f"There is nothing at {request.url.path[:200]}", headers)
    return problem(request, error.status_code, str(error.detail), headers)
