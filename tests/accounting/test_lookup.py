from pathlib import Path

import pytest

from accounting.errors import FactorNotFound, InvalidFactor
from accounting.factors import FactorTable, with_parents

KR = ("KR 수도권", "KR 중부", "KR", "temperate continental", "world")


@pytest.mark.parametrize(
    ("year", "value", "chosen"),
    [
        (2023, 0.4173, "exact year 2023"),
        (2021, 0.4509, "exact year 2021"),
        (2025, 0.4173, "earlier year 2023 for 2025"),
        (2015, 0.4802, "later year 2020 for 2015"),
    ],
)
def test_electricity_takes_the_factor_of_the_activity_year(
    factors: FactorTable, year: int, value: float, chosen: str
) -> None:
    lookup = factors.lookup("electricity", year=year, regions=KR)
    assert lookup.factor.value == value
    assert chosen in lookup.chosen
    assert "region KR (nothing for KR 수도권, KR 중부)" in lookup.chosen


def test_ets_reports_take_the_factor_fixed_for_the_period(factors: FactorTable) -> None:
    assert factors.lookup("electricity", year=2021, regions=KR, purpose="ets").factor.id == "kr_elec_avg2020_2022"


def test_reference_values_and_undated_ones_are_never_defaults(factors: FactorTable) -> None:
    for year in range(1990, 2035):
        chosen = factors.lookup("electricity", year=year, regions=KR).factor.id
        assert chosen in {"kr_elec_2020", "kr_elec_2021", "kr_elec_2022", "kr_elec_2023"}


def test_the_nearest_region_wins_even_with_another_year(factors: FactorTable) -> None:
    assert factors.lookup("heat", year=2021, regions=["KR 세종", "KR"]).factor.id == "kdhc2021_sejong_co2"
    assert factors.lookup("heat", year=2024, regions=KR).factor.id == "kdhc2024_capital_co2"
    assert factors.lookup("heat", year=2023, regions=KR).factor.id == "kdhc2021_capital_co2"


def test_a_region_falls_back_to_the_world(factors: FactorTable) -> None:
    lookup = factors.lookup("gas.energy", year=2023, regions=["LI", "temperate continental", "world"])
    assert lookup.factor.id == "ipcc_natgas"
    assert lookup.chosen == "valid for any year; region world (nothing for LI, temperate continental, temperate)"


def test_district_heat_adds_methane_and_nitrous_oxide(factors: FactorTable, factor_folder: Path) -> None:
    """METHODS A1: capital 35,936 kgCO2/TJ (+0.6534 CH4, 0.0661 N2O) is 35,972 kgCO2e/TJ with AR5."""
    factor = factors.lookup("heat", year=2021, regions=KR).factor
    assert factor.value == pytest.approx(35_936 + 0.6534 * 28 + 0.0661 * 265, rel=1e-12)
    assert (factor.unit, factor.gas, factor.gwp_set) == ("kgCO2e/TJ", "CO2e", "AR5")
    assert factor.components == ("kdhc2021_capital_co2", "kdhc2021_capital_ch4", "kdhc2021_capital_n2o")
    assert factor.tco2e_per("GJ") == pytest.approx(0.035972, abs=1e-6)
    other = FactorTable.load(factor_folder, gwp_set="SAR").lookup("heat", year=2021, regions=KR).factor
    assert other.value == pytest.approx(35_936 + 0.6534 * 21 + 0.0661 * 310, rel=1e-12)


def test_gases_in_other_units_are_converted_before_they_are_added(factors: FactorTable) -> None:
    """The old guideline's factor: CO2 in tonnes, CH4 and N2O in kg per MWh."""
    factor = factors.lookup("electricity", year=2010, regions=KR, purpose="legacy").factor
    assert factor.value == pytest.approx(0.4653 + (0.0054 * 28 + 0.0027 * 265) / 1000, rel=1e-12)


def test_biogenic_carbon_counts_as_zero(factors: FactorTable) -> None:
    landfill = factors.lookup("landfill_gas.energy", year=2023, regions=KR).factor
    assert (landfill.value, landfill.gas) == (0.0, "CO2e")


def test_wood_is_no_fuel_without_emissions(factors: FactorTable) -> None:
    """Its CO2 is biogenic; the methane and nitrous oxide of a stove are not: 34 g a kWh."""
    factor = factors.lookup("wood.energy", year=2023, regions=KR).factor
    assert factor.value == pytest.approx(300 * 28 + 4 * 265)
    assert factor.tco2e_per("MWh") == pytest.approx(0.034, abs=1e-3)


@pytest.mark.parametrize("carrier", ["gas", "oil", "kerosene", "residual_oil", "lpg", "coal", "lignite", "wood"])
def test_every_fuel_of_buildings_has_its_methane_and_nitrous_oxide(factors: FactorTable, carrier: str) -> None:
    factor = factors.lookup(f"{carrier}.energy", year=2023, regions=["world"]).factor
    assert {factors.rows[name].gas for name in factor.components[1:]} == {"CH4", "N2O"}


