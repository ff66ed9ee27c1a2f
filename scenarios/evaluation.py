"""Working out one run: flows after the forms, and what the measures make of them."""

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

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

    def grouped(self, flows: FloatArray) -> FloatArray:
        """Flows added up over the cells of each group: (groups, rows)."""
        count, place = self.groups.count, self.groups.of_cell
        if count == 1:
            return np.asarray(flows.sum(axis=1)[None])
        return np.asarray(np.stack([np.bincount(place, row, minlength=count) for row in flows], axis=1))

    @functools.cached_property
    def outcome(self) -> Outcome:
        """The result."""
        state, base = self.state, self.base
        now = np.array([self.year])
        got = multipliers(self.actions, self.groups.coverage, len(base), self.electric, now, by_measure=True)
        assert got.by_measure is not None
        change = self.formed.copy()
        by_measure = self._form_parts()
        for place, action in enumerate(self.actions):
            part = np.zeros(state.cells)
            if action.way == "added":
                part = action.quantity * got.added[place, 0]
                change[SECTORS.index(action.sector)] += part
            else:
                step = got.by_measure[place, :, :, 0]
                for row in np.flatnonzero(step.any(axis=0)):
                    moved = base[row] * step[self.groups.of_cell, row]
                    part += moved
                    change[self.sector_of[row]] += moved
            by_measure.append(part)
        path, leaves = self._path(), self.steps[-1].leaves_tco2e[self.elasticities] if self.steps else 0.0
        stacked = np.stack(by_measure) if by_measure else np.zeros((0, state.cells))
        return Outcome(change, stacked, path, leaves)

    def _form_parts(self) -> list[FloatArray]:
        return [
            self._complete(step) * change.sum(axis=0)
            for step, change in zip(self.steps, self.form_changes, strict=True)
        ]

    def _path(self) -> FloatArray:
        """Net of all sectors by year."""
        years = self.years
        got = multipliers(self.actions, self.groups.coverage, len(self.tco2e), self.electric, years)
        left = 1.0 + got.change
        net = np.einsum("gf,gfy->y", self.grouped(self.tco2e), left)
        for step, change in zip(self.steps, self.form_changes, strict=True):
            net += ramp(step.begins, step.ramp_years, years) * np.einsum("gf,gfy->y", self.grouped(change), left)
        for place, action in enumerate(self.actions):
            net += action.quantity.sum() * got.added[place]
        return np.asarray(net)

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
        now = self.grouped(self.base)
        outcome = self.outcome
        start = self.grouped(self.tco2e)
        everything = range(len(self.actions))
        whole = self.total(now, everything)
        found = []
        for place, step in enumerate(self.steps):
            tonnes = float(outcome.by_measure_tco2e[place].sum())
            part, without = self._complete(step), step.without[self.elasticities]
            alone = part * float((step.alone[self.elasticities] - self.tco2e).sum())
            rest = self.tco2e + part * (without - self.tco2e)
            net_without = float((rest - self.tco2e).sum()) + self.total(self.grouped(rest), everything)
            net_all = float(outcome.change_tco2e.sum())
            found.append(MeasureEffect(step.measure, step.kind, "form", tonnes, alone, net_all - net_without, 0.0, ""))
        for place, action in enumerate(self.actions):
            tonnes = float(outcome.by_measure_tco2e[len(self.steps) + place].sum())
            done = float(action.complete(np.array([self.year]))[0])
            quantity = float(action.quantity.sum()) * done
            cost = costs[action.measure]
            others = [other for other in everything if other != place]
            found.append(
                MeasureEffect(
                    action.measure,
                    action.kind,
                    action.stage,
                    tonnes,
                    self.total(start, [place]),
                    whole - self.total(now, others),
                    quantity,
                    action.unit,
                    None if cost is None else quantity * annual_cost(cost),
                    "" if cost is None else cost.currency,
                )
            )
        return found


def annual_cost(costs: Costs) -> float:
    """Cost per unit and year: capital times the factor `r(1+r)^n / ((1+r)^n - 1)`, and running cost (METHODS D10)."""
    rate, years = costs.discount_rate, costs.lifetime_years
    growth = (1 + rate) ** years
    recovery = rate * growth / (growth - 1) if rate else 1 / years
    return costs.capital_per_unit * recovery + costs.running_per_unit
