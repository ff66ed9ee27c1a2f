"""`carbonmap where`: which zones of an edition should be managed first, and what a programme would save there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from carbonmap.errors import RegionError
from carbonmap.place_files import FORMATS, Folder, PlaceTable, json_text, write_table
from carbonmap.progress import Progress
from carbonmap.scenario_tables import ZonePlaces, cell_places, zone_places
from grids.edition import Edition, Store
from grids.exports.labels import record, warnings_of
from grids.tables import Geometries
from scenarios.designation import Candidate
from scenarios.edition_places import grid_to_start_from, zones_by_name
from scenarios.edition_state import edition_state
from scenarios.frame import FloatArray
from scenarios.hotspots import KINDS
from scenarios.management_zones import EMITTING, ManagementZones, management_zones
from scenarios.places import area_coverage
from scenarios.result import Result
from scenarios.run import baseline_of, run
from scenarios.scenario import ROADS, Scenario
from scenarios.state import State

NOTES = {
    "hot": "dense in emissions against the rest of the same map, not too much; false discoveries are controlled "
    "against no spatial pattern at all",
    "candidates": "zones along whose borders the hot cells fit best; a proposal to look at, no designation",
    "savings": "what the programme would save if every place took it, by the zones' parts of cells",
}
_MOST_YEARS = 5


@dataclass(frozen=True, eq=False)
class Pointed:
    """Where to act, with ids and labels of the zones, and the files that say so."""

    edition: Edition
    found: ManagementZones
    zones: Sequence[str]
    labels: Sequence[str]
    programme: Result | None
    folder: Path
    names: tuple[str, ...]
    bytes: int


def where_to_act(
    store: Path,
    region: str,
    *,
    zone_set: str | None = None,
    edition: str | None = None,
    collection: str | None = None,
    year: int | None = None,
    sectors: Sequence[str] = EMITTING,
    band_m: float | None = None,
    false_discovery_rate: float = 0.05,
    programme: Scenario | None = None,
    formats: Sequence[str] = tuple(FORMATS),
    out: Path | None = None,
    progress: Progress,
) -> Pointed:
    """Find candidates for management zones and write them with the cells behind them.

    Args:
        store: folder of the editions.
        region: id of a region in it.
        zone_set: along whose borders; the set with the most zones if None.
        edition: the one served if None.
        collection: the grid to look at; the one nearest to 500 m if None.
        year: the latest if None; up to four years before it say how stable hot cells are.
        sectors: whose emissions count.
        band_m: neighbours are nearer than this; cells that touch if None.
        false_discovery_rate: of hot cells.
        programme: a scenario that says what zones could save; none if None.
        formats: some of `FORMATS`.
        out: folder to write into; `<region>-where` in the working folder if None.
        progress: told of every step.

    Raises:
        RegionError: no zone set, or a programme with measures of roads.
        ScenarioError: too few cells, or a programme that this edition cannot carry out.
        GridError: no such region or collection.
    """
    opened = Store(store).open(region, edition)
    progress.plan(4 + 2 * len(formats))
    grid = grid_to_start_from(opened, collection)
    borders = _zone_set(opened, zone_set)
    progress.step(f"reading {grid}")
    state = edition_state(opened, grid, year)
    places = zone_places(opened, state, borders)
    result = None
    if programme is not None:
        progress.step("what a programme would save")
        if any(measure.kind in ROADS for measure in programme.measures):
            raise RegionError(
                "a programme of measures that any zone may take was expected; leave measures of roads out."
            )
        result = run(baseline_of(state), programme, area_coverage(state, zones_by_name(opened, state.year)))
    progress.step("hot cells and zones")
    saved = None if result is None else -result.first.change_tco2e.sum(axis=0)
    found = management_zones(
        state, list(places.polygons), sectors=sectors, years=_years_before(opened, state), band_m=band_m,
        false_discovery_rate=false_discovery_rate, saved_tco2e=saved,
    )  # fmt: skip
    about = {
        "year": state.year,
        "zones_of": borders,
        "sectors": list(sectors),
        "false_discovery_rate": false_discovery_rate,
        "neighbours": "cells that touch" if band_m is None else f"within {band_m:g} m",
        "programme": None if programme is None else programme.model_dump(mode="json", exclude_none=True),
        "illustrative_result": any(note.illustrative for note in state.notes)
        or (result is not None and result.illustrative),
        "notes": NOTES,
    }
    with Folder(Path(f"{region}-where") if out is None else out) as folder:
        for table in (
            _candidates(found, places.columns["id"], places.polygons, about),
            _cells(opened, state, found, about),
        ):
            progress.step(table.name)
            write_table(folder, table, opened, formats)
        told = [_candidate(one, places.columns["id"]) for one in found.candidates]
        folder.write_text(
            "summary.json", json_text({**record(opened), **about, **_cells_told(found), "candidates": told})
        )
    return Pointed(
        opened, found, places.columns["id"], _labels(places), result, folder.path, tuple(folder.names), folder.bytes
    )


def where_lines(pointed: Pointed, most: int = 10) -> list[str]:
    """What was found, for the terminal."""
    found = pointed.found
    lines = [*warnings_of(pointed.edition)]
    told = _cells_told(found)
    lines.append(
        f"{pointed.edition.region.id}, edition {pointed.edition.id}: {told['hot_cells']:,} hot cells of "
        f"{told['cells']:,}; hot in two of three bands or years {told['stable_cells']:,}; agreement of bands "
        f"{told['band_agreement']:.2f}"
        + ("" if told["year_agreement"] is None else f", of years {told['year_agreement']:.2f}")
    )
    if not found.candidates:
        lines.append("  no zone stands out: no cluster of at least three hot cells")
    for place, one in enumerate(found.candidates[:most], start=1):
        saved = "" if one.savings_tco2e is None else f", could save {one.savings_tco2e:,.0f}"
        sure = "" if one.probability is None else f", in the top tenth with {one.probability:.0%}"
        names = ", ".join(pointed.labels[zone] for zone in one.zones)
        lines.append(
            f"  {place}. {names}: {one.emissions_tco2e:,.0f} tCO2e a year on {one.area_ha:,.0f} ha, "
            f"{one.hot_share:.0%} of it hot{sure}{saved}"
        )
    if len(found.candidates) > most:
        lines.append(f"  and {len(found.candidates) - most} more")
    return lines


def _labels(places: ZonePlaces) -> list[str]:
    """Name of each zone, in the first language that names it, with its id."""
    names = [values for name, values in places.columns.items() if name.startswith("name_")]
    told = [next((each for each in row if each), None) for row in zip(*names, strict=True)] if names else []
    ids = places.columns["id"]
    return [f"{name} ({one})" if name else one for one, name in zip(ids, told or [None] * len(ids), strict=True)]


def _zone_set(edition: Edition, asked: str | None) -> str:
    sets = [info for info in edition.manifest.collections if info.kind == "zones" and info.count]
    if asked is not None:
        if edition.collection(asked).kind != "zones":
            names = ", ".join(info.id for info in sets) or "none"
            raise RegionError(f"{asked!r} is no zone set; the edition's zone sets are {names}.")
        return asked
    if not sets:
        raise RegionError(f"edition {edition.id} of {edition.region.id} has no zone set along whose borders to act.")
    return max(sets, key=lambda info: (info.count, info.id)).id


def _years_before(edition: Edition, state: State) -> list[State]:
    """States of the same cells in earlier years, the latest of them; years with other cells are left out."""
    years = [year for year in edition.collection(state.collection).years if year < state.year][-_MOST_YEARS + 1 :]
    states = [edition_state(edition, state.collection, year) for year in years]
    return [one for one in states if one.frame == state.frame and np.array_equal(one.inside, state.inside)]


def _candidates(found: ManagementZones, ids: Sequence[str], polygons: Geometries, about: dict[str, Any]) -> PlaceTable:
    """The zones of candidates, a row each, with what is known of the candidate they belong to."""
    rows = [(number, one, zone) for number, one in enumerate(found.candidates, start=1) for zone in one.zones]
    columns = {
        "id": [ids[zone] for _, _, zone in rows],
        "candidate": [number for number, _, _ in rows],
        **{
            name: np.array([np.nan if getattr(one, name) is None else getattr(one, name) for _, one, _ in rows], float)
            for name in ("area_ha", "emissions_tco2e", "hot_share", "caught_share", "probability", "savings_tco2e")
        },
    }
    meanings = {
        "candidate": "number, by emissions",
        "area_ha": "ha; of the candidate",
        "emissions_tco2e": "tCO2e/yr; of the candidate",
        "hot_share": "part of its area that is hot",
        "caught_share": "part of the hot cells' area that lies inside",
        "probability": "mean probability of its hot cells to be among the top tenth",
        "savings_tco2e": "tCO2e/yr; what the programme would save there",
    }
    return PlaceTable("candidates", columns, polygons[[zone for _, _, zone in rows]], meanings, about)


def _cells(edition: Edition, state: State, found: ManagementZones, about: dict[str, Any]) -> PlaceTable:
    places = cell_places(edition, state)
    kinds = np.array(KINDS)

    def here(values: FloatArray) -> FloatArray:
        return np.asarray(values[places.order])

    columns = {
        **places.columns,
        "intensity_tco2e_ha": here(found.intensity),
        "gi_z": here(found.cells.gi_z),
        "gi_adjusted_p": here(found.cells.gi_adjusted),
        "hot": found.cells.hot[places.order],
        "cold": found.cells.cold[places.order],
        "local_moran": kinds[found.cells.kind[places.order]].tolist(),
        "probability_top": here(found.probability),
        "hot_share_of_runs": here(found.stability.share),
    }
    meanings = {
        "intensity_tco2e_ha": "tCO2e/ha/yr",
        "gi_z": "Getis-Ord Gi* as a standard score, on normal scores",
        "gi_adjusted_p": "least false-discovery rate at which the cell is significant",
        "local_moran": "significant pattern of local Moran",
        "probability_top": "probability to be truly among the top tenth",
        "hot_share_of_runs": "part of the bands and years in which it is hot",
    }
    return PlaceTable("cells", columns, places.polygons, meanings, about)


def _cells_told(found: ManagementZones) -> dict[str, Any]:
    share = found.stability.share
    return {
        "cells": int(np.isfinite(found.intensity).sum()),
        "hot_cells": int(found.cells.hot.sum()),
        "stable_cells": int((np.nan_to_num(share) >= 2 / 3).sum()),
        "bands_m": list(found.stability.bands),
        "band_agreement": found.stability.band_agreement,
        "year_agreement": found.stability.year_agreement if len(found.stability.hot) > 1 else None,
    }


def _candidate(one: Candidate, ids: Sequence[str]) -> dict[str, Any]:
    numbers = ("area_ha", "emissions_tco2e", "hot_share", "caught_share", "probability", "savings_tco2e")
    return {"zones": [ids[zone] for zone in one.zones], **{name: getattr(one, name) for name in numbers}}
