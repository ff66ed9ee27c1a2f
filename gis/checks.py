"""Named checks of what was read: each says what, how many, which, and the remedy; none stops anything by itself."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.errors import listed
from gis.layers import Layer, ReadReport, ZoneLayer
from gis.sources import METER_COLUMN

Level = Literal["error", "warning", "info"]

GAP_SHARE = 1e-6
"""Ground of the boundary in no zone up to which it is rounding."""
PARENT_SHARE = 0.001
"""Difference of a parent's area and its children's up to which borders were merely drawn twice."""


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know of a layer or zone set."""

    level: Level
    layer: str
    what: str
    count: int
    examples: tuple[str, ...] = ()
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "examples": list(self.examples)}


@dataclass(frozen=True)
class Plausible:
    """Values of one column beyond which a mistake of unit or typing is likelier than the value."""

    low: float
    high: float
    level: Level
    remedy: str


PLAUSIBLE: dict[str, Plausible] = {
    "levels": Plausible(0.5, 200, "warning", "check whether heights stand in the column of levels"),
    "height_m": Plausible(0.5, 900, "warning", "check the unit: feet and centimetres look like this"),
    "year_built": Plausible(1000, 2100, "warning", "check the column: dates and codes look like this"),
    "floor_area_m2": Plausible(1, 2_000_000, "warning", "check the unit: square feet are 10.76 times larger"),
    "lanes": Plausible(0.5, 20, "warning", "check the column"),
    "aadt": Plausible(0, 500_000, "error", "vehicles per day of both directions; leave unknown ones empty"),
    "age_years": Plausible(0, 1500, "warning", "check the column: years of planting look like this"),
    "increment_m3_ha": Plausible(0, 60, "warning", "m3 per hectare and year; check the unit"),
    "population": Plausible(0, 50_000_000, "error", "residents of the feature; leave unknown ones empty"),
    "jobs": Plausible(0, 50_000_000, "error", "jobs in the feature; leave unknown ones empty"),
}
_METER = Plausible(0, np.inf, "warning", "what feeds back into the grid is not use; leave unknown ones empty")
"""Of a whole year; single readings of long tables are counted by `gis.meter_sums`."""


MOST, MOST_METERED = 1e12, 1e18
"""Larger than anything that one feature has (the Earth has 5e14 m2, and uses 1e18 Wh in two weeks): beyond them a build
stops, before sums of such values are no numbers any more."""


class _Findings:
    """Findings of one layer as they are made; what concerns nothing is not told."""

    def __init__(self, layer: str, ids: NDArray[np.object_] | None = None) -> None:
        self.layer = layer
        self.ids = np.empty(0, dtype=object) if ids is None else ids
        self.made: list[Finding] = []

    def tell(self, level: Level, what: str, count: int = 1, examples: Iterable[object] = (), remedy: str = "") -> None:
        if count:
            shown = tuple(str(example) for example in islice(examples, 5))
            self.made.append(Finding(level, self.layer, what, count, shown, remedy))

    def mark(self, level: Level, what: str, where: NDArray[np.bool_], remedy: str = "") -> None:
        self.tell(level, what, int(where.sum()), self.ids[np.flatnonzero(where)[:5]], remedy)


_Check = Callable[[Layer, BaseGeometry, BaseGeometry, _Findings], None]


def check_layer(layer: Layer, boundary: BaseGeometry, domain: BaseGeometry) -> list[Finding]:
    """Run every check on one layer.

    Args:
        layer: as read.
        boundary: the region, in the layer's CRS.
        domain: boundary and the source's coverage together.

    Returns:
        Findings, errors first; an `info` with counts and extent always among them.
    """
    checks: tuple[_Check, ...] = (
        *(_check_counts, _check_geometry, _check_missing, _check_repeated),
        *(_check_place, _check_plausible, _check_joins),
    )
    found = _Findings(layer.id, layer.table["id"].to_numpy(dtype=object))
    for check in checks:
        check(layer, boundary, domain, found)
    return ranked(found.made)


