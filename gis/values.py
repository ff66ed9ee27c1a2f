"""Values as text and as numbers: what cannot be read becomes null and is counted, never guessed."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.errors import BadValue
from gis.layers import Unparsable
from gis.sources import METER_COLUMN, Allowed, Range

NULL_WORDS = frozenset({"", "-", "--", "na", "n/a", "nan", "null", "none", "#n/a", "<null>", "<na>"})
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
_COMMA = re.compile(r"^[+-]?\d*,\d+$|^[+-]?\d{1,3}(\.\d{3})+,\d+$")
_METRES = re.compile(r"^([+-]?\d+(?:\.\d+)?)\s*m$")
_YEAR = re.compile(r"^(\d{4})(?:[-/.]\d{1,2}){0,2}$|^(\d{4})\d{4}$")
_NUMERIC = frozenset(
    {
        "levels",
        "height_m",
        "year_built",
        "floor_area_m2",
        "lanes",
        "aadt",
        "age_years",
        "increment_m3_ha",
        "population",
        "jobs",
        "class_code",
    }
)


def is_numeric_column(ours: str) -> bool:
    """Whether one of our columns holds numbers (speed_kmh stays as given: `30 mph` is read by gis.transport)."""
    return ours in _NUMERIC or bool(METER_COLUMN.match(ours)) or ours.startswith(("aadt_", "population_", "jobs_"))


def texts(values: Iterable[Any]) -> NDArray[np.object_]:
    """Values as stripped text or None; whole floats lose their `.0`, so that keys of two files agree."""
    array = np.asarray(values if isinstance(values, np.ndarray | pd.Series) else list(values))
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(str).astype(object)
    array = array.astype(object)
    if pd.api.types.infer_dtype(array, skipna=True) == "string":  # all of them at once
        trimmed = pc.utf8_trim_whitespace(pa.array(array, pa.large_string(), from_pandas=True))
        kept = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.large_string()), trimmed)
        return np.asarray(kept.to_numpy(zero_copy_only=False), dtype=object)
    codes, uniques = pd.factorize(array, use_na_sentinel=True)
    table = np.array([_text(value) for value in uniques] + [None], dtype=object)
    return table[codes]


def _text(value: Any) -> str | None:
    if isinstance(value, float | np.floating) and float(value).is_integer() and abs(float(value)) < 1e15:
        return str(int(value))
    text = str(value).strip()
    return text or None


def numbers(
    values: Iterable[Any], column: str, where: str, *, refuse_commas: bool = False, any_comma: bool = False
) -> tuple[NDArray[np.float64], Unparsable]:
    """Read numbers from anything: `1,234` (thousands) and `12 m` are understood, `3;4` is not.

    Args:
        values: numbers, text, missing; any length.
        column: one of our columns; `year_built` also takes dates (1985-05, 19850501).
        where: file and column, for messages.
        refuse_commas: a decimal comma is an error (a table whose numbers would be misread), not a null.
        any_comma: any comma in a number is an error; for tables parted by `;`, where 1,234 may be 1.234.

    Returns:
        float64 with NaN for missing or unreadable, and what was unreadable.

    Raises:
        BadValue: decimal commas.
    """
    array = np.asarray(values if isinstance(values, np.ndarray | pd.Series) else list(values))
    if np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating):
        return _finite_numbers(array.astype(np.float64))
    codes, uniques = pd.factorize(array.astype(object), use_na_sentinel=True)
    table = np.full(len(uniques) + 1, np.nan)
    bad: dict[int, str] = {}
    plain = np.zeros(len(uniques), dtype=bool)
    if column != "year_built" and all(type(value) is str for value in uniques):
        # Most columns of most tables are nothing but plain numbers: no need to look at each of them closely.
        series = pd.Series(uniques, dtype="str")
        plain = series.str.fullmatch(r"[0-9]+(\.[0-9]+)?").to_numpy(dtype=bool)
        table[np.flatnonzero(plain)] = series[plain].astype(np.float64).to_numpy()
        endless = np.isinf(table[:-1])  # hundreds of digits
        plain = plain & ~endless
        table[:-1][endless] = np.nan
    for index in np.flatnonzero(~plain).tolist():
        value = uniques[index]
        if isinstance(value, int | float | np.integer | np.floating):
            table[index] = float(value) if np.isfinite(value) else np.nan
            if not np.isfinite(value):
                bad[index] = str(value)
            continue
        text = str(value).strip()
        if text.lower() in NULL_WORDS:
            continue
        comma = _COMMA.match(text) and not _THOUSANDS.match(text)
        if refuse_commas and (comma or (any_comma and "," in text)):
            raise BadValue(
                f"{where}: {text!r} seems to use a decimal comma, which cannot be told from a thousands "
                "separator; write numbers with a decimal point"
            )
        number = _number(text, column)
        if number is None:
            bad[index] = text
        else:
            table[index] = number
    counts = np.bincount(codes[codes >= 0], minlength=len(uniques)) if bad else np.zeros(0, dtype=int)
    unparsable = Unparsable(int(sum(counts[index] for index in bad)), [text[:80] for text in sorted(bad.values())[:5]])
    return table[codes], unparsable


def _finite_numbers(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], Unparsable]:
    endless = np.isinf(values)
    examples = sorted({str(value) for value in values[endless].tolist()})
    return np.where(endless, np.nan, values), Unparsable(int(endless.sum()), examples)


def _number(text: str, column: str) -> float | None:
    if column == "year_built":
        year = _YEAR.match(text)
        return float(year[1] or year[2]) if year else None
    if _THOUSANDS.match(text):
        text = text.replace(",", "")
    elif column == "height_m" and (metres := _METRES.match(text)):
        text = metres[1]
    if not re.match(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$", text):
        return None
    number = float(text)
    return number if np.isfinite(number) else None


def matches(values: Iterable[Any], allowed: Allowed, column: str, where: str) -> NDArray[np.bool_]:
    """Which values a `where` keeps: those in the list (compared as text), or within the range.

    Missing ones only where the list holds None.
    """
    if isinstance(allowed, Range):
        number, _ = numbers(values, column, where)
        low = -np.inf if allowed.min is None else allowed.min
        high = np.inf if allowed.max is None else allowed.max
        return (number >= low) & (number <= high)
    given = texts(values)
    missing = np.asarray(pd.isna(given), dtype=np.bool_)
    named = np.isin(given.astype(str), np.array([value for value in allowed if value is not None], dtype=str))
    return np.where(missing, None in allowed, named)
