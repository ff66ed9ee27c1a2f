"""GeoParquet in its native encodings (GeoArrow): read as the same features in well-known binary are."""

import struct
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gis.errors import UnreadableFile
from gis.geoarrow import wkb_of
from gis.geometry_column import UNREADABLE, GeometryColumn
from gis.readers import read_source
from gis.sources import Source
from gis.vector import UNREADABLE as CANNOT_BE_READ
from grids.errors import GridError
from grids.ragged import RaggedColumn

UTM, EAST, NORTH = "EPSG:32632", 500_000, 5_200_000


def at(*places: tuple[float, float]) -> list[tuple[float, float]]:
    return [(EAST + x, NORTH + y) for x, y in places]


YARD = shapely.Polygon(
    at((0, 0), (40, 0), (40, 40), (0, 40)), [at((10, 10), (20, 10), (20, 20)), at((25, 25), (30, 25), (30, 30))]
)
HOUSE = shapely.Polygon(at((50, 0), (60, 0), (60, 10), (50, 10)))
BEND, STRAIGHT = shapely.LineString(at((0, 0), (5, 5), (9, 1))), shapely.LineString(at((1, 0), (1, 7)))
PLACE, OTHER = shapely.Point(*at((3, 4))[0]), shapely.Point(*at((30, 40))[0])

COLUMNS: dict[str, list[Any]] = {
    "polygon": [YARD, None, HOUSE, shapely.Polygon()],
    "multipolygon": [shapely.MultiPolygon([HOUSE, YARD]), None, shapely.MultiPolygon([YARD])],
    "linestring": [BEND, shapely.LineString(), None, STRAIGHT],
    "multilinestring": [None, shapely.MultiLineString([STRAIGHT, BEND]), shapely.MultiLineString([BEND])],
    "point": [PLACE, None, OTHER],
    "multipoint": [shapely.MultiPoint([PLACE, OTHER]), shapely.MultiPoint([OTHER]), None],
}


def written(path: Path, shapes: list[Any], encoding: str) -> None:
    frame = gpd.GeoDataFrame({"n": range(len(shapes))}, geometry=shapes, crs=UTM)
    frame.to_parquet(path, geometry_encoding=encoding, schema_version="1.1.0", row_group_size=2)


@pytest.mark.parametrize("encoding", COLUMNS)
@pytest.mark.parametrize("height", [False, True], ids=["flat", "with heights"])
def test_each_encoding_is_the_same_geometries(tmp_path: Path, encoding: str, height: bool) -> None:
    shapes = np.array([*COLUMNS[encoding], None], dtype=object)[:-1]
    raised = shapely.force_3d(shapes, 7.0) if height else shapes
    written(tmp_path / "a.parquet", raised.tolist(), "geoarrow")
    column = pq.read_table(tmp_path / "a.parquet")["geometry"]
    assert column.num_chunks >= 1
    assert not pa.types.is_binary(column.type)
    for piece, expected in ((column, shapes), (column.slice(1), shapes[1:])):
        found = shapely.from_wkb(np.array(wkb_of(piece, encoding, "a").to_pylist(), dtype=object))
        assert shapely.to_wkt(found).tolist() == shapely.to_wkt(expected).tolist()


@pytest.mark.parametrize(("encoding", "sector"), [("polygon", "buildings"), ("multilinestring", "transport")])
def test_a_layer_is_the_same_whichever_way_its_geometry_is_encoded(tmp_path: Path, encoding: str, sector: str) -> None:
    layers = []
    for how in ("WKB", "geoarrow"):
        written(tmp_path / "a.parquet", COLUMNS[encoding], how)
        source = Source(id="s", sector=sector, file="a.parquet", columns={"id": "n"})
        layers.append(read_source(source, tmp_path, UTM, None))
    one, other = layers
    assert other.table.equals(one.table)
    assert other.geometry.arrow().equals(one.geometry.arrow())
    assert (other.report.read, other.report.empty) == (one.report.read, one.report.empty)


