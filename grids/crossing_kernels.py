"""Compiled: whether the rings of a polygon can be trusted, or cross themselves or each other.

Edges only say what a polygon covers if its rings do not cross, holes lie in shells and shells beside each other. What
is in doubt here is looked at by GEOS; what is not is valid as far as areas go.

A ring's edges are boxed in runs of eight, the runs in pairs, these in pairs and so on: a tree, level by level in
memory, in which a run asks for those it may meet. A run that goes one way together with the next meets neither itself
nor that one.

Rings are given by the address of 80 bytes each: the address of the first vertex (x and y as float64, one vertex after
the other, the first again at the end), how many vertices, whether it is a shell, which way it is to be turned, where
its tree is, its depth among the others, and its box (west, south, east, north; of an empty one upside down).
"""

import math
from typing import Any

from grids.compiled import inner
from grids.memory_kernels import float_at, int_at, put_float, put_int
from grids.window_kernels import sorted_order

RING = 80  # bytes
VERTICES, SHELL, TURN, TREE, DEPTH, BOX = 8, 16, 24, 32, 40, 48  # where in them

_RUN = 8  # edges that are boxed together
_FEW_EDGES = 16  # rings up to here are asked edge by edge


@inner
def _meet(a: int, b: int) -> bool:
    """Whether the edges that begin at addresses `a` and `b` meet, or so nearly that rounding cannot tell."""
    ax, bx, cx, dx = float_at(a), float_at(a + 16), float_at(b), float_at(b + 16)
    if max(cx, dx) < min(ax, bx) or min(cx, dx) > max(ax, bx):
        return False
    ay, by, cy, dy = float_at(a + 8), float_at(a + 24), float_at(b + 8), float_at(b + 24)
    if max(cy, dy) < min(ay, by) or min(cy, dy) > max(ay, by):
        return False
    if (ax == bx and ay == by) or (cx == dx and cy == dy):
        return False  # no edge: its neighbours have the vertex
    slack = 1e-15 * (abs(bx - ax) + abs(by - ay)) * (abs(dx - cx) + abs(dy - cy))
    of_c = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    of_d = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    if (of_c > slack and of_d > slack) or (of_c < -slack and of_d < -slack):
        return False
    of_a = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
    of_b = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
    return not ((of_a > slack and of_b > slack) or (of_a < -slack and of_b < -slack))


@inner
def _same_vertex(a: int, b: int) -> bool:
    return bool(float_at(a) == float_at(b) and float_at(a + 8) == float_at(b + 8))


@inner
def _neighbours(at: int, edges: int, a: int, b: int) -> bool:
    """Whether only repeated vertices lie between edges `a` < `b` of a ring, one way round or the other."""
    forth = True
    for v in range(a + 1, b):
        forth = forth and _same_vertex(at + 16 * v, at + 16 * (v + 1))
        if not forth:
            break
    if forth:
        return True
    for v in range(b + 1, edges):
        if not _same_vertex(at + 16 * v, at + 16 * (v + 1)):
            return False
    back = True
    for v in range(a):
        back = back and _same_vertex(at + 16 * v, at + 16 * (v + 1))
    return back


@inner
def _edges_meet(at: int, edges: int, a: int, b: int) -> bool:
    return _meet(at + 16 * a, at + 16 * b) and not _neighbours(at, edges, a, b)


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
        to_east = qx > 0 or (qx == 0 and qy > 0)
        flips += to_east != east
        px, py, east = qx, qy, to_east
    return flips == 2 and left != right


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
    count = (edges + _RUN - 1) // _RUN
    total = count
    while count > 1:
        count = (count + 1) // 2
        total += count
    return total


@inner
def _put_box(at: int, x_low: float, y_low: float, x_high: float, y_high: float) -> None:
    put_float(at, x_low)
    put_float(at + 8, y_low)
    put_float(at + 16, x_high)
    put_float(at + 24, y_high)


