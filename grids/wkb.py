"""Features as they lie in a file, in well-known binary: exact parts in cells, without building geometries.

What the compiled code cannot vouch for goes the way of geometries (`grids.doubtful`); it is the few that cost.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from grids.blocks import in_blocks
from grids.cell_kernels import Task, Written
from grids.crossings import MOST_CELLS, CellParts, join_parts
from grids.cutting import BlockWork, Cutting, FeatureColumn, Place
from grids.doubtful import refuse_crossing
from grids.errors import GridError
from grids.grid import Grid
from grids.wkb_kernels import Bytes, blocks_of_bytes, plain_places, wkb_in_cells, write_plain
from grids.workspace import Found, addresses_of, workspace

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MOST_COLLECTIONS = 500
_LITTLE, _BIG = b"\x01\x07\x00\x00", b"\x00\x00\x07"  # how the head of a collection looks, whichever end comes first


@dataclass(frozen=True)
class WkbColumn:
    """Geometries in well-known binary, each between two places of one run of bytes.

    Attributes:
        data: the bytes; not copied.
        begins, ends: (n,) where each feature's bytes are, int64 (in chunks of Arrow int32 too); a missing one has none.
    """

    data: NDArray[np.uint8]
    begins: IntArray
    ends: IntArray

    def __post_init__(self) -> None:
        if self.begins.shape != self.ends.shape or (self.begins > self.ends).any():
            raise GridError("Each feature's bytes must end after they begin.")
        # Where each begins where the one before ends, as in Arrow, that was to look at all of them.
        begins, ends = (self.begins[:1], self.ends[-1:]) if self._is_one_run else (self.begins, self.ends)
        if begins.size and not 0 <= int(begins.min()) <= int(ends.max()) <= self.data.size:
            raise GridError(f"Features were said to lie outside the {self.data.size} bytes given.")

    @classmethod
    def from_arrow(cls, column: Any) -> "WkbColumn":
        """Take a column of GeoParquet as pyarrow reads it (binary or large binary); copied if it is in several pieces.

        Raises:
            GridError: an array of another type.
        """
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        return cls(*_run_of(column, np.int64))

    @classmethod
    def from_bytes(cls, features: Sequence[bytes | None]) -> "WkbColumn":
        """Take features one by one; None is missing."""
        given = [feature or b"" for feature in features]
        ends = np.cumsum([len(feature) for feature in given], dtype=np.int64)
        begins = np.concatenate((np.zeros(1, np.int64), ends[:-1])) if given else ends
        return cls(np.frombuffer(b"".join(given), np.uint8), begins, ends)

    @classmethod
    def from_geometries(cls, geometries: NDArray[np.object_]) -> "WkbColumn":
        """Take geometry objects, written as well-known binary first; None is missing.

        Points, lines, and (multi)polygons of one ring, in two dimensions, are written from their coordinates: GEOS
        takes more than twice as long for a building.
        """
        given = np.asarray(geometries, dtype=np.object_)
        types, counts, dimensions = (
            np.asarray(ask(given), np.int32)
            for ask in (shapely.get_type_id, shapely.get_num_coordinates, shapely.get_coordinate_dimension)
        )
        vertices = shapely.get_coordinates(given)
        begins, ends = np.empty(given.size, np.int64), np.empty(given.size, np.int64)
        [at] = addresses_of(vertices)
        written = plain_places(types, counts, dimensions, at, begins, ends)
        rest = np.flatnonzero(begins == ends)
        others = [wkb or b"" for wkb in shapely.to_wkb(given[rest])] if rest.size else []
        data = np.empty(written + sum(map(len, others)), np.uint8)
        write_plain(types, counts, at, begins, ends, *addresses_of(data))
        data[written:] = np.frombuffer(b"".join(others), np.uint8)
        ends[rest] = written + np.cumsum([len(wkb) for wkb in others], dtype=np.int64)
        begins[rest] = ends[rest] - np.array([len(wkb) for wkb in others], dtype=np.int64)
        return cls(data, begins, ends)

    def with_features(self, changed: Mapping[int, bytes | None]) -> "WkbColumn":
        """The same column with some features exchanged, by position; None: missing.

        Args:
            changed: position -> its new bytes.
        """
        fresh = [feature or b"" for feature in changed.values()]
        data = np.concatenate((self.data, np.frombuffer(b"".join(fresh), np.uint8))) if any(fresh) else self.data
        begins, ends = self.begins.copy(), self.ends.copy()
        which = np.fromiter(changed, np.int64, len(changed))
        ends[which] = self.data.size + np.cumsum([len(feature) for feature in fresh], dtype=np.int64)
        begins[which] = ends[which] - np.array([len(feature) for feature in fresh], dtype=np.int64)
        return type(self)(data, begins, ends)

    @property
    def size(self) -> int:
        """How many features."""
        return int(self.begins.size)

    def feature(self, position: int) -> bytes:
        """One feature's bytes."""
        return self.data[self.begins[position] : self.ends[position]].tobytes()

    @property
    def _is_one_run(self) -> bool:
        """Whether each feature begins where the one before ends, the places being the same memory."""
        begins, ends = self.begins, self.ends
        step = begins.itemsize
        return begins.strides == ends.strides == (step,) and begins.ctypes.data + step == ends.ctypes.data

    @property
    def ends_at(self) -> IntArray:
        """(n + 1,) running sums of the features' bytes, which is what work is divided by."""
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(self.ends - self.begins)))

    def blocks(self, weight: int) -> IntArray:
        """Positions where blocks of features of about so many bytes begin, and the end."""
        features, _held = self._features()
        bounds = np.empty(self.size + 1, np.int64)
        return bounds[: blocks_of_bytes(features, self.size, weight, bounds)]

    def share_out(self, grid: Place, measured: bool, most: int, before: int = 0) -> BlockWork:
        """Compiled work, see `grids.cutting.FeatureColumn`; features are numbered on from how many come `before`."""
        features, held = self._features(before)

        def work(first: int, last: int, n: int, workspace: int, written: Written) -> tuple[int, int]:
            _ = held  # as long as this is
            task = Task(*grid, True, measured, workspace, most)
            after: tuple[int, int] = wkb_in_cells(features, first, last, task, n, written)
            return after

        return work

    def _features(self, before: int = 0) -> tuple[Bytes, object]:
        """Where compiled code finds the features, numbered on from how many come before, and what is to be kept."""
        kind = np.int32 if self.begins.dtype == self.ends.dtype == np.int32 else np.int64
        held = self.data, np.ascontiguousarray(self.begins, kind), np.ascontiguousarray(self.ends, kind)
        step = np.dtype(kind).itemsize
        base, begins, ends = addresses_of(*held)
        return Bytes(base, begins - step * before, ends - step * before, step), held

    def geometry(self, position: int) -> BaseGeometry:
        """One feature as a geometry object.

        Raises:
            shapely.errors.ShapelyError: bytes that GEOS cannot read, a curve, or collections that lie too deep.
        """
        feature = self.feature(position)
        if may_be_deep(feature):
            raise ShapelyError("collections lie in each other too deep")
        try:
            return shapely.from_wkb(feature)
        except NotImplementedError as error:
            raise ShapelyError("curves are not supported") from error

    def described(self, position: int) -> str:
        """What is there, for a message about bytes that are no geometry."""
        given = self.feature(position)
        return f"is no well-known binary: {len(given)} bytes, {given[:9].hex()}..."


