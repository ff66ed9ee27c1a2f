"""Meters joined from tables of any format, in blocks: one meaning, exact sums, whatever the order of rows."""

import datetime
import math
import pickle
import tracemalloc
from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gis.joins
import gis.table_blocks
from gis.errors import BadValue, ColumnMissing, DuplicateIds, EmptyLayer, LayerMissing, UnknownFormat, UnreadableFile
from gis.joins import JoinedTable, join_table
from gis.key_index import KeyIndex
from gis.layers import JoinReport
from gis.meter_kernels import _add, rounded
from gis.odd_readings import OddReadings
from gis.parquet_files import told_by_row_group
from gis.sources import Join

IDS = [f"B{number:04d}" for number in range(60)]
CARRIERS = {"전기": "electricity", "가스": "gas", "heat": "heat"}
LONG: dict[str, Any] = {
    "key": "building", "layout": "long", "month": "month", "carrier": "carrier", "carriers": CARRIERS, "value": "kwh",
    "unit": "kWh", "repeats": "sum",
}  # fmt: skip

MONTHLY = pa.schema({"building": pa.string(), "carrier": pa.string(), "month": pa.int64(), "kwh": pa.float64()})


def readings(seed: int = 1) -> pd.DataFrame:
    """Rows with everything that happens: several meters, repeated rows, gaps, strangers, rows without key."""
    rng = np.random.default_rng(seed)
    rows = [
        (key, f"{year}{month:02d}", carrier, round(float(rng.lognormal(5, 3)), 3))
        for key in [*IDS[:50], "X1", "X2", "X10"]
        for year in (2022, 2023)
        for month in range(1, 13)
        for carrier in CARRIERS
        if rng.random() < 0.995
    ]
    frame = pd.DataFrame(rows, columns=["building", "month", "carrier", "kwh"])
    again = frame.sample(120, random_state=3)
    frame = pd.concat([frame, again, again.assign(kwh=lambda part: part["kwh"] * 3 + 0.1)], ignore_index=True)
    frame.loc[frame.sample(40, random_state=4).index, "kwh"] = np.nan
    frame.loc[again.index[:5], "kwh"] = np.nan  # a missing reading beside two that are there
    frame.loc[frame.sample(20, random_state=5).index, "kwh"] = 0.0
    frame.loc[frame.sample(7, random_state=6).index, "building"] = None
    frame.loc[frame.sample(9, random_state=7).index, "kwh"] = 1e-25  # does not fit 128 bits
    return frame.sample(frac=1, random_state=8).reset_index(drop=True)


def expected(frame: pd.DataFrame, ids: list[str], missing_months: str = "null") -> tuple[pd.DataFrame, JoinReport]:
    """The same by dictionaries and fractions."""
    report = JoinReport("m", rows=len(frame), rows_without_key=int(frame["building"].isna().sum()))
    months: dict[tuple[str, str, int], list[Fraction | None]] = defaultdict(list)
    same: Counter[tuple[Any, ...]] = Counter()
    for key, month, carrier, value in frame.dropna(subset=["building"]).itertuples(index=False):
        column = f"{CARRIERS[carrier]}_kwh_{month[:4]}"
        missing = math.isnan(value)
        months[key, column, int(month[4:])].append(None if missing else Fraction(value))
        report.values_missing += missing
        if not missing and value:
            same[key, column, month, value] += 1
    report.repeated_rows = sum(count - 1 for count in same.values())
    several = sorted({key for (key, _, _), values in months.items() if len(values) > 1})
    report.duplicate_keys, report.duplicate_examples = len(several), several[:5]
    years: dict[tuple[str, str], list[Fraction]] = defaultdict(list)
    for (key, column, _), values in months.items():
        if None not in values:
            years[key, column].append(sum(values, Fraction(0)))  # type: ignore[arg-type]
    keys = {key for key, _, _ in months}
    made: dict[str, dict[str, float]] = defaultdict(dict)
    short: Counter[str] = Counter()
    for (key, column), known in years.items():
        total = float(sum(known, Fraction(0)))
        made[column]
        if len(known) < 12:
            short[column] += 1
        if missing_months == "scale":
            made[column][key] = total * 12 / len(known) if len(known) < 12 else total
            made[f"{column}_months"][key] = len(known)
        elif len(known) == 12:
            made[column][key] = total
    columns = sorted(column for column in made if not column.endswith("_months") or short[column[:-7]])
    report.incomplete_years = dict(sorted(short.items()))
    report.keys, report.keys_matched = len(keys), len(keys & set(ids))
    report.keys_unmatched, report.keys_unmatched_examples = len(keys - set(ids)), sorted(keys - set(ids))[:5]
    report.features_unmatched, report.columns = len(set(ids) - keys), columns
    return pd.DataFrame({name: [made[name].get(key, np.nan) for key in ids] for name in columns}), report


