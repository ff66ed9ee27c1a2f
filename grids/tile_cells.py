"""Cells of a grid put on a tile's lattice: the projection once for a few places, the rest by polynomials.

From one projection to another, squares bend so evenly over a tile that 8 x 8 Chebyshev nodes give corners to a
billionth of a tile's unit; how well is measured at other places each time. Corners that rounding could put on either
of two lattice points by that much, and tiles where the polynomials do not suffice (the world at zoom 0), go corner by
corner through the projection. So the lattice is the same as if all did.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from grids.chunks import Columns, places
from grids.manifest import Bbox, CollectionInfo
from grids.mvt import EXTENT, POLYGON, TileGeometry
from grids.places import cell_corners
from grids.projections import MERCATOR, transformer
from grids.quantising import no_polygons, oriented, quantise
from grids.tile_cell_kernels import MOST_CORNERS, lay_corners, put_cells
from grids.tile_squares import BUFFER, Tile

FloatArray = NDArray[np.float64]
Integers = NDArray[np.int64]

_TERMS = 8
_SURE = 1e-4  # tile units: polynomials off by more than this are not used
_SAFETY = 100  # how much farther off corners may be than where it was measured
_FEW_CORNERS = 4096  # are laid in less time than it takes to see whether that helps
_ROUNDING = 1e-7  # tile units: where the projection's own last digits may decide
_KEPT_UNITS = -float(BUFFER), float(EXTENT + BUFFER)  # of the tile, what is drawn


def _polynomials(places: FloatArray) -> FloatArray:
    """(n, terms) Chebyshev polynomials at (n,) places from -1 to 1."""
    return np.asarray(np.cos(np.outer(np.arccos(places), np.arange(_TERMS))))


_NODES = np.cos(np.pi * (np.arange(_TERMS) + 0.5) / _TERMS)
_BETWEEN = np.cos(np.pi * np.arange(_TERMS + 1) / _TERMS)  # farthest from the nodes, and the ends
_ALONG = np.concatenate([_NODES, _BETWEEN])
_GRIDS = [np.indices((n, n)).reshape(2, -1) + first for n, first in ((_TERMS, 0), (_TERMS + 1, _TERMS))]
_ROW_OF, _COL_OF = np.concatenate(_GRIDS, axis=1)
_TO_TERMS = _polynomials(_NODES).T * (2 / _TERMS)  # values at the nodes to terms
_TO_TERMS[0] /= 2
_AT_BETWEEN = _polynomials(_BETWEEN)


@dataclass(frozen=True)
class Lattice:
    """Corners of the cells of a window in tile units, as polynomials of row and column.

    A corner is the sum over all terms of its row's, x and y, times its column's.

    Attributes:
        window: first and last row, first and last column of cells.
        row_terms: (rows + 1, terms, 2).
        col_terms: (columns + 1, terms).
        doubt: tile units; corners are nearer to their true places than this.
    """

    window: tuple[int, int, int, int]
    row_terms: FloatArray
    col_terms: FloatArray
    doubt: float

    @classmethod
    def of(cls, tile: Tile, crs: str, origin_m: tuple[float, float], size_m: float, box: Bbox) -> "Lattice | None":
        """Lay polynomials over the cells of a grid that meet a box in its CRS; None where they would not suffice."""
        first_col, first_row = (int((box[k] - origin_m[k]) // size_m) for k in (0, 1))
        last_col, last_row = (int((box[k + 2] - origin_m[k]) // size_m) for k in (0, 1))
        cols, rows = last_col - first_col + 2, last_row - first_row + 2
        # Metres of nodes, then of places between: columns run east, rows north.
        east, north = (
            origin + size_m * (first + (corners - 1) / 2 * (1 + _ALONG))
            for origin, first, corners in zip(origin_m, (first_col, first_row), (cols, rows), strict=True)
        )
        units = tile.units(np.column_stack(transformer(crs, MERCATOR).transform(east[_COL_OF], north[_ROW_OF])))
        if not np.isfinite(units).all():
            return None
        nodes, between = units[: _TERMS**2].T, units[_TERMS**2 :].T
        terms = _TO_TERMS @ nodes.reshape(2, _TERMS, _TERMS) @ _TO_TERMS.T  # (x and y, of rows, of columns)
        count = _needed(terms)
        terms = terms[:, :count, :count]
        told = _AT_BETWEEN[:, :count] @ terms @ _AT_BETWEEN[:, :count].T
        error = float(np.abs(told - between.reshape(told.shape)).max())
        if error > _SURE:
            return None
        row_terms = np.ascontiguousarray(np.moveaxis(_at(rows, count) @ terms, 0, 2))
        doubt = max(_SAFETY * error, _ROUNDING)
        return cls((first_row, last_row, first_col, last_col), row_terms, _at(cols, count), doubt)

    def corners(self, most: int) -> Integers:
        """All corners of the window on the lattice, see `lay_corners`; none if they are many and more than `most`."""
        if len(self.row_terms) * len(self.col_terms) > max(most, _FEW_CORNERS):
            return np.empty((0, 0, 2), dtype=np.int64)
        return self._laid

    @cached_property
    def _laid(self) -> Integers:
        corners = np.empty((len(self.row_terms), len(self.col_terms), 2), dtype=np.int64)
        lay_corners(self.row_terms, self.col_terms, self.doubt, _KEPT_UNITS, corners)
        return corners


_lattice_of = lru_cache(maxsize=64)(Lattice.of)
"""Years, columns, sectors and editions of a grid have the same cells: a place that was drawn is drawn again.

