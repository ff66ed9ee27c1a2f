"""Main roads: the arterial net of the towns, bridges, country roads to villages and neighbours, the motorway."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from carbonmap.synthetic.country_roads import CountryRoads
from carbonmap.synthetic.districts import Centres, Lattice, Superblocks, Villages
from carbonmap.synthetic.noise import FloatArray
from carbonmap.synthetic.plan import Tile
from carbonmap.synthetic.sketch import Sketch
from carbonmap.synthetic.terrain import Land

__all__ = ["CLASS_HALF_WIDTH_M", "CLASS_LANES", "CLASS_SPEED_KMH", "Network", "make_network", "motorway_line"]

CLASS_LANES = {
    "motorway": 6, "trunk": 6, "primary": 6, "secondary": 4, "tertiary": 2, "unclassified": 2,
    "residential": 1, "service": 1, "track": 1, "footway": 1,
}  # fmt: skip
CLASS_SPEED_KMH = {
    "motorway": 100, "trunk": 70, "primary": 60, "secondary": 50, "tertiary": 50, "unclassified": 40,
    "residential": 30, "service": 20, "track": 15, "footway": 5,
}  # fmt: skip
CLASS_HALF_WIDTH_M = {
    "motorway": 16.0, "trunk": 13.0, "primary": 12.0, "secondary": 9.0, "tertiary": 5.0, "unclassified": 3.5,
    "residential": 2.5, "service": 2.2, "track": 1.8, "footway": 1.5,
}  # fmt: skip
_RANK = {"tertiary": 0, "secondary": 1, "primary": 2, "trunk": 3}
_MOTORWAY_V = 0.205  # of the tile's height: the southern bypass
_TRUNK_U, _TRUNK_V = 0.5, 0.045  # where the trunk roads leave: north and south edge, west and east edge above the river


@dataclass(frozen=True)
class Network:
    """Main roads of a tile as a graph; every edge is one stretch between two junctions.

    Attributes:
        node_uv: (n, 2) junctions, village squares and exits on the plane.
        start, stop: (m,) node of each end.
        line: (m,) on the map.
        road_class: (m,).
        street: (m,) which named street a stretch belongs to; -1 for unnamed country lanes.
        block_node: {(column, row) of the lattice: node}.
        village_node: (villages,) node of each.
        exit_node: nodes at the tile's edge: west, east, north, south, motorway west, motorway east.
    """

    node_uv: FloatArray
    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    line: npt.NDArray[np.object_]
    road_class: npt.NDArray[np.str_]
    street: npt.NDArray[np.int64]
    block_node: dict[tuple[int, int], int]
    village_node: npt.NDArray[np.int64]
    exit_node: npt.NDArray[np.int64]


def motorway_line(tile: Tile) -> FloatArray:
    """The motorway's axis on the plane, (n, 2), from the west to the east edge; neighbours continue it."""
    u = np.linspace(tile.u0, tile.u0 + tile.plan.width_m, 120)
    return np.column_stack([u, np.full(120, tile.v0 + _MOTORWAY_V * tile.plan.height_m)])


def make_network(
    tile: Tile, land: Land, centres: Centres, lattice: Lattice, superblocks: Superblocks, villages: Villages
) -> Network:
    """Draw the main roads: streets around superblocks, then least-cost country roads that tie everything together."""
    sketch = Sketch()
    _town_streets(tile, sketch, land, centres, lattice, superblocks)
    motorway = motorway_line(tile)
    crossings = _motorway(tile, sketch, motorway, centres)
    exits = [
        sketch.node(("exit", k, 0), np.array(place))
        for k, place in enumerate(
            [
                (tile.u0, tile.river_v + _TRUNK_V * tile.plan.height_m),
                (tile.u0 + tile.plan.width_m, tile.river_v + _TRUNK_V * tile.plan.height_m),
                (tile.u0 + _TRUNK_U * tile.plan.width_m, tile.v0 + tile.plan.height_m),
                (tile.u0 + _TRUNK_U * tile.plan.width_m, tile.v0),
            ]
        )
    ]
    exits += [sketch.nodes[("exit", 4, 0)], sketch.nodes[("exit", 5, 0)]]
    country = CountryRoads(tile, land, superblocks)
    country.tie_towns(sketch)
    country.connect(sketch, [*exits[:4], *crossings], "trunk", 1001)
    squares = [sketch.node(("village", k, 0), uv) for k, uv in enumerate(villages.uv)]
    country.connect(sketch, squares, "unclassified", -1)
    lines = [shapely.LineString(tile.plan.bend(_dense(uv))) for uv in sketch.lines]
    ends = np.array(sketch.ends, dtype=np.int64)
    return Network(
        node_uv=np.array(sketch.uv),
        start=ends[:, 0],
        stop=ends[:, 1],
        line=np.array(lines, dtype=object),
        road_class=np.array(sketch.classes, dtype="<U12"),
        street=np.array(sketch.streets, dtype=np.int64),
        block_node={(key[1], key[2]): node for key, node in sketch.nodes.items() if key[0] == "lattice"},
        village_node=np.array(squares, dtype=np.int64),
        exit_node=np.array(exits, dtype=np.int64),
    )


