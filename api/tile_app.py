"""Tiles that are kept, answered before anything else is asked: no routing, no thread, no compression.

An address that names year and edition names the same bytes for good. Whatever is not such an address of a tile that is
kept goes on to the application, whose routes make tiles, refuse what cannot be, and keep what they made here. So does
who wants a kept tile plain: to unpack one takes a thread, and a place among the requests that are under way. What
middleware does to every answer is done here too: a request id, careful headers, CORS, numbers, a line in the log.
"""

import time
from collections.abc import Sequence

from anyio import CapacityLimiter, to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from api.answers import FOR_GOOD
from api.middleware import DATA_HEADERS
from api.tile_cache import Header, KeptTile, TileCache, tile_reply
from api.watch import REQUEST_ID, answered, name_of

_ALWAYS: list[Header] = [
    *DATA_HEADERS,
    (b"cache-control", FOR_GOOD.encode("ascii")),
    (b"vary", b"Accept-Encoding, Origin"),
]


class KeptTiles:
    """Answers for tiles that are kept; hands all else on.

    Args:
        app: what answers all else, watched by itself.
        cache: where its routes keep tiles.
        origins: pages of which hosts may read answers; `*` is any.
        exposed: headers that they may read.
    """

    def __init__(self, app: ASGIApp, cache: TileCache, origins: Sequence[str], exposed: Sequence[str]) -> None:
        self._app, self._cache = app, cache
        self._origins = frozenset(origin.encode("latin-1") for origin in origins)
        self._exposed: Header = (b"access-control-expose-headers", ", ".join(exposed).encode("ascii"))
        # A disk that hangs must hold up neither the loop nor the threads of all else: who looks has one of its own.
        self._looking = CapacityLimiter(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        kept = self._cache.get((scope["path"], scope["query_string"]))
        found = self._answer(kept, scope["headers"]) if kept is not None and await self._stands(kept) else None
        if kept is None or found is None:
            await self._app(scope, receive, send)
            return
        status, headers, body = found
        name = name_of(scope)
        headers.append((REQUEST_ID, name.encode("ascii")))
        if scope["method"] == "HEAD":
            body = b""
        try:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        finally:
            answered(scope, name, kept.route, status, len(body), time.perf_counter() - started)

    async def _stands(self, kept: KeptTile) -> bool:
        """Whether a tile's edition is still in the store."""
        if self._cache.seen_lately(kept.edition):
            return True
        return await to_thread.run_sync(self._cache.look, kept.edition, limiter=self._looking)

    def _answer(self, kept: KeptTile, asked: Sequence[Header]) -> tuple[int, list[Header], bytes] | None:
        """Status, headers and body for a request with these headers; None where the tile must be unpacked."""
        accepted = known = b""
        origin: bytes | None = None
        for name, value in asked:
            if name == b"accept-encoding":
                accepted += b"," + value
            elif name == b"if-none-match":
                known += b"," + value
            elif name == b"origin":
                origin = value
        said = known.decode("latin-1") if known else None
        status, headers, body = tile_reply(kept.tag, kept.packed, said, accepted.decode("latin-1"))
        if body is None:
            return None
        headers += _ALWAYS
        if origin is not None:
            headers += self._cross_origin(origin)
        if status == 200:
            headers.append((b"content-length", b"%d" % len(body)))
        return status, headers, body

    def _cross_origin(self, origin: bytes) -> list[Header]:
        if b"*" in self._origins:
            return [(b"access-control-allow-origin", b"*"), self._exposed]
        if origin in self._origins:
            return [(b"access-control-allow-origin", origin), self._exposed]
        return [self._exposed]
