"""Features that reach far outside: what they add to the region is what they would add cut to it."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from carbonmap.build import Built, build_region
from carbonmap.far_reaching import CROSSED, UNMEASURED, by_ground_inside
from carbonmap.progress import Silent
from gis.geometry_column import GeometryColumn
from gis.layers import Layer, ReadReport
from gis.measure import sizes_of
from grids import shares
from grids.grid import Grid
from grids.sharing import Division
from tests.carbonmap.conftest import EAST, NORTH, Tiny, box, collection, line

WOOD = [box(1300, 200, 1900, 900)["coordinates"]]
STREET = [line((0, 1000), (2000, 1000))["coordinates"]]
SECTOR = {"polygons": "forest", "lines": "transport"}


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float | None]:
    """Totals with nothing but what lies inside."""
    return totals(built(tmp_path_factory.mktemp("near")))


def built(folder: Path, wood: list[Any] = WOOD, street: list[Any] = STREET) -> Built:
    tiny = Tiny(folder / "tiny")
    tiny.layers["forest.geojson"] = collection(
        ({"sid": "s1", "cover": "tree_mixed"}, {"type": "MultiPolygon", "coordinates": wood})
    )
    tiny.layers["roads.geojson"]["features"][0]["geometry"] = {"type": "MultiLineString", "coordinates": street}
    return build_region(tiny.write(), None, tiny.store, progress=Silent())


def totals(of: Built) -> dict[str, float | None]:
    return of.manifest.totals[2023]


@pytest.mark.parametrize("far_m", [300_000, 1_000_000])
def test_a_part_far_away_changes_nothing_here(tmp_path, near, far_m):
    """Planar shares were 0.4 % off for the part at 300 km, and 2.9 % for the one at 1,000 km."""
    wood = [*WOOD, box(far_m, 0, far_m + 100_000, 100_000)["coordinates"]]
    street = [*STREET, line((far_m, 0), (far_m + 100_000, 0))["coordinates"]]
    found = built(tmp_path, wood, street)
    for sector in ("forest", "transport"):
        assert totals(found)[sector] == pytest.approx(near[sector], rel=2e-6)
    counted = {layer.id: layer.report["far_reaching"] for layer in found.manifest.layers}
    assert {name: counts["count"] for name, counts in counted.items()} == {"buildings": 0, "roads": 1, "forest": 1}
    assert max(counts["worst_miss"] for counts in counted.values()) < 1e-9
    assert max(abs(each.residual) for residuals in found.manifest.residuals.values() for each in residuals) < 1e-9


def test_a_wood_as_large_as_the_earth_adds_what_stands_here(tmp_path):
    everywhere = totals(built(tmp_path / "here", [box(0, 0, 2000, 2000)["coordinates"]]))["forest"]
    edge = 10_000_000
    corners = [(-edge, -edge), (edge, -edge), (edge, edge), (-edge, edge), (-edge, -edge)]
    found = built(tmp_path / "all", [[[[EAST + x, NORTH + y] for x, y in corners]]])
    assert totals(found)["forest"] == pytest.approx(everywhere, rel=2e-6)


TOWN = shapely.box(EAST, NORTH, EAST + 2000, NORTH + 2000)


def shared_by_ground(*lines: Any, wrong: float = 1.0) -> Any:
    """Roads of a town shared out, and by how much of themselves they are measured wrong as wholes."""
    objects = np.array([shapely.LineString(np.add(points, (EAST, NORTH))) for points in lines], dtype=object)
    column, crs = GeometryColumn.of_objects(objects), CRS("EPSG:32632")
    layer = Layer("roads", "transport", pd.DataFrame(), column, crs, True, ReadReport("roads", "roads.gpkg"))
    division = Division(TOWN, Grid("EPSG:32632", (0, 0), 100, "inspire"), {})
    shared = division.share_out(column.wkb)
    return by_ground_inside(shared, layer, sizes_of("transport", column, crs) * wrong, division)


def test_what_lies_outside_is_measured_by_itself():
    road = [(1000, 1000), (301_000, 1000)]
    shared, far = shared_by_ground(road, [(500, 500), (600, 500)])
    assert not shared.refused
    assert (far.count, far.miss < 1e-9) == (1, True)
    held = np.bincount(shared.cells.feature, shared.cells.share, minlength=2)
    assert 1e-4 < held[0] * 300 - 1 < 1e-2  # a three-hundredth of the plane
    assert held + shared.outside == pytest.approx(np.ones(2), abs=1e-9)


@pytest.mark.parametrize("wrong", [0.9999, 1.0001])
def test_two_parts_on_the_ellipsoid_that_miss_the_whole_are_refused(wrong):
    """As a difference to the whole, what lies outside would have hidden it."""
    shared, far = shared_by_ground([(1000, 1000), (101_000, 3000)], [(500, 500), (600, 500)], wrong=wrong)
    assert shared.refused == {0: UNMEASURED}
    assert np.isnan(shared.outside).tolist() == [True, False]
    assert far.count == 0
    assert set(shared.cells.feature.tolist()) == {1}


@pytest.mark.parametrize("crossed", [True, False])
def test_a_far_reaching_polygon_that_crosses_itself_is_told_so(crossed):
    """Not that the region's CRS cannot measure it: cut to the region it would be refused again."""
    corners = [(1000, 1000), (61_000, 1000), (61_000, 1900), (1000, 1900)]
    twist = [(1000, 1000), (61_000, 1900), (61_000, 1000), (1000, 1950)]
    wood = shapely.Polygon(np.add(twist if crossed else corners, (EAST, NORTH)))
    column, crs = GeometryColumn.of_objects(np.array([wood], dtype=object)), CRS("EPSG:32632")
    layer = Layer("forest", "forest", pd.DataFrame(), column, crs, True, ReadReport("forest", "forest.gpkg"))
    division = Division(TOWN, Grid("EPSG:32632", (0, 0), 100, "inspire"), {})
    shared = division.share_out(column.wkb)
    found, far = by_ground_inside(shared, layer, sizes_of("forest", column, crs), division)
    assert far.count == (0 if crossed else 1)
    assert [why.split(" [")[0] for why in found.refused.values()] == ([CROSSED] if crossed else [])
    assert all("Self-intersection" in why for why in found.refused.values())


