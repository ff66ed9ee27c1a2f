"""Traffic on the main roads: trips between places by a gravity model, loaded onto quickest ways."""

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from carbonmap.synthetic.districts import Superblocks, Villages
from carbonmap.synthetic.noise import FloatArray
from carbonmap.synthetic.plan import Tile
from carbonmap.synthetic.streets import CLASS_LANES, CLASS_SPEED_KMH, Network

__all__ = ["daily_traffic"]

# Car and lorry trips per day and hectare that start or end in a superblock of a kind: made up for the demo.
_TRIPS_PER_HA = {
    "core": 340.0, "mixed": 230.0, "apartment": 170.0, "villa": 110.0, "detached": 80.0,
    "industrial": 100.0, "campus": 100.0, "park": 20.0, "lake": 30.0,
}  # fmt: skip
_TRIPS_PER_HOUSE = 3.2
_EXIT_TRIPS = (14_000.0, 14_000.0, 10_000.0, 10_000.0, 44_000.0, 44_000.0)
_CAPACITY_PER_LANE = 8_500.0
_REACH_MIN = 9.0  # trips fall to 1/e at this travel time
_ROUNDS = 8


def daily_traffic(tile: Tile, network: Network, superblocks: Superblocks, villages: Villages) -> FloatArray:
    """Vehicles per day, both directions, on every stretch of the main network.

    Trips are spread by `T_ij = O_i D_j exp(-t_ij / reach)`, scaled to the origins, and loaded in equal rounds on the
    quickest ways; after each round travel times rise with load, in the form of the US Bureau of Public Roads (1964).

    Returns:
        (stretches,) AADT, rounded to tens.
    """
    n = len(network.node_uv)
    ends = _trip_ends(network, superblocks, villages, n, tile.plan.scale)
    length = shapely.length(network.line)
    lanes = np.array([CLASS_LANES[c] for c in network.road_class])
    free = 60.0 * length / 1000.0 / np.array([CLASS_SPEED_KMH[c] for c in network.road_class])
    capacity = lanes * _CAPACITY_PER_LANE * np.where(network.road_class == "motorway", 2.0, 1.0)
    places = np.flatnonzero(ends > 0)
    load = np.zeros(len(length))
    trips: FloatArray | None = None
    for _ in range(_ROUNDS):
        minutes = free * (1.0 + 1.2 * (load / capacity) ** 3) + 0.25
        graph = coo_array((minutes, (network.start, network.stop)), shape=(n, n)).tocsr()
        graph = graph.maximum(graph.T)
        time, parent = dijkstra(graph, directed=False, indices=places, return_predecessors=True)
        if trips is None:
            trips = _gravity(ends, time, places)
        load += _on_ways(trips / _ROUNDS, time, parent, network, n)
    noise = tile.generator(8).normal(0.0, 0.05, len(load))
    return np.asarray(np.maximum(30.0, np.round(load * np.exp(noise) / 10.0) * 10.0))


def _trip_ends(network: Network, superblocks: Superblocks, villages: Villages, n: int, scale: float) -> FloatArray:
    ends = np.zeros(n)
    area_ha = shapely.area(superblocks.polygon) / 1e4
    for i, j, kind, area in zip(
        superblocks.column.tolist(), superblocks.row.tolist(), superblocks.kind.tolist(), area_ha.tolist(), strict=True
    ):
        for corner in ((i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)):
            if corner in network.block_node:
                ends[network.block_node[corner]] += 0.25 * _TRIPS_PER_HA[kind] * area
    np.add.at(ends, network.village_node, _TRIPS_PER_HOUSE * villages.houses)
    np.add.at(ends, network.exit_node, np.array(_EXIT_TRIPS) * min(1.0, 0.25 + 0.75 * scale))
    return ends


def _gravity(ends: FloatArray, time: FloatArray, places: npt.NDArray[np.int64]) -> FloatArray:
    """(origins, nodes) trips per day; nobody drives to where he is."""
    minutes = np.where(np.isfinite(time), time, np.inf)
    pull = ends[None, :] * np.exp(-minutes / _REACH_MIN)
    pull[np.arange(len(places)), places] = 0.0
    reached = pull.sum(axis=1, keepdims=True)
    return np.asarray(ends[places][:, None] * pull / np.where(reached > 0, reached, 1.0))


def _on_ways(
    trips: FloatArray, time: FloatArray, parent: npt.NDArray[np.int32], network: Network, n: int
) -> FloatArray:
    """Add trips up along the trees of quickest ways: each way's flow is what ends at its far node and beyond."""
    key = np.minimum(network.start, network.stop) * n + np.maximum(network.start, network.stop)
    order_key = np.argsort(key, kind="stable")
    flow = np.zeros(n * n)
    reach = np.where(np.isfinite(time), time, -1.0)
    for k in range(len(trips)):
        carried = trips[k].copy()
        above = parent[k]
        for node in np.argsort(-reach[k], kind="stable").tolist():
            up = int(above[node])
            if up < 0:
                continue
            flow[min(node, up) * n + max(node, up)] += carried[node]
            carried[up] += carried[node]
    found = np.empty(len(key))
    found[order_key] = flow[key[order_key]]
    # Two stretches between the same junctions share what goes between them.
    _, inverse, twins = np.unique(key, return_inverse=True, return_counts=True)
    return np.asarray(found / twins[inverse])
