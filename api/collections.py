"""Which collections a region has, and how the values of a column are spread."""

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from numpy.typing import NDArray

from api.answers import (
    OGC,
    PAGE,
    TILE_MATRIX_SET,
    Links,
    alternates,
    dumped,
    labels,
    link,
    of_edition,
    preferred,
    spoken,
)
from api.crs import CRS84, offered, storage
from api.errors import InvalidParameter
from api.formats import DOCUMENT, HTML, ITEMS, JSON, SCHEMA, chosen
from api.models import CollectionOut, Collections, Distribution
from api.pages import html_page, page_language
from api.params import CollectionParam, FormatParam, Opened, OpenedParam, SettingsParam, YearParam, only
from api.times import interval
from api.words import WORDS
from grids.manifest import Collection
from grids.tiles import zooms

router = APIRouter(tags=["collections"], prefix="/{region}/collections")

GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
QUANTILES = np.linspace(0, 1, 21)

Unit = Literal["t", "t_per_ha", "t_per_person"]
_DIVISORS = {"t_per_ha": "area_ha", "t_per_person": "population"}


@router.get("", response_model=Collections, responses=PAGE, dependencies=[Depends(only("edition", "f"))])
def collections(request: Request, opened: OpenedParam, settings: SettingsParam, f: FormatParam = None) -> Response:
    """List the region's collections: grids, zone sets and hexagons."""
    links, form, region = Links(request, settings), chosen(request, DOCUMENT), opened.edition.region.id

    def body() -> bytes:
        described = [_described(request, links, opened, info) for info in opened.edition.manifest.collections]
        listed = alternates(links, request, form, DOCUMENT, region, "collections")
        document = {"collections": described, "links": listed}
        if form is JSON:
            return dumped(document)
        title = WORDS[page_language(request)]["collections"]
        return html_page("collections.html", request, settings, opened, title, listed, document=document)

    return of_edition(request, opened, body, form.media_type, spoken(request, opened))


@router.get("/{collection}", response_model=CollectionOut, responses=PAGE, dependencies=[Depends(only("edition", "f"))])
def collection(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    settings: SettingsParam,
    f: FormatParam = None,
) -> Response:
    """Describe one collection."""
    links, form = Links(request, settings), chosen(request, DOCUMENT)

    def body() -> bytes:
        document = _described(request, links, opened, collection)
        if form is JSON:
            return dumped(document)
        trail = [(WORDS[page_language(request)]["collections"], ("collections",))]
        title, listed = document["title"], document["links"]
        return html_page("collection.html", request, settings, opened, title, listed, trail, document=document)

    return of_edition(request, opened, body, form.media_type, spoken(request, opened))


@router.get(
    "/{collection}/distribution",
    response_model=Distribution,
    dependencies=[Depends(only("edition", "year", "column", "unit"))],
)
def distribution(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    year: YearParam,
    column: Annotated[str, Query(description="a column of numbers, e.g. net_tco2e")],
    unit: Annotated[Unit, Query(description="t as it is; or divided by hectares or by people")] = "t",
) -> Response:
    """Say how a column's values are spread, for class breaks: 21 quantiles, 0 to 100 % by 5 %."""
    check_column(collection, column, unit)

    def body() -> bytes:
        values = column_values(opened, collection, year, column, unit)
        known = values[~np.isnan(values)]
        quantiles = np.quantile(known, QUANTILES).tolist() if len(known) else []
        return dumped(
            {
                "collection": collection.id,
                "year": year,
                "column": column,
                "unit": unit,
                "count": len(known),
                "nulls": len(values) - len(known),
                "min": quantiles[0] if quantiles else None,
                "max": quantiles[-1] if quantiles else None,
                "quantiles": quantiles,
                **labels(opened.edition.manifest),
            }
        )

    return of_edition(request, opened, body)


def check_column(collection: Collection, column: str, unit: Unit) -> None:
    """Refuse a column that the collection does not have, and a unit that it cannot be given in.

    Raises:
        InvalidParameter: names the parameter and what was expected.
    """
    if column not in collection.columns:
        raise InvalidParameter(
            f"column: collection {collection.id!r} has no column {column[:80]!r}; "
            f"it has {', '.join(collection.columns)}"
        )
    divisor = _DIVISORS.get(unit)
    if divisor is not None and not column.endswith("_tco2e"):
        raise InvalidParameter(f"unit: {unit} needs a column of emissions (..._tco2e), got {column!r}; expected t")
    if divisor is not None and divisor not in collection.columns:
        raise InvalidParameter(f"unit: collection {collection.id!r} has no column {divisor} for {unit}; expected t")


def column_values(opened: Opened, collection: Collection, year: int, column: str, unit: Unit) -> NDArray[np.float64]:
    """Return (rows,) a column's values in a unit, NaN where unknown.

    Raises:
        InvalidParameter: a column that holds no numbers.
    """
    divisor = _DIVISORS.get(unit)
    rows = opened.edition.table(collection.id, year, list(dict.fromkeys([column, divisor or column])))
    kind = rows.schema.field(column).type
    if str(kind) in ("string", "bool"):
        raise InvalidParameter(f"column: {column!r} holds {kind} values, expected a column of numbers")
    values: NDArray[np.float64] = rows[column].to_numpy().astype(np.float64)
    if divisor is None:
        return values
    by = rows[divisor].to_numpy().astype(np.float64)
    # Where nobody lives, tonnes per person are unknown rather than infinite.
    return np.asarray(np.divide(values, by, out=np.full_like(values, np.nan), where=by > 0))


def _described(request: Request, links: Links, opened: Opened, info: Collection) -> dict[str, Any]:
    edition = opened.edition
    region, pin = edition.region.id, edition.id if opened.pinned else None
    least, greatest = zooms(info)
    at = (region, "collections", info.id)
    stored = storage(edition)
    extent: dict[str, Any] = {"temporal": {"interval": [interval(info.years)], "trs": GREGORIAN}} if info.years else {}
    if info.bbox:
        extent["spatial"] = {"bbox": [info.bbox], "crs": CRS84}
    return {
        "id": info.id,
        "title": preferred(request, info.title)[1],
        "titles": info.title,
        "kind": info.kind,
        "level": info.level,
        "parent": info.parent,
        "cell_size_m": info.cell_size_m,
        "resolution": info.resolution,
        "zone_kind": info.zone_kind,
        "years": info.years,
        "sectors": [sector for sector in edition.manifest.sectors if f"{sector}_tco2e" in info.columns],
        "columns": info.columns,
        "count": info.count,
        "bbox": info.bbox,
        "extent": extent or None,
        "minzoom": least,
        "maxzoom": greatest,
        "itemType": "feature",
        "crs": [known.uri for known in offered(edition)],
        **({"storageCrs": stored.uri} if stored is not None else {}),
        **labels(edition.manifest),
        "links": [
            # Addresses of its own, wherever the description stands.
            link("self", links.address(*at, edition=pin), JSON.media_type, title="JSON"),
            link("alternate", links.address(*at, f="html", edition=pin), HTML.media_type, title="HTML"),
            *(
                link("items", links.address(*at, "items", f=form.name, edition=pin), form.media_type, title=form.title)
                for form in ITEMS
            ),
            link(
                f"{OGC}/queryables",
                links.address(*at, "queryables", edition=pin),
                SCHEMA.media_type,
                title="queryables",
            ),
            link(f"{OGC}/schema", links.address(*at, "schema", edition=pin), SCHEMA.media_type, title="columns"),
            link(f"{OGC}/tilesets-vector", links.address(*at, "tiles", TILE_MATRIX_SET, edition=pin)),
        ],
    }
