"""Measures of sinks: forest, trees, parks (METHODS C5, D8)."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scenarios import scenario as documents
from scenarios.action_setting import NO_ROWS, Setting, action_on
from scenarios.draws import Numbers
from scenarios.effects import Action
from scenarios.errors import InvalidScenario
from scenarios.filling import filled
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
    not_green = HECTARE_M2 * state.over(np.maximum(state.area_ha - state.green_ha, 0.0))
    open_m2 = not_green * setting.coverage
    most = float(open_m2.sum())
    if measure.trees * crown > most:
        raise InvalidScenario(
            f"{measure.id}: {measure.trees:,.0f} trees were asked for, whose crowns of {crown:g} m2 would cover more "
            f"than the area's {most / HECTARE_M2:,.1f} ha that are not green; choose at most "
            f"{np.floor(most / crown):,.0f}, or a larger area."
        )
    trees = _along_streets(float(measure.trees), weight, open_m2 / crown)
    covered = np.divide(trees * crown, not_green, out=np.zeros_like(trees), where=not_green > 0)
    action = _planted(
        measure, setting, numbers, 1.0, trees, "tree",
        lambda asked: -asked.number("trees.uptake") * asked.number("trees.crown") / HECTARE_M2, "trees.years",
        _IPCC_GROWTH_YEARS, ("trees.uptake", "trees.crown"), "crowns",
    )  # fmt: skip
    return replace(action, coverage=covered)


def _along_streets(trees: float, weight: FloatArray, room: FloatArray) -> FloatArray:
    """Trees of each cell (n,) by its streets, none with more than it has room for; the rest where else there is room.

    Args:
        trees: no more than there is room for in all.
        weight: (n,) 0 or more, of streets.
        room: (n,) trees whose crowns fit in each cell.
    """
    even = trees * weight / weight.sum()
    if (even <= room).all():
        return np.asarray(even)
    here = np.where(weight > 0, room, 0.0)
    along = filled(min(trees, float(here[here > 0].sum())), weight, room)
    rest = np.maximum(room - along, 0.0)
    return along + filled(min(trees - float(along.sum()), float(rest[rest > 0].sum())), rest, rest)


def park(measure: documents.Park, setting: Setting, numbers: Numbers) -> Action:
    """New parks, a part of them under crowns."""
    return _planted(
        measure, setting, numbers, *_free_ground(measure.id, setting, measure.hectares), "ha",
        lambda asked: -asked.number("trees.uptake") * asked.number("park.crown_share"), "trees.years",
        _IPCC_GROWTH_YEARS, ("trees.uptake", "park.crown_share"),
    )  # fmt: skip
