"""Emission lines feature by feature, and what they add up to in one target: the arithmetic of a receipt.

    part(t, l)    = s(t, f) e(l)                                   summed by kind of line: totals, methods, factors
    own(t)        = sum_f s(t, f)^2 own(f)^2, of which neighbours share a part (`grids.neighbourhoods`)
    loading(t, g) = sum over kinds of group g of u_g x their parts

The same formulas as in `grids.aggregate` (docs/uncertainty-and-disclosure.md), in another order of summing: one target
and all its features here, all targets there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from grids.neighbourhoods import Neighbourhoods
from grids.shared_errors import shared_errors

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
KindArray = npt.NDArray[np.int32]

KIND = (
    "carrier",
    "basis",
    "method",
    "activity_unit",
    "factor_id",
    "u_own",
    "group",
    "u_group",
    "u_factor",
    "assumptions",
)
"""Columns that many emission lines have in common; lines of one kind differ in activity and emissions."""

BLOCK = 1 << 14
"""Features that are summed at once: a province has millions, and what few have fits the processor's cache."""

_PLACES = 1 << 20


class LinesByKind(Protocol):
    """Emission lines that point to their kinds, by year and then by feature, as parts of a build keep them."""

    @property
    def kinds(self) -> Sequence[Any]:
        """Named tuples of `year` and the columns of `KIND`."""

    @property
    def feature(self) -> npt.NDArray[np.int32]:
        """(lines,) position in the layer."""

    @property
    def kind(self) -> KindArray:
        """(lines,) position in `kinds`."""

    @property
    def activity(self) -> FloatArray:
        """(lines,) in the unit of the kind."""

    @property
    def emissions_tco2e(self) -> FloatArray:
        """(lines,) signed."""

    def frame(self) -> pd.DataFrame:
        """The lines with the columns of docs/architecture.md."""


@dataclass(frozen=True)
class FeatureLines:
    """Emission lines of one layer and one year, feature by feature.

    Attributes:
        kinds: (k,) distinct kinds, the columns of `KIND`, sorted.
        first: (features + 1,) where the lines of each feature begin.
        kind: (lines,) position in `kinds`.
        activity: (lines,) of the whole feature, in the kind's unit.
        emissions: (lines,) of the whole feature, tCO2e, signed.
    """

    kinds: pd.DataFrame
    first: IntArray
    kind: KindArray
    activity: FloatArray
    emissions: FloatArray

    @classmethod
    def of(cls, lines: pd.DataFrame, n_features: int) -> Self:
        """Take lines of one year, features ascending (`feature` counts from 0), as docs/architecture.md has them."""
        kinds, kind = kinds_of(lines)
        feature, activity, emissions = (lines[name].to_numpy() for name in ("feature", "activity", "emissions_tco2e"))
        return cls(kinds, _firsts(feature, n_features), kind, activity, emissions)

    @classmethod
    def by_year(cls, pieces: Iterable[pd.DataFrame | LinesByKind], n_features: int) -> dict[int, Self]:
        """Take lines of all years, in pieces; those of a year by feature from piece to piece. Years share their kinds.

        Of a piece no more is kept than the numbers of its lines.
        """
        kept: dict[int, list[_Piece]] = {}
        found: list[pd.DataFrame] = []
        for lines in pieces:
            piece = _of_frame(lines) if isinstance(lines, pd.DataFrame) else _of_kinds(lines)
            bounds = np.flatnonzero(np.diff(piece.year, prepend=-1, append=-1)).tolist()
            for start, end in pairwise(bounds):
                here = slice(start, end)
                kept.setdefault(int(piece.year[start]), []).append(
                    _Piece(
                        kinds=len(found),
                        kind=piece.kind[here],
                        feature=piece.feature[here].copy(),
                        activity=piece.activity[here].copy(),
                        emissions=piece.emissions[here].copy(),
                    )
                )
            found.append(piece.kinds)
        kinds, places = _united(found)
        return {year: cls._joined(kinds, places, of_year, n_features) for year, of_year in kept.items()}

    @classmethod
    def _joined(cls, kinds: pd.DataFrame, places: list[KindArray], pieces: list["_Piece"], n_features: int) -> Self:
        feature = np.concatenate([piece.feature for piece in pieces])
        return cls(
            kinds,
            _firsts(feature, n_features),
            np.concatenate([places[piece.kinds][piece.kind] for piece in pieces]),
            np.concatenate([piece.activity for piece in pieces]),
            np.concatenate([piece.emissions for piece in pieces]),
        )

    def places(self, features: IntArray) -> tuple[IntArray, IntArray]:
        """Lines of some features.

        Returns:
            (n,) positions of the lines, and (n,) which of the features each belongs to.
        """
        counts = self.first[features + 1] - self.first[features]
        owner = np.repeat(np.arange(len(features)), counts)
        before = np.cumsum(counts) - counts
        return np.arange(len(owner)) - before[owner] + self.first[features][owner], owner


