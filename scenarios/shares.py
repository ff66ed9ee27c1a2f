"""What a result says of areas: cells added up by their shares of each area."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from shapely.geometry.base import BaseGeometry

from grids.crossings import polygon_areas
from scenarios.frame import FloatArray
from scenarios.result import Result
from scenarios.state import SECTORS, State

_ROUNDING = 1e-9


def area_shares(state: State, polygons: Sequence[BaseGeometry]) -> csr_array:
    """Share (areas, n) of each cell that counts in each of some areas, in the frame's CRS; 0 where it lies outside."""
    frame = state.frame
    size = round(frame.size_m)
    array = np.empty(len(polygons), dtype=object)
    array[:] = list(polygons)
    parts = polygon_areas(array, (round(frame.x_m), round(frame.y_m)), size)
    inside = (parts.row >= 0) & (parts.row < frame.rows) & (parts.col >= 0) & (parts.col < frame.cols)
    owner, row, col = parts.owner[inside], parts.row[inside], parts.col[inside]
    share = parts.amount[inside] / size**2
    share = np.where(share > 1 - _ROUNDING, 1.0, share)
    number = np.full(frame.shape, -1, dtype=np.int64)
    number[state.inside] = np.arange(state.cells)
    kept = (number[row, col] >= 0) & (share > _ROUNDING)
    found = (share[kept], (owner[kept], number[row, col][kept]))
    return csr_array(found, shape=(len(polygons), state.cells))


def sectors_told(state: State) -> FloatArray:
    """Emissions (sectors, n) of a state, tCO2e a year; null where the edition tells nothing of a sector."""
    return np.stack([np.where(state.tells(name), state.sector_tco2e(name), np.nan) for name in SECTORS])


def sector_change(result: Result) -> tuple[FloatArray, FloatArray]:
    """Emissions before and change (sectors, n), tCO2e a year, by the first set of elasticities; null where unknown.

    A sector of which the edition tells nothing in a cell is unknown there before; its change is what the scenario adds.
    """
    return sectors_told(result.state), result.first.change_tco2e
