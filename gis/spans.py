"""A large source in parts: which row groups of a GeoParquet file are read together, so that memory stays bounded."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gis.errors import ColumnMissing, did_you_mean, listed
from gis.files import file_kind
from gis.raw import Span, require_columns
from gis.sources import Source
from gis.vector import parquet_geometry

ROWS_AT_ONCE = 200_000
"""Features of a part, about: row groups are never cut. Depends on nothing else, so that parts are the same anywhere."""


def spans_of(source: Source, path: Path) -> tuple[Span | None, ...]:
    """How a source is read: `(None,)` as a whole, or in spans of row groups.

    In parts go GeoParquet files of more than `ROWS_AT_ONCE` features that may be told apart without looking at all of
    them at once: their ids (where they have a column of them) are unique texts or whole numbers.

    Raises:
        UnreadableFile: a Parquet file that is damaged, or without GeoParquet's metadata.
    """
    if source.is_raster or file_kind(path) != "parquet":
        return (None,)
    file, _, _ = parquet_geometry(path)
    if file.metadata.num_rows <= ROWS_AT_ONCE or not _ids_are_unique(file, source.columns.get("id")):
        return (None,)
    spans: list[Span | None] = []
    first_group, first_row, row = 0, 0, 0
    for group in range(file.metadata.num_row_groups):
        row += file.metadata.row_group(group).num_rows
        if row - first_row >= ROWS_AT_ONCE or group == file.metadata.num_row_groups - 1:
            spans.append(Span(first_group, group + 1, first_row))
            first_group, first_row = group + 1, row
    return tuple(spans)


def keys_in_file(source: Source, path: Path, ours: str) -> pa.ChunkedArray:
    """(n,) what a column of ours holds, of every feature of a GeoParquet file; ids without a column are numbers.

    Raises:
        ColumnMissing: the source names no such column.
    """
    file, _, _ = parquet_geometry(path)
    theirs = source.columns.get(ours)
    if theirs is None and ours == "id":
        return pa.chunked_array([pa.array(np.arange(file.metadata.num_rows))])
    if theirs is None:
        known = list(dict.fromkeys(["id", *source.columns]))
        raise ColumnMissing(
            f"joins: on: {ours!r} is no column of source {source.id}; it has: {listed(known)}."
            f"{did_you_mean(ours, known)}"
        )
    require_columns((theirs,), file.schema_arrow.names, path.name)
    return file.read(columns=[theirs])[theirs]


def _ids_are_unique(file: pq.ParquetFile, column: str | None) -> bool:
    if column is None:
        return True  # numbered by their place in the file
    if column not in file.schema_arrow.names:
        return False  # whoever reads it says so
    ids = file.read(columns=[column])[column]
    if pa.types.is_dictionary(ids.type):
        ids = ids.cast(ids.type.value_type)
    if pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type):
        ids = pc.utf8_trim_whitespace(ids)
    elif not pa.types.is_integer(ids.type):
        return False
    return bool(ids.null_count == 0 and len(pc.unique(ids)) == len(ids))
