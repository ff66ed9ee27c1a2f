"""The process `where-to-act`: hot spots on an edition's cells, and candidates for management zones around them."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import shapely
from pydantic import Field

from api.answers import labels
from api.errors import InvalidParameter
from api.process_inputs import BaselineYear, Grid, Inputs, Work
from api.scenario_answers import known_list, place_features
from api.scenario_runs import Asked, grid_of, read_document
from grids.edition import Edition
from grids.places import row_polygons
from scenarios.designation import FEWEST_CELLS, Candidate
from scenarios.hotspots import KINDS
from scenarios.management_zones import EMITTING, ManagementZones, management_zones
from scenarios.result import Result
from scenarios.scenario import FORMS, ROADS
from scenarios.state import SECTORS, State

MOST_ZONES = 20_000
MOST_NEIGHBOURS = 200
"""Cells within a band: a wider one tells of the region rather than of a place, and takes long."""
NOTES = {
    "hot": "dense against the rest of the same map, beyond chance (Getis-Ord Gi* on normal scores of ranks); not too "
    "much, and no judgement",
    "false_discoveries": "controlled (Benjamini & Hochberg) against no spatial pattern at all: a city centre is a "
    "discovery",
    "top_probability": "how probable it is that the cell truly is among the top tenth, given the published deviations",
    "held": "protected (held) cells count with the value that is published for them",
    "savings": "what the scenario's measures, taken everywhere, would save in the zones; not a forecast",
}
_TOLD = ("area_ha", "emissions_tco2e", "hot_share", "caught_share", "probability", "savings_tco2e")

Sector = Literal["emissions", "net", "buildings", "transport", "forest"]
Band = Annotated[float, Field(gt=0, le=100_000)]


class WhereInputs(Inputs):
    """Where emissions are dense beyond chance, and which zones answer that."""

    zones: str = Field(max_length=64, title="Zones", description="collection that candidates are made of")
    collection: Grid = None
    year: BaselineYear = None
    sector: Sector = Field(
        default="emissions",
        title="Sector",
        description="whose tonnes per hectare count: of all that emit, net of removals, or of one sector",
    )
    band_m: Band | None = Field(
        default=None, title="Band", description="who is a neighbour, in metres; those that touch if not given"
    )
    false_discovery_rate: float = Field(
        default=0.05, gt=0, lt=1, title="False discoveries", description="expected part"
    )
    years: tuple[Annotated[int, Field(ge=1, le=9999)], ...] = Field(
        default=(), max_length=10, title="Years", description="for stability"
    )
    fewest_cells: int = Field(default=FEWEST_CELLS, ge=1, le=1000, title="Fewest cells", description="of a cluster")
    smallest_ha: float = Field(default=0.0, ge=0, title="Smallest zone", description="in hectares")
    samples: int = Field(default=1000, ge=100, le=5000, title="Samples", description="for the top tenth")
    savings: dict[str, Any] | None = Field(
        default=None, title="Savings", description="a scenario of sector measures: what zones would save by them"
    )


def where_to_act(inputs: WhereInputs, work: Work) -> dict[str, Any]:
    """Find hot spots, and zones that answer them.

    Raises:
        InvalidParameter, ScenarioError, EditionError: inputs that cannot be used. Stopped: the job was dismissed.
    """
    edition, runs = work.edition, work.places.runs
    grid = grid_of(edition, inputs.collection)
    year = edition.year(grid, inputs.year)
    work.progress(0.02, "reads the baseline")
    state = runs.baseline(edition, grid, year).state
    info = edition.collection(inputs.zones)
    if info.count > MOST_ZONES or (info.kind == "grid" and info.id == grid):
        raise InvalidParameter(
            f"inputs.zones: {info.id!r} has {info.count} places; at most {MOST_ZONES} were expected, and "
            f"others than the cells of {grid!r}"
        )
    _check_band(inputs.band_m, state.frame.size_m)
    others = []
    for other in sorted(set(inputs.years) - {year}):
        work.progress(0.05, f"reads {other}")
        others.append(runs.baseline(edition, grid, edition.year(grid, other)).state)
    programme = None if inputs.savings is None else _programme(inputs.savings, work, grid, year)
    work.progress(0.3, "looks for hot spots and zones")
    page = edition.page(info.id, edition.year(info.id, year))
    polygons = np.asarray(edition.polygons(info.id, page.rows), dtype=object)
    found = management_zones(
        state, list(polygons), sectors=_sectors(state, inputs.sector), years=others, band_m=inputs.band_m,
        false_discovery_rate=inputs.false_discovery_rate, fewest_cells=inputs.fewest_cells, samples=inputs.samples,
        saved_tco2e=None if programme is None else -programme.first.change_tco2e.sum(axis=0),
    )  # fmt: skip
    work.progress(0.95, "tells what it found")
    candidates = [one for one in found.candidates if one.area_ha >= inputs.smallest_ha]
    return {
        **labels(edition.manifest),
        "region": edition.region.id,
        "collection": grid,
        "baseline_year": year,
        "sector": inputs.sector,
        "sectors": list(found.sectors),
        "of": info.id,
        "notes": NOTES,
        "savings_illustrative": programme is not None and programme.illustrative,
        "savings_notes": [] if programme is None else [note.record() for note in programme.notes],
        "counts": {
            "cells": state.cells,
            "known": int(np.isfinite(found.intensity).sum()),
            "hot": int(found.cells.hot.sum()),
            "cold": int(found.cells.cold.sum()),
            "candidates": len(candidates),
        },
        "stability": {
            "bands_m": list(found.stability.bands),
            "years": [*(other.year for other in others), year],
            "band_agreement": found.stability.band_agreement,
            "year_agreement": found.stability.year_agreement,
        },
        "cells": _cell_features(edition, grid, year, found),
        "zones": _zone_features(edition, page.rows, polygons, candidates),
    }


def _sectors(state: State, sector: Sector) -> tuple[str, ...]:
    """The sectors that count, of which the edition tells anything."""
    wanted = {"emissions": EMITTING, "net": SECTORS}.get(sector, (sector,))
    told = tuple(name for name in wanted if state.tells(name).any())
    if not told:
        raise InvalidParameter(f"inputs.sector: the edition tells nothing of {sector!r} in {state.year}")
    return told


def _check_band(band_m: float | None, size_m: float) -> None:
    """Refuse a band that is narrower than a cell, or so wide that it tells of no place."""
    widest = size_m * np.sqrt(MOST_NEIGHBOURS / np.pi)
    if band_m is not None and not size_m <= band_m <= widest:
        raise InvalidParameter(
            f"inputs.band_m: a band of {band_m:g} m was given; {size_m:g} to {widest:,.0f} m are taken on such cells"
        )


def _programme(document: dict[str, Any], work: Work, grid: str, year: int) -> Result:
    """What the measures of a scenario do, taken everywhere."""
    scenario = read_document(document)
    strange = [one.id for one in scenario.measures if one.kind in FORMS | ROADS]
    if strange:
        raise InvalidParameter(
            f"inputs.savings: {', '.join(strange[:5])} changes form or roads, which moves emissions between zones; "
            "expected sector measures, such as retrofit"
        )
    return work.places.runs.result(work.edition, Asked(scenario, grid, year, 0), cancelled=work.cancelled)


def _cell_features(
    edition: Edition, grid: str, year: int, zones: ManagementZones
) -> dict[str, Any]:  # fmt: skip
    """The cells that stand out, as GeoJSON."""
    found = zones.cells
    told = found.hot | found.cold | (found.kind > 0)
    page = edition.page(grid, year, ["id", "row", "col"])
    order = np.lexsort((page.rows["col"].to_numpy(), page.rows["row"].to_numpy()))  # rows as cells are ordered
    chosen = np.flatnonzero(told)
    rows = page.rows.take(order[chosen])
    spot = np.where(found.hot, "hot", np.where(found.cold, "cold", "none"))
    columns = {
        "intensity_t_ha": known_list(zones.intensity[chosen]),
        "gi_z": known_list(found.gi_z[chosen]),
        "gi_adjusted_p": known_list(found.gi_adjusted[chosen]),
        "spot": spot[chosen].tolist(),
        "pattern": [KINDS[kind] for kind in found.kind[chosen]],
        "top_probability": known_list(zones.probability[chosen]),
        "stability": known_list(zones.stability.share[chosen]),
    }
    polygons = row_polygons(edition.collection(grid), rows)
    return {
        "type": "FeatureCollection",
        "features": place_features(rows["id"].to_pylist(), polygons, edition.crs, columns),
    }


def _zone_features(
    edition: Edition, rows: Any, polygons: np.ndarray[Any, np.dtype[np.object_]], candidates: Sequence[Candidate]
) -> dict[str, Any]:
    """Candidates as GeoJSON, those with the most emissions first."""
    ids = rows["id"].to_pylist()
    names = [name for name in rows.column_names if name.startswith("name_")]
    told = {name: rows[name].to_pylist() for name in names}
    unions = np.empty(len(candidates), dtype=object)
    unions[:] = [shapely.union_all(polygons[one.zones]) for one in candidates]
    columns: dict[str, list[Any]] = {
        "rank": list(range(1, len(candidates) + 1)),
        "members": [[ids[zone] for zone in one.zones] for one in candidates],
        **{name: [[told[name][zone] for zone in one.zones] for one in candidates] for name in names},
        "hot_cells": [len(one.cells) for one in candidates],
        **{name: [getattr(one, name) for one in candidates] for name in _TOLD},
    }
    features = place_features([f"zone-{rank}" for rank in columns["rank"]], unions, edition.crs, columns)
    return {"type": "FeatureCollection", "features": features}
