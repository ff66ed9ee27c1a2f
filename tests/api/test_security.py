"""Every attack class that hit peers, and where each is tried here; those that no other test tries are in this file.

| attack | tried in |
|---|---|
| CQL2 injection: quotes, comments, functions | `test_filters`, `test_hostile_requests`, here |
| a clause lost by the parser | here |
| CQL2 nesting: brackets, NOT, signs, collections | `test_filters`, `test_hostile_requests`, `fuzz` |
| names of properties as code | `test_hostile_requests`, here |
| XML entities | `gis/test_osm_reader`, `gis/test_remote_inputs` |
| path traversal: ids, downloads, the map | `test_serving`, `test_regions`, `test_hostile_requests`, here |
| requests of the server's: /vsicurl, a CRS, pipelines | `gis/test_remote_inputs`, `gis/test_sources` |
| VRT or a service in disguise of .tif | `gis/test_raster_reader`, `gis/test_remote_inputs` |
| zip members that climb, zip bombs | `gis/test_vector_reader` |
| reflected markup: parameters, paths, the host | here, `test_hostile_wire` |
| stored markup: names, attributions, titles | `test_item_forms` |
| formulas in CSV | `test_item_forms` |
| repeated ids and parameters | `test_hostile_requests`, here |
| small bodies that end a worker: deep, huge numbers | `test_hostile_requests`, `fuzz` |
| bodies in gzip | `test_hostile_requests` |
| ten thousand ranges, endless Accept | `test_hostile_wire`, `test_downloads` |
| slow clients, idle clients, clients that read nothing | `test_running`, `test_hostile_wire` |
| smuggled requests, several lengths or hosts | `test_hostile_wire` |
| fields behind a body, connections kept for nothing | `test_hostile_wire` |
| floods of jobs and of their results | `test_processes`, `test_result_tiles` |
| a worker that is killed | `test_workers` |
| regular expressions that backtrack | here |
| truncation without saying so | here, `test_item_forms` |
| forged lines in the log | `test_running` |
| a lost answer on publishing | `grids/test_edition`, `grids/test_edition_kills`, here |
| differences between what is public | `grids/test_disclosure`, `test_statistics` |
"""

import ast
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from grids.edition import Store

ITEMS = "/api/town/collections/municipality/items"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>"


def ids_of(client: httpx.Client, condition: str, **more: str) -> set[str]:
    answer = client.get(ITEMS, params={"filter": condition, **more})
    assert answer.status_code == 200, answer.text
    return {feature["id"] for feature in answer.json()["features"]}


