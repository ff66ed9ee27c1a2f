"""Addresses about regions, and what holds for every answer: problems, headers, HEAD, tags."""

import json
import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from api.models import Conformance, Health, Landing, Problem, Region
from grids.edition import Store

EDITION = "0123456789abcdef"
PAGES = (
    "/api/regions",
    "/api/town/",
    "/api/town/manifest",
    "/api/town/conformance",
    "/api/town/collections",
    "/api/town/collections/grid-1km",
    "/api/town/collections/grid-1km/items",
    "/api/town/collections/municipality/items/west",
    "/api/town/collections/grid-1km/distribution?column=net_tco2e",
    "/api/town/collections/grid-1km/tiles/WebMercatorQuad",
    "/api/town/collections/grid-1km/tiles/WebMercatorQuad/11/718/1078",
    "/api/town/context/tiles/WebMercatorQuad",
    "/api/town/context/tiles/WebMercatorQuad/11/718/1078",
)


def problem_of(response: httpx.Response, status: int) -> Problem:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    told = Problem.model_validate_json(response.content)
    assert told.status == status
    assert told.instance == response.url.path
    return told


def test_health(client: httpx.Client) -> None:
    told = Health.model_validate_json(client.get("/api/health").content)
    assert (told.status, told.regions, told.broken) == ("ok", 1, [])


def test_regions_say_what_stands_beside_their_numbers(client: httpx.Client) -> None:
    (town,) = TypeAdapter(list[Region]).validate_json(client.get("/api/regions").content)
    assert (town.id, town.edition, town.synthetic, town.years) == ("town", EDITION, True, [2022, 2023])
    assert town.illustrative == {"buildings": True, "transport": False, "forest": False}
    assert town.name["ko"] == "작은 마을"
    assert town.attributions[0].licence == "CC0"
    west, south, east, north = town.bbox
    assert 9.5 < west < east < 9.7
    assert 47.1 < south < north < 47.2


@pytest.mark.parametrize("address", ["/api/town", "/api/town/"])
def test_landing_links_lead_somewhere(client: httpx.Client, address: str) -> None:
    landing = Landing.model_validate_json(client.get(address).content)
    assert {link.rel for link in landing.links} >= {"self", "data", "service-desc", "conformance"}
    for link in landing.links:
        assert link.href.startswith(str(client.base_url))
        assert client.get(link.href).status_code == 200
    told = Conformance.model_validate_json(client.get("/api/town/conformance").content)
    assert all(name.startswith("http://www.opengis.net/spec/") for name in told.conformsTo)


