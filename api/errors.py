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
    StoreLost,
    TileError,
)
from scenarios.errors import ScenarioError
from scenarios.where_errors import TargetOutOfReach

PROBLEM = "application/problem+json"

log = logging.getLogger("carbonmap.api")


_PROCESSES = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"


class ApiError(ValueError):
    """Base of what this room refuses; `headers` are those of the answer, `kind` names it where a standard does."""

    headers: Mapping[str, str] = {}
    kind = "about:blank"


class SettingsError(ApiError):
    """Settings that a server cannot start with."""


class ServerError(ApiError):
    """A server that cannot start: its port is taken, its store is not there."""


class InvalidParameter(ApiError):
    """A query parameter that cannot be used; the message names it, what was given and what was expected."""


class NotAcceptable(ApiError):
    """An Accept header that allows none of the forms an answer comes in."""


class KeyRefused(ApiError):
    """No key where one is needed, or one that is wrong, revoked or expired; an answer never says which of these."""

    def __init__(self, message: str, *, given: bool) -> None:
        super().__init__(message)
        error = ', error="invalid_token"' if given else ""
        self.headers = {"WWW-Authenticate": f'Bearer realm="carbonmap"{error}'}


class RoleRefused(ApiError):
    """A key whose role does not allow what was asked."""

    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer realm="carbonmap", error="insufficient_scope"'}


class TooManyTries(ApiError):
    """So many keys from one address were refused that no more is said of the next for a while."""

    def __init__(self, message: str, *, retry_s: int) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(retry_s)}


class InvalidKey(ApiError):
    """A key that cannot be made as it was asked for."""


class KeyNotFound(ApiError):
    """A prefix that no key has."""


class ScenarioNotFound(ApiError):
    """No scenario of that id or version in that region."""


class ScenarioChanged(ApiError):
    """A new version that follows another one than the latest."""


class PreconditionFailed(ScenarioChanged):
    """The same, told of a version that was named by its entity tag."""


class TooManyScenarios(ApiError):
    """More scenarios or versions than one holder may keep."""


class ResultNotFound(ApiError):
    """A result that nobody asked for lately."""


class ProcessNotFound(ApiError):
    """No process of that id."""

    kind = f"{_PROCESSES}/no-such-process"


class JobNotFound(ApiError):
    """No job of that id in that region."""

    kind = f"{_PROCESSES}/no-such-job"


class ResultNotReady(ApiError):
    """A job that has not ended."""

    kind = f"{_PROCESSES}/result-not-ready"
    headers: Mapping[str, str] = {"Retry-After": "1"}


class JobDismissed(ApiError):
    """A job that was dismissed, so that nothing came of it."""


class TooManyJobs(ApiError):
    """More jobs under way than one client, or all, may have."""

    headers: Mapping[str, str] = {"Retry-After": "10"}


class RunsBusy(ApiError):
    """So many runs wait for their turn that the next would only be late."""

    headers: Mapping[str, str] = {"Retry-After": "5"}


class JobTooLong(ApiError):
    """A job that takes longer than an answer may."""

    headers: Mapping[str, str] = {"Retry-After": "1"}


class WorkshopFull(ApiError):
    """So many files wait to be made that no other is taken."""

    headers: Mapping[str, str] = {"Retry-After": "30"}


class NotMade(ApiError):
    """A file that could not be made; why is for the log."""


class NotKept(NotMade):
    """There is no room for the file, or its folder cannot be written to."""

    headers: Mapping[str, str] = {"Retry-After": "300"}


class MadeTooLong(NotMade):
    """A file that took longer to make than any may; it is not tried again for so many seconds."""

    def __init__(self, message: str, *, retry_s: int) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(retry_s)}


class JobsFolderLost(ApiError):
    """The folder of jobs cannot be written; the message is for who runs the server."""

    headers: Mapping[str, str] = {"Retry-After": "30"}


class DatabaseError(ApiError):
    """The database of keys cannot be used; the message is for who runs the server."""

    headers: Mapping[str, str] = {"Retry-After": "30"}


class DatabaseAway(DatabaseError):
    """It cannot be reached at the moment."""

    headers: Mapping[str, str] = {"Retry-After": "3"}


class DatabaseNotReady(DatabaseError):
    """It is older or newer than this program, another's, or damaged: somebody must do something."""


class DatabaseMissing(DatabaseNotReady):
    """There is no database file yet, so that no key was ever made."""


