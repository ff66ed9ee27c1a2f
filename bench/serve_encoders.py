"""Encoders of the same tile, in this process: ours, PostGIS's ST_AsMVT and mapbox-vector-tile."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import shapely

from bench.postgis import Session
from bench.serve_inputs import COLLECTION, CRS, REGION, YEAR, Served
from grids.edition import Store
from grids.projections import MERCATOR, reproject
from grids.tiles import collection_tile, compressed_tile, tile_columns

Encode = Callable[[], bytes | int]

TABLE, LONLAT_TABLE = "cells", "cells_lonlat"


def fill(session: Session, served: Served) -> None:
    """Make the table that PostGIS and tipg answer from: the same cells and columns, their squares in web mercator."""
    info = served.edition.collection(COLLECTION)
    rows = served.edition.table(COLLECTION, YEAR)
    shapes = reproject(served.edition.polygons(COLLECTION, rows), CRS, MERCATOR)
    kinds = {"string": "text", "double": "float8", "bool": "boolean", "int32": "int", "int16": "int"}
    types = served.edition.types(COLLECTION, YEAR)
    columns = ", ".join(f"{name} {kinds[types[name]]}" for name in info.columns)
    session.ask(f"DROP TABLE IF EXISTS {TABLE}")
    session.ask(f"CREATE TABLE {TABLE} ({columns}, geom geometry(Polygon, 3857))")
    texts = [[_text(value) for value in rows[name].to_pylist()] for name in info.columns]
    wkb = shapely.to_wkb(shapely.set_srid(shapes, 3857), hex=True, include_srid=True).tolist()
    session.load(
        f"{TABLE} ({', '.join(info.columns)}, geom)", ("\t".join(row) for row in zip(*texts, wkb, strict=True))
    )
    # Pages of features are answered in degrees: a table that has them, so that nothing is projected while asked.
    session.ask(f"DROP TABLE IF EXISTS {LONLAT_TABLE}")
    session.ask(f"CREATE TABLE {LONLAT_TABLE} AS SELECT * FROM {TABLE}")
    session.ask(
        f"ALTER TABLE {LONLAT_TABLE} ALTER COLUMN geom TYPE geometry(Polygon, 4326) USING ST_Transform(geom, 4326)"
    )
    for table in (TABLE, LONLAT_TABLE):
        session.ask(f"ALTER TABLE {table} ADD PRIMARY KEY (id)")
        session.ask(f"CREATE INDEX ON {table} USING gist (geom)")
        session.ask(f"VACUUM ANALYZE {table}")


def ours(served: Served, columns: list[str]) -> Encode:
    """From the edition to compressed bytes, its row groups in memory."""
    return lambda: compressed_tile(served.edition, COLLECTION, YEAR, served.tile, columns)


def ours_first(served: Served, columns: list[str]) -> Encode:
    """The same where none of its row groups was read before: the table's file, in the page cache, is opened anew."""

    def encode() -> bytes:
        edition = Store(served.store).open(REGION)
        return compressed_tile(edition, COLLECTION, YEAR, served.tile, columns)

    return encode


def ours_uncompressed(served: Served, columns: list[str]) -> Encode:
    """From the edition to bytes, as the peers make them."""
    return lambda: collection_tile(served.edition, COLLECTION, YEAR, served.tile, columns)


def st_asmvt(session: Session, served: Served, columns: list[str]) -> Encode:
    """From the table to bytes, of which only the length leaves the server."""
    tile = served.tile
    envelope = f"ST_TileEnvelope({tile.z}, {tile.x}, {tile.y})"
    margin = f"ST_Expand({envelope}, {tile.side * 64 / 4096!r})"
    query = (
        f"SELECT length(ST_AsMVT(drawn, '{COLLECTION}', 4096, 'shape')) FROM (SELECT {', '.join(columns)}, "
        f"ST_AsMVTGeom(geom, {envelope}, 4096, 64, true) AS shape FROM {TABLE} WHERE geom && {margin}) AS drawn"
    )
    return lambda: int(session.ask(query)[0])


def mapbox_vector_tile(served: Served, columns: list[str]) -> Encode:
    """From features that lie ready as Python objects, in tile units already: less than what the others do."""
    from mapbox_vector_tile import encode  # type: ignore[import-untyped]

    page = served.edition.near(COLLECTION, YEAR, served.tile.lonlat, [*columns, "row", "col"])
    shapes = reproject(served.edition.polygons(COLLECTION, page.rows), CRS, MERCATOR)
    shapes = shapely.transform(shapes, lambda points: np.rint(served.tile.units(points)))
    kept = (
        {name: value for name, value in row.items() if value is not None}
        for row in page.rows.select(columns).to_pylist()
    )
    layer: dict[str, Any] = {
        "name": COLLECTION,
        "features": [{"geometry": shape, "properties": row} for shape, row in zip(shapes, kept, strict=True)],
    }
    return lambda: bytes(encode([layer], default_options={"y_coord_down": True}))


def shown_columns(served: Served) -> list[str]:
    """What a tile carries unless asked otherwise."""
    return tile_columns(served.edition.collection(COLLECTION))


def timed(encode: Encode, seconds: float, at_least: int = 3) -> tuple[float, float, int]:
    """Median seconds of one call, by the clock and of this process, over some seconds; and the bytes it made."""
    times: list[tuple[float, float]] = []
    made = encode()
    until = time.perf_counter() + seconds
    while len(times) < at_least or time.perf_counter() < until:
        began, busy = time.perf_counter(), time.process_time()
        encode()
        times.append((time.perf_counter() - began, time.process_time() - busy))
    clock, cpu = (median(one) for one in zip(*times, strict=True))
    return clock, cpu, made if isinstance(made, int) else len(made)


def _text(value: Any) -> str:
    return "\\N" if value is None else repr(value) if isinstance(value, float) else str(value)
