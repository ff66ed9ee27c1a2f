"""Ground that several stands cover counts once."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import affinity, box

from gis.checks import check_report
from gis.geometry_column import GeometryColumn
from gis.layers import Layer, ReadReport
from gis.overlaps import GroundOnce, SmallerStands, ground_once, without_ground
from gis.readers import read_source
from gis.sources import Source


def shapes(*polygons: object) -> np.ndarray:
    array = np.empty(len(polygons), dtype=object)
    array[:] = polygons
    return array


def settled(stands: np.ndarray) -> tuple[GroundOnce, np.ndarray]:
    """Ground given once, and what each stand is left with as objects, empty where that is nothing."""
    column = GeometryColumn.of_objects(stands)
    once = ground_once(column, SmallerStands.of(column))
    left = once.geometry.objects()
    left[once.gone] = shapely.MultiPolygon()
    return once, left


def test_a_stand_inside_another_is_cut_out_of_it() -> None:
    once, left = settled(shapes(box(0, 0, 10, 10), box(2, 2, 4, 4)))
    assert shapely.area(left).tolist() == once.geometry.areas.tolist() == [96, 4]
    assert once.cut.tolist() == [True, False]
    assert once.shared_m2 == 4


def test_three_that_overlap_each_give_way_to_the_smaller() -> None:
    _, left = settled(shapes(box(0, 0, 10, 10), box(8, 0, 12, 10), box(9, 0, 11, 1)))
    assert shapely.area(left).tolist() == pytest.approx([79 + 1, 38, 2])


def test_neighbours_that_touch_stay_as_they_are() -> None:
    given_shapes = shapes(box(0, 0, 1, 1), box(1, 0, 2, 1), box(2, 1, 3, 2))
    once, left = settled(given_shapes)
    assert (shapely.to_wkb(left) == shapely.to_wkb(given_shapes)).all()
    assert once.shared_m2 == 0


def test_of_equal_stands_the_first_keeps_the_ground_and_covered_ones_vanish() -> None:
    _, left = settled(shapes(box(0, 0, 2, 2), box(0, 0, 2, 2), box(5, 0, 7, 1), box(5, 0, 6, 1), box(6, 0, 7, 1)))
    assert shapely.area(left).tolist() == [4, 0, 0, 1, 1]


squares = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 6), st.integers(1, 6))


@given(st.lists(squares, min_size=1, max_size=7))
def test_the_union_stays_and_nothing_is_shared(places: list[tuple[int, int, int, int]]) -> None:
    stands = shapes(*(box(x, y, x + width, y + height) for x, y, width, height in places))
    _, left = settled(stands)
    union = shapely.area(shapely.union_all(stands))
    assert shapely.area(left).sum() == pytest.approx(union, rel=1e-12)
    assert shapely.area(shapely.union_all(left)) == pytest.approx(union, rel=1e-12)


@given(st.lists(squares, min_size=2, max_size=7), st.floats(0, 90))
def test_what_is_left_is_what_overlays_of_all_pairs_leave(places: list[tuple[int, int, int, int]], turn: float) -> None:
    boxes = [box(x, y, x + width, y + height) for x, y, width, height in places]
    stands = shapes(*(affinity.rotate(shape, turn if k % 2 else 0, origin=(5, 5)) for k, shape in enumerate(boxes)))
    _, rest = settled(stands)
    sizes = np.round(shapely.area(stands), 6)
    order = np.lexsort((np.arange(len(stands)), sizes))
    for place, index in enumerate(order):
        left = shapely.difference(stands[index], shapely.union_all(stands[order[:place]]))
        assert rest[index].area == pytest.approx(left.area, abs=1e-6)
        assert rest[index].symmetric_difference(left).area == pytest.approx(0, abs=1e-6)


def test_a_map_gives_way_to_the_one_before_it() -> None:
    stands = GeometryColumn.of_objects(
        shapes(box(5, 0, 15, 10), box(1, 1, 2, 2), box(10, 10, 20, 20), box(50, 50, 60, 60))
    )
    ids = pd.DataFrame({"id": ["half", "gone", "beside", "far"]})
    report = ReadReport("s", "s.gpkg", read=4, kept=4)
    layer = Layer("s", "forest", ids, stands, pyproj.CRS("EPSG:32632"), False, report)
    rest = without_ground(
        layer, [GeometryColumn.of_objects(shapes(part)) for part in (box(0, 0, 10, 5), box(0, 5, 10, 10))]
    )
    assert dict(zip(rest.features["id"], rest.features.area, strict=True)) == {"half": 50, "beside": 100, "far": 100}
    assert rest.report.refused == [("gone", "all of its ground lies in a forest map listed before")]
    rest.report.verify()
    assert rest.report.ground.to_earlier_m2 == 50 + 1
    assert without_ground(rest, [GeometryColumn.of_objects(shapes(box(0, 0, 10, 10)))]) is rest
    assert without_ground(rest, []) is rest


def test_a_forest_is_read_without_ground_twice_and_says_so(tmp_path: Path) -> None:
    wood, larch = box(500_000, 5_200_000, 500_100, 5_200_100), box(500_000, 5_200_000, 500_050, 5_200_100)
    stands = gpd.GeoDataFrame(
        {"name": ["wood", "larch", "same"], "kind": ["mixed", "needleleaved", "mixed"]},
        geometry=[wood, larch, wood],
        crs="EPSG:32632",
    )
    stands.to_file(tmp_path / "stands.gpkg")
    source = Source(id="s", sector="forest", file="stands.gpkg", columns={"id": "name", "leaf_type": "kind"}, open=True)
    layer = read_source(source, tmp_path, "EPSG:32632")
    assert dict(zip(layer.features["id"], layer.features.area, strict=True)) == {"wood": 5000, "larch": 5000}
    assert layer.report.refused == [("same", "all of its ground lies in smaller stands")]
    assert layer.report.ground.stands == 2
    assert any("1.5 ha drawn more than once" in finding.what for finding in check_report(layer.report, "s"))
    layer.report.verify()
