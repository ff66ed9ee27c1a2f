"""Stories of planners who think with scenarios: draw or pick, choose a measure, slide, compare, hand on, print."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect
from scenario_panel import WIDE, answer, by_job, document_of, js_number, opened, shows, slide

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_a_measure_in_a_drawn_area_slides_and_a_colleague_opens_the_link(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    page = visit.page
    panel.get_by_role("button", name="Draw", exact=True).click()
    for x, y in ((560, 300), (760, 300), (760, 520), (560, 520)):
        page.mouse.click(x, y)
        page.wait_for_timeout(350)
    page.mouse.click(560, 300)
    expect(panel.get_by_role("group", name="New measures act here")).to_contain_text("A drawn area")
    panel.get_by_role("button", name="Building retrofit").click()
    row = panel.get_by_test_id("measure-retrofit-1")
    expect(row).to_contain_text("A drawn area")
    slider = row.get_by_role("slider", name="Share")
    changes = []
    for level in (0.2, 0.6):
        slide(slider, level)
        document = document_of(panel, page)
        assert document["measures"][0]["level"] == level
        assert len(document["measures"][0]["area"]["polygon"][0]) == 5
        result = answer(visit, document)
        shows(panel, result["change_tco2e"]["net"])
        changes.append(result["change_tco2e"]["net"])
    assert changes[1] < changes[0] < 0
    expect(row.locator(".effects data").first).to_have_attribute("value", js_number(result["measures"][0]["tco2e"]))
    low, high = answer(visit, document, samples=200)["interval"]["tco2e"]
    assert low < changes[1] < high
    expect(panel.get_by_test_id("scenario-interval")).to_be_visible()
    expect(page.get_by_test_id("legend")).to_contain_text("Change of emissions")
    assert visit.complaints == []

    colleague = visits(**WIDE)
    other = colleague.open(f"?{urlsplit(page.url).query}")
    again = other.get_by_test_id("scenario")
    shows(again, changes[1])
    assert document_of(again, other) == document
    assert all(url.startswith(colleague.base) for url in colleague.requests if url.startswith("http"))


def test_forms_of_growth_in_one_click_lie_side_by_side(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    changes = {}
    for turn, form in enumerate(("Compact", "Polycentric", "Sprawl")):
        if turn:
            panel.get_by_role("button", name="Compare with a copy").click()
        button = panel.get_by_role("button", name=form, exact=True)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        document = document_of(panel, visit.page)
        assert document["measures"][0]["form"] == form.lower()
        assert document["measures"][0]["people"] > 0
        result = answer(visit, document)
        shows(panel, result["change_tco2e"]["net"])
        changes[form] = result["change_tco2e"]["net"]
        expect(panel.get_by_test_id("scenario-range")).to_contain_text("no interval")
    assert len(set(changes.values())) == 3, "a form that changes nothing would be no form"
    expect(panel.get_by_role("button", name="Compare with a copy")).to_have_count(0)
    table = panel.get_by_test_id("comparison")
    row = table.locator(".side-by-side tbody tr").nth(1)
    expect(row.locator("data")).to_have_count(3)
    for cell, change in zip(row.locator("data").all(), changes.values(), strict=True):
        expect(cell).to_have_attribute("value", js_number(change))
    best = min(changes, key=lambda form: changes[form])
    expect(table.locator("td").filter(has_text="lowest")).to_have_count(1)
    assert (
        table.locator(".side-by-side tbody tr")
        .first.locator("td")
        .nth(list(changes).index(best))
        .inner_text()
        .endswith("lowest")
    )
    panel.get_by_role("button", name="Scenario B", exact=True).click()
    shows(panel, changes["Polycentric"])
    assert "scenario-at=2" in visit.page.url
    visit.page.go_back()
    shows(panel, changes["Sprawl"])
    assert visit.complaints == []


def test_a_gap_is_asked_a_target_is_judged_and_keys_are_enough(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    page = visit.page
    panel.get_by_role("button", name="Rooftop solar").focus()
    page.keyboard.press("Enter")
    row = panel.get_by_test_id("measure-rooftop_pv-1")
    expect(row.get_by_role("slider", name="Share")).to_be_focused()
    expect(row).to_contain_text("Asks you for one number")
    expect(panel.get_by_test_id("scenario-change")).to_contain_text("nothing is changed yet")
    gap = row.locator("[data-parameter='pv.roof_share']")
    gap.fill("0.4")
    gap.press("Tab")
    expect(row).not_to_contain_text("Asks you for")
    slider = row.get_by_role("slider", name="Share")
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    panel.locator("#scenario-target").fill("5")
    panel.locator("#scenario-target").press("Tab")
    document = document_of(panel, page)
    assert document["measures"] == [
        {"id": "rooftop_pv-1", "kind": "rooftop_pv", "level": 0.35, "parameters": {"pv.roof_share": 0.4}}
    ]
    result = answer(visit, document)
    shows(panel, result["change_tco2e"]["net"])
    reached = result["baseline_tco2e"]["net"] + result["change_tco2e"]["net"] <= result["target_tco2e"]
    expect(panel.get_by_test_id("verdict")).to_contain_text("is reached" if reached else "are missing")
    row.get_by_role("button", name="Remove Rooftop solar").press("Enter")
    expect(panel.get_by_test_id("scenario-change")).to_contain_text("nothing is changed yet")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    assert visit.complaints == []


@pytest.mark.slow
def test_cars_leave_an_area_and_the_network_answers_by_a_job(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    page = visit.page
    expect(panel.get_by_role("button", name="Car-free area")).to_be_disabled()
    panel.get_by_role("button", name="Pick zones").click()
    panel.locator(".zone-list input[type=checkbox]").first.check()
    panel.get_by_role("button", name="Use 1 zone").click()
    panel.get_by_role("button", name="Speed on roads").click()
    row = panel.get_by_test_id("measure-road_speed-1")
    expect(panel.get_by_test_id("scenario-change").locator("data")).not_to_have_attribute("value", "0", timeout=120_000)
    document = document_of(panel, page)
    assert document["measures"][0]["kmh"] == 30
    result = by_job(visit, document)
    shows(panel, result["change_tco2e"]["net"])
    expect(row.locator(".effects data").first).to_have_attribute("value", js_number(result["measures"][0]["tco2e"]))
    expect(page.get_by_test_id("legend")).to_contain_text("Change of emissions")
    assert visit.complaints == []


@pytest.mark.slow
def test_before_and_after_under_a_divider_and_a_report_on_paper(visits: Any, project: Path) -> None:
    visit = visits(bypass_csp=True, **WIDE)
    panel = opened(visit)
    page = visit.page
    panel.get_by_role("button", name="Heat pumps").click()
    document = document_of(panel, page)
    change = answer(visit, document)["change_tco2e"]
    shows(panel, change["net"])
    panel.get_by_role("radio", name="Before | after").check(force=True)
    page.wait_for_selector("[data-testid=before-map][data-state=ready]", timeout=60_000)
    expect(page.locator(".side-name")).to_have_text(["before", "after"])
    divider = page.get_by_role("slider", name="Divider between before and after")
    divider.focus()
    divider.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "52")
    assert "scenario-cut=52" in page.url
    page.add_script_tag(path=project / "web" / "node_modules" / "axe-core" / "axe.min.js")
    faults = page.evaluate("axe.run().then(report => report.violations.map(v => [v.id, v.nodes.map(n => n.html)]))")
    assert faults == []
    panel.get_by_role("button", name="Report", exact=True).click()
    report = page.get_by_test_id("scenario-report")
    told = report.get_by_test_id("report-buildings").locator("data")
    expect(told).to_have_attribute("value", js_number(change["buildings"]))
    expect(report).to_contain_text("Synthetic data")
    expect(report).to_contain_text("What if, not a forecast")
    expect(report.locator(".small-map").first.locator("path").first).to_be_visible()
    assert visit.complaints == []


@pytest.mark.slow
def test_on_a_phone_in_korean_zones_are_picked_and_a_file_is_opened(visits: Any) -> None:
    visit = visits(**PHONE, locale="ko-KR")
    page = visit.open()
    page.locator("#scenario-tool").tap()
    panel = page.get_by_test_id("scenario")
    expect(panel).to_contain_text("아직 바꾼 것이 없습니다")
    panel.get_by_role("button", name="구역 고르기").tap()
    panel.locator(".zone-list input[type=checkbox]").first.check()
    panel.get_by_role("button", name="구역 1곳에 적용").tap()
    panel.get_by_role("button", name="공원 조성").tap()
    row = panel.get_by_test_id("measure-park-1")
    expect(row).to_contain_text("구역 1곳")
    with page.expect_download() as caught:
        panel.get_by_role("button", name="내보내기(JSON)").tap()
    document = json.loads(Path(caught.value.path()).read_text(encoding="utf-8"))
    assert document["measures"][0]["area"]["ids"]
    shows(panel, answer(visit, document)["change_tco2e"]["net"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    document["measures"].append({"id": "spring", "kind": "retrofit", "level": 0.5})
    panel.get_by_test_id("scenario-file").set_input_files(
        {"name": "x.json", "mimeType": "application/json", "buffer": b"not a scenario"}
    )
    expect(panel.get_by_text("시나리오 파일이 아닙니다")).to_be_visible()
    panel.get_by_test_id("scenario-file").set_input_files(
        {"name": "x.json", "mimeType": "application/json", "buffer": json.dumps(document).encode()}
    )
    shows(panel, answer(visit, document)["change_tco2e"]["net"])
    assert visit.complaints == []


@pytest.mark.slow
def test_a_panel_that_is_closed_at_once_stays_closed(visits: Any) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    page = visit.page
    panel.get_by_label("Name", exact=True).fill("Green")
    panel.locator("button.close").click()
    expect(panel).not_to_be_visible()
    # A name is written into the address a third of a second after it.
    page.wait_for_timeout(1000)
    expect(panel).not_to_be_visible()
    assert "scenario" not in parse_qs(urlsplit(page.url).query, keep_blank_values=True)
    assert visit.complaints == []


@pytest.mark.parametrize(
    "away", ["Escape", *(pytest.param(one, marks=pytest.mark.slow) for one in ("compare-tool", "measure-tool"))]
)
def test_who_leaves_a_drawing_chooses_places_again(visits: Any, away: str) -> None:
    visit = visits(**WIDE)
    panel = opened(visit)
    page = visit.page
    panel.get_by_role("button", name="Draw", exact=True).click()
    page.mouse.click(560, 300)
    expect(panel.get_by_role("status").filter(has_text="corner")).to_be_visible()
    if away == "Escape":
        page.keyboard.press("Escape")
        expect(panel).to_be_visible()
        away = "scenario-tool"
    page.locator(f"#{away}").click()
    expect(panel).not_to_be_visible()
    if away == "compare-tool":
        page.locator(f"#{away}").click()
    visit.drawn()
    visit.click_centre()
    expect(page.get_by_test_id("card")).to_be_visible()
    assert visit.complaints == []