def write(frame: pd.DataFrame, folder: Path, kind: str) -> str:
    if kind == "csv":
        frame.to_csv(folder / "m.csv", index=False)
        return "m.csv"
    table = pa.Table.from_pandas(frame, preserve_index=False)
    place = {name: index for index, name in enumerate(frame.columns)}
    if kind in ("dates", "times"):
        days = pa.array([datetime.date(int(month[:4]), int(month[4:]), 1) for month in frame["month"]])
        days = days.cast(pa.timestamp("us")) if kind == "times" else days
        table = table.set_column(place["month"], "month", days)
    elif kind == "coded":
        table = table.set_column(place["month"], "month", pa.array(frame["month"].astype(int), pa.int32()))
        table = table.set_column(place["carrier"], "carrier", table["carrier"].dictionary_encode())
    elif kind == "words":
        table = table.set_column(place["building"], "building", table["building"].cast(pa.large_string()))
        table = table.set_column(
            place["kwh"], "kwh", pa.array([None if np.isnan(v) else repr(v) for v in frame["kwh"]])
        )
    pq.write_table(table, folder / "m.parquet", row_group_size=701, use_dictionary=kind != "plain")
    return "m.parquet"


@pytest.mark.parametrize("kind", ["csv", "plain", "coded", "dates", "times", "words"])
@pytest.mark.parametrize("missing_months", ["null", "scale"])
def test_every_format_means_the_same(
    tmp_path: Path, kind: str, missing_months: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gis.table_blocks, "_BLOCK_ROWS", 500)
    monkeypatch.setattr(gis.joins, "_BATCH_ROWS", 16)
    frame = readings()
    join = Join(file=write(frame, tmp_path, kind), missing_months=missing_months, **LONG)
    wanted, told = expected(frame, IDS, missing_months)
    made, report = join_table(pd.DataFrame({"id": IDS}), join, tmp_path)
    pd.testing.assert_frame_equal(made, wanted, check_exact=True)
    assert report.encoding.lower() == "utf-8"
    told.file, told.encoding = report.file, report.encoding
    assert report == told
    assert report.repeated_rows > 50
    joined = pickle.loads(pickle.dumps(JoinedTable.make(pa.array(IDS), join, tmp_path, tmp_path / "work/m.arrow")))
    assert joined.report == told
    for first, last in ((0, 60), (15, 17), (16, 32), (31, 60), (60, 60)):
        pd.testing.assert_frame_equal(joined.rows(first, last), wanted.iloc[first:last], check_exact=True)
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["m.arrow", "m.arrow.sha256"]


@pytest.mark.parametrize("kind", ["csv", "plain"])
def test_rows_that_repeat_others_count_once_where_the_region_file_says_so(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gis.table_blocks, "_BLOCK_ROWS", 500)
    frame = readings()
    join = Join(file=write(frame, tmp_path, kind), **LONG | {"repeats": "once"})
    made, report = join_table(pd.DataFrame({"id": IDS}), join, tmp_path)
    given = frame.dropna(subset=["kwh"]).drop_duplicates()
    single = pd.concat([given, frame[frame["kwh"].isna()]])
    assert len(single) < len(frame) - 50
    wanted, _ = expected(single, IDS)
    pd.testing.assert_frame_equal(made, wanted, check_exact=True)
    assert report.repeated_rows == expected(frame, IDS)[1].repeated_rows
    assert report.repeats_count_once


