"""Factors: one record per published number, strict loading, and a lookup that says how it chose."""

import dataclasses
import difflib
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accounting import tables
from accounting.curves import ReferenceCurves
from accounting.errors import FactorNotFound, InvalidFactor, InvalidTable, UnknownUnit
from accounting.units import conversion, factor_unit
from accounting.vocabulary import Vocabulary

FACTOR_FILES = (
    "electricity", "fuels", "heat", "gwp", "definitions", "buildings", "transport", "forest", "uncertainty",
    "urban_form", "grids",
)  # fmt: skip
CURVE_FILES = ("road_curves", "species", "uptake_by_age")
GAS_NAMES = ("", "CO2e", "CO2", "CO2bio", "CH4", "N2O", "C")
BASIS_NAMES = ("", "direct", "indirect")
CALORIFIC_NAMES = ("", "net", "gross")
STATISTIC_NAMES = ("", "mean", "median")
ANYWHERE = "anywhere"
_MAY_OVERRIDE = re.compile(r"electricity|heat|cooling|[a-z_]+\.(energy|volume|mass)|eui\.[a-z_]+")


@dataclass(frozen=True)
class Factor:
    """One number with everything it needs to be judged; the fields are the columns of `data/factors`.

    `value` is NaN-free: rows that are gaps are kept apart. `components` names the rows that were added up when CO2, CH4
    and N2O were combined under `gwp_set`.
    """

    id: str
    activity: str
    value: float
    unit: str
    source: str
    carrier: str = ""
    purpose: str = "inventory"
    gas: str = ""
    gwp_set: str = ""
    basis: str = ""
    calorific: str = ""
    statistic: str = ""
    built_from: int | None = None
    built_to: int | None = None
    year_from: int | None = None
    year_to: int | None = None
    period: str = ""
    region: str = ""
    u95_percent: float | None = None
    distribution: str = ""
    confidence: str = "low"
    status: str = "found"
    note: str = ""
    components: tuple[str, ...] = ()

    def tco2e_per(self, unit: str) -> float:
        """Tonnes of CO2e per one `unit` of activity.

        Raises:
            InvalidFactor: the row is not an emission factor in CO2e, or its activity is measured otherwise.
        """
        try:
            parts = factor_unit(self.unit)
            per = conversion(unit, parts.per)
        except UnknownUnit as error:
            raise InvalidFactor(
                f"Factor {self.id!r} ({self.unit}) does not fit an activity in {unit!r}: {error}"
            ) from error
        if parts.gas != "CO2e":
            raise InvalidFactor(
                f"Factor {self.id!r} is in {parts.gas}, not CO2e; ask the table's lookup, which combines gases."
            )
        return self.value * parts.tonnes * per

    def record(self) -> dict[str, Any]:
        """The row as JSON-able mapping, without empty fields, for manifests and receipts."""
        fields = {name: value for name, value in dataclasses.asdict(self).items() if value not in ("", None, ())}
        return fields | ({"components": list(self.components)} if self.components else {})


COLUMNS = tuple(name.name for name in dataclasses.fields(Factor) if name.name != "components")


@dataclass(frozen=True)
class Lookup:
    """The factor that answers, and how it was chosen (year, region, override)."""

    factor: Factor
    chosen: str


