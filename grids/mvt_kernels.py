"""Compiled: values and features of a vector tile, straight from Arrow's buffers to protobuf bytes."""

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled, inner
from grids.memory_kernels import byte_at, count_in, int_at, put_int, put_short

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

_NUMBER, _WHOLE, _TRUTH, _TEXT = 0, 1, 2, 3  # as `grids.chunks` has them: compiled code takes constants of its own
_POINT, _POLYGON = 1, 3
_NUMBER_HEAD = 0x190922  # entry of 9 bytes, of which the first says that a double follows; the next byte is put over it
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: multiplied by it, near keys lie far apart


@inner
def put_varint(out: Bytes, at: int, value: int) -> int:
    """Write a varint; where it ends. Its value is below 2^63: signed numbers stop there."""
    while value > 0x7F:
        out[at] = (value & 0x7F) | 0x80
        value >>= 7
        at += 1
    out[at] = value
    return at + 1


@inner
def varint_length(value: int) -> int:
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
def _bit(address: int, place: int) -> bool:
    return bool((byte_at(address + (place >> 3)) >> (place & 7)) & 1)


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
def _put_whole(out: Bytes, at: int, value: int) -> int:
    """Write an entry that holds an integer."""
    coded = np.uint64(_zigzag(value))
    end = at + 3
    while coded > np.uint64(0x7F):
        out[end] = np.uint8(coded & np.uint64(0x7F)) | np.uint8(0x80)
        coded >>= np.uint64(7)
        end += 1
    out[end] = np.uint8(coded)
    out[at], out[at + 1], out[at + 2] = 0x22, end - at - 1, 0x30
    return end + 1


@inner
def _put_text(out: Bytes, at: int, text: int, length: int) -> int:
    """Write an entry that holds a text."""
    out[at] = 0x22
    at = put_varint(out, at + 1, 1 + varint_length(length) + length)
    out[at] = 0x0A
    at = put_varint(out, at + 1, length)
    for k in range(length):
        out[at + k] = byte_at(text + k)
    return at + length


@inner
def _put_value(out: Bytes, start: int, at: int, kind: int, key: int, text: int, length: int) -> int:
    """Write one entry of the table of values, which starts at an address; where it ends."""
    if kind == _NUMBER:
        put_short(start + at, _NUMBER_HEAD)
        put_int(start + at + 3, key)
        return at + 11
    if kind == _WHOLE:
        return _put_whole(out, at, key)
    if kind == _TRUTH:
        out[at], out[at + 1], out[at + 2], out[at + 3] = 0x22, 2, 0x38, key
        return at + 4
    return _put_text(out, at, text, length)


@compiled
def put_values(
    kinds: Integers, places: Integers, chunks: Integers, rows: Integers, tags: NDArray[np.int32], out: Bytes
) -> tuple[int, int]:
    """Write every distinct value of each column once, in the order in which features have them.

    Args:
        kinds: (k,) kind of each column.
        places: (k, chunks, 4) see `grids.chunks.places`.
        chunks: (n,) chunk that each feature's row is in.
        rows: (n,) its place there.
        tags: (k or more, n) filled with the number of each value in the table; -1 for nulls.
        out: filled with the table; 13 bytes for each value, and all bytes of texts, must have room in it.

    Returns:
        Bytes written, and values in the table.
    """
    count = chunks.size
    slots_count, bits = 16, 4
    while slots_count < 2 * count:
        slots_count, bits = 2 * slots_count, bits + 1
    shift = np.uint64(64 - bits)
    slots = np.empty(slots_count, np.int32)
    keys, texts, lengths = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    written, before, start = 0, 0, out.ctypes.data
    for c in range(kinds.size):
        kind, distinct, chunk = kinds[c], 0, -1
        values, valid, bytes_at, first = 0, 0, 0, 0
        text, length = 0, 0
        slots[:] = -1
        for i in range(count):
            if chunks[i] != chunk:
                chunk = chunks[i]
                values, valid = places[c, chunk, 0], places[c, chunk, 1]
                bytes_at, first = places[c, chunk, 2], places[c, chunk, 3]
            at = first + rows[i]
            if valid != 0 and not _bit(valid, at):
                tags[c, i] = -1
                continue
            if kind == _TEXT:
                begin = count_in(values + 4 * at, False)
                text, length = bytes_at + begin, count_in(values + 4 * at + 4, False) - begin
                key = _text_key(text, length)
            elif kind == _TRUTH:
                key = int(_bit(values, at))
            else:
                key = int_at(values + 8 * at)
            slot = (np.uint64(key) * _SPREAD) >> shift  # unsigned: numba counts no such place from the end
            while True:
                known = slots[slot]
                if known < 0:
                    slots[slot] = known = distinct
                    keys[distinct] = key
                    if kind == _TEXT:
                        texts[distinct], lengths[distinct] = text, length
                    distinct += 1
                    written = _put_value(out, start, written, kind, key, text, length)
                    break
                if keys[np.uint64(known)] == key and (
                    kind != _TEXT or (lengths[known] == length and _same_text(texts[known], text, length))
                ):
                    break
                slot = (slot + np.uint64(1)) & np.uint64(slots_count - 1)
            tags[c, i] = before + known
        before += distinct
    return written, before


