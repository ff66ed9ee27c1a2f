"""Class tables of land-cover rasters: the raster's code -> our land cover, with source and confidence."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gis.errors import ClassTableError, did_you_mean, listed
from gis.sources import LAND_COVER

HEADER = ("code", "name", "land_cover", "confidence", "source", "note")


@dataclass(frozen=True)
class LandCoverClass:
    """One class of a raster's legend."""

    code: int
    name: str
    land_cover: str
    confidence: str
    source: str
    note: str


def class_table(classes: str | Mapping[int, str], schema: Path) -> dict[int, LandCoverClass]:
    """The classes of a source.

    Args:
        classes: the name of a table (`worldcover`, `esa_cci`, `corine_fi`), or {code: our land cover} of a region file.
        schema: folder of the tables, `data/schema`.

    Returns:
        Classes by code, in code order.

    Raises:
        ClassTableError: no such table; wrong header, a code that stands twice or is no whole number, a word not ours.
    """
    if not isinstance(classes, str):
        return {
            code: LandCoverClass(code, land_cover, land_cover, "region file", "region file", "")
            for code, land_cover in sorted(classes.items())
        }
    path = schema / f"land_cover_{classes}.csv"
    known = sorted(entry.stem.removeprefix("land_cover_") for entry in schema.glob("land_cover_*.csv"))
    if classes not in known:
        raise ClassTableError(
            f"classes: no table {classes!r}; there are: {listed(known)}.{did_you_mean(classes, known)} Or give "
            "{code: land cover} in the region file"
        )
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    table: dict[int, LandCoverClass] = {}
    for line, row in enumerate(rows, start=2):
        if tuple(row) != HEADER:
            raise ClassTableError(f"{path.name}: columns are {listed(row)}; expected {listed(HEADER)}")
        if not row["code"].isdigit() or int(row["code"]) in table:
            raise ClassTableError(f"{path.name}, line {line}: code {row['code']!r}; expected a whole number, each once")
        if row["land_cover"] not in LAND_COVER:
            raise ClassTableError(
                f"{path.name}, line {line}: {row['land_cover']!r} is none of {listed(LAND_COVER, 20)}."
                f"{did_you_mean(row['land_cover'], LAND_COVER)}"
            )
        if not row["source"]:
            raise ClassTableError(f"{path.name}, line {line}: a class needs a source")
        table[int(row["code"])] = LandCoverClass(int(row["code"]), *(row[key] for key in HEADER[1:]))
    if not table:
        raise ClassTableError(f"{path.name} holds no classes")
    return dict(sorted(table.items()))
