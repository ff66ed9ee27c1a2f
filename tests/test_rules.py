"""Switching off one rule at a time turns a test red: each rule has a guard that is seen to fail without it."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine

import carbonmap.parts
import carbonmap.publish
from carbonmap.build import build_region
from carbonmap.land_cover import ClassAreas
from carbonmap.progress import Silent
from grids import doubtful
from grids.conservation import NotConserved, Residuals
from grids.disclosure import Held
from grids.edition import Edition, Store
from grids.grid import Grid
from grids.wkb import WkbColumn, parts_in_cells


@pytest.fixture
def tiny(tmp_path: Path) -> Any:
    """The tiny region of the build's tests."""
    path = Path(__file__).parent / "carbonmap" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tiny_region", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Tiny(tmp_path / "tiny")


def build(tiny: Any) -> Edition:
    build_region(tiny.write(), None, tiny.store, progress=Silent())
    return Store(tiny.store).open("tiny")


# --- conservation -----------------------------------------------------------------------------------------------------


def guard_conservation(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build whose shares lose a millionth of one feature is refused."""
    exact = carbonmap.parts.cell_table

    def losing(cells: Any) -> Any:
        found = exact(cells)
        share = found["share"].to_numpy().copy()
        share[0] *= 1 - 1e-6
        return found.set_column(found.column_names.index("share"), "share", [share])

    monkeypatch.setattr(carbonmap.parts, "cell_table", losing)
    tiny.source("buildings")["open"] = True  # else disclosure control notices too, that levels do not nest
    with pytest.raises(NotConserved):
        build(tiny)


def test_a_build_that_loses_emissions_is_refused(tiny, monkeypatch):
    guard_conservation(tiny, monkeypatch)


def test_without_the_conservation_check_its_guard_fails(tiny, monkeypatch):
    monkeypatch.setattr(Residuals, "refuse_if_lost", lambda self, tolerance=0: None)
    with pytest.raises(pytest.fail.Exception):
        guard_conservation(tiny, monkeypatch)


# --- held cells -------------------------------------------------------------------------------------------------------


def guard_held(tiny: Any) -> None:
    """Half a private building in a district does not show its meter."""
    edition = build(tiny)
    rows = edition.table("district").to_pandas().set_index("id")
    lines = pd.read_parquet(edition.private("lines", "buildings"))
    true = (
        lines.query("feature == 2")["emissions_tco2e"].sum() + lines.query("feature == 3")["emissions_tco2e"].sum() / 2
    )
    assert abs(rows.loc["east", "buildings_tco2e"] - true) > 1e-3


def test_private_meters_are_held(tiny):
    guard_held(tiny)


def test_without_holding_its_guard_fails(tiny, monkeypatch):
    def show(sums: Any, *_: Any, **__: Any) -> Held:
        return Held(sums.year, sums.n_targets, np.zeros(sums.n_targets, dtype=bool), sums=sums)

    monkeypatch.setattr(carbonmap.publish, "public_sums", show)
    with pytest.raises(AssertionError):
        guard_held(tiny)


# --- half-open borders ------------------------------------------------------------------------------------------------


def guard_borders() -> None:
    """Points and lines on cell borders belong to the cells beyond, once: by compiled code, and where GEOS must read."""
    grid = Grid("EPSG:32632", (0, 0), 100, "inspire")
    plain = [
        shapely.Point(500_100, 100),
        shapely.Point(500_050, 100),
        shapely.LineString([(500_000, 200), (500_100, 200)]),
    ]
    for places in (plain, [shapely.GeometryCollection([place]) for place in plain]):
        parts = parts_in_cells(WkbColumn.from_geometries(np.array(places, dtype=object)), grid).parts
        assert parts.owner.tolist() == [0, 1, 2]
        assert list(zip(parts.row.tolist(), parts.col.tolist(), strict=True)) == [(1, 5001), (1, 5000), (2, 5000)]
        assert parts.amount.tolist() == [1, 1, 100]


def test_borders_are_half_open():
    guard_borders()


def test_with_borders_closed_on_the_other_side_their_guard_fails(monkeypatch):
    def closed_above(values: Any, origin: int, size: int) -> Any:
        return np.ceil((values - origin) / size).astype(np.int64) - 1

    monkeypatch.setattr(doubtful, "cell_index", closed_above)
    with pytest.raises(AssertionError):
        guard_borders()


def test_without_the_rule_for_lines_on_borders_their_guard_fails(monkeypatch):
    exact = doubtful.line_lengths

    def shifted(lines: Any, origin: Any, size: Any, **bound: Any) -> Any:
        found = exact(lines, origin, size, **bound)
        return type(found)(found.owner, found.row - 1, found.col, found.amount)

    monkeypatch.setattr(doubtful, "line_lengths", shifted)
    with pytest.raises(AssertionError):
        guard_borders()


# --- forest over raster -----------------------------------------------------------------------------------------------


def guard_forest_over_raster(tiny: Any) -> None:
    """Where the forest map is, the raster's trees are not counted again."""
    tiny.folder.mkdir(parents=True)
    with rasterio.open(
        tiny.folder / "cover.tif",
        "w",
        driver="GTiff",
        width=100,
        height=100,
        count=1,
        dtype="uint8",
        crs="EPSG:32632",
        transform=Affine(20, 0, 540_000, 0, -20, 5_222_000),
    ) as raster:
        raster.write(np.full((1, 100, 100), 10, dtype=np.uint8))
    tiny.region["sources"].append(
        {"id": "cover", "sector": "land_cover", "file": "cover.tif", "classes": {10: "tree_mixed"}, "open": True}
    )
    edition = build(tiny)
    trees = pd.read_parquet(edition.private("features", "cover"))
    ground = edition.table("district").to_pandas()["area_ha"].sum()
    assert trees["area_ha"].sum() == pytest.approx(ground * (1 - 600 * 700 / 4e6), rel=1e-4)


def test_the_forest_map_wins_over_the_raster(tiny):
    guard_forest_over_raster(tiny)


def test_without_the_forest_map_winning_its_guard_fails(tiny, monkeypatch):
    exact = ClassAreas.__init__

    def blind(self: ClassAreas, *given: Any, mask: Any = None, **named: Any) -> None:
        exact(self, *given, **named)

    monkeypatch.setattr(ClassAreas, "__init__", blind)
    with pytest.raises(AssertionError):
        guard_forest_over_raster(tiny)
