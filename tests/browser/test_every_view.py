"""A walk through every view of the page: nobody is kept out, no text is untranslated, nothing leaves the origin."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

# Nobody looks at what the map draws here, so a quarter of the dots will do: a processor has to draw them.
COARSE = {"device_scale_factor": 0.5}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, **COARSE}
WIDE = {"viewport": {"width": 1280, "height": 800}, **COARSE}
GRID = "grid-1km"
Ground = Literal["light", "dark"]

# Text that nobody translated: letters outside the brackets of the pseudo-language, unless it is data or a key's name.
UNTRANSLATED = """() => {
  const bare = (text) => {
    for (let before = ''; before !== text; ) {
      before = text;
      text = text.replaceAll(/⟦[^⟦⟧]*⟧/g, '');
    }
    // A number on an axis may end in its thousands, millions or billions, which the browser writes.
    return /\\p{L}/u.test(text) && !/^[−-]?[\\d.,]+(k|m|bn?)$/i.test(text);
  };
  const isData = (element) => element.closest('[translate=no]') !== null;
  const found = [document.title].filter(bare);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement, data } = walker.currentNode;
    if (/^(SCRIPT|STYLE|NOSCRIPT)$/.test(parentElement.tagName) || parentElement.closest('noscript')) continue;
    if (parentElement.closest('.maplibregl-ctrl') || isData(parentElement)) continue;
    if (bare(data)) found.push(data);
  }
  for (const element of document.body.querySelectorAll('*')) {
    for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'aria-valuetext', 'label']) {
      const value = element.getAttribute(name);
      if (value !== null && !isData(element) && bare(value)) found.push(`${name}=${value}`);
    }
  }
  return found;
}"""
AXE = """options => axe.run(document, { resultTypes: ['violations'], ...options })
  .then(report => report.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"""
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# The page follows its address as it does when a reader goes back: no document is loaded anew.
GO = """query => {
  history.pushState(null, '', location.pathname + query);
  dispatchEvent(new PopStateEvent('popstate'));
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
QUIET = """() => document.querySelector('.app, .report') !== null &&
  document.querySelector('.skeleton, [aria-busy=true], [data-testid=other-map][data-state=loading]') === null"""


# What the browser says of the one place that is asked for and is not there, and of the job that failed.
SAID = (
    "Failed to load resource: the server responded with a status of 404 (Not Found)",
    "Failed to load resource: the server responded with a status of 400 (Bad Request)",
)


@dataclass(frozen=True)
class View:
    """Something to look at: its address, what must be there, and what is done to see it; a finger cannot hover."""

    name: str
    query: str
    shows: str
    act: Callable[[Page], None] | None = None
    undo: Callable[[Page], None] | None = None
    by_touch: bool = True


def unfold(page: Page) -> None:
    """Open whatever can be opened within the page."""
    page.evaluate("for (const one of document.querySelectorAll('details:not([open])')) one.open = true")


def escape(page: Page) -> None:
    """Close what is open."""
    page.keyboard.press("Escape")


def point_at_the_middle(page: Page) -> None:
    """Put the pointer on the middle of the map."""
    box = page.locator("canvas.maplibregl-canvas").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2 + 3)


def choose_another_place(page: Page) -> None:
    """Ask the card to lay another place beside its own."""
    page.locator("[data-testid=card] button.why").last.click()


def search_for(words: str) -> Callable[[Page], None]:
    """Type into the search."""
    return lambda page: page.locator(".search input").fill(words)


def leave_search(page: Page) -> None:
    """Close the search, and empty it."""
    page.locator(".search input").fill("")
    page.locator(".search input").blur()


def measure(page: Page) -> None:
    """Open the panel in which an area is drawn or brought, with its list of zones."""
    page.locator("#measure-tool").click()
    expect(page.get_by_test_id("measured")).to_be_visible()
    unfold(page)


def draw(page: Page) -> None:
    """Begin to draw an outline."""
    page.locator("#measure-tool").click()
    page.locator("[data-testid=measured] .measure-choice .buttons .primary").click()


def bring_no_outline(page: Page) -> None:
    """Bring a file that is no outline."""
    page.locator("#measure-tool").click()
    page.get_by_test_id("outline-file").set_input_files(
        {"name": "notes.json", "mimeType": "application/json", "buffer": b"not json at all"}
    )


def stop_drawing(page: Page) -> None:
    """Leave the outline, then the panel."""
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("measured")).to_have_count(0)


