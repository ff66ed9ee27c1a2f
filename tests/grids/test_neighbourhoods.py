"""Neighbourhoods: squares by hand, two routes to one variance, and the likeness that the squares stand for."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from grids.aggregate import LayerShares, collection_sums
from grids.errors import GridError
from grids.feature_lines import FeatureLines, sums_in_target
from grids.features import LayerLines
from grids.neighbourhoods import NOWHERE, WEIGHTS, Neighbourhoods, squares_of

YEAR = 2023


def places(*pairs: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    row, col = np.array(pairs, dtype=np.int32).T
    return row, col


def lines_of(n: int, rng: np.random.Generator, metered: float = 0.0) -> pd.DataFrame:
    """Two lines for each feature, gas and electricity, some of them metered."""
    feature = np.repeat(np.arange(n, dtype=np.int32), 2)
    return pd.DataFrame(
        {
            "feature": feature,
            "year": np.int16(YEAR),
            "carrier": np.tile(["electricity", "gas"], n),
            "basis": np.tile(["indirect", "direct"], n),
            "method": np.where(rng.random(n) < metered, "metered", "modelled")[feature],
            "activity": 1.0,
            "activity_unit": "kWh",
            "factor_id": np.tile(["power", "gas"], n),
            "emissions_tco2e": rng.lognormal(1, 1, 2 * n),
            "u_own": 0.5,
            "group": "",
            "u_group": 0.0,
            "u_factor": 0.0,
            "assumptions": "",
        }
    )


def variances(shares: csr_array, lines: pd.DataFrame, near: Neighbourhoods | None) -> np.ndarray:
    compact = LayerLines.of("b", lines, shares.shape[1], near=near)
    n = shares.shape[0]
    layer = LayerShares("b", "buildings", shares, compact)
    sums = collection_sums([layer], n_targets=n, year=YEAR, sectors=["buildings"], coverage={"buildings": np.ones(n)})
    return sums.sectors["buildings"].variance


def test_by_hand_two_share_a_square_a_third_lies_further_and_a_fourth_nowhere():
    """Errors of 3, 4, 5 and 7 t: half of their variance is shared, in squares of 1, 2 and 4 ranges."""
    near = Neighbourhoods.of(*places((0, 0), (0, 0), (1, 1), (NOWHERE, NOWHERE)), 0.5)
    small, middle, large = (0.5 * weight for weight in WEIGHTS)
    alone = 0.5 * (9 + 16 + 25) + 49
    shared = small * (7**2 + 5**2) + middle * 12**2 + large * 12**2
    assert near.variance(np.arange(4), np.array([3.0, 4.0, 5.0, 7.0])) == pytest.approx(alone + shared, rel=1e-14)
    assert near.variance(np.array([2]), np.array([5.0])) == pytest.approx(25)
    assert near.variance(np.array([0, 1]), np.array([4.0, -4.0])) == pytest.approx(0.5 * 32)


def test_squares_on_both_sides_of_the_origin_stay_apart():
    near = Neighbourhoods.of(*places((-1, -1), (0, 0), (0, -1), (-1, 0)), 1.0)
    assert near.variance(np.arange(4), np.ones(4)) == pytest.approx(4)


def test_a_feature_that_lies_whole_in_a_target_has_the_same_error_there_as_in_any_other():
    near = Neighbourhoods.of(*places((5, 6), (5, 7)), 0.4)
    lines = lines_of(2, np.random.default_rng(1))
    levels = csr_array(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.3, 0.0]]))
    found, by_itself = variances(levels, lines, near), variances(levels, lines, None)
    assert found[:2] == pytest.approx(by_itself[:2], rel=1e-14)
    assert found[3] == pytest.approx(0.09 * found[0], rel=1e-14)
    assert found[2] > by_itself[2] == pytest.approx(by_itself[:2].sum(), rel=1e-14)


@pytest.mark.parametrize("metered", [0.0, 0.3])
def test_sums_of_all_targets_and_of_one_are_the_same(metered: float):
    rng = np.random.default_rng(7)
    n, targets = 600, 9
    near = Neighbourhoods.of(*places(*rng.integers(-6, 6, (n, 2)).tolist()), 0.3)
    dense = np.where(rng.random((targets, n)) < 0.4, rng.random((targets, n)), 0.0)
    shares, lines = csr_array(dense), lines_of(n, rng, metered)
    found = variances(shares, lines, near)
    by_feature = FeatureLines.of(lines, n)
    for target in range(targets):
        features = np.flatnonzero(dense[target])
        one = sums_in_target(by_feature, features, dense[target, features], near)
        assert one.own_variance == pytest.approx(found[target], rel=1e-12)
    assert (found > variances(shares, lines, None)).all()


def test_meters_err_by_themselves_however_close():
    near = Neighbourhoods.of(*places(*[(0, 0)] * 5), 1.0)
    lines = lines_of(5, np.random.default_rng(3), metered=1.1)
    whole = csr_array(np.ones((1, 5)))
    assert variances(whole, lines, near) == pytest.approx(variances(whole, lines, None), rel=1e-14)


def test_the_order_of_features_changes_nothing_but_rounding():
    rng = np.random.default_rng(11)
    row, col = places(*rng.integers(0, 9, (200, 2)).tolist())
    errors = rng.normal(0, 3, 200)
    order = rng.permutation(200)
    one = Neighbourhoods.of(row, col, 0.2).variance(np.arange(200), errors)
    other = Neighbourhoods.of(row[order], col[order], 0.2).variance(np.arange(200), errors[order])
    assert one == pytest.approx(other, rel=1e-12)


def test_what_two_places_share_fades_as_is_said():
    """Over all lattices two places at a distance d share exp(-d / r), within 0.04, and 2 pi r^2 over a plane."""
    rng = np.random.default_rng(5)
    draws, r = 60_000, 250.0
    for distance in (0.0, 100.0, 250.0, 400.0, 600.0, 1000.0):
        angle, (x, y) = rng.uniform(0, 2 * np.pi, draws), rng.uniform(0, 4 * r, (2, draws))
        ends = np.stack([x, y]), np.stack([x + distance * np.cos(angle), y + distance * np.sin(angle)])
        shared = 0.0
        for scale, weight in enumerate(WEIGHTS):
            first, second = (np.floor(end / (r * 2**scale)) for end in ends)
            shared += weight * float((first == second).all(axis=0).mean())
        assert shared == pytest.approx(np.exp(-distance / r), abs=0.045), distance
    over_a_plane = sum(weight * (r * 2**scale) ** 2 for scale, weight in enumerate(WEIGHTS))
    assert over_a_plane == pytest.approx(2 * np.pi * r**2, rel=0.02)


def test_a_feature_belongs_to_the_square_of_its_main_cell():
    feature = np.array([0, 0, 1, 3, 3], dtype=np.int32)
    share = np.array([0.3, 0.7, 1.0, 0.5, 0.5])
    rows, cols = np.array([0, 7, -1, 2, 1], dtype=np.int32), np.array([0, 3, -3, 0, 9], dtype=np.int32)
    row, col = squares_of(feature, share, rows, cols, n_features=4, cell_m=100, range_m=250)
    assert row.tolist() == [3, -1, NOWHERE, 0]  # of equal shares the first cell
    assert col.tolist() == [1, -1, NOWHERE, 3]


@pytest.mark.parametrize("part", [0.0, -0.1, 1.01, float("nan")])
def test_a_part_that_is_none_is_refused(part: float):
    with pytest.raises(GridError, match="above 0 and at most 1"):
        Neighbourhoods.of(*places((0, 0)), part)


def test_rows_without_columns_are_refused():
    row, col = places((0, 0), (1, 1))
    with pytest.raises(GridError, match="2 rows and 1 columns"):
        Neighbourhoods.of(row, col[:1], 0.1)


def test_lines_without_neighbourhoods_are_as_before():
    lines = LayerLines.of("b", lines_of(4, np.random.default_rng(2)), 4)
    assert lines.near.square.size == 0
    assert replace(lines, near=Neighbourhoods.nobody()).near.alone == 1
