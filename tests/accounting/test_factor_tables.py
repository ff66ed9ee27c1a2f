import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from accounting.errors import InvalidFactor, InvalidTable
from accounting.factors import FactorTable

Edit = Callable[[dict[str, str]], dict[str, str] | None]


@pytest.fixture
def copy(factor_folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(factor_folder.parent / "schema", tmp_path / "schema")
    return shutil.copytree(factor_folder, tmp_path / "factors")


def rewrite(path: Path, edit: Edit) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [edited for row in csv.DictReader(file) if (edited := edit(row)) is not None]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def in_row(name: str, **cells: str) -> Edit:
    return lambda row: row | cells if row["id"] == name else row


def test_shipped_tables_load(factors: FactorTable) -> None:
    assert factors.rows["kr_elec_2023"].value == 0.4173
    assert {"kr_elec_0.4747", "uz_elec_official", "aadt_default_osm"} <= {gap["id"] for gap in factors.gaps}
    assert len(factors.curves.road) == 7
    assert len(factors.curves.species) == 21


def test_every_row_says_unit_source_and_confidence(factors: FactorTable) -> None:
    for row in factors.rows.values():
        assert row.unit, row.id
        assert row.source, row.id
        assert row.confidence in ("high", "medium", "low"), row.id


def test_every_emission_factor_states_its_uncertainty(factors: FactorTable) -> None:
    """The main factors; companions (CH4, N2O) are carried by the row of CO2."""
    for name in (
        "kr_elec_2023",
        "kr_citygas_m3",
        "ipcc_natgas",
        "kdhc2021_capital_co2",
        "kr_gasoline_l",
        "kr_diesel_l",
    ):
        assert factors.rows[name].u95_percent, name


@pytest.mark.parametrize(
    ("table", "edit", "message"),
    [
        (
            "electricity",
            in_row("kr_elec_2023", value="0,4173"),
            r"electricity.csv, row 2 \(kr_elec_2023\): column 'value'",
        ),
        ("electricity", in_row("kr_elec_2023", value="inf"), "must be a finite number"),
        ("electricity", in_row("kr_elec_2023", unit=""), "'unit' is missing"),
        ("electricity", in_row("kr_elec_2023", source=""), "'source' is missing"),
        ("electricity", in_row("kr_elec_2023", value=""), "status 'found' with value ''"),
        ("electricity", in_row("kr_elec_0.4747", value="0.4747"), "a gap has no value"),
        ("electricity", in_row("kr_elec_2023", id="kr_elec_2022"), "'kr_elec_2022' is used twice"),
        ("electricity", in_row("kr_elec_2023", id="ipcc_natgas"), "'ipcc_natgas' is used twice"),
        ("electricity", in_row("kr_elec_2023", unit="tCO2e/MW"), "Unit 'MW' is not known"),
        ("electricity", in_row("kr_elec_2023", unit="tCO2/MWh"), "the gas is CO2e, the unit tCO2/MWh says CO2"),
        ("electricity", in_row("kr_elec_2023", status="maybe"), "status 'maybe' is not one of"),
        ("electricity", in_row("kr_elec_2023", year_from="2024"), "year_from 2024 is after year_to 2023"),
        ("electricity", in_row("kr_elec_2023", year_from="20x3"), "column 'year_from'"),
        ("electricity", in_row("kr_elec_2023", u95_percent="-5"), "u95_percent"),
        ("electricity", in_row("kr_elec_2023", distribution="uniform"), "distribution 'uniform'"),
        ("road_curves", lambda row: None if row["id"] == "webtag_bus_diesel_c" else row, "coefficient c is missing"),
        ("road_curves", in_row("webtag_bus_diesel_c", value="x"), r"road_curves.csv, row 28 \(webtag_bus_diesel_c\)"),
        ("species", in_row("kr_larix_kaempferi_D", value="0.9"), "its coefficients give"),
        ("uptake_by_age", in_row("kr_uptake_pine_20", age_years="10"), "once per curve"),
    ],
)
def test_a_broken_table_stops_with_file_and_row(copy: Path, table: str, edit: Edit, message: str) -> None:
    rewrite(copy / f"{table}.csv", edit)
    with pytest.raises(InvalidTable, match=message):
        FactorTable.load(copy)


def test_an_unknown_or_missing_column_stops(copy: Path) -> None:
    rewrite(copy / "heat.csv", lambda row: {("colour" if name == "note" else name): cell for name, cell in row.items()})
    with pytest.raises(InvalidTable, match=r"heat.csv: columns must be .*unknown: colour; missing: note"):
        FactorTable.load(copy)


def test_a_row_of_another_length_stops(copy: Path) -> None:
    path = copy / "gwp.csv"
    path.write_text(path.read_text(encoding="utf-8") + "a,b\n", encoding="utf-8")
    with pytest.raises(InvalidTable, match=r"gwp.csv, row 10: 2 values"):
        FactorTable.load(copy)


def test_an_unknown_file_stops(copy: Path) -> None:
    (copy / "mine.csv").write_text("id\n", encoding="utf-8")
    with pytest.raises(InvalidTable, match=r"unknown table mine.csv"):
        FactorTable.load(copy)


def test_a_missing_file_stops(copy: Path) -> None:
    (copy / "gwp.csv").unlink()
    with pytest.raises(InvalidTable, match=r"gwp.csv: the table does not exist"):
        FactorTable.load(copy)


def test_an_unknown_set_of_warming_potentials_stops(factor_folder: Path) -> None:
    with pytest.raises(InvalidFactor, match="'AR9'; known are SAR, AR4, AR5, AR6"):
        FactorTable.load(factor_folder, gwp_set="AR9")


@pytest.mark.shared
def test_all_facts_of_the_science_tables_are_carried_over(
    shared: Path, factors: FactorTable, factor_folder: Path
) -> None:
    ours: dict[str, dict[str, str]] = {}
    for path in factor_folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            ours |= {row["id"]: row for row in csv.DictReader(file)}
    theirs: dict[str, dict[str, str]] = {}
    for path in (shared / "science").glob("factors_*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            theirs |= {row["id"]: row for row in csv.DictReader(file)}
    assert set(theirs) <= set(ours)
    # Written in words there, as a number here: the text stands in the note.
    reworded = {"kr_utmk", "vulcan_us_total"}
    for name, row in theirs.items():
        assert ours[name]["status"] == row["status"], name
        assert ours[name]["confidence"] == row["confidence"], name
        if name in reworded:
            continue
        assert (ours[name]["value"] == "") == (row["value"] == ""), name
        assert row["value"] == "" or float(ours[name]["value"]) == float(row["value"]), name
