"""Factors found from published activities and emissions: the check that our arithmetic is theirs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accounting.errors import ShapeMismatch

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FactorFit:
    """Factors fitted to published totals.

    Attributes:
        factors: (k,) emissions per unit of each activity.
        used: (n,) rows that the last round used; the others do not fit (typing errors in what was published).
        rounds: how often it was fitted until the rows used stayed the same.
    """

    factors: FloatArray
    used: npt.NDArray[np.bool_]
    rounds: int

    def predict(self, activities: FloatArray) -> FloatArray:
        """Emissions (n,) of activities (n, k)."""
        return np.asarray(activities @ self.factors, dtype=np.float64)


def fit_factors(
    activities: FloatArray, emissions: FloatArray, *, tolerance: float = 0.01, rounding: float = 0.005, rounds: int = 20
) -> FactorFit:
    """Least squares through the origin that leaves out rows that contradict all others.

    Published totals are rounded, so all rows weigh the same (the error of each is the rounding, whatever its size). The
    start is the fit of least absolute deviations, by weights 1/|residual|, which single typing errors cannot draw away;
    then rows further from their published value than `tolerance` of it and `rounding` are left out, and the rest is
    fitted by least squares until the choice no longer changes. Deterministic.

    Args:
        activities: (n, k) finite, e.g. kWh, therms, kBtu.
        emissions: (n,) finite.
        tolerance: relative deviation allowed.
        rounding: absolute deviation allowed, half a unit of the last published digit.
        rounds: at most so many fits.

    Raises:
        ShapeMismatch: shapes do not fit, values are missing, or an activity cannot be told from the others.
    """
    x, y = np.asarray(activities, dtype=np.float64), np.asarray(emissions, dtype=np.float64)
    if x.ndim != 2 or y.shape != x.shape[:1] or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ShapeMismatch(
            f"Activities (n, k) and emissions (n,), all finite, are needed; given {x.shape} and {y.shape}."
        )
    scale = np.sqrt(np.mean(np.square(x), axis=0))
    if not (scale > 0).all() or np.linalg.matrix_rank(x / scale) < x.shape[1]:
        raise ShapeMismatch(
            f"{len(x)} rows cannot tell {x.shape[1]} activities apart; leave out one that is always zero."
        )
    scaled = x / scale
    factors = _least_squares(scaled, y)
    for _ in range(rounds):
        weight = 1 / np.sqrt(np.maximum(np.abs(y - scaled @ factors), rounding))
        factors = _least_squares(scaled * weight[:, None], y * weight)
    used = np.ones(len(y), dtype=np.bool_)
    for done in range(1, rounds + 1):
        fits = np.abs(y - scaled @ factors) <= np.maximum(tolerance * np.abs(y), 2 * rounding)
        if np.linalg.matrix_rank(scaled[fits]) < x.shape[1]:
            raise ShapeMismatch(
                "Too few rows agree with one set of factors; these are not emissions of these activities."
            )
        factors = _least_squares(scaled[fits], y[fits])
        if (fits == used).all() and done > 1:
            break
        used = fits
    return FactorFit(factors / scale, used, done)


def _least_squares(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.lstsq(x, y, rcond=None)[0], dtype=np.float64)