def ask_for_a_mix(page: Page) -> None:
    """Allow a measure, and see all that may be said of it."""
    page.locator("[data-testid=plan] .candidates input[type=checkbox]").first.check()
    unfold(page)


def look_into_a_zone(page: Page) -> None:
    """Open the first candidate, and the list of cells."""
    page.locator("[data-testid=hot] .hot-name").first.click()
    unfold(page)
    expect(page.locator("[data-testid=hot-cells] button").first).to_be_visible()


def open_controls(page: Page) -> None:
    """On a phone the controls are a sheet; beside the map there is nothing to open."""
    handle = page.locator(".sheet-handle")
    if handle.is_visible():
        handle.click()


def unfold_controls(page: Page) -> None:
    """The controls with all that is folded away in them."""
    open_controls(page)
    unfold(page)


VIEWS = (
    View("controls", f"?area={GRID}&sector=buildings&part=indirect&only=1~", ".panel", open_controls, open_controls),
    View("display", f"?area={GRID}&mark=method&doubt=fade", ".display-body", unfold_controls, open_controls),
    View("hexagons in 3D", "?area={hexagons}&tall=1&sector=transport", "#map", open_controls, open_controls),
    View("pointer", f"?area={GRID}&{{at}}", ".tooltip-value", point_at_the_middle, by_touch=False),
    View("card", "?area={zones}&sel={zones}/{zone}", "[data-testid=trend]", unfold),
    View("card of a held cell", "?area=grid-500m&sel=grid-500m/{held}&sector=buildings", "[data-testid=held]", unfold),
    View("card of no place", f"?sel={GRID}/nowhere", "[data-testid=card] [role=alert]"),
    View("receipt", "?area={zones}&sel={zones}/{zone}&why=1", "[data-testid=receipt-buildings]", unfold),
    View("receipt of a held cell", "?sel=grid-500m/{held}&why=1", "[data-testid=reason-held]", unfold),
    View("choosing a pair", "?area={zones}&sel={zones}/{zone}", ".pair-choice", choose_another_place, escape),
    View("pair", "?area={zones}&sel={zones}/{zone}&pair={other}", "[data-testid=pair] table"),
    View("table", "?area={zones}&table=-net_tco2e", "[data-testid=table] tbody tr"),
    View("table and card", f"?area={GRID}&table=id&sel={GRID}/{{cell}}", "[data-testid=table] tr[aria-current]"),
    View("search", "", "[role=option]", search_for("1"), leave_search),
    View("search in vain", "", "[data-testid=nothing-found]", search_for("no place of this name"), leave_search),
    View("measuring", "", "[data-testid=measured] .zone-list", measure, escape),
    View("drawing", "", ".sketching", draw, stop_drawing),
    View("no outline", "", "[data-testid=outline-refused]", bring_no_outline, escape),
    View("measured zones", "?sum={zones}/{zone},{other}", "[data-testid=measured] [data-testid=value]", unfold),
    View("broken outline", "?outline=AAA", "[data-testid=measured] .note"),
    View("swipe", "?sector=buildings&vs=swipe/sector/forest", "[data-testid=compare]"),
    View("side by side", "?sector=buildings&vs=side/year/{before}", "[data-testid=compare]"),
    View("difference", "?sector=buildings&vs=difference/sector/transport", "[data-testid=compare]"),
    View("shortcuts", "", ".sheet[open]", lambda page: page.keyboard.press("?"), escape),
    View("take away", f"?area={GRID}&view=take", "[data-testid=take-csv]", unfold),
    View("about", "?view=about", "[data-testid=citation]", unfold),
    View("lost", "?at=9/10/10", "[data-testid=outside]"),
    View("card of no table", "?sel=nowhere/1", "[data-testid=card] [role=alert]"),
    View("scenario begun", "?scenario=", "[data-testid=scenario]", unfold),
    View("scenario", "?scenario={plan}", "[data-testid=scenario-interval]", unfold),
    View("scenarios side by side", "?scenario={plan}.{other_plan}", "[data-testid=comparison] table", unfold),
    View(
        "scenario before and after", "?scenario={plan}&scenario-map=swipe", "[data-testid=before-map][data-state=ready]"
    ),
    View("broken scenario", "?scenario=AAAA", "[data-testid=scenario]"),
    View("best mix asked", "?scenario=&plan=mix", "[data-testid=plan] .candidates", ask_for_a_mix),
    View("best mix", "?scenario=&plan=mix/{mix}", "[data-testid=mix-measures]", unfold),
    View("best mix out of reach", "?scenario=&plan=mix/{failed}", "[data-testid=plan-problem]"),
    View("where to act asked", "?scenario=&plan=where", "#hot-zones", unfold),
    View("where to act", "?scenario=&plan=where/{hot}", "[data-testid=hot] .hot-facts", look_into_a_zone),
    View("report", "?view=report", "[data-testid=report-net]"),
    View(
        "report of a scenario", "?view=report&scenario={plan}", "[data-testid=scenario-report] [data-testid=report-net]"
    ),
    View(
        "report of growth", "?view=report&scenario={growing}", "[data-testid=scenario-report] [data-testid=report-net]"
    ),
    View("report of the best mix", "?view=report&scenario=&plan=mix/{mix}", "[data-testid=report-place]"),
    View("report of where to act", "?view=report&scenario=&plan=where/{hot}", "[data-testid=report-zone]"),
)

