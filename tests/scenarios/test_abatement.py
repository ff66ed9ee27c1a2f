"""The marginal curve, the frontier, what measures add, and thinning, by hand and as properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.combinations import combinations, sampled_reductions
from scenarios.contributions import contributions
from scenarios.frontier import cost_reduction_frontier
from scenarios.limits import Limits
from scenarios.marginal_curve import first_choice, marginal_curve
from scenarios.options import Options
from scenarios.portfolio import best_portfolio, rows_of
from scenarios.programs import Goal
from scenarios.solver import Settings
from scenarios.where_errors import InvalidOptions
from tests.scenarios.portfolio_cases import every_choice, made_options

CLOSE = Settings(gap=1e-3, time_limit_s=10)


def by_hand(stages: tuple[str, str] = ("efficiency", "supply")) -> Options:
    """100 t of a building: insulation saves 40 for 10, a clean grid 50 for 30; a park adds 6 for 3."""
    effects, costs = np.zeros((1, 3, 2)), np.zeros((1, 3, 2))
    effects[0, :, 1], costs[0, :, 1] = [40, 50, 6], [10, 30, 3]
    return Options(effects, costs, np.array([[100.0]]), np.array([0, 0, -1]), [*stages, "supply"], "EUR")  # type: ignore[list-item]


def test_contributions_by_hand() -> None:
    parts = contributions(by_hand(), np.array([[1, 1, 1]]))
    assert parts.first_in.tolist() == [[40, 50, 6]]
    assert parts.last_in == pytest.approx(np.array([[20, 30, 6]]))
    assert parts.in_order == pytest.approx(np.array([[40, 30, 6]]))
    turned = contributions(by_hand(("supply", "demand")), np.array([[1, 1, 1]]))
    assert turned.in_order == pytest.approx(np.array([[20, 50, 6]]))


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_contributions_in_order_add_up_and_lie_between_last_in_and_first_in(seed: int) -> None:
    options = made_options(3, 4, 3, seed, groups=2)
    levels = np.random.default_rng(seed).integers(0, 3, (3, 4))
    parts = contributions(options, levels)
    assert parts.in_order.sum(axis=1) == pytest.approx(options.reduction_tco2e(levels))
    assert (parts.last_in <= parts.in_order + 1e-9).all()
    assert (parts.in_order <= parts.first_in + 1e-9).all()
    for measure in range(4):
        without = levels.copy()
        without[:, measure] = 0
        lost = options.reduction_tco2e(levels) - options.reduction_tco2e(without)
        assert parts.last_in[:, measure] == pytest.approx(lost)


def test_the_marginal_curve_by_hand() -> None:
    """Insulation 40 t for 10, then the grid too: 30 t more for 30; the grid alone lies above the line between."""
    curve = marginal_curve(combinations(by_hand()))
    assert curve.unit_cost == pytest.approx([0.25, 0.5, 1.0])
    assert curve.saved_tco2e == pytest.approx([40, 6, 30])
    assert curve.cost == pytest.approx([10, 3, 30])


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_the_curve_rises_and_no_choice_lies_below_it(seed: int) -> None:
    options = made_options(3, 3, 2, seed)
    curve = marginal_curve(combinations(options))
    assert (np.diff(curve.unit_cost) >= -1e-9).all()
    along, cost = (np.concatenate([[0], np.cumsum(v)]) for v in (curve.saved_tco2e, curve.cost))
    _, saved, spent = every_choice(options)
    assert along[-1] == pytest.approx(saved.sum(axis=1).max())
    lowest = np.interp(saved.sum(axis=1), along, cost)
    assert (spent.sum(axis=1) >= lowest * (1 - 1e-9) - 1e-9).all()


@given(seed=st.integers(0, 10_000), part=st.floats(0.0, 1.0))
@settings(max_examples=30, deadline=None)
def test_the_first_choice_keeps_goal_and_limits(seed: int, part: float) -> None:
    options = made_options(4, 4, 3, seed)
    found = combinations(options, count_measures=True)
    budget = part * float(options.costs[:, :, -1].sum())
    limits = Limits(np.full(4, budget / 3), np.full(4, 2.0))
    levels = found.choice(first_choice(found, found.reduction_tco2e, Goal(budget=budget), limits))
    assert options.cost(levels).sum() <= budget * (1 + 1e-12)
    assert (options.cost(levels) <= budget / 3 * (1 + 1e-12)).all()
    assert ((levels > 0).sum(axis=1) <= 2).all()
    target = part * float(options.reduction_tco2e(np.full((4, 4), 2)).sum())
    levels = found.choice(first_choice(found, found.reduction_tco2e, Goal(target_tco2e=target), Limits()))
    assert options.reduction_tco2e(levels).sum() >= target * (1 - 1e-12)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_combinations_are_efficient_and_say_what_they_save(seed: int) -> None:
    options = made_options(2, 4, 3, seed, groups=2)
    found = combinations(options)
    assert sampled_reductions(found, options) == pytest.approx(found.reduction_tco2e)
    for klass in range(found.classes):
        here = found.klass == klass
        assert (np.diff(found.cost[here]) > 0).all()
        assert (np.diff(found.reduction_tco2e[here]) > 0).all()
    chosen = np.array([np.flatnonzero(found.klass == klass)[-1] for klass in range(found.classes)])
    assert (rows_of(found, found.choice(chosen)) == chosen).all()


@pytest.mark.parametrize("count_measures", [False, True])
def test_thinning_loses_no_more_than_its_slack(count_measures: bool) -> None:
    options = made_options(3, 5, 4, 3, alone=0)
    full = combinations(options, count_measures=count_measures)
    thin = combinations(options, count_measures=count_measures, most=25)
    assert full.slack_tco2e == 0 < thin.slack_tco2e
    assert thin.cost.size < full.cost.size
    budget = 0.2 * float(options.costs[:, :, -1].sum())
    best = best_portfolio(options, budget=budget, found=full, settings=CLOSE)
    near = best_portfolio(options, budget=budget, found=thin, settings=CLOSE)
    assert best.total_tco2e <= near.bound * (1 + 1e-9)
    assert near.total_tco2e <= best.bound * (1 + 1e-9)
    assert near.total_tco2e >= best.total_tco2e * (1 - CLOSE.gap) - thin.slack_tco2e
    target = 0.5 * best.total_tco2e
    best = best_portfolio(options, target_tco2e=target, found=full, settings=CLOSE)
    near = best_portfolio(options, target_tco2e=target, found=thin, settings=CLOSE)
    assert near.bound <= best.total_cost * (1 + 1e-9)
    assert best.bound <= near.total_cost * (1 + 1e-9)


def test_the_frontier_rises_and_each_point_tells_its_gap() -> None:
    options = made_options(20, 4, 3, 7, groups=2)
    line = cost_reduction_frontier(options, points=6, settings=Settings(gap=0.001))
    saved, cost = np.array([p.total_tco2e for p in line]), np.array([p.total_cost for p in line])
    assert saved[0] == cost[0] == 0
    assert (np.diff(saved) > 0).all()
    assert (np.diff(cost) > 0).all()
    assert max(p.gap for p in line) <= 0.001
    assert saved[-1] == pytest.approx(options.reduction_tco2e(np.full((20, 4), 2)).sum(), rel=0.001)
    # Returns fall: each step saves less than the one before, up to the size of single measures.
    assert np.diff(saved)[0] > np.diff(saved)[-1]
    with pytest.raises(InvalidOptions, match="ascending"):
        cost_reduction_frontier(options, budgets=[2.0, 1.0])


def test_a_frontier_with_measures_that_earn_begins_with_them() -> None:
    effects, costs = np.zeros((1, 2, 2)), np.zeros((1, 2, 2))
    effects[0, :, 1], costs[0, :, 1] = [10, 20], [-3, 6]
    options = Options(effects, costs, np.zeros((1, 0)), np.array([-1, -1]), ["efficiency", "demand"], "EUR")
    line = cost_reduction_frontier(options, points=3, settings=CLOSE)
    assert [p.total_cost for p in line] == [-3, -3, 3]
    assert [p.total_tco2e for p in line] == [10, 10, 30]
    assert marginal_curve(combinations(options)).unit_cost == pytest.approx([-0.3, 0.3])
