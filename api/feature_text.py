"""GeoJSON features as text, written column by column: no number of a page ever becomes an object of Python."""

from collections.abc import Sequence

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_COMMA, _CLOSING = b","[0], b"]"[0]


def features_text(rows: pa.Table, names: Sequence[str], shapes: pa.BinaryArray | None) -> bytes:
    """Return a JSON array of n features, with every digit that tells a number from its neighbours.

    Args:
        rows: n rows with `id` and what is named; null, NaN and infinity become null.
        names: of the properties, in the order wanted.
        shapes: (n,) geometries as GeoJSON; none: all null.
    """
    if not rows.num_rows:
        return b"[]"
    own = list(dict.fromkeys(names))
    texts = _texts(rows.select(list(dict.fromkeys(["id", *own]))))
    pieces = [b'{"type":"Feature","id":', texts["id"], b'"geometry":', b"null" if shapes is None else shapes]
    before = b',"properties":{'
    for name in own:
        pieces += [before + orjson.dumps(name) + b":", _bare(texts[name]) if name == own[-1] else texts[name]]
        before = b""
    joined = _joined([*pieces, before + b"}},"])
    _, ends, data = joined.buffers()
    stop = int(np.frombuffer(ends, dtype=np.int32)[rows.num_rows]) - 1  # without the last comma
    return b"".join((b"[", memoryview(data)[:stop], b"]"))


def cell_texts(corners: NDArray[np.float64], where: NDArray[np.int64]) -> pa.BinaryArray:
    """Return n cells as GeoJSON polygons; each corner is written once, although neighbours share it.

    Args:
        corners: (m, 2) in the order of the CRS's axes.
        where: (n, 4) which of them each cell has, counter-clockwise.
    """
    text = _dumped(corners)
    points = _cut(text, np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _CLOSING) + 2)
    ring = [points.take(pa.array(where[:, k])) for k in range(4)]
    return _joined([b'{"type":"Polygon","coordinates":[[', *ring, _bare(ring[0]), b"]]}"])


def _texts(rows: pa.Table) -> dict[str, pa.BinaryArray]:
    """JSON of values, column by column, each with a comma after it."""
    texts: dict[str, pa.BinaryArray] = {}
    numbers: dict[str, list[str]] = {}
    for name in rows.column_names:
        column, kind = rows[name], rows[name].type
        if pa.types.is_floating(kind) or (pa.types.is_integer(kind) and not column.null_count):
            numbers.setdefault(str(kind), []).append(name)
        elif pa.types.is_boolean(kind):
            yes, no, unknown = (pa.scalar(word, pa.binary()) for word in (b"true,", b"false,", b"null,"))
            texts[name] = pc.if_else(column, yes, no).fill_null(unknown).combine_chunks()
        else:
            texts[name] = pa.array([orjson.dumps(value) + b"," for value in column.to_pylist()], type=pa.binary())
    for names in numbers.values():  # of one type: written at once
        text = _dumped(np.concatenate([rows[name].to_numpy() for name in names]))
        written = _cut(text, np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _COMMA) + 1)
        texts |= {name: written.slice(k * rows.num_rows, rows.num_rows) for k, name in enumerate(names)}
    return texts


def _dumped(values: NDArray[np.generic]) -> bytes:
    """JSON of an array, with a comma instead of its last bracket."""
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[:-1] + b","


def _cut(text: bytes, ends: NDArray[np.int64]) -> pa.BinaryArray:
    """What stands between the ends, from the second byte on, without a copy."""
    places = np.concatenate([[1], ends]).astype(np.int32)
    return pa.Array.from_buffers(pa.binary(), len(ends), [None, pa.py_buffer(places), pa.py_buffer(text)])


def _bare(texts: pa.BinaryArray) -> pa.BinaryArray:
    """Texts without the comma after each."""
    return pc.binary_slice(texts, 0, -1)


def _joined(pieces: Sequence[bytes | pa.BinaryArray]) -> pa.BinaryArray:
    """Pieces row by row, one behind the other; bytes are the same in each row."""
    given = [pa.scalar(piece, pa.binary()) if isinstance(piece, bytes) else piece for piece in pieces]
    return pc.binary_join_element_wise(*given, pa.scalar(b"", pa.binary()))
