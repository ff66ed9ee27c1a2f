"""Ground that a forest map draws twice: it takes up carbon once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from gis.geometry_column import GeometryColumn
from gis.layers import Layer, LeftOut, ReadReport
from gis.sealed_files import is_sealed, write_sealed
from grids.measures import UNCUT
from grids.shared_ground import ground_shared_with, shared_ground

Geometries = NDArray[np.object_]
Objects = NDArray[np.object_]
Positions = NDArray[np.int64]

FOREST = ("forest", "land_cover")
"""Sectors whose features may draw the same ground, within a source and between sources."""

_DECIMALS_OF_M2 = 6  # areas are held against each other: of equal rings that begin elsewhere they differ by rounding
_NOTHING = 1e-9
"""Fraction of a stand below which what is left of it is rounding."""


@dataclass(frozen=True)
class SmallerStands:
    """Which stands share ground with smaller ones, pair by pair.

    Attributes:
        larger: (pairs,) position of the stand that gives way, rising; of one stand, the smaller ones in their order.
        smaller: (pairs,) geometry of the stand that keeps the ground.
    """

    larger: Positions
    smaller: GeometryColumn

    @classmethod
    def of(cls, stands: GeometryColumn) -> Self:
        """Find the pairs among (n,) valid polygons in a metric CRS; of equal ones the first counts as the smaller."""
        shared = shared_ground(stands.wkb)
        sizes = np.round(stands.areas, _DECIMALS_OF_M2)
        first_is_larger = sizes[shared.first] > sizes[shared.second]
        larger = np.where(first_is_larger, shared.first, shared.second)
        smaller = np.where(first_is_larger, shared.second, shared.first)
        order = np.lexsort((smaller, larger))
        return cls(larger[order], stands.take(smaller[order]))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Pairs of the same larger stands with smaller ones of several parts."""
        larger: Positions = np.concatenate([np.zeros(0, np.int64), *(part.larger for part in parts)])
        nothing = GeometryColumn.of_arrow(pa.array([], pa.large_binary()))
        order = np.argsort(larger, kind="stable")
        return cls(larger[order], GeometryColumn.joined([nothing, *(part.smaller for part in parts)]).take(order))

    def each(self) -> Iterator[tuple[int, Geometries]]:
        """Each stand that gives way, in order, with the smaller ones as objects."""
        found, begins = np.unique(self.larger, return_index=True)
        yield from zip(found.tolist(), np.split(self.smaller.objects(), begins[1:]), strict=False)


@dataclass(frozen=True)
class SmallerStandsFile:
    """The pairs of a whole source on disk, larger stands by their row in it, for whoever reads it in parts."""

    path: Path

    @classmethod
    def make(cls, stands: SmallerStands, rows: Positions, path: Path) -> Self:
        """Write the pairs beside and rename; `rows` (n,) is where each stand lies in the file, rising."""
        table = pa.table({"row": rows[stands.larger], "smaller": stands.smaller.arrow()})

        def write(fresh: Path) -> None:
            with pa.OSFile(str(fresh), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)

        write_sealed(path, write)
        return cls(path)

    @property
    def is_whole(self) -> bool:
        """Whether the file is there as it was written; one that is not is made anew."""
        return is_sealed(self.path)

    def among(self, rows: Positions) -> SmallerStands:
        """The pairs whose larger stand is one of these rows of the source, (n,) rising, by its place among them."""
        table = self._table()
        of = table["row"].to_numpy()
        first, last = np.searchsorted(of, (rows[0], rows[-1] + 1)) if len(rows) else (0, 0)
        mine = table.slice(int(first), int(last - first))
        return SmallerStands(np.searchsorted(rows, mine["row"].to_numpy()), GeometryColumn.of_arrow(mine["smaller"]))

    def _table(self) -> pa.Table:
        return pa.ipc.open_file(pa.memory_map(str(self.path))).read_all()


