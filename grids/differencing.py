"""Subtraction between collections: a zone less the hexagon inside it may leave one building.

Collections of one hierarchy are protected against each other by groups. Those of different hierarchies (cells,
hexagons, districts, zoning) overlap freely; here every target of a collection is held against every target shown before
that contains it, or lies in it. Sums and differences of three targets and more are not looked at.
"""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

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
        (targets,) true where a difference is sensitive.
    """
    told = np.zeros(targets.shape[0], dtype=bool)
    for others, mine in _nested_pairs(shown, targets):
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


def _nested_pairs(shown: csr_array, targets: csr_array) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs of which one has all the features of the other, a bounded number of entries at a time."""
    sizes_shown, sizes = np.diff(shown.indptr), np.diff(targets.indptr)
    common = csr_array(_pattern(shown) @ _pattern(targets).T).tocoo()
    others, mine = common.coords
    nested = (common.data == sizes_shown[others]) | (common.data == sizes[mine])
    others, mine = others[nested].astype(np.int64), mine[nested].astype(np.int64)
    ends = np.cumsum(sizes_shown[others] + sizes[mine])
    chunks = ends // _ENTRIES_AT_ONCE
    for chunk in np.unique(chunks):
        here = chunks == chunk
        yield others[here], mine[here]


def _pattern(shares: csr_array) -> csr_array:
    return csr_array((np.ones(shares.nnz, dtype=np.int64), shares.indices, shares.indptr), shape=shares.shape)
