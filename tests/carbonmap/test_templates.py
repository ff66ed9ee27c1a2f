"""Templates and forms: each is whole, and each form goes through the reader that reads the filled one."""

import csv
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from accounting.assumptions import Assumptions
from accounting.control_totals import read_control_totals
from accounting.factors import FactorTable
from carbonmap.beginning.templates import (
    form_files,
    form_of,
    outlines,
    read_forms,
    read_template,
    template_for,
    template_names,
)
from carbonmap.resources import data_folder
from gis.found_layers import FoundLayer
from gis.joins import join_table
from gis.sources import COLUMNS, Join, is_our_column
from gis.transport import road_emissions
from gis.uses import USES

TEMPLATES = ("korea", "osm", "uzbekistan")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_gives_every_number_that_a_first_map_needs(name: str) -> None:
    template = read_template(name)
    data = data_folder()
    factors = FactorTable.load(data / "factors", template.factors)
    assumptions = Assumptions.load(template.assumptions, data / "schema" / "assumptions.csv")
    for found in assumptions.items.values():
        assert found.author
        assert found.reason
    levels = {use for use in USES if f"buildings.levels.{use}" in assumptions.items}
    assert levels == set(USES) - {"unheated"}
    classes = {key for key, word in factors.words.road_classes.items() if word.traffic and not word.of_class}
    assert classes <= {key.removeprefix("transport.aadt.") for key in assumptions.items}
    assert classes <= {key.removeprefix("transport.speed.") for key in assumptions.items}


@pytest.mark.parametrize("name", TEMPLATES)
def test_data_sets_map_to_columns_of_ours_and_say_where_they_are_from(name: str, project: Path) -> None:
    page = (project / "docs" / "data-sources.md").read_text("utf-8")
    for dataset in read_template(name).datasets:
        sector = "buildings" if dataset.kind == "table" else dataset.kind
        for ours, theirs in dataset.columns.items():
            assert sector in COLUMNS
            assert is_our_column(sector, ours), (dataset.id, ours)
            assert theirs in dataset.explained or theirs.endswith("_EN"), (dataset.id, theirs)
        assert dataset.url.startswith("https://")
        assert dataset.licence
        assert dataset.url.removeprefix("https://").split("/")[0] in page, dataset.id
        if dataset.recognise.columns:
            samples: dict[str, tuple[str, ...]] = dict.fromkeys(dataset.recognise.columns, ("x",))
            assert dataset.knows(FoundLayer("any.gpkg", None, "vector", samples=samples))


def around(x: float, y: float) -> tuple[float, float, float, float]:
    return (x - 0.05, y - 0.05, x + 0.05, y + 0.05)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        *(((x, y), "uzbekistan") for x, y in ((67.84, 40.12), (69.27, 41.30), (71.78, 40.38), (59.60, 42.46))),
        *(((x, y), "korea") for x, y in ((126.95, 37.55), (126.5, 33.4), (130.87, 37.5), (129.0, 35.15))),
        # in the box around Uzbekistan: Dushanbe, Shymkent, Osh, Khujand, Turkmenabat; around Korea: Kaesong, Tsushima
        *(((x, y), "osm") for x, y in ((68.77, 38.56), (69.6, 42.32), (72.8, 40.52), (69.63, 40.28), (63.58, 39.08))),
        *(((x, y), "osm") for x, y in ((126.55, 37.97), (129.3, 34.3), (24.95, 60.15))),
    ],
)
def test_a_place_gets_the_template_of_the_country_it_lies_in(place: tuple[float, float], expected: str) -> None:
    template, why = template_for(around(*place))
    assert template.id == expected
    assert (template.title in why) == (expected != "osm")


def test_data_of_a_country_get_its_template_wherever_they_are_said_to_lie() -> None:
    assert template_names() == ["korea", "uzbekistan", "osm"]
    assert set(outlines()) == {"korea", "uzbekistan"}
    assert template_for(None)[0].id == "osm"
    districts = FoundLayer(
        "districts.geojson", None, "vector", samples=dict.fromkeys(("soato", "name_uz", "name_ru"), ("x",))
    )
    template, why = template_for(None, [districts])
    assert template.id == "uzbekistan"
    assert "districts.geojson has the columns" in why
    everywhere = ("area_in_meters", "confidence", "full_plus_code")  # of Google's footprints, which a template names
    footprints = FoundLayer("footprints.csv", None, "table", samples=dict.fromkeys(everywhere, ("x",)))
    assert template_for(around(24.95, 60.15), [footprints])[0].id == "osm"


