"""Stories of planners who compare, take numbers and pictures away, and hand a link or a report to somebody else."""

import csv
import io
import math
import struct
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WIDE = {"viewport": {"width": 1280, "height": 800}}


def facts(visit: Any) -> dict[str, Any]:
    """The region that the map opens with."""
    region: dict[str, Any] = visit.ask("regions")[0]
    return region


def cells(visit: Any, region: dict[str, Any], year: int, collection: str = "grid-1km") -> dict[str, dict[str, Any]]:
    """Properties of a collection's items by id."""
    path = f"{region['id']}/collections/{collection}/items?year={year}&limit=10000&skipGeometry=true"
    return {one["id"]: one["properties"] for one in visit.ask(path)["features"]}


def settled(page: Any) -> None:
    """Wait until the second map is drawn too."""
    page.wait_for_selector("[data-testid=other-map][data-state=ready]", timeout=60_000)


def place_of(visit: Any, region: dict[str, Any], cell: str) -> str:
    """The part of an address that puts a cell of 1 km at the middle of the map."""
    (west, south), *_ = (
        ring := visit.ask(f"{region['id']}/collections/grid-1km/items/{cell}")["geometry"]["coordinates"][0]
    )
    east, north = ring[2]
    return f"at=13/{(south + north) / 2:.5f}/{(west + east) / 2:.5f}"


def test_two_years_under_a_divider_that_keys_move_and_a_link_that_a_colleague_opens(visits: Any) -> None:
    visit = visits(**WIDE)
    region = facts(visit)
    before, now = region["years"][-2:]
    page = visit.open("?sector=buildings&area=grid-1km")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_test_id("compare")).to_contain_text(f"Left {before}, right {now}")
    settled(page)
    divider = page.get_by_role("slider", name="Divider between the two maps")
    divider.focus()
    for _ in range(5):
        divider.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "60")
    choices = parse_qs(urlsplit(page.url).query)
    assert (choices["vs"], choices["cut"]) == ([f"swipe/year/{before}"], ["60"])
    assert visit.complaints == []

    colleague = visits(**WIDE)
    other = colleague.open(f"?{urlsplit(page.url).query}")
    settled(other)
    expect(other.get_by_role("slider", name="Divider between the two maps")).to_have_attribute("aria-valuenow", "60")
    expect(other.locator(".side-name")).to_have_text([str(before), str(now)])


def test_the_pointer_reads_both_years_and_their_difference(visits: Any) -> None:
    visit = visits(**WIDE)
    region = facts(visit)
    before, now = region["years"][-2:]
    values = {year: cells(visit, region, year) for year in (before, now)}
    changes = {
        cell: (own["buildings_tco2e"] - values[before][cell]["buildings_tco2e"]) / own["area_ha"]
        for cell, own in values[now].items()
        if own["buildings_tco2e"] is not None
    }
    cell = max(changes, key=lambda one: abs(changes[one]))
    page = visit.open(f"?sector=buildings&area=grid-1km&vs=difference/year/{before}&{place_of(visit, region, cell)}")
    expect(page.get_by_test_id("legend")).to_contain_text(f"{now} less {before}")
    box = page.locator("canvas").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2)
    tooltip = page.get_by_test_id("tooltip")
    expect(tooltip).to_contain_text(cell)
    told = page.get_by_test_id("tooltip-difference")
    expect(told).to_be_visible()
    shown = float(told.inner_text().split(":")[1].split("not")[0].replace("−", "-").replace("+", "").replace(",", ""))
    assert math.isclose(shown, changes[cell], rel_tol=0.006)
    own, past = values[now][cell], values[before][cell]
    overlap = abs(own["buildings_tco2e"] - past["buildings_tco2e"]) <= 1.645 * (
        own["buildings_sd_tco2e"] + past["buildings_sd_tco2e"]
    )
    assert ("not distinguishable" in told.inner_text()) is overlap


