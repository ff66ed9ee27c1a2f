"""Features shared out: cut to the domain, to the cells of the finest grid, and to every set of zones, in one go.

The cells come first (`grids.wkb`); the domain and the zones are seen through the same grid (`grids.zone_index`), so
that only features that meet a border are looked at again, and only those that cross the domain's border are cut.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Literal, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from grids.crossings import MOST_CELLS
from grids.errors import GeometryError, GridError, UncutGeometry
from grids.grid import Grid
from grids.measures import AREAS, NOWHERE, POINTS, as_features, measures_of
from grids.ring_kernels import MAX_COORDINATE_M
from grids.shares import Clipped, clip_to
from grids.surroundings import Surroundings
from grids.survey import survey, taken
from grids.survey_kernels import NOT_PLAIN
from grids.tolerances import NANOMETRE, NEGLIGIBLE, THIN_M, WHOLE
from grids.wkb import FeatureParts, WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex, domain_index, parts_in_zones

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

_MANY_CELLS = 1 << 16  # 26 km by 26 km of 100 m: of fewer, what lies beyond the domain costs little

OFF = "its parts and what lies outside do not add up to it"
"""Why a feature is refused; what they add up to follows in brackets."""

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
        repaired: positions of features whose parts are not those of what was given: polygons that were made valid
            first, that are so thin (`THIN_M`) that parts did not add up to them and their outlines were shared out
            instead, and features of which borders rounded off more than `WHOLE`, whose parts were scaled to add up.
        refused: position -> why, of features that GEOS cannot repair or cut, and of those whose parts and what lies
            outside do not add up to them by more than their borders can round; they have no parts anywhere, and what
            of them lies outside is not known (NaN).
    """

    outside: FloatArray
    cells: CellEntries
    zones: dict[str, ZoneEntries]
    repaired: IntArray
    refused: Mapping[int, str] = field(default_factory=dict)

    def without_refused(self) -> Self:
        """The features that were shared out, numbered anew."""
        kept = np.ones(self.outside.size, dtype=np.bool_)
        kept[list(self.refused)] = False
        place = np.cumsum(kept) - 1
        cells = replace(self.cells, feature=place[self.cells.feature])
        zones = {name: replace(found, feature=place[found.feature]) for name, found in self.zones.items()}
        return replace(
            self, outside=self.outside[kept], cells=cells, zones=zones, repaired=place[self.repaired], refused={}
        )


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
        self._one_at_a_time = Lock()
        self._box = domain.bounds
        self._within = domain_index(domain, grid)
        self._around = Surroundings(np.array([domain], dtype=np.object_))
        self._zones = dict(zones)

    def share_out(
        self, column: WkbColumn, ids: Sequence[str] | NDArray[np.object_] | None = None, *, inside: bool = False
    ) -> SharedOut:
        """Share features out; one caller at a time, on all processors.

        Args:
            column: features in the grid's CRS; missing and empty ones are nowhere, so outside as a whole.
            ids: (n,) of the features, for messages; else their positions.
            inside: they were cut to the domain before; it is not looked for again.

        Features whose parts and what lies outside do not add up to them (`WHOLE`), by more than their borders can
        round, and those at which GEOS gives up are refused, each with the reason; the others are shared out all the
        same.

        Raises:
            GeometryError: bytes that are no geometry, or coordinates that are not finite metres.
        """
        names = np.arange(column.size) if ids is None else np.asarray(ids)
        refused: dict[int, str] = {}
        with self._one_at_a_time:
            while True:
                try:
                    shared = self._settled(column, names, inside)
                    break
                except UncutGeometry as error:
                    refused |= error.reasons
                    column = column.with_features(dict.fromkeys(error.reasons))  # the others once more, without them
        if not refused:
            return shared
        outside = shared.outside.copy()
        outside[list(refused)] = np.nan
        return replace(shared, outside=outside, refused={**shared.refused, **refused})

    def _settled(self, column: WkbColumn, names: NDArray[Any], inside: bool) -> SharedOut:
        """Features shared out so that parts add up to them.

        Raises:
            UncutGeometry: some at which GEOS gives up, by their positions.
        """
        shared = self._share_out(column, names, inside)
        missed = _missed(shared)
        if not missed.size:
            return shared
        thin, outlines = _thin(column, missed)
        if thin.size:
            with _elsewhere(thin):
                again = self._share_out(outlines, names[thin], inside)
            shared = _with(shared, thin, again)
        return _closed(column, shared, _missed(shared))

    def _share_out(self, column: WkbColumn, names: NDArray[Any], inside: bool) -> SharedOut:
        large = np.zeros(0, np.int64) if inside else self._large(column)
        mended = large
        if large.size:
            whole_ones = column
            column, of_large = self._cut(column, large, names)  # it refuses what nobody should ask GEOS about
            mended = large[~shapely.is_valid(_read(whole_ones, large))]
        cells = parts_in_cells(column, self.grid, ids=names.tolist())
        # What parts are fractions of becomes what was given before it was cut; what was cut keeps its own measures.
        whole, repaired = cells.measures.copy(), np.union1d(cells.repaired, mended).astype(np.int64)
        if inside:
            outside = np.where(cells.kinds == NOWHERE, 1.0, 0.0)
        else:
            outside, crossing = self._outside(column, cells)
            if large.size:
                crossing = np.setdiff1d(crossing, large)
                outside[large] = of_large.outside
                whole[large] = _whole_of(of_large, of_large.measures, cells.measures[large])
            if crossing.size:
                column, clipped = self._cut(column, crossing, names)
                outside[crossing] = clipped.outside
            gone = np.flatnonzero((outside >= 1) & (cells.kinds != NOWHERE))
            if crossing.size or gone.size:
                column = column.with_features(dict.fromkeys(gone.tolist()))
                cut = np.union1d(crossing, gone)
                with _elsewhere(cut):
                    again = parts_in_cells(taken(column, cut), self.grid, ids=names[cut].tolist())
                cells = cells.exchanged(cut, again)
            if crossing.size:
                whole[crossing] = _whole_of(clipped, whole[crossing], cells.measures[crossing])
        parts = cells.parts
        share = _fractions(parts.amount, whole, parts.owner)
        real = share > NEGLIGIBLE
        in_cells = CellEntries(parts.owner[real], parts.row[real], parts.col[real], share[real])
        zones = {name: self._in_zones(column, cells, whole, index) for name, index in self._zones.items()}
        return SharedOut(outside, in_cells, zones, repaired)

    def cut(self, geometries: GeometryArray) -> Clipped:
        """Geometries cut to the domain (`grids.shares.clip_to`); one caller at a time, as `share_out`.

        Raises:
            GeometryError, UncutGeometry: see there.
        """
        with self._one_at_a_time:
            return clip_to(geometries, self.domain, self._around)

    @property
    def zone_sets(self) -> tuple[str, ...]:
        """Collections of zones that features are shared out to."""
        return tuple(self._zones)

    def _large(self, column: WkbColumn) -> IntArray:
        """Polygons over so many cells that they are cut to the domain before they are to the cells.

        Those that reach beyond its box, and those within it that might be refused: a domain fills less than its box.
        """
        seen = survey(column, check=False)
        bounds = seen.bounds
        for f in np.flatnonzero(seen.kinds == NOT_PLAIN).tolist():
            with suppress(ShapelyError):  # what cannot be read is told when it is cut to cells
                bounds[f] = column.geometry(f).bounds
        # Others are refused, or have no bounds that are known.
        given = np.flatnonzero((np.abs(bounds) <= MAX_COORDINATE_M).all(axis=1))
        west, south, east, north = bounds[given].T
        within = (west >= self._box[0]) & (south >= self._box[1]) & (east <= self._box[2]) & (north <= self._box[3])
        cells = ((east - west) / self.grid.size_m + 1) * ((north - south) / self.grid.size_m + 1)
        large = given[(cells > MOST_CELLS) | (~within & (cells > _MANY_CELLS))].astype(np.int64)
        # What cannot be read has no dimension; it is told when it is cut to cells.
        areal: NDArray[np.bool_] = shapely.get_dimensions(_read(column, large, on_invalid="ignore")) == AREAS
        found: IntArray = large[areal]
        return found

    def _outside(self, column: WkbColumn, cells: FeatureParts) -> tuple[FloatArray, IntArray]:
        """What lies outside the domain, and who crosses its border or touches it."""
        found = parts_in_zones(column, cells, self._within)
        share = _fractions(found.amount, cells.measures, found.owner)
        beyond = found.zone != 0
        inside = np.bincount(found.owner[~beyond], share[~beyond], minlength=column.size)
        outside = np.bincount(found.owner[beyond], share[beyond], minlength=column.size).astype(np.float64)
        outside[outside <= NEGLIGIBLE] = 0.0
        outside[cells.kinds == NOWHERE] = 1.0
        outside[(inside <= NEGLIGIBLE) & (outside > 0)] = 1.0
        return outside, np.flatnonzero((outside > 0) & (outside < 1)).astype(np.int64)

    def _cut(self, column: WkbColumn, which: IntArray, names: NDArray[Any]) -> tuple[WkbColumn, Clipped]:
        """The column with these features cut to the domain, and how they were cut."""
        try:
            with _elsewhere(which):
                clipped = clip_to(_read(column, which), self.domain, self._around)
        except UncutGeometry:
            raise
        except GeometryError as error:
            raise GeometryError(_named(str(error), names[which])) from error
        wkb = shapely.to_wkb(clipped.geometries)
        return column.with_features(dict(zip(which.tolist(), wkb.tolist(), strict=True))), clipped

    def _in_zones(self, column: WkbColumn, cells: FeatureParts, whole: FloatArray, index: ZoneIndex) -> ZoneEntries:
        found = parts_in_zones(column, cells, index, rest=index.n_zones)
        share = _fractions(found.amount, whole, found.owner)
        real = share > NEGLIGIBLE
        target = np.where(found.zone == index.n_zones, GAP, found.zone)
        return ZoneEntries(found.owner[real], target[real], share[real])


