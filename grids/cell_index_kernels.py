"""Compiled: keys of cells along the Z-order curve, and cells found by their places in squares of 8 x 8.

Rows and columns are 64-bit integers between -2^31 and 2^31 - 1; 2^31 is added, so that negative ones keep the order and
the nesting of the curve. The cells of a square of 8 x 8 whose corner is a multiple of 8 follow each other on the curve.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled, inner

IntArray = NDArray[np.int64]
Words = NDArray[np.uint64]

_BIAS = 1 << 31
_SIDE_BITS = 3
_CELLS_BITS = 6
_HASH = np.uint64(0x9E3779B97F4A7C15)


@inner
def _spread(value: int) -> int:
    """Put the 32 low bits of a number on the even places of 64 (the usual Morton masks)."""
    spread = value
    spread = (spread | (spread << 16)) & 0x0000FFFF0000FFFF
    spread = (spread | (spread << 8)) & 0x00FF00FF00FF00FF
    spread = (spread | (spread << 4)) & 0x0F0F0F0F0F0F0F0F
    spread = (spread | (spread << 2)) & 0x3333333333333333
    return (spread | (spread << 1)) & 0x5555555555555555


@inner
def _gather(key: int) -> int:
    """Take the even places of 64 bits together again."""
    gathered = key & 0x5555555555555555
    gathered = (gathered | (gathered >> 1)) & 0x3333333333333333
    gathered = (gathered | (gathered >> 2)) & 0x0F0F0F0F0F0F0F0F
    gathered = (gathered | (gathered >> 4)) & 0x00FF00FF00FF00FF
    gathered = (gathered | (gathered >> 8)) & 0x0000FFFF0000FFFF
    return (gathered | (gathered >> 16)) & 0x00000000FFFFFFFF


@inner
def _key(row: int, col: int) -> int:
    return _spread(col + _BIAS) | (_spread(row + _BIAS) << 1)


@inner
def _square(row: int, col: int) -> int:
    """Key of the square of 8 x 8 that holds a cell; 0 or more."""
    return _spread((col + _BIAS) >> _SIDE_BITS) | (_spread((row + _BIAS) >> _SIDE_BITS) << 1)


@inner
def _within(row: int, col: int) -> np.uint64:
    """Place of a cell on the curve within its square, 0 to 63."""
    side = (1 << _SIDE_BITS) - 1
    return np.uint64(_spread(col & side) | (_spread(row & side) << 1))


@inner
def _slot(keys: IntArray, square: int) -> Any:
    """Where a square stands in a table of a power of two of squares, or would stand; -1 is an empty place."""
    mask = keys.size - 1
    slot = np.int64((np.uint64(square) * _HASH) >> np.uint64(32)) & mask
    while keys[slot] != square and keys[slot] != -1:
        slot = (slot + 1) & mask
    return slot


@inner
def _ones(word: np.uint64) -> Any:
    """How many bits of a word are set."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def zorder_keys(rows: IntArray, cols: IntArray, keys: Words) -> None:
    """Fill in the Z-order keys (n,) of cells."""
    for cell in range(keys.size):
        keys[cell] = np.uint64(_key(rows[cell], cols[cell]))


@compiled
def mark_cells(rows: IntArray, cols: IntArray, keys: IntArray, words: Words, size: int) -> Any:
    """Mark cells in a table of squares.

    Args:
        rows: (n,) of the cells, in any order, any of them more than once.
        cols: (n,) of the cells.
        keys: (a power of two,) squares, -1 where there is none.
        words: a bit for each cell of the squares.
        size: squares in the table.

    Returns:
        keys, words, size: the same, or larger ones.
    """
    last, slot = -1, 0
    for cell in range(rows.size):
        square = _square(rows[cell], cols[cell])
        if square != last:
            if 2 * size >= keys.size:
                old_keys, old_words = keys, words
                keys, words = np.full(4 * old_keys.size, -1, np.int64), np.zeros(4 * old_keys.size, np.uint64)
                for known in range(old_keys.size):
                    if old_keys[known] != -1:
                        slot = _slot(keys, old_keys[known])
                        keys[slot], words[slot] = old_keys[known], old_words[known]
            slot = _slot(keys, square)
            if keys[slot] == -1:
                keys[slot] = square
                size += 1
            last = square
        words[slot] |= np.uint64(1) << _within(rows[cell], cols[cell])
    return keys, words, size


@compiled
def count_cells(words: Words, order: IntArray, starts: IntArray) -> int:
    """Number the cells along the curve.

    Args:
        words: a bit for each cell of the squares.
        order: places of the squares in the table, along the curve.
        starts: (table,) filled with the number of the first cell of each square.

    Returns:
        How many cells there are.
    """
    size = 0
    for place in range(order.size):
        starts[order[place]] = size
        size += _ones(words[order[place]])
    return size


@compiled
def list_cells(keys: IntArray, words: Words, order: IntArray, rows: Any, cols: Any) -> None:
    """Fill in rows and columns of all cells, along the curve; see `count_cells`."""
    cell = 0
    for place in range(order.size):
        key, word = keys[order[place]] << _CELLS_BITS, words[order[place]]
        for within in range(1 << _CELLS_BITS):
            if (word >> np.uint64(within)) & np.uint64(1):
                rows[cell] = _gather(((key | within) >> 1) & 0x7FFFFFFFFFFFFFFF) - _BIAS
                cols[cell] = _gather(key | within) - _BIAS
                cell += 1


@compiled
def find_cells(rows: Any, cols: Any, keys: IntArray, words: Words, starts: IntArray, found: IntArray) -> None:
    """Fill in the number of each cell along the curve; -1 where it is not in the table."""
    last, slot = -1, 0
    for cell in range(found.size):
        square = _square(rows[cell], cols[cell])
        if square != last:
            slot, last = _slot(keys, square), square
        bit = np.uint64(1) << _within(rows[cell], cols[cell])
        if keys[slot] == -1 or not words[slot] & bit:
            found[cell] = -1
        else:
            found[cell] = starts[slot] + _ones(words[slot] & (bit - np.uint64(1)))
