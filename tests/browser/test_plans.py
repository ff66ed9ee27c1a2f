"""Stories of planners who let the server find: the best mix for a target, and where to act first."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WIDE = {"viewport": {"width": 1280, "height": 800}}
EXECUTION = re.compile(r"/execution\?")
PATIENT = 120_000
"""A job has a process of its own, which takes a while to start on a busy machine."""


def question(visit: Any, kind: str, query: str = "") -> Any:
    """The scenario panel with one of the two questions open."""
    page = visit.open(query)
    page.locator("#scenario-tool").click()
    page.locator(f"[data-plan={kind}]").click()
    plan = page.get_by_test_id("plan")
    expect(plan).to_be_visible()
    return plan


def allow(plan: Any, kind: str, cost: float) -> None:
    """Say that a measure may be taken, and what a unit of it costs."""
    plan.locator(f"input[type=checkbox][data-kind={kind}]").check()
    field = plan.locator(f"[data-parameter=cost-{kind}]")
    field.fill(str(cost))
    field.press("Tab")
    expect(plan.locator("[data-parameter=currency]")).to_have_value("KRW")


def job_in(page: Page) -> str:
    """The job that the page's address names."""
    [plan] = parse_qs(urlsplit(page.url).query)["plan"]
    return plan.split("/")[1]


def found(visit: Any, page: Page) -> dict[str, Any]:
    """What the server answers, asked by itself."""
    region = visit.ask("regions")[0]["id"]
    told: dict[str, Any] = visit.ask(f"{region}/jobs/{job_in(page)}/results")
    return told


def value(place: Any) -> float:
    """The exact number that stands there."""
    return float(place.locator("data").first.get_attribute("value"))


def change_of(visit: Any, document: dict[str, Any]) -> float:
    """Change of net emissions by a scenario, from the API."""
    region = visit.ask("regions")[0]
    told = visit.context.request.post(
        f"{visit.base}/api/{region['id']}/scenarios/results?year={region['years'][-1]}", data=document
    )
    assert told.ok, told.text()
    change: float = told.json()["result"]["change_tco2e"]["net"]
    return change


def exported(panel: Any, page: Page) -> dict[str, Any]:
    """The scenario in sight, as a file."""
    with page.expect_download() as caught:
        panel.get_by_role("button", name="Export (JSON)").click()
    document: dict[str, Any] = json.loads(Path(caught.value.path()).read_text(encoding="utf-8"))
    return document


def test_the_best_mix_for_a_target_is_found_trusted_and_opened_as_a_scenario(visits: Any) -> None:
    visit = visits(**WIDE)
    plan = question(visit, "mix")
    page = visit.page
    find = plan.get_by_role("button", name="Find the best mix")
    expect(find).to_be_disabled()
    expect(plan).to_contain_text("say what a unit of each costs")
    allow(plan, "retrofit", 200_000)
    allow(plan, "heat_pump", 150_000)
    plan.locator("#mix-share").fill("0.05")
    find.click()
    answer = plan.get_by_test_id("mix")
    expect(answer).to_be_visible(timeout=PATIENT)

    told = found(visit, page)
    portfolio = told["portfolio"]
    assert value(answer.get_by_test_id("mix-saved")) == portfolio["saved_tco2e"]
    assert portfolio["saved_tco2e"] >= told["goal"]["target_tco2e"] * (1 - 1e-9)
    assert told["goal"]["target_tco2e"] == pytest.approx(0.05 * told["baseline_tco2e"])
    assert value(answer.get_by_test_id("mix-cost")) == portfolio["cost"]
    expect(answer.get_by_test_id("mix-gap")).to_contain_text("Proven")
    assert portfolio["stopped"] == "gap"
    expect(answer.get_by_test_id("mix-gap")).not_to_contain_text("time was over")
    expect(answer.get_by_test_id("mix-difference")).to_contain_text("simulated in full")
    taken = [one for one in told["measures"] if one["zones"]]
    rows = answer.get_by_test_id("mix-measures").locator("tbody tr")
    assert [value(row) for row in rows.all()] == [one["saved_tco2e"] for one in taken]
    savings = sorted((one["properties"]["saved_tco2e"] for one in told["places"]["features"]), reverse=True)
    listed = answer.get_by_test_id("mix-places").locator("li")
    acting = [saved for saved in savings if saved > 0]
    assert [value(one) for one in listed.all()] == acting[:12]
    if len(acting) > 12:
        answer.get_by_role("button", name=f"All {len(acting)} places").click()
        assert [value(one) for one in listed.all()] == acting
    listed.first.get_by_role("button").click()
    expect(listed.first).to_contain_text("%")
    listed.first.get_by_role("button").click()
    dots = answer.get_by_test_id("mix-frontier").locator("tbody tr")
    assert dots.count() == len(told["frontier"])
    curve = answer.get_by_test_id("mix-curve")
    expect(curve.locator("polyline")).to_be_visible()
    assert [curve.locator("thead th").count(), dots.first.locator("td").count()] == [2, 2]
    assert curve.locator("tbody tr").count() > 1
    expect(page.get_by_test_id("plan-status")).to_contain_text("Saved a year")
    expect(page.get_by_test_id("legend")).to_contain_text("Savings")
    plan.locator("#mix-drawn").select_option(taken[0]["id"])
    expect(page.get_by_test_id("legend")).to_contain_text("how far")

    # A colleague opens the link, and the answer is the same one.
    colleague = visits(**WIDE)
    other = colleague.open(f"?{urlsplit(page.url).query}")
    again = other.get_by_test_id("mix")
    expect(again).to_be_visible(timeout=PATIENT)
    assert value(again.get_by_test_id("mix-saved")) == portfolio["saved_tco2e"]

    answer.get_by_role("button", name="Open as scenario").click()
    panel = page.get_by_test_id("scenario")
    expect(panel.get_by_test_id("scenario-change").locator("data")).not_to_have_attribute("value", "0")
    document = exported(panel, page)
    change = change_of(visit, document)
    assert value(panel.get_by_test_id("scenario-change")) == change
    assert -change == pytest.approx(portfolio["saved_tco2e"], rel=1e-6)
    assert visit.complaints == []
    assert all(url.startswith(visit.base) for url in visit.requests if url.startswith("http"))


