"""Compiled: what the pieces of a feature's edges add to the cells of its extent, and the sums along the rows.

An edge that rises by `dy` inside a cell adds the area between itself and the cell's right border, and `dy x size` to
every cell further right in that row. Heights are integers: what a ring adds to a row is taken
away again to the last bit, and no cell beyond it is touched.

A window has an amount and a rise for every cell of the extent, and per row the first and last column touched. Where
that would be too many cells it is a list: the pieces one by one, with their cells, put in order at the end.

A `window` is a tuple of addresses (amounts, rises, cells of pieces, first columns, last columns, orders), an `extent`
is (first row, first column, rows, columns), and `found` is (address of cells, address of amounts, room for how many).
What is found beyond the room is counted and not kept; the feature is done again with more.
"""

from typing import Any

from grids.compiled import inner
from grids.memory_kernels import float_at, int_at, put_float, put_int, put_short

CELLS_AT_ONCE = 1 << 16  # of a window that holds every cell: 1 MB per thread, near the processor
NO_COLUMN = 1 << 40


@inner
def touch(window: Any, j: int, i: int) -> None:
    """Note that something may be added to a cell of a window that holds every cell."""
    first, last = window[3] + 8 * j, window[4] + 8 * j
    put_int(first, min(int_at(first), i))
    put_int(last, max(int_at(last), i))


@inner
def add_piece(window: Any, width: int, pieces: int, j: int, i: int, amount: float, rise: int) -> int:
    """Add a piece of an edge to row `j` and column `i`; return how many pieces the list has by now.

    `pieces` is -1 for a window that holds every cell; the cell must have been touched then.
    """
    if pieces < 0:
        k = 8 * (j * width + i)
        put_float(window[0] + k, float_at(window[0] + k) + amount)
        put_int(window[1] + k, int_at(window[1] + k) + rise)
        return pieces
    cell = (j << 32) | i
    k = 8 * (pieces - 1)
    if pieces > 0 and int_at(window[2] + k) == cell:
        put_float(window[0] + k, float_at(window[0] + k) + amount)
        put_int(window[1] + k, int_at(window[1] + k) + rise)
        return pieces
    k += 8
    put_float(window[0] + k, amount)
    put_int(window[1] + k, rise)
    put_int(window[2] + k, cell)
    return pieces + 1


@inner
def put_found(found: Any, n: int, owner: int, row: int, col: int, amount: float) -> int:
    """Add one part to what is found, if there is room; return how many there are."""
    if n < found[2]:
        k = found[0] + 12 * n
        put_short(k, owner)
        put_short(k + 4, row)
        put_short(k + 8, col)
        put_float(found[1] + 8 * n, amount)
    return n + 1


@inner
def empty_cells(
    window: Any, extent: Any, size: int, scale: float, owner: int, least: float, most: float, found: Any, n: int
) -> Any:
    """Sum along the rows of a window that holds every cell, note what each holds, and leave the window empty.

    Args:
        window: see the module.
        extent: see the module.
        size: side of a cell, m.
        scale: what one of the window's units of amount is: m2, or m, or a share.
        owner: whose the amounts are.
        least: amounts up to here are rounding, and are left out.
        most: amounts of this much or more, or of less than nothing, are not plausible.
        found: see the module.
        n: how many are found already.

    Returns:
        How many are found, and whether all amounts are plausible.
    """
    first_row, first_col, height, width = extent
    side = float(size)
    plausible = True
    for j in range(height):
        i, end = int_at(window[3] + 8 * j), int_at(window[4] + 8 * j)
        put_int(window[3] + 8 * j, NO_COLUMN)
        put_int(window[4] + 8 * j, -1)
        held = 0
        while i <= end or (held != 0 and i < width):
            k = 8 * (j * width + i)
            amount = (float_at(window[0] + k) + held * side) * scale
            held += int_at(window[1] + k)
            put_float(window[0] + k, 0.0)
            put_int(window[1] + k, 0)
            if abs(amount) > least:
                plausible = plausible and 0 < amount < most
                n = put_found(found, n, owner, first_row + j, first_col + i, amount)
            i += 1
    return n, plausible


@inner
def empty_pieces(
    window: Any,
    pieces: int,
    extent: Any,
    size: int,
    scale: float,
    owner: int,
    least: float,
    most: float,
    found: Any,
    n: int,
) -> Any:
    """Do as `empty_cells` with a list of so many pieces."""
    first_row, first_col, _, width = extent
    side = float(size)
    order = sorted_order(window[2], pieces, window[5], window[5] + 8 * pieces)
    plausible = True
    held, p = 0, 0
    while p < pieces:
        cell = int_at(window[2] + 8 * int_at(order + 8 * p))
        j, i = cell >> 32, cell & 0xFFFFFFFF
        amount, rise, next_cell = 0.0, 0, cell
        while next_cell == cell:
            k = 8 * int_at(order + 8 * p)
            amount += float_at(window[0] + k)
            rise += int_at(window[1] + k)
            put_float(window[0] + k, 0.0)
            put_int(window[1] + k, 0)
            p += 1
            next_cell = int_at(window[2] + 8 * int_at(order + 8 * p)) if p < pieces else -1
        after, amount = i + 1, (amount + held * side) * scale
        held += rise
        if held != 0:  # up to the row's next piece the cells are alike
            after = next_cell & 0xFFFFFFFF if next_cell >> 32 == j else width
        for c in range(i, after):
            if c > i:
                amount = held * side * scale
            if abs(amount) > least:
                plausible = plausible and 0 < amount < most
                n = put_found(found, n, owner, first_row + j, first_col + c, amount)
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
