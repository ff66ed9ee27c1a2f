"""What editions published before have told of private meters, so that nobody reads one off by subtracting a new one.

A meter is one unknown as long as it reads the same; one that was changed is two, the old and the new reading; a new one
is told of by the new edition alone, a vanished one by the old. Two editions together are linear equations over these
unknowns, as one is over its own. Two rules hold over them (docs/uncertainty-and-disclosure.md):

- *Batch*: the change of a sum is judged as a sum itself (`Beside.changes` are columns that `grids.grouping` tests): the
  difference between editions concerns at least `min_count` meters, of which none dominates.
- *Audit*: what was told before counts as told now (`Beside.rows`); `grids.audit` joins targets until each unknown has
  its room.

Sums are taken as each edition published them, with its own shares and its own factors: a footprint, a border or a
factor that is another one now leaves the reading one unknown, which stands in other sums with other shares. Where what
the region as a whole tells leaves some value no room beside that, nothing below it could hide it: nothing is published.

A reading is the same where its activity is (`EarlierSums.restated`), or where it changed by the one ratio by which most
readings of the carrier did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from grids.columns import Pair
from grids.errors import GridError
from grids.exposure import Told, exposed
from grids.features import BoolArray, FloatArray, IntArray
from grids.grouping import Rule

_SAME = 1e-9
_FEWEST_OF_RATIO = 3
"""Readings that must have changed by one ratio for this to be a factor's."""
_LAYER = np.int64(1) << 40
_DIGITS = 12
"""Decimals of how much of a reading stands in an edition's sums; what is left is rounding."""


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
        restated: (features, pairs) the same activity by the factors of later editions; as told where not given.
    """

    edition: str
    chosen: Mapping[str, IntArray]
    emissions: FloatArray
    pairs: tuple[Pair, ...]
    rows: csr_array
    restated: FloatArray | None = None

    def columns(self, pairs: Sequence[Sequence[Pair]], *, restated: bool = False) -> FloatArray:
        """(features, columns) each the sum of some pairs."""
        values = self.restated if restated and self.restated is not None else self.emissions
        place = {pair: k for k, pair in enumerate(self.pairs)}
        some = [[place[pair] for pair in together if pair in place] for together in pairs]
        return np.column_stack([values[:, one].sum(axis=1) for one in some] or [np.zeros(len(values))])


@dataclass(frozen=True, eq=False)
class Beside:
    """Private meters of one sector and year over several editions, and what earlier ones have told of them.

    Attributes:
        now: (unknowns,) position of each among the features of now, as far as this reading is told now; else -1.
        place: (unknowns,) position of its feature now, whatever it read; -1 where the feature is gone.
        owner: (unknowns,) number of the feature: who owns it knows all its readings.
        tested: (unknowns, 1 + columns) values; the first column is left empty.
        rows: what was told before: (sums, unknowns), one matrix an edition; shares as they were, by the factors then.
        changes: (features, editions x columns) by how much each reading has changed; 0 where it has not.
        parts: (unknowns, 1 + editions) how much of its value stands in the sums of now, and of each edition before; 0
            where it does not: other factors then.
        ratios: (editions, columns) by what most readings have changed since: one factor for all of them.
    """

    now: IntArray
    place: IntArray
    owner: IntArray
    tested: FloatArray
    rows: tuple[csr_array, ...]
    changes: FloatArray
    parts: FloatArray
    ratios: FloatArray

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
        """
        layers = sorted(set(chosen).union(*(each.chosen for each in earlier)))
        numbers = [_numbers(each, layers) for each in (chosen, *(each.chosen for each in earlier))]
        keys = np.unique(np.concatenate(numbers))
        told = np.zeros((1 + len(earlier), len(keys), values.shape[1]))
        read = np.zeros_like(told)
        places = [np.searchsorted(keys, mine) for mine in numbers]
        told[0, places[0]] = read[0, places[0]] = values
        for edition, (place, each) in enumerate(zip(places[1:], earlier, strict=True), start=1):
            told[edition, place] = each.columns(pairs)
            read[edition, place] = each.columns(pairs, restated=True)
        _settle(read)
        owner, parts, tested = _unknowns(read, told)
        at = [np.full(len(keys), -1, dtype=np.int64) for _ in places]
        for where, place in zip(at, places, strict=True):
            where[place] = np.arange(len(place))
        stands = [np.where(parts[:, edition] != 0, where[owner], -1) for edition, where in enumerate(at)]
        changes = [np.abs(read[0] - each)[places[0]] for each in read[1:]]
        return cls(
            now=stands[0],
            place=at[0][owner],
            owner=owner,
            tested=tested,
            rows=tuple(
                taken(each.rows, of, part) for each, of, part in zip(earlier, stands[1:], parts.T[1:], strict=True)
            ),
            changes=np.column_stack([np.zeros((len(places[0]), 0)), *changes]),
            parts=parts,
            ratios=np.array(
                [[_common_ratio(*both) for both in zip(told[0].T, each.T, strict=True)] for each in told[1:]]
            ),
        )

    def widened(self, rows: csr_array) -> csr_array:
        """(sums, unknowns) of (sums, features) told now."""
        return taken(rows, self.now)

    def refuse_if_told(self, shares: FloatArray, earlier: Sequence[EarlierSums], rule: Rule, what: str) -> None:
        """Refuse a region whose own change tells of a meter: below it nothing could hide that.

        Its change is the sum over features of |share now x value now - share then x value then|: of what was read
        anew, and of what lies in it by another share. It is judged with the factors of both editions as they were (but
        for the one ratio of most readings), and with one factor for both.

        Args:
            shares: (features,) fraction of each in the region.
            earlier: as given.
            rule: the least count and the p % rule.
            what: sector and year, for people.

        Raises:
            ChangeTold: says how many meters changed since which edition, and what to do.
        """
        for number, each in enumerate(earlier):
            changed = self._changed(shares, number)
            if not all(map(rule.allows, changed)):
                few = min(int((one != 0).any(axis=1).sum()) for one in changed if not rule.allows(one))
                raise ChangeTold(
                    f"{what}: since edition {each.edition} the closed meters of {few} features have changed, come or "
                    "gone, or lie in the region by another share (a footprint, or the region's border, was drawn "
                    "anew); whoever subtracts one edition from the other would read one of them. Expected are at least "
                    f"{rule.min_count} of every carrier that has changed, none of which dominates: build again once "
                    "more have changed, or leave those as they were until then. What was published still is"
                )

    def _changed(self, shares: FloatArray, number: int) -> list[FloatArray]:
        """(owners, columns) how much of each feature's is in the difference of the region now and in an edition.

        With the factors as they were, and with one for both.
        """
        of_now = np.where(self.now >= 0, shares[np.maximum(self.now, 0)], 0.0) if shares.size else self.parts[:, 0] * 0
        of_then = self.rows[number][[0]].toarray().reshape(-1)
        part = self.parts[:, 1 + number]
        by_one_factor = np.divide(of_then, part, out=np.zeros_like(of_then), where=part != 0)
        values = self.tested[:, 1:]
        now = of_now[:, None] * values
        return [
            _by_owner(self.owner, now, then)
            for then in (of_then[:, None] * values * self.ratios[number], by_one_factor[:, None] * values)
        ]

    def refuse_if_bound(self, unproven: BoolArray, rule: Rule, earlier: Sequence[EarlierSums], what: str) -> None:
        """Refuse a region that, with all that was told before, leaves values no room which earlier editions left some.

        Args:
            unproven: (unknowns,) without a witness against all that was told before and the region now.
            rule: its p %.
            earlier: as given.
            what: sector and year, for people.

        Raises:
            ChangeTold: says how many features, and what to do.
        """
        if not unproven.any():
            return
        told_of = np.zeros(len(unproven), dtype=np.bool_)
        for rows in self.rows:
            told_of[rows.indices] = True
        before = exposed(Told.nothing(len(unproven)).and_also(*self.rows), self.tested, rule, unproven, self.owner)
        newly = unproven & ~(before & told_of)
        if newly.any():
            raise ChangeTold(
                f"{what}: the region's total, with what {', '.join(each.edition for each in earlier)} told, may bind "
                f"the closed meters of {len(np.unique(self.owner[newly]))} features closer than "
                f"{rule.dominance_percent:g} %: too little has changed beside what was drawn anew (footprints, "
                "borders) or has another factor. Leave geometry and factors of metered features as they were until "
                "more change together; or take an edition that nobody has seen out of the store. What was published "
                "still is"
            )


