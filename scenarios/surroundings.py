"""What a place offers its residents: density, mix, streets, access to jobs, nearness of centres and of transit.

The variables that the elasticities of METHODS D1 are about, on fields smoothed over about 1.5 km.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from scenarios.access import Smoothing, gravity_access
from scenarios.centres import Places, nearest_km
from scenarios.forms import DWELLINGS
from scenarios.frame import FloatArray
from scenarios.state import State

Surroundings = Mapping[str, FloatArray]
LIMITS = (0.5, 2.0)
"""How far one variable may change before its elasticity is no longer read: halved or doubled (METHODS D1)."""
MOST_CHANGE = 0.25
"""How far all of them together may change vehicle-km per resident, either way (a programme's convention)."""


@dataclass(frozen=True, eq=False)
class Known:
    """What was found for a state."""

    state: State
    centres: Places
    found: Surroundings


def surroundings(
    state: State, centres: Places, decay_per_km: float, smoothing: Smoothing, before: Known | None = None
) -> Surroundings:
    """Dimension -> (rows, cols), above 0 where something is there; dimensions that the state cannot tell are left out.

    Args:
        state: of which.
        centres: the designated ones.
        decay_per_km: of access to jobs.
        smoothing: over which densities and mix are taken.
        before: another state, its centres and what was found for it; what did not change is taken from there.
    """
    smooth = smoothing.mean

    def unchanged(*names: str) -> bool:
        return before is not None and all(getattr(before.state, name) is getattr(state, name) for name in names)

    def found(name: str, needs: tuple[str, ...], make: Callable[[], FloatArray | None]) -> FloatArray | None:
        return before.found.get(name) if before is not None and unchanged(*needs) else make()

    def per_area(field: FloatArray | None) -> FloatArray | None:
        return None if field is None else smoothing.density(field, state.area_ha)

    all_found = {
        "population_density": found("population_density", ("population",), lambda: per_area(state.population)),
        "job_density": found("job_density", ("jobs",), lambda: per_area(state.jobs)),
        "job_access_car": found(
            "job_access_car", ("jobs",), lambda: gravity_access(state.frame, state.jobs, decay_per_km)
        ),
        "land_use_mix": found("land_use_mix", ("floor_area_m2",), lambda: _mix(state, smooth)),
        "intersection_density": found(
            "intersection_density", ("intersections",), lambda: per_area(state.intersections)
        ),
        "proximity_downtown": before.found.get("proximity_downtown")
        if before is not None and before.centres == centres
        else (1 / nearest_km(state, centres) if centres else None),
        "proximity_transit": found("proximity_transit", ("stops",), lambda: _stop_proximity(state)),
    }
    return {name: field for name, field in all_found.items() if field is not None}


def _stop_proximity(state: State) -> FloatArray | None:
    if state.stops is None or not len(state.stops):
        return None
    return 1 / nearest_km(state, state.stops)


def _mix(state: State, smooth: Callable[[FloatArray], FloatArray]) -> FloatArray | None:
    """Entropy (0 to 1) of dwellings and other floor area around; None where the state has only one of them."""
    homes = [place for place, stock in enumerate(state.stocks) if stock.use in DWELLINGS]
    others = [place for place in range(len(state.stocks)) if place not in homes]
    if not homes or not others:
        return None
    a, b = smooth(state.floor_area_m2[homes].sum(axis=0)), smooth(state.floor_area_m2[others].sum(axis=0))
    part = np.divide(a, a + b, out=np.zeros_like(a), where=a + b > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -(part * np.log(part) + (1 - part) * np.log(1 - part)) / np.log(2)
    # Near 0 it says that there is one use only; what rounding leaves there is no mix.
    return np.where((part > 1e-9) & (part < 1 - 1e-9), entropy, 0.0)


def elastic_ratio(before: Surroundings, after: Surroundings, elasticities: Mapping[str, float]) -> FloatArray:
    """Vehicle-km per resident, new over old: `prod (X1/X0)^e`, each ratio and the whole within its limits.

    Args:
        before: dimension -> (rows, cols) or any one shape; where it is 0, the mean of the others stands in.
        after: the same; a dimension of only one of them is passed over.
        elasticities: dimension -> elasticity, of one set.

    Returns:
        The ratio, of the fields' shape; 1 to the bit where nothing changed.
    """
    ratio: FloatArray = np.ones(next(iter(before.values())).shape)
    for name, old in before.items():
        elasticity = elasticities.get(name, 0.0)
        if not elasticity or name not in after:
            continue
        change = _changed(old, after[name])
        if (change != 1).any():
            ratio *= change**elasticity
    return np.clip(ratio, 1 - MOST_CHANGE, 1 + MOST_CHANGE)


def _changed(old: FloatArray, new: FloatArray) -> FloatArray:
    """`X1/X0` within the limits."""
    there = old > 0
    if not there.any():
        return np.ones_like(old)
    base = np.where(there, old, old[there].mean())
    # What a transform leaves of a far place is rounding: no change is read from it.
    tiny = (np.maximum(old, new) <= 1e-9 * np.max(np.maximum(old, new))) | (~there & (new <= 0))
    ratio: FloatArray = np.where(tiny | (np.abs(new - old) <= 1e-9 * base), 1.0, new / base)
    return np.clip(ratio, *LIMITS)


def standing(now: Surroundings, people: FloatArray, elasticities: Mapping[str, float]) -> FloatArray:
    """Vehicle-km per resident of each cell relative to the city's mean place: the same elasticities across places."""
    weights = people / max(float(people.sum()), 1e-300)
    mean = {name: np.full(field.shape, float((weights * field).sum())) for name, field in now.items()}
    return elastic_ratio(mean, now, elasticities)
