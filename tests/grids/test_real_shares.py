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
from grids.zones import dissolve, without_slivers
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
    clipped = clip_to(features, boundary)
    assert features.size > (10 if layer == "places" else 400)
    fine = Grid("EPSG:32632", (0, 0), 100, "inspire")
    rows, cols, in_cells = grid_shares(clipped.geometries, fine, clipped.measures)
    in_zones = zone_shares(clipped.geometries, municipalities, clipped.measures)
    _, cells = hexagons(boundary, "EPSG:32632", 8)
    in_hexagons = zone_shares(clipped.geometries, cells, clipped.measures)
    for shares in (in_cells, in_zones, in_hexagons):
        assert conservation_residual(shares, clipped) < 1e-9
        assert shares.matrix.sum(axis=0).max() < 1 + 1e-9
    total = clipped.measures @ clipped.inside
    for shares in (in_cells, in_zones, in_hexagons):
        assert (shares.matrix @ clipped.measures).sum() == pytest.approx(total, rel=1e-12)
    coarse = Grid("EPSG:32632", (0, 0), 1000, "inspire")
    big_rows, big_cols, in_big_cells = grid_shares(clipped.geometries, coarse, clipped.measures)
    parent_rows, parent_cols = fine.parent(rows, cols, coarse)
    big = {cell: place for place, cell in enumerate(zip(big_rows.tolist(), big_cols.tolist(), strict=True))}
    parent = [big[cell] for cell in zip(parent_rows.tolist(), parent_cols.tolist(), strict=True)]
    summed = np.bincount(parent, in_cells.matrix @ clipped.measures)
    np.testing.assert_allclose(summed, in_big_cells.matrix @ clipped.measures, rtol=1e-9, atol=1e-6)


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
