"""What the simulation teaches the optimiser, zone by zone."""

import numpy as np

from scenarios.options import FloatArray

_ROUNDING = 1e-9


class Correction:
    """What zones save by simulation over what combinations alone say: learnt from one choice after another."""

    def __init__(self, zones: int) -> None:
        self.of_zone: FloatArray = np.ones(zones)
        self._met = np.zeros(zones, bool)

    def learn(self, estimate: FloatArray, real: FloatArray, *, cautious: bool) -> None:
        """Take in one simulated choice.

        Args:
            estimate: (zones,) tCO2e per year it was taken to save, by this correction.
            real: (zones,) what the simulation says.
            cautious: go half of the way only, because choices begin to go round in circles.
        """
        known = np.abs(estimate) > _ROUNDING * np.abs(estimate).max(initial=0.0)
        # A zone that saved nothing must not be given up for good: its correction may only be small.
        ratio = np.clip(real[known] / estimate[known], 0.05, 20.0)
        self.of_zone[known] *= np.sqrt(ratio) if cautious else ratio
        self._met |= known
        if self._met.any():
            # Zones of which nothing was chosen yet are taken to behave like the others.
            self.of_zone[~self._met] = float(np.median(self.of_zone[self._met]))
