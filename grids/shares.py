"""Exact shares: which fraction of each feature lies in which cell or zone.

A share is a fraction of the *whole* feature: of its area for polygons, of its length for lines, of its number of
points for
points. What has no measure (an empty polygon, a line of length 0) is taken whole where it lies. Everything is planar
in the region's CRS, in float64, from
geometry: nothing is rasterised and no centroid is asked.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from grids.errors import GridError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GeometryArray = NDArray[np.object_]


@dataclass(frozen=True)
class Shares:
    """Shares of features in targets (cells or zones).

    Attributes:
        matrix: (targets, features) float64; fraction of the whole feature in each target. Canonical: sorted, no
            duplicates, no stored zeros.
        outside: (features,) fraction of the whole feature that was shared out but lies in none of the targets, from
            geometry by itself
            (0 for a grid, which has no end). What lies outside the domain is `Clipped.outside`; the matrix's column
            sum and both add to 1.
    """

    matrix: csr_array
    outside: FloatArray

    def __post_init__(self) -> None:
        if self.matrix.shape[1] != self.outside.shape[0]:
            raise GridError(
                f"The matrix has {self.matrix.shape[1]} features and `outside` {self.outside.shape[0]}; both must "
                "be the same."
            )

    @property
    def n_targets(self) -> int:
        """How many targets."""
        return int(self.matrix.shape[0])

    @property
    def n_features(self) -> int:
        """How many features."""
        return int(self.matrix.shape[1])


@dataclass(frozen=True)
class Clipped:
    """Features cut to the domain.

    Attributes:
        geometries: (features,) what lies inside the domain, of the feature's own dimension; empty where nothing does.
        inside: (features,) fraction of the whole feature inside.
        outside: (features,) fraction outside, from the geometry's difference, not as 1 - inside.
        measures: (features,) of the whole feature before the cut: m2, m, or number of points; to be handed to
            `grid_shares` and `zone_shares`.
    """

    geometries: GeometryArray
    inside: FloatArray
    outside: FloatArray
    measures: FloatArray
