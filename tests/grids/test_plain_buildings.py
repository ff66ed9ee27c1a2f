"""What buildings are: one closed ring, in one cell or in two; the short ways give what the long one gives."""

import struct

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from grids.cell_kernels import AREAS
from grids.cell_sums import cell_sums
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.ragged import RaggedColumn
from grids.wkb import WkbChunks, WkbColumn, parts_in_cells

GRID = Grid("EPSG:5179", (700_000, 1_300_000), 100, "korea")
CORNER = np.array([960_000.0, 1_940_000.0])  # a cell corner at Korean northings
FRAME = (*(CORNER - 300), *(CORNER + 300))
ROW, COL = 6400, 2600  # of the cell there


def placed(shape: BaseGeometry) -> BaseGeometry:
    return shapely.transform(shape, lambda c: c + CORNER)


def cells_of(column: WkbColumn | RaggedColumn) -> dict[tuple[int, int], float]:
    parts = parts_in_cells(column, GRID).parts
    cells = zip((parts.row - ROW).tolist(), (parts.col - COL).tolist(), strict=True)
    return dict(zip(cells, parts.amount.tolist(), strict=True))


def sums_of(column: WkbColumn | WkbChunks) -> dict[tuple[int, int], float]:
    found = cell_sums(column, np.ones(column.size), GRID, FRAME)
    rows, cols = np.nonzero(found.sums[:, :, 0])
    return {
        (int(r) + found.first_row - ROW, int(c) + found.first_col - COL): float(found.sums[r, c, 0])
        for r, c in zip(rows, cols, strict=True)
    }


BY_HAND: dict[str, tuple[BaseGeometry, dict[tuple[int, int], float]]] = {
    "in one cell": (shapely.box(10, 10, 40, 30), {(0, 0): 600}),
    "a whole cell": (shapely.box(0, 0, 100, 100), {(0, 0): 10_000}),
    "beside each other": (shapely.box(90, 10, 130, 30), {(0, 0): 200, (0, 1): 600}),
    "above each other": (shapely.box(10, 90, 30, 130), {(0, 0): 200, (1, 0): 600}),
    "an edge on the border between": (
        shapely.Polygon([(60, 10), (140, 10), (140, 30), (100, 30), (100, 50), (60, 50)]),
        {(0, 0): 1600, (0, 1): 800},
    ),
    "ends on the border": (shapely.box(60, 10, 100, 30), {(0, 0): 800}),
    "begins on the border": (shapely.box(100, 10, 120, 30), {(0, 1): 400}),
    "a triangle": (shapely.Polygon([(80, 10), (120, 10), (80, 50)]), {(0, 0): 600, (0, 1): 200}),
    "a court over the border": (
        shapely.box(80, 10, 120, 50).difference(shapely.box(90, 20, 110, 40)),
        {(0, 0): 600, (0, 1): 600},
    ),
    "two parts over the border": (
        shapely.MultiPolygon([shapely.box(10, 90, 30, 130), shapely.box(40, 90, 60, 130)]),
        {(0, 0): 400, (1, 0): 1200},
    ),
    "four cells": (shapely.box(90, 80, 130, 110), {(0, 0): 200, (0, 1): 600, (1, 0): 100, (1, 1): 300}),
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str, turned: bool) -> None:
    shape, expected = BY_HAND[name]
    shape = placed(shape.reverse() if turned else shape)
    column = WkbColumn.from_bytes([shapely.to_wkb(shape)])
    assert cells_of(column) == pytest.approx(expected, rel=1e-12)
    assert sums_of(column) == pytest.approx({cell: area / shape.area for cell, area in expected.items()}, rel=1e-12)


def test_a_building_that_crosses_itself_over_a_border_is_repaired() -> None:
    bow = placed(shapely.Polygon([(80, 10), (120, 40), (120, 10), (80, 40)]))
    column = WkbColumn.from_bytes([shapely.to_wkb(bow)])
    result = parts_in_cells(column, GRID)
    assert result.repaired.tolist() == [0]
    assert cells_of(column) == pytest.approx({(0, 0): 300, (0, 1): 300}, rel=1e-9)
    assert sums_of(column) == pytest.approx({(0, 0): 0.5, (0, 1): 0.5}, rel=1e-9)


