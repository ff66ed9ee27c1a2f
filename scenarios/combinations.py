"""Combinations of levels within each zone and group: what makes measures that meet linear to choose among.

Within a group savings multiply; but a zone has only so many combinations of a group's levels, and once each is worked
out, choosing one of each *class* (a zone and a group, a zone and what measures share, or a zone and one that adds) is
linear and exact: the multiple-choice knapsack (Kellerer, Pferschy & Pisinger, Knapsack Problems, 2004, chapter 11).
Combinations that cost no less, take no fewer measures and save no more than another of the same class are left out: no
plan needs them. Measures that share ground or roofs are combined as far as there are any, so that no plan and
no step of a curve takes them twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.options import NO_GROUP, BoolArray, FloatArray, IntArray, Options
from scenarios.where_errors import InvalidOptions

LevelArray = NDArray[np.int8]

MOST_SHARING = 20_000  # combinations of measures that share ground or roofs in one zone
MOST_PER_CLASS = 512  # more are thinned out, within a slack that proven bounds take into account
_FIRST_WIDTH = 1e-6  # of what is left, when combinations are thinned; doubled until few enough are left


@dataclass(frozen=True)
class Combinations:
    """Combinations worth choosing, class after class; the first of each class does nothing unless that is worse.

    Attributes:
        klass: (n,) the class of each, 0 to `classes - 1`, ascending.
        zone: (n,) its zone.
        cost: (n,) in the options' unit.
        reduction_tco2e: (n,) what it saves.
        taken: (n,) how many measures it takes up.
        levels: (n, measures) level of each measure; 0 for those of other classes.
        slack_tco2e: the most that thinning may have cost the best portfolio; 0 where nothing was thinned.
    """

    klass: IntArray
    zone: IntArray
    cost: FloatArray
    reduction_tco2e: FloatArray
    taken: IntArray
    levels: LevelArray
    slack_tco2e: float

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.klass[-1]) + 1

    def choice(self, chosen: IntArray) -> IntArray:
        """(zones, measures) levels of one combination of each class.

        Args:
            chosen: (classes,) positions of the combinations.
        """
        levels = np.zeros((int(self.zone.max()) + 1, self.levels.shape[1]), np.int64)
        np.add.at(levels, self.zone[chosen], self.levels[chosen].astype(np.int64))
        return levels


@dataclass(frozen=True)
class _Partial:
    """Combinations of some measures of one class: cost, fraction of the base that is left, measures taken, levels.

    Of measures that add `left` is what they add to emissions, in tCO2e.
    """

    cost: FloatArray
    left: FloatArray
    taken: IntArray
    levels: LevelArray

    def take(self, rows: IntArray) -> "_Partial":
        return _Partial(self.cost[rows], self.left[rows], self.taken[rows], self.levels[rows])

    def grown(self, measure: int, levels: IntArray, cost: FloatArray, left: FloatArray) -> "_Partial":
        """Each with each level of one more measure; `left` (partials, levels) is what remains then."""
        chosen = np.repeat(self.levels, levels.size, axis=0)
        chosen[:, measure] = np.tile(levels, self.cost.size)
        return _Partial(
            np.add.outer(self.cost, cost).ravel(),
            left.ravel(),
            np.add.outer(self.taken, (levels > 0).astype(np.int64)).ravel(),
            chosen,
        )


def combinations(options: Options, *, count_measures: bool = False, most: int = MOST_PER_CLASS) -> Combinations:
    """All combinations worth choosing.

    Args:
        options: what may be chosen from.
        count_measures: whether taking fewer measures is worth something (there is a limit to them).
        most: keep at most about as many per class.

    Returns:
        Those of zone 0 first, groups in their order, then measures that add. For a class of m measures partial
        combinations are extended measure by measure, and what is dominated is dropped at once, so that their number
        stays that of the efficient ones; this loses nothing, because savings of a group only multiply.
    """
    kept = options.kept_fractions()
    groups = [np.flatnonzero(options.group == group) for group in range(options.base_tco2e.shape[1])]
    shared = options.sharing()
    alone = [[int(m)] for m in np.flatnonzero((options.group == NO_GROUP) & ~_any_of(shared, options.shape[1]))]
    adding = [members.tolist() for members in shared.values()] + alone
    parts: list[_Partial] = []
    zones: list[int] = []
    saved: list[FloatArray] = []
    slack = 0.0
    for zone in range(options.shape[0]):
        for group, members in enumerate(groups):
            if members.size:
                part, looseness = _group_combinations(options, kept, zone, members, count_measures, most)
                base = options.base_tco2e[zone, group]
                parts.append(part)
                saved.append(base * (1 - part.left))
                slack += base * max(1.0, float(part.left.max())) * looseness
                zones.append(zone)
        for together in adding:
            part = _adding_combinations(options, zone, together, count_measures)
            parts.append(part)
            saved.append(-part.left)
            zones.append(zone)
    sizes = [part.cost.size for part in parts]
    return Combinations(
        klass=np.repeat(np.arange(len(parts)), sizes),
        zone=np.repeat(np.array(zones, np.int64), sizes),
        cost=np.concatenate([part.cost for part in parts]),
        reduction_tco2e=np.concatenate(saved),
        taken=np.concatenate([part.taken for part in parts]),
        levels=np.concatenate([part.levels for part in parts]),
        slack_tco2e=slack,
    )


def sampled_reductions(found: Combinations, options: Options, rows: IntArray | None = None) -> FloatArray:
    """What combinations save under other numbers than those they were found with: (n,) tCO2e.

    Args:
        found: combinations.
        options: the same options with other effects and bases.
        rows: positions of the combinations wanted; all if None.
    """
    rows = np.arange(found.zone.size) if rows is None else rows
    zone = found.zone[rows]
    levels = found.levels[rows].astype(np.int64)
    measures = np.arange(levels.shape[1])
    kept = options.kept_fractions()[zone[:, None], measures[None, :], levels]
    alone = options.group == NO_GROUP
    saved: FloatArray = options.effects_tco2e[zone[:, None], measures[None, :], levels][:, alone].sum(axis=1)
    for group in range(options.base_tco2e.shape[1]):
        members = options.group == group
        saved = saved + options.base_tco2e[zone, group] * (1 - kept[:, members].prod(axis=1))
    return saved


def _group_combinations(
    options: Options, kept: FloatArray, zone: int, members: IntArray, count_measures: bool, most: int
) -> tuple[_Partial, float]:
    """Efficient combinations of a zone's group, and by which part of what is left thinning may have raised it."""
    part = _Partial(np.zeros(1), np.ones(1), np.zeros(1, np.int64), np.zeros((1, options.shape[1]), np.int8))
    looseness = 1.0
    for measure in members:
        levels = _allowed_levels(options, zone, int(measure))
        left = np.multiply.outer(part.left, kept[zone, measure, levels])
        part = part.grown(int(measure), levels, options.costs[zone, measure, levels], left)
        part = part.take(_efficient(part, count_measures))
        if part.cost.size > most:
            rows, width = _thinned(part, most)
            part = part.take(rows)
            looseness *= 1 + width
    return part, looseness - 1


