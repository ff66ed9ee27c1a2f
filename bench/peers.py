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
from bench.inputs import CELL_M

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Run = Callable[[], FloatArray]

_WORTH_PREPARING = 12  # cells met by a polygon's bounds, above which asking for whole ones pays


def strtree(case: Case) -> Run:
    """shapely: a tree over the features, then the intersection of every pair that meets."""
    case = case.with_objects()
    features, targets = case.layer.geometries, case.targets

    def run() -> FloatArray:
        shapely.prepare(targets)
        target, feature = shapely.STRtree(features).query(targets, predicate="intersects")
        return case.added_up(target, feature, shapely.intersection(features[feature], targets[target]))

    return run


def shapely_bounds(case: Case) -> Run:
    """shapely, expert hand: cells from the features' bounds; what lies in one cell is not cut at all."""
    case = case.with_objects()
    return lambda: _bounds_of_cells(case)


def shapely_clip(case: Case) -> Run:
    """shapely, expert hand: bounds again; whole cells are found by prepared features, the rest clipped to boxes.

    `clip_by_rect` is no overlay: it is many times faster, and its answer may be no valid geometry, but it has the area.
    """
    case = case.with_objects()
    return lambda: _clipped_to_cells(case)


def shapely_contains(case: Case) -> Run:
    """shapely, expert hand: zones that contain a feature settle it, and only the rest is cut."""
    case = case.with_objects()

    def run() -> FloatArray:
        features, zones, values = case.layer.geometries, case.zones, case.values
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
    features = case.with_objects().layer.frame(case.grid.crs)
    targets = gpd.GeoDataFrame({"target": np.arange(case.targets.size)}, geometry=case.targets, crs=case.grid.crs)

    def run() -> FloatArray:
        parts = gpd.overlay(features, targets, how="intersection", keep_geom_type=True)
        return case.added_up(
            parts["target"].to_numpy(), parts["feature"].to_numpy(), np.asarray(parts.geometry.array, dtype=np.object_)
        )

    return run


def tobler(case: Case) -> Run:
    """tobler.area_weighted.area_interpolate of one extensive variable."""
    from tobler.area_weighted import area_interpolate

    features = case.with_objects().layer.frame(case.grid.crs)
    targets = gpd.GeoDataFrame(geometry=case.targets, crs=case.grid.crs)

    def run() -> FloatArray:
        found = area_interpolate(features, targets, extensive_variables=["value"], allocate_total=False)
        return np.asarray(found["value"].to_numpy(), dtype=np.float64)

    return run


def exactextract(case: Case) -> Run:
    """exactextract: covered fractions of the cells of a raster that holds the cells' numbers."""
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    features, n = case.with_objects().layer.frame(case.grid.crs), case.grid.cells
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
        return np.asarray(np.bincount(cell, share * case.values[feature], minlength=n * n), dtype=np.float64)

    return run


def duckdb(case: Case) -> Run:
    """DuckDB spatial, with the same short cuts in SQL: what need not be cut is not; tables loaded beforehand."""
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
    query = _cells_query(case) if case.question == "cells" else _zones_query(case)

    def run() -> FloatArray:
        found = connection.execute(query).fetchnumpy()
        totals = np.zeros(case.targets.size)
        totals[found["target"]] = found["total"]
        return totals

    return run


def _cells_query(case: Case) -> str:
    """Cells by arithmetic on bounds, which is faster than a spatial join with their squares."""
    n, measure = case.grid.cells, "ST_Length" if case.layer.is_lines else "ST_Area"
    west, south = case.grid.origin_m
    square = (
        f"ST_MakeEnvelope({west} + c * {CELL_M}, {south} + r * {CELL_M}, "
        f"{west} + (c + 1) * {CELL_M}, {south} + (r + 1) * {CELL_M})"
    )
    return f"""
        WITH bounded AS (
            SELECT value, g,
                floor((ST_XMin(g) - {west}) / {CELL_M})::INT AS c0, floor((ST_XMax(g) - {west}) / {CELL_M})::INT AS c1,
                floor((ST_YMin(g) - {south}) / {CELL_M})::INT AS r0, floor((ST_YMax(g) - {south}) / {CELL_M})::INT AS r1
            FROM f),
        alone AS (
            SELECT r0 * {n} + c0 AS target, value AS part FROM bounded
            WHERE c0 = c1 AND r0 = r1 AND c0 BETWEEN 0 AND {n - 1} AND r0 BETWEEN 0 AND {n - 1}),
        by_row AS (
            SELECT value, g, c0, c1, unnest(range(greatest(r0, 0), least(r1, {n - 1}) + 1)) AS r FROM bounded
            WHERE c0 <> c1 OR r0 <> r1),
        pairs AS (SELECT value, g, r, unnest(range(greatest(c0, 0), least(c1, {n - 1}) + 1)) AS c FROM by_row),
        cut AS (
            SELECT r * {n} + c AS target, value * {measure}(ST_Intersection(g, {square})) / {measure}(g) AS part
            FROM pairs WHERE ST_Intersects(g, {square}))
        SELECT target, sum(part) AS total FROM (SELECT * FROM alone UNION ALL SELECT * FROM cut) GROUP BY target"""


def _zones_query(case: Case) -> str:
    measure = "ST_Length" if case.layer.is_lines else "ST_Area"
    return (
        "SELECT target, sum(CASE WHEN ST_CoveredBy(f.g, t.g) THEN value "
        f"ELSE value * {measure}(ST_Intersection(f.g, t.g)) / {measure}(f.g) END) AS total "
        "FROM f JOIN t ON ST_Intersects(f.g, t.g) GROUP BY target"
    )


def _bounds_of_cells(case: Case) -> FloatArray:
    totals, feature, cell = _cells_met(case)
    parts = shapely.intersection(case.layer.geometries[feature], case.targets[cell])
    return np.asarray(totals + case.added_up(cell, feature, parts), dtype=np.float64)


def _clipped_to_cells(case: Case) -> FloatArray:
    totals, feature, cell = _cells_met(case)
    features, values, n = case.layer.geometries, case.values, case.grid.cells
    whole = case.measure(features)
    if not case.layer.is_lines:
        many = np.flatnonzero(np.bincount(feature, minlength=features.size)[feature] > _WORTH_PREPARING)
        shapely.prepare(features)
        covered = many[shapely.contains_properly(features[feature[many]], case.targets[cell[many]])]
        shares = values[feature[covered]] * CELL_M**2 / whole[feature[covered]]
        totals += np.bincount(cell[covered], shares, minlength=n * n)
        missed = many[shapely.disjoint(features[feature[many]], case.targets[cell[many]])]
        left = np.ones(feature.size, dtype=bool)
        left[covered] = left[missed] = False
        feature, cell = feature[left], cell[left]
    west = case.grid.origin_m[0] + cell % n * CELL_M
    south = case.grid.origin_m[1] + cell // n * CELL_M
    # One rectangle for each call is all that it takes.
    parts = [
        shapely.clip_by_rect(geometry, x, y, x + CELL_M, y + CELL_M)
        for geometry, x, y in zip(features[feature], west.tolist(), south.tolist(), strict=True)
    ]
    return np.asarray(totals + case.added_up(cell, feature, np.array(parts, dtype=np.object_)), dtype=np.float64)


def _cells_met(case: Case) -> tuple[FloatArray, IntArray, IntArray]:
    """Totals of what lies in one cell alone, and (pairs,) every other feature with each cell that its bounds meet."""
    features, values, n = case.layer.geometries, case.values, case.grid.cells
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
    return totals.astype(np.float64), rest[which], cell
