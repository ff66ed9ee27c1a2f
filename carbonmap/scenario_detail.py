"""A scenario's result in finer cells, where its measures have areas: the table `detail`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyproj

from carbonmap.errors import RegionError
from carbonmap.place_files import PlaceTable
from carbonmap.scenario_tables import cell_places
from grids.edition import Bbox, Edition
from grids.projections import LONLAT
from scenarios.detail import detailed
from scenarios.edition_places import grid_to_start_from
from scenarios.edition_state import edition_state
from scenarios.place_changes import UNIT
from scenarios.places import ZonePolygons, area_coverage
from scenarios.result import Result
from scenarios.run import Baseline
from scenarios.state import SECTORS, State

DETAIL = "the change of each coarse cell, laid on its fine ones by what the measures make there and the areas' borders"


def detail_table(
    edition: Edition, result: Result, baseline: Baseline, collection: str, named: ZonePolygons, about: Mapping[str, Any]
) -> PlaceTable:
    """The cells of a finer grid that lie in areas of the scenario's measures.

    Args:
        edition: that it was run on.
        result: of the run.
        baseline: that it was run on.
        collection: id of the finer grid.
        named: looks up zones of a collection.
        about: what must stand beside the numbers.

    Raises:
        RegionError: no measure has an area. InvalidState: no grid, or one whose cells do not nest.
    """
    areas = [measure.area for measure in result.scenario.measures if measure.area is not None]
    if not areas:
        raise RegionError(
            "--detail shows the cells in areas of measures, and no measure of the scenario has one: give one an area, "
            f"or run all of it on finer cells (--collection {collection})."
        )
    covers = area_coverage(result.state, named)
    bbox = _around(result.state, np.max([covers(area) for area in areas], axis=0) > 0)
    fine = edition_state(edition, grid_to_start_from(edition, collection), result.state.year, bbox=bbox)
    on_fine = area_coverage(fine, named)
    found = detailed(result, baseline, fine, covers, on_fine)
    inside = np.max([fine.over(on_fine(area)) for area in areas], axis=0) > 0
    places = cell_places(edition, fine, bbox)
    shown = np.flatnonzero(inside[places.order])
    order = places.order[shown]
    columns: dict[str, Any] = {name: [values[place] for place in shown] for name, values in places.columns.items()}
    for place, sector in enumerate(SECTORS):
        before = np.where(fine.tells(sector), fine.sector_tco2e(sector), np.nan)[order]
        columns[f"{sector}_before_tco2e"] = before
        columns[f"{sector}_change_tco2e"] = found.change_tco2e[place, order]
    columns["net_change_tco2e"] = found.change_tco2e.sum(axis=0)[order]
    meanings = dict.fromkeys((name for name in columns if name.endswith("_tco2e")), UNIT)
    return PlaceTable("detail", columns, places.polygons[shown], meanings,
                      {**about, "collection": collection, "detail": DETAIL})  # fmt: skip


def _around(state: State, cells: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Bbox:
    """A lon/lat box around some cells (rows, cols) and their neighbours, so that none of them is cut."""
    rows, cols = np.nonzero(cells)
    frame = state.frame
    west, east = frame.x_m + (cols.min() - 1) * frame.size_m, frame.x_m + (cols.max() + 2) * frame.size_m
    south, north = frame.y_m + (rows.min() - 1) * frame.size_m, frame.y_m + (rows.max() + 2) * frame.size_m
    to_lonlat = pyproj.Transformer.from_crs(frame.crs, LONLAT, always_xy=True)
    left, bottom, right, top = to_lonlat.transform_bounds(west, south, east, north)
    return float(left), float(bottom), float(right), float(top)
