"""Features that reach far beyond the ground a source speaks for, by their true size within it.

Shares are planar ratios, and the scale of a projection changes by 0.4 % over 300 km: of a road through three countries,
or of a forest as large as a province, the planar share inside times the geodesic size of the whole is not what lies
inside.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.geometry_column import GeometryColumn
from gis.layers import Layer
from gis.measure import sizes_of
from grids.shares import clip_to
from grids.sharing import CellEntries, SharedOut, ZoneEntries
from grids.tolerances import WHOLE

FloatArray = NDArray[np.float64]

FAR_M = 20_000.0
"""Extent of a feature above which the projection's scale may differ by a ten-thousandth from one end to another."""

UNMEASURED = "it reaches so far beyond the region that the region's CRS cannot measure it; cut it to the region"


def by_ground_inside(shared: SharedOut, layer: Layer, sizes: FloatArray, domain: BaseGeometry) -> SharedOut:
    """Shares of features that cross the domain's border and are wider than `FAR_M`, as parts of their geodesic size.

    What lies inside is measured on the ellipsoid, as the whole was, and keeps its proportions among cells and zones.

    Args:
        shared: the layer shared out; those that were refused have no share outside that is known.
        layer: of the same features.
        sizes: (n,) what each measures on the ellipsoid (`gis.measure.sizes_of`).
        domain: the ground the source speaks for.

    Returns:
        The same with those shares scaled; a feature of which more lies inside than it measures is refused.

    Raises:
        GridError: features that cannot be cut; those have been refused before.
    """
    crossing = np.flatnonzero((shared.outside > 0) & (shared.outside < 1) & (sizes > 0))
    bounds = layer.geometry.take(crossing).bounds
    far = crossing[np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]) > FAR_M]
    if not far.size:
        return shared
    kept = clip_to(layer.geometry.objects(far), domain).geometries
    inside = sizes_of(layer.sector, GeometryColumn.of_objects(kept), layer.crs) / sizes[far]
    gone = far[~(inside <= 1 + WHOLE)]
    measured = (inside > 0) & (inside <= 1 + WHOLE)
    outside, factor = shared.outside.copy(), np.ones(shared.outside.size)
    factor[far[measured]] = inside[measured] / (1 - outside[far[measured]])
    outside[far[measured]] = np.maximum(1 - inside[measured], 0.0)
    outside[gone] = np.nan
    keep = ~np.isin(shared.cells.feature, gone)
    cells = CellEntries(*(column[keep] for column in vars(shared.cells).values()))
    zones = {}
    for name, found in shared.zones.items():
        keep = ~np.isin(found.feature, gone)
        zones[name] = ZoneEntries(*(column[keep] for column in vars(found).values()))
    return replace(
        shared,
        outside=outside,
        cells=replace(cells, share=cells.share * factor[cells.feature]),
        zones={name: replace(found, share=found.share * factor[found.feature]) for name, found in zones.items()},
        refused={**shared.refused, **dict.fromkeys(gone.tolist(), UNMEASURED)},
    )
