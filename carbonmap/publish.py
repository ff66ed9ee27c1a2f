"""From shared layers to an edition: totals, conservation, disclosure, tables."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from shapely.geometry.base import BaseGeometry

from carbonmap.calibration import Calibration
from carbonmap.earlier import Earlier
from carbonmap.layers import SharedLayer
from carbonmap.plan import Plan
from carbonmap.progress import Progress
from carbonmap.region import SECTORS
from carbonmap.targets import Targets, grid_of
from grids.aggregate import LayerShares, collection_sums
from grids.blocks import in_blocks
from grids.conservation import Residuals, Totals, collection_residuals, column_totals
from grids.coverage import covered_cells, covered_fraction
from grids.disclosure import Held, hold, public_sums
from grids.earlier_tables import told_table
from grids.edition import EditionWriter
from grids.feature_lines import FeatureLines
from grids.grouping import Rule
from grids.large_targets import has_large, large_tables
from grids.memory import give_back
from grids.nesting import nests, to_coarser
from grids.private_meters import PrivateLayer
from grids.private_tables import private_name
from grids.protection import Protection, protect, region_row
from grids.shares import Shares

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ROWS_AT_ONCE = 1 << 16
"""Targets that are added up and written at a time, of which a few are under way: 50 MB each; whole row groups."""


class Tables:
    """All public tables of a region, computed collection by collection; one collection's shares at a time in memory.

    Args:
        plan: the region.
        layers: every layer with emissions.
        counted: layers of residents and of jobs.
        grids: cells of the region's grids, coarsest first.
        calibration: the totals that layers were held to, if any.
        earlier: editions beside which this one is held.
    """

    def __init__(
        self,
        plan: Plan,
        layers: list[SharedLayer],
        counted: list[SharedLayer],
        grids: list[Targets],
        calibration: Calibration | None = None,
        earlier: Earlier | None = None,
    ) -> None:
        self.earlier = earlier or Earlier()
        self._calibration = calibration
        self._region = plan.region
        self._layers = layers
        self._counted = counted
        self._population = [layer for layer in counted if layer.sector == "population"]
        self._grids = grids
        self._coverage = Coverage(plan, layers)
        self._told_before = self.earlier.told(layers, plan.region.years)
        disclosure = plan.region.disclosure
        self._rule = Rule(disclosure.min_count, disclosure.dominance_percent, disclosure.audit)
        self._private = {layer.id: PrivateLayer(weights=_weights(layer)) for layer in layers if not layer.open}
        self._gridded: dict[str, dict[str, Shares]] = {}  # grids that are not published yet
        self._by_feature: dict[str, dict[int, FeatureLines]] = {}
        self.residuals: dict[str, Residuals] = {}
        self.reports: dict[str, dict[str, object]] = {}

    def shares(self, layer: SharedLayer, targets: Targets) -> Shares:
        """A layer's shares in a collection: the finest grid's and the zones' from geometry, coarser grids' as sums."""
        if targets.info.kind != "grid":
            return layer.zone_shares(targets.info.id, targets.count)
        return self._in_grids(layer)[targets.info.id]

    def _in_grids(self, layer: SharedLayer) -> dict[str, Shares]:
        """A layer's shares in every grid, each coarser one made of the one before."""
        if layer.id not in self._gridded:
            finest = self._grids[-1]
            assert finest.cells is not None
            shares = layer.cell_shares(finest.cells)
            found = {finest.info.id: shares}
            for finer, coarser in zip(self._grids[:0:-1], self._grids[-2::-1], strict=True):
                assert finer.parent is not None
                shares = to_coarser(finer.parent, coarser.count, shares)
                found[coarser.info.id] = shares
            self._gridded[layer.id] = found
        return self._gridded[layer.id]

    def region_held(self, year: int) -> Held:
        """The region as one target, protected: the top of every hierarchy."""
        whole = [
            LayerShares(layer.id, layer.sector, region_row(self._inside(layer)), layer.compact)
            for layer in self._layers
        ]
        sums = collection_sums(whole, n_targets=1, year=year, sectors=SECTORS, coverage=self._coverage.of_region())
        return hold(sums, whole, private=self._private, rule=self._rule, earlier=self._told_before[year])

    def publish(self, writer: EditionWriter, collections: list[Targets], progress: Progress) -> dict[int, Held]:
        """Write every table, and the shares behind it, parents first; returns the region's own public sums by year."""
        if self._rule.audit:  # what comes later is joined for what came before: cells rather than districts
            collections = sorted(
                collections, key=lambda targets: ("zones", "grid", "hexagons").index(targets.info.kind)
            )
        tops = {year: self.region_held(year) for year in self._region.years}
        for top in tops.values():
            self._refuse_told_totals(None, top)
        protected: dict[tuple[str, int], Protection] = {}
        above_shares: dict[str, list[LayerShares]] = {}
        for position, targets in enumerate(collections):
            progress.step(f"adding up {targets.info.id}")
            self._publish_one(writer, targets, tops, protected, above_shares)
            wanted = {later.info.parent for later in collections[position + 1 :]}
            above_shares = {of: kept for of, kept in above_shares.items() if of in wanted}
            protected = {key: kept if key[0] in wanted else kept.beside() for key, kept in protected.items()}
            for shares in self._gridded.values():
                shares.pop(targets.info.id, None)
            give_back()
        if self._rule.audit:
            for year, top in tops.items():
                every = [top, *(each for (_, of_year), each in protected.items() if of_year == year)]
                for sector, state in top.states.items():
                    told = told_table([each.states[sector].told for each in every], state.part.chosen)
                    writer.write_private_table("told", f"{sector}-{year}", told)
        return tops

    def _publish_one(
        self,
        writer: EditionWriter,
        targets: Targets,
        tops: Mapping[int, Held],
        protected: dict[tuple[str, int], Protection],
        above_shares: dict[str, list[LayerShares]],
    ) -> None:
        """Write one collection; what it is made of is forgotten before the next one, but for what that needs.

        Raises:
            NotConserved: emissions were lost or made; nothing may be published.
        """
        name = targets.info.id
        shares = {layer.id: self.shares(layer, targets) for layer in [*self._layers, *self._counted]}
        here = [LayerShares(layer.id, layer.sector, shares[layer.id].matrix, layer.compact) for layer in self._layers]
        outside = [(layer.outside, shares[layer.id].outside) for layer in self._layers]
        residuals = collection_residuals(name, ((each, *parts) for each, parts in zip(here, outside, strict=True)))
        residuals.refuse_if_lost()
        coverage = self._coverage.of(targets)
        above_shares[name] = [each for each in here if each.layer in self._private]
        totals: list[Totals] = []
        for year in self._region.years:
            above: Protection = tops[year]
            index = np.zeros(targets.count, dtype=np.int64)
            parent, of = targets.info.parent, targets.parent
            if parent is not None and of is not None and _nest(above_shares[parent], above_shares[name], of):
                above, index = protected[parent, year], of
            protection = protect(
                here,
                n_targets=targets.count,
                year=year,
                sectors=SECTORS,
                private=self._private,
                rule=self._rule,
                above=above,
                index_of_parent=index,
                beside=[each for (_, of_year), each in protected.items() if of_year == year],
            )
            self._refuse_told_totals(name, protection)
            residents = self._residents(targets, year, shares)
            rows = self._rows(targets, year, here, coverage, residents, protection, totals)
            self._write(writer, targets, year, rows, shares)
            protected[name, year] = protection
            self.reports.setdefault(name, {})[str(year)] = protection.report
        self.residuals[name] = residuals.against(totals)
        self.residuals[name].refuse_if_lost()
        for layer in [*self._layers, *self._counted]:
            writer.write_private_table("shares", private_name(layer.id, name), share_rows(shares[layer.id]))
            if has_large(shares[layer.id].matrix):
                self._write_large(writer, layer, name, shares[layer.id].matrix)
        if targets.info.kind != "grid":  # cells stand in the public table in the same order
            writer.write_private_table("targets", name, pa.table({"id": pa.array(targets.ids)}))

    def _refuse_told_totals(self, collection: str | None, protection: Protection) -> None:
        if self._calibration is not None:
            self._calibration.refuse_if_told(collection, protection)

    def _write_large(self, writer: EditionWriter, layer: SharedLayer, name: str, shares: csr_array) -> None:
        """Write what receipts of large targets need; it is made by the thread that writes it, when that has time."""
        waiting, made = [shares], {}

        def table(kind: str) -> Iterator[pa.Table]:
            if waiting:  # shares and tables are let go of as soon as nobody needs them: a nation's are large
                made["sums"], made["largest"] = large_tables(self._lines_by_year(layer), waiting.pop(), layer.near)
            yield made.pop(kind)

        for kind in ("sums", "largest"):
            writer.write_private_tables(kind, private_name(layer.id, name), table(kind))

    def _lines_by_year(self, layer: SharedLayer) -> dict[int, FeatureLines]:
        """A layer's lines feature by feature, made once for all collections that have large targets; by one thread."""
        if layer.id not in self._by_feature:
            self._by_feature[layer.id] = FeatureLines.by_year(layer.line_pieces(), layer.size)
        return self._by_feature[layer.id]

    def _inside(self, layer: SharedLayer) -> FloatArray:
        """(features,) fraction of each feature in the domain, as the cells hold it."""
        return np.asarray(self.shares(layer, self._grids[-1]).matrix.sum(axis=0), dtype=np.float64).ravel()

    def _residents(self, targets: Targets, year: int, shares: Mapping[str, Shares]) -> FloatArray | None:
        """Residents per target: the sources' numbers shared out by area; None without a source.

        Nobody lives where a source that speaks of the year has no feature; residents are unknown where no source
        speaks, and where it says of a feature that they are.
        """
        if not self._population:
            return None
        total, known = np.zeros(targets.count), np.zeros(targets.count, dtype=bool)
        unknown = np.zeros(targets.count, dtype=bool)
        for source in self._population:
            residents = source.column(f"population_{year}")
            missing = np.isnan(residents)
            if not missing.all():
                matrix = shares[source.id].matrix
                total += matrix @ np.where(missing, 0.0, residents)
                reached = ~(self._coverage.fraction(source.domain, targets) <= 0)
                known |= reached | (np.diff(matrix.indptr) > 0)
                unknown |= matrix @ missing.astype(np.float64) > 0
        return np.where(known & ~unknown, total, np.nan)

    def _rows(
        self,
        targets: Targets,
        year: int,
        layers: list[LayerShares],
        coverage: Mapping[str, FloatArray],
        residents: FloatArray | None,
        protection: Protection,
        totals: list[Totals],
    ) -> Iterator[pd.DataFrame]:
        """Public columns of some targets after the other, in their order; what they truly add up to goes to `totals`.

        Of a nation's ten million cells, the columns of all would need several gigabytes.
        """

        def work(first: int, last: int) -> tuple[pd.DataFrame, Totals]:
            here = [each.rows(first, last) for each in layers]
            true = collection_sums(
                here,
                n_targets=last - first,
                year=year,
                sectors=SECTORS,
                coverage={sector: reach[first:last] for sector, reach in coverage.items()},
                population=None if residents is None else residents[first:last],
            )
            public = public_sums(true, here, protection.rows(first, last), private=self._private)
            return self._frame(targets, public, first, last), column_totals(true)

        bounds = np.append(np.arange(0, max(targets.count, 1), ROWS_AT_ONCE), targets.count)
        for frame, of_rows in in_blocks(work, bounds):
            totals.append(of_rows)
            yield frame

    def _frame(self, targets: Targets, public: Held, first: int, last: int) -> pd.DataFrame:
        """The public columns of targets from `first` up to `last`; cells get their codes here."""
        columns: dict[str, Any] = {str(name): column.array[first:last] for name, column in targets.columns.items()}
        if targets.info.kind == "grid":
            codes = grid_of(self._region, targets).codes(columns["row"], columns["col"])
            columns = {"id": codes.astype(object), **columns}
        numbers = public.columns()
        columns |= {"year": numbers.pop("year"), "area_ha": targets.area_ha[first:last], **numbers}
        return pd.DataFrame(columns, copy=False)

    def _write(
        self,
        writer: EditionWriter,
        targets: Targets,
        year: int,
        rows: Iterator[pd.DataFrame],
        shares: Mapping[str, Shares],
    ) -> None:
        if targets.info.kind == "grid":
            writer.write_cells(targets.info, year, rows)
            return
        frame, geometry = pd.concat(list(rows), ignore_index=True), targets.polygons
        if targets.info.kind == "hexagons":
            # Hexagons are sparse like cells; zones are all there, whether they hold anything or not.
            some = _touched(shares[layer.id] for layer in self._layers)
            frame, geometry = frame[some], geometry[some]
        writer.write_table(targets.info, year, frame, geometry)


