"""What a planner sees at a glance: choices above the fold, words that fit, numbers that say what they are part of."""

import base64
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from bench.browsing import serve_store
from bench.serve_inputs import write_served

pytestmark = pytest.mark.browser

DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# Elements that hold more than they show, by their class.
CUT = """(selector) => [...document.querySelectorAll(selector)]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1).map((e) => e.className)"""

# Buttons, links and choices that a finger would miss: lower than 44 px, with what lies around them for it.
MISSED = """() => [...document.querySelectorAll('button, summary, a[href], select, .pill')].flatMap((e) => {
  const { width, height } = e.getBoundingClientRect();
  if (!width || e.matches('.skip') || getComputedStyle(e).visibility === 'hidden') return [];
  const high = Math.max(height, parseFloat(getComputedStyle(e, '::before').height) || 0);
  return high < 43.5 ? [`${e.className} ${e.textContent} ${high}`] : [];
})"""


def region_and_year(visit: Any) -> tuple[str, int]:
    """The region that the map opens with, and its last year."""
    region = visit.ask("regions")[0]
    return region["id"], region["years"][-1]


@pytest.mark.parametrize("lang", ["ru", *(pytest.param(one, marks=pytest.mark.slow) for one in ("en", "ko", "uz"))])
def test_every_choice_stands_above_the_fold_of_a_desk(visits: Any, lang: str) -> None:
    visit = visits(**DESK)
    page = visit.open(f"?lang={lang}&area=grid-500m")
    expect(page.get_by_test_id("legend").locator("li").first).to_be_visible()
    assert page.evaluate(CUT, ".panel, .controls, .tools button, .segments .pill > span, .select") == []
    # A tool whose word is broken is higher than one line.
    assert all(tool.bounding_box()["height"] < 24 for tool in page.locator(".tools span").all())
    last = page.locator(".display summary").bounding_box()
    legend = page.get_by_test_id("legend").bounding_box()
    sources = page.locator(".sources").bounding_box()
    assert last["y"] + last["height"] <= legend["y"]
    assert legend["y"] + legend["height"] <= 900
    # Metres are written in the reader's letters, on the scale bar as in the name of the grid.
    metres = "м" if lang == "ru" else "m"
    assert re.fullmatch(rf"\d+ [kк]?{metres}", page.locator(".maplibregl-ctrl-scale").inner_text())
    expect(page.get_by_test_id("legend")).to_contain_text(f"500 {metres}")
    # Sources stand at the foot of the map, under no panel.
    side = page.locator(".side").bounding_box()
    assert sources["x"] >= side["x"] + side["width"]
    assert sources["y"] + sources["height"] <= 900
    # Nor does any choice hide on the lower screen of a laptop.
    page.set_viewport_size({"width": 1366, "height": 768})
    page.wait_for_function("innerHeight === 768")
    assert page.evaluate(CUT, ".panel, .controls, .tools button, .segments .pill > span, .select") == []


@pytest.mark.slow
def test_the_first_map_asks_once_how_values_are_spread(visit: Any) -> None:
    region, _ = region_and_year(visit)
    page = visit.open("?area=grid-1km&sector=buildings")
    expect(page.get_by_test_id("legend").locator("li").first).to_be_visible()
    asked = [parse_qs(urlsplit(url).query) for url in visit.requests if "/distribution?" in url]
    assert [one["profile"] for one in asked if one["column"] == ["buildings_tco2e"]] == [["true"]]
    years = visit.ask(f"{region}/collections/grid-1km/distribution?column=buildings_tco2e&profile=true")["profile"]
    assert [one["year"] for one in years] == visit.ask("regions")[0]["years"]


