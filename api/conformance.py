"""Which conformance classes of OGC API the server meets; a class stands here only if `test_conformance` asks for it."""

from fastapi import APIRouter, Depends, Request, Response

from api.answers import PAGE, Links, alternates, dumped, of_edition, spoken
from api.formats import DOCUMENT, HTML, chosen
from api.models import Conformance
from api.pages import html_page, page_language
from api.params import FormatParam, OpenedParam, SettingsParam, only
from api.words import WORDS

router = APIRouter(tags=["regions"], prefix="/{region}/conformance")

_SPEC = "http://www.opengis.net/spec"
CONFORMANCE = [
    f"{_SPEC}/ogcapi-common-1/1.0/conf/core",
    *(f"{_SPEC}/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson", "html", "oas30")),
    f"{_SPEC}/ogcapi-features-2/1.0/conf/crs",
    *(
        f"{_SPEC}/ogcapi-features-3/1.0/conf/{name}"
        for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"{_SPEC}/cql2/1.0/conf/{name}"
        for name in (
            *("cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators"),
            *("case-insensitive-comparison", "accent-insensitive-comparison"),
            *("basic-spatial-functions", "basic-spatial-functions-plus", "spatial-functions"),
            *("property-property", "arithmetic"),
        )
    ),
    *(
        f"{_SPEC}/ogcapi-tiles-1/1.0/conf/{name}"
        for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt", "oas30")
    ),
    *(
        f"{_SPEC}/ogcapi-processes-1/1.0/conf/{name}"
        for name in ("core", "ogc-process-description", "json", "oas30", "job-list", "dismiss")
    ),
    *(f"{_SPEC}/tms/2.0/conf/{name}" for name in ("tilematrixset", "json-tilematrixset")),
]


@router.get("", response_model=Conformance, responses=PAGE, dependencies=[Depends(only("edition", "f"))])
def conformance(request: Request, opened: OpenedParam, settings: SettingsParam, f: FormatParam = None) -> Response:
    """Say which parts of OGC API the server meets."""
    form, links = chosen(request, DOCUMENT), Links(request, settings)

    def body() -> bytes:
        if form is not HTML:
            return dumped({"conformsTo": CONFORMANCE})
        listed = alternates(links, request, form, DOCUMENT, opened.edition.region.id, "conformance")
        title = WORDS[page_language(request)]["conformance"]
        entries = [(uri, uri) for uri in CONFORMANCE]
        return html_page("links.html", request, settings, opened, title, listed, entries=entries)

    return of_edition(request, opened, body, form.media_type, spoken(request, opened))
