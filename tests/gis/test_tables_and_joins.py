"""Tables with coordinates, and tables joined by key: numbers, encodings, keys and months."""

import csv
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

from gis.errors import BadValue, ColumnMissing, DuplicateIds, EmptyLayer, LayerMissing, UnreadableFile, WrongEncoding
from gis.joins import join_table
from gis.layers import JoinReport, Layer
from gis.readers import read_source
from gis.sources import Join, Range, Source
from gis.tables import read_table
from gis.values import matches, numbers, texts

KEYS = pd.DataFrame({"id": ["1", "2", "3"]})


def join(folder: Path, text: str, features: pd.DataFrame = KEYS, **keys: Any) -> tuple[pd.DataFrame, JoinReport]:
    (folder / "m.csv").write_bytes(text.encode(keys.get("encoding") or "utf-8"))
    return join_table(features, Join(**{"file": "m.csv", "key": "k"} | keys), folder)


def long(folder: Path, text: str, **keys: Any) -> tuple[pd.DataFrame, JoinReport]:
    given = {"layout": "long", "value": "v", "unit": "kWh", "carrier_is": "electricity", "month": "m"} | keys
    return join(folder, text, **given)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234", 1234), ("1,234,567.5", 1234567.5), ("12 m", 12), (" 7 ", 7), ("", None), ("N/A", None), ("1e3", 1000),
     ("3;4", None), ("EG", None), ("1.5.2", None), ("inf", None), ("0x10", None), (float("inf"), None)],
)  # fmt: skip
def test_numbers(text: Any, value: float | None) -> None:
    got, bad = numbers([text], "height_m", "x")
    np.testing.assert_array_equal(got, [np.nan if value is None else value])
    assert bad.count == (value is None and text not in ("", "N/A"))


def test_years_of_dates() -> None:
    got, bad = numbers(["1985-05", "1985.05.01", "19850501", 1985, "C19"], "year_built", "x")
    assert got[:4].tolist() == [1985] * 4
    assert (bad.count, bad.examples) == (1, ["C19"])


def test_decimal_commas_are_refused_where_they_could_mislead() -> None:
    with pytest.raises(BadValue, match="decimal comma"):
        numbers(["3,5"], "", "t", refuse_commas=True)
    assert numbers(["1,234"], "", "t", refuse_commas=True)[0][0] == 1234
    with pytest.raises(BadValue, match="decimal comma"):
        numbers(["1,234"], "", "t", refuse_commas=True, any_comma=True)
    assert numbers(["3,5"], "levels", "t")[1].count == 1


def test_texts_and_where() -> None:
    assert list(texts([1.0, "007", None, float("nan"), " a ", ""])) == ["1", "007", None, None, "a", None]
    assert matches([8, "8", 8.0, None, "9"], ("8",), "c", "x").tolist() == [True, True, True, False, False]
    assert matches([1, "2", None, "x"], Range(min=2), "c", "x").tolist() == [False, True, False, False]


@pytest.mark.parametrize("sign", [",", ";", "|", "\t"])
def test_delimiters_and_byte_order_mark(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f'"a{sign}b"{sign}c\r\n"1{sign}2"{sign}x\r\n'.encode())
    table = read_table(path)
    assert list(table.rows.columns) == [f"a{sign}b", "c"]
    assert table.rows.iloc[0].tolist() == [f"1{sign}2", "x"]
    assert table.encoding == "utf-8-sig"


@pytest.mark.parametrize(
    ("raw", "error", "says"),
    [
        (b"a,b\n", EmptyLayer, "a header and no rows"),
        (b" \n", EmptyLayer, "no text"),
        (b"a,a\n1,2\n", BadValue, "several columns named 'a'"),
        (b"a,b\n1,2,3\n4,5\n", UnreadableFile, "differ in their number"),
        (b'a,b\n"1,2\n', UnreadableFile, "a quote is open"),
        (b"a\0b\n1\n", UnreadableFile, "zero bytes"),
        ("이름,값\n가,1\n".encode("cp949"), WrongEncoding, "line 1 holds the byte 0xc0.*cp949"),
    ],
)
def test_broken_tables(tmp_path: Path, raw: bytes, error: type, says: str) -> None:
    (tmp_path / "t.csv").write_bytes(raw)
    with pytest.raises(error, match=says):
        read_table(tmp_path / "t.csv")


def test_an_unknown_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(WrongEncoding, match="'klingon' is not an encoding"):
        read_table(tmp_path / "t.csv", encoding="klingon")


