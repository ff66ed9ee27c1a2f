"""What measures do to flows, step by step: demand, then efficiency, then fuel switch, then supply.

Every row of flows goes through the steps as two numbers, per tonne of today: what is `kept` on its own carrier, and
what is `switched` to electricity. Cells that all measures cover alike form a group and share these numbers, so that a
city of 40,000 cells is worked out in a few dozen groups, for many samples or years at once.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from scenarios.draws import Numbers
from scenarios.frame import FloatArray, IntArray

STAGES = ("form", "roads", "demand", "efficiency", "switch", "supply", "sink")
"""The order in which measures are applied (METHODS D9)."""
Way = Literal["saving", "rate", "switch", "supply", "added"]
_NUMBERS_AT_ONCE = 6_000_000


@dataclass(frozen=True, eq=False)
class Action:
    """One measure, made ready for a state.

    Attributes:
        measure, kind, stage, sector: which.
        way: `saving` takes a share off rows, `rate` a share off what their own carrier emits for the same use (what is
            switched is as much as before), `switch` moves a share to electricity, `supply` changes what electricity
            emits, `added` adds (or takes up) so much per unit of quantity.
        rows: positions of the flows it acts on.
        coverage: (n,) 0 to 1, the share of each cell's rows it reaches when complete.
        effect: numbers -> (rows, size) share saved or tonnes of electricity per tonne; (size,) electricity's factor,
            new over old; (size,) tonnes per unit.
        quantity, unit: (n,) units put in place when complete, for costs.
        begins, ramp_years: when.
        grows: years until an added unit counts in full, and after how many it counts no more; None: at once.
        course: years -> (size,) electricity's factor, new over old, where a path is given; else it ramps to `effect`.
        generates: whether what is added follows the factor of electricity.
        takes: what there is only once, so that measures may take all of it together and no more: `ground`, `crowns` or
            `roofs`, of which `coverage` is the share taken of each cell; empty for none.
        used: ids of parameters.
        numbers: where it takes them from.
    """

    measure: str
    kind: str
    stage: str
    sector: str
    way: Way
    rows: IntArray
    coverage: FloatArray
    effect: Callable[[Numbers], FloatArray]
    quantity: FloatArray
    unit: str
    begins: int
    ramp_years: int
    numbers: Numbers
    grows: Callable[[Numbers], tuple[FloatArray, float]] | None = None
    course: Callable[[IntArray], FloatArray] | None = None
    generates: bool = False
    used: tuple[str, ...] = ()
    takes: str = ""

    def complete(self, years: IntArray) -> FloatArray:
        """How far it is by the end of each year, 0 to 1; 1 once a path has begun."""
        return ramp(self.begins, self.ramp_years, years)


def ramp(begins: int, ramp_years: int, years: IntArray) -> FloatArray:
    """0 before it begins, growing evenly by the year, 1 from `begins + ramp_years` on; at once without a ramp."""
    if ramp_years == 0:
        return (years >= begins).astype(np.float64)
    return np.clip((years - begins) / ramp_years, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Groups:
    """Cells that all measures cover alike.

    Attributes:
        of_cell: (n,) the group of each cell.
        coverage: (measures, groups).
    """

    of_cell: IntArray
    coverage: FloatArray

    @property
    def count(self) -> int:
        """How many."""
        return int(self.coverage.shape[1])

    def sums(self, flows: FloatArray) -> FloatArray:
        """Flows (rows, n) added up over the cells of each group: (groups, rows)."""
        if self.count == 1 or not len(flows):
            return np.asarray(flows.sum(axis=1)[None]) if len(flows) else np.zeros((self.count, 0))
        return np.asarray(np.stack([np.bincount(self.of_cell, row, minlength=self.count) for row in flows], axis=1))

    @functools.cached_property
    def _order(self) -> tuple[IntArray, IntArray]:
        order = np.argsort(self.of_cell, kind="stable")
        return order, np.searchsorted(self.of_cell[order], np.arange(self.count + 1))

    def cells(self, first: int, last: int) -> IntArray:
        """Positions of the cells of the groups from `first` to before `last`, group by group."""
        order, starts = self._order
        return order[starts[first] : starts[last]]

    def blocks(self, numbers_each: int) -> Iterator[tuple[int, int]]:
        """Spans (first, last) of groups, so that work arrays of so many numbers per group stay within memory."""
        step = max(1, _NUMBERS_AT_ONCE // max(numbers_each, 1))
        for first in range(0, self.count, step):
            yield first, min(first + step, self.count)


def groups_of(actions: Sequence[Action], cells: int) -> Groups:
    """Find the groups: exactly equal coverage by every measure that acts on rows."""
    code = np.zeros(cells, dtype=np.int64)
    count = 1
    for action in actions:
        if action.way == "added" or action.coverage.min() == action.coverage.max():
            continue
        place, values = pd.factorize(action.coverage, sort=True)
        code, codes = pd.factorize(code * len(values) + place, sort=True)
        count = len(codes)
    first = np.zeros(count, dtype=np.int64)
    first[code[::-1]] = np.arange(cells)[::-1]
    coverage = np.stack([action.coverage[first] for action in actions]) if actions else np.zeros((0, count))
    return Groups(code, coverage)


@dataclass(frozen=True, eq=False)
class Multipliers:
    """What comes of a tonne of each row, and of a unit of each quantity.

    Attributes:
        change: (groups, rows, size) tonnes per tonne, -1 where nothing is left.
        by_measure: (measures, groups, rows, size) what each step changed; None unless asked for.
        added: (measures, size) tonnes per unit of quantity; 0 for measures that act on rows.
        electric: (groups, rows, size) the part of what is left that runs on electricity instead of its own carrier.
    """

    change: FloatArray
    by_measure: FloatArray | None
    added: FloatArray
    electric: FloatArray


def multipliers(
    actions: Sequence[Action],
    coverage: FloatArray,
    rows: int,
    electric_rows: IntArray,
    years: IntArray,
    *,
    numbers: Sequence[Numbers] | None = None,
    by_measure: bool = False,
) -> Multipliers:
    """Go through the steps in order.

    Args:
        actions: in order of stage.
        coverage: (measures, groups).
        rows: how many flows.
        electric_rows: those that are electricity today.
        years: (size,) the year of each sample.
        numbers: of each action; those it was made with if None.
        by_measure: whether to keep what each step changed.
    """
    size, count = len(years), coverage.shape[1]
    kept, switched = np.ones((count, rows, size)), np.zeros((count, rows, size))
    rate = np.ones((count, rows, size)) if any(action.way == "rate" for action in actions) else None
    steps = np.zeros((len(actions), count, rows, size)) if by_measure else None
    added = np.zeros((len(actions), size))
    electricity = np.ones(size)
    for place, action in enumerate(actions):
        asked = action.numbers if numbers is None else numbers[place]
        share = coverage[place][:, None] * action.complete(years)  # (groups, size)
        at = np.arange(rows) if action.way == "supply" else action.rows
        if action.way == "added":
            growth = action.complete(years)
            if action.grows is not None:
                full, until = action.grows(asked)
                age = (years - action.begins).astype(np.float64)
                growth = growth * np.clip(age / full, 0.0, 1.0) * (age <= until)
            added[place] = action.effect(asked) * growth * (electricity if action.generates else 1.0)
            continue
        before = (kept[:, at] + switched[:, at]) if steps is not None else None
        if action.way == "saving":
            left = 1.0 - share[:, None, :] * action.effect(asked)
            kept[:, at] *= left
            switched[:, at] *= left
        elif action.way == "rate":
            assert rate is not None
            left = 1.0 - share[:, None, :] * action.effect(asked)
            kept[:, at] *= left
            rate[:, at] *= left
        elif action.way == "switch":
            moved = kept[:, at] * share[:, None, :]
            kept[:, at] -= moved
            switched[:, at] += (moved if rate is None else moved / rate[:, at]) * action.effect(asked)
        else:
            path = (
                1.0 + action.complete(years) * (action.effect(asked) - 1.0)
                if action.course is None
                else action.course(years)
            )
            electricity = electricity * path
            kept[:, electric_rows] *= path
            switched *= path
        if steps is not None and before is not None:
            steps[place][:, at] = kept[:, at] + switched[:, at] - before
    return Multipliers(kept + switched - 1.0, steps, added, switched)
