"""Compiled: what the pieces of a feature's edges add to the cells of its extent, and the sums along the rows.

An edge that rises by `dy` inside a cell adds the area between itself and the cell's right border, and `dy x size` to
every cell further right in that row. Heights are integers: what a ring adds to a row is taken
away again to the last bit, and no cell beyond it is touched.

A window has an amount and a rise for every cell of the extent, and per row the first and last column touched; where
the cells are few, these are not noted, and all are looked at in the end. Where all cells would be too many, the window
is a list: the pieces one by one, with their cells, put in order at the end. Which it is `pieces` says: SMALL, TOUCHED,
or how many pieces the list has by now.

What is found beyond the room is counted and not kept; the feature is done again with more.
"""

from typing import Any, NamedTuple

from grids.compiled import inner
from grids.memory_kernels import float_at, int_at, put_float, put_int, put_short

CELLS_AT_ONCE = 1 << 16  # of a window that holds every cell: 1 MB per thread, near the processor
FEW_CELLS = 12  # of a window of which nothing needs to be noted
NO_COLUMN = 1 << 40
TOUCHED, SMALL = -1, -2


class Window(NamedTuple):
    """Addresses: per cell (or piece) an amount, a rise, a cell; per row its first and last column; room to sort in."""

    amounts: int
    rises: int
    cells: int
    firsts: int
    lasts: int
    orders: int


class Extent(NamedTuple):
    """The cells of a window: the first row and column, and how many of each."""

    row: int
    col: int
    height: int
    width: int


class Found(NamedTuple):
    """Where parts are written: addresses of cells and amounts, and room for how many."""

    cells: int
    amounts: int
    room: int


class Rule(NamedTuple):
    """How the sums of a window become parts.

    Attributes:
        size: side of a cell, m.
        scale: what one of the window's units of amount is: m2, or m, or a share.
        owner: whose the parts are.
        least: amounts up to here are rounding, and are left out.
        most: amounts of this much or more, or of less than nothing, are not plausible.
    """

    size: int
    scale: float
    owner: int
    least: float
    most: float


@inner
def touch(window: Window, pieces: int, j: int, i: int) -> None:
    """Note that something may be added to a cell, if the window wants to know."""
    if pieces == TOUCHED:
        first, last = window.firsts + 8 * j, window.lasts + 8 * j
        put_int(first, min(int_at(first), i))
        put_int(last, max(int_at(last), i))


@inner
def add_piece(window: Window, width: int, pieces: int, j: int, i: int, amount: float, rise: int) -> int:
    """Add a piece of an edge to row `j` and column `i`; return `pieces` as they are by now.

    In a window that notes them, the cell must have been touched.
    """
    if pieces < 0:
        k = 8 * (j * width + i)
        put_float(window.amounts + k, float_at(window.amounts + k) + amount)
        put_int(window.rises + k, int_at(window.rises + k) + rise)
        return pieces
    cell = (j << 32) | i
    k = 8 * (pieces - 1)
    if pieces > 0 and int_at(window.cells + k) == cell:
        put_float(window.amounts + k, float_at(window.amounts + k) + amount)
        put_int(window.rises + k, int_at(window.rises + k) + rise)
        return pieces
    k += 8
    put_float(window.amounts + k, amount)
    put_int(window.rises + k, rise)
    put_int(window.cells + k, cell)
    return pieces + 1


@inner
def put_found(found: Found, n: int, owner: int, row: int, col: int, amount: float) -> int:
    """Add one part to what is found, if there is room; return how many there are."""
    if n < found.room:
        k = found.cells + 12 * n
        put_short(k, owner)
        put_short(k + 4, row)
        put_short(k + 8, col)
        put_float(found.amounts + 8 * n, amount)
    return n + 1


@inner
def empty_window(window: Window, pieces: int, extent: Extent, rule: Rule, found: Found, n: int) -> Any:
    """Sum along the rows of a window, note what each cell holds, and leave the window empty.

    Returns:
        How many are found, of `n` before, and whether all amounts are plausible.
    """
    if pieces < 0:
        return _empty_cells(window, pieces, extent, rule, found, n)
    return _empty_list(window, pieces, extent, rule, found, n)


@inner
def _empty_cells(window: Window, pieces: int, extent: Extent, rule: Rule, found: Found, n: int) -> Any:
    side, width = float(rule.size), extent.width
    plausible = True
    for j in range(extent.height):
        i, end = 0, width - 1
        if pieces == TOUCHED:
            i, end = int_at(window.firsts + 8 * j), int_at(window.lasts + 8 * j)
            put_int(window.firsts + 8 * j, NO_COLUMN)
            put_int(window.lasts + 8 * j, -1)
        held = 0
        while i <= end or (held != 0 and i < width):
            k = 8 * (j * width + i)
            amount = (float_at(window.amounts + k) + held * side) * rule.scale
            held += int_at(window.rises + k)
            put_float(window.amounts + k, 0.0)
            put_int(window.rises + k, 0)
            if abs(amount) > rule.least:
                plausible = plausible and 0 < amount < rule.most
                n = put_found(found, n, rule.owner, extent.row + j, extent.col + i, amount)
            i += 1
    return n, plausible


@inner
def _empty_list(window: Window, pieces: int, extent: Extent, rule: Rule, found: Found, n: int) -> Any:
    side = float(rule.size)
    order = sorted_order(window.cells, pieces, window.orders, window.orders + 8 * pieces)
    plausible = True
    held, p = 0, 0
    while p < pieces:
        cell = int_at(window.cells + 8 * int_at(order + 8 * p))
        j, i = cell >> 32, cell & 0xFFFFFFFF
        amount, rise, next_cell = 0.0, 0, cell
        while next_cell == cell:
            k = 8 * int_at(order + 8 * p)
            amount += float_at(window.amounts + k)
            rise += int_at(window.rises + k)
            put_float(window.amounts + k, 0.0)
            put_int(window.rises + k, 0)
            p += 1
            next_cell = int_at(window.cells + 8 * int_at(order + 8 * p)) if p < pieces else -1
        after, amount = i + 1, (amount + held * side) * rule.scale
        held += rise
        if held != 0:  # up to the row's next piece the cells are alike
            after = next_cell & 0xFFFFFFFF if next_cell >> 32 == j else extent.width
        for c in range(i, after):
            if c > i:
                amount = held * side * rule.scale
            if abs(amount) > rule.least:
                plausible = plausible and 0 < amount < rule.most
                n = put_found(found, n, rule.owner, extent.row + j, extent.col + c, amount)
    return n, plausible


@inner
def sorted_order(keys: int, n: int, order: int, other: int) -> int:
    """Sort positions by their keys, equal ones as they come, by merging.

    Args:
        keys: address of n integers.
        n: how many.
        order: address of room for n integers.
        other: the same.

    Returns:
        Where of the two the positions lie in order.
    """
    for k in range(n):
        put_int(order + 8 * k, k)
    run = 1
    while run < n:
        for low in range(0, n, 2 * run):
            middle, high = min(low + run, n), min(low + 2 * run, n)
            a, b = low, middle
            for k in range(low, high):
                of_a = a < middle
                if of_a and b < high:
                    of_a = int_at(keys + 8 * int_at(order + 8 * a)) <= int_at(keys + 8 * int_at(order + 8 * b))
                if of_a:
                    put_int(other + 8 * k, int_at(order + 8 * a))
                    a += 1
                else:
                    put_int(other + 8 * k, int_at(order + 8 * b))
                    b += 1
        order, other = other, order
        run *= 2
    return order
