"""On the way to the year: intervals, targets, costs and sectors of measures; growth by parts; stops of a line."""

import itertools
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from scenarios import path_samples
from scenarios.comparison import difference
from scenarios.costs import annual_cost, total_costs
from scenarios.errors import InvalidScenario
from scenarios.measures import measure_kinds
from scenarios.parameters import shipped_parameters
from scenarios.place_changes import place_intervals
from scenarios.result import Result
from scenarios.run import baseline_of, run
from scenarios.scenario import Costs, read_scenario
from scenarios.state import SECTORS
from scenarios.summary import summary
from scenarios.target import target_reached

RETROFIT = {"id": "retrofit", "kind": "retrofit", "level": 0.5, "ramp_years": 10}
PUMPS = {"id": "pumps", "kind": "heat_pump", "level": 0.4, "start": 2030, "parameters": {"heat_pump.scop": 4.0}}
GRID = {"id": "grid", "kind": "electricity_factor", "parameters": {"electricity.target_factor": 0.2}, "ramp_years": 12}
PV = {"id": "pv", "kind": "rooftop_pv", "level": 0.5, "parameters": {"pv.roof_share": 0.4}}
EV = {"id": "ev", "kind": "electric_vehicles", "level": 0.6}
SHIFT = {"id": "shift", "kind": "modal_shift", "level": 0.2, "parameters": {"modal_shift.other_mode": 0.1}}
FREIGHT = {"id": "freight", "kind": "freight", "level": 0.5, "parameters": {"freight.saving": 0.15}}
FOREST = {"id": "forest", "kind": "afforestation", "hectares": 100, "start": 2026}
COMPACT = {"id": "compact", "kind": "growth", "form": "compact", "people": 5000, "moved_people": 0.1, "ramp_years": 8}
LEVELLED = (RETROFIT, PUMPS, PV, EV, SHIFT, FREIGHT)


def ran(state: Any, measures: list[dict[str, Any]], year: int = 2040, **asked: Any) -> Result:
    more = {name: asked.pop(name) for name in ("target", "parameters", "stops") if name in asked}
    return run(baseline_of(state), read_scenario({"year": year, "measures": measures, **more}), **asked)


# --- the path --------------------------------------------------------------------------------------------------------


