"""What compiled code vouches for is what GEOS finds: a source read with and without its help is the same source."""

import json
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from gis import geometry_column
from gis.errors import GisError, UnreadableFile
from gis.geometry_column import GeometryColumn
from gis.layers import Layer
from gis.readers import read_source
from gis.sources import Source
from grids.survey import Survey, survey
from grids.wkb import WkbColumn

CRS = "EPSG:5179"
EAST, NORTH = 953_000.25, 1_952_000.75


def polygon(*vertices: tuple[float, float], holes: tuple[list[tuple[float, float]], ...] = ()) -> Polygon:
    def here(ring: object) -> list[tuple[float, float]]:
        return [(EAST + x, NORTH + y) for x, y in ring]

    return Polygon(here(vertices), [here(hole) for hole in holes])


def square(x: float, y: float, side: float) -> list[tuple[float, float]]:
    return [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]


L_SHAPE = polygon((0, 0), (20, 0), (20, 10), (10, 10), (10, 20), (0, 20))
BOX = polygon(*square(0, 0, 10))
STAR = shapely.transform(
    Point(0, 0).buffer(40, quad_segs=16), lambda xy: xy * (1 + 0.5 * (np.arange(len(xy)) % 2))[:, None] + [EAST, NORTH]
)
ZOO: dict[str, BaseGeometry | None] = {
    "box": BOX,
    "L": L_SHAPE,
    "L the other way round": shapely.reverse(L_SHAPE),
    "star": STAR,
    "ring": polygon(*square(0, 0, 10), holes=(square(2, 2, 3), square(6, 6, 2))),
    "repeated vertices": polygon((0, 0), (10, 0), (10, 0), (10, 10), (10, 10), (0, 10)),
    "bow tie": polygon((0, 0), (10, 10), (10, 0), (0, 10)),
    "spike": polygon((0, 0), (14, 0), (10, 0), (10, 10), (0, 10)),
    "spike at a corner": polygon((0, 0), (10, 0), (10, 10), (15, 15), (10, 10), (0, 10)),
    "flat": polygon((0, 0), (5, 0), (10, 0)),
    "thin": polygon((0, 0), (10, 0), (10, 1e-9), (0, 1e-9)),
    "figure of eight that touches": polygon((0, 0), (5, 5), (10, 0), (10, 10), (5, 5), (0, 10)),
    "hole outside": polygon(*square(0, 0, 10), holes=(square(20, 20, 3),)),
    "hole that touches a corner": polygon(*square(0, 0, 10), holes=([(0, 0), (5, 2), (2, 5)],)),
    "hole across": polygon(*square(0, 0, 10), holes=(square(8, 8, 5),)),
    "flat hole": polygon(*square(0, 0, 10), holes=([(2, 2), (4, 4), (6, 6)],)),
    "hole in a hole": polygon(*square(0, 0, 20), holes=(square(2, 2, 15), square(5, 5, 3))),
    "two": MultiPolygon([BOX, polygon(*square(30, 0, 5))]),
    "two with a corner in common": MultiPolygon([BOX, polygon(*square(10, 10, 5))]),
    "two that overlap": MultiPolygon([BOX, polygon(*square(5, 5, 10))]),
    "island in a lake": MultiPolygon(
        [polygon(*square(0, 0, 20), holes=(square(5, 5, 10),)), polygon(*square(8, 8, 3))]
    ),
    "hole in the other part": MultiPolygon(
        [polygon(*square(0, 0, 10), holes=(square(32, 2, 3),)), polygon(*square(30, 0, 10))]
    ),
    "same part twice": MultiPolygon([BOX, BOX]),
    "point": Point(EAST, NORTH),
    "points": shapely.MultiPoint([(EAST, NORTH), (EAST + 1, NORTH)]),
    "line": shapely.LineString([(EAST, NORTH), (EAST + 10, NORTH)]),
    "line of no length": shapely.LineString([(EAST, NORTH), (EAST, NORTH)]),
    "lines": shapely.MultiLineString([[(EAST, NORTH), (EAST + 9, NORTH)], [(EAST, NORTH + 5), (EAST + 9, NORTH + 9)]]),
    "collection": shapely.GeometryCollection([BOX, Point(EAST + 50, NORTH)]),
    "collection without areas": shapely.GeometryCollection([shapely.LineString([(EAST, NORTH), (EAST, NORTH + 1)])]),
    "empty polygon": Polygon(),
    "empty collection": shapely.GeometryCollection(),
    "empty point": Point(),
    "missing": None,
    "not a number": shapely.transform(BOX, lambda xy: np.where(np.arange(len(xy))[:, None] == 2, np.nan, xy)),
    "infinite": shapely.transform(BOX, lambda xy: np.where(np.arange(len(xy))[:, None] == 2, np.inf, xy)),
    "beyond the earth": shapely.transform(BOX, lambda xy: xy * 1e6),
    "beyond the sky": shapely.transform(BOX, lambda xy: xy * 1e200),
    "far": shapely.transform(BOX, lambda xy: xy * 200),
    "far from the region": shapely.transform(BOX, lambda xy: xy + np.array([0, 900_000])),
}  # fmt: skip
PLAIN, BIG_ENDIAN, WITH_Z, WITH_M, WITH_SRID, CUT_SHORT, TOO_LONG, CURVED, NO_BYTES = FLAVOURS = (
    "plain", "big-endian", "Z", "M", "SRID", "cut short", "too long", "curved", "no bytes",
)  # fmt: skip


