"""The nationwide boundaries of Korea as TopoJSON: rings that cross are repaired and counted, and all zones are used.

All are read, and all are shared out to themselves; features across borders to those of four provinces.
"""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from gis.layers import ZoneLayer
from gis.sources import ZoneSet
from gis.zones import read_zones
from grids.grid import Grid
from grids.sharing import GAP, Division, SharedOut, ZoneEntries
from grids.wkb import WkbColumn
from grids.zone_index import ZoneIndex
from grids.zones import NO_PARENT, dissolve, gap_between, parents_by_overlap

pytestmark = pytest.mark.shared

CRS = "EPSG:5179"
GRID = Grid(CRS, (700_000, 1_300_000), 500, "korea")
LEVELS = {"provinces": 17, "municipalities": 250, "submunicipalities": 3504}
SHARED_OUT = ("11", "21", "23", "36")
"""Seoul and Busan, where dongs are smallest, and the shores with most islands, of Incheon and South Jeolla."""


@pytest.fixture(scope="module")
def zones(shared: Path) -> dict[str, ZoneLayer]:
    folder = shared / "data" / "korea-admin-kostat-2018-topo"
    spec = {"title": {"en": "Z"}, "columns": {"id": "code", "name_ko": "name"}}
    return {
        level: read_zones(ZoneSet(**spec, id=level, file=f"skorea-{level}-2018-topo.json"), folder, CRS)  # type: ignore[arg-type]
        for level in LEVELS
    }


@pytest.fixture(scope="module")
def some(zones: dict[str, ZoneLayer]) -> dict[str, NDArray[np.object_]]:
    """Zones of the four provinces, by level."""
    chosen = {level: layer.features["id"].str[:2].isin(SHARED_OUT) for level, layer in zones.items()}
    return {level: layer.features.geometry[chosen[level]].to_numpy() for level, layer in zones.items()}


@pytest.fixture(scope="module")
def dongs(some: dict[str, NDArray[np.object_]]) -> NDArray[np.object_]:
    assert some["submunicipalities"].size > 900
    return some["submunicipalities"]


@pytest.fixture(scope="module")
def shared_out(
    some: dict[str, NDArray[np.object_]], dongs: NDArray[np.object_]
) -> Callable[[NDArray[np.object_]], SharedOut]:
    """Share features out to every level; the land of the dongs is the domain."""
    domain = dissolve(dongs)
    seen = {
        level: ZoneIndex.of(polygons, GRID, gap=gap_between(polygons, domain).ground)
        for level, polygons in some.items()
    }
    division = Division(domain, GRID, seen)
    return lambda features: division.share_out(WkbColumn.from_geometries(features))


def held(entries: ZoneEntries, n: int) -> NDArray[np.float64]:
    """(features,) what zones and gap hold of each."""
    return np.bincount(entries.feature, entries.share, minlength=n)


def assert_whole(shared: SharedOut, n: int) -> None:
    in_cells = np.bincount(shared.cells.feature, shared.cells.share, minlength=n)
    for inside in (in_cells, *(held(entries, n) for entries in shared.zones.values())):
        assert np.abs(inside + shared.outside - 1).max() < 1e-9


@pytest.mark.parametrize("level", LEVELS)
def test_all_zones_are_kept_and_every_invalid_one_is_counted(level, zones, shared) -> None:
    path = shared / "data" / "korea-admin-kostat-2018-topo" / f"skorea-{level}-2018-topo.json"
    raw = gpd.read_file(path).set_crs("EPSG:4326", allow_override=True).to_crs(CRS)
    layer = zones[level]
    report = layer.report
    assert (report.read, report.kept, len(layer.features)) == (LEVELS[level],) * 3
    assert sorted(report.repaired.ids) == sorted(raw["code"][~raw.geometry.is_valid])
    assert report.repaired.count == len(report.repaired.ids) >= 10
    assert shapely.is_valid(layer.features.geometry.to_numpy()).all()
    # What is missing was cut off as an overlap; ground of three zones is told three times, and is cut off two of them.
    repaired = shapely.make_valid(raw.geometry.to_numpy(), method="structure", keep_collapsed=False)
    cut = shapely.area(repaired).sum() - layer.features.area.sum()
    told = sum(m2 for _, _, m2 in layer.overlaps)
    assert 2 / 3 * told - 0.01 <= cut <= told + 0.01
    assert len(layer.overlaps) == {"provinces": 0, "municipalities": 3, "submunicipalities": 58}[level]


