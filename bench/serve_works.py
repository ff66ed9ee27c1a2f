"""What servers are asked: tiles, pages, single items, filters and sums, of ours and the same of a peer."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from bench import serve_encoders
from bench.serve_inputs import COLLECTION, REGION, YEAR, Served
from bench.serve_load import Asked
from bench.serve_servers import Server, fetch

PAGE = 1000

_GZIP = {"Accept-Encoding": "gzip"}
_ITEMS, _STRIDE = 5_000, 104_729
_FEW = 10
"""Features that a filter answers with, so that it is the filter that takes the time."""


@dataclass(frozen=True)
class Work:
    """One thing that is asked for.

    Attributes:
        name: of it.
        asked: of our server.
        peer: the same of tipg, if it can answer it.
    """

    name: str
    asked: Asked
    peer: Asked | None = None


def works_of(server: Server, served: Served) -> list[Work]:
    """Return what a server of ours over the edition is asked, and tipg over the same rows."""
    tiles = f"/api/{REGION}/collections/{COLLECTION}/tiles/WebMercatorQuad"
    template = json.loads(fetch(server.address + tiles).body)["tiles"][0]
    address = urlsplit(template)
    warm = f"{address.path}?{address.query}".replace("%7B", "{").replace("%7D", "}")
    tile = served.tile
    for name, value in (("z", tile.z), ("y", tile.y), ("x", tile.x)):
        warm = warm.replace(f"{{{name}}}", str(value))
    pinned = f"year={YEAR}&edition={served.edition.id}"
    items = f"/api/{REGION}/collections/{COLLECTION}/items"
    page = f"{items}?limit={PAGE}&{pinned}"
    theirs = f"/collections/public.{serve_encoders.TABLE}/tiles/WebMercatorQuad/{tile.z}/{tile.x}/{tile.y}"
    columns = serve_encoders.shown_columns(served)
    rows = f"/collections/public.{serve_encoders.LONLAT_TABLE}/items"
    pages = f"{rows}?limit={PAGE}&f=geojson"
    few, condition = f"limit={_FEW}", quote("net_tco2e > 10 AND buildings_tco2e <> ")
    names = [quote(name) for name in _spread_ids(served)]
    json_type = {"Content-Type": "application/geo+json"}
    return [
        Work("warm tile", Asked([warm], headers=_GZIP)),
        Work(
            "cold tile",
            cold(warm, columns, _other_columns(served, columns)),
            Asked([f"{theirs}?properties={','.join(columns)}"], headers=_GZIP),
        ),
        Work(f"page of {PAGE:,}", Asked([f"{page}&offset=%d"]), Asked([f"{pages}&offset=%d"])),
        Work(
            f"page of {PAGE:,}, gzip",
            Asked([f"{page}&offset=%d"], headers=_GZIP),
            Asked([f"{pages}&offset=%d"], headers=_GZIP),
        ),
        Work(
            "item by its id",
            Asked([f"{items}/{name}?{pinned}" for name in names]),
            Asked([f"{rows}/{name}?f=geojson" for name in names]),
        ),
        Work(
            f"filter, first {_FEW}",
            Asked([f"{items}?{few}&{pinned}&filter={condition}%d"]),
            Asked([f"{rows}?{few}&f=geojson&filter-lang=cql2-text&filter={condition}%d"]),
        ),
        Work(
            f"page of {PAGE:,}, sorted",
            Asked([f"{page}&sortby=-net_tco2e&offset=%d"]),
            Asked([f"{pages}&sortby=-net_tco2e&offset=%d"]),
        ),
        Work(
            "sums of a polygon",
            Asked([f"/api/{REGION}/statistics?year={YEAR}"], json.dumps(served.polygon).encode(), json_type),
        ),
    ]


def _spread_ids(served: Served) -> list[str]:
    """Ids from all over the table, the next one far from the last."""
    ids = served.edition.table(COLLECTION, YEAR, ["id"])["id"]
    return [ids[(k * _STRIDE) % len(ids)].as_py() for k in range(_ITEMS)]


def _other_columns(served: Served, columns: Sequence[str]) -> list[str]:
    """Columns of numbers that a tile carries only when asked."""
    names = served.edition.collection(COLLECTION).columns
    return [name for name in names if name not in columns and name.endswith(("_tco2e", "_share"))]


def cold(warm: str, columns: Sequence[str], others: Sequence[str]) -> Asked:
    """The same tile with as many columns, of which two are ever others, so that no answer is a kept one.

    The order of columns does not make another tile: a server puts them in the order of the collection.
    """
    begin, _, query = warm.partition("?")
    kept = [list(names) for names in itertools.combinations(columns[1:], len(columns) - 3)]
    added = [list(names) for names in itertools.combinations(others, 2)]
    chosen = itertools.islice(itertools.product(added, kept), 5_000)
    paths = [f"{begin}?{query}&properties={','.join([columns[0], *names, *more])}" for more, names in chosen]
    return Asked(paths, headers=_GZIP)
