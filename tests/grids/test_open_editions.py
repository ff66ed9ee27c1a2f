"""What a store keeps of open editions is bounded in bytes, and counted as what it takes."""

import gc
import json
import shutil
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from grids import edition as edition_module
from grids.edition import Edition, Store
from grids.gazetteer import Gazetteer, gazetteer_of
from grids.manifest import manifest_bytes, read_manifest
from grids.public_receipts import public_receipts_of
from grids.recent import Recent, while_it_lives
from grids.table_files import TableFile

EDITIONS = 40


@pytest.fixture
def many(small_edition: Edition, tmp_path: Path) -> Path:
    """A store with many whole editions of one region, and none of them read yet."""
    region = tmp_path / "store" / "town"
    for number in range(EDITIONS):
        folder = region / f"{number:016x}"
        shutil.copytree(small_edition.folder, folder)
        manifest = folder / "manifest.json"
        manifest.write_text(manifest.read_text("utf-8").replace(small_edition.id, folder.name), "utf-8")
    (region / "current").write_text(f"{0:016x}")
    return tmp_path / "store"


def tables_in_memory() -> int:
    gc.collect()
    return sum(isinstance(one, TableFile) for one in gc.get_objects())


def test_tables_and_names_of_many_editions_take_no_more_than_said(many: Path) -> None:
    """Who asks one edition after the other makes no server grow, and each is answered as if it were the only one."""
    whole = Store(many)
    served = whole.open("town")
    cells = served.table("grid-100m")
    zones, _ = gazetteer_of(served).named("west", 9)
    most = 2 * whole.indexes.nbytes
    before = tables_in_memory()
    store = Store(many, most)
    for number in range(EDITIONS):
        edition = store.open("town", f"{number:016x}")
        assert edition.table("grid-100m").equals(cells)
        assert edition.page("municipality").matched == served.page("municipality").matched
        assert gazetteer_of(edition).named("west", 9)[0] == zones
        public_receipts_of(edition).receipt("grid-1km", served.table("grid-1km")["id"][0].as_py())
        assert store.indexes.nbytes <= most
    del edition
    assert tables_in_memory() - before <= len(store.indexes), "no table stays for the sake of rows that are kept"
    assert store.open("town", f"{0:016x}").table("grid-100m").equals(cells)


def test_one_table_is_kept_however_large_it_is(many: Path) -> None:
    store = Store(many, 1)
    edition = store.open("town")
    assert edition.item("grid-100m", None, edition.table("grid-100m")["id"][0].as_py()).matched == 1
    assert len(store.indexes) == 1
    kept = edition._file(edition.collection("grid-100m"), edition.year("grid-100m", None))
    assert edition._file(edition.collection("grid-100m"), edition.year("grid-100m", None)) is kept


def test_who_has_an_edition_goes_on_with_it_when_the_store_let_it_go(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edition_module, "_EDITIONS_KEPT", 2)
    store = Store(many, 1)
    mine = store.open("town", f"{EDITIONS - 1:016x}")
    first = mine.page("grid-100m", limit=10)
    for number in range(5):
        store.open("town", f"{number:016x}").table("grid-1km")
    assert store.open("town", mine.id) is not mine
    assert mine.page("grid-100m", limit=10).rows.equals(first.rows)
    assert gazetteer_of(mine).named("west", 9)[0]


