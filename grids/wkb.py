"""Features as they lie in a file, in well-known binary: exact parts in cells, and sums, without building geometries.

What the compiled code cannot vouch for goes the way of geometries (`grids.doubtful`); it is the few that cost.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.blocks import block_bounds, in_blocks
from grids.cell_kernels import DOUBTFUL, MAX_COORDINATE_M, NOT_METRES, NOWHERE
from grids.crossings import CellParts, join_parts, line_lengths, polygon_areas
from grids.doubtful import doubtful_parts, name_of, refuse_crossing
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.sum_kernels import add_shares
from grids.wkb_kernels import DAMAGED, wkb_in_cells
from grids.workspace import Found, addresses_of, workspace

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Place = tuple[int, int, int]
BlockWork = Callable[[int, int, int, int], tuple[int, int]]

_BYTES_AT_ONCE = 1 << 20  # of a block of features, which one thread works on


class FeatureColumn(Protocol):
    """Features that can be shared out: `WkbColumn`, `grids.ragged.RaggedColumn`."""

    @property
    def size(self) -> int:
        """How many features."""

    @property
    def ends_at(self) -> IntArray:
        """(n + 1,) running sums of the features' bytes."""

    def share_out(self, grid: Place, measured: bool, kinds: IntArray, measures: FloatArray) -> BlockWork:
        """Compiled work: (first feature, last, parts found, workspace) to (feature that needs room, parts found)."""

    def geometry(self, position: int) -> BaseGeometry:
        """One feature as a geometry object."""

    def described(self, position: int) -> str:
        """What is there, for a message about bytes that are no geometry."""


@dataclass(frozen=True)
class WkbColumn:
    """Geometries in well-known binary, each between two places of one run of bytes.

    Attributes:
        data: the bytes; not copied.
        begins, ends: (n,) where each feature's bytes are; a missing feature has none.
    """

    data: NDArray[np.uint8]
    begins: IntArray
    ends: IntArray

    def __post_init__(self) -> None:
        if self.begins.shape != self.ends.shape or (self.begins > self.ends).any():
            raise GridError("Each feature's bytes must end after they begin.")
        if self.begins.size and not 0 <= int(self.begins.min()) <= int(self.ends.max()) <= self.data.size:
            raise GridError(f"Features were said to lie outside the {self.data.size} bytes given.")

    @classmethod
    def from_arrow(cls, column: Any) -> "WkbColumn":
        """Take a column of GeoParquet as pyarrow reads it (binary or large binary, in one piece); nothing is copied.

        Raises:
            GridError: an array of another type.
        """
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        if isinstance(column, pa.ExtensionArray):
            column = column.storage
        if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
            raise GridError(
                f"A column of {column.type} was given; well-known binary (binary, large_binary) was expected."
            )
        _, offsets, data = column.buffers()
        number = np.int64 if pa.types.is_large_binary(column.type) else np.int32
        n = len(column)
        if n == 0 or offsets is None:
            return cls(np.zeros(0, np.uint8), np.zeros(n, np.int64), np.zeros(n, np.int64))
        places = np.frombuffer(offsets, number)[column.offset : column.offset + n + 1].astype(np.int64)
        begins, ends = places[:-1], places[1:].copy()
        if column.null_count:
            missing = column.is_null().to_numpy(zero_copy_only=False)
            ends[missing] = begins[missing]
        return cls(np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8), begins, ends)

    @classmethod
    def from_bytes(cls, features: Sequence[bytes | None]) -> "WkbColumn":
        """Take features one by one; None is missing."""
        given = [feature or b"" for feature in features]
        ends = np.cumsum([len(feature) for feature in given], dtype=np.int64)
        begins = np.concatenate((np.zeros(1, np.int64), ends[:-1])) if given else ends
        return cls(np.frombuffer(b"".join(given), np.uint8), begins, ends)

    @classmethod
    def from_geometries(cls, geometries: NDArray[np.object_]) -> "WkbColumn":
        """Take geometry objects, written as well-known binary first; None is missing."""
        column = pa.array(shapely.to_wkb(geometries), pa.large_binary(), from_pandas=True)
        return cls.from_arrow(column)

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
    def ends_at(self) -> IntArray:
        """(n + 1,) running sums of the features' bytes, which is what work is divided by."""
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(self.ends - self.begins)))

    def share_out(self, grid: Place, measured: bool, kinds: IntArray, measures: FloatArray) -> BlockWork:
        """Compiled work on features from `first` to `last`; see `grids.wkb_kernels.wkb_in_cells`."""
        arrays = tuple(
            np.ascontiguousarray(array, kind)
            for array, kind in ((self.data, np.uint8), (self.begins, np.int64), (self.ends, np.int64))
        )

        def work(first: int, last: int, n: int, workspace: int) -> tuple[int, int]:
            data, begins, ends, *written = addresses_of(*arrays, kinds, measures)
            after: tuple[int, int] = wkb_in_cells(
                data, begins, ends, first, last, grid, True, measured, workspace, n, written[0], written[1]
            )
            return after

        return work

    def geometry(self, position: int) -> BaseGeometry:
        """One feature as a geometry object.

        Raises:
            shapely.errors.ShapelyError: bytes that GEOS cannot read.
        """
        return shapely.from_wkb(self.feature(position))

    def described(self, position: int) -> str:
        """What is there, for a message about bytes that are no geometry."""
        given = self.feature(position)
        return f"is no well-known binary: {len(given)} bytes, {given[:9].hex()}..."


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


