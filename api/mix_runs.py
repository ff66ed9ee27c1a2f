"""Working out the process `best-mix`: the optimiser on the places of an edition."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from api.errors import InvalidParameter
from api.mix_inputs import MOST_ZONES, MixInputs
from api.process_inputs import Work
from api.scenario_answers import known_list
from api.scenario_runs import grid_of
from grids.edition import Edition
from grids.tables import Geometries
from scenarios.frontier import cost_reduction_frontier
from scenarios.limits import Fairness, Limits
from scenarios.mix import Mix
from scenarios.options import BoolArray, Options
from scenarios.place_changes import sums_in_places
from scenarios.portfolio import Portfolio, best_portfolio
from scenarios.robust import RobustPortfolio, robust_portfolio
from scenarios.shares import area_shares, sectors_told
from scenarios.solver import Progress, Settings
from scenarios.state import SECTORS

_TRAIN, _HELD_OUT = 1, 2
"""Seeds of the worlds that a sure choice is made by, and of those that it is checked in."""


@dataclass(frozen=True, eq=False)
class MixFound:
    """What came of a mix.

    Attributes:
        edition, grid, year: what it starts from.
        inputs: what was asked.
        mix, options: what the places could choose from, and what of it is allowed.
        polygons, names: of the places, in the region's CRS; name of a language -> names, as far as there are any.
        unchanged: (places,) where nothing may be done.
        target_tco2e: to save a year; None with a budget.
        before, before_all: emissions of each place, and of all, by sector and net; None where unknown.
        best: the choice.
        line: the frontier, as far as it was asked for.
        robust: the sure choice, if one was asked for.
    """

    edition: Edition
    grid: str
    year: int
    inputs: MixInputs
    mix: Mix
    options: Options
    polygons: Geometries
    names: Mapping[str, Sequence[Any]]
    unchanged: BoolArray
    target_tco2e: float | None
    before: Mapping[str, Sequence[float | None]]
    before_all: Mapping[str, float | None]
    best: Portfolio
    line: Sequence[Portfolio]
    robust: RobustPortfolio | None


def found_mix(inputs: MixInputs, work: Work) -> MixFound:
    """Choose measures, levels and places.

    Raises:
        InvalidParameter, ScenarioError: inputs that cannot be used; TargetOutOfReach says what can be reached.
        Stopped: the job was dismissed.
    """
    edition = work.edition
    work.progress(0.02, "reads the baseline")
    grid = grid_of(edition, inputs.collection)
    year = edition.year(grid, inputs.baseline_year)
    baseline = work.places.runs.baseline(edition, grid, year)
    ids, polygons, names = _zones(edition, inputs, grid, year)
    told = _Runs(work)
    mix = Mix(
        baseline, inputs.year, inputs.made_candidates(), area_shares(baseline.state, list(polygons)), ids,
        inputs.parameters, told, work.cancelled,
    )  # fmt: skip
    told.begin(0.1, 0.4, "works out what each measure does in each place")
    everything = mix.options
    allowed, unchanged = inputs.allowed(everything.allowed, ids, edition, list(polygons))
    options = replace(everything, allowed=allowed)
    limits = inputs.made_limits(ids)
    heads = np.asarray(mix.zones @ baseline.state.over(baseline.state.population))
    fairness = inputs.made_fairness(ids, heads)
    before = _before(mix, mix.zones)
    before_all = {name: values[0] for name, values in _before(mix, csr_array(mix.zones.sum(axis=0)[None])).items()}
    target = inputs.target_tco2e
    if inputs.target_share is not None:
        target = inputs.target_share * _net_of_places(before_all)
    best = best_portfolio(
        options, target_tco2e=target, budget=inputs.budget, limits=limits, fairness=fairness, simulate=mix.simulate,
        settings=_settings(inputs, work, 0.4, 0.55, "chooses"),
    )  # fmt: skip
    line = _frontier(inputs, work, options, mix, limits, fairness)
    sure = None
    if inputs.robust is not None and target is not None:
        sure = _robust(inputs, work, told, options, mix, target, limits, fairness)
    work.progress(0.97, "tells what it found")
    return MixFound(
        edition, grid, year, inputs, mix, options, polygons, names, unchanged, target, before, before_all, best, line,
        sure,
    )  # fmt: skip


def _zones(
    edition: Edition, inputs: MixInputs, grid: str, year: int
) -> tuple[list[str], Geometries, dict[str, list[Any]]]:
    """Ids, polygons and names of the places that choose."""
    info = edition.collection(inputs.zones)
    size = edition.collection(grid).cell_size_m or 0
    if info.kind == "grid" and (info.cell_size_m or 0) <= size:
        raise InvalidParameter(
            f"inputs.zones: {info.id!r} is no coarser than {grid!r}, on which effects are worked out"
        )
    year = edition.year(info.id, year)
    if inputs.zone_ids is None:
        if info.count > MOST_ZONES:
            raise InvalidParameter(
                f"inputs.zones: {info.id!r} has {info.count} places, at most {MOST_ZONES} can choose: name some in "
                "zone_ids"
            )
        rows = edition.page(info.id, year).rows
    else:
        positions = edition.positions(info.id, year, list(inputs.zone_ids))
        if (positions < 0).any():
            missing = inputs.zone_ids[int(np.flatnonzero(positions < 0)[0])]
            raise InvalidParameter(f"inputs.zone_ids: collection {info.id!r} has no item {missing[:80]!r}")
        rows = edition.rows(info.id, year, np.unique(positions))
    told = {name: rows[name].to_pylist() for name in info.columns if name.startswith("name_")}
    return rows["id"].to_pylist(), edition.polygons(info.id, rows), told


def _before(mix: Mix, areas: csr_array) -> dict[str, list[float | None]]:
    """Emissions of areas (areas, n) by sector, and net: None where the edition tells nothing of them."""
    told = sectors_told(mix.baseline.state)
    sums = sums_in_places(told, np.zeros_like(told), areas)
    return {name: known_list(sums[f"{name}_before_tco2e"]) for name in (*SECTORS, "net")}


def _net_of_places(before: Mapping[str, float | None]) -> float:
    """What all places emit net, of which a share may be asked for."""
    net = before["net"]
    if net is None:
        unknown = " and ".join(name for name in SECTORS if before[name] is None)
        raise InvalidParameter(
            f"inputs.target_share: the edition tells nothing of {unknown} in these places, so that their net emissions "
            "are unknown, and no share of them: give target_tco2e"
        )
    if net <= 0:
        raise InvalidParameter(
            f"inputs.target_share: the places take up {-net:,.1f} tCO2e a year net, of which no share can be saved: "
            "give target_tco2e"
        )
    return net


class _Runs:
    """Tells how many of the runs behind what is worked out now are done.

    Args:
        work: is told.
    """

    def __init__(self, work: Work) -> None:
        self._work, self._part, self._message = work, (0.0, 0.0), ""

    def begin(self, first: float, last: float, message: str) -> None:
        """Runs that follow are from `first` to `last` of the job's progress."""
        self._part, self._message = (first, last), message
        self._work.progress(first, message)

    def __call__(self, done: int, of_all: int) -> None:
        first, last = self._part
        self._work.progress(first + (last - first) * done / of_all, f"{self._message}, {done} of {of_all} runs")


