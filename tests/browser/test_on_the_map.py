"""Stories of planners who point at the map: zones, roads and lines of a scenario; and keep what they made."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from map_reading import number_in, places
from playwright.sync_api import expect
from scenario_panel import WIDE, answer, by_job, document_of, js_number, opened, planners_key, shows, slide

pytestmark = pytest.mark.browser

UNKNOWN = "a" * 22


def centre(visit: Any) -> tuple[float, float]:
    """Longitude and latitude of the region's middle."""
    west, south, east, north = visit.ask("regions")[0]["bbox"]
    return (west + east) / 2, (south + north) / 2


def roads_near(visit: Any, lon: float, lat: float, within_m: float = 1000) -> list[dict[str, Any]]:
    """The road nearest to a place, as the API has it."""
    region = visit.ask("regions")[0]["id"]
    found: list[dict[str, Any]] = visit.ask(f"{region}/scenarios/roads?lon={lon}&lat={lat}&within_m={within_m}")[
        "features"
    ]
    return found


def middle_of(road: dict[str, Any]) -> tuple[float, float]:
    """A vertex of a road that is none of its ends, or the middle of its only piece."""
    line = road["geometry"]["coordinates"]
    line = line if isinstance(line[0][0], float) else line[0]
    if len(line) > 2:
        lon, lat = line[len(line) // 2]
    else:
        (west, south), (east, north) = line
        lon, lat = (west + east) / 2, (south + north) / 2
    return lon, lat


def test_zones_are_picked_by_clicking_them_on_the_map(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    page = visit.page
    panel.get_by_role("button", name="Pick zones").click()
    ticked = panel.locator(".zone-list input:checked")
    visit.drawn()
    page.mouse.click(600, 330)
    expect(ticked).to_have_count(1)
    first = ticked.locator("xpath=..").inner_text()
    page.mouse.click(600, 330)
    expect(ticked).to_have_count(0)
    page.mouse.click(600, 330)
    expect(ticked).to_have_count(1)
    expect(page.get_by_test_id("card")).to_have_count(0)
    page.mouse.move(604, 334)
    expect(page.get_by_test_id("pick-tooltip")).to_have_text(first)
    panel.get_by_role("button", name="Use 1 zone").click()
    expect(panel.get_by_role("group", name="New measures act here")).to_contain_text("1 zone")
    panel.get_by_role("button", name="Building retrofit").click()
    document = document_of(panel, page)
    area = document["measures"][0]["area"]
    region = visit.ask("regions")[0]
    item = visit.ask(f"{region['id']}/collections/{area['collection']}/items/{area['ids'][0]}")
    assert first in item["properties"].values()
    shows(panel, answer(visit, document)["change_tco2e"]["net"])
    # Whoever picks no more chooses places again.
    panel.locator(".card-head button.close").click()
    visit.drawn()
    visit.click_centre()
    expect(page.get_by_test_id("card")).to_be_visible()
    assert visit.complaints == []


@pytest.mark.slow
def test_a_road_is_picked_on_the_map_and_slowed(visits: Any) -> None:
    visit = visits(**WIDE)
    [near] = roads_near(visit, *centre(visit))
    lon, lat = middle_of(near)
    page = visit.open(f"?scenario=&at=16/{lat:.6f}/{lon:.6f}")
    panel = page.get_by_test_id("scenario")
    expect(panel.get_by_test_id("scenario-change")).to_contain_text("nothing is changed yet")
    panel.get_by_role("button", name="Speed on roads").click()
    picking = panel.get_by_test_id("road-picking")
    expect(picking).to_contain_text("Click a road")
    visit.drawn()
    box = page.locator("canvas.maplibregl-canvas").first.bounding_box()
    place = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(*place)
    expect(picking).to_contain_text("1 road picked")
    # The very road that the API says is nearest.
    [expected] = roads_near(visit, lon, lat, 20)
    picking.get_by_role("button", name="Use 1 road").click()
    row = panel.get_by_test_id("measure-road_speed-1")
    expect(row).to_contain_text("1 road")
    slide(row.get_by_role("slider", name="New speed"), 10)
    document = document_of(panel, page)
    assert document["measures"] == [{"id": "road_speed-1", "kind": "road_speed", "kmh": 10, "roads": [expected["id"]]}]
    result = by_job(visit, document)
    expect(panel.get_by_test_id("scenario-change").locator("data")).to_have_attribute(
        "value", js_number(result["change_tco2e"]["net"]), timeout=120_000
    )
    assert visit.complaints == []


@pytest.mark.slow
def test_a_road_and_a_transit_line_are_drawn(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    page = visit.page
    panel.get_by_role("button", name="New transit line or stops").click()
    group = panel.get_by_role("group", name="Urban form")
    expect(group).to_contain_text("does not tell today’s stops")
    expect(group.get_by_role("button", name="Draw the new line")).to_be_disabled()
    group.get_by_role("button", name="Mark today’s stops").click()
    expect(group.get_by_role("status")).to_contain_text("where a stop is")
    page.mouse.click(560, 300)
    expect(group.get_by_role("status")).to_contain_text("1 stop")
    group.get_by_role("button", name="Finish").click()
    expect(group).to_contain_text("1 of today’s stops is marked")
    group.get_by_role("button", name="Draw the new line").click()
    expect(group.get_by_role("status")).to_contain_text("where the line begins")
    for count, (x, y) in enumerate(((600, 300), (700, 360), (760, 480)), start=1):
        page.mouse.click(x, y)
        expect(group.get_by_role("status")).to_contain_text(f"{count} place")
    group.get_by_role("button", name="Finish").click()
    row = panel.get_by_test_id("measure-transit_stops-1")
    expect(row).to_contain_text("A drawn line")
    slide(row.get_by_role("slider", name="Between stops"), 300)
    document = document_of(panel, page)
    assert [len(document["stops"]), len(document["measures"][0]["line"])] == [1, 3]
    result = answer(visit, document)
    shows(panel, result["change_tco2e"]["net"])
    assert result["measures"][0]["unit"] == "stop"

    panel.get_by_role("button", name="New road").click()
    roads = panel.get_by_role("group", name="Roads", exact=True)
    expect(roads.get_by_role("status").first).to_contain_text("where the line begins")
    page.mouse.click(560, 300)
    expect(roads.get_by_role("status").first).to_contain_text("1 place")
    page.keyboard.press("Escape")
    expect(roads.get_by_role("button", name="Finish")).to_have_count(0)
    expect(panel.get_by_test_id("measure-new_road-1")).to_have_count(0)
    assert visit.complaints == []


@pytest.mark.slow
def test_more_people_and_another_use_in_one_place(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    page = visit.page
    density = panel.get_by_role("button", name="More people and jobs here")
    expect(density).to_be_disabled()
    panel.get_by_role("button", name="Pick zones").click()
    panel.locator(".zone-list input[type=checkbox]").first.check()
    panel.get_by_role("button", name="Use 1 zone").click()
    density.click()
    panel.get_by_role("button", name="Change of use").click()
    row = panel.get_by_test_id("measure-use_change-1")
    row.locator("[data-field=use]").select_option("0")
    slide(row.get_by_role("slider", name="Share"), 0.5)
    # A form of the whole city is another measure beside it.
    panel.get_by_role("button", name="Compact", exact=True).click()
    document = document_of(panel, page)
    more, use, city = document["measures"]
    assert [more["form"], city["form"], "area" in city] == ["trend", "compact", False]
    assert more["people"] > 0
    assert more["area"] == use["area"]
    assert [use["source"], use["target"], use["level"]] == ["residential", "nonresidential", 0.5]
    result = answer(visit, document)
    shows(panel, result["change_tco2e"]["net"])
    people = [result["indicators"][when]["population"] for when in ("before", "after")]
    assert people[1] - people[0] == pytest.approx(more["people"] + city["people"])
    assert visit.complaints == []


@pytest.mark.parametrize(
    "broken",
    [
        "eyJ5ZWFyIjoyMDQwLCJtZWFzdX",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("%C3%28.~short", "x" * 9000)),
    ],
)
def test_a_damaged_link_says_so(visits: Any, broken: str) -> None:
    visit = visits(**WIDE)
    page = visit.open(f"?scenario={broken}")
    panel = page.get_by_test_id("scenario")
    expect(panel.get_by_test_id("scenario-damaged")).to_contain_text("damaged")
    panel.get_by_role("button", name="Heat pumps").click()
    expect(panel.get_by_test_id("scenario-damaged")).to_have_count(0)
    assert visit.complaints == []


def test_a_link_to_a_scenario_that_is_not_kept_says_so(visits: Any) -> None:
    visit = visits(**WIDE)
    page = visit.open(f"?scenario=~{UNKNOWN}~1")
    expect(page.get_by_test_id("scenario")).to_contain_text("not kept here any more")
    assert all("404" in said for said in visit.complaints)


@pytest.mark.skipif("CARBONMAP_DEMO_URL" in os.environ, reason="keys are made only on a server of our own")
def test_a_scenario_is_saved_with_a_key_changed_and_reopened_elsewhere(
    visits: Any, project: Path, demo_folder: Path
) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    page = visit.page
    key = planners_key(demo_folder / "store", project)
    panel.get_by_role("button", name="Heat pumps").click()
    panel.get_by_label("Name", exact=True).fill("Warm homes")
    panel.get_by_label("Name", exact=True).press("Tab")
    panel.get_by_text("Save", exact=True).first.click()
    field = panel.get_by_label("Planner’s key")
    field.fill("ck_wrong")
    panel.get_by_role("button", name="Save", exact=True).click()
    expect(panel.locator(".keeping [role=alert]")).to_be_visible()
    field.fill(key)
    panel.get_by_role("button", name="Save", exact=True).click()
    expect(panel.get_by_test_id("saved")).to_contain_text("version 1")
    slide(panel.get_by_test_id("measure-heat_pump-1").get_by_role("slider", name="Share"), 0.7)
    expect(panel.get_by_test_id("saved-as")).to_contain_text("changed since")
    panel.get_by_role("button", name="Save as next version").click()
    expect(panel.get_by_test_id("saved")).to_contain_text("version 2")
    document = document_of(panel, page)
    change = answer(visit, document)["change_tco2e"]["net"]
    shows(panel, change)
    [link] = parse_qs(urlsplit(page.url).query)["scenario"]
    _, name, version = link.split("~")
    assert version == "2"
    region = visit.ask("regions")[0]["id"]
    assert visit.ask(f"{region}/scenarios/{name}?version=2")["scenario"]["measures"][0]["level"] == 0.7

    colleague = visits(**WIDE)
    other = colleague.open(f"?scenario=~{name}~2")
    again = other.get_by_test_id("scenario")
    shows(again, change)
    expect(again.locator("#scenario-title")).to_have_text("Warm homes")
    expect(again.get_by_test_id("saved-as")).to_have_text("Version 2 of a saved scenario")
    expect(again.get_by_test_id("saved-elsewhere")).to_have_count(0)
    other.goto(f"{visit.base}/?scenario=~{name}~1")
    first = visit.ask(f"{region}/scenarios/{name}?version=1")["scenario"]
    shows(again, answer(visit, first)["change_tco2e"]["net"])
    assert all("401" in said or "403" in said for said in visit.complaints)
    assert colleague.complaints == []


@pytest.mark.slow
def test_more_cells_than_one_answer_holds_are_drawn_from_tiles(visits: Any) -> None:
    visit = visits(**WIDE)
    page = visit.page

    def crowded(route: Any) -> None:
        told = route.fetch()
        document = told.json()
        for one in document["collections"]:
            if one["kind"] == "grid":
                one["count"] = 20_000
        route.fulfill(response=told, body=json.dumps(document))

    def tile_of_a_result(told: Any) -> bool:
        return "/tiles/WebMercatorQuad/" in told.url and "/results/" in told.url

    page.route("**/api/*/collections?*", crowded)
    panel = opened(visit)
    with page.expect_response(tile_of_a_result):
        panel.get_by_role("button", name="Building retrofit").click()
    visit.drawn()
    document = document_of(panel, page)
    result = answer(visit, document)
    shows(panel, result["change_tco2e"]["net"])
    expect(page.get_by_test_id("legend")).to_contain_text("Change of emissions")
    page.mouse.move(640, 400)
    tooltip = page.get_by_test_id("scenario-tooltip")
    page.mouse.move(642, 402)
    expect(tooltip).to_contain_text("tCO₂e/ha")
    # What the tiles say of the cell is what the items say.
    cell = tooltip.locator(".tooltip-name").inner_text()
    region = visit.ask("regions")[0]
    address = f"{visit.base}/api/{region['id']}/scenarios/results/items?year={region['years'][-1]}&limit=10000"
    told = visit.context.request.post(address, data=document).json()
    assert cell in {one["id"] for one in told["features"]}
    # Before and after under a divider are drawn from tiles, too, on both maps; their numbers are those of the items.
    slide(panel.get_by_test_id("measure-retrofit-1").get_by_role("slider", name="Share"), 1)
    document = document_of(panel, page)
    shows(panel, answer(visit, document)["change_tco2e"]["net"])
    visit.drawn()
    with page.expect_response(tile_of_a_result):
        panel.get_by_role("radio", name="Before | after").check(force=True)
    page.wait_for_selector("[data-testid=before-map][data-state=ready]", timeout=60_000)
    visit.drawn()
    expect(page.locator(".side-name")).to_have_text(["before", "after"])
    expect(page.get_by_test_id("legend")).to_contain_text("Net emissions")
    page.mouse.move(641, 400)
    expect(tooltip.locator(".tooltip-name")).to_have_text(cell)
    told = visit.context.request.post(address, data=document).json()
    [item] = [one for one in told["features"] if one["id"] == cell]
    area = next(one for one in places(visit, told["of"]) if one["id"] == cell)["properties"]["area_ha"]
    said = tooltip.locator(".tooltip-held").inner_text().split(",", 1)
    expected = [item["properties"][f"net_{when}_tco2e"] / area for when in ("before", "after")]
    assert [number_in(one) for one in said] == pytest.approx(expected, rel=6e-3)
    assert visit.complaints == []
