"""Values of features added into cells by exact shares, without keeping the shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.blocks import Turn, in_turns, threads_here
from grids.crossings import MOST_CELLS, line_lengths, polygon_areas
from grids.cutting import Block, Cutting, FeatureColumn
from grids.doubtful import refuse_crossing
from grids.errors import GridError
from grids.grid import Grid
from grids.sum_kernels import add_shares
from grids.wkb import WkbColumn, parts_in_cells
from grids.workspace import make_ready, workspace

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class CellSums:
    """Values of features added into the cells of a frame.

    Attributes:
        sums: (rows, columns of cells, columns of values); the first row is `first_row`, the first column `first_col`.
        outside: (columns of values,) what lies outside the frame, added up by itself.
        nowhere: positions of features without any place, whose values are in neither.
        repaired: see `grids.wkb.FeatureParts`; but for what lies in one cell, whole, however its rings run: these
            are not looked at, and sums would be the same.
    """

    first_row: int
    first_col: int
    sums: FloatArray
    outside: FloatArray
    nowhere: IntArray
    repaired: IntArray

    @classmethod
    def empty(cls, grid: Grid, bounds: tuple[float, float, float, float], columns: int) -> "CellSums":
        """Nothing yet, in a frame of cells."""
        found = cls._unwritten(grid, bounds, columns)
        found.sums.fill(0.0)  # zeros would be pages that the system makes twice: when they are read, and when written
        return found

    @classmethod
    def _unwritten(cls, grid: Grid, bounds: tuple[float, float, float, float], columns: int) -> "CellSums":
        """A frame of cells that hold nothing to be relied on yet.

        Args:
            grid: the grid.
            bounds: (west, south, east, north) in metres of the frame.
            columns: how many values there will be per feature.

        Raises:
            GridError: bounds that hold no cell.
        """
        rows, cols = grid.rows_cols((bounds[0], bounds[2]), (bounds[1], bounds[3]))
        (first_row, last_row), (first_col, last_col) = rows.tolist(), cols.tolist()
        # A frame that ends on a border has no cell beyond.
        height = last_row - first_row + int(bounds[3] > grid.origin_m[1] + last_row * grid.size_m)
        width = last_col - first_col + int(bounds[2] > grid.origin_m[0] + last_col * grid.size_m)
        if height <= 0 or width <= 0:
            raise GridError(f"Bounds {bounds} hold no cell; (west, south, east, north) in metres were expected.")
        none = np.zeros(0, np.int64)
        return cls(first_row, first_col, np.empty((height, width, columns)), np.zeros(columns), none, none)


def cell_sums(
    column: FeatureColumn,
    values: FloatArray,
    grid: Grid,
    bounds: tuple[float, float, float, float],
    *,
    repair: bool = True,
    threads: int | None = None,
    ids: Sequence[object] | None = None,
    most_cells: int = MOST_CELLS,
) -> CellSums:
    """Add values of features into cells by exact shares, without keeping the shares.

    Args:
        column: features in the grid's CRS.
        values: (n,) or (n, k) one value or several per feature, each shared out whole.
        grid: the grid.
        bounds: (west, south, east, north) in metres of the frame of cells wanted.
        repair: see `grids.wkb.parts_in_cells`.
        threads: how many; sums run in the order of the features whatever the number, so the same bits come of any.
        ids: see `grids.wkb.parts_in_cells`.
        most_cells: see `grids.wkb.parts_in_cells`.

    Raises:
        GridError: values that are not one row per feature, or bounds that hold no cell.
        GeometryError: see `grids.wkb.parts_in_cells`.
    """
    table = np.ascontiguousarray(values if np.ndim(values) > 1 else np.asarray(values)[:, None], dtype=np.float64)
    if table.shape[0] != column.size:
        raise GridError(
            f"{column.size} features and {table.shape[0]} rows of values were given; one each was expected."
        )
    make = CellSums._unwritten if column.size else CellSums.empty
    sums = make(grid, bounds, table.shape[1])
    cutting = Cutting(column, grid, measured=False, ids=ids, most_cells=most_cells)
    nowhere, repaired = [sums.nowhere], [sums.repaired]

    def work(first: int, last: int, turn: Turn) -> None:
        with workspace() as mine:
            if first == 0:  # whose turn is before all others: they need not wait for the system to make the pages
                sums.sums.fill(0.0)
            block = cutting.block(first, last, mine)
            without_place = block.nowhere
            with turn:
                _add_block(sums, block, table)
                nowhere.append(without_place)
                repaired.append(block.repaired)

    in_turns(work, cutting.blocks, threads)
    again = np.concatenate(repaired)
    if not repair:
        refuse_crossing(again, ids)
    return CellSums(sums.first_row, sums.first_col, sums.sums, sums.outside, np.concatenate(nowhere), again)


def shared_blocks(column: FeatureColumn, grid: Grid) -> list[Block]:
    """Shares of a batch of features in cells, to be kept: batches can be shared out side by side, and added later.

    Args:
        column: see `cell_sums`.
        grid: see `cell_sums`.

    Raises:
        GeometryError: see `grids.wkb.parts_in_cells`.
    """
    cutting, kept = Cutting(column, grid, measured=False, ids=None), []
    for first, last in pairwise(cutting.blocks.tolist()):
        with workspace() as mine:
            kept.append(cutting.block(first, last, mine).copied())
    return kept


def add_blocks(sums: CellSums, blocks: Sequence[Block], values: FloatArray) -> None:
    """Add values of features, (n, k), to sums, in place, by the shares they have."""
    for block in blocks:
        _add_block(sums, block, values)


def _add_block(sums: CellSums, block: Block, table: FloatArray) -> None:
    height, width, columns = sums.sums.shape
    frame, flat = (sums.first_row, sums.first_col, height, width), sums.sums.reshape(height * width, columns)
    add_shares(*block.found, table, frame, flat, sums.outside)
    extra = block.extra
    if extra.owner.size:
        cells = np.stack((extra.owner, extra.row, extra.col), axis=1).astype(np.int32)
        add_shares(cells, extra.amount / block.measures[extra.owner - block.first], table, frame, flat, sums.outside)


def warm_up() -> None:
    """Compile, or load from the cache, all that shares are made with, so that no later call has to wait for it.

    For servers and long builds at their start; whoever does not call it waits at the first features.
    """
    grid = Grid("EPSG:32632", (0, 0), 100, "inspire")
    square, line = shapely.box(50, 50, 250, 150), shapely.LineString([(50, 50), (250, 150)])
    column = WkbColumn.from_bytes([shapely.to_wkb(shape) for shape in (square, line, shapely.Point(50, 50))])
    parts_in_cells(column, grid)
    cell_sums(column, np.ones((column.size, 1)), grid, (0, 0, 300, 300))
    make_ready(threads_here())
    polygon_areas(np.array([square]), grid.origin_m, grid.size_m)
    line_lengths(np.array([line]), grid.origin_m, grid.size_m)
