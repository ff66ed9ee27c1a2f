"""A run: nothing in, nothing changed; order, first-in and last-in by hand; sums; samples; costs; errors."""

import itertools
import json
from types import ModuleType
from typing import Any

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from scenarios import effects
from scenarios.costs import annual_cost
from scenarios.errors import InvalidScenario, ParameterGap
from scenarios.measures import measure_kinds
from scenarios.parameters import shipped_parameters
from scenarios.result import Result
from scenarios.run import baseline_of, run
from scenarios.scenario import Costs, read_scenario
from scenarios.state import SECTORS, CarrierFactor

RETROFIT = {"id": "retrofit", "kind": "retrofit", "level": 0.5}
PUMPS = {"id": "pumps", "kind": "heat_pump", "level": 0.4}
GRID = {"id": "grid", "kind": "electricity_factor", "parameters": {"electricity.target_factor": 0.2}}
EV = {"id": "ev", "kind": "electric_vehicles", "level": 0.6}
SHIFT = {"id": "shift", "kind": "modal_shift", "level": 0.2, "parameters": {"modal_shift.other_mode": 0.1}}
PV = {"id": "pv", "kind": "rooftop_pv", "level": 0.5, "parameters": {"pv.roof_share": 0.4}}
SPEED = {"id": "speed", "kind": "speed", "before_kmh": 25, "after_kmh": 40}
FREIGHT = {"id": "freight", "kind": "freight", "level": 1.0, "parameters": {"freight.saving": 0.15}}
FOREST = {"id": "forest", "kind": "afforestation", "hectares": 100, "start": 2026}
TREES = {"id": "trees", "kind": "street_trees", "trees": 10_000, "start": 2026}
PARK = {"id": "park", "kind": "park", "hectares": 20, "start": 2026}
LOSS = {"id": "loss", "kind": "green_loss", "level": 0.1}
COMPACT = {"id": "compact", "kind": "growth", "form": "compact", "people": 5000, "moved_people": 0.1, "moved_jobs": 0.1}
SECTOR_MEASURES = [RETROFIT, PUMPS, GRID, EV, SHIFT, PV, SPEED, FREIGHT, FOREST, TREES, PARK]
KEYS = st.sampled_from(("year", "measures", "kind", "id", "level", "area", "polygon", "form", "target", "x"))
ALL = [COMPACT, LOSS, *SECTOR_MEASURES]


def ran(state: Any, measures: list[dict[str, Any]], year: int = 2040, **asked: Any) -> Result:
    more = {name: asked.pop(name) for name in ("target", "parameters") if name in asked}
    document = {"year": year, "measures": measures, **more}
    return run(baseline_of(state), read_scenario(document), **asked)


def test_nothing_in_nothing_changed_to_the_bit(cities: ModuleType) -> None:
    state = cities.city(12, 11)
    result = ran(state, [], samples=20)
    for sector in SECTORS:
        np.testing.assert_array_equal(result.sector_tco2e(sector), state.sector_tco2e(sector))
    for outcome in result.outcomes.values():
        assert not outcome.change_tco2e.any()
        np.testing.assert_array_equal(outcome.path_tco2e, result.baseline_tco2e)
    assert result.samples is not None
    assert not result.samples.sectors_tco2e.any()
    assert result.before == result.then
    assert not result.used


