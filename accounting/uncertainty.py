"""Uncertainty (METHODS E): rules of combination, lognormal intervals, and the 90 % interval of what is published.

`U` is half a 95 % interval in percent; a relative standard deviation is `U / 196`.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accounting.errors import ShapeMismatch

Z95 = 1.96
Z90 = 1.645
FloatArray = npt.NDArray[np.float64]


def relative_sd(u95_percent: float) -> float:
    """Relative standard deviation of a U in percent: `U / 1.96 / 100`."""
    return u95_percent / Z95 / 100


def product_u95(u95_percent: Sequence[float] | FloatArray) -> float:
    """U of a product of independent quantities: `sqrt(sum U_i^2)`."""
    return math.sqrt(float(np.sum(np.square(np.asarray(u95_percent, dtype=np.float64)))))


def sum_u95(values: Sequence[float] | FloatArray, u95_percent: Sequence[float] | FloatArray) -> float:
    """U of a sum of independent quantities: `sqrt(sum (U_i x_i)^2) / |sum x_i|`; infinite where the sum is zero.

    Raises:
        ShapeMismatch: as many values as uncertainties are needed.
    """
    x, u = np.asarray(values, dtype=np.float64), np.asarray(u95_percent, dtype=np.float64)
    if x.shape != u.shape:
        raise ShapeMismatch(f"{x.shape} values and {u.shape} uncertainties; each value needs one.")
    spread, total = math.sqrt(float(np.sum(np.square(u * x)))), abs(float(np.sum(x)))
    return spread / total if total else math.inf


def shared_factor_u95(
    values: Sequence[float] | FloatArray, activity_u95_percent: Sequence[float] | FloatArray, factor_u95_percent: float
) -> float:
    """U of a sum whose items share one factor: the factor's error adds linearly, the activities' in quadrature."""
    return math.hypot(factor_u95_percent, sum_u95(values, activity_u95_percent))


def lognormal_parameters(mean: float, u95_percent: float) -> tuple[float, float]:
    """`(mu, sigma)` of a lognormal: `cv = U / 196`, `sigma^2 = ln(1 + cv^2)`, `mu = ln(mean) - sigma^2 / 2`.

    Raises:
        ValueError: the mean is not positive.
    """
    if not mean > 0:
        raise ValueError(f"A lognormal quantity is positive; the mean given is {mean}.")
    variance = math.log1p(relative_sd(u95_percent) ** 2)
    return math.log(mean) - variance / 2, math.sqrt(variance)


def lognormal_interval(mean: float, u95_percent: float, z: float = Z95) -> tuple[float, float]:
    """Interval `exp(mu -+ z sigma)`; used where U is over 30 % (METHODS E)."""
    mu, sigma = lognormal_parameters(mean, u95_percent)
    return math.exp(mu - z * sigma), math.exp(mu + z * sigma)


def geometric_interval(low: float, high: float) -> tuple[float, float]:
    """Read an asymmetric interval as lognormal: `(m, f)`, the geometric mean m with low = m / f, high = m * f."""
    if not 0 < low <= high:
        raise ValueError(f"An interval of a positive quantity has 0 < low <= high; given {low}..{high}.")
    return math.sqrt(low * high), math.sqrt(high / low)


def mean_from_median(median: float, u95_percent: float) -> float:
    """Mean of a lognormal quantity from its median: `median * exp(sigma^2/2)` (METHODS A2: totals need the mean)."""
    return median * math.sqrt(1 + relative_sd(u95_percent) ** 2)


def interval_90(value: FloatArray | float, sd: FloatArray | float) -> tuple[FloatArray | float, FloatArray | float]:
    """The published interval, `value -+ 1.645 sd`; signed values may cross zero."""
    return value - Z90 * sd, value + Z90 * sd
