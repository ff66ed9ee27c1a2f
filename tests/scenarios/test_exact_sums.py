"""A total of cells is the exact sum of their numbers, rounded once, whatever these are."""

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scenarios.exact_sums import exact_sum
from scenarios.frame import FloatArray

_NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


@given(hnp.arrays(np.float64, st.integers(0, 70), elements=_NUMBERS))
@example(np.array([1e100, 1.0, -1e100]))
@example(np.array([1.0, 2.0**-53]))  # a tie, to even
@example(np.array([1.0, 2.0**-53, 5e-324]))  # and just beyond it
@example(np.array([1.0, -(2.0**-54), -5e-324]))  # below a power of two, floats lie closer
@example(np.array([5e-324, 5e-324, -5e-324]))
@example(np.array([0.1] * 10))
@example(np.array([-0.0]))
def test_it_is_rounded_once(values: FloatArray) -> None:
    assert exact_sum(values) == math.fsum(values.tolist())


@pytest.mark.parametrize("spread", [0.0, 10.0, 60.0])
def test_of_many_cells_in_any_order(spread: float) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(200, 200)) * np.exp(rng.normal(size=(200, 200)) * spread)
    expected = math.fsum(values.ravel().tolist())
    assert exact_sum(values) == exact_sum(rng.permutation(values.ravel())) == expected
    assert exact_sum(np.append(values, -expected)) == math.fsum([*values.ravel().tolist(), -expected])


def test_cells_of_a_city_are_settled_without_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(4).lognormal(3, 2, 40_000)
    slow, longest = math.fsum, 0

    def counted(numbers: list[float]) -> float:
        nonlocal longest
        longest = max(longest, len(numbers))
        return slow(numbers)

    monkeypatch.setattr(math, "fsum", counted)
    exact_sum(np.append(-values, exact_sum(values)))
    assert longest <= 5


def test_what_has_no_sum_is_told_as_fsum_tells_it() -> None:
    assert exact_sum(np.array([])) == 0.0
    assert exact_sum(np.array([math.inf, 1.0])) == math.inf
    assert math.isnan(exact_sum(np.array([math.nan, 1.0])))
    with pytest.raises(OverflowError):
        exact_sum(np.array([1.7e308, 1.7e308]))
    with pytest.raises(ValueError, match="inf"):
        exact_sum(np.array([math.inf, -math.inf]))
