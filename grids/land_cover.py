"""Land cover: millions of patches in, hectares per class and target out.

A land-cover raster arrives in blocks of patches (runs of one class, reprojected). Each patch is cut to the ground
that counts, the domain without the forest map; what is left is measured in every cell and zone and forgotten. A class
is then one feature whose share in a target is its hectares there over its hectares in all: the same matrix as for
buildings, roads and stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from shapely.geometry.base import BaseGeometry

from grids.areas import geodesic_area_ha
from grids.crossings import check_coordinates, polygon_areas
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.measures import AREAS, as_features, overlay
from grids.pieces import PolygonPieces
from grids.shared_ground import shared_ground
from grids.shares import Shares
from grids.tolerances import NEGLIGIBLE
from grids.wkb import WkbColumn
from grids.zone_parts import check_polygons

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

_PATCHES_AT_ONCE = 50_000
_PENDING_AT_MOST = 2_000_000
_SCALE_TILE_M = 5_000.0  # a projection's scale varies by less than 3e-5 within it
_NO_GROUND_M2 = 1e-4  # a class with less than 1 cm2 in all is the rounding of the cut along the forest map


class ClassAreas:
    """Adds up areas per class in the cells of a grid and in zones, block by block.

    Areas are those of the ellipsoid: planar in the region's CRS, times the projection's scale near each patch.
    """

    def __init__(
        self,
        domain: BaseGeometry,
        crs: str,
        *,
        mask: GeometryArray | None = None,
        grid: Grid | None = None,
        zones: Mapping[str, GeometryArray] | None = None,
    ) -> None:
        """Prepare the ground that counts and the targets.

        Args:
            domain: valid polygon or multipolygon; nothing outside it is counted.
            crs: projected CRS of everything given.
            mask: polygons that win over the land cover (the forest map); may overlap each other and leave the domain.
            grid: the finest grid, in the same CRS; coarser ones are its block sums.
            zones: zone sets and hexagons by collection id, polygons in the order of their ids.

        Raises:
            GeometryError: a domain or zone that is no valid polygon.
            GridError: a grid in another CRS.
        """
        check_polygons(np.array([domain], dtype=np.object_), "The domain")
        if grid is not None and pyproj.CRS.from_user_input(grid.crs) != pyproj.CRS.from_user_input(crs):
            raise GridError(f"The grid is in {grid.crs} and the land cover in {crs}; one CRS was expected for both.")
        self.crs = crs
        self.grid = grid
        self._ground = PolygonPieces(np.array([_without(domain, mask)], dtype=np.object_))
        self._zones = {name: _ZoneSums(_disjoint(polygons)) for name, polygons in (zones or {}).items()}
        self._codes: list[int] = []  # classes by order of appearance; sums count by position here
        self._total = np.zeros(0)
        self._cells = _Sums()

    def add(self, geometries: GeometryArray, class_codes: NDArray[np.integer]) -> None:
        """Count a block of patches that do not overlap; nothing of it is kept but sums.

        Args:
            geometries: (n,) polygons in the CRS; edges dense enough that straight ones will do.
            class_codes: (n,) class of each.

        Raises:
            GeometryError: coordinates that are not finite metres, or something other than polygons.
        """
        patches = np.asarray(geometries, dtype=np.object_)
        codes = np.asarray(class_codes)
        if patches.shape != codes.shape:
            raise GridError(f"{patches.size} patches and {codes.size} classes were given; one each was expected.")
        for start in range(0, patches.size, _PATCHES_AT_ONCE):
            self._add(patches[start : start + _PATCHES_AT_ONCE], codes[start : start + _PATCHES_AT_ONCE])

    @property
    def codes(self) -> IntArray:
        """The classes found on the ground that counts, ascending: the features of every `Shares` below."""
        return np.array(self._codes, dtype=np.int64)[self._order()]

    @property
    def area_ha(self) -> FloatArray:
        """(classes,) hectares of each class in all, inside the domain and without the mask."""
        return self._total[self._order()] / 10_000

    def grid_shares(self) -> tuple[IntArray, IntArray, Shares]:
        """Rows and columns of the cells that hold something, in Z-order, and each class's shares in them.

        Raises:
            GridError: no grid was given.
        """
        if self.grid is None:
            raise GridError(
                "Land cover was counted without a grid, so there are no shares of one; give `grid` at the start."
            )
        row, col, position, amount = self._cells.result()
        column, amount = self._kept(position, amount)
        row, col, column, amount = row[column >= 0], col[column >= 0], column[column >= 0], amount[column >= 0]
        keys, first, target = np.unique(self.grid.zorder(row, col), return_index=True, return_inverse=True)
        outside = np.zeros(self._order().size)  # a grid has no end
        return row[first], col[first], Shares(self._matrix(amount, target, column, keys.size), outside)

    def zone_shares(self, name: str) -> Shares:
        """Each class's shares in the zones of one collection, and the share outside them all.

        Raises:
            GridError: no such collection was given.
        """
        if name not in self._zones:
            raise GridError(
                f"Land cover was not counted in {name!r}; the collections given are {', '.join(self._zones) or 'none'}."
            )
        sums = self._zones[name]
        zone, _, position, amount = sums.inside.result()
        column, amount = self._kept(position, amount)
        found = column >= 0
        matrix = self._matrix(amount[found], zone[found], column[found], sums.pieces.polygons.size)
        order = self._order()
        beyond = np.zeros(self._total.size)
        beyond[: sums.outside.size] = sums.outside
        return Shares(matrix, beyond[order] / self._total[order])

    def _add(self, patches: GeometryArray, codes: NDArray[np.integer]) -> None:
        check_coordinates(patches)
        if not np.isin(
            shapely.get_type_id(patches), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
        ).all():
            raise GeometryError(
                "A block of land cover holds something other than polygons; patches of one class were expected."
            )
        which, _, parts = self._ground.cut(patches)
        if not which.size:
            return
        position = self._positions(codes)[which]
        scales, tile = self._scales(parts)
        area = shapely.area(parts) * scales[tile]
        self._total += np.bincount(position, area, minlength=self._total.size)
        if self.grid is not None:
            owners = position * scales.size + tile
            cells = polygon_areas(parts, self.grid.origin_m, self.grid.size_m, owners)
            position_of, tile_of = np.divmod(cells.owner, scales.size)
            self._cells.add(cells.row, cells.col, position_of, cells.amount * scales[tile_of])
        for sums in self._zones.values():
            sums.add(parts, position, scales[tile], self._total.size)

    def _scales(self, parts: GeometryArray) -> tuple[FloatArray, IntArray]:
        """Areas on the ellipsoid per planar area, by tiles of a fixed lattice, so that blocks may be cut anywhere."""
        west, south, east, north = shapely.bounds(parts).T
        lattice = np.floor(np.stack(((west + east) / 2, (south + north) / 2), axis=1) / _SCALE_TILE_M)
        tiles, tile = np.unique(lattice, axis=0, return_inverse=True)
        low, high = tiles * _SCALE_TILE_M, (tiles + 1) * _SCALE_TILE_M
        squares = np.asarray(shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1]), dtype=np.object_)
        return geodesic_area_ha(squares, self.crs) * 10_000 / _SCALE_TILE_M**2, tile.ravel()

    def _positions(self, codes: NDArray[np.integer]) -> IntArray:
        """Position of each patch's class, new classes appended."""
        classes, inverse = np.unique(codes, return_inverse=True)
        self._codes += [code for code in classes.tolist() if code not in self._codes]
        self._total = np.concatenate((self._total, np.zeros(len(self._codes) - self._total.size)))
        return np.array([self._codes.index(code) for code in classes.tolist()], dtype=np.int64)[inverse]

    def _order(self) -> IntArray:
        """Positions of the classes that have ground, by ascending code."""
        order = np.argsort(np.array(self._codes, dtype=np.int64), kind="stable")
        return order[self._total[order] > _NO_GROUND_M2]

    def _kept(self, position: IntArray, amount: FloatArray) -> tuple[IntArray, FloatArray]:
        """Columns of the sums, and their shares; column -1 where a class has no ground or the sum is a mere touch."""
        order = self._order()
        column = np.full(len(self._codes), -1, dtype=np.int64)
        column[order] = np.arange(order.size)
        whole = np.where(self._total > 0, self._total, 1.0)
        share = amount / whole[position]
        return np.where(share > NEGLIGIBLE, column[position], -1), share

    def _matrix(self, share: FloatArray, target: IntArray, column: IntArray, n_targets: int) -> csr_array:
        entries = coo_array((share, (target, column)), shape=(n_targets, self._order().size), dtype=np.float64)
        matrix = csr_array(entries)
        matrix.sum_duplicates()
        return matrix


