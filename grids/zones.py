"""Zones of one set and between sets: their union, ground that two claim, ground that none has, who is whose parent."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.errors import GeometryError
from grids.measures import AREAS, overlay
from grids.shared_ground import ground_shared_with, shared_ground
from grids.tolerances import NEEDLE_M, SLIVER_M2
from grids.unions import union_of
from grids.wkb import WkbColumn
from grids.zone_parts import check_polygons

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]

NO_PARENT = -1


@dataclass(frozen=True)
class Gap:
    """Ground of a domain that lies in none of the zones.

    Attributes:
        ground: it, without needles; None if there is no such ground.
        needles: how many pieces are too thin to be ground (`NEEDLE_M`): the rounding of borders that are drawn twice.
        needles_m2: their area. What a feature has there goes to the zone beside it, or, if it lies in none, counts as
            gap; lost is nothing.
    """

    ground: BaseGeometry | None
    needles: int = 0
    needles_m2: float = 0.0

    @property
    def pieces(self) -> tuple[tuple[float, float, float], ...]:
        """(m2, x, y) of each piece, the largest first, and a place in it."""
        if self.ground is None:
            return ()
        parts = shapely.get_parts(self.ground)
        places = shapely.point_on_surface(parts)
        areas, xs, ys = shapely.area(parts).tolist(), shapely.get_x(places).tolist(), shapely.get_y(places).tolist()
        return tuple(sorted(zip(areas, xs, ys, strict=True), key=lambda each: (-each[0], each[1], each[2])))


def dissolve(polygons: GeometryArray) -> BaseGeometry:
    """The union of zones as one valid polygon or multipolygon; gaps between them stay gaps.

    Raises:
        GeometryError: no polygons, or an invalid one.
    """
    zones = np.asarray(polygons, dtype=np.object_)
    if not zones.size:
        raise GeometryError("No zones were given; at least one polygon is needed for a boundary.")
    check_polygons(zones, "Zone")
    return union_of(np.asarray(shapely.force_2d(zones), dtype=np.object_))


def gap_between(zones: GeometryArray, domain: BaseGeometry) -> Gap:
    """Find the ground of the domain that lies in none of the zones.

    Args:
        zones: (n,) valid polygons.
        domain: valid polygon or multipolygon in the same CRS.

    Raises:
        GeometryError: the domain cannot be cut.
    """
    polygons = np.asarray(zones, dtype=np.object_)
    if not polygons.size:
        return Gap(None if domain.is_empty else domain)
    one, union = (np.array([shape], dtype=np.object_) for shape in (domain, union_of(polygons)))
    parts = shapely.get_parts(overlay(shapely.difference, one, union, np.array([AREAS]), np.zeros(1, np.int64))[0])
    parts = parts[~shapely.is_empty(parts)]
    area = shapely.area(parts)
    # A needle would cut lines at random.
    wide = area > NEEDLE_M * shapely.length(parts) / 2
    ground = shapely.MultiPolygon(parts[wide].tolist()) if wide.any() else None
    return Gap(ground, int((~wide).sum()), float(area[~wide].sum()))


def without_slivers(
    polygons: GeometryArray,
    names: list[str],
    sliver_m2: float = SLIVER_M2,
    *,
    gap: int | None = None,
    threads: int | None = None,
) -> tuple[GeometryArray, tuple[tuple[int, int, float], ...]]:
    """Zones that share no ground: slivers are cut off the later of two.

    Args:
        polygons: (n,) valid polygons in order.
        names: of each, for messages.
        sliver_m2: ground that two zones may both claim; more is refused.
        gap: position of what is no zone but the ground that zones leave, if there is one.
        threads: how many; changes no bit.

    Returns:
        The zones, and (zone that keeps the ground, zone that lost it, m2) of every sliver.

    Raises:
        GeometryError: zones that share more; names them and the area, the largest first.
    """
    shared = shared_ground(WkbColumn.from_geometries(polygons), threads=threads)
    pairs = tuple(zip(shared.first.tolist(), shared.second.tolist(), shared.area_m2.tolist(), strict=True))
    large = sorted((pair for pair in pairs if pair[2] > sliver_m2), key=lambda pair: -pair[2])
    if large:
        ours = [(i, m2) for i, j, m2 in large if j == gap]
        if len(ours) == len(large):
            told = "; ".join(f"{m2:,.2f} m2 of {names[i]}" for i, m2 in ours[:5])
            raise GeometryError(
                f"The ground that is left beside the zones lies on zones: {told}. It is worked out by an overlay, "
                "nothing that anybody drew, which a border drawn many times over itself can mislead: simplify the "
                f"outline of {names[ours[0][0]]} to a centimetre, or let more than {sliver_m2:g} m2 be cut off as a "
                "sliver (sliver_m2)."
            )
        large = [pair for pair in large if pair[1] != gap]
        listed = "; ".join(f"{names[i]} and {names[j]} share {m2:,.2f} m2" for i, j, m2 in large[:5])
        more = f" (and {len(large) - 5} more pairs)" if len(large) > 5 else ""
        raise GeometryError(
            f"Zones of one set lie on the same ground: {listed}{more}. Ground belongs to one zone only, but for "
            f"slivers up to {sliver_m2:g} m2: correct the zones, or cut the overlaps off one of each pair."
        )
    disjoint = np.array(polygons, dtype=np.object_)
    for keeps, loses, _ in pairs:
        one, other = disjoint[[loses]], disjoint[[keeps]]
        disjoint[loses] = overlay(shapely.difference, one, other, np.array([AREAS]), np.array([loses]))[0]
        if disjoint[loses].is_empty:
            raise GeometryError(
                f"Nothing is left of zone {names[loses]} beside {names[keeps]}: they lie on the same ground. Leave out "
                "one of them."
            )
    return disjoint, pairs


def parents_by_overlap(children: GeometryArray, parents: GeometryArray) -> tuple[IntArray, FloatArray]:
    """The zone of a coarser set that holds most of each zone.

    Args:
        children: (n,) valid polygons.
        parents: (m,) valid polygons in the same CRS that share no ground; the first in order wins a tie.

    Returns:
        (n,) position of the parent, `NO_PARENT` where none shares ground, and (n,) the fraction of the child's area it
        holds.

    Raises:
        GeometryError: what is no polygon, or has coordinates that are no metres.
    """
    found = ground_shared_with(*(WkbColumn.from_geometries(shapely.force_2d(each)) for each in (children, parents)))
    fraction = found.area_m2 / shapely.area(children)[found.first]
    order = np.lexsort((found.second, -np.round(fraction, 12), found.first))
    known, first = np.unique(found.first[order], return_index=True)
    best, held = np.full(children.size, NO_PARENT, dtype=np.int64), np.zeros(children.size)
    best[known] = found.second[order][first]
    held[known] = fraction[order][first]
    return best, held
