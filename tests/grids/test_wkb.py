"""Features straight from well-known binary: variants of the bytes, doubtful rings, threads, what is refused."""

import struct
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.cell_kernels import AREAS, LINES, NOWHERE, POINTS
from grids.cell_sums import cell_sums
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.wkb import WkbColumn, parts_in_cells
from tests.grids.geometry_shares import grid_shares

GRID = Grid("EPSG:5179", (700_000, 1_300_000), 100, "korea")
CORNER = np.array([960_000.0, 1_940_000.0])  # a cell corner at Korean northings
Picture = dict[tuple[int, int], float]


def placed(shape: BaseGeometry) -> BaseGeometry:
    return shapely.transform(shape, lambda c: c + CORNER)


def column(*shapes: BaseGeometry | None) -> WkbColumn:
    return WkbColumn.from_bytes([None if shape is None else shapely.to_wkb(shape) for shape in shapes])


def pictures(features: WkbColumn, **options: bool) -> list[Picture]:
    """Amount per cell of each feature; cells count from the corner."""
    parts = parts_in_cells(features, GRID, **options).parts
    found: list[Picture] = [{} for _ in range(features.size)]
    for owner, row, col, amount in zip(parts.owner, parts.row, parts.col, parts.amount, strict=True):
        cell = (int(row) - 6400, int(col) - 2600)
        found[owner][cell] = found[owner].get(cell, 0) + float(amount)
    return found


