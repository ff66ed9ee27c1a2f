"""A served demo city and a browser to look at it with."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

BUILDINGS = 2000
# Software WebGL: machines that run tests have no graphics card.
FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-sandbox",
    "--disable-background-networking",
)
# Patience costs nothing where things work, and a busy machine is no failure.
expect.set_options(timeout=20_000)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def served_demo(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the demo city's map, without a slash at its end; CARBONMAP_DEMO_URL names one that runs already."""
    given = os.environ.get("CARBONMAP_DEMO_URL")
    if given:
        yield given.rstrip("/")
        return
    if not (project / "web" / "dist" / "index.html").is_file():
        pytest.fail("the web map is not built: run `make web` (npm ci && npm run build in web/) first")
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "carbonmap"]
    subprocess.run(
        [*command, "demo", "--no-serve", "--buildings", str(BUILDINGS), "--folder", str(folder)],
        cwd=project,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with subprocess.Popen(
        [*command, "serve", "--store", str(folder / "store"), "--port", "0"],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as server:
        try:
            yield _address_said_by(server)
        finally:
            server.terminate()


def _address_said_by(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    for line in server.stdout:
        found = re.search(r"http://\S+", line)
        if found:
            return found.group().rstrip("/")
    pytest.fail("the server ended without saying its address")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """An installed Chromium or Chrome, CARBONMAP_BROWSER first; without one the stories are skipped."""
    path = os.environ.get("CARBONMAP_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
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
        self.page.wait_for_selector("[data-testid=map][data-state=ready][aria-busy=false]", timeout=60_000)

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
