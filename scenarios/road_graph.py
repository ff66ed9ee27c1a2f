"""The roads as a graph: lines cut where they meet, each piece with its length, its time and the ways it may be driven.

Shortest paths are those of `scipy.sparse.csgraph`, which is there already, works on arrays and takes many sources at
once. networkx keeps a mapping per link and is a hundred times slower; igraph would be one more compiled library for the
same algorithm; pandana contracts the graph, which pays off for queries of one graph, not for one that changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from scenarios.errors import InvalidState
from scenarios.frame import BoolArray, FloatArray, IntArray
from scenarios.notes import Note

Objects = NDArray[np.object_]
TOLERANCE_M = 0.5
"""An end of a road that meets no other joins the nearest vertex of another road within so many metres."""
_LEAST_MINUTES = 1e-9  # an arc of no length would be no arc


@dataclass(frozen=True, eq=False)
class Roads:
    """Roads that cars may use, as read.

    Attributes:
        lines: (n,) lines in the region's CRS, metres.
        ids: (n,) text; pieces of one road have the same.
        kmh: (n,) mean speed.
        oneway: (n,) 0 both ways, 1 along the line, -1 against it.
        lanes: (n,) of both directions; NaN unknown.
        aadt: (n,) vehicles a day, both directions; NaN unknown.
        notes: where speeds and directions are from.
        speeds: ids of the parameters behind the speeds.
    """

    lines: Objects
    ids: Objects
    kmh: FloatArray
    oneway: IntArray
    lanes: FloatArray
    aadt: FloatArray
    notes: tuple[Note, ...] = ()
    speeds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.lines)
        for name in ("ids", "kmh", "oneway", "lanes", "aadt"):
            if getattr(self, name).shape != (n,):
                raise InvalidState(f"{name} of roads has the shape {getattr(self, name).shape}; ({n},) was expected.")
        if n and set(shapely.get_type_id(self.lines)) != {1}:
            raise InvalidState("Roads hold what is no line; lines were expected, parts of multilines one by one.")
        if not (np.isfinite(self.kmh).all() and (self.kmh > 0).all()):
            raise InvalidState("Roads hold a speed that is no number above 0; leave out where cars do not run.")
        if not np.isin(self.oneway, (-1, 0, 1)).all():
            raise InvalidState("oneway of roads holds something else than -1, 0 and 1.")


@dataclass(frozen=True)
class Connectivity:
    """How far the graph hangs together.

    Attributes:
        links, nodes: how many.
        parts: sets of nodes within which every one is reached from every other.
        main_share: part of the length of all passable links that lies within the largest of them.
        snapped: free ends that were joined to another road within the tolerance.
    """

    links: int
    nodes: int
    parts: int
    main_share: float
    snapped: int


@dataclass(frozen=True, eq=False)
class RoadGraph:
    """Links between nodes.

    Attributes:
        places: (nodes, 2) metres.
        tail, head: (links,) nodes; a line runs from its tail to its head.
        lines, ids: (links,) of each; km: its length.
        minutes: (2, links) along and against the line; infinite where it may not be driven.
        lanes, aadt: (links,) both directions; NaN unknown.
        snapped: free ends that were joined.
        notes, speeds: of the roads.
    """

    places: FloatArray
    tail: IntArray
    head: IntArray
    lines: Objects
    ids: Objects
    km: FloatArray
    minutes: FloatArray
    lanes: FloatArray
    aadt: FloatArray
    snapped: int = 0
    notes: tuple[Note, ...] = ()
    speeds: tuple[str, ...] = ()

    @property
    def nodes(self) -> int:
        """How many."""
        return len(self.places)

    def matrix(self) -> csr_array:
        """(nodes, nodes) minutes of the quickest link from a node to another."""
        tail, head, minutes = self.arcs()
        return coo_array((minutes, (tail, head)), shape=(self.nodes, self.nodes)).tocsr()

    def arcs(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Tail, head and minutes of the quickest arc between each two nodes, sorted by both."""
        chosen = self.arc_of % len(self.tail)
        against = self.arc_of >= len(self.tail)
        tail = np.where(against, self.head[chosen], self.tail[chosen])
        head = np.where(against, self.tail[chosen], self.head[chosen])
        return tail, head, np.maximum(self.minutes.ravel()[self.arc_of], _LEAST_MINUTES)

    @cached_property
    def arc_of(self) -> IntArray:
        """Position in `minutes.ravel()` of the quickest arc between each two nodes, sorted by tail and head."""
        tail, head = np.concatenate([self.tail, self.head]), np.concatenate([self.head, self.tail])
        minutes = self.minutes.ravel()
        order = np.lexsort((minutes, head, tail))
        order = order[np.isfinite(minutes[order]) & (tail[order] != head[order])]
        key = tail[order] * self.nodes + head[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = key[1:] != key[:-1]
        return np.asarray(order[first])

    @cached_property
    def main_nodes(self) -> BoolArray:
        """(nodes,) those of the largest set within which every node is reached from every other."""
        _, part = connected_components(self.matrix(), connection="strong")
        return np.asarray(part == np.bincount(part).argmax()) if len(part) else np.zeros(0, dtype=bool)

    def connectivity(self) -> Connectivity:
        """How far the graph hangs together."""
        parts, _ = connected_components(self.matrix(), connection="strong")
        open_km = np.where(np.isfinite(self.minutes).any(axis=0), self.km, 0.0)
        inside = self.main_nodes[self.tail] & self.main_nodes[self.head]
        share = float(open_km[inside].sum() / open_km.sum()) if open_km.any() else 0.0
        return Connectivity(len(self.tail), self.nodes, int(parts), share, self.snapped)


def road_graph(roads: Roads, tolerance_m: float = TOLERANCE_M) -> RoadGraph:
    """Cut roads where they share a vertex (to the centimetre), so that bridges meet nothing, and make a graph of them.

    A free end joins the nearest vertex of another road within the tolerance. Roads that cross without a common vertex
    stay apart.

    Args:
        roads: of a whole region, with what lies beyond its border where known.
        tolerance_m: 0 joins nothing but equal vertices.

    Raises:
        InvalidState: no roads.
    """
    if not len(roads.lines):
        raise InvalidState("There is no road that cars may use: travel times need roads, from an open source of them.")
    at, line = shapely.get_coordinates(roads.lines, return_index=True)
    _, first, vertex = np.unique(np.round(at * 100).astype(np.int64), axis=0, return_index=True, return_inverse=True)
    vertex = np.asarray(vertex).ravel().astype(np.int64)
    ends = np.ones(len(at), dtype=bool)
    ends[1:-1] = (line[1:-1] != line[:-2]) | (line[1:-1] != line[2:])
    vertex, snapped = _snapped(at, line, vertex, first, ends, tolerance_m)
    often = np.bincount(vertex) > 1
    cut = np.flatnonzero(ends | often[vertex])
    same = line[cut[:-1]] == line[cut[1:]]
    begin, end = cut[:-1][same], cut[1:][same]
    pieces = _lines(at, begin, end)
    km = shapely.length(pieces) / 1000
    of, kept = line[begin], km > 0
    begin, end, pieces, km, of = begin[kept], end[kept], pieces[kept], km[kept], of[kept]
    used, node = np.unique(np.concatenate([vertex[begin], vertex[end]]), return_inverse=True)
    node = np.asarray(node).ravel().astype(np.int64)
    place = np.zeros((int(vertex.max()) + 1, 2))
    place[vertex[::-1]] = at[::-1]
    minutes = np.tile(km / roads.kmh[of] * 60, (2, 1))
    minutes[1, roads.oneway[of] == 1] = np.inf
    minutes[0, roads.oneway[of] == -1] = np.inf
    return RoadGraph(
        place[used], node[: len(km)], node[len(km) :], pieces, roads.ids[of], km, minutes, roads.lanes[of],
        roads.aadt[of], snapped, roads.notes, roads.speeds,
    )  # fmt: skip


def _snapped(
    at: FloatArray, line: IntArray, vertex: IntArray, first: IntArray, ends: BoolArray, tolerance_m: float
) -> tuple[IntArray, int]:
    """Vertices (coordinates,) after free ends were joined to the nearest vertex of another road; and how many were."""
    free = ends & (np.bincount(vertex)[vertex] == 1)
    if not free.any() or tolerance_m <= 0:
        return vertex, 0
    _, near = cKDTree(at[first]).query(at[free], k=min(8, len(first)), distance_upper_bound=tolerance_m)
    near = np.asarray(near).reshape(int(free.sum()), -1)
    mine = line[free]
    known = near < len(first)
    other = known & (line[first[np.where(known, near, 0)]] != mine[:, None])
    joins = other.any(axis=1)
    if not joins.any():
        return vertex, 0
    a, b = vertex[free][joins], near[joins, other[joins].argmax(axis=1)]
    links = coo_array((np.ones(len(a)), (a, b)), shape=(len(first), len(first)))
    _, group = connected_components(links, directed=False)
    return np.asarray(group[vertex], dtype=np.int64), int(joins.sum())


def _lines(at: FloatArray, begin: IntArray, end: IntArray) -> Objects:
    """Lines of the coordinates from each `begin` to each `end`, both with."""
    count = end - begin + 1
    owner = np.repeat(np.arange(len(begin)), count)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    return np.asarray(shapely.linestrings(at[begin[owner] + within], indices=owner), dtype=object)


def roads_of(lines: Sequence[shapely.LineString], kmh: Sequence[float], oneway: Sequence[int] = ()) -> Roads:
    """Roads without lanes, traffic or ids of their own, as made by hand; ids are their positions.

    Args:
        lines: metres.
        kmh: of each.
        oneway: of each; both ways without.
    """
    n = len(lines)
    unknown = np.full(n, np.nan)
    return Roads(
        np.array(lines, dtype=object), np.array([str(k) for k in range(n)], dtype=object),
        np.array(kmh, dtype=np.float64), np.array(oneway or [0] * n, dtype=np.int64), unknown, unknown,
    )  # fmt: skip