@contextmanager
def _elsewhere(which: IntArray) -> Iterator[None]:
    """What GEOS gives up among (m,) features that were taken out of a column, by their positions in the column."""
    try:
        yield
    except UncutGeometry as error:
        raise error.at(which) from error


def _fractions(amount: FloatArray, measures: FloatArray, owner: IntArray) -> FloatArray:
    """(n,) amounts as fractions of their owners' whole; rounding above 1 (`WHOLE`) is 1.

    What is more than that, or less than nothing, stays as it is, so that the feature is seen not to add up.
    """
    whole = measures[owner]
    share: FloatArray = np.divide(amount, whole, out=np.full(amount.size, np.inf), where=whole > 0)
    share[(share > 1) & (share <= 1 + WHOLE)] = 1.0
    return share


def _whole_of(clipped: Clipped, whole: FloatArray, measured: FloatArray) -> FloatArray:
    """What the parts of features that were cut are fractions of, m2, m, or number of points.

    What was cut is written in coordinates of the CRS, which rounds them by a tenth of a nanometre; its parts are parts
    of that, while the fraction inside was measured before. Where both differ by more than rounding of the rim, the
    difference stays to be seen.
    """
    inside = clipped.inside * whole
    slack = NANOMETRE * shapely.length(clipped.geometries)
    # What is thinner than that may be left as a line, by which it is shared out then.
    rounded = ((np.abs(measured - inside) <= slack) | (inside <= slack)) & (measured > 0) & (inside > 0)
    return np.divide(measured, clipped.inside, out=whole.copy(), where=rounded)


