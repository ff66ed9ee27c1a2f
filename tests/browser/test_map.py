"""Stories of people who use the map, in a real browser over a real edition."""

import re
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SECTORS = ("buildings", "transport", "forest")


def region_of(visit: Any) -> dict[str, Any]:
    """The region that the map opens with."""
    region: dict[str, Any] = visit.ask("regions")[0]
    return region


def largest(visit: Any, collection: str, column: str = "net_tco2e") -> dict[str, Any]:
    """The place of a collection with the largest value of a column."""
    region = region_of(visit)
    items = visit.ask(f"{region['id']}/collections/{collection}/items?limit=10000&year={region['years'][-1]}")
    found: dict[str, Any] = max(items["features"], key=lambda f: f["properties"][column] or 0.0)
    return found


def middle(feature: dict[str, Any]) -> tuple[float, float]:
    """Latitude and longitude of the middle of a cell's corners."""
    corners = feature["geometry"]["coordinates"][0][:4]
    return sum(c[1] for c in corners) / 4, sum(c[0] for c in corners) / 4


def view_of(page: Any) -> dict[str, str]:
    """The choices that the page's address carries."""
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def at(feature: dict[str, Any], zoom: float) -> str:
    """The part of an address that puts a cell in the middle of the map."""
    lat, lon = middle(feature)
    return f"at={zoom}/{lat:.5f}/{lon:.5f}"


def test_a_newcomer_sees_where_they_are_and_that_the_data_are_invented(visit: Any) -> None:
    page = visit.open()
    region = region_of(visit)
    expect(page).to_have_title(re.compile(re.escape(region["name"]["en"])))
    expect(page.get_by_role("radio", name="Net")).to_be_checked()
    for place in ("banner", "legend"):
        expect(page.get_by_test_id(place).get_by_text("Synthetic data")).to_be_visible()
    legend = page.get_by_test_id("legend")
    expect(legend.get_by_role("heading", name="Net emissions")).to_be_visible()
    expect(legend).to_contain_text("tCO₂e/ha")
    expect(legend.get_by_text("Replaced to protect privacy")).to_be_visible()
    assert visit.complaints == []


def test_a_planner_switches_sector_and_grid_and_goes_back(visit: Any) -> None:
    page = visit.open()
    legend = page.get_by_test_id("legend")
    page.get_by_role("radio", name="Buildings").check()
    expect(legend.get_by_role("heading", name="Emissions of buildings")).to_be_visible()
    page.get_by_role("radio", name="1 km", exact=True).check()
    visit.drawn()
    assert view_of(page)["sector"] == "buildings"
    assert view_of(page)["area"] == "grid-1km"
    page.get_by_role("radio", name="Total").check()
    expect(legend.get_by_text("tCO₂e", exact=True)).to_be_visible()
    page.go_back()
    page.go_back()
    expect(page.get_by_role("radio", name="Auto")).to_be_checked()
    expect(page.get_by_role("radio", name="Buildings")).to_be_checked()
    page.go_back()
    expect(page.get_by_role("radio", name="Net")).to_be_checked()
    assert visit.complaints == []


@pytest.mark.parametrize(
    ("collection", "zoom"),
    [
        pytest.param("grid-1km", 12, marks=pytest.mark.slow),
        ("grid-500m", 13),
        pytest.param("grid-100m", 15, marks=pytest.mark.slow),
    ],
)
def test_the_number_of_a_clicked_cell_is_that_of_the_api(visit: Any, collection: str, zoom: int) -> None:
    cell = largest(visit, collection)
    page = visit.open(f"?area={collection}&{at(cell, zoom)}")
    visit.click_centre()
    card = page.get_by_test_id("card")
    expect(card.get_by_test_id("value")).to_be_visible()
    assert view_of(page)["sel"] == f"{collection}/{cell['id']}"
    region = region_of(visit)
    item = visit.ask(f"{region['id']}/collections/{collection}/items/{quote(cell['id'])}?year={region['years'][-1]}")[
        "properties"
    ]
    assert float(card.get_by_test_id("value").locator("data").get_attribute("value")) == item["net_tco2e"]
    for sector in SECTORS:
        shown = card.get_by_test_id(f"part-{sector}").locator("data").get_attribute("value")
        assert float(shown) == item[f"{sector}_tco2e"], sector
    expect(card.get_by_text("Synthetic data")).to_be_visible()
    expect(card.get_by_test_id("interval")).to_contain_text("90% interval")
    link = card.get_by_role("link", name="This place as data (JSON)").get_attribute("href")
    assert unquote(link).split("?")[0].endswith(f"/collections/{collection}/items/{cell['id']}")
    assert visit.complaints == []


def test_the_value_under_the_pointer_has_the_class_that_the_legend_marks(visit: Any) -> None:
    cell = largest(visit, "grid-1km")
    page = visit.open(f"?area=grid-1km&sector=buildings&unit=t&{at(cell, 12)}")
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_test_id("tooltip")).to_contain_text(cell["id"])
    expect(page.get_by_test_id("tooltip")).to_contain_text("tCO₂e")
    expect(page.get_by_test_id("legend").locator("li.now")).to_have_count(1)