def by_intersection(shape: BaseGeometry) -> Picture:
    """The same by GEOS, cell by cell, at coordinates moved (exactly) to the corner: it rounds northings to 0.2 nm."""
    areal = shape.geom_type.endswith("Polygon")
    valid = shapely.make_valid(shape, method="structure", keep_collapsed=False) if areal else shape
    local = shapely.transform(valid, lambda c: c - CORNER)
    west, south, east, north = local.bounds
    cols = np.arange(west // 100 - 1, east // 100 + 2).astype(int)
    rows = np.arange(south // 100 - 1, north // 100 + 2).astype(int)
    row, col = (index.ravel() for index in np.meshgrid(rows, cols, indexing="ij"))
    inside = shapely.intersection(local, shapely.box(col * 100, row * 100, col * 100 + 100, row * 100 + 100))
    amount = shapely.area(inside) if areal else shapely.length(inside)
    return {(int(r), int(c)): float(a) for r, c, a in zip(row, col, amount, strict=True) if a > 0}


def agree(found: Picture, expected: Picture, cell: float, whole: float) -> None:
    within = 1e-9 * min(cell, whole) + 1e-9 * np.sqrt(whole)  # northings carry 0.2 nm
    wrong = {
        key: (found.get(key), expected.get(key))
        for key in found.keys() | expected.keys()
        if abs(found.get(key, 0) - expected.get(key, 0)) > within
    }
    assert wrong == {}


# --- a zoo ------------------------------------------------------------------------------------------------------------

HAND_MADE = {
    "edges on cell lines": shapely.box(0, 100, 300, 400),
    "one whole cell": shapely.box(100, 100, 200, 200),
    "vertices on corners": shapely.Polygon([(0, 0), (200, 100), (100, 300), (-100, 200)]),
    "through corners": shapely.Polygon([(150, 50), (250, 150), (150, 250), (50, 150)]),
    "repeated vertices": shapely.Polygon([(10, 10), (10, 10), (310, 10), (310, 10), (310, 210), (10, 210)]),
    "a spike": shapely.Polygon([(0, 0), (100, 0), (100, 50), (570, 430), (100, 50), (100, 100), (0, 100)]),
    "hole over cells": shapely.box(-150, -150, 450, 450).difference(shapely.box(0, 0, 250, 250)),
    "hole that touches the shell": shapely.Polygon(
        [(0, 0), (300, 0), (300, 300), (0, 300)], [[(0, 150), (150, 200), (150, 100)]]
    ),
    "island in a hole": shapely.MultiPolygon(
        [shapely.box(0, 0, 500, 500).difference(shapely.box(50, 50, 450, 450)), shapely.box(120, 120, 380, 280)]
    ),
    "parts that touch": shapely.MultiPolygon([shapely.box(0, 0, 150, 150), shapely.box(150, 150, 333, 333)]),
    "clockwise": shapely.box(10, 10, 310, 210, ccw=False),
    "symmetric bow-tie": shapely.Polygon([(50, 50), (350, 350), (350, 50), (50, 350)]),
    "unequal bow-tie": shapely.Polygon([(50, 50), (350, 350), (350, 50), (50, 250)]),
    "small bow-tie over a border": shapely.Polygon([(90, 40), (110, 60), (110, 40), (90, 60)]),
    "loop within one of its cells": shapely.Polygon(
        [(0, 0), (250, 0), (250, 50), (40, 50), (60, 60), (40, 60), (60, 50), (0, 50)]
    ),
    "bow-tie that crosses at a vertex": shapely.Polygon(
        [(0, 0), (150, 150), (300, 300), (300, 0), (150, 150), (0, 300)]
    ),
    "overlapping parts": shapely.MultiPolygon([shapely.box(10, 10, 310, 310), shapely.box(110, 110, 410, 410)]),
    "small overlapping parts": shapely.MultiPolygon([shapely.box(80, 10, 110, 30), shapely.box(90, 10, 120, 30)]),
    "hole outside its shell": shapely.Polygon(
        [(0, 0), (150, 0), (150, 150), (0, 150)], [[(200, 200), (260, 200), (260, 260), (200, 260)]]
    ),
    "ring wound twice": shapely.Polygon(
        [(0, 0), (150, 0), (150, 150), (0, 150), (0, 0), (150, 0), (150, 150), (0, 150)]
    ),
    "line": shapely.LineString([(-30, 20), (310, 250), (310, -50)]),
    "line that retraces itself": shapely.LineString([(5, 5), (155, 25), (5, 5)]),
    "multiline": shapely.MultiLineString([[(0, 50), (350, 60)], [(50, 50), (50, 250)]]),
}  # fmt: skip


@pytest.mark.parametrize("name", HAND_MADE)
def test_hard_shapes_agree_with_intersection(name: str) -> None:
    shape = placed(HAND_MADE[name])
    # GEOS would make ground of a ring that is no hole (tests/grids/test_stray_holes.py).
    expected = by_intersection(shapely.Polygon(shape.exterior) if name == "hole outside its shell" else shape)
    if name == "line that retraces itself":
        expected = {cell: 2 * length for cell, length in expected.items()}
    [found] = pictures(column(shape))
    agree(found, expected, 100 if "Line" in shape.geom_type else 1e4, sum(expected.values()))


on_lines = st.integers(-12, 12).map(lambda k: k * 50.0)
anywhere = st.floats(-600, 600, allow_nan=False, width=32)
places = st.tuples(on_lines | anywhere, on_lines | anywhere)


@given(st.lists(places, min_size=3, max_size=9), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_ring_agrees_with_intersection_of_what_it_is_made_valid_to(
    ring: list[tuple[float, float]], hole: bool
) -> None:
    shape = shapely.Polygon(CORNER + np.array(ring))
    if hole:
        shape = shapely.make_valid(shape).difference(shapely.box(*(CORNER - 77), *(CORNER + 131)))
    valid = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    if valid.area < 1e-3 * max(1.0, valid.length):  # slivers are asked about in test_share_properties
        return
    if shape.geom_type not in {"Polygon", "MultiPolygon"}:
        return
    [found] = pictures(column(shape))
    agree(found, by_intersection(shape), 1e4, valid.area)


@given(st.lists(places, min_size=2, max_size=9))
@settings(max_examples=100, deadline=None)
def test_any_line_has_the_lengths_of_its_edges(path: list[tuple[float, float]]) -> None:
    ends = CORNER + np.array(path)
    expected: Picture = {}
    for a, b in pairwise(ends):
        edge = shapely.LineString([a, b])
        if not edge.length:
            continue
        inside = by_intersection(edge)
        if sum(inside.values()) > edge.length * (1 + 1e-9):  # along a border: GEOS counts both sides
            kept = max(inside, key=lambda cell: (cell[0], cell[1]))
            axis = 0 if a[1] == b[1] else 1
            inside = {cell: length for cell, length in inside.items() if cell[axis] == kept[axis]}
        for cell, length in inside.items():
            expected[cell] = expected.get(cell, 0) + length
    [found] = pictures(column(shapely.LineString(ends)))
    if expected:
        agree(found, expected, 100, sum(expected.values()))
    else:
        assert sum(found.values()) == 1  # a line of no length is a point


def test_both_routes_give_the_same_bits() -> None:
    rng = np.random.default_rng(3)
    shapes = [
        placed(shapely.Point(rng.uniform(-2000, 2000, 2)).buffer(rng.uniform(1, 700), quad_segs=9)) for _ in range(99)
    ]
    shapes += [placed(shapely.LineString(np.cumsum(rng.normal(0, 90, (12, 2)), axis=0))) for _ in range(99)]
    given = np.array(shapes)
    found = parts_in_cells(column(*shapes), GRID)
    rows, cols, shares = grid_shares(given, GRID, found.measures)
    entries = shares.matrix.tocoo()
    target, feature = entries.coords
    one = dict(zip(zip(feature, rows[target], cols[target], strict=True), entries.data, strict=True))
    parts = found.parts
    other = parts.amount / found.measures[parts.owner]
    assert one == pytest.approx(
        dict(zip(zip(parts.owner, parts.row, parts.col, strict=True), other, strict=True)), rel=1e-12, abs=0
    )
    assert (np.diff(parts.owner) >= 0).all()


# --- the bytes --------------------------------------------------------------------------------------------------------

SQUARE = shapely.box(*(CORNER + 50), *(CORNER + 150))
VARIANTS: dict[str, Callable[[BaseGeometry], bytes]] = {
    "little-endian": lambda shape: shapely.to_wkb(shape, byte_order=1),
    "big-endian": lambda shape: shapely.to_wkb(shape, byte_order=0),
    "Z, ISO": lambda shape: shapely.to_wkb(shapely.force_3d(shape, 7.0), flavor="iso"),
    "Z, extended": lambda shape: shapely.to_wkb(shapely.force_3d(shape, 7.0), flavor="extended"),
    "Z, big-endian": lambda shape: shapely.to_wkb(shapely.force_3d(shape, 9.0), byte_order=0),
    "SRID": lambda shape: shapely.to_wkb(shapely.set_srid(shape, 5179), include_srid=True),
    "SRID, Z, big-endian": lambda shape: shapely.to_wkb(
        shapely.set_srid(shapely.force_3d(shape, 1.0), 5179), include_srid=True, byte_order=0
    ),
    "M, ISO": lambda shape: with_ordinates(shape, 2000, 1),
    "M, extended": lambda shape: with_ordinates(shape, 0x40000000, 1),
    "ZM, ISO": lambda shape: with_ordinates(shape, 3000, 2),
    "ZM, extended": lambda shape: with_ordinates(shape, 0xC0000000, 2),
}


def with_ordinates(shape: BaseGeometry, code: int, more: int) -> bytes:
    """Write a shape with further ordinates, which not every GEOS can."""

    def vertices(ring: BaseGeometry) -> bytes:
        return b"".join(struct.pack(f"<{2 + more}d", *xy, *range(more)) for xy in shapely.get_coordinates(ring))

    def sequence(ring: BaseGeometry) -> bytes:
        return struct.pack("<I", shapely.get_num_coordinates(ring)) + vertices(ring)

    kind = int(shapely.get_type_id(shape))
    if kind == shapely.GeometryType.POINT:
        return struct.pack("<BI", 1, code + 1) + vertices(shape)
    if kind == shapely.GeometryType.LINESTRING:
        return struct.pack("<BI", 1, code + 2) + sequence(shape)
    if kind == shapely.GeometryType.POLYGON:
        rings = shapely.get_rings(shape)
        return struct.pack("<BII", 1, code + 3, len(rings)) + b"".join(map(sequence, rings))
    parts = shapely.get_parts(shape)
    return struct.pack("<BII", 1, code + kind, len(parts)) + b"".join(with_ordinates(p, code, more) for p in parts)


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_of_the_bytes_mean_the_same(variant: str) -> None:
    shapes = [
        *(placed(HAND_MADE[name]) for name in ("hole over cells", "island in a hole", "line", "multiline")),
        placed(shapely.Point(10, 10)),
        placed(shapely.MultiPoint([(10, 10), (250, 10), (10, 10)])),
    ]
    encoded = WkbColumn.from_bytes([VARIANTS[variant](shape) for shape in shapes])
    assert pictures(encoded) == pictures(column(*shapes))


def test_nothing_is_nowhere() -> None:
    empties = [
        None,
        shapely.Point(),
        shapely.LineString(),
        shapely.Polygon(),
        shapely.MultiPolygon(),
        shapely.MultiPoint(),
    ]
    with_empty_part = shapely.from_wkt("MULTIPOLYGON (EMPTY, ((1 1, 2 1, 2 2, 1 2, 1 1)))")
    found = parts_in_cells(column(*empties, shapely.GeometryCollection(), with_empty_part), GRID)
    assert found.kinds.tolist() == [NOWHERE] * 7 + [AREAS]
    assert found.measures.tolist() == [0] * 7 + [1]
    assert found.parts.owner.tolist() == [7]


def test_what_has_no_extent_is_a_point_at_its_lowest_corner() -> None:
    flat = shapely.Polygon([(250, 250), (100, 100), (250, 250), (250, 250)])
    still = shapely.LineString([(200, 100), (200, 100)])
    found = parts_in_cells(column(placed(flat), placed(still)), GRID)
    assert found.kinds.tolist() == [POINTS, POINTS]
    assert pictures(column(placed(flat), placed(still))) == [{(1, 1): 1}, {(1, 2): 1}]


def test_collections_count_with_their_highest_dimension() -> None:
    mixed = placed(shapely.GeometryCollection([shapely.LineString([(50, 50), (150, 50)]), shapely.Point(950, 950)]))
    found = parts_in_cells(column(SQUARE, mixed, SQUARE), GRID)
    assert found.kinds.tolist() == [AREAS, LINES, AREAS]
    assert found.parts.owner.tolist() == [0] * 4 + [1] * 2 + [2] * 4
    assert pictures(column(mixed)) == [{(0, 0): 50, (0, 1): 50}]


def test_arrow_columns_are_read_where_they_lie() -> None:
    encoded = [shapely.to_wkb(SQUARE), None, shapely.to_wkb(placed(shapely.Point(10, 10))), b""]
    expected = pictures(WkbColumn.from_bytes(encoded))
    for kind in (pa.binary(), pa.large_binary()):
        whole = pa.array(encoded, kind)
        assert pictures(WkbColumn.from_arrow(whole)) == expected
        assert pictures(WkbColumn.from_arrow(whole.slice(1, 2))) == expected[1:3]
        assert pictures(WkbColumn.from_arrow(pa.chunked_array([whole, whole]))) == expected * 2
        assert WkbColumn.from_arrow(pa.array([], kind)).size == 0
    with pytest.raises(GridError, match="column of string"):
        WkbColumn.from_arrow(pa.array(["POINT (0 0)"]))


@pytest.mark.parametrize("position", range(0, 300, 7))
def test_cut_bytes_are_refused_by_feature(position: int) -> None:
    whole = shapely.to_wkb(placed(HAND_MADE["island in a hole"]))
    with pytest.raises(GeometryError, match="Feature 1 "):
        parts_in_cells(WkbColumn.from_bytes([shapely.to_wkb(SQUARE), whole[: 1 + position % (len(whole) - 2)]]), GRID)


@given(st.binary(min_size=1, max_size=80), st.sampled_from([1, 2, 3, 4, 5, 6, 7, 1003, 0x80000003, 0x20000006]))
@settings(max_examples=200, deadline=None)
def test_no_bytes_crash_it(tail: bytes, code: int) -> None:
    for head in (b"", struct.pack("<BI", 1, code), struct.pack(">BI", 0, code), struct.pack("<BII", 1, code, 1)):
        try:
            parts_in_cells(WkbColumn.from_bytes([head + tail]), GRID)
        except GeometryError as error:
            refusal = str(error)
        else:
            refusal = "Feature 0 is one, by chance"
        assert "Feature 0" in refusal


@pytest.mark.parametrize("bad", [float("inf"), float("nan"), 3e8])
@pytest.mark.parametrize("kind", ["point", "line", "polygon", "hole"])
def test_coordinates_that_are_no_metres_are_refused_by_feature(kind: str, bad: float) -> None:
    x, y = CORNER
    head = {"point": (1,), "line": (2, 2), "polygon": (3, 1, 4), "hole": (3, 2, 4)}[kind]
    ring = [x, y, x + 500, y, x + 500, y + 500, x, y]
    inner = [x + 300, y + 100, x + bad, y + 100, x + 310, y + 110, x + 300, y + 100]
    numbers = {"point": [x, bad], "line": [x, y, bad, y], "polygon": [x, y, x, bad, x + 1, y, x, y], "hole": ring}[kind]
    encoded = struct.pack(f"<BI{len(head) - 1}I{len(numbers)}d", 1, *head, *numbers)
    if kind == "hole":
        encoded += struct.pack("<I8d", 4, *inner)
    with pytest.raises(GeometryError, match="Feature 1 has a coordinate"):
        parts_in_cells(WkbColumn.from_bytes([shapely.to_wkb(SQUARE), encoded]), GRID)


# --- doubtful rings ---------------------------------------------------------------------------------------------------


def test_crossing_rings_are_repaired_and_counted_or_refused_by_position() -> None:
    shapes = column(SQUARE, placed(HAND_MADE["unequal bow-tie"]), SQUARE, placed(HAND_MADE["overlapping parts"]))
    found = parts_in_cells(shapes, GRID)
    assert found.repaired.tolist() == [1, 3]
    assert found.measures[3] == pytest.approx(2 * 300**2 - 200**2)  # what two parts cover counts once
    with pytest.raises(GeometryError, match=r"rings of feature 1 .* 1 more, up to feature 3"):
        parts_in_cells(shapes, GRID, repair=False)


def test_valid_shapes_are_never_repaired() -> None:
    names = [name for name, shape in HAND_MADE.items() if shape.is_valid]
    assert parts_in_cells(column(*(placed(HAND_MADE[name]) for name in names)), GRID).repaired.tolist() == []


def test_a_loop_in_a_long_ring_is_seen_by_its_cells() -> None:
    ring = shapely.get_coordinates(shapely.Point(CORNER).buffer(900, quad_segs=100).exterior)
    ring[[50, 250]] = ring[[250, 50]]  # two vertices change places: the ring crosses itself far inside
    found = parts_in_cells(column(shapely.Polygon(ring)), GRID)
    assert found.repaired.tolist() == [0]


# --- many, large, far -------------------------------------------------------------------------------------------------


def city(n: int) -> tuple[WkbColumn, NDArray[np.object_]]:
    rng = np.random.default_rng(5)
    west, south = rng.uniform(-5000, 5000, (2, n))
    shapes = shapely.box(west, south, west + rng.uniform(5, 90, n), south + rng.uniform(5, 90, n))
    shapes = shapely.transform(shapes, lambda c: c @ np.array([[0.8, 0.6], [-0.6, 0.8]]) + CORNER)
    return WkbColumn.from_arrow(pa.array(shapely.to_wkb(shapes))), shapes


def test_threads_change_no_bit() -> None:
    features, _ = city(60_000)  # several blocks
    values = np.random.default_rng(6).uniform(0, 100, (features.size, 2))
    frame = (*(CORNER - 9000), *(CORNER + 9000))
    one, one_sums = parts_in_cells(features, GRID, threads=1), cell_sums(features, values, GRID, frame, threads=1)
    for threads in (2, 3, 7):
        other = parts_in_cells(features, GRID, threads=threads)
        for name in ("owner", "row", "col", "amount"):
            assert getattr(one.parts, name).tobytes() == getattr(other.parts, name).tobytes()
        assert one.measures.tobytes() == other.measures.tobytes()
        assert one_sums.sums.tobytes() == cell_sums(features, values, GRID, frame, threads=threads).sums.tobytes()


def test_sums_are_those_of_the_shares_and_what_lies_outside_is_kept() -> None:
    features, shapes = city(3000)
    values = np.random.default_rng(7).uniform(0, 100, (features.size, 3))
    found = cell_sums(features, values, GRID, (*(CORNER - 2000), *(CORNER + 2000)))
    assert found.sums.shape == (40, 40, 3)
    assert (found.first_row, found.first_col) == (6380, 2580)
    rows, cols, shares = grid_shares(shapes, GRID, shapely.area(shapes))
    expected = shares.matrix @ values
    inside = (rows >= 6380) & (rows < 6420) & (cols >= 2580) & (cols < 2620)
    np.testing.assert_allclose(found.sums[rows[inside] - 6380, cols[inside] - 2580], expected[inside], rtol=1e-9)
    np.testing.assert_allclose(found.outside, expected[~inside].sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.sums.sum(axis=(0, 1)) + found.outside, values.sum(axis=0), rtol=1e-12)


def test_values_of_nowhere_are_named() -> None:
    found = cell_sums(column(None, SQUARE), np.array([5.0, 7.0]), GRID, (*CORNER, *(CORNER + 200)))
    assert found.nowhere.tolist() == [0]
    assert found.sums.sum() == pytest.approx(7)
    with pytest.raises(GridError, match="one each"):
        cell_sums(column(SQUARE), np.ones(2), GRID, (*CORNER, *(CORNER + 200)))
    with pytest.raises(GridError, match="hold no cell"):
        cell_sums(column(SQUARE), np.ones(1), GRID, (*CORNER, *CORNER))


def test_a_polygon_of_a_million_vertices() -> None:
    angle = np.linspace(0, 2 * np.pi, 1_000_001)
    radius = 40_000 + 3000 * np.sin(angle * 50) + 20 * np.sin(angle * 90_001)
    ring = CORNER + np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=1)
    ring[-1] = ring[0]
    shape = shapely.Polygon(ring)
    found = parts_in_cells(column(shape), GRID)
    assert found.parts.amount.sum() == pytest.approx(shape.area, rel=1e-10)
    assert found.parts.amount.max() <= 10_000 * (1 + 1e-9)
    assert found.parts.row.size > 400_000  # more cells than one window holds
    order = np.lexsort((found.parts.col, found.parts.row))
    assert (order == np.arange(order.size)).all()
    partial = np.flatnonzero(found.parts.amount < 9_999)
    some = np.random.default_rng(3).choice(partial, 40, replace=False)
    corners = np.stack((found.parts.col[some], found.parts.row[some]), axis=1) * 100.0 + GRID.origin_m
    clipped = [shapely.clip_by_rect(shape, x, y, x + 100, y + 100).area for x, y in corners.tolist()]
    np.testing.assert_allclose(found.parts.amount[some], clipped, rtol=0, atol=1e-7)


def test_a_spike_to_the_end_of_the_world_costs_only_the_cells_it_crosses() -> None:
    spike = shapely.Polygon([CORNER, CORNER + np.array([9e7, 3e5]), CORNER + np.array([50, 100])])
    found = parts_in_cells(column(spike), GRID)
    assert found.parts.amount.sum() == pytest.approx(spike.area, rel=1e-9)


@pytest.mark.parametrize("far", [-9e7, 9e7])
def test_far_away_is_as_whole_as_near(far: float) -> None:
    shape = shapely.box(far, -far, far + 250, -far + 130)
    found = parts_in_cells(column(shape), GRID)
    boxes = GRID.cell_polygons(found.parts.row, found.parts.col)
    np.testing.assert_allclose(found.parts.amount, shapely.area(shapely.intersection(boxes, shape)), rtol=1e-9)
    assert found.parts.amount.sum() == pytest.approx(250 * 130, rel=1e-9)
