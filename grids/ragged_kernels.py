"""Compiled: features that come as ragged lists of vertices (GeoArrow, or taken from geometry objects) shared out."""

from typing import Any, NamedTuple

from grids.cell_kernels import AREAS, NOWHERE, RINGS, ROOM_FOR_FOUND, ROOM_FOR_RINGS, SHORT, Task, Written, has_room
from grids.compiled import compiled
from grids.crossing_kernels import RING, SHELL, VERTICES
from grids.memory_kernels import int_at, put_float, put_int
from grids.wkb_kernels import feature_in_cells


class Lists(NamedTuple):
    """Features as lists within lists, by addresses.

    Attributes:
        vertices: x and y as float64, one vertex after the other.
        starts: where each ring (line, group of points) begins among the vertices, as 64-bit integers.
        shells: whether each ring is a shell, as 64-bit integers.
        features: where each feature begins among the rings, as 64-bit integers.
        kind: AREAS, LINES or POINTS, which all features are.
    """

    vertices: int
    starts: int
    shells: int
    features: int
    kind: int


@compiled
def ragged_in_cells(lists: Lists, first: int, last: int, task: Task, n: int, written: Written) -> Any:
    """Share out features `first` to `last` of lists; the rest is as in `grids.wkb_kernels.wkb_in_cells`."""
    for f in range(first, last):
        low, high = int_at(lists.features + 8 * f), int_at(lists.features + 8 * f + 8)
        if not has_room(task.workspace, ROOM_FOR_RINGS, high - low):
            return f, n
        rings = int_at(task.workspace + RINGS)
        for r in range(low, high):
            ring, start = rings + RING * (r - low), int_at(lists.starts + 8 * r)
            put_int(ring, lists.vertices + 16 * start)
            put_int(ring + VERTICES, int_at(lists.starts + 8 * r + 8) - start)
            put_int(ring + SHELL, int_at(lists.shells + 8 * r) if lists.kind == AREAS else 1)
        kind, measure, after = NOWHERE, 0.0, n
        if high > low:
            kind, measure, after = feature_in_cells(lists.kind, rings, high - low, task, f, n)
        if kind == SHORT or not has_room(task.workspace, ROOM_FOR_FOUND, after):
            return f, n
        put_int(written.kinds + 8 * f, kind)
        put_float(written.measures + 8 * f, measure)
        n = after
    return last, n
