"""Compiled: which cells of a grid lie wholly in one zone, and which pieces of borders lie in the others.

A zone is what lies to the right of its edges, added up with sign. Its rings are walked through the cells as in
`grids.cell_kernels`, and each edge leaves a piece in every cell it passes. Along a row, what a cell's pieces open or
close goes on to the cells further right: the signed heights that stand open on a cell's left border are pieces of that
cell too, upright at x = 0. So each border cell says by itself, from its own few pieces, what of it lies in the zone;
cells between, where all heights stand open, lie wholly inside.

Pieces are told in metres from their cell's lower left corner, the lower end first; `turn` says with what sign the
ground to their right counts (0 for level ones, which only say where the border is). Heights are summed as integers
(`_UNITS_PER_M`), so that what a ring opens in a row is closed again to the last bit.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grids.cell_kernels import cell_of
from grids.compiled import compiled, inner

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NONE = -1  # label of a cell without any zone; border cell k bears -2 - k
_FIRST_BORDER = -2
_UNITS_PER_M = 2.0**36  # heights as integers of 15 pm: finer than float64 resolves any coordinate above 65 km


@inner
def _units(metres: float) -> Any:
    return np.int64(np.rint(metres * _UNITS_PER_M))


@inner
def longer(values: Any, n: int) -> Any:
    """Return the same values with room for `n` and as many again."""
    if n <= values.size:
        return values
    more = np.empty(2 * n, values.dtype)
    for k in range(values.size):  # numba's slices bring code for messages about their shapes
        more[k] = values[k]
    return more


@inner
def _drawn_edge(ax: float, ay: float, bx: float, by: float, turn: int, place: Any, drawn: Any, n: int) -> Any:
    """Walk one edge through the cells it passes, from its left (then lower) end, and note its piece in each.

    A piece of no length is noted too: where an edge merely ends on a cell's border, the cell must know of it.
    """
    east, north, size = place
    if bx < ax or (bx == ax and by < ay):
        ax, ay, bx, by, turn = bx, by, ax, ay, -turn
    col, row = cell_of(ax, east, size), cell_of(ay, north, size)
    left_x = cell_of(bx, east, size) - col
    last_row = cell_of(by, north, size)
    left_y = abs(last_row - row)
    rows, cols, from_x, to_x, from_h, to_h, turns = drawn
    room = n + left_x + left_y + 1
    if room > rows.size:
        rows, cols, from_x, to_x = longer(rows, room), longer(cols, room), longer(from_x, room), longer(to_x, room)
        from_h, to_h, turns = longer(from_h, room), longer(to_h, room), longer(turns, room)
    dx, dy = bx - ax, by - ay
    up = by >= ay
    full = _units(float(size))
    x, height = ax - (east + col * size), _units(ay) - _units(float(north + row * size))
    more = True
    while more:
        west, south = east + col * size, north + row * size
        t_x = (west + size - ax) / dx if left_x else np.inf
        t_y = ((south + size if up else south) - ay) / dy if left_y else np.inf
        more = left_x + left_y > 0
        next_col, next_row = col, row
        if not more:
            x_end, h_end = bx - west, _units(by) - _units(float(south))
        elif t_x <= t_y:
            x_end, h_end = float(size), _units(min(max((ay - south) + t_x * dy, 0.0), float(size)))
            left_x -= 1
            next_col = col + 1
        else:
            x_end, h_end = (ax - west) + t_y * dx, full if up else np.int64(0)
            left_y -= 1
            next_row = row + 1 if up else row - 1
        x_end = min(max(x_end, 0.0), float(size))
        rows[n], cols[n] = row, col
        # The lower end first: what rises the other way counts with the other sign.
        if h_end >= height:
            from_x[n], to_x[n], from_h[n], to_h[n], turns[n] = x, x_end, height, h_end, turn * (h_end > height)
        else:
            from_x[n], to_x[n], from_h[n], to_h[n], turns[n] = x_end, x, h_end, height, -turn
        n += 1
        x = 0.0 if next_col > col else x_end
        height = h_end if next_row == row else (np.int64(0) if up else full)
        col, row = next_col, next_row
    return n, (rows, cols, from_x, to_x, from_h, to_h, turns)


@inner
def _drawn_ring(
    xs: FloatArray, ys: FloatArray, start: int, stop: int, shell: int, place: Any, drawn: Any, n: int
) -> Any:
    doubled = 0.0
    for v in range(start, stop - 1):
        ax, ay, bx, by = xs[v] - xs[start], ys[v] - ys[start], xs[v + 1] - xs[start], ys[v + 1] - ys[start]
        doubled += ax * by - bx * ay
    # A shell opens area where it goes down if it turns counter-clockwise, a hole the other way round.
    turn = -1 if (doubled > 0) == (shell != 0) else 1
    for v in range(start, stop - 1):
        if xs[v] != xs[v + 1] or ys[v] != ys[v + 1]:
            n, drawn = _drawn_edge(xs[v], ys[v], xs[v + 1], ys[v + 1], turn, place, drawn, n)
    return n, drawn


@inner
def _sorted_by(keys: IntArray, n: int, order: IntArray) -> Any:
    """Sort positions by a key, by counting; equal ones keep their order."""
    low, high = keys[0], keys[0]
    for k in range(n):
        low, high = min(low, keys[k]), max(high, keys[k])
    ends = np.zeros(high - low + 2, np.int64)
    for k in range(n):
        ends[keys[k] - low + 1] += 1
    for k in range(1, ends.size):
        ends[k] += ends[k - 1]
    result = np.empty(n, np.int64)
    for k in range(n):
        place = keys[order[k]] - low
        result[ends[place]] = order[k]
        ends[place] += 1
    return result


@inner
def _opened(heights: IntArray, changes: IntArray, n: int, height: int, change: int) -> Any:
    """Note that at this height the sum of what stands open changes; changes that cancel are forgotten."""
    k = n
    while k > 0 and heights[k - 1] > height:
        k -= 1
    if k > 0 and heights[k - 1] == height:
        changes[k - 1] += change
        if changes[k - 1] == 0:
            for j in range(k, n):
                heights[j - 1], changes[j - 1] = heights[j], changes[j]
            n -= 1
        return n, heights, changes
    heights, changes = longer(heights, n + 1), longer(changes, n + 1)
    for j in range(n, k, -1):
        heights[j], changes[j] = heights[j - 1], changes[j - 1]
    heights[k], changes[k] = height, change
    return n + 1, heights, changes


@inner
def _put_piece(pieces: Any, n: int, x0: float, h0: int, x1: float, h1: int, turn: int, is_border: bool) -> Any:
    if n == pieces.shape[0]:
        more = np.empty((2 * n, 6))
        for k in range(n):
            for j in range(6):
                more[k, j] = pieces[k, j]
        pieces = more
    pieces[n, 0], pieces[n, 2], pieces[n, 4], pieces[n, 5] = x0, x1, turn, is_border
    pieces[n, 1], pieces[n, 3] = h0 / _UNITS_PER_M, h1 / _UNITS_PER_M
    return n + 1, pieces


@inner
def _put_open(pieces: Any, n: int, heights: IntArray, changes: IntArray, n_open: int) -> Any:
    """Note what stands open on a cell's left border as pieces of that cell."""
    weight = np.int64(0)
    for k in range(n_open - 1):
        weight += changes[k]
        if weight != 0:
            n, pieces = _put_piece(pieces, n, 0.0, heights[k], 0.0, heights[k + 1], weight, False)
    return n, pieces


