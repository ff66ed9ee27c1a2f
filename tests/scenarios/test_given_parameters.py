"""What a measure or a scenario may give itself: whatever is taken changes something, and the result lists it."""

from types import ModuleType
from typing import Any

import pytest

from scenarios.errors import InvalidParameters, InvalidScenario
from scenarios.measures import measure_kinds
from scenarios.result import Result
from scenarios.run import baseline_of, run
from scenarios.scenario import read_scenario

COMPACT = {"id": "grow", "kind": "growth", "form": "compact", "people": 200, "moved_people": 0.02}
SPRAWL = COMPACT | {"form": "sprawl"}
CENTRE = COMPACT | {"form": "monocentric"}
SHIFT = {"id": "shift", "kind": "modal_shift", "level": 0.2}
STREETS = {"id": "streets", "kind": "streets", "change": 0.2}
RETROFIT = {"id": "retrofit", "kind": "retrofit", "level": 0.5, "parameters": {"retrofit.saving": 0.3}}
PUMPS = {"id": "pumps", "kind": "heat_pump", "level": 0.4}
FREIGHT = {"id": "freight", "kind": "freight", "level": 1.0, "parameters": {"freight.saving": 0.15}}
EV = {"id": "ev", "kind": "electric_vehicles", "level": 0.3, "vehicles": ["car"]}
SPEED = {"id": "speed", "kind": "speed", "before_kmh": 25, "after_kmh": 40}


def ran(cities: ModuleType, measure: dict[str, Any], parameters: dict[str, float] | None = None) -> Result:
    document = {"year": 2040, "measures": [measure], "parameters": parameters or {}}
    return run(baseline_of(cities.city(8, 8)), read_scenario(document))


def giving(measure: dict[str, Any], **values: float) -> dict[str, Any]:
    named = {name.replace("__", "."): value for name, value in values.items()}
    return measure | {"parameters": {**measure.get("parameters", {}), **named}}


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        (giving(COMPACT, access__smoothing=3), "grow: the parameter access.smoothing .* holds for the whole scenario"),
        (giving(COMPACT, access__trip_length=30), "holds for the whole scenario"),
        (giving(STREETS, state__resident_share=0.9), "holds for the whole scenario"),
        (giving(SHIFT, state__resident_share=0.9), "holds for the whole scenario"),
        (giving(RETROFIT, pv__yield=900), "retrofit: the parameter pv.yield .* takes retrofit.saving"),
        (giving(STREETS, forms__nearness=0.4), "streets: .* takes none"),
        (
            giving(SPRAWL, forms__nearness=0.4),
            "grow: .* forms.nearness .* takes forms.sprawl_quantile, .*leave forms.n",
        ),
        (giving(COMPACT, forms__nearness=0.4), "grow: .* leave forms.nearness out"),
        (giving(CENTRE, forms__sprawl_quantile=0.4), "grow: .* takes forms.nearness, .* leave forms.sprawl_quantile"),
        (
            giving(SPRAWL | {"people_per_ha": 90, "jobs_per_ha": 9}, forms__sprawl_quantile=0.4),
            "forms.sprawl_quantile out",
        ),
        (giving(EV, ev__hgv=1.4), "ev: .* takes ev.charging_loss, ev.car: leave ev.hgv out"),
        (giving(COMPACT, state__floor_per_person=50), "holds for the whole scenario"),
    ],
)
def test_a_measure_is_given_only_what_it_reads(cities: ModuleType, measure: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidScenario, match=says):
        ran(cities, measure)


@pytest.mark.parametrize(
    "name", ["state.floor_per_person", "state.floor_per_job", "state.emissions_per_floor", "state.fleet.car_petrol",
             "state.residential_share", "state.mean_speed", "roads.speed.primary"],
)  # fmt: skip
def test_what_the_state_was_made_with_is_refused(cities: ModuleType, name: str) -> None:
    with pytest.raises(InvalidScenario, match=f"{name} was used when the state was made"):
        ran(cities, RETROFIT, {name: 0.5})


@pytest.mark.parametrize(
    ("name", "use", "measure"),
    [("state.floor_per_person", 0, COMPACT), ("state.floor_per_job", 2, COMPACT | {"people": 0, "jobs": 300})],
)
def test_new_floor_per_head_is_asked_where_the_state_has_none(
    cities: ModuleType, name: str, use: int, measure: dict[str, Any]
) -> None:
    whole = cities.city(8, 8)
    floor, tonnes = whole.floor_area_m2.copy(), whole.buildings_tco2e.copy()
    gone = [0, 1] if use == 0 else [2]
    floor[gone], tonnes[gone] = 0, 0
    bare = baseline_of(cities.city(8, 8, floor_area_m2=floor, buildings_tco2e=tonnes))

    def new_m2(given: dict[str, float]) -> float:
        document = {"year": 2040, "measures": [measure], "parameters": given}
        result = run(bare, read_scenario(document))
        [told] = [one for one in result.used if one.id == name]
        assert told.status == ("given" if given else "illustrative")
        return float(result.after.floor_area_m2.sum() - floor.sum())

    assert new_m2({name: 80.0}) == pytest.approx(80 * max(measure["people"], measure.get("jobs", 0)))
    assert new_m2({}) != pytest.approx(new_m2({name: 80.0}))
    with pytest.raises(InvalidScenario, match=f"{name} was used when the state was made"):
        ran(cities, measure, {name: 80.0})


