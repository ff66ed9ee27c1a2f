"""Compiled: which area or length of one feature lies in each cell of a regular grid.

Areas come from the edges alone, as a glyph is filled (see `grids.window_kernels`). Each edge is walked once through the
cells it crosses; a running sum along each row then is the exact area of the feature in each cell, at a cost of
vertices + crossings + cells covered. Which cell an edge of a line passes is counted from the borders it crosses, never
asked of a rounded coordinate.

A feature comes as rings (or lines, or points), as `grids.crossing_kernels` has them; what is asked of it as a `Task`.
Each function returns a kind, the measure (m2, m, number of points) and how many parts are found by now.
"""

import math
from typing import Any, NamedTuple

from grids.compiled import inner
from grids.crossing_kernels import BOX, BOXES, RING, SHELL, TURN, VERTICES, nodes_of, put_box
from grids.edge_kernels import LONG, MEET, short_ring_meets
from grids.memory_kernels import float_at, int_at, put_int
from grids.ring_kernels import MAX_COORDINATE_M, Box, box_of, fan, fan_in_two, is_metres, slack_of, survey_ring
from grids.ring_pair_kernels import polygon_crosses
from grids.window_kernels import (
    CELLS_AT_ONCE,
    FEW_CELLS,
    SMALL,
    TOUCHED,
    Extent,
    Found,
    Rule,
    Window,
    add_piece,
    empty_window,
    put_found,
    touch,
)

NOWHERE, POINTS, LINES, AREAS = -1, 0, 1, 2  # what a feature is measured by, as in grids.measures
DOUBTFUL, NOT_METRES = 3, 4  # a polygon to be looked at by itself; a coordinate that is no finite metre
SHORT = 6  # more room is needed than there is
TOO_LARGE = 7  # more cells than may be asked for; instead of a measure it says how many they are about

# The table of a workspace, 8 bytes each: addresses, how much there is room for, and how much was needed.
WINDOW, RINGS, NODES, LEVELS, COPIES, FOUND = 0, 48, 56, 64, 72, 80
ROOM_FOR_PIECES, ROOM_FOR_RINGS, ROOM_FOR_NODES, ROOM_FOR_COPIES, ROOM_FOR_FOUND = 96, 104, 112, 120, 128
NEED = 40  # bytes behind each room

RESIDUE = 1e-13  # of a cell, or of the feature where it is smaller: less than that is the rounding of a touch
_DOUBT = 1e-9  # a cell that holds less than nothing, or more than all, by this part of itself: rings cross or overlap
_THINNEST_M = 1e-9  # mean width below which a polygon may be no polygon at all
_BEYOND = 1.2 * MAX_COORDINATE_M


class Task(NamedTuple):
    """What is asked of features.

    Attributes:
        east, north: where the grid's cells are counted from, whole metres.
        size: side of a cell, whole metres.
        check: whether rings that cross themselves or each other make a polygon DOUBTFUL, without any parts; else they
            are taken as they are.
        measured: whether parts are m2, m and numbers of points; else shares of the whole. What lies in one cell has the
            share 1 there, whatever its ring does: then nobody looks, nor is its measure known.
        workspace: address of a table of addresses that is written to, see `grids.workspace`.
        most: cells that one feature may lie in.
    """

    east: int
    north: int
    size: int
    check: bool
    measured: bool
    workspace: int
    most: int


class Written(NamedTuple):
    """Addresses, 8 bytes per feature: what it is measured by (or DOUBTFUL, NOT_METRES), and its measure."""

    kinds: int
    measures: int


@inner
def cell_of(value: float, origin: int, size: int) -> Any:
    """Return the half-open cell along one axis: floor, corrected where the division rounded across a border."""
    index = math.floor((value - origin) * (1.0 / size))
    if value < origin + index * size:
        index -= 1
    elif value >= origin + (index + 1) * size:
        index += 1
    return index


@inner
def cells_along(low: float, high: float, origin: int, size: int) -> Any:
    """Return the first and last cell along one axis that hold something of what has an extent."""
    first, last = cell_of(low, origin, size), cell_of(high, origin, size)
    if last > first and high == origin + last * size:
        last -= 1  # what ends on a border has no area beyond
    return first, last


