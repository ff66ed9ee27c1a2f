"""Tiles that were made lately, compressed, by the address that names them for good; bounded in bytes."""

import gzip
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request, Response

from api.answers import ASK_AGAIN, FOR_GOOD, MVT, asks_for_any, holds, tag_of
from api.formats import takes_gzip
from api.params import Opened
from api.watch import route_of

Header = tuple[bytes, bytes]

LOOK_S = 1.0
"""For so long a tile is answered after its edition was deleted: to look each time would cost as much as to answer."""
_OVERHEAD = 600
"""Bytes that an entry takes beside its body and address: tag, places in the dictionary."""
_BODY: list[Header] = [(b"content-type", MVT.encode("ascii"))]
_PACKED_BODY: list[Header] = [*_BODY, (b"content-encoding", b"gzip")]


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
    """The tiles asked for last; safe to use from several threads.

    Args:
        most_bytes: how much is kept; 0 keeps nothing.
        has: whether the store has an edition, by region and id.
    """

    def __init__(self, most_bytes: int, has: Callable[[str, str], bool]) -> None:
        self._most = most_bytes
        self._has = has
        self._seen: dict[tuple[str, str], float] = {}
        self._kept: OrderedDict[tuple[str, bytes], KeptTile] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()

    def get(self, address: tuple[str, bytes]) -> KeptTile | None:
        """Return the tile of an address (path, and query that names year and edition), if it is kept.

        Whether its edition is still there is another question (`seen_lately`, `look`): it may take as long as a disk.
        """
        with self._guard:
            kept = self._kept.get(address)
            if kept is not None:
                self._kept.move_to_end(address)
            return kept

    def seen_lately(self, edition: tuple[str, str]) -> bool:
        """Whether an edition was there less than LOOK_S seconds ago."""
        return time.monotonic() - self._seen.get(edition, -math.inf) < LOOK_S

    def look(self, edition: tuple[str, str]) -> bool:
        """Whether an edition is there, by asking the store if it was not seen lately; its tiles go if it is not."""
        if self.seen_lately(edition):
            return True
        there = self._has(*edition)  # not under the guard: where the store hangs, tiles of others are kept and found
        with self._guard:
            if there:
                self._seen[edition] = time.monotonic()
            else:
                self._drop(edition)
        return there

    def _drop(self, edition: tuple[str, str]) -> None:
        """Forget the tiles of an edition."""
        self._seen.pop(edition, None)
        for address in [address for address, tile in self._kept.items() if tile.edition == edition]:
            self._bytes -= _size(address, self._kept.pop(address))

    def keep(self, address: tuple[str, bytes], tile: KeptTile) -> None:
        """Keep a tile; those not asked for longest go."""
        size = _size(address, tile)
        if size > self._most:
            return
        with self._guard:
            old = self._kept.pop(address, None)
            self._bytes += size - (_size(address, old) if old is not None else 0)
            self._kept[address] = tile
            while self._bytes > self._most:
                self._bytes -= _size(*self._kept.popitem(last=False))


def _size(address: tuple[str, bytes], tile: KeptTile) -> int:
    """Bytes that an entry takes; an address that names many columns may be longer than its tile."""
    return len(address[0]) + len(address[1]) + len(tile.packed) + _OVERHEAD


def tile_reply(tag: str, packed: bytes, known: str | None, accepted: str) -> tuple[int, list[Header], bytes | None]:
    """Return status, headers and body of a tile, whoever sends it; no body where it must be unpacked first.

    Args:
        tag: its entity tag.
        packed: a gzip member; no bytes at all of an empty tile.
        known: the If-None-Match header.
        accepted: the Accept-Encoding header.
    """
    tagged: list[Header] = [(b"etag", tag.encode("ascii"))]
    if holds(known, tag):
        return 304, tagged, b""
    if not packed:
        return 200, tagged + _BODY, b""
    if takes_gzip(accepted):
        return 200, tagged + _PACKED_BODY, packed
    return 200, tagged + _BODY, None


def tile_answer(request: Request, opened: Opened, address: tuple[str, bytes], make: Callable[[], bytes]) -> Response:
    """Answer with a tile, from the cache if it is there; with 304 when the client has it already.

    Args:
        request: as it came; its address may say less than `address`, or in another order.
        opened: the edition that answers.
        address: the one that names this tile for good.
        make: returns the tile as a gzip member, or no bytes.
    """
    cache: TileCache = request.app.state.tiles
    path, query = address
    tag = tag_of(path, query.decode("ascii"))  # the address names the edition
    known = request.headers.get("if-none-match")
    kept = cache.get(address)  # its edition is the one that answers, and there
    if kept is None and (not holds(known, tag) or asks_for_any(known)):
        kept = KeptTile(make(), tag, route_of(request.scope), (opened.edition.region.id, opened.edition.id))
        cache.keep(address, kept)
    packed = b"" if kept is None else kept.packed
    status, headers, body = tile_reply(tag, packed, known, request.headers.get("accept-encoding", ""))
    sent = {name.decode("ascii"): value.decode("ascii") for name, value in headers}
    sent |= {"Cache-Control": FOR_GOOD if opened.pinned else ASK_AGAIN, "Vary": "Accept-Encoding"}
    return Response(kept.plain() if body is None and kept is not None else body, status, sent)