@dataclass(frozen=True)
class CellSums:
    """Values of features added into the cells of a frame.

    Attributes:
        sums: (rows, columns of cells, columns of values); the first row is `first_row`, the first column `first_col`.
        outside: (columns of values,) what lies outside the frame, added up by itself.
        nowhere: positions of features without any place, whose values are in neither.
        repaired: see `FeatureParts`.
    """

    first_row: int
    first_col: int
    sums: FloatArray
    outside: FloatArray
    nowhere: IntArray
    repaired: IntArray

    @classmethod
    def empty(cls, grid: Grid, bounds: tuple[float, float, float, float], columns: int) -> "CellSums":
        """Nothing yet, in a frame of cells.

        Args:
            grid: the grid.
            bounds: (west, south, east, north) in metres of the frame.
            columns: how many values there will be per feature.

        Raises:
            GridError: bounds that hold no cell.
        """
        low = grid.rows_cols(bounds[0], bounds[1])
        high = grid.rows_cols(bounds[2], bounds[3])
        first_row, first_col = int(low[0][0]), int(low[1][0])
        # A frame that ends on a border has no cell beyond.
        height = int(high[0][0]) - first_row + int(bounds[3] > grid.origin_m[1] + high[0][0] * grid.size_m)
        width = int(high[1][0]) - first_col + int(bounds[2] > grid.origin_m[0] + high[1][0] * grid.size_m)
        if height <= 0 or width <= 0:
            raise GridError(f"Bounds {bounds} hold no cell; (west, south, east, north) in metres were expected.")
        none = np.zeros(0, np.int64)
        return cls(first_row, first_col, np.zeros((height, width, columns)), np.zeros(columns), none, none)


