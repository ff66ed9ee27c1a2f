"""What a region file may say of a source, and what it may not."""

from typing import Any

import pytest
from pydantic import ValidationError

from gis.sources import ContextSource, Coverage, Join, Range, Source, ZoneSet

BUILDINGS = {"id": "b", "sector": "buildings", "file": "b.gpkg"}
LONG = {"file": "m.csv", "key": "k", "layout": "long", "value": "v", "unit": "kWh", "carrier": "c", "month": "m"}


def refused(model: type, **keys: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        model(**keys)
    return str(caught.value)


@pytest.mark.parametrize(
    "file",
    ["/etc/passwd", "../x.gpkg", "a/../../x.gpkg", "http://h/x.tif", "/vsicurl/h", "C:\\x.shp", "PG:dbname=x", "~/x"],
)
def test_only_plain_files_below_the_inputs(file: str) -> None:
    assert "file is" in refused(Source, **BUILDINGS | {"file": file})


def test_a_typing_mistake_in_a_column_is_named() -> None:
    message = refused(Source, **BUILDINGS, columns={"levles": "floors"})
    assert "'levles' is not one of ours for buildings" in message
    assert "Did you mean 'levels'?" in message


def test_meters_and_names_are_columns() -> None:
    columns = {"electricity_kwh_2016": "E", "gas_therm": "G", "name_ko": "n", "use": "u"}
    assert Source(**BUILDINGS, columns=columns).columns == columns


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"colums": {}}, "Extra inputs"),
        ({"file": "b.csv"}, "is a table"),
        ({"file": "b.csv", "x": "X"}, "x and y go together"),
        ({"file": "b.csv", "x": "X", "y": "Y"}, "need a crs"),
        ({"file": "b.tif"}, "rasters are read for sector: land_cover"),
        ({"file": "b.tif", "sector": "land_cover"}, "needs classes"),
        ({"file": "b.tif", "sector": "land_cover", "classes": {1: "woods"}}, "none of"),
        ({"file": "b.osm.pbf", "layer": "building"}, "Did you mean 'buildings'?"),
        ({"sector": "population"}, "population needs columns"),
        ({"sector": "jobs", "columns": {"id": "i"}}, "jobs needs columns: {jobs:"),
        ({"where": {"a": []}}, "at least 1 item"),
        ({"where": {"a": [False]}}, "in quotes"),
        ({"coverage": {"bounds": [1, 2, 0, 3]}}, "enclose nothing"),
        ({"id": "Upper Case"}, "pattern"),
    ],
)
def test_mistakes_are_explained(keys: dict[str, Any], says: str) -> None:
    assert says in refused(Source, **BUILDINGS | keys)


def test_where_compares_text_and_ranges() -> None:
    assert Source(**BUILDINGS, where={"level": [None, 0]}).where == {"level": (None, "0")}
    source = Source(**BUILDINGS, where={"level": [8, "9"], "area": {"min": 3}})
    assert source.where == {"level": ("8", "9"), "area": Range(min=3)}


def test_year_may_be_one_or_many() -> None:
    assert Source(**BUILDINGS, year=2021).years == (2021,)
    assert Source(**BUILDINGS, years=[2021, 2022]).years == (2021, 2022)


def test_a_source_does_not_change() -> None:
    with pytest.raises(ValidationError):
        Source(**BUILDINGS).open = True


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"layout": "wide"}, "belong to layout: long"),
        ({"carrier_is": "gas"}, "either carrier"),
        ({"unit_column": "u"}, "either unit"),
        ({"month": None}, "needs year, month"),
        ({"value": None}, "needs value"),
        ({"columns": {"use": "u"}}, "belongs to layout: wide"),
    ],
)
def test_joins_say_one_thing(keys: dict[str, Any], says: str) -> None:
    assert says in refused(Join, **LONG | keys)


def test_coverage_is_one_thing() -> None:
    assert "exactly one" in refused(Coverage, bounds=(0, 0, 1, 1), zone_set="a")
    assert "exactly one" in refused(Coverage)
    assert "coverage.layer" in refused(Coverage, zone_set="a", layer="b")


def test_zone_sets_need_an_id_and_a_title() -> None:
    assert "columns: {id:" in refused(ZoneSet, id="z", title={"en": "Z"}, file="z.gpkg", columns={"name_en": "n"})
    assert "title" in refused(ZoneSet, id="z", title={}, file="z.gpkg", columns={"id": "i"})


def test_context_knows_its_columns() -> None:
    assert "not one of ours" in refused(ContextSource, kind="roads", file="r.gpkg", columns={"aadt": "x"})


def test_stops_may_be_a_table_of_places_and_jobs_may_come_by_a_join() -> None:
    stops = {"kind": "stops", "file": "gtfs/stops.txt", "x": "stop_lon", "y": "stop_lat", "crs": "EPSG:4326"}
    assert ContextSource(**stops).x == "stop_lon"
    assert "name the columns of its coordinates" in refused(ContextSource, kind="stops", file="gtfs/stops.txt")
    assert "x and y go together, with a crs" in refused(ContextSource, **stops | {"crs": None})
    join = {"file": "jobs.csv", "key": "code", "layout": "wide", "columns": {"jobs_2023": "workers"}}
    assert Source(id="j", sector="jobs", file="zones.gpkg", columns={"id": "code"}, joins=[join]).sector == "jobs"
