"""What a portfolio has to respect beside its target or budget: limits per zone, and fairness between parts of a region.

Zones where nothing may change, and levels that are impossible somewhere, are said in `Options.allowed`.
"""

from dataclasses import dataclass

import numpy as np

from scenarios.options import FloatArray, IntArray, Options
from scenarios.where_errors import InvalidOptions


@dataclass(frozen=True)
class Limits:
    """At most so much in each zone; None or infinite: any amount.

    Attributes:
        cost_per_zone: (zones,) in the options' unit.
        measures_per_zone: (zones,) how many measures may be taken up.
    """

    cost_per_zone: FloatArray | None = None
    measures_per_zone: FloatArray | None = None


@dataclass(frozen=True)
class Fairness:
    """What is spent per head in each part of the region lies within bounds around what is spent per head in all of it.

    Attributes:
        part: (zones,) which part each zone is of, from 0: districts, thirds by income, or each zone its own.
        heads: (zones,) residents.
        low, high: bounds, as multiples of the region's spending per head. Money is not spent for its own sake to
            reach `low`: combinations of a zone's group that cost more and save no more than another are never chosen.
    """

    part: IntArray
    heads: FloatArray
    low: float = 0.0
    high: float = float("inf")


def check_limits(options: Options, limits: Limits, fairness: Fairness | None) -> None:
    """See that limits fit the options.

    Raises:
        InvalidOptions: naming what does not.
    """
    zones = options.shape[0]
    for name in ("cost_per_zone", "measures_per_zone"):
        values = getattr(limits, name)
        if values is None:
            continue
        if np.shape(values) != (zones,) or np.isnan(values).any() or (np.asarray(values) < 0).any():
            raise InvalidOptions(
                f"{name} has the shape {np.shape(values)}; one number from 0 for each of {zones} zones was expected, "
                "infinite where there is no limit."
            )
    if fairness is None:
        return
    if np.shape(fairness.part) != (zones,) or np.shape(fairness.heads) != (zones,):
        raise InvalidOptions(
            f"Fairness has parts of the shape {np.shape(fairness.part)} and heads of the shape "
            f"{np.shape(fairness.heads)}; one each for {zones} zones was expected."
        )
    heads = np.asarray(fairness.heads, np.float64)
    if not (np.isfinite(heads).all() and (heads >= 0).all() and heads.sum() > 0):
        raise InvalidOptions(
            "Fairness counts heads that are negative, unknown or none at all; residents were expected."
        )
    part = np.asarray(fairness.part)
    if part.dtype.kind not in "iu" or part.min() < 0:
        raise InvalidOptions("Fairness names parts that are no whole numbers from 0.")
    if not 0 <= fairness.low <= 1 <= fairness.high:
        raise InvalidOptions(
            f"Fairness has the bounds {fairness.low:g} and {fairness.high:g}; 0 <= low <= 1 <= high was expected, "
            "because they surround the average."
        )
    if (options.costs[options.allowed] < 0).any():
        raise InvalidOptions(
            "Fairness shares out what is spent, but some levels have negative costs. Give costs before savings, or "
            "leave fairness out."
        )
