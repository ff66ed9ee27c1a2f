"""Areas on the ellipsoid, for the densities and `area_ha` of every kind of target alike."""

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from grids.errors import GridError

_STEP_M = 250.0  # edges are straight in the region's CRS; chords of 250 m keep a cell's area to 1e-7


def geodesic_area_ha(polygons: NDArray[np.object_], crs: str) -> NDArray[np.float64]:
    """Area on the CRS's own ellipsoid, hectares, of polygons whose edges are straight in that CRS.

    The corners, densified, are carried into a Lambert azimuthal equal-area projection of the same ellipsoid and
    measured there: the same number as a geodesic area of the densified ring, for a hundred thousand cells at once.

    Args:
        polygons: (n,) polygons or multipolygons in `crs`; empty or missing ones have 0 ha.
        crs: projected CRS.

    Raises:
        GridError: a corner that the CRS cannot carry back to longitude and latitude.
    """
    bounds = shapely.total_bounds(polygons)
    if not np.isfinite(bounds).all():
        return np.zeros(np.shape(polygons))
    known = pyproj.CRS.from_user_input(crs)
    plane = pyproj.Proj(known)
    lon_0, lat_0 = plane((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, inverse=True)
    if known.ellipsoid is None or not np.isfinite([lon_0, lat_0]).all():
        raise GridError(
            f"Polygons within {bounds.tolist()} cannot be placed on the ellipsoid of {crs}; check their CRS."
        )
    a, b = known.ellipsoid.semi_major_metre, known.ellipsoid.semi_minor_metre
    equal_area = pyproj.Proj(proj="laea", lat_0=lat_0, lon_0=lon_0, a=a, b=b)

    def flatten(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        lon, lat = plane(coordinates[:, 0], coordinates[:, 1], inverse=True)
        return np.column_stack(equal_area(lon, lat))

    flat = shapely.transform(shapely.segmentize(shapely.force_2d(polygons), _STEP_M), flatten)
    area: NDArray[np.float64] = shapely.area(flat) / 10_000
    if not np.isfinite(area).all():
        first = int(np.flatnonzero(~np.isfinite(area))[0])
        raise GridError(
            f"Polygon {first}, bounds {shapely.bounds(polygons)[first].tolist()}, lies where {crs} has no longitude "
            "and latitude; check its coordinates."
        )
    return np.nan_to_num(area)
