"""Calibration by hand: factors that meet totals, and totals that no factor should meet."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from accounting.calibration import Problem, Stratum, fitted_covariance, fitted_factors, unusual
from accounting.control_totals import ControlTotal
from accounting.errors import ImplausibleCalibration

BOUNDS = (0.2, 5.0)


def total(value: float, zone: str = "", carrier: str = "", u: float | None = None) -> ControlTotal:
    return ControlTotal("totals.csv, row 2", 2023, zone, "buildings", carrier, "", value, "tCO2e", u, "a test")


def strata(zones: Sequence[str], carriers: Sequence[str]) -> list[Stratum]:
    return [Stratum(2023, zone, "buildings", carrier, "direct") for zone in zones for carrier in carriers]


def problem(totals: list[ControlTotal], of: list[Stratum], modelled: np.ndarray, measured: Sequence[float] = ()):
    """Features that lie in one zone each: a total sees the strata under it and no other."""
    under = np.array([[each.covers(*stratum) for stratum in of] for each in totals], dtype=float)
    fixed = np.array(measured, dtype=float) if len(measured) else np.zeros(len(totals))
    return Problem(totals, of, fixed, csr_array(under * modelled), csr_array(under))


def test_ratio_holds_measured_values_and_scales_the_rest():
    of = strata(("a", "b"), ("gas",))
    fitted = fitted_factors(
        problem([total(100, "a"), total(30, "b")], of, np.array([60.0, 20.0]), [10.0, 0.0]), "ratio", BOUNDS
    )
    assert fitted.tolist() == pytest.approx([1.5, 1.5], rel=1e-15)  # (100 - 10) / 60 and 30 / 20


def test_what_no_total_is_given_for_stays():
    of = strata(("a", "b"), ("gas",))
    assert fitted_factors(problem([total(30, "b")], of, np.array([60.0, 20.0])), "ratio", BOUNDS)[0] == 1


def test_features_on_the_border_of_two_zones_still_let_both_totals_be_met():
    """A third of zone a's 60 t and half of b's 40 t come from features that lie in both."""
    of = strata(("a", "b"), ("gas",))
    seen = np.array([[50.0, 10.0], [10.0, 30.0]])
    given_totals = [total(90, "a"), total(30, "b")]
    fitted = fitted_factors(
        Problem(given_totals, of, np.zeros(2), csr_array(seen), csr_array(np.eye(2))), "ratio", BOUNDS
    )
    np.testing.assert_allclose(seen @ fitted, [90, 30], rtol=1e-12)
    np.testing.assert_allclose(fitted, np.linalg.solve(seen, [90, 30]), rtol=1e-11)


def test_zones_that_cannot_be_told_apart_are_refused():
    """All features lie half in each: there is one factor, and two totals."""
    of = strata(("a", "b"), ("gas",))
    one = Problem(
        [total(60, "a"), total(60, "b")], of, np.zeros(2), csr_array(np.full((2, 2), 25.0)), csr_array(np.eye(2))
    )
    with pytest.raises(ImplausibleCalibration, match="cannot be told apart"):
        fitted_factors(one, "ratio", BOUNDS)


def test_zones_whose_shared_features_would_need_a_negative_factor_are_refused():
    of = strata(("a", "b"), ("gas",))
    seen = csr_array(np.array([[10.0, 40.0], [40.0, 60.0]]))
    one = Problem([total(40, "a"), total(200, "b")], of, np.zeros(2), seen, csr_array(np.eye(2)))
    with pytest.raises(ImplausibleCalibration, match=r"multiplied by .* lie in neighbours too"):
        fitted_factors(one, "ratio", BOUNDS)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.5, 2.0), min_size=12, max_size=12), st.lists(st.floats(1, 100), min_size=12, max_size=12))
def test_ipf_meets_every_margin_of_a_crossed_table(factors: list[float], modelled: list[float]):
    zones, carriers = ("a", "b", "c", "d"), ("electricity", "gas", "heat")
    of, values = strata(zones, carriers), np.array(modelled)
    truth = (values * factors).reshape(4, 3)
    margins = [total(float(row.sum()), zone) for zone, row in zip(zones, truth, strict=True)]
    margins += [total(float(column.sum()), "", name) for name, column in zip(carriers, truth.T, strict=True)]
    one = problem(margins, of, values)
    fitted = fitted_factors(one, "ipf", (0.01, 100))
    np.testing.assert_allclose(one.modelled(fitted), [each.value for each in margins], rtol=1e-11)
    # Odds ratios are the model's: factors are a product of one multiplier per zone and one per carrier.
    logs = np.log(fitted).reshape(4, 3)
    interaction = logs - logs.mean(axis=0) - logs.mean(axis=1, keepdims=True) + logs.mean()
    np.testing.assert_allclose(interaction, 0, atol=1e-9)


def test_margins_that_contradict_each_other_are_refused():
    of = strata(("a", "b"), ("gas", "heat"))
    crossed = [total(10, "a"), total(10, "b"), total(15, "", "gas"), total(15, "", "heat")]
    with pytest.raises(ImplausibleCalibration, match=r"no factors meet this total .* and all others at once"):
        fitted_factors(problem(crossed, of, np.full(4, 5.0)), "ipf", BOUNDS)


def test_ratio_refuses_totals_that_cross():
    of = strata(("a",), ("gas",))
    with pytest.raises(ImplausibleCalibration, match=r"is under 2 totals.*use ipf"):
        fitted_factors(problem([total(10, "a"), total(10, "", "gas")], of, np.array([8.0])), "ratio", BOUNDS)


@pytest.mark.parametrize("method", ["ratio", "ipf"])
def test_a_total_below_what_is_measured_is_refused_with_both_numbers(method: str):
    of = strata(("a",), ("gas",))
    with pytest.raises(
        ImplausibleCalibration, match=r"zone 'a'.*given is 10 tCO2e.*come to 12 tCO2e.*-0\.5"
    ) as problem_:
        fitted_factors(problem([total(10, "a", "gas")], of, np.array([4.0]), [12.0]), method, BOUNDS)
    assert "buildings" in str(problem_.value)


def test_an_implausible_factor_is_refused_with_zone_sector_and_both_totals():
    of = strata(("a",), ("gas",))
    with pytest.raises(ImplausibleCalibration) as refused:
        fitted_factors(problem([total(60, "a", "gas")], of, np.array([10.0])), "ratio", BOUNDS)
    for word in ("zone 'a'", "buildings", "given is 60 tCO2e", "ours is 10 tCO2e", "by 6", "0.2 to 5", "bounds"):
        assert word in str(refused.value)


def test_a_total_of_what_is_not_modelled_is_refused():
    with pytest.raises(ImplausibleCalibration, match="nothing is modelled there"):
        fitted_factors(problem([total(60, "a", "coal")], strata(("a",), ("gas",)), np.array([10.0])), "ratio", BOUNDS)


def test_removals_are_scaled_like_emissions():
    of = strata(("a",), ("biomass",))
    assert fitted_factors(problem([total(-30, "a")], of, np.array([-20.0])), "ratio", BOUNDS)[0] == pytest.approx(1.5)


def test_least_squares_stop_where_the_total_is_no_surer_than_the_model():
    """Model 100 with sd 20, total 140 with sd 20: halfway. With a total that is nearly exact: nearly there."""
    of = strata(("a",), ("gas",))
    covariance = np.array([[0.2**2]])
    for percent, expected in ((100 * 20 * 1.96 / 140, 1.2), (0.01, 1.4)):
        one = problem([total(140, "a", u=percent)], of, np.array([100.0]))
        assert fitted_factors(one, "least_squares", BOUNDS, covariance)[0] == pytest.approx(expected, rel=1e-3)


def test_least_squares_move_most_what_is_least_sure():
    of = strata(("a",), ("gas", "heat"))
    one = problem([total(130, "a", u=0.001)], of, np.array([50.0, 50.0]))
    gas, heat = fitted_factors(one, "least_squares", BOUNDS, np.diag([0.04, 0.01]))
    assert (gas - 1) / (heat - 1) == pytest.approx(4, rel=1e-6)
    assert 50 * gas + 50 * heat == pytest.approx(130, rel=1e-6)


def test_least_squares_need_the_uncertainty_of_totals():
    with pytest.raises(ImplausibleCalibration, match="states none"):
        fitted_factors(
            problem([total(10, "a")], strata(("a",), ("gas",)), np.array([9.0])), "least_squares", BOUNDS, np.eye(1)
        )


def test_a_known_total_leaves_its_own_error_and_none_of_the_shared_one():
    """Two strata of one shared error of 30 %; their sum becomes known to 2 %."""
    of = strata(("a",), ("gas", "heat"))
    one = problem([total(100, "a", u=2 * 1.96)], of, np.array([50.0, 50.0]))
    before = np.full((2, 2), 0.3**2) + np.diag([0.1**2, 0.1**2])
    after = fitted_covariance(one, np.ones(2), before)
    share = np.array([0.5, 0.5])
    assert np.sqrt(share @ before @ share) == pytest.approx(np.hypot(0.3, 0.1 / np.sqrt(2)))
    assert np.sqrt(share @ after @ share) == pytest.approx(0.02, rel=0.01)
    assert np.sqrt(after[0, 0]) == pytest.approx(np.hypot(0.02, 0.1 / np.sqrt(2)), rel=0.01)


def test_a_total_without_uncertainty_narrows_nothing():
    one = problem([total(100, "a")], strata(("a",), ("gas",)), np.array([100.0]))
    assert fitted_covariance(one, np.ones(1), np.eye(1)).tolist() == [[1.0]]


def test_what_is_measured_unsurely_makes_the_rest_unsure():
    """Total 100 +-1 (sd), of which 80 +-4 are measured: the other 20 are known to sqrt(17), and were to 10."""
    of = strata(("a",), ("gas",))
    sure = problem([total(100, "a", u=1.96)], of, np.array([20.0]), [80.0])
    one = Problem(sure.totals, of, sure.measured, sure.seen, sure.under, np.array([16.0]))
    after = fitted_covariance(one, np.ones(1), np.array([[0.25]]))
    assert 20 * np.sqrt(after[0, 0]) == pytest.approx((1 / (1 / 100 + 1 / 17)) ** 0.5)


def test_factors_beyond_a_half_and_two_are_told():
    of = strata(("a", "b"), ("gas",))
    one = problem([total(30, "a"), total(15, "b")], of, np.array([10.0, 10.0]))
    assert [text.split(" was ")[1] for text in unusual(one, fitted_factors(one, "ratio", BOUNDS))] == [
        "multiplied by 3"
    ]
