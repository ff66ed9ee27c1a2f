"""GeoPackage 1.4: one layer of polygons with units, meanings and labels inside, and no clock."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyogrio
import shapely

from grids.exports import labels
from grids.exports.public_table import PublicTable
from grids.tables import GEOMETRY, Geometries

_SCHEMA_EXTENSION = "http://www.geopackage.org/spec121/#extension_schema"


def write_geopackage(table: PublicTable, path: Path) -> None:
    """Write a table as a GeoPackage with one layer named after the collection.

    Values are those of the public table, bit for bit. Dates that the format asks for say the end of the table's year.
    """
    edition, layer = table.edition, table.collection.id
    kind = "MultiPolygon" if table.collection.kind == "zones" else "Polygon"
    pyogrio.write_arrow(
        _stream(table, kind),
        path,
        layer=layer,
        driver="GPKG",
        geometry_name=GEOMETRY,
        geometry_type=kind,
        crs=edition.crs,
        layer_metadata=labels.tags(edition),
        dataset_options={"VERSION": "1.4"},
        layer_options={
            "IDENTIFIER": labels.title(edition, layer, table.year),
            "DESCRIPTION": labels.statement(edition),
            "GEOMETRY_NAME": GEOMETRY,
        },
    )
    with closing(sqlite3.connect(path)) as database, database:
        _describe_columns(database, table)
        _stop_the_clock(database, f"{table.year}-12-31T00:00:00.000Z")


def _stream(table: PublicTable, kind: str) -> pa.RecordBatchReader:
    """The rows with their polygons as WKB, of one geometry type, batch by batch."""
    pieces = (_with_wkb(rows, polygons, kind) for rows, polygons in table.pieces())
    first = next(pieces)

    def batches() -> Iterator[pa.RecordBatch]:
        yield from first.to_batches()
        for piece in pieces:
            yield from piece.to_batches()

    return pa.RecordBatchReader.from_batches(first.schema, batches())


def _with_wkb(rows: pa.Table, polygons: Geometries, kind: str) -> pa.Table:
    if kind == "MultiPolygon":
        single = shapely.get_type_id(polygons) == shapely.GeometryType.POLYGON
        polygons = polygons.copy()
        polygons[single] = shapely.multipolygons(polygons[single][:, None])
    wkb = pa.array(shapely.to_wkb(polygons, output_dimension=2, byte_order=1), type=pa.binary())
    field = pa.field(GEOMETRY, pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"})
    return rows.append_column(field, wkb)


def _describe_columns(database: sqlite3.Connection, table: PublicTable) -> None:
    """Say label, unit and meaning of each column in `gpkg_data_columns` (the schema extension)."""
    database.execute(
        "CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, "
        "description TEXT, mime_type TEXT, constraint_name TEXT, "
        "CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name))"
    )
    database.execute(
        "CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, "
        "value TEXT, min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT, "
        "CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))"
    )
    database.executemany(
        "INSERT INTO gpkg_extensions (table_name, column_name, extension_name, definition, scope) "
        "VALUES (?, NULL, 'gpkg_schema', ?, 'read-write')",
        [(name, _SCHEMA_EXTENSION) for name in ("gpkg_data_columns", "gpkg_data_column_constraints")],
    )
    database.executemany(
        "INSERT INTO gpkg_data_columns (table_name, column_name, title, description) VALUES (?, ?, ?, ?)",
        [
            (
                table.collection.id,
                column.name,
                f"{column.label['en']}{f' [{column.unit}]' if column.unit else ''}",
                json.dumps({"unit": column.unit, "meaning": column.meaning}, ensure_ascii=False),
            )
            for column in table.columns
        ],
    )


def _stop_the_clock(database: sqlite3.Connection, moment: str) -> None:
    """Replace the times at which the writer happened to run: equal editions give equal bytes."""
    database.execute("UPDATE gpkg_contents SET last_change = ?", (moment,))
    database.execute("UPDATE gpkg_metadata_reference SET timestamp = ?", (moment,))
