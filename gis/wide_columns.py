"""A wide table's columns, one value per key: numbers as they are, texts as codes of their distinct words."""

import math
from itertools import groupby
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gis.errors import BadValue, DuplicateIds, listed
from gis.key_index import KeyIndex
from gis.layers import JoinReport, Unparsable
from gis.sources import Join
from gis.table_blocks import Block, BlockTable, Coded, amounts, coded
from gis.values import is_numeric_column

Scalar = TypeVar("Scalar", bound=np.generic)
Values = NDArray[np.float64] | NDArray[np.object_]


class WideColumns:
    """The columns that a wide join names, per key; `duplicates` says what several rows of a key make."""

    def __init__(self, index: KeyIndex, join: Join, table: BlockTable) -> None:
        self._index, self._join, self._table = index, join, table
        self._rows = np.zeros(0, dtype=np.int32)
        self._numbers = {ours: np.zeros(0) for ours in join.columns if is_numeric_column(ours)}
        self._codes = {ours: np.zeros(0, dtype=np.int32) for ours in join.columns if not is_numeric_column(ours)}
        self._words: dict[str, dict[str, int]] = {ours: {} for ours in self._codes}
        self._further: dict[str, list[tuple[NDArray[np.int32], NDArray[np.float64]]]] = {
            ours: [] for ours in self._numbers
        }
        self.names = list(join.columns)

    def add(self, keys: NDArray[np.int32], block: Block, report: JoinReport) -> None:
        """Take the values of some rows.

        Args:
            keys: (rows,) the number of each row's key.
            block: the rows.
            report: receives missing and unreadable values.

        Raises:
            BadValue: decimal commas.
        """
        room = len(self._index)
        first = np.zeros(len(keys), dtype=bool)
        first[np.unique(keys, return_index=True)[1]] = True
        self._rows = _longer(self._rows, room, 0)
        first &= self._rows[keys] == 0
        np.add.at(self._rows, keys, 1)
        for ours, theirs in self._join.columns.items():
            column = block.columns[theirs]
            if ours in self._numbers:
                where = f"{self._table.name}, column {theirs!r}"
                values, bad = amounts(column, ours, where, self._table.any_comma)
                if bad.count:
                    report.unparsable[theirs] = both_unparsable(report.unparsable.get(theirs), bad)
                report.values_missing += int(np.isnan(values).sum())
                held = self._numbers[ours] = _longer(self._numbers[ours], room, np.nan)
                held[keys[first]] = values[first]
                more = ~first & ~np.isnan(values)
                if self._join.duplicates == "sum" and more.any():
                    self._further[ours].append((keys[more], values[more]))
            else:
                self._add_words(ours, coded(column), keys, first)

    def _add_words(self, ours: str, column: Coded, keys: NDArray[np.int32], first: NDArray[np.bool_]) -> None:
        words = self._words[ours]
        known = [
            words.setdefault(word, len(words)) if word is not None and occurs else -1
            for word, occurs in zip(column.words, column.occurring.tolist(), strict=True)
        ]
        ours_of = np.array(known, dtype=np.int32)[column.codes]
        held = self._codes[ours] = _longer(self._codes[ours], len(self._index), -1)
        if self._join.duplicates == "sum":  # the first word there is
            told = np.flatnonzero((ours_of >= 0) & (held[keys] < 0))[::-1]
            held[keys[told]] = ours_of[told]
        else:
            held[keys[first]] = ours_of[first]

    def finish(self, report: JoinReport) -> None:
        """Add up or refuse keys that have several rows, and tell the report.

        Raises:
            DuplicateIds: a key has several rows, and nothing was said about them.
        """
        several = np.zeros(len(self._index), dtype=np.bool_)
        several[: len(self._rows)] = self._rows > 1
        report.duplicate_keys = int(several.sum())
        if not report.duplicate_keys:
            return
        report.duplicate_examples = self._index.smallest(several, 5)
        if self._join.duplicates == "refuse":
            raise DuplicateIds(
                f"{self._table.name}: {report.duplicate_keys} keys of column {self._join.key!r} stand in several rows, "
                f"e.g. {listed(report.duplicate_examples)}; say what to do with duplicates: sum (add the numbers) or "
                "first"
            )
        for ours, further in self._further.items():
            try:
                self._add_further(self._numbers[ours], further)
            except OverflowError as error:
                column = self._join.columns[ours]
                where = f"{self._table.name}, column {column!r}"
                raise BadValue(f"{where}: rows of a key add up to more than any number") from error

    @staticmethod
    def _add_further(held: NDArray[np.float64], further: list[tuple[NDArray[np.int32], NDArray[np.float64]]]) -> None:
        """Add the values of further rows: each sum is exact and rounded once, so that the order of rows is nothing."""
        if not further:
            return
        keys, values = (np.concatenate(parts) for parts in zip(*further, strict=True))
        order = np.argsort(keys, kind="stable")
        pairs = zip(keys[order].tolist(), values[order].tolist(), strict=True)
        for key, rows in groupby(pairs, key=lambda pair: pair[0]):
            first = held[key]
            held[key] = math.fsum([*(value for _, value in rows), *([] if np.isnan(first) else [float(first)])])

    def with_rows(self) -> NDArray[np.bool_]:
        """(keys,) whether any row of the table names the key."""
        return _longer(self._rows, len(self._index), 0) > 0

    def columns(self, keys: NDArray[np.int32]) -> dict[str, Values]:
        """(n,) values of each of `names` for (n,) keys (-1: none), after `finish`; NaN or None: unknown."""
        made: dict[str, Values] = {}
        for ours in self.names:
            if ours in self._numbers:
                made[ours] = np.append(self._numbers[ours], np.nan)[keys]
            else:
                words = np.array([*self._words[ours], None], dtype=object)
                made[ours] = words[np.append(self._codes[ours], np.int32(-1))[keys]]
        return made


def _longer(array: NDArray[Scalar], size: int, fill: float) -> NDArray[Scalar]:
    return np.append(array, np.full(size - len(array), fill, dtype=array.dtype)) if size > len(array) else array


def both_unparsable(one: Unparsable | None, other: Unparsable) -> Unparsable:
    """What was unreadable in two lots of rows."""
    if one is None:
        return other
    return Unparsable(one.count + other.count, sorted([*one.examples, *other.examples])[:5])