# One of each kind of page: `make test` looks at these, `make test-slow` at every view.
QUICK = ("controls", "card", "receipt", "table", "no outline", "difference", "take away", "scenario", "report")
WALKS = pytest.mark.parametrize(
    "views",
    [
        pytest.param(tuple({view.name: view for view in VIEWS}[name] for name in QUICK), id="one of each kind"),
        pytest.param(VIEWS, id="all", marks=pytest.mark.slow),
    ],
)


def slot_of(scenario: dict[str, Any]) -> str:
    """A scenario as a link carries it."""
    return urlsafe_b64encode(json.dumps(scenario).encode()).decode().rstrip("=")


def answered(visit: Any, region: str, process: str, inputs: dict[str, Any]) -> str:
    """The name of a job that is done, whatever came of it."""
    told = visit.context.request.post(
        f"{visit.base}/api/{region}/processes/{process}/execution",
        data={"inputs": inputs},
        headers={"Prefer": "respond-async"},
    )
    assert told.ok, told.text()
    job: str = told.json()["jobID"]
    while visit.ask(f"{region}/jobs/{job}")["status"] in ("accepted", "running"):
        time.sleep(0.2)
    return job


def jobs_of(visit: Any, region: str, zones: str) -> dict[str, str]:
    """A mix, one whose target is out of reach, and a search for hot places, all of them small."""
    costs = {"capital_per_unit": 200_000, "currency": "EUR"}
    mix = {
        "year": 2040,
        "zones": zones,
        "candidates": [{"measure": {"id": "retrofit", "kind": "retrofit", "costs": costs}, "levels": [0.3, 0.6]}],
        "frontier": 2,
    }
    savings = {"year": 2040, "measures": [{"id": "retrofit", "kind": "retrofit", "level": 0.5}]}
    return {
        "mix": answered(visit, region, "best-mix", mix | {"target_share": 0.02}),
        "failed": answered(visit, region, "best-mix", mix | {"target_share": 0.99}),
        "hot": answered(visit, region, "where-to-act", {"zones": zones, "samples": 100, "savings": savings}),
    }