@pytest.mark.parametrize("measure", ALL, ids=lambda measure: measure["id"])
def test_a_measure_of_no_level_changes_no_bit_elsewhere_and_its_removal_restores_all(
    cities: ModuleType, measure: dict[str, Any]
) -> None:
    state = cities.city(9, 9)
    others = [other for other in ALL if other is not measure]
    kept = baseline_of(state)  # as a server keeps it from run to run
    for measures in (ALL, others):
        again = run(kept, read_scenario({"year": 2040, "measures": measures}))
    afresh = ran(cities.city(9, 9), others)
    for name, outcome in afresh.outcomes.items():
        np.testing.assert_array_equal(again.outcomes[name].change_tco2e, outcome.change_tco2e)
        np.testing.assert_array_equal(again.outcomes[name].path_tco2e, outcome.path_tco2e)
    assert again.measures == afresh.measures
    for name in ("level", "people", "moved_people", "moved_jobs"):
        if name in measure and measure["kind"] != "freight":
            nothing = ran(
                state,
                [{**measure, **dict.fromkeys({"level", "people", "moved_people", "moved_jobs"} & set(measure), 0)}],
            )
            assert not nothing.first.change_tco2e.any()


def test_retrofit_and_heat_pumps_by_hand(cities: ModuleType) -> None:
    state = cities.city(6, 6)
    gas, power = state.buildings_tco2e[:, 1].sum(), state.buildings_tco2e[:, 0].sum()
    result = ran(state, [PUMPS, RETROFIT, GRID])
    saved = 0.5 * 0.3 * 0.85
    kept = gas * (1 - saved)
    switched = kept * 0.4 * (0.9 / 3.0) * 0.4173 / 0.202
    cleaner = 0.2 / 0.4173
    road = state.transport_tco2e[3].sum()  # electric cars
    expected = kept * 0.6 + (power + switched + road) * cleaner - gas - power - road
    assert result.first.total_tco2e == pytest.approx(expected, rel=1e-12)
    effects = {effect.id: effect for effect in result.measures}
    assert [effect.id for effect in result.measures] == ["retrofit", "pumps", "grid"]
    assert effects["retrofit"].tco2e == pytest.approx(-gas * saved)
    assert effects["retrofit"].first_in_tco2e == pytest.approx(-gas * saved)
    # on top of the others it only saves what they left: six tenths of gas, four of cleaner electricity
    left = 0.6 + 0.4 * 0.3 * 0.4173 / 0.202 * cleaner
    assert effects["retrofit"].last_in_tco2e == pytest.approx(-gas * saved * left)
    assert effects["pumps"].first_in_tco2e == pytest.approx(gas * 0.4 * (0.3 * 0.4173 / 0.202 - 1))
    assert sum(effect.tco2e for effect in result.measures) == pytest.approx(result.first.total_tco2e)


def test_heat_pumps_break_even_where_the_method_says(cities: ModuleType) -> None:
    # METHODS D5: they save if EF_el / SCOP < EF_fuel / efficiency
    state = cities.city(4, 4)
    even = 0.9 * 0.4173 / 0.202
    for scop, sign in ((even * 0.99, 1), (even * 1.01, -1)):
        result = ran(state, [PUMPS | {"parameters": {"heat_pump.scop": scop}}])
        assert np.sign(result.first.total_tco2e) == sign


def test_pv_counts_as_the_oracle_does_and_follows_the_factor(cities: ModuleType) -> None:
    # oracles.json: 5 MW at 3.6 h a day make 6,570,000 kWh
    state = cities.city(5, 5)
    result = ran(state, [PV])
    kwp = state.floor_area_m2.sum() / 4 * 0.4 * 0.2 * 0.5
    [effect] = result.measures
    assert effect.quantity == pytest.approx(kwp)
    assert effect.tco2e == pytest.approx(-kwp * 1.314 * 0.4173)
    assert pytest.approx(-3018.3, abs=0.1) == -5000 * 1.314 * 0.45941
    for measures in ([PV, GRID], [GRID, PV]):
        cleaner = ran(state, measures)
        assert [effect.id for effect in cleaner.measures] == ["grid", "pv"]
        assert cleaner.measures[1].first_in_tco2e == pytest.approx(effect.tco2e)
        assert cleaner.measures[1].last_in_tco2e == pytest.approx(effect.tco2e * 0.2 / 0.4173)


