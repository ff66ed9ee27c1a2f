"""One Parquet table of an edition: footer read once, row groups chosen by their statistics, bytes mapped."""

import itertools
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from grids.chunks import Chunk, Columns, KeptChunks
from grids.codes import parse_cell_code
from grids.errors import CellCodeError
from grids.manifest import Bbox, CollectionInfo
from grids.store_errors import EditionBroken
from grids.tables import COVERING, COVERING_FIELDS

Bounds = NDArray[np.float64]

_KEPT = KeptChunks(128 << 20)
"""Of all tables of this process: about 30 tiles full of cells, with all that they show."""

_FEW_GROUPS = 16
"""Row groups of a page or of a drawn place; more than these are a walk through the table, which nobody repeats soon."""

_FEW_CHUNKS = 640
"""Columns of row groups: so many, such as two of a million rows, are kept all the same; 20 MB at most."""

_WALKED_GROUPS = 64
"""Row groups that a walk through a table has in memory at once: 262,144 rows."""

_CELLS_AT_ONCE = 512
"""Cells that are looked for in the bounds of all row groups at once: some megabytes for a nation's."""

_COLUMN_BYTES = 700
"""Of a column of a row group in a footer that was read, roughly: its statistics, encodings, offsets and path."""
_GROUP_BYTES = 400
"""Of a row group besides: its bounds, and its least and greatest id."""

