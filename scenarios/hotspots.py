"""Where emissions are dense beyond chance: Getis-Ord Gi* and local Moran, with false discoveries controlled.

Both statistics are PySAL's (`esda`). It is imported when first needed, because it takes seconds. P-values are analytic:
with 10,000 cells, 999 permutations could not get below what Benjamini-Hochberg asks for unless 200 cells were at their
minimum (METHODS H), and enough of them take minutes; that the analytic ones hold is seen to by normal scores.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import false_discovery_control, norm, rankdata

from scenarios.options import BoolArray, FloatArray
from scenarios.where_errors import InvalidCells

Scale = Literal["normal scores", "as given"]

FEWEST_CELLS = 9  # fewer have no distribution to stand out from
KINDS = ("none", "high among high", "low among high", "low among low", "high among low")


@dataclass(frozen=True)
class HotSpots:
    """Per cell; z is NaN and p is 1 where intensity is unknown.

    Attributes:
        gi_z: (n,) Gi* as a standard score; its p is two-sided.
        gi_p: (n,) p-value of Gi*.
        gi_adjusted: (n,) the least false-discovery rate at which the cell counts as significant.
        hot, cold: (n,) significant at the rate asked for, above or below the mean.
        moran_z: (n,) local Moran's I as a standard score.
        moran_p: (n,) its p-value, two-sided.
        moran_adjusted: (n,) as for Gi*.
        kind: (n,) index into `KINDS`: which significant pattern local Moran sees; 0 for none.
        false_discovery_rate: what was asked for.
    """

    gi_z: FloatArray
    gi_p: FloatArray
    gi_adjusted: FloatArray
    hot: BoolArray
    cold: BoolArray
    moran_z: FloatArray
    moran_p: FloatArray
    moran_adjusted: FloatArray
    kind: NDArray[np.int8]
    false_discovery_rate: float


@dataclass(frozen=True)
class Stability:
    """Whether hot spots stay when band width or year change.

    Attributes:
        bands: (bands,) as given.
        hot: (years, bands, n).
        share: (n,) part of the runs, of those where the cell is known, in which it is hot; NaN if never known.
        band_agreement: mean Jaccard index of the hot cells of two bands in the same year; 1 if there is one band.
        year_agreement: the same of two years at the same band.
    """

    bands: tuple[float, ...]
    hot: NDArray[np.bool_]
    share: FloatArray
    band_agreement: float
    year_agreement: float


def hot_spots(
    intensity: FloatArray,
    neighbours: csr_array,
    *,
    scale: Scale = "normal scores",
    false_discovery_rate: float = 0.05,
) -> HotSpots:
    """Cells that stand out together with their neighbours.

    `Gi* = (sum_j w_ij x_j - mean W_i) / (s sqrt((n W_i - W_i^2) / (n - 1)))`, the cell itself included (Ord & Getis,
    Local Spatial Autocorrelation Statistics, Geographical Analysis 27, 1995); local Moran `I_i = z_i sum_j w_ij z_j`,
    weights summing to 1 (Anselin, LISA, the same volume), with the moments of conditional randomisation (Sokal, Oden &
    Thomson 1998).

    Args:
        intensity: (n,) t/ha, removals included or not; NaN where unknown (water, no coverage). Such cells take no
            part.
        neighbours: (n, n) 1 for neighbours, nothing on the diagonal.
        scale: "normal scores" puts normal quantiles of their ranks in place of intensities. Intensities are so
            skewed that on their own scale ("as given") analytic p-values let false discoveries through: on maps of
            lognormal noise without any cluster in every one (docs/where-to-act.md).
        false_discovery_rate: expected part of false ones among significant cells (Benjamini & Hochberg 1995).

    Raises:
        InvalidCells: shapes that differ, neighbours that are not symmetric, or fewer than 9 known cells.
    """
    intensity = np.asarray(intensity, np.float64)
    known = np.flatnonzero(np.isfinite(intensity))
    _check(intensity, neighbours, known.size, false_discovery_rate)
    x = intensity[known]
    if scale == "normal scores":
        x = norm.ppf((rankdata(x) - 0.5) / x.size)
    near = csr_array(neighbours[known][:, known])
    gi_z, gi_p, moran_z, moran_p = (np.zeros(x.size), np.ones(x.size), np.zeros(x.size), np.ones(x.size))
    lag = np.zeros(x.size)
    # A cell without neighbours has no surroundings to stand out with; equal cells do not stand out at all.
    tested = np.asarray(near.sum(axis=1)).ravel() > 0
    if np.ptp(x) > 0 and tested.any():
        z, p, local_z, local_p, lag = _statistics(x, near)
        gi_z[tested], gi_p[tested] = np.nan_to_num(z[tested]), np.where(np.isnan(z), 1.0, p)[tested]
        moran_z[tested] = np.nan_to_num(local_z[tested])
        moran_p[tested] = np.where(np.isnan(local_z), 1.0, local_p)[tested]
    n = intensity.size
    gi_adjusted, moran_adjusted = (false_discovery_control(p, method="bh") for p in (gi_p, moran_p))
    significant = moran_adjusted <= false_discovery_rate
    high, high_near = x > x.mean(), lag > 0
    kind = np.where(high, np.where(high_near, 1, 4), np.where(high_near, 2, 3)) * significant
    return HotSpots(
        gi_z=_spread(gi_z, known, n, np.nan),
        gi_p=_spread(gi_p, known, n, 1.0),
        gi_adjusted=_spread(gi_adjusted, known, n, 1.0),
        hot=_spread((gi_adjusted <= false_discovery_rate) & (gi_z > 0), known, n, 0.0) > 0,
        cold=_spread((gi_adjusted <= false_discovery_rate) & (gi_z < 0), known, n, 0.0) > 0,
        moran_z=_spread(moran_z, known, n, np.nan),
        moran_p=_spread(moran_p, known, n, 1.0),
        moran_adjusted=_spread(moran_adjusted, known, n, 1.0),
        kind=_spread(kind, known, n, 0.0).astype(np.int8),
        false_discovery_rate=false_discovery_rate,
    )


def hot_spot_stability(
    intensity: FloatArray, neighbours: Mapping[float, csr_array], *, false_discovery_rate: float = 0.05
) -> Stability:
    """Hot spots by Gi* on normal scores, for each year and band.

    Args:
        intensity: (years, n) as for `hot_spots`.
        neighbours: of each band width in metres.
        false_discovery_rate: of each run.

    Raises:
        InvalidCells: as `hot_spots`, or nothing to compare.
    """
    intensity = np.atleast_2d(np.asarray(intensity, np.float64))
    if not neighbours or not intensity.shape[0]:
        raise InvalidCells("At least one year and one band were expected.")
    hot = np.array(
        [
            [hot_spots(year, near, false_discovery_rate=false_discovery_rate).hot for near in neighbours.values()]
            for year in intensity
        ]
    )
    known = np.isfinite(intensity).sum(axis=0) * len(neighbours)
    share = np.divide(hot.sum(axis=(0, 1)), known, out=np.full(known.size, np.nan), where=known > 0)
    return Stability(
        tuple(neighbours),
        hot,
        share,
        float(np.mean([_agreement(year) for year in hot])),
        float(np.mean([_agreement(hot[:, band]) for band in range(hot.shape[1])])),
    )


def _statistics(x: FloatArray, near: csr_array) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Scores and two-sided p-values of Gi* and local Moran, and the mean score of the neighbours."""
    from esda.getisord import G_Local  # type: ignore[import-untyped]
    from esda.moran import Moran_Local  # type: ignore[import-untyped]
    from libpysal.graph import Graph  # type: ignore[import-untyped]

    with warnings.catch_warnings():
        # Of its own next version, and of the filters that it changes for everybody.
        warnings.simplefilter("ignore")
        # Gi* divides by the sum of what it is given, so that removals would turn its sign; scores do not change when
        # everything is raised by as much.
        raised = x - x.min() + np.ptp(x)
        star = G_Local(raised, Graph.from_sparse(near.tocoo()), transform="B", star=True, permutations=0)
        moran = Moran_Local(x, Graph.from_sparse(near.tocoo()), permutations=0)
        lag = np.asarray(moran.w.sparse @ moran.z).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        # Their I is scaled by (n - 1) / n, their moments are not.
        local_z = (moran.z * lag - moran.EIc) / np.sqrt(moran.VIc)
    return star.Zs, 2 * norm.sf(np.abs(star.Zs)), local_z, 2 * norm.sf(np.abs(local_z)), lag


