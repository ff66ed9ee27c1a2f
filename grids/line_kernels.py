"""Compiled: emission lines by kind, and in one order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled

IntArray = NDArray[np.int64]
KindArray = NDArray[np.int32]
FloatArray = NDArray[np.float64]


@compiled
def number_lines(columns: Any, kind: KindArray) -> IntArray:
    """Number the distinct combinations of values of lines, in order of appearance.

    Args:
        columns: (year, words, u_own, u_group, u_factor): (lines,) integers, (columns, lines) codes of texts, and three
            (lines,) of float64, of which nulls are alike.
        kind: (lines,) filled with numbers from 0.

    Returns:
        One line of each combination.
    """
    year, words, u_own, u_group, u_factor = columns
    places = np.full(1024, -1, np.int32)
    found, codes = np.empty(512, np.int64), np.empty(512, np.int64)
    size = 0
    for line in range(kind.size):
        code = np.int64(year[line])
        for column in range(words.shape[0]):
            code = code * 1_000_003 + words[column, line]
        for value in (u_own[line], u_group[line], u_factor[line]):
            if abs(value) < 1e6:
                code = code * 1_000_003 + np.int64(value * 1e9)
        slot = (code ^ (code >> 17) ^ (code >> 37)) & (places.size - 1)
        number = places[slot]
        while number >= 0:
            at = found[number]
            is_same = codes[number] == code and year[at] == year[line]
            for column in range(words.shape[0]):
                is_same = is_same and words[column, at] == words[column, line]
            for one, other in ((u_own[at], u_own[line]), (u_group[at], u_group[line]), (u_factor[at], u_factor[line])):
                is_same = is_same and (one == other or (one != one and other != other))
            if is_same:
                break
            slot = (slot + 1) & (places.size - 1)
            number = places[slot]
        if number < 0:
            if size == found.size:
                found, codes = np.concatenate((found, found)), np.concatenate((codes, codes))
                places = np.full(4 * found.size, -1, np.int32)
                for known in range(size):
                    slot = (codes[known] ^ (codes[known] >> 17) ^ (codes[known] >> 37)) & (places.size - 1)
                    while places[slot] >= 0:
                        slot = (slot + 1) & (places.size - 1)
                    places[slot] = known
                slot = (code ^ (code >> 17) ^ (code >> 37)) & (places.size - 1)
                while places[slot] >= 0:
                    slot = (slot + 1) & (places.size - 1)
            places[slot], found[size], codes[size], number = size, line, code, size
            size += 1
        kind[line] = number
    return found[:size].copy()


@compiled
def renumber(kind: KindArray, numbers: KindArray) -> None:
    """Put `numbers[kind]` in place of each kind."""
    for line in range(kind.size):
        kind[line] = numbers[kind[line]]


@compiled
def by_feature(feature: KindArray, kind: KindArray, emissions: FloatArray, n_features: int) -> tuple[IntArray, bool]:
    """Where each feature's lines would begin (features + 1,), and whether they stand by feature, kind, emissions."""
    starts = np.zeros(n_features + 1, np.int64)
    is_ordered = True
    for line in range(feature.size):
        starts[feature[line] + 1] += 1
        if line > 0 and is_ordered:
            if feature[line] == feature[line - 1]:
                is_ordered = kind[line] > kind[line - 1] or (
                    kind[line] == kind[line - 1] and emissions[line] >= emissions[line - 1]
                )
            else:
                is_ordered = feature[line] > feature[line - 1]
    for place in range(n_features):
        starts[place + 1] += starts[place]
    return starts, is_ordered
