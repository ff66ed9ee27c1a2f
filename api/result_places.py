"""Values of a result by place: of its cells, or of the zones, hexagons or coarser cells that these are added up in."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from api.errors import InvalidParameter, ResultNotFound
from api.kept_results import CellValues, KeptResults
from api.scenario_runs import MOST_CELLS, Areas, Asked, Lately, Runs, drawn_polygon, named_polygons
from grids.edition import Edition
from scenarios.area_detail import AreaDetail, area_detail
from scenarios.frame import FloatArray
from scenarios.place_changes import sums_in_places
from scenarios.shares import area_shares
from scenarios.state import SECTORS

MOST_BYTES = 100_000_000
PARTS = ("before", "change", "after")
COLUMNS = tuple(f"{sector}_{part}_tco2e" for sector in (*SECTORS, "net") for part in PARTS)
"""Of every place; tCO2e a year."""


class ResultPlaces:
    """Makes values of places; those asked for lately are kept. One object per process, used by its threads at once.

    Args:
        runs: what runs scenarios.
        kept: what is remembered of results.
    """

    def __init__(self, runs: Runs, kept: KeptResults) -> None:
        self.runs, self.kept = runs, kept
        self._values: Lately[Mapping[str, FloatArray]] = Lately(MOST_BYTES)
        self._areas: Lately[Areas] = Lately(MOST_BYTES)
        self._details: Lately[AreaDetail] = Lately(MOST_BYTES)

    def cells(self, edition: Edition, asked: Asked) -> CellValues:
        """Return what a result says of the cells that count.

        Raises:
            ResultNotFound: it takes long, and is not kept (any more) for this edition.
            ScenarioError, InvalidParameter: as `Runs.result`.
        """
        if not asked.takes_long:
            # Samples change none of it.
            return CellValues.of(self.runs.result(edition, replace(asked, samples=0)))
        found = self.kept.cells(edition.region.id, edition.id, asked.digest)
        if found is None:
            raise ResultNotFound(
                f"the cells of result {asked.digest} are not kept for edition {edition.id}: send the scenario to "
                f"/api/{edition.region.id}/processes/scenario/execution again"
            )
        return found

    def areas(self, edition: Edition, asked: Asked, collection: str) -> Areas:
        """Return the shares of cells in the places of a collection, in the order of its table.

        Raises:
            InvalidParameter: places too many, or finer than the grid that the scenario runs on.
            EditionError: no such collection or year.
        """
        check_places(edition, asked, collection)
        year = edition.year(collection, asked.year)
        key = (edition.region.id, edition.id, asked.collection, asked.year, collection)
        found = self._areas.get(key)
        if found is None:
            state = self.runs.baseline(edition, asked.collection, asked.year).state
            grid = edition.collection(collection).kind == "grid"
            page = edition.page(collection, year, ["row", "col"] if grid else ["id"])
            if collection == asked.collection:
                order = np.lexsort((page.rows["col"].to_numpy(), page.rows["row"].to_numpy()))
                number = np.empty(state.cells, dtype=np.int64)
                number[order] = np.arange(state.cells)
                shares = csr_array((np.ones(len(number)), (np.arange(len(number)), number)))
            else:
                shares = area_shares(state, list(edition.polygons(collection, page.rows)))
            found = Areas(("collection", collection, year), shares)
            self._areas.keep(key, found, shares.data.nbytes + shares.indices.nbytes)
        return found

    def values(self, edition: Edition, asked: Asked, collection: str) -> Mapping[str, FloatArray]:
        """Return `COLUMNS` (places,) of a collection, in the order of its table; NaN where nothing is told.

        Raises:
            ResultNotFound, ScenarioError, InvalidParameter, EditionError: as `cells` and `areas`.
        """
        key = (edition.region.id, edition.id, asked.digest, collection)
        found = self._values.get(key)
        if found is None:
            shares = self.areas(edition, asked, collection).shares
            cells = self.cells(edition, asked)
            found = sums_in_places(cells.before_tco2e, cells.change_tco2e, shares)
            self._values.keep(key, found, sum(column.nbytes for column in found.values()))
        return found

    def detail(self, edition: Edition, asked: Asked, collection: str) -> AreaDetail:
        """Return a result in the cells of a finer grid, where the scenario's measures have areas.

        Raises:
            InvalidParameter: it takes long, so that it is told by its own cells only.
            ScenarioError, EditionError: no area, too many cells, or none that nest in those of the result.
        """
        key = (edition.region.id, edition.id, asked.digest, collection)
        found = self._details.get(key)
        if found is None:
            result = self.runs.result(edition, replace(asked, samples=0))
            found = area_detail(
                edition, result, self.runs.baseline(edition, asked.collection, asked.year), collection,
                named_polygons(edition, asked.year), drawn_polygon(edition), MOST_CELLS,
            )  # fmt: skip
            self._details.keep(key, found, sum(column.nbytes for column in found.columns.values()) + found.rows.nbytes)
        return found


def check_places(edition: Edition, asked: Asked, collection: str) -> None:
    """Refuse places that are too many, or smaller than what is known of the result.

    Raises:
        InvalidParameter: says what was expected. CollectionNotFound: none of that id.
    """
    info, grid = edition.collection(collection), edition.collection(asked.collection)
    if info.kind == "grid" and (info.cell_size_m or 0) < (grid.cell_size_m or 0):
        raise InvalidParameter(
            f"of: {collection!r} is finer than {grid.id!r}, on which the scenario runs: expected a coarser grid, zones "
            f"or hexagons, or ask with collection={collection}"
        )
    if info.count > MOST_CELLS:
        raise InvalidParameter(f"of: {collection!r} has {info.count} places, at most {MOST_CELLS} are taken")
