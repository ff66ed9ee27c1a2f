"""Reading a source whatever its format: find, read, filter, project, clean, type, join; every feature accounted for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.crs import LONLAT, Bounds, around, metric_crs, moved_bounds, united
from gis.encodings import check_text
from gis.errors import ColumnMissing, DuplicateIds, EmptyLayer, WrongGeometry, listed
from gis.files import file_kind, input_file
from gis.geometry_column import GeometryColumn
from gis.joins import JoinedTable, join_table
from gis.layers import Layer, ReadReport, Unparsable
from gis.osm import read_osm
from gis.overlaps import FOREST, SmallerStands, SmallerStandsFile, ground_once
from gis.raw import Opened, Progress, Raw, Request, Span
from gis.repair import FAMILIES, Family, clean, none_refused
from gis.sources import ContextSource, Coverage, Source, ZoneSet
from gis.tables import read_points
from gis.values import is_numeric_column, matches, numbers, texts
from gis.vector import read_vector
from gis.whereabouts import whereabouts

_ROW = "row in file"
"""A column that frames carry while features are dropped from them, so that joined rows are found again."""

_CONTEXT_FAMILIES: dict[str, tuple[Family, ...]] = {
    "water": ("polygon", "line"),
    "green": ("polygon",),
    "roads": ("line",),
    "places": ("point",),
    "boundaries": ("line", "polygon"),
    "stops": ("point",),
}


def read_source(
    source: Source,
    inputs: Path,
    crs: str,
    bounds_lonlat: Bounds | None = None,
    progress: Progress | None = None,
    span: Span | None = None,
    joined: Sequence[JoinedTable] | None = None,
    smaller: SmallerStandsFile | None = None,
    opened: Opened | None = None,
) -> Layer:
    """Read one vector, table or OSM source into a layer.

    Args:
        source: as validated from the region file.
        inputs: folder of the input files.
        crs: the region's metric CRS.
        bounds_lonlat: (west, south, east, north) of the region in degrees; features whose bounding box does not meet
            it are dropped while reading and counted as outside.
        progress: called with a text and the fraction done.
        span: read only these rows of a GeoParquet file (`gis.spans`); what is left of them may be nothing.
        joined: the source's joins, made for all of its features beforehand; their reports are not repeated here.
        smaller: of stands read in spans, which share ground with smaller ones of the whole source (`settle_stands`).
        opened: opens GeoParquet where it is kept, if it is not to be read from the inputs folder.

    Returns:
        A layer in `crs` with RangeIndex, unique text `id`, our column names: numbers float64 (NaN unknown), text
        object (None unknown); its report accounts for every feature of the file.

    Raises:
        GisError: see gis.errors; the message names file, layer, column or feature, and the remedy.
    """
    if source.is_raster:
        raise WrongGeometry(f"source {source.id}: {source.file} is a raster; gis.raster.class_runs reads it in windows")
    target = metric_crs(crs)
    path = input_file(inputs, source.file)
    report = ReadReport(source.id, source.file, source.layer)
    raw = read_raw(Request.of(source, path, bounds_lonlat, progress, span, opened), report)
    raw = filtered(raw, source, report, some=span is None)
    raw = inside(raw, bounds_lonlat, report)
    lenient = file_kind(path) == "osm"
    frame = named(raw, source.columns, report, strict=not lenient)
    frame[_ROW] = raw.rows
    if isinstance(source.classes, dict) and "class_code" in frame and "land_cover" not in frame:
        frame["land_cover"] = frame["class_code"].map(source.classes).astype(object)
    frame, geometry = cleaned_column(frame, raw, target, FAMILIES[source.sector], source, report, whole=span is None)
    if span is None:  # ids of a source in spans are unique
        frame, geometry = without_duplicates(frame, geometry, report)
    if source.sector in FOREST:
        begin = span.first_row if span else 0
        pairs = SmallerStands.of(geometry) if smaller is None else smaller.among(begin + frame[_ROW].to_numpy())
        frame, geometry = without_shared_ground(frame, geometry, pairs, report)
    if frame.empty and span is None:
        raise nothing_left(source, report, bounds_lonlat, target)
    rows = frame.pop(_ROW).to_numpy()
    parts = [frame]
    for number, join in enumerate(source.joins):
        if joined is None:
            columns, join_report = join_table(frame, join, inputs)
            report.joins.append(join_report)
        else:
            columns = _rows_of(joined[number], rows, span)
        taken = [column for column in columns.columns if any(column in part.columns for part in parts)]
        if taken:
            raise DuplicateIds(f"source {source.id}: {join.file} gives {listed(taken)}, which the source has already")
        parts.append(columns)
    report.kept = len(frame)
    report.verify()
    return Layer(source.id, source.sector, pd.concat(parts, axis=1), geometry, target, source.open, report)


def settle_stands(
    source: Source, inputs: Path, crs: str, bounds_lonlat: Bounds | None, spans: Sequence[Span | None], to: Path
) -> SmallerStandsFile:
    """Find which stands of a source that is read in spans share ground with smaller ones, wherever these are.

    Args:
        source: of forest stands or land cover.
        inputs: as `read_source` has it.
        crs: as `read_source` has it.
        bounds_lonlat: as `read_source` has it.
        spans: of `gis.spans.spans_of`.
        to: the file to write.

    Raises:
        GisError: as `read_source`.
    """
    found: list[GeometryColumn] = []
    rows: list[NDArray[np.int64]] = []
    path = input_file(inputs, source.file)
    for span in spans:
        report = ReadReport(source.id, source.file, source.layer)  # told by those who read the parts
        request = replace(Request.of(source, path, bounds_lonlat, None, span), columns=tuple(source.where))
        raw = inside(filtered(read_raw(request, report), source, report, some=False), bounds_lonlat, report)
        frame = pd.DataFrame({"id": raw.ids, _ROW: raw.rows})
        frame, geometry = cleaned_column(
            frame, raw, metric_crs(crs), FAMILIES[source.sector], source, report, whole=span is None
        )
        found.append(geometry)
        rows.append(frame[_ROW].to_numpy() + (span.first_row if span else 0))
    return SmallerStandsFile.make(SmallerStands.of(GeometryColumn.joined(found)), np.concatenate(rows), to)


def read_context(
    source: ContextSource, inputs: Path, bounds_lonlat: Bounds | None = None, progress: Progress | None = None
) -> tuple[gpd.GeoDataFrame, ReadReport]:
    """Read one context source: columns `kind`, `id`, those asked for (name, name_<lang>, rank, road_class, class).

    Returns:
        GeoDataFrame in EPSG:4326 with RangeIndex, and the report. It may be empty: context carries no numbers.
    """
    path = input_file(inputs, source.file)
    report = ReadReport(f"context {source.kind}", source.file, source.layer)
    raw = filtered(read_raw(Request.of(source, path, bounds_lonlat, progress), report), source, report)
    raw = inside(raw, bounds_lonlat, report)
    frame = named(raw, source.columns, report, strict=False)
    frame, geometries = cleaned(frame, raw, LONLAT, _CONTEXT_FAMILIES[source.kind], source, report)
    report.repaired.area_before_m2 = report.repaired.area_after_m2 = None  # square degrees mean nothing
    frame.insert(0, "kind", source.kind)
    features = gpd.GeoDataFrame(frame, geometry=geometries, crs=LONLAT)
    report.kept = len(features)
    report.verify()
    return features, report


def read_coverage(coverage: Coverage, inputs: Path, crs: str) -> tuple[BaseGeometry, ReadReport]:
    """The area of a coverage file: the union of its polygons, in `crs`."""
    assert coverage.file is not None
    source = ZoneSet(
        id="coverage", title={"en": "coverage"}, file=coverage.file, layer=coverage.layer, columns={"id": "?"}
    )
    path = input_file(inputs, coverage.file)
    report = ReadReport("coverage", coverage.file, coverage.layer)
    raw = read_raw(Request(path, coverage.layer, (), {}, None, None), report)
    frame = pd.DataFrame({"id": raw.ids})
    _, geometries = cleaned(frame, raw, metric_crs(crs), FAMILIES["zones"], source, report)
    none_refused(report)
    if not len(geometries):
        raise EmptyLayer(f"coverage: {coverage.file} holds no polygon")
    report.kept = len(geometries)
    report.verify()
    return shapely.union_all(geometries), report


def read_raw(request: Request, report: ReadReport) -> Raw:
    """Read with the reader the file's format needs."""
    readers: dict[str, Callable[[Request, ReadReport], Raw]] = {"osm": read_osm, "table": read_points}
    request.tell(0.0)
    raw = readers.get(file_kind(request.path), read_vector)(request, report)
    request.tell(1.0)
    return raw