def test_rows_that_repeat_others_are_refused_by_default(tmp_path: Path) -> None:
    """Two rows may read alike by chance, or a file was appended twice: whoever made it knows."""
    repeats = expected(readings(), IDS)[1].repeated_rows
    plain = {key: value for key, value in LONG.items() if key != "repeats"}
    join = Join(file=write(readings(), tmp_path, "plain"), **plain)
    with pytest.raises(
        BadValue, match=rf"m.parquet: {repeats} of its \d+ rows repeat another one .*B0\d+.*repeats: once"
    ):
        join_table(pd.DataFrame({"id": IDS}), join, tmp_path)
    twice = readings().drop_duplicates(["building", "month", "carrier"])
    made, report = join_table(pd.DataFrame({"id": IDS}), Join(file=write(twice, tmp_path, "plain"), **plain), tmp_path)
    assert (report.repeated_rows, report.repeats_count_once) == (0, False)
    pd.testing.assert_frame_equal(made, expected(twice, IDS)[0], check_exact=True)


def test_the_order_of_rows_changes_no_byte(tmp_path: Path) -> None:
    frame = readings()
    made = []
    for order in (frame, frame[::-1], frame.sort_values(["carrier", "kwh"])):
        join = Join(file=write(order, tmp_path, "plain"), **LONG)
        made.append(JoinedTable.make(IDS, join, tmp_path, tmp_path / "m.arrow").path.read_bytes())
    assert made[0] == made[1] == made[2]


WHOLE = {"key": "k", "layout": "wide", "columns": {"floor_area_m2": "v", "use": "u"}}


@pytest.mark.parametrize("point", ["", ".0"])
@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.uint64(), pa.float64(), pa.string(), pa.decimal128(9, 0)])
def test_keys_agree_whatever_holds_them(tmp_path: Path, kind: pa.DataType, point: str) -> None:
    keys: list[Any] = [7, 12, None, 900]
    held = [None if key is None else f"{key}{point}" for key in keys] if kind == pa.string() else keys
    if pa.types.is_decimal(kind):
        held = [None if key is None else Decimal(key) for key in keys]
    table = pa.table({"k": pa.array(held, kind), "v": [1.0, 2.0, 3.0, 4.0], "u": ["a", "b", "c", "d"]})
    pq.write_table(table, tmp_path / "w.parquet")
    join = Join(file="w.parquet", **WHOLE)
    for ids in (
        [" 12\u3000", "007", 7.0, None, "9 00", "900.00", 12],
        pa.array(["12 ", "007", "7.0 ", None, "9 00", "0900.0", "12.0"]),
        pa.chunked_array([["12"], ["007", "7", None, "", "x.0", "12"]]),
    ):
        joined = JoinedTable.make(ids, join, tmp_path, tmp_path / "w.arrow")
        np.testing.assert_array_equal(joined.rows(0, 7)["floor_area_m2"], [2, np.nan, 1, np.nan, np.nan, np.nan, 2])
        assert joined.rows(0, 7)["use"].tolist() == ["b", None, "a", None, None, None, "b"]
        report = joined.report
        assert (report.keys, report.keys_matched, report.rows_without_key) == (3, 2, 1)
        assert (report.keys_unmatched_examples, report.features_unmatched) == (["900"], 4)
    made = JoinedTable.make(np.array([900, 7, -1]), join, tmp_path, tmp_path / "w.arrow").rows(0, 3)
    np.testing.assert_array_equal(made["floor_area_m2"], [4, 1, np.nan])


