"""Rings that wind: whether they cross is found in n log n steps, and the answer is that of GEOS."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from grids.compiled import compiled
from grids.crossing_kernels import BOX, RING, SHELL, VERTICES
from grids.survey import rings_of, survey
from grids.sweep_kernels import sweep_meets
from grids.wkb import WkbColumn

Vertices = NDArray[np.float64]

_FIELDS = RING // 8


@compiled  # and kept, since it takes longer to compile than all of these tests
def _sweep_meets(rings: int, n_rings: int) -> bool:
    return sweep_meets(rings, n_rings)


def swept(polygon: shapely.Polygon | shapely.MultiPolygon) -> bool:
    """What the sweep alone says, which surveys ask only where boxes take too long."""
    found = rings_of(WkbColumn.from_geometries(np.array([polygon], dtype=object)))
    vertices, n = np.ascontiguousarray(found.vertices), found.shells.size
    table = np.zeros((n, _FIELDS), np.int64)
    table[:, 0] = vertices.ctypes.data + 16 * found.starts[:-1]
    table[:, VERTICES // 8] = np.diff(found.starts)
    table[:, SHELL // 8] = found.shells
    table.view(np.float64)[:, BOX // 8 : BOX // 8 + 4] = shapely.bounds(
        shapely.linearrings(vertices, indices=ring_numbers(found))
    )
    return bool(_sweep_meets(table.ctypes.data, n))


def ring_numbers(found: object) -> NDArray[np.int64]:
    starts = found.starts  # type: ignore[attr-defined]
    return np.repeat(np.arange(starts.size - 1), np.diff(starts))


def is_sound(vertices: Vertices) -> bool:
    polygon = shapely.Polygon(vertices)
    return bool(survey(WkbColumn.from_geometries(np.array([polygon], dtype=object))).sound[0])


def touches_itself(polygon: shapely.Polygon) -> bool:
    """Whether rings of a valid polygon have a place in common, which is left to GEOS."""
    rings = shapely.get_rings(polygon)
    places = shapely.get_coordinates(shapely.multilinestrings(rings))
    kept = np.ones(len(places), dtype=bool)
    kept[np.cumsum(shapely.get_num_coordinates(rings)) - 1] = False
    repeated = len(np.unique(places[kept], axis=0)) < kept.sum()
    return repeated or any(one.intersects(other) for k, one in enumerate(rings) for other in rings[:k])


lattice = st.tuples(st.integers(0, 9), st.integers(0, 9))
anywhere = st.tuples(st.floats(0, 9, allow_nan=False), st.floats(0, 9, allow_nan=False))


@settings(max_examples=300, deadline=None)
@given(st.lists(lattice | anywhere, min_size=3, max_size=9), st.booleans())
def test_one_ring_is_judged_as_geos_does(places: list[tuple[float, float]], northern: bool) -> None:
    corner = (960_000, 1_940_000) if northern else (0, 0)
    ring = np.array(places, dtype=float) + corner
    polygon = shapely.Polygon(ring)
    if polygon.is_valid and not touches_itself(polygon) and np.array_equal(ring, np.rint(ring)):
        assert not swept(polygon)
    elif not polygon.is_valid:
        assert swept(polygon)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 14), st.integers(1, 3), st.booleans())
def test_shells_and_holes_are_judged_as_geos_does(seed: int, sides: int, holes: int, lie_within: bool) -> None:
    """Stars of whole metres, whose holes lie in them, beside them, across them and in each other."""
    rng = np.random.default_rng(seed)

    def star(middle: Vertices, radius: float) -> Vertices:
        angle = np.sort(rng.uniform(0, 2 * np.pi, sides))
        reach = radius * rng.uniform(0.4, 1, sides)
        return np.rint(middle + np.column_stack((reach * np.cos(angle), reach * np.sin(angle))))

    spread = 20.0 if lie_within else 120.0
    inner = [star(rng.uniform(-spread, spread, 2), rng.uniform(5, 30)) for _ in range(holes)]
    polygon = shapely.Polygon(star(np.zeros(2), 100.0), inner)
    if not polygon.is_valid:
        assert swept(polygon)
    elif not touches_itself(polygon):
        assert not swept(polygon)


def aslant(vertices: Vertices) -> Vertices:
    """Turned by 45 degrees, at Korean northings."""
    x, y = vertices.T
    return np.column_stack((x - y, x + y)) * np.sqrt(0.5) + np.array([960_000.0, 1_940_000.0])


def comb(n: int) -> Vertices:
    """Teeth of 700 m, a centimetre apart."""
    along = 0.01 * np.arange(n // 2)
    ends = np.where(np.arange(n // 2) % 2 == 0, 0.0, 700.0)
    zigzag = np.column_stack((np.repeat(along, 2), np.column_stack((ends, 700 - ends)).ravel()))
    return np.vstack((zigzag, [(along[-1], -10.0), (0.0, -10.0)]))


def spiral(n: int) -> Vertices:
    """A square wall wound around itself, as wide as the way between."""
    turn = np.arange(n // 2)
    reach = 0.02 * (turn // 4 + 1)
    corner = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=float)[turn % 4]
    way = corner * reach[:, None]
    way[turn % 4 == 0, 0] += 0.02  # each turn begins where the last one ended
    inward = way - corner * 0.008
    return np.vstack((way, inward[::-1]))


def coast(n: int) -> Vertices:
    """Koch's curve, closed far below."""
    line = np.array([0, 1e4 + 0j])
    while line.size < n:
        a, b = line[:-1], line[1:]
        third = (b - a) / 3
        tip = a + third + third * np.exp(1j * np.pi / 3)
        line = np.append(np.column_stack((a, a + third, tip, b - third)).ravel(), line[-1])
    return np.vstack((np.column_stack((line.real, line.imag)), [(1e4, -1e4), (0.0, -1e4)]))


