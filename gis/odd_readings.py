"""Readings of months that have several rows, set aside in a database on disk: how many repeat, and exact sums."""

import math
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

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
        self._database = duckdb.connect(config=settings)
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
        return sum(
            count
            for (count,) in self._grouped(
                "SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) AS n FROM readings "
                "WHERE value <> 0 AND {part} GROUP BY cell, month, value)"
            )
        )

    def sums(self, *, once: bool = False) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Places, in any order, and the exact sum of the rows that count in each, rounded once; infinite: too large.

        With `once`, rows equal in place, month and value are one.
        """
        rows = "(SELECT DISTINCT cell, month, value FROM readings WHERE counted AND {part})"
        if not once:
            rows = "(SELECT cell, value FROM readings WHERE counted AND {part})"
        cells: list[int] = []
        sums: list[float] = []
        for cell, values in self._grouped(f"SELECT cell, list(value ORDER BY value) FROM {rows} GROUP BY cell"):
            try:
                total = math.fsum(values)
            except OverflowError:
                total = math.inf
            cells.append(cell)
            sums.append(total)
        return np.array(cells, dtype=np.int64), np.array(sums, dtype=np.float64)

    def _grouped(self, query: str) -> Iterator[tuple[Any, ...]]:
        """What a query gives for some of the places after the other; its groups must not cross places."""
        parts = self._rows // _ROWS_AT_ONCE + 1
        for part in range(parts):
            found = self._database.execute(query.format(part=f"hash(cell) % {parts} = {part}"))
            while some := found.fetchmany(10_000):
                yield from some
