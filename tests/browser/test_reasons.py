"""Stories of planners who ask why: from a high cell down to its factors and files, from a report back to the API."""

import json
import math
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from map_reading import address_of, item_of, largest, latest, places, value_in, within
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

WIDE = {"viewport": {"width": 1280, "height": 800}}


def amounts(within_place: Locator) -> list[float]:
    """The exact numbers in a part of the page, in their order."""
    return [float(one.get_attribute("value") or "nan") for one in within_place.locator("data").all()]


def test_why_a_cell_is_high_is_followed_to_its_factors_and_files(visit: Any) -> None:
    region, year = latest(visit)
    cell = largest(places(visit, "grid-500m"), "buildings_tco2e", "area_ha")
    lat, lon = within(visit, "grid-500m", cell)
    page = visit.open(f"?area=grid-500m&sector=buildings&at=14/{lat:.5f}/{lon:.5f}")
    visit.click_centre()
    card = page.get_by_test_id("card")
    expect(card.get_by_test_id("value")).to_be_visible()
    assert address_of(page)["sel"] == f"grid-500m/{cell['id']}"
    own = item_of(visit, "grid-500m", cell["id"])
    assert value_in(card) == own["buildings_tco2e"]
    # It is high: nowhere is more emitted on a hectare, and the card says in which district that is.
    expect(card.get_by_test_id("standing")).to_contain_text("No. 1 of")
    expect(card.get_by_test_id("breadcrumb").get_by_role("button").last).to_be_visible()
    # How much was metered: its parts add up to all of it.
    methods = {name: own[f"buildings_{name}_share"] or 0 for name in ("metered", "modelled", "default")}
    assert math.isclose(sum(methods.values()), 1, abs_tol=1e-9)
    told = card.get_by_test_id("methods-buildings")
    for name, share in methods.items():
        if share > 0.01:
            expect(told).to_contain_text(f"{name.capitalize()} {share:.0%}")

    card.get_by_role("button", name="Where does this number come from?").click()
    receipt = visit.ask(f"{region}/receipts/grid-500m/{quote(cell['id'])}?year={year}")
    (buildings,) = (one for one in receipt["sectors"] if one["sector"] == "buildings")
    section = card.get_by_test_id("receipt-buildings")
    expect(section.locator("h3 data")).to_be_visible()
    assert amounts(section.locator("h3")) == [own["buildings_tco2e"]]
    # Carrier by carrier, each the sum of its parts, all of them the number on the card.
    shown = [one for one in buildings["carriers"] if one["tco2e"]]
    opened = section.locator("details")
    expect(opened).to_have_count(len(shown))
    for row, carrier in zip(opened.all(), shown, strict=True):
        row.locator("summary").click()
        assert amounts(row.locator("summary")) == [carrier["tco2e"]]
        parts = amounts(row.locator("li"))
        closed = [] if carrier["closed_tco2e"] is None else [carrier["closed_tco2e"]]
        assert parts == closed + [part["tco2e"] for part in carrier["parts"]]
        assert math.isclose(sum(parts), carrier["tco2e"], rel_tol=1e-9)
        for line, part in zip(row.locator("li").all()[len(closed) :], carrier["parts"], strict=True):
            for factor in part["factors"]:
                expect(line).to_contain_text(factor)
    assert math.isclose(
        sum(one["tco2e"] for one in shown) + (buildings["withheld_tco2e"] or 0), own["buildings_tco2e"], rel_tol=1e-9
    )
    # Every factor with its value, unit and source; every file with what proves it.
    card.get_by_text(f"Factors ({len(receipt['factors'])})").click()
    for factor in receipt["factors"]:
        row = card.locator(".assumptions li").filter(has=page.locator("code", has_text=factor["id"])).first
        expect(row).to_contain_text(factor["source"])
        expect(row).to_contain_text(factor["unit"])
    card.get_by_text(f"Source files ({len(receipt['inputs'])})").click()
    for given in receipt["inputs"]:
        row = card.locator(".assumptions li").filter(has=page.locator("code", has_text=given["file"])).last
        if given["sha256"] is not None:
            expect(row).to_contain_text(given["sha256"])
    assert visit.complaints == []