def test_large_whole_numbers_are_keys_too() -> None:
    index = KeyIndex(whole=True)
    given = [str(2**63 - 1), str(2**63), str(-(2**62)), "-0", "", "1" * 30]
    assert index.find(pa.array([2**63 - 1, -(2**62), 5]), grow=True).tolist() == [0, 1, 2]
    assert index.find(given).tolist() == [0, -1, 1, -1, -1, -1]
    assert index.smallest(np.ones(3, dtype=bool), 2) == [str(-(2**62)), "5"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_text_with_point_zero_is_the_whole_number(whole: bool) -> None:
    index = KeyIndex(whole)
    keys = pa.array([0, 7, -7, 10, 100]) if whole else pa.array(["0.0", " 7.0", "-7", "10.0", "100"])
    assert index.find(keys, grow=True).tolist() == [0, 1, 2, 3, 4]
    assert index.find(["0", "7", "-7.0", "10", "100.0\u3000"]).tolist() == [0, 1, 2, 3, 4]
    others = ["-0.0", "-0", "007.0", "7.00", "7.", ".0", "-.0", "1a.0", "7.0.0", "7,0", "--7.0", "+7.0", "7 .0"]
    assert set(index.find(others).tolist()) == {-1}
    assert index.find(pa.array(["-", "0.0", "x", "7.0"])).tolist() == [-1, 0, -1, 1]
    assert index.smallest(np.ones(5, dtype=bool), 5) == ["-7", "0", "10", "100", "7"]


def test_white_space_around_keys_is_that_of_python() -> None:
    signs = [chr(code) for code in range(0x10000) if chr(code).isspace() and not 0xD800 <= code < 0xE000]
    near = ["", "가", "あ", "â", "\u200b", "\u2070", "\u3001", "\u1681", "é"]
    keys = [f"{a}{b}key{a}{b}" for a in [*signs, *near] for b in ("", " ", "\u00a0")] + [sign * 2 for sign in signs]
    numbers: dict[str | None, int] = {}
    wanted = [numbers.setdefault(key.strip(), len(numbers)) if key.strip() else -1 for key in keys]
    assert KeyIndex(whole=False).find(pa.array(keys), grow=True).tolist() == wanted


def test_many_keys_find_room(tmp_path: Path) -> None:
    index = KeyIndex(whole=False)
    keys = pa.array([f"key-{number * 7919 % 100_003:x}" for number in range(100_003)])
    assert set(index.find(keys).tolist()) == {-1}
    first = index.find(keys, grow=True)
    assert np.array_equal(first, np.arange(100_003))
    shuffled = np.random.default_rng(2).permutation(100_003)
    assert np.array_equal(index.find(keys.take(pa.array(shuffled))), shuffled)
    assert len(index) == 100_003
    assert index.smallest(first >= 0, 3) == sorted(keys.to_pylist())[:3]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.floats(-(2.0**46), 2.0**46, allow_nan=False).map(lambda v: v if abs(v) > 2.0**-20 else 0.0), max_size=30
    )
)
def test_sums_are_exact_and_rounded_once(values: list[float]) -> None:
    low, high = np.zeros(1, dtype=np.uint64), np.zeros(1, dtype=np.int64)
    total = Fraction(0)
    for value in values:
        if _add(low, high, 0, value):
            total += Fraction(value)
        else:  # only what has no place in 2**-80, or sums beyond 2**47
            assert Fraction(value) * 2**80 % 1 or abs(total + Fraction(value)) >= 2**47 or abs(value) == 2.0**46
    assert rounded(low[0], high[0]) == float(total) == math.fsum([float(total)])


@pytest.mark.parametrize("unit", [2.0**-80, 1.0, 2.0**45])
@pytest.mark.parametrize("more", [0, 1, 2**11, 2**11 - 1, 2**11 + 1, 3 * 2**11, 2**12])
@pytest.mark.parametrize("sign", [1, -1])
def test_ties_go_to_even(unit: float, more: int, sign: int) -> None:
    low, high = np.zeros(1, dtype=np.uint64), np.zeros(1, dtype=np.int64)
    smallest = unit * 2.0**-46 if unit > 1e-20 else unit
    parts = [sign * value for value in (smallest * 2.0**64 if unit < 2.0**40 else unit, smallest * more, smallest)]
    assert all(_add(low, high, 0, value) for value in parts if abs(value) < 2.0**46)
    wanted = sum((Fraction(value) for value in parts if abs(value) < 2.0**46), Fraction(0))
    assert rounded(low[0], high[0]) == float(wanted)


def test_a_sum_without_end_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"building": "B0001", "month": [f"2023{m:02d}" for m in range(1, 13)], "carrier": "heat"})
    join = Join(file=write(frame.assign(kwh=1e308), tmp_path, "plain"), **LONG)
    with pytest.raises(BadValue, match=r"m.parquet: heat_kwh_2023 of B0001 adds up to more than any number"):
        join_table(pd.DataFrame({"id": IDS}), join, tmp_path)
    join = Join(file=write(frame.assign(kwh=1e300), tmp_path, "plain"), **LONG)
    made, _ = join_table(pd.DataFrame({"id": IDS}), join, tmp_path)
    assert made["heat_kwh_2023"][1] == math.fsum([1e300] * 12)


