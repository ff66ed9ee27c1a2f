"""Vector files, GeoParquet and zips: what is read, and what is refused with which words."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.crs import metric_crs
from gis.errors import (
    BadValue,
    ColumnMissing,
    CrsError,
    DuplicateIds,
    EmptyLayer,
    FileMissing,
    GisError,
    LayerMissing,
    UnknownFormat,
    UnreadableFile,
    UnsafePath,
    WrongEncoding,
    WrongGeometry,
)
from gis.files import input_file
from gis.layers import Layer, ReadReport
from gis.raw import Request
from gis.readers import read_context, read_coverage, read_source
from gis.sources import ContextSource, Coverage, Source
from gis.vector import read_vector

UTM = "EPSG:32632"
SQUARES = [shapely.box(500_000 + 20 * i, 5_200_000, 500_010 + 20 * i, 5_200_010) for i in range(4)]


def frame(**columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=SQUARES[: len(next(iter(columns.values())))], crs=UTM)


def read(folder: Path, file: str, crs: str = UTM, bounds: Any = None, **keys: Any) -> Layer:
    return read_source(Source(**{"id": "s", "sector": "buildings", "file": file} | keys), folder, crs, bounds)


@pytest.mark.parametrize("file", ["a.gpkg", "a.geojson", "a.fgb", "a.shp", "a.parquet"])
def test_every_format_gives_the_same_layer(tmp_path: Path, file: str) -> None:
    given = frame(code=["x", "y", "z"], floors=["1", "1,234", None], height=[3.5, np.nan, 7.0])
    stored = given.to_crs(4326) if file.endswith("geojson") else given
    stored.to_parquet(tmp_path / file) if file.endswith("parquet") else stored.to_file(tmp_path / file)
    layer = read(tmp_path, file, columns={"id": "code", "levels": "floors", "height_m": "height"}, open=True)
    assert isinstance(layer.features.index, pd.RangeIndex)
    features = layer.features.sort_values("id")  # FlatGeobuf stores features along a curve
    assert list(features["id"]) == ["x", "y", "z"]
    np.testing.assert_array_equal(features["levels"], [1, 1234, np.nan])
    np.testing.assert_array_equal(features["height_m"], [3.5, np.nan, 7])
    np.testing.assert_allclose(features.area, 100, rtol=1e-4)
    assert features.crs == UTM
    assert (layer.open, layer.report.read, layer.report.kept) == (True, 3, 3)
    json.dumps(layer.report.as_dict(), allow_nan=False)


def test_without_id_features_are_numbered(tmp_path: Path) -> None:
    frame(a=[1, 2]).to_file(tmp_path / "a.gpkg")
    assert list(read(tmp_path, "a.gpkg").features["id"]) == ["1", "2"]


def test_every_feature_is_accounted_for(tmp_path: Path) -> None:
    bowtie = shapely.Polygon([(500_100, 5_200_000), (500_110, 5_200_010), (500_110, 5_200_000), (500_100, 5_200_010)])
    far = shapely.box(700_000, 5_200_000, 700_010, 5_200_010)
    line = shapely.LineString([(500_000, 5_200_000), (500_001, 5_200_000)])
    spike = shapely.Polygon([(500_200, 5_200_000), (500_210, 5_200_000), (500_200, 5_200_000)])
    shapes = [SQUARES[0], bowtie, None, far, line, spike, SQUARES[1], SQUARES[2], SQUARES[2]]
    gdf = gpd.GeoDataFrame({"n": list("abcdefghh"), "keep": list("yyyyyynyy")}, geometry=shapes, crs=UTM)
    gdf.to_parquet(tmp_path / "a.parquet")
    box = gpd.GeoSeries([shapely.box(499_000, 5_199_000, 501_000, 5_201_000)], crs=UTM).to_crs(4326).total_bounds
    layer = read(tmp_path, "a.parquet", bounds=tuple(box), columns={"id": "n"}, where={"keep": ["y"]})
    report = layer.report
    assert list(layer.features["id"]) == ["a", "b", "h"]
    assert (report.read, report.kept, report.filtered, report.outside, report.empty) == (9, 3, 1, 1, 1)
    assert report.duplicates == 1
    assert dict(report.refused) == {
        "e": "is a LineString, expected polygon or point",
        "f": "invalid, and nothing of it is left after repair",
    }
    assert (report.repaired.count, report.repaired.ids) == (1, ["b"])
    assert report.repaired.area_before_m2 == pytest.approx(0.0)
    assert report.repaired.area_after_m2 == pytest.approx(50.0)


def test_refuse_keeps_the_reason(tmp_path: Path) -> None:
    bowtie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    gpd.GeoDataFrame({"n": [1, 2]}, geometry=[bowtie, SQUARES[0]], crs=UTM).to_file(tmp_path / "a.gpkg")
    report = read(tmp_path, "a.gpkg", columns={"id": "n"}, invalid="refuse").report
    assert [name for name, _ in report.refused] == ["1"]
    assert "Self-intersection" in report.refused[0][1]
    assert report.repaired.count == 0


def test_z_is_dropped_and_collections_are_unpacked(tmp_path: Path) -> None:
    high = shapely.force_3d(SQUARES[0], 5.0)
    mixed = shapely.GeometryCollection([SQUARES[1], shapely.Point(0, 0), shapely.GeometryCollection([SQUARES[2]])])
    gpd.GeoDataFrame({"n": [1, 2]}, geometry=[high, mixed], crs=UTM).to_parquet(tmp_path / "a.parquet")
    shapes = read(tmp_path, "a.parquet", columns={"id": "n"}).features.geometry
    assert not shapes.has_z.any()
    assert list(shapes.geom_type) == ["Polygon", "MultiPolygon"]
    assert shapes.area.tolist() == pytest.approx([100, 200])


def test_coordinates_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    line = shapely.linestrings(
        [[(500_000, 5_200_000), (np.inf, 5_200_000)], [(500_000, 5_200_000), (500_001, 5_200_000)]]
    )
    gpd.GeoDataFrame({"n": [1, 2]}, geometry=line, crs=UTM).to_parquet(tmp_path / "a.parquet")
    report = read(tmp_path, "a.parquet", sector="transport", columns={"id": "n"}).report
    assert (report.kept, report.refused[0][0]) == (1, "1")
    assert "not finite" in report.refused[0][1]


def test_crs_missing_stated_and_overridden(tmp_path: Path) -> None:
    frame(a=[1]).set_crs(None, allow_override=True).to_parquet(tmp_path / "none.parquet")
    with pytest.raises(CrsError, match=r"none\.parquet does not say its coordinate reference system"):
        read(tmp_path, "none.parquet")
    stated = read_source(Source(id="s", sector="buildings", file="none.parquet", crs=UTM), tmp_path, UTM)
    assert (stated.report.crs, stated.report.notes) == ("EPSG:32632", [])
    frame(a=[1]).to_file(tmp_path / "wrong.gpkg")
    wrong = read_source(Source(id="s", sector="buildings", file="wrong.gpkg", crs="EPSG:32633"), tmp_path, UTM)
    assert "crs overridden" in wrong.report.notes[0]
    assert wrong.features.total_bounds[0] > 900_000


def test_metres_read_as_degrees_are_noticed(tmp_path: Path) -> None:
    frame(a=[1]).set_crs(4326, allow_override=True).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(CrsError, match="cannot be degrees"):
        read(tmp_path, "a.parquet")


@pytest.mark.parametrize(
    ("crs", "says"),
    [("EPSG:4326", "is in degrees"), ("EPSG:2263", "foot"), ("EPSG:3857", "stretches"), ("EPSG:1", "not a known")],
)
def test_the_region_needs_metres(crs: str, says: str) -> None:
    with pytest.raises(CrsError, match=says):
        metric_crs(crs)


def _with(**columns: Any) -> Callable[[Path], None]:
    return lambda folder: frame(**columns).to_file(folder / "a.gpkg")


def _plain_parquet(folder: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(folder / "a.parquet")


def _layers(folder: Path) -> None:
    frame(a=[1]).to_file(folder / "a.gpkg", layer="one")
    frame(a=[1]).to_file(folder / "a.gpkg", layer="two")


def _damaged(folder: Path) -> None:
    frame(a=[1, 2, 3]).to_file(folder / "a.gpkg")
    (folder / "a.gpkg").write_bytes((folder / "a.gpkg").read_bytes()[:3000])


def _lines(folder: Path) -> None:
    gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=UTM).to_file(folder / "a.gpkg")


@pytest.mark.parametrize(
    ("make", "keys", "error", "says"),
    [
        (lambda d: None, {}, FileMissing, r"no file 'a\.gpkg'.*the folder holds: none"),
        (lambda d: (d / "A.gpkg").write_text("x"), {}, FileMissing, r"Did you mean 'A\.gpkg'"),
        (lambda d: (d / "a.gpkg").mkdir(), {}, UnsafePath, "is a folder"),
        (lambda d: (d / "a.gpkg").write_bytes(b""), {}, UnreadableFile, "is empty"),
        (lambda d: (d / "a.gpkg").write_text("<OGRVRTDataSource/>"), {}, UnreadableFile, "a VRT"),
        (lambda d: (d / "a.gml").write_text("<x/>"), {"file": "a.gml"}, UnknownFormat, "XML .* refused"),
        (lambda d: (d / "a.geojson").write_text('{"type": "Feat'), {"file": "a.geojson"}, UnreadableFile, "damaged"),
        (lambda d: (d / "a.parquet").write_bytes(b"PAR1x"), {"file": "a.parquet"}, UnreadableFile, "not a readable"),
        (_damaged, {}, UnreadableFile, "damaged|truncated"),
        (_layers, {}, LayerMissing, "has 2 layers: one, two"),
        (_layers, {"layer": "tow"}, LayerMissing, "Did you mean 'two'"),
        (_with(Floors=[1]), {"columns": {"levels": "floor"}}, ColumnMissing, "Did you mean 'Floors'"),
        (_with(a=["x", "x"]), {"columns": {"id": "a"}}, DuplicateIds, "several different features"),
        (_with(a=["x", None]), {"columns": {"id": "a"}}, DuplicateIds, "empty id"),
        (_with(a=["x"]), {"where": {"a": ["y"]}}, EmptyLayer, "the values there are: x"),
        (_with(a=["3,5"]), {"columns": {"height_m": "a"}}, BadValue, "decimal comma"),
        (_lines, {}, WrongGeometry, "LineString geometries only"),
        (_plain_parquet, {"file": "a.parquet"}, UnreadableFile, "without GeoParquet"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, make: Any, keys: dict[str, Any], error: type, says: str) -> None:
    make(tmp_path)
    with pytest.raises(error, match=says) as caught:
        read(tmp_path, **{"file": "a.gpkg"} | keys)
    assert isinstance(caught.value, GisError)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="--inputs"):
        input_file(tmp_path / "no", "a.gpkg")
    for name in ("../a.gpkg", "/vsicurl/x", "http://h/x.gpkg"):
        with pytest.raises(UnsafePath):
            input_file(tmp_path, name)


def korean_shapefile(folder: Path, name: str = "k") -> None:
    frame(name=["남대문", "동대문"]).to_file(folder / f"{name}.shp", encoding="cp949")
    (folder / f"{name}.cpg").unlink()
    raw = bytearray((folder / f"{name}.dbf").read_bytes())
    raw[29] = 0
    (folder / f"{name}.dbf").write_bytes(raw)


def of_numbers(path: Path, numbers: list[str | None], width: int, kind: bytes = b"N") -> None:
    """A shapefile whose one column, pnu, is of whole numbers of so many digits."""
    frame(pnu=[text and text.rjust(width) for text in numbers]).to_file(path)
    dbf = path.with_suffix(".dbf")
    raw = bytearray(dbf.read_bytes())
    assert raw[32 + 11 : 32 + 12] == b"C"
    head, record = int.from_bytes(raw[8:10], "little"), int.from_bytes(raw[10:12], "little")
    rows = [bytes(raw[head + k * record :][: width + 1]) for k in range(len(numbers))]
    raw[32 + 11 : 32 + 12], raw[32 + 16], raw[10:12] = kind, width, (width + 1).to_bytes(2, "little")
    dbf.write_bytes(bytes(raw[:head]) + b"".join(rows) + b"\x1a")


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("kind", [b"N", b"F"])
@pytest.mark.parametrize(
    "numbers",
    [
        ["1171010100100010001", "1171010100100010002", "1171010100100010003"],
        ["12345678901234567890", "12345678901234567891", "12345678901234567892"],
        ["7", "-9223372036854775809", "1" + "0" * 29 + "1"],
    ],
    ids=["19 digits", "20 digits", "31 digits"],
)
def test_parcels_of_a_shapefile_keep_their_digits(
    tmp_path: Path, missing: bool, kind: bytes, numbers: list[str | None]
) -> None:
    """A column N(19,0), as Korean ones have it, is of floats to GDAL, which skip whole numbers of that size."""
    numbers = [*numbers[:2], None if missing else numbers[2]]
    of_numbers(tmp_path / "p.shp", numbers, max(map(len, filter(None, numbers)), default=0), kind)
    request = Request(tmp_path / "p.shp", None, ("pnu",), {}, None, None)
    values = read_vector(request, ReadReport("s", "p.shp", None)).values["pnu"]
    assert [None if pd.isna(value) else str(value) for value in values] == numbers


def test_long_numbers_of_a_shapefile_are_ids_and_numbers_and_skip_what_is_deleted(tmp_path: Path) -> None:
    """As floats the first two were one, and the file was refused for its duplicates."""
    of_numbers(tmp_path / "p.shp", [f"1234567890123456789{k}" for k in range(4)], 20)
    layer = read(tmp_path, "p.shp", columns={"id": "pnu", "height_m": "pnu"})
    assert list(layer.features["id"]) == [f"1234567890123456789{k}" for k in range(4)]
    assert layer.features["height_m"].tolist() == [1.2345678901234567e19] * 4
    raw = bytearray((tmp_path / "p.dbf").read_bytes())
    raw[int.from_bytes(raw[8:10], "little") + 21] = ord("*")  # deleted
    (tmp_path / "p.dbf").write_bytes(raw)
    kept = read(tmp_path, "p.shp", columns={"id": "pnu"}).features
    assert list(kept["id"]) == [f"1234567890123456789{k}" for k in (0, 2, 3)]
    assert kept.geometry.bounds["minx"].tolist() == [500_000.0, 500_040.0, 500_060.0]


def test_a_number_that_its_column_had_no_room_for_is_missing(tmp_path: Path) -> None:
    of_numbers(tmp_path / "p.shp", ["*" * 20, "12345678901234567890", None], 20)
    request = Request(tmp_path / "p.shp", None, ("pnu",), {}, None, None)
    values = read_vector(request, ReadReport("s", "p.shp", None)).values["pnu"]
    assert [None if pd.isna(value) else value for value in values] == [None, "12345678901234567890", None]


def test_korean_shapefiles_without_cpg(tmp_path: Path) -> None:
    korean_shapefile(tmp_path)
    columns = {"use": "name"}
    with pytest.raises(WrongEncoding, match=r"no \.cpg.*cp949.*encoding: cp949"):
        read(tmp_path, "k.shp", columns=columns)
    with pytest.raises(WrongEncoding, match="is not utf-8"):
        read(tmp_path, "k.shp", columns=columns, encoding="utf-8")
    layer = read(tmp_path, "k.shp", columns=columns, encoding="cp949")
    assert list(layer.features["use"]) == ["남대문", "동대문"]
    with pytest.raises(WrongEncoding, match="does not decode to sensible text"):
        read(tmp_path, "k.shp", columns=columns, encoding="latin-1")
    (tmp_path / "k.cpg").write_text("UTF-8")
    with pytest.raises(WrongEncoding):
        read(tmp_path, "k.shp", columns=columns)
    (tmp_path / "k.dbf").unlink()
    with pytest.raises(UnreadableFile, match=r"no \.dbf"):
        read(tmp_path, "k.shp", columns=columns)


def test_zips_hold_one_vector_file_and_cannot_climb(tmp_path: Path) -> None:
    korean_shapefile(tmp_path)
    with zipfile.ZipFile(tmp_path / "k.zip", "w") as archive:
        for suffix in (".shp", ".shx", ".dbf", ".prj"):
            archive.write(tmp_path / f"k{suffix}", f"../../폴더/k{suffix}")
    layer = read(tmp_path, "k.zip", columns={"use": "name"}, encoding="cp949")
    assert list(layer.features["use"]) == ["남대문", "동대문"]
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.geojson", "{}")
        archive.writestr("b.geojson", "{}")
    with pytest.raises(UnknownFormat, match="holds 2 vector files"):
        read(tmp_path, "two.zip")
    (tmp_path / "cut.zip").write_bytes((tmp_path / "k.zip").read_bytes()[:500])
    with pytest.raises(UnreadableFile, match="cannot be unpacked"):
        read(tmp_path, "cut.zip")


def test_context_is_in_degrees_and_may_be_empty(tmp_path: Path) -> None:
    frame(n=["Park", "Wald"]).to_file(tmp_path / "a.gpkg")
    source = ContextSource(kind="green", file="a.gpkg", columns={"name": "n"})
    features, report = read_context(source, tmp_path)
    assert list(features.columns) == ["kind", "id", "name", "geometry"]
    assert features.crs.to_epsg() == 4326
    assert report.kept == 2
    features, report = read_context(source, tmp_path, (0.0, 0.0, 1.0, 1.0))
    assert (len(features), report.outside) == (0, 2)


def test_coverage_is_one_polygon(tmp_path: Path) -> None:
    frame(n=[1, 2]).to_file(tmp_path / "a.gpkg")
    area, _ = read_coverage(Coverage(file="a.gpkg"), tmp_path, UTM)
    assert area.area == pytest.approx(200)


def test_seattle_counts(shared: Path) -> None:
    folder, columns = shared / "data/seattle-energy-traffic-2016", {"id": "OBJECTID", "aadt": "COUNTAADT"}
    layer = read(folder, "2016_Traffic_Flow_Counts.shp", "EPSG:32610", sector="transport", columns=columns)
    assert (layer.report.read, layer.report.kept) == (1865, 1865)
    assert 0 < layer.features["aadt"].notna().sum() < 1865


def test_byeonsan_zip_is_cp949(shared: Path, tmp_path: Path) -> None:
    shutil.copy(shared / "data/korea-byeonsan-landcover-2018/BYEONSANBANDO_BNDRY.zip", tmp_path)
    source = ContextSource(kind="green", file="BYEONSANBANDO_BNDRY.zip", columns={"name": "KOR_NM"})
    with pytest.raises(WrongEncoding, match="cp949"):
        read_context(source, tmp_path)
    features, _ = read_context(source.model_copy(update={"encoding": "cp949"}), tmp_path)
    assert "변산반도" in features["name"][0]


@pytest.mark.parametrize("file", ["a.gpkg", "a.geojson", "a.fgb", "a.parquet"])
@pytest.mark.parametrize("gap", [False, True])
def test_long_whole_numbers_keep_their_digits_beside_missing_ones(tmp_path: Path, file: str, gap: bool) -> None:
    parcels = [1111010101100010001, 1111010101100010002, None if gap else 1111010101100010003]
    data = frame(pnu=pd.array(parcels, dtype="Int64"), floors=[1, 2, 3])
    if file.endswith(".parquet"):
        data.to_parquet(tmp_path / file)
    else:
        data.to_file(tmp_path / file)
    layer = read(tmp_path, file, columns={"name_ko": "pnu", "levels": "floors"}, where={"floors": ["1", "2", "3"]})
    by_floors = layer.features.sort_values("levels")  # FlatGeobuf has an order of its own
    assert by_floors["name_ko"].tolist() == [None if each is None else str(each) for each in parcels]
    kept = read(tmp_path, file, columns={"levels": "floors"}, where={"pnu": [str(parcels[0])]})
    assert kept.features["levels"].tolist() == [1.0]
