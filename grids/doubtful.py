"""Features that compiled code cannot vouch for, one by one with GEOS: repaired, shared out, or refused by name.

They are rings that cross or overlap, polygons of no area, collections and curves; the few that cost.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from grids.crossings import CellParts, cell_index, line_lengths, polygon_areas
from grids.errors import GeometryError, UncutGeometry
from grids.grid import Grid
from grids.measures import AREAS, LINES, POINTS, as_features, measures_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]


@dataclass(frozen=True)
class Settled:
    """What (m,) doubtful features are.

    Attributes:
        parts: in m2, m or number of points, in the order of features, rows and columns.
        repaired: positions of the polygons that were not valid.
        kinds: (m,) what each is measured by.
        measures: (m,) of the whole.
    """

    parts: CellParts
    repaired: IntArray
    kinds: IntArray
    measures: FloatArray


def name_of(position: int, ids: Sequence[object] | None) -> str:
    """What a message calls a feature: its id if there is one, else its position."""
    return f"{position}" if ids is None else f"{ids[position]!r} (position {position})"


def refuse_crossing(repaired: IntArray, ids: Sequence[object] | None) -> None:
    """Refuse polygons whose rings cross.

    Raises:
        GeometryError: if there are any; names the first and the last.
    """
    if not repaired.size:
        return
    others = (
        f" (and those of {repaired.size - 1} more, up to feature {name_of(int(repaired[-1]), ids)})"
        if repaired.size > 1
        else ""
    )
    raise GeometryError(
        f"The rings of feature {name_of(int(repaired[0]), ids)} cross themselves or each other{others}; valid polygons "
        "were expected. Repair them, or let them be repaired."
    )


def doubtful_parts(
    geometry: Callable[[int], BaseGeometry],
    which: IntArray,
    grid: Grid,
    ids: Sequence[object] | None,
    most_cells: int,
) -> Settled:
    """Share out doubtful features.

    Args:
        geometry: builds the geometry at a position.
        which: (m,) positions, rising.
        grid: the grid.
        ids: (n,) names for messages, or None.
        most_cells: that one feature may lie in.

    Raises:
        GeometryError: a feature that is no geometry, has coordinates that are not finite metres, or lies in more cells.
        UncutGeometry: polygons that GEOS cannot repair.
    """
    given = np.empty(which.size, dtype=np.object_)
    for k, position in enumerate(which.tolist()):
        try:
            given[k] = geometry(position)
        except ShapelyError as error:
            raise GeometryError(
                f"Feature {name_of(position, ids)} cannot be read as a geometry: {error}. Closed rings of at least "
                "four vertices, and lines of two, were expected."
            ) from error
    features, kinds = _as_features(given, which, ids)
    own = np.flatnonzero(kinds == POINTS)
    coordinates, owner = shapely.get_coordinates(features[own], return_index=True)
    col = cell_index(coordinates[:, 0], grid.origin_m[0], grid.size_m)
    row = cell_index(coordinates[:, 1], grid.origin_m[1], grid.size_m)
    found = [CellParts(own[owner], row, col, np.ones(row.size))]
    for kind, cut in ((LINES, line_lengths), (AREAS, polygon_areas)):
        own = np.flatnonzero(kinds == kind)
        try:
            several = cut(features[own], grid.origin_m, grid.size_m, most_cells=most_cells)
        except GeometryError as error:
            raise GeometryError(_renamed(str(error), which[own], ids)) from error
        found.append(CellParts(own[several.owner], several.row, several.col, several.amount))
    invalid = (shapely.get_dimensions(given) == AREAS) & ~shapely.is_valid(given)
    return Settled(_in_order(found, which), which[invalid], kinds, measures_of(features, kinds))


def _as_features(given: GeometryArray, which: IntArray, ids: Sequence[object] | None) -> tuple[GeometryArray, IntArray]:
    """All at once; where that fails, one by one, to name the one at fault."""
    try:
        return as_features(given)
    except UncutGeometry as error:
        raise error.at(which, ids) from error
    except GeometryError:
        one_by_one = [_as_feature(given[k : k + 1], name_of(p, ids)) for k, p in enumerate(which.tolist())]
    features, kinds = zip(*one_by_one, strict=True)
    return np.concatenate(features), np.concatenate(kinds)


def _as_feature(given: GeometryArray, name: str) -> tuple[GeometryArray, IntArray]:
    try:
        return as_features(given)
    except GeometryError as error:
        raise GeometryError(str(error).replace("Feature 0", f"Feature {name}", 1)) from error


def _renamed(message: str, positions: IntArray, ids: Sequence[object] | None) -> str:
    """A message about feature k of a few, by the name of that feature."""

    def name(found: re.Match[str]) -> str:
        return f"Feature {name_of(int(positions[int(found[1])]), ids)}"

    return re.sub(r"Feature (\d+)", name, message, count=1)


def _in_order(parts: Sequence[CellParts], which: IntArray) -> CellParts:
    owner = np.concatenate([which[p.owner] for p in parts])
    row, col = np.concatenate([p.row for p in parts]), np.concatenate([p.col for p in parts])
    order = np.lexsort((col, row, owner))
    amount = np.concatenate([p.amount for p in parts])
    return CellParts(owner[order], row[order], col[order], amount[order])