def test_readings_that_are_no_numbers_are_told(tmp_path: Path) -> None:
    frame = pd.DataFrame({"building": "B0001", "month": [f"2023{m:02d}" for m in range(1, 13)], "carrier": "heat"})
    for values, examples in (([1.0] * 11 + [np.inf], ["inf"]), (["1"] * 10 + ["EG", "-"], ["EG"])):
        join = Join(file=write(frame.assign(kwh=values), tmp_path, "plain"), **LONG)
        made, report = join_table(pd.DataFrame({"id": IDS}), join, tmp_path)
        assert made["heat_kwh_2023"].isna().all()
        assert (report.unparsable["kwh"].count, report.unparsable["kwh"].examples) == (1, examples)


def test_where_and_footers_without_key(tmp_path: Path) -> None:
    frame = readings().assign(region="a")
    odd = pd.DataFrame(
        {"building": [" ", "B0001"], "month": ["total", "none"], "carrier": ["?", "?"], "kwh": [1.0, 2.0]}
    )
    frame = pd.concat([frame, odd.assign(region=["a", "b"])], ignore_index=True)
    join = Join(file=write(frame, tmp_path, "plain"), where={"region": ["a"]}, **LONG)
    made, report = join_table(pd.DataFrame({"id": IDS}), join, tmp_path)
    wanted, told = expected(frame.iloc[:-2].drop(columns="region"), IDS)
    pd.testing.assert_frame_equal(made, wanted, check_exact=True)
    assert (report.filtered, report.rows_without_key) == (1, told.rows_without_key + 1)
    join = Join(file="m.parquet", where={"region": ["z"]}, **LONG)
    joined = JoinedTable.make(IDS, join, tmp_path, tmp_path / "m.arrow")
    assert (joined.rows(3, 9).shape, joined.report.keys, joined.report.columns) == ((6, 0), 0, [])
    with pytest.raises(IndexError, match="holds rows 0 to 60; asked for 50 to 61"):
        joined.rows(50, 61)


def test_years_in_a_column_and_yearly_rows(tmp_path: Path) -> None:
    months = pd.DataFrame([("1", year, month, month * 1.5) for year in (2020, 2021) for month in range(1, 13)])
    months.columns = pd.Index(["building", "y", "m", "kwh"])
    plain = {"key": "building", "layout": "long", "carrier_is": "gas", "value": "kwh", "unit": "kWh", "year": "y"}
    join = Join(file=write(months.astype({"y": float}), tmp_path, "plain"), month="m", **plain)
    made, _ = join_table(pd.DataFrame({"id": ["1"]}), join, tmp_path)
    assert made.to_dict("list") == {"gas_kwh_2020": [117.0], "gas_kwh_2021": [117.0]}
    made, report = join_table(pd.DataFrame({"id": ["1"]}), Join(file=join.file, **plain), tmp_path)
    assert (made.to_dict("list"), report.incomplete_years) == ({"gas_kwh_2020": [117.0], "gas_kwh_2021": [117.0]}, {})


@pytest.mark.parametrize("duplicates", ["sum", "first", "refuse"])
def test_wide_tables_mean_the_same_in_every_format(
    tmp_path: Path, duplicates: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gis.table_blocks, "_BLOCK_ROWS", 3)
    rows = [("1", 0.1, None), ("2", None, "shop"), ("1", 0.2, "x"), ("2", None, None), ("1", 0.3, "y"), ("3", 5, " ")]
    frame = pd.DataFrame(rows, columns=["k", "v", "u"])
    seen = []
    for kind in ("csv", "plain"):
        join = Join(file=write(frame, tmp_path, kind), duplicates=duplicates, **WHOLE)
        if duplicates == "refuse":
            with pytest.raises(DuplicateIds, match=r"2 keys of column 'k' stand in several rows, e.g. 1, 2; say what"):
                join_table(pd.DataFrame({"id": ["1", "2", "3", "4"]}), join, tmp_path)
            continue
        made, report = join_table(pd.DataFrame({"id": ["1", "2", "3", "4"]}), join, tmp_path)
        area = math.fsum([0.1, 0.2, 0.3]) if duplicates == "sum" else 0.1
        np.testing.assert_array_equal(made["floor_area_m2"], [area, np.nan, 5, np.nan])
        assert made["use"].tolist() == ["x" if duplicates == "sum" else None, "shop", None, None]
        assert (report.values_missing, report.duplicate_keys, report.duplicate_examples) == (2, 2, ["1", "2"])
        report.file, report.encoding = "", ""
        seen.append(report)
    assert all(report == seen[0] for report in seen)


