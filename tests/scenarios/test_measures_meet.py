"""Measures that meet: on the same kilometres, the same floor area, the same ground and the same roofs."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from scenarios.errors import InvalidScenario
from scenarios.result import MeasureEffect, Result
from scenarios.run import baseline_of, run
from scenarios.scenario import read_scenario
from scenarios.state import State

COSTS = {"capital_per_unit": 100.0, "currency": "USD"}
RETROFIT = {"id": "retrofit", "kind": "retrofit", "level": 0.5, "uses": ["nonresidential"], "costs": COSTS}
EV = {"id": "ev", "kind": "electric_vehicles", "level": 0.6, "costs": COSTS}
SHIFT = {"id": "shift", "kind": "modal_shift", "level": 0.2, "parameters": {"modal_shift.other_mode": 0.1}}
SHIFT |= {"costs": COSTS}
SPEED = {"id": "speed", "kind": "speed", "before_kmh": 20, "after_kmh": 70, "vehicles": ["car"]}
DOUBLED = {"id": "more", "kind": "growth", "form": "trend", "people_growth": 1.0, "jobs_growth": 1.0}


def ran(state: State, measures: list[dict[str, Any]], **more: Any) -> Result:
    return run(baseline_of(state), read_scenario({"year": 2040, "measures": measures}), **more)


def effects_of(state: State, measures: list[dict[str, Any]]) -> dict[str, MeasureEffect]:
    return {effect.id: effect for effect in ran(state, measures).measures}


# --- the same kilometres ---------------------------------------------------------------------------------------------


def test_who_drives_electric_burns_no_petrol_faster_or_slower(cities: ModuleType) -> None:
    state = cities.city(6, 6)
    petrol = state.transport_tco2e[:2].sum()
    drawn = 0.245 / 0.9 * 0.4173 / 1000 * 0.6 * state.vehicle_km[:2].sum()
    speed = effects_of(state, [SPEED])["speed"].tco2e
    both = effects_of(state, [EV, SPEED])
    assert speed < 0
    assert both["speed"].tco2e == pytest.approx(speed)
    # What is left on fuel is faster; what is electric draws what it draws.
    assert both["speed"].tco2e + both["ev"].tco2e == pytest.approx(0.4 * (petrol + speed) + drawn - petrol)
    assert both["speed"].last_in_tco2e == pytest.approx(0.4 * speed)
    # Less driving is less of either.
    less = effects_of(state, [SHIFT | {"level": 1.0}, EV, SPEED, {**EV, "id": "rest", "level": 1.0}])
    left = petrol + sum(effect.tco2e for effect in less.values())
    cars = state.transport_tco2e[3].sum()
    assert left == pytest.approx(drawn / 0.6 * (1 - 0.5 * 0.9) - cars * 0.5 * 0.9)


# --- the same floor area and kilometres for tonnes and costs ------------------------------------------------------


def test_a_tonne_costs_the_same_in_a_city_twice_as_large(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    alone, grown = effects_of(state, [RETROFIT]), effects_of(state, [DOUBLED, RETROFIT])
    assert grown["retrofit"].quantity == pytest.approx(2 * alone["retrofit"].quantity)
    assert grown["retrofit"].cost_per_tco2e == pytest.approx(alone["retrofit"].cost_per_tco2e)
    half = effects_of(state, [DOUBLED | {"start": 2035, "ramp_years": 10}, RETROFIT])
    assert half["retrofit"].quantity == pytest.approx(1.5 * alone["retrofit"].quantity)
    assert half["retrofit"].cost_per_tco2e == pytest.approx(alone["retrofit"].cost_per_tco2e)


def test_kilometres_are_those_of_the_year(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    growth = DOUBLED | {"people_growth": 0.3, "start": 2035, "ramp_years": 10}
    alone, grown = effects_of(state, [SHIFT, EV]), effects_of(state, [growth, SHIFT, EV])
    assert grown["shift"].quantity > 1.01 * alone["shift"].quantity
    for name in ("shift", "ev"):
        assert grown[name].quantity / alone[name].quantity == pytest.approx(
            grown[name].tco2e / alone[name].tco2e, rel=0.02
        )
    assert grown["shift"].cost_per_tco2e == pytest.approx(alone["shift"].cost_per_tco2e, rel=1e-9)


# --- the same ground and roofs --------------------------------------------------------------------------------------


def free_ha(state: State) -> float:
    built = state.floor_area_m2.sum(axis=0) / 4 / 1e4
    return float(np.maximum(state.area_ha - state.green_ha - built, 0).sum())


def park(name: str, hectares: float, **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "park", "hectares": hectares, **more}


def roofs(name: str, level: float, **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "rooftop_pv", "level": level, "parameters": {"pv.roof_share": 0.5}, **more}


def trees(name: str, count: float) -> dict[str, Any]:
    return {"id": name, "kind": "street_trees", "trees": count}


@pytest.mark.parametrize(
    ("first", "second", "fits", "says"),
    [
        (lambda free: park("one", 0.7 * free), lambda free: park("two", 0.35 * free), lambda free: 0.3 * free,
         r"two: in the cell of row \d+ and column \d+ it takes 35\.0% of the ground .* of which one left 30\.0%"),
        (lambda free: park("one", 0.7 * free), lambda free: park("w", 0.5 * free) | {"kind": "afforestation"},
         lambda free: 0.3 * free, "w: .* one left 30"),
        (lambda free: roofs("one", 0.6), lambda free: roofs("two", 1.0), None, "two: .* roofs .* one left 40.0%"),
        (lambda free: trees("one", 3e5), lambda free: trees("two", 3e5), None, "two: .* crowns .* one left"),
    ],
    ids=["parks", "park and wood", "roofs", "trees"],
)  # fmt: skip
def test_nothing_is_taken_twice(cities: ModuleType, first: Any, second: Any, fits: Any, says: str) -> None:
    state = cities.city(8, 8)
    free = free_ha(state)
    one, other = first(free), second(free)
    for measure in (one, other):
        ran(state, [measure])
    with pytest.raises(InvalidScenario, match=says) as refused:
        ran(state, [one, other])
    if fits is not None:
        assert f" {fits(free):,.1f} fit" in str(refused.value)
        both = ran(state, [one, other | {"hectares": fits(free) * (1 - 1e-12)}])
        assert sum(effect.quantity for effect in both.measures) == pytest.approx(free)


def test_areas_beside_each_other_share_a_cell_and_one_area_is_shared(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    shares = {"west": np.tile([1, 1, 1, 0.5, 0, 0, 0, 0], (8, 1)), "east": np.tile([0, 0, 0, 0.5, 1, 1, 1, 1], (8, 1))}

    def ran_in(*areas: str) -> Result:
        return ran_with([roofs(f"pv{k}", 0.9, area={"collection": "half", "ids": [area]})
                         for k, area in enumerate(areas)])  # fmt: skip

    def ran_with(measures: list[dict[str, Any]]) -> Result:
        return ran(
            state,
            measures,
            coverage=lambda *areas: np.sum([shares[name] for name in {a.ids[0] for a in areas}], axis=0),
        )

    whole = ran(state, [roofs("pv", 0.9)])
    assert ran_in("west", "east").first.total_tco2e == pytest.approx(whole.first.total_tco2e)
    with pytest.raises(InvalidScenario, match=r"pv1: .* 90.0% of the roofs .* pv0 left 10.0%"):
        ran_in("west", "west")
    with pytest.raises(InvalidScenario, match=r"pv2: .* pv0, pv1 left 10.0%"):
        ran_in("west", "east", "west")
    with pytest.raises(InvalidScenario, match=r"pv: .* pv0 left 10.0%"):
        ran_with([roofs("pv0", 0.9, area={"collection": "half", "ids": ["west"]}), roofs("pv", 0.2)])
