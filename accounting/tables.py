"""Strict reading of the CSV tables in `data/`: every error names file, row and remedy."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from accounting.errors import InvalidTable

Row = dict[str, str]
STATUSES = ("found", "derived", "background", "gap")
CONFIDENCES = ("high", "medium", "low", "none")
DISTRIBUTIONS = ("", "normal", "lognormal")


def read_rows(path: Path, columns: Sequence[str]) -> list[Row]:
    """Rows of a CSV file (UTF-8) that has exactly these columns, in any order; see `read_table`."""
    return read_table(path, columns)


def read_table(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Rows of a CSV file (UTF-8) that has these columns and may have others, in any order.

    Args:
        path: the file.
        columns: the names expected in its header.
        optional: names that may stand there too.

    Returns:
        One mapping per row, texts stripped; row `i` of the list is line `i + 2` of the file.

    Raises:
        InvalidTable: missing file, unknown, repeated or missing column, a row of another length, or no UTF-8.
    """
    if not path.is_file():
        raise InvalidTable(f"{path}: the table does not exist.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            unknown = [name for name in header if name not in (*columns, *optional)]
            missing = [name for name in columns if name not in header]
            if unknown or missing or len(set(header)) != len(header):
                raise InvalidTable(
                    f"{path}: columns must be exactly {', '.join(columns)}"
                    + (f" (and may be {', '.join(optional)})" if optional else "")
                    + f"; unknown: {', '.join(unknown) or 'none'}; missing: {', '.join(missing) or 'none'}."
                )
            rows: list[Row] = []
            for line, cells in enumerate(reader, start=2):
                if len(cells) != len(header):
                    raise InvalidTable(
                        f"{path}, row {line}: {len(cells)} values for {len(header)} columns; quote commas."
                    )
                rows.append({name: cell.strip() for name, cell in zip(header, cells, strict=True)})
    except UnicodeDecodeError as problem:
        raise InvalidTable(f"{path}: not UTF-8 text (byte {problem.start}); save the table as UTF-8.") from None
    return rows


def number(row: Mapping[str, str], column: str, where: str) -> float | None:
    """A number of a row, None where the cell is empty.

    Raises:
        InvalidTable: the cell holds something else than a finite number.
    """
    text = row[column]
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidTable(
            f"{where}: column {column!r} must be a finite number with a decimal point; it holds {text!r}."
        )
    return value


def whole_number(row: Mapping[str, str], column: str, where: str) -> int | None:
    """A whole number of a row, None where the cell is empty.

    Raises:
        InvalidTable: the cell holds something else.
    """
    value = number(row, column, where)
    if value is not None and value != int(value):
        raise InvalidTable(f"{where}: column {column!r} must be a whole number; it holds {row[column]!r}.")
    return None if value is None else int(value)


def check_sourced(row: Mapping[str, str], where: str) -> None:
    """Hold what every row of facts must have: an id, unit, source, and a value unless it is a gap.

    Raises:
        InvalidTable: something is missing or not in its vocabulary.
    """
    for column in ("id", "unit", "source", "confidence", "status"):
        if not row[column]:
            raise InvalidTable(f"{where}: {column!r} is missing; a number never stands alone.")
    for column, allowed in (("status", STATUSES), ("confidence", CONFIDENCES)):
        if row[column] not in allowed:
            raise InvalidTable(f"{where}: {column} {row[column]!r} is not one of {', '.join(allowed)}.")
    if row.get("distribution", "") not in DISTRIBUTIONS:
        raise InvalidTable(f"{where}: distribution {row['distribution']!r} is not one of normal, lognormal.")
    if (row["status"] == "gap") == bool(row["value"]):
        raise InvalidTable(
            f"{where}: status {row['status']!r} with value {row['value']!r}; a gap has no value, anything else has one."
        )
