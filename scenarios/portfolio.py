"""The best mix: which measures, at which level, in which zone, for a target at least cost or for a budget at best use.

The optimiser works on combinations whose savings multiply within groups (`scenarios.combinations`), by HiGHS, with a
proven gap. What that leaves out (a heat pump that moves emissions from gas to electricity, travel that reacts in the
next zone) only the full simulation knows: the portfolio is re-simulated, the optimiser's estimate of each zone is
corrected by what came out, and it chooses again, until both agree. Every difference is told.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from scenarios.combinations import Combinations, combinations
from scenarios.correction import Correction
from scenarios.costs import written_cost
from scenarios.errors import plain
from scenarios.limits import Fairness, Limits, check_limits
from scenarios.marginal_curve import first_choice
from scenarios.options import BoolArray, FloatArray, IntArray, Options
from scenarios.programs import Goal, program
from scenarios.solver import Clock, Program, Settings, Solution, Stopped, relative_gap, relaxed_bound, solve
from scenarios.where_errors import InvalidOptions, NoPortfolio, TargetOutOfReach

Simulate = Callable[[IntArray], FloatArray]

AGREEMENT = 0.05  # largest part by which estimate and simulation may differ
_CLOSE = 0.002  # nearer than this, choosing again would gain nothing worth having
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Portfolio:
    """A choice and what it does.

    Attributes:
        levels: (zones, measures) level of each; 0: not done.
        cost: (zones,) in `cost_unit`.
        cost_unit: what a cost of 1 is.
        estimated_tco2e: (zones,) what the optimiser, as corrected, took it to save per year.
        saved_tco2e: (zones,) what it saves per year by the simulation; the estimate itself if there is none.
        simulated: whether there was a simulation.
        difference: |estimate - simulation| of the whole region, relative to the simulation.
        first_difference: the same before any correction.
        agrees: whether the difference is at most what was asked for.
        bound: no choice within the limits costs less (target) or saves more (budget), by the optimiser's corrected
            estimate; it proves nothing about what the simulation sees otherwise.
        gap: difference of bound and chosen, relative to the chosen.
        rounds: how often it chose.
        stopped: by the gap asked for, by time, or because it was cancelled.
    """

    levels: IntArray
    cost: FloatArray
    cost_unit: str
    estimated_tco2e: FloatArray
    saved_tco2e: FloatArray
    simulated: bool
    difference: float
    first_difference: float
    agrees: bool
    bound: float
    gap: float
    rounds: int
    stopped: Stopped

    @property
    def total_cost(self) -> float:
        """Of all zones."""
        return float(self.cost.sum())

    @property
    def total_tco2e(self) -> float:
        """Saved per year in all zones."""
        return float(self.saved_tco2e.sum())


@dataclass(frozen=True)
class Task:
    """What to choose from, for what, within what, and how: all that stays the same between rounds."""

    options: Options
    found: Combinations
    goal: Goal
    limits: Limits
    fairness: Fairness | None
    settings: Settings


@dataclass(frozen=True)
class Chosen:
    """One solution: positions of combinations, the bound that thinning leaves true, and how it was solved."""

    rows: IntArray
    bound: float
    gap: float
    solution: Solution


def best_portfolio(
    options: Options,
    *,
    target_tco2e: float | None = None,
    budget: float | None = None,
    limits: Limits | None = None,
    fairness: Fairness | None = None,
    simulate: Simulate | None = None,
    settings: Settings | None = None,
    agreement: float = AGREEMENT,
    rounds: int = 8,
    found: Combinations | None = None,
    start: IntArray | None = None,
) -> Portfolio:
    """Choose levels of measures in zones.

    Args:
        options: what may be chosen from.
        target_tco2e: save at least so much per year, at the least cost; or
        budget: spend at most so much, in the options' unit, and save the most. Below 0: earn at least so much.
        limits: per zone.
        fairness: between parts of the region.
        simulate: from a (zones, measures) choice to (zones,) emissions in tCO2e per year. Asked once for the choice
            of nothing, and once per round. A target is then met by simulation.
        settings: gap, time limit, progress, cancelling.
        agreement: largest relative difference of estimate and simulation.
        rounds: choose at most so often.
        found: the options' combinations, if they are known already.
        start: (zones, measures) a choice to begin with.

    Returns:
        Of the choices that reach the goal and agree with the simulation the best by simulation.

    Raises:
        InvalidOptions: arguments that do not fit.
        TargetOutOfReach: with the most that can be reached.
        NoPortfolio: stopped before any choice was found, limits that contradict each other, or no round whose
            simulation reached the target.
    """
    goal = _goal(target_tco2e, budget)
    limits = limits or Limits()
    check_limits(options, limits, fairness)
    found = found or combinations(options, count_measures=limits.measures_per_zone is not None)
    task = Task(options, found, goal, limits, fairness, settings or Settings())
    baseline = None if simulate is None else _emissions(simulate, np.zeros(options.shape[:2], np.int64))
    rows = None if start is None else rows_of(found, options.check_levels(start))
    correction = Correction(options.shape[0])
    margin, clock = 1.0, Clock()
    tried: list[Portfolio] = []
    for number in range(1, rounds + 1):
        saved = found.reduction_tco2e * correction.of_zone[found.zone]
        try:
            chosen = choose(task, saved, rows, number, clock, margin)
        except NoPortfolio:
            if not tried:
                raise
            asked = task.settings.cancelled
            tried[-1] = replace(tried[-1], stopped="cancelled" if asked is not None and asked() else "time")
            break
        if chosen is None:
            chosen, out_of_reach = _most(task, saved, number, clock), True
        else:
            out_of_reach = False
        rows = chosen.rows
        portfolio = _judged(task, chosen, saved, simulate, baseline, agreement, tried)
        tried.append(portfolio)
        if out_of_reach and portfolio.total_tco2e < (goal.target_tco2e or 0) * (1 - _ROUNDING):
            raise _out_of_reach(task, portfolio)
        if simulate is None or out_of_reach or portfolio.stopped != "gap":
            break
        if _reaches(goal, portfolio) and portfolio.difference <= min(_CLOSE, agreement):
            break
        correction.learn(portfolio.estimated_tco2e, portfolio.saved_tco2e, cautious=_seen(tried))
        if goal.target_tco2e is not None and not _reaches(goal, portfolio) and portfolio.difference <= _CLOSE:
            margin *= 1 + 1.2 * (1 - portfolio.total_tco2e / goal.target_tco2e)
    return _best(goal, tried)


def choose(
    task: Task, saved: FloatArray, start: IntArray | None, number: int = 1, clock: Clock | None = None,
    margin: float = 1.0,
) -> Chosen | None:  # fmt: skip
    """Solve once.

    Args:
        task: what stays the same.
        saved: (n,) what each combination is taken to save, tCO2e per year.
        start: positions of combinations to begin with, if they are better than those along the marginal curve.
        number: of the round.
        clock: time used up before it, to which its own is added.
        margin: aim at so many times the target.

    Returns:
        None if no choice reaches the target within the limits.

    Raises:
        NoPortfolio: stopped before any choice was found, or limits that contradict each other.
    """
    goal = task.goal
    if goal.target_tco2e is not None:
        goal = Goal(target_tco2e=goal.target_tco2e * margin)
    asked = program(task.found, saved, goal, task.limits, task.fairness)
    if task.fairness is None:
        start = _better_start(asked, start, first_choice(task.found, saved, goal, task.limits))
    solution = solve(asked, task.settings, start=start, number=number, clock=clock)
    if solution is None:
        if goal.target_tco2e is None:
            raise NoPortfolio("No choice keeps all limits and the budget. Widen one of them.")
        return None
    rows = _chosen_rows(task.found, solution.values)
    bound, slack = solution.bound, task.found.slack_tco2e * _largest_correction(task.found, saved)
    if slack > 0:
        # Combinations that were thinned out may have saved so much more.
        if goal.target_tco2e is None:
            bound -= slack
        else:
            eased = Goal(target_tco2e=goal.target_tco2e - slack)
            bound = min(bound, relaxed_bound(program(task.found, saved, eased, task.limits, task.fairness)))
    value = float(asked.objective[rows].sum())
    gap = relative_gap(value, bound)
    return Chosen(rows, bound if goal.target_tco2e is not None else -bound, gap, solution)


def rows_of(found: Combinations, levels: IntArray) -> IntArray:
    """Positions of the combinations that a (zones, measures) choice consists of; what is none of them is left out."""
    member = np.zeros((found.classes, found.levels.shape[1]), bool)
    np.logical_or.at(member, found.klass, found.levels > 0)
    wanted = np.where(member[found.klass], levels[found.zone], 0)
    rows: IntArray = np.flatnonzero((wanted == found.levels).all(axis=1))
    return rows


def _better_start(asked: Program, *starts: IntArray | None) -> IntArray | None:
    """Of the starts that satisfy all rows the one with the lowest value."""
    best, lowest = None, float("inf")
    for start in starts:
        if start is None:
            continue
        values = np.zeros(asked.objective.size)
        values[start] = 1.0
        activity, value = asked.rows @ values, float(asked.objective @ values)
        if (
            value < lowest
            and (activity >= asked.lower - _ROUNDING).all()
            and (activity <= asked.upper + _ROUNDING).all()
        ):
            best, lowest = start, value
    return best


def _goal(target_tco2e: float | None, budget: float | None) -> Goal:
    if (target_tco2e is None) == (budget is None):
        raise InvalidOptions("Either a target or a budget was expected; give one of them, the other is what is sought.")
    if target_tco2e is not None and not (np.isfinite(target_tco2e) and target_tco2e > 0):
        raise InvalidOptions(
            f"The target is {plain(target_tco2e)} tCO2e per year; a number above 0 to save was expected."
        )
    if budget is not None and (np.isnan(budget) or budget == -np.inf):
        raise InvalidOptions(f"The budget is {plain(budget)}; a number was expected, or infinity for no limit.")
    return Goal(target_tco2e, budget)


def _chosen_rows(found: Combinations, values: FloatArray) -> IntArray:
    """The combination of each class with the largest value: 1 up to the solver's tolerance."""
    order = np.lexsort((-values[: found.klass.size], found.klass))
    first: BoolArray = np.diff(found.klass[order], prepend=-1) > 0
    rows: IntArray = order[first]
    return rows


