"""Stories of planners who want to understand a place: find it, read it, trace it, measure it, list it."""

import json
import math
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TRIANGLE = [[127.1, 37.31], [127.13, 37.31], [127.13, 37.33], [127.1, 37.31]]


def latest(visit: Any) -> tuple[str, int]:
    """Id and latest year of the region that the map opens with."""
    region = visit.ask("regions")[0]
    return region["id"], region["years"][-1]


def districts(visit: Any) -> tuple[str, list[dict[str, Any]]]:
    """The zone set that lies in another, and the properties of its items with the largest net first."""
    region, year = latest(visit)
    zone_sets = [c for c in visit.ask(f"{region}/collections")["collections"] if c["kind"] == "zones" and c["parent"]]
    items = visit.ask(
        f"{region}/collections/{zone_sets[0]['id']}/items?year={year}&skipGeometry=true&sortby=-net_tco2e"
    )
    return zone_sets[0]["id"], [one["properties"] for one in items["features"]]


def value_in(place: Any) -> float:
    """The exact number of a headline."""
    return float(place.get_by_test_id("value").locator("data").get_attribute("value"))


def address_of(page: Any) -> dict[str, str]:
    """The choices that the page's address carries."""
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def posted(visit: Any, region: str, year: int, body: dict[str, Any]) -> dict[str, Any]:
    """What the API says of an area."""
    answer = visit.context.request.post(f"{visit.base}/api/{region}/statistics?year={year}", data=body)
    assert answer.ok, answer.text()
    found: dict[str, Any] = answer.json()
    return found


def net_of(statistics: dict[str, Any]) -> float:
    """The net sum of an answer to a question about an area."""
    (net,) = (one["tco2e"] for one in statistics["sectors"] if one["sector"] == "net")
    return float(net)


def test_a_planner_finds_a_district_by_its_korean_name_and_goes_up_from_it(visit: Any) -> None:
    region, year = latest(visit)
    collection, zones = districts(visit)
    zone = zones[2]
    page = visit.open()
    box = page.get_by_role("combobox", name="Find a place")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    box.fill(zone["name_ko"])
    option = page.get_by_role("listbox", name="Places found").get_by_role("option").first
    expect(option).to_contain_text(zone["name_en"])
    expect(box).to_have_attribute("aria-activedescendant", re.compile("search-place-0"))
    box.press("Enter")
    card = page.get_by_test_id("card")
    heading = card.get_by_role("heading", level=2)
    expect(heading).to_have_text(zone["name_en"])
    expect(heading).to_be_focused()
    expect(card.get_by_test_id("value")).to_be_visible()
    assert value_in(card) == zone["net_tco2e"]
    assert address_of(page)["sel"] == f"{collection}/{zone['id']}"
    (info,) = (c for c in visit.ask(f"{region}/collections")["collections"] if c["id"] == collection)
    above = visit.ask(f"{region}/collections/{info['parent']}/items/{zone['parent_id']}?year={year}")["properties"]
    card.get_by_test_id("breadcrumb").get_by_role("button", name=above["name_en"]).click()
    expect(heading).to_have_text(above["name_en"])
    expect(card.get_by_test_id("value").locator("data")).to_have_attribute(
        "value", re.compile(re.escape(str(above["net_tco2e"])[:10]))
    )
    assert value_in(card) == above["net_tco2e"]
    assert visit.complaints == []


def test_codes_and_coordinates_are_found_and_nonsense_is_told(visit: Any) -> None:
    region, year = latest(visit)
    cell = visit.ask(f"{region}/collections/grid-500m/items?year={year}&limit=1&sortby=-net_tco2e")["features"][0]
    page = visit.open()
    box = page.get_by_role("combobox", name="Find a place")
    box.fill("no place of this name")
    expect(page.get_by_test_id("nothing-found")).to_contain_text("Nothing found")
    lon, lat = (sum(corner[axis] for corner in cell["geometry"]["coordinates"][0][:4]) / 4 for axis in (0, 1))
    box.fill(f"{lat:.6f}, {lon:.6f}")
    expect(
        page.get_by_role("listbox", name="Places found").get_by_role("option").filter(has_text=cell["id"])
    ).to_be_visible()
    box.fill(cell["id"])
    expect(page.get_by_role("listbox", name="Places found").get_by_role("option")).to_have_count(1)
    box.press("Enter")
    expect(page.get_by_test_id("card").get_by_role("heading", level=2)).to_have_text(cell["id"])


