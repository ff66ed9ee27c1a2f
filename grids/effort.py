"""Polygons that GEOS would take too long to look at, told before anybody asks it.

Whether a polygon is valid, and what it covers if it is not, GEOS finds by holding every two edges against each other
whose boxes meet: nearly none of a coast's, all of a comb's that lies aslant. So much is counted first.
"""

import numpy as np
import shapely
from numpy.typing import NDArray

from grids.effort_kernels import count_meetings

GeometryArray = NDArray[np.object_]

MOST_MEETINGS = 1 << 27
"""Pairs of edges whose boxes meet in one polygon: GEOS takes some two seconds for as many of a comb's."""

MOST_CROSSINGS = 1 << 16
"""Pairs of edges that cross in one polygon: GEOS takes some 35 microseconds to repair each."""

_FEW_VERTICES = 362  # a polygon of no more has neither: it has fewer pairs of edges than may cross


def too_tangled(geometries: GeometryArray) -> dict[int, str]:
    """Say why, by position, of the polygons among (n,) geometries that GEOS would take too long for."""
    reasons = dict[int, str]()
    many = shapely.get_num_coordinates(geometries) > _FEW_VERTICES
    for k in np.flatnonzero(many & (shapely.get_dimensions(geometries) == 2)).tolist():
        rings = shapely.get_rings(shapely.get_parts(geometries[k]))
        vertices = np.ascontiguousarray(shapely.get_coordinates(rings))
        starts = np.concatenate(([0], np.cumsum(shapely.get_num_coordinates(rings)))).astype(np.int64)
        meetings, crossings = count_meetings(vertices, starts, MOST_MEETINGS, MOST_CROSSINGS)
        if meetings > MOST_MEETINGS or crossings > MOST_CROSSINGS:
            reasons[k] = (
                f"its {len(vertices):,} vertices make edges that cross more than {MOST_CROSSINGS:,} times, or of which "
                f"more than {MOST_MEETINGS:,} pairs lie across each other's boxes, too many for GEOS to judge it in "
                "seconds; simplify it, or cut it into parts that are valid"
            )
    return reasons
