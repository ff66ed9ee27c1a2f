"""How much of a target a source covers: what is known of it, as a fraction of what is to be known."""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.pieces import PolygonPieces
from grids.zone_parts import check_polygons


def covered_fraction(targets: NDArray[np.object_], domain: BaseGeometry, boundary: BaseGeometry) -> NDArray[np.float64]:
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
