"""Compiled: keys of a table found among the keys known so far.

What is done for each row gets addresses: numba counts who holds an array wherever one is passed, which takes longer
than comparing two keys (`grids.memory_kernels`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled, inner
from grids.memory_kernels import int_at

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Numbers = NDArray[np.int32]

_ZERO, _NINE, _POINT, _MINUS = 0x30, 0x39, 0x2E, 0x2D
_LOWER = np.uint64(0xFFFFFFFF)
_UPPER = np.uint64(0xFFFFFFFF00000000)


@compiled
def find_keys(
    data: Bytes,
    ends: Ints,
    valid: NDArray[np.bool_],
    written: bool,
    grow: bool,
    begin: int,
    slots: Ints,
    known: Bytes,
    known_ends: Ints,
    used: Ints,
    numbers: Numbers,
) -> int:
    """Number the keys of some rows: those known already by their number, others by the next one, or not at all.

    Args:
        data: the keys' bytes, 8 at least.
        ends: (n + 1,) where each key begins, and where the last one ends.
        valid: (n,) whether a row has a key; empty: all have.
        written: whether keys are text: white space around it does not belong to a key, nothing but white space is
            none, and 7.0 is 7.
        grow: whether keys that are not known get a number.
        begin: first row to do.
        slots: power of two of slots, by hash: its upper half and key number + 1, or 0.
        known: bytes of the keys known, with room for 8 more.
        known_ends: as `ends`, of the keys known.
        used: keys known, bytes of them.
        numbers: (n,) receives the number of each row's key, -1 without.

    Returns:
        The first row not done: all rows, unless keys need more room (a third of the slots is always kept free).
    """
    first, last = data.ctypes.data, data.ctypes.data + len(data)
    others, other_ends = known.ctypes.data, known_ends.ctypes.data
    mask = np.uint64(len(slots) - 1)
    before = -1
    for row in range(begin, len(ends) - 1):
        numbers[row] = -1
        if len(valid) and not valid[row]:
            continue
        at, end = ends[row], ends[row + 1]
        if written:
            if at < end and (_may_be_space(data[at]) or _may_be_space(data[end - 1])):
                at, end = _trimmed(data, at, end)
            if at == end:
                continue
            if end - at > 2 and data[end - 1] == _ZERO and data[end - 2] == _POINT and _is_whole(data, at, end - 2):
                end -= 2
        # Rows of one key stand together, or keys follow each other as they did before: two looks are mostly enough.
        if before >= 0:
            if _same(first + at, end - at, last, others, other_ends, before):
                numbers[row] = before
                continue
            if before + 1 < used[0] and _same(first + at, end - at, last, others, other_ends, before + 1):
                before += 1
                numbers[row] = before
                continue
        hashed = _hash(first + at, end - at, last)
        slot = hashed & mask
        short = hashed & _UPPER
        while True:
            held = np.uint64(slots[slot])
            number = int(held & _LOWER) - 1
            if number < 0 or (held & _UPPER == short and _same(first + at, end - at, last, others, other_ends, number)):
                break
            slot = (slot + np.uint64(1)) & mask
        if number < 0 and not grow:
            continue
        if number < 0:
            if (
                3 * (used[0] + 1) > 2 * len(slots)
                or used[0] == len(known_ends) - 1
                or used[1] + end - at + 8 > len(known)
            ):
                return row
            number = int(used[0])
            slots[slot] = np.int64(short | np.uint64(number + 1))
            for k in range(end - at):
                known[used[1] + k] = data[at + k]
            used[0] += 1
            used[1] += end - at
            known_ends[number + 1] = used[1]
        before = number
        numbers[row] = number
    return len(ends) - 1


@compiled
def fill_slots(slots: Ints, known: Bytes, known_ends: Ints, count: int) -> None:
    """Put the keys known into empty slots."""
    mask = np.uint64(len(slots) - 1)
    first, last = known.ctypes.data, known.ctypes.data + len(known)
    for number in range(count):
        hashed = _hash(first + known_ends[number], known_ends[number + 1] - known_ends[number], last)
        slot = hashed & mask
        while slots[slot]:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = np.int64(hashed & _UPPER | np.uint64(number + 1))


@inner
def _hash(at: int, length: int, last: int) -> Any:
    """Of the bytes at an address, eight at a time; bits are mixed, or keys that differ in a digit lie side by side."""
    value = np.uint64(length)
    for place in range(at, at + length, 8):
        value = (value ^ np.uint64(_word(place, at + length - place, last))) * np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(32)
    value *= np.uint64(0xD6E8FEB86659FD93)
    return value ^ (value >> np.uint64(32))


@inner
def _same(at: int, length: int, last: int, known: int, known_ends: int, number: int) -> bool:
    """Whether the bytes at an address are those of a key known."""
    other = int_at(known_ends + 8 * number)
    if int_at(known_ends + 8 * number + 8) - other != length:
        return False
    other += known
    for place in range(at, at + length - 7, 8):
        if int_at(place) != int_at(other):
            return False
        other += 8
    left = length & 7
    if not left:
        return True
    return bool(_word(at + length - left, left, last) == _word(other, left, other + 8))


@inner
def _word(at: int, length: int, last: int) -> Any:
    """Up to eight bytes at an address, zeros after them; nothing is read from `last` on, where the memory may end."""
    if length >= 8:
        return int_at(at)
    if at + 8 <= last:
        return int_at(at) & ((1 << 8 * length) - 1)
    return (int_at(last - 8) >> 8 * (8 - (last - at))) & ((1 << 8 * length) - 1)


@inner
def _may_be_space(byte: int) -> bool:
    """Whether white space may begin or end with a byte: an ASCII one, or part of a longer sign."""
    return byte <= 0x20 or byte >= 0x80


@inner
def _is_whole(data: Bytes, at: int, end: int) -> bool:
    """Whether a text is a whole number as computers write it: 0, or digits that do not begin with one, and a minus."""
    first = at + (data[at] == _MINUS)
    if first == end or (data[first] == _ZERO and end - at > 1):
        return False
    for index in range(first, end):  # noqa: SIM110 - compiled
        if not _ZERO <= data[index] <= _NINE:
            return False
    return True


@inner
def _trimmed(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Without the white space around it, as `str.strip` knows it."""
    while at < end:
        width = _space(data, at, end)
        if not width:
            break
        at += width
    while at < end:
        if _space(data, end - 1, end) == 1:
            end -= 1
        elif end - at >= 2 and _space(data, end - 2, end) == 2:
            end -= 2
        elif end - at >= 3 and _space(data, end - 3, end) == 3:
            end -= 3
        else:
            break
    return at, end


@inner
def _space(data: Bytes, at: int, end: int) -> int:
    """Bytes of the white space that stands here in UTF-8; 0: none does."""
    one = data[at]
    if one == 0x20 or 0x09 <= one <= 0x0D or 0x1C <= one <= 0x1F:
        return 1
    if one < 0xC2 or one > 0xE3 or at + 1 >= end:
        return 0
    two = data[at + 1]
    if one == 0xC2:
        return 2 if two in (0x85, 0xA0) else 0
    if one < 0xE1 or at + 2 >= end:
        return 0
    three = data[at + 2]
    if one == 0xE1:
        found = two == 0x9A and three == 0x80
    elif one == 0xE2:
        found = (two == 0x80 and (three <= 0x8A or three in (0xA8, 0xA9, 0xAF))) or (two == 0x81 and three == 0x9F)
    else:
        found = two == 0x80 and three == 0x80
    return 3 if found else 0
