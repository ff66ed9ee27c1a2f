"""Carbon-intensive management zones: hot cells gathered into candidates that follow administrative or zoning borders.

Significant cells that hang together are a cluster. Of the zones (legal dongs, zoning districts) a cluster is given
those whose union fits it best: the union U of the largest Jaccard index, weight(U and cluster) / weight(U or cluster).
A zone belongs to it exactly if its weight inside the cluster is more than that index times its weight outside
(Dinkelbach, On Nonlinear Fractional Programming, Management Science 13, 1967), so there is no threshold to choose.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from scenarios.options import BoolArray, FloatArray, IntArray
from scenarios.where_errors import InvalidCells

Savings = Callable[[IntArray], float]

FEWEST_CELLS = 3
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Candidate:
    """A contiguous set of zones that may be designated.

    Attributes:
        zones: positions of its zones, ascending.
        cells: positions of the hot cells it answers.
        area_ha: of its zones.
        emissions_tco2e: of its zones per year.
        hot_share: part of its area that is hot (precision).
        caught_share: part of the hot cells' area that lies inside (recall).
        probability: mean probability, by area of its hot cells, to be among the top; None if not given.
        savings_tco2e: what it could save per year; None if not given.
    """

    zones: IntArray
    cells: IntArray
    area_ha: float
    emissions_tco2e: float
    hot_share: float
    caught_share: float
    probability: float | None
    savings_tco2e: float | None


def clusters(hot: BoolArray, neighbours: csr_array, *, fewest_cells: int = FEWEST_CELLS) -> IntArray:
    """Hot cells that hang together.

    Args:
        hot: (n,) which cells are significant.
        neighbours: (n, n) of cells that touch.
        fewest_cells: smaller clusters are left out (METHODS H).

    Returns:
        (n,) number of each cell's cluster, from 0 in the order of their first cells; -1 for none.

    Raises:
        InvalidCells: shapes that differ.
    """
    hot = np.asarray(hot, bool)
    if hot.ndim != 1 or neighbours.shape != (hot.size, hot.size):
        raise InvalidCells(
            f"Hot cells have the shape {hot.shape}, neighbours {neighbours.shape}; (n,) and (n, n) were expected."
        )
    cells = np.flatnonzero(hot)
    label = np.full(hot.size, -1, np.int64)
    if not cells.size:
        return label
    count, found = connected_components(neighbours[cells][:, cells], directed=False)
    large = np.bincount(found, minlength=count) >= fewest_cells
    number = np.where(large, np.cumsum(large) - 1, -1)
    label[cells] = number[found]
    return label


def candidate_zones(
    hot: BoolArray,
    cell_neighbours: csr_array,
    shares: csr_array,
    zone_neighbours: csr_array,
    cell_area_ha: FloatArray,
    zone_area_ha: FloatArray,
    zone_emissions_tco2e: FloatArray,
    *,
    fewest_cells: int = FEWEST_CELLS,
    smallest_ha: float = 0.0,
    probability: FloatArray | None = None,
    savings: Savings | ArrayLike | None = None,
) -> list[Candidate]:
    """Candidates, those with the most emissions first.

    Args:
        hot: (cells,) which are significant.
        cell_neighbours: (cells, cells) of cells that touch.
        shares: (zones, cells) fraction of each cell's area that lies in each zone.
        zone_neighbours: (zones, zones) of zones that touch.
        cell_area_ha: (cells,).
        zone_area_ha: (zones,).
        zone_emissions_tco2e: (zones,) per year.
        fewest_cells: of a cluster.
        smallest_ha: smaller candidates are left out.
        probability: (cells,) of being among the top (`scenarios.top_decile`).
        savings: what zones could save per year: (zones,) tCO2e, or asked for the zones of each candidate.

    Returns:
        Contiguous by `zone_neighbours`, without a zone in common. Clusters whose zones touch are one candidate; a
        cluster whose zones do not hang together makes several.

    Raises:
        InvalidCells: shapes that differ, or shares that give a cell away more than once.
    """
    _check(hot, shares, zone_neighbours, cell_area_ha, zone_area_ha, zone_emissions_tco2e)
    label = clusters(hot, cell_neighbours, fewest_cells=fewest_cells)
    zones = shares.shape[0]
    taken = np.zeros(zones, bool)
    for number in range(int(label.max(initial=-1)) + 1):
        inside = shares @ np.where(label == number, cell_area_ha, 0.0)
        taken |= best_fit(inside, zone_area_ha, float(cell_area_ha[label == number].sum()))
    places = np.flatnonzero(taken)
    if not places.size:
        return []
    count, part = connected_components(zone_neighbours[places][:, places], directed=False)
    clustered = np.where(label >= 0, cell_area_ha, 0.0)
    made = [
        _candidate(
            places[part == number],
            label,
            shares,
            clustered,
            cell_area_ha,
            zone_area_ha,
            zone_emissions_tco2e,
            probability,
            savings,
        )
        for number in range(count)
    ]
    kept = [candidate for candidate in made if candidate.area_ha >= smallest_ha]
    return sorted(kept, key=lambda candidate: (-candidate.emissions_tco2e, int(candidate.zones[0])))


def best_fit(inside: FloatArray, area: FloatArray, whole: float) -> BoolArray:
    """The zones whose union has the largest Jaccard index with a cluster.

    Args:
        inside: (zones,) area of each zone inside the cluster.
        area: (zones,) area of each zone.
        whole: area of the cluster.

    Returns:
        (zones,) which; none if the cluster lies in no zone.
    """
    index = 0.0
    while True:
        chosen: BoolArray = (inside > 0) & (inside > index * (area - inside) * (1 + _ROUNDING))
        union = whole + float((area - inside)[chosen].sum())
        better = float(inside[chosen].sum()) / union if union > 0 else 0.0
        if better <= index * (1 + _ROUNDING):
            return chosen
        index = better


def _candidate(
    zones: IntArray,
    label: NDArray[np.int64],
    shares: csr_array,
    clustered: FloatArray,
    cell_area_ha: FloatArray,
    zone_area_ha: FloatArray,
    zone_emissions_tco2e: FloatArray,
    probability: FloatArray | None,
    savings: Savings | ArrayLike | None,
) -> Candidate:
    within = np.asarray(shares[zones].sum(axis=0)).ravel()
    met = np.unique(label[(within > 0) & (label >= 0)])
    # The clusters it answers are those it covers half of at least one cell of; touching one by a sliver is no answer.
    met = met[[bool((within[label == number] >= 0.5).any()) for number in met]] if met.size else met
    answered = np.isin(label, met) & (label >= 0)
    cells = np.flatnonzero(answered)
    area, hot_area = float(zone_area_ha[zones].sum()), float(cell_area_ha[cells].sum())
    weight = within * clustered
    mean = None
    if probability is not None:
        known = np.isfinite(probability) & (weight > 0)
        mean = float(np.average(probability[known], weights=weight[known])) if known.any() else None
    saved = None
    if savings is not None:
        saved = float(savings(zones)) if callable(savings) else float(np.asarray(savings, np.float64)[zones].sum())
    return Candidate(
        zones=zones,
        cells=cells,
        area_ha=area,
        emissions_tco2e=float(zone_emissions_tco2e[zones].sum()),
        hot_share=float(weight.sum()) / area if area > 0 else 0.0,
        caught_share=float((within * cell_area_ha)[cells].sum()) / hot_area if hot_area > 0 else 0.0,
        probability=mean,
        savings_tco2e=saved,
    )


def _check(
    hot: BoolArray,
    shares: csr_array,
    zone_neighbours: csr_array,
    cell_area_ha: FloatArray,
    zone_area_ha: FloatArray,
    zone_emissions_tco2e: FloatArray,
) -> None:
    zones, cells = shares.shape
    given = {
        "hot": (np.shape(hot), (cells,)),
        "cell_area_ha": (np.shape(cell_area_ha), (cells,)),
        "zone_area_ha": (np.shape(zone_area_ha), (zones,)),
        "zone_emissions_tco2e": (np.shape(zone_emissions_tco2e), (zones,)),
        "zone_neighbours": (zone_neighbours.shape, (zones, zones)),
    }
    for name, (has, wanted) in given.items():
        if has != wanted:
            raise InvalidCells(
                f"{name} has the shape {has}; {wanted} was expected, because shares are of {zones} zones and {cells} "
                "cells."
            )
    of_cell = np.asarray(shares.sum(axis=0)).ravel()
    if (shares.data < 0).any() or (of_cell > 1 + 1e-6).any():
        worst = int(of_cell.argmax())
        raise InvalidCells(
            f"The shares of cell {worst} add up to {of_cell[worst]:g}; none below 0 and at most 1 together was "
            "expected. Give the zones of one zone set, which do not overlap."
        )
