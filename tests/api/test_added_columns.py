"""Columns that are added, whole or by shares: the sum in any order of them, and each column read once."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from api.measures import measured, terms_of
from api.params import Opened
from grids.edition import Edition, Store

TERMS = (
    "buildings_tco2e*buildings_metered_share",
    "transport_tco2e",
    "buildings_tco2e",
    "buildings_tco2e*buildings_modelled_share",
)


@pytest.mark.parametrize("column", [",".join(TERMS), ",".join(reversed(TERMS))])
def test_the_sum_is_that_of_its_terms_and_no_column_is_read_for_each(
    small_store: Path, monkeypatch: pytest.MonkeyPatch, column: str
) -> None:
    opened = Opened(Store(small_store).open("town"), True)
    collection = opened.edition.collection("grid-1km")
    rows = opened.edition.table("grid-1km", 2023)
    whole, metered, modelled, transport = (
        rows[name].to_numpy()
        for name in ("buildings_tco2e", "buildings_metered_share", "buildings_modelled_share", "transport_tco2e")
    )
    expected = whole * (1 + np.nan_to_num(metered) + np.nan_to_num(modelled)) + transport
    assert np.isfinite(expected).any()
    read: list[str] = []
    original = Edition.table

    def table(edition: Edition, name: str, year: int | None = None, columns: list[str] | None = None) -> pa.Table:
        read.extend(columns or ())
        return original(edition, name, year, columns)

    monkeypatch.setattr(Edition, "table", table)
    found = measured(opened, collection, 2023, terms_of(collection, column, "t"), "t")
    np.testing.assert_allclose(found, expected)
    assert sorted(read) == [
        "buildings_metered_share", "buildings_modelled_share", "buildings_tco2e", "transport_tco2e"
    ]  # fmt: skip
