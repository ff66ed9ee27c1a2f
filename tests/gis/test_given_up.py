"""Geometries at which GEOS gives up while a file is read are refused by id; the others are read as without them.

GEOS gives up at nothing that is known today, so it is made to: at what has a certain area.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import Polygon, box

from gis.geometry_column import GeometryColumn
from gis.layers import ReadReport
from gis.overlaps import SmallerStands
from gis.readers import without_shared_ground
from gis.repair import clean
from tests.given_up import SAYS, give_up


def tied(east: float, height: float) -> Polygon:
    return Polygon([(east, 0), (east + 10, height), (east + 10, 0), (east, 1.5 * height)])


def column(*shapes: Any) -> GeometryColumn:
    return GeometryColumn.of_objects(np.array([*shapes, None], dtype=object)[:-1])


def test_an_invalid_polygon_that_cannot_be_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = [tied(0, 10), box(100, 0, 110, 10), tied(200, 20), tied(300, 30)]
    give_up(monkeypatch, "make_valid", shapes[2].area)
    report = ReadReport("buildings", "b.gpkg")
    cleaned = clean(column(*shapes), np.array(list("abcd"), dtype=object), ("polygon",), "repair", report)
    assert cleaned.positions.tolist() == [0, 1, 3]
    assert report.refused == [("c", f"it is not valid, and GEOS cannot repair it [{SAYS}]")]
    assert (report.repaired.count, report.repaired.ids) == (2, ["a", "d"])


def test_a_stand_that_cannot_be_cut_at_a_smaller_one(monkeypatch: pytest.MonkeyPatch) -> None:
    wood, clearing, other, inner = box(0, 0, 100, 70), box(10, 10, 20, 20), box(200, 0, 300, 80), box(210, 10, 220, 20)
    stands = column(wood, clearing, other, inner)
    frame = pd.DataFrame({"id": list("abcd")}, dtype=object)
    report = ReadReport("wood", "w.gpkg")
    give_up(monkeypatch, "difference", wood.area)
    kept, geometry = without_shared_ground(frame, stands, SmallerStands.of(stands), report)
    assert kept["id"].tolist() == ["b", "c", "d"]
    assert shapely.area(geometry.objects()).tolist() == [100, 7900, 100]
    assert report.refused == [("a", f"GEOS cannot cut it at a border that it crosses [{SAYS}]")]
    assert (report.left_out.count, report.left_out.amounts) == (1, {"area_ha": 0.7})
    assert (report.ground.stands, report.ground.to_smaller_m2) == (1, 100)
