"""Steps that follow each other, each only as far as it is complete: what has come about in one year."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from scenarios.effects import ramp
from scenarios.frame import FloatArray
from scenarios.scenario import Measure


def completeness(measure: Measure, first: int, year: int) -> float:
    """How far a measure is by the end of a year, 0 to 1.

    Args:
        measure: which.
        first: year of the baseline, after which measures begin that do not say when.
        year: which.
    """
    begins = first + 1 if measure.start is None else measure.start
    return float(ramp(begins, measure.ramp_years, np.array([year]))[0])


def stage_weights(complete: Sequence[float]) -> list[float]:
    """Of the start and of each step how much of what is there in the year is as it was then; 1 together."""
    return [before - after for before, after in pairwise((1.0, *complete, 0.0))]


def ramped(complete: Sequence[float], stage: Callable[[int], FloatArray]) -> FloatArray:
    """The start, and of each step after it the part of its change that is complete.

    That is `start + sum(c_k (stage_k - stage_(k-1)))`, added up by stages, so that those that steps equally complete
    pass through are not asked for: where all are complete it is the last stage, to the bit.

    Args:
        complete: of each step, 0 to 1.
        stage: from 0 (the start) to the number of steps: what is there when so many are complete.
    """
    weights = stage_weights(complete)
    asked = [place for place, weight in enumerate(weights) if weight]
    if len(asked) == 1:
        return stage(asked[0])
    return np.asarray(sum(weights[place] * stage(place) for place in asked))