def test_each_year_of_the_path_is_sampled_as_a_run_of_that_year_would_be(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    measures = [COMPACT, RETROFIT, PUMPS, GRID, PV, FOREST]
    drawn = ran(state, measures, samples=300, seed=5).samples
    assert drawn is not None
    np.testing.assert_array_equal(drawn.path_years, np.arange(2024, 2041))
    for year in (2030, 2035, 2040):
        alone = ran(state, measures, year, samples=300, seed=5).samples
        assert alone is not None
        [place] = np.flatnonzero(drawn.path_years == year)
        np.testing.assert_allclose(drawn.path_tco2e[place], alone.sectors_tco2e.sum(axis=0), rtol=1e-9)


def test_the_interval_begins_at_nothing_and_holds_the_path(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    result = ran(state, [COMPACT, RETROFIT, GRID], samples=2000)
    assert result.samples is not None
    low, high = result.samples.path_interval_tco2e()
    change = result.first.path_tco2e - result.baseline_tco2e
    assert not low[:2].any()
    assert not high[:2].any(), "everything begins in 2025, and by its end nothing is done"
    assert (low[2:] < change[2:]).all()
    assert (change[2:] < high[2:]).all()
    assert (np.diff(high - low)[2:13] > 0).all(), "what grows by the year grows less certain"
    assert (low[-1], high[-1]) == pytest.approx(result.samples.interval_tco2e())


def test_where_a_path_is_much_work_some_years_of_it_are_drawn(
    cities: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = cities.city(6, 6)
    whole = ran(state, [RETROFIT, GRID], samples=50).samples
    monkeypatch.setattr(path_samples, "_NUMBERS", 13 * 50 * 5)
    some = ran(state, [RETROFIT, GRID], samples=50).samples
    assert whole is not None
    assert some is not None
    assert 2 <= len(some.path_years) < len(whole.path_years)
    assert (some.path_years[0], some.path_years[-1]) == (2024, 2040)
    np.testing.assert_array_equal(some.path_tco2e, whole.path_tco2e[np.isin(whole.path_years, some.path_years)])


def test_each_set_of_elasticities_has_an_interval_of_its_own_in_the_same_worlds(cities: ModuleType) -> None:
    state, document = cities.city(8, 8), read_scenario({"year": 2040, "measures": [COMPACT, RETROFIT]})
    known = shipped_parameters()
    turned = replace(known, elasticities=dict(reversed(known.elasticities.items())))
    one, other = (run(baseline_of(state, each), document, samples=300, seed=4) for each in (known, turned))
    assert one.samples is not None
    assert other.samples is not None
    first, second = known.elasticities
    assert list(one.samples.sets_tco2e) == [first, second]
    np.testing.assert_array_equal(one.samples.sets_tco2e[first], one.samples.sectors_tco2e.sum(axis=0))
    # As if the other set had been the first one.
    np.testing.assert_allclose(
        one.samples.sets_tco2e[second], other.samples.sectors_tco2e.sum(axis=0), rtol=1e-12, atol=1e-9
    )
    assert one.samples.interval_tco2e(second) != one.samples.interval_tco2e() == one.samples.interval_tco2e(first)
    told = summary(one)["sets"]
    assert told[second]["interval_tco2e"] == list(one.samples.interval_tco2e(second))
    plain = ran(state, [RETROFIT], samples=50).samples
    assert plain is not None
    np.testing.assert_array_equal(plain.sets_tco2e[first], plain.sets_tco2e[second])
    assert {one["interval_tco2e"] for one in summary(ran(state, [COMPACT]))["sets"].values()} == {None}


def test_zones_and_cells_have_intervals_of_each_set_too(cities: ModuleType) -> None:
    state, document = cities.city(8, 8), read_scenario({"year": 2040, "measures": [COMPACT, RETROFIT]})
    known = shipped_parameters()
    first, second = known.elasticities
    zones = csr_array((np.arange(64)[None, :] < np.array([[20], [50]])).astype(float))
    turned = replace(known, elasticities={name: known.elasticities[name] for name in (second, first)})
    one, other = (run(baseline_of(state, each), document, samples=300, seed=4, zones=zones) for each in (known, turned))
    assert one.samples is not None
    assert other.samples is not None
    np.testing.assert_array_equal(one.samples.sets_zones_tco2e[first], one.samples.zones_tco2e)
    np.testing.assert_array_equal(one.samples.sets_cells_sd_tco2e[first], one.samples.cells_sd_tco2e)
    # As if the other set had been the first one: nothing of both is mixed.
    np.testing.assert_allclose(
        one.samples.sets_zones_tco2e[second], other.samples.zones_tco2e, rtol=1e-9, atol=1e-9
    )  # fmt: skip
    np.testing.assert_allclose(
        one.samples.sets_cells_sd_tco2e[second], other.samples.cells_sd_tco2e, rtol=1e-9, atol=1e-9
    )
    told = place_intervals(one, zones=True)
    np.testing.assert_array_equal(told["net_change_low90_tco2e"], told[f"net_change_low90_{first}_tco2e"])
    low, high = np.quantile(other.samples.zones_tco2e, [0.05, 0.95], axis=1)
    np.testing.assert_allclose(told[f"net_change_low90_{second}_tco2e"], low, rtol=1e-9)
    np.testing.assert_allclose(told[f"net_change_high90_{second}_tco2e"], high, rtol=1e-9)
    assert (told[f"net_change_low90_{second}_tco2e"] != told[f"net_change_low90_{first}_tco2e"]).all()
    spread = place_intervals(one, zones=False)
    assert set(spread) == {"net_change_sd_tco2e", *(f"net_change_sd_{name}_tco2e" for name in (first, second))}
    # Without a form there is nothing that elasticities could move.
    plain = ran(state, [RETROFIT], samples=50, zones=zones).samples
    assert plain is not None
    np.testing.assert_array_equal(plain.sets_zones_tco2e[first], plain.sets_zones_tco2e[second])


# --- the target ------------------------------------------------------------------------------------------------------


def test_a_target_says_what_is_missing_when_it_is_reached_and_how_surely(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    measures = [RETROFIT, GRID]
    change = ran(state, measures).first.total_tco2e
    net = sum(float(state.sector_tco2e(sector).sum()) for sector in SECTORS)
    for part, reached in ((0.5, True), (1.5, False)):
        result = ran(state, measures, target={"net_tco2e": net + part * change}, samples=400)
        found = target_reached(result)
        assert found is not None
        assert found.reached == reached
        assert all(gap == pytest.approx((1 - part) * change) for gap in found.gap_tco2e.values())
        assert found.share == float(reached)
        path = dict(zip(result.years.tolist(), result.first.path_tco2e, strict=True))
        for first in found.first_year.values():
            assert (first is not None) == reached
            if first is not None:
                assert path[first] <= found.net_tco2e < path[first - 1]
    assert target_reached(ran(state, measures)) is None
    # What is there today is reached today, and what the last year comes down to in the last year, to the bit.
    kept = target_reached(ran(state, [], target={"reduction": 0}))
    assert kept is not None
    assert kept.reached
    assert set(kept.gap_tco2e.values()) == {0.0}
    assert set(kept.first_year.values()) == {2024}
    last = ran(state, [RETROFIT | {"ramp_years": 16}], target={"net_tco2e": 0})
    exactly = ran(state, [RETROFIT | {"ramp_years": 16}], target={"net_tco2e": last.first.path_tco2e[-1]})
    reached = target_reached(exactly)
    assert reached is not None
    assert reached.reached
    assert set(reached.first_year.values()) == {2040}
    surely = target_reached(ran(state, measures, target={"net_tco2e": net + change}, samples=2000))
    assert surely is not None
    assert surely.share == pytest.approx(0.5, abs=0.06)


# --- sectors and costs of measures -----------------------------------------------------------------------------------


def test_measures_by_sector_add_up_to_measures_and_to_sectors(cities: ModuleType) -> None:
    state = cities.city(9, 8, holes=0.2)
    result = ran(state, [COMPACT, RETROFIT, PUMPS, GRID, PV, EV, SHIFT, FREIGHT, FOREST])
    for effect in result.measures:
        assert sum(effect.sectors_tco2e.values()) == pytest.approx(effect.tco2e, abs=1e-9)
    for place, sector in enumerate(SECTORS):
        together = sum(effect.sectors_tco2e[sector] for effect in result.measures)
        assert together == pytest.approx(result.first.change_tco2e[place].sum(), abs=1e-8)
    effects = {effect.id: effect.sectors_tco2e for effect in result.measures}
    assert effects["compact"]["buildings"] > 0
    assert effects["compact"]["transport"] != 0
    assert effects["grid"]["buildings"] < 0
    assert effects["grid"]["transport"] < 0  # electric cars
    assert effects["ev"]["buildings"] == 0


@pytest.mark.parametrize(
    ("measure", "quantity", "unit"),
    [
        ({"kind": "use_change", "source": "nonresidential", "target": "residential", "level": 0.25}, "floor", "m2"),
        ({"kind": "green_loss", "level": 0.1}, "green", "ha"),
        ({"kind": "streets", "change": -0.2}, "streets", "intersection"),
        ({"kind": "speed", "before_kmh": 25, "after_kmh": 40}, "fuelled", "vehicle-km/yr"),
        ({"kind": "growth", "form": "trend", "people": 700}, 700.0, "person"),
        ({"kind": "growth", "form": "trend", "jobs": 300}, 300.0, "job"),
    ],
)
def test_forms_and_speed_have_units_that_costs_are_per(
    cities: ModuleType, measure: dict[str, Any], quantity: Any, unit: str
) -> None:
    state = cities.city(6, 6)
    known = {
        "floor": 0.25 * state.floor_area_m2[2].sum(),
        "green": 0.1 * state.green_ha.sum(),
        "streets": 0.2 * state.intersections.sum(),
        "fuelled": state.vehicle_km[:3].sum(),
    }
    costs = {"capital_per_unit": 100, "running_per_unit": 2, "currency": "KRW"}
    [effect] = ran(state, [measure | {"id": "m", "costs": costs}]).measures
    expected = known.get(quantity, quantity) if isinstance(quantity, str) else quantity
    assert effect.quantity == pytest.approx(expected)
    assert effect.unit == unit
    assert effect.cost_per_year == pytest.approx(expected * annual_cost(Costs(**costs)))
    kinds = {kind.kind: kind.unit for kind in measure_kinds()}
    assert kinds[str(measure["kind"])] == unit or unit == "job"


@pytest.mark.parametrize("measure", [RETROFIT, PUMPS, PV, EV, SHIFT, FREIGHT, FOREST], ids=lambda one: str(one["id"]))
def test_the_catalogue_knows_the_units(cities: ModuleType, measure: dict[str, Any]) -> None:
    [effect] = ran(cities.city(5, 5), [measure]).measures
    assert effect.unit == {kind.kind: kind.unit for kind in measure_kinds()}[str(measure["kind"])]


def test_costs_of_all_measures_by_currency_and_a_tonne(cities: ModuleType) -> None:
    state = cities.city(6, 6)
    measures = [
        RETROFIT | {"costs": {"capital_per_unit": 200, "currency": "EUR"}},
        PUMPS | {"costs": {"capital_per_unit": 80, "currency": "EUR"}},
        PV | {"costs": {"capital_per_unit": 1000, "currency": "KRW"}},
        FOREST,
    ]
    result = ran(state, measures)
    euro, won = total_costs(result.measures)
    effects = {effect.id: effect for effect in result.measures}
    assert (euro.currency, won.currency) == ("EUR", "KRW")
    assert euro.measures == ("retrofit", "pumps")
    assert euro.without == won.without == ("forest",)
    spent = sum(effects[name].cost_per_year or 0 for name in euro.measures)
    saved = -sum(effects[name].tco2e for name in euro.measures)
    assert euro.per_tco2e == pytest.approx(spent / saved)
    assert total_costs(ran(state, [FOREST]).measures) == ()


@pytest.mark.parametrize(("own", "told"), [("CHF", "CHF"), ("", "currency units")])
def test_costs_that_name_no_currency_are_in_the_regions_own(cities: ModuleType, own: str, told: str) -> None:
    state = cities.city(6, 6, currency=own)
    unnamed, named = {"capital_per_unit": 200}, {"capital_per_unit": 9, "currency": "EUR"}
    result = ran(state, [RETROFIT | {"costs": unnamed}, PUMPS, PV | {"costs": named}])
    assert [effect.currency for effect in result.measures if effect.cost_per_year is not None] == [told, "EUR"]
    assert {effect.currency for effect in result.measures if effect.cost_per_year is None} == {""}
    assert {one.currency for one in total_costs(result.measures)} == {told, "EUR"}


def test_costs_that_would_silently_be_nothing_are_refused(cities: ModuleType) -> None:
    with pytest.raises(InvalidScenario, match="grid: costs are per unit, and this measure is counted in none"):
        ran(cities.city(4, 4), [GRID | {"costs": {"capital_per_unit": 5}}])


# --- growth by parts, stops -------------------------------------------------------------------------------------------


def test_growth_may_be_given_as_a_part_of_who_is_there(cities: ModuleType) -> None:
    state = cities.city(7, 7)
    part = {"id": "g", "kind": "growth", "form": "compact", "people_growth": 0.1, "jobs_growth": 0.2}
    told = {"id": "g", "kind": "growth", "form": "compact", "people": 0.1 * float(state.population.sum()),
            "jobs": 0.2 * float(state.jobs.sum())}  # fmt: skip
    one, other = ran(state, [part]), ran(state, [told])
    assert one.then.population == pytest.approx(1.1 * one.before.population)
    np.testing.assert_array_equal(one.first.change_tco2e, other.first.change_tco2e)


def test_a_line_has_stops_at_its_ends_and_evenly_between(cities: ModuleType) -> None:
    state = cities.city(15, 15)
    to_lonlat = pyproj.Transformer.from_crs("EPSG:5179", "OGC:CRS84", always_xy=True)

    def at(x: float, y: float) -> tuple[float, float]:
        lon, lat = to_lonlat.transform(900_000 + x, 1_900_000 + y)
        return float(lon), float(lat)

    there = [at(250, 250)]
    line = {"id": "tram", "kind": "transit_stops", "line": [at(1000, 3000), at(5000, 3000)], "spacing_m": 900}
    single = {"id": "tram", "kind": "transit_stops", "stops": [at(1000 + 800 * k, 3000) for k in range(6)]}
    one, other = ran(state, [line], stops=there), ran(state, [single], stops=there)
    assert one.measures[0].quantity == 6
    assert one.after.stops is not None
    assert len(one.after.stops) == 7
    np.testing.assert_allclose(one.after.stops, other.after.stops, atol=1e-3)
    for outcome in one.outcomes.values():
        assert outcome.change_tco2e[1].sum() < 0
        assert not outcome.change_tco2e[[0, 2]].any()
    with pytest.raises(InvalidScenario, match="as stops of the scenario"):
        ran(state, [line])
    with pytest.raises(InvalidScenario, match="no length"):
        ran(state, [line | {"line": [at(1000, 3000), at(1000, 3000)]}], stops=there)
    with pytest.raises(InvalidScenario, match=r"would have 1,201 stops, at most 1,000 were expected"):
        ran(state, [line | {"line": [at(1000, 3000), at(61_000, 3000)], "spacing_m": 50}], stops=there)
    with pytest.raises(InvalidScenario, match="give stops, or a line"):
        read_scenario({"year": 2030, "measures": [{"id": "t", "kind": "transit_stops"}]})


def test_stops_that_are_there_change_nothing_by_themselves(cities: ModuleType) -> None:
    state = cities.city(9, 9)
    lon, lat = pyproj.Transformer.from_crs("EPSG:5179", "OGC:CRS84", always_xy=True).transform(902_000, 1_902_000)
    result = ran(state, [], stops=[(lon, lat)])
    assert all(not outcome.change_tco2e.any() for outcome in result.outcomes.values())


# --- more never helps less, whatever else is done ---------------------------------------------------------------------


@given(
    st.sampled_from(LEVELLED),
    st.lists(st.sampled_from([*LEVELLED, GRID, COMPACT]), max_size=4, unique_by=lambda m: str(m["id"])),
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=4, unique=True),
    st.integers(1, 30),
)
@settings(max_examples=25, deadline=None)
def test_more_of_a_measure_never_helps_less_beside_any_others(
    cities: ModuleType, measure: dict[str, Any], others: list[dict[str, Any]], levels: list[float], seed: int
) -> None:
    state = cities.city(6, 6, seed=seed, holes=0.1 * (seed % 3))
    beside = [other for other in others if other["id"] != measure["id"]]
    ready = baseline_of(state)
    totals = []
    for level in sorted(levels):
        document = {"year": 2040, "measures": [*beside, measure | {"level": level}]}
        totals.append(run(ready, read_scenario(document)).first.total_tco2e)
    assert all(more <= less + 1e-9 * abs(less) for less, more in itertools.pairwise(totals))


@pytest.mark.parametrize("name", list(shipped_parameters().elasticities))
def test_doubling_one_elasticity_changes_the_map_of_that_set_alone(cities: ModuleType, name: str) -> None:
    state = cities.city(12, 12)
    document = read_scenario({"year": 2040, "measures": [COMPACT]})
    known = shipped_parameters()
    doubled = known.with_elasticity(name, "job_access_car", 2 * known.elasticities[name]["job_access_car"])
    one, two = (run(baseline_of(state, each), document) for each in (known, doubled))
    for each, outcome in one.outcomes.items():
        other = two.outcomes[each]
        assert (outcome.change_tco2e[1] != other.change_tco2e[1]).any() == (each == name)
        np.testing.assert_array_equal(outcome.change_tco2e[[0, 2]], other.change_tco2e[[0, 2]])


# --- two scenarios ----------------------------------------------------------------------------------------------------


def test_what_two_scenarios_share_does_not_blur_their_difference(cities: ModuleType) -> None:
    state = cities.city(8, 8)
    ready = baseline_of(state)

    def with_retrofit(level: float, **asked: Any) -> Result:
        document = read_scenario({"year": 2040, "measures": [COMPACT, RETROFIT | {"level": level}]})
        return run(ready, document, samples=400, **asked)

    much, little = with_retrofit(0.6), with_retrofit(0.5)
    found = difference(much, little)
    assert found.tco2e == pytest.approx(much.first.total_tco2e - little.first.total_tco2e)
    assert found.range_tco2e == pytest.approx((found.tco2e, found.tco2e)), "retrofit knows no elasticity"
    assert found.less == 1.0
    assert found.interval_tco2e is not None
    assert much.samples is not None
    assert little.samples is not None
    assert found.interval_tco2e[0] < found.tco2e < found.interval_tco2e[1] < 0
    # each by itself is so uncertain that their intervals overlap
    assert much.samples.interval_tco2e()[1] > little.samples.interval_tco2e()[0]
    same = difference(much, with_retrofit(0.6))
    assert (same.tco2e, same.interval_tco2e, same.less) == (0, (0, 0), 0)
    opposite = difference(little, much)
    assert opposite.interval_tco2e == pytest.approx(tuple(-end for end in reversed(found.interval_tco2e)))
    with pytest.raises(InvalidScenario, match="seed 0 and 400 of seed 1 were given"):
        difference(much, with_retrofit(0.6, seed=1))
    with pytest.raises(InvalidScenario, match="run on different baselines"):
        difference(much, ran(cities.city(8, 8, seed=2), [RETROFIT], samples=400))
    with pytest.raises(InvalidScenario, match="2040 and 2039 were to be compared; one baseline"):
        difference(much, ran(state, [RETROFIT], 2039))
    assert difference(much, run(ready, read_scenario({"year": 2040}))).interval_tco2e is None


def test_scenarios_that_tell_stops_are_compared_with_those_that_do_not(cities: ModuleType) -> None:
    ready = baseline_of(cities.city(8, 8))
    to_lonlat = pyproj.Transformer.from_crs("EPSG:5179", "OGC:CRS84", always_xy=True)
    at, beside = ([float(value) for value in to_lonlat.transform(901_000 + x, 1_901_000)] for x in (0, 1500))
    line = {"id": "line", "kind": "transit_stops", "stops": [beside]}

    def told(measures: list[dict[str, Any]], **more: Any) -> Result:
        return run(ready, read_scenario({"year": 2040, "measures": measures, **more}), samples=50)

    built, without, plain = told([line], stops=[at]), told([RETROFIT], stops=[at]), told([RETROFIT])
    for other in (without, plain):
        found = difference(built, other)
        assert found.tco2e == pytest.approx(built.first.total_tco2e - other.first.total_tco2e)
        assert found.interval_tco2e is not None
    assert difference(without, plain).tco2e == 0


# --- the factor of electricity ----------------------------------------------------------------------------------------


def test_electricity_follows_its_path(cities: ModuleType) -> None:
    state = cities.city(6, 6)
    path = {"id": "grid", "kind": "electricity_factor", "path": [[2030, 0.3], [2040, 0.1]]}
    result = ran(state, [path], 2045, samples=20)
    power = state.buildings_tco2e[:, 0].sum() + state.transport_tco2e[3].sum()
    change = dict(zip(result.years.tolist(), result.first.path_tco2e - result.baseline_tco2e, strict=True))
    today = 0.4173
    for year, factor in {2024: today, 2027: (today + 0.3) / 2, 2030: 0.3, 2035: 0.2, 2040: 0.1, 2045: 0.1}.items():
        assert change[year] == pytest.approx(power * (factor / today - 1), rel=1e-9, abs=1e-6), year
    assert result.first.total_tco2e == pytest.approx(change[2045])
    assert not result.used, "the edition's factor and the user's path, and no parameter"
    solar = ran(state, [path, PV], 2035)
    alone = ran(state, [PV], 2035)
    assert solar.measures[1].tco2e == pytest.approx(alone.measures[0].tco2e * 0.2 / today)
    target = {"id": "grid", "kind": "electricity_factor", "parameters": {"electricity.target_factor": 0.1}}
    assert ran(state, [target], 2045).first.total_tco2e == pytest.approx(result.first.total_tco2e)
    assert result.samples is not None
    assert result.samples.path_tco2e[0].tolist() == [0.0] * 20


@pytest.mark.parametrize(
    ("measures", "says"),
    [
        ([{"path": [[2040, 0.1], [2030, 0.3]]}], "years of a path rise; given: 2040, 2030"),
        ([{"path": [[2030, 0.1]], "ramp_years": 5}], "leave start, ramp_years and the target factor out"),
        ([{"path": [[2024, 0.1]]}], "its path begins in 2024; a year after the baseline's, 2024"),
        ([{"path": [[2030, 0.1]]}, {"id": "again"}], "one factor in a year"),
    ],
)
def test_a_path_that_says_two_things_is_refused(cities: ModuleType, measures: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(InvalidScenario, match=says):
        ran(cities.city(4, 4), [{"id": "grid", "kind": "electricity_factor"} | measure for measure in measures])
