"""What happens to every request and answer: HEAD, unexpected failures, and headers that keep browsers careful."""

from collections.abc import Iterable
from typing import Any

from isal import isal_zlib
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware, GZipResponder
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import failed, log
from api.formats import takes_gzip

FAST_LEVELS = 3
"""Levels of compression up to here are those of ISA-L; from the next one on they are zlib's."""


def content_policy(origins: Iterable[str] = ()) -> str:
    """Return what a page may load: the map draws with WebGL in workers made from blobs, all from its own server.

    Args:
        origins: servers of base maps that regions want, and nothing but pictures is taken from.
    """
    pictures = "".join(f" {origin}" for origin in sorted(set(origins)))
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: blob:{pictures}",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "child-src 'self' blob:",
            # The map fetches pictures before it draws them.
            f"connect-src 'self'{pictures}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


CONTENT_POLICY = content_policy()
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Of what is no page: nothing is loaded on its behalf, should a browser be led to show it as one."""

_NO_GUESSING = (b"x-content-type-options", b"nosniff")
_POLICY = b"content-security-policy"
PAGE_HEADERS = [
    _NO_GUESSING,
    (_POLICY, CONTENT_POLICY.encode("ascii")),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(self)"),
]
DATA_HEADERS = [_NO_GUESSING, (_POLICY, DATA_POLICY.encode("ascii"))]
"""What has no scripts and no frames needs no more, and each header takes time of a kept tile."""


class Careful:
    """Adds security headers, answers HEAD as GET without a body, and turns what nobody caught into a plain problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        started = False

        async def careful(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = dict(message.get("headers", ()))
                # Without a type it may be a 304, whose headers replace those of a page that a browser keeps.
                kind = given.get(b"content-type", b"text/html")
                page = kind.startswith(b"text/html") or not scope["path"].startswith("/api/")
                added = [header for header in (PAGE_HEADERS if page else DATA_HEADERS) if header[0] not in given]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # Who sends files must not read them for nothing.
        inner = {**scope, "method": "GET", "carbonmap.head": True} if head else scope
        try:
            await self._app(inner, receive, careful)
        except ClientDisconnect:
            return  # nobody is there to be answered, and a trace for each would let anybody fill the log
        except Exception:
            if started:
                raise
            log.exception("%s %s failed", scope["method"], scope["path"])
            await failed(Request(scope))(scope, receive, careful)
        finally:
            if "route" in inner:
                scope["route"] = inner["route"]


_KEYED = "carbonmap.keyed"


def depends_on_key(request: Request, *, given: bool) -> None:
    """Note that the answer depends on the request's key, and whether it has one."""
    request.scope.setdefault(_KEYED, {})["given"] = given


def has_key(request: Request) -> bool:
    """Whether the answer is made for the holder of a key, and so is not what others have kept."""
    return bool(request.scope.get(_KEYED, {}).get("given"))


class Confidential:
    """Says of answers that depend on a key that they do, and of those made for one that nobody may keep them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        keyed: dict[str, bool] = {}

        async def confidential(message: Message) -> None:
            if keyed and message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Authorization")
                if keyed["given"]:
                    headers["Cache-Control"] = "private, no-store"
                    if scope["method"] in ("GET", "HEAD"):  # of what was written, it names the new version
                        del headers["ETag"]
            await send(message)

        # A dict, which later copies of the scope still share; in this scope, where others look for the route.
        scope[_KEYED] = keyed
        await self._app(scope, receive, confidential)


class _Packed(GZipResponder):
    """Compresses by ISA-L up to its highest level, which takes a quarter of the time of zlib's levels nearby."""

    _quick: Any = None

    @property
    def compressor(self) -> Any:
        """What compresses this answer."""
        if self.compresslevel > FAST_LEVELS:
            return super().compressor
        if self._quick is None:
            self._quick = isal_zlib.compressobj(self.compresslevel, isal_zlib.DEFLATED, 16 + isal_zlib.MAX_WBITS)
        return self._quick


class Compressed(GZipMiddleware):
    """Compresses answers for whoever takes that.

    Files are left as they are: most are compressed inside, and ranges are ranges of a file as it is.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            accepted = Headers(scope=scope).get("accept-encoding", "")
            # The middleware looks for the word alone, and would compress for `gzip;q=0` too.
            if "/downloads/" in scope["path"] or ("gzip" in accepted and not takes_gzip(accepted)):
                await self.app(scope, receive, send)
                return
            if "gzip" in accepted:
                await _Packed(self.app, self.minimum_size, self.compresslevel)(scope, receive, send)
                return
        await super().__call__(scope, receive, send)