@inner
def has_room(workspace: int, room: int, needed: int) -> bool:
    """Whether the workspace has this much room; if not, what is needed is noted."""
    if needed <= int_at(workspace + room):
        return True
    put_int(workspace + room + NEED, needed)
    return False


@inner
def window_of(workspace: int) -> Window:
    """Return the window of a workspace."""
    return Window(
        int_at(workspace),
        int_at(workspace + 8),
        int_at(workspace + 16),
        int_at(workspace + 24),
        int_at(workspace + 32),
        int_at(workspace + 40),
    )


@inner
def found_of(workspace: int) -> Found:
    """Return where a workspace keeps what is found."""
    return Found(int_at(workspace + FOUND), int_at(workspace + FOUND + 8), int_at(workspace + ROOM_FOR_FOUND))


@inner
def _walk_edge(window: Window, pieces: int, frame: Any, turn: int, a: Any, b: Any) -> int:
    """Walk an edge of a polygon through the rows and columns it crosses; metres from the window's corner.

    From its lower end, so that both directions cut alike. Returns how many pieces there are, as `add_piece` does.
    """
    rows, width, size, bits, per_metre = frame
    ax, ay, a_height = a
    bx, by, b_height = b
    if ay > by:
        ax, ay, a_height, bx, by, b_height = bx, by, b_height, ax, ay, a_height
        turn = -turn
    if ay == by:
        return pieces
    lean = (bx - ax) / (by - ay)
    least, most = min(ax, bx), max(ax, bx)
    j = min(int(ay * per_metre), rows - 1)
    x, height = ax, a_height
    more = True
    while more:
        line = float((j + 1) * size)
        more = line < by
        x_end, height_end = bx, b_height
        if more:
            x_end, height_end = min(max(ax + (line - ay) * lean, least), most), ((j + 1) * size) << bits
        rest = turn * (height_end - height)
        left, right = min(x, x_end), max(x, x_end)
        i = min(int(left * per_metre), width - 1)
        border = float((i + 1) * size)
        touch(window, pieces, j, i)
        if right > border:
            slope = rest / (right - left)
            while right > border:
                part = int((border - left) * slope)
                pieces = add_piece(window, width, pieces, j, i, part * (0.5 * (border - left)), part)
                rest -= part
                left = border
                i += 1
                border += size
            touch(window, pieces, j, i)
        pieces = add_piece(window, width, pieces, j, i, rest * (border - 0.5 * (left + right)), rest)
        x, height = x_end, height_end
        j += 1
    return pieces


@inner
def _walk_ring(ring: int, window: Window, pieces: int, frame: Any, west: float, south: float) -> int:
    """Walk the edges of a ring; those that stay in one cell, which most do, are added at once.

    Places are metres from the window's corner, which no rounding changes. Which cell holds one on a border may be
    rounded either way: the piece that comes of it weighs nothing.
    """
    rows, width, size, bits, per_metre = frame
    at, vertices, turn = int_at(ring), int_at(ring + VERTICES), int_at(ring + TURN)
    unit = float(1 << bits)
    ax, ay = float_at(at) - west, float_at(at + 8) - south
    a_col, a_row, a_height = min(int(ax * per_metre), width - 1), min(int(ay * per_metre), rows - 1), int(ay * unit)
    touch(window, pieces, a_row, a_col)
    for _ in range(vertices - 1):
        at += 16
        bx, by = float_at(at) - west, float_at(at + 8) - south
        b_col, b_row, b_height = min(int(bx * per_metre), width - 1), min(int(by * per_metre), rows - 1), int(by * unit)
        if a_col == b_col and a_row == b_row:
            rise = turn * (b_height - a_height)
            to_border = float((a_col + 1) * size) - 0.5 * (ax + bx)
            pieces = add_piece(window, width, pieces, a_row, a_col, rise * to_border, rise)
        else:
            pieces = _walk_edge(window, pieces, frame, turn, (ax, ay, a_height), (bx, by, b_height))
            touch(window, pieces, b_row, b_col)
        ax, ay, a_col, a_row, a_height = bx, by, b_col, b_row, b_height
    return pieces


