"""Tables in blocks of rows: Parquet and CSV as they are read, XLSX from memory; and what their columns hold."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gis.csv_blocks import TextTable, survey
from gis.csv_kernels import read_plain
from gis.errors import BadValue, EmptyLayer, LayerMissing, UnknownFormat, UnreadableFile, listed
from gis.files import file_kind
from gis.key_index import bytes_of, read_only
from gis.layers import Unparsable
from gis.meter_kernels import mark_codes
from gis.parquet_files import open_parquet, told_by_row_group
from gis.raw import require_columns
from gis.tables import read_table
from gis.values import numbers, texts

Column: TypeAlias = "pa.Array | NDArray[np.object_]"
"""Values of one column in a block: as Parquet holds them, or text and cells; missing as null or None."""

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]

_BLOCK_ROWS = 1 << 20
_GROUP_BYTES = 256 << 20
_CLOSE = 1 << 12
"""Whole numbers of fewer different values are told apart by their distance from the smallest."""
_REPEATED_BYTES = 3
"""A key column of fewer bytes per row repeats its keys: its row groups hold each of them once, with codes."""


@dataclass(frozen=True)
class Block:
    """Some rows of a table."""

    rows: int
    columns: Mapping[str, Column]

    def take(self, keep: NDArray[np.bool_]) -> "Block":
        """The rows of a mask."""
        if keep.all():
            return self
        mask = pa.array(keep)
        columns = {
            name: column.filter(mask) if isinstance(column, pa.Array) else column[keep]
            for name, column in self.columns.items()
        }
        return Block(int(keep.sum()), columns)


@dataclass(frozen=True)
class BlockTable:
    """A table that can be walked through, block by block, as often as needed."""

    name: str
    rows: int
    encoding: str
    any_comma: bool
    """Whether any comma in a number is suspect (`gis.tables.Table`)."""
    whole_keys: bool
    """Whether the key column holds whole numbers, as numbers."""
    blocks: Callable[[], Iterator[Block]]


def open_table(path: Path, key: str, others: Sequence[str], sheet: str | None, encoding: str | None) -> BlockTable:
    """Open a table of any format.

    Args:
        path: .csv, .tsv, .txt, .xlsx or .parquet.
        key: column of the keys.
        others: further columns that are needed.
        sheet: of an XLSX file.
        encoding: of a CSV file.

    Raises:
        UnknownFormat, ColumnMissing, EmptyLayer, UnreadableFile, WrongEncoding, LayerMissing, BadValue.
    """
    wanted = tuple(dict.fromkeys([key, *others]))
    kind = file_kind(path)
    if kind == "parquet":
        if sheet is not None:
            raise LayerMissing(
                f"{path.name}: a Parquet table has no sheets; drop layer: {sheet} from the join in the region file"
            )
        return _open_parquet(path, key, wanted)
    if kind != "table":
        raise UnknownFormat(f"{path.name} is no table; expected .csv, .tsv, .txt, .xlsx or .parquet")
    if path.suffix.lower() != ".xlsx" and (text := survey(path, encoding)) is not None:
        require_columns(wanted, text.names, path.name)
        blocks = partial(_text_blocks, text, wanted)
        return BlockTable(path.name, text.rows, text.encoding, text.delimiter == ";", False, blocks)
    table = read_table(path, sheet, encoding)
    require_columns(wanted, [str(column) for column in table.rows.columns], path.name)
    blocks = partial(_frame_blocks, table.rows[list(wanted)])
    return BlockTable(path.name, len(table.rows), table.encoding, table.any_comma, False, blocks)


def _text_blocks(text: TextTable, wanted: Sequence[str]) -> Iterator[Block]:
    for batch in text.blocks(wanted):
        yield Block(batch.num_rows, {name: batch.column(name) for name in wanted})


def _frame_blocks(frame: pd.DataFrame) -> Iterator[Block]:
    for begin in range(0, len(frame), _BLOCK_ROWS):
        some = frame.iloc[begin : begin + _BLOCK_ROWS]
        yield Block(len(some), {str(name): some[name].to_numpy(dtype=object) for name in some.columns})


def _open_parquet(path: Path, key: str, wanted: Sequence[str]) -> BlockTable:
    try:
        file = open_parquet(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as problem:
        raise _unreadable(path, problem) from problem
    with file:
        schema, metadata = file.schema_arrow, file.metadata
        repeated = sorted({name for name in schema.names if schema.names.count(name) > 1})
        if repeated:
            raise BadValue(
                f"{path.name} has several columns named {listed(map(repr, repeated))}; expected unique names"
            )
        require_columns(tuple(wanted), list(schema.names), path.name)
        for name in wanted:
            if pa.types.is_nested(schema.field(name).type):
                raise BadValue(
                    f"{path.name}, column {name!r} holds {schema.field(name).type}; expected one value per row"
                )
        if metadata.num_rows != sum(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)):
            raise _unreadable(path, ValueError("its row groups do not have as many rows as it says"))
        if not metadata.num_rows:
            raise EmptyLayer(f"{path.name} has columns and no rows")
        coded = [name for name in wanted if _is_text(schema.field(name).type)]
        if not _is_repeated(metadata, schema.names.index(key)):
            coded = [name for name in coded if name != key]
        kind = schema.field(key).type
        whole = pa.types.is_integer(kind) and kind != pa.uint64()
        blocks = partial(_parquet_blocks, path, tuple(wanted), tuple(coded))
        return BlockTable(path.name, metadata.num_rows, "UTF-8", False, whole, blocks)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_repeated(metadata: pq.FileMetaData, column: int) -> bool:
    """Whether a column's row groups hold each text once; only a matter of speed."""
    chunks = [metadata.row_group(group).column(column) for group in range(metadata.num_row_groups)]
    stored = sum(chunk.total_uncompressed_size for chunk in chunks)
    return bool(stored < _REPEATED_BYTES * metadata.num_rows)