def implausible(layer: Layer) -> list[Finding]:
    """Values beyond what their column can mean, errors first; a build refuses or tells them, a check lists them."""
    found = _Findings(layer.id, layer.table["id"].to_numpy(dtype=object))
    nowhere = shapely.Polygon()
    _check_plausible(layer, nowhere, nowhere, found)
    return ranked(found.made)


def ranked(findings: list[Finding]) -> list[Finding]:
    """Errors, then warnings, then the rest; otherwise in the order found."""
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(findings, key=lambda finding: order[finding.level])


def check_report(report: ReadReport, layer: str) -> list[Finding]:
    """What a read report tells: what was not kept and why, what was changed, what could not be read."""
    found = _Findings(layer)
    reasons: dict[str, list[str]] = {}
    for name, reason in report.refused:
        reasons.setdefault(reason.split("[")[0].strip(), []).append(name)  # validity reasons end in [coordinates]
    for reason, names in sorted(reasons.items()):
        found.tell("warning", f"refused: {reason}", len(names), names, "correct these features in the file")
    before, after = report.repaired.area_before_m2, report.repaired.area_after_m2
    areas = "" if before is None or after is None else f"; area {before:,.0f} m2 before, {after:,.0f} m2 after"
    found.tell("warning", f"invalid geometries, repaired{areas}", report.repaired.count, report.repaired.ids)
    if report.unit == "features":
        remedy = "they count nowhere: draw them, or leave them out with where"
        found.tell("warning", "without geometry", report.empty, report.empty_ids, remedy)
    found.tell("warning", "whole repetitions of another feature, kept once", report.duplicates)
    found.tell("info", "outside the region's bounds, not read further", report.outside)
    found.tell("info", "left out by where, or by what the layer is", report.filtered)
    larger = "take an extract with complete ways, a little larger than the region"
    found.tell("warning", "nodes that clipped ways name and the extract lacks", report.missing_nodes, (), larger)
    for column, bad in sorted(report.unparsable.items()):
        found.tell("warning", f"values of {column} that are no numbers, taken as unknown", bad.count, bad.examples)
    ground = report.ground
    once = f"stands cover ground of smaller ones: {ground.to_smaller_m2 / 1e4:,.1f} ha drawn more than once count once"
    found.tell("info", once, ground.stands)
    if ground.to_earlier_m2 > 0:
        found.tell("info", f"{ground.to_earlier_m2 / 1e4:,.1f} ha lie in a forest map listed before and count there")
    for note in report.notes:
        found.tell("info", note)
    return found.made


def _check_counts(layer: Layer, boundary: BaseGeometry, domain: BaseGeometry, found: _Findings) -> None:
    report = layer.report
    west, south = np.nanmin(layer.geometry.bounds[:, :2], axis=0)
    east, north = np.nanmax(layer.geometry.bounds[:, 2:], axis=0)
    extent = f"from ({west:.0f}, {south:.0f}) to ({east:.0f}, {north:.0f}) m"
    shapes = listed(sorted(set(layer.features.geom_type)))
    found.tell("info", f"{report.kept} of {report.read} features kept ({shapes}), {extent}", report.kept)
    found.made += check_report(report, layer.id)


def _check_geometry(layer: Layer, boundary: BaseGeometry, domain: BaseGeometry, found: _Findings) -> None:
    shapes = layer.features.geometry.to_numpy()
    found.mark("error", "invalid geometries", ~shapely.is_valid(shapes), "say invalid: repair for this source")
    dimension = shapely.get_dimensions(shapes)
    flat = (dimension == 2) & (shapely.area(shapes) < 0.01)
    found.mark(
        "warning", "areas of no extent (under 0.01 m2)", flat, "they carry nothing per square metre; remove them"
    )
    short = (dimension == 1) & (shapely.length(shapes) < 0.01)
    found.mark("warning", "lines of no length (under 1 cm)", short, "they carry no traffic; remove them")


def _check_missing(layer: Layer, boundary: BaseGeometry, domain: BaseGeometry, found: _Findings) -> None:
    for column in layer.table.columns:
        if column == "id":
            continue
        missing = layer.table[column].isna().to_numpy(dtype=bool)
        if missing.all():
            remedy = "check the column's name in the region file"
            found.mark("warning", f"no feature has a value in {column}", missing, remedy)
        else:
            found.mark("info", f"no value in {column} ({missing.mean():.0%} of features)", missing)


