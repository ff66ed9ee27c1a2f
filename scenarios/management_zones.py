"""Carbon-intensive management zones of a state: from emissions per cell to candidates along the borders of zones.

What the pieces do one by one (`hotspots`, `top_decile`, `designation`) is put together here for one question: which of
these zones should be managed first, how sure is that, and what could they save?
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_array, csr_array
from shapely.geometry.base import BaseGeometry

from scenarios.designation import FEWEST_CELLS, Candidate, candidate_zones
from scenarios.frame import FloatArray
from scenarios.hotspots import HotSpots, Stability, hot_spot_stability, hot_spots
from scenarios.neighbours import cells_within, touching_cells
from scenarios.samples import relative_errors
from scenarios.shares import area_shares
from scenarios.state import HECTARE_M2, SECTORS, State
from scenarios.top_decile import DECILE, top_probability
from scenarios.where_errors import InvalidCells

EMITTING = ("buildings", "transport")
_BANDS = (1.5, 2.0, 3.0)  # sides of a cell: its eight neighbours, twelve, twenty-eight
_TOUCH_M = 1.0  # zones nearer than this share a border; what is drawn twice seldom meets to the millimetre


@dataclass(frozen=True, eq=False)
class ManagementZones:
    """Where to act.

    Attributes:
        sectors: whose emissions count.
        intensity: (n,) tCO2e/ha and year of the cells that count; NaN where a sector is unknown.
        cells: hot and cold spots.
        probability: (n,) that a cell truly is among the top tenth.
        stability: over bands (and years, where several are given).
        shares: (zones, n) of each cell.
        candidates: sets of zones that touch, those with the most emissions first; positions are those of the zones.
    """

    sectors: tuple[str, ...]
    intensity: FloatArray
    cells: HotSpots
    probability: FloatArray
    stability: Stability
    shares: csr_array
    candidates: list[Candidate]


def management_zones(
    state: State,
    polygons: Sequence[BaseGeometry],
    *,
    sectors: Sequence[str] = EMITTING,
    years: Sequence[State] = (),
    band_m: float | None = None,
    false_discovery_rate: float = 0.05,
    fewest_cells: int = FEWEST_CELLS,
    top_share: float = DECILE,
    samples: int = 1000,
    seed: int = 0,
    saved_tco2e: FloatArray | None = None,
) -> ManagementZones:
    """Find hot cells and the zones that answer them.

    Args:
        state: whose emissions, with what is known of their errors.
        polygons: of zones that share no ground, in the state's CRS.
        sectors: whose emissions are added up; removals of forests are no emissions of a place, so it is left out.
        years: states of the same cells in other years, for stability.
        band_m: cells whose centres are nearer are neighbours; those that touch if None.
        false_discovery_rate: of hot cells.
        fewest_cells: of a cluster.
        top_share: what counts as the top.
        samples: of the probability.
        seed: equal seeds give equal probabilities.
        saved_tco2e: (n,) what a programme of measures saves in each cell, tCO2e a year: zones are told their part.

    Raises:
        InvalidCells: too few cells, no zone, an unknown sector, another year with other cells, or zones that overlap.
    """
    _check(state, polygons, sectors, years, saved_tco2e)
    row, col = state.ids()
    near = touching_cells(row, col) if band_m is None else _within(state, band_m)
    intensity = _intensity(state, sectors)
    found = hot_spots(intensity, near, false_discovery_rate=false_discovery_rate)
    own, loadings = _errors(state, sectors)
    probability = top_probability(intensity, own, loadings, share=top_share, samples=samples, seed=seed)
    bands = {side * state.frame.size_m: _within(state, side * state.frame.size_m) for side in _BANDS}
    every = np.stack([_intensity(each, sectors) for each in (*years, state)])
    stability = hot_spot_stability(every, bands, false_discovery_rate=false_discovery_rate)
    shares = area_shares(state, polygons)
    tonnes = np.sum([state.sector_tco2e(sector) for sector in sectors], axis=0)
    candidates = candidate_zones(
        found.hot,
        touching_cells(row, col),
        shares,
        touching_zones(polygons),
        np.full(state.cells, state.frame.size_m**2 / HECTARE_M2),
        np.array([polygon.area for polygon in polygons]) / HECTARE_M2,
        shares @ tonnes,
        fewest_cells=fewest_cells,
        probability=probability,
        savings=None if saved_tco2e is None else shares @ saved_tco2e,
    )
    return ManagementZones(tuple(sectors), intensity, found, probability, stability, shares, candidates)


def touching_zones(polygons: Sequence[BaseGeometry]) -> csr_array:
    """Zones that share a border or a corner: (zones, zones) symmetric, 1 for neighbours, nothing on the diagonal."""
    shapes = np.empty(len(polygons), dtype=object)
    shapes[:] = list(polygons)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_TOUCH_M)
    apart = first != second
    where = (first[apart], second[apart])
    return csr_array(coo_array((np.ones(int(apart.sum())), where), shape=(len(shapes), len(shapes))))


def _within(state: State, band_m: float) -> csr_array:
    x, y = np.meshgrid(*state.frame.centres())
    return cells_within(state.over(x), state.over(y), band_m)


def _intensity(state: State, sectors: Sequence[str]) -> FloatArray:
    """(n,) tCO2e/ha; NaN where any of the sectors is unknown."""
    known = np.all([state.tells(sector) for sector in sectors], axis=0)
    tonnes = np.sum([state.sector_tco2e(sector) for sector in sectors], axis=0)
    area = state.over(state.area_ha)
    known &= area > 0
    return np.asarray(np.divide(tonnes, area, out=np.full(state.cells, np.nan), where=known))


def _errors(state: State, sectors: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Standard deviations of the intensity: own (n,), and shared ones (n, sectors), one error for each sector."""
    shared, own = relative_errors(state)
    area = np.maximum(state.over(state.area_ha), 1e-300)
    places = [SECTORS.index(sector) for sector in sectors]
    tonnes = np.stack([np.abs(state.sector_tco2e(sector)) for sector in sectors])
    deviations = own[places] * tonnes / area
    return np.sqrt((deviations**2).sum(axis=0)), (shared[places] * tonnes / area).T


def _check(
    state: State,
    polygons: Sequence[BaseGeometry],
    sectors: Sequence[str],
    years: Sequence[State],
    saved_tco2e: FloatArray | None,
) -> None:
    if not sectors or not set(sectors) <= set(SECTORS) or len(set(sectors)) < len(sectors):
        raise InvalidCells(f"The sectors {', '.join(sectors) or 'none'} were given; some of {', '.join(SECTORS)}, "
                           "each once, were expected.")  # fmt: skip
    if not len(polygons):
        raise InvalidCells("No zones were given; give the polygons of a zone set, of which candidates are made.")
    for other in years:
        same = other.frame == state.frame and np.array_equal(other.inside, state.inside)
        if not same:
            raise InvalidCells(
                f"The state of {other.year} has other cells than that of {state.year}; stability needs the same grid."
            )
    if saved_tco2e is not None and np.shape(saved_tco2e) != (state.cells,):
        raise InvalidCells(
            f"What is saved has the shape {np.shape(saved_tco2e)}; ({state.cells},), one value for each cell, was "
            "expected."
        )
