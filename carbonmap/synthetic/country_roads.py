"""Country roads: least-cost ways over the land that tie towns, villages and the tile's exits to the main town."""

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from carbonmap.synthetic.districts import Superblocks
from carbonmap.synthetic.noise import FloatArray
from carbonmap.synthetic.plan import Tile
from carbonmap.synthetic.sketch import Sketch
from carbonmap.synthetic.terrain import Land

__all__ = ["CountryRoads"]


class CountryRoads:
    """Country roads: least-cost ways over a coarse raster from whatever is already tied to the main town."""

    def __init__(self, tile: Tile, land: Land, superblocks: Superblocks) -> None:
        self.tile = tile
        self.cols = tile.shape[1] // 2
        u, v = (_halved(field) for field in tile.cell_centres())
        step = 2.0 * tile.plan.cell_m
        slope = np.hypot(*np.gradient(_halved(land.height_m), step))
        cost = 1.0 + 14.0 * slope + 1.2 * _halved(land.forest.astype(np.float64))
        cost[np.abs(v - tile.river_v) < land.terrace_m] = 25.0
        for polygon in superblocks.polygon:
            cost[shapely.contains_xy(shapely.buffer(polygon, -0.4 * step), u, v)] = 60.0
        index = np.arange(cost.size).reshape(cost.shape)
        pairs = [
            (index[:, :-1], index[:, 1:], 1.0), (index[:-1], index[1:], 1.0),
            (index[:-1, :-1], index[1:, 1:], 2**0.5), (index[:-1, 1:], index[1:, :-1], 2**0.5),
            (index[:-2, :-1], index[2:, 1:], 5**0.5), (index[:-2, 1:], index[2:, :-1], 5**0.5),
            (index[:-1, :-2], index[1:, 2:], 5**0.5), (index[:-1, 2:], index[1:, :-2], 5**0.5),
        ]  # fmt: skip
        a = np.concatenate([p[0].ravel() for p in pairs])
        b = np.concatenate([p[1].ravel() for p in pairs])
        steps = np.concatenate([np.full(p[0].size, p[2]) for p in pairs])
        flat = cost.ravel()
        self.graph = coo_array((steps * 0.5 * (flat[a] + flat[b]), (a, b)), shape=(flat.size, flat.size)).tocsr()
        self.centres = np.column_stack([u.ravel(), v.ravel()])

    def tie_towns(self, sketch: Sketch) -> None:
        """Connect every separate part of the streets to the main town, the nearest part first."""
        while True:
            part, lattice = sketch.parts(), sketch.town_nodes()
            main = np.bincount(part[lattice]).argmax()
            others = [node for node in lattice if part[node] != main]
            if not others:
                return
            distance, _, _ = self._ways(sketch)
            nearest = min(others, key=lambda node: distance[self._cell(sketch.uv[node])])
            self.connect(sketch, [nearest], "primary", 1000)

    def connect(self, sketch: Sketch, targets: list[int], road_class: str, street: int) -> None:
        """Add a tree of roads from the connected net to `targets`; what several share is drawn once."""
        _, parent, sources = self._ways(sketch)
        tied = set(sources.values())
        wanted: dict[int, int] = {}
        for target in targets:
            cell = self._cell(sketch.uv[target])
            near = sources.get(cell, wanted.get(cell))
            if near is None:
                wanted[cell] = target
            elif near != target and target not in tied:
                sketch.stretch(target, near, np.array([sketch.uv[target], sketch.uv[near]]), road_class, street)
        used: dict[int, int] = {}
        for cell in wanted:
            while cell not in used and parent[cell] >= 0:
                used[cell] = int(parent[cell])
                cell = used[cell]
        children: dict[int, int] = {}
        for above in used.values():
            children[above] = children.get(above, 0) + 1
        junctions = {cell for cell, count in children.items() if count > 1} | set(wanted)
        for cell in sorted(junctions & set(used)):
            path = [cell, used[cell]]
            while path[-1] not in junctions and path[-1] in used:
                path.append(used[path[-1]])
            line = self.centres[path].copy()
            ends = [self._node(sketch, end, wanted, sources) for end in (path[0], path[-1])]
            line[0], line[-1] = sketch.uv[ends[0]], sketch.uv[ends[1]]
            if ends[0] != ends[1]:
                sketch.stretch(ends[0], ends[1], _rounded(line), road_class, street)

    def _ways(self, sketch: Sketch) -> tuple[FloatArray, npt.NDArray[np.int32], dict[int, int]]:
        """Least cost and way back to the connected net from every cell, and the net's cells with their nodes."""
        part, lattice = sketch.parts(), sketch.town_nodes()
        main = np.bincount(part[lattice]).argmax()
        sources = {self._cell(sketch.uv[node]): node for node in np.flatnonzero(part == main)[::-1].tolist()}
        start = np.array(sorted(sources), dtype=np.int64)
        distance, parent, _ = dijkstra(
            self.graph, directed=False, indices=start, return_predecessors=True, min_only=True
        )
        return distance, parent, sources

    def _node(self, sketch: Sketch, cell: int, wanted: dict[int, int], sources: dict[int, int]) -> int:
        if cell in sources:
            return sources[cell]
        if cell in wanted:
            return wanted[cell]
        return sketch.node(("fork", cell, 0), self.centres[cell])

    def _cell(self, uv: tuple[float, float]) -> int:
        row, col = self.tile.cell_of(np.array([uv]))
        return int(row[0]) // 2 * self.cols + int(col[0]) // 2


def _halved(field: FloatArray) -> FloatArray:
    """A raster at half the resolution, by means of 2 x 2 cells."""
    return 0.25 * (field[::2, ::2] + field[1::2, ::2] + field[::2, 1::2] + field[1::2, 1::2])


def _rounded(line: FloatArray) -> FloatArray:
    """Take the raster's corners off a path: thin it, then cut corners twice (Chaikin 1974), ends kept."""
    if len(line) > 4:
        line = np.concatenate([line[:1], line[2:-2:3], line[-1:]])
    for _ in range(2):
        quarter = 0.75 * line[:-1] + 0.25 * line[1:]
        three = 0.25 * line[:-1] + 0.75 * line[1:]
        line = np.concatenate([line[:1], np.stack([quarter, three], axis=1).reshape(-1, 2), line[-1:]])
    return line
