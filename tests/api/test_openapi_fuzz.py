"""Requests drawn from the whole OpenAPI document: no operation fails, each answers as it is described.

`test_fuzzed_items` asks more of the addresses of items and questions; here nothing that the document names is left out.
"""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.scenario_runs import Asked
from api.settings import Settings
from api.warming import answer_first
from grids.edition import Store
from scenarios.scenario import read_scenario

SCENARIO = {"year": 2040, "measures": [{"id": "r", "kind": "retrofit", "level": 0.5}]}
DIGEST = Asked(read_scenario(SCENARIO), "grid-500m", 2023, 0).digest

# Names of things that are there, first of all one that fits everywhere, beside some that are not; of all else the
# document's own schema decides.
VALUES: dict[str, list[Any]] = {
    "region": ["town", "nowhere"],
    "collection": ["municipality", "grid-1km", "nothing"],
    "item": ["west", "동구", "nothing"],
    "scenario": ["nothing", "a" * 22, "\x00"],
    "follows": [1, 2, 0],
    "digest": [DIGEST, "nothing", "0" * 64],
    "process": ["scenario", "nothing", "where-to-act"],
    "job": ["nothing", "a" * 22, "\x00"],
    "of": ["municipality", "grid-1km", "nothing"],
    "theme": ["net", "forest", "nothing"],
    "tileMatrixSet": ["WebMercatorQuad", "nothing"],
    "tileMatrix": [8, 0, 12, 23, -1],
    "tileRow": [90, 0, 1440, 99999],
    "tileCol": [134, 0, 2156, 99999],
    "file": ["grid-1km_2023.csv", "SHA256SUMS", "LICENSE.txt", "nothing", "..%2fmanifest.json"],
    "edition": ["0123456789abcdef", "f" * 16, "x"],
    "before": ["0123456789abcdef", "x"],
    "after": ["0123456789abcdef", "f" * 16],
    "year": [2023, 2022, 1999, 0],
    "column": ["net_tco2e", "id", "nix"],
    "properties": ["net_tco2e,held", "id", "nix"],
    "ids": ["west", "동구,west", ","],
    "q": ["west", "47.14, 9.52", "-1", "9" * 30, "\x00", "\u0301"],
    "f": ["json", "html", "csv", "xml"],
    "crs": ["http://www.opengis.net/def/crs/EPSG/0/4326", "[EPSG:32632]", "x"],
    "bbox-crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84", "[EPSG:32632]", "x"],
    "filter": ["net_tco2e > 3", '{"op":"not","args":[true]}', "((("],
    "datetime": ["2022-01-01/..", "2023-05-05", "now"],
    "sortby": ["-net_tco2e,id", "+nix"],
}
# What a name means at one address only.
_SUMS = "/api/{region}/scenarios/results/{digest}/statistics"
VALUES_AT: dict[tuple[str, str], list[Any]] = {
    (_SUMS, "digest"): [DIGEST, "x"],
    (_SUMS, "of"): ["municipality"],
    (_SUMS, "ids"): ["west"],
    ("/api/{region}/stac/items/{item}", "item"): ["municipality_2023", "west"],
    ("/api/{region}/collections/{collection}/items", "f"): ["geojson", "html", "csv", "flatgeobuf", "arrow", "xml"],
    ("/api/{region}/collections/{collection}/tiles/WebMercatorQuad", "f"): ["json", "tilejson", "html"],
}
SCENARIOS, JOBS = "/api/{region}/scenarios", "/api/{region}/jobs"
NOT_OK = {
    "GET /api/keys/self": 401,
    **{f"{method} {SCENARIOS}": 401 for method in ("GET", "POST")},
    **{f"{method} {SCENARIOS}/{{scenario}}": 401 for method in ("PUT", "DELETE")},
    **{f"GET {SCENARIOS}/{{scenario}}{what}": 404 for what in ("", "/result", "/result/items", "/result/statistics")},
    **dict.fromkeys((f"GET {JOBS}/{{job}}", f"DELETE {JOBS}/{{job}}", f"GET {JOBS}/{{job}}/results"), 404),
}
"""Operations that have no answer for whoever has no key, or nobody's scenario or job."""
BODIES: list[Any] = [
    {"type": "Polygon", "coordinates": [[[9.5, 47.1], [9.6, 47.1], [9.6, 47.2], [9.5, 47.1]]]},
    {"collection": "municipality", "ids": ["west"]},
    {"type": "Polygon", "coordinates": [[[9.5, 47.1], [9.6, 47.2]]]},
    {"type": "Point", "coordinates": [1, 2]},
    {"ids": []},
    [],
    None,
]
SCENARIO_BODIES: list[Any] = [SCENARIO, {"year": 2040}, {"year": "x"}, {"year": 2040, "measures": [{"kind": "x"}]}, []]
AREA_BODIES: list[Any] = [{"scenario": SCENARIO, "area": area} for area in BODIES] + [{"scenario": SCENARIO}, []]
EXECUTION_BODIES: list[Any] = [
    {"inputs": {"scenario": SCENARIO}},
    {"inputs": {"scenario": SCENARIO}, "response": "else"},
    {"inputs": {"scenario": []}},
    {"inputs": []},
    {},
    [],
]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DOCUMENT = create_app(Settings(store=Path("nowhere"))).openapi()
OPERATIONS = [(path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods]


def bodies_of(path: str) -> list[Any]:
    """Bodies that an address takes, the first is fine."""
    if path.endswith("/execution"):
        return EXECUTION_BODIES
    if not path.startswith(SCENARIOS):
        return BODIES
    return AREA_BODIES if path.endswith("/statistics") else SCENARIO_BODIES


def values(path: str, name: str) -> list[Any] | None:
    return VALUES_AT.get((path, name), VALUES.get(name))


def described() -> Any:
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            for one in operation.get("parameters", ()):
                known = values(path, one["name"])
                if known is not None:
                    one["schema"] = {"enum": known}
    return schemathesis.openapi.from_dict(DOCUMENT)


SCHEMA = described()


def fitting(path: str, method: str) -> Any:
    """A request with what must be given, each such that it fits the others."""
    given: dict[str, dict[str, Any]] = {"path": {}, "query": {}}
    for one in DOCUMENT["paths"][path][method.lower()].get("parameters", ()):
        if one["required"]:
            given[one["in"]][one["name"]] = one["schema"]["enum"][0]
    body = {"body": bodies_of(path)[0], "media_type": "application/json"} if method in ("POST", "PUT") else {}
    return SCHEMA[path][method].Case(path_parameters=given["path"], query=given["query"], **body)


@pytest.fixture(scope="module")
def warm(client: httpx.Client, small_store: Path) -> None:
    """The server's process is ready, as one that starts gets it, and files are made: then no answer may be 503."""
    answer_first(Store(small_store))
    summed = client.post("/api/town/statistics", json=BODIES[0])
    assert summed.status_code == 200, summed.text[:200]
    told = client.post("/api/town/scenarios/results", json=SCENARIO)
    assert told.json()["digest"] == DIGEST
    job = client.post(
        "/api/town/processes/scenario/execution", json=EXECUTION_BODIES[0], headers={"Prefer": "respond-async"}
    ).headers["location"]
    while client.get(job).json()["status"] in ("accepted", "running"):
        time.sleep(0.2)
    for _ in range(30):
        file = client.get("/api/town/downloads/grid-1km_2023.csv")
        if file.status_code != 503:
            break
        time.sleep(int(file.headers["retry-after"]))  # as clients are told to while a file is made
    assert file.status_code == 200, file.text[:200]


def test_nothing_of_the_document_is_left_out(client: httpx.Client) -> None:
    told = client.get("/api/openapi.json").json()
    assert {(path, method.upper()) for path, methods in told["paths"].items() for method in methods} == set(OPERATIONS)
    assert len(OPERATIONS) > 30
    asked = {
        (path, one["name"])
        for path, methods in told["paths"].items()
        for operation in methods.values()
        for one in operation.get("parameters", ())
    }
    assert set(VALUES) <= {name for _, name in asked}, "names that are no parameters draw nothing"
    assert set(VALUES_AT) <= asked


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_no_operation_fails_and_each_answers_as_described(served: str, path: str, method: str) -> None:
    seen: set[int] = set()

    # Bodies are more than objects of anything: those that are answered, and near misses.
    bodies = st.sampled_from([*bodies_of(path), ...]) if method in ("POST", "PUT") else st.just(...)

    @given(case=SCHEMA[path][method].as_strategy(), body=bodies)
    @settings(max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any, body: Any) -> None:
        if body is not ...:
            case.body = body
        response = case.call(base_url=served, timeout=30)
        case.validate_response(response, checks=CHECKS)
        seen.add(response.status_code)

    sure = fitting(path, method)
    response = sure.call(base_url=served, timeout=30)
    sure.validate_response(response, checks=CHECKS)
    assert response.status_code == NOT_OK.get(f"{method} {path}", 200), response.text[:300]
    ask()
    assert 200 in seen or f"{method} {path}" in NOT_OK
