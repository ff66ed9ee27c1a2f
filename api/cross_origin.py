"""What pages of other origins may ask (CORS), and a problem for what they may not."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from api.errors import problem
from api.middleware import DATA_HEADERS

_MOST_SAID = 80
_METHOD = "access-control-request-method"
_PRIVATE = "access-control-request-private-network"


class CrossOrigin(CORSMiddleware):
    """The framework's, but that what a browser may not ask is refused as all else is here: by a problem (RFC 9457)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            asked = Headers(scope=scope)
            if "origin" in asked and _METHOD in asked and (faults := self._faults(asked)):
                told = self.preflight_response(request_headers=asked).headers
                kept = {name: told[name] for name in told if name.startswith("access-control-") or name == "vary"}
                answer = problem(Request(scope), HTTPStatus.BAD_REQUEST, "; ".join(faults), kept)
                answer.raw_headers.extend(DATA_HEADERS)
                await answer(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    def _faults(self, asked: Headers) -> list[str]:
        """What the framework refuses too, each in words; headers are not among it, since all are allowed."""
        faults = []
        if not self.is_allowed_origin(origin=asked["origin"]):
            faults.append(
                f"origin: pages of {asked['origin'][:_MOST_SAID]!r} may not read what this server answers; whoever "
                "runs it can allow them (cors_origins)"
            )
        if asked[_METHOD] not in self.allow_methods:
            allowed = ", ".join(self.allow_methods)
            faults.append(f"{_METHOD}: got {asked[_METHOD][:_MOST_SAID]!r}, expected one of {allowed}")
        if _PRIVATE in asked:
            faults.append(f"{_PRIVATE}: pages of other networks may not ask a server of a private one")
        return faults
