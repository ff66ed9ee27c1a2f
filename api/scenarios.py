"""What if: which measures there are, and what a scenario that is sent along changes. Nothing is saved here."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.answers import JSON, Links, dumped, labels, link, of_edition
from api.drawn import read_drawn
from api.errors import InvalidParameter
from api.formats import GEOJSON, TILEJSON, GeoJson
from api.params import ComposedId, Opened, OpenedParam, SettingsParam, only
from api.result_places import ResultPlaces
from api.scenario_answers import MOST_ITEMS, area_answer, items_answer, result_answer
from api.scenario_models import AreaOut, MeasuresOut, PlacesOut, ResultOut
from api.scenario_runs import (
    MOST_CELLS,
    MOST_DOCUMENT_BYTES,
    MOST_FORMS,
    MOST_MEASURES,
    MOST_ROADS,
    MOST_SAMPLES,
    MOST_WORK,
    Asked,
    grid_of,
    item_polygons,
    read_document,
)
from api.settings import Settings
from api.statistics import MOST_IDS, body_of
from api.statistics import read_document as read_object
from api.styles import STYLE
from api.tilesets import TILES
from api.told_notes import in_language, note_headers, note_language, parameter_in
from api.turns import running
from scenarios.effects import STAGES
from scenarios.measures import measure_kinds
from scenarios.parameters import shipped_parameters
from scenarios.result import Indicators
from scenarios.scenario import ROADS, Scenario
from scenarios.stops import KIND as STOPS
from scenarios.words import shipped_words

router = APIRouter(tags=["scenarios"], prefix="/{region}/scenarios")

EXAMPLE = {"year": 2040, "measures": [{"id": "pumps", "kind": "heat_pump", "level": 0.5}]}
SCENARIO_BODY = {
    "requestBody": {
        "required": True,
        "description": "a scenario; its JSON Schema is the `document` of /scenarios/measures",
        "content": {JSON: {"schema": {"type": "object", "example": EXAMPLE}}},
    }
}
ASKED = ("edition", "collection", "year", "samples")
GridAsked = Annotated[
    str | None, Query(alias="collection", description="a grid to start from; the one nearest to 500 m if not given")
]
YearAsked = Annotated[
    int | None, Query(alias="year", description="of the baseline; the latest if not given", ge=1, le=9999)
]
SamplesAsked = Annotated[int, Query(description="for 90 % intervals; 0 for none", ge=0, le=MOST_SAMPLES)]
OfAsked = Annotated[
    str | None, Query(description="id of the collection whose cells or zones are told; the grid itself if not given")
]
LimitAsked = Annotated[int, Query(ge=1, le=MOST_ITEMS)]
OffsetAsked = Annotated[int, Query(ge=0, le=100_000_000)]


async def scenario_body(request: Request) -> bytes:
    """Return the body of a request with a scenario.

    Raises:
        InvalidParameter: it is larger than what is taken, whatever of it is the scenario.
    """
    body = await body_of(request)
    if len(body) > MOST_DOCUMENT_BYTES:
        raise InvalidParameter(f"body: got {len(body)} bytes, at most {MOST_DOCUMENT_BYTES} are taken for a scenario")
    return body


ScenarioBody = Annotated[bytes, Depends(scenario_body)]


@router.get("/measures", response_model=MeasuresOut, dependencies=[Depends(only("edition"))])
def scenario_measures(request: Request, opened: OpenedParam) -> Response:
    """List kinds of measures with units, defaults, limits, ranges, sources and confidence of their parameters."""
    language, words = note_language(request), shipped_words()

    def body() -> bytes:
        known = shipped_parameters()
        kinds = [
            {
                "kind": one.kind,
                "name": words.name("measure", one.kind, language),
                "stage": one.stage,
                "sector": one.sector,
                "unit": one.unit,
                "unit_text": words.name("unit", one.unit, language),
                "about": words.text(one.about, language),
                "needs_process": one.kind in ROADS,
                "parameters": one.parameters,
                "scenario_parameters": one.shared,
                "document": one.schema,
            }
            for one in measure_kinds()
        ]
        limits = {
            "measures": MOST_MEASURES,
            "forms": MOST_FORMS,
            "roads": MOST_ROADS,
            "samples": MOST_SAMPLES,
            "cells": MOST_CELLS,
            "document_bytes": MOST_DOCUMENT_BYTES,
            "items": MOST_ITEMS,
            "cells_forms_samples_sets": MOST_WORK,
        }
        return dumped(
            {
                "stages": STAGES,
                "stage_names": {name: words.name("stage", name, language) for name in STAGES},
                "indicators": {one.name: words.name("indicator", one.name, language) for one in fields(Indicators)},
                "measures": kinds,
                "parameters": [
                    {**parameter_in(one.record(), language), "unit_text": words.name("unit", one.unit, language)}
                    for one in known.items.values()
                ],
                "elasticities": known.elasticities,
                "limits": limits,
                "stops": opened.edition.context_count(STOPS),
                "document": Scenario.model_json_schema(),
                **labels(opened.edition.manifest),
            }
        )

    return of_edition(request, opened, body, headers=note_headers(language))


@router.post(
    "/results", response_model=ResultOut, openapi_extra=SCENARIO_BODY, dependencies=[Depends(only(*ASKED))]
)  # fmt: skip
async def scenario_result(
    request: Request,
    opened: OpenedParam,
    settings: SettingsParam,
    body: ScenarioBody,
    collection: GridAsked = None,
    year: YearAsked = None,
    samples: SamplesAsked = 0,
) -> Response:
    """Run the scenario of the body and say what it changes in all."""

    def made() -> bytes:
        asked = asked_of(opened, read_document(body), collection, year, samples)
        return dumped(told_result(request, settings, opened, asked))

    return unkept(await running(request, made), headers=note_headers(note_language(request)))


@router.post(
    "/results/items",
    response_model=PlacesOut,
    response_class=GeoJson,
    openapi_extra=SCENARIO_BODY,
    dependencies=[Depends(only(*ASKED, "of", "limit", "offset"))],
)
async def scenario_result_items(
    request: Request,
    opened: OpenedParam,
    body: ScenarioBody,
    collection: GridAsked = None,
    year: YearAsked = None,
    samples: SamplesAsked = 0,
    of: OfAsked = None,
    limit: LimitAsked = 1000,
    offset: OffsetAsked = 0,
) -> Response:
    """Run the scenario of the body and give its cells, or zones, as GeoJSON."""

    def made() -> bytes:
        asked = asked_of(opened, read_document(body), collection, year, samples)
        return items_page(request, opened, asked, of, limit, offset)

    return unkept(await running(request, made), GEOJSON.media_type, note_headers(note_language(request)))


@router.post(
    "/results/statistics",
    response_model=AreaOut,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "`scenario`, and `area`: a GeoJSON Polygon or MultiPolygon in WGS 84, a Feature of one, or "
            "a collection and ids of it",
            "content": {
                JSON: {
                    "schema": {
                        "type": "object",
                        "example": {"scenario": EXAMPLE, "area": {"collection": "municipality", "ids": ["west"]}},
                    }
                }
            },
        }
    },
    dependencies=[Depends(only(*ASKED))],
)
async def scenario_result_statistics(
    request: Request,
    opened: OpenedParam,
    body: ScenarioBody,
    collection: GridAsked = None,
    year: YearAsked = None,
    samples: SamplesAsked = 0,
) -> Response:
    """Run the scenario of the body and add up what it changes in an area."""

    def made() -> bytes:
        document = read_object(body)
        unknown = sorted(set(document) - {"scenario", "area"})
        scenario, area = document.get("scenario"), document.get("area")
        if unknown or not isinstance(scenario, dict) or not isinstance(area, dict):
            raise InvalidParameter(
                "body: expected an object with `scenario` and `area`, both objects, and nothing else"
            )
        asked = asked_of(opened, read_document(scenario), collection, year, samples)
        return dumped(area_result(request, opened, asked, area))

    return unkept(await running(request, made), headers=note_headers(note_language(request)))


def area_result(request: Request, opened: Opened, asked: Asked, area: dict[str, Any]) -> dict[str, Any]:
    """What a result says of a polygon, or of items of a collection, in the language of the request.

    Raises:
        InvalidParameter: neither of them, or a polygon that cannot be used.
        CollectionNotFound, ItemNotFound: there is no such place.
    """
    edition, places, language = opened.edition, places_of(request), note_language(request)
    name = hashlib.sha256(dumped(area)).hexdigest()
    if "ids" not in area:
        told = area_answer(edition, asked, places, name, [read_drawn(area, edition).shape])
        return in_language(told, "scenario", language)
    collection, ids = area.get("collection"), area["ids"]
    if set(area) != {"collection", "ids"} or not isinstance(collection, str):
        raise InvalidParameter("area: expected a collection and ids of it")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise InvalidParameter(f"area: `ids` is expected to be a list of 1 to {MOST_IDS} texts")
    told = area_answer(edition, asked, places, name, item_polygons(edition, collection, asked.year, ids))
    return in_language(told, "scenario", language)


def listed_ids(ids: ComposedId) -> list[str]:
    """Ids as they stand in an address, separated by commas."""
    return ids.split(",")


def asked_of(
    opened: Opened, scenario: Scenario, collection: str | None, year: int | None, samples: int
) -> Asked:  # fmt: skip
    """What a request asks of a scenario, with the grid and year that it leaves open."""
    grid = grid_of(opened.edition, collection)
    return Asked(scenario, grid, opened.edition.year(grid, year), samples)


def told_result(request: Request, settings: Settings, opened: Opened, asked: Asked) -> dict[str, Any]:
    """Run a scenario, remember it, and say what it changes in all and where its places are."""
    edition, places = opened.edition, places_of(request)
    result = places.runs.result(edition, asked)
    remembered = places.kept.note(edition.region.id, asked)
    where = edition.region.id, edition.id
    links = result_links(Links(request, settings), where, asked.digest) if remembered else []
    told = in_language(result_answer(edition, asked, result), "scenario", note_language(request))
    return {**told, "links": links}


def items_page(
    request: Request, opened: Opened, asked: Asked, of: str | None, limit: int, offset: int
) -> bytes:  # fmt: skip
    """A page of a result's cells or zones as GeoJSON, with links to the page itself and its neighbours.

    Links name the result by its digest and the edition, so that the pages of one walk always fit, whatever is saved or
    published meanwhile. A result that cannot be remembered has none.
    """
    edition, places = opened.edition, places_of(request)
    settings: Settings = request.app.state.settings
    collection = of or asked.collection
    path = (edition.region.id, "scenarios", "results", asked.digest, "items")

    def at(start: int) -> str:
        links = Links(request, settings)
        return links.address(*path, of=collection, limit=limit, offset=start or None, edition=edition.id)

    remembered = places.kept.note(edition.region.id, asked)
    told = items_answer(edition, asked, places, collection, limit, offset, at if remembered else None)
    return dumped(in_language(told, "scenario", note_language(request)))


def result_links(links: Links, where: tuple[str, str], digest: str) -> list[dict[str, Any]]:
    """Return links to what is told of a result that is remembered.

    Args:
        links: makes addresses.
        where: region and edition.
        digest: of the result.
    """
    region, edition = where
    path = (region, "scenarios", "results", digest)
    tiles = links.address(*path, raw=TILES, f="tilejson", edition=edition)
    return [
        link("tiles", tiles, TILEJSON.media_type, title="tiles of its cells"),
        link("items", links.address(*path, "items", edition=edition), title="its cells"),
        link("stylesheet", links.address(*path, "style", edition=edition), STYLE, title="change of all sectors"),
    ]


def places_of(request: Request) -> ResultPlaces:
    """Return what makes values of places of results, for the application."""
    places: ResultPlaces = request.app.state.places
    return places


def unkept(body: bytes, media_type: str = JSON, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with what nobody on the way may keep: it depends on a body, or on an id that is a secret."""
    return Response(body, media_type=media_type, headers={"Cache-Control": "no-store", **(headers or {})})
