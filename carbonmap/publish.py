"""From shared layers to an edition: totals, conservation, disclosure, tables."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from carbonmap.layers import SharedLayer
from carbonmap.plan import Plan
from carbonmap.progress import Progress
from carbonmap.region import SECTORS
from carbonmap.targets import Targets, grid_of
from grids.aggregate import CollectionSums, LayerShares, collection_sums, to_coarser
from grids.conservation import Residuals, collection_residuals
from grids.coverage import covered_cells, covered_fraction
from grids.disclosure import Held, hold, nests, region_row
from grids.edition import EditionWriter
from grids.feature_lines import FeatureLines
from grids.grouping import Rule
from grids.large_targets import has_large, large_tables
from grids.private_meters import PrivateLayer
from grids.shares import Shares

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ROWS_AT_ONCE = 1 << 18
"""Cells whose public columns are in memory at once: about 100 MB."""


class Tables:
    """All public tables of a region, computed collection by collection; one collection's shares at a time in memory.

    Args:
        plan: the region.
        layers: every layer with emissions.
        population: layers of residents.
        grids: cells of the region's grids, coarsest first.
    """

    def __init__(
        self, plan: Plan, layers: list[SharedLayer], population: list[SharedLayer], grids: list[Targets]
    ) -> None:
        self._region = plan.region
        self._layers = layers
        self._population = population
        self._grids = grids
        self._coverage = Coverage(plan, layers)
        self._rule = Rule(plan.region.disclosure.min_count, plan.region.disclosure.dominance_percent)
        self._private = {layer.id: PrivateLayer(weights=_weights(layer)) for layer in layers if not layer.open}
        self._fine: dict[str, Shares] = {}
        self._by_feature: dict[str, dict[int, FeatureLines]] = {}
        self.residuals: dict[str, Residuals] = {}
        self.reports: dict[str, dict[str, object]] = {}

    def shares(self, layer: SharedLayer, targets: Targets) -> Shares:
        """A layer's shares in a collection: the finest grid's and the zones' from geometry, coarser grids' as sums."""
        if targets.info.kind != "grid":
            return layer.zone_shares(targets.info.id, targets.count)
        if layer.id not in self._fine:
            finest = self._grids[-1].cells
            assert finest is not None
            self._fine[layer.id] = layer.cell_shares(finest)
        shares = self._fine[layer.id]
        at = self._grids.index(targets)
        for finer, coarser in zip(self._grids[:at:-1], self._grids[-2::-1], strict=False):
            assert finer.parent is not None
            shares = to_coarser(finer.parent, coarser.count, shares)
        return shares

    def true_sums(
        self, targets: Targets, shares: Mapping[str, Shares]
    ) -> tuple[list[LayerShares], dict[int, CollectionSums]]:
        """Sums of one collection in every year, with the check that they conserve.

        Raises:
            NotConserved: emissions were lost or made; nothing may be published.
        """
        name = targets.info.id
        here = [LayerShares(layer.id, layer.sector, shares[layer.id].matrix, layer.compact) for layer in self._layers]
        coverage = self._coverage.of(targets)
        sums = {
            year: collection_sums(
                here,
                n_targets=targets.count,
                year=year,
                sectors=SECTORS,
                coverage=coverage,
                population=self._residents(targets, year, shares),
            )
            for year in self._region.years
        }
        parts = [
            (share, layer.outside, shares[layer.id].outside) for share, layer in zip(here, self._layers, strict=True)
        ]
        residuals = collection_residuals(name, parts, sums.values())
        residuals.refuse_if_lost()
        self.residuals[name] = residuals
        return here, sums

    def region_held(self, year: int) -> Held:
        """The region as one target, protected: the top of every hierarchy."""
        whole = [
            LayerShares(layer.id, layer.sector, region_row(self._inside(layer)), layer.compact)
            for layer in self._layers
        ]
        sums = collection_sums(whole, n_targets=1, year=year, sectors=SECTORS, coverage=self._coverage.of_region())
        return hold(sums, whole, private=self._private, rule=self._rule)

    def publish(self, writer: EditionWriter, collections: list[Targets], progress: Progress) -> dict[int, Held]:
        """Write every table, and the shares behind it, parents first; returns the region's own public sums by year."""
        tops = {year: self.region_held(year) for year in self._region.years}
        held: dict[tuple[str, int], Held] = {}
        above_shares: dict[str, list[LayerShares]] = {}
        for position, targets in enumerate(collections):
            progress.step(f"adding up {targets.info.id}")
            self._publish_one(writer, targets, tops, held, above_shares)
            wanted = {later.info.parent for later in collections[position + 1 :]}
            above_shares = {of: kept for of, kept in above_shares.items() if of in wanted}
            if targets is self._grids[-1]:
                self._fine.clear()
        return tops

    def _publish_one(
        self,
        writer: EditionWriter,
        targets: Targets,
        tops: Mapping[int, Held],
        held: dict[tuple[str, int], Held],
        above_shares: dict[str, list[LayerShares]],
    ) -> None:
        """Write one collection; what it is made of is forgotten before the next one, but for what that needs."""
        name = targets.info.id
        shares = {layer.id: self.shares(layer, targets) for layer in [*self._layers, *self._population]}
        here, sums = self.true_sums(targets, shares)
        above_shares[name] = [each for each in here if each.layer in self._private]
        for year in list(sums):
            above, index = tops[year], np.zeros(targets.count, dtype=np.int64)
            parent, of = targets.info.parent, targets.parent
            if parent is not None and of is not None and _nest(above_shares[parent], above_shares[name], of):
                above, index = held[parent, year], of
            beside = [each for (_, of_year), each in held.items() if of_year == year]
            public = hold(
                sums.pop(year),
                here,
                private=self._private,
                rule=self._rule,
                above=above,
                index_of_parent=index,
                beside=beside,
            )
            held[name, year] = public
            self.reports.setdefault(name, {})[str(year)] = public.report
            self._write(writer, targets, year, public, shares)
        for layer in [*self._layers, *self._population]:
            writer.write_private_table("shares", f"{layer.id}-{name}", share_rows(shares[layer.id]))
            if has_large(shares[layer.id].matrix):
                sums_of, largest = large_tables(self._lines_by_year(layer), shares[layer.id].matrix)
                writer.write_private_table("sums", f"{layer.id}-{name}", sums_of)
                writer.write_private_table("largest", f"{layer.id}-{name}", largest)
        if targets.info.kind != "grid":  # cells stand in the public table in the same order
            writer.write_private_table("targets", name, pa.table({"id": pa.array(targets.ids)}))

    def _lines_by_year(self, layer: SharedLayer) -> dict[int, FeatureLines]:
        """A layer's lines feature by feature, made once for all collections that have large targets."""
        if layer.id not in self._by_feature:
            pieces = (table.to_pandas() for table in layer.lines())
            self._by_feature[layer.id] = FeatureLines.by_year(pieces, layer.size)
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

    def _write(
        self, writer: EditionWriter, targets: Targets, year: int, public: Held, shares: Mapping[str, Shares]
    ) -> None:
        if targets.info.kind == "grid":
            starts = range(0, max(targets.count, 1), ROWS_AT_ONCE)
            frames = (self._cells(targets, public, first, first + ROWS_AT_ONCE) for first in starts)
            writer.write_cells(targets.info, year, frames)
            return
        frame, geometry = _frame(targets, public, 0, targets.count), targets.polygons
        if targets.info.kind == "hexagons":
            # Hexagons are sparse like cells; zones are all there, whether they hold anything or not.
            some = _touched(shares[layer.id] for layer in self._layers)
            frame, geometry = frame[some], geometry[some]
        writer.write_table(targets.info, year, frame, geometry)

    def _cells(self, targets: Targets, public: Held, first: int, last: int) -> pd.DataFrame:
        """The public columns of some cells in a row, with their codes."""
        frame = _frame(targets, public, first, last)
        grid = grid_of(self._region, targets)
        frame.insert(0, "id", grid.codes(frame["row"], frame["col"]).astype(object))
        return frame


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


def _frame(targets: Targets, public: Held, first: int, last: int) -> pd.DataFrame:
    """The public columns of some targets in a row."""
    last = min(last, targets.count)
    numbers = public.table(first, last)
    ground = pd.DataFrame({"year": numbers["year"], "area_ha": targets.area_ha[first:last]})
    parts = [targets.columns.iloc[first:last].reset_index(drop=True), ground, numbers.drop(columns="year")]
    return pd.concat(parts, axis=1)


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
