"""What several stories do with the scenario panel: open it, move its sliders, and ask the API the same."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

WIDE = {"viewport": {"width": 1280, "height": 800}}


def opened(visit: Any, query: str = "") -> Any:
    """The panel, with today's numbers in it."""
    page = visit.open(query)
    page.locator("#scenario-tool").click()
    panel = page.get_by_test_id("scenario")
    expect(panel.get_by_test_id("scenario-change")).to_contain_text("nothing is changed yet")
    return panel


def planners_key(store: Path, project: Path) -> str:
    """A fresh key with which scenarios are kept on the server of a store."""
    command = [sys.executable, "-m", "carbonmap", "keys", "create", "--role", "planner", "--name", "Planning office"]
    made = subprocess.run([*command, "--store", str(store)], cwd=project, check=True, capture_output=True, text=True)
    return made.stdout.strip()


def answer(visit: Any, document: dict[str, Any], samples: int = 0, edition: str | None = None) -> dict[str, Any]:
    """What the API says of a scenario, asked by itself; on the edition that is served, unless one is given."""
    region = visit.ask("regions")[0]
    year = region["years"][-1]
    address = f"{visit.base}/api/{region['id']}/scenarios/results?year={year}&samples={samples}"
    told = visit.context.request.post(address + (f"&edition={edition}" if edition else ""), data=document)
    assert told.ok, told.text()
    found: dict[str, Any] = told.json()["result"]
    return found


def shows(panel: Any, change: float) -> None:
    """The panel tells this change of net emissions: to the last bit, since it is the same run."""
    expect(panel.get_by_test_id("scenario-change").locator("data")).to_have_attribute("value", js_number(change))


def js_number(value: float) -> str:
    """A number as a browser writes it."""
    return re.sub(r"\.0$", "", repr(value))


def slide(slider: Any, value: float) -> None:
    """Move a slider as a hand does: what follows is told by its input event."""
    slider.fill(str(value))


def document_of(panel: Any, page: Any) -> dict[str, Any]:
    """The scenario as it is exported."""
    with page.expect_download() as caught:
        panel.get_by_role("button", name="Export (JSON)").click()
    found: dict[str, Any] = json.loads(Path(caught.value.path()).read_text(encoding="utf-8"))
    return found


def by_job(visit: Any, document: dict[str, Any]) -> dict[str, Any]:
    """What a job says of a scenario that takes longer than an answer may."""
    region = visit.ask("regions")[0]
    address = f"{visit.base}/api/{region['id']}/processes/scenario/execution"
    inputs = {"scenario": document, "year": region["years"][-1], "samples": 200}
    ordered = visit.context.request.post(address, data={"inputs": inputs}, headers={"Prefer": "respond-async"}).json()[
        "jobID"
    ]
    while visit.ask(f"{region['id']}/jobs/{ordered}")["status"] in ("accepted", "running"):
        visit.page.wait_for_timeout(500)
    found: dict[str, Any] = visit.ask(f"{region['id']}/jobs/{ordered}/results")["result"]
    return found
