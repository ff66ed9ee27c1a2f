"""`carbonmap.open`: public tables as GeoDataFrames, from a store on disk or from a server, the same frame from both."""

import json
import shutil
import tempfile
from http import HTTPStatus
from numbers import Integral
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit
from urllib.request import Request, urlopen

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq

from carbonmap.errors import RegionError
from grids.edition import Store
from grids.exports.public_table import PublicTable
from grids.identity import file_digest
from grids.manifest import MANIFEST_FILE
from grids.publish import CURRENT
from grids.shipped import shipped_columns
from grids.store_errors import CollectionNotFound, YearNotFound
from grids.tables import COVERING, GEOMETRY, with_geometry

_TIMEOUT_S = 60
_PATIENCE_S = 1800
"""How long to ask again for a file that a server is making."""
_LONGEST_PAUSE_S = 60
"""What is being made can be asked for again within seconds; who is told to come back later than this is refused."""


class Place(RegionError):
    """What was given to `carbonmap.open` holds nothing that can be read."""


class Source(Protocol):
    """Where editions come from."""

    def regions(self) -> list[str]:
        """Return the ids of all regions there."""

    def edition(self, region: str, edition: str | None) -> dict[str, Any]:
        """Return the public manifest of the edition served, or of the one named."""

    def table(self, region: str, edition: str, collection: str, year: int) -> tuple[pa.Table, str]:
        """Return a public table with WKB `geometry`, and its CRS."""


class Opened:
    """An edition of a region, to be read as GeoDataFrames.

    Frames have the columns of the public table and its polygons in the region's CRS; `frame.attrs` says edition,
    whether the numbers are synthetic or illustrative, and whose data they are.
    """

    def __init__(self, source: Source, region: str, edition: str | None = None) -> None:
        self._source = source
        self.manifest: dict[str, Any] = source.edition(region, edition)
        self.region = region
        self.edition: str = self.manifest["edition"]

    def __repr__(self) -> str:
        return f"<carbonmap edition {self.edition} of {self.region}: {', '.join(self._collections)}>"

    @property
    def regions(self) -> list[str]:
        """Ids of all regions where this one is."""
        return self._source.regions()

    @property
    def years(self) -> list[int]:
        """Years of the edition."""
        return list(self.manifest["region"]["years"])

    @property
    def _collections(self) -> dict[str, dict[str, Any]]:
        return {collection["id"]: collection for collection in self.manifest["collections"]}

    def cells(self, size: str | int, year: int | None = None) -> gpd.GeoDataFrame:
        """Return the cells of a grid.

        Args:
            size: `"100m"`, `"1km"`, metres as a number, or the collection's id.
            year: the latest if none.

        Raises:
            GridError: no such grid or year.
        """
        metres = _metres(size)
        found = [info["id"] for info in self._of_kind("grid") if size == info["id"] or info["cell_size_m"] == metres]
        return self._frame(found, "grid", str(size), year)

    def zones(self, zone_set: str, year: int | None = None) -> gpd.GeoDataFrame:
        """Return the zones of a zone set, by its id such as `"sigungu"`; the latest year if none.

        Raises:
            GridError: no such zone set or year.
        """
        found = [info["id"] for info in self._of_kind("zones") if info["id"] == zone_set]
        return self._frame(found, "zones", zone_set, year)

    def hexagons(self, resolution: int, year: int | None = None) -> gpd.GeoDataFrame:
        """Return the H3 hexagons of a resolution; the latest year if none.

        Raises:
            GridError: no such resolution or year.
        """
        found = [info["id"] for info in self._of_kind("hexagons") if info["resolution"] == resolution]
        return self._frame(found, "hexagons", str(resolution), year)

    def _of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [info for info in self._collections.values() if info["kind"] == kind]

    def _frame(self, found: list[str], kind: str, asked: str, year: int | None) -> gpd.GeoDataFrame:
        if not found:
            there = ", ".join(info["id"] for info in self._of_kind(kind)) or "none"
            raise CollectionNotFound(f"region {self.region!r} has no {kind} {asked!r}; of that kind it has {there}")
        if year is not None and not _is_whole(year):
            raise YearNotFound(f"year: got {year!r}, expected a whole number such as 2023")
        years = sorted(int(name) for name in self._collections[found[0]]["tables"])
        if year is None and years:
            year = years[-1]
        if year not in years:
            raise YearNotFound(
                f"{found[0]} of region {self.region!r} has no year {year}; "
                f"it has {', '.join(map(str, years)) or 'none'}"
            )
        table, crs = self._source.table(self.region, self.edition, found[0], year)
        rows = table.drop_columns([name for name in (GEOMETRY, COVERING) if name in table.column_names]).to_pandas()
        polygons = gpd.GeoSeries.from_wkb(table[GEOMETRY].to_numpy(), crs=crs)
        frame = gpd.GeoDataFrame(rows, geometry=polygons, crs=crs)
        frame.attrs = {"collection": found[0], "year": year, **_about(self.manifest)}
        return frame