@inner
def crossings_at_most(rings: int, n_rings: int, task: Task) -> int:
    """How many pieces the edges fall into, at most; each end may be rounded into a neighbouring cell."""
    pieces = 1
    for r in range(n_rings):
        at, vertices = int_at(rings + RING * r), int_at(rings + RING * r + VERTICES)
        if vertices == 0:
            continue
        a_col, a_row = cell_of(float_at(at), task.east, task.size), cell_of(float_at(at + 8), task.north, task.size)
        for _ in range(vertices - 1):
            at += 16
            b_col, b_row = cell_of(float_at(at), task.east, task.size), cell_of(float_at(at + 8), task.north, task.size)
            pieces += 5 + abs(b_col - a_col) + abs(b_row - a_row)
            a_col, a_row = b_col, b_row
    return pieces


@inner
def cells_at_most(rings: int, n_rings: int, whole: float, extent: Extent, task: Task) -> float:
    """How many cells hold something of a feature, at most; edges are walked along only where its box has too many.

    Args:
        rings: address of its rings or lines.
        n_rings: how many.
        whole: its area in m2; 0 of a line.
        extent: the cells of its box.
        task: what is asked.
    """
    cells = float(extent.height) * float(extent.width)
    if cells <= task.most:
        return cells
    along = float(n_rings)
    for r in range(n_rings):
        at = int_at(rings + RING * r)
        for _ in range(int_at(rings + RING * r + VERTICES) - 1):
            along += abs(float_at(at + 16) - float_at(at)) + abs(float_at(at + 24) - float_at(at + 8))
            at += 16
    return min(cells, along / task.size + abs(whole) / (float(task.size) * task.size))


@inner
def first_pieces(rings: int, n_rings: int, extent: Extent, task: Task) -> Any:
    """Return how a window of this extent is kept, as `grids.window_kernels` has it, and whether there is room."""
    if extent.height <= CELLS_AT_ONCE // extent.width:
        return (SMALL if extent.height * extent.width <= FEW_CELLS else TOUCHED), True
    return 0, has_room(task.workspace, ROOM_FOR_PIECES, crossings_at_most(rings, n_rings, task))


@inner
def _survey(rings: int, n_rings: int, check: bool) -> Any:
    """Write box and turn of each ring; return a kind (AREAS if all is well), the area, the extent and nodes needed."""
    whole, west, south, east, north = 0.0, _BEYOND, _BEYOND, -_BEYOND, -_BEYOND
    nodes, kind = 0, AREAS
    for r in range(n_rings):
        ring = rings + RING * r
        at, vertices, shell = int_at(ring), int_at(ring + VERTICES), int_at(ring + SHELL)
        x_low, y_low, x_high, y_high, doubled = _BEYOND, _BEYOND, -_BEYOND, -_BEYOND, 0.0
        if vertices:
            x_low, y_low, x_high, y_high, doubled, sound = survey_ring(at, vertices)
            if not sound:
                return NOT_METRES, 0.0, west, south, east, north, 0
            end = at + 16 * (vertices - 1)
            if vertices < 4 or float_at(at) != float_at(end) or float_at(at + 8) != float_at(end + 8):
                kind = DOUBTFUL if check else kind  # no ring at all
            nodes += nodes_of(vertices - 1)
        put_box(ring + BOX, x_low, y_low, x_high, y_high)
        # A shell opens area where it goes down if it turns counter-clockwise, a hole the other way round.
        put_int(ring + TURN, -1 if (doubled > 0) == (shell != 0) else 1)
        whole += abs(doubled) / 2 if shell else -abs(doubled) / 2
        west, south, east, north = min(west, x_low), min(south, y_low), max(east, x_high), max(north, y_high)
    if west > east:
        return NOWHERE, 0.0, west, south, east, north, 0
    if check and not whole > _THINNEST_M * ((east - west) + (north - south)):
        kind = DOUBTFUL
    return kind, whole, west, south, east, north, nodes


@inner
def _is_closed(at: int, vertices: int) -> bool:
    end = at + 16 * (vertices - 1)
    return vertices > 3 and float_at(at) == float_at(end) and float_at(at + 8) == float_at(end + 8)


