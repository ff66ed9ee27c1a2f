"""Whether the server is alive, and whether it can answer: for those who run it, and for what runs it.

A server that is busy is alive: these are answered beside the limit on requests (`api.limits`), and look at the store in
threads of their own, which no other work can take.
"""

from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request, Response

from api.answers import JSON, dumped
from api.errors import log
from api.models import Health
from api.params import StoreParam, only
from api.regions import whole_editions
from api.warming import Warming
from grids.edition import Store
from grids.store_errors import StoreLost

THREADS = 2
router = APIRouter(tags=["running"])


@router.get("/health", response_model=Health, dependencies=[Depends(only())])
async def health(request: Request, store: StoreParam) -> Response:
    """Say that the server is alive, and how many regions can be served."""
    return Response(dumped(await _looked(request, store)), media_type=JSON, headers={"Cache-Control": "no-store"})


@router.get(
    "/ready",
    response_model=Health,
    responses={503: {"model": Health, "content": {JSON: {}}, "description": "starting, or no region is there"}},
    dependencies=[Depends(only())],
)
async def ready(request: Request, store: StoreParam) -> Response:
    """Say whether requests may be sent here: 503 while the server starts, and as long as no region can be served."""
    state = await _looked(request, store)
    warming: Warming = request.app.state.warming
    if warming.under_way:
        state["status"] = "starting"
    status = 200 if state["regions"] and not warming.under_way else 503
    return Response(dumped(state), status, media_type=JSON, headers={"Cache-Control": "no-store"})


async def _looked(request: Request, store: Store) -> dict[str, Any]:
    threads: CapacityLimiter = request.app.state.health_threads
    return await to_thread.run_sync(_state, store, limiter=threads)


def _state(store: Store) -> dict[str, Any]:
    try:
        editions, broken = whole_editions(store)
    except StoreLost as error:
        log.error("%s", error)
        return {"status": "degraded", "regions": 0}
    state: dict[str, Any] = {"status": "degraded" if broken else "ok", "regions": len(editions)}
    if broken:
        state["broken"] = broken
    return state
