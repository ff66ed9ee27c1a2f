"""Stories of planners with a phone: a link opened on it shows its place, and a finger draws."""

import json
import math
import struct
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
AREA = "grid-500m"


def address_of(page: Any) -> dict[str, str]:
    """The choices that the page's address carries."""
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def on_screen(page: Any, lon: float, lat: float) -> tuple[float, float]:
    """Where a place lies on the screen, px, by the camera in the page's address."""
    zoom, centre_lat, centre_lon = map(float, address_of(page)["at"].split("/"))
    canvas = page.locator("canvas.maplibregl-canvas").bounding_box()
    world = 512 * 2**zoom

    def mercator(degrees: float) -> float:
        return math.asinh(math.tan(math.radians(degrees))) / math.tau

    return (
        canvas["x"] + canvas["width"] / 2 + (lon - centre_lon) / 360 * world,
        canvas["y"] + canvas["height"] / 2 + (mercator(centre_lat) - mercator(lat)) * world,
    )


@pytest.mark.parametrize(
    "shift", [0.0, pytest.param(0.02, marks=pytest.mark.slow)], ids=["under the card", "beyond the edge"]
)
def test_a_link_shows_its_place_above_the_card(visits: Any, shift: float) -> None:
    visit = visits(**PHONE)
    region = visit.ask("regions")[0]
    query = f"year={region['years'][-1]}&sortby=-buildings_tco2e&limit=1"
    (cell,) = visit.ask(f"{region['id']}/collections/{AREA}/items?{query}")["features"]
    ring = cell["geometry"]["coordinates"][0]
    lons, lats = [corner[0] for corner in ring], [corner[1] for corner in ring]
    lon, lat = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
    page = visit.open(f"?area={AREA}&sel={AREA}/{quote(cell['id'])}&at=13/{lat:.5f}/{lon + shift:.5f}")
    card = page.get_by_test_id("card")
    expect(card.get_by_test_id("value")).to_be_visible()
    page.wait_for_url(lambda url: f"/{lat:.5f}/{lon + shift:.5f}" not in url)
    visit.drawn()
    top, bottom = page.locator("canvas.maplibregl-canvas").bounding_box()["y"], card.bounding_box()["y"]
    for corner_lon in (min(lons), max(lons)):
        for corner_lat in (min(lats), max(lats)):
            x, y = on_screen(page, corner_lon, corner_lat)
            assert 0 < x < 390
            assert top < y < bottom
    assert visit.complaints == []


@pytest.mark.parametrize("height", [844, 667])
def test_beside_a_sheet_the_title_takes_one_line_and_every_button_of_the_map_is_whole(visits: Any, height: int) -> None:
    visit = visits(**{**PHONE, "viewport": {"width": 390, "height": height}})
    page = visit.open()
    title = page.locator(".region-name")
    line = float(title.evaluate("one => parseFloat(getComputedStyle(one).lineHeight)"))
    assert title.bounding_box()["height"] < 1.5 * line
    page.locator("#scenario-tool").tap()
    panel = page.get_by_test_id("scenario")
    expect(panel.get_by_test_id("scenario-change")).to_be_visible()
    labels = page.get_by_test_id("banner").bounding_box()
    for button in page.locator(".map-buttons button").all():
        box = button.bounding_box()
        assert labels["y"] + labels["height"] <= box["y"]
        assert box["y"] + box["height"] <= panel.bounding_box()["y"]
    page.get_by_role("button", name="Zoom in").tap()
    visit.drawn()
    assert visit.complaints == []