@pytest.mark.parametrize("shape", [comb, spiral, coast])
def test_a_small_one_is_valid_and_stays_so_when_it_is_swept(shape: object) -> None:
    vertices = aslant(shape(400))  # type: ignore[operator]
    assert shapely.Polygon(vertices).is_valid
    assert not swept(shapely.Polygon(vertices))
    broken = vertices.copy()
    broken[len(broken) // 3] += 3.0 * (broken[len(broken) // 2] - broken[len(broken) // 3])
    assert shapely.Polygon(broken).is_valid == (not swept(shapely.Polygon(broken)))


@pytest.mark.parametrize("n", [30_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("shape", [comb, spiral, coast])
def test_many_vertices_aslant(shape: object, n: int) -> None:
    """Every box of a comb's teeth meets every other: pair by pair, a million would take hours."""
    vertices = aslant(shape(n))  # type: ignore[operator]
    assert len(vertices) >= n
    assert is_sound(vertices)
    one, other = len(vertices) // 8, 5 * len(vertices) // 8
    vertices[[one, other]] = vertices[[other, one]]
    assert not is_sound(vertices)


def test_a_comb_with_a_hole_that_touches_it_at_a_vertex_is_no_work_for_geos() -> None:
    """GEOS holds every tooth against every other: of 100,000 vertices that takes a minute."""
    shell = comb(100_000)
    hole = np.array([shell[-1], (1.0, -4.0), (1.0, -8.0)])
    vertices = aslant(np.vstack((shell, hole)))
    found = survey(WkbColumn.from_geometries(np.array([shapely.Polygon(vertices[:-3], [vertices[-3:]])], dtype=object)))
    assert found.sound[0]
    vertices[-1] = vertices[-2] - 3 * (vertices[-1] - vertices[-2])  # through a side of the comb
    crossing = shapely.Polygon(vertices[:-3], [vertices[-3:]])
    assert not survey(WkbColumn.from_geometries(np.array([crossing], dtype=object))).sound[0]


@pytest.mark.parametrize(("n", "teeth"), [(5_000, 1_000), pytest.param(100_000, 20_000, marks=pytest.mark.slow)])
def test_isles_above_each_other_and_two_combs_in_each_other(n: int, teeth: int) -> None:
    """Boxes that overlap along x, ring by ring; and two rings whose edges lie between each other's."""
    up = 3.0 * np.arange(n)
    isles = shapely.MultiPolygon([shapely.box(0, y, 2, y + 2) for y in up])
    one = comb(2 * teeth)
    other = one[:-2] * (1, -1) + (0.005, 700.0)
    far = np.vstack((other, [(other[-1, 0], 720.0), (other[0, 0], 720.0)]))
    combs = shapely.MultiPolygon([shapely.Polygon(aslant(one)), shapely.Polygon(aslant(far))])
    found = survey(WkbColumn.from_geometries(np.array([isles, combs], dtype=object)))
    assert found.sound.tolist() == [True, False]