def _rows_of(joined: JoinedTable, rows: NDArray[np.int64], span: Span | None) -> pd.DataFrame:
    """The joined columns of some features, by their rows in what was read."""
    if not len(rows):
        return joined.rows(0, 0)
    begin = span.first_row if span else 0
    found = joined.rows(begin + int(rows.min()), begin + int(rows.max()) + 1)
    kept: pd.DataFrame = found.iloc[rows - rows.min()].reset_index(drop=True)
    return kept


def nothing_left(source: Source, report: ReadReport, lonlat: Bounds | None, crs: pyproj.CRS | str) -> EmptyLayer:
    """The error of a source of which nothing can be used: the account of its features, and where those outside lie.

    Args:
        source: as the region file says it.
        report: of all that was read.
        lonlat: the region's bounds in degrees.
        crs: the region's.
    """
    text = f"source {source.id}: nothing of {source.file} can be used: {_account(report)}"
    if report.beyond is not None and lonlat is not None:
        given = pyproj.CRS.from_user_input(report.crs)
        text = f"{text}. {whereabouts(report.beyond, given, lonlat, pyproj.CRS.from_user_input(crs))}"
    return EmptyLayer(text)


def filtered(raw: Raw, source: Source | ZoneSet | ContextSource, report: ReadReport, *, some: bool = True) -> Raw:
    """Keep what `where` asks for; OSM files are filtered while reading. With `some`, keeping nothing is an error."""
    if not source.where or file_kind(Path(source.file)) == "osm":
        return raw
    keep = np.ones(len(raw.ids), dtype=bool)
    for column, allowed in source.where.items():
        keep &= matches(raw.values[column], allowed, column, f"{source.file}, column {column!r}")
    report.filtered += int((~keep).sum())
    if some and not keep.any():
        seen = listed(sorted({str(value) for column in source.where for value in texts(raw.values[column])}))
        raise EmptyLayer(f"{source.file}: where keeps none of {len(keep)} features; the values there are: {seen}")
    return raw.take(keep)


