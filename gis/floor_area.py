"""Gross floor area of buildings, step by step: register, storeys, height, assumption; each step is recorded."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.assumptions import missing_message
from accounting.errors import AssumptionNotFound
from accounting.resolution import Resolver
from gis.errors import listed
from gis.measure import geodesic_area_m2

FloatArray = npt.NDArray[np.float64]

SOURCES = ("register", "levels", "height", "assumed", "unknown")
KNOWN = ("register", "levels")
"""Sources that count as knowing the floor area; the others make a value a default."""


@dataclass(frozen=True)
class FloorAreas:
    """Floor area of every building.

    Attributes:
        area_m2: (n,) gross floor area, NaN where unknown.
        source: (n,) one of `SOURCES`.
        u_own: (n,) relative standard deviation of the single building.
        u_shared: (n,) relative standard deviation of the assumption behind it, shared by all that use it.
        assumptions: (n,) ids, space separated.
        lacks_levels: (n,) unknown, but the assumption `buildings.levels` would give it.
    """

    area_m2: FloatArray
    source: npt.NDArray[np.object_]
    u_own: FloatArray
    u_shared: FloatArray
    assumptions: npt.NDArray[np.object_]
    lacks_levels: npt.NDArray[np.bool_]


def column_or_nan(features: pd.DataFrame, name: str) -> FloatArray:
    """A numeric column as float64, all NaN where the layer lacks it."""
    if name not in features.columns:
        return np.full(len(features), np.nan)
    return features[name].to_numpy(dtype=np.float64, na_value=np.nan)


def floor_areas(features: gpd.GeoDataFrame, uses: npt.NDArray[np.object_], resolver: Resolver) -> FloorAreas:
    """Gross floor area: the register's; else footprint x storeys; else x height / storey height; else assumed storeys.

    Footprints are geodesic. Storeys and heights that are not positive say nothing. A building that is a point and has
    no floor area takes the assumption `buildings.floor_area`, or stays unknown.

    Args:
        features: (n,) buildings; columns `floor_area_m2`, `levels`, `height_m` where there are any.
        uses: (n,) our uses, for assumptions by use.
        resolver: where assumptions and uncertainties come from.
    """
    n = len(features)
    footprint = geodesic_area_m2(features)
    area = np.full(n, np.nan)
    source = np.full(n, "unknown", dtype=object)
    u_own, u_shared = np.zeros(n), np.zeros(n)
    assumptions = np.full(n, "", dtype=object)
    levels, height = column_or_nan(features, "levels"), column_or_nan(features, "height_m")
    register = column_or_nan(features, "floor_area_m2")

    def fill(where: npt.NDArray[np.bool_], values: FloatArray, how: str, u: str) -> None:
        area[where], source[where], u_own[where] = values[where], how, resolver.u(f"floor_area.{u}")

    fill(register > 0, register, "register", "register")
    fill(np.isnan(area) & (levels > 0) & (footprint > 0), footprint * levels, "levels", "levels")

    for use in dict.fromkeys(uses):
        of_use = uses == use
        tall = of_use & np.isnan(area) & (height > 0) & (footprint > 0)
        names = (f"buildings.storey_height.{use}", "buildings.storey_height")
        storey = resolver.assumptions.number("m", *names) if tall.any() else None
        if storey is not None:
            # A building is at least one storey, however low.
            fill(tall, footprint * np.maximum(height / storey[0], 1.0), "height", "height")
            u_shared[tall], assumptions[tall] = storey[1].relative_sd, storey[1].id
        for unit, key, base in (("1", "levels", footprint), ("m2", "floor_area", np.ones(n))):
            is_open = of_use & np.isnan(area) & ((footprint > 0) if key == "levels" else (footprint == 0))
            names = (f"buildings.{key}.{use}", f"buildings.{key}")
            found = resolver.assumptions.number(unit, *names) if is_open.any() else None
            if found is not None:
                fill(is_open, base * found[0], "assumed", "assumed")
                u_shared[is_open], assumptions[is_open] = found[1].relative_sd, found[1].id
    lacks_levels = np.isnan(area) & (footprint > 0) & (uses != "unheated")
    return FloorAreas(area, source, u_own, u_shared, assumptions, lacks_levels)


def require_floor_areas(areas: FloorAreas, uses: npt.NDArray[np.object_], needed: npt.NDArray[np.bool_]) -> None:
    """Stop where buildings that have to be modelled lack what one assumption would give.

    Raises:
        AssumptionNotFound: names the uses concerned, how many buildings, and the assumption.
    """
    lacking = areas.lacks_levels & needed
    if lacking.any():
        names, counts = np.unique(uses[lacking].astype(str), return_counts=True)
        listing = listed(f"{name} ({count})" for name, count in zip(names, counts, strict=True))
        why = f"Buildings have neither floor area, storeys nor a height that can be turned into storeys: {listing}."
        raise AssumptionNotFound(missing_message(("buildings.levels", f"buildings.levels.{names[0]}"), "1", why))