@dataclass(frozen=True)
class GroundOnce:
    """Polygons that share no ground.

    Attributes:
        geometry: (n,) the same ground as before, each piece in one polygon; as it was where nothing is left.
        cut: (n,) whether the polygon gave ground away.
        gone: (n,) whether nothing is left of it, or GEOS gave up at it.
        shared_m2: planar area that polygons gave away.
        uncut: position -> why GEOS gave up.
    """

    geometry: GeometryColumn
    cut: NDArray[np.bool_]
    gone: NDArray[np.bool_]
    shared_m2: float
    uncut: Mapping[int, str] = field(default_factory=dict)

    def account(self, names: Objects, areas: NDArray[np.float64], why: str, report: ReadReport) -> None:
        """Tell a report of the polygons that are gone, and what those amount to at which GEOS gave up.

        Args:
            names: (n,) ids of the polygons.
            areas: (n,) m2 before.
            why: of those whose ground is all given away.
            report: gets them as refused.
        """
        gone = np.flatnonzero(self.gone).tolist()
        report.refused.extend((str(names[place]), self.uncut.get(place, why)) for place in gone)
        if self.uncut:
            hectares = float(areas[list(self.uncut)].sum()) / 10_000
            report.left_out = report.left_out + LeftOut(len(self.uncut), {"area_ha": hectares})


def ground_once(stands: GeometryColumn, smaller: SmallerStands) -> GroundOnce:
    """Leave ground that several polygons cover to the smallest of them, which says most about it.

    A clearing planted with larch inside a mapped wood keeps its own leaf type; of equal polygons the first keeps the
    ground. The union of all polygons stays what it was.

    Args:
        stands: (n,) valid polygons or multipolygons in a metric CRS.
        smaller: with which smaller ones they share ground; all of those of the source.
    """
    cut = np.zeros(len(stands), dtype=np.bool_)
    gone = np.zeros(len(stands), dtype=np.bool_)
    which = np.unique(smaller.larger)
    left = np.empty(len(which), dtype=object)
    uncut: dict[int, str] = {}
    given_m2 = 0.0
    for place, (index, others) in enumerate(smaller.each()):
        [stand] = stands.objects(np.array([index]))
        try:
            rest = _polygonal(shapely.difference(stand, shapely.union_all(others)))
        except GEOSException as problem:
            uncut[index], cut[index], gone[index] = f"{UNCUT} [{problem}]", True, True
            continue
        kept_m2 = float(shapely.area(rest))
        left[place], cut[index], gone[index] = rest, True, kept_m2 <= _NOTHING * stands.areas[index]
        given_m2 += float(stands.areas[index]) - (0.0 if gone[index] else kept_m2)
    stays = ~gone[which]
    return GroundOnce(stands.replaced(which[stays], left[stays]), cut, gone, given_m2, uncut)


def _polygonal(geometry: BaseGeometry) -> BaseGeometry:
    """What of a difference is ground: lines and points are where borders touch."""
    parts = shapely.get_parts(geometry)
    parts = shapely.get_parts(parts[shapely.get_dimensions(parts) == 2])
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts))


def _shared_with(stands: GeometryColumn, others: GeometryColumn) -> SmallerStands:
    """Which stands share ground with which others, that keep it; with bytes of their own."""
    shared = ground_shared_with(stands.wkb, others.wkb)
    return SmallerStands(shared.first, GeometryColumn.of_arrow(others.take(shared.second).arrow()))


def without_ground(layer: Layer, taken: Iterable[GeometryColumn]) -> Layer:
    """A forest map less the ground of the maps listed before it, which say what stands there.

    Args:
        layer: as read.
        taken: polygons of the maps before, in the layer's CRS, in parts; of each those are kept that share ground.

    Returns:
        The layer, with stands that have no ground left refused in its report, and the ground given away in it.
    """
    stands = layer.geometry
    once = ground_once(stands, SmallerStands.joined([_shared_with(stands, part) for part in taken]))
    if once.shared_m2 <= _NOTHING * float(stands.areas.sum()) and not once.uncut:
        return layer  # neighbours that only touch
    report = layer.report
    names = layer.table["id"].to_numpy(dtype=object)
    once.account(names, stands.areas, "all of its ground lies in a forest map listed before", report)
    report.ground.to_earlier_m2 += once.shared_m2
    report.kept = int((~once.gone).sum())
    table = layer.table[~once.gone].reset_index(drop=True)
    return Layer(layer.id, layer.sector, table, once.geometry.take(~once.gone), layer.crs, layer.open, report)