class _Columns(NamedTuple):
    """Lines of one piece: their kinds, the number of each line's, and other columns."""

    kinds: pd.DataFrame
    kind: KindArray
    year: npt.NDArray[np.int16]
    feature: npt.NDArray[np.int32]
    activity: FloatArray
    emissions: FloatArray


def _of_frame(lines: pd.DataFrame) -> _Columns:
    columns = (lines[name].to_numpy() for name in ("year", "feature", "activity", "emissions_tco2e"))
    return _Columns(*kinds_of(lines), *columns)


def _of_kinds(lines: LinesByKind) -> _Columns:
    kinds = pd.DataFrame([kind._asdict() for kind in lines.kinds], columns=["year", *KIND])
    year = kinds.pop("year").to_numpy(dtype=np.int16)
    return _Columns(kinds, lines.kind, year[lines.kind], lines.feature, lines.activity, lines.emissions_tco2e)


@dataclass(frozen=True)
class _Piece:
    """Lines of one piece and year; `kind` points into the kinds of that piece, `kinds` says which these are."""

    kinds: int
    kind: KindArray
    feature: npt.NDArray[np.int32]
    activity: FloatArray
    emissions: FloatArray


def _firsts(feature: npt.NDArray[np.integer], n_features: int) -> IntArray:
    first = np.zeros(n_features + 1, dtype=np.int64)
    np.cumsum(np.bincount(feature, minlength=n_features), out=first[1:])
    return first


def _united(found: list[pd.DataFrame]) -> tuple[pd.DataFrame, list[KindArray]]:
    """Kinds of several pieces as one table, sorted, and where those of each piece stand in it."""
    every = pd.concat(found, ignore_index=True)
    group = every.groupby(list(KIND), sort=False, dropna=False).ngroup().to_numpy()
    _, at = np.unique(group, return_index=True)
    kinds = every.iloc[at].reset_index(drop=True).sort_values(list(KIND), kind="stable")
    place = np.empty(len(kinds), dtype=np.int32)
    place[kinds.index] = np.arange(len(kinds))
    ends = np.cumsum([len(piece) for piece in found])
    return kinds.reset_index(drop=True), np.split(place[group], ends[:-1])


@dataclass(frozen=True)
class TargetSums:
    """What one layer has in one target in one year.

    Attributes:
        kinds: (k,) the kinds that occur there, the columns of `KIND`, sorted.
        lines: (k,) how many lines of each.
        activity: (k,) sum of share x activity.
        emissions: (k,) sum of share x emissions, tCO2e.
        own_variance: errors of single features, tCO2e squared.
        parts: (features,) share x emissions of each feature, tCO2e.
    """

    kinds: pd.DataFrame
    lines: IntArray
    activity: FloatArray
    emissions: FloatArray
    own_variance: float
    parts: FloatArray

    @property
    def loadings(self) -> dict[str, float]:
        """Signed loading of each group of shared error, tCO2e: activities' groups, and `factor:<id>`."""
        return loadings_of(self.kinds, self.emissions)


def loadings_of(kinds: pd.DataFrame, emissions: FloatArray) -> dict[str, float]:
    """Loadings by group, sorted by name, from (k,) sums by kind."""
    found: dict[str, float] = {}
    columns = (kinds[name] for name in ("group", "u_group", "factor_id", "u_factor"))
    for amount, group, u_group, factor, u_factor in zip(emissions.tolist(), *columns, strict=True):
        for name, u in shared_errors(group, u_group, factor, u_factor):
            found[name] = found.get(name, 0.0) + amount * u
    return dict(sorted(found.items()))


def factors_in(factor_id: str) -> tuple[str, ...]:
    """Ids of the factors that a line's `factor_id` names: several that are multiplied are joined by `*`."""
    return tuple(name for name in factor_id.split("*") if name)