@dataclass
class _Sums:
    """Areas by two indices of a target and the position of a class, merged whenever much is pending."""

    _pending: list[tuple[IntArray, IntArray, IntArray, FloatArray]] = field(default_factory=list)
    _size: int = 0
    _merged: int = 0

    def add(self, first: IntArray, second: IntArray, position: IntArray, amount: FloatArray) -> None:
        self._pending.append((first, second, position, amount))
        self._size += amount.size
        if self._size > _PENDING_AT_MOST + 2 * self._merged:
            self.result()

    def result(self) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
        """Everything added so far, each target and class once, in order."""
        if not self._pending:
            none = np.zeros(0, dtype=np.int64)
            return none, none, none, np.zeros(0)
        first, second, position, amount = (np.concatenate(column) for column in zip(*self._pending, strict=True))
        order = np.lexsort((position, second, first))
        first, second, position, amount = first[order], second[order], position[order], amount[order]
        new = np.ones(first.size, dtype=bool)
        new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1]) | (position[1:] != position[:-1])
        starts = np.flatnonzero(new)
        if starts.size:
            first, second, position = first[starts], second[starts], position[starts]
            amount = np.add.reduceat(amount, starts)
        self._pending = [(first, second, position, amount)]
        self._size = self._merged = amount.size
        return first, second, position, amount


