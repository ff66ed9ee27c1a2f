"""From combinations, a goal and limits to the rows of a mixed-integer program."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from scenarios.combinations import Combinations
from scenarios.limits import Fairness, Limits
from scenarios.options import FloatArray, IntArray
from scenarios.solver import Program

INFINITE = float("inf")


@dataclass(frozen=True)
class Goal:
    """Save at least `target_tco2e` at the least cost, or else the most with at most `budget`, which may be infinite."""

    target_tco2e: float | None = None
    budget: float | None = None


class _Rows:
    """Rows of a sparse matrix, gathered one after another."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._row: list[IntArray] = []
        self._column: list[IntArray] = []
        self._value: list[FloatArray] = []
        self._lower: list[float] = []
        self._upper: list[float] = []

    def add(self, columns: IntArray, values: ArrayLike, lower: float, upper: float) -> None:
        columns = np.asarray(columns, np.int64)
        self._row.append(np.full(columns.size, len(self._lower), np.int64))
        self._column.append(columns)
        self._value.append(np.broadcast_to(np.asarray(values, np.float64), columns.shape))
        self._lower.append(lower)
        self._upper.append(upper)

    def done(self) -> tuple[csr_array, FloatArray, FloatArray]:
        shape = (len(self._lower), self._columns)
        where = (np.concatenate(self._row), np.concatenate(self._column))
        rows = csr_array((np.concatenate(self._value), where), shape=shape)
        return rows, np.array(self._lower), np.array(self._upper)


def program(
    found: Combinations,
    saved_tco2e: FloatArray,
    goal: Goal,
    limits: Limits,
    fairness: Fairness | None,
) -> Program:
    """One combination of each class, within limits, at the least cost or for the most saved.

    Args:
        found: combinations; the first n columns.
        saved_tco2e: (n,) what each is taken to save.
        goal: target or budget.
        limits: per zone.
        fairness: between parts of the region; adds a last column, the total cost.

    Returns:
        A program to minimise: its value is the cost, or minus what is saved. Rows are scaled to about 1, so that the
        solver's tolerance is relative.
    """
    n = found.cost.size
    rows = _Rows(n + (fairness is not None))
    starts = np.concatenate([np.flatnonzero(np.diff(found.klass, prepend=-1)), [n]])
    for first, last in pairwise(starts):
        rows.add(np.arange(first, last), 1.0, 1.0, 1.0)
    everything = np.arange(n)
    if goal.target_tco2e is not None:
        scale = abs(goal.target_tco2e) or 1.0
        rows.add(everything, saved_tco2e / scale, goal.target_tco2e / scale, INFINITE)
        objective = found.cost
    else:
        objective = -saved_tco2e
        if goal.budget is not None and np.isfinite(goal.budget):
            scale = abs(goal.budget) or float(np.abs(found.cost).max()) or 1.0
            rows.add(everything, found.cost / scale, -INFINITE, goal.budget / scale)
    _limit(rows, found, limits)
    if fairness is not None:
        _share_out(rows, found, fairness)
        objective = np.append(objective, 0.0)
    matrix, lower, upper = rows.done()
    return Program(objective, matrix, lower, upper, np.arange(matrix.shape[1]) < n)


def _limit(rows: _Rows, found: Combinations, limits: Limits) -> None:
    for values, most in ((found.cost, limits.cost_per_zone), (found.taken, limits.measures_per_zone)):
        if most is None:
            continue
        for zone in np.flatnonzero(np.isfinite(most)):
            here = np.flatnonzero(found.zone == zone)
            scale = float(most[zone]) or float(np.abs(values[here]).max()) or 1.0
            rows.add(here, values[here] / scale, -INFINITE, float(most[zone]) / scale)


def _share_out(rows: _Rows, found: Combinations, fairness: Fairness) -> None:
    """Spending of each part between bounds times its heads' share of all spending, which is the last column."""
    n = found.cost.size
    scale = float(np.abs(found.cost).max()) or 1.0
    rows.add(np.arange(n + 1), np.append(found.cost / scale, -1.0), 0.0, 0.0)
    heads = np.asarray(fairness.heads, np.float64)
    for part in np.unique(fairness.part):
        here = np.flatnonzero(fairness.part[found.zone] == part)
        share = float(heads[fairness.part == part].sum() / heads.sum())
        columns = np.append(here, n)
        if fairness.low > 0:
            rows.add(columns, np.append(found.cost[here] / scale, -fairness.low * share), 0.0, INFINITE)
        if np.isfinite(fairness.high):
            rows.add(columns, np.append(found.cost[here] / scale, -fairness.high * share), -INFINITE, 0.0)