@inner
def _apart(a: int, b: int) -> bool:
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
    count = (edges + _RUN - 1) // _RUN
    for r in range(count):
        vertex, end = at + 16 * r * _RUN, at + 16 * min((r + 1) * _RUN, edges)
        x_low, y_low = float_at(vertex), float_at(vertex + 8)
        x_high, y_high = x_low, y_low
        while vertex < end:
            vertex += 16
            x, y = float_at(vertex), float_at(vertex + 8)
            x_low, x_high = (x if x < x_low else x_low), (x if x > x_high else x_high)
            y_low, y_high = (y if y < y_low else y_low), (y if y > y_high else y_high)
        _put_box(tree + 32 * r, x_low, y_low, x_high, y_high)
    below = tree
    while count > 1:
        above, half = below + 32 * count, (count + 1) // 2
        for i in range(half):
            a = below + 64 * i
            b = a + 32 * (2 * i + 1 < count)
            _put_box(
                above + 32 * i,
                min(float_at(a), float_at(b)),
                min(float_at(a + 8), float_at(b + 8)),
                max(float_at(a + 16), float_at(b + 16)),
                max(float_at(a + 24), float_at(b + 24)),
            )
        below, count = above, half


@inner
def _levels(runs: int, tree: int, levels: int) -> int:
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
def _runs_meet(at: int, edges: int, run: int, other_at: int, others: int, other_run: int, box: int) -> bool:
    """Whether an edge of one run meets an edge of another, whose box is given; of a ring itself, neighbours may."""
    x_low, y_low, x_high, y_high = float_at(box), float_at(box + 8), float_at(box + 16), float_at(box + 24)
    for a in range(run * _RUN, min((run + 1) * _RUN, edges)):
        p = at + 16 * a
        ax, bx = float_at(p), float_at(p + 16)
        if max(ax, bx) < x_low or min(ax, bx) > x_high:
            continue
        ay, by = float_at(p + 8), float_at(p + 24)
        if max(ay, by) < y_low or min(ay, by) > y_high:
            continue
        for b in range(other_run * _RUN, min((other_run + 1) * _RUN, others)):
            if _meet(p, other_at + 16 * b) and (at != other_at or not _neighbours(at, edges, a, b)):
                return True
    return False


@inner
def _run_meets_tree(
    at: int, edges: int, run: int, box: int, other_at: int, others: int, first: int, levels: int, top: int
) -> bool:
    """Whether a run, whose box is given, meets one of a ring's runs from `first` on; `levels` are of that ring."""
    last = (others + _RUN - 1) // _RUN - 1
    level, i = 0, first
    while i & 1 == 0 and level < top:
        i >>= 1
        level += 1
    while True:
        node = int_at(levels + 8 * level) + 32 * i
        if i <= last >> level and not _apart(box, node):
            if level > 0:
                level, i = level - 1, 2 * i
                continue
            if _runs_meet(at, edges, run, other_at, others, i, node):
                return True
        i += 1
        while i & 1 == 0 and level < top:
            i >>= 1
            level += 1
        if level >= top:
            return False


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
def _few_cross(at: int, edges: int) -> bool:
    """Whether edges of a short ring meet that are not neighbours."""
    if _goes_around(at, edges) or _is_convex(at, edges):
        return False
    for a in range(edges):
        for b in range(a + 2, edges):
            if _edges_meet(at, edges, a, b):
                return True
    return False


@inner
def _many_cross(at: int, edges: int, tree: int, levels: int) -> bool:
    """Whether edges of a ring meet that are not neighbours; its tree has been planted."""
    runs = (edges + _RUN - 1) // _RUN
    top = _levels(runs, tree, levels)
    for r in range(runs):
        first, middle, last = r * _RUN, min((r + 1) * _RUN, edges), min((r + 2) * _RUN, edges)
        if not _goes_one_way(at, first, last):
            if not _goes_one_way(at, first, middle):
                for a in range(first, middle):
                    for b in range(a + 2, middle):
                        if _edges_meet(at, edges, a, b):
                            return True
            if r + 1 < runs and _runs_meet(at, edges, r, at, edges, r + 1, tree + 32 * (r + 1)):
                return True
        if r + 2 < runs and _run_meets_tree(at, edges, r, tree + 32 * r, at, edges, r + 2, levels, top):
            return True
    return False