class Coverage:
    """How much of a target's ground in the region the complete sources of a sector speak for, 0 to 1.

    A source that does not claim to be complete covers nothing: its features are there, but none is no zero.
    """

    def __init__(self, plan: Plan, layers: list[SharedLayer]) -> None:
        self._boundary = plan.ground.boundary
        self._region = plan.region
        self._domains: dict[str, BaseGeometry] = {}
        for sector in sorted({layer.sector for layer in layers}):
            distinct = {id(layer.domain): layer.domain for layer in layers if layer.sector == sector and layer.complete}
            domains = list(distinct.values())
            self._domains[sector] = domains[0] if len(domains) == 1 else shapely.union_all(domains)

    def of(self, targets: Targets) -> dict[str, FloatArray]:
        """Sector -> (targets,) covered fraction; null where a target has no ground in the region."""
        found: dict[int, FloatArray] = {}  # sectors mostly share one domain
        for domain in self._domains.values():
            if id(domain) not in found:
                found[id(domain)] = self.fraction(domain, targets)
        return {sector: found[id(domain)] for sector, domain in self._domains.items()}

    def of_region(self) -> dict[str, FloatArray]:
        """The same of the region as one target."""
        whole = np.array([self._boundary], dtype=object)
        return {sector: covered_fraction(whole, domain, self._boundary) for sector, domain in self._domains.items()}

    def fraction(self, domain: BaseGeometry, targets: Targets) -> FloatArray:
        """(targets,) covered fraction of each target by one domain."""
        if targets.info.kind != "grid":
            return covered_fraction(targets.polygons, domain, self._boundary)
        assert targets.cells is not None
        return covered_cells(grid_of(self._region, targets), targets.cells, domain, self._boundary)


