"""Candidates that follow borders: by hand, against every union, and where they were planted."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from scenarios.designation import best_fit, candidate_zones, clusters
from scenarios.hotspots import hot_spots
from scenarios.neighbours import touching_cells
from scenarios.where_errors import InvalidCells
from tests.scenarios.planted_city import CELL_HA, planted_city

ROW, COL = (axis.ravel().astype(np.int64) for axis in np.indices((3, 3)))
NINE = touching_cells(ROW, COL)
# The south row is one zone, the north row another; the middle row is cut in halves between them.
SHARES = csr_array(np.array([[1, 1, 1, 0.5, 0.5, 0.5, 0, 0, 0], [0, 0, 0, 0.5, 0.5, 0.5, 1, 1, 1]]))
TWO: dict[str, Any] = {
    "cell_neighbours": NINE,
    "shares": SHARES,
    "zone_neighbours": csr_array(np.array([[0, 1], [1, 0]])),
    "cell_area_ha": np.ones(9),
    "zone_area_ha": np.array([4.5, 4.5]),
    "zone_emissions_tco2e": np.array([100.0, 50.0]),
}


def test_clusters_by_hand() -> None:
    hot = np.array([1, 1, 0, 0, 0, 0, 0, 1, 1], bool)
    assert clusters(hot, NINE).tolist() == [-1] * 9
    assert clusters(hot, NINE, fewest_cells=2).tolist() == [0, 0, -1, -1, -1, -1, -1, 1, 1]
    hot[4] = True  # joins them corner by corner
    assert clusters(hot, NINE).tolist() == [0, 0, -1, -1, 0, -1, -1, 0, 0]


def test_a_candidate_by_hand() -> None:
    hot = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0], bool)
    probability = np.array([0.9, 0.6, 0.3, *[np.nan] * 6])
    [found] = candidate_zones(hot, **TWO, probability=probability, savings=[20.0, 7.0])
    assert found.zones.tolist() == [0]
    assert found.cells.tolist() == [0, 1, 2]
    assert (found.area_ha, found.emissions_tco2e, found.savings_tco2e) == (4.5, 100, 20)
    assert found.hot_share == pytest.approx(3 / 4.5)
    assert found.caught_share == 1
    assert found.probability == pytest.approx(0.6)


def test_a_cluster_across_a_border_takes_both_zones_and_asks_for_what_both_could_save() -> None:
    asked: list[list[int]] = []

    def savings(zones: np.ndarray) -> float:
        asked.append(zones.tolist())
        return 12.0

    [found] = candidate_zones(np.ones(9, bool), **TWO, savings=savings)
    assert found.zones.tolist() == [0, 1]
    assert (found.hot_share, found.caught_share, found.savings_tco2e) == (1, 1, 12)
    assert asked == [[0, 1]]


def test_what_is_too_small_or_not_there_is_left_out() -> None:
    hot = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0], bool)
    assert candidate_zones(hot, **TWO, smallest_ha=5) == []
    assert candidate_zones(np.zeros(9, bool), **TWO) == []
    assert candidate_zones(hot, **TWO, fewest_cells=4) == []


@given(seed=st.integers(0, 10_000), n=st.integers(1, 8), outside=st.floats(0, 50))
@settings(max_examples=100, deadline=None)
def test_the_union_of_the_best_fit_against_every_union(seed: int, n: int, outside: float) -> None:
    numbers = np.random.default_rng(seed)
    area = numbers.uniform(1, 20, n)
    inside = area * numbers.choice([0, 1, numbers.random(), numbers.random()], n)
    whole = float(inside.sum()) + outside

    def jaccard(chosen: np.ndarray) -> float:
        union = whole + float((area - inside)[chosen].sum())
        return float(inside[chosen].sum()) / union if union else 0.0

    best = max(jaccard(np.array(choice)) for choice in itertools.product([False, True], repeat=n))
    assert jaccard(best_fit(inside, area, whole)) == pytest.approx(best)


@pytest.mark.parametrize(("times", "right", "found_again"), [(2.5, 0.97, 0.98), (2.0, 0.95, 0.89), (1.5, 0.77, 0.56)])
def test_planted_zones_are_found(times: float, right: float, found_again: float) -> None:
    """Figures of docs/where-to-act.md: eight cities of 150 zones, planted ones emit so many times as much."""
    precision, recall = [], []
    for seed in range(8):
        city = planted_city(seed, times=times)
        emissions = np.bincount(city.zone, city.intensity * CELL_HA)
        hot = hot_spots(city.intensity, city.touching).hot
        found = candidate_zones(
            hot,
            city.touching,
            city.shares,
            city.zone_touching,
            np.full(3600, CELL_HA),
            city.zone_area_ha,
            emissions,
        )
        named = np.concatenate([candidate.zones for candidate in found])
        assert np.unique(named).size == named.size, "a zone is in two candidates"
        assert [c.emissions_tco2e for c in found] == sorted((c.emissions_tco2e for c in found), reverse=True)
        hits = int(city.planted[named].sum())
        precision.append(hits / named.size)
        recall.append(hits / city.planted.sum())
    assert np.mean(precision) == pytest.approx(right, abs=0.01)
    assert np.mean(recall) == pytest.approx(found_again, abs=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell_area_ha": np.ones(8)}, "cell_area_ha has the shape"),
        ({"zone_area_ha": np.ones(3)}, "zone_area_ha has the shape"),
        ({"shares": csr_array(np.ones((2, 9)))}, "shares of cell 0 add up to 2"),
        ({"cell_neighbours": csr_array((8, 8))}, "neighbours"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidCells, match=message):
        candidate_zones(np.ones(9, bool), **(TWO | changes))
