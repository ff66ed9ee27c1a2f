"""What is open closes one by one with Escape, the latest first, and its opener has the focus again."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = pytest.mark.browser

SCRIPTS = re.compile(r"\.js$")


def press_escape(page: Page, closed: Locator) -> None:
    """Press it once, and see one thing closed by it."""
    page.keyboard.press("Escape")
    expect(closed).not_to_be_visible()


def test_escape_closes_the_latest_alone(visit: Any) -> None:
    page = visit.open("?area=grid-1km")
    page.get_by_role("button", name="Compare").press("Enter")
    bar = page.get_by_test_id("compare")
    expect(bar).to_be_visible()
    page.get_by_role("button", name="Table", exact=True).press("Enter")
    table = page.get_by_test_id("table")
    expect(table.locator(".row-name").first).to_be_visible()
    table.locator(".row-name").first.press("Enter")
    card = page.get_by_test_id("card")
    expect(card.get_by_test_id("value")).to_be_visible()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()

    press_escape(page, sheet)
    expect(card).to_be_visible()
    press_escape(page, card)
    expect(table.locator(".row-name").first).to_be_focused()
    expect(bar).to_be_visible()
    table.get_by_role("heading", level=2).focus()
    press_escape(page, table)
    expect(page.get_by_role("button", name="Table", exact=True)).to_be_focused()
    expect(bar).to_be_visible()
    press_escape(page, bar)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("map")).to_be_visible()
    assert visit.complaints == []


@pytest.mark.parametrize(
    ("tool", "opened"), [("Compare", "compare"), pytest.param("Measure an area", "measured", marks=pytest.mark.slow)]
)
def test_the_button_in_a_panel_gives_the_focus_back_to_the_tool(visit: Any, tool: str, opened: str) -> None:
    page = visit.open("?area=grid-1km")
    opener = page.get_by_role("button", name=tool)
    opener.press("Enter")
    panel = page.get_by_test_id(opened)
    panel.locator("button.close").press("Enter")
    expect(panel).not_to_be_visible()
    expect(opener).to_be_focused()


def test_a_card_that_was_searched_for_gives_the_focus_back_to_the_search(visit: Any) -> None:
    page = visit.open("?area=grid-1km")
    cell = visit.ask(f"{visit.ask('regions')[0]['id']}/collections/grid-1km/items?limit=1&skipGeometry=true")
    search = page.get_by_role("combobox", name="Find a place")
    search.fill(cell["features"][0]["id"])
    expect(page.get_by_role("option").first).to_be_visible()
    search.press("Enter")
    card = page.get_by_test_id("card")
    expect(card.get_by_role("heading", level=2)).to_be_focused()
    press_escape(page, card)
    expect(search).to_be_focused()


@pytest.mark.slow
def test_escape_ends_what_is_done_on_a_card_before_the_card(visit: Any) -> None:
    page = visit.open("?area=grid-1km")
    page.get_by_role("button", name="Measure an area").press("Enter")
    measured = page.get_by_test_id("measured")
    measured.get_by_role("button", name="Draw on the map").press("Enter")
    status = measured.get_by_role("status")
    expect(status).to_contain_text("first corner")
    measured.get_by_role("button", name="Cancel").focus()
    press_escape(page, status)
    expect(measured).to_be_visible()
    press_escape(page, measured)


def test_escape_gives_up_a_panel_whose_code_is_under_way_and_not_the_card_below(visit: Any) -> None:
    page = visit.open("?area=grid-1km")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(SCRIPTS, hold)
    visit.click_centre()
    card = page.get_by_test_id("card")
    expect(card).to_be_visible()
    opener = page.get_by_role("button", name="Table", exact=True)
    opener.press("Enter")
    coming = page.locator(".table-sheet.skeleton")
    expect(coming).to_be_visible()
    press_escape(page, coming)
    expect(card).to_be_visible()
    expect(opener).to_be_focused()
    # What comes after all opens nothing by itself.
    page.route(SCRIPTS, lambda route: route.continue_())
    for route in held:
        route.continue_()
    expect(card.get_by_test_id("value")).to_be_visible()
    expect(page.get_by_test_id("table")).to_have_count(0)
    press_escape(page, card)
    assert visit.complaints == []
