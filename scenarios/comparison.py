"""Two scenarios on one baseline compared: by how much they differ, and how surely, since they share their errors.

The intervals of two scenarios may overlap widely and one be better in every sample all the same: what is not known of
a city's buildings is the same error in both. So samples are compared world by world.
"""

from dataclasses import dataclass

import numpy as np

from scenarios.errors import InvalidScenario
from scenarios.result import Result


@dataclass(frozen=True)
class Difference:
    """One scenario less another, in the year of both.

    Attributes:
        tco2e: by the first set of elasticities; below 0: the one emits less.
        range_tco2e: least and greatest over the sets, each compared with itself; no interval.
        leaves_tco2e: the same of residents' travel outside the region, which is in no cell.
        interval_tco2e: 90 %, world by world; None without samples of both.
        less: part of the samples in which the one emits less; None without.
    """

    tco2e: float
    range_tco2e: tuple[float, float]
    leaves_tco2e: tuple[float, float]
    interval_tco2e: tuple[float, float] | None
    less: float | None


def difference(one: Result, other: Result) -> Difference:
    """Compare two results.

    Args:
        one: which is compared; run with the same samples and seed as the other, or one of them without samples.
        other: with which.

    Raises:
        InvalidScenario: they start from other states, are of other years, or were sampled otherwise.
    """
    if one.state is not other.state or one.scenario.year != other.scenario.year:
        raise InvalidScenario(
            f"Scenarios of {one.scenario.year} and {other.scenario.year} were to be compared"
            f"{'' if one.state is other.state else ', run on different baselines'}; one baseline and one year were "
            "expected."
        )
    sets = [outcome.total_tco2e - other.outcomes[name].total_tco2e for name, outcome in one.outcomes.items()]
    leaves = [outcome.leaves_tco2e - other.outcomes[name].leaves_tco2e for name, outcome in one.outcomes.items()]
    interval = less = None
    if one.samples is not None and other.samples is not None:
        mine, others = one.samples, other.samples
        if mine.seed != others.seed or mine.sectors_tco2e.shape != others.sectors_tco2e.shape:
            counts = [each.sectors_tco2e.shape[1] for each in (mine, others)]
            raise InvalidScenario(
                f"{counts[0]} samples of seed {mine.seed} and {counts[1]} of seed {others.seed} were given; the same "
                "number and seed were expected, so that each pair is one world."
            )
        drawn = (mine.sectors_tco2e - others.sectors_tco2e).sum(axis=0)
        low, high = np.quantile(drawn, [0.05, 0.95])
        interval, less = (float(low), float(high)), float((drawn < 0).mean())
    return Difference(sets[0], (min(sets), max(sets)), (min(leaves), max(leaves)), interval, less)
