"""The exported page in a browser without a network: it draws, tells what is under the pointer, and asks for nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.mark.skipif("CARBONMAP_DEMO_URL" in os.environ, reason="the store of a server that is not ours is not at hand")
def test_the_exported_page_opens_offline(
    browser: Browser, served_demo: str, demo_folder: Path, project: Path, tmp_path: Path
) -> None:
    assert served_demo
    command = [sys.executable, "-m", "carbonmap", "export", "html", "demo", "-q"]
    given = ["--store", str(demo_folder / "store"), "--out", str(tmp_path / "page")]
    subprocess.run([*command, *given], cwd=project, check=True, stdout=subprocess.DEVNULL)
    [page_file] = (tmp_path / "page").iterdir()
    context = browser.new_context(offline=True, viewport={"width": 1000, "height": 700})
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(page_file.as_uri())
    page.wait_for_selector("canvas.leaflet-zoom-animated")
    drawn = page.evaluate(
        "() => { const c = document.querySelector('canvas'); const d = c.getContext('2d').getImageData(0, 0, c.width, "
        "c.height).data; let n = 0; for (let k = 3; k < d.length; k += 4) if (d[k]) n++; return n; }"
    )
    assert drawn > 10_000, "nothing is drawn"
    page.mouse.move(500, 350)
    page.mouse.move(505, 352)
    tooltip = page.wait_for_selector(".leaflet-tooltip")
    assert "tCO2e/a" in tooltip.inner_text()
    legend = page.inner_text(".legend")
    assert "SYNTHETIC" in legend
    assert "tCO2e per hectare and year" in legend
    assert [address for address in asked if not address.startswith("file:")] == []
    assert faults == []
    context.close()
