"""Lengths and areas on the ellipsoid, against geodesics worked out one by one."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS, Geod, Transformer

from gis.measure import geodesic_area_m2, geodesic_length_km

PLACES = {
    "EPSG:5179": (950_000, 1_900_000),  # Korea, transverse Mercator
    "EPSG:32632": (300, -500),  # far west of the zone's meridian, across the equator
    "EPSG:3035": (4_300_000, 3_000_000),  # equal areas: its scale differs by direction
    "EPSG:3857": (1_000_000, 9_000_000),  # scale 2.2
    "EPSG:2926": (1_270_000, 230_000),  # feet
}


def walks(crs: str, step: float, n: int = 60, k: int = 12) -> np.ndarray:
    """(n, k, 2) walks around a place."""
    rng = np.random.default_rng(5)
    start = np.array(PLACES[crs]) + rng.uniform(0, 200_000, (n, 1, 2))
    return start + np.cumsum(rng.normal(0, step, (n, k, 2)), axis=1)


def lonlat(crs: str, xy: np.ndarray) -> np.ndarray:
    transformer = Transformer.from_crs(crs, CRS(crs).geodetic_crs, always_xy=True)
    return np.stack(transformer.transform(xy[..., 0].ravel(), xy[..., 1].ravel()), axis=-1).reshape(xy.shape)


def geod(crs: str) -> Geod:
    found = CRS(crs).get_geod()
    assert found is not None
    return found


@pytest.mark.parametrize("crs", PLACES)
@pytest.mark.parametrize("step", [3.0, 150.0, 3_000.0])
def test_lengths_are_those_of_geodesics(crs: str, step: float) -> None:
    xy = walks(crs, step)
    lines = gpd.GeoDataFrame(geometry=shapely.linestrings(xy), crs=crs)
    (lon, lat), ellipsoid = np.moveaxis(lonlat(crs, xy), -1, 0), geod(crs)
    metres = ellipsoid.inv(lon[:, :-1].ravel(), lat[:, :-1].ravel(), lon[:, 1:].ravel(), lat[:, 1:].ravel())[2]
    expected = np.reshape(metres, (len(xy), -1)).sum(axis=1) / 1000
    np.testing.assert_allclose(geodesic_length_km(lines), expected, rtol=1e-7)
    two = gpd.GeoDataFrame(geometry=[shapely.multilinestrings(lines.geometry[:2].to_numpy()), None], crs=crs)
    np.testing.assert_allclose(geodesic_length_km(two), [expected[:2].sum(), 0], rtol=1e-7)


@pytest.mark.parametrize("crs", PLACES)
def test_areas_are_those_of_geodesic_polygons(crs: str) -> None:
    corners = walks(crs, 0.0, k=1)[:, 0]
    size = np.random.default_rng(2).uniform(10, 900, (len(corners), 2))
    boxes = shapely.segmentize(shapely.box(*corners.T, *(corners + size).T), 50.0)
    expected = [
        abs(geod(crs).polygon_area_perimeter(*lonlat(crs, shapely.get_coordinates(box)[:-1]).T)[0]) for box in boxes
    ]
    np.testing.assert_allclose(geodesic_area_m2(gpd.GeoDataFrame(geometry=boxes, crs=crs)), expected, rtol=1e-6)


def test_a_feature_measures_the_same_whoever_its_neighbours_are() -> None:
    crs = "EPSG:5179"
    lines = gpd.GeoDataFrame(geometry=shapely.linestrings(walks(crs, 150.0)), crs=crs)
    areas = gpd.GeoDataFrame(geometry=shapely.convex_hull(lines.geometry.to_numpy()), crs=crs)
    for measure, features in ((geodesic_length_km, lines), (geodesic_area_m2, areas)):
        whole = measure(features)
        alone = np.concatenate([measure(features.iloc[[row]]) for row in range(len(features))])
        assert alone.tobytes() == whole.tobytes()


def test_an_empty_member_takes_nothing_from_a_line() -> None:
    line = shapely.LineString([(500_000, 5_200_000), (501_000, 5_200_000)])
    with_none = shapely.from_wkt("MULTILINESTRING ((500000 5200000, 501000 5200000), EMPTY)")
    frame = gpd.GeoDataFrame(geometry=[line, with_none], crs="EPSG:32632")
    alone, beside = geodesic_length_km(frame)
    assert alone == beside > 0.99
