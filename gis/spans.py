"""A large source in parts: which rows of a GeoParquet file are read together, so that memory stays bounded."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gis.encodings import check_utf8
from gis.errors import ColumnMissing, did_you_mean, listed
from gis.files import file_kind
from gis.parquet_files import told_by_row_group
from gis.raw import Span, require_columns
from gis.sources import Source
from gis.vector import parquet_geometry

ROWS_AT_ONCE = 200_000
"""Features of a part, about. Depends on nothing else, so that parts are the same anywhere."""
BYTES_AT_ONCE = 64 << 20
"""Bytes of a part before compression, about: those of 200,000 buildings two times over, or of 35,000 stands."""


_LARGEST_PART = 1.5


def spans_of(source: Source, path: Path) -> tuple[Span | None, ...]:
    """How a source is read: `(None,)` as a whole, or in spans of rows.

    In parts go GeoParquet files of more than `ROWS_AT_ONCE` features, or `BYTES_AT_ONCE`, that may be told
    apart without looking at all of them at once: their ids (where they have a column of them) are unique texts or whole
    numbers. Spans end where row groups do; a row group that is larger by half than a part is cut into equal pieces.

    Raises:
        UnreadableFile: a Parquet file that is damaged, or without GeoParquet's metadata.
    """
    if source.is_raster or file_kind(path) != "parquet":
        return (None,)
    file, _, _ = parquet_geometry(path)
    pieces = _pieces(file)
    size = sum(piece.size for piece in pieces)
    is_small = file.metadata.num_rows <= ROWS_AT_ONCE and size <= BYTES_AT_ONCE
    if is_small or not _ids_are_unique(file, source.columns.get("id"), path):
        return (None,)
    spans: list[Span | None] = []
    first, row, filled = 0, 0, 0
    for piece in pieces:
        row, filled = row + piece.rows, filled + piece.size
        is_full = piece.is_cut or row - first >= ROWS_AT_ONCE or filled >= BYTES_AT_ONCE
        if is_full or row == file.metadata.num_rows:
            spans.append(Span(first, row))
            first, filled = row, 0
    return tuple(spans)


class _Piece(NamedTuple):
    """Rows that are read together, a row group or an equal part of a large one, and their bytes before compression."""

    rows: int
    size: int
    is_cut: bool


def _pieces(file: pq.ParquetFile) -> list[_Piece]:
    pieces: list[_Piece] = []
    for group in map(file.metadata.row_group, range(file.metadata.num_row_groups)):
        if not group.num_rows:
            continue
        size = group.total_byte_size
        parts = max(group.num_rows / ROWS_AT_ONCE, size / BYTES_AT_ONCE)
        several = 1 if parts <= _LARGEST_PART else min(math.ceil(parts), group.num_rows)
        ends = [group.num_rows * (piece + 1) // several for piece in range(several)]
        begins = [0, *ends[:-1]]
        pieces += [_Piece(end - begin, size // several, several > 1) for begin, end in zip(begins, ends, strict=True)]
    return pieces


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
    with told_by_row_group(path, [theirs]):
        return file.read(columns=[theirs])[theirs]


def _ids_are_unique(file: pq.ParquetFile, column: str | None, path: Path) -> bool:
    if column is None:
        return True  # numbered by their place in the file
    if column not in file.schema_arrow.names:
        return False  # whoever reads it says so
    with told_by_row_group(path, [column]):
        table = file.read(columns=[column])
    check_utf8(table, [column], path.name)
    ids = table[column]
    if pa.types.is_dictionary(ids.type):
        ids = ids.cast(ids.type.value_type)
    if pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type):
        ids = pc.utf8_trim_whitespace(ids)
    elif not pa.types.is_integer(ids.type):
        return False
    return bool(ids.null_count == 0 and len(pc.unique(ids)) == len(ids))