def _check_repeated(layer: Layer, boundary: BaseGeometry, domain: BaseGeometry, found: _Findings) -> None:
    twice = layer.table["id"].duplicated(keep=False).to_numpy(dtype=bool)
    found.mark("error", "ids that stand for several features", twice, "name a column of unique ids")
    shapes = layer.features.geometry.to_numpy()
    same = pd.Series(shapely.to_wkb(shapely.normalize(shapes))).duplicated().to_numpy(dtype=bool)
    points = shapely.get_dimensions(shapes) == 0
    remedy = "drawn twice, they count twice: remove one of each"
    found.mark("warning", "same geometry as another feature", same & ~points, remedy)
    found.mark("info", "points at the place of another", same & points)


def _check_place(layer: Layer, boundary: BaseGeometry, domain: BaseGeometry, found: _Findings) -> None:
    shapes = layer.features.geometry.to_numpy()
    shapely.prepare(boundary)
    shapely.prepare(domain)
    met, within = shapely.intersects(boundary, shapes), shapely.covers(boundary, shapes)
    if not met.any():
        box = tuple(round(value) for value in boundary.bounds)
        remedy = "check the crs of the source and the order of its coordinates"
        found.mark("error", f"no feature lies in the region, whose bounds are {box}", ~met, remedy)
        return
    found.mark("info", "features wholly outside the region", ~met)
    found.mark("info", "features cut by the region's boundary", met & ~within)
    beyond = met & ~shapely.intersects(domain, shapes)
    remedy = "widen coverage in the region file, or leave these features out"
    found.mark("warning", "features outside the source's own coverage", beyond, remedy)
    share = domain.area / boundary.area if boundary.area else 0.0
    if share < 1 - 1e-9:
        found.tell("info", f"covers {share:.1%} of the region; elsewhere its sector is unknown, not zero")


def _check_plausible(layer: Layer, boundary: BaseGeometry, domain: BaseGeometry, found: _Findings) -> None:
    for column in layer.table.columns:
        if layer.table[column].dtype != np.float64:
            continue
        values = layer.table[column].to_numpy()
        most = MOST_METERED if METER_COLUMN.match(str(column)) else MOST
        endless = np.abs(values) > most
        if endless.any():
            files = [layer.report.file, *(join.file for join in layer.report.joins)]
            remedy = f"no feature has that much; correct them in {' or '.join(files)}"
            found.mark("error", f"{column} beyond {most:g}: {values[endless][0]:g}", endless, remedy)
        rule = _rule(str(column))
        if rule is None:
            continue
        odd = (values < rule.low) | (values > rule.high)
        if odd.any():
            seen = f"{values[odd].min():g} to {values[odd].max():g}"
            found.mark(rule.level, f"{column} outside {rule.low:g} to {rule.high:g}: {seen}", odd, rule.remedy)


def _rule(column: str) -> Plausible | None:
    if column in PLAUSIBLE:
        return PLAUSIBLE[column]
    if column.startswith(("aadt_", "population_", "jobs_")):
        return PLAUSIBLE[column.split("_")[0]]
    return _METER if METER_COLUMN.match(column) else None