def inside(raw: Raw, lonlat: Bounds | None, report: ReadReport) -> Raw:
    """Drop features whose bounding box does not meet the region's bounds, compared in the file's CRS."""
    if lonlat is None or not len(raw.ids):
        return raw
    west, south, east, north = moved_bounds(lonlat, LONLAT, raw.crs)
    boxes = raw.geometry.bounds
    out = (boxes[:, 2] < west) | (boxes[:, 0] > east) | (boxes[:, 3] < south) | (boxes[:, 1] > north)
    report.outside += int(out.sum())
    report.beyond = united(report.beyond, around(boxes[out]))
    return raw.take(~out)


def named(raw: Raw, columns: dict[str, str], report: ReadReport, *, strict: bool) -> pd.DataFrame:
    """Our columns with our types; `id` first. `strict` refuses decimal commas instead of counting them."""
    made: dict[str, pd.Series] = {}
    if "id" not in columns:
        made["id"] = pd.Series(raw.ids.astype(str).astype(object))
    for ours, theirs in sorted(columns.items(), key=lambda item: item[0] != "id"):
        if theirs not in raw.values:
            raise ColumnMissing(f"{report.file} has no column {theirs!r}; it has: {listed(raw.values.columns)}")
        if is_numeric_column(ours):
            where = f"{report.file}, column {theirs!r}"
            values, bad = numbers(raw.values[theirs], ours, where, refuse_commas=strict, any_comma=raw.any_comma)
            if bad.count:
                report.unparsable[ours] = Unparsable(bad.count, bad.examples)
            made[ours] = pd.Series(values, dtype="float64")
        else:
            text = texts(raw.values[theirs])
            if theirs not in raw.plain:
                check_text(text, theirs, report.file)
            made[ours] = pd.Series(text, dtype=object)
    return pd.DataFrame(made, index=range(len(raw.ids)))


