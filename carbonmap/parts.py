"""The parts of a build: some features of one source, turned into lines and shares by themselves and kept on disk.

A part knows nothing of the others, so that it may be worked on anywhere, in any order, and twice: the files it leaves
are the same. They lie in a work folder until the edition is published; a build that was stopped goes on from them.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from accounting.sector import Remark, SectorEmissions
from carbonmap.far_reaching import NONE_FAR, FarReaching, by_ground_inside
from carbonmap.line_tables import line_table
from carbonmap.part_files import part_file_schema, read_part_file, write_part_file
from carbonmap.plan import Plan
from carbonmap.sectors import features_table, sector_emissions
from gis.checks import Finding, implausible
from gis.errors import BadValue
from gis.files import input_file
from gis.geometry_column import GeometryColumn
from gis.joins import JoinedTable
from gis.layers import Layer, ReadReport
from gis.measure import sizes_of
from gis.overlaps import FOREST, SmallerStandsFile, without_ground
from gis.raw import Span
from gis.readers import read_source, settle_stands
from gis.sources import Source
from gis.spans import keys_in_file, spans_of
from grids.errors import GridError
from grids.identity import file_digest
from grids.sharing import CellEntries, SharedOut, ZoneEntries

_RECORD = "record.json"


@dataclass(frozen=True)
class Part:
    """Part `number` (from 0) `of` so many of a source; `span` None: all of it."""

    source: str
    number: int = 0
    of: int = 1
    span: Span | None = None

    def __str__(self) -> str:
        return self.source if self.of == 1 else f"{self.source}, part {self.number + 1} of {self.of}"


@dataclass(frozen=True)
class PartRecord:
    """What a part says of itself beside its tables.

    Attributes:
        features: how many it has.
        report: what became of every feature read.
        odd: findings that are no errors, as sentences.
        counts, remarks: of the sector, see `SectorEmissions`.
        lookups: factor id -> the factor's record with the reason why it was chosen.
        assumptions: ids of the region's assumptions that were used.
        repaired: ids of features that reading let pass and that were made valid when they were shared out.
        far_reaching: features that were measured inside and outside by themselves.
        digests: file -> SHA-256; a file of another one was never finished, or was damaged since.
    """

    features: int
    report: ReadReport
    odd: tuple[Finding, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    lookups: dict[str, dict[str, Any]] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    far_reaching: FarReaching = NONE_FAR
    digests: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PartTables:
    """The tables of a part; features count from 0 within it.

    Attributes:
        features: private rows, geometry as WKB; `outside_share` is what lies outside the domain.
        lines: emission lines, see `carbonmap.line_tables.line_table`.
        cells: feature, row, col, share in the finest grid.
        shares: collection id -> feature, target, share; target `GAP` for what lies in none.
    """

    features: pa.Table
    lines: pa.Table
    cells: pa.Table
    shares: dict[str, pa.Table]


NOWHERE = "it has no size on the ground: a vertex lies where the layer's CRS has no place on earth"


class WorkFolder:
    """Where the parts of one edition are kept while it is built; every file is written beside and renamed.

    Args:
        folder: the folder.
        check: called before anything is kept; raises if what it was made of has changed.
    """

    def __init__(self, folder: Path, check: Callable[[], None] = lambda: None) -> None:
        self.folder = folder
        self.check = check
        self._whole: dict[Part, PartRecord] = {}  # looked at once

    def path(self, part: Part) -> Path:
        """The folder of a part."""
        return self.folder / part.source / f"{part.number:05d}"

    def joined(self, source: Source) -> list[JoinedTable]:
        """Where the tables joined to a source that is read in parts are, or will be."""
        return [JoinedTable(self.folder / source.id / f"joined-{number}.arrow") for number in range(len(source.joins))]

    def smaller_stands(self, source: Source) -> SmallerStandsFile:
        """Which stands of a forest map that is read in parts share ground with smaller ones."""
        return SmallerStandsFile(self.folder / source.id / "smaller-stands.arrow")

    def record(self, part: Part) -> PartRecord | None:
        """What a part that is done says of itself; None if it is not, or not whole to the last byte."""
        if part not in self._whole:
            folder = self.path(part)
            try:
                record = _RECORDS.validate_json((folder / _RECORD).read_bytes())
                whole = all(file_digest(folder / name) == digest for name, digest in record.digests.items())
            except (OSError, ValidationError):
                return None
            if not whole:
                return None
            self._whole[part] = record
        return self._whole[part]

    def keep(self, part: Part, record: PartRecord, tables: PartTables | None) -> None:
        """Write a part; whoever is second with it leaves the first one's files, which are the same."""
        self.check()
        target = self.path(part)
        fresh = target.with_name(f"{target.name}.{os.getpid()}-{os.urandom(4).hex()}")
        fresh.mkdir(parents=True)
        try:
            digests: dict[str, str] = {}
            for name, table in [] if tables is None else _named(tables):
                # Features and lines hardly shrink, and are read piece by piece: they stay as they are.
                compressed = name not in ("features", "lines")
                digests[f"{name}.arrow"] = write_part_file(table, fresh / f"{name}.arrow", compressed=compressed)
            whole = replace(record, digests=digests)
            (fresh / _RECORD).write_bytes(_RECORDS.dump_json(whole))
            if _put(fresh, target):
                self._whole[part] = whole
            elif self.record(part) is None:  # what lies there is not whole
                broken = fresh.with_name(f"{fresh.name}.broken")
                _put(target, broken)
                _put(fresh, target)
                shutil.rmtree(broken, ignore_errors=True)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def calibrate(self, part: Part, lines: pa.Table, factors: pa.Table) -> None:
        """Leave the lines of a part after calibration, and what each of its features was multiplied by."""
        for name, table in (("calibrated", lines), ("calibration", factors)):
            fresh = self.path(part) / f"{name}.{os.getpid()}.fresh"
            write_part_file(table, fresh)
            fresh.replace(self.path(part) / f"{name}.arrow")

    def is_calibrated(self, part: Part) -> bool:
        """Whether calibration has changed lines of a part."""
        return (self.path(part) / "calibrated.arrow").exists()

    def read(self, part: Part, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """A table of a part, or some of its columns: `features`, `lines`, `cells`, or `shares-<collection>`."""
        return read_part_file(self.path(part) / f"{name}.arrow", columns)

    def has_features(self, part: Part) -> bool:
        """Whether anything of a part lies in the region."""
        return (self.path(part) / "features.arrow").exists()

    def schema(self, part: Part, name: str) -> pa.Schema:
        """Names and types of a table of a part."""
        return part_file_schema(self.path(part) / f"{name}.arrow")

    def remove(self) -> None:
        """Forget all parts."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # not empty, or never made
            self.folder.parent.rmdir()


def _put(folder: Path, target: Path) -> bool:
    """Rename a folder, and whether that was done; one that is there already, or was put there just now, stays."""
    try:
        folder.rename(target)
    except OSError:
        return False
    return True


_RECORDS: TypeAdapter[PartRecord] = TypeAdapter(PartRecord)


def parts_of(source: Source, plan: Plan) -> list[Part]:
    """The parts in which a source is read, the same on every machine.

    Raises:
        GisError: the file is missing or cannot be opened.
    """
    spans = spans_of(source, input_file(plan.inputs, source.file))
    return [Part(source.id, number, len(spans), span) for number, span in enumerate(spans)]


def settle_shared_ground(source: Source, plan: Plan, work: WorkFolder) -> None:
    """Leave which stands of a forest map that is read in parts share ground with smaller ones, wherever these are.

    Raises:
        GisError: stands that cannot be read.
    """
    stands = work.smaller_stands(source)
    if not stands.is_whole:
        spans = spans_of(source, input_file(plan.inputs, source.file))
        settle_stands(source, plan.inputs, plan.region.crs, plan.ground.reading_bbox, spans, stands.path)


def join_tables(source: Source, plan: Plan, work: WorkFolder) -> None:
    """Leave the tables that are joined to a source that is read in parts.

    Raises:
        GisError: a table, or the column it is joined on, is missing or wrong.
    """
    path = input_file(plan.inputs, source.file)
    for join, joined in zip(source.joins, work.joined(source), strict=True):
        if not joined.is_whole:
            JoinedTable.make(keys_in_file(source, path, join.on), join, plan.inputs, joined.path)


def work_part(
    plan: Plan, part: Part, work: WorkFolder, taken: Callable[[GeometryColumn], Iterable[GeometryColumn]] | None = None
) -> tuple[PartRecord, PartTables | None]:
    """Read a part, work out its emissions and share it out: the one function that every engine runs.

    Args:
        plan: the region.
        part: which features.
        work: where what parts need of the whole source is (`join_tables`, `settle_shared_ground`).
        taken: gives the stands of earlier forest maps that share ground with these, in parts; for a forest source.

    Returns:
        The record, and the tables; None where nothing of the part lies in the region.

    Raises:
        GisError, AccountingError, GridError: names source, feature and remedy.
    """
    source = plan.source(part.source)
    joined, smaller = (work.joined(source), work.smaller_stands(source)) if part.span else (None, None)
    layer = read_source(
        source,
        plan.inputs,
        plan.region.crs,
        plan.ground.reading_bbox,
        span=part.span,
        joined=joined,
        smaller=smaller if source.sector in FOREST else None,
        opened=plan.opened,
    )
    if taken is not None:
        layer = without_ground(layer, taken(layer.geometry))
    if not len(layer):
        return PartRecord(0, layer.report), None
    odd = implausible(layer)
    impossible = [finding for finding in odd if finding.level == "error"]
    if impossible:
        raise BadValue(f"source {source.id}: {'; '.join(map(told, impossible))}")
    sizes = sizes_of(layer.sector, layer.geometry, layer.crs)
    nowhere = np.flatnonzero(~np.isfinite(sizes)).tolist()
    if nowhere:
        layer = layer.without(dict.fromkeys(nowhere, NOWHERE), {})
        if not len(layer):
            return PartRecord(0, layer.report), None
        sizes = np.delete(sizes, nowhere)
    emissions = sector_emissions(source, layer.table, plan.region, plan.accounts.apart(), sizes)
    shared, far_reaching = by_ground_inside(shared_out(layer, plan, source), layer, sizes, plan.division(source))
    if shared.refused:
        layer = layer.without(shared.refused, left_out(list(shared.refused), layer, emissions, sizes))
        if not len(layer):
            return PartRecord(0, layer.report), None
        shared = shared.without_refused()
        sizes = sizes_of(layer.sector, layer.geometry, layer.crs)
        emissions = sector_emissions(source, layer.table, plan.region, plan.accounts.apart(), sizes)
    ids = layer.table["id"].to_numpy(dtype=object)
    repaired = tuple(map(str, ids[shared.repaired]))
    record = record_of(len(layer), layer.report, emissions, tuple(odd), repaired, far_reaching)
    return record, tables_of(layer, emissions, shared)


def record_of(
    features: int,
    report: ReadReport,
    emissions: SectorEmissions,
    odd: tuple[Finding, ...] = (),
    repaired: tuple[str, ...] = (),
    far_reaching: FarReaching = NONE_FAR,
) -> PartRecord:
    """The record of a part from what its sector says."""
    lookups = {name: {**lookup.factor.record(), "chosen": lookup.chosen} for name, lookup in emissions.lookups.items()}
    counts, remarks, assumptions = emissions.counts, emissions.remarks, emissions.assumptions
    return PartRecord(features, report, odd, counts, remarks, lookups, assumptions, repaired, far_reaching)


def shared_out(layer: Layer, plan: Plan, source: Source) -> SharedOut:
    """Cut features to their domain and share them out to the finest grid, every zone set and hexagons.

    Raises:
        GridError: names the source and the feature.
    """
    ids = layer.table["id"].to_numpy(dtype=object)
    try:
        return plan.division(source).share_out(layer.geometry.wkb, ids)
    except GridError as error:
        raise type(error)(f"source {source.id}: {error}") from error


def left_out(
    refused: Sequence[int], layer: Layer, emissions: SectorEmissions, sizes: NDArray[np.float64]
) -> dict[str, float]:
    """What refused features would have added, by what is added up (`gis.layers.LeftOut`).

    Args:
        refused: their positions in the layer.
        layer: with them.
        emissions: of the whole layer.
        sizes: of all its features (`gis.measure.sizes_of`).
    """
    which = np.array(refused, dtype=np.int64)
    size = float(sizes[which].sum())
    amounts = {"length_km": size} if layer.sector == "transport" else {"area_ha": size / 10_000}
    lines = emissions.lines
    theirs = lines[lines["feature"].isin(which)]
    for year, tonnes in theirs.groupby("year")["emissions_tco2e"].sum().items():
        amounts[f"emissions_tco2e_{year}"] = float(tonnes)
    for column in emissions.features.columns:
        if str(column).startswith(("population_", "jobs_")):
            amounts[str(column)] = float(np.nansum(emissions.features[column].to_numpy()[which]))
    return amounts


def tables_of(layer: Layer, emissions: SectorEmissions, shared: SharedOut) -> PartTables:
    """The tables of a part."""
    features = arrow_table(features_table(layer, emissions, shared.outside)).append_column(
        "geometry", layer.geometry.arrow()
    )
    shares = {name: share_table(entries) for name, entries in shared.zones.items()}
    return PartTables(features, line_table(emissions.compact), cell_table(shared.cells), shares)


def told(finding: Finding) -> str:
    """A finding as a sentence."""
    return f"{finding.what} ({finding.count} features, e.g. {', '.join(finding.examples[:3])}): {finding.remedy}"


def arrow_table(frame: pd.DataFrame) -> pa.Table:
    """A frame as Arrow, without what pandas notes of itself."""
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def cell_table(cells: CellEntries) -> pa.Table:
    """Shares in cells, feature by feature."""
    feature, row, col = (column.astype(np.int32) for column in (cells.feature, cells.row, cells.col))
    return pa.table({"feature": feature, "row": row, "col": col, "share": cells.share})


def share_table(zones: ZoneEntries) -> pa.Table:
    """Shares in zones, feature by feature, and what lies in none of them."""
    feature, target = (column.astype(np.int32) for column in (zones.feature, zones.target))
    return pa.table({"feature": feature, "target": target, "share": zones.share})


def _named(tables: PartTables) -> Iterator[tuple[str, pa.Table]]:
    yield "features", tables.features
    yield "lines", tables.lines
    yield "cells", tables.cells
    for name, table in tables.shares.items():
        yield f"shares-{name}", table