def rings(*given: list[tuple[float, float]] | None) -> pa.ChunkedArray:
    of_point = pa.struct([("x", pa.float64()), ("y", pa.float64())])
    lists = [None if ring is None else [[{"x": x, "y": y} for x, y in ring]] for ring in given]
    return pa.chunked_array([pa.array(lists, pa.list_(pa.list_(of_point)))])


def with_geometry(path: Path, column: pa.ChunkedArray) -> Path:
    """A GeoParquet file of polygons whose geometry is these lists."""
    written(path, [HOUSE] * len(column), "geoarrow")
    table = pq.read_table(path)
    table = pa.table(
        {**{name: table[name] for name in table.column_names}, "geometry": column}
    ).replace_schema_metadata(table.schema.metadata)
    pq.write_table(table, path)
    return path


SQUARE = at((0, 0), (10, 0), (10, 10), (0, 10), (0, 0))


def test_a_ring_that_is_none_is_refused_by_itself(tmp_path: Path) -> None:
    column = rings(SQUARE, SQUARE[:-1], None, SQUARE[:2], SQUARE)
    assert GeometryColumn.of_arrow(wkb_of(column, "polygon", "a")).types.tolist() == [3, UNREADABLE, -1, UNREADABLE, 3]
    with_geometry(tmp_path / "a.parquet", column)
    source = Source(id="s", sector="buildings", file="a.parquet", columns={"id": "n"})
    report = read_source(source, tmp_path, UTM, None).report
    assert report.refused == [("1", CANNOT_BE_READ), ("3", CANNOT_BE_READ)]
    assert (report.kept, report.empty) == (2, 1)


def path(points: list[tuple[float, float]]) -> bytes:
    return struct.pack("<I", len(points)) + b"".join(struct.pack("<dd", *xy) for xy in points)


def packed(encoding: str, shape: list[Any]) -> bytes:
    """Well-known binary of nested lists, written by hand."""
    if encoding == "linestring":
        return struct.pack("<BI", 1, 2) + path(shape)
    if encoding == "polygon":
        return struct.pack("<BII", 1, 3, len(shape)) + b"".join(path(ring) for ring in shape)
    if encoding == "multipoint":
        return struct.pack("<BII", 1, 4, len(shape)) + b"".join(struct.pack("<BIdd", 1, 1, *xy) for xy in shape)
    head = struct.pack("<BII", 1, {"multilinestring": 5, "multipolygon": 6}[encoding], len(shape))
    return head + b"".join(packed(encoding.removeprefix("multi"), part) for part in shape)


def nested(encoding: str, *shapes: Any) -> pa.ChunkedArray:
    """Nested lists as GeoArrow has them; a point may lack an axis or be null."""
    kind: Any = pa.struct([("x", pa.float64()), ("y", pa.float64())])
    for _ in range(DEPTHS[encoding]):
        kind = pa.list_(kind)
    return pa.chunked_array([pa.array([as_points(shape) for shape in shapes], kind)])


def as_points(shape: Any) -> Any:
    if isinstance(shape, tuple):
        return {"x": shape[0], "y": shape[1]}
    return None if shape is None else [as_points(inner) for inner in shape]


DEPTHS = {"point": 0, "linestring": 1, "multipoint": 1, "polygon": 2, "multilinestring": 2, "multipolygon": 3}
RING, HOLE, LINE = at((0, 0), (9, 0), (9, 9), (0, 0)), at((2, 1), (3, 1), (3, 2), (2, 1)), at((0, 0), (5, 5))


