"""What is said of a scenario's result: in all, of cells and zones as GeoJSON, and of an area; with labels and notes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import shapely

from api.answers import labels, link
from api.formats import GEOJSON
from api.result_places import PARTS, ResultPlaces, check_places
from api.scenario_runs import Areas, Asked
from grids.edition import Edition
from grids.projections import LONLAT, reproject
from scenarios.area_detail import NOTE as DETAIL_NOTE
from scenarios.frame import FloatArray
from scenarios.place_changes import excludes_zero, known_shares, sums_in_places
from scenarios.result import Result
from scenarios.shares import area_shares
from scenarios.state import SECTORS
from scenarios.summary import summary

MOST_ITEMS = 10_000
NOTES = {
    "source": "what if, not a forecast: the published values of the edition, changed by what the scenario says; "
    "protected (held) cells count with the value that is published for them",
    "numbers": "tCO2e a year in the scenario's year, by the first set of elasticities; range_tco2e is over all sets "
    "and is no interval",
    "interval": "90 %, where samples are asked for: parameters, factors and activities drawn together, shared errors "
    "shared; elasticities are not drawn: each set of them has intervals of its own; what names no set is by the first",
    "areas": "zones and areas are sums of cells by the part of each cell's ground that lies in them, so that before "
    "may differ a little from what is published of a zone; what lies in none of them is told as outside",
}


def result_answer(edition: Edition, asked: Asked, result: Result) -> dict[str, Any]:
    """A result in all."""
    return {**head(edition, asked), "result": summary(result)}


def items_answer(
    edition: Edition, asked: Asked, places: ResultPlaces, collection: str, limit: int, offset: int,
    at: Callable[[int], str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Cells or zones of a result as GeoJSON (WGS 84), in the order of their collection's table.

    Each says whether it was held in the edition (`held`, where its collection tells that) and of how much of its ground
    each sector is known. `change_low_tco2e` and `change_high_tco2e` are the range over the sets of elasticities, no
    interval; deviations and intervals are those of each set, in columns that end in its name.

    Args:
        edition: what it starts from.
        asked: which scenario, and how.
        places: makes values of places.
        collection: the grid that it runs on, or any other whose places its cells are to be added up in.
        limit: how many at most.
        offset: how many are left out first.
        at: makes the address of the page that begins after so many, pinned to the edition; None where a page has no
            address, since its scenario was sent along.

    Raises:
        ScenarioError, EditionError: as `Runs.result` and the edition do.
        InvalidParameter: places too many, or finer than the grid that the scenario runs on.
        ResultNotFound: it takes long, and is not kept.
    """
    info = edition.collection(collection)
    check_places(edition, asked, collection)
    here, own = slice(offset, offset + limit), collection == asked.collection
    values = dict(places.values(edition, asked, collection))
    sure: dict[str, list[Any]] = {}
    if asked.samples and not asked.takes_long:
        areas = places.areas(edition, asked, collection)
        drawn = places.runs.result(edition, asked, None if own else areas).samples
        assert drawn is not None
        if own:
            values["change_sd_tco2e"] = np.asarray(areas.shares @ drawn.cells_sd_tco2e)
            for name, spread in drawn.sets_cells_sd_tco2e.items():
                values[f"change_sd_{name}_tco2e"] = np.asarray(areas.shares @ spread)
            told_apart = excludes_zero(values["net_change_tco2e"], sd=values["change_sd_tco2e"])
        else:
            for name, (low, high) in drawn.zone_intervals_tco2e().items():
                if "change_low90_tco2e" not in values:  # of the first set, which all single numbers are by
                    values |= {"change_low90_tco2e": low, "change_high90_tco2e": high}
                values |= {f"change_low90_{name}_tco2e": low, f"change_high90_{name}_tco2e": high}
            ends = values["change_low90_tco2e"], values["change_high90_tco2e"]
            told_apart = excludes_zero(values["net_change_tco2e"], ends=ends)
        sure["change_excludes_zero"] = told_apart[here].tolist()
    names = [name for name in info.columns if name.startswith("name_") or name == "held"]
    shown = ["id", "row", "col"] if info.kind == "grid" else ["id"]
    page = edition.page(collection, edition.year(collection, asked.year), shown + names, offset=offset, limit=limit)
    told = {name: page.rows[name].to_pylist() for name in names}
    cells = places.cells(edition, asked)
    state = places.runs.baseline(edition, asked.collection, asked.year).state
    whole = places.areas(edition, asked, collection).shares
    sets = np.asarray(whole @ cells.sets_tco2e.T)
    values |= {"change_low_tco2e": sets.min(axis=1), "change_high_tco2e": sets.max(axis=1)}
    shares = whole[here]
    parts = known_shares(cells.before_tco2e, state.over(state.area_ha), shares)
    features = place_features(
        page.rows["id"].to_pylist(), edition.polygons(collection, page.rows), edition.crs,
        {
            **told,
            **{name: known_list(column[here]) for name, column in values.items()},
            **{name: known_list(column) for name, column in parts.items()},
            **sure,
        },
    )  # fmt: skip
    total = float(cells.change_tco2e.sum())
    return {
        "type": "FeatureCollection",
        "links": [] if at is None else _page_links(at, limit, offset, len(features), page.matched),
        **head(edition, asked),
        "of": collection,
        "numberMatched": page.matched,
        "numberReturned": len(features),
        "change_tco2e": total,
        "outside_tco2e": 0.0 if own else float(total - values["net_change_tco2e"].sum()),
        "result_illustrative": cells.illustrative,
        "features": features,
    }


