"""Features as they lie in a file, in well-known binary: exact parts in cells, and sums, without building geometries.

What the compiled code cannot vouch for (rings that cross or overlap, collections, curves) goes the way of geometries,
through `grids.measures.as_features`; it is the few that cost.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError

from grids.blocks import block_bounds, in_blocks
from grids.cell_kernels import AREAS, DOUBTFUL, LINES, MAX_COORDINATE_M, NOT_METRES, NOWHERE, POINTS
from grids.crossings import CellParts, cell_index, join_parts, line_lengths, polygon_areas
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.measures import as_features, measures_of
from grids.sum_kernels import add_shares
from grids.wkb_kernels import DAMAGED, wkb_in_cells

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_BYTES_AT_ONCE = 1 << 21  # of a block of features, which one thread works on


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


def parts_in_cells(column: WkbColumn, grid: Grid, *, repair: bool = True, threads: int | None = None) -> FeatureParts:
    """Exact parts of features in the cells of a grid, straight from their bytes.

    Args:
        column: features in the grid's CRS.
        grid: the grid.
        repair: make polygons valid whose rings cross or overlap; else they are refused.
        threads: how many; the same bits come of any number.

    Raises:
        GeometryError: bytes that are no geometry, coordinates that are not finite metres, and with `repair=False`
            polygons that cross themselves; names the first feature at fault.
    """
    kinds, measures = np.empty(column.size, np.int64), np.empty(column.size)
    blocks = list(_blocks(column, grid, kinds, measures, repair, threads))
    parts = _joined([block.parts for block in blocks])
    starts = np.searchsorted(parts.owner, np.arange(column.size + 1)).astype(np.int64)
    repaired = [block.repaired for block in blocks]
    return FeatureParts(parts, starts, kinds, measures, np.concatenate([np.zeros(0, np.int64), *repaired]))


def cell_sums(
    column: WkbColumn,
    values: FloatArray,
    grid: Grid,
    bounds: tuple[float, float, float, float],
    *,
    repair: bool = True,
    threads: int | None = None,
) -> CellSums:
    """Add values of features into cells by exact shares, without keeping the shares.

    Args:
        column: features in the grid's CRS.
        values: (n,) or (n, k) one value or several per feature, each shared out whole.
        grid: the grid.
        bounds: (west, south, east, north) in metres of the frame of cells wanted.
        repair: see `parts_in_cells`.
        threads: how many; sums run in the order of the features whatever the number, so the same bits come of any.

    Raises:
        GridError: values that are not one row per feature, or bounds that hold no cell.
        GeometryError: see `parts_in_cells`.
    """
    table = np.ascontiguousarray(values, dtype=np.float64).reshape(len(values), -1)
    if table.shape[0] != column.size:
        raise GridError(
            f"{column.size} features and {table.shape[0]} rows of values were given; one each was expected."
        )
    low = grid.rows_cols(bounds[0], bounds[1])
    high = grid.rows_cols(bounds[2], bounds[3])
    first_row, first_col = int(low[0][0]), int(low[1][0])
    # A frame that ends on a border has no cell beyond.
    height = int(high[0][0]) - first_row + int(bounds[3] > grid.origin_m[1] + high[0][0] * grid.size_m)
    width = int(high[1][0]) - first_col + int(bounds[2] > grid.origin_m[0] + high[1][0] * grid.size_m)
    if height <= 0 or width <= 0:
        raise GridError(f"Bounds {bounds} hold no cell; (west, south, east, north) in metres were expected.")
    sums = np.zeros((height * width, table.shape[1]))
    outside = np.zeros(table.shape[1])
    kinds, measures = np.empty(column.size, np.int64), np.empty(column.size)
    repaired = [np.zeros(0, np.int64)]
    for block in _blocks(column, grid, kinds, measures, repair, threads):
        parts = block.parts
        add_shares(
            parts.owner, parts.row, parts.col, parts.amount, measures, table, (first_row, first_col, height, width),
            sums, outside,
        )  # fmt: skip
        repaired.append(block.repaired)
    nowhere = np.flatnonzero(kinds == NOWHERE)
    return CellSums(first_row, first_col, sums.reshape(height, width, -1), outside, nowhere, np.concatenate(repaired))


@dataclass(frozen=True)
class _Block:
    parts: CellParts
    repaired: IntArray


def _blocks(
    column: WkbColumn, grid: Grid, kinds: IntArray, measures: FloatArray, repair: bool, threads: int | None
) -> Iterator[_Block]:
    """Parts block by block, in order; `kinds` and `measures` are filled as blocks are done."""
    place = (int(grid.origin_m[0]), int(grid.origin_m[1]), int(grid.size_m))
    base = int(column.data.ctypes.data)
    sizes = np.concatenate((np.zeros(1, np.int64), np.cumsum(column.ends - column.begins)))
    bounds = block_bounds(sizes, _BYTES_AT_ONCE)

    def work(first: int, last: int) -> Any:
        return first, last, wkb_in_cells(base, column.begins, column.ends, first, last, place, kinds, measures)

    for first, last, found in in_blocks(work, bounds, threads):
        parts = join_parts([found])
        repaired = np.zeros(0, np.int64)
        here = kinds[first:last]
        if (here > AREAS).any():
            wrong = first + np.flatnonzero((here == NOT_METRES) | (here == DAMAGED))
            if wrong.size:
                _refuse(column, int(wrong[0]), int(kinds[wrong[0]]))
            extra, repaired = _by_geometry(column, first + np.flatnonzero(here == DOUBTFUL), grid, kinds, measures)
            if repaired.size and not repair:
                raise GeometryError(
                    f"The rings of feature {repaired[0]} cross themselves or each other"
                    f"{_and_others(repaired)}; valid polygons were expected. Repair them, or let them be repaired."
                )
            if extra.owner.size:
                parts = _merged(parts, extra)
        yield _Block(parts, repaired)


def _and_others(positions: IntArray) -> str:
    return f" (and those of {positions.size - 1} more, up to feature {positions[-1]})" if positions.size > 1 else ""


def _refuse(column: WkbColumn, position: int, kind: int) -> None:
    if kind == NOT_METRES:
        raise GeometryError(
            f"Feature {position} has a coordinate that is no finite number of metres below {MAX_COORDINATE_M:g}. Check "
            "its coordinates and the layer's CRS."
        )
    given = column.feature(position)
    raise GeometryError(f"Feature {position} is no well-known binary: {len(given)} bytes, {given[:9].hex()}...")


def _by_geometry(
    column: WkbColumn, which: IntArray, grid: Grid, kinds: IntArray, measures: FloatArray
) -> tuple[CellParts, IntArray]:
    """The few that need GEOS: their parts, and which of them were not valid."""
    given = np.empty(which.size, dtype=np.object_)
    for k, position in enumerate(which.tolist()):
        try:
            given[k] = shapely.from_wkb(column.feature(position))
        except ShapelyError as error:
            raise GeometryError(f"Feature {position} cannot be read as a geometry: {error}.") from error
    try:
        features, found_kinds = as_features(given)
    except GeometryError:
        for k, position in enumerate(which.tolist()):
            try:
                as_features(given[k : k + 1])
            except GeometryError as error:
                raise GeometryError(str(error).replace("Feature 0", f"Feature {position}", 1)) from error
        raise
    kinds[which], measures[which] = found_kinds, measures_of(features, found_kinds)
    found = [_points(features, found_kinds, which, grid)]
    for kind, cut in ((LINES, line_lengths), (AREAS, polygon_areas)):
        own = np.flatnonzero(found_kinds == kind)
        several = cut(features[own], grid.origin_m, grid.size_m)
        found.append(CellParts(which[own[several.owner]], several.row, several.col, several.amount))
    invalid = (shapely.get_dimensions(given) == AREAS) & ~shapely.is_valid(given)
    return _joined(found), which[invalid]


def _points(features: NDArray[np.object_], kinds: IntArray, which: IntArray, grid: Grid) -> CellParts:
    own = np.flatnonzero(kinds == POINTS)
    coordinates, owner = shapely.get_coordinates(features[own], return_index=True)
    col = cell_index(coordinates[:, 0], grid.origin_m[0], grid.size_m)
    row = cell_index(coordinates[:, 1], grid.origin_m[1], grid.size_m)
    return CellParts(which[own[owner]], row, col, np.ones(row.size))


def _joined(parts: Sequence[CellParts]) -> CellParts:
    return join_parts((p.owner.size, (p.owner, p.row, p.col, p.amount)) for p in parts)


def _merged(one: CellParts, other: CellParts) -> CellParts:
    """Parts of different features in the order of their features."""
    both = _joined((one, other))
    order = np.lexsort((both.col, both.row, both.owner))
    return CellParts(both.owner[order], both.row[order], both.col[order], both.amount[order])


def warm_up() -> None:
    """Compile, or load from the cache, all that shares are made with, so that no later call has to wait for it.

    Takes about a second where the cache is filled, and half a minute where it is not. For servers and long builds at
    their start; whoever does not call it waits at the first features.
    """
    grid = Grid("EPSG:32632", (0, 0), 100, "inspire")
    square, line = shapely.box(50, 50, 250, 150), shapely.LineString([(50, 50), (250, 150)])
    column = WkbColumn.from_bytes([shapely.to_wkb(shape) for shape in (square, line, shapely.Point(50, 50))])
    parts_in_cells(column, grid)
    cell_sums(column, np.ones((column.size, 1)), grid, (0, 0, 300, 300))
    polygon_areas(np.array([square]), grid.origin_m, grid.size_m)
    line_lengths(np.array([line]), grid.origin_m, grid.size_m)
