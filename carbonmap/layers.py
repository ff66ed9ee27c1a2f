"""Layers as the sum of their parts: what adding up, disclosure and the edition need of them, read when it is needed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from accounting.emissions import EmissionLines
from accounting.likeness import Likeness
from accounting.sector import joined_remarks
from carbonmap.far_reaching import NONE_FAR
from carbonmap.line_tables import lines_by_year, lines_in
from carbonmap.parts import Part, PartRecord, WorkFolder
from gis.checks import Finding
from gis.crs import Bounds
from gis.layers import MOST_EXAMPLES, ReadReport
from gis.readers import nothing_left
from gis.sources import Source
from grids.cell_index import CellIndex
from grids.features import LayerLines
from grids.neighbourhoods import NOWHERE, SQUARE_COLUMNS, Neighbourhoods, squares_of
from grids.shares import Shares, by_target
from grids.sharing import GAP

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class SharedLayer:
    """A layer with its emissions and its shares, in the parts that were worked on.

    Attributes:
        id, sector, open, complete: as the source says; a land-cover raster is of the sector forest.
        domain: the ground the source speaks for.
        report: what became of every feature of the file.
        odd: values that are hard to believe, over all parts.
        counts, lookups, assumptions, repaired, far_reaching: see `PartRecord`, over all parts; warnings are its remarks
            as sentences.
        size: how many features.
        likeness: what neighbours have in common, if anything.
    """

    def __init__(
        self,
        source: Source,
        domain: BaseGeometry,
        work: WorkFolder,
        parts: Sequence[Part],
        place: tuple[Bounds, str],
        *,
        likeness: Likeness | None,
        cell_m: float,
    ) -> None:
        """Take the parts that are done.

        Args:
            source: of the region file.
            domain: the ground it speaks for.
            work: where parts are kept.
            parts: all of the source, at least one.
            place: the region's bounds in degrees, and its CRS; to say how far off a layer is that lies elsewhere.
            likeness: what neighbours have in common, if anything.
            cell_m: side of the finest cells.

        Raises:
            EmptyLayer: nothing of any part can be used.
        """
        self.id, self.open, self.complete = source.id, source.open, source.complete
        self.sector = "forest" if source.sector == "land_cover" else source.sector
        self.domain = domain
        self.likeness = likeness
        self._cell_m = cell_m
        self._work = work
        records = [_done(work, part) for part in parts]
        self.report = _report(records)
        if parts[0].span is not None:
            self.report.joins = [joined.report for joined in work.joined(source)]
        self.size = sum(record.features for record in records)
        if not self.size and self.report.unit == "features":
            raise nothing_left(source, self.report, *place)
        self._parts = [part for part, record in zip(parts, records, strict=True) if record.digests]
        self._offsets = np.cumsum([0, *(record.features for record in records if record.digests)])
        self.odd = _findings(records)
        self.repaired = tuple(name for record in records for name in record.repaired)
        self.far_reaching = sum((record.far_reaching for record in records), NONE_FAR)
        self.counts: dict[str, int] = {}
        for record in records:
            for name, count in record.counts.items():
                self.counts[name] = self.counts.get(name, 0) + count
        self.warnings = tuple(map(str, joined_remarks(record.remarks for record in records)))
        self.lookups: dict[str, dict[str, Any]] = {}
        for record in records:
            for name, lookup in record.lookups.items():  # of several reasons the first by name, as a part keeps it
                self.lookups[name] = min(self.lookups.get(name, lookup), lookup, key=lambda each: str(each["chosen"]))
        self.assumptions = {name for record in records for name in record.assumptions}
        if likeness is not None:
            self.assumptions |= {*likeness.assumptions}

    @cached_property
    def compact(self) -> LayerLines:
        """Emission lines as sums need them, once for all collections; never all of them as frames at a time."""
        return LayerLines.of(self.id, self.line_pieces(), self.size, near=self.near)

    @cached_property
    def near(self) -> Neighbourhoods | None:
        """Squares in which modelled features err alike, if they do."""
        if self.likeness is None:
            return None
        squares = [self._squares(position) for position in range(len(self._parts))]
        row, col = (np.concatenate([np.zeros(0, np.int32), *each]) for each in zip(*squares, strict=True))
        return Neighbourhoods.of(row, col, self.likeness.part)

    def _squares(self, position: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Row and column of the smallest square of each feature of a part."""
        assert self.likeness is not None
        table = self._work.read(self._parts[position], "cells", columns=["feature", "row", "col", "share"])
        return squares_of(
            *(table[name].to_numpy() for name in ("feature", "share", "row", "col")),
            n_features=int(self._offsets[position + 1] - self._offsets[position]),
            cell_m=self._cell_m,
            range_m=self.likeness.range_m,
        )

    def line_pieces(self) -> Iterator[EmissionLines]:
        """Emission lines part by part, features numbered through the layer; mapped from files, not read."""
        for part, offset in zip(self._parts, self._offsets, strict=False):
            name = "calibrated" if self._work.is_calibrated(part) else "lines"
            yield lines_in(self._work.read(part, name), int(offset))

    def lines(self) -> Iterator[pa.Table]:
        """Emission lines by year, then by feature, in pieces: one part's of one year is in memory at a time."""
        return lines_by_year(self.line_pieces)

    @cached_property
    def illustrative(self) -> bool:
        """Whether any line rests on an assumption of the region file."""
        return any(kind.assumptions for piece in self.line_pieces() for kind in piece.kinds)

    @cached_property
    def outside(self) -> FloatArray:
        """(features,) fraction of each feature outside the domain."""
        return self.column("outside_share")

    @property
    def columns(self) -> list[str]:
        """Columns of the private features."""
        return list(dict.fromkeys(name for part in self._parts for name in self._schema(part).names))

    def column(self, name: str) -> FloatArray:
        """(features,) one numeric column of the private features; NaN in a part that lacks it."""
        found = []
        for position, part in enumerate(self._parts):
            if name in self._schema(part).names:
                column = self._work.read(part, "features", columns=[name])[name]
                found.append(column.cast(pa.float64()).to_numpy())
            else:
                found.append(np.full(self._offsets[position + 1] - self._offsets[position], np.nan))
        return np.concatenate(found) if found else np.zeros(0)

    def ids(self) -> list[str]:
        """Of all features, in their order."""
        return [
            name for part in self._parts for name in self._work.read(part, "features", columns=["id"])["id"].to_pylist()
        ]

    def footprints(self) -> Iterator[pa.Table]:
        """`id`, and `geometry` where there is one, of all features, part by part."""
        for part in self._parts:
            wanted = [name for name in ("id", "geometry") if name in self._schema(part).names]
            yield self._work.read(part, "features", columns=wanted)

    def features(self) -> Iterator[pa.Table]:
        """The private features, part by part, with the same columns; factors of calibration and squares with them."""
        parts = [(part, self._calibration(part)) for part in self._parts]
        squares = pa.schema([(name, pa.int32()) for name in SQUARE_COLUMNS] if self.likeness is not None else [])
        schema = pa.unify_schemas(
            [pa.schema([*self._schema(part), *factors.schema, *squares]) for part, factors in parts],
            promote_options="permissive",
        )
        for position, (part, factors) in enumerate(parts):
            table = self._work.read(part, "features")
            for name in factors.column_names:
                table = table.append_column(name, factors[name])
            if self.likeness is not None:
                for name, places in zip(SQUARE_COLUMNS, self._squares(position), strict=True):
                    table = table.append_column(name, pa.array(places, mask=places == NOWHERE))
            for field in schema:
                if field.name not in table.column_names:
                    table = table.append_column(field, pa.nulls(table.num_rows, field.type))
            yield table.select(schema.names).cast(schema)

    def cells(self) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Rows and columns of the finest cells that hold something, part by part, as often as they do."""
        for part in self._parts:
            table = self._work.read(part, "cells", columns=["row", "col"])
            yield table["row"].to_numpy(), table["col"].to_numpy()

    def zone_shares(self, collection: str, n_targets: int) -> Shares:
        """Shares in a zone set or in hexagons."""
        shares, outside = [], np.zeros(self.size)
        for feature, share, (target,) in self._entries(f"shares-{collection}", "target"):
            beyond = target == GAP
            outside[feature[beyond]] = share[beyond]
            shares.append((target, feature, share))  # by_target leaves out what lies in none
        return Shares(by_target(shares, n_targets, self.size), outside)

    def cell_shares(self, cells: CellIndex) -> Shares:
        """Shares in cells of the finest grid, which hold all of this layer's."""
        entries = self._entries("cells", "row", "col")
        shares = [(cells.places(row, col).astype(np.int32), feature, share) for feature, share, (row, col) in entries]
        return Shares(by_target(shares, cells.size, self.size), np.zeros(self.size))

    def _entries(self, name: str, *where: str) -> Iterator[tuple[NDArray[np.int32], FloatArray, list[IntArray]]]:
        """Entries of a table of shares, part by part: features numbered through the layer, shares, and targets."""
        for part, offset in zip(self._parts, self._offsets, strict=False):
            table = self._work.read(part, name, columns=["feature", *where, "share"])
            feature = table["feature"].to_numpy() + np.int32(offset)
            yield feature, table["share"].to_numpy(), [table[column].to_numpy() for column in where]

    def _calibration(self, part: Part) -> pa.Table:
        """What each feature of a part was multiplied by, a column per kind of emissions; none without calibration."""
        return self._work.read(part, "calibration") if self._work.is_calibrated(part) else pa.table({})

    def _schema(self, part: Part) -> pa.Schema:
        if part not in self._schemas:
            self._schemas[part] = self._work.schema(part, "features")
        return self._schemas[part]

    @cached_property
    def _schemas(self) -> dict[Part, pa.Schema]:
        return {}


def cells_of(layers: Sequence[SharedLayer]) -> CellIndex:
    """All cells of the finest grid that hold something of any layer."""
    return CellIndex(cells for layer in layers for cells in layer.cells())


def _done(work: WorkFolder, part: Part) -> PartRecord:
    record = work.record(part)
    assert record is not None, f"{part} was not worked on"
    return record


def _report(records: Sequence[PartRecord]) -> ReadReport:
    report = records[0].report
    for record in records[1:]:
        report = report.with_part(record.report)
    report.verify()
    return report


def _findings(records: Sequence[PartRecord]) -> list[Finding]:
    """Findings of the same kind in several parts as one; what they saw, after the colon, differs by part."""
    found: dict[tuple[str, str], Finding] = {}
    for record in records:
        for finding in record.odd:
            kind = finding.what.split(": ")[0]
            known = found.get((finding.level, kind))
            if known is not None:
                examples = (known.examples + finding.examples)[:MOST_EXAMPLES]
                finding = replace(known, what=kind, count=known.count + finding.count, examples=examples)
            found[finding.level, kind] = finding
    return list(found.values())
