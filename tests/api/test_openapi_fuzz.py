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
from api.settings import Settings

# Names of things that are there beside some that are not; of all else the document's own schema decides.
PLACES = {
    "region": ["town", "town", "town", "nowhere", "TOWN"],
    "collection": ["grid-1km", "municipality", "h3-8", "nothing"],
    "item": ["west", "동구", "nothing"],
    "id": ["west", "동구", "nothing"],
    "z": [0, 8, 12, 23, -1],
    "y": [0, 90, 1440, 99999],
    "x": [0, 134, 2156, 99999],
    "file": ["grid-1km_2023.csv", "SHA256SUMS", "LICENSE.txt", "nothing", "..%2fmanifest.json"],
    "edition": ["0123456789abcdef", "f" * 16, "x"],
    "before": ["0123456789abcdef", "x"],
    "after": ["0123456789abcdef", "f" * 16],
    "column": ["net_tco2e", "id", "nix"],
    "columns": ["net_tco2e,held", "nix"],
    "properties": ["net_tco2e,held", "id", "nix"],
    "ids": ["west", "동구,west", "nothing", ","],
    "q": ["west", "47.14, 9.52", "-1", "9" * 30, "\x00"],
    "f": ["json", "html", "csv", "xml"],
    "item_id": ["municipality_2023", "x"],
}
BODIES: list[Any] = [
    {"type": "Polygon", "coordinates": [[[9.5, 47.1], [9.6, 47.1], [9.6, 47.2], [9.5, 47.1]]]},
    {"collection": "municipality", "ids": ["west"]},
    {"type": "Polygon", "coordinates": [[[9.5, 47.1], [9.6, 47.2]]]},
    {"type": "Point", "coordinates": [1, 2]},
    {"ids": []},
    [],
    None,
]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DOCUMENT = create_app(Settings(store=Path("nowhere"))).openapi()
OPERATIONS = [(path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods]


def described() -> Any:
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            for one in operation.get("parameters", ()):
                if one["name"] in PLACES:
                    one["schema"] = {"enum": PLACES[one["name"]]}
    return schemathesis.openapi.from_dict(DOCUMENT)


SCHEMA = described()


@pytest.fixture(scope="module")
def warm(client: httpx.Client) -> None:
    """What is compiled or made when it is first asked for is there: then no answer may be 503."""
    for _ in range(60):
        answers = [
            client.post("/api/town/statistics", json=BODIES[0], timeout=120),
            client.get("/api/town/downloads/grid-1km_2023.csv", timeout=120),
        ]
        if all(answer.status_code == 200 for answer in answers):
            return
        time.sleep(2)
    pytest.fail(f"the server does not get warm: {[answer.text[:200] for answer in answers]}")


def test_nothing_of_the_document_is_left_out(client: httpx.Client) -> None:
    told = client.get("/api/openapi.json").json()
    assert {(path, method.upper()) for path, methods in told["paths"].items() for method in methods} == set(OPERATIONS)
    assert len(OPERATIONS) > 30


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_no_operation_fails_and_each_answers_as_described(served: str, path: str, method: str) -> None:
    seen: set[int] = set()

    # Bodies are more than objects of anything: those that are answered, and near misses.
    bodies = st.sampled_from([*BODIES, ...]) if method == "POST" and path.endswith("/statistics") else st.just(...)

    @given(case=SCHEMA[path][method].as_strategy(), body=bodies)
    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any, body: Any) -> None:
        if body is not ...:
            case.body = body
        response = case.call(base_url=served, timeout=30)
        case.validate_response(response, checks=CHECKS)
        seen.add(response.status_code)

    ask()
    assert seen
