"""Reference inventories: what was published, checked for its sums, and what a misread digit does."""

import json
import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from accounting.errors import InvalidTable
from accounting.inventories import (
    CATEGORIES,
    is_profile,
    read_annex1_totals,
    read_inventory,
    read_unfccc_profile,
    shipped_inventories,
)

FOLDER = Path(__file__).parents[2] / "data" / "inventories"


def test_every_inventory_that_ships_adds_up():
    for name in shipped_inventories(FOLDER):
        inventory = read_inventory(FOLDER, name)
        assert set(inventory.whole) <= set(CATEGORIES)
        assert inventory.source


def test_gyeonggi_is_the_table_that_was_published():
    gyeonggi = read_inventory(FOLDER, "gyeonggi")
    assert (len(gyeonggi.places), gyeonggi.basis, gyeonggi.year) == (31, "direct", None)
    assert gyeonggi.whole["total"] == pytest.approx(81_445_600)
    assert gyeonggi.places["수원시"]["energy"] == 3_380_000
    assert gyeonggi.places["김포시"]["lulucf"] == 14_000
    sources = {name for name, values in gyeonggi.places.items() if values["lulucf"] > 0}
    assert sources == {"부천시", "평택시", "오산시", "화성시", "김포시"}
    assert sum(values["total"] for values in gyeonggi.places.values()) == pytest.approx(81_448_000)


def test_which_rows_of_gyeonggi_are_off_by_rounding():
    """Seven and seven, by 1 kt; METHODS I4."""
    places = read_inventory(FOLDER, "gyeonggi").places
    parts = ("energy", "ippu", "agriculture", "waste")
    off = {name: row["total"] - sum(row[part] for part in parts) for name, row in places.items()}
    net = {name: row["net"] - row["total"] - row["lulucf"] for name, row in places.items()}
    assert {name: value for name, value in off.items() if value} == {
        **dict.fromkeys(("의정부시", "부천시", "고양시", "양평군", "김포시"), -1000),
        **dict.fromkeys(("의왕시", "양주시"), 1000),
    }
    assert {name: value for name, value in net.items() if value} == {
        **dict.fromkeys(("동두천시", "구리시", "안산시", "연천군", "안성시"), -1000),
        **dict.fromkeys(("화성시", "양평군"), 1000),
    }


def test_gyeonggi_agrees_with_the_oracles(shared: Path):
    oracle = json.loads((shared / "science" / "oracles.json").read_text(encoding="utf-8"))["gyeonggi"]
    gyeonggi = read_inventory(FOLDER, "gyeonggi")
    for row in oracle["rows"]:
        ours = gyeonggi.places.get(row["name"], gyeonggi.whole)
        for category in ("total", "net", "energy", "ippu", "agriculture", "lulucf", "waste"):
            assert ours[category] == pytest.approx(row[category] * 1000), (row["name"], category)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("수원시,3495,3492,3380", "수원시,3495,3492,3830", "수원시: total is 3495 kt, but energy"),
        ("수원시,3495,3492,", "수원시,3495,3429,", r"수원시: net is 3429 kt, but total \+ lulucf are 3492"),
        ("파주시,8038,7957,6608", "파주시,80380,80299,78950", "total of .* but the 31 places add up to 153790"),
        ("수원시,3495", "성남시,3495", "'성남시' is empty or stands twice"),
        ("경기도 (31개 시군 총합)", "경기도", "no row"),
        (",64\n", ",\n", "'waste' is empty"),
    ],
)
def test_a_misread_table_is_refused(tmp_path: Path, before: str, after: str, said: str):
    shutil.copytree(FOLDER, tmp_path / "inventories")
    path = tmp_path / "inventories" / "gyeonggi.csv"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(InvalidTable, match=said):
        read_inventory(tmp_path / "inventories", "gyeonggi")


def test_an_unknown_inventory_names_those_that_ship():
    with pytest.raises(InvalidTable, match="there are gyeonggi"):
        read_inventory(FOLDER, "seoul")


