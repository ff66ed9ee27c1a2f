"""A net of roads while it is being drawn: junctions by key, stretches in order."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from carbonmap.synthetic.noise import FloatArray

__all__ = ["Sketch"]


class Sketch:
    """Nodes on the plane and the stretches between them; a key drawn twice is the same node."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[str, int, int], int] = {}
        self.uv: list[tuple[float, float]] = []
        self.ends: list[tuple[int, int]] = []
        self.lines: list[FloatArray] = []
        self.classes: list[str] = []
        self.streets: list[int] = []

    def node(self, key: tuple[str, int, int], uv: FloatArray) -> int:
        """The node of a key, made at `uv` if it is new."""
        if key not in self.nodes:
            self.nodes[key] = len(self.uv)
            self.uv.append((float(uv[0]), float(uv[1])))
        return self.nodes[key]

    def stretch(self, start: int, stop: int, uv: FloatArray, road_class: str, street: int) -> None:
        """Add a stretch along `uv` (n, 2), which starts and ends at its nodes."""
        self.ends.append((start, stop))
        self.lines.append(uv)
        self.classes.append(road_class)
        self.streets.append(street)

    def parts(self) -> npt.NDArray[np.int32]:
        """Which connected part of the net each node belongs to, `(nodes,)`."""
        n = len(self.uv)
        ends = np.array(self.ends)
        graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n))
        return np.asarray(connected_components(graph, directed=False)[1])

    def town_nodes(self) -> list[int]:
        """Junctions of town streets."""
        return sorted(node for key, node in self.nodes.items() if key[0] == "lattice")