@dataclass(frozen=True)
class FactorTable:
    """All factors of `data/factors`, with the overrides of one region.

    Attributes:
        rows: id -> factor, gaps left out.
        gaps: rows that are known to be missing.
        curves: road fuel curves, species coefficients, uptake by age.
        words: road classes, species and land cover as the tables know them.
        overrides: activity -> factor, from the region file.
        gwp_set: the set of warming potentials that combines CO2, CH4 and N2O.
    """

    rows: dict[str, Factor]
    gaps: tuple[tables.Row, ...]
    curves: ReferenceCurves
    words: Vocabulary
    overrides: dict[str, Factor] = field(default_factory=dict)
    gwp_set: str = "AR5"

    @classmethod
    def load(
        cls, folder: Path, overrides: Mapping[str, str | Mapping[str, Any]] | None = None, *, gwp_set: str = "AR5"
    ) -> "FactorTable":
        """Read every table of a folder and apply a region's overrides.

        Args:
            folder: `data/factors`; its vocabularies are in `schema` beside it.
            overrides: activity -> id of a row, or a whole row (value, unit, source, ...), from the region file.
            gwp_set: SAR, AR4, AR5 or AR6.

        Raises:
            InvalidTable: a file breaks the schema; names file and row.
            InvalidFactor: an override names an unknown activity or row, or lacks value, unit or source.
        """
        known = {f"{name}.csv" for name in FACTOR_FILES + CURVE_FILES}
        strangers = sorted(path.name for path in folder.glob("*.csv") if path.name not in known)
        if strangers:
            raise InvalidTable(
                f"{folder}: unknown table {', '.join(strangers)}; tables are {', '.join(sorted(known))}."
            )
        rows: dict[str, Factor] = {}
        gaps: list[tables.Row] = []
        for name in FACTOR_FILES:
            path = folder / f"{name}.csv"
            for line, row in enumerate(tables.read_rows(path, COLUMNS), start=2):
                where = f"{path}, row {line} ({row['id'] or 'no id'})"
                _check_row(row, where)
                if row["id"] in rows or any(row["id"] == gap["id"] for gap in gaps):
                    raise InvalidTable(f"{where}: the id {row['id']!r} is used twice.")
                if row["status"] == "gap":
                    gaps.append(row)
                else:
                    rows[row["id"]] = _factor(row, where)
        curves = ReferenceCurves.load(folder, taken=rows.keys())
        table = cls(rows, tuple(gaps), curves, Vocabulary.load(folder.parent / "schema"), {}, gwp_set)
        if not any(factor.gwp_set == gwp_set for factor in rows.values()):
            raise InvalidFactor(f"No warming potentials named {gwp_set!r}; known are SAR, AR4, AR5, AR6.")
        chosen = {activity: table._override(activity, given) for activity, given in (overrides or {}).items()}
        return dataclasses.replace(table, overrides=chosen)

    def lookup(
        self,
        activity: str,
        *,
        year: int,
        regions: Sequence[str],
        purpose: str = "inventory",
        carrier: str | None = None,
        built: int | None = None,
    ) -> Lookup:
        """The factor for an activity, in CO2e where it weighs gases.

        The nearest region that has a row answers; in it, a row of that very year, else one valid for any year, else the
        nearest earlier year, else the nearest later one. An override of the region file comes before everything.

        Args:
            activity: e.g. `electricity`, `gas.energy`, `gas.volume`, `eui.office`.
            year: year of the activity.
            regions: nearest first; the first word of a region with several ("KR 수도권") is its parent.
            purpose: `inventory`, or what a scheme prescribes, e.g. `ets`.
            carrier: only rows of this carrier.
            built: year of construction, for rows that hold for a vintage.

        Raises:
            FactorNotFound: names what the tables have, known gaps, and the remedy.
        """
        override = self.overrides.get(activity)
        if override is not None and purpose in ("inventory", override.purpose):
            return Lookup(override, f"override of the region file for {activity}")
        candidates = [
            row
            for row in self._by_activity.get(activity, ())
            if row.gas not in ("CH4", "N2O") and carrier in (None, row.carrier)
        ]
        tried: list[str] = []
        for region in [*with_parents(regions), ANYWHERE]:
            pool = [
                row
                for row in candidates
                if (row.region or ANYWHERE) == region and row.purpose == purpose and _of_vintage(row, built)
            ]
            if pool:
                row, how = _of_year(pool, year)
                fallback = f" (nothing for {', '.join(tried)})" if tried else ""
                return Lookup(self.in_co2e(row), f"{how}; region {region}{fallback}")
            tried.append(region)
        raise FactorNotFound(self._not_found(activity, year, regions, purpose, carrier, candidates))

    def find(self, activity: str, **asked: Any) -> Lookup | None:
        """As `lookup`, but None where nothing answers."""
        try:
            return self.lookup(activity, **asked)
        except FactorNotFound:
            return None

    def in_co2e(self, row: Factor) -> Factor:
        """A CO2 row with the CH4 and N2O rows of its activity, region, years and purpose added by `gwp_set`.

        Biogenic CO2 counts as zero (it is reported outside totals). Rows in CO2e, rows that weigh no gas and
        uptake by land are returned as they are.
        """
        if row.gas not in ("CO2", "CO2bio") or row.carrier == "biomass":
            return row
        unit = factor_unit(row.unit)
        value = row.value if row.gas == "CO2" else 0.0
        parts = [row.id]
        for other in self._by_activity.get(row.activity, ()):
            same = (other.activity, other.region, other.purpose, other.year_from, other.year_to) == (
                row.activity, row.region, row.purpose, row.year_from, row.year_to,
            )  # fmt: skip
            if same and other.gas in ("CH4", "N2O"):
                their = factor_unit(other.unit)
                scale = their.tonnes / unit.tonnes * conversion(unit.per, their.per)
                value += other.value * scale * self._warming(other.gas)
                parts.append(other.id)
        mass = row.unit.partition("/")[0].removesuffix(row.gas)
        return dataclasses.replace(
            row, value=value, unit=f"{mass}CO2e/{unit.per}", gas="CO2e", gwp_set=self.gwp_set, components=tuple(parts)
        )

    @functools.cached_property
    def vintages(self) -> tuple[int, ...]:
        """Years of construction at which some row begins or ceases to hold, sorted; between two, answers are alike."""
        rows = [*self.rows.values(), *self.overrides.values()]
        return tuple(
            sorted(
                {row.built_from for row in rows if row.built_from is not None}
                | {row.built_to + 1 for row in rows if row.built_to is not None}
            )
        )

    @functools.cached_property
    def _by_activity(self) -> dict[str, list[Factor]]:
        index: dict[str, list[Factor]] = {}
        for row in self.rows.values():
            index.setdefault(row.activity, []).append(row)
        return index

    def _warming(self, gas: str) -> float:
        for row in self._by_activity.get(f"gwp.{gas.lower()}", ()):
            if row.gwp_set == self.gwp_set:
                return row.value
        raise FactorNotFound(f"The set {self.gwp_set} has no warming potential of {gas}.")

    def _override(self, activity: str, given: str | Mapping[str, Any]) -> Factor:
        activities = {row.activity for row in self.rows.values()} | {gap["activity"] for gap in self.gaps}
        if activity.startswith("carrier_share."):
            raise InvalidFactor(
                f"factors: {activity}: shares are given under assumptions: as buildings.carrier_shares.<use>."
            )
        if activity not in activities and not _MAY_OVERRIDE.fullmatch(activity):
            raise InvalidFactor(f"factors: {activity!r} is not an activity{_nearest(activity, activities)}.")
        if isinstance(given, str):
            if given not in self.rows:
                gap = " (a known gap)" if any(row["id"] == given for row in self.gaps) else _nearest(given, self.rows)
                raise InvalidFactor(f"factors: {activity}: no row {given!r} in the factor tables{gap}.")
            return self.in_co2e(self.rows[given])
        allowed = set(COLUMNS) - {"activity"}
        unknown = sorted(set(given) - allowed)
        missing = [name for name in ("value", "unit", "source") if given.get(name) in (None, "")]
        if unknown or missing:
            raise InvalidFactor(
                f"factors: {activity}: a factor needs value, unit and source. "
                f"Missing: {', '.join(missing) or 'nothing'}; not known here: {', '.join(unknown) or 'nothing'}."
            )
        texts = dict.fromkeys(COLUMNS, "") | {name: str(value) for name, value in given.items() if value is not None}
        purpose = "uncertainty" if activity.startswith("uncertainty.") else "inventory"
        texts = {"confidence": "low", "status": "found", "purpose": purpose} | {k: v for k, v in texts.items() if v}
        if "gas" not in texts:
            texts["gas"] = _gas_of(texts["unit"])
        row = dict.fromkeys(COLUMNS, "") | {"id": f"region:{activity}"} | texts | {"activity": activity}
        try:
            _check_row(row, f"factors: {activity}")
            factor = _factor(row, f"factors: {activity}")
            return self.in_co2e(factor)
        except (InvalidTable, UnknownUnit) as error:
            raise InvalidFactor(str(error)) from error

    def _not_found(
        self,
        activity: str,
        year: int,
        regions: Sequence[str],
        purpose: str,
        carrier: str | None,
        candidates: Sequence[Factor],
    ) -> str:
        have = "; ".join(sorted({_place(row) for row in candidates})) or "nothing"
        gaps = "; ".join(
            f"{gap['id']} ({(gap['note'] or gap['region'] or 'unknown').rstrip('.')})"
            for gap in self.gaps
            if gap["activity"] == activity
        )
        asked = f"purpose {purpose}, year {year}, regions {', '.join(regions)}"
        of_carrier = f", carrier {carrier}" if carrier else ""
        return (
            f"No factor for {activity!r}{of_carrier} ({asked}). The tables have: {have}. "
            f"Known gaps: {gaps or 'none noted'}. Remedy: give it in the region file, under factors: "
            f"({activity}: the id of a row, or a row with value, unit and source) or, where the number is assumed, "
            f"under assumptions: (factor.{activity})."
        )


