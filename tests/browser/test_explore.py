"""Stories of planners who explore: parts of a sector, years, classes, doubt, light and language."""

import re
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

GRID = "grid-1km"
LANGUAGES = {"en": "Buildings", "ko": "건물", "uz": "Binolar", "ru": "Здания"}


def table(visit: Any, year: int | None = None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The region that the map opens with, and all cells of its coarsest grid in a year."""
    region = visit.ask("regions")[0]
    asked = f"{region['id']}/collections/{GRID}/items?limit=10000&year={year or region['years'][-1]}"
    return region, visit.ask(asked)["features"]


def view_of(page: Any) -> dict[str, str]:
    """The choices that the page's address carries."""
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def point_at(visit: Any, cell: dict[str, Any], query: str) -> Any:
    """Open the map over a cell and put the pointer on it."""
    corners = cell["geometry"]["coordinates"][0][:4]
    lat, lon = sum(c[1] for c in corners) / 4, sum(c[0] for c in corners) / 4
    page = visit.open(f"?area={GRID}&at=13/{lat:.5f}/{lon:.5f}&{query}")
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_test_id("tooltip")).to_contain_text(cell["id"])
    return page


def number_shown(page: Any) -> float:
    """The number under the pointer."""
    text = page.get_by_test_id("tooltip").locator(".tooltip-value").inner_text()
    found = re.search(r"−?[\d,.]+", text)
    assert found is not None, text
    return float(found.group().replace("−", "-").replace(",", ""))


def class_labels(page: Any) -> list[str]:
    """What the legend calls its classes, from large to small."""
    labels: list[str] = page.get_by_test_id("legend").locator(".legend-classes .legend-label").all_text_contents()
    return labels


@pytest.mark.parametrize(
    ("part", "columns"),
    [
        pytest.param("electricity", ["buildings_electricity_indirect_tco2e"], marks=pytest.mark.slow),
        ("indirect", ["buildings_electricity_indirect_tco2e", "buildings_heat_indirect_tco2e"]),
        pytest.param("metered", ["buildings_tco2e"], marks=pytest.mark.slow),
    ],
)
def test_a_planner_asks_for_a_part_of_a_sector(visit: Any, part: str, columns: list[str]) -> None:
    _, cells = table(visit)
    cell = max(cells, key=lambda found: found["properties"]["buildings_tco2e"] or 0)
    page = point_at(visit, cell, "sector=buildings")
    page.get_by_role("combobox", name="Part", exact=True).select_option(part)
    visit.drawn()
    assert view_of(page)["part"] == part
    page = point_at(visit, cell, f"sector=buildings&part={part}")
    values = cell["properties"]
    share = values["buildings_metered_share"] if part == "metered" else 1
    total = sum(values.get(column) or 0 for column in columns) * share
    assert total > 0
    assert number_shown(page) == pytest.approx(total / values["area_ha"], rel=6e-3)
    assert visit.complaints == []


def test_colours_mean_the_same_in_every_year(visit: Any) -> None:
    region, _ = table(visit)
    first, last = region["years"][0], region["years"][-1]
    page = visit.open(f"?area={GRID}&sector=buildings")
    before = class_labels(page)
    slider = page.get_by_role("slider", name=re.compile("^Year"))
    expect(slider).to_have_attribute("aria-valuetext", str(last))
    slider.press("Home")
    visit.drawn()
    assert view_of(page)["year"] == str(first)
    expect(page.get_by_test_id("legend")).to_contain_text(f"in {first}")
    assert class_labels(page) == before
    cell = max(table(visit, first)[1], key=lambda found: found["properties"]["buildings_tco2e"] or 0)
    page = point_at(visit, cell, f"sector=buildings&year={first}")
    expected = cell["properties"]["buildings_tco2e"] / cell["properties"]["area_ha"]
    assert number_shown(page) == pytest.approx(expected, rel=6e-3)


