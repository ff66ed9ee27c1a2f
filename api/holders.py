"""Who asks: the key of a request as a typed dependency. Routes receive a checked holder or are not called.

What depends on a key is for its holder alone: `api.middleware.Confidential` sees to it that nobody keeps the answer.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from api.errors import KeyRefused, RoleRefused
from api.keys import Actor, KeyHolder, Keys, Refusal, Role
from api.middleware import depends_on_key
from api.models import Problem
from api.tries import Tries

THREADS = 8
"""How many keys a process looks up at a time; others wait, so that a slow database takes no thread from the public."""

KEY_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text, "content": {"application/problem+json": {}}}
    for status, text in (
        (401, "the key is not valid, or one is needed"),
        (403, "the key's role does not allow it"),
        (429, "too many keys from this address were not valid"),
        (503, "keys cannot be looked at for now"),
    )
}
"""For `responses` of routes that look at a key."""

OPTIONAL_KEY: dict[str, Any] = {"security": [{}, {"key": []}]}
"""For `openapi_extra` of routes that tell more to who has a key."""

log = logging.getLogger("carbonmap.keys")

_REFUSED = "this key is not valid: check it, or ask whoever runs the server for another"
_NEEDED = "this address needs a key, as 'Authorization: Bearer ck_...'; whoever runs the server makes them"
_scheme = HTTPBearer(scheme_name="key", description="made by `carbonmap keys create`", auto_error=False)


def keys_of(request: Request) -> Keys:
    """Return the application's keys."""
    keys: Keys = request.app.state.keys
    return keys


async def holder_of(request: Request) -> KeyHolder | None:
    """Return who holds the request's key, or None if it has none.

    A header of another scheme, as a proxy's `Basic`, is none of ours and counts as none.

    Raises:
        KeyRefused: the key is wrong, revoked or expired.
        TooManyTries: so many keys from there were not valid, as this one is not, that no more is said of it.
        DatabaseError: keys cannot be looked at.
    """
    key = _given(request)
    depends_on_key(request, given=key is not None)
    if key is None:
        return None
    address, tries = _address(request), _tries_of(request)
    found = await to_thread.run_sync(keys_of(request).holder, key, limiter=_limiter_of(request))
    if isinstance(found, Refusal):
        # Whoever holds a key is let in from wherever others try theirs: clients behind one proxy share an address.
        tries.refuse_too_many(address)
        if found.reason == "unknown":  # others are no tries: the one costs nothing, and who held a key may not know yet
            tries.count(address)
        log.warning("a key was refused: %s, prefix %s, from %s", found.reason, found.prefix or "-", address)
        raise KeyRefused(_REFUSED, given=True)
    return found


HolderParam = Annotated[KeyHolder | None, Depends(holder_of)]


def needs(role: Role) -> Callable[..., Awaitable[KeyHolder]]:
    """Return a dependency that gives the holder of a key with this role, or a higher one.

    `holder: Annotated[KeyHolder, Depends(needs("planner"))]`. Without a key, or with one that is not valid, the answer
    is 401; with one whose role does not allow it, 403.
    """

    async def check(holder: HolderParam, _: Annotated[Any, Security(_scheme)]) -> KeyHolder:
        if holder is None:
            raise KeyRefused(_NEEDED, given=False)
        if not holder.may(role):
            raise RoleRefused(f"this needs a key of the role {role!r}, and yours has the role {holder.role!r}")
        return holder

    return check


def note(request: Request, holder: KeyHolder, action: str, subject: str) -> None:
    """Write into the audit what a holder does, before it is done.

    Args:
        request: says from where.
        holder: who.
        action: what, as `receipt.read`.
        subject: to what, as `town/0123456789abcdef/grid-100m/...`.

    Raises:
        DatabaseError: it cannot be written; the answer is then 503, and it is not done.
    """
    keys_of(request).note(Actor(f"key {holder.prefix} {holder.name}", _address(request)), action, subject)


def _given(request: Request) -> str | None:
    """Return the request's key; "", which is refused, if it was not sent as it should be, and None if there is none."""
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        return ""
    scheme, _, key = headers[0].strip().partition(" ") if headers else ("", "", "")
    if scheme.lower() == "bearer":
        return key.strip()
    return "" if scheme.startswith("ck_") else None


def _address(request: Request) -> str:
    return request.client.host if request.client else "-"


def _tries_of(request: Request) -> Tries:
    tries: Tries = request.app.state.tries
    return tries


def _limiter_of(request: Request) -> CapacityLimiter:
    limiter: CapacityLimiter = request.app.state.key_threads
    return limiter
