"""A build makes the variances of every level of that level's own shares; one that adds them up is seen."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from carbonmap import publish
from carbonmap.build import build_region
from carbonmap.progress import Silent
from grids.edition import Store
from grids.shares import Shares


def guard(tiny: Any) -> None:
    """The wood lies in one square kilometre, in 42 cells of it, and in one district: one error, whoever holds it."""
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    edition = Store(tiny.store).open("tiny")
    found = {}
    for collection in ("grid-1km", "district"):
        table = edition.table(collection).to_pandas()
        [row] = table[table["forest_tco2e"].abs() > 0].to_dict("records")
        found[collection] = row
    assert found["grid-1km"]["forest_tco2e"] == pytest.approx(found["district"]["forest_tco2e"], rel=1e-9)
    assert found["district"]["forest_sd_tco2e"] > 0
    assert found["grid-1km"]["forest_sd_tco2e"] == pytest.approx(found["district"]["forest_sd_tco2e"], rel=1e-9)


def test_a_woods_error_is_what_its_three_errors_make_by_hand(tiny: Any) -> None:
    """Its ground is known within 10 %, its growth within 60 % (1.96 sd each), its kind within 5.2 %: squares add."""
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    edition = Store(tiny.store).open("tiny")
    by_hand = math.sqrt((0.10 / 1.96) ** 2 + (0.60 / 1.96) ** 2 + 0.05209530947870227**2)
    for collection in ("grid-1km", "grid-500m", "grid-100m", "h3-8", "district"):
        table = edition.table(collection).to_pandas()
        wooded = table[table["forest_tco2e"].abs() > 0]
        assert len(wooded)
        np.testing.assert_allclose(wooded["forest_sd_tco2e"], wooded["forest_tco2e"].abs() * by_hand, rtol=1e-9)


def by_block(parents: NDArray[np.int64], n_parents: int, shares: Shares) -> Shares:
    """The mistake: a feature's parts in the cells of a block stay apart, so that their variances are added."""
    fine = shares.matrix.tocoo()
    target = parents[fine.coords[0]]
    order = np.lexsort((fine.coords[1], target))
    ends = np.concatenate(([0], np.cumsum(np.bincount(target, minlength=n_parents)))).astype(np.int32)
    columns = fine.coords[1][order].astype(np.int32)
    matrix = csr_array((fine.data[order], columns, ends), shape=(n_parents, shares.n_features))
    matrix.has_canonical_format = True  # else whoever adds up would put them together first
    return Shares(matrix, shares.outside)


def test_a_wood_has_one_error_at_every_level(tiny: Any) -> None:
    guard(tiny)


def test_a_build_that_adds_variances_by_block_is_seen(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "to_coarser", by_block)
    with pytest.raises(AssertionError):
        guard(tiny)