_NUMBERS = itertools.count()
"""Tell tables of one process apart."""

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
        self._number = next(_NUMBERS)  # what is kept of its rows does not keep its footer
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

    @property
    def nbytes(self) -> int:
        """Bytes that it holds in memory, roughly: its footer, and what is worked out of it; no rows."""
        return int(self._footer.num_row_groups * (_GROUP_BYTES + _COLUMN_BYTES * self._footer.num_columns))

    @property
    def has_shapes(self) -> bool:
        """Whether rows have geometry of their own; cells of a grid follow from their row and column."""
        return self._info is None

    def groups_of(self, positions: NDArray[np.int64]) -> int:
        """Return how many row groups the rows at some positions lie in."""
        return len(np.unique(np.searchsorted(self._starts, positions, side="right")))

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
        met = _overlap(rows, bounds)
        return self._positions_in(groups)[met], rows[met]

    def take(self, positions: NDArray[np.int64], columns: list[str], *, keep: bool = True) -> pa.Table:
        """Return rows by ascending position, reading only their row groups and only these columns.

        Args:
            positions: of the rows.
            columns: names.
            keep: what is read, for whoever asks next.
        """
        if len(positions) and positions[-1] - positions[0] + 1 == len(positions):  # a page: nothing is copied
            first, last = np.searchsorted(self._starts, positions[[0, -1]], side="right") - 1
            between = np.arange(first, last + 1)
            table = self._groups(between, columns) if keep else self._read(between, columns)
            return table.slice(int(positions[0] - self._starts[first]), len(positions))
        group_of = np.searchsorted(self._starts, positions, side="right") - 1
        groups = np.unique(group_of)
        if len(groups) <= _FEW_GROUPS:
            return self._taken(self._groups(groups, columns), groups, positions)
        # Rows from all over a table would have all of it in memory at once.
        parts = []
        for begin in range(0, len(groups), _FEW_GROUPS):
            some = groups[begin : begin + _FEW_GROUPS]
            here = positions[slice(*np.searchsorted(group_of, [some[0], some[-1] + 1]))]
            parts.append(self._taken(self._read(some, columns), some, here))
        return pa.concat_tables(parts).combine_chunks()

    def walk(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield all rows, some row groups at a time; none is kept for later, since nobody repeats a walk soon."""
        for first in range(0, self._footer.num_row_groups, _WALKED_GROUPS):
            yield self._read(np.arange(first, min(first + _WALKED_GROUPS, self._footer.num_row_groups)), columns)

    def _taken(self, table: pa.Table, groups: NDArray[np.int64], positions: NDArray[np.int64]) -> pa.Table:
        """Rows of a table that was read from row groups, by their ascending positions in the file."""
        sizes = np.diff(self._starts)[groups]
        if len(positions) == sizes.sum():
            return table
        # Where each group begins in what was read, so that a position in the file becomes one in the table.
        begins = np.concatenate([[0], np.cumsum(sizes)])[:-1]
        group_of = np.searchsorted(self._starts, positions, side="right") - 1
        place = np.searchsorted(groups, group_of)
        return table.take(pa.array(begins[place] + positions - self._starts[group_of]))

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
        few = len(groups) <= _FEW_GROUPS or len(groups) * len(columns) <= _FEW_CHUNKS
        if self._info is None or not len(groups) or not few:
            return self._read(groups, columns)
        kept = self._kept(groups, columns)
        return pa.table({name: pa.chunked_array([chunk.array for chunk in kept[name]]) for name in kept}).select(
            columns
        )

    def _kept(self, groups: NDArray[np.int64], columns: Sequence[str]) -> dict[str, list[Chunk]]:
        """Columns of row groups, a chunk for each; from memory, or read and kept there."""
        names = list(dict.fromkeys(columns))
        found = _KEPT.get([(self._number, group) for group in groups.tolist()])
        wanted = set(names)
        missing = [k for k, kept in enumerate(found) if not kept.keys() >= wanted]
        if missing:
            table = self._read(groups[missing], names)
            arrays = {name: table[name].combine_chunks() for name in names}
            begin = 0
            for k in missing:
                # A slice would hold the memory of the whole column until the last of its groups is let go.
                size = int(self._starts[groups[k] + 1] - self._starts[groups[k]])
                found[k] = {
                    name: Chunk.of(array if len(missing) == 1 else pa.concat_arrays([array.slice(begin, size)]))
                    for name, array in arrays.items()
                }
                begin += size
                _KEPT.keep((self._number, int(groups[k])), found[k])
        return {name: [kept[name] for kept in found] for name in names}

    def position(self, item: str) -> int | None:
        """Return the position of the row with this id, if there is one."""
        found = self._position_of_cell(item)
        if found is None:
            [found] = self.positions([item]).tolist()
        return None if found < 0 else int(found)

    def _position_of_cell(self, item: str) -> int | None:
        """Where a cell stands that its code names, found by row and column instead of texts; none if it must be asked.

        Its id is looked at too: a table need not call its cells by their codes.
        """
        middle = self._middle_of(item)
        if middle is None:
            return None
        assert self._info is not None
        assert self._info.origin_m is not None
        assert self._info.cell_size_m is not None
        col, row = (int((middle[k] - self._info.origin_m[k]) // self._info.cell_size_m) for k in (0, 1))
        groups = self._groups_with([item])
        if len(groups) > _FEW_GROUPS:
            return None
        kept = self._kept(groups, ["row", "col", "id"])
        for k, group in enumerate(groups.tolist()):
            rows, cols = (kept[name][k].array.to_numpy() for name in ("row", "col"))
            met = np.flatnonzero((rows == row) & (cols == col))
            if len(met) and kept["id"][k].array[int(met[0])].as_py() == item:
                return int(self._starts[group] + met[0])
        return None

    def positions(self, items: Sequence[str]) -> NDArray[np.int64]:
        """Return (n,) positions of the rows with these n distinct ids, -1 where there is none.

        Only row groups that may hold one of them are read, a few at a time: nothing of the table stays in memory.
        """
        where = np.full(len(items), -1, dtype=np.int64)
        wanted = pa.array(items, type=pa.string())
        groups = self._groups_with(items)
        read = self._groups if len(groups) <= _FEW_GROUPS else self._read
        missing = len(items)
        for begin in range(0, len(groups), _FEW_GROUPS):
            some = groups[begin : begin + _FEW_GROUPS]
            asked = pc.index_in(read(some, ["id"])["id"], value_set=wanted)
            found = np.flatnonzero(asked.is_valid().to_numpy())
            where[asked.drop_null().to_numpy()] = self._positions_in(some)[found]
            missing -= len(found)
            if not missing:
                break
        return where

    def _positions_in(self, groups: NDArray[np.int64]) -> NDArray[np.int64]:
        """The position of each row of some row groups, one group after the other."""
        return np.concatenate([np.arange(self._starts[g], self._starts[g + 1]) for g in groups])

    def _groups_with(self, items: Sequence[str]) -> NDArray[np.int64]:
        """The row groups that may hold rows with these ids: cells by the place that their code names, others by order.

        What is no code of a cell of this grid is looked for by order: whoever asks for it gets an answer all the same.
        """
        cells = [self._middle_of(item) for item in items]
        middles = np.array([middle for middle in cells if middle is not None]).reshape(-1, 2)
        others = sorted(item for item, middle in zip(items, cells, strict=True) if middle is None)
        may = np.zeros(self._footer.num_row_groups, dtype=np.bool_)
        for begin in range(0, len(middles), _CELLS_AT_ONCE):
            some = np.tile(middles[begin : begin + _CELLS_AT_ONCE], 2)[:, None, :]
            bounds = self.group_bounds
            may |= ((bounds[:, :2] < some[..., :2]) & (some[..., 2:] < bounds[:, 2:])).all(axis=2).any(axis=0)
        if others:
            for group, (least, greatest) in enumerate(self._id_ranges):
                place = bisect_left(others, least)
                may[group] |= place < len(others) and (greatest is None or others[place] <= greatest)
        return np.flatnonzero(may)

    def _middle_of(self, item: str) -> tuple[float, float] | None:
        """The middle of the cell that a code names, metres; none if it is no code of this grid."""
        if self._info is None or self._info.codes is None:
            return None
        try:
            cell = parse_cell_code(item)
        except CellCodeError:
            return None
        if (cell.scheme, cell.size_m) != (self._info.codes, self._info.cell_size_m):
            return None
        return cell.east_m + cell.size_m / 2, cell.north_m + cell.size_m / 2

    @cached_property
    def _id_ranges(self) -> list[tuple[str, str | None]]:
        """Least and greatest id of each row group; everything ("" and None) where the footer does not say."""
        leaf = next(k for k in range(len(self._footer.schema)) if self._footer.schema.column(k).path == "id")
        ranges: list[tuple[str, str | None]] = []
        for group in range(self._footer.num_row_groups):
            statistics = self._footer.row_group(group).column(leaf).statistics
            told = statistics is not None and statistics.has_min_max
            ranges.append((statistics.min, statistics.max) if told else ("", None))
        return ranges

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