def written(shape: BaseGeometry | None, flavour: str) -> bytes | None:
    """Well-known binary of a flavour; damaged ones too."""
    if shape is None:
        return None
    if flavour == BIG_ENDIAN:
        return shapely.to_wkb(shape, byte_order=0)
    if flavour == WITH_Z:
        with np.errstate(invalid="ignore"):
            solid = shapely.force_3d(shape, 7.5)
        return shapely.to_wkb(solid, output_dimension=3, flavor="iso", byte_order=1)
    if flavour == WITH_SRID:
        return shapely.to_wkb(shapely.set_srid(shape, 5179), include_srid=True, byte_order=1)
    plain: bytes = shapely.to_wkb(shape, byte_order=1)
    if flavour == WITH_M and shape.geom_type == "Point" and not shape.is_empty:
        return plain[:1] + struct.pack("<I", 2001) + plain[5:] + struct.pack("<d", 3.5)
    if flavour == CUT_SHORT:
        return plain[:-7]
    if flavour == TOO_LONG:
        return plain + b"\x00" * 5
    if flavour == CURVED:
        return plain[:1] + struct.pack("<I", 10) + plain[5:]
    return b"" if flavour == NO_BYTES else plain


def write_source(folder: Path, features: list[bytes | None]) -> None:
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": [], "crs": "EPSG:5179"}},
    }
    table = pa.table({"name": [f"f{k}" for k in range(len(features))], "geometry": pa.array(features, pa.binary())})
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), folder / "features.parquet")


def doubting(column: WkbColumn, **options: object) -> Survey:
    """A survey that vouches for nothing, so that all goes the way of GEOS."""
    found = survey(column, check=True)
    return Survey(found.kinds, np.zeros(column.size, np.bool_), found.bounds, found.areas)


def outcome(source: Source, folder: Path, crs: str) -> Layer | str:
    try:
        return read_source(source, folder, crs, (120.0, 30.0, 135.0, 45.0))
    except GisError as error:
        return f"{type(error).__name__}: {error}"


def assert_same_both_ways(source: Source, folder: Path, crs: str) -> Layer | str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry_column, "survey", doubting)
        by_geos = outcome(source, folder, crs)
    found = outcome(source, folder, crs)
    if isinstance(found, str) or isinstance(by_geos, str):
        assert found == by_geos
        return found
    assert found.table.equals(by_geos.table)
    one, other = found.geometry, by_geos.geometry
    assert [one.wkb.feature(k) for k in range(len(one))] == [other.wkb.feature(k) for k in range(len(other))]
    assert one.types.tolist() == other.types.tolist()
    np.testing.assert_allclose(one.bounds, other.bounds, rtol=0)
    np.testing.assert_allclose(one.areas, other.areas, rtol=1e-9, atol=1e-12)
    ground, by_geos.report.ground.to_smaller_m2 = by_geos.report.ground.to_smaller_m2, found.report.ground.to_smaller_m2
    assert found.report == by_geos.report
    assert found.report.ground.to_smaller_m2 == pytest.approx(ground)
    return found


