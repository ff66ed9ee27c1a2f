"""Zones seen through a grid, so that features find theirs without an overlay.

A `ZoneIndex` knows which cells lie wholly in one zone and, for border cells, the pieces of borders in them. What
features have in cells (`grids.wkb.parts_in_cells`) then goes to the zones as it is, and only where a border comes near
are edges held against edges, exactly (`grids.border_kernels`). What runs along a border itself goes to the first zone
in order. An overlay (`grids.zone_parts`) by the same rule is left for what edges do not describe: features that were
repaired, and those whose parts miss their whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from grids.blocks import block_bounds, in_blocks
from grids.errors import GeometryError, GridError, UncutGeometry
from grids.grid import Grid
from grids.measures import as_features, measures_of
from grids.ring_kernels import MAX_COORDINATE_M
from grids.tolerances import NEGLIGIBLE, SLIVER_M2
from grids.wkb import FeatureParts, WkbColumn, parts_in_cells
from grids.zone_kernels import NONE, labelled, zones_in_cells
from grids.zone_part_kernels import Features, Parts, SeenZones, features_in_zones
from grids.zone_parts import check_polygons, parts_nearby
from grids.zones import without_slivers

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

_MOST_CELLS = 1 << 27  # of the frame: half a gigabyte of labels, 13 times a nation of 4,000 x 5,000 cells
_MOST_PIECES = 1 << 26  # of borders, as estimated: about 3 GB, 25 times a nation's 3,500 zones
_UNEVEN = 1e-11  # of a feature: parts that miss their whole by more are looked at again
_BYTES_AT_ONCE = 1 << 21  # of a block of features, which one thread works on
_VERTICES_AT_ONCE = 1 << 14  # of a block of zones


@dataclass(frozen=True)
class BorderCells:
    """What lies in cells that some border passes.

    Attributes:
        starts: (cells + 1,) where each cell's entries begin.
        entries: (entries, 3) a zone that has ground or a border in the cell, its first piece, the one beyond its last;
            within each cell in the order of zones.
        pieces: (pieces, 6) from x, from y, to x, to y (metres from the cell's lower left corner, the lower end first),
            the sign with which ground right of it counts, and 1 for a piece of a border, 0 for what only says what
            stands open left of the cell.
    """

    starts: IntArray
    entries: IntArray
    pieces: FloatArray


@dataclass(frozen=True)
class ZoneReport:
    """How well zones share out the ground.

    Attributes:
        slivers: (zone, zone, m2) of ground that two zones both claimed, within the tolerance; the later one lost it.
        border_cells: how many cells some border passes.
        pieces: of borders, in them.
    """

    slivers: tuple[tuple[int, int, float], ...]
    border_cells: int
    pieces: int


@dataclass(frozen=True)
class ZoneParts:
    """What features have in zones, ordered by owner and zone.

    Attributes:
        owner: position of the feature.
        zone: position of the zone; `ZoneIndex.gap` for what lies in none.
        amount: m2, m, or number of points, in proportion to the feature's measure.
        overlaid: positions of the features that were settled by an overlay.
    """

    owner: IntArray
    zone: IntArray
    amount: FloatArray
    overlaid: IntArray


@dataclass(frozen=True)
class ZoneIndex:
    """Zones of one set, and the gap between them, as a grid sees them.

    Attributes:
        grid: the grid.
        polygons: the zones in order, and the gap last if there is one.
        n_zones: how many zones, without the gap.
        labels: (rows, columns) of the frame: the zone a cell wholly lies in, NONE (-1), or -2 - k for border cell k.
        first_row: row of the frame's first cells.
        first_col: column of the frame's first cells.
        beyond: label of all cells outside the frame.
        borders: the border cells.
        report: what was found when zones were laid beside each other.
    """

    grid: Grid
    polygons: GeometryArray
    n_zones: int
    labels: NDArray[np.int32]
    first_row: int
    first_col: int
    beyond: int
    borders: BorderCells
    report: ZoneReport

    @classmethod
    def of(
        cls,
        zones: GeometryArray,
        grid: Grid,
        *,
        gap: BaseGeometry | None = None,
        ids: Sequence[str] | None = None,
        sliver_m2: float = SLIVER_M2,
        threads: int | None = None,
    ) -> "ZoneIndex":
        """See zones through a grid.

        Args:
            zones: (n,) valid polygons in the grid's CRS, in the order of their ids; the first of two takes what lies
                on their border.
            grid: the grid that features' parts come in, the region's finest.
            gap: what lies in none of the zones and is to be measured too (`grids.zones.gap_between`); None or empty:
                nothing.
            ids: (n,) of the zones, for messages; else their positions.
            sliver_m2: ground that two zones may both claim; it is cut off the later one, more is refused.
            threads: how many; changes no bit.

        Raises:
            GeometryError: a zone that is no valid polygon, or zones that overlap; names them and the area.
            GridError: zones that would need too much memory on this grid.
        """
        polygons = np.array(zones, dtype=np.object_)
        if ids is not None and len(ids) != polygons.size:
            raise GridError(f"{polygons.size} zones and {len(ids)} ids were given; one each was expected.")
        check_polygons(polygons, "Zone")
        if gap is not None and not gap.is_empty:
            check_polygons(np.array([gap], dtype=np.object_), "The gap between zones")
            polygons = np.append(polygons, np.array([gap, None], dtype=np.object_)[:1])
        names = [*(str(name) for name in (range(len(zones)) if ids is None else ids)), "the gap"]
        polygons, slivers = without_slivers(
            np.array(shapely.force_2d(polygons), dtype=np.object_), names, sliver_m2, gap=len(zones), threads=threads
        )
        labels, corner, borders = _laid_out(polygons, grid, threads)
        report = ZoneReport(slivers, borders.starts.size - 1, len(borders.pieces))
        return cls(grid, polygons, len(zones), labels, corner[0], corner[1], NONE, borders, report)

    @property
    def gap(self) -> int | None:
        """Position under which the gap counts, if there is one."""
        return self.n_zones if self.polygons.size > self.n_zones else None

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The zones (and gap) by their bounds."""
        return shapely.STRtree(self.polygons)


def domain_index(domain: BaseGeometry, grid: Grid, *, threads: int | None = None) -> ZoneIndex:
    """See a domain through a grid: zone 0 is the domain, the gap (1) all the rest of the plane.

    The rest is a polygon of its own with its own borders, so that what lies outside is not what the domain left over.

    Raises:
        GeometryError, GridError: see `ZoneIndex.of`.
    """
    check_polygons(np.array([domain], dtype=np.object_), "The domain")
    west, south, east, north = domain.bounds
    (low_row, high_row), (low_col, high_col) = grid.rows_cols([west, east], [south, north])
    corners = grid.corners([low_row - 1, high_row + 2], [low_col - 1, high_col + 2])
    frame = shapely.box(corners[0][0], corners[1][0], corners[0][1], corners[1][1])
    index = ZoneIndex.of(
        np.array([domain], dtype=np.object_), grid, gap=shapely.difference(frame, domain), threads=threads
    )
    # The frame's upper and right borders lie in cells beyond it, where all is outside anyway.
    inner = index.labels[: high_row - low_row + 3, : high_col - low_col + 3]
    return replace(index, labels=np.ascontiguousarray(inner), beyond=1)


_one_at_a_time = Lock()
"""GEOS prepares zones as it is asked about them, which two threads must not do at once; divisions may hold the same.

Only the few features wait for it that edges do not describe.
"""


def parts_in_zones(
    column: WkbColumn, cells: FeatureParts, index: ZoneIndex, *, rest: int | None = None, threads: int | None = None
) -> ZoneParts:
    """Exact parts of features in zones.

    Args:
        column: the features, in the grid's CRS.
        cells: their parts in the cells of the index's grid.
        index: the zones.
        rest: for features known to lie within zones and gap: the zone under which counts what an overlay finds in none
            of them. Features whose parts miss their whole (borders drawn twice, crossed at so flat an angle that each
            rounds the crossing elsewhere) are then settled by the overlay, zone after zone; of others, those whose
            parts are more than the whole of them.
        threads: how many; changes no bit.

    Raises:
        GridError: parts of other features than those given.
        UncutGeometry: features that GEOS cannot cut.
    """
    if cells.kinds.size != column.size:
        raise GridError(
            f"{column.size} features and the parts of {cells.kinds.size} were given; the same were expected."
        )
    by_overlay = np.zeros(column.size, dtype=np.bool_)
    by_overlay[cells.repaired] = True
    grid, parts = index.grid, cells.parts
    base = int(column.data.ctypes.data)
    features = Features(base, column.begins, column.ends, cells.kinds, cells.measures, by_overlay)
    in_cells = Parts(cells.starts, parts.row, parts.col, parts.amount)
    seen = SeenZones(
        index.labels,
        (index.first_row, index.first_col, index.beyond),
        *(index.borders.starts, index.borders.entries, index.borders.pieces),
        (int(grid.origin_m[0]), int(grid.origin_m[1]), int(grid.size_m)),
        index.polygons.size,
    )

    def work(first: int, last: int) -> Any:
        return features_in_zones(features, in_cells, seen, first, last)

    sizes = np.concatenate((np.zeros(1, np.int64), np.cumsum(column.ends - column.begins)))
    none = np.zeros(0, np.int64)
    blocks = [(none, none, np.zeros(0), none), *in_blocks(work, block_bounds(sizes, _BYTES_AT_ONCE), threads)]
    owner, zone, amount, left = (np.concatenate(each) for each in zip(*blocks, strict=True))
    rest = index.beyond if rest is None else rest
    held = np.bincount(parts.owner, parts.amount, minlength=column.size)
    found = np.bincount(owner, amount, minlength=column.size)
    miss = found - held if rest < 0 else np.abs(found - held)  # what is not there may lie beyond all zones
    uneven = miss > _UNEVEN * cells.measures
    uneven[left] = False
    if uneven.any():
        kept = ~uneven[owner]
        owner, zone, amount = owner[kept], zone[kept], amount[kept]
        left = np.sort(np.concatenate((left, np.flatnonzero(uneven))))
    if left.size:
        with _one_at_a_time:
            extra = _overlaid(column, left, cells.measures, index, rest)
        owner, zone, amount = (np.concatenate(pair) for pair in zip((owner, zone, amount), extra, strict=True))
        order = np.lexsort((zone, owner))
        owner, zone, amount = owner[order], zone[order], amount[order]
    return ZoneParts(owner, zone, amount, left)


def _overlaid(
    column: WkbColumn, which: IntArray, measures: FloatArray, index: ZoneIndex, rest: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Owner, zone and amount of the few that only an overlay settles."""
    given = np.empty(which.size, dtype=np.object_)
    for k, position in enumerate(which.tolist()):
        try:
            given[k] = shapely.from_wkb(column.feature(position))
        except ShapelyError as error:
            raise GeometryError(f"Feature {position} cannot be read as a geometry: {error}.") from error
    try:
        features, kinds = as_features(given)
        zone, feature, amount, beyond = parts_nearby(features, kinds, index.polygons, index.tree)
    except UncutGeometry as error:
        raise error.at(which) from error
    if rest >= 0:
        zone = np.concatenate((zone, np.full(which.size, rest)))
        feature = np.concatenate((feature, np.arange(which.size)))
        amount = np.concatenate((amount, beyond))
    # The same zone may hold a feature by its polygon and beyond the frame: one part.
    many = index.polygons.size + 1
    pairs, part = np.unique(feature * many + zone, return_inverse=True)
    total = np.bincount(part, amount, minlength=pairs.size)
    feature, zone = pairs // many, pairs % many
    share = total / measures_of(features, kinds)[feature]
    real = share > NEGLIGIBLE
    return which[feature[real]], zone[real], share[real] * measures[which[feature[real]]]


def _laid_out(
    polygons: GeometryArray, grid: Grid, threads: int | None
) -> tuple[NDArray[np.int32], tuple[int, int], BorderCells]:
    """Labels, the frame's first row and column, and border cells."""
    parts, part_zone = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    shells = np.ones(ring_part.size, dtype=np.int64)
    shells[1:] = ring_part[1:] != ring_part[:-1]
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    xs, ys = np.ascontiguousarray(coordinates[:, 0]), np.ascontiguousarray(coordinates[:, 1])
    starts = np.searchsorted(ring, np.arange(len(rings) + 1)).astype(np.int64)
    zones = np.searchsorted(part_zone[ring_part], np.arange(polygons.size + 1)).astype(np.int64)
    _check_size(xs, ys, ring, grid)
    place = (int(grid.origin_m[0]), int(grid.origin_m[1]), int(grid.size_m))

    def work(first: int, last: int) -> Any:
        return zones_in_cells(xs, ys, starts, shells, zones, first, last, place)

    # Piece 0 is all heights of a cell: of a zone that covers a border cell of others.
    pieces = [np.array([[0.0, 0.0, 0.0, grid.size_m, 1.0, 0.0]])]
    held, runs = [np.zeros((0, 5), np.int64)], [np.zeros((0, 5), np.int64)]
    n_pieces = 1
    for wrong, some, here, inside in in_blocks(work, block_bounds(starts[zones], _VERTICES_AT_ONCE), threads):
        if wrong >= 0:
            raise GeometryError(f"Zone {wrong} has a ring that does not close; a valid polygon was expected.")
        here[:, 3:] += n_pieces
        n_pieces += len(some)
        pieces.append(some)
        held.append(here)
        runs.append(inside)
    holds, inside, every_piece = _joined(held), _joined(runs), _joined(pieces)
    low = holds[:, :2].min(axis=0, initial=2**62) if holds.size else np.zeros(2, np.int64)
    high = holds[:, :2].max(axis=0, initial=-(2**62)) if holds.size else low - 1
    labels = np.full(tuple(high - low + 1), NONE, dtype=np.int32)
    n_cells, cell, covers = labelled(labels, int(low[0]), int(low[1]), holds, inside)
    cell = np.concatenate((cell, covers[:, 0]))
    whole = np.column_stack((covers[:, 1], np.zeros(len(covers), np.int64), np.ones(len(covers), np.int64)))
    starts_of_cells = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.bincount(cell, minlength=n_cells))))
    entries = np.concatenate((holds[:, 2:], whole))
    order = np.argsort(cell * max(polygons.size, 1) + entries[:, 0], kind="stable")
    borders = BorderCells(starts_of_cells, entries[order], every_piece)
    return labels, (int(low[0]), int(low[1])), borders