def test_electric_cars_by_hand(cities: ModuleType) -> None:
    state = cities.city(5, 5)
    result = ran(state, [EV])
    km = state.vehicle_km[:2].sum() * 0.6
    [effect] = result.measures
    assert effect.quantity == pytest.approx(km)
    expected = km * 0.245 / 0.9 * 0.4173 / 1000 - 0.6 * state.transport_tco2e[:2].sum()
    assert effect.tco2e == pytest.approx(expected)


def test_only_residents_shift_and_only_lorries_are_consolidated(cities: ModuleType) -> None:
    state = cities.city(5, 5)
    cars = state.transport_tco2e[[0, 1, 3]].sum()
    assert ran(state, [SHIFT]).first.total_tco2e == pytest.approx(-cars * 0.5 * 0.2 * 0.9)
    assert ran(state, [FREIGHT]).first.total_tco2e == pytest.approx(-0.15 * state.transport_tco2e[2].sum())


def test_trees_grow_and_are_counted_no_longer_than_they_grow(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    years = {}
    for year in (2026, 2031, 2041, 2046, 2047):
        years[year] = ran(state, [TREES], year=year).first.total_tco2e
    full = -10_000 * 10.63 * 25 / 1e4
    assert years[2026] == 0
    assert years[2031] == pytest.approx(full * 5 / 15)
    assert years[2041] == years[2046] == pytest.approx(full)
    assert years[2047] == 0
    forest = ran(state, [FOREST], year=2036).first.change_tco2e[SECTORS.index("forest")]
    assert forest.sum() == pytest.approx(-100 * 6.51 / 2)


def test_the_path_ends_at_the_change_and_ramps_evenly(cities: ModuleType) -> None:
    state = cities.city(6, 6)
    result = ran(state, [RETROFIT | {"start": 2030, "ramp_years": 10}], target={"reduction": 0.4})
    net = sum(state.sector_tco2e(sector).sum() for sector in SECTORS)
    path = dict(zip(result.years.tolist(), result.first.path_tco2e - net, strict=True))
    assert path[2024] == path[2030] == pytest.approx(0, abs=1e-9)
    assert path[2035] == pytest.approx(path[2040] / 2)
    assert path[2040] == pytest.approx(result.first.total_tco2e)
    assert result.target_tco2e == pytest.approx(0.6 * net)
    everything = ran(state, [COMPACT | {"ramp_years": 5}, *SECTOR_MEASURES])
    assert everything.first.path_tco2e[-1] - net == pytest.approx(everything.first.total_tco2e)


@given(st.lists(st.sampled_from(ALL), min_size=1, max_size=8, unique_by=lambda m: str(m["id"])), st.integers(1, 20))
@settings(max_examples=25, deadline=None)
def test_cells_sectors_and_measures_add_up_in_any_order(
    cities: ModuleType, measures: list[dict[str, Any]], seed: int
) -> None:
    state = cities.city(7, 8, seed=seed, holes=0.1 * (seed % 3))
    result = ran(state, measures)
    for outcome in result.outcomes.values():
        np.testing.assert_allclose(outcome.by_measure_tco2e.sum(axis=0), outcome.change_tco2e.sum(axis=0), atol=1e-9)
        assert outcome.total_tco2e == pytest.approx(outcome.by_measure_tco2e.sum(), abs=1e-8)
    if not {"compact", "loss"} <= {measure["id"] for measure in measures}:  # forms follow each other as given
        assert ran(state, measures[::-1]).first.total_tco2e == pytest.approx(result.first.total_tco2e)


@pytest.mark.parametrize("measure", [RETROFIT, PUMPS | {"parameters": {"heat_pump.scop": 4.0}}, EV, SHIFT, PV, FREIGHT])
def test_more_of_a_measure_never_helps_less(cities: ModuleType, measure: dict[str, Any]) -> None:
    state = cities.city(5, 6)
    totals = [
        ran(state, [RETROFIT | {"id": "other"}, measure | {"level": level}, GRID]).first.total_tco2e
        for level in (0.0, 0.2, 0.5, 0.9, 1.0)
    ]
    assert all(less > more for less, more in itertools.pairwise(totals))


def test_an_area_bounds_what_changes(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    left = np.zeros((8, 8))
    left[:, :4] = 1.0
    left[:, 4] = 0.25
    area = {"collection": "districts", "ids": ["west"]}
    result = run(
        baseline_of(state), read_scenario({"year": 2030, "measures": [RETROFIT | {"area": area}]}), lambda _: left
    )
    change = state.spread(result.first.change_tco2e[0])
    whole = state.spread(ran(state, [RETROFIT], 2030).first.change_tco2e[0])
    np.testing.assert_array_equal(change[:, 5:], 0)
    np.testing.assert_allclose(change, whole * left, atol=1e-12)
    with pytest.raises(InvalidScenario, match="retrofit: its area lies outside the region"):
        run(
            baseline_of(state),
            read_scenario({"year": 2030, "measures": [RETROFIT | {"area": area}]}),
            lambda _: 0 * left,
        )


def test_elasticity_sets_differ_only_where_residents_drive(cities: ModuleType) -> None:
    result = ran(cities.city(15, 15), [COMPACT, RETROFIT])
    one, two = result.outcomes.values()
    np.testing.assert_array_equal(one.change_tco2e[0], two.change_tco2e[0])
    np.testing.assert_array_equal(one.change_tco2e[2], two.change_tco2e[2])
    assert (one.change_tco2e[1] != two.change_tco2e[1]).any()
    low, high = result.range_tco2e()
    assert low < high
    assert result.illustrative


def test_samples_surround_the_estimate_and_share_errors(cities: ModuleType) -> None:
    state = cities.city(10, 10)
    zones = csr_array(np.repeat(np.eye(2), 50, axis=1))
    measures = [COMPACT, RETROFIT, PUMPS, PV, FOREST]
    result = ran(state, measures, samples=4000, seed=3, zones=zones)
    drawn = result.samples
    assert drawn is not None
    total = drawn.sectors_tco2e.sum(axis=0)
    low, high = drawn.interval_tco2e()
    assert low < result.first.total_tco2e < high
    assert total.mean() == pytest.approx(result.first.total_tco2e, rel=0.05)
    assert drawn.zones_tco2e is not None
    np.testing.assert_allclose(
        drawn.zones_tco2e.mean(axis=1), zones @ result.first.change_tco2e.sum(axis=0), rtol=0.06, atol=5
    )
    # shared errors do not average out: two halves err together
    assert np.corrcoef(drawn.zones_tco2e)[0, 1] > 0.7
    assert drawn.sampled == ("afforestation.uptake", "heat_pump.boiler_efficiency", "heat_pump.scop", "pv.yield",
                             "retrofit.saving")  # fmt: skip
    assert (drawn.cells_sd_tco2e >= 0).all()
    again = ran(state, measures, samples=4000, seed=3).samples
    assert again is not None
    np.testing.assert_array_equal(again.sectors_tco2e, drawn.sectors_tco2e)


def test_a_house_that_moves_brings_no_error_into_the_total(cities: ModuleType) -> None:
    rng = np.random.default_rng(4)
    state = cities.city(9, 9, resident_share=0.0, green_ha=np.zeros((9, 9)), forest_tco2e=np.zeros((9, 9)))
    state = cities.city(
        9, 9, resident_share=0.0, green_ha=np.zeros((9, 9)), forest_tco2e=np.zeros((9, 9)),
        sd_tco2e={"buildings": state.buildings_tco2e.sum(axis=(0, 1)) * rng.random((9, 9))},
    )  # fmt: skip
    move = {"id": "m", "kind": "growth", "form": "polycentric", "moved_people": 0.5, "moved_jobs": 0.5}
    result = ran(state, [move], samples=200)
    assert result.samples is not None
    np.testing.assert_allclose(result.samples.sectors_tco2e, 0, atol=1e-6)
    assert result.samples.cells_sd_tco2e.max() > 1


def test_one_sampled_parameter_by_hand(cities: ModuleType) -> None:
    state = cities.city(6, 6, sd_tco2e={})
    result = ran(state, [RETROFIT], samples=10_000)
    assert result.samples is not None
    gas = state.over(state.buildings_tco2e[:, 1]).sum(axis=0)
    sd = 0.15 / 1.959964 * 0.5 * 0.85
    np.testing.assert_allclose(result.samples.cells_sd_tco2e, gas * sd, rtol=0.03)
    low, high = result.samples.interval_tco2e()
    assert (high - low) / (2 * 1.644854) == pytest.approx(gas.sum() * sd, rel=0.03)


def test_a_range_that_is_given_is_drawn_or_said_not_to_be(cities: ModuleType) -> None:
    state = cities.city(6, 6, sd_tco2e={}, factors={"electricity": CarrierFactor(0.4173, 0.0)})
    ranges = {"pv.roof_share": (0.4, 0.3, 0.5), "pv.yield": 1314.0}
    result = ran(state, [PV | {"parameters": ranges}], samples=10_000)
    drawn = result.samples
    assert drawn is not None
    assert drawn.sampled == ("pv.roof_share",)
    assert not [note for note in result.notes if note.about == "ranges"]
    low, high = drawn.interval_tco2e()
    assert (high - low) / (2 * 1.644854) == pytest.approx(0.25 / 1.959964 * -result.first.total_tco2e, rel=0.03)
    single = ran(state, [PV | {"parameters": {"pv.roof_share": 0.4, "pv.yield": 1314.0}}])
    assert single.first.total_tco2e == result.first.total_tco2e
    # What the state rests on is worked out once: its range is in no interval, and nobody is told that it were.
    shift = SHIFT | {"parameters": SHIFT["parameters"] | {"modal_shift.other_mode": (0.1, 0.0, 0.2)}}
    both = run(
        baseline_of(state),
        read_scenario({"year": 2040, "measures": [shift], "parameters": {"state.resident_share": (0.5, 0.3, 0.7)}}),
        samples=100,
    )
    assert both.samples is not None
    assert both.samples.sampled == ("modal_shift.other_mode",)
    [note] = [note for note in both.notes if note.about == "ranges"]
    assert note.parameters == ("state.resident_share",)


def test_costs_are_annualised_by_the_recovery_factor(cities: ModuleType) -> None:
    assert annual_cost(Costs(capital_per_unit=1000, lifetime_years=20, discount_rate=0.05)) == pytest.approx(
        80.2426, rel=1e-5
    )
    assert annual_cost(Costs(capital_per_unit=1000, lifetime_years=20, discount_rate=0)) == 50
    for next_to_none in (5e-324, 1e-18, 1e-12):
        assert annual_cost(Costs(capital_per_unit=1000, lifetime_years=20, discount_rate=next_to_none)) == (
            pytest.approx(50)
        )
    costs = {"capital_per_unit": 1500, "running_per_unit": 5, "currency": "USD"}
    [effect] = ran(cities.city(5, 5), [PV | {"costs": costs}]).measures
    assert effect.cost_per_tco2e == pytest.approx(annual_cost(Costs(**costs)) / (1.314 * 0.4173))
    assert effect.currency == "USD"


@pytest.mark.parametrize(
    ("measures", "says"),
    [
        ([PV | {"parameters": {}}], r"pv\.roof_share"),
        ([GRID | {"parameters": {}}], r"electricity\.target_factor"),
        ([EV | {"vehicles": ["bus"]}], "tells car, hgv"),
        ([EV | {"vehicles": ["hgv"]}], r"ev\.hgv"),
        ([RETROFIT | {"uses": ["castle"]}], "use castle was given; this state tells nonresidential, residential"),
        ([RETROFIT | {"vintages": ["1888"]}], "vintage 1888"),
        ([PUMPS | {"carriers": ["coal"]}], "carriers coal were given; this state tells electricity, gas"),
        ([FOREST | {"hectares": 1e6}], "neither green nor built on"),
        ([TREES | {"trees": 1e9}], "trees: 1,000,000,000 trees were asked for, whose crowns of 25 m2"),
        ([{"id": "stops", "kind": "transit_stops", "stops": [[127.0, 37.1]]}], "knows no transit stops"),
        ([RETROFIT | {"area": {"collection": "a", "ids": ["b"]}}], "which cells lie in it"),
        ([RETROFIT | {"parameters": {"retrofit.saving": 7}}], "0 to 0.9 was"),
    ],
)
def test_what_cannot_be_carried_out_is_told(cities: ModuleType, measures: list[dict[str, Any]], says: str) -> None:
    with pytest.raises((InvalidScenario, ParameterGap, ValueError), match=says):
        ran(cities.city(5, 5), measures)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "no JSON"),
        ({"year": 2030, "measures": [{"id": "x", "kind": "magic"}]}, r"measures\.0.*magic"),
        (
            {"year": 2030, "measures": [RETROFIT | {"level": 1.2}]},
            r"retrofit\.level.*less than or equal to 1.*given: 1\.2",
        ),
        ({"year": 2030, "measures": [RETROFIT, RETROFIT]}, "given twice: retrofit"),
        ({"year": 2030, "measures": [RETROFIT | {"start": 2031}]}, "after the scenario's year"),
        ({"year": 2030, "measures": [GRID | {"area": {"collection": "a", "ids": ["b"]}}]}, "whole region"),
        ({"year": 2030, "measures": [RETROFIT | {"area": {}}]}, "either a polygon"),
        ({"year": 2030, "colour": 1}, "colour"),
        ({"year": 2030, "target": {}}, "either net_tco2e or reduction"),
    ],
)
def test_a_document_is_refused_by_field(document: Any, says: str) -> None:
    with pytest.raises(InvalidScenario, match=says):
        read_scenario(document)


