"""GeoParquet's native encodings (GeoArrow) as well-known binary, once, when a file is read.

Nested lists of points in structs say nothing of what ends where it begins; rings and lines are held against what
geometry must be first, so that a broken one is refused by itself, as it would be among well-known binary.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gis.errors import UnreadableFile
from grids.errors import GridError
from grids.ragged import RaggedColumn

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ENCODINGS = {
    "point": shapely.GeometryType.POINT,
    "linestring": shapely.GeometryType.LINESTRING,
    "polygon": shapely.GeometryType.POLYGON,
    "multipoint": shapely.GeometryType.MULTIPOINT,
    "multilinestring": shapely.GeometryType.MULTILINESTRING,
    "multipolygon": shapely.GeometryType.MULTIPOLYGON,
}
"""Those of GeoParquet 1.1 beside WKB, by what they hold."""

_FEWEST = {"polygon": 4, "multipolygon": 4, "linestring": 2, "multilinestring": 2, "point": 0, "multipoint": 0}


def wkb_of(column: pa.ChunkedArray, encoding: str, name: str) -> pa.Array:
    """Well-known binary of a column in two dimensions: null stays null, what is no geometry has no bytes.

    Args:
        column: nested lists of structs with x and y as float64.
        encoding: one of `ENCODINGS`.
        name: of the file, for messages.

    Raises:
        UnreadableFile: lists that do not fit the encoding, or nulls within a geometry.
    """
    try:
        array: Any = column.combine_chunks()
        ragged = RaggedColumn.from_arrow(array, encoding)
        broken = _broken(ragged, encoding)
        if broken.any():
            kept = pa.array(np.arange(broken.size), mask=broken)
            array = array.take(kept)
            ragged = RaggedColumn.from_arrow(array, encoding)
    except GridError as problem:
        raise UnreadableFile(
            f"{name}: its geometry is not encoded as {encoding!r}, as its GeoParquet metadata says ({problem}); "
            "write it again as WKB (GeoPandas: to_parquet(geometry_encoding='WKB'))"
        ) from problem
    given = array.is_valid().to_numpy(zero_copy_only=False)
    wkb = np.empty(given.size, dtype=np.object_)
    wkb[given] = shapely.to_wkb(_objects(ragged, encoding, given)[given], byte_order=1)
    wkb[broken] = b""
    return pa.array(wkb, pa.large_binary())


def _broken(ragged: RaggedColumn, encoding: str) -> BoolArray:
    """(n,) which have a line of one point, or a ring of fewer than four or that does not end where it begins."""
    counts = np.diff(ragged.starts)
    wrong = counts < _FEWEST[encoding]
    if encoding == "linestring":
        wrong &= counts > 0
    if encoding in ("polygon", "multipolygon"):
        rings = np.flatnonzero(~wrong)
        first, last = ragged.vertices[ragged.starts[rings]], ragged.vertices[ragged.starts[rings + 1] - 1]
        wrong[rings] = (first != last).any(axis=1)
    sums: IntArray = np.append(np.int64(0), np.cumsum(wrong, dtype=np.int64))
    broken: BoolArray = sums[ragged.features[1:]] > sums[ragged.features[:-1]]
    return broken


def _objects(ragged: RaggedColumn, encoding: str, given: BoolArray) -> NDArray[np.object_]:
    """(n,) geometries; those that are not given are empty."""
    vertices, starts, features = ragged.vertices, ragged.starts, ragged.features
    offsets: tuple[IntArray, ...] | None
    if encoding == "point":
        vertices = np.full((given.size, 2), np.nan)
        vertices[given] = ragged.vertices
        offsets = None
    elif encoding in ("linestring", "multipoint"):
        offsets = (starts[features],)
    elif encoding == "multipolygon":
        shells = np.flatnonzero(ragged.shells)
        offsets = starts, np.append(shells, ragged.shells.size), np.searchsorted(shells, features)
    else:
        offsets = starts, features
    return np.asarray(shapely.from_ragged_array(ENCODINGS[encoding], vertices, offsets), dtype=np.object_)
