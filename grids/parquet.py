"""How tables of an edition lie in Parquet files: encodings by kind of column, no clock: equal tables, equal bytes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from grids.tables import ROW_GROUP


@dataclass(frozen=True)
class Layout:
    """How the columns of a table are written.

    Words are numbered by a dictionary, ids are not: they never repeat. lz4 is read and written about twice as fast as
    zstd and takes a fifth more room.

    Attributes:
        row_group: rows that are read together.
        looked_up: columns whose smallest and largest value stand in the footer; None for all of them.
        packed: integers as differences and numbers byte by byte, which makes what hardly repeats smaller. Sums in
            cells, which repeat and are often 0, get larger by it.
    """

    row_group: int
    looked_up: tuple[str, ...] | None
    packed: bool

    def properties(self, schema: pa.Schema) -> dict[str, Any]:
        """What pyarrow's writer is told of a table with these columns."""
        words = [field.name for field in schema if _is_word(field)]
        looked_up: bool | list[str] = True
        if self.looked_up is not None:
            looked_up = [name for name in self.looked_up if name in schema.names] or False
        packed = {field.name: _PACKED[kind] for field in schema for kind in _PACKED if kind(field.type)}
        return {
            "compression": "lz4",
            "write_page_checksum": True,
            "version": "2.6",
            "data_page_version": "1.0",
            "write_statistics": looked_up,
            "use_dictionary": words,
            "column_encoding": packed if self.packed else None,
            "write_page_index": False,
        }


_PACKED = {pa.types.is_integer: "DELTA_BINARY_PACKED", pa.types.is_floating: "BYTE_STREAM_SPLIT"}

PUBLIC = Layout(row_group=ROW_GROUP, looked_up=None, packed=False)
"""Tables that tiles and pages are read from."""

PRIVATE = Layout(row_group=16_384, looked_up=("target", "feature", "year"), packed=True)
"""Tables that receipts and scenarios are read from, by the columns they stand in order of."""


class TableWriter:
    """Writes a table piece by piece; the file is there from the first one. Row groups end with a piece."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self._layout = layout
        self._writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Write the next rows; the first ones say which columns there are.

        Raises:
            OSError: the disk is full, or the file cannot be made.
        """
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, table.schema, **self._layout.properties(table.schema))
        self._writer.write_table(table, row_group_size=self._layout.row_group)

    def close(self) -> None:
        """End the file; once is enough."""
        if self._writer is not None:
            self._writer.close()


def _is_word(field: pa.Field) -> bool:
    kind = field.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return bool(pa.types.is_dictionary(kind) or (is_text and field.name != "id"))
