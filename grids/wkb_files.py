"""Sums straight from a GeoParquet file: row groups are read and shared out side by side, in bounded memory."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from grids.blocks import Turn, in_turns
from grids.cell_sums import CellSums, add_blocks, shared_blocks
from grids.errors import GridError
from grids.grid import Grid
from grids.wkb import WkbChunks

FloatArray = NDArray[np.float64]


def sums_from_parquet(
    path: Path,
    column: str,
    values: Sequence[str],
    grid: Grid,
    bounds: tuple[float, float, float, float],
    *,
    threads: int | None = None,
) -> CellSums:
    """Add values of a file's features into cells by exact shares, row group by row group.

    Each thread reads a row group and shares it out while others do the same with theirs; sums run in the order of the
    file, so that the same bits come of any number of threads.

    Args:
        path: a Parquet file with features in the grid's CRS.
        column: its column of well-known binary.
        values: its columns of numbers; each feature's are shared out whole.
        grid: the grid.
        bounds: (west, south, east, north) in metres of the frame of cells wanted.
        threads: how many.

    Returns:
        The sums; `nowhere` and `repaired` are positions in the file.

    Raises:
        GridError: a column that is not there or holds nulls, or bounds that hold no cell.
        GeometryError: see `grids.wkb.parts_in_cells`; positions are those in the row group named.
    """
    with pq.ParquetFile(path) as file:
        metadata, names = file.metadata, file.schema_arrow.names
    wanted = [column, *values]
    missing = [name for name in wanted if name not in names]
    if missing or not values:
        raise GridError(
            f"{Path(path).name} has no column {', '.join(missing) or 'of values'}; among {', '.join(names)} a geometry "
            "and one column of numbers at least were expected."
        )

    sums = CellSums.empty(grid, bounds, len(values))
    nowhere, repaired, before = [sums.nowhere], [sums.repaired], np.zeros(metadata.num_row_groups + 1, np.int64)
    before[1:] = np.cumsum([metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)])

    def work(group: int, _end: int, turn: Turn) -> None:
        with pq.ParquetFile(path, metadata=metadata, memory_map=True) as file:
            table = file.read_row_group(group, columns=wanted, use_threads=False)
        try:
            blocks = shared_blocks(WkbChunks.from_arrow(table.column(column)), grid)
        except GridError as error:
            raise type(error)(f"{Path(path).name}, row group {group}: {error}") from error
        numbers = _numbers(table, values, Path(path).name, group)
        with turn:
            add_blocks(sums, blocks, numbers)
            nowhere.extend(before[group] + block.nowhere for block in blocks)
            repaired.extend(before[group] + block.repaired for block in blocks)

    in_turns(work, np.arange(metadata.num_row_groups + 1), threads)
    return CellSums(
        sums.first_row, sums.first_col, sums.sums, sums.outside, np.concatenate(nowhere), np.concatenate(repaired)
    )


def _numbers(table: pa.Table, values: Sequence[str], name: str, group: int) -> FloatArray:
    numbers = np.empty((table.num_rows, len(values)))
    for k, value in enumerate(values):
        if table.column(value).null_count:
            raise GridError(
                f"{name}, row group {group}: column {value} has {table.column(value).null_count} nulls; what is not "
                "known cannot be added up. Leave these features out, or fill them in."
            )
        numbers[:, k] = table.column(value).to_numpy()
    return numbers
