"""Columns of Arrow as compiled code reads them: the addresses of their values, chunk by chunk, and nothing copied."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NUMBER, WHOLE, TRUTH, TEXT = 0, 1, 2, 3
"""Kinds of values: doubles, integers of 64 bits, bits, and UTF-8 behind offsets of 32 bits."""

_KINDS = {pa.float64(): NUMBER, pa.int64(): WHOLE, pa.bool_(): TRUTH, pa.string(): TEXT}


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """An Arrow array, and where it lies as values of one of the four kinds; it lives as long as this does.

    One is like itself only: to compare what two of them hold is the business of Arrow.

    Attributes:
        array: the array as it was given.
        values: the same as one of the four kinds: that very array, or a copy.
        kind: NUMBER, WHOLE, TRUTH or TEXT.
        place: addresses of the values (of texts: of their offsets), of the bits that say which are valid (0: all), of
            the bytes of texts, and how many elements of these buffers stand before the first.
        text_bytes: of all its texts.
    """

    array: pa.Array
    values: pa.Array
    kind: int
    place: tuple[int, int, int, int]
    text_bytes: int

    @classmethod
    def of(cls, array: pa.Array) -> "Chunk":
        """Look at an array; narrower numbers become doubles or integers of 64 bits, what is none of this a text."""
        plain = _of_known_kind(array)
        kind = _KINDS[plain.type]
        buffers = plain.buffers()
        valid, values = (0 if buffer is None else buffer.address for buffer in buffers[:2])
        texts, text_bytes = 0, 0
        if kind == TEXT and len(plain) and buffers[2] is not None:
            ends = np.frombuffer(buffers[1], np.int32)[plain.offset :]
            texts, text_bytes = buffers[2].address, int(ends[len(plain)] - ends[0])
        place = (values, valid if plain.null_count else 0, texts, plain.offset)
        return cls(array, plain, kind, place, text_bytes)

    @property
    def nbytes(self) -> int:
        """What it holds in memory."""
        return int(self.array.nbytes) + (0 if self.values is self.array else int(self.values.nbytes))


@dataclass(frozen=True)
class Columns:
    """Columns of the same rows, all cut into chunks at the same of them.

    Attributes:
        chunks: name -> the chunks of a column, at least one.
        starts: (chunks + 1,) row that each chunk begins with, and how many rows there are.
        firsts: (chunks,) where each chunk's first row stands in the table that they were taken from.
    """

    chunks: Mapping[str, Sequence[Chunk]]
    starts: NDArray[np.int64]
    firsts: NDArray[np.int64]

    @classmethod
    def of(cls, arrays: Mapping[str, pa.Array | pa.ChunkedArray], rows: int) -> "Columns":
        """Look at columns of so many rows as one chunk each."""
        whole = {
            name: array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
            for name, array in arrays.items()
        }
        chunks = {name: (Chunk.of(array),) for name, array in whole.items()}
        return cls(chunks, np.array([0, rows], dtype=np.int64), np.zeros(1, dtype=np.int64))

    def only(self, names: Iterable[str]) -> "Columns":
        """Keep some columns, in this order."""
        return Columns({name: self.chunks[name] for name in names}, self.starts, self.firsts)

    def beside(self, numbers: Mapping[str, NDArray[np.float64]]) -> "Columns":
        """Add columns of numbers of the whole table that these rows were taken from; NaN is none."""
        spans = list(zip(self.firsts.tolist(), np.diff(self.starts).tolist(), strict=True))
        if not numbers:
            return self
        added = {
            name: tuple(
                Chunk.of(pa.array(column[at : at + rows], pa.float64(), from_pandas=True)) for at, rows in spans
            )
            for name, column in numbers.items()
        }
        return Columns({**self.chunks, **added}, self.starts, self.firsts)

    def positions(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (n,) where n ascending rows stand in the table that they were taken from."""
        of_chunk = np.diff(np.searchsorted(rows, self.starts))
        return np.asarray(rows + np.repeat(self.firsts - self.starts[:-1], of_chunk))


def places(columns: Sequence[Sequence[Chunk]]) -> NDArray[np.int64]:
    """Return (columns, chunks, 4) places of columns that are cut into chunks at the same rows."""
    if not columns:
        return np.empty((0, 0, 4), dtype=np.int64)
    numbers = [number for column in columns for chunk in column for number in chunk.place]
    return np.array(numbers, dtype=np.int64).reshape(len(columns), -1, 4)


def _of_known_kind(array: pa.Array) -> pa.Array:
    kind = array.type
    if kind in _KINDS:
        return array
    if pa.types.is_dictionary(kind):
        return _of_known_kind(array.dictionary_decode())
    if pa.types.is_floating(kind):
        return array.cast(pa.float64())
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return array.cast(pa.int64())
    return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())


class KeptChunks:
    """Chunks of row groups that were read lately, up to so many bytes; groups not asked for longest go first.

    To decode a row group costs as much as to write a tile of its cells, and each group has cells in several tiles.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._kept: OrderedDict[Hashable, Mapping[str, Chunk]] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, groups: Sequence[Hashable]) -> list[Mapping[str, Chunk]]:
        """Return the columns that are kept of row groups; none of those that are not known."""
        with self._guard:
            found = [self._kept.get(group, _NOTHING) for group in groups]
            for group, columns in zip(groups, found, strict=True):
                if columns:
                    self._kept.move_to_end(group)
            return found

    def keep(self, group: Hashable, columns: Mapping[str, Chunk]) -> None:
        """Keep columns of a row group beside those that are kept of it, and let other groups go."""
        with self._guard:
            known = self._kept.get(group, _NOTHING)
            new = {name: chunk for name, chunk in columns.items() if name not in known}
            self._kept[group] = {**known, **new}  # not changed in place: somebody may read it
            self._kept.move_to_end(group)
            self._held += _nbytes(new)
            while self._held > self._most:
                _, dropped = self._kept.popitem(last=False)
                self._held -= _nbytes(dropped)


_NOTHING: Mapping[str, Chunk] = MappingProxyType({})


def _nbytes(columns: Mapping[str, Chunk]) -> int:
    return sum(chunk.nbytes for chunk in columns.values())
