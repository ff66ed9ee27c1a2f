"""Items of a collection in the order of a column: which rank, of how many, and how much of the whole."""

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from numpy.typing import NDArray

from api.answers import dumped, labels, of_edition, unchanged
from api.errors import InvalidParameter
from api.measures import Unit, holds_emissions, measured, terms_of
from api.params import CollectionParam, ComposedId, OpenedParam, YearParam, only
from api.question_models import RankingOut
from api.turns import reading
from grids.edition import Edition
from grids.gazetteer import item_names
from grids.manifest import Collection
from grids.store_errors import ItemNotFound

router = APIRouter(tags=["questions"], prefix="/{region}/collections/{collection}/ranking")

MOST_RANKED = 1_000

Order = Literal["desc", "asc"]


@router.get(
    "",
    response_model=RankingOut,
    dependencies=[Depends(only("edition", "year", "column", "unit", "order", "limit", "parent", "item"))],
)
async def ranking(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    year: YearParam,
    column: Annotated[str, Query(description="a column of numbers, e.g. net_tco2e")],
    unit: Annotated[Unit, Query(description="t as it is; or divided by hectares or by people")] = "t",
    order: Annotated[Order, Query(description="the greatest or the least first")] = "desc",
    limit: Annotated[int, Query(description="items to answer with at most", ge=1, le=MOST_RANKED)] = 20,
    parent: Annotated[
        ComposedId | None, Query(description="only items within this item of the collection's parent; peers are those")
    ] = None,
    item: Annotated[ComposedId | None, Query(description="an item whose own rank is told, wherever it stands")] = None,
) -> Response:
    """Rank items by a column. Items of equal value share a rank, and the next one counts all before it."""
    terms = terms_of(collection, column, unit)
    edition = opened.edition

    def body() -> bytes:
        values = measured(opened, collection, year, terms, unit)
        peers = np.arange(len(values)) if parent is None else _within(edition, collection, year, parent)
        known = peers[~np.isnan(values[peers])]
        standing = _Standing(edition, collection, year, known, values, order, unit == "t" and _adds(column))
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
            "ranked": standing.first(limit),
            "item": None if item is None else standing.of(item, peers, parent),
            **labels(edition.manifest),
        }
        return dumped(document)

    known = unchanged(request, opened)
    return known if known is not None else await reading(request, lambda: of_edition(request, opened, body))


class _Standing:
    """Who stands where among the items whose value is known."""

    def __init__(
        self,
        edition: Edition,
        info: Collection,
        year: int,
        known: NDArray[np.int64],
        values: NDArray[np.float64],
        order: Order,
        adds: bool,
    ) -> None:
        self._edition, self._info, self._year = edition, info, year
        self._known, self._values = known, values
        self._sign = -1.0 if order == "desc" else 1.0
        numbers = values[known]
        self._ascending = np.sort(self._sign * numbers)
        # Where some emit and some remove, parts of the sum would say nothing.
        one_sign = adds and len(numbers) > 0 and (numbers.min() >= 0 or numbers.max() <= 0)
        self._total = float(numbers.sum()) if one_sign else 0.0

    def first(self, limit: int) -> list[dict[str, Any]]:
        """The first items, in order."""
        first = np.argsort(self._sign * self._values[self._known], kind="stable")[:limit]
        return self._told(self._known[first])

    def of(self, item: str, peers: NDArray[np.int64], parent: str | None) -> dict[str, Any] | None:
        """One item, or None if its value is not known."""
        position = int(self._edition.positions(self._info.id, self._year, [item])[0])
        if position < 0 or position not in peers:
            where = f"collection {self._info.id!r} of region {self._edition.region.id!r}"
            within = "" if parent is None else f" within {parent[:80]!r}"
            raise ItemNotFound(f"{where} has no item {item[:80]!r}{within} in {self._year}")
        if np.isnan(self._values[position]):
            return None
        return self._told(np.array([position]))[0]

    def _told(self, chosen: NDArray[np.int64]) -> list[dict[str, Any]]:
        signed = self._sign * self._values[chosen]
        before = np.searchsorted(self._ascending, signed, side="left")
        ties = np.searchsorted(self._ascending, signed, side="right") - before
        place = np.argsort(chosen, kind="stable")
        flags = ["held"] if "held" in self._info.columns else []
        rows = self._edition.rows(self._info.id, self._year, chosen[place], ["id", *flags])
        back = np.argsort(place, kind="stable").tolist()
        ids = [rows["id"][k].as_py() for k in back]
        held = [bool(rows["held"][k].as_py()) if flags else False for k in back]
        names = item_names(self._edition, self._info, self._year, ids)
        return [
            {
                "rank": int(before[k]) + 1,
                "ties": int(ties[k]),
                "id": ids[k],
                "name": names[k],
                "value": float(self._values[chosen[k]]),
                "percent_of_total": 100 * float(self._values[chosen[k]]) / self._total if self._total else None,
                "held": held[k],
            }
            for k in range(len(ids))
        ]


def _adds(column: str) -> bool:
    """Whether values of a column add up over items: emissions, people and area do, deviations and shares do not."""
    return column in ("population", "area_ha") or holds_emissions(column)


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