def test_features_that_share_a_key_each_get_its_values(tmp_path: Path) -> None:
    pq.write_table(pa.table({"k": [1, 2], "v": [5, 6], "u": ["a", "b"]}), tmp_path / "w.parquet")
    features = pd.DataFrame({"id": ["x", "y", "z"], "lot": ["2", "2", None]}, index=[5, 6, 9])
    made, report = join_table(features, Join(file="w.parquet", on="lot", **WHOLE), tmp_path)
    np.testing.assert_array_equal(made["floor_area_m2"], [6, 6, np.nan])
    assert made.index.tolist() == [5, 6, 9]
    assert (report.keys_matched, report.keys_unmatched, report.features_unmatched) == (1, 1, 1)


def test_broken_parquet_tables(tmp_path: Path) -> None:
    features = pd.DataFrame({"id": IDS})
    table = pa.table({"k": ["1"], "v": [[1.0]], "u": ["a"]})
    pq.write_table(table, tmp_path / "w.parquet")
    for changes, error, says in (
        ({}, BadValue, r"w.parquet, column 'v' holds list<\w+: double>; expected one value per row"),
        ({"columns": {"use": "x"}}, ColumnMissing, "w.parquet has no column 'x'"),
        ({"layer": "s"}, LayerMissing, "a Parquet table has no sheets; drop layer: s"),
        ({"columns": {"use": "u"}}, BadValue, r"none of its 1 keys \(column 'k': 1\) is in 'id'.*B0000, B0001"),
    ):
        with pytest.raises(error, match=says):
            join_table(features, Join(**{"file": "w.parquet"} | WHOLE | changes), tmp_path)
    whole = (tmp_path / "w.parquet").read_bytes()
    (tmp_path / "w.parquet").write_bytes(whole[:-20])
    with pytest.raises(UnreadableFile, match=r"w.parquet cannot be read as Parquet .*damaged or truncated"):
        join_table(features, Join(file="w.parquet", **WHOLE), tmp_path)
    pq.write_table(table.slice(0, 0), tmp_path / "w.parquet")
    with pytest.raises(EmptyLayer, match="columns and no rows"):
        join_table(features, Join(file="w.parquet", **WHOLE | {"columns": {"use": "u"}}), tmp_path)
    (tmp_path / "w.geojson").write_text("{}")
    with pytest.raises(UnknownFormat, match="no table"):
        join_table(features, Join(file="w.geojson", **WHOLE), tmp_path)


@pytest.mark.parametrize("wrong", [b"\xff", b"\xc3"])
def test_a_page_of_what_is_no_text(tmp_path: Path, wrong: bytes) -> None:
    table = pa.Table.from_pandas(readings(), preserve_index=False)
    for word in (b"B0017", "전기".encode()):  # a key, which is only compared, and a word, which is looked at
        pq.write_table(table, tmp_path / "m.parquet", compression="NONE", use_dictionary=False)
        raw = (tmp_path / "m.parquet").read_bytes()
        (tmp_path / "m.parquet").write_bytes(raw.replace(word, wrong + word[1:]))
        with pytest.raises(UnreadableFile, match=r"m.parquet cannot be read as Parquet .*damaged or truncated"):
            join_table(pd.DataFrame({"id": IDS}), Join(file="m.parquet", **LONG), tmp_path)


def test_an_amount_that_changed_on_its_way_is_told_by_its_row_group(tmp_path: Path) -> None:
    table = pa.table(
        {"b": ["B0001"] * 6, "m": [202301 + row for row in range(6)], "c": ["gas"] * 6, "v": [4.0] * 5 + [7.5]}
    )
    path = tmp_path / "m.parquet"
    how: dict[str, Any] = {"row_group_size": 2, "compression": "NONE", "use_dictionary": False}
    join = Join(file="m.parquet", **LONG | {"key": "b", "month": "m", "carrier": "c", "value": "v"})
    for checked in (False, True):
        pq.write_table(table, path, write_page_checksum=checked, write_statistics=False, **how)
        raw = path.read_bytes()
        assert raw.count(np.float64(7.5).tobytes()) == 1
        path.write_bytes(raw.replace(np.float64(7.5).tobytes(), np.float64(9.5).tobytes()))
        if not checked:  # nobody can know
            assert join_table(pd.DataFrame({"id": ["B0001"]}), join, tmp_path)[1].rows == 6
    says = r"m.parquet cannot be read as Parquet in row group 3 of 3 \(rows 5 to 6\) \(.*\); .*copy it again"
    with pytest.raises(UnreadableFile, match=says):
        join_table(pd.DataFrame({"id": ["B0001"]}), join, tmp_path)