def test_near_a_border_the_choice_is_told_to_be_doubtful() -> None:
    assert "near its border" in template_for(around(69.2, 41.42))[1]
    assert "near its border" not in template_for(around(64.4, 39.8))[1]


def test_factors_of_a_capital_come_before_those_of_its_country() -> None:
    korea = read_template("korea")
    assert korea.factor_regions_of((126.9, 37.5, 127.0, 37.6))[0] == "KR 수도권"
    assert korea.factor_regions_of((129.0, 35.1, 129.1, 35.2))[0] == "KR 중부"


def test_every_column_of_every_form_is_explained_in_three_languages() -> None:
    with (data_folder() / "templates" / "forms.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert all(row[f"meaning_{language}"].strip() for row in rows for language in ("en", "ko", "ru"))
    explained = {name: [column.column for column in columns] for name, columns in read_forms().items()}
    for form in form_files():
        with form.open(encoding="utf-8", newline="") as stream:
            header = next(csv.reader(stream))
        assert header == explained[form.stem]
        assert form_of(header) == form.stem


def test_the_form_of_meters_is_read_as_it_is() -> None:
    join = Join(
        file="meters.csv", key="building_id", layout="long", year="year", month="month", carrier="carrier",
        value="value", unit_column="unit", missing_months="scale",
    )  # fmt: skip
    columns, report = join_table(pd.DataFrame({"id": ["example-1", "w1"]}), join, data_folder() / "templates")
    assert report.keys_matched == 1
    kwh = columns["electricity_kwh_2024"].to_numpy()
    assert kwh[0] == pytest.approx((412.5 + 398) * 6)
    assert "gas_m3_2024" in columns
    assert columns.loc[1].isna().all()


def test_the_form_of_counts_is_read_and_counted() -> None:
    kinds = ("aadt_car", "aadt_lgv", "aadt_hgv_rigid", "aadt_bus")
    columns = {"aadt_2024": "aadt", **{kind: kind for kind in kinds}}
    join = Join(file="counts.csv", key="road_id", layout="wide", columns=columns)
    roads = pd.DataFrame({"id": ["example-1"], "road_class": ["primary"], "speed_kmh": ["50"]})
    joined, report = join_table(roads, join, data_folder() / "templates")
    assert report.keys_matched == 1
    template = read_template("osm")
    data = data_folder()
    shape = gpd.GeoDataFrame(
        pd.concat([roads, joined], axis=1), geometry=[shapely.LineString([(5e5, 4e6), (5.01e5, 4e6)])], crs="EPSG:32642"
    )
    emissions = road_emissions(
        shape,
        years=[2024],
        factors=FactorTable.load(data / "factors", template.factors),
        assumptions=Assumptions.load(template.assumptions, data / "schema" / "assumptions.csv"),
        factor_regions=["world"],
    )
    assert emissions.counts["counted_2024"] == 1
    assert emissions.features["aadt_2024"].iloc[0] == pytest.approx(12_400)


def test_the_form_of_stands_is_read_with_its_species() -> None:
    columns: dict[str, Any] = {name: name for name in ("species", "age_years", "increment_m3_ha")}
    join = Join(file="stands.csv", key="stand_id", layout="wide", columns=columns)
    stands = pd.DataFrame({"id": ["example-1", "example-2"]})
    joined, report = join_table(stands, join, data_folder() / "templates")
    assert report.keys_matched == 2
    assert list(joined["increment_m3_ha"]) == [4.2, 1.1]
    assert joined["species"].iloc[0] == "소나무"
    assert joined["age_years"].isna().tolist() == [False, True]


def test_the_form_of_inventory_totals_is_read_as_it_is() -> None:
    totals = read_control_totals(data_folder() / "templates" / "inventory_totals.csv")
    assert [(total.value, total.unit, total.carrier, total.zone) for total in totals] == [
        (250_000, "tCO2e", "gas", ""),
        (310_000, "MWh", "electricity", ""),
    ]
    assert all(total.source for total in totals)
