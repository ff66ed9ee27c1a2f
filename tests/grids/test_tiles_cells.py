"""Cells on a tile's lattice: polynomials and cuts of our own give what the projection and GEOS give."""

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
import shapely
from numpy.typing import NDArray

from grids import tile_cells
from grids.chunks import Columns
from grids.manifest import Bbox, CollectionInfo
from grids.mvt import EXTENT, TileGeometry
from grids.projections import LONLAT, MERCATOR, transformer
from grids.tile_cells import Lattice, cells, exact_cells
from grids.tile_squares import BUFFER, Tile

SIDE = 120  # cells
PLACES = [
    ("EPSG:5179", 950_000, 1_950_000, 100),
    ("EPSG:32632", 540_000, 5_220_000, 100),
    ("EPSG:32642", 500_000, 4_400_000, 100),
    ("EPSG:2154", 652_000, 6_862_000, 100),
    ("EPSG:3035", 4_321_000, 3_210_000, 1000),
    ("EPSG:32610", 550_000, 5_270_000, 500),
]


class Town:
    """A square full of cells, with a few missing, in two chunks."""

    def __init__(self, crs: str, east: int, north: int, size: int) -> None:
        self.crs = crs
        self.info = CollectionInfo(id="g", title={"en": "g"}, kind="grid", cell_size_m=size, origin_m=(0, 0))
        row, col = np.mgrid[north // size : north // size + SIDE, east // size : east // size + SIDE].reshape(2, -1)
        keep = np.random.default_rng(1).random(row.size) < 0.97
        self.row, self.col = row[keep], col[keep]
        arrays = {"row": pa.array(self.row, pa.int32()), "col": pa.array(self.col, pa.int32())}
        self.columns = Columns.of(arrays, len(self.row))
        self.box: Bbox = (east, north, east + SIDE * size, north + SIDE * size)
        lon, lat = transformer(crs, LONLAT).transform(east + SIDE // 2 * size, north + SIDE // 2 * size)
        self.lonlat = (float(lon), float(lat))

    def tile(self, zoom: int) -> Tile:
        """The tile over the middle."""
        lon, lat = self.lonlat
        row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**zoom
        return Tile(zoom, int(row), int((lon + 180) / 360 * 2**zoom))

    def near(self, tile: Tile) -> Bbox:
        """The part of the town that may be on a tile, with some more."""
        along, (west, south, east, north) = np.linspace(0, 1, 21), tile.lonlat
        lon, lat = np.meshgrid(west + (east - west) * along, south + (north - south) * along)
        x, y = transformer(LONLAT, self.crs).transform(lon.ravel(), lat.ravel())
        if tile.z < 6 or not np.isfinite([x, y]).all():  # far away its projection gives nonsense
            return self.box
        least, most = np.maximum((min(x), min(y)), self.box[:2]), np.minimum((max(x), max(y)), self.box[2:])
        return float(least[0]) - 5, float(least[1]) - 5, float(most[0]) + 5, float(most[1]) + 5

    def every(self) -> NDArray[np.int64]:
        return np.arange(len(self.row))


def by_row(found: TileGeometry) -> dict[int, list[NDArray[np.int64]]]:
    rings: dict[int, list[NDArray[np.int64]]] = {}
    for row, ring in zip(
        found.part_feature.tolist(), np.split(found.points, np.cumsum(found.part_sizes)[:-1]), strict=True
    ):
        rings.setdefault(row, []).append(ring)
    return rings


def plain(rings: list[NDArray[np.int64]]) -> shapely.Geometry:
    """The shape, whichever corner it begins with, without corners on straight edges."""
    return shapely.normalize(shapely.simplify(shapely.MultiPolygon([shapely.Polygon(ring) for ring in rings]), 0))


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: place[0])
def town(request: pytest.FixtureRequest) -> Town:
    return Town(*request.param)


@pytest.mark.parametrize("zoom", [5, 6, 9, 11, 12, 14, 18])
def test_cells_lie_where_projection_and_geos_put_them(town: Town, zoom: int) -> None:
    tile = town.tile(zoom)
    ours = by_row(cells(tile, town.crs, town.info, town.columns, town.near(tile)))
    theirs = by_row(exact_cells(tile, town.crs, town.info, town.columns, town.every()))
    assert ours.keys() == theirs.keys()
    assert list(ours) == sorted(ours), "in the table's order"
    for row, rings in ours.items():
        points = np.concatenate(rings)
        if (np.abs(points - EXTENT / 2) < EXTENT / 2 + BUFFER).all():
            assert [ring.tolist() for ring in rings] == [ring.tolist() for ring in theirs[row]]
        else:
            assert plain(rings).equals_exact(plain(theirs[row]), 0)
        for ring in rings:
            assert shapely.Polygon(ring).is_valid
            x, y = ring.T
            assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """Lattices of a test, which may make them worse than they are, are no other test's."""
    tile_cells._lattice_of.cache_clear()
    yield
    tile_cells._lattice_of.cache_clear()


def grid_of(town: Town) -> tuple[tuple[int, int], float]:
    assert town.info.origin_m is not None
    assert town.info.cell_size_m is not None
    return town.info.origin_m, float(town.info.cell_size_m)


def test_a_place_that_was_drawn_is_drawn_again_from_the_same_lattice() -> None:
    town, other = Town(*PLACES[0]), Town(*PLACES[1])
    tile = town.tile(12)
    first = cells(tile, town.crs, town.info, town.columns, town.near(tile))
    again = cells(tile, town.crs, town.info.model_copy(), town.columns.only(["row", "col"]), town.near(tile))
    assert np.array_equal(first.points, again.points)
    assert (tile_cells._lattice_of.cache_info().misses, tile_cells._lattice_of.cache_info().hits) == (1, 1)
    finer = town.info.model_copy(update={"cell_size_m": 50})
    for at, of, info in ((town.tile(13), town, town.info), (other.tile(12), other, other.info), (tile, town, finer)):
        cells(at, of.crs, info, of.columns, of.near(at))
    assert tile_cells._lattice_of.cache_info().misses == 4, "another tile, CRS or grid is another lattice"


@pytest.mark.parametrize("zoom", [9, 12, 15])
def test_corners_laid_once_and_cell_by_cell_are_the_same(
    town: Town, zoom: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tile, laid = town.tile(zoom), []

    def lay(self: Lattice, most: int) -> NDArray[np.int64]:
        laid.append(corners(self, most))
        return laid[-1]

    corners = Lattice.corners
    monkeypatch.setattr(Lattice, "corners", lay)
    once = cells(tile, town.crs, town.info, town.columns, town.near(tile))
    monkeypatch.setattr(Lattice, "corners", lambda *_: np.empty((0, 0, 2), dtype=np.int64))
    each = cells(tile, town.crs, town.info, town.columns, town.near(tile))
    assert laid[0].size, "a town full of cells has its corners laid"
    for name in ("points", "part_sizes", "part_feature"):
        assert np.array_equal(getattr(once, name), getattr(each, name))


def test_corners_of_a_few_cells_far_apart_are_not_laid() -> None:
    lattice = Lattice((0, 99, 0, 99), np.zeros((101, 1, 2)), np.ones((101, 1)), 1e-7)
    assert lattice.corners(9_000).size == 0
    assert lattice.corners(11_000).shape == (101, 101, 2)


@pytest.mark.parametrize("zoom", [9, 12, 15])
def test_nearly_no_cell_needs_the_slow_way(town: Town, zoom: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counting(tile: Tile, crs: str, info: CollectionInfo, columns: Columns, rows: NDArray[np.int64]) -> TileGeometry:
        asked.append(len(rows))
        return exact_cells(tile, crs, info, columns, rows)

    monkeypatch.setattr(tile_cells, "exact_cells", counting)
    tile = town.tile(zoom)
    cells(tile, town.crs, town.info, town.columns, town.near(tile))
    assert sum(asked) <= 40, "triangles at corners of the tile, and what falls between two places of the lattice"


def test_polynomials_are_as_good_as_they_say(town: Town) -> None:
    tile = town.tile(12)
    lattice = Lattice.of(tile, town.crs, *grid_of(town), town.near(tile))
    assert lattice is not None
    first_row, last_row, first_col, last_col = lattice.window
    rows, cols = np.arange(first_row, last_row + 2), np.arange(first_col, last_col + 2)
    told = np.einsum("rkx,ck->rcx", lattice.row_terms, lattice.col_terms)
    size = float(town.info.cell_size_m or 0)
    x, y = np.meshgrid(cols * size, rows * size)
    true = tile.units(np.stack(transformer(town.crs, MERCATOR).transform(x, y), axis=-1))
    assert np.abs(told - true).max() < lattice.doubt


def test_corners_in_doubt_go_through_the_projection(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town(*PLACES[0])
    tile = town.tile(12)
    exact = cells(tile, town.crs, town.info, town.columns, town.near(tile))
    monkeypatch.setattr(tile_cells, "_ROUNDING", 0.3)  # most corners are that near to the middle of two places
    tile_cells._lattice_of.cache_clear()
    doubted = cells(tile, town.crs, town.info, town.columns, town.near(tile))
    assert np.array_equal(doubted.part_feature, exact.part_feature)
    assert {row: plain(rings) for row, rings in by_row(doubted).items()} == {
        row: plain(rings) for row, rings in by_row(exact).items()
    }


def test_where_polynomials_do_not_suffice_none_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town(*PLACES[0])
    tile = town.tile(12)
    fast = cells(tile, town.crs, town.info, town.columns, town.near(tile))
    monkeypatch.setattr(tile_cells, "_SURE", 0.0)
    tile_cells._lattice_of.cache_clear()
    assert Lattice.of(tile, town.crs, *grid_of(town), town.near(tile)) is None
    slow = cells(tile, town.crs, town.info, town.columns, town.near(tile))
    assert np.array_equal(slow.part_feature, fast.part_feature)
    # From the middle of Korea's projection to the other side of the earth: no number, and no polynomial.
    assert Lattice.of(Tile(0, 0, 0), town.crs, *grid_of(town), (-3e7, -3e7, 3e7, 3e7)) is None
