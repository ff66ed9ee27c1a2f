"""Ground of several forest maps and a raster, read in parts: the first map has it, however the parts are cut."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from affine import Affine

from carbonmap import taken_ground
from carbonmap.build import Built, build_region
from carbonmap.progress import Silent
from gis.geometry_column import GeometryColumn
from tests.carbonmap.conftest import EAST, NORTH

HALF = shapely.box(EAST, NORTH, EAST + 1300, NORTH + 2000)
"""Ground that the first map speaks for; what it draws beyond takes nothing from the second."""


def woods(tiny: Any, name: str, seed: int, count: int = 120) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    east, north = rng.uniform(0, 2000, count), rng.uniform(0, 2000, count)
    stands = shapely.buffer(shapely.points(EAST + east, NORTH + north), rng.uniform(20, 90, count), quad_segs=4)
    names = [f"{name}{k}" for k in range(count)]
    frame = gpd.GeoDataFrame({"sid": names, "cover": "tree_mixed"}, geometry=stands, crs="EPSG:32632")
    frame.to_parquet(tiny.folder / f"{name}.parquet", row_group_size=10)
    columns = {"id": "sid", "land_cover": "cover"}
    return {"id": name, "sector": "forest", "file": f"{name}.parquet", "columns": columns, "open": True}


def maps(tiny: Any) -> None:
    tiny.write()
    first = woods(tiny, "first", 1) | {"coverage": {"bounds": list(HALF.bounds)}}
    tiny.region["sources"][2:] = [first, woods(tiny, "second", 2), {
        "id": "cover", "sector": "land_cover", "file": "lc.tif", "classes": {1: "tree_mixed"}, "open": True,
    }]  # fmt: skip
    place = {"transform": Affine(100, 0, EAST, 0, -100, NORTH + 2000), "crs": "EPSG:32632"}
    kind = {"driver": "GTiff", "width": 20, "height": 20, "count": 1, "dtype": "uint8"}
    with rasterio.open(tiny.folder / "lc.tif", "w", **kind, **place) as raster:
        raster.write(np.ones((20, 20), np.uint8), 1)


def built(tiny: Any, rows: int, store: str, monkeypatch: pytest.MonkeyPatch) -> Built:
    monkeypatch.setattr("gis.spans.ROWS_AT_ONCE", rows)
    return build_region(tiny.write(), None, tiny.folder / store, progress=Silent())


def stands_of(of: Built, layer: str) -> Any:
    folder: Path = of.store / "tiny" / of.edition / "private"
    table = pq.read_table(folder / f"features-{layer}.parquet")
    return shapely.from_wkb(table["geometry"].to_numpy()), table


def test_ground_is_the_first_maps_however_parts_are_cut(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    maps(tiny)
    parts, whole = built(tiny, 10, "parts", monkeypatch), built(tiny, 10_000, "whole", monkeypatch)
    region = shapely.box(EAST, NORTH, EAST + 2000, NORTH + 2000)
    given = [gpd.read_parquet(tiny.folder / f"{name}.parquet").geometry.to_numpy() for name in ("first", "second")]
    one = shapely.union_all(given[0])
    two = shapely.difference(shapely.union_all(given[1]), shapely.intersection(one, HALF))
    for each in (parts, whole):
        found = shapely.union_all(stands_of(each, "second")[0])
        assert found.area == pytest.approx(two.area, rel=1e-9)
        assert shapely.symmetric_difference(found, two).area < 1e-6 * two.area
    assert stands_of(parts, "second")[1].equals(stands_of(whole, "second")[1])
    left = region.area - shapely.intersection(shapely.union_all([shapely.intersection(one, HALF), two]), region).area
    for each in (parts, whole):
        hectares = float(stands_of_raster(each)["area_ha"].to_numpy().sum())
        assert hectares == pytest.approx(left / 1e4, rel=2e-3)  # of the ellipsoid, where the plane has 0.9992
    assert stands_of_raster(parts)["area_ha"].to_numpy() == pytest.approx(
        stands_of_raster(whole)["area_ha"].to_numpy(), rel=1e-12
    )


def stands_of_raster(of: Built) -> Any:
    folder: Path = of.store / "tiny" / of.edition / "private"
    return pq.read_table(folder / "features-cover.parquet")


def test_only_stands_that_share_ground_are_held(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All stands of the first map were in memory for each part of the second, as objects."""
    maps(tiny)
    held: list[int] = []
    objects = taken_ground._inside

    def counted(stands: Any, domain: Any) -> Any:
        held.append(len(stands))
        return objects(stands, domain)

    monkeypatch.setattr(taken_ground, "_inside", counted)
    given = GeometryColumn.of_arrow(pq.read_table(tiny.folder / "second.parquet")["geometry"])
    first = gpd.read_parquet(tiny.folder / "first.parquet").geometry
    far = tiny.region["sources"].pop()
    assert far["id"] == "cover"  # whose outlines need them all
    built(tiny, 10, "parts", monkeypatch)
    parts = [given.objects(np.arange(begin, begin + 10)) for begin in range(0, len(given), 10)]
    wanted = 0
    for part in parts:
        pairs = shapely.STRtree(first.to_numpy()).query(part, predicate="intersects")[1]
        wanted += len(np.unique(pairs))
    assert 0 < sum(held) <= wanted
    assert max(held) <= 10