@pytest.mark.slow
def test_where_buildings_outweigh_traffic_is_a_difference_of_two_sectors(visits: Any) -> None:
    visit = visits(**WIDE)
    region = facts(visit)
    year = region["years"][-1]
    values = cells(visit, region, year)
    apart = {
        cell: own["buildings_tco2e"] - own["transport_tco2e"]
        for cell, own in values.items()
        if own["buildings_tco2e"] is not None and own["transport_tco2e"] is not None
    }
    cell = max(apart, key=lambda one: abs(apart[one]))
    page = visit.open(
        f"?sector=buildings&area=grid-1km&unit=t&vs=swipe/sector/transport&{place_of(visit, region, cell)}"
    )
    settled(page)
    page.get_by_test_id("compare").get_by_role("radio", name="Difference").check(force=True)
    expect(page.get_by_test_id("legend")).to_contain_text("Buildings less Transport")
    expect(page.get_by_test_id("legend").locator("li").first).to_be_visible()
    visit.drawn()
    box = page.locator("canvas").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2)
    expect(page.get_by_test_id("tooltip")).to_contain_text(cell)
    told = page.get_by_test_id("tooltip-difference")
    expect(told).to_be_visible()
    shown = float(told.inner_text().split(":")[1].split("not")[0].replace("−", "-").replace("+", "").replace(",", ""))
    assert math.isclose(shown, apart[cell], rel_tol=0.006)
    own = values[cell]
    overlap = abs(apart[cell]) <= 1.645 * (own["buildings_sd_tco2e"] + own["transport_sd_tco2e"])
    assert ("not distinguishable" in told.inner_text()) is overlap
    # The classes are those of the differences, and so is the address.
    query = f"year={year}&column=buildings_tco2e&less_column=transport_tco2e"
    spread = visit.ask(f"{region['id']}/collections/grid-1km/distribution?{query}")
    assert math.isclose(max(abs(spread["min"]), abs(spread["max"])), abs(apart[cell]), rel_tol=1e-9)
    assert "vs=difference/sector/transport" in page.url
    assert visit.complaints == []


@pytest.mark.slow
def test_a_pointer_that_rests_is_answered_when_the_difference_has_come(visits: Any) -> None:
    visit = visits(**WIDE)
    region = facts(visit)
    own = cells(visit, region, region["years"][-1])
    cell = max(own, key=lambda one: own[one]["buildings_tco2e"] or 0)
    late: list[Any] = []
    visit.context.route("**/distribution?*less_column=*", lambda route: late.append(route))
    page = visit.page
    query = f"?sector=buildings&area=grid-1km&vs=difference/sector/transport&{place_of(visit, region, cell)}"
    with page.expect_request("**/distribution?*less_column=*"):
        page.goto(f"{visit.base}/{query}")
    the_map = page.get_by_test_id("map")
    expect(the_map).to_have_attribute("data-state", "ready")
    box = page.locator("canvas").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2)
    # Until the classes of the difference are known nothing is drawn, and the map does not say that it is done.
    expect(the_map).to_have_attribute("aria-busy", "true")
    expect(page.get_by_test_id("tooltip")).to_have_count(0)
    for one in late:
        one.continue_()
    tooltip = page.get_by_test_id("tooltip")
    expect(tooltip).to_contain_text(cell)
    expect(tooltip.get_by_test_id("tooltip-difference")).to_be_visible()
    expect(the_map).to_have_attribute("aria-busy", "false")
    assert visit.complaints == []


def test_what_is_in_view_is_taken_away_as_data_that_equal_the_api(visits: Any) -> None:
    visit = visits(accept_downloads=True, **WIDE)
    region = facts(visit)
    year = region["years"][-1]
    page = visit.open("?sector=transport&area=grid-1km")
    page.get_by_role("button", name="Take away").click()
    sheet = page.get_by_test_id("sheet-take")
    expect(sheet).to_contain_text("Synthetic data")
    sheet.get_by_role("checkbox", name="Only what is in view").uncheck()
    with page.expect_download() as waiting:
        sheet.get_by_test_id("take-csv").click()
    rows = list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text(encoding="utf-8-sig"))))
    expected = cells(visit, region, year)
    assert {row["id"] for row in rows} == set(expected)
    for row in rows:
        value = expected[row["id"]]["transport_tco2e"]
        assert (row["transport_tco2e"] == "") if value is None else float(row["transport_tco2e"]) == value
        assert (row["edition"], row["synthetic"].lower()) == (region["edition"], "true")
    assert f"edition={region['edition']}" in sheet.locator("pre").nth(1).inner_text()
    assert "geopandas.read_file" in sheet.locator("pre").nth(2).inner_text()


def test_the_link_that_is_taken_away_opens_the_same_view_in_a_new_browser(visits: Any) -> None:
    visit = visits(**WIDE)
    page = visit.open("?sector=transport&area=grid-1km&unit=t")
    legend = page.get_by_test_id("legend").inner_text()
    page.get_by_role("button", name="Take away").click()
    link = page.get_by_test_id("sheet-take").locator("pre").first.inner_text()
    assert f"region={facts(visit)['id']}" in link
    colleague = visits(locale="en-GB", **WIDE)
    colleague.page.goto(link)
    colleague.drawn()
    expect(colleague.page.get_by_test_id("sheet-take")).not_to_be_attached()
    assert colleague.page.get_by_test_id("legend").inner_text() == legend


