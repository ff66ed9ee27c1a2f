"""The private metered part of one sector: which features, where they lie, what they emit and how sure that is.

Private is every line of method `metered` in a layer that is not open. The other lines of such a layer rest on a model
and on public properties, and may be shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack

from grids.aggregate import CollectionSums, LayerShares, SectorSums, sector_sums
from grids.columns import Pair, in_pair_order
from grids.errors import GridError
from grids.features import BoolArray, FloatArray, check_lines, feature_emissions, groups_of, pairs_of


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
    modelled: pd.DataFrame | None = None


@dataclass(frozen=True)
class PrivatePart:
    """Features with a metered value other than 0 in the private layers of a sector.

    The features are the same, in the same order, in every collection of one year.

    Attributes:
        shares: (targets, features) share of each feature.
        emissions: (features, pairs) metered tCO2e, signed.
        own: (features, pairs) absolute emissions times the relative deviation of the meter, tCO2e.
        u: (pairs,) largest relative deviation of any line of the pair, meter and factor together.
        weights: (features,) how much of a group's sum each attracts.
        modelled: (features, pairs) tCO2e that a model gives instead; None where a layer has no model.
        pairs: carriers and bases of the sector, and of the model.
        uneven: pairs whose lines have errors of several kinds, such as gas of two factors.
    """

    shares: csr_array
    emissions: FloatArray
    own: FloatArray
    u: FloatArray
    weights: FloatArray
    modelled: FloatArray | None
    pairs: tuple[Pair, ...]
    uneven: frozenset[Pair] = frozenset()

    @property
    def present(self) -> BoolArray:
        """(targets,) whether any of the features lies there."""
        return np.diff(self.shares.indptr) > 0

    @property
    def values(self) -> FloatArray:
        """(targets, pairs) true tCO2e of the private metered part."""
        return np.asarray(self.shares @ self.emissions)

    def variance(self, veiled: frozenset[Pair]) -> FloatArray:
        """(targets,) own variance of the true part as it may be told, tCO2e squared.

        The exact sum of squares, together with the sum, would tell three values apart; so the meters' errors are spread
        evenly over the features: `(sum of share x |e| x u)^2 / n`. Veiled carriers get the largest deviation of theirs
        on their common sum, because a factor's error tells how much there is of the carrier, or with that factor.
        """
        together = np.array([pair in veiled for pair in self.pairs], dtype=bool)
        spread = np.asarray(self.shares @ self.own[:, ~together].sum(axis=1)) ** 2
        common = self.values[:, together].sum(axis=1) * self.u[together].max(initial=0.0)
        return np.asarray(spread / np.maximum(np.diff(self.shares.indptr), 1) + common**2)


def private_part(
    layers: Sequence[LayerShares], private: Mapping[str, PrivateLayer], year: int, pairs: Sequence[Pair]
) -> PrivatePart:
    """Collect the private metered features of a sector.

    Args:
        layers: of one sector, in the order of their names; at least one of them private.
        private: layers that are not open, by id.
        year: year of the activity.
        pairs: carriers and bases of the sector; those of the models are added.

    Raises:
        DisclosureError: weights that are not one number per feature, finite and 0 or more.
        BadLines: modelled lines that cannot be added up.
    """
    chosen = [layer for layer in layers if layer.layer in private]
    models = [private[layer.layer].modelled for layer in chosen]
    for layer, lines in zip(chosen, models, strict=True):
        if lines is not None:
            check_lines(f"{layer.layer} (modelled)", lines, layer.shares.shape[1])
    every = in_pair_order({*pairs, *set().union(*(pairs_of(lines) for lines in models if lines is not None))})
    parts = [_of_layer(layer, private[layer.layer], year, every) for layer in chosen]
    modelled = [part.modelled for part in parts if part.modelled is not None]
    return PrivatePart(
        shares=csr_array(hstack([part.shares for part in parts], format="csr")),
        emissions=np.concatenate([part.emissions for part in parts]),
        own=np.concatenate([part.own for part in parts]),
        u=np.max([part.u for part in parts], axis=0),
        weights=np.concatenate([part.weights for part in parts]),
        modelled=np.concatenate(modelled) if len(modelled) == len(parts) else None,
        pairs=every,
        uneven=_uneven(chosen, year),
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
    kept = []
    for layer in layers:
        if layer.layer in private:
            out = _metered(layer.lines)
            if only is not None:
                out = out & np.any([_of_pair(layer.lines, pair) for pair in sorted(only)], axis=0)
            layer = replace(layer, lines=layer.lines[~out])
        kept.append(layer)
    return sector_sums(
        kept,
        n_targets=sums.n_targets,
        year=sums.year,
        coverage=sums.sectors[sector].coverage,
        groups=sums.groups,
        pairs=pairs,
    )


def _uneven(layers: Sequence[LayerShares], year: int) -> frozenset[Pair]:
    """Pairs whose metered lines do not all have the same errors: their deviation would tell the kinds apart."""
    kinds: dict[Pair, set[tuple[object, ...]]] = {}
    for layer in layers:
        lines = layer.lines[(layer.lines["year"] == year) & _metered(layer.lines)]
        errors = ["factor_id", "group", "u_own", "u_group", "u_factor"]
        distinct = (
            lines[["carrier", "basis", *errors]].drop_duplicates().astype({"group": object}).fillna({"group": ""})
        )
        distinct["u_group"] = distinct["u_group"].where(distinct["group"] != "", 0.0)
        for carrier, basis, *kind in distinct.itertuples(index=False):
            kinds.setdefault((str(carrier), str(basis)), set()).add(tuple(kind))
    return frozenset(pair for pair, found in kinds.items() if len(found) > 1)


def _of_layer(layer: LayerShares, known: PrivateLayer, year: int, pairs: tuple[Pair, ...]) -> PrivatePart:
    n_features = layer.shares.shape[1]
    lines = layer.lines[(layer.lines["year"] == year) & _metered(layer.lines)]
    emissions = _by_pair(lines, n_features, pairs)
    chosen = np.flatnonzero((emissions != 0).any(axis=1))
    amount = lines["emissions_tco2e"].abs()
    u_group = lines["u_group"].where(lines["group"].fillna("") != "", 0.0)
    whole = np.asarray(np.sqrt(lines["u_own"] ** 2 + u_group**2 + lines["u_factor"] ** 2), dtype=np.float64)
    modelled = None if known.modelled is None else known.modelled[known.modelled["year"] == year]
    return PrivatePart(
        shares=csr_array(layer.shares[:, chosen]),
        emissions=emissions[chosen],
        own=_by_pair(lines.assign(emissions_tco2e=amount * lines["u_own"]), n_features, pairs)[chosen],
        u=np.array([whole[_of_pair(lines, pair)].max(initial=0.0) for pair in pairs], dtype=np.float64),
        weights=_weights(layer, known, modelled, pairs)[chosen],
        modelled=None if modelled is None else _by_pair(modelled, n_features, pairs)[chosen],
        pairs=pairs,
    )


def _weights(
    layer: LayerShares, known: PrivateLayer, modelled: pd.DataFrame | None, pairs: tuple[Pair, ...]
) -> FloatArray:
    n_features = layer.shares.shape[1]
    if known.weights is not None:
        weights = np.asarray(known.weights, dtype=np.float64)
        if weights.shape != (n_features,) or not bool(np.all(np.isfinite(weights) & (weights >= 0))):
            raise DisclosureError(f"layer {layer.layer!r}: weights must be {n_features} finite numbers, 0 or more")
        return weights
    if modelled is not None:
        return np.asarray(np.abs(_by_pair(modelled, n_features, pairs)).sum(axis=1))
    return np.ones(n_features)


def _by_pair(lines: pd.DataFrame, n_features: int, pairs: tuple[Pair, ...]) -> FloatArray:
    groups = sorted(groups_of(lines))
    return np.asarray(feature_emissions(lines, n_features, pairs, groups).emissions.toarray())


def _of_pair(lines: pd.DataFrame, pair: Pair) -> BoolArray:
    return ((lines["carrier"] == pair[0]) & (lines["basis"] == pair[1])).to_numpy(dtype=bool)


def _metered(lines: pd.DataFrame) -> BoolArray:
    return (lines["method"] == "metered").to_numpy(dtype=bool)