near = st.one_of(
    st.floats(-60, 60, width=32), st.integers(-4, 4).map(lambda k: 25.0 * k), st.sampled_from([-(2.0**-30), 2.0**-30])
)


@given(st.lists(st.tuples(near, near), min_size=3, max_size=9), st.booleans())
@settings(max_examples=300, deadline=None)
def test_rings_at_a_border_agree_with_intersection(ring: list[tuple[float, float]], upright: bool) -> None:
    around = np.array([(50.0, 100.0) if upright else (100.0, 50.0)])
    squeezed = np.array(ring) * ([0.5, 1.0] if upright else [1.0, 0.5]) + around
    shape = placed(shapely.Polygon(squeezed))
    local = shapely.transform(shape, lambda c: c - CORNER)
    if not shapely.is_valid(local) or local.area < 1e-3:
        return
    column = WkbColumn.from_bytes([shapely.to_wkb(shape)])
    found = cells_of(column)
    cells = [(row, col) for row in (-1, 0, 1) for col in (-1, 0, 1)]
    boxes = {(r, c): shapely.box(100 * c, 100 * r, 100 * c + 100, 100 * r + 100) for r, c in cells}
    expected = {cell: shapely.intersection(local, box).area for cell, box in boxes.items()}
    for cell, area in expected.items():
        assert found.get(cell, 0.0) == pytest.approx(area, abs=1e-9 * max(local.area, local.length))
    vertices = shapely.get_coordinates(shape)
    listed = RaggedColumn(vertices, np.array([0, len(vertices)]), np.ones(1, np.int64), np.array([0, 1]), AREAS)
    assert cells_of(listed) == found
    assert sums_of(column) == pytest.approx({cell: area / local.area for cell, area in found.items()}, rel=1e-9)


def test_what_has_no_width_lies_in_one_cell_once() -> None:
    flat = [placed(shapely.Polygon([(x, 10), (x, 40), (x, 20), (x, 10)])) for x in (50.0, 100.0, 0.0)]
    column = WkbColumn.from_bytes([shapely.to_wkb(shape) for shape in flat])
    assert sums_of(column) == {(0, 0): 2.0, (0, 1): 1.0}


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 2e8, -2e8])
@pytest.mark.parametrize("axis", [0, 1])
def test_coordinates_that_are_no_metres_are_refused(odd: float, axis: int) -> None:
    for position in range(1, 4):
        path = CORNER + np.array([(10.0, 10), (30, 10), (30, 30), (10, 30), (10, 10)])
        path[position, axis] = odd
        good = shapely.to_wkb(placed(shapely.box(0, 0, 9, 9)))
        bad = struct.pack("<BIII", 1, 3, 1, 5) + path.tobytes()
        column = WkbColumn.from_bytes([good, bad])
        with pytest.raises(GeometryError, match=r"Feature 1 has a coordinate"):
            cell_sums(column, np.ones(2), GRID, FRAME)


# --- chunks -----------------------------------------------------------------------------------------------------------


