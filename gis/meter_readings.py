"""Rows of a long table as readings: which key, carrier, unit, year and month, and how much."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import BadValue, listed
from gis.key_index import KeyIndex
from gis.layers import JoinReport, Unparsable
from gis.sources import METER_COLUMN, Join
from gis.table_blocks import Block, BlockTable, Codes, amounts, as_objects, coded
from gis.values import matches, numbers

_MONTH = re.compile(r"^(?P<year>\d{4})[-/.]?(?P<month>\d{1,2})(?:[-/.]?\d{1,2})?$")

Kind = str
"""`<carrier>_<unit>`, in our words."""
Period = tuple[int, int]
"""Year, and month from 1; 0: the whole year."""


@dataclass(frozen=True)
class Readings:
    """Readings of some rows.

    Attributes:
        keys: (n,) number of each row's key.
        kind_of, kinds: (n,) codes of what each row meters, and what they stand for.
        period_of, periods: (n,) codes of when, and what they stand for.
        values: (n,) NaN: missing.
    """

    keys: NDArray[np.int32]
    kind_of: Codes
    kinds: list[Kind]
    period_of: Codes
    periods: list[Period]
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
        keys = index.find(kept.columns[join.key])
        keyed = keys >= 0
        report.rows_without_key += kept.rows - int(keyed.sum())
        yield keys[keyed], kept.take(keyed), block.rows


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
    return Readings(keys, kind_of, kinds, period_of, periods, values), bad


def _both(first: Codes, second: Codes, size: int) -> tuple[Codes, NDArray[np.int64], NDArray[np.int64]]:
    """Codes of the pairs that occur of two columns' codes, and the codes that each pair consists of."""
    pairs = first.astype(np.int64) * size + second
    seen = np.flatnonzero(np.bincount(pairs)) if len(pairs) else np.zeros(0, dtype=np.int64)
    place = np.zeros(int(seen[-1]) + 1 if len(seen) else 0, dtype=np.int32)
    place[seen] = np.arange(len(seen))
    return place[pairs], seen // size, seen % size


def _periods(block: Block, join: Join, name: str) -> tuple[Codes, list[Period]]:
    fixed = join.year if isinstance(join.year, int) else 0
    once = np.zeros(block.rows, dtype=np.int32)
    if join.month is None:
        if not isinstance(join.year, str):
            return once, [(fixed, 0)]
        codes, years = _whole(block, join.year, 1900, 2200, "a year", name)
        return codes, [(year, 0) for year in years]
    if join.year is None:
        return _months_of_years(block, join.month, name)
    months_of, months = _whole(block, join.month, 1, 12, "a month, 1 to 12", name)
    if not isinstance(join.year, str):
        return months_of, [(fixed, month) for month in months]
    years_of, years = _whole(block, join.year, 1900, 2200, "a year", name)
    codes, year, month = _both(years_of, months_of, max(len(months), 1))
    return codes, [(years[y], months[m]) for y, m in zip(year.tolist(), month.tolist(), strict=True)]


def _months_of_years(block: Block, column: str, name: str) -> tuple[Codes, list[Period]]:
    codes, given = coded(block.columns[column])
    found = [_MONTH.match(text) for text in given]
    wrong = [text for text, match in zip(given, found, strict=True) if not match or not 1 <= int(match["month"]) <= 12]
    if wrong or (codes < 0).any():
        raise BadValue(
            f"{name}, column {column!r}: {listed(wrong) if wrong else 'empty cells'}; expected months "
            "such as 202301 or 2023-01, or a column for the year too"
        )
    return codes, [(int(match["year"]), int(match["month"])) for match in found if match]


def _whole(block: Block, column: str, low: int, high: int, what: str, name: str) -> tuple[Codes, list[int]]:
    codes, given = coded(block.columns[column])
    values, bad = numbers(np.array(given, dtype=object), "", f"{name}, column {column!r}")
    wrong = np.isnan(values) | (values < low) | (values > high) | (values != np.floor(values))
    rows = codes < 0
    if wrong.any():
        rows |= wrong[codes]
    if rows.any():
        shown = bad.examples or [given[code] if code >= 0 else "None" for code in codes[rows][:3].tolist()]
        raise BadValue(f"{name}, column {column!r}: {int(rows.sum())} values are not {what}, e.g. {listed(shown)}")
    return codes, values.astype(np.int64).tolist()


def _kinds(block: Block, join: Join, name: str) -> tuple[Codes, list[Kind]]:
    once = np.zeros(block.rows, dtype=np.int32)
    carrier_of, carriers = coded(block.columns[join.carrier]) if join.carrier else (once, [str(join.carrier_is)])
    unit_of, units = coded(block.columns[join.unit_column]) if join.unit_column else (once, [str(join.unit)])
    if (carrier_of < 0).any() or (unit_of < 0).any():
        row = int(np.flatnonzero((carrier_of < 0) | (unit_of < 0))[0])
        carrier = carriers[carrier_of[row]] if carrier_of[row] >= 0 else None
        unit = units[unit_of[row]] if unit_of[row] >= 0 else None
        raise _no_column(carrier, unit, name)
    codes, carrier_codes, unit_codes = _both(carrier_of, unit_of, max(len(units), 1))
    kinds = []
    for carrier, unit in zip(carrier_codes.tolist(), unit_codes.tolist(), strict=True):
        kind = f"{join.carriers.get(carriers[carrier], carriers[carrier]).lower()}_{units[unit].lower()}"
        if not METER_COLUMN.match(kind):
            raise _no_column(carriers[carrier], units[unit], name)
        kinds.append(kind)
    return codes, kinds


def _no_column(carrier: str | None, unit: str | None, name: str) -> BadValue:
    return BadValue(
        f"{name}: carrier {carrier!r} with unit {unit!r} makes no column of ours (<carrier>_<unit>); map the "
        "carrier with carriers: {theirs: ours} to electricity, gas, heat, steam, oil, lpg, coal or wood, and "
        "write the unit as kWh, MWh, GJ, Nm3, therm, kBtu ..."
    )
