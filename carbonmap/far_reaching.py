"""Features that reach far beyond the ground a source speaks for, by their true size within it.

Shares are planar ratios, and the scale of a projection changes by 0.4 % over 300 km: of a road through three countries,
or of a forest as large as a province, the planar share inside times the geodesic size of the whole is not what lies
inside. What lies inside and what lies outside are measured each by itself, and must add up to the whole.
"""

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.geometry_column import GeometryColumn
from gis.layers import Layer
from gis.measure import sizes_of
from grids.sharing import CellEntries, Division, SharedOut, ZoneEntries
from grids.tolerances import WHOLE

FloatArray = NDArray[np.float64]

FAR_M = 20_000.0
"""Extent of a feature above which the projection's scale may differ by a ten-thousandth from one end to another."""

BENT = 1e-6
"""Of a feature. Its parts on the ellipsoid may miss it by so much: cut in two, an edge of 1,000 km is two geodesics
that are longer than one by 2e-8 of it, an edge of 3,000 km by 5e-7. Shorter edges and polygons add up to 1e-9."""

UNMEASURED = "it reaches so far beyond the region that the region's CRS cannot measure it; cut it to the region"

CROSSED = "its outline is not valid, and made valid it has another area than as it was read; mend it in the source"
"""Of a polygon that reaches far, too: what is measured inside and outside of it are parts of what was made valid."""


@dataclass(frozen=True)
class FarReaching:
    """Features whose parts are those of their geodesic size.

    Attributes:
        count: how many.
        miss: by how much of itself the parts of the worst of them, inside and outside, missed it.
    """

    count: int = 0
    miss: float = 0.0

    def __add__(self, other: "FarReaching") -> "FarReaching":
        """Those of several parts of a layer."""
        return FarReaching(self.count + other.count, max(self.miss, other.miss))


NONE_FAR = FarReaching()
"""Of a layer that stays where it is."""


def by_ground_inside(
    shared: SharedOut, layer: Layer, sizes: FloatArray, division: Division
) -> tuple[SharedOut, FarReaching]:
    """Shares of features that cross the domain's border and are wider than `FAR_M`, as parts of their geodesic size.

    What lies inside is measured on the ellipsoid, as the whole was, and keeps its proportions among cells and zones. So
    is what lies outside, by its own geometry: if an inside is wrong, the two do not add up.

    Args:
        shared: the layer shared out; those that were refused have no share outside that is known.
        layer: of the same features.
        sizes: (n,) what each measures on the ellipsoid (`gis.measure.sizes_of`).
        division: what it was shared out to.

    Returns:
        The same with those shares scaled, and how many they are; a feature whose two parts miss it by more than `BENT`
        is refused. Those that miss it by less, but by more than `WHOLE`, are fractions of what both add up to.

    Raises:
        GridError: features that cannot be cut; those have been refused before.
    """
    crossing = np.flatnonzero((shared.outside > 0) & (shared.outside < 1) & (sizes > 0))
    bounds = layer.geometry.take(crossing).bounds
    far = crossing[np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]) > FAR_M]
    if not far.size:
        return shared, NONE_FAR
    clipped = division.cut(layer.geometry.objects(far))
    inside, beyond = (
        sizes_of(layer.sector, GeometryColumn.of_objects(part), layer.crs) / sizes[far]
        for part in (clipped.geometries, clipped.beyond)
    )
    whole = inside + beyond
    miss = np.abs(whole - 1)
    within = miss <= BENT  # what cannot be measured is no number, and no less than anything
    whole[miss <= WHOLE] = 1.0
    measured = within & (inside > 0)  # an inside too small for the ellipsoid keeps its planar share
    gone, far = far[~within], far[measured]
    outside, factor = shared.outside.copy(), np.ones(shared.outside.size)
    factor[far] = (inside / whole)[measured] / (1 - outside[far])
    outside[far] = (beyond / whole)[measured]
    outside[gone] = np.nan
    keep = ~np.isin(shared.cells.feature, gone)
    cells = CellEntries(*(column[keep] for column in vars(shared.cells).values()))
    zones = {}
    for name, found in shared.zones.items():
        keep = ~np.isin(found.feature, gone)
        zones[name] = ZoneEntries(*(column[keep] for column in vars(found).values()))
    scaled = replace(
        shared,
        outside=outside,
        cells=replace(cells, share=cells.share * factor[cells.feature]),
        zones={name: replace(found, share=found.share * factor[found.feature]) for name, found in zones.items()},
        refused={**shared.refused, **_why_missed(layer.geometry.objects(gone), gone)},
    )
    return scaled, FarReaching(far.size, float(miss[measured].max(initial=0.0)))


def _why_missed(geometries: NDArray[np.object_], which: NDArray[np.int64]) -> dict[int, str]:
    """Position -> why the parts of a feature do not add up to it."""
    valid = shapely.is_valid(geometries)
    reasons = shapely.is_valid_reason(geometries)
    return {
        position: UNMEASURED if is_valid else f"{CROSSED} [{reason}]"
        for position, is_valid, reason in zip(which.tolist(), valid, reasons, strict=True)
    }
