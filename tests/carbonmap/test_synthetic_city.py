"""The made-up city as geometry: nothing on top of anything else, zones without gaps, a net that hangs together."""

from functools import cache

import numpy as np
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from carbonmap.errors import RegionError
from carbonmap.synthetic.buildings import road_surface
from carbonmap.synthetic.city import City, make_city
from carbonmap.synthetic.noise import STEEPEST, fractal, value_noise
from carbonmap.synthetic.plan import MAX_BUILDINGS, MIN_BUILDINGS, Plan, make_plan

SIZES = [(200, 7), (5_000, 20260101)]


@cache
def drawn(buildings: int, seed: int) -> City:
    return make_city(make_plan(buildings, seed).tiles()[0])


@pytest.fixture(scope="module", params=SIZES, ids=[f"{n}-{seed}" for n, seed in SIZES])
def city(request: pytest.FixtureRequest) -> City:
    return drawn(*request.param)


@pytest.fixture(scope="module")
def town() -> City:
    return drawn(5_000, 20260101)


@pytest.fixture(scope="module")
def neighbours() -> list[City]:
    """Four small cities side by side, as in a large mosaic."""
    plan = Plan(
        buildings=2_000,
        seed=5,
        rows=2,
        cols=2,
        width_m=2_400.0,
        height_m=1_920.0,
        cell_m=10.0,
        scale=0.16,
        origin=(960_000.0, 1_920_000.0),
        tile_buildings=(500, 500, 500, 500),
    )
    return [make_city(tile) for tile in plan.tiles()]


def touching(some: np.ndarray, others: np.ndarray) -> int:
    return len(shapely.STRtree(some).query(others, predicate="intersects")[0])


def test_has_exactly_the_buildings_asked_for(city: City) -> None:
    assert len(city.buildings.polygon) == city.tile.buildings
    assert shapely.is_valid(city.buildings.polygon).all()
    assert (shapely.area(city.buildings.polygon) > 20.0).all()


def test_no_building_touches_another(city: City) -> None:
    pairs = shapely.STRtree(city.buildings.polygon).query(city.buildings.polygon, predicate="intersects")
    assert not (pairs[0] < pairs[1]).any()


def test_no_building_in_water_forest_or_on_a_road(city: City) -> None:
    buildings = city.buildings.polygon
    assert touching(buildings, city.water) == 0
    assert touching(buildings, city.stands.polygon) == 0
    assert touching(buildings, road_surface(city.network)) == 0
    assert touching(buildings, np.concatenate([city.blocks.streets, city.lanes])) == 0


def test_every_building_stands_within_the_city(city: City) -> None:
    assert shapely.covers(city.tile.outline(), city.buildings.polygon).all()


@pytest.mark.parametrize("name", ["districts", "dongs", "zoning"])
def test_zones_tile_the_city(city: City, name: str) -> None:
    zones = getattr(city, name).polygon
    outline = city.tile.outline()
    assert shapely.is_valid(zones).all()
    assert shapely.coverage_is_valid(zones)
    assert abs(shapely.area(zones).sum() / outline.area - 1.0) < 1e-9
    assert shapely.union_all(zones).symmetric_difference(outline).area < 1e-9 * outline.area


def test_dongs_nest_in_their_districts(city: City) -> None:
    for code, district in zip(city.districts.code, city.districts.polygon, strict=True):
        members = city.dongs.polygon[city.dongs.parent == code]
        assert shapely.union_all(members).symmetric_difference(district).area < 1e-9 * district.area
    assert all(polygon.geom_type == "Polygon" for polygon in city.dongs.polygon), "a dong is in one piece"
    assert len(set(city.dongs.code)) == len(city.dongs.code)
    assert all(dong.startswith(parent) for dong, parent in zip(city.dongs.code, city.dongs.parent, strict=True))


def test_dong_borders_wiggle(town: City) -> None:
    vertices = shapely.get_num_coordinates(town.dongs.polygon)
    assert vertices.mean() > 40
    hull = shapely.area(shapely.convex_hull(town.dongs.polygon))
    assert np.median(shapely.area(town.dongs.polygon) / hull) < 0.97


def test_stands_do_not_overlap_and_cover_half_of_the_land(city: City) -> None:
    assert shapely.is_valid(city.stands.polygon).all()
    assert shapely.coverage_is_valid(city.stands.polygon)
    assert 0.35 < shapely.area(city.stands.polygon).sum() / city.tile.outline().area < 0.65
    assert set(city.stands.age_class.tolist()) <= set(range(1, 8))


def test_neighbouring_cities_meet_without_gap_or_overlap(neighbours: list[City]) -> None:
    dongs = np.concatenate([city.dongs.polygon for city in neighbours])
    assert shapely.coverage_is_valid(dongs)
    whole = shapely.union_all(dongs)
    assert whole.geom_type == "Polygon"
    assert not whole.interiors
    assert abs(shapely.area(dongs).sum() / whole.area - 1.0) < 1e-12
    stands = np.concatenate([city.stands.polygon for city in neighbours])
    assert abs(shapely.area(stands).sum() / shapely.union_all(stands).area - 1.0) < 1e-12
    codes = np.concatenate([city.dongs.code for city in neighbours])
    assert len(set(codes)) == len(codes)


