"""Compiled: whether a ring crosses itself, or comes near another.

Edges only say what a polygon covers if its rings do not cross, holes lie in shells and shells beside each other
(`grids.ring_pair_kernels`). What is in doubt is looked at by GEOS; what is not is valid as far as areas go.

A ring's edges are boxed in runs of eight, the runs in pairs, these in pairs and so on: a tree, level by level in
memory, in which a run asks for those it may meet. A run that goes one way together with the next meets neither itself
nor that one. Where that takes too long, a line is swept over the rings instead (`grids.sweep_kernels`).

Rings are given by the address of 88 bytes each: the address of the first vertex (x and y as float64, one vertex after
the other, the first again at the end), how many vertices, whether it is a shell, which way it is to be turned, where
its tree is, its depth among the others, its box (west, south, east, north; of an empty one upside down), and the
address of a ring that it hangs together with.
"""

import math

from grids.compiled import inner
from grids.edge_kernels import (
    APART,
    LONG,
    MEET,
    ROOM_FOR_BOXES,
    edges_cross,
    edges_meet,
    meet,
    near,
    same_vertex,
    short_ring_meets,
)
from grids.memory_kernels import float_at, int_at, put_float, put_int

RING = 88  # bytes
VERTICES, SHELL, TURN, TREE, DEPTH, BOX, LINK = 8, 16, 24, 32, 40, 48, 80  # where in them

CROSSED = -1  # in place of the address of a vertex where two rings touch: they have more in common than that

RUN = 8  # edges that are boxed together
BOXES = 512  # bytes behind which a room for levels has that for boxes
LEVELS_ROOM = BOXES // 8 + ROOM_FOR_BOXES // 8  # integers
STEPS = 512  # boxes looked at for each run before that; nearly all rings take fewer than fifty
_CONVEX_EDGES = 16  # rings up to here may prove to be convex, where edges that nearly meet are neighbours' neighbours


@inner
def _is_convex(at: int, edges: int) -> bool:
    """Whether a ring always turns the same way, once around: then it cannot cross itself."""
    left, right, flips = False, False, 0
    end = at + 16 * (edges - 1)
    while end > at and float_at(end) == float_at(at) and float_at(end + 8) == float_at(at + 8):
        end -= 16  # the last vertex stands twice: the turn at the first one is that of the last edge with a length
    px, py = float_at(at) - float_at(end), float_at(at + 8) - float_at(end + 8)
    east = px > 0 or (px == 0 and py > 0)
    for _ in range(edges):
        qx, qy = float_at(at + 16) - float_at(at), float_at(at + 24) - float_at(at + 8)
        at += 16
        if qx == 0 and qy == 0:
            continue
        turn = px * qy - py * qx
        left, right = left or turn > 0, right or turn < 0
        if left and right:
            return False
        to_east = qx > 0 or (qx == 0 and qy > 0)
        flips += to_east != east
        px, py, east = qx, qy, to_east
    return flips == 2 and (left or right)


@inner
def _goes_around(at: int, edges: int) -> bool:
    """Whether a ring goes once around the mean of its vertices, always the same way: then it cannot meet itself."""
    x0, y0, sum_x, sum_y = float_at(at), float_at(at + 8), 0.0, 0.0
    for v in range(edges):
        sum_x += float_at(at + 16 * v) - x0
        sum_y += float_at(at + 16 * v + 8) - y0
    per_edge = 1.0 / edges
    x0, y0 = x0 + sum_x * per_edge, y0 + sum_y * per_edge
    ax, ay = float_at(at) - x0, float_at(at + 8) - y0
    least, most, rounds = math.inf, -math.inf, 0
    for _ in range(edges):
        at += 16
        bx, by = float_at(at) - x0, float_at(at + 8) - y0
        p, q = ax * by, ay * bx
        if ax != bx or ay != by:
            slack = 1e-15 * (abs(p) + abs(q))
            least, most = min(least, p - q - slack), max(most, p - q + slack)
        if least <= 0 and most >= 0:
            return False  # the one way, then the other; or straight to the middle or away from it
        rounds += (ay < 0) != (by < 0)
        ax, ay = bx, by
    return rounds == 2


@inner
def nodes_of(edges: int) -> int:
    """How many boxes the tree of a ring has."""
    count = (edges + RUN - 1) // RUN
    total = count
    while count > 1:
        count = (count + 1) // 2
        total += count
    return total