def _parquet_blocks(path: Path, wanted: Sequence[str], coded: Sequence[str]) -> Iterator[Block]:
    """Blocks in file order; the next one is read while the caller works on this one."""
    with (
        told_by_row_group(path, wanted),
        open_parquet(path, read_dictionary=list(coded)) as file,
        ThreadPoolExecutor(1) as ahead,
    ):
        batches = _batches(file, list(wanted))
        waiting = ahead.submit(next, batches, None)
        while (batch := waiting.result()) is not None:
            waiting = ahead.submit(next, batches, None)
            yield Block(batch.num_rows, {name: batch.column(name) for name in wanted})


def _batches(file: pq.ParquetFile, wanted: list[str]) -> Iterator[pa.RecordBatch]:
    for group in range(file.num_row_groups):
        if file.metadata.row_group(group).total_byte_size > _GROUP_BYTES:
            batches = file.iter_batches(_BLOCK_ROWS, row_groups=[group], columns=wanted)
        else:  # faster: columns are read side by side
            batches = file.read_row_group(group, columns=wanted).to_batches(_BLOCK_ROWS)
        for batch in batches:
            batch.validate(full=True)  # a damaged page may hold what is no text
            yield batch


def _unreadable(path: Path, problem: Exception) -> UnreadableFile:
    words = str(problem).strip().splitlines() or [type(problem).__name__]
    return UnreadableFile(f"{path.name} cannot be read as Parquet ({words[0][:200]}); it is damaged or truncated")


@dataclass(frozen=True)
class Coded:
    """A column of few distinct values, each of which needs to be looked at only once.

    Attributes:
        codes: (n,) place of each row's value in `words`.
        words: values as `gis.values.texts` writes them, None: missing; the same word may stand at several places.
        occurring: (words,) whether any row has it: rows that were filtered out may have left words that none has.
    """

    codes: Codes
    words: list[str | None]
    occurring: NDArray[np.bool_]


def coded(values: Column) -> Coded:
    """A column's distinct texts, and which of them each row has."""
    words: list[str | None]
    if isinstance(values, pa.Array):
        indices, distinct = _indices(values)
        words = list(texts(np.array(distinct.to_pylist() or [None], dtype=object)))
        if indices.null_count:
            indices = indices.fill_null(len(words))
            words.append(None)
        codes: Codes = indices.to_numpy(zero_copy_only=False)
    else:
        found, uniques = pd.factorize(texts(values), use_na_sentinel=False)
        words = [None if pd.isna(text) else str(text) for text in uniques]
        codes = found.astype(np.int32)
    occurring = np.zeros(len(words), dtype=np.bool_)
    mark_codes(read_only(codes), occurring)
    return Coded(codes, words, occurring)


def _indices(values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """(n,) int32 places in an array of the values that there are, null where there is none."""
    kind = values.type
    if pa.types.is_timestamp(kind):
        values, kind = values.cast(pa.date32(), safe=False), pa.date32()
    if pa.types.is_integer(kind) or pa.types.is_date32(kind):  # months and years lie close: no need to look for each
        whole = values.cast(pa.int32()) if kind.bit_width <= 32 and kind != pa.uint32() else values
        low, high = (end.as_py() for end in pc.min_max(whole).values())
        if low is not None and high - low < _CLOSE:
            distinct = pa.array(range(low, high + 1), whole.type).cast(kind)
            return pc.subtract(whole, pa.scalar(low, whole.type)).cast(pa.int32()), distinct
    if not pa.types.is_dictionary(kind):
        values = values.dictionary_encode()
    return values.indices.cast(pa.int32()), values.dictionary


def as_objects(values: Column) -> NDArray[np.object_]:
    """A column as Python objects, missing as None."""
    if not isinstance(values, pa.Array):
        return values
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_decimal(values.type):
        values = values.cast(pa.string())
    return np.array(values.to_pylist() or [], dtype=object)


def amounts(values: Column, ours: str, where: str, any_comma: bool) -> tuple[Floats, Unparsable]:
    """A column as numbers, NaN where missing or unreadable; see `gis.values.numbers`, which refuses decimal commas."""
    if isinstance(values, pa.Array) and (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        read = values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
        endless = np.isinf(read)
        if not endless.any():
            return read, Unparsable()
        examples = sorted(str(value) for value in np.unique(read[endless]))
        return np.where(endless, np.nan, read), Unparsable(int(endless.sum()), examples)
    if isinstance(values, pa.Array) and pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if not isinstance(values, pa.Array) or not _is_text(values.type) or ours == "year_built":
        return numbers(as_objects(values), ours, where, refuse_commas=True, any_comma=any_comma)
    read, plain = np.empty(len(values)), np.empty(len(values), dtype=np.bool_)
    read_plain(*bytes_of(values), read, plain)
    if values.null_count:
        plain &= values.is_valid().to_numpy(zero_copy_only=False)
    others = np.flatnonzero(~plain)
    given = as_objects(values.take(pa.array(others)))
    read[others], bad = numbers(given, ours, where, refuse_commas=True, any_comma=any_comma)
    return read, bad
