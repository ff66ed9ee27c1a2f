"""A GeoParquet file read in parts is the file read at once: features, joins and the account of every feature."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gis.errors import ColumnMissing
from gis.geometry_column import GeometryColumn
from gis.joins import JoinedTable
from gis.layers import Layer, ReadReport
from gis.overlaps import SmallerStands, SmallerStandsFile
from gis.raw import Span
from gis.readers import read_source, settle_stands
from gis.sources import Source
from gis.spans import keys_in_file, spans_of

CRS = "EPSG:5179"
N = 60


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis.spans.ROWS_AT_ONCE", 20)


def write_buildings(folder: Path, *, ids: list[object] | None = None, row_group: int = 8) -> gpd.GeoDataFrame:
    """Sixty buildings: one crosses itself, one is missing, some are ruins that `where` leaves out."""
    shapes = [shapely.box(960_000 + 20 * k, 1_940_000, 960_010 + 20 * k, 1_940_010) for k in range(N)]
    shapes[17] = shapely.Polygon(
        [(960_340, 1_940_000), (960_350, 1_940_010), (960_350, 1_940_000), (960_340, 1_940_010)]
    )
    shapes[31] = None
    frame = gpd.GeoDataFrame(
        {
            "name": ids or [f"B{k:03}" for k in range(N)],
            "floors": [None if k % 7 == 0 else str(k % 9) for k in range(N)],
            "state": ["ruin" if k % 11 == 5 else "used" for k in range(N)],
            "geometry": shapes,
        },
        crs=CRS,
    )
    frame["floors"] = frame["floors"].mask(frame.index == 23, "many")
    frame.to_parquet(folder / "buildings.parquet", row_group_size=row_group)
    return frame


def write_meters(folder: Path) -> None:
    rows = [(f"B{k:03}", month, "electricity", 10.0 * k + month) for k in range(0, N + 5, 2) for month in range(1, 13)]
    table = pd.DataFrame(rows, columns=["building", "month", "carrier", "kwh"])
    table["month"] += 202_300
    table.to_csv(folder / "meters.csv", index=False)


def source(**changes: object) -> Source:
    given: dict[str, object] = {
        "id": "register",
        "sector": "buildings",
        "file": "buildings.parquet",
        "columns": {"id": "name", "levels": "floors"},
        "where": {"state": ["used"]},
        "joins": [
            {
                "file": "meters.csv", "key": "building", "layout": "long", "month": "month", "carrier": "carrier",
                "value": "kwh", "unit": "kWh",
            }
        ],
    }  # fmt: skip
    return Source.model_validate(given | changes)


def read_in_parts(given: Source, folder: Path) -> tuple[pd.DataFrame, ReadReport]:
    path = folder / given.file
    joined = [
        JoinedTable.make(keys_in_file(given, path, join.on), join, folder, folder / f"joined-{number}.arrow")
        for number, join in enumerate(given.joins)
    ]
    layers: list[Layer] = [read_source(given, folder, CRS, span=span, joined=joined) for span in spans_of(given, path)]
    report = layers[0].report
    for layer in layers[1:]:
        report = report.with_part(layer.report)
    report.joins = [table.report for table in joined]
    return pd.concat([layer.features for layer in layers], ignore_index=True), report


def test_a_file_in_parts_is_the_file_at_once(tmp_path: Path, few_rows: None) -> None:
    write_buildings(tmp_path)
    write_meters(tmp_path)
    whole = read_source(source(), tmp_path, CRS)
    spans = spans_of(source(), tmp_path / "buildings.parquet")
    assert spans == (Span(0, 24), Span(24, 48), Span(48, 60))
    features, report = read_in_parts(source(), tmp_path)
    pd.testing.assert_frame_equal(pd.DataFrame(features), pd.DataFrame(whole.features))
    assert features["electricity_kwh_2023"].notna().sum() > 20
    report.verify()
    joins, whole.report.joins = report.joins, []
    report.joins = []
    assert report == whole.report
    assert (report.repaired.count, report.empty, report.filtered) == (1, 1, 5)
    assert [join.keys for join in joins] == [33]


@pytest.mark.parametrize(
    ("row_group", "spans"),
    [
        (60, ((0, 20), (20, 40), (40, 60))),  # one huge row group
        (32, ((0, 16), (16, 32), (32, 60))),  # cut where it is larger by half than a part
        (27, ((0, 27), (27, 54), (54, 60))),  # not cut where it is not
    ],
)
def test_a_large_row_group_is_read_in_parts_too(
    tmp_path: Path, few_rows: None, row_group: int, spans: tuple[tuple[int, int], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gis.vector._ROWS_OF_A_BATCH", 7)
    write_buildings(tmp_path, row_group=row_group)
    given = source(joins=[])
    whole = read_source(given, tmp_path, CRS)
    assert spans_of(given, tmp_path / "buildings.parquet") == tuple(Span(*span) for span in spans)
    features, report = read_in_parts(given, tmp_path)
    pd.testing.assert_frame_equal(pd.DataFrame(features), pd.DataFrame(whole.features))
    assert report == whole.report


def test_features_of_many_vertices_make_smaller_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = shapely.buffer(shapely.points(np.arange(N) * 1000.0 + 900_000, 1_900_000), 400, quad_segs=60)
    gpd.GeoDataFrame({"geometry": rounds}, crs=CRS).to_parquet(tmp_path / "rounds.parquet")
    monkeypatch.setattr("gis.spans.BYTES_AT_ONCE", 100_000)
    given = Source(id="s", sector="forest", file="rounds.parquet")
    spans = spans_of(given, tmp_path / "rounds.parquet")
    assert spans == (Span(0, 20), Span(20, 40), Span(40, 60))


def stands(folder: Path) -> Source:
    """Woods of 100 m with clearings, neighbours and equals far away in the file; some that cannot be used."""
    rng = np.random.default_rng(7)
    corners = rng.integers(0, 12, (N, 2)) * 40.0 + [960_000, 1_940_000]
    shapes = [
        shapely.box(x, y, x + side, y + side)
        for (x, y), side in zip(corners, 20.0 * rng.integers(1, 5, N), strict=True)
    ]
    shapes[50] = shapes[3]
    shapes[11] = None
    shapes[29] = shapely.Polygon(
        [(960_340, 1_940_000), (960_350, 1_940_010), (960_350, 1_940_000), (960_340, 1_940_010)]
    )
    shapes[30] = shapely.LineString([(960_340, 1_940_000), (960_350, 1_940_010)])
    state = ["felled" if k % 9 == 4 else "stands" for k in range(N)]
    gpd.GeoDataFrame({"kind": state, "geometry": shapes}, crs=CRS).to_parquet(
        folder / "stands.parquet", row_group_size=16
    )
    given = {
        "id": "map",
        "sector": "forest",
        "file": "stands.parquet",
        "where": {"kind": ["stands"]},
        "columns": {"species": "kind"},
    }
    return Source.model_validate(given)


def test_stands_read_in_parts_give_way_to_smaller_ones_in_other_parts(tmp_path: Path, few_rows: None) -> None:
    given = stands(tmp_path)
    whole = read_source(given, tmp_path, CRS)
    spans = spans_of(given, tmp_path / "stands.parquet")
    assert len(spans) == 2
    smaller = settle_stands(given, tmp_path, CRS, None, spans, tmp_path / "work" / "smaller.arrow")
    assert smaller.is_whole
    layers = [read_source(given, tmp_path, CRS, span=span, smaller=smaller) for span in spans]
    features = pd.concat([layer.features for layer in layers], ignore_index=True)
    pd.testing.assert_frame_equal(pd.DataFrame(features), pd.DataFrame(whole.features))
    report = layers[0].report.with_part(layers[1].report)
    report.verify()
    assert sorted(report.refused) == sorted(whole.report.refused)
    assert report.ground.stands == whole.report.ground.stands > 15
    assert report.ground.to_smaller_m2 == pytest.approx(whole.report.ground.to_smaller_m2)
    assert sum(reason == "all of its ground lies in smaller stands" for _, reason in report.refused) > 0
    shapes = features.geometry.to_numpy()
    assert shapely.area(shapely.union_all(shapes)) == pytest.approx(shapely.area(shapes).sum())
    crossing = [layer.report.ground.stands for layer in layers]
    alone = [read_source(given, tmp_path, CRS, span=span).report.ground.stands for span in spans]
    assert sum(alone) < sum(crossing)  # parts that know nothing of each other would miss some


def test_a_few_rows_of_much_geometry_are_cut_into_no_more_parts_than_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_buildings(tmp_path, row_group=2)
    monkeypatch.setattr("gis.spans.BYTES_AT_ONCE", 40)  # of one that is 93 bytes long
    spans = spans_of(source(), tmp_path / "buildings.parquet")
    assert [(span.first_row, span.last_row) for span in spans if span] == [(row, row + 1) for row in range(N)]


def test_a_bit_that_fell_over_in_smaller_stands_is_noticed(tmp_path: Path) -> None:
    stands = GeometryColumn.of_objects(np.array([shapely.box(0, 0, 9, 9), shapely.box(1, 1, 3, 3)], dtype=object))
    file = SmallerStandsFile.make(SmallerStands.of(stands), np.arange(2), tmp_path / "work" / "smaller.arrow")
    assert file.is_whole
    data = bytearray(file.path.read_bytes())
    data[len(data) // 2] ^= 1
    file.path.write_bytes(data)
    assert not file.is_whole


def test_a_file_of_smaller_stands_that_is_damaged_is_not_whole(tmp_path: Path) -> None:
    file = SmallerStandsFile(tmp_path / "smaller.arrow")
    assert not file.is_whole
    file.path.write_bytes(b"ARROW1")
    assert not file.is_whole


def test_features_without_ids_are_numbered_through_the_file(tmp_path: Path, few_rows: None) -> None:
    write_buildings(tmp_path)
    given = source(columns={"levels": "floors"}, joins=[])
    whole = read_source(given, tmp_path, CRS)
    features, _ = read_in_parts(given, tmp_path)
    assert features["id"].tolist() == whole.features["id"].tolist()
    assert features["id"].iloc[-1] == "59"


@pytest.mark.parametrize(
    "ids",
    [
        [f"B{k % 50}" for k in range(N)],
        ["A", "A ", *(f"B{k}" for k in range(N - 2))],
        [None, *(f"B{k}" for k in range(N - 1))],
        [k / 2 for k in range(N)],
    ],
    ids=["twice", "twice but for a space", "missing", "fractions"],
)
def test_ids_that_do_not_tell_features_apart_are_looked_at_all_at_once(
    tmp_path: Path, few_rows: None, ids: list[object]
) -> None:
    write_buildings(tmp_path, ids=ids)
    assert spans_of(source(joins=[]), tmp_path / "buildings.parquet") == (None,)


def test_what_goes_in_parts_and_what_does_not(tmp_path: Path, few_rows: None) -> None:
    write_buildings(tmp_path)
    file = tmp_path / "buildings.parquet"
    assert len(spans_of(source(columns={"id": "name"}), file)) == 3
    gpd.read_parquet(file).to_file(tmp_path / "buildings.gpkg")
    assert spans_of(source(file="buildings.gpkg"), tmp_path / "buildings.gpkg") == (None,)


def test_whole_numbers_and_dictionaries_are_ids_too(tmp_path: Path, few_rows: None) -> None:
    write_buildings(tmp_path, ids=list(range(100, 100 + N)))
    assert len(spans_of(source(joins=[]), tmp_path / "buildings.parquet")) == 3
    table = pq.read_table(tmp_path / "buildings.parquet")
    coded = pa.array([f"B{k}" for k in range(N)]).dictionary_encode()
    table = table.set_column(table.column_names.index("name"), "name", coded)
    pq.write_table(table, tmp_path / "buildings.parquet", row_group_size=30)
    assert len(spans_of(source(joins=[]), tmp_path / "buildings.parquet")) == 2


def test_a_part_of_which_nothing_is_left_is_no_error(tmp_path: Path, few_rows: None) -> None:
    write_buildings(tmp_path)
    given = source(joins=[], where={"name": [f"B{k:03}" for k in range(50, 60)]})
    spans = spans_of(given, tmp_path / "buildings.parquet")
    layers = [read_source(given, tmp_path, CRS, span=span) for span in spans]
    assert [len(layer.features) for layer in layers] == [0, 0, 10]
    assert layers[2].features.geometry.area.to_numpy() == pytest.approx(np.full(10, 100.0))


def test_a_join_on_a_column_that_is_not_there(tmp_path: Path) -> None:
    write_buildings(tmp_path)
    with pytest.raises(ColumnMissing, match=r"on: 'parcel' is no column of source register; it has: id, levels"):
        keys_in_file(source(), tmp_path / "buildings.parquet", "parcel")
