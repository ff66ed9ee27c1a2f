"""Colour ramps of the themes, mixed in OKLab so that steps look even and lightness never turns back.

The web map draws with the same colours (`web/src/layers`), which `tests/api/test_styles.py` compares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Ground = Literal["light", "dark"]


@dataclass(frozen=True)
class Ramps:
    """Colours of one theme on one ground, each ramp from small to large."""

    emission: tuple[str, ...]
    removal: tuple[str, ...]


@dataclass(frozen=True)
class GroundColours:
    """Colours of what lies below and beside the numbers."""

    land: str
    green: str
    water: str
    road: str
    boundary: str
    zero: str
    unknown: str
    outline: str


GROUNDS: Mapping[Ground, GroundColours] = {
    "light": GroundColours(
        "#f4f3ee", "#e4eadb", "#cfdfe6", "#5d6a6d", "#39474b", zero="#e9e7e0", unknown="#c9c9c6", outline="#1d2a2f"
    ),
    "dark": GroundColours(
        "#12191c", "#18231e", "#1a2c36", "#a9b7ba", "#c3ced0", zero="#2b3438", unknown="#4a5053", outline="#ffffff"
    ),
}

THEMES: Mapping[str, Mapping[Ground, Ramps]] = {
    "net": {
        "light": Ramps(("#f3dfb5", "#dba653", "#a8631c", "#5c2f0a"), ("#bcdfe8", "#5fb0c2", "#1d7a90", "#07404f")),
        "dark": Ramps(("#4a3a24", "#8f6327", "#d39a45", "#ffe2a6"), ("#123f4f", "#1f7189", "#57b2c8", "#c6eef7")),
    },
    "buildings": {
        "light": Ramps(
            ("#fbe9c3", "#f3b562", "#d9692c", "#9c2b1a", "#571013"), ("#bcdfe8", "#5fb0c2", "#1d7a90", "#07404f")
        ),
        "dark": Ramps(
            ("#45301f", "#8a4322", "#cf6a33", "#f3ab5e", "#fff0c9"), ("#123f4f", "#1f7189", "#57b2c8", "#c6eef7")
        ),
    },
    "transport": {
        "light": Ramps(("#dccdf0", "#b09cdb", "#8a72c0", "#5b3d99", "#2e1463"), ("#cfe8c4", "#3f9350", "#0e4320")),
        "dark": Ramps(("#3a2d5c", "#5c4a92", "#8470c4", "#b9a8ea", "#f0e9ff"), ("#1d4630", "#5fb07a", "#d3f5da")),
    },
    "forest": {
        "light": Ramps(("#f0d3e4", "#b0508f", "#561043"), ("#e3efcf", "#aed18d", "#63a254", "#2a6d3a", "#0d3d22")),
        "dark": Ramps(("#5c2450", "#c46aa5", "#ffd6ee"), ("#20402a", "#356341", "#5b9a5c", "#9fcf8b", "#e3f7cd")),
    },
}

_Triple = tuple[float, float, float]


def ramp_colours(ramp: Sequence[str], count: int) -> list[str]:
    """Return `count` colours at even steps of a ramp, its ends included; a single one is a little beyond the middle."""
    stops = [_to_oklab(colour) for colour in ramp]
    colours = []
    for index in range(count):
        position = (0.6 if count == 1 else index / (count - 1)) * (len(stops) - 1)
        below = min(int(position), len(stops) - 2)
        part = position - below
        low, high = stops[below], stops[below + 1]
        colours.append(_from_oklab(_between(low, high, part)))
    return colours


def _between(low: _Triple, high: _Triple, part: float) -> _Triple:
    return (
        low[0] + (high[0] - low[0]) * part,
        low[1] + (high[1] - low[1]) * part,
        low[2] + (high[2] - low[2]) * part,
    )


def _to_oklab(colour: str) -> _Triple:
    """Source: Björn Ottosson, "A perceptual color space for image processing" (2020)."""
    r, g, b = (_to_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.793617785 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.428592205 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.808675766 * short,
    )


def _from_oklab(colour: _Triple) -> str:
    lightness, a, b = colour
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
    channels = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short,
    )
    return "#" + "".join(f"{round(min(max(_from_linear(channel), 0), 1) * 255):02x}" for channel in channels)


def _to_linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _from_linear(channel: float) -> float:
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * max(channel, 0.0) ** (1 / 2.4) - 0.055
