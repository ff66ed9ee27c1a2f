"""Compiled: which targets tell of a feature, by themselves or less another one, and which are held together."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled, inner

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
PlaceArray = NDArray[np.int32]


@inner
def judge_row(
    places: Any, parts: FloatArray, tested: FloatArray, column: int, dominance: float, negligible: float
) -> tuple[int, int, float, float, float, float]:
    """One sum over features: how many contribute, and how much.

    Args:
        places: (n,) features.
        parts: (n,) share of each.
        tested: (features, sums) values.
        column: which sum.
        dominance: the p of the p % rule, as a fraction.
        negligible: shares up to this may be rounding.

    Returns:
        How many contribute; how many with more than a negligible share; the absolute total; the largest; the sum of all
        but the largest two; and what negligible shares could add up to.
    """
    count, lasting, first, second = 0, 0, -1, -1
    largest, next_largest, total, slack = 0.0, 0.0, 0.0, 0.0
    for entry in range(places.size):
        amount = abs(parts[entry] * tested[places[entry], column])
        if amount == 0.0:
            continue
        count += 1
        total += amount
        slack += negligible * abs(tested[places[entry], column])
        if parts[entry] > negligible or parts[entry] < -negligible:
            lasting += 1
        if amount > largest:
            largest, next_largest, first, second = amount, largest, entry, first
        elif amount > next_largest or second < 0:
            next_largest, second = amount, entry
    rest = 0.0
    if count > 2:
        for entry in range(places.size):
            if entry != first and entry != second:
                rest += abs(parts[entry] * tested[places[entry], column])
    return count, lasting, total, largest, rest, slack


@compiled
def judge_targets(
    first: int,
    last: int,
    shares: Any,
    tested: FloatArray,
    rule: Any,
    too_few: BoolArray,
    dominated: BoolArray,
    place_of: PlaceArray,
    bounds: Any,
) -> None:
    """Judge targets first..last by every sum.

    Args:
        first: of the targets.
        last: the target to stop before.
        shares: (indptr, indices, data).
        tested: (features, sums) values.
        rule: least count, dominance as a fraction, negligible share.
        too_few: (targets,) set where some sum rests on too few features.
        dominated: (targets,) set where some sum of enough features is dominated by one.
        place_of: (targets,) row of each target in `bounds`; negative: not wanted.
        bounds: (rows, sums) count, lasting, total, room to be filled, see `doubtful_pairs`.
    """
    indptr, indices, data = shares
    min_count, dominance, negligible = rule
    counts, lastings, totals, rooms = bounds
    for target in range(first, last):
        start, stop = indptr[target], indptr[target + 1]
        for column in range(tested.shape[1]):
            count, lasting, total, largest, rest, slack = judge_row(
                indices[start:stop], data[start:stop], tested, column, dominance, negligible
            )
            if 0 < count < min_count:
                too_few[target] = True
            elif count > 0 and rest < dominance * largest:
                dominated[target] = True
            place = place_of[target]
            if place >= 0:
                counts[place, column], lastings[place, column] = count, lasting
                totals[place, column], rooms[place, column] = total, rest - dominance * largest - slack


@compiled
def doubtful_pairs(
    first: int, last: int, shown: Any, is_left_out: BoolArray, targets: Any, by_feature: Any, tested: FloatArray,
    rule: Any, place_of: PlaceArray, bounds: Any,
) -> Any:  # fmt: skip
    """Pairs of a shown target and one of ours, one of which has all features of the other, that have to be subtracted.

    A district less one of its thousands of cells leaves far more than enough. A sum is settled without the difference
    where the inner target has nothing of it, or where what is left protects whatever is the largest: taking the inner
    target away takes at most its total from the rest of the outer one, whose largest values can only become smaller,

        rest(outer) - total(inner) >= dominance x largest(outer),  with what negligible shares could add to spare.

    Args:
        first: of the shown targets.
        last: the one to stop before.
        shown: (indptr, indices, data) shown elsewhere.
        is_left_out: (shown,) targets that are not shown true.
        targets: (indptr, indices, data) to be judged.
        by_feature: (indptr, indices) the targets that each feature lies in.
        tested: (features, sums) values.
        rule: least count, dominance as a fraction, negligible share.
        place_of: (targets,) row of each target in `bounds`; negative: judged here, each time it is met.
        bounds: (rows, sums) of targets: count, lasting, total, room (rest - dominance x largest - slack).

    Returns:
        Positions of both, equally long.
    """
    shown_ptr, shown_of, shown_share = shown
    targets_ptr, targets_of, targets_share = targets
    feature_ptr, target_of = by_feature
    min_count, dominance, negligible = rule
    counts, lastings, totals, rooms = bounds
    n_sums = tested.shape[1]
    seen = np.zeros(targets_ptr.size - 1, np.int32)
    touched = np.empty(targets_ptr.size - 1, np.int32)
    mine = np.empty((n_sums, 2), np.int64)
    size, others, ours = 0, np.empty(64, np.int32), np.empty(64, np.int32)
    amounts = np.empty((n_sums, 2))
    for other in range(first, last):
        start, stop = shown_ptr[other], shown_ptr[other + 1]
        if is_left_out[other] or start == stop:
            continue
        n_touched = 0
        for entry in range(start, stop):
            feature = shown_of[entry]
            for place in range(feature_ptr[feature], feature_ptr[feature + 1]):
                target = target_of[place]
                if seen[target] == 0:
                    touched[n_touched] = target
                    n_touched += 1
                seen[target] += 1
        is_judged = False
        for k in range(n_touched):
            target = touched[k]
            common, width = seen[target], targets_ptr[target + 1] - targets_ptr[target]
            seen[target] = 0
            if common != stop - start and common != width:
                continue
            if not is_judged:
                is_judged = True
                for column in range(n_sums):
                    count, lasting, total, largest, rest, slack = judge_row(
                        shown_of[start:stop], shown_share[start:stop], tested, column, dominance, negligible
                    )
                    mine[column, 0], mine[column, 1] = count, lasting
                    amounts[column, 0], amounts[column, 1] = total, rest - dominance * largest - slack
            is_doubtful, place = False, place_of[target]
            for column in range(n_sums):
                if place >= 0:
                    its_count, its_lasting = int(counts[place, column]), int(lastings[place, column])
                    its_total, its_room = totals[place, column], rooms[place, column]
                else:
                    row = slice(targets_ptr[target], targets_ptr[target + 1])
                    its_count, its_lasting, its_total, largest, rest, slack = judge_row(
                        targets_of[row], targets_share[row], tested, column, dominance, negligible
                    )
                    its_room = rest - dominance * largest - slack
                if stop - start >= width:
                    count, total = its_count, its_total
                    lasting, room = mine[column, 1], amounts[column, 1]
                else:
                    count, total = mine[column, 0], amounts[column, 0]
                    lasting, room = its_lasting, its_room
                if count > 0 and not (lasting - count >= min_count and room - total >= 1e-9 * total):
                    is_doubtful = True
                    break
            if is_doubtful:
                if size == others.size:
                    others, ours = np.concatenate((others, others)), np.concatenate((ours, ours))
                others[size], ours[size] = other, target
                size += 1
    return others[:size].copy(), ours[:size].copy()


@compiled
def tell_differences(
    others: Any, ours: Any, shown: Any, targets: Any, tested: FloatArray, rule: Any, told: BoolArray
) -> None:
    """Mark targets whose difference to a shown one lies on one side and is sensitive.

    Args:
        others: (pairs,) positions in `shown`.
        ours: (pairs,) positions in `targets`.
        shown: (indptr, indices, data), indices ascending in each row.
        targets: (indptr, indices, data), likewise.
        tested: (features, sums) values.
        rule: least count, dominance as a fraction, negligible share.
        told: (targets,) marks.
    """
    shown_ptr, shown_of, shown_share = shown
    targets_ptr, targets_of, targets_share = targets
    min_count, dominance, negligible = rule
    places, left = np.empty(64, np.int64), np.empty(64, np.float64)
    for pair in range(others.size):
        target = ours[pair]
        if told[target]:
            continue
        a, a_stop = shown_ptr[others[pair]], shown_ptr[others[pair] + 1]
        b, b_stop = targets_ptr[target], targets_ptr[target + 1]
        if left.size < a_stop - a + b_stop - b:
            places = np.empty(2 * (a_stop - a + b_stop - b), np.int64)
            left = np.empty(places.size, np.float64)
        size, above, below = 0, False, False
        while a < a_stop or b < b_stop:
            if b >= b_stop or (a < a_stop and shown_of[a] < targets_of[b]):
                feature, difference = shown_of[a], shown_share[a]
                a += 1
            elif a >= a_stop or targets_of[b] < shown_of[a]:
                feature, difference = targets_of[b], -targets_share[b]
                b += 1
            else:
                feature, difference = shown_of[a], shown_share[a] - targets_share[b]
                a += 1
                b += 1
            if abs(difference) > negligible:
                places[size], left[size] = feature, difference
                above, below = above or difference > 0, below or difference < 0
                size += 1
        if above and below:
            continue
        for column in range(tested.shape[1]):
            count, _, _, largest, rest, _ = judge_row(places[:size], left[:size], tested, column, dominance, negligible)
            if count > 0 and (count < min_count or rest < dominance * largest):
                told[target] = True
                break


@inner
def _passes(n_targets: int, features: Any, whole: FloatArray, tested: FloatArray, rule: Any) -> bool:
    """At least two targets that pass the rule together; a feature cut by their border counts once."""
    if n_targets < 2:
        return False
    min_count, dominance = rule
    for column in range(tested.shape[1]):
        count, _, _, largest, rest, _ = judge_row(features, whole[features], tested, column, dominance, 0.0)
        if count > 0 and (count < min_count or rest < dominance * largest):
            return False
    return True


@compiled
def group_families(families: Any, shares: Any, tested: FloatArray, rule: Any) -> Any:
    """Groups of targets to be held together, family by family; see `grids.grouping.held_groups`.

    Args:
        families: (must, must_starts, spare, spare_starts): by family the targets that must be held, in order, and the
            others, lightest first.
        shares: (indptr, indices, data).
        tested: (features, sums) values.
        rule: least count and dominance as a fraction.

    Returns:
        Members of all groups one after the other, and where groups begin and end.
    """
    must, must_starts, spare, spare_starts = families
    indptr, indices, data = shares
    members = np.empty(must.size + spare.size, np.int64)
    starts = np.empty(must.size + 2, np.int64)
    whole, is_in = np.zeros(tested.shape[0]), np.zeros(tested.shape[0], np.bool_)
    features = np.empty(64, np.int64)
    size, n_groups, current = 0, 0, 0
    for family in range(must_starts.size - 1):
        first_group, n_features, next_spare = n_groups, 0, spare_starts[family]
        asked, last_asked = must_starts[family], must_starts[family + 1]
        current = size
        while True:
            is_passed = _passes(size - current, features[:n_features], whole, tested, rule)
            added, added_stop = size, size
            if is_passed or size == current:
                if is_passed:
                    starts[n_groups] = current
                    n_groups, current = n_groups + 1, size
                    for k in range(n_features):
                        whole[features[k]], is_in[features[k]] = 0.0, False
                    n_features = 0
                if asked == last_asked:
                    break
            if asked < last_asked:
                members[size] = must[asked]
                asked, size = asked + 1, size + 1
                added_stop = size
            elif n_groups > first_group:
                # What remains joins the group before it, which lies before it in `members`.
                n_groups -= 1
                added, added_stop, current = starts[n_groups], current, starts[n_groups]
            elif next_spare < spare_starts[family + 1]:
                members[size] = spare[next_spare]
                next_spare, size = next_spare + 1, size + 1
                added_stop = size
            else:
                break
            for member in range(added, added_stop):
                for entry in range(indptr[members[member]], indptr[members[member] + 1]):
                    feature = indices[entry]
                    if not is_in[feature]:
                        if n_features == features.size:
                            features = np.concatenate((features, features))
                        is_in[feature], features[n_features] = True, feature
                        n_features += 1
                    whole[feature] += data[entry]
        if size - current > 1:
            starts[n_groups] = current
            n_groups, current = n_groups + 1, size
        size = current
        for k in range(n_features):
            whole[features[k]], is_in[features[k]] = 0.0, False
    starts[n_groups] = size
    return members[:size].copy(), starts[: n_groups + 1].copy()
