"""Audit: whether all sums that are told bind the value of one feature too closely, taken together.

The rule of `grids.grouping` looks at one sum, or at the difference of two. Whoever knows all sums can combine as many
as he likes: they are linear equations over features, and linear programming finds how far one value may be off while
all equations hold and none falls below zero. Every value has to be able to move by p % of itself both ways, whatever
single other feature is known as well (its owner knows it).

A move is proved by a witness: others that change against it so that every sum stays as it is. Features that lie in the
very same sums are one *place*; within a place only their sum can be known. Witnesses are looked for

1. within the place: the others, without the largest of them, hold p % of the value;
2. in places that share its sums (`grids.exposure_kernels`): a building cut by a cell's border is made up for by whole
   buildings of both cells;
3. by a linear program over the places nearby.

Each leaves the largest feature of every place alone, or comes with a second one that moves others, so that no owner's
knowledge spoils it. What has no witness nearby
may still be safe; it counts as exposed all the same: the audit errs to the safe side, and its work is bounded.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csc_array, csr_array, hstack, vstack

from grids.exposure_kernels import add_signatures, made_up_for
from grids.features import BoolArray, FloatArray, IntArray
from grids.grouping import NEGLIGIBLE_SHARE, Rule
from grids.sparse_rows import csr_parts

_TRIED = 2_000  # places of one sum that are looked at for one feature
_NEAR = 80, 600  # places that may move in one linear program: first few, which most often are enough, then many
_LOOSE = 8, 12  # of how many wide sums how many places that lie in fewest others may move, too
_PROGRAMS = 5_000  # linear programs of one audit; what is left over counts as exposed


@dataclass(frozen=True, eq=False)
class Told:
    """Sums that are told true.

    Attributes:
        rows: (sums, features) shares of features in them, collection by collection.
        signatures: (features,) equal for features that lie in the very same sums with the same shares.
    """

    rows: tuple[csr_array, ...]
    signatures: NDArray[np.uint64]

    @classmethod
    def nothing(cls, n_features: int) -> "Told":
        """No sum at all."""
        return cls((), np.zeros(n_features, dtype=np.uint64))

    def and_also(self, *more: csr_array) -> "Told":
        """These sums and more."""
        signatures, first = self.signatures.copy(), sum(rows.shape[0] for rows in self.rows)
        for rows in more:
            add_signatures(csr_parts(rows), first, NEGLIGIBLE_SHARE, signatures)
            first += rows.shape[0]
        return Told((*self.rows, *more), signatures)

    def columns(self, features: IntArray) -> csc_array:
        """(sums, chosen) shares of some features, column by column."""
        columns = csc_array(vstack([rows[:, features] for rows in self.rows], format="csc"))
        columns.sort_indices()
        return columns


def exposed(
    told: Told, tested: FloatArray, rule: Rule, among: BoolArray | None = None, owner: IntArray | None = None
) -> BoolArray:
    """Features for whose value no witness was found in some column; see the module.

    Args:
        told: sums that are told.
        tested: (features, columns) values, each column a sum of its own; the first is the total, which follows.
        rule: its p % is how far a value must be able to move; 0 asks for nothing.
        among: (features,) those that are asked for; all if not given. Where sums are only joined, witnesses stay good.
        owner: (features,) who knows each; everybody one if not given. No owner has two in one place.

    Returns:
        (features,) true where a value other than 0 may be bound too closely.
    """
    found = np.zeros(len(tested), dtype=np.bool_)
    fraction = rule.dominance_percent / 100
    if fraction == 0 or not any(rows.nnz for rows in told.rows):
        return found
    place_of = np.unique(told.signatures, return_inverse=True)[1].reshape(-1).astype(np.int64)
    apart = tested[:, 1:] if tested.shape[1] > 1 else tested
    for column in range(apart.shape[1]):
        values = np.ascontiguousarray(apart[:, column])
        some = np.flatnonzero(values)
        if some.size:
            asked = None if among is None else among[some]
            owners = None if owner is None else owner[some]
            found[some] |= _Column(told, place_of[some], some, values[some], fraction, owners).exposed(asked)
    return found


class _Column:
    """One column's features with a value, and what their places can give.

    Args:
        told: sums that are told.
        place_of: (some,) the place of each feature.
        some: features with a value other than 0.
        values: (some,) theirs; the attacker knows which are negative, so that these are places of their own.
        fraction: that each must be able to move.
        owner: (some,) who knows each; None: everybody one.
    """

    def __init__(
        self, told: Told, place_of: IntArray, some: IntArray, values: FloatArray, fraction: float,
        owner: IntArray | None,
    ) -> None:  # fmt: skip
        self._told, self._some, self._fraction, self._owner = told, some, fraction, owner
        self._size, self._negative = np.abs(values), values < 0
        key = place_of * 2 + self._negative
        self._order = np.lexsort((-self._size, key))
        starts = np.flatnonzero(np.diff(key[self._order], prepend=-1))
        count = np.diff(np.append(starts, len(some)))
        self._of = np.empty(len(some), dtype=np.int64)
        self._of[self._order] = np.repeat(np.arange(len(starts)), count)
        self._leaders = self._order[starts]
        total, largest = np.add.reduceat(self._size[self._order], starts), self._size[self._leaders]
        second = np.where(count > 1, self._size[self._order[np.minimum(starts + 1, len(some) - 1)]], 0.0)
        self._spare = np.where(count > 1, total - largest, 0.0)
        known = largest[self._of]
        known[self._leaders] = second
        self._hidden = np.maximum(total[self._of] - self._size - known, 0.0)

    def exposed(self, among: BoolArray | None) -> BoolArray:
        """(some,) true where no witness was found."""
        without: BoolArray = self._hidden < self._fraction * self._size
        if among is not None:
            without &= among
        suspects = np.flatnonzero(without)
        if suspects.size:
            without[suspects] = ~self._made_up_for(suspects)
        return without

    def _made_up_for(self, suspects: IntArray) -> BoolArray:
        """(suspects,) whether other places make up for a move of each."""
        # Places of one feature come last: only linear programs may move them, since their owner knows it.
        giving = np.argsort(self._spare <= 0, kind="stable")
        n_many = int((self._spare > 0).sum())
        number = np.empty(len(self._spare), dtype=np.int64)
        number[giving] = np.arange(giving.size)
        own, hidden, moves = number[self._of[suspects]], self._hidden[suspects], self._fraction * self._size[suspects]
        leaders, spare = self._leaders[giving], self._spare[giving]
        columns = self._told.columns(self._some[np.concatenate([leaders, suspects])])
        parts = columns.indptr.astype(np.int64), columns.indices.astype(np.int32, copy=False), columns.data
        many = csr_array(columns[:, :n_many].tocsr())
        rows = many.indptr.astype(np.int64), many.indices.astype(np.int64)
        found = np.zeros(suspects.size, dtype=np.bool_)
        mine = giving.size + np.arange(suspects.size)
        made_up_for(mine, moves, own, hidden, parts, spare, rows, NEGLIGIBLE_SHARE, _TRIED, found)
        left = np.flatnonzero(~found)
        if left.size:
            total = np.bincount(self._of, self._size)
            of_owners = None if self._owner is None else _shared_owners(number[self._of], self._owner)
            near = _Nearby(
                columns[:, : giving.size], n_many, spare, self._size[leaders], self._negative[leaders], of_owners
            )
            for k in left[:_PROGRAMS]:
                others = float(total[self._of[suspects[k]]] - self._size[suspects[k]])
                found[k] = near.can_move(columns[:, [mine[k]]], moves[k], int(own[k]), others, hidden[k])
        return found


def _shared_owners(place: IntArray, owner: IntArray) -> csr_array:
    """(places, places) where two of them hold features of one owner."""
    of = np.unique(owner, return_inverse=True)[1].reshape(-1)
    lies = csr_array((np.ones(len(place)), (place, of)), shape=(int(place.max()) + 1, int(of.max()) + 1))
    return csr_array(lies @ lies.T)


class _Nearby:
    """Linear programs over the places near one feature.

    Args:
        by_place: (sums, places) shares.
        n_many: places of several features; those of one come after them.
        spare: (places,) tCO2e of a place without its largest feature.
        size: (places,) tCO2e of its largest feature.
        negative: (places,) places of negative values: they give by growing.
        of_owners: (places, places) where two of them hold features of one owner; None: nowhere.
    """

    def __init__(
        self, by_place: csc_array, n_many: int, spare: FloatArray, size: FloatArray, negative: BoolArray,
        of_owners: csr_array | None,
    ) -> None:  # fmt: skip
        self._of_owners = of_owners
        self._by_place, self._by_row = by_place, csr_array(by_place.tocsr())
        self._n_many, self._spare, self._whole, self._negative = n_many, spare, spare + size, negative
        self._loosest: dict[int, IntArray] = {}

    def can_move(self, mine: csc_array, move: float, own: int, others: float, hidden: float) -> bool:
        """Whether others can make up for a move of one feature, up and down, whoever of them is known.

        Args:
            mine: (sums, 1) the feature's shares.
            move: tCO2e.
            own: its place.
            others: tCO2e of the others of its place.
            hidden: the same without the largest of them.
        """
        return any(self._can_move(mine, move, own, others, hidden, most) for most in _NEAR)

    def _can_move(self, mine: csc_array, move: float, own: int, others: float, hidden: float, most: int) -> bool:
        near = _near(mine.indices.astype(np.int64), self._by_row, self._by_place, most)
        near = np.union1d(near, self._loose(np.union1d(mine.indices, self._by_place[:, near].indices)))
        near = np.union1d(near, [own]) if others > 0 else near[near != own]
        if not near.size:
            return False
        chosen = self._by_place[:, near]
        touched = np.union1d(chosen.indices, mine.indices)
        rows, target = chosen.tocsr()[touched], mine.tocsr()[touched].toarray().reshape(-1)
        safe, whole = self._spare[near], self._whole[near]
        safe[near == own], whole[near == own] = hidden, others
        linked = np.eye(near.size, dtype=np.bool_)
        if self._of_owners is not None:
            linked |= self._of_owners[near][:, near].toarray() > 0
        room = _Room(safe / move, whole / move, self._negative[near], linked)
        return all(_have_witnesses(rows, target, room, up) for up in (True, False))

    def _loose(self, sums: IntArray) -> IntArray:
        """Places of the widest of these sums that lie in fewest others, the largest first.

        What moves nearby moves a wide sum, too, such as the region's of another edition, and is made up for there by
        what nothing else tells of: new readings.
        """
        widest = sums[np.argsort(-np.diff(self._by_row.indptr)[sums], kind="stable")][: _LOOSE[0]]
        for row in widest.tolist():
            if row not in self._loosest:
                those = self._by_row.indices[self._by_row.indptr[row] : self._by_row.indptr[row + 1]].astype(np.int64)
                order = np.lexsort((-self._whole[those], np.diff(self._by_place.indptr)[those]))
                self._loosest[row] = those[order][: _LOOSE[1]]
        chosen = [self._loosest[row] for row in widest.tolist()]
        return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *chosen]))


class _Room(NamedTuple):
    """How much places can give, in moves of the feature asked for: whoever is known, and if nobody is.

    Those that can give nothing if their largest feature is known are one feature; if known, it cannot move at all.
    """

    safe: FloatArray
    whole: FloatArray
    negative: BoolArray
    linked: BoolArray
    """(places, places) who knows a feature of one may know one of the other; itself at least."""

    def bounds(self, whole: BoolArray, up: bool) -> FloatArray:
        """(places, 2) how much may be taken of each; of some, as if nobody were known."""
        most = np.where(whole, self.whole, self.safe)
        endless = np.where(whole | (self.safe > 0), np.inf, 0.0)
        gives = ~self.negative if up else self.negative
        return np.column_stack([np.where(gives, -endless, -most), np.where(gives, most, endless)])


def _have_witnesses(rows: csr_array, target: FloatArray, room: _Room, up: bool) -> bool:
    """Whether columns make up the target whoever is known.

    The first witness takes as little as possible beyond what is safe. Only who owns a feature of a place where it does
    so spoils it; for each such place another one is looked for, that takes no more than is safe there and where else
    owners of its features have one.
    """
    n = len(room.safe)
    safe, whole = (room.bounds(np.full(n, everywhere), up) for everywhere in (False, True))
    # What is taken is safe + beyond - below, the latter two at a cost.
    ends = np.isfinite(safe)
    more = np.abs(np.subtract(whole, safe, out=np.zeros_like(safe), where=ends))
    beyond, below = (np.column_stack([np.zeros(n), more[:, side]]) for side in (1, 0))
    first = _solved(
        csr_array(hstack([rows, rows, -rows], format="csr")),
        target,
        np.vstack([safe, beyond, below]),
        np.repeat([0, 1.0], [n, 2 * n]),
    )
    if first is None:
        return False
    for place in np.flatnonzero(first[n : 2 * n] + first[2 * n :] > NEGLIGIBLE_SHARE):
        bounds = whole.copy()
        bounds[room.linked[place]] = safe[room.linked[place]]
        if _solved(rows, target, bounds, np.zeros(n)) is None:
            return False
    return True


def _solved(rows: Any, target: FloatArray, bounds: FloatArray, cost: FloatArray) -> FloatArray | None:
    answer = linprog(
        cost, A_eq=rows, b_eq=target, bounds=[(low, high) for low, high in bounds.tolist()], method="highs",
        options={"primal_feasibility_tolerance": 1e-9},
    )  # fmt: skip
    return np.asarray(answer.x) if answer.status == 0 else None


def _near(sums: IntArray, by_row: csr_array, by_place: csc_array, most: int) -> IntArray:
    """Places in these sums, those of narrow sums first, and their neighbours, as many as one program takes."""
    widths = np.diff(by_row.indptr)
    near: IntArray = np.zeros(0, dtype=np.int64)
    seen, asked = np.zeros(0, dtype=np.int64), np.asarray(sums, dtype=np.int64)
    for _ in range(3):
        for row in asked[np.argsort(widths[asked], kind="stable")]:
            if near.size and near.size + widths[row] > most:
                break
            near = np.union1d(near, by_row.indices[by_row.indptr[row] : by_row.indptr[row + 1]][:most])
        seen = np.union1d(seen, asked)
        asked = np.setdiff1d(by_place[:, near].indices, seen) if near.size else asked[:0]
    return np.asarray(near, dtype=np.int64)
