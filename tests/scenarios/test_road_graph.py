"""Roads become a graph that is right by hand: cut where they meet, joined within the tolerance, one-way kept."""

import numpy as np
import pytest
import shapely
from scipy.sparse.csgraph import dijkstra

from scenarios.errors import InvalidState
from scenarios.road_graph import RoadGraph, road_graph, roads_of


def minutes(graph: RoadGraph, start: tuple[float, float], end: tuple[float, float]) -> float:
    def node(place: tuple[float, float]) -> int:
        return int(np.hypot(*(graph.places - place).T).argmin())

    return float(dijkstra(graph.matrix(), indices=node(start))[node(end)])


def test_a_crossing_with_a_common_vertex_cuts_both_and_a_bridge_none() -> None:
    along = shapely.LineString([(0, 0), (1000, 0), (2000, 0)])
    across = shapely.LineString([(1000, -1000), (1000, 0), (1000, 1000)])
    bridge = shapely.LineString([(500, -1000), (500, 1000)])
    graph = road_graph(roads_of([along, across, bridge], [60, 30, 60]))
    assert (len(graph.km), graph.nodes) == (5, 7)
    assert minutes(graph, (0, 0), (1000, 1000)) == pytest.approx(1 + 2)
    assert np.isinf(minutes(graph, (0, 0), (500, 1000)))
    found = graph.connectivity()
    assert found.parts == 2
    assert found.main_share == pytest.approx(4 / 6)


def test_one_way_roads_run_one_way() -> None:
    out, back = shapely.LineString([(0, 0), (1000, 0)]), shapely.LineString([(0, 0), (0, 500), (1000, 500), (1000, 0)])
    graph = road_graph(roads_of([out, back], [60, 60], [1, -1]))
    assert minutes(graph, (0, 0), (1000, 0)) == pytest.approx(1)
    assert minutes(graph, (1000, 0), (0, 0)) == pytest.approx(2)
    assert graph.connectivity().parts == 1


def test_of_two_roads_between_two_places_the_quicker_counts() -> None:
    slow, quick = shapely.LineString([(0, 0), (1000, 0)]), shapely.LineString([(0, 0), (500, 300), (1000, 0)])
    graph = road_graph(roads_of([slow, quick], [30, 60]))
    assert minutes(graph, (0, 0), (1000, 0)) == pytest.approx(quick.length / 1000)


@pytest.mark.parametrize(("gap", "joined"), [(0.4, True), (0.6, False)])
def test_free_ends_join_within_the_tolerance(gap: float, joined: bool) -> None:
    street = shapely.LineString([(0, 0), (500, 0), (1000, 0)])
    side = shapely.LineString([(500, gap), (500, 800)])
    graph = road_graph(roads_of([street, side], [60, 60]), tolerance_m=0.5)
    assert graph.snapped == joined
    assert np.isfinite(minutes(graph, (0, 0), (500, 800))) == joined
    assert graph.connectivity().parts == (1 if joined else 2)


def test_length_is_kept_and_loops_go_nowhere() -> None:
    lines = [
        shapely.LineString([(0, 0), (100, 0), (200, 50), (300, 0)]),
        shapely.LineString([(200, 50), (250, 150), (150, 150), (200, 50)]),
        shapely.LineString([(300, 0), (300, 0.002)]),
    ]
    graph = road_graph(roads_of(lines, [50, 50, 50]))
    assert graph.km.sum() == pytest.approx(sum(line.length for line in lines) / 1000, abs=1e-5)
    assert minutes(graph, (0, 0), (300, 0)) == pytest.approx(lines[0].length / 1000 / 50 * 60)
    assert shapely.length(graph.lines).sum() / 1000 == pytest.approx(graph.km.sum())


def test_what_is_no_road_is_refused() -> None:
    line = shapely.LineString([(0, 0), (1, 1)])
    with pytest.raises(InvalidState, match="no road that cars may use"):
        road_graph(roads_of([], []))
    with pytest.raises(InvalidState, match="speed"):
        roads_of([line], [0.0])
    with pytest.raises(InvalidState, match="no line"):
        roads_of([shapely.Point(0, 0)], [50.0])
    with pytest.raises(InvalidState, match="oneway"):
        roads_of([line], [50.0], [3])
