import pytest

from accounting.errors import UnknownUnit
from accounting.units import conversion, dimension, factor_unit, in_base, unit_name


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("MWh", "kWh", 1000),
        ("GJ", "kWh", 1000 / 3.6),
        ("TJ", "GJ", 1000),
        ("Gcal", "GJ", 4.1868),
        ("toe", "kWh", 11_630),
        ("ktoe", "toe", 1000),
        ("therm", "kBtu", 100),
        ("kWh", "kBtu", 3.412141633),
        ("therm", "MJ", 105.505585262),
        ("kNm3", "Nm3", 1000),
        ("mph", "km/h", 1.609344),
        ("km2", "ha", 100),
        ("kBtu/ft2/yr", "kWh/m2/yr", 3.154590745),
    ],
)
def test_conversions_are_exact(source: str, target: str, expected: float) -> None:
    assert conversion(source, target) == pytest.approx(expected, rel=1e-9)
    assert conversion(target, source) == pytest.approx(1 / expected, rel=1e-9)


@pytest.mark.parametrize(("spelling", "name"), [("kwh", "kWh"), ("nm3", "Nm3"), ("therms", "therm"), ("KBTU", "kBtu")])
def test_columns_spell_units_in_lower_case(spelling: str, name: str) -> None:
    assert unit_name(spelling) == name


def test_unknown_unit_lists_the_known_ones() -> None:
    with pytest.raises(UnknownUnit, match=r"'kWhh' is not known; known are .*kWh"):
        unit_name("kWhh")


def test_units_of_different_dimensions_do_not_convert() -> None:
    with pytest.raises(UnknownUnit, match="'Nm3' measures gas volume, 'kWh' energy"):
        conversion("Nm3", "kWh")


def test_gas_volume_at_normal_conditions_is_no_plain_volume() -> None:
    assert dimension("Nm3") != dimension("m3")


def test_factor_units_are_taken_apart() -> None:
    assert factor_unit("kgCO2e/Nm3") == factor_unit("kgCO2e/Nm3")
    parts = factor_unit("tCO2/MWh")
    assert (parts.tonnes, parts.gas, parts.per) == (1.0, "CO2", "MWh")
    parts = factor_unit("kgCH4/TJ")
    assert (parts.tonnes, parts.gas, parts.per) == (0.001, "CH4", "TJ")


@pytest.mark.parametrize("unit", ["kg/TJ", "kgCO2e", "CO2e/kWh", "kgCO2e/furlong", "kWh/m2/yr", ""])
def test_other_units_are_no_factor_units(unit: str) -> None:
    with pytest.raises(UnknownUnit):
        factor_unit(unit)


def test_units_of_one_dimension_are_compared_by_its_base_unit() -> None:
    (energy, of_mwh), (same, of_kwh) = in_base("mwh"), in_base("kWh")
    assert energy == same == "energy"
    assert of_mwh / of_kwh == pytest.approx(1000)
    assert in_base("Nm3")[0] != energy
    with pytest.raises(UnknownUnit, match="furlong"):
        in_base("furlong")