def workbook(folder: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "data"
    for row in (["id", "lon", "lat", "levels", None], [1, 9.5, 47.1, "2", None], [2, None, 47.2, 3, None], [None] * 5):
        book["data"].append(row)
    book.create_sheet("notes").append(["x"])
    book.save(folder / "t.xlsx")
    return folder / "t.xlsx"


def points(folder: Path, file: str, **keys: Any) -> Layer:
    given = {"x": "lon", "y": "lat", "crs": "EPSG:4326", "columns": {"id": "id", "levels": "levels"}} | keys
    return read_source(Source(**{"id": "s", "sector": "buildings", "file": file} | given), folder, "EPSG:32632")


def test_xlsx_with_coordinates(tmp_path: Path) -> None:
    workbook(tmp_path)
    layer = points(tmp_path, "t.xlsx", layer="data")
    assert (layer.report.read, layer.report.kept, layer.report.empty) == (2, 1, 1)
    assert layer.features["id"].tolist() == ["1"]
    with pytest.raises(LayerMissing, match="2 sheets: data, notes"):
        points(tmp_path, "t.xlsx")
    with pytest.raises(LayerMissing, match=r"no sheet 'dat'.*Did you mean 'data'"):
        points(tmp_path, "t.xlsx", layer="dat")
    (tmp_path / "cut.xlsx").write_bytes((tmp_path / "t.xlsx").read_bytes()[:2000])
    with pytest.raises(UnreadableFile, match="cannot be opened as XLSX"):
        points(tmp_path, "cut.xlsx", layer="data")


def test_coordinates_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,lon,lat,levels\n1,east,north,2\n")
    with pytest.raises(BadValue, match="no readable coordinates; first values: east"):
        points(tmp_path, "t.csv")
    (tmp_path / "t.csv").write_text("id,lng,lat,levels\n1,9,47,2\n")
    with pytest.raises(ColumnMissing, match=r"no column 'lon'.*Did you mean 'lng'"):
        points(tmp_path, "t.csv")


def test_wide_join_counts_both_sides(tmp_path: Path) -> None:
    text = 'k,E,u\n1.0,"1,000",shop\n02.0,,x\n9,5,y\n,7,z\n'
    made, report = join(tmp_path, text, layout="wide", columns={"electricity_kwh_2016": "E", "use": "u"})
    np.testing.assert_array_equal(made["electricity_kwh_2016"], [1000, np.nan, np.nan])
    assert (report.rows, report.keys, report.keys_matched, report.keys_unmatched) == (4, 3, 1, 2)
    assert (report.features_unmatched, report.rows_without_key, report.values_missing) == (2, 1, 1)
    assert made["use"].tolist()[:1] == ["shop"]


def test_keys_agree_as_text_and_as_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["k", "E"], [1, 10.0], [2.0, 20], ["3", "30"]):
        book.active.append(row)
    book.save(tmp_path / "m.xlsx")
    keys = Join(file="m.xlsx", key="k", layout="wide", columns={"gas_nm3_2023": "E"})
    made, report = join_table(KEYS, keys, tmp_path)
    assert made["gas_nm3_2023"].tolist() == [10, 20, 30]
    assert report.keys_matched == 3


def test_a_key_in_several_rows(tmp_path: Path) -> None:
    text = "k,E\n1,5\n1,7\n2,1\n"
    keys: dict[str, Any] = {"layout": "wide", "columns": {"floor_area_m2": "E"}}
    with pytest.raises(DuplicateIds, match=r"1 keys of column 'k' stand in several rows, e.g. 1"):
        join(tmp_path, text, **keys)
    made, report = join(tmp_path, text, duplicates="sum", **keys)
    assert made["floor_area_m2"].tolist()[:2] == [12, 1]
    assert (report.duplicate_keys, report.duplicate_examples) == (1, ["1"])
    made, _ = join(tmp_path, text, duplicates="first", **keys)
    assert made["floor_area_m2"].tolist()[:2] == [5, 1]


def months(key: str, count: int, value: float = 10.0, year: int = 2023) -> str:
    return "".join(f"{key},{year}-{month:02d},{value}\n" for month in range(1, count + 1))


