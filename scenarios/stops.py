"""Transit stops that an edition tells: points of its context, as its region file names them."""

import numpy as np
import shapely

from grids.edition import Edition
from scenarios.frame import FloatArray
from scenarios.places import in_metres

KIND = "stops"


def known_stops(edition: Edition) -> FloatArray | None:
    """Places (n, 2) of the stops in the region's CRS, metres; None where nobody tells any."""
    if not edition.context_count(KIND):
        return None
    rows = edition.context(KIND, edition.manifest.region.bbox).rows
    points = shapely.get_coordinates(shapely.from_wkb(rows["geometry"].to_numpy(zero_copy_only=False)))
    if not len(points):
        return None
    return np.array(in_metres(edition.crs, [(float(lon), float(lat)) for lon, lat in points])).reshape(-1, 2)
