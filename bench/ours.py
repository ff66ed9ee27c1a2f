"""Our own way, called as a build calls it: cut to the domain, share out, add up."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from bench.cases import Case
from bench.inputs import CELL_M, CRS
from grids.grid import Grid
from grids.shares import Clipped, Shares, clip_to, grid_shares, zone_shares

FloatArray = NDArray[np.float64]
GeometryArray = NDArray[np.object_]
Run = Callable[[], FloatArray]


def from_geoparquet(case: Case) -> Run:
    """Read the file, decode its WKB, share out, add up."""

    def run() -> FloatArray:
        table = pq.read_table(case.file)
        return totals(case, decoded(table["geometry"]), table["value"].to_numpy())

    return run


def from_wkb(case: Case) -> Run:
    """Decode WKB that lies in memory as GeoParquet holds it, share out, add up."""
    wkb = pq.read_table(case.file, columns=["geometry"])["geometry"]
    return lambda: totals(case, decoded(wkb), case.layer.values)


def from_geodataframe(case: Case) -> Run:
    """Share out geometry objects that are in memory, add up."""
    frame: gpd.GeoDataFrame = case.layer.frame()
    return lambda: totals(case, frame.geometry.to_numpy(), frame["value"].to_numpy())


def totals(case: Case, geometries: GeometryArray, values: FloatArray) -> FloatArray:
    """(targets,) sums of the values shared out."""
    return summed(case, shared(case, clip_to(geometries, case.domain)), values)


def decoded(wkb: pa.ChunkedArray) -> GeometryArray:
    """Geometry objects of a column of WKB."""
    return np.asarray(shapely.from_wkb(wkb.to_numpy()), dtype=np.object_)


def shared(case: Case, clipped: Clipped) -> tuple[NDArray[np.int64], Shares]:
    """The targets that hold something, and the shares in them."""
    if case.question == "zones":
        return np.arange(case.zones.size), zone_shares(clipped.geometries, case.zones, clipped.measures)
    grid = Grid(CRS, case.grid.origin_m, CELL_M, "korea")
    rows, cols, shares = grid_shares(clipped.geometries, grid, clipped.measures)
    return rows * case.grid.cells + cols, shares


def summed(case: Case, found: tuple[NDArray[np.int64], Shares], values: FloatArray) -> FloatArray:
    """Shares times values, target by target."""
    places, shares = found
    total = np.zeros(case.zones.size if case.question == "zones" else case.grid.cells**2)
    total[places] = shares.matrix @ values
    return total
