"""Urban forms: conserved to the bit, by hand on small cities, and in the direction their names say."""

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.access import mean_trip_length_km
from scenarios.centres import found_centres
from scenarios.errors import InvalidScenario
from scenarios.exact_sums import exact_sum
from scenarios.filling import filled, settled
from scenarios.forms import Growth, formed, with_use_changed
from scenarios.parameters import shipped_parameters
from scenarios.run import baseline_of, run
from scenarios.scenario import read_scenario

FORMS = ("trend", "sprawl", "compact", "monocentric", "polycentric")
AMOUNT = st.just(0.0) | st.floats(1e-6, 5e4)
PART = st.just(0.0) | st.floats(1e-6, 1.0)
PARAMETERS = shipped_parameters()
JOBS: dict[str, Any] = {"id": "jobs", "kind": "growth", "jobs": 500.0}


def test_filling_stops_at_the_room_of_a_cell() -> None:
    got = filled(10.0, np.array([1.0, 1.0, 2.0, 0.0]), np.array([1.0, np.inf, np.inf, np.inf]))
    np.testing.assert_allclose(got, [1, 3, 6, 0])
    np.testing.assert_array_equal(filled(6.0, np.ones(3), np.array([1.0, 2, 3])), [1, 2, 3])
    with pytest.raises(InvalidScenario, match="only 6 fit"):
        filled(7.0, np.ones(3), np.array([1.0, 2, 3]))


