"""The conservation check: true where nothing is lost, red where something is."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from grids.aggregate import LayerShares, collection_sums
from grids.conservation import TOLERANCE, Balance, NotConserved, Residuals, collection_residuals, column_totals
from grids.errors import GridError

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # machines may be busy
KEY = ("stock", "buildings", "gas", "direct", 2023)


def layer(emissions, shares, name: str = "stock", years=2023) -> LayerShares:
    n = len(emissions)
    lines = pd.DataFrame(
        {
            "feature": np.arange(n, dtype=np.int32),
            "year": np.broadcast_to(np.asarray(years, dtype=np.int16), n),
            "carrier": "gas",
            "basis": "direct",
            "method": "modelled",
            "factor_id": "gas_factor",
            "emissions_tco2e": np.asarray(emissions, dtype=np.float64),
            "u_own": 0.1,
            "group": "",
            "u_group": np.nan,
            "u_factor": 0.1,
            "assumptions": "",
        }
    )
    return LayerShares(name, "buildings", csr_array(np.asarray(shares, dtype=np.float64)), lines)


# Three houses: one whole in the first cell, one cut by the border of the domain, one partly in no zone.
SHARES = np.array([[1.0, 0.5, 0.0], [0.0, 0.0, 0.75]])
OUTSIDE_DOMAIN = np.array([0.0, 0.5, 0.0])
OUTSIDE_ZONES = np.array([0.0, 0.0, 0.25])


def test_three_houses_written_out():
    residuals = collection_residuals("zones", [(layer([8.0, 4.0, -2.0], SHARES), OUTSIDE_DOMAIN, OUTSIDE_ZONES)])
    balance = residuals.balances[KEY]
    assert (balance.features, balance.features_absolute) == (10.0, 14.0)
    assert (balance.targets, balance.outside_domain, balance.outside_collection) == (8.5, 2.0, -0.5)
    assert residuals.worst == 0.0
    residuals.refuse_if_lost()
    assert json.loads(json.dumps(residuals.to_json())) == [
        {"layer": "stock", "sector": "buildings", "carrier": "gas", "basis": "direct", "year": 2023, "residual": 0.0}
    ]


def test_totals_outside_stay_out_of_the_manifest():
    """One house outside the domain would be told by them."""
    residuals = collection_residuals("zones", [(layer([8.0, 4.0, 2.0], SHARES), OUTSIDE_DOMAIN, OUTSIDE_ZONES)])
    assert set(residuals.to_json()[0]) == {"layer", "sector", "carrier", "basis", "year", "residual"}


def test_a_lost_millionth_is_refused_and_named():
    lost = OUTSIDE_ZONES - np.array([0.0, 0.0, 1e-6])
    residuals = collection_residuals("zones", [(layer([8.0, 4.0, 2.0], SHARES), OUTSIDE_DOMAIN, lost)])
    assert residuals.worst == pytest.approx(2e-6 / 14)
    with pytest.raises(
        NotConserved, match=r"'zones' does not conserve.*1 of 1 sums.*stock \(buildings, gas direct, 2023\)"
    ):
        residuals.refuse_if_lost()


def test_features_that_cancel_in_every_sum_are_found_one_by_one():
    """What one house lacks, its equal has too much of: the sums are right, and two shares are wrong."""
    shares = np.array([[1.0 - 1e-6, 0.5 + 1e-6, 0.0], [0.0, 0.0, 0.75]])
    residuals = collection_residuals("zones", [(layer([8.0, 8.0, 2.0], shares), OUTSIDE_DOMAIN, OUTSIDE_ZONES)])
    assert residuals.worst < 1e-15
    assert residuals.closure == {"stock": pytest.approx(1e-6, rel=1e-6)}
    with pytest.raises(NotConserved, match=r"'zones': the shares of some feature .* stock \(1e-06\)"):
        residuals.refuse_if_lost()
    exact = collection_residuals("zones", [(layer([8.0, 8.0, 2.0], SHARES), OUTSIDE_DOMAIN, OUTSIDE_ZONES)])
    assert exact.closure == {"stock": 0.0}
    assert (exact + residuals).closure == (exact + residuals).against([]).closure == residuals.closure
    unknown = OUTSIDE_DOMAIN + np.array([0, np.nan, 0])
    with pytest.raises(NotConserved):
        collection_residuals("zones", [(layer([8.0, 0.0, 2.0], SHARES), unknown, OUTSIDE_ZONES)]).refuse_if_lost()


def test_gains_and_losses_that_cancel_in_net_are_found_by_year():
    shares = np.array([[1.1 / 2, 0.9 / 2], [1.1 / 2, 0.9 / 2]])
    years = collection_residuals("g", [(layer([5.0, 5.0], shares, years=[2022, 2023]), np.zeros(2), np.zeros(2))])
    assert {key[-1]: round(balance.residual, 9) for key, balance in years.balances.items()} == {2022: 0.1, 2023: 0.1}


def test_sums_that_drop_a_target_are_refused():
    """The shares are right, but the sums that tables are made of lost a cell."""
    built = layer([8.0, 4.0, 2.0], SHARES)
    sums = collection_sums([built], n_targets=2, year=2023, sectors=["buildings"], coverage={"buildings": np.ones(2)})
    entry = [(built, OUTSIDE_DOMAIN, OUTSIDE_ZONES)]
    assert collection_residuals("zones", entry).against([column_totals(sums)]).worst == 0.0
    sums.sectors["buildings"].values[1] = 0.0
    broken = collection_residuals("zones", entry).against([column_totals(sums)])
    assert broken.balances["*", *KEY[1:]].residual == pytest.approx(1.5 / 14)
    with pytest.raises(NotConserved, match=r"\* \(buildings"):
        broken.refuse_if_lost()


def test_something_from_nothing_is_infinitely_wrong():
    made = Residuals("grid-1km", {KEY: Balance(0.0, 0.0, 1.0, 0.0, 0.0)})
    assert made.worst == float("inf")
    with pytest.raises(NotConserved):
        made.refuse_if_lost()
    assert Balance(0.0, 0.0, 0.0, 0.0, 0.0).residual == 0.0
    assert Balance(1.0, 1.0, float("nan"), 0.0, 0.0).residual == float("inf")


def test_no_layers_no_residual():
    residuals = collection_residuals("grid-1km", [])
    assert residuals.worst == 0.0
    residuals.refuse_if_lost()


def test_outside_of_other_features_is_refused():
    with pytest.raises(GridError, match="expected is the same number"):
        collection_residuals("zones", [(layer([1.0], [[1.0]]), np.zeros(2), np.zeros(1))])


@settings(PATIENT, max_examples=50)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), *[st.floats(0.01, 1.0)] * 5), min_size=1, max_size=20))
def test_shares_of_a_whole_always_conserve(features):
    table = np.array(features)
    parts = table[:, 1:] / table[:, 1:].sum(axis=1, keepdims=True)
    residuals = collection_residuals("grid", [(layer(table[:, 0], parts[:, :3].T), parts[:, 3], parts[:, 4])])
    assert residuals.worst < TOLERANCE
