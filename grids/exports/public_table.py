"""One public table as every export reads it: in pieces that fit in memory, with polygons, in the table's order."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from grids.columns import Column, ColumnTable
from grids.edition import Edition
from grids.manifest import Collection
from grids.memory import give_back
from grids.projections import LONLAT, transformer
from grids.tables import COVERING, GEOMETRY, Geometries

PIECE = 16_384
"""Rows held in memory at once: four row groups of a public table, with a polygon of some kilobyte each."""

_WINDOW = 256
"""Cells to a side of what a raster writer holds at once."""

_NO_BANDS = ("row", "col", "year")
"""Numbers that a raster says by where a value stands."""


@dataclass(frozen=True)
class Window:
    """Cells of a rectangle of a raster.

    Attributes:
        bottom, left: its lowest row and column, counted from the raster's own lowest row and column.
        height, width: its rows and columns.
        rows: the table's rows that lie in it.
        up, right: (n,) where each of them stands in it, rows northward and columns eastward.
    """

    bottom: int
    left: int
    height: int
    width: int
    rows: pa.Table
    up: NDArray[np.int32]
    right: NDArray[np.int32]

    def spread(self, name: str) -> NDArray[np.float64]:
        """Return a column as a (height, width) picture, south first; NaN where it is unknown or no row stands."""
        picture = np.full((self.height, self.width), np.nan)
        picture[self.up, self.right] = self.rows[name].cast(pa.float64()).to_numpy()
        return picture


@dataclass(frozen=True)
class Extent:
    """The least rectangle of cells that holds all rows of some tables, in cells from the grid's origin."""

    bottom: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class PublicTable:
    """A collection's table of one year.

    Attributes:
        edition: the edition it belongs to.
        collection: what the manifest says of the collection.
        year: one of its years.
        dictionary: what the columns mean.
    """

    edition: Edition
    collection: Collection
    year: int
    dictionary: ColumnTable

    @property
    def count(self) -> int:
        """Rows of the table."""
        return self.collection.tables[self.year].rows

    @property
    def columns(self) -> list[Column]:
        """Its columns, described, in the table's order."""
        return [self.dictionary.describe(name) for name in self.collection.columns]

    @property
    def bands(self) -> list[Column]:
        """The columns that are numbers or truth values and that a raster can show."""
        return [column for column in self.columns if column.type != "string" and column.name not in _NO_BANDS]

    def pieces(self) -> Iterator[tuple[pa.Table, Geometries]]:
        """Yield all rows in the table's order, PIECE at a time (one empty piece of none), with their polygons."""
        for offset in range(0, max(self.count, 1), PIECE):
            rows = self.edition.page(self.collection.id, self.year, offset=offset, limit=PIECE, keep=False).rows
            polygons = self.edition.polygons(self.collection.id, rows)
            yield rows.drop_columns([name for name in (GEOMETRY, COVERING) if name in rows.column_names]), polygons

    @cached_property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """Least x, least y, greatest x, greatest y of its polygons in the region's CRS; none of an empty table."""
        if not self.count:
            return None
        if self.collection.kind == "grid":
            return cell_bounds(self.collection, self.extent)
        bounds = [shapely.total_bounds(polygons) for _, polygons in self.pieces()]
        west, south = np.min([box[:2] for box in bounds], axis=0).tolist()
        east, north = np.max([box[2:] for box in bounds], axis=0).tolist()
        return west, south, east, north

    @cached_property
    def _cells(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """(rows,) row and column of every cell."""
        row, col = np.empty(self.count, dtype=np.int32), np.empty(self.count, dtype=np.int32)
        begin = 0
        for rows in self.edition.walk(self.collection.id, self.year, ["row", "col"]):
            part = slice(begin, begin + len(rows))
            row[part], col[part] = rows["row"].to_numpy(), rows["col"].to_numpy()
            begin += len(rows)
        return row, col

    @property
    def extent(self) -> Extent:
        """The rectangle of cells that holds all rows of a grid's table; it must have some."""
        row, col = self._cells
        return Extent(int(row.min()), int(col.min()), int(row.max() - row.min()) + 1, int(col.max() - col.min()) + 1)

    def windows(self, extent: Extent) -> Iterator[Window]:
        """Yield the parts of an extent that hold rows, from the south-west, row by row.

        Args:
            extent: its own, or a wider one that several years share.
        """
        if not self.count:
            return
        row, col = self._cells
        window = (row - extent.bottom) // _WINDOW * (extent.width // _WINDOW + 1) + (col - extent.left) // _WINDOW
        order = np.argsort(window, kind="stable")
        ends = np.cumsum(np.unique(window, return_counts=True)[1])
        del window
        give_back()  # some numbers for each row were held
        names = [column.name for column in self.bands]
        for positions in np.split(order, ends[:-1]):
            up, right = row[positions] - extent.bottom, col[positions] - extent.left
            bottom, left = (int(values[0]) // _WINDOW * _WINDOW for values in (up, right))
            yield Window(
                bottom,
                left,
                min(_WINDOW, extent.height - bottom),
                min(_WINDOW, extent.width - left),
                self.edition.rows(self.collection.id, self.year, positions, names),
                up - bottom,
                right - left,
            )

    def centres(self, polygons: Geometries) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (n,) longitudes and latitudes of a point within each polygon: the centre of a cell or hexagon."""
        points = shapely.point_on_surface(polygons) if self.collection.kind == "zones" else shapely.centroid(polygons)
        lon, lat = transformer(self.edition.crs, LONLAT).transform(shapely.get_x(points), shapely.get_y(points))
        return np.asarray(lon), np.asarray(lat)


def cell_bounds(collection: Collection, extent: Extent) -> tuple[float, float, float, float]:
    """Return west, south, east, north of an extent in metres: exact, since origin and size are whole metres."""
    assert collection.origin_m is not None
    assert collection.cell_size_m is not None
    size, (east, north) = collection.cell_size_m, collection.origin_m
    west, south = east + extent.left * size, north + extent.bottom * size
    return float(west), float(south), float(west + extent.width * size), float(south + extent.height * size)


def joined_extent(extents: list[Extent]) -> Extent:
    """Return the least extent that holds all of them."""
    bottom, left = min(each.bottom for each in extents), min(each.left for each in extents)
    top = max(each.bottom + each.height for each in extents)
    right = max(each.left + each.width for each in extents)
    return Extent(bottom, left, top - bottom, right - left)


def north_up(collection: Collection, extent: Extent) -> tuple[float, float, float, float, float, float]:
    """Return the affine coefficients (a, b, c, d, e, f) of a picture of an extent with north at the top; exact."""
    size = float(collection.cell_size_m or 0)
    west, _, _, north = cell_bounds(collection, extent)
    return size, 0.0, west, 0.0, -size, north
