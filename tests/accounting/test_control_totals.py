"""The form of control totals: what it may leave open, and how it says what is wrong."""

from pathlib import Path

import pytest

from accounting.control_totals import read_control_totals
from accounting.errors import InvalidTable

HEAD = "year,zone,sector,carrier,tco2e,mwh,uncertainty_percent,source\n"


def read(folder: Path, rows: str, head: str = HEAD):
    path = folder / "totals.csv"
    path.write_text(head + rows, encoding="utf-8")
    return read_control_totals(path)


def test_an_empty_cell_means_all(tmp_path: Path):
    (one,) = read(tmp_path, "2023,,buildings,,1200,,5,Energy agency\n")
    assert (one.zone, one.carrier, one.basis, one.value, one.unit) == ("", "", "", 1200, "tCO2e")
    assert one.sd == pytest.approx(1200 * 5 / 196)
    assert one.covers(2023, "north", "buildings", "gas", "direct")
    assert not one.covers(2022, "north", "buildings", "gas", "direct")


def test_columns_may_be_left_out(tmp_path: Path):
    (one,) = read(tmp_path, "2023,a,buildings,gas,12,x\n", "year,zone,sector,carrier,mwh,source\n")
    assert (one.unit, one.sd, one.where) == ("MWh", None, "totals.csv, row 2")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2023,a,cars,,1,,,x", "sector is 'cars'; expected one of buildings, transport, forest"),
        ("2023,a,buildings,peat,1,,,x", "carrier is 'peat'.*or nothing for all"),
        (",a,buildings,,1,,,x", "no year"),
        ("2023,a,buildings,,1,,,", "no source"),
        ("2023,a,buildings,,,,,x", "0 totals; expected one"),
        ("2023,a,buildings,,1,2,,x", "2 totals; expected one"),
        ("2023,a,buildings,,1.2.3,,,x", "must be a finite number"),
        ("2023,a,buildings,,1,,-5,x", "uncertainty_percent is -5"),
        ("2023,a,buildings,,1,,,x\n2023,a,buildings,,2,,,x", "row 3.*stands already in totals.csv, row 2"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_row(tmp_path: Path, row: str, said: str):
    with pytest.raises(InvalidTable, match=said):
        read(tmp_path, f"{row}\n")


def test_another_table_is_refused_with_the_columns_of_the_form(tmp_path: Path):
    with pytest.raises(InvalidTable, match=r"unknown: amount; missing: zone.*") as refused:
        read(tmp_path, "", "year,sector,carrier,source,amount\n")
    assert "may be tco2e, mwh" in str(refused.value)


def test_a_table_in_another_encoding_is_said_to_be(tmp_path: Path):
    path = tmp_path / "totals.csv"
    path.write_bytes((HEAD + "2023,수원,buildings,,1,,,x\n").encode("cp949"))
    with pytest.raises(InvalidTable, match="not UTF-8"):
        read_control_totals(path)