def _largest_correction(found: Combinations, saved: FloatArray) -> float:
    """How many times what was found a combination is taken to save, at most."""
    some = found.reduction_tco2e > 0
    return float((saved[some] / found.reduction_tco2e[some]).max(initial=1.0))


def _most(task: Task, saved: FloatArray, number: int, clock: Clock) -> Chosen:
    """The choice that saves most, whatever it costs."""
    most = choose(replace(task, goal=Goal(budget=float("inf"))), saved, None, number, clock)
    assert most is not None  # a budget without limit is never out of reach; contradictions raise
    return most


def _judged(
    task: Task,
    chosen: Chosen,
    saved: FloatArray,
    simulate: Simulate | None,
    baseline: FloatArray | None,
    agreement: float,
    tried: list[Portfolio],
) -> Portfolio:
    options, found = task.options, task.found
    levels = found.choice(chosen.rows)
    estimate: FloatArray = np.zeros(options.shape[0])
    np.add.at(estimate, found.zone[chosen.rows], saved[chosen.rows])
    real = estimate if simulate is None or baseline is None else baseline - _emissions(simulate, levels)
    total = float(real.sum())
    difference = abs(float(estimate.sum()) - total) / max(abs(total), 1e-12)
    if abs(float(estimate.sum()) - total) <= _ROUNDING * float(np.abs(real).sum()):
        difference = 0.0
    return Portfolio(
        levels=levels,
        cost=options.cost(levels),
        cost_unit=options.cost_unit,
        estimated_tco2e=estimate,
        saved_tco2e=real,
        simulated=simulate is not None,
        difference=difference,
        first_difference=tried[0].difference if tried else difference,
        agrees=difference <= agreement,
        bound=chosen.bound,
        gap=chosen.gap,
        rounds=len(tried) + 1,
        stopped=chosen.solution.stopped,
    )


