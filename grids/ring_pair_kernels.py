"""Compiled: whether the rings of a polygon, of which none crosses itself, meet each other or lie where they must not.

Rings of a valid polygon may touch, as a clearing that reaches the edge of its wood, or two that meet at a corner; where
that is a vertex of both, and each pair of rings has one such place, it is seen here. Rings that hang together in a
circle cut the ground within from the rest: then the polygon is none by the rules, and left to GEOS like all else.
"""

from typing import Any

from grids.compiled import inner
from grids.crossing_kernels import (
    BOX,
    CROSSED,
    DEPTH,
    LINK,
    RING,
    RUN,
    SHELL,
    STEPS,
    TREE,
    VERTICES,
    apart,
    levels_of,
    nodes_of,
    ring_crosses,
    run_meets_tree,
)
from grids.edge_kernels import APART, LONG, MEET, same_vertex
from grids.memory_kernels import float_at, int_at, put_int
from grids.sweep_kernels import sweep_meets
from grids.window_kernels import sorted_order


@inner
def rings_cross(rings: int, n_rings: int, tree: int, levels: int, window: Any) -> bool:
    """Whether a ring meets itself or another, a hole lies outside all shells or in a hole, or a shell in a shell.

    Args:
        rings: address of the rings, with their boxes.
        n_rings: how many.
        tree: address of room for all their `nodes_of`, four floats each.
        levels: address of room for `LEVELS_ROOM` integers.
        window: of which the cells of pieces and orders are written to; they hold as many pieces as there are rings.
    """
    budget = 0
    for r in range(n_rings):
        ring = rings + RING * r
        edges = int_at(ring + VERTICES) - 1
        put_int(ring + TREE, tree)
        put_int(ring + DEPTH, 0)
        put_int(ring + LINK, ring)
        answer = ring_crosses(ring, tree, levels, n_rings > 1)
        if answer == MEET or (answer == LONG and sweep_meets(ring, min(n_rings, 1))):
            return True
        if edges > 0:
            tree += 32 * nodes_of(edges)
            budget += STEPS * (edges // RUN + RUN)
    if n_rings == 1:
        return False
    answer = _pairs_cross(rings, n_rings, levels, window, budget)
    return sweep_meets(rings, n_rings) if answer == LONG else answer == MEET


@inner
def _pairs_cross(rings: int, n_rings: int, levels: int, window: Any, budget: int) -> int:
    """Whether rings of which none meets itself meet each other, or are not nested as shells and holes."""
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
            budget -= 1
            if budget < 0:
                return LONG
            if apart(one + BOX, other + BOX):
                continue
            answer, touch, spent = _rings_meet(one, other, levels, budget)
            if answer != APART:
                return int(answer)
            if touch and (_pass_through(one, other, touch) or _close_circle(one, other)):
                return MEET
            of_one, steps = _depth_in(one, other, levels, touch)
            of_other, more = _depth_in(other, one, levels, touch)
            put_int(one + DEPTH, int_at(one + DEPTH) + of_one)
            put_int(other + DEPTH, int_at(other + DEPTH) + of_other)
            budget -= spent + steps + more
    for r in range(n_rings):
        ring = rings + RING * r
        if int_at(ring + VERTICES) >= 2 and int_at(ring + DEPTH) != 1 - int_at(ring + SHELL):
            return MEET
    return APART


@inner
def _rank(x: float) -> int:
    """An integer in the order of x-coordinates."""
    return int(x * 2.0**36)


@inner
def _rings_meet(one: int, other: int, levels: int, budget: int) -> tuple[int, int, int]:
    """Whether two rings meet (APART, MEET or LONG), and how many boxes that took: the shorter one asks the longer.

    Rings that touch in one vertex only are APART; its address is said too, 0 if there is none.
    """
    if int_at(one + VERTICES) > int_at(other + VERTICES):
        one, other = other, one
    at, edges, tree = int_at(one), int_at(one + VERTICES) - 1, int_at(one + TREE)
    other_at, others = int_at(other), int_at(other + VERTICES) - 1
    top = levels_of((others + RUN - 1) // RUN, int_at(other + TREE), levels)
    spent, touch = 0, 0
    for run in range((edges + RUN - 1) // RUN):
        touch, steps = run_meets_tree(at, edges, run, tree + 32 * run, other_at, others, 0, levels, top, touch)
        spent += steps
        if touch == CROSSED:
            return MEET, 0, spent
        if spent > budget:
            return LONG, 0, spent
    return APART, touch, spent


@inner
def _beside(ring: int, place: int) -> tuple[int, int]:
    """Return the vertices of a ring before and after the one at a place, which it passes once; repeated ones are one.

    Addresses; 0 and 0 if it does not pass there.
    """
    at, edges = int_at(ring), int_at(ring + VERTICES) - 1
    first = (place - at) // 16 if at <= place < at + 16 * edges else 0  # it may be the place of this ring itself
    for v in range(first, edges):
        if same_vertex(at + 16 * v, place):
            before, after = (v + edges - 1) % edges, (v + 1) % edges
            while before != v and same_vertex(at + 16 * before, place):
                before = (before + edges - 1) % edges
            while after != v and same_vertex(at + 16 * after, place):
                after = (after + 1) % edges
            return at + 16 * before, at + 16 * after
    return 0, 0


@inner
def _turn(place: int, a: int, b: int) -> int:
    """How one turns at a place from vertex `a` to `b`: 1 to the left, -1 to the right, 0 if rounding cannot tell."""
    ax, ay = float_at(a) - float_at(place), float_at(a + 8) - float_at(place + 8)
    bx, by = float_at(b) - float_at(place), float_at(b + 8) - float_at(place + 8)
    turn, slack = ax * by - ay * bx, 1e-15 * (abs(ax) + abs(ay)) * (abs(bx) + abs(by))
    return int(turn > slack) - int(turn < -slack)


@inner
def _lies_between(place: int, a: int, b: int, c: int) -> bool:
    """Whether vertex `c`, seen from a place, lies between `a` and `b`, going to the left; none beyond another."""
    whole, first, last = _turn(place, a, b), _turn(place, a, c), _turn(place, c, b)
    if whole > 0:
        return first > 0 and last > 0
    return first > 0 or (whole < 0 and last > 0)


@inner
def _pass_through(one: int, other: int, place: int) -> bool:
    """Whether a ring that meets another in one vertex goes from one side of it to the other there."""
    a, b = _beside(one, place)
    c, d = _beside(other, place)
    if a == 0 or c == 0:
        return True
    return _lies_between(place, a, b, c) != _lies_between(place, a, b, d)


@inner
def _close_circle(one: int, other: int) -> bool:
    """Whether two rings that touch hang together by others already; if not, they do now. Shells may touch anyhow."""
    if int_at(one + SHELL) and int_at(other + SHELL):
        return False
    while int_at(one + LINK) != one:
        one = int_at(one + LINK)
    while int_at(other + LINK) != other:
        other = int_at(other + LINK)
    put_int(one + LINK, other)
    return one == other


@inner
def _encloses(at: int, edges: int, levels: int, top: int, x: float, y: float) -> Any:
    """Whether a place that is not on a ring lies in it, and how many boxes that took.

    Edges to the east are counted, far ones by whole runs.
    """
    last_run = (edges + RUN - 1) // RUN - 1
    inside, steps = False, 0
    level, i = top, 0
    while True:
        steps += 1
        node = int_at(levels + 8 * level) + 32 * i
        if i <= last_run >> level and float_at(node + 8) <= y <= float_at(node + 24) and x <= float_at(node + 16):
            first, last = (i << level) * RUN, min(((i + 1) << level) * RUN, edges)
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
            return inside, steps


@inner
def _depth_in(one: int, other: int, levels: int, touch: int) -> tuple[int, int]:
    """What a ring that does not cross this one adds to its depth, and how many boxes that took to find.

    1 if it is a shell around it, -1 a hole around it. Any vertex tells, but for one at which they touch.
    """
    a, b = one + BOX, other + BOX
    if (
        float_at(a) < float_at(b)
        or float_at(a + 8) < float_at(b + 8)
        or float_at(a + 16) > float_at(b + 16)
        or float_at(a + 24) > float_at(b + 24)
    ):
        return 0, 0
    edges = int_at(other + VERTICES) - 1
    top = levels_of((edges + RUN - 1) // RUN, int_at(other + TREE), levels)
    at, left = int_at(one), int_at(one + VERTICES) - 2
    while touch and left > 0 and same_vertex(at, touch):
        at, left = at + 16, left - 1
    inside, steps = _encloses(int_at(other), edges, levels, top, float_at(at), float_at(at + 8))
    return (2 * int_at(other + SHELL) - 1 if inside else 0), steps


@inner
def polygon_crosses(rings: int, n_rings: int, tree: int, levels: int, window: Any) -> bool:
    """Whether rings of a polygon or multipolygon cross (`rings_cross`), or a hole lies in another part than its own.

    `rings_cross` alone takes a hole within any shell for nested.

    Args:
        rings: as `rings_cross` has them; holes follow the shell of their part.
        n_rings: how many.
        tree: as there.
        levels: as there.
        window: as there.
    """
    if rings_cross(rings, n_rings, tree, levels, window):
        return True
    if n_rings < 3:  # two shells and a hole are the fewest of which one can lie in the wrong part
        return False
    shells = 0
    for r in range(n_rings):
        shells += int_at(rings + RING * r + SHELL)
    return 1 < shells < n_rings and _parts_cross(rings, n_rings, tree, levels, window)


@inner
def _parts_cross(rings: int, n_rings: int, tree: int, levels: int, window: Any) -> bool:
    """Whether a hole lies elsewhere than in its own part, while the rings of all are nested: asked of each part."""
    first = 0
    for r in range(1, n_rings + 1):
        if r == n_rings or int_at(rings + RING * r + SHELL):
            if r - first > 1 and rings_cross(rings + RING * first, r - first, tree, levels, window):
                return True
            first = r
    return False
