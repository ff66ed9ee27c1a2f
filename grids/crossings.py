"""Polygons and lines cut at the lines of a regular grid: what every share of a grid comes from.

The work itself is compiled (`grids.cell_kernels`); here geometries become flat coordinates for it, in bulk.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.blocks import block_bounds, in_blocks
from grids.cell_kernels import AREAS, LINES, NOT_METRES, TOO_LARGE, Task, Written
from grids.errors import GeometryError
from grids.ragged_kernels import Lists, ragged_in_cells
from grids.ring_kernels import MAX_COORDINATE_M
from grids.workspace import Found, addresses_of, workspace

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

MOST_CELLS = 1 << 25
"""Cells that one feature may lie in unless more are allowed: 580 km by 580 km of 100 m, or some 3 GB of parts."""

_VERTICES_AT_ONCE = 1 << 17  # of a block of features, which one thread works on


@dataclass(frozen=True)
class CellParts:
    """What each owner has in each cell: (n,) arrays ordered by owner, row and column; `amount` in m2 or m."""

    owner: IntArray
    row: IntArray
    col: IntArray
    amount: FloatArray


def cell_index(values: FloatArray, origin: int, size: int) -> IntArray:
    """Half-open cells along one axis: floor, corrected where the division rounded across a border."""
    index: IntArray = np.floor((values - origin) / size).astype(np.int64)
    index -= values < origin + index * size
    index += values >= origin + (index + 1) * size
    return index


def check_coordinates(geometries: GeometryArray) -> None:
    """Refuse coordinates that are not finite metres.

    Raises:
        GeometryError: naming the first feature at fault.
    """
    bounds = shapely.bounds(geometries)
    # Bounds that are no number mean an empty geometry, unless a coordinate itself is none.
    bad = (np.abs(bounds) > MAX_COORDINATE_M).any(axis=1)
    unknown = np.isnan(bounds).any(axis=1) & ~shapely.is_empty(geometries) & ~shapely.is_missing(geometries)
    coordinates, owner = shapely.get_coordinates(geometries, return_index=True)
    unknown[owner[~np.isfinite(coordinates).all(axis=1)]] = True
    if (bad | unknown).any():
        first = int(np.flatnonzero(bad | unknown)[0])
        raise GeometryError(
            f"Feature {first} has bounds {bounds[first].tolist()}; finite metres below {MAX_COORDINATE_M:g} in the "
            "region's CRS were expected. Check its coordinates and the layer's CRS."
        )


def refuse_too_large(name: str, cells: float, size: int, most: int) -> None:
    """Refuse a feature that would lie in more cells than were allowed.

    Raises:
        GeometryError: always; names the feature, how many cells it lies in at most, and what to do.
    """
    raise GeometryError(
        f"Feature {name} would lie in up to {cells:,.0f} cells of {size} m; {most:,} are the most for one feature. Cut "
        "it to the area that is wanted first, take larger cells, or allow more with most_cells (some 100 bytes each). "
        "If it is no larger than it looks on a map, check the layer's CRS."
    )


def polygon_areas(
    polygons: GeometryArray,
    origin: tuple[int, int],
    size: int,
    owners: IntArray | None = None,
    *,
    most_cells: int = MOST_CELLS,
) -> CellParts:
    """Exact area of polygons in the cells of a grid.

    Args:
        polygons: (n,) polygons or multipolygons, valid up to spikes; rings may turn either way. Empty ones have no
            part.
        origin: (east, north) of the grid, whole metres.
        size: side of a cell, whole metres.
        owners: (n,) whom each polygon belongs to, if their areas are wanted together; else each is its own.
        most_cells: that one polygon may lie in.

    Returns:
        m2 per owner and cell. Rounding noise (below 1e-13 of the cell and of the polygon) is left out; a polygon that
        crosses itself may have negative areas.

    Raises:
        GeometryError: a polygon over more cells; names it by its position.
    """
    parts, part_owner = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    shells = np.ones(ring_part.size, dtype=np.int64)
    shells[1:] = ring_part[1:] != ring_part[:-1]
    place = (int(origin[0]), int(origin[1]), int(size))
    found = _shared_out(rings, part_owner[ring_part], shells, len(polygons), True, place, most_cells)
    return found if owners is None else _together(found, owners)


def line_lengths(
    lines: GeometryArray, origin: tuple[int, int], size: int, *, most_cells: int = MOST_CELLS
) -> CellParts:
    """Exact length of lines in half-open cells; a line along a border belongs to the cell above or right of it.

    Args:
        lines: (n,) lines, rings or multilines.
        origin: (east, north) of the grid, whole metres.
        size: side of a cell, whole metres.
        most_cells: that one line may lie in.

    Returns:
        m per line and cell.

    Raises:
        GeometryError: a line over more cells; names it by its position.
    """
    parts, part_owner = shapely.get_parts(lines, return_index=True)
    place = (int(origin[0]), int(origin[1]), int(size))
    return _shared_out(parts, part_owner, np.ones(part_owner.size, np.int64), len(lines), False, place, most_cells)


def join_parts(parts: Iterable[Found]) -> CellParts:
    """Blocks of parts as compiled code finds them, one after another."""
    blocks = list(parts)
    n = sum(amount.size for _, amount in blocks)
    owner, row, col = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    amounts = np.empty(n)
    k = 0
    for cells, amount in blocks:
        here = slice(k, k + amount.size)
        owner[here], row[here], col[here], amounts[here] = cells[:, 0], cells[:, 1], cells[:, 2], amount
        k += amount.size
    return CellParts(owner, row, col, amounts)


def _shared_out(
    rings: GeometryArray,
    ring_owner: IntArray,
    shells: IntArray,
    n: int,
    areal: bool,
    place: tuple[int, int, int],
    most: int,
) -> CellParts:
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    vertices = np.ascontiguousarray(coordinates)
    starts = np.searchsorted(ring, np.arange(len(rings) + 1)).astype(np.int64)
    features = np.searchsorted(ring_owner, np.arange(n + 1)).astype(np.int64)
    kinds, measures = np.empty(n, np.int64), np.empty(n)
    at = addresses_of(vertices, starts, shells, features)
    lists = Lists(at[0], at[1], at[2], at[3], AREAS if areal else LINES)
    written = Written(*addresses_of(kinds, measures))

    def work(first: int, last: int) -> Found:
        def share(f: int, n: int, address: int) -> tuple[int, int]:
            task = Task(*place, False, True, address, most)
            after: tuple[int, int] = ragged_in_cells(lists, f, last, task, n, written)
            return after

        with workspace() as mine:
            return mine.found_by(share, first, last)

    parts = join_parts(in_blocks(work, block_bounds(starts[features], _VERTICES_AT_ONCE)))
    large = np.flatnonzero(kinds == TOO_LARGE)
    if large.size:
        refuse_too_large(f"{large[0]}", float(measures[large[0]]), place[2], most)
    wrong = np.flatnonzero(kinds == NOT_METRES)
    if wrong.size:
        raise GeometryError(
            f"Feature {wrong[0]} has a coordinate that is no finite metre below {MAX_COORDINATE_M:g}; metres in the "
            "region's CRS were expected."
        )
    return parts


def _together(parts: CellParts, owners: IntArray) -> CellParts:
    """Parts of several features added up for whom they belong to."""
    owner = owners[parts.owner].astype(np.int64)
    order = np.lexsort((parts.col, parts.row, owner))
    if not order.size:
        return parts
    owner, row, col = owner[order], parts.row[order], parts.col[order]
    new = np.ones(order.size, dtype=bool)
    new[1:] = (owner[1:] != owner[:-1]) | (row[1:] != row[:-1]) | (col[1:] != col[:-1])
    starts = np.flatnonzero(new)
    return CellParts(owner[starts], row[starts], col[starts], np.add.reduceat(parts.amount[order], starts))