@inner
def _shape_bytes(kind: int, points: Integers, ends: Integers, first_part: int, last_part: int) -> int:
    """Bytes of a feature's commands."""
    total, x, y = 0, 0, 0
    for part in range(first_part, last_part):
        begin = ends[part - 1] if part else 0
        size = ends[part] - begin
        total += varint_length((size if kind == _POINT else 1) << 3)
        if kind != _POINT:
            total += varint_length((size - 1) << 3)
        total += kind == _POLYGON
        for p in range(begin, ends[part]):
            total += varint_length(_zigzag(points[p, 0] - x)) + varint_length(_zigzag(points[p, 1] - y))
            x, y = points[p, 0], points[p, 1]
    return total


@inner
def _put_shape(
    out: Bytes, at: int, kind: int, points: Integers, ends: Integers, first_part: int, last_part: int
) -> int:
    """Write a feature's commands; where they end.

    The cursor starts at 0, 0 for every feature and stays where the last point was drawn: ClosePath does not move it.
    """
    x, y = 0, 0
    for part in range(first_part, last_part):
        begin = ends[part - 1] if part else 0
        size = ends[part] - begin
        at = put_varint(out, at, ((size if kind == _POINT else 1) << 3) | 1)
        for p in range(begin, ends[part]):
            if p == begin + 1 and kind != _POINT:
                at = put_varint(out, at, ((size - 1) << 3) | 2)
            at = put_varint(out, at, _zigzag(points[p, 0] - x))
            at = put_varint(out, at, _zigzag(points[p, 1] - y))
            x, y = points[p, 0], points[p, 1]
        if kind == _POLYGON:
            out[at] = 15
            at += 1
    return at


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
        ends: (parts,) where each part's points end.
        points: (p, 2) tile units.
        out: filled; 40 bytes for each feature, 10 for each tag, 12 for each part and 10 for each point must have room.

    Returns:
        Bytes written.
    """
    at = 0
    for i in range(ids.size):
        tag_bytes = 0
        for c in range(tags.shape[0]):
            if tags[c, i] >= 0:
                tag_bytes += varint_length(c) + varint_length(tags[c, i])
        shape_bytes = _shape_bytes(kind, points, ends, parts[i], parts[i + 1])
        length = 5 + varint_length(ids[i]) + varint_length(tag_bytes) + tag_bytes
        length += varint_length(shape_bytes) + shape_bytes
        out[at] = 0x12
        at = put_varint(out, at + 1, length)
        out[at] = 0x08
        at = put_varint(out, at + 1, ids[i])
        out[at] = 0x12
        at = put_varint(out, at + 1, tag_bytes)
        for c in range(tags.shape[0]):
            if tags[c, i] >= 0:
                at = put_varint(out, at, c)
                at = put_varint(out, at, tags[c, i])
        out[at], out[at + 1], out[at + 2] = 0x18, kind, 0x22
        at = put_varint(out, at + 3, shape_bytes)
        at = _put_shape(out, at, kind, points, ends, parts[i], parts[i + 1])
    return at