@inner
def put_box(at: int, x_low: float, y_low: float, x_high: float, y_high: float) -> None:
    """Write a box to an address."""
    put_float(at, x_low)
    put_float(at + 8, y_low)
    put_float(at + 16, x_high)
    put_float(at + 24, y_high)


@inner
def apart(a: int, b: int) -> bool:
    """Whether two boxes, given by their addresses, have nothing in common."""
    return bool(
        float_at(a) > float_at(b + 16)
        or float_at(b) > float_at(a + 16)
        or float_at(a + 8) > float_at(b + 24)
        or float_at(b + 8) > float_at(a + 24)
    )


@inner
def _plant(at: int, edges: int, tree: int) -> None:
    """Write the boxes of a ring's runs, and the levels above."""
    count = (edges + RUN - 1) // RUN
    for r in range(count):
        vertex, end = at + 16 * r * RUN, at + 16 * min((r + 1) * RUN, edges)
        x_low, y_low = float_at(vertex), float_at(vertex + 8)
        x_high, y_high = x_low, y_low
        while vertex < end:
            vertex += 16
            x, y = float_at(vertex), float_at(vertex + 8)
            x_low, x_high = (x if x < x_low else x_low), (x if x > x_high else x_high)
            y_low, y_high = (y if y < y_low else y_low), (y if y > y_high else y_high)
        put_box(tree + 32 * r, x_low, y_low, x_high, y_high)
    below = tree
    while count > 1:
        above, half = below + 32 * count, (count + 1) // 2
        for i in range(half):
            a = below + 64 * i
            b = a + 32 * (2 * i + 1 < count)
            put_box(
                above + 32 * i,
                min(float_at(a), float_at(b)),
                min(float_at(a + 8), float_at(b + 8)),
                max(float_at(a + 16), float_at(b + 16)),
                max(float_at(a + 24), float_at(b + 24)),
            )
        below, count = above, half


@inner
def levels_of(runs: int, tree: int, levels: int) -> int:
    """Write where each level of a tree begins; return the highest."""
    top = 0
    put_int(levels, tree)
    while runs > 1:
        tree += 32 * runs
        top += 1
        put_int(levels + 8 * top, tree)
        runs = (runs + 1) // 2
    return top


@inner
def _touch(p: int, q: int, before: int) -> int:
    """Return the vertex of edge `q` at which alone it touches edge `p` of another ring; CROSSED if they have more.

    So they have if they touch in another place than where their rings touched `before` (0: nowhere yet).
    """
    vertex, of_p, of_q = 0, 0, 0
    for i in range(0, 32, 16):
        for j in range(0, 32, 16):
            if same_vertex(p + i, q + j):
                if vertex:
                    return CROSSED  # an edge of both
                vertex, of_p, of_q = q + j, p + 16 - i, q + 16 - j
    if vertex == 0 or (before != 0 and not same_vertex(vertex, before)):
        return CROSSED
    ax, ay = float_at(of_p) - float_at(vertex), float_at(of_p + 8) - float_at(vertex + 8)
    bx, by = float_at(of_q) - float_at(vertex), float_at(of_q + 8) - float_at(vertex + 8)
    slack = 1e-15 * (abs(ax) + abs(ay)) * (abs(bx) + abs(by))
    return CROSSED if abs(ax * by - ay * bx) <= slack and ax * bx + ay * by > 0 else vertex