def _sums(shared: SharedOut) -> list[tuple[CellEntries | ZoneEntries, FloatArray]]:
    """Cells and each set of zones, with (features,) what parts and outside add up to."""
    every: list[CellEntries | ZoneEntries] = [shared.cells, *shared.zones.values()]
    n = shared.outside.size
    return [(found, np.bincount(found.feature, found.share, minlength=n) + shared.outside) for found in every]


def _missed(shared: SharedOut) -> IntArray:
    """Positions of features whose parts do not add up to them, somewhere."""
    off = np.zeros(shared.outside.size, dtype=np.bool_)
    for _, total in _sums(shared):
        off |= ~(np.abs(total - 1) <= WHOLE)
    return np.flatnonzero(off).astype(np.int64)


def _read(column: WkbColumn, which: IntArray, on_invalid: Literal["raise", "ignore"] = "raise") -> GeometryArray:
    """Some features as geometries; None for what cannot be read, where that is to be ignored."""
    wkb = np.array([column.feature(f) for f in which.tolist()], dtype=np.object_)
    return np.asarray(shapely.from_wkb(wkb, on_invalid=on_invalid), dtype=np.object_)


def _thin(column: WkbColumn, missed: IntArray) -> tuple[IntArray, WkbColumn]:
    """Of these the polygons that are too thin for cuts, and their outlines."""
    with _elsewhere(missed):
        shapes, kinds = as_features(_read(column, missed))
    thin = (kinds == AREAS) & (shapely.area(shapes) <= THIN_M * shapely.length(shapes) / 2)
    return missed[thin], WkbColumn.from_geometries(shapely.boundary(shapes[thin]))