def test_manifests_take_no_more_than_said_whether_they_are_served_or_not(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a store of many regions too, all of whose editions are served, only so many bytes are kept."""
    for number in range(1, 10):
        folder = many / f"town{number}" / f"{number:016x}"
        shutil.copytree(many / "town" / f"{number:016x}", folder)
        manifest = folder / "manifest.json"
        document = json.loads(manifest.read_text("utf-8"))
        document["region"]["id"] = f"town{number}"
        manifest.write_text(json.dumps(document), "utf-8")
        (folder.parent / "current").write_text(folder.name)
    store = Store(many)
    one = store.open("town").nbytes
    monkeypatch.setattr(edition_module, "_MANIFEST_BYTES", 4 * one)
    for number in range(1, 10):
        opened = store.open(f"town{number}")
        assert store.open(f"town{number}") is opened
        assert 1 <= len(store._editions) <= 4
        store.open("town", f"{number:016x}")  # nobody is served that: it is the first to go
    assert ("town9", f"{9:016x}") in store._editions
    for number in range(EDITIONS):
        assert store.manifest("town", f"{number:016x}").edition == f"{number:016x}"
        assert len(store._manifests) <= 4


def test_a_table_is_opened_once_however_many_ask_for_it(many: Path) -> None:
    edition, opened, together = Store(many).open("town"), [], threading.Barrier(8)

    def made() -> np.ndarray:
        opened.append(threading.get_ident())
        return np.zeros(3)

    def ask(_: int) -> int:
        together.wait(30)
        return id(edition.index("numbers", made))

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1
    assert len(opened) == 1


def test_what_is_remembered_of_an_object_goes_with_it() -> None:
    asked: list[int] = []

    @while_it_lives
    def doubled(of: Recent[np.ndarray], number: int) -> int:
        asked.append(number)
        return 2 * number

    one: Recent[np.ndarray] = Recent()
    assert [doubled(one, 2), doubled(one, 2), doubled(one, 3)] == [4, 4, 6]
    assert asked == [2, 3]
    del one
    assert doubled(Recent(), 2) == 4
    assert asked == [2, 3, 2]


_OPENED = """
import sys
from pathlib import Path
import numpy as np, psutil, pyarrow as pa, pyarrow.parquet as pq
from grids.manifest import CollectionInfo
from grids.table_files import TableFile
path = Path(sys.argv[1])
rows = 2 * 800
columns = {"id": [f"cell-{k:08}" for k in range(rows)], "row": np.arange(rows), "col": np.arange(rows)}
columns |= {f"buildings_electricity_{k}_tco2e": np.arange(rows) * 1.5 for k in range(37)}
pq.write_table(pa.table(columns), path, row_group_size=2)
info = CollectionInfo(id="cells", title={"en": "Cells"}, kind="grid", cell_size_m=100, origin_m=(0, 0))
TableFile(path, info).position("cell-00000000")
mine = psutil.Process().memory_info
before = mine().rss
files = [TableFile(path, info) for _ in range(4)]
for file in files:
    file.group_bounds, file._id_ranges
print(sum(file.nbytes for file in files), mine().rss - before)
"""


@pytest.mark.slow
def test_footers_are_counted_as_what_they_take(tmp_path: Path, project: Path) -> None:
    path = tmp_path / "0123456789abcdef" / "tables" / "cells" / "2023.parquet"
    path.parent.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-c", _OPENED, str(path)], capture_output=True, text=True, check=True, cwd=project
    )
    counted, held = map(int, done.stdout.split())
    assert 0.5 < counted / held < 2, (counted, held)


def traced(make: Callable[[], object]) -> int:
    """Bytes that Python holds for what is made."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        made = make()
        return tracemalloc.get_traced_memory()[0] - before + 0 * id(made)
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_manifests_and_names_are_counted_as_what_they_take(small_edition: Edition, tmp_path: Path) -> None:
    folder = tmp_path / "town" / small_edition.id
    folder.mkdir(parents=True)
    document = json.loads((small_edition.folder / "manifest.json").read_text("utf-8"))
    factors = document["factors"] or [{"id": "x", "value": 1.0, "unit": "kg/kWh", "note": "made up"}]
    document["factors"] = [{**factors[k % len(factors)], "id": f"factor-{k}"} for k in range(3000)]
    (folder / "manifest.json").write_text(json.dumps(document), "utf-8")
    read_manifest(folder)
    assert 0.4 < manifest_bytes(folder) / traced(lambda: read_manifest(folder)) < 2.5

    class Zones(Edition):
        def table(self, collection: str, year: int | None = None, columns: list[str] | None = None):  # type: ignore[no-untyped-def]
            rows = super().table(collection, year, columns)
            return rows.take(np.arange(20_000) % len(rows))

    edition = Zones(small_edition.folder)
    gazetteer_of(edition)
    names = Gazetteer(edition)
    assert 0.4 < names.nbytes / traced(lambda: Gazetteer(edition)) < 2.5