def may_be_deep(one: bytes) -> bool:
    """Whether collections may lie in each other so deep that whoever reads them runs out of stack, which GEOS does."""
    if len(one) < 9 * _MOST_COLLECTIONS or (one[1] if one[0] == 1 else one[4]) != 7:
        return False
    return one.count(_LITTLE) + one.count(_BIG) > _MOST_COLLECTIONS


def _run_of(
    column: Any, number: type[np.signedinteger[Any]] | None = None
) -> tuple[NDArray[np.uint8], IntArray, IntArray]:
    """Bytes of an Arrow array, and where each feature's begin and end, as the numbers asked for or else as they are."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        raise GridError(f"A column of {column.type} was given; well-known binary (binary, large_binary) was expected.")
    _, offsets, data = column.buffers()
    n = len(column)
    if n == 0 or offsets is None:
        return np.zeros(0, np.uint8), np.zeros(n, np.int64), np.zeros(n, np.int64)
    kind = np.int64 if pa.types.is_large_binary(column.type) else np.int32
    places = np.frombuffer(offsets, kind)[column.offset : column.offset + n + 1].astype(number or kind, copy=False)
    begins, ends = places[:-1], places[1:]
    if column.null_count:
        ends = np.where(column.is_null().to_numpy(zero_copy_only=False), begins, ends)
    return np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8), begins, ends


@dataclass(frozen=True)
class WkbChunks:
    """Columns one after the other, as Arrow's chunks come; shared out like one, and not copied together.

    Attributes:
        chunks: the columns.
    """

    chunks: tuple[WkbColumn, ...]

    @classmethod
    def from_arrow(cls, column: Any) -> "WkbChunks":
        """Take a column of GeoParquet as pyarrow reads it; nothing is copied.

        Raises:
            GridError: an array of another type than binary or large binary.
        """
        given = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        return cls(tuple(WkbColumn(*_run_of(chunk)) for chunk in given))

    @property
    def size(self) -> int:
        """How many features."""
        return sum(chunk.size for chunk in self.chunks)

    def blocks(self, weight: int) -> IntArray:
        """Positions where blocks of features of about so many bytes begin, and the end; a block lies in one chunk."""
        begins = [chunk.blocks(weight)[:-1] + first for chunk, first in zip(self.chunks, self._firsts, strict=True)]
        return np.concatenate([*begins, np.array([self.size])])

    def share_out(self, grid: Place, measured: bool, most: int) -> BlockWork:
        """Compiled work, see `grids.cutting.FeatureColumn`."""
        firsts = self._firsts
        works = [chunk.share_out(grid, measured, most, first) for chunk, first in zip(self.chunks, firsts, strict=True)]

        def work(first: int, last: int, n: int, workspace: int, written: Written) -> tuple[int, int]:
            return works[bisect_right(firsts, first) - 1](first, last, n, workspace, written)

        return work

    def geometry(self, position: int) -> BaseGeometry:
        """One feature as a geometry object; see `WkbColumn`."""
        chunk, place = self._at(position)
        return chunk.geometry(place)

    def described(self, position: int) -> str:
        """What is there, for a message about bytes that are no geometry."""
        chunk, place = self._at(position)
        return chunk.described(place)

    @property
    def _firsts(self) -> list[int]:
        return list(accumulate((chunk.size for chunk in self.chunks[:-1]), initial=0)) if self.chunks else []

    def _at(self, position: int) -> tuple[WkbColumn, int]:
        k = bisect_right(self._firsts, position) - 1
        return self.chunks[k], position - self._firsts[k]


@dataclass(frozen=True)
class FeatureParts:
    """Features in cells.

    Attributes:
        parts: what each feature has in each cell: m2, m, or number of points; features in order.
        starts: (n + 1,) where each feature's parts begin in `parts`.
        kinds: (n,) what each is measured by: AREAS, LINES, POINTS or NOWHERE.
        measures: (n,) of the whole feature: m2, m, or number of points; 0 for what is nowhere.
        repaired: positions of polygons whose rings crossed or overlapped, as they were made valid.
    """

    parts: CellParts
    starts: IntArray
    kinds: IntArray
    measures: FloatArray
    repaired: IntArray

    def exchanged(self, which: IntArray, again: "FeatureParts") -> "FeatureParts":
        """The same with some features as they are cut by now: (m,) positions, rising, and their parts, from 0 to m."""
        stays = np.ones(self.kinds.size, dtype=np.bool_)
        stays[which] = False
        kept = stays[self.parts.owner]
        fresh = replace(again.parts, owner=which[again.parts.owner].astype(self.parts.owner.dtype))
        columns = [np.concatenate((old[kept], vars(fresh)[name])) for name, old in vars(self.parts).items()]
        order = np.argsort(columns[0], kind="stable")
        parts = CellParts(*(column[order] for column in columns))
        starts = np.searchsorted(parts.owner, np.arange(self.kinds.size + 1)).astype(np.int64)
        kinds, measures = self.kinds.copy(), self.measures.copy()
        kinds[which], measures[which] = again.kinds, again.measures
        repaired = np.union1d(self.repaired[stays[self.repaired]], which[again.repaired]).astype(np.int64)
        return FeatureParts(parts, starts, kinds, measures, repaired)


def parts_in_cells(
    column: FeatureColumn,
    grid: Grid,
    *,
    repair: bool = True,
    threads: int | None = None,
    ids: Sequence[object] | None = None,
    most_cells: int = MOST_CELLS,
) -> FeatureParts:
    """Exact parts of features in the cells of a grid, straight from their bytes.

    Args:
        column: features in the grid's CRS.
        grid: the grid.
        repair: make polygons valid whose rings cross or overlap; else they are refused.
        threads: how many; the same bits come of any number.
        ids: (n,) what to call features in messages; else their positions.
        most_cells: that one feature may lie in; each takes some 100 bytes, and an ocean in cells of a metre would take
            more than any machine has.

    Raises:
        GeometryError: bytes that are no geometry, coordinates that are not finite metres, a feature in more cells than
            `most_cells`, and with `repair=False` polygons that cross themselves; names the first feature at fault.
        UncutGeometry: polygons that GEOS cannot repair.
    """
    cutting = Cutting(column, grid, measured=True, ids=ids, most_cells=most_cells)

    kinds, measures = np.empty(column.size, np.int64), np.empty(column.size)

    def work(first: int, last: int) -> tuple[Found, IntArray]:
        with workspace() as mine:
            block = cutting.block(first, last, mine)
            kinds[first:last], measures[first:last] = block.kinds, block.measures
            return _merged(block.found, block.extra), block.repaired

    blocks = list(in_blocks(work, cutting.blocks, threads))
    repaired = np.concatenate([np.zeros(0, np.int64), *(each for _, each in blocks)])
    if not repair:
        refuse_crossing(repaired, ids)
    parts = join_parts(found for found, _ in blocks)
    starts = np.searchsorted(parts.owner, np.arange(column.size + 1)).astype(np.int64)
    return FeatureParts(parts, starts, kinds, measures, repaired)


def _merged(found: Found, extra: CellParts) -> Found:
    """A copy of parts of different features, in the order of their features."""
    cells, amounts = found
    if not extra.owner.size:
        return cells.copy(), amounts.copy()
    cells = np.concatenate((cells, np.stack((extra.owner, extra.row, extra.col), axis=1).astype(np.int32)))
    order = np.argsort(cells[:, 0], kind="stable")
    return cells[order], np.concatenate((amounts, extra.amount))[order]
