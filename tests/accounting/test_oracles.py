"""The published and derived cases beside the science tables, read from where they are kept."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accounting.factors import FactorTable
from accounting.uncertainty import geometric_interval, product_u95, sum_u95
from accounting.units import conversion

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def oracles(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "science" / "oracles.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_forest(oracles: dict[str, Any], factors: FactorTable) -> None:
    cases = oracles["forest"]["cases"]
    stands = [case for case in cases if "species" in case]
    assert len(stands) == 2
    for case in stands:
        wood = factors.curves.species[case["species"]]
        assert case["Iv_m3"] * wood.tco2_m3 == pytest.approx(case["t"], abs=1e-4)
    (press,) = (case for case in cases if "check" in case)
    for species in ("붉가시나무", "졸참나무"):
        wood = factors.curves.species[species]
        carbon = wood.density * wood.bef * (1 + wood.root_shoot) * 0.5
        assert carbon == pytest.approx(press[species], abs=1e-3)


def test_road_fuel(oracles: dict[str, Any], factors: FactorTable) -> None:
    def curve(name: str) -> Any:
        return factors.curves.road.get(name) or factors.curves.road[f"{name}_diesel"]

    for name, litres in oracles["road_fuel"]["L_per_km"].items():
        vehicle, _, speed = name.rpartition("_")
        assert curve(vehicle).litres_per_km(float(speed)) == pytest.approx(litres, abs=oracles["road_fuel"]["tol"])
    speeds = np.arange(5, 141)
    for vehicle, best in oracles["road_fuel"]["speed_of_minimum_int_kmh"].items():
        assert speeds[np.argmin(curve(vehicle).litres_per_km(speeds.astype(float)))] == best


def test_electricity(oracles: dict[str, Any], factors: FactorTable) -> None:
    example, year, change = oracles["electricity"]["cases"]
    assert example["MWh"] * example["ef"] == pytest.approx(example["t"])
    factor = factors.lookup("electricity", year=2023, regions=["KR"]).factor
    assert factor.value == year["ef"]
    assert year["MWh"] * factor.tco2e_per("MWh") == pytest.approx(year["t"])
    mean = factors.lookup("electricity", year=2021, regions=["KR"], purpose="ets").factor.value
    assert (factor.value / mean - 1) * 100 == pytest.approx(change["change_0.4541_to_0.4173_pct"], abs=change["tol"])


def test_korean_building_statistics(oracles: dict[str, Any], factors: FactorTable) -> None:
    cases = oracles["kr_buildings"]["cases"]
    assert len(cases) == 6
    for case in cases:
        year = case["year"]
        energy = factors.rows[f"kr_bldg_energy_{year}"]
        area = factors.rows[f"kr_bldg_area_{year}"]
        assert (energy.value, area.value) == (case["ktoe"], case["area_1e5m2"])
        eui = energy.value * conversion(energy.unit, "kWh") / (area.value * 1e5)
        assert eui == pytest.approx(case["kwh_m2"], abs=0.01)
        printed = factors.lookup("eui.all", year=year, regions=["KR"]).factor.value
        assert printed == case["kwh_m2_printed"]
        assert eui == pytest.approx(printed, abs=case["tol"])


def test_uncertainty(oracles: dict[str, Any]) -> None:
    case = oracles["uncertainty"]["vulcan"]
    assert geometric_interval(case["low"], case["high"])[0] == pytest.approx(case["geo_mean"], abs=0.01)
    case = oracles["uncertainty"]["product_rule"]
    assert product_u95(case["u_percent"]) == pytest.approx(case["combined"], abs=case["tol"])
    case = oracles["uncertainty"]["sum_rule"]
    assert sum_u95(case["x"], case["u_percent"]) == pytest.approx(case["combined_percent"], abs=case["tol"])