def _joined(blocks: list[NDArray[Any]]) -> NDArray[Any]:
    """Blocks one after another; each is let go of as soon as it is copied."""
    joined = np.empty((sum(map(len, blocks)), *blocks[0].shape[1:]), blocks[0].dtype)
    end = len(joined)
    while blocks:
        block = blocks.pop()
        joined[end - len(block) : end] = block
        end -= len(block)
    return joined


def _check_size(xs: FloatArray, ys: FloatArray, ring: IntArray, grid: Grid) -> None:
    if not xs.size:
        return
    if not (np.abs(xs).max() <= MAX_COORDINATE_M and np.abs(ys).max() <= MAX_COORDINATE_M):
        raise GeometryError(
            f"A zone has a coordinate that is no finite number of metres below {MAX_COORDINATE_M:g}. Check the CRS."
        )
    rows, cols = (np.ptp(values) / grid.size_m + 2 for values in (ys, xs))
    same = ring[1:] == ring[:-1]
    pieces = xs.size + (np.abs(np.diff(xs)) + np.abs(np.diff(ys)))[same].sum() / grid.size_m
    if rows * cols > _MOST_CELLS or pieces > _MOST_PIECES:
        raise GridError(
            f"Zones over {rows:,.0f} x {cols:,.0f} cells of {grid.size_m} m, their borders in about {pieces:,.0f} "
            f"pieces, were given; {_MOST_CELLS:,} cells and {_MOST_PIECES:,} pieces are the most. Check the zones' "
            "CRS, leave out far islands, or make the region's finest grid coarser."
        )


def warm_up() -> None:
    """Compile, or load from the cache, all that zones are found with; see `grids.cell_sums.warm_up`."""
    grid = Grid("EPSG:32632", (0, 0), 100, "inspire")
    zones = np.array([shapely.box(0, 0, 150, 300), shapely.box(150, 0, 300, 300)], dtype=np.object_)
    shapes = (shapely.box(120, 20, 180, 80), shapely.LineString([(120, 20), (180, 80)]), shapely.Point(140, 50))
    column = WkbColumn.from_bytes([shapely.to_wkb(shape) for shape in shapes])
    parts_in_zones(column, parts_in_cells(column, grid), ZoneIndex.of(zones, grid))
