"""A zoo of hard polygons and lines against exact intersection by GEOS, cell by cell, at Korean northings."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.geometry_column import GeometryColumn
from gis.layers import ReadReport
from gis.repair import clean
from grids.cell_sums import cell_sums
from grids.grid import Grid
from grids.ragged import RaggedColumn
from grids.wkb import WkbColumn, parts_in_cells

GRID = Grid("EPSG:5179", (700_000, 1_300_000), 100, "korea")
CORNER = np.array([960_000.0, 1_940_000.0])  # a cell corner at Korean northings
FIRST_ROW, FIRST_COL = 6400, 2600  # of the cell there

# Multiples of a quarter of a cell: edges on cell lines, vertices on corners, duplicated and collinear ones.
lattice = st.integers(-24, 24).map(lambda k: k * 25.0)
anywhere = st.floats(-600, 600, allow_nan=False, width=32)
near_lines = st.tuples(st.integers(-6, 6), st.sampled_from([-(2.0**-30), 2.0**-30, 2.0**-20])).map(
    lambda pair: pair[0] * 100 + pair[1]
)
place = st.tuples(lattice | anywhere | near_lines, lattice | anywhere | near_lines)
_ROUNDED_M, _MOVED_M = 2e-12, 3e-10
rings = st.lists(place, min_size=3, max_size=14)


def star(seed: int, vertices: int, radius: float, middle: tuple[float, float]) -> list[tuple[float, float]]:
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, vertices))
    far = radius * rng.uniform(0.2, 1, vertices)
    return [(middle[0] + r * np.cos(a), middle[1] + r * np.sin(a)) for r, a in zip(far, angle, strict=True)]


stars = st.builds(star, st.integers(0, 99), st.integers(3, 300), st.floats(1, 500), place)


@st.composite
def polygons(draw: st.DrawFn) -> BaseGeometry:
    """Many cross themselves; holes lie wherever they fall; several parts may overlap."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        shell = draw(rings | stars)
        holes = draw(
            st.lists(st.builds(star, st.integers(0, 99), st.integers(3, 20), st.floats(5, 90), place), max_size=2)
        )
        parts.append(shapely.Polygon(np.array(shell), [np.array(hole) for hole in holes]))
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def expected(shape: BaseGeometry) -> dict[tuple[int, int], float]:
    """What a shape has in each cell."""
    return {cell: amount for cell, (amount, _) in exact_parts(shape).items()}


