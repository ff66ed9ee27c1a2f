"""The state of an edition: its public table on a grid, and what its open layers and stated coefficients add.

Emissions are those of the public table, held values included: no private number gets into a state. Where a source is
closed, or tells nothing of use, people or vehicles, a stated coefficient stands in, and a note says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from accounting.factors import FactorTable
from grids.edition import Bbox, Edition
from grids.selection import Selection
from grids.shipped import data_folder
from scenarios.edition_factors import carrier_factors
from scenarios.edition_traffic import split_traffic
from scenarios.errors import InvalidState
from scenarios.filling import filled
from scenarios.frame import FloatArray, Frame
from scenarios.notes import Note, Value
from scenarios.open_features import Floors, Jobs, floors, green_ha, jobs_told, vehicle_km
from scenarios.parameters import Parameters, shipped_parameters
from scenarios.places import in_metres
from scenarios.state import SECTORS, Carrier, State, Stock
from scenarios.stops import known_stops
from scenarios.streets import street_fields

_PLAIN = (Stock("residential"), Stock("nonresidential"))


@dataclass(frozen=True, eq=False)
class _Buildings:
    stocks: tuple[Stock, ...]
    floor_area_m2: FloatArray
    tco2e: FloatArray
    population: FloatArray
    jobs: FloatArray
    notes: tuple[Note, ...]


def edition_state(
    edition: Edition,
    collection: str,
    year: int | None = None,
    *,
    parameters: Parameters | None = None,
    bbox: Bbox | None = None,
    stops: Sequence[tuple[float, float]] | None = None,
) -> State:
    """Make a state of a grid's public table.

    Args:
        edition: which.
        collection: id of a grid, e.g. `grid-500m`.
        year: the latest if None.
        parameters: coefficients that stand in for what the edition does not tell; those shipped if None.
        bbox: lon/lat, to take a part of the region only.
        stops: places (lon, lat) of transit stops; those of the edition's context if None.

    Raises:
        InvalidState: no grid, no rows, or none of the sectors' values.
        CollectionNotFound, YearNotFound: no such table.
    """
    known = shipped_parameters() if parameters is None else parameters
    info = edition.collection(collection)
    if info.kind != "grid" or info.cell_size_m is None or info.origin_m is None:
        raise InvalidState(f"{collection!r} is no grid; scenarios work on a grid, such as grid-500m.")
    year = edition.year(collection, year)
    page = edition.page(collection, year, asked=Selection(bbox))
    table = page.rows.to_pandas()
    if not len(table):
        raise InvalidState(f"{collection!r} has no cell there; choose another part of the region.")
    factors = FactorTable.load(data_folder() / "factors")
    row, col = table["row"].to_numpy(np.int64), table["col"].to_numpy(np.int64)
    size, first_row, first_col = info.cell_size_m, int(row.min()), int(col.min())
    east, north = float(info.origin_m[0] + first_col * size), float(info.origin_m[1] + first_row * size)
    frame = Frame(
        edition.crs, float(size), east, north,
        int(row.max()) - first_row + 1, int(col.max()) - first_col + 1, first_row, first_col,
    )  # fmt: skip
    row, col = row - first_row, col - first_col

    def dense(values: FloatArray) -> FloatArray:
        out = np.zeros((*values.shape[:-1], *frame.shape))
        out[..., row, col] = values
        return out

    def of_rows(values: FloatArray | None) -> FloatArray | None:
        return None if values is None else values[..., page.positions]

    sectors = edition.manifest.sectors
    told = {name: table[f"{name}_tco2e"].notna().to_numpy() if name in sectors else _none(table) for name in SECTORS}
    if not any(where.any() for where in told.values()):
        raise InvalidState(f"{collection!r} tells no emissions in {year}; choose another year.")
    rows = edition.page(collection, year, ["id"]).matched
    found = floors(edition, collection, year, rows)
    if found is not None:
        found = Floors(found.stocks, found.floor_area_m2[:, page.positions], found.modelled_tco2e[:, page.positions])
    building = _by_carrier(table, "buildings")
    told_jobs = jobs_told(edition, collection, year, rows)
    if told_jobs is not None:
        told_jobs = Jobs(told_jobs.jobs[page.positions], told_jobs.unknown)
    houses = _buildings(table, building, found, told_jobs, known)
    traffic = split_traffic(
        edition.manifest, year, _by_carrier(table, "transport"), of_rows(vehicle_km(edition, collection, year, rows)),
        factors, known,
    )  # fmt: skip
    green = of_rows(green_ha(edition, collection, rows))
    streets = street_fields(edition, frame)
    inside = dense(np.ones(len(table))) > 0
    deviations = {
        name: dense(_numbers(table, f"{name}_sd_tco2e")) for name in SECTORS if f"{name}_sd_tco2e" in table.columns
    }
    notes = [*houses.notes, *traffic.notes, *_sector_notes(edition, told, green is None)]
    return State(
        frame=frame,
        inside=inside,
        year=year,
        area_ha=dense(_numbers(table, "area_ha")),
        population=dense(houses.population),
        jobs=dense(houses.jobs),
        stocks=houses.stocks,
        floor_area_m2=dense(houses.floor_area_m2),
        carriers=tuple(building),
        buildings_tco2e=dense(houses.tco2e),
        streams=traffic.streams,
        transport_tco2e=dense(traffic.tco2e),
        vehicle_km=dense(traffic.vehicle_km),
        resident_share=known.number("state.resident_share"),
        green_ha=dense(np.zeros(len(table)) if green is None else green),
        forest_tco2e=dense(_numbers(table, "forest_tco2e")),
        street_km=None if streets is None else np.where(inside, streets[0], 0.0),
        intersections=None if streets is None else np.where(inside, streets[1], 0.0),
        stops=known_stops(edition) if stops is None else np.array(in_metres(edition.crs, stops)).reshape(-1, 2),
        factors=carrier_factors(edition.manifest, year, factors),
        known={name: dense(where.astype(np.float64)) > 0 for name, where in told.items()},
        sd_tco2e=deviations,
        shared=_shared(edition, collection, year, table),
        notes=tuple(notes),
        currency=edition.manifest.region.currency or "",
        edition=edition.id,
        region=edition.manifest.region.id,
        collection=collection,
    )


def _none(table: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.zeros(len(table), dtype=bool)


def _numbers(table: pd.DataFrame, column: str) -> FloatArray:
    """A column, (n,), 0 where it is null or missing."""
    return np.nan_to_num(table[column].to_numpy(np.float64)) if column in table.columns else np.zeros(len(table))


def _by_carrier(table: pd.DataFrame, sector: str) -> dict[Carrier, FloatArray]:
    """Emissions (n,) by carrier; what the sector's value has more than its carriers tell is `unstated`."""
    total = _numbers(table, f"{sector}_tco2e")
    found: dict[Carrier, FloatArray] = {}
    for column in table.columns:
        parts = str(column).removesuffix("_tco2e").split("_")
        if len(parts) == 3 and parts[0] == sector and parts[2] in ("direct", "indirect") and parts[1] != "sd":
            found[Carrier(parts[1], parts[2])] = _numbers(table, str(column))
    rest = total - sum(found.values(), np.zeros(len(table)))
    rest[np.abs(rest) <= 1e-9 * np.abs(total)] = 0.0
    if rest.any():
        found[Carrier("unstated", "direct")] = np.maximum(rest, 0.0)
    return found


