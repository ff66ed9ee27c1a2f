"""A planner prints the map: title, map, legend, marks, sources, edition, day and link on paper, and no button."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

WIDE = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
COLOURS = """(canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let k = 0; k < data.length; k += 4 * 31) seen.add(data.slice(k, k + 4).join());
  return seen.size;
}"""


def laid_out_for_paper(page: Page) -> None:
    """As a browser does it: the page is told, then laid out for paper."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")


@pytest.mark.parametrize("options", [WIDE, pytest.param(PHONE, marks=pytest.mark.slow)], ids=["desk", "phone"])
def test_the_map_page_prints_as_a_page_that_explains_itself(visits: Any, options: dict[str, Any]) -> None:
    visit = visits(**options)
    region = visit.ask("regions")[0]
    page = visit.open("?sector=buildings&area=grid-500m")
    laid_out_for_paper(page)
    copy = page.locator(".printed-map")
    expect(copy).to_be_visible()
    assert copy.evaluate(COLOURS) > 10, "nothing is drawn"
    expect(page.get_by_test_id("legend")).to_be_visible()
    expect(page.get_by_test_id("banner")).to_contain_text("Synthetic data")
    sources = page.locator(".sources")
    expect(sources).to_contain_text(region["edition"])
    expect(sources).to_have_attribute("data-printed", re.compile(rf"\d{{4}}-\d\d-\d\d .*edition={region['edition']}"))
    # Nothing that is pressed, and nothing beside the paper.
    for useless in (".controls", ".tools", ".map-buttons", ".languages", "#map"):
        expect(page.locator(useless)).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(copy).to_have_count(0)
    expect(page.locator(".map-buttons")).to_be_visible()
    assert visit.complaints == []


@pytest.mark.slow
def test_two_maps_and_the_card_of_a_place_are_printed_together(visits: Any) -> None:
    visit = visits(**WIDE)
    region = visit.ask("regions")[0]
    query = f"year={region['years'][-1]}&sortby=-net_tco2e&limit=1&skipGeometry=true"
    place = visit.ask(f"{region['id']}/collections/legal_dong/items?{query}")["features"][0]["id"]
    page = visit.open(f"?area=legal_dong&sel=legal_dong/{place}&vs=swipe/year/{region['years'][0]}")
    page.wait_for_selector("[data-testid=other-map][data-state=ready]", timeout=60_000)
    expect(page.get_by_test_id("value")).to_be_visible()
    laid_out_for_paper(page)
    expect(page.locator(".printed-map")).to_be_visible()
    assert page.locator(".printed-map").evaluate(COLOURS) > 10
    expect(page.locator(".side-name")).to_contain_text([str(region["years"][0]), str(region["years"][-1])])
    expect(page.get_by_test_id("value")).to_be_visible()
    # The card goes on below the map and is whole.
    card = page.get_by_test_id("card")
    assert card.evaluate("card => card.scrollHeight <= card.clientHeight + 1")
    above = page.locator(".printed-map").evaluate("copy => copy.getBoundingClientRect().bottom")
    assert card.evaluate("card => card.getBoundingClientRect().top") >= above
    assert visit.complaints == []