@inner
def _put_row(rows: Any, n: int, a: int, b: int, c: int, d: int, e: int) -> Any:
    """Add five numbers to a list of such."""
    if n == rows.shape[0]:
        more = np.empty((2 * n, 5), np.int64)
        for k in range(n):
            for j in range(5):
                more[k, j] = rows[k, j]
        rows = more
    rows[n, 0], rows[n, 1], rows[n, 2], rows[n, 3], rows[n, 4] = a, b, c, d, e
    return n + 1, rows


@inner
def _swept(zone: int, drawn: Any, n: int, size: int, state: Any) -> Any:
    """Sort one zone's pieces into cells, row by row, and carry on what stands open; False if some is never closed."""
    rows, cols, from_x, to_x, from_h, to_h, turns = drawn
    n_pieces, pieces, n_held, held, n_runs, runs = state
    if n == 0:
        return True, state
    full = _units(float(size))
    order = _sorted_by(rows, n, _sorted_by(cols, n, np.arange(n)))
    heights, changes = np.empty(16, np.int64), np.empty(16, np.int64)
    i, closed = 0, True
    while i < n and closed:
        row, n_open = rows[order[i]], 0
        while i < n and rows[order[i]] == row:
            col, first = cols[order[i]], n_pieces
            n_pieces, pieces = _put_open(pieces, n_pieces, heights, changes, n_open)
            while i < n and rows[order[i]] == row and cols[order[i]] == col:
                k = order[i]
                n_pieces, pieces = _put_piece(pieces, n_pieces, from_x[k], from_h[k], to_x[k], to_h[k], turns[k], True)
                if turns[k] != 0:
                    n_open, heights, changes = _opened(heights, changes, n_open, from_h[k], turns[k])
                    n_open, heights, changes = _opened(heights, changes, n_open, to_h[k], -turns[k])
                i += 1
            n_held, held = _put_row(held, n_held, row, col, zone, first, n_pieces)
            if n_open == 0 or i == n or rows[order[i]] != row or cols[order[i]] == col + 1:
                continue
            beyond = cols[order[i]]
            if n_open == 2 and heights[0] == 0 and heights[1] == full and changes[0] == 1:
                n_runs, runs = _put_row(runs, n_runs, row, col + 1, zone, beyond, 0)
                continue
            first = n_pieces
            n_pieces, pieces = _put_open(pieces, n_pieces, heights, changes, n_open)
            for between in range(col + 1, beyond):
                n_held, held = _put_row(held, n_held, row, between, zone, first, n_pieces)
        closed = n_open == 0
    return closed, (n_pieces, pieces, n_held, held, n_runs, runs)