def test_a_planner_sees_how_a_district_changed_and_where_it_ranks(visit: Any) -> None:
    region, year = latest(visit)
    collection, zones = districts(visit)
    zone = zones[1]
    page = visit.open(f"?area={collection}&sel={collection}/{zone['id']}&sector=buildings")
    card = page.get_by_test_id("card")
    table = card.get_by_test_id("trend").get_by_role("table")
    series = visit.ask(f"{region}/collections/{collection}/timeseries?ids={zone['id']}")
    expect(table.get_by_role("row")).to_have_count(1 + len(series["years"]))
    shown = [float(cell.get_attribute("value")) for cell in table.locator("data").all()]
    assert shown == series["series"][0]["values"]["buildings_tco2e"]
    asked = f"column=buildings_tco2e&unit=t_per_ha&year={year}&limit=1&item={zone['id']}"
    rank = visit.ask(f"{region}/collections/{collection}/ranking?{asked}")
    expect(card.get_by_test_id("standing")).to_contain_text(f"No. {rank['item']['rank']} of {rank['peers']}")
    within = visit.ask(f"{region}/collections/{collection}/ranking?{asked}&parent={zone['parent_id']}")
    expect(card.get_by_test_id("standing-within")).to_contain_text(f"No. {within['item']['rank']} of {within['peers']}")


def test_why_a_number_is_high_is_traced_to_parts_factors_and_files(visits: Any) -> None:
    visit = visits()
    region, year = latest(visit)
    collection, zones = districts(visit)
    place = f"{collection}/{zones[0]['id']}"
    page = visit.open(f"?area={collection}&sel={place}&sector=buildings")
    card = page.get_by_test_id("card")
    card.get_by_role("button", name="Where does this number come from?").click()
    assert address_of(page)["why"] == "1"
    receipt = visit.ask(f"{region}/receipts/{place}?year={year}")
    (buildings,) = (one for one in receipt["sectors"] if one["sector"] == "buildings")
    section = card.get_by_test_id("receipt-buildings")
    assert float(section.locator("h3 data").get_attribute("value")) == zones[0]["buildings_tco2e"]
    carriers = section.locator("details")
    expect(carriers).to_have_count(sum(1 for one in buildings["carriers"] if one["tco2e"]))
    first = carriers.first
    first.locator("summary").click()
    whole = float(first.locator("summary data").get_attribute("value"))
    parts = [float(one.get_attribute("value")) for one in first.locator("li data").all()]
    assert whole == buildings["carriers"][0]["tco2e"]
    assert math.isclose(sum(parts), whole, rel_tol=1e-9)
    for reason in receipt["reasons"]:
        expect(card.get_by_test_id(f"reason-{reason['code']}")).to_contain_text(reason["text"])
    for kind in ("factors", "assumptions", "inputs"):
        title = {"factors": "Factors", "assumptions": "Assumptions", "inputs": "Source files"}[kind]
        expect(card.get_by_text(f"{title} ({len(receipt[kind])})")).to_be_visible()
    printed = card.get_by_role("link", name="This receipt as a page to print").get_attribute("href")
    assert visit.context.request.get(f"{visit.base}/{printed}").headers["content-type"].startswith("text/html")

    korean = visits(locale="ko-KR")
    korean.open(urlsplit(page.url).query.join(("?", "")))
    expect(korean.page.get_by_test_id("receipt")).to_contain_text("이 수치의 근거")
    words = korean.context.request.get(
        f"{visit.base}/api/{region}/receipts/{place}?year={year}", headers={"accept-language": "ko"}
    ).json()["reasons"][0]
    expect(korean.page.get_by_test_id(f"reason-{words['code']}")).to_contain_text(words["text"])
    korean.page.get_by_role("button", name="개요로 돌아가기").click()
    expect(korean.page.get_by_test_id("card").get_by_test_id("value")).to_be_visible()


def test_the_assumptions_that_make_a_number_illustrative_are_named(visit: Any) -> None:
    region, year = latest(visit)
    collection, zones = districts(visit)
    place = f"{collection}/{zones[0]['id']}"
    page = visit.open(f"?area={collection}&sel={place}&sector=transport")
    opened = page.get_by_test_id("assumptions")
    opened.locator("summary").click()
    receipt = visit.ask(f"{region}/receipts/{place}?year={year}")
    (transport,) = (one for one in receipt["sectors"] if one["sector"] == "transport")
    named = {name for carrier in transport["carriers"] for part in carrier["parts"] for name in part["assumptions"]}
    assert named
    expect(opened.locator("li")).to_have_count(len(named))
    assert set(opened.locator("code").all_inner_texts()) == named


