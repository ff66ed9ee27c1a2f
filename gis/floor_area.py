"""Gross floor area of buildings, step by step: register, storeys, height, assumption; each step is recorded."""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from accounting.assumptions import missing_message
from accounting.errors import AssumptionNotFound
from accounting.resolution import Resolver
from gis.columns import column_or_nan
from gis.errors import listed
from gis.measure import geodesic_area_m2
from gis.uses import USES, UseCodes

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SOURCES = ("register", "levels", "height", "assumed", "unknown")
KNOWN = ("register", "levels")
"""Sources that count as knowing the floor area; the others make a value a default."""


class AreaBasis(NamedTuple):
    """How floor areas were had.

    Attributes:
        source: one of `SOURCES`.
        u_own: relative standard deviation of the single building.
        u_shared: relative standard deviation of the assumption behind it, shared by all that use it.
        assumption: its id, or empty.
    """

    source: str
    u_own: float = 0.0
    u_shared: float = 0.0
    assumption: str = ""


class FloorAreas(NamedTuple):
    """Floor area of every building.

    Attributes:
        area_m2: (n,) gross floor area, NaN where unknown.
        basis: (n,) position in `bases`.
        bases: how areas were had.
        lacks_levels: (n,) unknown, but the assumption `buildings.levels` would give it.
    """

    area_m2: FloatArray
    basis: npt.NDArray[np.int8]
    bases: list[AreaBasis]
    lacks_levels: BoolArray

    @property
    def source(self) -> npt.NDArray[np.int8]:
        """(n,) position in `SOURCES`."""
        return np.array([SOURCES.index(basis.source) for basis in self.bases], dtype=np.int8)[self.basis]


def floor_areas(
    features: gpd.GeoDataFrame | pd.DataFrame,
    uses: UseCodes,
    resolver: Resolver,
    footprint_m2: FloatArray | None = None,
) -> FloorAreas:
    """Gross floor area: the register's; else footprint x storeys; else x height / storey height; else assumed storeys.

    Footprints are geodesic. Storeys and heights that are not positive say nothing. A building that is a point and has
    no floor area takes the assumption `buildings.floor_area`, or stays unknown.

    Args:
        features: (n,) buildings; columns `floor_area_m2`, `levels`, `height_m` where there are any.
        uses: (n,) positions in `USES`, for assumptions by use.
        resolver: where assumptions and uncertainties come from.
        footprint_m2: (n,) geodesic, 0 for points; measured from the geometry if not given.
    """
    n = len(features)
    footprint = geodesic_area_m2(features) if footprint_m2 is None else footprint_m2
    area = np.full(n, np.nan)
    bases = [AreaBasis("unknown")]
    basis = np.zeros(n, dtype=np.int8)
    has_ground = footprint > 0
    levels, height = column_or_nan(features, "levels"), column_or_nan(features, "height_m")
    register = column_or_nan(features, "floor_area_m2")

    def fill(where: npt.NDArray[np.intp], values: FloatArray, how: AreaBasis) -> None:
        if len(where):
            if how not in bases:
                bases.append(how)
            area[where], basis[where] = values, bases.index(how)

    of = np.flatnonzero(register > 0)
    fill(of, register[of], AreaBasis("register", resolver.u("floor_area.register")))
    of = np.flatnonzero((basis == 0) & (levels > 0) & has_ground)
    fill(of, footprint[of] * levels[of], AreaBasis("levels", resolver.u("floor_area.levels")))

    rest = np.flatnonzero(basis == 0)
    of_use = uses[rest]
    tall = (height[rest] > 0) & has_ground[rest]
    for code in np.flatnonzero(np.bincount(of_use, minlength=len(USES))).tolist():
        use, mine = USES[code], of_use == code
        of = rest[mine & tall]
        names = (f"buildings.storey_height.{use}", "buildings.storey_height")
        storey = resolver.assumptions.number("m", *names) if len(of) else None
        if storey is not None:
            # A building is at least one storey, however low.
            how = AreaBasis("height", resolver.u("floor_area.height"), storey[1].relative_sd, storey[1].id)
            fill(of, footprint[of] * np.maximum(height[of] / storey[0], 1.0), how)
        for unit, key in (("1", "levels"), ("m2", "floor_area")):
            is_open = rest[mine & (has_ground[rest] == (key == "levels"))]
            of = is_open[basis[is_open] == 0]
            names = (f"buildings.{key}.{use}", f"buildings.{key}")
            found = resolver.assumptions.number(unit, *names) if len(of) else None
            if found is not None:
                how = AreaBasis("assumed", resolver.u("floor_area.assumed"), found[1].relative_sd, found[1].id)
                fill(of, found[0] * (footprint[of] if key == "levels" else np.ones(len(of))), how)
    lacks_levels = (basis == 0) & has_ground & (uses != USES.index("unheated"))
    return FloorAreas(area, basis, bases, lacks_levels)


def require_floor_areas(areas: FloorAreas, uses: UseCodes, needed: BoolArray) -> None:
    """Stop where buildings that have to be modelled lack what one assumption would give.

    Raises:
        AssumptionNotFound: names the uses concerned, how many buildings, and the assumption.
    """
    lacking = areas.lacks_levels & needed
    if lacking.any():
        counts = np.bincount(uses[lacking], minlength=len(USES))
        names = sorted(USES[code] for code in np.flatnonzero(counts))
        listing = listed(f"{name} ({counts[USES.index(name)]})" for name in names)
        why = f"Buildings have neither floor area, storeys nor a height that can be turned into storeys: {listing}."
        raise AssumptionNotFound(missing_message(("buildings.levels", f"buildings.levels.{names[0]}"), "1", why))
