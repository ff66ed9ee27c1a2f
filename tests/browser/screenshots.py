"""Twelve views of the demo city, wide and on a phone, in Korean and English: `make screenshots` draws them anew.

Run from the project's folder: `PYTHONPATH=. python tests/browser/screenshots.py`; `--help` says what can be chosen.
"""

import argparse
import json
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from bench.browsing import BROWSERS, DRAWN, FLAGS, NothingToShow, browser_path, serve_demo

BUILDINGS = 20_000
SIZES: dict[int, ViewportSize] = {1440: {"width": 1440, "height": 900}, 390: {"width": 390, "height": 844}}
LANGUAGES = {"en": "en-GB", "ko": "ko-KR"}
# What must be there beside the map before a view is complete.
OTHER_MAP = "[data-testid=other-map][data-state=ready]"
PATIENCE_MS = 60_000


def views(address: str) -> dict[str, tuple[str, str | None]]:
    """Each view's name, the query of its address, and what must be there beside the drawn map."""
    region = asked(f"{address}/api/regions")[0]
    api = f"{address}/api/{region['id']}"
    sets = [one for one in asked(f"{api}/collections")["collections"] if one["kind"] == "zones" and one["parent"]]
    inner = sets[0]["id"]
    outer = sets[0]["parent"]
    year, before = region["years"][-1], region["years"][-2]

    def first(collection: str, sort: str, count: int = 1) -> list[str]:
        query = f"year={year}&sortby={sort}&limit={count}&skipGeometry=true&f=geojson"
        return [one["id"] for one in asked(f"{api}/collections/{collection}/items?{query}")["features"]]

    one, two = first(inner, "-net_tco2e", 2)
    (cell,) = first("grid-500m", "-buildings_tco2e")
    west, south, east, north = region["bbox"]
    middle = f"{(south + north) / 2:.5f}/{(west + east) / 2:.5f}"
    return {
        "01-net": ("", None),
        "02-buildings-100m": (f"?sector=buildings&area=grid-100m&at=13/{middle}", None),
        "03-forest": ("?sector=forest", None),
        "04-district": (f"?area={inner}&sel={inner}/{one}", "[data-testid=trend]"),
        "05-receipt": (f"?sector=buildings&area=grid-500m&sel=grid-500m/{cell}&why=1", "[data-testid=receipt]"),
        "06-table": (f"?area={inner}&table=-net_tco2e", ".table-sheet tbody tr"),
        "07-area": (f"?area={inner}&sum={inner}/{one},{two}", "[data-testid=value]"),
        "08-swipe": ("?sector=buildings&vs=swipe/sector/forest", OTHER_MAP),
        "09-difference-dark": (f"?sector=buildings&vs=difference/year/{before}&ground=dark", None),
        "10-two-districts": (f"?area={inner}&sel={inner}/{one}&pair={two}", "[data-testid=pair] table"),
        "11-take-away": ("?view=take", "[data-testid=take-csv]"),
        "12-report": (f"?view=report&area={outer}", "[data-testid=report-net]"),
    }


def asked(address: str) -> Any:
    """What the API answers."""
    with urlopen(address, timeout=PATIENCE_MS / 1000) as answer:
        return json.load(answer)


def draw(browser: Browser, address: str, out: Path, only: str) -> None:
    """Draw views in every size and language into a folder, as `<view>-<width>-<language>.png`, if `only` is in that."""
    for language, locale in LANGUAGES.items():
        for width, viewport in SIZES.items():
            phone: dict[str, Any] = {"has_touch": True, "is_mobile": True} if width < 720 else {}
            context = browser.new_context(
                viewport=viewport,
                locale=locale,
                reduced_motion="reduce",
                device_scale_factor=1,
                bypass_csp=True,
                **phone,
            )
            for name, (query, ready) in views(address).items():
                if only not in f"{name}-{width}-{language}.png":
                    continue
                page = context.new_page()
                page.goto(f"{address}/{query}")
                wait_for(page, query, ready)
                page.screenshot(path=out / f"{name}-{width}-{language}.png")
                page.close()
            context.close()


def wait_for(page: Page, query: str, ready: str | None) -> None:
    """Wait until a view is complete."""
    if "view=report" not in query:
        page.wait_for_selector(DRAWN, timeout=PATIENCE_MS)
    if ready is not None:
        page.locator(ready).first.wait_for(timeout=PATIENCE_MS)
    # Skeletons go one after another; none may be in a picture.
    page.wait_for_function("document.querySelector('.skeleton') === null", timeout=PATIENCE_MS)


def main() -> int:
    """Draw all; 2 where there is nothing to draw with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a map that is served already, not a demo city of its own")
    parser.add_argument("--out", type=Path, default=Path("build/screenshots"), help="folder for the pictures")
    parser.add_argument("--only", default="", help="draw only pictures with this in their name, e.g. swipe or 390-ko")
    options = parser.parse_args()
    path = browser_path()
    if path is None:
        sys.stderr.write(f"pictures are drawn by a browser: install one of {', '.join(BROWSERS)}\n")
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            served = nullcontext(options.url.rstrip("/")) if options.url else serve_demo(Path(folder), BUILDINGS)
            with served as address, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
                draw(browser, address, options.out, options.only)
                browser.close()
    except NothingToShow as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
