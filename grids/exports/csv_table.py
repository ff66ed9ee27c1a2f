"""CSV (RFC 4180, UTF-8, shortest digits that give the same double) with its description (CSV on the Web, W3C)."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from grids.columns import Column
from grids.exports import labels
from grids.exports.formulas import harmless_rows
from grids.exports.public_table import PublicTable

CSV_TAGS = ("edition", "synthetic", "illustrative", "attribution")
"""What stands beside the numbers of every row, also in pages of items: columns of these names, of `labels.tags`."""

_DATATYPES = {"string": "string", "float64": "double", "int16": "integer", "int32": "integer", "bool": "boolean"}


def write_csv(table: PublicTable, path: Path) -> None:
    """Write a table: the public columns, `lon` and `lat` of a point inside each row's polygon, and the labels.

    An unknown value is empty. A text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    said = labels.tags(table.edition)
    writer: pyarrow.csv.CSVWriter | None = None
    try:
        for rows, polygons in table.pieces():
            for name, values in zip(("lon", "lat"), table.centres(polygons), strict=True):
                rows = rows.append_column(name, pa.array(values))
            for name in CSV_TAGS:
                rows = rows.append_column(name, pa.array([said[name]] * len(rows), type=pa.string()))
            if writer is None:
                options = pyarrow.csv.WriteOptions(quoting_style="needed")
                writer = pyarrow.csv.CSVWriter(path, rows.schema, write_options=options)
            writer.write_table(harmless_rows(rows))
    finally:
        if writer is not None:
            writer.close()


def describe_csv(table: PublicTable, name: str) -> dict[str, Any]:
    """Return the CSV on the Web metadata of a file: what its columns are, whose data it is, what to be wary of.

    Args:
        table: what the file holds.
        name: the file's name, beside which the description stands.
    """
    edition = table.edition
    added = [
        ("lon", "number", "deg", "Longitude (WGS 84) of a point inside the row's polygon"),
        ("lat", "number", "deg", "Latitude (WGS 84) of a point inside the row's polygon"),
        ("edition", "string", "", "Edition the number is of"),
        ("synthetic", "boolean", "", "Whether every number is invented"),
        ("illustrative", "string", "", "Sectors whose numbers rest on assumptions, or none"),
        ("attribution", "string", "", "Whose data it rests on, and under which licence"),
    ]
    columns = [_column(column) for column in table.columns]
    columns += [
        {"name": title, "titles": title, "datatype": datatype, "dc:description": meaning, **_unit(unit)}
        for title, datatype, unit, meaning in added
    ]
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": name,
        "dc:title": labels.title(edition, table.collection.id, table.year),
        "dc:description": labels.statement(edition),
        "dc:identifier": edition.id,
        "dc:license": [given.licence for given in edition.region.attributions if given.licence],
        "dc:source": [labels.attribution_text(given) for given in edition.region.attributions],
        "dialect": {"encoding": "utf-8", "lineTerminators": ["\n"], "header": True},
        "tableSchema": {"columns": columns, "primaryKey": ["id"]},
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": re.sub(r"[^A-Za-z0-9_]", "_", column.name),
        "titles": column.name,
        "datatype": _DATATYPES[column.type],
        "required": not column.nullable,
        "dc:title": dict(column.label),
        "dc:description": dict(column.meaning),
        **_unit(column.unit),
    }


def _unit(unit: str) -> dict[str, str]:
    return {"schema:unitText": unit} if unit else {}