def exact_parts(shape: BaseGeometry) -> dict[tuple[int, int], tuple[float, float]]:
    """What a shape has in each cell, and the length of that part's rim."""
    west, south, east, north = shape.bounds
    cols, rows = np.arange(west // 100 - 1, east // 100 + 2), np.arange(south // 100 - 1, north // 100 + 2)
    row, col = (index.ravel() for index in np.meshgrid(rows, cols, indexing="ij"))
    inside = shapely.intersection(shape, shapely.box(col * 100, row * 100, col * 100 + 100, row * 100 + 100))
    amount = shapely.area(inside) if shape.geom_type.endswith("Polygon") else shapely.length(inside)
    parts = zip(row.tolist(), col.tolist(), amount.tolist(), shapely.length(inside).tolist(), strict=True)
    return {(r, c): (a, rim) for r, c, a, rim in parts if a > 0}


def placed(shape: BaseGeometry) -> BaseGeometry:
    """Moved to the corner, and rounded there once; what is compared is moved back exactly."""
    return shapely.transform(shape, lambda c: c + CORNER)


def local(shape: BaseGeometry) -> BaseGeometry:
    return shapely.transform(shape, lambda c: c - CORNER)


def made_valid(shape: BaseGeometry) -> BaseGeometry:
    """What a shape covers, ground that two of its parts cover too: not the hole that GEOS's default makes of it.

    Nor the ground that it makes of a ring that is no hole, since it lies outside its shell (test_stray_holes.py).
    """

    def valid(one: BaseGeometry) -> BaseGeometry:
        return shapely.make_valid(one, method="structure", keep_collapsed=False)

    members = []
    for part in shapely.get_parts(shape):
        shell = valid(shapely.Polygon(part.exterior))
        holes = [ring for ring in part.interiors if shell.intersects(valid(shapely.Polygon(ring)))]
        members.append(shapely.Polygon(part.exterior, holes))
    return valid(members[0] if shape.geom_type == "Polygon" else shapely.MultiPolygon(members))


def found(column: WkbColumn | RaggedColumn) -> tuple[dict[tuple[int, int], float], float]:
    result = parts_in_cells(column, GRID)
    parts = result.parts
    cells = zip((parts.row - FIRST_ROW).tolist(), (parts.col - FIRST_COL).tolist(), strict=True)
    return dict(zip(cells, parts.amount.tolist(), strict=True)), float(result.measures[0])


def agree(ours: dict[tuple[int, int], float], theirs: dict[tuple[int, int], float], within: float) -> None:
    keys = ours.keys() | theirs.keys()
    wrong = {k: (ours.get(k), theirs.get(k)) for k in keys if abs(ours.get(k, 0) - theirs.get(k, 0)) > within}
    assert wrong == {}


@given(polygons())
@settings(max_examples=120, deadline=None)
def test_polygons_agree_with_intersection(shape: BaseGeometry) -> None:
    shape = placed(shape)
    valid = local(made_valid(shape))
    if not valid.geom_type.endswith("Polygon"):
        parts = [part for part in shapely.get_parts(valid) if part.geom_type.endswith("Polygon")]
        valid = shapely.unary_union(parts)
    if valid.area < 1e-6 * max(1.0, valid.length):  # its area is rounding; asked about in test_share_properties
        return
    column = WkbColumn.from_bytes([shapely.to_wkb(shape)])
    ours, whole = found(column)
    # Of each part, however small, 1e-9. Its floor: what is left out as a touch (1e-13 of cell or feature), and what its
    # rim gives: coordinates of some hundred metres round, or of 1,940 km where rings made valid have new vertices.
    parts, floor_m = exact_parts(valid), _ROUNDED_M if shapely.is_valid(shape) else _MOVED_M
    touch = 1e-13 * min(valid.area, 1e4)
    for cell in ours.keys() | parts.keys():
        amount, rim = parts.get(cell, (0.0, 0.0))
        assert abs(ours.get(cell, 0.0) - amount) <= 1e-9 * amount + touch + floor_m * max(rim, 1.0), cell
    assert whole == pytest.approx(valid.area, rel=1e-9, abs=3e-10 * valid.length)
    sums = cell_sums(column, np.ones(1), GRID, (*(CORNER - 1500), *(CORNER + 1500)))
    assert sums.outside[0] == 0
    rows, cols = np.nonzero(sums.sums[:, :, 0])
    shares = {
        (int(r) + sums.first_row - FIRST_ROW, int(c) + sums.first_col - FIRST_COL): float(sums.sums[r, c, 0])
        for r, c in zip(rows, cols, strict=True)
    }
    assert shares == pytest.approx({cell: amount / whole for cell, amount in ours.items()}, rel=1e-12)


@given(st.lists(place, min_size=2, max_size=30))
@settings(max_examples=150, deadline=None)
def test_lines_agree_with_intersection(path: list[tuple[float, float]]) -> None:
    shape = placed(shapely.LineString(path))
    edges = [shapely.LineString(pair) for pair in pairwise(path) if pair[0] != pair[1]]
    theirs: dict[tuple[int, int], float] = {}
    for edge in (local(placed(edge)) for edge in edges):
        (ax, ay), (bx, by) = edge.coords
        for (row, col), length in expected(edge).items():
            on_top, on_east = ay == by == (row + 1) * 100, ax == bx == (col + 1) * 100
            if not on_top and not on_east:  # a border is its upper, or eastern, cell's
                theirs[row, col] = theirs.get((row, col), 0) + length
    ours, whole = found(WkbColumn.from_bytes([shapely.to_wkb(shape)]))
    if shape.length:
        touch = 1e-13 * min(shape.length, 100)
        for cell in ours.keys() | theirs.keys():
            length = theirs.get(cell, 0.0)
            assert abs(ours.get(cell, 0.0) - length) <= 1e-9 * length + touch + _ROUNDED_M, cell
        assert whole == pytest.approx(shape.length, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("hole leaves its shell", shapely.Polygon(
            [(0, 0), (250, 0), (250, 250), (0, 250)], [[(50, 50), (400, 60), (60, 200)]]
        )),
        ("holes cross", shapely.Polygon(
            [(-10, -10), (390, -10), (390, 390), (-10, 390)],
            [[(50, 50), (200, 50), (200, 200)], [(100, 20), (300, 60), (110, 300)]],
        )),
        ("hole in a hole", shapely.Polygon(
            [(-10, -10), (390, -10), (390, 390), (-10, 390)],
            [[(50, 50), (350, 50), (350, 350), (50, 350)], [(120, 120), (180, 120), (180, 180)]],
        )),
        ("a crossing that cancels in one cell", shapely.Polygon(
            [(-150, 20), (30, 20), (70, 60), (70, 20), (30, 60), (30, 80), (-150, 80)]
        )),
        ("hole outside, in the same cells", shapely.Polygon(
            [(0, 0), (150, 0), (150, 40), (0, 40)], [[(10, 50), (90, 50), (50, 90)]]
        )),
        ("shell in a shell", shapely.MultiPolygon([shapely.box(0, 0, 350, 350), shapely.box(110, 110, 120, 120)])),
    ],
)  # fmt: skip
def test_rings_that_do_not_fit_are_found(name: str, shape: BaseGeometry) -> None:
    column = WkbColumn.from_bytes([shapely.to_wkb(placed(shape))])
    result = parts_in_cells(column, GRID)
    assert result.repaired.tolist() == [0], name
    agree(found(column)[0], expected(local(made_valid(placed(shape)))), 1e-6)


