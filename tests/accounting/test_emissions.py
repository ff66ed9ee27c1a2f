import numpy as np
import pytest

from accounting.emissions import (
    LINE_COLUMNS,
    annual_vehicle_km,
    climate_correction,
    empty_lines,
    energy_demand_kwh,
    ev_electricity_kwh,
    gas_volume_tco2,
    increment_uptake_tco2,
    join_lines,
    line_block,
    normalised_shares,
    tco2_per_m3,
    tier1_uptake_tco2_ha,
    uptake_at_age,
)
from accounting.errors import ShapeMismatch
from accounting.factors import FactorTable

BLOCK = {
    "year": 2023,
    "carrier": "gas",
    "basis": "direct",
    "method": "metered",
    "activity": 1.0,
    "activity_unit": "kWh",
    "factor_id": "x",
    "emissions_tco2e": 0.2,
    "u_own": 0.1,
    "group": "",
    "u_group": 0.0,
    "u_factor": 0.05,
    "assumptions": "",
}


def test_lines_have_exactly_the_columns_and_types_of_the_contract() -> None:
    block = line_block(np.array([1, 3]), **BLOCK | {"activity": np.array([2.0, 1.0])})
    lines = block.frame()
    assert {name: str(dtype) for name, dtype in lines.dtypes.items()} == LINE_COLUMNS
    assert {name: str(dtype) for name, dtype in empty_lines().frame().dtypes.items()} == LINE_COLUMNS
    assert lines["feature"].tolist() == [1, 3]
    assert lines["activity"].tolist() == [2.0, 1.0]
    assert lines.drop(columns=["feature", "activity"]).to_dict("records")[1] == {
        name: value for name, value in BLOCK.items() if name != "activity"
    }


def test_lines_of_several_kinds_point_to_them() -> None:
    block = line_block(
        np.array([0, 1, 2, 3]),
        kind=np.array([2, 0, 2, 0]),
        **BLOCK | {"method": ["modelled", "metered", "default"], "u_own": [0.3, 0.1, 0.5], "activity": np.arange(4.0)},
    )
    assert [kind.method for kind in block.kinds] == ["default", "modelled"], "sorted, and only those that occur"
    assert block.frame()["method"].tolist() == ["default", "modelled", "default", "modelled"]
    assert block.frame()["u_own"].tolist() == [0.5, 0.3, 0.5, 0.3]


def test_lines_of_wrong_shape_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="'activity' has 3 values for 2 features"):
        line_block(np.array([0, 1]), **BLOCK | {"activity": np.zeros(3)})
    with pytest.raises(ShapeMismatch, match=r"unknown \['colour'\]"):
        line_block(np.array([0]), **BLOCK, colour=1)
    with pytest.raises(ShapeMismatch, match=r"missing \['group'\]"):
        line_block(np.array([0]), **{name: value for name, value in BLOCK.items() if name != "group"})
    with pytest.raises(ShapeMismatch, match=r"columns of \[2\] kinds"):
        line_block(np.array([0, 1]), **BLOCK | {"u_own": [0.1, 0.2]})
    with pytest.raises(ShapeMismatch, match="kinds 0 to 2 of 2"):
        line_block(np.array([0, 1]), kind=np.array([0, 2]), **BLOCK | {"u_own": [0.1, 0.2]})


def test_joined_lines_stand_by_year_feature_and_kind() -> None:
    later = line_block(np.array([0]), **BLOCK | {"year": 2024})
    heat = line_block(np.array([4, 5]), **BLOCK | {"carrier": "heat"})
    twice = line_block(np.array([4, 4]), **BLOCK | {"activity": np.array([7.0, 3.0])})
    lines = join_lines([later, heat, empty_lines(), twice]).frame()
    assert lines["year"].tolist() == [2023, 2023, 2023, 2023, 2024]
    assert lines["feature"].tolist() == [4, 4, 4, 5, 0]
    assert lines["carrier"].tolist() == ["gas", "gas", "heat", "heat", "gas"]
    assert lines["activity"].tolist() == [7.0, 3.0, 1.0, 1.0, 1.0], "of one feature and kind: as they were made"
    assert len(join_lines([])) == 0


