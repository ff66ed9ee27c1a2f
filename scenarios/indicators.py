"""What a form is like in a few numbers."""

from scenarios.access import gravity_access, mean_trip_length_km
from scenarios.result import Indicators
from scenarios.state import HECTARE_M2, State


def indicators(state: State, decay_per_km: float, new_green_ha: float = 0.0) -> Indicators:
    """Trip length, density, access and green per person of a state; None where nobody is there to have them.

    Args:
        state: of which.
        decay_per_km: of access with distance.
        new_green_ha: parks and forest that measures add.
    """
    people, jobs = float(state.population.sum()), float(state.jobs.sum())
    if not people:
        return Indicators(None, people, jobs, None, None, None)
    weights = state.population / people
    ground = state.area_ha > 0
    density = float((weights[ground] * state.population[ground] / state.area_ha[ground]).sum())
    access = length = None
    if jobs:
        access = float((weights * gravity_access(state.frame, state.jobs, decay_per_km)).sum())
        length = mean_trip_length_km(state.frame, state.population, state.jobs, decay_per_km)
    hectares = float(state.green_ha.sum()) + new_green_ha
    green = hectares * HECTARE_M2 / people if state.green_ha.any() else None
    return Indicators(length, people, jobs, density, access, green)