def parts_in_cells(
    column: FeatureColumn,
    grid: Grid,
    *,
    repair: bool = True,
    threads: int | None = None,
    ids: Sequence[object] | None = None,
) -> FeatureParts:
    """Exact parts of features in the cells of a grid, straight from their bytes.

    Args:
        column: features in the grid's CRS.
        grid: the grid.
        repair: make polygons valid whose rings cross or overlap; else they are refused.
        threads: how many; the same bits come of any number.
        ids: (n,) what to call features in messages; else their positions.

    Raises:
        GeometryError: bytes that are no geometry, coordinates that are not finite metres, and with `repair=False`
            polygons that cross themselves; names the first feature at fault.
    """
    kinds, measures = np.empty(column.size, np.int64), np.empty(column.size)
    found, repaired = [], [np.zeros(0, np.int64)]
    for block in _blocks(column, grid, True, kinds, measures, threads, ids):
        found.append(_merged(block.found, block.extra) if block.extra.owner.size else block.found)
        repaired.append(block.repaired)
    again = np.concatenate(repaired)
    if not repair:
        refuse_crossing(again, ids)
    parts = join_parts(found)
    starts = np.searchsorted(parts.owner, np.arange(column.size + 1)).astype(np.int64)
    return FeatureParts(parts, starts, kinds, measures, again)


def cell_sums(
    column: FeatureColumn,
    values: FloatArray,
    grid: Grid,
    bounds: tuple[float, float, float, float],
    *,
    repair: bool = True,
    threads: int | None = None,
    ids: Sequence[object] | None = None,
) -> CellSums:
    """Add values of features into cells by exact shares, without keeping the shares.

    Args:
        column: features in the grid's CRS.
        values: (n,) or (n, k) one value or several per feature, each shared out whole.
        grid: the grid.
        bounds: (west, south, east, north) in metres of the frame of cells wanted.
        repair: see `parts_in_cells`.
        threads: how many; sums run in the order of the features whatever the number, so the same bits come of any.
        ids: see `parts_in_cells`.

    Raises:
        GridError: values that are not one row per feature, or bounds that hold no cell.
        GeometryError: see `parts_in_cells`.
    """
    table = np.ascontiguousarray(values, dtype=np.float64).reshape(len(values), -1)
    if table.shape[0] != column.size:
        raise GridError(
            f"{column.size} features and {table.shape[0]} rows of values were given; one each was expected."
        )
    sums = CellSums.empty(grid, bounds, table.shape[1])
    kinds, measures = np.empty(column.size, np.int64), np.empty(column.size)
    repaired = [sums.repaired]
    for block in _blocks(column, grid, False, kinds, measures, threads, ids):
        _add_block(sums, block, table, measures)
        repaired.append(block.repaired)
    again = np.concatenate(repaired)
    if not repair:
        refuse_crossing(again, ids)
    nowhere = np.flatnonzero(kinds == NOWHERE)
    return CellSums(sums.first_row, sums.first_col, sums.sums, sums.outside, nowhere, again)


def shared_features(column: FeatureColumn, grid: Grid, *, threads: int | None = None) -> "Shared":
    """Shares of a batch of features in cells, for `add_shared`: batches can be shared out side by side.

    Args:
        column: see `cell_sums`.
        grid: see `cell_sums`.
        threads: see `cell_sums`.

    Raises:
        GeometryError: see `parts_in_cells`.
    """
    kinds, measures = np.empty(column.size, np.int64), np.empty(column.size)
    blocks = list(_blocks(column, grid, False, kinds, measures, threads, None))
    repaired = np.concatenate([np.zeros(0, np.int64), *(block.repaired for block in blocks)])
    return Shared(blocks, measures, np.flatnonzero(kinds == NOWHERE), repaired)


def add_shared(sums: CellSums, shared: "Shared", values: FloatArray) -> None:
    """Add values of features, (n, k), to sums, in place, by the shares they have."""
    for block in shared.blocks:
        _add_block(sums, block, values, shared.measures)


def _add_block(sums: CellSums, block: "_Block", table: FloatArray, measures: FloatArray) -> None:
    height, width, columns = sums.sums.shape
    frame, flat = (sums.first_row, sums.first_col, height, width), sums.sums.reshape(height * width, columns)
    add_shares(*block.found, table, frame, flat, sums.outside)
    extra = block.extra
    if extra.owner.size:
        cells = np.stack((extra.owner, extra.row, extra.col), axis=1).astype(np.int32)
        add_shares(cells, extra.amount / measures[extra.owner], table, frame, flat, sums.outside)


