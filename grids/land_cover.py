"""Land cover: millions of patches in, hectares per class and target out.

A land-cover raster arrives in blocks of patches (runs of one class, reprojected). Each patch is cut to the ground
that counts, the domain without the forest map; what is left is shared out as all features are, measured and forgotten.
A class is then one feature whose share in a target is its hectares there over its hectares in all.
"""

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.areas import geodesic_area_ha
from grids.crossings import check_coordinates
from grids.errors import GeometryError, GridError
from grids.measures import AREAS, as_features, overlay, repaired
from grids.pieces import PolygonPieces
from grids.sharing import CellEntries, Division, SharedOut, ZoneEntries
from grids.tolerances import NEGLIGIBLE
from grids.wkb import WkbColumn

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

    Attributes:
        repaired: how many patches crossed themselves and were made valid; `shared_out` names their classes.
        refused: how many patches have parts that do not add up to them (`SharedOut.refused`); they count in no class.
        refused_ha: their hectares.
        ground_ha: hectares of the ground that counts: the domain without the mask.
    """

    def __init__(self, division: Division, *, mask: GeometryArray | None = None) -> None:
        """Prepare the ground that counts.

        Args:
            division: the domain, outside of which nothing is counted, the finest grid, and the zones.
            mask: polygons that win over the land cover (the forest map); may overlap each other and leave the domain.
        """
        self._division = division
        self._crs = division.grid.crs
        ground = np.array([_without(division.domain, mask)], dtype=np.object_)
        self.ground_ha = float(geodesic_area_ha(ground, self._crs)[0])
        self._ground = PolygonPieces(ground)
        self._codes: list[int] = []  # classes by order of appearance; sums count by position here
        self._total = np.zeros(0)
        self._repaired: set[int] = set()
        self.repaired, self.refused, self.refused_ha = 0, 0, 0.0
        self._cells = _Sums()
        self._zones = {name: _Sums() for name in division.zone_sets}

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
        """The classes found on the ground that counts, ascending: the features that are shared out."""
        return np.array(self._codes, dtype=np.int64)[self._order()]

    @property
    def area_ha(self) -> FloatArray:
        """(classes,) hectares of each class in all, inside the domain and without the mask."""
        return self._total[self._order()] / 10_000

    def shared_out(self) -> SharedOut:
        """The shares of each class in cells and zones; a class is a feature, the whole of which lies in the domain."""
        row, col, feature, share = self._kept(self._cells)
        cells = CellEntries(feature, row, col, share)
        zones = {}
        for name, sums in self._zones.items():
            target, _, feature, share = self._kept(sums)
            zones[name] = ZoneEntries(feature, target, share)
        repaired = np.flatnonzero(np.isin(self._order(), list(self._repaired)))
        return SharedOut(np.zeros(self.codes.size), cells, zones, repaired)

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
        shared = self._division.share_out(WkbColumn.from_geometries(parts), inside=True)
        area = shapely.area(parts)
        area[shared.repaired] = shapely.area(repaired(parts[shared.repaired]))  # else loops take from loops
        area *= self._scales(parts)
        gone = list(shared.refused)
        self.refused, self.refused_ha = self.refused + len(gone), self.refused_ha + float(area[gone].sum()) / 10_000
        area[gone] = 0.0
        self._total += np.bincount(position, area, minlength=self._total.size)
        self.repaired += len(shared.repaired)
        self._repaired.update(position[shared.repaired].tolist())
        cells = shared.cells
        self._cells.add(cells.row, cells.col, position[cells.feature], cells.share * area[cells.feature])
        for name, zones in shared.zones.items():
            none = np.zeros(zones.target.size, dtype=np.int64)
            self._zones[name].add(zones.target, none, position[zones.feature], zones.share * area[zones.feature])

    def _scales(self, parts: GeometryArray) -> FloatArray:
        """Areas on the ellipsoid per planar area, by tiles of a fixed lattice, so that blocks may be cut anywhere."""
        west, south, east, north = shapely.bounds(parts).T
        lattice = np.floor(np.stack(((west + east) / 2, (south + north) / 2), axis=1) / _SCALE_TILE_M)
        tiles, tile = np.unique(lattice, axis=0, return_inverse=True)
        low, high = tiles * _SCALE_TILE_M, (tiles + 1) * _SCALE_TILE_M
        squares = np.asarray(shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1]), dtype=np.object_)
        return np.asarray((geodesic_area_ha(squares, self._crs) * 10_000 / _SCALE_TILE_M**2)[tile.ravel()])

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

    def _kept(self, sums: "_Sums") -> tuple[IntArray, IntArray, IntArray, FloatArray]:
        """Targets (two indices), features and shares by feature, but for classes without ground and mere touches."""
        first, second, position, amount = sums.result()
        order = self._order()
        feature = np.full(len(self._codes), -1, dtype=np.int64)
        feature[order] = np.arange(order.size)
        share = amount / np.where(self._total > 0, self._total, 1.0)[position]
        real = np.flatnonzero((share > NEGLIGIBLE) & (feature[position] >= 0))
        real = real[np.argsort(feature[position[real]], kind="stable")]
        return first[real], second[real], feature[position[real]], share[real]


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
