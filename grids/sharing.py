"""Features shared out: cut to the domain, to the cells of the finest grid, and to every set of zones, in one go.

The cells come first (`grids.wkb`); the domain and the zones are seen through the same grid (`grids.zone_index`), so
that only features that meet a border are looked at again, and only those that cross the domain's border are cut.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.measures import AREAS, NOWHERE
from grids.shares import clip_to, fractions
from grids.tolerances import NEGLIGIBLE, THIN_M, WHOLE
from grids.wkb import FeatureParts, WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex, domain_index, parts_in_zones

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

GAP = -1
"""As a target: what lies in the domain, but in none of the zones."""


@dataclass(frozen=True)
class CellEntries:
    """Shares in cells, ordered by feature: (entries,) each; a share is a fraction of the whole feature."""

    feature: IntArray
    row: IntArray
    col: IntArray
    share: FloatArray


@dataclass(frozen=True)
class ZoneEntries:
    """Shares in zones, ordered by feature: (entries,) each; target `GAP` for what lies in none."""

    feature: IntArray
    target: IntArray
    share: FloatArray


@dataclass(frozen=True)
class SharedOut:
    """Features shared out.

    Attributes:
        outside: (features,) fraction of the whole feature outside the domain, from geometry by itself.
        cells: in the finest grid, inside the domain.
        zones: by zone set, inside the domain.
        repaired: positions of polygons that were made valid first, or are so thin (`THIN_M`) that parts did not add up
            to them and their outlines were shared out instead.
    """

    outside: FloatArray
    cells: CellEntries
    zones: dict[str, ZoneEntries]
    repaired: IntArray


class Division:
    """A domain and zone sets on it, seen through a grid: what features are shared out to."""

    def __init__(self, domain: BaseGeometry, grid: Grid, zones: Mapping[str, ZoneIndex]) -> None:
        """See the domain through the grid.

        Args:
            domain: valid polygon or multipolygon in the grid's CRS.
            grid: the finest grid.
            zones: zone sets and hexagons by collection id, seen through the same grid, each with the gap that it leaves
                in the domain; other divisions may hold the same.

        Raises:
            GeometryError: a domain that is no valid polygon.
            GridError: more borders or cells than fit in memory, or zones seen through another grid.
        """
        other = [name for name, index in zones.items() if index.grid != grid]
        if other:
            raise GridError(f"Zone set {other[0]} was seen through another grid; the finest one was expected.")
        self.grid = grid
        self.domain = domain
        # GEOS prepares the domain as it is asked about it, which two threads must not do at once.
        self._turn = Lock()
        self._within = domain_index(domain, grid)
        self._zones = dict(zones)

    def share_out(
        self, column: WkbColumn, ids: Sequence[str] | NDArray[np.object_] | None = None, *, inside: bool = False
    ) -> SharedOut:
        """Share features out; one caller at a time, on all processors.

        Args:
            column: features in the grid's CRS; missing and empty ones are nowhere, so outside as a whole.
            ids: (n,) of the features, for messages; else their positions.
            inside: they were cut to the domain before; it is not looked for again.

        Raises:
            GeometryError: bytes that are no geometry, or coordinates that are not finite metres.
        """
        names = np.arange(column.size) if ids is None else np.asarray(ids)
        with self._turn:
            shared = self._share_out(column, names, inside)
            thin, outlines = _thin(column, shared)
            return _with(shared, thin, self._share_out(outlines, names[thin], inside)) if thin.size else shared

    def _share_out(self, column: WkbColumn, names: NDArray[Any], inside: bool) -> SharedOut:
        cells = parts_in_cells(column, self.grid, ids=names.tolist())
        whole, repaired = cells.measures, cells.repaired
        if inside:
            outside = np.where(cells.kinds == NOWHERE, 1.0, 0.0)
        else:
            outside, crossing = self._outside(column, cells)
            if crossing.size:
                column, outside[crossing] = self._cut(column, crossing, names)
            gone = np.flatnonzero((outside >= 1) & (cells.kinds != NOWHERE))
            if crossing.size or gone.size:
                column = column.with_features(dict.fromkeys(gone.tolist()))
                cells = parts_in_cells(column, self.grid, ids=names.tolist())
        parts = cells.parts
        share = fractions(parts.amount, whole, parts.owner)
        real = share > NEGLIGIBLE
        in_cells = CellEntries(parts.owner[real], parts.row[real], parts.col[real], share[real])
        zones = {name: self._in_zones(column, cells, whole, index) for name, index in self._zones.items()}
        return SharedOut(outside, in_cells, zones, np.union1d(repaired, cells.repaired).astype(np.int64))

    @property
    def zone_sets(self) -> tuple[str, ...]:
        """Collections of zones that features are shared out to."""
        return tuple(self._zones)

    def _outside(self, column: WkbColumn, cells: FeatureParts) -> tuple[FloatArray, IntArray]:
        """What lies outside the domain, and who crosses its border or touches it."""
        found = parts_in_zones(column, cells, self._within)
        share = fractions(found.amount, cells.measures, found.owner)
        beyond = found.zone != 0
        inside = np.bincount(found.owner[~beyond], share[~beyond], minlength=column.size)
        outside = np.bincount(found.owner[beyond], share[beyond], minlength=column.size).astype(np.float64)
        outside[outside <= NEGLIGIBLE] = 0.0
        outside[cells.kinds == NOWHERE] = 1.0
        outside[(inside <= NEGLIGIBLE) & (outside > 0)] = 1.0
        return outside, np.flatnonzero((outside > 0) & (outside < 1)).astype(np.int64)

    def _cut(self, column: WkbColumn, which: IntArray, names: NDArray[Any]) -> tuple[WkbColumn, FloatArray]:
        """The column with these features cut to the domain, and what of them lies outside."""
        features = shapely.from_wkb(np.array([column.feature(f) for f in which.tolist()], dtype=np.object_))
        try:
            clipped = clip_to(features, self.domain)
        except GeometryError as error:
            raise GeometryError(_named(str(error), names[which])) from error
        wkb = shapely.to_wkb(clipped.geometries)
        return column.with_features(dict(zip(which.tolist(), wkb.tolist(), strict=True))), clipped.outside

    def _in_zones(self, column: WkbColumn, cells: FeatureParts, whole: FloatArray, index: ZoneIndex) -> ZoneEntries:
        found = parts_in_zones(column, cells, index, rest=index.n_zones)
        share = fractions(found.amount, whole, found.owner)
        real = share > NEGLIGIBLE
        target = np.where(found.zone == index.n_zones, GAP, found.zone)
        return ZoneEntries(found.owner[real], target[real], share[real])


def _thin(column: WkbColumn, shared: SharedOut) -> tuple[IntArray, WkbColumn]:
    """Polygons too thin for cuts, whose parts do not add up to them; and their outlines."""
    n = column.size
    every: list[CellEntries | ZoneEntries] = [shared.cells, *shared.zones.values()]
    sums = [np.bincount(found.feature, found.share, minlength=n) + shared.outside for found in every]
    missed = np.flatnonzero(np.any([np.abs(total - 1) > WHOLE for total in sums], axis=0))
    shapes = shapely.from_wkb(np.array([column.feature(f) for f in missed.tolist()], dtype=np.object_))
    thin = shapely.area(shapes) <= THIN_M * shapely.length(shapes) / 2
    thin &= shapely.get_dimensions(shapes) == AREAS
    return missed[thin], WkbColumn.from_geometries(shapely.boundary(shapes[thin]))


def _with(shared: SharedOut, which: IntArray, again: SharedOut) -> SharedOut:
    """The same with some features shared out again; they count as repaired."""
    outside = shared.outside.copy()
    outside[which] = again.outside
    zones = {name: ZoneEntries(*_exchanged(found, which, again.zones[name])) for name, found in shared.zones.items()}
    cells = CellEntries(*_exchanged(shared.cells, which, again.cells))
    return SharedOut(outside, cells, zones, np.union1d(shared.repaired, which).astype(np.int64))


def _exchanged(
    found: CellEntries | ZoneEntries, which: IntArray, again: CellEntries | ZoneEntries
) -> list[NDArray[Any]]:
    """Columns of entries, those of some features exchanged, by feature."""
    kept = ~np.isin(found.feature, which)
    fresh = vars(again) | {"feature": which[again.feature]}
    columns = [np.concatenate((column[kept], fresh[name])) for name, column in vars(found).items()]
    order = np.argsort(columns[0], kind="stable")
    return [column[order] for column in columns]


def _named(message: str, names: NDArray[Any]) -> str:
    """A message about feature k of a few, by the name of that feature."""
    return re.sub(r"Feature (\d+)", lambda found: f"Feature {names[int(found[1])]}", message, count=1)
