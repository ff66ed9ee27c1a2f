"""What editions published before have told of private meters, so that nobody reads one off by subtracting a new one.

A meter is one unknown as long as it reads the same; one that was changed is two, the old and the new reading; a new one
is told of by the new edition alone, a vanished one by the old. Two editions together are linear equations over these
unknowns, as one is over its own. Two rules hold over them (docs/uncertainty-and-disclosure.md):

- *Batch*: the change of a sum is judged as a sum itself (`Beside.changes` are columns that `grids.grouping` tests): the
  difference between editions concerns at least `min_count` meters, of which none dominates.
- *Audit*: what was told before counts as told now (`Beside.rows`); `grids.audit` joins targets until each unknown has
  its room.

A reading counts as the same where all but few changed by one ratio: a factor that was changed is public.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from grids.columns import Pair
from grids.errors import GridError
from grids.features import FloatArray, IntArray
from grids.grouping import Rule

_SAME = 1e-9
_FEWEST_OF_RATIO = 3
"""Readings that must have changed by one ratio for this to be a factor's."""
_LAYER = np.int64(1) << 40
_MOST = 60


class ChangeTold(GridError):
    """Two editions beside each other would tell what a few meters read; nothing was published."""


@dataclass(frozen=True, eq=False)
class EarlierSums:
    """What one edition has told of the private meters of a sector in a year.

    Attributes:
        edition: its id.
        chosen: layer -> its features with a meter, numbered as in the layer now; those that are gone have numbers
            beyond, the same in every edition.
        emissions: (features, pairs) metered tCO2e, layer by layer.
        pairs: carriers and bases of the columns.
        rows: (sums, features) shares in the sums that were told, the region's first.
    """

    edition: str
    chosen: Mapping[str, IntArray]
    emissions: FloatArray
    pairs: tuple[Pair, ...]
    rows: csr_array

    def columns(self, pairs: Sequence[Sequence[Pair]]) -> FloatArray:
        """(features, columns) each the sum of some pairs."""
        place = {pair: k for k, pair in enumerate(self.pairs)}
        some = [[place[pair] for pair in together if pair in place] for together in pairs]
        return np.column_stack([self.emissions[:, one].sum(axis=1) for one in some] or [np.zeros(len(self.emissions))])


@dataclass(frozen=True, eq=False)
class Beside:
    """Private meters of one sector and year over several editions, and what earlier ones have told of them.

    Attributes:
        now: (unknowns,) position of each among the features of now, as far as this reading is told now; else -1.
        place: (unknowns,) position of its feature now, whatever it read; -1 where the feature is gone.
        owner: (unknowns,) number of the feature: who owns it knows all its readings.
        tested: (unknowns, 1 + columns) values; the first column is left empty.
        rows: what was told before: (sums, unknowns), one matrix an edition.
        changes: (features, editions x columns) by how much each has changed; 0 where it has not.
    """

    now: IntArray
    place: IntArray
    owner: IntArray
    tested: FloatArray
    rows: tuple[csr_array, ...]
    changes: FloatArray

    @classmethod
    def of(
        cls, chosen: Mapping[str, IntArray], values: FloatArray, pairs: Sequence[Sequence[Pair]],
        earlier: Sequence[EarlierSums],
    ) -> "Beside":  # fmt: skip
        """Lay several editions beside each other.

        Args:
            chosen: layer -> features of now.
            values: (features, columns) what they read now.
            pairs: the pairs that make up each column.
            earlier: editions before.

        Raises:
            GridError: more editions than can be told apart.
        """
        if len(earlier) > _MOST:
            raise GridError(
                f"{len(earlier)} earlier editions are to be looked at together; expected are {_MOST} at most"
            )
        layers = sorted(set(chosen).union(*(each.chosen for each in earlier)))
        numbers = [_numbers(each, layers) for each in (chosen, *(each.chosen for each in earlier))]
        keys = np.unique(np.concatenate(numbers))
        read = np.zeros((1 + len(earlier), len(keys), values.shape[1]))
        for edition, (mine, columns) in enumerate(
            zip(numbers, [values, *(each.columns(pairs) for each in earlier)], strict=True)
        ):
            read[edition, np.searchsorted(keys, mine)] = columns
        _settle(read)
        owner, editions, tested = _unknowns(read)
        at = [np.full(len(keys), -1, dtype=np.int64) for _ in numbers]
        for where, mine in zip(at, numbers, strict=True):
            where[np.searchsorted(keys, mine)] = np.arange(len(mine))
        told = [np.where(editions >> edition & 1 == 1, where[owner], -1) for edition, where in enumerate(at)]
        changes = [np.abs(read[0] - each)[np.searchsorted(keys, numbers[0])] for each in read[1:]]
        return cls(
            now=told[0],
            place=at[0][owner],
            owner=owner,
            tested=tested,
            rows=tuple(taken(each.rows, of) for each, of in zip(earlier, told[1:], strict=True)),
            changes=np.column_stack([np.zeros((len(numbers[0]), 0)), *changes]),
        )

    def widened(self, rows: csr_array) -> csr_array:
        """(sums, unknowns) of (sums, features) told now."""
        return taken(rows, self.now)

    def refuse_if_told(self, shares: FloatArray, earlier: Sequence[EarlierSums], rule: Rule, what: str) -> None:
        """Refuse a region whose own change tells of a meter: below it nothing could hide that.

        Args:
            shares: (features,) fraction of each in the region.
            earlier: as given.
            rule: the least count and the p % rule.
            what: sector and year, for people.

        Raises:
            ChangeTold: says how many meters changed since which edition, and what to do.
        """
        n_columns = self.tested.shape[1] - 1
        for number, each in enumerate(earlier):
            changed = shares[:, None] * self.changes[:, number * n_columns : (number + 1) * n_columns]
            of_region = self.rows[number][[0]].toarray().reshape(-1)
            every = np.concatenate([changed, (of_region[:, None] * self.tested[:, 1:])[self.place < 0]])
            if not rule.allows(every):
                few = int((every != 0).any(axis=1).sum())
                raise ChangeTold(
                    f"{what}: since edition {each.edition} the closed meters of {few} features have changed, come or "
                    f"gone; whoever subtracts one edition from the other would read one of them. Expected are at least "
                    f"{rule.min_count} of every carrier that has changed, none of which dominates: build again once "
                    "more have changed, or leave those as they were until then. What was published still is"
                )


