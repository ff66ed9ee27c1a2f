"""Zone sets: ids, names, overlaps, collections; and the administrative files with known troubles."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Geod

from gis.errors import BadValue, DuplicateIds, EmptyLayer, InvalidGeometry, OverlappingZones
from gis.layers import ZoneLayer
from gis.sources import ZoneSet
from gis.zones import read_zones

UTM = "EPSG:32632"
LEFT, RIGHT = shapely.box(500_000, 0, 500_100, 100), shapely.box(500_100, 0, 500_200, 100)


def read(folder: Path, file: str, crs: str = UTM, **keys: Any) -> ZoneLayer:
    return read_zones(ZoneSet(**{"id": "z", "title": {"en": "Z"}, "file": file} | keys), folder, crs)


def write(folder: Path, shapes: list[Any], **columns: list[Any]) -> None:
    gpd.GeoDataFrame(columns, geometry=shapes, crs=UTM).to_parquet(folder / "z.parquet")


def test_zones_are_sorted_and_named(tmp_path: Path) -> None:
    write(tmp_path, [RIGHT, LEFT], code=[20, 3], n=["오른쪽", None], up=["a", "a"])
    columns = {"id": "code", "name_ko": "n", "parent_id": "up"}
    zones = read(tmp_path, "z.parquet", columns=columns).features
    assert list(zones.columns) == ["id", "name_ko", "parent_id", "geometry"]
    assert zones["id"].tolist() == ["20", "3"]  # text order
    assert zones["name_ko"].tolist() == ["오른쪽", None]
    assert read(tmp_path, "z.parquet", columns={"id": "code"}).features["parent_id"].isna().all()


def test_noise_is_cut_off_the_later_zone(tmp_path: Path) -> None:
    write(tmp_path, [LEFT, shapely.box(500_099.95, 0, 500_200, 100)], code=["a", "b"])
    zones = read(tmp_path, "z.parquet", columns={"id": "code"})
    assert zones.overlaps == [("a", "b", pytest.approx(5.0))]
    assert zones.features.area.tolist() == pytest.approx([10_000, 10_000])


def test_overlaps_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, [LEFT, shapely.box(500_090, 0, 500_200, 100)], code=["a", "b"])
    with pytest.raises(OverlappingZones, match=r"a and b share 1,000 m2 \(10\.0% of the smaller, 9\.1 m wide on"):
        read(tmp_path, "z.parquet", columns={"id": "code"})
    wide = read(tmp_path, "z.parquet", columns={"id": "code"}, overlap_tolerance=0.05, overlaps="smaller_wins")
    assert wide.overlaps == [("a", "b", pytest.approx(1000.0))]


def test_a_strip_is_noise_by_its_width_too(tmp_path: Path) -> None:
    """A tenth of a percent of a province is square kilometres: 99 m along its border are no slip of who drew it."""
    west, east = shapely.box(500_000, 0, 600_000, 100_000), shapely.box(599_901, 0, 700_000, 100_000)
    write(tmp_path, [west, east], code=["a", "b"])
    with pytest.raises(
        OverlappingZones, match=r"or wider than 10 m: a and b share 9,900,000 m2 \(0\.1% .*98\.9 m wide"
    ):
        read(tmp_path, "z.parquet", columns={"id": "code"})
    zones = read(tmp_path, "z.parquet", columns={"id": "code"}, overlap_width_m=100)
    assert zones.overlaps == [("a", "b", pytest.approx(9_900_000))]


def test_a_city_drawn_on_its_district_may_be_cut_out(tmp_path: Path) -> None:
    city = shapely.box(500_020, 20, 500_040, 40)
    write(tmp_path, [LEFT, city], code=["district", "town"])
    with pytest.raises(OverlappingZones, match="smaller_wins"):
        read(tmp_path, "z.parquet", columns={"id": "code"})
    zones = read(tmp_path, "z.parquet", columns={"id": "code"}, overlaps="smaller_wins")
    assert zones.features.area.tolist() == pytest.approx([9_600, 400])
    assert zones.overlaps == [("town", "district", pytest.approx(400.0))]


def test_ground_that_three_zones_claim_stays_somebodys(tmp_path: Path) -> None:
    """By tolerance a would keep what it shares with c, by size b what it shares with a, and c what it shares with b."""
    a = shapely.box(500_000, 0, 502_000, 2000)
    b = shapely.box(501_000, 1000, 502_600, 2000)
    c = shapely.box(501_998, 1000, 502_600, 1990)
    write(tmp_path, [a, b, c], code=["a", "b", "c"])
    asked = {"columns": {"id": "code"}, "overlaps": "smaller_wins", "overlap_tolerance": 0.01}
    zones = read(tmp_path, "z.parquet", **asked)
    assert sum(zones.features.area) == pytest.approx(shapely.union_all([a, b, c]).area)
    assert zones.features.area.iloc[2] == pytest.approx(c.area)
    assert zones.features.area.iloc[1] == pytest.approx(b.area - shapely.intersection(b, c).area)


def test_the_same_ground_twice_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path, [LEFT, LEFT], code=["a", "b"])
    with pytest.raises(OverlappingZones, match="nothing is left of b"):
        read(tmp_path, "z.parquet", columns={"id": "code"}, overlaps="smaller_wins")


def test_ids_are_needed_once_each(tmp_path: Path) -> None:
    write(tmp_path, [LEFT, RIGHT], code=[None, "b"], n=["Linksdorf", "R"])
    with pytest.raises(BadValue, match=r"1 zones of z\.parquet have an empty id \(column 'code'\): Linksdorf"):
        read(tmp_path, "z.parquet", columns={"id": "code", "name_de": "n"})
    write(tmp_path, [LEFT, RIGHT], code=["a", "a"], n=["L", "R"])
    with pytest.raises(DuplicateIds, match=r"a \(L, R\); .*dissolve: true"):
        read(tmp_path, "z.parquet", columns={"id": "code", "name_de": "n"})
    zones = read(tmp_path, "z.parquet", columns={"id": "code", "name_de": "n"}, dissolve=True)
    assert zones.features.area.tolist() == [20_000]
    assert "2 parts joined to 1 zones" in zones.report.notes


def test_a_zone_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, [LEFT, shapely.LineString([(0, 0), (1, 1)])], code=["a", "b"])
    with pytest.raises(InvalidGeometry, match="1 areas of z cannot be used: b"):
        read(tmp_path, "z.parquet", columns={"id": "code"})
    bowtie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    write(tmp_path, [LEFT, bowtie], code=["a", "b"])
    with pytest.raises(InvalidGeometry, match="Self-intersection"):
        read(tmp_path, "z.parquet", columns={"id": "code"}, invalid="refuse")
    with pytest.raises(EmptyLayer, match="where keeps none"):
        read(tmp_path, "z.parquet", columns={"id": "code"}, where={"code": ["c"]})


def geodesic_km2(zones: ZoneLayer) -> float:
    shapes = zones.features.to_crs(4326).geometry
    return sum(abs(Geod(ellps="WGS84").geometry_area_perimeter(shape)[0]) for shape in shapes) / 1e6


def test_municipalities_of_liechtenstein(shared: Path) -> None:
    folder = shared / "data/liechtenstein-osm-2024"
    columns = {"id": "osm_relation", "name_de": "name"}
    zones = read(folder, "municipalities_from_osm.geojson", columns=columns)
    assert len(zones.features) == 11
    assert geodesic_km2(zones) == pytest.approx(160.5, rel=1e-3)
    # The same from the extract itself: neighbours' relations are cut off by it, and are no zones.
    level = read(
        folder, "liechtenstein-2024-03-04.osm.pbf", layer="admin", columns={"id": "id", "name_de": "name"},
        where={"admin_level": [8]},
    )  # fmt: skip
    own = level.features[level.features["name_de"].isin(set(zones.features["name_de"]))]
    assert len(own) == 11
    assert level.report.refused
    assert own.area.sum() == pytest.approx(zones.features.area.sum(), rel=1e-9)


@pytest.mark.parametrize(("level", "count", "invalid"), [("provinces", 17, 11), ("municipalities", 250, 45)])
def test_kostat_has_no_crs_and_broken_rings(shared: Path, level: str, count: int, invalid: int) -> None:
    folder = shared / "data/korea-admin-kostat-2018-topo"
    zones = read(folder, f"skorea-{level}-2018-topo.json", "EPSG:5179", columns={"id": "code", "name_ko": "name"})
    assert len(zones.features) == count
    # Projecting moves vertices by rounding, which heals one of the 11 rings.
    assert invalid - 1 <= zones.report.repaired.count <= invalid
    assert zones.report.repaired.area_after_m2 == pytest.approx(zones.report.repaired.area_before_m2, rel=1e-6)
    assert geodesic_km2(zones) == pytest.approx(100_300, rel=0.01)
    assert shapely.is_valid(zones.features.geometry.to_numpy()).all()


def test_uzbek_collections_and_enclaves(shared: Path) -> None:
    folder = shared / "data/uzbekistan-admin"
    file, columns = "jizzakh_region_districts.geojson", {"id": "ADM2_EN", "name_uz": "ADM2_UZ"}
    with pytest.raises(OverlappingZones, match=r"Jizzakh city and Sharof Rashidov district share 54,760,420 m2"):
        read(folder, file, "EPSG:32642", columns=columns)
    zones = read(folder, file, "EPSG:32642", columns=columns, overlaps="smaller_wins")
    assert len(zones.features) == 13
    assert set(zones.features.geom_type) <= {"Polygon", "MultiPolygon"}
    assert zones.report.repaired.count == 1
    both = shapely.area(shapely.union_all(zones.features.geometry.to_numpy()))
    assert zones.features.area.sum() == pytest.approx(both, rel=1e-9)


def test_dongs_districts_and_parishes(shared: Path) -> None:
    data = shared / "data"
    columns = {"id": "adm_cd2", "name_ko": "adm_nm"}
    folder = data / "korea-admin-hangjeongdong-2021"
    songpa = read(folder, "hangjeongdong_서울특별시.geojson", "EPSG:5179", columns=columns, where={"sgg": [11710]})
    assert len(songpa.features) == 27
    assert songpa.features["name_ko"].str.contains("송파구").all()
    kunnat = read(
        data / "helsinki-combined", "kunnat_2019.shp", "EPSG:3067", columns={"id": "kunta", "name_fi": "nimi"}
    )
    assert (len(kunnat.features), kunnat.features["id"][0]) == (311, "005")
    assert "Hämeenkyrö" in set(kunnat.features["name_fi"])
    places = read(data / "seattle-energy-traffic-2016", "zillow-neighborhoods.geojson", "EPSG:32610",
                  columns={"id": "regionid", "name_en": "name"})  # fmt: skip
    assert len(places.features) == 103
    assert np.isclose(
        places.features.area.sum(), shapely.union_all(places.features.geometry.to_numpy()).area, rtol=1e-9
    )


def test_monaco_boundary_is_repaired(shared: Path) -> None:
    zones = read(shared / "data/monaco-osm-2023", "monaco_boundary.geojson", columns={"id": "name"})
    assert zones.report.repaired.count == 1
    assert zones.features.area[0] == pytest.approx(2_337_290.86, rel=1e-6)
