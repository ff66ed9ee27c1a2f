"""Stories of bad days: links edited by hand, panels that could not be fetched, slow answers, areas that are none."""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from map_reading import GRID, largest, places
from playwright.sync_api import Page, Route, expect
from scenario_panel import document_of, opened

pytestmark = pytest.mark.browser

WIDE = {"viewport": {"width": 1280, "height": 800}}
NONSENSE = (
    "?region=%00&sector=__proto__&year=99999&unit=constructor&area=toString&sel=grid-1km/&why=9&table=--&%E0%A4%A=%&&=",
    "?at=NaN/Infinity/1e999&only=x~y&opacity=1e9&breaks=&doubt=0&mark=&tall=maybe&ground=pink&part=%F0%9F%A6%84"
    "&vs=swipe/year/2024&cut=999&pair=zzz&outline=~~..--&sum=/,,,&view=../../etc/passwd&lang=xx",
    "?vs=difference/edition/0000000000000000&sector=forest&sum=nowhere/1,2&at=24/85/180",
    "?scenario=bm90IGpzb24.eyJ5ZWFyIjoyMDQwLCJtZWFzdXJlcyI6W3t9XX0&scenario-at=7&scenario-map=globe&view=report",
    "?sel=nowhere/1&pair=2&why=1&table=-nothing_tco2e&measured=1",
)


@pytest.mark.parametrize(
    "query", [NONSENSE[0], *(pytest.param(query, marks=pytest.mark.slow) for query in NONSENSE[1:])]
)
def test_a_link_of_nonsense_opens_a_page_that_works(visit: Any, query: str) -> None:
    page = visit.page
    page.goto(f"{visit.base}/{query}")
    if "view=report" in query:
        page.get_by_role("button", name="Back to the map").click()
    visit.drawn()
    page.wait_for_function("document.querySelector('.skeleton') === null")
    # Whatever was asked for, the reader goes on from here.
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="Buildings").check(force=True)
    expect(page.get_by_test_id("legend")).to_contain_text("Emissions of buildings")
    expect(page.get_by_test_id("legend").locator("li").first).to_be_visible()
    visit.drawn()
    # A place or an edition that is not there is answered so, which the browser tells; the page itself is silent.
    assert [said for said in visit.complaints if "404" not in said] == []


def first_times(times: int) -> Callable[[Route], None]:
    """Nobody answers the first times; then all is as it was."""
    asked = count()
    return lambda route: route.abort() if next(asked) < times else route.continue_()


def test_a_panel_whose_code_or_style_was_lost_comes_whole(visits: Any) -> None:
    visit = visits(**WIDE)
    visit.context.route(re.compile(r"/assets/scenario[^/]*\.css"), first_times(1))
    page = visit.open()
    page.locator("#scenario-tool").click()
    panel = page.get_by_test_id("scenario")
    expect(panel.get_by_test_id("scenario-change")).to_be_visible()
    # A rule of the panel's own style sheet: without it a list has the browser's own look.
    page.wait_for_function(
        """() => [...document.styleSheets].some((sheet) => {
          try { return /scenario[^/]*\\.css$/.test(sheet.href ?? '') && sheet.cssRules.length > 0; }
          catch { return false; }
        })"""
    )
    visit.context.route("**/assets/table_sheet-*.js", first_times(1))
    page.get_by_role("button", name="Table", exact=True).click()
    expect(page.get_by_test_id("table").locator("tbody tr").first).to_be_visible()


@pytest.mark.slow
def test_a_picture_that_cannot_be_drawn_is_told_and_can_be_tried_again(visits: Any) -> None:
    visit = visits(bypass_csp=True, **WIDE)
    page = visit.open("?view=take")
    page.evaluate(
        "() => { const pen = CanvasRenderingContext2D.prototype; const real = pen.drawImage;"
        " pen.drawImage = () => { pen.drawImage = real; throw new RangeError('too large'); }; }"
    )
    sheet = page.get_by_test_id("sheet-take")
    sheet.get_by_role("button", name="Save as PNG").click()
    expect(sheet).to_contain_text("could not be drawn")
    with page.expect_download() as caught:
        sheet.get_by_role("button", name="Save as PNG").click()
    assert caught.value.suggested_filename.endswith(".png")


