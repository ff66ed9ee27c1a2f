"""Compiled: which length of a line, or which points, lie in each cell of a regular grid; see `grids.cell_kernels`."""

import math
from typing import Any

from grids.cell_kernels import (
    LINES,
    NOT_METRES,
    NOWHERE,
    POINTS,
    RESIDUE,
    SHORT,
    TOO_LARGE,
    Task,
    cell_of,
    cells_at_most,
    first_pieces,
    found_of,
    window_of,
)
from grids.compiled import inner
from grids.crossing_kernels import RING, VERTICES
from grids.memory_kernels import float_at, int_at
from grids.ring_kernels import MAX_COORDINATE_M
from grids.window_kernels import Extent, Rule, Window, add_piece, empty_window, put_found, touch


@inner
def _walk_edge(window: Window, pieces: int, extent: Extent, task: Task, a: Any, b: Any) -> int:
    """Walk an edge through the cells it crosses, from its left (then lower) end."""
    ax, ay, a_col, a_row = a
    bx, by, b_col, b_row = b
    size, width = task.size, extent.width
    if bx < ax or (bx == ax and by < ay):
        ax, ay, a_col, a_row, bx, by, b_col, b_row = bx, by, b_col, b_row, ax, ay, a_col, a_row
    dx, dy = bx - ax, by - ay
    length = math.sqrt(dx * dx + dy * dy)
    per_x, per_y = 1.0 / dx, 1.0 / dy  # infinite, and not asked for, where no border is crossed that way
    step = 1 if b_row > a_row else -1
    left_x, left_y = b_col - a_col, abs(b_row - a_row)
    line_x, line_y = float(task.east + (a_col + 1) * size), float(task.north + (a_row + (step > 0)) * size)
    t_x = (line_x - ax) * per_x if left_x else math.inf
    t_y = (line_y - ay) * per_y if left_y else math.inf
    j, i, t = a_row - extent.row, a_col - extent.col, 0.0
    # An end on a border may add a piece of no length beyond it, which weighs nothing.
    while left_x + left_y > 0:
        t_end = max(t, min(t_x, t_y, 1.0))
        touch(window, pieces, j, i)
        pieces = add_piece(window, width, pieces, j, i, (t_end - t) * length, 0)
        t = t_end
        if t_x <= t_y:
            left_x -= 1
            i += 1
            line_x += size
            t_x = (line_x - ax) * per_x if left_x else math.inf
        else:
            left_y -= 1
            j += step
            line_y += step * size
            t_y = (line_y - ay) * per_y if left_y else math.inf
    touch(window, pieces, j, i)
    return add_piece(window, width, pieces, j, i, (1.0 - t) * length, 0)


@inner
def _survey(lines: int, n_lines: int) -> Any:
    """Return length, extent (west, south, east, north), the lowest of the westernmost corners and finite metres."""
    whole, finite = 0.0, 0.0
    west, low, south, east, north = math.inf, math.inf, math.inf, -math.inf, -math.inf
    for r in range(n_lines):
        at, vertices = int_at(lines + RING * r), int_at(lines + RING * r + VERTICES)
        px, py = (float_at(at), float_at(at + 8)) if vertices else (0.0, 0.0)
        for _ in range(vertices):
            x, y = float_at(at), float_at(at + 8)
            at += 16
            finite += x + y
            if x <= west:
                low = y if x < west or y < low else low
                west = x
            east = x if x > east else east
            south, north = (y if y < south else south), (y if y > north else north)
            whole += math.sqrt((x - px) * (x - px) + (y - py) * (y - py))
            px, py = x, y
    outside = max(east, north) > MAX_COORDINATE_M or min(west, south) < -MAX_COORDINATE_M
    return whole, west, south, east, north, low, finite == finite and not outside


@inner
def line_in_cells(lines: int, n_lines: int, task: Task, owner: int, n: int) -> Any:
    """Share out one line or multiline; arguments and results are those of `grids.cell_kernels.polygon_in_cells`.

    A line of no length is one point, its westernmost, lowest corner.
    """
    origin_x, origin_y, size = task.east, task.north, task.size
    whole, west, south, east, north, low, sound = _survey(lines, n_lines)
    if not sound:
        return NOT_METRES, 0.0, n
    if west > east:
        return NOWHERE, 0.0, n
    found = found_of(task.workspace)
    if whole == 0:
        return POINTS, 1.0, put_found(found, n, owner, cell_of(low, origin_y, size), cell_of(west, origin_x, size), 1.0)
    row, last_row = cell_of(south, origin_y, size), cell_of(north, origin_y, size)
    col, last_col = cell_of(west, origin_x, size), cell_of(east, origin_x, size)
    if col == last_col and row == last_row:
        return LINES, whole, put_found(found, n, owner, row, col, whole if task.measured else 1.0)
    extent = Extent(row, col, last_row - row + 1, last_col - col + 1)
    cells = cells_at_most(lines, n_lines, 0.0, extent, task)
    if cells > task.most:
        return TOO_LARGE, cells, n
    pieces, has = first_pieces(lines, n_lines, extent, task)
    if not has:
        return SHORT, 0.0, n
    window, width = window_of(task.workspace), extent.width
    for r in range(n_lines):
        at, vertices = int_at(lines + RING * r), int_at(lines + RING * r + VERTICES)
        if vertices < 2:
            continue
        ax, ay = float_at(at), float_at(at + 8)
        a_col, a_row = cell_of(ax, origin_x, size), cell_of(ay, origin_y, size)
        touch(window, pieces, a_row - row, a_col - col)
        for _ in range(vertices - 1):
            at += 16
            bx, by = float_at(at), float_at(at + 8)
            b_col, b_row = cell_of(bx, origin_x, size), cell_of(by, origin_y, size)
            if a_col == b_col and a_row == b_row:
                length = math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay))
                pieces = add_piece(window, width, pieces, a_row - row, a_col - col, length, 0)
            else:
                pieces = _walk_edge(window, pieces, extent, task, (ax, ay, a_col, a_row), (bx, by, b_col, b_row))
            ax, ay, a_col, a_row = bx, by, b_col, b_row
    scale = 1.0 if task.measured else 1.0 / whole
    least = RESIDUE * min(float(size), whole) * scale
    n, _ = empty_window(window, pieces, extent, Rule(size, scale, owner, least, math.inf), found, n)
    return LINES, whole, n


@inner
def points_in_cells(places: int, n_places: int, task: Task, owner: int, n: int) -> Any:
    """Share out one point or several; every point counts, even equal ones; an empty one (all NaN) is nowhere."""
    east, north, size = task.east, task.north, task.size
    found, before, whole = found_of(task.workspace), n, 0
    for again in range(1 if task.measured else 2):  # how many there are must be known before they can be shares
        n = before
        for r in range(n_places):
            at = int_at(places + RING * r)
            for _ in range(int_at(places + RING * r + VERTICES)):
                x, y = float_at(at), float_at(at + 8)
                at += 16
                if math.isnan(x) and math.isnan(y):
                    continue
                if not (abs(x) <= MAX_COORDINATE_M and abs(y) <= MAX_COORDINATE_M):
                    return NOT_METRES, 0.0, before
                amount = 1.0 / whole if again else 1.0
                n = put_found(found, n, owner, cell_of(y, north, size), cell_of(x, east, size), amount)
        whole = n - before
    return (POINTS if whole > 0 else NOWHERE), float(whole), n