@pytest.mark.parametrize(
    ("accept", "language", "title"),
    [
        ("ko", "ko", "작은 마을"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko", "작은 마을"),
        ("fr, en;q=0.5, ko;q=0.4", "en", "Little Town"),
        ("uz", "en, uz", "Little Town"),  # our own words come in Uzbek
        ("ko;q=0", "en", "Little Town"),
        ("en; q=0.5, ko ; Q=0.9", "ko", "작은 마을"),
        (";;;q=x,,", "en", "Little Town"),
    ],
)
def test_titles_follow_the_language_asked_for(client: httpx.Client, accept: str, language: str, title: str) -> None:
    response = client.get("/api/town/", headers={"Accept-Language": accept})
    assert response.json()["title"] == title
    assert response.headers["content-language"] == language
    assert "Accept-Language" in response.headers["vary"]


def test_where_titles_and_our_words_differ_in_language_both_are_named(
    own_store: Store, serving: Callable[..., httpx.Client]
) -> None:
    manifest = own_store.path / "town" / EDITION / "manifest.json"
    document = json.loads(manifest.read_text("utf-8"))
    document["region"] |= {"name": {"de": "Städtchen"}, "languages": ["de"]}
    manifest.write_text(json.dumps(document), "utf-8")
    client = serving(own_store.path)
    page = client.get("/api/town/", params={"f": "html"}, headers={"Accept-Language": "de"})
    assert "Städtchen" in page.text
    assert page.headers["content-language"] == "de, en"
    assert client.get("/api/town/", headers={"Accept-Language": "ko"}).headers["content-language"] == "de, ko"


def test_the_manifest_keeps_private_details_inside(client: httpx.Client) -> None:
    told = client.get("/api/town/manifest").json()
    assert told["inputs"] == [{"file": "town.gpkg", "bytes": 10, "sha256": "0" * 64, "reason": None}]
    assert [layer["report"] for layer in told["layers"]] == [
        {"read": 3},
        {"read": 9, "refused": [["w4", "no geometry"]]},
    ]
    assert "largest_shift" not in told["disclosure"]["grid-1km"]
    assert "b17" not in client.get("/api/town/manifest").text


@pytest.mark.parametrize("address", PAGES)
def test_every_page_has_a_tag_and_careful_headers(client: httpx.Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "public, no-cache"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    page = client.get(address, headers={"Accept": "text/html,*/*;q=0.1"})
    if page.headers["content-type"].startswith("text/html"):
        assert "default-src 'self'" in page.headers["content-security-policy"]
    again = client.get(address, headers={"If-None-Match": f'"other", {response.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == response.headers["etag"]
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("address", [page for page in PAGES if page != "/api/regions"])
def test_naming_the_edition_keeps_tiles_for_good_and_answers_for_an_hour(client: httpx.Client, address: str) -> None:
    pinned = f"{address}{'&' if '?' in address else '?'}edition={EDITION}"
    response = client.get(pinned)
    assert response.status_code == 200
    is_tile = address.endswith("/11/718/1078")
    kept = "public, max-age=31536000, immutable" if is_tile else "public, max-age=3600"
    assert response.headers["cache-control"] == kept
    assert client.get(pinned, headers={"If-None-Match": response.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("address", PAGES)
def test_head_is_get_without_a_body(client: httpx.Client, address: str) -> None:
    got, head = client.get(address), client.head(address)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "etag", "content-length"):
        assert head.headers.get(name) == got.headers.get(name)


def test_any_origin_may_ask_by_the_methods_that_there_are(client: httpx.Client) -> None:
    response = client.get("/api/regions", headers={"Origin": "https://example.org"})
    assert response.headers["access-control-allow-origin"] == "*"
    # What writes needs a key, which no page of another origin has by itself: it is no cookie.
    for method, status in (("GET", 200), ("POST", 200), ("DELETE", 200), ("PATCH", 400), ("TRACE", 400)):
        asked = {"Origin": "https://example.org", "Access-Control-Request-Method": method}
        answer = client.options("/api/regions", headers=asked)
        assert answer.status_code == status, method
        assert "access-control-allow-credentials" not in answer.headers
        if status == 400:
            said = problem_of(answer, 400).detail
            assert said.startswith(f"access-control-request-method: got {method!r}, expected one of GET, HEAD")


def test_what_a_page_elsewhere_may_not_ask_is_told_as_a_problem(
    own_store: Store, serving: Callable[..., httpx.Client]
) -> None:
    client = serving(own_store.path, cors_origins=("https://map.example",))
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    allowed = client.options("/api/regions", headers={**asked, "Origin": "https://map.example"})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://map.example")
    elsewhere = client.options("/api/regions", headers={**asked, "Origin": "https://elsewhere.example"})
    assert "origin: pages of 'https://elsewhere.example'" in problem_of(elsewhere, 400).detail
    assert "access-control-allow-origin" not in elsewhere.headers
    assert "Origin" in elsewhere.headers["vary"].split(", "), "a cache must not tell others the same"
    assert elsewhere.headers["x-content-type-options"] == "nosniff"
    assert elsewhere.headers["x-request-id"]
    inside = {**asked, "Origin": "https://map.example", "Access-Control-Request-Private-Network": "true"}
    said = problem_of(client.options("/api/regions", headers=inside), 400).detail
    assert said.startswith("access-control-request-private-network: ")
    both = {"Origin": "x" * 500, "Access-Control-Request-Method": "BREW"}
    said = problem_of(client.options("/api/nothing", headers=both), 400).detail
    assert "origin: " in said
    assert "'BREW'" in said
    assert "x" * 81 not in said


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "address", ["/api/regions", "/api/town/collections/grid-1km/items", "/api/nothing/here/at/all", "/"]
)
def test_other_methods_are_refused(client: httpx.Client, method: str, address: str) -> None:
    response = client.request(method, address)
    problem_of(response, 405)
    assert "GET" in response.headers["allow"]


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        ("/api/nowhere/", "no region 'nowhere'; it has town"),
        ("/api/nowhere/collections", "no region 'nowhere'"),
        ("/api/Town/", "region id 'Town' cannot be used"),
        ("/api/town/collections/nix", "no collection 'nix'; it has grid-1km"),
        ("/api/town/collections/nix/items", "no collection 'nix'"),
        ("/api/town/nothing", "There is nothing at /api/town/nothing"),
        ("/api/", "There is nothing at /api/"),
        ("/api/a/b/c/d/e/f", "There is nothing at"),
        ("/api/town/?edition=00000000000000ff", "no edition 00000000000000ff"),
    ],
)
def test_what_is_not_there(client: httpx.Client, address: str, detail: str) -> None:
    assert detail in problem_of(client.get(address), 404).detail


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        ("/api/town/?edition=abc", "16 digits"),
        ("/api/town/?edition=../../etc/passwd", "16 digits"),
        ("/api/town/?editoin=abc", "'editoin' is no parameter of this address: expected edition"),
        ("/api/health?verbose=1", "'verbose' is no parameter of this address: expected none"),
        (f"/api/town/?edition={EDITION}&edition={EDITION}", "edition: given 2 times"),
    ],
)
def test_parameters_that_cannot_be_used(client: httpx.Client, address: str, detail: str) -> None:
    assert detail in problem_of(client.get(address), 400).detail


