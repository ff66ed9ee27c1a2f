"""A made-up city of 60 x 60 cells of 500 m, cut into zones, in which chosen zones emit more than the others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array, csr_array
from scipy.spatial import KDTree

from scenarios.neighbours import touching_cells

SIDE = 60
CELL_M = 500.0
CELL_HA = 25.0


@dataclass(frozen=True)
class PlantedCity:
    """(3600,) arrays per cell, and zones made of whole cells; `planted` are the zones with more emissions."""

    row: NDArray[np.int64]
    col: NDArray[np.int64]
    zone: NDArray[np.int64]
    intensity: NDArray[np.float64]
    planted: NDArray[np.bool_]
    touching: csr_array
    shares: csr_array
    zone_touching: csr_array

    @property
    def planted_cells(self) -> NDArray[np.bool_]:
        """(3600,) which lie in planted zones."""
        return self.planted[self.zone]

    @property
    def zone_area_ha(self) -> NDArray[np.float64]:
        """(zones,) of whole cells."""
        return np.bincount(self.zone) * CELL_HA


def planted_city(seed: int, *, times: float = 2.5, zones: int = 150, centres: int = 4) -> PlantedCity:
    """Lognormal emissions with a smooth part; around some centres the nearest five zones emit `times` as much."""
    numbers = np.random.default_rng(seed)
    row, col = (axis.ravel().astype(np.int64) for axis in np.indices((SIDE, SIDE)))
    middle = numbers.uniform(0, SIDE, (zones, 2))
    zone = np.asarray(KDTree(middle).query(np.column_stack([row, col]))[1], np.int64)
    zone = np.unique(zone, return_inverse=True)[1]
    count = int(zone.max()) + 1
    smooth = gaussian_filter(numbers.standard_normal((SIDE, SIDE)), 6, mode="wrap").ravel()
    noise = 0.35 * numbers.standard_normal(SIDE * SIDE) + 0.15 * smooth / smooth.std()
    planted = np.zeros(count, bool)
    zone_middle = np.column_stack([np.bincount(zone, axis) / np.bincount(zone) for axis in (row, col)])
    for centre in numbers.uniform(8, SIDE - 8, (centres, 2)):
        planted[np.argsort(((zone_middle - centre) ** 2).sum(axis=1))[:5]] = True
    touching = touching_cells(row, col)
    shares = csr_array(coo_array((np.ones(zone.size), (zone, np.arange(zone.size))), shape=(count, zone.size)))
    zone_touching = csr_array(shares @ touching @ shares.T)
    zone_touching.setdiag(0)
    zone_touching.eliminate_zeros()
    intensity = 100 * np.exp(noise) * np.where(planted[zone], times, 1.0)
    return PlantedCity(row, col, zone, intensity, planted, touching, shares, zone_touching)
