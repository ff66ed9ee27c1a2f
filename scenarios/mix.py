"""From measures that zones may take to what the optimiser chooses from, and back: its choice as a scenario.

All zones take a measure's level at once in one run, and the change of each cell goes to its zones by their shares of
it: cells do not depend on each other in sector measures, so this is what each zone would save by itself. Forms change
travel everywhere and the electricity factor holds in the whole region; neither is a choice of zones.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from scenarios.costs import annual_cost, currency_of
from scenarios.draws import Deviates
from scenarios.effects import Action
from scenarios.errors import plain
from scenarios.flows import flow_labels
from scenarios.frame import BoolArray, FloatArray, IntArray
from scenarios.options import NO_GROUP, Options, Stage
from scenarios.result import Result
from scenarios.robust import Samples
from scenarios.run import Baseline, actions_of, run
from scenarios.samples import relative_errors
from scenarios.scenario import AnyMeasure, Area, Given, Scenario
from scenarios.state import SECTORS
from scenarios.stopping import Cancelled, stop_if
from scenarios.where_errors import InvalidOptions

AMOUNTS = {
    "retrofit": "level", "heat_pump": "level", "rooftop_pv": "level", "electric_vehicles": "level",
    "modal_shift": "level", "freight": "level", "afforestation": "hectares", "street_trees": "trees",
    "park": "hectares",
}  # fmt: skip
"""Kinds that zones can choose, and the member of the document that says how much."""
_STAGES: dict[str, Stage] = {
    "demand": "demand", "efficiency": "efficiency", "switch": "fuel switch", "supply": "supply", "sink": "supply",
}  # fmt: skip
_ZONES = "zones of the mix"
_MOST_AREAS = 1 + 1e-9


@dataclass(frozen=True)
class Candidate:
    """A measure that any zone may take.

    Attributes:
        measure: what, with its parameters, start and costs; without area, and how much it says is not looked at.
        levels: amounts, rising from above 0. Shares of what is in a zone; hectares and trees are those of all zones
            together if every zone took that level, and each has its part by the ground (or streets) it has for them.
    """

    measure: AnyMeasure
    levels: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Mix:
    """Candidates in zones on a baseline.

    Attributes:
        baseline: made ready.
        year: in which effects and costs count.
        candidates: what may be chosen.
        zones: (zones, n) share of each cell in each zone; of one cell at most 1 together.
        names: of the zones.
        parameters: the user's own, as in a scenario.
        progress: told how many of the runs behind options or samples are done, and how many there are.
        cancelled: asked before each run and within it; what is being worked out then raises `Stopped`.

    Raises:
        InvalidOptions: zones or candidates that do not fit.
    """

    baseline: Baseline
    year: int
    candidates: Sequence[Candidate]
    zones: csr_array
    names: Sequence[str]
    parameters: Mapping[str, Given] = field(default_factory=dict)
    progress: Callable[[int, int], None] | None = None
    cancelled: Cancelled | None = None

    def __post_init__(self) -> None:
        cells = self.baseline.state.cells
        if self.zones.shape != (len(self.names), cells) or len(set(self.names)) != len(self.names) or not self.names:
            raise InvalidOptions(
                f"zones has the shape {self.zones.shape} with {len(set(self.names))} different names; a row for each "
                f"of {len(self.names)} zones and a column for each of {cells} cells was expected."
            )
        if (self.zones.data < 0).any() or self._covered.max(initial=0.0) > _MOST_AREAS:
            raise InvalidOptions("zones share ground, or have shares below 0; of a cell at most 1 in all was expected.")
        if not self.candidates or len({one.measure.id for one in self.candidates}) < len(self.candidates):
            raise InvalidOptions(
                f"{len(self.candidates)} candidates were given; some, with ids of their own, expected."
            )
        for one in self.candidates:
            _check(one)

    @property
    def options(self) -> Options:
        """What the optimiser chooses from: first-in effects by runs of each level, costs, and what measures share.

        Raises:
            InvalidScenario, ParameterGap: a measure that this state cannot carry out, or a number that is missing.
            InvalidOptions: costs that are missing or in several currencies.
            Stopped: cancelled.
        """
        return self._explored[0]

    @property
    def illustrative(self) -> bool:
        """Whether what any candidate does, chosen or not, rests on a number of no publication; raises as `options`."""
        return self._explored[1]

    @functools.cached_property
    def _explored(self) -> tuple[Options, bool]:
        """Options, and whether any run behind them is illustrative."""
        own = self.baseline.state.currency
        currencies = {currency_of(one.measure.costs, own) for one in self.candidates if one.measure.costs is not None}
        without = [one.measure.id for one in self.candidates if one.measure.costs is None]
        if without or len(currencies) != 1:
            raise InvalidOptions(
                f"{', '.join(without) or 'The candidates'} came {'without costs' if without else 'in currencies'} "
                f"({', '.join(sorted(currencies)) or 'none'}); costs of every measure in one currency were expected."
            )
        effects, costs = np.zeros(self._shape), np.zeros(self._shape)
        allowed = np.zeros(self._shape, bool)
        allowed[:, :, 0] = True
        illustrative = False
        for place, level in self._runs():
            each, action = self.candidates[place].measure.costs, self._actions[place][level - 1]
            assert each is not None
            result = self._run(self._everywhere(place, level))
            illustrative = illustrative or result.illustrative
            effects[:, place, level] = -(self._attributed @ result.first.by_measure_tco2e[0])
            done = float(action.complete(np.array([self.year]))[0])
            costs[:, place, level] = annual_cost(each) * done * (self._attributed @ action.quantity)
            allowed[:, place, level] = True
        group, bases = self._groups
        tonnes = np.array([self.zones @ base.sum(axis=0) for base in bases]).reshape(len(bases), len(self.names))
        options = Options(
            effects, costs, tonnes.T, group,
            [_STAGES[actions[0].stage] for actions in self._actions], f"{currencies.pop()} a year", allowed,
            tuple(actions[0].takes for actions in self._actions), self._uses,
            tuple(self.names), tuple(one.measure.id for one in self.candidates),
            tuple(" + ".join(one.measure.id for one, of in zip(self.candidates, group, strict=True) if of == number)
                  for number in range(len(bases))),
        )  # fmt: skip
        return options, illustrative

    def samples(self, count: int, seed: int) -> Samples:
        """Worlds that may be: effects and what they work on, drawn with the same errors for all candidates.

        Args:
            count: how many, 20 or more.
            seed: other seeds are other worlds: one for choosing, another held out.

        Raises:
            Stopped: cancelled.
        """
        effects = np.zeros((count, *self._shape))
        for place, level in self._runs():
            drawn = self._run(self._everywhere(place, level), count, seed, self._attributed).samples
            assert drawn is not None
            assert drawn.zones_tco2e is not None
            effects[:, :, place, level] = -drawn.zones_tco2e.T
        state, deviates = self.baseline.state, Deviates(count, seed)
        shared, own = relative_errors(state)
        error = np.stack([deviates.of(f"activity:{sector}") for sector in SECTORS])
        normal = np.stack([deviates.of(f"zone:{zone}") for zone in range(len(self.names))])
        _, bases = self._groups
        drawn_bases = np.zeros((count, len(self.names), len(bases)))
        for place, base in enumerate(bases):
            own_sd = np.sqrt(self.zones.multiply(self.zones) @ ((own * base) ** 2).sum(axis=0))
            # Own errors of changes are added, and what more is there changes by more: so they are taken off here.
            tonnes = (self.zones @ base.sum(axis=0))[:, None] + (self.zones @ (shared * base).T) @ error
            drawn_bases[:, :, place] = np.maximum(tonnes - own_sd[:, None] * normal, 0.0).T
        return Samples(effects, drawn_bases)

    def quantities(self, levels: IntArray) -> FloatArray:
        """(zones, measures) units (m2, kWp, ha, ...) of each measure that a choice puts in place in each zone.

        Args:
            levels: (zones, measures) of each.
        """
        levels = self.options.check_levels(levels)
        found = np.zeros(levels.shape)
        for place, actions in enumerate(self._actions):
            each = np.stack([np.zeros(len(self.names)), *(self._attributed @ action.quantity for action in actions)])
            found[:, place] = each[levels[:, place], np.arange(len(self.names))]
        return found

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each candidate's quantity."""
        return tuple(actions[0].unit for actions in self._actions)

    def scenario(self, levels: IntArray) -> Scenario:
        """A choice as a document; areas name the zones, which `coverage` knows.

        Args:
            levels: (zones, measures) of each.

        Raises:
            InvalidOptions: not a choice of these options, or one with more than 100 measures and levels.
        """
        return Scenario(
            year=self.year, parameters=dict(self.parameters), measures=tuple(measure for measure, _ in self._of(levels))
        )

    def simulate(self, levels: IntArray) -> FloatArray:
        """A choice run in full: (zones,) emissions of all sectors in tCO2e per year, as `best_portfolio` asks them.

        Of a cell at a border, what a measure changes goes to the zones that took it.
        """
        state = self.baseline.state
        tonnes: FloatArray = self.zones @ np.stack([state.sector_tco2e(sector) for sector in SECTORS]).sum(axis=0)
        taken = self._of(levels)
        if not taken:
            return tonnes
        result = self._run(self.scenario(levels))
        zones_of = {measure.id: zones for measure, zones in taken}
        for effect, change in zip(result.measures, result.first.by_measure_tco2e, strict=True):
            tonnes = tonnes + self._attribution(zones_of[effect.id]) @ change
        return tonnes

    def simulate_samples(self, levels: IntArray, count: int, seed: int) -> FloatArray:
        """A choice run in full in worlds that may be: (count,) tCO2e per year that it saves in each, in all places.

        Unlike `Samples.reductions_tco2e`, which multiplies what measures leave, nothing is taken from what each measure
        does alone; parameters, factors and shared errors are those of `samples` with that seed.

        Args:
            levels: (zones, measures) of each.
            count: how many.
            seed: of the worlds.

        Raises:
            Stopped: cancelled.
        """
        if not self.options.check_levels(levels).any():
            return np.zeros(count)
        drawn = self._run(self.scenario(levels), count, seed).samples
        assert drawn is not None
        return np.asarray(-drawn.sectors_tco2e.sum(axis=0))

    def coverage(self, *areas: Area) -> FloatArray:
        """(rows, cols) share of each cell in zones that a document of `scenario` names, in any of some areas of it."""
        places = {name: place for place, name in enumerate(self.names)}
        chosen = np.isin(np.arange(len(self.names)), [places[name] for area in areas for name in area.ids or ()])
        share: FloatArray = self.zones.T @ chosen.astype(np.float64)
        return self.baseline.state.spread(np.minimum(share, 1.0))

    @property
    def _shape(self) -> tuple[int, int, int]:
        return len(self.names), len(self.candidates), 1 + max(len(one.levels) for one in self.candidates)

    def _runs(self) -> Iterator[tuple[int, int]]:
        """Each candidate with each level above none; whoever waits is told how many are behind."""
        pairs = [(place, level) for place, one in enumerate(self.candidates) for level in range(1, len(one.levels) + 1)]
        for done, pair in enumerate(pairs, start=1):
            stop_if(self.cancelled)
            yield pair
            if self.progress is not None:
                self.progress(done, len(pairs))

    @functools.cached_property
    def _covered(self) -> FloatArray:
        return np.asarray(self.zones.sum(axis=0), np.float64).ravel()

    @functools.cached_property
    def _attributed(self) -> csr_array:
        return self._attribution(np.ones(len(self.names), bool))

    def _attribution(self, chosen: BoolArray) -> csr_array:
        """(zones, n) to which of the zones chosen the change of a cell goes, by their shares of it."""
        shares = csr_array(self.zones.multiply(chosen[:, None].astype(np.float64)))
        covered = np.asarray(shares.sum(axis=0)).ravel()
        return csr_array(shares.multiply(np.divide(1.0, covered, out=np.zeros_like(covered), where=covered > 0)[None]))

    @functools.cached_property
    def _actions(self) -> list[list[Action]]:
        """Of each candidate, at each level above none."""
        return [
            [
                actions_of(self.baseline, self._everywhere(place, level), self.coverage)[0]
                for level in range(1, len(one.levels) + 1)
            ]
            for place, one in enumerate(self.candidates)
        ]

    @property
    def _uses(self) -> FloatArray:
        """(measures, levels) share that each level takes of what measures share, alike in all zones."""
        found = np.zeros(self._shape[1:])
        for place, actions in enumerate(self._actions):
            for level, action in enumerate(actions, start=1):
                # Of a cell that zones cover in part their measures take that part of it.
                taken = np.divide(action.coverage, self._covered, out=np.zeros_like(self._covered),
                                  where=(self._covered > 0) & bool(action.takes))  # fmt: skip
                found[place, level] = min(float(taken.max()), 1.0)
        return found

    @functools.cached_property
    def _groups(self) -> tuple[IntArray, list[FloatArray]]:
        """The group (measures,) of each candidate, and of each group the emissions (sectors, n) it works on."""
        labels, tco2e = flow_labels(self.baseline.state), self.baseline.tco2e
        on = np.zeros((len(self.candidates), len(labels)), bool)
        for place, actions in enumerate(self._actions):
            if actions[0].way != "added":
                on[place, actions[0].rows] = True
        acts = np.flatnonzero(on.any(axis=1))
        group = np.full(len(self.candidates), NO_GROUP)
        if len(acts):
            _, group[acts] = connected_components((on[acts].astype(int) @ on[acts].T.astype(int)) > 0, directed=False)
        sector_of = np.array([SECTORS.index(label.sector) for label in labels])
        bases = []
        for number in range(group.max(initial=NO_GROUP) + 1):
            rows = on[group == number].any(axis=0)
            bases.append(np.stack([tco2e[rows & (sector_of == k)].sum(axis=0) for k in range(len(SECTORS))]))
        return group, bases

    def _run(self, scenario: Scenario, count: int = 0, seed: int = 0, zones: csr_array | None = None) -> Result:
        return run(
            self.baseline, scenario, self.coverage, samples=count, seed=seed, zones=zones, cancelled=self.cancelled
        )

    def _everywhere(self, place: int, level: int) -> Scenario:
        one = self.candidates[place]
        measure = _at(one.measure, one.measure.id, one.levels[level - 1], self.names)
        return Scenario(year=self.year, parameters=dict(self.parameters), measures=(measure,))

    def _of(self, levels: IntArray) -> list[tuple[AnyMeasure, BoolArray]]:
        """Measures of a choice, one per candidate and level, and the zones (zones,) that take it."""
        levels, found = self.options.check_levels(levels), []
        for place, one in enumerate(self.candidates):
            for level in range(1, len(one.levels) + 1):
                chosen = levels[:, place] == level
                if not chosen.any():
                    continue
                amount = one.levels[level - 1]
                if AMOUNTS[_kind(one.measure)] != "level":
                    quantity = self._attributed @ self._actions[place][level - 1].quantity
                    amount *= float(quantity[chosen].sum() / quantity.sum())
                    if not amount > 0:
                        continue  # none of these zones has ground for it
                names = [name for name, here in zip(self.names, chosen, strict=True) if here]
                found.append((_at(one.measure, f"{one.measure.id}.{level}", amount, names), chosen))
        if len(found) > 100:
            raise InvalidOptions(f"{len(found)} measures and levels are chosen; at most 100 can be run together.")
        return found