def had_meters(earlier: Sequence[EarlierSums], layer: str, n_features: int) -> IntArray:
    """Positions of features of a layer that had a meter in an earlier edition, ascending; of those still there."""
    found = np.unique(
        np.concatenate([np.zeros(0, dtype=np.int64), *(e.chosen[layer] for e in earlier if layer in e.chosen)])
    )
    return found[found < n_features]


def taken(matrix: csr_array, columns: IntArray) -> csr_array:
    """Columns of a matrix, in this order; empty ones for -1."""
    some = np.flatnonzero(columns >= 0)
    choice = csr_array((np.ones(some.size), (columns[some], some)), shape=(matrix.shape[1], len(columns)))
    found = csr_array(matrix @ choice)
    found.sort_indices()
    return found


def _numbers(chosen: Mapping[str, IntArray], layers: Sequence[str]) -> IntArray:
    """One number for each feature, whatever its layer."""
    parts = [layers.index(layer) * _LAYER + some for layer, some in chosen.items()]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _settle(read: FloatArray) -> None:
    """Let readings that are the same in two editions be so to the last bit; (editions, features, columns)."""
    for edition in range(1, len(read)):
        for column in range(read.shape[2]):
            now, then = read[0, :, column], read[edition, :, column]
            then *= _common_ratio(now, then)
        for before in range(edition):
            is_same = np.abs(read[edition] - read[before]) <= _SAME * np.abs(read[before])
            read[edition] = np.where(is_same, read[before], read[edition])


def _common_ratio(now: FloatArray, then: FloatArray) -> float:
    """By what most readings have changed: a factor that is another one now; 1 where that is not so."""
    both = (now != 0) & (then != 0)
    ratios = now[both] / then[both]
    names, counts = np.unique(np.round(ratios, 8), return_counts=True)
    if not names.size or counts.max() < max(_FEWEST_OF_RATIO, ratios.size / 2):
        return 1.0
    common = names[counts.argmax()]
    return float(np.median(ratios[np.round(ratios, 8) == common])) if common != 1.0 else 1.0


def _unknowns(read: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Readings that are told apart: whose each is, the editions that it stands in as bits, and its values by column.

    A feature whose gas has changed and whose electricity has not is three: its electricity, its gas before, and now.
    """
    edition, owner, column = np.nonzero(read)
    value = read[edition, owner, column]
    order = np.lexsort((edition, value, column, owner))
    edition, owner, column, value = edition[order], owner[order], column[order], value[order]
    is_new = (np.diff(owner, prepend=-1) != 0) | (np.diff(column, prepend=-1) != 0)
    is_new |= np.concatenate([[True], value[1:] != value[:-1]])[: len(value)]
    starts = np.flatnonzero(is_new)
    bits = np.add.reduceat(np.int64(1) << edition, starts) if starts.size else np.zeros(0, dtype=np.int64)
    owner, column, value = owner[starts], column[starts], value[starts]
    names, of = np.unique(np.column_stack([owner, bits]), axis=0, return_inverse=True)
    tested = np.zeros((len(names), 1 + read.shape[2]))
    tested[of.reshape(-1), 1 + column] = value
    return names[:, 0].astype(np.int64), names[:, 1].astype(np.int64), tested
