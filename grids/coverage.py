"""How much of a target a source covers: what is known of it, as a fraction of what is to be known."""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.cell_index import MISSING, CellIndex
from grids.crossings import polygon_areas
from grids.grid import Grid
from grids.pieces import PolygonPieces
from grids.zone_parts import check_polygons

FloatArray = NDArray[np.float64]


def covered_fraction(targets: NDArray[np.object_], domain: BaseGeometry, boundary: BaseGeometry) -> FloatArray:
    """Fraction of each target's ground in the region that lies in a source's domain.

    Args:
        targets: (n,) cells, zones or hexagons, valid polygons in the region's CRS.
        domain: boundary ∩ the source's coverage; may be empty.
        boundary: of the region.

    Returns:
        (n,) area(target ∩ domain) / area(target ∩ boundary), 0 to 1; null where a target has no ground in the region.

    Raises:
        GeometryError: a boundary or domain that is no valid polygon.
    """
    check_polygons(np.array([boundary], dtype=np.object_), "The boundary")
    ground = PolygonPieces(np.array([boundary], dtype=np.object_)).area_of(targets)
    if domain is boundary or shapely.equals_exact(domain, boundary, normalize=True):
        return np.where(ground > 0, 1.0, np.nan)
    if domain.is_empty:
        return np.where(ground > 0, 0.0, np.nan)
    check_polygons(np.array([domain], dtype=np.object_), "The domain")
    known = PolygonPieces(np.array([domain], dtype=np.object_)).area_of(targets)
    return np.asarray(np.minimum(np.divide(known, ground, out=np.full(targets.size, np.nan), where=ground > 0), 1.0))


def covered_cells(grid: Grid, cells: CellIndex, domain: BaseGeometry, boundary: BaseGeometry) -> FloatArray:
    """Fraction of each cell's ground in the region that lies in a source's domain: `covered_fraction` of cells.

    Args:
        grid: the cells' grid, in the region's CRS.
        cells: n of its cells.
        domain: boundary ∩ the source's coverage; may be empty.
        boundary: of the region.

    Raises:
        GeometryError: a boundary or domain that is no valid polygon.
    """
    ground = _ground_of(grid, cells, boundary, "The boundary")
    if domain is boundary or shapely.equals_exact(domain, boundary, normalize=True):
        return np.where(ground > 0, 1.0, np.nan)
    known = np.zeros(ground.size) if domain.is_empty else _ground_of(grid, cells, domain, "The domain")
    return np.asarray(np.minimum(np.divide(known, ground, out=np.full(cells.size, np.nan), where=ground > 0), 1.0))


def _ground_of(grid: Grid, cells: CellIndex, polygon: BaseGeometry, name: str) -> FloatArray:
    """What of each cell lies in a polygon, m2."""
    given = np.array([polygon], dtype=np.object_)
    check_polygons(given, name)
    parts = polygon_areas(given, grid.origin_m, grid.size_m)
    place = cells.places(parts.row, parts.col)
    is_here = place != MISSING
    ground = np.zeros(cells.size)
    ground[place[is_here]] = np.maximum(parts.amount[is_here], 0.0)
    return ground
