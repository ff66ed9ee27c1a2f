"""Straight edges cut at the lines of a regular grid: the one kernel under every share of a grid.

The areas come from the edges alone, as a glyph is filled: an edge that rises by `dy` inside a cell adds the area
between itself and the cell's right border, and `dy x size` to every cell further right in that row. Summed over a
closed ring, that is the exact area of the ring in each cell, at a cost of vertices + crossings + cells covered,
whatever the size of the polygon. Which cell an edge passes is counted from the borders it crosses, never asked of a
rounded coordinate; heights are summed as integers, so that what a ring adds to a row is taken away again to the last
bit, and no cell beyond it is touched.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.errors import GeometryError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

MAX_COORDINATE_M = 1e8  # beyond it nothing is metres of this planet, and heights would no longer fit 64 bits
_UNITS_PER_M = 2.0**36  # heights as integers of 15 pm: finer than float64 resolves any coordinate above 65 km


@dataclass(frozen=True)
class CellParts:
    """What each owner has in each cell: (n,) arrays ordered by owner, row and column; `amount` in m2 or m."""

    owner: IntArray
    row: IntArray
    col: IntArray
    amount: FloatArray


@dataclass(frozen=True)
class _Pieces:
    """Edges cut at the grid's lines: each piece's edge, cell, fraction of the edge, and what it adds to areas."""

    edge: IntArray
    row: IntArray
    col: IntArray
    fraction: FloatArray
    rise: IntArray
    area_right: FloatArray


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


def polygon_areas(
    polygons: GeometryArray, origin: tuple[int, int], size: int, owners: IntArray | None = None
) -> CellParts:
    """Exact area of polygons in the cells of a grid.

    Args:
        polygons: (n,) polygons or multipolygons, valid up to spikes; rings may turn either way. Empty ones have no
            part.
        origin: (east, north) of the grid, whole metres.
        size: side of a cell, whole metres.
        owners: (n,) whom each polygon belongs to, if their areas are wanted together; else each is its own.

    Returns:
        m2 per owner and cell. Cells that a border only touches may appear with 0 or with rounding noise (about 1e-16
        of the cell); a polygon that crosses itself may have negative ones.
    """
    edge_owner, x0, y0, x1, y1, sign = _ring_edges(polygons)
    if owners is not None:
        edge_owner = owners[edge_owner]
    pieces = _cut(x0, y0, x1, y1, origin, size)
    owner = edge_owner[pieces.edge]
    turn = sign[pieces.edge]
    order, starts = _groups(owner, pieces.row, pieces.col)
    if not starts.size:
        return _no_parts()
    first = order[starts]
    owner, row, col = owner[first], pieces.row[first], pieces.col[first]
    rise = np.add.reduceat((pieces.rise * turn)[order], starts)
    area = np.add.reduceat((pieces.area_right * turn)[order], starts)
    # Within a row, a ring's rises add to exactly 0, so one running sum serves all rows of all owners.
    after = np.cumsum(rise)
    area += size * ((after - rise) / _UNITS_PER_M)
    # A cell between two that the border passes in a row holds what stands open: all of it, or part of its height.
    same_row = (owner[1:] == owner[:-1]) & (row[1:] == row[:-1])
    gap = np.where(same_row & (after[:-1] != 0), col[1:] - col[:-1] - 1, 0)
    left, step = _counted(gap)
    inner = CellParts(owner[left], row[left], col[left] + 1 + step, size * (after[left] / _UNITS_PER_M))
    return _ordered(
        np.concatenate((owner, inner.owner)),
        np.concatenate((row, inner.row)),
        np.concatenate((col, inner.col)),
        np.concatenate((area, inner.amount)),
    )


def line_lengths(lines: GeometryArray, origin: tuple[int, int], size: int) -> CellParts:
    """Exact length of lines in half-open cells; a line along a border belongs to the cell above or right of it.

    Args:
        lines: (n,) lines, rings or multilines.
        origin: (east, north) of the grid, whole metres.
        size: side of a cell, whole metres.

    Returns:
        m per line and cell.
    """
    parts, part_owner = shapely.get_parts(lines, return_index=True)
    coordinates, part = shapely.get_coordinates(parts, return_index=True)
    x0, y0, x1, y1, keep = _edges(coordinates, part)
    pieces = _cut(x0, y0, x1, y1, origin, size)
    owner = part_owner[part[:-1][keep]][pieces.edge]
    length = np.hypot(x1 - x0, y1 - y0)[pieces.edge] * pieces.fraction
    order, starts = _groups(owner, pieces.row, pieces.col)
    if not starts.size:
        return _no_parts()
    first = order[starts]
    return CellParts(owner[first], pieces.row[first], pieces.col[first], np.add.reduceat(length[order], starts))


def _no_parts() -> CellParts:
    none = np.zeros(0, dtype=np.int64)
    return CellParts(none, none, none, np.zeros(0))


def _groups(owner: IntArray, row: IntArray, col: IntArray) -> tuple[IntArray, IntArray]:
    """The stable order by owner, row and column, and where each group of equal ones starts."""
    order = np.lexsort((col, row, owner))
    if not order.size:
        return order, order
    new = np.ones(order.size, dtype=bool)
    for key in (owner[order], row[order], col[order]):
        new[1:] &= key[1:] == key[:-1]
    new[1:] = ~new[1:]
    return order, np.flatnonzero(new)


def _ordered(owner: IntArray, row: IntArray, col: IntArray, amount: FloatArray) -> CellParts:
    order = np.lexsort((col, row, owner))
    return CellParts(owner[order], row[order], col[order], amount[order])


def _edges(
    coordinates: FloatArray, part: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]:
    """Edges between consecutive vertices of one part, without those of no length; and which pairs they are."""
    same = part[1:] == part[:-1]
    moved = (coordinates[1:] != coordinates[:-1]).any(axis=1)
    keep = same & moved
    start, end = coordinates[:-1][keep], coordinates[1:][keep]
    return start[:, 0], start[:, 1], end[:, 0], end[:, 1], keep


def _ring_edges(
    polygons: GeometryArray,
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray, IntArray]:
    """Edges of all rings: owner, ends, and the sign with which a rising edge opens (-1: closes) area to its right.

    A shell opens area where it goes down if it turns counter-clockwise, a hole the other way round. The turn is taken
    from the signed area rather than from the topmost corner, which a spike can mislead.
    """
    parts, part_owner = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    is_shell = np.ones(ring_part.size, dtype=bool)
    is_shell[1:] = ring_part[1:] != ring_part[:-1]
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    x0, y0, x1, y1, keep = _edges(coordinates, ring)
    edge_ring = ring[:-1][keep]
    base = coordinates[np.searchsorted(ring, np.arange(ring_part.size))] if ring.size else np.zeros((0, 2))
    bx, by = base[edge_ring, 0], base[edge_ring, 1]
    doubled = (x0 - bx) * (y1 - by) - (x1 - bx) * (y0 - by)
    signed = np.bincount(edge_ring, weights=doubled, minlength=ring_part.size)
    sign = np.where((signed > 0) == is_shell, -1, 1).astype(np.int64)
    return part_owner[ring_part[edge_ring]], x0, y0, x1, y1, sign[edge_ring]


def _cut(x0: FloatArray, y0: FloatArray, x1: FloatArray, y1: FloatArray, origin: tuple[int, int], size: int) -> _Pieces:
    """Cut edges at the grid's lines. Each is cut from its left (then lower) end, so that both directions cut alike."""
    backward = (x1 < x0) | ((x1 == x0) & (y1 < y0))
    ends = _Ends(
        ax=np.where(backward, x1, x0),
        ay=np.where(backward, y1, y0),
        bx=np.where(backward, x0, x1),
        by=np.where(backward, y0, y1),
    )
    # An end on a line may add a piece of no length beyond it, which weighs nothing.
    col, row = cell_index(ends.ax, origin[0], size), cell_index(ends.ay, origin[1], size)
    n_x = cell_index(ends.bx, origin[0], size) - col
    n_y = np.abs(cell_index(ends.by, origin[1], size) - row)

    whole = np.flatnonzero(n_x + n_y == 0)
    cut = np.flatnonzero(n_x + n_y)
    points = _points(ends.take(cut), col[cut], row[cut], n_x[cut], n_y[cut], origin, size)
    this = np.flatnonzero(~points.last)
    after = this + 1
    edge = np.concatenate((whole, cut[points.edge[this]]))
    piece_row = np.concatenate((row[whole], points.row[this]))
    piece_col = np.concatenate((col[whole], points.col[this]))
    from_west = np.concatenate(
        (
            (ends.ax[whole] - (origin[0] + col[whole] * size)) + (ends.bx - ends.ax)[whole] / 2,
            (points.x_leaving[this] + points.x_arriving[after]) / 2,
        )
    )
    rise = np.concatenate(
        (_height(ends.by[whole]) - _height(ends.ay[whole]), points.height[after] - points.height[this])
    )
    rise = np.where(backward[edge], -rise, rise)
    return _Pieces(
        edge=edge,
        row=piece_row,
        col=piece_col,
        fraction=np.concatenate((np.ones(whole.size), points.t[after] - points.t[this])),
        rise=rise,
        area_right=(rise / _UNITS_PER_M) * (size - from_west),
    )


