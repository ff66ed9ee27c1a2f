from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accounting.assumptions import Assumptions, joined_ids
from accounting.errors import FactorNotFound
from accounting.factors import FactorTable
from accounting.resolution import Resolver

KR = ("KR 수도권", "KR", "world")


@pytest.fixture
def resolver(factors: FactorTable, assumption_schema: Path) -> Any:
    def made(given: dict[str, Any] | None = None, regions: tuple[str, ...] = KR) -> Resolver:
        return Resolver(factors, Assumptions.load(given or {}, assumption_schema), regions)

    return made


def assumed(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "low": value / 2, "high": value * 2, "author": "a", "reason": "b"}


def test_tables_come_before_assumptions(resolver: Any) -> None:
    resolved = resolver({"factor.electricity": assumed(9.0, "kgCO2e/kWh")}).emission_factor("electricity", "kWh", 2023)
    assert resolved.tco2e == pytest.approx(0.4173e-3)
    assert resolved.assumptions == ""


def test_a_fuel_by_volume_goes_through_its_energy(resolver: Any) -> None:
    """Kerosene: 34.3 MJ/L x 71,900 kg/TJ; anthracite 18.6 MJ/kg x 98,300 kg/TJ; both with their CH4 and N2O."""
    ours = resolver()
    kerosene = ours.emission_factor("kerosene.volume", "L", 2023)
    assert kerosene.tco2e == pytest.approx(34.3 * (71_900 + 10 * 28 + 0.6 * 265) / 1e9)
    assert kerosene.factor.id == "kr_kerosene_ncv*ipcc_kerosene"
    assert kerosene.factor.components[:2] == ("kr_kerosene_ncv", "ipcc_kerosene")
    assert "calorific value" in ours.lookups["kr_kerosene_ncv*ipcc_kerosene"].chosen
    coal = ours.emission_factor("coal.mass", "t", 2023)
    assert coal.tco2e == pytest.approx(18.6e3 * (98_300 + 300 * 28 + 1.5 * 265) / 1e9)
    with pytest.raises(FactorNotFound):
        ours.emission_factor("oil.volume", "L", 2023)


def test_a_factor_without_uncertainty_takes_that_of_unstated_ones(resolver: Any, factors: FactorTable) -> None:
    ours = resolver()
    assert ours.relative_sd_of(factors.rows["ipcc_kerosene"]) == pytest.approx(0.1 / 1.96)
    assert ours.relative_sd_of(factors.rows["kr_elec_2023"]) == pytest.approx(0.05 / 1.96)
    with pytest.raises(FactorNotFound, match=r"uncertainty\.moods"):
        ours.u("moods")


def test_a_region_may_replace_an_uncertainty(factor_folder: Path, assumption_schema: Path) -> None:
    row = {"value": 80, "unit": "%", "source": "log sd of the metered sample", "distribution": "lognormal"}
    table = FactorTable.load(factor_folder, {"uncertainty.eui.building": row})
    ours = Resolver(table, Assumptions.load({}, assumption_schema), KR)
    assert ours.u("eui.building") == pytest.approx(0.8 / 1.96)


def test_a_region_may_give_a_factor_in_carbon_dioxide_alone(factor_folder: Path, assumption_schema: Path) -> None:
    table = FactorTable.load(
        factor_folder, {"electricity": {"value": 0.2, "unit": "tCO2/MWh", "source": "grid report"}}
    )
    resolved = Resolver(table, Assumptions.load({}, assumption_schema), ("LI",)).emission_factor(
        "electricity", "kWh", 2020
    )
    assert resolved.tco2e == pytest.approx(0.2e-3)


def test_ids_are_joined_once_each_and_sorted() -> None:
    first = np.array(["b a", "", "b a", "c"], dtype=object)
    second = np.array(["a", "z", "a", ""], dtype=object)
    assert joined_ids(first, "m", second).tolist() == ["a b m", "m z", "a b m", "c m"]
    assert joined_ids(np.array(["x"], dtype=object)).tolist() == ["x"]
    assert joined_ids(np.array([], dtype=object), "m").tolist() == []