@inner
def polygon_in_cells(rings: int, n_rings: int, task: Task, owner: int, n: int) -> Any:
    """Share out one polygon or multipolygon.

    Args:
        rings: address of its rings; boxes and turns are written to them.
        n_rings: how many.
        task: what is asked.
        owner: whose the parts are.
        n: how many are found already.
    """
    if n_rings == 1 and _is_closed(int_at(rings), int_at(rings + VERTICES)):
        at, vertices = int_at(rings), int_at(rings + VERTICES)
        box = box_of(at, vertices)
        if not is_metres(box):
            return NOT_METRES, 0.0, n
        extent = extent_of(box.west, box.south, box.east, box.north, task)
        if not task.measured and extent.height == 1 and extent.width == 1:
            return AREAS, 1.0, put_found(found_of(task.workspace), n, owner, extent.row, extent.col, 1.0)
        return ring_in_cells(at, vertices, box, extent, task, owner, n)
    kind, whole, x_low, y_low, x_high, y_high, nodes = _survey(rings, n_rings, task.check)
    if kind != AREAS:
        return kind, 0.0, n
    extent = extent_of(x_low, y_low, x_high, y_high, task)
    if not task.measured and extent.height == 1 and extent.width == 1:
        return AREAS, whole, put_found(found_of(task.workspace), n, owner, extent.row, extent.col, 1.0)
    kind = _judge(rings, n_rings, nodes, task.workspace) if task.check else AREAS
    if kind != AREAS:
        return kind, 0.0, n
    return _cut_polygon(rings, n_rings, task, owner, n, whole, extent)


@inner
def ring_in_cells(at: int, vertices: int, box: Box, extent: Extent, task: Task, owner: int, n: int) -> Any:
    """Do as `polygon_in_cells` with one closed ring of four vertices at least, which is what nearly all buildings are.

    Args:
        at: address of its vertices.
        vertices: how many.
        box: what is known of them.
        extent: the cells they lie in.
        task: what is asked.
        owner: whose the parts are.
        n: how many are found already.
    """
    per_edge = 1.0 / (vertices - 1)
    x0, y0, slack, low, high = box.sum_x * per_edge, box.sum_y * per_edge, slack_of(box), 0.0, 0.0
    in_two, upright = extent.height + extent.width == 3, extent.height - 1
    if in_two:
        doubled, simple, low, high = fan_in_two(at, vertices, x0, y0, slack, _border_within(extent, task), upright)
    else:
        doubled, simple = fan(at, vertices, x0, y0, slack)
    whole = 0.5 * abs(doubled)
    ring, one = int_at(task.workspace + RINGS), min(vertices, 1)  # no literal, for which numba would compile it again
    put_int(ring, at)
    put_int(ring + VERTICES, vertices)
    put_int(ring + TURN, -1 if doubled > 0 else 1)
    if task.check:
        kind = AREAS if whole > _THINNEST_M * ((box.east - box.west) + (box.north - box.south)) else DOUBTFUL
        if kind == AREAS and not simple:
            room = int_at(task.workspace + LEVELS) + BOXES
            answer = short_ring_meets(at, vertices - 1, box.west, box.south, box.east, box.north, room)
            kind = DOUBTFUL if answer == MEET else AREAS
            if answer == LONG:
                put_box(ring + BOX, box.west, box.south, box.east, box.north)
                kind = _judge(ring, one, nodes_of(vertices - 1), task.workspace)
        if kind != AREAS:
            return kind, 0.0, n
    if not in_two:
        return _cut_polygon(ring, one, task, owner, n, whole, extent)
    after, plausible = _put_two(low, high, whole, extent, task, owner, n)
    return (DOUBTFUL, 0.0, n) if task.check and not plausible else (AREAS, whole, after)


@inner
def extent_of(west: float, south: float, east: float, north: float, task: Task) -> Extent:
    """The cells that hold something of what lies within these bounds."""
    col, last_col = cells_along(west, east, task.east, task.size)
    row, last_row = cells_along(south, north, task.north, task.size)
    return Extent(row, col, last_row - row + 1, last_col - col + 1)


