"""How much can be saved for how much: the cost-reduction frontier, each point a portfolio with its own proven gap."""

from collections.abc import Sequence

import numpy as np

from scenarios.combinations import combinations
from scenarios.limits import Fairness, Limits
from scenarios.options import IntArray, Options
from scenarios.portfolio import Portfolio, Simulate, best_portfolio
from scenarios.solver import Settings
from scenarios.where_errors import InvalidOptions


def cost_reduction_frontier(
    options: Options,
    *,
    budgets: Sequence[float] | None = None,
    points: int = 11,
    limits: Limits | None = None,
    fairness: Fairness | None = None,
    simulate: Simulate | None = None,
    settings: Settings | None = None,
) -> list[Portfolio]:
    """The best portfolio of each budget.

    Args:
        options: what may be chosen from.
        budgets: in the options' unit, ascending; if None, equal steps from what the cheapest choice costs (0, or
            less where some measures earn) to what the choice costs that saves most.
        points: how many steps that makes.
        limits: per zone.
        fairness: between parts of the region.
        simulate: see `best_portfolio`.
        settings: gap, time limit of each point, progress, cancelling.

    Returns:
        One per budget, with its gap; a larger budget never saves less by the optimiser's estimate (without a
        simulation: of what is saved), because each begins with the portfolio before it.

    Raises:
        InvalidOptions: budgets that do not ascend, or fewer than two points.
        NoPortfolio: see `best_portfolio`.
    """
    limits = limits or Limits()
    found = combinations(options, count_measures=limits.measures_per_zone is not None)

    def best(budget: float, start: IntArray | None) -> Portfolio:
        return best_portfolio(
            options,
            budget=budget,
            limits=limits,
            fairness=fairness,
            simulate=simulate,
            settings=settings,
            found=found,
            start=start,
        )

    if budgets is None:
        if points < 2:
            raise InvalidOptions(f"The frontier has {points} points; at least 2 were expected.")
        cheapest = float(np.where(options.allowed, options.costs, 0.0).min(axis=2).sum())
        dearest = best(float("inf"), None).total_cost
        budgets = np.linspace(min(cheapest, dearest), dearest, points).tolist()
    elif not len(budgets) or (np.diff(budgets) < 0).any():
        raise InvalidOptions(f"The budgets are {list(budgets)}; at least one, ascending, was expected.")
    line: list[Portfolio] = []
    for budget in budgets:
        line.append(best(budget, line[-1].levels if line else None))
    return line