@pytest.mark.slow
def test_a_district_is_called_by_its_name(visit: Any) -> None:
    region = region_of(visit)
    zones = [c for c in visit.ask(f"{region['id']}/collections")["collections"] if c["kind"] == "zones"]
    zone_set = zones[0]
    zone = largest(visit, zone_set["id"])
    page = visit.open(f"?area={zone_set['id']}&sel={zone_set['id']}/{quote(zone['id'])}")
    expect(page.get_by_test_id("card").get_by_role("heading", level=2)).to_have_text(zone["properties"]["name_en"])
    page.get_by_role("radio", name="한국어").check()
    expect(page.get_by_test_id("card").get_by_role("heading", level=2)).to_have_text(zone["properties"]["name_ko"])


def test_a_reader_in_korea_gets_korean_and_may_change_it(visits: Any) -> None:
    visit = visits(locale="ko-KR")
    page = visit.open()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.get_by_role("heading", name="탄소지도")).to_be_visible()
    expect(page.get_by_test_id("banner").get_by_text("합성 데이터")).to_be_visible()
    expect(page.get_by_test_id("legend")).to_contain_text("순배출량")
    page.get_by_role("radio", name="English").check()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.reload()
    expect(page.get_by_role("heading", name="Carbon map")).to_be_visible()


def test_on_a_phone_the_controls_open_as_a_sheet_and_the_card_covers_them(visits: Any) -> None:
    visit = visits(**PHONE)
    cell = largest(visit, "grid-1km")
    page = visit.open(f"?area=grid-1km&{at(cell, 12)}")
    handle = page.get_by_role("button", name="Show controls")
    expect(handle).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_role("radio", name="Total")).not_to_be_visible()
    handle.click()
    expect(page.get_by_role("radio", name="Total")).to_be_visible()
    page.get_by_role("button", name="Hide controls").click()
    visit.click_centre()
    card = page.get_by_test_id("card")
    expect(card.get_by_test_id("value")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    card.get_by_role("button", name="Close").click()
    expect(card).not_to_be_attached()


def test_the_keyboard_reaches_everything(visit: Any) -> None:
    cell = largest(visit, "grid-1km")
    page = visit.open(f"?area=grid-1km&{at(cell, 12)}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the map")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("canvas")).to_be_focused()
    page.keyboard.press("Enter")
    heading = page.get_by_test_id("card").get_by_role("heading", level=2)
    expect(heading).to_have_text(cell["id"])
    expect(heading).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("card")).not_to_be_attached()
    expect(page.locator("canvas")).to_be_focused()


def test_when_the_server_is_away_the_page_says_so_and_recovers_by_itself(visit: Any) -> None:
    visit.context.route("**/api/**", lambda route: route.abort())
    visit.page.goto(visit.base)
    away = visit.page.get_by_test_id("away")
    expect(away).to_contain_text("does not answer")
    expect(away.get_by_role("button", name="Try now")).to_be_visible()
    visit.context.unroute("**/api/**")
    expect(away).not_to_be_attached()
    visit.drawn()
    expect(visit.page.get_by_test_id("legend").locator("li").first).to_be_visible()


@pytest.mark.slow
def test_a_cell_clicked_while_the_server_is_away_is_read_once_it_is_back(visit: Any) -> None:
    cell = largest(visit, "grid-1km")
    page = visit.open(f"?area=grid-1km&{at(cell, 12)}")
    visit.context.route("**/api/**", lambda route: route.abort())
    visit.click_centre()
    expect(page.get_by_test_id("away")).to_be_visible()
    expect(page.get_by_test_id("card")).to_contain_text("does not answer")
    # Asked too early it is still away; once it is back, the page finds out by itself.
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_test_id("away")).to_be_visible()
    visit.context.unroute("**/api/**")
    expect(page.get_by_test_id("card").get_by_test_id("value")).to_be_visible()
    expect(page.get_by_test_id("away")).not_to_be_attached()


@pytest.mark.slow
def test_a_browser_without_webgl_is_told_and_given_the_data(visit: Any) -> None:
    visit.page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest)"
        "{ return kind.startsWith('webgl') ? null : real.call(this, kind, ...rest); };"
    )
    visit.page.goto(visit.base)
    notice = visit.page.get_by_test_id("no-webgl")
    expect(notice).to_contain_text("WebGL")
    assert notice.get_by_role("link").get_attribute("href") == "api/regions"


@pytest.mark.slow
def test_a_table_without_numbers_says_so(visit: Any) -> None:
    spread = {"count": 0, "nulls": 12, "min": None, "max": None, "quantiles": []}
    nothing = {**spread, "profile": [{"year": year, **spread} for year in region_of(visit)["years"]]}
    visit.context.route("**/distribution?*", lambda route: route.fulfill(json=nothing))
    visit.page.goto(visit.base)
    expect(visit.page.get_by_test_id("empty")).to_contain_text("Nothing is known")


@pytest.mark.slow
def test_an_address_that_names_what_is_not_there_still_opens_a_map(visit: Any) -> None:
    page = visit.open("?region=atlantis&sector=plants&year=1850&area=gone&sel=gone/1&at=x/y/z&lang=tlh")
    expect(page.get_by_role("radio", name="Net")).to_be_checked()
    expect(page.get_by_test_id("legend").locator("li").first).to_be_visible()
    assert visit.complaints == []


@pytest.mark.slow
def test_a_cell_that_is_not_there_is_named_missing(visit: Any) -> None:
    page = visit.open("?sel=grid-1km/nowhere")
    expect(page.get_by_test_id("card")).to_contain_text("There is no such place")