def cleaned(
    frame: pd.DataFrame,
    raw: Raw,
    target: pyproj.CRS,
    families: tuple[Family, ...],
    source: Source | ZoneSet | ContextSource,
    report: ReadReport,
) -> tuple[pd.DataFrame, NDArray[np.object_]]:
    """Project and clean the geometries, as objects; the frame follows the features kept."""
    frame, geometry = cleaned_column(frame, raw, target, families, source, report)
    return frame, geometry.objects()


def cleaned_column(
    frame: pd.DataFrame,
    raw: Raw,
    target: pyproj.CRS,
    families: tuple[Family, ...],
    source: Source | ZoneSet | ContextSource,
    report: ReadReport,
    *,
    whole: bool = True,
) -> tuple[pd.DataFrame, GeometryColumn]:
    """Project and clean the geometries, of a `whole` source or of a part; the frame follows the features kept."""
    missing = frame["id"].isna()
    if missing.any():
        theirs = source.columns.get("id", "id")
        shown = listed(raw.ids[missing.to_numpy()], 3)
        raise DuplicateIds(
            f"{report.file}: {int(missing.sum())} features have an empty id (column {theirs!r}): feature {shown}; name "
            "a column of unique ids, or none to number the features"
        )
    policy = "repair" if isinstance(source, ContextSource) else source.invalid
    ids = frame["id"].to_numpy(dtype=object)
    result = clean(projected(raw.geometry, raw.crs, target), ids, families, policy, report, whole=whole)
    if len(result.positions) == len(frame):
        return frame, result.geometry
    return frame.iloc[result.positions].reset_index(drop=True), result.geometry


def projected(geometry: GeometryColumn, source: pyproj.CRS, target: pyproj.CRS) -> GeometryColumn:
    """Vertices in another CRS; where it is not defined they become infinite, and are refused later."""
    if source.equals(target, ignore_axis_order=True):
        return geometry
    transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)
    return geometry.moved(lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))


def without_duplicates(
    frame: pd.DataFrame, geometry: GeometryColumn, report: ReadReport
) -> tuple[pd.DataFrame, GeometryColumn]:
    """Drop whole repetitions (same id, values and geometry), counted; one id for different features is an error."""
    repeated = frame["id"].duplicated(keep=False)
    if not repeated.any():
        return frame, geometry
    values = frame.drop(columns=_ROW, errors="ignore")
    whole = values.assign(geometry=[geometry.wkb.feature(place) for place in range(len(geometry))]).duplicated()
    report.duplicates += int(whole.sum())
    keep = ~whole.to_numpy()
    frame, geometry = frame[keep].reset_index(drop=True), geometry.take(keep)
    still = frame["id"][frame["id"].duplicated()].unique()
    if len(still):
        raise DuplicateIds(
            f"source {report.source}: {len(still)} ids of {report.file} stand for several different features, e.g. "
            f"{listed(still, 5)}; name a column of unique ids with columns: {{id: ...}}, or leave id out to number them"
        )
    return frame, geometry


def without_shared_ground(
    frame: pd.DataFrame, geometry: GeometryColumn, smaller: SmallerStands, report: ReadReport
) -> tuple[pd.DataFrame, GeometryColumn]:
    """Give ground that several stands cover to the smallest of them, reported; a stand left without any is refused."""
    once = ground_once(geometry, smaller)
    if not once.cut.any():
        return frame, geometry
    names = frame["id"].to_numpy(dtype=object)
    once.account(names, geometry.areas, "all of its ground lies in smaller stands", report)
    report.ground.stands += int(once.cut.sum()) - len(once.uncut)
    report.ground.to_smaller_m2 += once.shared_m2
    return frame[~once.gone].reset_index(drop=True), once.geometry.take(~once.gone)


def _account(report: ReadReport) -> str:
    reasons = sorted({reason for _, reason in report.refused})
    return (
        f"{report.read} features read, {report.filtered} filtered out, {report.outside} outside the region's bounds, "
        f"{report.empty} without geometry, {len(report.refused)} refused ({listed(reasons, 3)})"
    )
