"""Centres of a city: found where people and jobs are densest, and how far every cell is from the nearest."""

import numpy as np
from scipy.spatial import cKDTree

from scenarios.access import Smoothing
from scenarios.errors import InvalidScenario
from scenarios.frame import FloatArray, own_distance_km
from scenarios.state import State

Places = tuple[tuple[float, float], ...]


def found_centres(state: State, count: int, *, radius_km: float = 1.5, apart_km: float = 3.0) -> Places:
    """The densest places, densest first: peaks of people and jobs within a radius, each some way from those before.

    Args:
        state: with people or jobs.
        count: how many at most; fewer where the next peak has less than a tenth of the first one's density.
        radius_km: over which density is taken.
        apart_km: nearest that two centres may be.

    Returns:
        Their cells' middles (x, y), metres in the frame's CRS.

    Raises:
        InvalidScenario: nobody lives or works there, so that no centre can be found.
    """
    density = Smoothing(state.frame, state.inside, radius_km).mean(state.population + state.jobs)
    # What rounding of the transform leaves in equal peaks must not choose between them.
    density = np.round(density / max(float(density.max()), 1e-300), 9)
    if not (state.population + state.jobs).any():
        raise InvalidScenario(
            "There are neither people nor jobs to find centres by: give centres, as x and y in metres."
        )
    x, y = state.frame.centres()
    places: list[tuple[float, float]] = []
    while len(places) < count:
        row, col = np.unravel_index(int(np.argmax(density)), density.shape)
        if density[row, col] < 0.1:
            break
        place = (float(x[col]), float(y[row]))
        places.append(place)
        density[state.frame.distances_km(*place) < apart_km] = 0.0
        density[row, col] = 0.0
    return tuple(places)


def nearest_km(state: State, places: Places | FloatArray) -> FloatArray:
    """Distance to the nearest of some places, (rows, cols) km, never less than a cell's own mean distance.

    However many places there are, what it holds in memory follows from the cells: of each its nearest place alone.
    """
    frame, known = state.frame, np.asarray(places, np.float64).reshape(-1, 2)
    x, y = np.meshgrid(*frame.centres())
    nearest = known[cKDTree(known).query(np.column_stack([x.ravel(), y.ravel()]))[1]].reshape(*frame.shape, 2)
    apart = np.hypot(x - nearest[..., 0], y - nearest[..., 1]) / 1000
    return np.asarray(np.maximum(apart, own_distance_km(frame.size_m)))
