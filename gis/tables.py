"""Tables: CSV (any of , ; | tab between columns) and XLSX, as text, nothing converted; and points from coordinates."""

import csv
import io
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import shapely
from openpyxl.utils.exceptions import InvalidFileException

from gis.crs import check_degrees, source_crs
from gis.encodings import decode
from gis.errors import BadValue, EmptyLayer, LayerMissing, UnreadableFile, did_you_mean, listed
from gis.geometry_column import GeometryColumn
from gis.layers import ReadReport
from gis.raw import Raw, Request, require_columns
from gis.values import numbers

_DELIMITERS = ",;|\t"


@dataclass(frozen=True)
class Table:
    """Rows as the file has them: text (CSV) or cells (XLSX), missing as None."""

    rows: pd.DataFrame
    encoding: str
    delimiter: str
    """Empty for XLSX."""

    @property
    def any_comma(self) -> bool:
        """Whether every comma in a number is suspect: between semicolons, 1,234 may mean 1.234."""
        return self.delimiter == ";"


def read_table(path: Path, sheet: str | None = None, encoding: str | None = None) -> Table:
    """Read a whole table without converting anything.

    Args:
        path: .csv, .tsv, .txt or .xlsx.
        sheet: of an XLSX; needed when it has several.
        encoding: of a CSV; UTF-8 when not given, a byte order mark always wins.

    Raises:
        WrongEncoding, UnreadableFile, LayerMissing, EmptyLayer; BadValue for repeated column names.
    """
    table = _read_xlsx(path, sheet) if path.suffix.lower() == ".xlsx" else _read_csv(path, encoding)
    repeated = [name for name, count in Counter(table.rows.columns).items() if count > 1]
    if repeated:
        raise BadValue(f"{path.name} has several columns named {listed(map(repr, repeated))}; expected unique names")
    if table.rows.empty:
        raise EmptyLayer(f"{path.name} has a header and no rows")
    return table


def _read_csv(path: Path, encoding: str | None) -> Table:
    text, used = decode(path.read_bytes(), encoding, path.name)
    if "\0" in text:
        raise UnreadableFile(f"{path.name} holds zero bytes; it is damaged, or a spreadsheet renamed to {path.suffix}")
    if not text.strip():
        raise EmptyLayer(f"{path.name} holds no text")
    header = text.lstrip().splitlines()[0]
    delimiter = delimiter_of(header)
    try:
        rows = pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            dtype=str,
            keep_default_na=False,
            header=None,
            skip_blank_lines=True,
            engine="c",
            quoting=csv.QUOTE_MINIMAL,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as problem:
        raise UnreadableFile(
            f"{path.name} cannot be read as a table with {delimiter!r} between columns: {str(problem).strip()}; "
            "a quote is open, or rows differ in their number of columns"
        ) from problem
    rows = rows.astype(object).where(rows.notna(), None)
    names = [str(name or "").strip() for name in rows.iloc[0]]
    body = rows.iloc[1:].reset_index(drop=True)
    body.columns = pd.Index(names)
    return Table(body, used, delimiter)


def delimiter_of(header: str) -> str:
    """The sign that parts most columns of the header, outside quotes; a comma for a single column."""
    bare = "".join(part for index, part in enumerate(header.split('"')) if index % 2 == 0)
    return max(_DELIMITERS, key=bare.count) if any(sign in bare for sign in _DELIMITERS) else ","


def _open_book(path: Path) -> Any:
    try:
        return openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as problem:
        raise UnreadableFile(
            f"{path.name} cannot be opened as XLSX ({problem}); it is damaged or protected"
        ) from problem


def _read_xlsx(path: Path, sheet: str | None) -> Table:
    book = _open_book(path)
    try:
        names = list(book.sheetnames)
        if sheet is None and len(names) != 1:
            raise LayerMissing(f"{path.name} has {len(names)} sheets: {listed(names)}; choose one with layer:")
        if sheet is not None and sheet not in names:
            raise LayerMissing(
                f"{path.name} has no sheet {sheet!r}; it has: {listed(names)}.{did_you_mean(sheet, names)}"
            )
        cells = [row for row in book[sheet or names[0]].iter_rows(values_only=True) if any(c is not None for c in row)]
    finally:
        book.close()
    if not cells:
        raise EmptyLayer(f"{path.name} holds no cells")
    header = ["" if name is None else str(name).strip() for name in cells[0]]
    width = max((index + 1 for index, name in enumerate(header) if name), default=0)
    body = [tuple(row[:width]) + (None,) * (width - len(row)) for row in cells[1:]]
    return Table(pd.DataFrame(body, columns=header[:width], dtype=object), "UTF-8", "")


def read_points(request: Request, report: ReadReport) -> Raw:
    """Read a table whose columns `x` and `y` are coordinates in `crs`; rows without them are empty geometries.

    Raises:
        ColumnMissing; BadValue when no coordinate can be read; CrsError.
    """
    assert request.x is not None
    assert request.y is not None
    name = request.path.name
    table = read_table(request.path, request.layer, request.encoding)
    require_columns((*request.columns, request.x, request.y), list(table.rows.columns), name)
    places = []
    for column in (request.x, request.y):
        place, bad = numbers(
            table.rows[column], "", f"{name}, column {column!r}", refuse_commas=True, any_comma=table.any_comma
        )
        if bad.count:
            report.unparsable[column] = bad
        places.append(place)
    known = np.isfinite(places[0]) & np.isfinite(places[1])
    if not known.any():
        raise BadValue(
            f"{name}: columns {request.x!r} and {request.y!r} hold no readable coordinates; "
            f"first values: {listed(table.rows[request.x].iloc[:3])}"
        )
    geometries = np.full(len(known), None, dtype=object)
    geometries[known] = shapely.points(places[0][known], places[1][known])
    crs = source_crs(None, request.crs, name, report.notes)
    check_degrees(shapely.bounds(geometries), crs, name)
    report.read += len(known)
    report.crs, report.encoding, report.layer = crs.to_string(), table.encoding, request.layer
    ids = np.arange(1, len(known) + 1).astype(str).astype(object)
    values = table.rows[list(request.columns)]
    return Raw(ids, GeometryColumn.of_objects(geometries), values, crs, any_comma=table.any_comma)
