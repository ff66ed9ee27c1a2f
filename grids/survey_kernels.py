"""Compiled: what can be said of geometries without building them: kind, extent, area, and which are surely valid.

Only plain well-known binary is looked at: little-endian, two dimensions, no SRID, points, lines and polygons, single or
multiple, none of them empty. All else is GEOS's to read, and so is what may not be valid: to vouch for a polygon that
GEOS would repair is the one mistake that must not happen here, to doubt a good one costs a microsecond.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.cell_kernels import (
    LEVELS,
    NODES,
    RINGS,
    ROOM_FOR_NODES,
    ROOM_FOR_PIECES,
    ROOM_FOR_RINGS,
    has_room,
    window_of,
)
from grids.compiled import compiled, inner
from grids.crossing_kernels import BOX, RING, SHELL, VERTICES, nodes_of
from grids.memory_kernels import count_in, float_at, int_at, put_float, put_int
from grids.ring_kernels import MAX_COORDINATE_M, survey_ring
from grids.ring_pair_kernels import polygon_crosses

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MISSING, NOT_PLAIN = (
    0,
    -1,
)  # beside the numbers of well-known binary: 1 point, 2 line, 3 polygon, 4 to 6 of them several
UNSOUND, SOUND, NO_ROOM = 0, 1, 2
_POINT, _LINE, _POLYGON, _SEVERAL = 1, 2, 3, 3
_THINNEST_M = 1e-9  # mean width below which a ring may be no ring at all


@inner
def _put_ring(rings: int, n: int, room: int, at: int, vertices: int, shell: int) -> None:
    if n < room:
        put_int(rings + RING * n, at)
        put_int(rings + RING * n + VERTICES, vertices)
        put_int(rings + RING * n + SHELL, shell)


@inner
def find_plain_rings(at: int, end: int, rings: int, room: int) -> Any:
    """Find the rings (lines, points) of one plain geometry: its number (or NOT_PLAIN), parts, rings, and vertices.

    Of each ring the address, the vertices, and whether it is a shell are written, up to the room.
    """
    none = NOT_PLAIN, 0, 0, 0
    if end - at < 9 or count_in(at, False) & 0xFF != 1:
        return none
    code = count_in(at + 1, False)
    if code < _POINT or code > _POLYGON + _SEVERAL:
        return none
    parts, single = 1, code
    if code > _SEVERAL:
        single, parts = code - _SEVERAL, count_in(at + 5, False)
        at += 9
        if parts == 0 or parts * 9 > end - at:
            return none
    n_rings, total = 0, 0
    for _ in range(parts):
        if end - at < 9 or count_in(at, False) & 0xFF != 1 or count_in(at + 1, False) != single:
            return none
        n = 1
        at += 5
        if single == _POLYGON:
            n = count_in(at, False)
            at += 4
            if n == 0 or n * 4 > end - at:
                return none
        for r in range(n):
            vertices = 1
            if single != _POINT:
                if end - at < 4:
                    return none
                vertices = count_in(at, False)
                at += 4
            if vertices == 0 or vertices * 16 > end - at:
                return none
            _put_ring(rings, n_rings, room, at, vertices, int(r == 0))
            at += 16 * vertices
            total += vertices
            n_rings += 1
    if at != end:
        return none
    return code, parts, n_rings, total


@inner
def _survey(rings: int, n_rings: int, single: int, box: int) -> Any:
    """Write each ring's box, and that of all to `box`; the area, nodes of trees needed, and whether all is plausible.

    Plausible: finite metres, lines that go somewhere, rings that are closed and have an area.
    """
    area, nodes, plausible = 0.0, 0, True
    west, south, east, north = np.inf, np.inf, -np.inf, -np.inf
    for r in range(n_rings):
        ring = rings + RING * r
        at, vertices = int_at(ring), int_at(ring + VERTICES)
        x_low, y_low, x_high, y_high, doubled, finite = survey_ring(at, vertices)
        if single == _POINT:
            finite = abs(float_at(at)) <= MAX_COORDINATE_M and abs(float_at(at + 8)) <= MAX_COORDINATE_M
        elif single == _LINE:
            plausible = plausible and (x_high > x_low or y_high > y_low)
        else:
            last = at + 16 * (vertices - 1)
            closed = float_at(at) == float_at(last) and float_at(at + 8) == float_at(last + 8)
            width = abs(doubled) / 2
            plausible = plausible and closed and vertices >= 4
            plausible = plausible and width > _THINNEST_M * ((x_high - x_low) + (y_high - y_low))
            area += width if int_at(ring + SHELL) else -width
            nodes += nodes_of(vertices - 1)
        plausible = plausible and finite
        put_float(ring + BOX, x_low)
        put_float(ring + BOX + 8, y_low)
        put_float(ring + BOX + 16, x_high)
        put_float(ring + BOX + 24, y_high)
        west, south, east, north = min(west, x_low), min(south, y_low), max(east, x_high), max(north, y_high)
    put_float(box, west)
    put_float(box + 8, south)
    put_float(box + 16, east)
    put_float(box + 24, north)
    return area, nodes, plausible


@inner
def _judge(at: int, end: int, check: bool, workspace: int, box: int) -> Any:
    """One geometry: its number, UNSOUND, SOUND or NO_ROOM, and its area."""
    rings = int_at(workspace + RINGS)
    code, _, n_rings, _ = find_plain_rings(at, end, rings, int_at(workspace + ROOM_FOR_RINGS))
    if code == NOT_PLAIN:
        return code, UNSOUND, 0.0
    if not has_room(workspace, ROOM_FOR_RINGS, n_rings):
        return code, NO_ROOM, 0.0
    single = code - _SEVERAL if code > _SEVERAL else code
    area, nodes, plausible = _survey(rings, n_rings, single, box)
    if not plausible or single != _POLYGON or not check:
        return code, SOUND if plausible else UNSOUND, area
    if not has_room(workspace, ROOM_FOR_NODES, nodes) or not has_room(workspace, ROOM_FOR_PIECES, n_rings):
        return code, NO_ROOM, 0.0
    tree, levels, window = int_at(workspace + NODES), int_at(workspace + LEVELS), window_of(workspace)
    crosses = polygon_crosses(rings, n_rings, tree, levels, window)
    return code, UNSOUND if crosses else SOUND, area


@compiled
def survey_plain(
    base: int,
    begins: int,
    ends: int,
    first: int,
    last: int,
    check: bool,
    workspace: int,
    kinds: int,
    sound: int,
    boxes: int,
    areas: int,
) -> int:
    """Survey features `first` to `last` of those whose bytes lie behind an address.

    Args:
        base: the address.
        begins: address of where each feature's bytes begin behind it, as 64-bit integers.
        ends: the same of their ends; a feature of no bytes is missing.
        first: the first feature.
        last: the one after the last.
        check: whether rings are asked if they cross; else a polygon of plausible rings is called sound.
        workspace: see `grids.workspace`.
        kinds: address of (n,) numbers of well-known binary, MISSING or NOT_PLAIN, written.
        sound: address of (n,) SOUND or UNSOUND, written.
        boxes: address of (n, 4) west, south, east, north, written; of use where all coordinates are numbers.
        areas: address of (n,) areas of polygons, shells less holes, written.

    Returns:
        The feature that needs more room than there is, or else `last`.
    """
    for f in range(first, last):
        at, end = base + int_at(begins + 8 * f), base + int_at(ends + 8 * f)
        kind, verdict, area = MISSING, UNSOUND, 0.0
        if end > at:
            kind, verdict, area = _judge(at, end, check, workspace, boxes + 32 * f)
        if verdict == NO_ROOM:
            return f
        put_int(kinds + 8 * f, kind)
        put_int(sound + 8 * f, verdict)
        put_float(areas + 8 * f, area)
    return last


@compiled
def gather_bytes(data: NDArray[np.uint8], begins: IntArray, places: IntArray, gathered: NDArray[np.uint8]) -> None:
    """Copy runs of bytes that begin at `begins` (n,) to one after the other, at `places` (n + 1,)."""
    for k in range(begins.size):
        shift = begins[k] - places[k]
        for place in range(places[k], places[k + 1]):
            gathered[place] = data[place + shift]


@compiled
def put_vertices(base: int, begins: IntArray, ends: IntArray, found: IntArray, vertices: FloatArray) -> None:
    """Write vertices (v, 2) over those of plain geometries, in the order in which `copy_plain` reads them."""
    at, v = found.ctypes.data, 0
    for f in range(begins.size):
        code, _, n_rings, _ = find_plain_rings(base + begins[f], base + ends[f], at, found.size // (RING // 8))
        if code == NOT_PLAIN:
            continue
        for r in range(n_rings):
            vertex = int_at(at + RING * r)
            for _ in range(int_at(at + RING * r + VERTICES)):
                put_float(vertex, vertices[v, 0])
                put_float(vertex + 8, vertices[v, 1])
                vertex += 16
                v += 1


@compiled
def count_plain(base: int, begins: IntArray, ends: IntArray, rings: IntArray, vertices: IntArray) -> None:
    """Write how many rings and vertices each plain geometry has; 0 for what is none."""
    for f in range(begins.size):
        code, _, n_rings, total = find_plain_rings(base + begins[f], base + ends[f], 0, 0)
        rings[f], vertices[f] = (n_rings, total) if code != NOT_PLAIN else (0, 0)


@compiled
def copy_plain(
    base: int,
    begins: IntArray,
    ends: IntArray,
    found: IntArray,
    vertices: FloatArray,
    starts: IntArray,
    shells: IntArray,
) -> None:
    """Copy the rings of plain geometries to lists.

    Args:
        base: address of the bytes.
        begins: (n,) where each geometry's begin.
        ends: (n,) where they end.
        found: room for the rings of the one that has most, eleven integers each.
        vertices: (v, 2) x and y, written.
        starts: (rings + 1,) where each ring begins among the vertices, written.
        shells: (rings,) whether each is a shell, written.
    """
    at, n, v = found.ctypes.data, 0, 0
    starts[0] = 0
    for f in range(begins.size):
        code, _, n_rings, _ = find_plain_rings(base + begins[f], base + ends[f], at, found.size // (RING // 8))
        if code == NOT_PLAIN:
            continue
        for r in range(n_rings):
            vertex = int_at(at + RING * r)
            for _ in range(int_at(at + RING * r + VERTICES)):
                vertices[v, 0], vertices[v, 1] = float_at(vertex), float_at(vertex + 8)
                vertex += 16
                v += 1
            shells[n] = int_at(at + RING * r + SHELL)
            n += 1
            starts[n] = v