def _check_joins(layer: Layer, boundary: BaseGeometry, domain: BaseGeometry, found: _Findings) -> None:
    for join in layer.report.joins:
        file = join.file
        found.tell("info", f"{file}: {join.keys_matched} of {join.keys} keys matched, {join.rows} rows")
        level: Level = "warning" if join.keys_matched else "error"
        remedy = "check key and on; compare the two columns' values"
        unknown = join.keys_unmatched_examples
        found.tell(level, f"{file}: keys that no feature has", join.keys_unmatched, unknown, remedy)
        found.tell("info", f"{file}: features that the table does not know", join.features_unmatched)
        found.tell("warning", f"{file}: rows without a key", join.rows_without_key)
        how = "which count once" if join.repeats_count_once else "which add up"
        remedy = "as repeats says in the region file: once for a table appended twice, sum for meters that read alike"
        repeated = f"{file}: rows equal to another in key, month, carrier and amount, {how}"
        found.tell("warning", repeated, join.repeated_rows, (), remedy)
        found.tell("info", f"{file}: keys with several rows", join.duplicate_keys, join.duplicate_examples)
        found.tell("info", f"{file}: missing values", join.values_missing)
        remedy = "what feeds back into the grid is not use; a year's sum hides it: correct them, or leave them out"
        negative = f"{file}: readings below zero, which keep their sign"
        found.tell("warning", negative, join.negative_rows, join.negative_examples, remedy)
        for column, count in sorted(join.incomplete_years.items()):
            done = "scaled to 12 and marked" if f"{column}_months" in join.columns else "taken as unknown"
            found.tell("warning", f"{file}: {column}: years with fewer than 12 months, {done}", count)
        for column, bad in sorted(join.unparsable.items()):
            what = f"{file}: values of {column!r} that are no numbers, taken as unknown"
            found.tell("warning", what, bad.count, bad.examples)


def check_zones(zones: ZoneLayer, boundary: BaseGeometry, parents: ZoneLayer | None = None) -> list[Finding]:
    """Run every check on one zone set.

    Args:
        zones: as read.
        boundary: the region, in the zones' CRS.
        parents: the zone set named as parent.

    Returns:
        Findings on overlaps, gaps within the boundary, names, missing parents, parents' areas against their children's.
    """
    shapes = zones.features.geometry.to_numpy()
    found = _Findings(zones.id, zones.features["id"].to_numpy(dtype=object))
    found.tell("info", f"{len(shapes)} zones, {shapely.area(shapes).sum() / 1e6:,.1f} km2", len(shapes))
    found.made += check_report(zones.report, zones.id)
    worst = sorted(zones.overlaps, key=lambda item: -item[2])
    area = sum(item[2] for item in worst)
    shown = (f"{keeps} and {loses}: {m2:,.1f} m2" for keeps, loses, m2 in worst)
    found.tell("warning", f"overlaps, left to one of the two zones ({area:,.1f} m2 in all)", len(worst), shown)
    gap = shapely.area(shapely.difference(boundary, shapely.union_all(shapes)))
    if boundary.area and gap > GAP_SHARE * boundary.area:
        where = f"{gap / 1e6:,.3f} km2 of the region ({gap / boundary.area:.2%}) lie in no zone"
        found.tell("info", f"{where}; what is there stays in the set's remainder")
    for column in (name for name in zones.features.columns if name.startswith("name")):
        found.mark("warning", f"zones without {column}", zones.features[column].isna().to_numpy(dtype=bool))
    if parents is not None and not zones.features["parent_id"].isna().all():
        _check_parents(zones, parents, found)  # without parent_id, parents are found by largest overlap
    return ranked(found.made)


def _check_parents(zones: ZoneLayer, parents: ZoneLayer, found: _Findings) -> None:
    given = zones.features["parent_id"]
    lost = (~given.isin(set(parents.features["id"]))).to_numpy(dtype=bool)
    pairs = [f"{name} -> {parent}" for name, parent in zip(zones.features["id"][lost], given[lost], strict=True)]
    remedy = "correct parent_id, or drop the column: parents are then found by largest overlap"
    found.tell("error", f"zones whose parent is not in {parents.id}", len(pairs), pairs, remedy)
    children = pd.Series(zones.features.area.to_numpy()).groupby(given.to_numpy()).sum()
    areas = pd.Series(parents.features.area.to_numpy(), index=parents.features["id"])
    differ = (children.reindex(areas.index).fillna(0.0) / areas - 1).abs()
    off = differ[differ > PARENT_SHARE].sort_values(ascending=False)
    shown = [f"{name}: {share:.2%}" for name, share in off.items()]
    remedy = "borders of the two sets differ; totals then differ too"
    found.tell("warning", f"zones of {parents.id} whose area is not that of their children", len(off), shown, remedy)
