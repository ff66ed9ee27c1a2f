"""Stories of planners who are given a new edition, or two years or sectors: what each says of one place."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from map_reading import GRID, address_of, largest, number_in, places, point_at, within
from playwright.sync_api import expect
from scenario_panel import answer, js_number, planners_key, shows

from bench.browsing import serve_store

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif("CARBONMAP_DEMO_URL" in os.environ, reason="nothing is published on a server that is not ours"),
]

WIDE = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture(scope="module")
def store_of_two(served_demo: str, demo_folder: Path, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo city in two editions: in the second one, streets that nobody counts carry twice the cars."""
    assert served_demo
    folder = tmp_path_factory.mktemp("editions")
    store = folder / "store"
    shutil.copytree(demo_folder / "store", store)
    (inputs,) = (found for found in demo_folder.iterdir() if found.name.startswith("inputs-"))
    document = yaml.safe_load((inputs / "region.yaml").read_text(encoding="utf-8"))
    for road_class in ("residential", "service", "unclassified"):
        counted = document["assumptions"][f"transport.aadt.{road_class}"]
        for name in ("value", "low", "high"):
            counted[name] *= 2
    corrected = folder / "region.yaml"
    corrected.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    command = [sys.executable, "-m", "carbonmap", "build", str(corrected)]
    subprocess.run(
        [*command, "--inputs", str(inputs), "--store", str(store), "-q"],
        cwd=project,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return store


@pytest.fixture(scope="module")
def two_editions(store_of_two: Path) -> Iterator[str]:
    """Address of the map of two editions."""
    with serve_store(store_of_two) as address:
        yield address


@pytest.fixture
def edited(visits: Any, two_editions: str) -> Any:
    """A visit to the map of two editions."""
    visit = visits(**WIDE)
    visit.base = two_editions
    return visit


@pytest.mark.slow
def test_a_planner_sees_where_a_new_edition_differs_from_the_one_before(edited: Any) -> None:
    region = edited.ask("regions")[0]
    kept = edited.ask(f"{region['id']}/editions")["editions"]
    (before,) = (one for one in kept if not one["current"])
    assert [one["id"] for one in kept if one["current"]] == [region["edition"]]
    own = {item["id"]: item for item in places(edited, GRID)}
    past = {item["id"]: item["properties"] for item in places(edited, GRID, edition=before["id"])}
    for item in own.values():
        item["properties"]["more"] = item["properties"]["transport_tco2e"] - past[item["id"]]["transport_tco2e"]
        # Only what was corrected differs.
        assert item["properties"]["buildings_tco2e"] == past[item["id"]]["buildings_tco2e"]
    cell = largest(list(own.values()), "more", "area_ha")
    assert cell["properties"]["more"] > 0
    lat, lon = within(edited, GRID, cell)
    page = edited.open(f"?sector=transport&area={GRID}&at=13/{lat:.5f}/{lon:.5f}")
    page.get_by_role("button", name="Compare").click()
    bar = page.get_by_test_id("compare")
    bar.get_by_role("combobox", name="Compare with").select_option(f"edition/{before['id']}")
    names = f"Edition {before['id'][:8]}", f"Edition {region['edition'][:8]}"
    expect(page.locator(".side-name")).to_contain_text(list(names))
    expect(bar).to_contain_text(f"Left {names[0]}, right {names[1]}")

    area = cell["properties"]["area_ha"]
    values = [past[cell["id"]]["transport_tco2e"] / area, cell["properties"]["transport_tco2e"] / area]
    for manner in ("Swipe", "Difference"):
        bar.get_by_role("radio", name=manner).check(force=True)
        if manner == "Swipe":
            page.wait_for_selector("[data-testid=other-map][data-state=ready]", timeout=60_000)
        edited.drawn()
        said = point_at(page)
        expect(said).to_contain_text(cell["id"])
        other = said.get_by_test_id("tooltip-other")
        expect(other).to_contain_text(re.compile(rf"^{names[0]}: −?\d"))
        now = said.locator(".tooltip-value").inner_text().split("tCO₂e")[0]
        assert [number_in(other.inner_text().split(":")[1]), number_in(now)] == pytest.approx(values, rel=6e-3), manner
    difference = said.get_by_test_id("tooltip-difference")
    assert number_in(difference.inner_text()) == pytest.approx(values[1] - values[0], rel=6e-3)
    # Both rest on the same counts and models: what was corrected is no matter of chance.
    expect(difference).not_to_contain_text("not distinguishable")
    expect(page.get_by_test_id("legend")).to_contain_text(f"{names[1]} less {names[0]}")
    assert address_of(page)["vs"] == f"difference/edition/{before['id']}"
    # What was not corrected differs nowhere.
    page.goto(
        f"{edited.base}/?sector=buildings&area={GRID}&vs=difference/edition/{before['id']}&at=13/{lat:.5f}/{lon:.5f}"
    )
    edited.drawn()
    expect(page.get_by_test_id("legend").locator(".legend-classes li")).to_have_count(1)
    assert number_in(point_at(page).get_by_test_id("tooltip-difference").inner_text()) == 0
    assert edited.complaints == []


@pytest.mark.parametrize("by", ["year", pytest.param("sector", marks=pytest.mark.slow)])
def test_two_maps_side_by_side_say_both_numbers_of_one_place(visits: Any, by: str) -> None:
    visit = visits(**WIDE)
    years = visit.ask("regions")[0]["years"]
    other_year, other_sector = (years[0], "buildings") if by == "year" else (years[-1], "transport")
    items = places(visit, GRID)
    cell = largest([one for one in items if one["properties"]["transport_tco2e"]], "buildings_tco2e", "area_ha")
    past = {item["id"]: item["properties"] for item in places(visit, GRID, other_year)}[cell["id"]]
    lat, lon = within(visit, GRID, cell)
    chosen = other_year if by == "year" else other_sector
    page = visit.open(f"?sector=buildings&area={GRID}&unit=t&vs=side/{by}/{chosen}&at=13/{lat:.5f}/{lon:.5f}")
    page.wait_for_selector("[data-testid=other-map][data-state=ready]", timeout=60_000)
    visit.drawn()
    names = (str(years[0]), str(years[-1])) if by == "year" else ("Transport", "Buildings")
    expect(page.locator(".side-name")).to_contain_text(list(names))
    said = point_at(page)
    expect(said).to_contain_text(cell["id"])
    told = [
        number_in(said.get_by_test_id("tooltip-other").inner_text().split(":")[1]),
        number_in(said.locator(".tooltip-value").inner_text().split("tCO₂e")[0]),
    ]
    expected = [past[f"{other_sector}_tco2e"], cell["properties"]["buildings_tco2e"]]
    assert told == pytest.approx(expected, rel=6e-3)
    # Each half has its map, and both look at the same place.
    boxes = [one.bounding_box() for one in page.locator("canvas.maplibregl-canvas").all()]
    assert len(boxes) == 2
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["width"] == pytest.approx(boxes[1]["width"], abs=2)
    assert abs(boxes[0]["x"] - boxes[1]["x"]) > boxes[0]["width"] / 2
    assert visit.complaints == []


@pytest.fixture
def publish(edited: Any, store_of_two: Path) -> Iterator[Any]:
    """Makes the kept edition that is not served, or is, the one that is; the newest is served again afterwards."""
    region = edited.ask("regions")[0]
    current = store_of_two / region["id"] / "current"
    newest = current.read_text(encoding="utf-8")

    def published(edition: str) -> None:
        beside = current.with_name("current.new")
        beside.write_text(newest.replace(region["edition"], edition), encoding="utf-8")
        beside.replace(current)
        deadline = time.monotonic() + 30
        while edited.ask("regions")[0]["edition"] != edition:
            assert time.monotonic() < deadline, "the server does not serve what was published"
            time.sleep(0.2)

    yield published
    published(region["edition"])


def written(value: float) -> str:
    """A number as a browser writes it."""
    return re.sub(r"\.0$", "", repr(value))


def old_and_new(visit: Any) -> tuple[str, str]:
    """The edition before the newest, and the newest."""
    kept = visit.ask(f"{visit.ask('regions')[0]['id']}/editions")["editions"]
    (before,) = (one["id"] for one in kept if not one["current"])
    (newest,) = (one["id"] for one in kept if one["current"])
    return before, newest


def told_on(page: Any) -> Any:
    """The number on the card that is open."""
    return page.get_by_test_id("card").get_by_test_id("value").locator("data")


def test_an_edition_published_meanwhile_is_offered_and_changes_nothing_unasked(edited: Any, publish: Any) -> None:
    before, newest = old_and_new(edited)
    cell = largest(places(edited, GRID), "transport_tco2e", "area_ha")
    past = {item["id"]: item["properties"] for item in places(edited, GRID, edition=before)}[cell["id"]]
    publish(before)
    page = edited.open(f"?sector=transport&area={GRID}&sel={GRID}/{cell['id']}")
    value = told_on(page)
    expect(value).to_have_attribute("value", written(past["transport_tco2e"]))
    publish(newest)
    # As when the reader comes back to this tab.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    offer = page.get_by_test_id("newer")
    expect(offer).to_contain_text("newer edition")
    expect(value).to_have_attribute("value", written(past["transport_tco2e"]))
    expect(page.locator(".edition")).to_contain_text(before)
    offer.get_by_role("button").click()
    expect(value).to_have_attribute("value", written(cell["properties"]["transport_tco2e"]))
    expect(offer).not_to_be_attached()
    expect(page.locator(".edition")).to_contain_text(newest)
    edited.drawn()
    assert edited.complaints == []


@pytest.mark.slow
def test_an_edition_that_is_no_longer_kept_gives_way_to_the_one_that_is(edited: Any, publish: Any) -> None:
    before, newest = old_and_new(edited)
    cell = largest(places(edited, GRID), "transport_tco2e", "area_ha")
    publish(before)
    page = edited.open(f"?sector=buildings&area={GRID}&sel={GRID}/{cell['id']}")
    publish(newest)
    gone = {"title": "Not Found", "status": 404, "detail": f"region has no edition {before}"}
    edited.context.route(f"**/*edition={before}*", lambda route: route.fulfill(status=404, json=gone))
    page.get_by_role("radio", name="Transport").check(force=True)
    expect(told_on(page)).to_have_attribute("value", written(cell["properties"]["transport_tco2e"]))
    expect(page.locator(".edition")).to_contain_text(newest)
    expect(page.locator(".notices [role=alert]")).to_have_count(0)
    edited.drawn()


def test_a_link_that_was_shared_shows_the_same_numbers_after_a_new_edition(
    edited: Any, visits: Any, publish: Any
) -> None:
    before, newest = old_and_new(edited)
    earlier = {item["id"]: item["properties"] for item in places(edited, GRID, edition=before)}
    cells = places(edited, GRID)
    for one in cells:
        one["properties"]["more"] = one["properties"]["transport_tco2e"] - earlier[one["id"]]["transport_tco2e"]
    cell = largest(cells, "more", "area_ha")
    past = earlier[cell["id"]]
    assert past["transport_tco2e"] != cell["properties"]["transport_tco2e"]
    publish(before)
    page = edited.open(f"?sector=transport&area={GRID}&sel={GRID}/{cell['id']}")
    page.get_by_role("button", name="Take away").click()
    take = page.get_by_test_id("sheet-take")
    link = take.get_by_role("region", name="Link to this view").locator("pre")
    expect(link).to_contain_text(f"edition={before}")
    shared = link.inner_text()
    take.get_by_role("checkbox", name="Same numbers for good").uncheck()
    expect(link).not_to_contain_text("edition=")
    publish(newest)

    colleague = visits(**WIDE)
    colleague.base = edited.base
    other = colleague.open(shared.removeprefix(f"{edited.base}/"))
    value = told_on(other)
    expect(value).to_have_attribute("value", written(past["transport_tco2e"]))
    expect(other.locator(".edition")).to_contain_text(before)
    label = other.get_by_test_id("kept")
    expect(label).to_contain_text(f"keeps to edition {before[:8]}")
    label.get_by_role("button", name="Show the current edition").click()
    expect(value).to_have_attribute("value", written(cell["properties"]["transport_tco2e"]))
    expect(label).not_to_be_attached()
    assert "edition" not in address_of(other)
    assert colleague.complaints == []


def test_a_scenario_that_was_saved_says_on_which_edition_its_numbers_are(
    edited: Any, publish: Any, store_of_two: Path, project: Path
) -> None:
    before, newest = old_and_new(edited)
    region = edited.ask("regions")[0]["id"]
    document = {"year": 2040, "measures": [{"id": "fewer-cars", "kind": "electric_vehicles", "level": 0.5}]}
    told = edited.context.request.post(
        f"{edited.base}/api/{region}/scenarios?edition={before}",
        data=document,
        headers={"Authorization": f"Bearer {planners_key(store_of_two, project)}"},
    )
    assert told.ok, told.text()
    change = {one: answer(edited, document, edition=one)["change_tco2e"]["net"] for one in (before, newest)}
    assert change[before] != change[newest], "the two editions count other cars"

    page = edited.open(f"?scenario=~{told.json()['id']}~1")
    panel = page.get_by_test_id("scenario")
    note = panel.get_by_test_id("saved-elsewhere")
    expect(note).to_contain_text(f"Saved on edition {before}; worked out here on {newest}")
    shows(panel, change[newest])
    panel.get_by_role("button", name="Report", exact=True).click()
    report = page.get_by_test_id("scenario-report")
    expect(report.locator("header code")).to_have_text(newest)
    net = report.get_by_test_id("report-net").locator("data")
    expect(net).to_have_attribute("value", js_number(change[newest]))
    page.go_back()

    note.get_by_role("button", name="Show it on that edition").click()
    shows(panel, change[before])
    expect(note).to_have_count(0)
    expect(page.locator(".edition")).to_contain_text(before)
    panel.get_by_role("button", name="Report", exact=True).click()
    expect(report.locator("header code")).to_have_text(before)
    expect(net).to_have_attribute("value", js_number(change[before]))
    assert edited.complaints == []
