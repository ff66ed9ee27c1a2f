"""Samples of a scenario's change: parameters, factors and activities drawn together, shared errors shared.

An error of a parameter or factor is one number per sample for all cells. The published deviation of a sector's value
has a part that all cells share (one number per sample and sector) and an own part, which cells do not share and which
therefore averages out over many. Elasticities have no distribution and are not sampled.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from scenarios.draws import Deviates
from scenarios.effects import Action, Groups, Multipliers, multipliers
from scenarios.flows import Flow
from scenarios.frame import FloatArray, IntArray
from scenarios.result import Samples
from scenarios.state import SECTORS, State
from scenarios.stopping import Cancelled, stop_if


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is sampled.

    Attributes:
        state: the baseline.
        labels: of the rows.
        tco2e: (rows, n) flows after the forms, before the sector measures.
        formed_tco2e: (sectors, n) what the forms changed.
        change_tco2e: (sectors, n) what everything changed, at the parameters' values.
        actions, groups, electric_rows: of the sector measures.
        year: of the scenario.
    """

    state: State
    labels: tuple[Flow, ...]
    tco2e: FloatArray
    formed_tco2e: FloatArray
    change_tco2e: FloatArray
    actions: Sequence[Action]
    groups: Groups
    electric_rows: IntArray
    year: int


def sampled(
    drawn: Drawn, count: int, seed: int, zones: csr_array | None = None, cancelled: Cancelled | None = None
) -> Samples:
    """Draw samples.

    Args:
        drawn: of what.
        count: how many.
        seed: equal seeds give equal samples, and a measure's draws do not depend on the other measures.
        zones: (zones, n) share of each cell that lies in each zone.
        cancelled: asked now and then.

    Raises:
        Stopped: cancelled.
    """
    draw = _Draw(drawn, Deviates(count, seed), cancelled)
    zone_samples = None if zones is None else np.zeros((zones.shape[0], count))
    spread = np.zeros(drawn.state.cells)
    columns = None if zones is None else zones.tocsc()  # the cells of a group are picked many times
    for first, last, got in draw.blocks():
        for here, each in _picks(drawn.groups, first, last, got.change[:, draw.touched]):
            stop_if(cancelled)
            base = drawn.tco2e[np.ix_(draw.touched, here)]
            change = base.T @ each if each.ndim == 2 else np.matmul(base.T[:, None, :], each)[:, 0]
            change += _added(drawn.actions, got.added, here)
            spread[here] = change.var(axis=1)
            if columns is not None and zone_samples is not None:
                zone_samples += columns[:, here] @ change
    sectors = draw.sectors()
    own_sd, shared_sd = draw.deviations()
    spread += (own_sd**2 + shared_sd**2).sum(axis=0)
    if zones is not None and zone_samples is not None:
        zone_samples += (zones @ drawn.formed_tco2e.sum(axis=0))[:, None] + (zones @ shared_sd.T) @ draw.error
        own_zone = np.sqrt(zones.multiply(zones) @ (own_sd**2).sum(axis=0))
        normal = np.stack([draw.deviates.of(f"zone:{zone}") for zone in range(zones.shape[0])])
        zone_samples += own_zone[:, None] * normal
    asked = [(action.used, replace(action.numbers, deviates=draw.deviates)) for action in drawn.actions]
    names = {name for used, numbers in asked for name in used if numbers.drawn(name)}
    return Samples(sectors, zone_samples, np.sqrt(spread), tuple(sorted(names)), seed)


def region_samples(drawn: Drawn, count: int, seed: int, cancelled: Cancelled | None = None) -> FloatArray:
    """Change of the region, (sectors, samples): what `sampled` says of it, without cells and zones."""
    draw = _Draw(drawn, Deviates(count, seed), cancelled)
    for _ in draw.blocks():
        pass
    return draw.sectors()


