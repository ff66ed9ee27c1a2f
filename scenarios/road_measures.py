"""Measures of roads: what each makes of a graph (METHODS D1: network travel times).

A measure returns a new graph; nodes keep their numbers, and links their order, so that graphs can be compared.
Closing takes arcs away and building adds some: no trip gets quicker by the one or slower by the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import shapely
import shapely.ops
from shapely.geometry.base import BaseGeometry

from scenarios import scenario as documents
from scenarios.errors import InvalidScenario
from scenarios.frame import BoolArray, FloatArray, IntArray
from scenarios.parameters import Parameters
from scenarios.places import in_metres
from scenarios.road_graph import Objects, RoadGraph

Outline = Callable[[documents.Area], BaseGeometry]
"""Area -> its outline in the region's CRS."""
_TOUCH_M = 1.0  # a road that runs less in an area only touches it
_SAME_M = 1e-6  # distances that differ by rounding only
_LEAST_KMH = 1.0
_LANES = 2.0  # of a road that says nothing: one each way
LANES_USED = ("roads.lane_capacity", "roads.busy_hours", "roads.delay", "roads.delay_power")


def changed_graph(
    graph: RoadGraph, measure: documents.AnyMeasure, outline: Outline | None, crs: str, parameters: Parameters
) -> RoadGraph:
    """The graph after a measure.

    Args:
        graph: before.
        measure: of the kinds `scenarios.scenario.ROADS`.
        outline: tells outlines of areas; needed where the measure has one.
        crs: of the graph.
        parameters: capacity and delay, for lanes.

    Raises:
        InvalidScenario: it names no road that is there, or needs what nobody told; names the measure.
    """
    try:
        if isinstance(measure, documents.NewRoad):
            return _with_road(graph, measure, crs)
        if isinstance(measure, documents.RoadClosure):
            return _closed(graph, _part_in(graph, measure.roads, measure.area, outline) > 0)
        if isinstance(measure, documents.CarFreeArea):
            return _closed(graph, _part_in(graph, None, measure.area, outline) > 0)
        if isinstance(measure, documents.RoadSpeed):
            part = _part_in(graph, measure.roads, measure.area, outline)
            then = graph.km / measure.kmh * 60
            return replace(graph, minutes=_mixed(graph.minutes, part, np.tile(then, (2, 1))))
        if isinstance(measure, documents.RoadLanes):
            part = _part_in(graph, measure.roads, measure.area, outline)
            return _with_lanes(graph, part, measure.lanes, parameters.given(measure.parameters, measure.id))
    except InvalidScenario as error:
        raise InvalidScenario(f"{measure.id}: {error}") from error
    raise InvalidScenario(f"{measure.id}: {measure.kind!r} is no measure of roads.")


def road_quantity(
    graph: RoadGraph, measure: documents.AnyMeasure, outline: Outline | None, crs: str
) -> tuple[float, str]:
    """How much road a measure builds or changes, and its unit: km, or lane-km; for costs.

    Args:
        graph: before it; what is closed already is not closed again.
        measure: as for `changed_graph`.
        outline: tells outlines of areas.
        crs: of the graph.
    """
    if isinstance(measure, documents.NewRoad):
        return float(shapely.LineString(in_metres(crs, measure.line)).length) / 1000, "km"
    roads = None if isinstance(measure, documents.CarFreeArea) else getattr(measure, "roads", None)
    part = _part_in(graph, roads, measure.area, outline) * np.isfinite(graph.minutes).any(axis=0)
    if isinstance(measure, documents.RoadLanes):
        return float((part * graph.km).sum()) * abs(measure.lanes), "lane-km"
    whole = isinstance(measure, documents.RoadClosure | documents.CarFreeArea)
    return float(graph.km[part > 0].sum() if whole else (part * graph.km).sum()), "km"


def _part_in(
    graph: RoadGraph, roads: tuple[str, ...] | None, area: documents.Area | None, outline: Outline | None
) -> FloatArray:
    """Part (links,) of each link that is meant; a touch counts as nothing."""
    named = np.ones(len(graph.km), dtype=bool)
    if roads is not None:
        absent = sorted(set(roads) - set(graph.ids))
        if absent:
            raise InvalidScenario(
                f"roads {', '.join(absent[:5])} were named; ids of roads that cars use were expected, such as "
                f"{', '.join(sorted(set(graph.ids))[:3])}."
            )
        named = np.isin(graph.ids.astype(str), roads)
    if area is None:
        return named.astype(np.float64)
    if outline is None:
        raise InvalidScenario("it has an area, and nothing was given that tells its outline.")
    ground = outline(area)
    shapely.prepare(ground)
    part = np.zeros(len(graph.km))
    near = np.flatnonzero(named & shapely.intersects(ground, graph.lines))
    metres = shapely.length(shapely.intersection(graph.lines[near], ground))
    part[near] = np.where(metres >= np.minimum(_TOUCH_M, 500 * graph.km[near]), metres / (1000 * graph.km[near]), 0.0)
    if not part.any():
        raise InvalidScenario("no road that cars use runs in its area: draw it over the roads that are meant.")
    return np.where(part > 1 - 1e-9, 1.0, part)


def _mixed(minutes: FloatArray, part: FloatArray, then: FloatArray) -> FloatArray:
    """Minutes (2, links) of which a part of the length is driven in other times; untouched links keep their bits."""
    open_now = np.isfinite(minutes)
    mixed = (1 - part) * np.where(open_now, minutes, 0.0) + part * np.where(open_now, then, 0.0)
    return np.where((part > 0) & open_now, mixed, minutes)


