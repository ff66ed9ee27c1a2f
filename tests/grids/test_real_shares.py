"""Real features: Liechtenstein's buildings, roads and forest, and the dongs of Sejong."""

import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from numpy.typing import NDArray

from grids.areas import geodesic_area_ha
from grids.grid import Grid
from grids.hexagons import hexagons
from grids.shares import clip_to
from grids.sharing import Division, SharedOut
from grids.wkb import WkbColumn
from grids.zone_index import ZoneIndex
from grids.zones import dissolve, gap_between, without_slivers
from tests.grids.geometry_shares import conservation_residual, grid_shares, zone_shares

pytestmark = pytest.mark.shared
LAYERS = {
    "buildings": ("multipolygons", "building IS NOT NULL"),
    "roads": ("lines", "highway IS NOT NULL"),
    "forest": ("multipolygons", "natural = 'wood' OR landuse = 'forest'"),
    "places": ("points", "place IS NOT NULL"),
}


@pytest.fixture(scope="module")
def municipalities(shared: Path) -> NDArray[np.object_]:
    path = shared / "data" / "liechtenstein-osm-2024" / "municipalities_from_osm.geojson"
    return gpd.read_file(path).to_crs("EPSG:32632").geometry.to_numpy()


@pytest.fixture(scope="module")
def osm(shared: Path) -> dict[str, NDArray[np.object_]]:
    path = shared / "data" / "liechtenstein-osm-2024" / "liechtenstein-2024-03-04.osm.pbf"
    layers = {}
    for name, (layer, where) in LAYERS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL speaks of nodes missing from a clipped extract
            layers[name] = (
                pyogrio.read_dataframe(path, layer=layer, where=where).to_crs("EPSG:32632").geometry.to_numpy()
            )
    return layers


def test_municipalities_tile_160_km2(municipalities: NDArray[np.object_]) -> None:
    assert geodesic_area_ha(municipalities, "EPSG:32632").sum() / 100 == pytest.approx(160.5, rel=1e-3)
    assert without_slivers(municipalities, [str(k) for k in range(municipalities.size)])[1] == ()
    assert geodesic_area_ha(np.array([dissolve(municipalities)]), "EPSG:32632").sum() / 100 == pytest.approx(
        160.5, rel=1e-3
    )


@pytest.mark.parametrize("layer", LAYERS)
def test_every_feature_is_shared_out_whole(
    layer: str, osm: dict[str, NDArray[np.object_]], municipalities: NDArray[np.object_]
) -> None:
    features = osm[layer]
    boundary = dissolve(municipalities)
    assert features.size > (10 if layer == "places" else 400)
    fine, coarse = (Grid("EPSG:32632", (0, 0), size_m, "inspire") for size_m in (100, 1000))
    sets = {"municipality": municipalities, "hexagons": hexagons(boundary, "EPSG:32632", 8)[1]}
    shared: dict[int, SharedOut] = {}
    for grid in (fine, coarse):
        indexes = {
            name: ZoneIndex.of(zones, grid, gap=gap_between(zones, boundary).ground) for name, zones in sets.items()
        }
        shared[grid.size_m] = Division(boundary, grid, indexes).share_out(WkbColumn.from_geometries(features))
        for entries in (shared[grid.size_m].cells, *shared[grid.size_m].zones.values()):
            whole = np.bincount(entries.feature, entries.share, minlength=features.size) + shared[grid.size_m].outside
            assert np.abs(whole - 1).max() < 1e-9
    cells, big = shared[100].cells, shared[1000].cells
    parents = fine.parent(cells.row, cells.col, coarse)
    found, summed = by_cell(*parents, cells.share * measures(features)[cells.feature])
    given, expected = by_cell(big.row, big.col, big.share * measures(features)[big.feature])
    assert found == given
    np.testing.assert_allclose(summed, expected, rtol=1e-9, atol=1e-6)

    clipped = clip_to(features, boundary)  # the older route, by GEOS and geometry objects
    np.testing.assert_allclose(shared[100].outside, clipped.outside, atol=1e-9)
    rows, cols, oracle = grid_shares(clipped.geometries, fine, clipped.measures)
    found, summed = by_cell(cells.row, cells.col, cells.share)
    given, expected = by_cell(rows, cols, oracle.matrix.sum(axis=1))
    assert found == given
    np.testing.assert_allclose(summed, expected, rtol=1e-9, atol=1e-9)


def measures(features: NDArray[np.object_]) -> NDArray[np.float64]:
    """Area, length, or one."""
    extent = np.where(shapely.area(features) > 0, shapely.area(features), shapely.length(features))
    return np.where(extent > 0, extent, 1.0)


def by_cell(
    rows: NDArray[np.int64], cols: NDArray[np.int64], amounts: NDArray[np.float64]
) -> tuple[list[list[int]], NDArray[np.float64]]:
    """Cells that hold something, in order, and what each holds."""
    cells, place = np.unique(np.stack((rows, cols), axis=1), axis=0, return_inverse=True)
    return cells.tolist(), np.bincount(place.ravel(), amounts)


def test_no_share_is_a_mere_touch(osm: dict[str, NDArray[np.object_]], municipalities: NDArray[np.object_]) -> None:
    sample = osm["buildings"][::20]
    clipped = clip_to(sample, dissolve(municipalities))
    rows, cols, shares = grid_shares(clipped.geometries, Grid("EPSG:32632", (0, 0), 100, "inspire"), clipped.measures)
    entries = shares.matrix.tocoo()
    target, feature = entries.coords
    squares = Grid("EPSG:32632", (0, 0), 100, "inspire").cell_polygons(rows, cols)
    expected = shapely.area(shapely.intersection(squares[target], sample[feature])) / shapely.area(sample[feature])
    whole = clipped.outside[feature] == 0
    np.testing.assert_allclose(entries.data[whole], expected[whole], atol=1e-9)


def test_korean_dongs_share_out_roads_and_points(shared: Path) -> None:
    path = shared / "data" / "korea-admin-hangjeongdong-2021" / "hangjeongdong_세종특별자치시.geojson"
    dongs = gpd.read_file(path).to_crs("EPSG:5179").geometry.to_numpy()
    boundary = dissolve(dongs)
    rng = np.random.default_rng(12)
    corners = shapely.get_coordinates(dongs[3])[:300]
    west, south, east, north = boundary.bounds
    roads = [shapely.LineString(rng.uniform((west, south), (east, north), (6, 2))) for _ in range(150)]
    along = [shapely.LineString(corners[k : k + 12]) for k in range(0, 280, 10)]
    places = [shapely.Point(corner) for corner in corners]
    features = np.array([*roads, *along, *places])
    clipped = clip_to(features, boundary)
    shares = zone_shares(clipped.geometries, dongs, clipped.measures)
    assert conservation_residual(shares, clipped) < 1e-9
    assert (np.asarray(shares.matrix.astype(bool).sum(axis=0)).ravel()[-len(places) :] == 1).all()
    grid = Grid("EPSG:5179", (0, 0), 500, "korea")
    rows, cols, in_cells = grid_shares(clipped.geometries, grid, clipped.measures)
    assert conservation_residual(in_cells, clipped) < 1e-9
    assert {code[:2] for code in grid.codes(rows, cols).tolist()} <= {"다바", "다사", "라바", "라사"}