def test_an_edge_of_thousands_of_kilometres_is_a_fraction_of_its_two_parts():
    shared, far = shared_by_ground([(1000, 1000), (1_500_000, 900_000)])
    assert not shared.refused
    assert 1e-9 < far.miss < 1e-6
    assert shared.cells.share.sum() + shared.outside[0] == pytest.approx(1, abs=1e-9)


def test_parts_with_far_reaching_roads_cut_by_the_domain_one_at_a_time(tmp_path, monkeypatch):
    """Two parts are worked on at once, and GEOS prepares the domain as it is asked about it."""
    tiny = Tiny(tmp_path / "tiny")
    tiny.layers["roads.geojson"]["features"][0]["geometry"] = line((0, 1000), (100_000, 1000))
    tiny.layers["more.geojson"] = tiny.layers["roads.geojson"]
    tiny.region["sources"].append({**tiny.source("roads"), "id": "more", "file": "more.geojson"})
    both, met, overlay = threading.Barrier(2), [], shares.overlay

    def watched(*given: Any) -> Any:
        try:
            met.append(both.wait(1.0))
        except threading.BrokenBarrierError:
            both.reset()
        return overlay(*given)

    monkeypatch.setattr(shares, "overlay", watched)
    found = build_region(tiny.write(), None, tiny.store, progress=Silent())
    counted = {layer.id: layer.report["far_reaching"]["count"] for layer in found.manifest.layers}
    assert (counted["roads"], counted["more"]) == (1, 1)
    assert not met