def test_long_join_sums_twelve_months_and_never_fewer(tmp_path: Path) -> None:
    text = "k,m,v\n" + months("1", 12) + months("2", 11) + months("1", 12, 20, 2024)
    made, report = long(tmp_path, text)
    np.testing.assert_array_equal(made["electricity_kwh_2023"], [120, np.nan, np.nan])
    np.testing.assert_array_equal(made["electricity_kwh_2024"], [240, np.nan, np.nan])
    assert report.incomplete_years == {"electricity_kwh_2023": 1}
    assert report.features_unmatched == 1


def test_scaling_is_asked_for_and_marked(tmp_path: Path) -> None:
    made, report = long(tmp_path, "k,m,v\n" + months("1", 12) + months("2", 6), missing_months="scale")
    np.testing.assert_array_equal(made["electricity_kwh_2023"], [120, 120, np.nan])
    np.testing.assert_array_equal(made["electricity_kwh_2023_months"], [12, 6, np.nan])
    assert report.incomplete_years == {"electricity_kwh_2023": 1}


def test_a_month_without_value_is_a_missing_month(tmp_path: Path) -> None:
    made, report = long(tmp_path, "k,m,v\n" + months("1", 11) + "1,2023-12,\n")
    assert made["electricity_kwh_2023"].isna().all()
    assert (report.values_missing, report.incomplete_years) == (1, {"electricity_kwh_2023": 1})


def test_two_meters_in_a_month_add_up(tmp_path: Path) -> None:
    made, report = long(tmp_path, "k,m,v\n" + months("1", 12) + months("1", 12, 1))
    assert made["electricity_kwh_2023"][0] == 132
    assert (report.duplicate_keys, report.duplicate_examples) == (1, ["1"])


def test_korean_meters(tmp_path: Path) -> None:
    rows = [f"1;2023;{month};{name};{value};{unit}" for month in range(1, 13)
            for name, value, unit in (("전기", 100, "kWh"), ("가스", 5, "Nm3"))]  # fmt: skip
    text = "건물;연도;월;에너지;사용량;단위\n" + "\n".join(rows)
    made, report = join(
        tmp_path, text, key="건물", layout="long", year="연도", month="월", carrier="에너지", value="사용량",
        unit_column="단위", carriers={"전기": "electricity", "가스": "gas"}, encoding="cp949",
    )  # fmt: skip
    assert (made["electricity_kwh_2023"][0], made["gas_nm3_2023"][0]) == (1200, 60)
    assert (report.columns, report.encoding) == (["electricity_kwh_2023", "gas_nm3_2023"], "cp949")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("marks", [0, 1, 2, 3])
def test_byte_order_marks_are_no_part_of_the_first_column(tmp_path: Path, marks: int, encoding: str) -> None:
    text = "\ufeff" * marks + "k,m,v\n" + months("1", 12)
    made, report = long(tmp_path, text, encoding=encoding)
    assert made["electricity_kwh_2023"][0] > 0
    assert (report.keys, report.keys_matched, report.incomplete_years) == (1, 1, {})


def test_keys_that_a_spreadsheet_wrote_as_decimals_are_whole_numbers_and_no_others_are(tmp_path: Path) -> None:
    text = "k,m,v\n" + months("1.0", 12) + months("2.00", 12) + months("2.5", 12) + months('"3,0"', 12)
    made, report = long(tmp_path, text)
    assert made["electricity_kwh_2023"].notna().tolist() == [True, False, False]
    assert (report.keys, report.keys_matched, report.keys_unmatched) == (4, 1, 3)
    assert report.keys_unmatched_examples == ["2.00", "2.5", "3,0"]
    with pytest.raises(BadValue, match=r"none of its 1 keys .*2\.00"):
        long(tmp_path, "k,m,v\n" + months("2.00", 12))


def test_yearly_rows(tmp_path: Path) -> None:
    made, report = long(tmp_path, "k,y,v\n1,2023,5\n1,2024,6\n", month=None, year="y")
    assert (made["electricity_kwh_2023"][0], made["electricity_kwh_2024"][0]) == (5, 6)
    assert report.incomplete_years == {}
    made, _ = long(tmp_path, "k,v\n1,5\n", month=None, year=2020)
    assert list(made.columns) == ["electricity_kwh_2020"]