@inner
def _judge(rings: int, n_rings: int, nodes: int, workspace: int) -> int:
    """Say AREAS of rings that do not cross, DOUBTFUL of those that do, and SHORT where there is no room to find out."""
    if not has_room(workspace, ROOM_FOR_NODES, nodes) or not has_room(workspace, ROOM_FOR_PIECES, n_rings):
        return SHORT
    window = window_of(workspace)
    cross = polygon_crosses(rings, n_rings, int_at(workspace + NODES), int_at(workspace + LEVELS), window)
    return DOUBTFUL if cross else AREAS


@inner
def _border_within(extent: Extent, task: Task) -> float:
    """The border between two cells that are all of an extent."""
    upright = extent.height - 1
    east, north = task.east + (extent.col + 1) * task.size, task.north + (extent.row + 1) * task.size
    return float(east + upright * (north - east))


@inner
def _cut_in_two(rings: int, n_rings: int, task: Task, extent: Extent) -> Any:
    """Return what a polygon in two cells, side by side or one above the other, has on both sides of their border."""
    low, high = 0.0, 0.0
    for r in range(n_rings):
        ring = rings + RING * r
        at, vertices = int_at(ring), int_at(ring + VERTICES)
        if vertices:
            x0, y0, border = float_at(at), float_at(at + 8), _border_within(extent, task)
            _, _, of_low, of_high = fan_in_two(at, vertices, x0, y0, 0.0, border, extent.height - 1)
            sign = 1.0 if int_at(ring + SHELL) else -1.0
            low, high = low + sign * of_low, high + sign * of_high
    return low, high


@inner
def _put_two(low: float, high: float, whole: float, extent: Extent, task: Task, owner: int, n: int) -> Any:
    """Note what two cells hold, as `grids.window_kernels.empty_window` does."""
    found, cell = found_of(task.workspace), float(task.size) * task.size
    least, most, scale = RESIDUE * min(cell, abs(whole)), cell * (1 + _DOUBT), 1.0 if task.measured else 1.0 / whole
    plausible = True
    if abs(low) > least:
        plausible = 0 < low < most
        n = put_found(found, n, owner, extent.row, extent.col, low * scale)
    if abs(high) > least:
        plausible = plausible and 0 < high < most
        n = put_found(found, n, owner, extent.row + extent.height - 1, extent.col + extent.width - 1, high * scale)
    return n, plausible


@inner
def _cut_polygon(rings: int, n_rings: int, task: Task, owner: int, n: int, whole: float, extent: Extent) -> Any:
    """Share out a polygon of known area and extent; `polygon_in_cells` has the rest."""
    size, window, found = task.size, window_of(task.workspace), found_of(task.workspace)
    if extent.height == 1 and extent.width == 1:
        return AREAS, whole, put_found(found, n, owner, extent.row, extent.col, whole if task.measured else 1.0)
    before = n
    if extent.height + extent.width == 3:
        low, high = _cut_in_two(rings, n_rings, task, extent)
        n, plausible = _put_two(low, high, whole, extent, task, owner, n)
        return (DOUBTFUL, 0.0, before) if task.check and not plausible else (AREAS, whole, n)
    cells = cells_at_most(rings, n_rings, whole, extent, task)
    if cells > task.most:
        return TOO_LARGE, cells, n
    pieces, has = first_pieces(rings, n_rings, extent, task)
    if not has:
        return SHORT, 0.0, n
    bits = 61  # of heights: as many as an integer has beside the metres
    while (extent.height * size) >> (61 - bits):
        bits -= 1
    frame = (extent.height, extent.width, size, bits, 1.0 / size)
    west, south = float(task.east + extent.col * size), float(task.north + extent.row * size)
    for r in range(n_rings):
        if int_at(rings + RING * r + VERTICES) > 1:
            pieces = _walk_ring(rings + RING * r, window, pieces, frame, west, south)
    cell, scale = float(size) * size, 1.0 if task.measured else 1.0 / whole
    least, most = scale * RESIDUE * min(cell, abs(whole)), scale * cell * (1 + _DOUBT)
    rule = Rule(size, scale / float(1 << bits), owner, least, most)
    n, plausible = empty_window(window, pieces, extent, rule, found, n)
    if task.check and not plausible:
        return DOUBTFUL, 0.0, before
    return AREAS, whole, n
