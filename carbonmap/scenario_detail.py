"""A scenario's result in finer cells, where its measures have areas: the table `detail`."""

from collections.abc import Mapping
from typing import Any

from carbonmap.place_files import PlaceTable
from grids.edition import Edition
from scenarios.area_detail import NOTE, area_detail
from scenarios.place_changes import UNIT
from scenarios.places import ZonePolygons
from scenarios.result import Result
from scenarios.run import Baseline


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
        InvalidScenario: no measure has an area. InvalidState: no grid, or one whose cells do not nest.
    """
    found = area_detail(edition, result, baseline, collection, named)
    told = {name: found.rows[name].to_pylist() for name in ("id", "row", "col")}
    return PlaceTable("detail", {**told, **found.columns}, edition.polygons(collection, found.rows),
                      dict.fromkeys(found.columns, UNIT),
                      {**about, "collection": collection, "detail": NOTE})  # fmt: skip
