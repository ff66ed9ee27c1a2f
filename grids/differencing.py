"""Subtraction between collections: a zone less the hexagon inside it may leave one building.

Collections of one hierarchy are protected against each other by groups. Those of different hierarchies (cells,
hexagons, districts, zoning) overlap freely; here every target of a collection is held against every target shown before
that contains it, or lies in it. Sums and differences of three targets and more are not looked at.
"""

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from grids.blocks import block_bounds, in_blocks
from grids.features import BoolArray, FloatArray
from grids.grouping import NEGLIGIBLE_SHARE, Judged, Rule
from grids.holding_kernels import doubtful_pairs, tell_differences
from grids.sparse_rows import csr_parts

PositionArray = npt.NDArray[np.int32]

_ENTRIES_AT_ONCE = 1_000_000


class Subtraction:
    """Targets to be judged by what is left of others without them, or of them without others.

    Args:
        targets: (targets, features) shares, indices sorted.
        tested: (features, sums) values whose sums must pass the rule.
        rule: the least count and the p % rule.
        judged: the targets by themselves, with bounds.
    """

    def __init__(self, targets: csr_array, tested: FloatArray, rule: Rule, judged: Judged) -> None:
        self._targets = csr_parts(targets)
        self._tested, self._rule, self._judged = np.ascontiguousarray(tested), rule, judged
        columns = targets.tocsc()
        self._by_feature = columns.indptr.astype(np.int64), columns.indices.astype(np.int32, copy=False)

    def doubtful(self, shown: csr_array, is_left_out: BoolArray | None = None) -> tuple[PositionArray, PositionArray]:
        """Pairs (shown, target) of which one has all the features of the other, and whose difference may be sensitive.

        Args:
            shown: (others, features) shares of targets shown elsewhere.
            is_left_out: (others,) those that are not shown true.
        """
        rows = csr_parts(shown)
        left_out = np.zeros(shown.shape[0], dtype=np.bool_) if is_left_out is None else is_left_out

        def work(first: int, last: int) -> tuple[PositionArray, PositionArray]:
            found: tuple[PositionArray, PositionArray] = doubtful_pairs(
                first, last, rows, left_out, self._targets, self._by_feature, self._tested, self._rule.plain,
                self._judged.place_of, self._judged.bounds,
            )  # fmt: skip
            return found

        # Each block counts the features that it has in common with every target.
        weight = max(_ENTRIES_AT_ONCE, len(self._targets[0]))
        pairs = list(in_blocks(work, block_bounds(rows[0] + np.arange(len(rows[0])), weight)))
        none = np.zeros(0, dtype=np.int32)
        return np.concatenate([none, *(pair[0] for pair in pairs)]), np.concatenate([none, *(p[1] for p in pairs)])

    def told_by(self, shown: csr_array, is_left_out: BoolArray | None = None) -> BoolArray:
        """(targets,) true where a difference is sensitive; what the outer of two tells by itself is not asked.

        Args:
            shown: (others, features) shares of targets shown elsewhere, indices sorted.
            is_left_out: (others,) those that are not shown true.
        """
        others, ours = self.doubtful(shown, is_left_out)
        told = np.zeros(len(self._targets[0]) - 1, dtype=np.bool_)
        tell_differences(others, ours, csr_parts(shown), self._targets, self._tested, self._rule.plain, told)
        return told


def without_rounding(shares: csr_array) -> csr_array:
    """Differences of shares, with what is only rounding taken out."""
    shares.data[np.abs(shares.data) <= NEGLIGIBLE_SHARE] = 0.0
    shares.eliminate_zeros()
    shares.sort_indices()
    return shares
