"""What the emissions of one sector are made of: lines, what was derived per feature, and how it was done."""

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from accounting.emissions import EmissionLines, join_lines
from accounting.factors import Lookup


@dataclass(frozen=True)
class Remark:
    """A sentence for the report of a build with the numbers in it, so that those of several parts make one.

    Attributes:
        text: with `{count}`, `{amount}`, `{largest}` and `{words}` where the numbers belong.
        count: how many features it is about; those of parts add up.
        largest: a value of which the largest counts.
        words: what is listed, with how many features each; `order` says how.
        order: `given` (as the features come), `name`, or `most` (most features first, and their number).
        shown: how many words are written out; of `given` ones no more are kept.
        n_words: how many words there are in all, where not all are kept.
        amount: what the features amount to; those of parts add up.
    """

    text: str
    count: int = 0
    largest: float = 0.0
    words: Mapping[str, int] = field(default_factory=dict)
    order: str = "given"
    shown: int = 12
    n_words: int | None = None
    amount: float = 0.0

    def __str__(self) -> str:
        """The sentence."""
        items = list(self.words.items())
        if self.order == "name":
            items.sort()
        elif self.order == "most":
            items.sort(key=lambda item: (-item[1], item[0]))
        n_words = len(items) if self.n_words is None else self.n_words
        names = [f"{word} ({count})" if self.order == "most" else word for word, count in items[: self.shown]]
        listing = ", ".join(names) + (f" ... ({n_words} in all)" if n_words > self.shown else "")
        return self.text.format(count=self.count, amount=self.amount, largest=self.largest, words=listing)


def joined_remarks(parts: Iterable[Sequence[Remark]]) -> tuple[Remark, ...]:
    """The remarks of consecutive parts as those of the whole; equal sentences become one, in order of appearance."""
    found: dict[str, list[Remark]] = {}
    for remarks in parts:
        for remark in remarks:
            found.setdefault(remark.text, []).append(remark)
    return tuple(_joined_remark(same) for same in found.values())


def _joined_remark(same: Sequence[Remark]) -> Remark:
    first = same[0]
    words: Counter[str] = Counter()
    for remark in same:
        words.update(remark.words)
    counts = [remark.n_words for remark in same if remark.n_words is not None]
    return Remark(
        text=first.text,
        count=sum(remark.count for remark in same),
        amount=sum(remark.amount for remark in same),
        largest=max(remark.largest for remark in same),
        words=dict(words if not counts else islice(words.items(), first.shown)),
        order=first.order,
        shown=first.shown,
        n_words=sum(counts) if counts else None,
    )


@dataclass(frozen=True)
class SectorEmissions:
    """What one sector makes of one layer, or of a part of it.

    Attributes:
        compact: emission lines; `lines` is the same as a frame.
        features: one row per feature, in the layer's order: what the sector derived for it.
        counts: what was done with how many features, e.g. `{"no_traffic": 12}`; JSON-able.
        warnings: sentences for the report of the build; nothing here was changed silently.
        lookups: factor id -> the lookup that chose it, for the manifest.
        remarks: the warnings with their numbers, from which those of parts are joined.
        assumptions: ids of the region's assumptions that were asked for and found, sorted.
    """

    compact: EmissionLines
    features: pd.DataFrame
    counts: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    lookups: dict[str, Lookup] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    assumptions: tuple[str, ...] = ()

    @functools.cached_property
    def lines(self) -> pd.DataFrame:
        """Emission lines as a frame with the columns of `LINE_COLUMNS`, by year and feature."""
        return self.compact.frame()


def joined(parts: Sequence[SectorEmissions]) -> SectorEmissions:
    """Consecutive parts of one layer as the whole: what the sector would have made of it in one piece, to the last bit.

    Every number of a feature follows from that feature, the tables and the region file alone; nothing is estimated from
    its neighbours. So lines and features are put one after the other, counts add, and of two reasons for one lookup
    (the same row for different years) the first in order of words stays, as in `Resolver`.

    Args:
        parts: at least one, in the order of the layer.
    """
    starts = [0, *accumulate(len(part.features) for part in parts)]
    counts: Counter[str] = Counter()
    lookups: dict[str, Lookup] = {}
    for part in parts:
        counts.update(part.counts)
        for lookup in part.lookups.values():
            remember(lookups, lookup)
    remarks = joined_remarks(part.remarks for part in parts)
    others = dict.fromkeys(
        sentence for part in parts for sentence in part.warnings if sentence not in {str(one) for one in part.remarks}
    )
    return SectorEmissions(
        compact=join_lines([part.compact for part in parts], starts[:-1]),
        features=_stacked([part.features for part in parts]),
        counts=dict(counts),
        warnings=(*map(str, remarks), *others),
        lookups=lookups,
        remarks=remarks,
        assumptions=tuple(sorted({name for part in parts for name in part.assumptions})),
    )


def remember(lookups: dict[str, Lookup], lookup: Lookup) -> None:
    """Keep a lookup under its factor's id; of several reasons the first in order of words, whatever the order asked."""
    before = lookups.get(lookup.factor.id)
    if before is None or lookup.chosen < before.chosen:
        lookups[lookup.factor.id] = lookup


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames below each other; categories that differ are united, in the order of their words."""
    first = frames[0]
    columns = {}
    for name in first.columns:
        series = [frame[name] for frame in frames]
        if isinstance(first[name].dtype, pd.CategoricalDtype):
            columns[name] = pd.Series(union_categoricals(series, sort_categories=not _alike(series)))
        else:
            columns[name] = pd.concat(series, ignore_index=True)
    return pd.DataFrame(columns, index=np.arange(sum(map(len, frames))) if not columns else None)


def _alike(series: Sequence["pd.Series[str]"]) -> bool:
    return all(one.dtype == series[0].dtype for one in series)