def test_an_area_is_drawn_and_mended_with_a_finger(visits: Any) -> None:
    visit = visits(**PHONE)
    region = visit.ask("regions")[0]
    page = visit.open(f"?area={AREA}")
    page.get_by_role("button", name="Measure an area").tap()
    measured = page.get_by_test_id("measured")
    measured.get_by_role("button", name="Draw on the map").tap()
    status = measured.get_by_role("status")
    corners = [(90, 330), (290, 340), (200, 460)]
    for count, (x, y) in enumerate(corners):
        page.touchscreen.tap(x, y)
        expect(status).to_contain_text(f"{count + 1} corners" if count else "1 corner")
        # Two taps in short order are a double tap.
        page.wait_for_timeout(400)
    with page.expect_response(lambda answer: "/statistics?" in answer.url) as caught:
        # Near the first corner, as near as a finger comes.
        page.touchscreen.tap(corners[0][0] + 12, corners[0][1] - 9)
    drawn = json.loads(caught.value.request.post_data)["coordinates"][0][0]
    assert len(drawn) == 4
    expect(measured.get_by_test_id("value")).to_be_visible()
    # The lowest corner was drawn where the card is now: the map moves it up, where no banner lies over it.
    for _ in range(600):
        x, y = on_screen(page, *drawn[2])
        if y < measured.bounding_box()["y"] - 10:
            break
        page.wait_for_timeout(100)
    visit.drawn()
    touch = visit.context.new_cdp_session(page)
    with page.expect_response(lambda answer: "/statistics?" in answer.url) as caught:
        for kind, points in (
            ("touchStart", [{"x": x + 8, "y": y + 6}]),
            ("touchMove", [{"x": x + 10, "y": y - 10}]),
            ("touchMove", [{"x": x + 30, "y": y - 40}]),
            ("touchEnd", []),
        ):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    body = json.loads(caught.value.request.post_data)
    mended = body["coordinates"][0][0]
    assert [at == before for at, before in zip(mended, drawn, strict=True)] == [True, True, False, True]
    expect(measured).to_have_attribute("aria-busy", "false")
    answer = visit.context.request.post(
        f"{visit.base}/api/{region['id']}/statistics?year={region['years'][-1]}", data=body
    ).json()
    (net,) = (one["tco2e"] for one in answer["sectors"] if one["sector"] == "net")
    shown = measured.get_by_test_id("value").locator("data")
    expect(shown).to_have_attribute("value", str(net))
    assert visit.complaints == []


_NOTE_TEXTS = """
window.written = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  const right = (x + this.measureText(text).width) * this.getTransform().a;
  window.written.push({ text, right, width: this.canvas.width, height: this.canvas.height });
  return fillText.call(this, text, x, y);
};
"""


@pytest.mark.parametrize(
    ("locale", "marks"),
    [
        ("en-GB", ("no number is real.", "Illustrative:", "where no published value was found.")),
        ("ko-KR", ("합성 데이터:", "예시값:", "이 지역의 가정에 근거합니다.")),
    ],
    ids=["en", "ko"],
)
def test_a_picture_from_a_phone_keeps_its_labels_and_the_readers_day(
    visits: Any, locale: str, marks: tuple[str, ...]
) -> None:
    visit = visits(**PHONE, locale=locale, timezone_id="Asia/Seoul", accept_downloads=True)
    visit.page.add_init_script(_NOTE_TEXTS)
    page = visit.open("?sector=net&view=take")
    page.clock.set_fixed_time("2026-03-08T16:30:00Z")  # in Seoul the next day has begun
    with page.expect_download() as waiting:
        page.get_by_test_id("sheet-take").get_by_role("button", name="PNG").tap()
    width, height = struct.unpack(">II", Path(waiting.value.path()).read_bytes()[16:24])
    texts = [one for one in page.evaluate("window.written") if (one["width"], one["height"]) == (width, height)]
    told = " ".join(one["text"] for one in texts)
    for mark in marks:
        assert mark in told
    assert "2026-03-09" in told
    for one in texts:
        assert one["right"] <= width, one["text"]
    assert visit.complaints == []


@pytest.mark.slow
def test_before_and_after_are_named_and_parted_above_the_sheet(visits: Any) -> None:
    page = visits(**PHONE, locale="ko-KR").open("?scenario=&scenario-map=swipe")
    panel = page.get_by_test_id("scenario")
    panel.get_by_role("button", name="히트펌프").tap()
    names = page.locator(".side-name")
    expect(names).to_have_count(2)
    sheet = panel.bounding_box()
    for part in (*names.all(), page.locator(".divider i")):
        box = part.bounding_box()
        assert box["y"] + box["height"] <= sheet["y"]
