"""Readings of a long table added up, one exact sum per key, carrier, unit and year, in memory that does not grow."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gis.errors import BadValue, UnreadableFile, listed
from gis.key_index import KeyIndex
from gis.layers import MOST_EXAMPLES, JoinReport
from gis.meter_kernels import (
    HAS_NEGATIVE,
    HAS_ROWS,
    HAS_SEVERAL,
    PAGE,
    PAGE_BITS,
    SETTLED,
    add_readings,
    count_columns,
    readings_of,
    sums_of,
)
from gis.meter_readings import Readings
from gis.odd_readings import OddReadings
from gis.sources import Join

Floats = NDArray[np.float64]


class MeterSums:
    """Sums of a table's readings, per key and column `<carrier>_<unit>_<year>`.

    A month of which any reading is missing is not known, as if it were not there. The sum of a year is the exact sum of
    the readings of its known months, rounded once: the same whatever the order of rows, and on any machine.
    """

    def __init__(self, index: KeyIndex, join: Join, name: str) -> None:
        self._index, self._name = index, name
        self._monthly, self._scaled = join.month is not None, join.missing_months == "scale"
        self._once = join.repeats == "once"
        self.names: list[str] = []
        self._columns: dict[tuple[str, int], int] = {}
        self._pages = np.full((0, 0), -1, dtype=np.int32)
        self._low = np.zeros(0, dtype=np.uint64)
        self._high = np.zeros(0, dtype=np.int64)
        self._flags = np.zeros(0, dtype=np.uint32)
        self._used = np.zeros(1, dtype=np.int64)
        self._marks = np.zeros(0, dtype=np.uint8)
        self._missing = np.zeros(1, dtype=np.int64)
        self._negative = 0
        self._settled = np.zeros(0)

    def add(self, readings: Readings) -> None:
        """Add the readings of some rows."""
        columns, months = self._places(readings)
        negative = readings.values < 0
        if negative.any():
            self._negative += int(negative.sum())
            self._marks[readings.keys[negative]] |= HAS_NEGATIVE
        row = 0
        while True:
            row = add_readings(
                row, readings.keys, readings.kind_of, readings.period_of, columns, months, readings.values,
                self._pages, self._low, self._high, self._flags, self._marks, self._used, self._missing,
            )  # fmt: skip
            if row == len(readings.keys):
                return
            room = len(self._flags) + (max(len(self._flags) >> PAGE_BITS + 3, 16) << PAGE_BITS)
            for array in (self._low, self._high, self._flags):
                array.resize(room, refcheck=False)

    def _places(self, readings: Readings) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """(kinds, periods) the column of each, and (periods,) months; makes room for all columns and keys."""
        columns = np.zeros((len(readings.kinds), len(readings.periods)), dtype=np.int32)
        for (row, kind), (place, period) in product(enumerate(readings.kinds), enumerate(readings.periods)):
            if kind is not None and period is not None:
                columns[row, place] = self._columns.setdefault((kind, period[0]), len(self._columns))
        if len(self._marks) < len(self._index):
            self._marks.resize(len(self._index), refcheck=False)
        height, width = len(self._columns), (len(self._index) + PAGE - 1) >> PAGE_BITS
        if self._pages.shape[0] < height or self._pages.shape[1] < width:
            pages = np.full((height, max(width, self._pages.shape[1])), -1, dtype=np.int32)
            pages[: self._pages.shape[0], : self._pages.shape[1]] = self._pages
            self._pages = pages
        months = [0 if period is None else period[1] for period in readings.periods]
        return columns, np.array(months, dtype=np.int32)

    def finish(self, again: Iterable[Readings], report: JoinReport, work: Path) -> None:
        """Settle what the first look could not, and tell the report.

        Args:
            again: all readings once more; only walked through where some month has several rows, or lacks one of them.
            report: receives repeated rows, keys with several rows, missing values and incomplete years.
            work: folder for what does not fit in memory; left as it was.

        Raises:
            BadValue: a sum that is more than any number.
        """
        counts = np.zeros((len(self._columns), 3), dtype=np.int64)
        count_columns(self._pages, self._flags, counts)
        if counts[:, 2].any():
            self._second_look(again, report, work)
        report.values_missing = int(self._missing[0])
        report.negative_rows = self._negative
        if self._negative:
            report.negative_examples = self._index.smallest((self._marks & HAS_NEGATIVE) != 0, MOST_EXAMPLES)
        several = (self._marks & HAS_SEVERAL) != 0
        report.duplicate_keys = int(several.sum())
        if report.duplicate_keys:
            report.duplicate_examples = self._index.smallest(several, MOST_EXAMPLES)
        for (kind, year), column in self._columns.items():
            if not counts[column, 1]:
                continue
            ours = f"{kind}_{year}"
            self.names.append(ours)
            if self._monthly and counts[column, 0]:
                report.incomplete_years[ours] = int(counts[column, 0])
                if self._scaled:
                    self.names.append(f"{ours}_months")
        report.incomplete_years = dict(sorted(report.incomplete_years.items()))
        self.names.sort()

    def _second_look(self, again: Iterable[Readings], report: JoinReport, work: Path) -> None:
        """Look at months with several rows: whether they repeat each other, and whether one of them is missing."""
        with OddReadings(work) as odd:
            for readings in again:
                columns, months = self._places(readings)
                cells = np.empty(len(readings.keys), dtype=np.int64)
                counted = np.empty(len(cells), dtype=np.bool_)
                known = readings_of(
                    readings.keys, readings.kind_of, readings.period_of, columns, months, readings.values,
                    self._pages, self._flags, self._once, cells, counted,
                )  # fmt: skip
                if not known:
                    raise UnreadableFile(f"{self._name}: it changed while it was read; start again when it is complete")
                rows = np.flatnonzero(cells >= 0)
                odd.add(cells[rows], months[readings.period_of[rows]], readings.values[rows], counted[rows])
            report.repeated_rows = odd.repeated()
            cells, self._settled = odd.sums(once=self._once)
        if not np.isfinite(self._settled).all():
            self._refuse_endless(cells[~np.isfinite(self._settled)])
        self._low[cells] = np.arange(len(cells), dtype=np.uint64)
        self._flags[cells] |= np.uint32(SETTLED)

    def _refuse_endless(self, cells: NDArray[np.int64]) -> None:
        for (kind, year), column in sorted(self._columns.items()):
            chosen = np.zeros(len(self._index), dtype=np.bool_)
            for place in np.flatnonzero(np.isin(self._pages[column], cells >> PAGE_BITS) & (self._pages[column] >= 0)):
                own = cells[cells >> PAGE_BITS == self._pages[column, place]]
                chosen[(int(place) << PAGE_BITS) + (own & (PAGE - 1))] = True
            if chosen.any():
                raise BadValue(
                    f"{self._name}: {kind}_{year} of {listed(self._index.smallest(chosen, 12))} adds up to more than "
                    "any number"
                )

    def with_rows(self) -> NDArray[np.bool_]:
        """(keys,) whether any row of the table names the key."""
        marks = np.zeros(len(self._index), dtype=np.uint8)
        marks[: len(self._marks)] = self._marks
        named: NDArray[np.bool_] = (marks & HAS_ROWS) != 0
        return named

    def columns(self, keys: NDArray[np.int32]) -> dict[str, Floats]:
        """(n,) values of each of `names` for (n,) keys (-1: none), after `finish`; NaN: unknown."""
        made: dict[str, Floats] = {}
        for (kind, year), column in self._columns.items():
            amounts, months = np.empty(len(keys)), np.empty(len(keys))
            sums_of(keys, self._pages[column], self._low, self._high, self._flags, self._settled, amounts, months)
            if self._monthly:
                short = months < 12
                amounts[short] = amounts[short] * 12 / months[short] if self._scaled else np.nan
            made[f"{kind}_{year}"], made[f"{kind}_{year}_months"] = amounts, months
        return {ours: made[ours] for ours in self.names}
