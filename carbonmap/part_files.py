"""Files of parts: Arrow's own format, mapped into memory when read, since only the build that wrote them reads them."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from grids.identity import file_digest


def write_part_file(table: pa.Table, path: Path, *, compressed: bool = False) -> str:
    """Write a table and return the SHA-256 of its file.

    Args:
        table: (n,) rows; one record batch, so that what is read is one piece.
        path: a new file.
        compressed: for numbers that repeat each other, which lz4 packs faster than the disk takes them as they are.
    """
    options = pa.ipc.IpcWriteOptions(compression="lz4" if compressed else None)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table.combine_chunks())
    return file_digest(path)


def read_part_file(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table, or some columns of it; what is not compressed stays in the file until it is looked at."""
    with pa.memory_map(str(path)) as source:
        options = None
        if columns is not None:
            with pa.ipc.open_file(source) as reader:
                options = pa.ipc.IpcReadOptions(included_fields=[reader.schema.get_field_index(n) for n in columns])
        with pa.ipc.open_file(source, options=options) as reader:
            table = reader.read_all()
    return table if columns is None else table.select(list(columns))


def part_file_schema(path: Path) -> pa.Schema:
    """Names and types of a file's columns."""
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        return reader.schema
