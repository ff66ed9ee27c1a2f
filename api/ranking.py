"""Items of a collection in the order of a column: which rank, of how many, and how much of the whole."""

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from numpy.typing import NDArray

from api.answers import dumped, labels, of_edition
from api.errors import InvalidParameter
from api.measures import Unit, measured, terms_of
from api.params import CollectionParam, OpenedParam, YearParam, only
from api.question_models import RankingOut
from grids.edition import Edition
from grids.gazetteer import item_names
from grids.manifest import Collection

router = APIRouter(tags=["questions"], prefix="/{region}/collections/{collection}/ranking")

MOST_RANKED = 1_000

Order = Literal["desc", "asc"]


@router.get(
    "",
    response_model=RankingOut,
    dependencies=[Depends(only("edition", "year", "column", "unit", "order", "limit", "parent"))],
)
def ranking(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    year: YearParam,
    column: Annotated[str, Query(description="a column of numbers, e.g. net_tco2e")],
    unit: Annotated[Unit, Query(description="t as it is; or divided by hectares or by people")] = "t",
    order: Annotated[Order, Query(description="the greatest or the least first")] = "desc",
    limit: Annotated[int, Query(description="items to answer with at most", ge=1, le=MOST_RANKED)] = 20,
    parent: Annotated[
        str | None, Query(description="only items within this item of the collection's parent; peers are those")
    ] = None,
) -> Response:
    """Rank items by a column. Items of equal value share a rank, and the next one counts all before it."""
    terms = terms_of(collection, column, unit)
    edition = opened.edition

    def body() -> bytes:
        values = measured(opened, collection, year, terms, unit)
        peers = np.arange(len(values)) if parent is None else _within(edition, collection, year, parent)
        known = peers[~np.isnan(values[peers])]
        document = {
            "collection": collection.id,
            "year": year,
            "column": column,
            "unit": unit,
            "order": order,
            "parent": parent,
            "peers": len(peers),
            "unknown": len(peers) - len(known),
            "total": float(values[known].sum()) if unit == "t" and _adds(column) and len(known) else None,
            "ranked": _ranked(edition, collection, year, known, values, order, limit, unit == "t" and _adds(column)),
            **labels(edition.manifest),
        }
        return dumped(document)

    return of_edition(request, opened, body)


def _ranked(
    edition: Edition,
    info: Collection,
    year: int,
    known: NDArray[np.int64],
    values: NDArray[np.float64],
    order: Order,
    limit: int,
    adds: bool,
) -> list[dict[str, Any]]:
    numbers = values[known]
    sign = -1.0 if order == "desc" else 1.0
    first = np.argsort(sign * numbers, kind="stable")[:limit]
    ascending = np.sort(sign * numbers)
    before = np.searchsorted(ascending, sign * numbers[first], side="left")
    ties = np.searchsorted(ascending, sign * numbers[first], side="right") - before
    # Where some emit and some remove, parts of the sum would say nothing.
    one_sign = adds and len(numbers) > 0 and (numbers.min() >= 0 or numbers.max() <= 0)
    total = float(numbers.sum()) if one_sign else 0.0
    chosen = known[first]
    place = np.argsort(chosen, kind="stable")
    flags = ["held"] if "held" in info.columns else []
    rows = edition.rows(info.id, year, chosen[place], ["id", *flags])
    back = np.argsort(place, kind="stable").tolist()
    ids = [rows["id"][k].as_py() for k in back]
    held = [bool(rows["held"][k].as_py()) if flags else False for k in back]
    names = item_names(edition, info, year, ids)
    return [
        {
            "rank": int(before[k]) + 1,
            "ties": int(ties[k]),
            "id": ids[k],
            "name": names[k],
            "value": float(values[chosen[k]]),
            "percent_of_total": 100 * float(values[chosen[k]]) / total if total else None,
            "held": held[k],
        }
        for k in range(len(ids))
    ]


def _adds(column: str) -> bool:
    """Whether values of a column add up over items: emissions, people and area do, deviations and shares do not."""
    return column in ("population", "area_ha") or (column.endswith("_tco2e") and not column.endswith("_sd_tco2e"))


def _within(edition: Edition, info: Collection, year: int, parent: str) -> NDArray[np.int64]:
    """Positions of the items within one of the parent collection."""
    if info.parent is None:
        raise InvalidParameter(f"parent: collection {info.id!r} has no parent, expected none")
    coarser = edition.collection(info.parent)
    page = edition.item(coarser.id, edition.year(coarser.id, year), parent)  # refuses what is not there
    if info.kind != "grid":
        table = edition.table(info.id, year, ["parent_id"])
        return np.flatnonzero(np.asarray(table["parent_id"].to_numpy()) == parent)
    assert info.cell_size_m is not None
    assert info.origin_m is not None
    assert coarser.cell_size_m is not None
    assert coarser.origin_m is not None
    rows = edition.table(info.id, year, ["row", "col"])
    inside = np.ones(rows.num_rows, dtype=np.bool_)
    for name, origin, coarser_origin in zip(("col", "row"), info.origin_m, coarser.origin_m, strict=True):
        start = coarser_origin + int(page.rows[name][0].as_py()) * coarser.cell_size_m
        at = origin + rows[name].to_numpy().astype(np.int64) * info.cell_size_m
        inside &= (at >= start) & (at < start + coarser.cell_size_m)
    return np.flatnonzero(inside)
