"""An edition to be served: a square of 100 m cells at Seoul, made up, with the columns that a real one has."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grids.columns import METHODS, SECTORS, Pair, method_column, pair_column, sd_column, total_column, value_columns
from grids.edition import CollectionInfo, Edition, EditionWriter, Store
from grids.grid import Grid
from grids.projections import LONLAT, transformer
from grids.tiles import Tile

FloatArray = NDArray[np.float64]

CRS = "EPSG:5179"
COLLECTION = "grid-100m"
REGION = "bench"
YEAR = 2023
TILE = Tile(12, 1586, 3492)  # about 7.8 km of ground: 78 x 78 cells
SIDE = 400
"""Cells along the edge of the square, which has the tile in its middle, and its neighbours."""
WIDEST = 2_500
"""Of a square that lies within the Korean grid on every side, and fits into memory while it is drawn."""

_EDITION = "0" * 16
_CELL_M = 100
_ORIGIN_M = (700_000, 1_300_000)
_PAIRS: dict[str, list[Pair]] = {
    "buildings": [("electricity", "indirect"), ("gas", "direct"), ("heat", "indirect")],
    "transport": [("petrol", "direct"), ("diesel", "direct")],
    "forest": [],
}
_OCCUPIED = {"buildings": 0.75, "transport": 0.6, "forest": 0.4}  # fraction of cells in which a sector has anything


@dataclass(frozen=True)
class Served:
    """What is asked of a server.

    Attributes:
        store: folder of the store.
        edition: the one edition in it.
        tile: a tile full of cells.
    """

    store: Path
    edition: Edition
    tile: Tile = TILE

    @property
    def cells(self) -> int:
        """How many cells the tile's own rows are, buffer and all."""
        return len(self.edition.near(COLLECTION, YEAR, self.tile.lonlat, ["id"]).positions)

    @property
    def tiles(self) -> list[Tile]:
        """Tiles one zoom level below that hold cells, the same number on each, row by row."""
        z = self.tile.z
        around = range(-1, 2)
        return [Tile(z, self.tile.y + down, self.tile.x + right) for down in around for right in around]

    @property
    def polygon(self) -> dict[str, object]:
        """A polygon as a person draws it: a dozen corners around some 1,400 cells in the tile's middle; GeoJSON."""
        west, south, east, north = self.tile.lonlat
        turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        reach = 0.25 + 0.05 * np.cos(3 * turn)
        lon = (west + east) / 2 + reach * (east - west) * np.cos(turn)
        lat = (south + north) / 2 + reach * (north - south) * np.sin(turn)
        ring = np.column_stack([lon, lat]).tolist()
        return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def write_served(store: Path, side: int = SIDE) -> Served:
    """Write the edition into a new store, and open it.

    Args:
        store: a folder that is made.
        side: cells along the edge of the square; 707 is half a million of them.
    """
    east, north = transformer(LONLAT, CRS).transform(*_middle(TILE))
    first_row, first_col = (
        int((place - origin) // _CELL_M) - side // 2
        for place, origin in zip((north, east), _ORIGIN_M[::-1], strict=True)
    )
    row, col = (part.ravel() for part in np.mgrid[first_row : first_row + side, first_col : first_col + side])
    grid = Grid(CRS, _ORIGIN_M, _CELL_M, "korea")
    info = CollectionInfo(
        id=COLLECTION, title={"en": "100 m cells"}, kind="grid", cell_size_m=_CELL_M, origin_m=_ORIGIN_M, codes="korea"
    )
    region = {
        "id": REGION,
        "name": {"en": "A town to be served"},
        "languages": ["en"],
        "crs": CRS,
        "years": [YEAR],
        "synthetic": True,
        "attributions": [{"text": "made up by carbonmap's bench"}],
    }
    lonlat = np.array([transformer(CRS, LONLAT).transform(x, y) for x, y in _corners(first_row, first_col, side)])
    region["bbox"] = [*lonlat.min(axis=0).tolist(), *lonlat.max(axis=0).tolist()]
    with EditionWriter(store, REGION, _EDITION, crs=CRS) as writer:
        writer.write_table(info, YEAR, _frame(grid, row, col))
        writer.publish(
            {
                "region": region,
                "sectors": list(SECTORS),
                "illustrative": dict.fromkeys(SECTORS, False),
                "code": {"version": "1", "sha256": ""},
            }
        )
    return Served(store, Store(store).open(REGION))


def _middle(tile: Tile) -> tuple[float, float]:
    west, south, east, north = tile.lonlat
    return (west + east) / 2, (south + north) / 2


def _corners(first_row: int, first_col: int, side: int) -> list[tuple[float, float]]:
    east, north = _ORIGIN_M
    rows, cols = (first_row, first_row + side), (first_col, first_col + side)
    return [(float(east + col * _CELL_M), float(north + row * _CELL_M)) for row in rows for col in cols]


def _frame(grid: Grid, row: NDArray[np.int64], col: NDArray[np.int64]) -> pd.DataFrame:
    """Public columns of cells: no two values alike but those that are 0, as in a city."""
    random, count = np.random.default_rng(7), row.size
    columns: dict[str, object] = {
        "id": grid.codes(row, col),
        "row": row,
        "col": col,
        "area_ha": grid.geodesic_area_ha(row, col),
        "year": np.full(count, YEAR),
        "population": np.where(random.random(count) < 0.6, random.poisson(60, count), np.nan).astype(np.float64),
    }
    net, variance = np.zeros(count), np.zeros(count)
    for sector in SECTORS:
        there = random.random(count) < _OCCUPIED[sector]
        size = np.where(there, random.lognormal(3, 1, count), 0.0)
        total = -size if sector == "forest" else size
        columns[total_column(sector)], columns[sd_column(sector)] = total, 0.2 * size
        parts = random.dirichlet(np.ones(max(len(_PAIRS[sector]), 1)), count)
        for k, pair in enumerate(_PAIRS[sector]):
            columns[pair_column(sector, pair)] = total * parts[:, k]
        shares = random.dirichlet(np.ones(len(METHODS)), count)
        for k, method in enumerate(METHODS):
            columns[method_column(sector, method)] = np.where(there, shares[:, k], np.nan)
        columns[f"{sector}_coverage"], columns[f"{sector}_illustrative"] = np.ones(count), np.zeros(count, dtype=bool)
        net, variance = net + total, variance + (0.2 * size) ** 2
    columns[total_column("net")], columns[sd_column("net")] = net, np.sqrt(variance)
    columns["held"] = random.random(count) < 0.05
    names = ["id", "row", "col", "area_ha", *value_columns(SECTORS, _PAIRS), "held"]
    return pd.DataFrame({name: columns[name] for name in dict.fromkeys(names)})
