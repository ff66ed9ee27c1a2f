"""A result in the finer cells of an edition, where the scenario's measures have areas: 100 m in what was drawn."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyproj

from grids.edition import Bbox, Edition
from grids.projections import LONLAT
from grids.selection import Selection
from scenarios.detail import detailed
from scenarios.edition_places import grid_to_start_from
from scenarios.edition_state import edition_state
from scenarios.errors import InvalidScenario
from scenarios.frame import BoolArray, FloatArray
from scenarios.places import DrawnPolygon, ZonePolygons, area_coverage
from scenarios.result import Result
from scenarios.run import Baseline
from scenarios.shares import sectors_told
from scenarios.state import SECTORS, State

NOTE = "the change of each coarse cell, laid on its fine ones by what the measures make there and the areas' borders"


@dataclass(frozen=True, eq=False)
class AreaDetail:
    """Fine cells that lie in areas of a scenario's measures, in the order of their collection's table.

    Attributes:
        collection, year: of the fine grid.
        rows: id, row and col of n cells.
        columns: `<sector>_before_tco2e` (NaN where unknown), `<sector>_change_tco2e`, `net_change_tco2e`: (n,) a year.
    """

    collection: str
    year: int
    rows: pa.Table
    columns: Mapping[str, FloatArray]


def area_detail(
    edition: Edition,
    result: Result,
    baseline: Baseline,
    collection: str,
    named: ZonePolygons,
    drawn: DrawnPolygon | None = None,
    most_cells: int | None = None,
) -> AreaDetail:
    """Tell a result in the cells of a finer grid that lie in areas of the scenario's measures.

    Args:
        edition: that it was run on.
        result: of the run.
        baseline: that it was run on.
        collection: id of the finer grid.
        named: looks up zones of a collection.
        drawn: reads drawn areas, as the run did.
        most_cells: fine cells in the rectangle around the areas, that are worked out.

    Raises:
        InvalidScenario: no measure has an area, or there are too many cells around them.
        InvalidState: no grid, or one whose cells do not nest. CollectionNotFound: no such collection.
    """
    areas = [measure.area for measure in result.scenario.measures if measure.area is not None]
    if not areas:
        raise InvalidScenario(
            "Finer cells are told in areas of measures, and no measure of the scenario has one: give one an area, or "
            f"run all of it on finer cells (collection {collection})."
        )
    covers = area_coverage(result.state, named, drawn)
    bbox = _around(result.state, np.max([covers(area) for area in areas], axis=0) > 0)
    grid, year = grid_to_start_from(edition, collection), result.state.year
    page = edition.page(grid, edition.year(grid, year), ["id", "row", "col"], Selection(bbox))
    if most_cells is not None and page.matched > most_cells:
        raise InvalidScenario(
            f"Around the areas of the measures lie {page.matched:,} cells of {grid}, at most {most_cells:,} are told: "
            "give smaller areas, or ask for a coarser grid."
        )
    fine = edition_state(edition, grid, year, bbox=bbox)
    on_fine = area_coverage(fine, named, drawn)
    found = detailed(result, baseline, fine, covers, on_fine)
    inside = np.max([fine.over(on_fine(area)) for area in areas], axis=0) > 0
    order = np.empty(fine.cells, dtype=np.int64)
    order[np.lexsort((page.rows["col"].to_numpy(), page.rows["row"].to_numpy()))] = np.arange(fine.cells)
    shown = np.flatnonzero(inside[order])
    here = order[shown]
    columns: dict[str, FloatArray] = {}
    for sector, before, change in zip(SECTORS, sectors_told(fine), found.change_tco2e, strict=True):
        columns[f"{sector}_before_tco2e"] = before[here]
        columns[f"{sector}_change_tco2e"] = change[here]
    columns["net_change_tco2e"] = found.change_tco2e.sum(axis=0)[here]
    return AreaDetail(grid, year, page.rows.take(shown), columns)


def _around(state: State, cells: BoolArray) -> Bbox:
    """A lon/lat box around some cells (rows, cols) and their neighbours, so that none of them is cut."""
    rows, cols = np.nonzero(cells)
    frame = state.frame
    west, east = frame.x_m + (cols.min() - 1) * frame.size_m, frame.x_m + (cols.max() + 2) * frame.size_m
    south, north = frame.y_m + (rows.min() - 1) * frame.size_m, frame.y_m + (rows.max() + 2) * frame.size_m
    to_lonlat = pyproj.Transformer.from_crs(frame.crs, LONLAT, always_xy=True)
    left, bottom, right, top = to_lonlat.transform_bounds(west, south, east, north)
    return float(left), float(bottom), float(right), float(top)
