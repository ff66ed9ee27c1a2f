"""Where to act on an edition: one question with one vocabulary, as the command and the process ask it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from grids.edition import Edition
from grids.tables import Geometries
from scenarios.designation import FEWEST_CELLS, Candidate
from scenarios.errors import InvalidScenario
from scenarios.hotspots import KINDS
from scenarios.management_zones import EMITTING, ManagementZones, management_zones
from scenarios.result import Result
from scenarios.scenario import FORMS, ROADS, Scenario
from scenarios.state import SECTORS, State
from scenarios.where_errors import InvalidCells

MOST_ZONES = 20_000
MOST_NEIGHBOURS = 200
"""Cells within a band: a wider one tells of the region rather than of a place, and takes long."""
MOST_YEARS = 5
"""Of those that tell how stable hot cells are, where none are named."""
NOTES = {
    "hot": "dense against the rest of the same map, beyond chance (Getis-Ord Gi* on normal scores of ranks); not too "
    "much, and no judgement",
    "false_discoveries": "controlled (Benjamini & Hochberg) against no spatial pattern at all: a city centre is a "
    "discovery",
    "top_probability": "how probable it is that the cell truly is among the top tenth, given the published deviations",
    "held": "protected (held) cells count with the value that is published for them",
    "savings": "what the scenario's measures, taken everywhere, would save in the zones; not a forecast",
}
TOLD = ("area_ha", "emissions_tco2e", "hot_share", "caught_share", "probability", "savings_tco2e")
"""What is told of a candidate."""
_MEANT = {"emissions": EMITTING, "net": SECTORS, **{sector: (sector,) for sector in SECTORS}}


@dataclass(frozen=True)
class WhereQuestion:
    """What is asked.

    Attributes:
        zones: collection that candidates are made of; the zone set with the most zones if None.
        sectors: whose tonnes per hectare count, added up: `emissions` of all that emit, `net` of removals, or sectors.
        years: others that tell how stable hot cells are; those before with the same cells, four at most, if None.
        band_m: who is a neighbour; those that touch if None.
        false_discovery_rate: expected part of false hot cells.
        fewest_cells: of a cluster.
        smallest_ha: of a candidate.
        samples: for the probability to be among the top tenth.
        savings: a scenario of sector measures: what zones would save by them.
    """

    zones: str | None = None
    sectors: tuple[str, ...] = ("emissions",)
    years: tuple[int, ...] | None = None
    band_m: float | None = None
    false_discovery_rate: float = 0.05
    fewest_cells: int = FEWEST_CELLS
    smallest_ha: float = 0.0
    samples: int = 1000
    savings: Scenario | None = None


@dataclass(frozen=True, eq=False)
class WhereAnswer:
    """What was found.

    Attributes:
        state: whose cells.
        years: that stability is told of, the state's own last.
        zones: collection of the candidates' zones.
        rows, polygons: of these zones.
        found: cells, and all candidates.
        candidates: those that are large enough.
        programme: the run of what zones could save; None if nothing was asked.
    """

    state: State
    years: tuple[int, ...]
    zones: str
    rows: pa.Table
    polygons: Geometries
    found: ManagementZones
    candidates: list[Candidate]
    programme: Result | None

    def cell_columns(self) -> dict[str, Any]:
        """What is told of each cell (n,), in the order of the state's cells."""
        cells = self.found.cells
        return {
            "intensity_t_ha": self.found.intensity,
            "gi_z": cells.gi_z,
            "gi_adjusted_p": cells.gi_adjusted,
            "spot": np.where(cells.hot, "hot", np.where(cells.cold, "cold", "none")),
            "pattern": np.array(KINDS)[cells.kind],
            "top_probability": self.found.probability,
            "stability": self.found.stability.share,
        }

    def counts(self) -> dict[str, int]:
        """Of cells and candidates."""
        cells = self.found.cells
        return {
            "cells": self.state.cells,
            "known": int(np.isfinite(self.found.intensity).sum()),
            "hot": int(cells.hot.sum()),
            "cold": int(cells.cold.sum()),
            "candidates": len(self.candidates),
        }

    def stability(self) -> dict[str, Any]:
        """Over which bands and years hot cells were looked for, and how much these agree."""
        told = self.found.stability
        return {
            "bands_m": list(told.bands),
            "years": list(self.years),
            "band_agreement": told.band_agreement,
            "year_agreement": told.year_agreement,
        }


