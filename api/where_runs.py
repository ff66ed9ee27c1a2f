"""The process `where-to-act`: hot spots on an edition's cells, and candidates for management zones around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import shapely
from pydantic import Field
from scipy.sparse import csr_array

from api.answers import labels
from api.errors import InvalidParameter
from api.process_inputs import BaselineYear, Grid, Inputs, Work
from api.scenario_answers import known_list, place_features
from api.scenario_runs import Asked, grid_to_start_from, read_document
from grids.edition import Edition
from grids.places import row_polygons
from scenarios.designation import FEWEST_CELLS, Candidate, candidate_zones
from scenarios.frame import BoolArray, FloatArray, IntArray
from scenarios.hotspots import KINDS, HotSpots, Stability, hot_spot_stability, hot_spots
from scenarios.neighbours import cells_within, touching_cells
from scenarios.samples import relative_errors
from scenarios.scenario import FORMS, ROADS
from scenarios.shares import area_shares
from scenarios.state import SECTORS, State
from scenarios.top_decile import top_probability

MOST_ZONES = 20_000
MOST_NEIGHBOURS = 200
"""Cells within a band: a wider one tells of the region rather than of a place, and takes long."""
MOST_RUNS = 25
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

Sector = Literal["net", "buildings", "transport", "forest"]
Band = Annotated[float, Field(gt=0, le=100_000)]


class WhereInputs(Inputs):
    """Where emissions are dense beyond chance, and which zones answer that."""

    zones: str = Field(max_length=64, title="Zones", description="collection that candidates are made of")
    collection: Grid = None
    year: BaselineYear = None
    sector: Sector = Field(default="net", title="Sector", description="whose emissions per hectare count")
    band_m: Band | None = Field(
        default=None, title="Band", description="who is a neighbour, in metres; those that touch if not given"
    )
    false_discovery_rate: float = Field(
        default=0.05, gt=0, lt=1, title="False discoveries", description="expected part"
    )
    bands_m: tuple[Band, ...] = Field(default=(), max_length=5, title="Bands", description="for stability")
    years: tuple[Annotated[int, Field(ge=1, le=9999)], ...] = Field(
        default=(), max_length=10, title="Years", description="for stability"
    )
    fewest_cells: int = Field(default=FEWEST_CELLS, ge=1, le=1000, title="Fewest cells", description="of a cluster")
    smallest_ha: float = Field(default=0.0, ge=0, title="Smallest zone", description="in hectares")
    samples: int = Field(default=1000, ge=100, le=5000, title="Samples", description="for the top tenth")
    savings: dict[str, Any] | None = Field(
        default=None, title="Savings", description="a scenario of sector measures: what zones would save by them"
    )


@dataclass(frozen=True, eq=False)
class _Cells:
    """The cells that count, in the order of the state: where they are, and what the sectors that count emit there."""

    state: State
    told: tuple[str, ...]
    row: IntArray
    col: IntArray
    area_ha: FloatArray
    tco2e: FloatArray

    @property
    def intensity(self) -> FloatArray:
        """(n,) t/ha; NaN where unknown."""
        unknown = np.full(len(self.row), np.nan)
        return np.asarray(np.divide(self.tco2e, self.area_ha, out=unknown, where=self.area_ha > 0))

    def near(self, band_m: float | None) -> csr_array:
        """(n, n) neighbours of each.

        Raises:
            InvalidParameter: a band that is narrower than a cell, or so wide that it tells of no place.
        """
        if band_m is None:
            return touching_cells(self.row, self.col)
        size = self.state.frame.size_m
        within = np.pi * (band_m / size) ** 2
        if band_m < size or within > MOST_NEIGHBOURS:
            widest = size * np.sqrt(MOST_NEIGHBOURS / np.pi)
            raise InvalidParameter(
                f"inputs: a band of {band_m:g} m was given; {size:g} to {widest:,.0f} m are taken on such cells"
            )
        return cells_within(size * self.col.astype(np.float64), size * self.row.astype(np.float64), band_m)


def where_to_act(inputs: WhereInputs, work: Work) -> dict[str, Any]:
    """Find hot spots, and zones that answer them.

    Raises:
        InvalidParameter, ScenarioError, EditionError: inputs that cannot be used. Stopped: the job was dismissed.
    """
    edition = work.edition
    grid = grid_to_start_from(edition, inputs.collection)
    year = edition.year(grid, inputs.year)
    work.progress(0.02, "reads the baseline")
    state = work.places.runs.baseline(edition, grid, year).state
    cells = _cells(state, inputs.sector)
    info = edition.collection(inputs.zones)
    if info.count > MOST_ZONES or (info.kind == "grid" and info.id == grid):
        raise InvalidParameter(
            f"inputs.zones: {info.id!r} has {info.count} places; at most {MOST_ZONES} were expected, and "
            f"others than the cells of {grid!r}"
        )
    work.progress(0.1, "looks for hot spots")
    near = cells.near(inputs.band_m)
    found = hot_spots(cells.intensity, near, false_discovery_rate=inputs.false_discovery_rate)
    work.progress(0.4, "asks how sure that is")
    top = _top(cells, inputs)
    work.progress(0.5, "compares bands and years")
    stability = _stability(edition, inputs, grid, cells, near, work)
    work.progress(0.8, "gathers zones")
    page = edition.page(info.id, edition.year(info.id, year))
    polygons = np.asarray(edition.polygons(info.id, page.rows), dtype=object)
    shares = area_shares(state, list(polygons))
    candidates = candidate_zones(
        found.hot, touching_cells(cells.row, cells.col), _at_most_whole(shares), _touching(polygons), cells.area_ha,
        np.asarray(page.rows["area_ha"].to_numpy(), np.float64), shares @ np.nan_to_num(cells.tco2e),
        fewest_cells=inputs.fewest_cells, smallest_ha=inputs.smallest_ha, probability=top,
        savings=None if inputs.savings is None else _savings(inputs.savings, work, grid, year, shares),
    )  # fmt: skip
    return {
        **labels(edition.manifest),
        "region": edition.region.id,
        "collection": grid,
        "baseline_year": year,
        "sector": inputs.sector,
        "of": info.id,
        "notes": NOTES,
        "counts": {
            "cells": state.cells,
            "known": int(np.isfinite(cells.intensity).sum()),
            "hot": int(found.hot.sum()),
            "cold": int(found.cold.sum()),
            "candidates": len(candidates),
        },
        "stability": None if stability is None else _stable(stability, inputs),
        "cells": _cell_features(edition, grid, year, cells, found, top, stability),
        "zones": _zone_features(edition, page.rows, polygons, candidates),
    }


def _cells(state: State, sector: Sector) -> _Cells:
    row, col = state.ids()
    told = tuple(name for name in SECTORS if sector in ("net", name) and state.tells(name).any())
    if not told:
        raise InvalidParameter(f"inputs.sector: the edition tells nothing of {sector!r} in {state.year}")
    tco2e = np.sum([np.where(state.tells(name), state.sector_tco2e(name), np.nan) for name in told], axis=0)
    return _Cells(state, told, row, col, state.over(state.area_ha), np.asarray(tco2e))


def _top(cells: _Cells, inputs: WhereInputs) -> FloatArray:
    """(n,) probability to be among the top tenth: own errors drawn for each cell, each sector's shared one once."""
    shared, own = relative_errors(cells.state)
    told = [place for place, name in enumerate(SECTORS) if name in cells.told]
    size = np.stack([np.abs(cells.state.sector_tco2e(SECTORS[place])) for place in told])
    per_ha = np.divide(1.0, cells.area_ha, out=np.zeros_like(cells.area_ha), where=cells.area_ha > 0)
    own_sd = np.sqrt(((own[told] * size) ** 2).sum(axis=0)) * per_ha
    return top_probability(cells.intensity, own_sd, (shared[told] * size * per_ha).T, samples=inputs.samples)