@compiled
def zones_in_cells(
    xs: FloatArray,
    ys: FloatArray,
    starts: IntArray,
    shells: IntArray,
    zones: IntArray,
    first: int,
    last: int,
    place: Any,
) -> Any:
    """Cut the borders of zones `first` to `last` at the cells; zone `z` has the rings `zones[z]` and following.

    Returns:
        the first zone whose rings do not close (or -1); rows of pieces (from x, y, to x, y, turn, and 1 for a piece
        of a border, 0 for what stands open left of the cell); what border cells hold: rows of (row, col, zone, first
        piece, piece beyond); and runs of cells wholly inside: rows of (row, first col, zone, col beyond, 0).
    """
    room = 64
    n_points = starts[zones[last]] - starts[zones[first]]
    pieces = np.empty((3 * n_points + room, 6))
    held, runs = np.empty((n_points + room, 5), np.int64), np.empty((room, 5), np.int64)
    state = (0, pieces, 0, held, 0, runs)
    drawn = (
        np.empty(room, np.int64),
        np.empty(room, np.int64),
        np.empty(room),
        np.empty(room),
        np.empty(room, np.int64),
        np.empty(room, np.int64),
        np.empty(room, np.int64),
    )
    wrong = -1
    for zone in range(first, last):
        n = 0
        for r in range(zones[zone], zones[zone + 1]):
            n, drawn = _drawn_ring(xs, ys, starts[r], starts[r + 1], shells[r], place, drawn, n)
        closed, state = _swept(zone, drawn, n, place[2], state)
        if not closed and wrong < 0:
            wrong = zone
    n_pieces, pieces, n_held, held, n_runs, runs = state
    return wrong, pieces[:n_pieces], held[:n_held], runs[:n_runs]


@compiled
def labelled(labels: Any, low_row: int, low_col: int, held: IntArray, runs: IntArray) -> Any:
    """Label the cells (all NONE so far) with the one zone they lie in, or with the number of a border cell.

    Returns:
        how many border cells; (held,) the border cell of each row of `held`; and rows of (border cell, zone, ...) where
        a zone without a piece in it covers a border cell of others.
    """
    n_cells = 0
    cell = np.empty(held.shape[0], np.int64)
    for k in range(held.shape[0]):
        j, i = held[k, 0] - low_row, held[k, 1] - low_col
        if labels[j, i] == NONE:
            labels[j, i] = _FIRST_BORDER - n_cells
            n_cells += 1
        cell[k] = _FIRST_BORDER - labels[j, i]
    n_covers, covers = 0, np.empty((16, 5), np.int64)
    for k in range(runs.shape[0]):
        j, zone = runs[k, 0] - low_row, runs[k, 2]
        for i in range(runs[k, 1] - low_col, runs[k, 3] - low_col):
            label = int(labels[j, i])
            if label == NONE:
                labels[j, i] = zone
            elif label <= _FIRST_BORDER:
                n_covers, covers = _put_row(covers, n_covers, _FIRST_BORDER - label, zone, 0, 0, 0)
    return n_cells, cell, covers[:n_covers]
