"""Zones seen through a grid against overlays of geometry objects, for zones and features of any shape.

Coordinates are binary fractions of a metre, so that they lie at Korean northings for the index, and for GEOS near the
origin, where it rounds less, without a bit of difference.
"""

import numpy as np
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.crossings import polygon_areas
from grids.grid import Grid
from grids.measures import AREAS, own_dimension
from grids.wkb import WkbColumn, parts_in_cells
from grids.zone_index import ZoneIndex, domain_index, parts_in_zones
from grids.zones import gap_between
from tests.grids.zone_overlays import parts_by_overlay

FloatArray = NDArray[np.float64]
GeometryArray = NDArray[np.object_]
Scene = tuple[GeometryArray, GeometryArray, GeometryArray]

GRID = Grid("EPSG:5179", (0, 0), 100, "korea")
CORNER = np.array([960_000.0, 1_940_000.0])
FINEST = 2.0**-20  # of a metre
SIDE = 600.0  # of the square that zones share out

on_lines = st.integers(-2, 14).map(lambda k: k * 50.0)
anywhere = st.integers(int(-100 / FINEST), int(700 / FINEST)).map(lambda k: k * FINEST)
place = st.tuples(on_lines | anywhere, on_lines | anywhere)


def rounded(geometries: GeometryArray) -> GeometryArray:
    """The same with coordinates that are whole multiples of the finest fraction."""
    return np.asarray(shapely.transform(geometries, lambda xy: np.rint(xy / FINEST) * FINEST))


def moved(geometries: GeometryArray, offset: FloatArray | None = None) -> GeometryArray:
    place = CORNER if offset is None else CORNER + offset
    return np.asarray(shapely.transform(geometries, lambda xy: xy + place))


def zone_shares(column: WkbColumn, index: ZoneIndex, rest: int | None = None) -> tuple[FloatArray, FloatArray]:
    """(features, zones, gap and beyond) share of each feature, and its measures."""
    cells = parts_in_cells(column, GRID)
    found = parts_in_zones(column, cells, index, rest=rest)
    shares = np.zeros((column.size, index.polygons.size + 1))
    np.add.at(shares, (found.owner, found.zone), found.amount / cells.measures[found.owner])
    return shares, cells.measures


def tolerance(features: GeometryArray) -> FloatArray:
    """1e-9 of a feature; of one thinner than a decimetre, what 0.1 nm along its border are."""
    thin = 1e-10 * shapely.length(features) / np.maximum(shapely.area(features), 1e-12)
    return np.where(shapely.get_dimensions(features) == 2, np.maximum(1e-9, thin), 1e-9)[:, None]


@st.composite
def simple_features(draw: st.DrawFn) -> BaseGeometry:
    kind = draw(st.sampled_from(["star", "hull", "box", "line", "point", "points", "ring"]))
    x, y = draw(place)
    if kind == "point":
        return shapely.Point(x, y)
    if kind == "box":
        width, height = draw(st.tuples(st.integers(1, 300), st.integers(1, 300)))
        return shapely.box(x, y, x + width, y + height)
    if kind == "star":
        return star(x, y, draw(st.integers(3, 120)), draw(st.floats(0.2, 0.99)), draw(st.floats(1, 300)))
    if kind == "ring":
        radius = draw(st.floats(2, 250))
        return shapely.difference(
            star(x, y, draw(st.integers(3, 60)), 0.95, radius), star(x, y, draw(st.integers(3, 40)), 0.9, radius / 3)
        )
    places = draw(st.lists(place, min_size=3, max_size=9, unique=True))
    if kind == "line":
        return shapely.LineString(places)
    bundle = shapely.MultiPoint(places)
    return bundle.convex_hull if kind == "hull" else bundle


def star(x: float, y: float, vertices: int, ratio: float, radius: float) -> BaseGeometry:
    angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False) + ratio
    radii = radius * np.where(np.arange(vertices) % 2, ratio, 1)
    return shapely.Polygon(np.column_stack((x + radii * np.cos(angles), y + radii * np.sin(angles))))


@st.composite
def partitions(draw: st.DrawFn) -> GeometryArray:
    """Zones that share out a square: by the nearest of some places, or a lattice with winding borders."""
    kind = draw(st.sampled_from(["voronoi", "lattice", "winding", "plots"]))
    square = shapely.box(0, 0, SIDE, SIDE)
    if kind == "voronoi":
        places = draw(
            st.lists(st.tuples(on_lines | anywhere, on_lines | anywhere), min_size=2, max_size=30, unique=True)
        )
        cells = shapely.voronoi_polygons(shapely.MultiPoint(places), extend_to=square)
        return partition(shapely.get_parts(shapely.get_rings(shapely.get_parts(cells))), square)
    if kind == "plots":  # many in one cell
        step = draw(st.sampled_from([12.5, 25.0, 37.5]))
        west, south = np.meshgrid(np.arange(100, 350, step), np.arange(100, 250, step))
        return np.asarray(shapely.box(west, south, west + step, south + step).ravel(), dtype=object)
    n = draw(st.integers(2, 5))
    lines = np.linspace(0, SIDE, n + 1)[1:-1]
    seed, steps = draw(st.integers(0, 2**32 - 1)), 2 if kind == "lattice" else draw(st.integers(10, 60))
    rng, far = np.random.default_rng(seed), np.linspace(-1, SIDE + 1, steps)
    bend = 0.0 if kind == "lattice" and draw(st.booleans()) else SIDE / n / 2.5
    borders = []
    for at in lines:
        borders.append(shapely.LineString(np.column_stack((far, at + rng.uniform(-bend, bend, steps)))))
        borders.append(shapely.LineString(np.column_stack((at + rng.uniform(-bend, bend, steps), far))))
    return partition(np.array(borders, dtype=object), square)


