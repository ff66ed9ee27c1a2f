import numpy as np
import pytest

from accounting.errors import ShapeMismatch
from accounting.fit import fit_factors

TRUE = np.array([2.4e-5, 5.3e-3, 7.7e-5])


def city(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    activities = rng.lognormal([12, 8, 10], 1.0, size=(n, 3))
    activities[rng.random((n, 3)) < 0.3] = 0.0
    return activities, np.round(activities @ TRUE, 2)


def test_rounded_totals_give_the_factors_back() -> None:
    activities, emissions = city()
    fit = fit_factors(activities, emissions)
    assert fit.factors == pytest.approx(TRUE, rel=1e-4)
    assert fit.used.all()
    assert fit.predict(activities) == pytest.approx(emissions, abs=0.02)


def test_typing_errors_are_left_out_and_named() -> None:
    activities, emissions = city()
    wrong = [3, 77, 200]
    emissions[wrong] *= [10, 0.1, -1]
    fit = fit_factors(activities, emissions)
    assert fit.factors == pytest.approx(TRUE, rel=1e-4)
    assert np.flatnonzero(~fit.used).tolist() == [i for i in wrong if abs(emissions[i]) > 0]


def test_order_does_not_matter() -> None:
    activities, emissions = city()
    back = fit_factors(activities[::-1], emissions[::-1])
    assert back.factors == pytest.approx(fit_factors(activities, emissions).factors, rel=1e-12)


def test_what_cannot_be_fitted_is_refused() -> None:
    activities, emissions = city()
    with pytest.raises(ShapeMismatch, match="cannot tell"):
        fit_factors(activities * [1, 1, 0], emissions)
    with pytest.raises(ShapeMismatch, match="finite"):
        fit_factors(activities, np.where(np.arange(len(emissions)) == 5, np.nan, emissions))
    with pytest.raises(ShapeMismatch, match="given"):
        fit_factors(activities, emissions[:-1])
    with pytest.raises(ShapeMismatch, match="Too few rows agree"):
        fit_factors(activities, np.random.default_rng(1).normal(0, 1e6, len(emissions)))
