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
        vertices, starts = _rings(geometries[k])
        meetings, crossings = count_meetings(vertices, starts, MOST_MEETINGS, MOST_CROSSINGS)
        if meetings > MOST_MEETINGS or crossings > MOST_CROSSINGS:
            reasons[k] = (
                f"its {len(vertices):,} vertices make edges that cross more than {MOST_CROSSINGS:,} times, or of which "
                f"more than {MOST_MEETINGS:,} pairs lie across each other's boxes, too many for GEOS to judge it in "
                "seconds; simplify it, or cut it into parts that are valid"
            )
    return reasons


def meetings_of(polygon: shapely.Geometry, most: int) -> int:
    """Count the pairs of edges of a polygon or multipolygon whose boxes meet, but for those of near neighbours.

    Args:
        polygon: valid or not.
        most: after so many more is not asked; the answer is above it then.
    """
    vertices, starts = _rings(polygon)
    return int(count_meetings(vertices, starts, most, len(vertices) ** 2)[0])


def cutting_effort(polygon: shapely.Geometry, others: GeometryArray, most: int) -> int:
    """Count, at most, the pairs of a polygon's edges that GEOS looks at to cut it with each of some others.

    For each it holds those edges against each other whose boxes meet its box.

    Args:
        polygon: polygon or multipolygon.
        others: (n,) geometries in the same CRS, none of them empty.
        most: after so many more is not asked; the answer is above it then.
    """
    if (bound := meetings_of(polygon, most // max(len(others), 1)) * len(others)) <= most:
        return bound  # of all its edges for each: nobody needs to know better
    vertices, starts = _rings(polygon)
    begins = np.delete(np.arange(len(vertices) - 1), starts[1:-1] - 1)
    edges = np.stack((vertices[begins], vertices[begins + 1]), axis=1)
    low, high = edges.min(axis=1), edges.max(axis=1)
    count = 0
    for west, south, east, north in shapely.bounds(others):
        near = edges[((low <= (east, north)) & (high >= (west, south))).all(axis=1)]
        alone = np.arange(0, 2 * len(near) + 1, 2, dtype=np.int64)
        count += int(count_meetings(np.ascontiguousarray(near.reshape(-1, 2)), alone, most - count, 1 << 62)[0])
        if count > most:
            break
    return count


def _rings(polygon: shapely.Geometry) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Corners of all rings of a polygon or multipolygon, and where each begins among them."""
    rings = shapely.get_rings(shapely.get_parts(polygon))
    starts = np.concatenate(([0], np.cumsum(shapely.get_num_coordinates(rings)))).astype(np.int64)
    return np.ascontiguousarray(shapely.get_coordinates(rings)), starts