def test_the_table_above_names_tests_that_are_there(project: Path) -> None:
    named = set(re.findall(r"`(?:(gis|grids)/)?(test_\w+)`", str(__doc__)))
    assert len(named) > 12
    for room, name in named:
        file = project / "tests" / (room or "api") / f"{name}.py"
        tests = [node for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
        assert any(test.name.startswith("test_") for test in tests), name


@pytest.mark.parametrize(
    "text",
    ["x\\' OR held = held OR id = \\'", "x'' OR true OR ''", "x''; DROP TABLE t --", "x%'' OR ''%''=''", '" OR 1=1 --'],
)
def test_a_text_in_a_filter_stays_a_text(client: httpx.Client, text: str) -> None:
    """CQL2 injection: what stands between quotes is compared and never read as a condition."""
    quoted = f"id = '{text}'"
    answer = client.get(ITEMS, params={"filter": quoted})
    if "\\'" in text:  # the parser does not read this escape of CQL2, so that a quote is left without its other one
        assert answer.status_code == 400
        assert "a quote in a text is written twice" in answer.json()["detail"]
    else:
        assert (answer.status_code, answer.json()["numberMatched"]) == (200, 0)


@pytest.mark.parametrize(
    "text",
    [
        r"id = 'it\'s'",
        r"id = '\'' OR id = 'west'",
        r"id = 'a\' OR id <> ' OR name_en = 'b'",
        r"id = 'a\' OR id <> ' OR name_en = 'b\' OR id <> '",
        r"id IN ('a\',' , 'b') OR id = '\') OR (id <> \''",
    ],
)
def test_a_quote_escaped_by_a_backslash_is_refused_and_never_read_as_the_end(client: httpx.Client, text: str) -> None:
    """CQL2 1.0 allows it, the parser does not read it; the same with the quote written twice is answered."""
    answer = client.get(ITEMS, params={"filter": text})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "a quote in a text is written twice, 'it''s'" in answer.json()["detail"]
    assert client.get(ITEMS, params={"filter": text.replace("\\'", "''")}).status_code == 200


def test_no_clause_is_lost(client: httpx.Client) -> None:
    """A parser that dropped what follows BETWEEN answered with rows that nobody asked for."""
    everything = ids_of(client, "area_ha BETWEEN 0 AND 1e9")
    assert len(everything) == 3
    assert ids_of(client, "area_ha BETWEEN 0 AND 1e9 AND id = 'west'") == {"west"}
    assert ids_of(client, "id = 'west' AND area_ha BETWEEN 0 AND 1e9") == {"west"}
    assert ids_of(client, "area_ha BETWEEN 0 AND 1e9 AND NOT id = 'west'") == everything - {"west"}
    assert ids_of(client, "area_ha BETWEEN 0 AND 1e9 AND area_ha BETWEEN 1e8 AND 1e9") == set()
    assert ids_of(client, "id IN ('west') OR id LIKE 'north%' AND area_ha > 0") == {"west", "north/enclave"}


@pytest.mark.parametrize("parameter", ["sortby", "properties", "filter"])
@pytest.mark.parametrize("name", ["geometry", "bbox", "emissions_tco2e", "id;--", "id,(SELECT 1)", "../id", "id\x00"])
def test_names_of_columns_come_from_a_list(client: httpx.Client, parameter: str, name: str) -> None:
    """Property-name injection: what is no public column is refused by name, whatever it is made of."""
    value = f'"{name}" > 1' if parameter == "filter" else name
    answer = client.get(ITEMS, params={parameter: value})
    assert answer.status_code == 400
    assert answer.json()["detail"]


PAGES = (
    f"/api/town/collections/{MARKUP}",
    f"{ITEMS}/{MARKUP}",
    f"{ITEMS}?f=html&filter={MARKUP}",
    f"{ITEMS}?f=html&sortby={MARKUP}",
    f"{ITEMS}?f=html&id={MARKUP}",
    f"{ITEMS}?f=html&bbox={MARKUP}",
    f"{ITEMS}?f=html&{MARKUP}=1",
    f"/api/{MARKUP}/?f=html",
    f"/api/town/collections?f={MARKUP}",
    f"/api/town/search?q={MARKUP}",
    f"/{MARKUP}",
)


@pytest.mark.parametrize("page", PAGES)
def test_what_is_reflected_is_no_markup(client: httpx.Client, page: str) -> None:
    """Reflected XSS: an answer in HTML holds it escaped or not at all; others are of a type that no browser runs."""
    path, _, query = page.partition("?")
    params = dict(pair.split("=", 1) for pair in query.split("&")) if query and "=1" not in query[-2:] else None
    if query.endswith("=1"):
        params = {"f": "html", MARKUP: "1"}
    answer = client.get(path, params=params, headers={"Accept": "text/html,*/*"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy or policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.split("style-src")[0]
    if answer.headers["content-type"].startswith("text/html"):
        assert "<script>alert" not in answer.text
        assert "<svg/onload" not in answer.text
        assert "<img src=x" not in answer.text
    else:
        assert answer.headers["content-type"].split(";")[0] in ("application/problem+json", "application/geo+json")


@pytest.mark.parametrize(
    "name", ["0123456789abcdef/manifest.json", "private/lines-meters.parquet", "current", "tables"]
)
@pytest.mark.parametrize("climb", ["", "../", "..%2f", "%2e%2e/", "..%5c", "....//", "%252e%252e%252f", "..;/"])
def test_nothing_of_the_store_is_served_by_its_path(client: httpx.Client, name: str, climb: str) -> None:
    """Path traversal: neither the store's own files nor what lies beside them answers to any way of writing it."""
    for base in ("/api/town/downloads/", "/api/town/", "/", "/assets/", "/api/town/stac/items/", f"{ITEMS}/"):
        answer = client.get(f"{base}{climb}{climb}{name}")
        assert answer.status_code in (404, 405), (base, answer.text[:100])
        assert b"sha256" not in answer.content
        assert not answer.content.startswith(b"PAR1")


def test_repeated_ids_do_not_multiply_work(client: httpx.Client) -> None:
    """Repeated ids: each list of names takes one once, everywhere."""
    for address in (
        "/api/town/statistics?collection=municipality&ids=west,west",
        "/api/town/collections/municipality/timeseries?ids=west,west",
    ):
        assert client.get(address).status_code == 400
    once = client.get(ITEMS, params={"properties": "net_tco2e"}).json()["features"]
    many = client.get(ITEMS, params={"properties": ",".join(["net_tco2e"] * 1_000)}).json()["features"]
    assert many == once


HARD = {
    "cell code": "CRS" + "1" * 190,
    "coordinates": "1 " * 60 + "N" * 70,
    "degrees": "9°" * 90,
    "digits": "1." * 90 + "x",
    "letters": "ㄱ" * 199,
    "spaces": "1" + " " * 150 + ",",
}


@pytest.mark.parametrize("name", HARD)
def test_texts_made_for_slow_expressions_are_answered(client: httpx.Client, name: str) -> None:
    """Regular expressions: one that backtracks would take longer than the client waits, or than the world lasts."""
    assert client.get("/api/town/search", params={"q": HARD[name]}, timeout=20).status_code in (200, 400)


def test_regular_expressions_of_parsers_do_not_backtrack(project: Path) -> None:
    """The same for all our parsers of untrusted text: hostile strings, each in a process that may be ended."""
    code = """
import re
from api import coordinates, filters, times
from grids import codes
from gis import osm_xml
hostile = ["1" * 20000, " " * 20000, "'" * 20000, "a" * 20000 + "!", "9." * 9000]
hostile += ["((" * 9000, "<nd " * 9000, "-" * 20000]
for module in (coordinates, filters, times, codes, osm_xml):
    for value in list(vars(module).values()):
        if isinstance(value, re.Pattern):
            for text in hostile:
                for method in (value.match, value.fullmatch):
                    method(text if isinstance(value.pattern, str) else text.encode())
print("all")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "all", done.stderr[-500:]


@pytest.mark.parametrize("form", ["geojson", "csv", "html", "flatgeobuf", "geoparquet", "arrow"])
def test_a_part_of_the_data_says_that_it_is_a_part(client: httpx.Client, form: str) -> None:
    """Truncation: a page that is not all tells how many there are and where they go on, in every form."""
    answer = client.get("/api/town/collections/grid-100m/items", params={"limit": "7", "f": form})
    assert int(answer.headers["ogc-numbermatched"]) > int(answer.headers["ogc-numberreturned"]) == 7
    if form in ("geojson", "html"):
        assert "next" in answer.text
    else:
        assert 'rel="next"' in answer.headers["link"]


def test_lists_that_are_cut_say_so(client: httpx.Client) -> None:
    """Truncation: a search that found more than it shows, and a ranking of some of many."""
    assert client.get("/api/town/search", params={"q": "e", "limit": "1"}).json()["more"] is True
    ranking = client.get("/api/town/collections/grid-100m/ranking", params={"column": "net_tco2e", "limit": "3"}).json()
    assert len(ranking["ranked"]) == 3 < ranking["peers"]


def test_a_publication_whose_answer_was_lost_can_be_repeated(
    own_store: Store, publish: Callable[..., None], serving: Callable[..., httpx.Client]
) -> None:
    """A lost answer on publishing: who repeats it meets no conflict, and readers see one edition all the time."""
    client = serving(own_store.path)
    seen: set[str] = set()
    began, stop = threading.Event(), threading.Event()

    def watch() -> None:
        with httpx.Client(base_url=client.base_url, timeout=30) as mine:
            while not stop.is_set():
                seen.add(mine.get("/api/town/collections/municipality/items?limit=1").json()["edition"])
                began.set()

    watching = threading.Thread(target=watch)
    watching.start()
    assert began.wait(30)
    for _ in range(3):
        publish(own_store.path, "town", "0123456789abcdef")
    stop.set()
    watching.join(30)
    assert seen == {"0123456789abcdef"}
    told: dict[str, Any] = client.get("/api/town/editions").json()
    assert [one["id"] for one in told["editions"]] == ["0123456789abcdef"]


def test_nothing_private_is_in_any_answer_of_the_document(client: httpx.Client) -> None:
    """What is private is named in no answer: not the closed source's features, nor folders of the machine."""
    document = client.get("/api/town/api").json()
    for path in (path for path in document["paths"] if "{" not in path):
        answer = client.get(f"/api/town{path}", params={"f": "json"} if path in ("/", "/collections") else None)
        for word in (b'"b17"', b"lines-meters", b"private/", tempfile.gettempdir().encode(), b"Traceback"):
            assert word not in answer.content, (path, word)
