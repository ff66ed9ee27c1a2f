"""Readings of months that have several rows, set aside in a database on disk: how many repeat, and exact sums."""

import math
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_MEMORY = "768MB"
_THREADS = 2
_ROWS_AT_ONCE = 16_000_000
"""Rows grouped at a time: what DuckDB groups must fit in its memory, however many there are in all."""


class OddReadings:
    """Rows (place of their sum, month, value, whether they count in the sum), kept out of memory by DuckDB."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._rows = 0

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="readings-", dir=self._work)
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY,
            "threads": _THREADS,
            "temp_directory": self._folder.name,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self._database = duckdb.connect(str(Path(self._folder.name) / "readings.duckdb"), config=settings)
        self._database.execute("CREATE TABLE readings (cell BIGINT, month TINYINT, value DOUBLE, counted BOOLEAN)")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(
        self,
        cells: NDArray[np.int64],
        months: NDArray[np.int32],
        values: NDArray[np.float64],
        counted: NDArray[np.bool_],
    ) -> None:
        """Set rows aside; all arguments (n,), NaN: missing."""
        if not len(cells):
            return
        rows = pa.table(
            {"cell": cells, "month": months, "value": pa.array(values, from_pandas=True), "counted": counted}
        )
        self._database.register("rows", rows)
        self._database.execute("INSERT INTO readings SELECT cell, month, value, counted FROM rows")
        self._database.unregister("rows")
        self._rows += len(cells)

    def repeated(self) -> int:
        """Rows that are equal to an earlier one in place, month and value; missing values and zeros say nothing."""
        parts = self._rows // _ROWS_AT_ONCE + 1
        count = 0
        for part in range(parts):
            found = self._database.execute(
                "SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) AS n FROM readings "
                "WHERE value <> 0 AND hash(cell) % ?::UBIGINT = ?::UBIGINT GROUP BY cell, month, value)",
                [parts, part],
            ).fetchone()
            count += int(found[0]) if found else 0
        return count

    def sums(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Places, and the sum of the rows that count in each: exact, rounded once; infinite where no number is."""
        cells: list[int] = []
        sums: list[float] = []
        for cell, group in groupby(self._counted(), key=itemgetter(0)):
            try:
                total = math.fsum(value for _, value in group)
            except OverflowError:
                total = math.inf
            cells.append(cell)
            sums.append(total)
        return np.array(cells, dtype=np.int64), np.array(sums, dtype=np.float64)

    def _counted(self) -> Iterator[tuple[int, float]]:
        rows = self._database.execute("SELECT cell, value FROM readings WHERE counted ORDER BY cell")
        while some := rows.fetchmany(100_000):
            yield from some