def _emissions(simulate: Simulate, levels: IntArray) -> FloatArray:
    emissions = np.asarray(simulate(levels), np.float64)
    if emissions.shape != levels.shape[:1] or not np.isfinite(emissions).all():
        raise InvalidOptions(
            f"The simulation returned the shape {emissions.shape}; a finite number of tCO2e per year for each of "
            f"{levels.shape[0]} zones was expected."
        )
    return emissions


def _reaches(goal: Goal, portfolio: Portfolio) -> bool:
    return goal.target_tco2e is None or portfolio.total_tco2e >= goal.target_tco2e * (1 - _ROUNDING)


def _seen(tried: list[Portfolio]) -> bool:
    return any((earlier.levels == tried[-1].levels).all() for earlier in tried[:-1])


def _out_of_reach(task: Task, most: Portfolio) -> TargetOutOfReach:
    target = task.goal.target_tco2e or 0.0
    how = "simulated" if most.simulated else "estimated"
    return TargetOutOfReach(
        f"The target is {target:,.1f} tCO2e per year; within the limits at most {most.total_tco2e:,.1f} can be saved "
        f"({how}), for {written_cost(most.total_cost)} {most.cost_unit}: {target - most.total_tco2e:,.1f} are missing. "
        "Lower the target, allow more levels or zones, or widen limits and fairness.",
        target,
        most.total_tco2e,
    )


def _best(goal: Goal, tried: list[Portfolio]) -> Portfolio:
    reached = [portfolio for portfolio in tried if _reaches(goal, portfolio)]
    if not reached:
        nearest = max(tried, key=lambda portfolio: portfolio.total_tco2e)
        raise NoPortfolio(
            f"After {len(tried)} rounds the simulation of the best choice saves {nearest.total_tco2e:,.1f} of "
            f"{goal.target_tco2e:,.1f} tCO2e per year. Allow more rounds or time, or correct the effects, which the "
            f"simulation does not confirm (difference {nearest.difference:.1%})."
        )
    candidates = [portfolio for portfolio in reached if portfolio.agrees] or reached
    if goal.target_tco2e is not None:
        best = min(candidates, key=lambda portfolio: portfolio.total_cost)
    else:
        best = max(candidates, key=lambda portfolio: portfolio.total_tco2e)
    return replace(best, rounds=len(tried), stopped=tried[-1].stopped)
