"""Whether a scenario comes down to what it aims at, when, and how surely."""

from dataclasses import dataclass

import numpy as np

from scenarios.result import Result


@dataclass(frozen=True)
class TargetReached:
    """A scenario against its target.

    Attributes:
        net_tco2e: what the emissions should come down to in the scenario's year.
        gap_tco2e: set of elasticities -> what is missing by then; 0 or less: reached.
        first_year: set of elasticities -> the first year in which the path is down there; None: in none.
        share: part of the samples that reach it; None without samples. The baseline is taken as published, as the
            target is: a sample says how the change may differ.
    """

    net_tco2e: float
    gap_tco2e: dict[str, float]
    first_year: dict[str, int | None]
    share: float | None

    @property
    def reached(self) -> bool:
        """Whether all sets of elasticities reach it."""
        return all(gap <= 0 for gap in self.gap_tco2e.values())


def target_reached(result: Result) -> TargetReached | None:
    """Compare a result with its target; None without one."""
    target = result.target_tco2e
    if target is None:
        return None
    gaps, years = {}, {}
    for name, outcome in result.outcomes.items():
        gaps[name] = float(outcome.path_tco2e[-1] - target)
        down = np.flatnonzero(outcome.path_tco2e <= target)
        years[name] = int(result.years[down[0]]) if len(down) else None
    share = None
    if result.samples is not None:
        net = result.baseline_tco2e + result.samples.sectors_tco2e.sum(axis=0)
        share = float((net <= target).mean())
    return TargetReached(target, gaps, years, share)
