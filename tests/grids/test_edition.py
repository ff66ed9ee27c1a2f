"""The edition on disk: whole or not there, the same bytes for the same frames, only needed row groups read."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import Transformer

from grids import edition as edition_module
from grids.edition import (
    CollectionInfo,
    Edition,
    EditionWriter,
    Manifest,
    Store,
    code_digest,
    edition_id,
    file_digest,
)
from grids.history import kept_editions
from grids.locks import ProcessLock
from grids.selection import Selection
from grids.store_errors import (
    BuildLocked,
    CollectionNotFound,
    ColumnNotFound,
    EditionBroken,
    EditionError,
    EditionNotFound,
    InvalidName,
    InvalidTable,
    ItemNotFound,
    RegionNotFound,
    StoreLost,
    YearNotFound,
)

CRS = "EPSG:5179"
FIRST, SECOND = "00000000000000aa", "00000000000000bb"
GRID = CollectionInfo(id="grid-100m", title={"en": "100 m"}, kind="grid", cell_size_m=100, origin_m=(0, 0))
ZONES = CollectionInfo(id="sigungu", title={"ko": "시군구"}, kind="zones")


def cells(side: int, seed: int = 0) -> pd.DataFrame:
    """side x side cells near Seoul, in row order, with a null here and there."""
    row, col = (part.ravel() for part in np.meshgrid(np.arange(side), np.arange(side), indexing="ij"))
    values = np.random.default_rng(seed).normal(size=side * side)
    values[::5] = np.nan
    ids = [f"cell-{r}-{c}" for r, c in zip(row, col, strict=True)]
    return pd.DataFrame({"id": ids, "row": row + 19_500, "col": col + 9_500, "area_ha": 1.0, "net_tco2e": values})


def zones() -> tuple[pd.DataFrame, list[Any]]:
    shapes = [shapely.box(950_000 + 1000 * k, 1_950_000, 951_000 + 1000 * k, 1_953_000) for k in range(4)]
    shapes[3] = shapely.union(shapes[3], shapely.box(960_000, 1_950_000, 961_000, 1_951_000))
    ids = ["나", "가", "라", "다"]
    return pd.DataFrame({"id": ids, "name_ko": ids, "parent_id": None, "net_tco2e": [1.0, 2.0, None, -4.0]}), shapes


def manifest(**changes: Any) -> dict[str, Any]:
    region = {
        "id": "town",
        "name": {"en": "Town"},
        "languages": ["en"],
        "crs": CRS,
        "bbox": [126.9, 37.5, 127.1, 37.6],
        "synthetic": True,
        "years": [2023],
    }
    document = {"region": region, "sectors": ["forest"], "illustrative": {"forest": False}}
    return {**document, "code": {"version": "1", "sha256": "0" * 64}, **changes}


def publish(store: Path, edition: str = FIRST, side: int = 8, seed: int = 0) -> Edition:
    with EditionWriter(store, "town", edition, crs=CRS) as writer:
        writer.write_table(GRID, 2023, cells(side, seed))
        frame, shapes = zones()
        writer.write_table(ZONES, 2023, frame, geometry=shapes)
        writer.write_context("places", gpd.GeoDataFrame({"name": ["Han"]}, geometry=shapes[:1], crs=CRS))
        writer.publish(manifest())
    return Store(store).open("town", edition)


def test_a_store_that_never_was_is_told_with_where_the_demo_puts_its_own(tmp_path: Path) -> None:
    with pytest.raises(StoreLost, match=r"there is no store at .*nothing: .*--store .*carbonmap-demo/store"):
        Store(tmp_path / "nothing").regions()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreLost, match="cannot be read"):
        Store(tmp_path / "file").regions()


def test_a_published_edition_is_served_with_every_value_as_written(tmp_path: Path) -> None:
    edition = publish(tmp_path)
    assert Store(tmp_path).regions() == ["town"]
    read = edition.table("grid-100m", 2023).to_pandas().sort_values(["row", "col"], ignore_index=True)
    written = cells(8)
    assert read["id"].tolist() == written["id"].tolist()
    np.testing.assert_array_equal(read["net_tco2e"], written["net_tco2e"])
    assert read["year"].unique().tolist() == [2023]
    assert (tmp_path / "town" / "current").read_text() == f"{FIRST}\n"
    assert sorted(path.name for path in (tmp_path / ".incoming").iterdir()) == ["town.lock"]


def test_types_are_fixed_and_unknown_is_null(tmp_path: Path) -> None:
    table = publish(tmp_path).table("grid-100m")
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds == {
        "id": "string",
        "row": "int32",
        "col": "int32",
        "year": "int16",
        "area_ha": "double",
        "net_tco2e": "double",
    }
    assert table["net_tco2e"].null_count == 13  # every fifth of 64
    assert not table.schema.metadata


def test_cells_lie_on_the_z_curve(tmp_path: Path) -> None:
    table = publish(tmp_path).table("grid-100m")
    rows, cols = table["row"].to_numpy(), table["col"].to_numpy()
    # 19,500 and 9,500 are multiples of 4: blocks of 4 x 4 cells stand together, each begun by its lower left 2 x 2.
    for block in range(4):
        part = slice(16 * block, 16 * block + 16)
        assert np.ptp(rows[part]) == np.ptp(cols[part]) == 3
    assert list(zip(rows[:4] - 19_500, cols[:4] - 9_500, strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize("table", ["grid-100m/2023", "sigungu/2023"])
def test_equal_frames_in_any_order_give_equal_bytes(tmp_path: Path, table: str) -> None:
    publish(tmp_path / "a")
    with EditionWriter(tmp_path / "b", "town", SECOND, crs=CRS) as writer:
        writer.write_table(GRID, 2023, cells(8).sample(frac=1, random_state=3).astype({"id": object}))
        frame, shapes = zones()
        writer.write_table(ZONES, 2023, frame[::-1].set_index("name_ko", drop=False), geometry=shapes[::-1])
        writer.publish(manifest())
    first, second = (tmp_path / side for side in (f"a/town/{FIRST}", f"b/town/{SECOND}"))
    assert (first / f"tables/{table}.parquet").read_bytes() == (second / f"tables/{table}.parquet").read_bytes()


def test_an_edition_written_twice_is_the_same_to_the_byte(tmp_path: Path) -> None:
    publish(tmp_path / "a")
    publish(tmp_path / "b")
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a" / "town").rglob("*") if path.is_file())
    assert len(files) == 5
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_zones_are_geoparquet_that_others_read(tmp_path: Path) -> None:
    edition = publish(tmp_path)
    path = edition.folder / "tables" / "sigungu" / "2023.parquet"
    read = gpd.read_parquet(path)
    assert read.crs.to_epsg() == 5179
    frame, shapes = zones()
    for identity, shape in zip(frame["id"], shapes, strict=True):
        assert shapely.equals(read.set_index("id").geometry[identity], shape)
    assert gpd.read_parquet(path, bbox=(950_100, 1_950_100, 950_200, 1_950_200))["id"].tolist() == ["나"]
    geo = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert geo["columns"]["geometry"]["geometry_types"] == ["MultiPolygon", "Polygon"]
    assert geo["columns"]["geometry"]["bbox"] == [950_000.0, 1_950_000.0, 961_000.0, 1_953_000.0]


def lonlat_cells(edition: Edition) -> tuple[list[str], Any]:
    """Ids and lon/lat polygons of all cells, made without the code under test."""
    table = edition.table("grid-100m").to_pandas()
    move = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    shapes = []
    for row, col in zip(table["row"], table["col"], strict=True):
        corners = [(col, row), (col + 1, row), (col + 1, row + 1), (col, row + 1)]
        shapes.append(shapely.Polygon([move.transform(100 * x, 100 * y) for x, y in corners]))
    return table["id"].tolist(), np.array(shapes)


def test_a_bbox_finds_exactly_the_cells_that_meet_it(tmp_path: Path) -> None:
    edition = publish(tmp_path, side=24)
    ids, shapes = lonlat_cells(edition)
    west, south, east, north = shapely.total_bounds(shapes)
    random = np.random.default_rng(1)
    for _ in range(25):
        xs, ys = (
            np.sort(random.uniform(west - 0.002, east + 0.002, 2)),
            np.sort(random.uniform(south - 0.002, north + 0.002, 2)),
        )
        box = (float(xs[0]), float(ys[0]), float(xs[1]), float(ys[1]))
        expected = [
            name for name, meets in zip(ids, shapely.intersects(shapes, shapely.box(*box)), strict=True) if meets
        ]
        page = edition.page("grid-100m", asked=Selection(box))
        assert page.rows["id"].to_pylist() == expected
        assert page.matched == len(expected)


def test_a_point_and_the_whole_world_are_boxes_too(tmp_path: Path) -> None:
    edition = publish(tmp_path)
    _, shapes = lonlat_cells(edition)
    middle = shapes[10].centroid
    assert edition.page("grid-100m", asked=Selection((middle.x, middle.y, middle.x, middle.y))).matched == 1
    assert edition.page("grid-100m", asked=Selection((-180, -90, 180, 90))).matched == 64
    assert edition.page("sigungu", asked=Selection((-180, -90, 180, 90))).matched == 4
    assert edition.page("grid-100m", asked=Selection((9, 47, 10, 48))).matched == 0


def test_a_bbox_reads_only_its_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edition = publish(tmp_path, side=160)  # 25,600 cells: 7 row groups
    file = pq.ParquetFile(edition.folder / "tables" / "grid-100m" / "2023.parquet")
    assert file.metadata.num_row_groups == 7
    read: list[int] = []
    original: Callable[..., Any] = pq.ParquetFile.read_row_groups

    def spy(self: pq.ParquetFile, groups: list[int], **options: Any) -> Any:
        read.extend(groups)
        return original(self, groups, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", spy)
    move = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    west, south = move.transform(950_150, 1_950_150)
    east, north = move.transform(950_850, 1_950_850)
    assert edition.page("grid-100m", asked=Selection((west, south, east, north))).matched == 64
    assert set(read) == {0}
    read.clear()
    assert edition.page("grid-100m", columns=["net_tco2e"], offset=20_600, limit=10).rows.num_rows == 10
    assert len(set(read)) == 1


def test_pages_follow_each_other_without_gap_or_double(tmp_path: Path) -> None:
    edition = publish(tmp_path, side=100)
    ids = edition.table("grid-100m", columns=["id"])["id"].to_pylist()
    walked = [
        name
        for start in range(0, 10_100, 777)
        for name in edition.page("grid-100m", offset=start, limit=777).rows["id"].to_pylist()
    ]
    assert walked == ids
    assert len(set(ids)) == 10_000


def test_columns_come_in_the_order_asked_for(tmp_path: Path) -> None:
    edition = publish(tmp_path)
    assert edition.table("grid-100m", columns=["net_tco2e", "id"]).column_names == ["net_tco2e", "id"]
    assert edition.table("sigungu", columns=["id"]).column_names == ["id", "geometry"]


def test_cells_south_and_west_of_the_origin(tmp_path: Path) -> None:
    info = CollectionInfo(
        id="grid-100m", title={"en": "100 m"}, kind="grid", cell_size_m=100, origin_m=(950_000, 1_950_000)
    )
    frame = pd.DataFrame({"id": ["sw", "ne", "nw"], "row": [-1, 0, 0], "col": [-2, 0, -1]})
    with EditionWriter(tmp_path, "town", FIRST, crs=CRS) as writer:
        writer.write_table(info, 2023, frame)
        writer.publish(manifest())
    edition = Store(tmp_path).open("town")
    rows = edition.table("grid-100m")
    boxes = dict(zip(rows["id"].to_pylist(), edition.polygons("grid-100m", rows), strict=True))
    assert boxes["sw"].equals(shapely.box(949_800, 1_949_900, 949_900, 1_950_000))
    assert boxes["nw"].equals(shapely.box(949_900, 1_950_000, 950_000, 1_950_100))
    assert boxes["ne"].equals(shapely.box(950_000, 1_950_000, 950_100, 1_950_100))
    assert edition.page("grid-100m", asked=Selection((-180, -90, 180, 90))).matched == 3


def test_one_item(tmp_path: Path) -> None:
    edition = publish(tmp_path)
    page = edition.item("sigungu", None, "다")
    assert page.rows["net_tco2e"].to_pylist() == [-4.0]
    with pytest.raises(ItemNotFound, match=r"'sigungu'.*no item '마' in 2023"):
        edition.item("sigungu", 2023, "마")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    edition, store = publish(tmp_path), Store(tmp_path)
    with pytest.raises(CollectionNotFound, match=r"no collection 'sido'; it has grid-100m, sigungu"):
        edition.table("sido")
    with pytest.raises(YearNotFound, match=r"no year 1999; it has 2023"):
        edition.table("sigungu", 1999)
    with pytest.raises(ColumnNotFound, match=r"no column 'secret'"):
        edition.table("grid-100m", columns=["secret"])
    with pytest.raises(ColumnNotFound, match=r"no column 'geometry'"):
        edition.table("sigungu", columns=["geometry"])
    with pytest.raises(CollectionNotFound, match=r"no context 'water'"):
        edition.context("water", (0, 0, 1, 1))
    with pytest.raises(RegionNotFound, match=r"no region 'nowhere'; it has town"):
        store.open("nowhere")
    with pytest.raises(EditionNotFound, match="has no edition 00000000000000bb"):
        store.open("town", SECOND)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../town",
        "town/..",
        "/etc",
        "Town",
        "a b",
        "도시",
        "a\0b",
        "con",
        "-a",
        "a" * 65,
        "a\\b",
        ".incoming",
    ],
)
def test_names_never_leave_the_store(tmp_path: Path, name: str) -> None:
    edition, store = publish(tmp_path), Store(tmp_path)
    for use in (
        lambda: store.open(name),
        lambda: store.current(name),
        lambda: edition.collection(name),
        lambda: edition.private("lines", name),
        lambda: EditionWriter(tmp_path, name, FIRST, crs=CRS),
    ):
        with pytest.raises(InvalidName, match="cannot be used"):
            use()


@pytest.mark.parametrize("edition", ["", "..", "../../etc/passwd", "00000000000000AA", "0" * 15, "0" * 17, "current"])
def test_edition_ids_are_hexadecimal(tmp_path: Path, edition: str) -> None:
    publish(tmp_path)
    with pytest.raises(InvalidName, match="16 digits"):
        Store(tmp_path).open("town", edition)
    with pytest.raises(InvalidName, match="16 digits"):
        EditionWriter(tmp_path, "town", edition, crs=CRS)


def test_words_of_the_api_are_no_region_ids(tmp_path: Path) -> None:
    with pytest.raises(InvalidName, match=r"kept for the API"):
        EditionWriter(tmp_path, "regions", FIRST, crs=CRS)


def changed(column: str, value: Any) -> pd.DataFrame:
    frame = cells(3)
    frame[column] = value
    return frame


@pytest.mark.parametrize(
    ("frame", "geometry", "message"),
    [
        (cells(3).drop(columns="id"), None, "no column id"),
        (changed("id", "same"), None, "id 'same' stands for several rows"),
        (changed("id", None), None, "every id must be a text"),
        (changed("id", 7), None, "every id must be a text"),
        (cells(3).drop(columns="row"), None, "row is missing"),
        (changed("row", np.nan), None, "row and col of a cell cannot be null"),
        (changed("row", 1.5), None, "column 'row'"),
        (changed("net_tco2e", np.inf), None, "infinite"),
        (changed("year", 1999), None, r"other years: \[1999\]"),
        (changed("net_tco2e", [[1]] * 9), None, "column 'net_tco2e'"),
        (pd.concat([cells(3), cells(3)[["net_tco2e"]]], axis=1), None, "more than once"),
        (cells(3), [shapely.box(0, 0, 1, 1)] * 9, "need no geometry"),
    ],
)
def test_frames_that_cannot_be_published(tmp_path: Path, frame: pd.DataFrame, geometry: Any, message: str) -> None:
    with EditionWriter(tmp_path, "town", FIRST, crs=CRS) as writer, pytest.raises(InvalidTable, match=message):
        writer.write_table(GRID, 2023, frame, geometry)


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (None, "need a polygon"),
        ([shapely.box(0, 0, 1, 1)], "for 4 rows"),
        ([shapely.Point(0, 0)] * 4, "4 rows have no polygon, first id '나'"),
        ([None] * 4, "have no polygon"),
        (gpd.GeoSeries(zones()[1], crs="EPSG:4326"), "expected the region's CRS EPSG:5179"),
    ],
)
def test_zones_need_polygons_in_the_regions_crs(tmp_path: Path, geometry: Any, message: str) -> None:
    with EditionWriter(tmp_path, "town", FIRST, crs=CRS) as writer, pytest.raises(InvalidTable, match=message):
        writer.write_table(ZONES, 2023, zones()[0], geometry)


def test_years_of_a_collection_have_the_same_columns(tmp_path: Path) -> None:
    with EditionWriter(tmp_path, "town", FIRST, crs=CRS) as writer:
        writer.write_table(GRID, 2022, cells(3))
        with pytest.raises(InvalidTable, match="differ from another year's: extra"):
            writer.write_table(GRID, 2023, cells(3).assign(extra=1.0))
        with pytest.raises(InvalidTable, match="written twice"):
            writer.write_table(GRID, 2022, cells(3))


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    publish(tmp_path)

    def build() -> None:
        with EditionWriter(tmp_path, "town", SECOND, crs=CRS) as writer:
            writer.write_table(GRID, 2023, cells(3))
            raise RuntimeError("disk is full")

    with pytest.raises(RuntimeError, match="disk is full"):
        build()
    assert sorted(path.name for path in (tmp_path / ".incoming").iterdir()) == ["town.lock"]
    assert Store(tmp_path).open("town").id == FIRST


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sectors": ["forest", "buildings"]}, "illustrative must be given for every sector"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"edition": SECOND}, "written by the edition writer"),
        ({"code": None}, "code: Input should be"),
        (
            {"region": {**manifest()["region"], "crs": "EPSG:5186"}},
            "in EPSG:5186, the tables were written for 'town' in EPSG:5179",
        ),
    ],
)
def test_a_manifest_that_is_not_as_declared_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with EditionWriter(tmp_path, "town", FIRST, crs=CRS) as writer:
        writer.write_table(GRID, 2023, cells(3))
        with pytest.raises(EditionError, match=message):
            writer.publish(manifest(**changes))
    assert Store(tmp_path).regions() == []


def test_an_edition_that_is_there_is_kept_and_served_again(tmp_path: Path) -> None:
    publish(tmp_path, FIRST)
    publish(tmp_path, SECOND, seed=1)
    before = (tmp_path / "town" / FIRST / "manifest.json").stat().st_mtime_ns
    with EditionWriter(tmp_path, "town", FIRST, crs=CRS) as writer:
        assert writer.exists
        assert writer.publish_existing().edition == FIRST
    assert Store(tmp_path).open("town").id == FIRST
    publish(tmp_path, FIRST)  # even when all was written again
    assert (tmp_path / "town" / FIRST / "manifest.json").stat().st_mtime_ns == before
    with EditionWriter(tmp_path, "town", "c" * 16, crs=CRS) as writer, pytest.raises(EditionNotFound, match="build it"):
        writer.publish_existing()


@pytest.mark.parametrize(
    "damage", ["manifest.json", "tables/grid-100m/2023.parquet", "context/places.parquet", "one byte of a table"]
)
def test_a_damaged_edition_is_built_again(tmp_path: Path, damage: str) -> None:
    publish(tmp_path)
    if damage == "one byte of a table":  # of the length that the manifest says
        table = tmp_path / "town" / FIRST / "tables/grid-100m/2023.parquet"
        content = bytearray(table.read_bytes())
        content[len(content) // 2] ^= 1
        table.write_bytes(content)
    else:
        (tmp_path / "town" / FIRST / damage).write_bytes(b"{")
    with EditionWriter(tmp_path, "town", FIRST, crs=CRS) as writer:
        assert not writer.exists
    assert publish(tmp_path).table("grid-100m").num_rows == 64
    assert [left for left in (tmp_path / ".incoming").iterdir() if left.is_dir()] == []


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda region: (region / FIRST / "manifest.json").unlink(), "has no manifest.json"),
        (lambda region: (region / FIRST / "manifest.json").write_text("{}"), "not as this version expects"),
        (lambda region: (region / FIRST / "manifest.json").write_bytes(b"\xff"), "not as this version expects"),
        (lambda region: (region / "current").write_text("../../etc"), "is no edition"),
        (lambda region: (region / "current").write_text(SECOND), "points to edition 00000000000000bb, which is not"),
        (lambda region: (region / FIRST / "tables/grid-100m/2023.parquet").unlink(), "cannot be read"),
        (lambda region: (region / FIRST / "tables/grid-100m/2023.parquet").write_bytes(b"PAR1"), "cannot be read"),
        (lambda region: (region / FIRST).rename(region / SECOND), "points to edition"),
    ],
)
def test_damage_is_named_and_other_regions_are_served(
    tmp_path: Path, break_it: Callable[[Path], Any], message: str
) -> None:
    publish(tmp_path)
    region = {**manifest()["region"], "id": "other"}
    with EditionWriter(tmp_path, "other", SECOND, crs=CRS) as writer:
        writer.write_table(GRID, 2023, cells(3))
        writer.publish(manifest(region=region))
    break_it(tmp_path / "town")
    store = Store(tmp_path)
    with pytest.raises(EditionBroken, match=message):
        store.open("town").table("grid-100m")
    assert store.open("other").table("grid-100m").num_rows == 9


def test_a_copied_folder_is_not_another_edition(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "town" / FIRST).rename(tmp_path / "town" / SECOND)
    with pytest.raises(EditionBroken, match="renamed or copied by hand"):
        Store(tmp_path).open("town", SECOND)


def test_a_table_of_another_length_than_declared_is_damage(tmp_path: Path) -> None:
    publish(tmp_path)
    publish(tmp_path / "long", side=9)
    table = Path("town") / FIRST / "tables" / "grid-100m" / "2023.parquet"
    (tmp_path / table).write_bytes((tmp_path / "long" / table).read_bytes())
    with pytest.raises(EditionBroken, match="has 81 rows, its manifest says 64"):
        Store(tmp_path).open("town").table("grid-100m")


@pytest.mark.parametrize("bit", range(8))
def test_no_flipped_bit_of_a_table_becomes_another_number(tmp_path: Path, bit: int) -> None:
    whole = publish(tmp_path, side=4).table("grid-100m")
    table = tmp_path / "town" / FIRST / "tables" / "grid-100m" / "2023.parquet"
    good = table.read_bytes()
    refused = 0
    for place in range(4 + bit, len(good), 41):
        content = bytearray(good)
        content[place] ^= 1 << bit
        table.write_bytes(content)
        try:
            read = Store(tmp_path).open("town").table("grid-100m")
        except EditionBroken:
            refused += 1
        else:
            assert read.equals(whole), f"byte {place} of {len(good)}"
    assert refused > 0


def test_only_one_build_of_a_region_at_a_time(tmp_path: Path) -> None:
    with EditionWriter(tmp_path, "town", FIRST, crs=CRS) as writer:
        with pytest.raises(BuildLocked, match=r"region 'town'.*already under way in this process"):
            EditionWriter(tmp_path, "town", SECOND, crs=CRS).__enter__()
        with EditionWriter(tmp_path, "other", SECOND, crs=CRS):
            pass
        writer.write_table(GRID, 2023, cells(3))
        writer.publish(manifest())
    publish(tmp_path, SECOND)


def test_a_lock_keeps_other_processes_out_and_dies_with_its_own(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from grids.locks import ProcessLock\n"
    script += "with ProcessLock(Path(sys.argv[1]), 'a build'): print('held', flush=True); sys.stdin.read()"
    lock = tmp_path / "region.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BuildLocked, match=f"a build is already under way by process {holder.pid}"):
            ProcessLock(lock, "a build").__enter__()
        holder.kill()
    with ProcessLock(lock, "a build"):
        assert int(lock.read_text()) != holder.pid


def test_empty_tables_and_collections(tmp_path: Path) -> None:
    with EditionWriter(tmp_path, "town", FIRST, crs=CRS) as writer:
        writer.write_table(GRID, 2023, cells(3)[:0])
        writer.write_table(ZONES, 2023, zones()[0][:0], geometry=[])
        writer.publish(manifest())
    edition = Store(tmp_path).open("town")
    assert edition.collections["grid-100m"].bbox is None
    for name in ("grid-100m", "sigungu"):
        assert edition.table(name).num_rows == 0
        assert edition.page(name, asked=Selection((-180, -90, 180, 90))).matched == 0
        with pytest.raises(ItemNotFound):
            edition.item(name, None, "x")


def test_a_store_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EditionError, match=r"file cannot be written: .*Nothing was published"):
        EditionWriter(tmp_path / "file", "town", FIRST, crs=CRS).__enter__()
    publish(tmp_path)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("grids.parquet.pq.ParquetWriter", full)
    with pytest.raises(EditionError, match="cannot be written: No space left on device"):
        publish(tmp_path, SECOND)
    assert Store(tmp_path).open("town").id == FIRST
    assert sorted(path.name for path in (tmp_path / ".incoming").iterdir()) == ["town.lock"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_disk_that_is_full_half_way_is_told_in_our_words(tmp_path: Path) -> None:
    publish(tmp_path)

    def build() -> None:
        with EditionWriter(tmp_path, "town", SECOND, crs=CRS) as writer:
            (incoming,) = (tmp_path / ".incoming").glob(f"town-{SECOND}-*")
            (incoming / "private").mkdir()
            (incoming / "private" / "lines-meters.parquet").symlink_to("/dev/full")
            writer.write_private_table("lines", "meters", pa.table({"activity": np.random.default_rng(1).random(9999)}))
            writer.publish(manifest())

    with pytest.raises(EditionError, match=r"cannot be written: No space left on device\. Nothing was published"):
        build()
    assert Store(tmp_path).open("town").id == FIRST
    assert sorted(path.name for path in (tmp_path / ".incoming").iterdir()) == ["town.lock"]


def test_private_tables_keep_their_rows_and_geometry(tmp_path: Path) -> None:
    features = pa.table({"id": ["b2", "b1"], "geometry": [shapely.to_wkb(shapely.Point(1, 2)), None]})
    with EditionWriter(tmp_path, "town", FIRST, crs=CRS) as writer:
        writer.write_private_table("features", "meters", features)
        with pytest.raises(EditionError, match="expected one of features, lines, shares"):
            writer.write_private_table("secrets", "meters", features)
        writer.publish(manifest())
    read = pq.read_table(Store(tmp_path).open("town").private("features", "meters"))
    assert read["id"].to_pylist() == ["b2", "b1"]
    assert shapely.from_wkb(read["geometry"].to_pylist()).tolist() == [shapely.Point(1, 2), None]


def test_private_sources_show_counts_only() -> None:
    layers = [
        {
            "id": "meters",
            "sector": "buildings",
            "open": False,
            "report": {"read": 3, "refused": [["b17", "why"]], "n": {"x": 1}},
        },
        {"id": "roads", "sector": "transport", "open": True, "report": {"refused": [["w4", "why"]]}},
    ]
    disclosure = {
        "grid-1km": {"held": 2, "largest_shift": 0.25, "which": "다사6443"},
        "rule": {"min_count": 3, "dominance_percent": 12.5},
    }
    document = manifest(edition=FIRST, collections=[], layers=layers, disclosure=disclosure)
    public = Manifest.model_validate(document).public()
    assert public["layers"][0]["report"] == {"read": 3, "n": {"x": 1}}
    assert public["layers"][1]["report"] == {"refused": [["w4", "why"]]}
    assert public["disclosure"] == {"grid-1km": {"held": 2}, "rule": {"min_count": 3, "dominance_percent": 12.5}}


def test_digests_of_closed_files_stay_inside() -> None:
    layers = [
        {
            "id": "meters",
            "sector": "buildings",
            "open": False,
            "report": {"file": "houses.shp", "joins": [{"file": "meters.csv"}, {"file": "both.csv"}]},
        },
        {"id": "huts", "sector": "forest", "open": False, "report": {"file": "huts.tif", "joins": []}},
        {
            "id": "roads",
            "sector": "transport",
            "open": True,
            "report": {"file": "roads.shp", "joins": [{"file": "both.csv"}]},
        },
    ]
    files = [
        "both.csv",
        "houses.DBF",
        "houses.dbf",
        "houses.shp",
        "huts.TFW",
        "huts.tif",
        "huts.tif.aux.xml",
        "meters.csv",
        "roads.dbf",
        "roads.shp",
        "zones.parquet",
    ]
    inputs = [{"file": name, "bytes": 10, "sha256": "ab" * 32} for name in files]
    read = Manifest.model_validate(manifest(edition=FIRST, collections=[], layers=layers, inputs=inputs))
    public = read.public()["inputs"]
    assert [entry["file"] for entry in public] == files
    known = {"bytes": 10, "sha256": "ab" * 32, "reason": None}
    closed = {"bytes": None, "sha256": None, "reason": "closed"}
    told = {entry.pop("file"): entry for entry in public}
    assert told == {name: closed if name[0] in "bhm" else known for name in files}
    assert {entry.sha256 for entry in read.inputs} == {"ab" * 32}


def test_an_edition_id_changes_with_anything_it_rests_on() -> None:
    parts: dict[str, Any] = {
        "inputs": [{"file": "a", "sha256": "1"}],
        "resolved_region": {"id": "x"},
        "factors": {},
        "code": "c",
    }
    first = edition_id(**parts)
    assert first == edition_id(**parts)
    assert len(first) == 16
    others = {name: edition_id(**{**parts, name: ["something else"]}) for name in parts}
    assert len({first, *others.values()}) == 5
    assert edition_id([], {"b": 1, "a": 2}, {}, "") == edition_id([], {"a": 2, "b": 1}, {}, "")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, Path("x"), {1: "a", "1": "b"}])
def test_an_edition_id_refuses_what_json_cannot_say(value: Any) -> None:
    with pytest.raises(EditionError, match="an edition id needs"):
        edition_id([value], {}, {}, "")


def test_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert file_digest(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    monkeypatch.syspath_prepend(tmp_path)
    for name, end in (("lfpackage", b"\n"), ("crlfpackage", b"\r\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_bytes(b"x = 1" + end)
    assert code_digest(["lfpackage"]) != code_digest(["crlfpackage"])  # the package's name counts
    before = code_digest(["crlfpackage"])
    (tmp_path / "crlfpackage" / "__init__.py").write_bytes(b"x = 1\n")
    assert code_digest(["crlfpackage"]) == before
    (tmp_path / "crlfpackage" / "__init__.py").write_bytes(b"x = 2\n")
    assert code_digest(["crlfpackage"]) != before
    with pytest.raises(EditionError, match="'no_such_package_here' is not installed"):
        code_digest(["no_such_package_here"])


def test_context_is_kept_in_lonlat_and_read_by_bbox(tmp_path: Path) -> None:
    shapes = [
        shapely.Point(950_000, 1_950_000),
        None,
        shapely.Point(),
        shapely.LineString([(960_000, 1_950_000), (961_000, 1_950_000)]),
    ]
    frame = gpd.GeoDataFrame({"name": ["a", "b", "c", None]}, geometry=shapes, crs=CRS)
    with EditionWriter(tmp_path, "town", FIRST, crs=CRS) as writer:
        writer.write_context("places", frame)
        with pytest.raises(InvalidTable, match="written twice"):
            writer.write_context("places", frame)
        with pytest.raises(InvalidTable, match="no CRS"):
            writer.write_context("water", frame.set_crs(None, allow_override=True))
        writer.publish(manifest())
    edition = Store(tmp_path).open("town")
    lon, lat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(950_000, 1_950_000)
    assert edition.context("places", (lon - 0.01, lat - 0.01, lon + 0.01, lat + 0.01)).rows["name"].to_pylist() == ["a"]
    assert len(edition.context("places", (-180, -90, 180, 90)).positions) == 2
    assert edition.context_columns("places") == ["name"]


def test_a_table_that_fails_while_it_is_written_is_told_before_anything_is_published(tmp_path: Path) -> None:
    publish(tmp_path)

    def parts() -> Iterator[pa.Table]:
        yield pa.table({"feature": pa.array([0], pa.int32())})
        raise ValueError("part 2 cannot be read")

    def build() -> None:
        with EditionWriter(tmp_path, "town", SECOND, crs=CRS) as writer:
            writer.write_private_tables("features", "meters", parts())
            writer.publish(manifest())

    with pytest.raises(ValueError, match="part 2"):
        build()
    assert Store(tmp_path).open("town").id == FIRST
    assert sorted(path.name for path in (tmp_path / ".incoming").iterdir()) == ["town.lock"]


def test_a_list_of_many_editions_pushes_out_none_and_what_is_served_stays(
    small_edition: Edition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edition_module, "_EDITIONS_KEPT", 2)
    monkeypatch.setattr(edition_module, "_MANIFESTS_KEPT", 2)
    region = tmp_path / "store" / "town"
    region.mkdir(parents=True)
    text = (small_edition.folder / "manifest.json").read_text("utf-8")
    names = [f"{k:016x}" for k in range(5)]
    for name in names:
        (region / name).mkdir()
        (region / name / "manifest.json").write_text(text.replace(small_edition.id, name), "utf-8")
    (region / "current").write_text(names[0])
    store = Store(tmp_path / "store")
    served = store.open("town")
    whole, broken = kept_editions(store, "town")
    assert (sorted(one.manifest.edition for one in whole), broken) == (names, [])
    assert store.open("town") is served
    for name in names[1:]:
        store.open("town", name)
    assert store.open("town") is served
    assert len(store._editions) == 2
