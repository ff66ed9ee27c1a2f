"""Sums over chosen rows of a public table, each weighted by the part of its ground that was chosen.

Only published values go in, and the weights follow from geometry alone; so what comes out tells nothing that the table
does not tell. Within a cell that is chosen in part, values count as evenly spread over the whole cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from grids.columns import BASES, CARRIERS, METHODS, method_column, pair_column, sd_column, total_column
from grids.covered_ground import Ground, ground_of
from grids.edition import Edition
from grids.manifest import Collection
from grids.projections import LONLAT, reproject
from grids.store_errors import QueryTooLarge

FloatArray = NDArray[np.float64]

MOST_CELLS = 300_000  # looked at for one polygon: of its bounding box and along its edges
Z_90 = 1.6448536269514722  # deviations to either side of a 90 % interval
_TOUCH = 1e-9  # of a cell: what lies below is rounding of moved coordinates
_WHOLE = 1e-6  # of a cell: so near to none or all of it a cell is no border cell
_COLUMN_BIAS = 1 << 31


@dataclass(frozen=True)
class Chosen:
    """Rows of a collection's tables, by id, since positions differ from year to year.

    Attributes:
        ids: (n,) distinct.
        weights: (n,) part of each row's ground that was chosen, above 0 and at most 1.
        found: if known, a year and (n,) ascending positions of the rows in its table: spares looking for them by id.
        polygon: that chose them, in the region's CRS; None where the rows were named. Cells that hold nothing have no
            row, so the ground of a polygon is not that of its rows.
    """

    ids: tuple[str, ...]
    weights: FloatArray
    found: tuple[int, NDArray[np.int64]] | None = None
    polygon: shapely.Geometry | None = None

    @property
    def partly(self) -> int:
        """How many rows were chosen in part only."""
        return int((self.weights < 1 - _WHOLE).sum())


@dataclass(frozen=True)
class Quantity:
    """One sum.

    Attributes:
        value: over the rows where it is known; None where it is known in none.
        unknown: how many of the rows have no value.
    """

    value: float | None
    unknown: int


_NOTHING, _ZERO = Quantity(None, 0), Quantity(0.0, 0)


@dataclass(frozen=True)
class SectorSum:
    """One sector over the chosen rows, or `net`.

    Attributes:
        sector: or `net`.
        total: tCO2e per year.
        sd_tco2e: upper bound of the standard deviation: as if the errors of all rows went together.
        parts: tCO2e by (carrier, basis), for those the table has.
        methods: fraction of emissions by method, rows weighted by the size of their value; None where there are none.
        coverage: fraction of the chosen ground that the sector's sources cover as a whole; None where nobody knows.
        per_ha: tCO2e per hectare of the ground where the sector is known; None where nobody knows that ground.
        per_person: tCO2e per resident, over rows where both are known.
    """

    sector: str
    total: Quantity
    sd_tco2e: float | None
    parts: dict[tuple[str, str], Quantity]
    methods: dict[str, float | None]
    coverage: float | None
    per_ha: float | None
    per_person: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """90 % interval, tCO2e per year, at least as wide as it should be."""
        if self.total.value is None or self.sd_tco2e is None:
            return None
        return self.total.value - Z_90 * self.sd_tco2e, self.total.value + Z_90 * self.sd_tco2e


@dataclass(frozen=True)
class Statistics:
    """What the chosen rows hold in one year.

    Attributes:
        rows: of the chosen ones, how many that year's table has.
        held: how many of them have protected values.
        area_ha: of the chosen parts of rows.
        ground: of the polygon that chose them; None where rows were named, or the edition has no zones to tell it.
        population: residents.
        sectors: one sum each, `net` last.
    """

    rows: int
    held: int
    area_ha: float
    ground: Ground | None
    population: Quantity
    sectors: tuple[SectorSum, ...]


def grid_for(edition: Edition, polygon: shapely.Geometry, grids: Sequence[Collection]) -> Collection:
    """Return the finest of some grids on which a polygon in the region's CRS costs at most `MOST_CELLS`.

    Raises:
        QueryTooLarge: it costs more on the coarsest too.
    """
    # The box of a polygon that does not meet the region is no number.
    west, south, east, north = np.nan_to_num(shapely.bounds(polygon)).tolist()
    edges = 1.5 * float(shapely.length(polygon))  # a line of 1 m passes at most sqrt(2) m of columns and rows
    for info in sorted(grids, key=lambda info: info.cell_size_m or 0):
        size = float(info.cell_size_m or 1)
        cost = ((east - west) / size + 1) * ((north - south) / size + 1) + edges / size
        if cost <= MOST_CELLS:
            return info
    names = ", ".join(info.id for info in grids)
    raise QueryTooLarge(
        f"the polygon is too large or too winding for {names} of region {edition.region.id!r}: its box and its edges "
        f"pass more than {MOST_CELLS} cells. Ask for a smaller place, a simpler outline or a coarser grid"
    )


def chosen_cells(edition: Edition, info: Collection, year: int, polygon: shapely.Geometry) -> Chosen:
    """Return the cells of a grid that a polygon covers, and how much of each: exact areas in the region's CRS.

    Args:
        edition: that has the grid.
        info: a grid.
        year: whose table; cells that hold nothing have no row.
        polygon: valid polygon or multipolygon in the region's CRS; its edges are straight there.
    """
    assert info.cell_size_m is not None, "a grid has a size"
    assert info.origin_m is not None, "and an origin"
    from grids.crossings import polygon_areas  # compiled code takes a second to load: only where a polygon is drawn

    if shapely.is_empty(polygon):
        return Chosen((), np.empty(0), polygon=polygon)
    given = np.array([polygon], dtype=np.object_)
    parts = polygon_areas(given, info.origin_m, info.cell_size_m)
    around = shapely.segmentize(shapely.envelope(given), float(info.cell_size_m))
    west, south, east, north = shapely.total_bounds(reproject(around, edition.crs, LONLAT)).tolist()
    page = edition.near(info.id, year, (west, south, east, north), ["id", "row", "col"])
    keys = _keys(*(page.rows[name].to_numpy().astype(np.int64) for name in ("row", "col")))
    wanted = _keys(parts.row.astype(np.int64), parts.col.astype(np.int64))
    order = np.argsort(wanted, kind="stable")
    wanted, share = wanted[order], np.minimum(parts.amount[order] / float(info.cell_size_m) ** 2, 1.0)
    share, wanted = share[share > _TOUCH], wanted[share > _TOUCH]
    place = np.searchsorted(wanted, keys)
    found = place < len(wanted)
    found[found] = wanted[place[found]] == keys[found]
    ids = page.rows["id"].filter(pa.array(found)).to_pylist()
    return Chosen(tuple(ids), share[place[found]], (year, page.positions[found]), polygon)


def statistics(edition: Edition, info: Collection, year: int, chosen: Chosen) -> Statistics:
    """Add up what the chosen rows of one year hold.

    Rows that the year's table does not have hold nothing that year and are left out. Of a polygon, coverage and values
    per hectare are of its ground, whether cells there hold something or not.
    """
    positions, index = _positions(edition, info, year, chosen)
    weights = chosen.weights[index]
    sectors = [sector for sector in edition.manifest.sectors if total_column(sector) in info.columns]
    names = [name for name in info.columns if _is_number(name, sectors)]
    rows = edition.rows(info.id, year, positions, [*names, *(["held"] if "held" in info.columns else [])])
    values = {name: rows[name].to_numpy().astype(np.float64) for name in names}
    area = values["area_ha"] * weights
    people = values["population"] * weights if "population" in values else np.full(len(weights), np.nan)
    wanted = [*sectors, *(["net"] if total_column("net") in values else [])]
    ground = None if chosen.polygon is None else ground_of(edition, year, chosen.polygon)
    added = [_sector_sum(sector, values, weights, area, people) for sector in wanted]
    if chosen.polygon is not None:
        added = [_on_ground(one, ground) for one in added]
    return Statistics(
        rows=len(positions),
        held=int(pc.sum(rows["held"]).as_py() or 0) if "held" in info.columns else 0,
        area_ha=float(area.sum()),
        ground=ground,
        population=_sum(people),
        sectors=tuple(added),
    )


def _on_ground(one: SectorSum, ground: Ground | None) -> SectorSum:
    if ground is None:
        return replace(one, coverage=None, per_ha=None)
    if one.sector in ground.whole and one.total == _NOTHING:
        # Rows are of cells that hold something: on ground that sources cover whole, no row is zero and not unknown.
        one = replace(
            one, total=_ZERO, parts={pair: _ZERO if part == _NOTHING else part for pair, part in one.parts.items()}
        )
    per_ha = None if one.total.value is None else _ratio(one.total.value, ground.known_ha.get(one.sector, 0.0))
    return replace(one, coverage=ground.coverage.get(one.sector), per_ha=per_ha)


def _sector_sum(
    sector: str, values: dict[str, FloatArray], weights: FloatArray, area: FloatArray, people: FloatArray
) -> SectorSum:
    total = values[total_column(sector)] * weights
    known = ~np.isnan(total)
    deviation = values.get(sd_column(sector))
    # Deviations are norms of errors that rows have in common or not: that of a sum is never above the sum of them.
    sd = None if deviation is None else _sum((deviation * weights)[known])
    pairs = ((carrier, basis) for carrier in CARRIERS for basis in BASES)
    parts = {pair: _sum(values[name] * weights) for pair in pairs if (name := pair_column(sector, pair)) in values}
    methods = {name: values[column] for name in METHODS if (column := method_column(sector, name)) in values}
    size = np.abs(total)
    covered = values.get(f"{sector}_coverage")
    inhabited = known & ~np.isnan(people)
    return SectorSum(
        sector=sector,
        total=_sum(total),
        sd_tco2e=None if sd is None or sd.unknown else sd.value,
        parts=parts,
        methods={name: _mean(share, size) for name, share in methods.items()},
        coverage=None if covered is None else _mean(covered, area),
        per_ha=_ratio(total[known].sum(), area[known].sum()),
        per_person=_ratio(total[inhabited].sum(), people[inhabited].sum()),
    )


def _positions(
    edition: Edition, info: Collection, year: int, chosen: Chosen
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ascending positions in a year's table of those chosen rows that it has, and which of them each is."""
    if chosen.found is not None and chosen.found[0] == year:
        return chosen.found[1], np.arange(len(chosen.ids))
    found = edition.positions(info.id, year, chosen.ids)
    index = np.flatnonzero(found >= 0)
    index = index[np.argsort(found[index], kind="stable")]
    return found[index], index


def _is_number(name: str, sectors: Sequence[str]) -> bool:
    if name in ("area_ha", "population"):
        return True
    of_sector = any(name.startswith(f"{sector}_") for sector in (*sectors, "net"))
    return of_sector and name.endswith(("_tco2e", "_share", "_coverage"))


def _keys(row: NDArray[np.int64], col: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray((row << 32) + (col + _COLUMN_BIAS), dtype=np.int64)


def _sum(values: FloatArray) -> Quantity:
    known = values[~np.isnan(values)]
    return Quantity(float(known.sum()) if len(known) else None, len(values) - len(known))


def _mean(values: FloatArray, weights: FloatArray) -> float | None:
    known = ~(np.isnan(values) | np.isnan(weights))
    return _ratio(float((values[known] * weights[known]).sum()), float(weights[known].sum()))


def _ratio(amount: float, by: float) -> float | None:
    return float(amount) / float(by) if by > 0 else None
