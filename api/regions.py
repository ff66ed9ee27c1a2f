"""Which regions there are, and each one's landing page, conformance and manifest."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from api.answers import (
    OGC,
    PAGE,
    Links,
    alternates,
    answer,
    dumped,
    labels,
    link,
    of_edition,
    preferred,
    spoken,
)
from api.errors import log
from api.formats import DOCUMENT, HTML, OPENAPI, chosen
from api.models import Landing, Region
from api.pages import html_page
from api.params import FormatParam, OpenedParam, SettingsParam, StoreParam, only
from grids.edition import Edition, Store
from grids.store_errors import EditionError

router = APIRouter(tags=["regions"])


@router.get("/regions", response_model=list[Region], dependencies=[Depends(only())])
def regions(request: Request, store: StoreParam) -> Response:
    """List the regions that are served now; one whose edition is damaged is left out and named by /api/health."""
    editions, broken = whole_editions(store)
    of = ",".join([*(f"{edition.region.id}/{edition.id}" for edition in editions), *broken])
    return answer(request, lambda: dumped([_listed(edition) for edition in editions]), of=of)


@router.get("/{region}", include_in_schema=False, dependencies=[Depends(only("edition", "f"))])
@router.get("/{region}/", response_model=Landing, responses=PAGE, dependencies=[Depends(only("edition", "f"))])
def landing(request: Request, opened: OpenedParam, settings: SettingsParam, f: FormatParam = None) -> Response:
    """Start here: what the region is and where its data are."""
    links, region, form = Links(request, settings), opened.edition.region, chosen(request, DOCUMENT)
    pin = opened.edition.id if opened.pinned else None
    _, title = preferred(request, region.name)

    def body() -> bytes:
        described = "how this edition was made"
        listed = [
            *alternates(links, request, form, DOCUMENT, region.id, raw="/"),
            link("service-desc", links.address(region.id, "api"), OPENAPI.media_type, title="API definition"),
            link("service-doc", links.address(region.id, "api", f="html"), HTML.media_type, title="API definition"),
            link("conformance", links.address(region.id, "conformance"), title="conformance"),
            link("data", links.address(region.id, "collections", edition=pin), title="collections"),
            link("describedby", links.address(region.id, "manifest", edition=pin), title=described),
            link("related", links.address(region.id, "downloads", edition=pin), title="downloads"),
            link("version-history", links.address(region.id, "editions"), title="editions"),
            link(f"{OGC}/tilesets-vector", links.address(region.id, "grid-auto", "tiles", edition=pin), title="cells"),
            link(
                f"{OGC}/tilesets-vector", links.address(region.id, "context", "tiles", edition=pin), title="background"
            ),
            link(f"{OGC}/processes", links.address(region.id, "processes"), title="processes"),
            link(f"{OGC}/job-list", links.address(region.id, "jobs"), title="jobs of a key"),
            link(f"{OGC}/styles", links.address(region.id, "styles", edition=pin), title="styles"),
            link(f"{OGC}/tiling-schemes", links.address("tileMatrixSets"), title="tile matrix sets"),
        ]
        document = {**_described(opened.edition), "title": title, "links": listed}
        if form is HTML:
            return html_page("landing.html", request, settings, opened, title, listed, document=document)
        return dumped(document)

    return of_edition(request, opened, body, form.media_type, spoken(request, opened))


@router.get("/{region}/manifest", dependencies=[Depends(only("edition"))])
def manifest(request: Request, opened: OpenedParam) -> Response:
    """Say how the edition was made: inputs, factors, assumptions, layers, residuals, totals, code."""
    return of_edition(request, opened, lambda: dumped(opened.edition.manifest.public()))


def whole_editions(store: Store) -> tuple[list[Edition], list[str]]:
    """Return the current edition of every region that has a whole one, and the ids of those that do not.

    Raises:
        StoreLost: the store's folder cannot be read.
    """
    editions, broken = [], []
    for region in store.regions():
        try:
            editions.append(store.open(region))
        except EditionError as error:
            log.warning("region %s cannot be served: %s", region, error)
            broken.append(region)
    return editions, broken


def _described(edition: Edition) -> dict[str, Any]:
    region = edition.region
    return {
        "id": region.id,
        "name": region.name,
        "languages": region.languages,
        "bbox": region.bbox,
        "years": region.years,
        "currency": region.currency,
        **labels(edition.manifest),
    }


def _listed(edition: Edition) -> dict[str, Any]:
    below = edition.region.base_map
    return {**_described(edition), "base_map": below.model_dump() if below else None}
