"""Geometries as they lie in a file, looked at without building any: extent, area, and which are valid beyond doubt."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiLineString, MultiPoint, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from grids.blocks import block_bounds, in_blocks
from grids.crossing_kernels import RING
from grids.survey_kernels import copy_plain, count_plain, gather_bytes, put_vertices, survey_plain
from grids.wkb import WkbColumn
from grids.workspace import addresses_of, workspace

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_BYTES_AT_ONCE = 1 << 20  # of a block of features, which one thread works on


@dataclass(frozen=True)
class Survey:
    """What compiled code says of (n,) geometries.

    Attributes:
        kinds: number of well-known binary (1 point, 2 line, 3 polygon, 4 to 6 several of them); MISSING, or NOT_PLAIN
            for what only GEOS reads: see `grids.survey_kernels`.
        sound: plain, finite, not empty, and valid as GEOS sees it. What is not sound may be valid nevertheless.
        bounds: (n, 4) west, south, east, north; NaN where it is missing or not plain, and meaningless where a
            coordinate is no number.
        areas: planar area of polygons, shells less holes; 0 for all else.
    """

    kinds: IntArray
    sound: NDArray[np.bool_]
    bounds: FloatArray
    areas: FloatArray


@dataclass(frozen=True)
class Rings:
    """Rings of (n,) plain geometries in lists: vertices (v, 2); where rings, and where features, begin; shells (r,)."""

    vertices: FloatArray
    starts: IntArray
    shells: IntArray
    features: IntArray


def survey(column: WkbColumn, *, check: bool = True, threads: int | None = None) -> Survey:
    """Look at geometries.

    A polygon is sound if its rings are closed and wider than a nanometre on average, and none meets itself or another,
    nor lies where it should not; by comparisons that leave what rounding could turn over to doubt.

    Args:
        column: (n,) geometries in any CRS.
        check: ask whether rings meet; else polygons are called sound that may cross themselves.
        threads: how many; changes no bit.
    """
    n = column.size
    kinds, sound = np.zeros(n, np.int64), np.zeros(n, np.int64)
    bounds, areas = np.full((n, 4), np.nan), np.zeros(n)
    arrays = _as_kernels_want(column)

    def work(first: int, last: int) -> None:
        data, begins, ends, *written = addresses_of(*arrays, kinds, sound, bounds, areas)

        def some(begin: int, found: int, room: int) -> tuple[int, int]:
            return survey_plain(data, begins, ends, begin, last, check, room, *written), found

        with workspace() as mine:
            mine.found_by(some, first, last)

    for _ in in_blocks(work, block_bounds(column.ends_at, _BYTES_AT_ONCE), threads):
        pass
    return Survey(kinds, sound == 1, bounds, areas)


def rings_of(column: WkbColumn) -> Rings:
    """Rings (lines, points) of plain geometries, copied; others have none."""
    data, begins, ends = _as_kernels_want(column)
    [base] = addresses_of(data)
    rings, vertices = np.zeros(column.size, np.int64), np.zeros(column.size, np.int64)
    count_plain(base, begins, ends, rings, vertices)
    n, v = int(rings.sum()), int(vertices.sum())
    found = Rings(np.empty((v, 2)), np.zeros(n + 1, np.int64), np.empty(n, np.int64), _sums(rings))
    copy_plain(base, begins, ends, _room_for(rings), found.vertices, found.starts, found.shells)
    return found


def moved(column: WkbColumn, move: Callable[[FloatArray], FloatArray]) -> WkbColumn:
    """Plain geometries with their vertices moved, in bytes of their own; what is not plain stays as it is.

    Args:
        column: (n,) geometries.
        move: from (v, 2) to (v, 2).
    """
    rings = rings_of(column)
    places = column.ends_at
    data = np.empty(int(places[-1]), np.uint8)
    gather_bytes(*_as_kernels_want(column)[:2], places, data)
    [base] = addresses_of(data)
    begins, ends = places[:-1].copy(), places[1:].copy()
    put_vertices(base, begins, ends, _room_for(np.diff(rings.features)), np.ascontiguousarray(move(rings.vertices)))
    return WkbColumn(data, begins, ends)


def is_plain(column: WkbColumn) -> NDArray[np.bool_]:
    """(n,) whether geometries are plain, and so have rings (lines, points) that compiled code finds."""
    data, begins, ends = _as_kernels_want(column)
    rings, vertices = np.zeros(column.size, np.int64), np.zeros(column.size, np.int64)
    count_plain(addresses_of(data)[0], begins, ends, rings, vertices)
    return np.asarray(rings > 0)


def taken(column: WkbColumn, which: IntArray) -> WkbColumn:
    """Some features of a column, by position; their bytes are not copied."""
    return WkbColumn(column.data, column.begins[which], column.ends[which])


def joined(columns: list[WkbColumn]) -> WkbColumn:
    """Columns one after the other; their bytes are copied."""
    shifts = _sums(np.array([column.data.size for column in columns], np.int64))
    return WkbColumn(
        np.concatenate([np.zeros(0, np.uint8), *(column.data for column in columns)]),
        np.concatenate([_NONE, *(column.begins + shift for column, shift in zip(columns, shifts, strict=False))]),
        np.concatenate([_NONE, *(column.ends + shift for column, shift in zip(columns, shifts, strict=False))]),
    )


def as_arrow(column: WkbColumn) -> Any:
    """(n,) a column as Arrow's large binary; missing ones are null. Bytes are copied unless they lie one by one."""
    places = column.ends_at
    data, begins = column.data, column.begins
    if column.size and (begins[1:] != column.ends[:-1]).any():
        data = np.empty(int(places[-1]), np.uint8)
        gather_bytes(column.data, begins, places, data)
    elif column.size:
        data = data[begins[0] : column.ends[-1]]
    given = pa.array(places[1:] > places[:-1])
    present = None if pc.all(given).as_py() in (True, None) else given.buffers()[1]
    buffers = [present, pa.py_buffer(places), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_binary(), column.size, buffers)


