"""How probable it is that a cell truly is among the highest, given how uncertain all of them are."""

import numpy as np

from scenarios.options import FloatArray
from scenarios.where_errors import InvalidCells

DECILE = 0.1
_VALUES_AT_ONCE = 1 << 21


def top_probability(
    values: FloatArray,
    own_sd: FloatArray,
    loadings: FloatArray,
    *,
    share: float = DECILE,
    samples: int = 1000,
    seed: int = 0,
) -> FloatArray:
    """Part of the samples in which each cell is among the top share.

    A sample is `values + own_sd * e + loadings @ g`, e drawn for each cell and g once for all: an error that all cells
    share (the electricity factor) moves them together and hardly changes who is on top, an error of its own does.

    Args:
        values: (n,) intensity, t/ha; NaN where unknown.
        own_sd: (n,) standard deviation of each cell's own error, in the same unit.
        loadings: (n, errors) signed standard deviation that each shared error brings, in the same unit.
        share: part of the known cells that is the top: the ceiling of share x n cells.
        samples: how many. The probability p has a standard error of sqrt(p (1 - p) / samples).
        seed: equal seeds give equal answers.

    Returns:
        (n,) probability; NaN where unknown. They add up to the number of cells on top (ties at its edge all count).

    Raises:
        InvalidCells: shapes that differ, negative or unknown deviations of known cells, or a share that is none.
    """
    values, own_sd = np.asarray(values, np.float64), np.asarray(own_sd, np.float64)
    loadings = np.asarray(loadings, np.float64)
    if values.ndim != 1 or own_sd.shape != values.shape or loadings.ndim != 2 or len(loadings) != values.size:
        raise InvalidCells(
            f"Values have the shape {values.shape}, own errors {own_sd.shape}, shared errors {loadings.shape}; (n,), "
            "(n,) and (n, errors) were expected."
        )
    if not 0 < share < 1 or samples < 1:
        raise InvalidCells(
            f"The top share is {share:g} of {samples} samples; a share in 0 to 1 of at least 1 was expected."
        )
    known = np.flatnonzero(np.isfinite(values))
    x, sd, shared = values[known], own_sd[known], loadings[known]
    if not (np.isfinite(sd).all() and (sd >= 0).all() and np.isfinite(shared).all()):
        raise InvalidCells("A known cell has an error that is negative or not known; 0 says that there is none.")
    probability = np.full(values.size, np.nan)
    if not known.size:
        return probability
    place = known.size - int(np.ceil(share * known.size - 1e-9))
    numbers = np.random.default_rng(seed)
    hits = np.zeros(known.size, np.int64)
    block = max(_VALUES_AT_ONCE // known.size, 1)
    for first in range(0, samples, block):
        n = min(block, samples - first)
        drawn = x + sd * numbers.standard_normal((n, known.size))
        drawn += numbers.standard_normal((n, shared.shape[1])) @ shared.T
        edge = np.partition(drawn, place, axis=1)[:, place]
        hits += (drawn >= edge[:, None]).sum(axis=0)
    probability[known] = hits / samples
    return probability
