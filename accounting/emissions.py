"""Activity to emissions: emission lines, and the formulas of the method note (sections A to C).

The formulas are pure and work elementwise on floats and arrays; units stand in the names. Emissions are signed:
removals by growing forest are negative.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.errors import ShapeMismatch

FloatArray = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int32]

LINE_COLUMNS: dict[str, str] = {
    "feature": "int32",
    "year": "int16",
    "carrier": "category",
    "basis": "category",
    "method": "category",
    "activity": "float64",
    "activity_unit": "category",
    "factor_id": "category",
    "emissions_tco2e": "float64",
    "u_own": "float64",
    "group": "category",
    "u_group": "float64",
    "u_factor": "float64",
    "assumptions": "category",
}
"""Columns of emission lines and their types; docs/architecture.md says what each means."""

BASES = ("direct", "indirect")
METHODS = ("metered", "modelled", "default")
CARRIERS = ("electricity", "gas", "heat", "oil", "lpg", "coal", "wood", "petrol", "diesel", "biomass")

CO2_PER_C = 44.0 / 12.0
DAYS_PER_YEAR = 365


class Kind(NamedTuple):
    """What many lines have in common: every column but the feature, its activity and its emissions."""

    year: int
    carrier: str
    basis: str
    method: str
    activity_unit: str
    factor_id: str
    u_own: float
    group: str
    u_group: float
    u_factor: float
    assumptions: str


_KIND_TYPES: dict[str, Any] = dict(Kind.__annotations__)


@dataclass(frozen=True, eq=False)
class EmissionLines:
    """Emission lines of one layer: each points to its kind, of which there are few.

    Lines stand by year, then by feature, then by kind; lines of one feature and kind as they were made. Kinds are
    sorted and all used. So lines do not depend on how a layer was cut into parts, and sums run in one order.

    Attributes:
        kinds: distinct kinds, sorted.
        feature: (n,) position in the layer.
        kind: (n,) position in `kinds`.
        activity: (n,) in the unit of the kind.
        emissions_tco2e: (n,) signed.
    """

    kinds: tuple[Kind, ...]
    feature: Positions
    kind: Positions
    activity: FloatArray
    emissions_tco2e: FloatArray

    def __len__(self) -> int:
        return len(self.feature)

    def frame(self) -> pd.DataFrame:
        """The lines with the columns of `LINE_COLUMNS`; texts are categories. (n rows)."""
        columns: dict[str, Any] = {}
        for name, dtype in LINE_COLUMNS.items():
            if name not in Kind._fields:
                columns[name] = getattr(self, name)
                continue
            values = [getattr(kind, name) for kind in self.kinds]
            if dtype == "category":
                words = sorted(set(values))
                codes = np.array([words.index(value) for value in values], dtype=np.int16)
                categories = pd.Index(words, dtype="str")
                columns[name] = pd.Categorical.from_codes(codes[self.kind], categories=categories)
            else:
                columns[name] = np.array(values, dtype=dtype)[self.kind]
        return pd.DataFrame(columns)


def line_block(
    feature: npt.NDArray[np.integer[Any]],
    *,
    activity: npt.ArrayLike,
    emissions_tco2e: npt.ArrayLike,
    kind: npt.NDArray[np.integer[Any]] | None = None,
    **columns: Any,
) -> EmissionLines:
    """Emission lines of some features.

    Args:
        feature: (n,) positions in the layer.
        activity: (n,) or one for all.
        emissions_tco2e: (n,) or one for all.
        kind: (n,) which of the kinds each line is of; without it all are of one kind.
        columns: the fields of `Kind`, each a scalar or one value per kind.

    Returns:
        Lines, in the order of `join_lines`.

    Raises:
        ShapeMismatch: a column is missing, unknown, or of another length.
    """
    missing, unknown = set(Kind._fields) - set(columns), set(columns) - set(Kind._fields)
    if missing or unknown:
        raise ShapeMismatch(
            f"Emission lines need exactly {list(LINE_COLUMNS)}: missing {sorted(missing)}, unknown {sorted(unknown)}."
        )
    n = len(feature)
    lengths = {len(value) for value in columns.values() if np.ndim(value)}
    if len(lengths) > 1 or (lengths and kind is None):
        raise ShapeMismatch(
            f"Emission lines: columns of {sorted(lengths)} kinds; expected are columns of one length, and for every "
            "line the kind it is of."
        )
    n_kinds = lengths.pop() if lengths else 1
    of = np.zeros(n, dtype=np.int32) if kind is None else np.asarray(kind, dtype=np.int32)
    numbers = {"activity": np.asarray(activity, np.float64), "emissions_tco2e": np.asarray(emissions_tco2e, np.float64)}
    for name, shape in {"kind": of.shape, **{name: values.shape for name, values in numbers.items()}}.items():
        if shape not in ((), (n,)):
            raise ShapeMismatch(f"Emission lines: {name!r} has {shape[0]} values for {n} features.")
    if n and not 0 <= of.min() <= of.max() < n_kinds:
        raise ShapeMismatch(f"Emission lines: kinds {of.min()} to {of.max()} of {n_kinds}.")
    texts = [[_KIND_TYPES[name](value) for value in _repeated(columns[name], n_kinds)] for name in Kind._fields]
    return join_lines(
        [
            EmissionLines(
                kinds=tuple(map(Kind._make, zip(*texts, strict=True))),
                feature=np.asarray(feature, dtype=np.int32),
                kind=of,
                activity=np.broadcast_to(numbers["activity"], n),
                emissions_tco2e=np.broadcast_to(numbers["emissions_tco2e"], n),
            )
        ]
    )


def _repeated(value: Any, times: int) -> Iterable[Any]:
    return value if np.ndim(value) else [value] * times


def empty_lines() -> EmissionLines:
    """Emission lines of nothing."""
    nothing = np.zeros(0, dtype=np.int32)
    return EmissionLines((), nothing, nothing, np.zeros(0), np.zeros(0))


def join_lines(blocks: Iterable[EmissionLines], offsets: Sequence[int] | None = None) -> EmissionLines:
    """Blocks of lines in one, in the order that `EmissionLines` describes.

    Args:
        blocks: lines of the same layer, or of consecutive parts of it.
        offsets: per block, what is added to its features: how many lie in the parts before it.
    """
    given = list(blocks)
    shifts = [0] * len(given) if offsets is None else offsets
    filled = [(block, shift) for block, shift in zip(given, shifts, strict=True) if len(block)]
    if not filled:
        return empty_lines()
    used = [np.flatnonzero(np.bincount(block.kind, minlength=len(block.kinds))).tolist() for block, _ in filled]
    chosen = {block.kinds[k] for (block, _), of_block in zip(filled, used, strict=True) for k in of_block}
    kinds = tuple(sorted(chosen))
    place = {kind: position for position, kind in enumerate(kinds)}
    feature = np.concatenate([block.feature + np.int32(shift) for block, shift in filled])
    kind = np.concatenate(
        [np.array([place.get(one, -1) for one in block.kinds], dtype=np.int32)[block.kind] for block, _ in filled]
    )
    activity = np.concatenate([block.activity for block, _ in filled])
    emissions = np.concatenate([block.emissions_tco2e for block, _ in filled])
    years = np.array([one.year for one in kinds])
    rank = np.cumsum(np.diff(years, prepend=years[:1]) != 0)
    key = (rank[kind] * (int(feature.max()) + 1) + feature) * len(kinds) + kind
    if not bool(np.all(key[1:] >= key[:-1])):
        order = np.argsort(key, kind="stable")  # merges runs that are in order already
        feature, kind, activity, emissions = feature[order], kind[order], activity[order], emissions[order]
    return EmissionLines(kinds, feature, kind, activity, emissions)


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
