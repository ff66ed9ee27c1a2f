"""Activity to emissions: the frame of emission lines, and the formulas of the method note (sections A to C).

The formulas are pure and work elementwise on floats and arrays; units stand in the names. Emissions are signed:
removals by growing forest are negative.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.errors import ShapeMismatch

FloatArray = npt.NDArray[np.float64]

LINE_COLUMNS: dict[str, str] = {
    "feature": "int32",
    "year": "int16",
    "carrier": "str",
    "basis": "str",
    "method": "str",
    "activity": "float64",
    "activity_unit": "str",
    "factor_id": "str",
    "emissions_tco2e": "float64",
    "u_own": "float64",
    "group": "str",
    "u_group": "float64",
    "u_factor": "float64",
    "assumptions": "str",
}
"""Columns of emission lines and their types; docs/architecture.md says what each means."""

BASES = ("direct", "indirect")
METHODS = ("metered", "modelled", "default")
CARRIERS = ("electricity", "gas", "heat", "oil", "lpg", "coal", "wood", "petrol", "diesel", "biomass")

CO2_PER_C = 44.0 / 12.0
DAYS_PER_YEAR = 365


def line_block(feature: npt.NDArray[np.integer[Any]], **columns: Any) -> pd.DataFrame:
    """Emission lines for some features; scalars are repeated.

    Args:
        feature: (n,) positions in the layer.
        columns: every other column of `LINE_COLUMNS`, a scalar or (n,).

    Returns:
        (n rows) typed frame with exactly the columns of `LINE_COLUMNS`.

    Raises:
        ShapeMismatch: a column is missing, unknown, or of another length.
    """
    missing = set(LINE_COLUMNS) - {"feature"} - set(columns)
    unknown = set(columns) - set(LINE_COLUMNS)
    if missing or unknown:
        raise ShapeMismatch(f"Emission lines need exactly {list(LINE_COLUMNS)}: missing {missing}, unknown {unknown}.")
    data: dict[str, Any] = {"feature": np.asarray(feature)} | columns
    series: dict[str, pd.Series[Any]] = {}
    for name, dtype in LINE_COLUMNS.items():
        value = data[name]
        if np.ndim(value) and len(value) != len(feature):
            raise ShapeMismatch(f"Emission lines: {name!r} has {len(value)} values for {len(feature)} features.")
        filled = value if np.ndim(value) else np.full(len(feature), value, dtype=object if dtype == "str" else None)
        series[name] = pd.Series(np.asarray(filled), dtype=dtype)
    return pd.DataFrame(series)


def empty_lines() -> pd.DataFrame:
    """Emission lines of nothing: the typed columns, no row."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in LINE_COLUMNS.items()})


