"""How soon the map is there, and how smoothly it moves: measured inside a browser, on the demo city."""

import math
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FloatRect, Page, ViewportSize, sync_playwright

from bench.browsing import BROWSERS, DRAWN, FLAGS, NothingToShow, browser_path, serve_demo
from bench.report import Report, Row

VIEWPORT: ViewportSize = {"width": 1440, "height": 900}
# Cells of 100 m at about eight pixels: some ten thousand of them are in view.
CELLS = "?area=grid-100m&sector=buildings&at={zoom}/{lat:.5f}/{lon:.5f}"
ZOOM = 12.6
# One drag: this many steps of this many pixels, about as fast as a hand.
STEPS, STEP_PX = 90, 6
# A frame that is later than this is seen as a jerk, ms.
LATE_MS = 34.0

_NOTE_FIRST_MAP = """() => {
  const look = () => {
    if (document.querySelector('%s')) window.firstMap = performance.now();
    else requestAnimationFrame(look);
  };
  look();
}"""
_START_FRAMES = """() => {
  window.frames_ = [];
  let before = performance.now();
  const note = (now) => {
    window.frames_.push(now - before);
    before = now;
    window.following = requestAnimationFrame(note);
  };
  window.following = requestAnimationFrame(note);
}"""
_END_FRAMES = "() => { cancelAnimationFrame(window.following); return window.frames_.slice(1); }"
_LOADED = """() => {
  const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  return { bytes: entries.reduce((sum, entry) => sum + entry.encodedBodySize, 0), requests: entries.length };
}"""
_RENDERER = """() => {
  const pen = document.createElement('canvas').getContext('webgl2');
  const names = pen && pen.getExtension('WEBGL_debug_renderer_info');
  return names ? pen.getParameter(names.UNMASKED_RENDERER_WEBGL) : 'unknown';
}"""


def map_question(*, buildings: int, repeat: int, address: str | None, tell: Callable[[str], None]) -> Report:
    """Measure the time to the first map, and frames while a hand drags it over 100 m cells.

    Args:
        buildings: of the demo city that is built and served.
        repeat: visits, each with an empty cache; the one before them only warms the server.
        address: of a map that is served already, instead of the demo city.
        tell: is told what goes on.

    Raises:
        NothingToShow: no browser, no built map, or no server.
    """
    path = browser_path()
    if path is None:
        raise NothingToShow(f"the map is looked at with a browser: install one of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            if address is not None:
                return _look(browser, address.rstrip("/"), buildings, repeat, tell)
            with tempfile.TemporaryDirectory() as folder, serve_demo(Path(folder), buildings) as served:
                return _look(browser, served, buildings, repeat, tell)
        finally:
            browser.close()


def _look(browser: Browser, address: str, buildings: int, repeat: int, tell: Callable[[str], None]) -> Report:
    report = Report(
        question="map",
        title="The map in a browser",
        columns={
            "what": "what",
            "median": "median ms",
            "p95": "p95 ms",
            "most": "longest ms",
            "late": f"over {LATE_MS:.0f} ms, %",
            "count": "measured",
        },
        settings={"buildings": buildings, "repeat": repeat, "viewport": f"{VIEWPORT['width']} x {VIEWPORT['height']}"},
    )
    firsts: list[float] = []
    loaded: dict[str, Any] = {}
    for visit in range(repeat + 1):
        tell(f"first map, visit {visit} of {repeat}" if visit else "a first visit warms the server")
        first, loaded = _first_map(browser, address)
        if visit:
            firsts.append(first)
    report.rows.append(_row("first map, all drawn", firsts))
    tell("dragging the map over cells of 100 m")
    frames, cells, renderer = _frames(browser, address)
    report.rows.append({**_row("frames while dragging", frames), "cells": cells})
    report.notes.append(
        f"First map: {loaded['bytes'] / 1000:,.0f} kB in {loaded['requests']} requests, bodies as sent, empty cache. "
        f"Dragging: {cells:,} cells in view. Drawn by {renderer}."
    )
    return report


def _row(what: str, values: list[float]) -> Row:
    ordered = sorted(values)
    late = 100 * sum(value > LATE_MS for value in ordered) / len(ordered)
    return {
        "what": what,
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
        "most": round(ordered[-1], 1),
        "late": round(late, 1) if "frames" in what else None,
        "count": len(ordered),
        "values": values,
    }


def _first_map(browser: Browser, address: str) -> tuple[float, dict[str, Any]]:
    # Waiting for what a script of ours noted needs what the page's own policy forbids.
    context = browser.new_context(viewport=VIEWPORT, bypass_csp=True)
    try:
        page = context.new_page()
        page.add_init_script(f"({_NOTE_FIRST_MAP % DRAWN})()")
        page.goto(address)
        page.wait_for_function("window.firstMap !== undefined", timeout=60_000)
        return float(page.evaluate("window.firstMap")), page.evaluate(_LOADED)
    finally:
        context.close()


def _frames(browser: Browser, address: str) -> tuple[list[float], int, str]:
    context = browser.new_context(viewport=VIEWPORT)
    try:
        page = context.new_page()
        region = context.request.get(f"{address}/api/regions").json()[0]
        west, south, east, north = region["bbox"]
        lat, lon = (south + north) / 2, (west + east) / 2
        page.goto(f"{address}/{CELLS.format(zoom=ZOOM, lat=lat, lon=lon)}")
        page.wait_for_selector(DRAWN, timeout=60_000)
        canvas = page.locator("canvas.maplibregl-canvas").bounding_box()
        if canvas is None:
            raise NothingToShow("the page has no map to drag: look at its address in a browser")
        bounds = ",".join(f"{degrees:.6f}" for degrees in view_bounds(ZOOM, lat, lon, canvas))
        asked = f"{address}/api/{region['id']}/collections/grid-100m/items?bbox={bounds}&limit=1&skipGeometry=true"
        cells = int(context.request.get(asked).json()["numberMatched"])
        return _dragged(page), cells, str(page.evaluate(_RENDERER))
    finally:
        context.close()


def view_bounds(zoom: float, lat: float, lon: float, canvas: FloatRect) -> tuple[float, float, float, float]:
    """West, south, east and north of what a canvas in web Mercator shows around a place, degrees."""
    world = 512 * 2**zoom
    half_lon = canvas["width"] / 2 / world * 360
    middle, half = math.asinh(math.tan(math.radians(lat))), canvas["height"] / 2 / world * math.tau
    south, north = (math.degrees(math.atan(math.sinh(middle + shift))) for shift in (-half, half))
    return lon - half_lon, south, lon + half_lon, north


def _dragged(page: Page) -> list[float]:
    x, y = VIEWPORT["width"] * 0.75, VIEWPORT["height"] * 0.5
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(_START_FRAMES)
    for step in range(1, STEPS + 1):
        # There and back, so that the same cells stay in view.
        way = STEP_PX * (step if step <= STEPS // 2 else STEPS - step)
        page.mouse.move(x - way, y + way / 3)
        page.wait_for_timeout(16)
    frames = [float(value) for value in page.evaluate(_END_FRAMES)]
    page.mouse.up()
    return frames