def plain_wkb(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """(n,) geometries as plain well-known binary, None where missing: two dimensions, no members without vertices.

    An empty member says nothing of where a geometry is; what reads plain bytes takes none.
    """
    flat = np.asarray(shapely.force_2d(geometries), dtype=np.object_)
    parts, of = shapely.get_parts(flat, return_index=True)
    holed = np.flatnonzero(shapely.get_num_interior_rings(parts) > 0)
    rings, holed_of = shapely.get_rings(parts[holed], return_index=True)
    some = np.concatenate((of[shapely.is_empty(parts)], of[holed[holed_of[shapely.is_empty(rings)]]]))
    for place in np.unique(some).tolist():
        if not flat[place].is_empty:
            flat[place] = _without_empty(flat[place])
    return np.asarray(shapely.to_wkb(flat, byte_order=1), dtype=np.object_)


_OF_SEVERAL: dict[str, Any] = {
    "MultiPoint": MultiPoint,
    "MultiLineString": MultiLineString,
    "MultiPolygon": MultiPolygon,
}


def _without_empty(geometry: BaseGeometry) -> Any:
    if isinstance(geometry, Polygon):
        holes = [hole for hole in geometry.interiors if not hole.is_empty]
        return geometry if len(holes) == len(geometry.interiors) else Polygon(geometry.exterior, holes)
    if geometry.geom_type not in _OF_SEVERAL:
        return geometry
    members = [_without_empty(member) for member in shapely.get_parts(geometry) if not member.is_empty]
    return _OF_SEVERAL[geometry.geom_type](members)


def warm_up() -> None:
    """Compile, or load from the cache, all that geometries are looked at with."""
    square = shapely.to_wkb(shapely.box(0, 0, 1, 1), byte_order=1)
    column = moved(WkbColumn.from_bytes([square, None, square]), np.negative)
    survey(column)
    as_arrow(taken(column, np.array([2, 0])))


_NONE = np.zeros(0, np.int64)


def _as_kernels_want(column: WkbColumn) -> tuple[NDArray[np.uint8], IntArray, IntArray]:
    return (
        np.ascontiguousarray(column.data, np.uint8),
        np.ascontiguousarray(column.begins, np.int64),
        np.ascontiguousarray(column.ends, np.int64),
    )


def _room_for(rings: IntArray) -> IntArray:
    """Room for the rings of the feature that has most."""
    return np.empty(max(int(rings.max(initial=0)), 1) * (RING // 8), np.int64)


def _sums(counts: IntArray) -> IntArray:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
