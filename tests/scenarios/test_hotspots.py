"""Hot spots by hand, against their formulas, on noise, and where they were planted; top decile; stability."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from scenarios.hotspots import KINDS, hot_spot_stability, hot_spots
from scenarios.neighbours import cells_within, touching_cells
from scenarios.top_decile import top_probability
from scenarios.where_errors import InvalidCells
from tests.scenarios.planted_city import CELL_M, planted_city

ROW, COL = (axis.ravel().astype(np.int64) for axis in np.indices((3, 3)))
NINE = touching_cells(ROW, COL)


def test_neighbours_of_nine_cells() -> None:
    assert NINE.sum(axis=1).tolist() == [3, 5, 3, 5, 8, 5, 3, 5, 3]
    sides = cells_within(COL * 100.0, ROW * 100.0, 100.0)
    assert sides.sum(axis=1).tolist() == [2, 3, 2, 3, 4, 3, 2, 3, 2]
    assert (cells_within(COL * 100.0, ROW * 100.0, 142.0) != NINE).nnz == 0


@given(seed=st.integers(0, 10_000), n=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_touching_cells_are_those_one_step_apart_in_any_order(seed: int, n: int) -> None:
    cells = np.random.default_rng(seed).permutation(np.array([(r, c) for r in range(-3, 4) for c in range(7)]))[:n]
    apart = np.abs(cells[:, None] - cells[None]).max(axis=2)
    assert (touching_cells(cells[:, 0], cells[:, 1]).toarray() == (apart == 1)).all()


def test_gi_star_by_hand() -> None:
    """One cell of nine emits 9: mean 1, s = sqrt(8); of the corner's four cells one is it."""
    x = np.array([9.0, 0, 0, 0, 0, 0, 0, 0, 0])
    found = hot_spots(x, NINE, scale="as given")
    s = np.sqrt(8.0)
    corner = (9 - 1 * 4) / (s * np.sqrt((9 * 4 - 16) / 8))
    side = (9 - 1 * 6) / (s * np.sqrt((9 * 6 - 36) / 8))
    away = (0 - 1 * 4) / (s * np.sqrt((9 * 4 - 16) / 8))
    # All nine cells surround the middle one: nothing is left to compare it with.
    expected = [corner, side, away, side, 0, (0 - 6) / (s * 1.5), away, (0 - 6) / (s * 1.5), away]
    assert found.gi_z == pytest.approx(expected)
    assert found.gi_p[4] == 1


@given(seed=st.integers(0, 10_000), shift=st.floats(-500, 500), scale=st.floats(0.1, 10))
@settings(max_examples=15, deadline=None)
def test_scores_are_those_of_the_formulas_also_with_removals_and_unknown_cells(
    seed: int, shift: float, scale: float
) -> None:
    numbers = np.random.default_rng(seed)
    row, col = (axis.ravel().astype(np.int64) for axis in np.indices((6, 7)))
    x = numbers.lognormal(3, 1, 42) * scale + shift
    x[numbers.integers(0, 42, 4)] = np.nan
    near = touching_cells(row, col)
    found = hot_spots(x, near, scale="as given")
    known = np.isfinite(x)
    w = near.toarray()[np.ix_(known, known)]
    v, n = x[known], int(known.sum())
    star = w + np.eye(n)
    total = star.sum(axis=1)
    expected = (star @ v - v.mean() * total) / (v.std() * np.sqrt((n * total - total**2) / (n - 1)))
    assert found.gi_z[known] == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert np.isnan(found.gi_z[~known]).all()
    assert not found.hot[~known].any()
    # Local Moran under conditional randomisation, from the mean and variance of what n - 1 others may give.
    z = (v - v.mean()) / v.std()
    weights = w / w.sum(axis=1, keepdims=True)
    local = z * (weights @ z)
    mean = -(z**2) / (n - 1)
    variance = z**2 * n / (n - 2) * ((weights**2).sum(axis=1) - 1 / (n - 1)) * (1 - z**2 / (n - 1))
    assert found.moran_z[known] == pytest.approx((local - mean) / np.sqrt(variance), rel=1e-5, abs=1e-5)


def test_noise_has_hardly_any_hot_spots_however_skewed() -> None:
    """Without clusters every discovery is false: they are to occur in about 5 of 100 maps, not in 5 of 100 cells."""
    city = planted_city(0)
    noise = [np.random.default_rng(seed).lognormal(3, 1, 3600) for seed in range(20)]
    maps = [hot_spots(x, city.touching) for x in noise]
    assert sum(bool(found.hot.any() or found.cold.any()) for found in maps) <= 3
    assert sum(bool(found.kind.any()) for found in maps) <= 3
    assert np.mean([(found.gi_p < 0.05).mean() for found in maps]) == pytest.approx(0.05, abs=0.01)
    # Why it is not done on their own scale.
    assert all(hot_spots(x, city.touching, scale="as given").hot.any() for x in noise[:5])


def test_normal_scores_know_only_the_order() -> None:
    city = planted_city(1)
    one, other = hot_spots(city.intensity, city.touching), hot_spots(np.log(city.intensity) - 9, city.touching)
    assert (one.gi_z == other.gi_z).all()
    assert (one.hot == other.hot).all()


