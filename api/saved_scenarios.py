"""Scenarios that are saved: written by planners with a key, read and run by whoever has the link."""

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from api.answers import JSON, Links, dumped, link
from api.errors import InvalidParameter, PreconditionFailed, ScenarioChanged
from api.formats import GEOJSON, GeoJson
from api.holders import KEY_PROBLEMS, needs, note
from api.keys import KeyHolder
from api.models import Problem
from api.params import ComposedId, OpenedParam, SettingsParam, only
from api.scenario_models import AreaOut, PlacesOut, ResultOut, SavedListOut, SavedOut
from api.scenario_runs import read_document
from api.scenario_store import Saved, Scenarios
from api.scenarios import (
    ASKED,
    SCENARIO_BODY,
    GridAsked,
    LimitAsked,
    OfAsked,
    OffsetAsked,
    SamplesAsked,
    ScenarioBody,
    YearAsked,
    area_result,
    asked_of,
    items_page,
    listed_ids,
    told_result,
    unkept,
)
from api.settings import Settings
from api.told_notes import note_headers, note_language
from api.turns import running
from scenarios.scenario import Scenario

router = APIRouter(tags=["scenarios"], prefix="/{region}/scenarios")

_PROBLEMS: dict[int | str, dict[str, Any]] = KEY_PROBLEMS | {
    409: {
        "model": Problem,
        "description": "there is a later version, or as many as may be kept",
        "content": {"application/problem+json": {}},
    }
}
_STALE: dict[int | str, dict[str, Any]] = {
    412: {
        "model": Problem,
        "description": "If-Match names another version than the latest",
        "content": {"application/problem+json": {}},
    }
}
_TAG = re.compile(r'"([0-9]{1,7})"')
PlannerParam = Annotated[KeyHolder, Depends(needs("planner"))]
ScenarioId = Annotated[str, Path(alias="scenario", description="the id that saving it gave", max_length=64)]
VersionAsked = Annotated[int | None, Query(description="the latest if not given", ge=1, le=1_000_000)]

Made = TypeVar("Made")


@router.post(
    "",
    status_code=201,
    response_model=SavedOut,
    responses=_PROBLEMS,
    openapi_extra=SCENARIO_BODY,
    dependencies=[Depends(only("edition"))],
)
async def save_scenario(
    request: Request,
    opened: OpenedParam,
    settings: SettingsParam,
    holder: PlannerParam,
    body: ScenarioBody,
) -> Response:
    """Save a scenario; the answer has its id, which is all that others need to see it."""
    scenario, region = read_document(body), opened.edition.region.id

    def saved() -> Saved:
        note(request, holder, "scenario.create", region)
        return _scenarios(request).save(region, opened.edition.id, scenario, holder)

    found = await _asking(request, saved)
    told = _told(request, settings, found)
    headers = {
        "Location": Links(request, settings).address(region, "scenarios", found.id),
        "ETag": f'"{found.version}"',
    }
    return Response(dumped(told), status_code=201, media_type=JSON, headers=headers)


@router.get("", response_model=SavedListOut, responses=_PROBLEMS, dependencies=[Depends(only("edition"))])
async def own_scenarios(
    request: Request, opened: OpenedParam, settings: SettingsParam, holder: PlannerParam
) -> Response:
    """List the key's own scenarios, those saved last first."""
    found = await _asking(request, lambda: _scenarios(request).listed(opened.edition.region.id, holder))
    return unkept(dumped({"scenarios": [_told(request, settings, one) for one in found]}))


@router.get("/{scenario}", response_model=SavedOut, dependencies=[Depends(only("edition", "version"))])
async def saved_scenario(
    request: Request, opened: OpenedParam, settings: SettingsParam, name: ScenarioId, version: VersionAsked = None
) -> Response:
    """Return a version of a saved scenario: what was sent, and what may be sent again."""
    found = await _asking(request, lambda: _scenarios(request).get(opened.edition.region.id, name, version))
    return _version(request, settings, found)


@router.put(
    "/{scenario}",
    response_model=SavedOut,
    responses=_PROBLEMS | _STALE,
    openapi_extra=SCENARIO_BODY,
    dependencies=[Depends(only("edition", "follows"))],
)
async def save_next_version(
    request: Request,
    opened: OpenedParam,
    settings: SettingsParam,
    name: ScenarioId,
    holder: PlannerParam,
    body: ScenarioBody,
    follows: Annotated[
        int | None, Query(description="the version that this one was made from: the latest", ge=1, le=10**6)
    ] = None,
    if_match: Annotated[
        str | None, Header(description="the same by entity tag, as reading or saving gave it", max_length=1000)
    ] = None,
) -> Response:
    """Save the next version of one's scenario; those before it stay. `follows` or `If-Match` names what it follows."""
    scenario, region = read_document(body), opened.edition.region.id
    if follows is None and if_match is None:
        raise InvalidParameter("follows: expected the version that this one was made from, here or by If-Match")
    known = None if follows is None else frozenset({follows})
    if if_match is not None and if_match.strip() != "*":
        tagged = _tagged(if_match)
        known = tagged if known is None else known & tagged

    def saved() -> Saved:
        note(request, holder, "scenario.change", f"{region}/{_short(name)}")
        return _scenarios(request).add_version(region, name, opened.edition.id, scenario, holder, known)

    try:
        return _version(request, settings, await _asking(request, saved))
    except ScenarioChanged as error:
        if if_match is None:
            raise
        raise PreconditionFailed(f"If-Match: {error}") from error


