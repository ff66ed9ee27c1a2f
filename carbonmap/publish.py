"""From shared layers to an edition: totals, conservation, disclosure, tables."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from carbonmap.layers import SharedLayer
from carbonmap.progress import Progress
from carbonmap.region import SECTORS, Region
from carbonmap.targets import Targets
from grids.aggregate import CollectionSums, LayerShares, collection_sums
from grids.conservation import Residuals, collection_residuals
from grids.disclosure import Held, hold, nests, region_row
from grids.edition import EditionWriter
from grids.grouping import Rule
from grids.private_meters import PrivateLayer
from grids.shares import Shares

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


REGION = "region"
"""The region as one target, among the coverages by collection."""


class Tables:
    """All public tables of a region, computed collection by collection.

    Args:
        region: the region.
        layers: every layer with shares in every collection.
        coverage: collection id, and `REGION` -> sector -> (targets,) covered fraction of the ground.
        population: collection id -> year -> (targets,) residents; empty where unknown.
    """

    def __init__(
        self,
        region: Region,
        layers: list[SharedLayer],
        coverage: Mapping[str, Mapping[str, FloatArray]],
        population: Mapping[str, Mapping[int, FloatArray]],
    ) -> None:
        self._region = region
        self._layers = layers
        self._coverage = coverage
        self._population = population
        self._rule = Rule(region.disclosure.min_count, region.disclosure.dominance_percent)
        self._private = {layer.id: PrivateLayer(weights=_weights(layer)) for layer in layers if not layer.open}
        # Lines are added up again for every collection and year; as categories their few words are compared once each.
        self._lines = {layer.id: _categories(layer.lines) for layer in layers}
        self.residuals: dict[str, Residuals] = {}
        self.reports: dict[str, dict[str, object]] = {}

    def true_sums(self, targets: Targets) -> tuple[list[LayerShares], dict[int, CollectionSums]]:
        """Sums of one collection in every year, with the check that they conserve.

        Raises:
            NotConserved: emissions were lost or made; nothing may be published.
        """
        name = targets.info.id
        here = [
            LayerShares(layer.id, layer.sector, layer.shares[name].matrix, self._lines[layer.id])
            for layer in self._layers
        ]
        sums = {
            year: collection_sums(
                here,
                n_targets=targets.count,
                year=year,
                sectors=SECTORS,
                coverage=self._coverage[name],
                population=self._population.get(name, {}).get(year),
            )
            for year in self._region.years
        }
        parts = [
            (share, layer.outside, layer.shares[name].outside) for share, layer in zip(here, self._layers, strict=True)
        ]
        residuals = collection_residuals(name, parts, sums.values())
        residuals.refuse_if_lost()
        self.residuals[name] = residuals
        return here, sums

    def region_held(self, year: int) -> Held:
        """The region as one target, protected: the top of every hierarchy."""
        whole = [
            LayerShares(layer.id, layer.sector, region_row(_inside(layer)), self._lines[layer.id])
            for layer in self._layers
        ]
        sums = collection_sums(whole, n_targets=1, year=year, sectors=SECTORS, coverage=self._coverage[REGION])
        return hold(sums, whole, private=self._private, rule=self._rule)

    def publish(self, writer: EditionWriter, collections: list[Targets], progress: Progress) -> dict[int, Held]:
        """Write every table, parents first; returns the region's own public sums by year."""
        tops = {year: self.region_held(year) for year in self._region.years}
        held: dict[tuple[str, int], Held] = {}
        shares: dict[str, list[LayerShares]] = {}
        for targets in collections:
            name = targets.info.id
            progress.step(f"adding up {name}")
            here, sums = self.true_sums(targets)
            shares[name] = here
            for year, true in sums.items():
                above, index = tops[year], np.zeros(targets.count, dtype=np.int64)
                parent, of = targets.info.parent, targets.parent
                if parent is not None and of is not None and self._nests(shares[parent], here, of):
                    above, index = held[parent, year], of
                beside = [each for (_, of_year), each in held.items() if of_year == year]
                public = hold(
                    true,
                    here,
                    private=self._private,
                    rule=self._rule,
                    above=above,
                    index_of_parent=index,
                    beside=beside,
                )
                held[name, year] = public
                self.reports.setdefault(name, {})[str(year)] = public.report
                self._write(writer, targets, year, public)
        return tops

    def _nests(self, above: list[LayerShares], below: list[LayerShares], index: IntArray) -> bool:
        private = [(up, down) for up, down in zip(above, below, strict=True) if up.layer in self._private]
        return all(nests(up.shares, down.shares, index) for up, down in private)

    def _write(self, writer: EditionWriter, targets: Targets, year: int, public: Held) -> None:
        numbers = public.table()
        frame = pd.concat(
            [
                targets.columns.reset_index(drop=True),
                pd.DataFrame({"year": numbers["year"], "area_ha": targets.area_ha}),
                numbers.drop(columns="year"),
            ],
            axis=1,
        )
        geometry = None if targets.info.kind == "grid" else targets.polygons
        if targets.info.kind == "hexagons":
            # Hexagons are sparse like cells; zones are all there, whether they hold anything or not.
            some = _touched(layer.shares[targets.info.id] for layer in self._layers)
            frame, geometry = frame[some], targets.polygons[some]
        writer.write_table(targets.info, year, frame, geometry)


def _categories(lines: pd.DataFrame) -> pd.DataFrame:
    words = [name for name in lines.columns if not pd.api.types.is_numeric_dtype(lines[name])]
    return lines.astype(dict.fromkeys(words, "category"))


def _weights(layer: SharedLayer) -> FloatArray | None:
    """How much of a held group's sum a building attracts: what the model says, else its floor area, else alike."""
    features = layer.emissions.features
    modelled = [column for column in features.columns if column.startswith("modelled_tco2e_")]
    for columns in (modelled[-1:], ["floor_area_m2"]):
        if columns and columns[0] in features.columns:
            values = np.abs(features[columns[0]].to_numpy(dtype=np.float64))
            known = np.isfinite(values) & (values > 0)
            if known.any():
                return np.asarray(np.where(known, values, values[known].mean()), dtype=np.float64)
    return None


def _inside(layer: SharedLayer) -> FloatArray:
    cells = layer.cells.shares
    return np.asarray(cells.matrix.sum(axis=0), dtype=np.float64).ravel()


def _touched(shares: Iterable[Shares]) -> NDArray[np.bool_]:
    touched: NDArray[np.bool_] | None = None
    for each in shares:
        here = np.diff(each.matrix.indptr) > 0
        touched = here if touched is None else touched | here
    assert touched is not None
    return touched