@given(st.integers(1, 60), st.floats(1e-6, 1e9), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_filling_places_the_amount_to_the_bit(cells: int, amount: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.random(cells) * (rng.random(cells) < 0.8)
    weights[0] = 1.0
    room = rng.random(cells)
    room *= 1.5 * amount / room[weights > 0].sum()
    got = filled(amount, weights, room)
    assert math.fsum(got) == amount
    assert (got >= 0).all()
    assert (got <= room * (1 + 1e-9)).all()
    assert not got[weights == 0].any()


def test_settling_refuses_what_is_no_rounding() -> None:
    with pytest.raises(InvalidScenario, match="add up to"):
        settled(np.array([1.0, 2.0]), 4.0)


@given(st.sampled_from(FORMS), AMOUNT, AMOUNT, PART, PART, st.integers(1, 99))
@settings(max_examples=60, deadline=None)
def test_people_jobs_and_floor_area_are_conserved(
    cities: ModuleType, form: str, people: float, jobs: float, moved: float, moved_jobs: float, seed: int
) -> None:
    state = cities.city(9, 8, seed=seed, holes=0.1 * (seed % 4))
    growth = Growth(form, people, jobs, moved, moved_jobs, people_per_ha=300.0, jobs_per_ha=300.0)
    after = formed(state, growth, PARAMETERS).state
    assert exact_sum(after.population) == exact_sum(state.population) + people
    assert exact_sum(after.jobs) == exact_sum(state.jobs) + jobs
    per_head = exact_sum(state.floor_area_m2[:2]) / exact_sum(state.population)
    assert exact_sum(after.floor_area_m2[0]) == exact_sum(state.floor_area_m2[0])
    assert exact_sum(after.floor_area_m2[1]) == exact_sum(state.floor_area_m2[1]) + people * per_head
    assert (after.population >= 0).all()
    assert not after.population[~state.inside].any()
    assert (after.green_ha <= state.green_ha).all()
    if not people and not jobs:  # moving a house changes no energy per area
        assert after.buildings_tco2e.sum() == pytest.approx(state.buildings_tco2e.sum(), rel=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_nobody_who_moves_leaves_every_bit(cities: ModuleType, form: str) -> None:
    state = cities.city(7, 7)
    after = formed(state, Growth(form), PARAMETERS).state
    for name in ("population", "jobs", "floor_area_m2", "buildings_tco2e", "green_ha", "forest_tco2e"):
        np.testing.assert_array_equal(getattr(after, name), getattr(state, name))


def test_growth_in_three_by_three_by_hand(cities: ModuleType) -> None:
    people = np.array([[10.0, 20, 10], [20, 40, 20], [10, 20, 10]])
    state = cities.city(3, 3, population=people)
    trend = formed(state, Growth("trend", people=160.0), PARAMETERS)
    np.testing.assert_allclose(trend.state.population, 2 * people)
    middle = ((900_750.0, 1_900_750.0),)
    inward = formed(state, Growth("monocentric", people=100.0, centres=middle, people_per_ha=1e6), PARAMETERS)
    side, corner, own = 0.5, np.sqrt(0.5), 0.26070271658236036
    today = (40 * own + 80 * side + 40 * corner) / 160
    weight = np.exp(-4 / today * np.array([[corner, side, corner], [side, own, side], [corner, side, corner]]))
    np.testing.assert_allclose(inward.arrived, 100 * weight / weight.sum(), rtol=1e-6)
    assert inward.centres == middle
    capped = formed(state, Growth("monocentric", people=100.0, people_per_ha=2.0), PARAMETERS).state
    assert capped.population.max() <= 50 * (1 + 1e-12)  # 2 persons/ha on 25 ha


def test_forms_order_trips_as_their_names_say(cities: ModuleType) -> None:
    state = cities.city(41, 41)
    lengths = {}
    for form in FORMS:
        after = formed(state, Growth(form, 2e5, 1e5, people_per_ha=400, jobs_per_ha=300), PARAMETERS).state
        lengths[form] = mean_trip_length_km(after.frame, after.population, after.jobs, 0.2)
    assert lengths["compact"] < lengths["trend"] < lengths["sprawl"]
    assert lengths["monocentric"] < lengths["sprawl"]


def test_a_destination_is_kept_to(cities: ModuleType) -> None:
    state = cities.city(9, 9)
    where = np.zeros((9, 9))
    where[2:4, 2:4] = 1.0
    got = formed(state, Growth("trend", people=500.0, destination=where), PARAMETERS)
    assert not got.arrived[where == 0].any()
    assert got.arrived.sum() == pytest.approx(500)
    with pytest.raises(InvalidScenario, match="No cell takes people"):
        formed(state, Growth("trend", people=5.0, destination=np.zeros((9, 9))), PARAMETERS)


def test_new_ground_takes_its_green(cities: ModuleType) -> None:
    zero = np.zeros((3, 3))
    state = cities.city(
        3, 3, population=np.eye(3) * 100, jobs=zero, floor_area_m2=np.stack([zero, np.eye(3) * 5000.0, zero]),
        buildings_tco2e=np.zeros((3, 2, 3, 3)), green_ha=np.full((3, 3), 12.5), forest_tco2e=np.full((3, 3), -50.0),
    )  # fmt: skip
    where = zero.copy()
    where[0, 2] = 1.0
    growth = Growth("monocentric", people=1000.0, centres=((901_250.0, 1_900_250.0),), people_per_ha=100.0,
                    destination=where)  # fmt: skip
    after = formed(state, growth, PARAMETERS).state
    # 50,000 m2 at a floor area ratio of 1 take 5 of 25 ha, half of which is green
    assert after.green_ha[0, 2] == pytest.approx(10.0)
    assert after.forest_tco2e[0, 2] == pytest.approx(-40.0)
    assert after.green_ha[1, 0] == 12.5


def test_a_change_of_use_keeps_floor_area(cities: ModuleType) -> None:
    state = cities.city(5, 5)
    where = np.zeros((5, 5))
    where[2, 2] = 0.5
    after = with_use_changed(state, where, "nonresidential", "residential", 0.4)
    moved = 0.2 * state.floor_area_m2[2, 2, 2]
    assert exact_sum(after.floor_area_m2) == exact_sum(state.floor_area_m2)
    assert after.floor_area_m2[1, 2, 2] - state.floor_area_m2[1, 2, 2] == pytest.approx(moved)
    change = after.buildings_tco2e - state.buildings_tco2e
    # Of dwellings 20 parts have 0.04 + 0.03 t per m2, and 15 have 0.03 + 0.02.
    assert change[1, :, 2, 2].sum() == pytest.approx(moved * (20 * 0.07 + 15 * 0.05) / 35)
    assert change[2, :, 2, 2].sum() == pytest.approx(-moved * 0.07)
    with pytest.raises(InvalidScenario, match="two of nonresidential, residential"):
        with_use_changed(state, where, "office", "residential", 0.4)


def test_floor_area_has_the_energy_of_its_use_whatever_vintage_is_empty(cities: ModuleType) -> None:
    state = cities.city(5, 5)
    floor, tonnes = state.floor_area_m2.copy(), state.buildings_tco2e.copy()
    floor[1], tonnes[1] = 0, 0
    no_new = cities.city(5, 5, floor_area_m2=floor, buildings_tco2e=tonnes)
    everywhere = np.ones((5, 5))
    after = with_use_changed(no_new, everywhere, "nonresidential", "residential", 1.0)
    assert after.buildings_tco2e.sum() == pytest.approx(0.07 * floor.sum())
    # To offices and back: the state between has no dwelling left to tell what one uses.
    offices = with_use_changed(state, everywhere, "residential", "nonresidential", 1.0, state)
    assert not offices.floor_area_m2[:2].any()
    back = with_use_changed(offices, everywhere, "nonresidential", "residential", 1.0, state)
    assert back.buildings_tco2e.sum() == pytest.approx(state.floor_area_m2.sum() * (20 * 0.07 + 15 * 0.05) / 35)
    people = Growth("trend", people=1000.0)
    assert formed(offices, people, PARAMETERS, state).state.buildings_tco2e.sum() > offices.buildings_tco2e.sum()
    floor[0], tonnes[0] = 0, 0
    none = cities.city(5, 5, floor_area_m2=floor, buildings_tco2e=tonnes)
    with pytest.raises(InvalidScenario, match="'residential', and there is none of that use"):
        with_use_changed(none, everywhere, "nonresidential", "residential", 0.1, none)


def test_planted_centres_are_found(cities: ModuleType) -> None:
    people = np.zeros((41, 41))
    for row, col, size in ((10, 10, 500.0), (30, 12, 400.0), (20, 33, 300.0)):
        people[row, col] = size
    state = cities.city(41, 41, population=people, jobs=np.zeros((41, 41)))
    x, y = state.frame.centres()
    found = found_centres(state, 5, radius_km=1.0)
    near = [min(math.hypot(x[col] - a, y[row] - b) for a, b in found) for row, col in ((10, 10), (30, 12), (20, 33))]
    assert len(found) >= 3
    assert max(near) <= 1000


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"people": -1.0}, "0 or more"), ({"moved_people": 1.2}, "0 to 1"), ({"people": 1e9}, "fit. Raise")],
)
def test_what_cannot_be_is_refused(cities: ModuleType, changes: dict[str, float], says: str) -> None:
    with pytest.raises(InvalidScenario, match=says):
        formed(cities.city(5, 5), Growth("compact", **changes), PARAMETERS)


