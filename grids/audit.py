"""Audit and repair: targets are joined until all sums that are told, taken together, bind no feature too closely.

What collections before this one told stands; only targets of this one are joined. Joined to the last, they tell no more
than their parents do, so that there is always an end.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import csc_array, csr_array, vstack

from grids.exposure import Told, exposed
from grids.features import BoolArray, FloatArray, IntArray
from grids.grouping import Rule

_ROUNDS = 100  # of joining one neighbour more; who is exposed still is joined with all others under the same parent
_WIDE = 5_000  # features of a sum beyond which its targets do not count as neighbours


def told_sums(shares: csr_array, block: IntArray) -> csr_array:
    """(blocks, features) shares in the sums that are told: those of single targets, and of blocks held together.

    Args:
        shares: (targets, features).
        block: (targets,) the first target of the block that each belongs to; -1 where nothing is told.
    """
    live = np.flatnonzero(block >= 0)
    row = np.unique(block[live], return_inverse=True)[1].reshape(-1)
    n_blocks = int(row.max(initial=-1)) + 1
    return csr_array(csr_array((np.ones(live.size), (row, live)), shape=(n_blocks, len(block))) @ shares)


def joined_blocks(
    shares: csr_array,
    family: IntArray,
    block: IntArray,
    weights: FloatArray,
    known: Sequence[csr_array],
    tested: FloatArray,
    rule: Rule,
    passed_over: BoolArray,
    located: csr_array | None = None,
    owner: IntArray | None = None,
) -> tuple[IntArray, BoolArray]:
    """Blocks of targets such that everything told leaves each value as much room as the rule asks for.

    Args:
        shares: (targets, features) of private metered features.
        family: (targets,) the parent; only targets of one parent are joined.
        block: (targets,) first target of each one's block so far; -1 where nothing is told.
        weights: (targets,) public weights: of several neighbours the lightest is joined.
        known: (sums, features) what is told elsewhere already, collection by collection.
        tested: (features, columns) values; see `grids.exposure.exposed`.
        rule: its p % is the room.
        passed_over: (features,) nothing is done for these: no witness was found before this collection either.
        located: (targets, features) where each stands, also if nothing is told of it here: a reading of another
            edition; as shared if not given.
        owner: see `grids.exposure.exposed`.

    Returns:
        Blocks as they are told, and (features,) for which no witness was found all the same.
    """
    before = Told.nothing(shares.shape[1]).and_also(*known)
    block = block.copy()
    found = exposed(before.and_also(told_sums(shares, block)), tested, rule, owner=owner)
    neighbours: _Neighbours | None = None
    rounds = 0
    while asked := np.flatnonzero(found & ~passed_over).tolist():
        neighbours = neighbours or _Neighbours(shares if located is None else located, family, weights, known)
        rounds += 1
        if not (neighbours.join(block, asked) if rounds <= _ROUNDS else neighbours.join_all(block, asked)):
            break
        found = exposed(before.and_also(told_sums(shares, block)), tested, rule, found, owner)
    return block, found


class _Neighbours:
    """Which targets are joined with those of an exposed feature."""

    def __init__(self, shares: csr_array, family: IntArray, weights: FloatArray, known: Sequence[csr_array]) -> None:
        elsewhere = csc_array(vstack([*known, csr_array((0, shares.shape[1]))], format="csc"))
        self._by_feature = shares.tocsc()
        self._family, self._weights = family, weights
        self._elsewhere, self._sums = elsewhere, elsewhere.tocsr()
        self._widths = np.diff(self._sums.indptr)

    def join(self, block: IntArray, asked: Sequence[int]) -> bool:
        """Join the blocks of exposed features with one more each; whether any was."""
        live = np.flatnonzero(block >= 0)
        weight = np.bincount(block[live], self._weights[live], minlength=len(block)).astype(np.float64)
        changed: set[int] = set()
        for feature in asked:
            own = self._targets_of(feature)
            joined = [self._join_one(feature, int(block[target]), block, weight, changed) for target in own]
            if not any(joined) and changed.isdisjoint(block[own].tolist()):
                any(self._join_one(feature, int(block[at]), block, weight, changed) for at in self._further(feature))
        return bool(changed)

    def join_all(self, block: IntArray, asked: Sequence[int]) -> bool:
        """Join all targets of the parents of exposed features; whether any was."""
        before = block.copy()
        for feature in asked:
            for parent in np.unique(self._family[self._targets_of(feature)]):
                mine = np.flatnonzero((self._family == parent) & (block >= 0))
                block[mine] = block[mine].min(initial=len(block))
        return bool((block != before).any())

    def _targets_of(self, feature: int) -> IntArray:
        """Targets that it lies in; of what is gone, one of those who shared its narrowest sum."""
        own: IntArray = self._by_feature[:, [feature]].indices.astype(np.int64)
        if not own.size:
            sums = self._elsewhere[:, [feature]].indices
            for row in sums[np.argsort(self._widths[sums], kind="stable")]:
                with_it = self._sums.indices[self._sums.indptr[row] : self._sums.indptr[row + 1]]
                own = np.unique(self._by_feature[:, with_it].indices)[:1].astype(np.int64)
                if own.size:
                    break
        return own

    def _join_one(self, feature: int, mine: int, block: IntArray, weight: FloatArray, changed: set[int]) -> bool:
        """Join a block with one more, unless that was done in this round; whether it was."""
        other = -1 if mine < 0 or mine in changed else self._partner(feature, mine, block, weight)
        if other < 0:
            return False
        first, last = sorted((mine, other))
        block[block == last] = first
        weight[first] += weight[last]
        changed |= {first, last}
        return True

    def _further(self, feature: int) -> Iterator[int]:
        """Targets of those who share its sums, and theirs, nearest first: what these tell binds it too."""
        some, n_before = np.array([feature]), 0
        while some.size > n_before:
            n_before = some.size
            some = np.union1d(some, self._sums[np.unique(self._elsewhere[:, some].indices)].indices)
            yield from np.unique(self._by_feature[:, some].indices).tolist()

    def _partner(self, feature: int, mine: int, block: IntArray, weight: FloatArray) -> int:
        """The lightest block of the family that shares a sum with the feature, else the lightest at all; -1 if none."""
        sums = self._elsewhere[:, [feature]].indices
        for row in sums[np.argsort(self._widths[sums], kind="stable")]:
            if self._widths[row] > _WIDE:
                break
            with_it = self._sums.indices[self._sums.indptr[row] : self._sums.indptr[row + 1]]
            found = self._lightest(np.unique(self._by_feature[:, with_it].indices), mine, block, weight)
            if found >= 0:
                return found
        return self._lightest(np.flatnonzero(self._family == self._family[mine]), mine, block, weight)

    def _lightest(self, targets: IntArray, mine: int, block: IntArray, weight: FloatArray) -> int:
        blocks = block[targets[self._family[targets] == self._family[mine]]]
        blocks = np.unique(blocks[(blocks >= 0) & (blocks != mine)])
        return int(blocks[np.argmin(weight[blocks])]) if blocks.size else -1
