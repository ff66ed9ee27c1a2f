"""Gravity access and trip lengths, by hand, against sums over all pairs, and their properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.access import Smoothing, decay_kernel, disc_kernel, gravity_access, mean_trip_length_km
from scenarios.errors import ScenarioError
from scenarios.frame import Frame, own_distance_km

THREE = Frame("EPSG:5179", 1000.0, 0.0, 0.0, 3, 3)


def by_pairs(frame: Frame, jobs: np.ndarray, decay: float) -> np.ndarray:
    x, y = frame.centres()
    places = [(a, b) for b in y for a in x]
    reached = [
        sum(
            value * np.exp(-decay * (np.hypot(a - c, b - d) / 1000 or own_distance_km(frame.size_m)))
            for (c, d), value in zip(places, jobs.ravel(), strict=True)
        )
        for a, b in places
    ]
    return np.reshape(reached, frame.shape)


def test_one_job_in_the_middle_of_three_by_three() -> None:
    jobs = np.zeros((3, 3))
    jobs[1, 1] = 1.0
    side, corner, own = np.exp(-1.0), np.exp(-np.sqrt(2)), np.exp(-0.5214054331647207)
    expected = [[corner, side, corner], [side, own, side], [corner, side, corner]]
    np.testing.assert_allclose(gravity_access(THREE, jobs, 1.0), expected, rtol=1e-12)


@given(st.integers(1, 7), st.integers(1, 7), st.floats(0.05, 3), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_access_equals_the_sum_over_all_pairs(rows: int, cols: int, decay: float, seed: int) -> None:
    frame = Frame("EPSG:5179", 500.0, 0.0, 0.0, rows, cols)
    jobs = np.random.default_rng(seed).random((rows, cols))
    np.testing.assert_allclose(gravity_access(frame, jobs, decay), by_pairs(frame, jobs, decay), rtol=1e-10)


def test_smoothing_takes_the_mean_of_the_cells_that_count() -> None:
    inside = np.ones((3, 3), bool)
    inside[0, 0] = False
    field = np.array([[0.0, 1, 2], [3, 4, 5], [6, 7, 8]])
    smooth = Smoothing(THREE, inside, 1.0).mean(field)
    assert smooth[0, 0] == 0
    assert smooth[1, 1] == pytest.approx((4 + 1 + 3 + 5 + 7) / 5)
    assert smooth[0, 1] == pytest.approx((1 + 2 + 4) / 3)
    flat = Smoothing(THREE, inside, 1.0).mean(np.where(inside, 2.0, 0.0))
    np.testing.assert_allclose(flat[inside], 2.0, rtol=1e-12)


def test_where_nothing_is_near_there_is_nothing_to_the_bit() -> None:
    """Half of a region is empty: what the transform leaves there is no density, and says nothing of anybody."""
    frame = Frame("EPSG:5179", 500.0, 900_000.0, 1_900_000.0, 60, 50)
    inside, field = np.ones((60, 50), bool), np.zeros((60, 50))
    field[:25] = np.random.default_rng(1).lognormal(3, 1, (25, 50))
    smooth = Smoothing(frame, inside, 1.5).mean(field)
    assert (smooth[:28] > 0).all()
    assert not smooth[28:].any(), "three cells and more from the next that has any"
    assert disc_kernel((60, 50), 500.0, 1.5).convolve(field)[28:].any(), "the transform would have left something"


def test_a_radius_below_a_cell_still_holds_the_cell_itself() -> None:
    kernel = disc_kernel((2, 2), 500.0, 0.1)
    np.testing.assert_allclose(kernel.convolve(np.array([[1.0, 2], [3, 4]])), [[1, 2], [3, 4]], atol=1e-12)


def test_people_beside_their_jobs_travel_the_mean_of_their_cell() -> None:
    there = np.zeros((3, 3))
    there[2, 0] = 5.0
    assert mean_trip_length_km(THREE, there, there, 0.5) == pytest.approx(own_distance_km(1000.0))
    jobs = np.zeros((3, 3))
    jobs[2, 2] = 1.0
    assert mean_trip_length_km(THREE, there, jobs, 0.5) == pytest.approx(2.0)
    assert np.isnan(mean_trip_length_km(THREE, there, np.zeros((3, 3)), 0.5))


def test_spreading_lengthens_trips_and_gathering_shortens_them() -> None:
    frame = Frame("EPSG:5179", 500.0, 0.0, 0.0, 31, 31)
    centre = frame.distances_km(31 * 250, 31 * 250)
    lengths = []
    for gradient in (3.0, 1.0, 0.3, 0.0):
        people = np.exp(-gradient * centre)
        lengths.append(mean_trip_length_km(frame, people, people, 0.2))
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1] / 3


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ScenarioError, match="above 0"):
        decay_kernel((3, 3), 500.0, 0.0)
    with pytest.raises(ScenarioError, match="kernel for"):
        decay_kernel((3, 3), 500.0, 1.0).convolve(np.zeros((2, 2)))
