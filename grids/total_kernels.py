"""Compiled: shares by target, times emission lines, and sums over features for the check of conservation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
TargetArray = NDArray[np.int32]

_METERED = 0  # position in grids.columns.METHODS


@compiled
def add_targets(
    first: int,
    last: int,
    shares: Any,
    lines: Any,
    columns: Any,
    near: Any,
    n_groups: int,
    values: FloatArray,
    absolute: FloatArray,
    own: FloatArray,
    is_assumed: NDArray[np.bool_],
) -> Any:
    """Add the lines of all features to targets first..last, by shares.

    Args:
        first: of the rows of `shares`.
        last: the row to stop before.
        shares: (indptr, indices, data) of a canonical csr.
        lines: (starts, kind, emissions), see `grids.features.YearLines`.
        columns: see `grids.features.KindColumns`.
        near: (square, above, part, alone) of `grids.neighbourhoods.Neighbourhoods`; no squares: features err alone.
        n_groups: of shared errors.
        values: (targets, pairs) added to.
        absolute: (targets, methods) added to.
        own: (targets,) variances, added to.
        is_assumed: (targets,) set where a line rests on an assumption.

    Returns:
        The loadings of these targets: entries per row, columns ascending within each row, values.
    """
    indptr, indices, data = shares
    starts, kind_of, emissions = lines
    pair_of, method_of, u_own, shared_from, group_of, u_shared, assumed = columns
    square_of, above, part_in, alone = near
    in_square, is_met = np.zeros(part_in.size), np.zeros(part_in.size, np.bool_)
    met = np.empty(part_in.size, np.int64)
    loading, is_touched = np.zeros(n_groups), np.zeros(n_groups, np.bool_)
    touched = np.empty(n_groups, np.int64)
    counts = np.zeros(last - first, np.int64)
    found, place = np.empty(4 * (last - first) + 16, np.float64), np.empty(4 * (last - first) + 16, np.int32)
    size = 0
    for target in range(first, last):
        n_touched, n_met = 0, 0
        for entry in range(indptr[target], indptr[target + 1]):
            share, feature = data[entry], indices[entry]
            linear, squares = 0.0, 0.0
            for line in range(starts[feature], starts[feature + 1]):
                kind = kind_of[line]
                pair, method = pair_of[kind], method_of[kind]
                if pair < 0:
                    continue
                part = share * emissions[line]
                values[target, pair] += part
                absolute[target, method] += abs(part)
                if assumed[kind]:
                    is_assumed[target] = True
                error = emissions[line] * u_own[kind]
                if method == _METERED:
                    squares += error * error
                else:
                    linear += error
                for shared in range(shared_from[kind], shared_from[kind + 1]):
                    group = group_of[shared]
                    if not is_touched[group]:
                        is_touched[group] = True
                        touched[n_touched] = group
                        n_touched += 1
                    loading[group] += part * u_shared[shared]
            square = square_of[feature] if square_of.size else -1
            if square < 0:
                own[target] += share * share * (linear * linear + squares)
            else:
                own[target] += share * share * (alone * linear * linear + squares)
                if not is_met[square]:
                    is_met[square] = True
                    met[n_met] = square
                    n_met += 1
                in_square[square] += share * linear
        done = 0
        while done < n_met:  # smallest squares first, so that the sum of a larger one is whole when its turn comes
            square = met[done]
            amount = in_square[square]
            own[target] += part_in[square] * amount * amount
            larger = above[square]
            if larger >= 0:
                if not is_met[larger]:
                    is_met[larger] = True
                    met[n_met] = larger
                    n_met += 1
                in_square[larger] += amount
            in_square[square], is_met[square] = 0.0, False
            done += 1
        groups = touched[:n_touched]
        groups.sort()
        if size + n_touched > found.size:
            found = np.concatenate((found, np.empty(found.size + n_touched, np.float64)))
            place = np.concatenate((place, np.empty(place.size + n_touched, np.int32)))
        for group in groups:
            if loading[group] != 0.0:
                found[size], place[size] = loading[group], group
                size += 1
                counts[target - first] += 1
            loading[group], is_touched[group] = 0.0, False
    return counts, place[:size].copy(), found[:size].copy()


@compiled
def add_features(first: int, last: int, lines: Any, pair_of: IntArray, fractions: Any, n_pairs: int) -> FloatArray:
    """Sums over features first..last.

    Args:
        first: of the features.
        last: the feature to stop before.
        lines: (starts, kind, emissions); kinds of one pair are neighbours.
        pair_of: (kinds,) pair of each kind.
        fractions: for each of three parts, (features,) how much of each feature lies there.
        n_pairs: columns.

    Returns:
        (5, pairs): emissions, absolute emissions by feature, and emissions in each part.
    """
    starts, kind_of, emissions = lines
    inside, outside_domain, outside_collection = fractions
    sums = np.zeros((5, n_pairs))
    for feature in range(first, last):
        line, stop = starts[feature], starts[feature + 1]
        while line < stop:
            pair = pair_of[kind_of[line]]
            amount = 0.0
            while line < stop and pair_of[kind_of[line]] == pair:
                amount += emissions[line]
                line += 1
            sums[0, pair] += amount
            sums[1, pair] += abs(amount)
            sums[2, pair] += amount * inside[feature]
            sums[3, pair] += amount * outside_domain[feature]
            sums[4, pair] += amount * outside_collection[feature]
    return sums


@compiled
def metered_features(
    lines: Any, is_metered: NDArray[np.bool_], pair_of: IntArray, u_own: FloatArray, n_pairs: int
) -> Any:
    """Features whose metered lines do not all come to 0.

    Args:
        lines: (starts, kind, emissions).
        is_metered: (kinds,) lines that count.
        pair_of: (kinds,) pair of each kind.
        u_own: (kinds,) relative deviation of each kind.
        n_pairs: columns.

    Returns:
        Positions (some,), sums (some, pairs), and sums of absolute emissions times deviation (some, pairs).
    """
    starts, kind_of, emissions = lines
    n_features, n_some = starts.size - 1, 0
    for feature in range(n_features):
        for line in range(starts[feature], starts[feature + 1]):
            if is_metered[kind_of[line]] and emissions[line] != 0.0:
                n_some += 1
                break
    chosen = np.empty(n_some, np.int64)
    sums, own = np.zeros((n_some, n_pairs)), np.zeros((n_some, n_pairs))
    place = 0
    for feature in range(n_features):
        has_any, has_sum = False, False
        for line in range(starts[feature], starts[feature + 1]):
            kind = kind_of[line]
            if is_metered[kind] and emissions[line] != 0.0:
                has_any = True
                sums[place, pair_of[kind]] += emissions[line]
                own[place, pair_of[kind]] += abs(emissions[line]) * u_own[kind]
        if has_any:
            for pair in range(n_pairs):
                has_sum = has_sum or sums[place, pair] != 0.0
            if has_sum:
                chosen[place] = feature
                place += 1
            else:
                sums[place], own[place] = 0.0, 0.0
    return chosen[:place], sums[:place], own[:place]


@compiled
def count_entries(target: TargetArray, counts: TargetArray) -> None:
    """Count the entries (n,) of each target; those of negative targets count nowhere."""
    for entry in range(target.size):
        if target[entry] >= 0:
            counts[target[entry]] += 1


@compiled
def put_entries(
    target: TargetArray, feature: TargetArray, share: FloatArray, ends: TargetArray, into: Any, is_ordered: bool
) -> bool:
    """Put entries behind those of their targets that are there already: a counting sort, which keeps their order.

    Args:
        target: (n,) row of each; negative: nowhere.
        feature: (n,) column of each.
        share: (n,) value of each.
        ends: (targets,) where the next entry of each target goes; moved on.
        into: (indptr, indices, data) of a csr.
        is_ordered: whether features have ascended within every target so far.

    Returns:
        Whether they still do.
    """
    indptr, indices, data = into
    for entry in range(target.size):
        row = target[entry]
        if row >= 0:
            place = ends[row]
            indices[place], data[place] = feature[entry], share[entry]
            if place > indptr[row] and indices[place - 1] >= feature[entry]:
                is_ordered = False
            ends[row] = place + 1
    return is_ordered


@compiled
def add_squares(indptr: IntArray, data: FloatArray, sums: FloatArray) -> None:
    """Add the squared values of each row of a csr to (rows,) sums."""
    for row in range(sums.size):
        for entry in range(indptr[row], indptr[row + 1]):
            sums[row] += data[entry] * data[entry]
