"""The private metered part of one sector: which features, where they lie, what they emit and how sure that is.

Private is every line of method `metered` in a layer that is not open. The other lines of such a layer rest on a model
and on public properties, and may be shown.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack

from grids.aggregate import CollectionSums, LayerShares, SectorSums, sector_sums
from grids.columns import METHODS, Pair, in_pair_order
from grids.errors import GridError
from grids.features import METERED, BoolArray, FloatArray, IntArray, LayerLines, LineKind
from grids.total_kernels import metered_features


class DisclosureError(GridError):
    """Levels or private layers that do not belong together; without them nothing can be protected."""


@dataclass(frozen=True)
class PrivateLayer:
    """What is known, beside its meters, of a layer that is not open.

    Attributes:
        weights: (features,) 0 or more; how much of a group's sum a feature attracts: its modelled emissions, else its
            floor area. Ones where neither is known. Must not come from the meters.
        modelled: emission lines that a model gives for the metered features. They are the weights where none are given,
            and stand in for the meters where not even the region's total may be shown.
    """

    weights: FloatArray | None = None
    modelled: pd.DataFrame | LayerLines | None = None


@dataclass(frozen=True, eq=False)
class PrivatePart:
    """Features with a metered value other than 0 in the private layers of a sector.

    The features are the same, in the same order, in every collection of one year.

    Attributes:
        shares: (targets, features) share of each feature.
        emissions: (features, pairs) metered tCO2e, signed.
        own: (features, pairs) absolute emissions times the relative deviation of the meter, tCO2e; no rows once they
            are summed up (`own_without`).
        u: (pairs,) largest relative deviation of any line of the pair, meter and factor together.
        weights: (features,) how much of a group's sum each attracts.
        modelled: (features, pairs) tCO2e that a model gives instead; None where a layer has no model.
        pairs: carriers and bases of the sector, and of the model.
        uneven: pairs whose lines have errors of several kinds, such as gas of two factors, or readings below zero: the
            size of an error goes by absolute emissions, which beside the sum would tell those apart.
        chosen: layer -> positions of its features among all of the layer.
        sources: the lines and what is known beside, of which all but `shares` was made.
    """

    shares: csr_array
    emissions: FloatArray
    own: FloatArray
    u: FloatArray
    weights: FloatArray
    modelled: FloatArray | None
    pairs: tuple[Pair, ...]
    uneven: frozenset[Pair]
    chosen: Mapping[str, IntArray]
    sources: tuple[tuple[LayerLines, PrivateLayer], ...]

    @property
    def present(self) -> BoolArray:
        """(targets,) whether any of the features lies there."""
        return np.diff(self.shares.indptr) > 0

    @cached_property
    def values(self) -> FloatArray:
        """(targets, pairs) true tCO2e of the private metered part."""
        return np.asarray(self.shares @ self.emissions)

    def absolute(self, withheld: frozenset[Pair]) -> FloatArray:
        """(targets,) size of the true part as it may be told: of each carrier's sum, of the withheld ones together.

        The sum of absolute readings, beside their sum, would tell a single one below zero.
        """
        together = np.array([pair in withheld for pair in self.pairs], dtype=bool)
        apart = np.abs(self.values[:, ~together]).sum(axis=1)
        return np.asarray(apart + np.abs(self.values[:, together].sum(axis=1)))

    def own_without(self, veiled: frozenset[Pair]) -> FloatArray:
        """(features,) sum of `own` over the pairs that are not veiled."""
        apart = np.array([pair not in veiled for pair in self.pairs], dtype=bool)
        return np.asarray(self.own[:, apart].sum(axis=1))

    def variance(self, own: FloatArray, veiled: frozenset[Pair]) -> FloatArray:
        """(targets,) own variance of the true part as it may be told, tCO2e squared.

        The exact sum of squares, together with the sum, would tell three values apart; so the meters' errors are spread
        evenly over the features: `(sum of share x |e| x u)^2 / n`. Veiled carriers get the largest deviation of theirs
        on their common sum, because a factor's error tells how much there is of the carrier, or with that factor.

        Args:
            own: `own_without(veiled)`, which all targets have in common.
            veiled: pairs that are withheld, or have errors of several kinds.
        """
        together = np.array([pair in veiled for pair in self.pairs], dtype=bool)
        spread = np.asarray(self.shares @ own) ** 2 / np.maximum(np.diff(self.shares.indptr), 1)
        if not together.any():
            return spread
        common = self.values[:, together].sum(axis=1) * self.u[together].max()
        return np.asarray(spread + common**2)


def private_part(
    layers: Sequence[LayerShares],
    private: Mapping[str, PrivateLayer],
    year: int,
    pairs: Sequence[Pair],
    known: PrivatePart | None = None,
    also: Mapping[str, IntArray] | None = None,
) -> PrivatePart:
    """Collect the private metered features of a sector.

    Args:
        layers: of one sector, in the order of their names; at least one of them private.
        private: layers that are not open, by id.
        year: year of the activity.
        pairs: carriers and bases of the sector; those of the models are added.
        known: the same of another collection and the same year; where it was made of the same lines, only shares are
            new.
        also: layer -> ascending positions of features that had a meter in an earlier edition, with or without one now.

    Raises:
        DisclosureError: weights that are not one number per feature, finite and 0 or more.
        BadLines: modelled lines that cannot be added up.
    """
    chosen = [layer for layer in layers if layer.layer in private]
    sources = tuple((layer.compact, private[layer.layer]) for layer in chosen)
    if known is not None and _are_same(sources, known.sources) and set(pairs) <= set(known.pairs):
        return replace(known, shares=_of_features(chosen, known.chosen))
    models = [_modelled(layer, private[layer.layer]) for layer in chosen]
    every = in_pair_order({*pairs, *set().union(*(lines.pairs for lines in models if lines is not None))})
    parts = [_of_layer(layer, private[layer.layer], model, year, every, (also or {}).get(layer.layer))
             for layer, model in zip(chosen, models, strict=True)]  # fmt: skip
    of = {layer.layer: part.chosen for layer, part in zip(chosen, parts, strict=True)}
    modelled = [part.modelled for part in parts if part.modelled is not None]
    return PrivatePart(
        shares=_of_features(chosen, of),
        emissions=_stacked([part.emissions for part in parts]),
        own=_stacked([part.own for part in parts]),
        u=_largest_deviations(chosen, year, every),
        weights=_stacked([part.weights for part in parts]),
        modelled=_stacked(modelled) if len(modelled) == len(parts) else None,
        pairs=every,
        uneven=_uneven(chosen, year) | _of_both_signs(every, parts),
        chosen=of,
        sources=sources,
    )


def sums_without(
    layers: Sequence[LayerShares],
    private: Mapping[str, PrivateLayer],
    sums: CollectionSums,
    sector: str,
    pairs: tuple[Pair, ...],
    only: frozenset[Pair] | None = None,
) -> SectorSums:
    """Sums of a sector without its private metered lines, summed anew: a difference would leave rounding behind.

    Args:
        layers: of one sector, in the order of their names.
        private: layers that are not open, by id.
        sums: the collection they belong to.
        sector: their sector.
        pairs: columns of the result.
        only: leave out only private metered lines of these pairs.
    """
    skip = {
        layer.layer: np.array(
            [kind.method == METHODS[METERED] and (only is None or kind.pair in only) for kind in layer.compact.kinds],
            dtype=bool,
        )
        for layer in layers
        if layer.layer in private
    }
    return sector_sums(
        layers,
        n_targets=sums.n_targets,
        year=sums.year,
        coverage=sums.sectors[sector].coverage,
        groups=sums.groups,
        pairs=pairs,
        skip=skip,
    )


class _LayerPart(NamedTuple):
    chosen: IntArray
    emissions: FloatArray
    own: FloatArray
    weights: FloatArray
    modelled: FloatArray | None

    def with_others(self, also: IntArray) -> "_LayerPart":
        """With features that read nothing now, in the order of the layer; they attract nothing of a group's sum."""
        more = np.setdiff1d(also, self.chosen)
        order = np.argsort(np.concatenate([self.chosen, more]), kind="stable")

        def with_zeros(values: FloatArray) -> FloatArray:
            return np.concatenate([values, np.zeros((len(more), *values.shape[1:]))])[order]

        return _LayerPart(
            np.concatenate([self.chosen, more])[order],
            with_zeros(self.emissions),
            with_zeros(self.own),
            with_zeros(self.weights),
            None if self.modelled is None else with_zeros(self.modelled),
        )


