"""The encoder of vector tiles that came before the compiled one, in numpy alone: what that must agree with."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from grids.mvt import EXTENT, LINE, POINT, POLYGON, TileGeometry

_MOVE_TO, _LINE_TO, _CLOSE = 1, 2, 15

Integers = NDArray[np.int64]
Bytes = NDArray[np.uint8]


def varints(values: NDArray[Any]) -> tuple[Bytes, Integers]:
    """Return the protobuf varints of (n,) unsigned integers one after the other, and the length of each."""
    rest = values.astype(np.uint64)
    lengths = np.ones(len(rest), dtype=np.int64)
    shifted = rest >> np.uint64(7)
    while shifted.any():
        lengths += shifted > 0
        shifted >>= np.uint64(7)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    out = np.empty(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
    for place in range(int(lengths.max()) if len(lengths) else 0):
        has = lengths > place
        low = ((rest[has] >> np.uint64(7 * place)) & np.uint64(0x7F)).astype(np.uint8)
        more = (lengths[has] > place + 1).astype(np.uint8) << np.uint8(7)
        out[starts[has] + place] = low | more
    return out, lengths


def varint(value: int) -> bytes:
    """Return one varint."""
    return _SMALL[value] if value < len(_SMALL) else _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_SMALL = [_varint(value) for value in range(1 << 14)]  # all of one or two bytes: nearly every length and tag


def commands(geometry: TileGeometry) -> tuple[Integers, Integers]:
    """Return the command integers of all parts one after the other, and how many each part takes.

    The cursor starts at 0, 0 for every feature and stays where the last point was drawn: ClosePath does not move it.
    """
    sizes = geometry.part_sizes
    first = np.cumsum(sizes) - sizes
    new_feature = np.r_[True, geometry.part_feature[1:] != geometry.part_feature[:-1]]
    before = np.vstack([np.zeros((1, 2), dtype=np.int64), geometry.points[:-1]])
    before[first[new_feature]] = 0
    steps = geometry.points - before
    zigzag = (steps << 1) ^ (steps >> 63)
    counts = 2 * sizes + {POINT: 1, LINE: 2, POLYGON: 3}[geometry.kind]
    starts = np.cumsum(counts) - counts
    out = np.empty(int(counts.sum()), dtype=np.int64)
    # Place of every point within its part, then of its x in the output: one command before the first point, two later.
    place = np.arange(len(geometry.points)) - np.repeat(first, sizes)
    x_at = np.repeat(starts, sizes) + 1 + 2 * place
    if geometry.kind == POINT:
        out[starts] = (sizes << 3) | _MOVE_TO
    else:
        x_at += place > 0
        out[starts] = (1 << 3) | _MOVE_TO
        out[starts + 3] = ((sizes - 1) << 3) | _LINE_TO
        if geometry.kind == POLYGON:
            out[starts + counts - 1] = _CLOSE
    out[x_at], out[x_at + 1] = zigzag[:, 0], zigzag[:, 1]
    return out, counts


class _Values:
    """The layer's value table: equal values are written once."""

    def __init__(self) -> None:
        self.encoded: list[bytes] = []
        self.count = 0

    def add(self, array: pa.Array) -> tuple[Integers, NDArray[np.bool_]]:
        """Return the index of every element in the value table and which elements are there at all."""
        there = array.is_valid().to_numpy(zero_copy_only=False)
        present = array.drop_null()
        index = np.zeros(len(array), dtype=np.int64)
        if not len(present):
            return index, there
        coded = present.dictionary_encode()
        index[there] = coded.indices.to_numpy() + self.count
        kind, distinct = present.type, coded.dictionary
        self.count += len(distinct)
        if pa.types.is_floating(kind):
            numbers = distinct.to_numpy(zero_copy_only=False).astype("<f8")
            block = np.empty((len(numbers), 11), dtype=np.uint8)
            block[:, :3] = (0x22, 9, 0x19)
            block[:, 3:] = numbers.view(np.uint8).reshape(-1, 8)
            self.encoded.append(block.tobytes())
        else:
            for value in distinct.to_pylist():
                body = _value(value)
                self.encoded.append(b"\x22" + varint(len(body)) + body)
        return index, there


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"\x38\x01" if value else b"\x38\x00"
    if isinstance(value, int):
        return b"\x30" + varint((value << 1) ^ (value >> 63))
    text = str(value).encode()
    return b"\x0a" + varint(len(text)) + text


def encode_layer(
    name: str,
    geometries: Sequence[TileGeometry],
    properties: Mapping[str, pa.Array],
    ids: Integers,
) -> bytes:
    """Return one layer, with its field tag, ready to be joined with others into a tile; nothing if it has no feature.

    Args:
        name: the layer's name.
        geometries: parts of n rows, all of one kind in each; rows without a part are left out.
        properties: name -> (n,) values: texts, truth values, whole numbers (sint64) or numbers (double, all digits
            kept); nulls are left out, since the format has none.
        ids: (n,) feature ids, not negative.
    """
    if not any(len(geometry.part_sizes) for geometry in geometries):
        return b""
    values = _Values()
    rows = len(ids)
    tags = np.zeros((rows, len(properties), 2), dtype=np.int64)
    there = np.zeros((rows, len(properties)), dtype=np.bool_)
    for key, array in enumerate(properties.values()):
        tags[:, key, 0] = key
        tags[:, key, 1], there[:, key] = values.add(_plain(array))
    tag_bytes, tag_lengths = varints(tags[there].ravel())
    row_tags = np.r_[0, np.cumsum(2 * there.sum(axis=1))]
    tag_ends = np.r_[0, np.cumsum(tag_lengths)][row_tags]
    tag_view = tag_bytes.tobytes()
    tagged = [tag_view[start:end] for start, end in zip(tag_ends[:-1].tolist(), tag_ends[1:].tolist(), strict=True)]

    out = [b"\x78\x02\x0a", varint(len(name.encode())), name.encode()]
    for geometry in geometries:
        kind = bytes((0x18, geometry.kind, 0x22))
        for row, shape in _shapes(geometry):
            tags_of = tagged[row]
            feature = b"".join(
                (
                    b"\x08",
                    varint(int(ids[row])),
                    b"\x12",
                    varint(len(tags_of)),
                    tags_of,
                    kind,
                    varint(len(shape)),
                    shape,
                )
            )
            out += (b"\x12", varint(len(feature)), feature)
    for key_name in properties:
        text = key_name.encode()
        out += (b"\x1a", varint(len(text)), text)
    out += values.encoded
    out += (b"\x28", varint(EXTENT))
    body = b"".join(out)
    return b"\x1a" + varint(len(body)) + body


def _shapes(geometry: TileGeometry) -> Iterator[tuple[int, bytes]]:
    """Yield the rows that are drawn and their packed commands."""
    if not len(geometry.part_sizes):
        return
    drawn, first_part = np.unique(geometry.part_feature, return_index=True)
    integers, part_counts = commands(geometry)
    packed, lengths = varints(integers)
    begins = np.r_[np.r_[0, np.cumsum(part_counts)][first_part], len(integers)]
    ends = np.r_[0, np.cumsum(lengths)][begins].tolist()
    view = packed.tobytes()
    for k, row in enumerate(drawn.tolist()):
        yield row, view[ends[k] : ends[k + 1]]


def _plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