def test_moving_where_one_was_changes_nothing(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    got = formed(state, Growth("trend", moved_people=0.3, moved_jobs=0.2), PARAMETERS)
    np.testing.assert_allclose(got.left, 0, atol=1e-9)
    np.testing.assert_allclose(got.arrived, 0, atol=1e-9)
    np.testing.assert_allclose(got.state.buildings_tco2e, state.buildings_tco2e, rtol=1e-9)


def test_floor_area_of_a_use_that_nobody_has_emits_as_buildings_do_and_says_so(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    floor, tonnes = state.floor_area_m2.copy(), state.buildings_tco2e.copy()
    floor[2], tonnes[2] = 0, 0
    homes = cities.city(8, 8, floor_area_m2=floor, buildings_tco2e=tonnes)
    result = run(baseline_of(homes), read_scenario({"year": 2040, "measures": [{**JOBS, "form": "trend"}]}))
    new_m2 = PARAMETERS.number("state.floor_per_job") * JOBS["jobs"]
    assert result.after.floor_area_m2[2].sum() == pytest.approx(new_m2)
    gained = result.after.buildings_tco2e.sum() - homes.buildings_tco2e.sum()
    assert gained == pytest.approx(new_m2 * tonnes.sum() / floor.sum())
    [note] = [note for note in result.notes if note.code == "new_use"]
    assert "the use nonresidential" in note.text
    there = run(baseline_of(state), read_scenario({"year": 2040, "measures": [{**JOBS, "form": "trend"}]}))
    assert "new_use" not in {note.code for note in there.notes}
