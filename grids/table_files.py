"""One Parquet table of an edition: footer read once, row groups chosen by their statistics, bytes mapped."""

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from grids.chunks import Chunk, Columns, KeptChunks
from grids.manifest import Bbox, CollectionInfo
from grids.store_errors import EditionBroken
from grids.tables import COVERING, COVERING_FIELDS

Bounds = NDArray[np.float64]

_KEPT = KeptChunks(128 << 20)
"""Of all tables of this process: about 30 tiles full of cells, with all that they show."""

_FEW_GROUPS = 16
"""Row groups of a page or of a drawn place; more than these are a walk through the table, which nobody repeats soon."""

_DAMAGE = (OSError, pa.ArrowException, KeyError, UnicodeDecodeError)
"""What Arrow raises over a table whose bytes are not as they were written; names of columns may be what is damaged."""


class TableFile:
    """A public or context table; rows are known by their position in it.

    Args:
        path: the Parquet file.
        info: of a grid: its cells' bounds follow from `row` and `col`; otherwise the table has a bbox covering.

    Raises:
        EditionBroken: missing or unreadable.
    """

    def __init__(self, path: Path, info: CollectionInfo | None) -> None:
        self._path = path
        self._info = info if info is not None and info.kind == "grid" else None
        try:
            with pq.ParquetFile(path, memory_map=True) as file:
                self._footer: pq.FileMetaData = file.metadata
                self.schema: pa.Schema = file.schema_arrow
                self.columns: list[str] = list(self.schema.names)
        except _DAMAGE as error:
            raise EditionBroken(
                f"table {path.parent.name}/{path.name} of edition {_edition(path)} cannot be read: {error}"
            ) from error
        self.rows: int = self._footer.num_rows
        sizes = [self._footer.row_group(k).num_rows for k in range(self._footer.num_row_groups)]
        self._starts: NDArray[np.int64] = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
        if self._starts[-1] != self.rows:
            raise EditionBroken(
                f"table {path.parent.name}/{path.name} of edition {_edition(path)} cannot be read: its row groups have "
                f"{self._starts[-1]} rows, and it says {self.rows}"
            )
        self._guard = threading.Lock()
        self._ids: pa.ChunkedArray | None = None

    @cached_property
    def group_bounds(self) -> Bounds:
        """(groups, 4) west, south, east, north of each row group, in the table's CRS, from the footer's statistics."""
        if self._info is None:
            names, take = [f"{COVERING}.{field}" for field in COVERING_FIELDS], ["min", "min", "max", "max"]
        else:
            names, take = ["col", "row", "col", "row"], ["min", "min", "max", "max"]
        leaves = {self._footer.schema.column(k).path: k for k in range(len(self._footer.schema))}
        bounds = np.empty((self._footer.num_row_groups, 4))
        for group in range(self._footer.num_row_groups):
            for side, (name, end) in enumerate(zip(names, take, strict=True)):
                statistics = self._footer.row_group(group).column(leaves[name]).statistics
                if statistics is None or not statistics.has_min_max:
                    raise EditionBroken(
                        f"table {self._path.parent.name}/{self._path.name} has no statistics of {name}: build it again"
                    )
                bounds[group, side] = getattr(statistics, end)
        return bounds if self._info is None else self._cell_bounds(bounds)

    def _cell_bounds(self, steps: Bounds) -> Bounds:
        """Metres of (n, 4) first column, first row, last column, last row."""
        assert self._info is not None
        assert self._info.origin_m is not None
        assert self._info.cell_size_m is not None
        corner = np.array([0.0, 0.0, 1.0, 1.0])
        return np.asarray(np.tile(self._info.origin_m, 2) + (steps + corner) * self._info.cell_size_m)

    def meeting(self, bounds: Bbox) -> tuple[NDArray[np.int64], Bounds]:
        """Return ascending positions and (n, 4) bounds of the rows whose bounds meet `bounds` (table's CRS)."""
        groups = np.flatnonzero(_overlap(self.group_bounds, bounds))
        if not len(groups):
            return np.empty(0, dtype=np.int64), np.empty((0, 4))
        if self._info is None:
            boxes = self._read(groups, [COVERING])[COVERING].combine_chunks()
            rows = np.stack([boxes.field(field).to_numpy() for field in COVERING_FIELDS], axis=1)
        else:
            steps = self._groups(groups, ["row", "col"])
            col, row = steps["col"].to_numpy(), steps["row"].to_numpy()
            rows = self._cell_bounds(np.stack([col, row, col, row], axis=1).astype(np.float64))
        positions = np.concatenate([np.arange(self._starts[g], self._starts[g + 1]) for g in groups])
        met = _overlap(rows, bounds)
        return positions[met], rows[met]

    def take(self, positions: NDArray[np.int64], columns: list[str]) -> pa.Table:
        """Return rows by ascending position, reading only their row groups and only these columns."""
        groups = np.unique(np.searchsorted(self._starts, positions, side="right") - 1)
        table = self._groups(groups, columns)
        sizes = np.diff(self._starts)[groups]
        if len(positions) == sizes.sum():
            return table
        # Where each group read begins in the table read, so that a position in the file becomes one in the table.
        begins = np.concatenate([[0], np.cumsum(sizes)])[:-1]
        group_of = np.searchsorted(self._starts, positions, side="right") - 1
        place = np.searchsorted(groups, group_of)
        wanted = begins[place] + positions - self._starts[group_of]
        if len(wanted) and wanted[-1] - wanted[0] + 1 == len(wanted):  # a page: nothing is copied
            return table.slice(int(wanted[0]), len(wanted))
        return table.take(pa.array(wanted))

    def columns_meeting(self, bounds: Bbox, columns: Sequence[str]) -> Columns:
        """Return columns of whole row groups, those that may have rows within `bounds`.

        What is read is kept for whoever asks next.
        """
        groups = np.flatnonzero(_overlap(self.group_bounds, bounds))
        firsts = self._starts[groups]
        starts = np.append(0, np.cumsum(self._starts[groups + 1] - firsts))
        return Columns(self._kept(groups, columns), starts, firsts)

    def _groups(self, groups: NDArray[np.int64], columns: list[str]) -> pa.Table:
        """Row groups, one after the other; a few of a grid from memory. Shapes of zones would crowd out all else."""
        if self._info is None or not 0 < len(groups) <= _FEW_GROUPS:
            return self._read(groups, columns)
        kept = self._kept(groups, columns)
        return pa.table({name: pa.chunked_array([chunk.array for chunk in kept[name]]) for name in kept}).select(
            columns
        )

    def _kept(self, groups: NDArray[np.int64], columns: Sequence[str]) -> dict[str, list[Chunk]]:
        """Columns of row groups, a chunk for each; from memory, or read and kept there."""
        names = list(dict.fromkeys(columns))
        found = _KEPT.get([(self, group) for group in groups.tolist()])
        missing = [k for k, kept in enumerate(found) if not kept.keys() >= set(names)]
        if missing:
            table = self._read(groups[missing], names)
            arrays = {name: table[name].combine_chunks() for name in names}
            begin = 0
            for k in missing:
                # Slices of one column share its memory; read together, they are let go together.
                size = int(self._starts[groups[k] + 1] - self._starts[groups[k]])
                found[k] = {name: Chunk.of(array.slice(begin, size)) for name, array in arrays.items()}
                begin += size
                _KEPT.keep((self, int(groups[k])), found[k])
        return {name: [kept[name] for kept in found] for name in names}

    def position(self, item: str) -> int | None:
        """Return the position of the row with this id, if there is one."""
        found = pc.index(self._every_id(), pa.scalar(item, type=self._every_id().type)).as_py()
        return None if found < 0 else int(found)

    def positions(self, items: Sequence[str]) -> NDArray[np.int64]:
        """Return (n,) positions of the rows with these n distinct ids, -1 where there is none."""
        ids = self._every_id()
        asked = pc.index_in(ids, value_set=pa.array(items, type=ids.type))
        where = np.full(len(items), -1, dtype=np.int64)
        where[asked.drop_null().to_numpy()] = np.flatnonzero(asked.is_valid().to_numpy())
        return where

    def _every_id(self) -> pa.ChunkedArray:
        with self._guard:
            if self._ids is None:
                self._ids = self._read(np.arange(self._footer.num_row_groups), ["id"])["id"]
            return self._ids

    def _read(self, groups: NDArray[Any], columns: list[str]) -> pa.Table:
        # A reader of its own for each call: Arrow's readers are not for several threads at once, the footer is.
        try:
            with pq.ParquetFile(
                self._path, metadata=self._footer, memory_map=True, page_checksum_verification=True
            ) as file:
                return file.read_row_groups(
                    [int(group) for group in groups], columns=columns, use_threads=False
                ).select(columns)
        except _DAMAGE as error:
            raise EditionBroken(
                f"table {self._path.parent.name}/{self._path.name} of edition {_edition(self._path)} "
                f"cannot be read: {error}"
            ) from error


def _overlap(boxes: Bounds, bounds: Bbox) -> NDArray[np.bool_]:
    met = (
        (boxes[:, 0] <= bounds[2])
        & (boxes[:, 2] >= bounds[0])
        & (boxes[:, 1] <= bounds[3])
        & (boxes[:, 3] >= bounds[1])
    )
    return np.asarray(met, dtype=np.bool_)


def _edition(path: Path) -> str:
    return path.parents[1].name if path.parents[1].name != "tables" else path.parents[2].name
