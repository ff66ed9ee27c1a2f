"""Vector tiles: the bytes follow the specification, shapes are clipped and valid, values are those of the table."""

import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
import vector_tiles as mvt
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from grids.edition import CollectionInfo, Edition, EditionWriter, Store
from grids.manifest import Collection, TableInfo
from grids.mvt import LINE, POINT, POLYGON
from grids.quantising import oriented, quantise
from grids.store_errors import ColumnNotFound, TileError
from grids.tiles import BUFFER, Tile, collection_tile, context_tile, tile_columns, zooms

CRS = "EPSG:32632"
EAST, NORTH = 540_000, 5_220_000
SIDE = 12
WORLD = 2 * math.pi * 6_378_137.0


def at(lon: float, lat: float, zoom: int) -> Tile:
    """The tile that holds a place, by the textbook formula."""
    count = 2**zoom
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * count
    return Tile(zoom, int(row), int((lon + 180) / 360 * count))


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    store = tmp_path_factory.mktemp("store")
    random = np.random.default_rng(5)
    row, col = (part.ravel() for part in np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"))
    frame = pd.DataFrame(
        {
            "id": [f"c{r}-{c}" for r, c in zip(row, col, strict=True)],
            "row": row + NORTH // 100,
            "col": col + EAST // 100,
        }
    )
    frame["area_ha"] = 1.0
    for name in ("forest", "net"):
        frame[f"{name}_tco2e"] = random.normal(size=len(frame)) * 10.0 ** random.integers(-300, 300, len(frame))
        frame[f"{name}_sd_tco2e"] = random.random(len(frame))
    frame["forest_wood_direct_tco2e"] = 0.1
    frame.loc[::9, "net_tco2e"] = np.nan
    frame["held"] = random.random(len(frame)) < 0.2
    west, south, east, north = EAST, NORTH, EAST + 100 * SIDE, NORTH + 100 * SIDE
    hole = shapely.box(west + 300, south + 300, west + 500, south + 500)
    shapes = [
        shapely.box(west, south, east, north) - hole,
        hole | shapely.box(east + 50, south, east + 150, north),
        hole.buffer(0.01),
    ]
    zones = pd.DataFrame(
        {
            "id": ["ring", "두 조각", "speck"],
            "name_ko": ["고리", None, "점"],
            "net_tco2e": [1.0, 2.0, 3.0],
            "net_sd_tco2e": 0.1,
        }
    )
    zones.loc[2, "id"] = "dot"
    shapes[2] = shapely.Point(west + 10, south + 10).buffer(0.05)
    region = {
        "id": "town",
        "name": {"en": "Town"},
        "languages": ["en"],
        "crs": CRS,
        "years": [2023],
        "bbox": [9.5, 47, 9.6, 47.2],
    }
    with EditionWriter(store, "town", "0" * 16, crs=CRS) as writer:
        grid = CollectionInfo(id="grid-100m", title={"en": "100 m"}, kind="grid", cell_size_m=100, origin_m=(0, 0))
        writer.write_table(grid, 2023, frame)
        writer.write_table(CollectionInfo(id="dong", title={"ko": "동"}, kind="zones"), 2023, zones, geometry=shapes)
        lines = [shapely.LineString([(west, south), (east, north)]), shapely.box(west, south, west + 400, south + 400)]
        writer.write_context("water", gpd.GeoDataFrame({"name": ["stream", "lake"]}, geometry=lines, crs=CRS))
        roads = {"road_class": ["motorway", "residential", None]}
        writer.write_context("roads", gpd.GeoDataFrame(roads, geometry=[lines[0]] * 3, crs=CRS))
        writer.write_context("places", gpd.GeoDataFrame({"rank": [3]}, geometry=[shapely.Point(west, south)], crs=CRS))
        writer.publish(
            {
                "region": {**region, "synthetic": True},
                "sectors": ["forest"],
                "illustrative": {"forest": False},
                "code": {"version": "1", "sha256": ""},
            }
        )
    return Store(store).open("town")


@pytest.fixture(scope="module")
def middle() -> tuple[float, float]:
    to_lonlat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    lon, lat = to_lonlat.transform(EAST + 50 * SIDE, NORTH + 50 * SIDE)
    return lon, lat


def drawn(edition: Edition, collection: str, tile: Tile, columns: list[str] | None = None) -> Any:
    return mvt.decode(collection_tile(edition, collection, 2023, tile, columns)).get(collection)


@pytest.mark.parametrize("zoom", [11, 13, 15, 17])
def test_a_tile_says_what_the_table_says(edition: Edition, middle: tuple[float, float], zoom: int) -> None:
    layer = drawn(edition, "grid-100m", at(*middle, zoom))
    table = edition.table("grid-100m").to_pandas()
    assert len(layer.features) > 0
    for feature in layer.features:
        row = table.iloc[feature.id - 1]
        assert feature.properties["id"] == row["id"]
        for name in tile_columns(edition.collection("grid-100m")):
            expected = None if pd.isna(row[name]) else row[name]
            assert feature.properties.get(name) == expected  # to the last bit
    assert "forest_wood_direct_tco2e" not in layer.keys


@pytest.mark.parametrize("zoom", [10, 13, 16, 18])
@pytest.mark.parametrize("collection", ["grid-100m", "dong"])
def test_shapes_lie_where_they_should(
    edition: Edition, middle: tuple[float, float], collection: str, zoom: int
) -> None:
    tile = at(*middle, zoom)
    layer = drawn(edition, collection, tile)
    table = edition.table(collection)
    to_mercator = Transformer.from_crs(CRS, "EPSG:3857", always_xy=True)
    side = WORLD / 2**zoom
    box = shapely.box(-BUFFER, -BUFFER, 4096 + BUFFER, 4096 + BUFFER)
    seen = set()
    shapes = dict(zip(table["id"].to_pylist(), edition.polygons(collection, table), strict=True))
    for feature in layer.features:
        assert feature.kind == POLYGON
        assert all(feature.closed)
        assert mvt.area(feature.parts[0]) > 0
        rings = [(ring, mvt.area(ring)) for ring in feature.parts]
        assert all(size != 0 for _, size in rings)
        polygons = []
        for ring, size in rings:
            if size > 0:
                polygons.append((ring, []))
            else:
                polygons[-1][1].append(ring)
        got = shapely.MultiPolygon(polygons)
        assert got.is_valid
        assert box.covers(got)

        def to_tile(points: Any) -> Any:
            x, y = to_mercator.transform(points[:, 0], points[:, 1])
            return np.column_stack([((x + WORLD / 2) / side - tile.x) * 4096, ((WORLD / 2 - y) / side - tile.y) * 4096])

        expected = shapely.intersection(shapely.transform(shapes[feature.properties["id"]], to_tile), box)
        seen.add(feature.properties["id"])
        assert shapely.hausdorff_distance(got, expected) < 1.5  # units: rounding moves a vertex by 0.71 at most
    for name, shape in shapes.items():
        local = shapely.intersection(shapely.transform(shape, to_tile), box)
        assert name in seen or local.area < 2, f"{name} is missing"


def test_neighbouring_tiles_share_their_cells(edition: Edition, middle: tuple[float, float]) -> None:
    tile = at(*middle, 16)
    found: set[str] = set()
    for row in range(tile.y - 4, tile.y + 5):
        for col in range(tile.x - 4, tile.x + 5):
            layer = drawn(edition, "grid-100m", Tile(16, row, col))
            found |= {feature.properties["id"] for feature in layer.features} if layer else set()
    assert len(found) == SIDE * SIDE


def test_gdal_reads_the_same(edition: Edition, middle: tuple[float, float], tmp_path: Path) -> None:
    data = collection_tile(edition, "grid-100m", 2023, at(*middle, 14))
    (tmp_path / "tile.mvt").write_bytes(data)
    frame = pyogrio.read_dataframe(f"MVT:{tmp_path / 'tile.mvt'}", layer="grid-100m").set_index("id")
    table = edition.table("grid-100m").to_pandas().set_index("id")
    assert len(frame) == len(mvt.decode(data)["grid-100m"].features)
    assert frame["net_tco2e"].equals(table.loc[frame.index, "net_tco2e"])
    assert frame.geometry.is_valid.all()


def test_a_speck_of_a_zone_is_left_out_when_far_and_drawn_when_near(
    edition: Edition, middle: tuple[float, float]
) -> None:
    far = {feature.properties["id"] for feature in drawn(edition, "dong", at(*middle, 10)).features}
    assert far == {"ring", "두 조각"}
    lon, lat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(EAST + 10, NORTH + 10)
    assert "dot" in {feature.properties["id"] for feature in drawn(edition, "dong", at(lon, lat, 22)).features}


def test_tiles_elsewhere_are_empty(edition: Edition) -> None:
    for tile in (Tile(3, 0, 0), at(127, 37.5, 12), at(-9.5, -47, 5)):
        assert collection_tile(edition, "grid-100m", 2023, tile) == b""
        assert collection_tile(edition, "dong", 2023, tile) == b""
        assert context_tile(edition, tile) == b""


def test_the_whole_world_in_one_tile(edition: Edition) -> None:
    assert collection_tile(edition, "grid-100m", 2023, Tile(0, 0, 0)) == b""  # nothing as large as a unit
    layers = mvt.decode(context_tile(edition, Tile(0, 0, 0)))
    assert [feature.parts for feature in layers["places"].features] == [[[(2156, 1438)]]]


def test_columns_can_be_chosen(edition: Edition, middle: tuple[float, float]) -> None:
    layer = drawn(edition, "grid-100m", at(*middle, 14), ["forest_wood_direct_tco2e", "row"])
    assert layer.keys == ["id", "forest_wood_direct_tco2e", "row"]
    assert layer.features[0].properties["row"] >= NORTH // 100
    with pytest.raises(ColumnNotFound, match="'nix'"):
        drawn(edition, "grid-100m", at(*middle, 14), ["nix"])


def test_background_mixes_lines_and_areas_and_shows_roads_by_zoom(
    edition: Edition, middle: tuple[float, float]
) -> None:
    near = mvt.decode(context_tile(edition, at(*middle, 14)))
    assert list(near)[:2] == ["water", "roads"]  # in the order they are drawn
    assert {(f.properties["name"], f.kind) for f in near["water"].features} == {("lake", POLYGON), ("stream", LINE)}
    assert [f.properties.get("road_class") for f in near["roads"].features].count("residential") == 1
    assert len(near["roads"].features) == 3
    far = mvt.decode(context_tile(edition, at(*middle, 9)))
    assert [f.properties["road_class"] for f in far["roads"].features] == ["motorway"]
    assert not any(near["water"].features[-1].closed)


@pytest.mark.parametrize("address", [(-1, 0, 0), (23, 0, 0), (99, 1, 1), (1, 2, 0), (1, 0, 2), (1, -1, 0)])
def test_tiles_that_do_not_exist(address: tuple[int, int, int]) -> None:
    with pytest.raises(TileError, match="does not exist"):
        Tile(*address)


def collection_of(rows: int, size: int | None, resolution: int | None = None) -> Collection:
    kind = "grid" if size else "hexagons" if resolution else "zones"
    extra = {"cell_size_m": size, "origin_m": (0, 0)} if size else {"resolution": resolution}
    table = TableInfo(rows=rows, bytes=0, sha256="")
    return Collection(id="x", title={"en": "x"}, kind=kind, **extra, columns=("id",), bbox=None, tables={2023: table})


def test_zooms_follow_size_and_number_of_cells() -> None:
    assert zooms(collection_of(500, 1000)) == (0, 12)
    assert zooms(collection_of(30_000, 100)) == (0, 14)
    assert zooms(collection_of(2_000_000, 100)) == (12, 14)  # at the equator a tile of zoom 12 is 9,784 m wide
    assert zooms(collection_of(2_000_000, 100).model_copy(update={"bbox": (24, 60, 25, 61)})) == (11, 14)
    assert zooms(collection_of(2_000_000, 1000)) == (8, 12)
    assert zooms(collection_of(400, None)) == (0, 14)
    assert zooms(collection_of(2_000_000, None, 8))[0] == 9


def test_a_tile_below_the_least_zoom_is_refused(edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grids.tiles.CELLS_PER_TILE", 100)
    with pytest.raises(TileError, match="too many cells to draw at zoom 3"):
        collection_tile(edition, "grid-100m", 2023, Tile(3, 2, 4))


def test_clipping_drops_what_is_outside_missing_or_too_small() -> None:
    tile = Tile(0, 0, 0)
    unit = WORLD / 4096
    shapes = np.array(
        [
            None,
            shapely.Polygon(),
            shapely.box(9 * WORLD, 0, 10 * WORLD, 1),
            shapely.box(0, 0, unit / 3, unit / 3),
            shapely.box(0, 0, 9 * unit, 5 * unit),
        ]
    )
    result = quantise(tile, shapes, POLYGON)
    assert result.part_feature.tolist() == [4]
    assert mvt.area([tuple(point) for point in result.points]) == 45
    lines = np.array(
        [shapely.LineString([(0, 0), (unit / 3, 0)]), shapely.LineString([(-9 * WORLD, 0), (9 * WORLD, 0)])]
    )
    clipped = quantise(tile, lines, LINE)
    assert clipped.part_feature.tolist() == [1]
    assert clipped.points[:, 0].tolist() == [-BUFFER, 4096 + BUFFER]
    points = np.array(
        [shapely.MultiPoint([(0, 0), (unit * 5, 0)]), shapely.Point(9 * WORLD, 0), shapely.Point(0, unit)]
    )
    placed = quantise(tile, points, POINT)
    assert (placed.part_feature.tolist(), placed.part_sizes.tolist()) == ([0, 2], [2, 1])


def test_a_bow_tie_is_repaired_rather_than_drawn_wrong() -> None:
    unit = WORLD / 4096
    bow = shapely.Polygon([(0, 0), (40 * unit, 40 * unit), (40 * unit, 0), (0, 40 * unit)])
    result = quantise(Tile(0, 0, 0), np.array([bow]), POLYGON)
    rings = np.split(result.points, np.cumsum(result.part_sizes)[:-1])
    assert sorted(mvt.area([tuple(point) for point in ring]) for ring in rings) == [400, 400]


coordinates = st.integers(-50, 50)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=8), st.floats(0.1, 3), st.booleans())
def test_any_polygon_becomes_valid_rings_of_the_right_sense(
    corners: list[tuple[int, int]], scale: float, hollow: bool
) -> None:
    shape = shapely.Polygon(corners).buffer(1.5)
    if hollow:
        shape = shape - shape.centroid.buffer(1)
    unit = WORLD / 4096 * scale
    mercator = shapely.transform(shape, lambda points: points * unit)
    result = quantise(Tile(0, 0, 0), np.array([mercator]), POLYGON)
    rings = [[tuple(point) for point in ring] for ring in np.split(result.points, np.cumsum(result.part_sizes)[:-1])]
    polygons: list[Any] = []
    for ring in rings if len(result.part_sizes) else []:
        if mvt.area(ring) > 0:
            polygons.append((ring, []))
        else:
            assert mvt.area(ring) < 0
            polygons[-1][1].append(ring)
    got = shapely.MultiPolygon(polygons)
    assert got.is_valid
    assert abs(got.area - shape.area * scale**2) <= 1.5 * shape.length * scale + 4


def test_orientation_turns_only_what_is_wrong() -> None:
    square = np.array([[0, 0], [10, 0], [10, 10], [0, 10]])
    both = np.concatenate([square, square[::-1], square])
    turned = oriented(both, np.array([4, 4, 4]), np.array([True, True, False]))
    assert [mvt.area([tuple(point) for point in part]) for part in np.split(turned, 3)] == [100, 100, -100]
    assert oriented(square, np.array([4]), np.array([True])).tolist() == square.tolist()
