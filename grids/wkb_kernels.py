"""Compiled: well-known binary read where it lies, and shared out to the cells of a grid without building geometries.

Both byte orders, Z and M in the numbering of ISO and of PostGIS, and SRIDs are understood. Every count is held against
the bytes that are left before it is believed. Collections and curves are left to GEOS.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from grids.cell_kernels import (
    DOUBTFUL,
    NOWHERE,
    line_in_cells,
    new_found,
    new_window,
    points_in_cells,
    polygon_in_cells,
)
from grids.compiled import compiled

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DAMAGED = 5  # bytes that are no well-known binary
_POINT, _LINE, _POLYGON, _MULTIPOINT, _MULTILINE, _MULTIPOLYGON, _LAST_KNOWN = 1, 2, 3, 4, 5, 6, 17
_HAS_Z, _HAS_M, _HAS_SRID = 0x80000000, 0x40000000, 0x20000000  # PostGIS's own flags


def _reader(bits: int, number: Any, result: Any) -> Any:
    """Make an intrinsic that reads `bits` at any address, aligned or not, in either byte order."""

    @intrinsic
    def read(typing: Any, address: Any, swapped: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            at, swap = arguments
            raw = builder.load(builder.inttoptr(at, ir.IntType(bits).as_pointer()), align=1)
            value = builder.select(builder.trunc(swap, ir.IntType(1)), builder.bswap(raw), raw)
            return builder.bitcast(value, number) if bits == 64 else builder.zext(value, number)

        return result(types.int64, types.boolean), generate

    return read


_count_at = _reader(32, ir.IntType(64), types.int64)
_float_at = _reader(64, ir.DoubleType(), types.float64)


@compiled
def _header(at: int, end: int) -> Any:
    """Read byte order, type and dimensions: (type or -1, swapped, bytes per vertex, address of what follows)."""
    if end - at < 5:
        return -1, False, 16, at
    order = _count_at(at, False) & 0xFF
    if order > 1:
        return -1, False, 16, at
    swapped = order == 0
    code = _count_at(at + 1, swapped)
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


@compiled
def _vertices(at: int, n: int, swapped: bool, stride: int, xs: FloatArray, ys: FloatArray, n_points: int) -> None:
    for k in range(n):
        xs[n_points + k] = _float_at(at + k * stride, swapped)
        ys[n_points + k] = _float_at(at + k * stride + 8, swapped)


@compiled
def decode_wkb(at: int, end: int, xs: FloatArray, ys: FloatArray, starts: IntArray, shells: IntArray) -> Any:
    """Read one geometry into flat coordinates; return its type (without 'multi'), vertices and rings.

    The type is -1 for damaged bytes and 0 for what only GEOS reads. `xs` and `ys` must hold a sixteenth of the bytes,
    `starts` and `shells` a quarter of them (and two more); ring `r` then has the vertices `starts[r]` to `starts[r + 1]`.
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
        parts = _count_at(at, swapped)
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
            rings = _count_at(at, swapped)
            at += 4
            if rings * 4 > end - at:
                return -1, 0, 0
        for ring in range(rings):
            n = 1
            if single != _POINT:
                if end - at < 4:
                    return -1, 0, 0
                n = _count_at(at, swapped)
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


@compiled
def wkb_in_cells(
    base: int,
    begins: IntArray,
    ends: IntArray,
    first: int,
    last: int,
    place: Any,
    kinds: IntArray,
    measures: FloatArray,
) -> Any:
    """Share out features `first` to `last`, the bytes of each between its `begins` and `ends` behind address `base`.

    Writes what each is measured by (or why it is not: DOUBTFUL, NOT_METRES, DAMAGED) and by how much, and returns how
    many parts there are, and the parts. A feature of no bytes is nowhere.
    """
    most = np.int64(64)
    for f in range(first, last):
        most = max(most, ends[f] - begins[f])
    xs, ys = np.empty(most // 16 + 1), np.empty(most // 16 + 1)
    starts, shells = np.empty(most // 4 + 2, np.int64), np.empty(most // 4 + 2, np.int64)
    window = new_window()
    scratch = (window, np.empty((16, 4)), np.empty(16, np.int64))
    found = new_found(2 * (last - first) + 64)
    n = 0
    for f in range(first, last):
        kinds[f], measures[f] = NOWHERE, 0.0
        if ends[f] == begins[f]:
            continue
        kind, n_points, n_rings = decode_wkb(base + begins[f], base + ends[f], xs, ys, starts, shells)
        if n_rings > scratch[2].size:
            scratch = (window, np.empty((2 * n_rings, 4)), np.empty(2 * n_rings, np.int64))
        if kind == _POLYGON:
            kinds[f], measures[f], n, found = polygon_in_cells(
                xs, ys, starts, shells, 0, n_rings, place, True, scratch, f, found, n
            )
        elif kind == _LINE:
            kinds[f], measures[f], n, found = line_in_cells(xs, ys, starts, 0, n_rings, place, scratch, f, found, n)
        elif kind == _POINT:
            kinds[f], measures[f], n, found = points_in_cells(xs, ys, n_points, place, f, found, n)
        else:
            kinds[f] = DAMAGED if kind < 0 else DOUBTFUL
    return n, found
