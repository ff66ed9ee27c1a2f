"""Geometry and GeoParquet that were written badly, or to do harm: one clear error, or the truth, and never a crash."""

import json
import struct
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gis.errors import CrsError, UnreadableFile, WrongEncoding, WrongGeometry
from gis.geometry_column import UNREADABLE, GeometryColumn
from gis.readers import read_source
from gis.sources import Source
from gis.spans import spans_of

CRS = "EPSG:5179"
X, Y = 960_000, 1_940_000


def source(**more: Any) -> Source:
    return Source.model_validate({"id": "map", "sector": "forest", "file": "map.parquet"} | more)


def write(folder: Path, shapes: list[Any], **options: Any) -> Path:
    file = folder / "map.parquet"
    gpd.GeoDataFrame({"kind": ["pine"] * len(shapes)}, geometry=shapes, crs=CRS).to_parquet(file, **options)
    return file


@pytest.mark.parametrize("at", [0.0, 960_000.0])
def test_a_ring_whose_last_vertex_stands_twice_is_not_vouched_for(at: float) -> None:
    ring = [(5, 0), (1, 6), (1, 1), (5, 2), (5, 3), (5, 0)]
    crossing = [shapely.Polygon([(at + x, at + y) for x, y in points]) for points in (ring, [*ring, ring[-1]])]
    column = GeometryColumn.of_objects(np.array(crossing, dtype=object))
    assert not shapely.is_valid(crossing).any()
    assert not column.sound.any()


def test_a_square_whose_last_vertex_stands_twice_is_still_sound() -> None:
    square = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9), (0, 0), (0, 0)])
    assert GeometryColumn.of_objects(np.array([square], dtype=object)).sound.all()


@pytest.mark.parametrize("head", [b"\x01\x07\x00\x00\x00\x01\x00\x00\x00", b"\x00\x00\x00\x00\x07\x00\x00\x00\x01"])
def test_collections_in_collections_without_end_cannot_be_read(head: bytes) -> None:
    point = b"\x01\x01\x00\x00\x00" + struct.pack("<dd", X, Y)
    deep = pa.array([head * 20_000 + point, head * 3 + point], pa.binary())
    column = GeometryColumn.of_arrow(deep)
    assert column.types.tolist() == [UNREADABLE, shapely.GeometryType.GEOMETRYCOLLECTION]


def test_a_polygon_in_a_collection_in_a_collection_is_found(tmp_path: Path) -> None:
    square = shapely.box(X, Y, X + 100, Y + 100)
    write(tmp_path, [shapely.GeometryCollection([shapely.GeometryCollection([square])]), square])
    layer = read_source(source(), tmp_path, CRS)
    assert len(layer.features) + len(layer.report.refused) == 2
    assert not any("expected" in reason for _, reason in layer.report.refused)


def with_metadata(file: Path, change: Any) -> None:
    table = pq.read_table(file)
    geo = json.loads(table.schema.metadata[b"geo"])
    text = change(geo)
    pq.write_table(table.replace_schema_metadata({b"geo": text if isinstance(text, bytes) else json.dumps(geo)}), file)


@pytest.mark.parametrize(
    "change",
    [
        lambda geo: geo["columns"].update(geometry=[]),
        lambda geo: geo["columns"].update(geometry=None),
        lambda geo: geo["columns"].update(geometry="WKB"),
        lambda geo: geo.update(primary_column="shape", columns={"shape": geo["columns"]["geometry"]}),
        lambda geo: geo.update(primary_column=None),
        lambda _: b"[" * 200_000,
        lambda _: b"\xff",
    ],
    ids=["a list", "null", "a text", "another column", "no column", "deep", "no text"],
)
def test_metadata_that_says_nonsense_is_told(tmp_path: Path, change: Any) -> None:
    with_metadata(write(tmp_path, [shapely.box(X, Y, X + 9, Y + 9)]), change)
    with pytest.raises(UnreadableFile, match=r"map\.parquet: its GeoParquet metadata"):
        read_source(source(), tmp_path, CRS)


def test_a_crs_that_nothing_can_be_moved_from_is_told(tmp_path: Path) -> None:
    local = 'LOCAL_CS["drawing",LOCAL_DATUM["x",0],UNIT["metre",1],AXIS["E",EAST],AXIS["N",NORTH]]'
    write(tmp_path, [shapely.box(X, Y, X + 9, Y + 9)])
    with pytest.raises(CrsError):
        read_source(source(crs=local), tmp_path, CRS, (127.0, 37.0, 128.0, 38.0))


def test_text_that_is_no_utf8_is_told_by_its_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, [shapely.box(X + k, Y, X + k + 9, Y + 9) for k in range(6)])
    table = pq.read_table(file)
    korean = pa.array(["소나무".encode("cp949")] * 6, pa.binary())
    table = table.set_column(0, "kind", pa.Array.from_buffers(pa.string(), 6, korean.buffers()))
    pq.write_table(table, file)
    with pytest.raises(WrongEncoding, match=r"map\.parquet: column 'kind' holds text that is not UTF-8"):
        read_source(source(columns={"species": "kind"}), tmp_path, CRS)
    monkeypatch.setattr("gis.spans.ROWS_AT_ONCE", 2)
    with pytest.raises(WrongEncoding, match="not UTF-8"):
        spans_of(source(columns={"id": "kind"}), file)


def test_a_row_group_of_no_rows_makes_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis.spans.ROWS_AT_ONCE", 2)
    file = write(tmp_path, [shapely.box(X + 20 * k, Y, X + 20 * k + 9, Y + 9) for k in range(4)])
    table = pq.read_table(file)
    with pq.ParquetWriter(file, table.schema) as writer:
        for piece in (table.slice(0, 2), table.slice(0, 0), table.slice(2, 2), table.slice(0, 0)):
            writer.write_table(piece)
    spans = [span for span in spans_of(source(), file) if span]
    assert [(span.first_row, span.last_row) for span in spans] == [(0, 2), (2, 4)]
    assert sum(len(read_source(source(), tmp_path, CRS, span=span).features) for span in spans) == 4


def test_a_part_of_the_wrong_kind_is_refused_feature_by_feature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gis.spans.ROWS_AT_ONCE", 2)
    file = write(tmp_path, [shapely.box(X, Y, X + 9, Y + 9)] * 2 + [shapely.Point(X, Y)] * 2, row_group_size=2)
    parts = [read_source(source(), tmp_path, CRS, span=span) for span in spans_of(source(), file)]
    assert [len(part.report.refused) for part in parts][1] == 2
    write(tmp_path, [shapely.Point(X, Y)] * 2)
    with pytest.raises(WrongGeometry, match="holds Point geometries only"):
        read_source(source(), tmp_path, CRS)