def test_gas_by_volume() -> None:
    """METHODS A1: 1,000 Nm3 x 39.4 MJ/Nm3 x 56,100 kg/TJ is 2.210 t."""
    assert gas_volume_tco2(1000, 39.4, 56_100) == pytest.approx(2.210, abs=5e-4)


def test_energy_demand_and_climate_correction() -> None:
    assert energy_demand_kwh(117, 1000, 0.9, 1.1) == pytest.approx(115_830)
    assert climate_correction(0.4, 0.1, 3000, 2500, 100, 100) == pytest.approx(0.5 + 0.4 * 1.2 + 0.1)
    with pytest.raises(ValueError, match="at most 1 together"):
        climate_correction(0.8, 0.3, 1, 1, 1, 1)


def test_rounded_shares_are_normalised() -> None:
    shares = normalised_shares({"electricity": 0.72, "gas": 0.25, "heat": 0.02})
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["electricity"] == pytest.approx(0.72 / 0.99)
    with pytest.raises(ValueError, match="positive"):
        normalised_shares({"gas": 0.0})


def test_vehicle_km_and_electric_vehicles() -> None:
    assert annual_vehicle_km(2.0, 1000) == 730_000
    assert ev_electricity_kwh(1000, 0.18, 0.1) == pytest.approx(200)
    with pytest.raises(ValueError, match="share"):
        ev_electricity_kwh(1, 0.2, 1.0)


@pytest.mark.parametrize(
    ("curve", "speed", "litres"),
    [
        ("car_petrol", 60, 0.06204),
        ("car_diesel", 60, 0.04927),
        ("hgv_artic_diesel", 80, 0.29528),
        ("bus_diesel", 20, 0.44273),
    ],
)
def test_fuel_by_speed(factors: FactorTable, curve: str, speed: float, litres: float) -> None:
    assert factors.curves.road[curve].litres_per_km(speed) == pytest.approx(litres, abs=1e-5)


def test_speeds_are_clamped_to_the_range_of_the_curve(factors: FactorTable) -> None:
    curve = factors.curves.road_curve("car", "petrol")
    speeds = np.array([0.0, 1.0, 5.0, 140.0, 300.0])
    litres = curve.litres_per_km(speeds)
    assert litres[0] == litres[1] == litres[2]
    assert litres[3] == litres[4]
    assert np.isfinite(litres).all()


def test_wood_and_growth() -> None:
    """Central pine: 5 m3/ha takes up 7.7453 t; C4 for the temperate continental zone with conifers."""
    assert 5 * tco2_per_m3(0.47, 1.41, 0.25, 0.51) == pytest.approx(7.7453, abs=1e-4)
    uptake = increment_uptake_tco2(np.array([2.0]), np.array([4.0]), np.array([tco2_per_m3(0.66, 1.6, 0.39, 0.48)]))
    assert uptake == pytest.approx([2 * 10.3336], abs=1e-3)
    assert tier1_uptake_tco2_ha(4.0, 0.29, 0.51) == pytest.approx(4 * 1.29 * 0.51 * 44 / 12)


def test_uptake_by_age_rises_from_zero_interpolates_and_holds_the_last(factors: FactorTable) -> None:
    pine = factors.curves.uptake["소나무"]
    ages = np.array([0.0, 5.0, 10.0, 25.0, 30.0, 60.0, 120.0])
    assert pine.at(ages) == pytest.approx([0, 2.69, 5.38, (8.34 + 10.77) / 2, 10.77, 3.51, 3.51])
    larch = factors.curves.uptake["낙엽송"]
    assert larch.age_years == (10, 20, 30, 40, 50)
    assert larch.at(np.array([60.0])) == pytest.approx([7.7])
    assert uptake_at_age(np.array([np.nan]), np.array([10.0]), np.array([1.0]))[0] != 0