@pytest.mark.slow
def test_a_search_is_stopped_and_a_budget_leaves_an_area_alone(visits: Any) -> None:
    visit = visits(**WIDE)
    plan = question(visit, "mix")
    page = visit.page
    find = plan.get_by_role("button", name="Find the best mix")
    for kind, cost in (("retrofit", 200_000), ("heat_pump", 150_000), ("electric_vehicles", 3000)):
        allow(plan, kind, cost)
    hexagons = next(one["id"] for one in visit.ask("demo/collections")["collections"] if one["kind"] == "hexagons")
    plan.locator("select").first.select_option(hexagons)
    plan.get_by_text("Further choices").click()
    plan.get_by_label("Reach the target in 90% of samples, too").check()
    find.click()
    plan.get_by_role("button", name="Stop").click()
    expect(plan.get_by_test_id("job")).to_have_count(0, timeout=PATIENT)
    expect(plan.get_by_test_id("plan-problem")).to_have_count(0)
    expect(plan.get_by_test_id("mix")).to_have_count(0)
    status = visit.context.request.get(f"{visit.base}/api/demo/jobs/{job_in(page)}").json()["status"]
    assert status == "dismissed"

    for kind in ("heat_pump", "electric_vehicles"):
        plan.locator(f"input[type=checkbox][data-kind={kind}]").uncheck()
    plan.get_by_role("radio", name="A budget").check(force=True)
    expect(plan).to_contain_text("Say what may be spent a year")
    plan.locator("#mix-budget").fill("50000000")
    plan.locator("#mix-budget").press("Tab")
    plan.get_by_role("button", name="Pick zones").click()
    plan.locator(".zone-list input[type=checkbox]").first.check()
    plan.get_by_role("button", name="Use 1 zone").click()
    find.click()
    answer = plan.get_by_test_id("mix")
    expect(answer).to_be_visible(timeout=PATIENT)
    told = found(visit, page)
    assert value(answer.get_by_test_id("mix-cost")) == told["portfolio"]["cost"] <= 50_000_000
    answer.get_by_role("button", name="Report", exact=True).click()
    report = page.get_by_test_id("plan-report")
    expect(report.get_by_test_id("mix-cost").locator("data")).to_have_attribute(
        "value", re.sub(r"\.0$", "", repr(told["portfolio"]["cost"]))
    )
    saved = sorted((one["properties"]["saved_tco2e"] for one in told["places"]["features"]), reverse=True)
    acting = [one for one in saved if one > 0]
    assert [value(row) for row in report.get_by_test_id("report-place").all()] == acting[:60]
    still = [one for one in told["places"]["features"] if one["properties"]["unchanged"]]
    assert [one["properties"]["levels"] for one in still] == [{}]
    # What was stopped, and is gone, is no complaint of the page's.
    assert [said for said in visit.complaints if "410" not in said] == []


