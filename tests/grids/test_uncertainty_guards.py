"""Each rule of uncertainty has a guard that is seen to fail without it: shared errors, and variances by level."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from grids import aggregate
from grids.aggregate import CollectionSums, LayerShares, collection_sums
from grids.nesting import to_coarser
from grids.shares import Shares


def layer(emissions: np.ndarray, shares: csr_array, **other: object) -> LayerShares:
    lines = pd.DataFrame(
        {
            "feature": np.arange(len(emissions), dtype=np.int32),
            "year": np.int16(2023),
            "carrier": "gas",
            "basis": "direct",
            "method": "default",
            "factor_id": "gas",
            "emissions_tco2e": emissions,
            "u_own": 0.5,
            "group": "eui:office",
            "u_group": 0.4,
            "u_factor": 0.05,
            "assumptions": "",
        }
        | other
    )
    return LayerShares("offices", "buildings", shares, lines)


def sums_of(of: LayerShares) -> CollectionSums:
    n = of.shares.shape[0]
    return collection_sums([of], n_targets=n, year=2023, sectors=["buildings"], coverage={"buildings": np.ones(n)})


def added_anew(fine: LayerShares, parents: np.ndarray) -> CollectionSums:
    """As a build does it: shares are added by block, and every level's variances are made of its own shares."""
    shares = to_coarser(parents, int(parents.max()) + 1, Shares(fine.shares, np.zeros(fine.shares.shape[1]))).matrix
    return sums_of(replace(fine, shares=shares))


# --- errors that many share -------------------------------------------------------------------------------------------


def guard_shared_errors() -> None:
    """However many offices: their common intensity may be wrong by 40 %, and so may their sum."""
    emissions = np.full(20_000, 3.0)
    table = sums_of(layer(emissions, csr_array(np.ones((1, len(emissions)))))).table()
    assert table["buildings_sd_tco2e"].iloc[0] >= 0.4 * table["buildings_tco2e"].iloc[0]
    assert table["net_sd_tco2e"].iloc[0] >= 0.4 * table["net_tco2e"].iloc[0]


def test_shared_errors_do_not_average_out():
    guard_shared_errors()


def test_without_loadings_the_guard_of_shared_errors_fails(monkeypatch):
    exact = aggregate._added_lines

    def dropping(*given: object) -> csr_array:
        return csr_array(exact(*given).shape)

    monkeypatch.setattr(aggregate, "_added_lines", dropping)
    with pytest.raises(AssertionError):
        guard_shared_errors()


# --- own errors of what is cut ----------------------------------------------------------------------------------------


def test_a_stand_has_one_error_at_every_level():
    """A stand cut over 100 cells has, in the one cell that holds it whole, the error of the whole.

    What a build does is guarded in tests/carbonmap/test_uncertainty_of_builds.py.
    """
    fine = layer(
        np.array([-100.0]), csr_array(np.full((100, 1), 0.01)), u_own=0.3, u_group=0.2, u_factor=0.0, method="modelled"
    )
    found = added_anew(fine, np.zeros(100, dtype=np.int64)).table()
    assert found["buildings_sd_tco2e"].iloc[0] == pytest.approx(np.hypot(30, 20))
