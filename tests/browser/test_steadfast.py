"""Stories of planners whose server goes and comes back, and of those who have no mouse."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from bench.browsing import serve_store

pytestmark = pytest.mark.browser

MOST_TABS = 40


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
        expect(away).not_to_be_attached(timeout=40_000)
        expect(page.get_by_test_id("legend")).to_contain_text("Forest removals")
        visit.drawn()
        page.go_back()
        visit.drawn()
        expect(classes).to_have_text(before, use_inner_text=True)


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
