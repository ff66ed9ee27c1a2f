"""Features as GeoArrow has them give what their well-known binary gives, bit by bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from grids.cell_kernels import AREAS
from grids.cell_sums import cell_sums
from grids.errors import GeometryError, GridError
from grids.grid import Grid
from grids.ragged import RaggedColumn
from grids.wkb import WkbColumn, parts_in_cells

GRID = Grid("EPSG:5179", (700_000, 1_300_000), 100, "korea")
CORNER = np.array([960_000.0, 1_940_000.0])
FRAME = (*(CORNER - 2000), *(CORNER + 2000))

HOLED = shapely.box(-150, -150, 450, 450).difference(shapely.box(0, 0, 250, 250))
SHAPES: dict[str, list[BaseGeometry | None]] = {
    "point": [shapely.Point(10, 10), None, shapely.Point(-350, 20)],
    "linestring": [shapely.LineString([(-30, 20), (310, 250), (310, -50)]), None, shapely.LineString()],
    "polygon": [shapely.box(0, 0, 250, 130), None, HOLED, shapely.Polygon(), shapely.box(5, 5, 7, 9)],
    "multipoint": [shapely.MultiPoint([(10, 10), (250, 10), (10, 10)]), None, shapely.MultiPoint()],
    "multilinestring": [shapely.MultiLineString([[(0, 50), (350, 60)], [(50, 50), (50, 250)]]), None],
    "multipolygon": [shapely.MultiPolygon([HOLED, shapely.box(20, 20, 240, 230)]), None, shapely.MultiPolygon()],
}


def nested(shape: BaseGeometry | None, encoding: str) -> Any:
    """One geometry as lists within lists."""
    if shape is None:
        return None
    if encoding == "point":
        return point(shape.coords[0])
    if encoding == "linestring":
        return [point(xy) for xy in shape.coords]
    if encoding == "polygon":
        return [[point(xy) for xy in ring.coords] for ring in shapely.get_rings(shape)]
    return [nested(part, encoding.removeprefix("multi")) for part in shapely.get_parts(shape)]


def point(xy: Sequence[float]) -> dict[str, float]:
    return {"x": float(xy[0] + CORNER[0]), "y": float(xy[1] + CORNER[1])}


def listed(given: Any) -> Any:
    """The same with points as lists of three numbers."""
    if isinstance(given, dict):
        return [given["x"], given["y"], 7.0]
    return None if given is None else [listed(inner) for inner in given]


def depth(encoding: str) -> int:
    return {"point": 0, "linestring": 1, "polygon": 2}[encoding.removeprefix("multi")] + encoding.startswith("multi")


def arrow(encoding: str, *, separated: bool, large: bool = False) -> Any:
    kind: Any = pa.struct([("x", pa.float64()), ("y", pa.float64())]) if separated else pa.list_(pa.float64(), 3)
    for _ in range(depth(encoding)):
        kind = pa.large_list(kind) if large else pa.list_(kind)
    rows = [nested(shape, encoding) for shape in SHAPES[encoding]]
    return pa.array(rows if separated else [listed(row) for row in rows], kind)


def binary(encoding: str) -> WkbColumn:
    placed = [None if shape is None else shapely.transform(shape, lambda c: c + CORNER) for shape in SHAPES[encoding]]
    return WkbColumn.from_bytes([None if shape is None else shapely.to_wkb(shape) for shape in placed])


@pytest.mark.parametrize("separated", [True, False])
@pytest.mark.parametrize("encoding", SHAPES)
def test_geoarrow_gives_the_same_bits_as_well_known_binary(encoding: str, separated: bool) -> None:
    expected = parts_in_cells(binary(encoding), GRID)
    array = arrow(encoding, separated=separated)
    for given in (array, arrow(encoding, separated=separated, large=True), pa.chunked_array([array])):
        column = RaggedColumn.from_arrow(given, f"geoarrow.{encoding}")
        found = parts_in_cells(column, GRID)
        for name in ("owner", "row", "col", "amount"):
            assert getattr(found.parts, name).tolist() == getattr(expected.parts, name).tolist()
        assert found.kinds.tolist() == expected.kinds.tolist()
        assert found.measures.tolist() == expected.measures.tolist()
        values = np.arange(1.0, column.size + 1)
        sums = cell_sums(column, values, GRID, FRAME)
        assert sums.sums.tolist() == cell_sums(binary(encoding), values, GRID, FRAME).sums.tolist()


@pytest.mark.parametrize("encoding", SHAPES)
def test_a_slice_is_what_it_shows(encoding: str) -> None:
    whole = arrow(encoding, separated=True)
    found = parts_in_cells(RaggedColumn.from_arrow(whole.slice(1), encoding), GRID)
    expected = parts_in_cells(RaggedColumn.from_arrow(whole, encoding), GRID)
    later = expected.parts.owner > 0
    assert (found.parts.owner + 1).tolist() == expected.parts.owner[later].tolist()
    assert found.parts.amount.tolist() == expected.parts.amount[later].tolist()


def test_rings_that_cross_are_repaired_or_refused_by_id() -> None:
    bow_tie = shapely.Polygon([(50, 50), (350, 350), (350, 50), (50, 250)])
    rows = [nested(shapely.box(0, 0, 9, 9), "polygon"), nested(bow_tie, "polygon")]
    kind = pa.list_(pa.list_(pa.struct([("x", pa.float64()), ("y", pa.float64())])))
    column = RaggedColumn.from_arrow(pa.array(rows, kind), "polygon")
    found = parts_in_cells(column, GRID)
    assert found.repaired.tolist() == [1]
    assert found.measures[1] == pytest.approx(shapely.make_valid(bow_tie, method="structure").area)
    with pytest.raises(GeometryError, match=r"rings of feature 'B-2' \(position 1\) cross"):
        parts_in_cells(column, GRID, repair=False, ids=["B-1", "B-2"])


def test_rings_that_do_not_close_are_refused() -> None:
    path = CORNER + np.array([(0.0, 0.0), (50, 0), (250, 50), (0, 50)])
    column = RaggedColumn(path, np.array([0, 4]), np.array([1]), np.array([0, 1]), AREAS)
    with pytest.raises(GeometryError, match=r"Feature 0 cannot be read .* does not end where it begins"):
        parts_in_cells(column, GRID)


def test_what_is_no_geoarrow_is_refused() -> None:
    with pytest.raises(GridError, match="one of point, linestring"):
        RaggedColumn.from_arrow(arrow("polygon", separated=True))
    with pytest.raises(GridError, match="lists deep"):
        RaggedColumn.from_arrow(arrow("linestring", separated=True), "polygon")
    with pytest.raises(GridError, match="x and y as float64"):
        RaggedColumn.from_arrow(arrow("polygon", separated=True), "linestring")
    with pytest.raises(GridError, match="do not rise"):
        RaggedColumn(np.zeros((4, 2)), np.array([0, 9]), np.array([1]), np.array([0, 1]), 2)