@pytest.mark.slow
def test_escape_closes_the_page_over_the_card_and_leaves_the_card(visit: Any) -> None:
    region = facts(visit)
    zone = next(iter(cells(visit, region, region["years"][-1], "sigungu")))
    page = visit.open(f"?area=sigungu&sel=sigungu/{zone}&view=about")
    expect(page.get_by_test_id("sheet-about")).to_be_visible()
    # Keys of the map are not for who reads a page over it.
    page.keyboard.press("3")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("sheet-about")).not_to_be_attached()
    expect(page.get_by_test_id("card")).to_be_visible()
    assert "sector=" not in page.url


def test_the_view_is_saved_as_a_picture_with_its_caption(visits: Any) -> None:
    visit = visits(accept_downloads=True, **WIDE)
    region = facts(visit)
    before = region["years"][-2]
    page = visit.open(f"?sector=buildings&vs=swipe/year/{before}")
    settled(page)
    page.get_by_role("button", name="Take away").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as PNG").click()
    picture = Path(waiting.value.path()).read_bytes()
    assert waiting.value.suggested_filename.endswith(f"-vs-{before}.png")
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", picture[16:24])
    # Twice as fine as the screen, and higher than the map by title, legend and sources.
    assert width > 2 * 850
    assert height > 2 * 900
    # A map in many colours does not compress to a blank page.
    assert len(picture) > 100_000


def test_about_the_data_says_how_to_cite_this_edition(visit: Any) -> None:
    region = facts(visit)
    page = visit.open()
    page.get_by_role("button", name="About the data").click()
    sheet = page.get_by_test_id("sheet-about")
    citation = visit.ask(f"{region['id']}/downloads")["citation"]
    expect(sheet.get_by_test_id("citation")).to_have_text(citation)
    factors = visit.ask(f"{region['id']}/factors")["factors"]
    expect(sheet.get_by_role("heading", name=f"Factors ({len(factors)})")).to_be_visible()
    for given in visit.ask(f"{region['id']}/manifest")["inputs"]:
        row = sheet.get_by_role("row").filter(has_text=given["file"])
        expect(row.last).to_contain_text("not open" if given["sha256"] is None else given["sha256"][:12])
    expect(sheet.get_by_role("alert")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(sheet).not_to_be_attached()
    assert "view=" not in page.url


def test_a_korean_planner_prints_a_report_whose_sums_are_those_of_the_api(visits: Any) -> None:
    visit = visits(locale="ko-KR", **WIDE)
    region = facts(visit)
    page = visit.page
    page.goto(f"{visit.base}/?view=report&area=sigungu")
    report = page.get_by_test_id("report")
    expect(report).to_contain_text("도시·군기본계획")
    expect(report).to_contain_text("합성 데이터")
    net = page.get_by_test_id("report-net").locator("data")
    expect(net).to_be_visible()
    zones = cells(visit, region, region["years"][-1], "sigungu")
    told = float(net.get_attribute("value"))
    assert math.isclose(told, sum(one["net_tco2e"] for one in zones.values()), rel_tol=1e-9)
    expect(report.locator(".small-map svg")).to_have_count(4)
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="보고서")).to_be_hidden()
    assert visit.complaints == []


@pytest.mark.slow
def test_two_districts_side_by_side_say_where_they_cannot_be_told_apart(visits: Any) -> None:
    visit = visits(**WIDE)
    region = facts(visit)
    zones = list(cells(visit, region, region["years"][-1], "sigungu").values())
    one, two = zones[0], zones[1]
    page = visit.open(f"?area=sigungu&sel=sigungu/{one['id']}")
    page.get_by_role("button", name="Compare with another place").click()
    page.get_by_role("combobox", name="The other place").select_option(two["id"])
    row = page.get_by_test_id("pair-forest-t")
    told = [float(row.locator("data").nth(at).get_attribute("value")) for at in (0, 1)]
    assert told == [one["forest_tco2e"], two["forest_tco2e"]]
    for sector in ("net", "buildings", "transport", "forest"):
        apart = abs(one[f"{sector}_tco2e"] - two[f"{sector}_tco2e"])
        overlap = apart <= 1.645 * (one[f"{sector}_sd_tco2e"] + two[f"{sector}_sd_tco2e"])
        marks = page.get_by_test_id(f"pair-{sector}-t").get_by_test_id("pair-indistinct")
        expect(marks).to_have_count(1 if overlap else 0)
    colleague = visits(**WIDE).open(f"?{urlsplit(page.url).query}")
    expect(colleague.get_by_test_id("pair")).to_contain_text(two["name_en"])
