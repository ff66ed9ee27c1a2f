"""Public receipts of a real build: the demo city's meters, models, roads, stands and land cover."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from carbonmap.build import build_region
from carbonmap.progress import Silent
from carbonmap.synthetic.write import write_city
from grids.edition import Edition, Store
from grids.public_receipt import PublicReceipt
from grids.public_receipts import PublicReceipts

MOST_ROWS = 12


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    write_city(folder, buildings=400, seed=7)
    build_region(folder / "region.yaml", folder, folder / "store", progress=Silent())
    return folder / "store"


def some_receipts(edition: Edition) -> Iterator[tuple[dict[str, Any], PublicReceipt]]:
    """Rows of every table with their receipts; of those with many rows, some held and some shown."""
    read = PublicReceipts(edition)
    for name in edition.collections:
        for year in edition.collection(name).years:
            table = edition.table(name, year)
            held = np.array(table["held"].to_pylist(), dtype=bool)
            full = np.array([bool(value) for value in table["buildings_tco2e"].to_pylist()], dtype=bool)
            chosen = [np.flatnonzero(held)[:MOST_ROWS], np.flatnonzero(~held & full)[:MOST_ROWS]]
            for row in table.take(np.sort(np.concatenate(chosen))).to_pylist():
                yield row, read.receipt(name, row["id"], year)


def test_published_numbers_are_the_sums_of_what_is_told(store: Path) -> None:
    seen = {"held": 0, "closed_together": 0, "parts": 0}
    for row, found in some_receipts(Store(store).open("demo")):
        for sector in found.sectors:
            assert sector.tco2e == row[f"{sector.sector}_tco2e"]
            for carrier in sector.carriers:
                if carrier.tco2e is not None:
                    told = sum(part.tco2e for part in carrier.parts) + (carrier.closed_tco2e or 0.0)
                    size = sum(abs(part.tco2e) for part in carrier.parts) + abs(carrier.tco2e)
                    assert told == pytest.approx(carrier.tco2e, abs=1e-9 * size)
                    seen["parts"] += len(carrier.parts)
                assert (carrier.closed_tco2e is None) == (sector.sector != "buildings" or carrier.tco2e is None)
            if sector.tco2e is not None and sector.carriers:
                carriers = sum(carrier.tco2e or 0.0 for carrier in sector.carriers) + (sector.withheld_tco2e or 0.0)
                assert carriers == pytest.approx(sector.tco2e, rel=1e-9)
            for code in sector.reasons:
                seen[code] = seen.get(code, 0) + 1
    assert min(seen.values()) > 10, seen


def test_they_know_no_closed_meter_and_no_building(store: Path) -> None:
    edition = Store(store).open("demo")
    before = [found for _, found in some_receipts(edition)]
    names = edition.private("features", "register")
    told = repr(before)
    assert not [name for name in pq.read_table(names)["id"].to_pylist() if name in told]
    path = edition.private("lines", "register")
    table = pq.read_table(path)
    kept = pa.array([method != "metered" for method in table["method"].to_pylist()])
    pq.write_table(table.filter(kept), path)
    assert [found for _, found in some_receipts(Store(store).open("demo"))] == before