def _stability(
    edition: Edition, inputs: WhereInputs, grid: str, cells: _Cells, near: csr_array, work: Work
) -> Stability | None:
    """Hot spots of all bands and years asked for; None if none are."""
    if not inputs.bands_m and not inputs.years:
        return None
    size = cells.state.frame.size_m
    # Without bands, the neighbours asked for stand for the one band.
    bands = {band: cells.near(band) for band in inputs.bands_m} or {inputs.band_m or size * np.sqrt(2): near}
    years = inputs.years or (cells.state.year,)
    if len(bands) * len(years) > MOST_RUNS:
        raise InvalidParameter(f"inputs: {len(bands)} bands in {len(years)} years; at most {MOST_RUNS} runs are taken")
    key = cells.row * 2**31 + cells.col
    intensity = []
    for year in years:
        if work.cancelled():
            break
        sums = [f"{name}_tco2e" for name in cells.told]
        rows = edition.page(grid, edition.year(grid, year), ["row", "col", "area_ha", *sums]).rows
        there = rows["row"].to_numpy().astype(np.int64) * 2**31 + rows["col"].to_numpy()
        order = np.argsort(there)
        place = np.minimum(np.searchsorted(there[order], key), len(there) - 1)
        same = there[order][place] == key
        tonnes = np.sum([rows[name].to_numpy().astype(np.float64) for name in sums], axis=0)
        values = np.asarray(tonnes / rows["area_ha"].to_numpy())
        intensity.append(np.where(same, values[order][place], np.nan))
    work.progress(0.55, "compares bands and years")
    return hot_spot_stability(np.array(intensity), bands, false_discovery_rate=inputs.false_discovery_rate)