class _Draw:
    """Samples of the region's change, added up block by block of groups, by whoever looks at the blocks."""

    def __init__(self, drawn: Drawn, deviates: Deviates, cancelled: Cancelled | None) -> None:
        self.drawn, self.deviates, self._cancelled = drawn, deviates, cancelled
        self._shared, self._own = relative_errors(drawn.state)
        self.error = np.stack([deviates.of(f"activity:{sector}") for sector in SECTORS])
        self.touched = np.unique(np.concatenate([_NOTHING, *(action.rows for action in drawn.actions)]))
        if any(action.way == "supply" for action in drawn.actions):
            self.touched = np.union1d(self.touched, drawn.electric_rows)
        self._sectors = np.zeros((len(SECTORS), deviates.size))

    def blocks(self) -> Iterator[tuple[int, int, Multipliers]]:
        """Groups (first, last) and what becomes of their flows; the region's change is known once all were seen."""
        drawn, count = self.drawn, self.deviates.size
        sector_of = np.array([SECTORS.index(label.sector) for label in drawn.labels])
        belongs = np.eye(len(SECTORS))[sector_of]
        rows = len(drawn.labels)
        tonnes, doubtful = np.zeros((2, drawn.groups.count, rows))
        tonnes[:, self.touched] = drawn.groups.sums(drawn.tco2e[self.touched])
        doubtful[:, self.touched] = drawn.groups.sums(drawn.tco2e[self.touched] * self._shared[sector_of[self.touched]])
        # Tonnes and doubtful tonnes of each sector side by side, so that what is drawn is read once.
        weights = np.concatenate([tonnes[:, :, None] * belongs, doubtful[:, :, None] * belongs], axis=2)
        numbers = [replace(action.numbers, deviates=self.deviates) for action in drawn.actions]
        years = np.full(count, drawn.year)
        added = np.zeros((0, count))
        for first, last in drawn.groups.blocks(rows * count):
            stop_if(self._cancelled)
            got = multipliers(
                drawn.actions, drawn.groups.coverage[:, first:last], rows, drawn.electric_rows, years, numbers=numbers
            )
            added = got.added
            sums = weights[first:last].reshape(-1, 2 * len(SECTORS)).T @ got.change.reshape(-1, count)
            self._sectors += sums[: len(SECTORS)] + self.error * sums[len(SECTORS) :]
            yield first, last, got
        for place, action in enumerate(drawn.actions):
            if action.way == "added":
                self._sectors[SECTORS.index(action.sector)] += action.quantity.sum() * added[place]

    def deviations(self) -> tuple[FloatArray, FloatArray]:
        """Own and shared standard deviation (sectors, n) of each cell's change that comes of the baseline's errors."""
        measured = self.drawn.change_tco2e - self.drawn.formed_tco2e
        return self._own * measured, self._shared * measured + self._mean[:, None] * self.drawn.formed_tco2e

    def sectors(self) -> FloatArray:
        """(sectors, samples), after all blocks."""
        total = self.drawn.formed_tco2e.sum(axis=1)
        own_sd, _ = self.deviations()
        rest = np.stack([self.deviates.of(f"own:{sector}") for sector in SECTORS])
        formed = total[:, None] + self.error * (self._mean * total)[:, None]
        return np.asarray(self._sectors + formed + np.sqrt((own_sd**2).sum(axis=1))[:, None] * rest)

    @functools.cached_property
    def _mean(self) -> FloatArray:
        """(sectors,) mean shared error of each sector.

        What forms move or add is buildings and travel of the mean kind: their error is this one, so that a house that
        moves from a well-known cell to a doubtful one changes no total.
        """
        size = np.stack([np.abs(self.drawn.state.sector_tco2e(sector)) for sector in SECTORS])
        weight = np.divide(size, size.sum(axis=1, keepdims=True), out=np.zeros_like(size), where=size > 0)
        return np.asarray((self._shared * weight).sum(axis=1))


def _picks(groups: Groups, first: int, last: int, factor: FloatArray) -> Iterator[tuple[IntArray, FloatArray]]:
    """Cells of some groups with their multipliers: (cells, (rows, samples)), or (cells, (cells, rows, samples)).

    Where nearly every cell is a group of its own, all of them are taken at once.
    """
    mine = groups.cells(first, last)
    if len(mine) <= 2 * (last - first):
        yield mine, factor[groups.of_cell[mine] - first]
        return
    for group in range(first, last):
        cells = groups.cells(group, group + 1)
        for begin in range(0, len(cells), 4096):
            yield cells[begin : begin + 4096], factor[group - first]


def relative_errors(state: State) -> tuple[FloatArray, FloatArray]:
    """Relative standard deviations (sectors, n) of the baseline's values: the shared part and the own part of each."""
    shared, own = np.zeros((len(SECTORS), state.cells)), np.zeros((len(SECTORS), state.cells))
    for place, sector in enumerate(SECTORS):
        if sector not in state.sd_tco2e:
            continue
        size = np.abs(state.sector_tco2e(sector))
        relative = np.divide(state.over(state.sd_tco2e[sector]), size, out=np.zeros_like(size), where=size > 0)
        part = state.shared.get(sector, 1.0)
        shared[place], own[place] = np.sqrt(part) * relative, np.sqrt(1 - part) * relative
    return shared, own


def _added(actions: Sequence[Action], added: FloatArray, here: IntArray) -> FloatArray:
    """What measures that add per unit change in some cells: (cells, samples)."""
    places = [place for place, action in enumerate(actions) if action.way == "added"]
    quantity = np.array([actions[place].quantity[here] for place in places]).reshape(len(places), len(here))
    return np.asarray(quantity.T @ added[places])


_NOTHING: IntArray = np.zeros(0, dtype=np.int64)
