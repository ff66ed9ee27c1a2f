"""Conservation: what the features emit is what the targets hold and what lies outside, each from its own sum.

    residual = | features - (targets + outside the domain + outside the collection) | / sum of |features|

The outside parts come from geometry (`Clipped.outside`, `Shares.outside`), never as a difference to the whole; only
so can the check fail. What one feature lacks and another has too much of cancels in a sum, so each feature is held
against itself as well: closure = | shares + outside the domain + outside the collection - 1 |.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from grids.aggregate import CollectionSums, LayerShares
from grids.blocks import block_bounds, in_blocks
from grids.columns import Pair, in_pair_order
from grids.errors import GridError
from grids.features import FloatArray, LayerLines
from grids.total_kernels import add_features

TOLERANCE = 1e-9
"""Largest relative residual, and largest closure of a feature, that may be published (ARCHITECTURE, truth 1)."""

_ANOTHER_ORDER = 1 + 1e-6  # by which a sum that was accepted may differ when it is added up in another order

_FEATURES_AT_ONCE = 50_000

Key = tuple[str, str, str, str, int]
"""Layer, sector, carrier, basis, year."""


Column = tuple[str, str, str, int]
"""Sector, carrier, basis, year."""

Totals = Mapping[Column, float]


class NotConserved(GridError):
    """Emissions were lost or made between features and targets; nothing may be published."""


@dataclass(frozen=True)
class Balance:
    """Both sides of one sum, tCO2e.

    Attributes:
        features: sum over features.
        features_absolute: sum over features of absolute values; the scale of the residual.
        targets: sum over the targets of the collection.
        outside_domain: sum over features of what lies outside the layer's domain.
        outside_collection: of what lies in the domain, but in none of the targets.
    """

    features: float
    features_absolute: float
    targets: float
    outside_domain: float
    outside_collection: float

    @property
    def residual(self) -> float:
        """Relative; 0 where nothing is emitted and nothing arrives, infinite where something arrives from nothing."""
        gap = abs(self.features - (self.targets + self.outside_domain + self.outside_collection))
        if not np.isfinite(gap):
            return float("inf")
        if self.features_absolute > 0:
            return gap / self.features_absolute
        return 0.0 if gap == 0 else float("inf")


@dataclass(frozen=True)
class Residuals:
    """Balances of one collection, by layer, sector, carrier, basis and year.

    Attributes:
        collection: its id.
        balances: by layer, sector, carrier, basis and year.
        closure: by layer, of its worst feature; features without emissions among them.
    """

    collection: str
    balances: Mapping[Key, Balance] = field(default_factory=dict)
    closure: Mapping[str, float] = field(default_factory=dict)

    @property
    def worst(self) -> float:
        """The largest residual; 0 where there are no emissions."""
        return max((balance.residual for balance in self.balances.values()), default=0.0)

    def __add__(self, other: "Residuals") -> "Residuals":
        """Residuals of another layer on the same collection, added to these."""
        return Residuals(self.collection, {**self.balances, **other.balances}, {**self.closure, **other.closure})

    def against(self, totals: Iterable[Totals]) -> "Residuals":
        """With balances of whole sectors, whose targets are read from the columns that are published.

        Args:
            totals: `column_totals` of the true sums that tables are made of; of several pieces of a table, and of all
                years. Sums after disclosure control add up too.

        Returns:
            These residuals and those of every column, held against all layers of its sector, under the layer name `*`.
        """
        found: dict[Key, Balance] = {}
        for column, total in _added(totals).items():
            parts = [balance for key, balance in self.balances.items() if key[1:] == column]
            found["*", *column] = Balance(
                features=sum(balance.features for balance in parts),
                features_absolute=sum(balance.features_absolute for balance in parts),
                targets=total,
                outside_domain=sum(balance.outside_domain for balance in parts),
                outside_collection=sum(balance.outside_collection for balance in parts),
            )
        return Residuals(self.collection, {**self.balances, **found}, self.closure)

    def refuse_if_lost(self, tolerance: float = TOLERANCE) -> None:
        """Stop a build that does not conserve.

        Raises:
            NotConserved: a residual or a feature's closure is above the tolerance; the five worst are named.
        """
        lost = sorted(
            ((key, balance) for key, balance in self.balances.items() if balance.residual > tolerance),
            key=lambda entry: (-entry[1].residual, entry[0]),
        )
        if lost:
            listed = "; ".join(_sentence(key, balance) for key, balance in lost[:5])
            raise NotConserved(
                f"collection {self.collection!r} does not conserve emissions to {tolerance:g}: {len(lost)} of "
                f"{len(self.balances)} sums are off. Worst: {listed}. Nothing is published; the shares of these layers "
                "are wrong (overlapping zones, a domain that differs between clip and shares)"
            )
        open_ones = {layer: miss for layer, miss in self.closure.items() if not miss <= tolerance * _ANOTHER_ORDER}
        if open_ones:
            listed = ", ".join(f"{layer} ({miss:.3g})" for layer, miss in sorted(open_ones.items()))
            raise NotConserved(
                f"collection {self.collection!r}: the shares of some feature and what of it lies outside miss 1 by "
                f"more than {tolerance:g}; worst by layer: {listed}. Nothing is published; features that do not add "
                "up were to be refused when they were shared out: please report this"
            )

    def to_json(self) -> list[dict[str, str | int | float]]:
        """Every residual for the manifest: relative only, since totals outside may tell of a single building."""
        return [
            {
                "layer": layer,
                "sector": sector,
                "carrier": carrier,
                "basis": basis,
                "year": year,
                "residual": balance.residual,
            }
            for (layer, sector, carrier, basis, year), balance in sorted(self.balances.items())
        ]


def collection_residuals(collection: str, layers: Iterable[tuple[LayerShares, FloatArray, FloatArray]]) -> Residuals:
    """Balances of one collection over all years of its layers.

    Args:
        collection: id, for messages.
        layers: each layer on this collection, with `Clipped.outside` (features,), the fraction of each feature outside
            the domain, and `Shares.outside` (features,), the fraction in the domain but in none of the targets.

    Raises:
        GridError: outside parts and shares have different features, or lines cannot be added up.
    """
    balances: dict[Key, Balance] = {}
    closure: dict[str, float] = {}
    for layer, outside_domain, outside_collection in layers:
        n_features = layer.shares.shape[1]
        if outside_domain.shape != (n_features,) or outside_collection.shape != (n_features,):
            raise GridError(
                f"layer {layer.layer!r} has {n_features} features in its shares, {outside_domain.shape} outside the "
                f"domain and {outside_collection.shape} outside the collection; expected is the same number"
            )
        inside = np.bincount(layer.shares.indices, layer.shares.data, minlength=n_features)
        fractions = inside.astype(np.float64, copy=False), outside_domain, outside_collection
        closure[layer.layer] = float(np.abs(sum(fractions) - 1.0).max(initial=0.0))
        balances |= dict(_balances(layer, fractions))
    return Residuals(collection, balances, closure)


def column_totals(sums: CollectionSums) -> Totals:
    """What the columns of true sums add up to, tCO2e; for `Residuals.against`."""
    return {
        (sector, *pair, sums.year): total
        for sector, part in sums.sectors.items()
        for pair, total in zip(part.pairs, part.values.sum(axis=0).tolist(), strict=True)
    }


def _sentence(key: Key, balance: Balance) -> str:
    layer, sector, carrier, basis, year = key
    return (
        f"{layer} ({sector}, {carrier} {basis}, {year}): {balance.features:.6g} t of features, "
        f"{balance.targets:.6g} t in targets, {balance.outside_domain:.6g} t outside the domain, "
        f"{balance.outside_collection:.6g} t outside the collection, residual {balance.residual:.3g}"
    )


def _added(totals: Iterable[Totals]) -> dict[Column, float]:
    """Totals of pieces as one, added in the order of the pieces."""
    found: dict[Column, float] = {}
    for piece in totals:
        for column, total in piece.items():
            found[column] = found.get(column, 0.0) + total
    return found


def _balances(layer: LayerShares, fractions: tuple[FloatArray, ...]) -> Iterator[tuple[Key, Balance]]:
    """Both sides of each sum, from (features,) what lies in targets, outside the domain, outside the collection."""
    lines = layer.compact
    for year in lines.by_year:
        pairs = in_pair_order(lines.pairs_in(year))
        for pair, sums in zip(pairs, _sums_over_features(lines, year, pairs, fractions).T.tolist(), strict=True):
            yield (layer.layer, layer.sector, *pair, year), Balance(*sums)


def _sums_over_features(
    lines: LayerLines, year: int, pairs: Sequence[Pair], fractions: tuple[FloatArray, ...]
) -> FloatArray:
    """(5, pairs) the fields of `Balance`; blocks of features are added one after the other, in order."""
    places = np.array([pairs.index(kind.pair) if kind.year == year else -1 for kind in lines.kinds], dtype=np.int64)
    of_year = tuple(lines.of_year(year))

    def work(first: int, last: int) -> FloatArray:
        return add_features(first, last, of_year, places, fractions, len(pairs))

    total = np.zeros((2 + len(fractions), len(pairs)))
    for block in in_blocks(work, block_bounds(np.arange(lines.n_features + 1), _FEATURES_AT_ONCE)):
        total += block
    return total
