"""Compiled: which edges of a ring meet that are no neighbours.

Nearly none do, so pairs are told apart many at a time, and only what is left is looked at one by one. In rings of few
edges it is lines that tell them apart, eight vertices at once: edges do not meet if one lies on one side of the line
through the other. In longer ones it is boxes, sixteen at once, in whole numbers that stand in the order of their
coordinates: what is apart in these is apart. Sixteen edges one after the other are a group, which has a box as well.

A ring is given by the address of its vertices, x and y as float64, the first again at the end.
"""

from grids.compiled import inner
from grids.memory_kernels import (
    boxes_met,
    float_at,
    int_at,
    lowest_bit,
    put_float,
    put_int,
    put_word,
    sides_of,
    word_at,
)

APART, MEET, LONG = 0, 1, 2  # answers; LONG: not known yet, after so many steps that another way is shorter

FEW_EDGES = 32  # rings up to here are asked by lines
BOXED_EDGES = 2048  # and up to here by boxes
PAIRS = 64  # looked at for each edge before that is given up; nearly all rings take fewer than two
ROOM_FOR_BOXES = 128 * (BOXED_EDGES // 16 + BOXED_EDGES // 256)  # bytes, more than lines need

_ROUNDING = 1e-15  # of the products that a turn is the difference of
_GROUP = 128  # bytes: sixteen boxes, first all their wests, then souths, easts and norths
_SOUTH, _EAST, _NORTH = 32, 64, 96  # where in them
_LAST = 32766  # step on the way from a ring's west to its east
_BEYOND = 32767
_NO_M = 1e-290  # instead of an extent of nothing, through which nothing can be divided


@inner
def meet(a: int, b: int) -> bool:
    """Whether the edges that begin at addresses `a` and `b` meet, or so nearly that rounding cannot tell."""
    ax, bx, cx, dx = float_at(a), float_at(a + 16), float_at(b), float_at(b + 16)
    if max(cx, dx) < min(ax, bx) or min(cx, dx) > max(ax, bx):
        return False
    ay, by, cy, dy = float_at(a + 8), float_at(a + 24), float_at(b + 8), float_at(b + 24)
    if max(cy, dy) < min(ay, by) or min(cy, dy) > max(ay, by):
        return False
    if (ax == bx and ay == by) or (cx == dx and cy == dy):
        return False  # no edge: its neighbours have the vertex
    of_ab, of_cd = abs(bx - ax) + abs(by - ay), abs(dx - cx) + abs(dy - cy)
    per_m = _ROUNDING * (of_ab + of_cd)  # edges whose boxes meet are no farther apart than they are long
    slack = per_m * of_ab
    of_c = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    of_d = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    if (of_c > slack and of_d > slack) or (of_c < -slack and of_d < -slack):
        return False
    of_a = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
    of_b = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
    slack = per_m * of_cd
    return not ((of_a > slack and of_b > slack) or (of_a < -slack and of_b < -slack))


@inner
def near(p: int, q: int, end: int) -> int:
    """Return the first edge, of those one after the other from `q` on, that may meet edge `p`, else `end`.

    Boxes that meet, and not surely on one side of `p`. All is computed and one thing asked, since no processor can
    guess which of six tells two edges apart.
    """
    ax, ay, bx, by = float_at(p), float_at(p + 8), float_at(p + 16), float_at(p + 24)
    west, east = (ax if ax < bx else bx), (bx if ax < bx else ax)
    south, north = (ay if ay < by else by), (by if ay < by else ay)
    ux, uy = bx - ax, by - ay
    per_m = _ROUNDING * (abs(ux) + abs(uy))
    cx, cy = float_at(q), float_at(q + 8)
    of_c, slack_c = ux * (cy - ay) - uy * (cx - ax), per_m * (abs(cy - ay) + abs(cx - ax))
    while q < end:
        dx, dy = float_at(q + 16), float_at(q + 24)
        vx, vy = dx - ax, dy - ay
        of_d, slack_d = ux * vy - uy * vx, per_m * (abs(vx) + abs(vy))
        beside = ((cx < west) & (dx < west)) | ((cx > east) & (dx > east))
        beside |= ((cy < south) & (dy < south)) | ((cy > north) & (dy > north))
        beside |= ((of_c > slack_c) & (of_d > slack_d)) | ((of_c < -slack_c) & (of_d < -slack_d))
        if not beside:
            return q
        cx, cy, of_c, slack_c = dx, dy, of_d, slack_d
        q += 16
    return end


@inner
def same_vertex(a: int, b: int) -> bool:
    """Whether what lies at two addresses is one place."""
    return bool(float_at(a) == float_at(b) and float_at(a + 8) == float_at(b + 8))


@inner
def _neighbours(at: int, edges: int, a: int, b: int) -> bool:
    """Whether only repeated vertices lie between edges `a` < `b` of a ring, one way round or the other."""
    forth = True
    for v in range(a + 1, b):
        forth = forth and same_vertex(at + 16 * v, at + 16 * (v + 1))
        if not forth:
            break
    if forth:
        return True
    for v in range(b + 1, edges):
        if not same_vertex(at + 16 * v, at + 16 * (v + 1)):
            return False
    back = True
    for v in range(a):
        back = back and same_vertex(at + 16 * v, at + 16 * (v + 1))
    return back


@inner
def edges_meet(at: int, edges: int, a: int, b: int) -> bool:
    """Whether edges `a` < `b` of a ring meet and are no neighbours."""
    return meet(at + 16 * a, at + 16 * b) and not _neighbours(at, edges, a, b)


@inner
def edges_cross(at: int, edges: int, first: int, last: int) -> bool:
    """Whether edges from `first` up to `last` meet that are not neighbours."""
    end = at + 16 * last
    for a in range(first, last - 2):
        p = at + 16 * a
        q = near(p, p + 32, end)
        while q < end:
            if edges_meet(at, edges, a, (q - at) // 16):
                return True
            q = near(p, q + 16, end)
    return False


@inner
def short_ring_meets(at: int, edges: int, west: float, south: float, east: float, north: float, room: int) -> int:
    """Whether edges of a ring meet that are not neighbours: APART, MEET, or LONG as it always is for a long ring.

    Args:
        at: address of its vertices.
        edges: how many.
        west: of its box.
        south: of its box.
        east: of its box.
        north: of its box.
        room: address of `ROOM_FOR_BOXES`.
    """
    if edges <= FEW_EDGES:
        return MEET if _few_meet(at, edges, (east - west) + (north - south), room) else APART
    if edges > BOXED_EDGES:
        return LONG
    _box_edges(at, edges, west, south, _LAST / max(east - west, _NO_M), _LAST / max(north - south, _NO_M), room)
    groups = (edges + 15) // 16
    uppers, left = room + _GROUP * groups, PAIRS * edges
    for g in range(groups):
        box = uppers + _GROUP * (g >> 4) + 2 * (g & 15)
        for block in range(g >> 4, (groups + 15) >> 4):
            met = _met(uppers + _GROUP * block, box) & (-1 << max(g - 16 * block, 0))
            while met:
                h = 16 * block + lowest_bit(met)
                met &= met - 1
                left = _groups_meet(at, edges, room, g, h, left)
                if left < 0:
                    return MEET
            if left == 0:
                return LONG
    return APART


@inner
def _few_meet(at: int, edges: int, reach: float, room: int) -> bool:
    """Whether edges of a ring of few meet that are not neighbours; no two vertices are farther apart than the reach."""
    xs, ys, apart = room, room + 8 * FEW_EDGES, room + 16 * FEW_EDGES
    for v in range((edges + 7) & -8):
        vertex = at + 16 * v if v < edges else at
        put_float(xs + 8 * v, float_at(vertex))
        put_float(ys + 8 * v, float_at(vertex + 8))
    last, per_m = edges - 1, 2 * _ROUNDING * reach
    for p in range(edges):
        edge = at + 16 * p
        ax, ay = float_at(edge), float_at(edge + 8)
        ux, uy = float_at(edge + 16) - ax, float_at(edge + 24) - ay
        slack = per_m * (abs(ux) + abs(uy))
        left, right = 0, 0  # a bit for each vertex that surely lies there
        for v in range(0, edges, 8):
            sides = sides_of(xs + 8 * v, ys + 8 * v, ax, ay, ux, uy, slack)
            left |= (sides & 0xFF) << v
            right |= (sides >> 8) << v
        # A bit for each edge both ends of which do; the last one ends where the first begins.
        beside = (left & (left >> 1 | left << last)) | (right & (right >> 1 | right << last))
        put_int(apart + 8 * p, beside)
        asked = ~beside & ((1 << max(p - 1, 0)) - 1) & ~int(p == last)
        while asked:
            q = lowest_bit(asked)
            asked &= asked - 1
            if (int_at(apart + 8 * q) >> p) & 1 == 0 and edges_meet(at, edges, q, p):
                return True
    return False


@inner
def _box_edges(at: int, edges: int, west: float, south: float, per_x: float, per_y: float, room: int) -> None:
    """Write the boxes of a ring's edges, group by group, and behind these those of its groups; none is upside down."""
    groups = (edges + 15) // 16
    uppers = room + _GROUP * groups
    bx, by = int((float_at(at) - west) * per_x), int((float_at(at + 8) - south) * per_y)
    for g in range((groups + 15) & -16):
        x_low, y_low, x_high, y_high = _BEYOND, _BEYOND, -1, -1
        if g < groups:
            for k in range(16):
                box = room + _GROUP * g + 2 * k
                if 16 * g + k >= edges:
                    _put_box(box, _BEYOND, _BEYOND, -1, -1)
                    continue
                at += 16
                ax, ay, bx, by = bx, by, int((float_at(at) - west) * per_x), int((float_at(at + 8) - south) * per_y)
                w, s, e, n = min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)
                _put_box(box, w, s, e, n)
                x_low, y_low, x_high, y_high = min(x_low, w), min(y_low, s), max(x_high, e), max(y_high, n)
        _put_box(uppers + _GROUP * (g >> 4) + 2 * (g & 15), x_low, y_low, x_high, y_high)


@inner
def _put_box(box: int, west: int, south: int, east: int, north: int) -> None:
    put_word(box, west)
    put_word(box + _SOUTH, south)
    put_word(box + _EAST, east)
    put_word(box + _NORTH, north)


@inner
def _met(group: int, box: int) -> int:
    """Which of the sixteen boxes of a group meet another: a bit for each."""
    return int(boxes_met(group, word_at(box), word_at(box + _SOUTH), word_at(box + _EAST), word_at(box + _NORTH)))


@inner
def _groups_meet(at: int, edges: int, room: int, g: int, h: int, left: int) -> int:
    """How many pairs may still be looked at after those of group `g` and `h`, which is no earlier; -1 if any meet."""
    for p in range(16 * g, min(16 * g + 16, edges)):
        box = room + _GROUP * g + 2 * (p & 15)
        met = _met(room + _GROUP * h, box) & (-1 << max(p + 2 - 16 * h, 0))
        while met:
            q = 16 * h + lowest_bit(met)
            met &= met - 1
            if edges_meet(at, edges, p, q):
                return -1
            left = max(left - 1, 0)
    return left
