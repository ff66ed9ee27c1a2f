"""Distances to the nearest of some places: as place by place, and no larger in memory for many of them."""

import tracemalloc

import numpy as np
import pytest

from scenarios.centres import nearest_km
from tests.scenarios.scenario_cities import city


@pytest.mark.parametrize("count", [1, 7, 3000])
def test_the_nearest_place_is_that_of_all_distances_in_the_memory_of_the_cells(count: int) -> None:
    state = city(40, 30)
    width, height = 30 * state.frame.size_m, 40 * state.frame.size_m
    places = np.random.default_rng(count).uniform(-0.2, 1.2, (count, 2)) * (width, height)
    places += (state.frame.x_m, state.frame.y_m)
    places[0] = (state.frame.x_m + 0.5 * state.frame.size_m, state.frame.y_m + 0.5 * state.frame.size_m)
    tracemalloc.start()
    found = nearest_km(state, places)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    apart = [state.frame.distances_km(float(x), float(y)) for x, y in places]
    np.testing.assert_allclose(found, np.min(apart, axis=0), rtol=1e-12)
    assert found[0, 0] == pytest.approx(0.5214 * state.frame.size_m / 1000, rel=1e-4), "a cell's own distance"
    assert most < 1_000_000, "a field of each of 3000 places would be 29 MB"
