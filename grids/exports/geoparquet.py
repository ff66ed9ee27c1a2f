"""GeoParquet 1.1: the public table with its polygons in the region's CRS and a bbox column, piece by piece."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from grids.exports.labels import record_text
from grids.exports.public_table import PublicTable
from grids.tables import ROW_GROUP, with_geometry


def write_geoparquet(table: PublicTable, path: Path) -> None:
    """Write a table as GeoParquet; the columns of the public table come first, bit for bit.

    The file's metadata has `geo`, and `carbonmap` (JSON): labels, and unit and meaning of every column.
    """
    writer: pq.ParquetWriter | None = None
    try:
        for rows, polygons in table.pieces():
            piece = with_geometry(rows, polygons, table.edition.crs)
            if writer is None:
                writer = _writer(path, piece.schema.with_metadata(_metadata(table, piece)))
            writer.write_table(piece.replace_schema_metadata(writer.schema.metadata), row_group_size=ROW_GROUP)
    finally:
        if writer is not None:
            writer.close()


def _metadata(table: PublicTable, piece: pa.Table) -> dict[str, str]:
    """What stands in the footer: what the first piece says of its geometry, corrected to hold for all of them."""
    geo = json.loads(piece.schema.metadata[b"geo"])
    [column] = geo["columns"].values()
    column["geometry_types"] = ["MultiPolygon", "Polygon"] if table.collection.kind == "zones" else ["Polygon"]
    if table.bounds is not None:
        column["bbox"] = list(table.bounds)
    columns = {
        described.name: {"unit": described.unit, "label": described.label, "meaning": described.meaning}
        for described in table.columns
    }
    about = record_text(table.edition, collection=table.collection.id, year=table.year, columns=columns)
    return {"geo": json.dumps(geo, sort_keys=True, separators=(",", ":")), "carbonmap": about}


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    words = [field.name for field in schema if pa.types.is_string(field.type) and field.name != "id"]
    return pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=3, use_dictionary=words, write_page_checksum=True
    )
