"""What each measure of a portfolio adds: alone, after all others, and in the order in which effects are told."""

from dataclasses import dataclass

import numpy as np

from scenarios.options import STAGES, FloatArray, IntArray, Options


@dataclass(frozen=True)
class Contributions:
    """(zones, measures) tCO2e saved per year by each measure of a choice; 0 where it is not taken.

    Attributes:
        first_in: if it were the only one.
        last_in: on top of all others. Where measures meet, first-in is more and last-in less than its part.
        in_order: what it adds after those of earlier stages (demand, efficiency, fuel switch, supply; within a stage
            in the options' order). These add up to what the choice saves.
    """

    first_in: FloatArray
    last_in: FloatArray
    in_order: FloatArray


def contributions(options: Options, levels: IntArray) -> Contributions:
    """First-in, last-in and sequential effects (METHODS D9).

    Args:
        options: effects, bases and groups.
        levels: (zones, measures) the choice.

    Raises:
        InvalidOptions: not a choice of these options.
    """
    picked = options.check_levels(levels)[:, :, None]
    kept = np.take_along_axis(options.kept_fractions(), picked, axis=2)[:, :, 0]
    alone: FloatArray = np.take_along_axis(options.effects_tco2e, picked, axis=2)[:, :, 0]
    last, ordered = alone.copy(), alone.copy()
    order = sorted(range(options.shape[1]), key=lambda measure: (STAGES.index(options.stage[measure]), measure))
    for group in range(options.base_tco2e.shape[1]):
        members = [measure for measure in order if options.group[measure] == group]
        left = options.base_tco2e[:, group].copy()
        for measure in members:
            others = [other for other in members if other != measure]
            last[:, measure] = options.base_tco2e[:, group] * kept[:, others].prod(axis=1) * (1 - kept[:, measure])
            ordered[:, measure] = left * (1 - kept[:, measure])
            left *= kept[:, measure]
    return Contributions(alone, last, ordered)
