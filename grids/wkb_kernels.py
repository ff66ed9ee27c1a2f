"""Compiled: well-known binary read where it lies, and shared out to the cells of a grid without building geometries.

Both byte orders, Z and M in the numbering of ISO and of PostGIS, and SRIDs are understood. Every count is held against
the bytes that are left before it is believed. Collections and curves are left to GEOS.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grids.cell_kernels import (
    AREAS,
    COPIES,
    DOUBTFUL,
    LINES,
    NOT_METRES,
    NOWHERE,
    RINGS,
    ROOM_FOR_COPIES,
    ROOM_FOR_FOUND,
    ROOM_FOR_RINGS,
    SHORT,
    Task,
    Written,
    extent_of,
    found_of,
    has_room,
    polygon_in_cells,
    ring_in_cells,
)
from grids.compiled import compiled, inner
from grids.crossing_kernels import RING, SHELL, TURN, VERTICES
from grids.memory_kernels import count_in, fetch, float_at, float_in, int_at, put_float, put_int, put_short
from grids.path_kernels import line_in_cells, points_in_cells
from grids.ring_kernels import MAX_COORDINATE_M, Box, is_metres
from grids.window_kernels import Extent, put_found

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ShortArray = NDArray[np.int32]

DAMAGED = 5  # bytes that are no well-known binary
_POINT, _LINE, _POLYGON, _MULTIPOINT, _MULTILINE, _MULTIPOLYGON, _LAST_KNOWN = 1, 2, 3, 4, 5, 6, 17
_HAS_Z, _HAS_M, _HAS_SRID = 0x80000000, 0x40000000, 0x20000000  # PostGIS's own flags
_AHEAD = 4096  # how many bytes beyond a feature are fetched: processors themselves stop at the end of a page


@inner
def _header(at: int, end: int) -> Any:
    """Read byte order, type and dimensions: (type or -1, swapped, bytes per vertex, address of what follows)."""
    if end - at < 5:
        return -1, False, 16, at
    order = count_in(at, False) & 0xFF
    if order > 1:
        return -1, False, 16, at
    swapped = order == 0
    code = count_in(at + 1, swapped)
    at += 5
    stride = 16 + 8 * ((code & _HAS_Z) != 0) + 8 * ((code & _HAS_M) != 0)
    if code & _HAS_SRID:
        at += 4
    code &= 0x1FFFFFFF
    if code >= 1000:
        stride += 16 if code >= 3000 else 8
        code = code % 1000 if code < 4000 else 999
    if at > end or code < 1 or code > _LAST_KNOWN or stride > 32:
        return -1, False, 16, at
    return code, swapped, stride, at


@inner
def _vertices(at: int, n: int, swapped: bool, stride: int, xs: FloatArray, ys: FloatArray, n_points: int) -> None:
    for k in range(n):
        xs[n_points + k] = float_in(at + k * stride, swapped)
        ys[n_points + k] = float_in(at + k * stride + 8, swapped)


@inner
def decode_wkb(at: int, end: int, xs: FloatArray, ys: FloatArray, starts: IntArray, shells: IntArray) -> Any:
    """Read one geometry into flat coordinates; return its type (without 'multi'), vertices and rings.

    The type is -1 for damaged bytes and 0 for what only GEOS reads. `xs` and `ys` must hold a sixteenth of the bytes,
    `starts` and `shells` a quarter of them, and two more; ring `r` has the vertices `starts[r]` to `starts[r + 1]`.
    """
    code, swapped, stride, at = _header(at, end)
    if code < 0:
        return -1, 0, 0
    if code > _MULTIPOLYGON:
        return 0, 0, 0
    parts, single = 1, code
    if code >= _MULTIPOINT:
        single = code - 3
        if end - at < 4:
            return -1, 0, 0
        parts = count_in(at, swapped)
        at += 4
        if parts * 5 > end - at:
            return -1, 0, 0
    n_points, n_rings = 0, 0
    starts[0] = 0
    for _ in range(parts):
        if code >= _MULTIPOINT:
            inner, swapped, stride, at = _header(at, end)
            if inner != single:
                return -1, 0, 0
        rings = 1
        if single == _POLYGON:
            if end - at < 4:
                return -1, 0, 0
            rings = count_in(at, swapped)
            at += 4
            if rings * 4 > end - at:
                return -1, 0, 0
        for ring in range(rings):
            n = 1
            if single != _POINT:
                if end - at < 4:
                    return -1, 0, 0
                n = count_in(at, swapped)
                at += 4
            if n * stride > end - at:
                return -1, 0, 0
            _vertices(at, n, swapped, stride, xs, ys, n_points)
            at += n * stride
            n_points += n
            shells[n_rings] = ring == 0
            n_rings += 1
            starts[n_rings] = n_points
    return (single if at == end else -1), n_points, n_rings


@inner
def _find_rings(at: int, end: int, rings: int, room: int) -> Any:
    """Find the rings (lines, points) of one geometry.

    Returns its type (without 'multi'; -1 for damaged bytes, 0 for what only GEOS reads), the number of rings, of their
    vertices, and whether these must be copied to be read as they are. Of each ring the address, the vertices, whether
    it is a shell, and how to read it (bytes from vertex to vertex, negative if swapped) are written, up to the room.
    """
    code, swapped, stride, at = _header(at, end)
    if code < 0:
        return -1, 0, 0, False
    if code > _MULTIPOLYGON:
        return 0, 0, 0, False
    parts, single = 1, code
    if code >= _MULTIPOINT:
        single = code - 3
        if end - at < 4:
            return -1, 0, 0, False
        parts = count_in(at, swapped)
        at += 4
        if parts * 5 > end - at:
            return -1, 0, 0, False
    n_rings, total, copied = 0, 0, False
    for _ in range(parts):
        if code >= _MULTIPOINT:
            inner, swapped, stride, at = _header(at, end)
            if inner != single:
                return -1, 0, 0, False
        copied = copied or swapped or stride != 16
        n = 1
        if single == _POLYGON:
            if end - at < 4:
                return -1, 0, 0, False
            n = count_in(at, swapped)
            at += 4
            if n * 4 > end - at:
                return -1, 0, 0, False
        for r in range(n):
            vertices = 1
            if single != _POINT:
                if end - at < 4:
                    return -1, 0, 0, False
                vertices = count_in(at, swapped)
                at += 4
            if vertices * stride > end - at:
                return -1, 0, 0, False
            if n_rings < room:
                ring = rings + RING * n_rings
                put_int(ring, at)
                put_int(ring + VERTICES, vertices)
                put_int(ring + SHELL, int(r == 0))
                put_int(ring + TURN, -stride if swapped else stride)
            at += vertices * stride
            total += vertices
            n_rings += 1
    return (single if at == end else -1), n_rings, total, copied


@inner
def _copy_rings(rings: int, n_rings: int, copy: int) -> None:
    """Copy vertices to where they can be read as they are, and write their new addresses."""
    for r in range(n_rings):
        ring = rings + RING * r
        at, stride = int_at(ring), int_at(ring + TURN)
        put_int(ring, copy)
        for _ in range(int_at(ring + VERTICES)):
            put_float(copy, float_in(at, stride < 0))
            put_float(copy + 8, float_in(at + 8, stride < 0))
            at += abs(stride)
            copy += 16


@inner
def _plain_ring(at: int, end: int) -> Any:
    """How many vertices the one closed ring has that these bytes are, as nearly all buildings, and where the first is.

    0 if they are not; a multipolygon of one part is as good as that part, and files of many kinds know no other.
    """
    if end - at < 77 or count_in(at, False) & 0xFF != 1:
        return 0, at
    if (
        count_in(at + 1, False) == _MULTIPOLYGON
        and count_in(at + 5, False) == 1
        and count_in(at + 9, False) & 0xFF == 1
    ):
        at += 9
    vertices, first = count_in(at + 9, False), at + 13
    if count_in(at + 1, False) != _POLYGON or count_in(at + 5, False) != 1 or end - first != 16 * vertices:
        return 0, first
    closed = float_at(first) == float_at(end - 16) and float_at(first + 8) == float_at(end - 8)
    return (vertices if closed else 0), first


@inner
def _is_one_ring(at: int, vertices: int) -> bool:
    """Whether the vertices of a polygon are surely those of one ring: the first comes again at the end only."""
    x, y, end = float_at(at), float_at(at + 8), at + 16 * (vertices - 1)
    at += 16
    while at < end and (float_at(at) != x or float_at(at + 8) != y):
        at += 16
    return at == end


@compiled
def plain_places(
    types: ShortArray, counts: ShortArray, dimensions: ShortArray, vertices: int, begins: IntArray, ends: IntArray
) -> int:
    """Say where points, lines, and polygons and multipolygons of one ring go as well-known binary, one by one.

    Args:
        types: (n,) what each geometry is, as GEOS numbers it: points from 0, polygons are 3, multipolygons 6.
        counts: (n,) vertices of each.
        dimensions: (n,) of the vertices of each.
        vertices: address of the x and y of all, as float64.
        begins: (n,) written.
        ends: (n,) written; where it begins for one that is not plain.

    Returns:
        How many bytes they take.
    """
    place = 0
    for f in range(types.size):
        begins[f] = place
        if counts[f] > 0 and dimensions[f] == 2:
            if (types[f] == _POLYGON or types[f] == _MULTIPOLYGON) and _is_one_ring(vertices, counts[f]):
                place += 13 + 9 * (types[f] == _MULTIPOLYGON) + 16 * counts[f]
            elif types[f] < _LINE:
                place += 5 + 4 * types[f] + 16 * counts[f]
        ends[f] = place
        vertices += 16 * counts[f]
    return place


@compiled
def write_plain(
    types: ShortArray, counts: ShortArray, vertices: int, begins: IntArray, ends: IntArray, data: int
) -> None:
    """Write the geometries that have places, see `plain_places`, as well-known binary behind the address `data`."""
    for f in range(types.size):
        at, end, vertex = data + begins[f], data + ends[f], vertices
        vertices += 16 * counts[f]
        if at == end:
            continue
        code = types[f] if types[f] >= _POLYGON else types[f] + 1
        put_int(at, 1 | code << 8)  # the byte order, the code, and what is written over at once
        if code == _MULTIPOLYGON:
            put_short(at + 5, 1)
            at, code = at + 9, _POLYGON
            put_int(at, 1 | code << 8)
        at += 1 + 4 * code
        if code == _POLYGON:
            put_short(at - 8, 1)
        if code != _POINT:
            put_short(at - 4, counts[f])
        while at < end:
            put_float(at, float_at(vertex))
            at += 8
            vertex += 8


@inner
def feature_in_cells(kind: int, rings: int, n_rings: int, task: Task, owner: int, n: int) -> Any:
    """Share out one feature of this kind; see `grids.cell_kernels`."""
    if kind == AREAS:
        return polygon_in_cells(rings, n_rings, task, owner, n)
    if kind == LINES:
        return line_in_cells(rings, n_rings, task, owner, n)
    return points_in_cells(rings, n_rings, task, owner, n)


@inner
def _bytes_in_cells(at: int, end: int, task: Task, owner: int, n: int) -> Any:
    """Share out the geometry between two addresses."""
    workspace = task.workspace
    rings = int_at(workspace + RINGS)
    kind, n_rings, total, copied = _find_rings(at, end, rings, int_at(workspace + ROOM_FOR_RINGS))
    if kind <= 0:
        return (DAMAGED if kind < 0 else DOUBTFUL), 0.0, n
    if not has_room(workspace, ROOM_FOR_RINGS, n_rings):
        return SHORT, 0.0, n
    if copied:
        if not has_room(workspace, ROOM_FOR_COPIES, total):
            return SHORT, 0.0, n
        _copy_rings(rings, n_rings, int_at(workspace + COPIES))
    return feature_in_cells(kind - 1, rings, n_rings, task, owner, n)


class Bytes(NamedTuple):
    """Where features' bytes are: behind an address, from places to places.

    Attributes:
        base: the address.
        begins, ends: addresses of the places, integers of so many bytes: 4 or 8.
        step: how many.
    """

    base: int
    begins: int
    ends: int
    step: int


@inner
def _feature(features: Bytes, f: int) -> Any:
    """Return the addresses where a feature begins and ends."""
    shift = features.step * f
    if features.step == 4:
        return features.base + count_in(features.begins + shift, False), features.base + count_in(
            features.ends + shift, False
        )
    return features.base + int_at(features.begins + shift), features.base + int_at(features.ends + shift)


@inner
def _block_end(features: Bytes, first: int, n: int, weight: int) -> int:
    """Where the block that begins with a feature ends, of n features that lie one after the other: found by halves."""
    begin, _ = _feature(features, first)
    low, high = first + 1, n  # the end is one of these
    while low < high:
        middle = (low + high) // 2
        _, end = _feature(features, middle - 1)
        if end - begin + 16 * (middle - first) >= weight:
            high = middle
        else:
            low = middle + 1
    return low


@compiled
def blocks_of_bytes(features: Bytes, n: int, weight: int, bounds: IntArray) -> int:
    """Write where blocks of n features of about so many bytes begin, and the end, to (n + 1,) bounds; how many places.

    A feature weighs its bytes and those of its two places.
    """
    bounds[0] = 0
    places, held, f = 1, 0, 0
    if features.ends == features.begins + features.step:  # each ends where the next one begins
        while f < n:
            f = _block_end(features, f, n, weight)
            bounds[places] = f
            places += 1
        return places
    for f in range(n - 1):
        at, end = _feature(features, f)
        held += end - at + 16
        if held >= weight:
            bounds[places] = f + 1
            places, held = places + 1, 0
    if n:
        bounds[places] = n
        places += 1
    return places


@compiled
def wkb_in_cells(features: Bytes, first: int, last: int, task: Task, n: int, written: Written) -> Any:
    """Share out features `first` to `last`; one of no bytes is nowhere.

    Args:
        features: where they are.
        first: the first feature.
        last: the one after the last.
        task: what is asked.
        n: how many parts are found already.
        written: what is written of each; kinds may be DAMAGED too.

    Returns:
        The feature that needs more room than there is, or else `last`; and how many parts are found.
    """
    found, shares, size = found_of(task.workspace), not task.measured, float(task.size)
    per_metre = 1.0 / size
    for f in range(first, last):
        at, end = _feature(features, f)
        fetch(end + _AHEAD)
        fetch(end + _AHEAD + 64)  # a building is hardly longer than two lines of the processor's memory
        kind, measure, after = NOWHERE, 0.0, n
        vertices, place = _plain_ring(at, end)
        if vertices:
            # Here and not in functions: what most buildings need takes half as long, and is not much.
            west, south = float_at(place), float_at(place + 8)
            east, north, sum_x, sum_y = west, south, 0.0, 0.0
            for vertex in range(place + 16, end, 16):
                x, y = float_at(vertex), float_at(vertex + 8)
                west, east = (x if x < west else west), (x if x > east else east)
                south, north = (y if y < south else south), (y if y > north else north)
                sum_x, sum_y = sum_x + x, sum_y + y
            col, row = math.floor((west - task.east) * per_metre), math.floor((south - task.north) * per_metre)
            left, bottom = task.east + col * size, task.north + row * size
            right, top = left + size, bottom + size
            begins_in = (min(west - left, south - bottom) >= 0) & (min(right - west, top - south) > 0)
            near = max(abs(left), abs(bottom)) <= MAX_COORDINATE_M - 2 * size
            # What is no number passes all comparisons, but not the sums.
            placed = begins_in & near & (sum_x + sum_y == sum_x + sum_y)
            if shares & placed & (east <= right) & (north <= top):
                kind, measure, after = AREAS, 1.0, put_found(found, n, f, row, col, 1.0)
            else:
                box = Box(west, south, east, north, sum_x, sum_y)
                in_reach = placed & (max(east - right, north - top) <= size)
                if in_reach or is_metres(box):
                    extent = Extent(row, col, 1 + (north > top), 1 + (east > right))
                    if not in_reach:
                        extent = extent_of(west, south, east, north, task)
                    kind, measure, after = ring_in_cells(place, vertices, box, extent, task, f, n)
                else:
                    kind = NOT_METRES
        elif end > at:
            kind, measure, after = _bytes_in_cells(at, end, task, f, n)
        if kind == SHORT or not has_room(task.workspace, ROOM_FOR_FOUND, after):
            return f, n
        put_int(written.kinds + 8 * f, kind)
        put_float(written.measures + 8 * f, measure)
        n = after
    return last, n
