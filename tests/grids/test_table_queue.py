"""Tables are written beside what is computed next: in order, the same bytes, and no error is lost."""

import errno
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from grids.background import Background
from grids.parquet import PRIVATE, PUBLIC, Layout, TableWriter
from grids.table_queue import TableQueue


def private_rows(first: int, last: int) -> pa.Table:
    """Rows as private tables have them: places in order, words, numbers that hardly repeat, unknown ones."""
    feature = np.arange(first, last, dtype=np.int32)
    rng = np.random.default_rng(first)
    activity = np.where(feature % 7 == 0, np.nan, rng.uniform(0, 1e6, feature.size))
    return pa.table(
        {
            "id": [f"b{k}" for k in feature],
            "feature": feature,
            "year": pa.array(2020 + feature // 20_000, pa.int16()),
            "carrier": pa.array(np.array(["gas", "oil"])[feature % 2]).dictionary_encode(),
            "use": pa.array(np.array(["office", "flat", "shop"])[feature % 3], pa.large_string()),
            "lines": pa.array(feature.astype(np.int64) * 5_000_000_000),
            "open": feature % 5 == 0,
            "activity": pa.array(activity, from_pandas=True),
            "geometry": pa.array([k.to_bytes(9, "big") for k in feature.tolist()], pa.large_binary()),
        }
    )


def write(path: Path, layout: Layout, *pieces: pa.Table) -> pq.ParquetFile:
    file = TableWriter(path, layout)
    for piece in pieces:
        file.write(piece)
    file.close()
    file.close()
    return pq.ParquetFile(path)


def columns(file: pq.ParquetFile) -> dict[str, Any]:
    group = file.metadata.row_group(0)
    return {group.column(k).path_in_schema: group.column(k) for k in range(group.num_columns)}


@pytest.mark.parametrize("layout", [PUBLIC, PRIVATE])
def test_others_read_what_is_written(tmp_path: Path, layout: Layout) -> None:
    table = private_rows(0, 50_000)
    file = write(tmp_path / "table.parquet", layout, table.slice(0, 30_000), table.slice(30_000))
    assert file.read().equals(table)
    sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
    assert max(sizes) == layout.row_group
    assert sum(sizes[: -(-30_000 // layout.row_group)]) == 30_000  # row groups end with a piece
    known = duckdb.sql(f"select feature, year, carrier, lines, activity from '{tmp_path / 'table.parquet'}'").arrow()
    known = known.read_all() if isinstance(known, pa.RecordBatchReader) else known
    for name in ("feature", "year", "lines", "activity"):
        assert known[name].combine_chunks().equals(table[name].combine_chunks()), name
    assert known["carrier"].cast(pa.string()).to_pylist() == table["carrier"].cast(pa.string()).to_pylist()


def test_a_private_table_says_only_where_rows_are_looked_up(tmp_path: Path) -> None:
    found = columns(write(tmp_path / "private.parquet", PRIVATE, private_rows(0, 20_000)))
    assert {name for name, column in found.items() if column.statistics is not None} == {"feature", "year"}
    public = columns(write(tmp_path / "public.parquet", PUBLIC, private_rows(0, 20_000)))
    assert all(public[name].statistics.has_min_max for name in ("id", "feature", "year", "lines", "activity"))


def test_only_words_are_numbered_by_a_dictionary(tmp_path: Path) -> None:
    for layout in (PUBLIC, PRIVATE):
        found = columns(write(tmp_path / f"{layout.packed}.parquet", layout, private_rows(0, 20_000)))
        numbered = {name for name, column in found.items() if "RLE_DICTIONARY" in column.encodings}
        assert numbered == {"carrier", "use"}
    assert "BYTE_STREAM_SPLIT" in found["activity"].encodings
    assert "DELTA_BINARY_PACKED" in found["feature"].encodings


def test_tasks_are_done_in_order_and_no_more_than_there_is_room_for_wait() -> None:
    gate, done = threading.Event(), list[int]()
    background = Background(2)
    background.add(gate.wait)
    background.add(lambda: done.append(0))
    bringing = threading.Thread(target=lambda: [background.add(lambda k=k: done.append(k)) for k in range(1, 50)])
    bringing.start()
    bringing.join(0.05)
    assert bringing.is_alive()
    assert done == []
    gate.set()
    bringing.join()
    background.finish()
    background.stop()
    assert done == list(range(50))


def test_the_first_error_reaches_everybody_who_comes_later() -> None:
    background = Background(2)
    done: list[int] = []

    def fail() -> None:
        raise OSError(28, "No space left on device")

    background.add(fail)
    with pytest.raises(OSError, match="No space"):
        background.finish()
    for _ in range(5):  # whoever is told leaves no trace behind that keeps the next one waiting
        with pytest.raises(OSError, match="No space"):
            background.add(lambda: done.append(1))
        with pytest.raises(OSError, match="No space"):
            background.add_at_leisure(done.append(step) for step in range(3))
    with pytest.raises(OSError, match="No space"):
        background.finish()
    background.stop()
    assert done == []


def test_what_waits_is_forgotten_when_it_is_stopped() -> None:
    gate, begun, done = threading.Event(), threading.Event(), list[int]()
    background = Background()

    def steps() -> Iterator[None]:
        begun.set()
        gate.wait()
        done.append(0)
        yield
        done.append(1)

    background.add_at_leisure(steps())
    assert begun.wait(30)
    background.add(lambda: done.append(2))
    stopping = threading.Thread(target=background.stop)
    stopping.start()
    while not background._is_stopped:
        stopping.join(0.001)
    gate.set()
    stopping.join()
    assert done == [0]


def test_what_has_time_lets_tasks_go_first() -> None:
    gate, done = threading.Event(), list[str]()
    background = Background(3)

    def steps() -> Iterator[None]:
        for number in range(3):
            done.append(f"step {number}")
            if not number:
                gate.wait()
            yield

    background.add_at_leisure(steps())
    background.add_at_leisure(done.append("later") for _ in range(1))
    while not done:
        gate.wait(0.001)
    background.add(lambda: done.append("task 0"))
    background.add(lambda: done.append("task 1"))
    gate.set()
    background.finish()
    background.stop()
    assert done == ["step 0", "task 0", "task 1", "step 1", "step 2", "later"]


def test_a_queue_writes_the_same_bytes_as_waiting_for_each_table(tmp_path: Path) -> None:
    queue = TableQueue()
    pieces = [private_rows(0, 30_000), private_rows(30_000, 31_000)]
    ended: list[int] = []
    file = queue.begin(tmp_path / "deep" / "one.parquet", PUBLIC)
    queue.put_at_leisure(tmp_path / "two.parquet", PRIVATE, iter(pieces))
    queue.put(tmp_path / "three.parquet", PRIVATE, pieces[0])
    for piece in pieces:
        queue.add(file, piece)
    queue.end(file, lambda: ended.append(file.path.stat().st_size))
    queue.finish()
    queue.stop()
    for name, layout, of in (("deep/one", PUBLIC, pieces), ("two", PRIVATE, pieces), ("three", PRIVATE, pieces[:1])):
        write(tmp_path / "other.parquet", layout, *of)
        assert (tmp_path / f"{name}.parquet").read_bytes() == (tmp_path / "other.parquet").read_bytes()
    assert ended == [(tmp_path / "deep" / "one.parquet").stat().st_size]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "full.parquet").symlink_to("/dev/full")
    queue = TableQueue()
    queue.put_at_leisure(tmp_path / "full.parquet", PRIVATE, (private_rows(k, k + 50_000) for k in range(9)))
    with pytest.raises(OSError, match="No space left on device") as told:
        queue.finish()
    assert told.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="No space left on device"):
        queue.put(tmp_path / "other.parquet", PRIVATE, private_rows(0, 10))
    queue.stop()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", [TableQueue.finish, TableQueue.stop])
def test_a_table_that_was_never_ended_is_removed(tmp_path: Path, end: Callable[[TableQueue], None]) -> None:
    queue = TableQueue()
    whole, half = (queue.begin(tmp_path / name, PUBLIC) for name in ("whole.parquet", "half.parquet"))
    ended = threading.Event()
    queue.add(whole, private_rows(0, 10))
    queue.add(half, private_rows(0, 10))
    queue.end(whole, ended.set)
    assert ended.wait(30)
    end(queue)
    queue.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["whole.parquet"]


def test_what_pieces_cannot_be_made_of_is_told_at_the_latest_in_the_end(tmp_path: Path) -> None:
    def pieces() -> Iterator[pa.Table]:
        yield private_rows(0, 10)
        raise ValueError("a piece is missing")

    queue = TableQueue()
    queue.put_at_leisure(tmp_path / "table.parquet", PRIVATE, pieces())
    with pytest.raises(ValueError, match="a piece is missing"):
        queue.finish()
    queue.stop()
    assert list(tmp_path.iterdir()) == []