def with_parents(regions: Iterable[str]) -> list[str]:
    """Regions with the parents that their names imply: "KR 수도권" is in "KR", "temperate continental" in "temperate".

    A parent comes after the last of its children, unless it was given itself.
    """
    given = list(dict.fromkeys(regions))
    order: list[str] = []
    for position, region in enumerate(given):
        order.append(region)
        parent = region.split(" ")[0]
        later = any(name.split(" ")[0] == parent for name in given[position + 1 :])
        if parent not in given and not later:
            order.append(parent)
    return order


def _of_vintage(row: Factor, built: int | None) -> bool:
    if row.built_from is None and row.built_to is None:
        return True
    return built is not None and (row.built_from or built) <= built <= (row.built_to or built)


def _of_year(pool: Sequence[Factor], year: int) -> tuple[Factor, str]:
    def span(row: Factor) -> tuple[int, int]:
        first = 0 if row.year_from is None else row.year_from
        last = 9999 if row.year_to is None else row.year_to
        return first, last

    def rank(row: Factor) -> tuple[int, int, str]:
        vintage = row.built_from is None and row.built_to is None
        return int(vintage), tables.CONFIDENCES.index(row.confidence), row.id

    dated = [row for row in pool if row.year_from is not None or row.year_to is not None]
    exact = [row for row in dated if span(row)[0] <= year <= span(row)[1]]
    undated = [row for row in pool if row not in dated]
    earlier = [row for row in dated if span(row)[1] < year]
    if exact:
        return min(exact, key=lambda row: (span(row)[1] - span(row)[0], *rank(row))), f"exact year {year}"
    if undated:
        return min(undated, key=rank), "valid for any year"
    if earlier:
        row = min(earlier, key=lambda row: (-span(row)[1], *rank(row)))
        return row, f"earlier year {span(row)[1]} for {year}"
    row = min(dated, key=lambda row: (span(row)[0], *rank(row)))
    return row, f"later year {span(row)[0]} for {year}"