def many_parts(n: int) -> NDArray[np.object_]:
    col, row = np.meshgrid(np.arange(n), np.arange(n))
    west, south = 37.0 * col.ravel(), 41.0 * row.ravel()
    return np.asarray(shapely.box(west, south, west + 30, south + 30), dtype=np.object_)


def test_one_overlap_among_thousands_of_parts_is_found() -> None:
    parts = many_parts(60)
    for extra, repaired in (
        ([], []),
        ([shapely.box(1000, 1000, 1040, 1002)], [0]),
        ([shapely.box(1001, 1002, 1002, 1003)], [0]),
    ):
        whole = placed(shapely.MultiPolygon([*parts, *extra]))
        assert shapely.is_valid(whole) == (not repaired)
        result = parts_in_cells(WkbColumn.from_bytes([shapely.to_wkb(whole)]), GRID)
        assert result.repaired.tolist() == repaired
        assert result.parts.amount.sum() == pytest.approx(shapely.union_all(shapely.get_parts(whole)).area, rel=1e-9)


def test_repeated_vertices_are_no_crossing() -> None:
    ring = np.repeat(shapely.get_coordinates(shapely.Point(0, 0).buffer(170)), 3, axis=0)
    shapes = [shapely.Polygon(ring), shapely.Polygon([(0, 0), (0, 0), (150, 0), (150, 0), (150, 90), (0, 90), (0, 0)])]
    result = parts_in_cells(WkbColumn.from_bytes([shapely.to_wkb(placed(shape)) for shape in shapes]), GRID)
    assert result.repaired.size == 0


@pytest.mark.parametrize(
    ("first", "second", "area"),
    [
        (shapely.box(0, 0, 250, 250), shapely.box(150, 0, 360, 250), 90_000.0),
        (shapely.box(0, 0, 350, 350), shapely.box(110, 110, 220, 220), 122_500.0),
        (shapely.box(0, 0, 350, 350), shapely.box(0, 0, 350, 350), 122_500.0),
    ],
    ids=["overlapping", "shell in a shell", "drawn twice"],
)
def test_ground_that_two_parts_cover_counts_once(first: BaseGeometry, second: BaseGeometry, area: float) -> None:
    """By hand: it was left out once, as GEOS's default would have it, while reading files kept it."""
    whole = placed(shapely.MultiPolygon([first, second]))
    result = parts_in_cells(WkbColumn.from_bytes([shapely.to_wkb(whole)]), GRID)
    assert result.repaired.tolist() == [0]
    assert result.measures.tolist() == pytest.approx([area])
    assert result.parts.amount.sum() == pytest.approx(area)
    given = np.array([whole], dtype=np.object_)
    report = ReadReport("town", "buildings", "town.gpkg")
    kept = clean(GeometryColumn.of_objects(given), np.array(["1"], dtype=object), ("polygon",), "repair", report)
    assert shapely.area(kept.geometry.objects(np.arange(1))).tolist() == pytest.approx([area])
