"""Which regions there are, and each one's landing page, conformance and manifest."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from api.answers import JSON, TILE_MATRIX_SET, Links, answer, dumped, labels, link, of_edition, preferred
from api.errors import log
from api.models import Conformance, Health, Landing, Region
from api.params import OpenedParam, SettingsParam, StoreParam, only
from grids.edition import Edition, Store
from grids.store_errors import EditionError

router = APIRouter(tags=["regions"])

CONFORMANCE = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
]


@router.get("/health", response_model=Health, dependencies=[Depends(only())])
def health(store: StoreParam) -> Response:
    """Say how many regions can be served."""
    editions, broken = whole_editions(store)
    document: dict[str, Any] = {"status": "degraded" if broken else "ok", "regions": len(editions)}
    if broken:
        document["broken"] = broken
    return Response(dumped(document), media_type=JSON, headers={"Cache-Control": "no-store"})


@router.get("/regions", response_model=list[Region], dependencies=[Depends(only())])
def regions(request: Request, store: StoreParam) -> Response:
    """List the regions that are served now; one whose edition is damaged is left out and named by /api/health."""
    editions, broken = whole_editions(store)
    of = ",".join([*(f"{edition.region.id}/{edition.id}" for edition in editions), *broken])
    return answer(request, lambda: dumped([_described(edition) for edition in editions]), of=of)


@router.get("/{region}", include_in_schema=False, dependencies=[Depends(only("edition"))])
@router.get("/{region}/", response_model=Landing, dependencies=[Depends(only("edition"))])
def landing(request: Request, opened: OpenedParam, settings: SettingsParam) -> Response:
    """Start here: what the region is and where its data are."""
    links, region = Links(request, settings), opened.edition.region
    pin = opened.edition.id if opened.pinned else None
    language, title = preferred(request, region.name)

    def body() -> bytes:
        listed = [
            link("self", links.address(region.id, raw="/", edition=pin)),
            link("service-desc", links.address("openapi.json"), "application/vnd.oai.openapi+json;version=3.1"),
            link("conformance", links.address(region.id, "conformance")),
            link("data", links.address(region.id, "collections", edition=pin)),
            link("describedby", links.address(region.id, "manifest", edition=pin), title="how this edition was made"),
            link(
                "tiles", links.address(region.id, "context", "tiles", TILE_MATRIX_SET, edition=pin), title="background"
            ),
        ]
        return dumped({**_described(opened.edition), "title": title, "links": listed})

    return of_edition(request, opened, body, headers={"Vary": "Accept-Language", "Content-Language": language})


@router.get("/{region}/conformance", response_model=Conformance, dependencies=[Depends(only("edition"))])
def conformance(request: Request, opened: OpenedParam) -> Response:
    """Say which parts of OGC API the server meets."""
    return of_edition(request, opened, lambda: dumped({"conformsTo": CONFORMANCE}))


@router.get("/{region}/manifest", dependencies=[Depends(only("edition"))])
def manifest(request: Request, opened: OpenedParam) -> Response:
    """Say how the edition was made: inputs, factors, assumptions, layers, residuals, totals, code."""
    return of_edition(request, opened, lambda: dumped(opened.edition.manifest.public()))


def whole_editions(store: Store) -> tuple[list[Edition], list[str]]:
    """Return the current edition of every region that has a whole one, and the ids of those that do not."""
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
        **labels(edition.manifest),
    }