def had_meters(earlier: Sequence[EarlierSums], layer: str, n_features: int) -> IntArray:
    """Positions of features of a layer that had a meter in an earlier edition, ascending; of those still there."""
    found = np.unique(
        np.concatenate([np.zeros(0, dtype=np.int64), *(e.chosen[layer] for e in earlier if layer in e.chosen)])
    )
    return found[found < n_features]


def taken(matrix: csr_array, columns: IntArray, parts: FloatArray | None = None) -> csr_array:
    """Columns of a matrix, in this order, each times its part; empty ones for -1."""
    some = np.flatnonzero(columns >= 0)
    by = np.ones(some.size) if parts is None else parts[some]
    choice = csr_array((by, (columns[some], some)), shape=(matrix.shape[1], len(columns)))
    found = csr_array(matrix @ choice)
    found.sort_indices()
    return found


def _by_owner(owner: IntArray, now: FloatArray, then: FloatArray) -> FloatArray:
    """(owners, columns) |now - then| of all that is theirs; 0 where that is rounding."""
    change, size = np.zeros((2, int(owner.max(initial=-1)) + 1, now.shape[1]))
    np.add.at(change, owner, now - then)
    np.add.at(size, owner, np.abs(now) + np.abs(then))
    return np.where(np.abs(change) > _SAME * size, np.abs(change), 0.0)


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


def _unknowns(read: FloatArray, told: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Readings that are told apart: whose each is, how much of it stands in which edition, and its values by column.

    A feature whose gas has changed and whose electricity has not is three: its electricity, its gas before, and now.

    Args:
        read: (editions, features, columns) by one factor each.
        told: the same by the factors that each edition was made with.
    """
    edition, owner, column = np.nonzero(read)
    value = read[edition, owner, column]
    part = np.round(told[edition, owner, column] / value, _DIGITS)
    order = np.lexsort((edition, value, column, owner))
    edition, owner, column, value, part = edition[order], owner[order], column[order], value[order], part[order]
    is_new = (np.diff(owner, prepend=-1) != 0) | (np.diff(column, prepend=-1) != 0)
    is_new |= np.concatenate([[True], value[1:] != value[:-1]])[: len(value)]
    starts = np.flatnonzero(is_new)
    parts: FloatArray = np.zeros((starts.size, len(read)))
    parts[np.cumsum(is_new) - 1, edition] = part
    owner, column, value = owner[starts], column[starts], value[starts]
    names, of = np.unique(np.column_stack([owner, parts]), axis=0, return_inverse=True)
    tested = np.zeros((len(names), 1 + read.shape[2]))
    tested[of.reshape(-1), 1 + column] = value
    return names[:, 0].astype(np.int64), names[:, 1:].astype(np.float64), tested
