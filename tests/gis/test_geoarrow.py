"""GeoParquet in its native encodings (GeoArrow): read as the same features in well-known binary are."""

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


SQUARE = at((0, 0), (10, 0), (10, 10), (0, 10), (0, 0))


def test_a_ring_that_is_none_is_refused_by_itself(tmp_path: Path) -> None:
    column = rings(SQUARE, SQUARE[:-1], None, SQUARE[:2], SQUARE)
    assert GeometryColumn.of_arrow(wkb_of(column, "polygon", "a")).types.tolist() == [3, UNREADABLE, -1, UNREADABLE, 3]
    written(tmp_path / "a.parquet", [HOUSE] * 5, "geoarrow")
    table = pq.read_table(tmp_path / "a.parquet")
    table = pa.table(
        {**{name: table[name] for name in table.column_names}, "geometry": column}
    ).replace_schema_metadata(table.schema.metadata)
    pq.write_table(table, tmp_path / "a.parquet")
    source = Source(id="s", sector="buildings", file="a.parquet", columns={"id": "n"})
    report = read_source(source, tmp_path, UTM, None).report
    assert report.refused == [("1", CANNOT_BE_READ), ("3", CANNOT_BE_READ)]
    assert (report.kept, report.empty) == (2, 1)


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
