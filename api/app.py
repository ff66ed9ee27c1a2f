"""The application: made by a factory from settings and a store, so that nothing happens on import."""

import threading
from functools import partial
from typing import Any

from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from api import (
    auto_grid,
    catalogue,
    collections,
    conformance,
    context,
    definition,
    downloads,
    editions,
    errors,
    features,
    health,
    job_addresses,
    key_addresses,
    process_addresses,
    ranking,
    receipts,
    regions,
    result_addresses,
    road_addresses,
    saved_scenarios,
    scenarios,
    schemas,
    search,
    statistics,
    styles,
    tile_matrix_sets,
    tiles,
    timeseries,
    web,
)
from api.counts import metrics
from api.cross_origin import CrossOrigin
from api.database import Database
from api.holders import THREADS
from api.item_query import UNEXPLODED
from api.job_files import JobFiles
from api.job_queue import JobQueue
from api.kept_results import KeptResults
from api.keys import Keys
from api.limits import Limited
from api.middleware import Careful, Compressed, Confidential
from api.models import Problem
from api.parent_process import leave_with_parent
from api.result_places import ResultPlaces
from api.road_lookup import RoadLookup
from api.scenario_runs import Runs
from api.scenario_store import Scenarios
from api.settings import Settings, jobs_folder
from api.tile_app import KeptTiles
from api.tile_cache import TileCache
from api.tries import Tries
from api.turns import CHOICE_THREADS, DRAWN_THREADS, FILTER_THREADS, READ_THREADS
from api.turns import THREADS as RUN_THREADS
from api.warming import Warming, answer_first
from api.watch import Watched, configure_logs
from api.wire import GuardedProtocol
from api.workshop import Workshop
from grids.edition import Store
from grids.exports.shelf import Shelf, shelf_beside
from grids.memory import give_back_every, share_arenas

_PROBLEMS: dict[int | str, dict[str, object]] = {
    status: {"model": Problem, "description": text, "content": {errors.PROBLEM: {}}}
    for status, text in (
        (400, "a parameter cannot be used"),
        (404, "there is no such thing"),
        (406, "the Accept header allows none of the forms there are"),
        (503, "the edition is damaged"),
    )
}


_GIVE_BACK_S = 60.0
"""What answers have left free goes back to the system so often."""

_EXPOSED = (
    *("ETag", "X-Request-ID", "Link", "Location", "Content-Crs", "Accept-Ranges", "Content-Range", "Retry-After"),
    *("OGC-NumberMatched", "OGC-NumberReturned"),
)


class Application(FastAPI):
    """FastAPI, before which tiles that are kept are answered."""

    kept: KeptTiles | None = None

    def openapi(self) -> dict[str, Any]:
        """Return the definition; how OGC API Features wants some parameters written, FastAPI has no words for.

        It also lists 422 with an answer of its own wherever there are parameters; here a problem (400) refuses them.
        """
        document = super().openapi()
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        for path, methods in document["paths"].items():
            for operation in methods.values():
                operation["responses"].pop("422", None)
            if path.endswith("/{collection}/items"):
                for one in methods["get"]["parameters"]:
                    if one["name"] in UNEXPLODED:
                        one |= {"style": "form", "explode": False}
        return document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if self.kept is None:
            await super().__call__(scope, receive, send)
        else:
            await self.kept(scope, receive, send)

    async def routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection by middleware and routes."""
        await super().__call__(scope, receive, send)


def create_app(settings: Settings, store: Store | None = None) -> FastAPI:
    """Build the application over a store.

    Args:
        settings: what the deployment decided.
        store: to use another one than that of `settings.store`.
    """
    app = Application(
        title="carbonmap",
        version="1",
        summary="CO2e of buildings, roads and forest by cell, zone and hexagon",
        openapi_url="/api/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.store = store if store is not None else Store(settings.store, settings.index_bytes)
    shelf = Shelf(settings.exports or shelf_beside(app.state.store.path), settings.exports_bytes)
    app.state.warming = Warming()
    app.state.tiles = TileCache(settings.tile_bytes, app.state.store.has)
    app.state.workshop = Workshop(app.state.store.path, shelf, settings.export_seconds)
    app.state.database = Database.of(settings)
    app.state.keys = Keys(app.state.database)
    app.state.tries = Tries()
    app.state.key_threads = CapacityLimiter(THREADS)
    app.state.health_threads = CapacityLimiter(health.THREADS)
    app.state.scenarios = Scenarios(app.state.database)
    kept = KeptResults(jobs_folder(settings) / "results")
    app.state.jobs = JobQueue(
        JobFiles(jobs_folder(settings) / "jobs"), settings.model_copy(update={"store": app.state.store.path})
    )
    app.state.places = ResultPlaces(Runs(), kept)
    app.state.roads = RoadLookup()
    app.state.run_threads = CapacityLimiter(RUN_THREADS)
    app.state.drawn_threads = CapacityLimiter(DRAWN_THREADS)
    app.state.read_threads = CapacityLimiter(READ_THREADS)
    app.state.filter_threads = CapacityLimiter(FILTER_THREADS)
    app.state.choice_threads = CapacityLimiter(CHOICE_THREADS)
    errors.install(app)
    api = APIRouter(prefix="/api", responses=_PROBLEMS)
    if settings.metrics:
        api.add_api_route("/metrics", metrics, include_in_schema=False)
    ogc = (regions, definition, conformance, collections, schemas)
    drawn = (tiles, auto_grid, context, styles, tile_matrix_sets)
    questions = (statistics, search, ranking, timeseries, receipts, editions)
    api.include_router(key_addresses.router)
    whatif = (scenarios, road_addresses, result_addresses, saved_scenarios, process_addresses, job_addresses)
    # Routes are tried in this order: names that no region may have, then what is asked for most.
    for part in (health, features, *drawn, *questions, *ogc, *whatif, downloads, catalogue):
        api.include_router(part.router)
    api.add_api_route("/{rest:path}", _nothing_here, include_in_schema=False)
    app.include_router(api)
    web.install(app, settings.web, app.state.store)
    app.add_middleware(Confidential)
    app.add_middleware(Compressed, minimum_size=500, compresslevel=settings.gzip_level)
    app.add_middleware(Limited, settings=settings)
    app.add_middleware(Careful)
    # A page elsewhere may read the answer to a failure too.
    app.add_middleware(
        CrossOrigin,
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
        allow_headers=["*"],
        expose_headers=_EXPOSED,
    )
    app.add_middleware(Watched)  # the last added is the outermost
    app.kept = KeptTiles(app.routed, app.state.tiles, settings.cors_origins, _EXPOSED)
    return app


def app_from_environment() -> FastAPI:
    """Build the application from CARBONMAP_ variables: `uvicorn --factory api.app:app_from_environment`."""
    settings = Settings.load()
    configure_logs(settings.log_format)
    leave_with_parent()
    share_arenas()
    giving = threading.Thread(
        target=give_back_every, args=(_GIVE_BACK_S, threading.Event()), name="give back", daemon=True
    )
    giving.start()
    # Whoever is slow leaves half of the places to others.
    GuardedProtocol.most_slow = max(1, settings.concurrency // 2)
    app = create_app(settings)
    app.state.database.prepare_or_say()
    app.state.warming.begin(partial(answer_first, app.state.store))
    return app


def _nothing_here(request: Request) -> None:
    # Without this, an unknown address below /api would be looked for among the web map's files.
    raise HTTPException(404)
