"""Tiles that were made lately, compressed, by the address that names them for good; bounded in bytes."""

import gzip
import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request, Response

from api.answers import ASK_AGAIN, FOR_GOOD, MVT, code, holds
from api.formats import takes_gzip
from api.params import Opened
from api.watch import route_of

LOOK_S = 1.0
"""For so long a tile is answered after its edition was deleted: to look each time would cost as much as to answer."""
_OVERHEAD = 600
"""Bytes that an entry takes beside its body: address, tag, places in the dictionary."""


@dataclass(frozen=True, slots=True)
class KeptTile:
    """A tile as it is sent.

    Attributes:
        packed: a gzip member; no bytes at all of an empty tile.
        tag: entity tag, of the plain and the compressed bytes alike.
        route: template of the address that made it, from /api on.
        edition: region and id of the edition it is of.
    """

    packed: bytes
    tag: str
    route: str
    edition: tuple[str, str]

    def plain(self) -> bytes:
        """Return the bytes for a client that does not take gzip."""
        return gzip.decompress(self.packed) if self.packed else b""


class TileCache:
    """The tiles asked for last, of editions that are there; safe to use from several threads.

    Args:
        most_bytes: how much is kept; 0 keeps nothing.
        has: whether the store has an edition, by region and id; asked once in LOOK_S seconds of each.
    """

    def __init__(self, most_bytes: int, has: Callable[[str, str], bool]) -> None:
        self._most = most_bytes
        self._has = has
        self._seen: dict[tuple[str, str], float] = {}
        self._kept: OrderedDict[tuple[str, bytes], KeptTile] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()

    def get(self, address: tuple[str, bytes]) -> KeptTile | None:
        """Return the tile of an address (path, and query that names year and edition), if it is kept."""
        with self._guard:
            kept = self._kept.get(address)
            if kept is None:
                return None
            if not self._is_there(kept.edition):
                self._drop(kept.edition)
                return None
            self._kept.move_to_end(address)
            return kept

    def _is_there(self, edition: tuple[str, str]) -> bool:
        """Whether an edition was there lately."""
        now = time.monotonic()
        if now - self._seen.get(edition, -math.inf) < LOOK_S:
            return True
        if self._has(*edition):
            self._seen[edition] = now
            return True
        return False

    def _drop(self, edition: tuple[str, str]) -> None:
        """Forget the tiles of an edition."""
        self._seen.pop(edition, None)
        for address in [address for address, tile in self._kept.items() if tile.edition == edition]:
            self._bytes -= len(self._kept.pop(address).packed) + _OVERHEAD

    def keep(self, address: tuple[str, bytes], tile: KeptTile) -> None:
        """Keep a tile; those not asked for longest go."""
        size = len(tile.packed) + _OVERHEAD
        if size > self._most:
            return
        with self._guard:
            old = self._kept.pop(address, None)
            self._bytes += size - (len(old.packed) + _OVERHEAD if old is not None else 0)
            self._kept[address] = tile
            while self._bytes > self._most:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= len(gone.packed) + _OVERHEAD


def tile_answer(request: Request, opened: Opened, address: tuple[str, bytes], make: Callable[[], bytes]) -> Response:
    """Answer with a tile, from the cache if it is there; with 304 when the client has it already.

    Args:
        request: as it came; its address may say less than `address`, or in another order.
        opened: the edition that answers.
        address: the one that names this tile for good.
        make: returns the tile as a gzip member, or no bytes.
    """
    cache: TileCache = request.app.state.tiles
    tag = _tag(address)
    headers = {
        "ETag": tag,
        "Cache-Control": FOR_GOOD if opened.pinned else ASK_AGAIN,
        "Vary": "Accept-Encoding",
    }
    if holds(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    kept = cache.get(address)
    if kept is None:
        kept = KeptTile(make(), tag, route_of(request.scope), (opened.edition.region.id, opened.edition.id))
        cache.keep(address, kept)
    if kept.packed and takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(kept.packed, media_type=MVT, headers={**headers, "Content-Encoding": "gzip"})
    return Response(kept.plain(), media_type=MVT, headers=headers)


def _tag(address: tuple[str, bytes]) -> str:
    """The address names the edition; what else decides the bytes is our code."""
    path, query = address
    said = "\n".join((path, query.decode("ascii"), code()))
    # Weak: the same tag stands for the plain and the compressed bytes.
    return f'W/"{hashlib.sha256(said.encode()).hexdigest()[:24]}"'
