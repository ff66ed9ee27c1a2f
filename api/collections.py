"""Which collections a region has, and how the values of a column are spread."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from numpy.typing import NDArray

from api.answers import (
    OGC,
    PAGE,
    Links,
    alternates,
    dumped,
    labels,
    link,
    of_edition,
    preferred,
    spoken,
    unchanged,
)
from api.auto_grid import grid_bands
from api.crs import CRS84, offered, storage
from api.formats import DOCUMENT, HTML, ITEMS, JSON, SCHEMA, chosen
from api.measures import Term, Unit, measured, measured_beside, terms_of
from api.models import CollectionOut, Collections, Distribution
from api.pages import html_page, page_language
from api.params import (
    CollectionParam,
    FormatParam,
    Opened,
    OpenedParam,
    SettingsParam,
    StoreParam,
    YearParam,
    edition_named,
    only,
)
from api.times import interval
from api.turns import reading
from api.words import WORDS
from grids.edition import Edition
from grids.manifest import Collection
from grids.tiles import zooms

router = APIRouter(tags=["collections"], prefix="/{region}/collections")

GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
# Fewer are too coarse for classes; more say nothing that a histogram could show.
FEWEST_QUANTILES, USUAL_QUANTILES, MOST_QUANTILES = 2, 21, 401


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
    dependencies=[
        Depends(
            only("edition", "year", "column", "unit", "quantiles", "profile", "less", "less_column", "less_edition")
        )
    ],
)
async def distribution(
    request: Request,
    store: StoreParam,
    opened: OpenedParam,
    collection: CollectionParam,
    year: YearParam,
    column: Annotated[
        str,
        Query(
            description="a column of numbers, e.g. net_tco2e; several of emissions, with commas between them, "
            "are added, and a*b is the part of emissions a that share b says: buildings_tco2e*buildings_metered_share"
        ),
    ],
    unit: Annotated[Unit, Query(description="t as it is; or divided by hectares or by people")] = "t",
    quantiles: Annotated[
        int, Query(description="how many quantiles, in equal steps", ge=FEWEST_QUANTILES, le=MOST_QUANTILES)
    ] = USUAL_QUANTILES,
    profile: Annotated[
        bool, Query(description="also of each of the collection's years, of the values themselves")
    ] = False,
    less: Annotated[
        int | None,
        Query(
            description="another of the collection's years, whose values are taken off place by place", ge=1, le=9999
        ),
    ] = None,
    less_column: Annotated[
        str | None, Query(description="what is taken off instead of the same column, written like `column`")
    ] = None,
    less_edition: Annotated[
        str | None, Query(description="16 hex digits: the edition of which values are taken off, place by place by id")
    ] = None,
) -> Response:
    """Say how a column's values are spread, for class breaks, or how they differ from others: year, column, edition."""
    terms = terms_of(collection, column, unit)

    def beside() -> tuple[Opened, Collection, int, tuple[Term, ...]] | None:
        """What is taken off; to open another edition reads files."""
        if less is None and less_column is None and less_edition is None:
            return None
        other = opened if less_edition is None else edition_named(store, opened.edition.region.id, less_edition)
        there = other.edition.collection(collection.id)
        taken = other.edition.year(there.id, year if less is None else less)
        named = "column" if less_column is None else "less_column"
        return other, there, taken, terms_of(there, less_column or column, unit, named)

    def body() -> bytes:
        off = beside()
        spreads = {
            one: _spread(measured(opened, collection, one, terms, unit), quantiles)
            for one in (collection.years if profile else ())
        }
        if off is not None:
            values = measured(opened, collection, year, terms, unit) - measured_beside(opened, *off, unit)
            told = _spread(values, quantiles)
        elif profile:
            told = spreads[year]
        else:
            told = _spread(measured(opened, collection, year, terms, unit), quantiles)
        return dumped(
            {
                "collection": collection.id,
                "year": year,
                "column": column,
                "unit": unit,
                "less": None if off is None else off[2],
                "less_column": less_column,
                "less_edition": less_edition,
                **told,
                "profile": [{"year": one, **spread} for one, spread in spreads.items()] if profile else None,
                **labels(opened.edition.manifest),
            }
        )

    known = unchanged(request, opened)
    return known if known is not None else await reading(request, lambda: of_edition(request, opened, body))


def _spread(values: NDArray[np.float64], quantiles: int) -> dict[str, Any]:
    """Count, range and quantiles of the values (n,) that are known."""
    known = values[~np.isnan(values)]
    steps = np.quantile(known, np.linspace(0, 1, quantiles)).tolist() if len(known) else []
    return {
        "count": len(known),
        "nulls": len(values) - len(known),
        "min": steps[0] if steps else None,
        "max": steps[-1] if steps else None,
        "quantiles": steps,
    }


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
        "auto_zooms": _auto_zooms(edition, info),
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
            link(f"{OGC}/tilesets-vector", links.address(*at, "tiles", edition=pin), title="tiles"),
        ],
    }


def _auto_zooms(edition: Edition, info: Collection) -> tuple[int, int] | None:
    """Return at which zooms a map that chooses the grid by itself draws this one: maps and tiles share one rule."""
    if info.kind != "grid" or not info.years:
        return None
    bands = (band for band in grid_bands(edition) if band.grid.id == info.id)
    return next(((band.least, band.greatest) for band in bands), None)
