"""Large polygons in small pieces, so that a small shape is cut by the pieces near it and not by the whole border."""

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.measures import AREAS, overlay, own_dimension

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

_MOST_VERTICES = 96


class PolygonPieces:
    """Polygons that other polygons are cut by, each split along straight cuts into pieces of few vertices.

    Only areas may be cut by pieces: a line along a cut would lie in two of them.
    """

    def __init__(self, polygons: GeometryArray) -> None:
        """Split the polygons (n,), valid ones; an empty one has no piece."""
        self.polygons = np.array(polygons, dtype=np.object_)
        self._pieces, self._owner = _split(self.polygons)
        shapely.prepare(self.polygons)
        shapely.prepare(self._pieces)
        self._tree = shapely.STRtree(self.polygons)
        self._piece_tree = shapely.STRtree(self._pieces)

    def cut(self, shapes: GeometryArray) -> tuple[IntArray, IntArray, GeometryArray]:
        """The parts of polygons inside these.

        Args:
            shapes: (m,) polygons, valid.

        Returns:
            which shape, which of the polygons, and the part: (parts,) each. A shape and a polygon may have several
            parts, whose areas add.

        Raises:
            GeometryError: a shape that cannot be cut.
        """
        shape, polygon = self._tree.query(shapes)
        whole = shapely.contains_properly(self.polygons[polygon], shapes[shape])
        done = np.zeros(shapes.size, dtype=bool)
        done[shape[whole]] = True
        rest = np.flatnonzero(~done)
        near, piece = self._piece_tree.query(shapes[rest])
        cut = rest[near]
        inside = shapely.contains_properly(self._pieces[piece], shapes[cut])
        parts = np.array(shapes[cut], dtype=np.object_)
        crossed = np.flatnonzero(~inside)
        parts[crossed] = overlay(
            shapely.intersection,
            shapes[cut[crossed]],
            self._pieces[piece[crossed]],
            np.full(crossed.size, AREAS),
            cut[crossed],
        )
        kept = shapely.area(parts) > 0
        which = np.concatenate((shape[whole], cut[kept]))
        owner = np.concatenate((polygon[whole], self._owner[piece[kept]]))
        everything = np.concatenate((shapes[shape[whole]], parts[kept]))
        order = np.lexsort((owner, which))
        return which[order], owner[order], everything[order]

    def area_of(self, shapes: GeometryArray) -> FloatArray:
        """Area (m2) of each shape (m,) inside all the polygons together."""
        which, _, parts = self.cut(shapes)
        return np.bincount(which, shapely.area(parts), minlength=shapes.size).astype(np.float64)


def _split(polygons: GeometryArray) -> tuple[GeometryArray, IntArray]:
    """Halve across the longer side until no piece has more than a few vertices; pieces and whose they are."""
    parts, owner = shapely.get_parts(polygons, return_index=True)
    done_parts: list[GeometryArray] = []
    done_owner: list[IntArray] = []
    while parts.size:
        small = shapely.get_num_coordinates(parts) <= _MOST_VERTICES
        done_parts.append(parts[small])
        done_owner.append(owner[small])
        parts, owner = parts[~small], owner[~small]
        west, south, east, north = shapely.bounds(parts).T
        middle_x, middle_y = (west + east) / 2, (south + north) / 2
        wide = east - west >= north - south
        lower = shapely.box(west, south, np.where(wide, middle_x, east), np.where(wide, north, middle_y))
        upper = shapely.box(np.where(wide, middle_x, west), np.where(wide, south, middle_y), east, north)
        halves = np.concatenate((shapely.intersection(parts, lower), shapely.intersection(parts, upper)))
        owner = np.concatenate((owner, owner))
        halves = own_dimension(halves, np.full(halves.size, AREAS))
        parts, index = shapely.get_parts(halves, return_index=True)
        owner = owner[index]
    pieces = np.concatenate(done_parts) if done_parts else np.zeros(0, dtype=np.object_)
    return pieces, np.concatenate(done_owner) if done_owner else np.zeros(0, dtype=np.int64)
