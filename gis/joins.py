"""Joining tables of meters and attributes to features by key; keys that match nothing are counted on both sides.

Tables are walked through block by block. What is kept is a number for each key and one sum (or value) for each key and
column: 7 million buildings with 36 readings each need a few hundred megabytes, however the table's rows are ordered.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import TypeAdapter

from gis.errors import BadValue, ColumnMissing, did_you_mean, listed
from gis.files import input_file
from gis.key_index import KeyIndex
from gis.layers import JoinReport
from gis.meter_readings import Readings, columns_needed, readings_of_block, rows_with_keys
from gis.meter_sums import MeterSums
from gis.raw import Progress
from gis.sealed_files import is_sealed, write_sealed
from gis.sources import Join
from gis.table_blocks import Block, open_table
from gis.wide_columns import Values, WideColumns, both_unparsable

_BATCH_ROWS = 1 << 16
_REPORT, _FEATURES = b"carbonmap.join", b"carbonmap.features"


def join_table(
    features: pd.DataFrame, join: Join, inputs: Path, progress: Progress | None = None
) -> tuple[pd.DataFrame, JoinReport]:
    """Columns of one joined table, aligned with the features.

    Args:
        features: the layer's columns (ours), one row per feature.
        join: what the region file says.
        inputs: folder of the input files.
        progress: called with a text and the fraction done.

    Returns:
        A frame with the features' index and the joined columns (null where the table knows nothing), and the report.

    Raises:
        FileMissing, UnknownFormat, ColumnMissing, DuplicateIds (a wide table's key stands twice), BadValue,
        WrongEncoding, UnreadableFile, EmptyLayer.
    """
    if join.on not in features.columns:
        input_file(inputs, join.file)
        raise ColumnMissing(
            f"joins: {join.file}: on: {join.on!r} is no column of the layer; it has: "
            f"{listed(features.columns)}.{did_you_mean(join.on, features.columns)}"
        )
    made = _Joined(features[join.on], join, inputs, Path(gettempdir()), progress)
    return _frame(made.columns.columns(made.keys), features.index), made.report


@dataclass(frozen=True)
class JoinedTable:
    """A table joined to all features of a source, in a file of its own: parts of the source take their rows of it.

    It is no more than a path, so that it may be handed to other processes.

    Attributes:
        path: an Arrow file, a column per joined column, rows in the order of the ids it was made for.
    """

    path: Path

    @classmethod
    def make(cls, ids: Any, join: Join, inputs: Path, path: Path, progress: Progress | None = None) -> "JoinedTable":
        """Join a table to the features of a source.

        Args:
            ids: (n,) what `join.on` holds, of every feature in file order: an Arrow array or chunked array, an array or
                a series; null: matches nothing; the same one several times: each gets the values.
            join: what the region file says.
            inputs: folder of the input files.
            path: file to write, whole or not at all; its folder also takes what does not fit in memory.
            progress: called with a text and the fraction done.

        Raises:
            As `join_table`.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        made = _Joined(ids, join, inputs, path.parent, progress)
        none = made.columns.columns(made.keys[:0])
        kinds = {ours: pa.string() if values.dtype == object else pa.float64() for ours, values in none.items()}
        report = json.dumps(asdict(made.report), ensure_ascii=False, allow_nan=False)
        schema = pa.schema(list(kinds.items()), metadata={_REPORT: report, _FEATURES: str(len(made.keys))})

        def write(fresh: Path) -> None:
            with pa.OSFile(str(fresh), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                for begin in range(0, len(made.keys) if kinds else 0, _BATCH_ROWS):
                    values = made.columns.columns(made.keys[begin : begin + _BATCH_ROWS])
                    arrays = [pa.array(values[ours], type=kind) for ours, kind in kinds.items()]
                    writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))

        write_sealed(path, write)
        return cls(path)

    @property
    def is_whole(self) -> bool:
        """Whether the file is there as it was written; one that is not is made anew."""
        return is_sealed(self.path)

    @property
    def report(self) -> JoinReport:
        """What became of the table."""
        return TypeAdapter(JoinReport).validate_json(self._file().schema.metadata[_REPORT])

    def rows(self, first: int, last: int) -> pd.DataFrame:
        """The joined columns of the features at positions `first` up to, not including, `last`; index: positions.

        Numbers are float64 (NaN: unknown), texts object (None: unknown). Only these rows are read.

        Raises:
            IndexError: positions that the source does not have.
        """
        file = self._file()
        count = int(file.schema.metadata[_FEATURES])
        if not 0 <= first <= last <= count:
            raise IndexError(f"{self.path.name} holds rows 0 to {count}; asked for {first} to {last}")
        batches = range(first // _BATCH_ROWS, -(-last // _BATCH_ROWS) if file.schema.names else 0)
        table = pa.Table.from_batches([file.get_batch(batch) for batch in batches], schema=file.schema)
        table = table.slice(first - batches.start * _BATCH_ROWS, last - first)
        columns = {ours: table[ours].to_numpy() for ours in table.column_names}
        return _frame(columns, pd.RangeIndex(first, last))

    def _file(self) -> pa.ipc.RecordBatchFileReader:
        return pa.ipc.open_file(pa.memory_map(str(self.path)))


def _frame(columns: Mapping[str, Values], index: pd.Index) -> pd.DataFrame:
    made = {ours: pd.Series(values, index=index, dtype=values.dtype) for ours, values in columns.items()}
    return pd.DataFrame(made, index=index)


class _Joined:
    """A table's columns per key, and the key of each feature."""

    def __init__(self, ids: Any, join: Join, inputs: Path, work: Path, progress: Progress | None) -> None:
        path = input_file(inputs, join.file)
        self._join, self._progress = join, progress
        self._tell(0.0)
        self._table = open_table(path, join.key, columns_needed(join), join.layer, join.encoding)
        self.report = JoinReport(join.file, rows=self._table.rows, encoding=self._table.encoding)
        self._index = KeyIndex(self._table.whole_keys)
        self.columns = self._wide() if join.layout == "wide" else self._long(work)
        self.keys = self._index.find(ids)
        self._count_both_sides(ids)
        self._tell(1.0)

    def _tell(self, fraction: float, what: str = "") -> None:
        if self._progress is not None:
            self._progress(f"joining {self._join.file}{what}", fraction)

    def _rows(self, report: JoinReport, what: str = "") -> Iterator[tuple[NDArray[np.int32], Block]]:
        read = 0
        for keys, block, rows in rows_with_keys(self._table, self._join, self._index, report):
            yield keys, block
            read += rows
            self._tell(read / self._table.rows, what)

    def _wide(self) -> WideColumns:
        made = WideColumns(self._index, self._join, self._table)
        for keys, block in self._rows(self.report):
            made.add(keys, block, self.report)
        made.finish(self.report)
        return made

    def _long(self, work: Path) -> MeterSums:
        made = MeterSums(self._index, self._join, self._table.name)
        for readings in self._readings(self.report):
            made.add(readings)
        unread = JoinReport(self._join.file)  # what is counted a second time
        again = self._readings(unread, ", months with several rows")
        made.finish(again, self.report, work)
        self.report.repeats_count_once = self._join.repeats == "once" and self.report.repeated_rows > 0
        if self._join.repeats == "refuse" and self.report.repeated_rows:
            raise BadValue(
                f"joins: {self._join.file}: {self.report.repeated_rows} of its {self.report.rows} rows repeat another "
                f"one in key, month, carrier and amount (keys with several rows in a month: "
                f"{listed(self.report.duplicate_examples)}). If the table was appended twice, correct it or say "
                "repeats: once; if these are meters of one feature that read alike, say repeats: sum"
            )
        return made

    def _readings(self, report: JoinReport, what: str = "") -> Iterator[Readings]:
        assert self._join.value is not None
        for keys, block in self._rows(report, what):
            readings, bad = readings_of_block(keys, block, self._join, self._table)
            if bad.count:
                report.unparsable[self._join.value] = both_unparsable(report.unparsable.get(self._join.value), bad)
            yield readings

    def _count_both_sides(self, ids: Any) -> None:
        join, report = self._join, self.report
        named = self.columns.with_rows()
        known = np.zeros(len(named), dtype=np.bool_)
        known[self.keys[self.keys >= 0]] = True
        report.keys, report.keys_matched = int(named.sum()), int((named & known).sum())
        report.keys_unmatched = report.keys - report.keys_matched
        if report.keys_unmatched:
            report.keys_unmatched_examples = self._index.smallest(named & ~known, 5)
        if report.keys and not report.keys_matched:  # a wrong key: every meter would be lost, every building modelled
            layer = KeyIndex(self._index.whole)
            layer.find(ids, grow=True)
            raise BadValue(
                f"joins: {join.file}: none of its {report.keys} keys (column {join.key!r}: "
                f"{listed(report.keys_unmatched_examples)}) is in {join.on!r} of the layer "
                f"({listed(layer.smallest(np.ones(len(layer), dtype=np.bool_), 5))}); correct key or on, or the column "
                "that is read as it"
            )
        report.features_unmatched = int((~np.append(named, False)[self.keys]).sum())
        report.columns = list(self.columns.names)
        bad = report.unparsable.get(str(join.value))
        if not report.columns and bad is not None:  # every meter would be lost, and every building modelled
            raise BadValue(
                f"joins: {join.file}: none of its {report.rows} rows can be used: column {join.value!r} holds no "
                f"numbers ({listed(bad.examples)}). Name the column of the amounts with value, or correct the file"
            )
