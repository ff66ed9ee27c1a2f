"""Compiled: whether a text is a table that every reader of CSV understands alike, and plain numbers read from text."""

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

RECORDS, STATE, COLUMN, LENGTH, LONGEST, BREAKS = range(6)
"""What `survey_text` keeps: whole records; where it is, in which column, after how many bytes of a record; bytes of the
longest record; whether any value holds a line break."""
NUMBERS_KEPT = 6
OPEN = 2
"""The state within quotes."""

_BEGIN, _BARE, _CLOSED, _RETURN = 0, 1, 3, 4  # of a value; within it; after its quotes; after a carriage return
_NEWLINE, _CARRIAGE, _QUOTE = 0x0A, 0x0D, 0x22
_ZERO, _NINE, _POINT = 0x30, 0x39, 0x2E
_MOST_DIGITS = 15
"""A number of so many digits, and ten to the power of so many, are float64: their quotient is rounded once."""


@compiled
def survey_text(text: Bytes, delimiter: int, columns: int, kept: Ints) -> bool:
    """Walk through a piece of a text, going on from the piece before it.

    Args:
        text: (n,) UTF-8.
        delimiter: what parts columns.
        columns: how many there are, two at least.
        kept: (NUMBERS_KEPT,) zeros before the first piece.

    Returns:
        False as soon as readers could differ: zero bytes, another number of columns, a quote in a value that does not
        begin with one, anything after the quote that ends a value, a carriage return that ends a line by itself or
        stands within quotes (where a block of Arrow's ends with it, Arrow drops the line feed that follows).
    """
    state, column, length = kept[STATE], kept[COLUMN], kept[LENGTH]
    for byte in text:
        if state == _RETURN:
            if byte != _NEWLINE:
                return False
            state = _BEGIN
            continue
        length += 1
        if state == OPEN:
            if byte == _QUOTE:
                state = _CLOSED
            elif byte == _NEWLINE:
                kept[BREAKS] = 1
            elif byte in (0, _CARRIAGE):
                return False
        elif byte in (_NEWLINE, _CARRIAGE):
            if length > 1:  # empty lines are none
                if column != columns - 1:
                    return False
                kept[RECORDS] += 1
                kept[LONGEST] = max(kept[LONGEST], length)
            state = _RETURN if byte == _CARRIAGE else _BEGIN
            column = length = 0
        elif byte == delimiter:
            column += 1
            state = _BEGIN
        elif byte == _QUOTE and state != _BARE:
            state = OPEN
        elif byte == _QUOTE or byte == 0 or state == _CLOSED:
            return False
        else:
            state = _BARE
    kept[STATE], kept[COLUMN], kept[LENGTH] = state, column, length
    return True


@compiled
def read_plain(text: Bytes, ends: Ints, values: NDArray[np.float64], plain: NDArray[np.bool_]) -> None:
    """Read numbers of up to 15 digits with or without a decimal point; each is the float64 nearest to what is written.

    Args:
        text: bytes of the texts.
        ends: (n + 1,) where each text begins, and where the last one ends.
        values: (n,) receives the numbers.
        plain: (n,) receives whether it is such a number, digits on both sides of a point.
    """
    for row in range(len(ends) - 1):
        at, end = ends[row], ends[row + 1]
        whole, divisor, point = 0, 1, -1
        good = 0 < end - at <= _MOST_DIGITS + 1
        if good:
            for index in range(at, end):
                byte = text[index]
                if _ZERO <= byte <= _NINE:
                    whole = 10 * whole + (byte - _ZERO)
                    divisor *= 10 if point >= 0 else 1
                elif byte == _POINT and point < 0 and at < index < end - 1:
                    point = index
                else:
                    good = False
                    break
            good = good and (point >= 0 or end - at <= _MOST_DIGITS)
        plain[row] = good
        values[row] = np.float64(whole) / np.float64(divisor) if good else np.nan
