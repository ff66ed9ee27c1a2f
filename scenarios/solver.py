"""Mixed-integer programs by HiGHS: proven gap, warm start, time limit, progress and cancelling.

`highspy` rather than `scipy.optimize.milp`, which is HiGHS too but can neither be started from a known choice, nor
asked how far it is, nor stopped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import highspy
import numpy as np
from highspy.highs import HighsCallbackEvent
from scipy.sparse import csr_array

from scenarios.options import BoolArray, FloatArray, IntArray
from scenarios.where_errors import NoPortfolio

Stopped = Literal["gap", "time", "cancelled"]

# Rows are scaled to about 1, so this is a part of a target or budget.
_FEASIBILITY = 1e-9


@dataclass(frozen=True)
class Progress:
    """How far a solver is.

    Attributes:
        round: which problem in a row of them, from 1.
        seconds: since this one began.
        best: value of the best choice so far; infinite if there is none.
        bound: no choice has a lower value.
        gap: their relative difference.
    """

    round: int
    seconds: float
    best: float
    bound: float
    gap: float


@dataclass(frozen=True)
class Settings:
    """How to solve.

    Attributes:
        gap: relative gap between the best choice and the bound at which to stop.
        time_limit_s: after so many seconds (of all rounds together) the best choice so far is taken.
        progress: called now and then while solving.
        cancelled: asked now and then; the solver stops soon after it says yes.
    """

    gap: float = 0.005
    time_limit_s: float = 30.0
    progress: Callable[[Progress], None] | None = None
    cancelled: Callable[[], bool] | None = None


@dataclass
class Clock:
    """Seconds that the solver took in all rounds so far, with or without a choice."""

    seconds: float = 0.0


@dataclass(frozen=True)
class Program:
    """Minimise `objective @ x` where `lower <= rows @ x <= upper`; x is 0 or 1 where `binary`, else any not negative.

    (n,) objective and binary, (rows, n) rows, (rows,) lower and upper.
    """

    objective: FloatArray
    rows: csr_array
    lower: FloatArray
    upper: FloatArray
    binary: BoolArray


@dataclass(frozen=True)
class Solution:
    """The best choice found.

    Attributes:
        values: (n,) x.
        objective: its value.
        bound: no x has a lower value.
        gap: their difference, relative to the value.
        stopped: by the gap asked for, by time, or because it was cancelled.
        seconds: how long it took.
    """

    values: FloatArray
    objective: float
    bound: float
    gap: float
    stopped: Stopped
    seconds: float


class _Watch:
    """What the solver tells while it runs; an error in what it calls stops it and is raised afterwards."""

    def __init__(self, settings: Settings, number: int, scale: float) -> None:
        self._settings = settings
        self._number = number
        self._scale = scale
        self.cancelled = False
        self.error: Exception | None = None

    def __call__(self, event: HighsCallbackEvent) -> None:
        try:
            told = event.data_out
            # Within a linear program the solver knows no choice and no bound yet.
            in_tree = event.callback_type == highspy.cb.HighsCallbackType.kCallbackMipInterrupt
            if self._settings.progress is not None and in_tree:
                best, bound = self._scale * float(told.mip_primal_bound), self._scale * float(told.mip_dual_bound)
                self._settings.progress(
                    Progress(self._number, float(told.running_time), best, bound, relative_gap(best, bound))
                )
            if self._settings.cancelled is not None and self._settings.cancelled():
                self.cancelled = True
        except Exception as error:  # noqa: BLE001 - must not unwind through compiled code
            self.error = error
        if self.cancelled or self.error is not None:
            event.interrupt()


def relative_gap(value: float, bound: float) -> float:
    """Difference of a value and its bound, relative to the value; infinite where one of them is not known yet."""
    if not (np.isfinite(value) and np.isfinite(bound)):
        return float("inf")
    # A bound may pass the value by rounding.
    return max(0.0, value - bound) / max(abs(value), 1e-12) if value != bound else 0.0


def solve(
    program: Program, settings: Settings, *, start: IntArray | None = None, number: int = 1, clock: Clock | None = None
) -> Solution | None:
    """The best x.

    Args:
        program: what to minimise.
        settings: when to stop.
        start: positions where x is 1 in a choice to begin with; what it lacks is repaired if possible.
        number: which round this is, for `progress`.
        clock: how much of the time limit is gone; what this takes is added, whether it finds a choice or not.

    Returns:
        None if no x satisfies the rows.

    Raises:
        NoPortfolio: it was stopped before any x was found.
    """
    # The solver may ask for the first time only after presolve.
    if settings.cancelled is not None and settings.cancelled():
        raise NoPortfolio("The search was cancelled before it began.")
    clock = clock or Clock()
    solver = _loaded(program, settings, max(settings.time_limit_s - clock.seconds, 0.1))
    scale = _scale(program)
    if start is not None:
        values = np.zeros(program.objective.size)
        values[start] = 1.0
        places = np.flatnonzero(program.binary)
        solver.setSolution(places.size, places.astype(np.int32), values[places])
    watch = _Watch(settings, number, scale)
    for callback in (solver.cbMipInterrupt, solver.cbSimplexInterrupt, solver.cbIpmInterrupt):
        callback.subscribe(watch)
    solver.run()
    clock.seconds += float(solver.getRunTime())
    if watch.error is not None:
        raise watch.error
    status = solver.getModelStatus()
    if status in {highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible}:
        return None
    info = solver.getInfo()
    if info.primal_solution_status != highspy.kSolutionStatusFeasible:
        why = "It was cancelled" if watch.cancelled else f"It ended with {solver.modelStatusToString(status)!r}"
        raise NoPortfolio(
            f"{why} before any choice was found, after {solver.getRunTime():.1f} s. Give it more time than "
            f"{settings.time_limit_s:g} s, fewer levels, or wider limits."
        )
    objective, bound = scale * float(info.objective_function_value), scale * float(info.mip_dual_bound)
    stopped: Stopped = "gap"
    if watch.cancelled:
        stopped = "cancelled"
    elif status != highspy.HighsModelStatus.kOptimal:
        stopped = "time"
    return Solution(
        np.array(solver.getSolution().col_value),
        objective,
        bound,
        relative_gap(objective, bound),
        stopped,
        float(solver.getRunTime()),
    )


def relaxed_bound(program: Program) -> float:
    """No x has a lower value, even if parts of a choice were possible: the linear program's value.

    Infinite if not even parts of choices satisfy the rows.
    """
    solver = _loaded(program, Settings(), 60.0, relaxed=True)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return float("inf")
    return _scale(program) * float(solver.getInfo().objective_function_value)


def _scale(program: Program) -> float:
    """The largest number of the objective: divided by it, costs are about 1 in any currency.

    With costs of 10^8 as they come (in won, for instance) and a target that is just out of reach, HiGHS turns in
    circles and heeds neither its time limit nor whoever cancels.
    """
    return float(np.abs(program.objective).max(initial=0.0)) or 1.0


def _loaded(program: Program, settings: Settings, time_limit_s: float, *, relaxed: bool = False) -> highspy.Highs:
    n = program.objective.size
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = n, program.lower.size
    lp.col_cost_ = program.objective / _scale(program)
    lp.col_lower_ = np.zeros(n)
    lp.col_upper_ = np.where(program.binary, 1.0, highspy.kHighsInf)
    lp.row_lower_, lp.row_upper_ = program.lower, program.upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = program.rows.indptr.astype(np.int32)
    lp.a_matrix_.index_ = program.rows.indices.astype(np.int32)
    lp.a_matrix_.value_ = program.rows.data
    if not relaxed:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(binary)] for binary in program.binary]
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    choices: dict[str, bool | int | float | str] = {
        "output_flag": False,
        # Combinations are few and efficient already: presolve takes longer than solving and finds nothing.
        "presolve": "off",
        # One thread, so that the same problem gives the same choice.
        "parallel": "off",
        "random_seed": 1,
        "mip_rel_gap": settings.gap,
        "mip_abs_gap": 0.0,
        "time_limit": time_limit_s,
        "mip_feasibility_tolerance": _FEASIBILITY,
        "primal_feasibility_tolerance": _FEASIBILITY,
    }
    for name, value in choices.items():
        solver.setOptionValue(name, value)
    solver.passModel(lp)
    return solver
