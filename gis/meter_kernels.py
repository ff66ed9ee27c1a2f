"""Compiled: readings added up exactly, in any order.

A reading is added as a whole number of 2**-80 in 128 bits, so that a sum does not depend on the order of its readings,
and is rounded once, at the end. What does not fit (above 2**46, or with digits below 2**-80) is marked, never rounded.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.compiled import compiled, inner

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Numbers = NDArray[np.int32]
Floats = NDArray[np.float64]

PAGE_BITS = 12
PAGE = 1 << PAGE_BITS
"""Keys of one page: sums of a column have room only for pages of keys that have readings of it."""

MISSING = 13
"""Flags 0 to 12: months (0: a whole year) with a reading; 13 to 25: months of which a reading is missing."""
SEVERAL = 1 << 26
"""Some month has several rows."""
INEXACT = 1 << 27
"""Some reading does not fit 128 bits: the sum is not to be used."""
SETTLED = 1 << 28
"""The sum is written elsewhere; the lower half says where."""
MONTHS = (1 << MISSING) - 1

HAS_ROWS, HAS_SEVERAL, HAS_NEGATIVE = 1, 2, 4
"""Marks of a key: some row of the table names it; it has several rows in some month; some reading is negative."""

_FRACTION_BITS = 80
_UNIT = 2.0**_FRACTION_BITS
_LARGEST = 2.0**46
_HALF = 2.0**63
_WORD = 2.0**64


@compiled
def mark_codes(codes: Numbers, occurring: NDArray[np.bool_]) -> None:
    """Set the flag of every code that occurs."""
    for code in codes:
        occurring[code] = True


@compiled
def add_readings(
    begin: int,
    numbers: Numbers,
    kinds: Numbers,
    periods: Numbers,
    columns: NDArray[np.int32],
    months: NDArray[np.int32],
    values: Floats,
    pages: NDArray[np.int32],
    low: NDArray[np.uint64],
    high: Ints,
    flags: NDArray[np.uint32],
    marks: Bytes,
    used: Ints,
    missing: Ints,
) -> int:
    """Add readings to the sums of their keys.

    Args:
        begin: first row to do.
        numbers: (n,) number of each row's key.
        kinds: (n,) code of its carrier and unit.
        periods: (n,) code of its year and month.
        columns: (kinds, periods) column that a reading belongs to.
        months: (periods,) 1 to 12; 0: the whole year.
        values: (n,) its reading; NaN: missing.
        pages: (columns, pages of keys) the page in low, high and flags that holds them; -1: none yet.
        low: lower halves of the sums; PAGE times as many as there is room for pages.
        high: upper halves.
        flags: what is known of them.
        marks: per key.
        used: (1,) pages in use.
        missing: (1,) missing readings are added to it.

    Returns:
        The first row not done: all rows, unless pages need more room.
    """
    room = len(flags) >> PAGE_BITS
    for row in range(begin, len(numbers)):
        number = numbers[row]
        column = columns[kinds[row], periods[row]]
        page = pages[column, number >> PAGE_BITS]
        if page < 0:
            if used[0] == room:
                return row
            page = used[0]
            pages[column, number >> PAGE_BITS] = page
            used[0] += 1
        at = (np.int64(page) << PAGE_BITS) + (number & (PAGE - 1))
        flag = np.int64(flags[at])
        bit = 1 << months[periods[row]]
        marks[number] |= HAS_ROWS
        if flag & (bit | bit << MISSING):
            flag |= SEVERAL
            marks[number] |= HAS_SEVERAL
        value = values[row]
        if value != value:
            flag |= bit << MISSING
            missing[0] += 1
        else:
            flag |= bit
            if not _add(low, high, at, value):
                flag |= INEXACT
        flags[at] = np.uint32(flag)
    return len(numbers)


@compiled
def _add(low: NDArray[np.uint64], high: Ints, at: int, value: float) -> bool:
    """Add to one sum; False where it cannot be done exactly."""
    size = abs(value)
    if not size < _LARGEST:
        return False
    size *= _UNIT
    if size < _HALF:
        upper, lower = np.int64(0), np.uint64(size)
        if np.float64(lower) != size:
            return False
    else:  # 53 bits, all of them above 2**10
        upper = np.int64(size / _WORD)
        lower = np.uint64(size - np.float64(upper) * _WORD)
    if value < 0:
        lower = ~lower + np.uint64(1)
        upper = ~upper + np.int64(lower == np.uint64(0))
    total = low[at] + lower
    carried = upper + np.int64(total < lower)
    above = high[at] + carried
    if (high[at] ^ above) & (carried ^ above) < 0:
        return False
    low[at], high[at] = total, above
    return True


@compiled
def rounded(low: Any, high: Any) -> float:
    """The float64 nearest to a sum, ties to even."""
    negative = high < 0
    lower, upper = np.uint64(low), np.uint64(high)
    if negative:
        lower = ~lower + np.uint64(1)
        upper = ~upper + np.uint64(lower == np.uint64(0))
    power = -_FRACTION_BITS
    if upper:
        # The 64 highest bits, and in the last of them whether anything is below: they round as all 128 would.
        free = 0
        for step in (32, 16, 8, 4, 2, 1):
            if upper >> np.uint64(64 - step) == np.uint64(0):
                upper <<= np.uint64(step)
                free += step
        power += 64 - free
        if free:
            upper |= lower >> np.uint64(64 - free)
        if lower << np.uint64(free):
            upper |= np.uint64(1)
        lower = upper
    size = math.ldexp(np.float64(lower), power)
    return -size if negative else size


@compiled
def count_columns(pages: NDArray[np.int32], flags: NDArray[np.uint32], counts: Ints) -> None:
    """Count per column the keys with 1 to 11 months known, with any period known, and those that need a second look.

    A second look need sums that are not exact, months with a reading and a missing one, and months with several rows.
    """
    for column in range(len(pages)):
        for page in pages[column]:
            if page < 0:
                continue
            for at in range(page << PAGE_BITS, (page + 1) << PAGE_BITS):
                flag = np.int64(flags[at])
                months = _bits(flag & ~(flag >> MISSING) & MONTHS)
                counts[column, 0] += 0 < months < 12
                counts[column, 1] += months > 0
                counts[column, 2] += flag & SEVERAL != 0 or unsettled(flag)


@inner
def unsettled(flag: Any) -> bool:
    """Whether the sum is not what its known months add up to."""
    return bool(flag & INEXACT != 0 or flag & (flag >> MISSING) & MONTHS != 0)


@inner
def _bits(value: Any) -> int:
    count = 0
    while value:
        value &= value - 1
        count += 1
    return count


@compiled
def readings_of(
    numbers: Numbers,
    kinds: Numbers,
    periods: Numbers,
    columns: NDArray[np.int32],
    months: NDArray[np.int32],
    values: Floats,
    pages: NDArray[np.int32],
    flags: NDArray[np.uint32],
    once: bool,
    cells: Ints,
    counted: NDArray[np.bool_],
) -> bool:
    """Which rows need a second look: (n,) the place of their sum (-1: they do not), and whether they add to it anew.

    Sums with several rows in a month are made anew where repeated ones count `once`. The other arguments are those of
    `add_readings`, after all rows were added. False: a row was not among them.
    """
    for row in range(len(numbers)):
        cells[row] = -1
        counted[row] = False
        number = numbers[row]
        page = pages[columns[kinds[row], periods[row]], number >> PAGE_BITS]
        if page < 0:
            return False
        at = (np.int64(page) << PAGE_BITS) + (number & (PAGE - 1))
        flag = np.int64(flags[at])
        if flag & SEVERAL == 0 and not unsettled(flag):
            continue
        cells[row] = at
        counted[row] = (once or unsettled(flag)) and (flag >> MISSING >> months[periods[row]]) & 1 == 0
    return True


@compiled
def sums_of(
    numbers: Numbers,
    pages: NDArray[np.int32],
    low: NDArray[np.uint64],
    high: Ints,
    flags: NDArray[np.uint32],
    settled: Floats,
    amounts: Floats,
    months: Floats,
) -> None:
    """Write the sums of one column and the number of months known, NaN where none is.

    Args:
        numbers: (n,) keys, -1: none.
        pages: (pages of keys,) of this column.
        low: as in `add_readings`.
        high: likewise.
        flags: likewise.
        settled: the sums that are written elsewhere.
        amounts: (n,) receives the sums.
        months: (n,) receives the number of months known.
    """
    for row in range(len(numbers)):
        amounts[row] = months[row] = np.nan
        number = numbers[row]
        if number < 0 or pages[number >> PAGE_BITS] < 0:
            continue
        at = (np.int64(pages[number >> PAGE_BITS]) << PAGE_BITS) + (number & (PAGE - 1))
        flag = np.int64(flags[at])
        known = _bits(flag & ~(flag >> MISSING) & MONTHS)
        if known:
            amounts[row] = settled[low[at]] if flag & SETTLED else rounded(low[at], high[at])
            months[row] = known
