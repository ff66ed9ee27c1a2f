"""Which targets are held together: groups of siblings whose pooled value tells of no single feature.

A target whose value must not be shown is replaced by a share of its group's sum. The sum itself can be found by
subtracting the shown siblings from the parent, so that a group has at least two targets and passes the rule as a whole.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from grids.blocks import block_bounds, in_blocks
from grids.errors import GridError
from grids.features import BoolArray, FloatArray, IntArray
from grids.holding_kernels import group_families, judge_targets
from grids.sparse_rows import csr_parts

NEGLIGIBLE_SHARE = 1e-9
"""Shares below this are rounding left over from adding the parts of a feature."""

_ENTRIES_AT_ONCE = 100_000
_FEW = 32  # features of a target that are judged again in no time; a nation has millions of such cells


@dataclass(frozen=True, slots=True)
class Rule:
    """When a sum of private values may not be shown.

    Attributes:
        min_count: fewest features with a value other than 0 that a sum must rest on. A metered 0 protects nobody, so it
            does not count.
        dominance_percent: the p of the p % rule: the largest feature must not be estimable within p % by the second
            largest, so that all others together must hold at least p % of the largest.
        audit: whether all sums that are told must, taken together, leave every value p % of room (`grids.audit`).

    Raises:
        GridError: a count below 1 or a percentage outside 0 to 100.

    Source: ARCHITECTURE, truth 7; the p % rule as in Hundepool et al., Statistical Disclosure Control (2012), 4.2.
    """

    min_count: int = 3
    dominance_percent: float = 10.0
    audit: bool = False

    def __post_init__(self) -> None:
        if self.min_count < 1 or not 0 <= self.dominance_percent <= 100:
            raise GridError(
                f"disclosure: min_count is {self.min_count} and dominance_percent {self.dominance_percent:g}; "
                "expected are a count of at least 1 and a percentage from 0 to 100"
            )

    @property
    def plain(self) -> tuple[int, float, float]:
        """Least count, p as a fraction, and the share that counts as rounding, for compiled code."""
        return self.min_count, self.dominance_percent / 100, NEGLIGIBLE_SHARE

    def allows(self, contributions: FloatArray) -> bool:
        """Whether sums over features may be shown.

        Args:
            contributions: (features, sums) what each feature adds to each sum; a sum of nothing may be shown.
        """
        ordered = np.sort(np.abs(contributions), axis=0)[::-1]
        if len(ordered) == 0:
            return True
        count = (ordered > 0).sum(axis=0)
        enough = (count >= self.min_count) & (ordered[2:].sum(axis=0) >= self.dominance_percent / 100 * ordered[0])
        return bool(np.all((count == 0) | enough))


@dataclass(frozen=True, eq=False)
class Judged:
    """What the rule says of targets.

    Attributes:
        too_few: (targets,) some sum rests on 1 to `min_count - 1` features.
        dominated: (targets,) some sum rests on enough features, of which one dominates.
        place_of: (targets,) rows of the targets in `bounds`; -1 for those of few features, which are soon judged again,
            and where they were not asked for.
        bounds: (rows, sums) count, lasting, total and room for `grids.holding_kernels.doubtful_pairs`.
    """

    too_few: BoolArray
    dominated: BoolArray
    place_of: npt.NDArray[np.int32]
    bounds: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], FloatArray, FloatArray]

    @property
    def sensitive(self) -> BoolArray:
        """(targets,) whose sums must not be shown."""
        return self.too_few | self.dominated


def judge(shares: csr_array, tested: FloatArray, rule: Rule, *, with_bounds: bool = False) -> Judged:
    """Hold every target's sums against the rule.

    Args:
        shares: (targets, features) of private metered features.
        tested: (features, sums) values.
        rule: the least count and the p % rule.
        with_bounds: also what tells quickly whether a difference to another target may be sensitive.
    """
    n_targets = shares.shape[0]
    too_few, dominated = np.zeros(n_targets, dtype=np.bool_), np.zeros(n_targets, dtype=np.bool_)
    rows, values = csr_parts(shares), np.ascontiguousarray(tested)
    place_of = np.full(n_targets, -1, dtype=np.int32)
    some = np.flatnonzero(np.diff(rows[0]) > _FEW) if with_bounds else np.zeros(0, dtype=np.int64)
    place_of[some] = np.arange(some.size)
    shape = some.size, tested.shape[1]
    counts, lasting = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    bounds = counts, lasting, np.zeros(shape), np.zeros(shape)

    def work(first: int, last: int) -> None:
        judge_targets(first, last, rows, values, rule.plain, too_few, dominated, place_of, bounds)

    for _ in in_blocks(work, block_bounds(rows[0] + np.arange(n_targets + 1), _ENTRIES_AT_ONCE)):
        pass
    return Judged(too_few, dominated, place_of, bounds)


def sensitive(contributions: csr_array, rule: Rule) -> BoolArray:
    """Targets whose sum must not be shown.

    Args:
        contributions: (targets, features) share times value of private metered features; signed.
        rule: the least count and the p % rule.

    Returns:
        (targets,) true where 1 to `min_count - 1` features contribute, or `total - x1 - x2 < p/100 x1` for the absolute
        contributions `x1 >= x2 >= ...`. False where none contributes.
    """
    return judge(contributions, np.ones((contributions.shape[1], 1)), rule).sensitive


@dataclass(frozen=True)
class Siblings:
    """Targets that could be grouped.

    Attributes:
        shares: (targets, features) shares of the private features.
        tested: (features, sums) values whose sums over any group must pass the rule.
        parents: (targets,) the coarser target that holds each.
        sensitive: (targets,) must be held.
        weights: (targets,) how much of a group's sum each target gets, from public knowledge only.
    """

    shares: csr_array
    tested: FloatArray
    parents: IntArray
    sensitive: BoolArray
    weights: FloatArray


def held_groups(siblings: Siblings, rule: Rule) -> tuple[IntArray, IntArray]:
    """Groups of targets to be held together, each within one parent.

    Sensitive siblings are joined in the order of targets (in Z-order: neighbours) until at least two pass the rule
    together; what remains joins earlier groups, and then the smallest other siblings, until the rule is passed. The
    smallest are those of least weight: weights are public, so that the choice tells nothing either. A parent that
    passes the rule itself and has at least two targets always yields groups that pass; its only target is as public as
    the parent and is not held.

    Returns:
        Positions of the targets of all groups, one group after the other, and where groups begin and end in it; a group
        has at least two targets.
    """
    counted = np.diff(siblings.shares.indptr) > 0
    asked = np.flatnonzero(siblings.sensitive & counted)
    families = np.unique(siblings.parents[asked])
    is_asked = np.zeros(int(siblings.parents.max(initial=0)) + 1, dtype=np.bool_)
    is_asked[families] = True
    others = np.flatnonzero(counted & ~siblings.sensitive)
    others = others[is_asked[siblings.parents[others]]]
    must, of_must = _by_family(asked, siblings.parents, families)
    spare, of_spare = _by_family(
        others[np.argsort(siblings.weights[others], kind="stable")], siblings.parents, families
    )
    found: tuple[IntArray, IntArray] = group_families(
        (must, of_must, spare, of_spare),
        csr_parts(siblings.shares),
        np.ascontiguousarray(siblings.tested),
        rule.plain[:2],
    )
    return found


def _by_family(targets: IntArray, parents: IntArray, families: IntArray) -> tuple[IntArray, IntArray]:
    """Targets of these parents, parent by parent and else in the order given, and where each parent's begin."""
    mine = targets[np.argsort(parents[targets], kind="stable")]
    starts = np.searchsorted(parents[mine], families, side="left")
    return mine, np.append(starts, len(mine)).astype(np.int64)
