"""What is kept of row groups is no more than it is counted as, however many of them are read together."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from grids import table_files
from grids.chunks import KeptChunks
from grids.manifest import CollectionInfo
from grids.table_files import TableFile

GROUP, GROUPS = 4_096, 64
INFO = CollectionInfo(id="cells", title={"en": "Cells"}, kind="grid", cell_size_m=100, origin_m=(0, 0))
EVERYWHERE = (-1e9, -1e9, 1e9, 1e9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A grid of a column of row groups, one above the other."""
    path = tmp_path / "0123456789abcdef" / "tables" / "cells" / "2023.parquet"
    path.parent.mkdir(parents=True)
    number = np.arange(GROUP * GROUPS)
    columns = {
        "id": [f"cell-{k:08}" for k in number],
        "row": number // 64,
        "col": number % 64,
        "held": number % 7 == 0,
        "value": number * 1.5,
    }
    pq.write_table(pa.table(columns), path, row_group_size=GROUP)
    return path


def test_columns_kept_hold_the_memory_that_they_are_counted_as(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first group of each read is asked for again and stays; those read with it go, and their memory too."""
    most = 2_000_000
    kept = KeptChunks(most)
    monkeypatch.setattr(table_files, "_KEPT", kept)
    file, names = TableFile(path, INFO), ["id", "row", "col", "held", "value"]
    before = pa.total_allocated_bytes()
    for first in range(0, GROUPS, 16):
        rows = GROUP * np.arange(first, first + 16)
        assert file.take(rows, names)["value"].to_pylist() == (rows * 1.5).tolist()
        for again in range(0, first + 16, 16):
            file.take(np.array([GROUP * again]), names)
        assert pa.total_allocated_bytes() - before < 1.1 * most


def test_groups_read_together_and_alone_are_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["id", "row", "col", "held", "value"]
    monkeypatch.setattr(table_files, "_KEPT", KeptChunks(50_000_000))
    file = TableFile(path, INFO)
    file.take(np.array([5 * GROUP]), names)
    columns = file.columns_meeting(EVERYWHERE, names)
    assert columns.starts[-1] == GROUP * GROUPS
    whole = pq.read_table(path)
    for name in names:
        assert pa.chunked_array([chunk.array for chunk in columns.chunks[name]]).equals(whole[name])
