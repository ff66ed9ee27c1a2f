"""Targets whose bytes are geometries: well-known binary, GeoArrow, drawn GeoJSON."""

import ctypes
import mmap
import os
import struct
import sys
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from api.drawn import read_drawn
from api.errors import InvalidParameter
from api.statistics import read_document
from fuzz.editions import opened_edition
from fuzz.target import Target
from grids.errors import GridError
from grids.grid import Grid
from grids.ragged import RaggedColumn
from grids.survey import is_plain, moved, rings_of, survey
from grids.wkb import WkbColumn, parts_in_cells

_GRID = Grid("EPSG:32632", (0, 0), 100, "inspire")
_X, _Y = 540_000.0, 5_220_000.0
_SHAPES = (
    shapely.Point(_X, _Y),
    shapely.LineString([(_X, _Y), (_X + 250, _Y + 130), (_X + 250, _Y + 130)]),
    shapely.box(_X + 10, _Y + 10, _X + 30, _Y + 30),
    shapely.Point(_X, _Y).buffer(170, 3),
    shapely.box(_X, _Y, _X + 300, _Y + 300).difference(shapely.box(_X + 50, _Y + 50, _X + 250, _Y + 250)),
    shapely.Polygon([(_X, _Y), (_X + 200, _Y + 200), (_X + 200, _Y), (_X, _Y + 200)]),
    shapely.MultiPoint([(_X, _Y), (_X + 100, _Y)]),
    shapely.MultiLineString([[(_X, _Y), (_X + 99, _Y)], [(_X, _Y + 1), (_X, _Y + 300)]]),
    shapely.MultiPolygon([shapely.box(_X + k * 40, _Y, _X + k * 40 + 30, _Y + 120) for k in range(4)]),
    shapely.GeometryCollection([shapely.Point(_X, _Y), shapely.box(_X, _Y, _X + 5, _Y + 5)]),
    shapely.from_wkt("POLYGON Z ((540000 5220000 1, 540200 5220000 nan, 540200 5220200 3, 540000 5220000 1))"),
    shapely.from_wkt("POLYGON EMPTY"),
    shapely.from_wkt("MULTIPOLYGON EMPTY"),
)
_WKB = (
    *(shapely.to_wkb(shape, byte_order=order) for shape in _SHAPES for order in (0, 1)),
    *(shapely.to_wkb(shapely.set_srid(shape, 32632), include_srid=True) for shape in _SHAPES),
    *(shapely.to_wkb(shape, flavor="iso") for shape in _SHAPES),
)
_MOST_CELLS = 100_000
_AREAS = (3, 6)  # as GEOS numbers polygons and several of them


def run_wkb(data: bytes) -> bool:
    """Features laid end to end, each after its length in two bytes: their parts, survey and rings.

    What GEOS calls a valid polygon must have the area that GEOS says, and what is plain must come back as it was.
    """
    features = _split(data)
    if not features:
        return False
    column = _guarded(features)
    seen = survey(column)
    rings = rings_of(column)
    assert rings.features[-1] == rings.starts.size - 1
    assert (moved(column, np.copy).size, is_plain(column).size) == (column.size, column.size)
    taken = False
    for feature, sound, area in zip(features, seen.sound, seen.areas, strict=True):
        if not feature or _covers_too_much(feature):
            continue
        try:
            found = parts_in_cells(_guarded([feature]), _GRID)
        except GridError:
            assert not sound, "what the survey vouches for can be shared out"
            continue
        taken = True
        [shape] = shapely.from_wkb(np.array([feature], dtype=object), on_invalid="ignore")
        if shape is None or not shapely.is_valid(shape) or shapely.get_type_id(shape) not in _AREAS or shape.is_empty:
            continue
        rounding = 1e-9 * max(shape.area, 1.0) + 1e-13 * max(map(abs, shape.bounds)) * shape.length
        assert abs(float(found.parts.amount.sum()) - shape.area) <= rounding, "parts add up to the whole"
        assert not sound or abs(area - shape.area) <= rounding, "the survey says the area"
    return taken


def _guarded(features: list[bytes]) -> WkbColumn:
    """Features whose last byte is followed by memory that must not be read: one byte too many ends the process."""
    plain = WkbColumn.from_bytes(features)
    page = mmap.PAGESIZE
    room = -(-max(plain.data.size, 1) // page) * page
    memory = mmap.mmap(-1, room + page)
    held = np.frombuffer(memory, np.uint8)
    if sys.platform == "linux":
        failed = ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(held.ctypes.data + room), page, 0)
        assert not failed, os.strerror(ctypes.get_errno())
    data = held[room - plain.data.size : room]
    data[:] = plain.data
    return WkbColumn(data, plain.begins, plain.ends)


