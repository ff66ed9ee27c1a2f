"""Inventories that others published, as totals by place and category: read strictly, sums checked.

Forms: tables that ship in `data/inventories`, files of control totals, and the spreadsheets of the UNFCCC (GHG profiles
of countries outside Annex I; totals of Annex I countries).
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from accounting.errors import InvalidTable
from accounting.tables import number, read_rows, whole_number

CATEGORIES = ("total", "net", "energy", "transport", "other_sectors", "ippu", "agriculture", "lulucf", "waste")
"""What an entry may be of: IPCC sectors, of energy also 1.A.3 and 1.A.4, and the totals without and with land use."""

TABLE_COLUMNS = ("name", "total", "net", "energy", "ippu", "agriculture", "lulucf", "waste")
_INDEX_COLUMNS = (
    *("id", "title_en", "title_ko", "year", "published", "basis", "unit", "whole"),
    *("row_tolerance", "net_tolerance", "column_tolerance", "source"),
)
_TONNES = {"t": 1.0, "kt": 1000.0}
_SUMMED = ("energy", "ippu", "agriculture", "waste")

_PROFILE_SHEET = "Data_by_sector"
_PROFILE_TITLE = "GHG emissions, Gg CO2 equivalent"
_PROFILE_ROWS = {
    "GHG emissions without LULUCF / LUCF": "total",
    "GHG net emissions/removals with LULUCF / LUCF": "net",
    "GHG net emissions/removals by LULUCF / LUCF": "lulucf",
    "1. Energy": "energy",
    "1.A.3. Transport": "transport",
    "1.A.4. Other sectors": "other_sectors",
    "2. Industrial Processes": "ippu",
    "4. Agriculture": "agriculture",
    "6. Waste": "waste",
}
_NO_VALUE = frozenset({"NA", "NO", "NE", "IE", "C", "\N{EM DASH}", "\N{EN DASH}"})
"""Notation keys of inventories: not applicable, not occurring, not estimated, included elsewhere, confidential; and the
dash of time series: no data available."""

_YEAR = re.compile(r"\s*(?:Last Inventory Year \()?(\d{4})\)?\s*$")
"""A heading of a time series; the last one does not only consist of its year."""


@dataclass(frozen=True)
class Inventory:
    """A published inventory.

    Attributes:
        id: short name.
        title: by language.
        basis: `direct`.
        source: whose it is.
        year: of the emissions; None where it is not printed.
        whole: (category,) -> tCO2e of all places together; a category that was not estimated is not in it.
        places: name of a place -> category -> tCO2e; empty for a national one.
        rounding_t: by how much a value may be off by rounding, tCO2e.
    """

    id: str
    title: Mapping[str, str]
    basis: str
    source: str
    year: int | None
    whole: Mapping[str, float]
    places: Mapping[str, Mapping[str, float]]
    rounding_t: float


def shipped_inventories(folder: Path) -> list[str]:
    """Ids of the inventories in `data/inventories`."""
    return [row["id"] for row in read_rows(folder / "inventories.csv", _INDEX_COLUMNS)]


def read_inventory(folder: Path, name: str) -> Inventory:
    """Read one of the inventories that ship, and check its sums.

    Args:
        folder: `data/inventories`.
        name: its id.

    Raises:
        InvalidTable: no such inventory, a value that is no number, or a sum that is off by more than rounding; names
            the row, both numbers and the tolerance.
    """
    index = {row["id"]: row for row in read_rows(folder / "inventories.csv", _INDEX_COLUMNS)}
    if name not in index:
        raise InvalidTable(f"{folder / 'inventories.csv'}: no inventory {name!r}; there are {', '.join(index)}.")
    about, where = index[name], f"inventories.csv, {name}"
    if about["unit"] not in _TONNES or about["basis"] != "direct":
        raise InvalidTable(f"{where}: unit {about['unit']!r}, basis {about['basis']!r}; expected t or kt, and direct.")
    tonnes = _TONNES[about["unit"]]
    path = folder / f"{name}.csv"
    rows: dict[str, dict[str, float]] = {}
    for line, row in enumerate(read_rows(path, TABLE_COLUMNS), start=2):
        if not row["name"] or row["name"] in rows:
            raise InvalidTable(f"{path.name}, row {line}: name {row['name']!r} is empty or stands twice.")
        rows[row["name"]] = {column: _given(row, column, f"{path.name}, row {line}") for column in TABLE_COLUMNS[1:]}
    tolerances = {column: _given(about, f"{column}_tolerance", where) for column in ("row", "net", "column")}
    check_sums(rows, about["whole"], tolerances, path.name, about["unit"])
    in_tonnes = {
        place: {category: value * tonnes for category, value in values.items()} for place, values in rows.items()
    }
    return Inventory(
        id=name,
        title={"en": about["title_en"], "ko": about["title_ko"]},
        basis=about["basis"],
        source=about["source"],
        year=whole_number(about, "year", where),
        whole=in_tonnes.pop(about["whole"]),
        places=in_tonnes,
        rounding_t=tonnes / 2,
    )


def check_sums(
    rows: Mapping[str, Mapping[str, float]], whole: str, tolerances: Mapping[str, float], where: str, unit: str
) -> None:
    """Check that a table adds up: parts to totals, totals and land use to net, places to the whole.

    Args:
        rows: place -> category -> value.
        whole: name of the row of all places.
        tolerances: `row` (total), `net` and `column`, in the unit.
        where: file, for messages.
        unit: of the values, for messages.

    Raises:
        InvalidTable: names the row or column, what it says, and what it adds up to.
    """
    if whole not in rows:
        raise InvalidTable(f"{where}: no row {whole!r}, which should be the sum of all others.")
    for place, values in rows.items():
        for total, parts, tolerance in (
            ("total", _SUMMED, tolerances["row"]),
            ("net", ("total", "lulucf"), tolerances["net"]),
        ):
            added = math.fsum(values[part] for part in parts)
            if abs(values[total] - added) > tolerance:
                raise InvalidTable(
                    f"{where}, {place}: {total} is {values[total]:g} {unit}, but {' + '.join(parts)} are {added:g}; "
                    f"more apart than rounding explains ({tolerance:g}). A digit was misread, or a column moved."
                )
    for column in TABLE_COLUMNS[1:]:
        added = math.fsum(values[column] for place, values in rows.items() if place != whole)
        if abs(rows[whole][column] - added) > tolerances["column"]:
            raise InvalidTable(
                f"{where}: {column} of {whole} is {rows[whole][column]:g} {unit}, but the {len(rows) - 1} places add "
                f"up to {added:g}; they differ by more than rounding explains ({tolerances['column']:g})."
            )


def read_unfccc_profile(path: Path, year: int | None = None) -> Inventory:
    """Read a country's GHG profile as the UNFCCC publishes it (sheet `Data_by_sector`, Gg CO2 equivalent).

    Args:
        path: the spreadsheet, e.g. `UZB_ghg_profile.xlsx`.
        year: the latest with a total if None. Parties outside Annex I skip years.

    Raises:
        InvalidTable: no such file, sheet, heading or year; names what there is.
    """
    rows = _sheet(path, _PROFILE_SHEET)
    if not rows or str(rows[0][0]).strip() != _PROFILE_TITLE:
        found = rows[0][0] if rows else None
        raise InvalidTable(f"{path.name}: the sheet {_PROFILE_SHEET} begins with {found!r}, not {_PROFILE_TITLE!r}.")
    years = {int(str(cell)): column for column, cell in enumerate(rows[0]) if str(cell or "").isdigit()}
    found_at: dict[str, Sequence[Any]] = {}
    for row in rows[1:]:
        label = str(row[0] or "").strip()
        if label.startswith("Average annual changes"):
            break  # the same labels come again, with percentages
        if label in _PROFILE_ROWS:
            found_at.setdefault(_PROFILE_ROWS[label], row)
    if "total" not in found_at or "energy" not in found_at:
        raise InvalidTable(f"{path.name}: {_PROFILE_SHEET} lacks the rows of the total and of 1. Energy.")
    given = [one for one, column in years.items() if _gg(found_at["total"][column], path) is not None]
    if not given or (year is not None and year not in given):
        listing = ", ".join(map(str, given)) or "none"
        raise InvalidTable(f"{path.name}: no total of {year if year is not None else 'any year'}; there is {listing}.")
    chosen = max(given) if year is None else year
    values = {category: _gg(row[years[chosen]], path) for category, row in found_at.items()}
    country = path.stem.removesuffix("_ghg_profile")
    return Inventory(
        id=country.lower(),
        title={"en": f"{country}, GHG profile {chosen}"},
        basis="direct",
        source="UNFCCC, GHG Profiles - Non-Annex I, as received from the Party",
        year=chosen,
        whole={category: value * 1000 for category, value in values.items() if value is not None},
        places={},
        rounding_t=5.0,
    )


def read_annex1_totals(path: Path, party: str, year: int | None = None) -> Inventory:
    """Read one Party's total without land use from the UNFCCC's time series of Annex I countries (kt CO2 equivalent).

    Args:
        path: the spreadsheet, `Time Series - GHG total without LULUCF, in kt CO2 equivalent.xlsx`.
        party: as it writes it, e.g. `Liechtenstein`; case does not matter.
        year: the latest of this Party if None; not every Party has reported the last one.

    Raises:
        InvalidTable: no such file, Party or year; names what there is.
    """
    rows = _sheet(path, None)
    at = next((at for at, row in enumerate(rows) if row and str(row[0] or "").strip() == "Party"), None)
    if at is None:
        raise InvalidTable(f"{path.name}: no heading 'Party'; is it the time series of Annex I countries?")
    title = next((str(row[0]) for row in rows[:at] if row and row[0]), "")
    if "without LULUCF" not in title or "kt CO" not in title:
        raise InvalidTable(f"{path.name} is {title!r}; expected is the time series of totals without LULUCF, in kt.")
    parties: dict[str, Sequence[Any]] = {}
    for row in rows[at + 1 :]:
        if not row or not row[0]:
            break  # notes follow
        parties[str(row[0]).strip()] = row
    name = next((name for name in parties if name.casefold() == party.strip().casefold()), None)
    if name is None:
        raise InvalidTable(f"{path.name}: no Party {party!r}; there are {', '.join(parties)}.")
    years = {int(found[1]): column for column, cell in enumerate(rows[at]) if (found := _YEAR.match(str(cell or "")))}
    values = {one: _gg(parties[name][column], path) for one, column in years.items()}
    given = [one for one, value in values.items() if value is not None]
    chosen = max(given, default=None) if year is None else year
    value = None if chosen is None else values.get(chosen)
    if value is None:
        listing = f"from {min(given)} to {max(given)}" if given else "of no year"
        raise InvalidTable(f"{path.name}: no total of {name} in {year or 'any year'}; it gives totals {listing}.")
    return Inventory(
        id="annex1",
        title={"en": f"{name}, total without land use {chosen}"},
        basis="direct",
        source="UNFCCC, Time Series - GHG total without LULUCF, Annex I, as received from the Party",
        year=chosen,
        whole={"total": value * 1000},
        places={},
        rounding_t=0.0,
    )


def is_profile(path: Path) -> bool:
    """Whether a spreadsheet of the UNFCCC is a country's profile; else it is taken for a time series of many.

    Raises:
        InvalidTable: no such file, or no spreadsheet.
    """
    return _PROFILE_SHEET in _sheets(path)


def _given(row: Mapping[str, str], column: str, where: str) -> float:
    value = number(row, column, where)
    if value is None:
        raise InvalidTable(f"{where}: {column!r} is empty; expected a number.")
    return value


def _sheet(path: Path, name: str | None) -> list[tuple[Any, ...]]:
    """Rows of a sheet of a spreadsheet, of the first if no name is given, as values."""
    with _opened(path) as book:
        if name is not None and name not in book.sheetnames:
            raise InvalidTable(f"{path.name}: no sheet {name!r}; there are {', '.join(book.sheetnames)}.")
        sheet = book[name] if name is not None else book.worksheets[0]
        sheet.reset_dimensions()  # the profiles declare three columns and hold two dozen
        return list(sheet.iter_rows(values_only=True))


def _sheets(path: Path) -> list[str]:
    with _opened(path) as book:
        return list(book.sheetnames)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A spreadsheet to read values from."""
    from openpyxl import load_workbook  # slow to import, and seldom needed
    from openpyxl.utils.exceptions import InvalidFileException

    if not path.is_file():
        raise InvalidTable(f"{path}: no such file; expected a spreadsheet (XLSX) of the UNFCCC.")
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError, ValueError) as problem:
        raise InvalidTable(f"{path.name} is no spreadsheet that can be read (XLSX): {problem}") from None
    try:
        yield book
    finally:
        book.close()


def _gg(cell: Any, path: Path) -> float | None:
    """A value in Gg; None where the Party gives none, or a notation key in its place.

    Raises:
        InvalidTable: any other text.
    """
    if cell is None:
        return None
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell)
    if set(str(cell).replace(" ", "").split(",")) <= _NO_VALUE:
        return None
    raise InvalidTable(f"{path.name}: {cell!r} is no number and no notation key ({', '.join(sorted(_NO_VALUE))}).")
