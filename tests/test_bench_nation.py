"""A generated nation: the same for the same size, valid, nested, shared borders, and what its files promise."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from numpy.typing import NDArray

from bench.nation import FULL_SIZE, Nation, write_nation
from bench.nation_layers import BUILDINGS_AT_ONCE, USES
from bench.nation_meters import CARRIERS
from bench.nation_region import LEVELS
from bench.nation_shapes import WindingLattice, allotted, divided
from carbonmap.region import RegionFile

SIZE = 20_000
LEVEL_IDS = [names[0] for names in LEVELS]


def quietly(_what: str) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A nation of 20,000 buildings, two in three with meters."""
    folder = tmp_path_factory.mktemp("nation")
    write_nation(folder, Nation(SIZE, metered=0.66), quietly)
    return folder


@pytest.fixture(scope="module")
def layers(folder: Path) -> dict[str, gpd.GeoDataFrame]:
    """Its layers and levels."""
    return {
        name: gpd.read_parquet(folder / f"{name}.parquet") for name in ("buildings", "roads", "forests", *LEVEL_IDS)
    }


def test_the_full_size_is_that_of_a_nation() -> None:
    full = Nation(FULL_SIZE)
    assert (full.size, full.roads, full.forests) == (7_200_000, 400_000, 300_000)
    assert full.zones == (17, 250, 3_500, 19_840)
    assert full.country.km2 == pytest.approx(100_000, rel=0.01)
    tenth = Nation(FULL_SIZE // 10)
    assert (tenth.roads, tenth.forests, tenth.zones[2]) == (40_000, 30_000, 350)
    assert tenth.country.km2 == pytest.approx(10_000, rel=0.02)


def test_the_same_nation_twice_has_the_same_bytes_and_is_written_once(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for place in (one, other):
        write_nation(place, Nation(300), quietly)
    files = sorted(file.name for file in one.iterdir())
    assert files == sorted(file.name for file in other.iterdir())
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in files)
    before = (one / "buildings.parquet").stat().st_mtime_ns
    write_nation(one, Nation(300), quietly)
    assert (one / "buildings.parquet").stat().st_mtime_ns == before
    write_nation(one, Nation(300, seed=2), quietly)
    assert (one / "buildings.parquet").read_bytes() != (other / "buildings.parquet").read_bytes()


def test_a_region_file_that_holds(folder: Path) -> None:
    region = RegionFile(folder / "region.yaml").region
    assert [source.id for source in region.sources] == ["register", "roads", "forest_map"]
    assert [zones.id for zones in region.zone_sets] == LEVEL_IDS
    assert len(region.sources[0].joins) == 1


def test_features_are_valid_and_as_many_as_said(layers: dict[str, gpd.GeoDataFrame]) -> None:
    nation = Nation(SIZE)
    assert [len(layers[name]) for name in ("buildings", "roads", "forests", *LEVEL_IDS)] == [
        nation.size, nation.roads, nation.forests, *nation.zones,
    ]  # fmt: skip
    for name, layer in layers.items():
        assert layer.crs.to_epsg() == 5179
        assert shapely.is_valid(layer.geometry.to_numpy()).all(), name
        assert layer.iloc[:, 0].is_unique
    vertices = shapely.get_num_coordinates(layers["roads"].geometry.to_numpy())
    assert 5 <= vertices.min() <= vertices.max() <= 50


def test_buildings_stand_beside_each_other(layers: dict[str, gpd.GeoDataFrame]) -> None:
    buildings = layers["buildings"].geometry.to_numpy()
    one, other = shapely.STRtree(buildings).query(buildings, predicate="intersects")
    assert (one == other).all()
    assert set(np.unique(shapely.get_num_coordinates(buildings))) == {5, 7}
    assert set(layers["buildings"]["use"]) == set(USES)


def test_stands_share_borders_and_no_ground(layers: dict[str, gpd.GeoDataFrame]) -> None:
    stands = layers["forests"].geometry.to_numpy()
    assert shapely.coverage_is_valid(stands)
    assert shapely.union_all(stands).area == pytest.approx(shapely.area(stands).sum(), rel=1e-12)
    pairs = shapely.STRtree(stands).query(stands, predicate="touches")
    assert pairs.shape[1] > stands.size  # most have neighbours
    assert 80 < shapely.get_num_coordinates(stands).mean() < 130
    assert 0.005e6 < shapely.area(stands).min() < shapely.area(stands).max() < 2.2e6
    assert (shapely.get_num_interior_rings(stands) > 0).any()


def test_levels_nest_and_cover_the_same_ground(layers: dict[str, gpd.GeoDataFrame]) -> None:
    above = None
    for name in LEVEL_IDS:
        zones = layers[name].set_index("code")
        shapes = zones.geometry.to_numpy()
        assert shapely.coverage_is_valid(shapes), name
        if above is None:
            assert zones["parent"].isna().all()
        else:
            for code, children in zones.groupby("parent").groups.items():
                within = shapely.union_all(zones.geometry.loc[children].to_numpy())
                assert shapely.equals(within, above.geometry[code]), (name, code)
            assert set(zones["parent"]) == set(above.index)
        above = zones


def test_row_groups_lie_together(folder: Path) -> None:
    """Neighbours in the file are neighbours on the ground, as in a real extract."""
    assert BUILDINGS_AT_ONCE == 100_000
    points = shapely.centroid(gpd.read_parquet(folder / "buildings.parquet").geometry.to_numpy())
    step = shapely.distance(points[:-1], points[1:])
    assert np.median(step) < 100


def test_meters_are_twelve_months_of_three_carriers(folder: Path) -> None:
    table = pq.read_table(folder / "meters.parquet").to_pandas()
    assert set(table["carrier"]) == set(CARRIERS)
    assert sorted(table["month"].unique()) == [202300 + month for month in range(1, 13)]
    per_building = table.groupby("building").size()
    assert (per_building == 36).all()
    assert len(per_building) == pytest.approx(0.66 * SIZE, rel=0.02)
    assert not table.duplicated(["building", "month", "carrier"]).any()
    known = pq.read_table(folder / "buildings.parquet", columns=["id"]).to_pandas()["id"]
    assert per_building.index.isin(known).all()
    assert (table["value"] >= 0).all()


def test_without_meters_there_is_no_join(tmp_path: Path) -> None:
    region = RegionFile(write_nation(tmp_path, Nation(300, metered=0), quietly)).region
    assert region.sources[0].joins == ()
    assert not (tmp_path / "meters.parquet").exists()


# --- shapes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 7, 34, 35])
def test_a_rectangle_divided_has_as_many_whole_parts_as_asked(count: int) -> None:
    whole = np.array([[2, 3, 7, 10]])
    parts, owner = divided(whole, np.array([count]), np.random.default_rng(count), uneven=0.8)
    assert parts.shape == (count, 4)
    assert (owner == 0).all()
    assert covered_once(parts, whole[0])


def covered_once(parts: NDArray[np.int64], whole: NDArray[np.int64]) -> bool:
    """Whether every unit of the whole lies in one part, and none outside."""
    units = np.zeros((20, 20), dtype=int)
    for west, south, east, north in parts.tolist():
        assert west < east
        assert south < north
        units[south:north, west:east] += 1
    west, south, east, north = whole.tolist()
    inside = units[south:north, west:east]
    return bool((inside == 1).all() and units.sum() == inside.size)


def test_allotted_numbers_add_up() -> None:
    assert allotted(10, np.array([1.0, 1.0, 2.0])).tolist() == [3, 2, 5]
    assert allotted(4, np.array([0.0, 3.0, 1.0])).tolist() == [0, 3, 1]


def test_a_winding_lattice_has_no_folds() -> None:
    """However far waves reach, neighbouring squares keep their orientation and share no ground."""
    lattice = WindingLattice.of((900_000, 1_900_000), (10.0, 10.0), 300.0, 5)
    x, y = np.meshgrid(np.arange(40), np.arange(40))
    squares = np.stack([x, y, x + 1, y + 1], axis=-1).reshape(-1, 4)
    polygons = lattice.polygons(squares)
    assert shapely.is_ccw(shapely.get_exterior_ring(polygons)).all()
    assert shapely.coverage_is_valid(polygons)
