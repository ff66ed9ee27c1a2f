"""Factors of an edition as scenarios need them: emissions of a carrier per energy, and of a fuel per litre."""

from collections.abc import Mapping, Sequence
from typing import Any

from accounting.errors import FactorNotFound, InvalidFactor, UnknownUnit
from accounting.factors import FactorTable
from accounting.units import conversion, factor_unit
from grids.manifest import Manifest
from scenarios.state import CarrierFactor

_ACTIVITIES = {
    "electricity": "electricity",
    "heat": "heat",
    "gas": "gas.energy",
    "oil": "oil.energy",
    "lpg": "lpg.energy",
    "coal": "coal.energy",
    "wood": "wood.energy",
}


def carrier_factors(manifest: Manifest, year: int, table: FactorTable) -> dict[str, CarrierFactor]:
    """Emissions per energy of the carriers, tCO2e/MWh: as the edition used them, else as the tables have them.

    Args:
        manifest: of the edition; what the region file gives comes before any table.
        year: of the activities.
        table: the factor tables that ship with the software.
    """
    found = {}
    for carrier, activity in _ACTIVITIES.items():
        factor = tonnes_per(manifest, activity, year, table, "MWh")
        if factor is not None:
            found[carrier] = CarrierFactor(*factor)
    return found


def tonnes_per(
    manifest: Manifest, activity: str, year: int, table: FactorTable, unit: str
) -> tuple[float, float | None, str] | None:
    """Tonnes of CO2e per `unit` of an activity, half its 95 % interval in %, and the factor's id; None if unknown."""
    assumed = [row for row in manifest.assumptions if row.get("id") == f"factor.{activity}"]
    used = [row for row in manifest.factors if row.get("activity") == activity]
    for row in (*_nearest(used, year), *assumed):
        tonnes = _tonnes(row, unit)
        if tonnes is not None:
            half = row.get("u95_percent")
            return tonnes, float(half) if isinstance(half, int | float) else None, str(row.get("id", ""))
    try:
        lookup = table.lookup(activity, year=year, regions=manifest.region.factor_regions)
        return lookup.factor.tco2e_per(unit), lookup.factor.u95_percent, lookup.factor.id
    except (FactorNotFound, InvalidFactor):
        return None


def _nearest(rows: Sequence[Mapping[str, Any]], year: int) -> list[Mapping[str, Any]]:
    """Rows of the year or the last before it first, then later ones, then those without a year."""

    def distance(row: Mapping[str, Any]) -> tuple[int, int]:
        start = row.get("year_from")
        if not isinstance(start, int):
            return 2, 0
        return (0, year - start) if start <= year else (1, start - year)

    return sorted(rows, key=distance)


def _tonnes(row: Mapping[str, Any], unit: str) -> float | None:
    """Tonnes of CO2e per unit; None for another gas or dimension."""
    try:
        parts = factor_unit(str(row["unit"]))
        if parts.gas != "CO2e":
            return None
        return float(row["value"]) * parts.tonnes * conversion(unit, parts.per)
    except (UnknownUnit, KeyError, TypeError, ValueError):
        return None
