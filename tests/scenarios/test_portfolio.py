"""The best mix against trying every choice; limits, fairness, re-simulation, and targets that nothing reaches."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.correction import Correction
from scenarios.costs import written_cost
from scenarios.limits import Fairness, Limits
from scenarios.options import Options
from scenarios.portfolio import best_portfolio
from scenarios.solver import Progress, Settings
from scenarios.where_errors import InvalidOptions, NoPortfolio, TargetOutOfReach
from tests.scenarios.portfolio_cases import every_choice, made_options

EXACT = Settings(gap=0.0)
NEAR = 1e-7


def by_hand() -> Options:
    """One zone that emits 100 t: insulation saves 40 for 10, a heat pump 50 for 30; a park adds 5 for 100."""
    effects = np.zeros((1, 3, 2))
    costs = np.zeros((1, 3, 2))
    effects[0, :, 1], costs[0, :, 1] = [40, 50, 5], [10, 30, 100]
    stages = ("efficiency", "fuel switch", "supply")
    return Options(effects, costs, np.array([[100.0]]), np.array([0, 0, -1]), stages, "EUR")


@pytest.mark.parametrize(
    ("target", "levels", "cost", "saved"),
    [
        (40, [1, 0, 0], 10, 40),
        (45, [0, 1, 0], 30, 50),
        # 100 * 0.6 * 0.5 is left of the two together, 30 and not 10.
        (51, [1, 1, 0], 40, 70),
        (71, [1, 1, 1], 140, 75),
    ],
)
def test_targets_by_hand(target: float, levels: list[int], cost: float, saved: float) -> None:
    best = best_portfolio(by_hand(), target_tco2e=target, settings=EXACT)
    assert best.levels.tolist() == [levels]
    assert best.total_cost == pytest.approx(cost)
    assert best.total_tco2e == pytest.approx(saved)
    assert best.gap <= NEAR
    assert best.stopped == "gap"


@pytest.mark.parametrize(("budget", "saved"), [(0, 0), (9.99, 0), (10, 40), (35, 50), (40, 70), (1000, 75)])
def test_budgets_by_hand(budget: float, saved: float) -> None:
    best = best_portfolio(by_hand(), budget=budget, settings=EXACT)
    assert best.total_tco2e == pytest.approx(saved)
    assert best.total_cost <= budget * (1 + NEAR)


def test_a_target_out_of_reach_says_the_most_that_can_be_reached() -> None:
    with pytest.raises(TargetOutOfReach, match=r"at most 75\.0 can be saved.*for 140 EUR: 5\.0 are missing") as raised:
        best_portfolio(by_hand(), target_tco2e=80)
    assert raised.value.most_tco2e == pytest.approx(75)
    assert raised.value.shortfall_tco2e == pytest.approx(5)


def test_a_target_out_of_reach_says_a_large_cost_in_plain_digits() -> None:
    """It read `for 3.18078e+09 KRW`."""
    dear = replace(by_hand(), costs=by_hand().costs * 22_719_872.5, cost_unit="KRW a year")
    with pytest.raises(TargetOutOfReach, match=r"for 3,180,782,150 KRW a year: 5\.0 are missing"):
        best_portfolio(dear, target_tco2e=80)


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (3.180782154e9, "3,180,782,154"),
        (-1234567.4, "-1,234,567"),
        (999.994, "999.99"),
        (140.0, "140"),
        (100.0, "100"),
        (12.5, "12.5"),
        (0.003, "0.003"),
        (0.0, "0"),
    ],
)
def test_a_cost_is_written_in_plain_digits(cost: float, text: str) -> None:
    assert written_cost(cost) == text


@pytest.mark.parametrize("seed", range(3))
def test_six_zones_and_three_measures_against_every_choice(seed: int) -> None:
    options = made_options(6, 3, 2, seed)
    _, saved, spent = every_choice(options)  # 262,144
    total, cost = saved.sum(axis=1), spent.sum(axis=1)
    for part in (0.2, 0.5, 0.9, 1.0):
        target = part * float(total.max())
        best = best_portfolio(options, target_tco2e=target, settings=EXACT)
        assert best.total_cost == pytest.approx(cost[total >= target * (1 - 1e-12)].min(), rel=NEAR)
        assert best.total_tco2e >= target * (1 - NEAR)
        budget = part * float(cost.max())
        best = best_portfolio(options, budget=budget, settings=EXACT)
        assert best.total_tco2e == pytest.approx(total[cost <= budget * (1 + 1e-12)].max(), rel=NEAR)
        assert best.bound == pytest.approx(best.total_tco2e, rel=NEAR)


@pytest.mark.parametrize("seed", range(3))
def test_limits_and_fairness_against_every_choice(seed: int) -> None:
    options = made_options(6, 3, 2, seed)
    allowed = options.allowed.copy()
    allowed[2] = False
    options = replace(options, allowed=allowed)
    levels, saved, spent = every_choice(options)
    total, cost, counts = saved.sum(axis=1), spent.sum(axis=1), (levels > 0).sum(axis=2)
    numbers = np.random.default_rng(seed)
    zone_cost, zone_count = np.quantile(spent, 0.6, axis=0), np.full(6, 2.0)
    part, heads = np.array([0, 0, 0, 1, 1, 1]), numbers.uniform(100, 900, 6)
    share = np.array([heads[:3].sum(), heads[3:].sum()]) / heads.sum()
    by_part = np.stack([spent[:, :3].sum(axis=1), spent[:, 3:].sum(axis=1)], axis=1)
    budget = 0.4 * float(cost.max())
    within = cost <= budget
    limited = within & (spent <= zone_cost).all(axis=1) & (counts <= zone_count).all(axis=1)
    fair = within & (by_part <= 1.1 * share * cost[:, None]).all(axis=1)
    fair &= (by_part >= 0.8 * share * cost[:, None]).all(axis=1)
    limits = Limits(cost_per_zone=zone_cost, measures_per_zone=zone_count)
    best = best_portfolio(options, budget=budget, limits=limits, settings=EXACT)
    assert best.total_tco2e == pytest.approx(total[limited].max(), rel=NEAR)
    assert not best.levels[2].any()
    best = best_portfolio(options, budget=budget, fairness=Fairness(part, heads, 0.8, 1.1), settings=EXACT)
    assert best.total_tco2e == pytest.approx(total[fair].max(), rel=NEAR)
    assert total[fair].max() < total[within].max(), "the case would not show fairness"


@given(seed=st.integers(0, 10_000), groups=st.integers(1, 2), alone=st.integers(0, 1), part=st.floats(0.05, 1.0))
@settings(max_examples=25, deadline=None)
def test_any_small_case_against_every_choice(seed: int, groups: int, alone: int, part: float) -> None:
    options = made_options(3, 2, 3, seed, alone, groups)
    numbers = np.random.default_rng(seed)
    options = replace(options, allowed=numbers.random(options.shape) < 0.8)
    _, saved, spent = every_choice(options)
    total, cost = saved.sum(axis=1), spent.sum(axis=1)
    budget = part * float(cost.max())
    best = best_portfolio(options, budget=budget, settings=EXACT)
    assert best.total_tco2e == pytest.approx(total[cost <= budget * (1 + 1e-12)].max(), rel=NEAR, abs=NEAR)
    assert best.saved_tco2e == pytest.approx(options.reduction_tco2e(best.levels))
    assert best.cost == pytest.approx(options.cost(best.levels))


@given(seed=st.integers(0, 10_000), low=st.floats(0.05, 0.95), more=st.floats(1.0, 2.0))
@settings(max_examples=15, deadline=None)
def test_more_money_never_saves_less_and_more_to_save_never_costs_less(seed: int, low: float, more: float) -> None:
    options = made_options(4, 3, 3, seed)
    everything = best_portfolio(options, budget=float("inf"), settings=EXACT)
    budget, target = low * everything.total_cost, low * everything.total_tco2e
    less, rich = (best_portfolio(options, budget=b, settings=EXACT).total_tco2e for b in (budget, budget * more))
    assert rich >= less * (1 - NEAR)
    higher = min(target * more, everything.total_tco2e)
    cheap, dear = (best_portfolio(options, target_tco2e=t, settings=EXACT).total_cost for t in (target, higher))
    assert dear >= cheap * (1 - NEAR)


def test_what_earns_money_is_taken_and_what_adds_emissions_is_not() -> None:
    effects, costs = np.zeros((1, 2, 2)), np.zeros((1, 2, 2))
    effects[0, :, 1], costs[0, :, 1] = [10, -5], [-3, 2]
    options = Options(effects, costs, np.zeros((1, 0)), np.array([-1, -1]), ["efficiency", "demand"], "EUR")
    best = best_portfolio(options, budget=0, settings=EXACT)
    assert best.levels.tolist() == [[1, 0]]
    assert (best.total_cost, best.total_tco2e) == (-3, 10)


@pytest.mark.parametrize("goal", ["target", "budget"])
def test_estimates_are_corrected_until_the_simulation_agrees(goal: str) -> None:
    """In the simulation zones meet otherwise than the estimate thinks: each saves less, by its own part."""
    options = made_options(12, 4, 3, 5, groups=2)
    part = np.linspace(0.5, 0.9, 12)
    asked = []

    def simulate(levels: np.ndarray) -> np.ndarray:
        asked.append(levels.copy())
        fewer = 1 - 0.05 * (levels > 0).sum(axis=1)
        return 1000 - part * fewer * options.reduction_tco2e(levels)

    most = 1000 * 12 - simulate(np.full((12, 4), 2)).sum()
    wanted = {"target_tco2e": 0.6 * most} if goal == "target" else {"budget": 0.3 * options.costs.sum()}
    best = best_portfolio(options, simulate=simulate, settings=EXACT, **wanted)
    assert not asked[1].any(), "the baseline is the choice of nothing"
    assert best.simulated
    assert best.agrees
    assert best.difference <= 0.05 < best.first_difference
    assert best.saved_tco2e == pytest.approx(1000 - simulate(best.levels))
    if goal == "target":
        assert best.total_tco2e >= 0.6 * most * (1 - NEAR)
    else:
        blind = best_portfolio(options, settings=EXACT, **wanted)
        assert best.total_tco2e >= (1000 - simulate(blind.levels)).sum()


@pytest.mark.parametrize("seed", range(4))
def test_what_is_chosen_by_simulation_against_every_choice_simulated(seed: int) -> None:
    """Measures get in each other's way in the simulation, more in some zones: correction per zone is not exact."""
    options = made_options(4, 3, 2, seed)
    part = np.random.default_rng(seed).uniform(0.4, 1.0, 4)
    levels, saved, spent = every_choice(options)
    real = part * saved * (1 - 0.06 * ((levels > 0).sum(axis=2) - 1).clip(0))
    answers = {choice.tobytes(): row for choice, row in zip(levels, real, strict=True)}

    def simulate(choice: np.ndarray) -> np.ndarray:
        return 1000 - answers[choice.astype(levels.dtype).tobytes()]

    budget = 0.4 * float(spent.sum(axis=1).max())
    best = best_portfolio(options, budget=budget, simulate=simulate, settings=EXACT)
    assert best.agrees
    assert best.total_tco2e >= 0.95 * real.sum(axis=1)[spent.sum(axis=1) <= budget].max()
    target = 0.5 * float(real.sum(axis=1).max())
    best = best_portfolio(options, target_tco2e=target, simulate=simulate, settings=EXACT)
    assert best.agrees
    assert best.total_tco2e >= target * (1 - NEAR)
    assert best.total_cost <= 1.15 * spent.sum(axis=1)[real.sum(axis=1) >= target].min()