def _town_streets(
    tile: Tile, sketch: Sketch, land: Land, centres: Centres, lattice: Lattice, superblocks: Superblocks
) -> None:
    nodes = lattice.nodes
    columns, rows = nodes.shape[:2]
    column_class = _street_classes(nodes[:, rows // 2, 0], centres.uv[:, 0])
    row_class = _street_classes(nodes[columns // 2, :, 1], centres.uv[:, 1])
    for bank in (lattice.bank, lattice.bank + 1):
        row_class[bank] = "secondary"
    edges: dict[tuple[int, int, int], None] = {}
    for i, j in zip(superblocks.column.tolist(), superblocks.row.tolist(), strict=True):
        for edge in ((i, j, 0), (i, j + 1, 0), (i, j, 1), (i + 1, j, 1)):
            edges[edge] = None
    # Bridges: three in the middle of town, one at each other town that has a riverside of its own.
    anchors = [centres.uv[0, 0] + k * 2.0 * lattice.spacing_m for k in (-1, 0, 1)]
    anchors += [centres.uv[3, 0] + lattice.spacing_m, centres.industry_uv[0], centres.uv[1, 0]]
    bank_u = nodes[:, lattice.bank, 0]
    bridges = {int(np.clip(np.abs(bank_u - anchor).argmin(), 1, columns - 2)) for anchor in anchors}
    # What climbs into the forest is not built; the riverside roads run on from bridge to bridge.
    edges = {edge: None for edge in edges if _open_fraction(tile, land, nodes, edge) > 0.5}
    for i in range(min(bridges), max(bridges)):
        edges[(i, lattice.bank, 0)] = edges[(i, lattice.bank + 1, 0)] = None
    for i in bridges:
        edges[(i, lattice.bank, 1)] = None
    nodes = _cut_back(tile, land, nodes, sorted(edges))
    for i, j, upright in sorted(edges):
        first = sketch.node(("lattice", i, j), nodes[i, j])
        other = (i, j + 1) if upright else (i + 1, j)
        second = sketch.node(("lattice", *other), nodes[other])
        road_class = column_class[i] if upright else row_class[j]
        if upright and j == lattice.bank:
            road_class = max(road_class, "secondary", key=lambda name: _RANK[name])
        street = i if upright else columns + j
        sketch.stretch(first, second, np.array([nodes[i, j], nodes[other]]), road_class, street)


def _cut_back(tile: Tile, land: Land, nodes: FloatArray, edges: list[tuple[int, int, int]]) -> FloatArray:
    """Junctions with the dead ends that run into the forest moved back to its edge."""
    moved = nodes.copy()
    ends: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i, j, upright in edges:
        pair = (i, j), (i + 1 - upright, j + upright)
        for here, there in (pair, pair[::-1]):
            ends.setdefault(here, []).append(there)
    along = np.linspace(0.05, 1.0, 24)[:, None]
    for here, reached_from in ends.items():
        if len(reached_from) == 1:
            line = nodes[reached_from[0]] * (1.0 - along) + nodes[here] * along
            wooded = np.flatnonzero(land.forest[tile.cell_of(line)])
            if len(wooded):
                moved[here] = line[max(0, int(wooded[0]) - 1)]
    return moved


def _open_fraction(tile: Tile, land: Land, nodes: FloatArray, edge: tuple[int, int, int]) -> float:
    """How much of a street would run outside the forest."""
    i, j, upright = edge
    ends = nodes[i, j], nodes[i + 1 - upright, j + upright]
    along = np.linspace(0.05, 0.95, 12)[:, None]
    return 1.0 - float(land.forest[tile.cell_of(ends[0] * (1.0 - along) + ends[1] * along)].mean())


def _street_classes(position: FloatArray, centres: FloatArray) -> list[str]:
    """Class of parallel streets: primary past the main centre, secondary and tertiary in turn beside it."""
    main = int(np.abs(position - centres[0]).argmin())
    classes = [
        "primary" if k == main else "secondary" if (k - main) % 2 == 0 else "tertiary" for k in range(len(position))
    ]
    for other in centres[1:]:
        nearest = int(np.abs(position - other).argmin())
        if classes[nearest] == "tertiary":
            classes[nearest] = "secondary"
    return classes


def _motorway(tile: Tile, sketch: Sketch, axis: FloatArray, centres: Centres) -> list[int]:
    """The motorway with two interchanges; returns their nodes."""
    plan = tile.plan
    v = axis[0, 1]
    stops = sorted(
        [tile.u0 + (_TRUNK_U + 0.012) * plan.width_m, float(centres.uv[1, 0]), float(centres.industry_uv[0])]
    )
    places = [tile.u0, *stops, tile.u0 + plan.width_m]
    keys = [("exit", 4, 0), *[("junction", k, 0) for k in range(len(stops))], ("exit", 5, 0)]
    nodes = [sketch.node(key, np.array([u, v])) for key, u in zip(keys, places, strict=True)]
    for k in range(len(nodes) - 1):
        between = axis[(axis[:, 0] > places[k]) & (axis[:, 0] < places[k + 1])]
        line = np.concatenate([[[places[k], v]], between, [[places[k + 1], v]]])
        sketch.stretch(nodes[k], nodes[k + 1], line, "motorway", 900)
    return nodes[1:-1]


def _dense(uv: FloatArray) -> FloatArray:
    return np.asarray(shapely.get_coordinates(shapely.segmentize(shapely.LineString(uv), 70.0)))
