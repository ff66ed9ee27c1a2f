"""Smooth deterministic noise: the same place and seed give the same value, whichever tile asks.

Value noise on an integer lattice with the quintic fade of Perlin (2002), so that values and first derivatives are
continuous. Lattice values come from an integer hash, not from a generator with a state.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "fractal", "hashed_unit", "value_noise"]

FloatArray = npt.NDArray[np.float64]

_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
STEEPEST = 3.75  # largest slope of value noise per lattice step: fade' <= 1.875, neighbours differ by at most 2


def hashed_unit(i: npt.NDArray[np.int64], j: npt.NDArray[np.int64], salt: int) -> FloatArray:
    """A number in [-1, 1) for each pair of integers, by SplitMix64 (Steele, Lea and Flood 2014).

    Args:
        i: any shape, lattice column.
        j: same shape, lattice row.
        salt: which of many independent fields.

    Returns:
        Same shape, uniform in [-1, 1).
    """
    with np.errstate(over="ignore"):
        state = i.astype(np.uint64) * _MIX[0] ^ (j.astype(np.uint64) + np.uint64(0x632BE59BD9B4E019)) * _MIX[1]
        state = state + np.uint64(salt & 0xFFFFFFFFFFFFFFFF) * _MIX[2]
        state = (state ^ (state >> np.uint64(30))) * _MIX[1]
        state = (state ^ (state >> np.uint64(27))) * _MIX[2]
        state = state ^ (state >> np.uint64(31))
    return np.asarray((state >> np.uint64(11)).astype(np.float64) / float(1 << 52) - 1.0)


def value_noise(x: FloatArray, y: FloatArray, wavelength: float, salt: int) -> FloatArray:
    """Smooth noise in [-1, 1] at places (x, y), slope at most `STEEPEST / wavelength`.

    Args:
        x: metres, any shape.
        y: metres, same shape.
        wavelength: metres between lattice points.
        salt: which of many independent fields.
    """
    gx, gy = x / wavelength, y / wavelength
    ix, iy = np.floor(gx), np.floor(gy)
    fx, fy = gx - ix, gy - iy
    wx = fx * fx * fx * (fx * (fx * 6.0 - 15.0) + 10.0)
    wy = fy * fy * fy * (fy * (fy * 6.0 - 15.0) + 10.0)
    i, j = ix.astype(np.int64), iy.astype(np.int64)
    south = hashed_unit(i, j, salt) * (1.0 - wx) + hashed_unit(i + 1, j, salt) * wx
    north = hashed_unit(i, j + 1, salt) * (1.0 - wx) + hashed_unit(i + 1, j + 1, salt) * wx
    return south * (1.0 - wy) + north * wy


def fractal(x: FloatArray, y: FloatArray, wavelength: float, salt: int, octaves: int) -> FloatArray:
    """Noise summed over `octaves` halvings of the wavelength, weights halving too, scaled back to [-1, 1]."""
    total = np.zeros_like(x)
    weight, reach = 1.0, 0.0
    for octave in range(octaves):
        total += weight * value_noise(x, y, wavelength / 2**octave, salt + 7919 * octave)
        reach += weight
        weight *= 0.5
    return total / reach
