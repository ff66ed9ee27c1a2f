"""One source at a time: read, turned into emission lines, clipped to its domain, shared out to every collection."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from accounting.sector import SectorEmissions
from gis.layers import ReadReport
from grids.grid import Grid
from grids.shares import Clipped, Shares, clip_to, grid_shares, zone_shares

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class FineCells:
    """Shares of one layer in the cells of the finest grid that hold something of it."""

    rows: IntArray
    cols: IntArray
    shares: Shares


@dataclass
class SharedLayer:
    """A layer with its emissions and its shares.

    Attributes:
        id, sector, open, complete: as the source says; a land-cover raster is of the sector forest.
        emissions: lines and what was derived per feature.
        features: (n,) rows for the private table: our columns, and geometry before clipping where there is one.
        domain: the ground the source speaks for.
        outside: (n,) fraction of each feature outside the domain.
        report: what became of every feature of the file.
        cells: shares in the finest grid.
        shares: by collection id, in the order of that collection's targets.
    """

    id: str
    sector: str
    open: bool
    complete: bool
    emissions: SectorEmissions
    features: pd.DataFrame
    domain: BaseGeometry
    outside: FloatArray
    report: ReadReport
    cells: FineCells
    shares: dict[str, Shares] = field(default_factory=dict)

    @property
    def lines(self) -> pd.DataFrame:
        """The layer's emission lines."""
        return self.emissions.lines

    def spread(self, grid: Grid, rows: IntArray, cols: IntArray) -> Shares:
        """The fine shares in the order of the region's cells (rows, cols), which hold all of this layer's."""
        keys = grid.zorder(rows, cols)
        order = np.argsort(keys)
        place = order[np.searchsorted(keys[order], grid.zorder(self.cells.rows, self.cells.cols))]
        matrix = self.cells.shares.matrix.tocoo()
        spread = type(self.cells.shares.matrix)(
            (matrix.data, (place[matrix.row], matrix.col)), shape=(len(keys), matrix.shape[1])
        )
        spread.sort_indices()
        return Shares(spread, self.cells.shares.outside)


def share_features(
    geometries: NDArray[np.object_], domain: BaseGeometry, grid: Grid, polygon_sets: dict[str, NDArray[np.object_]]
) -> tuple[Clipped, FineCells, dict[str, Shares]]:
    """Clip features to their domain and share them out to the finest grid and to every set of polygons.

    Args:
        geometries: (n,) features in the region's CRS.
        domain: the ground the source speaks for.
        grid: the finest grid.
        polygon_sets: collection id -> polygons of its zones or hexagons.
    """
    clipped = clip_to(geometries, domain)
    rows, cols, fine = grid_shares(clipped.geometries, grid, clipped.measures)
    shares = {
        name: zone_shares(clipped.geometries, polygons, clipped.measures) for name, polygons in polygon_sets.items()
    }
    return clipped, FineCells(rows, cols, fine), shares


def cells_of(layers: list[SharedLayer], grid: Grid) -> tuple[IntArray, IntArray]:
    """Rows and columns of all cells that hold something of any layer, in Z-order."""
    rows = np.concatenate([layer.cells.rows for layer in layers])
    cols = np.concatenate([layer.cells.cols for layer in layers])
    _, first = np.unique(grid.zorder(rows, cols), return_index=True)
    return rows[first], cols[first]
