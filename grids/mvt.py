"""Mapbox Vector Tile 2.1 bytes from columns of Arrow and quantised shapes; the bytes are written by compiled code.

Source: Mapbox Vector Tile Specification 2.1, sections 4.1 (layers), 4.3 (geometry), 4.4 (attributes).
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from grids.chunks import TEXT, Columns, places
from grids.mvt_kernels import bound_features, put_features, put_values

EXTENT = 4096
POINT, LINE, POLYGON = 1, 2, 3

Integers = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Constant = str | bool | int | float
NOTHING: Mapping[str, Constant] = MappingProxyType({})


@dataclass(frozen=True)
class TileGeometry:
    """Quantised shapes in tile coordinates, ready to be written.

    Attributes:
        kind: POINT, LINE or POLYGON.
        points: (p, 2) integers, x to the right, y down; rings without their closing point, exterior rings of positive
            area (surveyor's formula in tile coordinates), interior ones negative.
        part_sizes: (r,) points of each line, ring or multipoint.
        part_feature: (r,) row that each part belongs to, ascending; rows without a part are not written.
    """

    kind: int
    points: Integers
    part_sizes: Integers
    part_feature: Integers


def varint(value: int) -> bytes:
    """Return the protobuf varint of a number that is not negative."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_layer(
    name: str,
    geometries: Sequence[TileGeometry],
    properties: Columns,
    ids: Callable[[Integers], Integers],
    constants: Mapping[str, Constant] = NOTHING,
) -> bytes:
    """Return one layer, with its field tag, ready to be joined with others into a tile; nothing if it has no feature.

    Args:
        name: the layer's name.
        geometries: parts of n rows, all of one kind in each; rows without a part are left out.
        properties: values of n rows: texts, truth values, whole numbers (sint64) or numbers (double, all digits kept);
            nulls are left out, since the format has none.
        ids: what gives feature ids, not negative, of ascending rows.
        constants: properties that all features have alike.
    """
    shapes = [_Shapes.of(geometry) for geometry in geometries if len(geometry.part_sizes)]
    if not shapes:
        return b""
    drawn = np.concatenate([shape.rows for shape in shapes])
    tags, values = _values(properties, drawn, constants)
    features, done = [], 0
    for shape in shapes:
        count = len(shape.rows)
        features.append(_features(shape, ids(shape.rows), np.ascontiguousarray(tags[:, done : done + count])))
        done += count
    keys = [b"\x1a" + _counted(key.encode()) for key in (*properties.chunks, *constants)]
    body = [b"\x78\x02\x0a", _counted(name.encode()), *features, *keys, *values, b"\x28", varint(EXTENT)]
    return b"".join([b"\x1a", varint(sum(map(len, body))), *body])


@dataclass(frozen=True)
class _Shapes:
    """A geometry, feature by feature: `rows` (n,) that are drawn, `parts` (n + 1,), `ends` (parts + 1,) of points."""

    geometry: TileGeometry
    rows: Integers
    parts: Integers
    ends: Integers

    @classmethod
    def of(cls, geometry: TileGeometry) -> "_Shapes":
        parts = len(geometry.part_sizes)
        rows, (firsts, ends) = np.empty(parts, dtype=np.int64), np.empty((2, parts + 1), dtype=np.int64)
        features = bound_features(geometry.part_feature, geometry.part_sizes, rows, firsts, ends)
        return cls(geometry, rows[:features], firsts[: features + 1], ends)


def _values(
    properties: Columns, rows: Integers, constants: Mapping[str, Constant]
) -> tuple[NDArray[np.int32], list[memoryview | bytes]]:
    """The number that each row's value of each key has in the table of values, and the table's entries."""
    columns = list(properties.chunks.values())
    tags = np.empty((len(columns) + len(constants), len(rows)), dtype=np.int32)
    kinds = np.array([column[0].kind for column in columns], dtype=np.int64)
    room = 13 * len(rows) * len(columns) + sum(
        part.text_bytes for column in columns if column[0].kind == TEXT for part in column
    )
    table = np.empty(room, dtype=np.uint8)
    written, count = put_values(kinds, places(columns), properties.starts, rows, tags, table)
    tags[len(columns) :] = count + np.arange(len(constants))[:, None]
    return tags, [table[:written].data, *(b"\x22" + _counted(_value(value)) for value in constants.values())]


def _features(shape: _Shapes, ids: Integers, tags: NDArray[np.int32]) -> memoryview:
    geometry = shape.geometry
    points, sizes = np.ascontiguousarray(geometry.points, dtype=np.int64), geometry.part_sizes
    out = np.empty(40 * len(ids) + 10 * tags.size + 12 * len(sizes) + 20 * len(points), dtype=np.uint8)
    written = put_features(geometry.kind, ids, tags, shape.parts, shape.ends, points, out)
    return out[:written].data


def _value(value: Constant) -> bytes:
    if isinstance(value, bool):
        return b"\x38\x01" if value else b"\x38\x00"
    if isinstance(value, int):
        return b"\x30" + varint(((value << 1) ^ (value >> 63)) & (2**64 - 1))
    if isinstance(value, float):
        return b"\x19" + struct.pack("<d", value)
    return b"\x0a" + _counted(value.encode())


def _counted(text: bytes) -> bytes:
    return varint(len(text)) + text
