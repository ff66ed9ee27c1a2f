"""Features as GeoArrow has them, in lists of vertices: shared out like `grids.wkb.WkbColumn`, without geometries.

A build does not go this way: what is read from files becomes well-known binary (`gis.geoarrow`, by `unnested` and
`nulls_within`). `RaggedColumn` is for who has GeoArrow and wants cells of it, and a second way that tests and fuzzing
hold the first against.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from grids.blocks import block_bounds
from grids.cell_kernels import AREAS, LINES, POINTS, Task, Written
from grids.cutting import BlockWork, Place
from grids.errors import GridError
from grids.ragged_kernels import Lists, ragged_in_cells
from grids.workspace import addresses_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Of each encoding what it is measured by, and how many lists lie within each other.
_ENCODINGS = {
    "point": (POINTS, 0),
    "linestring": (LINES, 1),
    "polygon": (AREAS, 2),
    "multipoint": (POINTS, 1),
    "multilinestring": (LINES, 2),
    "multipolygon": (AREAS, 3),
}


@dataclass(frozen=True)
class RaggedColumn:
    """Features of one kind as runs of rings, and rings as runs of vertices.

    Attributes:
        vertices: (v, 2) x and y in metres.
        starts: (r + 1,) where each ring (line, group of points) begins among the vertices.
        shells: (r,) 1 where a ring is a shell, 0 where it is a hole.
        features: (n + 1,) where each feature begins among the rings; a missing feature has none.
        kind: AREAS, LINES or POINTS.
    """

    vertices: FloatArray
    starts: IntArray
    shells: IntArray
    features: IntArray
    kind: int

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 2:
            raise GridError(f"Vertices of shape {self.vertices.shape} were given; (n, 2), x and y, was expected.")
        if self.shells.size != self.starts.size - 1:
            raise GridError(f"{self.starts.size - 1} rings and {self.shells.size} shells were given; one each, please.")
        for name, places, end in (
            ("rings", self.starts, self.vertices.shape[0]),
            ("features", self.features, self.shells.size),
        ):
            if not places.size or places[0] < 0 or places[-1] > end or (np.diff(places) < 0).any():
                raise GridError(f"The {name} were said to begin at places that do not rise from 0 to {end} at most.")

    @classmethod
    def from_arrow(cls, column: Any, encoding: str | None = None) -> "RaggedColumn":
        """Take a column of native GeoArrow, interleaved or separated.

        Args:
            column: nested lists of points, each a fixed-size list of 2 to 4 numbers or a struct with x and y.
            encoding: as GeoParquet and GeoArrow name it (`polygon`, `geoarrow.multilinestring`); an extension array
                knows its own.

        Raises:
            GridError: another encoding, lists that do not fit it, or nulls within a geometry.
        """
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        if isinstance(column, pa.ExtensionArray):
            encoding = encoding or column.type.extension_name
            column = column.storage
        name = (encoding or "").lower().removeprefix("geoarrow.")
        if name not in _ENCODINGS:
            raise GridError(f"Encoding {encoding!r} was given; one of {', '.join(_ENCODINGS)} was expected.")
        kind, depth = _ENCODINGS[name]
        given = column.is_valid().to_numpy(zero_copy_only=False)
        levels, vertices = unnested(column.drop_null(), name)
        if depth == 0:
            levels = [np.arange(len(vertices) + 1)]
        starts, rings = levels[-1], levels[-1].size - 1
        shells = np.ones(rings, np.int64)
        groups = levels[:-1] or [np.arange(rings + 1)]  # what is single is a group of one
        if kind == AREAS:
            shells[:] = 0
            firsts = groups[-1][:-1]
            shells[firsts[firsts < groups[-1][1:]]] = 1
        per_feature = np.diff(groups[0] if len(groups) == 1 else groups[1][groups[0]])
        counts = np.zeros(given.size, np.int64)
        counts[given] = per_feature
        return cls(vertices, starts, shells, np.concatenate((np.zeros(1, np.int64), np.cumsum(counts))), kind)

    @property
    def size(self) -> int:
        """How many features."""
        return int(self.features.size) - 1

    def blocks(self, weight: int) -> IntArray:
        """Positions where blocks of features of about so many bytes begin, and the end."""
        places: IntArray = 16 * (self.starts[self.features] - self.starts[self.features[0]])
        return block_bounds(places + 8 * np.arange(self.size + 1), weight)

    def share_out(self, grid: Place, measured: bool, most: int) -> BlockWork:
        """Compiled work, see `grids.cutting.FeatureColumn`."""
        vertices = np.ascontiguousarray(self.vertices, np.float64)
        places = [np.ascontiguousarray(array, np.int64) for array in (self.starts, self.shells, self.features)]
        at = addresses_of(vertices, *places)
        lists, held = Lists(at[0], at[1], at[2], at[3], self.kind), (vertices, places)

        def work(first: int, last: int, n: int, workspace: int, written: Written) -> tuple[int, int]:
            _ = held  # as long as this is
            task = Task(*grid, True, measured, workspace, most)
            after: tuple[int, int] = ragged_in_cells(lists, first, last, task, n, written)
            return after

        return work

    def geometry(self, position: int) -> BaseGeometry:
        """One feature as a geometry object.

        Raises:
            shapely.errors.ShapelyError: rings that are none.
        """
        rings = range(self.features[position], self.features[position + 1])
        paths = [self.vertices[self.starts[r] : self.starts[r + 1]] for r in rings]
        if self.kind == POINTS:
            return shapely.MultiPoint(np.concatenate(paths) if paths else None)
        if self.kind == LINES:
            return shapely.MultiLineString([path for path in paths if len(path)])
        parts: list[list[Any]] = []
        for r, path in zip(rings, paths, strict=True):
            if self.shells[r]:
                parts.append([])
            if len(path) and (path[0] != path[-1]).any():
                raise ShapelyError(f"a ring of {len(path)} vertices does not end where it begins")
            if len(path):
                parts[-1].append(path)
        return shapely.MultiPolygon([shapely.Polygon(part[0], part[1:]) for part in parts if part])

    def described(self, position: int) -> str:
        """What is there, for a message about a feature that is no geometry."""
        rings = int(self.features[position + 1] - self.features[position])
        return f"is no geometry: {rings} rings"


def unnested(column: Any, name: str) -> tuple[list[IntArray], FloatArray]:
    """Offsets of each level of lists, the outermost first and each from 0, and the points in the innermost, (v, 2).

    Args:
        column: an array of GeoArrow, no feature of it missing.
        name: of its encoding, as in `polygon`.

    Raises:
        GridError: lists that do not fit the encoding, or nulls within a geometry.
    """
    depth, levels = _ENCODINGS[name][1], []
    for _ in range(depth):
        if not _is_list(column.type) or column.null_count:
            raise GridError(f"Lists of {column.type} were given; {depth} lists deep, without nulls, is a {name}.")
        offsets = column.offsets.to_numpy().astype(np.int64)
        levels.append(offsets - offsets[0] if offsets.size else np.zeros(1, np.int64))
        column = column.flatten()
    return levels, _vertices(column, name)


def nulls_within(column: Any, name: str) -> NDArray[np.bool_]:
    """(n,) which features have a null among their parts, rings or points, or a point without x or y.

    Args:
        column: an array of GeoArrow.
        name: of its encoding, as in `polygon`; of lists that do not fit it nothing is said.
    """
    found = np.zeros(len(column), np.bool_)
    owner, column = _owned(np.arange(len(column)), column)
    for _ in range(_ENCODINGS[name][1]):
        if not _is_list(column.type):
            return found
        owner, column = owner[pc.list_parent_indices(column).to_numpy()], column.flatten()
        found[owner[column.is_null().to_numpy(zero_copy_only=False)]] = True
        owner, column = _owned(owner, column)
    for axis in _axes(column):
        found[owner[axis.is_null().to_numpy(zero_copy_only=False)]] = True
    return found


def _owned(owner: IntArray, column: Any) -> tuple[IntArray, Any]:
    """What is not null, and whose it is."""
    if not column.null_count:
        return owner, column
    return owner[column.is_valid().to_numpy(zero_copy_only=False)], column.drop_null()


def _is_list(kind: Any) -> bool:
    found: bool = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return found


def _axes(points: Any) -> list[Any]:
    """X and y of points that are not null, separated or interleaved; nothing of what are none."""
    kind = points.type
    if pa.types.is_struct(kind) and {"x", "y"} <= {field.name for field in kind}:
        return [points.field(axis) for axis in ("x", "y")]
    if pa.types.is_fixed_size_list(kind) and kind.list_size >= 2:
        return [pc.list_element(points, axis) for axis in (0, 1)]
    return []


def _vertices(points: Any, name: str) -> FloatArray:
    """Points as (v, 2) float64, copied."""
    axes = _axes(points)
    if not axes or not all(pa.types.is_float64(axis.type) for axis in axes):
        raise GridError(
            f"Points of {points.type} were given; x and y as float64, interleaved or in a struct, make a {name}."
        )
    if points.null_count or any(axis.null_count for axis in axes):
        raise GridError(f"Points that are null, or without x or y, were given within a {name}; all have both.")
    return np.stack([axis.to_numpy(zero_copy_only=False) for axis in axes], axis=1)
