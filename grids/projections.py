"""Moving coordinates and shapes between the region's CRS, longitude and latitude, and the map's mercator."""

from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

LONLAT = "EPSG:4326"
MERCATOR = "EPSG:3857"


@lru_cache(maxsize=64)
def transformer(source: str, target: str) -> Transformer:
    """Return the (cached) transformation between two CRSs, x before y."""
    return Transformer.from_crs(source, target, always_xy=True)


def reproject(geometries: NDArray[np.object_], source: str, target: str) -> NDArray[np.object_]:
    """Move the vertices of (n,) geometries from one CRS to another."""
    move = transformer(source, target)

    def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(move.transform(points[:, 0], points[:, 1]))

    if not len(geometries):
        return geometries
    return np.asarray(shapely.transform(geometries, moved), dtype=object)