def partition(borders: GeometryArray, square: BaseGeometry) -> GeometryArray:
    """The faces between lines: neighbours share all vertices, so that rounding them opens nothing between them."""
    noded = shapely.set_precision(shapely.union_all([*borders, square.boundary]), 2.0**-10)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return np.asarray(faces[shapely.contains_properly(square.buffer(0.01), faces)], dtype=object)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Zones, some of several faces; the faces left out; and features."""
    faces = draw(partitions())
    assume(faces.size > 0)
    of = np.array(draw(st.lists(st.integers(0, 6), min_size=faces.size, max_size=faces.size)), dtype=int)
    zones = [shapely.union_all(faces[of == zone]) for zone in range(1, 7) if (of == zone).any()]
    drawn = draw(st.lists(simple_features(), min_size=1, max_size=8))
    features = rounded(np.array([*drawn, None], dtype=object)[:-1])
    return np.array([*zones, None], dtype=object)[:-1], faces[of == 0], features[shapely.is_valid(features)]


@settings(max_examples=80, deadline=None)
@given(scenes())
def test_shares_in_zones_are_those_of_overlays(scene: Scene) -> None:
    zones, _, features = scene
    index = ZoneIndex.of(moved(zones), GRID)
    given_shares, measures = zone_shares(WkbColumn.from_geometries(moved(features)), index)
    assert index.report.slivers == ()
    kinds = shapely.get_dimensions(features).astype(np.int64)
    zone, feature, amount, _ = parts_by_overlay(features, kinds, zones)
    expected = np.zeros_like(given_shares)
    np.add.at(expected, (feature, zone), amount / measures[feature])
    assert (np.abs(given_shares - expected) <= tolerance(features)).all()


@settings(max_examples=40, deadline=None)
@given(scenes())
def test_zones_gap_and_outside_hold_the_whole(scene: Scene) -> None:
    """The domain is all faces together: zones, gap and outside are measured each by itself."""
    zones, left_out, features = scene
    domain = shapely.union_all([*zones, *left_out])
    gap = gap_between(zones, domain).ground
    here = [moved(np.array([shape, None], dtype=object))[0] for shape in (domain, gap)]
    column = WkbColumn.from_geometries(moved(features))
    within, measures = zone_shares(column, domain_index(here[0], GRID))
    shares, _ = zone_shares(column, ZoneIndex.of(moved(zones), GRID, gap=here[1]))
    assert (measures > 0).all()
    slack = np.maximum(1e-11, tolerance(features)[:, 0] - 1e-9)  # what thin ones may round by, and no other
    assert (np.abs(within.sum(axis=1) - 1) <= slack).all()
    assert (np.abs(shares.sum(axis=1) - within[:, 0]) <= slack).all()


@settings(max_examples=25, deadline=None)
@given(scenes())
def test_the_order_of_zones_changes_no_area(scene: Scene) -> None:
    zones, _, features = scene
    features = features[(shapely.get_dimensions(features) == 2)]
    column = WkbColumn.from_geometries(moved(features))
    one, _ = zone_shares(column, ZoneIndex.of(moved(zones), GRID))
    other, _ = zone_shares(column, ZoneIndex.of(moved(zones[::-1]), GRID))
    np.testing.assert_allclose(other[:, :-1][:, ::-1], one[:, :-1], rtol=0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(scenes())
def test_moving_all_by_whole_cells_changes_no_share(scene: Scene) -> None:
    zones, _, features = scene
    shares = []
    for east, north in ((0, 0), (-1300, 700)):
        offset = np.array([east, north], dtype=np.float64)
        index = ZoneIndex.of(moved(zones, offset), GRID)
        shares.append(zone_shares(WkbColumn.from_geometries(moved(features, offset)), index)[0])
    np.testing.assert_allclose(shares[1], shares[0], rtol=0, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(scenes())
def test_pure_cells_lie_in_their_zone_and_border_cells_add_up(scene: Scene) -> None:
    """Every cell of the frame is a feature: what it has in zones is what zones have in it."""
    zones, _, _ = scene
    index = ZoneIndex.of(moved(zones), GRID)
    rows, cols = (axis.ravel() for axis in np.indices(index.labels.shape))
    squares = GRID.cell_polygons(rows + index.first_row, cols + index.first_col)
    shares, _ = zone_shares(WkbColumn.from_geometries(squares), index)
    expected = np.zeros_like(shares)
    parts = polygon_areas(moved(zones), GRID.origin_m, GRID.size_m)
    cell = (parts.row - index.first_row) * index.labels.shape[1] + parts.col - index.first_col
    np.add.at(expected, (cell, parts.owner), parts.amount / GRID.size_m**2)
    np.testing.assert_allclose(shares, expected, rtol=0, atol=1e-12)
    labels = index.labels.ravel()
    pure = labels >= 0
    assert (expected[np.flatnonzero(pure), labels[pure]] == 1).all()
    assert (expected[labels == -1].sum(axis=1) <= 1e-12).all()


@settings(max_examples=25, deadline=None)
@given(scenes())
def test_zones_as_features_lie_in_themselves(scene: Scene) -> None:
    """All their edges are borders, twice: nothing of a zone may leak into its neighbours."""
    zones, _, _ = scene
    zones = own_dimension(moved(zones), np.full(zones.size, AREAS))
    shares, _ = zone_shares(WkbColumn.from_geometries(zones), ZoneIndex.of(zones, GRID))
    np.testing.assert_allclose(shares[:, :-1], np.eye(zones.size), rtol=0, atol=1e-9)
