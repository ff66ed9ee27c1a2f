"""Where a new region is: its boundary, a CRS in metres, grids, and the tiles that cover it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
from pyproj import CRS

from carbonmap.beginning.templates import Template
from carbonmap.errors import RegionError
from carbonmap.ground import MOST_CELLS
from gis.crs import LONLAT, Bounds, metric_crs, moved_bounds
from gis.errors import CrsError
from gis.found_layers import FoundLayer

KOREAN_ORIGIN = (700_000, 1_300_000)
_TILE_DEGREES = 3
_ZONE_DEGREES = 6
_LARGE_KM2 = 10_000


@dataclass(frozen=True)
class Chosen:
    """Something proposed, and why."""

    value: str
    why: str


def union_of(boxes: Sequence[Bounds]) -> Bounds | None:
    """The box around boxes; None around none."""
    if not boxes:
        return None
    array = np.array(boxes)
    return (*array[:, :2].min(axis=0).tolist(), *array[:, 2:].max(axis=0).tolist())


def meets(one: Bounds, other: Bounds) -> bool:
    """Whether two boxes share ground."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def covers(outer: Bounds, inner: Bounds, slack: float = 0.02) -> bool:
    """Whether a box reaches around another, but for a fraction of the inner one's sides."""
    dx, dy = slack * (inner[2] - inner[0]), slack * (inner[3] - inner[1])
    return (
        outer[0] <= inner[0] + dx
        and outer[1] <= inner[1] + dy
        and outer[2] >= inner[2] - dx
        and outer[3] >= inner[3] - dy
    )


def utm_zone(lonlat: Bounds) -> str:
    """EPSG code of the UTM zone that holds the middle of a place; 32N and its exceptions are not looked at."""
    x, y = (lonlat[0] + lonlat[2]) / 2, (lonlat[1] + lonlat[3]) / 2
    number = min(int((x + 180) // _ZONE_DEGREES) + 1, 60)
    return f"EPSG:{(32600 if y >= 0 else 32700) + number}"


def proposed_crs(lonlat: Bounds, template: Template, layers: Sequence[FoundLayer], wanted: str | None) -> Chosen:
    """A projected CRS in metres for a place: the one wanted, the template's, that of a raster or of most files, or UTM.

    Raises:
        RegionError: what is wanted is no such CRS.
    """
    if wanted is not None:
        try:
            metric_crs(wanted, "--crs")
        except CrsError as problem:
            raise RegionError(str(problem)) from None
        return Chosen(wanted, "as asked for")
    for code in template.crs:
        if _holds(code, lonlat):
            return Chosen(
                code, f"{CRS.from_user_input(code).name}; the template {template.id} proposes it for this place"
            )
    here = [layer for layer in layers if layer.metric and layer.lonlat is not None and meets(layer.lonlat, lonlat)]
    here.sort(key=lambda layer: layer.kind != "raster")  # pixels that need no turning stay squares
    for layer in here:
        if layer.crs.startswith("EPSG:") and _holds(layer.crs, lonlat):
            return Chosen(layer.crs, f"{CRS.from_user_input(layer.crs).name}, as {layer.file} has it")
    code = utm_zone(lonlat)
    why = f"{CRS.from_user_input(code).name}: the UTM zone of the middle of the place"
    beyond = max(abs(edge - _middle_of(code)) for edge in (lonlat[0], lonlat[2])) - _ZONE_DEGREES / 2
    if beyond > 0.5:
        why += (
            f"; it reaches {beyond:.1f} degrees beyond the zone, so a CRS of the whole country would be better (--crs)"
        )
    return Chosen(code, why)


def _middle_of(utm: str) -> float:
    return (int(utm[-2:]) - 1) * _ZONE_DEGREES - 180 + _ZONE_DEGREES / 2


def _holds(code: str, lonlat: Bounds) -> bool:
    """Whether the middle of a place lies where a CRS is meant for."""
    area = CRS.from_user_input(code).area_of_use
    x, y = (lonlat[0] + lonlat[2]) / 2, (lonlat[1] + lonlat[3]) / 2
    return area is None or (area.west <= x <= area.east and area.south <= y <= area.north)


def inner_bounds(lonlat: Bounds, crs: str) -> tuple[int, int, int, int]:
    """The largest box in whole metres of a CRS that lies within one of degrees."""
    west, south, east, north = lonlat
    transformer = pyproj.Transformer.from_crs(LONLAT, metric_crs(crs), always_xy=True)
    along = np.linspace(0, 1, 21)
    x_west, _ = transformer.transform(np.full(21, west), south + along * (north - south))
    x_east, _ = transformer.transform(np.full(21, east), south + along * (north - south))
    _, y_south = transformer.transform(west + along * (east - west), np.full(21, south))
    _, y_north = transformer.transform(west + along * (east - west), np.full(21, north))
    return math.ceil(max(x_west)), math.ceil(max(y_south)), math.floor(min(x_east)), math.floor(min(y_north))


def square_km(lonlat: Bounds, crs: str) -> float:
    """Area of the box around a place in a CRS, km2: more than the place has."""
    west, south, east, north = moved_bounds(lonlat, LONLAT, metric_crs(crs))
    return (east - west) * (north - south) / 1e6


def proposed_sizes(km2: float) -> tuple[list[int], str]:
    """Cell sizes that a machine holds on so much ground, and why."""
    sizes = [1000, 500, 100]
    while km2 * 1e6 / sizes[-1] ** 2 > MOST_CELLS and len(sizes) > 1:
        sizes.pop()
    return sizes, f"up to {km2 * 1e6 / sizes[-1] ** 2:,.0f} cells of {sizes[-1]} m" + (
        "" if len(sizes) == 3 else "; 100 m would be more than one machine holds"
    )


def hexagon_resolution(km2: float) -> int:
    """H3 resolution of some hundred to some ten thousand hexagons."""
    return 7 if km2 > _LARGE_KM2 else 8 if km2 > 20 else 9


def tile_names(lonlat: Bounds, pattern: str) -> list[str]:
    """Names of the 3 x 3 degree tiles that meet a place; `{tile}` is the south-western corner, N39E066."""
    names = []
    for south in range(_floor(lonlat[1]), math.ceil(lonlat[3]), _TILE_DEGREES):
        for west in range(_floor(lonlat[0]), math.ceil(lonlat[2]), _TILE_DEGREES):
            corner = f"{'N' if south >= 0 else 'S'}{abs(south):02d}{'E' if west >= 0 else 'W'}{abs(west):03d}"
            names.append(pattern.format(tile=corner))
    return names


def _floor(degrees: float) -> int:
    return math.floor(degrees / _TILE_DEGREES) * _TILE_DEGREES