def test_a_held_cell_says_why(visit: Any) -> None:
    region, year = latest(visit)
    held = visit.ask(f"{region}/collections/grid-500m/items?year={year}&limit=1&held=true&skipGeometry=true")
    cell = held["features"][0]["id"]
    page = visit.open(f"?area=grid-500m&sel=grid-500m/{quote(cell)}&why=1")
    expect(page.get_by_test_id("reason-held")).to_be_visible()
    page.get_by_role("button", name="Back to the overview").click()
    expect(page.get_by_test_id("held")).to_contain_text("Too few metered buildings stand here, or one dominates")


def test_a_planner_draws_a_site_and_the_link_measures_the_same_elsewhere(visits: Any) -> None:
    visit = visits(viewport={"width": 1280, "height": 800})
    page = visit.open("?area=grid-500m")
    page.get_by_role("button", name="Measure an area").click()
    measured = page.get_by_test_id("measured")
    measured.get_by_role("button", name="Draw on the map").click()
    expect(page.locator("canvas")).to_have_css("cursor", "crosshair")
    page.mouse.click(500, 300)
    page.mouse.click(700, 320)
    page.mouse.click(640, 500)
    expect(measured.get_by_role("status")).to_contain_text("3 corners")
    with page.expect_response(lambda answer: "/statistics?" in answer.url) as caught:
        page.mouse.dblclick(520, 480)
    body = json.loads(caught.value.request.post_data)
    assert [len(ring) for polygon in body["coordinates"] for ring in polygon] == [5]
    expect(measured.get_by_test_id("value")).to_be_visible()
    region, year = latest(visit)
    assert value_in(measured) == net_of(posted(visit, region, year, body))
    expect(measured.get_by_text("Synthetic data")).to_be_visible()
    assert "outline" in address_of(page)
    assert "sel" not in address_of(page)

    other = visits(locale="ko-KR", **PHONE)
    other.open(f"?{urlsplit(page.url).query}")
    expect(other.page.get_by_test_id("measured").get_by_test_id("value")).to_be_visible()
    assert value_in(other.page.get_by_test_id("measured")) == value_in(measured)
    assert visit.complaints == []
    assert other.complaints == []


@pytest.mark.slow
def test_an_outline_is_drawn_with_the_keyboard_alone(visit: Any) -> None:
    page = visit.open("?area=grid-1km")
    page.get_by_role("button", name="Measure an area").press("Enter")
    page.get_by_role("button", name="Draw on the map").press("Enter")
    canvas = page.locator("canvas")
    expect(canvas).to_be_focused()
    status = page.get_by_test_id("measured").get_by_role("status")
    expect(status).to_contain_text("Click or tap the first corner")
    expect(canvas).to_have_css("cursor", "crosshair")
    for corner, key in enumerate(("ArrowRight", "ArrowDown", "ArrowLeft")):
        page.keyboard.press("Enter")
        expect(status).to_contain_text(f"{corner + 1} corner")
        camera = page.url
        page.keyboard.press(key)
        expect(page).not_to_have_url(camera)  # which follows once the map is at rest
    page.keyboard.press("Enter")
    expect(status).to_contain_text("4 corners")
    page.keyboard.press("Backspace")
    expect(status).to_contain_text("3 corners")
    page.get_by_role("button", name="Finish").press("Enter")
    expect(page.get_by_test_id("measured").get_by_test_id("value")).to_be_visible()


@pytest.mark.slow
def test_a_file_is_measured_and_one_that_is_no_outline_is_told_so(visit: Any, tmp_path: Path) -> None:
    region, year = latest(visit)
    outline = {"type": "Polygon", "coordinates": [TRIANGLE]}
    good, bad, flat = tmp_path / "site.geojson", tmp_path / "notes.json", tmp_path / "metres.geojson"
    good.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": outline}))
    bad.write_text("not json at all")
    flat.write_text(json.dumps({"type": "Polygon", "coordinates": [[[2e5, 5e5], [3e5, 5e5], [3e5, 6e5], [2e5, 5e5]]]}))
    page = visit.open()
    page.get_by_role("button", name="Measure an area").click()
    file = page.get_by_test_id("outline-file")
    file.set_input_files(bad)
    expect(page.get_by_test_id("outline-refused")).to_contain_text("not GeoJSON")
    file.set_input_files(flat)
    expect(page.get_by_test_id("outline-refused")).to_contain_text("EPSG:4326")
    file.set_input_files(good)
    measured = page.get_by_test_id("measured")
    expect(measured.get_by_test_id("value")).to_be_visible()
    expected = posted(visit, region, year, outline)
    assert math.isclose(value_in(measured), net_of(expected), rel_tol=1e-12)
    expect(measured.get_by_test_id("cells")).to_contain_text(f"{expected['partly']} lie on the border")


