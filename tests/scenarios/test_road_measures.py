"""Measures of roads: by hand on small graphs, monotone on random ones, conserving trips, and in a run of a city."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra

from scenarios import assignment
from scenarios.errors import InvalidScenario, Stopped
from scenarios.parameters import shipped_parameters
from scenarios.places import area_coverage, area_outline
from scenarios.result import Result
from scenarios.road_graph import RoadGraph, Roads, road_graph, roads_of
from scenarios.road_measures import changed_graph
from scenarios.road_steps import RoadWork, laid_change
from scenarios.run import baseline_of, run
from scenarios.scenario import read_scenario
from scenarios.state import SECTORS, State

PARAMETERS = shipped_parameters()
CRS, EAST, NORTH = "EPSG:5179", 900_000.0, 1_900_000.0
TO_LONLAT = pyproj.Transformer.from_crs(CRS, "OGC:CRS84", always_xy=True)


def lonlat(x: float, y: float) -> list[float]:
    return [float(value) for value in TO_LONLAT.transform(EAST + x, NORTH + y)]


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return {
        "polygon": [[lonlat(*at) for at in ((west, south), (east, south), (east, north), (west, north), (west, south))]]
    }


def changed(graph: RoadGraph, **measure: Any) -> RoadGraph:
    [one] = read_scenario({"year": 2040, "measures": [{"id": "m", **measure}]}).measures
    return changed_graph(graph, one, area_outline(CRS), CRS, PARAMETERS)


def grid_roads(state: State, kmh: Callable[[int], float] = lambda k: 40.0) -> Roads:
    """Streets through the middles of all rows and columns of cells, beginning and ending at the rim."""
    frame = state.frame
    x, y = frame.centres()
    lines = [[(EAST, b), *((a, b) for a in x), (x[-1] + 250, b)] for b in y]
    lines += [[(a, NORTH), *((a, b) for b in y), (a, y[-1] + 250)] for a in x]
    roads = roads_of([shapely.LineString(line) for line in lines], [kmh(k) for k in range(len(lines))])
    return Roads(
        roads.lines, roads.ids, roads.kmh, roads.oneway, np.full(len(lines), 2.0), np.full(len(lines), 20_000.0)
    )


def ran(state: State, measures: list[dict[str, Any]], **more: Any) -> Result:
    work = RoadWork(road_graph(grid_roads(state)), area_outline(CRS), **more)
    document = read_scenario({"year": 2040, "measures": measures})
    return run(baseline_of(state), document, area_coverage(state), roads=work)


@pytest.fixture
def street() -> RoadGraph:
    """A direct road (id 0) of 2 km, and a way round (id 1) of 4 km, both at 60 km/h."""
    direct = shapely.LineString([(EAST, NORTH), (EAST + 2000, NORTH)])
    around = shapely.LineString(
        [(EAST, NORTH), (EAST, NORTH + 1000), (EAST + 2000, NORTH + 1000), (EAST + 2000, NORTH)]
    )
    return road_graph(roads_of([direct, around], [60, 60]))


def best(graph: RoadGraph) -> float:
    return float(graph.arcs()[2][0])


def test_each_measure_by_hand(street: RoadGraph) -> None:
    assert best(street) == pytest.approx(2)
    assert best(changed(street, kind="road_closure", roads=["0"])) == pytest.approx(4)
    assert best(changed(street, kind="road_closure", area=box(900, -10, 910, 10))) == pytest.approx(4)
    assert best(changed(street, kind="road_speed", roads=["0"], kmh=40)) == pytest.approx(3)
    # Half of it at 30 km/h: 1 km in one minute, 1 km in two.
    assert best(changed(street, kind="road_speed", area=box(1000, -50, 2100, 50), kmh=30)) == pytest.approx(3, rel=1e-3)
    assert best(changed(street, kind="car_free_area", area=box(500, -50, 600, 50))) == pytest.approx(4)
    both = changed(street, kind="road_closure", roads=["0", "1"])
    assert not len(both.arcs()[0])
    # The whole of a closed road at another speed stays closed.
    assert np.isinf(changed(both, kind="road_speed", roads=["0", "1"], kmh=90).minutes).all()


def test_a_new_road_joins_the_nearest_ones(street: RoadGraph) -> None:
    line = [lonlat(1000, 12), lonlat(1000, 990)]
    graph = changed(street, kind="new_road", line=line, kmh=60)
    assert graph.nodes == street.nodes + 2
    assert len(graph.km) == len(street.km) + 5
    assert graph.km[-1] == pytest.approx(0.978, rel=1e-3)
    np.testing.assert_array_equal(graph.minutes[:, : len(street.km)], street.minutes)
    assert graph.km[len(street.km) : len(street.km) + 2].sum() == pytest.approx(2)
    one_way = changed(street, kind="new_road", line=line, kmh=60, oneway=True)
    assert np.isinf(one_way.minutes[1, -1])
    assert np.isfinite(one_way.minutes[0, -1])


def test_roads_that_join_at_one_place_are_joined(street: RoadGraph) -> None:
    first = changed(street, kind="new_road", line=[lonlat(1000, 12), lonlat(1000, 990)], kmh=60)
    again = changed(first, kind="new_road", line=[lonlat(1000, -5), lonlat(1000, -900), lonlat(1400, -3)], kmh=60)
    assert again.nodes == first.nodes + 1
    minutes = dijkstra(again.matrix(), indices=first.nodes)
    assert minutes[street.nodes] == pytest.approx(0.4, rel=1e-2)  # from one joint to the other, along the road


def test_lanes_take_delay_away_as_published() -> None:
    line = shapely.LineString([(EAST, NORTH), (EAST + 1000, NORTH)])
    one = roads_of([line], [60])
    roads = Roads(one.lines, one.ids, one.kmh, one.oneway, np.array([2.0]), np.array([2 * 900 * 12.0]))
    graph = road_graph(roads)
    # Two lanes at capacity: 1.15; four at half of it: 1 + 0.15 / 16.
    assert best(changed(graph, kind="road_lanes", roads=["0"], lanes=2)) == pytest.approx((1 + 0.15 / 16) / 1.15)
    assert best(changed(graph, kind="road_lanes", roads=["0"], lanes=-1)) == pytest.approx((1 + 0.15 * 16) / 1.15)
    with pytest.raises(InvalidScenario, match="close it, or take fewer"):
        changed(graph, kind="road_lanes", roads=["0"], lanes=-2)
    with pytest.raises(InvalidScenario, match="nobody tells the traffic"):
        changed(road_graph(one), kind="road_lanes", roads=["0"], lanes=1)


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        ({"kind": "road_closure", "roads": ["7"]}, "m: roads 7 were named.*such as 0, 1"),
        ({"kind": "road_closure", "area": box(3000, 3000, 3100, 3100)}, "no road that cars use runs in its area"),
        ({"kind": "new_road", "line": [lonlat(-5, -3), lonlat(-3, -5)], "kmh": 50}, "both its ends"),
        ({"kind": "new_road", "line": [lonlat(1000, 500), lonlat(1000, 600)], "kmh": 50}, "raise join_m"),
        ({"kind": "new_road", "line": [lonlat(1000, 5)] * 2, "kmh": 50}, "no length"),
        ({"kind": "road_speed", "kmh": 50}, "name roads by id, or give an area"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(street: RoadGraph, measure: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidScenario, match=says):
        changed(street, **measure)


def times(state: State, graphs: list[RoadGraph]) -> list[np.ndarray[Any, Any]]:
    zones = assignment.trip_zones(state, state.over(state.population), state.over(state.jobs))
    ways = assignment.walks(graphs, zones, 4.8)
    return [assignment.zone_minutes(graph, zones, ways) for graph in graphs]


@given(st.integers(1, 99), st.lists(st.integers(0, 15), min_size=1, max_size=9), st.floats(0, 3500), st.floats(0, 3500))
@settings(max_examples=20, deadline=None)
def test_closing_never_shortens_and_building_never_lengthens(
    cities: ModuleType, seed: int, closed: list[int], x: float, y: float
) -> None:
    state = cities.city(8, 8, seed=seed, holes=0.1)
    speeds = np.random.default_rng(seed).uniform(20, 90, 16)
    graph = road_graph(grid_roads(state, lambda k: speeds[k]))
    shut = changed(graph, kind="road_closure", roads=[str(k) for k in set(closed)])
    free = changed(graph, kind="car_free_area", area=box(x, y, x + 700, y + 700))
    more = changed(graph, kind="new_road", line=[lonlat(x, y), lonlat(3900 - y, x)], kmh=120, join_m=500)
    before, without, walked, built = times(state, [graph, shut, free, more])
    assert (without >= before).all()
    assert (walked >= before).all()
    assert (built <= before).all()
    assert np.isfinite(before).all()


def test_trips_are_conserved_and_run_on_their_paths(cities: ModuleType) -> None:
    state = cities.city(7, 7)
    graph = road_graph(grid_roads(state))
    people, jobs = state.over(state.population), state.over(state.jobs)
    zones = assignment.trip_zones(state, people, jobs)
    ways = assignment.walks([graph], zones, 4.8)
    demand = assignment.Demand(zones.sums(people), zones.sums(jobs), 0.1)
    own = np.full(zones.count, 3.0)
    [got] = assignment.assigned(graph, zones, ways, [demand], own)
    assert got.on_roads + got.within.sum() + got.cut_off.sum() == pytest.approx(people.sum(), rel=1e-12)
    assert not got.cut_off.any()
    # Another route to the same: minutes on roads and walks are minutes between zones.
    minutes = assignment.zone_minutes(graph, zones, ways)
    np.fill_diagonal(minutes, own)
    weight = demand.jobs * np.exp(-0.1 * minutes)
    trips = demand.residents[:, None] * weight / weight.sum(axis=1, keepdims=True)
    assert got.minutes == pytest.approx((trips * minutes).sum() / trips.sum())
    on_roads = (got.trips * graph.minutes).sum()
    np.fill_diagonal(trips, 0.0)
    walked = (trips * minutes).sum() - on_roads
    assert 0 < walked < trips.sum() * 2 * ways.minutes.max()


def test_shortest_paths_by_hand() -> None:
    before = np.array([[-9999, 0, 1, 1, 0]])  # 0 -> 1 -> (2, 3), 0 -> 4; the last three are destinations
    through = assignment._through(before, np.array([[3.0, 4.0, 5.0]]))
    assert through.tolist() == [[12.0, 7.0, 3.0, 4.0, 5.0]]


def test_many_cells_make_fewer_zones_and_lose_nobody(cities: ModuleType) -> None:
    state = cities.city(20, 20, holes=0.2)
    people, jobs = state.over(state.population), state.over(state.jobs)
    zones = assignment.trip_zones(state, people, jobs, most=30)
    assert 10 < zones.count <= 30
    assert zones.sums(people).sum() == pytest.approx(people.sum())
    assert zones.own_km == pytest.approx(0.5214054 * 4 * 0.5, rel=1e-6)


@given(st.integers(1, 999))
@settings(max_examples=30, deadline=None)
def test_a_laid_change_keeps_its_sum_and_leaves_nothing_below_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    flows, wanted = rng.exponential(1, (3, 40)), rng.normal(0.2, 1, (3, 40))
    got = laid_change(flows, wanted)
    assert (flows + got >= 0).all()
    reachable = np.maximum(wanted.sum(axis=1), -np.minimum(np.maximum(-wanted, 0), flows).sum(axis=1))
    np.testing.assert_allclose(got.sum(axis=1), reachable, rtol=1e-9, atol=1e-9)
    assert not laid_change(flows, np.zeros((3, 40))).any()


MIDDLE = box(1300, 1300, 2200, 2200)
CLOSURE = {"id": "closed", "kind": "road_closure", "area": MIDDLE}
CAR_FREE = {"id": "free", "kind": "car_free_area", "area": MIDDLE}
NEW = {"id": "new", "kind": "new_road", "line": [lonlat(250, 250), lonlat(3250, 3250)], "kmh": 100}
SLOW = {"id": "slow", "kind": "road_speed", "area": box(0, 0, 3500, 3500), "kmh": 25}
LANES = {"id": "lanes", "kind": "road_lanes", "area": box(0, 0, 3500, 3500), "lanes": 2}
GROWTH = {"id": "grown", "kind": "growth", "form": "compact", "people": 500}


@pytest.mark.parametrize("measure", [CLOSURE, CAR_FREE, NEW, SLOW, LANES], ids=lambda measure: measure["id"])
def test_a_run_adds_up(cities: ModuleType, measure: dict[str, Any]) -> None:
    state = cities.city(7, 7)
    result = ran(state, [measure])
    [effect] = result.measures
    assert effect.stage == "roads"
    assert effect.tco2e == pytest.approx(result.first.total_tco2e, rel=1e-9)
    assert effect.first_in_tco2e == pytest.approx(effect.tco2e, rel=1e-9)
    assert effect.last_in_tco2e == pytest.approx(effect.tco2e, rel=1e-9)
    assert result.first.change_tco2e[SECTORS.index("transport")].any()
    for sector in ("buildings", "forest"):
        np.testing.assert_array_equal(result.sector_tco2e(sector), state.sector_tco2e(sector))
    assert (result.sector_tco2e("transport") >= -1e-9).all()
    report = result.roads
    assert report is not None
    cars = [stream.vehicle == "car" for stream in state.streams]
    assert report.vehicle_km[0].sum() == pytest.approx(0.5 * state.vehicle_km[cars].sum())
    assert report.cut_off == (0.0, 0.0)
    assert (report.minutes[1] > report.minutes[0]) == (measure["kind"] not in ("new_road", "road_lanes"))
    assert {one.id for one in result.used} >= {"roads.walk_speed", "access.trip_length"}
    assert result.then == result.before


def test_no_trip_runs_on_a_closed_road(cities: ModuleType) -> None:
    report = ran(cities.city(7, 7), [CAR_FREE]).roads
    assert report is not None
    closed = np.isinf(report.links.minutes).all(axis=0)
    assert closed.sum() == 4  # around the junction of the fourth street and the fourth road
    assert report.link_vehicle_km[0, closed].any()
    assert not report.link_vehicle_km[1, closed].any()


def test_a_measure_that_takes_nothing_away_changes_nothing(cities: ModuleType) -> None:
    state = cities.city(7, 7)
    dead_end = {"id": "same", "kind": "road_speed", "area": MIDDLE, "kmh": 40}
    result = ran(state, [dead_end])
    np.testing.assert_allclose(result.first.change_tco2e, 0, atol=1e-6)
    empty = ran(state, [])
    assert empty.roads is None
    assert not empty.first.change_tco2e.any()


def test_measures_and_forms_go_together(cities: ModuleType) -> None:
    state = cities.city(7, 7)
    later = {"id": "later", "kind": "road_speed", "roads": ["new"], "kmh": 30}
    result = ran(state, [GROWTH, NEW, CLOSURE, later])
    effects = {effect.id: effect for effect in result.measures}
    assert [effect.stage for effect in result.measures] == ["form", "roads", "roads", "roads"]
    assert sum(effect.tco2e for effect in effects.values()) == pytest.approx(result.first.total_tco2e)
    assert effects["later"].first_in_tco2e == 0  # there is no such road without the new one
    assert effects["closed"].first_in_tco2e == pytest.approx(ran(state, [CLOSURE]).first.total_tco2e)
    alone, roads = ran(state, [GROWTH]), ran(state, [NEW, CLOSURE, later])
    assert effects["grown"].tco2e == pytest.approx(alone.first.total_tco2e)
    assert effects["closed"].last_in_tco2e == pytest.approx(
        result.first.total_tco2e - ran(state, [GROWTH, NEW, later]).first.total_tco2e
    )
    assert roads.first.total_tco2e != 0


def test_last_in_is_what_a_run_without_says_whatever_the_ramps(cities: ModuleType) -> None:
    state = cities.city(7, 7)
    measures = [
        {"id": "loss", "kind": "green_loss", "level": 0.5, "start": 2035, "ramp_years": 10},
        {"id": "denser", "kind": "streets", "change": 0.3, "start": 2038, "ramp_years": 10},
        NEW | {"start": 2030, "ramp_years": 20},
        CLOSURE,
        {"id": "later", "kind": "road_speed", "roads": ["new"], "kmh": 30, "ramp_years": 40},
        {"id": "ev", "kind": "electric_vehicles", "level": 0.5, "ramp_years": 20},
    ]
    result = ran(state, measures)
    for effect in result.measures:
        others = [measure for measure in measures if measure["id"] != effect.id]
        if effect.id == "new":  # nothing can be slower on a road that nobody builds
            others = [measure for measure in others if measure["id"] != "later"]
        last = result.first.total_tco2e - ran(state, others).first.total_tco2e
        assert effect.last_in_tco2e == pytest.approx(last, rel=1e-9, abs=1e-7)


def test_progress_is_told_and_cancelling_stops(cities: ModuleType) -> None:
    state, told = cities.city(6, 6), []
    ran(state, [CLOSURE], progress=lambda done, blocks: told.append((done, blocks)))
    assert [done for done, _ in told] == list(range(told[0][1]))
    with pytest.raises(Stopped, match="cancelled"):
        ran(state, [CLOSURE], cancelled=lambda: True)


def test_roads_have_to_be_given(cities: ModuleType) -> None:
    state = cities.city(6, 6)
    document = read_scenario({"year": 2040, "measures": [CLOSURE]})
    with pytest.raises(InvalidScenario, match="closed: measures of roads need the roads as a graph"):
        run(baseline_of(state), document, area_coverage(state))
    far = RoadWork(road_graph(grid_roads(state)), None)
    with pytest.raises(InvalidScenario, match="closed: it has an area"):
        run(baseline_of(state), document, area_coverage(state), roads=far)