def _closed(column: WkbColumn, shared: SharedOut, missed: IntArray) -> SharedOut:
    """Features whose parts miss them by the rounding of borders, scaled to add up; any other is refused.

    Borders round by less than a nanometre: along the rim of a polygon, and at either end of each part of a line.
    """
    if not missed.size:
        return shared
    with _elsewhere(missed):
        shapes, kinds = as_features(_read(column, missed))
    rim = shapely.length(shapes)
    thin = shapely.area(shapes) <= THIN_M * rim / 2  # it went by its outline
    refused: dict[int, str] = {}
    for found, total in _sums(shared):
        ends = 2.0 * (1 + np.bincount(found.feature, minlength=column.size)[missed])
        rounding = NANOMETRE * np.where(thin, ends, rim)
        miss, held = total[missed] - 1, total[missed] - shared.outside[missed]
        size = np.where(thin, rim, measures_of(shapes, kinds))
        allowed = np.where(kinds == POINTS, WHOLE, np.maximum(WHOLE, rounding / np.where(size > 0, size, 1)))
        for f in missed[~((np.abs(miss) <= allowed) & (held > 0))].tolist():
            refused.setdefault(f, f"{OFF} [{total[f]:.12g} of it]")
        factor = np.ones(column.size)
        factor[missed] = np.divide(1 - shared.outside[missed], held, out=np.ones(missed.size), where=held > 0)
        np.multiply(found.share, factor[found.feature], out=found.share)
    gone = np.array(sorted(refused), dtype=np.int64)
    repaired = np.setdiff1d(np.union1d(shared.repaired, missed), gone).astype(np.int64)
    if not gone.size:
        return replace(shared, repaired=repaired)
    outside = shared.outside.copy()
    outside[gone] = np.nan
    cells = CellEntries(*_without(shared.cells, gone))
    zones = {name: ZoneEntries(*_without(found, gone)) for name, found in shared.zones.items()}
    return SharedOut(outside, cells, zones, repaired, {f: refused[f] for f in gone.tolist()})


def _without(found: CellEntries | ZoneEntries, gone: IntArray) -> list[NDArray[Any]]:
    """Columns of entries but for those of some features."""
    kept = ~np.isin(found.feature, gone)
    return [column[kept] for column in vars(found).values()]


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
