"""How many cells one feature may lie in is bounded, before anything is cut and whatever the feature is."""

import numpy as np
import pytest
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon, box

from grids.cell_sums import cell_sums
from grids.crossings import line_lengths, polygon_areas
from grids.errors import GeometryError
from grids.grid import Grid
from grids.ragged import RaggedColumn
from grids.wkb import WkbColumn, parts_in_cells

GRID = Grid("EPSG:32632", (0, 0), 100, "inspire")
METRE = Grid("EPSG:32632", (0, 0), 1, "inspire")

OCEAN = box(-2e7, -2e7, 2e7, 2e7)
LARGE = {
    "an ocean": OCEAN,
    "an ocean with an island": Polygon(OCEAN.exterior, [box(0, 0, 1e6, 1e6).exterior]),
    "two oceans": MultiPolygon([box(-2e7, -2e7, -1, 2e7), box(1, -2e7, 2e7, 2e7)]),
    "an ocean whose ring crosses itself": Polygon([(-2e7, -2e7), (2e7, 2e7), (2e7, -2e7), (-2e7, 2e7)]),
    "a collection": shapely.GeometryCollection([OCEAN, Point(0, 0)]),
    "a line around the earth": LineString([(-2e7, -2e7), (2e7, 2e7)]),
}


def column(*shapes: object) -> WkbColumn:
    return WkbColumn.from_bytes([shapely.to_wkb(shape) for shape in shapes])


@pytest.mark.parametrize("name", LARGE)
def test_what_would_need_all_memory_is_refused_by_name_with_the_remedy(name: str) -> None:
    shapes = column(box(10, 10, 20, 20), LARGE[name])
    with pytest.raises(
        GeometryError, match=r"Feature 'sea' \(position 1\) would lie in up to .* cells of 1 m"
    ) as error:
        parts_in_cells(shapes, METRE, ids=["house", "sea"])
    for words in ("33,554,432 are the most", "Cut it", "larger cells", "most_cells", "CRS"):
        assert words in str(error.value)
    with pytest.raises(GeometryError, match=r"Feature 1 would lie in up to .* cells of 1 m"):
        cell_sums(shapes, np.ones(2), METRE, (0, 0, 100, 100))


def test_the_bound_is_an_argument_and_counts_cells_and_not_boxes() -> None:
    square, diagonal = box(5, 5, 995, 995), LineString([(5, 5), (995, 995)])
    river = Polygon([(0, 0), (1000, 990), (1000, 1000), (0, 10)])  # a hundred cells of a box's hundred, few of its own
    thin = LineString([(50, 50), (99_950, 99_950)])
    assert parts_in_cells(column(square), GRID, most_cells=100).parts.amount.size == 100
    for shape, most in ((square, 99), (diagonal, 9), (river, 9)):
        with pytest.raises(GeometryError, match=f"{most} are the most for one feature"):
            parts_in_cells(column(shape), GRID, most_cells=most)
    found = parts_in_cells(column(thin), GRID, most_cells=2500)  # of the million of its box
    assert found.parts.amount.sum() == pytest.approx(thin.length, rel=1e-12)
    assert cell_sums(column(square), np.ones(1), GRID, (0, 0, 1000, 1000), most_cells=100).sums.sum() == pytest.approx(
        1
    )


def test_it_holds_for_geoarrow_and_for_geometries_too() -> None:
    whole = shapely.to_ragged_array([OCEAN])
    kind, places, (rings, polygons) = whole
    assert kind == shapely.GeometryType.POLYGON
    shells = np.ones(len(rings) - 1, np.int64)
    ragged = RaggedColumn(places, rings.astype(np.int64), shells, polygons.astype(np.int64), 2)
    with pytest.raises(GeometryError, match="Feature 0 would lie in up to"):
        parts_in_cells(ragged, METRE)
    with pytest.raises(GeometryError, match="Feature 1 would lie in up to"):
        polygon_areas(np.array([box(0, 0, 1, 1), OCEAN], dtype=object), (0, 0), 1)
    with pytest.raises(GeometryError, match="Feature 0 would lie in up to"):
        line_lengths(np.array([LARGE["a line around the earth"]], dtype=object), (0, 0), 1)
    few = polygon_areas(np.array([OCEAN], dtype=object), (0, 0), 10_000_000, most_cells=36)
    assert few.amount.sum() == pytest.approx(OCEAN.area, rel=1e-12)
