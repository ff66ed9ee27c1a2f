"""Seattle publishes every building's energy and its emissions: ours have to be the same (docs/validation.md)."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from accounting.factors import FactorTable
from accounting.fit import fit_factors
from accounting.units import conversion

pytestmark = pytest.mark.shared

ENERGY = ["Electricity(kWh)", "NaturalGas(therms)", "SteamUse(kBtu)"]
TOTAL = "TotalGHGEmissions"
ROUNDING = 0.005 + 1e-9


@pytest.fixture(scope="module")
def buildings(shared: Path) -> pd.DataFrame:
    path = shared / "data" / "seattle-energy-traffic-2016" / "2016_Building_Energy_Benchmarking.csv"
    rows = pd.read_csv(path, encoding="utf-8-sig", thousands=",")
    return rows.dropna(subset=[*ENERGY, TOTAL]).sort_values("OSEBuildingID", ignore_index=True)


def halves(rows: pd.DataFrame) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    even = np.arange(len(rows)) % 2 == 0
    return even, ~even


def test_all_buildings_with_results_take_part(buildings: pd.DataFrame) -> None:
    assert len(buildings) == 3367
    assert buildings[TOTAL].sum() == pytest.approx(403_111, abs=1)


@pytest.mark.parametrize("swap", [False, True])
def test_factors_fitted_on_half_of_the_buildings_reproduce_the_other_half(buildings: pd.DataFrame, swap: bool) -> None:
    fit_half, check_half = halves(buildings)[:: -1 if swap else 1]
    energy, published = buildings[ENERGY].to_numpy(), buildings[TOTAL].to_numpy()
    fit = fit_factors(energy[fit_half], published[fit_half])
    predicted, expected = fit.predict(energy[check_half]), published[check_half]
    error = np.abs(predicted - expected)
    within = error <= 0.01 * np.abs(expected)
    assert within.mean() >= 0.99
    # What is further away is so small that rounding to two decimals alone explains it.
    assert (error[~within] <= 2 * ROUNDING).all()
    assert np.abs(expected[~within]).max() < 1.0
    assert predicted.sum() == pytest.approx(expected.sum(), rel=1e-4)


def test_the_city_publishes_kbtu_of_electricity_by_a_rounded_constant(buildings: pd.DataFrame) -> None:
    ratio = (buildings["Electricity(kBtu)"] / buildings["Electricity(kWh)"]).dropna()
    assert ratio.median() == pytest.approx(3.412, abs=1e-4)
    assert conversion("kWh", "kBtu") == pytest.approx(3.412142, abs=1e-6)


def test_factors_of_the_table_are_those_of_the_fit(buildings: pd.DataFrame, factors: FactorTable) -> None:
    fit = fit_factors(buildings[ENERGY].to_numpy(), buildings[TOTAL].to_numpy())
    assert fit.used.all()
    units = [("electricity", "kWh"), ("gas.energy", "therm"), ("heat", "kBtu")]
    ours = [factors.lookup(name, year=2016, regions=["US Seattle"]).factor.tco2e_per(unit) for name, unit in units]
    assert ours == pytest.approx(list(fit.factors), rel=1e-4)
    predicted = buildings[ENERGY].to_numpy() @ np.array(ours)
    assert predicted.sum() == pytest.approx(buildings[TOTAL].sum(), rel=1e-4)
