"""Travel times between zones on the road graph, trips by gravity, and their shortest paths: no equilibrium.

`T_ij = P_i J_j exp(-b v t_ij) / sum_k J_k exp(-b v t_ik)`: each resident makes one trip (its weight is calibrated where
it is used), to jobs by the decay b of `scenarios.travel` and times t that v, the speed of today's trips as the crow
flies, turns into kilometres. Trips take the quickest path, whatever the traffic on it; zones are joined to the roads
around them by walks. Cells are taken together to zones, so that the work stays within seconds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from scenarios.errors import InvalidScenario, Stopped
from scenarios.frame import FloatArray, IntArray, own_distance_km
from scenarios.road_graph import RoadGraph
from scenarios.state import State

MOST_ZONES = 1000
_NEAREST = 4  # roads' nodes that a zone is joined to
_TREE_NUMBERS = 1_000_000  # of shortest-path trees at once
Tell = Callable[[], None]


@dataclass(frozen=True, eq=False)
class TripZones:
    """Squares of cells between which trips run.

    Attributes:
        of_cell: (n,) the zone of each cell that counts; -1 where nobody lives or works.
        places: (zones, 2) middle of its people and jobs, metres.
        own_km: mean distance between two places of one zone.
    """

    of_cell: IntArray
    places: FloatArray
    own_km: float

    @property
    def count(self) -> int:
        """How many."""
        return len(self.places)

    def sums(self, values: FloatArray) -> FloatArray:
        """Values (n,) of cells added up: (zones,)."""
        here = self.of_cell >= 0
        return np.bincount(self.of_cell[here], values[here], minlength=self.count).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Walks:
    """Walks between zones and nodes: (walks,) each, minutes one way."""

    zone: IntArray
    node: IntArray
    minutes: FloatArray


@dataclass(frozen=True, eq=False)
class Demand:
    """Who travels where: (zones,) residents and jobs, and the decay per minute."""

    residents: FloatArray
    jobs: FloatArray
    decay_per_minute: float


@dataclass(frozen=True, eq=False)
class Assigned:
    """What one demand makes of a graph.

    Attributes:
        trips: (2, links) along and against the line.
        within: (zones,) trips that stay in their zone.
        cut_off: (zones,) trips that reach no job at all.
        minutes: mean over trips that arrive.
        on_roads: all trips that arrive in another zone.
    """

    trips: FloatArray
    within: FloatArray
    cut_off: FloatArray
    minutes: float
    on_roads: float


def trip_zones(state: State, people: FloatArray, jobs: FloatArray, most: int = MOST_ZONES) -> TripZones:
    """Squares of cells, as small as keeps their number within a limit.

    Args:
        state: whose cells.
        people: (n,) wherever trips may begin, before or after.
        jobs: (n,) wherever they may end.
        most: zones.

    Raises:
        InvalidScenario: nobody lives or works anywhere.
    """
    rows, cols = np.nonzero(state.inside)
    weight = people + jobs
    lived = weight > 0
    if not lived.any():
        raise InvalidScenario("nobody lives or works in this state, so that no trip runs on its roads.")
    side = 1
    while True:
        key = (rows // side) * state.frame.cols + cols // side
        squares, place = np.unique(key[lived], return_inverse=True)
        if len(squares) <= most:
            break
        side += 1
    of_cell = np.full(len(key), -1, dtype=np.int64)
    of_cell[lived] = np.asarray(place).ravel()
    x, y = state.frame.centres()
    total = np.bincount(of_cell[lived], weight[lived])
    places = [np.bincount(of_cell[lived], (weight * at)[lived]) / total for at in (x[cols], y[rows])]
    return TripZones(of_cell, np.stack(places, axis=1), own_distance_km(side * state.frame.size_m))


def walks(graphs: Sequence[RoadGraph], zones: TripZones, walk_kmh: float) -> Walks:
    """Walks to the nearest nodes of each graph's main part that the first graph has, shared by a whole comparison.

    Who lives where the roads are closed walks to the nearest one that is not, and might have done so before; so a
    closed road takes ways away and adds none.
    """
    zone, node, minutes = [], [], []
    for graph in graphs:
        main = np.flatnonzero(graph.main_nodes[: graphs[0].nodes])
        k = min(_NEAREST, len(main))
        apart, near = cKDTree(graph.places[main]).query(zones.places, k=k)
        zone.append(np.repeat(np.arange(zones.count), k))
        node.append(main[np.asarray(near).ravel()])
        minutes.append(np.asarray(apart).ravel() / 1000 / walk_kmh * 60)
    pair = np.stack([np.concatenate(zone), np.concatenate(node)])
    pair, first = np.unique(pair, axis=1, return_index=True)
    return Walks(pair[0], pair[1], np.maximum(np.concatenate(minutes)[first], 1e-6))


def trees(
    graph: RoadGraph, zones: TripZones, ways: Walks, tell: Tell | None = None
) -> Iterator[tuple[IntArray, FloatArray, IntArray]]:
    """Shortest paths from zones: origins (s,), minutes (s, nodes) and the node before each (s, nodes), in blocks.

    After the graph's nodes stand an origin and a destination for each zone. A zone's own destination is as far as walks
    say; trips within a zone are not paths.
    """
    tail, head, minutes = graph.arcs()
    total = graph.nodes + 2 * zones.count
    first, last = graph.nodes, graph.nodes + zones.count
    matrix = coo_array(
        (
            np.concatenate([minutes, ways.minutes, ways.minutes]),
            (
                np.concatenate([tail, first + ways.zone, ways.node]),
                np.concatenate([head, ways.node, last + ways.zone]),
            ),
        ),
        shape=(total, total),
    ).tocsr()
    block = _zones_at_once(graph, zones)
    for begin in range(0, zones.count, block):
        if tell is not None:
            tell()
        origins = np.arange(begin, min(begin + block, zones.count))
        apart, before = dijkstra(csr_array(matrix), indices=first + origins, return_predecessors=True)
        yield origins, np.asarray(apart), np.asarray(before, dtype=np.int64)


def zone_minutes(graph: RoadGraph, zones: TripZones, ways: Walks, tell: Tell | None = None) -> FloatArray:
    """(zones, zones) minutes from each zone to each; infinite where no way leads."""
    return np.concatenate([apart[:, -zones.count :] for _, apart, _ in trees(graph, zones, ways, tell)])


def crow_speed(zones: TripZones, minutes: FloatArray, residents: FloatArray, jobs: FloatArray, decay: float) -> float:
    """Speed (km per minute) as the crow flies of trips by gravity over straight lines, decay per km.

    Raises:
        InvalidScenario: no resident reaches a job in another zone.
    """
    km = np.hypot(*(zones.places[:, None] - zones.places[None]).transpose(2, 0, 1))
    km /= 1000
    weight = residents[:, None] * jobs[None] * np.exp(-decay * km)
    weight[~np.isfinite(minutes)] = 0.0
    np.fill_diagonal(weight, 0.0)
    time = float((weight * np.where(np.isfinite(minutes), minutes, 0.0)).sum())
    if not time > 0:
        raise InvalidScenario("no resident reaches a job in another zone on these roads, so that they say nothing.")
    return float((weight * km).sum()) / time


def assigned(
    graph: RoadGraph, zones: TripZones, ways: Walks, demands: Sequence[Demand], own_minutes: FloatArray,
    tell: Tell | None = None,
) -> list[Assigned]:  # fmt: skip
    """Lay demands on the shortest paths of a graph.

    Args:
        graph: roads.
        zones: where trips begin and end.
        ways: walks between them and the roads.
        demands: laid on the same paths each.
        own_minutes: (zones,) of a trip within its zone.
        tell: called before each block of zones; what it raises stops the work.
    """
    found = [_Sum(graph, zones) for _ in demands]
    arcs = _Arcs(graph)
    for origins, apart, before in trees(graph, zones, ways, tell):
        minutes = apart[:, -zones.count :].copy()
        minutes[np.arange(len(origins)), origins] = own_minutes[origins]
        for demand, total in zip(demands, found, strict=True):
            trips = _trips(demand, origins, minutes)
            arrives = trips > 0
            total.time += float((trips[arrives] * minutes[arrives]).sum())
            total.arrived += float(trips.sum())
            total.cut_off[origins] = demand.residents[origins] * (trips.sum(axis=1) == 0)
            total.within[origins] = trips[np.arange(len(origins)), origins]
            trips[np.arange(len(origins)), origins] = 0.0
            total.trips += arcs.loads(_through(before, trips), before)
            total.on_roads += float(trips.sum())
    return [each.done() for each in found]


class _Sum:
    """What comes together block by block."""

    def __init__(self, graph: RoadGraph, zones: TripZones) -> None:
        self.trips = np.zeros(2 * len(graph.km))
        self.within, self.cut_off = np.zeros(zones.count), np.zeros(zones.count)
        self.time = self.arrived = self.on_roads = 0.0

    def done(self) -> Assigned:
        mean = self.time / self.arrived if self.arrived else float("nan")
        return Assigned(self.trips.reshape(2, -1), self.within, self.cut_off, mean, self.on_roads)


def _trips(demand: Demand, origins: IntArray, minutes: FloatArray) -> FloatArray:
    """(s, zones) trips; rows add up to residents, or are 0 where no job is reached."""
    reached = np.isfinite(minutes) & (demand.jobs > 0)
    least = np.min(minutes, axis=1, initial=np.inf, where=reached)
    beyond = np.where(reached, minutes - np.where(np.isfinite(least), least, 0.0)[:, None], np.inf)
    weight = np.where(reached, demand.jobs * np.exp(-demand.decay_per_minute * beyond), 0.0)
    total = weight.sum(axis=1, keepdims=True)
    share = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    return np.asarray(demand.residents[origins][:, None] * share)


def _through(before: IntArray, trips: FloatArray) -> FloatArray:
    """(s, nodes) trips that come through each node: of its whole subtree, by doubling the step towards the root."""
    size, nodes = before.shape
    load = np.zeros((size, nodes + 1))
    load[:, nodes - trips.shape[1] : nodes] = trips
    row = np.arange(size)[:, None] * (nodes + 1)
    step = np.where(before >= 0, before, nodes)
    step = np.concatenate([step, np.full((size, 1), nodes)], axis=1)
    while (step[:, :-1] < nodes).any():
        given = np.bincount((row + step).ravel(), load.ravel(), minlength=load.size).reshape(load.shape)
        given[:, nodes] = 0.0
        load[:, nodes] = 0.0
        load = load + given
        step = np.take_along_axis(step, step, axis=1)
    return load[:, :nodes]


class _Arcs:
    """Finds the link behind a step of a path."""

    def __init__(self, graph: RoadGraph) -> None:
        tail, head, _ = graph.arcs()
        self._nodes, self._of = graph.nodes, graph.arc_of
        self._key = tail * graph.nodes + head
        self._count = 2 * len(graph.km)

    def loads(self, through: FloatArray, before: IntArray) -> FloatArray:
        """(2 x links,) trips on each, of trees (s, nodes); walks are on none."""
        n = self._nodes
        on_road = (through[:, :n] > 0) & (before[:, :n] >= 0) & (before[:, :n] < n)
        source, node = np.nonzero(on_road)
        key = before[source, node] * n + node
        link = self._of[np.searchsorted(self._key, key)]
        return np.bincount(link, through[source, node], minlength=self._count).astype(np.float64)


def stopping(progress: Callable[[int, int], None] | None, cancelled: Callable[[], bool] | None, blocks: int) -> Tell:
    """What counts blocks, tells how many of them are done, and stops the work when it is cancelled.

    Raises:
        Stopped: (when called) cancelled.
    """
    done = 0

    def tell() -> None:
        nonlocal done
        if cancelled is not None and cancelled():
            raise Stopped("The assignment of trips to roads was cancelled; nothing was changed.")
        if progress is not None:
            progress(done, blocks)
        done += 1

    return tell


def blocks_of(graph: RoadGraph, zones: TripZones) -> int:
    """Blocks in which shortest paths of a graph are found."""
    return -(-zones.count // _zones_at_once(graph, zones))


def _zones_at_once(graph: RoadGraph, zones: TripZones) -> int:
    return max(1, _TREE_NUMBERS // (graph.nodes + 2 * zones.count))