def test_the_years_play_and_leave_no_steps_behind(visit: Any) -> None:
    page = visit.open(f"?area={GRID}")
    years = visit.ask("regions")[0]["years"]
    steps = page.evaluate("history.length")
    page.get_by_role("button", name="Play the years").click()
    page.wait_for_url(f"**year={years[0]}**")
    page.wait_for_url(f"**year={years[-1]}**")
    page.get_by_role("button", name="Stop playing").click()
    assert page.evaluate("history.length") == steps


def test_classes_are_chosen_and_travel_in_the_link(visit: Any, visits: Any) -> None:
    page = visit.open(f"?area={GRID}&sector=transport&unit=t")
    automatic = class_labels(page)
    page.get_by_text("Display", exact=True).click()
    page.get_by_role("combobox", name=re.compile("^Classes")).select_option("equal")
    equal = class_labels(page)
    assert equal != automatic
    bounds = [float(label.split(" to ")[0].replace(",", "")) for label in equal[1:-1] if " to " in label]
    steps = {round(a - b, 6) for a, b in pairwise(bounds)}
    assert len(steps) == 1, equal
    other = visits()
    other.page.goto(page.url)
    other.drawn()
    assert class_labels(other.page) == equal


@pytest.mark.slow
def test_only_a_span_of_values_is_left_on_the_map(visit: Any) -> None:
    page = visit.open(f"?area={GRID}&sector=transport")
    low = page.get_by_role("slider", name="Show only values from")
    for _ in range(6):
        low.press("ArrowRight")
    assert re.fullmatch(r"[\d.]+~", view_of(page)["only"])
    expect(low).to_have_attribute("aria-valuetext", re.compile("tCO₂e/ha"))
    page.get_by_role("button", name="Show all values").click()
    assert "only" not in view_of(page)
    low.press("ArrowRight")
    page.get_by_role("radio", name="Buildings").check()
    assert "only" not in view_of(page)


def test_the_legend_explains_only_what_is_seen(visit: Any) -> None:
    page = visit.open(f"?area={GRID}&sector=forest&doubt=off")
    legend = page.get_by_test_id("legend")
    expect(legend.locator(".legend-classes li").first).to_be_visible()
    expect(legend.get_by_text("Replaced to protect privacy")).to_have_count(0)
    expect(legend.get_by_text(re.compile("^Uncertain"))).to_have_count(0)
    page.get_by_role("radio", name="Net").check()
    visit.drawn()
    page.keyboard.press("d")
    assert "doubt" not in view_of(page)
    _, cells = table(visit)
    unsure = [
        cell
        for cell in cells
        if 1.645 * (cell["properties"]["net_sd_tco2e"] or 0) > abs(cell["properties"]["net_tco2e"] or 0)
    ]
    expect(legend.get_by_text("Uncertain: may as well be zero")).to_have_count(1 if unsure else 0)


def test_places_that_are_mostly_modelled_are_marked_when_asked_for(visit: Any) -> None:
    _, cells = table(visit)
    known = [cell for cell in cells if cell["properties"]["buildings_tco2e"]]
    modelled = min(known, key=lambda cell: cell["properties"]["buildings_metered_share"])
    metered = max(known, key=lambda cell: cell["properties"]["buildings_metered_share"])
    assert modelled["properties"]["buildings_metered_share"] < 0.5 <= metered["properties"]["buildings_metered_share"]
    label = "Mostly modelled: less than half is metered or counted"
    page = point_at(visit, modelled, "sector=buildings")
    expect(page.get_by_test_id("tooltip")).not_to_contain_text(label)
    page.get_by_text("Display", exact=True).click()
    page.get_by_role("radio", name="Mostly modelled").check()
    visit.drawn()
    assert view_of(page)["mark"] == "method"
    expect(page.get_by_test_id("legend")).to_contain_text(label)
    page = point_at(visit, modelled, "sector=buildings&mark=method")
    expect(page.get_by_test_id("tooltip")).to_contain_text(label)
    page = point_at(visit, metered, "sector=buildings&mark=method&doubt=fade")
    expect(page.get_by_test_id("tooltip")).not_to_contain_text(label)
    assert visit.complaints == []