The corners of a tile of 6,500 cells are 110 kB, those of the largest 500.
"""


def cells(tile: Tile, crs: str, info: CollectionInfo, columns: Columns, box: Bbox) -> TileGeometry:
    """Quantise the cells of a table that meet a box.

    Args:
        tile: where they are drawn.
        crs: the region's.
        info: the table's collection, a grid.
        columns: `row` and `col` of n rows.
        box: metres in the region's CRS; it holds the tile with its buffer.
    """
    count = int(columns.starts[-1])
    if not count:
        return no_polygons()
    assert info.origin_m is not None, "a grid has an origin"
    assert info.cell_size_m is not None, "and a size"
    lattice = _lattice_of(tile, crs, info.origin_m, float(info.cell_size_m), box)
    if lattice is None:
        return exact_cells(tile, crs, info, columns, _within(info, columns, box))
    points = np.empty((8 * count, 2), dtype=np.int64)
    sizes, drawn, doubtful = (np.empty(count, dtype=np.int64) for _ in range(3))
    rings, ends, doubts = put_cells(
        places([columns.chunks["row"], columns.chunks["col"]]),
        columns.starts,
        lattice.window,
        lattice.row_terms,
        lattice.col_terms,
        lattice.corners(2 * count),  # to lay one costs a fraction of what a cell does otherwise
        lattice.doubt,
        _KEPT_UNITS,
        points,
        sizes,
        drawn,
        doubtful,
        np.empty((2, MOST_CORNERS, 2)),
    )
    sure = TileGeometry(POLYGON, points[:ends], sizes[:rings], drawn[:rings])
    return _merged(sure, exact_cells(tile, crs, info, columns, doubtful[:doubts])) if doubts else sure


def exact_cells(tile: Tile, crs: str, info: CollectionInfo, columns: Columns, rows: Integers) -> TileGeometry:
    """Quantise some cells with every corner through the projection; those on the tile's edge take the general way."""
    if not len(rows):
        return no_polygons()
    whole = pa.table({name: pa.chunked_array([c.array for c in columns.chunks[name]]) for name in ("row", "col")})
    corners, where = cell_corners(info, whole.take(pa.array(rows)))
    quads = np.column_stack(transformer(crs, MERCATOR).transform(corners[:, 0], corners[:, 1]))[where]
    units = tile.units(quads)
    inside = (units >= -BUFFER) & (units <= EXTENT + BUFFER)
    plain = np.logical_and.reduce(inside.reshape(len(units), -1), axis=1)
    lattice = np.floor(np.where(plain[:, None, None], units, 0.0) + 0.5).astype(np.int64)
    plain &= (lattice != np.roll(lattice, 1, axis=1)).any(axis=2).all(axis=1) & (_twice_area(lattice) != 0)
    others = np.flatnonzero(~plain)
    edge = quantise(tile, np.asarray(shapely.polygons(quads[others]), dtype=object), POLYGON)
    inner = np.flatnonzero(plain)
    sizes = np.full(len(inner), 4, dtype=np.int64)
    points = oriented(lattice[inner].reshape(-1, 2), sizes, np.ones(len(inner), dtype=np.bool_))
    return _merged(
        TileGeometry(POLYGON, points, sizes, rows[inner]),
        TileGeometry(POLYGON, edge.points, edge.part_sizes, rows[others][edge.part_feature]),
    )


def _needed(terms: FloatArray) -> int:
    """How many terms of rows and columns carry all but a hundredth of what rounding leaves in doubt."""
    size = np.abs(terms).max(axis=0)
    kept = size.cumsum(axis=0).cumsum(axis=1).diagonal()
    sure = np.flatnonzero(kept[-1] - kept <= _ROUNDING / _SAFETY)
    return int(sure[0]) + 1 if len(sure) else _TERMS


@lru_cache(maxsize=32)
def _at(steps: int, count: int) -> FloatArray:
    """(steps, count) Chebyshev polynomials at places that run evenly from one end to the other; not to be changed.

    They are kept: the windows of a zoom have two or three sizes.
    """
    return _polynomials(np.linspace(-1, 1, steps))[:, :count].copy()


def _within(info: CollectionInfo, columns: Columns, box: Bbox) -> Integers:
    """Rows of the cells that meet a box."""
    met = np.ones(int(columns.starts[-1]), dtype=np.bool_)
    for name, axis in (("col", 0), ("row", 1)):
        assert info.origin_m is not None
        assert info.cell_size_m is not None
        steps = pa.chunked_array([chunk.array for chunk in columns.chunks[name]]).to_numpy()
        low = info.origin_m[axis] + steps * float(info.cell_size_m)
        met &= (low <= box[axis + 2]) & (low + info.cell_size_m >= box[axis])
    return np.flatnonzero(met)


def _merged(one: TileGeometry, other: TileGeometry) -> TileGeometry:
    """One polygon after the other in the table's order, wherever it came from."""
    feature = np.concatenate([one.part_feature, other.part_feature])
    sizes = np.concatenate([one.part_sizes, other.part_sizes])
    order = np.argsort(feature, kind="stable")
    starts = np.cumsum(sizes) - sizes
    moved = starts[order] - (np.cumsum(sizes[order]) - sizes[order])
    take = np.repeat(moved, sizes[order]) + np.arange(sizes.sum())
    return TileGeometry(POLYGON, np.concatenate([one.points, other.points])[take], sizes[order], feature[order])


def _twice_area(quads: Integers) -> Integers:
    following = np.roll(quads, -1, axis=1)
    cross = quads[..., 0] * following[..., 1] - following[..., 0] * quads[..., 1]
    return np.asarray(cross.sum(axis=1), dtype=np.int64)
