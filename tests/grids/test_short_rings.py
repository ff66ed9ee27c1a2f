"""Rings of up to some thousand vertices, told apart many edges at a time; what is vouched for, GEOS finds sound."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from grids.compiled import compiled
from grids.edge_kernels import APART, BOXED_EDGES, FEW_EDGES, LONG, MEET, ROOM_FOR_BOXES, short_ring_meets
from grids.survey import survey
from grids.wkb import WkbColumn

Vertices = NDArray[np.float64]

NORTHERN = (960_000.0, 1_940_000.0)


@compiled
def _meets(at: int, edges: int, w: float, s: float, e: float, n: float, room: int) -> int:
    return short_ring_meets(at, edges, w, s, e, n, room)


def answer(ring: Vertices) -> int:
    """What the kernel alone says of a closed ring, without the proofs that come before it."""
    vertices = np.ascontiguousarray(ring)
    west, south, east, north = map(float, (*vertices.min(axis=0), *vertices.max(axis=0)))
    room = np.full(ROOM_FOR_BOXES // 8, -1, np.int64)
    return int(_meets(vertices.ctypes.data, len(vertices) - 1, west, south, east, north, room.ctypes.data))


def closed(places: Vertices) -> Vertices:
    return np.vstack((places, places[:1]))


def divided(ring: Vertices, times: int) -> Vertices:
    """The same closed ring with each edge in so many pieces, on a lattice that is finer by as much."""
    pieces = ring[:-1, None] * times + (ring[1:] - ring[:-1])[:, None] * np.arange(times)[:, None]
    return closed(pieces.reshape(-1, 2))


def is_sound(ring: Vertices) -> bool:
    return bool(survey(WkbColumn.from_geometries(np.array([shapely.Polygon(ring)], dtype=object))).sound[0])


def ground(ring: Vertices) -> tuple[float, float]:
    """What the edges of a ring say that it covers, and what GEOS says."""
    polygon = shapely.Polygon(ring)
    repaired = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
    return polygon.area, repaired.area


def agrees_with_geos(ring: Vertices) -> None:
    if is_sound(ring):
        ours, theirs = ground(ring)
        assert shapely.is_valid(shapely.Polygon(ring)) or ours == pytest.approx(theirs, rel=1e-9)


lattice = st.tuples(st.integers(0, 7), st.integers(0, 7))
lattices = st.lists(lattice, min_size=3, max_size=14)


@settings(max_examples=600, deadline=None)
@given(lattices, st.sampled_from([1, 4, 40]), st.booleans())
def test_on_a_lattice_the_answer_is_that_of_geos(places: list[tuple[int, int]], times: int, northern: bool) -> None:
    """Vertices on each other and on edges, edges along each other: nothing is rounded, so nothing is doubtful."""
    ring = divided(closed(np.array(places, dtype=float)), times) + (NORTHERN if northern else (0.0, 0.0))
    if shapely.Polygon(ring).area == 0:
        assert not is_sound(ring)
        return
    simple = bool(shapely.is_simple(shapely.LinearRing(ring)))
    assert answer(ring) == (APART if simple else MEET)
    agrees_with_geos(ring)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=2, max_size=150),
    st.integers(-3, 3),
    st.integers(1, 3),
    st.none() | st.tuples(st.integers(0, 299), st.integers(-40, 40), st.integers(-40, 40)),
)
def test_rings_that_wind_on_a_lattice(
    heights: list[tuple[int, int]], shear: int, repeat: int, moved: tuple[int, int, int] | None
) -> None:
    """From west to east below and back above, aslant, with repeated vertices; then one of them goes elsewhere."""
    low, thickness = np.array(heights, dtype=float).T
    x = np.arange(len(heights), dtype=float)
    below, above = np.column_stack((x, low)), np.column_stack((x, low + thickness))[::-1]
    places = np.vstack((below, above))
    if moved is not None:
        places[moved[0] % len(places)] += moved[1:]
    places[:, 1] += shear * places[:, 0]
    ring = closed(np.repeat(places, repeat, axis=0)) + NORTHERN
    if shapely.Polygon(ring).area == 0:
        return
    simple = bool(shapely.is_simple(shapely.LinearRing(ring)))
    assert answer(ring) == (APART if simple else MEET)
    if moved is None:
        assert simple
    assert is_sound(ring) == simple


@settings(max_examples=500, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(3, 90),
    st.sampled_from([0.0, 1e-12, 1e-10, 1e-9, 1e-7, 1e-3, 1.0]),
    st.floats(0, 7),
)
def test_nothing_that_nearly_touches_is_vouched_for_unless_geos_finds_it_sound(
    seed: int, n: int, tremble: float, turned: float
) -> None:
    """Walks with walls on the same few lines, turned, at Korean northings, and moved by next to nothing."""
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 1 + int(np.sqrt(n)), (n, 2)).astype(float)
    if rng.random() < 0.7:  # once around the middle, but for a few
        around = np.argsort(np.arctan2(*(places - places.mean(axis=0)).T[::-1]), kind="stable")
        places = places[around]
        for k in rng.integers(0, n - 1, rng.integers(0, 3)):
            places[[k, k + 1]] = places[[k + 1, k]]
    turn = np.array([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    ring = closed(10 * places @ turn + tremble * rng.standard_normal((n, 2)) + NORTHERN)
    agrees_with_geos(ring)


@pytest.mark.parametrize("edges", [4, 8, 9, 16, FEW_EDGES, FEW_EDGES + 1, 48, 255, 256, 257, BOXED_EDGES])
def test_two_edges_that_cross_are_found_wherever_they_stand(edges: int) -> None:
    """A slit between two long walls, whose ends change places one pair after the other."""
    half = edges // 2
    x = np.arange(half, dtype=float)
    wall = np.column_stack((x, (x * 37) % 11))
    back = (wall + np.array([0.0, 3.0]))[::-1]
    extra = [(-1.0, 1.5)] if edges % 2 else []
    ring = closed(np.vstack((wall, back, *[np.array([place]) for place in extra])))
    assert len(ring) == edges + 1
    assert answer(ring) == APART
    for k in range(half):
        broken = ring[:-1].copy()
        broken[[k, 2 * half - 1 - k], 1] = broken[[2 * half - 1 - k, k], 1]
        assert answer(closed(broken)) == (MEET if half > 1 else APART), k


def test_one_ring_is_too_long_and_another_has_too_many_boxes_that_meet() -> None:
    long = closed(np.array([(k, k % 2) for k in range(BOXED_EDGES)] + [(BOXED_EDGES, 9.0)]))
    assert answer(long) == LONG
    teeth = np.column_stack((np.repeat(np.arange(500.0), 2), np.tile([0, 700, 700, 0], 250)))
    turned = np.column_stack((teeth[:, 0] - teeth[:, 1], teeth[:, 0] + teeth[:, 1]))
    comb = closed(np.vstack((turned, [(500 - 1, 500 - 1 - 1), (-1.0, -1.0)])))
    assert answer(comb) == LONG