@pytest.mark.parametrize(("times", "right", "found_again"), [(2.5, 0.95, 0.84), (2.0, 0.92, 0.71), (1.5, 0.76, 0.35)])
def test_planted_cells_are_found(times: float, right: float, found_again: float) -> None:
    """Figures of docs/where-to-act.md: eight cities, of which some zones emit so many times as much."""
    precision, recall, moran = [], [], []
    for seed in range(8):
        city = planted_city(seed, times=times)
        found = hot_spots(city.intensity, city.touching)
        hits = int((found.hot & city.planted_cells).sum())
        precision.append(hits / found.hot.sum())
        recall.append(hits / city.planted_cells.sum())
        high = found.kind == KINDS.index("high among high")
        moran.append((high & city.planted_cells).sum() / high.sum())
    assert np.mean(precision) == pytest.approx(right, abs=0.01)
    assert np.mean(recall) == pytest.approx(found_again, abs=0.01)
    # Local Moran's pattern is stricter: it asks the cell itself to be high.
    assert np.mean(moran) > np.mean(precision)


def test_equal_cells_and_cells_alone_do_not_stand_out() -> None:
    assert not hot_spots(np.full(9, 7.0), NINE).hot.any()
    alone = hot_spots(np.arange(9.0), csr_array((9, 9)))
    assert (alone.gi_p == 1).all()
    assert not alone.kind.any()


@pytest.mark.parametrize(
    ("x", "near", "options", "message"),
    [
        (np.ones(8), NINE, {}, "has the shape"),
        (np.array([1.0, *[np.nan] * 8]), NINE, {}, "known in 1 cells"),
        (np.arange(9.0), csr_array(np.triu(NINE.toarray())), {}, "not mutual"),
        (np.arange(9.0), NINE, {"false_discovery_rate": 1.0}, "above 0 and below 1"),
    ],
)
def test_what_cannot_be_tested_is_named(
    x: np.ndarray, near: csr_array, options: dict[str, float], message: str
) -> None:
    with pytest.raises(InvalidCells, match=message):
        hot_spots(x, near, **options)  # type: ignore[arg-type]


def test_a_cell_that_occurs_twice_is_named() -> None:
    with pytest.raises(InvalidCells, match="row 1, column 2 occurs twice"):
        touching_cells(np.array([1, 0, 1]), np.array([2, 0, 2]))


def test_stability_over_bands_and_years() -> None:
    city = planted_city(2)
    later = city.intensity * np.exp(0.1 * np.random.default_rng(1).standard_normal(3600))
    bands = {b: cells_within(city.col * CELL_M, city.row * CELL_M, b) for b in (750.0, 1000.0, 1500.0)}
    found = hot_spot_stability(np.stack([city.intensity, later]), bands)
    assert found.hot.shape == (2, 3, 3600)
    assert found.share == pytest.approx(found.hot.mean(axis=(0, 1)))
    assert found.share[city.planted_cells].mean() > 0.8 > 0.1 > found.share[~city.planted_cells].mean()
    assert 0.5 < found.band_agreement < found.year_agreement < 1
    alone = hot_spot_stability(city.intensity, {750.0: bands[750.0]})
    assert (alone.band_agreement, alone.year_agreement) == (1, 1)


def test_without_errors_the_highest_are_on_top_for_sure() -> None:
    values = np.array([5.0, 1, 2, 3, np.nan, 4])
    found = top_probability(values, np.zeros(6), np.zeros((6, 1)), share=0.4)
    assert found[[0, 5]].tolist() == [1, 1]
    assert found[[1, 2, 3]].tolist() == [0, 0, 0]
    assert np.isnan(found[4])


def test_an_error_that_all_share_changes_no_rank_and_one_of_their_own_does() -> None:
    values = np.linspace(10, 20, 50)
    shared = top_probability(values, np.zeros(50), np.full((50, 1), 100.0))
    assert set(shared.tolist()) == {0.0, 1.0}
    own = top_probability(values, np.full(50, 100.0), np.zeros((50, 0)), samples=4000)
    assert own == pytest.approx(np.full(50, 0.1), abs=0.05)
    # One error that raises half of the cells and lowers the others, as a factor of one fuel does.
    signed = np.where(np.arange(50) % 2, 5.0, -5.0)[:, None]
    assert 0.3 < top_probability(values, np.zeros(50), signed, samples=2000)[48:].mean() < 0.9


@given(seed=st.integers(0, 1000), n=st.integers(2, 60), share=st.floats(0.05, 0.95))
@settings(max_examples=30, deadline=None)
def test_probabilities_add_up_to_the_cells_on_top(seed: int, n: int, share: float) -> None:
    numbers = np.random.default_rng(seed)
    arguments = numbers.normal(size=n), numbers.uniform(0.1, 2, n), numbers.normal(size=(n, 2))
    found = top_probability(*arguments, share=share, samples=50, seed=seed)
    assert found.sum() == pytest.approx(np.ceil(share * n - 1e-9))
    assert (found == top_probability(*arguments, share=share, samples=50, seed=seed)).all()


def test_pysal_is_imported_only_when_it_is_needed(project: Path) -> None:
    code = "import scenarios.hotspots, scenarios.designation, sys; print('esda' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
