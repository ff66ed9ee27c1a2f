"""What is said of a scenario's result: in all, of cells and zones as GeoJSON, and of an area; with labels and notes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import shapely
from scipy.sparse import csr_array

from api.answers import labels
from api.errors import InvalidParameter
from api.scenario_runs import MOST_CELLS, Areas, Asked, Runs
from grids.edition import Edition
from grids.projections import LONLAT, reproject
from scenarios.frame import FloatArray
from scenarios.result import Result
from scenarios.shares import area_shares, sector_change
from scenarios.state import SECTORS
from scenarios.summary import summary

MOST_ITEMS = 10_000
NOTES = {
    "source": "what if, not a forecast: the published values of the edition, changed by what the scenario says; "
    "protected (held) cells count with the value that is published for them",
    "numbers": "tCO2e a year in the scenario's year, by the first set of elasticities; range_tco2e is over all sets "
    "and is no interval",
    "interval": "90 %, where samples are asked for: parameters, factors and activities drawn together, shared errors "
    "shared; elasticities are not drawn",
    "areas": "zones and areas are sums of cells by the part of each cell's ground that lies in them, so that before "
    "may differ a little from what is published of a zone; what lies in none of them is told as outside",
}


def result_answer(edition: Edition, asked: Asked, runs: Runs) -> dict[str, Any]:
    """A result in all."""
    return {**_head(edition, asked), "result": summary(runs.result(edition, asked))}


def items_answer(
    edition: Edition, asked: Asked, runs: Runs, collection: str, limit: int, offset: int
) -> dict[str, Any]:
    """Cells or zones of a result as GeoJSON (WGS 84), in the order of their collection's table.

    Args:
        edition: what it starts from.
        asked: which scenario, and how.
        runs: runs it.
        collection: the grid that it runs on, or any other whose places its cells are to be added up in.
        limit: how many at most.
        offset: how many are left out first.

    Raises:
        ScenarioError, EditionError: as `Runs.result` and the edition do.
        InvalidParameter: places too many, or finer than the grid that the scenario runs on.
    """
    info = edition.collection(collection)
    year = edition.year(collection, asked.year)
    _check_places(edition, asked, collection)
    state = runs.baseline(edition, asked.collection, asked.year).state
    columns = ["id", "row", "col"] if info.kind == "grid" else ["id"]
    names = [name for name in info.columns if name.startswith("name_")]
    page = edition.page(collection, year, columns + names)
    polygons = edition.polygons(collection, page.rows)
    if collection == asked.collection:
        order = np.lexsort((page.rows["col"].to_numpy(), page.rows["row"].to_numpy()))
        number = np.empty(state.cells, dtype=np.int64)
        number[order] = np.arange(state.cells)
        shares = csr_array((np.ones(len(number)), (np.arange(len(number)), number)))
        result = runs.result(edition, asked)
    else:
        areas = Areas(("collection", collection, year), area_shares(state, list(polygons)))
        result, shares = runs.result(edition, asked, areas), areas.shares
    here = slice(offset, offset + limit)
    values = _values(result, shares)
    if asked.samples and result.samples is not None:
        drawn = result.samples
        if collection == asked.collection:
            values["change_sd_tco2e"] = np.asarray(shares @ drawn.cells_sd_tco2e)
        elif drawn.zones_tco2e is not None:
            low, high = np.quantile(drawn.zones_tco2e, [0.05, 0.95], axis=1)
            values |= {"change_low90_tco2e": low, "change_high90_tco2e": high}
    told = {name: page.rows[name].to_pylist()[here] for name in names}
    features = _features(page.rows["id"].to_pylist()[here], polygons[here], edition.crs, told, values, here)
    total = result.first.change_tco2e.sum()
    return {
        "type": "FeatureCollection",
        **_head(edition, asked),
        "of": collection,
        "numberMatched": page.matched,
        "numberReturned": len(features),
        "change_tco2e": float(total),
        "outside_tco2e": 0.0 if collection == asked.collection else float(total - values["net_change_tco2e"].sum()),
        "result_illustrative": result.illustrative,
        "features": features,
    }


def area_answer(
    edition: Edition, asked: Asked, runs: Runs, name: str, polygons: Sequence[shapely.Geometry]
) -> dict[str, Any]:
    """What a result says of one area.

    Args:
        edition: what it starts from.
        asked: which scenario, and how.
        runs: runs it.
        name: other areas have another.
        polygons: of the area, in the region's CRS.
    """
    state = runs.baseline(edition, asked.collection, asked.year).state
    united = shapely.union_all(np.array(list(polygons), dtype=object))
    areas = Areas(("area", name), area_shares(state, [united]))
    result = runs.result(edition, asked, areas)
    interval = None
    if result.samples is not None and result.samples.zones_tco2e is not None:
        interval = np.quantile(result.samples.zones_tco2e[0], [0.05, 0.95]).tolist()
    sets = [float((areas.shares @ each.change_tco2e.sum(axis=0))[0]) for each in result.outcomes.values()]
    values = {key: float(value[0]) for key, value in _values(result, areas.shares).items()}
    return {
        **_head(edition, asked),
        "result_illustrative": result.illustrative,
        "cells": int((areas.shares.data > 0).sum()),
        "area_ha": float((areas.shares @ state.over(state.area_ha))[0]),
        **{
            sector: {part: _known(values[f"{sector}_{part}_tco2e"]) for part in ("before", "change", "after")}
            for sector in (*SECTORS, "net")
        },
        "range_tco2e": [min(sets), max(sets)],
        "interval_tco2e": interval,
    }


def _check_places(edition: Edition, asked: Asked, collection: str) -> None:
    """Refuse places that are too many, or smaller than what is known of the result."""
    info, grid = edition.collection(collection), edition.collection(asked.collection)
    if info.kind == "grid" and (info.cell_size_m or 0) < (grid.cell_size_m or 0):
        raise InvalidParameter(
            f"of: {collection!r} is finer than {grid.id!r}, on which the scenario runs: expected a coarser grid, zones "
            f"or hexagons, or ask with collection={collection}"
        )
    if info.count > MOST_CELLS:
        raise InvalidParameter(f"of: {collection!r} has {info.count} places, at most {MOST_CELLS} are taken")


def _head(edition: Edition, asked: Asked) -> dict[str, Any]:
    return {
        **labels(edition.manifest),
        "region": edition.region.id,
        "collection": asked.collection,
        "baseline_year": asked.year,
        "scenario": asked.scenario.model_dump(mode="json", exclude_none=True),
        "digest": asked.digest,
        "samples": asked.samples,
        "notes": NOTES,
    }


def _values(result: Result, shares: csr_array) -> dict[str, FloatArray]:
    """Before, change and after (areas,) of each sector and net; unknown where no cell of an area tells the sector."""
    before, change = sector_change(result)
    found: dict[str, FloatArray] = {}
    known = np.isfinite(before)
    sums, changes = shares @ np.nan_to_num(before).T, shares @ change.T
    told = (shares @ known.T.astype(np.float64)) > 0
    for place, sector in enumerate(SECTORS):
        found[f"{sector}_before_tco2e"] = np.where(told[:, place], sums[:, place], np.nan)
        found[f"{sector}_change_tco2e"] = changes[:, place]
        found[f"{sector}_after_tco2e"] = np.where(told[:, place], sums[:, place] + changes[:, place], np.nan)
    anything = told.any(axis=1)
    found["net_before_tco2e"] = np.where(anything, sums.sum(axis=1), np.nan)
    found["net_change_tco2e"] = changes.sum(axis=1)
    found["net_after_tco2e"] = np.where(anything, sums.sum(axis=1) + changes.sum(axis=1), np.nan)
    return found


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _features(
    ids: Sequence[str], polygons: Any, crs: str, told: Mapping[str, Sequence[Any]], values: Mapping[str, FloatArray],
    here: slice,
) -> list[dict[str, Any]]:  # fmt: skip
    geometries = shapely.to_geojson(reproject(np.asarray(polygons, dtype=object), crs, LONLAT))
    columns = {name: [_known(float(value)) for value in column[here]] for name, column in values.items()}
    return [
        {
            "type": "Feature",
            "id": name,
            "geometry": orjson.Fragment(geometry),
            "properties": {
                **{key: column[place] for key, column in told.items()},
                **{key: column[place] for key, column in columns.items()},
            },
        }
        for place, (name, geometry) in enumerate(zip(ids, geometries, strict=True))
    ]
