"""Subtraction between collections: a zone less the hexagon inside it may leave one building.

Collections of one hierarchy are protected against each other by groups. Those of different hierarchies (cells,
hexagons, districts, zoning) overlap freely; here every target of a collection is held against every target shown before
that contains it, or lies in it. Sums and differences of three targets and more are not looked at.
"""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array, vstack

from grids.features import BoolArray, FloatArray, IntArray
from grids.grouping import Rule, sensitive

NEGLIGIBLE_SHARE = 1e-9
"""Shares below this are rounding left over from adding the parts of a feature."""

_ENTRIES_AT_ONCE = 2_000_000


def told_by_difference(shown: csr_array, targets: csr_array, tested: FloatArray, rule: Rule) -> BoolArray:
    """Targets that must be held because one shown elsewhere, less this one, or the reverse, would tell of a feature.

    Args:
        shown: (others, features) shares in the targets that are shown true.
        targets: (targets, features) shares in the targets to be judged.
        tested: (features, sums) values whose sums must pass the rule.
        rule: the least count and the p % rule.

    Returns:
        (targets,) true where a difference is sensitive; what the outer of two targets tells by itself is not asked.
    """
    told = np.zeros(targets.shape[0], dtype=bool)
    for others, mine in _in_chunks(shown, targets, *_doubtful_pairs(shown, targets, tested, rule)):
        left = without_rounding(csr_array(shown[others] - targets[mine]))
        rows = np.repeat(np.arange(len(mine)), np.diff(left.indptr))
        above = np.bincount(rows[left.data > 0], minlength=len(mine))
        below = np.bincount(rows[left.data < 0], minlength=len(mine))
        one_sided = (above == 0) | (below == 0)
        for position in range(tested.shape[1]):
            told[mine[one_sided & sensitive(contributions(left, tested[:, position]), rule)]] = True
    return told


def contributions(shares: csr_array, values: FloatArray) -> csr_array:
    """(targets, features) share times the feature's value."""
    return csr_array((shares.data * values[shares.indices], shares.indices, shares.indptr), shape=shares.shape)


def without_rounding(shares: csr_array) -> csr_array:
    """Differences of shares, with what is only rounding taken out."""
    shares.data[np.abs(shares.data) <= NEGLIGIBLE_SHARE] = 0.0
    shares.eliminate_zeros()
    shares.sort_indices()
    return shares


def _doubtful_pairs(shown: csr_array, targets: csr_array, tested: FloatArray, rule: Rule) -> tuple[IntArray, IntArray]:
    """Pairs of which one has all the features of the other, and whose difference may be sensitive.

    A district less one of its thousands of cells leaves far more than enough. A sum is settled without the difference
    where the inner target has nothing of it, or where what is left protects whatever is the largest:
    `left - x1 - x2 >= left - 2 largest >= p/100 x1`, asked with one `largest` to spare for rounding.
    """
    sizes_shown, sizes = np.diff(shown.indptr), np.diff(targets.indptr)
    common = csr_array(_pattern(shown) @ _pattern(targets).T).tocoo()
    others, mine = (axis.astype(np.int64) for axis in common.coords)
    nested = (common.data == sizes_shown[others]) | (common.data == sizes[mine])
    others, mine = others[nested], mine[nested]
    in_both = csr_array(vstack([shown, targets], format="csr"))
    shown_is_outer = sizes_shown[others] >= sizes[mine]
    outer = np.where(shown_is_outer, others, mine + len(sizes_shown))
    inner = np.where(shown_is_outer, mine + len(sizes_shown), others)
    doubtful = np.zeros(len(others), dtype=bool)
    for position in range(tested.shape[1]):
        count, lasting, total, largest = _bounds(contributions(in_both, tested[:, position]), in_both.data)
        left = total[outer] - total[inner]
        enough = lasting[outer] - count[inner] >= rule.min_count
        protected = left >= (3 + rule.dominance_percent / 100) * np.maximum(largest[outer], largest[inner])
        doubtful |= (count[inner] > 0) & ~(enough & protected)
    return others[doubtful], mine[doubtful]


def _bounds(values: csr_array, shares: FloatArray) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Per row: how many contribute, how many with more than a negligible share, the absolute sum, and the largest."""
    n_rows = values.shape[0]
    rows = np.repeat(np.arange(n_rows), np.diff(values.indptr))
    amounts = np.abs(values.data)
    some = amounts > 0
    largest = np.zeros(n_rows)
    filled = np.flatnonzero(np.diff(values.indptr))
    if len(filled):
        largest[filled] = np.maximum.reduceat(amounts, values.indptr[filled])
    count = np.bincount(rows[some], minlength=n_rows).astype(np.int64)
    lasting = np.bincount(rows[some & (shares > NEGLIGIBLE_SHARE)], minlength=n_rows).astype(np.int64)
    return count, lasting, np.bincount(rows, amounts, minlength=n_rows).astype(np.float64), largest


def _in_chunks(
    shown: csr_array, targets: csr_array, others: IntArray, mine: IntArray
) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs, a bounded number of entries at a time."""
    ends = np.cumsum(np.diff(shown.indptr)[others] + np.diff(targets.indptr)[mine])
    chunks = ends // _ENTRIES_AT_ONCE
    for chunk in np.unique(chunks):
        here = chunks == chunk
        yield others[here], mine[here]


def _pattern(shares: csr_array) -> csr_array:
    return csr_array((np.ones(shares.nnz, dtype=np.int64), shares.indices, shares.indptr), shape=shares.shape)