@pytest.mark.slow
def test_each_dong_lies_in_itself_and_in_no_other(dongs, shared_out) -> None:
    """All as features and as zones: what the index says of each is all of it, and nothing else."""
    shared = shared_out(dongs)
    assert_whole(shared, dongs.size)
    assert shared.repaired.size == 0
    entries = shared.zones["submunicipalities"]
    own = entries.share[entries.target == entries.feature]
    assert own.size == dongs.size
    assert own.min() > 1 - 1e-9
    assert entries.share[entries.target != entries.feature].sum() < 1e-9


@pytest.mark.slow
def test_the_nation_is_shared_out_whole(zones: dict[str, ZoneLayer]) -> None:
    """Every dong to cells and to all 3,504: its parts and its own zone's hold it."""
    all_dongs = zones["submunicipalities"].features.geometry.to_numpy()
    index = ZoneIndex.of(all_dongs, GRID)
    shared = Division(dissolve(all_dongs), GRID, {"dong": index}).share_out(WkbColumn.from_geometries(all_dongs))
    assert_whole(shared, LEVELS["submunicipalities"])
    entries = shared.zones["dong"]
    own = entries.share[entries.target == entries.feature]
    assert own.size == all_dongs.size
    assert own.min() > 1 - 1e-9


@pytest.mark.slow
def test_features_across_every_border_are_shared_out_whole(dongs, shared_out) -> None:
    """Of each dong a circle about a place on its border, a road to the next one's middle, and its middle."""
    middles = shapely.point_on_surface(dongs)
    borders = shapely.line_interpolate_point(shapely.boundary(dongs), 0.37, normalized=True)
    circles = shapely.buffer(borders, 300 + np.arange(dongs.size) % 700)
    xy = shapely.get_coordinates(middles)
    roads = shapely.linestrings(np.stack((xy, np.roll(xy, -1, axis=0)), axis=1))
    features: NDArray[np.object_] = np.concatenate((circles, roads, middles))
    shared = shared_out(features)
    assert_whole(shared, features.size)
    entries = shared.zones["submunicipalities"]
    assert np.isin(np.arange(dongs.size), entries.target).all()
    middle = entries.feature >= 2 * dongs.size
    np.testing.assert_array_equal(entries.target[middle], entries.feature[middle] - 2 * dongs.size)

    # Against an overlay of each circle with each dong it meets.
    areal = (entries.feature < dongs.size) & (entries.target != GAP)
    feature, target, share = entries.feature[areal], entries.target[areal], entries.share[areal]
    expected = shapely.area(shapely.intersection(circles[feature], dongs[target])) / shapely.area(circles[feature])
    np.testing.assert_allclose(share, expected, rtol=0, atol=1e-9)
    near, met = shapely.STRtree(dongs).query(circles, predicate="intersects")
    told = set(zip(feature.tolist(), target.tolist(), strict=True))
    missed = np.array([pair not in told for pair in zip(near.tolist(), met.tolist(), strict=True)])
    touched = shapely.area(shapely.intersection(circles[near[missed]], dongs[met[missed]]))
    assert (touched <= 1e-9 * shapely.area(circles[near[missed]])).all()


def test_every_zone_finds_the_one_above_it_that_its_code_names(zones) -> None:
    """KOSTAT codes nest by their digits: two of a province, five of a municipality, seven of a dong."""
    for level, above in (("municipalities", "provinces"), ("submunicipalities", "municipalities")):
        children, parents = zones[level].features, zones[above].features
        parent, fraction = parents_by_overlap(children.geometry.to_numpy(), parents.geometry.to_numpy())
        codes, ids = children["id"].to_numpy(), parents["id"].to_numpy()
        found = parent != NO_PARENT
        # The island of Yeongdo is missing from the province's generalised shore; others' shores differ too.
        assert codes[~found].tolist() == (["21040"] if above == "provinces" else [])
        assert [code[: len(ids[0])] for code in codes[found]] == ids[parent[found]].tolist()
        assert fraction[found].min() > (0.5 if above == "provinces" else 0.999)
