"""The exported page in a browser without a network: it draws, tells what is under the pointer, and asks for nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

BUILDINGS = 300


def test_the_exported_page_opens_offline(browser: Browser, project: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "carbonmap"]
    made = [["demo", "--no-serve", "--buildings", str(BUILDINGS), "--folder", str(tmp_path / "demo")]]
    made += [
        ["export", "html", "demo", "--store", str(tmp_path / "demo" / "store"), "--out", str(tmp_path / "page"), "-q"]
    ]
    for arguments in made:
        subprocess.run([*command, *arguments], cwd=project, check=True, stdout=subprocess.DEVNULL)
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