def test_a_place_that_leads_by_the_hectare_says_where_its_total_ranks(visit: Any) -> None:
    region, year = region_and_year(visit)
    table = f"{region}/collections/grid-500m"
    query = f"year={year}&column=buildings_tco2e&limit=1"
    place = visit.ask(f"{table}/ranking?{query}&unit=t_per_ha")["ranked"][0]["id"]
    page = visit.open(f"?sector=buildings&area=grid-500m&sel=grid-500m/{place}")
    card = page.get_by_test_id("card")
    for unit, name in (("t_per_ha", "standing"), ("t", "standing-total")):
        told = visit.ask(f"{table}/ranking?{query}&unit={unit}&item={place}")
        peers = told["peers"] - told["unknown"]
        expect(card.get_by_test_id(name)).to_contain_text(f"No. {told['item']['rank']:,} of {peers:,}")
    expect(card.get_by_test_id("standing-total")).to_contain_text("tCO₂e")
    assert visit.complaints == []


@pytest.fixture(scope="module")
def large_city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a made-up city with more cells of 100 m than one answer of the API holds."""
    with serve_store(write_served(tmp_path_factory.mktemp("large") / "store", side=105).store) as address:
        yield address


@pytest.mark.slow
def test_who_takes_more_than_an_answer_holds_is_told_and_led_to_the_file(visit: Any, large_city: str) -> None:
    visit.base = large_city
    region, year = region_and_year(visit)
    page = visit.open("?area=grid-100m&view=take")
    sheet = page.get_by_test_id("sheet-take")
    total = visit.ask(f"{region}/collections/grid-100m/items?year={year}&limit=1&skipGeometry=true")["numberMatched"]
    assert total > 10_000
    sheet.get_by_role("checkbox", name="Only what is in view").uncheck()
    expect(sheet.get_by_test_id("take-rows")).to_have_text(f"{total:,} places")
    cut = sheet.get_by_test_id("take-cut")
    expect(cut).to_contain_text("10,000")
    whole = cut.get_by_role("link", name=f"grid-100m_{year}.csv")
    file = f"{visit.base}/{whole.get_attribute('href').split('/', 3)[3]}"
    for _ in range(30):
        answer = visit.context.request.get(file)
        if answer.status != 503:
            break
        page.wait_for_timeout(1000 * int(answer.headers["retry-after"]))  # as is told while a file is made
    assert answer.ok
    # A head, and every place.
    assert sum(1 for line in answer.text().splitlines() if line and not line.startswith("#")) == total + 1
    assert visit.complaints == []


def test_the_report_names_where_emissions_are_concentrated(visits: Any) -> None:
    visit = visits(**PHONE)
    region, year = region_and_year(visit)
    page = visit.page
    page.goto(f"{visit.base}/?view=report&area=sigungu")
    rows = page.get_by_test_id("report-hot")
    expect(rows).to_have_count(10)
    query = f"year={year}&sortby=-net_tco2e&limit=10&skipGeometry=true"
    cells = visit.ask(f"{region}/collections/grid-500m/items?{query}")["features"]
    zones = {
        zone["id"]: zone["properties"]
        for zone in visit.ask(f"{region}/collections/legal_dong/items?year={year}&limit=100&skipGeometry=true")[
            "features"
        ]
    }
    numbers = page.get_by_test_id("report-hot-map").locator("text")
    expect(numbers).to_have_count(10)
    assert sorted(int(text) for text in numbers.all_text_contents()) == list(range(1, 11))
    for at, cell in enumerate(cells):
        row = rows.nth(at)
        expect(row.locator("code")).to_have_text(cell["id"])
        told = float(row.locator("data").get_attribute("value"))
        assert told == cell["properties"]["net_tco2e"]
        # The district is the one that the search finds at the middle of the cell.
        west, south, east, north = visit.ask(f"{region}/search?q={cell['id']}")["features"][0]["bbox"]
        found = visit.ask(f"{region}/search?q={(south + north) / 2:.6f},{(west + east) / 2:.6f}")["features"]
        (district,) = [one["id"] for one in found if one["properties"]["collection"] == "legal_dong"]
        expect(row.get_by_role("rowheader")).to_contain_text(zones[district]["name_en"])
        assert ("†" in row.inner_text()) is (cell["properties"]["held"] is True)
    assert page.evaluate(CUT, "section:first-of-type > .scrolled") == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visit.complaints == []


@pytest.mark.slow
def test_a_comparison_on_a_phone_says_which_side_is_which(visits: Any) -> None:
    visit = visits(**PHONE)
    page = visit.open("?sector=buildings&vs=swipe/sector/forest")
    page.wait_for_selector("[data-testid=other-map][data-state=ready]", timeout=60_000)
    snapshot = page.get_by_test_id("compare").aria_snapshot()
    assert "Left Forest, right Buildings" in snapshot
    banner, bar = page.get_by_test_id("banner").bounding_box(), page.get_by_test_id("compare").bounding_box()
    names = [name.bounding_box() for name in page.locator(".side-name").all()]
    assert banner["y"] + banner["height"] <= bar["y"]
    assert all(bar["y"] + bar["height"] <= name["y"] for name in names)
    assert visit.complaints == []


def test_a_finger_finds_every_button_of_the_map_a_card_and_a_scenario(visits: Any) -> None:
    visit = visits(**PHONE, locale="ko-KR")
    page = visit.open()
    assert page.evaluate(MISSED) == []
    page.locator(".sheet-handle").tap(position={"x": 40, "y": 34})
    expect(page.locator(".display summary")).to_be_visible()
    assert page.evaluate(MISSED) == []
    zones = next(
        one["id"] for one in visit.ask(f"{region_and_year(visit)[0]}/collections")["collections"] if one["parent"]
    )
    place = visit.ask(f"{region_and_year(visit)[0]}/collections/{zones}/items?limit=1&skipGeometry=true")["features"][0]
    visit.open(f"?area={zones}&sel={zones}/{place['id']}")
    expect(page.get_by_test_id("trend")).to_be_visible()
    assert page.evaluate(MISSED) == []
    visit.open("?scenario=")
    panel = page.get_by_test_id("scenario")
    panel.get_by_role("button", name="히트펌프").tap()
    expect(panel.locator(".knob")).to_be_visible()
    assert page.evaluate(MISSED) == []


def test_before_and_after_are_named_above_the_sources_and_no_panel_slides_out_of_its_frame(visits: Any) -> None:
    page = visits(**DESK, locale="ko-KR").open("?scenario=&scenario-map=swipe")
    panel = page.get_by_test_id("scenario")
    panel.get_by_role("button", name="히트펌프").click()
    names = page.locator(".side-name")
    expect(names).to_have_count(2)
    sources = page.locator(".sources").bounding_box()
    for name in names.all():
        box = name.bounding_box()
        assert box["y"] + box["height"] <= sources["y"]
    # The title says once that it is net emissions.
    expect(page.get_by_test_id("legend").locator("h2")).to_have_text("순배출량")
    # Tables for those who do not see the charts lie within what scrolls, not below the panel that frames it.
    assert page.evaluate(CUT, ".card") == []


def test_the_chart_of_a_report_has_words_hardly_larger_than_those_around_it(visits: Any) -> None:
    visit = visits(**DESK)
    page = visit.page
    plan = base64.urlsafe_b64encode(b'{"year":2040,"measures":[{"id":"heat","kind":"heat_pump","level":0.4}]}').decode()
    page.goto(f"{visit.base}/?view=report&scenario={plan.rstrip('=')}")
    chart = page.get_by_test_id("path").locator("svg")
    expect(chart).to_be_visible()
    grown = chart.evaluate("one => one.getScreenCTM().a")
    words = float(chart.locator("text").first.evaluate("one => parseFloat(getComputedStyle(one).fontSize)"))
    around = float(page.locator(".report td").first.evaluate("one => parseFloat(getComputedStyle(one).fontSize)"))
    assert 0.75 * around <= grown * words <= 1.2 * around
    # Words stand below the heads of their columns, which begin where they do.
    assert page.locator("th.words").evaluate("one => getComputedStyle(one).textAlign") == "start"