def facts_of(visit: Any, views: tuple[View, ...]) -> dict[str, str]:
    """What addresses of views are filled in with; jobs are done only if one of them shows what came of it."""
    region = visit.ask("regions")[0]
    year = region["years"][-1]

    def first(collection: str, *conditions: str, count: int = 1) -> list[dict[str, Any]]:
        query = "&".join((f"year={year}", f"limit={count}", *conditions))
        found: list[dict[str, Any]] = visit.ask(f"{region['id']}/collections/{collection}/items?{query}")["features"]
        return found

    collections = visit.ask(f"{region['id']}/collections")["collections"]
    zones = next(one["id"] for one in collections if one["kind"] == "zones" and one["parent"])
    one, other = (item["id"] for item in first(zones, "sortby=-net_tco2e", "skipGeometry=true", count=2))
    (cell,) = first(GRID, "sortby=-net_tco2e")
    (held,) = first("grid-500m", "held=true", "skipGeometry=true")
    corners = cell["geometry"]["coordinates"][0][:4]
    lat, lon = (f"{sum(corner[axis] for corner in corners) / 4:.5f}" for axis in (1, 0))
    return {
        **(jobs_of(visit, region["id"], zones) if any("&plan=" in view.query for view in views) else {}),
        "zones": zones,
        "zone": one,
        "other": other,
        "hexagons": next(found["id"] for found in collections if found["kind"] == "hexagons"),
        "cell": quote(cell["id"]),
        "held": quote(held["id"]),
        "before": str(region["years"][-2]),
        "at": f"at=13/{lat}/{lon}",
        "plan": slot_of(
            {
                "year": 2040,
                "target": {"reduction": 0.1},
                "measures": [
                    {"id": "retrofit-1", "kind": "retrofit", "level": 0.3},
                    {"id": "park-1", "kind": "park", "hectares": 2, "area": {"collection": zones, "ids": [one]}},
                ],
            }
        ),
        # Rests on numbers that the page has no names of its own for.
        "growing": slot_of(
            {"year": 2040, "measures": [{"id": "growth-1", "kind": "growth", "form": "compact", "people": 900}]}
        ),
        "other_plan": slot_of({"year": 2040, "measures": [{"id": "heat", "kind": "heat_pump", "level": 0.4}]}),
    }


def violations(page: Page, project: Path, **options: Any) -> Any:
    """What axe finds that keeps people out."""
    if page.evaluate("typeof window.axe === 'undefined'"):
        page.add_script_tag(path=project / "web" / "node_modules" / "axe-core" / "axe.min.js")
    return page.evaluate(AXE, options)


def quiet(page: Page) -> None:
    """Wait until nothing is on its way."""
    page.wait_for_function(QUIET, timeout=60_000)


def see(page: Page, view: View, query: str) -> list[str]:
    """Bring a view onto the page and wait until it is complete; what is missing, so that one walk tells all."""
    try:
        page.evaluate(GO, query)
        quiet(page)
        if view.act:
            view.act(page)
        expect(page.locator(view.shows).first).to_be_visible()
        quiet(page)
    except (AssertionError, PlaywrightError) as missing:
        return [str(missing)[:400]]
    return []


def turned(page: Page, ground: Ground) -> Ground:
    """Turn light to dark or dark to light, and say which it is now: the next view is met there, and turned back.

    What keeps people out on one ground and not on the other is contrast, so the second look is for that alone.
    """
    other: Ground = "dark" if ground == "light" else "light"
    page.emulate_media(color_scheme=other)
    expect(page.locator("html")).to_have_attribute("data-ground", other)
    return other


def away(visit: Any) -> list[str]:
    """Addresses that were asked of anybody else than the map's own server."""
    return [url for url in visit.requests if not url.startswith((f"{visit.base}/", "blob:", "data:"))]