def _split(data: bytes) -> list[bytes]:
    features: list[bytes] = []
    at = 0
    while at + 2 <= len(data) and len(features) < 20:
        length = int.from_bytes(data[at : at + 2], "little")
        features.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return features


def _joined(features: tuple[bytes, ...]) -> bytes:
    return b"".join(len(feature).to_bytes(2, "little") + feature for feature in features)


def _covers_too_much(feature: bytes) -> bool:
    """Whether the parts of it would be more than memory holds, which is asked for and no fault."""
    try:
        west, south, east, north = WkbColumn.from_bytes([feature]).geometry(0).bounds
    except (shapely.errors.ShapelyError, ValueError):
        return False
    if not np.isfinite([west, south, east, north]).all() or max(map(abs, (west, south, east, north))) > 2e8:
        return False  # refused
    return ((east - west) / 100 + 1) * ((north - south) / 100 + 1) > _MOST_CELLS


def run_geoarrow(data: bytes) -> bool:
    """Nested lists of points with the offsets that the bytes say, as a column of GeoArrow."""
    if len(data) < 4:
        return False
    encoding = ("point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon")[data[0] % 6]
    depth = (0, 1, 2, 1, 2, 3)[data[0] % 6]
    steps = np.frombuffer(data[1 : 1 + data[1] % 32 * 3], np.uint8) % 7
    numbers = np.frombuffer(data[: len(data) // 8 * 8], np.float64)
    points = numbers[: numbers.size // 2 * 2]
    column: Any = pa.FixedSizeListArray.from_arrays(pa.array(points), 2)
    for level in range(depth):
        offsets = np.minimum(np.cumsum(np.append(0, steps[level::3])), len(column)).astype(np.int32)
        column = pa.ListArray.from_arrays(pa.array(offsets), column)
    column.validate(full=True)
    near = np.abs(points - np.resize([_X, _Y], points.size)) < 10_000
    try:
        given = RaggedColumn.from_arrow(column, encoding)
        if near.all() or not np.isfinite(points).all():  # what lies far apart has more cells than memory holds
            parts_in_cells(given, _GRID)
    except GridError:
        return False
    return True


def _geoarrow_seeds() -> tuple[bytes, ...]:
    ring = np.array([_X, _Y, _X + 200, _Y, _X + 200, _Y + 200, _X, _Y + 200, _X, _Y])
    head = (bytes([k, 30, *([5, 1, 1] * 9)]) for k in range(6))
    return tuple(one.ljust(32, b"\1") + np.tile(ring, 3).tobytes() for one in head)


def run_drawn(data: bytes) -> bool:
    """The body of a request for statistics that holds a polygon."""
    try:
        drawn = read_drawn(read_document(data), opened_edition())
    except InvalidParameter:
        return False
    assert np.isfinite(drawn.area_ha)
    assert shapely.is_valid(drawn.shape)
    assert shapely.get_type_id(drawn.shape) in _AREAS
    return True


@cache
def _drawn_seeds() -> tuple[bytes, ...]:
    ring = b"[[9.5,47.1],[9.6,47.1],[9.6,47.2],[9.5,47.2],[9.5,47.1]]"
    polygon = b'{"type":"Polygon","coordinates":[' + ring + b"]}"
    several = b'{"type":"MultiPolygon","coordinates":[[' + ring + b"]]}"
    return polygon, several, b'{"type":"Feature","properties":{},"geometry":' + polygon + b"}"


_COUNTS = tuple(struct.pack("<I", n) for n in (0, 1, 2, 3, 6, 7, 1003, 0x80000003, 0x20000006, 0xFFFFFFFF))


def targets() -> tuple[Target, ...]:
    """Return the targets of this module."""
    return (
        Target(
            "wkb",
            "well-known binary: parts in cells, survey, rings",
            run_wkb,
            (*(_joined((one,)) for one in _WKB), _joined(_WKB[:9])),
            _COUNTS,
            native=True,
        ),
        Target("geoarrow", "columns of native GeoArrow", run_geoarrow, _geoarrow_seeds(), native=True),
        Target(
            "drawn",
            "polygons in the body of a request",
            run_drawn,
            _drawn_seeds(),
            (
                b"null",
                b"[",
                b"]",
                b"1e999",
                b"-0",
                b'"',
                b"[[",
                b'"type":"MultiPolygon"',
                b"1e-320",
                b"180",
                b"[9.55,47.15],",
            ),
        ),
    )
