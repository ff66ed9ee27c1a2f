"""The demo's input files: the same bytes for the same seed, readable, and what the region file says of them."""

import hashlib
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
import yaml

from accounting.assumptions import Assumptions
from carbonmap.errors import RegionError
from carbonmap.region import RegionFile
from carbonmap.resources import data_folder
from carbonmap.synthetic.write import write_city
from gis.uses import read_uses

BUILDINGS = 900


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_city(tmp_path_factory.mktemp("demo"), buildings=BUILDINGS).parent


@pytest.fixture(scope="module")
def readings(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "meters.csv", encoding="cp949")


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_city(tmp_path, buildings=BUILDINGS)
    assert digests(tmp_path) == digests(folder)
    assert len(digests(folder)) == 13


def test_another_seed_draws_another_city(folder: Path, tmp_path: Path) -> None:
    write_city(tmp_path, buildings=BUILDINGS, seed=3)
    mine, theirs = digests(folder), digests(tmp_path)
    assert mine.keys() == theirs.keys()
    assert [name for name in mine if mine[name] == theirs[name]] == ["region.yaml"]


def test_progress_rises_to_one(tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    write_city(tmp_path, buildings=200, progress=lambda step, done: seen.append((step, done)))
    fractions = [done for _, done in seen]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert fractions[-1] == 1.0
    assert all(step for step, _ in seen)


def test_refuses_before_it_writes(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="3 buildings"):
        write_city(tmp_path / "none", buildings=3)
    assert not (tmp_path / "none").exists()


def test_region_file_is_valid_and_says_synthetic(folder: Path) -> None:
    region = RegionFile(folder / "region.yaml").region
    assert region.synthetic
    assert region.id == "demo"
    assert "synthetic" in region.name["en"]
    assert "합성" in region.name["ko"]
    assert {source.sector for source in region.sources} >= {"buildings", "transport", "forest", "population"}
    register = next(source for source in region.sources if source.id == "register")
    assert not register.open, "meters are private, so that disclosure acts"


def test_every_file_and_column_named_is_there(folder: Path) -> None:
    region = RegionFile(folder / "region.yaml").region
    for source in (*region.sources, *region.zone_sets, *region.context):
        path = folder / source.file
        assert path.is_file()
        if path.suffix == ".parquet":
            assert set(source.columns.values()) <= set(pq.read_schema(path).names), path.name


def test_assumptions_are_of_the_schema_and_labelled(folder: Path) -> None:
    given = yaml.safe_load((folder / "region.yaml").read_text(encoding="utf-8"))["assumptions"]
    Assumptions.load(given, data_folder() / "schema" / "assumptions.csv")
    assert {entry["author"] for entry in given.values()} == {"synthetic demo"}
    assert sum(given["transport.fleet"]["value"].values()) == pytest.approx(1.0)
    assert all(e["low"] <= e["value"] <= e["high"] for e in given.values() if "low" in e)


def test_uses_are_words_of_the_korean_register(folder: Path) -> None:
    uses = set(gpd.read_parquet(folder / "buildings.parquet")["주용도"])
    assert uses <= set(read_uses("korea", data_folder() / "schema"))
    assert len(uses) >= 10


def test_buildings_have_what_a_register_has_and_gaps(folder: Path) -> None:
    buildings = gpd.read_parquet(folder / "buildings.parquet")
    assert len(buildings) == BUILDINGS
    assert buildings.crs.to_epsg() == 5179
    assert buildings["건물관리번호"].is_unique
    assert buildings["지상층수"].min() >= 1
    known = buildings.dropna(subset=["지상층수", "연면적"])
    assert (known["연면적"] <= known.geometry.area * known["지상층수"] + 0.06).all()
    for column in ("지상층수", "높이", "사용승인년도", "연면적"):
        assert 0.0 < buildings[column].isna().mean() < 0.12
    assert buildings["건물명"].notna().sum() >= 3
    assert buildings["건물명"].notna().equals(buildings["건물영문명"].notna())


def test_meters_join_and_cover_about_three_fifths(folder: Path, readings: pd.DataFrame) -> None:
    buildings = gpd.read_parquet(folder / "buildings.parquet")
    metered = set(readings["건물관리번호"])
    assert metered <= set(buildings["건물관리번호"])
    assert 0.52 < len(metered) / len(buildings) < 0.68
    assert set(readings["사용년월"]) == {100 * year + month for year in (2023, 2024) for month in range(1, 13)}
    assert (readings["사용량"] >= 0).all()
    assert dict(readings.groupby("에너지원")["단위"].unique().map(list)).items() >= {"전기": ["kWh"]}.items()
    assert not readings.duplicated(["건물관리번호", "사용년월", "에너지원"]).any()
    unheated = buildings.loc[buildings["주용도"] == "동물및식물관련시설", "건물관리번호"]
    assert not metered & set(unheated)


def test_readings_follow_the_seasons(readings: pd.DataFrame) -> None:
    by_month = readings.assign(month=readings["사용년월"] % 100).groupby(["에너지원", "month"])["사용량"].sum()
    gas, electricity = by_month["도시가스"], by_month["전기"]
    assert gas[1] > 5 * gas[8]
    assert electricity[8] > 1.2 * electricity[5]


def test_readings_scatter_log_normally(folder: Path, readings: pd.DataFrame) -> None:
    buildings = gpd.read_parquet(folder / "buildings.parquet").set_index("건물관리번호")
    of_2024 = readings[(readings["사용년월"] // 100 == 2024) & (readings["에너지원"] == "전기")]
    annual = of_2024.groupby("건물관리번호")["사용량"].sum()
    homes = buildings.loc[annual.index]
    homes = homes[(homes["주용도"] == "공동주택") & homes["연면적"].notna()]
    spread = np.log(annual[homes.index] / homes["연면적"])
    assert 0.3 < spread.std() < 0.55
    assert 25 < np.exp(spread.median()) < 60


def test_roads_are_counted_where_large(folder: Path) -> None:
    roads = gpd.read_parquet(folder / "roads.parquet")
    assert roads["link_id"].is_unique
    counted = roads["aadt"].notna()
    assert counted[roads["road_class"].isin(["motorway", "trunk", "primary", "secondary"])].all()
    assert not counted[roads["road_class"].isin(["residential", "service", "unclassified", "track"])].any()
    assert roads["lanes"].min() >= 1
    assert roads["speed_kmh"].between(5, 110).all()


def test_zone_files_nest_and_tile(folder: Path) -> None:
    districts = gpd.read_parquet(folder / "sigungu.parquet")
    dongs = gpd.read_parquet(folder / "legal_dong.parquet")
    zoning = gpd.read_parquet(folder / "land_use_zoning.parquet")
    assert set(dongs["sigungu_code"]) == set(districts["code"])
    assert dongs["code"].str.fullmatch(r"9\d{9}").all()
    for zones in (dongs, zoning):
        assert zones["code"].is_unique
        assert zones[["name_ko", "name_en"]].notna().all(axis=None)
        assert abs(zones.area.sum() / districts.area.sum() - 1.0) < 1e-9
    families = zoning["name_ko"].str.extract("(주거|상업|공업|녹지)")[0]
    assert set(families) >= {"주거", "녹지"}


def test_land_cover_overlaps_the_forest_map_and_has_trees_beyond_it(folder: Path) -> None:
    with rasterio.open(folder / "land_cover.tif") as raster:
        assert raster.crs.to_epsg() == 5179
        assert raster.res == (20.0, 20.0)
        codes = raster.read(1)
        classes = yaml.safe_load((folder / "region.yaml").read_text(encoding="utf-8"))["sources"][3]["classes"]
        assert set(np.unique(codes).tolist()) - {0} == set(classes)
        rows, cols = np.nonzero(codes == 10)
        x, y = raster.bounds.left + 20.0 * (cols + 0.5), raster.bounds.top - 20.0 * (rows + 0.5)
    wood = shapely.union_all(gpd.read_parquet(folder / "forest.parquet").geometry.to_numpy())
    inside = shapely.contains_xy(wood, x, y)
    assert inside.mean() > 0.85
    assert (~inside).sum() > 20


def test_residents_live_where_the_dwellings_are(folder: Path) -> None:
    residents = gpd.read_parquet(folder / "population.parquet")
    assert residents["id"].is_unique
    assert (residents.area == 250_000.0).all()
    dwellings = gpd.read_parquet(folder / "buildings.parquet").query("주용도 in ['공동주택', '단독주택']")
    assert 1.0 < residents["population"].sum() / len(dwellings) < 60.0
    assert shapely.union_all(residents.geometry.to_numpy()).intersects(dwellings.geometry.iloc[0])


def test_geoparquet_says_what_it_is(folder: Path) -> None:
    for path in sorted(folder.glob("*.parquet")):
        file = pq.ParquetFile(path)
        geo = json.loads(file.metadata.metadata[b"geo"])
        column = geo["columns"][geo["primary_column"]]
        assert column["encoding"] == "WKB"
        assert column["crs"]["id"]["code"] == 5179
        bounds = gpd.read_parquet(path).total_bounds
        assert column["bbox"] == pytest.approx(bounds.tolist())


def test_places_have_both_names(folder: Path) -> None:
    places = gpd.read_parquet(folder / "places.parquet")
    assert set(places["rank"]) == {"city", "town", "village"}
    assert places[["name_ko", "name_en"]].notna().all(axis=None)
    assert places.loc[places["rank"] == "city", "name_ko"].tolist() == ["새별시"]


def test_a_mosaic_has_one_row_group_per_city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tiles of 300 buildings stand in for those of 20,000: the same way of writing, at a size a test can bear.
    monkeypatch.setattr("carbonmap.synthetic.plan.CITY_BUILDINGS", 300)
    region = RegionFile(write_city(tmp_path, buildings=900, seed=2)).region
    assert "neighbours" in region.name["en"]
    file = pq.ParquetFile(tmp_path / "buildings.parquet")
    assert file.metadata.num_rows == 900
    assert file.metadata.num_row_groups == 4
    dongs = gpd.read_parquet(tmp_path / "legal_dong.parquet")
    assert dongs["code"].is_unique
    assert shapely.coverage_is_valid(dongs.geometry.to_numpy())
    assert shapely.union_all(dongs.geometry.to_numpy()).geom_type == "Polygon"
    buildings = gpd.read_parquet(tmp_path / "buildings.parquet")
    assert buildings["건물관리번호"].is_unique
    pairs = shapely.STRtree(buildings.geometry.to_numpy()).query(buildings.geometry.to_numpy(), predicate="intersects")
    assert not (pairs[0] < pairs[1]).any()
