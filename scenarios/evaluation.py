"""Working out one run: flows after the forms, and what the measures make of them."""

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scenarios.costs import cost_per_year
from scenarios.effects import Action, Groups, multipliers, ramp
from scenarios.flows import Flow
from scenarios.form_steps import FormStep
from scenarios.frame import FloatArray, IntArray
from scenarios.result import MeasureEffect, Outcome
from scenarios.scenario import Costs
from scenarios.state import SECTORS, State


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One run.

    Attributes:
        state, labels, tco2e: the baseline and its flows (rows, n).
        steps: its forms.
        actions: its sector measures, in order of stage.
        groups: cells that these cover alike.
        year: of the scenario.
        elasticities: the set of them.
    """

    state: State
    labels: tuple[Flow, ...]
    tco2e: FloatArray
    steps: Sequence[FormStep]
    actions: Sequence[Action]
    groups: Groups
    year: int
    elasticities: str

    @property
    def years(self) -> IntArray:
        """From the baseline's to the scenario's."""
        return np.arange(self.state.year, self.year + 1)

    @functools.cached_property
    def electric(self) -> IntArray:
        """Positions of rows that are electricity today."""
        labels = self.labels
        return np.array([k for k, label in enumerate(labels) if label.carrier.name == "electricity"], dtype=np.int64)

    @functools.cached_property
    def sector_of(self) -> IntArray:
        """(rows,) position of each row's sector in `SECTORS`."""
        return np.array([SECTORS.index(label.sector) for label in self.labels], dtype=np.int64)

    @functools.cached_property
    def form_changes(self) -> list[FloatArray]:
        """What each form changed when complete, (rows, n)."""
        flows = [self.tco2e, *(step.tco2e[self.elasticities] for step in self.steps)]
        return [new - old for old, new in itertools.pairwise(flows)]

    @property
    def begun(self) -> bool:
        """Whether anything is done by the end of the year."""
        year = np.array([self.year])
        return any(self._complete(step) for step in self.steps) or any(one.complete(year)[0] for one in self.actions)

    @functools.cached_property
    def base(self) -> FloatArray:
        """Flows (rows, n) in the scenario's year after the forms, as far as these are complete by then."""
        base = self.tco2e
        for step, change in zip(self.steps, self.form_changes, strict=True):
            base = base + self._complete(step) * change
        return base

    @functools.cached_property
    def formed(self) -> FloatArray:
        """(sectors, n) what the forms changed by then."""
        formed = np.zeros((len(SECTORS), self.state.cells))
        for step, change in zip(self.steps, self.form_changes, strict=True):
            formed += self._complete(step) * self.by_sector(change)
        return formed

    def _complete(self, step: FormStep) -> float:
        return float(ramp(step.begins, step.ramp_years, np.array([self.year]))[0])

    def by_sector(self, flows: FloatArray) -> FloatArray:
        """Rows added up to sectors: (sectors, n)."""
        return np.stack([flows[self.sector_of == sector].sum(axis=0) for sector in range(len(SECTORS))])

    @functools.cached_property
    def outcome(self) -> Outcome:
        """The result."""
        state, base = self.state, self.base
        change, parts = self.formed.copy(), np.zeros((len(self.actions), state.cells))
        by_sector = np.zeros((len(self.actions), len(SECTORS)))
        for first, last in self.groups.blocks(len(base) * max(len(self.actions), 1)):
            got = multipliers(
                self.actions, self.groups.coverage[:, first:last], len(base), self.electric, np.array([self.year]),
                by_measure=True,
            )  # fmt: skip
            assert got.by_measure is not None
            whole = (first, last) == (0, self.groups.count)
            here = slice(None) if whole else self.groups.cells(first, last)
            group = self.groups.of_cell[here] - first
            for place, action in enumerate(self.actions):
                if action.way == "added":
                    continue
                step = got.by_measure[place, :, :, 0]
                for row in np.flatnonzero(step.any(axis=0)):
                    moved = base[row, here] * step[group, row]
                    parts[place, here] += moved
                    change[self.sector_of[row], here] += moved
                    by_sector[place, self.sector_of[row]] += moved.sum()
        for place, action in enumerate(self.actions):
            if action.way == "added":
                parts[place] = action.quantity * self._added[place]
                change[SECTORS.index(action.sector)] += parts[place]
                by_sector[place, SECTORS.index(action.sector)] = parts[place].sum()
        forms = np.reshape(self._form_parts(), (len(self.steps), len(SECTORS), state.cells))
        stacked = np.concatenate([forms.sum(axis=1), parts])
        by_sector = np.concatenate([forms.sum(axis=2), by_sector])
        path, leaves = self._path(), self.steps[-1].leaves_tco2e[self.elasticities] if self.steps else 0.0
        return Outcome(change, self.formed, stacked, by_sector, path, leaves)

    def _form_parts(self) -> list[FloatArray]:
        return [
            self._complete(step) * self.by_sector(change)
            for step, change in zip(self.steps, self.form_changes, strict=True)
        ]

    def _path(self) -> FloatArray:
        """Net of all sectors by year: the baseline's, to the bit, and what has changed by then."""
        years, changed = self.years, np.zeros(len(self.years))
        flows = [(np.ones(len(years)), self.groups.sums(self.tco2e))]
        for step, change in zip(self.steps, self.form_changes, strict=True):
            flows.append((ramp(step.begins, step.ramp_years, years), self.groups.sums(change)))
            changed += flows[-1][0] * flows[-1][1].sum()
        added = np.zeros((len(self.actions), len(years)))
        for first, last in self.groups.blocks(len(self.tco2e) * len(years)):
            got = multipliers(self.actions, self.groups.coverage[:, first:last], len(self.tco2e), self.electric, years)
            added = got.added
            for part, tonnes in flows:
                changed += part * np.einsum("gf,gfy->y", tonnes[first:last], got.change)
        for place, action in enumerate(self.actions):
            changed += action.quantity.sum() * added[place]
        return self.state.net_tco2e + changed

    @functools.cached_property
    def _added(self) -> FloatArray:
        """(measures,) tonnes per unit of quantity in the scenario's year; 0 for those that act on rows."""
        nowhere = np.zeros((len(self.actions), 1))
        got = multipliers(self.actions, nowhere, len(self.tco2e), self.electric, np.array([self.year]))
        return np.asarray(got.added[:, 0])

    def total(self, grouped: FloatArray, kept: Sequence[int]) -> float:
        """Change (tCO2e) that some of the sector measures make of flows (groups, rows) in the scenario's year."""
        actions = [self.actions[place] for place in kept]
        got = multipliers(
            actions, self.groups.coverage[list(kept)], grouped.shape[1], self.electric, np.array([self.year])
        )
        added = sum(float(action.quantity.sum() * got.added[k, 0]) for k, action in enumerate(actions))
        return float((grouped * got.change[:, :, 0]).sum()) + added

    def effects(self, costs: Mapping[str, Costs | None]) -> list[MeasureEffect]:
        """Each measure in order, alone, and on top of all others."""
        now = self.groups.sums(self.base)
        outcome = self.outcome
        start = self.groups.sums(self.tco2e)
        everything = range(len(self.actions))
        whole = self.total(now, everything)
        found = []
        for place, step in enumerate(self.steps):
            tonnes = float(outcome.by_measure_tco2e[place].sum())
            part, rest = self._complete(step), step.without[self.elasticities]
            alone = part * float((step.alone[self.elasticities] - self.tco2e).sum())
            net_without = float((rest - self.tco2e).sum()) + self.total(self.groups.sums(rest), everything)
            net_all = float(outcome.change_tco2e.sum())
            quantity = part * step.quantity
            found.append(
                MeasureEffect(
                    step.measure, step.kind, step.stage, tonnes, self._by_sector(place), alone, net_all - net_without,
                    quantity, step.unit,
                    *cost_per_year(step.measure, costs[step.measure], quantity, step.unit, self.state.currency),
                )
            )  # fmt: skip
        for place, action in enumerate(self.actions):
            tonnes = float(outcome.by_measure_tco2e[len(self.steps) + place].sum())
            done = float(action.complete(np.array([self.year]))[0])
            quantity = float(action.quantity.sum()) * done
            others = [other for other in everything if other != place]
            found.append(
                MeasureEffect(
                    action.measure, action.kind, action.stage, tonnes, self._by_sector(len(self.steps) + place),
                    self.total(start, [place]), whole - self.total(now, others), quantity, action.unit,
                    *cost_per_year(action.measure, costs[action.measure], quantity, action.unit, self.state.currency),
                )
            )  # fmt: skip
        return found

    def _by_sector(self, measure: int) -> dict[str, float]:
        found = self.outcome.measure_sectors_tco2e[measure]
        return {sector: float(tonnes) for sector, tonnes in zip(SECTORS, found, strict=True)}
