"""Zone sets: unique ids and names, polygons that share no ground."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from gis.crs import metric_crs
from gis.errors import BadValue, DuplicateIds, EmptyLayer, InvalidGeometry, OverlappingZones, listed
from gis.files import file_kind, input_file
from gis.layers import ReadReport, ZoneLayer
from gis.raw import Raw, Request
from gis.readers import cleaned, filtered, named, read_raw
from gis.repair import FAMILIES, none_refused
from gis.sources import ZoneSet
from grids.shared_ground import shared_ground
from grids.wkb import WkbColumn

NOISE_M2 = 1.0
"""Overlaps up to a square metre are digitising noise whatever the zones' size."""


def read_zones(zone_set: ZoneSet, inputs: Path, crs: str) -> ZoneLayer:
    """Read one zone set.

    Collections are unpacked to polygons, invalid ones repaired. Zones must not share ground: overlaps up to
    `overlap_tolerance` of the smaller zone, of a mean width of `overlap_width_m` at most, are cut off the zone later in
    id order and reported, others refused.

    Returns:
        Features sorted by id (as text), RangeIndex: `id`, `name`..., `parent_id` (None where the file has no such
        column), `geometry` (Polygon or MultiPolygon in `crs`).

    Raises:
        BadValue: an empty id.
        DuplicateIds: an id stands twice (without `dissolve: true`).
        OverlappingZones: names both zones and the area.
        InvalidGeometry: a zone that has no geometry or cannot be used, or is invalid with `invalid: refuse`.
        EmptyLayer, ColumnMissing, CrsError ...
    """
    target = metric_crs(crs)
    path = input_file(inputs, zone_set.file)
    report = ReadReport(zone_set.id, zone_set.file, zone_set.layer)
    raw = filtered(read_raw(Request.of(zone_set, path), report), zone_set, report)
    # Relations of neighbours that an extract cuts off are no zones of ours; anything else must be whole.
    expected = len(report.refused) if file_kind(path) == "osm" else 0
    frame = named(raw, zone_set.columns, report, strict=False)
    _require_ids(frame, raw, zone_set)
    without = frame["id"][shapely.is_missing(raw.geometries) | shapely.is_empty(raw.geometries)]
    frame, geometries = cleaned(frame, raw, target, FAMILIES["zones"], zone_set, report)
    none_refused(report, expected)
    if report.empty:  # the region would lose this ground, and all that stands on it, without a word
        raise InvalidGeometry(
            f"zone set {zone_set.id}: {report.empty} zones of {zone_set.file} have no geometry: {listed(without, 5)}; "
            "correct the file, or leave out what is no zone with where"
        )
    if frame.empty:
        raise EmptyLayer(f"zone set {zone_set.id}: {zone_set.file} holds no zone ({report.read} features read)")
    if "parent_id" not in frame:
        frame["parent_id"] = pd.Series([None] * len(frame), dtype=object)
    frame, geometries = _one_per_id(frame, geometries, zone_set, report)
    order = np.argsort(frame["id"].to_numpy(dtype=str), kind="stable")
    frame, geometries = frame.iloc[order].reset_index(drop=True), geometries[order]
    geometries, overlaps = disjoint(geometries, frame["id"].to_numpy(dtype=object), zone_set)
    names = [column for column in frame.columns if column.startswith("name")]
    features = gpd.GeoDataFrame(frame[["id", *names, "parent_id"]], geometry=geometries, crs=target)
    report.verify()
    return ZoneLayer(zone_set.id, features, report, overlaps)


