"""Stories of planners who look at one city in many ways: by people, zoning, hexagons, fainter, and from the side."""

import re
from statistics import fmean
from typing import Any
from urllib.parse import quote

import pytest
from map_reading import (
    GRID,
    address_of,
    item_of,
    largest,
    latest,
    number_in,
    pixels,
    places,
    point_at,
    value_in,
    within,
)
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_per_person_is_the_total_divided_by_who_lives_there(visit: Any) -> None:
    region, year = latest(visit)
    zone = largest(places(visit, "sigungu"), "buildings_tco2e", "population")
    lat, lon = within(visit, "sigungu", zone)
    page = visit.open(f"?area=sigungu&sector=buildings&at=12/{lat:.5f}/{lon:.5f}")
    page.get_by_role("radio", name="Per person").check()
    visit.drawn()
    assert address_of(page)["unit"] == "t_per_person"
    expect(page.get_by_test_id("legend")).to_contain_text("tCO₂e/person")
    values = zone["properties"]
    each = values["buildings_tco2e"] / values["population"]
    said = point_at(page)
    expect(said).to_contain_text(values["name_en"])
    assert number_in(said.locator(".tooltip-value").inner_text().split("tCO₂e")[0]) == pytest.approx(each, rel=6e-3)
    visit.click_centre()
    standing = page.get_by_test_id("card").get_by_test_id("standing")
    asked = f"column=buildings_tco2e&unit=t_per_person&year={year}&limit=1&item={quote(zone['id'])}"
    rank = visit.ask(f"{region}/collections/sigungu/ranking?{asked}")
    assert rank["item"]["rank"] == 1
    expect(standing).to_contain_text(f"No. 1 of {rank['peers'] - rank['unknown']}")
    # Where nobody lives nothing is divided.
    empty = [item for item in places(visit, GRID) if not item["properties"]["population"]]
    page.goto(f"{visit.base}/?area={GRID}&unit=t_per_person&sector=buildings&at={spot(visit, GRID, empty[0])}")
    visit.drawn()
    expect(point_at(page)).to_contain_text("Not known")
    assert visit.complaints == []


def spot(visit: Any, collection: str, item: dict[str, Any], zoom: float = 13) -> str:
    """The camera that has a place at the middle of the map."""
    lat, lon = within(visit, collection, item)
    return f"{zoom}/{lat:.5f}/{lon:.5f}"


@pytest.mark.parametrize("kind", [pytest.param("land_use", marks=pytest.mark.slow), "hexagons"])
def test_a_planner_divides_the_city_by_zoning_and_by_hexagons(visit: Any, kind: str) -> None:
    region, _ = latest(visit)
    listed = visit.ask(f"{region}/collections")["collections"]
    (collection,) = [one for one in listed if kind in (one["kind"], one["zone_kind"])][:1]
    items = places(visit, collection["id"])
    assert len(items) == collection["count"]
    place = largest(items, "net_tco2e")
    page = visit.open(f"?at={spot(visit, collection['id'], place)}")
    page.get_by_role("radio", name=collection["titles"]["en"], exact=True).check()
    visit.drawn()
    assert address_of(page)["area"] == collection["id"]
    expect(page.get_by_test_id("legend")).to_contain_text(collection["titles"]["en"])
    visit.click_centre()
    card = page.get_by_test_id("card")
    expect(card.get_by_test_id("value")).to_be_visible()
    assert address_of(page)["sel"] == f"{collection['id']}/{place['id']}"
    own = item_of(visit, collection["id"], place["id"])
    assert value_in(card) == own["net_tco2e"]
    for sector in ("buildings", "transport", "forest"):
        said = card.get_by_test_id(f"part-{sector}").locator("data").get_attribute("value")
        assert said is not None
        assert float(said) == own[f"{sector}_tco2e"]
    expect(card.get_by_test_id("trend")).to_be_visible()
    series = visit.ask(f"{region}/collections/{collection['id']}/timeseries?ids={quote(place['id'])}")
    shown = [float(one.get_attribute("value")) for one in card.get_by_test_id("trend").locator("table data").all()]
    assert shown == series["series"][0]["values"]["net_tco2e"]
    # However the city is divided, it is the same city: what zones leave over is told by the API.
    cells = sum(item["properties"]["buildings_tco2e"] or 0 for item in places(visit, GRID))
    assert sum(item["properties"]["buildings_tco2e"] or 0 for item in items) <= cells * (1 + 1e-9)
    if kind == "hexagons":
        total = sum(item["properties"]["buildings_tco2e"] or 0 for item in items)
        assert total == pytest.approx(cells, rel=1e-9)
    assert visit.complaints == []


def test_what_is_made_fainter_lets_the_ground_through(visit: Any) -> None:
    cell = largest(places(visit, GRID), "buildings_tco2e")
    page = visit.open(f"?area={GRID}&sector=buildings&doubt=off&at={spot(visit, GRID, cell)}")

    def strength() -> float:
        """How far the colours at the middle are from the paper's."""
        paper = (0xF4, 0xF3, 0xEE)
        return fmean(
            sum(abs(seen - plain) for seen, plain in zip(pixel, paper, strict=True)) for pixel in pixels(visit, page)
        )

    usual = strength()
    page.get_by_text("Display", exact=True).click()
    slider = page.get_by_role("slider", name=re.compile("^Opacity"))
    for _ in range(9):
        slider.press("ArrowLeft")
    visit.drawn()
    assert address_of(page)["opacity"] == "40"
    expect(page.locator(".display output")).to_have_text(re.compile(r"^40\s?%$"))
    # 40 % of the ink where 85 % were; roads and names on top keep theirs.
    assert 0.3 < strength() / usual < 0.75
    slider.press("End")
    visit.drawn()
    assert strength() > usual
    steps = page.evaluate("history.length")
    slider.press("Home")
    assert page.evaluate("history.length") == steps, "opacity is no step of the back button"
    assert visit.complaints == []


@pytest.mark.parametrize("doubt", [pytest.param("hatch", marks=pytest.mark.slow), "fade"])
def test_uncertain_columns_are_marked_as_flat_places_are(visit: Any, doubt: str) -> None:
    unsure = [
        item
        for item in places(visit, GRID)
        if item["properties"]["buildings_tco2e"]
        and 1.645 * item["properties"]["buildings_sd_tco2e"] > 0.5 * item["properties"]["buildings_tco2e"]
    ]
    cell = largest(unsure, "buildings_tco2e", "area_ha")
    query = f"area={GRID}&sector=buildings&tall=1&at={spot(visit, GRID, cell)}"
    page = visit.open(f"?{query}&doubt=off")
    plain = pixels(visit, page, side=200)
    page.goto(f"{visit.base}/?{query}&doubt={doubt}")
    visit.drawn()
    marked = pixels(visit, page, side=200)
    changed = sum(max(abs(a - b) for a, b in zip(*pair, strict=True)) > 12 for pair in zip(plain, marked, strict=True))
    assert changed > 500
    expect(page.get_by_test_id("legend")).to_contain_text("Uncertain: may be off by half or more")
    assert visit.complaints == []
