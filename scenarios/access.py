"""Gravity access, smoothing and trip lengths on the grid, by FFT convolution.

`A_i = sum_j J_j exp(-b d_ij)` with straight-line distances; a cell's own is the mean between two of its places.
Transforms of kernels are kept, so that a call costs two transforms of the padded field.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from scenarios.errors import ScenarioError
from scenarios.frame import BoolArray, FloatArray, Frame, own_distance_km

_ROUNDING = 1e-10
"""Of a field's largest sum: what is less is what a transform leaves (some 1e-15) or the sliver of a building."""
_KERNELS_KEPT = 6  # of each kind; one of a million cells takes 32 MB


@dataclass(frozen=True)
class Kernel:
    """A weight by distance, as its Fourier transform over one shape of fields.

    Attributes:
        shape, padded: of the fields, and of the transform, in which nothing wraps around.
        transform: of the weights.
        mass: sum of the weights over the whole plane as far as the kernel reaches.
    """

    shape: tuple[int, int]
    padded: tuple[int, int]
    transform: NDArray[np.complex128]
    mass: float

    def convolve(self, field: FloatArray) -> FloatArray:
        """`sum_j w(d_ij) x_j` of a field (rows, cols) >= 0, for each cell i; rounding below 0 is cut off."""
        return np.maximum(self.convolve_signed(field), 0.0)

    def convolve_signed(self, field: FloatArray) -> FloatArray:
        """The same of a field that may be negative.

        Raises:
            ScenarioError: a field of another shape.
        """
        if field.shape != self.shape:
            raise ScenarioError(f"A field of {field.shape} cells was given to a kernel for {self.shape}.")
        rows, cols = self.shape
        product = fft.rfft2(field, self.padded, workers=2)
        product *= self.transform
        return np.asarray(fft.irfft2(product, self.padded, workers=2)[:rows, :cols])


@functools.lru_cache(maxsize=_KERNELS_KEPT)
def decay_kernel(shape: tuple[int, int], size_m: float, decay_per_km: float) -> Kernel:
    """Weights `exp(-b d)` (d in km, b per km) for fields of a shape and cell size.

    Raises:
        ScenarioError: a decay that is not above 0.
    """
    _check(decay_per_km, "decay", "1/km")
    return _kernel(shape, size_m, lambda d: np.exp(-decay_per_km * d), 2 * np.pi / (decay_per_km * size_m / 1000) ** 2)


@functools.lru_cache(maxsize=_KERNELS_KEPT)
def travel_kernel(shape: tuple[int, int], size_m: float, decay_per_km: float) -> Kernel:
    """Weights `d exp(-b d)`: with `decay_kernel`, the mean length of trips.

    Raises:
        ScenarioError: a decay that is not above 0.
    """
    _check(decay_per_km, "decay", "1/km")
    mass = 4 * np.pi / decay_per_km**3 / (size_m / 1000) ** 2
    return _kernel(shape, size_m, lambda d: d * np.exp(-decay_per_km * d), mass)


@functools.lru_cache(maxsize=_KERNELS_KEPT)
def disc_kernel(shape: tuple[int, int], size_m: float, radius_km: float) -> Kernel:
    """Weight 1 within a radius, 0 beyond; a cell belongs to it by its centre, and always to itself.

    Raises:
        ScenarioError: a radius that is not above 0.
    """
    _check(radius_km, "radius", "km")
    own = own_distance_km(size_m)
    return _kernel(
        shape, size_m, lambda d: (d <= max(radius_km, own)).astype(float), np.pi * (radius_km * 1000 / size_m) ** 2
    )


def _check(value: float, what: str, unit: str) -> None:
    if not 0 < value < np.inf:
        raise ScenarioError(f"A {what} of {value:g} {unit} was given; a number above 0 was expected.")


def _kernel(shape: tuple[int, int], size_m: float, weight: Callable[[FloatArray], FloatArray], mass: float) -> Kernel:
    rows, cols = shape
    padded = (fft.next_fast_len(2 * rows - 1, real=True), fft.next_fast_len(2 * cols - 1, real=True))
    away = [np.minimum(np.arange(n), n - np.arange(n)) * size_m / 1000 for n in padded]
    distance = np.hypot(away[0][:, None], away[1][None, :])
    distance[0, 0] = own_distance_km(size_m)
    weights = weight(distance)
    weights[rows : padded[0] - rows + 1, :] = 0.0  # distances that no two cells of the field have
    weights[:, cols : padded[1] - cols + 1] = 0.0
    return Kernel(shape, padded, np.asarray(fft.rfft2(weights)), float(mass))


def gravity_access(frame: Frame, jobs: FloatArray, decay_per_km: float) -> FloatArray:
    """Access `A_i = sum_j J_j exp(-b d_ij)` to jobs (rows, cols), in jobs."""
    return decay_kernel(frame.shape, frame.size_m, decay_per_km).convolve(jobs)


class Smoothing:
    """Means of fields over the cells that count within a radius of each cell; 0 outside.

    Args:
        frame: of the fields.
        inside: (rows, cols) which cells count.
        radius_km: how far around; a cell belongs by its centre.
    """

    def __init__(self, frame: Frame, inside: BoolArray, radius_km: float) -> None:
        self.radius_km = radius_km
        self._inside = inside
        self._ground: tuple[FloatArray, FloatArray] | None = None
        self._kernel = disc_kernel(frame.shape, frame.size_m, radius_km)
        self._cells = np.maximum(np.rint(self._kernel.convolve(inside.astype(float))), 1.0)

    def mean(self, field: FloatArray) -> FloatArray:
        """The mean of a field (rows, cols) >= 0; nothing to the bit where nothing lies within the radius."""
        total = self._kernel.convolve(field)
        # Rounding of the transform is no density: a place that has none is read in another way than one that has some.
        there = self._inside & (total > _ROUNDING * total.max(initial=0.0))
        return np.where(there, total / self._cells, 0.0)

    def density(self, field: FloatArray, area_ha: FloatArray) -> FloatArray:
        """What a field has per hectare around each cell; the ground's own mean is kept for the next field."""
        if self._ground is None or self._ground[0] is not area_ha:
            self._ground = (area_ha, np.maximum(self.mean(area_ha), 1e-300))
        return self.mean(field) / self._ground[1]


def mean_trip_length_km(frame: Frame, people: FloatArray, jobs: FloatArray, decay_per_km: float) -> float:
    """Mean distance, km, from people to jobs when each chooses jobs in proportion to `exp(-b d)`; NaN without either.

    A measure of form (how far apart homes and jobs are), not of observed trips.
    """
    if not people.any() or not jobs.any():
        return float("nan")
    chosen = decay_kernel(frame.shape, frame.size_m, decay_per_km).convolve(jobs)
    travelled = travel_kernel(frame.shape, frame.size_m, decay_per_km).convolve(jobs)
    there = people > 0
    # Far from any job both are rounding: the ratio is no shorter than what the transform can tell.
    reached = there & (chosen > 1e-12 * chosen.max())
    if not reached.any():
        return float("nan")
    weights = people[reached] / people[reached].sum()
    return float((weights * travelled[reached] / chosen[reached]).sum())