@dataclass(frozen=True)
class _Ends:
    """Ends of edges, (n,) each: `a` the left one."""

    ax: FloatArray
    ay: FloatArray
    bx: FloatArray
    by: FloatArray

    def take(self, which: IntArray) -> "_Ends":
        return _Ends(self.ax[which], self.ay[which], self.bx[which], self.by[which])


@dataclass(frozen=True)
class _Points:
    """Ends and crossings in order along each edge, with the row and column of the piece that follows each.

    `x_arriving` counts from the west of the cell before, `x_leaving` from the west of the cell after: only that close
    to the cell does float64 leave a small building at a large northing its area to twelve digits. `height` is in
    integer units.
    """

    edge: IntArray
    t: FloatArray
    x_arriving: FloatArray
    x_leaving: FloatArray
    height: IntArray
    row: IntArray
    col: IntArray
    last: NDArray[np.bool_]


_START, _ON_COLUMN_LINE, _ON_ROW_LINE, _END = range(4)


def _points(
    ends: _Ends, col: IntArray, row: IntArray, n_x: IntArray, n_y: IntArray, origin: tuple[int, int], size: int
) -> _Points:
    """Ends and crossings of edges that start in (col, row) and cross n_x column lines and n_y row lines."""
    every = np.arange(ends.ax.size)
    up = ends.by >= ends.ay
    ex, nth = _counted(n_x)
    line_x = (origin[0] + (col[ex] + 1 + nth) * size).astype(np.float64)
    t_x = (line_x - ends.ax[ex]) / (ends.bx - ends.ax)[ex]
    ey, nth = _counted(n_y)
    line_y = (origin[1] + np.where(up[ey], row[ey] + 1 + nth, row[ey] - nth) * size).astype(np.float64)
    t_y = (line_y - ends.ay[ey]) / (ends.by - ends.ay)[ey]

    edge = np.concatenate((every, ex, ey, every))
    t = np.concatenate((np.zeros(every.size), t_x, t_y, np.ones(every.size)))
    kind = np.repeat([_START, _ON_COLUMN_LINE, _ON_ROW_LINE, _END], [every.size, ex.size, ey.size, every.size])
    # Ends stay outermost even where the t of a crossing rounded to 0 or 1.
    outer = (kind == _END).astype(np.int8) - (kind == _START).astype(np.int8)
    order = np.lexsort((kind, t, outer, edge))
    edge, t, kind = edge[order], t[order], kind[order]

    passed_x = np.cumsum(kind == _ON_COLUMN_LINE) - (np.cumsum(n_x) - n_x)[edge]
    passed_y = np.cumsum(kind == _ON_ROW_LINE) - (np.cumsum(n_y) - n_y)[edge]
    col = col[edge] + passed_x
    row = row[edge] + np.where(up[edge], passed_y, -passed_y)
    west, south = origin[0] + col * size, origin[1] + row * size
    # The free coordinate of a crossing may round out of its cell by an ulp; the lines counted are what holds.
    x = np.where(kind == _END, ends.bx[edge] - west, (ends.ax[edge] - west) + t * (ends.bx - ends.ax)[edge])
    x = np.where(kind == _ON_COLUMN_LINE, 0.0, np.clip(x, 0.0, size))
    y = np.clip((ends.ay[edge] - south) + t * (ends.by - ends.ay)[edge], 0.0, size)
    row_line = np.where(up[edge], south, south + size)  # a row line is passed into the row that follows
    height = np.where(kind == _ON_ROW_LINE, _height(row_line), _height(south) + _height(y))
    height = np.where(kind == _START, _height(ends.ay[edge]), height)
    height = np.where(kind == _END, _height(ends.by[edge]), height)
    arriving = np.where(kind == _ON_COLUMN_LINE, float(size), x)
    return _Points(edge, t, arriving, x, height, row, col, kind == _END)


def _height(metres: FloatArray | IntArray) -> IntArray:
    """Metres as whole units of height; exact for the whole metres of a grid's lines."""
    units: IntArray = np.rint(np.asarray(metres, np.float64) * _UNITS_PER_M).astype(np.int64)
    return units


def _counted(counts: IntArray) -> tuple[IntArray, IntArray]:
    """For counts (2, 0, 3): owners (0, 0, 2, 2, 2) and ordinals (0, 1, 0, 1, 2)."""
    owner = np.repeat(np.arange(counts.size), counts)
    return owner, np.arange(owner.size) - np.repeat(np.cumsum(counts) - counts, counts)
