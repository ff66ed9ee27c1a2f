"""Compiled: values and features of a vector tile, straight from Arrow's buffers to protobuf bytes.

What is done per value and per point gets addresses, not arrays, the holders of which numba would count each time.
"""

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled, inner
from grids.memory_kernels import address_of, byte_at, count_in, int_at, put_byte, put_int, put_short

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

_NUMBER, _WHOLE, _TRUTH, _TEXT = 0, 1, 2, 3  # as `grids.chunks` has them: compiled code takes constants of its own
_POINT, _POLYGON = 1, 3
_TRIED = 256
"""So many values of a column other than 0, none like another, and the rest are taken for distinct too."""

_TRUTH_HEAD = 0x380222
_NUMBER_HEAD = 0x190922  # entry of 9 bytes, of which the first says that a double follows; the next byte is put over it
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: multiplied by it, near keys lie far apart


@inner
def _put_varint(at: int, value: int) -> int:
    """Write a varint at an address; where it ends. Its value is below 2^63: signed numbers stop there."""
    while value > 0x7F:
        put_byte(at, (value & 0x7F) | 0x80)
        value >>= 7
        at += 1
    put_byte(at, value)
    return at + 1


@inner
def _varint_length(value: int) -> int:
    """How many bytes a varint takes."""
    length = 1
    while value > 0x7F:
        value >>= 7
        length += 1
    return length


@inner
def _zigzag(value: int) -> int:
    return (value << 1) ^ (value >> 63)


@inner
def _bit(address: int, place: int) -> int:
    return int((byte_at(address + (place >> 3)) >> (place & 7)) & 1)


@inner
def _text_key(address: int, length: int) -> int:
    """A number that equal texts have alike, and hardly any others."""
    key, at = np.uint64(length), 0
    while at < length:
        if at + 8 <= length:
            word = np.uint64(int_at(address + at))
            at += 8
        else:
            word = np.uint64(byte_at(address + at))
            at += 1
        key = (key ^ word) * _SPREAD
        key ^= key >> np.uint64(29)
    return int(np.int64(key))


@inner
def _same_text(one: int, other: int, length: int) -> bool:
    at = 0
    while at < length and byte_at(one + at) == byte_at(other + at):
        at += 1
    return at == length


@inner
def _put_whole(at: int, value: int) -> int:
    """Write an entry that holds an integer."""
    coded = np.uint64(_zigzag(value))
    end = at + 3
    while coded > np.uint64(0x7F):
        put_byte(end, np.int64((coded & np.uint64(0x7F)) | np.uint64(0x80)))
        coded >>= np.uint64(7)
        end += 1
    put_byte(end, np.int64(coded))
    put_byte(at, 0x22)
    put_byte(at + 1, end - at - 1)
    put_byte(at + 2, 0x30)
    return end + 1


@inner
def _put_text(at: int, text: int, length: int) -> int:
    """Write an entry that holds a text."""
    put_byte(at, 0x22)
    at = _put_varint(at + 1, 1 + _varint_length(length) + length)
    put_byte(at, 0x0A)
    at = _put_varint(at + 1, length)
    if length >= 8:
        for copied in range(0, length - 8, 8):
            put_int(at + copied, int_at(text + copied))
        put_int(at + length - 8, int_at(text + length - 8))  # over some that are copied already
    else:
        for copied in range(length):
            put_byte(at + copied, byte_at(text + copied))
    return at + length


@inner
def _put_value(at: int, kind: int, key: int, text: int, length: int) -> int:
    """Write one entry of the table of values at an address; where it ends."""
    if kind == _NUMBER:
        put_short(at, _NUMBER_HEAD)
        put_int(at + 3, key)
        return at + 11
    if kind == _WHOLE:
        return _put_whole(at, key)
    if kind == _TRUTH:
        put_short(at, _TRUTH_HEAD + (key << 24))
        return at + 4
    return _put_text(at, text, length)


