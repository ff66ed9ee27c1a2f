"""Rings that touch at a vertex, as clearings do that reach the edge of a wood: cut without GEOS where that is sure."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from grids import cutting
from grids.grid import Grid
from grids.survey import survey
from grids.wkb import FeatureParts, WkbColumn, parts_in_cells
from tests.grids.exact_parts import exact_areas

GRID = Grid("EPSG:5179", (0, 0), 100, "inspire")
CORNER = (960_000.0, 1_940_000.0)
SHELL = [(0, 0), (0, 170), (0, 400), (230, 400), (400, 400), (400, 0)]
AT_SHELL = [(0, 170), (120, 90), (110, 210)]  # touches it at (0, 170)
AT_HOLE = [(110, 210), (180, 150), (210, 260)]  # touches that at (110, 210)
AT_TOP = [(230, 400), (210, 260), (290, 310)]  # touches that at (210, 260), and the shell at (230, 400)


def placed(shape: BaseGeometry) -> BaseGeometry:
    return shapely.transform(shape, lambda xy: xy + CORNER)


def with_repeated_vertices(shape: BaseGeometry, times: int) -> BaseGeometry:
    parts = []
    for part in shapely.get_parts(shape):
        shell, *holes = (np.repeat(shapely.get_coordinates(ring), times, axis=0) for ring in shapely.get_rings(part))
        parts.append(shapely.Polygon(shell, holes))
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def column(shape: BaseGeometry) -> WkbColumn:
    return WkbColumn.from_bytes([shapely.to_wkb(shape)])


def cut_and_asked(shape: BaseGeometry, monkeypatch: pytest.MonkeyPatch) -> tuple[FeatureParts, bool]:
    """Its parts, and whether GEOS was asked."""
    asked = []
    settle = cutting.doubtful_parts
    with monkeypatch.context() as patch:
        patch.setattr(cutting, "doubtful_parts", lambda *given: asked.append(1) or settle(*given))  # type: ignore[func-returns-value]
        return parts_in_cells(column(shape), GRID), bool(asked)


def agrees(shape: BaseGeometry, found: FeatureParts) -> None:
    """Whether parts are those of its rings in rational arithmetic."""
    polygons = shapely.get_parts(shape)
    shells = [list(polygon.exterior.coords) for polygon in polygons]
    holes = [list(ring.coords) for polygon in polygons for ring in polygon.interiors]
    expected = exact_areas(shells, holes, 100)
    parts = found.parts
    ours = dict(zip(zip(parts.row.tolist(), parts.col.tolist(), strict=True), parts.amount.tolist(), strict=True))
    for cell in ours.keys() | expected.keys():
        assert ours.get(cell, 0.0) == pytest.approx(float(expected.get(cell, 0)), rel=1e-9, abs=1e-8), cell


@pytest.mark.parametrize("repeat", [1, 3])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    "shape",
    [
        shapely.Polygon(SHELL, [AT_SHELL]),
        shapely.Polygon(SHELL, [AT_SHELL, AT_HOLE]),
        shapely.Polygon(SHELL, [AT_HOLE, AT_SHELL[::-1]]),
        shapely.Polygon(SHELL, [AT_SHELL, [(230, 400), (300, 300), (310, 350)]]),
        shapely.MultiPolygon([shapely.Polygon(SHELL), shapely.Polygon([(400, 400), (520, 410), (430, 560)])]),
        shapely.MultiPolygon([shapely.Polygon(SHELL, [AT_SHELL]), shapely.Polygon([(0, 170), (110, 170), (100, 180)])]),
    ],
    ids=["hole at shell", "chain", "holes alone", "two at the shell", "shells", "an island in a hole, at one place"],
)
def test_rings_that_touch_in_one_vertex_are_cut_as_they_are(
    shape: BaseGeometry, turned: bool, repeat: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = placed(shapely.reverse(shape) if turned else shape)
    assert shapely.is_valid(shape)
    shape = with_repeated_vertices(shape, repeat)
    found, asked = cut_and_asked(shape, monkeypatch)
    assert not asked
    assert not found.repaired.size
    assert survey(column(shape)).sound[0]
    agrees(shape, found)


@pytest.mark.parametrize(
    "shape",
    [
        shapely.Polygon(SHELL, [AT_SHELL, AT_HOLE, AT_TOP]),
        shapely.Polygon(SHELL, [[(0, 170), (230, 400), (120, 210)]]),
        shapely.Polygon(SHELL, [[(0, 170), (-90, 100), (110, 210), (120, 90)]]),
        shapely.Polygon(SHELL, [[(0, 170), (-120, 90), (-110, 210)]]),
        shapely.Polygon(SHELL, [AT_SHELL, [(110, 210), (60, 160), (100, 150)]]),
        shapely.Polygon(SHELL, [[(0, 170), (0, 400), (120, 210)]]),
        shapely.Polygon(SHELL, [[(0, 170), (0, 300), (120, 210)]]),
        shapely.Polygon(SHELL, [[(0, 180), (120, 90), (110, 210)], [(0, 180), (0, 190), (50, 200)]]),
        shapely.MultiPolygon([shapely.Polygon(SHELL), shapely.Polygon([(0, 170), (120, 90), (110, 210)])]),
        shapely.MultiPolygon([shapely.Polygon(SHELL), shapely.Polygon([(400, 400), (400, 0), (520, 90)])]),
    ],
    ids=[
        *("circle of rings", "two vertices", "through the shell", "outside", "hole in a hole", "an edge of both"),
        *("along an edge", "two along an edge", "shell in a shell", "shells side by side"),
    ],
)
def test_what_is_no_polygon_by_the_rules_is_left_to_geos(shape: BaseGeometry, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = placed(shape)
    assert not shapely.is_valid(shape)
    found, asked = cut_and_asked(shape, monkeypatch)
    assert asked
    assert found.repaired.tolist() == [0]
    assert not survey(column(shape)).sound[0]
    repaired = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    assert found.measures[0] == pytest.approx(repaired.area, rel=1e-9)


few = st.tuples(st.integers(0, 6), st.integers(0, 6))
triangles = st.lists(few, min_size=3, max_size=4)


@given(st.lists(triangles, min_size=1, max_size=4), st.lists(triangles, max_size=1))
@settings(max_examples=500, deadline=None)
def test_nothing_is_vouched_for_that_geos_would_repair(
    holes: list[list[tuple[float, float]]], shells: list[list[tuple[float, float]]]
) -> None:
    """On a lattice nearly all rings touch somewhere, and most of them in ways that are not allowed."""
    first = shapely.Polygon([(-1, -1), (3, -1), (7, -1), (7, 3), (7, 7), (3, 7), (-1, 7), (-1, 3)], holes)
    whole = first if not shells else shapely.MultiPolygon([first, *map(shapely.Polygon, shells)])
    shape = placed(shapely.transform(whole, lambda xy: xy * 40))
    sound = bool(survey(column(shape)).sound[0])
    assert shapely.is_valid(shape) or not sound
    found = parts_in_cells(column(shape), GRID)
    if sound:
        assert not found.repaired.size
        agrees(shape, found)
    else:
        repaired = shapely.make_valid(shape, method="structure", keep_collapsed=False)
        assert found.measures[0] == pytest.approx(repaired.area, rel=1e-9)
