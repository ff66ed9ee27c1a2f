"""Stories of planners whose server goes and comes back, and of those who have no mouse."""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from bench.browsing import serve_store

pytestmark = pytest.mark.browser

MOST_TABS = 40
SCRIPTS = re.compile(r"\.js$")
ONE_CONTEXT = """
const real = HTMLCanvasElement.prototype.getContext;
let first = null;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  if (!String(kind).startsWith('webgl')) return real.call(this, kind, ...rest);
  first ??= this;
  return first === this ? real.call(this, kind, ...rest) : null;
};
"""
"""A browser that gives a page one context to draw maps in."""
MAIN_PART = re.compile(r"/page-[^/]*\.js$")


@pytest.mark.skipif("CARBONMAP_DEMO_URL" in os.environ, reason="a server that is not ours is not stopped")
def test_a_server_that_is_stopped_and_started_again_is_met_where_one_was(
    visits: Any, served_demo: str, demo_folder: Path
) -> None:
    assert served_demo
    visit = visits()
    with serve_store(demo_folder / "store") as address:
        visit.base = address
        page = visit.open("?area=grid-1km&sector=buildings")
        classes = page.get_by_test_id("legend").locator(".legend-classes")
        before = classes.inner_text()
    page.get_by_role("radio", name="Forest").check(force=True)
    away = page.get_by_test_id("away")
    expect(away).to_contain_text("does not answer")
    with serve_store(demo_folder / "store", urlsplit(address).port or 0) as again:
        assert again == address
        expect(away).not_to_be_attached()
        expect(page.get_by_test_id("legend")).to_contain_text("Forest removals")
        visit.drawn()
        page.go_back()
        visit.drawn()
        expect(classes).to_have_text(before, use_inner_text=True)


def test_a_page_that_is_older_than_its_files_says_so(visit: Any) -> None:
    page = visit.open("?area=grid-1km")
    page.route(SCRIPTS, lambda route: route.fulfill(status=404))
    page.get_by_role("button", name="Table", exact=True).click()
    old = page.get_by_test_id("old")
    expect(old).to_contain_text("Reload the page")
    expect(page.get_by_test_id("away")).not_to_be_attached()
    page.unroute(SCRIPTS)
    old.get_by_role("button").click()
    visit.drawn()
    expect(page.get_by_test_id("table").locator(".row-name").first).to_be_visible()
    expect(old).not_to_be_attached()


def test_a_page_whose_main_part_does_not_come_is_not_left_white(visit: Any) -> None:
    page = visit.page
    page.route(MAIN_PART, lambda route: route.fulfill(status=404))
    page.goto(f"{visit.base}/?area=grid-1km")
    expect(page.locator("#app")).to_contain_text("Reload the page")
    page.unroute(MAIN_PART)
    page.reload()
    visit.drawn()
    expect(page.locator("#app")).not_to_contain_text("Reload the page")


@pytest.mark.slow
def test_a_second_map_that_is_refused_takes_nothing_from_the_first(visit: Any) -> None:
    visit.page.add_init_script(ONE_CONTEXT)
    page = visit.open("?area=grid-1km")
    page.locator("#compare-tool").click()
    expect(page.get_by_test_id("other-map")).to_contain_text("cannot draw the map")
    page.locator("#compare-tool").click()
    visit.drawn()
    visit.click_centre()
    expect(page.get_by_test_id("card")).to_be_visible()


def test_a_district_is_found_read_and_traced_with_the_keyboard_alone(visit: Any) -> None:
    region = visit.ask("regions")[0]
    year = region["years"][-1]
    query = f"year={year}&sortby=-net_tco2e&limit=1&skipGeometry=true"
    (first,) = visit.ask(f"{region['id']}/collections/sigungu/items?{query}")["features"]
    page = visit.open()
    search = page.get_by_role("combobox", name="Find a place")
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if search.evaluate("one => one === document.activeElement"):
            break
    expect(search).to_be_focused()
    page.keyboard.type(first["properties"]["name_en"])
    expect(page.get_by_role("option").first).to_contain_text(first["properties"]["name_en"])
    page.keyboard.press("Enter")
    card = page.get_by_test_id("card")
    expect(card.get_by_role("heading", level=2)).to_have_text(first["properties"]["name_en"])
    value = card.get_by_test_id("value").locator("data")
    expect(value).to_be_visible()
    assert float(value.get_attribute("value")) == first["properties"]["net_tco2e"]
    why = card.get_by_role("button", name="Where does this number come from?")
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if why.evaluate("one => one === document.activeElement"):
            break
    expect(why).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("receipt")).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