class _ZoneSums:
    """Areas per zone and class, and per class outside all zones, from the difference with their union."""

    def __init__(self, zones: GeometryArray) -> None:
        self.pieces = PolygonPieces(zones)
        self.inside = _Sums()
        self.outside = np.zeros(0)
        self._union = shapely.union_all(zones)
        shapely.prepare(self._union)

    def add(self, parts: GeometryArray, position: IntArray, scale: FloatArray, n_classes: int) -> None:
        which, zone, inner = self.pieces.cut(parts)
        amount = shapely.area(inner) * scale[which]
        self.inside.add(zone, np.zeros(zone.size, dtype=np.int64), position[which], amount)
        beyond = np.flatnonzero(~shapely.contains_properly(self._union, parts))
        unions = np.full(beyond.size, self._union, dtype=np.object_)
        rest = overlay(shapely.difference, parts[beyond], unions, np.full(beyond.size, AREAS), beyond)
        self.outside = np.concatenate((self.outside, np.zeros(n_classes - self.outside.size)))
        self.outside += np.bincount(position[beyond], shapely.area(rest) * scale[beyond], minlength=n_classes)


def _without(domain: BaseGeometry, mask: GeometryArray | None) -> BaseGeometry:
    """The domain without the mask's polygons."""
    if mask is None or not len(mask):
        return domain
    polygons, kinds = as_features(mask)
    taken = shapely.union_all(polygons[kinds == AREAS])
    ground: BaseGeometry = overlay(
        shapely.difference, np.array([domain]), np.array([taken]), np.array([AREAS]), np.array([0])
    )[0]
    return ground


def _disjoint(zones: GeometryArray) -> GeometryArray:
    """Zones of which the first in order has the ground that others, against the rules, claim too."""
    own = np.array(zones, dtype=np.object_)
    check_polygons(own, "Zone")
    shared = shared_ground(WkbColumn.from_geometries(own))
    for first, second in zip(shared.first.tolist(), shared.second.tolist(), strict=True):
        own[second] = overlay(shapely.difference, own[[second]], own[[first]], np.array([AREAS]), np.array([second]))[0]
    return own