def _any_of(shared: dict[str, IntArray], measures: int) -> BoolArray:
    """(measures,) which of them share something."""
    found = np.zeros(measures, bool)
    for members in shared.values():
        found[members] = True
    return found


def _adding_combinations(options: Options, zone: int, members: Sequence[int], count_measures: bool) -> _Partial:
    """Efficient levels of a measure that adds, or combinations of those that share, as far as there is enough.

    Raises:
        InvalidOptions: so many measures and levels share one thing that their combinations are too many.
    """
    part = _Partial(np.zeros(1), np.zeros(1), np.zeros(1, np.int64), np.zeros((1, options.shape[1]), np.int8))
    used = np.zeros(1)
    for measure in members:
        levels = _allowed_levels(options, zone, measure)
        left = np.add.outer(part.left, -options.effects_tco2e[zone, measure, levels])
        part = part.grown(measure, levels, options.costs[zone, measure, levels], left)
        used = np.add.outer(used, options.uses[measure, levels]).ravel()
        enough = np.flatnonzero(used <= 1 + 1e-9)
        part, used = part.take(enough), used[enough]
        if used.size > MOST_SHARING:
            names = ", ".join(options.measures[k] for k in members)
            raise InvalidOptions(
                f"{names} share what {options.zones[zone]} has only once and have more than {MOST_SHARING:,} "
                "combinations of levels; give fewer of them, or fewer levels."
            )
    return part.take(_efficient(part, count_measures))


def _allowed_levels(options: Options, zone: int, measure: int) -> IntArray:
    """Level 0, and those that may be chosen."""
    allowed = options.allowed[zone, measure].copy()
    allowed[0] = True
    return np.flatnonzero(allowed)


def _efficient(part: _Partial, count_measures: bool) -> IntArray:
    """Positions, by cost, of the combinations that no other one dominates; of equal ones the first."""
    order = np.lexsort((part.taken, part.left, part.cost))
    left, taken = part.left[order], part.taken[order]
    keep = np.zeros(order.size, bool)
    for count in np.unique(taken) if count_measures else [taken.max()]:
        # The least that is left of all cheaper ones with no more measures than this count.
        least = np.minimum.accumulate(np.where(taken <= count, left, np.inf))
        before = np.concatenate([[np.inf], least[:-1]])
        here = taken == count if count_measures else np.ones(order.size, bool)
        keep |= here & (left < before)
    return order[keep]


def _thinned(part: _Partial, most: int) -> tuple[IntArray, float]:
    """Of those that leave nearly the same, the cheapest with each number of measures; and how near "nearly" is."""
    width = _FIRST_WIDTH
    floor = part.left[part.left > 0].min(initial=1.0)
    # What leaves nothing has a bin of its own, below all others.
    logs = np.where(part.left > 0, np.log(np.maximum(part.left, floor)), -np.inf)
    while True:
        bins = np.where(np.isfinite(logs), np.floor(logs / np.log1p(width)), -np.inf)
        keys = np.stack([bins, part.taken.astype(float)])
        order = np.lexsort((part.left, part.cost, keys[1], keys[0]))
        first = np.ones(order.size, bool)
        first[1:] = (keys[:, order[1:]] != keys[:, order[:-1]]).any(axis=0)
        rows = np.sort(order[first])
        if rows.size <= most or width > 1:
            return rows, width
        width *= 2