def _of_layer(
    layer: LayerShares, known: PrivateLayer, model: LayerLines | None, year: int, pairs: tuple[Pair, ...],
    also: IntArray | None,
) -> _LayerPart:  # fmt: skip
    lines, kinds = layer.compact.of_year(year), layer.compact.kinds
    is_metered = np.array([kind.method == METHODS[METERED] for kind in kinds], dtype=bool)
    pair_of = np.array([pairs.index(kind.pair) if kind.pair in pairs else 0 for kind in kinds], dtype=np.int64)
    u_own = np.array([kind.u_own for kind in kinds], dtype=np.float64)
    chosen, emissions, own = metered_features(tuple(lines), is_metered, pair_of, u_own, len(pairs))
    modelled = None if model is None else _of_model(model, year, pairs, chosen)
    weights = _weights(layer, known, modelled, chosen)
    found = _LayerPart(chosen, emissions, own, weights, modelled)
    return found if also is None else found.with_others(also)


def _of_model(model: LayerLines, year: int, pairs: tuple[Pair, ...], chosen: IntArray) -> FloatArray:
    """(chosen, pairs) what a model gives for some features."""
    lines = model.of_year(year)
    place = np.full(model.n_features, -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    of = place[np.repeat(np.arange(model.n_features), np.diff(lines.starts))]
    pair_of = np.array([pairs.index(kind.pair) for kind in model.kinds], dtype=np.int64)
    mine = of >= 0
    at = of[mine] * len(pairs) + pair_of[lines.kind[mine]]
    sums = np.bincount(at, lines.emissions[mine], minlength=len(chosen) * len(pairs)).astype(np.float64)
    return sums.reshape(len(chosen), len(pairs))


def _of_features(layers: Sequence[LayerShares], chosen: Mapping[str, IntArray]) -> csr_array:
    """(targets, features) shares of the features chosen."""
    columns = [
        layer.shares if len(chosen[layer.layer]) == layer.shares.shape[1] else layer.shares[:, chosen[layer.layer]]
        for layer in layers
    ]
    return csr_array(columns[0] if len(columns) == 1 else hstack(columns, format="csr"))


def _stacked(arrays: Sequence[FloatArray]) -> FloatArray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _are_same(
    mine: tuple[tuple[LayerLines, PrivateLayer], ...], theirs: tuple[tuple[LayerLines, PrivateLayer], ...]
) -> bool:
    return len(mine) == len(theirs) and all(
        one[0] is other[0] and one[1] is other[1] for one, other in zip(mine, theirs, strict=True)
    )


def _modelled(layer: LayerShares, known: PrivateLayer) -> LayerLines | None:
    if known.modelled is None or isinstance(known.modelled, LayerLines):
        return known.modelled
    return LayerLines.of(layer.layer, known.modelled, layer.shares.shape[1], what=" (modelled)")


def _metered_kinds(layers: Sequence[LayerShares], year: int) -> list[LineKind]:
    return [
        kind
        for layer in layers
        for kind in layer.compact.kinds
        if kind.year == year and kind.method == METHODS[METERED]
    ]


def _uneven(layers: Sequence[LayerShares], year: int) -> frozenset[Pair]:
    """Pairs whose metered lines do not all have the same errors: their deviation would tell the kinds apart."""
    errors: dict[Pair, set[tuple[object, ...]]] = {}
    for kind in _metered_kinds(layers, year):
        error = (kind.factor_id, kind.group, kind.u_own, kind.u_group, kind.u_factor)
        errors.setdefault(kind.pair, set()).add(error)
    return frozenset(pair for pair, found in errors.items() if len(found) > 1)


def _of_both_signs(pairs: Sequence[Pair], parts: Sequence[_LayerPart]) -> frozenset[Pair]:
    """Pairs of which some private meter reads below zero."""
    return frozenset(
        pair for k, pair in enumerate(pairs) if any(bool((part.emissions[:, k] < 0).any()) for part in parts)
    )


def _largest_deviations(layers: Sequence[LayerShares], year: int, pairs: Sequence[Pair]) -> FloatArray:
    """(pairs,) the largest relative deviation of any metered line: meter, group and factor together."""
    largest = dict.fromkeys(pairs, 0.0)
    for kind in _metered_kinds(layers, year):
        whole = math.sqrt(kind.u_own**2 + kind.u_group**2 + kind.u_factor**2)
        largest[kind.pair] = max(largest[kind.pair], whole)
    return np.array([largest[pair] for pair in pairs], dtype=np.float64)


def _weights(layer: LayerShares, known: PrivateLayer, modelled: FloatArray | None, chosen: IntArray) -> FloatArray:
    n_features = layer.shares.shape[1]
    if known.weights is not None:
        weights = np.asarray(known.weights, dtype=np.float64)
        if weights.shape != (n_features,) or not bool(np.all(np.isfinite(weights) & (weights >= 0))):
            raise DisclosureError(f"layer {layer.layer!r}: weights must be {n_features} finite numbers, 0 or more")
        return weights[chosen]
    if modelled is not None:
        return np.asarray(np.abs(modelled).sum(axis=1))
    return np.ones(len(chosen))
