from pathlib import Path
from typing import Any

import pytest

from accounting.assumptions import Assumptions
from accounting.errors import AssumptionNotFound, InvalidAssumption


def entry(value: Any, unit: str, low: float | None = None, high: float | None = None, **more: Any) -> dict[str, Any]:
    made = {"value": value, "unit": unit, "author": "a planner", "reason": "no survey yet"} | more
    return made if isinstance(value, dict) else made | {"low": low, "high": high}


def test_numbers_come_in_the_unit_asked_for_and_are_remembered(assumption_schema: Path) -> None:
    given = {
        "buildings.eui.office": entry(50, "kBtu/ft2", 40, 60),
        "transport.speed": entry(30, "mph", 20, 40),
        "buildings.levels": entry(2, "1", 1, 3),
    }
    assumptions = Assumptions.load(given, assumption_schema)
    office = assumptions.number("kWh/m2/yr", "buildings.eui.office")
    assert office is not None
    assert office[0] == pytest.approx(157.73, abs=0.01)
    assert office[1].relative_sd == pytest.approx(10 / 50 / 1.96)
    speed = assumptions.number("km/h", "transport.speed.residential", "transport.speed")
    assert speed is not None
    assert speed[0] == pytest.approx(48.28, abs=0.01)
    assert assumptions.used == ("buildings.eui.office", "transport.speed")
    assert office[1].record()["author"] == "a planner"


def test_shares_add_up_to_one(assumption_schema: Path) -> None:
    fleet = {"transport.fleet": entry({"car_petrol": 0.6, "car_diesel": 0.4}, "1")}
    found = Assumptions.load(fleet, assumption_schema).shares("transport.fleet")
    assert found is not None
    assert found[0] == {"car_petrol": 0.6, "car_diesel": 0.4}
    percent = {"transport.fleet": entry({"car_petrol": 60, "car_diesel": 40}, "%")}
    found = Assumptions.load(percent, assumption_schema).shares("transport.fleet")
    assert found is not None
    assert found[0] == pytest.approx({"car_petrol": 0.6, "car_diesel": 0.4})


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("buildings.eui", entry(1, "kWh/m2", 1, 1), r"'buildings.eui' is not an assumption; near it: buildings.eui.\*"),
        ("buildings.eui.office", entry(100, "kWh", 80, 120), "expected a unit of kWh/m2/yr, given 'kWh'"),
        ("buildings.eui.office", entry(100, "kWh/m2"), "Missing: low, high"),
        ("buildings.eui.office", entry(100, "kWh/m2", 80, 120, author=""), "Missing: author"),
        ("buildings.eui.office", entry(100, "kWh/m2", 80, 120, colour=1), "unknown: colour"),
        ("buildings.eui.office", entry(100, "kWh/m2", 110, 120), "outside its own range"),
        ("buildings.eui.office", entry("much", "kWh/m2", 80, 120), "must be a number, given 'much'"),
        ("buildings.levels", entry(0, "1", 0, 1), "outside what is possible"),
        ("factor.electricity", entry(0.1, "kg/kWh", 0, 1), "'kg/kWh' is not that of an emission factor"),
        ("factor.electricity", entry(0.1, "kgCO2/kWh", 0, 1), "is in CO2e"),
        ("transport.fleet", entry(1, "1", 1, 1), "value must be shares by name"),
        ("buildings.levels", entry({"a": 1.0}, "1"), "value must be a number"),
        ("transport.fleet", entry({"car_petrol": 0.6, "car_diesel": 0.3}, "1"), "add up to 0.9"),
        ("transport.fleet", entry({"car_petrol": 1.5, "car_diesel": -0.5}, "1"), "not negative"),
    ],
)
def test_a_wrong_assumption_says_what_is_wrong(
    assumption_schema: Path, name: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidAssumption, match=message):
        Assumptions.load({name: given}, assumption_schema)


def test_a_missing_assumption_says_how_to_give_it(assumption_schema: Path) -> None:
    assumptions = Assumptions.load({}, assumption_schema)
    assert assumptions.number("1", "buildings.levels") is None
    with pytest.raises(AssumptionNotFound) as raised:
        assumptions.required("1", "buildings.levels.office", "buildings.levels", why="12 buildings have no storeys.")
    for part in (
        "12 buildings have no storeys.",
        "buildings.levels.office or buildings.levels",
        "author",
        "illustrative",
    ):
        assert part in str(raised.value)


def test_asking_for_an_unknown_id_is_a_mistake_of_ours(assumption_schema: Path) -> None:
    with pytest.raises(InvalidAssumption, match="is not an assumption"):
        Assumptions.load({}, assumption_schema).get("buildings.colour")


def test_kinds_are_not_mixed_up(assumption_schema: Path) -> None:
    given = {"transport.fleet": entry({"car_petrol": 1.0}, "1"), "transport.speed": entry(50, "km/h", 40, 60)}
    assumptions = Assumptions.load(given, assumption_schema)
    with pytest.raises(InvalidAssumption, match="holds shares"):
        assumptions.number("1", "transport.fleet")
    with pytest.raises(InvalidAssumption, match="holds a number"):
        assumptions.shares("transport.speed")