def test_a_simulation_that_confirms_the_estimate_is_asked_twice_only() -> None:
    options = made_options(5, 3, 3, 1)
    asked = []

    def simulate(levels: np.ndarray) -> np.ndarray:
        asked.append(levels)
        return options.base_tco2e.sum(axis=1) - options.reduction_tco2e(levels)

    best = best_portfolio(options, budget=1e4, simulate=simulate)
    assert len(asked) == 2
    assert best.rounds == 1
    assert best.difference < 1e-9


@pytest.mark.parametrize("won", [1e-6, 1e9])
def test_the_currency_does_not_matter(won: float) -> None:
    options = made_options(12, 3, 3, 7)
    in_won = replace(options, costs=options.costs * won)
    reach = best_portfolio(options, budget=np.inf).total_tco2e
    for share in (0.5, 0.999):
        plain = best_portfolio(options, target_tco2e=share * reach, settings=EXACT)
        same = best_portfolio(in_won, target_tco2e=share * reach, settings=EXACT)
        assert same.total_cost == pytest.approx(won * plain.total_cost, rel=NEAR)
        assert same.bound == pytest.approx(won * plain.bound, rel=NEAR)


def test_a_target_that_only_the_estimate_reaches_is_refused_with_what_is_simulated() -> None:
    options = by_hand()
    with pytest.raises(TargetOutOfReach, match="simulated") as raised:
        best_portfolio(options, target_tco2e=60, simulate=lambda v: 100 - 0.5 * options.reduction_tco2e(v))
    assert raised.value.most_tco2e == pytest.approx(37.5)


