"""Hexagons: they tile the domain, share their corners, and are all there."""

import itertools

import h3
import numpy as np
import pyproj
import pytest
import shapely
from scipy.spatial import cKDTree

from grids.areas import geodesic_area_ha
from grids.errors import GeometryError, GridError
from grids.hexagons import hexagons
from grids.shares import clip_to
from tests.grids.geometry_shares import conservation_residual, zone_shares

CENTRE = np.array([537_000.0, 5_220_000.0])  # in EPSG:32632
VADUZ = shapely.Point(CENTRE)
MOVED = np.array([50_000.0, 30_000.0])
CITY = VADUZ.buffer(4000).difference(VADUZ.buffer(700))


@pytest.mark.parametrize(("crs", "x", "y"), [("EPSG:32632", 537_000, 5_220_000), ("EPSG:5179", 960_000, 1_950_000)])
@pytest.mark.parametrize("resolution", [7, 8, 9])
def test_they_tile_the_domain_without_gap_or_overlap(crs: str, x: float, y: float, resolution: int) -> None:
    domain = shapely.Point(x, y).buffer(4000).difference(shapely.Point(x, y).buffer(700))
    ids, polygons = hexagons(domain, crs, resolution)
    union = shapely.union_all(polygons)
    assert shapely.area(domain.difference(union)) == 0
    assert shapely.area(polygons).sum() == pytest.approx(union.area, rel=1e-12)
    assert shapely.coverage_is_valid(polygons)
    assert (shapely.area(shapely.intersection(polygons, domain)) > 0).all()
    assert ids.tolist() == sorted(ids.tolist())


def test_none_that_meets_the_domain_is_missing() -> None:
    ids, _ = hexagons(CITY, "EPSG:32632", 9)
    wider, polygons = hexagons(CITY.buffer(1500), "EPSG:32632", 9)
    meeting = wider[shapely.area(shapely.intersection(polygons, CITY)) > 0]
    assert ids.tolist() == meeting.tolist()


@pytest.mark.parametrize("resolution", [2, 3, 5])
def test_edges_that_bend_between_the_planes_lose_no_cell(resolution: int) -> None:
    _, polygons = hexagons(VADUZ.buffer(1), "EPSG:32632", resolution)
    for start, end in itertools.pairwise(polygons[0].exterior.coords):
        on_the_edge = shapely.Point((start[0] + end[0]) / 2, (start[1] + end[1]) / 2).buffer(1)
        ids, around = hexagons(on_the_edge, "EPSG:32632", resolution)
        assert ids.size == 2
        assert on_the_edge.within(shapely.union_all(around).buffer(1e-6))


@pytest.mark.parametrize("resolution", [6, 7])
def test_corners_are_shared_to_the_last_bit_even_around_a_pentagon(resolution: int) -> None:
    pentagon = next(cell for cell in h3.get_pentagons(resolution) if abs(h3.cell_to_latlng(cell)[0]) < 60)
    lat, lon = h3.cell_to_latlng(pentagon)
    crs = f"EPSG:{(32600 if lat > 0 else 32700) + int((lon + 180) // 6) + 1}"
    centre = shapely.Point(pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat))
    domain = centre.buffer(40 * h3.average_hexagon_edge_length(resolution, unit="m"))
    ids, polygons = hexagons(domain, crs, resolution)
    assert pentagon in ids
    corners = np.unique(shapely.get_coordinates(polygons), axis=0)
    assert cKDTree(corners).query_pairs(0.01) == set()
    assert shapely.coverage_is_valid(polygons)
    assert domain.within(shapely.union_all(polygons))


@pytest.mark.parametrize("resolution", [0, 3, 5])
def test_domain_smaller_than_a_cell(resolution: int) -> None:
    ids, polygons = hexagons(VADUZ.buffer(5), "EPSG:32632", resolution)
    assert ids.tolist() == [h3.latlng_to_cell(47.1331, 9.4878, resolution)]
    assert polygons[0].contains(VADUZ)


def test_small_domain_across_a_corner_of_cells() -> None:
    _, polygons = hexagons(VADUZ.buffer(5), "EPSG:32632", 8)
    corner = shapely.Point(polygons[0].exterior.coords[0])
    ids, _ = hexagons(corner.buffer(1), "EPSG:32632", 8)
    assert ids.size == 3


def test_multipolygon_domain_far_apart() -> None:
    two = shapely.MultiPolygon([VADUZ.buffer(10), shapely.transform(VADUZ.buffer(10), lambda c: c + MOVED)])
    ids, _ = hexagons(two, "EPSG:32632", 6)
    assert 2 <= ids.size <= 6


def test_area_is_the_true_one_not_that_of_a_sphere() -> None:
    ids, polygons = hexagons(CITY, "EPSG:32632", 8)
    area = geodesic_area_ha(polygons, "EPSG:32632")
    sphere = np.array([h3.cell_area(cell, unit="m^2") / 1e4 for cell in ids.tolist()])
    np.testing.assert_allclose(area, sphere, rtol=5e-3)
    assert area.sum() != pytest.approx(sphere.sum(), rel=1e-3)  # at 47 degrees the sphere is 0.28 % off


def test_shares_in_hexagons_add_up() -> None:
    rng = np.random.default_rng(2)
    blobs = [shapely.Point(CENTRE + rng.uniform(-3500, 3500, 2)).buffer(rng.uniform(5, 400)) for _ in range(80)]
    roads = [shapely.LineString(CENTRE + rng.uniform(-3500, 3500, (5, 2))) for _ in range(80)]
    features = np.array([*blobs, *roads])
    _, polygons = hexagons(CITY, "EPSG:32632", 8)
    clipped = clip_to(features, CITY)
    shares = zone_shares(clipped.geometries, polygons, clipped.measures)
    assert conservation_residual(shares, clipped) < 1e-9
    assert shares.outside.max() < 1e-9


def test_the_180th_meridian_is_refused() -> None:
    fiji = shapely.box(800_000, 8_100_000, 1_000_000, 8_200_000)  # EPSG:32760, across 180 degrees
    with pytest.raises(GridError, match="180th meridian"):
        hexagons(fiji, "EPSG:32760", 5)


@pytest.mark.parametrize("resolution", [-1, 16, 7.5, True])
def test_resolutions_that_do_not_exist(resolution: int) -> None:
    with pytest.raises(GridError, match="0 to 15"):
        hexagons(CITY, "EPSG:32632", resolution)


def test_too_many_cells_are_refused_before_they_are_made() -> None:
    with pytest.raises(GridError, match="coarser resolution"):
        hexagons(CITY, "EPSG:32632", 15)


def test_a_domain_that_is_no_polygon_is_refused() -> None:
    with pytest.raises(GeometryError, match="The domain"):
        hexagons(shapely.Polygon(), "EPSG:32632", 8)