def detail_answer(
    edition: Edition, asked: Asked, places: ResultPlaces, collection: str, limit: int, offset: int,
    at: Callable[[int], str],
) -> dict[str, Any]:  # fmt: skip
    """Cells of a finer grid in areas of the scenario's measures, as GeoJSON, in the order of their table.

    Args:
        edition: what it starts from.
        asked: which scenario, and how.
        places: makes values of places.
        collection: the finer grid.
        limit: how many at most.
        offset: how many are left out first.
        at: makes the address of the page that begins after so many, pinned to the edition.

    Raises:
        ScenarioError, EditionError, InvalidParameter: as `ResultPlaces.detail`.
    """
    found = places.detail(edition, asked, collection)
    here, rows = slice(offset, offset + limit), found.rows.slice(offset, limit)
    features = place_features(
        rows["id"].to_pylist(), edition.polygons(collection, rows), edition.crs,
        {name: known_list(column[here]) for name, column in found.columns.items()},
    )  # fmt: skip
    cells, change = places.cells(edition, asked), float(found.columns["net_change_tco2e"].sum())
    asked_for = head(edition, asked)
    return {
        "type": "FeatureCollection",
        "links": _page_links(at, limit, offset, len(features), found.rows.num_rows),
        **asked_for,
        "notes": {**asked_for["notes"], "detail": DETAIL_NOTE},
        "of": collection,
        "numberMatched": found.rows.num_rows,
        "numberReturned": len(features),
        "change_tco2e": change,
        "outside_tco2e": float(cells.change_tco2e.sum()) - change,
        "result_illustrative": cells.illustrative,
        "features": features,
    }


def _page_links(
    at: Callable[[int], str], limit: int, offset: int, returned: int, matched: int
) -> list[dict[str, Any]]:  # fmt: skip
    listed = [link("self", at(offset), GEOJSON.media_type)]
    if returned and offset + returned < matched:
        listed.append(link("next", at(offset + returned), GEOJSON.media_type))
    if offset:
        listed.append(link("prev", at(max(0, min(offset, matched) - limit)), GEOJSON.media_type))
    return listed


def area_answer(
    edition: Edition, asked: Asked, places: ResultPlaces, name: str, polygons: Sequence[shapely.Geometry]
) -> dict[str, Any]:
    """What a result says of one area.

    Args:
        edition: what it starts from.
        asked: which scenario, and how.
        places: makes values of places.
        name: other areas have another.
        polygons: of the area, in the region's CRS.
    """
    baseline = places.runs.baseline(edition, asked.collection, asked.year)
    state, names = baseline.state, list(baseline.parameters.elasticities)
    united = shapely.union_all(np.array(list(polygons), dtype=object))
    areas = Areas(("area", name), area_shares(state, [united]))
    intervals: dict[str, list[float]] = {}
    if asked.samples and not asked.takes_long:
        drawn = places.runs.result(edition, asked, areas).samples
        assert drawn is not None
        intervals = {name: ends[:, 0].tolist() for name, ends in drawn.zone_intervals_tco2e().items()}
    cells = places.cells(edition, asked)
    sets = (areas.shares @ cells.sets_tco2e.T)[0]
    values = {
        key: float(value[0])
        for key, value in sums_in_places(cells.before_tco2e, cells.change_tco2e, areas.shares).items()
    }
    known = known_shares(cells.before_tco2e, state.over(state.area_ha), areas.shares)
    return {
        **head(edition, asked),
        "result_illustrative": cells.illustrative,
        "cells": int((areas.shares.data > 0).sum()),
        "area_ha": float((areas.shares @ state.over(state.area_ha))[0]),
        **{sector: {part: _known(values[f"{sector}_{part}_tco2e"]) for part in PARTS} for sector in (*SECTORS, "net")},
        "known_share": {sector: _known(float(known[f"{sector}_known_share"][0])) for sector in SECTORS},
        "range_tco2e": [float(sets.min()), float(sets.max())],
        "interval_tco2e": intervals.get(names[0]),
        "sets": {
            name: {"change_tco2e": float(change), "interval_tco2e": intervals.get(name)}
            for name, change in zip(names, sets, strict=True)
        },
    }


def head(edition: Edition, asked: Asked) -> dict[str, Any]:
    """What was asked, and what must stand beside every number."""
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


def known_list(values: FloatArray) -> list[float | None]:
    """Numbers for JSON; null where they are unknown."""
    return [_known(value) for value in values.tolist()]


def place_features(
    ids: Sequence[str], polygons: Any, crs: str, columns: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    """GeoJSON features (WGS 84) of places.

    Args:
        ids: of n places.
        polygons: (n,) in a CRS.
        crs: that one.
        columns: name -> n values that JSON knows.
    """
    geometries = shapely.to_geojson(reproject(np.asarray(polygons, dtype=object), crs, LONLAT))
    return [
        {
            "type": "Feature",
            "id": name,
            "geometry": orjson.Fragment(geometry),
            "properties": {key: column[place] for key, column in columns.items()},
        }
        for place, (name, geometry) in enumerate(zip(ids, geometries, strict=True))
    ]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