def town(n: int) -> list[bytes | None]:
    rng = np.random.default_rng(12)
    west, south = rng.uniform(-250, 200, (2, n))
    shapes = shapely.box(west, south, west + rng.uniform(1, 60, n), south + rng.uniform(1, 60, n))
    wkb: list[bytes | None] = [shapely.to_wkb(placed(shape)) for shape in shapes]
    wkb[n // 2], wkb[3] = None, b""
    return wkb


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_are_shared_out_like_one_column(kind: pa.DataType, threads: int) -> None:
    wkb, values = town(90), np.arange(180.0).reshape(90, 2)
    whole = WkbColumn.from_bytes(wkb)
    chunked = pa.chunked_array([pa.array(wkb[a:b], kind) for a, b in ((0, 20), (20, 20), (20, 75), (75, 90))])
    column = WkbChunks.from_arrow(chunked.slice(0, 90))
    assert column.size == 90
    assert column.blocks(500)[-1] == 90
    assert {20, 75} <= set(column.blocks(500).tolist())
    found, expected = (cell_sums(each, values, GRID, FRAME, threads=threads) for each in (column, whole))
    assert found.sums.tobytes() == expected.sums.tobytes()
    assert found.nowhere.tolist() == expected.nowhere.tolist() == [3, 45]
    one, other = (parts_in_cells(each, GRID, threads=threads) for each in (column, whole))
    assert one.parts.owner.tolist() == other.parts.owner.tolist()
    assert one.parts.amount.tobytes() == other.parts.amount.tobytes()


@pytest.mark.parametrize("n", [0, 1, 2, 90])
@pytest.mark.parametrize("weight", [1, 500, 1 << 30])
def test_blocks_of_features_that_lie_one_after_the_other_are_those_of_any(n: int, weight: int) -> None:
    [column] = WkbChunks.from_arrow(pa.array(town(90)[:n], pa.binary())).chunks
    apart = WkbColumn(column.data, column.begins.copy(), column.ends.copy())
    expected, held = [0], 0
    for f, size in enumerate((column.ends - column.begins).tolist()):
        held += size + 16
        if held >= weight or f == n - 1:
            expected, held = [*expected, f + 1], 0
    assert column.blocks(weight).tolist() == apart.blocks(weight).tolist() == expected


def test_features_of_later_chunks_are_named_by_their_place_in_all() -> None:
    wkb = town(9)
    bow = shapely.to_wkb(placed(shapely.Polygon([(80, 10), (120, 40), (120, 10), (80, 40)])))
    column = WkbChunks.from_arrow(pa.chunked_array([pa.array(wkb, pa.binary()), pa.array([wkb[0], bow], pa.binary())]))
    assert cell_sums(column, np.ones(11), GRID, FRAME).repaired.tolist() == [10]
    damaged = WkbChunks.from_arrow(pa.chunked_array([pa.array(wkb, pa.binary()), pa.array([b"\1\2"], pa.binary())]))
    with pytest.raises(GeometryError, match=r"Feature 9 is no well-known binary: 2 bytes, 0102"):
        cell_sums(damaged, np.ones(10), GRID, FRAME)
    with pytest.raises(GridError, match="A column of int64 was given"):
        WkbChunks.from_arrow(pa.chunked_array([[1, 2]]))


def test_no_chunks_are_no_features() -> None:
    column = WkbChunks.from_arrow(pa.chunked_array([], pa.binary()))
    assert cell_sums(column, np.zeros((0, 1)), GRID, FRAME).sums.sum() == 0
    assert parts_in_cells(column, GRID).parts.owner.size == 0


# --- geometry objects -------------------------------------------------------------------------------------------------


def test_geometry_objects_become_the_bytes_that_geos_writes() -> None:
    court = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
    touching = shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 0), (-4, 4), (-4, 0)])  # its first vertex comes twice
    shapes = np.array(
        [
            *(
                shapely.Point(1, 2),
                shapely.Point(),
                None,
                shapely.LineString([(0, 0), (1, 1)]),
                shapely.box(0, 0, 1, 1),
            ),
            *(court, shapely.Point(1, 2, 3), shapely.LinearRing([(0, 0), (1, 1), (1, 0)]), shapely.Polygon()),
            *(shapely.MultiPoint([(0, 0), (1, 1)]), shapely.MultiPolygon([court, shapely.box(20, 0, 21, 1)]), touching),
            *(shapely.MultiPolygon([shapely.box(0, 0, 1, 1)]), shapely.MultiPolygon([court]), shapely.MultiPolygon()),
            *(
                shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(1, 1, 2, 2)]),
                shapely.MultiPolygon([touching]),
            ),
            *(shapely.GeometryCollection([shapely.Point(0, 0)]), shapely.LineString(), shapely.box(5, 5, 7, 9)),
            shapely.Polygon([(0, 0, 1), (1, 0, 1), (1, 1, 2)]),
        ],
        dtype=np.object_,
    )
    for given_shapes in (shapes, shapes[::-1], shapes[4:5], shapes[:0]):
        column = WkbColumn.from_geometries(given_shapes)
        found = [column.feature(k) for k in range(column.size)]
        assert found == [b"" if shape is None else shapely.to_wkb(shape) for shape in given_shapes]