@WALKS
def test_every_view_is_translated_open_to_all_and_stays_at_home(
    visits: Any, project: Path, views: tuple[View, ...]
) -> None:
    visit = visits(bypass_csp=True, color_scheme="light", **WIDE)
    facts = facts_of(visit, views)
    page = visit.open("?lang=pseudo")
    found: dict[str, Any] = {}
    ground: Ground = "light"
    for view in views:
        query = view.query.format(**facts) or "?"
        missing = see(page, view, f"{query}&lang=pseudo")
        found[f"{view.name}, {ground}"] = [*missing, *violations(page, project), *page.evaluate(UNTRANSLATED)]
        ground = turned(page, ground)
        found[f"{view.name}, {ground}"] = violations(page, project, **CONTRAST)
        if view.undo:
            view.undo(page)
    assert {name: what for name, what in found.items() if what} == {}
    assert [said for said in visit.complaints if said not in SAID] == []
    assert away(visit) == []
    if views != VIEWS:
        return
    asked = "\n".join(visit.requests)
    for part in (
        "tiles/",
        "receipts/",
        "search?",
        "statistics?",
        "items?",
        "distribution?",
        "downloads",
        "ranking?",
        "scenarios/",
    ):
        assert f"/{part}" in asked, "the walk was to ask for this"


@WALKS
def test_every_view_is_open_to_all_on_a_phone_in_korean(visits: Any, project: Path, views: tuple[View, ...]) -> None:
    visit = visits(bypass_csp=True, locale="ko-KR", color_scheme="dark", **PHONE)
    facts = facts_of(visit, views)
    page = visit.open()
    found: dict[str, Any] = {}
    for view in (view for view in views if view.by_touch):
        missing = see(page, view, view.query.format(**facts) or "?")
        found[view.name] = [*missing, *violations(page, project)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[view.name].append("the page is wider than the phone")
        if view.undo:
            view.undo(page)
    assert {name: what for name, what in found.items() if what} == {}
    assert [said for said in visit.complaints if said not in SAID] == []
    assert away(visit) == []


REFUSED = {"type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "at most 10 a second"}
NOTHING: dict[str, Any] = {"count": 0, "nulls": 12, "min": None, "max": None, "quantiles": []}
# The demo's two years.
NOTHING["profile"] = [{"year": year, **NOTHING} for year in (2023, 2024)]
TROUBLE: tuple[tuple[str, str, dict[str, Any] | None, str], ...] = (
    ("server away", "**/api/**", None, "[data-testid=away]"),
    ("no region", "**/api/regions", {"json": []}, ".notices [role=status]"),
    ("nothing known", "**/distribution?*", {"json": NOTHING}, "[data-testid=empty]"),
    ("refused", "**/distribution?*", {"status": 429, "json": REFUSED}, ".notices [role=alert]"),
    ("not understood", "**/api/regions", {"json": {"regions": "?"}}, ".notices [role=alert]"),
    ("no WebGL", "", None, "[data-testid=no-webgl]"),
)


def answering(answer: dict[str, Any] | None) -> Callable[[Route], None]:
    """Answers every request alike; None: nobody answers."""
    return lambda route: route.abort() if answer is None else route.fulfill(**answer)


def test_what_is_said_of_trouble_is_translated_and_open_to_all(visits: Any, project: Path) -> None:
    visit = visits(bypass_csp=True, color_scheme="light", **COARSE)
    page = visit.page
    found: dict[str, Any] = {}
    ground: Ground = "light"
    for name, pattern, answer, shows in TROUBLE:
        if pattern:
            visit.context.route(pattern, answering(answer))
        else:
            page.add_init_script(
                "const real = HTMLCanvasElement.prototype.getContext;"
                "HTMLCanvasElement.prototype.getContext = function (kind, ...rest)"
                "{ return kind.startsWith('webgl') ? null : real.call(this, kind, ...rest); };"
            )
        page.goto(f"{visit.base}/?lang=pseudo")
        expect(page.locator(shows).first).to_be_visible()
        found[f"{name}, {ground}"] = [*violations(page, project), *page.evaluate(UNTRANSLATED)]
        ground = turned(page, ground)
        found[f"{name}, {ground}"] = violations(page, project, **CONTRAST)
        visit.context.unroute_all()
    assert {name: what for name, what in found.items() if what} == {}
    assert away(visit) == []
