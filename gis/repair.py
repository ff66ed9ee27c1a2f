"""Geometry as a layer needs it: two dimensions, valid, of the sector's dimension; every change counted."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import GeometryType, MultiLineString, MultiPoint, MultiPolygon
from shapely.geometry.base import BaseGeometry

from gis.errors import InvalidGeometry, WrongGeometry, listed
from gis.geometry_column import GeometryColumn
from gis.layers import MOST_EXAMPLES, ReadReport
from grids.effort import too_tangled
from grids.errors import UncutGeometry
from grids.measures import repaired
from grids.ring_kernels import MAX_COORDINATE_M

Family = Literal["polygon", "line", "point"]
FARTHEST = MAX_COORDINATE_M
"""Metres (or degrees) beyond which nothing on earth lies, and nothing is shared out."""

Geometries = NDArray[np.object_]

_FAMILY_OF: dict[int, Family] = {
    GeometryType.POLYGON: "polygon",
    GeometryType.MULTIPOLYGON: "polygon",
    GeometryType.LINESTRING: "line",
    GeometryType.LINEARRING: "line",
    GeometryType.MULTILINESTRING: "line",
    GeometryType.POINT: "point",
    GeometryType.MULTIPOINT: "point",
}
FAMILIES: dict[str, tuple[Family, ...]] = {
    "buildings": ("polygon", "point"),
    "transport": ("line",),
    "forest": ("polygon",),
    "land_cover": ("polygon",),
    "population": ("polygon", "point"),
    "jobs": ("polygon", "point"),
    "zones": ("polygon",),
}
"""What a sector's features may be."""


@dataclass(frozen=True)
class Cleaned:
    """Geometries of the kept features, in order, and their positions in what was given."""

    geometry: GeometryColumn
    positions: NDArray[np.int64]


def clean(
    geometry: GeometryColumn,
    ids: NDArray[np.object_],
    families: tuple[Family, ...],
    policy: Literal["repair", "refuse"],
    report: ReadReport,
    *,
    whole: bool = True,
) -> Cleaned:
    """Unpack collections, repair what is invalid and refuse what cannot be used; fills `report`.

    Only what is not surely valid, or not of the sector's dimension, meets GEOS.

    What is invalid is repaired as everywhere (`grids.measures.repaired`): ground drawn twice stays ground.

    Args:
        geometry: (n,) in the layer's CRS, missing ones allowed.
        ids: (n,) text.
        families: what the sector allows; of a mixed collection the first of them present is kept.
        policy: `refuse` refuses invalid geometries feature by feature.
        report: counts of empty, refused and repaired are added.
        whole: whether these are all features of the source, so that it can be said that none is of an allowed type.

    Returns:
        The kept geometries and their positions.

    Raises:
        WrongGeometry: none of the features is of an allowed type.
    """
    wanted = [int(kind) for kind, family in _FAMILY_OF.items() if family in families]
    near = (np.abs(geometry.bounds) <= FARTHEST).all(axis=1)
    sure = geometry.sound & near & np.isin(geometry.types, wanted)
    doubtful = np.flatnonzero(~sure)
    if not doubtful.size:
        return Cleaned(geometry, np.arange(len(geometry)))
    alone = whole and not sure.any()
    geoms, kept = _judged(geometry.objects(doubtful), ids[doubtful], families, policy, report, alone=alone)
    sure[doubtful[kept]] = True
    positions = np.flatnonzero(sure)
    return Cleaned(geometry.replaced(doubtful[kept], geoms[kept]).take(positions), positions)