@compiled
def put_values(
    kinds: Integers, places: Integers, starts: Integers, rows: Integers, tags: NDArray[np.int32], out: Bytes
) -> tuple[int, int]:
    """Write every distinct value of each column once, in the order in which features have them.

    A column that does not repeat in its first values is written value by value, but for its zeros: that costs bytes
    where it repeats later, and is right all the same.

    Args:
        kinds: (k,) kind of each column.
        places: (k, chunks, 4) see `grids.chunks.places`.
        starts: (chunks + 1,) row that each chunk begins with, and the end.
        rows: (n,) of features; fastest where they ascend.
        tags: (k or more, n) filled with the number of each value in the table; -1 for nulls.
        out: filled with the table; 13 bytes for each value, and all bytes of texts, must have room in it.

    Returns:
        Bytes written, and values in the table.
    """
    count = rows.size
    slots_count, bits = 16, 4
    while slots_count < 2 * count:
        slots_count, bits = 2 * slots_count, bits + 1
    shift = np.uint64(64 - bits)
    slots = np.full(slots_count, -1, np.int32)
    keys, texts, lengths = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    used = np.empty(count, np.int64)
    start, before, rows_at, tags_at = address_of(out), 0, address_of(rows), address_of(tags)
    end = start
    for c in range(kinds.size):
        kind, distinct, looked, zero = kinds[c], 0, 0, -1
        values, valid, bytes_at, chunk, shifted = 0, 0, 0, 0, 0
        first_row, end_row = 0, 0
        text, length = 0, 0
        repeats, hashed = True, 0
        i = -1
        while i + 1 < count:
            i += 1
            row = rows[i]
            if row >= end_row or row < first_row:
                while row >= starts[chunk + 1]:
                    chunk += 1
                while row < starts[chunk]:
                    chunk -= 1
                first_row, end_row = starts[chunk], starts[chunk + 1]
                values, valid = places[c, chunk, 0], places[c, chunk, 1]
                bytes_at, shifted = places[c, chunk, 2], places[c, chunk, 3] - first_row
            if kind == _NUMBER and valid == 0 and not repeats:
                numbers = values + 8 * shifted
                while first_row <= row < end_row:
                    key = int_at(numbers + 8 * row)
                    if key == 0 and zero < 0:
                        zero = distinct
                        distinct += 1
                        end = _put_value(end, kind, 0, 0, 0)
                    put_short(end, _NUMBER_HEAD)
                    put_int(end + 3, key)
                    other = int(key != 0)  # no branch: zeros stand where they like
                    put_short(tags_at + 4 * (c * count + i), before + (distinct if other else zero))
                    distinct += other
                    end += 11 * other
                    i += 1
                    if i == count:
                        break
                    row = int_at(rows_at + 8 * i)
                i -= 1
                continue
            at = shifted + row
            if valid != 0 and not _bit(valid, at):
                tags[c, i] = -1
                continue
            if kind == _TEXT:
                begin = count_in(values + 4 * at, False)
                text, length = bytes_at + begin, count_in(values + 4 * at + 4, False) - begin
                key = _text_key(text, length) if repeats else 0
            else:
                key = int(_bit(values, at)) if kind == _TRUTH else int_at(values + 8 * at)
                if key == 0:  # the one value that sums of a place share with many others
                    if zero < 0:
                        zero = distinct
                        distinct += 1
                        end = _put_value(end, kind, 0, 0, 0)
                    tags[c, i] = before + zero
                    continue
            if not repeats:
                end = _put_value(end, kind, key, text, length)
                tags[c, i] = before + distinct
                distinct += 1
                continue
            looked += 1
            slot = (np.uint64(key) * _SPREAD) >> shift  # unsigned: numba counts no such place from the end
            while True:
                known = slots[slot]
                if known < 0:
                    slots[slot] = known = distinct
                    used[hashed] = slot
                    hashed += 1
                    keys[distinct] = key
                    if kind == _TEXT:
                        texts[distinct], lengths[distinct] = text, length
                    distinct += 1
                    end = _put_value(end, kind, key, text, length)
                    break
                if keys[np.uint64(known)] == key and (
                    kind != _TEXT or (lengths[known] == length and _same_text(texts[known], text, length))
                ):
                    break
                slot = (slot + np.uint64(1)) & np.uint64(slots_count - 1)
            tags[c, i] = before + known
            # Areas, ids: to look for each value among the others would find nothing.
            repeats = looked != _TRIED or distinct - (zero >= 0) != _TRIED
        before += distinct
        for k in range(hashed):  # most columns use few of them
            slots[used[k]] = -1
    return end - start, before


