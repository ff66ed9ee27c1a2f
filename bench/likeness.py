"""Question `likeness`: how much of what buildings deviate by, beyond their use, do neighbours have in common?

The city of Seattle publishes the energy of 3,376 metered buildings with use, floor area and place. Deviations are
those of the logarithm of energy per floor area from the mean of the use. What two buildings have in common is the mean
product of their deviations over the variance, by distance; fitted by part x exp(-distance / range), each pair alike.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from bench.report import Report

FloatArray = NDArray[np.float64]

FILE = "2016_Building_Energy_Benchmarking.csv"
COLUMNS = {
    "which": "buildings",
    "metres": "metres apart",
    "pairs": "pairs",
    "common": "in common, %",
    "fit": "fitted, %",
}
EDGES_M = np.array([0, 50, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000], dtype=float)
LEAST_OF_USE = 10
"""Buildings of one use, with fewer of which its mean is theirs."""
LOW, HIGH = 5.0, 5000.0
"""kWh/m2 and year beyond which an entry is no building's use of energy."""
KWH_M2_PER_KBTU_SF = 3.15459
METRES_PER_DEGREE = 111_195.0


def likeness_question(*, inputs: Path, tell: Callable[[str], None]) -> Report:
    """Measure and fit it for homes, for other buildings, and for both, each by its own variance.

    Args:
        inputs: folder that holds `FILE`.
        tell: is told of each step.
    """
    report = Report("likeness", "What neighbours have in common beyond their use", COLUMNS, {"file": FILE})
    deviation, place, is_home = metered_buildings(inputs / FILE)
    tell(f"{len(deviation):,} buildings with energy, floor area, use and place")
    kinds = {"homes": is_home, "others": ~is_home}
    products = {name: pairs_of(deviation[some], place[some]) for name, some in kinds.items()}
    products["both"] = np.concatenate(list(products.values()), axis=1)
    for name, (distance, product) in products.items():
        common, pairs = correlogram(distance, product)
        part, range_m = fitted(common, pairs)
        middle = (EDGES_M[1:] + EDGES_M[:-1]) / 2
        for low, high, n, value, fit in zip(
            EDGES_M[:-1], EDGES_M[1:], pairs, common, part * np.exp(-middle / range_m), strict=True
        ):
            metres = f"{low:.0f}-{high:.0f}"
            report.rows.append(
                {"which": name, "metres": metres, "pairs": int(n), "common": 100 * value, "fit": 100 * fit}
            )
        report.notes.append(f"{name}: part {part:.1%}, range {range_m:.0f} m")
    return report


def metered_buildings(path: Path) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Deviations (n,) of the logarithm of energy per area from the mean of the use, places (n, 2) in metres, homes."""
    table = pd.read_csv(path, thousands=",", encoding="utf-8-sig")
    intensity = table["SiteEnergyUse(kBtu)"] / table["PropertyGFABuilding(s)"] * KWH_M2_PER_KBTU_SF
    use = table["PrimaryPropertyType"]
    sound = intensity.between(LOW, HIGH) & (table["Electricity(kWh)"] > 0)
    sound &= use.map(use[sound].value_counts()).ge(LEAST_OF_USE)
    table, logs = table[sound], np.log(intensity[sound])
    deviation = logs - logs.groupby(use[sound]).transform("mean")
    north = table["Latitude"].to_numpy(float)
    east = table["Longitude"].to_numpy(float) * np.cos(np.radians(north.mean()))
    is_home = table["BuildingType"].str.startswith("Multifamily").to_numpy(bool)
    return deviation.to_numpy(float), METRES_PER_DEGREE * np.stack([east, north], axis=1), is_home


def pairs_of(deviation: FloatArray, place: FloatArray) -> FloatArray:
    """(2, pairs) distances up to the last edge, and products of deviations over their variance."""
    one, other = np.triu_indices(len(deviation), 1)
    distance = np.hypot(*(place[one] - place[other]).T)
    near = (distance > EDGES_M[0]) & (distance <= EDGES_M[-1])  # of one place: one campus, metered once and split
    centred = deviation - deviation.mean()
    return np.stack([distance[near], (centred[one] * centred[other])[near] / centred.var()])


def correlogram(distance: FloatArray, product: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
    """(classes,) mean product and number of pairs by distance."""
    at = np.searchsorted(EDGES_M, distance, side="left") - 1
    pairs = np.bincount(at, minlength=len(EDGES_M) - 1)
    return np.bincount(at, product, len(EDGES_M) - 1) / np.maximum(pairs, 1), pairs


def fitted(common: FloatArray, pairs: NDArray[np.int64]) -> tuple[float, float]:
    """Part and range in metres of part x exp(-distance / range)."""
    middle = (EDGES_M[1:] + EDGES_M[:-1]) / 2
    (part, range_m), _ = curve_fit(
        lambda distance, part, range_m: part * np.exp(-distance / range_m),
        middle[pairs > 0], common[pairs > 0], p0=(0.1, 300.0), sigma=1 / np.sqrt(pairs[pairs > 0]),
        bounds=((0.0, 10.0), (1.0, 20_000.0)),
    )  # fmt: skip
    return float(part), float(range_m)