@dataclass(frozen=True)
class _Block:
    """What a block of features has in cells; `extra` (m2, m, points) is of those that were doubtful."""

    found: Found
    extra: CellParts
    repaired: IntArray


@dataclass(frozen=True)
class Shared:
    """Shares of a batch of features, and positions in it of those nowhere and of those repaired."""

    blocks: list[_Block]
    measures: FloatArray
    nowhere: IntArray
    repaired: IntArray


_NONE = np.zeros(0, np.int64)
_NO_PARTS = CellParts(_NONE, _NONE, _NONE, np.zeros(0))


def _blocks(
    column: FeatureColumn,
    grid: Grid,
    measured: bool,
    kinds: IntArray,
    measures: FloatArray,
    threads: int | None,
    ids: Sequence[object] | None,
) -> Iterator[_Block]:
    """Parts block by block, in order; `kinds` and `measures` are filled as blocks are done."""
    if ids is not None and len(ids) != column.size:
        raise GridError(f"{column.size} features and {len(ids)} ids were given; one each was expected.")
    place = (int(grid.origin_m[0]), int(grid.origin_m[1]), int(grid.size_m))
    if max(abs(place[0]), abs(place[1])) > MAX_COORDINATE_M:
        raise GridError(f"The grid's origin {grid.origin_m} was expected within {MAX_COORDINATE_M:g} m.")
    share = column.share_out(place, measured, kinds, measures)

    def work(first: int, last: int) -> Any:
        with workspace() as mine:
            return first, last, mine.found_by(lambda f, n, address: share(f, last, n, address), first, last)

    for first, last, found in in_blocks(work, block_bounds(column.ends_at, _BYTES_AT_ONCE), threads):
        here = kinds[first:last]
        if here.size == 0 or here.max() < DOUBTFUL:
            yield _Block(found, _NO_PARTS, _NONE)
            continue
        wrong = first + np.flatnonzero((here == NOT_METRES) | (here == DAMAGED))
        if wrong.size:
            _refuse(column, int(wrong[0]), int(kinds[wrong[0]]), ids)
        which = first + np.flatnonzero(here == DOUBTFUL)
        yield _Block(found, *doubtful_parts(column.geometry, which, grid, kinds, measures, ids))


def _refuse(column: FeatureColumn, position: int, kind: int, ids: Sequence[object] | None) -> None:
    if kind == NOT_METRES:
        raise GeometryError(
            f"Feature {name_of(position, ids)} has a coordinate that is no finite number of metres below "
            f"{MAX_COORDINATE_M:g}. Check its coordinates and the layer's CRS."
        )
    raise GeometryError(f"Feature {name_of(position, ids)} {column.described(position)}")


def _merged(found: Found, extra: CellParts) -> Found:
    """Parts of different features in the order of their features."""
    cells = np.concatenate((found[0], np.stack((extra.owner, extra.row, extra.col), axis=1).astype(np.int32)))
    order = np.argsort(cells[:, 0], kind="stable")
    return cells[order], np.concatenate((found[1], extra.amount))[order]


def warm_up() -> None:
    """Compile, or load from the cache, all that shares are made with, so that no later call has to wait for it.

    For servers and long builds at their start; whoever does not call it waits at the first features.
    """
    grid = Grid("EPSG:32632", (0, 0), 100, "inspire")
    square, line = shapely.box(50, 50, 250, 150), shapely.LineString([(50, 50), (250, 150)])
    column = WkbColumn.from_bytes([shapely.to_wkb(shape) for shape in (square, line, shapely.Point(50, 50))])
    parts_in_cells(column, grid)
    cell_sums(column, np.ones((column.size, 1)), grid, (0, 0, 300, 300))
    polygon_areas(np.array([square]), grid.origin_m, grid.size_m)
    line_lengths(np.array([line]), grid.origin_m, grid.size_m)