def profile(path: Path, **cells: Any) -> Path:
    """A spreadsheet in the layout of the UNFCCC's profiles."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data_by_sector"
    rows = [
        ("GHG emissions, Gg CO2 equivalent", "1990", "2012"),
        ("Summary Total", None, None),
        ("GHG emissions without LULUCF / LUCF", 100.0, 120.0),
        ("GHG net emissions/removals by LULUCF / LUCF", -5.0, "NE"),
        ("1. Energy ", 80.0, 95.5),
        ("1.A.3. Transport", 20.0, cells.get("transport", 25.0)),
        ("6. Waste", "NA,NO", 4.0),
        ("Average annual changes, in percent", None, None),
        ("1. Energy ", 1.1, 1.2),
    ]
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def test_a_profile_is_read_to_its_latest_year_and_notation_keys_are_no_zeros(tmp_path: Path):
    latest = read_unfccc_profile(profile(tmp_path / "UZB_ghg_profile.xlsx"))
    assert (latest.id, latest.year) == ("uzb", 2012)
    assert latest.whole == {"total": 120_000, "energy": 95_500, "transport": 25_000, "waste": 4_000}
    first = read_unfccc_profile(tmp_path / "UZB_ghg_profile.xlsx", 1990)
    assert first.whole["lulucf"] == -5_000
    assert "waste" not in first.whole


def test_what_a_profile_lacks_is_said(tmp_path: Path):
    path = profile(tmp_path / "UZB_ghg_profile.xlsx", transport="about 25")
    with pytest.raises(InvalidTable, match="no total of 2005; there is 1990, 2012"):
        read_unfccc_profile(path, 2005)
    with pytest.raises(InvalidTable, match="'about 25' is no number and no notation key"):
        read_unfccc_profile(path)
    (tmp_path / "no.xlsx").write_text("no spreadsheet")
    with pytest.raises(InvalidTable, match="no spreadsheet that can be read"):
        read_unfccc_profile(tmp_path / "no.xlsx")
    with pytest.raises(InvalidTable, match="no such file"):
        read_unfccc_profile(tmp_path / "absent.xlsx")


@pytest.mark.parametrize(
    ("country", "year", "expected"),
    [
        ("UZB", 2012, {"total": 205_270_000, "energy": None, "lulucf": None}),
        ("KOR", 2018, {"total": 727_638_000}),
    ],
)
def test_the_profiles_of_two_countries(shared: Path, country: str, year: int, expected: dict[str, float | None]):
    path = shared / "data" / "national-inventory-unfccc" / f"{country}_ghg_profile.xlsx"
    inventory = read_unfccc_profile(path)
    assert inventory.year == year
    for category, value in expected.items():
        assert category in inventory.whole
        if value is not None:
            assert inventory.whole[category] == pytest.approx(value, rel=1e-3)
    assert inventory.whole["energy"] < inventory.whole["total"]
    assert inventory.whole["net"] == pytest.approx(inventory.whole["total"] + inventory.whole["lulucf"], rel=1e-6)


def series(path: Path, last: Any = 90.5) -> Path:
    """A spreadsheet in the layout of the UNFCCC's time series of Annex I countries."""
    book = openpyxl.Workbook()
    for row in (
        ("Time Series - GHG total without LULUCF, in kt CO₂ equivalent",),
        (),
        ("Party", "Base year", "1990", "2020", "Last Inventory Year (2021)", "Change from base year to latest year"),
        ("Ruritania", 120.0, 120.0, 95.0, last, -0.25),
        ("Graustark", 1.0, 1.0, "NE", "—", -1),
        (),
        ('Note 3: – means "No data available"',),
    ):
        book.active.append(row)
    book.save(path)
    return path


def test_a_time_series_is_read_to_the_latest_year_of_the_country(tmp_path: Path):
    path = series(tmp_path / "series.xlsx")
    assert not is_profile(path)
    assert is_profile(profile(tmp_path / "UZB_ghg_profile.xlsx"))
    latest = read_annex1_totals(path, "ruritania")
    assert (latest.year, latest.whole) == (2021, {"total": 90_500})
    assert latest.title["en"].startswith("Ruritania")
    assert read_annex1_totals(path, "Ruritania", 2020).whole == {"total": 95_000}
    assert read_annex1_totals(path, "Graustark").year == 1990
    with pytest.raises(InvalidTable, match="no total of Graustark in 2021; it gives totals from 1990 to 1990"):
        read_annex1_totals(path, "Graustark", 2021)
    with pytest.raises(InvalidTable, match=r"no Party 'Note 3.*'; there are Ruritania, Graustark\."):
        read_annex1_totals(path, 'Note 3: – means "No data available"')
    with pytest.raises(InvalidTable, match="'soon' is no number"):
        read_annex1_totals(series(path, last="soon"), "Ruritania")


def test_totals_of_annex_i_countries(shared: Path):
    """The last year stands under a heading with words, and Australia has only a dash there."""
    path = shared / "data" / "national-inventory-unfccc" / "UNFCCC_Annex1_GHG_total_without_LULUCF_kt.xlsx"
    found = read_annex1_totals(path, "Liechtenstein", 2019)
    assert 150_000 < found.whole["total"] < 250_000
    austria = read_annex1_totals(path, "Austria")
    assert (austria.year, austria.whole["total"]) == (2021, pytest.approx(77_532_351.18))
    assert read_annex1_totals(path, "Australia").year == 2020
    with pytest.raises(InvalidTable, match="no Party 'Narnia'; there are Australia"):
        read_annex1_totals(path, "Narnia")