def _check(intensity: FloatArray, neighbours: csr_array, known: int, false_discovery_rate: float) -> None:
    n = intensity.size
    if intensity.ndim != 1 or neighbours.shape != (n, n):
        raise InvalidCells(
            f"Intensity has the shape {intensity.shape}, neighbours {neighbours.shape}; (n,) and (n, n) were expected."
        )
    if (abs(neighbours - neighbours.T) > 0).nnz or (neighbours.diagonal() != 0).any():
        raise InvalidCells("Neighbours are not mutual, or a cell is its own; make them with scenarios.neighbours.")
    if known < FEWEST_CELLS:
        raise InvalidCells(
            f"Intensity is known in {known} cells; at least {FEWEST_CELLS} were expected. Use a finer grid or a larger "
            "area."
        )
    if not 0 < false_discovery_rate < 1:
        raise InvalidCells(f"The false-discovery rate is {false_discovery_rate:g}; above 0 and below 1 was expected.")


def _spread(values: FloatArray | BoolArray, known: NDArray[np.int64], n: int, missing: float) -> FloatArray:
    spread = np.full(n, missing)
    spread[known] = values
    return spread


def _agreement(hot: NDArray[np.bool_]) -> float:
    """Mean Jaccard index of every two rows; two without any hot cell agree."""
    found = []
    for first in range(hot.shape[0]):
        for second in range(first + 1, hot.shape[0]):
            either = int((hot[first] | hot[second]).sum())
            found.append(float((hot[first] & hot[second]).sum()) / either if either else 1.0)
    return float(np.mean(found)) if found else 1.0