@pytest.mark.slow
def test_of_quick_clicks_and_slow_answers_the_last_one_counts(visits: Any) -> None:
    visit = visits(**WIDE)
    page = visit.open(f"?area={GRID}&sector=net")

    def slowly(route: Route) -> None:
        # The first that is asked is answered last.
        if "column=transport" in route.request.url:
            page.wait_for_timeout(1500)
        route.continue_()

    visit.context.route("**/distribution?*", slowly)
    for sector in ("Transport", "Forest", "Transport", "Buildings"):
        page.get_by_role("radio", name=sector).check(force=True)
    for language in ("한국어", "Русский", "Oʻzbekcha", "English"):
        page.get_by_role("radio", name=language).check(force=True)
    visit.drawn()
    legend = page.get_by_test_id("legend")
    expect(legend).to_contain_text("Emissions of buildings")
    page.wait_for_timeout(2000)
    expect(legend).to_contain_text("Emissions of buildings")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    colours = page.evaluate(
        "() => [...document.querySelectorAll('.legend-classes .swatch')].map(one => one.style.backgroundColor)"
    )
    fresh = visits(**WIDE)
    again = fresh.open(f"?area={GRID}&sector=buildings&lang=en")
    expect(again.get_by_test_id("legend").locator("li").first).to_be_visible()
    assert colours == again.evaluate(
        "() => [...document.querySelectorAll('.legend-classes .swatch')].map(one => one.style.backgroundColor)"
    )
    assert visit.complaints == []


def draw(page: Page, *corners: tuple[int, int]) -> Any:
    """Draw an outline on the map; the card that measures it."""
    page.get_by_role("button", name="Measure an area").click()
    measured = page.get_by_test_id("measured")
    measured.get_by_role("button", name="Draw on the map").click()
    expect(page.locator("canvas")).to_have_css("cursor", "crosshair")
    for x, y in corners:
        page.mouse.click(x, y)
        page.wait_for_timeout(350)  # two clicks in one place and moment would end it
    measured.get_by_role("button", name="Finish").click()
    return measured


def test_an_outline_that_crosses_itself_is_told_so_and_mended_by_its_corner(visits: Any) -> None:
    visit = visits(**WIDE)
    page = visit.open(f"?area={GRID}")
    measured = draw(page, (560, 300), (760, 500), (760, 300), (560, 500))
    told = measured.get_by_test_id("outline-crossing")
    expect(told).to_contain_text("crosses itself")
    # The corner at the lower right goes to the middle above.
    page.mouse.move(760, 500)
    page.mouse.down()
    page.mouse.move(700, 320, steps=4)
    page.mouse.move(660, 260, steps=4)
    page.mouse.up()
    expect(told).to_have_count(0)
    expect(measured.get_by_test_id("value")).to_be_visible()


@pytest.mark.parametrize(
    ("where", "outline"),
    [
        pytest.param("at sea", [[[150.0, 10.0], [150.1, 10.0], [150.1, 10.1], [150.0, 10.0]]], marks=pytest.mark.slow),
        ("a decimetre wide", [[[127.12, 37.33], [127.120002, 37.33], [127.120002, 37.330002], [127.12, 37.33]]]),
    ],
)
def test_an_area_with_nothing_in_it_is_told_so(visit: Any, where: str, outline: list[Any]) -> None:
    page = visit.open()
    page.get_by_role("button", name="Measure an area").click()
    body = json.dumps({"type": "Polygon", "coordinates": outline}).encode()
    page.get_by_test_id("outline-file").set_input_files(
        {"name": "area.geojson", "mimeType": "application/geo+json", "buffer": body}
    )
    measured = page.get_by_test_id("measured")
    region = visit.ask("regions")[0]
    answer = visit.context.request.post(
        f"{visit.base}/api/{region['id']}/statistics?year={region['years'][-1]}",
        data={"type": "Polygon", "coordinates": outline},
    )
    assert answer.ok, where
    if answer.json()["rows"] == 0:
        expect(measured).to_contain_text("Nothing of this region lies in this area")
        expect(measured.get_by_test_id("value")).to_have_count(0)
    else:
        expect(measured.get_by_test_id("value")).to_be_visible()


def test_files_that_are_no_area_are_refused_with_the_remedy(visit: Any) -> None:
    page = visit.open()
    page.get_by_role("button", name="Measure an area").click()
    ring = [[127.1, 37.3], [127.12, 37.3], [127.12, 37.32], [127.1, 37.3]]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::5186"}}
    for file, told in (
        (json.dumps(polygon).encode()[:-9], "not GeoJSON"),
        (json.dumps({**polygon, "crs": crs}).encode(), "EPSG:4326"),
        (json.dumps({"type": "Point", "coordinates": ring[0]}).encode(), "no polygon"),
        (b"\x89PNG\r\n", "not GeoJSON"),
        (b'{"type":"GeometryCollection","geometries":[' * 20_000 + b"]}" * 20_000, "no polygon"),
    ):
        page.get_by_test_id("outline-file").set_input_files(
            {"name": "area.geojson", "mimeType": "application/geo+json", "buffer": file}
        )
        expect(page.get_by_test_id("outline-refused")).to_contain_text(told)
    # 50 MB, made in the page: it is refused before it is read.
    page.evaluate(
        """() => {
          const brought = new DataTransfer();
          brought.items.add(new File([new Uint8Array(50e6)], 'area.geojson'));
          const input = document.querySelector('[data-testid=outline-file]');
          input.files = brought.files;
          input.dispatchEvent(new Event('change', { bubbles: true }));
        }"""
    )
    expect(page.get_by_test_id("outline-refused")).to_contain_text("too large")
    assert visit.complaints == []