def _judged(
    geometries: Geometries,
    ids: NDArray[np.object_],
    families: tuple[Family, ...],
    policy: Literal["repair", "refuse"],
    report: ReadReport,
    *,
    alone: bool,
) -> tuple[Geometries, NDArray[np.int64]]:
    """Geometries that GEOS has judged, and which are kept; `alone` if the source has no others."""
    refusals: dict[int, str] = {}
    missing = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    report.empty += int(missing.sum())
    report.empty_ids = [*report.empty_ids, *map(str, ids[missing][:MOST_EXAMPLES])][:MOST_EXAMPLES]
    geoms = geometries.copy()
    finite = _finite(geoms)
    for index in np.flatnonzero(~missing & ~finite).tolist():
        refusals[index] = (
            "coordinates that are not finite or not on earth, or lie where the region's CRS is not defined"
        )

    usable = np.flatnonzero(~missing & finite)
    geoms, wrong = _of_families(geoms, usable, families)
    for position, kind in wrong.items():
        refusals[position] = f"is a {kind}, expected {' or '.join(families)}"
    if alone and len(usable) and len(wrong) == len(usable):
        kinds = sorted(set(wrong.values()))
        raise WrongGeometry(
            f"{report.file}{f', layer {report.layer}' if report.layer else ''}: holds {listed(kinds)} geometries only; "
            f"source {report.source} needs {' or '.join(families)}"
        )

    usable = usable[~np.isin(usable, list(wrong))] if wrong else usable
    tangled = {int(usable[k]): f"invalid: {reason}" for k, reason in too_tangled(geoms[usable]).items()}
    refusals |= tangled
    usable = usable[~np.isin(usable, list(tangled))] if tangled else usable
    invalid = usable[~shapely.is_valid(geoms[usable])]
    if len(invalid) and policy == "refuse":
        for index, reason in zip(invalid, shapely.is_valid_reason(geoms[invalid]), strict=True):
            refusals[int(index)] = f"invalid: {reason}"
    elif len(invalid):
        before = np.abs(shapely.area(geoms[invalid]))
        fixed, given_up = _fixed(geoms[invalid])
        for place, (index, geometry, area) in enumerate(zip(invalid, fixed, before, strict=True)):
            kept = None if place in given_up else _part(geometry, families)
            if kept is None or kept.is_empty:
                refusals[int(index)] = given_up.get(place, "invalid, and nothing of it is left after repair")
                continue
            geoms[index] = kept
            report.repaired.count += 1
            report.repaired.area_before_m2 = (report.repaired.area_before_m2 or 0.0) + float(area)
            report.repaired.area_after_m2 = (report.repaired.area_after_m2 or 0.0) + float(shapely.area(kept))
            report.repaired.ids.append(str(ids[index]))
    report.refused.extend((str(ids[index]), reason) for index, reason in sorted(refusals.items()))
    keep = usable[~np.isin(usable, list(refusals))] if refusals else usable
    return geoms, keep


def _fixed(invalid: Geometries) -> tuple[Geometries, dict[int, str]]:
    """Geometries made valid, and by position why GEOS gave up at some, which are None."""
    try:
        return repaired(invalid), {}
    except UncutGeometry as error:
        fixed = np.full(len(invalid), None, dtype=object)
        others = np.setdiff1d(np.arange(len(invalid)), list(error.reasons))
        fixed[others] = repaired(invalid[others])
        return fixed, error.reasons


def none_refused(report: ReadReport, since: int = 0) -> None:
    """Raise InvalidGeometry if any feature was refused after the first `since`: a zone set must be whole."""
    refused = report.refused[since:]
    if refused:
        shown = listed((f"{name} ({reason})" for name, reason in refused), 5)
        raise InvalidGeometry(
            f"{report.file}: {len(refused)} areas of {report.source} cannot be used: {shown}; repair them in a GIS, or "
            "leave out what is no zone with where"
        )


def _finite(geometries: Geometries) -> NDArray[np.bool_]:
    bounds = shapely.bounds(geometries)
    # Bounds skip NaN but not infinity; total_bounds of a geometry with a NaN vertex needs the coordinates.
    coordinates, owner = shapely.get_coordinates(geometries, return_index=True)
    finite = np.asarray(np.isfinite(bounds).all(axis=1), dtype=bool)
    bad = owner[~(np.abs(coordinates) <= FARTHEST).all(axis=1)]
    finite[bad] = False
    return finite


def _of_families(
    geometries: Geometries, usable: NDArray[np.int64], families: tuple[Family, ...]
) -> tuple[Geometries, dict[int, str]]:
    """Unpack collections to a wanted family; positions that hold no wanted type, with their type's name."""
    geoms = geometries.copy()
    types = shapely.get_type_id(geoms[usable])
    wanted = [kind for kind, family in _FAMILY_OF.items() if family in families]
    wrong: dict[int, str] = {}
    for index in usable[~np.isin(types, wanted)]:
        part = _part(geoms[index], families)
        if part is None:
            wrong[int(index)] = geoms[index].geom_type
        else:
            geoms[index] = part
    return geoms, wrong


def _part(geometry: BaseGeometry, families: tuple[Family, ...]) -> BaseGeometry | None:
    """The parts of the first wanted family present, as one geometry; None when there are none."""
    leaves = _leaves(geometry)
    for family in families:
        parts = [leaf for leaf in leaves if _FAMILY_OF.get(int(shapely.get_type_id(leaf))) == family]
        if parts:
            return parts[0] if len(parts) == 1 else _gather(parts, family)
    return None


def _leaves(geometry: BaseGeometry) -> list[Any]:
    parts = shapely.get_parts(geometry)
    same = len(parts) == 1 and shapely.get_type_id(parts[0]) == shapely.get_type_id(geometry)
    if same and geometry.geom_type != "GeometryCollection":  # which may hold another one
        return [] if geometry.is_empty else [geometry]
    return [leaf for part in parts for leaf in _leaves(part)]


def _gather(parts: list[Any], family: Family) -> BaseGeometry:
    if family == "line":
        return MultiLineString(parts)
    if family == "point":
        return MultiPoint(parts)
    return MultiPolygon(parts)  # members that overlap make it invalid, and it is repaired and counted as such