@inner
def _rings_meet(one: int, other: int, levels: int) -> bool:
    """Whether two rings meet: the shorter one asks the tree of the longer one."""
    if int_at(one + VERTICES) > int_at(other + VERTICES):
        one, other = other, one
    at, edges, tree = int_at(one), int_at(one + VERTICES) - 1, int_at(one + TREE)
    other_at, others = int_at(other), int_at(other + VERTICES) - 1
    top = _levels((others + _RUN - 1) // _RUN, int_at(other + TREE), levels)
    for run in range((edges + _RUN - 1) // _RUN):
        if _run_meets_tree(at, edges, run, tree + 32 * run, other_at, others, 0, levels, top):
            return True
    return False


@inner
def _encloses(at: int, edges: int, levels: int, top: int, x: float, y: float) -> bool:
    """Whether a place that is not on a ring lies in it: edges to the east are counted, far ones by whole runs."""
    last_run = (edges + _RUN - 1) // _RUN - 1
    inside = False
    level, i = top, 0
    while True:
        node = int_at(levels + 8 * level) + 32 * i
        if i <= last_run >> level and float_at(node + 8) <= y <= float_at(node + 24) and x <= float_at(node + 16):
            first, last = (i << level) * _RUN, min(((i + 1) << level) * _RUN, edges)
            if x < float_at(node):
                inside ^= (float_at(at + 16 * first + 8) > y) != (float_at(at + 16 * last + 8) > y)
            elif level > 0:
                level, i = level - 1, 2 * i
                continue
            else:
                for v in range(first, last):
                    p = at + 16 * v
                    ay, by = float_at(p + 8), float_at(p + 24)
                    if (ay > y) != (by > y):
                        ax, bx = float_at(p), float_at(p + 16)
                        inside ^= ((bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0) == (by > ay)
        i += 1
        while i & 1 == 0 and level < top:
            i >>= 1
            level += 1
        if level >= top:
            return inside


@inner
def _depth_in(one: int, other: int, levels: int) -> int:
    """What a ring that does not meet this one adds to its depth: 1 if it is a shell around it, -1 a hole around it."""
    a, b = one + BOX, other + BOX
    if (
        float_at(a) < float_at(b)
        or float_at(a + 8) < float_at(b + 8)
        or float_at(a + 16) > float_at(b + 16)
        or float_at(a + 24) > float_at(b + 24)
    ):
        return 0
    edges = int_at(other + VERTICES) - 1
    top = _levels((edges + _RUN - 1) // _RUN, int_at(other + TREE), levels)
    if not _encloses(int_at(other), edges, levels, top, float_at(int_at(one)), float_at(int_at(one) + 8)):
        return 0
    return 1 if int_at(other + SHELL) else -1


@inner
def _rank(x: float) -> int:
    """An integer in the order of x-coordinates."""
    return int(x * 2.0**36)


@inner
def rings_cross(rings: int, n_rings: int, tree: int, levels: int, window: Any) -> bool:
    """Whether a ring meets itself or another, a hole lies outside all shells or in a hole, or a shell in a shell.

    Args:
        rings: address of the rings, with their boxes.
        n_rings: how many.
        tree: address of room for all their `nodes_of`, four floats each.
        levels: address of room for 64 integers.
        window: of which the cells of pieces and orders are written to; they hold as many pieces as there are rings.
    """
    for r in range(n_rings):
        ring = rings + RING * r
        at, edges = int_at(ring), int_at(ring + VERTICES) - 1
        put_int(ring + TREE, tree)
        put_int(ring + DEPTH, 0)
        if edges <= _FEW_EDGES and edges > 0 and _few_cross(at, edges):
            return True
        many = edges > _FEW_EDGES and not _goes_around(at, edges)
        if edges > 0 and (n_rings > 1 or many):
            _plant(at, edges, tree)
            if many and _many_cross(at, edges, tree, levels):
                return True
            tree += 32 * nodes_of(edges)
    if n_rings == 1:
        return False
    keys = window.cells
    for r in range(n_rings):
        put_int(keys + 8 * r, _rank(float_at(rings + RING * r + BOX)))
    order = sorted_order(keys, n_rings, window.orders, window.orders + 8 * n_rings)
    for k in range(n_rings):
        one = rings + RING * int_at(order + 8 * k)
        end = _rank(float_at(one + BOX + 16))
        for m in range(k + 1, n_rings):
            position = int_at(order + 8 * m)
            if int_at(keys + 8 * position) > end:
                break
            other = rings + RING * position
            if _apart(one + BOX, other + BOX):
                continue
            if _rings_meet(one, other, levels):
                return True
            put_int(one + DEPTH, int_at(one + DEPTH) + _depth_in(one, other, levels))
            put_int(other + DEPTH, int_at(other + DEPTH) + _depth_in(other, one, levels))
    nested = True
    for r in range(n_rings):
        ring = rings + RING * r
        nested = nested and (int_at(ring + VERTICES) < 2 or int_at(ring + DEPTH) == 1 - int_at(ring + SHELL))
    return not nested
