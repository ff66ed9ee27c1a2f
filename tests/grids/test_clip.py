"""Cutting to the domain: inside and outside are each taken from geometry."""

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids import surroundings
from grids.errors import GeometryError
from grids.shares import clip_to
from grids.surroundings import Surroundings

DOMAIN = shapely.Polygon([(0, 0), (30, 0), (30, 30), (0, 30)], [[(10, 10), (20, 10), (20, 20), (10, 20)]])


def fractions(*geometries: object) -> tuple[list[float], list[float]]:
    clipped = clip_to(np.array(geometries, dtype=object), DOMAIN)
    return clipped.inside.tolist(), clipped.outside.tolist()


def test_polygons_inside_across_outside_and_in_the_hole() -> None:
    inside, outside = fractions(
        shapely.box(1, 1, 2, 2), shapely.box(25, 5, 35, 10), shapely.box(40, 40, 50, 50), shapely.box(12, 12, 18, 18)
    )
    assert inside == [1, 0.5, 0, 0]
    assert outside == [0, 0.5, 1, 1]


def test_who_cuts_often_looks_at_the_domain_once(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = shapely.Point(0, 0).buffer(20_000, 256)
    features = np.asarray(shapely.buffer(shapely.points(shapely.get_coordinates(domain)[:40]), 50), dtype=object)
    whole: list[bool] = []
    plain = surroundings.without_far

    def counted(shape: BaseGeometry, box: NDArray[np.float64]) -> BaseGeometry | None:
        whole.append(shape is domain)
        return plain(shape, box)

    monkeypatch.setattr(surroundings, "without_far", counted)
    around = Surroundings(np.array([domain], dtype=object))
    expected = clip_to(features, domain)
    alone = sum(whole)
    first, again = (clip_to(features, domain, around) for _ in range(2))
    assert alone > 0
    assert sum(whole) == 2 * alone  # once by itself, once for both
    for found in (first, again):
        assert shapely.to_wkb(found.geometries).tolist() == shapely.to_wkb(expected.geometries).tolist()
        assert found.outside.tolist() == expected.outside.tolist()


def test_a_polygon_that_only_touches_is_outside() -> None:
    clipped = clip_to(np.array([shapely.box(30, 0, 40, 30), shapely.Polygon([(30, 15), (40, 10), (40, 20)])]), DOMAIN)
    assert clipped.outside.tolist() == [1, 1]
    assert shapely.is_empty(clipped.geometries).all()


def test_the_domain_itself_is_inside() -> None:
    assert fractions(DOMAIN) == ([1], [0])


def test_a_line_on_the_border_is_inside() -> None:
    assert fractions(shapely.LineString([(0, 0), (30, 0)])) == ([1], [0])
    inside, outside = fractions(shapely.LineString([(30, 20), (30, 40)]))
    assert (inside, outside) == ([0.5], [0.5])


def test_a_line_that_touches_and_crosses() -> None:
    clipped = clip_to(np.array([shapely.LineString([(-10, 15), (40, 15)])]), DOMAIN)
    assert clipped.inside[0] == pytest.approx(20 / 50)
    assert clipped.outside[0] == pytest.approx(30 / 50)
    assert shapely.get_num_geometries(clipped.geometries[0]) == 2


def test_a_line_that_retraces_itself_across_the_border() -> None:
    there_and_back = shapely.LineString([(25, 5), (35, 5), (25, 5)])
    clipped = clip_to(np.array([there_and_back]), DOMAIN)
    assert clipped.measures.tolist() == [20]
    assert (clipped.inside[0], clipped.outside[0]) == (pytest.approx(0.5), pytest.approx(0.5))
    assert shapely.length(clipped.geometries[0]) == pytest.approx(10)


def test_what_is_kept_has_the_feature_s_own_dimension() -> None:
    comb = shapely.box(0, 0, 10, 10).union(shapely.box(20, 0, 30, 10)).union(shapely.box(0, 20, 30, 30))
    clipped = clip_to(np.array([shapely.box(5, 5, 25, 20), shapely.LineString([(10, 15), (10, 5), (15, 5)])]), comb)
    assert clipped.geometries[0].geom_type == "MultiPolygon"
    assert clipped.geometries[1].geom_type in ("LineString", "MultiLineString")
    assert clipped.inside == pytest.approx([50 / 300, 5 / 15])
    assert clipped.outside == pytest.approx([250 / 300, 10 / 15])


@pytest.mark.parametrize("broken", ["difference", "intersection"])
def test_inside_and_outside_are_not_complements(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapely, broken, lambda features, others: features)
    clipped = clip_to(np.array([shapely.box(25, 5, 35, 10)]), DOMAIN)
    assert clipped.inside[0] + clipped.outside[0] == pytest.approx(1.5)


def test_points_each_by_itself() -> None:
    cloud = shapely.MultiPoint([(1, 1), (1, 1), (15, 15), (30, 30), (31, 31)])
    clipped = clip_to(np.array([cloud, shapely.Point(10, 15), shapely.Point(15, 15)]), DOMAIN)
    assert clipped.inside.tolist() == [0.6, 1, 0]
    assert clipped.outside.tolist() == [0.4, 0, 1]
    assert clipped.measures.tolist() == [5, 1, 1]
    assert shapely.get_num_geometries(clipped.geometries[0]) == 3


def test_measures_are_those_of_the_whole_repaired_feature() -> None:
    bow_tie = shapely.Polygon([(0, 0), (10, 5), (10, 0), (0, 5)])
    clipped = clip_to(np.array([bow_tie]), DOMAIN)
    assert clipped.measures[0] == pytest.approx(25)
    assert clipped.inside[0] == 1


def test_what_was_given_is_left_as_it_was() -> None:
    given = np.array([shapely.box(25, 5, 35, 10), None], dtype=object)
    clip_to(given, DOMAIN)
    assert given[0].equals(shapely.box(25, 5, 35, 10))
    assert given[1] is None


@pytest.mark.parametrize(
    "domain",
    [shapely.Polygon(), shapely.LineString([(0, 0), (1, 1)]), shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])],
)
def test_a_domain_that_is_no_valid_polygon_is_refused(domain: object) -> None:
    with pytest.raises(GeometryError, match="The domain is"):
        clip_to(np.array([shapely.Point(0, 0)]), domain)  # type: ignore[arg-type]


def test_geometries_must_be_a_row_of_features() -> None:
    with pytest.raises(GeometryError, match="one geometry per feature"):
        clip_to(np.array([[shapely.Point(0, 0)]]), DOMAIN)
