"""Pages in an order that scatters them over a table: the very rows, and a table is not read again for each page."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from grids import row_blocks
from grids.manifest import CollectionInfo
from grids.recent import Recent
from grids.row_blocks import rows_between
from grids.table_files import TableFile

ROWS, GROUP = 6_000, 200
INFO = CollectionInfo(id="cells", title={"en": "Cells"}, kind="grid", cell_size_m=100, origin_m=(0, 0))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TableFile:
    """A table of thirty row groups, and blocks of 1,000 rows."""
    path = tmp_path / "0123456789abcdef" / "tables" / "cells" / "2023.parquet"
    path.parent.mkdir(parents=True)
    number = np.arange(ROWS)
    columns = {"id": [f"c{k}" for k in number], "row": number // 100, "col": number % 100, "value": number * 1.5}
    pq.write_table(pa.table(columns), path, row_group_size=GROUP)
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", 1_000)
    monkeypatch.setattr(row_blocks, "_BLOCKS", Recent(1_000_000))
    return TableFile(path, INFO)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many row groups were read from the file, read by read."""
    sizes: list[int] = []
    original = TableFile._read

    def watched(file: TableFile, groups: NDArray[Any], columns: list[str]) -> pa.Table:
        sizes.append(len(groups))
        return original(file, groups, columns)

    monkeypatch.setattr(TableFile, "_read", watched)
    return sizes


def order_of(seed: int, count: int = ROWS) -> NDArray[np.int32]:
    return np.random.default_rng(seed).permutation(ROWS)[:count].astype(np.int32)


@pytest.mark.parametrize("columns", [["id", "value"], ["value"], ["col", "id", "row"]])
@pytest.mark.parametrize("count", [ROWS, 3_333])
def test_pages_of_a_walk_are_the_rows_in_their_order(file: TableFile, columns: list[str], count: int) -> None:
    order = order_of(1, count)
    whole = file.take(np.arange(ROWS), columns)
    for size in (37, 400, 1_000, 1_700):
        for first in (0, 1, 963, 999, 1_000, 2_500, count - 20):
            end = min(first + size, count)
            page = rows_between(file, b"walk %d" % count, order, first, end, columns)
            assert page.equals(whole.take(pa.array(order[first:end]))), (size, first)


def test_a_walk_reads_the_table_once_for_many_pages(file: TableFile, read: list[int]) -> None:
    order = order_of(2)
    for first in range(0, 1_000, 100):
        assert len(rows_between(file, b"once", order, first, first + 100, ["id"])) == 100
    assert sum(read) == ROWS // GROUP, "each group once"
    rows_between(file, b"once", order, 950, 1_050, ["id"])
    assert sum(read) == 2 * ROWS // GROUP, "the first page of the next block reads that"


def test_questions_columns_and_places_are_told_apart(file: TableFile) -> None:
    one, other = order_of(3), order_of(4)
    first = rows_between(file, b"one", one, 0, 100, ["id"])
    assert rows_between(file, b"other", other, 0, 100, ["id"])["id"] != first["id"]
    assert rows_between(file, b"one", one, 0, 100, ["value"]).column_names == ["value"]
    assert rows_between(file, b"one", one, 1_000, 1_100, ["id"])["id"] != first["id"]


def test_what_lies_together_is_read_by_itself(file: TableFile, read: list[int]) -> None:
    order = np.arange(ROWS, dtype=np.int32)[::-1].copy()
    page = rows_between(file, b"backwards", order, 0, 100, ["id"])
    assert page["id"].to_pylist() == [f"c{k}" for k in range(ROWS - 1, ROWS - 101, -1)]
    assert sum(read) == 1, "one row group, and no block around it"


def test_who_wants_all_rows_reads_no_group_twice(file: TableFile, read: list[int]) -> None:
    order = order_of(5)
    found = rows_between(file, b"all", order, 0, ROWS, ["value"])
    assert found["value"].to_numpy().tolist() == (order * 1.5).tolist()
    assert sum(read) == ROWS // GROUP


def test_no_rows_are_no_page(file: TableFile) -> None:
    assert len(rows_between(file, b"none", order_of(6), ROWS, ROWS, ["id"])) == 0