@pytest.mark.slow
def test_zones_are_added_up_from_a_list(visit: Any) -> None:
    region, year = latest(visit)
    page = visit.open()
    page.get_by_role("button", name="Measure an area").click()
    measured = page.get_by_test_id("measured")
    measured.get_by_text("Choose zones from a list").click()
    collection = measured.get_by_role("combobox").input_value()
    items = visit.ask(f"{region}/collections/{collection}/items?year={year}&skipGeometry=true")["features"][:2]
    for item in items:
        measured.get_by_role("checkbox", name=item["properties"]["name_en"]).check()
    measured.get_by_role("button", name="Add up 2").click()
    expect(measured.get_by_test_id("value")).to_be_visible()
    ids = ",".join(item["id"] for item in items)
    assert value_in(measured) == net_of(visit.ask(f"{region}/statistics?collection={collection}&ids={ids}&year={year}"))
    assert address_of(page)["sum"] == f"{collection}/{ids}"


def test_the_table_is_sorted_by_the_api_and_linked_with_the_map_both_ways(visits: Any) -> None:
    visit = visits(viewport={"width": 1280, "height": 800})
    region, year = latest(visit)
    page = visit.open("?area=grid-1km")
    page.get_by_role("button", name="Table").click()
    table = page.get_by_test_id("table")
    table.get_by_role("button", name="Buildings").click()
    expect(table.get_by_role("columnheader", name="Buildings")).to_have_attribute("aria-sort", "descending")
    first_page = visit.ask(
        f"{region}/collections/grid-1km/items?year={year}&sortby=-buildings_tco2e&limit=50&skipGeometry=true"
    )
    expect(table.locator(".table-scroll")).to_have_attribute("aria-busy", "false")
    names = table.locator(".row-name")
    expect(names.first).to_have_text(first_page["features"][0]["id"])
    assert names.all_inner_texts() == [one["id"] for one in first_page["features"]]
    first = table.get_by_role("row").nth(1).locator("td.now data")
    assert float(first.get_attribute("value")) == first_page["features"][0]["properties"]["net_tco2e"]
    expect(table.get_by_role("status")).to_contain_text(f"of {first_page['numberMatched']}")

    names.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(names.nth(2)).to_be_focused()
    page.keyboard.press("Enter")
    heading = page.get_by_test_id("card").get_by_role("heading", level=2)
    expect(heading).to_have_text(first_page["features"][2]["id"])
    expect(table.locator("tr[aria-current]")).to_contain_text(first_page["features"][2]["id"])

    # From the map: a place that stands on another page of the table.
    last = visit.ask(
        f"{region}/collections/grid-1km/items?year={year}&limit=1&skipGeometry=true"
        "&filter=buildings_tco2e>0&sortby=buildings_tco2e"
    )["features"][0]["id"]
    box = page.get_by_role("combobox", name="Find a place")
    box.fill(last)
    expect(page.get_by_role("listbox", name="Places found").get_by_role("option")).to_have_count(1)
    box.press("Enter")
    expect(table.locator("tr[aria-current]")).to_contain_text(last)
    expect(table.locator("tr[aria-current]")).to_be_in_viewport()
    table.get_by_role("button", name="Close the table").click()
    expect(table).not_to_be_attached()
    assert "table" not in address_of(page)
    assert visit.complaints == []


@pytest.mark.slow
def test_on_a_phone_what_was_tapped_stays_in_sight(visits: Any) -> None:
    visit = visits(**PHONE)
    region, year = latest(visit)
    page = visit.open("?area=grid-500m")
    canvas = page.locator("canvas").bounding_box()
    page.touchscreen.tap(canvas["x"] + 195, canvas["y"] + canvas["height"] * 0.4)
    card = page.get_by_test_id("card")
    expect(card.get_by_test_id("value")).to_be_visible()
    visit.drawn()
    cell = address_of(page)["sel"].split("/")[1]
    ring = visit.ask(f"{region}/collections/grid-500m/items/{quote(cell)}?year={year}")["geometry"]["coordinates"][0]
    zoom, lat, _ = map(float, address_of(page)["at"].split("/"))
    # The cell's middle on the screen: what lies south of the map's centre is below it.
    middle = sum(corner[1] for corner in ring[:4]) / 4
    metres_per_pixel = 40_075_016.686 * math.cos(math.radians(lat)) / (512 * 2**zoom)
    below = (lat - middle) * 111_132 / metres_per_pixel
    bottom = canvas["y"] + canvas["height"] / 2 + below
    assert bottom < card.bounding_box()["y"]
