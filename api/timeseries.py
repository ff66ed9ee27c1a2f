"""Items of a collection over the years."""

from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from fastapi import APIRouter, Depends, Query, Request, Response

from api.answers import dumped, labels, of_edition
from api.errors import InvalidParameter
from api.params import CollectionParam, ColumnsParam, ComposedId, OpenedParam, only
from api.question_models import TimeseriesOut
from grids.columns import sd_column, total_column
from grids.edition import Edition
from grids.gazetteer import item_names
from grids.manifest import Collection
from grids.store_errors import ItemNotFound

router = APIRouter(tags=["questions"], prefix="/{region}/collections/{collection}/timeseries")

MOST_SERIES = 100


@router.get("", response_model=TimeseriesOut, dependencies=[Depends(only("edition", "ids", "properties"))])
def timeseries(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    columns: ColumnsParam,
    ids: Annotated[ComposedId, Query(description=f"ids of items separated by commas, at most {MOST_SERIES}")],
) -> Response:
    """Return values of items for every year: totals per sector and their standard deviations unless told otherwise."""
    edition = opened.edition
    wanted = ids.split(",")
    if len(wanted) > MOST_SERIES or len(set(wanted)) < len(wanted) or not all(wanted):
        raise InvalidParameter(
            f"ids: got {len(wanted)} ids, expected 1 to {MOST_SERIES}, each once and none of them empty"
        )
    names = _columns(edition, collection, columns)

    def body() -> bytes:
        document = {
            "collection": collection.id,
            "years": collection.years,
            "series": _series(edition, collection, wanted, names),
            **labels(edition.manifest),
        }
        return dumped(document)

    return of_edition(request, opened, body)


def _columns(edition: Edition, info: Collection, columns: list[str] | None) -> list[str]:
    if columns is None:
        sectors = (*edition.manifest.sectors, "net")
        every = (*map(total_column, sectors), *map(sd_column, sectors))
        return [name for name in every if name in info.columns]
    types = edition.types(info.id)
    for name in columns:
        if types[name] in ("string", "bool"):
            raise InvalidParameter(f"properties: {name!r} holds {types[name]} values, expected columns of numbers")
    return columns


def _series(edition: Edition, info: Collection, ids: list[str], names: list[str]) -> list[dict[str, Any]]:
    """One series per id, with nulls for years whose table does not have it; names are those of the latest it is in."""
    series: list[dict[str, Any]] = [
        {"id": one, "name": {}, "held": [], "values": {name: [] for name in names}} for one in ids
    ]
    seen = np.zeros(len(ids), dtype=np.bool_)
    flags = ["held"] if "held" in info.columns else []
    for year in info.years:
        positions = edition.positions(info.id, year, ids)
        index = np.argsort(positions, kind="stable")
        index = index[positions[index] >= 0]
        rows = edition.rows(info.id, year, positions[index], [*names, *flags])
        row_of = {k: row for row, k in enumerate(index.tolist())}
        seen[index] = True
        values = {name: _plain(rows[name]) for name in names}
        held = rows["held"].to_pylist() if flags else [None] * len(index)
        for k, (one, name) in enumerate(zip(series, item_names(edition, info, year, ids), strict=True)):
            row = row_of.get(k)
            one["name"] = name or one["name"]
            one["held"].append(None if row is None else held[row])
            for column in names:
                one["values"][column].append(None if row is None else values[column][row])
    if not seen.all():
        missing = ids[int(np.flatnonzero(~seen)[0])]
        raise ItemNotFound(
            f"collection {info.id!r} of region {edition.region.id!r} has no item {missing[:80]!r} in any year"
        )
    return series


def _plain(column: pa.ChunkedArray) -> list[float | None]:
    """Numbers of a column, null as None; much faster than `to_pylist`."""
    values: list[float | None] = column.to_numpy().tolist()
    return values if not column.null_count else [None if value != value else value for value in values]
