"""Rows of a long table as readings: which key, carrier, unit, year and month, and how much."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import BadValue, listed
from gis.key_index import KeyIndex, read_only
from gis.layers import JoinReport, Unparsable
from gis.meter_kernels import mark_codes
from gis.sources import METER_COLUMN, Join
from gis.table_blocks import Block, BlockTable, Coded, Codes, amounts, as_objects, coded
from gis.values import matches, numbers

_MONTH = re.compile(r"^(?P<year>\d{4})[-/.]?(?P<month>\d{1,2})(?:[-/.]?\d{1,2})?$")

_PAIRS = 1 << 16

Kind = str
"""`<carrier>_<unit>`, in our words."""
Period = tuple[int, int]
"""Year, and month from 1; 0: the whole year."""


@dataclass(frozen=True)
class Readings:
    """Readings of some rows.

    Attributes:
        keys: (n,) number of each row's key.
        kind_of, kinds: (n,) codes of what each row meters, and what they stand for; None: no row has this code.
        period_of, periods: (n,) codes of when, and what they stand for; likewise.
        values: (n,) NaN: missing.
    """

    keys: NDArray[np.int32]
    kind_of: Codes
    kinds: list[Kind | None]
    period_of: Codes
    periods: list[Period | None]
    values: NDArray[np.float64]


def columns_needed(join: Join) -> tuple[str, ...]:
    """The columns of its table that a join names, besides the key."""
    named = (join.year if isinstance(join.year, str) else None, join.month, join.carrier, join.value, join.unit_column)
    return (*join.where, *join.columns.values(), *(column for column in named if column))


def rows_with_keys(
    table: BlockTable, join: Join, index: KeyIndex, report: JoinReport
) -> Iterator[tuple[NDArray[np.int32], Block, int]]:
    """The rows that `where` keeps and that have a key, block by block; the others are counted.

    Yields:
        The number of each row's key, the rows, and how many rows the file has here.

    Raises:
        BadValue: a `where` that cannot be compared.
    """
    for block in table.blocks():
        keep = np.ones(block.rows, dtype=bool)
        for column, allowed in join.where.items():
            values = as_objects(block.columns[column])
            keep &= matches(values, allowed, column, f"{table.name}, column {column!r}")
        kept = block.take(keep)
        report.filtered += block.rows - kept.rows
        keys = index.find(kept.columns[join.key], grow=True)
        keyed = keys >= 0
        if not keyed.all():
            report.rows_without_key += kept.rows - int(keyed.sum())
            keys, kept = keys[keyed], kept.take(keyed)
        yield keys, kept, block.rows


def readings_of_block(
    keys: NDArray[np.int32], block: Block, join: Join, table: BlockTable
) -> tuple[Readings, Unparsable]:
    """Read one block of a long table.

    Args:
        keys: (rows,) the number of each row's key.
        block: rows that all have a key.
        join: a long join.
        table: what the block is of.

    Returns:
        The readings, and the values that are no numbers (missing, then).

    Raises:
        BadValue: a year, month, carrier or unit that cannot be read; decimal commas.
    """
    assert join.value is not None
    period_of, periods = _periods(block, join, table.name)
    kind_of, kinds = _kinds(block, join, table.name)
    where = f"{table.name}, column {join.value!r}"
    values, bad = amounts(block.columns[join.value], "", where, table.any_comma)
    given = (read_only(keys), read_only(kind_of), kinds, read_only(period_of), periods, read_only(values))
    return Readings(*given), bad


def _both(first: Coded, second: Coded) -> tuple[Codes, list[tuple[int, int] | None]]:
    """Codes of the pairs of two columns' codes, and the codes that each pair consists of; None: no row has it."""
    size = len(second.words)
    pairs = first.codes.astype(np.int64) * size + second.codes
    if len(first.words) * size > _PAIRS:  # columns of something else
        found, codes = np.unique(pairs, return_inverse=True)
        return codes.astype(np.int32), [(int(pair) // size, int(pair) % size) for pair in found]
    codes = pairs.astype(np.int32)
    occurring = np.zeros(len(first.words) * size, dtype=np.bool_)
    mark_codes(read_only(codes), occurring)
    return codes, [divmod(pair, size) if occurs else None for pair, occurs in enumerate(occurring.tolist())]


def _once(rows: int, word: str) -> Coded:
    """A column that says the same in every row."""
    return Coded(np.zeros(rows, dtype=np.int32), [word], np.ones(1, dtype=np.bool_))


def _periods(block: Block, join: Join, name: str) -> tuple[Codes, list[Period | None]]:
    fixed = join.year if isinstance(join.year, int) else 0
    if join.month is not None and join.year is None:
        return _months_of_years(block, join.month, name)
    year_of = month_of = None
    if join.month is not None:
        month_of, months = _whole(block, join.month, 1, 12, "a month, 1 to 12", name)
    if isinstance(join.year, str):
        year_of, years = _whole(block, join.year, 1900, 2200, "a year", name)
    if year_of is not None and month_of is not None:
        codes, pairs = _both(year_of, month_of)
        return codes, [None if pair is None else (years[pair[0]], months[pair[1]]) for pair in pairs]
    if year_of is not None:
        return year_of.codes, [(year, 0) if year else None for year in years]
    if month_of is not None:
        return month_of.codes, [(fixed, month) if month else None for month in months]
    return np.zeros(block.rows, dtype=np.int32), [(fixed, 0)]


def _months_of_years(block: Block, column: str, name: str) -> tuple[Codes, list[Period | None]]:
    given = coded(block.columns[column])
    periods: list[Period | None] = []
    wrong = []
    for word, occurs in zip(given.words, given.occurring.tolist(), strict=True):
        match = _MONTH.match(word or "")
        period = (int(match["year"]), int(match["month"])) if match and 1 <= int(match["month"]) <= 12 else None
        periods.append(period if occurs else None)
        if occurs and period is None:
            wrong.append(word)
    if wrong:
        told = [word for word in wrong if word is not None]
        raise BadValue(
            f"{name}, column {column!r}: {listed(told) if told else 'empty cells'}; expected months "
            "such as 202301 or 2023-01, or a column for the year too"
        )
    return given.codes, periods


def _whole(block: Block, column: str, low: int, high: int, what: str, name: str) -> tuple[Coded, list[int]]:
    """A column of whole numbers, and the number that each of its words is; 0 for words that no row has."""
    given = coded(block.columns[column])
    words = [word if occurs else None for word, occurs in zip(given.words, given.occurring.tolist(), strict=True)]
    values, bad = numbers(np.array(words, dtype=object), "", f"{name}, column {column!r}")
    wrong = np.isnan(values) | (values < low) | (values > high) | (values != np.floor(values))
    wrong &= given.occurring
    if wrong.any():
        rows = wrong[given.codes]
        shown = bad.examples or [given.words[code] for code in given.codes[rows][:3].tolist()]
        raise BadValue(f"{name}, column {column!r}: {int(rows.sum())} values are not {what}, e.g. {listed(shown)}")
    return given, np.where(given.occurring, values, 0).astype(np.int64).tolist()


def _kinds(block: Block, join: Join, name: str) -> tuple[Codes, list[Kind | None]]:
    carrier_of = coded(block.columns[join.carrier]) if join.carrier else _once(block.rows, str(join.carrier_is))
    units: list[str | None] = [str(join.unit)]
    if join.unit_column is None:
        codes = carrier_of.codes
        pairs = [(place, 0) if occurs else None for place, occurs in enumerate(carrier_of.occurring.tolist())]
    else:
        unit_of = coded(block.columns[join.unit_column])
        units, (codes, pairs) = unit_of.words, _both(carrier_of, unit_of)
    kinds: list[Kind | None] = []
    for pair in pairs:
        if pair is None:
            kinds.append(None)
            continue
        carrier, unit = carrier_of.words[pair[0]], units[pair[1]]
        kind = f"{join.carriers.get(carrier, carrier).lower()}_{unit.lower()}" if carrier and unit else ""
        if not METER_COLUMN.match(kind):
            raise _no_column(carrier, unit, name)
        kinds.append(kind)
    return codes, kinds


def _no_column(carrier: str | None, unit: str | None, name: str) -> BadValue:
    return BadValue(
        f"{name}: carrier {carrier!r} with unit {unit!r} makes no column of ours (<carrier>_<unit>); map the "
        "carrier with carriers: {theirs: ours} to electricity, gas, heat, steam, oil, lpg, coal or wood, and "
        "write the unit as kWh, MWh, GJ, Nm3, therm, kBtu ..."
    )
