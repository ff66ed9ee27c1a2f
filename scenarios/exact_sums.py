"""Sums of many numbers, rounded once: what `math.fsum` gives, in a tenth of its time.

Every addition of two floats leaves an error that is a float itself (Knuth, The Art of Computer Programming 2,
4.2.2, theorem B). Halves of the field are added to each other until one number is left; the errors are added up the
same way, and what these leave is small enough to be bounded. Where the bound does not settle the last bit, fsum does.
"""

import math

import numpy as np

from scenarios.frame import FloatArray

_LEVELS = 2  # the second settles sums that cancel, down to 1e-32 of what was added


def exact_sum(values: FloatArray) -> float:
    """The sum of all values, rounded once to float64: the same in any order.

    Raises:
        OverflowError: a sum beyond float64, as by `math.fsum`.
        ValueError: both infinities are among the values.
    """
    rest = np.asarray(values, dtype=np.float64).ravel()
    heads: list[float] = []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(_LEVELS):
            head, rest = _folded(rest)
            heads.append(head)
            # Adding n numbers in any order is off by at most (n - 1) half units of the sum of their sizes.
            off = rest.size * np.finfo(np.float64).eps * float(np.abs(rest).sum())
            parts = [*heads, float(rest.sum())]
            if not all(map(math.isfinite, (*parts, off))):
                break
            found = math.fsum(parts)
            left = abs(math.fsum([*parts, -found]))
            if off == 0 or left + 2 * off < _half_unit(found):
                return found
    return math.fsum(np.ravel(values).tolist())


def _folded(values: FloatArray) -> tuple[float, FloatArray]:
    """The sum with the roundings of a tree of additions, and the error of each addition: together exactly the sum."""
    errors: list[FloatArray] = []
    while values.size > 1:
        half = values.size // 2
        a, b, odd = values[:half], values[half : 2 * half], values[2 * half :]
        added = a + b
        of_b = added - a
        errors.append((a - (added - of_b)) + (b - of_b))
        values = np.concatenate([added, odd]) if odd.size else added
    head = float(values[0]) if values.size else 0.0
    return head, np.concatenate(errors) if errors else np.zeros(0)


def _half_unit(value: float) -> float:
    """Half the distance to the nearest other float: what is less than that away is rounded to this one."""
    size = abs(value)
    return (size - math.nextafter(size, 0.0)) / 2