@inner
def _runs_meet(at: int, edges: int, run: int, other_at: int, others: int, other_run: int, box: int, touch: int) -> int:
    """Return where edges of one run meet those of another, whose box is given: see `run_meets_tree`."""
    x_low, y_low, x_high, y_high = float_at(box), float_at(box + 8), float_at(box + 16), float_at(box + 24)
    for a in range(run * RUN, min((run + 1) * RUN, edges)):
        p = at + 16 * a
        ax, bx = float_at(p), float_at(p + 16)
        if max(ax, bx) < x_low or min(ax, bx) > x_high:
            continue
        ay, by = float_at(p + 8), float_at(p + 24)
        if max(ay, by) < y_low or min(ay, by) > y_high:
            continue
        q, end = other_at + 16 * other_run * RUN, other_at + 16 * min((other_run + 1) * RUN, others)
        q = near(p, q, end)
        while q < end:
            if at == other_at:
                if edges_meet(at, edges, a, (q - at) // 16):
                    return CROSSED
            elif meet(p, q):
                touch = _touch(p, q, touch)
                if touch == CROSSED:
                    return touch
            q = near(p, q + 16, end)
    return touch


@inner
def run_meets_tree(
    at: int,
    edges: int,
    run: int,
    box: int,
    other_at: int,
    others: int,
    first: int,
    levels: int,
    top: int,
    touch: int,
) -> tuple[int, int]:
    """Return where a run, whose box is given, meets one of a ring's runs from `first` on, and how many boxes that took.

    CROSSED, or the address of the one vertex of that ring at which the other ring touches it (0: nowhere), by all that
    was asked before (`touch`) and now. Of one ring itself neighbours may meet, and nothing may touch.

    `levels` are of that ring.
    """
    last = (others + RUN - 1) // RUN - 1
    level, i, steps = 0, first, 0
    while i & 1 == 0 and level < top:
        i >>= 1
        level += 1
    while True:
        node = int_at(levels + 8 * level) + 32 * i
        steps += 1
        if i <= last >> level and not apart(box, node):
            if level > 0:
                level, i = level - 1, 2 * i
                continue
            steps += RUN
            touch = _runs_meet(at, edges, run, other_at, others, i, node, touch)
            if touch == CROSSED:
                return touch, steps
        i += 1
        while i & 1 == 0 and level < top:
            i >>= 1
            level += 1
        if level >= top:
            return touch, steps


@inner
def _goes_one_way(at: int, first: int, last: int) -> bool:
    """Whether the edges between vertices `first` and `last` all go towards the same side: then they cannot meet."""
    a, end = at + 16 * first, at + 16 * last
    dx, dy = float_at(end) - float_at(a), float_at(end + 8) - float_at(a + 8)
    x, y = float_at(a), float_at(a + 8)
    ahead = True
    while a < end:
        a += 16
        next_x, next_y = float_at(a), float_at(a + 8)
        ahead = ahead and ((next_x - x) * dx + (next_y - y) * dy > 0 or (next_x == x and next_y == y))
        x, y = next_x, next_y
    return ahead


@inner
def _many_cross(at: int, edges: int, tree: int, levels: int) -> int:
    """Whether edges of a ring meet that are not neighbours: APART, MEET or LONG; its tree has been planted."""
    runs = (edges + RUN - 1) // RUN
    top = levels_of(runs, tree, levels)
    spent = 0
    for r in range(runs):
        first, middle, last = r * RUN, min((r + 1) * RUN, edges), min((r + 2) * RUN, edges)
        if not _goes_one_way(at, first, last):
            if not _goes_one_way(at, first, middle) and edges_cross(at, edges, first, middle):
                return MEET
            if r + 1 < runs and _runs_meet(at, edges, r, at, edges, r + 1, tree + 32 * (r + 1), 0) == CROSSED:
                return MEET
        if r + 2 < runs:
            touch, steps = run_meets_tree(at, edges, r, tree + 32 * r, at, edges, r + 2, levels, top, 0)
            if touch == CROSSED:
                return MEET
            spent += steps
            if spent > STEPS * (runs + RUN):
                return LONG
    return APART


@inner
def ring_crosses(ring: int, tree: int, levels: int, has_others: bool) -> int:
    """Whether edges of a ring meet that are not neighbours: APART, MEET or LONG.

    Args:
        ring: address of the ring, with its box.
        tree: address of room for its `nodes_of`; its boxes are written there if it `has_others`, which ask for them.
        levels: address of room for `LEVELS_ROOM`.
        has_others: whether it is one of several rings.
    """
    at, edges, answer = int_at(ring), int_at(ring + VERTICES) - 1, APART
    if edges <= 0:
        return answer
    if not _goes_around(at, edges):
        west, south = float_at(ring + BOX), float_at(ring + BOX + 8)
        east, north = float_at(ring + BOX + 16), float_at(ring + BOX + 24)
        answer = short_ring_meets(at, edges, west, south, east, north, levels + BOXES)
        if answer == MEET and (edges > _CONVEX_EDGES or not _is_convex(at, edges)):
            return MEET
    if answer == LONG or has_others:
        _plant(at, edges, tree)
    return _many_cross(at, edges, tree, levels) if answer == LONG else APART
