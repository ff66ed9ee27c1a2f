"""Reading editions: a store of regions, the edition each one serves, and tables read by the row groups needed."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from grids.identity import code_digest, edition_id, file_digest
from grids.manifest import (
    Bbox,
    Collection,
    CollectionInfo,
    Manifest,
    checked_edition,
    checked_name,
    checked_region,
    read_manifest,
)
from grids.projections import LONLAT, reproject, transformer
from grids.publish import CURRENT, EditionWriter
from grids.store_errors import (
    CollectionNotFound,
    ColumnNotFound,
    EditionBroken,
    EditionNotFound,
    InvalidName,
    ItemNotFound,
    RegionNotFound,
    YearNotFound,
)
from grids.table_files import TableFile
from grids.tables import COVERING, GEOMETRY, Geometries

__all__ = [
    "Bbox",
    "Collection",
    "CollectionInfo",
    "Edition",
    "EditionWriter",
    "Manifest",
    "Page",
    "Store",
    "code_digest",
    "edition_id",
    "file_digest",
]

_EDITIONS_KEPT = 32
_COLUMN_BIAS = 1 << 31  # columns may be negative; a corner's key has 32 bits for each


@dataclass(frozen=True)
class Page:
    """Some rows of a table.

    Attributes:
        rows: the columns asked for; for zones and hexagons also `geometry` (WKB, region CRS).
        positions: (n,) place of each row in the whole table, which never changes within an edition.
        matched: rows that match in all, on this page or not.
    """

    rows: pa.Table
    positions: NDArray[np.int64]
    matched: int


class Edition:
    """One published edition; it never changes, so everything read may be kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        self.id = self.manifest.edition
        self.region = self.manifest.region
        self.collections: dict[str, Collection] = {
            collection.id: collection for collection in self.manifest.collections
        }
        self._files: dict[tuple[str, ...], TableFile] = {}
        self._guard = threading.Lock()

    @cached_property
    def crs(self) -> str:
        """The region's metric CRS."""
        return self.region.crs

    def collection(self, collection: str) -> Collection:
        """Return what the manifest says of a collection.

        Raises:
            InvalidName: an id that no collection can have.
            CollectionNotFound: no such collection in this edition.
        """
        found = self.collections.get(collection)
        if found is None:
            checked_name(collection, "collection")
            raise CollectionNotFound(
                f"region {self.region.id!r} has no collection {collection!r}; "
                f"it has {', '.join(self.collections) or 'none'}"
            )
        return found

    def year(self, collection: str, year: int | None) -> int:
        """Return `year`, or the latest one when none is given, after checking that the collection has it."""
        years = self.collection(collection).years
        if not years:
            raise YearNotFound(f"collection {collection!r} of region {self.region.id!r} has no table")
        if year is None:
            return years[-1]
        if year not in years:
            raise YearNotFound(
                f"collection {collection!r} of region {self.region.id!r} has no year {year}; "
                f"it has {', '.join(map(str, years))}"
            )
        return year

    def table(
        self,
        collection: str,
        year: int | None = None,
        columns: list[str] | None = None,
        bbox: Bbox | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> pa.Table:
        """Return rows of a collection's table; see `page`."""
        return self.page(collection, year, columns, bbox, offset, limit).rows

    def page(
        self,
        collection: str,
        year: int | None = None,
        columns: list[str] | None = None,
        bbox: Bbox | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> Page:
        """Read rows in the table's (spatial) order, only from the row groups that can hold them.

        Args:
            collection: its id.
            year: latest if none.
            columns: names, in the order wanted; all if none. Geometry of zones and hexagons always comes along.
            bbox: west, south, east, north in degrees; rows whose polygon (as drawn in lon/lat) meets it.
            offset: matching rows to leave out first.
            limit: rows to return at most.

        Raises:
            CollectionNotFound, YearNotFound, ColumnNotFound, EditionBroken.
        """
        info = self.collection(collection)
        file = self._file(info, self.year(collection, year))
        wanted = self._columns(info, columns)
        if bbox is None:
            stop = file.rows if limit is None else min(file.rows, offset + limit)
            positions = np.arange(min(offset, file.rows), stop, dtype=np.int64)
            return Page(file.take(positions, wanted), positions, file.rows)
        matching = self._meeting(info, file, bbox)
        positions = matching[offset : None if limit is None else offset + limit]
        return Page(file.take(positions, wanted), positions, len(matching))

    def near(self, collection: str, year: int | None, bbox: Bbox, columns: list[str] | None = None) -> Page:
        """Read the rows that may meet a lon/lat `bbox`: all that do and some close by; for drawing."""
        info = self.collection(collection)
        file = self._file(info, self.year(collection, year))
        boxes = self._boxes(info, bbox)
        positions = np.empty(0, dtype=np.int64) if boxes is None else file.meeting(boxes[0])[0]
        return Page(file.take(positions, self._columns(info, columns)), positions, len(positions))

    def item(self, collection: str, year: int | None, item: str) -> Page:
        """Read the one row with this id.

        Raises:
            ItemNotFound: no such id in that year's table.
        """
        info = self.collection(collection)
        year = self.year(collection, year)
        file = self._file(info, year)
        position = file.position(item)
        if position is None:
            raise ItemNotFound(
                f"collection {collection!r} of region {self.region.id!r} has no item {item[:80]!r} in {year}"
            )
        positions = np.asarray([position], dtype=np.int64)
        return Page(file.take(positions, self._columns(info, None)), positions, 1)

    def polygons(self, collection: str, rows: pa.Table) -> Geometries:
        """Return the polygons of rows (a grid's need `row` and `col`) in the region's CRS."""
        info = self.collection(collection)
        if info.kind != "grid":
            return np.asarray(shapely.from_wkb(rows[GEOMETRY].to_numpy()), dtype=object)
        corners, where = self.cell_corners(collection, rows)
        return np.asarray(shapely.polygons(corners[where[:, [0, 1, 2, 3, 0]]]), dtype=object)

    def cell_corners(self, collection: str, rows: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the corners of cells in the region's CRS, each once although neighbours share it.

        Args:
            collection: id of a grid.
            rows: n rows with `row` and `col`.

        Returns:
            (m, 2) corners, and (n, 4) which of them each cell has, counter-clockwise from the lower left.
        """
        info = self.collection(collection)
        if info.cell_size_m is None or info.origin_m is None:
            raise ColumnNotFound(f"collection {collection!r} is no grid, its rows have no cells")
        row, col = (rows[name].to_numpy().astype(np.int64)[:, None] for name in ("row", "col"))
        keys = ((row + np.array([0, 0, 1, 1])) << 32) + (col + np.array([0, 1, 1, 0]) + _COLUMN_BIAS)
        shared, where = np.unique(keys, return_inverse=True)
        steps = np.column_stack([(shared & 0xFFFFFFFF) - _COLUMN_BIAS, shared >> 32])
        return np.asarray(info.origin_m) + steps * float(info.cell_size_m), where.reshape(keys.shape)

    def context(self, kind: str, bbox: Bbox) -> Page:
        """Read background shapes (WKB, lon/lat) whose bounding box meets a lon/lat `bbox`."""
        if kind not in self.manifest.context:
            raise CollectionNotFound(
                f"region {self.region.id!r} has no context {kind!r}; "
                f"it has {', '.join(self.manifest.context) or 'none'}"
            )
        file = self._open_file(("context", f"{kind}.parquet"))
        positions, _ = file.meeting(bbox)
        return Page(
            file.take(positions, [name for name in file.columns if name != COVERING]), positions, len(positions)
        )

    def context_columns(self, kind: str) -> list[str]:
        """Return the names of the columns by which a context's shapes are drawn."""
        if kind not in self.manifest.context:
            return []
        file = self._open_file(("context", f"{kind}.parquet"))
        return [name for name in file.columns if name not in (COVERING, GEOMETRY, "kind", "id")]

    def private(self, kind: str, name: str) -> Path:
        """Return the path of a private table, for receipts and scenarios; it must never be served raw."""
        path = (
            self.folder
            / "private"
            / f"{checked_name(kind, 'private table')}-{checked_name(name, 'private table')}.parquet"
        )
        if not path.is_file():
            raise CollectionNotFound(
                f"edition {self.id} of region {self.region.id!r} has no private table {kind}-{name}"
            )
        return path

    def _columns(self, info: Collection, columns: list[str] | None) -> list[str]:
        names = list(info.columns) if columns is None else list(columns)
        unknown = [name for name in names if name not in info.columns]
        if unknown:
            raise ColumnNotFound(
                f"collection {info.id!r} has no column {unknown[0][:80]!r}; it has {', '.join(info.columns)}"
            )
        return names if info.kind == "grid" else [*names, GEOMETRY]

    def _meeting(self, info: Collection, file: TableFile, bbox: Bbox) -> NDArray[np.int64]:
        """Rows whose lon/lat polygon meets the box: sure well inside it, looked at exactly near its edges."""
        boxes = self._boxes(info, bbox)
        if boxes is None:
            return np.empty(0, dtype=np.int64)
        outer, inner = boxes
        positions, bounds = file.meeting(outer)
        well_inside = np.column_stack([bounds[:, :2] >= inner[:2], bounds[:, 2:] <= inner[2:]]).all(axis=1)
        close = np.flatnonzero(~well_inside)
        meets = np.ones(len(positions), dtype=np.bool_)
        meets[close] = self._intersects(info, file, positions[close], bbox)
        return np.asarray(positions[meets])

    def _intersects(
        self, info: Collection, file: TableFile, positions: NDArray[np.int64], bbox: Bbox
    ) -> NDArray[np.bool_]:
        """Whether the lon/lat polygons of rows meet a lon/lat box, exactly."""
        if info.kind != "grid":
            shapes = self.polygons(info.id, file.take(positions, [GEOMETRY]))
            return np.asarray(
                shapely.intersects(reproject(shapes, self.crs, LONLAT), shapely.box(*bbox)), dtype=np.bool_
            )
        corners, where = self.cell_corners(info.id, file.take(positions, ["row", "col"]))
        lonlat = np.column_stack(transformer(self.crs, LONLAT).transform(corners[:, 0], corners[:, 1]))
        after, before = lonlat >= bbox[:2], lonlat <= bbox[2:]
        inside = np.logical_and.reduce(after & before, axis=1)
        meets: NDArray[np.bool_] = np.logical_or.reduce(inside[where], axis=1)
        straddles = np.logical_or.reduce(after[where], axis=1) & np.logical_or.reduce(before[where], axis=1)
        beside = ~np.logical_and.reduce(straddles, axis=1)
        # Cells with a corner in the box meet it, cells all on one side of it do not; the few others need geometry.
        open_ = np.flatnonzero(~meets & ~beside)
        shapes = np.asarray(shapely.polygons(lonlat[where[open_]]), dtype=object)
        meets[open_] = shapely.intersects(shapes, shapely.box(*bbox))
        return meets

    def _boxes(self, info: Collection, bbox: Bbox) -> tuple[Bbox, Bbox] | None:
        """Boxes in the region's CRS, one around a lon/lat box and one within it; none where nothing is."""
        if info.bbox is None:
            return None
        # Only the part of the box where the collection is: far from the region its projection gives nonsense.
        margin = 0.01 * max(info.bbox[2] - info.bbox[0], info.bbox[3] - info.bbox[1])
        west, south = max(bbox[0], info.bbox[0] - margin), max(bbox[1], info.bbox[1] - margin)
        east, north = min(bbox[2], info.bbox[2] + margin), min(bbox[3], info.bbox[3] + margin)
        if west > east or south > north:
            return None
        move, along = transformer(LONLAT, self.crs), np.linspace(0, 1, 21)
        lons, lats = west + (east - west) * along, south + (north - south) * along
        left, right = (move.transform(np.full(21, lon), lats)[0] for lon in (west, east))
        bottom, top = (move.transform(lons, np.full(21, lat))[1] for lat in (south, north))
        extent = max(right.max() - left.min(), top.max() - bottom.min())
        # Between two of 21 points an edge bends away by far less than this.
        slack = 0.001 * extent + 1.0
        outer = (left.min() - slack, bottom.min() - slack, right.max() + slack, top.max() + slack)
        inner = (left.max() + slack, bottom.max() + slack, right.min() - slack, top.min() - slack)
        return outer, inner

    def _file(self, info: Collection, year: int) -> TableFile:
        file = self._open_file(("tables", info.id, f"{year}.parquet"), info)
        if file.rows != info.tables[year].rows:
            raise EditionBroken(
                f"table {info.id}/{year} of edition {self.id} has {file.rows} rows, "
                f"its manifest says {info.tables[year].rows}: build it again"
            )
        return file

    def _open_file(self, parts: tuple[str, ...], info: Collection | None = None) -> TableFile:
        with self._guard:
            file = self._files.get(parts)
            if file is None:
                file = self._files[parts] = TableFile(self.folder.joinpath(*parts), info)
            return file


class Store:
    """A folder of regions with their editions, as `EditionWriter` leaves it; `current` is read each time."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._editions: OrderedDict[tuple[str, str], Edition] = OrderedDict()
        self._guard = threading.Lock()

    def regions(self) -> list[str]:
        """Return the ids of all regions that have a `current`, sorted; opening one shows whether it is whole."""
        try:
            folders = sorted(entry.name for entry in self.path.iterdir() if (entry / CURRENT).is_file())
        except OSError:
            return []
        return [name for name in folders if _is_region(name)]

    def current(self, region: str) -> str:
        """Return the id of the edition that a region serves now.

        Raises:
            InvalidName: an id that no region can have.
            RegionNotFound: nothing is published for it.
            EditionBroken: `current` does not name an edition.
        """
        path = self.path / checked_region(region) / CURRENT
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise RegionNotFound(
                f"this store has no region {region!r}; it has {', '.join(self.regions()) or 'none'}"
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise EditionBroken(f"`current` of region {region!r} cannot be read: {error}") from error
        try:
            return checked_edition(text)
        except InvalidName as error:
            raise EditionBroken(
                f"`current` of region {region!r} says {text[:40]!r}, which is no edition: build the region again"
            ) from error

    def open(self, region: str, edition: str | None = None) -> Edition:
        """Open the edition a region serves now, or the one named.

        Raises:
            InvalidName: ids that cannot be.
            RegionNotFound, EditionNotFound: nothing of that id is published.
            EditionBroken: its manifest is missing or not as declared; other regions are not touched by that.
        """
        name = self.current(region) if edition is None else checked_edition(edition)
        key = (checked_region(region), name)
        with self._guard:
            if key in self._editions:
                self._editions.move_to_end(key)
                return self._editions[key]
        folder = self.path / region / name
        if not folder.is_dir():
            self.current(region)
            if edition is None:
                raise EditionBroken(
                    f"region {region!r} points to edition {name}, which is not in the store: build the region again"
                )
            raise EditionNotFound(f"region {region!r} has no edition {name}")
        opened = Edition(folder)
        with self._guard:
            opened = self._editions.setdefault(key, opened)
            while len(self._editions) > _EDITIONS_KEPT:
                self._editions.popitem(last=False)
        return opened


def _is_region(name: str) -> bool:
    try:
        checked_region(name)
    except InvalidName:
        return False
    return True