@pytest.mark.parametrize(
    "path", ["..%2f..%2fsecret.txt", "%2e%2e/secret.txt", "town%2f..%2f..", "town/%2e%2e/%2e%2e/etc/passwd", "%00"]
)
def test_ids_never_reach_other_files(client: httpx.Client, path: str) -> None:
    for address in (
        f"/api/{path}",
        f"/api/town/collections/{path}",
        f"/api/town/collections/municipality/items/{path}",
    ):
        problem_of(client.get(address), 404)


def test_the_interface_is_described(client: httpx.Client) -> None:
    document = client.get("/api/openapi.json").json()
    items = document["paths"]["/api/{region}/collections/{collection}/items"]["get"]
    assert {given["name"] for given in items["parameters"]} >= {
        "region",
        "collection",
        "year",
        "bbox",
        "limit",
        "offset",
        "edition",
    }
    assert "400" in items["responses"]


def test_another_edition_is_seen_by_the_next_request(
    own_store: Store, publish: Callable[..., None], serving: Callable[[Path], httpx.Client]
) -> None:
    client = serving(own_store.path)
    address = "/api/town/collections/municipality/items/동구"
    before = client.get(address)
    publish(own_store.path, "town", "f" * 16, seed=9)
    after = client.get(address, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json()["edition"] == "f" * 16
    assert after.json()["properties"]["buildings_tco2e"] != before.json()["properties"]["buildings_tco2e"]
    # Whoever named the old one still gets the old one.
    assert client.get(f"{address}?edition={EDITION}").json()["properties"] == before.json()["properties"]
    assert client.get("/api/regions").json()[0]["edition"] == "f" * 16


def test_an_edition_that_was_deleted_is_not_there(
    own_store: Store, publish: Callable[..., None], serving: Callable[[Path], httpx.Client]
) -> None:
    client = serving(own_store.path)
    address = "/api/town/collections/municipality/items/west"
    assert client.get(f"{address}?edition={EDITION}").status_code == 200
    publish(own_store.path, "town", "f" * 16, seed=9)
    shutil.rmtree(own_store.path / "town" / EDITION)
    assert EDITION in problem_of(client.get(f"{address}?edition={EDITION}"), 404).detail
    assert client.get(address).json()["edition"] == "f" * 16
    assert client.get("/api/health").json()["status"] == "ok"


def test_a_damaged_region_does_not_take_others_along(
    own_store: Store,
    publish: Callable[..., None],
    serving: Callable[[Path], httpx.Client],
    caplog: pytest.LogCaptureFixture,
) -> None:
    publish(own_store.path, "village", "f" * 16)
    (own_store.path / "village" / ("f" * 16) / "manifest.json").write_text("{")
    client = serving(own_store.path)
    told = problem_of(client.get("/api/village/"), 503)
    assert str(own_store.path) not in told.detail
    assert "village" in caplog.text
    assert "Traceback" not in caplog.text  # said once per request: one line each
    assert [region["id"] for region in client.get("/api/regions").json()] == ["town"]
    health = Health.model_validate_json(client.get("/api/health").content)
    assert (health.status, health.regions, health.broken) == ("degraded", 1, ["village"])
    publish(own_store.path, "village", "f" * 16)
    assert client.get("/api/village/").status_code == 200


def test_an_id_may_come_in_pieces(client: httpx.Client) -> None:
    name = "다사7218"
    apart = unicodedata.normalize("NFD", name)
    assert apart != name
    told = problem_of(client.get(f"/api/town/collections/grid-1km/items/{apart}"), 404)
    assert f"no item {name!r}" in told.detail  # looked for as ids are written


def test_ids_in_pieces_have_the_same_answers(client: httpx.Client) -> None:
    whole = "동구"
    apart = unicodedata.normalize("NFD", whole)
    zones = "/api/town/collections/municipality"
    for address, name in (
        (f"{zones}/timeseries", "ids"),
        ("/api/town/statistics?collection=municipality", "ids"),
        (f"{zones}/ranking?column=net_tco2e", "item"),
    ):
        expected = client.get(httpx.URL(address).copy_merge_params({name: whole}))
        assert expected.status_code == 200, expected.text
        assert client.get(httpx.URL(address).copy_merge_params({name: apart})).json() == expected.json()
    asked = [{"collection": "municipality", "ids": [one]} for one in (whole, apart)]
    first, second = (client.post("/api/town/statistics", json=one) for one in asked)
    assert first.status_code == 200
    assert second.json() == first.json()
    twice = client.get("/api/town/statistics", params={"collection": "municipality", "ids": f"{whole},{apart}"})
    assert "given twice" in problem_of(twice, 400).detail


@pytest.mark.parametrize("kind", ["pipe", "folder", "circle"])
def test_a_current_that_is_no_file_is_damage(
    own_store: Store, publish: Callable[..., None], serving: Callable[[Path], httpx.Client], kind: str
) -> None:
    publish(own_store.path, "village", "f" * 16)
    current = own_store.path / "village" / "current"
    current.unlink()
    {"pipe": os.mkfifo, "folder": Path.mkdir, "circle": lambda path: path.symlink_to(path)}[kind](current)
    client = serving(own_store.path)
    problem_of(client.get("/api/village/"), 503)
    assert client.get("/api/health").json() == {"status": "degraded", "regions": 1, "broken": ["village"]}


def test_an_empty_store(tmp_path: Path, serving: Callable[[Path], httpx.Client]) -> None:
    client = serving(tmp_path)
    assert client.get("/api/health").json() == {"status": "ok", "regions": 0}
    assert client.get("/api/regions").json() == []
    problem_of(client.get("/api/town/"), 404)


def test_a_store_that_is_lost_is_told_as_that(own_store: Store, serving: Callable[[Path], httpx.Client]) -> None:
    client, elsewhere = serving(own_store.path), own_store.path.with_name("elsewhere")
    assert client.get("/api/town/").status_code == 200
    own_store.path.rename(elsewhere)
    for address in ("/api/town/", "/api/regions", f"/api/town/collections?edition={EDITION}", "/api/nowhere/"):
        told = problem_of(client.get(address), 503)
        assert "mount it" in told.detail
        assert str(own_store.path) not in told.detail
    assert client.get("/api/health").json() == {"status": "degraded", "regions": 0}
    assert client.get("/api/ready").status_code == 503
    elsewhere.rename(own_store.path)
    assert client.get("/api/town/").status_code == 200
    problem_of(client.get("/api/nowhere/"), 404)


def test_what_nobody_expected_is_logged_and_not_told(
    own_store: Store,
    serving: Callable[[Path], httpx.Client],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("the secret cause")

    monkeypatch.setattr("api.collections._described", fail)
    response = serving(own_store.path).get("/api/town/collections", headers={"Origin": "http://elsewhere"})
    assert "secret" not in problem_of(response, 500).detail
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["access-control-allow-origin"] == "*"
    assert "the secret cause" in caplog.text
