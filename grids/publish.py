"""Writing an edition so that a reader sees all of it or nothing: written aside, manifest last, then renamed into place.

Killed at any moment, the store still serves what it served before; what the dead build left is removed by the next one.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pydantic import ValidationError

from grids import tables
from grids.durable import sync_folder, sync_tree, write_durably
from grids.grid import Grid
from grids.identity import file_digest
from grids.locks import ProcessLock
from grids.manifest import (
    MANIFEST_FILE,
    Bbox,
    Collection,
    CollectionInfo,
    Manifest,
    TableInfo,
    checked_edition,
    checked_name,
    checked_region,
    first_faults,
    read_manifest,
)
from grids.parquet import PRIVATE, PUBLIC, TableWriter
from grids.private_tables import private_file
from grids.projections import LONLAT, transformer
from grids.store_errors import EditionError, EditionNotFound, InvalidTable
from grids.table_queue import TableQueue
from grids.wholeness import DIGESTS, PRIVATE_FOLDER, is_whole, kept_aside

INCOMING = ".incoming"
CURRENT = "current"
PRIVATE_KINDS = ("features", "lines", "shares", "targets", "sums", "largest", "told")

_PRIVATE_MODE = 0o700
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_LEFTOVER = re.compile(r"(?P<region>.+)-[0-9a-f]{16}-\d+(?:\.broken)?")


class EditionWriter:
    """Writes one edition of one region; use it in a `with` statement, which holds the region's build lock.

    Args:
        store: the store's folder; made if missing.
        region: the region's id.
        edition_id: see `grids.identity.edition_id`.
        crs: the region's metric CRS, of every row, column and zone geometry handed over.
    """

    def __init__(self, store: Path, region: str, edition_id: str, *, crs: str) -> None:
        self._store = Path(store)
        self._region = checked_region(region)
        self._edition = checked_edition(edition_id)
        self._crs = crs
        self._target = self._store / self._region / self._edition
        self._incoming = self._store / INCOMING / f"{self._region}-{self._edition}-{os.getpid()}"
        self._lock = ProcessLock(
            self._store / INCOMING / f"{self._region}.lock", f"a build of region {self._region!r} in this store"
        )
        self._infos: dict[str, CollectionInfo] = {}
        self._written: dict[str, dict[int, TableInfo]] = {}
        self._columns: dict[str, tuple[str, ...]] = {}
        self._bounds: dict[str, list[Bbox]] = {}
        self._context: list[str] = []
        self._begun: set[Path] = set()
        self._queue = TableQueue()

    def __enter__(self) -> Self:
        """Take the region's lock and remove what builds that died have left.

        Raises:
            BuildLocked: another build of this region is running in this store.
            EditionError: the store cannot be written.
        """
        try:
            (self._store / INCOMING).mkdir(parents=True, exist_ok=True)
            self._lock.__enter__()
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            # Whoever holds the lock is the only live build of this region: every other folder of it is a dead one's.
            for left in sorted((self._store / INCOMING).iterdir()):
                match = _LEFTOVER.fullmatch(left.name)
                if match and match["region"] == self._region:
                    shutil.rmtree(left)
            # Half-done work of other inputs will not be asked for again.
            for left in sorted(self.work_folder.parent.glob("*")):
                if left != self.work_folder:
                    shutil.rmtree(left)
            self._incoming.mkdir()
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was not published and release the lock.

        Raises:
            EditionError: the disk was full.
        """
        try:
            self._queue.stop()
            shutil.rmtree(self._incoming, ignore_errors=True)
        finally:
            self._lock.__exit__(kind, error, trace)
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> EditionError:
        reason = error if error.errno is None else os.strerror(error.errno)
        return EditionError(
            f"the store {self._store} cannot be written: {reason}. Nothing was published; "
            f"what was served still is. Make room there, or give another folder"
        )

    @property
    def work_folder(self) -> Path:
        """Where what is half done of this edition may lie; it outlives a build that fails, and no other build."""
        return self._store / INCOMING / f"{self._region}.work" / self._edition

    @property
    def exists(self) -> bool:
        """Whether this very edition is in the store already, whole; then `publish_existing` is all there is to do."""
        return is_whole(self._target)

    def write_table(
        self,
        collection: CollectionInfo,
        year: int,
        frame: pd.DataFrame,
        geometry: Sequence[Any] | np.ndarray | gpd.GeoSeries | None = None,
    ) -> None:
        """Write one collection's public table of one year, in spatial order; encoded beside what is done next.

        Args:
            collection: the same info for every year of a collection.
            year: the table's year; a `year` column is added if the frame has none.
            frame: public columns (docs/architecture.md); `id` unique, `row` and `col` for grids; unknown is null.
            geometry: (n,) polygons in the region's CRS, in the frame's order, for zones and hexagons; none for grids.

        Raises:
            InvalidTable: missing or doubled ids, a table written twice, columns unlike another year's, bad geometry.
        """
        where = self._described(collection, year)
        if collection.kind == "grid":
            if geometry is not None:
                raise InvalidTable(f"{where}: cells of a grid need no geometry, row and col say it")
            rows, cols = tables.cells_of(frame, where)
            if len(rows):
                frame = frame.iloc[np.argsort(self._grid(collection).zorder(rows, cols), kind="stable")]
            self._write_cells(collection, year, [frame], where)
            return
        frame = tables.with_year(frame, year, where)
        tables.check_ids(frame, where)
        table, bounds = self._shape_table(frame, geometry, where)
        file = self._queue.begin(self._table_path(collection, year, table.column_names, where), PUBLIC)
        self._queue.add(file, table)
        self._queue.end(file, partial(self._note, file.path, collection, year, table.num_rows, bounds))

    def write_cells(self, collection: CollectionInfo, year: int, frames: Iterable[pd.DataFrame]) -> None:
        """Write a grid's public table of one year from frames, of which a few are in memory at a time.

        Args:
            collection: a grid, the same info for every year.
            year: the table's year.
            frames: at least one, of public columns; rows of all of them in Z-order.

        Raises:
            InvalidTable: see `write_table`; cells that are not in Z-order, or there twice.
        """
        self._write_cells(collection, year, frames, self._described(collection, year))

    def _write_cells(self, collection: CollectionInfo, year: int, frames: Iterable[pd.DataFrame], where: str) -> None:
        grid = self._grid(collection)
        last, n_rows, corners = -1, 0, []
        file: TableWriter | None = None
        for given in frames:
            frame = tables.with_year(given, year, where)
            tables.check_ids(frame, where)
            rows, cols = tables.cells_of(frame, where)
            if len(rows):
                keys = grid.zorder(rows, cols)
                if int(keys[0]) <= last or (keys[1:] <= keys[:-1]).any():
                    raise InvalidTable(f"{where}: cells must come in Z-order, each of them once")
                last = int(keys[-1])
                corners.append((cols.min(), rows.min(), cols.max() + 1, rows.max() + 1))
            n_rows += len(rows)
            table = tables.public_table(frame, where)
            if file is None:
                file = self._queue.begin(self._table_path(collection, year, table.column_names, where), PUBLIC)
            self._queue.add(file, table)
        if file is None:
            raise InvalidTable(f"{where}: not a single frame was given, so that its columns are unknown")
        bounds = None
        if corners:
            east, north = grid.origin_m
            low, high = np.min(corners, axis=0), np.max(corners, axis=0)
            size = grid.size_m
            bounds = _bbox((east + low[0] * size, north + low[1] * size, east + high[2] * size, north + high[3] * size))
        self._queue.end(file, partial(self._note, file.path, collection, year, n_rows, bounds))

    def _described(self, collection: CollectionInfo, year: int) -> str:
        """How messages name a table that is about to be written."""
        where = f"table {collection.id}/{year}"
        known = self._infos.setdefault(collection.id, collection)
        if known != collection:
            raise InvalidTable(f"{where}: collection {collection.id!r} was described differently for another year")
        return where

    def _grid(self, info: CollectionInfo) -> Grid:
        east, north = cast(tuple[int, int], info.origin_m)
        return Grid(self._crs, (east, north), cast(int, info.cell_size_m), info.codes or "inspire")

    def _table_path(self, collection: CollectionInfo, year: int, names: Sequence[str], where: str) -> Path:
        """Where a table goes, the first and only time, once its columns are known to be those of the other years."""
        columns = tuple(name for name in names if name not in (tables.GEOMETRY, tables.COVERING))
        if self._columns.setdefault(collection.id, columns) != columns:
            differ = sorted(set(columns) ^ set(self._columns[collection.id])) or ["their order"]
            raise InvalidTable(f"{where}: columns differ from another year's: {', '.join(differ)}")
        path = self._incoming / "tables" / collection.id / f"{int(year)}.parquet"
        if path in self._begun:
            raise InvalidTable(f"{where} is written twice")
        self._begun.add(path)
        return path

    def _note(self, path: Path, collection: CollectionInfo, year: int, n_rows: int, bounds: Bbox | None) -> None:
        """Take down what the manifest says of a table that is whole."""
        info = TableInfo(rows=n_rows, bytes=path.stat().st_size, sha256=file_digest(path))
        self._written.setdefault(collection.id, {})[int(year)] = info
        if bounds is not None:
            self._bounds.setdefault(collection.id, []).append(bounds)

    def _shape_table(self, frame: pd.DataFrame, geometry: Any, where: str) -> tuple[pa.Table, Bbox | None]:
        shapes = tables.polygons_of(geometry, frame, self._crs, where)
        table = tables.public_table(frame, where)
        if not len(shapes):
            return tables.with_geometry(table, shapes, self._crs), None
        order = tables.geometry_order(shapes, table["id"].to_pylist())
        bounds = shapely.total_bounds(shapes)
        return tables.with_geometry(table.take(pa.array(order)), shapes[order], self._crs), _bbox(bounds)

    def write_private_table(self, kind: str, name: str, table: pa.Table) -> None:
        """Write `private/<kind>-<name>.parquet`: what receipts and scenarios stand on, never served raw.

        Args:
            kind: one of `PRIVATE_KINDS`; docs/architecture.md says what each holds.
            name: the layer's id; `private_name(layer, collection)` for shares, sums and largest; the collection's for
                targets; `<sector>-<year>` for told.
            table: its columns are as they are; metadata is left out.
        """
        self._queue.put(self._private_path(kind, name), PRIVATE, table.replace_schema_metadata(None))

    def write_private_tables(self, kind: str, name: str, parts: Iterable[pa.Table]) -> None:
        """Write a private table that comes in parts, while nothing else is to be written. See `write_private_table`.

        Args:
            kind: as there.
            name: as there.
            parts: at least one, all with the same columns; asked for one at a time by another thread, after this call
                has returned: what they are made of must not change any more.
        """
        plain = (part.replace_schema_metadata(None) for part in parts)
        self._queue.put_at_leisure(self._private_path(kind, name), PRIVATE, plain)

    def _private_path(self, kind: str, name: str) -> Path:
        if kind not in PRIVATE_KINDS:
            raise EditionError(f"private table {kind!r}: expected one of {', '.join(PRIVATE_KINDS)}")
        file = private_file(kind, name)
        folder = self._incoming / PRIVATE_FOLDER
        folder.mkdir(mode=_PRIVATE_MODE, exist_ok=True)
        return folder / file

    def write_context(self, kind: str, frame: gpd.GeoDataFrame) -> None:
        """Write `context/<kind>.parquet`: background shapes in lon/lat, in spatial order; missing ones are left out."""
        checked_name(kind, "context kind")
        if kind in self._context:
            raise InvalidTable(f"context {kind!r} is written twice")
        if frame.crs is None:
            raise InvalidTable(f"context {kind!r} has no CRS")
        lonlat = frame.to_crs(LONLAT)
        shapes = np.asarray(lonlat.geometry, dtype=object)
        drawn = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        shapes = shapes[drawn]
        table = tables.public_table(pd.DataFrame(lonlat.drop(columns=lonlat.geometry.name))[drawn], f"context {kind}")
        if len(shapes):
            order = tables.geometry_order(shapes, [str(k) for k in range(len(shapes))])
            table, shapes = table.take(pa.array(order)), shapes[order]
        path = self._incoming / "context" / f"{kind}.parquet"
        self._queue.put(path, PUBLIC, tables.with_geometry(table, shapes, LONLAT))
        self._context.append(kind)

    def publish(self, manifest: Mapping[str, Any]) -> Manifest:
        """Check and write the manifest, make everything durable, move the edition into the store and serve it.

        Args:
            manifest: all of `Manifest` but version, edition, collections and context, which the writer knows itself.

        Returns:
            The manifest as published; of the edition already there, when there is one, which is kept.

        Raises:
            EditionError: a manifest that is not as declared.
            OSError: a table could not be written.
        """
        self._queue.finish()
        complete = self._manifest(manifest)
        if self.exists:
            return self.publish_existing()
        text = json.dumps(
            complete.model_dump(mode="json"), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False
        )
        self._write_digests()
        sync_tree(self._incoming)
        write_durably(self._incoming / MANIFEST_FILE, text + "\n")
        broken = self._incoming.with_name(self._incoming.name + ".broken")
        self._target.parent.mkdir(exist_ok=True)
        sync_folder(self._store)
        if self._target.exists():
            # Only damage from outside leaves a folder without a whole edition in it: it makes room for the good one.
            self._target.rename(broken)
        self._incoming.rename(self._target)
        sync_folder(self._target.parent)
        point_to(self._store, self._region, self._edition)
        shutil.rmtree(broken, ignore_errors=True)
        return complete

    def _write_digests(self) -> None:
        """Take down what private and context files are, beside the private ones: a damaged byte must be told later."""
        folder = self._incoming / PRIVATE_FOLDER
        if folder.is_dir():
            files = {
                path.relative_to(self._incoming).as_posix(): file_digest(path) for path in kept_aside(folder.parent)
            }
            (folder / DIGESTS).write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8", newline="\n")

    def publish_existing(self) -> Manifest:
        """Serve this edition, which is in the store already, without building it again.

        Raises:
            EditionNotFound: it is not in the store.
        """
        if not self.exists:
            raise EditionNotFound(
                f"edition {self._edition} of region {self._region!r} is not in the store (or is damaged): build it"
            )
        point_to(self._store, self._region, self._edition)
        return read_manifest(self._target)

    def _manifest(self, given: Mapping[str, Any]) -> Manifest:
        collections = [
            Collection(
                **info.model_dump(),
                columns=self._columns[info.id],
                bbox=_lonlat(self._bounds.get(info.id, []), self._crs),
                tables=self._written[info.id],
            )
            for info in self._infos.values()
            if info.id in self._written
        ]
        own = {"version", "edition", "collections", "context"} & set(given)
        if own:
            raise EditionError(
                f"the manifest's {', '.join(sorted(own))} are written by the edition writer: leave them out"
            )
        document = {**given, "edition": self._edition, "collections": collections, "context": sorted(self._context)}
        try:
            manifest = Manifest.model_validate(document)
        except ValidationError as error:
            raise EditionError(
                f"the manifest of region {self._region!r} is not as declared: {first_faults(error)}"
            ) from error
        if (manifest.region.id, manifest.region.crs) != (self._region, self._crs):
            raise EditionError(
                f"the manifest speaks of region {manifest.region.id!r} in {manifest.region.crs}, "
                f"the tables were written for {self._region!r} in {self._crs}"
            )
        return manifest


def point_to(store: Path, region: str, edition_id: str) -> None:
    """Let the store serve this edition of a region: `current` is replaced in one step."""
    fresh = store / INCOMING / f"{region}.{CURRENT}"
    write_durably(fresh, f"{edition_id}\n")
    fresh.replace(store / region / CURRENT)
    sync_folder(store / region)


def _bbox(bounds: Sequence[float] | np.ndarray) -> Bbox:
    west, south, east, north = (float(value) for value in bounds)
    return west, south, east, north


def _lonlat(parts: Sequence[Bbox], crs: str) -> Bbox | None:
    if not parts:
        return None
    extent = np.asarray(parts)
    low, high = extent[:, :2].min(axis=0), extent[:, 2:].max(axis=0)
    return _bbox(transformer(crs, LONLAT).transform_bounds(low[0], low[1], high[0], high[1], densify_pts=21))