def test_a_large_case_stays_under_the_gap_and_tells_how_far_it_is() -> None:
    options = made_options(250, 12, 4, 1, alone=2, groups=3)
    told: list[Progress] = []
    best = best_portfolio(options, budget=0.2 * options.costs[:, :, -1].sum(), settings=Settings(progress=told.append))
    assert best.gap < 0.01
    assert best.bound * (1 + NEAR) >= best.total_tco2e
    assert best.stopped == "gap"
    assert {moment.round for moment in told} <= {1}


def test_cancelling_stops_it() -> None:
    options = made_options(30, 6, 4, 1, groups=2)
    with pytest.raises(NoPortfolio, match="cancelled"):
        best_portfolio(options, budget=1e4, settings=Settings(cancelled=lambda: True))
    asked = iter([False])
    best = best_portfolio(
        made_options(250, 12, 4, 1, alone=2, groups=3),
        budget=1e5,
        settings=Settings(gap=0.0, cancelled=lambda: next(asked, True)),
    )
    assert best.stopped == "cancelled"
    assert best.total_cost <= 1e5 * (1 + NEAR)


def test_time_that_is_up_gives_the_best_so_far_and_its_gap() -> None:
    options = made_options(250, 12, 4, 1, alone=2, groups=3)
    best = best_portfolio(options, budget=1e5, settings=Settings(gap=0.0, time_limit_s=0.5))
    assert best.stopped == "time"
    assert best.total_cost <= 1e5 * (1 + NEAR)
    assert best.total_tco2e > 0


