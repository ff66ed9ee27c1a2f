"""Samples of a scenario's path, and of each set of elasticities: the region's change in the worlds of its own year."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from scenarios.effects import multipliers
from scenarios.evaluation import Evaluation
from scenarios.frame import FloatArray, IntArray
from scenarios.result import Samples
from scenarios.samples import Drawn, region_samples, sampled
from scenarios.state import SECTORS
from scenarios.stopping import Cancelled

_NUMBERS = 15_000_000
"""Multipliers that may be drawn for a path: of all years where areas have few borders, else of some."""


def drawn_in(evaluation: Evaluation, change_tco2e: FloatArray | None = None) -> Drawn:
    """What is sampled of an evaluation; its change (sectors, n) is worked out unless it is given."""
    change = evaluation.formed + measured_change(evaluation) if change_tco2e is None else change_tco2e
    return Drawn(
        evaluation.state, evaluation.labels, evaluation.base, evaluation.formed, change, evaluation.actions,
        evaluation.groups, evaluation.electric, evaluation.year,
    )  # fmt: skip


def with_path(samples: Samples, evaluation: Evaluation, seed: int, cancelled: Cancelled | None = None) -> Samples:
    """These samples of the scenario's year with those of the years before it.

    An error is the same in all years: a sample is one world, of which the whole path is told.

    Args:
        samples: of the scenario's year.
        evaluation: of the run.
        seed: that the samples were drawn with.
        cancelled: asked now and then.

    Raises:
        Stopped: cancelled.
    """
    count = samples.sectors_tco2e.shape[1]
    years = told_years(evaluation, count)
    path = np.zeros((len(years), count))
    for place, year in enumerate(years[:-1]):
        then = replace(evaluation, year=int(year))
        if then.begun:
            path[place] = region_samples(drawn_in(then), count, seed, cancelled).sum(axis=0)
    path[-1] = samples.sectors_tco2e.sum(axis=0)
    return replace(samples, path_years=years, path_tco2e=path)


def with_sets(
    samples: Samples,
    evaluations: Mapping[str, Evaluation],
    seed: int,
    zones: csr_array | None = None,
    cancelled: Cancelled | None = None,
) -> Samples:
    """These samples, which are by the first set of elasticities, with those of region, zones and cells by each set.

    Sets are run by themselves and never mixed: each has an interval of its own, of the same worlds.

    Args:
        samples: by the first set.
        evaluations: of all sets, the first one first.
        seed: that the samples were drawn with.
        zones: (zones, n) share of each cell in each zone, as the samples had it.
        cancelled: asked now and then.

    Raises:
        Stopped: cancelled.
    """
    count = samples.sectors_tco2e.shape[1]
    found = dict.fromkeys(evaluations, samples)
    for name, each in list(evaluations.items())[1:]:
        if each.steps:  # without new forms there is nothing that elasticities could move
            found[name] = sampled(drawn_in(each, each.outcome.change_tco2e), count, seed, zones, cancelled)
    return replace(
        samples,
        sets_tco2e={name: each.sectors_tco2e.sum(axis=0) for name, each in found.items()},
        sets_zones_tco2e={name: each.zones_tco2e for name, each in found.items() if each.zones_tco2e is not None},
        sets_cells_sd_tco2e={name: each.cells_sd_tco2e for name, each in found.items()},
    )


def told_years(evaluation: Evaluation, count: int) -> IntArray:
    """The years of which samples are drawn: all if that is little work, else evenly spread, the first and last too."""
    years = evaluation.years
    each = max(evaluation.groups.count * len(evaluation.labels) * count, 1)
    most = int(np.clip(_NUMBERS // each, 2, len(years)))
    if len(years) == 1:
        return years
    return np.asarray(years[np.unique(np.rint(np.linspace(0, len(years) - 1, most)).astype(np.int64))])


def measured_change(evaluation: Evaluation) -> FloatArray:
    """(sectors, n) what the sector measures change in the evaluation's year."""
    base, groups = evaluation.base, evaluation.groups
    change = np.zeros((len(SECTORS), evaluation.state.cells))
    added = np.zeros((len(evaluation.actions), 1))
    for first, last in groups.blocks(len(base)):
        got = multipliers(
            evaluation.actions, groups.coverage[:, first:last], len(base), evaluation.electric,
            np.array([evaluation.year]),
        )  # fmt: skip
        added = got.added
        here = slice(None) if (first, last) == (0, groups.count) else groups.cells(first, last)
        group = groups.of_cell[here] - first
        for row in np.flatnonzero(got.change[:, :, 0].any(axis=0)):
            change[evaluation.sector_of[row], here] += base[row, here] * got.change[group, row, 0]
    for place, action in enumerate(evaluation.actions):
        if action.way == "added":
            change[SECTORS.index(action.sector)] += action.quantity * added[place, 0]
    return change