@inner
def _put_length(at: int, end: int) -> int:
    """Write the length of what lies between the byte kept free for it and an end; where that lies then.

    One byte is enough for most features; what is longer moves on to make room.
    """
    length = end - at - 1
    more = _varint_length(length) - 1
    if more:
        k = end - 1
        while k > at:
            put_byte(k + more, byte_at(k))
            k -= 1
    _put_varint(at, length)
    return end + more


@inner
def _put_shape(at: int, kind: int, points: int, ends: int, first_part: int, last_part: int) -> int:
    """Write a feature's commands; where they end.

    The cursor starts at 0, 0 for every feature and stays where the last point was drawn: ClosePath does not move it.
    """
    x, y = 0, 0
    for part in range(first_part, last_part):
        begin, end = int_at(ends + 8 * part), int_at(ends + 8 * part + 8)
        at = _put_varint(at, ((end - begin if kind == _POINT else 1) << 3) | 1)
        for p in range(begin, end):
            if p == begin + 1 and kind != _POINT:
                at = _put_varint(at, ((end - begin - 1) << 3) | 2)
            east, south = int_at(points + 16 * p), int_at(points + 16 * p + 8)
            at = _put_varint(at, _zigzag(east - x))
            at = _put_varint(at, _zigzag(south - y))
            x, y = east, south
        if kind == _POLYGON:
            put_byte(at, 15)
            at += 1
    return at


@compiled
def bound_features(
    part_feature: Integers, part_sizes: Integers, rows: Integers, parts: Integers, ends: Integers
) -> int:
    """See where features begin and end in a list of parts.

    Args:
        part_feature: (r,) row that each part belongs to, ascending.
        part_sizes: (r,) points of each part.
        rows: (r,) filled with the row of each feature.
        parts: (r + 1,) filled with the first part of each feature, and the end.
        ends: (r + 1,) filled with where each part's points begin, and the end.

    Returns:
        Features found.
    """
    features, end = 0, 0
    for part in range(part_feature.size):
        if part == 0 or part_feature[part] != part_feature[part - 1]:
            rows[features], parts[features] = part_feature[part], part
            features += 1
        ends[part] = end
        end += part_sizes[part]
    parts[features], ends[part_feature.size] = part_feature.size, end
    return features


@compiled
def put_features(
    kind: int, ids: Integers, tags: NDArray[np.int32], parts: Integers, ends: Integers, points: Integers, out: Bytes
) -> int:
    """Write features of one kind of geometry.

    Args:
        kind: 1 points, 2 lines, 3 polygons.
        ids: (n,) not negative.
        tags: (k, n) number of the value that each has of each key; negative where it has none.
        parts: (n + 1,) first part of each feature, and the end.
        ends: (parts + 1,) where each part's points begin, and the end.
        points: (p, 2) tile units.
        out: filled; 40 bytes for each feature, 10 for each tag, 12 for each part and 10 for each point must have room.

    Returns:
        Bytes written.
    """
    start, points_at, ends_at = address_of(out), address_of(points), address_of(ends)
    at = start
    for i in range(ids.size):
        feature = at + 1
        put_byte(at, 0x12)
        put_byte(at + 2, 0x08)
        at = _put_varint(at + 3, ids[i])
        put_byte(at, 0x12)
        listed = at + 1
        at += 2
        for c in range(tags.shape[0]):
            if tags[c, i] >= 0:
                at = _put_varint(at, c)
                at = _put_varint(at, tags[c, i])
        at = _put_length(listed, at)
        put_short(at, 0x220018 | (kind << 8))
        at = _put_length(at + 3, _put_shape(at + 4, kind, points_at, ends_at, parts[i], parts[i + 1]))
        at = _put_length(feature, at)
    return at - start