@pytest.mark.parametrize("measure", SECTOR_MEASURES, ids=lambda measure: measure["id"])
def test_the_catalogue_says_what_a_measure_does(cities: ModuleType, measure: dict[str, Any]) -> None:
    kinds = {kind.kind: kind for kind in measure_kinds()}
    result = ran(cities.city(6, 6), [measure])
    [effect] = result.measures
    kind = kinds[measure["kind"]]
    assert effect.stage == kind.stage
    assert {one.id for one in result.used} <= {*kind.parameters, *kind.shared}
    touched = [sector for sector, row in zip(SECTORS, result.first.change_tco2e, strict=True) if row.any()]
    assert kind.sector in touched or measure["start"] == 2026


def test_the_catalogue_is_whole() -> None:
    kinds = [kind.kind for kind in measure_kinds()]
    assert kinds[:5] == ["growth", "use_change", "transit_stops", "streets", "green_loss"]
    assert {measure["kind"] for measure in ALL} <= set(kinds)
    for kind in measure_kinds():
        assert kind.about
        assert all(name in shipped_parameters().items for name in (*kind.parameters, *kind.shared))
        assert not set(kind.parameters) & set(kind.shared)
        assert kind.schema["properties"]["kind"] == {"const": kind.kind, "title": "Kind", "type": "string"}


