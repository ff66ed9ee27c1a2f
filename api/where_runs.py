"""The process `where-to-act`: hot spots on an edition's cells, and candidates for management zones around them."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
import shapely
from pydantic import Field

from api.answers import labels
from api.process_inputs import BaselineYear, Grid, Inputs, Work
from api.scenario_answers import known_list, place_features
from api.scenario_runs import Asked, grid_of, read_document
from grids.edition import Edition
from grids.places import row_polygons
from scenarios import edition_where
from scenarios.designation import FEWEST_CELLS
from scenarios.edition_where import NOTES, TOLD, WhereAnswer, WhereQuestion

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
    question = WhereQuestion(
        inputs.zones, (inputs.sector,), inputs.years, inputs.band_m, inputs.false_discovery_rate, inputs.fewest_cells,
        inputs.smallest_ha, inputs.samples, None if inputs.savings is None else read_document(inputs.savings),
    )  # fmt: skip
    found = edition_where.where_to_act(
        edition,
        runs.baseline(edition, grid, year).state,
        question,
        state_of=lambda other: runs.baseline(edition, grid, other).state,
        run_savings=lambda savings: runs.result(edition, Asked(savings, grid, year, 0), cancelled=work.cancelled),
        tell=_telling(work),
    )
    work.progress(0.95, "tells what it found")
    programme = found.programme
    return {
        **labels(edition.manifest),
        "region": edition.region.id,
        "collection": grid,
        "baseline_year": year,
        "sector": inputs.sector,
        "sectors": list(found.found.sectors),
        "of": found.zones,
        "notes": NOTES,
        "savings_illustrative": programme is not None and programme.illustrative,
        "savings_notes": [] if programme is None else [note.record() for note in programme.notes],
        "counts": found.counts(),
        "stability": found.stability(),
        "cells": _cell_features(edition, found),
        "zones": _zone_features(edition, found),
    }


def _telling(work: Work) -> Callable[[str], None]:
    """How far each step is of the whole; reading years comes first, and looking takes longest."""
    far = {"what the savings' measures do": 0.15, "hot cells and zones": 0.3}
    return lambda step: work.progress(far.get(step, 0.05), step)


def _cell_features(edition: Edition, found: WhereAnswer) -> dict[str, Any]:
    """The cells that stand out, as GeoJSON."""
    cells, grid = found.found.cells, found.state.collection
    page = edition.page(grid, found.state.year, ["id", "row", "col"])
    order = np.lexsort((page.rows["col"].to_numpy(), page.rows["row"].to_numpy()))  # rows as cells are ordered
    chosen = np.flatnonzero(cells.hot | cells.cold | (cells.kind > 0))
    rows = page.rows.take(order[chosen])
    columns = {
        name: known_list(values[chosen]) if values.dtype.kind == "f" else values[chosen].tolist()
        for name, values in found.cell_columns().items()
    }
    polygons = row_polygons(edition.collection(grid), rows)
    return {
        "type": "FeatureCollection",
        "features": place_features(rows["id"].to_pylist(), polygons, edition.crs, columns),
    }


def _zone_features(edition: Edition, found: WhereAnswer) -> dict[str, Any]:
    """Candidates as GeoJSON, those with the most emissions first."""
    candidates, rows = found.candidates, found.rows
    ids = rows["id"].to_pylist()
    names = [name for name in rows.column_names if name.startswith("name_")]
    told = {name: rows[name].to_pylist() for name in names}
    unions = np.empty(len(candidates), dtype=object)
    unions[:] = [shapely.union_all(found.polygons[one.zones]) for one in candidates]
    columns: dict[str, list[Any]] = {
        "rank": list(range(1, len(candidates) + 1)),
        "members": [[ids[zone] for zone in one.zones] for one in candidates],
        **{name: [[told[name][zone] for zone in one.zones] for one in candidates] for name in names},
        "hot_cells": [len(one.cells) for one in candidates],
        **{name: [getattr(one, name) for one in candidates] for name in TOLD},
    }
    features = place_features([f"zone-{rank}" for rank in columns["rank"]], unions, edition.crs, columns)
    return {"type": "FeatureCollection", "features": features}