def _buildings(
    table: pd.DataFrame,
    by_carrier: dict[Carrier, FloatArray],
    open_floors: Floors | None,
    told_jobs: Jobs | None,
    parameters: Parameters,
) -> _Buildings:
    """Stocks with floor area and emissions, people and jobs."""
    total = _numbers(table, "buildings_tco2e")
    people = _numbers(table, "population")
    counted = people.any()
    per_person, per_job = parameters.number("state.floor_per_person"), parameters.number("state.floor_per_job")
    notes: list[Note] = []
    if open_floors is not None and open_floors.floor_area_m2.any():
        stocks, floor = open_floors.stocks, open_floors.floor_area_m2
        weight = open_floors.modelled_tco2e
        # Emissions of a cell in which no open building stands go to the last stock: there is none to tell.
        weight = np.where(weight.sum(axis=0) > 0, weight, floor)
        part = np.divide(weight, weight.sum(axis=0), out=np.zeros_like(weight), where=weight.sum(axis=0) > 0)
        part[-1, weight.sum(axis=0) <= 0] = 1.0
    else:
        stocks = _PLAIN
        share, per_m2 = parameters.number("state.residential_share"), parameters.number("state.emissions_per_floor")
        homes = share * total
        if counted:
            room = np.where(people > 0, total, 0.0)
            homes = filled(min(share * total.sum(), float(room.sum()) * (1 - 1e-9)), people, room)
        part = np.divide(homes, total, out=np.full_like(total, share), where=total > 0)
        part = np.stack([part, 1 - part])
        floor = part * total / per_m2
        used = ["state.residential_share", "state.emissions_per_floor"]
        if counted:
            floor[0] = people * per_person
            used.append("state.floor_per_person")
        notes.append(Note("floor area", "floor_area", tuple(used), illustrative=True))
    homes_m2 = np.asarray(floor[[k for k, s in enumerate(stocks) if s.use == "residential"]].sum(axis=0))
    if not counted:
        people = homes_m2 / per_person
        notes.append(Note("population", "people", ("state.floor_per_person",), illustrative=True))
    if told_jobs is None:
        jobs = (floor.sum(axis=0) - homes_m2) / per_job
        notes.append(Note("jobs", "jobs", ("state.floor_per_job",), illustrative=True))
    else:
        jobs = told_jobs.jobs
        if told_jobs.unknown:
            notes.append(Note("jobs", "jobs_gaps", values={"places": told_jobs.unknown}, illustrative=True))
    tco2e = (
        part[:, None] * np.stack(list(by_carrier.values()))[None]
        if by_carrier
        else np.zeros((len(stocks), 0, len(table)))
    )
    return _Buildings(stocks, floor, tco2e, people, jobs, tuple(notes))