def test_rivers_and_roads_run_on_into_the_neighbour(neighbours: list[City]) -> None:
    west, east, north_west, _ = neighbours
    mouth = west.land.river.intersection(east.land.river)
    assert mouth.area == 0.0
    assert mouth.length > 30.0
    for side, first, second in ((1, west, east), (5, west, east), (2, west, north_west)):
        opposite = {1: 0, 5: 4, 2: 3}[side]
        here = first.network.node_uv[first.network.exit_node[side]]
        there = second.network.node_uv[second.network.exit_node[opposite]]
        assert here == pytest.approx(there)


def test_main_roads_hang_together(city: City) -> None:
    net = city.network
    n = len(net.node_uv)
    graph = coo_array((np.ones(len(net.start)), (net.start, net.stop)), shape=(n, n))
    _, part = connected_components(graph, directed=False)
    used = np.union1d(net.start, net.stop)
    assert len(set(part[used].tolist())) == 1
    ends = shapely.get_point(net.line, 0)
    at = city.tile.plan.bend(net.node_uv)[net.start]
    assert np.hypot(*(shapely.get_coordinates(ends) - at).T).max() < 0.02


def test_traffic_is_heavier_on_larger_roads(town: City) -> None:
    by_class = {c: np.median(town.traffic[town.network.road_class == c]) for c in set(town.network.road_class.tolist())}
    assert by_class["motorway"] > by_class["primary"] > by_class["tertiary"] > by_class["unclassified"]
    assert town.traffic.min() > 0
    assert town.traffic.max() < 150_000


def test_the_river_is_bridged(town: City) -> None:
    crossing = shapely.crosses(town.network.line, town.land.river)
    assert 3 <= crossing.sum() <= 12


def test_centres_are_denser_and_higher_than_villages(town: City) -> None:
    stock = town.buildings
    core = np.isin(stock.superblock, np.flatnonzero(town.superblocks.kind == "core"))
    village = stock.superblock < 0
    assert stock.levels[core].mean() > 4 * stock.levels[village].mean()
    assert {"단독주택", "공동주택", "업무시설", "교육연구시설", "공장", "의료시설"} <= set(stock.use.tolist())


@pytest.mark.parametrize("buildings", [200, 5_000, 20_000, 90_000, 7_200_000])
def test_plan_gives_every_building_a_tile(buildings: int) -> None:
    plan = make_plan(buildings, 1)
    assert sum(plan.tile_buildings) == buildings
    tiles = plan.tiles()
    assert len(tiles) == plan.rows * plan.cols
    assert plan.width_m % (4 * plan.cell_m) == plan.height_m % (4 * plan.cell_m) == 0
    area = plan.width_m * plan.height_m * len(tiles)
    assert area / buildings == pytest.approx(9_000, rel=0.08)
    # Inside the Korean national grid, whose codes end at 1,400 km east and 2,100 km north.
    assert plan.origin[0] > 702_000
    assert plan.origin[1] > 1_302_000
    assert plan.origin[0] + plan.cols * plan.width_m < 1_398_000
    assert plan.origin[1] + plan.rows * plan.height_m < 2_098_000


@pytest.mark.parametrize(
    ("buildings", "seed", "words"),
    [
        (MIN_BUILDINGS - 1, 1, "199 buildings"),
        (MAX_BUILDINGS + 1, 1, "15,000,001 buildings"),
        (5_000, -1, "seed is -1"),
    ],
)
def test_impossible_requests_are_refused_in_words(buildings: int, seed: int, words: str) -> None:
    with pytest.raises(RegionError, match=words):
        make_plan(buildings, seed)


def test_bending_keeps_order_and_never_folds() -> None:
    plan = make_plan(20_000, 20260101)
    tile = plan.tiles()[0]
    u, v = tile.cell_centres()
    xy = plan.bend(np.column_stack([u.ravel(), v.ravel()])).reshape(*u.shape, 2)
    du, dv = np.diff(xy, axis=1)[:-1], np.diff(xy, axis=0)[:, :-1]
    jacobian = (du[..., 0] * dv[..., 1] - du[..., 1] * dv[..., 0]) / plan.cell_m**2
    assert jacobian.min() > 0.3


def test_noise_is_smooth_bounded_and_the_same_everywhere() -> None:
    x = np.linspace(-3_000.0, 3_000.0, 4_001)
    y = np.full_like(x, 17.5)
    field = value_noise(x, y, 500.0, 3)
    assert np.abs(field).max() <= 1.0
    assert np.abs(np.diff(field)).max() <= STEEPEST / 500.0 * (x[1] - x[0]) + 1e-12
    assert (value_noise(x[1000:1010], y[:10], 500.0, 3) == field[1000:1010]).all()
    assert (value_noise(x, y, 500.0, 4) != field).any()
    assert np.abs(fractal(x, y, 500.0, 3, 4)).max() <= 1.0
