"""Joining tables of meters and attributes to features by key; keys that match nothing are counted on both sides."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import BadValue, ColumnMissing, DuplicateIds, did_you_mean, listed
from gis.files import file_kind, input_file
from gis.layers import JoinReport, Unparsable
from gis.raw import require_columns
from gis.sources import METER_COLUMN, Join
from gis.tables import Table, read_table
from gis.values import is_numeric_column, matches, numbers, texts

_MONTH = re.compile(r"^(?P<year>\d{4})[-/.]?(?P<month>\d{1,2})(?:[-/.]?\d{1,2})?$")


def join_table(features: pd.DataFrame, join: Join, inputs: Path) -> tuple[pd.DataFrame, JoinReport]:
    """Columns of one joined table, aligned with the features.

    Args:
        features: the layer's columns (ours), one row per feature.
        join: what the region file says.
        inputs: folder of the input files.

    Returns:
        A frame with the features' index and the joined columns (null where the table knows nothing), and the report.

    Raises:
        FileMissing, ColumnMissing, DuplicateIds (a wide table's key stands twice), BadValue, WrongEncoding.
    """
    path = input_file(inputs, join.file)
    if file_kind(path) != "table":
        raise BadValue(f"joins: {join.file} is no table; expected .csv, .tsv, .txt or .xlsx")
    if join.on not in features.columns:
        raise ColumnMissing(
            f"joins: {join.file}: on: {join.on!r} is no column of the layer; it has: "
            f"{listed(features.columns)}.{did_you_mean(join.on, features.columns)}"
        )
    table = read_table(path, join.layer, join.encoding)
    report = JoinReport(join.file, rows=len(table.rows), encoding=table.encoding)
    table = _filtered(table, join, path.name, report)
    made = _wide(table, join, path.name, report) if join.layout == "wide" else _long(table, join, path.name, report)

    on = pd.Series(texts(features[join.on]), index=features.index, dtype=object)
    found = on.isin(made.index)
    report.keys = len(made)
    unmatched = [str(key) for key in made.index[~made.index.isin(on)]]
    report.keys_unmatched, report.keys_unmatched_examples = len(unmatched), sorted(unmatched)[:5]
    report.keys_matched = report.keys - report.keys_unmatched
    if report.keys and not report.keys_matched:  # a wrong key: every meter would be lost, and every building modelled
        known = sorted(str(key) for key in on.dropna().unique())
        raise BadValue(
            f"joins: {join.file}: none of its {report.keys} keys (column {join.key!r}: "
            f"{listed(report.keys_unmatched_examples)}) is in {join.on!r} of the layer ({listed(known[:5])}); correct "
            "key or on, or the column that is read as it"
        )
    report.features_unmatched = int((~found).sum())
    report.columns = [str(column) for column in made.columns]
    aligned = made.reindex(on.to_numpy())
    aligned.index = features.index
    return aligned, report


def _filtered(table: Table, join: Join, name: str, report: JoinReport) -> Table:
    present = [str(column) for column in table.rows.columns]
    named = (join.year if isinstance(join.year, str) else None, join.month, join.carrier, join.value, join.unit_column)
    wanted = (join.key, *join.where, *join.columns.values(), *(column for column in named if column))
    require_columns(wanted, present, name)
    keep = np.ones(len(table.rows), dtype=bool)
    for column, allowed in join.where.items():
        keep &= matches(table.rows[column], allowed, column, f"{name}, column {column!r}")
    report.filtered = int((~keep).sum())
    keys = texts(table.rows[join.key])
    keyless = keep & pd.isna(keys)
    report.rows_without_key = int(keyless.sum())
    keep &= ~keyless
    rows = table.rows.loc[keep].reset_index(drop=True)
    rows[join.key] = pd.Series(keys[keep], dtype=object)
    return Table(rows, table.encoding, table.delimiter)


def _numbers(table: Table, theirs: str, ours: str, name: str, report: JoinReport) -> NDArray[np.float64]:
    values, bad = numbers(
        table.rows[theirs], ours, f"{name}, column {theirs!r}", refuse_commas=True, any_comma=table.any_comma
    )
    if bad.count:
        report.unparsable[theirs] = Unparsable(bad.count, bad.examples)
    return values


def _wide(table: Table, join: Join, name: str, report: JoinReport) -> pd.DataFrame:
    made = pd.DataFrame(index=pd.Index(table.rows[join.key], dtype=object))
    for ours, theirs in join.columns.items():
        if is_numeric_column(ours):
            made[ours] = _numbers(table, theirs, ours, name, report)
            report.values_missing += int(made[ours].isna().sum())
        else:
            made[ours] = texts(table.rows[theirs])
    repeated = made.index[made.index.duplicated(keep=False)]
    if not len(repeated):
        return made
    report.duplicate_keys = int(repeated.nunique())
    report.duplicate_examples = sorted(str(key) for key in repeated.unique())[:5]
    if join.duplicates == "refuse":
        raise DuplicateIds(
            f"{name}: {report.duplicate_keys} keys of column {join.key!r} stand in several rows, e.g. "
            f"{listed(report.duplicate_examples)}; say what to do with duplicates: sum (add the numbers) or first"
        )
    groups = made.groupby(level=0, sort=False)
    if join.duplicates == "first":
        return groups.head(1)
    return pd.DataFrame(
        {
            ours: groups[ours].sum(min_count=1) if is_numeric_column(ours) else groups[ours].first()
            for ours in join.columns
        }
    )


def _long(table: Table, join: Join, name: str, report: JoinReport) -> pd.DataFrame:
    """One column `<carrier>_<unit>_<year>` per carrier, unit and year: the sum of 12 months, or of yearly rows."""
    assert join.value is not None
    year, month = _periods(table, join, name)
    long = pd.DataFrame(
        {
            "key": table.rows[join.key].to_numpy(dtype=object),
            "year": year,
            "month": month,
            "column": _column_names(table, join, name),
            "value": _numbers(table, join.value, "", name, report),
        }
    )
    report.values_missing = int(long["value"].isna().sum())
    with np.errstate(over="ignore"):  # what is no number any more is refused below
        periods = long.groupby(["key", "column", "year", "month"], sort=True)["value"].agg(["sum", "count", "size"])
    # Several meters of one building in one month add up; that is said, since a file appended twice looks the same.
    several = periods.index[periods["size"] > 1].get_level_values("key")
    report.duplicate_keys, report.duplicate_examples = int(several.nunique()), sorted(map(str, several.unique()))[:5]
    report.repeated_rows = int((long.duplicated() & long["value"].notna() & (long["value"] != 0)).sum())
    # A month of which any reading is missing is not known, as if it were not there.
    known = periods.loc[periods["count"] == periods["size"], "sum"]
    with np.errstate(over="ignore"):
        years = known.groupby(level=["key", "column", "year"], sort=True).agg(["sum", "count"])
    made: dict[str, pd.Series] = {}
    for (column, number), group in years.groupby(level=["column", "year"], sort=True):
        ours = f"{column}_{number}"
        totals = group.droplevel(["column", "year"])
        amount, months = totals["sum"], totals["count"]
        if np.isinf(amount).any():
            raise BadValue(
                f"{name}: {ours} of {listed(amount.index[np.isinf(amount)])} adds up to more than any number"
            )
        if join.month is not None and (short := months < 12).any():
            report.incomplete_years[ours] = int(short.sum())
            if join.missing_months == "scale":
                amount = amount * 12 / months
                made[f"{ours}_months"] = months.astype(float)
            else:
                amount = amount.where(~short)
        made[ours] = amount
    keys = pd.Index(sorted(set(long["key"])), dtype=object)
    return pd.DataFrame({ours: series.reindex(keys) for ours, series in sorted(made.items())}, index=keys)


def _periods(table: Table, join: Join, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Year and month (0: the whole year) of every row."""
    count = len(table.rows)
    years = np.full(count, join.year if isinstance(join.year, int) else 0, dtype=np.int64)
    if isinstance(join.year, str):
        years = _whole(table, join.year, 1900, 2200, "a year", name)
    if join.month is None:
        return years, np.zeros(count, dtype=np.int64)
    if join.year is not None:
        return years, _whole(table, join.month, 1, 12, "a month, 1 to 12", name)
    codes, uniques = pd.factorize(texts(table.rows[join.month]), use_na_sentinel=True)
    found = [_MONTH.match(str(value)) for value in uniques]
    wrong = [
        value for value, match in zip(uniques, found, strict=True) if not match or not 1 <= int(match["month"]) <= 12
    ]
    if wrong or (codes < 0).any():
        raise BadValue(
            f"{name}, column {join.month!r}: {listed(wrong) if wrong else 'empty cells'}; expected months "
            "such as 202301 or 2023-01, or a column for the year too"
        )
    pairs = np.array([(int(match["year"]), int(match["month"])) for match in found if match], dtype=np.int64)
    return pairs[codes, 0], pairs[codes, 1]


def _whole(table: Table, column: str, low: int, high: int, what: str, name: str) -> NDArray[np.int64]:
    values, bad = numbers(table.rows[column], "", f"{name}, column {column!r}")
    wrong = np.isnan(values) | (values < low) | (values > high) | (values != np.floor(values))
    if wrong.any():
        shown = bad.examples or [str(value) for value in table.rows[column][wrong].iloc[:3]]
        raise BadValue(f"{name}, column {column!r}: {int(wrong.sum())} values are not {what}, e.g. {listed(shown)}")
    return values.astype(np.int64)


def _column_names(table: Table, join: Join, name: str) -> NDArray[np.object_]:
    """`<carrier>_<unit>` of every row, in our words."""
    count = len(table.rows)
    given = texts(table.rows[join.carrier]) if join.carrier else np.full(count, join.carrier_is, dtype=object)
    units = texts(table.rows[join.unit_column]) if join.unit_column else np.full(count, join.unit, dtype=object)
    both = pd.Series(list(zip(given, units, strict=True)), dtype=object)
    codes, uniques = pd.factorize(both)
    named = []
    for carrier, unit in uniques:
        ours = join.carriers.get(carrier, carrier)
        column = f"{str(ours).lower()}_{str(unit).lower()}"
        if carrier is None or unit is None or not METER_COLUMN.match(column):
            raise BadValue(
                f"{name}: carrier {carrier!r} with unit {unit!r} makes no column of ours (<carrier>_<unit>); map the "
                "carrier with carriers: {theirs: ours} to electricity, gas, heat, steam, oil, lpg, coal or wood, and "
                "write the unit as kWh, MWh, GJ, Nm3, therm, kBtu ..."
            )
        named.append(column)
    return np.array(named, dtype=object)[codes]
