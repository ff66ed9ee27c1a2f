"""Our own ways, straight from well-known binary, on as many threads as are given.

Sums of values are added up as features are cut. A build keeps the shares, which has a way of its own here (`kept`):
more is measured then, and every ring looked at, also of what lies in one cell.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.cases import Case
from bench.inputs import CELL_M
from grids.cell_sums import CellSums, cell_sums, warm_up
from grids.cutting import FeatureColumn
from grids.grid import Grid
from grids.wkb import WkbChunks, WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex, parts_in_zones
from grids.zone_index import warm_up as zones_warm_up

FloatArray = NDArray[np.float64]
Run = Callable[[], FloatArray]


def from_geoparquet(case: Case) -> Run:
    """Read the file, share out, add up."""
    make_ready(case)

    def run() -> FloatArray:
        table = pq.read_table(case.file)
        return totals(case, table["geometry"], table["value"].to_numpy())

    return run


def from_wkb(case: Case) -> Run:
    """Share out well-known binary that lies in memory as GeoParquet holds it, add up."""
    wkb = pq.read_table(case.file, columns=["geometry"])["geometry"]
    values = make_ready(case)
    return lambda: totals(case, wkb, values)


def kept(case: Case) -> Run:
    """Share out as a build does, keep the shares, and add up by them."""
    wkb = pq.read_table(case.file, columns=["geometry"])["geometry"]
    values = make_ready(case)
    frame = CellSums.empty(grid_of(case), case.grid.bounds, 1)
    height, width, _ = frame.sums.shape

    def run() -> FloatArray:
        found = parts_in_cells(WkbChunks.from_arrow(wkb), grid_of(case), threads=case.place.threads)
        parts = found.parts
        row, col = parts.row - frame.first_row, parts.col - frame.first_col
        there = np.flatnonzero((row >= 0) & (row < height) & (col >= 0) & (col < width))
        owner = parts.owner[there]
        amounts = parts.amount[there] / found.measures[owner] * values[owner]
        cells = row[there].astype(np.int64) * width + col[there]
        return np.asarray(np.bincount(cells, amounts, minlength=height * width), dtype=np.float64)

    return run


def from_geodataframe(case: Case) -> Run:
    """Write the geometry objects of a GeoDataFrame as well-known binary, share out, add up."""
    frame: gpd.GeoDataFrame = case.layer.frame(case.grid.crs)
    make_ready(case)

    def run() -> FloatArray:
        column, values = WkbColumn.from_geometries(frame.geometry.to_numpy()), frame["value"].to_numpy()
        return zone_totals(case, column, values) if case.question == "zones" else cell_totals(case, column, values)

    return run


def make_ready(case: Case) -> FloatArray:
    """Load all compiled code, as a server does at its start, and what everybody has in memory; the case's values.

    That is zones, and which cells there are: peers have them as polygons, we as a grid. A few features alone would not
    do: some code is met only by features that look doubtful.
    """
    warm_up()
    zones_warm_up()
    _ = case.zones, case.gap, grid_of(case)
    return case.values


def totals(case: Case, wkb: Any, values: FloatArray) -> FloatArray:
    """(targets,) sums of the values of features that an Arrow array holds in well-known binary."""
    if case.question == "zones":
        return zone_totals(case, WkbColumn.from_arrow(wkb), values)
    return cell_totals(case, WkbChunks.from_arrow(wkb), values)


def cell_totals(case: Case, column: FeatureColumn, values: FloatArray) -> FloatArray:
    """(cells,) sums, added as features are cut: no share is kept."""
    found = cell_sums(column, values, grid_of(case), case.grid.bounds, threads=case.place.threads)
    return found.sums.ravel()


def zone_totals(case: Case, column: WkbColumn, values: FloatArray) -> FloatArray:
    """(zones + 1,) sums, the last of what lies in no zone, by its own geometry; the zones' index is made anew."""
    threads, grid = case.place.threads, grid_of(case)
    index = ZoneIndex.of(case.zones, grid, gap=case.gap, threads=threads)
    cells = parts_in_cells(column, grid, threads=threads)
    found = parts_in_zones(column, cells, index, rest=index.n_zones, threads=threads)
    amounts = found.amount / cells.measures[found.owner] * values[found.owner]
    return np.asarray(np.bincount(found.zone, amounts, minlength=case.zones.size + 1), dtype=np.float64)


@cache
def grid_of(case: Case) -> Grid:
    """The grid whose cells are asked for; looking its CRS up takes a tenth as long as 200,000 buildings do."""
    return Grid(case.grid.crs, case.grid.origin_m, CELL_M, "inspire")