def join_lines(blocks: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """One frame from blocks of lines, ordered by year, then by block; the index is 0..n-1.

    The order is fixed so that sums run in the same order in every build.
    """
    filled = [block for block in blocks if len(block)]
    if not filled:
        return empty_lines()
    lines = pd.concat(filled, ignore_index=True)
    return lines.sort_values("year", kind="stable", ignore_index=True)


# --- A. Buildings -----------------------------------------------------------------------------------------------------


def gas_volume_tco2(volume_nm3: FloatArray | float, ncv_mj_nm3: float, ef_kg_tj: float) -> FloatArray | float:
    """A1, gas by volume: `V * NCV * EF / 1e9` tonnes (Nm3, MJ/Nm3, kg/TJ). 1,000 Nm3 x 39.4 x 56,100 -> 2.210 t."""
    return volume_nm3 * ncv_mj_nm3 * ef_kg_tj / 1e9


def energy_demand_kwh(
    eui_kwh_m2: FloatArray | float,
    floor_area_m2: FloatArray | float,
    occupancy: FloatArray | float = 1.0,
    climate: FloatArray | float = 1.0,
) -> FloatArray | float:
    """A2: `EUI * floor area * occupancy * climate correction`, kWh a year."""
    return eui_kwh_m2 * floor_area_m2 * occupancy * climate


def climate_correction(
    heating_share: float, cooling_share: float, hdd: float, hdd_ref: float, cdd: float, cdd_ref: float
) -> float:
    """A2: `(1-h-k) + h*HDD/HDD_ref + k*CDD/CDD_ref`, without unit; h and k are shares of energy, h + k <= 1."""
    if heating_share < 0 or cooling_share < 0 or heating_share + cooling_share > 1:
        raise ValueError(
            f"Shares of heating and cooling are 0..1 and at most 1 together: {heating_share}, {cooling_share}."
        )
    fixed = 1 - heating_share - cooling_share
    return fixed + heating_share * hdd / hdd_ref + cooling_share * cdd / cdd_ref


def normalised_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares scaled to add up to one: published shares are rounded (0.72 + 0.25 + 0.02 = 0.99)."""
    total = sum(shares.values())
    if not total > 0 or min(shares.values()) < 0:
        raise ValueError(f"Shares must be positive and not all zero; given {dict(shares)}.")
    return {name: value / total for name, value in shares.items()}


# --- B. Transport -----------------------------------------------------------------------------------------------------


def fuel_litres_per_km(
    speed_kmh: FloatArray | float, a: float, b: float, c: float, d: float, low: float = 5.0, high: float = 140.0
) -> FloatArray:
    """B2, the WebTAG form: `(a + bV + cV^2 + dV^3) / V` litres per km, V clamped to the curve's range (5-140 km/h)."""
    v = np.clip(np.asarray(speed_kmh, dtype=np.float64), low, high)
    return np.asarray((a + b * v + c * v**2 + d * v**3) / v, dtype=np.float64)


def annual_vehicle_km(length_km: FloatArray | float, aadt: FloatArray | float) -> FloatArray | float:
    """B1: `365 * L * AADT`; AADT counts both directions once."""
    return DAYS_PER_YEAR * length_km * aadt


def ev_electricity_kwh(
    vehicle_km: FloatArray | float, kwh_per_km: float, charge_loss: float = 0.0
) -> FloatArray | float:
    """B2, electric vehicles: energy drawn from the grid, `vkm * e / (1 - loss)` kWh."""
    if not 0 <= charge_loss < 1:
        raise ValueError(f"The loss in charging is a share, 0 <= loss < 1; given {charge_loss}.")
    return vehicle_km * kwh_per_km / (1 - charge_loss)


# --- C. Forest and land -----------------------------------------------------------------------------------------------


def tco2_per_m3(density: float, bef: float, root_shoot: float, carbon_fraction: float) -> float:
    """C1 without area and increment: `D * BEF * (1+R) * CF * 44/12`, tCO2 per m3 of stem volume."""
    return density * bef * (1 + root_shoot) * carbon_fraction * CO2_PER_C


def increment_uptake_tco2(area_ha: FloatArray, increment_m3_ha: FloatArray, tco2_m3: FloatArray) -> FloatArray:
    """C1: yearly uptake of a stand, positive; it becomes an emission with the sign turned."""
    return area_ha * increment_m3_ha * tco2_m3


def tier1_uptake_tco2_ha(growth_tdm_ha: float, root_shoot: float, carbon_fraction: float) -> float:
    """C4: `G * (1+R) * CF * 44/12`, tCO2 a year and hectare; above-ground growth needs neither BEF nor density."""
    return growth_tdm_ha * (1 + root_shoot) * carbon_fraction * CO2_PER_C


def uptake_at_age(age_years: FloatArray, curve_age_years: FloatArray, curve_tco2_ha: FloatArray) -> FloatArray:
    """C3: uptake by age (tCO2 a year and hectare), linear between the published ages, the last one held beyond them.

    Below the first published age it rises linearly from zero at age zero: a stand just planted has taken up nothing.
    """
    ages = np.concatenate([[0.0], curve_age_years])
    values = np.concatenate([[0.0], curve_tco2_ha])
    return np.asarray(np.interp(age_years, ages, values), dtype=np.float64)