def test_a_name_that_there_is_not_is_refused_with_those_like_it(cities: ModuleType) -> None:
    with pytest.raises(InvalidParameters, match=r"did you mean retrofit\.saving"):
        ran(cities, giving(RETROFIT, retrofit__savings=0.2))


@pytest.mark.parametrize(
    ("measure", "name", "value"),
    [
        (CENTRE, "forms.nearness", 1.5),
        (COMPACT, "forms.density_quantile", 0.7),
        (SPRAWL, "forms.sprawl_quantile", 0.9),
        (COMPACT, "forms.floor_area_ratio", 0.5),
    ],
)
def test_what_a_form_is_given_acts_and_is_listed(
    cities: ModuleType, measure: dict[str, Any], name: str, value: float
) -> None:
    plain, own = ran(cities, measure), ran(cities, measure | {"parameters": {name: value}})
    assert (plain.first.change_tco2e != own.first.change_tco2e).any()
    [before], [after] = ([one for one in result.used if one.id == name] for result in (plain, own))
    assert (before.status, after.status) == ("illustrative", "given")
    assert (after.value, after.source) == (value, "measure grow")


def test_each_of_two_forms_is_listed_with_its_own_number(cities: ModuleType) -> None:
    measures = [giving(CENTRE, forms__nearness=1.5), giving(CENTRE | {"id": "again"}, forms__nearness=0.7),
                CENTRE | {"id": "third"}]  # fmt: skip
    result = run(baseline_of(cities.city(8, 8)), read_scenario({"year": 2040, "measures": measures}))
    found = {one.source: one.value for one in result.used if one.id == "forms.nearness"}
    assert found == {"judgement": 0.5, "measure grow": 1.5, "measure again": 0.7}


def test_a_default_that_nobody_uses_is_not_listed(cities: ModuleType) -> None:
    result = ran(cities, giving(SHIFT, modal_shift__other_mode=0.1))
    assert [one.value for one in result.used if one.id == "modal_shift.other_mode"] == [0.1]


@pytest.mark.parametrize("name", ["access.trip_length", "access.smoothing", "state.resident_share"])
def test_what_holds_for_the_whole_scenario_acts(cities: ModuleType, name: str) -> None:
    value = 2.0 if name.startswith("access") else 0.8
    plain, own = ran(cities, COMPACT), ran(cities, COMPACT, {name: value})
    assert (plain.first.change_tco2e != own.first.change_tco2e).any()
    assert [one.value for one in own.used if one.id == name] == [value]


def test_every_parameter_of_the_catalogue_is_taken_where_it_is_said_to_be(cities: ModuleType) -> None:
    kinds = {kind.kind: kind for kind in measure_kinds()}
    assert set(kinds["growth"].shared) == {"access.trip_length", "access.smoothing", "state.resident_share"}
    assert kinds["road_closure"].parameters == ()
    assert "roads.walk_speed" in kinds["road_closure"].shared


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        (FREIGHT | {"vehicles": ["hgv", "lorry"]}, "vehicles lorry were given; this state tells"),
        (SPEED | {"vehicles": ["car", "bicycle"]}, "vehicles bicycle were given"),
        (PUMPS | {"carriers": ["gas", "kerosene"]}, "carriers kerosene were given"),
    ],
)
def test_a_misspelt_name_beside_a_good_one_is_refused(cities: ModuleType, measure: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidScenario, match=says):
        ran(cities, measure)


def test_a_default_that_is_told_in_full_says_the_same(cities: ModuleType) -> None:
    state = cities.city(8, 8)  # of vans it tells nothing
    document = {"year": 2040, "measures": [FREIGHT]}
    result = run(baseline_of(state), read_scenario(document))
    again = run(baseline_of(state), read_scenario(result.scenario.model_dump(mode="json")))
    assert (again.first.change_tco2e == result.first.change_tco2e).all()
    assert result.first.change_tco2e.any()


@pytest.mark.parametrize(
    "measure",
    [
        {"id": "road", "kind": "new_road", "line": [[127, 37], [127.01, 37]], "kmh": 50},
        {"id": "stops", "kind": "transit_stops", "stops": [[127, 37]]},
    ],
)
def test_an_area_that_would_mean_nothing_is_refused(measure: dict[str, Any]) -> None:
    area = {"collection": "district", "ids": ["a"]}
    read_scenario({"year": 2040, "measures": [measure]})
    with pytest.raises(InvalidScenario, match="leave area out"):
        read_scenario({"year": 2040, "measures": [measure | {"area": area}]})
