"""A scenario's result as tables of places: the cells it was worked out on, and zones that these are added up in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from carbonmap.place_files import PlaceTable
from grids.edition import Bbox, Edition
from grids.selection import Selection
from grids.tables import Geometries
from scenarios.frame import IntArray
from scenarios.parameters import SETS
from scenarios.place_changes import UNIT, excludes_zero, place_changes, place_intervals
from scenarios.result import Result
from scenarios.shares import area_shares
from scenarios.state import SECTORS, State

_SURE = "net_change_excludes_zero"
_MEANINGS = {
    **{
        f"{sector}_known_share": "part of the cells by area of which the edition knows the sector, 0 to 1"
        for sector in SECTORS
    },
    "net_change_low_tco2e": f"{UNIT}; least over the sets of elasticities, no interval",
    "net_change_high_tco2e": f"{UNIT}; greatest over the sets of elasticities, no interval",
    "net_change_sd_tco2e": f"{UNIT}; standard deviation of the change",
    _SURE: "whether the 90 % interval of the change holds no zero",
    "net_change_low90_tco2e": f"{UNIT}; lower end of the 90 % interval",
    "net_change_high90_tco2e": f"{UNIT}; upper end of the 90 % interval",
}


@dataclass(frozen=True, eq=False)
class CellPlaces:
    """Cells of a state in the order of their collection's table.

    Attributes:
        columns: id, row and col.
        polygons: (n,) in the region's CRS.
        order: (n,) position in the state of each.
    """

    columns: Mapping[str, Any]
    polygons: Geometries
    order: IntArray


@dataclass(frozen=True, eq=False)
class ZonePlaces:
    """Places of another collection.

    Attributes:
        collection: its id.
        columns: id and names.
        polygons: (zones,) in the region's CRS.
        shares: (zones, n) part of each cell of the state that lies in each.
    """

    collection: str
    columns: Mapping[str, Any]
    polygons: Geometries
    shares: csr_array


def cell_places(edition: Edition, state: State, bbox: Bbox | None = None) -> CellPlaces:
    """The cells of a state that was made of an edition, in the same box if it was made of a part."""
    page = edition.page(state.collection, state.year, ["id", "row", "col"], Selection(bbox))
    sorted_ = np.lexsort((page.rows["col"].to_numpy(), page.rows["row"].to_numpy()))
    order = np.empty(state.cells, dtype=np.int64)
    order[sorted_] = np.arange(state.cells)
    columns = {name: page.rows[name].to_pylist() for name in ("id", "row", "col")}
    return CellPlaces(columns, edition.polygons(state.collection, page.rows), order)


def zone_places(edition: Edition, state: State, collection: str) -> ZonePlaces:
    """The places of a collection, with their names.

    Raises:
        CollectionNotFound, YearNotFound: no such table.
    """
    info = edition.collection(collection)
    names = [name for name in info.columns if name.startswith("name_")]
    asked = ["id", *(("row", "col") if info.kind == "grid" else ()), *names]
    page = edition.page(collection, edition.year(collection, state.year), asked)
    polygons = edition.polygons(collection, page.rows)
    columns = {name: page.rows[name].to_pylist() for name in ("id", *names)}
    return ZonePlaces(collection, columns, polygons, area_shares(state, list(polygons)))


def result_tables(
    edition: Edition, result: Result, zones: Sequence[ZonePlaces], about: Mapping[str, Any]
) -> list[PlaceTable]:
    """The cells of a result, and its zones.

    Args:
        edition: that it was run on.
        result: run with the zones' shares, one below the other, if it was run with samples.
        zones: that cells are added up in.
        about: what must stand beside the numbers.
    """
    cells = cell_places(edition, result.state)
    n = len(cells.order)
    matrix = csr_array((np.ones(n), (np.arange(n), cells.order)), shape=(n, n))
    spread = {name: np.asarray(matrix @ values) for name, values in place_intervals(result, False).items()}
    values: dict[str, Any] = {**place_changes(result, matrix), **spread}
    if spread:
        values[_SURE] = excludes_zero(values["net_change_tco2e"], sd=spread["net_change_sd_tco2e"])
    grid = result.state.collection
    found = [_table("cells", grid, cells.columns, values, cells.polygons, about)]
    told, first = place_intervals(result, True), 0
    for each in zones:
        rows = slice(first, first := first + each.shares.shape[0])
        values = {**place_changes(result, each.shares), **{name: ends[rows] for name, ends in told.items()}}
        if told:
            ends = values["net_change_low90_tco2e"], values["net_change_high90_tco2e"]
            values[_SURE] = excludes_zero(values["net_change_tco2e"], ends=ends)
        found.append(_table(each.collection, each.collection, each.columns, values, each.polygons, about))
    return found


def _table(
    name: str, collection: str, told: Mapping[str, Any], values: Mapping[str, Any], polygons: Geometries,
    about: Mapping[str, Any],
) -> PlaceTable:  # fmt: skip
    meanings = {column: _meaning(column) for column in values}
    return PlaceTable(name, {**told, **values}, polygons, meanings, {**about, "collection": collection})


def _meaning(column: str) -> str:
    """What a column says; those of a set of elasticities as the one of the first, with its name."""
    for name, words in SETS.items():
        plain = column.replace(f"_{name}_", "_")
        if plain != column:
            return f"{_meaning(plain)}, by {words}"
    return _MEANINGS.get(column, UNIT)
