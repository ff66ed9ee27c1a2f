"""A served demo city and a browser to look at it with."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from bench.browsing import BROWSERS, DRAWN, FLAGS, NothingToShow, browser_path, serve_demo

BUILDINGS = 2000
# Patience costs nothing where things work, and a busy machine is no failure.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo city is built; its store is in it once it is served."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def served_demo(demo_folder: Path) -> Iterator[str]:
    """Address of the demo city's map, without a slash at its end; CARBONMAP_DEMO_URL names one that runs already."""
    given = os.environ.get("CARBONMAP_DEMO_URL")
    if given:
        yield given.rstrip("/")
        return
    try:
        with serve_demo(demo_folder, BUILDINGS) as address:
            yield address
    except NothingToShow as problem:
        pytest.fail(str(problem))


@pytest.fixture(scope="module")  # not longer: its event loop runs as long, and other tests run their own
def browser() -> Iterator[Browser]:
    """An installed Chromium or Chrome, CARBONMAP_BROWSER first; without one the stories are skipped."""
    path = browser_path()
    if path is None:
        pytest.skip(f"needs a browser, one of: {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield chromium
        chromium.close()


class Visit:
    """One reader's visit: a page, and what went wrong or went elsewhere while they looked."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.base = base
        self.context = context
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        context.on("request", lambda request: self.requests.append(request.url))

    def open(self, query: str = "") -> Page:
        """Open the map with an address query and wait until it is drawn."""
        self.page.goto(f"{self.base}/{query}")
        self.drawn()
        return self.page

    def drawn(self) -> None:
        """Wait until the map shows what was chosen."""
        self.page.wait_for_selector(DRAWN, timeout=60_000)

    def click_centre(self) -> None:
        """Click the middle of the map."""
        box = self.page.locator("canvas").bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def ask(self, path: str) -> Any:
        """What the API answers, without the browser's cache or page."""
        answer = self.context.request.get(f"{self.base}/api/{path}")
        assert answer.ok, f"{path}: HTTP {answer.status}"
        return answer.json()


@pytest.fixture
def visits(browser: Browser, served_demo: str) -> Iterator[Any]:
    """Opens visits, each with a fresh browser profile and the given options."""
    made: list[Visit] = []

    def visit(**options: Any) -> Visit:
        settings = {"viewport": {"width": 900, "height": 640}, "locale": "en-GB", "reduced_motion": "reduce", **options}
        made.append(Visit(browser.new_context(**settings), served_demo))
        return made[-1]

    yield visit
    for one in made:
        one.context.close()


@pytest.fixture
def visit(visits: Any) -> Visit:
    """A visit with a wide screen, in English."""
    one: Visit = visits()
    return one
