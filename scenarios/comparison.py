"""Two scenarios on one baseline compared: by how much they differ, and how surely, since they share their errors.

The intervals of two scenarios may overlap widely and one be better in every sample all the same: what is not known of
a city's buildings is the same error in both. So samples are compared world by world.
"""

from dataclasses import dataclass

import numpy as np

from scenarios.errors import InvalidScenario
from scenarios.result import Result
from scenarios.scenario import Scenario
from scenarios.state import SECTORS, State


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


def check_comparable(one: Scenario, other: Scenario, on_one_baseline: bool = True) -> None:
    """See, before they are run or after, that two scenarios can be compared.

    Raises:
        InvalidScenario: they are of other years, or of other baselines.
    """
    if one.year != other.year or not on_one_baseline:
        raise InvalidScenario(
            f"Scenarios of {one.year} and {other.year} were to be compared"
            f"{'' if on_one_baseline else ', run on different baselines'}; one baseline and one year were expected."
        )


def alike(one: State, other: State) -> bool:
    """Whether two states say the same of today: one edition, grid and year, and the same emissions.

    What a scenario tells of today besides (stops, the residents' share of traffic) may differ.
    """
    named = [(each.region, each.edition, each.collection, each.frame, each.year) for each in (one, other)]
    return named[0] == named[1] and all(
        np.array_equal(one.sector_tco2e(sector), other.sector_tco2e(sector)) for sector in SECTORS
    )


def difference(one: Result, other: Result) -> Difference:
    """Compare two results.

    Args:
        one: which is compared; run with the same samples and seed as the other, or one of them without samples.
        other: with which.

    Raises:
        InvalidScenario: they start from other states, are of other years, or were sampled otherwise.
    """
    check_comparable(one.scenario, other.scenario, alike(one.state, other.state))
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