# The first class that fits decides. A name that no region, collection or item can have is simply not found.
_STATUS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (InvalidParameter, HTTPStatus.BAD_REQUEST),
    (ScenarioError, HTTPStatus.BAD_REQUEST),
    (NotAcceptable, HTTPStatus.NOT_ACCEPTABLE),
    (KeyRefused, HTTPStatus.UNAUTHORIZED),
    (RoleRefused, HTTPStatus.FORBIDDEN),
    (TooManyTries, HTTPStatus.TOO_MANY_REQUESTS),
    (ScenarioNotFound, HTTPStatus.NOT_FOUND),
    (ResultNotFound, HTTPStatus.NOT_FOUND),
    (ProcessNotFound, HTTPStatus.NOT_FOUND),
    (JobNotFound, HTTPStatus.NOT_FOUND),
    (ResultNotReady, HTTPStatus.NOT_FOUND),
    (JobDismissed, HTTPStatus.GONE),
    (TooManyJobs, HTTPStatus.TOO_MANY_REQUESTS),
    (JobTooLong, HTTPStatus.SERVICE_UNAVAILABLE),
    (RunsBusy, HTTPStatus.SERVICE_UNAVAILABLE),
    (JobsFolderLost, HTTPStatus.SERVICE_UNAVAILABLE),
    (WorkshopFull, HTTPStatus.SERVICE_UNAVAILABLE),
    (MadeTooLong, HTTPStatus.SERVICE_UNAVAILABLE),
    (NotKept, HTTPStatus.SERVICE_UNAVAILABLE),
    (NotMade, HTTPStatus.INTERNAL_SERVER_ERROR),
    (PreconditionFailed, HTTPStatus.PRECONDITION_FAILED),
    (ScenarioChanged, HTTPStatus.CONFLICT),
    (TooManyScenarios, HTTPStatus.CONFLICT),
    (DatabaseError, HTTPStatus.SERVICE_UNAVAILABLE),
    (QueryTooLarge, HTTPStatus.BAD_REQUEST),
    (ColumnNotFound, HTTPStatus.BAD_REQUEST),
    (InvalidName, HTTPStatus.NOT_FOUND),
    (NotFound, HTTPStatus.NOT_FOUND),
    (TileError, HTTPStatus.NOT_FOUND),
    (EditionBroken, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreLost, HTTPStatus.SERVICE_UNAVAILABLE),
    (EditionError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
_HIDDEN = {
    HTTPStatus.SERVICE_UNAVAILABLE: "What this region serves is damaged or not complete; the server's log says more.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The server failed to answer; its log says more.",
}
_NO_KEYS = "Keys cannot be looked at for now, and what needs none is served: ask again later, or without a key."
_NO_STORE = (
    "The folder that regions are served from cannot be read: nothing can be said of any region for now. Whoever runs "
    "the server can mount it or put it back; the server's log names it."
)
_NO_JOBS = "Jobs cannot be kept for now, and what takes no job is served: ask again later."
_NO_ROOM = (
    "The file cannot be kept: the server has no room for it, or its folder of downloads cannot be written to. Whoever "
    "runs the server can mend it; its log says more."
)
_TOLD: tuple[tuple[type[Exception], str], ...] = (
    (DatabaseError, _NO_KEYS),
    (StoreLost, _NO_STORE),
    (JobsFolderLost, _NO_JOBS),
    (NotKept, _NO_ROOM),
)
_SAID = JobTooLong | RunsBusy | WorkshopFull | MadeTooLong
"""Of failures, those that say by themselves what to do; nothing is damaged."""
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
    app.add_exception_handler(ScenarioError, _domain)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def said_of(error: Exception) -> tuple[int, str, dict[str, Any]]:
    """Return the status of an error, what may be told of it, and further members of its problem."""
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    more: dict[str, Any] = {}
    if isinstance(error, ApiError) and error.kind != "about:blank":
        more["type"] = error.kind
    if isinstance(error, TargetOutOfReach):
        more |= {"most_tco2e": error.most_tco2e, "shortfall_tco2e": error.shortfall_tco2e}
    if status < HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, _SAID):
        return status, str(error), more
    return status, next((told for kind, told in _TOLD if isinstance(error, kind)), _HIDDEN[status]), more


async def _domain(request: Request, error: Exception) -> Response:
    status, detail, more = said_of(error)
    headers = error.headers if isinstance(error, ApiError) else None
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, _SAID):
        # Damage is told in one line, since every request to that region meets it; a trace is for what nobody foresaw.
        trace = (
            None if isinstance(error, EditionBroken | StoreLost | DatabaseError | JobsFolderLost | NotMade) else error
        )
        log.error("%s %s: %s", request.method, request.url.path, error, exc_info=trace)
    return problem(request, status, detail, headers, **more)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Several dependencies may read one parameter, and each finds the same fault.
    faults = list({str(told): told for told in map(_fault, error.errors())}.values())
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
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
        return problem(
            request, error.status_code, f"{request.method} is not possible here: expected {allowed}", headers
        )
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem(request, error.status_code, f"There is nothing at {request.url.path[:200]}", headers)
    return problem(request, error.status_code, str(error.detail), headers)