def sums_in_target(
    lines: FeatureLines, features: IntArray, shares: FloatArray, near: Neighbourhoods | None = None
) -> TargetSums:
    """Add up the lines of the features that a target holds.

    Args:
        lines: of the layer and year.
        features: (n,) ascending.
        shares: (n,) fraction of each in the target.
        near: squares in which modelled features err alike, if any.
    """
    n_kinds = len(lines.kinds)
    metered = (lines.kinds["method"] == "metered").to_numpy(dtype=bool)
    u_own = lines.kinds["u_own"].to_numpy(dtype=np.float64)
    counts, activity, emissions = np.zeros(n_kinds, dtype=np.int64), np.zeros(n_kinds), np.zeros(n_kinds)
    metered_variance, parts, modelled = 0.0, np.empty(len(features)), np.empty(len(features))
    for start in range(0, len(features), BLOCK):
        block = slice(start, start + BLOCK)
        place, owner = lines.places(features[block])
        share, size = shares[block], len(features[block])
        kind, amount, weight = lines.kind[place], lines.emissions[place], share[owner]
        counts += np.bincount(kind, minlength=n_kinds)
        activity += np.bincount(kind, lines.activity[place] * weight, n_kinds)
        emissions += np.bincount(kind, amount * weight, n_kinds)
        parts[block] = np.bincount(owner, amount, size) * share
        own = amount * u_own[kind]
        by_meter = metered[kind]
        # Modelled lines of a feature rest on one floor area and one intensity; each meter errs by itself.
        modelled[block] = np.bincount(owner, np.where(by_meter, 0.0, own), size) * share
        quadrature = np.bincount(owner, np.where(by_meter, own * own, 0.0), size)
        metered_variance += float(np.sum(quadrature * (share * share)))
    own_variance = metered_variance + (near or Neighbourhoods.nobody()).variance(features, modelled)
    some = np.flatnonzero(counts)
    kinds = lines.kinds.iloc[some].reset_index(drop=True)
    return TargetSums(kinds, counts[some], activity[some], emissions[some], own_variance, parts)


def largest_first(parts: FloatArray, at_most: int) -> IntArray:
    """Positions of the largest parts by size, largest first, of equal ones the first; at most so many."""
    size = np.abs(parts)
    if 0 < at_most < len(size):
        least = np.partition(size, len(size) - at_most)[len(size) - at_most]
        among = np.flatnonzero(size >= least)
    else:
        among = np.arange(len(size))
    return among[np.argsort(-size[among], kind="stable")][:at_most]


def kinds_of(lines: pd.DataFrame) -> tuple[pd.DataFrame, KindArray]:
    """Distinct kinds of lines, sorted, and (lines,) which of them each line is of; words that are null are empty."""
    key, n_keys = np.zeros(len(lines), dtype=np.int64), 1
    for column in KIND:
        values = lines[column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            codes, n_words = values.cat.codes.to_numpy(), len(values.cat.categories)
        else:
            codes, words = pd.factorize(values)
            n_words = len(words)
        # Few combinations occur: they are renumbered before their numbers grow too large for a table of places.
        if n_keys * (n_words + 1) > _PLACES:
            key, n_keys = _renumbered(key, n_keys)
        key *= n_words + 1
        key += codes
        key += 1  # null has the code -1
        n_keys *= n_words + 1
    key, n_keys = _renumbered(key, n_keys)
    at = np.empty(n_keys, dtype=np.int64)
    at[key] = np.arange(len(key))
    kinds = lines[list(KIND)].iloc[at].reset_index(drop=True)
    texts = {column: kinds[column].astype(object).fillna("") for column in KIND if not column.startswith("u_")}
    kinds = kinds.assign(**texts, u_group=kinds["u_group"].fillna(0.0)).sort_values(list(KIND), kind="stable")
    place = np.empty(len(kinds), dtype=np.int32)
    place[kinds.index] = np.arange(len(kinds))
    return kinds.reset_index(drop=True), place[key]


def _renumbered(codes: IntArray, size: int) -> tuple[IntArray, int]:
    """Codes 0 to size - 1 as positions among those that occur, and how many these are."""
    if size > _PLACES:
        place, found = pd.factorize(codes)
        return place.astype(np.int64), len(found)
    occurs = np.zeros(size, dtype=np.int64)
    occurs[codes] = 1
    place = np.cumsum(occurs) - 1
    return place[codes], int(occurs.sum())
