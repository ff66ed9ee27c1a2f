"""Compiled: which sums every feature lies in, and whether neighbours in these can make up for a change of it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled, inner

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@inner
def _mixed(number: int) -> np.uint64:
    """A number of 64 bits that looks like chance (splitmix64)."""
    bits = np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@compiled
def add_signatures(rows: Any, first: int, negligible: float, signatures: NDArray[np.uint64]) -> None:
    """Add to every feature's signature the sums it lies in; features of equal signature lie alike in all of them.

    Args:
        rows: (indptr, indices, data) of the sums.
        first: number of the first sum among all.
        negligible: shares are told apart by steps of this.
        signatures: (features,) added to.
    """
    indptr, indices, data = rows
    for row in range(indptr.size - 1):
        of_row = _mixed(first + row + 1)
        for entry in range(indptr[row], indptr[row + 1]):
            steps = np.int64(np.rint(data[entry] / negligible))
            signatures[indices[entry]] += of_row * np.uint64(steps)


@inner
def _largest_part(left: FloatArray, mine: Any, theirs: Any, shares: FloatArray, negligible: float) -> float:
    """How much of a column fits into what is left of another one; 0 where it lies in a sum that the other does not."""
    part, at = np.inf, 0
    for entry in range(theirs.size):
        while at < mine.size and mine[at] < theirs[entry]:
            at += 1
        if at == mine.size or mine[at] != theirs[entry] or left[at] <= negligible:
            return 0.0
        part = min(part, left[at] / shares[entry])
    return part if theirs.size else 0.0


@inner
def _take(left: FloatArray, mine: Any, theirs: Any, shares: FloatArray, part: float) -> None:
    at = 0
    for entry in range(theirs.size):
        while mine[at] < theirs[entry]:
            at += 1
        left[at] -= part * shares[entry]


@compiled
def made_up_for(
    suspects: IntArray, moves: FloatArray, own: IntArray, own_spare: FloatArray, columns: Any, spare: FloatArray,
    by_row: Any, negligible: float, most: int, found: BoolArray,
) -> None:  # fmt: skip
    """Whether a suspect's change leaves every sum as it is when features that share its sums change against it.

    A suspect cut by a border between two cells is made up for by features of the one and the other cell that lie in
    the same other sums; parts are taken greedily, in the sum with the fewest places first.

    Args:
        suspects: (suspects,) their columns.
        moves: (suspects,) tCO2e that each has to move.
        own: (suspects,) the place that each lies in itself, alone or with others.
        own_spare: (suspects,) tCO2e that the others of that place can give without the largest of them.
        columns: (indptr, indices, data) column by column, rows ascending; those of places first.
        spare: (places,) tCO2e that features of the place can give without the largest of them.
        by_row: (indptr, indices) the places that lie in each sum.
        negligible: shares up to this may be rounding.
        most: places of a sum that are tried at most.
        found: (suspects,) set.
    """
    indptr, indices, data = columns
    row_ptr, place_of = by_row
    tried, taken = np.empty(256, np.int64), np.empty(256)
    for k in range(suspects.size):
        start, stop = indptr[suspects[k]], indptr[suspects[k] + 1]
        mine, left = indices[start:stop], data[start:stop].copy()
        n_tried, is_stuck = 0, False
        while not is_stuck:
            best = -1
            for at in range(mine.size):
                if left[at] > negligible:
                    width = row_ptr[mine[at] + 1] - row_ptr[mine[at]]
                    if best < 0 or width < row_ptr[mine[best] + 1] - row_ptr[mine[best]]:
                        best = at
            if best < 0:
                break
            first, last = row_ptr[mine[best]], row_ptr[mine[best] + 1]
            for entry in range(first, min(last, first + most)):
                place = place_of[entry]
                there = slice(indptr[place], indptr[place + 1])
                theirs, shares = indices[there], data[there]
                part = _largest_part(left, mine, theirs, shares, negligible)
                if part <= 0.0 or n_tried == tried.size:
                    continue
                room = own_spare[k] if place == own[k] else spare[place]
                for before in range(n_tried):
                    if tried[before] == place:
                        room -= taken[before] * moves[k]
                part = min(part, room / moves[k])
                if part <= 0.0:
                    continue
                _take(left, mine, theirs, shares, part)
                tried[n_tried], taken[n_tried] = place, part
                n_tried += 1
                if left[best] <= negligible:
                    break
            is_stuck = left[best] > negligible
        found[k] = not is_stuck
