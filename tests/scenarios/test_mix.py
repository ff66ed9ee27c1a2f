"""The best mix on a city made by hand: what the optimiser is told, what it chooses, and what a full run says of it."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from scenarios.errors import Stopped
from scenarios.mix import Candidate, Mix
from scenarios.portfolio import best_portfolio
from scenarios.robust import robust_portfolio
from scenarios.run import baseline_of, run
from scenarios.scenario import Scenario
from scenarios.where_errors import InvalidOptions

COSTS = {"capital_per_unit": 100.0, "lifetime_years": 30, "discount_rate": 0.03}
SIDE = 12


def candidate(levels: tuple[float, ...], capital: float = 100.0, **members: Any) -> Candidate:
    costs = COSTS | {"capital_per_unit": capital}
    [measure] = Scenario.model_validate({"year": 2040, "measures": [{**members, "costs": costs}]}).measures
    return Candidate(measure, levels)


CANDIDATES = (
    candidate((0.3, 0.6), 200, id="insulate", kind="retrofit", level=1),
    candidate((0.5, 0.9), 150, id="pumps", kind="heat_pump", level=1),
    candidate((0.4, 0.8), 0.02, id="cars", kind="electric_vehicles", level=1),
    candidate((0.1,), 0.01, id="shift", kind="modal_shift", level=1, parameters={"modal_shift.other_mode": 0.1}),
    candidate((40.0, 80.0), 20_000, id="parks", kind="park", hectares=1),
)


@pytest.fixture(scope="module")
def mix(cities: ModuleType) -> Mix:
    """Three by three zones, whose borders cut through cells; a margin of the city lies in none."""
    state = cities.city(SIDE, SIDE)
    cut = np.array([0.4, 4.3, 7.5, 12.0])
    along = np.clip(np.minimum(cut[1:, None], np.arange(SIDE) + 1) - np.maximum(cut[:-1, None], np.arange(SIDE)), 0, 1)
    shares = np.einsum("ar,bc->abrc", along, along).reshape(9, SIDE * SIDE)
    return Mix(baseline_of(state), 2040, CANDIDATES, csr_array(shares), [f"z{k}" for k in range(9)])


def test_an_effect_is_what_a_run_of_that_zone_alone_says(mix: Mix) -> None:
    nothing = np.zeros((9, len(CANDIDATES)), np.int64)
    before = mix.simulate(nothing)
    for zone, measure, level in ((0, 0, 2), (4, 1, 1), (8, 2, 2), (3, 3, 1), (5, 4, 1)):
        levels = nothing.copy()
        levels[zone, measure] = level
        saved = before - mix.simulate(levels)
        assert saved[zone] == pytest.approx(mix.options.effects_tco2e[zone, measure, level], rel=1e-9)
        assert np.abs(np.delete(saved, zone)).max() == 0
        assert saved[zone] > 0
        result = run(mix.baseline, mix.scenario(levels), mix.coverage)
        assert -result.first.total_tco2e == pytest.approx(saved.sum(), rel=1e-9)
        cost = result.measures[0].cost_per_year
        assert cost == pytest.approx(mix.options.cost(levels).sum(), rel=1e-9)


def test_assumptions_of_any_candidate_make_the_choice_illustrative(mix: Mix) -> None:
    assert not any(note.illustrative for note in mix.baseline.state.notes)
    assert mix.illustrative, "what of the fuel serves heating rests on no publication"
    parks = replace(mix, candidates=CANDIDATES[-1:])
    park = Scenario(year=2040, measures=(CANDIDATES[-1].measure,))
    assert parks.illustrative is run(parks.baseline, park, parks.coverage).illustrative


def test_measures_meet_where_they_work_on_the_same(mix: Mix) -> None:
    group = mix.options.group
    assert group[0] == group[1] != group[2]
    assert group[2] == group[3]
    assert group[4] == -1
    net = sum(mix.baseline.state.sector_tco2e(sector) for sector in ("buildings", "transport"))
    assert (mix.options.base_tco2e.sum(axis=1) <= mix.zones @ np.asarray(net) * (1 + 1e-9)).all()


def test_the_choice_is_simulated_and_agrees(mix: Mix) -> None:
    most = mix.simulate(np.zeros((9, len(CANDIDATES)), np.int64)) - mix.simulate(mix.options.allowed.sum(axis=2) - 1)
    target = 0.6 * float(most.sum())
    best = best_portfolio(mix.options, target_tco2e=target, simulate=mix.simulate)
    assert best.agrees
    assert best.difference <= 0.05
    assert 0 < best.first_difference < 0.1, "the product knows only the sum of what measures share"
    # By itself: the document that says this choice, run once more.
    result = run(mix.baseline, mix.scenario(best.levels), mix.coverage)
    assert -result.first.total_tco2e == pytest.approx(best.total_tco2e, rel=1e-9)
    assert best.total_tco2e >= target * (1 - 1e-9)
    assert sum(effect.cost_per_year or 0 for effect in result.measures) == pytest.approx(best.total_cost, rel=1e-9)
    budget = best_portfolio(mix.options, budget=best.total_cost, simulate=mix.simulate)
    assert budget.agrees
    assert budget.total_cost <= best.total_cost * (1 + 1e-9)


def test_samples_are_about_the_same_options_and_reproducible(mix: Mix) -> None:
    train, held_out, again = mix.samples(200, 1), mix.samples(200, 2), mix.samples(200, 1)
    np.testing.assert_array_equal(train.effects_tco2e, again.effects_tco2e)
    assert (train.effects_tco2e != held_out.effects_tco2e).any()
    strong = mix.options.effects_tco2e > 20
    ratio = train.effects_tco2e.mean(axis=0)[strong] / mix.options.effects_tco2e[strong]
    assert np.abs(ratio - 1).max() < 0.25
    np.testing.assert_allclose(train.base_tco2e.mean(axis=0), mix.options.base_tco2e, rtol=0.1)
    assert np.corrcoef(train.base_tco2e[:, 4, 0], train.effects_tco2e[:, 4, 0, 2])[0, 1] > 0.1
    target = 0.3 * float(mix.options.effects_tco2e.max(axis=2).sum())
    robust = robust_portfolio(mix.options, train, held_out, target_tco2e=target)
    assert (held_out.reductions_tco2e(mix.options, robust.levels) >= target).mean() >= 0.9


def test_a_choice_is_run_in_full_in_the_worlds_that_its_samples_are_of(mix: Mix) -> None:
    levels = np.tile([2, 1, 2, 1, 1], (9, 1))
    for seed in (1, 2):
        estimated = mix.samples(300, seed).reductions_tco2e(mix.options, levels)
        simulated = mix.simulate_samples(levels, 300, seed)
        assert simulated.mean() == pytest.approx(estimated.mean(), rel=0.1)
        assert simulated.std() == pytest.approx(estimated.std(), rel=0.2)
        assert np.corrcoef(simulated, estimated)[0, 1] > 0.8, "parameters and shared errors are the same"
    drawn = run(mix.baseline, mix.scenario(levels), mix.coverage, samples=300, seed=2).samples
    assert drawn is not None
    np.testing.assert_array_equal(simulated, -drawn.sectors_tco2e.sum(axis=0))
    assert not mix.simulate_samples(np.zeros_like(levels), 20, 1).any()


def test_a_sure_choice_run_in_full_meets_its_target_in_worlds_nobody_has_seen(mix: Mix) -> None:
    train, held_out = mix.samples(200, 1), mix.samples(200, 2)
    target = 0.5 * float(mix.options.effects_tco2e.max(axis=2).sum())
    plain = best_portfolio(mix.options, target_tco2e=target, simulate=mix.simulate)
    unseen = mix.simulate_samples(plain.levels, 1000, 3)
    assert (unseen >= target).mean() < 0.8, "the case would not show it"
    sure = robust_portfolio(
        mix.options, train, held_out, target_tco2e=target,
        train_simulate=lambda levels: mix.simulate_samples(levels, 200, 1),
        held_out_simulate=lambda levels: mix.simulate_samples(levels, 200, 2),
    )  # fmt: skip
    assert sure.kept
    assert sure.simulated_share is not None
    assert sure.simulated_share == (mix.simulate_samples(sure.levels, 200, 2) >= target).mean() >= 0.9
    assert (mix.simulate_samples(sure.levels, 1000, 3) >= target).mean() >= 0.9
    assert sure.total_cost > plain.total_cost


def test_runs_behind_options_and_samples_are_told_and_stop_when_cancelled(mix: Mix) -> None:
    told: list[tuple[int, int]] = []
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return len(told) == 3

    parts = (mix.baseline, mix.year, CANDIDATES, mix.zones, mix.names, {})
    whole = Mix(*parts, lambda done, of_all: told.append((done, of_all)))
    np.testing.assert_array_equal(whole.options.effects_tco2e, mix.options.effects_tco2e)
    assert told == [(done, 9) for done in range(1, 10)]
    told.clear()
    with pytest.raises(Stopped):
        _ = Mix(*parts, lambda done, of_all: told.append((done, of_all)), cancelled).options
    assert told == [(1, 9), (2, 9), (3, 9)]
    assert asked > 4, "it is asked within runs too"
    told.clear()
    with pytest.raises(Stopped):
        Mix(*parts, lambda done, of_all: told.append((done, of_all)), lambda: len(told) == 2).samples(20, 1)
    assert told == [(1, 9), (2, 9)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"candidates": (candidate((1,), id="e", kind="electricity_factor"),)}, "cannot choose"),
        ({"candidates": (candidate((0.5, 0.4), id="r", kind="retrofit", level=1),)}, "rise"),
        ({"candidates": (candidate((2,), id="r", kind="retrofit", level=1),)}, "at most 1"),
        ({"candidates": ()}, "0 candidates"),
        ({"names": ["z"] * 9}, "different names"),
    ],
)
def test_what_zones_cannot_choose_is_refused(mix: Mix, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptions, match=message):
        Mix(**({"baseline": mix.baseline, "year": 2040, "candidates": CANDIDATES, "zones": mix.zones,
                "names": mix.names} | changes))  # fmt: skip


def test_costs_without_a_currency_are_in_the_regions_own(mix: Mix) -> None:
    swiss = replace(mix.baseline, state=replace(mix.baseline.state, currency="CHF"))
    for baseline, unit in ((mix.baseline, "currency units a year"), (swiss, "CHF a year")):
        assert Mix(baseline, 2040, CANDIDATES[:2], mix.zones, mix.names).options.cost_unit == unit
    costs = CANDIDATES[0].measure.costs
    assert costs is not None
    named = costs.model_copy(update={"currency": "EUR"})
    euro = Candidate(CANDIDATES[0].measure.model_copy(update={"costs": named}), (0.5,))
    with pytest.raises(InvalidOptions, match=r"in currencies \(EUR, currency units\)"):
        _ = Mix(mix.baseline, 2040, [euro, CANDIDATES[1]], mix.zones, mix.names).options


def test_zones_that_share_ground_and_missing_costs_are_refused(mix: Mix) -> None:
    with pytest.raises(InvalidOptions, match="share ground"):
        Mix(mix.baseline, 2040, CANDIDATES, csr_array(2 * mix.zones), mix.names)
    free = Candidate(CANDIDATES[0].measure.model_copy(update={"costs": None}), (0.5,))
    with pytest.raises(InvalidOptions, match="insulate came without costs"):
        _ = Mix(mix.baseline, 2040, (free,), mix.zones, mix.names).options