@pytest.mark.parametrize(
    ("encoding", "shapes"),
    [
        ("linestring", [LINE, [], LINE[:1], LINE[:1] * 2, []]),
        ("polygon", [[], [[]], [[], []], [RING, HOLE], [RING, []], [[], HOLE], [RING[:3]], [RING[:1]], [RING[:2] * 2]]),
        ("multipoint", [LINE, [], LINE[:1]]),
        ("multilinestring", [[], [[]], [LINE, []], [[], LINE, RING], [LINE, LINE[:1]]]),
        ("multipolygon", [[], [[]], [[[]]], [[RING], []], [[RING, HOLE], [[]], [HOLE]], [[RING], [[], HOLE]]]),
    ],
)
def test_what_is_empty_or_broken_is_what_it_is_in_well_known_binary(encoding: str, shapes: list[Any]) -> None:
    """Parts without points, open rings and lines of one point are the same bytes, so GEOS says the same of them."""
    expected = [packed(encoding, shape) for shape in shapes]
    assert wkb_of(nested(encoding, *shapes), encoding, "a").to_pylist() == expected
    column = pa.chunked_array([*nested(encoding, *shapes, None).chunks, *nested(encoding, *shapes).slice(1).chunks])
    assert wkb_of(column, encoding, "a").to_pylist() == [*expected, None, *expected[1:]]


@pytest.mark.parametrize(
    ("encoding", "good", "broken"),
    [
        ("point", (1.0, 2.0), [(None, 2.0), (1.0, None)]),
        ("linestring", LINE, [[*LINE, None], [*LINE, (None, 1.0)], [(1.0, None), *LINE]]),
        ("multipoint", LINE, [[None], [*LINE, None], [(1.0, None), *LINE]]),
        ("polygon", [RING, HOLE], [[RING, None], [None], [[*RING[:2], None, *RING[2:]]], [[(None, 0.0), *RING]]]),
        ("multilinestring", [LINE], [[None, LINE], [LINE, [*LINE, None]], [[*LINE, (0.0, None)]]]),
        ("multipolygon", [[RING]], [[None, [RING]], [[RING, None]], [[RING], [[*RING, None]]], [[[(None, 0.0)]]]]),
    ],
)
def test_a_null_within_a_geometry_refuses_that_feature_alone(encoding: str, good: Any, broken: list[Any]) -> None:
    """A null vertex was read as (0, 0), and a null ring refused the whole file."""
    [whole] = wkb_of(nested(encoding, good), encoding, "a").to_pylist()
    given = nested(encoding, good, *broken, None, good)
    found = wkb_of(given, encoding, "a")
    assert found.to_pylist() == [whole, *[b""] * len(broken), None, whole]
    assert GeometryColumn.of_arrow(found).types[1:-1].tolist() == [*[UNREADABLE] * len(broken), -1]
    assert wkb_of(given.slice(1), encoding, "a").to_pylist() == found.to_pylist()[1:]
    for one in broken:
        with pytest.raises(GridError, match="null"):
            RaggedColumn.from_arrow(nested(encoding, good, one), encoding)


def test_features_with_nulls_are_refused_with_their_reason(tmp_path: Path) -> None:
    given = nested("polygon", [SQUARE], [[*SQUARE[:2], None, *SQUARE[2:]]], [SQUARE, None], [SQUARE])
    source = Source(id="s", sector="buildings", file="a.parquet", columns={"id": "n"})
    report = read_source(source, with_geometry(tmp_path / "a.parquet", given).parent, UTM, None).report
    assert report.refused == [("1", CANNOT_BE_READ), ("2", CANNOT_BE_READ)]
    assert "null among its vertices" in CANNOT_BE_READ


def test_lists_that_do_not_fit_their_encoding_are_refused_with_a_remedy() -> None:
    with pytest.raises(
        UnreadableFile, match=r"a\.parquet: its geometry is not encoded as 'multipolygon'.*again as WKB"
    ):
        wkb_of(rings(SQUARE), "multipolygon", "a.parquet")


def test_an_encoding_that_nobody_knows_is_refused_with_a_remedy(tmp_path: Path) -> None:
    written(tmp_path / "a.parquet", [HOUSE], "WKB")
    table = pq.read_table(tmp_path / "a.parquet")
    geo = table.schema.metadata[b"geo"].replace(b'"WKB"', b'"TWKB"')
    pq.write_table(table.replace_schema_metadata({b"geo": geo}), tmp_path / "a.parquet")
    source = Source(id="s", sector="buildings", file="a.parquet", columns={"id": "n"})
    with pytest.raises(UnreadableFile, match=r"encoded as 'TWKB'; WKB or one of point, .*write it again"):
        read_source(source, tmp_path, UTM, None)