NO_SCENARIOS = {
    "a name that is a number": b'{"year": 2040, "name": 5}',
    "a corner beyond all numbers": b'{"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "area":'
    b' {"polygon": [[[1e999, 37.3], [127.2, 37.3], [127.2, 37.4], [1e999, 37.3]]]}}]}',
    "an area without a ring": b'{"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "area": {"polygon": []}}]}',
    "a list": b"[1, 2]",
    "3 MB": b'{"year": 2040, "name": "' + b"x" * 3_000_000 + b'"}',
}


def test_files_that_are_no_scenario_are_refused_and_the_panel_goes_on(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    for what, file in NO_SCENARIOS.items():
        # Between two of them, so that each is refused for itself.
        panel.get_by_role("button", name="Heat pumps").click()
        before = document_of(panel, visit.page)
        panel.get_by_test_id("scenario-file").set_input_files(
            {"name": "plan.json", "mimeType": "application/json", "buffer": file}
        )
        expect(panel.get_by_text("This file is no scenario"), what).to_be_visible()
        assert document_of(panel, visit.page) == before, what
        panel.get_by_test_id("scenario-file").set_input_files(
            {"name": "plan.json", "mimeType": "application/json", "buffer": b'{"year": 2040}'}
        )
        expect(panel.get_by_text("This file is no scenario"), what).to_have_count(0)
        expect(panel.get_by_test_id("scenario-change")).to_contain_text("nothing is changed yet")
    assert visit.complaints == []


def test_what_was_wrong_with_a_scenario_is_not_said_of_the_one_before_it(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    wrong = b'{"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 7}]}'
    panel.get_by_test_id("scenario-file").set_input_files(
        {"name": "plan.json", "mimeType": "application/json", "buffer": wrong}
    )
    expect(panel.get_by_test_id("scenario-problem")).to_contain_text("less than or equal to 1")
    visit.page.go_back()
    expect(panel.locator(".measure")).to_have_count(0)
    expect(panel.get_by_test_id("scenario-problem")).to_have_count(0)
    expect(panel.get_by_test_id("scenario-change")).to_contain_text("nothing is changed yet")
    assert [said for said in visit.complaints if "400" not in said] == []


def test_a_link_with_a_name_that_is_no_text_says_that_it_is_damaged(visits: Any) -> None:
    visit = visits(**WIDE)
    written = urlsafe_b64encode(b'{"year": 2040, "measures": [], "name": 5}').decode().rstrip("=")
    page = visit.open(f"?scenario={written}")
    expect(page.get_by_test_id("scenario").get_by_test_id("scenario-damaged")).to_contain_text("damaged")
    assert visit.complaints == []


def test_without_webgl_numbers_are_still_found_read_and_listed(visit: Any) -> None:
    visit.page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest)"
        "{ return kind.startsWith('webgl') ? null : real.call(this, kind, ...rest); };"
    )
    cell = largest(places(visit, GRID), "net_tco2e")
    page = visit.page
    page.goto(f"{visit.base}/?area={GRID}")
    expect(page.get_by_test_id("no-webgl")).to_be_visible()
    page.get_by_role("button", name="Table", exact=True).click()
    row = page.get_by_test_id("table").locator(".row-name").first
    expect(row).to_contain_text(cell["id"])
    row.click()
    value = page.get_by_test_id("card").get_by_test_id("value").locator("data")
    expect(value).to_have_attribute("value", re.sub(r"\.0$", "", repr(cell["properties"]["net_tco2e"])))
    assert visit.complaints == []


@pytest.mark.slow
def test_two_tabs_and_the_back_button_keep_their_own_state(visit: Any) -> None:
    page = visit.open(f"?area={GRID}")
    page.get_by_role("radio", name="Buildings").check(force=True)
    visit.drawn()
    other = visit.context.new_page()
    other.goto(page.url)
    other.get_by_role("radio", name="Forest").check(force=True)
    expect(other.get_by_test_id("legend")).to_contain_text("Forest removals")
    expect(page.get_by_test_id("legend")).to_contain_text("Emissions of buildings")
    other.close()
    for sector in ("Transport", "Forest"):
        page.get_by_role("radio", name=sector).check(force=True)
    for title in ("Emissions of road traffic", "Emissions of buildings", "Net emissions"):
        page.go_back()
        expect(page.get_by_test_id("legend")).to_contain_text(title)
    page.go_forward()
    expect(page.get_by_test_id("legend")).to_contain_text("Emissions of buildings")
    assert visit.complaints == []
