"""The web map's files at `/`, with the right types on every system and names with a hash kept for good."""

import mimetypes
import os
import re
from pathlib import Path

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.middleware import content_policy
from grids.edition import Store
from grids.store_errors import EditionError

# What the system says may be wrong: the registry of Windows often calls scripts plain text.
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".pbf": "application/x-protobuf",
    ".webmanifest": "application/manifest+json",
}
_HASHED = re.compile(r"assets[/\\].*-[A-Za-z0-9_-]{6,}\.[a-z0-9]+$")
_MISSING = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>carbonmap: the web map is not built</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
<h1>The web map is not built yet</h1>
<p>The server runs and its data are there, but the files of the map are missing. Build them with <code>make web</code>
(or <code>npm ci &amp;&amp; npm run build</code> in the folder <code>web</code>) and start the server again.</p>
<p>The data: <a href="api/regions">api/regions</a>, <a href="api/health">api/health</a>,
<a href="api/openapi.json">api/openapi.json</a>.</p></html>
"""


class MapFiles(StaticFiles):
    """Static files that say how long they may be kept, and a page that may load the base maps of its regions.

    Args:
        directory: of the built web map.
        store: whose regions' base maps the page may load.
    """

    def __init__(self, directory: Path, store: Store) -> None:
        super().__init__(directory=directory, html=True)
        self._store = store

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer for one file; the page's policy names the base maps of the regions that are served now."""
        response = await super().get_response(path, scope)
        # The page itself, fetched or found unchanged.
        if not _HASHED.search(path):
            origins = await run_in_threadpool(_base_map_origins, self._store)
            if origins:
                response.headers["Content-Security-Policy"] = content_policy(origins)
        return response

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return a file: names that carry a hash never change, all others are asked for again."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        hashed = _HASHED.search(os.fspath(full_path)) is not None
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response


def _base_map_origins(store: Store) -> set[str]:
    origins: set[str] = set()
    for region in store.regions():
        try:
            below = store.open(region).region.base_map
        except EditionError:
            continue  # of which /api/health tells
        origins |= below.origins() if below else set()
    return origins


def install(app: FastAPI, folder: Path | None, store: Store) -> None:
    """Serve the built web map, or, where there is none when the server starts, a page that says how to build it."""
    for ending, kind in _TYPES.items():
        mimetypes.add_type(kind, ending)
    if folder is not None and (folder / "index.html").is_file():
        app.mount("/", MapFiles(folder, store), name="web")
        return

    @app.get("/", include_in_schema=False)
    def missing() -> HTMLResponse:
        return HTMLResponse(_MISSING, status_code=503, headers={"Cache-Control": "no-store"})