kinds = st.tuples(st.sampled_from(list(ZOO)), st.sampled_from([PLAIN, PLAIN, PLAIN, *FLAVOURS]))


@settings(deadline=None, max_examples=100)
@given(
    st.lists(kinds, min_size=1, max_size=12),
    st.sampled_from(["buildings", "transport", "forest"]),
    st.sampled_from(["repair", "refuse"]),
    st.sampled_from([CRS, CRS, "EPSG:5186"]),
)
def test_a_source_is_the_same_by_compiled_code_and_by_geos(
    tmp_path_factory: pytest.TempPathFactory, features: list[tuple[str, str]], sector: str, policy: str, crs: str
) -> None:
    folder = tmp_path_factory.mktemp("routes")
    write_source(folder, [written(ZOO[name], flavour) for name, flavour in features])
    given = {"id": "s", "sector": sector, "file": "features.parquet", "columns": {"id": "name"}, "invalid": policy}
    assert_same_both_ways(Source.model_validate(given), folder, crs)


def test_the_whole_zoo_in_every_flavour_is_accounted_for(tmp_path: Path) -> None:
    write_source(tmp_path, [written(shape, flavour) for flavour in FLAVOURS for shape in ZOO.values()])
    source = Source(id="s", sector="buildings", file="features.parquet", columns={"id": "name"})
    layer = assert_same_both_ways(source, tmp_path, CRS)
    assert isinstance(layer, Layer)
    report = layer.report
    assert report.read == len(ZOO) * len(FLAVOURS) == report.kept + report.outside + report.empty + len(report.refused)
    assert report.repaired.count > 40
    reasons = {reason.split(" [")[0] for _, reason in report.refused}
    assert {reason.split(",")[0].split(" (")[0] for reason in reasons} == {
        "its geometry cannot be read", "is a LineString", "is a MultiLineString", "is a GeometryCollection",
        "coordinates that are not finite or not on earth", "invalid",
    }  # fmt: skip
    assert shapely.is_valid(layer.features.geometry.to_numpy()).all()
    wkb = shapely.to_wkb(layer.features.geometry.to_numpy(), byte_order=1)
    assert layer.geometry.arrow().to_pylist() == wkb.tolist()  # all of it plain


def test_nearly_all_of_what_is_valid_is_vouched_for() -> None:
    given = np.array([shape for shape in ZOO.values() if shape is not None], dtype=object)
    column = GeometryColumn.of_objects(given)
    valid = shapely.is_valid(given) & ~shapely.is_empty(given)
    assert not (column.sound & ~valid).any()
    doubted = {name for name, shape in ZOO.items() if shape is not None and shape.is_valid and not shape.is_empty}
    doubted -= {
        name
        for name, shape in ZOO.items()
        if shape is not None and GeometryColumn.of_objects(np.array([shape])).sound[0]
    }
    assert doubted == {
        "thin", "collection", "collection without areas", "beyond the earth", "beyond the sky", "far",
    }  # fmt: skip


coordinates = st.tuples(st.integers(0, 6), st.integers(0, 6))
rings = st.lists(coordinates, min_size=3, max_size=9)
nudges = st.sampled_from([0.0, 1e-9, 3e-10, 1e-6])


