"""Totals per cell or zone: shares times emissions, with standard deviations that stay true at every level.

    total(target)      = sum over features of share x emissions
    own(target)        = sum over features of (share x own standard deviation)^2, part of which neighbours share
    loading(target, g) = sum over features of share x emissions x u_g            (signed; adds over targets and sectors)
    sd(target)         = sqrt(own + sum over groups of loading^2)

Sums run in one order (layers by name, features by position, lines by kind and value), each target in one thread and
without BLAS: the same inputs give the same bits, whatever the number of threads or the order of the emission lines.

Source: ARCHITECTURE, 'The idea that keeps it simple'; METHODS E (shared errors add linearly, own ones in quadrature).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from grids.blocks import block_bounds, in_blocks
from grids.columns import (
    METHODS,
    Pair,
    in_pair_order,
    in_sector_order,
    method_column,
    pair_column,
    sd_column,
    total_column,
    value_columns,
)
from grids.errors import GridError
from grids.features import BoolArray, FloatArray, IntArray, KindColumns, LayerLines, YearLines
from grids.neighbourhoods import Neighbourhoods
from grids.sparse_rows import canonical, csr_of, csr_parts, joined, rows_of, squares_by_row
from grids.total_kernels import add_targets

_ENTRIES_AT_ONCE = 100_000

FULLY_COVERED = 0.999
"""Covered fraction from which a target counts as covered as a whole; the rest is drawing noise along borders."""


class SumsMismatch(GridError):
    """Shares, lines, coverage or sectors that do not belong together."""


@dataclass(frozen=True)
class LayerShares:
    """One layer on one collection.

    Attributes:
        layer: id of the layer.
        sector: buildings, transport or forest.
        shares: (targets, features) fraction of the whole feature in each target.
        lines: emission lines of all years: a frame with columns as in docs/architecture.md, or `LayerLines`, made once
            for all collections.
    """

    layer: str
    sector: str
    shares: csr_array
    lines: pd.DataFrame | LayerLines

    def rows(self, first: int, last: int) -> "LayerShares":
        """The targets from `first` up to `last`, by themselves."""
        return replace(self, shares=rows_of(self.shares, first, last))

    @cached_property
    def compact(self) -> LayerLines:
        """The lines, checked.

        Raises:
            BadLines: lines that cannot be added up.
            SumsMismatch: lines of another number of features than the shares.
        """
        if isinstance(self.lines, pd.DataFrame):
            return LayerLines.of(self.layer, self.lines, self.shares.shape[1])
        if self.lines.n_features != self.shares.shape[1]:
            raise SumsMismatch(
                f"layer {self.layer!r} has lines of {self.lines.n_features} features and shares of "
                f"{self.shares.shape[1]}; expected is the same number"
            )
        return self.lines


@dataclass(frozen=True)
class SectorSums:
    """One sector on one collection in one year, in parts that add.

    Attributes:
        pairs: carriers and bases, the columns of `values`.
        values: (targets, pairs) tCO2e per year, signed.
        absolute: (targets, 3) absolute tCO2e by method, in the order of `METHODS`.
        own: (targets,) own variance, tCO2e squared.
        loadings: (targets, groups) tCO2e; columns are the groups of the `CollectionSums`.
        illustrative: (targets,) rests on an assumption of the region file.
        coverage: (targets,) 0 to 1; null where the target has no ground in the region.
        covered: (targets,) whether there is a value; absent counts as 0 there and as unknown elsewhere.
        withheld: pairs whose column is null everywhere, see `grids.disclosure`.
    """

    pairs: tuple[Pair, ...]
    values: FloatArray
    absolute: FloatArray
    own: FloatArray
    loadings: csr_array
    illustrative: BoolArray
    coverage: FloatArray
    covered: BoolArray
    withheld: frozenset[Pair] = field(default_factory=frozenset)

    def rows(self, first: int, last: int) -> "SectorSums":
        """The targets from `first` up to `last`, by themselves."""
        fields = ("values", "absolute", "own", "illustrative", "coverage", "covered")
        some = {name: getattr(self, name)[first:last] for name in fields}
        return replace(self, loadings=rows_of(self.loadings, first, last), **some)

    @property
    def whole(self) -> BoolArray:
        """(targets,) covered as a whole: half a forest and all buildings make no net."""
        return ~(self.coverage < FULLY_COVERED)

    @property
    def total(self) -> FloatArray:
        """(targets,) sum of the pairs, from left to right."""
        return _added(self.values)

    @property
    def variance(self) -> FloatArray:
        """(targets,) own variance and squared loadings."""
        return self.own + squares_by_row(self.loadings)


@dataclass(frozen=True)
class CollectionSums:
    """All sectors of one collection in one year.

    Attributes:
        year: year of the activity.
        n_targets: cells or zones.
        groups: names of the groups of shared error.
        sectors: by sector, in the order of tables.
        population: (targets,) residents, or None where unknown.
    """

    year: int
    n_targets: int
    groups: tuple[str, ...]
    sectors: Mapping[str, SectorSums]
    population: FloatArray | None

    def rows(self, first: int, last: int) -> "CollectionSums":
        """The targets from `first` up to `last`, by themselves: a table in parts."""
        sectors = {sector: sums.rows(first, last) for sector, sums in self.sectors.items()}
        residents = None if self.population is None else self.population[first:last]
        n_targets = len(range(self.n_targets)[first:last])
        return replace(self, n_targets=n_targets, sectors=sectors, population=residents)

    def table(self) -> pd.DataFrame:
        """The public columns as a frame, one row per target."""
        return pd.DataFrame(self.columns(), copy=False)

    def columns(self) -> dict[str, npt.NDArray[np.generic]]:
        """The public numeric columns, one row per target, in the order of `grids.columns.value_columns`."""
        columns: dict[str, npt.NDArray[np.generic]] = {
            "year": np.full(self.n_targets, self.year, dtype=np.int16),
            "population": np.full(self.n_targets, np.nan) if self.population is None else self.population,
        }
        covered = np.full(self.n_targets, bool(self.sectors))
        net, own = np.zeros(self.n_targets), np.zeros(self.n_targets)
        loadings = csr_array((self.n_targets, len(self.groups)), dtype=np.float64)
        for sector, sums in self.sectors.items():
            columns |= _sector_columns(sector, sums)
            covered &= sums.covered & sums.whole
            net, own = net + sums.total, own + sums.own
            loadings = csr_array(loadings + sums.loadings)
        columns[total_column("net")] = np.where(covered, net, np.nan)
        deviation = np.sqrt(own + squares_by_row(loadings))
        columns[sd_column("net")] = np.where(covered, deviation, np.nan)
        names = value_columns(list(self.sectors), {sector: sums.pairs for sector, sums in self.sectors.items()})
        return {name: columns[name] for name in names}


def collection_sums(
    layers: Sequence[LayerShares],
    *,
    n_targets: int,
    year: int,
    sectors: Sequence[str],
    coverage: Mapping[str, FloatArray],
    population: FloatArray | None = None,
) -> CollectionSums:
    """Sum layers into the targets of one collection.

    A sector is covered where its coverage is above 0 or a feature of it lies. A target without ground in the region (a
    cell into which a road on the very edge falls) has nothing that could be unknown: every sector is covered. A sector
    without a layer, or whose lines all belong to other years, is covered nowhere.

    Args:
        layers: every layer of the region on this collection, in any order.
        n_targets: cells or zones.
        year: lines of other years are left out, but decide which columns there are.
        sectors: every sector of the region, with or without a source.
        coverage: sector -> (targets,) fraction 0 to 1 of the target's ground in the region that its sources cover, null
            where the target has no ground there; for each sector with a layer.
        population: (targets,) residents, null where unknown.

    Raises:
        SumsMismatch: layers, shares, coverage or population do not fit together.
        BadLines: lines that cannot be added up.
    """
    ordered = sorted(layers, key=lambda layer: layer.layer)
    _check(ordered, n_targets, sectors, coverage, population)
    groups = tuple(sorted(set().union(*(layer.compact.groups for layer in ordered))))
    by_sector: dict[str, SectorSums] = {}
    for sector in in_sector_order(sectors):
        mine = [layer for layer in ordered if layer.sector == sector]
        reach = np.asarray(coverage[sector], dtype=np.float64) if mine else np.zeros(n_targets)
        by_sector[sector] = sector_sums(mine, n_targets=n_targets, year=year, coverage=reach, groups=groups)
    return CollectionSums(year, n_targets, groups, by_sector, population)


def sector_sums(
    layers: Sequence[LayerShares],
    *,
    n_targets: int,
    year: int,
    coverage: FloatArray,
    groups: Sequence[str],
    pairs: tuple[Pair, ...] | None = None,
    skip: Mapping[str, BoolArray] | None = None,
) -> SectorSums:
    """Sum the layers of one sector; see `collection_sums`, which checks the arguments.

    Args:
        layers: of one sector, in the order of summing.
        n_targets: cells or zones.
        year: lines of other years only decide which columns there are.
        coverage: (targets,) 0 to 1.
        groups: names of the groups of shared error; holds every group of the lines.
        pairs: columns of the result; by default the pairs that occur in any year.
        skip: layer -> (kinds,) kinds of its lines that are left out.
    """
    if pairs is None:
        pairs = in_pair_order(set().union(*(layer.compact.pairs for layer in layers)))
    values, absolute = np.zeros((n_targets, len(pairs))), np.zeros((n_targets, len(METHODS)))
    own, illustrative = np.zeros(n_targets), np.zeros(n_targets, dtype=np.bool_)
    loadings = csr_array((n_targets, len(groups)), dtype=np.float64)
    touched = np.zeros(n_targets, dtype=bool)
    known = bool(layers) and all(layer.compact.is_empty for layer in layers)
    for layer in layers:
        shares, lines = canonical(layer.shares), layer.compact
        known |= year in lines.by_year
        columns = lines.columns(pairs, groups, None if skip is None else skip.get(layer.layer))
        into = (values, absolute, own, illustrative)
        mine = _added_lines(shares, lines.of_year(year), columns, lines.near, len(groups), into)
        loadings = mine if len(layers) == 1 else csr_array(loadings + mine)
        touched |= np.diff(shares.indptr) > 0
    loadings.sort_indices()
    return SectorSums(
        pairs=pairs,
        values=values,
        absolute=absolute,
        own=own,
        loadings=loadings,
        illustrative=illustrative,
        coverage=coverage if known else np.zeros(n_targets),
        covered=(~(coverage <= 0) | touched) & known,
    )


def _added_lines(
    shares: csr_array,
    lines: YearLines,
    columns: KindColumns,
    near: Neighbourhoods,
    n_groups: int,
    into: tuple[FloatArray, FloatArray, FloatArray, BoolArray],
) -> csr_array:
    """Add lines by shares into values, absolute values, own variances and marks; returns the loadings."""
    entries = csr_parts(shares)
    squares = near.square, near.above, near.part, near.alone

    def work(first: int, last: int) -> tuple[IntArray, npt.NDArray[np.int32], FloatArray]:
        found: tuple[IntArray, npt.NDArray[np.int32], FloatArray] = add_targets(
            first, last, entries, tuple(lines), tuple(columns), squares, n_groups, *into
        )
        return found

    blocks = list(in_blocks(work, block_bounds(entries[0] + np.arange(len(entries[0])), _ENTRIES_AT_ONCE)))
    counts = joined([block[0] for block in blocks], np.int64)
    groups = joined([block[1] for block in blocks], np.int32)
    return csr_of(counts, groups, joined([block[2] for block in blocks], np.float64), n_groups)


def _sector_columns(sector: str, sums: SectorSums) -> dict[str, npt.NDArray[np.generic]]:
    def shown(values: FloatArray, where: BoolArray = sums.covered) -> FloatArray:
        return np.where(where, values, np.nan)

    columns: dict[str, npt.NDArray[np.generic]] = {total_column(sector): shown(sums.total)}
    nowhere = np.zeros_like(sums.covered)
    for position, pair in enumerate(sums.pairs):
        where = nowhere if pair in sums.withheld else sums.covered
        columns[pair_column(sector, pair)] = shown(sums.values[:, position], where)
    columns[sd_column(sector)] = shown(np.sqrt(sums.variance))
    whole = _added(sums.absolute)
    some = sums.covered & (whole > 0)
    for position, method in enumerate(METHODS):
        share = np.divide(sums.absolute[:, position], whole, out=np.zeros_like(whole), where=some)
        columns[method_column(sector, method)] = shown(share, some)
    columns[f"{sector}_coverage"] = sums.coverage
    columns[f"{sector}_illustrative"] = sums.illustrative & sums.covered
    return columns


def _added(values: FloatArray) -> FloatArray:
    """Sum over columns, strictly from left to right, so that a published total is the sum of its published parts."""
    total = np.zeros(values.shape[0])
    for position in range(values.shape[1]):
        total = total + values[:, position]
    return total


def _check(
    layers: Sequence[LayerShares],
    n_targets: int,
    sectors: Sequence[str],
    coverage: Mapping[str, FloatArray],
    population: FloatArray | None,
) -> None:
    names = [layer.layer for layer in layers]
    if len(set(names)) != len(names):
        raise SumsMismatch(f"layers are named {', '.join(names)}; each may come only once")
    for layer in layers:
        if layer.sector not in sectors:
            raise SumsMismatch(
                f"layer {layer.layer!r} is of the sector {layer.sector!r}; the region has {', '.join(sectors)}"
            )
        if layer.sector not in coverage:
            raise SumsMismatch(f"layer {layer.layer!r}: no coverage is given for its sector {layer.sector!r}")
        if layer.shares.shape[0] != n_targets:
            raise SumsMismatch(
                f"layer {layer.layer!r} is shared over {layer.shares.shape[0]} targets; expected are {n_targets}"
            )
        if not bool(np.all((layer.shares.data >= 0) & (layer.shares.data <= 1 + 1e-9))):
            raise SumsMismatch(f"layer {layer.layer!r} has shares that are not fractions from 0 to 1")
        _ = layer.compact  # refuses lines that cannot be added up
    sourceless = set(coverage) - {layer.sector for layer in layers}
    if sourceless:
        raise SumsMismatch(f"coverage is given for {', '.join(sorted(sourceless))}, but no layer of it; leave it out")
    for sector, reach in coverage.items():
        known = np.asarray(reach, dtype=np.float64)
        if known.shape != (n_targets,) or bool(np.any((known < 0) | (known > 1 + 1e-9))):
            raise SumsMismatch(
                f"coverage of {sector!r} must be {n_targets} fractions from 0 to 1; its shape is {known.shape}"
            )
    if population is not None and np.shape(population) != (n_targets,):
        raise SumsMismatch(
            f"population has the shape {np.shape(population)}; expected is one number for each of {n_targets}"
        )
