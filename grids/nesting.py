"""Targets in coarser targets: sums over all children of a parent, and whether children stay within their parents."""

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray
from scipy.sparse import csr_array

from grids.aggregate import SumsMismatch
from grids.blocks import block_bounds, in_blocks
from grids.grouping import NEGLIGIBLE_SHARE
from grids.nesting_kernels import add_rows, order_by_parent
from grids.shares import Shares
from grids.sparse_rows import canonical, csr_of, csr_parts, joined

IntArray = NDArray[np.int64]
PlaceArray = NDArray[np.int32]
FloatArray = NDArray[np.float64]

_ENTRIES_AT_ONCE = 1_000_000


def to_coarser(index_of_parent: npt.NDArray[np.integer], n_parents: int, shares: Shares) -> Shares:
    """Shares in the targets of a coarser collection, as block sums.

    Shares are summed, not totals: own variance is not additive, and needs the shares of each level.

    Args:
        index_of_parent: (targets,) position of the coarser target that holds each finer one.
        n_parents: coarser targets.
        shares: shares in the finer targets.

    Returns:
        Shares in the coarser targets; what lies outside stays as it is.

    Raises:
        SumsMismatch: a parent is missing or out of range.
    """
    index = check_parents(index_of_parent, shares.n_targets, n_parents)
    return Shares(block_sums(index, n_parents, shares.matrix), shares.outside)


def block_sums(index_of_parent: IntArray, n_parents: int, matrix: csr_array) -> csr_array:
    """Rows of a sparse matrix added by parent, in the order of rows."""
    if n_parents == 1:
        return csr_array(np.bincount(matrix.indices, matrix.data, minlength=matrix.shape[1])[None, :])
    starts, order = np.zeros(n_parents + 1, dtype=np.int64), np.empty(len(index_of_parent), dtype=np.int32)
    order_by_parent(index_of_parent, starts, order)
    entries = csr_parts(canonical(matrix))

    def work(first: int, last: int) -> tuple[IntArray, PlaceArray, FloatArray]:
        found: tuple[IntArray, PlaceArray, FloatArray] = add_rows(
            first, last, (starts, order), entries, matrix.shape[1]
        )
        return found

    ends = np.zeros(n_parents + 1, dtype=np.int64)
    per_parent = np.bincount(index_of_parent, np.diff(entries[0]), minlength=n_parents)
    np.cumsum(per_parent.astype(np.int64), out=ends[1:])
    # Each block keeps a sum for every column.
    blocks = list(in_blocks(work, block_bounds(ends, max(_ENTRIES_AT_ONCE, matrix.shape[1]))))
    counts = joined([block[0] for block in blocks], np.int64)
    columns = joined([block[1] for block in blocks], np.int32)
    return csr_of(counts, columns, joined([block[2] for block in blocks], np.float64), matrix.shape[1])


def check_parents(index_of_parent: npt.NDArray[np.integer], n_targets: int, n_parents: int) -> IntArray:
    """Positions of parents as int64.

    Raises:
        SumsMismatch: not one parent per target, or one out of range.
    """
    index = np.asarray(index_of_parent)
    if index.shape != (n_targets,) or not np.issubdtype(index.dtype, np.integer):
        raise SumsMismatch(
            f"parents are {index.dtype} of shape {index.shape}; expected is one integer for each of {n_targets}"
        )
    wrong = np.flatnonzero((index < 0) | (index >= n_parents))
    if len(wrong):
        raise SumsMismatch(
            f"target {wrong[0]} has the parent {index[wrong[0]]}; expected is a position from 0 to {n_parents - 1} "
            f"({len(wrong)} targets are without a parent); put a collection without parents under the region itself"
        )
    return index.astype(np.int64)


def nests(above: csr_array, below: csr_array, index_of_parent: npt.NDArray[np.integer]) -> bool:
    """Whether targets lie within their parents, as far as features tell.

    Zone sets drawn by different hands may overlap their parents' borders. They cannot be protected under those parents
    and belong directly under the region.

    Args:
        above: (parents, features) shares.
        below: (targets, features) shares of the same features.
        index_of_parent: (targets,) position of each target's parent.
    """
    index = check_parents(index_of_parent, below.shape[0], above.shape[0])
    beyond = csr_array(block_sums(index, above.shape[0], below) - above)
    return bool(np.all(beyond.data <= NEGLIGIBLE_SHARE))
