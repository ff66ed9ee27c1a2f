"""Tiles that are kept, answered before anything else is asked: no routing, no thread, no compression.

An address that names year and edition names the same bytes for good. Whatever is not such an address of a tile that is
kept goes on to the application, whose routes make tiles, refuse what cannot be, and keep what they made here.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.answers import FOR_GOOD, MVT, holds
from api.formats import takes_gzip
from api.middleware import SECURITY_HEADERS
from api.tile_cache import KeptTile, TileCache

_ALWAYS = [
    *((name.lower().encode("ascii"), value.encode("ascii")) for name, value in SECURITY_HEADERS.items()),
    (b"cache-control", FOR_GOOD.encode("ascii")),
    (b"vary", b"Accept-Encoding"),
]
_TYPE = (b"content-type", MVT.encode("ascii"))
_PACKED = (b"content-encoding", b"gzip")


class _Route:
    """What says which address answered, as Starlette's routes do."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path


class KeptTiles:
    """Answers for tiles that are kept; hands all else on."""

    def __init__(self, app: ASGIApp, cache: TileCache) -> None:
        self._app, self._cache = app, cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        kept = self._cache.get((scope["path"], scope["query_string"]))
        if kept is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = _Route(kept.route)
        status, headers, body = _answer(kept, scope["headers"])
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _answer(kept: KeptTile, asked: list[tuple[bytes, bytes]]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body for a request with these headers."""
    accepted = known = b""
    for name, value in asked:
        if name == b"accept-encoding":
            accepted += b"," + value
        elif name == b"if-none-match":
            known += b"," + value
    tag = (b"etag", kept.tag.encode("ascii"))
    if known and holds(known.decode("latin-1"), kept.tag):
        return 304, [*_ALWAYS, tag], b""
    if kept.packed and takes_gzip(accepted.decode("latin-1")):
        body, form = kept.packed, [_TYPE, _PACKED]
    else:
        body, form = kept.plain(), [_TYPE]
    return 200, [*_ALWAYS, tag, *form, (b"content-length", str(len(body)).encode("ascii"))], body
