"""Stories of planners who pick and draw, and then think better of it, speak another language, or look at two maps."""

from typing import Any

import pytest
from map_reading import GRID, pixels
from playwright.sync_api import Page, expect
from scenario_panel import WIDE, document_of, opened

pytestmark = pytest.mark.browser

HERE = "New measures act here"


def middle(page: Page) -> tuple[float, float]:
    """The middle of the map on the screen, px."""
    box = page.locator("canvas.maplibregl-canvas").first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def near_a_road(visit: Any) -> tuple[float, float]:
    """Longitude and latitude of a place on a road."""
    region = visit.ask("regions")[0]
    west, south, east, north = region["bbox"]
    query = f"lon={(west + east) / 2}&lat={(south + north) / 2}&within_m=1000"
    [road] = visit.ask(f"{region['id']}/scenarios/roads?{query}")["features"]
    line = road["geometry"]["coordinates"]
    line = line if isinstance(line[0][0], float) else line[0]
    (lon, lat), (to_lon, to_lat) = line[len(line) // 2 - 1 : len(line) // 2 + 1]
    return (lon + to_lon) / 2, (lat + to_lat) / 2


@pytest.mark.parametrize("how", ["Escape", "Cancel"])
def test_who_gives_up_picking_zones_finds_the_panel_as_it_was(visits: Any, how: str) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    page = visit.page
    panel.get_by_role("button", name="Heat pumps").click()
    before = document_of(panel, page)
    address = page.url
    panel.get_by_role("button", name="Pick zones").click()
    visit.drawn()
    plain = pixels(visit, page)
    page.mouse.click(*middle(page))
    expect(panel.locator(".zone-list input:checked")).to_have_count(1)
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        panel.get_by_role("button", name="Cancel").click()
    expect(panel.locator(".zone-list")).to_have_count(0)
    expect(panel.get_by_role("group", name=HERE)).to_contain_text("Whole region")
    assert document_of(panel, page) == before
    assert page.url == address
    # Nothing of it is left on the map; without the panel a click on that chooses a place.
    page.mouse.move(5, 5)
    visit.drawn()
    assert pixels(visit, page) != plain, "the borders of the zones are gone, too"
    panel.locator(".card-head button.close").click()
    visit.drawn()
    page.mouse.click(*middle(page))
    expect(page.get_by_test_id("card")).to_be_visible()
    assert visit.complaints == []


@pytest.mark.parametrize("how", ["Escape", "Cancel"])
def test_who_gives_up_picking_roads_finds_the_panel_as_it_was(visits: Any, how: str) -> None:
    visit = visits(**WIDE)
    lon, lat = near_a_road(visit)
    page = visit.open(f"?scenario=&at=16/{lat:.6f}/{lon:.6f}")
    panel = page.get_by_test_id("scenario")
    expect(panel.get_by_test_id("scenario-change")).to_contain_text("nothing is changed yet")
    before = document_of(panel, page)
    address = page.url
    panel.get_by_role("button", name="Speed on roads").click()
    picking = panel.get_by_test_id("road-picking")
    visit.drawn()
    page.mouse.click(*middle(page))
    expect(picking).to_contain_text("1 road picked")
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        picking.get_by_role("button", name="Cancel").click()
    expect(picking).to_have_count(0)
    expect(panel.locator(".measure")).to_have_count(0)
    assert document_of(panel, page) == before
    assert page.url == address
    # Who begins again begins with nothing picked.
    panel.get_by_role("button", name="Speed on roads").click()
    expect(picking).to_contain_text("Click a road")
    assert visit.complaints == []


AT_ONCE = """async (card) => {
  card.click();
  // The soonest that a key can follow: before the page is painted, and before what waits for that.
  const { port1, port2 } = new MessageChannel();
  const soon = new Promise((done) => { port1.onmessage = done; });
  port2.postMessage(null);
  await soon;
  const escape = { key: 'Escape', bubbles: true, cancelable: true };
  document.activeElement.dispatchEvent(new KeyboardEvent('keydown', escape));
}"""


@pytest.mark.parametrize("kind", ["road_closure", "new_road", "transit_stops"])
def test_escape_gives_up_a_measure_that_was_not_begun_and_not_the_panel(visits: Any, kind: str) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    card = panel.locator(f"[data-kind={kind}]")
    card.click()
    expect(card).to_have_attribute("aria-expanded", "true")
    visit.page.keyboard.press("Escape")
    expect(card).to_have_attribute("aria-expanded", "false")
    expect(card).to_be_focused()
    card.evaluate(AT_ONCE)
    expect(card).to_have_attribute("aria-expanded", "false")
    expect(card).to_be_focused()
    expect(panel).to_be_visible()
    assert visit.complaints == []


def test_another_language_takes_nothing_from_who_is_picking(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    page = visit.page
    panel.get_by_role("button", name="Pick zones").click()
    visit.drawn()
    page.mouse.click(*middle(page))
    ticked = panel.locator(".zone-list input:checked")
    expect(ticked).to_have_count(1)
    for language, words in (("한국어", "구역 1곳에 적용"), ("English", "Use 1 zone")):
        page.get_by_role("radio", name=language).check(force=True)
        expect(panel.get_by_role("button", name=words)).to_be_enabled()
        expect(ticked).to_have_count(1)
    panel.get_by_role("button", name="Use 1 zone").click()
    expect(panel.get_by_role("group", name=HERE)).to_contain_text("1 zone")
    assert visit.complaints == []


def test_what_is_picked_on_the_half_of_before_is_seen_there(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit, "?scenario-cut=100")
    page = visit.page
    panel.get_by_role("button", name="Heat pumps").click()
    panel.get_by_role("radio", name="Before | after").check(force=True)
    page.wait_for_selector("[data-testid=before-map][data-state=ready]", timeout=60_000)
    divider = page.get_by_role("slider", name="Divider between before and after")
    divider.focus()
    divider.press("End")  # all of the map is before
    panel.get_by_role("button", name="Pick zones").click()
    x, y = middle(page)
    visit.drawn()
    page.wait_for_selector("[data-testid=before-map][data-state=ready]", timeout=60_000)
    page.mouse.click(x, y)
    ticked = panel.locator(".zone-list input:checked")
    expect(ticked).to_have_count(1)
    filled = pixels(visit, page)
    page.mouse.click(x, y)
    expect(ticked).to_have_count(0)
    visit.drawn()
    assert pixels(visit, page) != filled
    assert visit.complaints == []


def test_an_outline_is_drawn_on_either_of_two_maps_and_seen_on_both(visits: Any) -> None:
    visit = visits(**WIDE)
    year = visit.ask("regions")[0]["years"][0]
    page = visit.open(f"?area={GRID}&sector=buildings&vs=side/year/{year}")
    page.wait_for_selector("[data-testid=other-map][data-state=ready]", timeout=60_000)
    page.get_by_role("button", name="Measure an area").click()
    measured = page.get_by_test_id("measured")
    measured.get_by_role("button", name="Draw on the map").click()
    box = page.get_by_test_id("other-map").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for count, (dx, dy) in enumerate(((-60, -60), (60, -60), (0, 70)), start=1):
        page.mouse.click(x + dx, y + dy)
        expect(measured.get_by_role("status")).to_contain_text(f"{count} corner")
    measured.get_by_role("button", name="Finish").click()
    expect(measured.get_by_test_id("value")).to_be_visible()
    assert visit.complaints == []
