"""One published edition: its manifest, and its tables read by the row groups needed."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from grids.chunks import Columns
from grids.manifest import Bbox, Collection, Manifest, checked_name, manifest_bytes, read_manifest
from grids.places import Places, cell_corners, row_polygons
from grids.private_tables import private_path
from grids.recent import Recent, Sized
from grids.row_blocks import rows_between
from grids.selection import EVERYTHING, Selection
from grids.store_errors import CollectionNotFound, ColumnNotFound, EditionBroken, ItemNotFound, YearNotFound
from grids.table_files import TableFile
from grids.tables import COVERING, GEOMETRY, Geometries

_SELECTED: Recent[NDArray[np.int32]] = Recent()
"""Of all editions of this process: three orders of ten million rows, however many editions are open."""

MOST_INDEX_BYTES = 512_000_000
"""Of footers and indexes of the editions of one store; that of ten million cells in 60 columns takes a fifth of it."""

_OPENED = itertools.count()
"""Tells editions of one process apart, also those of the same name in different stores."""

Index = TypeVar("Index", bound=Sized)


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
    """One published edition; it never changes, so everything read may be kept.

    Args:
        folder: of the edition.
        indexes: where its open tables and its indexes are kept, with those of other editions; by itself if none.
    """

    def __init__(self, folder: Path, indexes: Recent[Sized] | None = None) -> None:
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        self._bytes = manifest_bytes(folder)
        self.id = self.manifest.edition
        self.region = self.manifest.region
        self.collections: dict[str, Collection] = {
            collection.id: collection for collection in self.manifest.collections
        }
        self._indexes = Recent(MOST_INDEX_BYTES, latest=True) if indexes is None else indexes
        self._opened = next(_OPENED)
        self._guard = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    @property
    def nbytes(self) -> int:
        """Bytes that it holds in memory, roughly: its manifest. What it opened and indexed is counted there."""
        return self._bytes

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

    def types(self, collection: str, year: int | None = None) -> dict[str, str]:
        """Return the columns of a collection's table and their types: string, bool, int16, int32 or double."""
        info = self.collection(collection)
        schema = self._file(info, self.year(collection, year)).schema
        return {name: str(schema.field(name).type) for name in info.columns}

    def table(self, collection: str, year: int | None = None, columns: list[str] | None = None) -> pa.Table:
        """Return all rows of a collection's table; see `page`."""
        return self.page(collection, year, columns).rows

    def page(
        self,
        collection: str,
        year: int | None = None,
        columns: list[str] | None = None,
        asked: Selection = EVERYTHING,
        *,
        offset: int = 0,
        limit: int | None = None,
        keep: bool = True,
    ) -> Page:
        """Read rows in the table's (spatial) order or in one asked for, only from the row groups that can hold them.

        Args:
            collection: its id.
            year: latest if none.
            columns: names, in the order wanted; all if none. Geometry of zones and hexagons always comes along.
            asked: which rows, and in which order.
            offset: matching rows to leave out first.
            limit: rows to return at most.
            keep: what is read, for whoever asks next; of all rows alone.

        Raises:
            CollectionNotFound, YearNotFound, ColumnNotFound, EditionBroken; QueryTooLarge by the selection's condition.
        """
        info = self.collection(collection)
        year = self.year(collection, year)
        file = self._file(info, year)
        wanted = self._columns(info, columns)
        if asked == EVERYTHING:
            stop = file.rows if limit is None else min(file.rows, offset + limit)
            positions = np.arange(min(offset, file.rows), stop, dtype=np.int64)
            return Page(file.take(positions, wanted, keep=keep), positions, file.rows)
        self._columns(info, asked.columns)
        key = asked.digest(f"{self._opened}/{collection}", year)
        matching = _SELECTED.get(key)
        if matching is None:
            matching = asked.positions(Places(info, file, self.crs))
            _SELECTED.keep(key, matching)
        first = min(offset, len(matching))
        end = len(matching) if limit is None else min(len(matching), offset + limit)
        rows = rows_between(file, key, matching, first, end, wanted)
        return Page(rows, matching[first:end].astype(np.int64), len(matching))

    def walk(self, collection: str, year: int | None, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield all rows of a table in its order, some at a time: of many a column would be much memory.

        Only the columns named are read. Nothing is kept for whoever asks next.
        """
        info = self.collection(collection)
        self._columns(info, list(columns))
        yield from self._file(info, self.year(collection, year)).walk(list(columns))

    def near(self, collection: str, year: int | None, bbox: Bbox, columns: list[str] | None = None) -> Page:
        """Read the rows that may meet a lon/lat `bbox`: all that do and some close by; for drawing."""
        info = self.collection(collection)
        file = self._file(info, self.year(collection, year))
        positions = Places(info, file, self.crs).near(bbox)
        return Page(file.take(positions, self._columns(info, columns)), positions, len(positions))

    def groups_near(
        self, collection: str, year: int | None, bbox: Bbox, columns: Sequence[str]
    ) -> tuple[Columns, Bbox] | None:
        """Read the row groups that may hold rows meeting a lon/lat `bbox`, as they lie: the fast way to draw cells.

        Returns:
            Columns asked for, and in metres the box around `bbox` that rows must meet to be near it; None where the
            collection has nothing.
        """
        info = self.collection(collection)
        file = self._file(info, self.year(collection, year))
        self._columns(info, list(columns))
        box = Places(info, file, self.crs).around(bbox)
        return None if box is None else (file.columns_meeting(box, columns), box)

    def rows(
        self, collection: str, year: int | None, positions: NDArray[np.int64], columns: list[str] | None = None
    ) -> pa.Table:
        """Read the rows at ascending positions of a table."""
        info = self.collection(collection)
        return self._file(info, self.year(collection, year)).take(positions, self._columns(info, columns))

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

    def positions(self, collection: str, year: int, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return (n,) where each of n ids stands in a year's table; -1 for those it does not have."""
        return self._file(self.collection(collection), self.year(collection, year)).positions(ids)

    def polygons(self, collection: str, rows: pa.Table) -> Geometries:
        """Return the polygons of rows (a grid's need `row` and `col`) in the region's CRS."""
        return row_polygons(self.collection(collection), rows)

    def cell_corners(self, collection: str, rows: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the corners of cells in the region's CRS, each once although neighbours share it.

        Args:
            collection: id of a grid.
            rows: n rows with `row` and `col`.

        Returns:
            (m, 2) corners, and (n, 4) which of them each cell has, counter-clockwise from the lower left.
        """
        return cell_corners(self.collection(collection), rows)

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

    def context_count(self, kind: str) -> int:
        """Return how many shapes a context has, without reading them; 0 where there is none of it."""
        return self._open_file(("context", f"{kind}.parquet")).rows if kind in self.manifest.context else 0

    def context_columns(self, kind: str) -> list[str]:
        """Return the names of the columns by which a context's shapes are drawn."""
        if kind not in self.manifest.context:
            return []
        file = self._open_file(("context", f"{kind}.parquet"))
        return [name for name in file.columns if name not in (COVERING, GEOMETRY, "kind", "id")]

    def private(self, kind: str, name: str) -> Path:
        """Return the path of a private table, for receipts and scenarios; it must never be served raw."""
        path = private_path(self.folder, self.manifest, kind, name)
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

    def _file(self, info: Collection, year: int) -> TableFile:
        file = self._open_file(("tables", info.id, f"{year}.parquet"), info)
        if file.rows != info.tables[year].rows:
            raise EditionBroken(
                f"table {info.id}/{year} of edition {self.id} has {file.rows} rows, "
                f"its manifest says {info.tables[year].rows}: build it again"
            )
        return file

    def _open_file(self, parts: tuple[str, ...], info: Collection | None = None) -> TableFile:
        return self.index("/".join(parts), lambda: TableFile(self.folder.joinpath(*parts), info))

    def index(self, name: str, made: Callable[[], Index]) -> Index:
        """Return what is kept of this edition under a name, or make it; nobody makes it twice at once.

        What is kept of all editions of a store is bounded in bytes: what was not asked for longest goes, and is made
        again when it is asked for. Whoever has it by then keeps it as long as they need it.

        Args:
            name: of a table, its path below the edition's folder.
            made: makes it.
        """
        key = f"{self._opened}/{name}".encode()
        found = self._indexes.get(key)
        if found is None:
            with self._guard:
                turn = self._making.setdefault(name, threading.Lock())
            with turn:
                found = self._indexes.get(key)
                if found is None:
                    found = made()
                    self._indexes.keep(key, found)
        return cast("Index", found)