def test_keys_do_what_is_done_often_and_can_be_switched_off(visit: Any) -> None:
    page = visit.open(f"?area={GRID}")
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="Buildings")).to_be_checked()
    page.keyboard.press("u")
    expect(page.get_by_role("radio", name="Total")).to_be_checked()
    page.keyboard.press(">")
    expect(page.get_by_role("radio", name="500 m", exact=True)).to_be_checked()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    page.keyboard.press("1")
    sheet.get_by_label("Use single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("3")
    expect(page.get_by_role("radio", name="Buildings")).to_be_checked()
    page.reload()
    visit.drawn()
    page.keyboard.press("3")
    expect(page.get_by_role("radio", name="Buildings")).to_be_checked()
    assert visit.complaints == []


def test_the_dark_is_chosen_whatever_the_device_says(visit: Any, visits: Any) -> None:
    page = visit.open()
    expect(page.locator("html")).to_have_attribute("data-ground", "light")
    page.get_by_text("Display", exact=True).click()
    page.get_by_role("radio", name="Dark").check()
    expect(page.locator("html")).to_have_attribute("data-ground", "dark")
    other = visits(color_scheme="light")
    other.page.goto(page.url)
    other.drawn()
    expect(other.page.locator("html")).to_have_attribute("data-ground", "dark")
    assert other.complaints == []


@pytest.mark.slow
def test_columns_stand_up_and_can_be_asked(visit: Any) -> None:
    _, cells = table(visit)
    cell = max(cells, key=lambda found: found["properties"]["buildings_tco2e"] or 0)
    corners = cell["geometry"]["coordinates"][0][:4]
    lat, lon = sum(c[1] for c in corners) / 4, sum(c[0] for c in corners) / 4
    page = visit.open(f"?area={GRID}&at=13/{lat:.5f}/{lon:.5f}&sector=buildings&tall=1")
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    # What stands before the cell may hide it: whichever column it is, the number must be its own.
    seen = page.get_by_test_id("tooltip").locator(".tooltip-name").inner_text().strip()
    values = next(cell["properties"] for cell in cells if cell["id"] == seen)
    assert number_shown(page) == pytest.approx(values["buildings_tco2e"] / values["area_ha"], rel=6e-3)
    page.get_by_text("Display", exact=True).click()
    page.get_by_label("Columns in 3D").uncheck()
    visit.drawn()
    assert "tall" not in view_of(page)
    assert visit.complaints == []


@pytest.mark.slow
def test_who_got_lost_is_led_back(visit: Any) -> None:
    page = visit.open("?at=9/10/10")
    lost = page.get_by_test_id("outside")
    expect(lost).to_contain_text("is in view")
    lost.get_by_role("button", name="Show the whole region").click()
    expect(lost).to_be_hidden()


@pytest.mark.parametrize(
    "lang", ["ko", *(pytest.param(one, marks=pytest.mark.slow) for one in LANGUAGES if one != "ko")]
)
def test_the_map_speaks_four_languages(visit: Any, lang: str) -> None:
    page = visit.open(f"?lang={lang}")
    expect(page.locator("html")).to_have_attribute("lang", lang)
    expect(page.get_by_role("radio", name=LANGUAGES[lang])).to_be_visible()
    text = visit.ask("regions")[0]["attributions"][0]
    expect(page.locator(".sources")).to_contain_text(text["texts"].get(lang, text["text"]))
    # A word that breaks inside, or a button that bursts, would push something out of its box.
    burst = page.evaluate(
        "() => [...document.querySelectorAll('.panel .pill > span, .languages span, .brand h1')]"
        ".filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"
    )
    assert burst == []