def _settings(
    inputs: MixInputs, work: Work, first: float, last: float, message: str, seconds: float | None = None
) -> Settings:
    limit = inputs.seconds if seconds is None else seconds
    return Settings(inputs.gap, limit, _now_and_then(work, first, last, message, limit), work.cancelled)


def _now_and_then(work: Work, first: float, last: float, message: str, limit: float) -> Callable[[Progress], None]:
    """Tell how far the solver is, twice a second: it asks for much more often."""
    told = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told > 0.5 and not work.cancelled():  # a cancelled one returns by itself
            told = now
            known = f", gap {progress.gap:.2%}" if np.isfinite(progress.gap) else ""
            work.progress(first + (last - first) * min(progress.seconds / limit, 1.0), f"{message}{known}")

    return tell


def _frontier(
    inputs: MixInputs, work: Work, options: Options, mix: Mix, limits: Limits, fairness: Fairness | None
) -> list[Portfolio]:
    if inputs.frontier < 2:
        return []
    work.progress(0.6, "draws the frontier")
    seconds = max(1.0, inputs.seconds / inputs.frontier)
    return cost_reduction_frontier(
        options, points=inputs.frontier, limits=limits, fairness=fairness, simulate=mix.simulate,
        settings=_settings(inputs, work, 0.6, 0.75, "draws the frontier", seconds),
    )  # fmt: skip


def _robust(
    inputs: MixInputs, work: Work, told_of: _Runs, options: Options, mix: Mix, target: float, limits: Limits,
    fairness: Fairness | None,
) -> RobustPortfolio:  # fmt: skip
    assert inputs.robust is not None
    count = inputs.robust.samples
    told_of.begin(0.75, 0.82, "draws samples to choose by")
    train = mix.samples(count, _TRAIN)
    told_of.begin(0.82, 0.88, "draws samples to check with")
    held_out = mix.samples(count, _HELD_OUT)
    return robust_portfolio(
        options, train, held_out, target_tco2e=target, share=inputs.robust.share, limits=limits, fairness=fairness,
        train_simulate=lambda levels: mix.simulate_samples(levels, count, _TRAIN),
        held_out_simulate=lambda levels: mix.simulate_samples(levels, count, _HELD_OUT),
        settings=_settings(inputs, work, 0.88, 0.97, "chooses what is sure"),
    )  # fmt: skip
