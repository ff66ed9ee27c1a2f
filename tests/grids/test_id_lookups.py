"""Rows by their ids: the very rows, and only the row groups that may hold them are read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h3
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from numpy.typing import NDArray

from grids.edition import CollectionInfo, Edition, EditionWriter, Store
from grids.grid import Grid
from grids.projections import LONLAT, transformer
from grids.selection import taken
from grids.table_files import TableFile
from grids.tables import ROW_GROUP

CRS = "EPSG:5179"
ORIGIN = (700_000, 1_300_000)
SIDE = 200
"""Cells along the edge: ten row groups."""
FIRST = 5_000


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    store = tmp_path_factory.mktemp("lookups")
    row, col = (part.ravel() for part in np.mgrid[FIRST : FIRST + SIDE, FIRST : FIRST + SIDE])
    kept = (row + col) % 7 > 0
    row, col = row[kept], col[kept]
    with EditionWriter(store, "town", "0" * 16, crs=CRS) as writer:
        for name, codes in (("korean", "korea"), ("inspire", "inspire"), ("plain", None)):
            info = CollectionInfo(
                id=name, title={"en": name}, kind="grid", cell_size_m=100, origin_m=ORIGIN, codes=codes
            )
            ids = Grid(CRS, ORIGIN, 100, codes or "korea").codes(row, col)
            if codes is None:
                ids = np.array([f"{a}/{b}" for a, b in zip(row, col, strict=True)])
            writer.write_table(info, 2023, pd.DataFrame({"id": ids, "row": row, "col": col, "area_ha": 1.0}))
        lon, lat = transformer(CRS, LONLAT).transform(1_200_000, 1_800_000)
        hexagons = sorted(h3.grid_disk(h3.latlng_to_cell(lat, lon, 9), 70))
        corners = [np.array(h3.cell_to_boundary(one))[:, ::-1] for one in hexagons]
        shapes = [shapely.Polygon(np.column_stack(transformer(LONLAT, CRS).transform(*one.T))) for one in corners]
        info = CollectionInfo(id="h3-9", title={"en": "Hexagons"}, kind="hexagons", resolution=9)
        writer.write_table(info, 2023, pd.DataFrame({"id": hexagons, "area_ha": 1.0}), geometry=shapes)
        region = {"id": "town", "name": {"en": "Town"}, "languages": ["en"], "crs": CRS, "synthetic": True}
        region |= {"bbox": [126, 34, 130, 38], "years": [2023]}
        code = {"version": "0", "sha256": "0" * 64}
        writer.publish({"region": region, "sectors": [], "illustrative": {}, "code": code})
    return Store(store).open("town")


@dataclass
class Reading:
    """Which row groups of which columns are read."""

    groups: list[int]
    columns: set[str]


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    read, seen = TableFile._read, Reading([], set())

    def watched(file: TableFile, groups: NDArray[Any], columns: list[str]) -> pa.Table:
        seen.groups.extend(groups.tolist())
        seen.columns |= set(columns)
        return read(file, groups, columns)

    monkeypatch.setattr(TableFile, "_read", watched)
    return seen


def ids_of(edition: Edition, collection: str) -> list[str]:
    return list(edition.table(collection, 2023, ["id"])["id"].to_pylist())


COLLECTIONS = ("korean", "inspire", "plain", "h3-9")


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_id_is_found_where_it_stands(edition: Edition, collection: str) -> None:
    ids = ids_of(edition, collection)
    assert len(ids) > 3 * ROW_GROUP
    order = np.random.default_rng(1).permutation(len(ids))
    found = edition.positions(collection, 2023, [ids[k] for k in order])
    np.testing.assert_array_equal(found, order)
    for place in (0, 1, ROW_GROUP - 1, ROW_GROUP, len(ids) - 1):
        page = edition.item(collection, 2023, ids[place])
        assert (page.positions.tolist(), page.rows["id"].to_pylist()) == ([place], [ids[place]])


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_what_is_not_there_is_not_found(edition: Edition, collection: str) -> None:
    ids = ids_of(edition, collection)
    grid = Grid(CRS, ORIGIN, 100, "korea")
    empty = grid.codes([FIRST], [FIRST + 7 - 2 * FIRST % 7])[0]  # a cell within, that holds nothing
    strange = [
        *("", " ", "0", "가", "\U0010ffff", "x" * 5_000, "\x00", f" {ids[5]}", f"{ids[5]}\n"),
        *(
            str(empty),
            "다사6443",
            "다사644437",
            "1kmN2684E4334",
            "CRS5179RES100mN0E0",
            "CRS3035RES100mN1800000E1200000",
        ),
        *("8928308280fffff", "CRS5179RES1000mN1800000E1200000"),
    ]
    assert not set(strange) & set(ids)
    found = edition.positions(collection, 2023, [*strange, ids[-3]])
    assert found.tolist() == [-1] * len(strange) + [len(ids) - 3]


@pytest.mark.parametrize("collection", ["korean", "inspire"])
def test_a_cell_is_read_from_the_groups_around_it(edition: Edition, reading: Reading, collection: str) -> None:
    ids = edition.rows(collection, 2023, np.arange(0, 34_000, 500), ["id"])["id"].to_pylist()
    path, most = edition.folder / "tables" / collection / "2023.parquet", 0
    for item in ids:
        reading.groups.clear()
        TableFile(edition.folder / "tables" / collection / "2023.parquet", edition.collection(collection)).position(
            item
        )
        assert len(reading.groups) >= 1
        most = max(most, len(reading.groups))
    assert pq.read_metadata(path).num_row_groups >= 8
    assert most <= 3, "squares of cells in Z-order have few others about them"


def test_cells_that_are_not_called_by_their_codes_are_found_by_what_they_are_called(tmp_path: Path) -> None:
    row, col = np.array([FIRST, FIRST, FIRST + 1]), np.array([FIRST, FIRST + 1, FIRST])
    codes = Grid(CRS, ORIGIN, 100, "korea").codes(row, col).tolist()
    path = tmp_path / "0123456789abcdef" / "tables" / "grid" / "2023.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"id": [codes[1], codes[0], codes[2]], "row": row, "col": col}), path)
    info = CollectionInfo(id="grid", title={"en": "grid"}, kind="grid", cell_size_m=100, origin_m=ORIGIN, codes="korea")
    assert [TableFile(path, info).position(code) for code in codes] == [1, 0, 2]


def test_other_ids_are_read_from_the_groups_in_whose_range_they_are(edition: Edition, reading: Reading) -> None:
    path = edition.folder / "tables" / "h3-9" / "2023.parquet"
    ids = ids_of(edition, "h3-9")
    reading.columns.clear()
    for place in range(0, len(ids), 997):
        reading.groups.clear()
        assert TableFile(path, edition.collection("h3-9")).position(ids[place]) == place
        assert place // ROW_GROUP in reading.groups
    reading.groups.clear()
    assert TableFile(path, edition.collection("h3-9")).position("zzz") is None
    assert not reading.groups, "beyond every range"
    assert reading.columns == {"id"}


def test_a_table_without_statistics_is_read_to_its_end(tmp_path: Path) -> None:
    ids = [f"{k:05d}" for k in np.random.default_rng(2).permutation(9_000)]
    path = tmp_path / "0123456789abcdef" / "private" / "targets-x.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"id": ids}), path, row_group_size=1_000, write_statistics=False)
    file = TableFile(path, None)
    assert file.positions([ids[8_999], "nothing", ids[0]]).tolist() == [8_999, -1, 0]
    assert file.position("nothing") is None


def test_nothing_of_the_ids_stays_in_memory(edition: Edition) -> None:
    ids = ids_of(edition, "h3-9")
    edition.positions("h3-9", 2023, ids[:10])
    before = pa.total_allocated_bytes()
    assert (edition.positions("h3-9", 2023, ids) >= 0).all()
    assert pa.total_allocated_bytes() - before < 50_000 < sum(map(len, ids))


def test_rows_from_all_over_a_table_are_read_some_groups_at_a_time(
    edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = edition.table("plain", 2023)
    read, sizes = TableFile._read, list[int]()

    def watched(file: TableFile, groups: NDArray[Any], columns: list[str]) -> pa.Table:
        sizes.append(len(groups))
        return read(file, groups, columns)

    monkeypatch.setattr(TableFile, "_read", watched)
    monkeypatch.setattr("grids.table_files._FEW_GROUPS", 2)
    for positions in (np.arange(3, len(whole), 1_009), np.r_[0, np.arange(9_000, len(whole))], np.array([0, 20_000])):
        assert edition.rows("plain", 2023, positions).equals(whole.take(pa.array(positions)))
    order = np.random.default_rng(3).permutation(len(whole))[:500]
    file = TableFile(edition.folder / "tables" / "plain" / "2023.parquet", edition.collection("plain"))
    assert taken(file, order, ["id"]).equals(whole.select(["id"]).take(pa.array(order)))
    assert max(sizes) == 2
