"""The marginal abatement curve: what the next tonne costs, step by step, with measures that meet counted once.

Each step replaces one combination of a zone's group by the next one on the lower convex hull of (saved, cost); all
steps in the order of their cost per tonne are the curve, and the linear relaxation of the best portfolio (Sinha &
Zoltners, The Multiple-Choice Knapsack Problem, Operations Research 27, 1979).
"""

from dataclasses import dataclass

import numpy as np

from scenarios.combinations import Combinations
from scenarios.limits import Limits
from scenarios.options import FloatArray, IntArray
from scenarios.programs import Goal

NOTHING = -1


@dataclass(frozen=True)
class MarginalCurve:
    """Steps, the cheapest per tonne first; steps of one zone and group come in their order.

    Attributes:
        before, after: (n,) positions of the combinations replaced and taken; `NOTHING` before the first step.
        zone: (n,) where.
        saved_tco2e: (n,) more saved per year, above 0.
        cost: (n,) more spent, in the options' unit; negative if the step earns.
    """

    before: IntArray
    after: IntArray
    zone: IntArray
    saved_tco2e: FloatArray
    cost: FloatArray

    @property
    def unit_cost(self) -> FloatArray:
        """(n,) cost per tCO2e of each step, ascending."""
        unit: FloatArray = self.cost / self.saved_tco2e
        return unit


def marginal_curve(found: Combinations, saved_tco2e: FloatArray | None = None) -> MarginalCurve:
    """The curve of all combinations.

    Args:
        found: combinations.
        saved_tco2e: (n,) what each is taken to save; as found if None.
    """
    saved = found.reduction_tco2e if saved_tco2e is None else saved_tco2e
    order = np.lexsort((found.cost, saved, found.klass))
    order = order[saved[order] > 0]
    before: list[int] = []
    after: list[int] = []
    bounds = np.searchsorted(found.klass[order], np.arange(found.classes + 1))
    x, y = saved.tolist(), found.cost.tolist()
    for klass in range(found.classes):
        hull = _lower_hull(order[bounds[klass] : bounds[klass + 1]].tolist(), x, y)
        before += [NOTHING, *hull[:-1]] if hull else []
        after += hull
    first, last = np.array(before, np.int64), np.array(after, np.int64)
    more = saved[last] - np.where(first == NOTHING, 0.0, saved[first])
    cost = found.cost[last] - np.where(first == NOTHING, 0.0, found.cost[first])
    # Stable: steps of one class are convex, so that their order is theirs already.
    sorted_ = np.argsort(cost / more, kind="stable")
    return MarginalCurve(first[sorted_], last[sorted_], found.zone[last[sorted_]], more[sorted_], cost[sorted_])


def first_choice(found: Combinations, saved_tco2e: FloatArray, goal: Goal, limits: Limits) -> IntArray:
    """A good choice to begin with: along the curve until the target is met, or as far as budget and limits allow.

    Args:
        found: combinations.
        saved_tco2e: (n,) what each is taken to save.
        goal: target or budget.
        limits: per zone; steps that break them are left out. A target may then be missed.

    Returns:
        (classes,) positions of combinations.
    """
    curve = marginal_curve(found, saved_tco2e)
    zones = int(found.zone.max()) + 1
    rows = _idle_rows(found)
    spent, taken, saved = _zone_sums(found, rows, zones, found.cost), np.zeros(zones), float(saved_tco2e[rows].sum())
    taken += _zone_sums(found, rows, zones, found.taken.astype(np.float64))
    total = float(spent.sum())
    budget = np.inf if goal.budget is None else goal.budget
    zone_budget = np.full(zones, np.inf) if limits.cost_per_zone is None else limits.cost_per_zone
    zone_count = np.full(zones, np.inf) if limits.measures_per_zone is None else limits.measures_per_zone
    barred = np.zeros(found.classes, bool)
    for after in curve.after:
        if goal.target_tco2e is not None and saved >= goal.target_tco2e:
            break
        klass, zone = found.klass[after], found.zone[after]
        if barred[klass]:
            continue
        row = rows[klass]
        cost, count = found.cost[after] - found.cost[row], found.taken[after] - found.taken[row]
        within = spent[zone] + cost <= zone_budget[zone] and taken[zone] + count <= zone_count[zone]
        if not within or total + cost > budget:
            barred[klass] = True
            continue
        rows[klass] = after
        spent[zone] += cost
        taken[zone] += count
        total += float(cost)
        saved += float(saved_tco2e[after] - saved_tco2e[row])
    return rows


def _lower_hull(points: list[int], x: list[float], y: list[float]) -> list[int]:
    """Of points by ascending x and y, those on the lower convex hull that begins at (0, 0), up to the largest x."""
    hull: list[int] = []
    for point in points:
        if hull and x[hull[-1]] == x[point]:
            continue
        while hull:
            x0, y0 = (x[hull[-2]], y[hull[-2]]) if len(hull) > 1 else (0.0, 0.0)
            x1, y1 = x[hull[-1]], y[hull[-1]]
            if (y1 - y0) * (x[point] - x0) < (y[point] - y0) * (x1 - x0):
                break
            hull.pop()
        hull.append(point)
    return hull


def _idle_rows(found: Combinations) -> IntArray:
    """Of each class the combination that does nothing, or the cheapest where doing nothing is worse."""
    idle = found.taken == 0
    order = np.lexsort((found.cost, ~idle, found.klass))
    rows: IntArray = order[np.diff(found.klass[order], prepend=-1) > 0]
    return rows


def _zone_sums(found: Combinations, rows: IntArray, zones: int, values: FloatArray) -> FloatArray:
    sums = np.zeros(zones)
    np.add.at(sums, found.zone[rows], values[rows])
    return sums
