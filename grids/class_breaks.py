"""Class breaks and colours of values around zero: removals below it, emissions above, breaks alike on both sides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grids.ramps import GroundColours, Ramps, ramp_colours

CLASSES_ONE_SIDED = 7
CLASSES_PER_SIDE = 5
PLACES_PER_CLASS = 2
"""A class that holds one place says no more than the place does."""

_TAIL_EMPHASIS = 1.5  # above 1, upper classes hold fewer places: emissions are skewed, and hot spots should stand out
_DIVERGING_ENDS = (0.15, 0.93)  # quantiles of the magnitudes between which breaks are spread
_MOST_DIGITS = 6


@dataclass(frozen=True)
class ValueClass:
    """Values from `low` to below `high` and their colour; None is open. Zero is in none of them."""

    low: float | None
    high: float | None
    colour: str

    def __contains__(self, value: float) -> bool:
        return value != 0 and (self.low is None or value >= self.low) and (self.high is None or value < self.high)

    @property
    def label(self) -> str:
        """The class in figures, for people."""
        if self.low is None:
            return f"below {self.high:g}"
        if self.high is None:
            return f"{self.low:g} and more" if self.low else "above 0"
        return f"{self.low:g} to {self.high:g}"


def value_classes(values: NDArray[np.float64], ramps: Ramps) -> list[ValueClass]:
    """Return classes in rising order.

    One-sided values get quantile classes. Where emissions and removals occur breaks are at equal ratios, since forests
    crowd a narrow range of magnitudes and cities spread over a wide one.

    Args:
        values: (n,) all finite.
        ramps: colours of emissions and removals.
    """
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return []
    least, most = float(values.min()), float(values.max())
    diverging = least < 0 < most
    wanted = min(CLASSES_PER_SIDE if diverging else CLASSES_ONE_SIDED, math.ceil(len(values) / PLACES_PER_CLASS))
    raw = _equal_ratios(sizes, wanted) if diverging else _quantiles(sizes, wanted)
    largest = float(sizes.max())
    breaks = [value for value in rounded(raw) if 0 < value < largest]
    lows, highs = [0.0, *breaks], [*breaks, math.inf]
    classes: list[ValueClass] = []
    if least < 0:
        sides = list(zip(lows, highs, ramp_colours(ramps.removal, len(lows)), strict=True))
        shown = [side for side in sides if side[0] < -least]
        for place, (low, high, colour) in enumerate(reversed(shown)):
            classes.append(ValueClass(None if place == 0 else -high, -low, colour))
    if most > 0:
        sides = list(zip(lows, highs, ramp_colours(ramps.emission, len(lows)), strict=True))
        shown = [side for side in sides if side[0] < most]
        for place, (low, high, colour) in enumerate(shown):
            classes.append(ValueClass(low, None if place == len(shown) - 1 else high, colour))
    return classes


def colour_of(value: float | None, classes: Sequence[ValueClass], ground: GroundColours) -> str:
    """Return the colour of a value; None and NaN are unknown, and zero is in no class."""
    if value is None or math.isnan(value):
        return ground.unknown
    return next((one.colour for one in classes if value in one), ground.zero)


def rounded(breaks: Sequence[float]) -> list[float]:
    """Return rising breaks, each once, as the roundest numbers at most a quarter of a class away."""
    distinct = sorted(set(breaks))
    found = []
    for place, value in enumerate(distinct):
        below = value - (distinct[place - 1] if place else 0.0)
        above = distinct[place + 1] - value if place + 1 < len(distinct) else math.inf
        room = min(below, above) / 4
        tried = (float(f"{value:.{digits - 1}e}") for digits in range(1, _MOST_DIGITS + 1))
        found.append(next((round_ for round_ in tried if abs(round_ - value) <= room), value))
    return found


def _quantiles(sizes: NDArray[np.float64], count: int) -> list[float]:
    at = 1 - (1 - np.arange(1, count) / count) ** _TAIL_EMPHASIS
    return [float(value) for value in np.quantile(sizes, at)]


def _equal_ratios(sizes: NDArray[np.float64], count: int) -> list[float]:
    low, high = (float(value) for value in np.quantile(sizes, _DIVERGING_ENDS))
    if count < 2:
        return []
    if count == 2:
        return [math.sqrt(low * high)]
    return [low * (high / low) ** (step / (count - 2)) for step in range(count - 1)]
