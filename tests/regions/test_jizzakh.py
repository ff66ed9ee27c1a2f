"""Jizzakh: 13 real districts in four languages, and its own region file on generated inputs of its real extent."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
import yaml
from pyproj import Geod

from bench.jizzakh_inputs import DISTRICTS, EXTRACT, TILES, Jizzakh, write_jizzakh
from carbonmap.build import build_region
from carbonmap.check import check_region
from carbonmap.inputs import named_files
from carbonmap.progress import Silent
from carbonmap.region import RegionFile
from carbonmap.resources import data_folder, region_files
from grids.edition import Edition, Store

OFFICIAL_KM2 = 21_210
LANGUAGES = ("uz", "ru", "en", "ko")
SIZE = Jizzakh(buildings=1_200, pixels=120)


@pytest.fixture(scope="module")
def districts() -> list[dict[str, Any]]:
    """Features of the outlines that ship."""
    document = json.loads((data_folder() / "regions" / DISTRICTS).read_text("utf-8"))
    features: list[dict[str, Any]] = document["features"]
    return features


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """Built from generated inputs; coarse ones, and 500 m cells, so that it takes seconds."""
    folder = tmp_path_factory.mktemp("jizzakh")
    region = write_jizzakh(folder, SIZE, lambda _what: None)
    region.write_text(region.read_text("utf-8").replace("sizes_m: [1000, 500, 100]", "sizes_m: [1000, 500]"), "utf-8")
    report = check_region(region)
    assert report.buildable, report.parts
    build_region(region, None, folder / "store", progress=Silent())
    return Store(folder / "store").open("jizzakh")


def test_twelve_districts_and_a_city_have_codes_and_names_in_four_languages(districts: list[dict[str, Any]]) -> None:
    names = [feature["properties"] for feature in districts]
    assert len(names) == 13
    codes = [name["soato"] for name in names]
    assert all(len(code) == 7 and code.startswith("1708") for code in codes)
    assert codes == sorted(set(codes))
    # SOATO numbers districts from 201 on, cities of the region from 401 on.
    assert sum(code[4] == "2" for code in codes) == 12
    assert codes[-1] == "1708401"
    for language in LANGUAGES:
        assert len({name[f"name_{language}"] for name in names}) == 13, language
    assert all(name["name_uz"].endswith(("tumani", "shahri")) for name in names)
    assert all("район" in name["name_ru"] or "город" in name["name_ru"] for name in names)
    assert all("가" <= letter <= "힣" for name in names for letter in name["name_ko"])


def test_districts_cover_the_official_area_but_for_what_outlines_differ_in(districts: list[dict[str, Any]]) -> None:
    shapes = shapely.make_valid([shapely.geometry.shape(feature["geometry"]) for feature in districts])
    geod = Geod(ellps="WGS84")
    km2 = sum(abs(geod.geometry_area_perimeter(shape.normalize())[0]) for shape in shapes) / 1e6
    assert km2 == pytest.approx(OFFICIAL_KM2, rel=0.015)
    assert shapely.union_all(shapes).area == pytest.approx(shapely.area(shapes).sum(), rel=1e-9)  # they share no ground


def test_what_a_partner_must_bring_is_all_that_is_missing(tmp_path: Path) -> None:
    file = RegionFile("jizzakh", tmp_path)
    assert set(named_files(file.region)) == {DISTRICTS, EXTRACT, *TILES.values()}
    assert file.region.languages == LANGUAGES
    report = check_region("jizzakh", tmp_path)
    missing = [finding.what for finding in report.parts["inputs"]]
    assert len(missing) == 4
    assert all("no file" in what for what in missing)


def test_assumptions_are_those_of_the_template() -> None:
    template = yaml.safe_load((data_folder() / "templates" / "uzbekistan.yaml").read_text("utf-8"))
    region = yaml.safe_load(region_files()["jizzakh"].read_text("utf-8"))
    assert region["assumptions"] == template["assumptions"]
    assert region["factor_regions"] == template["factor_regions"]


def test_a_build_names_every_district_in_four_languages(edition: Edition) -> None:
    rows = edition.table("district").to_pandas()
    assert len(rows) == 13
    city = rows.set_index("id").loc["1708401"]
    assert [city[f"name_{language}"] for language in LANGUAGES] == [
        "Jizzax shahri", "город Джизак", "Jizzakh city", "지자흐시",
    ]  # fmt: skip
    assert rows["area_ha"].sum() / 100 == pytest.approx(OFFICIAL_KM2, rel=0.015)
    assert edition.region.synthetic


def test_every_building_drawn_is_accounted_for_and_stands_in_a_district(edition: Edition) -> None:
    layers: dict[str, Any] = {layer.id: layer.report for layer in edition.manifest.layers}
    report = layers["osm_buildings"]
    assert report["read"] == SIZE.buildings
    assert report["kept"] + report["outside"] + len(report["refused"]) == SIZE.buildings
    features = pd.read_parquet(edition.private("features", "osm_buildings"))
    inside = (1 - features["outside_share"]).sum()
    assert 0.9 * SIZE.buildings < inside <= SIZE.buildings
    rows = edition.table("district").to_pandas()
    assert rows["buildings_tco2e"].sum() == pytest.approx(edition.manifest.totals[2024]["buildings"], rel=1e-9)
    assert (rows["buildings_tco2e"] > 0).all()


def test_two_tiles_of_land_cover_meet_without_gap_or_overlap(edition: Edition) -> None:
    hectares = 0.0
    for layer in ("worldcover_west", "worldcover_east"):
        classes = pd.read_parquet(edition.private("features", layer))
        assert (classes["area_ha"] > 0).all()
        hectares += classes["area_ha"].sum()
    region_ha = edition.table("district").to_pandas()["area_ha"].sum()
    assert hectares == pytest.approx(region_ha, rel=1e-6)
    cells = edition.table("grid-1km").to_pandas()
    border = cells[cells["col"].isin((499, 500))]  # either side of 69 degrees east
    assert len(border) > 10
    assert np.allclose(border["forest_coverage"], 1, atol=1e-6)


def test_what_rests_on_assumptions_is_illustrative_and_net_is_unknown_where_mapping_is_partial(
    edition: Edition,
) -> None:
    assert edition.manifest.illustrative["buildings"]
    assert edition.manifest.illustrative["forest"]
    totals: dict[str, Any] = dict(edition.manifest.totals[2024])
    assert totals["forest"] < 0 < totals["transport"]
    assert totals["net"] is None  # the extract is not complete: what is not mapped is not zero
