import math

import numpy as np
import pytest

from accounting.errors import ShapeMismatch
from accounting.uncertainty import (
    geometric_interval,
    interval_90,
    lognormal_interval,
    lognormal_parameters,
    mean_from_median,
    product_u95,
    relative_sd,
    shared_factor_u95,
    sum_u95,
)


def test_product_and_sum_rules() -> None:
    assert product_u95([5, 7]) == pytest.approx(8.602, abs=1e-3)
    assert sum_u95([100, 50], [10, 20]) == pytest.approx(9.428, abs=1e-3)


def test_removals_and_emissions_that_cancel_have_no_percentage() -> None:
    assert math.isinf(sum_u95([100, -100], [10, 10]))


def test_each_value_needs_its_uncertainty() -> None:
    with pytest.raises(ShapeMismatch):
        sum_u95([1, 2], [5])


def test_a_shared_factor_does_not_average_out() -> None:
    many = np.ones(10_000)
    assert sum_u95(many, 50 * many) == pytest.approx(0.5)
    assert shared_factor_u95(many, 50 * many, 20.0) == pytest.approx(math.hypot(20, 0.5))


def test_lognormal_interval_keeps_the_mean_and_stays_positive() -> None:
    mu, sigma = lognormal_parameters(100.0, 60.0)
    assert math.exp(mu + sigma**2 / 2) == pytest.approx(100.0)
    low, high = lognormal_interval(100.0, 100.0)
    assert 0 < low < 100 < high
    assert high - 100 > 100 - low
    with pytest.raises(ValueError, match="positive"):
        lognormal_parameters(0.0, 10.0)


def test_an_asymmetric_interval_reads_as_lognormal() -> None:
    """Vulcan v3, United States 2011: 1,367-1,853 TgC is a geometric mean of 1,591.56 times or over 1.164."""
    mean, factor = geometric_interval(1367, 1853)
    assert mean == pytest.approx(1591.56, abs=0.01)
    assert factor == pytest.approx(1.164, abs=1e-3)
    with pytest.raises(ValueError, match="0 < low"):
        geometric_interval(-1, 1)


def test_a_median_becomes_a_larger_mean() -> None:
    cv = relative_sd(50)
    assert mean_from_median(136, 50) == pytest.approx(136 * math.exp(math.log1p(cv**2) / 2))


def test_published_interval() -> None:
    low, high = interval_90(np.array([-10.0, 100.0]), np.array([10.0, 20.0]))
    assert low == pytest.approx([-26.45, 67.1])
    assert high == pytest.approx([6.45, 132.9])
