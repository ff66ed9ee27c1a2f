"""Whether the server is alive, and whether it can answer: for those who run it, and for what runs it."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from api.answers import JSON, dumped
from api.errors import log
from api.models import Health
from api.params import StoreParam, only
from api.regions import whole_editions
from api.warming import Warming
from grids.store_errors import StoreLost

router = APIRouter(tags=["running"])


@router.get("/health", response_model=Health, dependencies=[Depends(only())])
def health(store: StoreParam) -> Response:
    """Say that the server is alive, and how many regions can be served."""
    return Response(dumped(_state(store)), media_type=JSON, headers={"Cache-Control": "no-store"})


@router.get(
    "/ready",
    response_model=Health,
    responses={503: {"model": Health, "content": {JSON: {}}, "description": "starting, or no region is there"}},
    dependencies=[Depends(only())],
)
def ready(request: Request, store: StoreParam) -> Response:
    """Say whether requests may be sent here: 503 while the server starts, and as long as no region can be served."""
    state = _state(store)
    warming: Warming = request.app.state.warming
    if warming.under_way:
        state["status"] = "starting"
    status = 200 if state["regions"] and not warming.under_way else 503
    return Response(dumped(state), status, media_type=JSON, headers={"Cache-Control": "no-store"})


def _state(store: StoreParam) -> dict[str, Any]:
    try:
        editions, broken = whole_editions(store)
    except StoreLost as error:
        log.error("%s", error)
        return {"status": "degraded", "regions": 0}
    state: dict[str, Any] = {"status": "degraded" if broken else "ok", "regions": len(editions)}
    if broken:
        state["broken"] = broken
    return state