def _savings(document: dict[str, Any], work: Work, grid: str, year: int, shares: csr_array) -> FloatArray:
    """(zones,) what the measures of a scenario, taken everywhere, save in each zone."""
    scenario = read_document(document)
    strange = [one.id for one in scenario.measures if one.kind in FORMS | ROADS]
    if strange:
        raise InvalidParameter(
            f"inputs.savings: {', '.join(strange[:5])} changes form or roads, which moves emissions between zones; "
            "expected sector measures, such as retrofit"
        )
    result = work.places.runs.result(work.edition, Asked(scenario, grid, year, 0))
    saved: FloatArray = -(shares @ result.first.change_tco2e.sum(axis=0))
    return saved


def _at_most_whole(shares: csr_array) -> csr_array:
    """Shares (zones, n) that give no cell away twice: where shapes meet, rounding may."""
    of_cell = np.asarray(shares.sum(axis=0)).ravel()
    return csr_array(shares.multiply(np.divide(1.0, of_cell, out=np.ones_like(of_cell), where=of_cell > 1)[None]))


def _touching(polygons: np.ndarray[Any, np.dtype[np.object_]]) -> csr_array:
    """(zones, zones) 1 where two share a piece of border; a corner in common is no neighbourhood."""
    first, second = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    apart = first < second
    first, second = first[apart], second[apart]
    shared = shapely.length(shapely.intersection(polygons[first], polygons[second]))
    first, second = first[shared > 0], second[shared > 0]
    found = csr_array((np.ones(len(first)), (first, second)), shape=(len(polygons), len(polygons)))
    return csr_array(found + found.T)


def _stable(stability: Stability, inputs: WhereInputs) -> dict[str, Any]:
    return {
        "bands_m": [float(band) for band in stability.bands],
        "years": list(inputs.years),
        "band_agreement": stability.band_agreement,
        "year_agreement": stability.year_agreement,
    }


def _cell_features(
    edition: Edition, grid: str, year: int, cells: _Cells, found: HotSpots, top: FloatArray,
    stability: Stability | None,
) -> dict[str, Any]:  # fmt: skip
    """The cells that stand out, as GeoJSON."""
    told: BoolArray = found.hot | found.cold | (found.kind > 0)
    page = edition.page(grid, year, ["id", "row", "col"])
    order = np.lexsort((page.rows["col"].to_numpy(), page.rows["row"].to_numpy()))  # rows as cells are ordered
    chosen = np.flatnonzero(told)
    rows = page.rows.take(order[chosen])
    spot = np.where(found.hot, "hot", np.where(found.cold, "cold", "none"))
    columns = {
        "intensity_t_ha": known_list(cells.intensity[chosen]),
        "gi_z": known_list(found.gi_z[chosen]),
        "gi_adjusted_p": known_list(found.gi_adjusted[chosen]),
        "spot": spot[chosen].tolist(),
        "pattern": [KINDS[kind] for kind in found.kind[chosen]],
        "top_probability": known_list(top[chosen]),
        "stability": [None] * len(chosen) if stability is None else known_list(stability.share[chosen]),
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