def disjoint(
    geometries: NDArray[np.object_], ids: NDArray[np.object_], zone_set: ZoneSet
) -> tuple[NDArray[np.object_], list[tuple[str, str, float]]]:
    """Cut overlaps off the later zone, or off the larger where the region file says so; refuse those beyond tolerance.

    Args:
        geometries: (n,) valid polygons in a metric CRS, in id order.
        ids: (n,) text.
        zone_set: for the tolerance and messages.

    Returns:
        Geometries, and (id that keeps the ground, id that loses it, m2) of every overlap.
    """
    tolerated: list[tuple[str, str, float]] = []
    refused: list[tuple[float, str]] = []
    result = geometries.copy()
    sizes = shapely.area(geometries)
    shared = shared_ground(WkbColumn.from_geometries(geometries))
    order = np.lexsort((shared.first, shared.second))
    found = (column[order].tolist() for column in (shared.first, shared.second, shared.area_m2))
    for earlier, later, area in zip(*found, strict=True):
        smaller = min(sizes[earlier], sizes[later])
        keeps, loses = earlier, later
        if zone_set.overlaps == "smaller_wins" and sizes[later] < sizes[earlier]:
            keeps, loses = later, earlier  # of all overlaps alike: else three zones could each give way to the next
        try:
            if zone_set.overlaps == "refuse" and area > NOISE_M2:
                width = _mean_width_m(geometries[earlier], geometries[later], area)
                if area > zone_set.overlap_tolerance * smaller or width > zone_set.overlap_width_m:
                    of_smaller = f"{area / smaller:.1%} of the smaller, {width:,.1f} m wide on average"
                    refused.append((area, f"{ids[earlier]} and {ids[later]} share {area:,.0f} m2 ({of_smaller})"))
                    continue
            rest = shapely.difference(result[loses], geometries[keeps])
        except GEOSException as problem:
            raise InvalidGeometry(
                f"zone set {zone_set.id} ({zone_set.file}): {ids[loses]} cannot be cut at {ids[keeps]}, with which it "
                f"shares {area:,.2f} m2 ({problem}); correct their common border"
            ) from problem
        polygons = [part for part in shapely.get_parts(rest) if shapely.get_dimensions(part) == 2]
        result[loses] = polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
        tolerated.append((str(ids[keeps]), str(ids[loses]), area))
    if refused:
        worst = [text for _, text in sorted(refused, key=lambda item: -item[0])]
        raise OverlappingZones(
            f"zone set {zone_set.id} ({zone_set.file}): zones overlap by more than {zone_set.overlap_tolerance:.1%} of "
            f"the smaller, or wider than {zone_set.overlap_width_m:g} m: {listed(worst, 5)}. Ground belongs to one "
            "zone of a set only: correct the file, choose one level of it with where, or say overlaps: smaller_wins to "
            "cut the smaller zones out of the larger"
        )
    lost = [str(name) for name, shape in zip(ids, result, strict=True) if shape.is_empty]
    if lost:
        raise OverlappingZones(
            f"zone set {zone_set.id} ({zone_set.file}): nothing is left of {listed(lost)} beside the others; the file "
            "holds the same ground at several levels: choose one with where"
        )
    return result, tolerated


def _mean_width_m(first: BaseGeometry, second: BaseGeometry, shared_m2: float) -> float:
    """Of the ground that two zones share, as of a strip: its area by half its rim."""
    rim = shapely.length(shapely.intersection(first, second))
    return float(2 * shared_m2 / rim) if rim > 0 else 0.0


def _require_ids(frame: pd.DataFrame, raw: Raw, zone_set: ZoneSet) -> None:
    missing = frame["id"].isna().to_numpy()
    if missing.any():
        names = [column for column in frame.columns if column.startswith("name")]
        who = frame.loc[missing, names[0]] if names else raw.ids[missing]
        raise BadValue(
            f"zone set {zone_set.id}: {int(missing.sum())} zones of {zone_set.file} have an empty id (column "
            f"{zone_set.columns['id']!r}): {listed(who, 5)}; give every zone a code"
        )


def _one_per_id(
    frame: pd.DataFrame, geometries: NDArray[np.object_], zone_set: ZoneSet, report: ReadReport
) -> tuple[pd.DataFrame, NDArray[np.object_]]:
    report.kept = len(frame)
    repeated = frame["id"][frame["id"].duplicated()].unique()
    if not len(repeated):
        return frame, geometries
    if not zone_set.dissolve:
        names = [column for column in frame.columns if column.startswith("name")]
        shown = [
            f"{name} ({', '.join(map(str, frame.loc[frame['id'] == name, names[0]]))})" if names else name
            for name in repeated[:5]
        ]
        raise DuplicateIds(
            f"zone set {zone_set.id}: {len(repeated)} ids of {zone_set.file} stand for several zones: {listed(shown)}; "
            "name a column of unique codes, or say dissolve: true where they are parts of one zone"
        )
    codes, uniques = pd.factorize(frame["id"])
    joined = np.array([shapely.union_all(geometries[codes == code]) for code in range(len(uniques))], dtype=object)
    report.notes.append(f"{len(frame)} parts joined to {len(uniques)} zones")
    return frame.drop_duplicates("id").reset_index(drop=True), joined
