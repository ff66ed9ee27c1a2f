"""Keys of features and of tables, numbered: millions of them in little memory."""

from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.key_kernels import fill_slots, find_keys
from gis.values import texts

Numbers = NDArray[np.int32]
Scalar = TypeVar("Scalar", bound=np.generic)

_LARGEST = "9223372036854775807"
_ALL = np.zeros(0, dtype=np.bool_)


class KeyIndex:
    """Numbers keys in order of their first appearance.

    Keys agree as `gis.values.texts` writes them, and the text 7.0 is 7, which spreadsheets write for it: the numbers 7
    and 7.0 and the texts ` 7 ` and `7.0` are one key; the texts 007, 7.00 and 07.0 are others.

    Attributes:
        whole: keys are held as 64 bit numbers, since the table holds them so; else as text.
    """

    def __init__(self, whole: bool) -> None:
        self.whole = whole
        self._slots = np.zeros(1 << 10, dtype=np.int64)
        self._bytes = np.zeros(1 << 13, dtype=np.uint8)
        self._ends = np.zeros(1 << 9, dtype=np.int64)
        self._used = np.zeros(2, dtype=np.int64)

    def __len__(self) -> int:
        return int(self._used[0])

    def find(self, keys: Any, *, grow: bool = False) -> Numbers:
        """(n,) the number of each key, -1 where there is none.

        Args:
            keys: (n,) an Arrow array, or anything `texts` takes.
            grow: whether keys that are not known get a new number.
        """
        if isinstance(keys, pa.ChunkedArray):
            found = [self.find(chunk, grow=grow) for chunk in keys.chunks]
            return np.concatenate(found) if found else np.zeros(0, dtype=np.int32)
        if isinstance(keys, pa.Array) and pa.types.is_dictionary(keys.type):
            distinct = np.append(self.find(keys.dictionary, grow=grow), np.int32(-1))
            indices = keys.indices.cast(pa.int64())  # as many words as int8 holds, and one more for none
            codes: NDArray[np.int64] = indices.fill_null(len(distinct) - 1).to_numpy(zero_copy_only=False)
            return distinct[codes]
        keys = _as_arrow(keys)
        if self.whole:
            held = _as_whole(keys)
            data = held.fill_null(0).to_numpy(zero_copy_only=False).view(np.uint8)
            ends = np.arange(0, 8 * len(held) + 1, 8, dtype=np.int64)
        else:
            held = keys.cast(pa.large_string())
            data, ends = bytes_of(held)
        if len(data) < 8:
            data = np.append(data, np.zeros(8, dtype=np.uint8))
        valid = held.is_valid().to_numpy(zero_copy_only=False) if held.null_count else _ALL
        return self._numbered(read_only(data), read_only(ends), read_only(valid), grow)

    def _numbered(
        self, data: NDArray[np.uint8], ends: NDArray[np.int64], valid: NDArray[np.bool_], grow: bool
    ) -> Numbers:
        numbers = np.empty(len(ends) - 1, dtype=np.int32)
        row = 0
        while True:
            row = find_keys(
                data, ends, valid, not self.whole, grow, row, self._slots, self._bytes, self._ends,
                self._used, numbers,
            )  # fmt: skip
            if row == len(numbers):
                return numbers
            self._grow(int(ends[row + 1] - ends[row]))

    def _grow(self, width: int) -> None:
        """Make room for at least one more key of so many bytes; arrays grow in place where the system can."""
        count, size = int(self._used[0]), int(self._used[1])
        if count == len(self._ends) - 1:
            self._ends.resize(count + count // 2 + 1, refcheck=False)
        if size + width + 8 > len(self._bytes):
            self._bytes.resize(size + size // 2 + width + 8, refcheck=False)
        if 3 * (count + 1) > 2 * len(self._slots):
            self._slots = np.zeros(2 * len(self._slots), dtype=np.int64)
            fill_slots(self._slots, self._bytes, self._ends, count)

    def smallest(self, chosen: NDArray[np.bool_], most: int) -> list[str]:
        """The first of the chosen keys, sorted as text.

        Args:
            chosen: (number of keys,) mask.
            most: how many.
        """
        count, size = len(self), int(self._used[1])
        if self.whole:
            held = pa.array(self._bytes[:size].view(np.int64)[chosen]).cast(pa.string())
        else:
            buffers = [None, pa.py_buffer(self._ends[: count + 1]), pa.py_buffer(self._bytes[:size])]
            held = pa.Array.from_buffers(pa.large_string(), count, buffers).filter(pa.array(chosen))
        return sorted(held.take(pc.bottom_k_unstable(held, most)).to_pylist())


def bytes_of(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of texts, and (n + 1,) where each of them begins and the last one ends; as Arrow holds them."""
    held = texts.cast(pa.large_string())
    _, offsets, raw = held.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[held.offset : held.offset + len(held) + 1]
    return read_only(np.frombuffer(raw or b"", dtype=np.uint8)), read_only(ends)


def read_only(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """The array as Arrow mostly gives its own: a function compiled for both kinds would be compiled twice."""
    seen = array.view()
    seen.flags.writeable = False
    return seen


def _as_arrow(keys: Any) -> pa.Array:
    """Keys as whole numbers or as text; white space around Arrow's texts is left to the compiled code."""
    if not isinstance(keys, pa.Array):
        array = keys if isinstance(keys, np.ndarray | pd.Series) else np.array(list(keys), dtype=object)
        if isinstance(array, np.ndarray) and array.dtype.kind == "i":
            return pa.array(array)
        return pa.array(texts(array), type=pa.large_string())
    kind = keys.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
        return keys
    return pa.array(texts(keys.to_pylist()), type=pa.large_string())


def _as_whole(keys: pa.Array) -> pa.Array:
    """Keys as int64; null for all that a whole number, written plainly, can not be."""
    if pa.types.is_integer(keys.type) and keys.type != pa.uint64():
        return keys.cast(pa.int64())
    written = pc.utf8_trim_whitespace(keys.cast(pa.large_string()))
    written = pc.replace_substring_regex(written, "^(0|-?[1-9][0-9]*)[.]0$", r"\1")
    digits = pc.utf8_ltrim(written, characters="-")
    length = pc.utf8_length(digits)
    fits = pc.or_(pc.less(length, 19), pc.and_(pc.equal(length, 19), pc.less_equal(digits, _LARGEST)))
    plain = pc.and_(fits, pc.match_substring_regex(written, "^(0|-?[1-9][0-9]*)$"))
    return pc.if_else(plain, written, pa.scalar(None, pa.large_string())).cast(pa.int64())
