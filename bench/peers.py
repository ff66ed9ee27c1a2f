"""The same work by public tools, each used the way its own documentation or an expert would.

Each function prepares (loads tables, builds indexes, imports) and returns the work itself, which alone is measured.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from bench.cases import Case
from bench.inputs import CELL_M, CRS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Run = Callable[[], FloatArray]


def strtree(case: Case) -> Run:
    """shapely: a tree over the features, then the intersection of every pair that meets."""
    features, targets = case.layer.geometries, case.targets

    def run() -> FloatArray:
        shapely.prepare(targets)
        target, feature = shapely.STRtree(features).query(targets, predicate="intersects")
        return case.added_up(target, feature, shapely.intersection(features[feature], targets[target]))

    return run


def shapely_bounds(case: Case) -> Run:
    """shapely, expert hand: cells from the features' bounds; what lies in one cell is not cut at all."""
    return lambda: _bounds_of_cells(case)


def shapely_contains(case: Case) -> Run:
    """shapely, expert hand: zones that contain a feature settle it, and only the rest is cut."""

    def run() -> FloatArray:
        features, zones, values = case.layer.geometries, case.zones, case.layer.values
        shapely.prepare(zones)
        zone, feature = shapely.STRtree(features).query(zones, predicate="contains")
        totals = np.bincount(zone, values[feature], minlength=zones.size)
        rest = np.setdiff1d(np.arange(features.size), feature)
        near, zone = shapely.STRtree(zones).query(features[rest], predicate="intersects")
        parts = shapely.intersection(features[rest[near]], zones[zone])
        return np.asarray(totals + case.added_up(zone, rest[near], parts), dtype=np.float64)

    return run


def overlay(case: Case) -> Run:
    """geopandas.overlay, then sums by target."""
    features = case.layer.frame()
    targets = gpd.GeoDataFrame({"target": np.arange(case.targets.size)}, geometry=case.targets, crs=CRS)

    def run() -> FloatArray:
        parts = gpd.overlay(features, targets, how="intersection", keep_geom_type=True)
        return case.added_up(
            parts["target"].to_numpy(), parts["feature"].to_numpy(), np.asarray(parts.geometry.array, dtype=np.object_)
        )

    return run


def tobler(case: Case) -> Run:
    """tobler.area_weighted.area_interpolate of one extensive variable."""
    from tobler.area_weighted import area_interpolate

    features = case.layer.frame()
    targets = gpd.GeoDataFrame(geometry=case.targets, crs=CRS)

    def run() -> FloatArray:
        found = area_interpolate(features, targets, extensive_variables=["value"], allocate_total=False)
        return np.asarray(found["value"].to_numpy(), dtype=np.float64)

    return run


def exactextract(case: Case) -> Run:
    """exactextract: covered fractions of the cells of a raster that holds the cells' numbers."""
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    features, n = case.layer.frame(), case.grid.cells
    west, south = case.grid.origin_m
    numbers = np.arange(n * n, dtype=np.int32).reshape(n, n)[::-1]
    raster = NumPyRasterSource(
        numbers,
        xmin=west,
        ymin=south,
        xmax=west + case.grid.side_m,
        ymax=south + case.grid.side_m,
        srs_wkt=features.crs.to_wkt(),
    )

    def run() -> FloatArray:
        found = exact_extract(raster, features, ["values", "coverage"], include_cols=["feature"], output="pandas")
        count = found["coverage"].map(len).to_numpy()
        feature = np.repeat(found["feature"].to_numpy(), count)
        cell = np.concatenate(found["values"].to_numpy()).astype(np.int64)
        covered = np.concatenate(found["coverage"].to_numpy()) * CELL_M**2
        share = covered / case.measure(case.layer.geometries)[feature]
        return np.asarray(np.bincount(cell, share * case.layer.values[feature], minlength=n * n), dtype=np.float64)

    return run


def duckdb(case: Case) -> Run:
    """DuckDB spatial: a spatial join, then the intersection of every pair; tables loaded beforehand."""
    import duckdb as database

    # Loaded by path: INSTALL would fetch it from a host, and a bench asks nobody.
    spec = find_spec("duckdb_extension_spatial")
    assert spec is not None
    assert spec.origin is not None
    [extension] = Path(spec.origin).parent.rglob("spatial.duckdb_extension")
    connection = database.connect()
    connection.execute(f"SET threads = {case.place.threads}")
    connection.execute(f"LOAD '{extension}'")
    layer = case.layer
    features = pd.DataFrame(
        {"feature": np.arange(layer.values.size), "value": layer.values, "wkb": shapely.to_wkb(layer.geometries)}
    )
    targets = pd.DataFrame({"target": np.arange(case.targets.size), "wkb": shapely.to_wkb(case.targets)})
    connection.register("given_features", features)
    connection.register("given_targets", targets)
    connection.execute("CREATE TABLE f AS SELECT feature, value, ST_GeomFromWKB(wkb) AS g FROM given_features")
    connection.execute("CREATE TABLE t AS SELECT target, ST_GeomFromWKB(wkb) AS g FROM given_targets")
    measure = "ST_Length" if layer.is_lines else "ST_Area"
    query = (
        f"SELECT target, sum(value * {measure}(ST_Intersection(f.g, t.g)) / {measure}(f.g)) AS total "
        "FROM f JOIN t ON ST_Intersects(f.g, t.g) GROUP BY target"
    )

    def run() -> FloatArray:
        found = connection.execute(query).fetchnumpy()
        totals = np.zeros(case.targets.size)
        totals[found["target"]] = found["total"]
        return totals

    return run


def _bounds_of_cells(case: Case) -> FloatArray:
    features, values, n = case.layer.geometries, case.layer.values, case.grid.cells
    low_and_high = (shapely.bounds(features) - np.tile(case.grid.origin_m, 2)) // CELL_M
    west, south, east, north = low_and_high.astype(np.int64).T
    alone = (west == east) & (south == north) & (west >= 0) & (south >= 0) & (east < n) & (north < n)
    totals = np.bincount((south * n + west)[alone], values[alone], minlength=n * n)
    rest = np.flatnonzero(~alone)
    west, south = np.maximum(west[rest], 0), np.maximum(south[rest], 0)
    wide = np.maximum(np.minimum(east[rest], n - 1) - west + 1, 0)
    high = np.maximum(np.minimum(north[rest], n - 1) - south + 1, 0)
    count = wide * high
    which = np.repeat(np.arange(rest.size), count)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    cell = (south[which] + step // wide[which]) * n + west[which] + step % wide[which]
    parts = shapely.intersection(features[rest[which]], case.targets[cell])
    return np.asarray(totals + case.added_up(cell, rest[which], parts), dtype=np.float64)