class StoreFolder:
    """Editions of a store on disk."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path)

    def regions(self) -> list[str]:
        """Return the ids of all regions there."""
        return self._store.regions()

    def edition(self, region: str, edition: str | None) -> dict[str, Any]:
        """Return the public manifest of an edition, as the API tells it."""
        manifest: dict[str, Any] = json.loads(json.dumps(self._store.open(region, edition).manifest.public()))
        return manifest

    def table(self, region: str, edition: str, collection: str, year: int) -> tuple[pa.Table, str]:
        """Return a public table with WKB `geometry`, and its CRS."""
        opened = self._store.open(region, edition)
        table = PublicTable(opened, opened.collection(collection), year, shipped_columns())
        pieces = [with_geometry(rows, polygons, opened.crs) for rows, polygons in table.pieces()]
        return pa.concat_tables([piece.replace_schema_metadata(None) for piece in pieces]), opened.crs


class Server:
    """Editions that an API serves; tables come as its GeoParquet downloads, checked against their digest."""

    def __init__(self, base: str) -> None:
        self._base = base

    def regions(self) -> list[str]:
        """Return the ids of all regions there."""
        return [region["id"] for region in self._json("regions")]

    def edition(self, region: str, edition: str | None) -> dict[str, Any]:
        """Return the public manifest of an edition."""
        manifest: dict[str, Any] = self._json(region, "manifest", edition=edition)
        return manifest

    def table(self, region: str, edition: str, collection: str, year: int) -> tuple[pa.Table, str]:
        """Return a public table with WKB `geometry`, and its CRS."""
        address = self._address(region, "downloads", f"{collection}_{year}.parquet", edition=edition)
        with tempfile.TemporaryDirectory(prefix="carbonmap-") as folder:
            path = Path(folder) / "table.parquet"
            self._download(address, path)
            table = pq.read_table(path)
        return table, json.loads(table.schema.metadata[b"carbonmap"])["crs"]

    def _download(self, address: str, path: Path) -> None:
        begun = monotonic()
        while True:
            try:
                with urlopen(Request(address), timeout=_TIMEOUT_S) as answer, path.open("wb") as file:
                    shutil.copyfileobj(answer, file)
                    promised = answer.headers.get("ETag", "").strip('"')
            except HTTPError as error:
                again = error.headers.get("Retry-After", "")
                left = _PATIENCE_S - (monotonic() - begun)
                making = error.code == HTTPStatus.SERVICE_UNAVAILABLE and again.isdigit()
                if not making or int(again) > min(_LONGEST_PAUSE_S, left):
                    raise _told(address, error) from None
                error.close()
                sleep(int(again))
            except (URLError, OSError) as error:
                raise _unreachable(address, error) from None
            else:
                if file_digest(path) != promised:
                    raise Place(f"{address} came damaged: its SHA-256 is not the one promised; ask again")
                return

    def _json(self, *path: str, edition: str | None = None) -> Any:
        address = self._address(*path, edition=edition)
        try:
            with urlopen(Request(address, headers={"Accept": "application/json"}), timeout=_TIMEOUT_S) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise _told(address, error) from None
        except (URLError, OSError) as error:
            raise _unreachable(address, error) from None
        except ValueError:
            raise Place(f"{address} does not answer as a carbonmap server does: give the address of its map") from None

    def _address(self, *path: str, edition: str | None = None) -> str:
        asked = f"?{urlencode({'edition': edition})}" if edition else ""
        return "/".join([self._base, *(quote(part, safe="") for part in path)]) + asked


def open_place(place: str | Path, region: str | None = None, edition: str | None = None) -> Opened:
    """Open an edition; see `carbonmap.open`."""
    source: Source
    if not isinstance(place, str | Path) or not str(place):
        raise Place(
            f"a folder or an address was expected, got {place!r}: give a store, a region's folder in it, or the "
            "address of a server"
        )
    scheme, among, _ = str(place).partition("://")
    if among and scheme not in ("http", "https"):
        raise Place(
            f"{place} begins with {scheme}://: the address of a server (http:// or https://) was expected, or a folder"
        )
    source, within, edition_within = _server(str(place)) if among else _folder(Path(place))
    region = _one_of("region", region, within, place)
    edition = _one_of("edition", edition, edition_within, place)
    if region is None:
        there = source.regions()
        if len(there) != 1:
            which = f"has the regions {', '.join(there)}: say which, region=..." if there else "has no region"
            raise Place(f"{place} {which}")
        region = there[0]
    return Opened(source, region, edition)


def _one_of(what: str, given: str | None, within: str | None, place: str | Path) -> str | None:
    if given and within and given != within:
        raise Place(f"{place} names the {what} {within}, and {what}={given!r} was given: give one of them")
    return given or within


def _server(address: str) -> tuple[Server, str | None, str | None]:
    """The API that an address is of (of its map, of the API, or of something in it), the region and edition it names.

    What else stands in the address of a map says how it is looked at; in one of the API it is a part of the numbers.
    """
    parts = urlsplit(address)
    before, api, after = f"{parts.path}/".partition("/api/")
    base = f"{parts.scheme}://{parts.netloc}{before.rstrip('/') if api else parts.path.rstrip('/')}/api"
    named = after.split("/")[0]
    region = unquote(named) if named and named != "regions" else None
    asked = parse_qs(parts.query, keep_blank_values=True)
    if not api:
        region = asked.get("region", [""])[0] or None
    elif others := sorted(asked.keys() - {"edition"}):
        raise Place(f"{address} asks for {', '.join(others)}, which cannot be opened: leave all but edition= out of it")
    editions = asked.get("edition", [])
    if len(editions) > 1 or (api and "" in editions):
        raise Place(f"{address} names {len(editions)} editions, {editions}: the id of one was expected, or no edition=")
    return Server(base), region, editions[0] or None if editions else None


def _folder(path: Path) -> tuple[StoreFolder, str | None, str | None]:
    """The store that a folder is or lies in, and the region and edition it names."""
    path = path.resolve()
    if (path / MANIFEST_FILE).is_file():
        return StoreFolder(path.parents[1]), path.parent.name, path.name
    if (path / CURRENT).is_file():
        return StoreFolder(path.parent), path.name, None
    if not path.is_dir():
        raise Place(f"there is no folder {path}: give a store, a region's folder in it, or the address of a server")
    return StoreFolder(path), None, None


def _is_whole(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral)


def _metres(size: object) -> int | None:
    """`100`, `"100m"`, `"1km"` as metres; none of anything else."""
    if not isinstance(size, bool) and isinstance(size, Integral):
        return int(size)
    if not isinstance(size, str):
        raise CollectionNotFound(
            f"size: got {size!r}, expected '100m', '1km', whole metres such as 100, or a grid's id"
        )
    for unit, factor in (("km", 1000), ("m", 1)):
        number = size.removesuffix(unit).strip()
        if size.endswith(unit) and number.isdigit():
            return int(number) * factor
    return None


def _about(manifest: dict[str, Any]) -> dict[str, Any]:
    """What stands beside the numbers of a frame."""
    region = manifest["region"]
    return {
        "region": region["id"],
        "edition": manifest["edition"],
        "synthetic": region["synthetic"],
        "illustrative": manifest["illustrative"],
        "attributions": region["attributions"],
    }


def _told(address: str, error: HTTPError) -> Place:
    try:
        detail = json.load(error)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = error.reason
    return Place(f"{address} answers {error.code}: {detail}")


def _unreachable(address: str, error: Exception) -> Place:
    return Place(f"{address} cannot be reached ({getattr(error, 'reason', error)}): is the server running?")