def test_limits_that_contradict_each_other_are_told() -> None:
    """Two zones, one of which has nothing to spend on, are to spend the same; what is left is to spend nothing."""
    options = made_options(2, 2, 2, 1)
    allowed = options.allowed.copy()
    allowed[0] = False
    options = replace(options, allowed=allowed)
    alike = Fairness(np.array([0, 1]), np.ones(2), 1.0, 1.0)
    assert not best_portfolio(options, budget=1e6, fairness=alike, settings=EXACT).levels.any()
    with pytest.raises(TargetOutOfReach, match="widen limits and fairness"):
        best_portfolio(options, target_tco2e=1.0, fairness=alike, settings=EXACT)
    with pytest.raises(NoPortfolio, match="No choice keeps all limits"):
        best_portfolio(options, budget=-1.0, settings=EXACT)


def test_an_error_in_what_watches_is_raised() -> None:
    def fail(_: Progress) -> None:
        raise RuntimeError("the listener went away")

    with pytest.raises(RuntimeError, match="the listener went away"):
        best_portfolio(
            made_options(250, 12, 4, 1, alone=2, groups=3), budget=1e5, settings=Settings(gap=0.0, progress=fail)
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Either a target or a budget"),
        ({"target_tco2e": 1.0, "budget": 1.0}, "Either a target or a budget"),
        ({"target_tco2e": -1.0}, "above 0"),
        ({"target_tco2e": -2e6}, "target is -2,000,000 tCO2e"),
        ({"budget": float("nan")}, "budget is nan"),
        ({"budget": 1.0, "limits": Limits(cost_per_zone=np.ones(2))}, "cost_per_zone has the shape"),
        ({"budget": 1.0, "fairness": Fairness(np.zeros(1, int), np.zeros(1))}, "heads"),
        ({"budget": 1.0, "fairness": Fairness(np.zeros(1, int), np.ones(1), 1.2)}, "low <= 1 <= high"),
        ({"budget": 1.0, "simulate": lambda levels: np.zeros(3)}, "simulation returned"),
        ({"budget": 1.0, "start": np.full((1, 3), 7)}, "level 7"),
    ],
)
def test_what_does_not_fit_is_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidOptions, match=message):
        best_portfolio(by_hand(), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"effects_tco2e": np.zeros((1, 3))}, "effects_tco2e has the shape"),
        ({"costs": np.zeros((1, 3, 3))}, "costs has the shape"),
        ({"costs": np.full((1, 3, 2), np.nan)}, "costs is nan"),
        ({"costs": np.ones((1, 3, 2))}, "not 0 at level 0"),
        ({"base_tco2e": np.array([[30.0]])}, "measure 0 at level 1 would save 40 tCO2e in zone 0"),
        ({"base_tco2e": np.array([[-1.0]])}, "base_tco2e is -1 in zone 0"),
        ({"base_tco2e": np.array([[-1e7]])}, "base_tco2e is -10,000,000 in zone 0"),
        ({"group": np.array([0, 1, -1])}, "measure 1 is in group 1"),
        ({"stage": ["demand", "later", "supply"]}, "'later'"),
    ],
)
def test_options_that_do_not_fit_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidOptions, match=message):
        replace(by_hand(), **changes)  # type: ignore[arg-type]


def test_corrections_by_hand() -> None:
    correction = Correction(4)
    correction.learn(np.array([10.0, 20, 30, 0]), np.array([5.0, 20, -3, 0]), cautious=False)
    # Zone 2 saved less than nothing and keeps a little; zone 3 is not known, and taken to be like the middle one.
    assert correction.of_zone == pytest.approx([0.5, 1, 0.05, 0.5])
    correction.learn(np.array([4.0, 0, 0, 0]), np.array([1.0, 0, 0, 0]), cautious=True)
    assert correction.of_zone == pytest.approx([0.25, 1, 0.05, 0.25])