def _sector_notes(
    edition: Edition, told: dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]], no_green: bool
) -> list[Note]:
    notes = []
    if edition.manifest.region.synthetic:
        notes.append(Note("region", "invented", illustrative=True))
    for name, is_illustrative in edition.manifest.illustrative.items():
        if is_illustrative:
            notes.append(Note(name, "edition_assumptions", illustrative=True, values={"sector": name}))
    for name, where in told.items():
        if not where.all():
            gaps: dict[str, Value] = {"cells": int((~where).sum())} if where.any() else {}
            notes.append(Note(name, "sector_gaps" if gaps else "sector_unknown", values={"sector": name, **gaps}))
    notes.append(Note("residents", "resident_share", ("state.resident_share",), illustrative=True))
    if no_green:
        notes.append(Note("green", "green"))
    return notes


def _shared(edition: Edition, collection: str, year: int, table: pd.DataFrame) -> dict[str, float]:
    """Part of each sector's variance that cells share: fitted so that cells of a parent add up to its published one.

    With own parts v and shared deviations s of cells, a parent has `p (sum s)^2 + (1 - p) sum s^2`; p by least squares.
    Without a coarser grid all is taken as shared, which is never too narrow.
    """
    info = edition.collection(collection)
    shared = dict.fromkeys(SECTORS, 1.0)
    parent = edition.collections.get(info.parent or "")
    if parent is None or parent.kind != "grid" or parent.cell_size_m is None or info.cell_size_m is None:
        return shared
    if year not in parent.years:
        return shared
    above = edition.table(parent.id, year).to_pandas()
    times = parent.cell_size_m // info.cell_size_m
    key = pd.MultiIndex.from_arrays([table["row"] // times, table["col"] // times])
    for sector in SECTORS:
        column = f"{sector}_sd_tco2e"
        if column not in table.columns or column not in above.columns:
            continue
        sd = pd.Series(np.nan_to_num(table[column].to_numpy(np.float64)), index=key)
        linear, own = sd.groupby(level=[0, 1]).sum() ** 2, (sd**2).groupby(level=[0, 1]).sum()
        target = above.set_index(["row", "col"])[column].reindex(linear.index).to_numpy(np.float64) ** 2
        spread = (linear - own).to_numpy()
        usable = np.isfinite(target) & (spread > 0)
        if usable.any():
            rest = target - own.to_numpy()
            shared[sector] = float(np.clip((spread * rest)[usable].sum() / (spread**2)[usable].sum(), 0.0, 1.0))
    return shared