def test_trouble_that_is_not_the_files_is_not_called_damage(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    pq.write_table(pa.table({"b": ["B0001"]}), path)
    with pytest.raises(pa.ArrowMemoryError, match="malloc"), told_by_row_group(path, ["b"]):
        raise pa.ArrowMemoryError("malloc of size 64 failed")
    unknown = r"m.parquet is Parquet that uses what this pyarrow \(.+\) cannot read \(Delta .*\): write it anew"
    with pytest.raises(UnreadableFile, match=unknown), told_by_row_group(path, ["b"]):
        raise pa.ArrowNotImplementedError("Delta encoding of FLBA")
    with pytest.raises(OSError, match="end of stream") as told, told_by_row_group(path, ["b"], elsewhere=True):
        raise pa.ArrowInvalid("Unexpected end of stream")
    assert isinstance(told.value.__cause__, pa.ArrowInvalid)
    reset = ConnectionResetError("reset by peer")
    with pytest.raises(ConnectionResetError) as same, told_by_row_group(path, ["b"], elsewhere=True):
        raise reset
    assert same.value is reset


def test_progress_is_told_from_start_to_end(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    join = Join(file=write(readings(), tmp_path, "plain"), **LONG)
    JoinedTable.make(IDS, join, tmp_path, tmp_path / "m.arrow", lambda text, done: told.append((text, done)))
    assert {text for text, _ in told} == {"joining m.parquet", "joining m.parquet, months with several rows"}
    first = [done for text, done in told if text == "joining m.parquet"]
    assert (first[0], first[-1]) == (0.0, 1.0)
    assert first == sorted(first)


def test_odd_readings_are_grouped_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis.odd_readings._ROWS_AT_ONCE", 7)
    cells = np.repeat(np.arange(10), 3).astype(np.int64)
    months = np.ones(30, dtype=np.int32)
    with OddReadings(tmp_path) as odd:
        for values in (np.tile([0.1, 0.2, np.nan], 10), np.tile([0.1, 0.0, 0.3], 10)):
            odd.add(cells, months, values, ~np.isnan(values))
        assert odd.repeated() == 10
        places, sums = odd.sums()
    assert sorted(places.tolist()) == list(range(10))
    assert sums.tolist() == [math.fsum([0.1, 0.2, 0.1, 0.3])] * 10
    assert not list(tmp_path.iterdir())


def peak_bytes(folder: Path, features: int) -> int:
    """The most that a join of two months of three carriers holds at once, beside Arrow's blocks."""
    keys = np.repeat(np.arange(features), 3)
    words = pa.array([f"B{number:08d}" for number in range(features)])
    with pq.ParquetWriter(folder / "m.parquet", MONTHLY, use_dictionary=["carrier"]) as writer:
        for month in (202301, 202302):
            carriers = np.tile(np.array(list(CARRIERS)), features)
            columns = [words.take(pa.array(keys)), pa.array(carriers), np.full(len(keys), month), np.ones(len(keys))]
            writer.write_table(pa.Table.from_arrays([pa.array(c) for c in columns], schema=MONTHLY), 30_000)
    join = Join(file="m.parquet", **LONG)
    JoinedTable.make(words[:10], join, folder, folder / "m.arrow")  # compiled, imported
    tracemalloc.start()
    try:
        JoinedTable.make(words, join, folder, folder / "m.arrow")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_follows_keys_and_columns_and_nothing_else(tmp_path: Path) -> None:
    few, many = (peak_bytes(tmp_path, features) for features in (30_000, 120_000))
    assert (many - few) / 90_000 < 1.5e9 / 7.2e6  # a nation's meters join in 1.5 GB


def test_keys_coded_in_as_few_bits_as_hold_them_may_be_missing():
    words = [f"k{n}" for n in range(128)]  # all that a code of eight bits can name
    index = KeyIndex(whole=False)
    index.find(pa.array(words), grow=True)
    coded = pa.DictionaryArray.from_arrays(pa.array([127, None, 0], pa.int8()), pa.array(words))
    assert index.find(coded).tolist() == [127, -1, 0]