@pytest.mark.slow
def test_the_table_sorted_by_name_turns_to_the_place_chosen_on_the_map(visits: Any) -> None:
    visit = visits(**WIDE)
    region, year = latest(visit)
    names = f"{region}/collections/grid-500m/items?year={year}&limit=10000&skipGeometry=true&sortby=id"
    in_order = [item["id"] for item in visit.ask(names)["features"]]
    assert len(in_order) > 50
    cell = next(item for item in places(visit, "grid-500m") if item["id"] == in_order[-3])
    lat, lon = within(visit, "grid-500m", cell)
    page = visit.open(f"?area=grid-500m&table=id&at=14/{lat:.5f}/{lon:.5f}")
    table = page.get_by_test_id("table")
    expect(table.locator(".row-name").first).to_have_text(in_order[0])
    visit.click_centre()
    assert address_of(page)["sel"] == f"grid-500m/{cell['id']}"
    row = table.locator("tr[aria-current]")
    expect(row).to_contain_text(cell["id"])
    expect(row).to_be_in_viewport()
    first = (in_order.index(cell["id"]) // 50) * 50
    assert table.locator(".row-name").all_inner_texts() == in_order[first : first + 50]
    # Where many are alike, here in that nothing is emitted, the place is found among them too.
    alike = visit.ask(f"{names.replace('sortby=id', 'sortby=transport_tco2e')}&filter=transport_tco2e=0")["features"]
    if len(alike) > 60:
        page.goto(f"{visit.base}/?area=grid-500m&table=transport_tco2e&sel=grid-500m/{quote(alike[-1]['id'])}")
        expect(table.locator("tr[aria-current]")).to_contain_text(alike[-1]["id"])
    assert visit.complaints == []


def test_places_are_taken_away_as_geojson_and_the_call_is_copied(visits: Any) -> None:
    visit = visits(accept_downloads=True, permissions=["clipboard-read", "clipboard-write"], **WIDE)
    region = visit.ask("regions")[0]
    items = {item["id"]: item for item in places(visit, "sigungu")}
    page = visit.open("?sector=buildings&area=sigungu")
    page.get_by_role("button", name="Take away").click()
    sheet = page.get_by_test_id("sheet-take")
    sheet.get_by_role("checkbox", name="Only what is in view").uncheck()
    with page.expect_download() as waiting:
        sheet.get_by_test_id("take-geojson").click()
    taken = json.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))
    assert waiting.value.suggested_filename.endswith(".geojson")
    assert taken["type"] == "FeatureCollection"
    assert taken["numberMatched"] == taken["numberReturned"] == len(items)
    assert {one["id"] for one in taken["features"]} == set(items)
    for one in taken["features"]:
        given = items[one["id"]]
        assert one["geometry"] == given["geometry"]
        for column in ("name_ko", "area_ha", "buildings_tco2e", "buildings_sd_tco2e", "held"):
            assert one["properties"][column] == given["properties"][column]
    # What is copied is what is shown; and asked again, it answers the same bytes.
    sheet.get_by_role("button", name="Copy: Python").click()
    expect(sheet.get_by_role("button", name="Copy: Python")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == sheet.locator("pre").nth(2).inner_text()
    address = copied.split('"')[1]
    assert urlsplit(address).netloc == urlsplit(visit.base).netloc
    assert f"edition={region['edition']}" in address
    assert visit.context.request.get(address).json() == taken
    assert visit.complaints == []


@pytest.mark.slow
def test_the_details_of_a_report_are_those_of_the_api(visits: Any) -> None:
    visit = visits(**WIDE)
    region, year = latest(visit)
    page = visit.page
    page.goto(f"{visit.base}/?view=report&area=sigungu")
    report = page.get_by_test_id("report")
    expect(page.get_by_test_id("report-net").locator("data")).to_be_visible()
    zones = sorted((item["properties"] for item in places(visit, "sigungu")), key=lambda one: -one["net_tco2e"])
    sectors = ("net", "buildings", "transport", "forest")

    districts = report.get_by_role("region", name="By district").locator("tbody tr")
    expect(districts).to_have_count(len(zones))
    for row, zone in zip(districts.all(), zones, strict=True):
        expect(row.get_by_role("rowheader")).to_contain_text(zone["name_en"])
        assert amounts(row) == [zone[f"{sector}_tco2e"] for sector in sectors]

    whole = next(one for one in visit.ask(f"{region}/collections")["collections"] if one["id"] == "sigungu")["parent"]
    parts = ",".join(item["id"] for item in places(visit, whole or "sigungu"))
    asked = f"collection={whole or 'sigungu'}&ids={parts}&year={year}&profile=true"
    sums = visit.ask(f"{region}/statistics?{asked}")
    for one in sums["sectors"]:
        row = page.get_by_test_id(f"report-{one['sector']}")
        assert amounts(row) == [one["tco2e"]], one["sector"]
    trends = report.locator(".report-trends figure")
    expect(trends).to_have_count(len(sectors))
    for figure, sector in zip(trends.all(), sectors, strict=True):
        assert amounts(figure.locator("table")) == [one["tco2e"][sector] for one in sums["profile"]]

    shares = report.locator(".report-shares")
    by_sector = {one["sector"]: one["tco2e"] for one in sums["sectors"]}
    for sector in sectors[1:]:
        assert amounts(shares.get_by_test_id(f"part-{sector}")) == [by_sector[sector]]

    spots = visit.ask(f"{region}/collections/grid-500m/items?year={year}&sortby=-net_tco2e&limit=10&skipGeometry=true")[
        "features"
    ]
    listed = report.get_by_role("region", name="Where it is concentrated").locator("tbody tr")
    expect(listed).to_have_count(len(spots))
    for row, spot in zip(listed.all(), spots, strict=True):
        assert amounts(row)[0] == spot["properties"]["net_tco2e"]
    for attribution in visit.ask("regions")[0]["attributions"]:
        expect(report).to_contain_text(attribution["text"])
    assert visit.complaints == []
