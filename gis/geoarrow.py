"""GeoParquet's native encodings (GeoArrow) as well-known binary, once, when a file is read.

The lists are written as they lie, so that what they hold is judged as any other geometry in well-known binary is: a
ring that is open or a line of one point is refused by itself, a part without points is nothing. Only of nulls within a
geometry well-known binary knows nothing: such a feature has no bytes, which makes it unreadable by itself.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.errors import UnreadableFile
from grids.errors import GridError
from grids.ragged import nulls_within, unnested

IntArray = NDArray[np.int64]

_RING = np.dtype([("count", "<u4")])
_HEAD = np.dtype([("order", "u1"), ("type", "<u4"), ("count", "<u4")])
_VERTEX = np.dtype([("xy", "<f8", 2)])
_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("xy", "<f8", 2)])
_POINT_TYPE, _LITTLE_ENDIAN = 1, 1

_LAYOUTS: dict[str, tuple[tuple[int | None, ...], np.dtype[np.void]]] = {
    "point": ((), _POINT),
    "linestring": ((2,), _VERTEX),
    "polygon": ((3, None), _VERTEX),
    "multipoint": ((4,), _POINT),
    "multilinestring": ((5, 2), _VERTEX),
    "multipolygon": ((6, 3, None), _VERTEX),
}
"""Of each encoding the type in well-known binary at each level of lists (a ring has none), and how points lie there."""

ENCODINGS = tuple(_LAYOUTS)
"""Those of GeoParquet 1.1 beside WKB."""


def wkb_of(column: pa.ChunkedArray, encoding: str, name: str) -> pa.ChunkedArray:
    """Well-known binary of a column in two dimensions: null stays null, nulls within a geometry leave it no bytes.

    Args:
        column: nested lists of structs with x and y as float64.
        encoding: one of `ENCODINGS`.
        name: of the file, for messages.

    Raises:
        UnreadableFile: lists that do not fit the encoding.
    """
    try:
        return pa.chunked_array([_written(chunk, encoding) for chunk in column.chunks], pa.large_binary())
    except GridError as problem:
        raise UnreadableFile(
            f"{name}: its geometry is not encoded as {encoding!r}, as its GeoParquet metadata says ({problem}); "
            "write it again as WKB (GeoPandas: to_parquet(geometry_encoding='WKB'))"
        ) from problem


def _written(column: Any, encoding: str) -> pa.Array:
    """Well-known binary of one array: where each list and point begins is known beforehand, so each is put there."""
    column = column.storage if isinstance(column, pa.ExtensionArray) else column
    given = column.is_valid().to_numpy(zero_copy_only=False)
    whole = given & ~nulls_within(column, encoding)
    levels, points = unnested(column.filter(pa.array(whole)), encoding)
    types, point = _LAYOUTS[encoding]
    heads = [_RING if kind is None else _HEAD for kind in types]
    before: IntArray = point.itemsize * np.arange(len(points) + 1)
    inner = [before]  # of each level, the outermost first: bytes of what comes before each of its lists
    for offsets, head in zip(reversed(levels), reversed(heads), strict=True):
        before = np.append(np.int64(0), np.cumsum(head.itemsize + np.diff(before[offsets])))
        inner.insert(0, before)
    written = np.empty(before[-1], np.uint8)
    at = before[:-1]
    for offsets, head, kind, within in zip(levels, heads, types, inner[1:], strict=True):
        counts = np.diff(offsets)
        _put(written, at, head, type=kind, count=counts)
        at = within[:-1] + np.repeat(at + head.itemsize - within[offsets[:-1]], counts)
    _put(written, at, point, type=_POINT_TYPE, xy=points)
    lengths = np.zeros(len(column) + 1, np.int64)
    lengths[1:][whole] = np.diff(before)
    buffers = pa.array(given).buffers()[1], pa.py_buffer(np.cumsum(lengths)), pa.py_buffer(written)
    return pa.Array.from_buffers(pa.large_binary(), len(column), list(buffers))


def _put(written: NDArray[np.uint8], at: IntArray, kind: np.dtype[np.void], **values: Any) -> None:
    """Put records at places that are multiples of nothing."""
    if not at.size:
        return
    records = np.zeros(at.size, kind)
    for field in kind.names or ():
        records[field] = values.get(field, _LITTLE_ENDIAN)
    np.ndarray(written.size - kind.itemsize + 1, kind, written, strides=(1,))[at] = records