def share_rows(shares: Shares) -> pa.Table:
    """Shares as they are kept for receipts and scenarios: by target (its position), then by feature."""
    matrix = shares.matrix
    target = np.repeat(np.arange(shares.n_targets, dtype=np.int32), np.diff(matrix.indptr))
    return pa.table({"target": target, "feature": matrix.indices.astype(np.int32), "share": matrix.data})


def _nest(above: list[LayerShares], below: list[LayerShares], index: IntArray) -> bool:
    return all(nests(up.shares, down.shares, index) for up, down in zip(above, below, strict=True))


def _weights(layer: SharedLayer) -> FloatArray | None:
    """How much of a held group's sum a building attracts: what the model says, else its floor area, else alike."""
    modelled = sorted(column for column in layer.columns if column.startswith("modelled_tco2e_"))
    for column in (*modelled[-1:], "floor_area_m2"):
        if column in layer.columns:
            values = np.abs(layer.column(column))
            known = np.isfinite(values) & (values > 0)
            if known.any():
                return np.asarray(np.where(known, values, values[known].mean()), dtype=np.float64)
    return None


def _touched(shares: Iterable[Shares]) -> NDArray[np.bool_]:
    touched: NDArray[np.bool_] | None = None
    for each in shares:
        here = np.diff(each.matrix.indptr) > 0
        touched = here if touched is None else touched | here
    assert touched is not None
    return touched
