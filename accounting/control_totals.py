"""Control totals: what an inventory says a zone, sector and carrier come to, read from a CSV form.

The form is `data/templates/inventory_totals.csv`. A cell that is empty means all of its kind: no zone is the whole
region, no carrier all carriers together.
"""

from dataclasses import dataclass
from pathlib import Path

from accounting.emissions import BASES, CARRIERS
from accounting.errors import InvalidTable
from accounting.tables import Row, number, read_table, whole_number

SECTORS = ("buildings", "transport", "forest")
NEEDED = ("year", "zone", "sector", "carrier", "source")
OPTIONAL = ("tco2e", "mwh", "basis", "uncertainty_percent", "note")
UNITS = {"tco2e": "tCO2e", "mwh": "MWh"}


@dataclass(frozen=True)
class ControlTotal:
    """One total that modelled values are held to.

    Attributes:
        where: file and row, for messages.
        year: of the activity.
        zone: id of a zone, or empty: the whole region.
        sector: buildings, transport or forest.
        carrier: or empty: all carriers.
        basis: `direct`, `indirect`, or empty: both.
        value: in `unit`; emissions are signed, removals negative.
        unit: `tCO2e` or `MWh`.
        u95_percent: half a 95 % interval in percent of the value; None where the inventory states none.
        source: whose total it is.
    """

    where: str
    year: int
    zone: str
    sector: str
    carrier: str
    basis: str
    value: float
    unit: str
    u95_percent: float | None
    source: str

    @property
    def sd(self) -> float | None:
        """Standard deviation in `unit`; None where none is stated."""
        return None if self.u95_percent is None else abs(self.value) * self.u95_percent / 196

    @property
    def place(self) -> str:
        """The zone in words."""
        return f"zone {self.zone!r}" if self.zone else "the whole region"

    @property
    def what(self) -> str:
        """What it is the total of, in words."""
        words = [self.carrier or "all carriers", *([f"({self.basis})"] if self.basis else [])]
        return f"{' '.join(words)} of {self.sector} in {self.place}, {self.year}"

    def covers(self, year: int, zone: str, sector: str, carrier: str, basis: str) -> bool:
        """Whether what is emitted there and so is part of this total."""
        return (
            (self.year, self.sector) == (year, sector)
            and self.zone in ("", zone)
            and self.carrier in ("", carrier)
            and self.basis in ("", basis)
        )


def read_control_totals(path: Path) -> list[ControlTotal]:
    """Read the form.

    Args:
        path: UTF-8 CSV with the columns `NEEDED`, at least one of `tco2e` and `mwh`, and any of `OPTIONAL`; each row
            gives exactly one of `tco2e` and `mwh`.

    Raises:
        InvalidTable: a column or a value is missing, unknown or no number, or a total stands twice; names file and row.
    """
    totals: list[ControlTotal] = []
    first_at: dict[tuple[object, ...], str] = {}
    for line, row in enumerate(read_table(path, NEEDED, OPTIONAL), start=2):
        total = _total(row, f"{path.name}, row {line}")
        key = (total.year, total.zone, total.sector, total.carrier, total.basis)
        if key in first_at:
            raise InvalidTable(f"{total.where}: a total of {total.what} stands already in {first_at[key]}; keep one.")
        first_at[key] = total.where
        totals.append(total)
    if not totals:
        raise InvalidTable(f"{path.name}: no row; expected one row per total (columns {', '.join(NEEDED)}, tco2e).")
    return totals


def _total(row: Row, where: str) -> ControlTotal:
    year = whole_number(row, "year", where)
    if year is None:
        raise InvalidTable(f"{where}: no year; a total is of one year.")
    for column, allowed in (("sector", SECTORS), ("carrier", ("", *CARRIERS)), ("basis", ("", *BASES))):
        if row.get(column, "") not in allowed:
            raise InvalidTable(
                f"{where}: {column} is {row[column]!r}; expected one of {', '.join(filter(None, allowed))}"
                + (", or nothing for all together." if "" in allowed else ".")
            )
    if not row["source"]:
        raise InvalidTable(f"{where}: no source; a number never stands alone.")
    given = {unit: number(row, column, where) for column, unit in UNITS.items() if row.get(column)}
    if len(given) != 1:
        raise InvalidTable(
            f"{where}: {len(given)} totals; expected one, in tco2e or in mwh. What an inventory leaves open is no row."
        )
    ((unit, value),) = given.items()
    assert value is not None
    uncertainty = number(row, "uncertainty_percent", where) if row.get("uncertainty_percent") else None
    if uncertainty is not None and not 0 < uncertainty <= 200:
        raise InvalidTable(
            f"{where}: uncertainty_percent is {uncertainty:g}; expected is half a 95 % interval in percent, above 0 "
            "and up to 200, or nothing where none is stated."
        )
    return ControlTotal(
        where=where,
        year=year,
        zone=row["zone"],
        sector=row["sector"],
        carrier=row["carrier"],
        basis=row.get("basis", ""),
        value=value,
        unit=unit,
        u95_percent=uncertainty,
        source=row["source"],
    )