@router.delete("/{scenario}", status_code=204, responses=_PROBLEMS, dependencies=[Depends(only("edition"))])
async def delete_scenario(request: Request, opened: OpenedParam, name: ScenarioId, holder: PlannerParam) -> Response:
    """Delete one's scenario with all its versions; its link leads nowhere from then on."""
    region = opened.edition.region.id

    def removed() -> None:
        note(request, holder, "scenario.delete", f"{region}/{_short(name)}")
        _scenarios(request).remove(region, name, holder)

    await _asking(request, removed)
    return Response(status_code=204)


@router.get("/{scenario}/result", response_model=ResultOut, dependencies=[Depends(only(*ASKED, "version"))])
async def saved_result(
    request: Request,
    opened: OpenedParam,
    settings: SettingsParam,
    name: ScenarioId,
    version: VersionAsked = None,
    collection: GridAsked = None,
    year: YearAsked = None,
    samples: SamplesAsked = 0,
) -> Response:
    """Run a saved scenario on the current edition, or on the one named."""
    scenario = await _document(request, opened.edition.region.id, name, version)

    def made() -> bytes:
        asked = asked_of(opened, scenario, collection, year, samples)
        return dumped(told_result(request, settings, opened, asked))

    return unkept(await running(request, made), headers=note_headers(note_language(request)))


@router.get(
    "/{scenario}/result/items",
    response_model=PlacesOut,
    response_class=GeoJson,
    dependencies=[Depends(only(*ASKED, "version", "of", "limit", "offset"))],
)
async def saved_result_items(
    request: Request,
    opened: OpenedParam,
    name: ScenarioId,
    version: VersionAsked = None,
    collection: GridAsked = None,
    year: YearAsked = None,
    samples: SamplesAsked = 0,
    of: OfAsked = None,
    limit: LimitAsked = 1000,
    offset: OffsetAsked = 0,
) -> Response:
    """Give cells, or zones, of a saved scenario's result as GeoJSON."""
    scenario = await _document(request, opened.edition.region.id, name, version)

    def made() -> bytes:
        asked = asked_of(opened, scenario, collection, year, samples)
        return items_page(request, opened, asked, of, limit, offset)

    return unkept(await running(request, made), GEOJSON.media_type, note_headers(note_language(request)))


@router.get(
    "/{scenario}/result/statistics",
    response_model=AreaOut,
    dependencies=[Depends(only(*ASKED, "version", "of", "ids"))],
)
async def saved_result_statistics(
    request: Request,
    opened: OpenedParam,
    name: ScenarioId,
    of: Annotated[str, Query(description="id of a collection")],
    ids: Annotated[ComposedId, Query(description="ids of its items, separated by commas")],
    version: VersionAsked = None,
    collection: GridAsked = None,
    year: YearAsked = None,
    samples: SamplesAsked = 0,
) -> Response:
    """Add up what a saved scenario changes in some items of a collection."""
    scenario = await _document(request, opened.edition.region.id, name, version)

    def made() -> bytes:
        asked = asked_of(opened, scenario, collection, year, samples)
        area = {"collection": of, "ids": listed_ids(ids)}
        return dumped(area_result(request, opened, asked, area))

    return unkept(await running(request, made), headers=note_headers(note_language(request)))


async def _document(request: Request, region: str, name: str, version: int | None) -> Scenario:
    found = await _asking(request, lambda: _scenarios(request).get(region, name, version))
    return read_document(found.document)


async def _asking(request: Request, made: Callable[[], Made]) -> Made:
    # On the threads of keys: a database that hangs shall hold up nothing that is public.
    return await to_thread.run_sync(made, limiter=request.app.state.key_threads)


def _version(request: Request, settings: Settings, saved: Saved) -> Response:
    answer = unkept(dumped(_told(request, settings, saved)))
    if saved.version == saved.latest:  # an earlier one is nothing that a next could follow
        answer.headers["ETag"] = f'"{saved.version}"'
    return answer


def _tagged(header: str) -> frozenset[int]:
    """Versions that an If-Match header names; weak tags name none, as they may not (RFC 9110)."""
    tags = (tag.strip() for tag in header.split(","))
    return frozenset(int(found[1]) for tag in tags if (found := _TAG.fullmatch(tag)))


def _scenarios(request: Request) -> Scenarios:
    scenarios: Scenarios = request.app.state.scenarios
    return scenarios


def _short(name: str) -> str:
    # The whole id opens the scenario to whoever reads the audit.
    return f"{name[:6]}..."


def _told(request: Request, settings: Settings, saved: Saved) -> dict[str, Any]:
    links, path = Links(request, settings), (saved.region, "scenarios", saved.id)
    return {
        "id": saved.id,
        "region": saved.region,
        "created": saved.created_at.isoformat(),
        "version": saved.version,
        "latest": saved.latest,
        "saved": saved.saved_at.isoformat(),
        "edition": saved.edition,
        "scenario": saved.document,
        "links": [
            link("self", links.address(*path, version=saved.version)),
            link("latest-version", links.address(*path)),
            link("result", links.address(*path, "result", version=saved.version)),
            link("items", links.address(*path, "result", "items", version=saved.version)),
        ],
    }