@settings(deadline=None, max_examples=250)
@given(
    st.lists(st.tuples(rings, st.lists(rings, max_size=2)), min_size=1, max_size=3),
    st.lists(nudges, min_size=9, max_size=9),
    st.booleans(),
)
def test_nothing_invalid_is_vouched_for(
    parts: list[tuple[list[tuple[int, int]], list[list[tuple[int, int]]]]], nudge: list[float], far: bool
) -> None:
    def moved(ring: list[tuple[int, int]]) -> list[tuple[float, float]]:
        x, y = (EAST, NORTH) if far else (0.0, 0.0)
        return [(x + a + nudge[k % 9], y + b - nudge[(k + 4) % 9]) for k, (a, b) in enumerate(ring)]

    polygons = [Polygon(moved(shell), [moved(hole) for hole in holes]) for shell, holes in parts]
    shapes = np.array([*polygons, MultiPolygon(polygons)], dtype=object)
    found = survey(GeometryColumn.of_objects(shapes).wkb)
    assert (found.sound <= shapely.is_valid(shapes)).all()
    np.testing.assert_array_equal(found.bounds[found.sound], shapely.bounds(shapes)[found.sound])
    np.testing.assert_allclose(found.areas[found.sound], shapely.area(shapes)[found.sound], rtol=1e-9)


@settings(deadline=None, max_examples=100)
@given(st.lists(coordinates, min_size=18, max_size=60), st.integers(1, 40), st.booleans())
def test_nothing_invalid_is_vouched_for_among_long_rings(ring: list[tuple[int, int]], size: int, stray: bool) -> None:
    """Rings that go round with a wobble, and such with one vertex put elsewhere; more than sixteen edges."""
    angles = np.linspace(0, 2 * np.pi, len(ring), endpoint=False)
    radii = size + np.array(ring)[:, 0] / 7
    vertices = np.stack((EAST + radii * np.cos(angles), NORTH + radii * np.sin(angles)), axis=1)
    if stray:
        vertices[len(ring) // 2] = vertices[1] + np.array(ring[0]) / 3
    shapes = np.array([Polygon(vertices), Polygon(np.repeat(vertices, 2, axis=0))], dtype=object)
    found = survey(GeometryColumn.of_objects(shapes).wkb)
    assert (found.sound <= shapely.is_valid(shapes)).all()
    assert stray or found.sound.all()


def test_vertices_are_moved_as_geos_moves_them() -> None:
    half_empty = MultiPolygon([BOX, Polygon()])  # not plain, and yet somewhere
    given = np.array([*ZOO.values(), half_empty], dtype=object)
    wkb = [written(shape, flavour) for flavour in (PLAIN, BIG_ENDIAN, WITH_Z, WITH_SRID) for shape in given]
    column = GeometryColumn.of_arrow(pa.array(wkb, pa.binary()))

    def move(vertices: np.ndarray) -> np.ndarray:
        return vertices[:, ::-1] * 2 + 1

    present = ~shapely.is_missing(column.objects())
    with np.errstate(invalid="ignore", over="ignore"):
        expected = column.objects()
        expected[present] = shapely.transform(expected[present], move)
        expected = GeometryColumn.of_objects(expected)
        found = column.moved(move)
    assert found.arrow().to_pylist() == expected.arrow().to_pylist()
    assert found.types.tolist() == expected.types.tolist()
    assert found.sound.tolist() == expected.sound.tolist()
    np.testing.assert_array_equal(found.bounds, expected.bounds)


def test_blocks_and_threads_change_nothing() -> None:
    many = shapely.buffer(shapely.points(np.random.default_rng(5).uniform(0, 1e6, (20_000, 2))), 20, quad_segs=2)
    many[::1000] = ZOO["bow tie"]
    column = WkbColumn.from_geometries(many)
    for threads in (1, 2):
        assert np.array_equal(survey(column, threads=threads).sound, shapely.is_valid(many))


def test_a_column_of_text_is_no_geometry(tmp_path: Path) -> None:
    write_source(tmp_path, [b"x"])
    table = pq.read_table(tmp_path / "features.parquet")
    text = table.set_column(1, "geometry", pa.array(["POINT (1 2)"]))
    pq.write_table(text.replace_schema_metadata(table.schema.metadata), tmp_path / "features.parquet")
    with pytest.raises(UnreadableFile, match=r"column 'geometry' does not hold WKB geometry \(a column of string"):
        read_source(Source(id="s", sector="buildings", file="features.parquet"), tmp_path, CRS)