def _check_row(row: Mapping[str, str], where: str) -> None:
    tables.check_sourced(row, where)
    vocabularies = {"gas": GAS_NAMES, "basis": BASIS_NAMES, "calorific": CALORIFIC_NAMES, "statistic": STATISTIC_NAMES}
    for column, allowed in vocabularies.items():
        if row[column] not in allowed:
            raise InvalidTable(
                f"{where}: {column} {row[column]!r} is not one of {', '.join(filter(None, allowed))} or empty."
            )
    if not row["activity"] or not row["purpose"]:
        raise InvalidTable(f"{where}: activity and purpose are needed.")
    if row["gas"] in ("CO2e", "CO2", "CO2bio", "CH4", "N2O") and row["basis"] and row["carrier"] != "biomass":
        try:
            stated = factor_unit(row["unit"]).gas
        except UnknownUnit as error:
            raise InvalidTable(f"{where}: {error}") from error
        if stated != row["gas"]:
            raise InvalidTable(f"{where}: the gas is {row['gas']}, the unit {row['unit']} says {stated}.")


def _factor(row: Mapping[str, str], where: str) -> Factor:
    numbers = {
        name: tables.whole_number(row, name, where) for name in ("built_from", "built_to", "year_from", "year_to")
    }
    u95 = tables.number(row, "u95_percent", where)
    value = tables.number(row, "value", where)
    if value is None:
        raise InvalidTable(f"{where}: the value is missing.")
    if u95 is not None and u95 < 0:
        raise InvalidTable(f"{where}: u95_percent is half a 95 % interval in %, not negative; it is {u95}.")
    for low, high in (("year_from", "year_to"), ("built_from", "built_to")):
        first, last = numbers[low], numbers[high]
        if first is not None and last is not None and first > last:
            raise InvalidTable(f"{where}: {low} {first} is after {high} {last}.")
    texts = {name: row[name] for name in COLUMNS if name not in numbers and name not in ("value", "u95_percent")}
    return Factor(**texts, **numbers, value=value, u95_percent=u95)  # type: ignore[arg-type]


def _gas_of(unit: str) -> str:
    try:
        return factor_unit(unit).gas
    except UnknownUnit:
        return ""


def _place(row: Factor) -> str:
    years = str(row.year_from or "") + (f"-{row.year_to}" if row.year_to != row.year_from else "")
    vintage = f" built {row.built_from or ''}-{row.built_to or ''}" if row.built_from or row.built_to else ""
    purpose = "" if row.purpose == "inventory" else f" for {row.purpose}"
    return f"{row.id} ({' '.join(filter(None, (row.region or ANYWHERE, years)))}{vintage}{purpose})"


def _nearest(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, sorted(words), n=3)
    return f"; near it: {', '.join(near)}" if near else ""