def where_to_act(
    edition: Edition,
    state: State,
    question: WhereQuestion,
    *,
    state_of: Callable[[int], State],
    run_savings: Callable[[Scenario], Result],
    tell: Callable[[str], None] = lambda _: None,
) -> WhereAnswer:
    """Find hot cells, and the zones that answer them.

    Args:
        edition: which.
        state: of one of its grids, in the year that is asked about.
        question: what is asked.
        state_of: the state of the same grid in another year.
        run_savings: runs the scenario of savings on the state.
        tell: told of each step before it is taken.

    Raises:
        InvalidCells: a zone set, band, sector or year that cannot be used. InvalidScenario: savings of forms or roads.
        CollectionNotFound, YearNotFound: no such table.
    """
    zones = _zones(edition, state, question.zones)
    _check_band(question.band_m, state.frame.size_m)
    _check_savings(question.savings)
    sectors = _sectors(state, question.sectors)
    others = _others(edition, state, question.years, state_of, tell)
    programme = None
    if question.savings is not None:
        tell("what the savings' measures do")
        programme = run_savings(question.savings)
    tell("hot cells and zones")
    rows = edition.page(zones, edition.year(zones, state.year)).rows
    polygons = edition.polygons(zones, rows)
    found = management_zones(
        state, list(polygons), sectors=sectors, years=others, band_m=question.band_m,
        false_discovery_rate=question.false_discovery_rate, fewest_cells=question.fewest_cells,
        samples=question.samples,
        saved_tco2e=None if programme is None else -programme.first.change_tco2e.sum(axis=0),
    )  # fmt: skip
    large = [one for one in found.candidates if one.area_ha >= question.smallest_ha]
    years = (*(other.year for other in others), state.year)
    return WhereAnswer(state, years, zones, rows, polygons, found, large, programme)


def _zones(edition: Edition, state: State, asked: str | None) -> str:
    """The collection whose borders candidates follow."""
    sets = [info for info in edition.manifest.collections if info.kind == "zones" and info.count]
    if asked is None:
        if not sets:
            raise InvalidCells(
                f"The edition of {edition.region.id!r} has no zone set along whose borders to act: name a collection."
            )
        return max(sets, key=lambda info: (info.count, info.id)).id
    info = edition.collection(asked)
    if info.count > MOST_ZONES or info.id == state.collection:
        raise InvalidCells(
            f"zones: {info.id!r} has {info.count} places; at most {MOST_ZONES} were expected, and others than the "
            f"cells of {state.collection!r}; the edition's zone sets are {', '.join(one.id for one in sets) or 'none'}."
        )
    return info.id


def _sectors(state: State, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The sectors that count, of which the edition tells anything."""
    unknown = [word for word in asked if word not in _MEANT]
    wanted = [sector for word in asked if word in _MEANT for sector in _MEANT[word]]
    if unknown or not wanted:
        raise InvalidCells(
            f"sector: {', '.join(unknown) or 'nothing'} was given; emissions, net, or some of {', '.join(SECTORS)} "
            "were expected."
        )
    told = tuple(name for name in SECTORS if name in wanted and state.tells(name).any())
    if not told:
        raise InvalidCells(f"sector: the edition tells nothing of {', '.join(asked)} in {state.year}.")
    return told


def _check_band(band_m: float | None, size_m: float) -> None:
    """Refuse a band that is narrower than a cell, or so wide that it tells of no place."""
    widest = size_m * np.sqrt(MOST_NEIGHBOURS / np.pi)
    if band_m is not None and not size_m <= band_m <= widest:
        raise InvalidCells(
            f"band_m: a band of {band_m:g} m was given; {size_m:g} to {widest:,.0f} m are taken on such cells."
        )


def _check_savings(savings: Scenario | None) -> None:
    """Refuse measures that move emissions between zones."""
    strange = [one.id for one in savings.measures if one.kind in FORMS | ROADS] if savings is not None else []
    if strange:
        raise InvalidScenario(
            f"savings: {', '.join(strange[:5])} changes form or roads, which moves emissions between zones; expected "
            "sector measures, such as retrofit."
        )


def _others(
    edition: Edition, state: State, asked: tuple[int, ...] | None, state_of: Callable[[int], State],
    tell: Callable[[str], None],
) -> list[State]:  # fmt: skip
    """States of the other years."""
    known = edition.collection(state.collection).years
    years = [year for year in known if year < state.year][1 - MOST_YEARS :] if asked is None else sorted(set(asked))
    found = []
    for year in years:
        if edition.year(state.collection, year) == state.year:
            continue
        tell(f"reading {year}")
        other = state_of(edition.year(state.collection, year))
        # Years that nobody named are left out where they have other cells; those that somebody did are refused.
        if asked is not None or (other.frame == state.frame and np.array_equal(other.inside, state.inside)):
            found.append(other)
    return found