def test_vintages_hold_for_their_buildings_only(factors: FactorTable) -> None:
    assert factors.lookup("eui.residential", year=2021, regions=KR, built=1970).factor.value == 215
    assert factors.lookup("eui.residential", year=2021, regions=KR, built=2015).factor.value == 166
    for built in (1990, None):
        assert factors.find("eui.residential", year=2021, regions=KR, built=built) is None


def test_a_gap_raises_and_names_candidates_gaps_and_remedy(factors: FactorTable) -> None:
    with pytest.raises(FactorNotFound) as raised:
        factors.lookup("electricity", year=2023, regions=["LI", "world"])
    message = str(raised.value)
    for part in ("LI, world", "kr_elec_2023 (KR 2023)", "uz_elec_official", "factors:", "factor.electricity"):
        assert part in message
    with pytest.raises(FactorNotFound, match="ipcc_G_subtrop_steppe"):
        factors.lookup("forest.growth", year=2023, regions=["subtropical steppe"])
    with pytest.raises(FactorNotFound, match="The tables have: nothing"):
        factors.lookup("eui.hotel", year=2023, regions=KR)


def test_a_carrier_narrows_a_lookup(factors: FactorTable) -> None:
    shares = [factors.lookup("carrier_share.residential", year=2019, regions=KR, carrier=c) for c in ("gas", "heat")]
    assert [share.factor.value for share in shares] == [0.53, 0.10]
    assert factors.find("carrier_share.residential", year=2019, regions=KR, carrier="coal") is None


def test_an_override_by_id_comes_first(factor_folder: Path) -> None:
    table = FactorTable.load(factor_folder, {"petrol.volume": "kr_gasoline_l"})
    lookup = table.lookup("petrol.volume", year=2023, regions=["LI"])
    assert lookup.chosen == "override of the region file for petrol.volume"
    assert lookup.factor.id == "kr_gasoline_l"
    assert lookup.factor.tco2e_per("L") * 1000 == pytest.approx(2.0998 + 30.3e-6 * (25 * 28 + 8 * 265), rel=1e-9)


def test_an_override_by_row_is_a_whole_factor(factor_folder: Path) -> None:
    row = {"value": 0.1, "unit": "kgCO2e/kWh", "source": "utility report", "u95_percent": 10}
    table = FactorTable.load(factor_folder, {"electricity": row})
    factor = table.lookup("electricity", year=1999, regions=["LI"]).factor
    assert (factor.id, factor.tco2e_per("MWh"), factor.u95_percent) == ("region:electricity", pytest.approx(0.1), 10.0)
    assert factor.record()["source"] == "utility report"
    assert "electricity" not in FactorTable.load(factor_folder).overrides


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"electrcity": "kr_elec_2023"}, "'electrcity' is not an activity; near it: electricity"),
        ({"electricity": "kr_elec_2033"}, "no row 'kr_elec_2033' in the factor tables; near it: kr_elec_20"),
        ({"electricity": "kr_elec_0.4747"}, "a known gap"),
        ({"electricity": {"value": 0.1, "unit": "kgCO2e/kWh"}}, "Missing: source"),
        ({"electricity": {"value": 0.1, "unit": "kgCO2e/kWh", "source": "x", "colour": 1}}, "not known here: colour"),
        ({"electricity": {"value": "many", "unit": "kgCO2e/kWh", "source": "x"}}, "column 'value'"),
        ({"electricity": {"value": 1, "unit": "kg/kWh", "source": "x", "gas": "CO2", "basis": "direct"}}, "'kg/kWh'"),
        ({"carrier_share.all": {"value": 1, "unit": "1", "source": "x"}}, "buildings.carrier_shares"),
    ],
)
def test_a_wrong_override_says_what_is_wrong(factor_folder: Path, overrides: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidFactor, match=message):
        FactorTable.load(factor_folder, overrides)  # type: ignore[arg-type]


def test_a_factor_of_another_dimension_does_not_fit(factors: FactorTable) -> None:
    with pytest.raises(InvalidFactor, match=r"'kr_citygas_m3' \(kgCO2e/Nm3\) does not fit an activity in 'kWh'"):
        factors.rows["kr_citygas_m3"].tco2e_per("kWh")
    with pytest.raises(InvalidFactor, match="is in CO2, not CO2e"):
        factors.rows["ipcc_natgas"].tco2e_per("kWh")


def test_parents_come_after_their_last_child() -> None:
    assert with_parents(["KR 수도권", "KR 중부", "temperate continental", "world"]) == [
        "KR 수도권", "KR 중부", "KR", "temperate continental", "temperate", "world",
    ]  # fmt: skip
    assert with_parents(["KR", "KR 수도권"]) == ["KR", "KR 수도권"]


def test_years_open_at_one_end(factor_folder: Path) -> None:
    row = {"value": 1, "unit": "kgCO2e/kWh", "source": "x", "year_from": 2020}
    assert FactorTable.load(factor_folder, {"heat": row}).overrides["heat"].year_from == 2020
