"""A regular grid of square cells in a region's metric CRS: unbounded, half open, nested.

A cell holds `[x, x + s) x [y, y + s)`. Rows count cells northward and columns eastward from the grid's origin; both
may be negative. Sizes and origins are whole metres, so that corners are exact in float64 and grids of one region nest
exactly.
"""

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

from grids.areas import geodesic_area_ha
from grids.blocks import in_blocks
from grids.cell_index import CellIndex, keys_of
from grids.codes import Scheme, cell_codes, check_code_grid
from grids.crossings import cell_index
from grids.errors import GridError, NotNestedError
from grids.ring_kernels import MAX_COORDINATE_M

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_LATTICE_M = 1000
_CELLS_AT_ONCE = 1 << 17


@dataclass(frozen=True)
class Grid:
    """One grid.

    Attributes:
        crs: projected CRS in metres, as given by the region (`EPSG:5179`).
        origin_m: (east, north) of the corner from which rows and columns count, whole metres, a multiple of the size.
        size_m: side of the cells, whole metres.
        scheme: which cell codes its cells bear, `korea` or `inspire`.

    Raises:
        GridError: a geographic CRS or one not in metres, a size or origin that is not whole metres, no codes for such
            cells.
    """

    crs: str
    origin_m: tuple[int, int]
    size_m: int
    scheme: Scheme

    def __post_init__(self) -> None:
        if isinstance(self.size_m, bool) or self.size_m != int(self.size_m) or self.size_m <= 0:
            raise GridError(f"A grid of {self.size_m} m cells was asked for; whole metres above 0 were expected.")
        if len(self.origin_m) != 2 or any(value != int(value) for value in self.origin_m):
            raise GridError(f"The grid's origin {self.origin_m} was expected as two whole metres, east and north.")
        object.__setattr__(self, "size_m", int(self.size_m))
        object.__setattr__(self, "origin_m", (int(self.origin_m[0]), int(self.origin_m[1])))
        check_metric(self.crs)
        check_code_grid(self.scheme, self.crs, self.origin_m, self.size_m)

    def rows_cols(self, x: ArrayLike, y: ArrayLike) -> tuple[IntArray, IntArray]:
        """Rows and columns of the cells that hold the places (n,), metres; a border belongs to the cell beyond it.

        Raises:
            GridError: a coordinate that is not finite metres.
        """
        places = np.broadcast_arrays(np.atleast_1d(np.asarray(x, np.float64)), np.atleast_1d(np.asarray(y, np.float64)))
        if not all((np.abs(values) <= MAX_COORDINATE_M).all() for values in places):
            raise GridError(
                f"A place with a coordinate that is no number, or beyond {MAX_COORDINATE_M:g} m, lies in no cell; "
                "metres in the grid's CRS were expected."
            )
        col = cell_index(places[0], self.origin_m[0], self.size_m)
        return cell_index(places[1], self.origin_m[1], self.size_m), col

    def corners(self, rows: ArrayLike, cols: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Lower left corners (x, y) of cells, metres; exact."""
        row, col = _indices(rows, cols)
        x = self.origin_m[0] + col * self.size_m
        y = self.origin_m[1] + row * self.size_m
        return x.astype(np.float64), y.astype(np.float64)

    def cell_polygons(self, rows: ArrayLike, cols: ArrayLike) -> NDArray[np.object_]:
        """The cells' squares as polygons in the grid's CRS, counter-clockwise."""
        x, y = self.corners(rows, cols)
        return np.asarray(shapely.box(x, y, x + self.size_m, y + self.size_m), dtype=np.object_)

    def codes(self, rows: ArrayLike, cols: ArrayLike) -> NDArray[np.str_]:
        """The cells' codes.

        Raises:
            CellCodeError: a cell outside the range of its scheme.
        """
        row, col = _indices(rows, cols)
        east, north = self.origin_m[0] + col * self.size_m, self.origin_m[1] + row * self.size_m
        return cell_codes(self.scheme, self.crs, east, north, self.size_m)

    def zorder(self, rows: ArrayLike, cols: ArrayLike) -> NDArray[np.uint64]:
        """Keys along the Z-order (Morton) curve: near keys lie near each other; children keep their parents' order.

        Raises:
            GridError: a row or column beyond 2^31 cells.
        """
        return keys_of(rows, cols)

    def check_nests_in(self, coarser: "Grid") -> None:
        """Refuse a coarser grid whose cells are not whole blocks of this grid's.

        Raises:
            NotNestedError: other CRS, a size that is no whole multiple, or a shifted origin.
        """
        if pyproj.CRS.from_user_input(self.crs) != pyproj.CRS.from_user_input(coarser.crs):
            raise NotNestedError(
                f"A grid in {self.crs} does not nest in one in {coarser.crs}; grids of one region share its CRS."
            )
        if coarser.size_m % self.size_m:
            raise NotNestedError(
                f"Cells of {self.size_m} m do not nest in cells of {coarser.size_m} m; each size must be a whole "
                "multiple of the next finer one."
            )
        if any((a - b) % self.size_m for a, b in zip(coarser.origin_m, self.origin_m, strict=True)):
            raise NotNestedError(
                f"The {self.size_m} m grid counts from {self.origin_m}, the {coarser.size_m} m grid from "
                f"{coarser.origin_m}: their borders never meet. Give both the same origin."
            )

    def geodesic_area_ha(self, rows: ArrayLike, cols: ArrayLike) -> FloatArray:
        """Area of cells on the ellipsoid, hectares; differs from the square's planar area by the projection's scale.

        Measured on a lattice of cells 1 km apart, anchored at the origin, and interpolated in between: a
        projection's scale bends so little there that the rest is below 1e-8 of the area.
        """
        row, col = _indices(rows, cols)
        if not row.size:
            return np.zeros(0)
        step = max(_LATTICE_M // self.size_m, 1)
        bounds = np.append(np.arange(0, row.size, _CELLS_AT_ONCE), row.size)
        spans = [slice(*span) for span in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
        lattice = CellIndex((row[span] // step, col[span] // step) for span in spans)
        i, j = (along.astype(np.int64) for along in lattice.cells())
        corners = [(i + di, j + dj) for di in (0, 1) for dj in (0, 1)]
        nodes = CellIndex(corners)
        node_row, node_col = (along.astype(np.int64) * step for along in nodes.cells())
        measured = geodesic_area_ha(self.cell_polygons(node_row, node_col), self.crs)
        at_corners = [measured[nodes.places(*corner)] for corner in corners]
        area = np.empty(row.size)

        def work(first: int, last: int) -> None:
            here = slice(first, last)
            up, right = (row[here] % step) / step, (col[here] % step) / step
            place = lattice.places(row[here] // step, col[here] // step)
            below_left, below_right, above_left, above_right = (corner[place] for corner in at_corners)
            below = below_left * (1 - right) + below_right * right
            above = above_left * (1 - right) + above_right * right
            area[here] = below * (1 - up) + above * up

        for _ in in_blocks(work, bounds):
            pass
        return area

    def parent(self, rows: ArrayLike, cols: ArrayLike, coarser: "Grid") -> tuple[IntArray, IntArray]:
        """Rows and columns, in the coarser grid, of the cells that hold these.

        Raises:
            NotNestedError: see `check_nests_in`.
        """
        self.check_nests_in(coarser)
        row, col = _indices(rows, cols)
        east, north = self.origin_m[0] + col * self.size_m, self.origin_m[1] + row * self.size_m
        return (north - coarser.origin_m[1]) // coarser.size_m, (east - coarser.origin_m[0]) // coarser.size_m


def check_metric(crs: str) -> pyproj.CRS:
    """The CRS, if it is projected and in metres.

    Raises:
        GridError: unknown, geographic, or in another unit.
    """
    try:
        known = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise GridError(
            f"The CRS {crs!r} is unknown; a projected CRS in metres such as EPSG:32632 was expected."
        ) from error
    if not known.is_projected:
        raise GridError(
            f"{crs} ({known.name}) counts in degrees; a grid needs a projected CRS in metres, e.g. the region's UTM "
            "zone."
        )
    units = {axis.unit_name for axis in known.axis_info}
    if any(abs(axis.unit_conversion_factor - 1) > 1e-12 for axis in known.axis_info):
        raise GridError(
            f"{crs} ({known.name}) counts in {', '.join(sorted(units))}; a grid needs a projected CRS in metres."
        )
    return known


def _indices(rows: ArrayLike, cols: ArrayLike) -> tuple[IntArray, IntArray]:
    row, col = np.atleast_1d(np.asarray(rows)).astype(np.int64), np.atleast_1d(np.asarray(cols)).astype(np.int64)
    if row.shape != col.shape:
        raise GridError(f"{row.size} rows and {col.size} columns were given; each cell needs one of both.")
    return row, col
