"""Pages of rows as files: CSV, FlatGeobuf, GeoParquet and Arrow, with the labels that stand beside every number."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely

from api.crs import Reference
from api.geometries import flipped
from grids.exports.csv_table import CSV_TAGS
from grids.exports.formulas import harmless, harmless_rows
from grids.projections import LONLAT
from grids.tables import GEOMETRY, Geometries, with_geometry


@dataclass(frozen=True)
class Sheet:
    """What is written.

    Attributes:
        name: of the collection.
        rows: the columns to write.
        shapes: (n,) polygons in `crs`, x before y; none to leave them out.
        many_parts: a row may have several polygons; then all are multipolygons, so that pages have one type.
        crs: of the shapes.
        labels: edition, synthetic, illustrative, attributions.
        tags: the same as short texts, for CSV.
    """

    name: str
    rows: pa.Table
    shapes: Geometries | None
    many_parts: bool
    crs: Reference
    labels: Mapping[str, Any]
    tags: Mapping[str, str]


def csv_bytes(sheet: Sheet) -> bytes:
    """Write RFC 4180 CSV in UTF-8; geometry is WKT in the CRS's order of axes, unknown is empty.

    Texts that a spreadsheet would run as a formula begin with an apostrophe.
    """
    names = sheet.rows.column_names
    columns = [_cells(column) for column in harmless_rows(sheet.rows).columns]
    count = sheet.rows.num_rows
    beside = {name: harmless(sheet.tags[name]) for name in CSV_TAGS}
    names = [*names, *beside]
    columns += [[value] * count for value in beside.values()]
    if sheet.shapes is not None:
        shapes = flipped(sheet.shapes) if sheet.crs.flipped else sheet.shapes
        names.append(GEOMETRY)
        columns.append(list(shapely.to_wkt(shapes, rounding_precision=-1)))
    out = io.StringIO()
    writer = csv.writer(out)  # ends lines with CR LF
    writer.writerow(names)
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue().encode()


def flatgeobuf_bytes(sheet: Sheet) -> bytes:
    """Write FlatGeobuf without its index, which would change the order of rows."""
    shapes, kind = sheet.shapes, "None"
    rows = sheet.rows
    if shapes is not None:
        kind = "Polygon"
        if sheet.many_parts:
            shapes, kind = _multi(shapes), "MultiPolygon"
        rows = rows.append_column(GEOMETRY, _wkb(shapes))
    out = io.BytesIO()
    pyogrio.write_arrow(
        rows,
        out,
        driver="FlatGeobuf",
        layer=sheet.name,
        geometry_name=GEOMETRY if shapes is not None else None,
        geometry_type=kind,
        crs=sheet.crs.code if shapes is not None else None,
        SPATIAL_INDEX="NO",
        TITLE=sheet.name,
        DESCRIPTION=orjson.dumps(sheet.labels).decode(),
    )
    return out.getvalue()


def geoparquet_bytes(sheet: Sheet) -> bytes:
    """Write GeoParquet 1.1; coordinates are x before y, as that format wants them whatever the CRS says."""
    table = sheet.rows
    if sheet.shapes is not None:
        table = with_geometry(table, sheet.shapes, _code(sheet.crs))
    out = pa.BufferOutputStream()
    pq.write_table(_labelled(table, sheet), out, compression="zstd")
    return bytes(out.getvalue())


def arrow_bytes(sheet: Sheet) -> bytes:
    """Write an Arrow IPC stream; geometry is a `geoarrow.wkb` column that names its CRS."""
    table = sheet.rows
    if sheet.shapes is not None:
        crs = orjson.dumps({"crs": _code(sheet.crs), "crs_type": "authority_code"})
        field = pa.field(
            GEOMETRY,
            pa.binary(),
            metadata={"ARROW:extension:name": b"geoarrow.wkb", "ARROW:extension:metadata": crs},
        )
        table = table.append_column(field, _wkb(sheet.shapes))
    table = _labelled(table, sheet)
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return bytes(out.getvalue())


def _labelled(table: pa.Table, sheet: Sheet) -> pa.Table:
    metadata = {**(table.schema.metadata or {}), b"carbonmap": orjson.dumps(sheet.labels)}
    return table.replace_schema_metadata(metadata)


def _code(crs: Reference) -> str:
    return "OGC:CRS84" if crs.code == LONLAT else crs.short


def _wkb(shapes: Geometries) -> pa.Array:
    return pa.array(shapely.to_wkb(shapes, output_dimension=2, byte_order=1), type=pa.binary())


def _multi(shapes: Geometries) -> Geometries:
    parts, owner = shapely.get_parts(shapes, return_index=True)
    return np.asarray(shapely.multipolygons(parts, indices=owner), dtype=object)


def _cells(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_boolean(column.type):
        return [None if value is None else _plain(value) for value in column.to_pylist()]
    return list(column.to_pylist())


def _plain(value: bool) -> str:
    return "true" if value else "false"