@pytest.mark.parametrize(
    ("text", "keys", "error", "says"),
    [
        ("k,m,v\n1,Jan,5\n", {}, BadValue, "Jan; expected months such as 202301"),
        ("k,m,v\n1,202313,5\n", {}, BadValue, "202313"),
        ("k,m,y,v\n1,13,2023,5\n", {"year": "y"}, BadValue, "not a month, 1 to 12"),
        ("k,m,v\n1,202301,\"3,5\"\n", {}, BadValue, "decimal comma"),
        ("k,m,c,v\n1,202301,Strom,5\n", {"carrier_is": None, "carrier": "c"}, BadValue, "'Strom' with unit 'kWh'"),
        ("k,m,x\n1,202301,5\n", {}, ColumnMissing, "no column 'v'"),
        ("k,m,v\n1,202301,5\n", {"on": "code"}, ColumnMissing, "on: 'code' is no column of the layer"),
    ],
)  # fmt: skip
def test_mistakes_in_joins(tmp_path: Path, text: str, keys: dict[str, Any], error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        long(tmp_path, text, **keys)


def test_a_source_with_meters(tmp_path: Path) -> None:
    shapes = [shapely.Point(500_000 + i, 5_200_000) for i in range(3)]
    gpd.GeoDataFrame({"id": [1, 2, 3]}, geometry=shapes, crs="EPSG:32632").to_file(tmp_path / "b.gpkg")
    (tmp_path / "m.csv").write_text("k,m,v\n" + months("1", 12) + months("7", 12))
    meters = {
        "file": "m.csv",
        "key": "k",
        "layout": "long",
        "month": "m",
        "value": "v",
        "unit": "kWh",
        "carrier_is": "gas",
    }
    keys: dict[str, Any] = {"id": "s", "sector": "buildings", "file": "b.gpkg", "columns": {"id": "id"}}
    layer = read_source(Source(**keys, joins=[meters]), tmp_path, "EPSG:32632")
    np.testing.assert_array_equal(layer.features["gas_kwh_2023"], [120, np.nan, np.nan])
    assert layer.report.joins[0].keys_unmatched_examples == ["7"]
    with pytest.raises(DuplicateIds, match="gives gas_kwh_2023, which the source has already"):
        read_source(Source(**keys, joins=[meters, meters]), tmp_path, "EPSG:32632")


def test_sejong_register_is_piped_cp949(shared: Path) -> None:
    path = shared / "data/sejong-building-register-2017/sejong_floor_use_201701_cp949.csv"
    with pytest.raises(WrongEncoding, match="encoding: cp949"):
        read_table(path)
    table = read_table(path, encoding="cp949")
    assert (len(table.rows), table.delimiter) == (33_609, "|")
    assert table.rows["FLR_MAIN_PURPS_CD_NM"].str.contains("단독주택").any()
    keys = Join(
        file=path.name, key="MGM_BLD_PK", layout="wide", encoding="cp949", duplicates="sum",
        columns={"floor_area_m2": "FLR_TOTAREA"},
    )  # fmt: skip
    first = str(table.rows["MGM_BLD_PK"][0])
    made, report = join_table(pd.DataFrame({"id": [first]}), keys, path.parent)
    assert made["floor_area_m2"][0] > 0
    assert (report.keys, report.keys_matched, report.duplicate_keys) == (33_609, 1, 0)


def test_seattle_has_a_byte_order_mark_and_thousands(shared: Path) -> None:
    folder = shared / "data/seattle-energy-traffic-2016"
    columns = {"id": "OSEBuildingID", "floor_area_m2": "PropertyGFATotal", "electricity_kwh_2016": "Electricity(kWh)"}
    layer = points(folder, "2016_Building_Energy_Benchmarking.csv", x="Longitude", y="Latitude", columns=columns)
    assert (layer.report.kept, layer.report.encoding) == (3376, "utf-8-sig")
    assert layer.report.unparsable == {}
    assert int(layer.features["electricity_kwh_2016"].notna().sum()) == 3367
    with (folder / "2016_Building_Energy_Benchmarking.csv").open(encoding="utf-8-sig", newline="") as stream:
        expected = sum(float(row["PropertyGFATotal"].replace(",", "")) for row in csv.DictReader(stream))
    assert layer.features["floor_area_m2"].sum() == pytest.approx(expected, rel=1e-12)


def test_where_takes_missing_values_only_when_asked() -> None:
    given = [None, 0.0, 5.0, np.nan, "x"]
    assert matches(given, ("0", None), "c", "f").tolist() == [True, True, False, True, False]
    assert matches(given, ("0", "None", "nan"), "c", "f").tolist() == [False, True, False, False, False]
    assert matches(given, (None,), "c", "f").tolist() == [True, False, False, True, False]
