"""Measures of sinks: forest, trees, parks (METHODS C5, D8)."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scenarios import scenario as documents
from scenarios.action_setting import NO_ROWS, Setting, action_on
from scenarios.draws import Numbers
from scenarios.effects import Action
from scenarios.errors import InvalidScenario
from scenarios.frame import FloatArray
from scenarios.state import HECTARE_M2

_IPCC_GROWTH_YEARS = 20.0


def _planted(
    measure: documents.Measure, setting: Setting, numbers: Numbers, share: float, quantity: FloatArray, unit: str,
    effect: Callable[[Numbers], FloatArray], years: str, counted: float, used: tuple[str, ...], takes: str = "ground",
) -> Action:  # fmt: skip
    action = action_on(
        measure, setting, numbers, stage="sink", sector="forest", way="added", rows=NO_ROWS, level=share, effect=effect,
        unit=unit, quantity=quantity, used=(years, *used),
    )  # fmt: skip
    return replace(action, grows=lambda asked: (asked.number(years), counted), takes=takes)


def _free_ground(measure: str, setting: Setting, hectares: float) -> tuple[float, FloatArray]:
    """The share taken of ground of the area that is neither green nor under floor area, and hectares per cell (n,)."""
    state = setting.state
    built = state.over(state.floor_area_m2).sum(axis=0) / setting.parameters.number("state.storeys") / HECTARE_M2
    free = np.maximum(state.over(state.area_ha) - state.over(state.green_ha) - built, 0.0) * setting.coverage
    if hectares > free.sum():
        raise InvalidScenario(
            f"{measure}: {hectares:,.1f} ha were asked for, and the area has {free.sum():,.1f} ha that are neither "
            "green nor built on; choose fewer, or a larger area."
        )
    share = hectares / float(free.sum())
    return share, np.asarray(free * share)


def afforestation(measure: documents.Afforestation, setting: Setting, numbers: Numbers) -> Action:
    """New forest, at its full rate once grown."""
    return _planted(
        measure, setting, numbers, *_free_ground(measure.id, setting, measure.hectares), "ha",
        lambda asked: -asked.number("afforestation.uptake"), "afforestation.years", np.inf, ("afforestation.uptake",),
    )  # fmt: skip


def street_trees(measure: documents.StreetTrees, setting: Setting, numbers: Numbers) -> Action:
    """New trees along streets."""
    state = setting.state
    weight = state.over(state.street_km if state.street_km is not None else state.population + state.jobs)
    weight = weight * setting.coverage
    if not weight.any():
        raise InvalidScenario(f"{measure.id}: the area has no streets (or people) to plant trees beside.")
    crown = numbers.parameters.number("trees.crown")
    open_m2 = HECTARE_M2 * float((state.over(np.maximum(state.area_ha - state.green_ha, 0.0)) * setting.coverage).sum())
    if measure.trees * crown > open_m2:
        raise InvalidScenario(
            f"{measure.id}: {measure.trees:,.0f} trees were asked for, whose crowns of {crown:g} m2 would cover more "
            f"than the area's {open_m2 / HECTARE_M2:,.1f} ha that are not green; choose at most "
            f"{open_m2 / crown:,.0f}, or a larger area."
        )
    share = measure.trees * crown / open_m2 if open_m2 else 0.0
    return _planted(
        measure, setting, numbers, share, measure.trees * weight / weight.sum(), "tree",
        lambda asked: -asked.number("trees.uptake") * asked.number("trees.crown") / HECTARE_M2, "trees.years",
        _IPCC_GROWTH_YEARS, ("trees.uptake", "trees.crown"), "crowns",
    )  # fmt: skip


def park(measure: documents.Park, setting: Setting, numbers: Numbers) -> Action:
    """New parks, a part of them under crowns."""
    return _planted(
        measure, setting, numbers, *_free_ground(measure.id, setting, measure.hectares), "ha",
        lambda asked: -asked.number("trees.uptake") * asked.number("park.crown_share"), "trees.years",
        _IPCC_GROWTH_YEARS, ("trees.uptake", "park.crown_share"),
    )  # fmt: skip