def test_new_stops_and_streets_shorten_travel_where_they_are(cities: ModuleType) -> None:
    x, y = 900_000 + 250.0, 1_900_000 + 250.0
    state = cities.city(9, 9, stops=np.array([[x, y]]))
    middle = pyproj.Transformer.from_crs("EPSG:5179", "OGC:CRS84", always_xy=True).transform(x + 2000, y + 2000)
    for measure in (
        {"id": "stops", "kind": "transit_stops", "stops": [middle]},
        {"id": "streets", "kind": "streets", "change": 0.3},
    ):
        result = ran(state, [measure])
        for outcome in result.outcomes.values():
            assert outcome.change_tco2e[1].sum() < 0
            assert not outcome.change_tco2e[[0, 2]].any()


def test_parks_count_as_green(cities: ModuleType) -> None:
    state = cities.city(6, 6)
    result = ran(state, [PARK])
    assert result.then.green_m2_per_person is not None
    gained = result.then.green_m2_per_person - result.before.green_m2_per_person
    assert gained == pytest.approx(20 * 1e4 / state.population.sum())


def test_more_travel_than_a_car_can_drive_is_told(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    for share, warned in ((0.02, False), (1.0, True)):
        result = ran(state, [COMPACT], parameters={"state.resident_share": share, "access.trip_length": 40.0})
        assert any("a head and year" in note.text for note in result.notes) == warned


def test_everybody_at_one_centre_travels_less_and_everybody_spread_more(cities: ModuleType) -> None:
    state = cities.city(25, 25)
    moved = {"moved_people": 1.0, "moved_jobs": 1.0}
    lengths, travel = {}, {}
    for form, limit in (("monocentric", 5000.0), ("sprawl", 16.0)):
        measure = {"id": "m", "kind": "growth", "form": form, "people_per_ha": limit, "jobs_per_ha": limit, **moved}
        result = ran(state, [measure], parameters={"forms.nearness": 0.1})
        lengths[form] = result.then.mean_trip_length_km
        travel[form] = [o.change_tco2e[1].sum() + o.leaves_tco2e for o in result.outcomes.values()]
    assert lengths["monocentric"] < result.before.mean_trip_length_km < lengths["sprawl"]
    assert max(travel["monocentric"]) < 0 < min(travel["sprawl"])


def test_blocks_of_groups_change_no_number(cities: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    state = cities.city(9, 9, holes=0.2)
    ragged = np.random.default_rng(5).random((9, 9))
    area = {"collection": "drawn", "ids": ["x"]}
    measures = [COMPACT, RETROFIT | {"area": area}, PUMPS, EV | {"area": area}, GRID, PV | {"area": area}, FOREST]
    document = read_scenario({"year": 2040, "measures": measures})
    zones = csr_array(np.random.default_rng(6).random((3, state.cells)))
    one = run(baseline_of(state), document, lambda _: ragged, samples=30, zones=zones)
    monkeypatch.setattr(effects, "_NUMBERS_AT_ONCE", 2000)
    two = run(baseline_of(state), document, lambda _: ragged, samples=30, zones=zones)
    for name, outcome in one.outcomes.items():
        np.testing.assert_array_equal(outcome.change_tco2e, two.outcomes[name].change_tco2e)
        np.testing.assert_array_equal(outcome.by_measure_tco2e, two.outcomes[name].by_measure_tco2e)
        np.testing.assert_allclose(outcome.path_tco2e, two.outcomes[name].path_tco2e, rtol=1e-12)
    assert one.samples is not None
    assert two.samples is not None
    np.testing.assert_allclose(one.samples.sectors_tco2e, two.samples.sectors_tco2e, rtol=1e-9)
    np.testing.assert_allclose(one.samples.zones_tco2e, two.samples.zones_tco2e, rtol=1e-9)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


SHAPED = st.fixed_dictionaries({"year": JSON, "measures": st.lists(st.dictionaries(KEYS, JSON))})


@given(JSON | st.dictionaries(KEYS, JSON) | SHAPED)
@settings(max_examples=150, deadline=None)
def test_whatever_is_posted_is_read_or_refused(document: Any) -> None:
    said = ""
    try:
        read_scenario(json.dumps(document))
    except InvalidScenario as error:
        said = str(error)
    assert len(said) < 2000
