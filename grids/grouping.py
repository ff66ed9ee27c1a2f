"""Which targets are held together: groups of siblings whose pooled value tells of no single feature.

A target whose value must not be shown is replaced by a share of its group's sum. The sum itself can be found by
subtracting the shown siblings from the parent, so that a group has at least two targets and passes the rule as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from grids.errors import GridError
from grids.features import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Rule:
    """When a sum of private values may not be shown.

    Attributes:
        min_count: fewest features with a value other than 0 that a sum must rest on. A metered 0 protects nobody, so it
            does not count.
        dominance_percent: the p of the p % rule: the largest feature must not be estimable within p % by the second
            largest, so that all others together must hold at least p % of the largest.

    Raises:
        GridError: a count below 1 or a percentage outside 0 to 100.

    Source: ARCHITECTURE, truth 7; the p % rule as in Hundepool et al., Statistical Disclosure Control (2012), 4.2.
    """

    min_count: int = 3
    dominance_percent: float = 10.0

    def __post_init__(self) -> None:
        if self.min_count < 1 or not 0 <= self.dominance_percent <= 100:
            raise GridError(
                f"disclosure: min_count is {self.min_count} and dominance_percent {self.dominance_percent:g}; "
                "expected are a count of at least 1 and a percentage from 0 to 100"
            )

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


def sensitive(contributions: csr_array, rule: Rule) -> BoolArray:
    """Targets whose sum must not be shown.

    Args:
        contributions: (targets, features) share times value of private metered features; signed.
        rule: the least count and the p % rule.

    Returns:
        (targets,) true where 1 to `min_count - 1` features contribute, or `total - x1 - x2 < p/100 x1` for the absolute
        contributions `x1 >= x2 >= ...`. False where none contributes.
    """
    too_few, dominated = reasons(contributions, rule)
    return too_few | dominated


def reasons(contributions: csr_array, rule: Rule) -> tuple[BoolArray, BoolArray]:
    """Why targets are sensitive: too few features, or enough of them but one dominates; see `sensitive`."""
    n_targets = contributions.shape[0]
    kept = contributions.data != 0
    rows = np.repeat(np.arange(n_targets), np.diff(contributions.indptr))[kept]
    values = np.abs(contributions.data[kept])
    count = np.bincount(rows, minlength=n_targets)
    some = count > 0
    starts = (np.cumsum(count) - count)[some]
    largest = np.zeros(n_targets)
    largest[some] = _taken_out(values, rows, starts)
    _taken_out(values, rows, starts)
    rest = np.bincount(rows, values, minlength=n_targets)
    too_few = some & (count < rule.min_count)
    return too_few, some & ~too_few & (rest < rule.dominance_percent / 100 * largest)


def _taken_out(values: FloatArray, rows: IntArray, starts: IntArray) -> FloatArray:
    """The largest value of each row, of which one is set to 0 in place; rows are contiguous from `starts`."""
    if not len(starts):
        return np.zeros(0)
    largest = np.maximum.reduceat(values, starts)
    lengths = np.diff(starts, append=len(values))
    at = np.flatnonzero(values == np.repeat(largest, lengths))
    first = np.ones(len(at), dtype=bool)
    first[1:] = rows[at[1:]] != rows[at[:-1]]
    values[at[first]] = 0.0
    return np.asarray(largest, dtype=np.float64)


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


def held_groups(siblings: Siblings, rule: Rule) -> Iterator[IntArray]:
    """Groups of targets to be held together, each within one parent.

    Sensitive siblings are joined in the order of targets (in Z-order: neighbours) until at least two pass the rule
    together; what remains joins earlier groups, and then the smallest other siblings, until the rule is passed. The
    smallest are those of least weight: weights are public, so that the choice tells nothing either. A parent that
    passes the rule itself and has at least two targets always yields groups that pass; its only target is as public as
    the parent and is not held.

    Yields:
        Positions of the targets of one group, at least two.
    """
    counted = np.diff(siblings.shares.indptr) > 0
    present = np.flatnonzero(counted)
    present = present[np.argsort(siblings.parents[present], kind="stable")]
    parents, starts = np.unique(siblings.parents[present], return_index=True)
    wanted = np.isin(parents, siblings.parents[siblings.sensitive & counted])
    for family in np.compress(wanted, np.arange(len(parents))):
        stop = starts[family + 1] if family + 1 < len(parents) else len(present)
        yield from _groups_of_family(siblings, present[starts[family] : stop], rule)


def _groups_of_family(siblings: Siblings, family: IntArray, rule: Rule) -> Iterator[IntArray]:
    must = siblings.sensitive[family]
    others = family[~must]
    spare = others[np.lexsort((others, siblings.weights[others]))].tolist()
    groups: list[list[int]] = []
    current: list[int] = []
    for target in family[must].tolist():
        current.append(target)
        if _passes(siblings, current, rule):
            groups.append(current)
            current = []
    while current and not _passes(siblings, current, rule):
        if groups:
            current = groups.pop() + current
        elif spare:
            current.append(spare.pop(0))
        else:
            break
    if len(current) > 1:
        groups.append(current)
    for group in groups:
        yield np.array(sorted(group), dtype=np.int64)


def _passes(siblings: Siblings, group: list[int], rule: Rule) -> bool:
    """At least two targets that pass the rule together; a feature cut by their border counts once."""
    if len(group) < 2:
        return False
    pointers, shares = siblings.shares.indptr, siblings.shares
    spans = [slice(pointers[target], pointers[target + 1]) for target in group]
    features = np.concatenate([shares.indices[span] for span in spans])
    parts = np.concatenate([shares.data[span] for span in spans])
    distinct, place = np.unique(features, return_inverse=True)
    whole = np.bincount(place, parts, minlength=len(distinct))
    return rule.allows(whole[:, None] * siblings.tested[distinct])
