"""Compiled: features that come as ragged lists of vertices (GeoArrow, or taken from geometry objects) shared out."""

from typing import Any

from grids.cell_kernels import AREAS, NOWHERE, RINGS, ROOM_FOR_FOUND, ROOM_FOR_RINGS, SHORT, has_room
from grids.compiled import compiled
from grids.crossing_kernels import RING, SHELL, VERTICES
from grids.memory_kernels import int_at, put_float, put_int
from grids.wkb_kernels import feature_in_cells


@compiled
def ragged_in_cells(
    vertices: int,
    starts: int,
    shells: int,
    features: int,
    first: int,
    last: int,
    kind: int,
    grid: Any,
    check: bool,
    measured: bool,
    workspace: int,
    n: int,
    kinds: int,
    measures: int,
) -> Any:
    """Share out features `first` to `last`.

    Args:
        vertices: address of x and y as float64, one vertex after the other.
        starts: address of where each ring (line, group of points) begins among the vertices, as 64-bit integers.
        shells: address of whether each ring is a shell, as 64-bit integers.
        features: address of where each feature begins among the rings, as 64-bit integers.
        first: the first feature.
        last: the one after the last.
        kind: AREAS, LINES or POINTS, which all features are.
        grid: (east, north, size) in whole metres.
        check: see `grids.cell_kernels.polygon_in_cells`.
        measured: the same.
        workspace: what is written to, see `grids.cell_kernels`.
        n: how many parts are found already.
        kinds: address of what each feature is measured by, written; see `grids.wkb_kernels.wkb_in_cells`.
        measures: address of the measures, written.

    Returns:
        The feature that needs more room than there is, or else `last`; and how many parts are found.
    """
    for f in range(first, last):
        low, high = int_at(features + 8 * f), int_at(features + 8 * f + 8)
        if not has_room(workspace, ROOM_FOR_RINGS, high - low):
            return f, n
        rings = int_at(workspace + RINGS)
        for r in range(low, high):
            ring, start = rings + RING * (r - low), int_at(starts + 8 * r)
            put_int(ring, vertices + 16 * start)
            put_int(ring + VERTICES, int_at(starts + 8 * r + 8) - start)
            put_int(ring + SHELL, int_at(shells + 8 * r) if kind == AREAS else 1)
        found_kind, measure, after = NOWHERE, 0.0, n
        if high > low:
            found_kind, measure, after = feature_in_cells(
                kind, rings, high - low, grid, check, measured, workspace, f, n
            )
        if found_kind == SHORT or not has_room(workspace, ROOM_FOR_FOUND, after):
            return f, n
        put_int(kinds + 8 * f, found_kind)
        put_float(measures + 8 * f, measure)
        n = after
    return last, n