def _kind(measure: AnyMeasure) -> str:
    return str(measure.model_dump(include={"kind"}).get("kind", ""))


def _at(measure: AnyMeasure, name: str, amount: float, zones: Sequence[str]) -> AnyMeasure:
    area = Area(collection=_ZONES, ids=tuple(zones))
    return measure.model_copy(update={"id": name, AMOUNTS[_kind(measure)]: amount, "area": area})


def _check(one: Candidate) -> None:
    kind = _kind(one.measure)
    if kind not in AMOUNTS:
        raise InvalidOptions(
            f"{one.measure.id} is {kind or 'no kind of measure'}, which zones cannot choose one by one; "
            f"{', '.join(AMOUNTS)} can."
        )
    if one.measure.area is not None:
        raise InvalidOptions(f"{one.measure.id} has an area; none was expected, since the zones say where.")
    bounds = (0.0, *one.levels)
    most = 1.0 if AMOUNTS[kind] == "level" else np.inf
    if len(bounds) < 2 or not all(a < b for a, b in itertools.pairwise(bounds)) or bounds[-1] > most:
        raise InvalidOptions(
            f"{one.measure.id} has the levels {', '.join(map(plain, one.levels)) or 'none'}; amounts "
            f"that rise from above 0{' to at most 1' if most == 1 else ''} were expected."
        )