def test_dense_places_are_found_and_one_becomes_the_area_of_a_measure(visits: Any) -> None:
    visit = visits(**WIDE)
    plan = question(visit, "where")
    page = visit.page
    plan.get_by_role("button", name="Find places").click()
    answer = plan.get_by_test_id("hot")
    expect(answer).to_be_visible(timeout=PATIENT)
    told = found(visit, page)
    zones = told["zones"]["features"]
    assert zones, "the demo city has a centre, so that something stands out"
    answer.get_by_role("button", name="Report", exact=True).click()
    report = page.get_by_test_id("plan-report")
    listed = report.get_by_test_id("report-zone")
    expect(listed).to_have_count(len(zones))
    assert [value(row) for row in listed.all()] == [one["properties"]["emissions_tco2e"] for one in zones]
    expect(report).to_contain_text("Synthetic data")
    expect(report.locator(".small-map path").first).to_be_visible()
    page.go_back()
    expect(answer).to_be_visible()
    expect(answer).to_contain_text(f"{told['counts']['hot']} hot cells")
    rows = answer.locator(".hot-zone")
    assert [value(row) for row in rows.all()] == [one["properties"]["emissions_tco2e"] for one in zones]
    expect(page.get_by_test_id("legend")).to_contain_text("Dense beyond chance")
    rows.first.get_by_role("button").first.click()
    expect(rows.first).to_contain_text("Could save")
    assert told["savings_illustrative"]
    expect(rows.first.locator(".badge-illustrative")).to_be_visible()
    expect(answer.get_by_test_id("savings-illustrative")).to_be_visible()
    expect(page.get_by_test_id("plan-status")).to_contain_text("hot cell")
    # What the pointer is told of a cell is in the list, too.
    answer.get_by_text("cells that stand out").click()
    densest = max(told["cells"]["features"], key=lambda one: one["properties"]["gi_z"])
    cell = answer.get_by_test_id("hot-cells").locator("li").first
    assert value(cell) == densest["properties"]["gi_z"]
    cell.get_by_role("button").click()
    expect(cell).to_contain_text("Truly among the top tenth")
    expect(answer.get_by_test_id("hot-cell")).to_contain_text("Hot by other bands and years")
    rows.first.get_by_role("button").first.click()
    rows.first.get_by_role("button", name="Act here").click()
    panel = page.get_by_test_id("scenario")
    members = zones[0]["properties"]["members"]
    words = "1 zone" if len(members) == 1 else f"{len(members)} zones"
    expect(panel.get_by_role("group", name="New measures act here")).to_contain_text(words)
    panel.get_by_role("button", name="Building retrofit").click()
    document = exported(panel, page)
    assert document["measures"][0]["area"] == {"collection": told["of"], "ids": members}
    assert visit.complaints == []


@pytest.mark.slow
def test_an_answer_waits_for_who_left_before_the_question_had_a_number(visits: Any) -> None:
    visit = visits(**WIDE)
    plan = question(visit, "where")
    page = visit.page
    held: list[Any] = []
    page.route(EXECUTION, lambda route: held.append(route))
    plan.get_by_role("button", name="Find places").click()
    expect(plan.get_by_test_id("job")).to_be_visible()
    back = page.get_by_test_id("scenario").locator("#scenario-title")
    page.keyboard.press("Escape")
    expect(plan).not_to_be_visible()
    expect(back).to_be_focused()
    with page.expect_response(EXECUTION):
        held[0].continue_()
    assert "plan" not in parse_qs(urlsplit(page.url).query)

    # Its card opens the very question again, whose answer comes, and the address names it.
    page.locator("[data-plan=where]").click()
    answer = plan.get_by_test_id("hot")
    expect(answer).to_be_visible(timeout=PATIENT)
    job = job_in(page)
    plan.get_by_role("button", name="←").click()
    expect(back).to_be_focused()
    page.locator("[data-plan=where]").click()
    expect(answer).to_be_visible()
    assert job_in(page) == job

    # Another tool closes the question with the scenario: neither comes back uncalled.
    page.locator("#measure-tool").click()
    expect(plan).not_to_be_visible()
    page.locator("#scenario-tool").click()
    expect(page.locator("[data-plan=where]")).to_be_visible()
    assert visit.complaints == []


@pytest.mark.slow
def test_the_best_mix_on_a_phone_in_korean(visits: Any) -> None:
    visit = visits(**PHONE, locale="ko-KR")
    page = visit.open()
    page.locator("#scenario-tool").tap()
    page.locator("[data-plan=mix]").tap()
    plan = page.get_by_test_id("plan")
    expect(plan).to_contain_text("최적 조합")
    allow(plan, "electric_vehicles", 3000)
    plan.locator("#mix-share").fill("0.99")
    plan.get_by_role("button", name="최적 조합 찾기").tap()
    problem = plan.get_by_test_id("plan-problem")
    expect(problem).to_contain_text("답을 얻지 못했습니다", timeout=PATIENT)
    plan.locator("#mix-share").fill("0.01")
    plan.get_by_role("button", name="최적 조합 찾기").tap()
    answer = plan.get_by_test_id("mix")
    expect(answer).to_be_visible(timeout=PATIENT)
    assert value(answer.get_by_test_id("mix-saved")) == found(visit, page)["portfolio"]["saved_tco2e"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
