"""A served demo city and a browser to look at it with: for stories, pictures and measurements alike."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.report import PROJECT

# Software WebGL: machines that run tests have no graphics card.
FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-sandbox",
    "--disable-background-networking",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What the page says when everything that was chosen is drawn.
DRAWN = "[data-testid=map][data-state=ready][aria-busy=false]"


_COMMAND = (sys.executable, "-m", "carbonmap")


class NothingToShow(RuntimeError):
    """There is no built map, no browser, or no server; says which, and the remedy."""


def browser_path() -> str | None:
    """Path of an installed Chromium or Chrome, CARBONMAP_BROWSER first; None where there is none."""
    return os.environ.get("CARBONMAP_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def serve_demo(folder: Path, buildings: int) -> Iterator[str]:
    """Build the demo city into a folder and serve it on loopback until the block ends.

    Yields:
        the map's address, without a slash at its end.

    Raises:
        NothingToShow: the web map is not built, or the server ended without saying its address.
    """
    if not (PROJECT / "web" / "dist" / "index.html").is_file():
        raise NothingToShow("the web map is not built: run `make web` (npm ci && npm run build in web/) first")
    subprocess.run(
        [*_COMMAND, "demo", "--no-serve", "--buildings", str(buildings), "--folder", str(folder)],
        cwd=PROJECT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with serve_store(folder / "store") as address:
        yield address


@contextmanager
def serve_store(store: Path, port: int = 0) -> Iterator[str]:
    """Serve a store on loopback until the block ends.

    Args:
        store: with a published edition.
        port: to listen on; 0: any that is free.

    Yields:
        the map's address, without a slash at its end.

    Raises:
        NothingToShow: the server ended without saying its address.
    """
    with subprocess.Popen(
        [*_COMMAND, "serve", "--store", str(store), "--port", str(port)],
        cwd=PROJECT,
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
    raise NothingToShow("the server ended without saying its address")
