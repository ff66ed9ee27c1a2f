"""`carbonmap where`: which zones of an edition should be managed first, and what a programme would save there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from carbonmap.place_files import FORMATS, Folder, PlaceTable, json_text, write_table
from carbonmap.progress import Progress
from carbonmap.scenario_tables import cell_places
from grids.edition import Edition, Store
from grids.exports.labels import record, warnings_of
from scenarios import edition_where
from scenarios.designation import Candidate
from scenarios.edition_places import grid_to_start_from, zones_by_name
from scenarios.edition_state import edition_state
from scenarios.edition_where import NOTES, TOLD, WhereAnswer, WhereQuestion
from scenarios.places import area_coverage
from scenarios.result import Result
from scenarios.run import baseline_of, run
from scenarios.scenario import Scenario


@dataclass(frozen=True, eq=False)
class Pointed:
    """Where to act, with ids and labels of the zones, and the files that say so."""

    edition: Edition
    answer: WhereAnswer
    zones: Sequence[str]
    labels: Sequence[str]
    folder: Path
    names: tuple[str, ...]
    bytes: int


def where_to_act(
    store: Path,
    region: str,
    question: WhereQuestion,
    *,
    edition: str | None = None,
    collection: str | None = None,
    year: int | None = None,
    formats: Sequence[str] = tuple(FORMATS),
    out: Path | None = None,
    progress: Progress,
) -> Pointed:
    """Find candidates for management zones and write them with the cells behind them.

    Args:
        store: folder of the editions.
        region: id of a region in it.
        question: what is asked, as the process `where-to-act` asks it.
        edition: the one served if None.
        collection: the grid to look at; the one nearest to 500 m if None.
        year: the latest if None.
        formats: some of `FORMATS`.
        out: folder to write into; `<region>-where` in the working folder if None.
        progress: told of every step.

    Raises:
        ScenarioError: too few cells, or a question that this edition cannot answer.
        GridError: no such region or collection.
    """
    opened = Store(store).open(region, edition)
    progress.plan(4 + 2 * len(formats))
    grid = grid_to_start_from(opened, collection)
    progress.step(f"reading {grid}")
    state = edition_state(opened, grid, year)

    def savings(programme: Scenario) -> Result:
        return run(baseline_of(state), programme, area_coverage(state, zones_by_name(opened, state.year)))

    answer = edition_where.where_to_act(
        opened, state, question, state_of=lambda other: edition_state(opened, grid, other), run_savings=savings,
        tell=progress.step,
    )  # fmt: skip
    programme = answer.programme
    about = {
        "collection": grid,
        "baseline_year": state.year,
        "sector": list(question.sectors),
        "sectors": list(answer.found.sectors),
        "of": answer.zones,
        "band_m": question.band_m,
        "false_discovery_rate": question.false_discovery_rate,
        "fewest_cells": question.fewest_cells,
        "smallest_ha": question.smallest_ha,
        "samples": question.samples,
        "savings": None if programme is None else programme.scenario.model_dump(mode="json", exclude_none=True),
        "savings_illustrative": programme is not None and programme.illustrative,
        "illustrative_result": any(note.illustrative for note in state.notes)
        or (programme is not None and programme.illustrative),
        "notes": NOTES,
    }
    ids = answer.rows["id"].to_pylist()
    with Folder(Path(f"{region}-where") if out is None else out) as folder:
        for table in (_candidates(answer, ids, about), _cells(opened, answer, about)):
            progress.step(table.name)
            write_table(folder, table, opened, formats)
        summary = {
            **record(opened), **about, "counts": answer.counts(), "stability": answer.stability(),
            "candidates": [_candidate(one, ids) for one in answer.candidates],
        }  # fmt: skip
        folder.write_text("summary.json", json_text(summary))
    return Pointed(opened, answer, ids, _labels(answer), folder.path, tuple(folder.names), folder.bytes)


def where_lines(pointed: Pointed, most: int = 10) -> list[str]:
    """What was found, for the terminal."""
    found = pointed.answer
    lines = [*warnings_of(pointed.edition)]
    counts, told = found.counts(), found.found.stability
    stable = int((np.nan_to_num(told.share) >= 2 / 3).sum())
    lines.append(
        f"{pointed.edition.region.id}, edition {pointed.edition.id}: {counts['hot']:,} hot cells of "
        f"{counts['known']:,}; hot in two of three bands or years {stable:,}; agreement of bands "
        f"{told.band_agreement:.2f}" + (f", of years {told.year_agreement:.2f}" if len(found.years) > 1 else "")
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


def _labels(answer: WhereAnswer) -> list[str]:
    """Name of each zone, in the first language that names it, with its id."""
    names = [answer.rows[name].to_pylist() for name in answer.rows.column_names if name.startswith("name_")]
    told = [next((each for each in row if each), None) for row in zip(*names, strict=True)] if names else []
    ids = answer.rows["id"].to_pylist()
    return [f"{name} ({one})" if name else str(one) for one, name in zip(ids, told or [None] * len(ids), strict=True)]


def _candidates(answer: WhereAnswer, ids: Sequence[str], about: dict[str, Any]) -> PlaceTable:
    """The zones of candidates, a row each, with what is known of the candidate they belong to."""
    rows = [(number, one, zone) for number, one in enumerate(answer.candidates, start=1) for zone in one.zones]
    columns = {
        "id": [ids[zone] for _, _, zone in rows],
        "rank": [number for number, _, _ in rows],
        **{
            name: np.array([np.nan if getattr(one, name) is None else getattr(one, name) for _, one, _ in rows], float)
            for name in TOLD
        },
    }
    meanings = {
        "rank": "of the candidate, by emissions",
        "area_ha": "ha; of the candidate",
        "emissions_tco2e": "tCO2e/yr; of the candidate",
        "hot_share": "part of its area that is hot",
        "caught_share": "part of the hot cells' area that lies inside",
        "probability": "mean probability of its hot cells to be among the top tenth",
        "savings_tco2e": "tCO2e/yr; what the savings' measures would save there",
    }
    return PlaceTable("candidates", columns, answer.polygons[[zone for _, _, zone in rows]], meanings, about)


def _cells(edition: Edition, answer: WhereAnswer, about: dict[str, Any]) -> PlaceTable:
    places = cell_places(edition, answer.state)
    told = {name: values[places.order] for name, values in answer.cell_columns().items()}
    columns = {
        **places.columns,
        **{name: values if values.dtype.kind == "f" else values.tolist() for name, values in told.items()},
    }
    meanings = {
        "intensity_t_ha": "tCO2e/ha/yr",
        "gi_z": "Getis-Ord Gi* as a standard score, on normal scores",
        "gi_adjusted_p": "least false-discovery rate at which the cell is significant",
        "spot": "hot, cold or none",
        "pattern": "significant pattern of local Moran",
        "top_probability": "probability to be truly among the top tenth",
        "stability": "part of the bands and years in which it is hot",
    }
    return PlaceTable("cells", columns, places.polygons, meanings, about)


def _candidate(one: Candidate, ids: Sequence[str]) -> dict[str, Any]:
    return {"members": [ids[zone] for zone in one.zones], **{name: getattr(one, name) for name in TOLD}}