def _closed(graph: RoadGraph, which: BoolArray) -> RoadGraph:
    return replace(graph, minutes=np.where(which, np.inf, graph.minutes))


def _with_lanes(graph: RoadGraph, part: FloatArray, lanes: int, parameters: Parameters) -> RoadGraph:
    """Times with another delay at today's traffic, `t = t0 (1 + a (v/c)^b)`; the traffic itself is not made to balance.

    The time of today holds today's delay, so that the ratio of both delays is what changes.
    """
    chosen = part > 0
    if np.isnan(graph.aadt[chosen]).all():
        raise InvalidScenario("nobody tells the traffic of these roads, so that lanes say nothing: give a speed.")
    have = np.where(np.isnan(graph.lanes), _LANES, graph.lanes)
    then = have + lanes
    if (then[chosen] < 1).any():
        raise InvalidScenario(
            f"{lanes} lanes were given, and a road has no more than {have[chosen].min():g}: close it, or take fewer."
        )
    a_lane, hours, delay, power = (parameters.number(name) for name in LANES_USED)
    load = np.nan_to_num(graph.aadt) / (hours * a_lane)  # of all lanes, if there were one
    ratio = (1 + delay * (load / then) ** power) / (1 + delay * (load / have) ** power)
    slowest = np.maximum(graph.km / _LEAST_KMH * 60, graph.minutes)
    minutes = np.minimum(graph.minutes * ratio, slowest)
    return replace(
        graph,
        minutes=_mixed(graph.minutes, part, minutes),
        lanes=np.where(chosen, have + lanes * part, graph.lanes),
    )


def _with_road(graph: RoadGraph, measure: documents.NewRoad, crs: str) -> RoadGraph:
    """The graph with a road, the ends of which join the nearest points of roads that are open.

    A link that is joined in its midst stays, and its two pieces are added beside it: what was the shortest path before
    is one still, to the bit.
    """
    line = shapely.LineString(in_metres(crs, measure.line))
    if not np.isfinite(line.bounds).all() or line.length == 0:
        raise InvalidScenario("its line has no length in the region; give at least two places that differ.")
    graph, first = _joined(graph, shapely.Point(line.coords[0]), measure.join_m)
    graph, last = _joined(graph, shapely.Point(line.coords[-1]), measure.join_m)
    if first == last:
        raise InvalidScenario("both its ends join the same place; give a line between two places of the roads.")
    km = line.length / 1000
    minutes = km / measure.kmh * 60
    return _added(graph, [first], [last], [line], measure.id, np.array([km]),
                  np.array([[minutes], [np.inf if measure.oneway else minutes]]), np.nan, np.nan)  # fmt: skip


def _joined(graph: RoadGraph, place: shapely.Point, within_m: float) -> tuple[RoadGraph, int]:
    """The graph with a node on the road nearest to a place, and its number."""
    passable = np.flatnonzero(np.isfinite(graph.minutes).any(axis=0))
    apart = shapely.distance(graph.lines[passable], place)
    if not len(apart) or apart.min() > within_m:
        nearest = f"{apart.min():.0f} m away" if len(apart) else "nowhere"
        raise InvalidScenario(
            f"the nearest open road to its end at x = {place.x:.0f}, y = {place.y:.0f} is {nearest}, and "
            f"{within_m:g} m were allowed: draw it up to a road, or raise join_m."
        )
    # Of a link and the pieces that an earlier joint left beside it, the shortest: their joint is met again.
    nearest_ones = passable[apart <= apart.min() + _SAME_M]
    link = int(nearest_ones[graph.km[nearest_ones].argmin()])
    line = graph.lines[link]
    at = float(shapely.line_locate_point(line, place))
    if at < _TOUCH_M or at > line.length - _TOUCH_M:
        return graph, int(graph.tail[link] if at < line.length / 2 else graph.head[link])
    node = graph.nodes
    point = shapely.line_interpolate_point(line, at)
    graph = replace(graph, places=np.concatenate([graph.places, [[point.x, point.y]]]))
    share = np.array([at / line.length, 1 - at / line.length])
    pieces = [shapely.ops.substring(line, 0, at), shapely.ops.substring(line, at, line.length)]
    graph = _added(
        graph, [int(graph.tail[link]), node], [node, int(graph.head[link])], pieces, str(graph.ids[link]),
        graph.km[link] * share, graph.minutes[:, link][:, None] * share, graph.lanes[link], graph.aadt[link],
    )  # fmt: skip
    return graph, node


def _added(
    graph: RoadGraph, tail: list[int], head: list[int], lines: Sequence[BaseGeometry], road: str, km: FloatArray,
    minutes: FloatArray, lanes: float, aadt: float,
) -> RoadGraph:  # fmt: skip
    def more(numbers: IntArray, new: list[int]) -> IntArray:
        return np.concatenate([numbers, np.array(new, dtype=np.int64)])

    def objects(old: Objects, new: list[object]) -> Objects:
        added = np.empty(len(new), dtype=object)
        added[:] = new
        return np.concatenate([old, added])

    n = len(lines)
    return replace(
        graph,
        tail=more(graph.tail, tail),
        head=more(graph.head, head),
        lines=objects(graph.lines, [*lines]),
        ids=objects(graph.ids, [road] * n),
        km=np.concatenate([graph.km, km]),
        minutes=np.concatenate([graph.minutes, minutes], axis=1),
        lanes=np.concatenate([graph.lanes, np.full(n, lanes)]),
        aadt=np.concatenate([graph.aadt, np.full(n, aadt)]),
    )
