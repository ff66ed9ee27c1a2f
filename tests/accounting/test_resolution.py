from pathlib import Path
from typing import Any

import pytest

from accounting.assumptions import Assumptions, sorted_ids
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
    assert sorted_ids("b a", "", "m", "a") == "a b m"
    assert sorted_ids("", "") == ""


def test_a_resolver_remembers_what_it_used_and_so_does_the_region(factor_folder: Path, assumption_schema: Path) -> None:
    heat = {"value": 0.1, "unit": "kgCO2e/kWh", "low": 0.0, "high": 0.2, "author": "a", "reason": "r"}
    whole = Assumptions.load({"factor.heat": heat, "factor.cooling": heat}, assumption_schema)
    first = Resolver(FactorTable.load(factor_folder), whole, ("nowhere",))
    second = Resolver(FactorTable.load(factor_folder), whole, ("nowhere",))
    first.emission_factor("heat", "kWh", 2020)
    second.emission_factor("cooling", "kWh", 2020)
    assert first.assumptions.used == ("factor.heat",)
    assert second.assumptions.used == ("factor.cooling",)
    assert whole.used == ("factor.cooling", "factor.heat")


def test_of_two_reasons_for_one_row_the_order_of_asking_does_not_matter(
    factor_folder: Path, assumption_schema: Path
) -> None:
    found = []
    for years in ((2040, 2041), (2041, 2040)):
        resolver = Resolver(FactorTable.load(factor_folder), Assumptions.load({}, assumption_schema), ("KR",))
        for year in years:
            resolver.emission_factor("electricity", "kWh", year)
        found.append({name: lookup.chosen for name, lookup in resolver.lookups.items()})
    assert found[0] == found[1]
    assert "for 2040" in next(iter(found[0].values()))
