"""Streets and their intersections per cell, from the roads an edition draws as background."""

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from grids.crossings import line_lengths
from grids.edition import Edition
from grids.store_errors import CollectionNotFound
from scenarios.frame import FloatArray, Frame, IntArray

_NO_STREETS = frozenset(
    (
        "motorway", "motorway_link", "track", "footway", "path", "steps", "cycleway", "bridleway", "corridor",
        "construction", "proposed", "abandoned", "platform", "raceway",
    )
)  # fmt: skip


def street_fields(edition: Edition, frame: Frame) -> tuple[FloatArray, FloatArray] | None:
    """Length of streets (km) and intersections per cell, (rows, cols) each; None where no roads are drawn.

    An intersection is a vertex from which three or more stretches of street leave. Motorways and ways without cars are
    no streets.
    """
    try:
        rows = edition.context("roads", edition.manifest.region.bbox).rows
    except CollectionNotFound:
        return None
    if not rows.num_rows:
        return None
    shapes = shapely.from_wkb(rows["geometry"].to_numpy(zero_copy_only=False))
    if "road_class" in rows.column_names:
        shapes = shapes[[name not in _NO_STREETS for name in rows["road_class"].to_pylist()]]
    lines = shapely.get_parts(shapes)
    lines = lines[shapely.get_type_id(lines) == 1]
    if not len(lines):
        return None
    to_metres = pyproj.Transformer.from_crs("OGC:CRS84", frame.crs, always_xy=True)
    lines = shapely.transform(lines, lambda at: np.column_stack(to_metres.transform(at[:, 0], at[:, 1])))
    size = round(frame.size_m)
    parts = line_lengths(lines, (round(frame.x_m), round(frame.y_m)), size)
    length = _onto(frame, parts.row, parts.col, parts.amount / 1000)
    x, y = intersections(lines)
    row, col = ((y - frame.y_m) // size).astype(np.int64), ((x - frame.x_m) // size).astype(np.int64)
    return length, _onto(frame, row, col, np.ones(len(x)))


def intersections(lines: NDArray[np.object_]) -> tuple[FloatArray, FloatArray]:
    """Vertices (to the centimetre) that three or more stretches leave from."""
    at, line = shapely.get_coordinates(lines, return_index=True)
    key = np.round(at * 100).astype(np.int64)
    ends = np.ones(len(at), dtype=bool)
    ends[1:-1] = (line[1:-1] != line[:-2]) | (line[1:-1] != line[2:])
    leaving = np.where(ends, 1, 2)
    _, first, place = np.unique(key, axis=0, return_index=True, return_inverse=True)
    degree = np.bincount(place.ravel(), leaving)
    chosen = first[degree >= 3]
    return at[chosen, 0], at[chosen, 1]


def _onto(frame: Frame, row: IntArray, col: IntArray, amount: FloatArray) -> FloatArray:
    found = np.zeros(frame.shape)
    inside = (row >= 0) & (row < frame.rows) & (col >= 0) & (col < frame.cols)
    np.add.at(found, (row[inside], col[inside]), amount[inside])
    return found
